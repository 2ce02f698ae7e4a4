/* ledger: records that are probably one although their natural keys differ: two report cards of one person and disease a few days apart (重卡).
 * A register declares them (`similar`, docs/registers.md). They are told and never refused, because a person may fall ill twice: by
 * record_apply to whoever records or imports the later one, and as a list (desks/similar.h) until one of the two is settled. */
#ifndef TOCSIN_LEDGER_SIMILAR_H
#define TOCSIN_LEDGER_SIMILAR_H

#include "ledger/apply.h"
#include "ledger/catalog.h"

int similar_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);
/* table.c: the conditions of reg->similar, parsed. */
int similar_derive(struct arena *a, struct reg_table *t, int32_t zone_s, struct error *err);
/* Notes a record of this call, so that later ones of the call find it. Does nothing for registers that declare nothing. */
int similar_note(struct apply *x, struct entry *e, struct error *err);
/* The first record, in the store or in this call, that this one is probably the same as; 0 none. ret_rule: which of reg->similar says so. */
int similar_find(struct apply *x, const struct record *r, int64_t *ret, size_t *ret_rule, struct error *err);
/* Whether the cells that decide about it differ. */
bool similar_concerned(const struct register_decl *reg, const bool *changed);

#endif

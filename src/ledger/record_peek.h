/* ledger, private to record*.c and obligation*.c: a referenced record as the open transaction sees it. */
#ifndef TOCSIN_LEDGER_RECORD_PEEK_H
#define TOCSIN_LEDGER_RECORD_PEEK_H

#include "ledger/record.h"

/* NULL in ret when there is none. Lives until the call of record_apply that asked ends. Sealed cells stay sealed. */
int record_peek(struct ledger *l, const struct register_decl *reg, int64_t id, const struct record **ret, struct error *err);
/* The records of reg whose reference field f names this record, ascending by id, in the arena, as the open transaction sees them. Sealed cells stay sealed.
 * Cost: the records found when the field is indexed, else a look at all of the register. */
int record_referring(struct ledger *l, const struct register_decl *reg, size_t f, int64_t id, struct arena *a, struct record **ret, size_t *ret_n, struct error *err);
/* Of them those whose date or instant `field` is of the days [from, to). */
struct record_days {
    int field;
    day from, to;
};
int record_referring_days(struct ledger *l, const struct register_decl *reg, size_t f, int64_t id, const struct record_days *days, struct arena *a, struct record **ret, size_t *ret_n,
                          struct error *err);
/* The records of reg in this very region whose date or instant `field` (-1: not asked) is of the days [from, to). Same order, same cost. */
int record_of_region(struct ledger *l, const struct register_decl *reg, struct text region, const struct record_days *days, struct arena *a, struct record **ret,
                     size_t *ret_n, struct error *err);

#endif

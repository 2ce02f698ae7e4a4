/* ledger, private to record*.c: one call of record_apply. Records made or read in the call are entries; their cells are written at its end,
 * table by table, in batches. */
#ifndef TOCSIN_LEDGER_APPLY_H
#define TOCSIN_LEDGER_APPLY_H

#include "base/idmap.h"
#include "ledger/record.h"
#include "ledger/record_peek.h"
#include "ledger/table.h"

enum entry_write { ENTRY_CLEAN, ENTRY_INSERT, ENTRY_UPDATE, ENTRY_DELETE, ENTRY_NEVER /* made and removed in one call */ };

struct entry {
    struct record record;     /* values point into cells */
    const struct reg_table *t;
    struct value *cells;
    enum entry_write write;
    struct entry *next;       /* of the same table, in order of touching */
};

struct apply_table {
    struct entry *first, *last;
    struct idmap keys;        /* natural key -> id; asked keys that do not exist map to 0 */
    struct idmap exists;      /* ids known to be there */
    struct idmap similar;     /* hash of a `similar` key -> records of this call (similar.c) */
    bool concerns, concerns_known;
};

struct apply {
    struct ledger *l;
    const struct session *s;
    struct arena arena;
    int64_t first_id;
    struct entry **made;      /* by id - first_id */
    size_t made_cap;
    struct idmap loaded;      /* id -> entry, of records that were there before */
    struct idmap wrapped;     /* person -> struct text: the wrapped key of a person that may be changed */
    struct apply_table *tables;
    struct buf cells, before; /* scratch of journal entries */
    /* blind_new: of persons made in this call, so that the store cannot have them yet */
    struct buf_values { struct value *v; size_t n, cap; } blind_new, blind_add, blind_drop, keys_add;
};

int apply_entry(struct apply *x, const struct reg_table *t, int64_t id, struct entry **ret, struct error *err);
struct apply_table *apply_table_of(struct apply *x, const struct register_decl *reg);
int apply_flush(struct apply *x, struct error *err);
/* Sealing of one draft's or record's fields, blind indexes (record_seal.c). */
int seal_prepare(struct ledger *l, struct draft *d, struct arena *a, struct rng *secret, struct error *err);
int seal_person_key(struct apply *x, const struct record *r, struct vault_key *ret, struct error *err);
int seal_create(struct apply *x, struct draft *d, struct entry *e, struct error *err);
/* Compares a clear value with a sealed one; ret_same true when equal, else the new sealed value and the blind indexes follow. */
int seal_change(struct apply *x, const struct record *r, size_t field, struct value clear, struct value *ret_sealed, bool *ret_same, struct error *err);
int seal_remove(struct apply *x, const struct record *r, struct error *err);
void seal_context(const struct register_decl *reg, const struct field *f, int64_t id, char out[96]);
/* record.c */
/* linked false: before references are resolved; checks over references are left for later. */
int record_check(struct ledger *l, const struct register_decl *reg, const struct expr_scope *scope, bool linked, struct error *err);
/* The checks of a change: those whose `was` the record fulfilled before. */
int record_check_change(struct ledger *l, const struct register_decl *reg, const struct expr_scope *was, const struct expr_scope *is, struct error *err);
bool record_checks_wait(struct ledger *l, const struct register_decl *reg);
int record_required(const struct register_decl *reg, const struct value *values, bool copies_done, struct error *err);
bool record_natural_key(const struct register_decl *reg, struct text region, const struct value *values, int64_t *ret);
int values_add(struct apply *x, struct buf_values *b, const struct value *row, size_t n, struct error *err);

#endif

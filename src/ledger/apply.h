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
    const struct value *stored; /* as the store has them until the flush; NULL: a new one */
    enum entry_write write;
    struct entry *next;       /* of the same table, in order of touching */
    struct entry *same;       /* of the same table and person (record_refer.c) */
};

struct apply_table {
    struct entry *first, *last;
    struct idmap keys;        /* natural key -> id; asked keys that do not exist map to 0 */
    struct idmap exists;      /* ids known to be there */
    struct idmap held;        /* holder -> members there are (hold.c) */
    struct idmap of_person;   /* person -> its records of this register as the store has them (record_refer.c) */
    struct idmap people;      /* person -> its entries of this call, from `first` to `indexed` */
    const struct entry *indexed;
    size_t ahead;             /* of so many persons they were asked together the last time */
    struct idmap similar;     /* hash of a `similar` key -> records of this call (similar.c) */
    bool concerns, concerns_known;
    bool held_expected;       /* the holders of this call's drafts are in held */
    bool late;                /* drafts of this call have a key that waits for their references */
};

struct apply_lost {
    struct lookup_entry e;
    size_t at; /* how many were found before it was lost */
};

struct apply {
    struct ledger *l;
    const struct session *s;
    struct arena arena;
    int64_t first_id;
    struct entry **made;      /* by id - first_id */
    size_t made_cap;
    struct idmap loaded;      /* id -> entry, of records that were there before */
    int64_t *persons;         /* holders that were there before and that drafts are about, in their order, some perhaps twice */
    size_t n_persons;
    struct idmap person_at;   /* person -> its first place there */
    const struct tally_bound *told_for; /* the tally whose people were read already (tally_ahead) */
    struct idmap told;        /* person -> struct value[]: its row of that question */
    struct idmap wrapped;     /* person -> struct text: the wrapped key of a person that may be changed */
    struct apply_table *tables;
    struct buf cells, before; /* scratch of journal entries */
    struct buf_values { struct value *v; size_t n, cap; } keys_add;
    /* what the lookup gains and loses, in order: the last word on an entry counts */
    struct lookup_entry *found;
    struct apply_lost *lost;
    size_t n_found, cap_found, n_lost, cap_lost;
};

/* Walking over a batch of drafts: those a few steps ahead are asked for, first what leads to their cells, then the cells. */
void apply_near(struct draft *const *drafts, size_t n, size_t i);
int apply_entry(struct apply *x, const struct reg_table *t, int64_t id, struct entry **ret, struct error *err);
/* These records, read into the call's arena just now (record_referring), will be changed one by one: they are not read again, and the duties of whom they are
 * about and their own are read together. */
int apply_expect(struct apply *x, const struct reg_table *t, const struct record *list, size_t n, struct error *err);
struct apply_table *apply_table_of(struct apply *x, const struct register_decl *reg);
/* Rows of `head IN (ids) tail` (db_query_in); ids are sorted in place. */
int apply_fetch(struct apply *x, const char *head, const char *tail, int64_t *ids, size_t n, int (*visit)(struct apply *x, const struct value *row, void *arg, struct error *err), void *arg,
                struct error *err);
int apply_flush(struct apply *x, struct error *err);
/* One change, all or nothing (record_apply.c). */
int apply_change(struct apply *x, struct draft *d, int64_t id, struct error *err);
bool apply_may_move(const struct register_decl *reg, const struct session *s, int from, int to, struct text region);
/* Errors that are the draft's own; anything else ends the batch. */
bool apply_is_result(int code);
/* record_effect.c */
/* What a record does to the one it names, or to those of its person, as declared: when it is made (before NULL), when it changes so that it says so now, when it
 * goes; and what others of its person do to it when it is made. Where the target has no such move, or it is guarded, nothing happens. */
int apply_effects(struct apply *x, const struct record *r, const struct record *before, bool gone, struct error *err);
/* A cell that another record was given from this one, and that still says so, says what this one says now. */
int apply_copies_follow(struct apply *x, const struct record *r, const struct record *before, struct error *err);
/* record_key.c */
/* Fills cells that are not given from the records they are declared to come from. */
int apply_copies(struct apply *x, const struct reg_table *t, struct value *values, bool *ret_any, struct error *err);
/* A record that refers to another one now: what was copied, unless it has its own word or the draft says it, is what the new one says; empty where that says nothing. How many
 * cells changed goes onto n. Not whose the record is. */
int apply_copies_turn(struct apply *x, const struct draft *d, const struct record *before, struct record *now, bool *changed, int *n, struct error *err);
int apply_late_key(struct apply *x, struct draft *d, struct error *err);
/* Which of these keys have a record: read together into the table's keys. */
int apply_keys_fetch(struct apply *x, const struct reg_table *t, const int64_t *keys, size_t n, struct error *err);
int apply_late_keys_fetch(struct apply *x, struct draft **drafts, size_t n, struct error *err);
/* Who has the key; 0 nobody. only_new: the key names a record made in this very call, so the store cannot have it. */
int apply_key(struct apply *x, const struct register_decl *reg, int64_t key, bool only_new, int64_t *ret, struct error *err);
bool apply_names_new(const struct apply *x, const struct draft *d);
int apply_key_forget(struct apply *x, const struct register_decl *reg, int64_t key, int64_t id, struct error *err);
int apply_rekey(struct apply *x, const struct draft *d, const struct record *before, struct record *now, struct error *err);
/* Sealing of one draft's or record's fields, blind indexes (record_seal.c). */
int seal_prepare(struct ledger *l, const struct reg_table *t, struct draft *d, struct arena *a, struct rng *secret, struct error *err);
int seal_person_key(struct apply *x, const struct record *r, struct vault_key *ret, struct error *err);
int seal_create(struct apply *x, struct draft *d, struct entry *e, struct error *err);
/* Compares a clear value with a sealed one; ret_same true when equal, else the new sealed value and the blind indexes follow. */
int seal_change(struct apply *x, const struct record *r, size_t field, struct value clear, struct value *ret_sealed, bool *ret_same, struct error *err);
/* A change after which the record is about another person (wanted): its sealed cells are sealed with the key of that one. One that nobody can open any more is emptied. */
int seal_move(struct apply *x, const struct field_list *sealed, const struct record *r, struct value *wanted, bool *changed, struct error *err);
/* The clear text of a sealed cell, empty when it has none; in the batch's arena. */
int seal_open(struct apply *x, const struct record *r, size_t field, struct text *ret, struct error *err);
/* record_aside.c: of a change, after `wanted` and `changed` are filled in: what is given and not taken over is noted in d->aside_to. */
int apply_aside(struct apply *x, struct draft *d, const struct record *r, struct value *wanted, bool *changed, struct error *err);
int seal_remove(struct apply *x, const struct record *r, struct error *err);
void seal_context(const struct register_decl *reg, const struct field *f, int64_t id, char out[96]);
/* record_refer.c: fields that lead to somebody else than whom the record is about (other_person), of those written now; old: NULL of a new record. */
int apply_others(struct apply *x, const struct draft *d, const struct value *values, const struct value *old, struct error *err);
/* record.c */
/* linked false: before references are resolved; checks over references are left for later. */
int record_check(struct ledger *l, const struct register_decl *reg, const struct expr_scope *scope, bool linked, struct error *err);
/* The checks of a change: those whose `was` the record fulfilled before. */
int record_check_change(struct ledger *l, const struct register_decl *reg, const struct expr_scope *was, const struct expr_scope *is, struct error *err);
bool record_checks_wait(struct ledger *l, const struct register_decl *reg);
int record_required(const struct reg_table *t, const struct value *values, const uint32_t *links, bool copies_done, struct error *err);
int values_add(struct apply *x, struct buf_values *b, const struct value *row, size_t n, struct error *err);
/* The record is found by this value from now on, or no longer. */
int apply_finds(struct apply *x, struct lookup_kind kind, int64_t value, int64_t id, struct error *err);
int apply_loses(struct apply *x, struct lookup_kind kind, int64_t value, int64_t id, struct error *err);

#endif

/* ledger, private to obligation*.c: the book of one transaction. */
#ifndef TOCSIN_LEDGER_BOOK_H
#define TOCSIN_LEDGER_BOOK_H

#include "base/idmap.h"
#include "ledger/obligation.h"

struct book_row {
    struct obligation o; /* first: book_touch casts back */
    struct book_row *next, *next_changed;
    bool dirty;  /* in the list of changed rows */
    bool stored; /* the store has it */
    bool gone;   /* to be deleted */
    bool anew;   /* facts that were there before may pay or cancel it */
    bool redo;   /* a fact that paid it does so no more: what the others pay is worked out from nothing */
    bool timed;  /* the time of a fact that paid it was corrected: late or not is worked out too */
    bool again;  /* what had cancelled it does so no more: its record is looked at again */
};

struct book_slot {
    int64_t holder; /* 0: empty slot */
    struct book_row *rows;
    size_t n;
    int64_t next; /* id of its next duty */
    bool loaded;
    bool fresh;   /* made in this transaction: the store has neither duties nor facts of it */
    bool told;    /* a fact of it was told in this transaction */
};

struct organisation_entry {
    struct text region, department;
    int64_t id;
};

/* Columns of the table `duty`, in its order. */
enum duty_column {
    DU_ID, DU_REGION, DU_RECORD, DU_KIND, DU_OCCURRENCE, DU_OWNER_KIND, DU_OWNER_STEP, DU_OWNER, DU_OWNER_REGION, DU_RAISED_AT, DU_ANCHOR,
    DU_OWED, DU_PAID, DU_MISSED, DU_DUE_AT, DU_WAKE_AT, DU_LEVEL, DU_STATE, DU_CLOSED_AT, DU_LATE, DU_PAID_BY, DU_COLUMNS
};
/* The columns owner_kind .. paid_by, which stand in the same order here and in obligation_columns, but region of who owes and state: those are kept in other words. */
void obligation_cells(const struct value *from_owner_kind, struct obligation *ret);
/* The word of a state kept as a number. */
struct text duty_state(int64_t number);

/* A page of holders is looked at together by the clock (duty_wake). Open duties for which nothing more happens by itself have WAKE_NEVER. */
enum { DUTY_COUNT = 65536 /* duties a holder ever has */, DUTY_PAGE = 16, LOOK_AGAIN_S = 30 * DAY_S, KINDS_RECENT = 64 };
#define WAKE_NEVER ((instant)253402300799)

/* Who owes by a chain of owners that asks only for the region: the same for all records of a region. */
struct owner_memo {
    const struct owner_rule *chain;
    char region[REGION_MAX + 1];
    size_t n_region;
    int kind, step;
    int64_t id;
    struct text body;  /* region of a department's body, in `owners`; empty: the first n_owner bytes of the record's own */
    size_t n_owner;
};
enum { OWNER_MEMOS = 64 };

struct obligation_book {
    struct arena arena; /* a transaction */
    struct book_slot *slots;
    size_t n_slots, used;
    struct book_row *changed;
    bool anew;               /* some row is anew, redo or again */
    struct arena owners; /* organisations, until owner_forget */
    struct organisation_entry *organisations; /* sorted by department, region */
    size_t n_organisations;
    bool organisations_known;
    struct owner_memo memos[OWNER_MEMOS];
    int64_t adoptions_read;   /* under which the memos and ties hold */
    struct book_ties {
        uint64_t fields;      /* references by which a record of it may pay or cancel what the record it names owes */
        bool known, region;   /* worked out; it may pay what its region owes */
    } *ties;                  /* by register */
    struct arena kinds_arena;
    struct duty_kind **kinds; /* ascending by id */
    size_t n_kinds, cap_kinds;
    struct duty_kind *kinds_recent[KINDS_RECENT];
    bool kinds_made; /* in this transaction */
};

/* How states are written. */
enum duty_phase { DUTY_OPEN, DUTY_STANDING, DUTY_PAID, DUTY_LAPSED, DUTY_CANCELLED };

/* ---- counters that a write moves (obligation_count.c). Zero-initialise. */
struct duty_counts {
    struct arena arena;
    struct idmap by;
    struct counted **list;
    size_t n, cap;
};
void duty_cell_of(const struct obligation *o, int state, int64_t kind, struct duty_cell *ret);
/* From one cell to another; NULL: there was none, there is none. Texts live until duty_counts_write. */
int duty_counts_move(struct duty_counts *d, const struct duty_cell *from, const struct duty_cell *to, struct error *err);
int duty_counts_write(struct ledger *l, struct duty_counts *d, struct error *err);
void duty_counts_clear(struct duty_counts *d);

void book_kinds_forget(struct obligation_book *b);
/* The kind of a duty, made when new. */
int obligation_kind(struct ledger *l, const struct obligation *o, const struct duty_kind **ret, struct error *err);
extern const char *const duty_pages_sql, *const duty_due_sql;
/* ?1 .. ?n as a table h, whose one column is "column1". */
int duty_values_sql(struct buf *sql, size_t n);
/* All duties of ?1 .. ?n; 0 stands for nobody. */
int duty_of_holders_sql(struct buf *sql, enum db_kind kind, size_t n);
/* Gives a new duty of its holder the next id. */
int obligation_number(struct obligation *o, int64_t *next, struct error *err);

int book_slot_of(struct ledger *l, int64_t holder, struct book_slot **ret, struct error *err);
int book_add(struct ledger *l, const struct obligation *o, struct error *err);
/* Drops what was worked out from adoptions that have been read anew since. */
void book_memos_check(struct ledger *l);
/* The fact pays the duty, or cancels it; when it changed from `before` so that it does no more, the row says so (obligation_fact.c). */
void book_pay(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct obligation *o);
/* The state that follows from the masks. */
void book_close_if_done(struct obligation *o, instant now);
/* Rows of these holders that are anew or redo are paid by the facts that are there, the records of those that are again are looked at again (obligation_follow.c). */
int book_catch_up(struct ledger *l, const struct session *s, const int64_t *holders, size_t n, struct error *err);
/* All records of r's register about the holder are looked at again as they are: what r held for the others (per_person) is theirs now. Of a holder who is no person,
 * those of r's day and later. */
int book_others(struct ledger *l, const struct session *s, const struct record *r, int64_t holder, struct error *err);
/* Duties that no fact raised, just made (a day's own, by standing ones; those of another plan): facts may have been told before. Asked together, rule by rule. */
int book_told_before(struct ledger *l, const struct session *s, struct book_row *const *made, size_t n, struct error *err);
/* The disease of a record was corrected: duties of records that have their disease from it go with it. */
int book_follow(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct error *err);

/* The disease that a record itself names, or one that it refers to; empty: neither (obligation_plan.c). */
struct text book_disease(struct ledger *l, const struct record *r, int *ret_rc, struct error *err);
/* The plan that a record stands under; NULL in ret: none. */
int book_plan(struct ledger *l, const struct session *s, const struct record *r, const struct adoption **ret, struct error *err);

#endif

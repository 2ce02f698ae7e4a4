/* ledger: people counted as they are written. A register may declare (`tally`) that people are counted once in each of something, by where and what they are: who has a swab in a
 * round, by street, building and occupation. The counts move in the transaction of whatever moves them (a swab, its correction or removal, a person who moves house or is merged), so
 * that nobody has to look at a city's swabs to say how far it is. They are worked out from the records (tally_rebuild), and hold nothing else.
 *
 * Table of register R: R_tally(within, region, each `by`, day, n). within: id of what people are counted in; 0: everybody on record, on day 0. day: that of their first one (civil day).
 * A cell not given is ''. Rows with n = 0 may stay. Private to record*.c, obligation_count.c (which adds) and ledger.c but for the reading of the table by desks. */
#ifndef TOCSIN_LEDGER_TALLY_H
#define TOCSIN_LEDGER_TALLY_H

#include "ledger/apply.h"

enum { TALLY_BY_MAX = 4 };

struct tally_bound {
    const struct register_decl *members, *people;
    int person, within, at;          /* fields of the member */
    int left_out;                    /* field of the person: who has it counts nowhere (merged into another); -1 none */
    size_t n_by;
    int by[TALLY_BY_MAX];            /* fields of the person */
    struct db_table table;
};

/* Reads `tally` of a declaration. */
int tally_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);
/* Finds what it names, when all registers are there; an error names the declaration's line. */
int tally_bind(struct arena *a, struct reg_table *t, struct error *err);

/* Around the flush of one call of record_apply: whom it concerns and what they counted for until now; then the difference is written. Cost of a member that is made: a look at one index entry. */
struct tally_change;
int tally_before(struct apply *x, struct tally_change **ret, struct error *err);
int tally_after(struct apply *x, struct tally_change *t, struct error *err);

/* People whom a batch names are asked once whether they are there and what they count for (record_fetch.c): the columns of that question, the id first, false where no tally counts
 * this register; and a row of its answer, kept for tally_before. */
bool tally_ahead(struct apply *x, const struct register_decl *people, struct buf *columns);
int tally_tell(struct apply *x, const struct value *row, struct error *err);

/* Adds n (the last column) of these rows to a table of counters; each key once. */
int tally_add(struct db *db, const struct db_table *t, const struct value *rows, size_t n, struct error *err);

/* Counts anew, these, those of ledger/count.h and duties (ledger/obligation.h), inside the open write transaction: a look at everybody. */
int tally_rebuild(struct ledger *l, struct error *err);
/* How many counts differ from what the records say: 0, always. */
int tally_differs(struct ledger *l, struct db *db, int64_t *ret, struct error *err);
/* What is declared, as one word of at most max bytes: another one than the store was counted by asks for tally_rebuild. */
int tally_edition(const struct ledger *l, struct buf *ret, struct error *err);

#endif

/* ledger: records counted as they are written, by cells of their own. A register may declare (`counts`) that its records are counted in what they refer to: the tubes of a round by
 * state, the results by outcome and hour, how long they were on their way. Like the tally of people (ledger/tally.h) the counts move in the transaction of whatever moves them and are
 * worked out from the records; a count needs nothing but the record before and after, so it costs no look at the store.
 *
 * Table of register R: R_count(within, what, region, word, slot, span, n). within: id of what they are counted in; what: the name of the count; word: the cell `by` says, '' without;
 * slot: the beginning (instant) of the slot of `every` seconds, counted from local midnight, that `at` lies in; span: seconds from `since` to `at`, rounded down by count_span, 0 without.
 * A record counts while `at` is given, and, with `since`, while that is given and not after it. n: records, with `sum` that cell of theirs. Rows with n = 0 may stay.
 * Private to record*.c, tally.c and the declarations but for count_span_middle and the reading of the table by desks. */
#ifndef TOCSIN_LEDGER_COUNT_H
#define TOCSIN_LEDGER_COUNT_H

#include "ledger/apply.h"

struct count_bound {
    int within, at, since, by, sum; /* fields; by: COUNT_STATE the state; -1 none */
};
enum { COUNT_STATE = -2 };

/* Reads `counts` of a declaration. */
int count_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);
/* Finds what it names, and the table; an error names the declaration's line. */
int count_bind(struct arena *a, struct reg_table *t, struct error *err);
/* Before the flush of one call of record_apply: writes the difference that its entries make. */
int count_write(struct apply *x, struct error *err);
/* Appends a SELECT of the table's rows as the records say, n times `sign`. */
void count_sql(const struct reg_table *t, int32_t zone_s, int sign, struct buf *sql);

/* Spans keep their five leading bits: the lower end of a step. Its middle is within 3.2 percent of what lies in it. */
int64_t count_span(int64_t seconds);
int64_t count_span_middle(int64_t span);

#endif

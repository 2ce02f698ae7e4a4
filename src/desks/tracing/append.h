/* desks/tracing: visits as they come in, from a door that takes them one by one or by the thousand: cells into rows of the store. Who may append is decided here. */
#ifndef TOCSIN_DESKS_TRACING_APPEND_H
#define TOCSIN_DESKS_TRACING_APPEND_H

#include "desks/tracing/inside.h"

/* Rows on their way; zero but v and how (its list of kinds outlives them). */
struct tracing_rows {
    struct visits *v;
    struct ledger *l;    /* asked for the card of a place that is new; NULL: none is. A caller's reader: set anew for each call that adds */
    struct tracing_how how;
    struct visit *rows;
    size_t *given;       /* beside each: which row of the sender it is; two who were near each other are one */
    size_t n, cap, cap_given;
};
/* A row of a table (tracing_header, tracing_row_read), checked and named. E_INVALID with the column; then nothing was added. Any thread. */
int tracing_rows_add(struct tracing_rows *x, const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, size_t given, struct error *err);
/* After the store has refused them all (E_REFUSED): takes out those that touch a forgotten day and tells each sender's row, in order; the others may be sent again. *ret: how many rows went. */
int tracing_rows_sift(struct tracing_rows *x, int (*gone)(void *arg, size_t given), void *arg, size_t *ret, struct error *err);
void tracing_rows_clear(struct tracing_rows *x);
/* Whoever may write contacts anywhere may send visits (a door of scans has an account or token of that right); of forgetting, in the node's region. Pure. */
int tracing_may_append(const struct catalog *c, const struct session *s, struct error *err);
int tracing_may_forget(const struct catalog *c, const struct session *s, struct text region, struct error *err);

#endif

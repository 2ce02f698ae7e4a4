/* doors/http: a line of requests that wait, without a thread, until one thread asks the store for many of them at once. A question of its own for each costs some
 * round trips on PostgreSQL, and a snapshot on SQLite; together they cost hardly more than one. From handlers (own results, swabs); below: account/pool for the thread. */
#ifndef TOCSIN_DOORS_HTTP_LINE_H
#define TOCSIN_DOORS_HTTP_LINE_H

#include "doors/http/request.h"

enum { LINE_TOGETHER_MAX = 256 };

struct line;
struct line_options {
    struct accounts *accounts;
    const struct ledger_options *ledger; /* of the ledger to read from */
    size_t together;                     /* at most so many are asked for at once; 0: LINE_TOGETHER_MAX */
    /* On the line's thread: every request of the list is woken (request_wake), or handed on to who will wake it. */
    void (*ask)(struct ledger *l, struct request **list, size_t n);
};
int line_open(const struct line_options *o, struct line **ret, struct error *err);
void line_stop(struct line *x);  /* whoever waits is asked for still, whoever comes is told that it is over; any thread may come until line_close */
void line_close(struct line *x);

/* The request sleeps behind those who wait already; when it is woken `then` runs, as after request_submit. E_BUSY, and nothing has happened: too many wait, or the server stops. */
int line_up(struct line *x, struct request *r, int (*then)(struct request *r, struct error *err), struct error *err);
void line_wake(struct request **list, size_t n, int rc, const struct error *err);

#endif

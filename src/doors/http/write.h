/* doors/http: writing. A handler hands its drafts (or a desk's function) to the ledger's queue and returns at once; the connection sleeps without a
 * thread; after the commit `then` runs on a thread of the pool with the outcome in r->rc and r->error, and answers. */
#ifndef TOCSIN_DOORS_HTTP_WRITE_H
#define TOCSIN_DOORS_HTTP_WRITE_H

#include "doors/http/request.h"

/* Drafts of the request's arena, of http_catalog. key: Idempotency-Key is taken from the header unless each. Returns what a handler returns; `then`
 * runs also when the submission was refused (r->rc < 0): it may just return r->rc and the problem is made from r->error. */
int request_submit(struct request *r, struct draft **drafts, size_t n, bool each, int (*then)(struct request *r, struct error *err), struct error *err);
/* For a request that sleeps already (line.h), each draft by itself: what it sleeps for runs after the commit. */
void request_hand_on(struct request *r, struct draft **drafts, size_t n);
/* The same row by row and without keeping anything: outcomes are as they would be. */
int request_try(struct request *r, struct draft **drafts, size_t n, int (*then)(struct request *r, struct error *err), struct error *err);
/* Runs a desk's function on the writer's ledger between two batches (a merge, an adoption, a look at a sealed field). Short ones only: everybody waits. */
int request_call(struct request *r, int (*run)(struct ledger *l, void *request, struct error *err), int (*then)(struct request *r, struct error *err),
                 struct error *err);
/* Looks at what is sealed: the answer is there already, and goes out only when all of them are in the journal. */
struct look {
    const struct register_decl *reg; /* of any catalog */
    int64_t id;
};
int request_looked(struct request *r, const struct look *looks, size_t n, struct error *err); /* looks: in the arena */
/* For handlers that wait for something else (a job, an event): request_sleep, then from any thread request_wake once; then `then` runs. */
int request_sleep(struct request *r, int (*then)(struct request *r, struct error *err));
void request_wake(struct request *r, int rc, const struct error *err);

/* The route's handler on a thread for what takes long; for a route with ROUTE_ASIDE. E_BUSY when too many wait. */
int request_aside(struct request *r, struct error *err);

#endif

/* ledger, private to queue.c: commits are synced and answered beside the writer. The writer hands over what it has committed (store/db.h: db_lazy) and goes
 * on with the next batch; a thread here waits for the disk, tells who must know, and answers. Two threads, because a sync that has begun does not
 * cover what is committed during it, and a disk takes two at once in the time of one. Submissions are chained by their `next`. */
#ifndef TOCSIN_LEDGER_SETTLE_H
#define TOCSIN_LEDGER_SETTLE_H

#include "ledger/queue.h"

struct settler;
struct settle_options {
    void (*settled)(void *arg); /* after every sync and before its answers */
    void (*answer)(void *arg, struct submission *s, const struct error *e); /* e: of the sync when it failed, else the submission's own */
    void *arg; /* of both */
};
/* Connections of its own. Owned: settler_stop. */
int settler_start(struct ledger *l, const struct settle_options *o, struct settler **ret, struct error *err);
/* Committed; from now on the settler's. */
void settler_put(struct settler *s, struct submission *first, struct submission *last);
/* E_IO for ever after a sync failed whose outcome no later one can tell: nothing may be committed any more. */
int settler_check(struct settler *s, struct error *err);
/* Answers all that was put, then frees. NULL is fine. */
void settler_stop(struct settler *s);

#endif

/* ledger: many submitters, one writer. A commit costs a disk sync whether it carries one record or a thousand; so one thread owns the ledger,
 * takes everything that waits, applies it as one batch and commits once; another (settle.h) waits until the commit is on disk and then answers
 * everybody, while the next batch is applied. Alone, or with a few, a submitter waits for one sync and nothing else; among many, a batch begins when
 * two thirds of those who are usually inside have come, or a moment after the last one began, so that they share fewer commits. Others may see a
 * record before its submitter is answered, as they may of any commit that is on its way. Above: the HTTP API. Below: record_apply, repeat.h.
 *
 * Each submission stands or falls alone. A rejected draft is the result of its submission only; where the batch itself fails before the commit,
 * each submission is tried alone. A commit that fails is told to all of the batch: nobody is told "done" before it is on disk. When the store
 * went away during the commit the outcome is unknown, and a submission with a key (repeat.h) may simply be sent again. */
#ifndef TOCSIN_LEDGER_QUEUE_H
#define TOCSIN_LEDGER_QUEUE_H

#include "ledger/record.h"

struct ledger_queue;

struct queue_options {
    size_t waiting_max; /* submissions that may wait; one more is E_BUSY (0: 4,096) */
    size_t drafts_max;  /* drafts in one transaction; a larger submission runs alone (0: 4,000) */
    int64_t gather_us;  /* from the beginning of one batch to that of the next, at most, while others are awaited (0: 900) */
    /* On a thread of the queue when commits have reached the disk, before their answers: short, never waiting (feed_wake). NULL: nobody. */
    void (*committed)(void *arg);
    void *committed_arg;
};

/* One request. Filled by the submitter, who keeps it, its session and its drafts until done was called; zero what is not used. */
struct submission {
    const struct session *session;
    struct draft **drafts;      /* results are in them when done is called; `links` count within the submission */
    size_t n;
    struct arena *arena;        /* of the drafts: what prepare makes goes there */
    struct text key;            /* the client's own key, empty: none; then a repeated request gets the first answer */
    bool each;                  /* drafts may be rejected one by one, rc is 0 (needs an empty key); false: all or none, rc says why none */
    bool dry;                   /* applied and rolled back: outcomes are as they would be, nothing is kept (needs an empty key) */
    /* Called once on a thread of the queue, when it is on disk or has failed: short, never waiting for the queue. It may free the submission. */
    void (*done)(void *arg, int rc, const struct error *err);
    void *arg;
    int (*run)(struct ledger *l, void *arg, struct error *err); /* for ledger_queue_post */
    /* the queue's own */
    struct submission *next;
    int64_t tag;
    bool alone, mixed, answered;
    struct error error;
};

/* From now on the ledger belongs to the queue: nobody else may use it for writing until ledger_queue_stop (readers have connections of
 * their own: ledger_reader). */
int ledger_queue_start(struct ledger *l, const struct queue_options *o, struct ledger_queue **ret, struct error *err);
/* Prepares on the caller's thread and hands over; from any thread, never waits. Negative (then done is not called): a draft that is refused
 * already (unless `each`), E_BUSY when the queue is full or stops, E_USAGE. */
int ledger_submit(struct ledger_queue *q, struct submission *s, struct error *err);
/* Submits and waits for the commit; done and arg are not used. The first rejected draft's error is the result. */
int ledger_submit_wait(struct ledger_queue *q, struct submission *s, struct error *err);
/* Runs a desk's function (adopt a policy, merge persons, a pass of the clock) on the ledger between two batches, and waits. The function
 * opens and ends its own transactions. */
int ledger_queue_call(struct ledger_queue *q, int (*run)(struct ledger *l, void *arg, struct error *err), void *arg, struct error *err);
/* The same without waiting: s->run gets s->arg on the queue's thread, then s->done gets it with the outcome. Only these three are used. Negative
 * (then done is not called): E_BUSY when the queue is full or stops. */
int ledger_queue_post(struct ledger_queue *q, struct submission *s, struct error *err);
/* Submissions that wait now. */
size_t ledger_queue_waiting(struct ledger_queue *q);
/* Takes no more (E_BUSY), finishes what waits, gives the ledger back. NULL is fine. */
void ledger_queue_end(struct ledger_queue *q);
/* Ends and frees: nobody may ask it any more. NULL is fine. */
void ledger_queue_stop(struct ledger_queue *q);

struct queue_counts {
    int64_t submissions, drafts, commits, retries; /* retries: submissions run alone after their batch failed */
};
void ledger_queue_counts(struct ledger_queue *q, struct queue_counts *ret);

#endif

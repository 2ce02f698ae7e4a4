/* store: the group-commit writer. One thread owns the write connection; callers hand it commands and are told
 * when what they asked for is on disk. It takes everything that is waiting (at most `batch_max`), runs each
 * in a savepoint of one transaction, commits once, then answers them all. A failed command undoes itself
 * alone. The batch size adapts by itself; there is no timer. When the commit fails every command of the batch
 * is answered with that error. */
#ifndef TOCSIN_STORE_WRITER_H
#define TOCSIN_STORE_WRITER_H

#include "store/db.h"

struct writer;

/* run: called on the writer thread inside the transaction; a negative result undoes what it did. done: called
 * on the writer thread after the commit (rc 0) or failure; it must be short and may free arg. */
struct writer_command {
    int (*run)(struct db *db, void *arg, struct error *err);
    void (*done)(void *arg, int rc, const struct error *err);
    void *arg;
};

struct writer_options {
    size_t queue_max; /* waiting commands; a full queue is E_BUSY (0: 4,096) */
    size_t batch_max; /* commands a transaction (0: 1,000) */
    /* before the first command of a transaction and before its commit; may be NULL */
    int (*begin)(struct db *db, void *context, struct error *err);
    int (*commit)(struct db *db, void *context, struct error *err);
    void (*abort)(void *context);
    void *context;
};

/* db is given: the writer closes it. */
int writer_start(struct db *db, const struct writer_options *options, struct writer **ret, struct error *err);
/* Never blocks. E_BUSY when the queue is full or the writer is stopping: then neither run nor done is called.
 */
int writer_submit(struct writer *w, struct writer_command command, struct error *err);
/* Submits and waits for the commit. */
int writer_run(struct writer *w, int (*run)(struct db *, void *, struct error *), void *arg,
               struct error *err);
/* Commits what is queued, then stops and frees. */
void writer_stop(struct writer *w);

#endif

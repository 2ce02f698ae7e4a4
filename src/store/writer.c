/* The group-commit writer. A commit costs a disk sync whether it carries one command or a thousand; so
 * everything that waits while one commit runs goes into the next. */
#include "store/writer.h"

#include <pthread.h>
#include <string.h>

enum { QUEUE_MAX = 4096, BATCH_MAX = 1000 };

struct writer {
    struct db *db;
    struct writer_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* under lock */
    struct writer_command *queue; /* a ring */
    size_t first, n;
    bool stopping;
    /* the writer thread's own */
    struct writer_command *batch;
    struct error *errors; /* of each command of the batch; code 0 when it did well */
};

static int out_of_memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "out of memory");
}

/* ---- one batch */

/* Runs one command in a savepoint. Its own failure lands in *own; a negative result ends the whole batch. */
static int run_command(struct db *db, const struct writer_command *c, struct error *own, struct error *err) {
    int rc = db_savepoint(db, err);
    if (rc < 0) return rc;
    rc = c->run(db, c->arg, own);
    if (rc >= 0) {
        own->code = 0;
        rc = db_savepoint_release(db, own);
        if (rc == 0) return 0;
    }
    if (!own->code) error_set(own, rc, NULL, "%s", error_text(rc));
    struct error why = {0};
    rc = db_savepoint_rollback(db, &why);
    if (rc == 0) return 0;
    /* the transaction itself is gone; what broke it is the better answer */
    *err = *own;
    return rc;
}

static int run_batch(struct writer *w, size_t n, struct error *err) {
    const struct writer_options *o = &w->options;
    int rc = db_begin(w->db, err);
    if (rc < 0) return rc;
    if (o->begin) rc = o->begin(w->db, o->context, err);
    for (size_t i = 0; i < n && rc >= 0; i++) rc = run_command(w->db, &w->batch[i], &w->errors[i], err);
    if (rc >= 0 && o->commit) rc = o->commit(w->db, o->context, err);
    if (rc >= 0) rc = db_commit(w->db, err);
    if (rc >= 0) return 0;
    if (!err->code) error_set(err, rc, NULL, "%s", error_text(rc));
    db_rollback(w->db);
    if (o->abort) o->abort(o->context);
    return rc;
}

static size_t take(struct writer *w) {
    pthread_mutex_lock(&w->lock);
    while (!w->n && !w->stopping) pthread_cond_wait(&w->wake, &w->lock);
    size_t n = w->n < w->options.batch_max ? w->n : w->options.batch_max;
    for (size_t i = 0; i < n; i++) {
        w->batch[i] = w->queue[w->first];
        w->first = (w->first + 1) % w->options.queue_max;
    }
    w->n -= n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void *writer_main(void *arg) {
    struct writer *w = arg;
    size_t n;
    while ((n = take(w)) > 0) {
        struct error err = {0};
        for (size_t i = 0; i < n; i++) {
            w->errors[i].code = 0;
            w->errors[i].message[0] = w->errors[i].where[0] = '\0';
        }
        int rc = run_batch(w, n, &err);
        for (size_t i = 0; i < n; i++) {
            const struct error *e = rc < 0 ? &err : &w->errors[i];
            w->batch[i].done(w->batch[i].arg, e->code, e);
        }
    }
    return NULL;
}

/* ---- from outside */

static void writer_free(struct writer *w) {
    if (!w) return;
    db_close(w->db);
    mem_free(w->queue);
    mem_free(w->batch);
    mem_free(w->errors);
    mem_free(w);
}

int writer_start(struct db *db, const struct writer_options *options, struct writer **ret,
                 struct error *err) {
    struct writer *w = mem_alloc(sizeof *w);
    if (!w) {
        db_close(db);
        return out_of_memory(err);
    }
    w->db = db;
    if (options) w->options = *options;
    if (!w->options.queue_max) w->options.queue_max = QUEUE_MAX;
    if (!w->options.batch_max) w->options.batch_max = BATCH_MAX;
    w->queue = mem_alloc(w->options.queue_max * sizeof *w->queue);
    w->batch = mem_alloc(w->options.batch_max * sizeof *w->batch);
    w->errors = mem_alloc(w->options.batch_max * sizeof *w->errors);
    if (!w->queue || !w->batch || !w->errors) {
        writer_free(w);
        return out_of_memory(err);
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        writer_free(w);
        return error_set(err, E_BUSY, NULL, "no thread for the writer: %s", strerror(rc));
    }
    *ret = w;
    return 0;
}

int writer_submit(struct writer *w, struct writer_command command, struct error *err) {
    pthread_mutex_lock(&w->lock);
    bool full = w->n == w->options.queue_max, stopping = w->stopping;
    if (!full && !stopping) {
        w->queue[(w->first + w->n) % w->options.queue_max] = command;
        if (w->n++ == 0) pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (stopping) return error_set(err, E_BUSY, NULL, "the writer is stopping");
    if (full) return error_set(err, E_BUSY, NULL, "%zu commands wait already", w->options.queue_max);
    return 0;
}

struct wait {
    int (*run)(struct db *, void *, struct error *);
    void *arg;
    struct error error;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static int wait_run(struct db *db, void *arg, struct error *err) {
    struct wait *wait = arg;
    return wait->run(db, wait->arg, err);
}

static void wait_done(void *arg, int rc, const struct error *err) {
    struct wait *wait = arg;
    pthread_mutex_lock(&wait->lock);
    if (rc < 0) wait->error = *err;
    wait->done = true;
    pthread_cond_signal(&wait->wake);
    pthread_mutex_unlock(&wait->lock);
}

int writer_run(struct writer *w, int (*run)(struct db *, void *, struct error *), void *arg,
               struct error *err) {
    if (pthread_equal(pthread_self(), w->thread))
        return error_set(err, E_USAGE, NULL, "a command must not wait for another command");
    struct wait wait = {.run = run, .arg = arg};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_cond_init(&wait.wake, NULL);
    int rc = writer_submit(w, (struct writer_command){wait_run, wait_done, &wait}, err);
    if (rc == 0) {
        pthread_mutex_lock(&wait.lock);
        while (!wait.done) pthread_cond_wait(&wait.wake, &wait.lock);
        pthread_mutex_unlock(&wait.lock);
        rc = wait.error.code;
        if (rc < 0)
            error_set(err, rc, wait.error.where[0] ? wait.error.where : NULL, "%s", wait.error.message);
    }
    pthread_cond_destroy(&wait.wake);
    pthread_mutex_destroy(&wait.lock);
    return rc;
}

void writer_stop(struct writer *w) {
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    writer_free(w);
}

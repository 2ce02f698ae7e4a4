#include "ledger/settle.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 2 };

struct settler {
    struct settle_options o;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct submission *first, *last; /* committed, not synced; under lock */
    bool stopping, broken;
    struct error why;
    size_t n;
    struct db *connections[THREADS];
    pthread_t threads[THREADS];
    bool taken[THREADS];
};

/* PostgreSQL says what it lost. A file does not: after one failed sync the next may succeed although pages are missing. */
static void failed(struct settler *s, struct db *db, const struct error *err) {
    if (db_kind_of(db) != DB_SQLITE) return;
    pthread_mutex_lock(&s->lock);
    s->broken = true;
    s->why = *err;
    pthread_mutex_unlock(&s->lock);
}

static void settle(struct settler *s, struct db *db, struct submission *list) {
    struct error err = {0};
    int rc = settler_check(s, &err);
    if (rc == 0 && (rc = db_sync(db, &err)) < 0) failed(s, db, &err);
    if (rc < 0) error_set(&err, rc, NULL, "%s", error_text(rc));
    if (rc >= 0) s->o.settled(s->o.arg);
    while (list) {
        struct submission *one = list;
        list = one->next; /* answering may free it */
        s->o.answer(s->o.arg, one, rc < 0 ? &err : &one->error);
    }
}

static struct db *connection_of(struct settler *s) {
    for (size_t i = 0; i < s->n; i++) {
        if (s->taken[i]) continue;
        s->taken[i] = true;
        return s->connections[i];
    }
    return NULL;
}

static void *settler_main(void *arg) {
    struct settler *s = arg;
    pthread_setname_np(pthread_self(), "settler");
    pthread_mutex_lock(&s->lock);
    struct db *db = connection_of(s);
    for (;;) {
        while (!s->first && !s->stopping) pthread_cond_wait(&s->wake, &s->lock);
        if (!s->first) break;
        struct submission *list = s->first;
        s->first = s->last = NULL;
        pthread_mutex_unlock(&s->lock);
        settle(s, db, list);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int settler_start(struct ledger *l, const struct settle_options *o, struct settler **ret, struct error *err) {
    struct settler *s = mem_alloc(sizeof *s);
    int rc = 0;
    if (!s) return error_memory(err);
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    while (rc == 0 && s->n < THREADS) {
        rc = ledger_connect(l, DB_READ, &s->connections[s->n], err);
        if (rc < 0) break;
        pthread_mutex_lock(&s->lock);
        int why = pthread_create(&s->threads[s->n], NULL, settler_main, s);
        if (why == 0) s->n++; /* it takes its connection under the lock */
        pthread_mutex_unlock(&s->lock);
        if (why == 0) continue;
        db_close(s->connections[s->n]);
        rc = error_set(err, E_BUSY, NULL, "no thread for the queue: %s", strerror(why));
    }
    if (rc < 0) {
        settler_stop(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void settler_put(struct settler *s, struct submission *first, struct submission *last) {
    pthread_mutex_lock(&s->lock);
    last->next = NULL;
    if (s->last)
        s->last->next = first;
    else
        s->first = first;
    s->last = last;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
}

int settler_check(struct settler *s, struct error *err) {
    pthread_mutex_lock(&s->lock);
    bool broken = s->broken;
    struct error why = s->why;
    pthread_mutex_unlock(&s->lock);
    return broken ? error_set(err, why.code, why.where, "%s", why.message) : 0;
}

void settler_stop(struct settler *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->n; i++) pthread_join(s->threads[i], NULL);
    for (size_t i = 0; i < s->n; i++) db_close(s->connections[i]);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

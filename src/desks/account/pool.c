/* Threads for what is slow: hashes, commits, the provider elsewhere. Each has a ledger of its own to read from. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "desks/account/inside.h"

enum { THREADS = 2, THREADS_MAX = 16, WAITING = 512, IDLE_WAKE_S = 5, NICE = 10 };

struct work {
    struct work *next;
    int (*run)(const struct account_seat *seat, void *arg, struct error *err);
    void (*done)(void *arg, int rc, const struct error *err);
    void *arg;
};

struct worker {
    pthread_t thread;
    struct account_pool *pool;
    struct account_seat seat;
};

struct account_pool {
    struct accounts *accounts;
    size_t waiting_max;
    instant (*now)(void *arg);
    void *now_arg;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, *last; /* under lock */
    size_t waiting;
    bool stopping, eager;
    int n;
    struct worker workers[THREADS_MAX];
};

/* The next piece of work; NULL when nothing came for a while, or it is over (*ret_over). */
static struct work *take(struct account_pool *p, bool *ret_over) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_WAKE_S;
    pthread_mutex_lock(&p->lock);
    int rc = 0;
    while (!p->first && !p->stopping && !rc) rc = pthread_cond_timedwait(&p->wake, &p->lock, &until);
    struct work *w = p->first;
    if (w) {
        p->first = w->next;
        if (!p->first) p->last = NULL;
        p->waiting--;
    }
    *ret_over = !w && p->stopping;
    pthread_mutex_unlock(&p->lock);
    return w;
}

static void *worker_main(void *arg) {
    struct worker *me = arg;
    bool over = false;
    if (!me->pool->eager) setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* a shift that signs in must not keep those waiting who are in */
    while (!over) {
        struct work *w = take(me->pool, &over);
        struct error err = {0};
        if (!w) {
            if (me->pool->now) account_flush(&me->seat, me->pool->now(me->pool->now_arg), NULL);
            continue;
        }
        int rc = w->run(&me->seat, w->arg, &err);
        if (rc < 0) error_set(&err, rc, NULL, "%s", error_text(rc));
        w->done(w->arg, rc < 0 ? rc : 0, &err);
        mem_free(w);
    }
    return NULL;
}

int account_pool_start(struct accounts *a, const struct account_pool_options *o, struct account_pool **ret, struct error *err) {
    int threads = o->threads > 0 ? o->threads : THREADS, rc = 0;
    struct account_pool *p = mem_alloc(sizeof *p);
    if (!p) return error_memory(err);
    p->accounts = a;
    p->eager = o->eager;
    p->now = o->now;
    p->now_arg = o->now_arg;
    p->waiting_max = o->waiting_max ? o->waiting_max : WAITING;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    for (int i = 0; !rc && i < threads; i++) {
        struct worker *w = &p->workers[i];
        w->pool = p;
        w->seat = (struct account_seat){.accounts = a, .queue = o->queue};
        rc = ledger_open_reader(&o->ledger, &w->seat.ledger, err);
        if (!rc && pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            ledger_close(w->seat.ledger);
            rc = error_set(err, E_BUSY, NULL, "no thread for the accounts / 无法建立线程");
        }
        if (!rc) p->n++;
    }
    if (rc < 0) {
        account_pool_stop(p);
        return rc;
    }
    *ret = p;
    return 0;
}

int account_run(struct account_pool *p, int (*work)(const struct account_seat *seat, void *arg, struct error *err),
                void (*done)(void *arg, int rc, const struct error *err), void *arg, struct error *err) {
    struct work *w = mem_alloc(sizeof *w);
    if (!w) return error_memory(err);
    *w = (struct work){.run = work, .done = done, .arg = arg};
    pthread_mutex_lock(&p->lock);
    bool full = p->stopping || p->waiting >= p->waiting_max;
    if (!full) {
        if (p->last)
            p->last->next = w;
        else
            p->first = w;
        p->last = w;
        p->waiting++;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    if (!full) return 0;
    mem_free(w);
    return error_set(err, E_BUSY, "retry 5", "too many sign in at this moment; try again / 登录人数过多,请稍后再试");
}

void account_pool_end(struct account_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (; p->n > 0; p->n--) {
        pthread_join(p->workers[p->n - 1].thread, NULL);
        ledger_close(p->workers[p->n - 1].seat.ledger);
    }
}

void account_pool_stop(struct account_pool *p) {
    if (!p) return;
    account_pool_end(p);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

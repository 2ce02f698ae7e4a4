/* The clock's pass: adopts what begins today, escalates, lapses, ends measures; every minute, on the queue, between two batches. */
#include "doors/http/inside.h"

#include <pthread.h>
#include <time.h>

#include "desks/duty.h"
#include "desks/expiry.h"
#include "desks/node.h"
#include "desks/plan.h"

enum { PASS_S = 60, FLUSH_MS = 250 };

struct clock {
    struct http_server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

static int pass(struct ledger *l, void *arg, struct error *err) {
    struct clock *c = arg;
    struct session s = node_session(TEXT("clock"), http_now(c->server), true);
    struct wake_report w = {0};
    int64_t adopted = 0, expired = 0;
    int rc = plan_catch_up(l, &s, &adopted, err);
    if (rc >= 0) rc = duty_tick(l, &s, &w, err);
    if (rc >= 0) rc = measure_expire(l, &s, &expired, err);
    if (adopted) readers_stale(c->server->readers);
    return rc;
}

/* How much is owed, for the metrics: read beside the writer. */
static void count_duties(struct http_server *s) {
    struct duty_filter all = {0};
    struct duty_summary sum;
    struct session me = node_session(TEXT("clock"), http_now(s), true);
    struct ledger *l = NULL;
    if (readers_take(s->readers, &l, NULL) < 0) return;
    if (duty_summarise(l, l->db, &me, &all, &sum, NULL) == 0) {
        s->duties_open = sum.total.open;
        duty_summary_clear(&sum);
    }
    readers_give(s->readers, l);
}

static void *clock_main(void *arg) {
    struct clock *c = arg;
    struct http_server *s = c->server;
    instant next = 0;
    int64_t watched_ns = 0;
    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        pthread_mutex_unlock(&c->lock);
        struct error err = {0};
        instant now = http_now(s);
        if (!s->options.no_clock && now >= next) {
            int rc = ledger_queue_call(s->queue, pass, c, &err);
            if (rc < 0 && !s->stopping) log_event(s->log, now, "error", "clock", &err);
            if (rc >= 0) s->clock_at = now;
            count_duties(s);
            next = now + PASS_S;
        }
        log_flush(s->log);
        if (monotonic_ns() - watched_ns > 1000000000) {
            watch_pass(s->watch);
            watched_ns = monotonic_ns();
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += FLUSH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&c->lock);
        if (!c->stopping) pthread_cond_timedwait(&c->wake, &c->lock, &until);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

int clock_start(struct http_server *s, struct clock **ret, struct error *err) {
    struct clock *c = mem_alloc(sizeof *c);
    if (!c) return error_memory(err);
    c->server = s;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    if (pthread_create(&c->thread, NULL, clock_main, c) != 0) {
        mem_free(c);
        return error_set(err, E_BUSY, NULL, "no thread for the clock");
    }
    *ret = c;
    return 0;
}

void clock_stop(struct clock *c) {
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* A line of requests, and the thread that asks for them. */
#include "doors/http/line.h"

#include <pthread.h>

#include "doors/http/inside.h"
#include "doors/http/write.h"

enum { WAITING_MAX = 4096 };

struct line {
    struct line_options o;
    struct account_pool *asker;    /* a thread with a ledger to read from */
    pthread_mutex_t lock;
    struct request *first, **last; /* under lock */
    size_t n;
    bool asking;                   /* the asker is at it, and will see who comes to the line meanwhile */
};

int line_open(const struct line_options *o, struct line **ret, struct error *err) {
    struct line *x = mem_alloc(sizeof *x);
    struct account_pool_options one = {.ledger = *o->ledger, .threads = 1, .eager = true};
    if (!x) return error_memory(err);
    x->o = *o;
    if (!x->o.together || x->o.together > LINE_TOGETHER_MAX) x->o.together = LINE_TOGETHER_MAX;
    int rc = account_pool_start(o->accounts, &one, &x->asker, err);
    if (rc < 0) {
        mem_free(x);
        return rc;
    }
    pthread_mutex_init(&x->lock, NULL);
    x->last = &x->first;
    *ret = x;
    return 0;
}

void line_stop(struct line *x) {
    if (x) account_pool_end(x->asker);
}

void line_close(struct line *x) {
    if (!x) return;
    account_pool_stop(x->asker);
    pthread_mutex_destroy(&x->lock);
    mem_free(x);
}

/* The lock is held. */
static size_t take(struct line *x, struct request **out) {
    size_t n = 0;
    while (x->first && n < x->o.together) {
        out[n++] = x->first;
        x->first = x->first->next;
    }
    if (!x->first) x->last = &x->first;
    x->n -= n;
    if (!n) x->asking = false;
    return n;
}

static int ask_all(const struct account_seat *seat, void *arg, struct error *err) {
    struct line *x = arg;
    struct request *list[LINE_TOGETHER_MAX];
    (void)err;
    for (;;) {
        pthread_mutex_lock(&x->lock);
        size_t n = take(x, list);
        pthread_mutex_unlock(&x->lock);
        if (!n) return 0;
        x->o.ask(seat->ledger, list, n);
    }
}

static void asked_all(void *arg, int rc, const struct error *err) {
    (void)arg, (void)rc, (void)err;
}

void line_wake(struct request **list, size_t n, int rc, const struct error *err) {
    for (size_t i = 0; i < n; i++) request_wake(list[i], rc, err);
}

/* The lock is held. Whoever finds nobody asking has it begun; where that fails all who came are told so. */
static size_t begin(struct line *x, struct request **out, int *rc, struct error *why) {
    if (x->asking) return 0;
    x->asking = true;
    *rc = account_run(x->asker, ask_all, asked_all, x, why);
    if (*rc >= 0) return 0;
    x->asking = false;
    return take(x, out); /* only who came just now: everybody before was asked for */
}

int line_up(struct line *x, struct request *r, int (*then)(struct request *r, struct error *err), struct error *err) {
    struct request *unasked[LINE_TOGETHER_MAX];
    struct error why = {0};
    int rc = 0;
    pthread_mutex_lock(&x->lock);
    if (x->n >= WAITING_MAX || http_stopping(r->server)) {
        pthread_mutex_unlock(&x->lock);
        return error_set(err, E_BUSY, NULL, "%d requests wait already; try again / 等候的请求过多,请稍后再试", WAITING_MAX);
    }
    request_sleep(r, then);
    r->next = NULL;
    *x->last = r;
    x->last = &r->next;
    x->n++;
    size_t n = begin(x, unasked, &rc, &why);
    pthread_mutex_unlock(&x->lock);
    line_wake(unasked, n, rc, &why);
    return 0;
}

/* Appends of visits from many connections; see scans.h. */
#include "doors/http/scans.h"

#include <pthread.h>
#include <string.h>

#include "desks/node.h"
#include "doors/http/inside.h"
#include "doors/http/write.h"

enum { ROWS_AT_ONCE = 200000 };

struct waiting {
    struct waiting *next;
    struct request *r;
    const struct visit *rows;
    size_t n;
};

struct scans {
    struct http_server *server;
    pthread_mutex_t lock;      /* of the list */
    pthread_cond_t some;
    struct waiting *first, **last;
    bool stopping, running;
    pthread_t thread;
    pthread_mutex_t opening;
    struct visits *_Atomic v;
    struct visit *rows;        /* of the batch */
    size_t cap;
};

static void wake(struct waiting *w, int rc, const struct error *err) {
    request_wake(w->r, rc, err); /* w lies in its arena: gone from here on */
}

/* One by one, after the batch was refused: whose rows are good must not suffer. */
static void append_each(struct scans *x, struct waiting *list) {
    for (struct waiting *w = list, *next; w; w = next) {
        struct error err = {0};
        next = w->next;
        wake(w, visits_append(x->v, w->rows, w->n, &err), &err);
    }
}

static void append_all(struct scans *x, struct waiting *list, size_t n) {
    struct error err = {0};
    size_t at = 0;
    if (n > x->cap) {
        struct visit *more = mem_realloc(x->rows, n * sizeof *more);
        if (!more) {
            append_each(x, list);
            return;
        }
        x->rows = more;
        x->cap = n;
    }
    for (struct waiting *w = list; w; at += w->n, w = w->next) memcpy(x->rows + at, w->rows, w->n * sizeof *w->rows);
    int rc = visits_append(x->v, x->rows, n, &err);
    if (rc < 0 && list->next) {
        append_each(x, list);
        return;
    }
    for (struct waiting *w = list, *next; w; w = next) {
        next = w->next;
        wake(w, rc, &err);
    }
}

static void *run(void *arg) {
    struct scans *x = arg;
    pthread_mutex_lock(&x->lock);
    for (;;) {
        while (!x->first && !x->stopping) pthread_cond_wait(&x->some, &x->lock);
        if (!x->first) break;
        struct waiting *list = x->first, **end = &x->first;
        size_t n = 0;
        while (*end && (n == 0 || n + (*end)->n <= ROWS_AT_ONCE)) n += (*end)->n, end = &(*end)->next;
        struct waiting *rest = *end;
        *end = NULL;
        x->first = rest;
        if (!rest) x->last = &x->first;
        pthread_mutex_unlock(&x->lock);
        append_all(x, list, n);
        pthread_mutex_lock(&x->lock);
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

int scans_open(struct http_server *s, struct scans **ret, struct error *err) {
    struct scans *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    x->server = s;
    x->last = &x->first;
    pthread_mutex_init(&x->lock, NULL);
    pthread_mutex_init(&x->opening, NULL);
    pthread_cond_init(&x->some, NULL);
    *ret = x;
    return 0;
}

void scans_close(struct scans *x) {
    if (!x) return;
    pthread_mutex_lock(&x->lock);
    x->stopping = true;
    pthread_cond_signal(&x->some);
    pthread_mutex_unlock(&x->lock);
    if (x->running) pthread_join(x->thread, NULL);
    visits_close(x->v);
    mem_free(x->rows);
    pthread_cond_destroy(&x->some);
    pthread_mutex_destroy(&x->lock);
    pthread_mutex_destroy(&x->opening);
    mem_free(x);
}

int http_visits(struct http_server *s, bool create, struct visits **ret, struct error *err) {
    struct scans *x = s->scans;
    struct visits *v = x->v;
    int rc = 0;
    if (!v) {
        struct session house = node_session(TEXT("server"), http_now(s), false);
        pthread_mutex_lock(&x->opening);
        v = x->v;
        if (!v) rc = tracing_open(s->ledger, &house, create, false, &v, err); /* reads what of the ledger is frozen */
        if (rc == 0) x->v = v;
        pthread_mutex_unlock(&x->opening);
    }
    if (rc == 0) *ret = v;
    return rc;
}

int scans_submit(struct request *r, const struct visit *rows, size_t n, int (*then)(struct request *r, struct error *err), struct error *err) {
    struct scans *x = r->server->scans;
    struct waiting *w = arena_alloc(&r->arena, sizeof *w);
    if (!w) return error_memory(err);
    *w = (struct waiting){.r = r, .rows = rows, .n = n};
    pthread_mutex_lock(&x->lock);
    int rc = x->stopping ? error_set(err, E_BUSY, NULL, "%s / %s", error_text(E_BUSY), error_text_zh(E_BUSY)) : 0;
    if (rc == 0 && !x->running) {
        x->running = pthread_create(&x->thread, NULL, run, x) == 0;
        if (!x->running) rc = error_set(err, E_MEMORY, NULL, "no thread for visits / 无法启动线程");
    }
    if (rc == 0) {
        request_sleep(r, then);
        *x->last = w;
        x->last = &w->next;
        pthread_cond_signal(&x->some);
    }
    pthread_mutex_unlock(&x->lock);
    return rc;
}

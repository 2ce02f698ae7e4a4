/* Reading ledgers: as many as threads, each with its own catalog, policies and read-only connection. */
#include "doors/http/inside.h"

#include <pthread.h>

enum { FRESH_NS = 1000000000 };

struct reader {
    struct ledger *ledger;
    int64_t checked_ns;
    uint64_t generation;
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t back;
    size_t n, idle;
    struct reader **stack;  /* the idle ones first */
    struct reader *all;
    _Atomic uint64_t generation;
};

int readers_open(const struct ledger_options *o, size_t n, struct readers **ret, struct error *err) {
    struct readers *p = mem_alloc(sizeof *p);
    int rc = 0;
    if (p) p->all = mem_alloc(n * sizeof *p->all);
    if (p && p->all) p->stack = mem_alloc(n * sizeof(struct reader *));
    if (!p || !p->all || !p->stack) rc = error_memory(err);
    if (p) pthread_mutex_init(&p->lock, NULL);
    if (p) pthread_cond_init(&p->back, NULL);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = ledger_open_reader(o, &p->all[i].ledger, err);
        if (rc < 0) break;
        p->all[i].checked_ns = monotonic_ns();
        p->stack[p->idle++] = &p->all[i];
        p->n++;
    }
    if (rc < 0) {
        readers_close(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void readers_close(struct readers *p) {
    if (!p) return;
    for (size_t i = 0; i < p->n; i++) ledger_close(p->all[i].ledger);
    pthread_cond_destroy(&p->back);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->all);
    mem_free(p->stack);
    mem_free(p);
}

int readers_take(struct readers *p, struct ledger **ret, struct error *err) {
    pthread_mutex_lock(&p->lock);
    while (!p->idle) pthread_cond_wait(&p->back, &p->lock);
    struct reader *r = p->stack[--p->idle];
    pthread_mutex_unlock(&p->lock);
    int64_t now = monotonic_ns();
    uint64_t generation = p->generation;
    if (generation != r->generation || now - r->checked_ns > FRESH_NS) {
        int rc = ledger_refresh(r->ledger, err);
        if (rc < 0) {
            readers_give(p, r->ledger);
            return rc;
        }
        r->generation = generation;
        r->checked_ns = now;
    }
    *ret = r->ledger;
    return 0;
}

void readers_give(struct readers *p, struct ledger *l) {
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n; i++)
        if (p->all[i].ledger == l) p->stack[p->idle++] = &p->all[i];
    pthread_cond_signal(&p->back);
    pthread_mutex_unlock(&p->lock);
}

void readers_stale(struct readers *p) {
    p->generation++;
}

#include "ledger/gate.h"

#include <pthread.h>

struct ledger_gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next, serving; /* tickets */
    int64_t waited;
};

struct ledger_gate *ledger_gate_new(void) {
    struct ledger_gate *g = mem_alloc(sizeof *g);
    if (!g) return NULL;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->moved, NULL);
    return g;
}

void ledger_gate_free(struct ledger_gate *g) {
    if (!g) return;
    pthread_cond_destroy(&g->moved);
    pthread_mutex_destroy(&g->lock);
    mem_free(g);
}

void ledger_gate_enter(struct ledger_gate *g) {
    pthread_mutex_lock(&g->lock);
    uint64_t mine = g->next++;
    if (mine != g->serving) g->waited++;
    while (mine != g->serving) pthread_cond_wait(&g->moved, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

void ledger_gate_leave(struct ledger_gate *g) {
    pthread_mutex_lock(&g->lock);
    g->serving++;
    pthread_cond_broadcast(&g->moved);
    pthread_mutex_unlock(&g->lock);
}

int64_t ledger_gate_waited(struct ledger_gate *g) {
    pthread_mutex_lock(&g->lock);
    int64_t n = g->waited;
    pthread_mutex_unlock(&g->lock);
    return n;
}

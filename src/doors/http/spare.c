/* Requests that ended are used again with the memory they had: the next one needs about as much. */
#include "doors/http/inside.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { SPARE_MAX = 512, SPARE_BYTES = 64 << 10 /* one that grew beyond is given back */ };

struct spares {
    pthread_mutex_t lock;
    struct request *first;
    size_t n;
};

int spares_open(struct spares **ret, struct error *err) {
    struct spares *p = mem_alloc(sizeof *p);
    if (!p) return error_memory(err);
    pthread_mutex_init(&p->lock, NULL);
    *ret = p;
    return 0;
}

static void free_one(struct request *r) {
    buf_clear(&r->body);
    buf_clear(&r->answer.body);
    arena_clear(&r->arena);
    mem_free(r);
}

void spares_close(struct spares *p) {
    if (!p) return;
    while (p->first) {
        struct request *r = p->first;
        p->first = r->next;
        free_one(r);
    }
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

struct request *spares_take(struct spares *p) {
    pthread_mutex_lock(&p->lock);
    struct request *r = p->first;
    if (r) {
        p->first = r->next;
        p->n--;
    }
    pthread_mutex_unlock(&p->lock);
    if (!r) return mem_alloc(sizeof *r);
    struct arena arena = r->arena;
    struct buf body = r->body, answer = r->answer.body;
    memset(r, 0, offsetof(struct request, query));
    r->arena = arena;
    r->body = body;
    r->answer.body = answer;
    return r;
}

void spares_give(struct spares *p, struct request *r) {
    bool secret = r->session.purpose.n > 0; /* what was opened does not lie about */
    if (secret && r->answer.body.s) explicit_bzero(r->answer.body.s, r->answer.body.n);
    if (secret || r->arena.used > SPARE_BYTES) arena_clear(&r->arena);
    else arena_reset(&r->arena);
    if (r->body.cap > SPARE_BYTES) buf_clear(&r->body);
    if (r->answer.body.cap > SPARE_BYTES) buf_clear(&r->answer.body);
    buf_reset(&r->body);
    buf_reset(&r->answer.body);
    r->answer.body.max = 0;
    pthread_mutex_lock(&p->lock);
    bool keep = p->n < SPARE_MAX;
    if (keep) {
        r->next = p->first;
        p->first = r;
        p->n++;
    }
    pthread_mutex_unlock(&p->lock);
    if (!keep) free_one(r);
}

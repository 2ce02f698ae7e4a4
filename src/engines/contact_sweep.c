/* Many cases at once: a sum for everybody, in memory, in place of a table of those met; the stays of those asked, and then the places, shared out among threads. Nothing of the
 * answer depends on how many there are: a place is one thread's, doses add up exactly, pieces of evidence are put in order of place. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engines/contact_work.h"

enum { CHUNK = 128 /* exposed stays handed out at a time, and more until the place ends */, HUGE_PAGE = 2 << 20 };

struct crew;
struct member {
    struct crew *crew;
    struct contact_work *w;
    struct presence_source source;
    bool lent;               /* source is to be released */
    int number;
    size_t from, to, count;  /* persons; contacts among them */
    uint32_t shift;          /* where its evidence begins in the main one's */
    int rc;
    struct error err;
    pthread_t thread;
};

struct crew {
    struct contact_work *main;
    struct member members[CONTACT_THREADS_MAX];
    int n;
    size_t n_asks;
    atomic_size_t next;      /* exposed stay from which the next chunk begins */
};

static void crew_run(struct crew *c, void *(*work)(void *member)) {
    bool started[CONTACT_THREADS_MAX] = {false};
    for (int i = 1; i < c->n; i++) started[i] = pthread_create(&c->members[i].thread, NULL, work, &c->members[i]) == 0;
    work(&c->members[0]);
    for (int i = 1; i < c->n; i++)
        if (!started[i]) work(&c->members[i]);
        else pthread_join(c->members[i].thread, NULL);
}

static int crew_result(const struct crew *c, struct error *err) {
    for (int i = 0; i < c->n; i++)
        if (c->members[i].rc < 0) {
            if (err && !err->code) *err = c->members[i].err;
            return c->members[i].rc;
        }
    return 0;
}

static int sums_begin(struct contact_work *w, uint32_t n) {
    if (n > w->n_sums) {
        mem_free(w->sums);
        w->n_sums = 0;
        w->sums = mem_alloc((size_t)n * sizeof *w->sums);
        if (!w->sums) return E_MEMORY;
        /* everybody is somewhere else in it: few large pages spare a walk each */
        uintptr_t from = ((uintptr_t)w->sums + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, to = ((uintptr_t)w->sums + (size_t)n * sizeof *w->sums) / HUGE_PAGE * HUGE_PAGE;
        if (from < to) madvise((void *)from, to - from, MADV_HUGEPAGE);
        w->n_sums = n;
        w->mark = 0;
    }
    if (w->mark == UINT8_MAX) {
        memset(w->sums, 0, (size_t)w->n_sums * sizeof *w->sums);
        w->mark = 0;
    }
    w->mark++;
    return 0;
}

int sweep_begin(struct contact_work *w, uint32_t n_persons, struct error *err) {
    return sums_begin(w, n_persons) < 0 ? error_set(err, E_MEMORY, NULL, "no memory for a sum a person / 内存不足") : 0;
}

void sweep_free(struct contact_work *w) {
    for (int i = 0; i < CONTACT_THREADS_MAX - 1 && w->helpers[i]; i++) {
        contact_result_clear(&w->helpers[i]->own);
        contact_work_free(w->helpers[i]);
    }
    mem_free(w->sums);
}

/* As many members as there are threads and sources; the first is the caller's own. */
static int crew_make(struct contact_work *w, size_t n_asks, struct crew *c, struct error *err) {
    int threads = w->o->threads < 1 || !w->s->another ? 1 : w->o->threads < CONTACT_THREADS_MAX ? w->o->threads : CONTACT_THREADS_MAX, rc = 0;
    *c = (struct crew){.main = w, .n = 1, .n_asks = n_asks};
    c->members[0] = (struct member){.crew = c, .w = w, .source = *w->s};
    for (int i = 1; rc == 0 && i < threads; i++) {
        struct contact_work **h = &w->helpers[i - 1];
        if (!*h && !(*h = contact_work_new())) rc = error_set(err, E_MEMORY, NULL, "no memory for contacts / 内存不足");
        if (rc == 0) {
            struct member *m = &c->members[i];
            *m = (struct member){.crew = c, .w = *h, .number = i};
            rc = w->s->another(w->s->arg, &m->source, err);
            if (rc < 0) break;
            m->lent = true;
            c->n++;
            (*h)->s = &m->source;
            (*h)->o = w->o;
            (*h)->ret = &(*h)->own;
            (*h)->own.stays_read = 0;
            (*h)->degree = w->degree;
            (*h)->dense = true;
            (*h)->list.n = 0;
        }
    }
    return rc;
}

static void crew_end(struct crew *c) {
    for (int i = 1; i < c->n; i++)
        if (c->members[i].lent) c->main->s->release(c->members[i].source.arg);
}

/* ---- the stays of those asked */
static void *member_asks(void *arg) {
    struct member *m = arg;
    const struct crew *c = m->crew;
    size_t from = c->n_asks * (size_t)m->number / (size_t)c->n, to = c->n_asks * ((size_t)m->number + 1) / (size_t)c->n;
    m->rc = m->source.of_persons(m->source.arg, c->main->asks + from, to - from, &m->w->list, &m->err);
    return NULL;
}

int sweep_ask(struct contact_work *w, size_t n_asks, struct error *err) {
    struct crew c;
    size_t total = 0;
    int rc = crew_make(w, n_asks, &c, err);
    if (rc == 0) {
        crew_run(&c, member_asks);
        rc = crew_result(&c, err);
    }
    for (int i = 0; i < c.n; i++) total += c.members[i].w->list.n;
    if (rc == 0 && total > w->list.cap) {
        struct presence *items = mem_realloc(w->list.items, total * sizeof *items);
        if (!items) rc = error_set(err, E_MEMORY, NULL, "no memory for exposed stays / 内存不足");
        else w->list.items = items, w->list.cap = total;
    }
    for (int i = 1; rc == 0 && i < c.n; i++) {
        const struct presence_list *l = &c.members[i].w->list;
        if (l->n) memcpy(w->list.items + w->list.n, l->items, l->n * sizeof *l->items);
        w->list.n += l->n;
    }
    crew_end(&c);
    return rc;
}

/* ---- the places */
/* The next stays to look at, whole places. */
static bool chunk_take(struct crew *c, size_t *ret_from, size_t *ret_to) {
    const struct exposed *x = c->main->exposed;
    size_t n = c->main->n_exposed, from = atomic_load(&c->next), to;
    do {
        if (from >= n) return false;
        to = from + CHUNK < n ? from + CHUNK : n;
        while (to < n && x[to].place == x[to - 1].place) to++;
    } while (!atomic_compare_exchange_weak(&c->next, &from, to));
    *ret_from = from;
    *ret_to = to;
    return true;
}

static void *member_places(void *arg) {
    struct member *m = arg;
    size_t from, to;
    while (m->rc == 0 && chunk_take(m->crew, &from, &to)) m->rc = contact_places(m->w, m->crew->main->exposed, from, to, &m->err);
    return NULL;
}

static int venue_order(const void *pa, const void *pb) {
    const struct contact_venue *a = pa, *b = pb;
    if (a->degree != b->degree) return a->degree < b->degree ? -1 : 1;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return a->through < b->through ? -1 : a->through > b->through;
}

/* A helper's evidence and venues behind those of the main one. */
static int findings_take(struct contact_result *to, const struct contact_result *from, uint32_t *ret_shift) {
    size_t n = to->n_evidence + from->n_evidence, venues = to->n_venues + from->n_venues;
    if (n > UINT32_MAX - 1) return E_TOO_LARGE;
    if (n > to->cap_evidence) {
        struct contact_evidence *list = mem_realloc(to->evidence, n * sizeof *list);
        if (!list) return E_MEMORY;
        to->evidence = list;
        to->cap_evidence = n;
    }
    if (venues > to->cap_venues) {
        struct contact_venue *list = mem_realloc(to->venues, venues * sizeof *list);
        if (!list) return E_MEMORY;
        to->venues = list;
        to->cap_venues = venues;
    }
    *ret_shift = (uint32_t)to->n_evidence;
    for (size_t i = 0; i < from->n_evidence; i++) {
        struct contact_evidence e = from->evidence[i];
        if (e.next) e.next += *ret_shift;
        to->evidence[to->n_evidence++] = e;
    }
    if (from->n_venues) memcpy(to->venues + to->n_venues, from->venues, from->n_venues * sizeof *to->venues);
    to->n_venues = venues;
    to->stays_read += from->stays_read;
    return 0;
}

/* Two chains, each by falling place, made one. */
static uint32_t chains_join(struct contact_evidence *e, uint32_t a, uint32_t b) {
    uint32_t head = 0, *at = &head;
    while (a && b) {
        bool first = e[a - 1].place != e[b - 1].place ? e[a - 1].place > e[b - 1].place : true;
        *at = first ? a : b;
        at = &e[*at - 1].next;
        if (first) a = *at;
        else b = *at;
    }
    *at = a ? a : b;
    return head;
}

static void sum_join(const struct contact_work *w, struct contact_sum *a, const struct contact_sum *b, uint32_t shift) {
    if (a->mark != w->mark) {
        *a = *b;
        a->mark = w->mark;
        if (a->evidence) a->evidence += shift;
        return;
    }
    if (a->degree < b->degree) return; /* known before */
    a->dose += b->dose;
    if (b->first < a->first) a->first = b->first;
    if (b->last > a->last) a->last = b->last;
    a->overlap_s = a->overlap_s > UINT32_MAX - b->overlap_s ? UINT32_MAX : a->overlap_s + b->overlap_s;
    if (b->kind < a->kind) a->kind = b->kind;
    a->n_evidence += b->n_evidence;
    if (b->evidence) a->evidence = chains_join(w->ret->evidence, a->evidence, b->evidence + shift);
}

/* Persons [from, to): helpers' sums to the main one's. */
static void *member_join(void *arg) {
    struct member *m = arg;
    struct contact_work *w = m->crew->main;
    for (size_t p = m->from; p < m->to; p++) {
        struct contact_sum *a = &w->sums[p];
        for (int i = 1; i < m->crew->n; i++) {
            const struct member *h = &m->crew->members[i];
            const struct contact_sum *b = &h->w->sums[p];
            if (b->mark == h->w->mark && b->degree == w->degree) sum_join(w, a, b, h->shift);
        }
    }
    return NULL;
}

static void *member_count(void *arg) {
    struct member *m = arg;
    const struct contact_work *w = m->crew->main;
    m->count = 0;
    for (size_t p = m->from; p < m->to; p++) m->count += w->sums[p].mark == w->mark && w->sums[p].degree == w->degree;
    return NULL;
}

static void *member_write(void *arg) {
    struct member *m = arg;
    const struct contact_work *w = m->crew->main;
    struct contact *out = w->ret->contacts + w->ret->n_contacts + m->count; /* count: of those before by now */
    for (size_t p = m->from; p < m->to; p++) {
        const struct contact_sum *a = &w->sums[p];
        if (a->mark != w->mark || a->degree != w->degree) continue;
        *out++ = (struct contact){.person = (uint32_t)p, .degree = a->degree, .kind = a->kind, .overlap_s = a->overlap_s, .first = a->first, .last = a->last, .score = -expm1(-a->dose),
                                  .evidence = a->evidence, .n_evidence = a->n_evidence};
    }
    return NULL;
}

int sweep_places(struct contact_work *w, struct error *err) {
    struct crew c;
    int rc = crew_make(w, 0, &c, err);
    for (int i = 1; rc == 0 && i < c.n; i++) {
        c.members[i].w->own.n_evidence = c.members[i].w->own.n_venues = 0;
        if (sums_begin(c.members[i].w, w->n_sums) < 0) rc = error_set(err, E_MEMORY, NULL, "no memory for a sum a person / 内存不足");
    }
    if (rc == 0) {
        crew_run(&c, member_places);
        rc = crew_result(&c, err);
    }
    for (int i = 1; rc == 0 && i < c.n; i++) {
        rc = findings_take(w->ret, &c.members[i].w->own, &c.members[i].shift);
        if (rc < 0) error_set(err, rc, NULL, "no memory for contacts / 内存不足");
    }
    if (rc == 0 && w->ret->n_venues) qsort(w->ret->venues, w->ret->n_venues, sizeof *w->ret->venues, venue_order);
    for (int i = 0; i < c.n; i++) {
        c.members[i].from = (size_t)w->n_sums * (size_t)i / (size_t)c.n;
        c.members[i].to = (size_t)w->n_sums * ((size_t)i + 1) / (size_t)c.n;
    }
    if (rc == 0 && c.n > 1) crew_run(&c, member_join);
    crew_end(&c);
    return rc;
}

/* Sums of this degree, links included, become contacts. */
int sweep_collect(struct contact_work *w, struct error *err) {
    struct crew c = {.main = w, .n = w->o->threads < 1 ? 1 : w->o->threads < CONTACT_THREADS_MAX ? w->o->threads : CONTACT_THREADS_MAX};
    struct contact_result *r = w->ret;
    size_t before = 0;
    for (int i = 0; i < c.n; i++)
        c.members[i] = (struct member){.crew = &c, .number = i, .from = (size_t)w->n_sums * (size_t)i / (size_t)c.n, .to = (size_t)w->n_sums * ((size_t)i + 1) / (size_t)c.n};
    crew_run(&c, member_count);
    for (int i = 0; i < c.n; i++) {
        size_t count = c.members[i].count;
        c.members[i].count = before;
        before += count;
    }
    if (r->n_contacts + before > r->cap_contacts) {
        struct contact *list = mem_realloc(r->contacts, (r->n_contacts + before) * sizeof *list);
        if (!list) return error_set(err, E_MEMORY, NULL, "no memory for contacts / 内存不足");
        r->contacts = list;
        r->cap_contacts = r->n_contacts + before;
    }
    crew_run(&c, member_write);
    r->n_contacts += before;
    return 0;
}

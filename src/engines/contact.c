/* From index cases to exposed stays, degree by degree. contact_place.c finds who met them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engines/contact_work.h"

enum { SEEN_FIRST = 1024, SEEN_KEPT = 1 << 16 /* 1024 * 4 * 4 * 4 */ };

void contact_options_init(struct contact_options *o) {
    *o = (struct contact_options){.degree = 1, .evidence = true, .threads = 1, .many = 256};
    o->daily_s[CONTACT_HOUSEHOLD] = o->daily_s[CONTACT_ROOM] = o->daily_s[CONTACT_ADDRESS] = 432 * 60;
    o->daily_s[CONTACT_UNIT] = o->daily_s[CONTACT_PHONE] = o->daily_s[CONTACT_WORK] = 35 * 60;
    for (int c = 0; c < CONTACT_CLASSES; c++) o->rules[c] = (struct contact_rule){.overlap_s = 15 * 60, .rows = -1, .weight = 1};
}

const char *contact_kind_word(unsigned kind) {
    static const char *const words[CONTACT_KINDS] = {"overlap", "after", "household", "room", "unit", "address", "phone", "work"};
    return kind < CONTACT_KINDS ? words[kind] : "";
}

void contact_result_clear(struct contact_result *r) {
    mem_free(r->contacts);
    mem_free(r->evidence);
    mem_free(r->venues);
    *r = (struct contact_result){0};
}

static int contact_order(const void *pa, const void *pb) {
    const struct contact *a = pa, *b = pb;
    if (a->degree != b->degree) return a->degree < b->degree ? -1 : 1;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return a->person < b->person ? -1 : a->person > b->person;
}

void contact_sort(struct contact_result *r) {
    if (r->n_contacts) qsort(r->contacts, r->n_contacts, sizeof *r->contacts, contact_order);
}

static void seen_free(struct contact_work *w) {
    if (w->seen_cap > SEEN_KEPT) mem_free(w->seen);
    w->seen = NULL;
    w->seen_cap = 0;
}

struct contact_work *contact_work_new(void) {
    return mem_alloc(sizeof(struct contact_work));
}

void contact_work_free(struct contact_work *w) {
    if (!w) return;
    presence_list_clear(&w->list);
    presence_list_clear(&w->joined);
    seen_free(w);
    mem_free(w->seen_kept);
    mem_free(w->asks);
    mem_free(w->exposed);
    struct cluster *c = &w->cluster;
    mem_free(c->start);
    mem_free(c->end);
    mem_free(c->latest);
    mem_free(c->latest_at);
    mem_free(c->chain_end);
    mem_free(c->person);
    mem_free(c->edge);
    mem_free(c->edge_person);
    mem_free(c->all_latest);
    mem_free(w->when);
    mem_free(w->together);
    for (int k = 0; k < 2; k++) mem_free(w->pieces[k]);
    mem_free(w->stays);
    mem_free(w->linked);
    sweep_free(w);
    mem_free(w);
}

/* ---- who was met already */
/* An empty table of cap slots: kept room for 1024, 4096, 16384 and 65536. */
static struct seen_slot *seen_table(struct contact_work *w, size_t cap) {
    if (cap > SEEN_KEPT) return mem_alloc(cap * sizeof *w->seen);
    if (!w->seen_kept) w->seen_kept = mem_alloc((size_t)(4 * SEEN_KEPT - SEEN_FIRST) / 3 * sizeof *w->seen);
    struct seen_slot *slots = w->seen_kept ? w->seen_kept + (cap - SEEN_FIRST) / 3 : NULL;
    return slots ? memset(slots, 0, cap * sizeof *slots) : NULL;
}

static int seen_begin(struct contact_work *w) {
    seen_free(w);
    w->seen_n = 0;
    w->seen = seen_table(w, SEEN_FIRST);
    if (w->seen) w->seen_cap = SEEN_FIRST;
    return w->seen ? 0 : E_MEMORY;
}

static inline size_t seen_at(size_t cap, uint32_t key) {
    return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (cap - 1);
}

static int seen_grow(struct contact_work *w) {
    size_t cap = w->seen_cap * 4;
    struct seen_slot *slots = seen_table(w, cap);
    if (!slots) return E_MEMORY;
    for (size_t i = 0; i < w->seen_cap; i++) {
        if (!w->seen[i].key) continue;
        size_t at = seen_at(cap, w->seen[i].key);
        while (slots[at].key) at = (at + 1) & (cap - 1);
        slots[at] = w->seen[i];
    }
    seen_free(w);
    w->seen = slots;
    w->seen_cap = cap;
    return 0;
}

struct seen_slot *seen_get(struct contact_work *w, uint32_t person) {
    uint32_t key = person + 1;
    if (w->seen_n * 2 >= w->seen_cap && seen_grow(w) < 0) return NULL;
    size_t at = seen_at(w->seen_cap, key);
    while (w->seen[at].key && w->seen[at].key != key) at = (at + 1) & (w->seen_cap - 1);
    return &w->seen[at];
}

static int contact_new(struct contact_work *w, struct seen_slot *slot, uint32_t person) {
    struct contact_result *r = w->ret;
    int rc = mem_room(&r->contacts, &r->cap_contacts, r->n_contacts + 1, sizeof *r->contacts) ? 0 : E_MEMORY;
    if (rc < 0) return rc;
    slot->key = person + 1;
    slot->at = (uint32_t)r->n_contacts;
    w->seen_n++;
    r->contacts[r->n_contacts++] = (struct contact){.person = person, .degree = w->degree, .kind = w->degree == 1 ? CONTACT_GENERAL : CONTACT_SECONDARY,
                                                    .first = INT32_MAX, .last = INT32_MIN};
    return 0;
}

static int evidence_add(struct contact_work *w, const struct contact_evidence *e, uint32_t *chain) {
    struct contact_result *r = w->ret;
    int rc = mem_room(&r->evidence, &r->cap_evidence, r->n_evidence + 1, sizeof *r->evidence) ? 0 : E_MEMORY;
    if (rc < 0) return rc;
    r->evidence[r->n_evidence] = *e;
    r->evidence[r->n_evidence++].next = *chain;
    *chain = (uint32_t)r->n_evidence;
    return 0;
}

static int sum_note(struct contact_work *w, uint32_t person, const struct contact_evidence *e, double dose, bool close) {
    struct contact_sum *c = &w->sums[person];
    if (c->mark != w->mark)
        *c = (struct contact_sum){.mark = w->mark, .degree = w->degree, .kind = w->degree == 1 ? CONTACT_GENERAL : CONTACT_SECONDARY, .first = INT32_MAX, .last = INT32_MIN};
    if (c->degree < w->degree) return 0;
    uint32_t more = (uint32_t)e->overlap_s;
    c->overlap_s = c->overlap_s > UINT32_MAX - more ? UINT32_MAX : c->overlap_s + more;
    c->dose += dose;
    if (e->start < c->first) c->first = e->start;
    if (e->end > c->last) c->last = e->end;
    if (w->degree == 1 && close) c->kind = CONTACT_CLOSE;
    c->n_evidence++;
    return w->o->evidence ? evidence_add(w, e, &c->evidence) : 0;
}

int contact_note(struct contact_work *w, uint32_t person, const struct contact_evidence *e, double dose, bool close) {
    struct contact_result *r = w->ret;
    if (w->dense) return person < w->n_sums ? sum_note(w, person, e, dose, close) : 0;
    struct seen_slot *slot = seen_get(w, person);
    int rc = 0;
    if (!slot) return E_MEMORY;
    if (slot->key && slot->at == SEEN_CASE) return 0;
    if (!slot->key && (rc = contact_new(w, slot, person)) < 0) return rc;
    struct contact *c = &r->contacts[slot->at];
    if (c->degree < w->degree) return 0;
    c->overlap_s += e->overlap_s;
    c->score += dose;
    if (e->start < c->first) c->first = e->start;
    if (e->end > c->last) c->last = e->end;
    if (w->degree == 1 && close) c->kind = CONTACT_CLOSE;
    c->n_evidence++;
    return w->o->evidence ? evidence_add(w, e, &c->evidence) : 0;
}

/* ---- exposed stays */
static int by_person(const void *pa, const void *pb) {
    const struct presence_ask *a = pa, *b = pb;
    return a->person < b->person ? -1 : a->person > b->person;
}

static int by_place_person(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int by_place_start(const void *pa, const void *pb) {
    const struct exposed *a = pa, *b = pb;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return a->person < b->person ? -1 : a->person > b->person;
}

/* Items of one place together, by place: two counts of 11 bits, or three; then each place by `order`. qsort alone for a few. */
enum { DIGIT = 11, DIGITS = 1 << DIGIT, FEW = 512, TINY = 16 };
static int sort_by_place(struct presence_list *l, uint32_t n_places, int (*order)(const void *, const void *)) {
    struct presence *from = l->items, *to;
    if (l->n < FEW) {
        if (l->n) qsort(l->items, l->n, sizeof *l->items, order);
        return 0;
    }
    struct presence *spare = mem_alloc(l->n * sizeof *spare);
    if (!spare) return E_MEMORY;
    to = spare;
    for (unsigned shift = 0; shift < 32 && n_places >> shift; shift += DIGIT) {
        size_t at[DIGITS + 1] = {0};
        for (size_t i = 0; i < l->n; i++) at[(from[i].place >> shift & (DIGITS - 1)) + 1]++;
        for (size_t i = 0; i < DIGITS; i++) at[i + 1] += at[i];
        for (size_t i = 0; i < l->n; i++) to[at[from[i].place >> shift & (DIGITS - 1)]++] = from[i];
        struct presence *t = from;
        from = to;
        to = t;
    }
    if (from == spare) memcpy(l->items, spare, l->n * sizeof *spare);
    mem_free(spare);
    for (size_t i = 0, k; i < l->n; i = k) {
        for (k = i + 1; k < l->n && l->items[k].place == l->items[i].place; k++) continue;
        presence_sort(l->items + i, k - i, order);
    }
    return 0;
}

void presence_sort(struct presence *p, size_t n, int (*order)(const void *, const void *)) {
    if (n > TINY) {
        qsort(p, n, sizeof *p, order);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct presence one = p[i];
        size_t k = i;
        for (; k && order(&p[k - 1], &one) > 0; k--) p[k] = p[k - 1];
        p[k] = one;
    }
}

const struct presence_ask *ask_of(const struct presence_ask *asks, size_t n, uint32_t person) {
    struct presence_ask key = {.person = person};
    return n ? bsearch(&key, asks, n, sizeof *asks, by_person) : NULL;
}

static void exposed_sort(struct exposed *x, size_t n) {
    if (n > TINY) {
        qsort(x, n, sizeof *x, by_place_start);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct exposed one = x[i];
        size_t k = i;
        for (; k && by_place_start(&x[k - 1], &one) > 0; k--) x[k] = x[k - 1];
        x[k] = one;
    }
}

/* edges: what only touches the window is kept for exposed_join, which may make it one with what lies within. */
static int exposed_add(struct contact_work *w, const struct presence *p, int32_t from, int32_t to, bool edges) {
    struct exposed x = {p->place, p->person, p->start, p->end, p->zone, p->row, p->attr, true, true};
    if (x.start < from) x.start = from, x.came = false;
    if (x.end > to) x.end = to, x.left = false;
    if (x.start > x.end || (edges ? x.start > to : x.start >= to || exposed_edge(&x))) return 0;
    int rc = mem_room(&w->exposed, &w->cap_exposed, w->n_exposed + 1, sizeof *w->exposed) ? 0 : E_MEMORY;
    if (rc == 0) w->exposed[w->n_exposed++] = x;
    return rc;
}

/* The stays of those asked, joined, cut to their windows, by place and start. The question is a second wider, so that a stay recorded in two pieces that meet at
 * the edge of a window is one that crosses it. */
static int exposed_find(struct contact_work *w, size_t n, struct error *err) {
    struct presence_ask *asks = w->asks;
    w->list.n = w->n_exposed = 0;
    for (size_t i = 0; i < n; i++) asks[i].from--, asks[i].to++;
    int rc = w->dense ? sweep_ask(w, n, err) : w->s->of_persons(w->s->arg, asks, n, &w->list, err);
    for (size_t i = 0; i < n; i++) asks[i].from++, asks[i].to--;
    w->ret->stays_read += w->list.n;
    if (rc == 0 && sort_by_place(&w->list, w->s->n_places, by_place_person) < 0) rc = E_MEMORY;
    size_t place_from = 0;
    for (size_t i = 0; rc == 0 && i < w->list.n;) {
        struct presence p = w->list.items[i++];
        if (w->n_exposed && w->exposed[w->n_exposed - 1].place != p.place) { /* a place is complete: by start */
            exposed_sort(w->exposed + place_from, w->n_exposed - place_from);
            place_from = w->n_exposed;
        }
        const struct contact_rule *rule = &w->o->rules[w->s->class_of(w->s->arg, p.place) % CONTACT_CLASSES];
        bool seats = rule->rows >= 0 || rule->crowd;
        for (; i < w->list.n; i++) {
            const struct presence *q = &w->list.items[i];
            if (q->place != p.place || q->person != p.person || q->start > p.end || (seats && (q->zone != p.zone || q->row != p.row))) break;
            if (q->end > p.end) p.end = q->end;
            if (!p.zone && !p.row) p.zone = q->zone, p.row = q->row;
        }
        const struct presence_ask *ask = w->dense ? &asks[w->sums[p.person].evidence] : ask_of(asks, n, p.person);
        if (ask) rc = exposed_add(w, &p, ask->from, ask->to, seats);
    }
    if (rc == 0) exposed_sort(w->exposed + place_from, w->n_exposed - place_from);
    return rc < 0 ? error_set(err, rc, NULL, "no memory for exposed stays / 内存不足") : 0;
}

static int asks_room(struct contact_work *w, size_t n) {
    if (n <= w->cap_asks) return 0;
    struct presence_ask *asks = mem_realloc(w->asks, n * sizeof *asks);
    if (!asks) return E_MEMORY;
    w->asks = asks;
    w->cap_asks = n;
    return 0;
}

/* Cases sorted, one for each person. */
static int asks_of_cases(struct contact_work *w, const struct contact_index *cases, size_t n, size_t *ret_n, struct error *err) {
    size_t k = 0;
    if (asks_room(w, n) < 0) return error_set(err, E_MEMORY, NULL, "no memory for cases / 内存不足");
    for (size_t i = 0; i < n; i++) {
        if (cases[i].from >= cases[i].to || cases[i].from == INT32_MIN || cases[i].to == INT32_MAX)
            return error_set(err, E_INVALID, NULL, "a window is empty / 时间窗为空");
        w->asks[i] = (struct presence_ask){cases[i].person, cases[i].from, cases[i].to};
    }
    if (n) qsort(w->asks, n, sizeof *w->asks, by_person);
    for (size_t i = 0; i < n; i++) {
        struct presence_ask a = w->asks[i];
        if (k && w->asks[k - 1].person == a.person) {
            if (a.from < w->asks[k - 1].from) w->asks[k - 1].from = a.from;
            if (a.to > w->asks[k - 1].to) w->asks[k - 1].to = a.to;
        } else w->asks[k++] = a;
    }
    *ret_n = k;
    return 0;
}

/* ---- the question */
static int degree_find(struct contact_work *w, size_t n_asks, const struct contact_link *links, size_t n_links, struct error *err) {
    for (size_t i = 0; w->dense && i < n_asks; i++) w->sums[w->asks[i].person].evidence = (uint32_t)i; /* cases, or contacts that are in ret by now */
    int rc = exposed_find(w, n_asks, err);
    if (rc == 0) rc = w->dense ? sweep_places(w, err) : contact_places(w, w->exposed, 0, w->n_exposed, err);
    if (rc == 0 && n_links) rc = contact_links(w, n_asks, links, n_links);
    if (rc == 0 && w->dense) rc = sweep_collect(w, err);
    return rc < 0 ? error_set(err, rc, NULL, "no memory for contacts / 内存不足") : 0;
}

/* The close contacts become those whose contacts are sought: from their first exposure on; in reverse, until their last. */
static int asks_of_contacts(struct contact_work *w, int32_t from, int32_t to, size_t *ret_n) {
    const struct contact_result *r = w->ret;
    size_t k = 0;
    int rc = asks_room(w, r->n_contacts ? r->n_contacts : 1);
    for (size_t i = 0; rc == 0 && i < r->n_contacts; i++) {
        const struct contact *c = &r->contacts[i];
        struct presence_ask a = {c->person, w->o->reverse ? from : c->first, w->o->reverse ? c->last : to};
        if (c->kind == CONTACT_CLOSE && a.from < a.to) w->asks[k++] = a;
    }
    if (k) qsort(w->asks, k, sizeof *w->asks, by_person);
    *ret_n = k;
    return rc;
}

static uint32_t persons_below(const struct contact_work *w, size_t n_asks, const struct contact_link *links, size_t n_links) {
    uint32_t n = w->s->n_persons;
    for (size_t i = 0; i < n_asks; i++)
        if (w->asks[i].person >= n) n = w->asks[i].person + 1;
    for (size_t i = 0; i < n_links; i++) {
        if (links[i].a >= n) n = links[i].a + 1;
        if (links[i].b >= n) n = links[i].b + 1;
    }
    return n;
}

int contact_find(const struct presence_source *s, const struct contact_options *o, const struct contact_index *cases, size_t n, const struct contact_link *links,
                 size_t n_links, struct contact_work *w, struct contact_result *ret, struct error *err) {
    size_t n_asks = 0;
    int32_t from = INT32_MAX, to = INT32_MIN;
    if (o->degree < 1 || o->degree > 2) return error_set(err, E_INVALID, "degree", "degree is 1 or 2 / 级数只能为 1 或 2");
    ret->n_contacts = ret->n_evidence = ret->n_venues = 0;
    ret->stays_read = 0;
    w->s = s;
    w->o = o;
    w->ret = ret;
    w->degree = 1;
    int rc = asks_of_cases(w, cases, n, &n_asks, err);
    w->dense = rc == 0 && n_asks >= o->many;
    if (w->dense) rc = sweep_begin(w, persons_below(w, n_asks, links, n_links), err);
    else if (rc == 0 && seen_begin(w) < 0) rc = error_set(err, E_MEMORY, NULL, "no memory for contacts / 内存不足");
    for (size_t i = 0; rc == 0 && i < n_asks; i++) {
        if (w->asks[i].from < from) from = w->asks[i].from;
        if (w->asks[i].to > to) to = w->asks[i].to;
        if (w->dense) {
            if (w->asks[i].person < w->n_sums) w->sums[w->asks[i].person] = (struct contact_sum){.mark = w->mark};
            continue;
        }
        struct seen_slot *slot = seen_get(w, w->asks[i].person);
        if (!slot) return error_set(err, E_MEMORY, NULL, "no memory for contacts / 内存不足");
        *slot = (struct seen_slot){w->asks[i].person + 1, SEEN_CASE};
        w->seen_n++;
    }
    if (rc == 0) rc = degree_find(w, n_asks, links, n_links, err);
    if (rc == 0 && o->degree == 2) {
        rc = asks_of_contacts(w, from, o->until > to ? o->until : to, &n_asks);
        if (rc < 0) error_set(err, rc, NULL, "no memory for contacts / 内存不足");
        w->degree = 2;
        if (rc == 0) rc = degree_find(w, n_asks, links, n_links, err);
    }
    for (size_t i = 0; rc == 0 && !w->dense && i < ret->n_contacts; i++) ret->contacts[i].score = -expm1(-ret->contacts[i].score); /* sums were written so */
    return rc;
}

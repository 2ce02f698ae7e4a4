/* Tracing back from several cases: what they have in common that is rarer than chance. */
#include <math.h>
#include <stdlib.h>

#include "engines/contact_work.h"

void contact_common_clear(struct contact_common *c) {
    mem_free(c->places);
    mem_free(c->persons);
    *c = (struct contact_common){0};
}

/* log10 of P(X >= k), X binomial(n, p), summed from k upwards in logarithms. */
static double tail(uint32_t n, uint32_t k, double p) {
    if (k == 0 || p >= 1) return 0;
    if (p <= 0) return -INFINITY;
    double sum = 0, first = 0;
    for (uint32_t x = k; x <= n; x++) {
        double l = lgamma(n + 1.0) - lgamma(x + 1.0) - lgamma(n - x + 1.0) + x * log(p) + (n - x) * log1p(-p);
        if (x == k) first = l;
        sum += exp(l - first);
    }
    double r = (first + log(sum)) / log(10);
    return r < 0 ? r : 0;
}

static int by_place_person(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    return a->person < b->person ? -1 : a->person > b->person;
}

static int by_number(const void *pa, const void *pb) {
    const uint32_t *a = pa, *b = pb;
    return *a < *b ? -1 : *a > *b;
}

static int by_chance(const void *pa, const void *pb) {
    const struct contact_common_place *a = pa, *b = pb;
    if (a->log10_chance != b->log10_chance) return a->log10_chance < b->log10_chance ? -1 : 1;
    if (a->cases != b->cases) return a->cases > b->cases ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static int by_cases(const void *pa, const void *pb) {
    const struct contact_common_person *a = pa, *b = pb;
    if (a->cases != b->cases) return a->cases > b->cases ? -1 : 1;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    return a->person < b->person ? -1 : a->person > b->person;
}

/* Distinct people at a place in [from, to). */
static int visitors(const struct presence_source *s, uint32_t place, int32_t from, int32_t to, uint32_t *ret, struct error *err) {
    struct presence_span span;
    uint32_t *ids = NULL;
    size_t n = 0, cap = 0;
    bool loose;
    struct presence_when when = {from, to};
    int rc = s->at_place(s->arg, place, &when, 1, false, &loose, err);
    while (rc == 0 && (rc = s->next(s->arg, &span, err)) == 1) {
        rc = 0;
        for (size_t i = 0; rc == 0 && i < span.n; i++) {
            if (span.start[i] >= to || (span.end[i] <= from && span.start[i] < from)) continue;
            rc = mem_room(&ids, &cap, n + 1, sizeof *ids) ? 0 : E_MEMORY;
            if (rc == 0) ids[n++] = span.person[i];
        }
    }
    if (rc == 0) {
        uint32_t count = 0;
        if (n) qsort(ids, n, sizeof *ids, by_number);
        for (size_t i = 0; i < n; i++) count += !i || ids[i] != ids[i - 1];
        *ret = count;
    }
    mem_free(ids);
    return rc;
}

/* stays: of all cases, sorted by place and person. */
static int places_find(const struct presence_source *s, const struct presence_list *stays, uint32_t n_cases, int32_t from, int32_t to, uint32_t population,
                       struct contact_common *ret, struct error *err) {
    size_t cap = 0;
    int rc = 0;
    for (size_t i = 0, k; rc == 0 && i < stays->n; i = k) {
        struct contact_common_place p = {.place = stays->items[i].place, .cases = 1};
        for (k = i + 1; k < stays->n && stays->items[k].place == p.place; k++) p.cases += stays->items[k].person != stays->items[k - 1].person;
        if (p.cases < 2) continue;
        rc = visitors(s, p.place, from, to, &p.visitors, err);
        double share = population ? (double)p.visitors / population : 0;
        p.expected = n_cases * (share < 1 ? share : 1);
        p.log10_chance = tail(n_cases, p.cases, share);
        if (rc == 0) rc = mem_room(&ret->places, &cap, ret->n_places + 1, sizeof *ret->places) ? 0 : E_MEMORY;
        if (rc == 0) ret->places[ret->n_places++] = p;
    }
    if (rc == 0 && ret->n_places) qsort(ret->places, ret->n_places, sizeof *ret->places, by_chance);
    return rc;
}

static int met_order(const void *pa, const void *pb) {
    const struct contact_common_person *a = pa, *b = pb;
    return a->person < b->person ? -1 : a->person > b->person;
}

static uint32_t case_of(const struct contact_index *cases, const uint32_t *who, size_t i) {
    return who ? who[i] : cases[i].person;
}

static bool again(const struct contact_index *cases, const uint32_t *who, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (case_of(cases, who, k) == case_of(cases, who, i)) return true;
    return false;
}

/* Those who can have infected each case, one case with all its numbers after another, then counted. */
static int persons_find(const struct presence_source *s, const struct contact_options *o, const struct contact_index *cases, const uint32_t *who, size_t n, const struct contact_link *links,
                        size_t n_links, struct contact_work *w, struct contact_common *ret, struct error *err) {
    struct contact_options back = *o;
    struct contact_result r = {0};
    struct contact_index *one = mem_alloc((n ? n : 1) * sizeof *one);
    size_t cap = 0;
    int rc = one ? 0 : E_MEMORY;
    back.reverse = true;
    back.degree = 1;
    back.evidence = false;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t m = 0;
        if (again(cases, who, i)) continue;
        for (size_t k = i; k < n; k++)
            if (case_of(cases, who, k) == case_of(cases, who, i)) one[m++] = cases[k];
        rc = contact_find(s, &back, one, m, links, n_links, w, &r, err);
        for (size_t k = 0; rc == 0 && k < r.n_contacts; k++) {
            rc = mem_room(&ret->persons, &cap, ret->n_persons + 1, sizeof *ret->persons) ? 0 : E_MEMORY;
            if (rc == 0) ret->persons[ret->n_persons++] = (struct contact_common_person){r.contacts[k].person, 1, r.contacts[k].score};
        }
    }
    contact_result_clear(&r);
    mem_free(one);
    if (rc < 0 || !ret->n_persons) return rc;
    size_t kept = 0;
    qsort(ret->persons, ret->n_persons, sizeof *ret->persons, met_order);
    for (size_t i = 0; i < ret->n_persons; i++) {
        struct contact_common_person *p = &ret->persons[i];
        if (kept && ret->persons[kept - 1].person == p->person) {
            ret->persons[kept - 1].cases++;
            ret->persons[kept - 1].score += p->score;
        } else ret->persons[kept++] = *p;
    }
    ret->n_persons = kept;
    qsort(ret->persons, kept, sizeof *ret->persons, by_cases);
    return 0;
}

int contact_common(const struct presence_source *s, const struct contact_options *o, const struct contact_index *cases, const uint32_t *who, size_t n, const struct contact_link *links,
                   size_t n_links, uint32_t population, struct contact_work *w, struct contact_common *ret, struct error *err) {
    struct presence_list stays = {0};
    struct contact_common c = {0};
    int32_t from = INT32_MAX, to = INT32_MIN;
    uint32_t distinct = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct presence_ask ask = {cases[i].person, cases[i].from, cases[i].to};
        size_t before = stays.n;
        if (ask.from >= ask.to) rc = error_set(err, E_INVALID, NULL, "a window is empty / 时间窗为空");
        distinct += !again(cases, who, i);
        if (ask.from < from) from = ask.from;
        if (ask.to > to) to = ask.to;
        if (rc == 0) rc = s->of_persons(s->arg, &ask, 1, &stays, err);
        for (size_t k = before; rc == 0 && k < stays.n; k++) stays.items[k].person = case_of(cases, who, i);
    }
    if (rc == 0 && stays.n) qsort(stays.items, stays.n, sizeof *stays.items, by_place_person);
    if (rc == 0) rc = places_find(s, &stays, distinct, from, to, population ? population : s->n_persons, &c, err);
    if (rc == 0) rc = persons_find(s, o, cases, who, n, links, n_links, w, &c, err);
    presence_list_clear(&stays);
    if (rc < 0) {
        contact_common_clear(&c);
        return error_set(err, rc, NULL, "no memory to trace back / 内存不足");
    }
    *ret = c;
    return 0;
}

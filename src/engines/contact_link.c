/* Links from registers: who lived, slept or worked together by what is on record. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engines/contact_work.h"

struct linked {
    uint32_t person, through; /* the contact, the one asked */
    int32_t from, to;
    uint8_t kind, rows_apart;
    bool close;
};

static int by_person_kind(const void *pa, const void *pb) {
    const struct linked *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    return a->through < b->through ? -1 : a->through > b->through;
}

static int linked_add(struct contact_work *w, size_t *n, const struct presence_ask *ask, uint32_t other, const struct contact_link *l) {
    struct linked k = {other, ask->person, l->from > ask->from ? l->from : ask->from, l->to < ask->to ? l->to : ask->to, l->kind, l->rows_apart, l->close};
    if (k.from >= k.to || other == ask->person) return 0;
    int rc = mem_room(&w->linked, &w->cap_linked, *n + 1, sizeof *w->linked) ? 0 : E_MEMORY;
    if (rc == 0) w->linked[(*n)++] = k;
    return rc;
}

/* The larger of what the stays of this degree gave and what the links give. */
static void dose_raise(struct contact_work *w, uint32_t person, double dose) {
    if (w->dense) {
        struct contact_sum *c = person < w->n_sums ? &w->sums[person] : NULL;
        if (c && c->mark == w->mark && c->degree == w->degree && c->dose < dose) c->dose = dose;
        return;
    }
    const struct seen_slot *slot = seen_get(w, person);
    if (!slot || !slot->key || slot->at == SEEN_CASE) return;
    struct contact *c = &w->ret->contacts[slot->at];
    if (c->degree == w->degree && c->score < dose) c->score = dose;
}

/* Household, address and phone tell of the same hours, and so do unit and work unit: the one that tells of most. */
static double dose_of(const double by_kind[CONTACT_KINDS]) {
    return fmax(fmax(by_kind[CONTACT_HOUSEHOLD], by_kind[CONTACT_ADDRESS]), by_kind[CONTACT_PHONE]) + by_kind[CONTACT_ROOM] + fmax(by_kind[CONTACT_UNIT], by_kind[CONTACT_WORK]);
}

int contact_links(struct contact_work *w, size_t n_asks, const struct contact_link *links, size_t n) {
    size_t n_linked = 0;
    double dose[CONTACT_KINDS] = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct presence_ask *a = ask_of(w->asks, n_asks, links[i].a), *b = ask_of(w->asks, n_asks, links[i].b);
        if (a) rc = linked_add(w, &n_linked, a, links[i].b, &links[i]);
        if (rc == 0 && b) rc = linked_add(w, &n_linked, b, links[i].a, &links[i]);
    }
    if (n_linked) qsort(w->linked, n_linked, sizeof *w->linked, by_person_kind);
    for (size_t i = 0, k; rc == 0 && i < n_linked; i = k) {
        struct linked one = w->linked[i];
        for (k = i + 1; k < n_linked && w->linked[k].person == one.person && w->linked[k].kind == one.kind && w->linked[k].from <= one.to; k++) {
            if (w->linked[k].to > one.to) one.to = w->linked[k].to;
            if (w->linked[k].rows_apart < one.rows_apart) one.rows_apart = w->linked[k].rows_apart;
            one.close |= w->linked[k].close;
        }
        struct contact_evidence e = {.place = CONTACT_LINK_PLACE, .through = one.through, .start = one.from, .end = one.to, .kind = one.kind, .rows_apart = one.rows_apart,
                                     .attr = presence_attr(PRESENCE_REGISTER, 100)};
        rc = contact_note(w, one.person, &e, 0, one.close);
        dose[one.kind % CONTACT_KINDS] += quantum(CONTACT_RATE_PER_HOUR / 3600 * w->o->daily_s[one.kind % CONTACT_KINDS] / DAY_S) * (double)(one.to - one.from);
        if (k < n_linked && w->linked[k].person == one.person) continue;
        if (rc == 0) dose_raise(w, one.person, dose_of(dose));
        memset(dose, 0, sizeof dose);
    }
    return rc;
}

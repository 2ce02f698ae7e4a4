/* Stays that an entry of a route was corrected away from; see withdrawn.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/tracing/withdrawn.h"

const char *const route_registers[ROUTE_REGISTERS] = {"track", "police_feed", "industry_feed"};

bool route_entry_of(const struct record *r, struct route_entry *ret) {
    int64_t starts = record_int(r, "starts", INSTANT_NONE), ends = record_int(r, "ends", INSTANT_NONE);
    struct text precision = record_text(r, "precision");
    *ret = (struct route_entry){.place = record_int(r, "place", 0), .vehicle = record_text(r, "vehicle")};
    if ((!ret->place && !ret->vehicle.n) || starts == INSTANT_NONE || text_is(precision, "day") || text_is(precision, "unknown") || text_is(precision, "part-of-day")) return false;
    ret->stay = (struct visit){UINT32_MAX, UINT32_MAX, starts, ends, ret->vehicle.n ? PRESENCE_SEAT : PRESENCE_TOLD, text_is(precision, "about") ? 60 : 90,
                               (uint16_t)record_int(r, "carriage", 0), (uint16_t)record_int(r, "seat_row", 0)};
    return true;
}

/* ---- what was said, and what is said now */

struct said {
    struct arena arena;
    struct word {
        int64_t place;
        struct text vehicle;
        struct visit stay;
        bool stands;
    } *items;
    size_t n, cap;
    int64_t *changed;
    size_t n_changed, cap_changed;
    struct error *err;
};

static int said_add(struct said *x, const struct record *r, bool stands) {
    struct route_entry e;
    if (!route_entry_of(r, &e)) return 0;
    if (!mem_room(&x->items, &x->cap, x->n + 1, sizeof *x->items)) return error_memory(x->err);
    struct word *w = &x->items[x->n];
    *w = (struct word){e.place, arena_text(&x->arena, e.vehicle), e.stay, stands};
    if (e.vehicle.n && !w->vehicle.s) return error_memory(x->err);
    x->n++;
    return 0;
}

static int now_said(const struct record *r, void *arg) {
    struct said *x = arg;
    if (x->n >= ROUTE_MAX) return 1;
    if (r->version > 1) {
        if (!mem_room(&x->changed, &x->cap_changed, x->n_changed + 1, sizeof *x->changed)) return error_memory(x->err);
        x->changed[x->n_changed++] = r->id;
    }
    return said_add(x, r, true);
}

static int once_said(const struct record *r, void *arg) {
    return said_add(arg, r, false);
}

static int said_read(struct ledger *l, const struct session *s, int64_t person, struct said *x, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where};
    int rc = 0;
    bool any = false;
    snprintf(where, sizeof where, "person = %lld", (long long)person);
    for (size_t i = 0; rc == 0 && i < ROUTE_REGISTERS; i++) {
        const struct register_decl *reg = register_find(l->catalog, text_of(route_registers[i]));
        if (!reg || !access_anywhere(s, ACCESS_READ, reg)) continue;
        x->n_changed = 0;
        rc = record_list(l, l->db, s, reg, &f, now_said, x, err);
        if (rc > 0) rc = 0;
        any |= x->n_changed > 0;
        for (size_t k = 0; rc == 0 && k < x->n_changed; k++) rc = record_formers(l, l->db, reg, x->changed[k], once_said, x, err);
    }
    if (!any) x->n = 0;
    return rc;
}

static int stay_add(struct withdrawn *w, const struct word *said, uint32_t place, const uint32_t *numbers, size_t n, struct error *err) {
    for (size_t i = 0; i < n; i++) {
        if (!mem_room(&w->items, &w->cap, w->n + 1, sizeof *w->items)) return error_memory(err);
        w->items[w->n++] = (struct withdrawn_stay){numbers[i], place, said->stay.start, said->stay.end, said->stay.zone, said->stay.row, said->stands};
    }
    return 0;
}

/* A place may have been in the visits under its number before it had a code. */
static int word_add(struct ledger *l, struct visits *v, const struct tracing_rules *rules, struct word *said, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err) {
    char name[VISITS_NAME_MAX + 1], number[24];
    uint32_t place = UINT32_MAX, other;
    int rc = 0;
    if (said->place) rc = tracing_place_called(l, said->place, name, err);
    else snprintf(name, sizeof name, "%.*s", (int)said->vehicle.n, said->vehicle.s);
    if (rc < 0) return rc;
    bool known = visits_find(v, VISITS_PLACE, text_of(name), &place);
    if (said->stands && said->stay.end == INSTANT_NONE) said->stay.end = said->stay.start + rules->dwell_s[known ? visits_class(v, place) % CONTACT_CLASSES : 0];
    if (known) rc = stay_add(w, said, place, numbers, n, err);
    snprintf(number, sizeof number, "%lld", (long long)said->place);
    if (rc == 0 && said->place && visits_find(v, VISITS_PLACE, text_of(number), &other) && (!known || other != place)) rc = stay_add(w, said, other, numbers, n, err);
    return rc;
}

int withdrawn_add(struct ledger *l, const struct session *s, struct visits *v, int64_t person, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err) {
    struct said x = {.err = err};
    struct tracing_rules rules;
    if (person <= 0 || !n) return 0;
    int rc = said_read(l, s, person, &x, err);
    if (rc == 0 && x.n) tracing_rules(l, (struct text){"", 0}, s->now, &rules);
    for (size_t i = 0; rc == 0 && i < x.n; i++) rc = word_add(l, v, &rules, &x.items[i], numbers, n, w, err);
    mem_free(x.items);
    mem_free(x.changed);
    arena_clear(&x.arena);
    return rc;
}

/* ---- a source without them */

static int by_person_place(const void *pa, const void *pb) {
    const struct withdrawn_stay *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* A piece of this stay, cut at midnight or not. */
static bool piece_of(const struct withdrawn_stay *w, instant origin, const struct presence *p) {
    instant start = origin + p->start, end = origin + p->end;
    if (p->zone != w->zone || p->row != w->row) return false;
    if (start != w->start && !(p->attr & PRESENCE_FROM && start > w->start)) return false;
    return w->end == INSTANT_NONE || end == w->end || (p->attr & PRESENCE_TO && end < w->end);
}

static bool gone(const struct withdrawn *w, instant origin, const struct presence *p) {
    unsigned source = presence_source_of(p->attr);
    if (source != PRESENCE_TOLD && source != PRESENCE_SEAT) return false;
    const struct withdrawn_stay key = {.person = p->person, .place = p->place};
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (by_person_place(&w->items[mid], &key) < 0) low = mid + 1;
        else high = mid;
    }
    bool once = false;
    for (; low < w->n && by_person_place(&w->items[low], &key) == 0; low++) {
        if (!piece_of(&w->items[low], origin, p)) continue;
        if (w->items[low].stands) return false;
        once = true;
    }
    return once;
}

/* One thread's. */
struct without {
    const struct withdrawn *w;
    struct presence_source inner;
    bool owned;                 /* inner is another of the first */
};

static int without_persons(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct without *x = arg;
    size_t kept = out->n;
    int rc = x->inner.of_persons(x->inner.arg, asks, n, out, err);
    if (rc < 0) return rc;
    for (size_t i = kept; i < out->n; i++) {
        if (!gone(x->w, x->inner.origin, &out->items[i])) out->items[kept++] = out->items[i];
    }
    out->n = kept;
    return rc;
}

static int without_at(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct without *x = arg;
    return x->inner.at_place(x->inner.arg, place, when, n, seats, ret_loose, err);
}

static int without_next(void *arg, struct presence_span *ret, struct error *err) {
    struct without *x = arg;
    return x->inner.next(x->inner.arg, ret, err);
}

static void without_ahead(void *arg, const struct presence_stop *stops, size_t n) {
    struct without *x = arg;
    x->inner.ahead(x->inner.arg, stops, n);
}

static uint32_t without_crowd(void *arg, uint32_t place, int32_t from, int32_t to, uint32_t enough) {
    struct without *x = arg;
    return x->inner.crowd(x->inner.arg, place, from, to, enough);
}

static uint8_t without_class(void *arg, uint32_t place) {
    struct without *x = arg;
    return x->inner.class_of(x->inner.arg, place);
}

static void without_release(void *arg) {
    struct without *x = arg;
    if (x->owned && x->inner.release) x->inner.release(x->inner.arg);
    mem_free(x);
}

static int without_another(void *arg, struct presence_source *ret, struct error *err);

static bool wrap(const struct withdrawn *w, const struct presence_source *inner, bool owned, struct presence_source *ret) {
    struct without *x = mem_alloc(sizeof *x);
    if (!x) return false;
    *x = (struct without){.w = w, .inner = *inner, .owned = owned};
    *ret = (struct presence_source){.arg = x, .origin = inner->origin, .n_persons = inner->n_persons, .n_places = inner->n_places, .of_persons = without_persons, .at_place = without_at,
                                    .next = without_next, .ahead = inner->ahead ? without_ahead : NULL, .crowd = inner->crowd ? without_crowd : NULL, .class_of = without_class,
                                    .another = inner->another ? without_another : NULL, .release = without_release};
    return true;
}

static int without_another(void *arg, struct presence_source *ret, struct error *err) {
    struct without *x = arg;
    struct presence_source inner;
    int rc = x->inner.another(x->inner.arg, &inner, err);
    if (rc < 0) return rc;
    if (wrap(x->w, &inner, true, ret)) return 0;
    if (inner.release) inner.release(inner.arg);
    return error_memory(err);
}

const struct presence_source *withdrawn_without(struct withdrawn *w, const struct presence_source *inner) {
    if (!w->n) return inner;
    qsort(w->items, w->n, sizeof *w->items, by_person_place);
    return wrap(w, inner, false, &w->source) ? &w->source : NULL;
}

void withdrawn_clear(struct withdrawn *w) {
    if (w->source.arg) without_release(w->source.arg);
    mem_free(w->items);
    *w = (struct withdrawn){0};
}

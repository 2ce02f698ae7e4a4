/* Stays that an entry of a route was corrected away from; see withdrawn.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/tracing/withdrawn.h"

const char *const route_registers[ROUTE_REGISTERS] = {"track", "police_feed", "industry_feed"};

/* What an entry says, by cell. */
static bool entry_of(int64_t place, struct text vehicle, int64_t starts, int64_t ends, struct text precision, int64_t carriage, int64_t row, struct route_entry *ret) {
    *ret = (struct route_entry){.place = place, .vehicle = vehicle};
    if ((!place && !vehicle.n) || starts == INSTANT_NONE || text_is(precision, "day") || text_is(precision, "unknown") || text_is(precision, "part-of-day")) return false;
    ret->stay = (struct visit){UINT32_MAX, UINT32_MAX, starts, ends, PRESENCE_ROUTE, text_is(precision, "about") ? 60 : 90, (uint16_t)carriage, (uint16_t)row};
    return true;
}

bool route_entry_of(const struct record *r, struct route_entry *ret) {
    return entry_of(record_int(r, "place", 0), record_text(r, "vehicle"), record_int(r, "starts", INSTANT_NONE), record_int(r, "ends", INSTANT_NONE), record_text(r, "precision"),
                    record_int(r, "carriage", 0), record_int(r, "seat_row", 0), ret);
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

static int said_add(struct said *x, const struct route_entry *e, bool stands) {
    if (!mem_room(&x->items, &x->cap, x->n + 1, sizeof *x->items)) return error_memory(x->err);
    struct word *w = &x->items[x->n];
    *w = (struct word){e->place, arena_text(&x->arena, e->vehicle), e->stay, stands};
    if (e->vehicle.n && !w->vehicle.s) return error_memory(x->err);
    x->n++;
    return 0;
}

static int changed_one(const struct record *r, void *arg) {
    struct said *x = arg;
    if (x->n_changed >= ROUTE_MAX) return 1;
    if (r->version < 2) return 0;
    if (!mem_room(&x->changed, &x->cap_changed, x->n_changed + 1, sizeof *x->changed)) return error_memory(x->err);
    x->changed[x->n_changed++] = r->id;
    return 0;
}

static int once_said(const struct record *r, void *arg) {
    struct route_entry e;
    return route_entry_of(r, &e) ? said_add(arg, &e, false) : 0;
}

/* What the entries say now, whoever may read them: that a stay counts says no more than that it is there. */
static int now_read(struct ledger *l, const struct register_decl *reg, int64_t person, struct said *x) {
    static const char *const needed[] = {"person", "place", "vehicle", "starts", "ends", "precision", "carriage", "seat_row"};
    struct value param = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *v;
    char sql[160];
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (register_field(reg, text_of(needed[i])) < 0) return 0;
    snprintf(sql, sizeof sql, "SELECT place, vehicle, starts, ends, precision, carriage, seat_row FROM \"%s\" WHERE person = ?1", reg->name.s);
    int rc = db_query(l->db, sql, &param, 1, &c, x->err);
    while (rc == 0 && (rc = db_next(c, &v, x->err)) > 0) {
        struct route_entry e;
        rc = 0;
        if (entry_of(value_int_or(v[0], 0), value_view(v[1]), value_int_or(v[2], INSTANT_NONE), value_int_or(v[3], INSTANT_NONE), value_view(v[4]), value_int_or(v[5], 0), value_int_or(v[6], 0), &e))
            rc = said_add(x, &e, true);
    }
    db_cursor_close(c);
    return rc;
}

/* history: also what they said before. */
static int said_read(struct ledger *l, const struct session *s, int64_t person, bool history, struct said *x, struct error *err) {
    char where[64];
    struct record_filter f = {.where = where};
    int rc = 0;
    snprintf(where, sizeof where, "person = %lld", (long long)person);
    for (size_t i = 0; rc == 0 && i < ROUTE_REGISTERS; i++) {
        const struct register_decl *reg = register_find(l->catalog, text_of(route_registers[i]));
        if (reg) rc = now_read(l, reg, person, x);
        if (rc < 0 || !reg || !history || !access_anywhere(s, ACCESS_READ, reg)) continue;
        x->n_changed = 0;
        rc = record_list(l, l->db, s, reg, &f, changed_one, x, err);
        if (rc > 0) rc = 0;
        for (size_t k = 0; rc == 0 && k < x->n_changed; k++) rc = record_formers(l, l->db, reg, x->changed[k], once_said, x, err);
    }
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

static int person_add(struct ledger *l, const struct session *s, struct visits *v, int64_t person, bool history, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err) {
    struct said x = {.err = err};
    struct tracing_rules rules;
    bool made;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) rc = idmap_put(&w->known, &w->arena, numbers[i], &made) ? 0 : error_memory(err);
    if (rc == 0 && person > 0) rc = said_read(l, s, person, history, &x, err);
    if (rc == 0 && x.n) tracing_rules(l, (struct text){"", 0}, s->now, &rules);
    for (size_t i = 0; rc == 0 && i < x.n; i++) rc = word_add(l, v, &rules, &x.items[i], numbers, n, w, err);
    mem_free(x.items);
    mem_free(x.changed);
    arena_clear(&x.arena);
    return rc;
}

int withdrawn_add(struct ledger *l, const struct session *s, struct visits *v, int64_t person, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err) {
    return person > 0 && n ? person_add(l, s, v, person, true, numbers, n, w, err) : 0;
}

/* ---- a source without them */

static int by_person_place(const void *pa, const void *pb) {
    const struct withdrawn_stay *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* A piece of this stay, cut at midnight or not. seats: where one sat is known of it. */
static bool piece_of(const struct withdrawn_stay *w, instant origin, const struct presence *p, bool seats) {
    instant start = origin + p->start, end = origin + p->end;
    if (seats && (p->zone != w->zone || p->row != w->row)) return false;
    if (start != w->start && !(p->attr & PRESENCE_FROM && start > w->start)) return false;
    return w->end == INSTANT_NONE || end == w->end || (p->attr & PRESENCE_TO && end < w->end);
}

static void meet(struct withdrawn *w, const struct presence *p, bool seats) {
    struct presence one = *p;
    one.filler = seats;
    pthread_mutex_lock(&w->lock);
    if (presence_add(&w->met, &one) < 0) w->failed = true;
    pthread_mutex_unlock(&w->lock);
}

static bool gone(struct withdrawn *w, instant origin, const struct presence *p, bool seats) {
    unsigned source = presence_source_of(p->attr);
    if (source != PRESENCE_TOLD && source != PRESENCE_SEAT && source != PRESENCE_ROUTE) return false;
    if (source == PRESENCE_ROUTE && !idmap_find(&w->known, p->person)) return meet(w, p, seats), false;
    const struct withdrawn_stay key = {.person = p->person, .place = p->place};
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (by_person_place(&w->items[mid], &key) < 0) low = mid + 1;
        else high = mid;
    }
    bool once = source == PRESENCE_ROUTE;
    for (; low < w->n && by_person_place(&w->items[low], &key) == 0; low++) {
        if (!piece_of(&w->items[low], origin, p, seats)) continue;
        if (w->items[low].stands) return false;
        once = true;
    }
    return once;
}

/* One thread's. */
struct without {
    struct withdrawn *w;
    struct presence_source inner;
    bool owned;                 /* inner is another of the first */
    uint32_t place;             /* of the span under way */
    struct spare {              /* a span of which something is gone, without it */
        uint32_t *person;
        int32_t *start, *end;
        uint16_t *attr, *zone, *row;
    } spare;
    size_t cap;
};

static int without_persons(void *arg, const struct presence_ask *asks, size_t n, struct presence_list *out, struct error *err) {
    struct without *x = arg;
    size_t kept = out->n;
    int rc = x->inner.of_persons(x->inner.arg, asks, n, out, err);
    if (rc < 0) return rc;
    for (size_t i = kept; i < out->n; i++) {
        if (!gone(x->w, x->inner.origin, &out->items[i], true)) out->items[kept++] = out->items[i];
    }
    out->n = kept;
    return rc;
}

static int without_at(void *arg, uint32_t place, const struct presence_when *when, size_t n, bool seats, bool *ret_loose, struct error *err) {
    struct without *x = arg;
    x->place = place;
    return x->inner.at_place(x->inner.arg, place, when, n, seats, ret_loose, err);
}

static bool spare_room(struct without *x, size_t n) {
    void **lists[] = {(void **)&x->spare.person, (void **)&x->spare.start, (void **)&x->spare.end, (void **)&x->spare.attr, (void **)&x->spare.zone, (void **)&x->spare.row};
    if (n <= x->cap) return true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        void *p = mem_realloc(*lists[i], n * (i < 3 ? sizeof(uint32_t) : sizeof(uint16_t)));
        if (!p) return false;
        *lists[i] = p;
    }
    x->cap = n;
    return true;
}

static int without_next(void *arg, struct presence_span *ret, struct error *err) {
    struct without *x = arg;
    struct spare *to = &x->spare;
    int rc = x->inner.next(x->inner.arg, ret, err);
    size_t kept = 0;
    bool copied = false;
    for (size_t i = 0; rc == 1 && i < ret->n; i++) {
        bool out = false;
        if (presence_source_of(ret->attr[i]) == PRESENCE_ROUTE) { /* of those asked about all goes; of the others what is known by now */
            struct presence p = {ret->person[i], x->place, ret->start[i], ret->end[i], ret->attr[i], ret->zone ? ret->zone[i] : 0, ret->row ? ret->row[i] : 0, 0};
            out = gone(x->w, x->inner.origin, &p, ret->zone && ret->row);
        }
        if (out && !copied) {
            if (!spare_room(x, ret->n)) return error_memory(err);
            copied = true;
            memcpy(to->person, ret->person, i * sizeof *to->person);
            memcpy(to->start, ret->start, i * sizeof *to->start);
            memcpy(to->end, ret->end, i * sizeof *to->end);
            memcpy(to->attr, ret->attr, i * sizeof *to->attr);
            if (ret->zone) memcpy(to->zone, ret->zone, i * sizeof *to->zone);
            if (ret->row) memcpy(to->row, ret->row, i * sizeof *to->row);
        }
        if (copied && !out) {
            to->person[kept] = ret->person[i], to->start[kept] = ret->start[i], to->end[kept] = ret->end[i], to->attr[kept] = ret->attr[i];
            if (ret->zone) to->zone[kept] = ret->zone[i];
            if (ret->row) to->row[kept] = ret->row[i];
        }
        kept += !out;
    }
    if (copied) *ret = (struct presence_span){kept, to->person, to->start, to->end, to->attr, ret->zone ? to->zone : NULL, ret->row ? to->row : NULL};
    return rc;
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
    mem_free(x->spare.person);
    mem_free(x->spare.start);
    mem_free(x->spare.end);
    mem_free(x->spare.attr);
    mem_free(x->spare.zone);
    mem_free(x->spare.row);
    mem_free(x);
}

static int without_another(void *arg, struct presence_source *ret, struct error *err);

static bool wrap(struct withdrawn *w, const struct presence_source *inner, bool owned, struct presence_source *ret) {
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
    if (!w->ready && pthread_mutex_init(&w->lock, NULL)) return NULL;
    w->ready = true;
    if (w->n) qsort(w->items, w->n, sizeof *w->items, by_person_place);
    return wrap(w, inner, false, &w->source) ? &w->source : NULL;
}

int withdrawn_learn(struct ledger *l, const struct session *s, struct visits *v, struct withdrawn *w, bool *ret, struct error *err) {
    uint32_t numbers[TRACING_NUMBERS + 1];
    int rc = w->failed ? error_memory(err) : 0;
    *ret = false;
    for (size_t i = 0; rc == 0 && i < w->met.n; i++) {
        uint32_t person = w->met.items[i].person;
        int64_t record = 0;
        size_t n = 0;
        if (idmap_find(&w->known, person)) continue;
        rc = tracing_person_named(l, visits_text(v, VISITS_PERSON, person), &record, err);
        if (rc == 0 && record) rc = tracing_numbers(l, v, record, numbers, &n, err);
        numbers[n++] = person;
        if (rc == 0) rc = person_add(l, s, v, record, false, numbers, n, w, err);
    }
    if (rc == 0 && w->n) qsort(w->items, w->n, sizeof *w->items, by_person_place);
    for (size_t i = 0, n = w->met.n; rc == 0 && i < n && !*ret; i++) *ret = gone(w, w->source.origin, &w->met.items[i], w->met.items[i].filler);
    w->met.n = 0;
    return rc;
}

void withdrawn_clear(struct withdrawn *w) {
    if (w->source.arg) without_release(w->source.arg);
    if (w->ready) pthread_mutex_destroy(&w->lock);
    presence_list_clear(&w->met);
    arena_clear(&w->arena);
    mem_free(w->items);
    *w = (struct withdrawn){0};
}

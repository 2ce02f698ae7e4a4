/* The route of a case, as investigators wrote it down, into the visits; and the timeline of everything that is known of where a case was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/tracing/found.h"
#include "desks/tracing/inside.h"
#include "desks/tracing/timeline.h"
#include "desks/tracing/withdrawn.h"

/* ---- into the visits */

struct feeding {
    struct ledger *l;
    struct visits *v;
    struct arena arena;
    struct visit *rows;
    struct { int64_t place; struct text vehicle; } *where; /* beside each, as it was told */
    size_t n;
    uint32_t person;
    const int64_t *dwell_s;
    struct error *err;
};

static int feed_one(const struct record *r, void *arg) {
    struct feeding *f = arg;
    struct route_entry e;
    if (f->n == ROUTE_MAX) return 1;
    if (!route_entry_of(r, &e)) return 0;
    f->where[f->n].place = e.place;
    f->where[f->n].vehicle = arena_text(&f->arena, e.vehicle);
    if (e.vehicle.n && !f->where[f->n].vehicle.s) return error_memory(f->err);
    e.stay.person = f->person;
    f->rows[f->n++] = e.stay;
    return 0;
}

/* Where each was, as the visits call it; visits that are open for reading only get no new names. */
static int feed_places(struct feeding *f) {
    bool writes = visits_writable(f->v);
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < f->n; i++) {
        struct visit *v = &f->rows[i];
        char name[VISITS_NAME_MAX + 1];
        int64_t place = f->where[i].place;
        if (place) rc = tracing_place_called(f->l, place, name, f->err);
        else snprintf(name, sizeof name, "%.*s", (int)f->where[i].vehicle.n, f->where[i].vehicle.s);
        if (rc == 0 && !visits_find(f->v, VISITS_PLACE, text_of(name), &v->place)) rc = writes ? visits_name(f->v, VISITS_PLACE, text_of(name), &v->place, f->err) : (v->place = UINT32_MAX, 0);
        if (rc < 0) return rc;
        if (place && writes) rc = tracing_place_learn(f->l, f->v, v->place, f->err);
        if (rc < 0) return rc;
        if (!place && writes && visits_class(f->v, v->place) != TRACING_TRANSPORT) visits_set_class(f->v, v->place, TRACING_TRANSPORT);
        if (v->end == INSTANT_NONE) v->end = v->start + f->dwell_s[v->place == UINT32_MAX ? 0 : visits_class(f->v, v->place) % CONTACT_CLASSES];
        if (v->end >= v->start && v->end - v->start <= (int64_t)VISITS_DAYS_MAX * DAY_S) f->rows[kept++] = *v;
    }
    f->n = kept;
    return rc;
}

/* A stay that is among those of the person, cut at midnight or not. */
static bool fed(const struct presence_list *list, int64_t zero, const struct visit *v) {
    bool begins = false, ends = false;
    for (size_t i = 0; i < list->n && !(begins && ends); i++) {
        const struct presence *p = &list->items[i];
        if (p->place != v->place || p->zone != v->zone || p->row != v->row) continue;
        begins |= zero + p->start == v->start;
        ends |= zero + p->end == v->end;
    }
    return begins && ends;
}

/* What is not there yet stays among the rows. */
static int known_drop(struct feeding *x) {
    struct visits_reader *r = NULL;
    struct presence_list list = {0};
    instant first = INT64_MAX, last = INT64_MIN;
    size_t kept = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->rows[i].start < first) first = x->rows[i].start;
        if (x->rows[i].end > last) last = x->rows[i].end;
    }
    day origin = x->n ? day_of_instant(first, visits_zone(x->v)) - 1 : 0;
    instant zero = instant_of_day(origin, visits_zone(x->v));
    if (!x->n || last - zero > (instant)20000 * DAY_S) return 0; /* nobody's life is longer than a reader's clock: all of them again */
    int rc = visits_reader_open(x->v, origin, &r, x->err);
    if (rc < 0) return rc;
    const struct presence_source *s = visits_reader_source(r);
    if (x->person < s->n_persons) rc = s->of_persons(s->arg, &(struct presence_ask){x->person, (int32_t)(first - zero), (int32_t)(last - zero) + 1}, 1, &list, x->err);
    for (size_t i = 0; rc == 0 && i < x->n; i++)
        if (!fed(&list, zero, &x->rows[i])) x->rows[kept++] = x->rows[i];
    if (rc == 0) x->n = kept;
    presence_list_clear(&list);
    visits_reader_close(r);
    return rc;
}

/* ret_n: entries with all that a visit needs; ret_new: of them those that are not there. Visits that are open for reading only get none. */
static int route_feed(struct ledger *l, const struct session *s, struct visits *v, int64_t person, size_t *ret_n, size_t *ret_new, struct error *err) {
    struct tracing_rules rules;
    char where[64], name[24];
    struct record_filter f = {.where = where};
    struct feeding x = {.l = l, .v = v, .err = err};
    int rc = 0;
    *ret_n = *ret_new = 0;
    if (!person) return 0;
    tracing_rules(l, (struct text){"", 0}, s->now, &rules);
    x.dwell_s = rules.dwell_s;
    x.rows = mem_alloc(ROUTE_MAX * sizeof *x.rows);
    x.where = mem_alloc(ROUTE_MAX * sizeof *x.where);
    if (!x.rows || !x.where) rc = error_memory(err);
    snprintf(name, sizeof name, "%lld", (long long)person);
    snprintf(where, sizeof where, "person = %lld", (long long)person);
    if (!visits_find(v, VISITS_PERSON, text_of(name), &x.person)) x.person = UINT32_MAX;
    for (size_t i = 0; rc == 0 && i < ROUTE_REGISTERS; i++) {
        const struct register_decl *reg = register_find(l->catalog, text_of(route_registers[i]));
        if (!reg || !access_anywhere(s, ACCESS_READ, reg)) continue; /* of what another department alone may see nothing goes in */
        rc = record_list(l, l->db, s, reg, &f, feed_one, &x, err);
        if (rc > 0) rc = 0;
    }
    if (rc == 0) rc = feed_places(&x);
    *ret_n = x.n;
    if (rc == 0) rc = known_drop(&x);
    *ret_new = x.n;
    if (rc == 0 && x.n && visits_writable(v)) {
        rc = visits_name(v, VISITS_PERSON, text_of(name), &x.person, err);
        for (size_t i = 0; i < x.n; i++) x.rows[i].person = x.person;
        if (rc == 0) rc = visits_load(v, x.rows, x.n, NULL, err);
    }
    mem_free(x.rows);
    mem_free(x.where);
    arena_clear(&x.arena);
    return rc;
}

int tracing_route_feed(struct ledger *l, const struct session *s, struct visits *v, int64_t person, size_t *ret_n, struct error *err) {
    size_t n, fresh;
    int rc = route_feed(l, s, v, person, &n, &fresh, err);
    if (ret_n) *ret_n = n;
    return rc;
}

int tracing_routes_feed(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, size_t *ret_waiting, struct error *err) {
    struct tracing_plan p = {0};
    size_t n, fresh, waiting = 0;
    int rc = tracing_plan(l, s, v, q, &p, err);
    for (size_t i = 0; rc == 0 && i < p.n_records && i < TRACING_ROUTES; i++) {
        rc = route_feed(l, s, v, p.records[i], &n, &fresh, err);
        waiting += fresh;
    }
    tracing_plan_clear(&p);
    if (rc == 0) *ret_waiting = visits_writable(v) ? 0 : waiting;
    return rc;
}

/* ---- the timeline */

struct gathering {
    struct ledger *l;
    struct tracing_timeline *t;
    const char *origin;
    int failed;
};

static struct tracing_stop *stop_add(struct tracing_timeline *t) {
    if (t->n == ROUTE_MAX) return t->more = true, NULL;
    if (!mem_room(&t->stops, &t->cap, t->n + 1, sizeof *t->stops)) return NULL;
    t->stops[t->n] = (struct tracing_stop){.starts = INSTANT_NONE, .ends = INSTANT_NONE};
    return &t->stops[t->n++];
}

static int stop_of_record(const struct record *r, void *arg) {
    struct gathering *g = arg;
    struct tracing_stop *x = stop_add(g->t);
    struct arena *a = &g->t->arena;
    if (!x) return g->t->more ? 1 : E_MEMORY;
    x->origin = g->origin;
    x->record = r->id;
    x->day = (day)record_int(r, "day", 0);
    x->starts = record_int(r, "starts", INSTANT_NONE);
    x->ends = record_int(r, "ends", INSTANT_NONE);
    x->place = record_int(r, "place", 0);
    x->name = arena_text(a, record_text(r, "place_text"));
    x->vehicle = arena_text(a, record_text(r, "vehicle"));
    x->source = arena_text(a, record_text(r, "source"));
    x->precision = arena_text(a, record_text(r, "precision"));
    x->note = arena_text(a, record_text(r, "doing"));
    return 0;
}

static int by_time(const void *x, const void *y) {
    const struct tracing_stop *a = x, *b = y;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    instant s = a->starts == INSTANT_NONE ? INT64_MIN : a->starts, t = b->starts == INSTANT_NONE ? INT64_MIN : b->starts; /* hours unknown stand first */
    if (s != t) return s < t ? -1 : 1;
    return (a->record > b->record) - (a->record < b->record);
}

static int stops_of_visits(struct ledger *l, const struct session *session, struct visits *v, int64_t person, instant from, instant to, struct tracing_timeline *t, struct error *err) {
    static const char *const words[] = {
#define X(name, word, zh) word,
        PRESENCE_SOURCES(X)
#undef X
    };
    struct visits_reader *r = NULL;
    struct presence_list list = {0};
    struct withdrawn back = {0};
    uint32_t numbers[TRACING_NUMBERS];
    size_t n = 0;
    day origin = day_of_instant(from, visits_zone(v)) - 1;
    instant zero = instant_of_day(origin, visits_zone(v));
    int rc = tracing_numbers(l, v, person, numbers, &n, err);
    if (rc == 0 && !n) return 0;
    if (rc == 0) rc = withdrawn_add(l, session, v, person, numbers, n, &back, err);
    if (rc == 0) rc = visits_reader_open(v, origin, &r, err);
    const struct presence_source *s = rc == 0 ? withdrawn_without(&back, visits_reader_source(r)) : NULL;
    if (rc == 0 && !s) rc = error_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++) rc = s->of_persons(s->arg, &(struct presence_ask){numbers[i], (int32_t)(from - zero), (int32_t)(to - zero)}, 1, &list, err);
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        const struct presence *p = &list.items[i];
        struct tracing_stop *x = stop_add(t);
        struct text place = visits_text(v, VISITS_PLACE, p->place);
        unsigned source = presence_source_of(p->attr);
        if (!x) {
            if (!t->more) rc = error_memory(err);
            break;
        }
        x->origin = "visits";
        x->starts = zero + p->start;
        x->ends = zero + p->end;
        x->day = day_of_instant(x->starts, l->zone_s);
        x->name = arena_text(&t->arena, place);
        x->source = text_of(source < PRESENCE_KINDS ? words[source] : "");
        x->precision = TEXT("exact");
        x->confidence = (int)presence_confidence_of(p->attr);
        if (rc == 0 && (rc = tracing_place_named(l, place, &x->place, err)) == 0 && x->place) x->code = x->name, x->name = TEXT("");
        if (p->attr & PRESENCE_SEATED) x->zone = p->zone, x->row = p->row;
    }
    presence_list_clear(&list);
    withdrawn_clear(&back);
    visits_reader_close(r);
    return rc;
}

/* What a place is called, and where it is. */
static int names_fill(struct ledger *l, const struct session *s, struct tracing_timeline *t, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("place"));
    for (size_t i = 0; reg && i < t->n; i++) {
        struct record r;
        struct tracing_stop *x = &t->stops[i];
        if (i && x->place && x->place == t->stops[i - 1].place) {
            x->title = t->stops[i - 1].title, x->point = t->stops[i - 1].point, x->kind = t->stops[i - 1].kind;
            continue;
        }
        if (!x->place) continue;
        int rc = record_seek(l, l->db, s, reg, x->place, &t->arena, &r, err);
        if (rc < 0) return rc;
        if (rc == 0) {
            if (!x->name.n) x->name = x->code.n ? x->code : arena_words(&t->arena, "%lld", (long long)x->place);
            if (!x->name.s) return error_memory(err);
            x->place = 0;
            continue;
        }
        x->title = record_text(&r, "title");
        x->point = record_text(&r, "point");
        x->kind = record_text(&r, "kind");
    }
    return 0;
}

int tracing_timeline_of(struct ledger *l, const struct session *s, struct visits *v, int64_t which, int64_t window_days, struct tracing_timeline *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("case"));
    struct tracing_timeline t = {0};
    struct tracing_rules rules;
    struct record r;
    char where[96];
    struct record_filter f = {.where = where};
    if (!reg) return error_set(err, E_UNKNOWN, "case", "this catalog has no cases / 没有病例登记册");
    int rc = tracing_case_read(l, s, which, &t.arena, &r, err);
    if (rc == 0 && !text_trim(s->purpose).n) rc = error_set(err, E_DENIED, "purpose", "a look at where somebody was needs a purpose / 查看活动轨迹须说明目的");
    if (rc < 0) {
        arena_clear(&t.arena);
        return rc;
    }
    tracing_rules(l, record_text(&r, "disease"), s->now, &rules);
    instant base = tracing_base(l, &r, s->now);
    t.which = which;
    t.person = record_int(&r, "person", 0);
    t.from = base - (window_days ? window_days : rules.lookback_days > 14 ? rules.lookback_days : 14) * DAY_S;
    t.to = s->now;
    struct gathering g = {.l = l, .t = &t};
    for (size_t i = 0; rc == 0 && i < ROUTE_REGISTERS; i++) {
        reg = register_find(l->catalog, text_of(route_registers[i]));
        if (!reg || !access_anywhere(s, ACCESS_READ, reg)) continue; /* each sees what its right allows */
        snprintf(where, sizeof where, "person = %lld", (long long)t.person);
        g.origin = route_registers[i];
        rc = record_list(l, l->db, s, reg, &f, stop_of_record, &g, err);
        if (rc > 0) rc = 0;
    }
    reg = register_find(l->catalog, TEXT("contact"));
    if (rc == 0 && v && reg && access_check(s, ACCESS_WRITE, reg, r.region, NULL) == 0) rc = stops_of_visits(l, s, v, t.person, t.from, t.to, &t, err);
    if (rc == 0) rc = names_fill(l, s, &t, err);
    if (rc == 0 && t.n > 1) qsort(t.stops, t.n, sizeof *t.stops, by_time);
    if (rc < 0) tracing_timeline_clear(&t);
    else *ret = t;
    return rc;
}

int tracing_timeline_journal(struct ledger *l, const struct session *s, int64_t which, struct error *err) {
    return tracing_journal_of(l, s, JOURNAL_OPEN, which, "look at the route", err);
}

void tracing_timeline_clear(struct tracing_timeline *t) {
    mem_free(t->stops);
    arena_clear(&t->arena);
    *t = (struct tracing_timeline){0};
}

static int keep_first(const struct record *r, void *arg) {
    *(int64_t *)arg = r->id;
    return 1;
}

int tracing_case_read(struct ledger *l, const struct session *s, int64_t which, struct arena *a, struct record *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("case")), *room = register_find(l->catalog, TEXT("investigation"));
    char where[64];
    struct record_filter f = {.where = where, .limit = 1};
    int64_t id = 0;
    int rc = record_get(l, l->db, s, reg, which, a, ret, err);
    if ((rc != E_UNKNOWN && rc != E_DENIED) || !room || !access_anywhere(s, ACCESS_READ, room)) return rc;
    struct error none = {0};
    snprintf(where, sizeof where, "\"case\" = %lld", (long long)which);
    int tried = record_list(l, l->db, s, room, &f, keep_first, &id, &none);
    if (tried < 0 || !id || record_get(l, l->db, s, room, id, a, ret, &none) < 0) return rc;
    if (err) *err = (struct error){0};
    return 0;
}

/* Who was at a place; see visitors.h. */
#include "desks/tracing/visitors.h"

#include <stdio.h>
#include <stdlib.h>

#include "desks/tracing/inside.h"
#include "desks/tracing/same.h"
#include "desks/tracing/withdrawn.h"

/* Who writes a venue may name any place there: its list is for who may trace where that place lies, or, of one that is no record, in the node's region. */
static int place_may(struct ledger *l, const struct session *s, struct text name, struct arena *a, struct error *err) {
    struct value region = value_null();
    int64_t id = 0;
    int rc = tracing_place_named(l, name, &id, err);
    if (rc == 0 && id) {
        struct value param = value_int(id);
        rc = db_scalar(l->db, a, "SELECT \"region\" FROM \"place\" WHERE \"id\" = ?1", &param, 1, &region, err);
    }
    return rc < 0 ? rc : tracing_may(l, s, region.kind == VALUE_TEXT ? value_view(region) : l->region, err);
}

static int venue_read(struct ledger *l, const struct session *s, struct tracing_presence *q, struct tracing_visitors_plan *p, char place[VISITS_NAME_MAX + 1], struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("exposure_venue"));
    struct arena a = {0};
    struct record r;
    if (!reg) return error_set(err, E_UNKNOWN, "venue", "this catalog has no exposure venues / 没有风险场所登记册");
    int rc = record_get(l, l->db, s, reg, q->venue, &a, &r, err);
    if (rc == 0) rc = tracing_may(l, s, r.region, err);
    if (rc == 0) {
        struct text name = record_text(&r, "place_text");
        if (name.n) snprintf(place, VISITS_NAME_MAX + 1, "%.*s", (int)name.n, name.s);
        else rc = tracing_place_called(l, record_int(&r, "place", 0), place, err);
        q->place = text_of(place);
        if (rc == 0) rc = place_may(l, s, q->place, &a, err);
        q->from = record_int(&r, "starts", INSTANT_NONE);
        q->to = record_int(&r, "ends", INSTANT_NONE);
        p->found = text_is(r.state, "found") || text_is(r.state, "noticed");
    }
    arena_clear(&a);
    return rc;
}

int tracing_visitors_plan(struct ledger *l, const struct session *s, const struct visits *v, const struct tracing_presence *asked, struct tracing_visitors_plan *ret, struct error *err) {
    struct tracing_presence q = *asked;
    struct tracing_visitors_plan p = {.venue = q.venue, .zone = q.zone};
    char place[VISITS_NAME_MAX + 1], from[INSTANT_TEXT], to[INSTANT_TEXT];
    int rc = q.venue ? venue_read(l, s, &q, &p, place, err) : tracing_may(l, s, l->region, err);
    if (rc < 0) return rc;
    if (q.from == INSTANT_NONE || q.to == INSTANT_NONE || q.from >= q.to || q.to - q.from > TRACING_VISITORS_DAYS * (int64_t)DAY_S)
        return error_set(err, E_INVALID, "from", "from must be before to, at most %d days / 起止时间须在 %d 天以内", TRACING_VISITORS_DAYS, TRACING_VISITORS_DAYS);
    if (!visits_find(v, VISITS_PLACE, q.place, &p.place))
        return error_set(err, E_UNKNOWN, "place", "no visit names this place / 出入记录中没有该场所");
    p.from = q.from;
    p.to = q.to;
    p.origin = day_of_instant(q.from, visits_zone(v)) - 1;
    instant_format(p.from, l->zone_s, from);
    instant_format(p.to, l->zone_s, to);
    snprintf(p.what, sizeof p.what, "visitors of %.*s, %.16s to %.16s", (int)(q.place.n < 80 ? q.place.n : 80), q.place.s, from, to);
    *ret = p;
    return 0;
}

int tracing_visitors_journal(struct ledger *l, const struct session *s, const struct tracing_visitors_plan *p, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("exposure_venue"));
    int rc = tracing_journal(l, s, JOURNAL_OPEN, p->what, err);
    if (rc < 0 || !p->found || access_check(s, ACCESS_WRITE, reg, l->region, NULL) < 0) return rc;
    struct arena a = {0};
    struct draft *d = draft_new(&a, reg, DRAFT_CHANGE);
    struct error why = {0};
    if (!d) rc = error_memory(err);
    else {
        d->id = p->venue;
        d->state = TEXT("listed");
        record_write(l, s, &d, 1, &why); /* the list is not less seen when its state could not be moved */
    }
    arena_clear(&a);
    return rc;
}

static int by_person(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    return (a->start > b->start) - (a->start < b->start);
}

static int by_time(const void *pa, const void *pb) {
    const struct tracing_visitor *a = pa, *b = pb;
    if (a->there_s != b->there_s) return a->there_s > b->there_s ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return (a->person > b->person) - (a->person < b->person);
}

static int stays_read(const struct presence_source *s, const struct tracing_visitors_plan *p, const struct presence_when *when, struct presence_list *ret, struct error *err) {
    struct presence_span x;
    bool loose;
    int rc = s->at_place(s->arg, p->place, when, 1, true, &loose, err);
    while (rc == 0 && (rc = s->next(s->arg, &x, err)) == 1) {
        rc = 0;
        for (size_t i = 0; rc == 0 && i < x.n; i++) {
            uint16_t zone = x.zone ? x.zone[i] : 0, row = x.row ? x.row[i] : 0;
            if (x.start[i] >= when->to || (x.end[i] <= when->from && x.start[i] < when->from) || (p->zone && zone != p->zone)) continue;
            struct presence one = {.person = x.person[i], .place = p->place, .start = x.start[i], .end = x.end[i], .attr = x.attr[i], .zone = zone, .row = row};
            if (presence_add(ret, &one) < 0) rc = error_memory(err);
        }
    }
    return rc;
}

int tracing_visitors_find(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_visitors_plan *p, struct tracing_visitors *ret, struct error *err) {
    instant zero = instant_of_day(p->origin, visits_zone(v));
    struct presence_when when = {(int32_t)(p->from - zero), (int32_t)(p->to - zero)};
    struct presence_list list = {0};
    struct tracing_visitors x = {.v = v};
    struct visits_reader *r = NULL;
    struct same names = {0};
    struct withdrawn back = {0};
    const struct presence_source *source = NULL;
    int rc = same_find(l, v, &names, err);
    if (rc == 0) rc = visits_reader_open(v, p->origin, &r, err);
    if (rc == 0 && (!(source = same_source(&names, visits_reader_source(r))) || !(source = withdrawn_without(&back, source)))) rc = error_memory(err);
    for (bool again = true; rc == 0 && again;) {
        list.n = 0;
        rc = stays_read(source, p, &when, &list, err);
        if (rc == 0) rc = withdrawn_learn(l, s, v, &back, &again, err);
    }
    withdrawn_clear(&back);
    same_clear(&names);
    visits_reader_close(r);
    if (rc == 0 && list.n) {
        qsort(list.items, list.n, sizeof *list.items, by_person);
        x.items = mem_alloc(list.n * sizeof *x.items);
        if (!x.items) rc = error_memory(err);
    }
    int32_t until = 0;
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        const struct presence *q = &list.items[i];
        struct tracing_visitor *one = x.n ? &x.items[x.n - 1] : NULL;
        if (!one || one->person != q->person) {
            one = &x.items[x.n++];
            *one = (struct tracing_visitor){.person = q->person, .first = zero + q->start, .last = zero + q->end, .source = (uint8_t)presence_source_of(q->attr)};
            until = when.from;
        }
        int32_t from = q->start > until ? q->start : until, to = q->end < when.to ? q->end : when.to;
        if (to > from) one->there_s += to - from, until = to;
        if (zero + q->end > one->last) one->last = zero + q->end;
        if (!one->zone && !one->row) one->zone = q->zone, one->row = q->row;
        const struct presence *last = i ? q - 1 : NULL; /* a stay past midnight is one, and so is one that was sent twice */
        bool same = last && last->person == q->person && last->start == q->start && last->end == q->end;
        one->stays += !one->stays || !(same || q->attr & PRESENCE_FROM);
    }
    presence_list_clear(&list);
    if (rc == 0 && x.n) qsort(x.items, x.n, sizeof *x.items, by_time);
    if (x.n > TRACING_VISITORS_MAX) x.more = x.n - TRACING_VISITORS_MAX, x.n = TRACING_VISITORS_MAX;
    if (rc < 0) tracing_visitors_clear(&x);
    else *ret = x;
    return rc;
}

void tracing_visitors_clear(struct tracing_visitors *x) {
    mem_free(x->items);
    *x = (struct tracing_visitors){0};
}

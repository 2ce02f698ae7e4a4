/* Places where cases were, ranked by the infections to be expected there; see board.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "desks/tracing/board.h"
#include "desks/tracing/inside.h"
#include "desks/tracing/same.h"
#include "desks/tracing/withdrawn.h"

/* One name in the visits of a person who is a case. */
struct sick {
    int64_t person;
    struct contact_index index;
};

struct ranking {
    struct ledger *l;
    const struct session *s;
    const struct register_decl *contact;
    struct visits *v;
    struct sick *sick;
    size_t n, cap, unknown, cases;
    int64_t earlier;            /* cases not yet come by */
    day origin;
    instant from, to, since;
    struct arena arena;
    struct idmap by_place;      /* visits' number -> index + 1 in places */
    struct tracing_place *places;
    uint32_t *numbers;          /* two beside each place: its number, the contact counted last */
    size_t n_places, cap_places;
    struct withdrawn back;
    struct same same;
    const struct presence_source *source;
    struct error *err;
};

static instant found_of(const struct ranking *x, const struct record *r) {
    instant found = tracing_when(x->l, r, "detected_at"), reported = tracing_when(x->l, r, "reported_at");
    return found != INSTANT_NONE ? found : reported != INSTANT_NONE ? reported : r->created_at;
}

/* Who may read a case need not trace it. One that no day counts yet is as late as it was found. */
static bool case_counts(const struct ranking *x, const struct record *r) {
    if (text_is(r->state, "excluded") || access_check(x->s, ACCESS_WRITE, x->contact, r->region, NULL) < 0) return false;
    return tracing_when(x->l, r, "report_date") != INSTANT_NONE || found_of(x, r) >= x->since;
}

static int case_count(const struct record *r, void *arg) {
    struct ranking *x = arg;
    x->earlier += case_counts(x, r);
    return 0;
}

static int case_take(const struct record *r, void *arg) {
    struct ranking *x = arg;
    struct tracing_rules rules;
    uint32_t numbers[TRACING_NUMBERS];
    size_t n = 0;
    instant now = x->to;
    if (!case_counts(x, r) || x->earlier-- > TRACING_PLACES_CASES) return 0; /* the latest */
    x->cases++;
    tracing_rules(x->l, record_text(r, "disease"), now, &rules);
    instant isolated = tracing_when(x->l, r, "isolated_at"), from = tracing_base(x->l, r, now) - (int64_t)rules.lookback_days * DAY_S, to = now;
    if (isolated != INSTANT_NONE && isolated > from && isolated < to) to = isolated;
    instant zero = instant_of_day(x->origin, visits_zone(x->v));
    if (from < zero) from = zero;
    if (from >= to) return 0;
    int64_t person = record_int(r, "person", 0);
    int rc = tracing_numbers(x->l, x->v, person, numbers, &n, x->err);
    if (rc < 0) return rc;
    if (!n) return x->unknown++, 0;
    if (!mem_room(&x->sick, &x->cap, x->n + n, sizeof *x->sick)) return error_memory(x->err);
    for (size_t i = 0; i < n; i++) { /* under the number that stands for all of his */
        uint32_t number = same_of(&x->same, numbers[i]);
        bool known = false;
        for (size_t k = 0; k < i && !known; k++) known = same_of(&x->same, numbers[k]) == number;
        if (!known) x->sick[x->n++] = (struct sick){person, {number, (int32_t)(from - zero), (int32_t)(to - zero)}};
    }
    if (from < x->from) x->from = from;
    return 0;
}

static struct tracing_place *place_of(struct ranking *x, uint32_t number, size_t *ret_at) {
    bool made;
    struct idmap_slot *slot = idmap_put(&x->by_place, &x->arena, number, &made);
    if (!slot) return NULL;
    if (made) {
        size_t cap = x->cap_places; /* of both */
        if (!mem_room(&x->numbers, &cap, x->n_places + 1, 2 * sizeof *x->numbers) || !mem_room(&x->places, &x->cap_places, x->n_places + 1, sizeof *x->places)) return NULL;
        x->places[x->n_places] = (struct tracing_place){.first = INT64_MAX, .last = INT64_MIN};
        x->numbers[2 * x->n_places] = number;
        x->numbers[2 * x->n_places + 1] = UINT32_MAX;
        slot->value.i = (int64_t)++x->n_places;
    }
    *ret_at = (size_t)slot->value.i - 1;
    return &x->places[*ret_at];
}

static int by_person(const void *a, const void *b) {
    const struct sick *x = a, *y = b;
    return (x->person > y->person) - (x->person < y->person);
}

/* Of all names of one person together. */
static int taken_back(struct ranking *x, struct error *err) {
    uint32_t numbers[TRACING_NUMBERS];
    int rc = 0;
    for (size_t i = 0, n; rc == 0 && i < x->n; i += n) {
        for (n = 0; i + n < x->n && x->sick[i + n].person == x->sick[i].person; n++)
            if (n < TRACING_NUMBERS) numbers[n] = x->sick[i + n].index.person;
        rc = withdrawn_add(x->l, x->s, x->v, x->sick[i].person, numbers, n < TRACING_NUMBERS ? n : TRACING_NUMBERS, &x->back, err);
    }
    return rc;
}

static int by_place_start(const void *a, const void *b) {
    const struct presence *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

/* Of one person, cut to the windows: an hour at a place counts once, however often and under whatever name it is recorded. */
static int own_count(struct ranking *x, struct presence *p, size_t n, struct error *err) {
    instant zero = instant_of_day(x->origin, visits_zone(x->v));
    if (n) qsort(p, n, sizeof *p, by_place_start);
    for (size_t i = 0; i < n;) {
        size_t at;
        uint32_t number = p[i].place;
        struct tracing_place *place = place_of(x, number, &at);
        if (!place) return error_memory(err);
        place->cases++;
        if (zero + p[i].start < place->first) place->first = zero + p[i].start;
        for (int32_t until = p[i].start; i < n && p[i].place == number; i++) {
            int32_t from = p[i].start > until ? p[i].start : until;
            if (p[i].end > from) place->case_hours += (p[i].end - from) / 3600.0, until = p[i].end;
            if (zero + p[i].end > place->last) place->last = zero + p[i].end;
        }
    }
    return 0;
}

/* Where the cases themselves were; what two devices heard of each other is no place. */
static int stays_count(struct ranking *x, struct error *err) {
    int rc = 0;
    for (size_t i = 0, k; rc == 0 && i < x->n; i = k) {
        struct presence_list list = {0};
        size_t kept = 0;
        for (k = i; rc == 0 && k < x->n && x->sick[k].person == x->sick[i].person; k++) {
            struct presence_ask ask = {x->sick[k].index.person, x->sick[k].index.from, x->sick[k].index.to};
            size_t before = list.n;
            rc = x->source->of_persons(x->source->arg, &ask, 1, &list, err);
            for (size_t m = before; rc == 0 && m < list.n; m++) {
                struct presence *s = &list.items[m];
                if (s->start < ask.from) s->start = ask.from;
                if (s->end > ask.to) s->end = ask.to;
            }
        }
        for (size_t m = 0; rc == 0 && m < list.n; m++)
            if (visits_class(x->v, list.items[m].place) != TRACING_NEAR) list.items[kept++] = list.items[m];
        if (rc == 0) rc = own_count(x, list.items, kept, err);
        presence_list_clear(&list);
    }
    return rc;
}

/* Whom they met there. */
static int meetings_count(struct ranking *x, struct error *err) {
    struct contact_options o;
    struct contact_result found = {0};
    struct contact_work *w = contact_work_new();
    struct contact_index *index = mem_alloc(x->n * sizeof *index);
    contact_options_init(&o);
    o.evidence = true;
    for (size_t i = 0; index && i < x->n; i++) index[i] = x->sick[i].index;
    int rc = w && index ? contact_find(x->source, &o, index, x->n, NULL, 0, w, &found, err) : error_memory(err);
    for (size_t i = 0; rc == 0 && i < found.n_contacts; i++)
        for (uint32_t at = found.contacts[i].evidence; at; at = found.evidence[at - 1].next) {
            const struct contact_evidence *e = &found.evidence[at - 1];
            size_t k;
            if (visits_class(x->v, e->place) == TRACING_NEAR) continue;
            struct tracing_place *p = place_of(x, e->place, &k);
            if (!p) {
                rc = error_memory(err);
                break;
            }
            if (x->numbers[2 * k + 1] != found.contacts[i].person) p->contacts++, x->numbers[2 * k + 1] = found.contacts[i].person;
            p->contact_hours += e->overlap_s / 3600.0;
        }
    contact_result_clear(&found);
    contact_work_free(w);
    mem_free(index);
    return rc;
}

struct ranked {
    struct tracing_place p;
    uint32_t number;
};
static int by_risk(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->p.expected != y->p.expected) return x->p.expected > y->p.expected ? -1 : 1;
    if (x->p.case_hours != y->p.case_hours) return x->p.case_hours > y->p.case_hours ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* The worst of them, with their names. */
static int places_name(struct ranking *x, const struct session *s, struct tracing_places *ret, struct error *err) {
    const struct register_decl *reg = register_find(x->l->catalog, TEXT("place"));
    struct ranked *all = mem_alloc((x->n_places ? x->n_places : 1) * sizeof *all);
    if (!all) return error_memory(err);
    for (size_t i = 0; i < x->n_places; i++) {
        all[i] = (struct ranked){x->places[i], x->numbers[2 * i]};
        all[i].p.expected = CONTACT_RATE_PER_HOUR * all[i].p.contact_hours;
    }
    if (x->n_places) qsort(all, x->n_places, sizeof *all, by_risk);
    size_t n = x->n_places < TRACING_PLACES_MAX ? x->n_places : TRACING_PLACES_MAX;
    ret->places = arena_alloc(&ret->arena, (n ? n : 1) * sizeof *ret->places);
    int rc = ret->places ? 0 : error_memory(err);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        struct tracing_place *p = &ret->places[i];
        struct record r;
        int64_t id = 0;
        *p = all[i].p;
        p->name = arena_text(&ret->arena, visits_text(x->v, VISITS_PLACE, all[i].number));
        p->kind = text_of(tracing_class_name(visits_class(x->v, all[i].number)));
        p->visits_a_day = x->source->crowd(x->source->arg, all[i].number, (int32_t)(x->from - instant_of_day(x->origin, visits_zone(x->v))), (int32_t)(x->to - instant_of_day(x->origin, visits_zone(x->v))), TRACING_NOTICE_VISITS);
        rc = p->name.s ? 0 : error_memory(err);
        if (rc == 0) rc = tracing_place_named(x->l, p->name, &id, err);
        if (rc == 0 && id) rc = record_seek(x->l, x->l->db, s, reg, id, &ret->arena, &r, err);
        if (rc <= 0) continue;
        p->place = id;
        p->title = record_text(&r, "title");
        p->point = record_text(&r, "point");
        p->region = r.region;
        if (record_text(&r, "kind").n) p->kind = record_text(&r, "kind");
    }
    mem_free(all);
    ret->n = n;
    ret->cases = x->cases;
    ret->without_visits = x->unknown;
    return rc < 0 ? rc : 0;
}

int tracing_places_of(struct ledger *l, const struct session *s, struct visits *v, struct text region, int days, struct tracing_places *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("case")), *contact = register_find(l->catalog, TEXT("contact"));
    struct ranking x = {.l = l, .s = s, .contact = contact, .v = v, .origin = day_of_instant(s->now, visits_zone(v)) - 400, .from = s->now, .to = s->now, .err = err};
    struct tracing_places out = {0};
    struct visits_reader *r = NULL;
    char where[64], since[DAY_TEXT];
    if (!reg || !contact) return error_set(err, E_UNKNOWN, "case", "this catalog has no cases / 没有病例登记册");
    if (!access_anywhere(s, ACCESS_WRITE, contact)) return access_check(s, ACCESS_WRITE, contact, l->region, err);
    if (!text_trim(s->purpose).n) return error_set(err, E_DENIED, "purpose", "a look at where cases were needs a purpose / 查看病例到访场所须说明目的");
    day_format(day_of_instant(s->now, l->zone_s) - days, since);
    snprintf(where, sizeof where, "report_date >= '%s' OR report_date IS NULL", since);
    x.since = s->now - days * DAY_S;
    struct record_filter f = {.where = where, .region = region};
    int rc = same_find(l, v, &x.same, err);
    if (rc == 0) rc = record_list(l, l->db, s, reg, &f, case_count, &x, err);
    if (rc == 0) rc = record_list(l, l->db, s, reg, &f, case_take, &x, err);
    if (rc == 0 && x.n) qsort(x.sick, x.n, sizeof *x.sick, by_person);
    if (rc == 0) rc = taken_back(&x, err);
    if (rc == 0) rc = visits_reader_open(v, x.origin, &r, err);
    if (rc == 0 && (!(x.source = same_source(&x.same, visits_reader_source(r))) || !(x.source = withdrawn_without(&x.back, x.source)))) rc = error_memory(err);
    if (rc == 0) {
        rc = stays_count(&x, err);
        if (rc == 0 && x.n) rc = meetings_count(&x, err);
        if (rc == 0) rc = places_name(&x, s, &out, err);
    }
    withdrawn_clear(&x.back);
    same_clear(&x.same);
    visits_reader_close(r);
    mem_free(x.sick);
    mem_free(x.places);
    mem_free(x.numbers);
    arena_clear(&x.arena);
    if (rc < 0) tracing_places_clear(&out);
    else *ret = out;
    return rc;
}

int tracing_places_journal(struct ledger *l, const struct session *s, struct error *err) {
    return tracing_journal(l, s, JOURNAL_OPEN, "look at the places where cases were", err);
}

void tracing_places_clear(struct tracing_places *p) {
    arena_clear(&p->arena);
    *p = (struct tracing_places){0};
}

/* Full hours outwards, so that nobody can be known by the minute. */
int tracing_notice(const struct tracing_places *p, int32_t zone_s, bool zh, struct buf *out, size_t *ret_places) {
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct tracing_place *x = &p->places[i];
        struct text title = x->title.n ? x->title : x->name;
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        if (!x->cases || text_is(x->kind, "home") || x->visits_a_day < TRACING_NOTICE_VISITS) continue;
        if (!x->title.n && !x->kind.n) continue; /* a name that a platform gives to nobody knows what may be somebody's address */
        instant_format(x->first - (x->first % 3600 + 3600) % 3600, zone_s, from);
        instant_format(x->last + (3600 - x->last % 3600) % 3600, zone_s, to);
        buf_printf(out, zh ? "%zu. %.*s:%.10s %.5s 至 %.10s %.5s\n" : "%zu. %.*s: %.10s %.5s to %.10s %.5s\n", ++n, (int)title.n, title.s, from, from + 11, to, to + 11);
    }
    if (n)
        buf_str(out, zh ? "请在上述时段到过这些场所的人员主动向所在社区报告,并按要求接受核酸检测。\n"
                        : "Whoever was at one of these places in these hours is asked to tell the community and to be tested.\n");
    *ret_places = n;
    return out->failed;
}

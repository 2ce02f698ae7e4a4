/* Questions about cases and persons. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/found.h"
#include "desks/tracing/inside.h"
#include "desks/tracing/links.h"
#include "desks/tracing/same.h"
#include "desks/tracing/withdrawn.h"

enum { PERSON_WINDOW_DAYS = 14 };

struct asked {
    struct contact_index *seen, *unseen; /* unseen: position in records */
    uint32_t *who;                       /* beside seen: the first number of the same person */
    size_t n_seen, cap_seen, cap_who, n_unseen, cap_unseen, unknown;
    int64_t *records;
    size_t n_records, cap_records;
    day origin;
    instant from, to;
    int64_t one; /* the case, or the last of them */
};

/* numbers: of the person in the visits; record: its own, 0 none. */
static int asked_add(struct asked *a, const struct visits *v, const uint32_t *numbers, size_t n, int64_t record, instant from, instant to) {
    instant origin = instant_of_day(a->origin, visits_zone(v));
    if (from < origin) from = origin; /* ten years before: nothing is kept so long */
    if (from >= to) from = to - 1;
    if (from < a->from) a->from = from;
    if (to > a->to) a->to = to;
    struct contact_index x = {(uint32_t)a->n_records, (int32_t)(from - origin), (int32_t)(to - origin)};
    int rc = 0;
    if (record > 0) {
        rc = mem_room(&a->records, &a->cap_records, a->n_records + 1, sizeof *a->records) ? 0 : E_MEMORY;
        if (rc == 0) a->records[a->n_records++] = record;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = mem_room(&a->seen, &a->cap_seen, a->n_seen + 1, sizeof *a->seen) && mem_room(&a->who, &a->cap_who, a->n_seen + 1, sizeof *a->who) ? 0 : E_MEMORY;
        x.person = numbers[i];
        if (rc == 0) a->who[a->n_seen] = numbers[0], a->seen[a->n_seen++] = x;
    }
    if (n) return rc;
    a->unknown++;
    if (rc == 0 && record > 0) {
        rc = mem_room(&a->unseen, &a->cap_unseen, a->n_unseen + 1, sizeof *a->unseen) ? 0 : E_MEMORY;
        if (rc == 0) a->unseen[a->n_unseen++] = x;
    }
    return rc;
}

/* A value of a case: an instant, or the first second of a date; INSTANT_NONE. */
instant tracing_when(const struct ledger *l, const struct record *r, const char *field) {
    int f = register_field(r->reg, text_of(field));
    if (f < 0 || !value_given(r->values[f])) return INSTANT_NONE;
    int64_t v = value_int_or(r->values[f], 0);
    return r->reg->fields[f].type == FIELD_DATE ? instant_of_day((day)v, l->zone_s) : v;
}

instant tracing_base(const struct ledger *l, const struct record *r, instant now) {
    static const char *const found[] = {"first_sampled_at", "detected_at", "reported_at", "diagnosed", "report_date"};
    instant base = tracing_when(l, r, "onset");
    for (size_t i = 0, onset = base != INSTANT_NONE; !onset && i < sizeof found / sizeof *found; i++) {
        instant at = tracing_when(l, r, found[i]);
        if (at != INSTANT_NONE && (base == INSTANT_NONE || at < base)) base = at;
    }
    if (base == INSTANT_NONE) base = r->created_at;
    return base < now ? base : now;
}

/* Who may ask: for cases whoever may write contacts where they lie; for persons by their names in the visits, whoever may so in the node's region. */
int tracing_may(struct ledger *l, const struct session *s, struct text region, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("contact"));
    if (!reg) return error_set(err, E_UNKNOWN, "contact", "this catalog has no contacts / 没有接触者登记册");
    int rc = access_check(s, ACCESS_WRITE, reg, region, err);
    bool root = false;
    for (size_t i = 0; i < s->n_grants; i++) root |= text_is(s->grants[i].role, "root");
    if (rc == 0 && !root && !text_trim(s->purpose).n)
        return error_set(err, E_DENIED, "purpose", "a look into who met whom needs a purpose / 时空追踪须说明目的");
    return rc;
}

/* From the look-back before onset, or before it was found, until it was isolated; in reverse from the longest incubation before, and not after it fell ill. */
static int case_add(struct ledger *l, const struct session *s, const struct visits *v, const char *word, const struct tracing_question *q, struct asked *a, struct text *ret_disease,
                    struct arena *arena, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("case"));
    struct record r = {0};
    uint32_t numbers[TRACING_NUMBERS];
    size_t n = 0;
    int64_t id;
    if (!reg) return error_set(err, E_UNKNOWN, "case", "this catalog has no cases / 没有病例登记册");
    int rc = text_int(text_of(word), &id) ? record_get(l, l->db, s, reg, id, arena, &r, err) : record_by_number(l, l->db, s, reg, text_of(word), arena, &r, err);
    if (rc < 0) return rc;
    rc = tracing_may(l, s, r.region, err);
    if (rc < 0) return rc;
    a->one = r.id;
    struct tracing_rules rules;
    *ret_disease = record_text(&r, "disease");
    tracing_rules(l, *ret_disease, s->now, &rules);
    instant onset = tracing_when(l, &r, "onset"), isolated = tracing_when(l, &r, "isolated_at"), base = tracing_base(l, &r, s->now), to = s->now;
    int64_t back = rules.lookback_days, incubation = q->reverse ? tracing_parameter(l, *ret_disease, s->now, "incubation_max_days", 14) : 0;
    if (incubation > back) back = incubation;
    if (isolated != INSTANT_NONE && isolated < to && isolated > base - back * DAY_S) to = isolated;
    instant ill = onset != INSTANT_NONE ? onset + DAY_S : base; /* of an onset the day is known */
    if (q->reverse && ill < to) to = ill;
    instant from = q->window_days ? s->now - q->window_days * DAY_S : base - back * DAY_S;
    if (q->window_days && from >= to && q->n_cases == 1)
        return error_set(err, E_INVALID, "window", q->reverse ? "the case fell ill before this window begins / 该病例在此时间窗之前已发病" : "the case was isolated before this window begins / 该病例在此时间窗之前已隔离");
    int64_t person = record_int(&r, "person", 0);
    rc = tracing_numbers(l, v, person, numbers, &n, err);
    return rc < 0 ? rc : asked_add(a, v, numbers, n, person, from, to) < 0 ? error_memory(err) : 0;
}

/* By a name of the visits: then by every other name of that person too. */
static int person_add(struct ledger *l, const struct visits *v, struct text name, instant from, instant to, struct asked *a, struct error *err) {
    uint32_t numbers[TRACING_NUMBERS + 1], own;
    size_t n = 0;
    int64_t record = 0;
    int rc = tracing_person_named(l, name, &record, err);
    if (rc == 0 && record > 0) rc = tracing_numbers(l, v, record, numbers, &n, err);
    if (rc < 0) return rc;
    bool known = !visits_find(v, VISITS_PERSON, name, &own);
    for (size_t i = 0; i < n && !known; i++) known = numbers[i] == own;
    if (!known) numbers[n++] = own;
    return asked_add(a, v, numbers, n, record, from, to) < 0 ? error_memory(err) : 0;
}

static void options_of(const struct tracing_question *q, const struct tracing_rules *rules, struct contact_options *o) {
    *o = rules->contact;
    o->degree = q->degree;
    o->reverse = q->reverse;
    for (int c = 0; c < CONTACT_CLASSES; c++) {
        if (q->minutes >= 0) o->rules[c].overlap_s = (int32_t)(q->minutes * 60);
        if (q->after_minutes >= 0) o->rules[c].after_s = (int32_t)(q->after_minutes * 60);
        if (q->crowd >= 0 && c != TRACING_NEAR) o->rules[c].crowd = (uint32_t)q->crowd;
    }
}

int tracing_plan(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_plan *ret, struct error *err) {
    struct asked a = {.origin = day_of_instant(s->now, visits_zone(v)) - 3650, .from = INT64_MAX, .to = INT64_MIN};
    struct tracing_rules rules;
    struct text disease = {"", 0};
    struct arena arena = {0};
    int rc = 0;
    if (!q->n_cases && !q->n_persons) return error_set(err, E_USAGE, NULL, "whom to trace? A case, or --person / 请给出病例或 --person");
    if (q->n_cases + q->n_persons > TRACING_ASKED_MAX) return error_set(err, E_TOO_LARGE, NULL, "more than %d at once / 一次最多 %d 人", TRACING_ASKED_MAX, TRACING_ASKED_MAX);
    if (q->minutes > 100000 || q->after_minutes > 100000 || q->crowd > INT32_MAX || q->window_days < 0 || q->window_days > 3650 || q->degree < 1 || q->degree > 2)
        return error_set(err, E_INVALID, NULL, "degree 1 or 2, minutes up to 100000, window up to 3650 days / 参数超出范围");
    if (q->n_persons) rc = tracing_may(l, s, l->region, err);
    for (size_t i = 0; rc == 0 && i < q->n_cases; i++) rc = case_add(l, s, v, q->cases[i], q, &a, &disease, &arena, err);
    for (size_t i = 0; rc == 0 && i < q->n_persons; i++)
        rc = person_add(l, v, text_of(q->persons[i]), s->now - (q->window_days ? q->window_days : PERSON_WINDOW_DAYS) * DAY_S, s->now, &a, err);
    size_t n = a.n_seen + a.n_unseen;
    struct contact_index *index = rc == 0 ? mem_alloc((n ? n : 1) * sizeof *index) : NULL;
    if (rc == 0 && !index) rc = error_memory(err);
    if (rc == 0) {
        if (a.n_seen) memcpy(index, a.seen, a.n_seen * sizeof *index);
        if (a.n_unseen) memcpy(index + a.n_seen, a.unseen, a.n_unseen * sizeof *index);
        *ret = (struct tracing_plan){.index = index, .n = n, .n_seen = a.n_seen, .n_asked = q->n_cases + q->n_persons, .n_unknown = a.unknown, .who = a.who, .records = a.records,
                                     .n_records = a.n_records, .origin = a.origin, .from = a.from, .to = a.to};
        a.records = NULL;
        a.who = NULL;
        tracing_rules(l, disease, s->now, &rules);
        options_of(q, &rules, &ret->options);
        if (q->degree == 2 && !q->reverse && s->now > ret->to) ret->to = s->now; /* a case that is isolated infects nobody; whom it had met goes on meeting others */
        ret->options.until = (int32_t)(ret->to - instant_of_day(a.origin, visits_zone(v)));
        ret->ties = rules.ties;
        snprintf(ret->what, sizeof ret->what, "trace of %zu cases and %zu persons, degree %d%s", q->n_cases, q->n_persons, q->degree, q->reverse ? ", reverse" : "");
        if (q->n_cases == 1) ret->one = a.one;
    }
    mem_free(a.seen);
    mem_free(a.unseen);
    mem_free(a.records);
    mem_free(a.who);
    arena_clear(&arena);
    return rc;
}

void tracing_plan_clear(struct tracing_plan *p) {
    mem_free(p->index);
    mem_free(p->who);
    mem_free(p->records);
    *p = (struct tracing_plan){0};
}

/* At whom it was looked: the records of the persons asked, the first of many. */
int tracing_plan_journal(struct ledger *l, const struct session *s, const struct tracing_plan *p, struct error *err) {
    enum { NAMED = 100 };
    struct buf what = {0};
    buf_str(&what, p->what);
    for (size_t i = 0; !p->one && i < p->n_records && i < NAMED; i++) buf_printf(&what, "%s %lld", i ? "," : ", person", (long long)p->records[i]);
    if (!p->one && p->n_records > NAMED) buf_printf(&what, " and %zu more", p->n_records - NAMED);
    int rc = what.failed ? error_memory(err) : tracing_journal_of(l, s, JOURNAL_OPEN, p->one, buf_cstr(&what), err);
    buf_clear(&what);
    return rc;
}

/* The cases in numbers, each by the one that stands for all of his; who is in no visit and has no link either is nobody to search for. who: beside each, whose it is. */
static size_t index_of(const struct tracing_plan *p, const struct same *same, const struct tracing_links *links, struct contact_index *index, uint32_t *who) {
    size_t n = 0;
    for (size_t i = 0; i < p->n_seen; i++) {
        struct contact_index x = {same_of(same, p->index[i].person), p->index[i].from, p->index[i].to};
        if (n && index[n - 1].person == x.person && index[n - 1].from == x.from && index[n - 1].to == x.to) continue;
        who[n] = same_of(same, p->who[i]);
        index[n++] = x;
    }
    for (size_t i = p->n_seen; i < p->n; i++) {
        const struct idmap_slot *slot = idmap_find(&links->numbers, p->records[p->index[i].person]);
        if (!slot) continue;
        index[n] = p->index[i];
        index[n].person = who[n] = (uint32_t)slot->value.i;
        n++;
    }
    return n;
}

static struct text person_text(const struct tracing_links *links, uint32_t number) {
    return number >= links->base ? links->names[number - links->base] : visits_text(links->v, VISITS_PERSON, number);
}

/* Whom the close contacts live and work with: they are known only when those have been found. */
static int further_links(struct ledger *l, const struct session *s, const struct tracing_plan *p, const struct contact_result *found, struct tracing_links *links, struct error *err) {
    int64_t *persons = mem_alloc((found->n_contacts ? found->n_contacts : 1) * sizeof *persons);
    size_t n = 0;
    int rc = 0;
    if (!persons) return error_memory(err);
    for (size_t i = 0; rc == 0 && i < found->n_contacts; i++) {
        if (found->contacts[i].kind != CONTACT_CLOSE) continue;
        rc = tracing_person_named(l, person_text(links, found->contacts[i].person), &persons[n], err);
        n += rc == 0 && persons[n] > 0;
    }
    if (rc == 0) rc = tracing_links_find(l, s, p, persons, n, links, err);
    mem_free(persons);
    return rc;
}

static int search(struct ledger *l, const struct session *s, const struct tracing_plan *p, const struct presence_source *source, const struct same *same, struct tracing_links *links,
                  struct contact_work *w, struct tracing_answer *ans, struct error *err) {
    struct contact_options first = p->options;
    struct contact_index *index = mem_alloc((p->n ? p->n : 1) * sizeof *index);
    uint32_t *who = mem_alloc((p->n ? p->n : 1) * sizeof *who);
    bool several = false;
    if (!index || !who) return mem_free(index), mem_free(who), error_memory(err);
    int rc = tracing_links_find(l, s, p, p->records, p->n_records, links, err);
    size_t n = rc == 0 ? index_of(p, same, links, index, who) : 0;
    if (rc == 0 && first.degree == 2) {
        first.degree = 1;
        first.evidence = false;
        rc = contact_find(source, &first, index, n, links->items, links->n, w, &ans->found, err);
        if (rc == 0) rc = further_links(l, s, p, &ans->found, links, err);
    }
    if (rc == 0) rc = contact_find(source, &p->options, index, n, links->items, links->n, w, &ans->found, err);
    for (size_t i = 0; rc == 0 && i < n; i++) several |= who[i] != who[0];
    if (rc == 0 && p->options.reverse && several) rc = contact_common(source, &p->options, index, who, n, links->items, links->n, 0, w, &ans->common, err);
    size_t places = 0;
    for (size_t i = 0; i < ans->common.n_places; i++) /* where two devices heard each other is no place that others can have been at */
        if (visits_class(links->v, ans->common.places[i].place) != TRACING_NEAR) ans->common.places[places++] = ans->common.places[i];
    ans->common.n_places = places;
    mem_free(who);
    mem_free(index);
    return rc;
}

/* What those who are asked about were corrected away from. */
static int taken_back(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_plan *p, struct withdrawn *w, struct error *err) {
    uint32_t numbers[TRACING_NUMBERS];
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n_records; i++) {
        rc = tracing_numbers(l, v, p->records[i], numbers, &n, err);
        if (rc == 0) rc = withdrawn_add(l, s, v, p->records[i], numbers, n, w, err);
    }
    return rc;
}

/* Of the places of those asked about, of not too many of them: what kind they are on their cards, where no row of the visits told. */
static int classes_learn(struct ledger *l, struct visits *v, const struct tracing_plan *p, const struct presence_source *s, struct error *err) {
    struct presence_list stays = {0};
    instant zero = instant_of_day(p->origin, visits_zone(v));
    uint32_t before = UINT32_MAX;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n_seen && p->n_seen <= TRACING_ROUTES; i++)
        rc = s->of_persons(s->arg, &(struct presence_ask){p->index[i].person, (int32_t)(p->from - zero), (int32_t)(p->to - zero)}, 1, &stays, err);
    for (size_t i = 0; rc == 0 && i < stays.n; i++) {
        if (stays.items[i].place != before) rc = tracing_place_learn(l, v, stays.items[i].place, err);
        before = stays.items[i].place;
    }
    presence_list_clear(&stays);
    return rc;
}

int tracing_find(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_plan *p, struct tracing_answer *ret, struct error *err) {
    struct tracing_answer ans = {.v = v};
    struct tracing_links links = {.v = v};
    struct visits_reader *r = NULL;
    struct withdrawn back = {0};
    struct same same = {0};
    const struct presence_source *source = NULL;
    struct contact_work *w = contact_work_new();
    int rc = w ? taken_back(l, s, v, p, &back, err) : error_memory(err);
    if (rc == 0) rc = same_find(l, v, &same, err);
    if (rc == 0) rc = visits_reader_open(v, p->origin, &r, err);
    if (rc == 0) rc = classes_learn(l, v, p, visits_reader_source(r), err);
    if (rc == 0 && (!(source = same_source(&same, visits_reader_source(r))) || !(source = withdrawn_without(&back, source)))) rc = error_memory(err);
    for (bool again = true; rc == 0 && again;) { /* until all stands that was met */
        tracing_links_clear(&links);
        contact_common_clear(&ans.common);
        links.v = v;
        links.base = source->n_persons;
        rc = search(l, s, p, source, &same, &links, w, &ans, err);
        if (rc == 0) rc = withdrawn_learn(l, s, v, &back, &again, err);
    }
    if (rc == 0) {
        contact_sort(&ans.found);
        ans.damaged = visits_reader_damaged(r, day_of_instant(p->from, visits_zone(v)), day_of_instant(p->to, visits_zone(v)) + 1);
    }
    if (rc == 0) rc = visits_forgot(v, day_of_instant(p->from, visits_zone(v)), day_of_instant(p->to - 1, visits_zone(v)) + 1, &ans.forgotten, err);
    withdrawn_clear(&back);
    same_clear(&same);
    visits_reader_close(r);
    contact_work_free(w);
    ans.origin = instant_of_day(p->origin, visits_zone(v));
    ans.from = p->from;
    ans.to = p->to;
    ans.one = p->one;
    ans.degree = p->options.degree;
    ans.n_asked = p->n_asked;
    ans.n_unknown = p->n_unknown;
    ans.n_links = links.n;
    ans.n_large = links.n_large;
    ans.base = links.base;
    ans.unseen = links.names; /* given */
    ans.arena = links.arena;
    links.names = NULL;
    links.arena = (struct arena){0};
    tracing_links_clear(&links);
    if (rc < 0) tracing_answer_clear(&ans);
    else *ret = ans;
    return rc;
}

struct text tracing_person(const struct tracing_answer *a, uint32_t number) {
    return number >= a->base ? a->unseen[number - a->base] : visits_text(a->v, VISITS_PERSON, number);
}

int tracing_ask(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_answer *ret, struct error *err) {
    struct tracing_plan p = {0};
    int rc = tracing_plan(l, s, v, q, &p, err);
    if (rc == 0) rc = tracing_plan_journal(l, s, &p, err); /* the look is on record before anything is seen */
    if (rc == 0) rc = tracing_find(l, s, v, &p, ret, err);
    tracing_plan_clear(&p);
    return rc;
}

void tracing_answer_clear(struct tracing_answer *a) {
    contact_result_clear(&a->found);
    contact_common_clear(&a->common);
    mem_free(a->unseen);
    arena_clear(&a->arena);
}

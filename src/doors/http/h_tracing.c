/* Tracing over HTTP: who met whom, taking what was found, where a case was, the figures, places at risk and the notice of them. Every look is planned on a
 * reading ledger (which decides who may), journalled by the writer, and only then searched and shown. */
#include <string.h>

#include "desks/tracing/board.h"
#include "desks/tracing/found.h"
#include "desks/tracing/timeline.h"
#include "doors/http/inside.h"
#include "doors/http/scans.h"
#include "doors/http/write.h"

enum { ASKED_MAX = 10000, CONTACTS_SHOWN = 1000, CONTACTS_SHOWN_MAX = 50000, EVIDENCE_SHOWN = 20 };

/* ---- the question */

struct asking {
    struct tracing_question q;
    struct tracing_plan plan;
    struct visits *v;
    int64_t shown;
    bool evidence;
};

/* Ids as text: a whole number or a string. */
static int read_list(struct request *r, const char *name, const char ***ret, size_t *ret_n, struct error *err) {
    const json_t *list = json_object_get(r->json, name);
    size_t n = json_array_size(list);
    *ret_n = 0;
    if (!list || json_is_null(list)) return 0;
    if (!json_is_array(list) || n > ASKED_MAX) return error_set(err, E_INVALID, name, "a list of at most %d / 应为不超过 %d 项的列表", ASKED_MAX, ASKED_MAX);
    const char **words = arena_alloc(&r->arena, (n + 1) * sizeof *words);
    if (!words) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        const json_t *j = json_array_get(list, i);
        words[i] = json_is_string(j) ? json_string_value(j) : json_is_integer(j) ? arena_printf(&r->arena, "%lld", (long long)json_integer_value(j)) : NULL;
        if (!words[i]) return error_set(err, E_INVALID, name, "each is a text or a number / 每项应为文本或数字");
    }
    *ret = words;
    *ret_n = n;
    return 0;
}

static int read_question(struct request *r, struct tracing_question *q, struct error *err) {
    int64_t degree = 1;
    *q = (struct tracing_question){0};
    int rc = read_list(r, "cases", (const char ***)&q->cases, &q->n_cases, err);
    if (!rc) rc = read_list(r, "persons", (const char ***)&q->persons, &q->n_persons, err);
    if (!rc) rc = request_member_int(r, "degree", 1, 2, 1, &degree, err);
    if (!rc) rc = request_member_int(r, "minutes", 0, 100000, -1, &q->minutes, err);
    if (!rc) rc = request_member_int(r, "within_after", 0, 100000, -1, &q->after_minutes, err);
    if (!rc) rc = request_member_int(r, "crowd", 0, INT32_MAX, -1, &q->crowd, err);
    if (!rc) rc = request_member_int(r, "window", 0, 3650, 0, &q->window_days, err);
    q->degree = (int)degree;
    q->reverse = json_is_true(json_object_get(r->json, "reverse"));
    return rc;
}

/* ---- the answer */

static const char *const contact_words[] = {"close", "secondary", "general"};

struct naming {
    struct request *r;
    struct ledger *l;
    const struct register_decl *place;
    uint32_t last;
    struct text title;
};

/* A place: its name in the visits, and its title when it is on record. */
static void put_place(struct naming *n, struct buf *b, const struct visits *v, uint32_t place) {
    struct text name = place == CONTACT_LINK_PLACE ? (struct text){"", 0} : visits_text(v, VISITS_PLACE, place);
    int64_t id;
    buf_str(b, "\"place\":");
    json_put_string(b, name);
    if (place != n->last) {
        struct record rec;
        n->last = place;
        n->title = (struct text){"", 0};
        int rc = n->place && text_int(name, &id) ? record_seek(n->l, n->l->db, &n->r->session, n->place, id, &n->r->arena, &rec, NULL) : 0;
        if (rc > 0) n->title = record_text(&rec, "title");
        if (rc < 0) b->failed = rc; /* whether it has a name could not be asked */
    }
    if (n->title.n) json_put_text(b, "title", n->title);
}

static void put_evidence(struct naming *n, struct buf *b, const struct tracing_answer *a, const struct contact *c, int32_t zone_s) {
    size_t k = 0;
    buf_str(b, ",\"evidence\":[");
    for (uint32_t at = c->evidence; at && k < EVIDENCE_SHOWN; at = a->found.evidence[at - 1].next, k++) {
        const struct contact_evidence *e = &a->found.evidence[at - 1];
        buf_str(b, k ? ",{" : "{");
        put_place(n, b, a->v, e->place);
        json_put_moment(b, "start", a->origin + e->start, zone_s);
        json_put_moment(b, "end", a->origin + e->end, zone_s);
        buf_printf(b, ",\"overlap_s\":%d,\"source\":\"%s\",\"kind\":\"%s\"", (int)e->overlap_s, presence_source_word(presence_source_of(e->attr)), contact_kind_word(e->kind));
        json_put_text(b, "through", tracing_person(a, e->through));
        if (e->rows_apart != 255) buf_printf(b, ",\"rows_apart\":%d", e->rows_apart);
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

static void put_contacts(struct naming *n, struct buf *b, const struct tracing_answer *a, const struct tracing_since *since, const struct asking *x, int32_t zone_s) {
    size_t shown = a->found.n_contacts < (size_t)x->shown ? a->found.n_contacts : (size_t)x->shown;
    buf_printf(b, ",\"n_contacts\":%zu,\"contacts\":[", a->found.n_contacts);
    for (size_t i = 0; i < shown; i++) {
        const struct contact *c = &a->found.contacts[i];
        buf_str(b, i ? ",{\"person\":" : "{\"person\":");
        json_put_string(b, tracing_person(a, c->person));
        buf_printf(b, ",\"degree\":%d,\"class\":\"%s\",\"overlap_s\":%lld", c->degree, contact_words[c->kind], (long long)c->overlap_s);
        json_put_moment(b, "first", a->origin + c->first, zone_s);
        json_put_moment(b, "last", a->origin + c->last, zone_s);
        buf_printf(b, ",\"score\":%.6f,\"pieces\":%u", c->score, c->n_evidence);
        if (since->any && since->fresh[i]) buf_str(b, ",\"fresh\":true");
        if (x->evidence) put_evidence(n, b, a, c, zone_s);
        buf_char(b, '}');
    }
    buf_printf(b, "],\"more\":%s", shown < a->found.n_contacts ? "true" : "false");
}

static void put_rest(struct naming *n, struct buf *b, const struct tracing_answer *a, int32_t zone_s) {
    buf_str(b, ",\"venues\":[");
    for (size_t i = 0; i < a->found.n_venues && i < CONTACTS_SHOWN; i++) {
        const struct contact_venue *v = &a->found.venues[i];
        buf_str(b, i ? ",{" : "{");
        put_place(n, b, a->v, v->place);
        json_put_moment(b, "from", a->origin + v->from, zone_s);
        json_put_moment(b, "to", a->origin + v->to, zone_s);
        buf_printf(b, ",\"visits_a_day\":%u,\"degree\":%d}", v->crowd, v->degree);
    }
    buf_str(b, "],\"common_places\":[");
    for (size_t i = 0; i < a->common.n_places && i < 200; i++) {
        const struct contact_common_place *p = &a->common.places[i];
        buf_str(b, i ? ",{" : "{");
        put_place(n, b, a->v, p->place);
        buf_printf(b, ",\"cases\":%u,\"visitors\":%u,\"expected\":%.4f,\"log10_chance\":%.2f}", p->cases, p->visitors, p->expected, p->log10_chance);
    }
    buf_str(b, "],\"common_sources\":[");
    for (size_t i = 0; i < a->common.n_persons && i < 200; i++) {
        buf_str(b, i ? ",{\"person\":" : "{\"person\":");
        json_put_string(b, tracing_person(a, a->common.persons[i].person));
        buf_printf(b, ",\"cases\":%u,\"score\":%.6f}", a->common.persons[i].cases, a->common.persons[i].score);
    }
    buf_char(b, ']');
}

/* Against the findings on record. */
static void put_since(struct buf *b, const struct tracing_since *x, int32_t zone_s) {
    if (!x->any) {
        buf_str(b, ",\"since\":null");
        return;
    }
    buf_str(b, ",\"since\":{\"traced_at\":");
    json_put_instant(b, x->traced_at, zone_s);
    buf_printf(b, ",\"added\":%zu,\"kept\":%zu,\"removed\":%zu,\"gone\":[", x->added, x->kept, x->removed);
    for (size_t i = 0; i < x->removed && i < CONTACTS_SHOWN; i++) buf_printf(b, "%s%lld", i ? "," : "", (long long)x->gone[i]);
    buf_str(b, "]}");
}

static int journal_trace(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct asking *x = r->state;
    return tracing_plan_journal(l, &r->session, &x->plan, err);
}

static int traced(struct request *r, struct error *err) {
    struct asking *x = r->state;
    struct tracing_answer a = {0};
    struct tracing_since since = {0};
    struct ledger *l = NULL;
    int rc = r->rc;
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_find(l, &r->session, x->v, &x->plan, &a, err);
    if (!rc && !x->plan.options.reverse) rc = tracing_since_of(l, &r->session, x->plan.one, &a, &since, err);
    tracing_plan_clear(&x->plan);
    if (!rc) {
        struct buf *b = answer_open(r, 200);
        struct naming n = {.r = r, .l = l, .place = register_find(l->catalog, TEXT("place")), .last = CONTACT_LINK_PLACE};
        buf_str(b, "{\"from\":");
        json_put_instant(b, a.from, l->zone_s);
        json_put_moment(b, "to", a.to, l->zone_s);
        buf_printf(b, ",\"asked\":%zu,\"without_visits\":%zu,\"damaged_files\":%d,\"links\":%zu,\"large_units\":%zu", a.n_asked, a.n_unknown, a.damaged, a.n_links, a.n_large);
        buf_str(b, a.forgotten ? ",\"forgotten\":true" : ",\"forgotten\":false");
        put_since(b, &since, l->zone_s);
        put_contacts(&n, b, &a, &since, x, l->zone_s);
        put_rest(&n, b, &a, l->zone_s);
        buf_char(b, '}');
        if (b->failed) rc = error_set(err, b->failed, NULL, "the answer is too large; ask for fewer / 结果过大");
    }
    tracing_since_clear(&since);
    tracing_answer_clear(&a);
    return rc;
}

static int trace(struct request *r, struct error *err) {
    struct asking *x = r->state = arena_alloc(&r->arena, sizeof *x);
    struct ledger *l = NULL;
    if (!x) return error_memory(err);
    int rc = json_is_object(r->json) ? read_question(r, &x->q, err) : error_set(err, E_SYNTAX, "body", "an object is needed / 应为对象");
    if (!rc) rc = request_member_int(r, "limit", 0, CONTACTS_SHOWN_MAX, CONTACTS_SHOWN, &x->shown, err);
    x->evidence = !json_is_false(json_object_get(r->json, "evidence"));
    size_t waiting;
    if (!rc) rc = http_visits(r->server, true, &x->v, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_routes_feed(l, &r->session, x->v, &x->q, &waiting, err);
    if (!rc) rc = tracing_plan(l, &r->session, x->v, &x->q, &x->plan, err);
    return rc < 0 ? rc : request_call(r, journal_trace, traced, err);
}

/* ---- taking what was found */

struct taking {
    struct tracing_question q;
    struct tracing_accept a;
    struct tracing_plan plan;
    struct tracing_taking *taking;
    struct visits *v;
    const char *one[1];
};

static int accepted(struct request *r, const struct tracing_accepted *d) {
    struct buf *b = answer_open(r, 200);
    buf_printf(b, "{\"found\":%zu,\"taken\":%zu,\"persons_made\":%zu,\"contacts_made\":%zu,\"contacts_known\":%zu,\"contacts_moved\":%zu,\"findings_made\":%zu,\"findings_changed\":%zu", d->found,
               d->taken, d->persons_made, d->contacts_made, d->contacts_known, d->contacts_moved, d->findings_made, d->findings_changed);
    buf_printf(b, ",\"to_remove\":%zu,\"venues\":%zu,\"refused\":%zu,\"investigation\":%lld", d->to_remove, d->venues, d->refused, (long long)d->investigation);
    if (d->refused) json_put_text(b, "reason", text_of(d->first.message));
    return buf_char(b, '}');
}

static int accept_took(struct request *r, struct error *err);

/* The next some hundred records to the queue, among everybody's; the answer when there are no more. */
static int accept_on(struct request *r, struct error *err) {
    struct taking *x = r->state;
    struct ledger *l = NULL;
    struct draft **drafts;
    size_t n;
    int rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_taking_next(x->taking, l, &drafts, &n, err);
    if (rc > 0) return request_submit(r, drafts, n, true, accept_took, err);
    if (!rc) {
        struct tracing_accepted done;
        tracing_taking_result(x->taking, &done);
        rc = accepted(r, &done);
    }
    tracing_taking_free(x->taking);
    return rc;
}

static int accept_took(struct request *r, struct error *err) {
    struct taking *x = r->state;
    if (r->rc < 0) {
        tracing_taking_free(x->taking);
        return r->rc;
    }
    tracing_taking_took(x->taking);
    return accept_on(r, err);
}

static int accept_search(struct request *r, struct error *err) {
    struct taking *x = r->state;
    struct tracing_answer a = {0};
    struct ledger *l = NULL;
    int rc = r->rc;
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_find(l, &r->session, x->v, &x->plan, &a, err);
    if (!rc) rc = tracing_taking_new(l, &r->session, x->v, &x->plan, &a, &x->q, &x->a, &x->taking, err);
    tracing_plan_clear(&x->plan);
    return rc < 0 ? rc : accept_on(r, err);
}

static int journal_accept(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    return tracing_plan_journal(l, &r->session, &((struct taking *)r->state)->plan, err);
}

static int accept_found(struct request *r, struct error *err) {
    struct taking *x = r->state = arena_alloc(&r->arena, sizeof *x);
    struct text id = request_param(r, "id");
    struct ledger *l = NULL;
    if (!x) return error_memory(err);
    int rc = 0;
    if (r->json) rc = read_question(r, &x->q, err);
    else x->q = (struct tracing_question){.degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
    if (!rc && (x->q.n_cases || x->q.n_persons)) rc = read_list(r, "persons", (const char ***)&x->a.names, &x->a.n_names, err);
    const json_t *picked = json_object_get(r->json, "persons");
    if (!rc && json_is_array(picked) && !json_array_size(picked)) rc = error_set(err, E_INVALID, "persons", "nobody is picked; leave it out to take all / 未选择人员;全部登记则不写此项");
    x->one[0] = arena_printf(&r->arena, "%.*s", (int)id.n, id.s);
    x->q.cases = x->one;
    x->q.n_cases = 1;
    x->q.n_persons = 0;
    x->a.general = json_is_true(json_object_get(r->json, "general"));
    if (!rc) rc = http_visits(r->server, true, &x->v, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_accept_plan(l, &r->session, x->v, &x->q, &x->plan, err);
    return rc < 0 ? rc : request_call(r, journal_accept, accept_search, err);
}

/* ---- where a case was */

struct looking {
    struct tracing_timeline line;
    int64_t which;
};

static int journal_line(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    return tracing_timeline_journal(l, &r->session, ((struct looking *)r->state)->which, err);
}

static int shown(struct request *r, struct error *err) {
    (void)err;
    return r->rc; /* the answer is there already; it goes out only when the look is on record */
}

static int timeline(struct request *r, struct error *err) {
    struct looking *x = r->state = arena_alloc(&r->arena, sizeof *x);
    struct ledger *l = NULL;
    struct visits *v = NULL;
    struct error none = {0};
    int64_t days = 0;
    if (!x) return error_memory(err);
    int rc = request_id(r, "id", &x->which, err);
    if (!rc) rc = request_query_int(r, "window", 1, 3650, 0, &days, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc && http_visits(r->server, false, &v, &none) < 0) v = NULL; /* the routes are there without it */
    if (!rc) rc = tracing_timeline_of(l, &r->session, v, x->which, days, &x->line, err);
    if (rc < 0) return rc;
    struct tracing_timeline *t = &x->line;
    struct buf *b = answer_open(r, 200);
    buf_printf(b, "{\"case\":%lld,\"person\":%lld", (long long)t->which, (long long)t->person);
    json_put_moment(b, "from", t->from, l->zone_s);
    json_put_moment(b, "to", t->to, l->zone_s);
    buf_printf(b, ",\"visits\":%s,\"more\":%s,\"stops\":[", v ? "true" : "false", t->more ? "true" : "false");
    for (size_t i = 0; i < t->n; i++) {
        const struct tracing_stop *s = &t->stops[i];
        char date[DAY_TEXT];
        day_format(s->day, date);
        buf_printf(b, "%s{\"origin\":\"%s\",\"day\":\"%s\"", i ? "," : "", s->origin, date);
        if (s->record) buf_printf(b, ",\"record\":%lld", (long long)s->record);
        if (s->starts != INSTANT_NONE) json_put_moment(b, "start", s->starts, l->zone_s);
        if (s->ends != INSTANT_NONE) json_put_moment(b, "end", s->ends, l->zone_s);
        if (s->place) buf_printf(b, ",\"place\":%lld", (long long)s->place);
        const struct { const char *name; struct text t; } words[] = {{"title", s->title}, {"kind", s->kind}, {"point", s->point}, {"name", s->name}, {"vehicle", s->vehicle},
                                                                  {"source", s->source}, {"precision", s->precision}, {"note", s->note}};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (words[k].t.n) json_put_text(b, words[k].name, words[k].t);
        if (s->zone) buf_printf(b, ",\"zone\":%d", s->zone);
        if (s->row) buf_printf(b, ",\"row\":%d", s->row);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    tracing_timeline_clear(t);
    return request_call(r, journal_line, shown, err);
}

/* ---- figures */

static void put_span(struct buf *b, const char *name, const struct tracing_span *s) {
    buf_printf(b, ",\"%s\":{\"n\":%zu,\"p50\":", name, s->n);
    if (s->n) buf_printf(b, "%lld,\"p90\":%lld,\"max\":%lld,\"within\":%zu}", (long long)s->p50, (long long)s->p90, (long long)s->max, s->within);
    else buf_str(b, "null,\"p90\":null,\"max\":null,\"within\":0}");
}

static void put_requests(struct buf *b, const char *name, const struct tracing_requests *q) {
    buf_printf(b, ",\"%s\":{\"letters\":%zu,\"open\":%zu,\"overdue\":%zu,\"replied\":%zu,\"in_time\":%zu,\"asked\":%lld,\"done\":%lld,\"controlled\":%lld}", name, q->letters, q->open, q->overdue,
               q->replied, q->in_time, (long long)q->asked, (long long)q->done, (long long)q->controlled);
}

static int board(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text region = {"", 0};
    struct tracing_board f;
    int64_t days = 7;
    int rc = request_query_region(r, "region", &region, err);
    if (!rc) rc = request_query_int(r, "days", 1, 366, 7, &days, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_board_of(l, &r->session, region, (int)days, &f, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"from\":");
    json_put_instant(b, f.from, l->zone_s);
    json_put_moment(b, "at", r->now, l->zone_s);
    buf_printf(b, ",\"contacts\":%zu,\"close\":%zu,\"secondary\":%zu,\"placed\":%zu,\"placed_unknown\":%zu,\"queue\":%zu,\"queue_overdue\":%zu", f.contacts, f.close, f.secondary, f.placed,
               f.placed_unknown, f.queue, f.queue_overdue);
    buf_printf(b, ",\"place_limit_min\":%lld,\"locate_limit_min\":%lld", (long long)f.place_limit_s / 60, (long long)f.locate_limit_s / 60);
    put_span(b, "placing", &f.placing);
    put_span(b, "waiting", &f.waiting);
    buf_printf(b, ",\"tested\":%zu,\"before_result\":%zu,\"cases\":%zu,\"steps\":{\"unit\":\"min\"", f.tested, f.before_result, f.cases);
    for (int k = 0; k < TRACING_STEPS; k++) put_span(b, tracing_step_names[k], &f.steps[k]);
    buf_char(b, '}');
    put_requests(b, "inbound", &f.inbound);
    put_requests(b, "outbound", &f.outbound);
    return buf_printf(b, ",\"investigations_open\":%zu,\"to_remove\":%zu,\"venues_open\":%zu,\"proposals_open\":%zu}", f.investigations_open, f.to_remove, f.venues_open, f.proposals_open);
}

/* ---- places */

static int journal_places(struct ledger *l, void *arg, struct error *err) {
    return tracing_places_journal(l, &((struct request *)arg)->session, err);
}

static int places_read(struct request *r, struct ledger **l, struct tracing_places *ret, struct error *err) {
    struct visits *v = NULL;
    struct text region = {"", 0};
    int64_t days = 14;
    int rc = request_query_region(r, "region", &region, err);
    if (!rc) rc = request_query_int(r, "days", 1, 366, 14, &days, err);
    if (!rc) rc = http_visits(r->server, false, &v, err);
    if (!rc) rc = request_reader(r, l, err);
    return rc < 0 ? rc : tracing_places_of(*l, &r->session, v, region, (int)days, ret, err);
}

static int places(struct request *r, struct error *err) {
    struct tracing_places p = {0};
    struct ledger *l = NULL;
    int rc = places_read(r, &l, &p, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_printf(b, "{\"cases\":%zu,\"without_visits\":%zu,\"places\":[", p.cases, p.without_visits);
    for (size_t i = 0; i < p.n; i++) {
        const struct tracing_place *x = &p.places[i];
        buf_printf(b, "%s{\"cases\":%zu,\"case_hours\":%.2f,\"contacts\":%zu,\"contact_hours\":%.2f,\"expected\":%.4f,\"visits_a_day\":%u", i ? "," : "", x->cases, x->case_hours, x->contacts,
                   x->contact_hours, x->expected, x->visits_a_day);
        json_put_text(b, "name", x->name);
        if (x->place) buf_printf(b, ",\"place\":%lld", (long long)x->place);
        if (x->title.n) json_put_text(b, "title", x->title);
        if (x->kind.n) json_put_text(b, "kind", x->kind);
        if (x->point.n) json_put_text(b, "point", x->point);
        if (x->region.n) json_put_text(b, "region", x->region);
        if (x->cases) json_put_moment(b, "first", x->first, l->zone_s), json_put_moment(b, "last", x->last, l->zone_s);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    tracing_places_clear(&p);
    return request_call(r, journal_places, shown, err);
}

static int notice(struct request *r, struct error *err) {
    struct tracing_places p = {0};
    struct ledger *l = NULL;
    struct buf zh = {0}, en = {0};
    size_t n = 0;
    int rc = places_read(r, &l, &p, err);
    if (rc < 0) return rc;
    if (tracing_notice(&p, l->zone_s, true, &zh, &n) < 0 || tracing_notice(&p, l->zone_s, false, &en, &n) < 0) rc = error_memory(err);
    if (!rc) {
        struct buf *b = answer_open(r, 200);
        buf_printf(b, "{\"places\":%zu", n);
        json_put_text(b, "text_zh", buf_view(&zh));
        json_put_text(b, "text_en", buf_view(&en));
        buf_char(b, '}');
    }
    buf_clear(&zh);
    buf_clear(&en);
    tracing_places_clear(&p);
    return rc < 0 ? rc : request_call(r, journal_places, shown, err);
}

#define WORDS "{\"type\":\"array\",\"maxItems\":10000,\"items\":{\"type\":[\"string\",\"integer\"]}}"
#define MAYBE "{\"type\":[\"integer\",\"null\"]}"
#define OBJECT(required, members) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" members "}}"
#define QUESTION "\"cases\":" WORDS ",\"persons\":" WORDS ",\"degree\":{\"type\":\"integer\",\"enum\":[1,2]},\"minutes\":" WHOLE ",\"within_after\":" WHOLE ",\"crowd\":" WHOLE ",\"window\":" WHOLE ",\"reverse\":{\"type\":\"boolean\"}"
const struct schema tracing_schemas[] = {
    {"TraceQuestion", "{\"type\":\"object\",\"properties\":{" QUESTION ",\"limit\":" WHOLE ",\"evidence\":{\"type\":\"boolean\"}},\"description\":\"Minutes, lingering and crowd as the policy says when left out; window: days back from now.\"}"},
    {"TraceEvidence", OBJECT("\"place\",\"start\",\"end\",\"overlap_s\",\"source\",\"kind\",\"through\"", "\"place\":" STRING ",\"title\":" STRING ",\"start\":" STRING ",\"end\":" STRING
                      ",\"overlap_s\":" WHOLE ",\"source\":" STRING ",\"kind\":" STRING ",\"through\":" STRING ",\"rows_apart\":" WHOLE)},
    {"TraceContact", OBJECT("\"person\",\"degree\",\"class\",\"overlap_s\",\"first\",\"last\",\"score\",\"pieces\"", "\"person\":" STRING ",\"degree\":" WHOLE ",\"class\":" STRING
                     ",\"overlap_s\":" WHOLE ",\"first\":" STRING ",\"last\":" STRING ",\"score\":" NUMBER ",\"pieces\":" WHOLE ",\"fresh\":" TRUTH ",\"evidence\":" LIST(SHAPE("TraceEvidence")))},
    {"TraceVenue", OBJECT("\"place\",\"from\",\"to\",\"visits_a_day\",\"degree\"", "\"place\":" STRING ",\"title\":" STRING ",\"from\":" STRING ",\"to\":" STRING ",\"visits_a_day\":" WHOLE
                   ",\"degree\":" WHOLE)},
    {"TraceCommonPlace", OBJECT("\"place\",\"cases\",\"visitors\",\"expected\",\"log10_chance\"", "\"place\":" STRING ",\"title\":" STRING ",\"cases\":" WHOLE ",\"visitors\":" WHOLE
                         ",\"expected\":" NUMBER ",\"log10_chance\":" NUMBER)},
    {"TraceCommonSource", OBJECT("\"person\",\"cases\",\"score\"", "\"person\":" STRING ",\"cases\":" WHOLE ",\"score\":" NUMBER)},
    {"TraceAnswer", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"contacts\"],\"properties\":{\"from\":" STRING ",\"to\":" STRING ",\"asked\":" WHOLE ",\"without_visits\":" WHOLE
                    ",\"damaged_files\":" WHOLE ",\"forgotten\":" TRUTH ",\"links\":" WHOLE ",\"large_units\":" WHOLE ",\"since\":{\"type\":[\"object\",\"null\"],\"required\":[\"traced_at\",\"added\","
                    "\"kept\",\"removed\",\"gone\"],\"properties\":{\"traced_at\":" STRING ",\"added\":" WHOLE ",\"kept\":" WHOLE ",\"removed\":" WHOLE ",\"gone\":" LIST(ID) "}}"
                    ",\"n_contacts\":" WHOLE ",\"contacts\":" LIST(SHAPE("TraceContact")) ",\"more\":" TRUTH ",\"venues\":" LIST(SHAPE("TraceVenue")) ",\"common_places\":" LIST(SHAPE("TraceCommonPlace")) ",\"common_sources\":" LIST(SHAPE("TraceCommonSource")) "}}"},
    {"TraceAccept", "{\"type\":\"object\",\"properties\":{\"persons\":" WORDS ",\"general\":{\"type\":\"boolean\"},\"degree\":{\"type\":\"integer\"},\"minutes\":" WHOLE ",\"within_after\":" WHOLE ",\"crowd\":" WHOLE
                    ",\"window\":" WHOLE "},\"description\":\"persons: whom to take; all without it, and then what is no longer found is proposed for removal\"}"},
    {"TraceAccepted", "{\"type\":\"object\",\"required\":[\"found\",\"taken\",\"contacts_made\",\"contacts_known\",\"to_remove\"],\"properties\":{\"found\":" WHOLE ",\"taken\":" WHOLE ",\"persons_made\":" WHOLE
                      ",\"contacts_made\":" WHOLE ",\"contacts_known\":" WHOLE ",\"contacts_moved\":" WHOLE ",\"findings_made\":" WHOLE ",\"findings_changed\":" WHOLE ",\"to_remove\":" WHOLE ",\"venues\":" WHOLE
                      ",\"refused\":" WHOLE ",\"reason\":" STRING ",\"investigation\":{\"type\":\"integer\",\"format\":\"int64\"}}}"},
    {"CaseStop", OBJECT("\"origin\",\"day\"", "\"origin\":" STRING ",\"day\":" STRING ",\"record\":" ID ",\"start\":" STRING ",\"end\":" STRING ",\"place\":" ID ",\"title\":" STRING
                 ",\"kind\":" STRING ",\"point\":" STRING ",\"name\":" STRING ",\"vehicle\":" STRING ",\"source\":" STRING ",\"precision\":" STRING ",\"note\":" STRING ",\"zone\":" WHOLE
                 ",\"row\":" WHOLE)},
    {"CaseTimeline", "{\"type\":\"object\",\"required\":[\"case\",\"stops\"],\"properties\":{\"case\":" WHOLE ",\"person\":" WHOLE ",\"from\":" STRING ",\"to\":" STRING ",\"visits\":{\"type\":\"boolean\"},\"more\":{"
                     "\"type\":\"boolean\"},\"stops\":" LIST(SHAPE("CaseStop")) "}}"},
    {"TracingSpan", "{\"type\":\"object\",\"required\":[\"n\",\"p50\",\"p90\",\"max\",\"within\"],\"properties\":{\"n\":" WHOLE ",\"p50\":" MAYBE ",\"p90\":" MAYBE ",\"max\":" MAYBE
                    ",\"within\":" WHOLE
                    "},\"description\":\"Minutes: half and nine tenths are within, the longest, and how many kept the limit\"}"},
    {"TracingRequests", OBJECT("\"letters\",\"open\",\"overdue\",\"replied\",\"in_time\",\"asked\",\"done\",\"controlled\"", "\"letters\":" WHOLE ",\"open\":" WHOLE ",\"overdue\":" WHOLE
                        ",\"replied\":" WHOLE ",\"in_time\":" WHOLE ",\"asked\":" WHOLE ",\"done\":" WHOLE ",\"controlled\":" WHOLE)},
    {"TracingSteps", OBJECT("\"unit\",\"onset-detected\",\"detected-reported\",\"detected-located\",\"reported-isolated\",\"isolated-treated\"", "\"unit\":" STRING
                     ",\"onset-detected\":" SHAPE("TracingSpan") ",\"detected-reported\":" SHAPE("TracingSpan") ",\"detected-located\":" SHAPE("TracingSpan") ",\"reported-isolated\":" SHAPE("TracingSpan")
                     ",\"isolated-treated\":" SHAPE("TracingSpan"))},
    {"TracingBoard", OBJECT("\"from\",\"at\",\"contacts\",\"close\",\"secondary\",\"placed\",\"placed_unknown\",\"queue\",\"queue_overdue\",\"place_limit_min\",\"locate_limit_min\","
                     "\"placing\",\"waiting\",\"tested\",\"before_result\",\"cases\",\"steps\",\"inbound\",\"outbound\",\"investigations_open\",\"to_remove\",\"venues_open\","
                     "\"proposals_open\"", "\"from\":" STRING ",\"at\":" STRING ",\"contacts\":" WHOLE ",\"close\":" WHOLE ",\"secondary\":" WHOLE ",\"placed\":" WHOLE
                     ",\"placed_unknown\":" WHOLE ",\"queue\":" WHOLE ",\"queue_overdue\":" WHOLE ",\"place_limit_min\":" WHOLE ",\"locate_limit_min\":" WHOLE ",\"placing\":" SHAPE("TracingSpan")
                     ",\"waiting\":" SHAPE("TracingSpan") ",\"tested\":" WHOLE ",\"before_result\":" WHOLE ",\"cases\":" WHOLE ",\"steps\":" SHAPE("TracingSteps") ",\"inbound\":" SHAPE("TracingRequests")
                     ",\"outbound\":" SHAPE("TracingRequests") ",\"investigations_open\":" WHOLE ",\"to_remove\":" WHOLE ",\"venues_open\":" WHOLE ",\"proposals_open\":" WHOLE)},
    {"PlaceAtRisk", OBJECT("\"name\",\"cases\",\"case_hours\",\"contacts\",\"contact_hours\",\"expected\",\"visits_a_day\"", "\"name\":" STRING ",\"place\":" ID ",\"title\":" STRING
                    ",\"kind\":" STRING ",\"point\":" STRING ",\"region\":" STRING ",\"cases\":" WHOLE ",\"case_hours\":" NUMBER ",\"contacts\":" WHOLE ",\"contact_hours\":" NUMBER
                    ",\"expected\":" NUMBER ",\"visits_a_day\":" WHOLE ",\"first\":" STRING ",\"last\":" STRING)},
    {"PlacesAtRisk", "{\"type\":\"object\",\"required\":[\"cases\",\"places\"],\"properties\":{\"cases\":" WHOLE ",\"without_visits\":" WHOLE ",\"places\":" LIST(SHAPE("PlaceAtRisk")) "}}"},
    {"NoticeText", "{\"type\":\"object\",\"required\":[\"places\",\"text_zh\",\"text_en\"],\"properties\":{\"places\":" WHOLE ",\"text_zh\":" STRING ",\"text_en\":" STRING "}}"},
    {0},
};

#define REGION {"region", STRING, "行政区划代码,含下级", "region code; its subtree"}
#define DAYS {"days", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":366}", "最近天数", "how many days back"}
const struct route tracing_routes[] = {
    {.method = "POST", .path = "/api/v1/tracing/trace", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = trace, .request = "TraceQuestion", .response = "TraceAnswer", .headers = HEADER_PURPOSE,
     .zh = "时空追踪:谁与谁相遇,一例或多例,可二级、可反向;须有目的并计入流水", .en = "Who met whom: of one case or many, second degree, backwards; needs a purpose and is journalled."},
    {.method = "POST", .path = "/api/v1/tracing/cases/{id}/accept", .who = WHO_ACCOUNT, .body = BODY_JSON_MAYBE, .run = accept_found, .request = "TraceAccept", .response = "TraceAccepted",
     .headers = HEADER_PURPOSE | HEADER_REASON, .zh = "将追踪到的接触者登记为密接(不重复),不再成立的建议撤销", .en = "Records the found contacts of a case, never twice, with their evidence; proposes removal of what is no longer found."},
    {.method = "GET", .path = "/api/v1/tracing/cases/{id}/timeline", .who = WHO_ACCOUNT, .run = timeline, .response = "CaseTimeline", .headers = HEADER_PURPOSE,
     .zh = "病例活动轨迹:访谈、公安、工信与出入记录(各看其权限所及)", .en = "Where a case was: as told, as police and telecoms send, and by its visits, each as far as the asker's right goes.",
     .query = {{"window", "{\"type\":\"integer\"}", "发病前天数", "days before onset"}}},
    {.method = "GET", .path = "/api/v1/tracing/board", .who = WHO_ACCOUNT, .run = board, .response = "TracingBoard", .zh = "追踪看板:三小时指标、未管控队列、五个时点、协查",
     .en = "The three-hour figures, the queue of those found and not yet under control, the five times of a case, requests.", .query = {REGION, DAYS}},
    {.method = "GET", .path = "/api/v1/tracing/places", .who = WHO_ACCOUNT, .run = places, .response = "PlacesAtRisk", .headers = HEADER_PURPOSE, .zh = "风险场所排序",
     .en = "Places where cases were, the most expected infections first.", .query = {REGION, DAYS}},
    {.method = "GET", .path = "/api/v1/tracing/notice", .who = WHO_ACCOUNT, .run = notice, .response = "NoticeText", .headers = HEADER_PURPOSE, .zh = "由风险场所拟公众通告(不点名)",
     .en = "A public notice drafted from the places at risk; it names nobody.", .query = {REGION, DAYS}},
    {0},
};

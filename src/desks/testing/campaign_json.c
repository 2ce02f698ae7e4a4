/* A plan, its run and its queues as JSON: what a campaign board and the command line show. Hours are from the beginning. */
#include <math.h>

#include "desks/testing/campaign.h"

enum { QUEUE_SLOTS = 24 * 12 };

static json_t *word(struct text t) {
    return json_stringn(t.s, t.n);
}

/* A millionth is enough, and short. */
static json_t *real(double x) {
    return json_real(round(x * 1e6) / 1e6);
}

static json_t *hours(double h) {
    return h >= CAMPAIGN_NEVER ? json_null() : real(h);
}

static json_t *rules(const struct testing_campaign *t, double people) {
    struct campaign_thumb r = campaign_thumb(people, t->c.per_tube);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "samplers", real(ceil(r.samplers)), "sites_least", real(ceil(r.sites_least)), "sites_most", real(ceil(r.sites_most)), "tables_least",
                     real(ceil(r.tables_least)), "tables_most", real(ceil(r.tables_most)));
}

static json_t *buys(const struct testing_campaign *t, const struct campaign_plan *p) {
    json_t *list = json_array();
    for (int r = 0; r < CAMPAIGN_RESOURCES; r++) {
        const struct campaign_buys *b = &p->buys[r];
        json_t *where = b->where < 0 ? json_null() : word(r == CAMPAIGN_LABORATORIES ? t->lab[b->where] : t->area[b->where].name);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "resource", campaign_resource_names[r], "share", real(b->share), "one_more_minutes", real(b->one_h * 60), "where", where,
                                              "tenth_more_minutes", real(b->tenth_h * 60)));
    }
    return list;
}

/* ---- queues: who comes by himself with a burst, and who is called by slot, over the first day */

struct day_of {
    int n;
    double capacity[QUEUE_SLOTS], burst[QUEUE_SLOTS], called[QUEUE_SLOTS];
    int64_t call[QUEUE_SLOTS];
};

static double overlap(double from, double to, double a, double b) {
    return fmax(0, fmin(to, b) - fmax(from, a));
}

static void day_fill(const struct testing_campaign *t, double people, double samplers, double rate, struct day_of *d) {
    const struct campaign *c = &t->c;
    double open = 0, burst = 0;
    d->n = (int)fmin(24 / c->slot_h, QUEUE_SLOTS);
    for (int k = 0; k < d->n; k++) {
        double from = c->start_h + k * c->slot_h, to = from + c->slot_h, o = 0, b = 0;
        for (int back = -24; back <= 24; back += 24) {
            o += overlap(from, to, back + c->open_h, back + c->close_h);
            b += overlap(from, to, back + fmax(c->open_h, t->burst_at), back + fmin(c->close_h, t->burst_at + t->burst_h));
        }
        d->capacity[k] = samplers * rate * o;
        d->called[k] = o; /* weights, for now */
        d->burst[k] = b;
        open += o;
        burst += b;
    }
    double share = burst > 0 ? t->burst_share : 0;
    for (int k = 0; k < d->n; k++) d->burst[k] = people * ((burst > 0 ? share * d->burst[k] / burst : 0) + (open > 0 ? (1 - share) * d->called[k] / open : 0));
}

/* tables: that are staffed. A queue is jammed from 50 minutes on, busy from 25 (Shenzhen; rules.md B4). */
static json_t *queue_json(double slot_h, const double *arrivals, const double *capacity, int n, double tables, double rate) {
    struct campaign_queue q;
    campaign_queue(arrivals, capacity, n, slot_h, rate * 50 / 60, NULL, &q);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "peak", real(q.peak), "peak_a_table", real(tables > 0 ? q.peak / tables : 0), "peak_at_hours", real(q.peak_at_h), "longest_minutes",
                     real(q.longest_h * 60), "not_served", real(q.left), "state", q.longest_h * 60 < 25 ? "free" : q.longest_h * 60 < 50 ? "busy" : "jammed");
}

static json_t *called_json(const struct day_of *d) {
    json_t *list = json_array();
    for (int k = 0; k < d->n; k++) json_array_append_new(list, json_integer(d->call[k]));
    return list;
}

static json_t *sites_json(const struct testing_area *a, double samplers, double per_table) {
    json_t *list = json_array();
    double people[TESTING_SITES_MAX], most[TESTING_SITES_MAX], got[TESTING_SITES_MAX];
    for (int i = 0; i < a->n_sites; i++) people[i] = a->sites[i].people, most[i] = floor(a->sites[i].tables * per_table + 1e-9);
    campaign_split((int64_t)samplers, people, most, a->n_sites, got);
    for (int i = 0; i < a->n_sites; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "name", word(a->sites[i].name), "people", real(people[i]), "tables", real(a->sites[i].tables), "samplers", real(got[i])));
    return list;
}

static json_t *area_json(const struct testing_campaign *t, const struct campaign_plan *p, const struct campaign_run *r, int z, struct day_of *d) {
    const struct campaign *c = &t->c;
    const struct campaign_area *a = &c->areas[z];
    double rate = a->rate > 0 ? a->rate : c->rate, tables = fmin(a->tables, ceil(p->samplers[z] / c->per_table));
    json_t *to = json_array();
    for (int j = 0; j < c->n_labs; j++) json_array_append_new(to, real(p->tubes_to[z * c->n_labs + j]));
    day_fill(t, a->people, p->samplers[z], rate, d);
    int64_t missing = campaign_call(d->capacity, d->n, 0.9, (int64_t)a->people, d->call);
    for (int k = 0; k < d->n; k++) d->called[k] = (double)d->call[k];
    json_t *j = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "name", word(t->area[z].name), "people", real(a->people), "tables", real(a->tables), "samplers",
                          real(p->samplers[z]), "couriers", real(p->couriers[z]), "sampled_hours", hours(r->area_p50_h[z]), "sampled_hours_p90", hours(r->area_p90_h[z]), "tubes_to", to, "burst",
                          queue_json(c->slot_h, d->burst, d->capacity, d->n, tables, p->samplers[z] * rate), "by_slot",
                          queue_json(c->slot_h, d->called, d->capacity, d->n, tables, p->samplers[z] * rate), "called", called_json(d), "not_called", (json_int_t)missing);
    if (t->area[z].sites) json_object_set_new(j, "sites", sites_json(&t->area[z], p->samplers[z], c->per_table));
    return j;
}

static json_t *lab_json(const struct testing_campaign *t, const struct campaign_plan *p, const struct campaign_run *r, int j) {
    double tubes = t->labs[j].waiting;
    for (int z = 0; z < p->n_areas; z++) tubes += p->tubes_to[z * p->n_labs + j];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", word(t->lab[j]), "tubes", real(tubes), "tubes_per_hour", real(t->labs[j].tubes_h), "busy_hours", real(tubes / t->labs[j].tubes_h), "most_waiting",
                     real(r->lab_queue[j]), "last_result_hours", real(r->lab_end_h[j]));
}

static json_t *slots_json(const struct testing_campaign *t, const struct campaign_run *r) {
    json_t *list = json_array();
    for (int k = 0; k < r->n_slots; k++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "hours", real((k + 1) * t->c.slot_h), "sampled", real(r->slots[k].sampled), "fetched", real(r->slots[k].fetched), "started",
                                              real(r->slots[k].started), "reported", real(r->slots[k].reported)));
    return list;
}

static json_t *whole(const struct testing_campaign *t, const struct campaign_plan *p, const struct campaign_run *r, struct day_of *d) {
    double people = 0, samplers = 0;
    json_t *areas = json_array(), *labs = json_array();
    for (int z = 0; z < p->n_areas; z++) {
        people += t->areas[z].people;
        samplers += p->samplers[z];
        json_array_append_new(areas, area_json(t, p, r, z, d));
    }
    for (int j = 0; j < p->n_labs; j++) json_array_append_new(labs, lab_json(t, p, r, j));
    json_t *finish = json_pack("{s:o, s:o, s:o, s:o, s:o}", "best", real(fmin(p->finish_h, r->mean_h)) /* the plan counts in whole slots; its run may end within one */, "expected", hours(r->mean_h), "p10", hours(r->p10_h), "p50", hours(r->p50_h), "p90", hours(r->p90_h));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "people", real(people), "tubes", real(p->tubes), "samplers", real(t->c.samplers), "samplers_placed",
                     real(samplers), "couriers", real(t->c.couriers), "by_rule", t->by_rule, "rules_of_thumb", rules(t, people), "finish_hours", finish, "on_time", t->c.deadline_h > 0 ? real(r->on_time) : json_null(),
                     "bottleneck", p->bottleneck < CAMPAIGN_RESOURCES ? campaign_resource_names[p->bottleneck] : "none", "buys", buys(t, p), "areas", areas, "laboratories", labs, "slots",
                     slots_json(t, r));
}

/* ---- beside it: the samplers left where they are */

static json_t *finish_json(const struct campaign_run *r) {
    return json_pack("{s:o, s:o, s:o, s:o}", "expected", hours(r->mean_h), "p10", hours(r->p10_h), "p50", hours(r->p50_h), "p90", hours(r->p90_h));
}

static json_t *as_is_json(const struct testing_campaign *t, const struct campaign_plan *p, const struct campaign_run *r) {
    json_t *areas = json_array();
    for (int z = 0; z < p->n_areas; z++)
        json_array_append_new(areas, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", word(t->area[z].name), "people", real(t->areas[z].people), "samplers", real(p->samplers[z]), "sampled_hours", hours(r->area_p50_h[z]),
                                               "sampled_hours_p90", hours(r->area_p90_h[z])));
    return json_pack("{s:o, s:o, s:o}", "finish_hours", finish_json(r), "on_time", t->c.deadline_h > 0 ? real(r->on_time) : json_null(), "areas", areas);
}

static json_t *moves_json(const struct testing_campaign *t, const double *now, const struct campaign_plan *p) {
    struct campaign_move moves[CAMPAIGN_AREAS_MAX];
    int n = campaign_moves(now, p->samplers, p->n_areas, moves);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "from", word(t->area[moves[i].from].name), "to", word(t->area[moves[i].to].name), "samplers", real(moves[i].samplers)));
    return list;
}

static int as_is(const struct testing_campaign *t, const struct campaign_plan *p, json_t *into, struct error *err) {
    struct campaign_plan q = {0};
    struct campaign_run r = {0};
    bool said = false;
    for (int z = 0; z < p->n_areas; z++) said = said || t->areas[z].samplers >= 0;
    if (!said) return 0;
    int rc = campaign_as_is(&t->c, p, &q, err);
    if (rc == 0) rc = campaign_run(&t->c, &q, &r, err);
    if (rc == 0 && (json_object_set_new(into, "as_is", as_is_json(t, &q, &r)) || json_object_set_new(into, "moves", moves_json(t, q.samplers, p)))) rc = error_memory(err);
    campaign_run_clear(&r);
    campaign_plan_clear(&q);
    return rc;
}

int testing_campaign_plan(const struct testing_campaign *t, json_t **ret, struct error *err) {
    struct campaign_plan p = {0};
    struct campaign_run r = {0};
    json_t *j = NULL;
    struct day_of *d = mem_alloc(sizeof *d);
    int rc = d ? campaign_plan(&t->c, &p, err) : error_memory(err);
    if (rc == 0) rc = campaign_run(&t->c, &p, &r, err);
    if (rc == 0 && !(j = whole(t, &p, &r, d))) rc = error_memory(err);
    if (rc == 0) rc = as_is(t, &p, j, err);
    campaign_run_clear(&r);
    campaign_plan_clear(&p);
    mem_free(d);
    if (rc < 0) json_decref(j);
    else *ret = j;
    return rc;
}

/* Who finds, reports, traces, places, tests, checks and releases whom. Delays are lognormal with a late tail, and some steps are
 * left out: the shares are choices of the drill (a well-run county on a bad week), not measurements. */
#include <string.h>

#include "engines/city_story.h"

enum { ISOLATION_SITES_FIRST = 13, ISOLATION_SITES = 3, LABORATORIES_FIRST = 3, CDC_AT = 2, OBSERVATION_DAYS = 7, MONITORING_DAYS = 3 };

static const struct {
    double late_report, unlisted, late_found, late_placed, never_placed, missing_order, missed_test, late_test, missed_check, late_check,
        forgotten_release, never_investigated, unread, late_read, central, sensitivity, screening, secondary;
} share = {.late_report = 0.12, .unlisted = 0.26, .late_found = 0.10, .late_placed = 0.08, .never_placed = 0.03, .missing_order = 0.05,
           .missed_test = 0.04, .late_test = 0.06, .missed_check = 0.05, .late_check = 0.04, .forgotten_release = 0.06, .never_investigated = 0.06, .unread = 0.03, .late_read = 0.1, .central = 0.85,
           .sensitivity = 0.9, .screening = 0.14, .secondary = 0.35};

static int out_of_memory(struct city_story *s, const char *what) {
    return error_set(s->err, E_MEMORY, NULL, "out of memory for the %s of a city", what);
}

static instant hours(double h) {
    return (instant)(h * 60) * 60;
}

/* Nothing is known that lies after the end of the story. */
static instant known(const struct city_story *s, instant t) {
    return t < s->c->end ? t : INSTANT_NONE;
}

static day day_at(const struct city_story *s, instant t) {
    return day_of_instant(t, s->c->options.zone_s);
}

static int stay_add(struct city_story *s, struct city_stay stay, int32_t *ret_at) {
    struct city *c = s->c;
    if (!city_grow((void **)&c->stays, c->n_stays, sizeof *c->stays)) return out_of_memory(s, "stays");
    stay.room = (int32_t)(100 * (1 + rng_below(s->r, 12)) + 1 + rng_below(s->r, 30));
    c->stays[c->n_stays] = stay;
    if (ret_at) *ret_at = (int32_t)c->n_stays;
    c->n_stays++;
    return 0;
}

static int test_add(struct city_story *s, struct city_test t) {
    struct city *c = s->c;
    if (t.sampled_at >= c->end) return 0;
    if (!city_grow((void **)&c->tests, c->n_tests, sizeof *c->tests)) return out_of_memory(s, "tests");
    t.laboratory = LABORATORIES_FIRST + (int32_t)rng_below(s->r, 2);
    t.ct_hundredths = t.positive ? 1500 + (int32_t)rng_below(s->r, 2000) : 0;
    t.result_at = known(s, t.result_at);
    c->tests[c->n_tests++] = t;
    return 0;
}

/* ---- tracing and placing */

static int contact_place(struct city_story *s, int32_t k) {
    struct city *c = s->c;
    struct city_contact *t = &c->contacts[k];
    int32_t person = t->person, stay = -1;
    if (s->held_from[person] != INT64_MAX && t->found_at < s->held_until[person]) { /* in observation for another case, or on the way there */
        t->placed_at = t->found_at > s->held_from[person] ? t->found_at : s->held_from[person];
        return 0;
    }
    if (city_chance(s->r, share.never_placed)) return 0;
    double delay = city_lognormal(s->r, 2, 1.5);
    if (city_chance(s->r, share.late_placed)) delay += 3 + 17 * rng_unit(s->r);
    t->placed_at = known(s, t->found_at + hours(delay));
    if (t->placed_at == INSTANT_NONE) return 0;
    int years = city_age(&c->persons[person], c->options.first);
    bool home = t->through >= 0 || years < 3 || years > 78 || !city_chance(s->r, share.central);
    t->place = home ? -1 : ISOLATION_SITES_FIRST + (int32_t)rng_below(s->r, ISOLATION_SITES);
    s->held_from[person] = t->placed_at;
    s->held_until[person] = INT64_MAX;
    int rc = stay_add(s, (struct city_stay){.person = person, .contact = k, .place = t->place, .started_at = t->placed_at,
        .ended_at = INSTANT_NONE, .planned_end = t->last + OBSERVATION_DAYS, .kind = home ? CITY_STAY_HOME : CITY_STAY_CENTRAL}, &stay);
    if (rc < 0) return rc;
    if (!city_grow((void **)&s->watches, s->n_watches, sizeof *s->watches)) return out_of_memory(s, "watches");
    s->watches[s->n_watches++] = (struct city_watch){.contact = k, .stay = stay};
    return 0;
}

static int contact_add(struct city_story *s, struct city_contact t, int32_t *ret_at) {
    struct city *c = s->c;
    if (!city_grow((void **)&c->contacts, c->n_contacts, sizeof *c->contacts)) return out_of_memory(s, "contacts");
    t.placed_at = t.released_at = INSTANT_NONE;
    t.place = -1;
    t.order_missing = city_chance(s->r, share.missing_order);
    c->contacts[c->n_contacts] = t;
    s->contact_of[t.person] = (int32_t)c->n_contacts;
    if (ret_at) *ret_at = (int32_t)c->n_contacts;
    c->n_contacts++;
    return 0;
}

/* The household of a traced contact, unless the index lives there. */
static int trace_secondary(struct city_story *s, int32_t through) {
    struct city *c = s->c;
    const struct city_contact t = c->contacts[through];
    int32_t home = c->persons[t.person].household;
    if (home == c->persons[c->infections[t.index].person].household || !city_chance(s->r, share.secondary)) return 0;
    for (int32_t k = 0; k < c->households[home].n; k++) {
        int32_t other = c->households[home].first + k, at = 0;
        instant found = t.found_at + hours(city_lognormal(s->r, 3, 2));
        if (other == t.person || s->contact_of[other] >= 0 || found >= c->end) continue;
        if (s->infection_of[other] >= 0 && c->infections[s->infection_of[other]].found_order >= 0) continue;
        int rc = contact_add(s, (struct city_contact){.person = other, .index = t.index, .through = through, .first = t.first,
            .last = day_at(s, t.found_at), .found_at = found, .setting = CITY_AT_HOME}, &at);
        if (rc == 0) rc = contact_place(s, at);
        if (rc < 0) return rc;
    }
    return 0;
}

static int trace(struct city_story *s, int32_t i, day known_from) {
    struct city *c = s->c;
    const struct city_infection f = c->infections[i];
    size_t before = c->n_contacts;
    for (int32_t m = s->meeting_head[i]; m >= 0; m = s->meetings[m].next) {
        const struct city_meeting *g = &s->meetings[m];
        int32_t have = s->contact_of[g->other];
        if (g->on < known_from - 2) continue; /* v9: from two days before onset, or before the first positive sample */
        if (have >= (int32_t)before) { /* met before in this same chain */
            struct city_contact *t = &c->contacts[have];
            if (g->on < t->first) t->first = g->on;
            if (g->on > t->last) t->last = g->on;
            if (g->setting == CITY_AT_HOME) t->setting = CITY_AT_HOME;
            continue;
        }
        if (s->infection_of[g->other] >= 0 && c->infections[s->infection_of[g->other]].found_order >= 0) continue;
        if (g->setting != CITY_AT_HOME && city_chance(s->r, share.unlisted)) continue;
        double delay = city_lognormal(s->r, 4, 3);
        if (city_chance(s->r, share.late_found)) delay += 6 + 24 * rng_unit(s->r);
        if (f.detected_at + hours(delay) >= c->end) continue;
        int rc = contact_add(s, (struct city_contact){.person = g->other, .index = i, .through = -1, .first = g->on, .last = g->on,
            .found_at = f.detected_at + hours(delay), .setting = g->setting}, NULL);
        if (rc < 0) return rc;
    }
    int rc = 0;
    for (size_t k = before, n = c->n_contacts; rc == 0 && k < n; k++) rc = contact_place(s, (int32_t)k);
    for (size_t k = before, n = c->n_contacts; rc == 0 && k < n; k++) rc = trace_secondary(s, (int32_t)k);
    return rc;
}

/* ---- a case is found */

static int case_found(struct city_story *s, const struct city_finding *g) {
    struct city *c = s->c;
    struct city_infection *f = &c->infections[g->infection];
    struct rng *r = s->r;
    int32_t person = f->person;
    bool held = g->result_at >= s->held_from[person] && g->result_at < s->held_until[person];
    int rc = test_add(s, (struct city_test){.person = person, .contact = g->contact, .sampled_at = g->sampled_at,
        .result_at = g->result_at, .positive = true});
    if (rc < 0) return rc;
    if (!city_grow((void **)&c->cases, c->n_cases, sizeof *c->cases)) return out_of_memory(s, "cases");
    f->found_order = (int32_t)c->n_cases;
    c->cases[c->n_cases++] = g->infection;
    f->detected_at = g->result_at;
    f->discovery = held ? CITY_BY_ISOLATION : g->discovery;
    f->unit = g->discovery == CITY_BY_CLINIC ? (int32_t)rng_below(r, 2) : CDC_AT;
    f->reported_at = known(s, f->detected_at + hours(0.3 + 1.5 * rng_unit(r) + (city_chance(r, share.late_report) ? 2 + 8 * rng_unit(r) : 0)));
    f->isolated_at = known(s, f->detected_at + hours(city_lognormal(r, 3, 2) + (city_chance(r, 0.08) ? 8 * rng_unit(r) : 0)));
    f->treated_at = f->isolated_at == INSTANT_NONE ? INSTANT_NONE : known(s, f->isolated_at + hours(0.2 + 3 * rng_unit(r)));
    if (f->reported_at != INSTANT_NONE && !city_chance(r, share.never_investigated)) {
        f->located_at = known(s, f->reported_at + hours(city_lognormal(r, 0.6, 0.5)));
        f->core_at = known(s, f->reported_at + hours(city_lognormal(r, 2.6, 1.2)));
        f->investigated_at = known(s, f->reported_at + hours(city_lognormal(r, 18, 6)));
    }
    for (int level = 0; level < 3; level++)
        if (f->reported_at != INSTANT_NONE && !city_chance(r, share.unread)) {
            double late = city_chance(r, share.late_read) ? 6 * rng_unit(r) : 0;
            f->received_at[level] = known(s, f->reported_at + hours(0.3 + (1.2 + level) * rng_unit(r) + level + late));
        }
    if (s->alarm == INSTANT_NONE) s->alarm = f->detected_at;
    if (!held) s->held_from[person] = f->detected_at;
    s->held_until[person] = INT64_MAX;
    for (size_t w = 0; w < s->n_watches; w++) {
        struct city_stay *stay = &c->stays[s->watches[w].stay];
        if (s->watches[w].over || stay->person != person) continue;
        s->watches[w].over = true;
        stay->transferred = true;
        stay->ended_at = f->isolated_at == INSTANT_NONE || f->isolated_at > stay->started_at ? f->isolated_at : stay->started_at;
    }
    if (f->isolated_at != INSTANT_NONE) {
        day well = day_at(s, f->isolated_at) + 7 + (day)rng_below(r, 6);
        instant out = city_clock(s, well, 10 + 5 * rng_unit(r));
        if (out < c->end) f->outcome = CITY_RECOVERED, f->outcome_day = well;
        rc = stay_add(s, (struct city_stay){.person = person, .contact = -1, .place = (int32_t)rng_below(r, 2), .started_at = f->isolated_at,
            .ended_at = known(s, out), .planned_end = well, .kind = CITY_STAY_HOSPITAL}, NULL);
        if (rc < 0) return rc;
    }
    day sampled = day_at(s, g->sampled_at);
    return trace(s, g->infection, f->onset != CITY_NO_DAY && f->onset <= sampled ? f->onset : sampled);
}

/* ---- a day of those under observation */

static bool sample_day(const struct city_contact *t, day on, day placed) {
    if (on == placed) return true;
    int k = on - t->last;
    return t->through >= 0 ? k == 1 || k == 4 || k == 7 : k == 1 || k == 2 || k == 3 || k == 5 || k == 7 || k == 10;
}

static int sample(struct city_story *s, int32_t k, day on) {
    struct city *c = s->c;
    const struct city_contact *t = &c->contacts[k];
    if (city_chance(s->r, share.missed_test)) return 0;
    instant at = city_clock(s, on, 7 + 4 * rng_unit(s->r));
    if (city_chance(s->r, share.late_test)) at += hours(6 + 4 * rng_unit(s->r));
    if (at < t->placed_at) at = t->placed_at + hours(0.5);
    instant result = at + hours(city_lognormal(s->r, 7, 2.5));
    int32_t i = s->infection_of[t->person];
    if (i >= 0 && at >= c->infections[i].exposed_at + hours(36) && on < c->infections[i].peak + 12 && city_chance(s->r, share.sensitivity)) {
        if (at >= c->end) return 0;
        if (result >= c->end) return test_add(s, (struct city_test){.person = t->person, .contact = k, .sampled_at = at, .result_at = result});
        return city_finding_add(s, (struct city_finding){.infection = i, .contact = k, .sampled_at = at, .result_at = result,
            .discovery = CITY_BY_ISOLATION});
    }
    return test_add(s, (struct city_test){.person = t->person, .contact = k, .sampled_at = at, .result_at = result});
}

static int check(struct city_story *s, int32_t k, day on) {
    struct city *c = s->c;
    const struct city_contact *t = &c->contacts[k];
    if (city_chance(s->r, share.missed_check)) return 0;
    instant at = city_clock(s, on, city_chance(s->r, share.late_check) ? 20 + 3 * rng_unit(s->r) : 8 + 2 * rng_unit(s->r));
    if (at < t->placed_at || at >= c->end) return 0;
    if (!city_grow((void **)&c->checks, c->n_checks, sizeof *c->checks)) return out_of_memory(s, "checks");
    int32_t i = s->infection_of[t->person];
    bool ill = i >= 0 && c->infections[i].onset != CITY_NO_DAY && on >= c->infections[i].onset;
    c->checks[c->n_checks++] = (struct city_check){.person = t->person, .contact = k, .checked_at = at,
        .temperature_tenths = ill ? 374 + (int32_t)rng_below(s->r, 16) : 361 + (int32_t)rng_below(s->r, 9),
        .symptoms = ill ? (uint8_t)(1 + rng_below(s->r, 7)) : 0};
    return 0;
}

static int release(struct city_story *s, struct city_watch *w, day on) {
    struct city *c = s->c;
    const struct city_contact *t = &c->contacts[w->contact];
    struct city_stay *stay = &c->stays[w->stay];
    instant at = city_clock(s, on, 13 + 3 * rng_unit(s->r));
    bool monitoring = stay->kind == CITY_STAY_MONITORING;
    day planned = t->last + OBSERVATION_DAYS + (monitoring ? MONITORING_DAYS : 0);
    if (on < planned || at >= c->end || city_chance(s->r, share.forgotten_release)) return 0;
    if (at < stay->started_at) at = stay->started_at + hours(1);
    stay->ended_at = known(s, at);
    if (t->through < 0 && !monitoring) /* v9: three days of monitoring at home follow */
        return stay_add(s, (struct city_stay){.person = t->person, .contact = w->contact, .place = -1, .started_at = at, .ended_at = INSTANT_NONE,
            .planned_end = t->last + OBSERVATION_DAYS + MONITORING_DAYS, .kind = CITY_STAY_MONITORING}, &w->stay);
    s->held_until[t->person] = at;
    w->over = true;
    return 0;
}

/* People nobody had listed, found by testing the neighbourhood after the alarm. */
static int screen(struct city_story *s, day on) {
    struct city *c = s->c;
    if (s->alarm == INSTANT_NONE || on <= day_at(s, s->alarm)) return 0;
    for (size_t i = 0; i < c->n_infections; i++) {
        const struct city_infection *f = &c->infections[i];
        instant at = city_clock(s, on, 6 + 4 * rng_unit(s->r));
        if (f->found_order >= 0 || at < f->exposed_at + hours(40) || on > f->peak + 10 || at >= s->held_from[f->person]) continue;
        if (!city_chance(s->r, share.screening)) continue;
        int rc = city_finding_add(s, (struct city_finding){.infection = (int32_t)i, .contact = -1, .sampled_at = at,
            .result_at = at + hours(8 + 6 * rng_unit(s->r)), .discovery = city_chance(s->r, 0.75) ? CITY_BY_SCREENING : CITY_BY_COMMUNITY});
        if (rc < 0) return rc;
    }
    return 0;
}

/* How each traced pair ended: one person may be traced for several cases, and one release ends them all. */
void city_respond_end(struct city_story *s) {
    struct city *c = s->c;
    for (size_t k = 0; k < c->n_contacts; k++) {
        struct city_contact *t = &c->contacts[k];
        int32_t i = s->infection_of[t->person];
        instant until = s->held_until[t->person];
        int days = t->through < 0 ? OBSERVATION_DAYS + MONITORING_DAYS : OBSERVATION_DAYS;
        t->converted = i >= 0 && c->infections[i].found_order >= 0 && c->infections[i].detected_at >= t->found_at;
        bool done = until != INT64_MAX && t->placed_at != INSTANT_NONE && until > t->placed_at && day_at(s, until) >= t->last + days;
        if (!t->converted && done) t->released_at = until;
    }
}

int city_respond(struct city_story *s, day on) {
    struct city *c = s->c;
    int rc = screen(s, on);
    for (size_t w = 0; rc == 0 && w < s->n_watches; w++) {
        struct city_watch *watch = &s->watches[w];
        const struct city_contact *t = &c->contacts[watch->contact];
        if (watch->over) continue;
        if (sample_day(t, on, day_at(s, t->placed_at))) rc = sample(s, watch->contact, on);
        if (rc == 0) rc = check(s, watch->contact, on);
        if (rc == 0) rc = release(s, watch, on);
    }
    /* Results of this day, earliest first; findings already used lie in [0, n_done). */
    instant tomorrow = instant_of_day(on + 1, c->options.zone_s);
    if (tomorrow > c->end) tomorrow = c->end;
    while (rc == 0) {
        size_t best = s->n_findings;
        for (size_t i = s->n_done; i < s->n_findings; i++)
            if (s->findings[i].result_at < tomorrow && (best == s->n_findings || s->findings[i].result_at < s->findings[best].result_at)) best = i;
        if (best == s->n_findings) break;
        struct city_finding g = s->findings[best];
        s->findings[best] = s->findings[s->n_done];
        s->findings[s->n_done++] = g;
        if (c->infections[g.infection].found_order < 0) rc = case_found(s, &g);
    }
    return rc;
}

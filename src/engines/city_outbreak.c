/* Who meets and infects whom, day by day. */
#include <math.h>
#include <string.h>

#include "engines/city_story.h"

/* The disease of the story is covid-19 of 2022. */
static const struct {
    double incubation_mean_d, incubation_sd_d; /* Omicron: Wu et al. 2022, doi:10.1001/jamanetworkopen.2022.28008: 3.42 d */
    double asymptomatic;                       /* lasting: Yu et al. 2022, doi:10.1016/j.jinf.2022.05.028, about a third when all are tested */
    double asymptomatic_infectiousness;        /* Buitrago-Garcia et al. 2022, doi:10.1371/journal.pmed.1003987 */
    double infectiousness[10];                 /* days -2..+7 from onset, 1 at most: shape of He et al. 2020, doi:10.1038/s41591-020-0869-5 */
    double infect_household, infect_team, infect_stranger; /* a day, at full infectiousness; household attack rate then about 0.43:
                                                              Madewell et al. 2022, doi:10.1001/jamanetworkopen.2022.9317 */
    double team_meetings, stranger_meetings;   /* a day; close ones only: Zhang et al. 2020, doi:10.1126/science.abb8001, scaled down */
    double alarm_factor;                       /* meetings outside home after the first case is known: same source */
    double index_factor;                       /* the index is the one who started it: chosen among spreaders */
} parameters = {
    .incubation_mean_d = 3.4, .incubation_sd_d = 1.5, .asymptomatic = 0.32, .asymptomatic_infectiousness = 0.5,
    .infectiousness = {0.8, 1.0, 1.0, 0.8, 0.55, 0.35, 0.22, 0.14, 0.08, 0.05},
    .infect_household = 0.14, .infect_team = 0.09, .infect_stranger = 0.10,
    .team_meetings = 4.5, .stranger_meetings = 3, .alarm_factor = 0.8, .index_factor = 2.5};

instant city_clock(const struct city_story *s, day on, double hour) {
    return instant_of_day(on, s->c->options.zone_s) + (instant)(hour * 60) * 60;
}

double city_lognormal(struct rng *r, double mean, double deviation) {
    double variance = log1p(deviation * deviation / (mean * mean));
    double u = rng_unit(r), v = rng_unit(r);
    double normal = sqrt(-2 * log(1 - u)) * cos(2 * 3.14159265358979323846 * v);
    return exp(log(mean) - variance / 2 + sqrt(variance) * normal);
}

bool city_chance(struct rng *r, double p) {
    return rng_unit(r) < p;
}

static int out_of_memory(struct city_story *s, const char *what) {
    return error_set(s->err, E_MEMORY, NULL, "out of memory for the %s of a city", what);
}

int city_finding_add(struct city_story *s, struct city_finding f) {
    if (!city_grow((void **)&s->findings, s->n_findings, sizeof *s->findings)) return out_of_memory(s, "findings");
    s->findings[s->n_findings++] = f;
    return 0;
}

static int infect(struct city_story *s, int32_t person, int32_t infector, instant at, enum city_setting setting) {
    struct city *c = s->c;
    if (!city_grow((void **)&c->infections, c->n_infections, sizeof *c->infections) ||
        !city_grow((void **)&s->meeting_head, c->n_infections, sizeof *s->meeting_head))
        return out_of_memory(s, "infections");
    int32_t i = (int32_t)c->n_infections++;
    double incubation = city_lognormal(s->r, parameters.incubation_mean_d, parameters.incubation_sd_d);
    if (incubation < 1) incubation = 1;
    if (incubation > 14) incubation = 14;
    struct city_infection *f = &c->infections[i];
    *f = (struct city_infection){.person = person, .infector = infector, .exposed_at = at, .onset = CITY_NO_DAY,
        .detected_at = INSTANT_NONE, .reported_at = INSTANT_NONE, .isolated_at = INSTANT_NONE, .treated_at = INSTANT_NONE,
        .located_at = INSTANT_NONE, .core_at = INSTANT_NONE, .investigated_at = INSTANT_NONE,
        .received_at = {INSTANT_NONE, INSTANT_NONE, INSTANT_NONE},
        .outcome_day = CITY_NO_DAY, .unit = -1, .found_order = -1, .setting = (uint8_t)setting, .imported = infector < 0};
    f->peak = day_of_instant(at + (instant)(incubation * DAY_S), c->options.zone_s);
    s->meeting_head[i] = -1;
    s->infection_of[person] = i;
    if (infector >= 0 && city_chance(s->r, parameters.asymptomatic)) return 0;
    f->onset = f->peak;
    f->severity = city_chance(s->r, 0.7) ? 1 : city_chance(s->r, 0.87) ? 2 : 3;
    /* One in ten never goes to a clinic. Before the alarm people wait longer. */
    if (infector >= 0 && city_chance(s->r, 0.1)) return 0;
    bool alarmed = s->alarm != INSTANT_NONE;
    double wait = infector < 0 ? 2 + rng_unit(s->r) : city_lognormal(s->r, alarmed ? 1.0 : 2.2, alarmed ? 0.8 : 1.4);
    instant visit = city_clock(s, f->onset + (day)wait, 8 + 11 * rng_unit(s->r));
    return city_finding_add(s, (struct city_finding){.infection = i, .contact = -1, .sampled_at = visit,
        .result_at = visit + (instant)(60 * (150 + 300 * rng_unit(s->r))), .discovery = CITY_BY_CLINIC});
}

/* The infectious person of infection i meets `other` at an hour of the day. */
static int meet(struct city_story *s, int32_t i, int32_t other, day on, enum city_setting setting, double chance) {
    struct city *c = s->c;
    int32_t person = c->infections[i].person;
    instant at = city_clock(s, on, 7 + 14 * rng_unit(s->r));
    if (other == person || at >= c->end) return 0;
    if (at >= s->held_from[person] && at < s->held_until[person]) return 0;
    if (at >= s->held_from[other] && at < s->held_until[other]) return 0;
    if (!city_grow((void **)&s->meetings, s->n_meetings, sizeof *s->meetings)) return out_of_memory(s, "meetings");
    s->meetings[s->n_meetings] = (struct city_meeting){.other = other, .next = s->meeting_head[i], .on = on, .setting = (uint8_t)setting};
    s->meeting_head[i] = (int32_t)s->n_meetings++;
    if (s->infection_of[other] >= 0 || !city_chance(s->r, chance)) return 0;
    return infect(s, other, i, at, setting);
}

static enum city_setting team_setting(const struct city_person *p) {
    if (p->occupation == CITY_MEDIC) return CITY_WARD;
    return p->occupation == CITY_STUDENT || p->occupation == CITY_KINDERGARTEN || p->occupation == CITY_TEACHER ? CITY_AT_SCHOOL : CITY_AT_WORK;
}

/* A whole number whose mean is x. */
static int around(struct rng *r, double x) {
    return (int)(x + rng_unit(r));
}

static int live_day(struct city_story *s, int32_t i, day on) {
    struct city *c = s->c;
    const struct city_infection f = c->infections[i];
    const struct city_person *p = &c->persons[f.person];
    if (on < f.peak - 2 || on > f.peak + 7 || on < day_of_instant(f.exposed_at, c->options.zone_s)) return 0;
    double strength = parameters.infectiousness[on - f.peak + 2];
    if (f.onset == CITY_NO_DAY) strength *= parameters.asymptomatic_infectiousness;
    if (f.imported) strength *= parameters.index_factor;
    bool alarmed = s->alarm != INSTANT_NONE && on > day_of_instant(s->alarm, c->options.zone_s);
    double outside = alarmed ? parameters.alarm_factor : 1;
    int rc = 0;
    const struct city_household *h = &c->households[p->household];
    for (int32_t k = 0; rc == 0 && k < h->n; k++)
        rc = meet(s, i, h->first + k, on, CITY_AT_HOME, parameters.infect_household * strength);
    int weekday = (int)(((int64_t)on + 3) % 7); /* 0 Monday; day 0 was a Thursday */
    if (p->team >= 0 && (weekday < 5 || p->occupation == CITY_CATERING || p->occupation == CITY_COMMERCE)) {
        int32_t first = c->team_first[p->team], n = c->team_first[p->team + 1] - first;
        for (int m = around(s->r, parameters.team_meetings * outside); rc == 0 && m > 0; m--)
            rc = meet(s, i, c->members[first + (int32_t)rng_below(s->r, (uint64_t)n)], on, team_setting(p), parameters.infect_team * strength);
    }
    for (int m = around(s->r, parameters.stranger_meetings * outside); rc == 0 && m > 0; m--) {
        int32_t other = 0;
        for (int tries = 0; tries < 6; tries++) { /* most strangers live near */
            other = (int32_t)rng_below(s->r, c->n_persons);
            if (c->households[c->persons[other].household].street == h->street) break;
        }
        static const uint8_t settings[] = {CITY_MEAL, CITY_SHOP, CITY_SHOP, CITY_RIDE};
        rc = meet(s, i, other, on, (enum city_setting)settings[rng_below(s->r, 4)], parameters.infect_stranger * strength);
    }
    return rc;
}

/* A grown-up who works, back from a journey: exposed the day before the story starts. */
static int index_arrives(struct city_story *s) {
    struct city *c = s->c;
    int32_t who = 0;
    for (int tries = 0; tries < 1000; tries++) {
        who = (int32_t)rng_below(s->r, c->n_persons);
        int years = city_age(&c->persons[who], c->options.first);
        if (c->persons[who].team >= 0 && years > 24 && years < 60 && c->households[c->persons[who].household].n > 1) break;
    }
    return infect(s, who, -1, city_clock(s, c->options.first - 1, 18), CITY_RIDE);
}

int city_outbreak(struct city *c, struct rng *r, struct error *err) {
    struct city_story s = {.c = c, .r = r, .err = err, .alarm = INSTANT_NONE};
    int rc = 0;
    c->n_infections = c->n_cases = c->n_contacts = c->n_tests = c->n_stays = c->n_checks = 0;
    s.infection_of = mem_alloc(c->n_persons * sizeof *s.infection_of);
    s.contact_of = mem_alloc(c->n_persons * sizeof *s.contact_of);
    s.held_from = mem_alloc(c->n_persons * sizeof *s.held_from);
    s.held_until = mem_alloc(c->n_persons * sizeof *s.held_until);
    if (!s.infection_of || !s.contact_of || !s.held_from || !s.held_until) {
        rc = out_of_memory(&s, "story");
        goto out;
    }
    for (size_t i = 0; i < c->n_persons; i++) {
        s.infection_of[i] = s.contact_of[i] = -1;
        s.held_from[i] = s.held_until[i] = INT64_MAX;
    }
    rc = index_arrives(&s);
    for (day on = c->options.first; rc == 0 && on < c->options.first + c->options.days; on++) {
        rc = city_respond(&s, on);
        /* Those infected today start meeting tomorrow at the earliest. */
        for (size_t i = 0, n = c->n_infections; rc == 0 && i < n; i++) rc = live_day(&s, (int32_t)i, on);
    }
    if (rc == 0) city_respond_end(&s);
out:
    mem_free(s.infection_of);
    mem_free(s.contact_of);
    mem_free(s.held_from);
    mem_free(s.held_until);
    mem_free(s.meeting_head);
    mem_free(s.meetings);
    mem_free(s.findings);
    mem_free(s.watches);
    return rc;
}

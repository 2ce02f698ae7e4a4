/* A county and its outbreak from a seed; see city.h. */
#include "engines/city.h"

#include <string.h>

static int options_check(struct city_options *o, struct error *err) {
    if (!o->persons) o->persons = 3000;
    if (!o->days) o->days = 30;
    if (!o->cases_min) o->cases_min = o->persons / 100 < 60 ? o->persons / 100 : 60;
    if (o->persons < CITY_PERSONS_MIN || o->persons > CITY_PERSONS_MAX)
        return error_set(err, E_INVALID, "people", "a city has %d to %d people, not %d", CITY_PERSONS_MIN, CITY_PERSONS_MAX, o->persons);
    if (o->days < 1 || o->days > CITY_DAYS_MAX)
        return error_set(err, E_INVALID, "days", "a story has 1 to %d days, not %d", CITY_DAYS_MAX, o->days);
    if (o->first < DAY_MIN + 100 * 366 || o->first > DAY_MAX - CITY_DAYS_MAX)
        return error_set(err, E_INVALID, "first", "the first day is outside the calendar");
    for (int i = 0; i < 6; i++)
        if (o->region[i] < '0' || o->region[i] > '9' || (i == 0 && o->region[i] == '0'))
            return error_set(err, E_INVALID, "region", "a county code has six digits");
    if (o->region[6]) return error_set(err, E_INVALID, "region", "a county code has six digits");
    return 0;
}

/* An outbreak in progress: at least three were found in the last three days. */
static bool still_going(const struct city *c) {
    size_t recent = 0;
    for (size_t i = 0; i < c->n_cases; i++) recent += c->infections[c->cases[i]].detected_at > c->end - 3 * DAY_S;
    return recent >= 3;
}

int city_make(const struct city_options *o, struct city **ret, struct error *err) {
    enum { ATTEMPTS_MAX = 200 };
    struct city *c = mem_alloc(sizeof *c);
    struct rng r = {0};
    int rc = 0;
    if (!c) return error_set(err, E_MEMORY, NULL, "out of memory for a city");
    c->options = *o;
    rc = options_check(&c->options, err);
    if (rc < 0) goto out;
    c->end = instant_of_day(c->options.first + c->options.days - 1, c->options.zone_s) + 16 * 3600;
    rng_seed(&r, c->options.seed);
    rc = city_people(c, &r, err);
    /* Most importations die out; a demo wants one that did not. The stories differ by their own seeds, so the county stays. */
    while (rc == 0 && c->attempts < ATTEMPTS_MAX) {
        struct rng story = {0};
        rng_seed(&story, rng_u64(&r));
        c->attempts++;
        rc = city_outbreak(c, &story, err);
        if (c->n_cases >= (size_t)c->options.cases_min && still_going(c)) break;
    }
out:
    if (rc < 0) city_free(c);
    else *ret = c;
    return rc;
}

void city_free(struct city *c) {
    if (!c) return;
    mem_free(c->persons);
    mem_free(c->households);
    mem_free(c->organisations);
    mem_free(c->infections);
    mem_free(c->cases);
    mem_free(c->contacts);
    mem_free(c->tests);
    mem_free(c->stays);
    mem_free(c->checks);
    mem_free(c->members);
    mem_free(c->team_first);
    mem_free(c);
}

/* engines: what the two halves of a city's story share while it is being told. Private to city_outbreak.c (who meets and
 * infects whom) and city_response.c (who finds, traces, places, tests and releases whom). */
#ifndef TOCSIN_ENGINES_CITY_STORY_H
#define TOCSIN_ENGINES_CITY_STORY_H

#include "engines/city.h"

/* One day's meeting of an infectious person, kept for tracing; chained per infection. */
struct city_meeting {
    int32_t other, next;
    day on;
    uint8_t setting;
};

/* Somebody will be found: the result of a test or a visit to a clinic. */
struct city_finding {
    int32_t infection, contact; /* contact: where the sample was taken while placed; -1 */
    instant sampled_at, result_at;
    uint8_t discovery;
};

/* A traced person under observation. */
struct city_watch {
    int32_t contact, stay;
    bool over;
};

struct city_story {
    struct city *c;
    struct rng *r;
    struct error *err;
    int32_t *infection_of, *contact_of; /* by person; -1 none; contact_of: the latest */
    instant *held_from, *held_until;    /* by person: nobody is met in [from, until) */
    int32_t *meeting_head;              /* by infection */
    size_t n_meetings, n_findings, n_watches, n_done;
    struct city_meeting *meetings;
    struct city_finding *findings;
    struct city_watch *watches;
    instant alarm;                      /* when the first case was found */
};

instant city_clock(const struct city_story *s, day on, double hour); /* local hour of a day */
double city_lognormal(struct rng *r, double mean, double deviation);
bool city_chance(struct rng *r, double p);
int city_finding_add(struct city_story *s, struct city_finding f);
/* One day of the response: samples, checks, releases, screening, then everybody whose result came that day. */
int city_respond(struct city_story *s, day on);
void city_respond_end(struct city_story *s);

#endif

/* A made-up city into the visit store. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"
#include "engines/town.h"

_Static_assert((int)TOWN_VEHICLE == (int)TRACING_TRANSPORT, "classes of the city are those of the store");

/* Numbers of the store for those of the city. */
static int names_make(struct visits *v, const struct town *t, uint32_t *persons, uint32_t *places, struct error *err) {
    char name[24];
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < t->n_persons; i++) {
        int n = snprintf(name, sizeof name, "%u", i + 1);
        rc = visits_name(v, VISITS_PERSON, (struct text){name, (size_t)n}, &persons[i], err);
    }
    for (uint32_t i = 0; rc == 0 && i < t->n_places; i++) {
        town_place_name(t, i, name);
        rc = visits_name(v, VISITS_PLACE, text_of(name), &places[i], err);
        if (rc == 0) visits_set_class(v, places[i], (uint8_t)town_class_of(t, i));
    }
    return rc;
}

static int day_make(struct visits *v, const struct town *t, int nth, instant midnight, const uint32_t *persons, const uint32_t *places, struct visit *rows, uint64_t *ret_rows,
                    struct error *err) {
    struct presence s[TOWN_STAYS_MAX];
    size_t n = 0;
    for (uint32_t p = 0; p < t->n_persons; p++) {
        size_t k = town_stays(t, p, nth, s);
        for (size_t i = 0; i < k; i++)
            rows[n++] = (struct visit){persons[p], places[s[i].place], midnight + s[i].start, midnight + s[i].end, (uint8_t)presence_source_of(s[i].attr),
                                       (uint8_t)presence_confidence_of(s[i].attr), s[i].zone, s[i].row};
    }
    *ret_rows += n;
    return visits_load(v, rows, n, NULL, err);
}

int tracing_city(struct visits *v, const struct tracing_city *c, void (*progress)(int64_t day_done, uint64_t rows, void *arg), void *arg, uint64_t *ret_rows, struct error *err) {
    struct town_parameters p;
    struct town *t = NULL;
    uint32_t *persons = NULL, *places = NULL;
    struct visit *rows = NULL;
    uint64_t total = 0;
    if (c->people < TOWN_PERSONS_MIN || c->people > TOWN_PERSONS_MAX || c->days < 1 || c->days > VISITS_DAYS_MAX)
        return error_set(err, E_INVALID, "--people", "a city has %d to %d people, and up to %d days / 人口或天数超出范围", TOWN_PERSONS_MIN, TOWN_PERSONS_MAX, VISITS_DAYS_MAX);
    int rc = town_parameters_read(c->parameters, &p, err);
    if (rc == 0) rc = town_make(&p, c->seed, (uint32_t)c->people, (uint32_t)(c->people / 40000) + 1, c->threads, &t, err);
    if (rc == 0) {
        persons = mem_alloc(t->n_persons * sizeof *persons);
        places = mem_alloc(t->n_places * sizeof *places);
        rows = mem_alloc((size_t)t->n_persons * 8 * sizeof *rows); /* a day has at most home, ride, work, ride, hospital, meal, shop, home */
        if (!persons || !places || !rows) rc = error_set(err, E_MEMORY, NULL, "no memory for a city / 内存不足,无法生成城市");
    }
    if (rc == 0) rc = names_make(v, t, persons, places, err);
    int monday = (int)((c->first % 7 + 10) % 7); /* the days of the city begin on a Monday; 1970-01-01 was a Thursday */
    for (int64_t d = 0; rc == 0 && d < c->days; d++) {
        rc = day_make(v, t, (int)d + monday, instant_of_day(c->first + (day)d, visits_zone(v)), persons, places, rows, &total, err);
        if (rc == 0 && progress) progress(d + 1, total, arg);
    }
    mem_free(rows);
    mem_free(persons);
    mem_free(places);
    town_free(t);
    if (rc == 0) *ret_rows = total;
    return rc;
}

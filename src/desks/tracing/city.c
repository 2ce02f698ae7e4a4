/* A made-up city into the visit store. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"
#include "engines/town.h"

_Static_assert((int)TOWN_VEHICLE == (int)TRACING_TRANSPORT, "classes of the city are those of the store");

/* Numbers of the store for those of the city. */
static void name_of(const struct tracing_city *c, const struct town *t, enum visits_kind kind, uint32_t i, char out[48]) {
    char own[24];
    if (kind == VISITS_PERSON) {
        snprintf(out, 48, "%u", i + 1);
        return;
    }
    town_place_name(t, i, own);
    enum town_class k = town_class_of(t, i);
    /* neighbours live together: the nth part of the homes, schools, shops lies in the nth street */
    size_t region = (size_t)((uint64_t)(i - t->first[k]) * c->n_regions / (t->first[k + 1] - t->first[k]));
    if (c->n_regions) snprintf(out, 48, "%.*s-%s", (int)(c->regions[region].n < 20 ? c->regions[region].n : 20), c->regions[region].s, own);
    else snprintf(out, 48, "%s", own);
}

static int names_make(struct visits *v, const struct tracing_city *c, const struct town *t, enum visits_kind kind, uint32_t *ids, struct error *err) {
    enum { TOGETHER = 1024 };
    static const size_t width = 48;
    uint32_t n = kind == VISITS_PERSON ? t->n_persons : t->n_places;
    struct text names[TOGETHER];
    char *room = mem_alloc(TOGETHER * width);
    int rc = room ? 0 : error_set(err, E_MEMORY, NULL, "no memory for a city / 内存不足,无法生成城市");
    for (uint32_t i = 0; rc == 0 && i < n; i += TOGETHER) {
        uint32_t k = n - i < TOGETHER ? n - i : TOGETHER;
        for (uint32_t j = 0; j < k; j++) {
            name_of(c, t, kind, i + j, room + j * width);
            names[j] = text_of(room + j * width);
        }
        rc = visits_names(v, kind, names, k, ids + i, err);
        for (uint32_t j = 0; rc == 0 && kind == VISITS_PLACE && j < k; j++) visits_set_class(v, ids[i + j], (uint8_t)town_class_of(t, i + j));
    }
    mem_free(room);
    return rc;
}

int tracing_city_regions(struct ledger *l, int64_t people, struct arena *a, const struct text **ret, size_t *ret_n, struct error *err) {
    enum { REGION_PEOPLE = 2000, STREET = 4, REGIONS = 65535 };
    char end[REGION_MAX + 2] = "";
    bool all = !region_end(l->region, end);
    struct value params[] = {value_text(l->region), value_text(text_of(all ? "ZZ" : end))};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct text *list = arena_alloc(a, REGIONS * sizeof *list);
    size_t n = 0, most = (size_t)(people / REGION_PEOPLE) + 1;
    int rc = list ? db_query(l->db, "SELECT code FROM region WHERE level = 4 AND valid_to IS NULL AND code >= ?1 AND code < ?2 ORDER BY code", params, 2, &c, err)
                  : error_memory(err);
    while (rc == 0 && (rc = db_next(c, &row, err)) == 1 && n < REGIONS) {
        rc = 0;
        list[n] = arena_text(a, value_view(row[0]));
        if (!list[n++].s) rc = error_memory(err);
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    for (size_t i = 0; n > most && i < most; i++) list[i] = list[i * n / most];
    *ret = list;
    *ret_n = n > most ? most : n;
    return 0;
}

enum { PORTION = 16 << 20 /* visits given to the store at a time: 110 bytes each with the store's own */ };

static int day_make(struct visits *v, const struct town *t, int nth, instant midnight, const uint32_t *persons, const uint32_t *places, struct visit *rows, uint64_t *ret_rows,
                    struct error *err) {
    struct presence s[TOWN_STAYS_MAX];
    size_t n = 0;
    int rc = 0;
    for (uint32_t p = 0; rc == 0 && p < t->n_persons; p++) {
        size_t k = town_stays(t, p, nth, s);
        if (n + k > PORTION) {
            rc = visits_load(v, rows, n, NULL, err);
            *ret_rows += n;
            n = 0;
        }
        for (size_t i = 0; i < k; i++)
            rows[n++] = (struct visit){persons[p], places[s[i].place], midnight + s[i].start, midnight + s[i].end, (uint8_t)presence_source_of(s[i].attr),
                                       (uint8_t)presence_confidence_of(s[i].attr), s[i].zone, s[i].row};
    }
    *ret_rows += n;
    return rc < 0 ? rc : visits_load(v, rows, n, NULL, err);
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
    if (rc == 0) rc = town_make(&p, c->seed, (uint32_t)c->people, c->n_regions ? (uint32_t)c->n_regions : (uint32_t)(c->people / 40000) + 1, c->threads, &t, err);
    if (rc == 0) {
        persons = mem_alloc(t->n_persons * sizeof *persons);
        places = mem_alloc(t->n_places * sizeof *places);
        rows = mem_alloc((t->n_persons * 8ull < PORTION ? t->n_persons * 8ull : PORTION) * sizeof *rows); /* a day has at most home, ride, work, ride, hospital, meal, shop, home */
        if (!persons || !places || !rows) rc = error_set(err, E_MEMORY, NULL, "no memory for a city / 内存不足,无法生成城市");
    }
    if (rc == 0) rc = names_make(v, c, t, VISITS_PERSON, persons, err);
    if (rc == 0) rc = names_make(v, c, t, VISITS_PLACE, places, err);
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

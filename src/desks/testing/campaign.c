#include "desks/testing/campaign.h"

#include <math.h>
#include <string.h>

enum { AREAS_BY_RULE = 16, LABS_BY_RULE = 8 };

static int bad(struct error *err, const char *where, const char *en, const char *zh) {
    return error_set(err, E_INVALID, where, "%s / %s", en, zh);
}

/* ---- JSON in */

struct place { /* where in the document, for messages */
    const char *list;
    size_t i;
};

static int wrong(struct error *err, const struct place *at, const char *name, const char *en, const char *zh) {
    char where[96];
    if (at) snprintf(where, sizeof where, "%s/%zu/%s", at->list, at->i, name);
    else snprintf(where, sizeof where, "%s", name);
    return bad(err, where, en, zh);
}

/* A number times `unit`; left as it was when absent. */
static int number(const json_t *j, const struct place *at, const char *name, double unit, double *ret, struct error *err) {
    const json_t *v = json_object_get(j, name);
    if (!v || json_is_null(v)) return 0;
    if (!json_is_number(v)) return wrong(err, at, name, "a number is wanted", "须为数字");
    *ret = json_number_value(v) * unit;
    return 0;
}

/* "17:30" or a number of hours. */
static int clock_of(const json_t *j, const char *name, double *ret, struct error *err) {
    const json_t *v = json_object_get(j, name);
    int h = 0, m = 0, used = 0;
    if (!json_is_string(v)) return number(j, NULL, name, 1, ret, err);
    if (sscanf(json_string_value(v), "%2d:%2d%n", &h, &m, &used) != 2 || json_string_value(v)[used] || h < 0 || h > 24 || m < 0 || m > 59 || h * 60 + m > 1440)
        return wrong(err, NULL, name, "an hour of the day is wanted: 17:30", "须为时刻, 如 17:30");
    *ret = h + m / 60.0;
    return 0;
}

static int only(const json_t *j, const struct place *at, const char *const *names, struct error *err) {
    const char *name;
    json_t *v;
    if (!json_is_object(j)) return wrong(err, at, "", "an object is wanted", "须为对象");
    json_object_foreach((json_t *)j, name, v) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], name)) i++;
        if (!names[i]) return wrong(err, at, name, "there is no such member", "没有此项");
    }
    return 0;
}

static int name_of(struct arena *a, const json_t *j, const char *kind, size_t i, struct text *ret, struct error *err) {
    const json_t *v = json_object_get(j, "name");
    if (v && !json_is_string(v)) return wrong(err, &(struct place){kind, i}, "name", "text is wanted", "须为文字");
    *ret = text_of(v ? arena_printf(a, "%.200s", json_string_value(v)) : arena_printf(a, "%zu", i + 1));
    if (ret->n && !text_utf8_valid(*ret)) { /* cut inside a character */
        while (ret->n && ((unsigned char)ret->s[ret->n - 1] & 0xC0) == 0x80) ret->n--;
        if (ret->n) ret->n--;
    }
    return ret->s ? 0 : error_memory(err);
}

static int numbers_read(const json_t *j, struct testing_campaign *t, struct error *err) {
    struct campaign *c = &t->c;
    double draws = c->draws, seed = (double)c->seed;
    const struct {
        const char *name;
        double unit, *to;
    } n[] = {
        {"samplers", 1, &c->samplers}, {"samplers_per_table", 1, &c->per_table}, {"people_per_hour", 1, &c->rate}, {"people_per_tube", 1, &c->per_tube}, {"couriers", 1, &c->couriers},
        {"tubes_per_trip", 1, &c->trip_tubes}, {"loading_minutes", 1 / 60.0, &c->stop_h}, {"slot_minutes", 1 / 60.0, &c->slot_h}, {"report_minutes", 1 / 60.0, &c->report_h},
        {"deadline_hours", 1, &c->deadline_h}, {"spread_city", 1, &c->sd_city}, {"spread_area", 1, &c->sd_area}, {"spread_laboratory", 1, &c->sd_lab}, {"spread_road", 1, &c->sd_road},
        {"burst_hours", 1, &t->burst_h}, {"burst_share", 1, &t->burst_share}, {"draws", 1, &draws}, {"seed", 1, &seed},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof n / sizeof *n; i++) rc = number(j, NULL, n[i].name, n[i].unit, n[i].to, err);
    if (rc == 0) rc = clock_of(j, "starts", &c->start_h, err);
    if (rc == 0) rc = clock_of(j, "opens", &c->open_h, err);
    if (rc == 0) rc = clock_of(j, "closes", &c->close_h, err);
    if (rc == 0) rc = clock_of(j, "burst_at", &t->burst_at, err);
    if (rc < 0) return rc;
    if (!(draws >= 1 && draws <= CAMPAIGN_DRAWS_MAX)) return bad(err, "draws", "from 1 to 2,000", "应在 1 与 2,000 之间");
    if (!(seed >= 0 && seed <= 9e15)) return bad(err, "seed", "a whole number from 0", "须为不小于 0 的整数");
    if (!(t->burst_share >= 0 && t->burst_share <= 1) || !(t->burst_h > 0 && t->burst_h <= 24)) return bad(err, "burst_share", "a share from 0 to 1, within hours", "须为 0 至 1 的比例, 并给出时长");
    c->draws = (int)draws;
    c->seed = (uint64_t)seed;
    return 0;
}

static int sites_read(struct arena *a, const json_t *list, const struct place *at, struct testing_area *area, struct campaign_area *ca, struct error *err) {
    static const char *const known[] = {"name", "people", "tables", NULL};
    size_t n = json_array_size(list);
    double people = 0, tables = 0;
    if (!json_is_array(list) || n < 1 || n > TESTING_SITES_MAX) return wrong(err, at, "sites", "a list of at most 2,000 sites is wanted", "须为至多 2,000 个采样点");
    struct testing_site *s = arena_alloc(a, n * sizeof *s);
    if (!s) return error_memory(err);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const json_t *j = json_array_get(list, i);
        rc = only(j, at, known, err);
        if (rc == 0) rc = name_of(a, j, "sites", i, &s[i].name, err);
        if (rc == 0) rc = number(j, at, "people", 1, &s[i].people, err);
        if (rc == 0) rc = number(j, at, "tables", 1, &s[i].tables, err);
        if (rc == 0 && !(s[i].people >= 0 && s[i].tables >= 0)) rc = wrong(err, at, "sites", "people and tables are not below 0", "人数与台数不能小于 0");
        people += s[i].people;
        tables += s[i].tables;
    }
    area->sites = s;
    area->n_sites = (int)n;
    if (ca->people == 0) ca->people = people;
    if (ca->tables == 0) ca->tables = tables;
    return rc;
}

static int areas_read(struct arena *a, const json_t *list, struct testing_campaign *t, struct error *err) {
    static const char *const known[] = {"name", "people", "tables", "samplers", "people_per_hour", "waiting_tubes", "sites", "point", NULL};
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > CAMPAIGN_AREAS_MAX) return bad(err, "areas", "a list of at most 400 areas is wanted", "须为至多 400 个片区");
    t->areas = arena_alloc(a, n * sizeof *t->areas);
    t->area = arena_alloc(a, n * sizeof *t->area);
    if (!t->areas || !t->area) return error_memory(err);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const json_t *j = json_array_get(list, i), *sites = json_object_get(j, "sites");
        struct place at = {"areas", i};
        struct campaign_area *area = &t->areas[i];
        area->samplers = -1;
        rc = only(j, &at, known, err);
        if (rc == 0) rc = name_of(a, j, "areas", i, &t->area[i].name, err);
        if (rc == 0) rc = number(j, &at, "people", 1, &area->people, err);
        if (rc == 0) rc = number(j, &at, "tables", 1, &area->tables, err);
        if (rc == 0) rc = number(j, &at, "samplers", 1, &area->samplers, err);
        if (rc == 0) rc = number(j, &at, "people_per_hour", 1, &area->rate, err);
        if (rc == 0) rc = number(j, &at, "waiting_tubes", 1, &area->waiting, err);
        if (rc == 0 && sites) rc = sites_read(a, sites, &at, &t->area[i], area, err);
        if (rc == 0 && area->tables == 0 && area->people > 0) area->tables = ceil(area->people / 700); /* 600 to 800 people a table */
    }
    t->c.n_areas = (int)n;
    return rc;
}

static int labs_read(struct arena *a, const json_t *list, struct testing_campaign *t, struct error *err) {
    static const char *const known[] = {"name", "tubes_per_hour", "tubes_per_day", "turnaround_hours", "waiting_tubes", "point", NULL};
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > CAMPAIGN_LABS_MAX) return bad(err, "laboratories", "a list of at most 100 laboratories is wanted", "须为至多 100 个实验室");
    t->labs = arena_alloc(a, n * sizeof *t->labs);
    t->lab = arena_alloc(a, n * sizeof *t->lab);
    if (!t->labs || !t->lab) return error_memory(err);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const json_t *j = json_array_get(list, i);
        struct place at = {"laboratories", i};
        struct campaign_lab *lab = &t->labs[i];
        lab->turnaround_h = 4;
        rc = only(j, &at, known, err);
        if (rc == 0) rc = name_of(a, j, "laboratories", i, &t->lab[i], err);
        if (rc == 0) rc = number(j, &at, "tubes_per_day", 1 / 24.0, &lab->tubes_h, err);
        if (rc == 0) rc = number(j, &at, "tubes_per_hour", 1, &lab->tubes_h, err);
        if (rc == 0) rc = number(j, &at, "turnaround_hours", 1, &lab->turnaround_h, err);
        if (rc == 0) rc = number(j, &at, "waiting_tubes", 1, &lab->waiting, err);
    }
    t->c.n_labs = (int)n;
    return rc;
}

/* ---- made by the rules of thumb */

static int areas_by_rule(struct arena *a, const json_t *j, struct testing_campaign *t, struct error *err) {
    double people = 0, tables = 0;
    int rc = number(j, NULL, "people", 1, &people, err);
    if (rc == 0) rc = number(j, NULL, "tables", 1, &tables, err);
    if (rc < 0) return rc;
    if (!(people >= 1 && people <= 1e10)) return bad(err, "people", "say areas, or how many people", "请给出片区或总人数");
    if (!(tables >= 0 && tables <= 1e8)) return bad(err, "tables", "from 0 to 100,000,000", "应在 0 与 100,000,000 之间");
    int n = people < 160000 ? (int)ceil(people / 10000) : AREAS_BY_RULE;
    t->areas = arena_alloc(a, (size_t)n * sizeof *t->areas);
    t->area = arena_alloc(a, (size_t)n * sizeof *t->area);
    if (!t->areas || !t->area) return error_memory(err);
    for (int z = 0; z < n; z++) {
        double mine = floor(people * (z + 1) / n) - floor(people * z / n);
        t->areas[z] = (struct campaign_area){.people = mine, .tables = tables > 0 ? tables / n : ceil(mine / 700), .samplers = -1};
        t->area[z].name = arena_words(a, "%d", z + 1);
        if (!t->area[z].name.s) return error_memory(err);
    }
    t->c.n_areas = n;
    t->by_rule = true;
    return 0;
}

static int labs_by_rule(struct arena *a, const json_t *j, struct testing_campaign *t, struct error *err) {
    double a_day = 0, turnaround = 4, n = LABS_BY_RULE;
    int rc = number(j, NULL, "tubes_per_day", 1, &a_day, err);
    if (rc == 0) rc = number(j, NULL, "turnaround_hours", 1, &turnaround, err);
    if (rc < 0) return rc;
    if (!(a_day > 0 && a_day <= 1e9)) return bad(err, "tubes_per_day", "say laboratories, or how many tubes they do a day", "请给出实验室或日检测能力");
    t->labs = arena_alloc(a, (size_t)n * sizeof *t->labs);
    t->lab = arena_alloc(a, (size_t)n * sizeof *t->lab);
    if (!t->labs || !t->lab) return error_memory(err);
    for (int i = 0; i < (int)n; i++) {
        t->labs[i] = (struct campaign_lab){.tubes_h = a_day / 24 / n, .turnaround_h = turnaround};
        t->lab[i] = arena_words(a, "%d", i + 1);
        if (!t->lab[i].s) return error_memory(err);
    }
    t->c.n_labs = (int)n;
    return 0;
}

/* ---- the roads */

static bool point_of(const json_t *list, int i, double *lon, double *lat) {
    const json_t *p = json_object_get(json_array_get(list, (size_t)i), "point");
    *lon = json_number_value(json_array_get(p, 0));
    *lat = json_number_value(json_array_get(p, 1));
    return json_array_size(p) == 2 && json_is_number(json_array_get(p, 0)) && json_is_number(json_array_get(p, 1)) && fabs(*lon) <= 180 && fabs(*lat) <= 90;
}

/* A point that is none, or latitude first, would be taken for one that was not given: a road of the usual length. */
static int points_check(const json_t *list, const char *name, struct error *err) {
    double lon, lat;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_object_get(json_array_get(list, i), "point");
        if (p && !json_is_null(p) && !point_of(list, (int)i, &lon, &lat))
            return wrong(err, &(struct place){name, i}, "point", "longitude and latitude are wanted: [121.45, 31.19]", "须为经度与纬度, 如 [121.45, 31.19]");
    }
    return 0;
}

double testing_road_h(double lon1, double lat1, double lon2, double lat2, double speed_kmh) {
    double rad = M_PI / 180, a = sin((lat2 - lat1) * rad / 2), b = sin((lon2 - lon1) * rad / 2);
    return 2 * 6371.0088 * asin(sqrt(fmin(1, a * a + cos(lat1 * rad) * cos(lat2 * rad) * b * b))) * 1.4 / speed_kmh;
}

double testing_couriers(double tubes) {
    return fmax(1, ceil(tubes / 1500));
}

static int roads_read(struct arena *a, const json_t *j, struct testing_campaign *t, struct error *err) {
    const json_t *said = json_object_get(j, "travel_minutes"), *areas = json_object_get(j, "areas"), *labs = json_object_get(j, "laboratories");
    int Z = t->c.n_areas, J = t->c.n_labs;
    double speed = TESTING_SPEED_KMH, all = TESTING_ROAD_MINUTES;
    int rc = number(j, NULL, "speed_kmh", 1, &speed, err);
    if (rc == 0) rc = points_check(areas, "areas", err);
    if (rc == 0) rc = points_check(labs, "laboratories", err);
    if (rc < 0) return rc;
    if (!(speed >= 1 && speed <= 200)) return bad(err, "speed_kmh", "from 1 to 200", "应在 1 与 200 之间");
    t->travel_h = arena_alloc(a, (size_t)Z * (size_t)J * sizeof *t->travel_h);
    if (!t->travel_h) return error_memory(err);
    if (json_is_number(said)) all = json_number_value(said);
    else if (said && (!json_is_array(said) || json_array_size(said) != (size_t)Z)) return bad(err, "travel_minutes", "one number, or a row for each area", "须为一个数, 或每片区一行");
    for (int z = 0; z < Z; z++)
        for (int k = 0; k < J; k++) {
            const json_t *row = json_array_get(said, (size_t)z), *v = json_array_get(row, (size_t)k);
            double x1, y1, x2, y2, *to = &t->travel_h[z * J + k];
            if (json_is_array(said)) {
                if (json_array_size(row) != (size_t)J || !json_is_number(v)) return wrong(err, &(struct place){"travel_minutes", (size_t)z}, "", "a number for each laboratory", "须对每个实验室给出一个数");
                *to = json_number_value(v) / 60;
            } else if (!said && point_of(areas, z, &x1, &y1) && point_of(labs, k, &x2, &y2)) {
                *to = testing_road_h(x1, y1, x2, y2, speed);
            } else {
                *to = all / 60;
            }
        }
    return 0;
}

int testing_campaign_read(struct arena *a, const json_t *j, struct testing_campaign *t, struct error *err) {
    static const char *const known[] = {"people", "tables", "tubes_per_day", "turnaround_hours", "samplers", "samplers_per_table", "people_per_hour", "people_per_tube", "couriers", "tubes_per_trip",
        "loading_minutes", "starts", "opens", "closes", "slot_minutes", "report_minutes", "deadline_hours", "spread_city", "spread_area", "spread_laboratory", "spread_road", "burst_at",
        "burst_hours", "burst_share", "draws", "seed", "speed_kmh", "travel_minutes", "areas", "laboratories", "note", NULL};
    *t = (struct testing_campaign){.burst_at = 17.5, .burst_h = 2, .burst_share = 0.5};
    campaign_init(&t->c);
    int rc = only(j, NULL, known, err);
    if (rc == 0) rc = numbers_read(j, t, err);
    if (rc == 0) rc = json_object_get(j, "areas") ? areas_read(a, json_object_get(j, "areas"), t, err) : areas_by_rule(a, j, t, err);
    if (rc == 0) rc = json_object_get(j, "laboratories") ? labs_read(a, json_object_get(j, "laboratories"), t, err) : labs_by_rule(a, j, t, err);
    if (rc == 0) rc = roads_read(a, j, t, err);
    if (rc < 0) return rc;
    double people = 0, tubes = 0;
    for (int z = 0; z < t->c.n_areas; z++) people += t->areas[z].people, tubes += t->areas[z].people / t->c.per_tube;
    if (!json_object_get(j, "samplers")) t->c.samplers = fmax(t->c.n_areas, ceil(people / 360));
    if (!json_object_get(j, "couriers")) t->c.couriers = testing_couriers(tubes);
    t->c.areas = t->areas;
    t->c.labs = t->labs;
    t->c.travel_h = t->travel_h;
    return campaign_check(&t->c, err);
}

#include "engines/town.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <Random123/philox.h>

#include "base/yaml.h"

/* What is drawn: a number of its own each, so that no two draws share their bits. */
enum draw { DRAW_HOUSEHOLD = 1, DRAW_PERSON, DRAW_WORKPLACE, DRAW_DAYTIME, DRAW_DAY, DRAW_DAY_MORE, DRAW_HABIT };

struct bits {
    uint32_t v[4];
};

static struct bits draw(uint64_t seed, enum draw what, uint32_t whom, uint32_t when) {
    philox4x32_ctr_t c = {{whom, when, (uint32_t)what, 0}};
    philox4x32_key_t k = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t r = philox4x32(c, k);
    return (struct bits){{r.v[0], r.v[1], r.v[2], r.v[3]}};
}

/* 0 .. n-1; the bias of 2^-32 n is nothing here. */
static uint32_t below(uint32_t bits, uint64_t n) {
    return (uint32_t)((bits * n) >> 32);
}

static double unit(uint32_t bits) {
    return (bits + 0.5) / 4294967296.0;
}

static bool percent(uint32_t bits, int64_t p) {
    return below(bits, 100) < (uint64_t)p;
}

/* ---- parameters */
static int list_read(const struct yaml *value, int64_t *out, size_t n, struct error *err) {
    if (!value || value->kind != YAML_LIST || value->n != n) return yaml_error(value, err, E_INVALID, "%zu numbers are wanted / 需要 %zu 个数", n, n);
    for (size_t i = 0; i < n; i++)
        if (value->items[i]->kind != YAML_SCALAR || !text_int(value->items[i]->text, &out[i]) || out[i] < 0)
            return yaml_error(value->items[i], err, E_INVALID, "not a number / 不是数");
    return 0;
}

int town_parameters_read(const char *path, struct town_parameters *ret, struct error *err) {
    static const char *const allowed[] = {"value", "unit", "source", "verified", NULL};
    struct town_parameters p = {0};
    const struct { const char *name; int64_t *at; size_t n; } wanted[] = {
        {"household_size_percent", p.household_size_percent, 6}, {"age_percent", p.age_percent, 6}, {"employed_percent", &p.employed_percent, 1},
        {"workplace_tail_hundredths", &p.workplace_tail_hundredths, 1}, {"workplace_max", &p.workplace_max, 1}, {"class_size", &p.class_size, 1},
        {"care_home_percent", &p.care_home_percent, 1}, {"care_home_size", &p.care_home_size, 1}, {"people_per_shop", &p.people_per_shop, 1},
        {"shop_zipf_hundredths", &p.shop_zipf_hundredths, 1}, {"shopping_percent", &p.shopping_percent, 1}, {"shopping_weekend_percent", &p.shopping_weekend_percent, 1},
        {"people_per_restaurant", &p.people_per_restaurant, 1}, {"eating_out_percent", &p.eating_out_percent, 1}, {"transit_percent", &p.transit_percent, 1},
        {"people_per_line", &p.people_per_line, 1}, {"vehicles_per_line", &p.vehicles_per_line, 1}, {"people_per_hospital", &p.people_per_hospital, 1},
        {"hospital_per_thousand", &p.hospital_per_thousand, 1}, {"stay_home_percent", &p.stay_home_percent, 1}, {"weekend_work_percent", &p.weekend_work_percent, 1}};
    struct arena a = {0};
    struct yaml *root = NULL;
    const struct yaml *map = NULL;
    int rc = yaml_read(&a, path, &root, err);
    if (rc == 0) rc = yaml_map(root, "parameters", true, &map, err);
    for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof *wanted; i++) {
        const struct yaml *one = NULL;
        struct text source;
        rc = yaml_map(map, wanted[i].name, true, &one, err);
        if (rc == 0) rc = yaml_only(one, allowed, err);
        if (rc == 0) rc = yaml_text(one, "source", true, &source, err);
        if (rc == 0) rc = wanted[i].n > 1 ? list_read(yaml_get(one, "value"), wanted[i].at, wanted[i].n, err) : yaml_int(one, "value", true, wanted[i].at, err);
        if (rc == 0 && wanted[i].n == 1 && *wanted[i].at < 1) rc = yaml_error(one, err, E_INVALID, "below 1 / 小于 1");
    }
    arena_clear(&a);
    if (rc == 0) *ret = p;
    return rc;
}

/* ---- the town */
static size_t pick(const int64_t *shares, size_t n, uint32_t bits) {
    int64_t total = 0, at;
    for (size_t i = 0; i < n; i++) total += shares[i];
    at = total > 0 ? (int64_t)below(bits, (uint64_t)total) : 0;
    for (size_t i = 0; i + 1 < n; i++) {
        if (at < shares[i]) return i;
        at -= shares[i];
    }
    return n - 1;
}

static uint8_t age_drawn(const struct town *t, uint32_t bits, uint32_t more, bool head) {
    static const uint8_t from[6] = {0, 5, 18, 23, 60, 75}, span[6] = {5, 13, 5, 37, 15, 21};
    int64_t shares[6];
    memcpy(shares, t->p.age_percent, sizeof shares);
    if (head) shares[0] = shares[1] = 0; /* a household has a grown-up */
    size_t k = pick(shares, 6, bits);
    return (uint8_t)(from[k] + below(more, span[k]));
}

/* Households one after another; the children of a household of one would be alone, so its first is grown up. */
static void people_make(struct town *t) {
    uint32_t person = 0, household = 0;
    while (person < t->n_persons) {
        struct bits b = draw(t->seed, DRAW_HOUSEHOLD, household, 0);
        uint32_t n = (uint32_t)pick(t->p.household_size_percent, 6, b.v[0]) + 1;
        for (uint32_t i = 0; i < n && person < t->n_persons; i++, person++) t->persons[person].home = household, t->persons[person].filler = i;
        household++;
    }
    t->first[TOWN_HOME] = 0;
    t->first[TOWN_SCHOOL] = household;
}

/* Sizes by inversion of the Pareto tail, until there is room for all who work. */
static int workplaces_make(struct town *t, uint64_t workers, uint32_t *ret_n) {
    uint64_t total = 0;
    size_t n = 0, cap = 0;
    while (total < workers || n == 0) {
        if (!mem_room(&t->workplace_slots, &cap, n + 1, sizeof *t->workplace_slots)) return E_MEMORY;
        struct bits b = draw(t->seed, DRAW_WORKPLACE, (uint32_t)n, 0);
        double size = 2 * pow(unit(b.v[0]), -100.0 / (double)t->p.workplace_tail_hundredths);
        total += size < (double)t->p.workplace_max ? (uint64_t)size : (uint64_t)t->p.workplace_max;
        t->workplace_slots[n++] = total;
    }
    *ret_n = (uint32_t)n;
    return 0;
}

struct portion {
    struct town *t;
    uint32_t from, to;
    uint32_t classes_per_grade; /* of a region */
    uint32_t workplaces;
};

static uint32_t workplace_at(const struct town *t, uint32_t n, uint64_t slot) {
    uint32_t low = 0;
    while (n) {
        uint32_t half = n / 2;
        if (t->workplace_slots[low + half] <= slot) low += half + 1, n -= half + 1;
        else n = half;
    }
    return low;
}

static void *portion_make(void *arg) {
    struct portion *q = arg;
    struct town *t = q->t;
    for (uint32_t i = q->from; i < q->to; i++) {
        struct town_person *p = &t->persons[i];
        struct bits a = draw(t->seed, DRAW_PERSON, i, 0), d = draw(t->seed, DRAW_DAYTIME, i, 0);
        p->age = age_drawn(t, a.v[0], a.v[1], p->filler == 0);
        p->sex = (uint8_t)(1 + (a.v[2] & 1));
        p->region = (uint16_t)((uint64_t)p->home * t->n_regions / t->first[TOWN_SCHOOL]);
        p->filler = 0;
        p->daytime = TOWN_NOWHERE;
        if (p->age >= 3 && p->age < 23) /* kindergarten to university: a class of its year in its region */
            p->daytime = t->first[TOWN_SCHOOL] + ((uint32_t)p->region * 20 + (p->age - 3)) * q->classes_per_grade + below(d.v[0], q->classes_per_grade);
        else if (p->age >= 23 && p->age < 60 && percent(d.v[0], t->p.employed_percent)) {
            uint64_t slot = ((uint64_t)d.v[1] << 32 | d.v[2]) % t->workplace_slots[q->workplaces - 1];
            p->daytime = t->first[TOWN_WORKPLACE] + workplace_at(t, q->workplaces, slot);
        } else if (p->age >= 75 && percent(d.v[0], t->p.care_home_percent))
            p->home = t->first[TOWN_CARE_HOME] + below(d.v[1], t->first[TOWN_HOSPITAL] - t->first[TOWN_CARE_HOME]);
    }
    return NULL;
}

/* Ages are drawn per person, so that any thread can take any part. */
static int portions_run(const struct portion *all, int threads) {
    enum { THREADS_MAX = 64 };
    struct portion part[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    bool started[THREADS_MAX] = {false};
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    for (int i = 0; i < threads; i++) {
        part[i] = *all;
        part[i].from = (uint32_t)((uint64_t)all->to * (unsigned)i / (unsigned)threads);
        part[i].to = (uint32_t)((uint64_t)all->to * ((unsigned)i + 1) / (unsigned)threads);
        if (i) started[i] = pthread_create(&ids[i], NULL, portion_make, &part[i]) == 0;
    }
    for (int i = 0; i < threads; i++)
        if (!started[i]) portion_make(&part[i]);
    for (int i = 0; i < threads; i++)
        if (started[i]) pthread_join(ids[i], NULL);
    return 0;
}

int town_make(const struct town_parameters *p, uint64_t seed, uint32_t persons, uint32_t regions, int threads, struct town **ret, struct error *err) {
    if (persons < TOWN_PERSONS_MIN || persons > TOWN_PERSONS_MAX)
        return error_set(err, E_INVALID, "people", "a city has %d to %d people / 人数应为 %d 至 %d", TOWN_PERSONS_MIN, TOWN_PERSONS_MAX, TOWN_PERSONS_MIN, TOWN_PERSONS_MAX);
    if (regions < 1 || regions > 65535 || threads < 1) return error_set(err, E_INVALID, "regions", "at least one region and one thread / 至少一个区和一个线程");
    struct town *t = mem_alloc(sizeof *t);
    uint32_t workplaces = 0;
    int rc = t ? 0 : E_MEMORY;
    if (rc == 0) {
        t->p = *p;
        t->seed = seed;
        t->n_persons = persons;
        t->n_regions = regions;
        t->persons = mem_alloc((size_t)persons * sizeof *t->persons);
        if (!t->persons) rc = E_MEMORY;
    }
    if (rc == 0) {
        people_make(t);
        rc = workplaces_make(t, (uint64_t)persons * (uint64_t)p->age_percent[3] / 100 * (uint64_t)p->employed_percent / 100, &workplaces);
    }
    if (rc < 0) {
        town_free(t);
        return error_set(err, rc, NULL, "no memory for a city / 内存不足,无法生成城市");
    }
    uint64_t pupils = (uint64_t)persons * (uint64_t)(p->age_percent[0] * 2 / 5 + p->age_percent[1] + p->age_percent[2]) / 100;
    struct portion all = {.t = t, .to = persons, .workplaces = workplaces, .classes_per_grade = (uint32_t)(pupils / 20 / regions / (uint64_t)p->class_size) + 1};
    uint32_t counts[TOWN_CLASSES] = {[TOWN_SCHOOL] = regions * 20 * all.classes_per_grade, [TOWN_WORKPLACE] = workplaces,
        [TOWN_CARE_HOME] = (uint32_t)(persons * (uint64_t)(p->age_percent[5] * p->care_home_percent) / 10000 / (uint64_t)p->care_home_size) + 1,
        [TOWN_HOSPITAL] = (uint32_t)(persons / (uint64_t)p->people_per_hospital) + 1, [TOWN_SHOP] = (uint32_t)(persons / (uint64_t)p->people_per_shop) + 1,
        [TOWN_RESTAURANT] = (uint32_t)(persons / (uint64_t)p->people_per_restaurant) + 1,
        [TOWN_VEHICLE] = ((uint32_t)(persons / (uint64_t)p->people_per_line) + 1) * (uint32_t)p->vehicles_per_line};
    for (int c = TOWN_SCHOOL; c < TOWN_CLASSES; c++) t->first[c + 1] = t->first[c] + counts[c];
    t->n_places = t->first[TOWN_CLASSES];
    portions_run(&all, threads);
    *ret = t;
    return 0;
}

void town_free(struct town *t) {
    if (!t) return;
    mem_free(t->persons);
    mem_free(t->workplace_slots);
    mem_free(t);
}

void town_place_name(const struct town *t, uint32_t place, char out[24]) {
    static const char letters[] = "?HSWCMGRB";
    enum town_class c = town_class_of(t, place);
    snprintf(out, 24, "%c%u", letters[c], place - t->first[c]);
}

/* ---- a day */
struct day_plan {
    const struct town *t;
    uint32_t person;
    struct presence *out;
    size_t n;
    int32_t at;     /* until when the day is planned */
};

static void stay(struct day_plan *d, uint32_t place, int32_t from, int32_t to, unsigned source, uint16_t zone, uint16_t row) {
    if (from < d->at) from = d->at;
    if (to > DAY_S) to = DAY_S;
    if (from >= to || d->n == TOWN_STAYS_MAX - 1) return;
    d->out[d->n++] = (struct presence){d->person, place, from, to, presence_attr(source, 100), zone, row, 0};
    d->at = to;
}

/* A place of a class by Zipf popularity, ranks by inversion of the continuous law. */
static uint32_t popular(const struct town *t, enum town_class c, uint32_t bits) {
    uint32_t n = t->first[c + 1] - t->first[c];
    double s = 1 - (double)t->p.shop_zipf_hundredths / 100, u = unit(bits);
    double x = fabs(s) < 1e-9 ? exp(u * log((double)n + 1)) : pow(u * (pow((double)n + 1, s) - 1) + 1, 1 / s);
    uint32_t rank = x >= 1 ? (uint32_t)x - 1 : 0;
    return t->first[c] + (rank < n ? rank : n - 1);
}

/* A ride of `person` on one of its line's vehicles, which leave every ten minutes. */
static void ride(struct day_plan *d, const struct town_person *p, int32_t about, uint32_t bits, uint32_t seat) {
    const struct town *t = d->t;
    uint32_t vehicles = (uint32_t)t->p.vehicles_per_line, lines = (t->first[TOWN_VEHICLE + 1] - t->first[TOWN_VEHICLE]) / vehicles;
    uint32_t line = (uint32_t)((uint64_t)p->home * lines / t->n_places), slot = (uint32_t)about / 600;
    if (line >= lines) line = lines - 1;
    int32_t from = (int32_t)slot * 600 + (int32_t)below(bits << 7, 420);
    stay(d, t->first[TOWN_VEHICLE] + line * vehicles + slot % vehicles, from, from + 900 + (int32_t)below(bits << 17, 1500), PRESENCE_SEAT,
         (uint16_t)(1 + below(seat, 4)), (uint16_t)(1 + below(seat << 9, 14)));
}

static void evening(struct day_plan *d, bool weekend) {
    const struct town *t = d->t;
    struct bits m = draw(t->seed, DRAW_DAY_MORE, d->person, (uint32_t)d->n + (uint32_t)d->at), k = draw(t->seed, DRAW_HABIT, d->person, below(m.v[3], 6));
    if (percent(m.v[0] << 5, t->p.eating_out_percent)) {
        int32_t from = d->at + 300 + (int32_t)below(m.v[1], 1800);
        stay(d, popular(t, TOWN_RESTAURANT, k.v[1]), from, from + 1500 + (int32_t)below(m.v[1] << 11, 4200), PRESENCE_SCAN, 0, 0);
    }
    if (percent(m.v[2], weekend ? t->p.shopping_weekend_percent : t->p.shopping_percent)) { /* mostly the few shops one is used to */
        int32_t from = d->at + 300 + (int32_t)below(m.v[2] << 9, 3600);
        stay(d, popular(t, TOWN_SHOP, m.v[3] & 3 ? k.v[0] : m.v[0]), from, from + 300 + (int32_t)below(m.v[3] << 3, 2700), PRESENCE_SCAN, 0, 0);
    }
}

size_t town_stays(const struct town *t, uint32_t person, int nth, struct presence out[TOWN_STAYS_MAX]) {
    const struct town_person *p = &t->persons[person];
    struct day_plan d = {.t = t, .person = person, .out = out};
    struct bits b = draw(t->seed, DRAW_DAY, person, (uint32_t)nth), h = draw(t->seed, DRAW_HABIT, person, 1000);
    bool weekend = nth % 7 >= 5, care = p->home >= t->first[TOWN_CARE_HOME], pupil = p->daytime < t->first[TOWN_WORKPLACE];
    bool busy = p->daytime != TOWN_NOWHERE && (!weekend || (!pupil && percent(b.v[0] << 7, t->p.weekend_work_percent)));
    if (care || percent(b.v[0], t->p.stay_home_percent)) {
        stay(&d, p->home, 0, DAY_S, PRESENCE_REGISTER, 0, 0);
        return d.n;
    }
    int32_t leave = busy ? (pupil ? 7 * 3600 : 6 * 3600 + (int32_t)below(h.v[0], 9000)) + (int32_t)below(b.v[1], 1500) : 9 * 3600 + (int32_t)below(b.v[1], 5 * 3600);
    bool rides = busy && !pupil && percent(h.v[1], t->p.transit_percent);
    stay(&d, p->home, 0, leave, PRESENCE_REGISTER, 0, 0);
    if (rides) ride(&d, p, leave + 600, b.v[2], h.v[2] ^ b.v[3]);
    if (busy) {
        int32_t from = (rides ? d.at + 300 : leave + 600) + (int32_t)below(b.v[2] << 3, 900), length = pupil ? 8 * 3600 : 8 * 3600 + (int32_t)below(b.v[3], 5400);
        stay(&d, p->daytime, from, from + length, PRESENCE_TIMED, 0, 0);
        if (rides) ride(&d, p, d.at + 600, b.v[3] << 5, h.v[2] ^ b.v[1]);
    }
    if (below(b.v[3] << 11, 1000) < (uint64_t)t->p.hospital_per_thousand) {
        uint32_t hospitals = t->first[TOWN_HOSPITAL + 1] - t->first[TOWN_HOSPITAL];
        int32_t from = d.at + 900 + (int32_t)below(b.v[0] << 13, 1800);
        stay(&d, t->first[TOWN_HOSPITAL] + p->region % hospitals, from, from + 2400 + (int32_t)below(b.v[1] << 13, 7200), PRESENCE_SCAN, (uint16_t)(1 + below(b.v[2] << 9, 8)), 0);
    }
    evening(&d, weekend);
    stay(&d, p->home, d.at + 900 + (int32_t)below(b.v[2] << 13, 1200), DAY_S, PRESENCE_REGISTER, 0, 0);
    return d.n;
}

/* The run: a plan played in steps of 5 minutes, once with no luck and then as often as draws are wanted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <Random123/philox.h>

#include "base/text.h"
#include "engines/campaign.h"

enum { PER_H = 12, STEPS = 24 * CAMPAIGN_DAYS_MAX * PER_H };
#define STEP_H (1.0 / PER_H)

enum draw { DRAW_CITY = 1, DRAW_AREA, DRAW_LAB, DRAW_ROAD };

/* A log-normal factor of mean 1; the 0th draw has no luck. */
static double luck(const struct campaign *c, enum draw what, int whom, int nth, double sd) {
    if (nth == 0 || sd == 0) return 1;
    philox4x32_ctr_t at = {{(uint32_t)whom, (uint32_t)nth, (uint32_t)what, 0}};
    philox4x32_key_t key = {{(uint32_t)c->seed, (uint32_t)(c->seed >> 32)}};
    philox4x32_ctr_t r = philox4x32(at, key);
    double u = (r.v[0] + 0.5) / 4294967296.0, v = (r.v[1] + 0.5) / 4294967296.0;
    return exp(sd * sqrt(-2 * log(u)) * cos(2 * M_PI * v) - sd * sd / 2);
}

struct play {
    const struct campaign *c;
    const struct campaign_plan *p;
    double *left, *waiting, *area_end, *share, *trip_h; /* by area; share by area and laboratory; trip_h: hours of a vehicle a tube */
    double *queue, *lab_end, *lab_most;                 /* by laboratory */
    double *coming;                                     /* by laboratory and step */
    double sampled, fetched, started;
    double finish;
};

static bool play_make(const struct campaign *c, const struct campaign_plan *p, struct play *g) {
    size_t Z = (size_t)c->n_areas, J = (size_t)c->n_labs;
    double *room = mem_alloc((4 * Z + Z * J + 3 * J + J * STEPS) * sizeof *room);
    *g = (struct play){.c = c, .p = p};
    if (!room) return false;
    g->left = room, g->waiting = room + Z, g->area_end = room + 2 * Z, g->trip_h = room + 3 * Z, g->share = room + 4 * Z;
    g->queue = g->share + Z * J, g->lab_end = g->queue + J, g->lab_most = g->lab_end + J, g->coming = g->lab_most + J;
    for (size_t z = 0; z < Z; z++) {
        double sum = 0;
        for (size_t j = 0; j < J; j++) sum += p->tubes_to[z * J + j];
        for (size_t j = 0; j < J; j++) g->share[z * J + j] = sum > 0 ? p->tubes_to[z * J + j] / sum : 0;
    }
    return true;
}

static double open_part(const struct campaign *c, int step) {
    double from = fmod(c->start_h + step * STEP_H, 24), to = from + STEP_H;
    double a = fmax(from, c->open_h), b = fmin(to, c->close_h);
    return b > a ? (b - a) / STEP_H : 0;
}

static void begin(struct play *g, int nth) {
    const struct campaign *c = g->c;
    double road = luck(c, DRAW_ROAD, 0, nth, c->sd_road);
    g->sampled = g->fetched = g->started = g->finish = 0;
    for (int z = 0; z < c->n_areas; z++) {
        g->left[z] = c->areas[z].people;
        g->waiting[z] = c->areas[z].waiting;
        g->area_end[z] = c->areas[z].people > 0 ? CAMPAIGN_NEVER : 0;
        g->trip_h[z] = 0;
        for (int j = 0; j < c->n_labs; j++) g->trip_h[z] += g->share[z * c->n_labs + j] * (2 * road * c->travel_h[z * c->n_labs + j] + c->stop_h) / c->trip_tubes;
    }
    for (int j = 0; j < c->n_labs; j++) {
        g->queue[j] = g->lab_most[j] = c->labs[j].waiting;
        g->lab_end[j] = 0;
    }
    memset(g->coming, 0, (size_t)c->n_labs * STEPS * sizeof *g->coming);
}

/* Swabs of one step. speed: by area. */
static void sample(struct play *g, int step, const double *speed) {
    const struct campaign *c = g->c;
    double part = open_part(c, step) * STEP_H;
    if (part <= 0) return;
    for (int z = 0; z < c->n_areas; z++) {
        if (g->left[z] <= 0) continue;
        double can = speed[z] * part, many = fmin(g->left[z], can);
        g->left[z] = many >= g->left[z] * (1 - 1e-12) ? 0 : g->left[z] - many;
        g->waiting[z] += many / c->per_tube;
        g->sampled += many;
        if (g->left[z] == 0) g->area_end[z] = step * STEP_H + STEP_H * (can > 0 ? many / can : 1);
    }
}

static void fetch(struct play *g, int step, double road) {
    const struct campaign *c = g->c;
    int J = c->n_labs;
    for (int z = 0; z < c->n_areas; z++) {
        if (g->waiting[z] <= 0) continue;
        double most = g->trip_h[z] > 0 ? g->p->couriers[z] * c->slot_h / g->trip_h[z] : g->waiting[z], many = fmin(g->waiting[z], most);
        g->waiting[z] = many >= g->waiting[z] * (1 - 1e-12) ? 0 : g->waiting[z] - many;
        g->fetched += many;
        for (int j = 0; j < J; j++) {
            double share = g->share[z * J + j];
            if (share <= 0) continue;
            int at = step + (int)ceil(road * c->travel_h[z * J + j] * PER_H - 1e-9);
            if (at < STEPS) g->coming[j * STEPS + at] += many * share;
        }
    }
}

static void test(struct play *g, int step, const double *speed) {
    const struct campaign *c = g->c;
    for (int j = 0; j < c->n_labs; j++) {
        double have = g->queue[j] += g->coming[j * STEPS + step], can = speed[j] * STEP_H, many = fmin(have, can);
        if (have <= 0) continue;
        if (have > g->lab_most[j]) g->lab_most[j] = have;
        g->queue[j] = many >= have * (1 - 1e-12) ? 0 : have - many;
        g->started += many;
        g->lab_end[j] = step * STEP_H + STEP_H * many / can + c->labs[j].turnaround_h + c->report_h;
    }
}

static double reported_by(const struct play *g, const struct campaign_slot *slots, int k) {
    double early = g->c->report_h, sum = 0, at = (k + 1) * g->c->slot_h;
    double turn = CAMPAIGN_NEVER;
    for (int j = 0; j < g->c->n_labs; j++) turn = fmin(turn, g->c->labs[j].turnaround_h);
    int back = (int)floor((at - early - turn) / g->c->slot_h + 1e-9) - 1;
    if (back >= 0) sum = slots[back].started;
    return sum;
}

/* One draw. slots: NULL, or room for as many as STEPS; filled when the draw has no luck. Returns slots used. */
static int play(struct play *g, int nth, double *speed, double *lab_speed, struct campaign_slot *slots) {
    const struct campaign *c = g->c;
    double tubes = 0, road = luck(c, DRAW_ROAD, 0, nth, c->sd_road), city = luck(c, DRAW_CITY, 0, nth, c->sd_city);
    int every = (int)(c->slot_h * PER_H + 0.5), used = 0;
    begin(g, nth);
    for (int z = 0; z < c->n_areas; z++) {
        const struct campaign_area *a = &c->areas[z];
        speed[z] = g->p->samplers[z] * (a->rate > 0 ? a->rate : c->rate) * city * luck(c, DRAW_AREA, z, nth, c->sd_area);
        tubes += a->people / c->per_tube + a->waiting;
    }
    for (int j = 0; j < c->n_labs; j++) {
        lab_speed[j] = c->labs[j].tubes_h * luck(c, DRAW_LAB, j, nth, c->sd_lab);
        tubes += c->labs[j].waiting;
    }
    g->finish = CAMPAIGN_NEVER;
    for (int step = 0; step < STEPS; step++) {
        test(g, step, lab_speed);
        sample(g, step, speed);
        if ((step + 1) % every == 0) {
            fetch(g, step + 1, road);
            if (slots) slots[used] = (struct campaign_slot){g->sampled, g->fetched, g->started, 0};
            if (slots) slots[used].reported = reported_by(g, slots, used), used++;
        }
        if (g->started < tubes * (1 - 1e-9)) continue;
        g->finish = 0;
        for (int j = 0; j < c->n_labs; j++) g->finish = fmax(g->finish, g->lab_end[j]);
        break;
    }
    while (slots && g->finish < CAMPAIGN_NEVER && used * c->slot_h < g->finish && used < STEPS) {
        slots[used] = (struct campaign_slot){g->sampled, g->fetched, g->started, 0};
        slots[used].reported = (used + 1) * c->slot_h >= g->finish ? g->started : reported_by(g, slots, used);
        used++;
    }
    return used;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *sorted, int n, double q) {
    int at = (int)ceil(q * n) - 1;
    return sorted[at < 0 ? 0 : at];
}

static int draws(struct play *g, double *speed, double *lab_speed, struct campaign_run *r) {
    const struct campaign *c = g->c;
    size_t D = (size_t)c->draws, Z = (size_t)c->n_areas;
    double *ends = mem_alloc(D * (Z + 1) * sizeof *ends);
    int in_time = 0;
    if (!ends) return E_MEMORY;
    for (size_t d = 0; d < D; d++) {
        play(g, (int)d + 1, speed, lab_speed, NULL);
        ends[d] = g->finish;
        in_time += c->deadline_h <= 0 || g->finish <= c->deadline_h;
        for (size_t z = 0; z < Z; z++) ends[(z + 1) * D + d] = g->area_end[z];
    }
    for (size_t z = 0; z <= Z; z++) qsort(ends + z * D, D, sizeof *ends, by_value);
    r->p10_h = quantile(ends, c->draws, 0.1);
    r->p50_h = quantile(ends, c->draws, 0.5);
    r->p90_h = quantile(ends, c->draws, 0.9);
    r->on_time = (double)in_time / c->draws;
    for (size_t z = 0; z < Z; z++) {
        r->area_p50_h[z] = quantile(ends + (z + 1) * D, c->draws, 0.5);
        r->area_p90_h[z] = quantile(ends + (z + 1) * D, c->draws, 0.9);
    }
    mem_free(ends);
    return 0;
}

int campaign_run(const struct campaign *c, const struct campaign_plan *p, struct campaign_run *ret, struct error *err) {
    struct play g = {0};
    struct campaign_run r = {.n_areas = c->n_areas, .n_labs = c->n_labs};
    size_t Z = (size_t)c->n_areas, J = (size_t)c->n_labs;
    int rc = campaign_check(c, err);
    if (rc < 0) return rc;
    if (p->n_areas != c->n_areas || p->n_labs != c->n_labs) return error_set(err, E_INVALID, "plan", "made for other areas / 并非此片区的方案");
    double *speeds = mem_alloc((Z + J) * sizeof *speeds);
    r.area_p50_h = mem_alloc(Z * sizeof *r.area_p50_h);
    r.area_p90_h = mem_alloc(Z * sizeof *r.area_p90_h);
    r.lab_end_h = mem_alloc(J * sizeof *r.lab_end_h);
    r.lab_queue = mem_alloc(J * sizeof *r.lab_queue);
    r.slots = mem_alloc(STEPS * sizeof *r.slots);
    bool good = speeds && r.area_p50_h && r.area_p90_h && r.lab_end_h && r.lab_queue && r.slots && play_make(c, p, &g);
    if (good) {
        r.n_slots = play(&g, 0, speeds, speeds + Z, r.slots);
        r.mean_h = g.finish;
        memcpy(r.lab_end_h, g.lab_end, J * sizeof *r.lab_end_h);
        memcpy(r.lab_queue, g.lab_most, J * sizeof *r.lab_queue);
        good = draws(&g, speeds, speeds + Z, &r) == 0;
    }
    mem_free(speeds);
    mem_free(g.left);
    if (!good) {
        campaign_run_clear(&r);
        return error_set(err, E_MEMORY, "campaign", "no memory for the run / 内存不足");
    }
    *ret = r;
    return 0;
}

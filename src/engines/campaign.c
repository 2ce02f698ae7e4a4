#include "engines/campaign.h"

#include <math.h>
#include <stddef.h>

#include "base/text.h"

const char *const campaign_resource_names[CAMPAIGN_RESOURCES] = {"samplers", "tables", "couriers", "laboratories"};

void campaign_init(struct campaign *c) {
    *c = (struct campaign){.per_table = 2, .rate = 60, .per_tube = 10, .trip_tubes = 200, .stop_h = 1.0 / 3, .start_h = 6, .close_h = 24, .slot_h = 0.5, .report_h = 0.5, .deadline_h = 24,
                           .sd_city = 0.10, .sd_area = 0.15, .sd_lab = 0.15, .sd_road = 0.20, .seed = 1, .draws = 200};
}

static int refuse(struct error *err, const char *where, const char *en, const char *zh) {
    return error_set(err, E_INVALID, where, "%s / %s", en, zh);
}

static bool within(double x, double least, double most) {
    return x >= least && x <= most; /* false for NaN */
}

static int check_numbers(const struct campaign *c, struct error *err) {
    static const struct {
        const char *name;
        size_t at;
        double least, most;
    } bounds[] = {
#define BOUND(field, least, most) {#field, offsetof(struct campaign, field), least, most}
        BOUND(samplers, 1, 1e7), BOUND(per_table, 0.1, 100), BOUND(rate, 0.1, 1000), BOUND(per_tube, 1, 64), BOUND(couriers, 0.01, 1e6), BOUND(trip_tubes, 1, 1e6), BOUND(stop_h, 0, 24),
        BOUND(start_h, 0, 24), BOUND(open_h, 0, 24), BOUND(close_h, 0, 24), BOUND(slot_h, 1.0 / 12, 6), BOUND(report_h, 0, 48), BOUND(deadline_h, 0, CAMPAIGN_NEVER), BOUND(sd_city, 0, 1),
        BOUND(sd_area, 0, 1), BOUND(sd_lab, 0, 1), BOUND(sd_road, 0, 1),
#undef BOUND
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        double x = *(const double *)((const char *)c + bounds[i].at);
        if (!within(x, bounds[i].least, bounds[i].most))
            return error_set(err, E_INVALID, bounds[i].name, "from %g to %g / 应在 %g 与 %g 之间", bounds[i].least, bounds[i].most, bounds[i].least, bounds[i].most);
    }
    if (c->close_h <= c->open_h) return refuse(err, "close_h", "after it opens", "须晚于开放时间");
    return c->draws >= 1 && c->draws <= CAMPAIGN_DRAWS_MAX ? 0 : refuse(err, "draws", "from 1 to 2,000", "应在 1 与 2,000 之间");
}

int campaign_check(const struct campaign *c, struct error *err) {
    double people = 0, served = 0;
    if (c->n_areas < 1 || c->n_areas > CAMPAIGN_AREAS_MAX) return refuse(err, "areas", "from 1 to 400", "须有 1 至 400 个片区");
    if (c->n_labs < 1 || c->n_labs > CAMPAIGN_LABS_MAX) return refuse(err, "laboratories", "from 1 to 100", "须有 1 至 100 个实验室");
    int rc = check_numbers(c, err);
    for (int z = 0; rc == 0 && z < c->n_areas; z++) {
        const struct campaign_area *a = &c->areas[z];
        if (!within(a->people, 0, 1e9) || !within(a->waiting, 0, 1e8)) rc = refuse(err, "areas/people", "not below 0", "不能小于 0");
        else if (!within(a->tables, 0, 1e6) || (a->people > 0 && a->tables * c->per_table < 1)) rc = refuse(err, "areas/tables", "somebody must be able to work wherever people are to be swabbed", "有人待采处至少须能安排一名采样员");
        else if (!within(a->rate, 0, 1000) || !(a->samplers <= 1e6)) rc = refuse(err, "areas/samplers", "too many", "过多");
        people += a->people + a->waiting;
        served += a->people > 0;
    }
    for (int j = 0; rc == 0 && j < c->n_labs; j++) {
        const struct campaign_lab *l = &c->labs[j];
        if (!within(l->tubes_h, 0.1, 1e7) || !within(l->turnaround_h, 0, 72) || !within(l->waiting, 0, 1e8)) rc = refuse(err, "laboratories", "a laboratory starts tubes, and takes 0 to 72 hours", "实验室须有检测能力, 检测时长 0 至 72 小时");
        people += l->waiting;
    }
    for (int i = 0; rc == 0 && i < c->n_areas * c->n_labs; i++)
        if (!within(c->travel_h[i], 0, 48)) rc = refuse(err, "travel_h", "from 0 to 48 hours", "应在 0 与 48 小时之间");
    if (rc < 0) return rc;
    if (people <= 0) return refuse(err, "areas/people", "nobody is to be tested", "没有待测人员");
    if (served > floor(c->samplers)) return refuse(err, "samplers", "fewer than there are areas: join areas that one team serves", "少于片区数, 请合并由同一队伍负责的片区");
    return 0;
}

void campaign_plan_clear(struct campaign_plan *p) {
    if (!p) return;
    mem_free(p->samplers);
    mem_free(p->tubes_to);
    mem_free(p->couriers);
    *p = (struct campaign_plan){0};
}

void campaign_run_clear(struct campaign_run *r) {
    if (!r) return;
    mem_free(r->area_p50_h);
    mem_free(r->area_p90_h);
    mem_free(r->lab_end_h);
    mem_free(r->lab_queue);
    mem_free(r->slots);
    *r = (struct campaign_run){0};
}

/* ---- queues */

void campaign_queue(const double *arrivals, const double *capacity, int n, double slot_h, double jam, double *ret_waiting, struct campaign_queue *ret) {
    struct campaign_queue q = {0};
    double waiting = 0;
    for (int k = 0; k < n; k++) {
        waiting = fmax(0, waiting + arrivals[k] - capacity[k]);
        if (ret_waiting) ret_waiting[k] = waiting;
        if (waiting > q.peak) q.peak = waiting, q.peak_at_h = (k + 1) * slot_h;
        if (waiting > jam) q.over_h += slot_h;
        /* who comes last in this slot waits until those before him are served */
        double left = waiting, wait = 0;
        int m = k + 1;
        for (; m < n && left > capacity[m]; m++) left -= capacity[m], wait += slot_h;
        if (left > 0) wait += m < n && capacity[m] > 0 ? slot_h * left / capacity[m] : 0;
        if (wait > q.longest_h) q.longest_h = wait;
    }
    q.left = waiting;
    *ret = q;
}

int64_t campaign_call(const double *capacity, int n, double use, int64_t people, int64_t *ret_called) {
    double given = 0;
    int64_t called = 0;
    for (int k = 0; k < n; k++) { /* the fractions are carried on, so that the sum is never above the capacity */
        given += capacity[k] * use;
        int64_t upto = (int64_t)floor(given + 1e-9);
        if (upto > people) upto = people;
        ret_called[k] = upto - called;
        called = upto;
    }
    return people - called;
}

int64_t campaign_split(int64_t samplers, const double *people, const double *most, int n, double *ret) {
    for (int i = 0; i < n; i++) ret[i] = 0;
    for (; samplers > 0; samplers--) {
        int at = -1;
        double latest = 0;
        for (int i = 0; i < n; i++) {
            double hours = ret[i] > 0 ? people[i] / ret[i] : people[i] * 1e9; /* the first one before any second */
            if (ret[i] + 1 <= most[i] + 1e-9 && hours > latest) latest = hours, at = i;
        }
        if (at < 0) break;
        ret[at]++;
    }
    return samplers;
}

/* ---- rules of thumb, moves */

struct campaign_thumb campaign_thumb(double people, double per_tube) {
    return (struct campaign_thumb){people / 360, people / 3000, people / 2000, people / 800, people / 600, people / per_tube};
}

int campaign_moves(const double *now, const double *wanted, int n, struct campaign_move *ret) {
    int moves = 0;
    double gave[CAMPAIGN_AREAS_MAX] = {0};
    while (moves < n - 1) { /* the largest surplus to the largest want, until one side is empty */
        int from = -1, to = -1;
        double most = 0, least = 0;
        for (int z = 0; z < n; z++) {
            double surplus = now[z] + gave[z] - wanted[z];
            if (surplus > most) most = surplus, from = z;
            if (surplus < least) least = surplus, to = z;
        }
        double many = floor(fmin(most, -least) + 1e-9);
        if (from < 0 || to < 0 || many < 1) break;
        gave[from] -= many;
        gave[to] += many;
        ret[moves++] = (struct campaign_move){from, to, many};
    }
    return moves;
}

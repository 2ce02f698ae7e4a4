/* The plan: the quickest flow over time as a linear program, and what its prices say. Amounts are in units of a ten-thousandth of all tubes, so that the program is of one size. */
#include <float.h>
#include <math.h>
#include <string.h>

#include <coin/Clp_C_Interface.h>

#include "base/text.h"
#include "engines/campaign.h"

enum { UNITS = 10000, SLOTS_MAX = 24 * CAMPAIGN_DAYS_MAX * 12 };
#define CLOSE 1e-3     /* hours: how near the earliest end is sought */
#define SHORT_BY 1e-6  /* of a unit: all results are out */

/* Columns, in blocks: samplers of an area; filled, dispatched and kept by area and slot; started and waiting by laboratory and slot. */
struct net {
    const struct campaign *c;
    int slots, rows, columns, n_elements, cap_rows, cap_elements;
    double unit, all;             /* tubes a unit; units to be tested */
    Clp_Simplex *lp;
    int *first, *index;           /* column-wise matrix */
    double *value, *lower, *upper, *cost, *row_lower, *row_upper;
    int dispatch, keep, start, wait; /* first column of each block; samplers 0, filled n_areas */
    int r_table, r_stock, r_all, r_queue, r_trip, r_total; /* first row of each */
};

static void net_clear(struct net *n) {
    if (n->lp) Clp_deleteModel(n->lp);
    mem_free(n->first);
    mem_free(n->index);
    mem_free(n->value);
    n->lp = NULL;
    n->first = n->index = NULL;
    n->value = NULL;
}

/* The share of slot k in which tables are open. */
static double open_share(const struct campaign *c, int k) {
    double from = c->start_h + k * c->slot_h, to = from + c->slot_h, sum = 0;
    for (double day = floor(from / 24) * 24; day < to; day += 24) {
        double a = fmax(from, day + c->open_h), b = fmin(to, day + c->close_h);
        if (b > a) sum += b - a;
    }
    return sum / c->slot_h;
}

static double area_rate(const struct campaign *c, int z) {
    return c->areas[z].rate > 0 ? c->areas[z].rate : c->rate;
}

/* Sent at the end of slot k, tubes can be started from this slot on. */
static int arrives(const struct campaign *c, int z, int j, int k) {
    return k + 1 + (int)ceil(c->travel_h[z * c->n_labs + j] / c->slot_h - 1e-9);
}

/* The part of slot m in which what is started is known by `end`. */
static double in_time(const struct campaign *c, int j, int m, double end) {
    double left = end - c->report_h - c->labs[j].turnaround_h - m * c->slot_h;
    return fmin(fmax(left, 0), c->slot_h);
}

static void element(struct net *n, int row, double value) {
    n->index[n->n_elements] = row;
    n->value[n->n_elements++] = value;
}

/* Closes the column whose elements were added just before. */
static void column(struct net *n, double upper, double cost) {
    n->lower[n->columns] = 0;
    n->upper[n->columns] = upper;
    n->cost[n->columns++] = cost;
    n->first[n->columns] = n->n_elements;
}

static void areas_columns(struct net *n) {
    const struct campaign *c = n->c;
    int S = n->slots;
    for (int z = 0; z < c->n_areas; z++) { /* samplers */
        const struct campaign_area *a = &c->areas[z];
        double most = a->tables * c->per_table;
        for (int k = 0; k < S; k++) element(n, n->r_table + z * S + k, -open_share(c, k) * area_rate(c, z) * c->slot_h / c->per_tube / n->unit);
        element(n, n->r_total, 1);
        column(n, most, -1e-9);
    }
    for (int z = 0; z < c->n_areas; z++) /* filled */
        for (int k = 0; k < S; k++) {
            element(n, n->r_table + z * S + k, 1);
            element(n, n->r_stock + z * S + k, 1);
            element(n, n->r_all + z, 1);
            column(n, open_share(c, k) > 0 ? DBL_MAX : 0, -1e-9 * k);
        }
}

static void ways_columns(struct net *n) {
    const struct campaign *c = n->c;
    int S = n->slots, J = c->n_labs;
    n->dispatch = n->columns;
    for (int z = 0; z < c->n_areas; z++)
        for (int j = 0; j < J; j++)
            for (int k = 0; k < S; k++) {
                int at = arrives(c, z, j, k);
                double trip = (2 * c->travel_h[z * J + j] + c->stop_h) / c->trip_tubes * n->unit;
                element(n, n->r_stock + z * S + k, -1);
                if (at < S) element(n, n->r_queue + j * S + at, 1);
                if (trip > 0) element(n, n->r_trip + k, trip);
                column(n, at < S ? DBL_MAX : 0, -1e-6 * (1 + c->travel_h[z * J + j]));
            }
    n->keep = n->columns;
    for (int z = 0; z < c->n_areas; z++)
        for (int k = 0; k < S; k++) {
            element(n, n->r_stock + z * S + k, -1);
            if (k + 1 < S) element(n, n->r_stock + z * S + k + 1, 1);
            column(n, DBL_MAX, 0);
        }
}

static void labs_columns(struct net *n) {
    const struct campaign *c = n->c;
    int S = n->slots;
    n->start = n->columns;
    for (int j = 0; j < c->n_labs; j++)
        for (int m = 0; m < S; m++) {
            element(n, n->r_queue + j * S + m, -1);
            column(n, 0, 1); /* its bound is set for each end that is tried */
        }
    n->wait = n->columns;
    for (int j = 0; j < c->n_labs; j++)
        for (int m = 0; m < S; m++) {
            element(n, n->r_queue + j * S + m, -1);
            if (m + 1 < S) element(n, n->r_queue + j * S + m + 1, 1);
            column(n, DBL_MAX, 0);
        }
}

static void rows(struct net *n) {
    const struct campaign *c = n->c;
    int S = n->slots;
    for (int i = 0; i < n->rows; i++) n->row_lower[i] = -DBL_MAX, n->row_upper[i] = 0;
    for (int i = n->r_stock; i < n->r_all; i++) n->row_lower[i] = 0;
    for (int i = n->r_queue; i < n->r_trip; i++) n->row_lower[i] = 0;
    for (int z = 0; z < c->n_areas; z++) {
        n->row_lower[n->r_stock + z * S] = n->row_upper[n->r_stock + z * S] = -c->areas[z].waiting / n->unit;
        n->row_upper[n->r_all + z] = c->areas[z].people / c->per_tube / n->unit;
    }
    for (int j = 0; j < c->n_labs; j++) n->row_lower[n->r_queue + j * S] = n->row_upper[n->r_queue + j * S] = -c->labs[j].waiting / n->unit;
    for (int k = 0; k < S; k++) n->row_upper[n->r_trip + k] = c->couriers * c->slot_h;
    n->row_upper[n->r_total] = c->samplers;
}

static int net_make(const struct campaign *c, int slots, struct net *n, struct error *err) {
    size_t Z = (size_t)c->n_areas, J = (size_t)c->n_labs, S = (size_t)slots;
    size_t columns = Z + 2 * Z * S + Z * J * S + 2 * J * S, lines = 2 * Z * S + Z + J * S + S + 1;
    size_t elements = Z * (S + 1) + 3 * Z * S + 3 * Z * J * S + 2 * Z * S + 3 * J * S;
    if (columns > CAMPAIGN_COLUMNS_MAX)
        return error_set(err, E_TOO_LARGE, "areas", "%zu areas, %zu laboratories and %zu slots are too many to plan at once: join areas, or lengthen the slot / 片区、实验室与时段过多, 请合并片区或加长时段", Z, J, S);
    *n = (struct net){.c = c, .slots = slots, .rows = (int)lines};
    double tubes = 0;
    for (size_t z = 0; z < Z; z++) tubes += c->areas[z].people / c->per_tube + c->areas[z].waiting;
    for (size_t j = 0; j < J; j++) tubes += c->labs[j].waiting;
    n->unit = tubes / UNITS;
    n->all = UNITS;
    n->r_stock = (int)(Z * S), n->r_all = (int)(2 * Z * S), n->r_queue = n->r_all + (int)Z, n->r_trip = n->r_queue + (int)(J * S), n->r_total = n->r_trip + slots;
    n->first = mem_alloc((columns + 1) * sizeof *n->first);
    n->index = mem_alloc(elements * sizeof *n->index);
    n->value = mem_alloc((elements + 3 * columns + 2 * lines) * sizeof *n->value);
    if (!n->first || !n->index || !n->value) {
        net_clear(n);
        return error_memory(err);
    }
    n->lower = n->value + elements, n->upper = n->lower + columns, n->cost = n->upper + columns, n->row_lower = n->cost + columns, n->row_upper = n->row_lower + lines;
    areas_columns(n);
    ways_columns(n);
    labs_columns(n);
    rows(n);
    n->lp = Clp_newModel();
    if (!n->lp) {
        net_clear(n);
        return error_memory(err);
    }
    Clp_setLogLevel(n->lp, 0);
    Clp_setOptimizationDirection(n->lp, -1);
    Clp_loadProblem(n->lp, n->columns, n->rows, n->first, n->index, n->value, n->lower, n->upper, n->cost, n->row_lower, n->row_upper);
    return 0;
}

/* The most results that can be out by `end`, in units. */
static int out_by(struct net *n, double end, double *ret, struct error *err) {
    const struct campaign *c = n->c;
    for (int j = 0; j < c->n_labs; j++)
        for (int m = 0; m < n->slots; m++) n->upper[n->start + j * n->slots + m] = c->labs[j].tubes_h * in_time(c, j, m, end) / n->unit;
    Clp_chgColumnUpper(n->lp, n->upper);
    Clp_dual(n->lp, 0);
    if (Clp_status(n->lp) != 0) Clp_primal(n->lp, 0);
    if (Clp_status(n->lp) != 0) return error_set(err, E_INVALID, "campaign", "the solver gave up (status %d) / 求解器未能得出结果", Clp_status(n->lp));
    const double *x = Clp_getColSolution(n->lp);
    double sum = 0;
    for (int i = n->start; i < n->wait; i++) sum += x[i];
    *ret = sum;
    return 0;
}

/* When each stage alone would be through, with everything at its best: nothing ends before. */
static double no_earlier(const struct campaign *c) {
    double people = 0, speed = 0, tubes = 0, labs = 0, least = CAMPAIGN_NEVER, fastest = 0, tables = 0;
    for (int z = 0; z < c->n_areas; z++) {
        people += c->areas[z].people;
        tubes += c->areas[z].waiting;
        tables += c->areas[z].people > 0 ? c->areas[z].tables * c->per_table : 0;
        if (c->areas[z].people > 0) fastest = fmax(fastest, area_rate(c, z));
    }
    for (int j = 0; j < c->n_labs; j++) {
        labs += c->labs[j].tubes_h;
        tubes += c->labs[j].waiting;
        least = fmin(least, c->labs[j].turnaround_h);
    }
    speed = fmin(c->samplers, tables) * fastest * c->slot_h;
    double swabs = 0;
    int k = 0;
    for (; people > 0 && k < SLOTS_MAX && swabs + speed * open_share(c, k) < people * (1 - 1e-9); k++) swabs += speed * open_share(c, k);
    return fmax(k * c->slot_h, (people / c->per_tube + tubes) / labs) + least + c->report_h;
}

static int slots_for(const struct campaign *c, double end) {
    return (int)ceil(end / c->slot_h) + 1;
}

/* The earliest end, between low and high (high: as large as need be), to CLOSE. The net is left solved just before it when `before`, else at it. */
static int earliest(const struct campaign *c, double low, double guess, struct net *n, double *ret, struct error *err) {
    double high = fmin(guess, CAMPAIGN_NEVER), out = 0;
    int rc = 0;
    for (;;) {
        rc = net_make(c, slots_for(c, high), n, err);
        if (rc == 0) rc = out_by(n, high, &out, err);
        if (rc < 0) break;
        if (out >= n->all - SHORT_BY * UNITS) break;
        if (high >= CAMPAIGN_NEVER) {
            rc = error_set(err, E_INVALID, "campaign", "not finished within %d days: too few samplers, tables, couriers or laboratories / %d 天内无法完成: 采样、转运或检测力量不足", CAMPAIGN_DAYS_MAX, CAMPAIGN_DAYS_MAX);
            break;
        }
        net_clear(n);
        low = high;
        high = fmin(high * 1.5 + c->slot_h, CAMPAIGN_NEVER);
    }
    while (rc == 0 && high - low > CLOSE) {
        double middle = (low + high) / 2;
        rc = out_by(n, middle, &out, err);
        if (out >= n->all - SHORT_BY * UNITS) high = middle;
        else low = middle;
    }
    if (rc < 0) {
        net_clear(n);
        return rc;
    }
    *ret = high;
    return 0;
}

/* ---- what one more buys, from the prices of the program a moment before its earliest end */

/* What `more` of all of a resource would be. areas and labs are scratch of the caller. */
static struct campaign with_more(const struct campaign *c, int resource, double factor, struct campaign_area *areas, struct campaign_lab *labs) {
    struct campaign d = *c;
    memcpy(areas, c->areas, (size_t)c->n_areas * sizeof *areas);
    memcpy(labs, c->labs, (size_t)c->n_labs * sizeof *labs);
    d.areas = areas;
    d.labs = labs;
    if (resource == CAMPAIGN_SAMPLERS) d.samplers *= factor;
    if (resource == CAMPAIGN_COURIERS) d.couriers *= factor;
    for (int z = 0; z < c->n_areas && resource == CAMPAIGN_TABLES; z++) areas[z].tables *= factor;
    for (int j = 0; j < c->n_labs && resource == CAMPAIGN_LABORATORIES; j++) labs[j].tubes_h *= factor;
    return d;
}

static int prices(struct net *n, double end, struct campaign_plan *p, struct error *err) {
    const struct campaign *c = n->c;
    double before = fmax(0, end - 4 * CLOSE), out, by_hour = 0, worth[CAMPAIGN_RESOURCES] = {0}, all = 0;
    int rc = out_by(n, before, &out, err);
    if (rc < 0) return rc;
    const double *row = Clp_getRowPrice(n->lp), *reduced = Clp_getReducedCost(n->lp);
    double lab_price[CAMPAIGN_LABS_MAX] = {0}, best[CAMPAIGN_RESOURCES] = {0};
    for (int r = 0; r < CAMPAIGN_RESOURCES; r++) p->buys[r] = (struct campaign_buys){.where = -1};
    for (int j = 0; j < c->n_labs; j++)
        for (int m = 0; m < n->slots; m++) {
            double price = reduced[n->start + j * n->slots + m], part = in_time(c, j, m, before);
            if (price <= 1e-5) continue; /* below: only the small costs that order what is otherwise equal */
            lab_price[j] += price * part / n->unit;
            if (part > 0 && part < c->slot_h) by_hour += price * c->labs[j].tubes_h / n->unit;
        }
    if (by_hour <= 0) by_hour = (n->all - out) / c->slot_h; /* laboratories wait for tubes: what one more slot brings */
    if (by_hour <= 0) return 0;
    best[CAMPAIGN_SAMPLERS] = fmax(0, row[n->r_total]);
    worth[CAMPAIGN_SAMPLERS] = best[CAMPAIGN_SAMPLERS] * c->samplers;
    for (int k = 0; k < n->slots; k++) best[CAMPAIGN_COURIERS] += fmax(0, row[n->r_trip + k]) * c->slot_h;
    if (best[CAMPAIGN_COURIERS] * c->couriers < 1e-3) best[CAMPAIGN_COURIERS] = 0;
    worth[CAMPAIGN_COURIERS] = best[CAMPAIGN_COURIERS] * c->couriers;
    for (int z = 0; z < c->n_areas; z++) {
        double price = fmax(0, reduced[z]) * c->per_table;
        if (price * c->areas[z].tables < 1e-4) continue;
        worth[CAMPAIGN_TABLES] += price * c->areas[z].tables;
        if (price > best[CAMPAIGN_TABLES]) best[CAMPAIGN_TABLES] = price, p->buys[CAMPAIGN_TABLES].where = z;
    }
    for (int j = 0; j < c->n_labs; j++) {
        worth[CAMPAIGN_LABORATORIES] += lab_price[j] * c->labs[j].tubes_h;
        if (lab_price[j] > best[CAMPAIGN_LABORATORIES]) best[CAMPAIGN_LABORATORIES] = lab_price[j], p->buys[CAMPAIGN_LABORATORIES].where = j;
    }
    for (int r = 0; r < CAMPAIGN_RESOURCES; r++) all += worth[r] = worth[r] < 1e-2 ? 0 : worth[r];
    for (int r = 0; r < CAMPAIGN_RESOURCES; r++) {
        p->buys[r].share = all > 0 ? worth[r] / all : 0;
        p->buys[r].one_h = worth[r] > 0 ? best[r] / by_hour : 0;
        if (worth[r] > 0 && (p->bottleneck == CAMPAIGN_RESOURCES || worth[r] > worth[p->bottleneck])) p->bottleneck = r;
    }
    return 0;
}

static int tenths(const struct campaign *c, struct campaign_plan *p, struct error *err) {
    struct campaign_area *areas = mem_alloc((size_t)c->n_areas * sizeof *areas);
    struct campaign_lab *labs = mem_alloc((size_t)c->n_labs * sizeof *labs);
    int rc = areas && labs ? 0 : error_memory(err);
    for (int r = 0; rc == 0 && r < CAMPAIGN_RESOURCES; r++) {
        if (p->buys[r].share <= 0) continue;
        struct campaign more = with_more(c, r, 1.1, areas, labs);
        struct net n = {0};
        double end = 0;
        rc = earliest(&more, no_earlier(&more), p->finish_h, &n, &end, err);
        net_clear(&n);
        if (rc == 0) p->buys[r].tenth_h = fmax(0, p->finish_h - end);
    }
    mem_free(areas);
    mem_free(labs);
    return rc;
}

/* ---- whole samplers and tubes from the solution */

/* Many plans end as early, and a program at a corner leaves some areas half staffed when it is not they who hold it up: of all of them the one that has its samplers where
 * people live, all the way or as far as the end allows, so that nobody queues for hours for nothing. Leaves the net solved so; none_held takes its bounds off again. */
static int evenly(struct net *n, double end, struct error *err) {
    const struct campaign *c = n->c;
    double work[CAMPAIGN_AREAS_MAX], most[CAMPAIGN_AREAS_MAX], even[CAMPAIGN_AREAS_MAX], out = 0;
    int rc = 0;
    for (int z = 0; z < c->n_areas; z++) {
        work[z] = c->areas[z].people / area_rate(c, z);
        most[z] = c->areas[z].tables * c->per_table;
    }
    campaign_split((int64_t)floor(c->samplers + 1e-9), work, most, c->n_areas, even);
    for (int part = 4; part >= 0; part--) {
        for (int z = 0; z < c->n_areas; z++) n->lower[z] = even[z] * part / 4 * (1 - 1e-9);
        Clp_chgColumnLower(n->lp, n->lower);
        rc = out_by(n, end, &out, err);
        if (rc < 0 || out >= n->all - SHORT_BY * UNITS) break;
    }
    return rc;
}

static void none_held(struct net *n) {
    for (int z = 0; z < n->c->n_areas; z++) n->lower[z] = 0;
    Clp_chgColumnLower(n->lp, n->lower);
}

/* Whole numbers with the sum `total`, each at most its `most`, nearest to the wishes: the largest fractions are rounded up. */
static void whole(double *x, const double *most, int n, double total) {
    double sum = 0;
    double left[CAMPAIGN_AREAS_MAX];
    for (int i = 0; i < n; i++) {
        double floor_of = floor(x[i] + 1e-9);
        left[i] = x[i] - floor_of;
        sum += x[i] = floor_of;
    }
    while (sum < total - 1e-9) {
        int at = -1;
        for (int i = 0; i < n; i++)
            if ((!most || x[i] + 1 <= most[i] + 1e-9) && (at < 0 || left[i] > left[at])) at = i;
        if (at < 0) break;
        x[at]++;
        sum++;
        left[at] -= 1;
    }
}

/* Samplers the program had no need for go where the last swab would be latest. */
static void place(const struct campaign *c, const double *wanted, struct campaign_plan *p) {
    double most[CAMPAIGN_AREAS_MAX], used = 0, room = 0;
    for (int z = 0; z < c->n_areas; z++) {
        const struct campaign_area *a = &c->areas[z];
        most[z] = a->people > 0 ? floor(a->tables * c->per_table + 1e-9) : 0;
        p->samplers[z] = a->people > 0 ? fmax(fmin(wanted[z], most[z]), 1) : 0;
        room += most[z];
    }
    for (int z = 0; z < c->n_areas; z++) used += p->samplers[z];
    double total = fmin(floor(c->samplers + 1e-9), room);
    for (int i = 0; used > total && i < 10; i++) { /* the ones given to tiny areas are taken from the others */
        double shrink = total / used;
        used = 0;
        for (int z = 0; z < c->n_areas; z++) {
            if (p->samplers[z] > 1) p->samplers[z] = fmax(1, p->samplers[z] * shrink);
            used += p->samplers[z];
        }
    }
    whole(p->samplers, most, c->n_areas, fmin(floor(used + 0.5), total));
    used = 0;
    for (int z = 0; z < c->n_areas; z++) used += p->samplers[z];
    for (; used < total; used++) {
        int at = -1;
        double latest = -1;
        for (int z = 0; z < c->n_areas; z++) {
            double h = c->areas[z].people / (area_rate(c, z) * fmax(p->samplers[z], 1e-9));
            if (p->samplers[z] + 1 <= most[z] + 1e-9 && h > latest) latest = h, at = z;
        }
        if (at < 0) break;
        p->samplers[at]++;
    }
}

static void send(const struct net *n, const double *x, struct campaign_plan *p) {
    const struct campaign *c = n->c;
    int J = c->n_labs;
    double work = 0;
    for (int z = 0; z < c->n_areas; z++) {
        double *to = p->tubes_to + (size_t)z * (size_t)J, sum = 0, total = ceil(c->areas[z].people / c->per_tube + c->areas[z].waiting - 1e-9);
        for (int j = 0; j < J; j++) {
            to[j] = 0;
            for (int k = 0; k < n->slots; k++) to[j] += x[n->dispatch + (z * J + j) * n->slots + k] * n->unit;
            sum += to[j];
        }
        for (int j = 0; j < J; j++) to[j] = sum > 0 ? to[j] * total / sum : (j == 0 ? total : 0);
        whole(to, NULL, J, total);
        p->couriers[z] = 0;
        for (int j = 0; j < J; j++) p->couriers[z] += to[j] * (2 * c->travel_h[z * J + j] + c->stop_h);
        work += p->couriers[z];
    }
    for (int z = 0; z < c->n_areas; z++) p->couriers[z] = work > 0 ? p->couriers[z] / work * c->couriers : 0;
}

int campaign_plan(const struct campaign *c, struct campaign_plan *ret, struct error *err) {
    struct campaign_plan p = {.n_areas = c->n_areas, .n_labs = c->n_labs, .bottleneck = CAMPAIGN_RESOURCES};
    struct net n = {0};
    int rc = campaign_check(c, err);
    if (rc < 0) return rc;
    p.samplers = mem_alloc((size_t)c->n_areas * sizeof *p.samplers);
    p.couriers = mem_alloc((size_t)c->n_areas * sizeof *p.couriers);
    p.tubes_to = mem_alloc((size_t)c->n_areas * (size_t)c->n_labs * sizeof *p.tubes_to);
    if (!p.samplers || !p.couriers || !p.tubes_to) rc = error_memory(err);
    double low = no_earlier(c);
    if (rc == 0) rc = earliest(c, low, low * 1.15 + 2 * c->slot_h, &n, &p.finish_h, err);
    if (rc == 0) rc = evenly(&n, p.finish_h, err);
    if (rc == 0) {
        const double *x = Clp_getColSolution(n.lp);
        p.tubes = n.unit * UNITS;
        place(c, x, &p);
        send(&n, x, &p);
        none_held(&n);
        rc = prices(&n, p.finish_h, &p, err);
    }
    net_clear(&n);
    if (rc == 0) rc = tenths(c, &p, err);
    if (rc < 0) {
        campaign_plan_clear(&p);
        return rc;
    }
    *ret = p;
    return 0;
}

int campaign_as_is(const struct campaign *c, const struct campaign_plan *p, struct campaign_plan *ret, struct error *err) {
    struct campaign_plan q = *p;
    size_t areas = (size_t)p->n_areas * sizeof *q.samplers, ways = areas * (size_t)p->n_labs;
    q.samplers = mem_alloc(areas);
    q.couriers = mem_alloc(areas);
    q.tubes_to = mem_alloc(ways);
    if (!q.samplers || !q.couriers || !q.tubes_to) {
        campaign_plan_clear(&q);
        return error_memory(err);
    }
    memcpy(q.couriers, p->couriers, areas);
    memcpy(q.tubes_to, p->tubes_to, ways);
    for (int z = 0; z < p->n_areas; z++) q.samplers[z] = fmax(0, c->areas[z].samplers);
    *ret = q;
    return 0;
}

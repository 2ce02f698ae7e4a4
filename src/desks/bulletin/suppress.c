/* desks/bulletin: disclosure control. A two-way table with margins is a circulation: an inner cell is an edge from its row to its column, a
 * row total an edge from the node of totals to the row, a column total an edge from the column to the total row, the grand total
 * closes the ring. Whoever knows the visible edges can move the hidden ones only along cycles; how far is a maximum flow. So the audit
 * is exact, where the usual rule ("two hidden cells a line") is not. Kelly, Golden & Assad 1992, doi:10.1002/net.3230220407;
 * Cox 1995, doi:10.1080/01621459.1995.10476646. */
#include <string.h>

#include "desks/bulletin/bulletin.h"

enum { TABLE_MAX = 1024 };

struct table {
    const int64_t *cells;
    const bool *hide, *pinned;
    size_t rows, columns; /* inner */
    size_t nodes;
    int64_t *moved;       /* residual: change of each cell */
    int64_t *cost;        /* per node */
    size_t *by;           /* per node: cell that reached it */
    size_t *from;
    bool *done;
};

static size_t width_of(const struct table *t) {
    return t->columns + 1;
}
/* Ends of the edge of cell (i, j): rows are nodes 0..rows (the last is the row of totals), columns follow. */
static void ends_of(const struct table *t, size_t cell, size_t *u, size_t *v) {
    size_t i = cell / width_of(t), j = cell % width_of(t);
    size_t row = i, column = t->rows + 1 + j;
    bool turned = (i == t->rows) != (j == t->columns);
    *u = turned ? column : row;
    *v = turned ? row : column;
}

static bool table_init(struct table *t, const int64_t *cells, size_t rows, size_t columns, const bool *pinned, const bool *hide) {
    *t = (struct table){.cells = cells, .hide = hide, .pinned = pinned, .rows = rows, .columns = columns, .nodes = rows + columns + 2};
    size_t n = (rows + 1) * (columns + 1);
    if (n > TABLE_MAX || rows == 0 || columns == 0) return false;
    t->moved = mem_alloc(n * sizeof *t->moved);
    t->cost = mem_alloc(t->nodes * sizeof *t->cost);
    t->by = mem_alloc(t->nodes * sizeof *t->by);
    t->from = mem_alloc(t->nodes * sizeof *t->from);
    t->done = mem_alloc(t->nodes * sizeof *t->done);
    return t->moved && t->cost && t->by && t->from && t->done;
}
static void table_clear(struct table *t) {
    mem_free(t->moved);
    mem_free(t->cost);
    mem_free(t->by);
    mem_free(t->from);
    mem_free(t->done);
}

/* Cheapest way from node a to node b over cells other than `but`. Hidden cells are free, visible ones cost their value + 1 when
 * they may still be hidden (`open`), else are closed. A cell crossed backwards must be able to give `level`. */
static bool way_find(struct table *t, size_t a, size_t b, size_t but, int64_t level, bool open) {
    for (size_t k = 0; k < t->nodes; k++) {
        t->cost[k] = INT64_MAX;
        t->done[k] = false;
    }
    t->cost[a] = 0;
    for (;;) {
        size_t at = SIZE_MAX;
        for (size_t k = 0; k < t->nodes; k++)
            if (!t->done[k] && t->cost[k] != INT64_MAX && (at == SIZE_MAX || t->cost[k] < t->cost[at])) at = k;
        if (at == SIZE_MAX) return false;
        if (at == b) return true;
        t->done[at] = true;
        /* the cells of a row lie side by side, those of a column a row apart */
        bool row = at <= t->rows;
        size_t first = row ? at * width_of(t) : at - t->rows - 1, step = row ? 1 : width_of(t), count = row ? width_of(t) : t->rows + 1;
        for (size_t k = 0; k < count; k++) {
            size_t u, v, c = first + k * step;
            if (c == but) continue;
            if (!t->hide[c] && (!open || (t->pinned && t->pinned[c]))) continue;
            ends_of(t, c, &u, &v);
            size_t to = u == at ? v : u;
            if (v == at && t->cells[c] + t->moved[c] < level) continue;
            int64_t price = t->hide[c] ? 0 : t->cells[c] + 1;
            if (t->cost[at] + price < t->cost[to]) {
                t->cost[to] = t->cost[at] + price;
                t->by[to] = c;
                t->from[to] = at;
            }
        }
    }
}

/* How much can flow from a to b through hidden cells other than `but`, at most `limit`; INT64_MAX: without bound. */
static int64_t flow_most(struct table *t, size_t a, size_t b, size_t but, int64_t limit) {
    int64_t sum = 0;
    memset(t->moved, 0, (t->rows + 1) * width_of(t) * sizeof *t->moved);
    while (sum < limit && way_find(t, a, b, but, 1, false)) {
        int64_t push = INT64_MAX;
        for (size_t k = b; k != a; k = t->from[k]) {
            size_t u, v;
            ends_of(t, t->by[k], &u, &v);
            int64_t room = t->cells[t->by[k]] + t->moved[t->by[k]];
            if (v == t->from[k] && room < push) push = room;
        }
        if (push == INT64_MAX) return limit;
        if (push > limit - sum) push = limit - sum;
        for (size_t k = b; k != a; k = t->from[k]) {
            size_t u, v;
            ends_of(t, t->by[k], &u, &v);
            t->moved[t->by[k]] += v == t->from[k] ? -push : push;
        }
        sum += push;
    }
    return sum;
}

static void range_of(struct table *t, size_t cell, int64_t *low, int64_t *high) {
    size_t u, v;
    ends_of(t, cell, &u, &v);
    int64_t up = flow_most(t, v, u, cell, INT64_MAX);
    int64_t down = flow_most(t, u, v, cell, t->cells[cell]);
    memset(t->moved, 0, (t->rows + 1) * width_of(t) * sizeof *t->moved);
    *low = t->cells[cell] - down;
    *high = up == INT64_MAX ? INT64_MAX : t->cells[cell] + up;
}

void suppress_range(const int64_t *cells, size_t rows, size_t columns, const bool *hide, size_t i, size_t j, int64_t *ret_low,
                    int64_t *ret_high) {
    struct table t;
    size_t cell = i * (columns + 1) + j;
    *ret_low = *ret_high = cells[cell];
    if (table_init(&t, cells, rows, columns, NULL, hide) && hide[cell]) range_of(&t, cell, ret_low, ret_high);
    table_clear(&t);
}

/* Hides what lies on the best way from a to b; returns the level it carries, 0 when there is none. */
static int64_t way_hide(struct table *t, bool *hide, size_t a, size_t b, size_t but, int64_t level) {
    for (; level > 0; level--) {
        if (!way_find(t, a, b, but, level, true)) continue;
        for (size_t k = b; k != a; k = t->from[k]) hide[t->by[k]] = true;
        return level;
    }
    return 0;
}

bool suppress_table(const int64_t *cells, size_t rows, size_t columns, int64_t k, const bool *pinned, bool *hide) {
    struct table t;
    bool safe = false;
    size_t n = (rows + 1) * (columns + 1);
    if (!table_init(&t, cells, rows, columns, pinned, hide)) goto out;
    for (size_t c = 0; c < n; c++)
        if (cells[c] < 0) goto out; /* hidden already, or never said: nobody here knows what the rest would tell */
    for (size_t c = 0; c < n; c++)
        if (cells[c] > 0 && cells[c] < k && !(pinned && pinned[c])) hide[c] = true;
    safe = true;
    /* Hiding more never narrows a range, so one pass over the small cells is enough. */
    for (size_t c = 0; c < n && safe; c++) {
        int64_t low, high;
        size_t u, v;
        if (!hide[c] || cells[c] <= 0 || cells[c] >= k) continue;
        range_of(&t, c, &low, &high);
        if (high - low >= k) continue;
        ends_of(&t, c, &u, &v);
        if (way_hide(&t, hide, v, u, c, k) < k) way_hide(&t, hide, u, v, c, cells[c]);
        range_of(&t, c, &low, &high);
        safe = high > low;
    }
out:
    table_clear(&t);
    return safe;
}

/* ---- the public version */

static int64_t hidden_small(int64_t n, int64_t k) {
    return n > 0 && n < k ? FIGURE_HIDDEN : n;
}
/* Parts that are not published. Those of a total that is visibly nothing are nothing, as everybody can tell. */
static int64_t hidden_part(int64_t total) {
    return total == 0 ? 0 : FIGURE_HIDDEN;
}
/* Stocks and cumulative figures follow from one report to the next, so exact ones would give the hidden flow away. */
static int64_t rounded_down(int64_t n, int64_t k) {
    return n > 0 ? n / k * k : n;
}
static int64_t rounded_up(int64_t n, int64_t k) {
    return n > 0 ? (n + k - 1) / k * k : n;
}

static void totals_round(struct bulletin_cases *c, int64_t k) {
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < ORIGINS; j++) c->n[i][j] = rounded_down(c->n[i][j], k);
}

/* Class by origin of the day, every margin open to hiding. Suspected cases are no part of the totals and go by themselves. */
static void day_suppress(struct bulletin *b, int64_t k) {
    int64_t cells[3 * (ORIGINS + 1)] = {0};
    bool hide[3 * (ORIGINS + 1)] = {false};
    size_t w = ORIGINS + 1;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < ORIGINS; j++) {
            int64_t n = b->fresh.n[i][j];
            cells[i * w + j] = n;
            cells[i * w + ORIGINS] += n;
            cells[2 * w + j] += n;
            cells[2 * w + ORIGINS] += n;
        }
    bool safe = suppress_table(cells, 2, ORIGINS, k, NULL, hide);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < w; j++) {
            int64_t n = !safe || hide[i * w + j] ? FIGURE_HIDDEN : cells[i * w + j];
            if (i < 2 && j < ORIGINS) b->fresh.n[i][j] = n;
            else if (i < 2) b->fresh_class[i] = n;
            else if (j < ORIGINS) b->fresh_origin[j] = n;
            else b->fresh_total = n;
        }
    int64_t suspected = bulletin_class_total(&b->fresh, CLASS_SUSPECTED);
    for (size_t j = 0; j < ORIGINS; j++) b->fresh.n[CLASS_SUSPECTED][j] = hidden_part(suspected);
    b->fresh_class[CLASS_SUSPECTED] = hidden_small(suspected, k);
}

/* A breakdown by class: the class totals stand in the first table and stay visible; when one of them is hidden there, the breakdown is
 * dropped, because two tables that share a hidden total would have to be audited as one. */
static int rows_suppress(const struct bulletin *b, struct bulletin_row *rows, size_t *n_rows, int64_t k, struct error *err) {
    size_t n = *n_rows, w = 3;
    int64_t *cells = NULL;
    bool *hide = NULL, *pinned = NULL;
    int rc = 0;
    if (n == 0) return 0;
    if (b->fresh_class[0] == FIGURE_HIDDEN || b->fresh_class[1] == FIGURE_HIDDEN || b->fresh_total == FIGURE_HIDDEN ||
        (n + 1) * w > TABLE_MAX) {
        *n_rows = 0;
        return 0;
    }
    cells = mem_alloc((n + 1) * w * sizeof *cells);
    hide = mem_alloc((n + 1) * w);
    pinned = mem_alloc((n + 1) * w);
    if (!cells || !hide || !pinned) {
        rc = error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2; j++) {
            int64_t v = bulletin_class_total(&rows[i].fresh, (int)j);
            cells[i * w + j] = v;
            cells[i * w + 2] += v;
            cells[n * w + j] += v;
            cells[n * w + 2] += v;
        }
    for (size_t j = 0; j < w; j++) pinned[n * w + j] = true;
    if (!suppress_table(cells, n, 2, k, pinned, hide)) {
        *n_rows = 0;
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < 2; j++) rows[i].fresh_total[j] = hide[i * w + j] ? FIGURE_HIDDEN : cells[i * w + j];
        rows[i].fresh_total[CLASS_SUSPECTED] = hidden_part(b->fresh_class[CLASS_SUSPECTED]);
        for (int a = 0; a < CLASSES; a++)
            for (int o = 0; o < ORIGINS; o++) rows[i].fresh.n[a][o] = hidden_part(rows[i].fresh_total[a]);
        totals_round(&rows[i].total, k);
    }
out:
    mem_free(cells);
    mem_free(hide);
    mem_free(pinned);
    return rc;
}

/* A list of parts whose sum is the day's total. false: drop it. */
static bool list_suppress(const struct bulletin *b, int64_t **parts, size_t n, int64_t k) {
    int64_t cells[2 * 65] = {0};
    bool hide[2 * 65] = {false}, pinned[2 * 65] = {false};
    if (n == 0 || n > 64 || b->fresh_total == FIGURE_HIDDEN) return false;
    /* one row of n parts; the row of totals repeats it, hidden throughout, so it adds no knowledge */
    for (size_t j = 0; j < n; j++) {
        cells[j] = cells[n + 1 + j] = *parts[j];
        cells[n] += *parts[j];
        hide[n + 1 + j] = true;
    }
    cells[2 * n + 1] = cells[n];
    pinned[n] = pinned[2 * n + 1] = true;
    if (!suppress_table(cells, 1, n, k, pinned, hide)) return false;
    for (size_t j = 0; j < n; j++)
        if (hide[j]) *parts[j] = FIGURE_HIDDEN;
    return true;
}

int bulletin_suppress(struct bulletin *b, int64_t k, struct error *err) {
    int64_t *parts[64];
    int rc;
    if (k <= 0) k = BULLETIN_K;
    day_suppress(b, k);
    if ((rc = rows_suppress(b, b->regions, &b->n_regions, k, err)) < 0) return rc;
    if ((rc = rows_suppress(b, b->diseases, &b->n_diseases, k, err)) < 0) return rc;
    if (b->n_routes <= 64) {
        for (size_t i = 0; i < b->n_routes; i++) parts[i] = &b->routes[i].n;
        if (!list_suppress(b, parts, b->n_routes, k)) b->n_routes = 0;
    } else b->n_routes = 0;
    parts[0] = &b->controlled;
    parts[1] = &b->uncontrolled;
    parts[2] = &b->control_unknown;
    if (b->controlled != FIGURE_NONE && !list_suppress(b, parts, 3, k)) b->controlled = b->uncontrolled = b->control_unknown = FIGURE_HIDDEN;

    totals_round(&b->total, k);
    for (size_t i = 0; i < b->n_severities; i++) b->severities[i].n = rounded_down(b->severities[i].n, k);
    b->yesterday_total = b->conversions = b->excluded = FIGURE_HIDDEN;
    memset(&b->day_before, 0, sizeof b->day_before);
    b->day_before.controlled = FIGURE_NONE;
    int64_t *flows[] = {&b->recovered, &b->released, &b->died, &b->contacts.found, &b->contacts.released, &b->tests.positive,
                        &b->rounds.positive_tubes, &b->rounds.positive, &b->rounds.voluntary};
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) *flows[i] = hidden_small(*flows[i], k);
    int64_t *stocks[] = {&b->active, &b->total_recovered, &b->total_released, &b->total_died, &b->contacts.total, &b->contacts.observed,
                         &b->tests.sampled, &b->rounds.swabs, &b->rounds.people, &b->rounds.tubes, &b->rounds.resulted, &b->rounds.decided,
                         &b->rounds.target, &b->rounds.covered};
    for (size_t i = 0; i < sizeof stocks / sizeof *stocks; i++) *stocks[i] = rounded_down(*stocks[i], k);
    for (int i = 0; i < STEPS; i++) {
        b->times_day[i] = (struct bulletin_time){0};
        if (b->times_week[i].n < k) b->times_week[i] = (struct bulletin_time){0};
        b->times_week[i].n = rounded_down(b->times_week[i].n, k);
    }
    for (int d = 0; d < CURVE_DAYS; d++)
        for (int o = 0; o < ORIGINS; o++) {
            int64_t onset = o ? 0 : b->onset[d][0] + b->onset[d][1] + b->onset[d][2];
            int64_t report = o ? 0 : b->report[d][0] + b->report[d][1] + b->report[d][2];
            b->onset[d][o] = rounded_up(onset, k); /* one bar a day: the split by origin would be a table of its own */
            b->report[d][o] = rounded_up(report, k);
        }

    int64_t *inner[] = {&b->contacts.found_secondary, &b->contacts.total_secondary, &b->contacts.placed, &b->contacts.converted,
                        &b->contacts.overdue, &b->contacts.uncontrolled, &b->contacts.lost, &b->tests.resulted, &b->tests.pending,
                        &b->duties.open, &b->duties.due_soon, &b->duties.overdue, &b->duties.no_owner, &b->duties.raised,
                        &b->duties.paid, &b->duties.paid_late, &b->duties.lapsed, &b->duties.loop_ppm, &b->units_expected,
                        &b->units_reported, &b->units_late};
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) *inner[i] = FIGURE_HIDDEN;
    b->duties.n_rules = b->contacts.n_queue = b->n_units = b->n_changes = 0;
    for (size_t i = 0; i < b->n_restated; i++) b->restated[i].was = b->restated[i].is = b->restated[i].late = b->restated[i].swabs_was = b->restated[i].swabs_is = FIGURE_HIDDEN;
    b->public_version = true;
    b->k = k;
    return 0;
}

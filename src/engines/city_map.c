#include "engines/city_map.h"

#include <math.h>
#include <string.h>

enum { CORNERS = 14, CELL_MAX = 64, NEAR = 40, SPLITS_MAX = 5, SHORTEST = 1500, STREETS_MAX = 999 };
#define CENTRE_LON 122900000.0
#define CENTRE_LAT 31000000.0
#define RADIUS_LON 260000.0
#define RADIUS_LAT 190000.0
#define PI 3.14159265358979323846

struct point {
    double x, y;
};

struct cell {
    size_t n;
    struct point at[CELL_MAX];
};

/* Corners of all cells, so that neighbours share theirs to the last digit. */
struct corners {
    size_t n, cap;
    int32_t (*at)[2];
    struct arena *arena;
};

/* Corners on an ellipse: the county is convex before it is roughened. */
static void outline_draw(struct rng *r, struct cell *out) {
    out->n = CORNERS;
    for (size_t i = 0; i < CORNERS; i++) {
        double angle = 2 * PI * ((double)i + 0.6 * rng_unit(r)) / CORNERS;
        out->at[i] = (struct point){CENTRE_LON + RADIUS_LON * cos(angle), CENTRE_LAT + RADIUS_LAT * sin(angle)};
    }
}

/* Spread like the seeds of a sunflower, each moved a little. */
static struct point site(struct rng *r, size_t i, size_t n) {
    double far = 0.88 * sqrt(((double)i + 0.5) / (double)n), angle = 2.399963 * (double)i + 0.25 * rng_unit(r);
    return (struct point){CENTRE_LON + RADIUS_LON * far * cos(angle), CENTRE_LAT + RADIUS_LAT * far * sin(angle)};
}

/* Keeps what is nearer to a than to b. */
static void cut(struct cell *c, struct point a, struct point b) {
    struct cell in = *c;
    double nx = b.x - a.x, ny = b.y - a.y, limit = nx * (a.x + b.x) / 2 + ny * (a.y + b.y) / 2;
    c->n = 0;
    for (size_t i = 0; i < in.n; i++) {
        struct point p = in.at[i], q = in.at[(i + 1) % in.n];
        double dp = nx * p.x + ny * p.y - limit, dq = nx * q.x + ny * q.y - limit;
        if (dp <= 0 && c->n < CELL_MAX) c->at[c->n++] = p;
        if ((dp < 0) != (dq < 0) && dp != 0 && dq != 0 && c->n < CELL_MAX) {
            double t = dp / (dp - dq);
            c->at[c->n++] = (struct point){p.x + t * (q.x - p.x), p.y + t * (q.y - p.y)};
        }
    }
}

static int corner_of(struct corners *k, struct point p, size_t *ret, struct error *err) {
    int32_t x = (int32_t)lround(p.x), y = (int32_t)lround(p.y);
    for (size_t i = 0; i < k->n; i++) {
        int32_t dx = k->at[i][0] - x, dy = k->at[i][1] - y;
        if (dx > NEAR || dx < -NEAR || dy > NEAR || dy < -NEAR) continue;
        *ret = i;
        return 0;
    }
    if (!arena_room(k->arena, &k->at, &k->cap, k->n + 1, sizeof *k->at)) return error_memory(err);
    k->at[k->n][0] = x;
    k->at[k->n][1] = y;
    *ret = k->n++;
    return 0;
}

/* ---- roughened borders */

struct line {
    int32_t (*at)[2];
    size_t n, cap;
};

/* How far the middle of a border moves aside, -1 to 1: by its ends alone, so that both sides agree. */
static double sway(const int32_t a[2], const int32_t b[2]) {
    int32_t ends[4] = {a[0], a[1], b[0], b[1]};
    return (double)(digest_64((struct text){(const char *)ends, sizeof ends}) % 1000) / 1000;
}

/* Everything between a and b. */
static void rough(struct line *l, const int32_t a[2], const int32_t b[2], int splits) {
    double dx = (double)b[0] - a[0], dy = (double)b[1] - a[1];
    if (!splits || dx * dx + dy * dy < (double)SHORTEST * SHORTEST) return;
    double s = 0.07 * sway(a, b);
    int32_t m[2] = {(int32_t)lround(a[0] + dx / 2 - dy * s), (int32_t)lround(a[1] + dy / 2 + dx * s)};
    rough(l, a, m, splits - 1);
    if (l->n < l->cap) {
        l->at[l->n][0] = m[0];
        l->at[l->n++][1] = m[1];
    }
    rough(l, m, b, splits - 1);
}

static bool before(const int32_t a[2], const int32_t b[2]) {
    return a[0] != b[0] ? a[0] < b[0] : a[1] < b[1];
}

/* A border is always drawn from its lesser end. */
static void border(struct line *l, const int32_t a[2], const int32_t b[2]) {
    size_t from = l->n + 1;
    l->at[l->n][0] = a[0];
    l->at[l->n++][1] = a[1];
    if (before(a, b)) {
        rough(l, a, b, SPLITS_MAX);
        return;
    }
    rough(l, b, a, SPLITS_MAX);
    for (size_t i = from, k = l->n; i + 1 < k; i++) {
        int32_t swap[2] = {l->at[i][0], l->at[i][1]};
        k--;
        memcpy(l->at[i], l->at[k], sizeof swap);
        memcpy(l->at[k], swap, sizeof swap);
    }
}

static int outline_of(struct arena *a, const struct corners *k, const size_t *ring, size_t n, struct city_outline *ret, struct error *err) {
    struct line l = {.cap = n * (1u << SPLITS_MAX) + n};
    l.at = arena_alloc(a, l.cap * sizeof *l.at);
    if (!l.at) return error_memory(err);
    for (size_t i = 0; i < n; i++) border(&l, k->at[ring[i]], k->at[ring[(i + 1) % n]]);
    *ret = (struct city_outline){l.n, l.at};
    return 0;
}

/* ---- the county: every corner that lies on its outline, in order */

struct along {
    double t;
    size_t corner;
};

static int county_of(struct arena *a, struct corners *k, const struct cell *outline, struct city_outline *ret, struct error *err) {
    size_t n = 0, *ring = arena_alloc(a, (k->n + CORNERS) * sizeof *ring);
    struct along *edge = arena_alloc(a, (k->n + 1) * sizeof *edge);
    if (!ring || !edge) return error_memory(err);
    for (size_t e = 0; e < outline->n; e++) {
        struct point p = outline->at[e], q = outline->at[(e + 1) % outline->n];
        double dx = q.x - p.x, dy = q.y - p.y, long2 = dx * dx + dy * dy;
        size_t m = 0;
        for (size_t i = 0; i < k->n; i++) {
            double x = k->at[i][0] - p.x, y = k->at[i][1] - p.y, t = (x * dx + y * dy) / long2, aside = (x * dy - y * dx) / sqrt(long2);
            if (fabs(aside) > NEAR / 2 || t < -1e-4 || t > 1 - 1e-4) continue;
            size_t at = m++;
            for (; at && edge[at - 1].t > t; at--) edge[at] = edge[at - 1];
            edge[at] = (struct along){t, i};
        }
        for (size_t i = 0; i < m; i++)
            if (!n || ring[n - 1] != edge[i].corner) ring[n++] = edge[i].corner;
    }
    while (n > 1 && ring[n - 1] == ring[0]) n--;
    return outline_of(a, k, ring, n, ret, err);
}

int city_map_make(const struct city *c, struct city_map *ret, struct error *err) {
    struct rng r = {0};
    struct cell outline;
    struct point sites[STREETS_MAX];
    size_t n = (size_t)c->n_streets < STREETS_MAX ? (size_t)c->n_streets : STREETS_MAX;
    *ret = (struct city_map){.n = n};
    struct corners k = {.arena = &ret->arena};
    rng_seed(&r, c->options.seed ^ 0x6d6170);
    outline_draw(&r, &outline);
    for (size_t i = 0; i < n; i++) sites[i] = site(&r, i, n);
    size_t(*rings)[CELL_MAX] = arena_alloc(&ret->arena, n * sizeof *rings), *lengths = arena_alloc(&ret->arena, n * sizeof *lengths);
    ret->streets = arena_alloc(&ret->arena, n * sizeof *ret->streets);
    int rc = rings && lengths && ret->streets ? 0 : error_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct cell one = outline;
        for (size_t j = 0; j < n; j++)
            if (j != i) cut(&one, sites[i], sites[j]);
        for (size_t v = 0; rc == 0 && v < one.n; v++) {
            size_t corner = 0;
            rc = corner_of(&k, one.at[v], &corner, err);
            if (rc == 0 && (!lengths[i] || rings[i][lengths[i] - 1] != corner)) rings[i][lengths[i]++] = corner;
        }
        while (lengths[i] > 1 && rings[i][lengths[i] - 1] == rings[i][0]) lengths[i]--;
    }
    for (size_t i = 0; rc == 0 && i < n; i++) rc = outline_of(&ret->arena, &k, rings[i], lengths[i], &ret->streets[i], err);
    return rc == 0 ? county_of(&ret->arena, &k, &outline, &ret->county, err) : rc;
}

void city_map_clear(struct city_map *m) {
    if (!m) return;
    arena_clear(&m->arena);
    *m = (struct city_map){0};
}

#include "engines/pooling.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

/* Loads are kept on a grid of log2 of the virus: bin i is -Ct from low + i * STEP. */
enum { PER_CT = 16, SPREAD = 7 /* standard deviations to each side */, ROOM = 7 * PER_CT /* sums of 64 loads are at most 6 higher */ };
#define STEP (1.0 / PER_CT)

void pooling_assumptions_init(struct pooling_assumptions *a) {
    *a = (struct pooling_assumptions){.sensitivity = 0.95, .specificity = 0.9999, .ct_mean = 25.3, .ct_sd = 5.5, .ct_limit = 40, .together = true, .attack = 0.3, .n_household = 6,
                                      .household = {0.254, 0.297, 0.210, 0.132, 0.062, 0.045}, .tube_cost = 1};
}

static int refuse(struct error *err, const char *where, const char *en, const char *zh) {
    return error_set(err, E_INVALID, where, "%s / %s", en, zh);
}

static bool share(double x) {
    return x >= 0 && x <= 1; /* false for NaN */
}

static int check(const struct pooling_assumptions *a, int size, struct error *err) {
    double all = 0;
    if (size < POOLING_A_HOUSEHOLD || size > POOLING_SIZE_MAX) return refuse(err, "size", "a tube holds 1 to 64 swabs", "每管 1 至 64 人");
    if (!share(a->prevalence) || a->prevalence == 0 || a->prevalence == 1) return refuse(err, "prevalence", "above 0 and below 1", "应大于 0 小于 1");
    if (!share(a->sensitivity) || a->sensitivity == 0) return refuse(err, "sensitivity", "above 0 and at most 1", "应大于 0 且不超过 1");
    if (!share(a->specificity) || a->specificity == 0) return refuse(err, "specificity", "above 0 and at most 1", "应大于 0 且不超过 1");
    if (!share(a->attack)) return refuse(err, "attack", "from 0 to 1", "应在 0 与 1 之间");
    if (!isfinite(a->ct_mean) || !isfinite(a->ct_limit) || !(a->ct_sd >= 0 && a->ct_sd <= 20)) return refuse(err, "ct", "a mean, a limit and a spread of 0 to 20", "须为均值、上限与 0 至 20 的标准差");
    if (!(a->tube_cost >= 0 && a->swab_cost >= 0 && a->hold_cost >= 0)) return refuse(err, "cost", "not below 0", "不能小于 0");
    if (a->n_household < 1 || a->n_household > POOLING_HOUSEHOLD_MAX) return refuse(err, "household", "shares of households of 1 to 12 members", "须为 1 至 12 人户的比例");
    for (int h = 0; h < a->n_household; h++) {
        if (!(a->household[h] >= 0)) return refuse(err, "household", "a share is not below 0", "比例不能小于 0");
        all += a->household[h];
    }
    return all > 0 && isfinite(all) ? 0 : refuse(err, "household", "the shares sum to nothing", "比例之和为 0");
}

static double normal(double x) {
    return 0.5 * erfc(-x / M_SQRT2);
}

static double binomial(int n, int k, double p) {
    if (p <= 0 || p >= 1) return k == (p <= 0 ? 0 : n) ? 1 : 0;
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p));
}

/* ---- how many of a tube are infected */
struct clusters {
    int n;
    double share[POOLING_HOUSEHOLD_MAX + 1], mean; /* of households by members; members a household */
    double reached[POOLING_HOUSEHOLD_MAX + 1];     /* chance that infection came into one */
    double attack;
};

static double infected_share(struct clusters *c, double introduced) {
    double sum = 0;
    for (int h = 1; h <= c->n; h++) {
        c->reached[h] = -expm1(h * log1p(-introduced));
        sum += c->share[h] * c->reached[h] * (1 + (h - 1) * c->attack);
    }
    return sum / c->mean;
}

static int clusters_of(const struct pooling_assumptions *a, struct clusters *c, struct error *err) {
    double all = 0, low = 0, high = 1 - 1e-15;
    *c = (struct clusters){.n = a->n_household, .attack = a->attack};
    for (int h = 1; h <= c->n; h++) all += a->household[h - 1];
    for (int h = 1; h <= c->n; h++) c->mean += h * (c->share[h] = a->household[h - 1] / all);
    if (infected_share(c, high) < a->prevalence) return refuse(err, "prevalence", "more than households with this attack rate can hold", "超过此家庭罹患率下可能的最大值");
    for (int i = 0; i < 200; i++) { /* grows with what is introduced */
        double middle = (low + high) / 2;
        if (infected_share(c, middle) < a->prevalence) low = middle;
        else high = middle;
    }
    infected_share(c, high);
    return 0;
}

/* Adds to next[] what follows when s of a household of h stand next in the queue and `before` describes the tube so far. */
static void join(const struct clusters *c, int h, int s, double weight, const double *before, int filled, double *next) {
    double first = (double)s / h;
    for (int j = 0; j <= s; j++) {
        double p = first * (j > 0 ? binomial(s - 1, j - 1, c->attack) : 0) + (1 - first) * binomial(s, j, c->attack);
        p = c->reached[h] * p + (j == 0 ? 1 - c->reached[h] : 0);
        for (int k = 0; k <= filled; k++) next[k + j] += weight * p * before[k];
    }
}

/* infected[k]: chance that k of the n in a tube are. The queue is stationary: the tube begins anywhere in a household. */
static void tube_together(const struct clusters *c, int n, double *infected) {
    static const double empty[1] = {1};
    double state[POOLING_SIZE_MAX + 1][POOLING_SIZE_MAX + 1] = {{0}};
    for (int h = 1; h <= c->n; h++)
        for (int left = 1; left <= h; left++) {
            int s = left < n ? left : n;
            join(c, h, s, c->share[h] / c->mean, empty, 0, state[s]);
        }
    for (int filled = 1; filled < n; filled++)
        for (int h = 1; h <= c->n; h++) {
            int s = h < n - filled ? h : n - filled;
            if (c->share[h] > 0) join(c, h, s, c->share[h], state[filled], filled, state[filled + s]);
        }
    memcpy(infected, state[n], (size_t)(n + 1) * sizeof *infected);
}

/* ---- what a tube of k infected reads */
struct loads {
    int bins;
    double low;       /* -Ct where bin 0 begins */
    double *one;      /* chance of each bin for one person */
    double *others;   /* of the sum of k - 1 persons; while k is 1 nobody */
    double *add;      /* log2(1 + 2^-d) for a distance of d bins */
};

static int loads_make(const struct pooling_assumptions *a, struct loads *l, struct error *err) {
    /* the limit lies on a border between bins, so that the share above it is exact */
    double low = -a->ct_mean - SPREAD * a->ct_sd;
    l->low = -a->ct_limit - ceil((-a->ct_limit - low) / STEP) * STEP;
    l->bins = (int)(2 * SPREAD * a->ct_sd * PER_CT) + 2 + ROOM;
    l->one = mem_alloc((size_t)l->bins * 3 * sizeof *l->one);
    if (!l->one) return error_set(err, E_MEMORY, "pooling", "no memory for the loads / 内存不足");
    l->others = l->one + l->bins;
    l->add = l->others + l->bins;
    for (int i = 0; i < l->bins; i++) {
        double from = l->low + i * STEP;
        l->one[i] = normal((from + STEP + a->ct_mean) / a->ct_sd) - normal((from + a->ct_mean) / a->ct_sd);
        l->add[i] = log2(1 + exp2(-i * STEP));
    }
    return 0;
}

/* others += one more person. Mass falls between two bins in proportion. scratch has `bins` elements. */
static void loads_add(struct loads *l, bool first, double *scratch) {
    if (first) {
        memcpy(l->others, l->one, (size_t)l->bins * sizeof *l->one);
        return;
    }
    memset(scratch, 0, (size_t)l->bins * sizeof *scratch);
    for (int i = 0; i < l->bins; i++) {
        if (l->others[i] < 1e-18) continue;
        for (int j = 0; j < l->bins; j++) {
            double mass = l->others[i] * l->one[j];
            if (mass < 1e-22) continue;
            double at = (i > j ? i : j) + l->add[i > j ? i - j : j - i] * PER_CT;
            int bin = (int)at;
            if (bin >= l->bins - 1) bin = l->bins - 2;
            scratch[bin] += mass * (1 - (at - bin));
            scratch[bin + 1] += mass * (at - bin);
        }
    }
    memcpy(l->others, scratch, (size_t)l->bins * sizeof *scratch);
}

/* Chance that the others' sum is at least 2^least. */
static double at_least(const struct loads *l, const double *above, double least) {
    double at = (least - l->low) / STEP;
    if (at <= 0) return above[0];
    int bin = (int)at;
    if (bin >= l->bins) return 0;
    double next = bin + 1 < l->bins ? above[bin + 1] : 0;
    return above[bin] + (next - above[bin]) * (at - bin);
}

struct reading {
    double tube;  /* chance that the load of the tube reaches the limit */
    double both;  /* ... and that of one infected member singly does */
};

/* One infected person with a load of each bin, and the k - 1 others. above: chances from a bin on, of the others. */
static struct reading read_tube(const struct pooling_assumptions *a, const struct loads *l, int n, const double *above) {
    double least = exp2(-a->ct_limit + log2(n));
    struct reading r = {0, 0};
    for (int i = 0; i < l->bins; i++) {
        double load = exp2(l->low + (i + 0.5) * STEP), p;
        p = load >= least ? 1 : at_least(l, above, log2(least - load));
        r.tube += l->one[i] * p;
        if (l->low + (i + 0.5) * STEP >= -a->ct_limit) r.both += l->one[i] * p;
    }
    return r;
}

/* ---- sums over the number of infected in a tube */
struct tally {
    double positive, found, wrongly;
};

static void count(const struct pooling_assumptions *a, int n, int k, double chance, struct reading r, double single, struct tally *t) {
    double empty = 1 - a->specificity, tube = a->sensitivity * r.tube + empty * (1 - r.tube);
    t->positive += chance * tube;
    t->wrongly += chance * (n - k) / n * tube * empty;
    if (k == 0) return;
    /* An infected member by tube and single: both reach the limit, one of them, none. */
    double p = r.both * a->sensitivity * a->sensitivity + ((r.tube - r.both) + (single - r.both)) * a->sensitivity * empty + (1 - r.tube - single + r.both) * empty * empty;
    t->found += chance * k / n * p;
}

static int tally_tubes(const struct pooling_assumptions *a, int n, const double *infected, double single, struct tally *t, struct error *err) {
    struct loads l = {0};
    bool diluted = a->ct_sd > 0;
    double covered = infected[0];
    count(a, n, 0, infected[0], (struct reading){0, 0}, single, t);
    if (diluted && loads_make(a, &l, err) < 0) return err ? err->code : E_MEMORY;
    double *scratch = diluted ? mem_alloc((size_t)l.bins * sizeof *scratch) : NULL;
    int rc = diluted && !scratch ? error_set(err, E_MEMORY, "pooling", "no memory for the loads / 内存不足") : 0;
    for (int k = 1; rc == 0 && k <= n && covered < 1 - 1e-14; k++) {
        struct reading r = {1, 1};
        if (diluted && k == 1) {
            r.tube = r.both = normal((a->ct_limit - log2(n) - a->ct_mean) / a->ct_sd);
        } else if (diluted) {
            loads_add(&l, k == 2, scratch);
            scratch[l.bins - 1] = l.others[l.bins - 1];
            for (int i = l.bins - 2; i >= 0; i--) scratch[i] = l.others[i] + scratch[i + 1];
            r = read_tube(a, &l, n, scratch);
        }
        count(a, n, k, infected[k], r, single, t);
        covered += infected[k];
    }
    mem_free(scratch);
    mem_free(l.one);
    return rc;
}

/* Of one person in a tube of his own; p: how probably he is infected. */
static void tally_single(const struct pooling_assumptions *a, double p, double single, struct tally *t) {
    double empty = 1 - a->specificity;
    t->found = p * (a->sensitivity * single + empty * (1 - single));
    t->wrongly = (1 - p) * empty;
    t->positive = t->found + t->wrongly;
}

/* A tube a household: the larger ones weigh by their members. */
static int by_household(const struct pooling_assumptions *a, const struct clusters *c, double single, struct pooling_outcome *o, struct error *err) {
    static const double empty[1] = {1};
    double second = 0;
    for (int h = 1; h <= c->n; h++) {
        double infected[POOLING_HOUSEHOLD_MAX + 1] = {0}, persons = c->share[h] * h / c->mean;
        struct tally t = {0};
        int rc = 0;
        join(c, h, h, 1, empty, 0, infected);
        if (h == 1) tally_single(a, infected[1], single, &t);
        else rc = tally_tubes(a, h, infected, single, &t, err);
        if (rc < 0) return rc;
        o->found += persons * t.found;
        o->wrongly += persons * t.wrongly;
        o->held += persons * t.positive;
        o->positive += c->share[h] * t.positive;
        if (h > 1) second += persons * t.positive;
    }
    o->tubes = 1 / c->mean;
    o->tests = o->tubes + second;
    o->cost = a->tube_cost * o->tests + a->swab_cost * (1 + second) + a->hold_cost * o->held;
    return 0;
}

/* A tube of n > 1. */
static int by_size(const struct pooling_assumptions *a, const struct clusters *c, int n, double single, struct pooling_outcome *o, struct error *err) {
    double infected[POOLING_SIZE_MAX + 1];
    struct tally t = {0};
    if (a->together) tube_together(c, n, infected);
    else
        for (int k = 0; k <= n; k++) infected[k] = binomial(n, k, a->prevalence);
    int rc = tally_tubes(a, n, infected, single, &t, err);
    if (rc < 0) return rc;
    o->found = t.found;
    o->wrongly = t.wrongly;
    o->positive = o->held = t.positive;
    o->tubes = 1.0 / n;
    o->tests = o->tubes + t.positive;
    o->cost = a->tube_cost * o->tests + a->swab_cost * (1 + o->held) + a->hold_cost * o->held;
    return 0;
}

int pooling_outcome(const struct pooling_assumptions *a, int n, struct pooling_outcome *ret, struct error *err) {
    struct clusters c;
    struct tally one = {0};
    int rc = check(a, n, err);
    if (rc == 0 && (a->together || n == POOLING_A_HOUSEHOLD)) rc = clusters_of(a, &c, err);
    if (rc < 0) return rc;
    double p = a->prevalence, single = a->ct_sd > 0 ? normal((a->ct_limit - a->ct_mean) / a->ct_sd) : 1;
    struct pooling_outcome o = {.size = n};
    tally_single(a, p, single, &one);
    o.missed_single = p - one.found;
    if (n == POOLING_A_HOUSEHOLD) {
        rc = by_household(a, &c, single, &o, err);
    } else if (n > 1) {
        rc = by_size(a, &c, n, single, &o, err);
    } else {
        o.found = one.found;
        o.wrongly = one.wrongly;
        o.positive = o.held = one.positive;
        o.tubes = o.tests = 1;
        o.cost = a->tube_cost + a->swab_cost + a->hold_cost * o.held;
    }
    if (rc < 0) return rc;
    o.missed = p - o.found;
    o.sensitivity = o.found / p;
    o.specificity = 1 - o.wrongly / (1 - p);
    o.ppv = o.found + o.wrongly > 0 ? o.found / (o.found + o.wrongly) : 0;
    o.npv = (1 - p - o.wrongly) / (1 - o.found - o.wrongly);
    *ret = o;
    return 0;
}

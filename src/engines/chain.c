/* Ranking of candidates; see chain.h. */
#include "engines/chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engines/chain_work.h"

const char *const chain_fault_names[CHAIN_FAULTS] = {"onset-before", "after-isolation", "loop", "imported", "long-gap", "never-met"};

void chain_options_init(struct chain_options *o) {
    *o = (struct chain_options){.si_mean_days = 3.5, .si_sd_days = 2.4, .outside = 0.01, .accept = 0.5, .mutations_per_day = 24.0 / 365, .cut_days = 14, .today = CHAIN_NO_DAY};
}

day chain_day(const struct chain_case *c) {
    return c->onset != CHAIN_NO_DAY ? c->onset : c->reported;
}

/* ---- the serial interval, a value a day */

/* Gamma density without its constant. */
static double density(double x, double shape, double scale) {
    return x <= 0 ? 0 : exp((shape - 1) * log(x) - x / scale);
}

/* Simpson's rule over the day; of day 0 the half that is there. */
static double day_density(int32_t d, double shape, double scale) {
    double low = d ? d - 0.5 : 0.02, high = d + 0.5, sum = 0;
    enum { PIECES = 8 };
    for (int i = 0; i <= PIECES; i++) sum += density(low + (high - low) * i / PIECES, shape, scale) * (i == 0 || i == PIECES ? 1 : i % 2 ? 4 : 2);
    return sum * (high - low) / (3 * PIECES);
}

void chain_intervals(const struct chain_options *o, struct chain_intervals *ret) {
    double shape = o->si_mean_days * o->si_mean_days / (o->si_sd_days * o->si_sd_days), scale = o->si_sd_days * o->si_sd_days / o->si_mean_days, max = 0, sum = 0, part = 0;
    for (int32_t d = 0; d < CHAIN_SI_DAYS; d++) {
        ret->of[d] = day_density(d, shape, scale);
        sum += ret->of[d];
        if (ret->of[d] > max) max = ret->of[d];
    }
    ret->p99 = CHAIN_SI_DAYS - 1;
    for (int32_t d = CHAIN_SI_DAYS; d-- > 0;) {
        part += ret->of[d];
        if (part <= 0.01 * sum) ret->p99 = d;
        ret->of[d] = max > 0 ? ret->of[d] / max : 0;
    }
}

static double interval_at(const struct chain_intervals *t, int32_t d) {
    return d < 0 || d >= CHAIN_SI_DAYS ? 0 : t->of[d];
}

double chain_timing(const struct chain_options *o, int32_t days) {
    struct chain_intervals t;
    chain_intervals(o, &t);
    return interval_at(&t, days);
}

/* When one of the two days is a day of report: two days on either side. */
static double timing_of(const struct chain_intervals *t, int32_t d, bool sure) {
    if (sure) return interval_at(t, d);
    double sum = 0;
    for (int32_t k = d - 2; k <= d + 2; k++) sum += interval_at(t, k);
    return sum / 5;
}

/* Poisson over its maximum; both genomes were sampled within days of the onsets, so the time between them is about the interval. */
static double genomes_of(double rate, int32_t days, int32_t differences) {
    double mean = rate * (days > 1 ? days : 1);
    int32_t mode = (int32_t)mean;
    double log_ratio = 0;
    for (int32_t k = mode + 1; k <= differences; k++) log_ratio += log(mean / k);
    for (int32_t k = mode; k > differences; k--) log_ratio -= log(mean / k);
    return exp(log_ratio);
}

/* ---- pairs: all that is known of two cases, merged */

static int by_pair(const void *x, const void *y) {
    const struct chain_pair *a = x, *b = y;
    if (a->infectee != b->infectee) return a->infectee < b->infectee ? -1 : 1;
    if (a->infector != b->infector) return a->infector < b->infector ? -1 : 1;
    if (a->first != b->first) return a->first < b->first ? -1 : 1; /* and the rest, so that products round alike in any order of input */
    if (a->last != b->last) return a->last < b->last ? -1 : 1;
    if (a->miss != b->miss) return a->miss < b->miss ? -1 : 1;
    return (a->differences > b->differences) - (a->differences < b->differences);
}

/* Both directions of each meeting and of each pair of genomes. */
static int pairs_make(const struct chain_input *in, bool genomes, struct chain_pair **ret, size_t *ret_n, struct error *err) {
    size_t m = 0, n = 2 * (in->n_meetings + (genomes ? in->n_genomes : 0)), kept = 0;
    struct chain_pair *p = mem_alloc((n ? n : 1) * sizeof *p);
    if (!p) return error_memory(err);
    for (size_t i = 0; i < in->n_meetings; i++)
        for (int way = 0; way < 2; way++) {
            const struct chain_meeting *x = &in->meetings[i];
            p[m++] = (struct chain_pair){.infector = way ? x->b : x->a, .infectee = way ? x->a : x->b, .first = x->first, .last = x->last, .miss = 1 - x->score, .differences = -1};
        }
    for (size_t i = 0; genomes && i < in->n_genomes; i++)
        for (int way = 0; way < 2; way++) {
            const struct chain_genomes *x = &in->genomes[i];
            p[m++] = (struct chain_pair){.infector = way ? x->b : x->a, .infectee = way ? x->a : x->b, .first = CHAIN_NO_DAY, .last = CHAIN_NO_DAY, .miss = 1, .differences = x->differences, .never = true};
        }
    if (m) qsort(p, m, sizeof *p, by_pair);
    for (size_t i = 0; i < m; i++) {
        struct chain_pair *k = kept ? &p[kept - 1] : NULL;
        if (p[i].infector == p[i].infectee) continue;
        if (!k || k->infector != p[i].infector || k->infectee != p[i].infectee) {
            p[kept++] = p[i];
            continue;
        }
        if (!p[i].never) { /* a meeting whose days are not known may have been on any */
            bool open = !k->never && (k->first == CHAIN_NO_DAY || p[i].first == CHAIN_NO_DAY);
            if (k->never || open || p[i].first < k->first) k->first = open ? CHAIN_NO_DAY : p[i].first;
            if (k->never || open || p[i].last > k->last) k->last = open ? CHAIN_NO_DAY : p[i].last;
            k->miss *= p[i].miss; /* chances of separate meetings */
            k->never = false;
        }
        if (p[i].differences >= 0 && (k->differences < 0 || p[i].differences < k->differences)) k->differences = p[i].differences;
    }
    *ret = p;
    *ret_n = kept;
    return 0;
}

/* A pair without a meeting that genomes speak for is as likely as a meeting of one in a hundred. */
static const double unseen = 0.01;

static bool possible(const struct chain_input *in, const struct chain_pair *p) {
    const struct chain_case *i = &in->cases[p->infector], *j = &in->cases[p->infectee];
    day di = chain_day(i), dj = chain_day(j);
    if (j->imported || di == CHAIN_NO_DAY || dj == CHAIN_NO_DAY) return false;
    bool sure = i->onset != CHAIN_NO_DAY && j->onset != CHAIN_NO_DAY;
    if (sure && (dj < di || (dj == di && i->id > j->id))) return false;
    if (p->first != CHAIN_NO_DAY && i->isolated != CHAIN_NO_DAY && p->first > i->isolated) return false;
    if (p->first != CHAIN_NO_DAY && j->onset != CHAIN_NO_DAY && p->first > j->onset) return false;
    return true;
}

static int by_chance(const void *x, const void *y) {
    const struct chain_ranked *a = x, *b = y;
    if (a->c.chance != b->c.chance) return a->c.chance > b->c.chance ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* The candidates of one infectee from its pairs; how many. */
static size_t rank(const struct chain_options *o, const struct chain_intervals *t, const struct chain_input *in, const struct chain_pair *p, size_t n, struct chain_ranked *work,
                   struct chain_candidate *out, double *ret_outside) {
    double sum = o->outside;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct chain_case *a = &in->cases[p[i].infector], *b = &in->cases[p[i].infectee];
        if (!possible(in, &p[i])) continue;
        struct chain_candidate c = {.infector = p[i].infector, .days = chain_day(b) - chain_day(a), .differences = p[i].differences, .genomes = 1};
        c.exposure = p[i].never ? unseen : 1 - p[i].miss;
        c.timing = timing_of(t, c.days, a->onset != CHAIN_NO_DAY && b->onset != CHAIN_NO_DAY);
        if (c.differences >= 0) c.genomes = genomes_of(o->mutations_per_day, c.days, c.differences);
        c.chance = c.exposure * c.timing * c.genomes;
        if (c.chance <= 1e-12) continue;
        work[k++] = (struct chain_ranked){a->id, c};
    }
    if (k) qsort(work, k, sizeof *work, by_chance);
    for (size_t i = 0; i < k; i++) sum += work[i].c.chance;
    for (size_t i = 0; i < k; i++) {
        out[i] = work[i].c;
        out[i].chance = sum > 0 ? work[i].c.chance / sum : 0;
    }
    *ret_outside = sum > 0 ? o->outside / sum : 1;
    return k;
}

static int input_check(const struct chain_options *o, const struct chain_input *in, struct error *err) {
    if (!(o->si_mean_days > 0) || !(o->si_sd_days > 0) || !(o->outside >= 0) || !(o->mutations_per_day >= 0))
        return error_set(err, E_INVALID, "serial_interval", "the serial interval needs a mean and a deviation above 0 / 发病间隔的均值和标准差须大于 0");
    bool bad = in->n >= CHAIN_NONE;
    for (size_t i = 0; !bad && i < in->n_meetings; i++)
        bad = in->meetings[i].a >= in->n || in->meetings[i].b >= in->n || !(in->meetings[i].score >= 0 && in->meetings[i].score <= 1);
    for (size_t i = 0; !bad && i < in->n_genomes; i++) bad = in->genomes[i].a >= in->n || in->genomes[i].b >= in->n || in->genomes[i].differences < 0;
    for (size_t i = 0; !bad && i < in->n_choices; i++)
        bad = in->choices[i].infectee >= in->n || (in->choices[i].infector != CHAIN_NONE && in->choices[i].infector >= in->n);
    return bad ? error_set(err, E_INVALID, "chain", "an index or score of the chains is out of range / 传播链的输入超出范围") : 0;
}

int chain_build(const struct chain_options *o, const struct chain_input *in, struct chain_result *ret, struct error *err) {
    struct chain_result r = {.n = in->n};
    struct chain_pair *pairs = NULL;
    struct chain_ranked *work = NULL;
    struct chain_intervals t;
    size_t n_pairs = 0, most = 0;
    int rc = input_check(o, in, err);
    if (rc < 0) return rc;
    chain_intervals(o, &t);
    r.long_days = t.p99;
    rc = pairs_make(in, o->mutations_per_day > 0, &pairs, &n_pairs, err);
    if (rc < 0) return rc;
    r.nodes = mem_alloc((in->n ? in->n : 1) * sizeof *r.nodes);
    r.candidates = mem_alloc((n_pairs ? n_pairs : 1) * sizeof *r.candidates);
    for (size_t i = 0, k; i < n_pairs; i = k) {
        for (k = i; k < n_pairs && pairs[k].infectee == pairs[i].infectee;) k++;
        if (k - i > most) most = k - i;
    }
    work = mem_alloc((most ? most : 1) * sizeof *work);
    if (!r.nodes || !r.candidates || !work) rc = error_memory(err);
    for (size_t j = 0; rc == 0 && j < in->n; j++) r.nodes[j].outside = 1;
    for (size_t i = 0, k; rc == 0 && i < n_pairs; i = k) {
        struct chain_node *node = &r.nodes[pairs[i].infectee];
        for (k = i; k < n_pairs && pairs[k].infectee == pairs[i].infectee;) k++;
        node->candidates = (uint32_t)r.n_candidates;
        node->n_candidates = (uint32_t)rank(o, &t, in, pairs + i, k - i, work, r.candidates + r.n_candidates, &node->outside);
        r.n_candidates += node->n_candidates;
    }
    if (rc == 0) rc = chain_trees(o, in, pairs, n_pairs, &r, err);
    mem_free(work);
    mem_free(pairs);
    if (rc < 0) chain_result_clear(&r);
    else *ret = r;
    return rc;
}

void chain_result_clear(struct chain_result *r) {
    mem_free(r->nodes);
    mem_free(r->candidates);
    mem_free(r->trees);
    mem_free(r->contradictions);
    *r = (struct chain_result){0};
}

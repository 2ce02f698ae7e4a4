#include "desks/testing/testing.h"

int testing_pooling(const struct ledger *l, struct text disease, instant now, const struct pooling_assumptions *a, const int *sizes, int n, double more_lost,
                    struct testing_pools *ret, struct error *err) {
    const struct adoption *in_force = ledger_policy_here(l, disease, day_of_instant(now, l->zone_s));
    const struct policy *p = in_force ? in_force->policy : NULL;
    if (n < 1 || n > TESTING_SIZES_MAX) return error_set(err, E_INVALID, "sizes", "from 1 to %d sizes / 须给出 1 至 %d 种规格", TESTING_SIZES_MAX, TESTING_SIZES_MAX);
    if (disease.n && !p)
        return error_set(err, E_UNKNOWN, "disease", "no plan is in force here for %.*s / 本地没有该病种的现行方案", (int)(disease.n > 60 ? 60 : disease.n), disease.s);
    const struct parameter *most = p ? policy_parameter(p, TEXT("pooling_max")) : NULL;
    *ret = (struct testing_pools){.n = n, .best = n, .most = most ? most->value : 0};
    if (p) ret->pack = p->name;
    if (most) ret->source = most->from.source;
    for (int i = 0; i < n; i++) {
        struct pooling_outcome *o = &ret->of[i];
        int rc = pooling_outcome(a, sizes[i], o, err);
        if (rc < 0) return rc;
        ret->forbidden[i] = ret->most && sizes[i] > ret->most;
        if (!ret->forbidden[i] && o->missed - o->missed_single <= more_lost * a->prevalence + 1e-12 && (ret->best == n || o->cost < ret->of[ret->best].cost)) ret->best = i;
    }
    return 0;
}

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
        ret->forbidden[i] = ret->most && (sizes[i] == POOLING_A_HOUSEHOLD ? a->n_household : sizes[i]) > ret->most;
        if (!ret->forbidden[i] && o->missed - o->missed_single <= more_lost * a->prevalence + 1e-12 && (ret->best == n || o->cost < ret->of[ret->best].cost)) ret->best = i;
    }
    return 0;
}

json_t *testing_pools_json(const struct testing_pools *p, double people) {
    json_t *list = json_array();
    for (int i = 0; i < p->n; i++) {
        const struct pooling_outcome *o = &p->of[i];
        json_t *size = o->size == POOLING_A_HOUSEHOLD ? json_string("household") : json_integer(o->size);
        json_array_append_new(list, json_pack("{s:o, s:b, s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "size", size, "best", i == p->best, "forbidden", p->forbidden[i],
                                              "tubes_first", o->tubes * people, "tubes_tested", o->tests * people, "tube_positivity", o->positive, "held", o->held * people, "found",
                                              o->found * people, "missed", o->missed * people, "missed_more_than_single", (o->missed - o->missed_single) * people, "wrongly_positive",
                                              o->wrongly * people, "sensitivity", o->sensitivity, "ppv", o->ppv, "cost", o->cost * people));
    }
    return json_pack("{s:f, s:I, s:o, s:o, s:o}", "people", people, "pooling_max", (json_int_t)p->most, "pack", json_stringn(p->pack.s ? p->pack.s : "", p->pack.n), "source",
                     json_stringn(p->source.s ? p->source.s : "", p->source.n), "sizes", list);
}

int64_t testing_pool_most(const struct ledger *l, struct text disease, struct text region, instant now) {
    const struct adoption *a = ledger_policy(l, disease, region.n ? region : l->region, day_of_instant(now, l->zone_s));
    return policy_number(a ? a->policy : NULL, "pooling_max", 0);
}

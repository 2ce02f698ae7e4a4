/* How many swabs to one tube: refused assumptions, the published tables to their digits, laws, and a city's queue drawn by chance. */
#include "ledgers.h"

#include <Random123/philox.h>
#include <math.h>

#include "desks/testing/testing.h"

static struct pooling_assumptions plain(double p, double se, double sp) {
    struct pooling_assumptions a;
    pooling_assumptions_init(&a);
    a.prevalence = p;
    a.sensitivity = se;
    a.specificity = sp;
    a.ct_sd = 0;
    a.together = false;
    return a;
}

static struct pooling_outcome of(const struct pooling_assumptions *a, int n) {
    struct pooling_outcome o;
    struct error err = {0};
    assert_ok(pooling_outcome(a, n, &o, &err), err);
    return o;
}

static void what_cannot_hold_is_refused_by_name(void **state) {
    struct pooling_outcome o;
    static const struct {
        size_t at;
        double value;
        const char *where;
    } bad[] = {
#define BAD(field, value, where) {offsetof(struct pooling_assumptions, field), value, where}
        BAD(prevalence, 0, "prevalence"), BAD(prevalence, 1, "prevalence"), BAD(prevalence, NAN, "prevalence"), BAD(sensitivity, 0, "sensitivity"), BAD(sensitivity, 1.1, "sensitivity"),
        BAD(specificity, -0.1, "specificity"), BAD(ct_sd, -1, "ct"), BAD(ct_mean, INFINITY, "ct"), BAD(attack, 1.5, "attack"), BAD(household[0], -1, "household"),
        BAD(tube_cost, -1, "cost"), BAD(prevalence, 0.9, "prevalence"), /* more than households with this attack rate can hold */
#undef BAD
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pooling_assumptions a;
        struct error err = {0};
        pooling_assumptions_init(&a);
        a.prevalence = 0.01;
        memcpy((char *)&a + bad[i].at, &bad[i].value, sizeof bad[i].value);
        assert_int_equal(pooling_outcome(&a, 10, &o, &err), E_INVALID);
        assert_string_equal(err.where, bad[i].where);
    }
    struct pooling_assumptions a = plain(0.01, 1, 1);
    assert_int_equal(pooling_outcome(&a, -1, &o, NULL), E_INVALID);
    assert_int_equal(pooling_outcome(&a, POOLING_SIZE_MAX + 1, &o, NULL), E_INVALID);
    a.n_household = 0;
    assert_int_equal(pooling_outcome(&a, 2, &o, NULL), E_INVALID);
}

/* Dorfman 1943: 1/n + 1 - (1 - p)^n tests a person, and the size that makes it least. */
static void a_perfect_test_gives_dorfman_s_table(void **state) {
    static const struct {
        double p;
        int best;
        double tests;
    } row[] = {{0.001, 32, 0.06275892424047325}, {0.005, 15, 0.1390976978483388}, {0.01, 11, 0.19557083665037445}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct pooling_assumptions a = plain(row[i].p, 1, 1);
        int best = 1;
        for (int n = 2; n <= POOLING_SIZE_MAX; n++)
            if (of(&a, n).tests < of(&a, best).tests) best = n;
        assert_int_equal(best, row[i].best);
        struct pooling_outcome o = of(&a, best);
        assert_true(fabs(o.tests - row[i].tests) < 1e-13);
        assert_true(o.missed < 1e-13 && o.wrongly < 1e-15 && fabs(o.found - row[i].p) < 1e-13);
    }
}

static FILE *oracle(const char *name) {
    char path[600];
    const char *shared = getenv("TOCSIN_SHARED"), *home = getenv("TOCSIN_HOME");
    if (shared) snprintf(path, sizeof path, "%s/oracles/analytic/%s", shared, name);
    else snprintf(path, sizeof path, "%s/../shared/oracles/analytic/%s", home ? home : ".", name);
    FILE *f = fopen(path, "r");
    if (!f) print_message("SKIPPED: %s is not there (set TOCSIN_SHARED)\n", path);
    return f;
}

static void reference_results_are_met_to_their_digits(void **state) {
    FILE *f = oracle("dorfman_imperfect.csv");
    if (!f) skip();
    char line[400];
    int rows = 0;
    double p, se, sp, tests, se_all, sp_all, ppv, npv;
    for (int n; fgets(line, sizeof line, f);) {
        if (sscanf(line, "%lf,%lf,%lf,%d,%lf,%lf,%lf,%lf,%lf", &p, &se, &sp, &n, &tests, &se_all, &sp_all, &ppv, &npv) != 9) continue;
        struct pooling_assumptions a = plain(p, se, sp);
        struct pooling_outcome o = of(&a, n);
        assert_true(fabs(o.tests - tests) < 1e-12 && fabs(o.sensitivity - se_all) < 1e-12 && fabs(o.specificity - sp_all) < 1e-12);
        assert_true(fabs(o.ppv - ppv) < 1e-11 && fabs(o.npv - npv) < 1e-11);
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 24);
    f = oracle("dorfman.csv");
    if (!f) skip();
    for (int best; fgets(line, sizeof line, f);) {
        if (sscanf(line, "%lf,%d,%lf", &p, &best, &tests) != 3 || best > POOLING_SIZE_MAX) continue;
        struct pooling_assumptions a = plain(p, 1, 1);
        assert_true(fabs(of(&a, best).tests - tests) < 1e-12);
    }
    fclose(f);
}

/* One infected among n: c + log2 n at most the limit. With p so small that a second is never in the tube, the share of what dilution loses is that of a normal. */
static void one_infected_is_diluted_by_log2_of_the_size(void **state) {
    struct pooling_assumptions a;
    pooling_assumptions_init(&a);
    a.prevalence = 1e-9;
    a.sensitivity = a.specificity = 1;
    a.together = false;
    for (int n = 2; n <= POOLING_SIZE_MAX; n *= 2) {
        double seen = 0.5 * erfc(-(a.ct_limit - log2(n) - a.ct_mean) / a.ct_sd / sqrt(2));
        assert_true(fabs(of(&a, n).sensitivity - seen) < 1e-7);
    }
}

static void a_tube_of_more_never_finds_more_and_a_better_test_never_less(void **state) {
    for (int together = 0; together < 2; together++)
        for (double p = 0.0001; p < 0.2; p *= 5) {
            struct pooling_assumptions a;
            pooling_assumptions_init(&a);
            a.prevalence = p;
            a.together = together;
            double before = 2, held = -1;
            for (int n = 1; n <= 32; n = n < 5 ? n + 1 : n + 9) {
                struct pooling_outcome o = of(&a, n), better;
                assert_true(fabs(o.found + o.missed - p) < 1e-15);
                /* where infected are many, or come together, one of much virus in a larger tube may lift another above the limit */
                if (p < 0.001 && !together) assert_true(o.sensitivity <= before + 1e-4);
                assert_true(o.held >= held - 1e-4);
                assert_true(o.missed >= o.missed_single - 1e-12);
                struct pooling_assumptions b = a;
                b.sensitivity = 1;
                better = of(&b, n);
                assert_true(better.found >= o.found);
                b = a;
                b.ct_limit += 2;
                assert_true(of(&b, n).found >= o.found - 1e-9);
                before = o.sensitivity;
                held = o.held;
            }
        }
}

static void households_together_need_fewer_tubes_and_miss_less(void **state) {
    struct pooling_assumptions a, b;
    pooling_assumptions_init(&a);
    a.prevalence = 0.01;
    b = a;
    b.together = false;
    for (int n = 5; n <= 20; n *= 2) {
        struct pooling_outcome with = of(&a, n), without = of(&b, n);
        assert_true(with.tests < without.tests && with.held < without.held && with.missed < without.missed);
    }
    /* nobody is infected by another: it makes no difference who stands with whom, but that a household is reached once */
    a.attack = 0;
    a.n_household = 1;
    assert_true(fabs(of(&a, 10).found - of(&b, 10).found) < 1e-12);
}

/* ---- small tubes by counting every case: who is infected, what the tube says, what each single test says */
struct counted {
    double positive, tests, found, wrongly;
};

/* chance[pattern]: of each set of infected among n. A perfect signal: no dilution. */
static struct counted every_case(const struct pooling_assumptions *a, int n, const double *chance) {
    struct counted c = {0};
    for (int ill = 0; ill < 1 << n; ill++)
        for (int tube = 0; tube < 2; tube++) {
            double says = ill ? a->sensitivity : 1 - a->specificity, p = chance[ill] * (tube ? says : 1 - says);
            c.positive += tube * p;
            c.tests += p * (1 + (tube ? n : 0)) / n;
            for (int called = 0; tube && called < 1 << n; called++) {
                double q = p;
                for (int i = 0; i < n; i++) {
                    double one = ill >> i & 1 ? a->sensitivity : 1 - a->specificity;
                    q *= called >> i & 1 ? one : 1 - one;
                }
                for (int i = 0; i < n; i++) {
                    if (!(called >> i & 1)) continue;
                    if (ill >> i & 1) c.found += q / n;
                    else c.wrongly += q / n;
                }
            }
        }
    return c;
}

static void same(const struct pooling_outcome *o, const struct counted *c) {
    assert_true(fabs(o->positive - c->positive) < 1e-12 && fabs(o->tests - c->tests) < 1e-12 && fabs(o->found - c->found) < 1e-12 && fabs(o->wrongly - c->wrongly) < 1e-12);
}

static void small_tubes_are_exact(void **state) {
    for (int n = 2; n <= 5; n++)
        for (double p = 0.001; p < 0.5; p *= 7) {
            struct pooling_assumptions a = plain(p, 0.9, 0.97);
            double chance[1 << 5];
            for (int ill = 0; ill < 1 << n; ill++) {
                int k = __builtin_popcount((unsigned)ill);
                chance[ill] = pow(p, k) * pow(1 - p, n - k);
            }
            struct pooling_outcome o = of(&a, n);
            struct counted c = every_case(&a, n, chance);
            same(&o, &c);
        }
}

/* All households have two: reached with r, then one of them is infected and the other with `attack`. */
static double pair(double r, double attack, int ill) {
    if (ill == 0) return 1 - r;
    return ill == 3 ? r * attack : r * (1 - attack) / 2;
}

static void small_households_are_exact(void **state) {
    struct pooling_assumptions a = plain(0.03, 0.9, 0.97);
    double chance[1 << 3];
    a.together = true;
    a.attack = 0.4;
    a.n_household = 2;
    a.household[0] = 0, a.household[1] = 1;
    double r = a.prevalence * 2 / (1 + a.attack);
    for (int ill = 0; ill < 4; ill++) chance[ill] = pair(r, a.attack, ill);
    struct counted c = every_case(&a, 2, chance);
    struct pooling_outcome o = of(&a, POOLING_A_HOUSEHOLD);
    same(&o, &c);
    assert_true(o.tubes == 0.5);
    /* three to a tube: it begins with a whole pair or with the second of one, as often */
    for (int ill = 0; ill < 8; ill++) {
        double second = a.prevalence, whole = 0, left;
        left = (ill & 1 ? second : 1 - second) * pair(r, a.attack, ill >> 1);
        whole = pair(r, a.attack, ill & 3) * (ill & 4 ? second : 1 - second);
        chance[ill] = (left + whole) / 2;
    }
    c = every_case(&a, 3, chance);
    o = of(&a, 3);
    same(&o, &c);
}

static void a_tube_a_household_lies_between_its_sizes(void **state) {
    struct pooling_assumptions a;
    pooling_assumptions_init(&a);
    a.prevalence = 0.002;
    struct pooling_outcome o = of(&a, POOLING_A_HOUSEHOLD), single = of(&a, 1), ten = of(&a, 10);
    assert_true(o.tubes < single.tubes && o.tubes > ten.tubes && o.held < ten.held && o.sensitivity > ten.sensitivity && o.sensitivity < single.sensitivity);
    assert_true(fabs(o.found + o.missed - a.prevalence) < 1e-15);
    a.n_household = 1; /* everybody lives alone: a tube each */
    o = of(&a, POOLING_A_HOUSEHOLD);
    assert_true(fabs(o.found - single.found) < 1e-12 && fabs(o.tests - 1) < 1e-12 && fabs(o.cost - single.cost) < 1e-12);
}

/* ---- the same by chance: a queue of households, swab after swab into tubes */
struct dice {
    uint32_t at, left;
    philox4x32_ctr_t now;
};
static double draw(struct dice *d) {
    if (d->left == 0) {
        philox4x32_ctr_t c = {{d->at++, 0, 0, 0}};
        philox4x32_key_t k = {{42, 7}};
        d->now = philox4x32(c, k);
        d->left = 4;
    }
    return (d->now.v[--d->left] + 0.5) / 4294967296.0;
}
static double normal_draw(struct dice *d) {
    double u = draw(d), v = draw(d);
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

struct drawn {
    double persons, infected, found, wrongly, positive, tubes;
};

static void tube_draw(const struct pooling_assumptions *a, struct dice *d, const bool *ill, int n, struct drawn *r) {
    double load = 0, ct[POOLING_SIZE_MAX];
    for (int i = 0; i < n; i++) {
        ct[i] = ill[i] ? a->ct_mean + a->ct_sd * normal_draw(d) : 1000;
        load += exp2(-ct[i]);
        r->infected += ill[i];
    }
    r->tubes++;
    r->persons += n;
    bool signal = load > 0 && -log2(load / n) <= a->ct_limit;
    if (draw(d) >= (signal ? a->sensitivity : 1 - a->specificity)) return;
    r->positive++;
    for (int i = 0; i < n; i++) {
        bool called = draw(d) < (ct[i] <= a->ct_limit ? a->sensitivity : 1 - a->specificity);
        if (called && ill[i]) r->found++;
        if (called && !ill[i]) r->wrongly++;
    }
}

static void queue_draw(const struct pooling_assumptions *a, double introduced, int n, long households, struct drawn *r) {
    struct dice d = {0};
    bool ill[POOLING_SIZE_MAX];
    int filled = 0;
    for (long k = 0; k < households; k++) {
        double u = draw(&d), all = 0;
        int h = 1, index;
        for (int i = 0; i < a->n_household; i++) all += a->household[i];
        for (double sum = a->household[0]; h < a->n_household && u * all >= sum; sum += a->household[h++]) {}
        bool reached = draw(&d) < 1 - pow(1 - introduced, h);
        index = (int)(draw(&d) * h);
        for (int i = 0; i < h; i++) {
            ill[filled++] = reached && (i == index || draw(&d) < a->attack);
            if (filled == n) {
                tube_draw(a, &d, ill, n, r);
                filled = 0;
            }
        }
    }
}

static void near(double drawn, double said, double trials) {
    double spread = sqrt(said * (1 - said) / trials);
    if (fabs(drawn - said) > 6 * spread + 2e-5) fail_msg("drawn %.6f, said %.6f, spread %.6f", drawn, said, spread);
}

static void a_queue_drawn_by_chance_says_the_same(void **state) {
    struct pooling_assumptions a;
    pooling_assumptions_init(&a);
    a.specificity = 0.995;
    a.ct_mean = 32; /* dilution matters, and so do two infected in one tube */
    double introduced = 0.01, mean = 0, all = 0, infected = 0;
    for (int h = 1; h <= a.n_household; h++) {
        all += a.household[h - 1];
        mean += h * a.household[h - 1];
        infected += a.household[h - 1] * (1 - pow(1 - introduced, h)) * (1 + (h - 1) * a.attack);
    }
    a.prevalence = infected / mean;
    for (int n = 3; n <= 20; n += 17) {
        struct drawn r = {0};
        struct pooling_outcome o = of(&a, n);
        queue_draw(&a, introduced, n, 600000, &r);
        near(r.positive / r.tubes, o.positive, r.tubes);
        near(r.infected / r.persons, a.prevalence, r.persons / 3); /* clusters: fewer independent draws than persons */
        near(r.found / r.infected, o.sensitivity, r.infected / 3);
        near(r.wrongly / r.persons, o.wrongly, r.persons / 3);
    }
    assert_true(all > 0.99);
}

static void the_plan_in_force_forbids_a_size_that_is_then_never_best(void **state) {
    static const int sizes[] = {1, 5, 10, 20, 30};
    struct test_ledger t;
    struct testing_pools pools;
    for (size_t store = 0; store < test_stores(); store++) {
        test_ledger_make(&t, store, "covid-2021-v8", "2022-05-15T10:00"); /* at most 10 in a tube */
        struct pooling_assumptions a;
        struct error err = {0};
        pooling_assumptions_init(&a);
        a.prevalence = 0.0001;
        assert_int_equal(testing_pooling(t.l, TEXT("measles"), t.s.now, &a, sizes, 5, 0.1, &pools, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_int_equal(testing_pooling(t.l, TEXT("covid-19"), t.s.now, &a, sizes, 0, 0.1, &pools, &err), E_INVALID);
        err = (struct error){0};
        assert_ok(testing_pooling(t.l, TEXT("covid-19"), t.s.now, &a, sizes, 5, 0.1, &pools, &err), err);
        assert_int_equal(pools.most, 10);
        assert_true(!pools.forbidden[2] && pools.forbidden[3] && pools.forbidden[4]);
        assert_int_equal(pools.of[pools.best].size, 10);
        assert_ok(testing_pooling(t.l, TEXT(""), t.s.now, &a, sizes, 5, 0, &pools, &err), err);
        assert_int_equal(pools.of[pools.best].size, 1); /* nothing more may be lost */
        assert_ok(testing_pooling(t.l, TEXT(""), t.s.now, &a, sizes + 3, 2, 1, &pools, &err), err);
        assert_int_equal(pools.best, 2);                /* all forbidden: none */
        test_ledger_drop(&t);
    }
}

static void when_memory_fails_nothing_leaks(void **state) {
    struct pooling_assumptions a;
    struct pooling_outcome o;
    pooling_assumptions_init(&a);
    a.prevalence = 0.01;
    for (long i = 1; i <= 2; i++) {
        struct error err = {0};
        mem_fail_at(i, false);
        assert_int_equal(pooling_outcome(&a, 10, &o, &err), E_MEMORY);
        mem_fail_at(0, false);
        assert_int_equal(err.code, E_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_hold_is_refused_by_name),
        cmocka_unit_test(a_perfect_test_gives_dorfman_s_table),
        cmocka_unit_test(reference_results_are_met_to_their_digits),
        cmocka_unit_test(one_infected_is_diluted_by_log2_of_the_size),
        cmocka_unit_test(a_tube_of_more_never_finds_more_and_a_better_test_never_less),
        cmocka_unit_test(households_together_need_fewer_tubes_and_miss_less),
        cmocka_unit_test(small_tubes_are_exact),
        cmocka_unit_test(small_households_are_exact),
        cmocka_unit_test(a_tube_a_household_lies_between_its_sizes),
        cmocka_unit_test(a_queue_drawn_by_chance_says_the_same),
        cmocka_unit_test(the_plan_in_force_forbids_a_size_that_is_then_never_best),
        cmocka_unit_test(when_memory_fails_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

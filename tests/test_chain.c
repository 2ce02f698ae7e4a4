/* Who infected whom: what is refused, then the laws: probabilities are one together, the answer does not depend on any order, nobody infects before falling ill or
 * after being shut in, the analyst's word counts, trees are trees. On random outbreaks. */
#include <math.h>

#include "base/digest.h"
#include "check.h"
#include "engines/chain.h"

enum { CASES = 300, MEETINGS = 1500 };
static struct chain_case cases[CASES];
static struct chain_meeting meetings[MEETINGS];
static struct chain_choice choices[20];
static struct chain_genomes genomes[200];

static struct chain_input outbreak(uint64_t seed) {
    struct rng r;
    rng_seed(&r, seed);
    for (size_t i = 0; i < CASES; i++) {
        day onset = 19000 + (day)rng_below(&r, 40);
        cases[i] = (struct chain_case){.id = 1000 + (int64_t)i, .onset = rng_below(&r, 10) ? onset : CHAIN_NO_DAY, .reported = onset + (day)rng_below(&r, 5),
                                       .isolated = rng_below(&r, 3) ? onset + (day)rng_below(&r, 6) : CHAIN_NO_DAY, .controlled = rng_below(&r, 2), .imported = rng_below(&r, 20) == 0};
    }
    for (size_t i = 0; i < MEETINGS; i++) {
        uint32_t a = (uint32_t)rng_below(&r, CASES);
        day on = rng_below(&r, 4) ? 19000 + (day)rng_below(&r, 40) : CHAIN_NO_DAY;
        meetings[i] = (struct chain_meeting){a, (a + 1 + (uint32_t)rng_below(&r, CASES - 1)) % CASES, on, on == CHAIN_NO_DAY ? on : on + (day)rng_below(&r, 4), rng_unit(&r)};
    }
    for (size_t i = 0; i < 200; i++) genomes[i] = (struct chain_genomes){(uint32_t)rng_below(&r, CASES), (uint32_t)rng_below(&r, CASES), (int32_t)rng_below(&r, 4)};
    for (size_t i = 0; i < 20; i++) choices[i] = (struct chain_choice){(uint32_t)(i * 7), rng_below(&r, 4) ? (uint32_t)rng_below(&r, CASES) : CHAIN_NONE};
    return (struct chain_input){cases, CASES, meetings, MEETINGS, genomes, 200, choices, 20};
}

static struct chain_options options(void) {
    struct chain_options o;
    chain_options_init(&o);
    o.today = 19050;
    return o;
}

static void input_that_is_wrong(void **state) {
    struct chain_options o = options();
    struct chain_result r = {0};
    struct error err = {0};
    struct chain_input in = outbreak(1);
    meetings[7].score = 1.5;
    assert_int_equal(chain_build(&o, &in, &r, &err), E_INVALID);
    meetings[7].score = NAN;
    assert_int_equal(chain_build(&o, &in, &r, &err), E_INVALID);
    in = outbreak(1);
    meetings[7].b = CASES;
    assert_int_equal(chain_build(&o, &in, &r, &err), E_INVALID);
    in = outbreak(1);
    choices[3].infector = CASES + 5;
    assert_int_equal(chain_build(&o, &in, &r, &err), E_INVALID);
    in = outbreak(1);
    o.si_sd_days = 0;
    assert_int_equal(chain_build(&o, &in, &r, &err), E_INVALID);
    assert_null(r.nodes);
    o = options();
    in.n = in.n_meetings = in.n_genomes = in.n_choices = 0;
    assert_ok(chain_build(&o, &in, &r, &err), err);
    assert_int_equal(r.n_trees, 0);
    chain_result_clear(&r);
}

static struct chain_result built(const struct chain_options *o, const struct chain_input *in) {
    struct chain_result r = {0};
    struct error err = {0};
    assert_ok(chain_build(o, in, &r, &err), err);
    return r;
}

static void chances_are_one_together_and_nobody_infects_who_cannot(void **state) {
    struct chain_options o = options();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct chain_input in = outbreak(seed);
        struct chain_result r = built(&o, &in);
        for (size_t j = 0; j < in.n; j++) {
            const struct chain_node *x = &r.nodes[j];
            double sum = x->outside;
            for (uint32_t k = 0; k < x->n_candidates; k++) {
                const struct chain_candidate *c = &r.candidates[x->candidates + k];
                const struct chain_case *i = &cases[c->infector];
                sum += c->chance;
                assert_true(c->infector != j && c->chance > 0);
                if (k) assert_true(c->chance <= c[-1].chance);
                if (i->onset != CHAIN_NO_DAY && cases[j].onset != CHAIN_NO_DAY) assert_true(i->onset <= cases[j].onset);
            }
            assert_true(fabs(sum - 1) < 1e-9);
            if (cases[j].imported) assert_int_equal(x->n_candidates, 0);
            if (x->by == CHAIN_BY_MACHINE && x->parent != CHAIN_NONE) assert_true(r.candidates[x->candidates].infector == x->parent && r.candidates[x->candidates].chance >= o.accept);
        }
        chain_result_clear(&r);
    }
}

static void trees_are_trees(void **state) {
    struct chain_options o = options();
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct chain_input in = outbreak(seed);
        struct chain_result r = built(&o, &in);
        size_t total = 0, loops;
        for (size_t j = 0; j < in.n; j++) {
            const struct chain_node *x = &r.nodes[j];
            uint32_t at = (uint32_t)j, steps = 0;
            while (r.nodes[at].parent != CHAIN_NONE && steps <= in.n) at = r.nodes[at].parent, steps++;
            assert_int_equal(steps, x->generation);
            assert_int_equal(r.trees[x->tree].root, at);
            assert_true(x->generation <= r.trees[x->tree].generations);
        }
        for (size_t t = 0; t < r.n_trees; t++) {
            total += r.trees[t].size;
            assert_int_equal(r.nodes[r.trees[t].root].descendants + 1, r.trees[t].size);
            if (t) assert_true(r.trees[t].size <= r.trees[t - 1].size);
        }
        assert_int_equal(total, in.n);
        for (size_t k = 0; k < r.n_contradictions; k++) {
            const struct chain_contradiction *c = &r.contradictions[k];
            if (c->kind == CHAIN_ONSET_BEFORE) assert_true(cases[c->infectee].onset < cases[c->infector].onset);
            if (c->kind == CHAIN_LONG_GAP) assert_true(c->days > r.long_days);
        }
        chain_result_clear(&r);
        /* a circle that somebody chose is told and opened */
        struct chain_choice round[] = {{1, 2}, {2, 3}, {3, 1}};
        in.choices = round;
        in.n_choices = 3;
        r = built(&o, &in);
        loops = 0;
        for (size_t k = 0; k < r.n_contradictions; k++) loops += r.contradictions[k].kind == CHAIN_LOOP && r.contradictions[k].infectee >= 1 && r.contradictions[k].infectee <= 3;
        assert_int_equal(loops, 1);
        chain_result_clear(&r);
    }
}

static uint32_t turned(uint32_t i) {
    return i == CHAIN_NONE ? i : CASES - 1 - i;
}

static void the_order_of_the_input_does_not_matter(void **state) {
    struct chain_options o = options();
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static struct chain_case other[CASES];
        static struct chain_meeting met[MEETINGS];
        static struct chain_genomes near[200];
        struct chain_choice chosen[20];
        struct chain_input in = outbreak(seed);
        struct chain_result a = built(&o, &in);
        for (size_t i = 0; i < CASES; i++) other[turned((uint32_t)i)] = cases[i];
        for (size_t i = 0; i < MEETINGS; i++) {
            met[MEETINGS - 1 - i] = meetings[i];
            met[MEETINGS - 1 - i].a = turned(meetings[i].b); /* a meeting has no direction */
            met[MEETINGS - 1 - i].b = turned(meetings[i].a);
        }
        for (size_t i = 0; i < 200; i++) near[199 - i] = (struct chain_genomes){turned(genomes[i].a), turned(genomes[i].b), genomes[i].differences};
        for (size_t i = 0; i < 20; i++) chosen[19 - i] = (struct chain_choice){turned(choices[i].infectee), turned(choices[i].infector)};
        struct chain_input back = {other, CASES, met, MEETINGS, near, 200, chosen, 20};
        struct chain_result b = built(&o, &back);
        for (uint32_t j = 0; j < CASES; j++) {
            const struct chain_node *x = &a.nodes[j], *y = &b.nodes[turned(j)];
            assert_true(x->n_candidates == y->n_candidates && x->generation == y->generation && x->descendants == y->descendants && x->tree == y->tree);
            assert_int_equal(turned(x->parent), y->parent);
            for (uint32_t k = 0; k < x->n_candidates; k++) {
                const struct chain_candidate *c = &a.candidates[x->candidates + k], *d = &b.candidates[y->candidates + k];
                assert_true(turned(c->infector) == d->infector && fabs(c->chance - d->chance) < 1e-12);
            }
        }
        assert_true(a.n_contradictions == b.n_contradictions);
        chain_result_clear(&a);
        chain_result_clear(&b);
    }
}

static double chance_of(const struct chain_result *r, uint32_t infectee, uint32_t infector) {
    const struct chain_node *x = &r->nodes[infectee];
    for (uint32_t k = 0; k < x->n_candidates; k++)
        if (r->candidates[x->candidates + k].infector == infector) return r->candidates[x->candidates + k].chance;
    return 0;
}

static void time_exposure_and_genomes_speak(void **state) {
    struct chain_options o = options();
    struct chain_case c[] = {{1, 100, 102, CHAIN_NO_DAY, false, false}, {2, 100, 102, CHAIN_NO_DAY, false, false}, {3, 103, 104, CHAIN_NO_DAY, false, false}, {4, 120, 121, 103, true, false}};
    struct chain_meeting m[] = {{0, 2, 101, 101, 0.2}, {1, 2, 101, 101, 0.2}, {3, 2, 102, 102, 0.9}};
    struct chain_input in = {.cases = c, .n = 4, .meetings = m, .n_meetings = 3};
    o.today = 118;
    struct chain_result r = built(&o, &in);
    assert_true(chance_of(&r, 2, 0) == chance_of(&r, 2, 1) && chance_of(&r, 2, 3) == 0); /* who fell ill later is no source */
    double before = chance_of(&r, 2, 0);
    assert_true(before > 0.4);
    assert_int_equal(r.nodes[2].parent, CHAIN_NONE); /* two as likely: neither is taken */
    assert_true(chance_of(&r, 3, 2) < 0.2);          /* 17 days */
    chain_result_clear(&r);
    m[0].score = 0.4; /* longer together */
    r = built(&o, &in);
    assert_true(chance_of(&r, 2, 0) > before && r.nodes[2].parent == 0 && r.nodes[2].by == CHAIN_BY_MACHINE);
    chain_result_clear(&r);
    struct chain_genomes g[] = {{0, 2, 6}, {1, 2, 0}};
    in.genomes = g, in.n_genomes = 2;
    r = built(&o, &in); /* genomes outweigh it */
    assert_true(r.nodes[2].parent == 1 && chance_of(&r, 2, 1) > chance_of(&r, 2, 0));
    chain_result_clear(&r);
    struct chain_choice w[] = {{2, 0}, {3, 2}, {1, 3}};
    in.choices = w, in.n_choices = 3;
    r = built(&o, &in); /* the analyst's word counts, the machine's ranking stays beside it */
    assert_true(r.nodes[2].parent == 0 && r.nodes[2].by == CHAIN_BY_ANALYST && r.candidates[r.nodes[2].candidates].infector == 1);
    bool late = false, before_it = false, stranger = false;
    for (size_t k = 0; k < r.n_contradictions; k++) {
        late |= r.contradictions[k].kind == CHAIN_LONG_GAP && r.contradictions[k].infectee == 3;
        before_it |= r.contradictions[k].kind == CHAIN_ONSET_BEFORE && r.contradictions[k].infectee == 1;
        stranger |= r.contradictions[k].kind == CHAIN_NEVER_MET && r.contradictions[k].infectee == 1;
    }
    assert_true(late && before_it && stranger);
    assert_true(r.trees[0].open && r.trees[0].last_outside == 104 && r.long_days >= 9 && r.long_days <= 14);
    chain_result_clear(&r);
    o.today = 119;
    o.cut_days = 14;
    r = built(&o, &in); /* fifteen days after the last one in the community; the one found under control does not count */
    assert_false(r.trees[0].open);
    chain_result_clear(&r);
    double peak = 0;
    for (int32_t d = 0; d < CHAIN_SI_DAYS; d++) peak = fmax(peak, chain_timing(&o, d));
    assert_true(fabs(peak - 1) < 1e-12 && chain_timing(&o, -1) == 0 && chain_timing(&o, 2) > chain_timing(&o, 9));
}

static bool only_even(uint32_t node, void *arg) {
    (void)arg;
    return node % 2 == 0;
}

static void a_part_is_a_part(void **state) {
    struct chain_options o = options();
    struct chain_input in = outbreak(3);
    struct chain_result r = built(&o, &in);
    struct chain_part p = {0};
    struct error err = {0};
    struct chain_look look = {.centre = CASES, .steps = 2, .max_nodes = 50, .from = CHAIN_NO_DAY, .to = CHAIN_NO_DAY, .candidates = 0.05};
    assert_int_equal(chain_look(&in, &r, &look, &p, &err), E_INVALID);
    look.centre = r.trees[0].root;
    assert_ok(chain_look(&in, &r, &look, &p, &err), err);
    assert_true(p.n_nodes > 1 && p.n_nodes <= 50 && p.nodes[0] == look.centre && p.n_edges >= p.n_nodes - 1);
    for (size_t i = 0; i < p.n_edges; i++) assert_true(p.edges[i].by != CHAIN_BY_NOBODY || p.edges[i].chance >= 0.05);
    chain_part_clear(&p);
    look.steps = 100, look.max_nodes = CASES, look.candidates = 2;
    assert_ok(chain_look(&in, &r, &look, &p, &err), err);
    assert_int_equal(p.n_nodes, r.trees[0].size); /* all of the tree and nothing else */
    assert_int_equal(p.n_edges, r.trees[0].size - 1);
    chain_part_clear(&p);
    look.seen = only_even;
    look.centre = CHAIN_NONE;
    assert_ok(chain_look(&in, &r, &look, &p, &err), err);
    for (size_t i = 0; i < p.n_nodes; i++) assert_true(p.nodes[i] % 2 == 0);
    assert_true(p.hidden > 0);
    chain_part_clear(&p);
    look.seen = NULL, look.from = 19010, look.to = 19020;
    assert_ok(chain_look(&in, &r, &look, &p, &err), err);
    for (size_t i = 0; i < p.n_nodes; i++) {
        day d = chain_day(&cases[p.nodes[i]]);
        assert_true(d >= 19010 && d < 19020);
    }
    chain_part_clear(&p);
    chain_result_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_that_is_wrong), cmocka_unit_test(chances_are_one_together_and_nobody_infects_who_cannot), cmocka_unit_test(trees_are_trees),
        cmocka_unit_test(the_order_of_the_input_does_not_matter), cmocka_unit_test(time_exposure_and_genomes_speak), cmocka_unit_test(a_part_is_a_part),
    };
    if (digest_init(NULL) < 0) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

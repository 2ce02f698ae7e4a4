/* Bad nights: killed at any moment, two at once. What was promised is there, whole and once; what was not is there wholly or not at all; and
 * the same work done again ends where good nights would have ended. TOCSIN_NIGHT_ROUNDS (12) and TOCSIN_NIGHT_SEED; `make nights` runs 200. */
#include "nights/victims.h"

static const char *const NOW = "2022-05-30T10:00";
static const char *const PACK = "covid-2022-v9";

static void whole(struct test_ledger *t, int64_t step, bool duties, const char *when) {
    char why[NIGHT_WHY];
    if (night_check(t->l, night_at(step), duties, why) < 0) fail_msg("%s: %s", when, why);
}

static int64_t round_of(struct test_ledger *t, struct rng *rng, struct promises *p, long round) {
    char seed[24];
    snprintf(seed, sizeof seed, "%ld", victim_setting("TOCSIN_NIGHT_SEED", 1));
    const char *args[] = {t->o.dir, seed, "-1", "1000000", NULL};
    struct victim v = victim_start(args, NULL, NULL);
    if (rng_below(rng, 8) != 0) { /* else perhaps while it still opens the node */
        victim_listen_lines(&v, 1 + rng_below(rng, 24), rng);
    } else {
        victim_listen(&v, victim_ms() + (int64_t)rng_below(rng, 60));
    }
    victim_end(&v, true);
    if (strncmp(victim_words(&v), "E ", 2) == 0 || strstr(victim_words(&v), "\nE ")) fail_msg("round %ld: %.200s", round, victim_words(&v));
    promises_add(p, &v);
    victim_clear(&v);
    night_reopen(t);
    char why[NIGHT_WHY];
    if (promises_kept(p, t->l, why) < 0) fail_msg("round %ld: %s", round, why);
    int64_t next = night_next(t->l);
    ledger_close(t->l);
    t->l = NULL;
    return next;
}

/* The same steps in one quiet process on SQLite. */
static void good_nights(int64_t steps, struct night_lines *ret) {
    struct test_ledger t;
    struct error err = {0};
    test_ledger_make(&t, 0, PACK, NOW);
    struct night s = {.l = t.l, .seed = (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1)};
    db_run(t.l->db, "PRAGMA synchronous=OFF", NULL, 0, NULL, NULL);
    for (int64_t i = 0; i < steps; i++)
        if (night_step(&s, i, &err) < 0) fail_msg("step %lld: %s", (long long)i, err.message);
    whole(&t, steps, true, "good nights");
    assert_ok(night_dump(t.l, ret, &err), err);
    arena_clear(&s.a);
    test_ledger_drop(&t);
}

static void killed_at_any_moment(void **state) {
    (void)state;
    struct test_ledger t;
    long rounds = victim_setting("TOCSIN_NIGHT_ROUNDS", 12);
    EACH_STORE(t, PACK, NOW) {
        struct promises p = {0};
        struct rng rng;
        struct error err = {0};
        char seed[24], why[NIGHT_WHY];
        int64_t next = 0;
        rng_seed(&rng, (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1) + store_);
        ledger_close(t.l);
        t.l = NULL;
        for (long i = 0; i < rounds; i++) {
            next = round_of(&t, &rng, &p, i);
            if (i % (rounds > 20 ? 10 : 3) != 0) continue;
            night_reopen(&t);
            whole(&t, next, true, "after a kill");
            ledger_close(t.l);
            t.l = NULL;
        }
        /* a last, quiet round ends on a step we know */
        snprintf(seed, sizeof seed, "%ld", victim_setting("TOCSIN_NIGHT_SEED", 1));
        const char *args[] = {t.o.dir, seed, "-1", "60", NULL};
        struct victim v = victim_start(args, NULL, NULL);
        victim_end(&v, false);
        if (!WIFEXITED(v.status) || WEXITSTATUS(v.status) != 0) fail_msg("the last round: %s", victim_words(&v));
        promises_add(&p, &v);
        victim_clear(&v);
        night_reopen(&t);
        if (promises_kept(&p, t.l, why) < 0) fail_msg("%s", why);
        whole(&t, next + 60, true, "at the end");
        struct night_lines is = {0}, should = {0};
        assert_ok(night_dump(t.l, &is, &err), err);
        print_message("# %s: %ld kills, %lld steps, %zu promises, %zu lines\n", test_store_is_pg(store_) ? "postgresql" : "sqlite", rounds, (long long)next + 60,
                      p.n, is.n);
        char *name = test_store_list[0].name, *url = test_store_list[0].url; /* good_nights takes the place of store 0 */
        test_store_list[0].name = test_store_list[0].url = NULL;
        good_nights(next + 60, &should);
        test_store_list[0].name = name;
        test_store_list[0].url = url;
        if (night_same(&is, &should, why) < 0) fail_msg("not what good nights leave: %s", why);
        night_lines_clear(&is);
        night_lines_clear(&should);
        arena_clear(&p.a);
    }
}

static int64_t table_count(struct test_ledger *t, const char *table) {
    return test_count(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"%s\"", table));
}

static void an_import_killed_is_run_again(void **state) {
    (void)state;
    struct test_ledger t;
    long rounds = (victim_setting("TOCSIN_NIGHT_ROUNDS", 12) + 1) / 2;
    enum { ROWS = 900 };
    EACH_STORE(t, PACK, NOW) {
        struct rng rng;
        int64_t rules = 0;
        rng_seed(&rng, (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1) + 77 + store_);
        const char *args[] = {t.o.dir, "5", "import", "900", "30", NULL};
        ledger_close(t.l);
        t.l = NULL;
        for (long i = 0; i < rounds; i++) {
            struct victim v = victim_start(args, NULL, NULL);
            victim_listen_lines(&v, 1 + rng_below(&rng, 6), &rng);
            victim_end(&v, true);
            long long told = 0, n; /* records written, as this import counts */
            for (const char *s = victim_words(&v); *s; s += strcspn(s, "\n") + 1)
                if (sscanf(s, "P %lld", &n) == 1) told = n;
            victim_clear(&v);
            night_reopen(&t);
            int64_t contacts = table_count(&t, "contact"), people = table_count(&t, "person");
            if (contacts != people) fail_msg("a row stands half: %lld contacts of %lld people", (long long)contacts, (long long)people);
            if (contacts + people < told) fail_msg("%lld records promised", told);
            whole(&t, 0, true, "after a killed import");
            ledger_close(t.l);
            t.l = NULL;
        }
        for (int again = 0; again < 2; again++) {
            struct victim v = victim_start(args, NULL, NULL);
            long long rows = 0, created = 0, changed = 0, unchanged = 0, rejected = 0;
            victim_end(&v, false);
            const char *said = strstr(victim_words(&v), "I ");
            if (!said || sscanf(said, "I %lld %lld %lld %lld %lld", &rows, &created, &changed, &unchanged, &rejected) != 5) fail_msg("%s", victim_words(&v));
            assert_true(rows == ROWS && changed == 0 && rejected == 0 && created + unchanged == ROWS && (!again || created == 0));
            victim_clear(&v);
        }
        night_reopen(&t);
        assert_int_equal(table_count(&t, "contact"), ROWS);
        assert_int_equal(table_count(&t, "person"), ROWS);
        whole(&t, 0, true, "after the import");
        rules = test_count(&t, "SELECT COUNT(DISTINCT \"rule\") FROM \"obligation\" WHERE \"register\" = 'contact'");
        assert_true(rules >= 3);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"register\" = 'contact'"), rules * ROWS);
    }
}

/* Requests with keys through the queue, many hands, killed; sent again from the start until all were answered. */
static void requests_killed_are_sent_again(void **state) {
    (void)state;
    struct test_ledger t;
    long rounds = (victim_setting("TOCSIN_NIGHT_ROUNDS", 12) + 1) / 2;
    EACH_STORE(t, PACK, NOW) {
        struct answers x = {0};
        struct rng rng;
        char why[NIGHT_WHY] = "";
        rng_seed(&rng, (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1) + 177 + store_);
        const char *args[] = {t.o.dir, "6", "insist", "6", "60", NULL};
        for (long i = 0; i <= rounds; i++) {
            ledger_close(t.l);
            t.l = NULL;
            struct victim v = victim_start(args, NULL, NULL);
            if (i < rounds) victim_listen_lines(&v, 1 + rng_below(&rng, 200), &rng);
            victim_end(&v, i < rounds);
            if (i == rounds && !strstr(victim_words(&v), "D\n")) fail_msg("%.200s", victim_words(&v));
            int rc = answers_add(&x, &v, why);
            victim_clear(&v);
            night_reopen(&t);
            if (!rc) rc = answers_kept(&x, t.l, why);
            if (rc < 0) fail_msg("round %ld: %s", i, why);
            whole(&t, 0, true, "after killed requests");
        }
        assert_int_equal(x.n, 360);
        assert_int_equal(table_count(&t, "person"), 360);
        assert_int_equal(table_count(&t, "repeat"), 360);
        arena_clear(&x.a);
    }
}

static void two_lives_in_one_store(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, PACK, NOW) {
        struct victim v[2];
        const char *const args[2][5] = {{t.o.dir, "11", "0", "80"}, {t.o.dir, "12", "200", "80"}};
        for (size_t i = 0; i < 2; i++) v[i] = victim_start(args[i], NULL, NULL);
        for (size_t i = 0; i < 2; i++) {
            victim_end(&v[i], false);
            if (!WIFEXITED(v[i].status) || WEXITSTATUS(v[i].status) != 0) fail_msg("%.300s", victim_words(&v[i]) + (v[i].said.n > 300 ? v[i].said.n - 300 : 0));
        }
        night_reopen(&t);
        whole(&t, 400, true, "two lives");
        for (size_t i = 0; i < 2; i++) victim_clear(&v[i]);
    }
}

static void nobody_loses_an_update(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, PACK, NOW) {
        enum { TIMES = 24 };
        struct victim v[2];
        int64_t place = test_record(&t, "place", "title", "隔离点", "capacity", "0");
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long)place);
        const char *const args[2][6] = {{t.o.dir, "1", "count", "24", id}, {t.o.dir, "2", "count", "24", id}};
        for (size_t i = 0; i < 2; i++) v[i] = victim_start(args[i], NULL, NULL);
        for (size_t i = 0; i < 2; i++) {
            victim_end(&v[i], false);
            if (!strstr(victim_words(&v[i]), "D\n")) fail_msg("%s", victim_words(&v[i]));
            victim_clear(&v[i]);
        }
        night_reopen(&t);
        assert_int_equal(test_count(&t, "SELECT \"capacity\" FROM \"place\""), 2 * TIMES);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\""), 2 * TIMES);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"adoption\""), 2);
        /* who recorded after the adoption recorded under it, in whichever process */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"register\" = 'case' AND \"state\" = 'open' AND \"pack\" <> (SELECT "
                                        "MAX(\"id\") FROM \"adoption\")"), 0);
        whole(&t, TIMES, true, "two who count");
    }
}

static void two_imports_of_one_list(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, PACK, NOW) {
        struct victim v[2];
        const char *args[] = {t.o.dir, "5", "import", "500", "40", NULL};
        for (size_t i = 0; i < 2; i++) v[i] = victim_start(args, NULL, NULL);
        for (size_t i = 0; i < 2; i++) {
            victim_end(&v[i], false);
            if (!strstr(victim_words(&v[i]), "D\n")) fail_msg("%s", victim_words(&v[i]));
            victim_clear(&v[i]);
        }
        night_reopen(&t);
        assert_int_equal(table_count(&t, "contact"), 500);
        assert_int_equal(table_count(&t, "person"), 500);
        whole(&t, 0, true, "two imports");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment),   cmocka_unit_test(an_import_killed_is_run_again), cmocka_unit_test(two_lives_in_one_store),
        cmocka_unit_test(requests_killed_are_sent_again),
        cmocka_unit_test(nobody_loses_an_update), cmocka_unit_test(two_imports_of_one_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

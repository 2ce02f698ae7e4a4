/* Bad nights of the server: PostgreSQL stopped as by a power cut and started again while one records, alone and through the queue. No loss, no
 * double; the same process goes on by itself. On a cluster of its own, because others use the one they were given. */
#include "nights/victims.h"

static const char *const NOW = "2022-05-30T10:00";
static const char *const PACK = "covid-2022-v9";
static char folder[64];

static int pg(const char *verb, char *url, size_t n) {
    char command[400];
    const char *home = getenv("TOCSIN_HOME");
    snprintf(command, sizeof command, "%s/tests/pg %s %s 2>/dev/null", home ? home : ".", verb, folder);
    FILE *f = popen(command, "r");
    if (!f) return -1;
    if (!fgets(url, (int)n, f)) url[0] = '\0';
    url[strcspn(url, "\n")] = '\0';
    return pclose(f);
}

/* The only store of this test. */
static int begin(void **state) {
    static char url[256];
    (void)state;
    const char *stores = getenv("TOCSIN_TEST_STORES");
    if (!stores || !strstr(stores, "postgres")) return 0;
    snprintf(folder, sizeof folder, "/tmp/tocsin-night-XXXXXX");
    if (!mkdtemp(folder) || pg("start", url, sizeof url) != 0 || !url[0]) return 0;
    setenv("TOCSIN_TEST_STORES", url, 1);
    return 0;
}

static int end(void **state) {
    char none[256];
    (void)state;
    if (folder[0]) pg("stop", none, sizeof none);
    return 0;
}

static bool server(void) {
    if (folder[0] && test_stores() == 1 && test_store_is_pg(0)) return true;
    print_message("SKIPPED: no PostgreSQL of our own to stop\n");
    return false;
}

/* Restarts it at random moments until the victim has ended; how many times. */
static long restart_until(struct victim *v, struct rng *rng, long most) {
    char url[256];
    long n = 0;
    while (!victim_listen(v, victim_ms() + 150 + (int64_t)rng_below(rng, 500))) {
        if (n >= most || !v->said.n) continue; /* it opens the store first */
        if (pg("restart", url, sizeof url) != 0) fail_msg("PostgreSQL does not come back");
        n++;
    }
    return n;
}

static void recording_survives(void **state) {
    (void)state;
    if (!server()) skip();
    struct test_ledger t, good;
    struct promises p = {0};
    struct rng rng;
    struct error err = {0};
    char why[NIGHT_WHY];
    long most = (victim_setting("TOCSIN_NIGHT_ROUNDS", 12) + 3) / 4;
    int64_t steps = 60 * most;
    rng_seed(&rng, (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1));
    test_ledger_make(&t, 0, PACK, NOW);
    ledger_close(t.l);
    t.l = NULL;
    char count[24];
    snprintf(count, sizeof count, "%lld", (long long)steps);
    const char *args[] = {t.o.dir, "71", "0", count, NULL};
    setenv("TOCSIN_NIGHT_PATIENCE", "100000", 1);
    struct victim v = victim_start(args, NULL, NULL);
    long n = restart_until(&v, &rng, most);
    victim_end(&v, false);
    unsetenv("TOCSIN_NIGHT_PATIENCE");
    if (!strstr(victim_words(&v), "D\n")) fail_msg("%.300s", victim_words(&v) + (v.said.n > 300 ? v.said.n - 300 : 0));
    long failures = 0;
    for (const char *s = victim_words(&v); (s = strstr(s, "E -")); s++) {
        if (atoi(s + 2) != E_STORE && atoi(s + 2) != E_BUSY) fail_msg("%.200s", s);
        failures++;
    }
    promises_add(&p, &v);
    victim_clear(&v);
    night_reopen(&t);
    if (promises_kept(&p, t.l, why) < 0) fail_msg("%s", why);
    if (night_check(t.l, night_at(steps), true, why) < 0) fail_msg("%s", why);
    struct night_lines is = {0}, should = {0};
    assert_ok(night_dump(t.l, &is, &err), err);
    test_ledger_drop(&t);
    test_ledger_make(&good, 0, PACK, NOW);
    struct night q = {.l = good.l, .seed = 71};
    db_run(good.l->db, "SET synchronous_commit = off", NULL, 0, NULL, NULL);
    for (int64_t i = 0; i < steps; i++)
        if (night_step(&q, i, &err) < 0) fail_msg("%s", err.message);
    assert_ok(night_dump(good.l, &should, &err), err);
    if (night_same(&is, &should, why) < 0) fail_msg("not what good nights leave: %s", why);
    print_message("# %ld restarts, %ld failures met, %lld steps, %zu promises\n", n, failures, (long long)steps, p.n);
    night_lines_clear(&is);
    night_lines_clear(&should);
    arena_clear(&q.a);
    arena_clear(&p.a);
    test_ledger_drop(&good);
}

static void requests_are_answered_once(void **state) {
    (void)state;
    if (!server()) skip();
    struct test_ledger t;
    struct rng rng;
    struct answers x = {0};
    char why[NIGHT_WHY] = "", count[24];
    long most = (victim_setting("TOCSIN_NIGHT_ROUNDS", 12) + 3) / 4, each = 40 * most;
    long long failures = 0;
    rng_seed(&rng, (uint64_t)victim_setting("TOCSIN_NIGHT_SEED", 1) + 1);
    test_ledger_make(&t, 0, PACK, NOW);
    ledger_close(t.l);
    t.l = NULL;
    snprintf(count, sizeof count, "%ld", each);
    const char *args[] = {t.o.dir, "81", "insist", "8", count, NULL};
    struct victim v = victim_start(args, NULL, NULL);
    long n = restart_until(&v, &rng, most);
    victim_end(&v, false);
    const char *said = strstr(victim_words(&v), "F ");
    if (!said || sscanf(said, "F %lld", &failures) != 1) fail_msg("%.300s", victim_words(&v));
    int rc = answers_add(&x, &v, why);
    victim_clear(&v);
    night_reopen(&t);
    if (!rc) rc = answers_kept(&x, t.l, why);
    if (rc < 0) fail_msg("%s", why);
    arena_clear(&x.a);
    assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 8 * each);
    assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"repeat\""), 8 * each);
    assert_int_equal(test_count(&t, "SELECT COUNT(DISTINCT \"id\") FROM \"repeat\""), 8 * each);
    if (night_check(t.l, night_at(0), true, why) < 0) fail_msg("%s", why);
    print_message("# %ld restarts, %lld requests sent again, %ld records\n", n, failures, 8 * each);
    test_ledger_drop(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(recording_survives), cmocka_unit_test(requests_are_answered_once)};
    return cmocka_run_group_tests(tests, begin, end);
}

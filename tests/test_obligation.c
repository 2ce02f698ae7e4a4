/* How duties lie in the store: written in words and read in words, found by the clock and by who asks for the open ones; older stores carried over. */
#include "duties.h"
#include "ledgers.h"

#include "desks/duty.h"

static const char *const NOW = "2022-08-15T10:00";

static void run(struct test_ledger *t, const char *sql) {
    struct error err = {0};
    assert_ok(db_begin(t->l->db, &err), err);
    assert_ok(db_run(t->l->db, sql, NULL, 0, NULL, &err), err);
    assert_ok(db_commit(t->l->db, &err), err);
}

/* After rows that did not come through the books. */
static void recount(struct test_ledger *t) {
    struct error err = {0};
    assert_ok(ledger_begin(t->l, &err), err);
    assert_ok(tally_rebuild(t->l, &err), err);
    assert_ok(ledger_commit(t->l, t->s.now, &err), err);
}

static void contacts(struct test_ledger *t, int n) {
    for (int i = 0; i < n; i++) {
        const char *who = test_id(t, test_record(t, "person", "name", "王芳"));
        test_record(t, "contact", "person", who, "disease", "covid-19", "last_contact", i % 2 ? "2022-08-14" : "2022-08-13");
    }
}

static void a_duty_in_no_known_state_is_refused(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct obligation o = {.region = TEXT("310115"), .owner_region = TEXT("310115"), .rule = TEXT("r"), .reg = TEXT("contact"), .desk = TEXT("tracing"), .state = TEXT("asleep"),
                               .holder = 7, .record = 7, .closed_at = INSTANT_NONE};
        struct obligation *list = &o;
        assert_ok(ledger_begin(t.l, &err), err);
        assert_int_equal(obligation_write(t.l, DB_INSERT, DUTY_WHOLE, &list, 1, t.s.now, &err), E_INVALID);
        ledger_rollback(t.l);
        /* what the transaction had made known is unknown again */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"duty_kind\" WHERE \"rule\" = 'r'"), 0);
        o.state = TEXT("open");
        o.id = 0;
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(obligation_write(t.l, DB_INSERT, DUTY_WHOLE, &list, 1, t.s.now, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'r' AND \"register\" = 'contact' AND \"desk\" = 'tracing' AND \"holder\" = 7"), 1);
        /* and it counts on from the last of this holder */
        o.id = 0;
        o.record = 8;
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(obligation_write(t.l, DB_INSERT, DUTY_WHOLE, &list, 1, t.s.now, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(DISTINCT \"id\") FROM \"obligation\" WHERE \"holder\" = 7"), 2);
        /* the last id of a holder is not passed on to the next holder */
        o.id = 0;
        o.record = 9;
        run(&t, "UPDATE \"duty\" SET \"id\" = 7 * 65536 + 65535 WHERE \"record\" = 8");
        assert_ok(ledger_begin(t.l, &err), err);
        assert_int_equal(obligation_write(t.l, DB_INSERT, DUTY_WHOLE, &list, 1, t.s.now, &err), E_TOO_LARGE);
        ledger_rollback(t.l);
    }
}

/* Every open duty is on a page that the clock will look at no later than it must, whatever the clock has done meanwhile. */
static void the_clock_finds_every_open_duty(void **state) {
    static const char *const late = "SELECT COUNT(*) FROM \"obligation\" o WHERE o.\"state\" IN ('open', 'standing') AND NOT EXISTS "
                                    "(SELECT 1 FROM \"duty_wake\" w WHERE w.\"page\" = o.\"holder\" / 16 AND w.\"at\" <= o.\"wake_at\")";
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        contacts(&t, 12);
        int64_t open = test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" IN ('open', 'standing')");
        assert_true(open >= 36);
        assert_int_equal(test_count(&t, late), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\""), open);
        for (int hour = 0; hour < 24 * 40; hour += hour < 72 ? 3 : 24) {
            struct wake_report r;
            t.s.now = test_at(NOW) + hour * 3600 + hour * 7;
            assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
            assert_int_equal(test_count(&t, late), 0);
            char *due = arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"wake_at\" <= %lld AND \"occurrence\" <= 0", (long long)t.s.now);
            assert_int_equal(test_count(&t, due), 0);
            if (hour % 24 == 3) duties_agree(&t);
            assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\""),
                             test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" IN ('open', 'standing')"));
        }
        /* what nobody paid is escalated to the end and still listed; a page is noted a few times, not once a pass */
        assert_true(test_count(&t, "SELECT COUNT(*) FROM \"obligation_open\" WHERE \"level\" > 0") > 0);
        assert_true(test_count(&t, "SELECT COUNT(*) FROM \"duty_wake\"") < 40);
    }
}

/* A store that has counted its rows must not think of an index of all duties made on the spot: at a city's size that is minutes a question. */
static void open_duties_are_found_by_their_pages_after_statistics(void **state) {
    static const char *const asked[] = {"SELECT \"rule\",COUNT(*) FROM \"obligation_open\" WHERE \"state\" = 'open' AND \"region\" >= '3101' GROUP BY \"rule\" ORDER BY \"rule\"",
                                        "SELECT \"rule\",COUNT(*) FROM \"obligation\" WHERE \"state\" = 'open' GROUP BY \"rule\"",
                                        "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" = 7"};
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        if (db_kind_of(t.l->db) != DB_SQLITE) continue;
        contacts(&t, 3);
        run(&t, "INSERT INTO \"duty\" (\"region\",\"id\",\"record\",\"kind\",\"owner_kind\",\"raised_at\",\"anchor\",\"owed\",\"due_at\",\"wake_at\",\"state\") WITH RECURSIVE n(i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT '310115',(900000 + i) * 65536,i,(SELECT MIN(\"id\") FROM \"duty_kind\"),1,0,0,1,0,0,0 FROM n");
        run(&t, "INSERT OR IGNORE INTO \"duty_wake\" SELECT 0,\"id\" / 1048576 FROM \"duty\"");
        recount(&t);
        assert_ok(db_analyze(t.l->db, &err), err);
        run(&t, "DELETE FROM \"sqlite_stat1\" WHERE \"tbl\" LIKE 'duty%'"); /* as counted in a city after a year */
        run(&t, "INSERT INTO \"sqlite_stat1\" VALUES ('duty',NULL,'2000000'),('duty','duty_closed','1751680 1001'),('duty_kind',NULL,'2'),('duty_wake','duty_wake','52008 501 1')");
        run(&t, "ANALYZE sqlite_master");
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
            struct db_cursor *c = NULL;
            const struct value *row;
            assert_ok(db_query(t.l->db, arena_printf(&t.a, "EXPLAIN QUERY PLAN %s", asked[i]), NULL, 0, &c, &err), err);
            while (db_next(c, &row, &err) > 0)
                if (strstr(arena_str(&t.a, arena_text(&t.a, value_view(row[3])).s), "AUTOMATIC")) fail_msg("%s: %.*s", asked[i], (int)value_view(row[3]).n, value_view(row[3]).s);
            db_cursor_close(c);
        }
    }
}

struct seen {
    int64_t ids[20000];
    size_t n;
    instant due;
};

static int see(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    struct seen *x = arg;
    (void)rule;
    assert_true(x->n < sizeof x->ids / sizeof *x->ids);
    x->ids[x->n++] = o->id;
    x->due = o->duty.due_at;
    return 0;
}

/* Page after page, in whatever way each is found, is the whole list, which reads every open duty. */
static void pages_of_a_list_are_the_list(void **state) {
    static struct seen whole, paged;
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct buf plan = {0};
        contacts(&t, 3);
        /* on a thousand pages: to come, at a few moments that many share; late and looked at; late and not looked at yet; without a time */
        run(&t, "INSERT INTO \"duty\" (\"region\",\"id\",\"record\",\"kind\",\"owner_kind\",\"owner\",\"raised_at\",\"anchor\",\"owed\",\"due_at\",\"wake_at\",\"state\") WITH RECURSIVE n(i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16000), d(i,due) AS (SELECT i,CAST(1660528800 + i * 7919 % 13 * 3600 - i * 31 % 7 * 40000 AS BIGINT) FROM n) "
                "SELECT CASE WHEN i % 500 = 7 THEN '310115017' WHEN i % 3 = 0 THEN '310115001' ELSE '310115' END,CAST(900000 + i AS BIGINT) * 65536,i,"
                "(SELECT MIN(\"id\") FROM \"duty_kind\") + i % 2,CASE WHEN i % 700 = 1 THEN 0 ELSE 1 END,CASE WHEN i % 5 = 2 THEN 4711 END,0,0,1,CASE WHEN i % 900 = 5 THEN NULL ELSE due END,"
                "CASE WHEN i % 900 = 5 OR i % 4 = 1 THEN 253402300799 ELSE due END,CASE WHEN i % 11 = 3 THEN 2 ELSE 0 END FROM d");
        run(&t, "UPDATE \"duty\" SET \"wake_at\" = NULL WHERE \"state\" = 2");
        run(&t, "DELETE FROM \"duty_term\""); /* as it came from a store of before */
        run(&t, "DELETE FROM \"node\" WHERE \"name\" = 'tally'");
        assert_ok(ledger_migrate(t.l, true, &plan, &err), err);
        buf_clear(&plan);
        assert_true(test_count(&t, "SELECT COUNT(DISTINCT \"page\") FROM \"duty_term\"") > 900);
        struct grant street = {.role = TEXT("tracer"), .region = TEXT("310115017")}, both[] = {{.role = TEXT("tracer"), .region = TEXT("310115001")}, street};
        struct session sessions[] = {t.s, t.s, t.s};
        sessions[1].grants = &street, sessions[1].n_grants = 1;
        sessions[2].grants = both, sessions[2].n_grants = 2;
        const struct duty_filter filters[] = {{.limit = 0}, {.overdue = true}, {.due_before = t.s.now + 7200}, {.without_owner = true}, {.owner = 4711}, {.owner = 12}, {.region = TEXT("310115017")},
                                              {.region = TEXT("310115"), .desk = TEXT("tracing")}, {.rule = TEXT("place-contact"), .overdue = true}, {.rule = TEXT("no-such")}};
        for (size_t who = 0; who < 3; who++)
            for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
                struct duty_filter f = filters[i];
                whole.n = paged.n = 0;
                assert_ok(duty_list(t.l, NULL, &sessions[who], &f, see, &whole, &err), err);
                for (size_t before = SIZE_MAX; paged.n != before;) {
                    f.limit = paged.n < 20 ? 7 : 1999;
                    before = paged.n;
                    assert_ok(duty_list(t.l, NULL, &sessions[who], &f, see, &paged, &err), err);
                    if (paged.n == before) break;
                    f.after = true;
                    f.after_due = paged.due;
                    f.after_id = paged.ids[paged.n - 1];
                }
                if (whole.n != paged.n || memcmp(whole.ids, paged.ids, whole.n * sizeof *whole.ids) != 0) fail_msg("session %zu, filter %zu: %zu in one, %zu in pages", who, i, whole.n, paged.n);
                if (who == 0 && i < 5) assert_true(whole.n > 15);
            }
        duties_agree(&t);
        /* what is owed no more is forgotten with the day */
        run(&t, "UPDATE \"duty\" SET \"state\" = 2,\"wake_at\" = NULL WHERE \"record\" > 8000");
        recount(&t);
        int64_t words = test_count(&t, "SELECT COUNT(*) FROM \"duty_term\"");
        struct wake_report r;
        for (int i = 0; i < 3; i++) {
            t.s.now += 40 * DAY_S;
            assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
        }
        assert_true(test_count(&t, "SELECT COUNT(*) FROM \"duty_term\"") < words * 3 / 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"duty\" d WHERE \"state\" < 2 AND NOT EXISTS (SELECT 1 FROM \"duty_term\" w WHERE w.\"what\" = d.\"region\" AND w.\"page\" = d.\"id\" / 1048576)"), 0);
    }
}

static void an_older_store_s_duties_are_carried_over(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct wake_report r;
        struct buf plan = {0};
        contacts(&t, 20);
        t.s.now += 3 * 3600;
        assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
        char *before = test_duties(&t);
        /* the store as it was: a table in words, no others */
        run(&t, arena_printf(&t.a, "CREATE TABLE \"was\" AS SELECT %s FROM \"obligation\"", obligation_words));
        run(&t, "DROP VIEW \"obligation_open\"");
        run(&t, "DROP VIEW \"obligation\"");
        run(&t, "ALTER TABLE \"was\" RENAME TO \"obligation\"");
        run(&t, "DROP TABLE \"duty\"");
        run(&t, "DROP TABLE \"duty_kind\"");
        run(&t, "DROP TABLE \"duty_wake\"");
        run(&t, "DROP TABLE \"duty_term\"");
        run(&t, "DROP TABLE \"duty_count\"");
        run(&t, "DELETE FROM \"node\" WHERE \"name\" = 'tally'");
        run(&t, "UPDATE \"obligation\" SET \"paid\" = NULL,\"late\" = NULL WHERE \"paid\" = 0"); /* both ways were written once */
        run(&t, "UPDATE \"obligation\" SET \"state\" = 'asleep' WHERE \"holder\" = (SELECT MAX(\"holder\") FROM \"obligation\") AND \"rule\" = 'place-contact'");
        test_ledger_reopen(&t);
        /* a damaged row: refused, and the old table is as it was */
        assert_int_equal(ledger_migrate(t.l, true, &plan, &err), E_INVALID);
        buf_reset(&plan);
        err = (struct error){0};
        run(&t, "UPDATE \"obligation\" SET \"state\" = 'open' WHERE \"state\" = 'asleep'");
        assert_ok(ledger_migrate(t.l, false, &plan, &err), err);
        assert_non_null(strstr(buf_cstr(&plan), "-- moved: the duties"));
        buf_reset(&plan);
        assert_ok(ledger_migrate(t.l, true, &plan, &err), err);
        char *now = test_duties(&t);
        assert_string_equal(now, before);
        free(now);
        free(before);
        buf_reset(&plan);
        assert_ok(ledger_migrate(t.l, true, &plan, &err), err);
        assert_int_equal(plan.n, 0);
        buf_clear(&plan);
        /* and the clock goes on where it was */
        t.s.now += 10 * 3600;
        assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
        assert_true(r.escalated > 0);
        test_ledger_reopen(&t);
        contacts(&t, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duty_in_no_known_state_is_refused),
        cmocka_unit_test(the_clock_finds_every_open_duty),
        cmocka_unit_test(open_duties_are_found_by_their_pages_after_statistics),
        cmocka_unit_test(pages_of_a_list_are_the_list),
        cmocka_unit_test(an_older_store_s_duties_are_carried_over),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

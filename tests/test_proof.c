/* What the tables hold is proved against the journal: each way of changing them behind the program's back is named, and nothing else. */
#include "ledgers.h"

#include "desks/person.h"
#include "desks/retention.h"

static const char *const NOW = "2022-05-30T10:00";

struct scene {
    int64_t person, other, kase;
};

static struct scene make(struct test_ledger *t) {
    struct scene s;
    s.person = test_record(t, "person", "name", "张伟", "doc_type", "passport", "doc_no", "E12345678", "sex", "1");
    s.other = test_record(t, "person", "name", "李娜");
    s.kase = test_record(t, "case", "person", test_id(t, s.person), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
    for (int i = 0; i < 40; i++) test_record(t, "place", "title", arena_printf(&t->a, "地点%d", i), "kind", "other");
    return s;
}

static void run(struct test_ledger *t, const char *sql) {
    struct error err = {0};
    assert_ok(db_begin(t->l->db, &err), err);
    assert_ok(db_run(t->l->db, sql, NULL, 0, NULL, &err), err);
    assert_ok(db_commit(t->l->db, &err), err);
    t->damaged = true;
}

static struct proof_report prove(struct test_ledger *t) {
    struct error err = {0};
    struct proof_report r = {0};
    assert_ok(proof_records(t->l, t->l->db, NULL, NULL, &r, &err), err);
    return r;
}

/* Exactly this is found, and the words name register, record and field and hold nothing of a cell. */
static void finds(struct test_ledger *t, enum proof_kind kind, const char *reg, int64_t id, const char *field) {
    struct proof_report r = prove(t);
    char what[400];
    assert_int_equal(r.n, 1);
    assert_false(r.more);
    proof_words(&r.list[0], what, sizeof what);
    if (r.list[0].kind != kind || !text_is(r.list[0].reg->name, reg) || r.list[0].id != id || strcmp(r.list[0].field, field)) fail_msg("%s.%s of %lld: %s", reg, field, (long long)id, what);
    assert_non_null(strstr(what, reg));
    assert_non_null(strstr(what, test_id(t, id)));
    assert_non_null(strstr(what, field));
    assert_non_null(strstr(what, " / "));
    assert_null(strstr(what, "tampered"));
    proof_clear(&r);
}

static void a_changed_cell_is_named(void **state) {
    (void)state;
    static const struct { const char *reg, *column, *value; } cells[] = {
        {"case", "classification", "'suspected'"}, {"case", "report_date", "1"}, {"case", "state", "'tampered'"}, {"case", "region", "'310000'"}, {"case", "version", "7"},
        {"case", "number", "'tampered'"}, {"case", "created_at", "1"}, {"case", "changed_at", "1"}, {"case", "import", "12"}, {"case", "person", "\"person\" + 1"}, {"case", "entry", "1"},
        {"person", "sex", "NULL"}, {"person", "name", "(SELECT \"name\" FROM \"person\" WHERE \"id\" = %lld)"}, {"person", "name", "NULL"}, {"person", "phone", "\"name\""}, {"person", "key", "77"}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        struct test_ledger t;
        EACH_STORE(t, NULL, NOW) {
            struct scene s = make(&t);
            int64_t id = strcmp(cells[i].reg, "case") ? s.person : s.kase;
            char value[200];
            snprintf(value, sizeof value, cells[i].value, (long long)s.other);
            test_ledger_true(t.l);
            run(&t, arena_printf(&t.a, "UPDATE \"%s\" SET \"%s\" = %s WHERE \"id\" = %lld", cells[i].reg, cells[i].column, value, (long long)id));
            finds(&t, PROOF_CELL, cells[i].reg, id, cells[i].column);
        }
    }
}

static void rows_made_doubled_and_taken_away_are_named(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct scene s = make(&t);
        run(&t, arena_printf(&t.a, "DELETE FROM \"case\" WHERE \"id\" = %lld", (long long)s.kase));
        finds(&t, PROOF_MISSING, "case", s.kase, "");
    }
    EACH_STORE(t, NULL, NOW) {
        struct scene s = make(&t);
        run(&t, "INSERT INTO \"organisation\" (\"region\",\"id\",\"version\",\"created_at\",\"changed_at\",\"entry\") VALUES ('310115',900,1,1,1,1)");
        finds(&t, PROOF_STRANGER, "organisation", 900, "");
        run(&t, "DELETE FROM \"organisation\" WHERE \"id\" = 900");
        run(&t, arena_printf(&t.a, "UPDATE \"case\" SET \"id\" = %lld WHERE \"id\" = %lld", (long long)s.kase + 1000000, (long long)s.kase));
        struct proof_report r = prove(&t);
        assert_int_equal(r.n, 2);
        assert_int_equal(r.list[0].kind, PROOF_MISSING);
        assert_int_equal(r.list[1].kind, PROOF_STRANGER);
        proof_clear(&r);
    }
    EACH_STORE(t, NULL, NOW) {
        if (db_kind_of(t.l->db) != DB_POSTGRES) continue; /* its key has the region in it */
        struct scene s = make(&t);
        run(&t, arena_printf(&t.a, "INSERT INTO \"case\" SELECT c.* FROM \"case\" c WHERE \"id\" = %lld ON CONFLICT DO NOTHING", (long long)s.kase));
        test_ledger_true(t.l);
        run(&t, "CREATE TABLE copied AS SELECT * FROM \"case\"");
        run(&t, "UPDATE copied SET \"region\" = '310000'");
        run(&t, "INSERT INTO \"case\" SELECT * FROM copied");
        finds(&t, PROOF_TWICE, "case", s.kase, "");
    }
}

static void what_another_change_covered_is_named(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct scene s = make(&t);
        run(&t, arena_printf(&t.a, "UPDATE \"case\" SET \"classification\" = 'suspected' WHERE \"id\" = %lld", (long long)s.kase));
        struct draft *d = test_draft(&t, "case", DRAFT_CHANGE, "classification", "asymptomatic", NULL);
        d->id = s.kase;
        assert_ok(test_write(&t, d, &err), err);
        finds(&t, PROOF_BEFORE, "case", s.kase, "classification");
    }
}

/* A record that was removed and put back by hand is not there by the journal. */
static void a_removed_row_put_back_is_named(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t id = test_record(&t, "organisation", "title", "x", "kind", "other");
        run(&t, "CREATE TABLE kept AS SELECT * FROM \"organisation\"");
        struct draft *d = test_draft(&t, "organisation", DRAFT_REMOVE, NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        test_ledger_true(t.l);
        run(&t, arena_printf(&t.a, "INSERT INTO \"organisation\" SELECT * FROM kept WHERE \"id\" = %lld", (long long)id));
        finds(&t, PROOF_STRANGER, "organisation", id, "");
        run(&t, "DROP TABLE kept");
    }
}

static void very_much_damage_ends_with_the_first(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        for (int i = 0; i < 150; i++) test_record(&t, "place", "title", arena_printf(&t.a, "处%d", i), "kind", "other");
        run(&t, "UPDATE \"place\" SET \"title\" = 'tampered'");
        struct proof_report r = prove(&t);
        assert_int_equal(r.n, PROOF_MOST);
        assert_true(r.more);
        for (size_t i = 1; i < r.n; i++) assert_true(r.list[i - 1].id < r.list[i].id);
        proof_clear(&r);
    }
}

static int stop(int64_t read, void *arg) {
    *(int64_t *)arg = read;
    return E_REFUSED;
}

static void who_listens_may_stop_it(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct proof_report r;
        int64_t read = 0;
        assert_int_equal(proof_records(t.l, t.l->db, stop, &read, &r, NULL), E_REFUSED);
        assert_true(read > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_cell_is_named), cmocka_unit_test(rows_made_doubled_and_taken_away_are_named), cmocka_unit_test(what_another_change_covered_is_named),
        cmocka_unit_test(a_removed_row_put_back_is_named), cmocka_unit_test(very_much_damage_ends_with_the_first), cmocka_unit_test(who_listens_may_stop_it)};
    return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}

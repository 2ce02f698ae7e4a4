#include "check.h"
#include "stores.h"

#include "base/digest.h"
#include "ledger/access.h"
#include "store/db.h"

static struct text readers[] = {{"intake", 6}, {"tracer", 6}};
static struct text writers[] = {{"tracer", 6}};
static struct text openers[] = {{"tracer", 6}};
static const struct register_decl reg = {.name = {"case", 4},
                                         .n_readers = 2,
                                         .readers = readers,
                                         .n_writers = 1,
                                         .writers = writers,
                                         .n_openers = 1,
                                         .openers = openers};
static const struct register_decl closed = {.name = {"secret", 6}};

static int ask(const struct grant *g, size_t n, enum access_verb verb, const char *region,
               const char *purpose) {
    struct session s = {.n_grants = n, .grants = g, .purpose = text_of(purpose)};
    struct error err = {0};
    int rc = access_check(&s, verb, &reg, text_of(region), &err);
    assert_int_equal(rc, err.code);
    return rc;
}

static void without_a_grant_nothing(void **state) {
    (void)state;
    assert_int_equal(ask(NULL, 0, ACCESS_READ, "31", "x"), E_DENIED);
    struct grant g[] = {{TEXT("tracer"), TEXT("3101")}};
    assert_int_equal(ask(g, 1, ACCESS_READ, "31", ""), E_DENIED);     /* wider than the grant */
    assert_int_equal(ask(g, 1, ACCESS_READ, "3102", ""), E_DENIED);   /* beside it */
    assert_int_equal(ask(g, 1, ACCESS_READ, "", ""), E_DENIED);       /* a record of the root */
    assert_int_equal(ask(g, 1, ACCESS_OPEN, "310115", ""), E_DENIED); /* no purpose */
    assert_int_equal(ask(g, 1, ACCESS_OPEN, "310115", " \t"), E_DENIED);
    struct grant intake[] = {{TEXT("intake"), TEXT("")}};
    assert_int_equal(ask(intake, 1, ACCESS_WRITE, "31", ""), E_DENIED); /* reads only */
    struct grant auditor[] = {{TEXT("auditor"), TEXT("")}};
    assert_int_equal(ask(auditor, 1, ACCESS_WRITE, "31", ""), E_DENIED);
    assert_int_equal(ask(auditor, 1, ACCESS_OPEN, "31", "audit"), E_DENIED);
    struct grant nameless[] = {{TEXT(""), TEXT("")}};
    assert_int_equal(ask(nameless, 1, ACCESS_READ, "31", ""), E_DENIED);
    struct grant root[] = {{TEXT("root"), TEXT("31")}};
    assert_int_equal(ask(root, 1, ACCESS_OPEN, "31", ""), E_DENIED);
    assert_int_equal(ask(root, 1, ACCESS_WRITE, "32", ""), E_DENIED);
    struct grant evil[] = {{TEXT("tracer"), TEXT("31' OR '1'='1")}};
    assert_int_equal(ask(evil, 1, ACCESS_READ, "31' OR '1'='1", ""), E_DENIED);
    struct session s = {.n_grants = 1, .grants = evil};
    struct buf out = {0};
    access_sql(&s, ACCESS_READ, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "1=0");
    buf_clear(&out);
}

static void a_grant_holds_in_its_subtree(void **state) {
    (void)state;
    struct grant g[] = {{TEXT("tracer"), TEXT("3101")}};
    assert_int_equal(ask(g, 1, ACCESS_READ, "3101", ""), 0);
    assert_int_equal(ask(g, 1, ACCESS_WRITE, "310115001003", ""), 0);
    assert_int_equal(ask(g, 1, ACCESS_OPEN, "310115", "tracing"), 0);
    struct grant root[] = {{TEXT("root"), TEXT("")}};
    assert_int_equal(ask(root, 1, ACCESS_WRITE, "TW", ""), 0);
    assert_int_equal(ask(root, 1, ACCESS_OPEN, "TW", "drill"), 0);
    struct grant auditor[] = {{TEXT("auditor"), TEXT("31")}};
    struct session s = {.n_grants = 1, .grants = auditor};
    assert_int_equal(access_check(&s, ACCESS_READ, &closed, TEXT("3101"), NULL), 0);
    assert_int_equal(access_check(&s, ACCESS_READ, &closed, TEXT("3201"), NULL), E_DENIED);
}

static void the_refusal_names_roles_and_nothing_else(void **state) {
    (void)state;
    struct session s = {0};
    struct error one = {0}, two = {0};
    access_check(&s, ACCESS_READ, &reg, TEXT("310115"), &one);
    access_check(&s, ACCESS_READ, &reg, TEXT("44"), &two);
    assert_string_equal(one.message, two.message);
    assert_non_null(strstr(one.message, "intake, tracer"));
    assert_null(strstr(one.message, "310115"));
    struct error three = {0};
    access_check(&s, ACCESS_WRITE, &closed, TEXT("44"), &three);
    assert_non_null(strstr(three.message, "root"));
}

static void sql_is_short(void **state) {
    (void)state;
    struct grant g[] = {{TEXT("tracer"), TEXT("310115")},
                        {TEXT("tracer"), TEXT("31")},
                        {TEXT("intake"), TEXT("31")},
                        {TEXT("tracer"), TEXT("39")},
                        {TEXT("intake"), TEXT("4401")}};
    struct session s = {.n_grants = 5, .grants = g};
    struct buf out = {0};
    access_sql(&s, ACCESS_READ, &reg, "r.region", &out);
    assert_string_equal(buf_cstr(&out),
                        "(r.region >= '31' AND r.region < '32' OR r.region >= '39' AND r.region < '3A' OR "
                        "r.region >= '4401' AND r.region < '4402')");
    buf_reset(&out);
    access_sql(&s, ACCESS_WRITE, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out),
                        "(region >= '31' AND region < '32' OR region >= '39' AND region < '3A')");
    buf_reset(&out);
    access_sql(&s, ACCESS_OPEN, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "1=0");
    g[0].region = TEXT("");
    buf_reset(&out);
    access_sql(&s, ACCESS_READ, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "1=1");
    buf_clear(&out);
}

/* What the SQL lets through is exactly what the check allows, for random grants over random records. */
static size_t random_region(struct rng *r, char out[REGION_MAX + 1]) {
    static const int lengths[] = {2, 4, 6, 9, 12};
    for (;;) {
        char s[REGION_MAX + 1] = "";
        bool digits = rng_below(r, 4) > 0;
        int n = digits ? lengths[rng_below(r, 5)] : 2 + (int)rng_below(r, 5);
        for (int i = 0; i < n; i++)
            s[i] = digits ? "0199"[rng_below(r, 4)] : i < 2 ? "AZ"[rng_below(r, 2)] : "09"[rng_below(r, 2)];
        if (region_canonical(text_of(s), out)) return strlen(out);
    }
}

static void sql_says_what_the_check_says(void **state) {
    (void)state;
    static const struct db_column table_columns[] = {{"id", COLUMN_INT, true}, {"region", COLUMN_TEXT, true}};
    static const struct db_table table = {
        .name = "probe", .key = "id", .n_columns = 2, .columns = table_columns};
    static const char *const roles[] = {"root", "auditor", "intake", "tracer", "guest"};
    enum { RECORDS = 300, ROUNDS = 300, GRANTS = 4 };
    static char regions[RECORDS][REGION_MAX + 1];
    for (size_t store = 0; store < test_stores(); store++) {
        struct rng r;
        rng_seed(&r, 3);
        struct db *db = NULL;
        struct error err = {0};
        struct buf sql = {0};
        const struct db_table *tables[] = {&table};
        assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
        assert_ok(db_migrate(db, tables, 1, true, &sql, &err), err);
        struct value rows[RECORDS * 2];
        for (int i = 0; i < RECORDS; i++) {
            if (i) random_region(&r, regions[i]); /* the first lies in the root */
            rows[2 * i] = value_int(i);
            rows[2 * i + 1] = value_str(regions[i]);
        }
        static const uint16_t columns[] = {0, 1};
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_batch(db, DB_INSERT, &table, columns, 2, rows, RECORDS, NULL, &err), err);
        assert_ok(db_commit(db, &err), err);
        for (int round = 0; round < ROUNDS; round++) {
            char grant_regions[GRANTS][REGION_MAX + 1];
            struct grant grants[GRANTS];
            for (int g = 0; g < GRANTS; g++) {
                bool everywhere = rng_below(&r, 20) == 0;
                size_t n = everywhere ? 0 : random_region(&r, grant_regions[g]);
                grants[g] = (struct grant){text_of(roles[rng_below(&r, 5)]),
                                           {grant_regions[g], n > 4 && rng_below(&r, 2) ? 2 : n}};
            }
            struct session s = {.n_grants = rng_below(&r, GRANTS + 1),
                                .grants = grants,
                                .purpose = text_of(rng_below(&r, 3) ? "why" : "")};
            enum access_verb verb = (enum access_verb)rng_below(&r, 3);
            struct register_decl of = reg; /* every other time one whose records are read below too */
            of.below = round % 2;
            buf_reset(&sql);
            buf_str(&sql, "SELECT \"id\" FROM \"probe\" WHERE ");
            assert_int_equal(access_sql(&s, verb, &of, "\"region\"", &sql), 0);
            buf_str(&sql, " ORDER BY \"id\"");
            struct db_cursor *c = NULL;
            const struct value *row;
            assert_ok(db_query(db, buf_cstr(&sql), NULL, 0, &c, &err), err);
            int i = 0, got = 0;
            for (bool more = true; more; i++) {
                more = db_next(c, &row, &err) > 0;
                int id = more ? (int)row[0].i : RECORDS;
                got += more;
                for (; i < id; i++)
                    assert_int_equal(access_check(&s, verb, &of, text_of(regions[i]), NULL), E_DENIED);
                if (more) assert_int_equal(access_check(&s, verb, &of, text_of(regions[id]), NULL), 0);
            }
            assert_int_equal(err.code, 0);
            if (got) assert_true(access_anywhere(&s, verb, &reg));
            db_cursor_close(c);
        }
        buf_clear(&sql);
        db_close(db);
        test_store_drop(store);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_grant_nothing),
        cmocka_unit_test(a_grant_holds_in_its_subtree),
        cmocka_unit_test(the_refusal_names_roles_and_nothing_else),
        cmocka_unit_test(sql_is_short),
        cmocka_unit_test(sql_says_what_the_check_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

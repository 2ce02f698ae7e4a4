#include "check.h"

#include "base/digest.h"
#include "ledger/access.h"

static struct text readers[] = {{"intake", 6}, {"tracer", 6}};
static struct text writers[] = {{"tracer", 6}};
static struct text openers[] = {{"tracer", 6}};
static const struct register_decl reg = {.name = {"case", 4},
                                         .n_readers = 2, .readers = readers,
                                         .n_writers = 1, .writers = writers,
                                         .n_openers = 1, .openers = openers};
static const struct register_decl closed = {.name = {"secret", 6}};

static int ask(const struct grant *g, size_t n, enum access_verb verb, const char *region, const char *purpose) {
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
    struct grant g[] = {{TEXT("tracer"), TEXT("310115")}, {TEXT("tracer"), TEXT("31")},  {TEXT("intake"), TEXT("31")},
                        {TEXT("tracer"), TEXT("39")},     {TEXT("intake"), TEXT("4401")}};
    struct session s = {.n_grants = 5, .grants = g};
    struct buf out = {0};
    access_sql(&s, ACCESS_READ, &reg, "r.region", &out);
    assert_string_equal(buf_cstr(&out), "(r.region >= '31' AND r.region < '32' OR r.region >= '39' AND r.region < '3A' OR "
                                        "r.region >= '4401' AND r.region < '4402')");
    buf_reset(&out);
    access_sql(&s, ACCESS_WRITE, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "(region >= '31' AND region < '32' OR region >= '39' AND region < '3A')");
    buf_reset(&out);
    access_sql(&s, ACCESS_OPEN, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "1=0");
    g[0].region = TEXT("");
    buf_reset(&out);
    access_sql(&s, ACCESS_READ, &reg, "region", &out);
    assert_string_equal(buf_cstr(&out), "1=1");
    buf_clear(&out);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_grant_nothing),
        cmocka_unit_test(a_grant_holds_in_its_subtree),
        cmocka_unit_test(the_refusal_names_roles_and_nothing_else),
        cmocka_unit_test(sql_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

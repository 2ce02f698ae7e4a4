/* Rounds from a template: refused by name first, then the days, the scope and the tube size that the plan in force allows; all of them or none. */
#include "sampling.h"

#include "desks/testing/template.h"

static int64_t campaign_of(struct test_ledger *t, const char *template, const char *size, const char *until) {
    return test_record(t, "campaign", "title", arena_printf(&t->a, "九月 %s %s", template, until), "kind", "mass", "template", template, "tube_size", size, "starts_at", "2022-09-01T06:00", "ends_at", until);
}

static void refused(struct test_ledger *t, struct template_asked q, int code, const char *where) {
    struct error err = {0};
    struct template_made m;
    int64_t before = test_count(t, "SELECT COUNT(*) FROM \"round\"");
    int rc = template_rounds(t->l, &t->s, &q, &m, &err);
    if (rc != code || strcmp(err.where, where)) fail_msg("not %d at %s but %d at %s: %s", code, where, rc, err.where, err.message);
    if (code != E_UNKNOWN) assert_non_null(strstr(err.message, " / "));
    assert_int_equal(test_count(t, "SELECT COUNT(*) FROM \"round\""), before);
}

static void what_may_not_be_is_refused_by_name(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2021-v8", SAMPLING_NOW) { /* at most 10 to a tube */
        int64_t id = campaign_of(&t, "three-in-three", "10", "2022-09-08T00:00"), twenty = campaign_of(&t, "single", "20", "2022-09-08T00:00");
        const struct template_asked good = {.campaign = id, .starts_at = INSTANT_NONE};
        struct template_asked q = good;
        q.campaign = 999999;
        refused(&t, q, E_UNKNOWN, "campaign");
        q = good, q.code = TEXT("weekly");
        refused(&t, q, E_UNKNOWN, "template");
        q = good, q.size = 20;
        refused(&t, q, E_REFUSED, "tube_size");
        q = good, q.campaign = twenty; /* the campaign's own size is no way around the plan */
        refused(&t, q, E_REFUSED, "tube_size");
        q = good, q.size = 21;
        refused(&t, q, E_INVALID, "tube_size");
        q = good, q.starts_at = test_at("2022-08-31T23:00");
        refused(&t, q, E_INVALID, "starts_at");
        q = good, q.starts_at = test_at("2022-09-06T06:00");
        refused(&t, q, E_REFUSED, "ends_at");
        q = good, q.hours = 30; /* one a day, and longer than a day */
        refused(&t, q, E_CONFLICT, "hours");
        q = good, q.hours = 97;
        refused(&t, q, E_INVALID, "hours");
        q = good, q.n_areas = 1, q.areas[0] = TEXT("nowhere!");
        refused(&t, q, E_INVALID, "areas");
        q.areas[0] = TEXT("310116001"); /* of another county */
        refused(&t, q, E_INVALID, "areas");
        test_record(&t, "region", "code", "310115001", "title", "一街道", "level", "4");
        q.areas[0] = TEXT("310115002"); /* the streets are on record, and it is none of them */
        refused(&t, q, E_UNKNOWN, "areas");
        struct error err = {0};
        struct template_made m;
        assert_ok(template_rounds(t.l, &t.s, &good, &m, &err), err);
        refused(&t, good, E_CONFLICT, "starts_at"); /* told twice */
        q = good, q.code = TEXT("single"), q.starts_at = test_at("2022-09-02T12:00");
        refused(&t, q, E_CONFLICT, "starts_at");
        sample_open(&t, "campaign", id, "cancelled");
        refused(&t, good, E_REFUSED, "campaign");
        struct session nobody = t.s;
        nobody.n_grants = 0;
        err = (struct error){0};
        q = good, q.campaign = twenty, q.size = 10;
        assert_true(template_rounds(t.l, &nobody, &q, &m, &err) < 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"round\""), 3);
    }
}

static void rounds_have_days_scope_and_size(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", SAMPLING_NOW) {
        struct error err = {0};
        struct template_made m;
        int64_t id = campaign_of(&t, "three-in-three", "20", "2022-09-20T00:00");
        struct template_asked q = {.campaign = id, .starts_at = INSTANT_NONE, .only_show = true};
        assert_ok(template_rounds(t.l, &t.s, &q, &m, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"round\""), 0); /* shown */
        assert_int_equal(m.n, 3);
        q.only_show = false;
        q.n_areas = 2;
        q.areas[0] = TEXT("310115001"), q.areas[1] = TEXT("310115002");
        assert_ok(template_rounds(t.l, &t.s, &q, &m, &err), err);
        assert_int_equal(m.size, 20);
        assert_int_equal(m.most, 20);
        assert_int_equal(m.scopes, 6);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(m.rounds[i].seq, i + 1);
            assert_int_equal(m.rounds[i].starts_at, test_at("2022-09-01T06:00") + (instant)i * DAY_S);
            assert_int_equal(m.rounds[i].ends_at, m.rounds[i].starts_at + DAY_S);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"round\" WHERE \"tube_size\"=20 AND \"state\"='planned' AND \"campaign_kind\"='mass'"), 3);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"round_scope\" o JOIN \"round\" r ON r.\"id\"=o.\"round\" WHERE o.\"area\" IN ('310115001','310115002')"), 6);
        q.n_areas = 0; /* the numbers go on, two days apart */
        q.code = TEXT("三日两检");
        q.starts_at = test_at("2022-09-05T06:00");
        q.size = 5;
        q.hours = 12;
        assert_ok(template_rounds(t.l, &t.s, &q, &m, &err), err);
        assert_int_equal(m.n, 2);
        assert_int_equal(m.rounds[0].seq, 4);
        assert_int_equal(m.rounds[1].starts_at - m.rounds[0].starts_at, 2 * DAY_S);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"round\" WHERE \"tube_size\"=5"), 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_be_is_refused_by_name),
        cmocka_unit_test(rounds_have_days_scope_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A round under way forecast from its registers: refused while nobody said how many, where or by whom; who falls behind, where a queue jams, where a team should go. */
#include "sampling.h"

#include <math.h>

#include "desks/testing/forecast.h"

static double number(const json_t *j, const char *name) {
    return json_number_value(json_object_get(j, name));
}

static json_t *forecast(struct test_ledger *t, int64_t round) {
    struct error err = {0};
    json_t *j = NULL;
    assert_ok(testing_forecast(t->l, &t->s, round, 0, &j, &err), err);
    return j;
}

static int refused(struct test_ledger *t, int64_t round) {
    struct error err = {0};
    json_t *j = NULL;
    return testing_forecast(t->l, &t->s, round, 0, &j, &err);
}

static int64_t place_of(struct test_ledger *t, const char *region, const char *title) {
    struct error err = {0};
    struct draft *d = test_draft(t, "site", DRAFT_CREATE, "title", title, "kind", "fixed", NULL);
    d->region = text_of(region);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}

static void a_round_says_when_it_ends_who_is_behind_and_who_should_move(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        int64_t campaign = test_record(&t, "campaign", "title", "首轮", "kind", "mass", "starts_at", "2022-09-01T00:00");
        int64_t round = test_record(&t, "round", "campaign", test_id(&t, campaign), "seq", "1", "starts_at", "2022-09-01T14:30", "ends_at", "2022-09-02T08:00");
        sample_open(&t, "round", round, "open");
        assert_int_equal(refused(&t, 999999), E_UNKNOWN);
        assert_int_equal(refused(&t, round), E_REFUSED); /* nobody said how many people */
        test_record(&t, "round_scope", "campaign", test_id(&t, campaign), "area", "310115001", "population", "12000");
        test_record(&t, "round_scope", "campaign", test_id(&t, campaign), "area", "310115002", "population", "1000");
        assert_int_equal(refused(&t, round), E_REFUSED); /* no laboratory */
        test_record(&t, "laboratory", "title", "方舱实验室", "tubes_per_day", "24000", "turnaround", "4h");
        int64_t busy = place_of(&t, "310115001", "南门小学"), calm = place_of(&t, "310115002", "北门广场");
        for (int i = 0; i < 10; i++) {
            int64_t table = test_record(&t, "site_table", "site", test_id(&t, i < 6 ? busy : calm), "label", arena_printf(&t.a, "%d", i));
            test_record(&t, "sampler_shift", "site_table", test_id(&t, table), "sampler", arena_printf(&t.a, "张%d", i), "starts_at", i == 5 ? "2022-09-01T08:00" : "2022-09-01T14:00", "ends_at",
                        i == 5 ? "2022-09-01T12:00" : "2022-09-02T02:00"); /* one has gone home */
        }
        test_record(&t, "queue_report", "site", test_id(&t, busy), "reported_at", "2022-09-01T17:20", "waiting", "600", "wait_minutes", "70");
        test_record(&t, "queue_report", "site", test_id(&t, calm), "reported_at", "2022-09-01T17:20", "waiting", "60", "wait_minutes", "90"); /* where nobody was swabbed yet */
        test_record(&t, "mobile_team", "title", "邻市支援队", "kind", "sampling", "people", "30", "samplers", "20");
        json_t *by_rule = forecast(&t, round);
        assert_true(json_is_true(json_object_get(by_rule, "couriers_assumed")));
        int64_t van = 0;
        for (int i = 0; i < 3; i++) van = test_record(&t, "courier", "vehicle", arena_printf(&t.a, "沪A·%d", i), "title", "刘师傅", "capacity", "120", "loading", "15m");
        sample_open(&t, "courier", van, "away");
        json_t *near = forecast(&t, round);
        assert_true(json_is_false(json_object_get(near, "couriers_assumed")) && number(json_object_get(near, "plan"), "couriers") == 2);
        int64_t lab = test_count(&t, "SELECT \"id\" FROM \"laboratory\"");
        for (int i = 0; i < 2; i++) test_record(&t, "transport_route", "site", test_id(&t, i ? calm : busy), "laboratory", test_id(&t, lab), "travel", "6h");
        json_t *far = forecast(&t, round); /* six hours on the road, not forty minutes */
        const json_t *soon = json_object_get(json_object_get(near, "plan"), "finish_hours"), *late = json_object_get(json_object_get(far, "plan"), "finish_hours");
        assert_true(number(late, "best") > number(soon, "best") + 4);
        int64_t sent = test_record(&t, "shipment", "laboratory", test_id(&t, lab), "called_at", SAMPLING_NOW, "carrier", test_id(&t, van));
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"shipment\" WHERE \"id\"=%lld AND \"vehicle\"='沪A·2' AND \"courier\"='刘师傅'", (long long)sent)), 1);
        json_decref(by_rule);
        json_decref(near);
        json_decref(far);
        int64_t table = test_record(&t, "site_table", "site", test_id(&t, busy), "label", "99");
        int64_t tube = test_record(&t, "tube", "barcode", "B1", "round", test_id(&t, round), "site_table", test_id(&t, table), "size", "10", "opened_at", "2022-09-01T17:00");
        for (int i = 0; i < 10; i++) swab_of(&t, NULL, person_of(&t, i), tube);
        json_t *j = forecast(&t, round);
        const json_t *done = json_object_get(j, "done"), *plan = json_object_get(j, "plan"), *as_is = json_object_get(plan, "as_is"), *behind = json_object_get(j, "behind"), *jams = json_object_get(j, "jams");
        assert_true(number(done, "target") == 13000 && number(done, "swabs") == 10 && number(done, "people") == 10);
        assert_true(json_is_false(json_object_get(j, "finished")) && json_is_false(json_object_get(j, "samplers_assumed")));
        assert_true(fabs(number(j, "deadline_hours") - 14.5) < 1e-9);
        assert_true(number(plan, "people") == 13000 - 10 && number(plan, "samplers") == 9 + 20);
        const json_t *areas = json_object_get(as_is, "areas");
        assert_int_equal(json_array_size(areas), 2);
        assert_true(number(json_array_get(areas, 0), "samplers") == 5 && number(json_array_get(areas, 0), "people") == 11990);
        assert_int_equal(json_array_size(behind), 1); /* 10 an hour were seen there: never in time; the other street is through in an hour of two */
        assert_string_equal(json_string_value(json_object_get(json_array_get(behind, 0), "area")), "310115001");
        assert_true(number(json_array_get(behind, 0), "last_hour") == 10);
        assert_int_equal(json_array_size(jams), 2);
        assert_string_equal(json_string_value(json_object_get(json_array_get(jams, 0), "state")), "jammed");
        assert_true(number(json_array_get(jams, 0), "wait_minutes") == 90); /* the longest first, however little is done there */
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(j, "teams"), 0), "to")), "310115001");
        json_decref(j);
        t.s.now = test_at("2022-09-02T09:00"); /* the deadline is past: whoever is left is behind, though nobody could be quicker */
        j = forecast(&t, round);
        assert_int_equal(json_array_size(json_object_get(j, "behind")), 2);
        json_decref(j);
        t.s.now = test_at(SAMPLING_NOW);
        /* whoever sees only the other street is told of it alone */
        struct grant g = {.role = TEXT("tester"), .region = TEXT("310115002")};
        struct session other = t.s;
        other.grants = &g;
        other.n_grants = 1;
        struct error err = {0};
        assert_int_not_equal(testing_forecast(t.l, &other, round, 0, &j, &err), 0);
    }
}

static void a_round_that_is_done_says_so(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        test_record(&t, "laboratory", "title", "方舱实验室", "tubes_per_day", "24000");
        int64_t tube = tube_of(&t, &g, "B1", "20");
        for (int i = 0; i < 20; i++) swab_of(&t, &g, person_of(&t, i), tube);
        json_t *j = forecast(&t, g.round); /* all twenty are swabbed; their tube still waits */
        assert_true(json_is_false(json_object_get(j, "finished")) && json_is_true(json_object_get(j, "samplers_assumed")));
        json_decref(j);
        sample_open(&t, "tube", tube, "spoiled"); /* it is gone; nobody is left to be swabbed a first time */
        j = forecast(&t, g.round);
        assert_true(json_is_true(json_object_get(j, "finished")) && !json_object_get(j, "plan"));
        json_decref(j);
    }
}

/* A town of two streets: `people`, a site and a table in each, and a laboratory. */
struct town { int64_t campaign, round, site[2], table[2], lab; };

static struct town town(struct test_ledger *t, const char *begins, const char *ends, const char *people) {
    static const char *const streets[] = {"310115001", "310115002"};
    struct town w = {.campaign = test_record(t, "campaign", "title", "首轮", "kind", "mass", "starts_at", "2022-09-01T00:00")};
    w.round = test_record(t, "round", "campaign", test_id(t, w.campaign), "seq", "1", "starts_at", begins, "ends_at", ends);
    w.lab = test_record(t, "laboratory", "title", "方舱实验室", "tubes_per_day", "24000");
    for (int i = 0; i < 2; i++) {
        test_record(t, "round_scope", "campaign", test_id(t, w.campaign), "area", streets[i], "population", people);
        w.site[i] = place_of(t, streets[i], i ? "北门广场" : "南门小学");
        w.table[i] = test_record(t, "site_table", "site", test_id(t, w.site[i]), "label", "1");
    }
    return w;
}

static int64_t full_tube(struct test_ledger *t, const struct town *w, int64_t round, const char *barcode, int from, int n) {
    int64_t tube = test_record(t, "tube", "barcode", barcode, "round", test_id(t, round), "site_table", test_id(t, w->table[0]), "size", "20", "opened_at", "2022-09-01T17:00");
    for (int i = from; i < from + n; i++) swab_of(t, NULL, person_of(t, i), tube);
    return tube;
}

static double left_of(const json_t *j) {
    return number(json_object_get(j, "plan"), "people");
}

static void hours_of_a_round_that_has_not_begun_count_from_its_beginning(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct town w = town(&t, "2022-09-02T06:00", "2022-09-02T18:00", "500");
        test_record(&t, "sampler_shift", "site_table", test_id(&t, w.table[0]), "sampler", "张", "starts_at", "2022-09-01T08:00", "ends_at", "2022-09-01T20:00"); /* has gone home by then */
        json_t *j = forecast(&t, w.round);
        assert_string_equal(json_string_value(json_object_get(j, "at")), "2022-09-02T06:00:00+08:00");
        assert_true(fabs(number(j, "deadline_hours") - 12) < 1e-9 && json_is_true(json_object_get(j, "samplers_assumed")));
        json_decref(j);
        t.s.now = test_at("2022-09-02T07:00");
        j = forecast(&t, w.round);
        assert_string_equal(json_string_value(json_object_get(j, "at")), "2022-09-02T07:00:00+08:00");
        json_decref(j);
    }
}

static void no_more_are_left_than_the_round_lacks(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct town w = town(&t, "2022-09-01T08:00", "2022-09-02T08:00", "10");
        full_tube(&t, &w, w.round, "B1", 0, 16); /* all of one street and six of the other came to one site */
        json_t *j = forecast(&t, w.round);
        assert_true(left_of(j) == 4);
        json_decref(j);
        test_record(&t, "round_scope", "campaign", test_id(&t, w.campaign), "area", "310116", "population", "900"); /* nobody opened a site there: they are left all the same */
        j = forecast(&t, w.round);
        assert_true(left_of(j) == 904);
        json_decref(j);
    }
}

static void a_closed_round_waits_for_its_tubes_and_for_no_others(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct town w = town(&t, "2022-09-01T08:00", "2022-09-02T08:00", "10");
        int64_t other = test_record(&t, "round", "campaign", test_id(&t, w.campaign), "seq", "2", "starts_at", "2022-09-01T08:00", "ends_at", "2022-09-02T08:00");
        struct error err = {0};
        sample_open(&t, "round", w.round, "open");
        sample_open(&t, "round", other, "open");
        int64_t tubes[] = {full_tube(&t, &w, w.round, "B1", 0, 6), full_tube(&t, &w, other, "B2", 20, 6)};
        sample_open(&t, "round", w.round, "closed");
        json_t *j = forecast(&t, w.round); /* its tube is at the site; fourteen will not be swabbed any more */
        assert_true(json_is_false(json_object_get(j, "finished")) && left_of(j) == 0);
        json_decref(j);
        struct draft *box = test_draft(&t, "box", DRAFT_CREATE, "barcode", "K1", "site", test_id(&t, w.site[0]), "laboratory", test_id(&t, w.lab), NULL);
        box->region = TEXT("310115001");
        assert_ok(test_write(&t, box, &err), err);
        for (int i = 0; i < 2; i++) {
            struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "box", test_id(&t, box->ret_id), "received_at", SAMPLING_NOW, NULL);
            d->id = tubes[i];
            d->state = TEXT("received");
            assert_ok(test_write(&t, d, &err), err);
        }
        sample_open(&t, "site", w.site[0], "closed");
        sample_open(&t, "site", w.site[1], "closed");
        j = forecast(&t, w.round); /* both lie on the bench, and no site is open any more */
        assert_true(json_is_false(json_object_get(j, "finished")));
        json_decref(j);
        sample_open(&t, "tube", tubes[0], "spoiled");
        j = forecast(&t, w.round); /* what lies there now is of the other round */
        assert_true(json_is_true(json_object_get(j, "finished")));
        json_decref(j);
    }
}

static void few_samplers_and_a_small_laboratory_are_a_forecast_too(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct town w = town(&t, "2022-09-01T08:00", "2022-09-02T08:00", "100");
        test_record(&t, "laboratory", "title", "卫生院", "tubes_per_day", "2", "turnaround", "96h");
        test_record(&t, "transport_route", "site", test_id(&t, w.site[0]), "laboratory", test_id(&t, w.lab), "travel", "50h");
        test_record(&t, "sampler_shift", "site_table", test_id(&t, w.table[0]), "sampler", "张", "starts_at", "2022-09-01T14:00");
        json_t *j = forecast(&t, w.round); /* one for two streets: they are served together */
        assert_true(left_of(j) == 200 && number(json_object_get(j, "plan"), "samplers") == 1);
        json_decref(j);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_says_when_it_ends_who_is_behind_and_who_should_move),
        cmocka_unit_test(a_round_that_is_done_says_so),
        cmocka_unit_test(hours_of_a_round_that_has_not_begun_count_from_its_beginning),
        cmocka_unit_test(no_more_are_left_than_the_round_lacks),
        cmocka_unit_test(a_closed_round_waits_for_its_tubes_and_for_no_others),
        cmocka_unit_test(few_samplers_and_a_small_laboratory_are_a_forecast_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

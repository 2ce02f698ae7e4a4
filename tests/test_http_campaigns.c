/* Rounds planned over HTTP: refusals by member, rights, and the figures of the engine. */
#include "http.h"

#include <math.h>

static void a_plan_is_refused_by_member_and_answers_what_the_engine_says(void **state) {
    static const struct {
        const char *body, *where;
    } bad[] = {
        {"{}", "people"}, {"{\"people\":1000}", "tubes_per_day"}, {"{\"people\":\"many\",\"tubes_per_day\":10}", "people"}, {"{\"people\":1000,\"tubes_per_day\":100,\"smaplers\":3}", "smaplers"},
        {"{\"people\":1000,\"tubes_per_day\":100,\"opens\":\"25:00\"}", "opens"}, {"{\"people\":1000,\"tubes_per_day\":100,\"opens\":\"8:00\",\"closes\":\"7:00\"}", "close_h"},
        {"{\"areas\":[],\"tubes_per_day\":100}", "areas"}, {"{\"areas\":[{\"people\":-1}],\"tubes_per_day\":100}", "areas/people"}, {"{\"areas\":[{\"people\":10,\"tabels\":1}],\"tubes_per_day\":100}", "areas/0/tabels"},
        {"{\"people\":1000,\"laboratories\":[{\"name\":3}]}", "laboratories/0/name"}, {"{\"people\":1000,\"laboratories\":[{\"name\":\"a\"}]}", "laboratories"},
        {"{\"people\":1000,\"tubes_per_day\":100,\"travel_minutes\":[[1]]}", "travel_minutes/0/"}, {"{\"people\":1000,\"tubes_per_day\":100,\"draws\":1e9}", "draws"},
        {"{\"areas\":[{\"people\":1000,\"point\":[31.19,121.45]}],\"tubes_per_day\":100}", "areas/0/point"}, {"{\"people\":1000,\"laboratories\":[{\"tubes_per_hour\":9,\"point\":\"121.41 31.21\"}]}", "laboratories/0/point"},
        {"{\"people\":1000,\"tubes_per_day\":100,\"burst_share\":2}", "burst_share"}, {"{\"people\":100000,\"tubes_per_day\":100}", "campaign"},
    };
    EACH_HTTP(h, "covid-2022-v9", "2022-05-30T10:00") {
        struct answer_got got;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            got = test_http_post(&h, "/api/v1/testing/plan", COMMAND, bad[i].body);
            if (got.status != 422 && got.status != 400) fail_msg("%s: %d %.*s", bad[i].body, got.status, (int)got.body.n, got.body.s);
            if (!memmem(got.body.s, got.body.n, bad[i].where, strlen(bad[i].where))) fail_msg("%s: %.*s", bad[i].where, (int)got.body.n, got.body.s);
        }
        assert_status(test_http_post(&h, "/api/v1/testing/plan", NULL, "{}"), 401);
        assert_status(test_http_post(&h, "/api/v1/testing/plan", STREET, "{}"), 403);
        got = test_http_post(&h, "/api/v1/testing/plan", COMMAND, "{\"people\":50000,\"tubes_per_day\":12000,\"areas\":[{\"name\":\"甲\",\"people\":30000,\"sites\":[{\"people\":20000,\"tables\":30},{\"people\":10000,\"tables\":20}]},"
                                                                               "{\"name\":\"乙\",\"people\":20000}],\"travel_minutes\":20}");
        assert_status(got, 200);
        assert_true(json_number_value(json_object_get(got.json, "people")) == 50000 && json_number_value(json_object_get(got.json, "tubes")) == 5000);
        const json_t *areas = json_object_get(got.json, "areas"), *first = json_array_get(areas, 0), *sites = json_object_get(first, "sites"), *f = json_object_get(got.json, "finish_hours");
        double at_sites = 0, in_areas = 0, called = 0;
        for (size_t i = 0; i < json_array_size(sites); i++) at_sites += json_number_value(json_object_get(json_array_get(sites, i), "samplers"));
        for (size_t i = 0; i < json_array_size(areas); i++) in_areas += json_number_value(json_object_get(json_array_get(areas, i), "samplers"));
        for (size_t i = 0; i < json_array_size(json_object_get(first, "called")); i++) called += json_number_value(json_array_get(json_object_get(first, "called"), i));
        assert_true(at_sites == json_number_value(json_object_get(first, "samplers")) && in_areas == json_number_value(json_object_get(got.json, "samplers")) && called == 30000);
        assert_true(json_number_value(json_object_get(f, "p10")) <= json_number_value(json_object_get(f, "p50")) && json_number_value(json_object_get(f, "p50")) <= json_number_value(json_object_get(f, "p90")));
        assert_string_equal(json_string_value(json_object_get(json_object_get(first, "by_slot"), "state")), "free");
        assert_string_equal(json_string_value(json_object_get(got.json, "bottleneck")), "laboratories");
        got = test_http_post(&h, "/api/v1/testing/plan", COMMAND, "{\"people\":500000,\"tubes_per_day\":60000}");
        assert_status(got, 200);
        f = json_object_get(got.json, "finish_hours"); /* nothing is expected before the best there is */
        assert_true(json_number_value(json_object_get(f, "best")) <= json_number_value(json_object_get(f, "expected")));
    }
}

static void a_size_is_worked_out_and_what_the_plan_forbids_is_marked(void **state) {
    EACH_HTTP(h, "covid-2021-v8", "2022-05-15T10:00") { /* at most 10 to a tube */
        assert_status(test_http_get(&h, "/api/v1/testing/pooling", STREET), 422); /* no prevalence */
        assert_status(test_http_get(&h, "/api/v1/testing/pooling?prevalence=0.001&sizes=65", STREET), 422);
        assert_status(test_http_get(&h, "/api/v1/testing/pooling?prevalence=0.001&sizes=ten", STREET), 422);
        assert_status(test_http_get(&h, "/api/v1/testing/pooling?prevalence=few", STREET), 422);
        assert_status(test_http_get(&h, "/api/v1/testing/pooling?prevalence=0.001&disease=measles", STREET), 404);
        struct answer_got got = test_http_get(&h, "/api/v1/testing/pooling?prevalence=0.001&people=100000&sizes=1,10,20,household", STREET);
        assert_status(got, 200);
        const json_t *sizes = json_object_get(got.json, "sizes"), *ten = json_array_get(sizes, 1), *twenty = json_array_get(sizes, 2), *household = json_array_get(sizes, 3);
        assert_true(json_is_false(json_object_get(ten, "forbidden")) && json_is_true(json_object_get(twenty, "forbidden")) && json_is_false(json_object_get(household, "forbidden")));
        assert_string_equal(test_json_text(household, "size"), "household");
        assert_true(fabs(json_number_value(json_object_get(ten, "found")) + json_number_value(json_object_get(ten, "missed")) - 100) < 1e-9);
        assert_int_equal(test_json_int(got.json, "pooling_max"), 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_plan_is_refused_by_member_and_answers_what_the_engine_says, settle),
        cmocka_unit_test_teardown(a_size_is_worked_out_and_what_the_plan_forbids_is_marked, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

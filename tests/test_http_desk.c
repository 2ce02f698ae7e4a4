/* What the console asks for besides records: rows tried without keeping them, settings of one's own, a job told as it goes, how the node is. */
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PLACES "/api/v1/registers/place/records"
#define SETTINGS "/api/v1/session/settings"

static struct answer_got patch(const char *token, const char *body) {
    return test_http_ask(&h, "PATCH", SETTINGS, token, "Content-Type: application/merge-patch+json\r\n", body);
}

static const json_t *row(struct answer_got got, size_t i) {
    return json_array_get(json_object_get(got.json, "rows"), i);
}

static int64_t entries(void) {
    return test_json_int(test_http_get(&h, "/api/v1/node", ROOT).json, "journal_entries");
}

static void rows_are_tried_and_nothing_is_kept(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const char rows[] = "{\"dry\":true,\"rows\":[{\"region\":\"310115001\",\"fields\":{\"title\":\"a\"}},{\"region\":\"310115001\",\"fields\":{\"title\":\"b\",\"capacity\":\"many\"}}]}";
        assert_status(test_http_ask(&h, "POST", PLACES "/batch", ROOT, "Content-Type: application/json\r\nIdempotency-Key: k\r\n", rows), 400);
        assert_status(test_http_post(&h, PLACES "/batch", ROOT, "{\"dry\":true,\"whole\":true,\"rows\":[{\"fields\":{}}]}"), 400);
        int64_t before = entries();
        struct answer_got got = test_http_post(&h, PLACES "/batch", ROOT, rows);
        assert_status(got, 200);
        assert_string_equal(test_json_text(row(got, 0), "outcome"), "created");
        assert_null(json_object_get(row(got, 0), "id"));
        assert_string_equal(test_json_text(row(got, 1), "outcome"), "rejected");
        assert_string_equal(test_json_text(row(got, 1), "pointer"), "/rows/1/fields/capacity");
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, PLACES, ROOT).json, "rows")), 0);
        assert_int_equal(entries(), before);
        /* what was tried comes true, with the number it would have had */
        got = test_http_post(&h, PLACES, ROOT, "{\"region\":\"310115001\",\"fields\":{\"title\":\"a\"}}");
        assert_status(got, 201);
        int64_t id = test_json_int(got.json, "id");
        got = test_http_post(&h, PLACES "/batch", OTHER, rows);
        assert_status(got, 200);
        assert_string_equal(test_json_text(row(got, 0), "outcome"), "rejected");
        got = test_http_get(&h, arena_printf(&h.t.a, PLACES "/%lld", (long long)id), ROOT);
        assert_int_equal(test_json_int(got.json, "version"), 1);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 1);
    }
}

static void settings_are_ones_own(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_get(&h, SETTINGS, NULL), 401);
        assert_status(patch(NULL, "{\"a\":1}"), 401);
        assert_status(patch(STREET, "[1]"), 400);
        assert_status(patch(STREET, "{\"\":1}"), 422);
        struct buf b = {0};
        buf_str(&b, "{\"big\":\"");
        for (int i = 0; i < 17000; i++) buf_char(&b, 'x');
        buf_str(&b, "\"}");
        assert_status(patch(STREET, buf_cstr(&b)), 413);
        buf_reset(&b);
        for (int i = 0; i < 201; i++) buf_printf(&b, "%c\"s%d\":1", i ? ',' : '{', i);
        buf_char(&b, '}');
        assert_status(patch(STREET, buf_cstr(&b)), 413);
        buf_clear(&b);
        assert_int_equal(json_object_size(json_object_get(test_http_get(&h, SETTINGS, STREET).json, "settings")), 0);

        assert_status(patch(STREET, "{\"views.case\":{\"甲\":{\"sort\":\"-id\"}},\"b\":[1,null,\"\\u0001\"]}"), 204);
        assert_status(patch(OTHER, "{\"b\":2}"), 204);
        assert_status(patch(STREET, "{\"b\":{\"now\":true}}"), 204);
        const json_t *mine = json_object_get(test_http_get(&h, SETTINGS, STREET).json, "settings");
        assert_int_equal(json_object_size(mine), 2);
        assert_string_equal(test_json_text(json_object_get(json_object_get(mine, "views.case"), "甲"), "sort"), "-id");
        assert_true(json_is_true(json_object_get(json_object_get(mine, "b"), "now")));
        assert_int_equal(test_json_int(json_object_get(test_http_get(&h, SETTINGS, OTHER).json, "settings"), "b"), 2);
        assert_status(patch(STREET, "{\"b\":null,\"never\":null}"), 204);
        assert_int_equal(json_object_size(json_object_get(test_http_get(&h, SETTINGS, STREET).json, "settings")), 1);
        test_http_stop(&h);
    }
}

static void a_job_is_told_until_its_end(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        struct buf b = {0};
        buf_str(&b, "姓名,性别\n");
        for (int i = 0; i < 3000; i++) buf_printf(&b, "张三%d,男\n", i);
        struct answer_got got = test_http_ask(&h, "POST", "/api/v1/imports?register=person&file=p.csv", ROOT, "Content-Type: text/csv\r\n", buf_cstr(&b));
        buf_clear(&b);
        assert_status(got, 201);
        const char *at = arena_printf(&h.t.a, "/api/v1/imports/%s", test_json_text(got.json, "id")), *events = arena_printf(&h.t.a, "%s/events", at);
        assert_status(test_http_get(&h, events, NULL), 401);
        assert_status(test_http_get(&h, events, OTHER), 404);
        assert_status(test_http_get(&h, "/api/v1/imports/0000000000000000/events", ROOT), 404);
        for (int i = 0; i < 2; i++) { /* the look, then the run */
            if (i) assert_status(test_http_ask(&h, "POST", arena_printf(&h.t.a, "%s/run", at), ROOT, "", NULL), 202);
            got = test_http_get(&h, events, ROOT); /* to the end of the stream */
            assert_status(got, 200);
            const char *last = NULL;
            for (const char *p = got.body.s; p && (p = strstr(p, "\"state\":")); p++) last = p;
            assert_non_null(last);
            if (strncmp(last, "\"state\":\"done\"", 14) != 0) fail_msg("%.*s", (int)got.body.n, got.body.s);
        }
        got = test_http_get(&h, at, ROOT);
        assert_int_equal(test_json_int(json_object_get(json_object_get(got.json, "result"), "run"), "created"), 3000);
        test_http_stop(&h);
    }
}

static void how_the_node_is(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_get(&h, "/api/v1/node", NULL), 401);
        assert_status(test_http_get(&h, "/api/v1/node", STREET), 403);
        assert_status(test_http_get(&h, "/api/v1/node/retention", STREET), 403);
        assert_status(test_http_post(&h, PLACES, ROOT, "{\"region\":\"310115001\",\"fields\":{\"title\":\"a\"}}"), 201);
        struct answer_got got = test_http_get(&h, "/api/v1/node", ROOT);
        assert_status(got, 200);
        assert_true(test_json_int(got.json, "journal_entries") > 0);
        assert_true(test_json_int(got.json, "disk_bytes") >= test_json_int(got.json, "disk_free_bytes"));
        got = test_http_get(&h, "/api/v1/node/retention", ROOT);
        assert_status(got, 200);
        const json_t *all = json_object_get(got.json, "registers"), *one;
        size_t i;
        assert_true(json_array_size(all) > 0);
        json_array_foreach(all, i, one) {
            assert_true(test_json_int(one, "days") > 0);
            assert_true(*test_json_text(one, "basis") != 0);
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 1); /* asking removes nothing */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_tried_and_nothing_is_kept, settle),
        cmocka_unit_test_teardown(settings_are_ones_own, settle),
        cmocka_unit_test_teardown(a_job_is_told_until_its_end, settle),
        cmocka_unit_test_teardown(how_the_node_is, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

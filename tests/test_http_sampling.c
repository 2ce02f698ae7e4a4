/* Sampling over HTTP, on each store: what is refused, one swab and many, sent twice, a tube closed by hand, the round in numbers. */
#include "http.h"
#include "sampling.h"

static char body[1 << 16];

static void started(size_t store, struct sample_ground *g) {
    h = (struct test_http){0};
    test_ledger_make(&h.t, store, "covid-2022-v9", SAMPLING_NOW);
    *g = ground(&h.t);
    for (int i = 0; i < 30; i++) person_of(&h.t, i);
    test_http_start(&h, NULL);
}

static const char *one(const struct sample_ground *g, const char *tube, const char *who) {
    snprintf(body, sizeof body, "{\"table\":%lld,\"round\":%lld,\"tube\":\"%s\",%s}", (long long)g->table, (long long)g->round, tube, who);
    return body;
}

static void what_is_refused(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        const char *path = "/api/v1/sampling/swabs";
        assert_status(test_http_post(&h, path, NULL, one(&g, "A1", "\"temporary\":\"1\"")), 401);
        assert_status(test_http_post(&h, path, GUEST, one(&g, "A1", "\"temporary\":\"1\"")), 403);
        assert_status(test_http_post(&h, path, AUDITOR, one(&g, "A1", "\"temporary\":\"1\"")), 403);
        assert_status(test_http_post(&h, path, ROOT, "{\"swabs\":[]}"), 422);
        assert_status(test_http_post(&h, path, ROOT, "{\"swabs\":{}}"), 422);
        assert_status(test_http_post(&h, path, ROOT, "{\"sent_at\":\"never\",\"swabs\":[{}]}"), 422);
        struct answer_got got = test_http_post(&h, path, ROOT, "{\"swabs\":[{},7,{\"table\":\"x\"},{\"tube\":3}]}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "refused"), 4);
        /* a street's intake swabs at no table of another street */
        assert_status(test_http_post(&h, path, STREET, one(&g, "A1", "\"temporary\":\"1\"")), 200);
        assert_status(test_http_post(&h, "/api/v1/sampling/tubes/none/close", ROOT, "{}"), 404);
        assert_status(test_http_get(&h, "/api/v1/sampling/rounds/999999/figures", ROOT), 404);
        char url[200];
        snprintf(url, sizeof url, "/api/v1/sampling/rounds/%lld/coverage", (long long)g.round);
        assert_status(test_http_get(&h, url, GUEST), 403);
        snprintf(url, sizeof url, "/api/v1/sampling/rounds/%lld/people?why=never", (long long)g.round);
        assert_status(test_http_get(&h, url, ROOT), 422);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\""), 0);
        test_http_drop(&h);
    }
}

/* A round of the county is every street's: who works in one sees it and what is done of it there, changes nothing of it, and sees no round of another street. */
static void a_street_sees_the_round_it_works_in(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        test_http_stop(&h);
        struct error err = {0};
        struct draft *d = test_draft(&h.t, "round", DRAFT_CREATE, "campaign", test_id(&h.t, g.campaign), "seq", "9", "starts_at", "2022-09-01T08:00", NULL);
        d->region = TEXT("310115002");
        assert_ok(test_write(&h.t, d, &err), err);
        int64_t here = test_record(&h.t, "person", "name", "街坊", "address_region", "310115001");
        test_http_start(&h, NULL);
        static const char *const lists[] = {"campaign", "round", "round?state=open", "round?region=310115"};
        for (size_t i = 0; i < 4; i++) {
            const char *mark = strchr(lists[i], '?');
            struct answer_got got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/registers/%.*s/records%s", (int)(mark ? mark - lists[i] : (long)strlen(lists[i])), lists[i], mark ? mark : ""), STREET);
            assert_status(got, 200);
            const json_t *rows = json_object_get(got.json, "rows");
            assert_int_equal(json_array_size(rows), 1);
            assert_int_equal(test_json_int(json_array_get(rows, 0), "id"), i ? g.round : g.campaign);
        }
        assert_status(test_http_get(&h, arena_printf(&h.t.a, "/api/v1/registers/round/records/%lld", (long long)g.round), STREET), 200);
        assert_status(test_http_get(&h, arena_printf(&h.t.a, "/api/v1/registers/round/records/%lld", (long long)d->ret_id), STREET), 404);
        int changed = test_http_ask(&h, "PATCH", arena_printf(&h.t.a, "/api/v1/registers/round/records/%lld", (long long)g.round), STREET, "", "{\"fields\":{\"tube_size\":5}}").status;
        assert_true(changed == 403 || changed == 404);
        struct answer_got got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/sampling/rounds/%lld/people", (long long)g.round), STREET);
        assert_status(got, 200);
        assert_true(json_array_size(json_object_get(got.json, "people")) == 1 && json_integer_value(json_array_get(json_object_get(got.json, "people"), 0)) == here);
        /* how many are to be swabbed there is what the scope says of it, not what the campaign says of everybody */
        const char *figures = arena_printf(&h.t.a, "/api/v1/sampling/rounds/%lld/figures", (long long)g.round);
        struct answer_got mine = test_http_get(&h, figures, STREET);
        assert_true(test_json_int(mine.json, "target") == 0 && !json_object_get(mine.json, "coverage"));
        for (int i = 1; i < 3; i++)
            assert_status(test_http_post(&h, "/api/v1/registers/round_scope/records", ROOT, arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"campaign\":%lld,\"mode\":\"include\",\"area\":\"31011500%d\",\"population\":%d}}", (long long)g.campaign, i, 6 + i)), 201);
        mine = test_http_get(&h, figures, STREET);
        assert_int_equal(test_json_int(mine.json, "target"), 7);
        assert_int_equal(test_json_int(test_http_get(&h, figures, ROOT).json, "target"), 15);
        test_http_drop(&h);
    }
}

/* Seconds that no calendar has (milliseconds, the ends of an integer) are refused by the name of the field, and nothing is reckoned with them. */
static void what_is_no_time_is_refused(void **state) {
    static const char *const none[] = {"9223372036854775807", "-9223372036854775807", "-9223372036854775808", "1662024600000"};
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        const char *path = "/api/v1/sampling/swabs", *tube = "/api/v1/sampling/tubes/A1/close";
        assert_status(test_http_post(&h, path, ROOT, one(&g, "A1", "\"temporary\":\"1\",\"swabbed_at\":1662024600")), 201); /* 2022-09-01T17:30 */
        for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
            struct answer_got got = test_http_post(&h, path, ROOT, one(&g, "A1", arena_printf(&h.t.a, "\"temporary\":\"2\",\"sent_at\":%s", none[i])));
            assert_status(got, 422);
            assert_true(strstr(got.body.s, "/sent_at") != NULL);
            got = test_http_post(&h, path, ROOT, one(&g, "A1", arena_printf(&h.t.a, "\"temporary\":\"2\",\"sent_at\":1662024000,\"swabbed_at\":%s", none[i])));
            assert_status(got, 200);
            const json_t *row = json_array_get(json_object_get(got.json, "rows"), 0);
            assert_string_equal(json_string_value(json_object_get(row, "reason")), "invalid");
            assert_string_equal(json_string_value(json_object_get(row, "where")), "swabbed_at");
            got = test_http_post(&h, tube, ROOT, arena_printf(&h.t.a, "{\"closed_at\":1662024600,\"sent_at\":%s}", none[i]));
            assert_status(got, 422);
            assert_true(strstr(got.body.s, "/sent_at") != NULL);
            got = test_http_post(&h, tube, ROOT, arena_printf(&h.t.a, "{\"closed_at\":%s,\"sent_at\":1662025200}", none[i]));
            assert_status(got, 422);
            assert_true(strstr(got.body.s, "/closed_at") != NULL);
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\""), 1);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='open'"), 1);
        test_http_drop(&h);
    }
}

static void a_swab_is_there_when_it_is_answered(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        char url[200];
        for (int sent = 0; sent < 2; sent++) {
            struct answer_got got = test_http_post(&h, "/api/v1/sampling/swabs", ROOT, one(&g, "A1", "\"doc_type\":\"id-card\",\"doc_no\":\"11010519491231002X\",\"name\":\"王某\""));
            assert_status(got, sent ? 200 : 201);
            assert_int_equal(test_json_int(got.json, sent ? "unchanged" : "created"), 1);
        }
        struct answer_got got = test_http_post(&h, "/api/v1/sampling/swabs", ROOT, one(&g, "A2", "\"doc_no\":\"11010519491231002X\""));
        assert_status(got, 200);
        const json_t *row = json_array_get(json_object_get(got.json, "rows"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "reason")), "duplicate_person");
        assert_true(strstr(json_string_value(json_object_get(row, "message")), "A1") != NULL); /* and says where */
        /* a batch of the field app: table and round said once, a tube of 20 and a half */
        int n = snprintf(body, sizeof body, "{\"table\":%lld,\"round\":%lld,\"size\":20,\"sent_at\":\"%s\",\"swabs\":[", (long long)g.table, (long long)g.round, SAMPLING_NOW);
        for (int i = 0; i < 30; i++) n += snprintf(body + n, sizeof body - (size_t)n, "%s{\"tube\":\"%s\",\"temporary\":\"L%d\",\"swabbed_at\":\"2022-09-01T17:10\"}", i ? "," : "", i < 20 ? "C1" : "C2", i);
        snprintf(body + n, sizeof body - (size_t)n, "]}");
        got = test_http_post(&h, "/api/v1/sampling/swabs", ROOT, body);
        assert_status(got, 201);
        assert_int_equal(test_json_int(got.json, "created"), 30);
        got = test_http_post(&h, "/api/v1/sampling/swabs", ROOT, body);
        assert_int_equal(test_json_int(got.json, "unchanged"), 30);
        static const char close[] = "/api/v1/sampling/tubes/C2/close";
        assert_status(test_http_post(&h, close, ROOT, "{\"closed_at\":\"soon\"}"), 422);
        assert_status(test_http_post(&h, close, ROOT, "{\"closed_at\":\"2022-09-01T17:40\"}"), 422); /* to come */
        got = test_http_post(&h, close, ROOT, "{\"closed_at\":\"2022-09-02T17:15\",\"sent_at\":\"2022-09-02T17:30\"}"); /* a quarter of an hour ago, by a clock a day ahead */
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "swabs"), 10);
        snprintf(url, sizeof url, "/api/v1/sampling/rounds/%lld/figures", (long long)g.round);
        got = test_http_get(&h, url, ROOT);
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "people"), 31);
        assert_int_equal(test_json_int(got.json, "tubes"), 3); /* A2 was opened for nobody */
        assert_int_equal(test_json_int(got.json, "last_hour"), 31);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\""), 31);
        int64_t ago = test_at("2022-09-01T17:15") - test_count(&h.t, "SELECT \"closed_at\" FROM \"tube\" WHERE \"barcode\"='C2'");
        assert_true(ago <= 0 && ago > -600); /* the clock here goes on */
        test_http_drop(&h);
    }
}

/* Who booked is done by the swab, single or in a batch of the field app; who did not come is a list. */
static void who_booked_and_did_not_come(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        test_http_stop(&h);
        int64_t slot = test_record(&h.t, "appointment_slot", "site", test_id(&h.t, g.site), "starts_at", "2022-09-01T17:00", "ends_at", "2022-09-01T17:30", "places", "10"), who[3];
        for (int i = 0; i < 3; i++) {
            who[i] = person_of(&h.t, 50 + i);
            test_record(&h.t, "voluntary_test", "person", test_id(&h.t, who[i]), "slot", test_id(&h.t, slot), "requested_at", "2022-09-01T12:00");
        }
        test_http_start(&h, NULL);
        static const char list[] = "/api/v1/registers/voluntary_test/records?state=booked&ends_at=..2022-09-01T18:00&fields=person";
        for (int sent = 0; sent < 2; sent++) {
            char text[60];
            snprintf(text, sizeof text, "\"person\":%lld", (long long)who[0]);
            assert_status(test_http_post(&h, "/api/v1/sampling/swabs", ROOT, one(&g, "A1", text)), sent ? 200 : 201);
            snprintf(body, sizeof body, "{\"table\":%lld,\"round\":%lld,\"swabs\":[{\"tube\":\"A1\",\"person\":%lld},{\"tube\":\"A1\",\"temporary\":\"L7\"}]}", (long long)g.table, (long long)g.round, (long long)who[1]);
            assert_status(test_http_post(&h, "/api/v1/sampling/swabs", ROOT, body), sent ? 200 : 201);
            struct answer_got got = test_http_get(&h, list, ROOT);
            assert_status(got, 200);
            const json_t *rows = json_object_get(got.json, "rows");
            assert_int_equal(json_array_size(rows), 1);
            assert_int_equal(test_json_int(json_object_get(json_array_get(rows, 0), "fields"), "person"), who[2]);
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"voluntary_test\" v JOIN \"swab\" s ON s.\"id\"=v.\"swab\" AND s.\"person\"=v.\"person\" WHERE v.\"state\"='done' AND v.\"version\"=2"), 2);
        test_http_drop(&h);
    }
}

static void the_round_in_numbers(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        char url[200];
        assert_status(test_http_post(&h, "/api/v1/sampling/swabs", ROOT, one(&g, "A1", "\"temporary\":\"L1\"")), 201);
        static const char *const what[] = {"sites", "hours", "coverage?buildings=1", "people?why=missing&limit=5", "figures?day=2022-09-01"};
        for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
            snprintf(url, sizeof url, "/api/v1/sampling/rounds/%lld/%s", (long long)g.round, what[i]);
            struct answer_got got = test_http_get(&h, url, ROOT);
            assert_status(got, 200);
            if (i == 3) assert_int_equal(json_array_size(json_object_get(got.json, "people")), 5);
            if (i) continue;
            const json_t *sites = json_object_get(got.json, "sites");
            assert_int_equal(json_array_size(sites), 2); /* the one at work, and one that is open */
            assert_int_equal(test_json_int(json_array_get(sites, 0), "swabs"), 1);
            assert_string_equal(test_json_text(json_array_get(sites, 1), "queue"), "unknown");
            test_http_stop(&h);
            test_record(&h.t, "queue_report", "site", test_id(&h.t, g.other_site), "reported_at", SAMPLING_NOW, "waiting", "90", "wait_minutes", "55");
            test_http_start(&h, NULL);
            got = test_http_get(&h, url, ROOT);
            assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "sites"), 1), "queue"), "jammed");
        }
        test_http_drop(&h);
    }
}

/* Numbers are given, printed and typed up; nobody without the right gets one, and the same file told twice changes nothing. */
static void paper_there_and_back(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        char url[200], first[80] = "";
        snprintf(body, sizeof body, "{\"round\":%lld,\"table\":%lld,\"count\":2}", (long long)g.round, (long long)g.table);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets", NULL, body), 401);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets", AUDITOR, body), 403);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets", ROOT, "{\"round\":1}"), 422);
        snprintf(url, sizeof url, "/api/v1/sampling/sheets?round=%lld&table=%lld&from=1&count=2", (long long)g.round, (long long)g.table);
        assert_status(test_http_get(&h, url, ROOT), 422); /* none was given yet */
        struct answer_got got = test_http_post(&h, "/api/v1/sampling/sheets", ROOT, body);
        assert_status(got, 201);
        snprintf(first, sizeof first, "%s", json_string_value(json_array_get(json_object_get(got.json, "numbers"), 0)));
        got = test_http_get(&h, url, ROOT);
        assert_status(got, 200);
        assert_true(got.body.n > 1000 && !memcmp(got.body.s, "%PDF", 4));
        assert_non_null(strstr(got.head, "application/pdf"));
        assert_status(test_http_get(&h, url, GUEST), 403);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets/typed", AUDITOR, "tube\n"), 403);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets/typed", ROOT, "name\nx\n"), 400);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets/typed?day=never", ROOT, "tube\nx\n"), 422);
        assert_status(test_http_post(&h, "/api/v1/sampling/sheets/typed", ROOT, "tube,name\nT1,\n"), 422); /* nobody on it */
        snprintf(body, sizeof body, "管码,姓名,证件号码,临时号,采样时间\n%s,王某,11010519491231002X,,9:05\n,李某,110105194912310021,,9:06\n,赵某,,L-7,9:07\n", first);
        for (int sent = 0; sent < 2; sent++) {
            got = test_http_post(&h, "/api/v1/sampling/sheets/typed", ROOT, body);
            assert_status(got, sent ? 200 : 201);
            assert_int_equal(test_json_int(got.json, sent ? "unchanged" : "created"), 2);
            const json_t *bad = json_array_get(json_object_get(got.json, "rows"), 1);
            assert_int_equal(test_json_int(bad, "line"), 3);
            assert_string_equal(json_string_value(json_object_get(bad, "where")), "doc_no");
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\""), 2);
        test_http_drop(&h);
    }
}

static void rounds_of_a_template(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct sample_ground g;
        started(store, &g);
        char url[200];
        snprintf(url, sizeof url, "/api/v1/testing/campaigns/%lld/rounds", (long long)g.campaign);
        const char *later = "{\"template\":\"three-in-three\",\"starts_at\":\"2022-09-03T06:00\",\"hours\":12}";
        assert_status(test_http_post(&h, url, NULL, later), 401);
        assert_status(test_http_post(&h, url, AUDITOR, later), 403);
        assert_status(test_http_post(&h, url, ROOT, "{\"template\":\"weekly\"}"), 404);
        assert_status(test_http_post(&h, url, ROOT, "{\"template\":\"single\"}"), 409); /* over the one that is there */
        assert_status(test_http_post(&h, url, ROOT, "{\"template\":\"single\",\"hours\":\"many\"}"), 422);
        assert_status(test_http_post(&h, url, ROOT, "{\"areas\":[7]}"), 422);
        strcat(url, "?dry_run=1");
        struct answer_got got = test_http_post(&h, url, ROOT, later);
        assert_status(got, 200);
        assert_int_equal(json_array_size(json_object_get(got.json, "rounds")), 3);
        *strchr(url, '?') = '\0';
        got = test_http_post(&h, url, ROOT, later);
        assert_status(got, 201);
        assert_int_equal(test_json_int(json_array_get(json_object_get(got.json, "rounds"), 0), "seq"), 2);
        assert_int_equal(test_json_int(got.json, "tube_size"), 10);
        assert_status(test_http_post(&h, url, ROOT, later), 409);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"round\""), 4);
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_refused, settle),
        cmocka_unit_test_teardown(a_street_sees_the_round_it_works_in, settle),
        cmocka_unit_test_teardown(what_is_no_time_is_refused, settle),
        cmocka_unit_test_teardown(a_swab_is_there_when_it_is_answered, settle),
        cmocka_unit_test_teardown(who_booked_and_did_not_come, settle),
        cmocka_unit_test_teardown(the_round_in_numbers, settle),
        cmocka_unit_test_teardown(paper_there_and_back, settle),
        cmocka_unit_test_teardown(rounds_of_a_template, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

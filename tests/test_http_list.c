/* Lists through the door: every list shows what its asker may see, whatever is asked for. */
#include "base/digest.h"
#include "http.h"

#define CASES "/api/v1/registers/case/records"
static const char *const NOW = "2022-05-30T10:00";

/* Thirty cases in two streets and their villages, each of a person of its own. */
static void cases_make(void) {
    static const char *const regions[] = {"310115001", "310115002", "310115001003", "310115002004", "310115001"};
    for (int i = 0; i < 30; i++) {
        char body[400];
        const char *region = regions[i % 5];
        snprintf(body, sizeof body, "{\"region\":\"%s\",\"fields\":{\"name\":\"李%c\",\"doc_type\":\"passport\",\"doc_no\":\"E1000%04d\",\"address_region\":\"%s\"}}", region,
                 'A' + i % 26, i, region);
        struct answer_got got = test_http_post(&h, "/api/v1/registers/person/records", ROOT, body);
        if (got.status != 201) fail_msg("%s: %.*s", body, (int)got.body.n, got.body.s);
        snprintf(body, sizeof body, "{\"region\":\"%s\",\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"%s\",\"report_date\":\"2022-05-%02d\"}}", region,
                 (long long)test_json_int(got.json, "id"), i % 3 ? "confirmed" : "asymptomatic", 1 + i % 29);
        got = test_http_post(&h, CASES, ROOT, body);
        if (got.status != 201) fail_msg("%s: %.*s", body, (int)got.body.n, got.body.s);
    }
}

static size_t rows_of(const struct answer_got *got) {
    return json_array_size(json_object_get(got->json, "rows"));
}

static void what_is_asked_wrongly(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        cases_make();
        assert_status(test_http_get(&h, CASES, NULL), 401);
        assert_status(test_http_get(&h, CASES, GUEST), 403);
        assert_status(test_http_get(&h, "/api/v1/registers/nothing/records", ROOT), 404);
        static const char *const bad[] = {"?nothing=1",     "?sort=person",          "?limit=0",        "?limit=501",      "?cursor=abc",
                                          "?state=%27",     "?region=%27%20OR%201",  "?id=1%3BDROP",    "?where=onset%20>", "?where=1%3D1)%20OR%20(1%3D1",
                                          "?icu=x",         "?report_date=tomorrow", "?fields=nothing", "?count=all",      "?classification=confirmed%27--",
                                          "?limit=1&limit=2", "?%22id%22=1",         "?classification%22%20%3D%201%20--=x"};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct answer_got got = test_http_get(&h, arena_printf(&h.t.a, CASES "%s", bad[i]), STREET);
            if (got.status != 400 && got.status != 422) fail_msg("%s: %d %.*s", bad[i], got.status, (int)got.body.n, got.body.s);
            assert_non_null(strstr(got.head, "application/problem+json"));
        }
        /* sealed: without a purpose, without the right, and a field that has no index */
        assert_status(test_http_get(&h, "/api/v1/registers/person/records?doc_no=E10000000", STREET), 403);
        assert_status(test_http_ask(&h, "GET", CASES "?person.doc_no=E10000000", COMMAND, "Tocsin-Purpose: tracing\r\n", NULL), 403);
        assert_status(test_http_ask(&h, "GET", "/api/v1/registers/person/records?guardian=x", STREET, "Tocsin-Purpose: tracing\r\n", NULL), 403);
    }
}

static void a_street_sees_its_own(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        cases_make();
        struct answer_got got = test_http_get(&h, CASES "?limit=100&count=exact", ROOT);
        assert_status(got, 200);
        assert_int_equal(rows_of(&got), 30);
        assert_int_equal(test_json_int(got.json, "count"), 30);
        assert_true(json_is_null(json_object_get(got.json, "next")));
        got = test_http_get(&h, CASES "?limit=100&count=estimate", STREET);
        assert_int_equal(rows_of(&got), 18);
        assert_int_equal(test_json_int(got.json, "count"), 18);
        got = test_http_get(&h, CASES "?limit=100&region=310115002", STREET);
        assert_int_equal(rows_of(&got), 0);
        got = test_http_ask(&h, "GET", CASES "?person.doc_no=e1000%200000", STREET, "Tocsin-Purpose: tracing\r\n", NULL);
        assert_status(got, 200);
        assert_int_equal(rows_of(&got), 1);
        /* to be found by what is sealed is to be looked at */
        const json_t *seen = json_object_get(test_http_get(&h, "/api/v1/audit?verb=open&register=person", AUDITOR).json, "entries");
        assert_int_equal(json_array_size(seen), 1);
        assert_string_equal(test_json_text(json_array_get(seen, 0), "purpose"), "tracing");
        assert_status(test_http_ask(&h, "GET", "/api/v1/registers/person/records?doc_no=E10000000", STREET, "Tocsin-Purpose: again\r\n", NULL), 200);
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, "/api/v1/audit?verb=open&register=person", AUDITOR).json, "entries")), 2);
        assert_status(test_http_ask(&h, "GET", "/api/v1/registers/case/export?person.doc_no=E10000000", STREET, "Tocsin-Purpose: unseen\r\n", NULL), 400);
        assert_status(test_http_ask(&h, "GET", "/api/v1/registers/case/export?person.doc_no=E10000000&open=true", STREET, "Tocsin-Purpose: file\r\n", NULL), 200);
        assert_true(json_array_size(json_object_get(test_http_get(&h, "/api/v1/audit?verb=open&who=street", AUDITOR).json, "entries")) > 2);
        got = test_http_ask(&h, "GET", CASES "?person.doc_no=E10000001", STREET, "Tocsin-Purpose: tracing\r\n", NULL);
        assert_int_equal(rows_of(&got), 0); /* lives in the other street */
        got = test_http_get(&h, "/api/v1/registers/person/records?fields=name,sex&limit=3", STREET);
        const json_t *fields = json_object_get(json_array_get(json_object_get(got.json, "rows"), 0), "fields");
        assert_string_equal(test_json_text(fields, "name"), "***");
        assert_null(json_object_get(fields, "doc_no"));
        assert_null(strstr(got.body.s, "E1000"));
    }
}

/* The property: random questions of two streets; every row lies in the asker's, and a cursor of one opens nothing for the other. */
static void no_answer_holds_a_record_beyond_the_asker(void **state) {
    (void)state;
    static const char *const parts[] = {"sort=-id", "sort=id", "sort=report_date", "sort=-report_date", "sort=-changed_at", "classification=confirmed", "region=310115", "region=310115002,310115001",
                                        "report_date=2022-05-05..", "where=id%20>%200%20OR%20id%20<%200", "count=exact", "limit=2", "limit=7", "report_date.given=false",
                                        "fields=disease", "changed_since=2020-01-01", "id=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20"};
    EACH_HTTP(h, NULL, NOW) {
        struct rng r = {0};
        cases_make();
        rng_seed(&r, 3);
        for (int turn = 0; turn < 40; turn++) {
            const char *token = turn % 2 ? STREET : OTHER, *mine = turn % 2 ? "310115001" : "310115002";
            const char *query = "";
            for (int k = 0; k < 3; k++) {
                const char *part = parts[rng_below(&r, sizeof parts / sizeof *parts)];
                char name[24];
                snprintf(name, sizeof name, "%.*s=", (int)strcspn(part, "="), part);
                if (!strstr(query, name)) query = arena_printf(&h.t.a, "%s%c%s", query, *query ? '&' : '?', part);
            }
            struct answer_got got = test_http_get(&h, arena_printf(&h.t.a, CASES "%s", query), token);
            for (int pages = 0; pages < 30; pages++) {
                assert_status(got, 200);
                size_t i;
                json_t *row;
                json_array_foreach(json_object_get(got.json, "rows"), i, row)
                    if (strncmp(test_json_text(row, "region"), mine, 9) != 0) fail_msg("%s shows %s to %s", query, test_json_text(row, "region"), mine);
                const char *next = arena_str(&h.t.a, test_json_text(got.json, "next"));
                if (!*next) break;
                const char *path = arena_printf(&h.t.a, CASES "%s%ccursor=%s", query, *query ? '&' : '?', next);
                assert_status(test_http_get(&h, path, turn % 2 ? OTHER : STREET), 422);
                got = test_http_get(&h, path, token);
            }
        }
    }
}

static size_t lines_of(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += t.s[i] == '\n' && (i == 0 || t.s[i - 1] != '\r'); /* not those of chunks */
    return n;
}

static void exports_hold_what_the_list_shows(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        cases_make();
#define EXPORT "/api/v1/registers/case/export"
        assert_status(test_http_get(&h, EXPORT, NULL), 401);
        assert_status(test_http_get(&h, EXPORT, GUEST), 403);
        assert_status(test_http_get(&h, EXPORT "?format=xls", STREET), 422);
        assert_status(test_http_get(&h, EXPORT "?limit=1", STREET), 400);
        assert_status(test_http_get(&h, EXPORT "?nothing=1", STREET), 400);
        assert_status(test_http_get(&h, EXPORT "?columns=number,name", STREET), 403); /* sealed */
        assert_status(test_http_get(&h, EXPORT "?columns=nothing", STREET), 404);
        assert_status(test_http_get(&h, "/api/v1/registers/person/export?format=linelist", STREET), 400);
        assert_status(test_http_get(&h, "/api/v1/registers/nothing/export", STREET), 404);
        struct answer_got got = test_http_get(&h, EXPORT "?columns=id,region,classification", STREET);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "text/csv"));
        assert_non_null(strstr(got.head, "filename=\"case.csv\""));
        assert_int_equal(lines_of(got.body), 19); /* with the headers */
        assert_null(strstr(got.body.s, "310115002"));
        /* cut off after some row, it goes on there */
        const char *third = got.body.s;
        for (int i = 0; i < 4; i++) third = strchr(third, '\n') + 1; /* chunk size, headers, two rows */
        got = test_http_get(&h, arena_printf(&h.t.a, EXPORT "?columns=id,region&header=false&after=%ld", strtol(third, NULL, 10)), STREET);
        assert_int_equal(lines_of(got.body), 15);
        got = test_http_get(&h, EXPORT "?titles=zh&classification=asymptomatic", STREET);
        assert_non_null(strstr(got.body.s, "\xEF\xBB\xBF")); /* a spreadsheet knows it by that */
        assert_non_null(strstr(got.body.s, "病例分类"));
        assert_int_equal(lines_of(got.body), 7);
        got = test_http_get(&h, EXPORT "?format=linelist&report_date=2022-05-01..2022-05-10", ROOT);
        assert_non_null(strstr(got.body.s, "id,date_onset,date_reporting"));
        assert_int_equal(lines_of(got.body), 12);
        got = test_http_get(&h, EXPORT "?format=json&columns=id", STREET);
        assert_non_null(strstr(got.head, "application/json"));
        assert_non_null(strstr(got.body.s, "[\n{\"id\":"));
        assert_non_null(strstr(got.body.s, "}\n]\n"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_asked_wrongly, settle),
        cmocka_unit_test_teardown(a_street_sees_its_own, settle),
        cmocka_unit_test_teardown(exports_hold_what_the_list_shows, settle),
        cmocka_unit_test_teardown(no_answer_holds_a_record_beyond_the_asker, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

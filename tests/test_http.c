/* The HTTP door: what it refuses, and how a record is made, shown, changed, moved and sent twice. */
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PERSONS "/api/v1/registers/person/records"
#define CASES "/api/v1/registers/case/records"

static const char *path_of(const char *base, int64_t id, const char *rest) {
    return arena_printf(&h.t.a, "%s/%lld%s", base, (long long)id, rest);
}

static int64_t made(const char *path, const char *body) {
    struct answer_got got = test_http_post(&h, path, ROOT, body);
    if (got.status != 201) fail_msg("%s %s: %d %.*s", path, body, got.status, (int)got.body.n, got.body.s);
    return test_json_int(got.json, "id");
}

static void what_nobody_may_ask(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_get(&h, PERSONS "/1", NULL), 401);
        assert_status(test_http_get(&h, PERSONS "/1", "token-unknown"), 401);
        assert_status(test_http_ask(&h, "GET", PERSONS "/1", NULL, "Authorization: Basic cm9vdDpyb290\r\n", NULL), 401);
        assert_status(test_http_ask(&h, "GET", PERSONS "/1", NULL, "Authorization: bearer " ROOT "\r\n", NULL), 404); /* the scheme in any letters */
        assert_status(test_http_post(&h, PERSONS, NULL, "{}"), 401);
        assert_status(test_http_get(&h, "/api/v1/nothing", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1//registers/person/records/1", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1/registers/../registers/person/records/1", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1/registers/person/records/1/", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1/registers/nothing/records/1", ROOT), 404);
        assert_status(test_http_ask(&h, "DELETE", PERSONS "/1", ROOT, "", NULL), 405);
        assert_non_null(strstr(test_http_ask(&h, "DELETE", PERSONS "/1", ROOT, "", NULL).head, "Allow: GET, HEAD, PATCH"));
        assert_status(test_http_ask(&h, "GET", PERSONS "/1", ROOT, "Accept: image/png\r\n", NULL), 406);
        assert_status(test_http_ask(&h, "POST", PERSONS, ROOT, "Content-Type: text/plain\r\n", "{}"), 415);
        assert_status(test_http_get(&h, "/healthz", NULL), 200);
        assert_status(test_http_get(&h, "/readyz", NULL), 200);
        assert_status(test_http_ask(&h, "HEAD", "/healthz", NULL, "", NULL), 200);
        assert_status(test_http_post(&h, PERSONS, GUEST, "{\"fields\":{\"name\":\"甲\"},\"region\":\"310115\"}"), 403);
    }
}

static void bodies_that_cannot_be_read(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const struct { const char *body; int status; const char *code; } bad[] = {
            {"", 400, "SYNTAX"},
            {"{", 400, "SYNTAX"},
            {"[]", 400, "SYNTAX"},
            {"7", 400, "SYNTAX"},
            {"{\"fields\":{}} x", 400, "SYNTAX"},
            {"{\"fields\":{},\"fields\":{}}", 400, "SYNTAX"},
            {"{\"fields\":{\"name\":\"a\",\"name\":\"b\"}}", 400, "SYNTAX"},
            {"{\"fields\":{\"name\":\"\xff\xfe\"}}", 400, "SYNTAX"},
            {"{\"fields\":{\"name\":\"\\ud800\"}}", 400, "SYNTAX"},
            {"{\"fields\":{\"name\":\"a\\u0000b\"}}", 400, "SYNTAX"},
            {"[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]", 400, "SYNTAX"},
            {"{\"fields\":[]}", 400, "SYNTAX"},
            {"{\"fields\":{\"name\":{}}}", 400, "SYNTAX"},
            {"{\"name\":\"a\"}", 404, "UNKNOWN"},
            {"{\"fields\":{\"nobody\":1}}", 404, "UNKNOWN"},
            {"{\"fields\":{\"name\":\"***\"}}", 422, "INVALID"},
            {"{\"fields\":{\"sex\":\"elephant\"}}", 422, "INVALID"},
            {"{\"region\":\"x'; DROP TABLE person\"}", 422, "INVALID"},
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct answer_got got = test_http_post(&h, PERSONS, ROOT, bad[i].body);
            if (got.status != bad[i].status || strcmp(test_json_text(got.json, "code"), bad[i].code))
                fail_msg("%s: %d %.*s", bad[i].body, got.status, (int)got.body.n, got.body.s);
        }
        struct answer_got got = test_http_post(&h, PERSONS, ROOT, "{\"fields\":{\"sex\":\"elephant\"}}");
        assert_string_equal(test_json_text(got.json, "pointer"), "/fields/sex");
        assert_non_null(strstr(got.head, "application/problem+json"));
        assert_non_null(strstr(got.head, test_json_text(got.json, "request_id")));
        /* larger than the door takes: said before and after it is sent */
        char *large = arena_alloc(&h.t.a, (2 << 20) + 1);
        memset(large, ' ', 2 << 20);
        assert_status(test_http_post(&h, PERSONS, ROOT, large), 413);
        assert_status(test_http_raw(&h, TEXT("POST " PERSONS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT
                                             "\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n").s,
                                    sizeof "POST " PERSONS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT
                                           "\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n" - 1), 413);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), 0);
    }
}

/* What a browser is told with every answer, whatever became of the question. */
static void every_answer_is_guarded(void **state) {
    (void)state;
    static const struct { int status; const char *method, *path, *token, *headers, *body; } asks[] = {
        {200, "GET", "/healthz", NULL, "", NULL},
        {200, "GET", "/api/openapi.json", NULL, "", NULL},
        {200, "GET", "/api/v1/registers", ROOT, "Accept-Encoding: gzip\r\n", NULL},
        {200, "GET", "/api/v1/registers/person/export", ROOT, "", NULL},
        {200, "GET", "/public/v1/reports", NULL, "", NULL},
        {201, "POST", PERSONS, ROOT, "", "{\"fields\":{\"name\":\"甲\"}}"},
        {400, "POST", PERSONS, ROOT, "", "{"},
        {400, "GET", "/healthz?a=%zz", NULL, "", NULL},
        {401, "GET", PERSONS, NULL, "", NULL},
        {403, "POST", PERSONS, GUEST, "", "{\"fields\":{}}"},
        {404, "GET", "/nothing", NULL, "", NULL},
        {405, "DELETE", PERSONS, ROOT, "", NULL},
        {406, "GET", PERSONS "/1", ROOT, "Accept: image/png\r\n", NULL},
        {415, "POST", PERSONS, ROOT, "Content-Type: text/plain\r\n", "{}"},
        {422, "POST", PERSONS, ROOT, "", "{\"fields\":{\"sex\":\"elephant\"}}"},
    };
    static const char *const guards[] = {"\r\nX-Content-Type-Options: nosniff\r\n", "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n", "\r\nReferrer-Policy: no-referrer\r\n",
                                         "\r\nX-Request-Id: "};
    EACH_HTTP(h, NULL, NOW) {
        for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
            struct answer_got got = test_http_ask(&h, asks[i].method, asks[i].path, asks[i].token, asks[i].headers, asks[i].body);
            assert_status(got, asks[i].status);
            for (size_t k = 0; k < sizeof guards / sizeof *guards; k++)
                if (!strstr(got.head, guards[k])) fail_msg("%s %s (%d) lacks%s%s", asks[i].method, asks[i].path, got.status, guards[k] + 1, got.head);
            if (asks[i].token && !strstr(got.head, "\r\nCache-Control: no-store\r\n")) fail_msg("%s %s (%d) may be kept: %s", asks[i].method, asks[i].path, got.status, got.head);
            if (strstr(got.head, "\r\nServer:") || strstr(got.head, "Access-Control-Allow")) fail_msg("%s %s says %s", asks[i].method, asks[i].path, got.head);
        }
    }
}

/* Cookies that no browser of ours has sent are nobody's, whatever stands in them. */
static void made_up_cookies_are_nobodys(void **state) {
    (void)state;
    static const char *const cookies[] = {"tocsin_session", "tocsin_session=", "tocsin_session=;tocsin_session=", "tocsin_session=\"\"", "=x; tocsin_session=../../etc/passwd", "tocsin_session=%00", "tocsin_session='; DROP TABLE session--",
                                          "tocsin_session=a; tocsin_session=b; tocsin_session=c", ";;;;; , ,", "__Host-tocsin_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$Version=1; tocsin_session=x; $Path=/",
                                          "tocsin_session=\xff\xfe", "tocsin_session=token-root", "tocsin_session=tocsin_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "tocsin_device=x; tocsin_oidc=y"};
    EACH_HTTP(h, NULL, NOW) {
        for (size_t i = 0; i <= sizeof cookies / sizeof *cookies; i++) {
            char *longest = arena_alloc(&h.t.a, 6001);
            memset(longest, 'A', 6000);
            const char *header = arena_printf(&h.t.a, "Cookie: %s\r\n", i < sizeof cookies / sizeof *cookies ? cookies[i] : arena_printf(&h.t.a, "tocsin_session=%s", longest));
            for (int k = 0; k < 2; k++) {
                struct answer_got got = test_http_ask(&h, k ? "POST" : "GET", PERSONS, NULL, header, k ? "{\"fields\":{\"name\":\"甲\"}}" : NULL);
                if (got.status != 401 && got.status != 400) fail_msg("%s: %d %.*s", header, got.status, (int)got.body.n, got.body.s);
            }
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), 0);
    }
}

static void the_asker_is_told_in_his_language(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const struct { const char *header; bool zh; } ask[] = {
            {"", true}, {"Accept-Language: en\r\n", false}, {"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n", true},
            {"Accept-Language: en-GB, zh;q=0.5\r\n", false}, {"Accept-Language: fr, de\r\n", true}, {"Accept-Language: fr, en;q=0.1\r\n", false}};
        for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
            struct answer_got got = test_http_ask(&h, "GET", PERSONS "/99", ROOT, ask[i].header, NULL);
            assert_int_equal(got.status, 404);
            assert_int_equal(strstr(test_json_text(got.json, "detail"), "记录") != NULL, ask[i].zh);
        }
    }
}

static void a_record_is_made_shown_and_changed(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t id = made(PERSONS, "{\"fields\":{\"name\":\"李娜\",\"phone\":\"13912345678\",\"sex\":\"female\"},\"region\":\"310115\"}");
        struct answer_got got = test_http_get(&h, path_of(PERSONS, id, ""), ROOT);
        assert_status(got, 200);
        const json_t *fields = json_object_get(got.json, "fields");
        assert_string_equal(test_json_text(fields, "name"), "***");
        assert_string_equal(test_json_text(fields, "sex"), "female");
        assert_non_null(strstr(got.head, "ETag: \"1\""));
        assert_status(test_http_ask(&h, "GET", path_of(PERSONS, id, ""), ROOT, "If-None-Match: \"1\"\r\n", NULL), 304);
        static const char *const had[] = {"*", "\"0\", \"1\"", "W/\"1\"", "\"x,y\",W/\"1-gzip\""}, *const not_had[] = {"\"11\"", "\"1", "1", "\"0\" \"", "\"1-br\"", "W/", "\"0\", 1"};
        for (size_t i = 0; i < sizeof had / sizeof *had; i++)
            assert_status(test_http_ask(&h, "GET", path_of(PERSONS, id, ""), ROOT, arena_printf(&h.t.a, "If-None-Match: %s\r\n", had[i]), NULL), 304);
        for (size_t i = 0; i < sizeof not_had / sizeof *not_had; i++)
            assert_status(test_http_ask(&h, "GET", path_of(PERSONS, id, ""), ROOT, arena_printf(&h.t.a, "If-None-Match: %s\r\n", not_had[i]), NULL), 200);
        /* the sealed cells open for a purpose, and the journal says so */
        got = test_http_ask(&h, "GET", path_of(PERSONS, id, ""), ROOT, "Tocsin-Purpose: %E6%B5%81%E8%B0%83\r\n", NULL);
        assert_string_equal(test_json_text(json_object_get(got.json, "fields"), "name"), "李娜");
        assert_status(test_http_ask(&h, "GET", path_of(PERSONS, id, ""), COMMAND, "Tocsin-Purpose: curious\r\n", NULL), 403);
        /* changes */
        assert_status(test_http_ask(&h, "PATCH", path_of(PERSONS, id, ""), ROOT, "If-Match: \"7\"\r\n", "{\"fields\":{\"sex\":\"male\"}}"), 412);
        assert_status(test_http_ask(&h, "PATCH", path_of(PERSONS, id, ""), ROOT, "If-Match: W/\"1\"\r\n", "{\"fields\":{\"sex\":\"male\"}}"), 400);
        got = test_http_ask(&h, "PATCH", path_of(PERSONS, id, ""), ROOT, "If-Match: \"1\"\r\nPrefer: return=representation\r\n", "{\"fields\":{\"sex\":\"male\"}}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "version"), 2);
        assert_string_equal(test_json_text(json_object_get(got.json, "fields"), "sex"), "male");
        assert_status(test_http_ask(&h, "PATCH", path_of(PERSONS, 999999, ""), ROOT, "", "{\"fields\":{\"sex\":\"male\"}}"), 404);
        got = test_http_get(&h, path_of(PERSONS, id, "/history"), ROOT);
        assert_int_equal(json_array_size(json_object_get(got.json, "entries")), 2); /* a look is no change */
        assert_null(strstr(got.body.s, "李娜"));
        test_http_stop(&h);
        struct error err = {0};
        struct journal_verdict v;
        assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        assert_int_equal(v.entries, 4); /* init, create, open, change */
    }
}

static void a_state_is_moved_by_an_action(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        int64_t person = made(PERSONS, "{\"fields\":{\"name\":\"李娜\"},\"region\":\"310115\"}");
        char *body = arena_printf(&h.t.a, "{\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"report_date\":\"2022-05-29\"},\"region\":\"310115\"}",
                                  (long long)person);
        int64_t id = made(CASES, body);
        assert_status(test_http_post(&h, path_of(CASES, id, "/actions/elephant"), ROOT, ""), 404);
        struct answer_got got = test_http_get(&h, path_of(CASES, id, ""), ROOT);
        assert_int_equal(test_json_int(json_object_get(got.json, "fields"), "person"), person);
        assert_true(test_json_text(got.json, "number")[0] == 'C');
        const char *number = arena_str(&h.t.a, test_json_text(got.json, "number"));
        assert_int_equal(test_json_int(test_http_get(&h, arena_printf(&h.t.a, CASES "/%s", number), ROOT).json, "id"), id);
        /* no such step, not by this role, not from a version that is over, and cells that go with it hold or nothing does */
        assert_status(test_http_post(&h, path_of(CASES, id, "/actions/closed"), ROOT, ""), 409);
        assert_status(test_http_post(&h, path_of(CASES, id, "/actions/reviewed"), AUDITOR, ""), 403);
        assert_status(test_http_ask(&h, "POST", path_of(CASES, id, "/actions/reviewed"), ROOT, "If-Match: \"7\"\r\n", NULL), 412);
        assert_status(test_http_post(&h, path_of(CASES, id, "/actions/reviewed"), ROOT, "{\"fields\":{\"onset\":\"2022-05-31\"}}"), 422);
        assert_string_equal(test_json_text(test_http_get(&h, path_of(CASES, id, ""), ROOT).json, "state"), "reported");
        for (int i = 0; i < 2; i++) { /* sent twice it is one step */
            got = test_http_ask(&h, "POST", path_of(CASES, id, "/actions/reviewed"), ROOT, "If-Match: \"1\"\r\nIdempotency-Key: step\r\nPrefer: return=representation\r\n", "{\"fields\":{\"onset\":\"2022-05-27\"}}");
            assert_status(got, 200);
            assert_string_equal(test_json_text(got.json, "state"), "reviewed");
            assert_string_equal(test_json_text(json_object_get(got.json, "fields"), "onset"), "2022-05-27");
            assert_int_equal(test_json_int(got.json, "version"), 2);
        }
        assert_status(test_http_post(&h, path_of(CASES, id, "/actions/closed"), ROOT, ""), 200);
        got = test_http_get(&h, path_of(CASES, id, "/history"), ROOT);
        const json_t *last = json_array_get(json_object_get(got.json, "entries"), 0);
        assert_string_equal(test_json_text(json_object_get(last, "before"), "state"), "reviewed");
        assert_string_equal(test_json_text(json_object_get(last, "after"), "state"), "closed");
        /* what the plan in force does not allow yet */
        id = made("/api/v1/registers/stay/records", arena_printf(&h.t.a, "{\"fields\":{\"person\":%lld,\"kind\":\"central\",\"started_at\":\"2022-05-30T09:00\"},\"region\":\"310115\"}", (long long)person));
        assert_status(test_http_post(&h, path_of("/api/v1/registers/stay/records", id, "/actions/released"), ROOT, "{\"fields\":{\"ended_at\":\"2022-05-30T10:00\"}}"), 409);
        assert_string_equal(test_json_text(test_http_get(&h, path_of("/api/v1/registers/stay/records", id, ""), ROOT).json, "state"), "active");
    }
}

/* A second card of a person near the first is stored and told in its row, also when the answer is asked for again; nothing is told of a card that its writer may not see. */
static void a_second_card_is_told(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        int64_t person = made(PERSONS, "{\"fields\":{\"name\":\"李娜\"},\"region\":\"310115001\"}");
        static const char *const form = "{\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"report_date\":\"2022-05-%s\"},\"region\":\"%s\"}";
        const char *near = arena_printf(&h.t.a, form, (long long)person, "29", "310115001");
        struct answer_got got = test_http_post(&h, CASES, STREET, arena_printf(&h.t.a, form, (long long)person, "20", "310115001"));
        assert_status(got, 201);
        assert_null(json_object_get(got.json, "double"));
        int64_t first = test_json_int(got.json, "id");
        for (int i = 0; i < 2; i++) {
            got = test_http_ask(&h, "POST", CASES, STREET, "Idempotency-Key: second\r\nAccept-Language: en\r\n", near);
            assert_status(got, 201);
            const json_t *twin = json_object_get(got.json, "double");
            assert_int_equal(test_json_int(twin, "id"), first);
            assert_true(test_json_text(twin, "number")[0] == 'C');
            assert_non_null(strstr(test_json_text(twin, "why"), "90 days"));
        }
        got = test_http_post(&h, CASES "/batch", STREET, arena_printf(&h.t.a, "{\"rows\":[%s,%s]}", near, arena_printf(&h.t.a, form, (long long)person, "25", "310115001")));
        assert_status(got, 200);
        const json_t *rows = json_object_get(got.json, "rows");
        assert_null(json_object_get(json_array_get(rows, 0), "double")); /* unchanged */
        assert_non_null(strstr(test_json_text(json_object_get(json_array_get(rows, 1), "double"), "why"), "90"));
        /* who may not see the first one is not told of it */
        int64_t other = made(PERSONS, "{\"fields\":{\"name\":\"王芳\"},\"region\":\"310115\"}");
        made(CASES, arena_printf(&h.t.a, form, (long long)other, "20", "310115001"));
        got = test_http_post(&h, CASES, ROOT, arena_printf(&h.t.a, form, (long long)other, "24", "310115001"));
        assert_non_null(json_object_get(got.json, "double"));
        got = test_http_post(&h, CASES, OTHER, arena_printf(&h.t.a, form, (long long)other, "28", "310115002"));
        if (got.status == 201) assert_null(json_object_get(got.json, "double"));
    }
}

/* A person whose document somebody on record has is stored, and told of: also in a batch, again with the same key, and not where the asker may not look. */
static void the_same_document_is_told(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const char *const form = "{\"fields\":{\"name\":\"%s\",\"doc_type\":\"passport\",\"doc_no\":\"%s\"},\"region\":\"%s\"}";
        struct answer_got got = test_http_post(&h, PERSONS, STREET, arena_printf(&h.t.a, form, "李娜", "E1234567", "310115001"));
        assert_status(got, 201);
        assert_null(json_object_get(got.json, "double"));
        int64_t first = test_json_int(got.json, "id");
        for (int i = 0; i < 2; i++) {
            got = test_http_ask(&h, "POST", PERSONS, STREET, "Idempotency-Key: again\r\nAccept-Language: en\r\n", arena_printf(&h.t.a, form, "王芳", "E1234567", "310115001"));
            assert_status(got, 201);
            assert_int_equal(test_json_int(json_object_get(got.json, "double"), "id"), first);
            assert_non_null(strstr(test_json_text(json_object_get(got.json, "double"), "why"), "same document"));
            assert_null(memmem(got.body.s, got.body.n, "E1234567", 8));
        }
        got = test_http_post(&h, PERSONS "/batch", STREET,
                             arena_printf(&h.t.a, "{\"rows\":[%s,%s]}", arena_printf(&h.t.a, form, "张伟", "E7654321", "310115001"), arena_printf(&h.t.a, form, "李娜", "E1234567", "310115001")));
        assert_status(got, 200);
        assert_null(json_object_get(json_array_get(json_object_get(got.json, "rows"), 0), "double"));
        assert_int_equal(test_json_int(json_object_get(json_array_get(json_object_get(got.json, "rows"), 1), "double"), "id"), first);
        got = test_http_post(&h, PERSONS, OTHER, arena_printf(&h.t.a, form, "李娜", "E1234567", "310115002"));
        assert_status(got, 201);
        assert_null(json_object_get(got.json, "double"));
        got = test_http_post(&h, PERSONS, STREET, "{\"fields\":{\"name\":\"李娜\"},\"region\":\"310115001\"}"); /* a name is nobody's alone */
        assert_status(got, 201);
        assert_null(json_object_get(got.json, "double"));
    }
}

static void a_request_that_comes_twice_changes_nothing_twice(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t first = 0;
        for (int i = 0; i < 10; i++) {
            struct answer_got got = test_http_ask(&h, "POST", PERSONS, ROOT, "Idempotency-Key: card-1\r\n", "{\"fields\":{\"name\":\"甲\"},\"region\":\"310115\"}");
            assert_status(got, 201);
            if (!first) first = test_json_int(got.json, "id");
            assert_int_equal(test_json_int(got.json, "id"), first);
        }
        assert_status(test_http_ask(&h, "POST", PERSONS, ROOT, "Idempotency-Key: card-1\r\n", "{\"fields\":{\"name\":\"乙\"},\"region\":\"310115\"}"), 409);
        assert_status(test_http_ask(&h, "POST", PERSONS, ROOT, "Idempotency-Key: \r\n", "{\"fields\":{\"name\":\"乙\"}}"), 400);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), 1);
    }
}

static void many_rows_each_with_its_result(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        const char *rows = "{\"rows\":[{\"fields\":{\"name\":\"甲\"},\"region\":\"310115\",\"outside_key\":\"a\"},{\"fields\":{\"sex\":\"elephant\"}},"
                           "{\"fields\":{\"name\":\"乙\"},\"region\":\"310115\",\"outside_key\":\"b\"}]}";
        struct answer_got got = test_http_post(&h, PERSONS "/batch", ROOT, rows);
        assert_status(got, 200);
        assert_true(test_json_int(got.json, "created") == 2 && test_json_int(got.json, "rejected") == 1);
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "rows"), 1), "pointer"), "/rows/1/fields/sex");
        got = test_http_post(&h, PERSONS "/batch", ROOT, rows);
        assert_true(test_json_int(got.json, "unchanged") == 2 && test_json_int(got.json, "rejected") == 1);
        assert_status(test_http_ask(&h, "POST", PERSONS "/batch", ROOT, "Idempotency-Key: k\r\n", rows), 422);
        assert_status(test_http_post(&h, PERSONS "/batch", ROOT, "{\"rows\":[]}"), 422);
        assert_status(test_http_post(&h, PERSONS "/batch", ROOT, "{\"rows\":7}"), 422);
        /* all or none: which row it was is told as of each by itself */
        static const char *const places = "/api/v1/registers/place/records/batch";
        got = test_http_post(&h, places, ROOT, "{\"whole\":true,\"rows\":[{\"region\":\"310115\",\"fields\":{\"title\":\"a\"}},{\"region\":\"310115\",\"fields\":{\"capacity\":3}}]}");
        assert_status(got, 422);
        assert_string_equal(test_json_text(got.json, "pointer"), "/rows/1/fields/title");
        got = test_http_ask(&h, "POST", places, ROOT, "Idempotency-Key: p\r\n", "{\"rows\":[{\"region\":\"310115\",\"fields\":{\"title\":\"a\"}},{\"region\":\"310115\",\"fields\":{\"title\":\"b\"}},{\"id\":999999,\"fields\":{}}]}");
        assert_status(got, 404);
        assert_string_equal(test_json_text(got.json, "pointer"), "/rows/2");
        got = test_http_post(&h, places, STREET, "{\"whole\":true,\"rows\":[{\"region\":\"310115001\",\"fields\":{\"title\":\"a\"}},{\"region\":\"310115002\",\"fields\":{\"title\":\"b\"}}]}");
        assert_status(got, 403);
        assert_string_equal(test_json_text(got.json, "pointer"), "/rows/1");
        /* a row that names a record changes that one, unless somebody was faster; no row makes a record by an id */
        got = test_http_get(&h, PERSONS "?limit=1&sort=id", ROOT);
        int64_t id = test_json_int(json_array_get(json_object_get(got.json, "rows"), 0), "id");
        const char *by_id = arena_printf(&h.t.a,
                                         "{\"rows\":[{\"id\":%lld,\"version\":9,\"fields\":{\"sex\":\"male\"}},{\"id\":999999,\"fields\":{\"sex\":\"male\"}},{\"id\":\"x\"},"
                                         "{\"id\":%lld,\"version\":1,\"fields\":{\"sex\":\"male\"}}]}",
                                         (long long)id, (long long)id);
        got = test_http_post(&h, PERSONS "/batch", ROOT, by_id);
        assert_status(got, 200);
        assert_true(test_json_int(got.json, "changed") == 1 && test_json_int(got.json, "rejected") == 3);
        static const char *const why[] = {"CONFLICT", "UNKNOWN", "INVALID"};
        for (size_t i = 0; i < 3; i++) assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "rows"), i), "code"), why[i]);
        assert_int_equal(test_json_int(json_array_get(json_object_get(got.json, "rows"), 3), "version"), 2);
    }
}

/* Who asks while the server stops is answered as ever, told that it stops, or not heard; what was acknowledged is there. */
static void who_asks_as_it_stops(void **state) {
    (void)state;
    enum { ROUNDS = 12, ASKERS = 24 };
    static const char body[] = "{\"region\":\"310115\",\"fields\":{\"name\":\"王芳\"}}";
    EACH_HTTP(h, NULL, NOW) {
        int64_t made = 0;
        const char *ask = arena_printf(&h.t.a, "POST " PERSONS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                       strlen(body), body);
        const char *look = "GET /api/v1/laboratory/boxes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\n\r\n"; /* read beside the others */
        for (int i = 0; i < ROUNDS; i++) {
            int fd[ASKERS];
            for (int k = 0; k < ASKERS; k++) fd[k] = test_http_connect(&h);
            for (int k = 0; k < ASKERS; k++) test_http_send(fd[k], k % 2 ? ask : look, strlen(k % 2 ? ask : look));
            test_http_stop(&h);
            for (int k = 0; k < ASKERS; k++) {
                struct answer_got got = test_http_read(&h, fd[k], false);
                if (got.status != 0 && got.status != (k % 2 ? 201 : 200) && got.status != 503) fail_msg("%d: %s", got.status, got.body.s);
                made += got.status == 201;
                close(fd[k]);
            }
            assert_true(test_count(&h.t, "SELECT COUNT(*) FROM \"person\"") >= made);
            test_http_start(&h, NULL);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_nobody_may_ask, settle),
        cmocka_unit_test_teardown(bodies_that_cannot_be_read, settle),
        cmocka_unit_test_teardown(every_answer_is_guarded, settle),
        cmocka_unit_test_teardown(made_up_cookies_are_nobodys, settle),
        cmocka_unit_test_teardown(the_asker_is_told_in_his_language, settle),
        cmocka_unit_test_teardown(a_record_is_made_shown_and_changed, settle),
        cmocka_unit_test_teardown(a_state_is_moved_by_an_action, settle),
        cmocka_unit_test_teardown(a_second_card_is_told, settle), cmocka_unit_test_teardown(the_same_document_is_told, settle), cmocka_unit_test_teardown(a_request_that_comes_twice_changes_nothing_twice, settle),
        cmocka_unit_test_teardown(many_rows_each_with_its_result, settle),
        cmocka_unit_test_teardown(who_asks_as_it_stops, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Visits and tracing over HTTP: what is refused, then scans, batches, tables and streams that are on disk when they are answered, traces with a purpose that stands in the
 * journal, found contacts as records, routes, figures, places, chains and the choice of a source. On each store. */
#include "http.h"

#include "base/digest.h"

#define PURPOSE "Tocsin-Purpose: tracing\r\n"
#define JSON "Content-Type: application/json\r\n"

static struct answer_got with(const char *method, const char *path, const char *token, const char *headers, const char *body) {
    return test_http_ask(&h, method, path, token, headers, body);
}

static void started(size_t store) {
    test_ledger_make(&h.t, store, "covid-2022-v9", "2022-05-29T17:00");
    struct http_options o = {.at = test_at("2022-05-29T17:00"), .quiet = true, .no_clock = true};
    test_http_start(&h, &o);
}

static void what_is_refused(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        started(store);
        const char *one = "{\"person\":\"1\",\"place\":\"x\",\"start\":\"2022-05-27T10:00\"}";
        assert_status(test_http_post(&h, "/api/v1/visits", NULL, one), 401);
        assert_status(test_http_post(&h, "/api/v1/visits", GUEST, one), 403);
        assert_status(test_http_post(&h, "/api/v1/visits", REPORTER, one), 403);
        assert_status(test_http_get(&h, "/api/v1/visits/status", GUEST), 403);
        assert_status(with("POST", "/api/v1/visits", STREET, "Content-Type: text/plain\r\n", "x"), 415);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":\"1\",\"place\":\"x\"}"), 422);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":1.5,\"place\":\"x\",\"start\":\"2022-05-27T10:00\"}"), 422);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"visits\":7}"), 400);
        assert_status(with("POST", "/api/v1/visits", STREET, "Content-Type: text/csv\r\n", "person,start\n1,2022-05-27\n"), 400);
        assert_status(with("POST", "/api/v1/visits/stream", GUEST, "Content-Type: application/x-ndjson\r\n", one), 403);
        assert_status(test_http_post(&h, "/api/v1/visits/forget", STREET, "{}"), 403); /* the whole node's: not a street's */
        assert_status(test_http_post(&h, "/api/v1/visits/forget", ROOT, "{\"before\":\"2022-05-01\",\"day\":\"2022-05-02\"}"), 400);
        struct answer_got got = test_http_get(&h, "/api/v1/visits/status", STREET); /* what was refused left nothing */
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "visits"), 0);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, one), 201);
        assert_status(with("POST", "/api/v1/tracing/trace", COMMAND, JSON PURPOSE, "{\"persons\":[\"1\"]}"), 403);
        assert_status(with("POST", "/api/v1/tracing/trace", STREET, JSON PURPOSE, "{\"persons\":[\"1\"]}"), 403); /* by name: in the node's region only */
        assert_status(with("POST", "/api/v1/tracing/trace", ROOT, JSON, "{}"), 400);
        assert_status(with("POST", "/api/v1/tracing/trace", ROOT, JSON, "{\"cases\":[\"C-none\"]}"), 404);
        assert_status(with("POST", "/api/v1/tracing/trace", ROOT, JSON, "{\"persons\":[\"1\"],\"degree\":3}"), 422);
        assert_status(with("POST", "/api/v1/tracing/cases/12/accept", ROOT, "", NULL), 404);
        assert_status(with("POST", "/api/v1/tracing/cases/12/accept", ROOT, JSON PURPOSE, "{\"persons\":[]}"), 422); /* nobody is not everybody */
        assert_status(with("POST", "/api/v1/tracing/cases/12/accept", ROOT, JSON PURPOSE, "{\"reverse\":true}"), 404);
        assert_status(test_http_get(&h, "/api/v1/tracing/board", GUEST), 403);
        assert_status(test_http_get(&h, "/api/v1/tracing/places", COMMAND), 403);
        assert_status(test_http_get(&h, "/api/v1/tracing/chains", GUEST), 403);
        assert_status(test_http_get(&h, "/api/v1/tracing/chains/part?case=99", AUDITOR), 404);
        test_http_drop(&h);
    }
}

static void visits_are_there_when_they_are_answered(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        started(store);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":7,\"place\":\"x\",\"start\":\"2022/5/27 10:00\",\"end\":\"2022年5月27日11时\",\"class\":\"农贸市场\"}"), 201);
        struct answer_got got = test_http_post(&h, "/api/v1/visits", STREET, "{\"visits\":[{\"person\":8,\"place\":\"x\",\"start\":1653618600},{\"person\":9,\"place\":\"x\",\"start\":\"never\"},"
                                                                            "{\"person\":9,\"place\":\"x\",\"start\":\"2022-05-27T10:10\",\"confidence\":900}]}");
        assert_status(got, 201);
        assert_true(test_json_int(got.json, "taken") == 1 && test_json_int(got.json, "refused") == 2);
        const json_t *first = json_array_get(json_object_get(got.json, "reasons"), 0);
        assert_true(test_json_int(first, "index") == 1 && !strcmp(test_json_text(first, "where"), "start"));
        got = with("POST", "/api/v1/visits", STREET, "Content-Type: text/csv; charset=utf-8\r\n", "\xef\xbb\xbf人员,场所,开始时间,结束时间\r\n9,\"x\",2022-05-27T10:20,2022-05-27T11:20\r\n10,\"a \"\"b\"\"\",bad,\r\n\r\n");
        assert_status(got, 201);
        assert_true(test_json_int(got.json, "taken") == 1 && test_json_int(got.json, "refused") == 1);
        /* what is not understood, as in a file */
        got = with("POST", "/api/v1/visits", STREET, "Content-Type: text/csv\r\n", "person,place,start,class,source\n20,z,2022-05-27T10:20,shoop,\n21,z,2022-05-27T10:20,,hearsay\n22,z,2022-05-27T10:20,,,\"a, b\"\n"
                                                                                    "23\xff,z,2022-05-27T10:20,,\n24,z,2022-05-27T10:20,,, \n");
        assert_status(got, 201);
        assert_true(test_json_int(got.json, "taken") == 1 && test_json_int(got.json, "refused") == 4);
        static const char *const wheres[] = {"class", "source", "row", "row"};
        for (size_t i = 0; i < 4; i++) {
            const json_t *one = json_array_get(json_object_get(got.json, "reasons"), i);
            assert_true(test_json_int(one, "index") == (int64_t)i && !strcmp(test_json_text(one, "where"), wheres[i]));
        }
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":20,\"place\":\"z\",\"start\":\"2022-05-27T10:20\",\"source\":\"hearsay\"}"), 422);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":20,\"place\":\"z\",\"start\":\"2022-05-27T10:20\",\"class\":\"shoop\"}"), 422);
        got = with("POST", "/api/v1/visits/stream", STREET, "Content-Type: application/x-ndjson\r\n",
                   "{\"person\":10,\"place\":\"x\",\"start\":\"2022-05-27T10:00\",\"end\":\"2022-05-27T10:30\"}\n\nnothing\n{\"person\":11,\"place\":\"y\",\"start\":\"2022-05-27T10:00\"}");
        assert_status(got, 201);
        assert_true(test_json_int(got.json, "taken") == 2 && test_json_int(got.json, "refused") == 1);
        /* in chunks, cut anywhere */
        static const char chunked[] = "POST /api/v1/visits/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " STREET "\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "14\r\n{\"person\":12,\"place\"\r\n1d\r\n:\"x\",\"start\":\"2022-05-27T10:0\r\n4\r\n5\"}\n\r\n0\r\n\r\n";
        got = test_http_raw(&h, chunked, sizeof chunked - 1);
        assert_status(got, 201);
        assert_int_equal(test_json_int(got.json, "taken"), 1);
        got = test_http_get(&h, "/api/v1/visits/status", STREET);
        assert_int_equal(test_json_int(got.json, "visits"), 7);
        got = with("POST", "/api/v1/tracing/trace", ROOT, JSON PURPOSE, "{\"persons\":[7],\"window\":4}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "n_contacts"), 4); /* 8, 9, 10, 12 */
        const json_t *c = json_array_get(json_object_get(got.json, "contacts"), 0);
        assert_true(json_array_size(json_object_get(c, "evidence")) == 1 && !strcmp(test_json_text(c, "class"), "close"));
        assert_status(with("POST", "/api/v1/visits/forget", ROOT, JSON, "{\"day\":\"2022-05-27\"}"), 200);
        got = test_http_get(&h, "/api/v1/visits/status", STREET);
        assert_int_equal(test_json_int(got.json, "visits"), 0);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":7,\"place\":\"x\",\"start\":\"2022-05-27T10:00\"}"), 409); /* a forgotten day takes none */
        test_http_drop(&h);
    }
}

/* A row of a forgotten day comes back and the others are taken, however they are sent: a platform that sends them again would never get through. So does a row with a word that is not known:
 * an end that nobody reads would make a scan of a stay. */
static void one_row_harms_no_other(void **state) {
    static const char gone[] = "{\"person\":1,\"place\":\"x\",\"start\":\"2022-05-20T10:00\",\"end\":\"2022-05-20T11:00\"}", night[] = "{\"person\":2,\"place\":\"x\",\"start\":\"2022-05-20T22:00\",\"end\":\"2022-05-21T06:00\"}",
                      good[] = "{\"person\":3,\"place\":\"x\",\"start\":\"2022-05-21T00:00\",\"end\":\"2022-05-21T06:00\"}", pair[] = "{\"person\":4,\"other\":5,\"start\":\"2022-05-20T10:00\"}";
    for (size_t store = 0; store < test_stores(); store++) {
        started(store);
        struct arena *a = &h.t.a;
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, gone), 201);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":1,\"place\":\"x\",\"start\":\"2022-04-20T10:00\"}"), 201);
        assert_status(with("POST", "/api/v1/visits/forget", ROOT, JSON, "{\"day\":\"2022-05-19\"}"), 200); /* writes all out to files of days */
        assert_int_equal(test_json_int(test_http_get(&h, "/api/v1/visits/status", STREET).json, "past"), 1); /* what is owed to be forgotten is told */
        assert_status(with("POST", "/api/v1/visits/forget", ROOT, JSON, "{\"day\":\"2022-05-20\"}"), 200);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, gone), 409); /* alone it is refused */
        for (int way = 0; way < 3; way++) {
            struct answer_got got = way == 0   ? test_http_post(&h, "/api/v1/visits", STREET, arena_printf(a, "[%s,%s,%s,%s]", gone, good, pair, night))
                                    : way == 1 ? with("POST", "/api/v1/visits/stream", STREET, "Content-Type: application/x-ndjson\r\n", arena_printf(a, "%s\n%s\n%s\n%s\n", gone, good, pair, night))
                                               : with("POST", "/api/v1/visits", STREET, "Content-Type: text/csv\r\n",
                                                      "person,place,other,start,end\n1,x,,2022-05-20T10:00,2022-05-20T11:00\n3,x,,2022-05-21T00:00,2022-05-21T06:00\n4,,5,2022-05-20T10:00,\n2,x,,2022-05-20T22:00,2022-05-21T06:00\n");
            assert_status(got, 201);
            if (test_json_int(got.json, "taken") != 1 || test_json_int(got.json, "refused") != 3) fail_msg("%d: %.*s", way, (int)got.body.n, got.body.s);
            for (size_t i = 0; i < 3; i++) {
                const json_t *one = json_array_get(json_object_get(got.json, "reasons"), i);
                assert_true(test_json_int(one, "index") == (int64_t)(i ? i + 1 : 0) && !strcmp(test_json_text(one, "where"), "start"));
            }
        }
        struct answer_got got = test_http_post(&h, "/api/v1/visits", STREET, arena_printf(a, "[%s]", gone));
        assert_status(got, 200);
        assert_true(test_json_int(got.json, "taken") == 0 && test_json_int(got.json, "refused") == 1);
        got = with("POST", "/api/v1/tracing/visitors", ROOT, JSON PURPOSE, "{\"place\":\"x\",\"from\":\"2022-05-20T00:00\",\"to\":\"2022-05-23T00:00\"}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "n_visitors"), 1); /* three times the same */
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"person\":1,\"place\":\"x\",\"start\":\"2022-05-21T10:00\",\"ends\":\"2022-05-21T11:00\"}"), 404);
        assert_status(test_http_post(&h, "/api/v1/visits", STREET, "{\"visits\":[],\"more\":1}"), 404);
        got = test_http_post(&h, "/api/v1/visits", STREET, arena_printf(a, "[%s,{\"person\":1,\"plase\":\"x\",\"start\":\"2022-05-21T10:00\"},{\"person\":1,\"place\":\"x\",\"start\":\"2062-05-21T10:00\"}]", good));
        assert_status(got, 201);
        assert_int_equal(test_json_int(got.json, "refused"), 2);
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "reasons"), 0), "where"), "/plase");
        static const char *const lists[] = {"\"limit\":\"3\"", "\"limit\":-1", "\"zone\":\"3\"", "\"zone\":70000"};
        for (size_t i = 0; i < 4; i++) /* the list of a carriage is not that of the train */
            assert_status(with("POST", "/api/v1/tracing/visitors", ROOT, JSON PURPOSE, arena_printf(a, "{\"place\":\"x\",\"from\":\"2022-05-21T00:00\",\"to\":\"2022-05-22T00:00\",%s}", lists[i])), 422);
        assert_status(test_http_get(&h, "/api/v1/tracing/chains?disease=covid", AUDITOR), 404); /* a word misspelled is not no chains */
        test_http_drop(&h);
    }
}

/* More at once than there are threads and reading ledgers: nobody may wait for ever. */
static void many_scans_at_once(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        int fds[64];
        started(store);
        for (int round = 0; round < 5; round++) {
            for (size_t i = 0; i < 64; i++) {
                const char *body = arena_printf(&h.t.a, "{\"person\":%zu,\"place\":\"x\",\"start\":\"2022-05-27T10:%02d\"}", i, round);
                const char *ask = arena_printf(&h.t.a, "POST /api/v1/visits HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " STREET "\r\n" JSON "Content-Length: %zu\r\n\r\n%s",
                                               strlen(body), body);
                fds[i] = test_http_connect(&h);
                test_http_send(fds[i], ask, strlen(ask));
            }
            for (size_t i = 0; i < 64; i++) {
                assert_status(test_http_read(&h, fds[i], false), 201);
                close(fds[i]);
            }
        }
        struct answer_got got = test_http_get(&h, "/api/v1/visits/status", STREET);
        assert_int_equal(test_json_int(got.json, "visits"), 320);
        test_http_drop(&h);
    }
}

static int64_t made(const char *reg, const char *body) {
    struct answer_got got = test_http_post(&h, arena_printf(&h.t.a, "/api/v1/registers/%s/records", reg), ROOT, body);
    if (got.status != 201) fail_msg("%s: %.*s", reg, (int)got.body.n, got.body.s);
    return test_json_int(got.json, "id");
}

static void a_case_from_its_visits_to_its_chain(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct arena *a = &h.t.a;
        started(store);
        long long li = (long long)made("person", "{\"fields\":{\"name\":\"李娜\"},\"region\":\"310115\"}"), wang = (long long)made("person", "{\"fields\":{\"name\":\"王伟\"},\"region\":\"310115\"}");
        long long market = (long long)made("place", "{\"fields\":{\"title\":\"枫林市场\",\"kind\":\"market\"},\"region\":\"310115\"}");
        long long kase = (long long)made("case", arena_printf(a, "{\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"onset\":\"2022-05-28\",\"report_date\":\"2022-05-29\"},\"region\":\"310115\"}", li));
        struct answer_got got = test_http_post(&h, "/api/v1/visits", ROOT,
                                               arena_printf(a, "[{\"person\":%lld,\"place\":%lld,\"start\":\"2022-05-27T10:00\",\"end\":\"2022-05-27T11:00\"},{\"person\":%lld,\"place\":%lld,\"start\":"
                                                               "\"2022-05-27T10:10\",\"end\":\"2022-05-27T11:00\"}]", li, market, wang, market));
        assert_status(got, 201);
        const char *base = arena_printf(a, "/api/v1/tracing/cases/%lld", kase);
        got = with("POST", "/api/v1/tracing/trace", ROOT, JSON PURPOSE, arena_printf(a, "{\"cases\":[%lld]}", kase));
        const json_t *found = json_array_get(json_object_get(got.json, "contacts"), 0);
        assert_string_equal(test_json_text(json_array_get(json_object_get(found, "evidence"), 0), "title"), "枫林市场");
        got = with("POST", arena_printf(a, "%s/accept", base), ROOT, JSON PURPOSE, arena_printf(a, "{\"persons\":[%lld]}", wang));
        assert_status(got, 200);
        assert_true(test_json_int(got.json, "contacts_made") == 1 && test_json_int(got.json, "refused") == 0);
        got = with("POST", "/api/v1/tracing/trace", ROOT, JSON PURPOSE, arena_printf(a, "{\"cases\":[%lld]}", kase));
        const json_t *since = json_object_get(got.json, "since");
        assert_true(test_json_int(since, "kept") == 1 && test_json_int(since, "added") == 0 && test_json_int(since, "removed") == 0);
        got = with("POST", arena_printf(a, "%s/accept", base), ROOT, PURPOSE, NULL);
        assert_true(test_json_int(got.json, "contacts_made") == 0 && test_json_int(got.json, "contacts_known") == 1 && test_json_int(got.json, "to_remove") == 0);
        assert_status(test_http_get(&h, arena_printf(a, "%s/timeline", base), ROOT), 403); /* no purpose */
        got = with("GET", arena_printf(a, "%s/timeline", base), ROOT, PURPOSE, NULL);
        assert_status(got, 200);
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "stops"), 0), "title"), "枫林市场");
        got = test_http_get(&h, "/api/v1/tracing/board", COMMAND);
        assert_true(test_json_int(got.json, "contacts") == 1 && test_json_int(got.json, "queue") == 1);
        got = with("GET", "/api/v1/tracing/places", ROOT, PURPOSE, NULL);
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "places"), 0), "title"), "枫林市场");
        got = with("GET", "/api/v1/tracing/notice", ROOT, PURPOSE, NULL);
        assert_true(test_json_int(got.json, "places") == 0 && !strstr(got.body.s, "李娜"));
        const char *who = arena_printf(a, "{\"place\":\"%lld\",\"from\":\"2022-05-27T10:00\",\"to\":\"2022-05-27T10:30\"}", market);
        assert_status(with("POST", "/api/v1/tracing/visitors", STREET, JSON, who), 403);
        assert_status(with("POST", "/api/v1/tracing/visitors", ROOT, JSON PURPOSE, "{\"place\":\"x\",\"from\":\"never\"}"), 422);
        assert_status(with("POST", "/api/v1/tracing/visitors", ROOT, JSON PURPOSE, "{}"), 422);
        got = with("POST", "/api/v1/tracing/visitors", ROOT, JSON PURPOSE, who);
        assert_status(got, 200);
        const json_t *first = json_array_get(json_object_get(got.json, "visitors"), 0);
        assert_true(test_json_int(got.json, "n_visitors") == 2 && test_json_int(first, "there_s") == 1800 && test_json_int(first, "stays") == 1);
        long long next = (long long)made("case", arena_printf(a, "{\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"onset\":\"2022-05-29\",\"report_date\":\"2022-05-29\"},\"region\":\"310115\"}", wang));
        got = test_http_get(&h, arena_printf(a, "/api/v1/tracing/cases/%lld/sources", next), AUDITOR);
        assert_status(got, 200);
        const json_t *best = json_array_get(json_object_get(got.json, "candidates"), 0);
        assert_int_equal(test_json_int(json_object_get(best, "case"), "id"), kase);
        const char *source = arena_printf(a, "/api/v1/tracing/cases/%lld/source", next);
        assert_status(with("PUT", source, AUDITOR, JSON, "{\"kind\":\"imported\",\"reason\":\"x\"}"), 403);
        assert_status(with("PUT", source, ROOT, JSON, "{\"kind\":\"case\",\"reason\":\"x\"}"), 422); /* which case? */
        got = with("PUT", source, ROOT, JSON, arena_printf(a, "{\"kind\":\"case\",\"infector\":%lld,\"reason\":\"同桌就餐\"}", kase));
        assert_status(got, 200);
        got = test_http_get(&h, arena_printf(a, "/api/v1/registers/source_choice/records/%lld", (long long)test_json_int(got.json, "record")), ROOT);
        assert_true(test_json_int(json_object_get(got.json, "fields"), "machine_rank") == 1 && test_json_int(json_object_get(got.json, "fields"), "machine_infector") == kase);
        got = test_http_get(&h, "/api/v1/tracing/chains", AUDITOR);
        assert_status(got, 200);
        got = test_http_get(&h, arena_printf(a, "/api/v1/tracing/chains/part?case=%lld&steps=3", kase), AUDITOR);
        assert_true(json_array_size(json_object_get(got.json, "nodes")) == 2 && json_array_size(json_object_get(got.json, "edges")) >= 1);
        got = test_http_get(&h, arena_printf(a, "/api/v1/tracing/chains/part?case=%lld", kase), STREET); /* another region's case is not there */
        assert_status(got, 404);
        test_http_drop(&h);
    }
}

/* One chain of 100,000 cases in 50 generations, three days apart: the first infected 2,000, and from each of them one line of cases goes down; every other line lies in another street. */
enum { ALL = 100000, LINES = 2000, FIRST = 1000000 };
static void large_chain(void) {
    struct error err = {0};
    h.t.damaged = true; /* no journal tells of them */
    assert_ok(db_run(h.t.l->db,
                     "INSERT INTO \"case\" (\"region\",\"id\",\"version\",\"state\",\"number\",\"created_at\",\"changed_at\",\"entry\",\"person\",\"disease\",\"classification\",\"onset\",\"source_case\") "
                     "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT CASE WHEN i % 2 = 0 THEN '310115001' ELSE '310115002' END,1000000 + i,1,'reported',"
                     "'C-' || i,0,0,0,1000000 + i,'covid-19','confirmed',18990 + (i + 1999) / 2000 * 3,CASE WHEN i = 0 THEN NULL WHEN i < 2000 THEN 1000000 ELSE 1000000 + i - 2000 END FROM n",
                     NULL, 0, NULL, &err), err);
}

static struct answer_got part_of(const char *token, const char *query) {
    return test_http_get(&h, arena_printf(&h.t.a, "/api/v1/tracing/chains/part?%s", query), token);
}

static size_t nodes_of(const struct answer_got *got) {
    return json_array_size(json_object_get(got->json, "nodes"));
}

static bool more_of(const struct answer_got *got) {
    return json_is_true(json_object_get(got->json, "more"));
}

/* However large a chain is, an answer is a part of it: the steps asked for, never more cases than the limit; the whole of it is refused. */
static void a_chain_of_a_hundred_thousand_is_looked_at_in_parts(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, "covid-2022-v9", "2022-05-29T17:00");
        large_chain();
        struct http_options o = {.at = test_at("2022-05-29T17:00"), .quiet = true, .no_clock = true};
        test_http_start(&h, &o);
        static const char *const refused[] = {"limit=2001", "limit=100000", "steps=51", "limit=0"};
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) assert_status(part_of(AUDITOR, refused[i]), 400);
        assert_status(test_http_get(&h, "/api/v1/tracing/chains?limit=1001", AUDITOR), 400);
        struct answer_got got = test_http_get(&h, "/api/v1/tracing/chains", AUDITOR);
        assert_status(got, 200);
        const json_t *one = json_array_get(json_object_get(got.json, "chains"), 0);
        assert_true(test_json_int(got.json, "cases") == ALL && test_json_int(got.json, "n_chains") == 1 && test_json_int(one, "size") == ALL && test_json_int(one, "generations") == 50);
        assert_true(got.body.n < 300000 && json_array_size(json_object_get(got.json, "contradictions")) <= 300 && json_array_size(json_object_get(got.json, "chains")) <= 50);
        /* where one infected thousands, and from the first cases on: cut at the limit, and it is said */
        static const struct { const char *query; size_t n; } cut[] = {{"", 300}, {"steps=1", 300}, {"case=1000000&steps=50", 300}, {"case=1000000&steps=50&limit=2000", 2000}, {"case=1000000&limit=7", 7}};
        for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
            got = part_of(AUDITOR, cut[i].query);
            assert_true(got.status == 200 && nodes_of(&got) == cut[i].n && more_of(&got) && got.body.n < cut[i].n * 600 + 1000);
            assert_true(test_json_int(got.json, "cases") == ALL && json_array_size(json_object_get(got.json, "edges")) == cut[i].n - 1);
        }
        /* down a line: so many steps each way, whole, nearest first */
        const int64_t middle = FIRST + 20 * LINES + 7;
        for (int64_t steps = 0; steps < 20; steps += 3) {
            got = part_of(AUDITOR, arena_printf(&h.t.a, "case=%lld&steps=%lld", (long long)middle, (long long)steps));
            assert_true(got.status == 200 && nodes_of(&got) == (size_t)(2 * steps + 1) && json_array_size(json_object_get(got.json, "edges")) == (size_t)(2 * steps) && !more_of(&got));
            for (size_t i = 0; i < nodes_of(&got); i++) {
                int64_t away = test_json_int(json_array_get(json_object_get(got.json, "nodes"), i), "id") - middle;
                assert_true(away % LINES == 0 && llabs(away / LINES) == (int64_t)(i + 1) / 2);
            }
        }
        /* a time: of the nine cases around it those of three generations; the centre stays whatever the time */
        got = part_of(AUDITOR, arena_printf(&h.t.a, "case=%lld&steps=4&from=2022-02-27T00:00&to=2022-03-06T00:00", (long long)middle));
        assert_int_equal(nodes_of(&got), 3);
        got = part_of(AUDITOR, arena_printf(&h.t.a, "case=%lld&steps=4&from=2022-12-01T00:00", (long long)middle));
        assert_int_equal(nodes_of(&got), 1);
        /* another street's line is not there; past the first case their number alone is told */
        assert_status(part_of(STREET, arena_printf(&h.t.a, "case=%lld", (long long)middle)), 404);
        got = part_of(STREET, arena_printf(&h.t.a, "case=%d&steps=2&limit=2000", FIRST + 8));
        assert_true(nodes_of(&got) == LINES / 2 + 3 && test_json_int(got.json, "hidden") == LINES / 2 && !more_of(&got));
        assert_int_equal(test_json_int(got.json, "cases"), ALL / 2); /* nor is told how many cases there are elsewhere */
        got = test_http_get(&h, "/api/v1/tracing/chains", STREET);
        assert_int_equal(test_json_int(got.json, "cases"), ALL / 2);
        got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/tracing/cases/%lld/sources", (long long)middle), AUDITOR);
        assert_true(got.status == 200 && test_json_int(json_object_get(got.json, "source"), "id") == middle - LINES);
        test_http_drop(&h);
    }
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_refused, settle), cmocka_unit_test_teardown(visits_are_there_when_they_are_answered, settle), cmocka_unit_test_teardown(one_row_harms_no_other, settle), cmocka_unit_test_teardown(many_scans_at_once, settle), cmocka_unit_test_teardown(a_case_from_its_visits_to_its_chain, settle),
        cmocka_unit_test_teardown(a_chain_of_a_hundred_thousand_is_looked_at_in_parts, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

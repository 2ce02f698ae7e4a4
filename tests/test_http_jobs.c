/* Imports and other long work over HTTP: who is refused, and what must hold from upload to undo. */
#include <zlib.h>

#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define IMPORTS "/api/v1/imports"
#define PERSONS "/api/v1/registers/person/records"

static const char *at(const char *format, const char *id) {
    return arena_printf(&h.t.a, format, id);
}

/* Until the job is at work no more. */
static json_t *waited(const char *path, const char *token, const char *wanted) {
    for (;;) {
        struct answer_got got = test_http_get(&h, path, token);
        assert_status(got, 200);
        const char *state = test_json_text(got.json, "state");
        if (!strcmp(state, "queued") || !strcmp(state, "running")) {
            assert_non_null(strstr(got.head, "Retry-After"));
            usleep(5000);
            continue;
        }
        if (strcmp(state, wanted) != 0) fail_msg("%s is %s: %.*s", path, state, (int)got.body.n, got.body.s);
        return got.json;
    }
}

static int64_t result(const json_t *job, const char *step, const char *name) {
    return test_json_int(json_object_get(json_object_get(job, "result"), step), name);
}

static const char *persons(int n, int bad) {
    struct buf b = {0};
    buf_str(&b, "姓名,性别,联系电话\n");
    for (int i = 0; i < n; i++) buf_printf(&b, "张三%d,%s,139%08d\n", i, i % bad == bad - 1 ? "大象" : "男", i);
    const char *kept = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    return kept;
}

static const char *upload(const char *query, const char *token, const char *headers, const char *body) {
    struct answer_got got = test_http_ask(&h, "POST", at(IMPORTS "%s", query), token, headers, body);
    assert_status(got, 201);
    assert_non_null(strstr(got.head, "Location: " IMPORTS "/"));
    return arena_str(&h.t.a, test_json_text(got.json, "id"));
}

#define CSV "Content-Type: text/csv\r\n"

static void what_nobody_may_upload(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_ask(&h, "POST", IMPORTS, NULL, CSV, "a\n1\n"), 401);
        assert_status(test_http_ask(&h, "POST", IMPORTS, ROOT, CSV, ""), 400);
        assert_status(test_http_raw(&h, TEXT("POST " IMPORTS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\nContent-Length: 999999999999\r\n\r\n").s,
                                    sizeof "POST " IMPORTS " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\nContent-Length: 999999999999\r\n\r\n" - 1), 413);
        assert_status(test_http_ask(&h, "POST", IMPORTS, ROOT, "Content-Type: multipart/form-data\r\n", "x"), 400);
        static const char form[] = "Content-Type: multipart/form-data; boundary=zz\r\n";
        assert_status(test_http_ask(&h, "POST", IMPORTS, ROOT, form, "--zz\r\nContent-Disposition: form-data; name=\"register\"\r\n\r\nperson\r\n--zz--\r\n"), 400);
        assert_status(test_http_ask(&h, "POST", IMPORTS, ROOT, form,
                                    "--zz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.csv\"\r\n\r\na\n1\r\n--zz\r\nContent-Disposition: form-data; "
                                    "name=\"b\"; filename=\"b.csv\"\r\n\r\nb\n1\r\n--zz--\r\n"), 400);
        /* refused in the middle, by the second file of a form or a field too long: who goes on sending hears why all the same */
        for (int k = 0; k < 2; k++) {
            struct buf b = {0};
            buf_printf(&b, "--zz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a.csv\"\r\n\r\na\n1\r\n--zz\r\nContent-Disposition: form-data; name=\"%s\r\n\r\n", k ? "map_text\"" : "b\"; filename=\"b.csv\"");
            while (b.n < 3 << 20 && !b.failed) buf_str(&b, "row after row of what is not wanted\n");
            buf_str(&b, "\r\n--zz--\r\n");
            assert_status(test_http_ask(&h, "POST", IMPORTS, ROOT, form, buf_cstr(&b)), k ? 413 : 400);
            buf_clear(&b);
        }
        const char *id = upload("?register=person&file=p.csv", STREET, CSV, persons(20, 10));
        waited(at(IMPORTS "/%s", id), STREET, "done");
        assert_status(test_http_get(&h, at(IMPORTS "/%s", id), OTHER), 404);
        assert_status(test_http_post(&h, at(IMPORTS "/%s/run", id), OTHER, "{}"), 404);
        assert_status(test_http_ask(&h, "DELETE", at(IMPORTS "/%s", id), OTHER, "", NULL), 404);
        assert_status(test_http_get(&h, IMPORTS "/0000000000000000", STREET), 404);
        assert_status(test_http_get(&h, at(IMPORTS "/%s/errors", id), STREET), 404);
        assert_status(test_http_post(&h, at(IMPORTS "/%s/run", id), STREET, "{\"colour\":\"red\"}"), 404);
        assert_status(test_http_post(&h, at(IMPORTS "/%s/run", id), STREET, "{\"register\":7}"), 400);
        assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/cancel", id), STREET, "", NULL), 409);
        assert_status(test_http_get(&h, at("/api/v1/jobs/%s", id), STREET), 200);
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, IMPORTS, OTHER).json, "jobs")), 0);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), 0);
    }
}

/* What came packed goes back packed, under its name. */
static void packed_comes_back_packed(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static unsigned char zip[1 << 16], plain[1 << 16];
        const char *list = persons(40, 10);
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (unsigned char *)list, z.avail_in = (uInt)strlen(list);
        z.next_out = zip, z.avail_out = sizeof zip;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        deflateEnd(&z);
        struct buf b = {0};
        buf_printf(&b, "POST " IMPORTS "?register=person&file=p.csv.gz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer %s\r\n" CSV "Content-Length: %lu\r\n\r\n", ROOT, z.total_out);
        buf_add(&b, (const char *)zip, z.total_out);
        struct answer_got got = test_http_raw(&h, b.s, b.n);
        assert_status(got, 201);
        const char *id = arena_str(&h.t.a, test_json_text(got.json, "id"));
        buf_clear(&b);
        waited(at(IMPORTS "/%s", id), ROOT, "done");
        assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/run", id), ROOT, "", NULL), 202);
        waited(at(IMPORTS "/%s", id), ROOT, "done");
        got = test_http_get(&h, at(IMPORTS "/%s/errors", id), ROOT);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "application/gzip"));
        assert_non_null(strstr(got.head, "p-errors.csv.gz"));
        assert_null(strstr(got.head, "Content-Encoding"));
        z = (z_stream){.next_in = (unsigned char *)got.body.s, .avail_in = (uInt)got.body.n, .next_out = plain, .avail_out = sizeof plain - 1};
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        plain[z.total_out] = 0;
        inflateEnd(&z);
        size_t lines = 0;
        for (size_t i = 0; i < z.total_out; i++) lines += plain[i] == '\n';
        assert_int_equal(lines, 5);
    }
}

static void from_upload_to_undo(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        for (int form = 0; form < 2; form++) {
            const char *list = persons(400, 10);
            const char *id =
                form ? upload("", ROOT, "Content-Type: multipart/form-data; boundary=zz\r\n",
                              arena_printf(&h.t.a, "--zz\r\nContent-Disposition: form-data; name=\"register\"\r\n\r\nperson\r\n--zz\r\nContent-Disposition: form-data; name=\"file\"; "
                                                   "filename=\"名单.csv\"\r\nContent-Type: text/csv\r\n\r\n%s\r\n--zz--\r\n", list))
                     : upload("?register=person&file=%E5%90%8D%E5%8D%95.csv", ROOT, CSV, list);
            const char *path = at(IMPORTS "/%s", id);
            json_t *job = waited(path, ROOT, "done");
            assert_string_equal(test_json_text(json_object_get(job, "params"), "file"), "名单.csv");
            assert_int_equal(json_array_size(json_object_get(json_object_get(json_object_get(job, "result"), "look"), "headers")), 3);
            assert_int_equal(test_json_int(json_object_get(json_object_get(json_object_get(job, "result"), "look"), "first_rows"), "refused"), 10);
            assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/check", id), ROOT, "", NULL), 202);
            job = waited(path, ROOT, "done");
            assert_int_equal(result(job, "check", "created"), 360);
            struct answer_got events = test_http_ask(&h, "GET", "/api/v1/events?register=person&after=0", ROOT, "Accept: application/json\r\n", NULL);
            if (!form) assert_int_equal(json_array_size(json_object_get(events.json, "events")), 0);
            assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/run", id), ROOT, "", NULL), 202);
            job = waited(path, ROOT, "done");
            assert_int_equal(result(job, "run", "rows"), 400);
            assert_int_equal(result(job, "run", "created") + result(job, "run", "refused"), 400);
            struct answer_got got = test_http_get(&h, at(IMPORTS "/%s/errors", id), ROOT);
            assert_status(got, 200);
            assert_non_null(strstr(got.head, "text/csv"));
            assert_non_null(strstr(got.head, "filename*=UTF-8''%E5%90%8D%E5%8D%95-errors.csv"));
            size_t lines = 0;
            for (size_t i = 0; i < got.body.n; i++) lines += got.body.s[i] == '\n';
            assert_int_equal(lines, 41);
            assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/undo", id), ROOT, "", NULL), 202);
            job = waited(path, ROOT, "done");
            assert_int_equal(result(job, "undo", "removed"), 360);
            assert_status(test_http_ask(&h, "DELETE", path, ROOT, "", NULL), 204);
            assert_status(test_http_get(&h, path, ROOT), 404);
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), 0);
    }
}

static json_t *asked(const char *body, const char *token, const char *wanted) {
    struct answer_got got = test_http_post(&h, "/api/v1/jobs", token, body);
    assert_status(got, 202);
    return waited(at("/api/v1/jobs/%s", arena_str(&h.t.a, test_json_text(got.json, "id"))), token, wanted);
}

static const char *refusal(const json_t *job) {
    return test_json_text(json_object_get(job, "error"), "code");
}

static void a_plan_is_compared_and_adopted_as_a_job(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2021-v8", NOW) {
        assert_status(test_http_post(&h, "/api/v1/jobs", NULL, "{}"), 401);
        assert_status(test_http_post(&h, "/api/v1/jobs", ROOT, "{}"), 422);
        assert_status(test_http_post(&h, "/api/v1/jobs", ROOT, "{\"kind\":\"policy\",\"step\":\"fly\"}"), 404);
        assert_status(test_http_post(&h, "/api/v1/jobs", ROOT, "{\"kind\":\"import\",\"step\":\"run\"}"), 404);
        assert_status(test_http_post(&h, "/api/v1/jobs", ROOT, "{\"kind\":\"policy\",\"step\":\"diff\",\"params\":[]}"), 400);
        assert_status(test_http_post(&h, "/api/v1/jobs", ROOT, "{\"kind\":\"policy\",\"step\":\"diff\",\"params\":{\"colour\":\"red\"}}"), 404);
        assert_string_equal(refusal(asked("{\"kind\":\"policy\",\"step\":\"diff\",\"params\":{\"policy\":\"../../etc\"}}", ROOT, "failed")), "UNKNOWN");
        assert_string_equal(refusal(asked("{\"kind\":\"policy\",\"step\":\"diff\",\"params\":{\"policy\":\"covid-2022-v9\"}}", STREET, "failed")), "DENIED");
        assert_string_equal(refusal(asked("{\"kind\":\"policy\",\"step\":\"adopt\",\"params\":{\"policy\":\"covid-2022-v9\",\"reason\":\"x\"}}", STREET, "failed")), "DENIED");
        assert_string_equal(refusal(asked("{\"kind\":\"policy\",\"step\":\"adopt\",\"params\":{\"policy\":\"covid-2022-v9\"}}", ROOT, "failed")), "INVALID");
        json_t *job = asked("{\"kind\":\"policy\",\"step\":\"diff\",\"params\":{\"policy\":\"covid-2022-v9\"}}", COMMAND, "done");
        assert_non_null(json_object_get(json_object_get(json_object_get(job, "result"), "diff"), "total"));
        job = asked("{\"kind\":\"policy\",\"step\":\"adopt\",\"params\":{\"policy\":\"covid-2022-v9\",\"reason\":\"new edition\"}}", COMMAND, "done");
        assert_true(result(job, "adopt", "adoption") > 0);
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, "/api/v1/policies", ROOT).json, "adopted")), 2);
    }
}

static int64_t made(const char *body) {
    struct answer_got got = test_http_post(&h, PERSONS, ROOT, body);
    assert_status(got, 201);
    return test_json_int(got.json, "id");
}

/* Who may not write a person may neither merge nor forget him, whatever else he may. */
static void merging_asks_for_the_right_to_write(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t a = made("{\"fields\":{\"name\":\"李娜\",\"phone\":\"13912345678\",\"address_region\":\"310115001\"}}");
        int64_t b = made("{\"fields\":{\"name\":\"李娜\",\"phone\":\"13912345678\",\"address_region\":\"310115002\"}}");
        const char *merge = arena_printf(&h.t.a, "/api/v1/persons/%lld/merge", (long long)a), *from = arena_printf(&h.t.a, "{\"from\":%lld}", (long long)b);
        assert_status(test_http_post(&h, merge, AUDITOR, from), 403);
        assert_status(test_http_post(&h, merge, STREET, from), 404); /* the other is of another street */
        assert_status(test_http_post(&h, merge, ROOT, from), 200);
        assert_status(test_http_post(&h, merge, ROOT, from), 409);
    }
}

static void the_journal_is_paged_and_proved(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        for (int i = 0; i < 5; i++) made("{\"fields\":{\"name\":\"李娜\"}}");
        assert_status(test_http_get(&h, "/api/v1/audit?register=person", STREET), 403);
        struct answer_got got = test_http_get(&h, "/api/v1/audit?register=person&limit=3", AUDITOR);
        assert_status(got, 200);
        assert_int_equal(json_array_size(json_object_get(got.json, "entries")), 3);
        int64_t next = test_json_int(got.json, "next"), first = test_json_int(json_array_get(json_object_get(got.json, "entries"), 0), "seq");
        assert_int_equal(next, first);
        assert_null(memmem(got.body.s, got.body.n, "李娜", 6));
        got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/audit?register=person&limit=3&before=%lld", (long long)next), AUDITOR);
        assert_int_equal(json_array_size(json_object_get(got.json, "entries")), 2);
        assert_string_equal(refusal(asked("{\"kind\":\"audit\",\"step\":\"verify\"}", STREET, "failed")), "DENIED");
        json_t *job = asked("{\"kind\":\"audit\",\"step\":\"verify\"}", AUDITOR, "done");
        json_t *verdict = json_object_get(json_object_get(job, "result"), "verify");
        assert_true(json_is_true(json_object_get(verdict, "whole")));
        assert_null(json_object_get(verdict, "records"));
        const char *with_records = "{\"kind\":\"audit\",\"step\":\"verify\",\"params\":{\"records\":\"true\"}}";
        verdict = json_object_get(json_object_get(asked(with_records, AUDITOR, "done"), "result"), "verify");
        assert_true(json_is_true(json_object_get(verdict, "whole")));
        assert_true(json_is_true(json_object_get(json_object_get(verdict, "records"), "whole")));
        struct error err = {0};
        struct db *db = NULL;
        assert_ok(db_open(h.t.o.store, DB_WRITE, &db, &err), err);
        assert_ok(db_run(db, "UPDATE \"person\" SET \"sex\" = '2' WHERE \"id\" = (SELECT MIN(\"id\") FROM \"person\")", NULL, 0, NULL, &err), err);
        db_close(db);
        h.t.damaged = true;
        verdict = json_object_get(json_object_get(asked(with_records, AUDITOR, "done"), "result"), "verify");
        assert_true(json_is_false(json_object_get(verdict, "whole")));
        assert_int_equal(test_json_int(verdict, "bad_entry"), 0);
        const json_t *found = json_array_get(json_object_get(json_object_get(verdict, "records"), "findings"), 0);
        assert_string_equal(json_string_value(json_object_get(found, "register")), "person");
        assert_string_equal(json_string_value(json_object_get(found, "field")), "sex");
    }
}

static void a_report_is_worked_out_and_frozen_as_a_job(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, "2022-05-31T10:00") {
        assert_string_equal(refusal(asked("{\"kind\":\"report\",\"step\":\"freeze\",\"params\":{\"day\":\"2022-05-30\"}}", STREET, "failed")), "DENIED");
        assert_string_equal(refusal(asked("{\"kind\":\"report\",\"step\":\"freeze\"}", REPORTER, "failed")), "INVALID");
        assert_string_equal(refusal(asked("{\"kind\":\"report\",\"step\":\"freeze\",\"params\":{\"day\":\"2022-06-30\"}}", REPORTER, "failed")), "REFUSED");
        json_t *job = asked("{\"kind\":\"report\",\"step\":\"draft\",\"params\":{\"day\":\"2022-05-30\"}}", REPORTER, "done");
        assert_non_null(json_object_get(json_object_get(json_object_get(job, "result"), "draft"), "figures"));
        job = asked("{\"kind\":\"report\",\"step\":\"freeze\",\"params\":{\"day\":\"2022-05-30\"}}", REPORTER, "done");
        assert_true(result(job, "freeze", "report") > 0);
        assert_string_equal(refusal(asked("{\"kind\":\"report\",\"step\":\"freeze\",\"params\":{\"day\":\"2022-05-30\"}}", REPORTER, "failed")), "CONFLICT");
    }
}

static void an_export_is_a_file_of_what_its_asker_may_see(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        made("{\"fields\":{\"name\":\"李娜\",\"sex\":\"female\",\"address_region\":\"310115001\"}}");
        made("{\"fields\":{\"name\":\"王芳\",\"sex\":\"female\",\"address_region\":\"310115002\"}}");
        assert_string_equal(refusal(asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"csv\"}}", GUEST, "failed")), "DENIED");
        assert_string_equal(refusal(asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"doc\"}}", ROOT, "failed")), "USAGE");
        assert_string_equal(refusal(asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"nothing\",\"format\":\"csv\"}}", ROOT, "failed")), "UNKNOWN");
        assert_string_equal(refusal(asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"csv\",\"open\":\"true\"}}", STREET, "failed")), "DENIED");
        json_t *job = asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"csv\"}}", STREET, "done");
        assert_int_equal(result(job, "result", "rows"), 1);
        const char *path = at("/api/v1/jobs/%s/result", arena_str(&h.t.a, test_json_text(job, "id")));
        assert_status(test_http_get(&h, path, OTHER), 404);
        struct answer_got got = test_http_get(&h, path, STREET);
        assert_status(got, 200);
        assert_non_null(memmem(got.body.s, got.body.n, "310115001", 9));
        assert_null(memmem(got.body.s, got.body.n, "310115002", 9));
        assert_null(memmem(got.body.s, got.body.n, "李娜", 6));
        job = asked("{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"xlsx\"}}", ROOT, "done");
        assert_int_equal(result(job, "result", "rows"), 2);
        got = test_http_get(&h, at("/api/v1/jobs/%s/result", arena_str(&h.t.a, test_json_text(job, "id"))), ROOT);
        assert_status(got, 200);
        assert_true(got.body.n > 1000 && !memcmp(got.body.s, "PK", 2));
    }
}

/* The stream tells how far it is, from where the listener was, to whom may see the job and to nobody else; it ends when the job rests. */
static void progress_is_told_to_its_owner_alone(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        const char *id = upload("?register=person&file=p.csv", ROOT, CSV, persons(3000, 100));
        const char *path = at("/api/v1/jobs/%s/events", id);
        assert_status(test_http_get(&h, path, NULL), 401);
        assert_status(test_http_get(&h, path, OTHER), 404);
        assert_status(test_http_get(&h, "/api/v1/jobs/0000000000000000/events", STREET), 404);
        assert_status(test_http_ask(&h, "GET", path, ROOT, "Last-Event-ID: x\r\n", NULL), 400);
        waited(at(IMPORTS "/%s", id), ROOT, "done");
        assert_status(test_http_post(&h, at(IMPORTS "/%s/run", id), ROOT, "{}"), 202);
        struct answer_got got = test_http_get(&h, path, ROOT); /* to its end */
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "text/event-stream"));
        struct text body = test_http_body(&h, &got);
        const char *words = arena_text(&h.t.a, body).s, *first = strstr(words, "id: "), *last = first, *p;
        assert_non_null(first);
        while ((p = strstr(last + 4, "\nid: "))) last = p + 1;
        if (!strstr(last, "\"state\":\"done\"")) fail_msg("%s", words);
        const char *resume = arena_printf(&h.t.a, "Last-Event-ID: %.16s\r\n", last + 4);
        assert_status(test_http_ask(&h, "GET", path, ROOT, resume, NULL), 204); /* an EventSource stops there */
        assert_status(test_http_ask(&h, "GET", path, STREET, resume, NULL), 404); /* a right print is no key to it */
        got = test_http_ask(&h, "GET", path, ROOT, "Last-Event-ID: 0123456789abcdef\r\n", NULL);
        assert_status(got, 200);
        assert_true(memmem(got.body.s, got.body.n, "\"state\":\"done\"", 14) != NULL);
        /* who still listens when the server stops is let go */
        id = upload("?register=person&file=p.csv", STREET, CSV, persons(20000, 100));
        int fd = test_http_connect(&h);
        const char *ask = arena_printf(&h.t.a, "GET /api/v1/jobs/%s/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " STREET "\r\n\r\n", id);
        test_http_send(fd, ask, strlen(ask));
        test_http_stop(&h);
        char bytes[4096];
        while (recv(fd, bytes, sizeof bytes, 0) > 0) {}
        close(fd);
    }
}

/* Two approve, and nobody goes round them: not by writing the record, not by importing one. */
static void a_report_cannot_be_approved_past_its_desk(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, "2022-05-31T10:00") {
        static const char reports[] = "/api/v1/registers/daily_report/records";
        int64_t id = result(asked("{\"kind\":\"report\",\"step\":\"freeze\",\"params\":{\"day\":\"2022-05-30\"}}", REPORTER, "done"), "freeze", "report");
        const char *path = arena_printf(&h.t.a, "%s/%lld", reports, (long long)id);
        assert_status(test_http_ask(&h, "PATCH", path, REPORTER, "", "{\"fields\":{\"figures\":\"{}\"}}"), 403);
        assert_status(test_http_ask(&h, "PATCH", path, APPROVER, "", "{\"fields\":{\"first_approver\":\"second\"}}"), 403);
        assert_status(test_http_ask(&h, "POST", at("%s/actions/approved-first", path), APPROVER, "", NULL), 403);
        assert_status(test_http_ask(&h, "POST", at("%s/actions/published", path), ROOT, "", NULL), 403);
        assert_status(test_http_ask(&h, "PATCH", path, REPORTER, "", "{\"fields\":{\"note\":\"see attachment\"}}"), 200);
        assert_status(test_http_post(&h, reports, REPORTER, "{\"region\":\"310115\",\"fields\":{\"day\":\"2022-05-29\",\"figures\":\"{}\"}}"), 403);
        const char *list = upload("?register=daily_report", REPORTER, CSV, "统计日,数据\n2022-05-28,{}\n2022-05-27,{}\n");
        waited(at(IMPORTS "/%s", list), REPORTER, "done");
        assert_status(test_http_ask(&h, "POST", at(IMPORTS "/%s/run", list), REPORTER, "", NULL), 202);
        assert_int_equal(result(waited(at(IMPORTS "/%s", list), REPORTER, "done"), "run", "refused"), 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_nobody_may_upload, settle),
        cmocka_unit_test_teardown(packed_comes_back_packed, settle),
        cmocka_unit_test_teardown(from_upload_to_undo, settle),
        cmocka_unit_test_teardown(a_plan_is_compared_and_adopted_as_a_job, settle),
        cmocka_unit_test_teardown(merging_asks_for_the_right_to_write, settle),
        cmocka_unit_test_teardown(the_journal_is_paged_and_proved, settle),
        cmocka_unit_test_teardown(a_report_is_worked_out_and_frozen_as_a_job, settle),
        cmocka_unit_test_teardown(an_export_is_a_file_of_what_its_asker_may_see, settle),
        cmocka_unit_test_teardown(progress_is_told_to_its_owner_alone, settle),
        cmocka_unit_test_teardown(a_report_cannot_be_approved_past_its_desk, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

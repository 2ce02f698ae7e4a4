/* Exports through the door: what is sealed, workbooks, epicontacts; and files of jobs, fetched in ranges. */
#include <signal.h>
#include <sys/resource.h>

#include "base/digest.h"
#include "files/sheet.h"
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PERSONS "/api/v1/registers/person"
#define PURPOSE "Tocsin-Purpose: tracing\r\n"
enum { MANY = 250 /* three pieces of what is sealed */ };

static int64_t made(const char *path, const char *body) {
    struct answer_got got = test_http_post(&h, path, ROOT, body);
    if (got.status != 201) fail_msg("%s: %d %.*s", body, got.status, (int)got.body.n, got.body.s);
    return test_json_int(got.json, "id");
}

static int64_t person(const char *name, const char *region) {
    return made(PERSONS "/records", arena_printf(&h.t.a, "{\"fields\":{\"name\":\"%s\",\"phone\":\"13912345678\",\"sex\":\"female\",\"address_region\":\"%s\"}}", name, region));
}

static void persons_make(void) {
    struct buf b = {0};
    buf_str(&b, "{\"rows\":[");
    for (int i = 0; i < MANY; i++) buf_printf(&b, "%s{\"fields\":{\"name\":\"Inside %03d\",\"doc_type\":\"passport\",\"doc_no\":\"E%08d\",\"address_region\":\"310115001\"}}", i ? "," : "", i, i);
    buf_str(&b, "]}");
    assert_status(test_http_post(&h, PERSONS "/records/batch", ROOT, buf_cstr(&b)), 200);
    buf_clear(&b);
    person("Outside", "310115002");
}

static size_t lines_of(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += t.s[i] == '\n';
    return n;
}

static bool has(struct text t, const char *word) {
    return memmem(t.s, t.n, word, strlen(word)) != NULL;
}

static size_t looks(const char *purpose) {
    struct answer_got got = test_http_get(&h, "/api/v1/audit?verb=OPEN&limit=1000", AUDITOR);
    assert_status(got, 200);
    size_t n = 0, i;
    json_t *e;
    json_array_foreach(json_object_get(got.json, "entries"), i, e) n += !strcmp(test_json_text(e, "purpose"), purpose) && !strcmp(test_json_text(e, "register"), "person");
    return n;
}

static void what_is_sealed_needs_a_right_and_a_purpose(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        persons_make();
        assert_status(test_http_get(&h, PERSONS "/export?open=true", STREET), 403);
        assert_status(test_http_get(&h, PERSONS "/export", GUEST), 403);
        assert_status(test_http_get(&h, PERSONS "/export?format=json", GUEST), 403);
        assert_status(test_http_get(&h, "/api/v1/registers/case/export?format=linelist", GUEST), 403);
        assert_status(test_http_get(&h, PERSONS "/export?columns=name", STREET), 403);
        assert_status(test_http_ask(&h, "GET", PERSONS "/export?columns=name", STREET, PURPOSE, NULL), 403); /* a purpose alone opens nothing */
        assert_status(test_http_ask(&h, "GET", PERSONS "/export?open=true", COMMAND, PURPOSE, NULL), 403);
        assert_status(test_http_ask(&h, "GET", PERSONS "/export?open=true", GUEST, PURPOSE, NULL), 403);
        assert_status(test_http_ask(&h, "GET", PERSONS "/export?open=true&format=linelist", STREET, PURPOSE, NULL), 400);
        assert_status(test_http_ask(&h, "GET", "/api/v1/registers/case/export?open=true&format=linelist", STREET, "", NULL), 403);
        assert_int_equal(looks("tracing"), 0);
        struct answer_got got = test_http_get(&h, PERSONS "/export", STREET);
        assert_status(got, 200);
        assert_false(has(test_http_body(&h, &got), "Inside"));
    }
}

static void each_look_is_in_the_journal_before_it_goes_out(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        persons_make();
        struct answer_got got = test_http_ask(&h, "GET", PERSONS "/export?open=true&columns=id,name", STREET, PURPOSE, NULL);
        assert_status(got, 200);
        struct text body = test_http_body(&h, &got);
        assert_int_equal(lines_of(body), MANY + 1);
        assert_true(has(body, "Inside 000") && has(body, "Inside 249"));
        assert_false(has(body, "Outside"));
        assert_int_equal(looks("tracing"), MANY);
        /* cut off, it goes on, and only what is seen again is journalled again */
        const char *third = arena_text(&h.t.a, body).s;
        for (int i = 0; i < 3; i++) third = strchr(third, '\n') + 1;
        got = test_http_ask(&h, "GET", arena_printf(&h.t.a, PERSONS "/export?open=true&columns=id,name&header=false&after=%ld", strtol(third, NULL, 10)), STREET,
                            "Tocsin-Purpose: again\r\n", NULL);
        assert_int_equal(lines_of(test_http_body(&h, &got)), MANY - 3);
        assert_int_equal(looks("again"), MANY - 3);
    }
}

/* A journal that cannot be written shows nothing. */
static void what_cannot_be_journalled_is_not_shown(void **state) {
    (void)state;
    struct rlimit none, files;
    test_http_make(&h, 0, NULL, NOW);
    if (test_store_is_pg(0)) skip();
    persons_make();
    getrlimit(RLIMIT_FSIZE, &none);
    signal(SIGXFSZ, SIG_IGN);
    files = none;
    files.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &files);
    struct answer_got got = test_http_ask(&h, "GET", PERSONS "/export?open=true", STREET, PURPOSE, NULL);
    setrlimit(RLIMIT_FSIZE, &none);
    assert_status(got, 507);
    assert_false(has(got.body, "Inside"));
    assert_status(test_http_ask(&h, "GET", PERSONS "/export?open=true", STREET, PURPOSE, NULL), 200);
    test_http_drop(&h);
}

/* ---- rights that end on the way */

enum { BATCH = 1000, BATCHES = 4, LONG = 3000 };

/* More than the sockets between take: some 12 MB, of which most are read when the reader says so. */
static void notices_make(void) {
    char text[LONG + 1] = "";
    for (int i = 0; i < LONG; i += 3) memcpy(text + i, "长", 3);
    for (int k = 0; k < BATCHES; k++) {
        struct buf b = {0};
        buf_str(&b, "{\"rows\":[");
        for (int i = 0; i < BATCH; i++)
            buf_printf(&b, "%s{\"region\":\"310115001\",\"fields\":{\"title\":\"%d\",\"text_zh\":\"%s\",\"written_at\":\"2022-05-30T09:00\"}}", i ? "," : "", k * BATCH + i, text);
        buf_str(&b, "]}");
        struct answer_got got = test_http_post(&h, "/api/v1/registers/public_notice/records/batch", ROOT, buf_cstr(&b));
        assert_int_equal(test_json_int(got.json, "created"), BATCH);
        buf_clear(&b);
    }
}

/* An export of all notices by somebody who reads on only after a minute and whatever is done in it. Returns the rows that came; *ret_whole: with an end. */
static size_t slowly(const char *who, const char *method, const char *path, const char *body, bool *ret_whole) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 300};
    static char bytes[1 << 16];
    char last[6] = "";
    struct buf b = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    buf_str(&b, "GET /api/v1/registers/public_notice/export?columns=title,text_zh HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    test_http_who(&b, who);
    buf_str(&b, "\r\n");
    test_http_send(fd, b.s, b.n);
    buf_clear(&b);
    assert_int_equal(recv(fd, bytes, 12, MSG_WAITALL), 12);
    assert_memory_equal(bytes, "HTTP/1.1 200", 12);
    if (method) assert_true(test_http_ask(&h, method, path, ROOT, "", body).status < 300);
    h.server->offset += 61;
    size_t rows = 0;
    for (ssize_t k; (k = recv(fd, bytes, sizeof bytes, 0)) > 0;) {
        for (ssize_t i = 0; i < k; i++) {
            memmove(last, last + 1, 4);
            last[4] = bytes[i];
            rows += last[4] == '\n' && last[3] != '\r'; /* not those of chunks */
        }
    }
    close(fd);
    *ret_whole = !memcmp(last, "0\r\n\r\n", 5);
    return rows;
}

static void an_export_does_not_outlive_its_rights(void **state) {
    (void)state;
    static struct account_options cheap = {.hash_passes = 1, .hash_memory = 8192};
    EACH_HTTP(h, NULL, NOW) {
        bool whole = false;
        test_http_stop(&h);
        test_http_start(&h, &(struct http_options){.accounts = &cheap});
        notices_make();
        const char *li = test_http_account(&h, "li.na", "approver", "310115"), *wang = test_http_account(&h, "wang", "approver", "310115");
        size_t rows = slowly(li, NULL, NULL, NULL, &whole);
        if (!whole || rows != BATCH * BATCHES + 1) fail_msg("%zu rows of who may", rows);
        rows = slowly(li, "DELETE", "/api/v1/sessions?login=li.na", NULL, &whole);
        if (whole || rows > BATCH * BATCHES) fail_msg("%zu rows of who is signed out", rows);
        rows = slowly(wang, "POST", "/api/v1/accounts/wang/lock", "{\"locked\":true}", &whole);
        if (whole || rows > BATCH * BATCHES) fail_msg("%zu rows of who is locked out", rows);
    }
}

/* ---- workbooks */

static size_t rows_in(const char *path, const char *first, const char *wanted) {
    struct sheet *s = NULL;
    struct error err = {0};
    const struct text *cells;
    size_t n, rows = 0;
    int64_t line;
    bool damaged, found = false;
    int rc;
    assert_ok(sheet_open(path, NULL, &s, &err), err);
    assert_int_equal(sheet_about(s)->format, SHEET_XLSX);
    while ((rc = sheet_next(s, &cells, &n, &line, &damaged, &err)) > 0) {
        if (!rows) assert_true(n && text_is(cells[0], first));
        for (size_t i = 0; i < n; i++) found = found || text_is(cells[i], wanted);
        rows++;
    }
    assert_ok(rc, err);
    assert_true(found);
    sheet_close(s);
    return rows;
}

static void a_workbook_is_sent_while_it_is_made(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        persons_make();
        int64_t odd = made(PERSONS "/records", "{\"fields\":{\"name\":\"A<&>\\\"_x000A_ 李娜\",\"doc_type\":\"other\",\"doc_no\":\"=1+1\",\"address_region\":\"310115001\"}}");
        assert_true(odd > 0);
        struct answer_got got = test_http_ask(&h, "GET", PERSONS "/export?format=xlsx&open=true", STREET, PURPOSE, NULL);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "filename=\"person.xlsx\""));
        struct text body = test_http_body(&h, &got);
        assert_true(body.n > 1000 && !memcmp(body.s, "PK\3\4", 4));
        char *path = arena_printf(&h.t.a, "%s/person.xlsx", h.t.dir);
        FILE *f = fopen(path, "wb");
        assert_true(f && fwrite(body.s, 1, body.n, f) == body.n && fclose(f) == 0);
        assert_int_equal(rows_in(path, "id", "A<&>\"_x000A_ 李娜"), MANY + 2);
        assert_int_equal(rows_in(path, "id", "E00000249"), MANY + 2);
        assert_int_equal(system(arena_printf(&h.t.a, "unzip -tqq %s", path)), 0);
        got = test_http_get(&h, PERSONS "/export?format=xlsx&titles=zh&region=310115009", STREET); /* no row */
        assert_status(got, 200);
        body = test_http_body(&h, &got);
        f = fopen(path, "wb");
        assert_true(f && fwrite(body.s, 1, body.n, f) == body.n && fclose(f) == 0);
        assert_int_equal(rows_in(path, "编号", "性别"), 1);
    }
}

/* ---- for R */

static void epicontacts_shows_no_pair_with_somebody_unseen(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t cases[3];
        for (int i = 0; i < 3; i++)
            cases[i] = made("/api/v1/registers/case/records",
                            arena_printf(&h.t.a, "{\"region\":\"31011500%d\",\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"report_date\":\"2022-05-29\"}}",
                                         i == 2 ? 2 : 1, (long long)person(arena_printf(&h.t.a, "Case %d", i), i == 2 ? "310115002" : "310115001")));
        for (int i = 1; i < 3; i++)
            made("/api/v1/registers/link/records", arena_printf(&h.t.a, "{\"region\":\"310115001\",\"fields\":{\"infector\":%lld,\"infectee\":%lld,\"exposure_date\":\"2022-05-20\"}}",
                                                                (long long)cases[0], (long long)cases[i]));
        assert_status(test_http_get(&h, PERSONS "/export?format=epicontacts", ROOT), 400);
        struct answer_got got = test_http_get(&h, "/api/v1/registers/link/export?format=epicontacts", ROOT);
        assert_status(got, 200);
        struct text body = test_http_body(&h, &got);
        assert_true(text_starts(body, TEXT("from,to,setting,date\n")));
        assert_int_equal(lines_of(body), 3);
        got = test_http_get(&h, "/api/v1/registers/link/export?format=epicontacts", STREET);
        assert_int_equal(lines_of(test_http_body(&h, &got)), 2);
        got = test_http_get(&h, "/api/v1/registers/case/export?format=epicontacts", STREET);
        body = test_http_body(&h, &got);
        assert_true(text_starts(body, TEXT("id,date_onset,date_reporting,")));
        assert_int_equal(lines_of(body), 3);
        assert_false(has(body, "Case 0"));
        got = test_http_ask(&h, "GET", "/api/v1/registers/case/export?format=linelist&open=true", STREET, PURPOSE, NULL);
        body = test_http_body(&h, &got);
        assert_true(has(body, ",name,doc_no,phone,") && has(body, "Case 0") && has(body, "Case 1") && !has(body, "Case 2"));
        assert_int_equal(looks("tracing"), 2);
    }
}

/* ---- files of jobs, in ranges */

static void a_file_is_fetched_in_ranges(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        persons_make();
        struct answer_got got = test_http_ask(&h, "POST", "/api/v1/jobs", STREET, PURPOSE,
                                              "{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"person\",\"format\":\"csv\",\"open\":\"true\"}}");
        assert_status(got, 202);
        const char *job = arena_printf(&h.t.a, "/api/v1/jobs/%s", test_json_text(got.json, "id"));
        while (!strcmp(test_json_text((got = test_http_get(&h, job, STREET)).json, "state"), "queued") || !strcmp(test_json_text(got.json, "state"), "running")) usleep(5000);
        assert_string_equal(test_json_text(got.json, "state"), "done");
        assert_int_equal(looks("tracing"), MANY);
        const char *path = arena_printf(&h.t.a, "%s/result", job);
        got = test_http_get(&h, path, STREET);
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "Accept-Ranges: bytes"));
        struct text whole = got.body;
        const char *etag = arena_text(&h.t.a, (struct text){strstr(got.head, "ETag: ") + 6, strcspn(strstr(got.head, "ETag: ") + 6, "\r")}).s;
        /* whatever pieces it comes in, it is the same file */
        struct rng rng = {0};
        struct buf all = {0};
        rng_seed(&rng, 5);
        while (all.n < whole.n) {
            size_t n = 1 + rng_below(&rng, whole.n / 3);
            got = test_http_ask(&h, "GET", path, STREET, arena_printf(&h.t.a, "Range: bytes=%zu-%zu\r\nIf-Range: %s\r\n", all.n, all.n + n - 1, etag), NULL);
            assert_status(got, 206);
            size_t last = all.n + got.body.n - 1;
            assert_non_null(strstr(got.head, arena_printf(&h.t.a, "Content-Range: bytes %zu-%zu/%zu\r\n", all.n, last, whole.n)));
            buf_text(&all, got.body);
        }
        assert_int_equal(all.n, whole.n);
        assert_memory_equal(all.s, whole.s, whole.n);
        buf_clear(&all);
        got = test_http_ask(&h, "GET", path, STREET, "Range: bytes=-10\r\n", NULL);
        assert_status(got, 206);
        assert_memory_equal(got.body.s, whole.s + whole.n - 10, 10);
        got = test_http_ask(&h, "GET", path, STREET, "Range: bytes=0-3\r\nIf-Range: \"another\"\r\n", NULL);
        assert_status(got, 200); /* another file by now: the whole of it */
        assert_int_equal(got.body.n, whole.n);
        assert_status(test_http_ask(&h, "GET", path, STREET, arena_printf(&h.t.a, "Range: bytes=%zu-\r\n", whole.n), NULL), 416);
        static const char *const odd[] = {"bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=99999999999999999999-"};
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) assert_status(test_http_ask(&h, "GET", path, STREET, arena_printf(&h.t.a, "Range: %s\r\n", odd[i]), NULL), 200);
        assert_status(test_http_ask(&h, "GET", path, OTHER, "Range: bytes=0-3\r\n", NULL), 404);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_sealed_needs_a_right_and_a_purpose, settle),
        cmocka_unit_test_teardown(each_look_is_in_the_journal_before_it_goes_out, settle),
        cmocka_unit_test_teardown(what_cannot_be_journalled_is_not_shown, settle),
        cmocka_unit_test_teardown(an_export_does_not_outlive_its_rights, settle),
        cmocka_unit_test_teardown(a_workbook_is_sent_while_it_is_made, settle),
        cmocka_unit_test_teardown(epicontacts_shows_no_pair_with_somebody_unseen, settle),
        cmocka_unit_test_teardown(a_file_is_fetched_in_ranges, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The HTTP door when memory runs out: every route is asked, and at each turn another allocation fails, alone or with all after it for a while. Every answer is whole
 * and true: what was asked, or 503 (and what a log or a job says); what it called done is done, what it refused is not half there; and as soon as there is memory again
 * the same server goes on. The client here allocates nothing. TOCSIN_MEMORY_POINTS: failing points a question and way (6). */
#include "doors/http/route.h"
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PLACES "/api/v1/registers/place/records"

void test_mem_refuse(long at, bool on); /* tests/alloc.c */
long test_mem_counted(void);

static char got[1 << 20];
static size_t got_n;

static int calm(void **state) {
    test_mem_refuse(0, false);
    return settle(state);
}

/* Status; 0 when the connection ended without a whole head; -1 when the body is cut. */
static int ask(const char *method, const char *path, const char *headers, const char *body) {
    char bytes[4096];
    int n = snprintf(bytes, sizeof bytes, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " ROOT "\r\n%s", method, path, headers);
    if (body) n += snprintf(bytes + n, sizeof bytes - (size_t)n, "Content-Type: %s\r\nContent-Length: %zu\r\n", strstr(path, "/imports") ? "text/csv" : "application/json", strlen(body));
    n += snprintf(bytes + n, sizeof bytes - (size_t)n, "\r\n%s", body ? body : "");
    int fd = test_http_connect(&h);
    test_http_send(fd, bytes, (size_t)n);
    ssize_t k;
    got_n = 0;
    while (got_n < sizeof got - 1 && (k = recv(fd, got + got_n, sizeof got - 1 - got_n, 0)) > 0) got_n += (size_t)k;
    close(fd);
    got[got_n] = 0;
    const char *end = strstr(got, "\r\n\r\n"), *length = strcasestr(got, "\r\nContent-Length:");
    if (!end) return 0;
    if (length && length < end && strtoul(length + 17, NULL, 10) != got_n - (size_t)(end + 4 - got) && strcmp(method, "HEAD") != 0) return -1;
    return atoi(got + 9);
}

struct question {
    const char *method, *path, *headers, *body;
    bool streamed; /* may be cut: the head went out before */
};

/* What each kind of handler does at length. */
static const struct question questions[] = {
    {"GET", "/healthz", "", NULL, false},
    {"GET", "/readyz", "", NULL, false},
    {"GET", "/metrics", "", NULL, false},
    {"GET", "/api/openapi.json", "Accept-Encoding: gzip\r\n", NULL, false},
    {"GET", "/api/v1/registers", "", NULL, false},
    {"GET", "/api/v1/registers/case", "", NULL, false},
    {"GET", "/api/v1/codes/sex", "", NULL, false},
    {"GET", "/api/v1/session", "", NULL, false},
    {"GET", "/api/v1/accounts", "", NULL, false},
    {"GET", "/api/v1/tokens?login=*", "", NULL, false},
    {"GET", "/api/v1/policies", "", NULL, false},
    {"GET", "/api/v1/policies/covid-2022-v9", "", NULL, false},
    {"GET", "/api/v1/policies/covid-2022-v9/diff", "", NULL, false},
    {"GET", "/api/v1/obligations?limit=5", "", NULL, false},
    {"GET", "/api/v1/obligations/summary", "", NULL, false},
    {"GET", "/api/v1/obligations/owners", "", NULL, false},
    {"GET", "/api/v1/obligations/ages", "", NULL, false},
    {"GET", "/api/v1/reports", "", NULL, false},
    {"GET", "/api/v1/reports/2022-05-29", "", NULL, false},
    {"GET", "/api/v1/reports/2022-05-29?format=text", "", NULL, false},
    {"GET", "/api/v1/audit?limit=50", "", NULL, false},
    {"GET", "/api/v1/events?after=0", "Accept: application/json\r\n", NULL, false},
    {"GET", "/api/v1/jobs", "", NULL, false},
    {"GET", PLACES "?limit=3&count=exact&where=id%20%3E%200&sort=changed_at", "", NULL, false},
    {"GET", PLACES "/1", "", NULL, false},
    {"GET", PLACES "/1/history", "", NULL, false},
    {"GET", "/api/v1/persons/2", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/person/records/2", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/person/records?name=Person", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/place/export", "", NULL, true},
    {"GET", "/api/v1/registers/case/export?format=linelist", "", NULL, true},
    {"GET", "/api/v1/registers/person/export?format=json&titles=zh", "", NULL, true},
    {"GET", "/api/v1/registers/person/export?format=xlsx&open=true", "Tocsin-Purpose: memory\r\n", NULL, true},
    {"POST", "/api/v1/persons/search", "Tocsin-Purpose: memory\r\n", "{\"name\":\"Person\"}", false},
    {"POST", "/api/v1/registers/person/records", "Prefer: return=representation\r\n", "{\"region\":\"310115\",\"fields\":{\"name\":\"Person\",\"phone\":\"13912345678\"}}", false},
    {"POST", PLACES "/batch", "", "{\"rows\":[{\"region\":\"310115\",\"fields\":{\"title\":\"b1\"}},{\"region\":\"310115\",\"fields\":{\"title\":\"b2\"}},{\"fields\":{\"colour\":1}}]}", false},
    {"PATCH", PLACES "/1", "", "{\"fields\":{\"capacity\":12}}", false},
    {"POST", "/api/v1/imports?register=place&file=a.csv", "", "名称\n一号楼\n二号楼\n", false},
    {"POST", "/api/v1/jobs", "", "{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"place\",\"format\":\"csv\"}}", false},
    {"POST", "/api/v1/session", "", "{\"login\":\"nobody\",\"password\":\"three wet horses\"}", false},
    {"GET", "/api/v1/nothing", "", NULL, false},
    {"POST", PLACES, "", "{\"fields\":{\"title\":7,\"title\":8}}", false},
};

static void drop_jobs(void) {
    while (ask("GET", "/api/v1/jobs", "", NULL) == 200) {
        const char *id = strstr(got, "\"id\":\"");
        char path[64];
        if (!id) return;
        snprintf(path, sizeof path, "/api/v1/jobs/%.16s", id + 6);
        if (ask("DELETE", path, "", NULL) != 204) usleep(5000);
    }
}

static bool fits(const struct question *q, int status, int good) {
    if (status == good || status == 503 || status == 429) return true;
    /* out of memory before there is a request: libmicrohttpd closes, or says so by itself */
    if (status == 0 || status == 500) return status == 0 || !strstr(got, "urn:tocsin:error:INTERNAL");
    return status == -1 && q->streamed;
}

static void out_of_memory_is_an_answer_like_another(void **state) {
    (void)state;
    const char *wanted = getenv("TOCSIN_MEMORY_POINTS");
    long points = wanted ? atol(wanted) : 6;
    for (size_t store = 0; store < test_stores(); store++) {
        size_t turns = 0, felt = 0, odd = 0;
        int64_t done = 0;
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, "covid-2022-v9", NOW);
        test_http_start(&h, &(struct http_options){.rate_account = -1, .rate_address = -1, .accounts = &(struct account_options){.hash_passes = 1, .hash_memory = 8192}});
        assert_int_equal(ask("POST", PLACES, "", "{\"region\":\"310115\",\"fields\":{\"title\":\"first\"}}"), 201);
        assert_int_equal(ask("POST", "/api/v1/registers/person/records", "", "{\"region\":\"310115\",\"fields\":{\"name\":\"Person\"}}"), 201);
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            const struct question *q = &questions[i];
            long before = test_mem_counted();
            int good = ask(q->method, q->path, q->headers, q->body);
            if (good <= 0 || good == 503) fail_msg("%s %s is %d: %.300s", q->method, q->path, good, got);
            long cost = test_mem_counted() - before + 2;
            for (int sticky = 0; sticky < 2; sticky++)
                for (long k = 0; k < points && k < cost; k++) {
                    test_mem_refuse(1 + k * cost / points, sticky);
                    int status = ask(q->method, q->path, q->headers, q->body);
                    test_mem_refuse(0, false);
                    turns++;
                    felt += status != good;
                    if (status == 500) odd++;
                    if (!fits(q, status, good)) fail_msg("%s %s, allocation %ld of %ld: %d instead of %d: %.600s", q->method, q->path, 1 + k * cost / points, cost, status, good, got);
                }
            if (strstr(q->path, "/jobs") || strstr(q->path, "/imports")) drop_jobs();
            int again = ask(q->method, q->path, q->headers, q->body);
            if (again != good && again != 429 /* who tries passwords waits */) fail_msg("afterwards %s %s is %d instead of %d: %.300s", q->method, q->path, again, good, got);
        }
        drop_jobs();
        /* what was called done is there, and nothing besides: each key makes one record whatever was answered on the way */
        for (int k = 0; k < 40; k++) {
            char key[64], body[120];
            snprintf(key, sizeof key, "Idempotency-Key: memory-%d\r\n", k);
            snprintf(body, sizeof body, "{\"region\":\"310115\",\"fields\":{\"title\":\"kept %d\"}}", k);
            test_mem_refuse(1 + k * 3, k % 2);
            int status = ask("POST", PLACES, key, body);
            test_mem_refuse(0, false);
            for (int tries = 0; status != 201 && tries < 5; tries++) status = ask("POST", PLACES, key, body);
            assert_int_equal(status, 201);
            done++;
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\" WHERE \"title\" LIKE 'kept %'"), done);
        struct error err = {0};
        struct journal_verdict v;
        assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        print_message("# %zu questions with an allocation refused, %zu felt it, %zu said 500\n", turns, felt, odd);
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(out_of_memory_is_an_answer_like_another, calm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

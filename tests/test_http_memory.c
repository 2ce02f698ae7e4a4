/* The HTTP door when memory runs out: every route is asked, and at each turn another allocation fails, alone or with all after it for a while. Every answer is whole
 * and true: what is said when nothing fails, or 503 (and what a log or a job says); what it called done is done, what it refused is not half there; and as soon as there is memory again
 * the same server goes on. The client here allocates nothing. TOCSIN_MEMORY_POINTS: failing points a question and way (24). */
#include "doors/http/route.h"
#include "http.h"
#include "sampling.h"

static const char *const NOW = "2022-05-30T10:00";
#define REVIEWER "token-reviewer" /* who lets out what root has entered */
#define PLACES "/api/v1/registers/place/records"

void test_mem_refuse(long at, bool on); /* tests/alloc.c */
long test_mem_counted(void);

static char got[2 << 20], kept[2 << 20]; /* an answer; one before it */
static size_t got_n;

static int calm(void **state) {
    test_mem_refuse(0, false);
    return settle(state);
}

/* Status; 0 when the connection ended without a whole head; -1 when the body is cut. */
static int ask(const char *method, const char *path, const char *headers, const char *body) {
    char bytes[4096];
    int n = snprintf(bytes, sizeof bytes, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s", method, path, strstr(path, "/release") ? REVIEWER : ROOT, headers);
    if (body) n += snprintf(bytes + n, sizeof bytes - (size_t)n, "Content-Type: %s\r\nContent-Length: %zu\r\n", strstr(path, "/imports") || strstr(path, "/file") ? "text/csv" : "application/json", strlen(body));
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

#define BOX "{\"box\":\"B1\",\"tubes\":[\"T1\",\"T9\"],\"at\":\"2022-05-30T09:20\"}"
#define RUN "{\"laboratory\":8,\"plate\":\"P1\",\"started_at\":\"2022-05-30T09:30\",\"resulted_at\":\"2022-05-30T09:50\",\"wells\":[" \
            "{\"well\":\"A1\",\"role\":\"NTC\",\"ct\":{\"orf\":null,\"n\":null}},{\"well\":\"A2\",\"role\":\"PC\",\"ct\":{\"orf\":25,\"n\":25}},{\"well\":\"A3\",\"tube\":\"T1\",\"ct\":{\"orf\":31.25,\"n\":30}}]}"

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
    {"GET", "/api/v1/obligations?limit=5&without_owner=true", "", NULL, false},
    {"GET", "/api/v1/obligations?limit=5&owner=1", "", NULL, false},
    {"GET", "/api/v1/obligations?limit=5&region=3101&desk=field", "", NULL, false},
    {"GET", "/api/v1/obligations/summary", "", NULL, false},
    {"GET", "/api/v1/obligations/owners", "", NULL, false},
    {"GET", "/api/v1/obligations/ages", "", NULL, false},
    {"GET", "/api/v1/reports", "", NULL, false},
    {"GET", "/api/v1/reports/2022-05-29", "", NULL, false},
    {"GET", "/api/v1/reports/2022-05-29?format=text", "", NULL, false},
    {"GET", "/api/v1/audit?limit=50", "", NULL, false},
    {"GET", "/api/v1/events?after=0", "Accept: application/json\r\n", NULL, false},
    {"GET", "/api/v1/jobs", "", NULL, false},
    {"GET", PLACES "?limit=3&count=exact&where=capacity%20IS%20NULL&sort=-id", "", NULL, false},
    {"GET", PLACES "/2", "", NULL, false},
    {"GET", PLACES "/2/history", "", NULL, false},
    {"GET", "/api/v1/persons/3", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/person/records/3", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/person/records?name=Person", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/registers/place/export", "", NULL, true},
    {"GET", "/api/v1/registers/case/export?format=linelist", "", NULL, true},
    {"GET", "/api/v1/registers/person/export?format=json&titles=zh", "", NULL, true},
    {"GET", "/api/v1/registers/person/export?format=xlsx&open=true", "Tocsin-Purpose: memory\r\n", NULL, true},
    {"POST", "/api/v1/persons/search", "Tocsin-Purpose: memory\r\n", "{\"name\":\"Person\"}", false},
    {"POST", "/api/v1/registers/person/records", "Prefer: return=representation\r\n", "{\"region\":\"310115\",\"fields\":{\"name\":\"Person\",\"phone\":\"13912345678\"}}", false},
    {"POST", PLACES "/batch", "", "{\"rows\":[{\"region\":\"310115\",\"fields\":{\"title\":\"b1\"}},{\"region\":\"310115\",\"fields\":{\"title\":\"b2\"}},{\"fields\":{\"colour\":1}}]}", false},
    {"PATCH", PLACES "/2", "", "{\"fields\":{\"capacity\":12}}", false},
    {"POST", "/api/v1/imports?register=place&file=a.csv", "", "名称\n一号楼\n二号楼\n", false},
    {"POST", "/api/v1/jobs", "", "{\"kind\":\"export\",\"step\":\"run\",\"params\":{\"register\":\"place\",\"format\":\"csv\"}}", false},
    {"POST", "/api/v1/session", "", "{\"login\":\"nobody\",\"password\":\"three wet horses\"}", false},
    {"POST", "/api/v1/visits", "", "{\"visits\":[{\"person\":3,\"place\":2,\"start\":\"2022-05-27T10:00\",\"end\":\"2022-05-27T11:00\"},{\"person\":7,\"place\":2,\"start\":\"2022-05-27T10:10\"}]}", false},
    {"POST", "/api/v1/visits/stream", "", "{\"person\":8,\"place\":2,\"start\":\"2022-05-27T10:20\"}\nno\n", false},
    {"GET", "/api/v1/visits/status", "", NULL, false},
    {"POST", "/api/v1/tracing/trace", "Tocsin-Purpose: memory\r\n", "{\"cases\":[12],\"degree\":2}", false},
    {"POST", "/api/v1/tracing/cases/12/accept", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/tracing/cases/12/timeline", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"POST", "/api/v1/tracing/visitors", "Tocsin-Purpose: memory\r\n", "{\"place\":\"2\",\"from\":\"2022-05-27T10:00\",\"to\":\"2022-05-27T10:30\"}", false},
    {"GET", "/api/v1/tracing/board", "", NULL, false},
    {"GET", "/api/v1/tracing/places", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/tracing/notice", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"GET", "/api/v1/tracing/chains", "", NULL, false},
    {"GET", "/api/v1/tracing/chains/part?case=12", "", NULL, false},
    {"GET", "/api/v1/tracing/cases/12/sources", "", NULL, false},
    {"PUT", "/api/v1/tracing/cases/12/source", "", "{\"kind\":\"imported\",\"reason\":\"flight\"}", false},
    {"POST", "/api/v1/sampling/swabs", "", "{\"table\":7,\"round\":5,\"size\":10,\"swabs\":[{\"tube\":\"T2\",\"temporary\":\"L1\",\"swabbed_at\":\"2022-05-30T09:10\"},{\"tube\":7}]}", false},
    {"POST", "/api/v1/sampling/tubes/T2/close", "", "{}", false},
    {"POST", "/api/v1/sampling/sheets", "", "{\"round\":5,\"table\":7,\"count\":2}", false},
    {"POST", "/api/v1/sampling/sheets/typed?table=7&round=5", "", "tube,temporary\nT9,L9\n", false},
    {"GET", "/api/v1/sampling/rounds/5/figures", "", NULL, false},
    {"GET", "/api/v1/sampling/rounds/5/sites", "", NULL, false},
    {"GET", "/api/v1/sampling/rounds/5/hours", "", NULL, false},
    {"GET", "/api/v1/sampling/rounds/5/coverage?buildings=true", "", NULL, false},
    {"GET", "/api/v1/sampling/rounds/5/people", "", NULL, false},
    {"POST", "/api/v1/laboratory/boxes", "", BOX, false},
    {"POST", "/api/v1/laboratory/runs/file?laboratory=8&plate=P1&started_at=2022-05-30T09:30&resulted_at=2022-05-30T09:50", "",
     "Well,Sample,Target,CT\nA1,NC,ORF1ab,--\nA1,NC,N,--\nA2,PC,ORF1ab,25\nA2,PC,N,25\nA3,T1,ORF1ab,31.25\nA3,T1,N,30\n", false},
    {"POST", "/api/v1/laboratory/runs", "", RUN, false},
    {"POST", "/api/v1/laboratory/runs/13/release", "", NULL, false},
    {"POST", "/api/v1/laboratory/recalls", "Tocsin-Purpose: memory\r\n", "{\"tubes\":[\"T1\"]}", false},
    {"POST", "/api/v1/laboratory/corrections", "", "{\"tube\":\"T1\",\"result\":\"negative\",\"reason\":\"swapped\"}", false},
    {"GET", "/api/v1/laboratory/waiting?round=5", "", NULL, false},
    {"POST", "/api/v1/testing/plan", "", "{\"people\":1000,\"tubes_per_day\":200}", false},
    {"GET", "/api/v1/testing/pooling?prevalence=0.001&people=1000&sizes=1,10,household", "", NULL, false},
    {"GET", "/api/v1/testing/rounds/5/forecast", "", NULL, false},
    {"POST", "/api/v1/persons/3/ticket", "Tocsin-Purpose: memory\r\n", NULL, false},
    {"POST", "/public/v1/results", "", "{\"ticket\":\"made up\"}", false},
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

/* What the questions name by its number: a place and a person of it who is a case, and a round of testing with a tube on its way. */
static void stand(struct test_ledger *t) {
    int64_t place = test_record(t, "place", "title", "first"), person = test_record(t, "person", "name", "Person");
    int64_t campaign = test_record(t, "campaign", "title", "Round", "starts_at", "2022-05-30T00:00");
    int64_t round = test_record(t, "round", "campaign", test_id(t, campaign), "seq", "1", "starts_at", "2022-05-30T08:00", "ends_at", "2022-05-31T08:00");
    sample_open(t, "round", round, "open");
    int64_t site = test_record(t, "site", "title", "School", "kind", "fixed"), table = test_record(t, "site_table", "site", test_id(t, site), "label", "1");
    int64_t laboratory = test_record(t, "laboratory", "title", "City"), box = test_record(t, "box", "barcode", "B1", "laboratory", test_id(t, laboratory));
    int64_t tube = test_record(t, "tube", "barcode", "T1", "round", test_id(t, round), "site_table", test_id(t, table), "size", "10", "box", test_id(t, box), "opened_at", "2022-05-30T09:00");
    test_record(t, "swab", "person", test_id(t, person), "tube", test_id(t, tube), "swabbed_at", "2022-05-30T09:05");
    int64_t kase = test_record(t, "case", "person", test_id(t, person), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date", "2022-05-29");
    assert_true(place == 2 && person == 3 && round == 5 && table == 7 && laboratory == 8 && kase == 12);
}

static void start(void) {
    char *path = arena_printf(&h.t.a, "%s/memory-tokens", h.t.dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(ROOT " root root -\n" REVIEWER " reviewer laboratory 310115\n", f);
    fclose(f);
    test_http_start(&h, &(struct http_options){.dev_tokens = path, .rate_account = -1, .rate_address = -1, .accounts = &(struct account_options){.hash_passes = 1, .hash_memory = 8192}});
}

/* What an answer says: its body, but for the seconds of the clock, which goes on. */
static bool says_the_same(char *a, size_t a_n, char *b, size_t b_n) {
    char *x = strstr(a, "\r\n\r\n"), *y = strstr(b, "\r\n\r\n");
    size_t n = x ? a_n - (size_t)(x - a) : 0;
    if (!x || !y || n != b_n - (size_t)(y - b)) return false;
    for (size_t i = 0; i + 8 < n; i++)
        if (x[i] == 'T' && x[i + 3] == ':' && x[i + 6] == ':') memcpy(x + i, y + i, 9);
    return !memcmp(x, y, n);
}

/* Said again now, with nothing refused, it is the same: nothing was left out. Not of what is packed or not as there was room, nor of what is decided anew a second later. */
static bool steady(const struct question *q) {
    size_t n = got_n;
    if (strstr(q->headers, "gzip") || strstr(q->path, "/accept") || strstr(q->path, "/source")) return true;
    memcpy(kept, got, n + 1);
    ask(q->method, q->path, q->headers, q->body);
    return says_the_same(kept, n, got, got_n);
}

static bool fits(const struct question *q, int status, int good, bool same) {
    if (status == good) return !strstr(got, "out of memory") && (!same || steady(q));
    if (status == 503 || status == 429) return true;
    /* out of memory before there is a request: libmicrohttpd closes, or says so by itself */
    if (status == 0 || status == 500) return status == 0 || !strstr(got, "urn:tocsin:error:INTERNAL");
    return status == -1 && q->streamed;
}

static void out_of_memory_is_an_answer_like_another(void **state) {
    (void)state;
    const char *wanted = getenv("TOCSIN_MEMORY_POINTS");
    long points = wanted ? atol(wanted) : 24;
    for (size_t store = 0; store < test_stores(); store++) {
        size_t turns = 0, felt = 0, odd = 0;
        int64_t done = 0;
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, "covid-2022-v9", NOW);
        stand(&h.t);
        start();
        assert_int_equal(ask("POST", "/api/v1/laboratory/boxes", "", BOX), 200);
        assert_int_equal(ask("POST", "/api/v1/laboratory/runs", "", RUN), 200);
        assert_non_null(strstr(got, "{\"id\":13,"));
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
            const struct question *q = &questions[i];
            ask(q->method, q->path, q->headers, q->body); /* what happens once has happened */
            long before = test_mem_counted();
            int good = ask(q->method, q->path, q->headers, q->body);
            if (good <= 0 || good == 503) fail_msg("%s %s is %d: %.300s", q->method, q->path, good, got);
            long cost = test_mem_counted() - before + 2;
            bool same = steady(q);
            for (int sticky = 0; sticky < 2; sticky++)
                for (long k = 0, here = cost < points ? cost : points; k < here; k++) {
                    bool fit = false;
                    int status = 0;
                    for (int tries = 0; !fit && tries < 3; tries++) { /* a second may have passed between an answer and the next */
                        test_mem_refuse(1 + k * cost / here, sticky);
                        status = ask(q->method, q->path, q->headers, q->body);
                        test_mem_refuse(0, false);
                        turns++;
                        felt += status != good;
                        if (status == 500) odd++;
                        fit = fits(q, status, good, same);
                    }
                    if (!fit) fail_msg("%s %s, allocation %ld of %ld: %d instead of %d: %.600s%.600s", q->method, q->path, 1 + k * cost / here, cost, status, good, got, status == good ? kept : "");
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

/* A retry storm: many hands send every request ten times, all at once and out of order, each with its own key. What is stored is what one of each would have stored, every
 * copy gets the same answer, and the journal knows of nothing twice. And a bomb in an upload: it goes off nowhere. */
#include <pthread.h>
#include <zlib.h>

#include "base/digest.h"
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PLACES "/api/v1/registers/place/records"
enum { HANDS = 8, COPIES = 10, EACH = 30, KINDS = 4, REQUESTS = EACH * KINDS };

/* A request by its number: made, changed, many at once, made and shown whole. */
struct wish {
    char method[8], path[96], body[400];
};
static struct wish wishes[REQUESTS];
static char answers[REQUESTS][COPIES][400];
static int order[REQUESTS * COPIES];
static _Atomic int next_of_order, busy;

static void wishes_make(const int64_t *places) {
    for (int i = 0; i < REQUESTS; i++) {
        struct wish *w = &wishes[i];
        int k = i / KINDS;
        snprintf(w->method, sizeof w->method, "%s", i % KINDS == 1 ? "PATCH" : "POST");
        snprintf(w->path, sizeof w->path, i % KINDS == 1 ? PLACES "/%lld" : i % KINDS == 2 ? PLACES "/batch" : PLACES, (long long)places[k]);
        if (i % KINDS == 0 || i % KINDS == 3) snprintf(w->body, sizeof w->body, "{\"region\":\"310115\",\"fields\":{\"title\":\"storm %d\"}}", i);
        if (i % KINDS == 1) snprintf(w->body, sizeof w->body, "{\"fields\":{\"capacity\":%d}}", 1000 + k);
        if (i % KINDS == 2)
            snprintf(w->body, sizeof w->body, "{\"rows\":[{\"region\":\"310115\",\"fields\":{\"title\":\"storm %d a\"}},{\"region\":\"310115\",\"fields\":{\"title\":\"storm %d b\"}}]}", i, i);
    }
}

/* Until it is answered for good; true when it had to be told to come again. */
static void send_copy(int i, int copy) {
    const struct wish *w = &wishes[i];
    char bytes[1400], got[8192];
    for (int tries = 0; tries < 200; tries++) {
        int fd = test_http_connect(&h);
        int n = snprintf(bytes, sizeof bytes, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " ROOT "\r\n%sIdempotency-Key: storm-%d\r\nContent-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n%s", w->method, w->path, i % KINDS == 3 ? "Prefer: return=representation\r\n" : "", i, strlen(w->body), w->body);
        test_http_send(fd, bytes, (size_t)n);
        size_t have = 0;
        ssize_t k;
        while (have < sizeof got - 1 && (k = recv(fd, got + have, sizeof got - 1 - have, 0)) > 0) have += (size_t)k;
        close(fd);
        got[have] = 0;
        int status = have > 12 ? atoi(got + 9) : 0;
        if (status == 503 || status == 429) {
            busy++;
            usleep(2000);
            continue;
        }
        const char *body = strstr(got, "\r\n\r\n");
        snprintf(answers[i][copy], sizeof answers[i][copy], "%d %.300s", status, body ? body + 4 : "");
        return;
    }
}

static void *hand(void *arg) {
    (void)arg;
    for (int at; (at = next_of_order++) < REQUESTS * COPIES;) send_copy(order[at] / COPIES, order[at] % COPIES);
    return NULL;
}

/* Answers say the same; of a creation, in the first as in the tenth. */
static void answers_agree(void) {
    for (int i = 0; i < REQUESTS; i++)
        for (int c = 0; c < COPIES; c++) {
            int status = atoi(answers[i][c]);
            if (status != 200 && status != 201) fail_msg("%s %s: %s", wishes[i].method, wishes[i].body, answers[i][c]);
            if (strcmp(answers[i][c], answers[i][0]) != 0) fail_msg("%s %s is answered in two ways:\n%s\n%s", wishes[i].method, wishes[i].body, answers[i][0], answers[i][c]);
        }
}

static void ten_times_the_same_changes_nothing_twice(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t places[EACH];
        pthread_t threads[HANDS];
        struct rng rng = {0};
        test_http_stop(&h);
        test_http_start(&h, &(struct http_options){.rate_account = -1, .rate_address = -1});
        for (int k = 0; k < EACH; k++) {
            struct answer_got got = test_http_post(&h, PLACES, ROOT, arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"before %d\"}}", k));
            assert_status(got, 201);
            places[k] = test_json_int(got.json, "id");
        }
        wishes_make(places);
        for (int i = 0; i < REQUESTS * COPIES; i++) order[i] = i;
        rng_seed(&rng, 9);
        for (int i = REQUESTS * COPIES - 1; i > 0; i--) { /* a shuffle, but for half of the hands copies side by side: those meet in one batch */
            int k = (int)rng_below(&rng, (uint64_t)i + 1), other = order[i];
            if (i % 2) continue;
            order[i] = order[k];
            order[k] = other;
        }
        next_of_order = busy = 0;
        for (int k = 0; k < HANDS; k++) assert_int_equal(pthread_create(&threads[k], NULL, hand, NULL), 0);
        for (int k = 0; k < HANDS; k++) pthread_join(threads[k], NULL);
        answers_agree();
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\" WHERE \"title\" LIKE 'storm %'"), EACH * 4);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(DISTINCT \"title\") FROM \"place\" WHERE \"title\" LIKE 'storm %'"), EACH * 4);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\" WHERE \"title\" LIKE 'before %' AND \"version\" = 2 AND \"capacity\" >= 1000"), EACH);
        struct error err = {0};
        struct journal_verdict v;
        assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        print_message("# %d requests sent %d times each, %d times told to come again\n", REQUESTS, COPIES, busy);
    }
}

/* ---- a bomb */

/* What the process holds in KiB, files as they are mapped left out. */
static long held(void) {
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1) break;
    fclose(f);
    assert_true(kib > 0);
    return kib;
}

/* A packed file of quotes that are never closed (no end of any row) is looked at as an import while others are served. Returns the most that was held. */
static long look_at_bomb(int bytes) {
    enum { PACKED_MAX = 1 << 20 };
    unsigned char *packed = arena_alloc(&h.t.a, PACKED_MAX), block[65536];
    z_stream z = {.next_out = packed, .avail_out = PACKED_MAX};
    memset(block, '"', sizeof block);
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i <= bytes / (int)sizeof block; i++) {
        bool last = i == bytes / (int)sizeof block;
        z.next_in = block;
        z.avail_in = last ? 0 : sizeof block;
        int rc = deflate(&z, last ? Z_FINISH : Z_NO_FLUSH);
        assert_true(rc == Z_OK || rc == Z_STREAM_END);
    }
    size_t n = PACKED_MAX - z.avail_out;
    deflateEnd(&z);
    char head[300];
    int m = snprintf(head, sizeof head, "POST /api/v1/imports?register=place&file=a.csv.gz HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " ROOT
                     "\r\nContent-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n", n);
    int fd = test_http_connect(&h);
    test_http_send(fd, head, (size_t)m);
    test_http_send(fd, (const char *)packed, n);
    struct answer_got got = test_http_read(&h, fd, false);
    close(fd);
    assert_status(got, 201);
    const char *job = arena_printf(&h.t.a, "/api/v1/imports/%s", test_json_text(got.json, "id"));
    static int turn; /* titles are told apart over all bombs */
    long most = held();
    for (bool runs = true; runs;) { /* others are served meanwhile; not more of them than the test itself keeps a word of */
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        assert_status(test_http_post(&h, PLACES, ROOT, arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"meanwhile %d\"}}", ++turn)), 201);
        got = test_http_get(&h, job, ROOT);
        runs = !strcmp(test_json_text(got.json, "state"), "queued") || !strcmp(test_json_text(got.json, "state"), "running");
        if (held() > most) most = held();
    }
    print_message("# %zu bytes hold %d MiB; the look is %s after %d others\n", n, bytes >> 20, test_json_text(got.json, "state"), turn);
    return most;
}

static void a_bomb_in_an_upload_goes_off_nowhere(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        test_http_stop(&h);
        test_http_start(&h, &(struct http_options){.rate_account = -1, .rate_address = -1}); /* as fast as the disk lets others be served */
        long before = look_at_bomb(1 << 20), after = look_at_bomb(96 << 20); /* the first takes what serving and looking take at all */
        print_message("# memory grew by %ld MiB\n", (after - before) / 1024);
        if (!SANITIZED) assert_true(after - before < 64 * 1024);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ten_times_the_same_changes_nothing_twice, settle),
        cmocka_unit_test_teardown(a_bomb_in_an_upload_goes_off_nowhere, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

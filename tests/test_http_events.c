/* The event stream over HTTP: who is refused, what is told, resume after any disconnection, many listeners at once, an end with the server. */
#include "http.h"

#include "base/digest.h"

static const char *const NOW = "2022-05-30T10:00";
#define PERSONS "/api/v1/registers/person/records"
#define EVENTS "/api/v1/events"

/* ---- a listener: chunks taken apart, events one by one */

struct listener {
    int fd;
    struct buf raw, text; /* as received after the head; without the chunks */
    size_t at;            /* in text */
    bool ended;
    int status;
    int64_t last;         /* id of the last event or heartbeat */
};

static void listener_open(struct listener *x, const char *query, const char *token, int64_t after) {
    struct buf b = {0};
    char c;
    *x = (struct listener){.fd = test_http_connect(&h)};
    buf_printf(&b, "GET " EVENTS "%s HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n", query);
    test_http_who(&b, token);
    if (after >= 0) buf_printf(&b, "Last-Event-ID: %lld\r\n", (long long)after);
    buf_str(&b, "\r\n");
    test_http_send(x->fd, b.s, b.n);
    buf_reset(&b);
    while (!strstr(buf_cstr(&b), "\r\n\r\n") && recv(x->fd, &c, 1, 0) == 1) buf_char(&b, c);
    x->status = b.n > 12 ? atoi(b.s + 9) : 0;
    if (x->status == 200) assert_non_null(strstr(b.s, "text/event-stream"));
    buf_clear(&b);
}

static void listener_close(struct listener *x) {
    close(x->fd);
    buf_clear(&x->raw);
    buf_clear(&x->text);
}

/* Whole chunks of raw go over to text. */
static void unchunk(struct listener *x) {
    size_t pos = 0;
    for (;;) {
        char *end = NULL;
        const char *line = memmem(x->raw.s + pos, x->raw.n - pos, "\r\n", 2);
        if (!line) break;
        size_t n = strtoul(x->raw.s + pos, &end, 16), from = (size_t)(line - x->raw.s) + 2;
        if (from + n + 2 > x->raw.n) break;
        if (!n) x->ended = true;
        buf_add(&x->text, x->raw.s + from, n);
        pos = from + n + 2;
    }
    memmove(x->raw.s, x->raw.s + pos, x->raw.n - pos);
    x->raw.n -= pos;
}

/* The next event with data; NULL when the stream has ended. Released by the caller. */
static json_t *listener_next(struct listener *x) {
    char piece[4096];
    for (;;) {
        const char *end = x->text.n > x->at ? memmem(x->text.s + x->at, x->text.n - x->at, "\n\n", 2) : NULL;
        if (!end) {
            if (x->ended) return NULL;
            ssize_t n = recv(x->fd, piece, sizeof piece, 0);
            if (n <= 0) return NULL;
            buf_add(&x->raw, piece, (size_t)n);
            unchunk(x);
            continue;
        }
        char *block = strndup(x->text.s + x->at, (size_t)(end - x->text.s) - x->at);
        const char *id = block ? strstr(block, "id: ") : NULL, *data = block ? strstr(block, "data: ") : NULL;
        x->at = (size_t)(end - x->text.s) + 2;
        if (id) x->last = atoll(id + 4);
        json_t *j = data ? json_loads(data + 6, 0, NULL) : NULL;
        if (data && !j) fail_msg("no JSON: %s", data);
        free(block);
        if (j) return j;
    }
}

static int64_t person_in(const char *region) {
    const char *body = arena_printf(&h.t.a, "{\"fields\":{\"name\":\"欧阳娜娜\",\"phone\":\"13912345678\",\"address_region\":\"%s\"}}", region);
    struct answer_got got = test_http_post(&h, PERSONS, ROOT, body);
    assert_status(got, 201);
    return test_json_int(got.json, "id");
}

static void move_to(int64_t id, const char *region) {
    const char *path = arena_printf(&h.t.a, PERSONS "/%lld", (long long)id);
    assert_status(test_http_ask(&h, "PATCH", path, ROOT, "", arena_printf(&h.t.a, "{\"fields\":{\"address_region\":\"%s\"}}", region)), 200);
}

/* ---- */

static int status_of(const char *query, const char *token, int64_t after) {
    struct listener x;
    listener_open(&x, query, token, after);
    listener_close(&x);
    return x.status;
}

static void who_may_not_listen(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_int_equal(status_of("", "token-unknown", -1), 401);
        assert_int_equal(status_of("?register=person", GUEST, -1), 403);
        assert_int_equal(status_of("?register=account", STREET, -1), 403);
        assert_int_equal(status_of("?region=320000", STREET, -1), 403);
        assert_int_equal(status_of("?register=nothing", STREET, -1), 404);
        assert_int_equal(status_of("?desk=nothing", STREET, -1), 404);
        assert_int_equal(status_of("?region=%27x", STREET, -1), 422);
        assert_int_equal(status_of("", STREET, INT64_MAX), 409);
        assert_int_equal(status_of("?after=-1", STREET, -1), 400);
        assert_status(test_http_ask(&h, "GET", EVENTS, STREET, "Last-Event-ID: x\r\n", NULL), 400);
        assert_int_equal(status_of("", STREET, -1), 200);
        assert_status(test_http_ask(&h, "HEAD", EVENTS, STREET, "", NULL), 200);
        test_http_stop(&h);
    }
}

static void each_sees_his_own_and_nothing_of_what_stands_in_it(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        struct listener street, other, root;
        listener_open(&street, "", STREET, -1);
        listener_open(&other, "?register=person", OTHER, -1);
        listener_open(&root, "", ROOT, -1);
        int64_t a = person_in("310115001"), b = person_in("310115002");
        move_to(a, "310115002");
        move_to(a, "310115001");
        json_t *j;
        static const char *const street_verbs[] = {"create", "change", "change"}, *const street_moves[] = {"", "left", "entered"};
        for (int i = 0; i < 3; i++) {
            assert_non_null(j = listener_next(&street));
            assert_string_equal(test_json_text(j, "verb"), street_verbs[i]);
            assert_string_equal(test_json_text(j, "move"), street_moves[i]);
            assert_string_equal(test_json_text(j, "region"), "310115001");
            assert_int_equal(test_json_int(j, "id"), a);
            json_decref(j);
        }
        static const char *const other_moves[] = {"", "entered", "left"};
        for (int i = 0; i < 3; i++) {
            assert_non_null(j = listener_next(&other));
            assert_string_equal(test_json_text(j, "move"), other_moves[i]);
            assert_string_equal(test_json_text(j, "region"), "310115002");
            assert_int_equal(test_json_int(j, "id"), i ? a : b);
            json_decref(j);
        }
        for (int i = 0; i < 4; i++) json_decref(listener_next(&root));
        for (size_t i = 0; i < 3; i++) {
            const struct buf *seen = i == 0 ? &street.text : i == 1 ? &other.text : &root.text;
            assert_null(memmem(seen->s, seen->n, "欧阳", 6));
            assert_null(memmem(seen->s, seen->n, "1391234", 7));
        }
        /* the same, asked for once */
        struct answer_got got = test_http_ask(&h, "GET", EVENTS "?register=person&after=0", STREET, "Accept: application/json\r\n", NULL);
        assert_status(got, 200);
        assert_int_equal(json_array_size(json_object_get(got.json, "events")), 3);
        assert_int_equal(test_json_int(got.json, "last"), root.last);
        listener_close(&street);
        listener_close(&other);
        listener_close(&root);
        test_http_stop(&h);
    }
}

static void a_client_that_comes_again_has_missed_nothing(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        struct listener x;
        int64_t made[12], after = -1;
        struct rng random = {0};
        rng_seed(&random, 5);
        listener_open(&x, "", STREET, -1);
        size_t seen = 0, n = 0;
        for (; n < 12; n++) {
            made[n] = person_in("310115001");
            person_in("310115002");
            if (rng_below(&random, 2)) continue;
            for (size_t take = rng_below(&random, n + 2 - seen); take; take--) { /* the rest is lost with the connection */
                json_t *j = listener_next(&x);
                assert_int_equal(test_json_int(j, "id"), made[seen++]);
                after = x.last;
                json_decref(j);
            }
            if (after < 0) continue;
            listener_close(&x);
            listener_open(&x, "", STREET, after);
        }
        while (seen < n) {
            json_t *j = listener_next(&x);
            assert_int_equal(test_json_int(j, "id"), made[seen++]);
            json_decref(j);
        }
        listener_close(&x);
        test_http_stop(&h);
    }
}

/* Rights are asked for anew every minute: nothing is told to a role that was taken away, a region that was, or a session that is over. */
static void who_lost_his_rights_hears_no_more(void **state) {
    (void)state;
    static struct account_options cheap = {.hash_passes = 1, .hash_memory = 8192};
    EACH_HTTP(h, NULL, NOW) {
        static const struct { const char *method, *path, *body; } ends[] = {{"POST", "/api/v1/accounts/%s/roles", "{\"roles\":\"guest\",\"region\":\"310115001\"}"},
                                                                            {"POST", "/api/v1/accounts/%s/roles", "{\"roles\":\"approver\",\"region\":\"310115002\"}"},
                                                                            {"POST", "/api/v1/accounts/%s/lock", "{\"locked\":true}"},
                                                                            {"DELETE", "/api/v1/sessions?login=%s", NULL}};
        test_http_stop(&h);
        test_http_start(&h, &(struct http_options){.accounts = &cheap});
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            const char *login = arena_printf(&h.t.a, "reader.%zu", k);
            struct listener x;
            listener_open(&x, "?register=public_notice", test_http_account(&h, login, "approver", "310115001"), -1);
            assert_int_equal(x.status, 200);
            for (int i = 0; i < 3; i++) { /* heard, still heard a minute later, no more after the end and another minute */
                if (i == 2) assert_true(test_http_ask(&h, ends[k].method, arena_printf(&h.t.a, ends[k].path, login), ROOT, "", ends[k].body).status < 300);
                if (i) h.server->offset += 61;
                struct answer_got got = test_http_post(&h, "/api/v1/registers/public_notice/records", ROOT,
                                                       arena_printf(&h.t.a, "{\"region\":\"310115001\",\"fields\":{\"title\":\"%zu %d\",\"text_zh\":\"通告\",\"written_at\":\"2022-05-30T09:00\"}}", k, i));
                assert_status(got, 201);
                int64_t id = test_json_int(got.json, "id");
                json_t *j = listener_next(&x);
                if (i < 2) assert_int_equal(test_json_int(j, "id"), id);
                else if (j || !x.ended) fail_msg("%s %s: still told", ends[k].method, ends[k].path);
                json_decref(j);
            }
            listener_close(&x);
        }
        test_http_stop(&h);
    }
}

/* No thread each: the server has four. A stop ends them all. */
static void many_listen_at_once(void **state) {
    enum { MANY = 500 };
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static struct listener all[MANY];
        for (size_t i = 0; i < MANY; i++) listener_open(&all[i], "?register=person", i % 2 ? STREET : ROOT, -1);
        int64_t a = person_in("310115001");
        for (size_t i = 0; i < MANY; i++) {
            json_t *j = listener_next(&all[i]);
            assert_int_equal(test_json_int(j, "id"), a);
            json_decref(j);
        }
        test_http_stop(&h);
        for (size_t i = 0; i < MANY; i++) {
            assert_null(listener_next(&all[i]));
            assert_true(all[i].ended);
            listener_close(&all[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_may_not_listen, settle),
        cmocka_unit_test_teardown(each_sees_his_own_and_nothing_of_what_stands_in_it, settle),
        cmocka_unit_test_teardown(a_client_that_comes_again_has_missed_nothing, settle),
        cmocka_unit_test_teardown(who_lost_his_rights_hears_no_more, settle),
        cmocka_unit_test_teardown(many_listen_at_once, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The HTTP door against those who send too much, too often, too slowly, or in two meanings at once. */
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <zlib.h>

#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PLACES "/api/v1/registers/place/records"

static void restart(const struct http_options *o) {
    test_http_stop(&h);
    test_http_start(&h, o);
}

/* ---- two meanings */

#define HEAD "POST " PLACES " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\n"
#define BODY "{\"region\":\"310115\",\"fields\":{\"title\":\"smuggled\"}}" /* 0x31 = 49 bytes */
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"
#define RAW(bytes) {bytes, sizeof(bytes) - 1}

static void what_has_two_meanings_is_refused(void **state) {
    (void)state;
    static const struct { const char *bytes; size_t n; } bad[] = {
        RAW(HEAD "Content-Length: 49\r\n" CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD "Content-Length: 49\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: 49\r\nContent-Length: 3\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: +49\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: 0x31\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: 49, 49\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: -1\r\n\r\n" BODY),
        RAW(HEAD "Content-Length : 49\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: 18446744073709551665\r\n\r\n" BODY),
        RAW(HEAD "Transfer-Encoding: xchunked\r\n\r\n31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD "Transfer-Encoding: chunked\r\n" CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD CHUNKED "zz\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD CHUNKED "-31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD CHUNKED "0x31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD CHUNKED "ffffffffffffffffff\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD CHUNKED "30\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 49\r\n\r\n" BODY), /* a folded line */
        RAW(HEAD "X: y\r\n\tz\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "X: a\0b\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Content-Length: 49\0x\r\n\r\n" BODY),
        RAW(HEAD "X: a\rContent-Length: 3\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "X: a\nContent-Length: 49\r\n\r\n" BODY), /* a bare line feed */
        RAW(HEAD ": x\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "X y: z\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD " X: z\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Host: b\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW("POST " PLACES " HTTP/1.1\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW("POST " PLACES " HTTP/1.0\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\n" CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n"),
        RAW(HEAD "Authorization: Bearer " GUEST "\r\nContent-Length: 49\r\n\r\n" BODY), /* who asks, and on what condition, is said once */
        RAW(HEAD "Content-Type: text/plain\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Tocsin-Reason: a\r\ntocsin-reason: b\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW(HEAD "Cookie: a=b\r\nCookie: c=d\r\nContent-Length: 49\r\n\r\n" BODY),
        RAW("GET /healthz\0x HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz x HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /health%7 HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz?a=%ff HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz?a=1&a=2 HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
        RAW("TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
        RAW("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    EACH_HTTP(h, NULL, NOW) {
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct answer_got got = test_http_raw(&h, bad[i].bytes, bad[i].n);
            if (got.status != 0 && got.status < 400) fail_msg("answered %d: %.*s", got.status, (int)bad[i].n, bad[i].bytes);
        }
        /* the same without the trick is fine */
        assert_status(test_http_raw(&h, HEAD CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n", sizeof HEAD CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n" - 1), 201);
        assert_status(test_http_raw(&h, "GET /healthz HTTP/1.0\r\n\r\n", 25), 200);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 1);
    }
}

/* libmicrohttpd ends a line of a chunk at a bare LF too, so a server before it may see the end of such a body elsewhere. Whatever it is taken for, what
 * follows on the connection is no request of anybody. */
static void nothing_follows_a_chunked_body(void **state) {
    (void)state;
#define NEXT "POST " PLACES " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n" BODY
    static const struct { const char *bytes; size_t n; } edges[] = {
        RAW(HEAD CHUNKED "31\r\n" BODY "\r\n0\r\n\r\n" NEXT),
        RAW(HEAD CHUNKED "31\n" BODY "\n0\n\n" NEXT),
        RAW(HEAD CHUNKED "31;\n" BODY "\r\n0\r\n\r\n" NEXT),
        RAW(HEAD CHUNKED "31;a=\"\n\"\r\n" BODY "\r\n0\r\n\r\n" NEXT),
        RAW(HEAD CHUNKED "31\r\n" BODY "0\r\n\r\n" NEXT),
        RAW(HEAD CHUNKED "31\r\n" BODY "\r\n0\r\nX: y\n\n" NEXT),
        RAW(HEAD CHUNKED "31\r\n" BODY "\r\n0\r\nContent-Length: 300\r\n\r\n" NEXT),
        RAW(HEAD CHUNKED "31\r\n" BODY "\r\n00000\r\n\r\n" NEXT),
    };
    EACH_HTTP(h, NULL, NOW) {
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
            int fd = test_http_connect(&h), answers = 0;
            char bytes[8192];
            size_t n = 0;
            ssize_t k;
            test_http_send(fd, edges[i].bytes, edges[i].n);
            while (n < sizeof bytes - 1 && (k = recv(fd, bytes + n, sizeof bytes - 1 - n, 0)) > 0) n += (size_t)k; /* until it is closed */
            close(fd);
            bytes[n] = 0;
            for (const char *p = bytes; (p = strstr(p, "HTTP/1.1 ")); p++) answers++;
            if (answers > 1) fail_msg("%d answers: %.*s", answers, (int)edges[i].n, edges[i].bytes);
            if (answers == 1) assert_non_null(strcasestr(bytes, "\r\nConnection: close\r\n"));
        }
        test_http_stop(&h);
        int64_t there = test_count(&h.t, "SELECT COUNT(*) FROM \"place\"");
        assert_true(there >= 1 && there <= (int64_t)(sizeof edges / sizeof *edges)); /* one each at most */
    }
}

/* A connection that ends in the middle of a body, by whatever way its length was told, has made nothing. */
static void a_body_cut_short_makes_nothing(void **state) {
    (void)state;
    static const struct { const char *bytes; size_t n; } cut[] = {
        RAW(HEAD "Content-Length: 50\r\n\r\n" BODY), /* one byte more was promised */
        RAW(HEAD "Content-Length: 49\r\n\r\n{\"region\":\"310115\""),
        RAW(HEAD "Content-Length: 49\r\n\r\n"),
        RAW(HEAD CHUNKED "31\r\n" BODY),
        RAW(HEAD CHUNKED "31\r\n" BODY "\r\n"), /* the last chunk never came */
        RAW(HEAD CHUNKED "31\r\n{\"region\""),
    };
    EACH_HTTP(h, NULL, NOW) {
        for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
            int fd = test_http_connect(&h);
            test_http_send(fd, cut[i].bytes, cut[i].n);
            shutdown(fd, SHUT_WR);
            struct answer_got got = test_http_read(&h, fd, false);
            if (got.status != 0 && got.status < 400) fail_msg("answered %d: %.*s", got.status, (int)cut[i].n, cut[i].bytes);
            close(fd);
        }
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 0);
    }
}

static void a_compressed_body_is_not_unpacked(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const char *const codings[] = {"gzip", "deflate", "br", "zstd", "gzip, gzip"};
        for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
            assert_status(test_http_ask(&h, "POST", PLACES, ROOT, arena_printf(&h.t.a, "Content-Encoding: %s\r\n", codings[i]), BODY), 415);
        assert_status(test_http_ask(&h, "POST", PLACES, ROOT, "Content-Encoding: identity\r\n", BODY), 201);
    }
}

static void what_is_too_long_is_refused(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        char *path = arena_alloc(&h.t.a, 9001), *header = arena_alloc(&h.t.a, 40100), *query = arena_alloc(&h.t.a, 700);
        memset(path, 'a', 9000);
        path[0] = '/';
        assert_status(test_http_get(&h, path, ROOT), 414);
        memcpy(header, "X: ", 3);
        memset(header + 3, 'a', 40000);
        memcpy(header + 40003, "\r\n", 2);
        assert_status(test_http_ask(&h, "GET", "/healthz", NULL, header, NULL), 431);
        for (int i = 0; i < 70; i++) sprintf(query + strlen(query), "%ca%d=1", i ? '&' : '?', i);
        assert_status(test_http_get(&h, arena_printf(&h.t.a, "/healthz%s", query), NULL), 413);
        assert_status(test_http_get(&h, "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", NULL), 404);
    }
}

/* ---- too often */

static void who_asks_too_often_is_told_to_wait(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        restart(&(struct http_options){.rate_account = 1, .rate_address = -1}); /* so little that a slow machine is refused too */
        int refused = 0;
        for (int i = 0; i < 30; i++) {
            struct answer_got got = test_http_get(&h, PLACES "/1", ROOT);
            if (got.status != 429) continue;
            refused++;
            assert_non_null(strstr(got.head, "Retry-After: "));
        }
        assert_true(refused > 0);
        assert_status(test_http_get(&h, PLACES "/1", AUDITOR), 404); /* another account is not concerned */
        restart(&(struct http_options){.rate_account = -1, .rate_address = 1});
        refused = 0;
        for (int i = 0; i < 30; i++) refused += test_http_get(&h, "/healthz", NULL).status == 429;
        assert_true(refused > 0);
    }
}

/* ---- too slowly */

/* True when the server closes within so many seconds. */
static bool closes(int fd, int s) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[4096];
    for (int i = 0; i < s * 10; i++) {
        if (poll(&p, 1, 100) > 0 && recv(fd, bytes, sizeof bytes, 0) <= 0) return true;
    }
    return false;
}

static void who_trickles_is_cut_off(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        restart(&(struct http_options){.idle_s = 1});
        int silent = test_http_connect(&h), head = test_http_connect(&h), body = test_http_connect(&h), other;
        test_http_send(head, "GET /healthz HTTP/1.1\r\n", 23);
        test_http_send(body, HEAD "Content-Length: 100000\r\n\r\n{", sizeof HEAD "Content-Length: 100000\r\n\r\n{" - 1);
        bool cut = false;
        for (int i = 0; i < 100 && !cut; i++) { /* a byte now and then holds nothing */
            usleep(200000);
            test_http_send(body, " ", 1);
            cut = send(head, "X", 1, MSG_NOSIGNAL) < 0;
            cut = cut && send(body, " ", 1, MSG_NOSIGNAL) < 0;
            do other = test_http_get(&h, "/healthz", NULL).status;
            while (!other); /* cut off itself, on a machine that stood still for that second */
            assert_int_equal(other, 200);
        }
        assert_true(cut);
        assert_true(closes(silent, 300));
        close(silent);
        close(head);
        close(body);
    }
}

/* How many the server has, who asks being one of them. */
static int connections(void) {
    struct answer_got got;
    do got = test_http_get(&h, "/metrics", ROOT);
    while (!got.status); /* cut off itself, on a machine that stood still for that second */
    const char *open = strstr(got.body.s, "\ntocsin_connections ");
    return open ? atoi(open + 20) : 0;
}

static void who_takes_an_answer_byte_by_byte_is_cut_off(void **state) {
    (void)state;
    static const char ask[] = "GET /api/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
    EACH_HTTP(h, NULL, NOW) {
        int little = 1, slow, tries = 0;
        char c;
        size_t whole = test_http_get(&h, "/api/openapi.json", NULL).body.n, taken = 0;
        restart(&(struct http_options){.idle_s = 1});
        slow = test_http_connect(&h);
        setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
        test_http_send(slow, ask, sizeof ask - 1);
        while (recv(slow, &c, 1, 0) != 1) continue; /* its answer has begun */
        for (; tries < 1500 && connections() > 1; tries++, usleep(200000)) taken += recv(slow, &c, 1, MSG_DONTWAIT) == 1;
        assert_true(tries < 1500);
        assert_true(taken > 0 && whole > 500000); /* it never stopped taking, and most was never sent */
        close(slow);
    }
}

enum { IDLE = 10000 };

/* Another process holds them: one alone may not have so many descriptors. Only system calls in it. */
static void hold_connections(int port, int ready, int done) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char c = 'n';
    for (int i = 0; i < IDLE; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) _exit(1);
        if (i % 3 == 0 && send(fd, "GET /healthz HT", 15, MSG_NOSIGNAL) < 0) _exit(1);
    }
    c = 'y';
    if (write(ready, &c, 1) != 1 || read(done, &c, 1) < 0) _exit(1);
    _exit(0);
}

static void ten_thousand_idle_connections_hold_nobody_up(void **state) {
    (void)state;
    struct rlimit files;
    int ready[2], done[2];
    char c = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < IDLE + 1000 || pipe(ready) || pipe(done)) skip();
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    test_http_make(&h, 0, NULL, NOW); /* no store is touched by them: one is enough */
    restart(&(struct http_options){.idle_s = 600, .address_max = 20000});
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        close(done[1]);
        hold_connections(h.port, ready[1], done[0]);
    }
    close(ready[1]);
    close(done[0]);
    if (read(ready[0], &c, 1) != 1) fail_msg("not all were taken");
    for (int i = 0; i < 20; i++) {
        assert_status(test_http_post(&h, PLACES, ROOT, arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"%d\"}}", i)), 201);
        assert_status(test_http_get(&h, "/healthz", NULL), 200);
    }
    assert_true(connections() > IDLE);
    close(done[1]);
    close(ready[0]);
    waitpid(child, NULL, 0);
    test_http_drop(&h);
}

/* Where three in four connections are taken, who has his answer keeps none: browsers would, and others wait for it. */
static void who_has_his_answer_makes_room(void **state) {
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    (void)state;
    test_http_make(&h, 0, NULL, NOW);
    restart(&(struct http_options){.threads = 1, .connections_max = 16});
    int fds[12], tries = 0;
    char c;
    for (int i = 0; i < 16; i++) {
        int fd = test_http_connect(&h);
        test_http_send(fd, ask, sizeof ask - 1);
        struct answer_got got = test_http_read(&h, fd, false);
        assert_status(got, 200);
        assert_int_equal(strcasestr(got.head, "\r\nConnection: close") != NULL, i >= 12);
        if (i < 12) fds[i] = fd;
        else assert_true(recv(fd, &c, 1, 0) == 0 && close(fd) == 0);
    }
    close(fds[11]);
    for (bool kept = false; !kept; tries++, usleep(10000)) { /* it has noticed: those that are left are kept */
        assert_true(tries < 500);
        test_http_send(fds[0], ask, sizeof ask - 1);
        struct answer_got got = test_http_read(&h, fds[0], false);
        kept = got.status == 200 && !strcasestr(got.head, "\r\nConnection: close");
    }
    for (int i = 0; i < 11; i++) close(fds[i]);
    test_http_drop(&h);
}

/* Asks on connections that are open already while the one thread is at work, so that it finds all of them at once. */
static void burst_while_at_work(int n) {
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", long_work[] = "GET /api/openapi.json HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
    int fds[512], busy = test_http_connect(&h);
    for (int round = 0; round < 4; round++) {
        if (round) test_http_send(busy, long_work, sizeof long_work - 1);
        if (round) usleep(2000); /* it has begun */
        for (int i = 0; i < n; i++) {
            if (!round) fds[i] = test_http_connect(&h);
            test_http_send(fds[i], ask, sizeof ask - 1);
        }
        for (int i = 0; i < n; i++)
            if (test_http_read(&h, fds[i], false).status != 200) fail_msg("%d of %d, round %d, has no answer", i, n, round);
        if (round) assert_status(test_http_read(&h, busy, false), 200);
    }
    for (int i = 0; i < n; i++) close(fds[i]);
    close(busy);
}

/* libmicrohttpd 0.9.75 in EPOLL mode loses what arrives 128 at once; in POLL mode every one is answered. */
static void a_burst_is_answered_to_the_last(void **state) {
    (void)state;
    static const int sizes[] = {128, 256, 512, 128, 256, 512};
    test_http_make(&h, 0, NULL, NOW);
    restart(&(struct http_options){.rate_account = -1, .rate_address = -1});
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int fds[512], n = sizes[k];
        for (int i = 0; i < n; i++) fds[i] = test_http_connect(&h);
        for (int i = 0; i < n; i++) {
            char ask[600], body[120];
            int m = snprintf(body, sizeof body, "{\"region\":\"310115\",\"fields\":{\"title\":\"%zu-%d\"}}", k, i);
            int w = snprintf(ask, sizeof ask, HEAD "Content-Length: %d\r\n\r\n%s", m, body);
            test_http_send(fds[i], ask, (size_t)w);
        }
        for (int i = 0; i < n; i++) {
            struct answer_got got = test_http_read(&h, fds[i], false);
            if (got.status != 201) fail_msg("%d of %d: %d %.*s", i, n, got.status, (int)got.body.n, got.body.s ? got.body.s : "");
            close(fds[i]);
        }
    }
    restart(&(struct http_options){.rate_account = -1, .rate_address = -1, .threads = 1});
    for (size_t k = 0; k < 3; k++) burst_while_at_work(sizes[k]);
    test_http_drop(&h);
}

/* Four threads, and many times as many requests that wait for the writer: others are answered meanwhile, and these when he is free. */
static void who_waits_holds_no_thread(void **state) {
    (void)state;
    enum { WAITING = 64 };
    EACH_HTTP(h, NULL, NOW) {
        struct error err = {0};
        struct db *db = NULL;
        int fds[WAITING];
        restart(&(struct http_options){.rate_account = -1, .rate_address = -1});
        assert_ok(db_open(h.t.o.store, DB_WRITE, &db, &err), err);
        assert_ok(db_begin(db, &err), err); /* somebody else writes */
        for (int i = 0; i < WAITING; i++) {
            char ask[600], body[120];
            int m = snprintf(body, sizeof body, "{\"region\":\"310115\",\"fields\":{\"title\":\"waits %d\"}}", i);
            int w = snprintf(ask, sizeof ask, HEAD "Content-Length: %d\r\n\r\n%s", m, body);
            fds[i] = test_http_connect(&h);
            test_http_send(fds[i], ask, (size_t)w);
        }
        for (int i = 0; i < 20; i++) {
            assert_status(test_http_get(&h, "/api/v1/registers/place", ROOT), 200);
            assert_status(test_http_get(&h, PLACES, ROOT), 200);
        }
        struct pollfd early[WAITING];
        for (int i = 0; i < WAITING; i++) early[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        assert_int_equal(poll(early, WAITING, 0), 0); /* none before it is stored */
        assert_ok(db_commit(db, &err), err);
        db_close(db);
        for (int i = 0; i < WAITING; i++) {
            assert_status(test_http_read(&h, fds[i], false), 201);
            close(fds[i]);
        }
    }
}

/* ---- sizes */

static void a_large_answer_is_compressed_when_asked(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        struct answer_got plain = test_http_get(&h, "/api/openapi.json", NULL);
        assert_null(strstr(plain.head, "Content-Encoding"));
        assert_non_null(strstr(plain.head, "Vary: Accept-Encoding"));
        const char *before = arena_text(&h.t.a, plain.body).s;
        struct answer_got small = test_http_ask(&h, "GET", "/api/openapi.json", NULL, "Accept-Encoding: br, gzip;q=0.8\r\n", NULL);
        assert_non_null(strstr(small.head, "Content-Encoding: gzip"));
        assert_true(small.body.n * 3 < plain.body.n);
        char *after = arena_alloc(&h.t.a, plain.body.n + 1);
        z_stream z = {.next_in = (unsigned char *)(uintptr_t)small.body.s, .avail_in = (unsigned)small.body.n, .next_out = (unsigned char *)after, .avail_out = (unsigned)plain.body.n};
        assert_int_equal(inflateInit2(&z, 31), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        inflateEnd(&z);
        assert_memory_equal(before, after, plain.body.n);
        assert_null(strstr(test_http_ask(&h, "GET", "/api/openapi.json", NULL, "Accept-Encoding: gzip;q=0\r\n", NULL).head, "Content-Encoding"));
        assert_null(strstr(test_http_ask(&h, "GET", "/healthz", NULL, "Accept-Encoding: gzip\r\n", NULL).head, "Content-Encoding"));
    }
}

static void what_is_counted_is_for_the_system_administrator(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_get(&h, "/metrics", NULL), 401);
        assert_status(test_http_get(&h, "/metrics", STREET), 403);
        struct answer_got got;
        bool counted = false;
        for (int turn = 0; turn < 100 && !counted; turn++) { /* a request is counted when its answer has ended, which who asked may see earlier */
            if (turn) nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
            got = test_http_get(&h, "/metrics", ROOT);
            assert_status(got, 200);
            counted = strstr(got.body.s, "tocsin_http_requests_total{method=\"GET\",route=\"/metrics\",status=\"403\"} 1\n");
        }
        assert_true(counted);
        assert_non_null(strstr(got.body.s, "tocsin_queue_commits_total 0"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_has_two_meanings_is_refused, settle),
        cmocka_unit_test_teardown(nothing_follows_a_chunked_body, settle),
        cmocka_unit_test_teardown(a_body_cut_short_makes_nothing, settle),
        cmocka_unit_test_teardown(a_compressed_body_is_not_unpacked, settle),
        cmocka_unit_test_teardown(what_is_too_long_is_refused, settle),
        cmocka_unit_test_teardown(who_asks_too_often_is_told_to_wait, settle),
        cmocka_unit_test_teardown(who_trickles_is_cut_off, settle), cmocka_unit_test_teardown(who_takes_an_answer_byte_by_byte_is_cut_off, settle),
        cmocka_unit_test_teardown(ten_thousand_idle_connections_hold_nobody_up, settle),
        cmocka_unit_test_teardown(who_has_his_answer_makes_room, settle),
        cmocka_unit_test_teardown(a_burst_is_answered_to_the_last, settle),
        cmocka_unit_test_teardown(who_waits_holds_no_thread, settle),
        cmocka_unit_test_teardown(a_large_answer_is_compressed_when_asked, settle),
        cmocka_unit_test_teardown(what_is_counted_is_for_the_system_administrator, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The server in this process on a free port over a fresh node of each store, and a small client on a real socket. */
#ifndef TOCSIN_TESTS_HTTP_H
#define TOCSIN_TESTS_HTTP_H

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "doors/http/inside.h"
#include "doors/http/server.h"
#include "ledgers.h"

/* Tokens of the development file: everything; a street's and a neighbouring street's intake; who may look but not touch; who may read but open nothing; a role that may nothing. */
#define ROOT "token-root"
#define STREET "token-street"
#define OTHER "token-other"
#define AUDITOR "token-auditor"
#define COMMAND "token-command"
#define GUEST "token-guest"
#define REPORTER "token-reporter"
#define APPROVER "token-first" /* two who approve */
#define APPROVER_2 "token-second"

struct test_http {
    struct test_ledger t;
    struct http_server *server;
    int port;
};

/* One answer; texts live in the test ledger's arena. */
struct answer_got {
    int status;          /* 0: the connection was closed without one */
    const char *head;    /* status line and headers */
    struct text body;
    json_t *json;        /* released by the next ask, or at the end */
};

static json_t *test_http_last;

/* Starts with options (listen, ledger and, when not given, dev_tokens are filled in). Only one at a time. */
static inline void test_http_start(struct test_http *h, const struct http_options *more) {
    struct error err = {0};
    struct http_options o = more ? *more : (struct http_options){0};
    char *tokens = arena_printf(&h->t.a, "%s/tokens", h->t.dir);
    FILE *f = fopen(tokens, "w");
    if (!f) fail_msg("no tokens file");
    fprintf(f, "# for tests\n%s root root -\n%s street intake 310115001\n%s other intake 310115002\n%s auditor auditor -\n%s command command -\n%s guest guest 310115\n", ROOT,
            STREET, OTHER, AUDITOR, COMMAND, GUEST);
    fprintf(f, "%s reporter reporter 310115\n%s first approver 310115\n%s second approver 310115\n", REPORTER, APPROVER, APPROVER_2);
    fclose(f);
    ledger_close(h->t.l);
    h->t.l = NULL;
    o.ledger = h->t.o;
    o.listen = "127.0.0.1:0";
    if (!o.dev_tokens) o.dev_tokens = tokens;
    o.quiet = o.no_clock = true;
    if (!o.at) o.at = h->t.s.now;
    assert_ok(http_server_start(&o, &h->server, &err), err);
    h->port = atoi(strrchr(http_server_address(h->server), ':') + 1);
}

static inline void test_http_make(struct test_http *h, size_t store, const char *pack, const char *at) {
    *h = (struct test_http){0};
    test_ledger_make(&h->t, store, pack, at);
    test_http_start(h, NULL);
}

/* Ends the server; the ledger is the test's again. */
static inline void test_http_stop(struct test_http *h) {
    struct error err = {0};
    http_server_stop(h->server);
    h->server = NULL;
    json_decref(test_http_last);
    test_http_last = NULL;
    if (!h->t.l) assert_ok(ledger_open(&h->t.o, &h->t.l, &err), err);
}

static inline void test_http_drop(struct test_http *h) {
    if (h->server) test_http_stop(h);
    test_ledger_drop(&h->t);
}

#define EACH_HTTP(h, pack, at)                                                                               \
    for (size_t store_ = 0; store_ < test_stores(); store_++)                                                \
        for (int once_ = (test_http_make(&h, store_, pack, at), 1); once_; test_http_drop(&h), once_ = 0)

static inline int test_http_connect(const struct test_http *h) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 300}; /* no test is about time: only a server that hangs is given up */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) fail_msg("cannot connect");
    return fd;
}

static inline void test_http_send(int fd, const char *bytes, size_t n) {
    for (size_t at = 0; at < n;) {
        ssize_t sent = send(fd, bytes + at, n - at, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the server may have closed already; what it answered is still read */
        at += (size_t)sent;
    }
}

/* Reads one answer. */
static inline struct answer_got test_http_read(struct test_http *h, int fd, bool head_only) {
    struct answer_got got = {0};
    struct buf b = {0};
    char piece[16384];
    size_t head = 0, want = SIZE_MAX;
    bool chunked = false;
    while (b.n < want) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0 || buf_add(&b, piece, (size_t)n) < 0) break;
        const char *end = head ? NULL : strstr(buf_cstr(&b), "\r\n\r\n");
        if (end) {
            const char *length = strcasestr(b.s, "\r\nContent-Length:");
            head = (size_t)(end - b.s) + 4;
            chunked = strcasestr(b.s, "\r\nTransfer-Encoding: chunked") && strcasestr(b.s, "\r\nTransfer-Encoding: chunked") < end;
            want = length && length < end ? head + strtoul(length + 17, NULL, 10) : chunked ? SIZE_MAX : head;
            if (head_only) want = head;
        }
        if (chunked && b.n >= head + 5 && !memcmp(b.s + b.n - 5, "0\r\n\r\n", 5)) break;
    }
    if (b.n && head) {
        struct text all = arena_text(&h->t.a, buf_view(&b));
        const char *first = arena_text(&h->t.a, (struct text){b.s, head}).s;
        assert_true(!b.failed && all.n == b.n && first); /* without memory for it there is no answer to look at */
        got.status = atoi(all.s + 9);
        got.head = first;
        got.body = (struct text){all.s + head, all.n - head};
        json_decref(test_http_last);
        got.json = test_http_last = got.body.n && strstr(got.head, "json") ? json_loadb(got.body.s, got.body.n, 0, NULL) : NULL;
    }
    buf_clear(&b);
    return got;
}

/* The body without the edges of its chunks. */
static inline struct text test_http_body(struct test_http *h, const struct answer_got *got) {
    if (!strcasestr(got->head, "\r\nTransfer-Encoding: chunked")) return got->body;
    char *out = arena_alloc(&h->t.a, got->body.n + 1), *end = NULL;
    size_t n = 0;
    for (const char *p = got->body.s; p < got->body.s + got->body.n; ) {
        size_t size = strtoul(p, &end, 16);
        if (!size) break;
        memcpy(out + n, end + 2, size);
        n += size;
        p = end + 2 + size + 2;
    }
    return (struct text){out, n};
}

/* Exactly these bytes on a connection of their own. */
static inline struct answer_got test_http_raw(struct test_http *h, const char *bytes, size_t n) {
    int fd = test_http_connect(h);
    test_http_send(fd, bytes, n);
    struct answer_got got = test_http_read(h, fd, false);
    close(fd);
    return got;
}

/* What test_http_ask and others put for a token: itself, or a whole header. */
static inline void test_http_who(struct buf *b, const char *token) {
    if (token) buf_printf(b, strchr(token, ':') ? "%s\r\n" : "Authorization: Bearer %s\r\n", token);
}

/* headers: lines ended by \r\n, or "". body NULL: none. */
static inline struct answer_got test_http_ask(struct test_http *h, const char *method, const char *path, const char *token, const char *headers,
                                              const char *body) {
    struct buf b = {0};
    buf_printf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path, headers);
    test_http_who(&b, token);
    if (body && !strcasestr(headers, "content-type:")) buf_str(&b, "Content-Type: application/json\r\n");
    if (body) buf_printf(&b, "Content-Length: %zu\r\n", strlen(body));
    buf_printf(&b, "\r\n%s", body ? body : "");
    int fd = test_http_connect(h);
    test_http_send(fd, b.s, b.n);
    struct answer_got got = test_http_read(h, fd, !strcmp(method, "HEAD"));
    close(fd);
    buf_clear(&b);
    return got;
}

static inline struct answer_got test_http_get(struct test_http *h, const char *path, const char *token) {
    return test_http_ask(h, "GET", path, token, "", NULL);
}

static inline struct answer_got test_http_post(struct test_http *h, const char *path, const char *token, const char *body) {
    return test_http_ask(h, "POST", path, token, "", body);
}

static inline const char *test_json_text(const json_t *j, const char *name) {
    const char *s = json_string_value(json_object_get(j, name));
    return s ? s : "";
}

static inline int64_t test_json_int(const json_t *j, const char *name) {
    return json_integer_value(json_object_get(j, name));
}

/* Makes an account of these roles and signs it in; its cookie as a header, in the place of a token. The server was started with `accounts`, or this is slow. */
static inline const char *test_http_account(struct test_http *h, const char *login, const char *roles, const char *region) {
    struct { const char *path, *body; } steps[] = {
        {"/api/v1/accounts", arena_printf(&h->t.a, "{\"login\":\"%s\",\"roles\":\"%s\",\"region\":\"%s\"}", login, roles, region)},
        {arena_printf(&h->t.a, "/api/v1/accounts/%s/password", login), "{\"password\":\"first word of all\"}"},
        {"/api/v1/session", arena_printf(&h->t.a, "{\"login\":\"%s\",\"password\":\"first word of all\"}", login)},
        {"/api/v1/session/password", "{\"old\":\"first word of all\",\"new\":\"three wet horses\"}"}};
    const char *cookie = NULL, *csrf = "";
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct answer_got got = test_http_ask(h, "POST", steps[i].path, i < 2 ? ROOT : cookie, csrf, steps[i].body);
        const char *at = got.head ? strstr(got.head, "Set-Cookie: tocsin_session=") : NULL;
        if (got.status >= 300) fail_msg("%s: %d %.*s", steps[i].path, got.status, (int)got.body.n, got.body.s);
        if (at) cookie = arena_printf(&h->t.a, "Cookie: %.*s", (int)strcspn(at + 12, ";"), at + 12);
        const char *token = got.json ? json_string_value(json_object_get(got.json, "csrf")) : NULL;
        if (token) csrf = arena_printf(&h->t.a, "Tocsin-CSRF: %s\r\n", token);
    }
    return cookie;
}

#define assert_status(got, wanted)                                                                           \
    do {                                                                                                     \
        struct answer_got g_ = (got);                                                                        \
        if (g_.status != (wanted)) fail_msg("%s: %d instead of %d: %.*s", #got, g_.status, (int)(wanted), (int)g_.body.n, g_.body.s ? g_.body.s : ""); \
    } while (0)

/* The one of a test program, and what each of its tests is torn down by: a test that fails leaves before the server's threads do. */
static struct test_http h;

static inline int settle(void **state) {
    (void)state;
    if (h.server) http_server_stop(h.server);
    h.server = NULL;
    return 0;
}

#endif

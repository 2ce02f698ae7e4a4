/* The daemon: how a connection's bytes become requests and answers become bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doors/http/inside.h"
#include "doors/http/jobs.h"
#include "doors/http/line.h"
#include "desks/testing/sampling.h"
#include "doors/http/scans.h"
#include "doors/http/write.h"

enum {
    THREADS = 4,
    CONNECTIONS_MAX = 16000,
    ADDRESS_MAX = 1000,
    IDLE_S = 30,
    RATE_ACCOUNT = 500,
    RATE_ADDRESS = 2000,
    BACKLOG = 4096,
    CONNECTION_BYTES = 16 << 10, /* request line and headers, and the head of the answer */
    DRAIN_MAX = 64 << 10,        /* of a body that is refused already */
    STREAM_BLOCK = 64 << 10,
    STOP_WAIT_MS = 10000,
    ASIDE_WAITING = 64,
};

/* ---- what handlers ask of the server */

const struct catalog *http_catalog(const struct http_server *s) {
    return s->ledger->catalog;
}

struct ledger_queue *http_queue(struct http_server *s) {
    return s->queue;
}

struct ledger *http_writer(struct http_server *s) {
    return s->ledger;
}

struct feed *http_feed(struct http_server *s) {
    return s->feed;
}

int32_t http_zone(const struct http_server *s) {
    return s->ledger->zone_s;
}

instant http_now(const struct http_server *s) {
    return instant_now() + s->offset;
}

bool http_stopping(const struct http_server *s) {
    return s->stopping;
}

const char *http_server_address(const struct http_server *s) {
    return s->address;
}

void server_count_sleeping(struct http_server *s, int more) {
    s->sleeping += more;
}

int request_reader(struct request *r, struct ledger **ret, struct error *err) {
    int rc = r->reader ? 0 : readers_take(r->server->readers, &r->reader, err);
    if (!rc) *ret = r->reader;
    return rc;
}

void server_give_reader(struct request *r) {
    if (r->reader) readers_give(r->server->readers, r->reader);
    r->reader = NULL;
}

/* ---- a request begins and ends */

static void *on_url(void *cls, const char *url, struct MHD_Connection *connection) {
    struct http_server *s = cls;
    struct request *r = spares_take(s->spares);
    if (!r) return NULL;
    uint64_t serial = ++s->requests, id = (s->id_seed + serial) * 0x9E3779B97F4A7C15u;
    r->server = s;
    r->connection = connection;
    r->started_ns = monotonic_ns();
    r->now = http_now(s);
    r->body.max = DRAIN_MAX;
    id ^= id >> 29;
    for (int i = 0; i < 16; i++) r->id[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    size_t n = strlen(url);
    r->url = n > REQUEST_URL_MAX ? (struct text){NULL, n} : arena_text(&r->arena, (struct text){url, n});
    r->path = TEXT("");
    r->method = "";
    s->open++;
    return r;
}

static void on_end(void *cls, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode why) {
    struct http_server *s = cls;
    struct request *r = *con_cls;
    if (!r) return;
    *con_cls = NULL;
    int64_t took_ns = monotonic_ns() - r->started_ns;
    metrics_request(s->metrics, r, took_ns);
    log_request(s->log, r, took_ns, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    watch_phase(connection, WATCH_HEAD, 0);
    if (r->answer.end) r->answer.end(r->answer.arg);
    server_give_reader(r);
    json_decref(r->json);
    spares_give(s->spares, r);
    s->open--;
}

/* ---- sending */

static ssize_t stream_read(void *cls, uint64_t pos, char *out, size_t n) {
    struct request *r = cls;
    (void)pos;
    int64_t got = r->answer.read(r->answer.arg, out, n);
    return got >= 0 ? (ssize_t)got : got == -1 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *response_of(struct request *r) {
    struct answer *a = &r->answer;
    if (a->read)
        return MHD_create_response_from_callback(a->size >= 0 ? (uint64_t)a->size : MHD_SIZE_UNKNOWN, a->block ? a->block : STREAM_BLOCK, stream_read, r, NULL);
    /* the body lives until on_end, which comes after its last byte */
    return MHD_create_response_from_buffer(a->body.n, a->body.n ? a->body.s : (char *)"", MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_answer(struct request *r) {
    struct answer *a = &r->answer;
    if (!a->read && a->body.failed) {
        struct error e = {0};
        int code = a->body.failed;
        error_set(&e, code, NULL, "%s", error_text(code));
        buf_reset(&a->body);
        answer_problem(r, 0, code, &e);
    }
    gzip_answer(r);
    watch_phase(r->connection, a->read ? WATCH_FREE : WATCH_ANSWER, (int64_t)a->body.n);
    struct MHD_Response *p = response_of(r);
    if (!p) return MHD_NO;
    r->stage = STAGE_ANSWERED;
    bool cached = false, policed = false;
    for (size_t i = 0; i < a->n_headers; i++) {
        cached = cached || !strcmp(a->headers[i].name, "Cache-Control");
        policed = policed || !strcmp(a->headers[i].name, "Content-Security-Policy");
        MHD_add_response_header(p, a->headers[i].name, a->headers[i].value);
    }
    if (a->type) MHD_add_response_header(p, "Content-Type", a->type);
    MHD_add_response_header(p, "X-Request-Id", r->id);
    MHD_add_response_header(p, "X-Content-Type-Options", "nosniff");
    if (!policed) MHD_add_response_header(p, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    MHD_add_response_header(p, "Referrer-Policy", "no-referrer");
    if (r->server->options.tls_cert) MHD_add_response_header(p, "Strict-Transport-Security", "max-age=31536000");
    if (!cached) MHD_add_response_header(p, "Cache-Control", "no-store");
    if (r->close || r->last || watch_crowded(r->server->watch)) MHD_add_response_header(p, "Connection", "close");
    enum MHD_Result sent = MHD_queue_response(r->connection, (unsigned)a->status, p);
    MHD_destroy_response(p);
    return sent;
}

static enum MHD_Result refuse(struct request *r, int status, int rc, const struct error *err) {
    r->error = *err;
    r->error.code = rc;
    answer_problem(r, status, rc, &r->error);
    return send_answer(r);
}

/* ---- before the body */

static bool type_is(const char *type, const char *wanted) {
    size_t n = strlen(wanted);
    return type && !strncasecmp(type, wanted, n) && (!type[n] || type[n] == ';' || type[n] == ' ');
}

static int check_body(struct request *r, const struct heads *h, int *ret_status, struct error *err) {
    const struct route *route = r->route;
    const char *type = request_header(r, "Content-Type"), *length = request_header(r, "Content-Length");
    int64_t n = 0;
    r->body.max = route->body == BODY_NONE ? DRAIN_MAX : route->body_max ? route->body_max : REQUEST_BODY_MAX;
    if (length && text_int(text_of(length), &n) && (uint64_t)n > r->body.max) {
        r->too_large = true;
        return error_set(err, E_TOO_LARGE, "body", "more than %zu bytes / 超过 %zu 字节", r->body.max, r->body.max);
    }
    bool some = h->encodings || n > 0;
    const char *coding = request_header(r, "Content-Encoding");
    if (some && coding && strcasecmp(coding, "identity") != 0) {
        *ret_status = 415;
        answer_header(r, "Accept-Encoding", "identity");
        return error_set(err, E_UNSUPPORTED, "Content-Encoding", "a body comes as it is / 请求体不得压缩");
    }
    if (some && (route->body == BODY_JSON || route->body == BODY_JSON_MAYBE) && !type_is(type, "application/json") &&
        !type_is(type, "application/merge-patch+json")) {
        *ret_status = 415;
        return error_set(err, E_UNSUPPORTED, "Content-Type", "must be application/json / 应为 application/json");
    }
    return 0;
}

/* A client that will take nothing we have for an answer. */
static bool acceptable(const struct request *r) {
    const char *accept = request_header(r, "Accept");
    if (!accept || !*accept || !r->route->response || strstr(accept, "*/*") || strstr(accept, "json") || strstr(accept, "application/*")) return true;
    for (const char *p = r->route->response; *p; p += *p == ';') {
        size_t n = strcspn(p, ";"), family = strcspn(p, "/");
        char any[64];
        size_t k = family < n && family < sizeof any - 3 ? family : 0;
        memcpy(any, p, k);
        memcpy(any + k, "/*", 3);
        if (family < n && (memmem(accept, strlen(accept), p, n) || strstr(accept, any))) return true;
        p += n;
    }
    return false;
}

/* The client's address; one who has a whole IPv6 network is one. */
static void put_address(struct request *r) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    struct sockaddr_in6 net;
    if (a && a->sa_family == AF_INET6) {
        memcpy(&net, a, sizeof net);
        if (!IN6_IS_ADDR_V4MAPPED(&net.sin6_addr)) memset(net.sin6_addr.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &net.sin6_addr, r->address, sizeof r->address);
    } else if (a && a->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, r->address, sizeof r->address);
    }
}

static int take_rate(struct request *r, char kind, struct text who, int per_s, struct error *err) {
    char name[120];
    int wait_s = 1, n = snprintf(name, sizeof name, "%c%.*s", kind, (int)(who.n < 100 ? who.n : 100), who.s);
    if (per_s <= 0 || rate_take(r->server->rate, (struct text){name, (size_t)n}, (unsigned)per_s, r->started_ns, &wait_s)) return 0;
    answer_header(r, "Retry-After", arena_printf(&r->arena, "%d", wait_s));
    return error_set(err, E_RATE, NULL, "%s / %s", error_text(E_RATE), error_text_zh(E_RATE));
}

static int begin(struct request *r, const char *url, const char *method, const char *version, int *ret_status, struct error *err) {
    struct heads heads;
    char allow[120] = "";
    r->method = method;
    r->zh = request_speaks_chinese(request_header(r, "Accept-Language"));
    if (!r->url.s && r->url.n <= REQUEST_URL_MAX) return error_memory(err);
    if (http_stopping(r->server)) { /* it was counted before this was asked, so either it is waited for or it stays away from what is taken down */
        r->last = true;
        return error_set(err, E_BUSY, NULL, "is stopping / 正在停止");
    }
    int rc = heads_check(r, url, method, version, &heads, err);
    if (rc < 0) return rc;
    /* libmicrohttpd reads chunks more kindly than RFC 9112 (a bare line feed ends a line), and does not show us their edges. So whatever two servers
     * may think of where such a body ends, what follows it is never read as a request. */
    r->last = heads.encodings > 0;
    if (!r->url.s) {
        *ret_status = 414;
        return error_set(err, E_TOO_LARGE, "url", "more than %d bytes / 超过 %d 字节", REQUEST_URL_MAX, REQUEST_URL_MAX);
    }
    put_address(r);
    rc = take_rate(r, '@', text_of(r->address), r->server->options.rate_address, err);
    if (!rc) rc = request_parse_url(r, err);
    if (!rc) rc = route_find(r, allow, sizeof allow, &r->route, err);
    if (rc == E_USAGE && allow[0]) {
        *ret_status = 405;
        answer_header(r, "Allow", arena_str(&r->arena, allow));
    }
    if (rc < 0) return rc;
    rc = http_authenticate(r, err);
    bool busy = !rc && (r->route->headers & ROUTE_BUSY);
    if (!rc && r->signed_in) rc = take_rate(r, busy ? '+' : '=', r->session.account, r->server->options.rate_account * (busy ? 20 : 1), err);
    if (!rc) rc = http_authorise(r, err);
    if (!rc) rc = members_of_query(r, err);
    if (!rc) rc = members_of_head(r, err);
    if (!rc) rc = check_body(r, &heads, ret_status, err);
    if (!rc && !acceptable(r)) {
        *ret_status = 406;
        rc = error_set(err, E_UNSUPPORTED, "Accept", "nothing of what is accepted is given here / 此处不提供所要求的格式");
    }
    return rc;
}

/* ---- the handler */

static enum MHD_Result finish(struct request *r, int rc, struct error *err) {
    if (r->stage == STAGE_WAITING) return MHD_YES; /* it sleeps; from here on it may be another thread's */
    server_give_reader(r);
    if (rc >= 0 && r->answer.status) return send_answer(r);
    if (rc >= 0) rc = error_set(err, E_UNSUPPORTED, r->route->path, "said nothing");
    const struct error *why = err->code ? err : &r->error;
    int status = rc == E_CONFLICT && !strcmp(why->where, "version") && request_header(r, "If-Match") ? 412 : 0;
    struct error own = *why;
    return refuse(r, status, rc, &own);
}

static enum MHD_Result handle(struct request *r) {
    struct error err = {0};
    int rc = 0;
    bool json = r->route->body == BODY_JSON || (r->route->body == BODY_JSON_MAYBE && r->body.n);
    if (r->too_large) {
        rc = error_set(&err, E_TOO_LARGE, "body", "more than %zu bytes / 超过 %zu 字节", r->body.max, r->body.max);
    } else if (r->body.failed) {
        rc = error_set(&err, r->body.failed, "body", "%s / %s", error_text(r->body.failed), error_text_zh(r->body.failed));
    } else if (r->route->body == BODY_NONE && r->body.n) {
        rc = error_set(&err, E_USAGE, "body", "nothing is expected here / 此处不应有请求体");
    } else if (json) {
        rc = request_parse_json(r, &err);
        if (!rc) rc = members_of_body(r, &err);
    }
    if (!rc) rc = (r->route->headers & ROUTE_ASIDE) ? request_aside(r, &err) : r->route->run(r, &err);
    return finish(r, rc, &err);
}

static enum MHD_Result woken(struct request *r) {
    struct error err = {0};
    r->stage = STAGE_BODY;
    if (r->submission.alone) readers_stale(r->server->readers);
    return finish(r, r->resume(r, &err), &err);
}

static enum MHD_Result take_body(struct request *r, const char *bytes, size_t *n) {
    if (r->route && (r->route->body == BODY_STREAM || r->route->body == BODY_LINES) && !r->error.code) {
        struct error err = {0};
        int rc = r->route->body == BODY_LINES ? lines_piece(r, bytes, *n, &err) : upload_piece(r, bytes, *n, &err);
        *n = 0;
        if (rc >= 0) return MHD_YES;
        r->error = err;
        r->error.code = rc;
        r->rc = 0;
        return MHD_YES; /* what still comes is read and let go, as far as it would have been taken: an answer cannot be sent before */
    }
    if (r->error.code || r->body.n + *n > r->body.max) { /* read on for a while, so that the answer is heard */
        if (!r->error.code) r->too_large = true;
        r->submission.n += *n;
        if (r->submission.n > DRAIN_MAX + r->body.max) return MHD_NO;
    } else {
        buf_add(&r->body, bytes, *n);
    }
    *n = 0;
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_n, void **con_cls) {
    struct request *r = *con_cls;
    (void)cls;
    if (!r) return MHD_NO;
    switch (r->stage) {
    case STAGE_HEADERS: {
        struct error err = {0};
        watch_phase(connection, WATCH_BODY, 0);
        int status = 0, rc = begin(r, url, method, version, &status, &err);
        r->stage = STAGE_BODY;
        if (rc >= 0 && r->route->body == BODY_STREAM) rc = upload_begin(r, &err);
        if (rc >= 0 && r->route->body == BODY_LINES) rc = lines_begin(r, &err);
        server_give_reader(r);
        if (rc >= 0) return MHD_YES;
        /* a small body is read first: an answer sent before it might be lost with the connection */
        if (r->too_large || r->close || request_header(r, "Expect")) return refuse(r, status, rc, &err);
        r->error = err;
        r->error.code = rc;
        r->rc = status;
        return MHD_YES;
    }
    case STAGE_BODY:
        if (*upload_n) {
            watch_phase(connection, WATCH_BODY, (int64_t)*upload_n);
            return take_body(r, upload, upload_n);
        }
        watch_phase(connection, WATCH_FREE, 0);
        r->submission.n = 0;
        if (r->error.code) {
            struct error why = r->error;
            return refuse(r, r->rc, why.code, &why);
        }
        return handle(r);
    case STAGE_WAITING:
        return woken(r);
    default:
        return MHD_NO;
    }
}

/* ---- listening */

static int listen_on(struct http_server *s, const char *where, int *ret_fd, struct error *err) {
    char host[100], name[80], port_text[16];
    const char *colon = strrchr(where, ':');
    if (!colon || (size_t)(colon - where) >= sizeof host || !colon[1]) return error_set(err, E_USAGE, "--listen", "HOST:PORT, as 127.0.0.1:8460 / 应为 主机:端口");
    snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    size_t n = strlen(host);
    bool bracketed = n > 1 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed) host[n - 1] = 0;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *list = NULL;
    int rc = getaddrinfo(n ? host + bracketed : NULL, colon + 1, &hints, &list);
    if (rc) return error_set(err, E_USAGE, "--listen", "\"%.80s\": %s", where, gai_strerror(rc));
    int fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, 0), on = 1;
    rc = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, list->ai_addr, list->ai_addrlen) || listen(fd, BACKLOG))
        rc = error_set(err, E_IO, "--listen", "%.80s: %s", where, strerror(errno));
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (!rc && (getsockname(fd, (struct sockaddr *)&bound, &size) ||
                getnameinfo((struct sockaddr *)&bound, size, name, sizeof name, port_text, sizeof port_text, NI_NUMERICHOST | NI_NUMERICSERV)))
        rc = error_set(err, E_IO, "--listen", "%.80s: %s", where, strerror(errno));
    freeaddrinfo(list);
    if (rc < 0) {
        if (fd >= 0) close(fd);
        return rc;
    }
    snprintf(s->address, sizeof s->address, strchr(name, ':') ? "[%s]:%s" : "%s:%s", name, port_text);
    *ret_fd = fd;
    return 0;
}

static void on_mhd_log(void *cls, const char *format, va_list args) {
    struct http_server *s = cls;
    struct error e = {.code = E_IO};
    vsnprintf(e.message, sizeof e.message, format, args);
    for (size_t n = strlen(e.message); n && e.message[n - 1] == '\n';) e.message[--n] = 0;
    if (s->log && !s->options.quiet) log_event(s->log, http_now(s), "warning", "connection", &e);
}

static int daemon_start(struct http_server *s, int fd, struct error *err) {
    struct http_options *o = &s->options;
    bool tls = o->tls_cert != NULL;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)o->threads, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)o->connections_max, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)o->address_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)o->idle_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_url, s},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_end, s},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)watch_connection, s->watch},
        {tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0, (void *)(uintptr_t)tls_priorities},
        {tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0, (void *)(uintptr_t)tls_certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, s, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    return s->daemon ? 0 : error_set(err, E_IO, "--listen", "the server cannot be started on %s / 无法启动服务", s->address);
}

static void defaults(struct http_options *o) {
    if (!o->listen) o->listen = "127.0.0.1:8460";
    if (!o->threads) o->threads = THREADS;
    if (!o->connections_max) o->connections_max = CONNECTIONS_MAX;
    if (!o->address_max) o->address_max = ADDRESS_MAX;
    if (!o->idle_s) o->idle_s = IDLE_S;
    if (!o->rate_account) o->rate_account = RATE_ACCOUNT;
    if (!o->rate_address) o->rate_address = RATE_ADDRESS;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    rlim_t wanted = o->connections_max + 256;
    if (files.rlim_cur < wanted) files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < wanted) o->connections_max = (unsigned)(files.rlim_cur > 512 ? files.rlim_cur - 256 : 256);
}

static instant now_of(void *arg) {
    return http_now(arg);
}

/* A job committed beside the queue. */
static void job_changed_something(void *arg) {
    struct http_server *s = arg;
    if (s->feed) feed_wake(s->feed);
    readers_stale(s->readers);
}

int http_server_start(const struct http_options *o, struct http_server **ret, struct error *err) {
    struct http_server *s = mem_alloc(sizeof *s);
    int fd = -1;
    if (!s) return error_memory(err);
    s->options = *o;
    defaults(&s->options);
    s->id_seed = (uint64_t)monotonic_ns() ^ (uint64_t)getpid() << 40 ^ (uint64_t)instant_now() << 20;
    s->started_ns = monotonic_ns();
    if (o->at) s->offset = o->at - instant_now();
    signal(SIGPIPE, SIG_IGN);
    int rc = routes_prepare(o->routes, err);
    if (!rc && !o->tls_cert != !o->tls_key) rc = error_set(err, E_USAGE, "--tls-cert", "a certificate and its key go together / 证书与私钥须同时给出");
    if (!rc && o->tls_cert) rc = tls_load(o->tls_cert, o->tls_key, err);
    if (!rc) rc = watch_open(s->options.idle_s, s->options.connections_max, &s->watch, err);
    if (!rc) rc = spares_open(&s->spares, err);
    if (!rc) rc = rate_open(&s->rate, err);
    if (!rc) rc = metrics_open(&s->metrics, err);
    if (!rc) rc = ledger_open(&o->ledger, &s->ledger, err);
    if (!rc) rc = pages_read(s->ledger->home, o->console, &s->pages, err);
    if (!rc) rc = openapi_write(s->ledger->catalog, &s->openapi, err);
    if (!rc) rc = readers_open(&o->ledger, s->options.threads, &s->readers, err);
    if (!rc && o->dev_tokens && strncmp(s->options.listen, "127.", 4) && strncmp(s->options.listen, "[::1]", 5) && strncmp(s->options.listen, "localhost:", 10))
        rc = error_set(err, E_USAGE, "--dev-tokens", "only on this machine's own address / 仅限本机地址");
    if (!rc && o->dev_tokens) rc = dev_tokens_read(o->dev_tokens, &s->tokens, err);
    if (!rc) rc = log_open(o->quiet, s->ledger->zone_s, &s->log, err);
    if (!rc) rc = feed_start(s->ledger, NULL, &s->feed, err);
    if (!rc) rc = accounts_open(s->ledger, o->accounts, &s->accounts, err);
    if (!rc && !(s->gate = ledger_gate_new())) rc = error_memory(err);
    if (!rc) s->ledger->gate = s->gate;
    struct jobs_options jobs = {.ledger = o->ledger, .gate = s->gate, .now = now_of, .changed = job_changed_something, .arg = s};
    jobs.ledger.zone_s = s->ledger ? s->ledger->zone_s : 0;
    if (!rc) rc = jobs_open(&jobs, &s->jobs, err);
    if (!rc) rc = scans_open(s, &s->scans, err);
    if (!rc) rc = sampling_new(&s->sampling, err);
    struct queue_options q = {.waiting_max = o->waiting_max, .committed = feed_wake, .committed_arg = s->feed};
    if (!rc) rc = ledger_queue_start(s->ledger, &q, &s->queue, err);
    struct account_pool_options pool = {.ledger = o->ledger, .queue = s->queue, .now = now_of, .now_arg = s};
    if (!rc) rc = account_pool_start(s->accounts, &pool, &s->pool, err);
    pool.now = NULL;
    if (!rc && account_oidc_configured(s->accounts)) rc = account_pool_start(s->accounts, &pool, &s->oidc_pool, err);
    struct account_pool_options aside = {.ledger = o->ledger, .waiting_max = ASIDE_WAITING, .eager = true};
    if (!rc) rc = account_pool_start(s->accounts, &aside, &s->aside, err);
    if (!rc) rc = tickets_open(s->accounts, &o->ledger, &s->tickets, err);
    if (!rc) rc = sampling_line_open(s->accounts, &o->ledger, &s->sampling_line, err);
    if (!rc) rc = listen_on(s, s->options.listen, &fd, err);
    if (!rc) rc = daemon_start(s, fd, err);
    if (!rc) rc = clock_start(s, &s->clock, err);
    if (rc < 0) {
        if (!s->daemon && fd >= 0) close(fd);
        http_server_stop(s);
        return rc;
    }
    if (!o->quiet) log_event(s->log, http_now(s), "info", "listening", NULL);
    *ret = s;
    return 0;
}

int http_server_reload(struct http_server *s, struct error *err) {
    int rc = s->options.tls_cert ? tls_load(s->options.tls_cert, s->options.tls_key, err) : 0;
    if (s->options.tls_cert) log_event(s->log, http_now(s), rc < 0 ? "error" : "info", "certificate", rc < 0 ? err : NULL);
    return rc;
}

static void wait_until_none(const _Atomic int *count, int ms) {
    for (; *count > 0 && ms > 0; ms -= 5) usleep(5000);
}

void http_server_stop(struct http_server *s) {
    if (!s) return;
    s->stopping = 1;
    int fd = s->daemon ? MHD_quiesce_daemon(s->daemon) : -1;
    if (fd >= 0) shutdown(fd, SHUT_RDWR); /* nobody new; its number stays taken while a thread may still ask it */
    if (s->daemon) {
        feed_end(s->feed); /* its listeners end first: they would wait for ever */
        if (s->jobs) jobs_unwatch_all(s->jobs);
        wait_until_none(&s->open, STOP_WAIT_MS);
    }
    clock_stop(s->clock);
    /* Who was not done by then is told that they take no more; they are there until the daemon's threads are not. */
    account_pool_end(s->oidc_pool);
    account_pool_end(s->aside);
    tickets_stop(s->tickets);
    line_stop(s->sampling_line);
    account_pool_end(s->pool); /* waits for the queue */
    ledger_queue_end(s->queue); /* answers whatever still waited */
    wait_until_none(&s->sleeping, STOP_WAIT_MS);
    if (s->daemon) MHD_stop_daemon(s->daemon);
    if (fd >= 0) close(fd);
    account_pool_stop(s->oidc_pool);
    account_pool_stop(s->aside);
    account_pool_stop(s->pool);
    ledger_queue_stop(s->queue);
    scans_close(s->scans);
    sampling_free(s->sampling);
    chains_drop(s);
    jobs_close(s->jobs);
    feed_stop(s->feed);
    readers_close(s->readers);
    accounts_close(s->accounts);
    if (s->log && !s->options.quiet) log_event(s->log, http_now(s), "info", "stopped", NULL);
    ledger_close(s->ledger);
    ledger_gate_free(s->gate);
    dev_tokens_free(s->tokens);
    buf_clear(&s->openapi);
    pages_free(s->pages);
    watch_close(s->watch);
    spares_close(s->spares);
    rate_close(s->rate);
    tickets_close(s->tickets);
    line_close(s->sampling_line);
    metrics_close(s->metrics);
    if (s->options.tls_cert) tls_unload();
    log_close(s->log);
    mem_free(s);
}

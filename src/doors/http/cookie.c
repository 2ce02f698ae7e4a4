/* Sessions by cookie and tokens by header: what desks/account says about them becomes the session of a request.
 *
 * Over TLS the cookies are Secure and wear the prefix __Host-, which no sister domain can set. They are HttpOnly and SameSite=Strict; a write by cookie
 * must bring the session's token in `Tocsin-CSRF` besides, for browsers that know no SameSite. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "doors/http/inside.h"
#include "doors/http/write.h"

static bool secure(const struct request *r) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_PROTOCOL);
    return info && info->protocol != 0;
}

struct text cookie_read(struct request *r, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", secure(r) ? "__Host-" : "", name);
    return text_of(MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, full));
}

int request_seat(struct request *r, struct account_seat *ret, struct error *err) {
    *ret = (struct account_seat){.accounts = r->server->accounts, .queue = r->server->queue};
    return request_reader(r, &ret->ledger, err);
}

static bool reads(const struct request *r) {
    return !strcmp(r->method, "GET") || !strcmp(r->method, "HEAD");
}

int cookie_authenticate(struct request *r, struct text bearer, struct error *err) {
    struct text cookie = bearer.n ? (struct text){"", 0} : cookie_read(r, "tocsin_session");
    struct account_seat seat;
    struct account_who who;
    struct error why = {0};
    if (!bearer.n && !cookie.n) return 0;
    int rc = request_seat(r, &seat, err);
    if (rc < 0) return rc;
    rc = bearer.n ? account_token(&seat, bearer, r->now, &r->arena, &who, &why) : account_session(&seat, cookie, r->now, &r->arena, &who, &why);
    if (rc == E_SIGN_IN && !bearer.n) return 0; /* a cookie that is over is nobody */
    if (rc == E_SIGN_IN) return error_set(err, E_SIGN_IN, "Authorization", "this token is not known or has expired / 令牌无效或已过期");
    if (rc < 0) return error_set(err, rc, why.where, "%s", why.message);
    if (!bearer.n && r->route->who != WHO_PUBLIC && !reads(r)) {
        const char *sent = request_header(r, "Tocsin-CSRF");
        if (!account_csrf_ok(&who, text_of(sent)))
            return error_set(err, E_DENIED, "Tocsin-CSRF", "a write by cookie needs the token of its session in this header / 以 Cookie 写入须在此请求头附会话令牌");
    }
    r->who = arena_alloc(&r->arena, sizeof *r->who);
    if (!r->who) return error_memory(err);
    *r->who = who;
    r->cookie = cookie;
    who.session.purpose = r->session.purpose;
    who.session.reason = r->session.reason;
    who.session.zh = r->zh;
    r->session = who.session;
    r->signed_in = true;
    return 0;
}

/* A cookie's line; Max-Age 0 takes it away. */
void cookie_put(struct request *r, const char *name, const char *value, int64_t age_s, const char *same_site) {
    bool tls = secure(r);
    const char *line = arena_printf(&r->arena, "%s%s=%s; Path=/; HttpOnly; SameSite=%s; Max-Age=%lld%s", tls ? "__Host-" : "", name, value, same_site, (long long)age_s,
                                    tls ? "; Secure" : "");
    if (line) answer_header(r, "Set-Cookie", line);
}

void cookie_answer(struct request *r, const struct account_signed *s) {
    if (!s) {
        cookie_put(r, "tocsin_session", "", 0, "Strict");
        return;
    }
    cookie_put(r, "tocsin_session", s->cookie, s->expires_at > r->now ? s->expires_at - r->now : 0, "Strict");
    if (s->device[0]) cookie_put(r, "tocsin_device", s->device, ACCOUNT_DEVICE_S, "Strict");
}

struct account_from cookie_from(struct request *r) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    const char *agent = request_header(r, "User-Agent");
    char *address = arena_alloc(&r->arena, INET6_ADDRSTRLEN);
    if (address && a && a->sa_family == AF_INET6) inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, address, INET6_ADDRSTRLEN);
    if (address && a && a->sa_family == AF_INET) inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, address, INET6_ADDRSTRLEN);
    return (struct account_from){.address = text_of(address), .agent = text_of(agent), .device = cookie_read(r, "tocsin_device")};
}

static void work_done(void *arg, int rc, const struct error *err) {
    request_wake(arg, rc, err);
}

static int work_run(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    return r->account_work(seat, r, err);
}

int request_account(struct request *r, int (*work)(const struct account_seat *seat, void *request, struct error *err),
                    int (*then)(struct request *r, struct error *err), struct error *err) {
    return request_account_on(r, r->server->pool, work, then, err);
}

int request_account_on(struct request *r, struct account_pool *pool, int (*work)(const struct account_seat *seat, void *request, struct error *err),
                       int (*then)(struct request *r, struct error *err), struct error *err) {
    struct error why = {0};
    (void)err;
    r->account_work = work;
    request_sleep(r, then);
    int rc = account_run(pool, work_run, work_done, r, &why);
    if (rc < 0) request_wake(r, rc, &why);
    return 0;
}

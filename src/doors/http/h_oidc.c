/* Signing in through the provider elsewhere: there, and back again. */
#include <string.h>

#include "doors/http/inside.h"

struct trip {
    struct account_from from;
    struct text cookie, state, code;
    struct account_oidc_start begun;
    struct account_signed made;
};

static int begin_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct trip *t = r->state;
    return account_oidc_begin(seat, r->now, &t->begun, err);
}

static int then_away(struct request *r, struct error *err) {
    struct trip *t = r->state;
    (void)err;
    if (r->rc < 0) return r->rc;
    /* Lax: it must come along when the provider sends the browser back */
    cookie_put(r, "tocsin_oidc", t->begun.cookie, 600, "Lax");
    const char *accept = request_header(r, "Accept");
    if (accept && !strncmp(accept, "application/json", 16)) { /* a script that will send its browser there itself */
        struct buf *b = answer_open(r, 200);
        buf_str(b, "{\"location\":");
        json_put_string(b, text_of(t->begun.url));
        return buf_char(b, '}');
    }
    answer_header(r, "Location", t->begun.url);
    return answer_empty(r, 302);
}

static int away(struct request *r, struct error *err) {
    struct trip *t = arena_alloc(&r->arena, sizeof *t);
    if (!t) return error_memory(err);
    if (!r->server->oidc_pool) return error_set(err, E_UNKNOWN, NULL, "no sign-in provider is configured here / 未配置统一认证");
    r->state = t;
    return request_account_on(r, r->server->oidc_pool, begin_work, then_away, err);
}

static int finish_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct trip *t = r->state;
    return account_oidc_finish(seat, &t->from, t->cookie, t->state, t->code, r->now, &t->made, err);
}

/* The console is gone to by a page of ours: a redirect would still count as coming from the provider, and a strict cookie stay behind. */
static int then_back(struct request *r, struct error *err) {
    static const char page[] = "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=/\"><title>Tocsin</title><a href=\"/\">Tocsin 警钟</a>\n";
    struct trip *t = r->state;
    (void)err;
    cookie_put(r, "tocsin_oidc", "", 0, "Lax");
    if (r->rc < 0) return r->rc;
    cookie_answer(r, &t->made);
    return answer_text(r, 200, "text/html; charset=utf-8", TEXT(page));
}

static int back(struct request *r, struct error *err) {
    struct trip *t = arena_alloc(&r->arena, sizeof *t);
    if (!t) return error_memory(err);
    if (!r->server->oidc_pool) return error_set(err, E_UNKNOWN, NULL, "no sign-in provider is configured here / 未配置统一认证");
    t->from = cookie_from(r);
    t->cookie = cookie_read(r, "tocsin_oidc");
    t->state = request_query(r, "state");
    t->code = request_query(r, "code");
    r->state = t;
    if (!t->code.n) return error_set(err, E_SIGN_IN, NULL, "the provider did not sign you in / 统一认证未通过");
    return request_account_on(r, r->server->oidc_pool, finish_work, then_back, err);
}


const struct route oidc_routes[] = {
    {"GET", "/api/v1/session/oidc", WHO_PUBLIC, NULL, BODY_NONE, 0, away, NULL, "ProviderAddress", 302, 0, "转往统一认证登录(Accept: application/json 时只给出地址)",
     "go to the sign-in provider; with Accept: application/json only its address", {{0}}},
    {"GET", "/api/v1/session/oidc/callback", WHO_PUBLIC, NULL, BODY_NONE, 0, back, NULL, "text/html", 0, ROUTE_QUERY_OPEN, "统一认证返回", "where the provider sends the browser back to",
     {{"state", STRING, "状态", "as it was sent"}, {"code", STRING, "授权码", "the authorization code"}, {"error", STRING, "错误", "why not"},
      {"error_description", STRING, "错误说明", "why not, in words"}, {"iss", STRING, "签发者", "who sends back"}, {"session_state", STRING, "会话状态", "of the provider"}}},
    {0},
};

const struct schema oidc_schemas[] = {
    {"ProviderAddress", "{\"type\":\"object\",\"required\":[\"location\"],\"properties\":{\"location\":{\"type\":\"string\",\"format\":\"uri\"}}}"},
    {0},
};

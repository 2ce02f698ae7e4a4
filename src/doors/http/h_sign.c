/* Signing in and out, the second factor, the own password, sessions and tokens; who am I, and what may I do and why not. */
#include <stdio.h>
#include <string.h>

#include "doors/http/inside.h"

/* What a request asks of desks/account, and what came of it; in the request's arena while it sleeps. */
struct sign {
    struct account_from from;
    struct text login, password, fresh, code;
    int64_t id;
    struct account_token_wish wish;
    struct account_signed made;
    struct account_enrolment enrolment;
    char codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1];
    char token[ACCOUNT_TOKEN + 1];
    bool by_cookie;
};

static int sign_new(struct request *r, struct sign **ret, struct error *err) {
    struct sign *s = arena_alloc(&r->arena, sizeof *s);
    if (!s) return error_memory(err);
    s->from = cookie_from(r);
    s->by_cookie = r->cookie.n > 0;
    r->state = s;
    *ret = s;
    return 0;
}

/* "retry 30" in where becomes a header. */
static int failed(struct request *r) {
    long seconds = 0;
    if (sscanf(r->error.where, "retry %ld", &seconds) == 1) {
        answer_header(r, "Retry-After", arena_printf(&r->arena, "%ld", seconds));
        r->error.where[0] = '\0';
    }
    return r->rc;
}

static void put_signed(struct request *r, struct buf *b, const struct account_signed *s) {
    buf_printf(b, "\"state\":\"%s\",\"csrf\":\"%s\",\"expires_at\":", account_state_name(s->state), s->csrf);
    json_put_instant(b, s->expires_at, http_zone(r->server));
}

/* Of all that ends in a new session id. */
static int then_signed(struct request *r, struct error *err) {
    struct sign *s = r->state;
    (void)err;
    if (r->rc < 0) return failed(r);
    cookie_answer(r, &s->made);
    struct buf *b = answer_open(r, 200);
    buf_char(b, '{');
    put_signed(r, b, &s->made);
    buf_char(b, '}');
    return 0;
}

static int then_nothing(struct request *r, struct error *err) {
    (void)err;
    return r->rc < 0 ? failed(r) : answer_empty(r, 204);
}

/* ---- in */

static int sign_in_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_sign_in(seat, &s->from, s->login, s->password, r->now, &s->made, err);
}

static int sign_in(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_member(r, "login", true, &s->login, err);
    if (!rc) rc = request_member(r, "password", true, &s->password, err);
    return rc ? rc : request_account(r, sign_in_work, then_signed, err);
}

static int factor_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_second_factor(seat, &s->from, r->cookie, s->code, r->now, &s->made, err);
}

static int factor(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_member(r, "code", true, &s->code, err);
    return rc ? rc : request_account(r, factor_work, then_signed, err);
}

static int password_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_change_password(seat, &s->from, r->cookie, s->password, s->fresh, r->now, &s->made, err);
}

static int password(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_member(r, "old", true, &s->password, err);
    if (!rc) rc = request_member(r, "new", true, &s->fresh, err);
    return rc ? rc : request_account(r, password_work, then_signed, err);
}

static int enrol_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_enrol(seat, r->cookie, r->now, &s->enrolment, err);
}

static int then_enrolled(struct request *r, struct error *err) {
    struct sign *s = r->state;
    if (r->rc < 0) return failed(r);
    return answer_json(r, 200, json_pack("{s:s, s:s}", "uri", s->enrolment.uri, "seed", s->enrolment.seed), err);
}

static int enrol(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    return rc ? rc : request_account(r, enrol_work, then_enrolled, err);
}

static int confirm_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_enrol_confirm(seat, &s->from, r->cookie, s->code, r->now, s->codes, &s->made, err);
}

static int then_confirmed(struct request *r, struct error *err) {
    struct sign *s = r->state;
    (void)err;
    if (r->rc < 0) return failed(r);
    cookie_answer(r, &s->made);
    struct buf *b = answer_open(r, 200);
    buf_char(b, '{');
    put_signed(r, b, &s->made);
    buf_str(b, ",\"recovery_codes\":[");
    for (size_t i = 0; i < ACCOUNT_RECOVERY_CODES; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", s->codes[i]);
    buf_str(b, "]}");
    return 0;
}

static int confirm(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_member(r, "code", true, &s->code, err);
    return rc ? rc : request_account(r, confirm_work, then_confirmed, err);
}

/* ---- who am I */

static void put_may(struct buf *b, const struct request *r, const struct register_decl *reg) {
    static const char *const verbs[] = {"read", "write", "open"};
    struct session s = r->session;
    if (!s.purpose.n) s.purpose = TEXT("asked"); /* a purpose is given with each opening; here the right itself is asked */
    buf_char(b, '{');
    for (int v = ACCESS_READ; v <= ACCESS_OPEN; v++) {
        struct error why = {0};
        char words[ERROR_MESSAGE_MAX];
        buf_printf(b, "%s\"%s\":", v ? "," : "", verbs[v]);
        if (access_anywhere(&s, (enum access_verb)v, reg)) {
            buf_str(b, "true");
            continue;
        }
        access_check(&s, (enum access_verb)v, reg, r->who ? r->who->region : (struct text){"", 0}, &why);
        error_words(E_DENIED, why.code ? why.message : error_text(E_DENIED), r->zh, words, sizeof words);
        buf_printf(b, "false,\"why_not_%s\":", verbs[v]);
        json_put_string(b, text_of(words));
    }
    buf_char(b, '}');
}

static int tell(struct request *r, struct error *err) {
    const struct catalog *c = http_catalog(r->server);
    const struct account_who *w = r->who;
    struct account_unit unit = {0};
    struct account_seat seat;
    int rc = w && w->state == ACCOUNT_READY ? request_seat(r, &seat, err) : 0;
    if (!rc && w && w->state == ACCOUNT_READY) rc = account_unit(&seat, w->account, &r->arena, &unit, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"login\":");
    json_put_string(b, r->session.account);
    buf_printf(b, ",\"state\":\"%s\",\"machine\":%s", account_state_name(w ? w->state : ACCOUNT_READY), w && !w->machine ? "false" : "true");
    json_put_moment(b, "now", r->now, http_zone(r->server));
    if (w) {
        buf_str(b, ",\"title\":");
        json_put_string(b, w->title);
        buf_printf(b, ",\"id\":%lld,\"factor\":%s,\"expires_at\":", (long long)w->id, w->factor ? "true" : "false");
        json_put_instant(b, w->expires_at, http_zone(r->server));
        if (w->csrf[0]) buf_printf(b, ",\"csrf\":\"%s\"", w->csrf);
    }
    http_put_unit(b, &unit);
    buf_str(b, ",\"grants\":[");
    for (size_t i = 0; i < r->session.n_grants; i++) {
        buf_str(b, i ? ",{\"role\":" : "{\"role\":");
        json_put_string(b, r->session.grants[i].role);
        buf_str(b, ",\"region\":");
        json_put_string(b, r->session.grants[i].region);
        buf_char(b, '}');
    }
    buf_str(b, "],\"may\":{");
    for (size_t i = 0; i < c->n_registers; i++) {
        if (i) buf_char(b, ',');
        json_put_string(b, c->registers[i].name);
        buf_char(b, ':');
        put_may(b, r, &c->registers[i]);
    }
    buf_str(b, "}}");
    return 0;
}

static int rotate_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_rotate(seat, r->cookie, r->now, &s->made, err);
}

static int then_told(struct request *r, struct error *err) {
    struct sign *s = r->state;
    if (r->rc >= 0 && s->made.cookie[0]) cookie_answer(r, &s->made); /* when it could not be rotated, the old id still holds */
    r->rc = 0;
    return tell(r, err);
}

static int who_am_i(struct request *r, struct error *err) {
    struct sign *s = NULL;
    if (!r->who || !r->who->rotate) return tell(r, err);
    int rc = sign_new(r, &s, err);
    return rc ? rc : request_account(r, rotate_work, then_told, err);
}

/* ---- out, and the list of sessions */

static int sign_out_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    return account_sign_out(seat, r->cookie, r->now, err);
}

static int then_out(struct request *r, struct error *err) {
    (void)err;
    if (r->rc < 0) return failed(r);
    cookie_answer(r, NULL);
    return answer_empty(r, 204);
}

static int sign_out(struct request *r, struct error *err) {
    return request_account(r, sign_out_work, then_out, err);
}

static int everywhere_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_sign_out_everywhere(seat, &r->session, s->login, err);
}

static struct text login_asked(const struct request *r) {
    struct text login = request_query(r, "login");
    return login.n ? login : r->session.account;
}

static int everywhere(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (rc < 0) return rc;
    s->login = login_asked(r);
    return request_account(r, everywhere_work, text_eq(s->login, r->session.account) ? then_out : then_nothing, err);
}

static int end_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_session_end(seat, &r->session, s->id, err);
}

static int end(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_id(r, "id", &s->id, err);
    return rc ? rc : request_account(r, end_work, then_nothing, err);
}

static int sessions(struct request *r, struct error *err) {
    struct account_seat seat;
    struct account_session_row *rows = NULL;
    size_t n = 0;
    int32_t zone = http_zone(r->server);
    int rc = request_seat(r, &seat, err);
    if (!rc) rc = account_sessions(&seat, &r->session, login_asked(r), &r->arena, &rows, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"id\":%lld,\"this\":%s,\"state\":\"%s\",\"created_at\":", i ? "," : "", (long long)rows[i].id,
                   r->who && !r->who->machine && r->who->id == rows[i].id ? "true" : "false", account_state_name(rows[i].state));
        json_put_instant(b, rows[i].created_at, zone);
        buf_str(b, ",\"seen_at\":");
        json_put_instant(b, rows[i].seen_at, zone);
        buf_str(b, ",\"expires_at\":");
        json_put_instant(b, rows[i].expires_at, zone);
        buf_str(b, ",\"address\":");
        json_put_string(b, rows[i].address);
        buf_str(b, ",\"agent\":");
        json_put_string(b, rows[i].agent);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    return 0;
}

/* ---- tokens */

static int token_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_token_new(seat, r->who, &s->wish, s->token, &s->id, err);
}

static int then_token(struct request *r, struct error *err) {
    struct sign *s = r->state;
    if (r->rc < 0) return failed(r);
    return answer_json(r, 201, json_pack("{s:I, s:s}", "id", (json_int_t)s->id, "token", s->token), err);
}

static int token_new(struct request *r, struct error *err) {
    struct sign *s = NULL;
    struct text until = {0};
    int rc = sign_new(r, &s, err);
    if (rc < 0) return rc;
    struct account_token_wish *w = &s->wish;
    if (!r->who) return error_set(err, E_DENIED, NULL, "this is for sessions of accounts / 仅适用于账户会话");
    rc = request_member(r, "login", false, &w->login, err);
    if (!rc) rc = request_member(r, "name", true, &w->name, err);
    if (!rc) rc = request_member(r, "roles", false, &w->roles, err);
    if (!rc) rc = request_member(r, "region", false, &w->region, err);
    if (!rc) rc = request_member(r, "registers", false, &w->registers, err);
    if (!rc) rc = request_member(r, "expires_at", true, &until, err);
    if (!rc && !instant_parse(until, http_zone(r->server), &w->expires_at)) rc = error_set(err, E_INVALID, "/expires_at", "is no instant / 不是时间");
    if (rc < 0) return rc;
    if (!w->login.n) w->login = r->session.account;
    w->write = json_is_true(json_object_get(r->json, "write"));
    w->open = json_is_true(json_object_get(r->json, "open"));
    return request_account(r, token_work, then_token, err);
}

static int tokens(struct request *r, struct error *err) {
    struct account_seat seat;
    struct account_token_row *rows = NULL;
    struct text login = request_query(r, "login");
    size_t n = 0;
    int32_t zone = http_zone(r->server);
    int rc = request_seat(r, &seat, err);
    if (!rc) rc = account_tokens(&seat, &r->session, text_is(login, "*") ? TEXT("") : login_asked(r), &r->arena, &rows, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        const struct account_token_row *t = &rows[i];
        const struct { const char *name; struct text value; } texts[] = {{"login", t->login}, {"name", t->name}, {"roles", t->roles}, {"region", t->region},
                                                                         {"registers", t->registers}, {"created_by", t->created_by}};
        buf_printf(b, "%s{\"id\":%lld,\"write\":%s,\"open\":%s", i ? "," : "", (long long)t->id, t->verbs & 1u << ACCESS_WRITE ? "true" : "false",
                   t->verbs & 1u << ACCESS_OPEN ? "true" : "false");
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            buf_printf(b, ",\"%s\":", texts[k].name);
            json_put_string(b, texts[k].value);
        }
        buf_str(b, ",\"created_at\":");
        json_put_instant(b, t->created_at, zone);
        buf_str(b, ",\"expires_at\":");
        json_put_instant(b, t->expires_at, zone);
        if (t->used_at != INSTANT_NONE) {
            buf_str(b, ",\"used_at\":");
            json_put_instant(b, t->used_at, zone);
        }
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    return 0;
}

static int revoke_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct request *r = arg;
    struct sign *s = r->state;
    return account_token_revoke(seat, &r->session, s->id, err);
}

static int token_revoke(struct request *r, struct error *err) {
    struct sign *s = NULL;
    int rc = sign_new(r, &s, err);
    if (!rc) rc = request_id(r, "id", &s->id, err);
    return rc ? rc : request_account(r, revoke_work, then_nothing, err);
}

#define LOGIN {"login", "{\"type\":\"string\"}", "账户,缺省为本人", "whose; the own without it"}

const struct route sign_routes[] = {
    {"POST", "/api/v1/session", WHO_PUBLIC, NULL, BODY_JSON, 4096, sign_in, "SignIn", "Signed", 0, 0, "登录", "sign in; sets the session cookie", {{0}}},
    {"GET", "/api/v1/session", WHO_SESSION, NULL, BODY_NONE, 0, who_am_i, NULL, "Session", 0, 0, "我是谁、可做什么、为何不可", "who am I, what may I do, and why not", {{0}}},
    {"DELETE", "/api/v1/session", WHO_SESSION, NULL, BODY_NONE, 0, sign_out, NULL, NULL, 204, 0, "退出登录", "sign out", {{0}}},
    {"POST", "/api/v1/session/factor", WHO_SESSION, NULL, BODY_JSON, 4096, factor, "Code", "Signed", 0, 0, "提交验证码或恢复码", "give a one-time or recovery code", {{0}}},
    {"POST", "/api/v1/session/password", WHO_SESSION, NULL, BODY_JSON, 4096, password, "PasswordChange", "Signed", 0, 0, "修改本人密码", "change the own password", {{0}}},
    {"POST", "/api/v1/session/enrolment", WHO_SESSION, NULL, BODY_JSON_MAYBE, 4096, enrol, NULL, "Enrolment", 0, 0, "启用双因素:取得密钥", "begin a second factor: its key", {{0}}},
    {"POST", "/api/v1/session/enrolment/confirm", WHO_SESSION, NULL, BODY_JSON, 4096, confirm, "Code", "Enrolled", 0, 0, "以验证码确认双因素,取得恢复码",
     "confirm it by a code; gives recovery codes", {{0}}},
    {"GET", "/api/v1/sessions", WHO_ACCOUNT, NULL, BODY_NONE, 0, sessions, NULL, "Sessions", 0, 0, "会话列表", "sessions of an account", {LOGIN}},
    {"DELETE", "/api/v1/sessions", WHO_ACCOUNT, NULL, BODY_NONE, 0, everywhere, NULL, NULL, 204, 0, "全部退出", "sign out everywhere, forget known devices", {LOGIN}},
    {"DELETE", "/api/v1/sessions/{id}", WHO_ACCOUNT, NULL, BODY_NONE, 0, end, NULL, NULL, 204, 0, "结束一个会话", "end one session", {{0}}},
    {"GET", "/api/v1/tokens", WHO_ACCOUNT, NULL, BODY_NONE, 0, tokens, NULL, "Tokens", 0, 0, "令牌列表", "machine tokens of an account; login=* for all one may see", {LOGIN}},
    {"POST", "/api/v1/tokens", WHO_ACCOUNT, NULL, BODY_JSON, 16384, token_new, "TokenWish", "TokenMade", 201, 0, "生成机器令牌,仅显示一次", "make a machine token; shown once", {{0}}},
    {"DELETE", "/api/v1/tokens/{id}", WHO_ACCOUNT, NULL, BODY_NONE, 0, token_revoke, NULL, NULL, 204, 0, "撤销令牌", "revoke a token", {{0}}},
    {0},
};

#define SIGNED_MEMBERS "\"state\":{\"type\":\"string\",\"enum\":[\"ready\",\"needs_factor\",\"needs_password\",\"needs_enrolment\"]},\"csrf\":" STRING ",\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"}"

const struct schema sign_schemas[] = {
    {"SignIn", "{\"type\":\"object\",\"required\":[\"login\",\"password\"],\"properties\":{\"login\":" STRING ",\"password\":{\"type\":\"string\",\"format\":\"password\"}}}"},
    {"Signed", "{\"type\":\"object\",\"required\":[\"state\",\"csrf\",\"expires_at\"],\"properties\":{" SIGNED_MEMBERS "}}"},
    {"Enrolled", "{\"type\":\"object\",\"required\":[\"state\",\"csrf\",\"expires_at\",\"recovery_codes\"],\"properties\":{" SIGNED_MEMBERS
                 ",\"recovery_codes\":{\"type\":\"array\",\"items\":" STRING "}}}"},
    {"Code", "{\"type\":\"object\",\"required\":[\"code\"],\"properties\":{\"code\":" STRING "}}"},
    {"PasswordChange", "{\"type\":\"object\",\"required\":[\"old\",\"new\"],\"properties\":{\"old\":{\"type\":\"string\",\"format\":\"password\"},\"new\":{\"type\":\"string\",\"format\":\"password\"}}}"},
    {"Enrolment", "{\"type\":\"object\",\"required\":[\"uri\",\"seed\"],\"properties\":{\"uri\":" STRING ",\"seed\":" STRING "}}"},
    {"Session", "{\"type\":\"object\",\"required\":[\"login\",\"state\",\"machine\",\"grants\",\"may\"],\"properties\":{\"now\":" STRING ",\"login\":" STRING ",\"title\":" STRING
                ",\"state\":" STRING ",\"machine\":{\"type\":\"boolean\"},\"factor\":{\"type\":\"boolean\"},\"id\":{\"type\":\"integer\"},\"csrf\":" STRING ",\"organisation\":" HTTP_UNIT_SCHEMA
                ",\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"grants\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"role\",\"region\"],\"properties\":{\"role\":" STRING
                ",\"region\":" STRING "}}},\"may\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\",\"required\":[\"read\",\"write\",\"open\"],\"properties\":{\"read\":{\"type\":\"boolean\"},"
                "\"write\":{\"type\":\"boolean\"},\"open\":{\"type\":\"boolean\"},\"why_not_read\":" STRING ",\"why_not_write\":" STRING ",\"why_not_open\":" STRING "}}}}}"},
    {"Sessions", "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"this\",\"state\",\"created_at\",\"seen_at\",\"expires_at\",\"address\",\"agent\"],\"properties\":{"
                 "\"id\":{\"type\":\"integer\"},\"this\":{\"type\":\"boolean\"},\"state\":" STRING ",\"created_at\":" STRING ",\"seen_at\":" STRING ",\"expires_at\":" STRING
                 ",\"address\":" STRING ",\"agent\":" STRING "}}}}}"},
    {"TokenWish", "{\"type\":\"object\",\"required\":[\"name\",\"expires_at\"],\"properties\":{\"name\":" STRING ",\"login\":" STRING ",\"roles\":" STRING ",\"region\":" STRING
                  ",\"registers\":" STRING ",\"write\":{\"type\":\"boolean\"},\"open\":{\"type\":\"boolean\"},\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"}}}"},
    {"TokenMade", "{\"type\":\"object\",\"required\":[\"id\",\"token\"],\"properties\":{\"id\":{\"type\":\"integer\"},\"token\":" STRING "}}"},
    {"Tokens", "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"login\",\"name\",\"roles\",\"region\",\"registers\",\"created_by\",\"write\",\"open\",\"created_at\",\"expires_at\"],\"properties\":{\"id\":{\"type\":\"integer\"},"
               "\"login\":" STRING ",\"name\":" STRING ",\"roles\":" STRING ",\"region\":" STRING ",\"registers\":" STRING ",\"created_by\":" STRING
               ",\"write\":{\"type\":\"boolean\"},\"open\":{\"type\":\"boolean\"},\"created_at\":" STRING ",\"expires_at\":" STRING ",\"used_at\":" STRING "}}}}}"},
    {0},
};

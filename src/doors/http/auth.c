/* Who asks. Accounts sign in through desks/account; a file of tokens serves tests and development. */
#include "doors/http/inside.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "desks/node.h"

enum { TOKENS_MAX = 64 << 10, ROLES_MAX = 8 };

struct dev_token {
    struct text token, account, roles, region;
};

struct dev_tokens {
    struct arena arena;
    struct buf file;
    size_t n;
    struct dev_token *list;
};

static struct text word(struct text *line) {
    while (line->n && (*line->s == ' ' || *line->s == '\t')) line->s++, line->n--;
    struct text w = {line->s, 0};
    while (w.n < line->n && line->s[w.n] != ' ' && line->s[w.n] != '\t') w.n++;
    line->s += w.n;
    line->n -= w.n;
    return w;
}

/* A line: TOKEN ACCOUNT ROLE;ROLE REGION ("-" is everywhere). */
int dev_tokens_read(const char *path, struct dev_tokens **ret, struct error *err) {
    struct dev_tokens *t = mem_alloc(sizeof *t);
    if (!t) return error_memory(err);
    int rc = file_read(path, TOKENS_MAX, &t->file, err);
    size_t lines = 1;
    for (size_t i = 0; !rc && i < t->file.n; i++) lines += t->file.s[i] == '\n';
    if (!rc && !(t->list = arena_alloc(&t->arena, lines * sizeof *t->list))) rc = error_memory(err);
    for (struct text rest = buf_view(&t->file); !rc && rest.n;) {
        const char *end = memchr(rest.s, '\n', rest.n);
        struct text line = {rest.s, end ? (size_t)(end - rest.s) : rest.n};
        rest.s += end ? line.n + 1 : line.n;
        rest.n -= end ? line.n + 1 : line.n;
        struct dev_token one = {.token = word(&line), .account = word(&line), .roles = word(&line), .region = word(&line)};
        if (!one.token.n || one.token.s[0] == '#') continue;
        if (one.token.n < 8 || !one.account.n || !one.region.n) rc = error_set(err, E_SYNTAX, path, "a line is: TOKEN ACCOUNT ROLES REGION / 每行应为: 令牌 账户 角色 区划");
        if (text_is(one.region, "-")) one.region = TEXT("");
        t->list[t->n++] = one;
    }
    if (rc < 0)
        dev_tokens_free(t);
    else
        *ret = t;
    return rc;
}

void dev_tokens_free(struct dev_tokens *t) {
    if (!t) return;
    if (t->file.s) explicit_bzero(t->file.s, t->file.n);
    buf_clear(&t->file);
    arena_clear(&t->arena);
    mem_free(t);
}

static void grant_roles(struct request *r, struct text roles, struct text region) {
    r->session.n_grants = 0;
    for (size_t at = 0; at <= roles.n && r->session.n_grants < REQUEST_GRANTS_MAX;) {
        const char *end = at < roles.n ? memchr(roles.s + at, ';', roles.n - at) : NULL;
        size_t n = end ? (size_t)(end - roles.s) - at : roles.n - at;
        if (n) r->grants[r->session.n_grants++] = (struct grant){.role = {roles.s + at, n}, .region = region};
        at += n + 1;
    }
    r->session.grants = r->grants;
}

static bool dev_sign_in(struct request *r, struct text token) {
    const struct dev_tokens *t = r->server->tokens;
    for (size_t i = 0; t && i < t->n; i++) {
        const struct dev_token *one = &t->list[i];
        if (one->token.n != token.n || sodium_memcmp(one->token.s, token.s, token.n) != 0) continue;
        r->session.account = one->account;
        grant_roles(r, one->roles, one->region);
        return r->signed_in = true;
    }
    return false;
}

/* A reason or purpose: UTF-8 as it is, or percent-encoded. */
static int header_words(struct request *r, const char *name, struct text *ret, struct error *err) {
    const char *h = request_header(r, name);
    *ret = (struct text){"", 0};
    if (!h || !*h) return 0;
    struct text raw = text_of(h);
    if (raw.n > 1000) return error_set(err, E_TOO_LARGE, name, "more than 1,000 bytes / 超过 1000 字节");
    if (memchr(raw.s, '%', raw.n)) {
        struct error why = {0};
        struct buf plain = {0};
        for (size_t i = 0; i < raw.n; i++) buf_char(&plain, raw.s[i] == ' ' ? '+' : raw.s[i]);
        int rc = plain.failed ? plain.failed : request_decode(&r->arena, buf_view(&plain), true, ret, &why);
        buf_clear(&plain);
        return rc < 0 ? error_set(err, E_SYNTAX, name, "a bad %% escape / 百分号转义有误") : 0;
    }
    if (!text_utf8_valid(raw)) return error_set(err, E_SYNTAX, name, "is not UTF-8; percent-encode it / 不是 UTF-8 编码,请用百分号转义");
    *ret = arena_text(&r->arena, raw);
    return ret->s ? 0 : error_memory(err);
}

int http_authenticate(struct request *r, struct error *err) {
    const char *h = request_header(r, "Authorization");
    r->session = (struct session){.account = {"", 0}, .grants = r->grants, .now = r->now, .zh = r->zh};
    int rc = header_words(r, "Tocsin-Purpose", &r->session.purpose, err);
    if (!rc) rc = header_words(r, "Tocsin-Reason", &r->session.reason, err);
    if (rc < 0) return rc;
    /* browsers say so themselves (Fetch Metadata); without it the session's token in a header still decides */
    const char *site = request_header(r, "Sec-Fetch-Site");
    if (site && !strcmp(site, "cross-site") && strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0)
        return error_set(err, E_DENIED, "Sec-Fetch-Site", "not from the page of another site / 不接受其他网站页面发起的写入");
    if (!h) return cookie_authenticate(r, TEXT(""), err);
    if (strncasecmp(h, "Bearer ", 7) != 0 || !h[7]) return error_set(err, E_SIGN_IN, "Authorization", "must be Bearer TOKEN / 应为 Bearer 令牌");
    return dev_sign_in(r, text_of(h + 7)) ? 0 : cookie_authenticate(r, text_of(h + 7), err);
}

int http_authorise(const struct request *r, struct error *err) {
    const struct route *route = r->route;
    if (route->who == WHO_PUBLIC) return 0;
    if (!r->signed_in) return error_set(err, E_SIGN_IN, NULL, "%s / %s", error_text(E_SIGN_IN), error_text_zh(E_SIGN_IN));
    if (route->who == WHO_SESSION) return r->who || !strcmp(r->method, "GET") ? 0 : error_set(err, E_DENIED, NULL, "this is for sessions of accounts / 仅适用于账户会话");
    if (r->who && r->who->state != ACCOUNT_READY)
        return error_set(err, E_SIGN_IN, NULL, "signing in is not finished: %s / 登录尚未完成: %s", account_state_name(r->who->state), account_state_name(r->who->state));
    if (!route->roles) return 0;
    struct text roles[ROLES_MAX];
    size_t n = 0;
    for (const char *p = route->roles; *p && n < ROLES_MAX; p += roles[n].n + (p[roles[n].n] == ';'), n++) roles[n] = (struct text){p, strcspn(p, ";")};
    for (size_t i = 0; i < r->session.n_grants; i++)
        if (text_is(r->session.grants[i].role, "root") || role_among(roles, n, r->session.grants[i].role)) return 0;
    const struct codelist *names = codelist_find(http_catalog(r->server), TEXT("role"));
    char en[160], zh[160];
    return error_set(err, E_DENIED, NULL, "this needs one of these roles: %s / 需要以下角色之一: %s", role_words(names, roles, n, false, en, sizeof en),
                     role_words(names, roles, n, true, zh, sizeof zh));
}

bool http_still_allowed(struct request *r) {
    struct error err = {0};
    r->now = http_now(r->server);
    r->signed_in = false;
    r->who = NULL;
    bool holds = http_authenticate(r, &err) == 0 && http_authorise(r, &err) == 0;
    if (r->reader) readers_give(r->server->readers, r->reader); /* a stream keeps none while it sends */
    r->reader = NULL;
    return holds;
}

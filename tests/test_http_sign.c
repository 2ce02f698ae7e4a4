/* Signing in over HTTP: cookies, the token against forgery, the second factor, machine tokens. */
#include "desks/account/account.h"
#include "http.h"

#include <liboath/oath.h>

#define FIRST "first word of all"
#define PASSWORD "three wet horses"

static struct account_options cheap = {.hash_passes = 1, .hash_memory = 8192};

struct browser {
    struct test_http h;
    char session[64], device[64], csrf[40];
};

static void begin(struct browser *b, size_t store) {
    struct http_options o = {.accounts = &cheap};
    *b = (struct browser){0};
    test_ledger_make(&b->h.t, store, NULL, "2022-05-30T08:00");
    test_http_start(&b->h, &o);
}

static void keep_cookie(const struct answer_got *got, const char *name, char out[64]) {
    char prefix[64];
    snprintf(prefix, sizeof prefix, "Set-Cookie: %s=", name);
    const char *at = strstr(got->head, prefix);
    if (!at) return;
    at += strlen(prefix);
    const char *end = strchr(at, ';'), *line = strchr(at, '\r');
    snprintf(out, 64, "%.*s", (int)(end - at), at);
    struct text attributes = {end, (size_t)(line - end)};
    if (!memmem(attributes.s, attributes.n, "HttpOnly", 8) || !memmem(attributes.s, attributes.n, "SameSite=Strict", 15)) fail_msg("%s", at);
}

/* As a browser asks: with its cookies, and the token when told to. */
static struct answer_got ask(struct browser *b, const char *method, const char *path, bool csrf, const char *body) {
    char headers[400];
    snprintf(headers, sizeof headers, "Cookie: tocsin_session=%s; tocsin_device=%s\r\n%s%s%s", b->session, b->device, csrf ? "Tocsin-CSRF: " : "", csrf ? b->csrf : "",
             csrf ? "\r\n" : "");
    struct answer_got got = test_http_ask(&b->h, method, path, NULL, headers, body);
    if (got.head) {
        keep_cookie(&got, "tocsin_session", b->session);
        keep_cookie(&got, "tocsin_device", b->device);
        if (got.json && *test_json_text(got.json, "csrf")) snprintf(b->csrf, sizeof b->csrf, "%s", test_json_text(got.json, "csrf"));
    }
    return got;
}

static const char *word(struct browser *b, const char *format, ...) {
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_str(&b->h.t.a, text);
}

static void code_now(struct browser *b, const char *seed, int64_t shift_s, char out[8]) {
    char *bin = NULL;
    size_t n = 0;
    if (oath_base32_decode(seed, strlen(seed), &bin, &n) != OATH_OK || oath_totp_generate(bin, n, test_at("2022-05-30T08:00") + shift_s, 30, 0, 6, out) != OATH_OK)
        fail_msg("no code");
    free(bin);
    (void)b;
}

/* Makes the account and changes its first password; signed in afterwards, as far as it may be. */
static void given(struct browser *b, const char *login, const char *roles) {
    assert_status(test_http_post(&b->h, "/api/v1/accounts", ROOT, word(b, "{\"login\":\"%s\",\"roles\":\"%s\",\"region\":\"310115\"}", login, roles)), 201);
    assert_status(test_http_post(&b->h, word(b, "/api/v1/accounts/%s/password", login), ROOT, "{\"password\":\"" FIRST "\"}"), 200);
    struct answer_got got = ask(b, "POST", "/api/v1/session", false, word(b, "{\"login\":\"%s\",\"password\":\"" FIRST "\"}", login));
    assert_status(got, 200);
    assert_string_equal(test_json_text(got.json, "state"), "needs_password");
    assert_status(ask(b, "GET", "/api/v1/registers/case/records/1", false, NULL), 401);
    assert_status(ask(b, "POST", "/api/v1/session/password", true, "{\"old\":\"" FIRST "\",\"new\":\"" PASSWORD "\"}"), 200);
}

#define EACH_BROWSER(b) \
    for (size_t store_ = 0; store_ < test_stores(); store_++) \
        for (int once_ = (begin(&b, store_), 1); once_; test_http_drop(&b.h), once_ = 0)

static void what_is_refused_at_the_door(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        given(&b, "li.na", "approver");
        struct answer_got got = ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"li.na\",\"password\":\"wrong wrong wrong\"}");
        assert_status(got, 401);
        assert_null(strstr(got.head, "Set-Cookie"));
        assert_status(ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"li.na\"}"), 422);
        assert_status(ask(&b, "POST", "/api/v1/session", false, "{\"login\":7,\"password\":\"x\"}"), 400);
        assert_status(test_http_get(&b.h, "/api/v1/session", NULL), 401);
        assert_status(test_http_get(&b.h, "/api/v1/session/oidc", NULL), 404);
        assert_status(test_http_get(&b.h, "/api/v1/session/oidc/callback?state=x&code=y", NULL), 404);
        assert_status(test_http_get(&b.h, "/api/v1/session", "tocsin_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 401);
        /* who is signed in by cookie writes only with the token of the session */
        assert_status(ask(&b, "GET", "/api/v1/session", false, NULL), 200);
        assert_status(ask(&b, "DELETE", "/api/v1/session", false, NULL), 403);
        assert_status(ask(&b, "POST", "/api/v1/tokens", false, "{\"name\":\"x\",\"expires_at\":\"2022-06-01T00:00\"}"), 403);
        char right[40];
        snprintf(right, sizeof right, "%s", b.csrf);
        snprintf(b.csrf, sizeof b.csrf, "AAAAAAAAAAAAAAAAAAAAAA");
        assert_status(ask(&b, "DELETE", "/api/v1/session", true, NULL), 403);
        snprintf(b.csrf, sizeof b.csrf, "%s", right);
        assert_status(ask(&b, "DELETE", "/api/v1/session", true, NULL), 204);
        assert_status(ask(&b, "GET", "/api/v1/session", false, NULL), 401);
        /* a page of another site, as its visitor's browser says, writes nothing: neither with a token nor to sign him in as somebody else */
        got = test_http_ask(&b.h, "POST", "/api/v1/session", NULL, "Sec-Fetch-Site: cross-site\r\n", "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}");
        assert_status(got, 403);
        assert_null(strstr(got.head, "Set-Cookie"));
        assert_status(test_http_ask(&b.h, "POST", "/api/v1/session", NULL, "Content-Type: text/plain\r\n", "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}"), 415);
        /* an id that somebody else chose beforehand is not taken over */
        got = test_http_ask(&b.h, "POST", "/api/v1/session", NULL, "Cookie: tocsin_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}");
        assert_status(got, 200);
        assert_non_null(strstr(got.head, "Set-Cookie: tocsin_session="));
        assert_null(strstr(got.head, "tocsin_session=AAAAAAAAAAAA"));
        assert_status(test_http_ask(&b.h, "GET", "/api/v1/session", NULL, "Cookie: tocsin_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", NULL), 401);
        /* an approver administers nobody */
        assert_status(ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}"), 200);
        assert_status(ask(&b, "GET", "/api/v1/accounts", false, NULL), 403);
        assert_status(ask(&b, "POST", "/api/v1/accounts/li.na/roles", true, "{\"roles\":\"root\"}"), 403);
        assert_status(ask(&b, "POST", "/api/v1/accounts", true, "{\"login\":\"more\"}"), 403);
    }
}

/* Who has an account is told to nobody who may do nothing with it: of whom there is and whom there is not, all that takes a login says the same. */
static void who_has_an_account_is_not_told(void **state) {
    (void)state;
    static struct browser b;
    static const struct { const char *method, *path, *body; } asks[] = {
        {"GET", "/api/v1/sessions?login=%s", NULL},
        {"DELETE", "/api/v1/sessions?login=%s", NULL},
        {"GET", "/api/v1/tokens?login=%s", NULL},
        {"POST", "/api/v1/tokens", "{\"login\":\"%s\",\"name\":\"x\",\"expires_at\":\"2022-06-01T00:00\"}"},
        {"POST", "/api/v1/accounts/%s/lock", "{\"locked\":true}"},
        {"POST", "/api/v1/accounts/%s/roles", "{\"roles\":\"guest\"}"},
        {"POST", "/api/v1/accounts/%s/password", "{}"},
        {"POST", "/api/v1/accounts/%s/unit", "{\"organisation\":null}"},
        {"DELETE", "/api/v1/accounts/%s/factor", NULL}};
    EACH_BROWSER(b) {
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"he\",\"region\":\"310115\"}"), 201);
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"far\",\"region\":\"320505\"}"), 201);
        given(&b, "li.na", "approver");
        for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
            static const char *const logins[] = {"he", "zz", "far"};
            char said[3][300];
            for (size_t k = 0; k < 3; k++) {
                struct answer_got got = ask(&b, asks[i].method, word(&b, asks[i].path, logins[k]), true, asks[i].body ? word(&b, asks[i].body, logins[k]) : NULL);
                if (got.status != 403 && got.status != 404) fail_msg("%s %s: %d", asks[i].method, asks[i].path, got.status);
                snprintf(said[k], sizeof said[k], "%d %s %s", got.status, test_json_text(got.json, "code"), test_json_text(got.json, "detail"));
            }
            if (strcmp(said[0], said[1]) != 0 || strcmp(said[1], said[2]) != 0) fail_msg("%s %s: %s, but of nobody: %s, of one far away: %s", asks[i].method, asks[i].path, said[0], said[1], said[2]);
        }
        /* who administers is told what is mistyped */
        assert_status(test_http_get(&b.h, "/api/v1/sessions?login=zz", ROOT), 404);
    }
}

/* A new id every quarter of an hour; the old one holds a minute longer, for what was under way. */
static void an_id_does_not_last(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        char old[64];
        given(&b, "li.na", "approver");
        memcpy(old, b.session, sizeof old);
        assert_status(ask(&b, "GET", "/api/v1/session", false, NULL), 200);
        assert_string_equal(old, b.session);
        b.h.server->offset += 901;
        assert_status(ask(&b, "GET", "/api/v1/session", false, NULL), 200);
        assert_string_not_equal(old, b.session);
        const char *header = word(&b, "Cookie: tocsin_session=%s\r\n", old);
        /* another window of the same browser, that asked with the old one: told who it is, and given nothing in the place of what the first was given */
        struct answer_got late = test_http_ask(&b.h, "GET", "/api/v1/session", NULL, header, NULL);
        assert_status(late, 200);
        assert_null(strstr(late.head, "Set-Cookie"));
        assert_status(test_http_ask(&b.h, "GET", "/api/v1/registers", NULL, header, NULL), 200);
        b.h.server->offset += ACCOUNT_GRACE_S;
        assert_status(test_http_ask(&b.h, "GET", "/api/v1/registers", NULL, header, NULL), 401);
        assert_status(ask(&b, "GET", "/api/v1/registers", false, NULL), 200);
        assert_status(ask(&b, "DELETE", "/api/v1/session", true, NULL), 204); /* its token against forgery is the same */
    }
}

static void tries_wait_but_the_known_browser_does_not(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        given(&b, "li.na", "approver");
        struct answer_got got = {0};
        for (int i = 0; i < 12 && got.status != 429; i++) got = test_http_post(&b.h, "/api/v1/session", NULL, "{\"login\":\"li.na\",\"password\":\"wrong wrong wrong\"}");
        assert_int_equal(got.status, 429);
        assert_non_null(strstr(got.head, "Retry-After: "));
        assert_status(test_http_post(&b.h, "/api/v1/session", NULL, "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}"), 429);
        assert_status(ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"li.na\",\"password\":\"" PASSWORD "\"}"), 200);
    }
}

static void who_opens_sealed_fields_gives_a_second_factor(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        char seed[64], code[8];
        given(&b, "sun", "tracer");
        assert_status(ask(&b, "GET", "/api/v1/registers/case/records/1", false, NULL), 401);
        struct answer_got got = ask(&b, "POST", "/api/v1/session/enrolment", true, NULL);
        assert_status(got, 200);
        assert_non_null(strstr(test_json_text(got.json, "uri"), "otpauth://totp/Tocsin%20310115:sun?secret="));
        snprintf(seed, sizeof seed, "%s", test_json_text(got.json, "seed"));
        assert_status(ask(&b, "POST", "/api/v1/session/enrolment/confirm", true, "{\"code\":\"000000\"}"), 409);
        code_now(&b, seed, 0, code);
        got = ask(&b, "POST", "/api/v1/session/enrolment/confirm", true, word(&b, "{\"code\":\"%s\"}", code));
        assert_status(got, 200);
        assert_int_equal(json_array_size(json_object_get(got.json, "recovery_codes")), ACCOUNT_RECOVERY_CODES);
        char recovery[40];
        snprintf(recovery, sizeof recovery, "%s", json_string_value(json_array_get(json_object_get(got.json, "recovery_codes"), 0)));
        assert_status(ask(&b, "GET", "/api/v1/registers/case/records/1", false, NULL), 404);
        got = ask(&b, "GET", "/api/v1/session", false, NULL);
        assert_true(json_is_true(json_object_get(got.json, "factor")));
        const json_t *may = json_object_get(json_object_get(got.json, "may"), "adoption");
        assert_true(json_is_false(json_object_get(may, "write")));
        assert_non_null(strstr(test_json_text(may, "why_not_write"), "指挥")); /* in the asker's language */
        /* the next time the password alone is not enough, and the code is not good twice */
        got = ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"sun\",\"password\":\"" PASSWORD "\"}");
        assert_status(got, 200);
        assert_string_equal(test_json_text(got.json, "state"), "needs_factor");
        assert_status(ask(&b, "GET", "/api/v1/registers/case/records/1", false, NULL), 401);
        assert_status(ask(&b, "GET", "/api/v1/sessions", false, NULL), 401);
        assert_status(ask(&b, "POST", "/api/v1/session/factor", true, word(&b, "{\"code\":\"%s\"}", code)), 401);
        assert_status(ask(&b, "POST", "/api/v1/session/factor", true, word(&b, "{\"code\":\"%s\"}", recovery)), 200);
        assert_status(ask(&b, "GET", "/api/v1/registers/case/records/1", false, NULL), 404);
    }
}

static void a_machine_does_what_its_token_says(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        given(&b, "fang", "approver");
        assert_status(ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"wall\",\"roles\":\"root\",\"expires_at\":\"2022-06-30T00:00\"}"), 403);
        assert_status(ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"wall\",\"region\":\"31\",\"expires_at\":\"2022-06-30T00:00\"}"), 403);
        assert_status(ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"wall\",\"open\":true,\"expires_at\":\"2022-06-30T00:00\"}"), 403);
        assert_status(ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"wall\",\"expires_at\":\"2032-06-30T00:00\"}"), 422);
        struct answer_got got = ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"wall\",\"registers\":\"daily_report\",\"expires_at\":\"2022-06-30T00:00\"}");
        assert_status(got, 201);
        char token[64];
        int64_t id = test_json_int(got.json, "id");
        snprintf(token, sizeof token, "%s", test_json_text(got.json, "token"));
        got = test_http_get(&b.h, "/api/v1/session", token);
        const json_t *may = json_object_get(got.json, "may");
        assert_true(json_is_true(json_object_get(json_object_get(may, "daily_report"), "read")));
        assert_true(json_is_false(json_object_get(json_object_get(may, "daily_report"), "write")));
        assert_true(json_is_false(json_object_get(json_object_get(may, "case"), "read")));
        assert_non_null(strstr(test_json_text(json_object_get(may, "case"), "why_not_read"), "令牌"));
        assert_status(test_http_post(&b.h, "/api/v1/tokens", token, "{\"name\":\"more\",\"expires_at\":\"2022-06-30T00:00\"}"), 403);
        assert_status(test_http_get(&b.h, "/api/v1/sessions", token), 403);
        assert_int_equal(json_array_size(json_object_get(ask(&b, "GET", "/api/v1/tokens", false, NULL).json, "items")), 1);
        assert_status(ask(&b, "DELETE", word(&b, "/api/v1/tokens/%lld", (long long)id), true, NULL), 204);
        assert_status(test_http_get(&b.h, "/api/v1/session", token), 401);
        assert_int_equal(json_array_size(json_object_get(ask(&b, "GET", "/api/v1/tokens", false, NULL).json, "items")), 0);
        /* signing out everywhere */
        assert_int_equal(json_array_size(json_object_get(ask(&b, "GET", "/api/v1/sessions", false, NULL).json, "items")), 1);
        assert_status(ask(&b, "DELETE", "/api/v1/sessions", true, NULL), 204);
        assert_status(ask(&b, "GET", "/api/v1/session", false, NULL), 401);
    }
}

/* Who counts is no administrator and no colleague: a token of role monitor reads the figures of the node, and not one record. */
static void what_is_counted_is_read_by_a_machine(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        given(&b, "prometheus", "monitor");
        struct answer_got got = ask(&b, "POST", "/api/v1/tokens", true, "{\"name\":\"scrape\",\"expires_at\":\"2022-06-30T00:00\"}");
        assert_status(got, 201);
        const char *token = word(&b, "%s", test_json_text(got.json, "token"));
        got = test_http_get(&b.h, "/metrics", token);
        assert_status(got, 200);
        assert_non_null(strstr(got.body.s, "tocsin_http_requests_total"));
        got = test_http_get(&b.h, "/api/v1/session", token);
        const char *register_name;
        json_t *may;
        json_object_foreach(json_object_get(got.json, "may"), register_name, may)
            if (!json_is_false(json_object_get(may, "read")) || !json_is_false(json_object_get(may, "write")) || !json_is_false(json_object_get(may, "open"))) fail_msg("may %s", register_name);
        assert_status(test_http_get(&b.h, "/api/v1/registers/case/records", token), 403);
        assert_status(test_http_get(&b.h, "/api/v1/node", token), 403);
        assert_int_equal(json_array_size(json_object_get(test_http_get(&b.h, "/api/v1/obligations", token).json, "obligations")), 0);
    }
}

static void accounts_are_administered(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
        struct answer_got got = test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"he\",\"title\":\"何\",\"region\":\"310115\"}");
        assert_status(got, 201);
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"he\"}"), 409);
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"He He\"}"), 422);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/he/roles", ROOT, "{\"roles\":\"system;security\"}"), 422);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/nobody/roles", ROOT, "{\"roles\":\"tester\"}"), 404);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/he/roles", ROOT, "{\"roles\":\"tester;reporter\"}"), 204);
        got = test_http_post(&b.h, "/api/v1/accounts/he/password", ROOT, "{}");
        assert_status(got, 200);
        assert_int_equal(strlen(test_json_text(got.json, "password")), 23);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/he/lock", ROOT, "{\"locked\":true}"), 204);
        got = test_http_get(&b.h, "/api/v1/accounts", AUDITOR);
        assert_status(got, 200);
        const json_t *he = json_array_get(json_object_get(got.json, "items"), 0);
        assert_string_equal(test_json_text(he, "login"), "he");
        assert_string_equal(test_json_text(he, "roles"), "tester;reporter");
        assert_true(json_is_true(json_object_get(he, "locked")));
        assert_status(test_http_post(&b.h, "/api/v1/accounts/he/lock", AUDITOR, "{\"locked\":false}"), 403);
        assert_status(test_http_ask(&b.h, "DELETE", "/api/v1/accounts/he/factor", ROOT, "", NULL), 204);
    }
}

/* Whose people one is of: told when one may act, to oneself whatever one reads, and to who administers. */
static void an_account_knows_its_unit(void **state) {
    (void)state;
    static struct browser b;
    EACH_BROWSER(b) {
#define LI_UNIT "/api/v1/accounts/li.na/unit"
        struct answer_got got = test_http_post(&b.h, "/api/v1/registers/organisation/records", ROOT, "{\"region\":\"310115\",\"fields\":{\"title\":\"区疾控中心\",\"kind\":\"cdc\"}}");
        assert_status(got, 201);
        int64_t unit = test_json_int(got.json, "id");
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"none\",\"organisation\":999999}"), 422);
        assert_status(test_http_post(&b.h, "/api/v1/accounts", ROOT, "{\"login\":\"none\",\"organisation\":\"cdc\"}"), 400);
        given(&b, "li.na", "sampler");
        got = ask(&b, "GET", "/api/v1/session", false, NULL);
        assert_null(json_object_get(got.json, "organisation"));
        assert_status(test_http_post(&b.h, LI_UNIT, ROOT, "{}"), 422);
        assert_status(test_http_post(&b.h, LI_UNIT, ROOT, "{\"organisation\":0}"), 400);
        assert_status(test_http_post(&b.h, LI_UNIT, ROOT, "{\"organisation\":999999}"), 422);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/nobody/unit", ROOT, word(&b, "{\"organisation\":%lld}", (long long)unit)), 404);
        const char *good = word(&b, "{\"organisation\":%lld}", (long long)unit);
        assert_status(test_http_post(&b.h, LI_UNIT, AUDITOR, good), 403);
        assert_status(ask(&b, "POST", LI_UNIT, true, good), 403);
        assert_status(test_http_post(&b.h, LI_UNIT, ROOT, good), 204);
        for (int i = 0; i < 2; i++) {
            got = ask(&b, "GET", "/api/v1/session", false, NULL);
            const json_t *told = json_object_get(got.json, "organisation");
            assert_int_equal(test_json_int(told, "id"), i ? 0 : unit);
            assert_string_equal(test_json_text(told, "title"), i ? "" : "区疾控中心");
            told = json_object_get(json_array_get(json_object_get(test_http_get(&b.h, "/api/v1/accounts", AUDITOR).json, "items"), 0), "organisation");
            assert_int_equal(test_json_int(told, "id"), i ? 0 : unit);
            assert_status(test_http_post(&b.h, LI_UNIT, ROOT, "{\"organisation\":null}"), 204);
        }
        /* with something left to do it is nobody's yet */
        assert_status(test_http_post(&b.h, LI_UNIT, ROOT, good), 204);
        assert_status(test_http_post(&b.h, "/api/v1/accounts/li.na/password", ROOT, "{\"password\":\"" FIRST "\"}"), 200);
        assert_status(ask(&b, "POST", "/api/v1/session", false, "{\"login\":\"li.na\",\"password\":\"" FIRST "\"}"), 200);
        got = ask(&b, "GET", "/api/v1/session", false, NULL);
        assert_string_equal(test_json_text(got.json, "state"), "needs_password");
        assert_null(json_object_get(got.json, "organisation"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_at_the_door),
        cmocka_unit_test(who_has_an_account_is_not_told),
        cmocka_unit_test(an_id_does_not_last),
        cmocka_unit_test(tries_wait_but_the_known_browser_does_not),
        cmocka_unit_test(who_opens_sealed_fields_gives_a_second_factor),
        cmocka_unit_test(a_machine_does_what_its_token_says),
        cmocka_unit_test(what_is_counted_is_read_by_a_machine),
        cmocka_unit_test(accounts_are_administered),
        cmocka_unit_test(an_account_knows_its_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Signing in through a real provider (glewlwyd) at the door: away with a cookie, back with a code, and in by a session of our own; refusals on the way. */
#include "http.h"
#include "idp.h"

#define AWAY "/api/v1/session/oidc"

static struct account_options cheap = {.hash_passes = 1, .hash_memory = 8192};
static struct idp idp;

static int end(void **state) {
    settle(state);
    if (idp.pid > 0) kill(idp.pid, SIGTERM);
    idp.pid = 0;
    return 0;
}

/* The cookie that came with an answer, as a header; NULL when none of that name did. */
static const char *cookie_of(const struct answer_got *got, const char *name, const char *attributes) {
    const char *at = strstr(got->head, arena_printf(&h.t.a, "\r\nSet-Cookie: %s=", name));
    if (!at) return NULL;
    at += 14;
    const char *line = arena_printf(&h.t.a, "%.*s", (int)strcspn(at, "\r"), at);
    if (!strstr(line, attributes)) fail_msg("%s", line);
    return arena_printf(&h.t.a, "Cookie: %.*s\r\n", (int)strcspn(line, ";"), line);
}

static struct answer_got back(const char *cookie, const char *state, const char *code) {
    return test_http_ask(&h, "GET", arena_printf(&h.t.a, AWAY "/callback?state=%s&code=%s", state, code), NULL, cookie, NULL);
}

static void away_and_back(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        char st[128], code[256], url[2048];
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, NULL, "2022-05-30T10:00");
        int started = idp_start(&idp, h.t.dir);
        if (started == 3) {
            test_ledger_drop(&h.t);
            print_message("glewlwyd is not there: `scripts/setup` unpacks it\n");
            skip();
        }
        assert_int_equal(started, 0);
        idp_declare(&idp, h.t.dir, "");
        test_http_start(&h, &(struct http_options){.accounts = &cheap, .at = instant_now()}); /* the provider lives by the wall clock */
        assert_status(test_http_post(&h, "/api/v1/accounts", ROOT, "{\"login\":\"li.na\",\"roles\":\"approver\",\"region\":\"310115\"}"), 201);

        struct answer_got got = test_http_get(&h, AWAY, NULL);
        assert_status(got, 302);
        const char *other = cookie_of(&got, "tocsin_oidc", "; HttpOnly; SameSite=Lax;"), *location = strstr(got.head, "\r\nLocation: ");
        assert_true(other && location);
        if (!strstr(location, "code_challenge_method=S256") || !strstr(location, "nonce=") || strstr(location, "very%20secret")) fail_msg("%.600s", location);
        got = test_http_ask(&h, "GET", AWAY, NULL, "Accept: application/json\r\n", NULL);
        assert_status(got, 200);
        const char *cookie = cookie_of(&got, "tocsin_oidc", "; HttpOnly; SameSite=Lax;");
        snprintf(url, sizeof url, "%s", test_json_text(got.json, "location"));
        idp_consent(&idp, "li.na", url, st, code);
        /* without the cookie of the browser that began, with another's, without a code, with one made up: nobody is signed in */
        const struct { const char *cookie, *state, *code; } wrong[] = {{"", st, code}, {other, st, code}, {cookie, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", code}, {cookie, st, ""}, {cookie, st, "made-up"}};
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            got = back(wrong[i].cookie, wrong[i].state, wrong[i].code);
            if (got.status != 401 || cookie_of(&got, "tocsin_session", "")) fail_msg("%zu: %d %s", i, got.status, got.head);
        }
        assert_status(test_http_ask(&h, "GET", AWAY "/callback?error=access_denied&state=x", NULL, cookie, NULL), 401);
        /* the right one, once; the session is as any other */
        got = back(cookie, st, code);
        assert_status(got, 200);
        const char *session = cookie_of(&got, "tocsin_session", "; HttpOnly; SameSite=Strict;");
        assert_non_null(session);
        assert_non_null(strstr(got.head, "Set-Cookie: tocsin_oidc=;"));
        got = test_http_ask(&h, "GET", "/api/v1/session", NULL, session, NULL);
        assert_status(got, 200);
        assert_non_null(strstr(got.body.s, "\"li.na\""));
        assert_status(test_http_ask(&h, "DELETE", "/api/v1/session", NULL, session, NULL), 403); /* a write needs the session's token too */
        got = back(cookie, st, code);
        assert_status(got, 401);
        assert_null(cookie_of(&got, "tocsin_session", ""));
        test_http_drop(&h);
        end(NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(away_and_back, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

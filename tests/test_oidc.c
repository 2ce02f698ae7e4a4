/* Signing in by OpenID Connect: what an id token must be, and the whole way against a real provider (tests/oidc: glewlwyd). */
#include "accounts.h"
#include "idp.h"

#include <jansson.h>
#include <rhonabwy.h>

#include "desks/account/oidc.h"

/* ---- id tokens, made by the library that reads them */

struct maker {
    jwk_t *key, *public_key, *stranger;
    char *jwks; /* holds public_key only */
};

static void maker_open(struct maker *m) {
    jwks_t *set = NULL;
    jwk_t *other = NULL;
    r_jwk_init(&m->key);
    r_jwk_init(&m->public_key);
    r_jwk_init(&m->stranger);
    r_jwk_init(&other);
    if (r_jwk_generate_key_pair(m->key, m->public_key, R_KEY_TYPE_EC, 256, "one") != RHN_OK) fail_msg("no key");
    if (r_jwk_generate_key_pair(m->stranger, other, R_KEY_TYPE_EC, 256, "one") != RHN_OK) fail_msg("no key");
    r_jwks_init(&set);
    r_jwks_append_jwk(set, m->public_key);
    m->jwks = r_jwks_export_to_json_str(set, 0);
    r_jwks_free(set);
    r_jwk_free(other);
}

static void maker_close(struct maker *m) {
    r_jwk_free(m->key);
    r_jwk_free(m->public_key);
    r_jwk_free(m->stranger);
    r_free(m->jwks);
}

static char *signed_by(jwk_t *key, jwa_alg alg, const char *claims, bool bring_key) {
    jwt_t *jwt = NULL;
    r_jwt_init(&jwt);
    r_jwt_set_sign_alg(jwt, alg);
    r_jwt_set_full_claims_json_str(jwt, claims);
    if (bring_key) {
        json_t *j = r_jwk_export_to_json_t(key);
        json_object_del(j, "d");
        r_jwt_set_header_json_t_value(jwt, "jwk", j);
        json_decref(j);
    }
    char *token = r_jwt_serialize_signed(jwt, key, 0);
    r_jwt_free(jwt);
    return token;
}

enum { NOW = 1653868800 };

static const char good_claims[] = "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\",\"amr\":[\"pwd\",\"otp\"]}";

static int verify_text(const char *jwks, const char *token, struct id_token *ret, struct error *err) {
    static struct arena a;
    static const struct text factors[] = {{"otp", 3}};
    struct id_token_wanted w = {.issuer = TEXT("https://idp.test"), .client = TEXT("tocsin"), .nonce = TEXT("nnn"), .claim = TEXT("login"), .n_factors = 1, .factors = factors,
                                .now = NOW};
    return id_token_verify(jwks, text_of(token), &w, &a, ret, err);
}

static void a_token_that_proves_nothing(void **state) {
    (void)state;
    static const char *const claims[] = {
        "{\"iss\":\"https://evil.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"other\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":[\"tocsin\",\"other\"],\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"azp\":\"other\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653868000,\"iat\":1653867999,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":\"1653869100\",\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653969100,\"iat\":1653869799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653969100,\"iat\":1653867799,\"nonce\":\"nnn\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"mmm\",\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"login\":\"li.na\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":\"\"}",
        "{\"iss\":\"https://idp.test\",\"aud\":\"tocsin\",\"exp\":1653869100,\"iat\":1653868799,\"nonce\":\"nnn\",\"login\":[\"li.na\"]}",
    };
    struct maker m = {0};
    struct id_token t;
    maker_open(&m);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        char *token = signed_by(m.key, R_JWA_ALG_ES256, claims[i], false);
        struct error err = {0};
        int rc = verify_text(m.jwks, token, &t, &err);
        if (rc != E_SIGN_IN) fail_msg("%zu: %d %s", i, rc, err.message);
        r_free(token);
    }
    /* of another key under the same name, even when it brings that key along */
    for (int bring = 0; bring < 2; bring++) {
        char *token = signed_by(m.stranger, R_JWA_ALG_ES256, good_claims, bring);
        assert_int_equal(verify_text(m.jwks, token, &t, NULL), E_SIGN_IN);
        r_free(token);
    }
    /* unsigned, by a shared secret that is the public key, cut, and no token at all */
    assert_int_equal(verify_text(m.jwks, "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lkcC50ZXN0In0.", &t, NULL), E_SIGN_IN);
    jwk_t *secret = NULL;
    r_jwk_init(&secret);
    r_jwk_import_from_symmetric_key(secret, (const unsigned char *)m.jwks, strlen(m.jwks));
    r_jwk_set_property_str(secret, "kid", "one");
    char *token = signed_by(secret, R_JWA_ALG_HS256, good_claims, false);
    assert_int_equal(verify_text(m.jwks, token, &t, NULL), E_SIGN_IN);
    r_free(token);
    r_jwk_free(secret);
    token = signed_by(m.key, R_JWA_ALG_ES256, good_claims, false);
    size_t n = strlen(token);
    token[n - 5] = token[n - 5] == 'A' ? 'B' : 'A';
    assert_int_equal(verify_text(m.jwks, token, &t, NULL), E_SIGN_IN);
    token[n / 2] = '\0';
    assert_int_equal(verify_text(m.jwks, token, &t, NULL), E_SIGN_IN);
    r_free(token);
    assert_int_equal(verify_text(m.jwks, "", &t, NULL), E_SIGN_IN);
    assert_int_equal(verify_text("{}", "a.b.c", &t, NULL), E_UNKNOWN);
    maker_close(&m);
}

static void a_token_that_does(void **state) {
    (void)state;
    struct maker m = {0};
    struct id_token t = {0};
    struct error err = {0};
    maker_open(&m);
    char *token = signed_by(m.key, R_JWA_ALG_ES256, good_claims, false);
    assert_ok(verify_text(m.jwks, token, &t, &err), err);
    assert_true(text_is(t.login, "li.na"));
    assert_true(t.factor);
    r_free(token);
    maker_close(&m);
}

/* ---- the provider */

static void reopen(struct test_accounts *x, const struct idp *p, const char *more) {
    struct error err = {0};
    struct account_options o = {.hash_passes = 1, .hash_memory = 8192};
    idp_declare(p, x->t.dir, more);
    accounts_close(x->accounts);
    x->accounts = NULL;
    assert_ok(accounts_open(x->t.l, &o, &x->accounts, &err), err);
    x->seat.accounts = x->accounts;
}

static int finish(struct test_accounts *x, const char *cookie, const char *state, const char *code, struct account_signed *ret) {
    struct error err = {0};
    int rc = account_oidc_finish(&x->seat, &x->from, text_of(cookie), text_of(state), text_of(code), x->now, ret, &err);
    if (rc == E_SIGN_IN) assert_null(strstr(err.message, "issuer")); /* the reason is not told */
    return rc;
}

static void the_way_there_and_back_on(size_t store) {
    struct test_accounts x;
    struct idp p = {0};
    struct account_oidc_start begun, other;
    struct account_signed s = {0};
    struct account_who who;
    struct error err = {0};
    char st[128], code[256];
    test_accounts_make(&x, store);
    assert_false(account_oidc_configured(x.accounts));
    assert_int_equal(account_oidc_begin(&x.seat, x.now, &begun, NULL), E_UNSUPPORTED);
    int started = idp_start(&p, x.t.dir);
    if (started == 3) {
        print_message("glewlwyd is not there: `scripts/setup` unpacks it; sign-in by OpenID Connect was NOT tested against a provider\n");
        test_accounts_drop(&x);
        skip();
    }
    assert_int_equal(started, 0);
    x.now = instant_now(); /* the provider lives by the wall clock */
    test_account_of(&x, "li.na", "approver", "310115");
    reopen(&x, &p, "");
    assert_true(account_oidc_configured(x.accounts));

    assert_ok(account_oidc_begin(&x.seat, x.now, &begun, &err), err);
    assert_ok(account_oidc_begin(&x.seat, x.now, &other, &err), err);
    idp_consent(&p, "li.na", begun.url, st, code);
    /* a code brought with another browser's cookie, another state, an altered or old cookie, or made up */
    assert_int_equal(finish(&x, other.cookie, st, code, &s), E_SIGN_IN);
    assert_int_equal(finish(&x, begun.cookie, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", code, &s), E_SIGN_IN);
    assert_int_equal(finish(&x, "", st, code, &s), E_SIGN_IN);
    struct account_oidc_start altered = begun;
    altered.cookie[60] = altered.cookie[60] == 'A' ? 'B' : 'A';
    assert_int_equal(finish(&x, altered.cookie, st, code, &s), E_SIGN_IN);
    assert_int_equal(finish(&x, begun.cookie, st, "madeup", &s), E_SIGN_IN);
    x.now += 601;
    assert_int_equal(finish(&x, begun.cookie, st, code, &s), E_SIGN_IN);
    x.now -= 601;
    /* and the right one, once */
    assert_ok(account_oidc_finish(&x.seat, &x.from, text_of(begun.cookie), text_of(st), text_of(code), x.now, &s, &err), err);
    assert_int_equal(s.state, ACCOUNT_READY);
    assert_int_equal(test_who(&x, s.cookie, &who), 0);
    assert_true(text_is(who.login, "li.na"));
    assert_false(who.factor);
    assert_int_equal(finish(&x, begun.cookie, st, code, &s), E_SIGN_IN);
    /* nobody is made an account in silence, and who is locked stays out */
    assert_ok(account_oidc_begin(&x.seat, x.now, &begun, &err), err);
    idp_consent(&p, "nobody.here", begun.url, st, code);
    assert_int_equal(finish(&x, begun.cookie, st, code, &s), E_SIGN_IN);
    x.t.s.now = x.now;
    assert_ok(account_lock(&x.seat, &x.t.s, TEXT("li.na"), true, &err), err);
    x.from.address = TEXT("192.0.2.8"); /* tries from one address wait by now */
    assert_ok(account_oidc_begin(&x.seat, x.now, &begun, &err), err);
    idp_consent(&p, "li.na", begun.url, st, code);
    assert_int_equal(finish(&x, begun.cookie, st, code, &s), E_DENIED);
    /* unless it is declared so: then a guest */
    reopen(&x, &p, "create: true\nsecond_factor: [session]\n");
    assert_ok(account_oidc_begin(&x.seat, x.now, &begun, &err), err);
    idp_consent(&p, "nobody.here", begun.url, st, code);
    assert_ok(account_oidc_finish(&x.seat, &x.from, text_of(begun.cookie), text_of(st), text_of(code), x.now, &s, &err), err);
    assert_int_equal(test_who(&x, s.cookie, &who), 0);
    assert_true(text_is(who.session.grants[0].role, "guest"));
    assert_true(text_is(who.title, "Name of nobody.here"));
    assert_true(who.factor); /* the declared words of `amr` */
    kill(p.pid, SIGTERM);
    test_accounts_drop(&x);
}

static void the_way_there_and_back(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) the_way_there_and_back_on(store);
}

static void what_a_declaration_may_not_be(void **state) {
    (void)state;
    static const char *const poor[] = {"client_secret: x\n", "issuer: http://idp.example\nclient_id: a\nclient_secret: b\nredirect_uri: https://c.example/\n",
                                       "issuer: https://idp.example\nclient_id: a\nclient_secret: b\nredirect_uri: file:///etc/passwd\n",
                                       "issuer: https://idp.example\nclient_id: a\nclient_secret: b\nredirect_uri: https://c.example/\nsurprise: 1\n",
                                       "issuer: https://user@idp.example\nclient_id: a\nclient_secret: b\nredirect_uri: https://c.example/\n",
                                       "issuer: https://idp.example\nclient_id: !a\nclient_secret: b\nredirect_uri: https://c.example/\n",
                                       "issuer: https://idp.example\nclient_id: a\nclient_secret: \"\"\nredirect_uri: https://c.example/\n"};
    struct provider p = {0};
    char path[] = "/tmp/tocsin-oidc-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof poor / sizeof *poor; i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_true(pwrite(fd, poor[i], strlen(poor[i]), 0) > 0);
        if (provider_read(path, &p, NULL) >= 0) fail_msg("%s", poor[i]);
    }
    static const char fine[] = "issuer: https://idp.example\nclient_id: a\nclient_secret: b\nredirect_uri: https://c.example/\n";
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_true(pwrite(fd, fine, sizeof fine - 1, 0) > 0);
    assert_int_equal(provider_read(path, &p, NULL), 0);
    assert_true(text_is(p.discovery, "https://idp.example/.well-known/openid-configuration"));
    provider_clear(&p);
    fchmod(fd, 0644); /* a secret that others may read */
    assert_int_equal(provider_read(path, &p, NULL), E_DENIED);
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_that_proves_nothing),
        cmocka_unit_test(a_token_that_does),
        cmocka_unit_test(what_a_declaration_may_not_be),
        cmocka_unit_test(the_way_there_and_back),
    };
    digest_init(NULL);
    test_stores();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

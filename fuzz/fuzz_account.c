/* What strangers send to sign in: cookies, bearer tokens, sealed states, id tokens, recovery codes, passwords. Laws: nothing made up is ever accepted; a password that
 * the rule takes is UTF-8 of the stated length; parsing never fails in another way than refusing. The first byte says what the rest is. */
#include <stdlib.h>
#include <string.h>

#include "desks/account/oidc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"one\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                           "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void id_token(struct text t) {
    struct arena a = {0};
    struct id_token got;
    struct id_token_wanted w = {.issuer = TEXT("https://idp"), .client = TEXT("tocsin"), .nonce = TEXT("n"), .claim = TEXT("login"), .now = 1653868800};
    if (id_token_verify(keys, t, &w, &a, &got, NULL) >= 0) abort(); /* nobody here has the key */
    arena_clear(&a);
}

static void key_set(struct text t) {
    static const char token[] = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9uZSJ9.eyJpc3MiOiJodHRwczovL2lkcCJ9.AAAA";
    struct arena a = {0};
    struct id_token got;
    struct id_token_wanted w = {.issuer = TEXT("https://idp"), .client = TEXT("tocsin"), .nonce = TEXT("n"), .claim = TEXT("login"), .now = 1653868800};
    struct text own = arena_text(&a, t);
    if (own.s && !memchr(own.s, 0, own.n) && id_token_verify(own.s, text_of(token), &w, &a, &got, NULL) >= 0) abort();
    arena_clear(&a);
}

static void state(struct text t) {
    static const struct vault_key key = {{1, 2, 3}};
    struct arena a = {0};
    struct text marks[3];
    if (oidc_state_open(&key, t, 1653868800, &a, marks, NULL) >= 0) abort();
    arena_clear(&a);
}

static void password(struct text t) {
    struct error err = {0};
    int rc = password_rule(t, TEXT("li.na"), &err);
    if (rc == 0 && (!text_utf8_valid(t) || t.n > ACCOUNT_PASSWORD_MAX || t.n < ACCOUNT_PASSWORD_MIN)) abort();
    if (rc < 0 && rc != E_REFUSED) abort();
}

static void code(struct text t) {
    int64_t step = 0;
    static const char seed[ACCOUNT_TOTP_SEED] = "12345678901234567890";
    if (totp_check(seed, sizeof seed, t, 1653868800, 0, &step) && (t.n != ACCOUNT_TOTP_DIGITS || llabs((long long)(step - 1653868800 / 30)) > 1)) abort();
    if (totp_check(seed, sizeof seed, t, 1653868800, 1653868800 / 30 + 1, &step)) abort(); /* all used up */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct text t = {(const char *)data + 1, size ? size - 1 : 0};
    if (!size) return 0;
    switch (data[0] % 6) {
    case 0: id_token(t); break;
    case 1: key_set(t); break;
    case 2: state(t); break;
    case 3: password(t); break;
    case 4: code(t); break;
    default: (void)provider_url_ok(t); (void)mark_shaped(t); break;
    }
    return 0;
}

/* Signing in by OpenID Connect: authorization code with PKCE (RFC 7636). State, nonce and verifier travel in a sealed cookie of the browser that began, so that
 * nothing is kept here: a flood of beginnings costs no memory, and any node may finish. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/account/oidc.h"

enum { STATE_S = 600, KEYS_S = 86400, KEYS_AGAIN_S = 60, MARK = ACCOUNT_COOKIE, SEALED_MAX = 256 };
static const struct text seal_context = {"account.oidc state", 18};

struct account_oidc {
    struct provider provider;
    pthread_mutex_t lock;
    /* under lock: what the provider says of itself */
    char authorize[ACCOUNT_URL_MAX / 2], token[ACCOUNT_URL_MAX / 2], keys_at[ACCOUNT_URL_MAX / 2];
    bool known;
    struct buf keys; /* the key set, as it came */
    instant keys_read;
};

bool account_oidc_configured(const struct accounts *a) {
    return a->oidc != NULL;
}

int oidc_open(struct ledger *l, struct accounts *a, struct error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/oidc.yaml", l->dir);
    const char *at = a->o.oidc_path ? a->o.oidc_path : path;
    a->o.oidc_path = NULL; /* borrowed only until here */
    if (access(at, F_OK) != 0) return 0;
    struct account_oidc *o = mem_alloc(sizeof *o);
    if (!o) return error_memory(err);
    int rc = provider_read(at, &o->provider, err);
    if (rc < 0) {
        mem_free(o);
        return rc;
    }
    pthread_mutex_init(&o->lock, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    a->oidc = o;
    return 0;
}

void oidc_close(struct account_oidc *o) {
    if (!o) return;
    provider_clear(&o->provider);
    buf_clear(&o->keys);
    pthread_mutex_destroy(&o->lock);
    mem_free(o);
}

static int not_configured(struct error *err) {
    return error_set(err, E_UNSUPPORTED, "oidc", "no sign-in provider is configured here / 未配置统一认证");
}

/* ---- what the provider says of itself */

static int keep_url(const json_t *j, const char *name, char out[ACCOUNT_URL_MAX / 2], struct error *err) {
    const char *url = json_string_value(json_object_get(j, name));
    if (!url || !provider_url_ok(text_of(url))) return error_set(err, E_STORE, "provider", "the provider's description lacks a usable %s / 认证服务描述有误", name);
    snprintf(out, ACCOUNT_URL_MAX / 2, "%s", url);
    return 0;
}

/* Under lock. */
static int discover(struct account_oidc *o, struct error *err) {
    struct buf b = {0};
    if (o->known) return 0;
    int rc = provider_ask(&o->provider, o->provider.discovery.s, NULL, &b, err);
    json_t *j = rc ? NULL : json_loadb(b.s, b.n, JSON_REJECT_DUPLICATES, NULL);
    const char *issuer = json_string_value(json_object_get(j, "issuer"));
    if (!rc && (!issuer || !text_eq(text_of(issuer), o->provider.issuer)))
        rc = error_set(err, E_STORE, "provider", "the provider says it is another issuer than oidc.yaml / 认证服务的 issuer 与配置不符");
    if (!rc) rc = keep_url(j, "authorization_endpoint", o->authorize, err);
    if (!rc) rc = keep_url(j, "token_endpoint", o->token, err);
    if (!rc) rc = keep_url(j, "jwks_uri", o->keys_at, err);
    o->known = !rc;
    json_decref(j);
    buf_clear(&b);
    return rc;
}

/* Under lock. Keys are read once a day, and again when a token names one that is not there, at most once a minute. */
static int read_keys(struct account_oidc *o, bool again, instant now, struct error *err) {
    if (o->keys.n && now - o->keys_read < (again ? KEYS_AGAIN_S : KEYS_S) && now >= o->keys_read) return 0;
    struct buf b = {0};
    int rc = provider_ask(&o->provider, o->keys_at, NULL, &b, err);
    if (rc < 0) {
        buf_clear(&b);
        return rc;
    }
    buf_clear(&o->keys);
    o->keys = b;
    o->keys_read = now;
    return 0;
}

/* ---- the sealed state: three marks and when it ends */

static size_t state_seal(const struct accounts *a, struct rng *secret, const char *marks, instant ends, char out[ACCOUNT_OIDC_STATE_MAX]) {
    char clear[SEALED_MAX];
    unsigned char sealed[SEALED_MAX + VAULT_OVERHEAD];
    int n = snprintf(clear, sizeof clear, "%s%lld", marks, (long long)ends);
    size_t k = vault_seal(&a->common, secret, seal_context, (struct text){clear, (size_t)n}, sealed);
    sodium_bin2base64(out, ACCOUNT_OIDC_STATE_MAX, sealed, k, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(clear, sizeof clear);
    return k;
}

int oidc_state_open(const struct vault_key *k, struct text cookie, instant now, struct arena *a, struct text marks[3], struct error *err) {
    unsigned char sealed[SEALED_MAX + VAULT_OVERHEAD];
    size_t n = 0;
    struct text clear = {0};
    int64_t ends = 0;
    if (cookie.n >= ACCOUNT_OIDC_STATE_MAX ||
        sodium_base642bin(sealed, sizeof sealed, cookie.s ? cookie.s : "", cookie.n, NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return unproven(err);
    if (vault_unseal(k, seal_context, (struct text){(const char *)sealed, n}, a, &clear, NULL) < 0 || clear.n <= 3 * MARK) return unproven(err);
    if (!text_int((struct text){clear.s + 3 * MARK, clear.n - 3 * MARK}, &ends) || now >= ends) return unproven(err);
    for (size_t i = 0; i < 3; i++) marks[i] = (struct text){clear.s + i * MARK, MARK};
    return 0;
}

static void add(struct buf *b, const char *name, struct text value) {
    buf_printf(b, "%s=", name);
    provider_escape(b, value);
}

int account_oidc_begin(const struct account_seat *seat, instant now, struct account_oidc_start *ret, struct error *err) {
    struct account_oidc *o = seat->accounts->oidc;
    char marks[3 * MARK + 1], challenge[MARK + 1];
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct buf url = {.max = ACCOUNT_URL_MAX - 1};
    struct account_oidc_start s;
    if (!o) return not_configured(err);
    pthread_mutex_lock(&o->lock);
    int rc = discover(o, err);
    if (!rc) buf_str(&url, o->authorize);
    pthread_mutex_unlock(&o->lock);
    for (size_t i = 0; i < 3; i++) mark_new(&seat->ledger->secret, marks + i * MARK);
    crypto_hash_sha256(hash, (const unsigned char *)marks + 2 * MARK, MARK);
    sodium_bin2base64(challenge, sizeof challenge, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (!rc) {
        buf_char(&url, memchr(url.s, '?', url.n) ? '&' : '?');
        add(&url, "response_type", TEXT("code"));
        add(&url, "&client_id", o->provider.client);
        add(&url, "&redirect_uri", o->provider.redirect);
        add(&url, "&scope", o->provider.scope);
        add(&url, "&state", (struct text){marks, MARK});
        add(&url, "&nonce", (struct text){marks + MARK, MARK});
        add(&url, "&code_challenge", text_of(challenge));
        add(&url, "&code_challenge_method", TEXT("S256"));
        rc = url.failed ? error_set(err, E_TOO_LARGE, "oidc", "the provider's address is too long / 地址过长") : 0;
    }
    if (!rc) {
        snprintf(s.url, sizeof s.url, "%s", buf_cstr(&url));
        state_seal(seat->accounts, &seat->ledger->secret, marks, now + STATE_S, s.cookie);
        *ret = s;
    }
    sodium_memzero(marks, sizeof marks);
    buf_clear(&url);
    return rc;
}

/* ---- the way back */

/* The code for a token, the token for what it says. */
static int redeem(struct account_oidc *o, const struct text marks[3], struct text code, instant now, struct arena *a, struct id_token *ret, struct error *err) {
    struct buf form = {.max = 16384}, answer = {0};
    char token_at[ACCOUNT_URL_MAX / 2];
    struct error why = {0};
    pthread_mutex_lock(&o->lock);
    int rc = discover(o, err);
    memcpy(token_at, o->token, sizeof token_at);
    if (!rc) rc = read_keys(o, false, now, err);
    pthread_mutex_unlock(&o->lock);
    add(&form, "grant_type", TEXT("authorization_code"));
    add(&form, "&code", code);
    add(&form, "&redirect_uri", o->provider.redirect);
    add(&form, "&code_verifier", marks[2]);
    if (!rc && form.failed) rc = error_memory(err);
    if (!rc) rc = provider_ask(&o->provider, token_at, buf_cstr(&form), &answer, err);
    json_t *j = rc ? NULL : json_loadb(answer.s, answer.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *token = json_object_get(j, "id_token");
    struct id_token_wanted w = {.issuer = o->provider.issuer, .client = o->provider.client, .nonce = marks[1], .claim = o->provider.claim, .n_factors = o->provider.n_factors,
                                .factors = o->provider.factors, .now = now};
    if (!rc && !json_is_string(token)) rc = error_set(err, E_SIGN_IN, "id_token", "the provider gave no id token / 认证服务未给出身份令牌");
    struct text t = {json_string_value(token), json_string_length(token)};
    for (int again = 0; !rc && again < 2; again++) {
        why = (struct error){0};
        pthread_mutex_lock(&o->lock);
        int read = again ? read_keys(o, true, now, &why) : 0;
        int verified = read ? read : id_token_verify(buf_cstr(&o->keys), t, &w, a, ret, &why);
        pthread_mutex_unlock(&o->lock);
        if (verified == E_UNKNOWN && !again) continue; /* a new key? */
        if (verified < 0) rc = error_set(err, verified == E_UNKNOWN ? E_SIGN_IN : verified, why.where, "%s", why.message);
        break;
    }
    json_decref(j);
    if (form.s) sodium_memzero(form.s, form.n);
    if (answer.s) sodium_memzero(answer.s, answer.n);
    buf_clear(&form);
    buf_clear(&answer);
    return rc;
}

/* The account of that login; made as a guest when oidc.yaml says so. */
static int holder_for(const struct account_seat *seat, const struct id_token *t, instant now, struct arena *a, struct holder *ret, struct error *err) {
    int rc = holder_by_login(seat->ledger, t->login, a, ret, err);
    if (rc != 0) return rc < 0 ? rc : 0;
    if (!seat->accounts->oidc->provider.create) return unproven(err);
    struct session house = account_inside;
    house.now = now;
    house.reason = TEXT("first sign-in by the provider");
    struct account_wish w = {.login = t->login, .title = t->title};
    int64_t id = 0;
    struct error why = {0};
    if (account_add(seat, &house, &w, &id, &why) < 0 && why.code != E_CONFLICT) return why.code == E_INVALID ? unproven(err) : error_set(err, why.code, why.where, "%s", why.message);
    rc = holder_by_login(seat->ledger, t->login, a, ret, err);
    return rc < 0 ? rc : rc == 0 ? unproven(err) : 0;
}

int account_oidc_finish(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text state, struct text code, instant now,
                        struct account_signed *ret, struct error *err) {
    struct accounts *x = seat->accounts;
    struct account_oidc *o = x->oidc;
    struct arena a = {0};
    struct text marks[3];
    struct id_token t;
    struct holder h;
    struct error why = {0};
    char login[80];
    if (!o) return not_configured(err);
    snprintf(login, sizeof login, "oidc %.*s", (int)(from->address.n < ADDRESS_KEPT ? from->address.n : ADDRESS_KEPT), from->address.s ? from->address.s : "");
    struct throttle_try try = {.login = text_of(login), .address = from->address};
    int rc = oidc_state_open(&x->common, cookie, now, &a, marks, err);
    if (!rc && (state.n != MARK || sodium_memcmp(state.s, marks[0].s, MARK) != 0 || !code.n || code.n > 4096)) rc = unproven(err);
    int64_t wait = rc ? 0 : throttle_ask(x->throttle, &try, now);
    if (wait) rc = rate_error(wait, err);
    if (rc < 0) goto out;
    rc = redeem(o, marks, code, now, &a, &t, &why);
    if (!rc) rc = holder_for(seat, &t, now, &a, &h, &why);
    if (rc == E_SIGN_IN) failures_note(x->failures, 0, from->address, "refused: sign-in by the provider", now);
    if (rc != E_SIGN_IN) throttle_ok(x->throttle, &try);
    if (rc < 0) {
        rc = rc == E_SIGN_IN ? unproven(err) : error_set(err, rc, why.where, "%s", why.message);
        goto out;
    }
    rc = sign_proved(seat, from, h.id, t.factor, now, ret, err);
out:
    arena_clear(&a);
    return rc;
}

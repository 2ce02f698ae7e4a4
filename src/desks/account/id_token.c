/* The id token: what the provider says of somebody, signed. Parsed and verified by librhonabwy; what it must say is checked here (OpenID Connect Core 3.1.3.7). */
#include <rhonabwy.h>
#include <string.h>

#include "desks/account/oidc.h"

enum { SKEW_S = 60, AGE_MAX_S = 600 };

static int untrue(struct error *err, const char *why) {
    return error_set(err, E_SIGN_IN, "id_token", "%s", why);
}

/* Only signatures by a key pair: a token that is unsigned, or signed by a secret somebody may know, is none. */
static bool alg_trusted(jwa_alg alg) {
    switch (alg) {
    case R_JWA_ALG_RS256:
    case R_JWA_ALG_RS384:
    case R_JWA_ALG_RS512:
    case R_JWA_ALG_PS256:
    case R_JWA_ALG_PS384:
    case R_JWA_ALG_PS512:
    case R_JWA_ALG_ES256:
    case R_JWA_ALG_ES384:
    case R_JWA_ALG_ES512:
    case R_JWA_ALG_EDDSA:
        return true;
    default:
        return false;
    }
}

static bool key_fits(jwk_t *key, const char *alg) {
    const char *use = r_jwk_get_property_str(key, "use"), *own = r_jwk_get_property_str(key, "alg");
    return (!use || !strcmp(use, "sig")) && (!own || !alg || !strcmp(own, alg)) && (r_jwk_key_type(key, NULL, R_FLAG_IGNORE_REMOTE) & R_KEY_TYPE_PUBLIC);
}

/* The key that the token names; without a name the only one there is. Owned. */
static jwk_t *key_of(jwks_t *set, jwt_t *jwt) {
    const char *kid = r_jwt_get_header_str_value(jwt, "kid");
    jwk_t *key = kid ? r_jwks_get_by_kid(set, kid) : r_jwks_size(set) == 1 ? r_jwks_get_at(set, 0) : NULL;
    if (key && !key_fits(key, r_jwt_get_header_str_value(jwt, "alg"))) {
        r_jwk_free(key);
        return NULL;
    }
    return key;
}

static bool is_text(const json_t *j, struct text wanted) {
    return json_is_string(j) && text_eq((struct text){json_string_value(j), json_string_length(j)}, wanted);
}

static bool meant_for(const json_t *claims, struct text client) {
    const json_t *aud = json_object_get(claims, "aud"), *azp = json_object_get(claims, "azp");
    bool among = is_text(aud, client);
    for (size_t i = 0; json_is_array(aud) && i < json_array_size(aud); i++) among = among || is_text(json_array_get(aud, i), client);
    if (!among || (azp && !is_text(azp, client))) return false;
    return !json_is_array(aud) || json_array_size(aud) == 1 || azp;
}

static int check_claims(const json_t *claims, const struct id_token_wanted *w, struct arena *a, struct id_token *ret, struct error *err) {
    const json_t *exp = json_object_get(claims, "exp"), *iat = json_object_get(claims, "iat"), *nonce = json_object_get(claims, "nonce");
    char claim[64];
    if (!is_text(json_object_get(claims, "iss"), w->issuer)) return untrue(err, "another issuer");
    if (!meant_for(claims, w->client)) return untrue(err, "meant for another client");
    if (!json_is_integer(exp) || json_integer_value(exp) <= w->now - SKEW_S) return untrue(err, "expired");
    if (!json_is_integer(iat) || json_integer_value(iat) > w->now + SKEW_S || json_integer_value(iat) < w->now - AGE_MAX_S) return untrue(err, "of another time");
    if (!json_is_string(nonce) || json_string_length(nonce) != w->nonce.n || !w->nonce.n || sodium_memcmp(json_string_value(nonce), w->nonce.s, w->nonce.n) != 0)
        return untrue(err, "of another sign-in");
    if (w->claim.n >= sizeof claim) return untrue(err, "no such claim");
    memcpy(claim, w->claim.s, w->claim.n);
    claim[w->claim.n] = '\0';
    const json_t *login = json_object_get(claims, claim), *name = json_object_get(claims, "name"), *amr = json_object_get(claims, "amr");
    if (!json_is_string(login) || !json_string_length(login) || json_string_length(login) > ACCOUNT_LOGIN_MAX) return untrue(err, "without the claim that is the login");
    struct id_token t = {.login = arena_text(a, (struct text){json_string_value(login), json_string_length(login)})};
    t.title = json_is_string(name) && json_string_length(name) && json_string_length(name) <= 100
                  ? arena_text(a, (struct text){json_string_value(name), json_string_length(name)})
                  : t.login;
    if (!t.login.s || !t.title.s) return error_memory(err);
    for (size_t i = 0; json_is_array(amr) && i < json_array_size(amr); i++)
        for (size_t k = 0; k < w->n_factors; k++) t.factor = t.factor || is_text(json_array_get(amr, i), w->factors[k]);
    *ret = t;
    return 0;
}

int id_token_verify(const char *jwks, struct text token, const struct id_token_wanted *w, struct arena *a, struct id_token *ret, struct error *err) {
    jwt_t *jwt = NULL;
    jwks_t *set = NULL;
    jwk_t *key = NULL;
    char *claims_text = NULL;
    json_t *claims = NULL;
    int rc = 0;
    if (!token.n || token.n > ID_TOKEN_MAX || memchr(token.s, 0, token.n)) return untrue(err, "no token");
    char *own = arena_text(a, token).s ? arena_printf(a, "%.*s", (int)token.n, token.s) : NULL;
    if (!own || r_jwt_init(&jwt) != RHN_OK || r_jwks_init(&set) != RHN_OK) {
        rc = error_memory(err);
    } else if (r_jwks_import_from_json_str(set, jwks) != RHN_OK || !r_jwks_size(set)) {
        rc = error_set(err, E_UNKNOWN, "jwks", "the provider's keys cannot be read / 无法读取认证服务的公钥");
    } else if (r_jwt_advanced_parse(jwt, own, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) != RHN_OK || r_jwt_get_type(jwt) != R_JWT_TYPE_SIGN || !alg_trusted(r_jwt_get_sign_alg(jwt))) {
        rc = untrue(err, "not a token signed by a key pair");
    } else if (!(key = key_of(set, jwt))) {
        rc = error_set(err, E_UNKNOWN, "jwks", "signed by a key that the provider does not show / 签名密钥不在认证服务公布之列");
    } else if (r_jwt_verify_signature(jwt, key, R_FLAG_IGNORE_REMOTE) != RHN_OK) {
        rc = untrue(err, "the signature is wrong");
    } else if (!(claims_text = r_jwt_get_full_claims_str(jwt)) || !(claims = json_loads(claims_text, JSON_REJECT_DUPLICATES, NULL)) || !json_is_object(claims)) {
        rc = untrue(err, "its claims cannot be read");
    } else {
        rc = check_claims(claims, w, a, ret, err);
    }
    json_decref(claims);
    r_free(claims_text);
    r_jwk_free(key);
    r_jwks_free(set);
    r_jwt_free(jwt);
    return rc;
}

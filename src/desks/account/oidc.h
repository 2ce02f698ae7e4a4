/* desks/account, private: parts of signing in by OpenID Connect. id_token.c verifies what the provider signed, provider.c talks to it, oidc.c is the flow. */
#ifndef TOCSIN_DESKS_ACCOUNT_OIDC_H
#define TOCSIN_DESKS_ACCOUNT_OIDC_H

#include <jansson.h>

#include "desks/account/inside.h"

enum { ID_TOKEN_MAX = 16 << 10, PROVIDER_ANSWER_MAX = 256 << 10 };

/* What an id token must say. */
struct id_token_wanted {
    struct text issuer, client, nonce;
    struct text claim;       /* which claim is the login */
    size_t n_factors;
    const struct text *factors; /* words of `amr` that count as a second factor */
    instant now;
};
struct id_token {
    struct text login, title; /* in the arena */
    bool factor;
};
/* Verifies signature (RS, PS, ES 256 to 512 or EdDSA, by a key of the set; never none, never a shared secret, never a key that the token brings along) and claims.
 * E_SIGN_IN with the reason; E_UNKNOWN when the key is not in the set (it may be new). */
int id_token_verify(const char *jwks, struct text token, const struct id_token_wanted *w, struct arena *a, struct id_token *ret, struct error *err);

/* The provider as declared in oidc.yaml and as it describes itself. */
struct provider {
    struct arena arena;
    struct text issuer, discovery, client, secret, redirect, claim, scope, ca_file;
    size_t n_factors;
    struct text *factors;
    bool create;
};
int provider_read(const char *path, struct provider *ret, struct error *err);
void provider_clear(struct provider *p);

/* One request; https, or http to this machine. At most PROVIDER_ANSWER_MAX bytes in ten seconds; redirects are not followed. form NULL: GET. E_STORE: it did not answer. */
int provider_ask(const struct provider *p, const char *url, const char *form, struct buf *ret, struct error *err);
/* https, or http to localhost: what may be asked at all. */
bool provider_url_ok(struct text url);
void provider_escape(struct buf *b, struct text t); /* application/x-www-form-urlencoded */

/* oidc.c: the sealed cookie's state, nonce and verifier; E_SIGN_IN when it is altered or over. */
int oidc_state_open(const struct vault_key *k, struct text cookie, instant now, struct arena *a, struct text marks[3], struct error *err);

/* sign.c: a session for an account that somebody else has proved. */
int sign_proved(const struct account_seat *seat, const struct account_from *from, int64_t account, bool factor, instant now, struct account_signed *ret, struct error *err);

#endif

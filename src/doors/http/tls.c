/* Certificates that can be exchanged while the server runs. libmicrohttpd hands its callback no argument of ours, so the certificate in use is one of the
 * process; what was in use before stays until the end, because a handshake may still hold it. */
#include "doors/http/inside.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <string.h>

enum { PEM_MAX = 256 << 10, CHAIN_MAX = 8 };

const char *const tls_priorities = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

struct tls_pair {
    struct tls_pair *before;
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned n;
    gnutls_privkey_t key;
};

static struct tls_pair *_Atomic in_use;

static void pair_free(struct tls_pair *p) {
    while (p) {
        struct tls_pair *before = p->before;
        for (unsigned i = 0; i < p->n; i++) gnutls_pcert_deinit(&p->chain[i]);
        if (p->key) gnutls_privkey_deinit(p->key);
        mem_free(p);
        p = before;
    }
}

int tls_load(const char *cert, const char *key, struct error *err) {
    struct buf chain = {0}, secret = {0};
    struct tls_pair *p = mem_alloc(sizeof *p);
    if (!p) return error_memory(err);
    int rc = file_read(cert, PEM_MAX, &chain, err);
    if (!rc) rc = file_read(key, PEM_MAX, &secret, err);
    gnutls_datum_t c = {(unsigned char *)chain.s, (unsigned)chain.n}, k = {(unsigned char *)secret.s, (unsigned)secret.n};
    p->n = CHAIN_MAX;
    int bad = rc ? -1 : gnutls_pcert_list_import_x509_raw(p->chain, &p->n, &c, GNUTLS_X509_FMT_PEM, 0);
    if (bad) p->n = 0;
    if (!rc && bad) rc = error_set(err, E_SYNTAX, cert, "is no certificate chain in PEM: %s / 不是 PEM 证书", gnutls_strerror(bad));
    bad = rc ? -1 : gnutls_privkey_init(&p->key);
    if (!bad) bad = gnutls_privkey_import_x509_raw(p->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (!rc && bad) rc = error_set(err, E_SYNTAX, key, "is no private key in PEM: %s / 不是 PEM 私钥", gnutls_strerror(bad));
    if (!rc) { /* they must belong together */
        gnutls_pubkey_t of_key = NULL;
        unsigned char a[64], b[64];
        size_t na = sizeof a, nb = sizeof b;
        bad = gnutls_pubkey_init(&of_key);
        if (!bad) bad = gnutls_pubkey_import_privkey(of_key, p->key, 0, 0);
        if (!bad) bad = gnutls_pubkey_get_key_id(of_key, 0, a, &na);
        if (!bad) bad = gnutls_pubkey_get_key_id(p->chain[0].pubkey, 0, b, &nb);
        if (bad || na != nb || memcmp(a, b, na) != 0) rc = error_set(err, E_INVALID, key, "does not belong to the certificate / 与证书不匹配");
        if (of_key) gnutls_pubkey_deinit(of_key);
    }
    if (secret.s) explicit_bzero(secret.s, secret.n);
    buf_clear(&secret);
    buf_clear(&chain);
    if (rc < 0) {
        pair_free(p);
        return rc;
    }
    p->before = in_use;
    in_use = p;
    return 0;
}

void tls_unload(void) {
    pair_free(in_use);
    in_use = NULL;
}

int tls_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int n_issuers, const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                    gnutls_pcert_st **ret, unsigned *ret_n, gnutls_privkey_t *ret_key) {
    struct tls_pair *p = in_use;
    (void)session, (void)issuers, (void)n_issuers, (void)algorithms, (void)n_algorithms;
    if (!p) return -1;
    *ret = p->chain;
    *ret_n = p->n;
    *ret_key = p->key;
    return 0;
}

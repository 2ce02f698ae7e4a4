#include "base/digest.h"

#include <sodium.h>
#include <string.h>

int digest_init(struct error *err) {
    if (sodium_init() < 0) return error_set(err, E_CRYPTO, NULL, "libsodium cannot start on this machine");
    return 0;
}

void digest_bytes(struct text t, unsigned char out[DIGEST_BYTES]) {
    crypto_generichash(out, DIGEST_BYTES, (const unsigned char *)t.s, t.n, NULL, 0);
}

_Static_assert(sizeof(crypto_generichash_state) <= sizeof((struct digest *)0)->state, "state of a running digest");

void digest_add(struct digest *d, struct text piece) {
    if (!d->begun) crypto_generichash_init((crypto_generichash_state *)(void *)d->state, NULL, 0, DIGEST_BYTES);
    d->begun = true;
    crypto_generichash_update((crypto_generichash_state *)(void *)d->state, (const unsigned char *)piece.s, piece.n);
}

void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES]) {
    digest_add(d, (struct text){"", 0});
    crypto_generichash_final((crypto_generichash_state *)(void *)d->state, out, DIGEST_BYTES);
    d->begun = false;
}

static int64_t digest_short(const unsigned char *key, size_t key_n, int kind, struct text t) {
    crypto_generichash_state state;
    unsigned char out[crypto_generichash_BYTES_MIN];
    unsigned char prefix = (unsigned char)kind;
    crypto_generichash_init(&state, key, key_n, sizeof out);
    crypto_generichash_update(&state, &prefix, 1);
    crypto_generichash_update(&state, (const unsigned char *)t.s, t.n);
    crypto_generichash_final(&state, out, sizeof out);
    int64_t v;
    memcpy(&v, out, sizeof v);
    return v;
}

int64_t digest_key64(const unsigned char key[32], int kind, struct text t) {
    return digest_short(key, 32, kind, t);
}

int64_t digest_64(struct text t) {
    return digest_short(NULL, 0, 0, t);
}

void hex_of(const unsigned char *bytes, size_t n, char *out) {
    sodium_bin2hex(out, n * 2 + 1, bytes, n);
}

bool hex_parse(struct text t, unsigned char *out, size_t n) {
    size_t got = 0;
    return t.n == n * 2 && sodium_hex2bin(out, n, t.s, t.n, NULL, &got, NULL) == 0 && got == n;
}

void rng_seed(struct rng *r, uint64_t seed) {
    *r = (struct rng){0};
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(seed >> (8 * i));
    crypto_generichash(r->key, sizeof r->key, bytes, sizeof bytes, NULL, 0);
    r->used = sizeof r->bytes;
}

void rng_seed_secret(struct rng *r) {
    *r = (struct rng){0};
    randombytes_buf(r->key, sizeof r->key);
    r->used = sizeof r->bytes;
}

static void rng_fill(struct rng *r) {
    unsigned char nonce[crypto_stream_chacha20_NONCEBYTES];
    for (int i = 0; i < 8; i++) nonce[i] = (unsigned char)(r->block >> (8 * i));
    crypto_stream_chacha20(r->bytes, sizeof r->bytes, nonce, r->key);
    r->block++;
    r->used = 0;
}

void rng_bytes(struct rng *r, void *out, size_t n) {
    unsigned char *p = out;
    while (n) {
        if (r->used == sizeof r->bytes) rng_fill(r);
        size_t k = sizeof r->bytes - r->used;
        if (k > n) k = n;
        memcpy(p, r->bytes + r->used, k);
        memset(r->bytes + r->used, 0, k); /* a nonce or key is handed out once */
        r->used += k;
        p += k;
        n -= k;
    }
}

uint64_t rng_u64(struct rng *r) {
    unsigned char b[8];
    rng_bytes(r, b, sizeof b);
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | b[i];
    return v;
}

uint64_t rng_below(struct rng *r, uint64_t n) {
    if (n == 0) return 0;
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t v;
    do v = rng_u64(r);
    while (v >= limit);
    return v % n;
}

double rng_unit(struct rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

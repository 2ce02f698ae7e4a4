/* base: hashing and seeded random numbers, thin over libsodium (never our own). */
#ifndef TOCSIN_BASE_DIGEST_H
#define TOCSIN_BASE_DIGEST_H

#include "base/text.h"

enum { DIGEST_BYTES = 32 };

/* Call once at start of a process; E_CRYPTO when libsodium refuses. */
int digest_init(struct error *err);
void digest_bytes(struct text t, unsigned char out[DIGEST_BYTES]);            /* BLAKE2b-256 */
/* The same over pieces. Zero the struct, add, then end. */
struct digest {
    _Alignas(64) unsigned char state[384];
    bool begun;
};
void digest_add(struct digest *d, struct text piece);
void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES]);
int64_t digest_key64(const unsigned char key[32], int kind, struct text t);   /* keyed BLAKE2b, kind mixed in */
int64_t digest_64(struct text t);                                             /* unkeyed, for natural keys */
void hex_of(const unsigned char *bytes, size_t n, char *out);                 /* 2n + 1 characters */
bool hex_parse(struct text t, unsigned char *out, size_t n);

/* Seeded generator over ChaCha20: same seed, same bytes on every machine. Zero the struct, then seed it. */
struct rng {
    unsigned char key[32];
    uint64_t block;
    unsigned char bytes[512];
    size_t used;
};
void rng_seed(struct rng *r, uint64_t seed);
void rng_seed_secret(struct rng *r); /* from the system; for keys and nonces */
void rng_bytes(struct rng *r, void *out, size_t n);
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1 without bias; 0 for n = 0 */
double rng_unit(struct rng *r);                /* [0,1) */

#endif

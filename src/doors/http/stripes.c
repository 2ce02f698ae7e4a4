#include "doors/http/stripes.h"

#include "base/digest.h"

void stripes_init(struct stripes *s) {
    struct rng secret;
    for (size_t i = 0; i < STRIPES; i++) pthread_mutex_init(&s->locks[i], NULL);
    rng_seed_secret(&secret);
    rng_bytes(&secret, s->key, sizeof s->key);
}

void stripes_clear(struct stripes *s) {
    for (size_t i = 0; i < STRIPES; i++) pthread_mutex_destroy(&s->locks[i]);
}

int64_t stripes_hash(const struct stripes *s, struct text name) {
    int64_t hash = digest_key64(s->key, 0, name);
    return hash ? hash : 1;
}

pthread_mutex_t *stripes_lock(struct stripes *s, int64_t hash, size_t sets, size_t *ret_set) {
    *ret_set = ((uint64_t)hash >> 20) % sets;
    pthread_mutex_t *lock = &s->locks[*ret_set % STRIPES];
    pthread_mutex_lock(lock);
    return lock;
}

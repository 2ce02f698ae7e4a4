/* How often somebody may ask: a token bucket an account and a bucket an address, in a table of a fixed size. Two that fall into one slot share it by
 * turns: the newer takes it with a full bucket, so that a stranger's flood cannot lock anybody out; in a table of this size that is rare. */
#include "doors/http/inside.h"

#include <pthread.h>

enum { SLOTS = 1 << 14, WAYS = 4, LOCKS = 64 };

struct bucket {
    int64_t who;      /* keyed hash; 0 empty */
    int64_t at_ns;
    float tokens;
};

struct rate {
    pthread_mutex_t locks[LOCKS];
    unsigned char key[32];
    struct bucket slots[SLOTS];
};

int rate_open(struct rate **ret, struct error *err) {
    struct rate *t = mem_alloc(sizeof *t);
    struct rng secret;
    if (!t) return error_memory(err);
    for (size_t i = 0; i < LOCKS; i++) pthread_mutex_init(&t->locks[i], NULL);
    rng_seed_secret(&secret);
    rng_bytes(&secret, t->key, sizeof t->key);
    *ret = t;
    return 0;
}

void rate_close(struct rate *t) {
    if (!t) return;
    for (size_t i = 0; i < LOCKS; i++) pthread_mutex_destroy(&t->locks[i]);
    mem_free(t);
}

bool rate_take(struct rate *t, struct text who, unsigned per_s, int64_t now_ns, int *ret_wait_s) {
    if (!per_s) return true;
    int64_t hash = digest_key64(t->key, 0, who);
    if (!hash) hash = 1;
    float burst = (float)per_s * 4;
    size_t base = ((uint64_t)hash >> 20) % (SLOTS / WAYS) * WAYS;
    pthread_mutex_t *lock = &t->locks[base / WAYS % LOCKS];
    pthread_mutex_lock(lock);
    struct bucket *b = NULL, *oldest = &t->slots[base];
    for (size_t i = 0; i < WAYS && !b; i++) {
        struct bucket *one = &t->slots[base + i];
        if (one->who == hash) b = one;
        if (one->at_ns < oldest->at_ns) oldest = one;
    }
    if (!b) {
        b = oldest;
        *b = (struct bucket){.who = hash, .at_ns = now_ns, .tokens = burst};
    }
    b->tokens += (float)((double)(now_ns - b->at_ns) * 1e-9 * per_s);
    if (b->tokens > burst) b->tokens = burst;
    b->at_ns = now_ns;
    bool granted = b->tokens >= 1;
    if (granted) b->tokens -= 1;
    pthread_mutex_unlock(lock);
    *ret_wait_s = 1 + (int)(1 / per_s);
    return granted;
}

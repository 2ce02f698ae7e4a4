/* How often somebody may ask: a token bucket an account and a bucket an address, in a table of a fixed size. Two that fall into one slot share it by
 * turns: the newer takes it with a full bucket, so that a stranger's flood cannot lock anybody out; in a table of this size that is rare. */
#include "doors/http/inside.h"
#include "doors/http/stripes.h"

enum { SLOTS = 1 << 14, WAYS = 4 };

struct bucket {
    int64_t who;      /* keyed hash; 0 empty */
    int64_t at_ns;
    float tokens;
};

struct rate {
    struct stripes stripes;
    struct bucket slots[SLOTS];
};

int rate_open(struct rate **ret, struct error *err) {
    struct rate *t = mem_alloc(sizeof *t);
    if (!t) return error_memory(err);
    stripes_init(&t->stripes);
    *ret = t;
    return 0;
}

void rate_close(struct rate *t) {
    if (!t) return;
    stripes_clear(&t->stripes);
    mem_free(t);
}

bool rate_take(struct rate *t, struct text who, unsigned per_s, int64_t now_ns, int *ret_wait_s) {
    if (!per_s) return true;
    int64_t hash = stripes_hash(&t->stripes, who);
    float burst = (float)per_s * 4;
    size_t set;
    pthread_mutex_t *lock = stripes_lock(&t->stripes, hash, SLOTS / WAYS, &set);
    struct bucket *b = NULL, *oldest = &t->slots[set * WAYS];
    for (size_t i = 0; i < WAYS && !b; i++) {
        struct bucket *one = &t->slots[set * WAYS + i];
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

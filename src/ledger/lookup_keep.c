/* What is kept in memory of the lookup beside a connection: filters of runs, and the front. */
#include <string.h>

#include "ledger/lookup_run.h"

/* Larger filters are those of few, old runs: probing their buckets costs little, and keeping them much. */
enum { KEEP_FILTER = 32 << 10, KEEP_BYTES = 16 << 20 };

struct lookup_kept {
    struct {
        struct lookup_filter *list;
        size_t n, cap;
    } shards[LOOKUP_SHARDS];
    size_t bytes;
    unsigned connection; /* db_connection: of what is kept */
    struct lookup_front front;
    const struct lookup_head *own; /* of the open write transaction */
    bool known;                    /* the shards, as of that state */
    uint64_t state;
    struct arena runs;
    struct lookup_shard all[LOOKUP_SHARDS];
};

static void kept_free(void *memory) {
    struct lookup_kept *k = memory;
    lookup_kept_forget(k, 0);
    for (size_t i = 0; i < LOOKUP_SHARDS; i++) mem_free(k->shards[i].list);
    lookup_front_free(&k->front);
    arena_clear(&k->runs);
    mem_free(k);
}

/* What was remembered under another connection may never have been: a server that fell forgets what it had not synced. */
struct lookup_kept *lookup_kept_of(struct db *db) {
    struct lookup_kept *k = db_memory(db);
    if (!k) {
        k = mem_alloc(sizeof *k);
        if (!k) return NULL;
        k->connection = db_connection(db);
        db_memory_set(db, k, kept_free);
    }
    if (k->connection != db_connection(db)) {
        lookup_kept_forget(k, 0);
        lookup_front_clear(&k->front);
        k->front.held = k->known = false;
        k->connection = db_connection(db);
    }
    return k;
}

struct lookup_front *lookup_kept_front(struct lookup_kept *k) {
    return &k->front;
}

void lookup_kept_hold(struct lookup_kept *k, const struct lookup_head *own) {
    k->own = own;
    k->front.held = own != NULL;
}

int lookup_kept_head(const struct lookup_kept *k, struct db *db, struct lookup_head *ret, struct error *err) {
    if (!k->own) return lookup_head_read(db, ret, err);
    *ret = *k->own;
    return 0;
}

void lookup_kept_reset(struct lookup_kept *k, uint64_t own_runs) {
    lookup_kept_forget(k, own_runs);
    k->known = false;
}

int lookup_kept_shards(struct lookup_kept *k, struct db *db, struct lookup_head head, const struct lookup_shard **ret, struct error *err) {
    *ret = k->all;
    if (k->known && k->state == head.shards) return 0;
    arena_reset(&k->runs);
    int rc = lookup_shards_read(db, &k->runs, NULL, k->all, err);
    k->known = rc == 0;
    k->state = head.shards;
    return rc;
}

static void drop(struct lookup_kept *k, unsigned shard, size_t at) {
    struct lookup_filter *list = k->shards[shard].list;
    k->bytes -= list[at].bytes;
    mem_free(list[at].bits);
    list[at] = list[--k->shards[shard].n];
}

void lookup_kept_forget(struct lookup_kept *k, uint64_t from_run) {
    for (unsigned s = 0; s < LOOKUP_SHARDS; s++)
        for (size_t i = k->shards[s].n; i-- > 0;)
            if (k->shards[s].list[i].run >= from_run) drop(k, s, i);
}

void lookup_kept_follow(struct lookup_kept *k, unsigned shard, const struct lookup_shard *now) {
    for (size_t i = k->shards[shard].n; i-- > 0;) {
        const struct lookup_filter *f = &k->shards[shard].list[i];
        size_t r = 0;
        while (r < now->n && (now->runs[r].run != f->run || now->runs[r].n != f->n)) r++;
        if (r == now->n) drop(k, shard, i);
    }
}

const struct lookup_filter *lookup_kept_find(const struct lookup_kept *k, unsigned shard, const struct lookup_run *run) {
    for (size_t i = 0; i < k->shards[shard].n; i++)
        if (k->shards[shard].list[i].run == run->run) return &k->shards[shard].list[i];
    return NULL;
}

bool lookup_kept_room(const struct lookup_kept *k, const struct lookup_run *run) {
    size_t bytes = lookup_filter_bytes(run->n);
    return bytes <= KEEP_FILTER && k->bytes + bytes <= KEEP_BYTES;
}

/* Without memory it is asked again the next time. */
void lookup_kept_put(struct lookup_kept *k, unsigned shard, const struct lookup_run *run, struct text bits) {
    unsigned char *copy = NULL;
    if (!bits.n || bits.n > KEEP_FILTER || k->bytes + bits.n > KEEP_BYTES) return;
    if (!mem_room(&k->shards[shard].list, &k->shards[shard].cap, k->shards[shard].n + 1, sizeof *k->shards[shard].list) || !(copy = mem_realloc(NULL, bits.n))) return;
    memcpy(copy, bits.s, bits.n);
    k->shards[shard].list[k->shards[shard].n++] = (struct lookup_filter){run->run, run->n, bits.n, copy};
    k->bytes += bits.n;
}

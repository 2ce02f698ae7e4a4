/* ledger, private to lookup*.c: how runs lie in the store. All numbers little-endian. */
#ifndef TOCSIN_LEDGER_LOOKUP_RUN_H
#define TOCSIN_LEDGER_LOOKUP_RUN_H

#include "ledger/lookup.h"

enum {
    LOOKUP_SHARDS = 256,
    LOOKUP_HEAD = LOOKUP_SHARDS, /* row of lookup_shard: struct lookup_head, 8 bytes each */
    LOOKUP_RUNS_MAX = 240,       /* of a shard; merging makes it a few dozen at most */
    ENTRY_BYTES = 16,
    /* id of a bucket: run | shard | bucket | piece */
    PIECE_BITS = 15,
    BUCKET_BITS = 14,
    SHARD_BITS = 8,
    RUN_BITS = 26,
};

enum {
    LOOKUP_FRONT = 16384, /* entries added or removed of the front after a commit, at most */
    LOOKUP_RUN = 4096,    /* so many new entries are a run at once */
    LOOKUP_TIER = 4,      /* runs of a level that become one of the next */
    LOOKUP_CLEAN = 32768, /* entries read for new filters by a transaction that removed some */
    LOOKUP_PAID = 8,      /* entries moved by merging for each that a transaction put into runs: more than there are levels, so that merging keeps up */
};

struct lookup_head {
    uint64_t first, next_run, cursor, next; /* rows of the front: from first, below next; shard to merge next */
    uint64_t shards;                        /* another one with each change of any shard's runs */
};

struct lookup {
    bool known, changed; /* the head was read, and the front is in memory as it is; the head differs from the store's */
    struct lookup_head head;
    uint64_t added;           /* entries of runs written in this transaction */
    bool dropped, traceless;  /* entries were removed; every stale filter is to be made anew */
    uint64_t own_runs;        /* the first run number of this transaction; known only when the head is */
    struct lookup_kept *kept; /* of the connection, which it is known with */
};

struct lookup_run {
    uint32_t run, n;
    uint8_t level, bits; /* 1 << bits buckets */
    bool stale;          /* its filter still has bits of entries that were removed */
};

/* What one row of lookup_shard says. The version moves with every change, so that a reader without snapshot notices. */
struct lookup_shard {
    uint64_t version;
    size_t n;
    struct lookup_run *runs;
    bool changed;
};

static inline unsigned lookup_shard_of(uint64_t place) {
    return (unsigned)(place >> (64 - SHARD_BITS));
}
static inline uint64_t lookup_bucket_of(uint64_t place, unsigned bits) {
    return bits ? place << SHARD_BITS >> (64 - bits) : 0;
}
/* First piece of a bucket; bucket 1 << BUCKET_BITS is the end of the shard's part of the run. */
static inline int64_t lookup_bucket_id(uint32_t run, unsigned shard, uint64_t bucket) {
    return (int64_t)((((uint64_t)run << SHARD_BITS | shard) << BUCKET_BITS) + bucket) << PIECE_BITS;
}
static inline int64_t lookup_filter_id(uint32_t run, unsigned shard) {
    return (int64_t)((uint64_t)run << SHARD_BITS | shard);
}
struct lookup_entry lookup_entry_at(const char *bytes, size_t i);
/* Pieces of the bucket whose first piece this is: 1, or what stands behind its entries. */
size_t lookup_pieces(struct text entries);

/* By place, then holder. tmp has room for n. */
void lookup_sort(struct lookup_entry *e, struct lookup_entry *tmp, size_t n);
int lookup_compare(const void *a, const void *b);

/* The filter: 12 bits an entry in blocks of 64 bytes. */
size_t lookup_filter_bytes(size_t n);
void lookup_filter_fill(unsigned char *filter, size_t bytes, const struct lookup_entry *e, size_t n);
bool lookup_filter_may(const unsigned char *filter, size_t bytes, uint64_t place);

/* ---- filters kept in memory (lookup_keep.c), so that a value that is not there costs no row a run. A run's number is never used for another one once it is
 * committed, and its entries only become fewer: what was kept of it stays right. Forgotten are runs that are gone or have fewer entries, those of a
 * transaction that ended (it may have been rolled back), and all of them when the connection was made anew. Small ones only, some megabytes a connection. */
struct lookup_filter {
    uint32_t run, n;
    size_t bytes;
    unsigned char *bits;
};
struct lookup_kept *lookup_kept_of(struct db *db); /* NULL: out of memory */
void lookup_kept_reset(struct lookup_kept *k, uint64_t own_runs); /* a transaction that never was */
struct lookup_front *lookup_kept_front(struct lookup_kept *k);
/* From now on a write transaction's; NULL: no longer. */
void lookup_kept_hold(struct lookup_kept *k, const struct lookup_head *own);
int lookup_kept_head(const struct lookup_kept *k, struct db *db, struct lookup_head *ret, struct error *err);
/* Before others are called for a shard: forgets what is not in its list any more. */
void lookup_kept_follow(struct lookup_kept *k, unsigned shard, const struct lookup_shard *now);
/* NULL: not kept. */
const struct lookup_filter *lookup_kept_find(const struct lookup_kept *k, unsigned shard, const struct lookup_run *run);
bool lookup_kept_room(const struct lookup_kept *k, const struct lookup_run *run);
void lookup_kept_put(struct lookup_kept *k, unsigned shard, const struct lookup_run *run, struct text bits);
void lookup_kept_forget(struct lookup_kept *k, uint64_t from_run);

/* ---- the front in memory (lookup_front.c), beside the filters. Rows are never changed, only added and all removed at once, with `first` moved behind them: what
 * was read of them stays right until then. A write transaction holds it: what it adds and removes is told here first, and in the store by lookup_front_write. */
struct lookup_front {
    bool valid, held;          /* is what the store had when it was read; is what the open write transaction has */
    bool touched;              /* by this transaction */
    uint64_t first, next;      /* rows read: from first, below next */
    size_t stored;             /* entries added and removed in those rows */
    struct lookup_entry *list; /* holder 0: removed */
    uint32_t *follow;          /* of each the next in its chain, plus one */
    uint32_t *chains;          /* cap of them, by the low bits of the place: the first of each, plus one */
    size_t n, cap, own;        /* from own on: of this transaction and not in the store yet */
    struct lookup_entry *gone; /* to be told as removed */
    size_t n_gone, cap_gone;
};
void lookup_front_clear(struct lookup_front *f);
void lookup_front_free(struct lookup_front *f);
/* Reads what came since, or all of it. Inside a transaction or snapshot, with the head read there. */
int lookup_front_sync(struct lookup_front *f, struct db *db, struct lookup_head head, struct error *err);
/* The same where rows come in one statement with the head: start, every row from lookup_front_from on in order, end. start says false when the rows have to be
 * asked for anew, all of them. */
uint64_t lookup_front_from(const struct lookup_front *f);
bool lookup_front_start(struct lookup_front *f, struct lookup_head head);
int lookup_front_row(struct lookup_front *f, struct text cell, struct error *err);
int lookup_front_add(struct lookup_front *f, const struct lookup_entry *e, size_t n, struct error *err);
int lookup_front_drop(struct lookup_front *f, const struct lookup_entry *e, size_t n, struct error *err);
/* What this transaction did becomes a row. */
int lookup_front_write(struct lookup_front *f, struct db *db, struct lookup_head *head, struct error *err);
/* Takes every row out of the store, and all out of the memory. */
int lookup_front_remove(struct lookup_front *f, struct db *db, struct lookup_head *head, struct error *err);
/* Index plus one of the first, and of the next, entry that may have the place; 0: none. */
static inline uint32_t lookup_front_first(const struct lookup_front *f, uint64_t place) {
    return f->cap ? f->chains[place & (f->cap - 1)] : 0;
}

struct lookup_head lookup_head_parse(struct text cell);
int lookup_head_read(struct db *db, struct lookup_head *ret, struct error *err);
/* Reads the rows of the wanted shards (want[shard]; NULL: all) into all[LOOKUP_SHARDS], memory from the arena. Shards without a row have no runs. */
int lookup_shards_read(struct db *db, struct arena *a, const bool *want, struct lookup_shard all[LOOKUP_SHARDS], struct error *err);
/* All of them, as they are in memory, or read when the head says that they are others now. */
int lookup_kept_shards(struct lookup_kept *k, struct db *db, struct lookup_head head, const struct lookup_shard **ret, struct error *err);
/* Writes those that are marked changed, each with the next version. */
int lookup_shards_write(struct lookup *x, struct db *db, struct lookup_shard all[LOOKUP_SHARDS], struct error *err);

/* Makes a run of sorted entries, all shards or some. Notes it in the shards and marks them. */
int lookup_run_write(struct db *db, struct arena *a, struct lookup_shard all[LOOKUP_SHARDS], uint32_t run, unsigned level, struct lookup_entry *e, size_t n,
                     struct error *err);
/* The entries of one shard of a run, sorted, in the arena. */
int lookup_run_read(struct db *db, struct arena *a, const struct lookup_run *run, unsigned shard, struct lookup_entry **ret, size_t *ret_n, struct error *err);
/* Rewrites one bucket of a shard of a run: `keep` are all entries that stay, sorted. */
int lookup_bucket_write(struct db *db, struct arena *a, const struct lookup_run *run, unsigned shard, uint64_t bucket, struct lookup_entry *keep, size_t n,
                        struct error *err);
int lookup_filter_write(struct db *db, struct arena *a, uint32_t run, unsigned shard, const struct lookup_entry *e, size_t n, struct error *err);
/* Removes shards first..last of a run. */
int lookup_run_remove(struct db *db, uint32_t run, unsigned first, unsigned last, struct error *err);

int lookup_run_new(struct lookup *x, uint32_t *ret, struct error *err);
/* Merges runs of equal level, shard by shard, until nothing is to be merged or LOOKUP_PAID times x->added entries were moved. */
int lookup_merge(struct lookup *x, struct db *db, struct error *err);
/* Makes stale filters anew until so many entries were read. */
int lookup_clean(struct lookup *x, struct db *db, uint64_t budget, struct error *err);

/* Reads the cell of one row of lookup_shard. */
int lookup_runs_parse(struct text cell, struct lookup_run runs[LOOKUP_RUNS_MAX], uint64_t *ret_version, size_t *ret_n, struct error *err);

const struct db_table *lookup_front_table(void);
const struct db_table *lookup_shard_table(void);
const struct db_table *lookup_bucket_table(void);
const struct db_table *lookup_filter_table(void);

#endif

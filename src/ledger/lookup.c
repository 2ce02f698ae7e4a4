/* The lookup, written: what goes to the front and what becomes a run, removals, merges. */
#include "ledger/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "ledger/lookup_run.h"

enum { DROP_GROUP = 2048 };

/* ---- kinds */

static uint64_t spread(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

struct lookup_kind lookup_blind(enum field_blind blind) {
    return (struct lookup_kind){spread((uint64_t)blind), (uint64_t)blind};
}

static struct lookup_kind kind_of(const char *what, struct text reg) {
    char name[96];
    size_t n = strlen(what);
    if (reg.n > sizeof name - n) reg.n = sizeof name - n;
    memcpy(name, what, n);
    memcpy(name + n, reg.s, reg.n);
    uint64_t d = (uint64_t)digest_64((struct text){name, n + reg.n});
    return (struct lookup_kind){spread(d), 16 + d % 32000};
}

struct lookup_kind lookup_key(struct text reg) {
    return kind_of("key of ", reg);
}

struct lookup_kind lookup_number(struct text reg) {
    return kind_of("number of ", reg);
}

/* Numbers are made by the ledger, so nobody chooses words that meet. */
int64_t lookup_word(struct text word) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ word.n;
    for (size_t i = 0; i < word.n; i += 8) {
        uint64_t w = 0;
        size_t n = word.n - i < 8 ? word.n - i : 8;
        for (size_t k = 0; k < n; k++) w |= (uint64_t)(unsigned char)word.s[i + k] << (8 * k);
        h = spread(h ^ w);
    }
    return (int64_t)h;
}

struct lookup_entry lookup_entry_of(struct lookup_kind kind, int64_t value, int64_t id) {
    return (struct lookup_entry){spread((uint64_t)value ^ kind.salt), kind.tag << LOOKUP_HOLDER_BITS | (uint64_t)id};
}

/* ---- tables */

const struct db_table *lookup_front_table(void) {
    static const struct db_column columns[] = {{"id", COLUMN_INT, true}, {"entries", COLUMN_BLOB, true}};
    static const struct db_table table = {.name = "lookup_front", .key = "id", .n_columns = 2, .columns = columns};
    return &table;
}

const struct db_table *lookup_shard_table(void) {
    static const struct db_column columns[] = {{"shard", COLUMN_INT, true}, {"runs", COLUMN_BLOB, true}};
    static const struct db_table table = {.name = "lookup_shard", .key = "shard", .n_columns = 2, .columns = columns};
    return &table;
}

const struct db_table *lookup_bucket_table(void) {
    static const struct db_column columns[] = {{"id", COLUMN_INT, true}, {"entries", COLUMN_BLOB, true}};
    static const struct db_table table = {.name = "lookup_bucket", .key = "id", .n_columns = 2, .columns = columns};
    return &table;
}

const struct db_table *lookup_filter_table(void) {
    static const struct db_column columns[] = {{"id", COLUMN_INT, true}, {"bits", COLUMN_BLOB, true}};
    static const struct db_table table = {.name = "lookup_filter", .key = "id", .n_columns = 2, .columns = columns};
    return &table;
}

void lookup_tables(const struct db_table *out[LOOKUP_TABLES]) {
    out[0] = lookup_front_table();
    out[1] = lookup_shard_table();
    out[2] = lookup_bucket_table();
    out[3] = lookup_filter_table();
}

/* ---- state of the transaction */

int lookup_open(struct lookup **ret, struct error *err) {
    *ret = mem_alloc(sizeof **ret);
    return *ret ? 0 : error_memory(err);
}

void lookup_close(struct lookup *x) {
    mem_free(x);
}

void lookup_reset(struct lookup *x) {
    if (!x) return;
    if (x->known) {
        struct lookup_front *f = lookup_kept_front(x->kept);
        lookup_kept_reset(x->kept, x->own_runs);
        if (f->touched) lookup_front_clear(f);
        lookup_kept_hold(x->kept, NULL);
    }
    *x = (struct lookup){0};
}

void lookup_committed(struct lookup *x) {
    if (x->known) {
        lookup_kept_front(x->kept)->touched = false;
        lookup_kept_hold(x->kept, NULL);
    }
    *x = (struct lookup){0};
}

static int head_read(struct lookup *x, struct db *db, struct error *err) {
    struct lookup_head head;
    if (x->known) return 0;
    struct lookup_kept *kept = lookup_kept_of(db);
    int rc = kept ? lookup_head_read(db, &head, err) : error_memory(err);
    if (!rc) rc = lookup_front_sync(lookup_kept_front(kept), db, head, err);
    if (rc < 0) return rc;
    x->kept = kept;
    x->head = head;
    x->own_runs = head.next_run;
    x->known = true;
    lookup_kept_hold(kept, &x->head);
    return 0;
}

static int head_write(struct lookup *x, struct db *db, struct error *err) {
    static const uint16_t columns[] = {0, 1};
    unsigned char bytes[40] = {0};
    const uint64_t head[5] = {x->head.first, x->head.next_run, x->head.cursor, x->head.next, x->head.shards};
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(head[i / 8] >> (8 * (i % 8)));
    struct value row[] = {value_int(LOOKUP_HEAD), value_blob(bytes, sizeof bytes)};
    x->changed = false;
    return db_batch(db, DB_UPSERT, lookup_shard_table(), columns, 2, row, 1, NULL, err);
}

int lookup_run_new(struct lookup *x, uint32_t *ret, struct error *err) {
    if (x->head.next_run >> RUN_BITS) return error_set(err, E_TOO_LARGE, "lookup", "the index has used up its run numbers / 索引批次号已用尽");
    *ret = (uint32_t)x->head.next_run++;
    x->changed = true;
    return 0;
}

/* ---- adding */

/* What is in the front and these, in order and without doubles. */
static int front_and(const struct lookup_front *f, struct arena *a, const struct lookup_entry *more, size_t n_more, struct lookup_entry **ret, size_t *ret_n, struct error *err) {
    struct lookup_entry *e = arena_alloc(a, (f->n + n_more + 1) * sizeof *e), *tmp = arena_alloc(a, (f->n + n_more + 1) * sizeof *tmp);
    size_t n = 0, k = 0;
    if (!e || !tmp) return error_memory(err);
    for (size_t i = 0; i < f->n; i++)
        if (f->list[i].holder) e[n++] = f->list[i];
    if (n_more) memcpy(e + n, more, n_more * sizeof *e);
    n += n_more;
    lookup_sort(e, tmp, n);
    for (size_t i = 0; i < n; i++)
        if (!k || lookup_compare(&e[k - 1], &e[i])) e[k++] = e[i];
    *ret = e;
    *ret_n = k;
    return 0;
}

/* The front and these become one run. */
static int drain(struct lookup *x, struct db *db, const struct lookup_entry *more, size_t n_more, struct error *err) {
    struct arena a = {0};
    struct lookup_front *f = lookup_kept_front(x->kept);
    struct lookup_entry *e = NULL;
    struct lookup_shard all[LOOKUP_SHARDS];
    size_t n = 0;
    uint32_t run = 0;
    unsigned level = 0;
    int rc = front_and(f, &a, more, n_more, &e, &n, err);
    if (!rc) rc = lookup_front_remove(f, db, &x->head, err);
    x->changed = true;
    if (rc < 0 || !n) goto out;
    for (size_t size = n; size >= (size_t)LOOKUP_TIER * LOOKUP_FRONT && level < 12; size /= LOOKUP_TIER) level++;
    rc = lookup_run_new(x, &run, err);
    if (!rc) rc = lookup_shards_read(db, &a, NULL, all, err);
    if (!rc) rc = lookup_run_write(db, &a, all, run, level, e, n, err);
    if (!rc) rc = lookup_shards_write(x, db, all, err);
    x->added += n;
out:
    arena_clear(&a);
    return rc;
}

int lookup_add(struct lookup *x, struct db *db, const struct lookup_entry *entries, size_t n, struct error *err) {
    if (!n) return 0;
    int rc = head_read(x, db, err);
    if (rc < 0) return rc;
    if (n >= LOOKUP_RUN) return drain(x, db, entries, n, err);
    struct lookup_front *f = lookup_kept_front(x->kept);
    rc = lookup_front_add(f, entries, n, err);
    return rc || f->stored + f->n_gone + f->n - f->own <= 2 * LOOKUP_FRONT ? rc : drain(x, db, NULL, 0, err);
}

/* ---- removing */

/* A bucket that may hold entries to remove. */
struct target {
    int64_t id;
    struct lookup_run *run;
    unsigned shard;
    uint64_t bucket;
    size_t from, to; /* of the entries to remove */
    struct lookup_entry *keep;
    size_t n_keep, n_gone;
};

struct dropping {
    struct db *db;
    struct arena a;
    const struct lookup_entry *gone;
    struct target *targets;
    size_t n;
};

static int target_cmp(const void *a, const void *b) {
    const struct target *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static struct target *target_of(const struct dropping *d, int64_t id) {
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->targets[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < d->n && d->targets[low].id == id ? &d->targets[low] : NULL;
}

/* Takes a piece of a bucket apart into what stays and what goes. */
static int take_piece(struct dropping *d, struct target *t, struct text entries, size_t pieces, struct error *err) {
    size_t n = entries.n / ENTRY_BYTES;
    if (!t->keep) t->keep = arena_alloc(&d->a, (n * (pieces + 1) + 1) * sizeof *t->keep);
    if (!t->keep) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct lookup_entry e = lookup_entry_at(entries.s, i);
        if (bsearch(&e, d->gone + t->from, t->to - t->from, sizeof e, lookup_compare))
            t->n_gone++;
        else
            t->keep[t->n_keep++] = e;
    }
    return 0;
}

static int target_row(void *arg, const struct value *row, struct error *err) {
    struct dropping *d = arg;
    struct target *t = target_of(d, row[0].i);
    struct text entries = value_view(row[1]);
    if (!t) return 0;
    size_t pieces = lookup_pieces(entries);
    if (pieces == 1) return take_piece(d, t, entries, 1, err);
    t->n_keep = SIZE_MAX; /* later, piece by piece */
    t->n_gone = pieces;
    return 0;
}

static int large_target(struct dropping *d, struct target *t, struct error *err) {
    struct value range[] = {value_int(t->id), value_int(t->id + ((int64_t)1 << PIECE_BITS))};
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t pieces = t->n_gone;
    t->n_keep = t->n_gone = 0;
    int rc = db_query(d->db, "SELECT \"entries\" FROM \"lookup_bucket\" WHERE \"id\" >= ?1 AND \"id\" < ?2 ORDER BY \"id\"", range, 2, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = take_piece(d, t, value_view(row[0]), pieces, err);
    db_cursor_close(c);
    return rc;
}

/* Rewrites the buckets gathered so far. */
static int drop_targets(struct dropping *d, struct lookup_shard *all, struct error *err) {
    int64_t *ids = arena_alloc(&d->a, (d->n + 1) * sizeof *ids);
    if (!ids) return error_memory(err);
    qsort(d->targets, d->n, sizeof *d->targets, target_cmp);
    for (size_t i = 0; i < d->n; i++) ids[i] = d->targets[i].id;
    int rc = d->n ? db_query_in(d->db, "SELECT \"id\",\"entries\" FROM \"lookup_bucket\" WHERE \"id\"", "", ids, d->n, target_row, d, err) : 0;
    for (size_t i = 0; !rc && i < d->n; i++) {
        struct target *t = &d->targets[i];
        if (t->n_keep == SIZE_MAX) rc = large_target(d, t, err);
        if (rc < 0 || !t->n_gone) continue;
        rc = lookup_bucket_write(d->db, &d->a, t->run, t->shard, t->bucket, t->keep, t->n_keep, err);
        t->run->n -= (uint32_t)t->n_gone;
        t->run->stale = true;
        all[t->shard].changed = true;
    }
    d->n = 0;
    d->targets = NULL;
    arena_reset(&d->a);
    return rc;
}

static int add_targets(struct dropping *d, struct lookup_shard *s, unsigned shard, size_t from, size_t to, struct error *err) {
    struct target *grown = arena_alloc(&d->a, (d->n + s->n * (to - from) + 1) * sizeof *grown);
    if (!grown) return error_memory(err);
    if (d->n) memcpy(grown, d->targets, d->n * sizeof *grown);
    d->targets = grown;
    for (size_t r = 0; r < s->n; r++)
        for (size_t i = from, end; i < to; i = end) {
            uint64_t bucket = lookup_bucket_of(d->gone[i].place, s->runs[r].bits);
            for (end = i; end < to && lookup_bucket_of(d->gone[end].place, s->runs[r].bits) == bucket;) end++;
            d->targets[d->n++] = (struct target){
                .id = lookup_bucket_id(s->runs[r].run, shard, bucket), .run = &s->runs[r], .shard = shard, .bucket = bucket, .from = i, .to = end};
        }
    return 0;
}

/* A run without entries leaves its shard. */
static int drop_empty(struct db *db, struct lookup_shard *all, struct error *err) {
    int rc = 0;
    for (unsigned i = 0; !rc && i < LOOKUP_SHARDS; i++) {
        struct lookup_shard *s = &all[i];
        size_t k = 0;
        for (size_t r = 0; !rc && s->changed && r < s->n; r++) {
            if (s->runs[r].n)
                s->runs[k++] = s->runs[r];
            else
                rc = lookup_run_remove(db, s->runs[r].run, i, i, err);
        }
        if (s->changed) s->n = k;
    }
    return rc;
}

int lookup_drop(struct lookup *x, struct db *db, struct lookup_entry *entries, size_t n, bool traceless, struct error *err) {
    struct arena a = {0};
    struct dropping d = {.db = db, .gone = entries};
    struct lookup_shard all[LOOKUP_SHARDS];
    bool want[LOOKUP_SHARDS] = {false};
    if (!n) return 0;
    struct lookup_entry *tmp = arena_alloc(&a, n * sizeof *tmp);
    if (!tmp) return error_memory(err);
    lookup_sort(entries, tmp, n);
    for (size_t i = 0; i < n; i++) want[lookup_shard_of(entries[i].place)] = true;
    int rc = head_read(x, db, err);
    x->dropped = true;
    x->traceless = x->traceless || traceless;
    if (!rc) rc = lookup_front_drop(lookup_kept_front(x->kept), entries, n, err);
    if (!rc && traceless) rc = drain(x, db, NULL, 0, err); /* its rows still say what was ever removed from it */
    if (!rc) rc = lookup_shards_read(db, &a, want, all, err);
    for (size_t from = 0, to; !rc && from < n; from = to) {
        unsigned shard = lookup_shard_of(entries[from].place);
        for (to = from; to < n && lookup_shard_of(entries[to].place) == shard;) to++;
        rc = add_targets(&d, &all[shard], shard, from, to, err);
        if (!rc && d.n >= DROP_GROUP) rc = drop_targets(&d, all, err);
    }
    if (!rc) rc = drop_targets(&d, all, err);
    if (!rc) rc = drop_empty(db, all, err);
    if (!rc) rc = lookup_shards_write(x, db, all, err);
    arena_clear(&d.a);
    arena_clear(&a);
    return rc;
}

int lookup_settle(struct lookup *x, struct db *db, struct error *err) {
    if (!x->known) return 0;
    struct lookup_front *f = lookup_kept_front(x->kept);
    int rc = 0;
    if (f->stored + f->n_gone + f->n - f->own > LOOKUP_FRONT) rc = drain(x, db, NULL, 0, err);
    else if (f->n_gone || f->n > f->own) rc = lookup_front_write(f, db, &x->head, err), x->changed = true;
    if (!rc && x->added) rc = lookup_merge(x, db, err);
    if (!rc && x->dropped) rc = lookup_clean(x, db, x->traceless ? UINT64_MAX : LOOKUP_CLEAN, err);
    if (!rc && x->changed) rc = head_write(x, db, err);
    return rc;
}

int lookup_empty(struct lookup *x, struct db *db, struct error *err) {
    int rc = head_read(x, db, err);
    if (!rc) rc = lookup_front_remove(lookup_kept_front(x->kept), db, &x->head, err);
    if (!rc) rc = db_run(db, "DELETE FROM \"lookup_shard\"", NULL, 0, NULL, err);
    if (!rc) rc = db_run(db, "DELETE FROM \"lookup_bucket\"", NULL, 0, NULL, err);
    if (!rc) rc = db_run(db, "DELETE FROM \"lookup_filter\"", NULL, 0, NULL, err);
    x->head.cursor = x->added = 0;
    x->head.shards++;
    x->changed = true; /* numbers of runs and rows go on */
    return rc;
}

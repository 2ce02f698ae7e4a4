/* Runs of the lookup: buckets, filters and the list of runs of each shard, written and read. */
#include "ledger/lookup_run.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Entries of a bucket on average (at most), and of a piece. A piece fits into one page of SQLite; PostgreSQL keeps in its row what is below 2 kB. */
enum { BUCKET_LITE = 256, PIECE_LITE = 480, BUCKET_PG = 88, PIECE_PG = 116 };
enum { FILTER_BLOCK = 64, FILTER_BITS = 12, FILTER_PROBES = 6, RUN_BYTES = 12, VERSION_BYTES = 8 };

static uint64_t get64(const void *bytes) {
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return le64toh(v);
}

static uint32_t get32(const void *bytes) {
    uint32_t v;
    memcpy(&v, bytes, sizeof v);
    return le32toh(v);
}

static void put64(void *bytes, uint64_t v) {
    v = htole64(v);
    memcpy(bytes, &v, sizeof v);
}

static void put32(void *bytes, uint32_t v) {
    v = htole32(v);
    memcpy(bytes, &v, sizeof v);
}

struct lookup_entry lookup_entry_at(const char *bytes, size_t i) {
    return (struct lookup_entry){get64(bytes + i * ENTRY_BYTES), get64(bytes + i * ENTRY_BYTES + 8)};
}

size_t lookup_pieces(struct text entries) {
    return entries.n % ENTRY_BYTES == 8 ? (size_t)get64(entries.s + entries.n - 8) : 1;
}

/* ---- order */

int lookup_compare(const void *a, const void *b) {
    const struct lookup_entry *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return (x->holder > y->holder) - (x->holder < y->holder);
}

/* Places are spread evenly: one pass by their high bits puts each entry almost where it belongs, and insertion does the rest. */
void lookup_sort(struct lookup_entry *e, struct lookup_entry *tmp, size_t n) {
    unsigned bits = 0;
    while (bits < 14 && n >> bits > 1) bits++;
    if (n < 64) {
        qsort(e, n, sizeof *e, lookup_compare);
        return;
    }
    uint32_t count[(1 << 14) + 1] = {0};
    for (size_t i = 0; i < n; i++) count[(e[i].place >> (64 - bits)) + 1]++;
    for (size_t i = 0; i < (size_t)1 << bits; i++) count[i + 1] += count[i];
    for (size_t i = 0; i < n; i++) tmp[count[e[i].place >> (64 - bits)]++] = e[i];
    size_t moves = 0, most = 64 * n;
    for (size_t i = 1; i < n && moves < most; i++) {
        struct lookup_entry one = tmp[i];
        size_t at = i;
        for (; at > 0 && lookup_compare(&tmp[at - 1], &one) > 0; at--, moves++) tmp[at] = tmp[at - 1];
        tmp[at] = one;
    }
    memcpy(e, tmp, n * sizeof *e);
    if (moves >= most) qsort(e, n, sizeof *e, lookup_compare);
}

/* ---- filters */

size_t lookup_filter_bytes(size_t n) {
    size_t blocks = (n * FILTER_BITS + FILTER_BLOCK * 8 - 1) / (FILTER_BLOCK * 8);
    return (blocks ? blocks : 1) * FILTER_BLOCK;
}

static size_t block_of(size_t bytes, uint64_t place) {
    return (size_t)((place & UINT32_MAX) * (bytes / FILTER_BLOCK) >> 32) * FILTER_BLOCK;
}

void lookup_filter_fill(unsigned char *filter, size_t bytes, const struct lookup_entry *e, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char *block = filter + block_of(bytes, e[i].place);
        uint64_t g = e[i].place * 0x9E3779B97F4A7C15u >> 10;
        for (int k = 0; k < FILTER_PROBES; k++, g >>= 9) block[(g & 511) >> 3] |= (unsigned char)(1 << (g & 7));
    }
}

bool lookup_filter_may(const unsigned char *filter, size_t bytes, uint64_t place) {
    if (bytes < FILTER_BLOCK) return true;
    const unsigned char *block = filter + block_of(bytes, place);
    uint64_t g = place * 0x9E3779B97F4A7C15u >> 10;
    for (int k = 0; k < FILTER_PROBES; k++, g >>= 9)
        if (!(block[(g & 511) >> 3] >> (g & 7) & 1)) return false;
    return true;
}

/* ---- shards */

struct shards {
    struct arena *a;
    struct lookup_shard *all;
};

struct lookup_head lookup_head_parse(struct text cell) {
    struct lookup_head head = {.first = 1, .next_run = 1, .next = 1};
    if (cell.n == 40) head = (struct lookup_head){get64(cell.s), get64(cell.s + 8), get64(cell.s + 16), get64(cell.s + 24), get64(cell.s + 32)};
    return head;
}

int lookup_head_read(struct db *db, struct lookup_head *ret, struct error *err) {
    struct arena a = {0};
    struct value row = value_int(LOOKUP_HEAD), v = value_null();
    int rc = db_scalar(db, &a, "SELECT \"runs\" FROM \"lookup_shard\" WHERE \"shard\" = ?1", &row, 1, &v, err);
    *ret = lookup_head_parse(value_view(v));
    arena_clear(&a);
    return rc;
}

int lookup_runs_parse(struct text t, struct lookup_run runs[LOOKUP_RUNS_MAX], uint64_t *ret_version, size_t *ret_n, struct error *err) {
    size_t n = t.n < VERSION_BYTES ? 0 : (t.n - VERSION_BYTES) / RUN_BYTES;
    bool good = t.n == VERSION_BYTES + n * RUN_BYTES && n <= LOOKUP_RUNS_MAX;
    for (size_t i = 0; good && i < n; i++) {
        const char *p = t.s + VERSION_BYTES + i * RUN_BYTES;
        runs[i] = (struct lookup_run){get32(p), get32(p + 4), (uint8_t)p[8], (uint8_t)p[9], p[10] != 0};
        good = runs[i].bits <= BUCKET_BITS;
    }
    if (!good) return error_set(err, E_CORRUPT, "lookup_shard", "a list of runs is damaged / 索引目录已损坏");
    *ret_version = get64(t.s);
    *ret_n = n;
    return 0;
}

static int shard_row(void *arg, const struct value *row, struct error *err) {
    struct shards *x = arg;
    struct lookup_run runs[LOOKUP_RUNS_MAX];
    if (row[0].i < 0 || row[0].i >= LOOKUP_SHARDS) return 0;
    struct lookup_shard *s = &x->all[row[0].i];
    int rc = lookup_runs_parse(value_view(row[1]), runs, &s->version, &s->n, err);
    if (rc < 0) return rc;
    s->runs = arena_alloc(x->a, (s->n + 1) * sizeof *s->runs);
    if (!s->runs) return error_memory(err);
    memcpy(s->runs, runs, s->n * sizeof *runs);
    return 0;
}

int lookup_shards_read(struct db *db, struct arena *a, const bool *want, struct lookup_shard all[LOOKUP_SHARDS], struct error *err) {
    struct shards x = {a, all};
    int64_t ids[LOOKUP_SHARDS];
    size_t n = 0;
    memset(all, 0, LOOKUP_SHARDS * sizeof *all);
    for (int i = 0; i < LOOKUP_SHARDS; i++)
        if (!want || want[i]) ids[n++] = i;
    if (n <= 32) return db_query_in(db, "SELECT \"shard\",\"runs\" FROM \"lookup_shard\" WHERE \"shard\"", "", ids, n, shard_row, &x, err);
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(db, "SELECT \"shard\",\"runs\" FROM \"lookup_shard\"", NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = shard_row(&x, row, err);
    db_cursor_close(c);
    return rc;
}

int lookup_shards_write(struct lookup *x, struct db *db, struct lookup_shard all[LOOKUP_SHARDS], struct error *err) {
    static const uint16_t columns[] = {0, 1};
    struct arena a = {0};
    struct value rows[LOOKUP_SHARDS * 2];
    size_t n = 0;
    int rc = 0;
    for (int i = 0; !rc && i < LOOKUP_SHARDS; i++) {
        struct lookup_shard *s = &all[i];
        if (!s->changed) continue;
        s->changed = false;
        s->version++;
        char *bytes = arena_alloc(&a, VERSION_BYTES + s->n * RUN_BYTES);
        if (!bytes) {
            rc = error_memory(err);
            break;
        }
        put64(bytes, s->version);
        for (size_t k = 0; k < s->n; k++) {
            char *p = bytes + VERSION_BYTES + k * RUN_BYTES;
            put32(p, s->runs[k].run);
            put32(p + 4, s->runs[k].n);
            p[8] = (char)s->runs[k].level;
            p[9] = (char)s->runs[k].bits;
            p[10] = s->runs[k].stale;
        }
        rows[n++] = value_int(i);
        rows[n++] = value_blob(bytes, VERSION_BYTES + s->n * RUN_BYTES);
    }
    if (!rc && n) rc = db_batch(db, DB_UPSERT, lookup_shard_table(), columns, 2, rows, n / 2, NULL, err);
    if (n) {
        x->head.shards++;
        x->changed = true;
    }
    arena_clear(&a);
    return rc;
}

/* ---- buckets */

struct rows {
    struct arena *a;
    struct value *v;
    size_t n, cap;
};

static int add_row(struct rows *to, int64_t id, struct value blob, struct error *err) {
    if (!arena_room(to->a, &to->v, &to->cap, to->n + 2, sizeof *to->v)) return error_memory(err);
    to->v[to->n++] = value_int(id);
    to->v[to->n++] = blob;
    return 0;
}

/* The rows of one bucket. Blobs point into e, which must be in the order of the store's bytes when they are written. */
static int add_bucket(struct rows *to, bool pg, int64_t id, struct lookup_entry *e, size_t n, struct error *err) {
    size_t piece = pg ? PIECE_PG : PIECE_LITE, most = ((size_t)1 << PIECE_BITS) - 1;
    if (!n) return 0;
    if (n <= piece) return add_row(to, id, value_blob(e, n * ENTRY_BYTES), err);
    size_t pieces = (n + piece - 1) / piece;
    if (pieces > most) pieces = most;
    piece = (n + pieces - 1) / pieces;
    pieces = (n + piece - 1) / piece;
    char *first = arena_alloc(to->a, piece * ENTRY_BYTES + 8);
    if (!first) return error_memory(err);
    for (size_t i = 0; i < piece; i++) {
        put64(first + i * ENTRY_BYTES, e[i].place);
        put64(first + i * ENTRY_BYTES + 8, e[i].holder);
    }
    put64(first + piece * ENTRY_BYTES, pieces);
    int rc = add_row(to, id, value_blob(first, piece * ENTRY_BYTES + 8), err);
    for (size_t i = 1; !rc && i < pieces; i++)
        rc = add_row(to, id + (int64_t)i, value_blob(e + i * piece, (i + 1 < pieces ? piece : n - i * piece) * ENTRY_BYTES), err);
    return rc;
}

static void to_store(struct lookup_entry *e, size_t n) {
    for (size_t i = 0; htole64(1) != 1 && i < n; i++) e[i] = (struct lookup_entry){htole64(e[i].place), htole64(e[i].holder)};
}

static int add_filter(struct rows *to, uint32_t run, unsigned shard, const struct lookup_entry *e, size_t n, struct error *err) {
    size_t bytes = lookup_filter_bytes(n);
    unsigned char *filter = arena_alloc(to->a, bytes);
    if (!filter) return error_memory(err);
    lookup_filter_fill(filter, bytes, e, n);
    return add_row(to, lookup_filter_id(run, shard), value_blob(filter, bytes), err);
}

static int write_rows(struct db *db, enum db_verb verb, const struct db_table *t, const struct rows *rows, struct error *err) {
    static const uint16_t columns[] = {0, 1};
    return rows->n ? db_batch(db, verb, t, columns, 2, rows->v, rows->n / 2, NULL, err) : 0;
}

int lookup_run_write(struct db *db, struct arena *a, struct lookup_shard all[LOOKUP_SHARDS], uint32_t run, unsigned level, struct lookup_entry *e, size_t n,
                     struct error *err) {
    struct rows buckets = {.a = a}, filters = {.a = a};
    bool pg = db_kind_of(db) == DB_POSTGRES;
    size_t usual = pg ? BUCKET_PG : BUCKET_LITE;
    int rc = 0;
    for (size_t from = 0, to; !rc && from < n; from = to) {
        unsigned shard = lookup_shard_of(e[from].place), bits = 0;
        for (to = from; to < n && lookup_shard_of(e[to].place) == shard;) to++;
        if (to - from > UINT32_MAX) return error_set(err, E_TOO_LARGE, "lookup", "a shard has too many entries / 索引分片过大");
        while (bits < BUCKET_BITS && (to - from) >> bits > usual) bits++;
        struct lookup_shard *s = &all[shard];
        if (s->n >= LOOKUP_RUNS_MAX) return error_set(err, E_TOO_LARGE, "lookup", "shard %u has too many runs / 索引分片批次过多", shard);
        struct lookup_run *runs = arena_alloc(a, (s->n + 1) * sizeof *runs);
        if (!runs) return error_memory(err);
        if (s->n) memcpy(runs, s->runs, s->n * sizeof *runs);
        runs[s->n++] = (struct lookup_run){run, (uint32_t)(to - from), (uint8_t)level, (uint8_t)bits, false};
        s->runs = runs;
        s->changed = true;
        for (size_t i = from, end; !rc && i < to; i = end) {
            uint64_t bucket = lookup_bucket_of(e[i].place, bits);
            for (end = i; end < to && lookup_bucket_of(e[end].place, bits) == bucket;) end++;
            rc = add_bucket(&buckets, pg, lookup_bucket_id(run, shard, bucket), e + i, end - i, err);
        }
        if (!rc) rc = add_filter(&filters, run, shard, e + from, to - from, err);
    }
    to_store(e, n);
    if (!rc) rc = write_rows(db, DB_INSERT, lookup_bucket_table(), &buckets, err);
    return rc ? rc : write_rows(db, DB_INSERT, lookup_filter_table(), &filters, err);
}

int lookup_filter_write(struct db *db, struct arena *a, uint32_t run, unsigned shard, const struct lookup_entry *e, size_t n, struct error *err) {
    struct rows rows = {.a = a};
    int rc = add_filter(&rows, run, shard, e, n, err);
    return rc ? rc : write_rows(db, DB_UPSERT, lookup_filter_table(), &rows, err);
}

int lookup_bucket_write(struct db *db, struct arena *a, const struct lookup_run *run, unsigned shard, uint64_t bucket, struct lookup_entry *keep, size_t n,
                        struct error *err) {
    struct rows rows = {.a = a};
    int64_t id = lookup_bucket_id(run->run, shard, bucket);
    struct value range[] = {value_int(id), value_int(id + ((int64_t)1 << PIECE_BITS))};
    int rc = db_run(db, "DELETE FROM \"lookup_bucket\" WHERE \"id\" >= ?1 AND \"id\" < ?2", range, 2, NULL, err);
    if (!rc) rc = add_bucket(&rows, db_kind_of(db) == DB_POSTGRES, id, keep, n, err);
    to_store(keep, n);
    return rc ? rc : write_rows(db, DB_INSERT, lookup_bucket_table(), &rows, err);
}

int lookup_run_remove(struct db *db, uint32_t run, unsigned first, unsigned last, struct error *err) {
    struct value buckets[] = {value_int(lookup_bucket_id(run, first, 0)), value_int(lookup_bucket_id(run, last, (uint64_t)1 << BUCKET_BITS))};
    struct value filters[] = {value_int(lookup_filter_id(run, first)), value_int(lookup_filter_id(run, last))};
    int rc = db_run(db, "DELETE FROM \"lookup_bucket\" WHERE \"id\" >= ?1 AND \"id\" < ?2", buckets, 2, NULL, err);
    return rc ? rc : db_run(db, "DELETE FROM \"lookup_filter\" WHERE \"id\" >= ?1 AND \"id\" <= ?2", filters, 2, NULL, err);
}

int lookup_run_read(struct db *db, struct arena *a, const struct lookup_run *run, unsigned shard, struct lookup_entry **ret, size_t *ret_n, struct error *err) {
    struct value range[] = {value_int(lookup_bucket_id(run->run, shard, 0)), value_int(lookup_bucket_id(run->run, shard, (uint64_t)1 << BUCKET_BITS))};
    struct lookup_entry *e = arena_alloc(a, ((size_t)run->n + 1) * sizeof *e);
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0;
    if (!e) return error_memory(err);
    int rc = db_query(db, "SELECT \"entries\" FROM \"lookup_bucket\" WHERE \"id\" >= ?1 AND \"id\" < ?2 ORDER BY \"id\"", range, 2, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text t = value_view(row[0]);
        size_t k = t.n / ENTRY_BYTES;
        rc = 0;
        if (n + k > run->n) {
            rc = error_set(err, E_CORRUPT, "lookup_bucket", "run %u of shard %u holds more than it says / 索引批次已损坏", run->run, shard);
            break;
        }
        memcpy(e + n, t.s, k * ENTRY_BYTES);
        to_store(e + n, k);
        n += k;
    }
    db_cursor_close(c);
    if (!rc && n != run->n) rc = error_set(err, E_CORRUPT, "lookup_bucket", "run %u of shard %u holds less than it says / 索引批次已损坏", run->run, shard);
    if (rc < 0) return rc;
    *ret = e;
    *ret_n = n;
    return 0;
}

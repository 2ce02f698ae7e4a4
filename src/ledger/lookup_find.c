/* The lookup, asked: first the front, then each run of the shard; filters say which buckets need not be read. */
#include <stdlib.h>
#include <string.h>

#include "ledger/lookup_run.h"

enum { RETRIES = 1000 };
/* A filter of n entries is read when so many entries of its shard are asked for that reading their buckets would take longer: a bucket takes as long as the
 * filter of 2,500 entries. */
enum { FILTER_WORTH = 2500 };

struct need {
    int64_t id;
    const struct lookup_run *run;
    size_t from, to;
};

struct probe {
    int64_t id;
    size_t at; /* in order */
};

/* A bucket of several pieces, looked at when no cursor is open. */
struct large {
    int64_t id;
    size_t pieces, at;
};

struct finding {
    struct lookup_kept *kept;
    struct db *db;
    struct arena a;
    const struct lookup_entry *asked;
    struct lookup_entry *order; /* place and index of each asked, sorted */
    size_t n, limit;
    const struct lookup_shard *all;
    struct need *needs;
    size_t n_needs, cap_needs;
    struct probe *probes;
    size_t n_probes, cap_probes;
    struct large *large;
    size_t n_large, cap_large;
    int (*visit)(void *arg, size_t asked, int64_t holder, struct error *err);
    void *arg;
};

static int int_cmp(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool answers(struct lookup_entry asked, struct lookup_entry e) {
    return asked.place == e.place && (lookup_holder(asked) ? asked.holder == e.holder : asked.holder >> LOOKUP_HOLDER_BITS == e.holder >> LOOKUP_HOLDER_BITS);
}

/* ---- front */

/* Gives what answers in the front. */
static int front_answers(const struct lookup_front *f, struct lookup_entry asked, size_t index, int (*visit)(void *arg, size_t asked, int64_t holder, struct error *err), void *arg,
                         struct error *err) {
    int rc = 0;
    for (uint32_t at = lookup_front_first(f, asked.place); !rc && at; at = f->follow[at - 1]) {
        struct lookup_entry e = f->list[at - 1];
        if (e.holder && answers(asked, e)) rc = visit(arg, index, lookup_holder(e), err);
    }
    return rc;
}

static int ask_front(struct finding *f, struct lookup_head head, struct error *err) {
    struct lookup_front *front = lookup_kept_front(f->kept);
    int rc = front->held ? 0 : lookup_front_sync(front, f->db, head, err);
    for (size_t i = 0; !rc && i < f->n; i++) rc = front_answers(front, f->asked[f->order[i].holder], (size_t)f->order[i].holder, f->visit, f->arg, err);
    return rc;
}

/* ---- filters */

static int add_probe(struct finding *f, const struct lookup_run *run, size_t at, struct error *err) {
    uint64_t place = f->order[at].place;
    if (!arena_room(&f->a, &f->probes, &f->cap_probes, f->n_probes + 1, sizeof *f->probes)) return error_memory(err);
    f->probes[f->n_probes++] = (struct probe){lookup_bucket_id(run->run, lookup_shard_of(place), lookup_bucket_of(place, run->bits)), at};
    return 0;
}

/* Of those that the filter does not rule out; bits NULL: of all. */
static int add_probes(struct finding *f, const struct lookup_run *run, const unsigned char *bits, size_t bytes, size_t from, size_t to, struct error *err) {
    int rc = 0;
    for (size_t i = from; !rc && i < to; i++)
        if (!bits || lookup_filter_may(bits, bytes, f->order[i].place)) rc = add_probe(f, run, i, err);
    return rc;
}

static int need_cmp(const void *a, const void *b) {
    const struct need *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int filter_row(void *arg, const struct value *row, struct error *err) {
    struct finding *f = arg;
    struct need key = {.id = row[0].i};
    const struct need *need = bsearch(&key, f->needs, f->n_needs, sizeof key, need_cmp);
    struct text bits = value_view(row[1]);
    if (!need) return 0;
    lookup_kept_put(f->kept, lookup_shard_of(f->order[need->from].place), need->run, bits);
    return add_probes(f, need->run, (const unsigned char *)bits.s, bits.n, need->from, need->to, err);
}

static int ask_filters(struct finding *f, struct error *err) {
    int64_t *ids = arena_alloc(&f->a, (f->n_needs + 1) * sizeof *ids);
    if (!ids) return error_memory(err);
    if (!f->n_needs) return 0;
    qsort(f->needs, f->n_needs, sizeof *f->needs, need_cmp);
    for (size_t i = 0; i < f->n_needs; i++) ids[i] = f->needs[i].id;
    return db_query_in(f->db, "SELECT \"id\",\"bits\" FROM \"lookup_filter\" WHERE \"id\"", "", ids, f->n_needs, filter_row, f, err);
}

static int add_need(struct finding *f, const struct lookup_run *run, unsigned shard, size_t from, size_t to, struct error *err) {
    if (!arena_room(&f->a, &f->needs, &f->cap_needs, f->n_needs + 1, sizeof *f->needs)) return error_memory(err);
    f->needs[f->n_needs++] = (struct need){lookup_filter_id(run->run, shard), run, from, to};
    return 0;
}

/* For each run of each asked shard: its filter, in memory or in the store, or its buckets at once. */
static int plan(struct finding *f, struct error *err) {
    int rc = 0;
    for (size_t from = 0, to; !rc && from < f->n; from = to) {
        unsigned shard = lookup_shard_of(f->order[from].place);
        const struct lookup_shard *s = &f->all[shard];
        for (to = from; to < f->n && lookup_shard_of(f->order[to].place) == shard;) to++;
        lookup_kept_follow(f->kept, shard, s);
        for (size_t r = 0; !rc && r < s->n; r++) {
            const struct lookup_run *run = &s->runs[r];
            const struct lookup_filter *kept = lookup_kept_find(f->kept, shard, run);
            bool worth = (to - from) * FILTER_WORTH > run->n && to - from > 2;
            if (!kept && (worth || lookup_kept_room(f->kept, run))) rc = add_need(f, run, shard, from, to, err);
            else rc = add_probes(f, run, kept ? kept->bits : NULL, kept ? kept->bytes : 0, from, to, err);
        }
    }
    return rc;
}

/* ---- buckets */

static int probe_cmp(const void *a, const void *b) {
    const struct probe *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Position of the first entry not below e. */
static size_t lower(struct text entries, struct lookup_entry e) {
    size_t low = 0, high = entries.n / ENTRY_BYTES;
    while (low < high) {
        size_t mid = (low + high) / 2;
        struct lookup_entry at = lookup_entry_at(entries.s, mid);
        if (lookup_compare(&at, &e) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* One asked entry, and who hears what answers. */
struct wish {
    struct lookup_entry asked;
    size_t index, limit;
    int (*visit)(void *arg, size_t asked, int64_t holder, struct error *err);
    void *arg;
};

/* Gives what answers in this piece, *given of them so far. Sets *more when the next piece may hold others. */
static int answer(const struct wish *w, struct text entries, size_t *given, bool *more, struct error *err) {
    size_t n = entries.n / ENTRY_BYTES;
    int rc = 0;
    size_t i = lower(entries, w->asked); /* without an id its holder is the tag alone, which is below every holder of the tag */
    for (; !rc && i < n; i++) {
        struct lookup_entry e = lookup_entry_at(entries.s, i);
        if (!answers(w->asked, e) || (w->limit && *given == w->limit)) break;
        (*given)++;
        rc = w->visit(w->arg, w->index, lookup_holder(e), err);
    }
    *more = i == n;
    return rc;
}

static int read_piece(struct db *db, int64_t id, struct arena *a, struct text *ret, struct error *err) {
    struct value param = value_int(id), v = value_null();
    arena_reset(a);
    int rc = db_scalar(db, a, "SELECT \"entries\" FROM \"lookup_bucket\" WHERE \"id\" = ?1", &param, 1, &v, err);
    *ret = value_view(v);
    return rc;
}

/* A bucket of several pieces: searches them by their last entries, then goes on from there. */
static int ask_large(struct db *db, const struct wish *w, int64_t id, size_t pieces, struct error *err) {
    struct arena a = {0};
    struct text piece;
    size_t low = 0, high = pieces - 1, given = 0;
    bool more = true;
    int rc = 0;
    while (!rc && low < high) {
        size_t mid = (low + high) / 2;
        rc = read_piece(db, id + (int64_t)mid, &a, &piece, err);
        size_t n = piece.n / ENTRY_BYTES;
        struct lookup_entry last = n && !rc ? lookup_entry_at(piece.s, n - 1) : (struct lookup_entry){UINT64_MAX, UINT64_MAX};
        if (lookup_compare(&last, &w->asked) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; !rc && more && low < pieces; low++) {
        rc = read_piece(db, id + (int64_t)low, &a, &piece, err);
        if (!rc) rc = answer(w, piece, &given, &more, err);
    }
    arena_clear(&a);
    return rc;
}

static struct wish wish_of(const struct finding *f, size_t at) {
    size_t index = (size_t)f->order[at].holder;
    return (struct wish){f->asked[index], index, f->limit, f->visit, f->arg};
}

static int bucket_row(void *arg, const struct value *row, struct error *err) {
    struct finding *f = arg;
    size_t low = 0, high = f->n_probes;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (f->probes[mid].id < row[0].i)
            low = mid + 1;
        else
            high = mid;
    }
    struct text entries = value_view(row[1]);
    size_t pieces = lookup_pieces(entries);
    int rc = 0;
    for (; !rc && low < f->n_probes && f->probes[low].id == row[0].i; low++) {
        size_t given = 0;
        bool more = false;
        if (pieces == 1) {
            struct wish w = wish_of(f, f->probes[low].at);
            rc = answer(&w, entries, &given, &more, err);
            continue;
        }
        if (!arena_room(&f->a, &f->large, &f->cap_large, f->n_large + 1, sizeof *f->large)) return error_memory(err);
        f->large[f->n_large++] = (struct large){row[0].i, pieces, f->probes[low].at};
    }
    return rc;
}

static int ask_buckets(struct finding *f, struct error *err) {
    int64_t *ids = arena_alloc(&f->a, (f->n_probes + 1) * sizeof *ids);
    size_t n = 0;
    if (!ids) return error_memory(err);
    if (!f->n_probes) return 0;
    qsort(f->probes, f->n_probes, sizeof *f->probes, probe_cmp);
    for (size_t i = 0; i < f->n_probes; i++)
        if (!n || ids[n - 1] != f->probes[i].id) ids[n++] = f->probes[i].id;
    int rc = db_query_in(f->db, "SELECT \"id\",\"entries\" FROM \"lookup_bucket\" WHERE \"id\"", "", ids, n, bucket_row, f, err);
    for (size_t i = 0; !rc && i < f->n_large; i++) {
        struct wish w = wish_of(f, f->large[i].at);
        rc = ask_large(f->db, &w, f->large[i].id, f->large[i].pieces, err);
    }
    return rc;
}

/* ---- the whole */

int lookup_find_many(struct db *db, const struct lookup_entry *asked, size_t n, size_t limit,
                     int (*visit)(void *arg, size_t asked, int64_t holder, struct error *err), void *arg, struct error *err) {
    if (!n) return 0;
    struct lookup_head head = {0};
    struct finding f = {.kept = lookup_kept_of(db), .db = db, .asked = asked, .n = n, .limit = limit, .visit = visit, .arg = arg};
    struct lookup_entry *tmp = arena_alloc(&f.a, n * sizeof *tmp);
    f.order = arena_alloc(&f.a, n * sizeof *f.order);
    int rc = f.kept && tmp && f.order ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) f.order[i] = (struct lookup_entry){asked[i].place, i};
    if (!rc) lookup_sort(f.order, tmp, n);
    if (!rc) rc = lookup_kept_head(f.kept, db, &head, err);
    if (!rc) rc = lookup_kept_shards(f.kept, db, head, &f.all, err);
    if (!rc) rc = ask_front(&f, head, err);
    if (!rc) rc = plan(&f, err);
    if (!rc) rc = ask_filters(&f, err);
    if (!rc) rc = ask_buckets(&f, err);
    arena_clear(&f.a);
    return rc;
}

struct ids {
    struct arena *a;
    int64_t *v;
    size_t n, cap;
};

static int keep_id(void *arg, size_t asked, int64_t holder, struct error *err) {
    struct ids *x = arg;
    (void)asked;
    if (!arena_room(x->a, &x->v, &x->cap, x->n + 1, sizeof *x->v)) return error_memory(err);
    x->v[x->n++] = holder;
    return 0;
}

/* ---- one value */

struct single {
    struct wish w;
    struct ids ids;
    uint64_t version;
    size_t n_runs;
    struct lookup_run runs[LOOKUP_RUNS_MAX];
    struct large large[LOOKUP_RUNS_MAX];
    size_t n_large;
};

/* The shard's runs, and what came to the front since it was read, in one statement: first the head, then the shard, then the rows in order. */
static int single_read(struct single *s, struct db *db, struct lookup_front *front, bool *ret_again, struct error *err) {
    static const char sql[] = "SELECT -1 - \"shard\" AS \"id\",\"runs\" AS \"entries\" FROM \"lookup_shard\" WHERE \"shard\" IN (?1,?2) "
                              "UNION ALL SELECT \"id\",\"entries\" FROM \"lookup_front\" WHERE \"id\" >= ?3 ORDER BY 1";
    struct value params[] = {value_int(LOOKUP_HEAD), value_int(lookup_shard_of(s->w.asked.place)), value_int(front->held ? INT64_MAX : (int64_t)lookup_front_from(front))};
    struct db_cursor *c = NULL;
    const struct value *row;
    *ret_again = false;
    s->version = 0;
    s->n_runs = 0;
    int rc = db_query(db, sql, params, 3, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        bool head = row[0].i == -1 - LOOKUP_HEAD;
        rc = 0;
        if (row[0].i >= 0) rc = *ret_again ? 0 : lookup_front_row(front, value_view(row[1]), err);
        else if (!head) rc = lookup_runs_parse(value_view(row[1]), s->runs, &s->version, &s->n_runs, err);
        else if (!front->held) *ret_again = !lookup_front_start(front, lookup_head_parse(value_view(row[1])));
    }
    db_cursor_close(c);
    return rc;
}

static int single_start(struct single *s, struct db *db, struct error *err) {
    struct lookup_kept *kept = lookup_kept_of(db);
    bool again = false;
    s->n_large = s->ids.n = 0;
    if (!kept) return error_memory(err);
    struct lookup_front *front = lookup_kept_front(kept);
    int rc = single_read(s, db, front, &again, err);
    if (!rc && again) rc = single_read(s, db, front, &again, err);
    if (rc < 0) {
        if (!front->held) lookup_front_clear(front);
        return rc;
    }
    return front_answers(front, s->w.asked, 0, keep_id, &s->ids, err);
}

static int single_row(void *arg, const struct value *row, struct error *err) {
    struct single *s = arg;
    struct text entries = value_view(row[1]);
    size_t pieces = lookup_pieces(entries), given = 0;
    bool more = false;
    if (pieces == 1) return answer(&s->w, entries, &given, &more, err);
    s->large[s->n_large++] = (struct large){row[0].i, pieces, 0};
    return 0;
}

/* Was a run added, merged or changed since the start? */
static int single_moved(const struct single *s, struct db *db, bool *ret, struct error *err) {
    struct arena a = {0};
    struct lookup_run runs[LOOKUP_RUNS_MAX];
    struct value shard = value_int(lookup_shard_of(s->w.asked.place)), v = value_null();
    uint64_t version = 0;
    size_t n;
    int rc = db_scalar(db, &a, "SELECT \"runs\" FROM \"lookup_shard\" WHERE \"shard\" = ?1", &shard, 1, &v, err);
    if (!rc && v.kind == VALUE_BLOB) rc = lookup_runs_parse(value_view(v), runs, &version, &n, err);
    arena_clear(&a);
    *ret = version != s->version;
    return rc;
}

static int single_ask(struct single *s, struct db *db, struct error *err) {
    int64_t buckets[LOOKUP_RUNS_MAX];
    uint64_t place = s->w.asked.place;
    int rc = single_start(s, db, err);
    for (size_t i = 0; i < s->n_runs; i++) buckets[i] = lookup_bucket_id(s->runs[i].run, lookup_shard_of(place), lookup_bucket_of(place, s->runs[i].bits));
    if (!rc && s->n_runs) rc = db_query_in(db, "SELECT \"id\",\"entries\" FROM \"lookup_bucket\" WHERE \"id\"", "", buckets, s->n_runs, single_row, s, err);
    for (size_t i = 0; !rc && i < s->n_large; i++) rc = ask_large(db, &s->w, s->large[i].id, s->large[i].pieces, err);
    return rc;
}

int lookup_find(struct db *db, struct lookup_kind kind, int64_t value, size_t limit, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err) {
    struct single s;
    bool moved = true;
    s.ids = (struct ids){.a = a};
    s.w = (struct wish){lookup_entry_of(kind, value, 0), 0, limit, keep_id, &s.ids};
    for (int i = 0; moved; i++) {
        if (i == RETRIES) return error_set(err, E_BUSY, "lookup", "is being written all the time; ask again / 索引正在写入，请重试");
        int rc = single_ask(&s, db, err);
        moved = !db_steady(db);
        if (!rc && moved) rc = single_moved(&s, db, &moved, err);
        if (rc < 0) return rc;
    }
    size_t n = 0;
    if (s.ids.n) qsort(s.ids.v, s.ids.n, sizeof *s.ids.v, int_cmp);
    for (size_t k = 0; k < s.ids.n; k++)
        if (!n || s.ids.v[n - 1] != s.ids.v[k]) s.ids.v[n++] = s.ids.v[k];
    *ret = s.ids.v;
    *ret_n = limit && n > limit ? limit : n;
    return 0;
}

int lookup_scan(struct db *db, int (*visit)(void *arg, struct lookup_entry entry, struct error *err), void *arg, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct lookup_kept *kept = lookup_kept_of(db);
    struct lookup_head head;
    if (!kept) return error_memory(err);
    struct lookup_front *front = lookup_kept_front(kept);
    int rc = lookup_kept_head(kept, db, &head, err);
    if (!rc && !front->held) rc = lookup_front_sync(front, db, head, err);
    for (size_t i = 0; !rc && i < front->n; i++)
        if (front->list[i].holder) rc = visit(arg, front->list[i], err);
    if (!rc) rc = db_query(db, "SELECT \"entries\" FROM \"lookup_bucket\"", NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text t = value_view(row[0]);
        rc = 0;
        for (size_t i = 0; !rc && i < t.n / ENTRY_BYTES; i++) rc = visit(arg, lookup_entry_at(t.s, i), err);
    }
    db_cursor_close(c);
    return rc;
}

/* Laws of the lookup: the same answers as a plain list of entries, whatever was drained, merged, removed, refused or rolled back; and of what records leave there. */
#include <pthread.h>
#include <stdatomic.h>

#include "desks/intake/import.h"
#include "desks/person.h"
#include "ledgers.h"
#include "lookups.h"

static const char *const NOW = "2022-05-30T10:00";

/* ---- against a plain list */

enum { KINDS = 4 };

struct model {
    struct db *db, *beside; /* beside: one who only reads, with what he remembers */
    struct lookup *x;
    struct rng rng;
    struct lookups list; /* sorted, the entries that must be there */
    struct lookups gone; /* what was removed, to be asked for */
};

static struct lookup_kind kind_at(uint64_t i) {
    return i == 0 ? lookup_blind(BLIND_PHONE) : i == 1 ? lookup_blind(BLIND_NAME) : i == 2 ? lookup_key(TEXT("contact")) : lookup_number(TEXT("contact"));
}

static void model_open(struct model *m, size_t store, uint64_t seed) {
    const struct db_table *tables[LOOKUP_TABLES];
    struct error err = {0};
    *m = (struct model){0};
    rng_seed(&m->rng, seed);
    lookup_tables(tables);
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &m->db, &err), err);
    assert_ok(db_migrate(m->db, tables, LOOKUP_TABLES, true, NULL, &err), err);
    assert_ok(db_open(test_store_list[store].url, DB_READ, &m->beside, &err), err);
    assert_ok(lookup_open(&m->x, &err), err);
}

static void model_close(struct model *m, size_t store) {
    lookup_close(m->x);
    db_close(m->beside);
    db_close(m->db);
    free(m->list.e);
    free(m->gone.e);
    test_store_drop(store);
}

static void begin(struct model *m) {
    struct error err = {0};
    assert_ok(db_begin(m->db, &err), err);
    lookup_reset(m->x);
}

static void commit(struct model *m) {
    struct error err = {0};
    assert_ok(lookup_settle(m->x, m->db, &err), err);
    assert_ok(db_commit(m->db, &err), err);
    lookup_committed(m->x);
}

/* Values come from a small set, so that some have many holders; one has thousands. */
static struct lookup_entry any_entry(struct model *m) {
    uint64_t kind = rng_below(&m->rng, KINDS), value = kind == 1 ? rng_below(&m->rng, 4) : rng_below(&m->rng, 200000);
    return lookup_entry_of(kind_at(kind), (int64_t)value, 1 + (int64_t)rng_below(&m->rng, 50000));
}

static void add_some(struct model *m, size_t n) {
    struct error err = {0};
    struct lookup_entry *e = malloc((n + 1) * sizeof *e);
    for (size_t i = 0; i < n; i++) {
        e[i] = any_entry(m);
        lookups_put(&m->list, e[i]);
    }
    lookups_sort(&m->list);
    assert_ok(lookup_add(m->x, m->db, e, n, &err), err);
    free(e);
}

/* Of those that are there, and some that are not. */
static void drop_some(struct model *m, size_t n, bool traceless) {
    struct error err = {0};
    struct lookup_entry *e = malloc((n + 1) * sizeof *e);
    size_t from = m->list.n ? rng_below(&m->rng, m->list.n) : 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool neighbours = i < n / 2; /* whole buckets go */
        e[i] = i % 7 == 6 || !m->list.n ? any_entry(m) : m->list.e[neighbours ? (from + i) % m->list.n : rng_below(&m->rng, m->list.n)];
        lookups_put(&m->gone, e[i]);
    }
    assert_ok(lookup_drop(m->x, m->db, e, n, traceless, &err), err);
    qsort(e, n, sizeof *e, lookup_compare);
    for (size_t i = 0; i < m->list.n; i++)
        if (!bsearch(&m->list.e[i], e, n, sizeof *e, lookup_compare)) m->list.e[kept++] = m->list.e[i];
    m->list.n = kept;
    free(e);
}

static void same_set(struct model *m) {
    struct lookups stored = {0};
    struct error err = {0};
    assert_ok(lookups_stored(m->db, &stored, &err), err);
    assert_int_equal(stored.n, m->list.n);
    assert_true(!stored.n || memcmp(stored.e, m->list.e, stored.n * sizeof *stored.e) == 0);
    free(stored.e);
}

struct heard {
    const struct lookup_entry *asked;
    struct lookups answers;
};

static int hear(void *arg, size_t asked, int64_t holder, struct error *err) {
    struct heard *h = arg;
    (void)err;
    lookups_put(&h->answers, (struct lookup_entry){asked, (uint64_t)holder});
    return 0;
}

static size_t first_of(const struct lookups *list, struct lookup_entry e) {
    size_t i = 0, high = list->n;
    while (i < high) {
        size_t mid = (i + high) / 2;
        if (lookup_compare(&list->e[mid], &e) < 0)
            i = mid + 1;
        else
            high = mid;
    }
    return i;
}

static bool same_value(struct lookup_entry a, struct lookup_entry b) {
    return a.place == b.place && a.holder >> LOOKUP_HOLDER_BITS == b.holder >> LOOKUP_HOLDER_BITS;
}

static void same_answers_by(struct model *m, struct db *db, size_t n) {
    struct lookup_entry *asked = malloc(n * sizeof *asked);
    struct heard h = {.asked = asked};
    struct error err = {0};
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        struct lookup_entry e = i % 3 == 0 && m->list.n ? m->list.e[rng_below(&m->rng, m->list.n)] : i % 3 == 1 && m->gone.n ? m->gone.e[rng_below(&m->rng, m->gone.n)] : any_entry(m);
        if (i % 4) e.holder = e.holder >> LOOKUP_HOLDER_BITS << LOOKUP_HOLDER_BITS; /* any holder */
        if (i % 4 && n > 50 && (e.holder >> LOOKUP_HOLDER_BITS) == (uint64_t)BLIND_NAME) e = any_entry(m);
        asked[i] = e;
    }
    bool own = !db_steady(db);
    if (own) assert_ok(db_snapshot(db, &err), err);
    assert_ok(lookup_find_many(db, asked, n, 0, hear, &h, &err), err);
    if (own) db_snapshot_end(db);
    lookups_sort(&h.answers);
    for (size_t i = 0; i < n; i++) {
        bool one = lookup_holder(asked[i]) != 0;
        for (size_t k = first_of(&m->list, asked[i]); k < m->list.n && (one ? lookup_compare(&m->list.e[k], &asked[i]) == 0 : same_value(m->list.e[k], asked[i])); k++) {
            assert_true(at < h.answers.n);
            assert_int_equal(h.answers.e[at].place, i);
            assert_int_equal(h.answers.e[at].holder, lookup_holder(m->list.e[k]));
            at++;
        }
    }
    assert_int_equal(at, h.answers.n);
    free(h.answers.e);
    free(asked);
}

static void same_answers(struct model *m, size_t n) {
    same_answers_by(m, m->db, n);
    if (!db_steady(m->db)) same_answers_by(m, m->beside, n);
}

static void same_one_by_one(struct model *m, size_t limit) {
    struct error err = {0};
    for (int i = 0; i < 20; i++) {
        struct arena a = {0};
        uint64_t kind = rng_below(&m->rng, KINDS);
        int64_t value = (int64_t)(kind == 1 ? rng_below(&m->rng, 4) : rng_below(&m->rng, 200000)), *ids = NULL;
        struct lookup_entry e = lookup_entry_of(kind_at(kind), value, 0);
        size_t n = 0, k = 0;
        assert_ok(lookup_find(m->db, kind_at(kind), value, limit, &a, &ids, &n, &err), err);
        for (size_t at = first_of(&m->list, e); at < m->list.n && same_value(m->list.e[at], e) && (!limit || k < limit); at++, k++) {
            assert_true(k < n);
            assert_int_equal(ids[k], lookup_holder(m->list.e[at]));
        }
        assert_int_equal(k, n);
        arena_clear(&a);
    }
}

static void random_life_equals_a_plain_list(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 3, 40, 700, 5000, 12000};
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        struct error err = {0};
        model_open(&m, store, 7 + store);
        same_set(&m);
        same_one_by_one(&m, 0);
        for (int step = 0; step < 70; step++) {
            struct lookups before = {0};
            for (size_t i = 0; i < m.list.n; i++) lookups_put(&before, m.list.e[i]);
            begin(&m);
            for (uint64_t k = rng_below(&m.rng, 4) + 1; k; k--) {
                size_t n = sizes[rng_below(&m.rng, 6)];
                if (rng_below(&m.rng, 3))
                    add_some(&m, n);
                else
                    drop_some(&m, n > 5000 ? 5000 : n, rng_below(&m.rng, 4) == 0);
                same_answers(&m, 1 + rng_below(&m.rng, 40)); /* its own writes are seen */
            }
            if (step % 9 == 8) { /* a transaction that never was */
                db_rollback(m.db);
                lookup_reset(m.x);
                free(m.list.e);
                m.list = before;
            } else {
                commit(&m);
                free(before.e);
            }
            same_answers(&m, 1 + rng_below(&m.rng, 3000));
            same_one_by_one(&m, step % 2 ? 0 : 3);
            if (step % 5 == 0) same_set(&m);
        }
        same_set(&m);
        /* merging keeps the runs of a shard few, the front short */
        struct lookup_shard all[LOOKUP_SHARDS];
        struct arena a = {0};
        struct value front = value_null();
        assert_ok(lookup_shards_read(m.db, &a, NULL, all, &err), err);
        for (int i = 0; i < LOOKUP_SHARDS; i++) assert_true(all[i].n <= (LOOKUP_TIER - 1) * 5);
        assert_ok(db_scalar(m.db, &a, "SELECT SUM(LENGTH(\"entries\") - 8) FROM \"lookup_front\"", NULL, 0, &front, &err), err);
        assert_true(value_int_or(front, 0) <= LOOKUP_FRONT * ENTRY_BYTES);
        /* all of it goes */
        begin(&m);
        for (size_t i = 0; i < m.list.n; i++) lookups_put(&m.gone, m.list.e[i]);
        assert_ok(lookup_drop(m.x, m.db, m.list.e, m.list.n, true, &err), err);
        commit(&m);
        m.list.n = 0;
        same_set(&m);
        same_answers(&m, 500);
        assert_ok(lookup_shards_read(m.db, &a, NULL, all, &err), err);
        for (int i = 0; i < LOOKUP_SHARDS; i++) assert_int_equal(all[i].n, 0);
        assert_ok(db_scalar(m.db, &a, "SELECT COUNT(*) FROM \"lookup_filter\"", NULL, 0, &front, &err), err);
        assert_int_equal(front.i, 0);
        arena_clear(&a);
        model_close(&m, store);
    }
}

static void empty_all(struct model *m) {
    struct error err = {0};
    begin(m);
    assert_ok(lookup_empty(m->x, m->db, &err), err);
    commit(m);
    m->list.n = 0;
}

/* Whoever remembers filters of what was there before is not led astray by other runs: neither after all was removed at once, nor after a transaction that never was. */
static void emptied_and_filled_again_it_is_another(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        model_open(&m, store, 11);
        for (int round = 0; round < 4; round++) {
            begin(&m);
            add_some(&m, 5000);
            same_answers(&m, 2000);
            if (round % 2) {
                db_rollback(m.db);
                lookup_reset(m.x);
                m.list.n = 0;
            } else {
                commit(&m);
                same_answers(&m, 2000);
                empty_all(&m);
            }
            same_answers(&m, 200);
            begin(&m);
            add_some(&m, 5000);
            commit(&m);
            same_answers(&m, 2000);
            empty_all(&m);
        }
        model_close(&m, store);
    }
}

/* ---- beside a writer */

struct reading {
    const char *url;
    atomic_bool stop;
    atomic_long asked;
    const char *bad;
};

/* Holders 1..100 of values 1..100 are always there, wherever they lie at the moment. */
static void *reader(void *arg) {
    struct reading *r = arg;
    struct db *db = NULL;
    struct error err = {0};
    if (db_open(r->url, DB_READ, &db, &err) < 0) {
        r->bad = "the reader cannot open the store";
        return NULL;
    }
    for (int64_t i = 0; !r->bad && !atomic_load(&r->stop); i++) {
        struct arena a = {0};
        int64_t *ids = NULL, id = 1 + i % 100;
        size_t n = 0;
        if (lookup_find(db, kind_at(2), id, 0, &a, &ids, &n, &err) < 0)
            r->bad = "the reader failed";
        else if (n != 1 || ids[0] != id)
            r->bad = "an entry that was always there was not found";
        arena_clear(&a);
        atomic_fetch_add(&r->asked, 1);
    }
    db_close(db);
    return NULL;
}

static void a_reader_never_misses_what_is_there(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        struct error err = {0};
        pthread_t thread;
        model_open(&m, store, 11);
        struct reading r = {.url = test_store_list[store].url};
        struct lookup_entry fixed[100];
        begin(&m);
        for (int64_t i = 0; i < 100; i++) fixed[i] = lookup_entry_of(kind_at(2), i + 1, i + 1);
        assert_ok(lookup_add(m.x, m.db, fixed, 100, &err), err);
        commit(&m);
        assert_int_equal(pthread_create(&thread, NULL, reader, &r), 0);
        for (int64_t step = 0; step < 60 || atomic_load(&r.asked) < 200; step++) {
            struct lookup_entry e[5000], again[100];
            begin(&m);
            for (int64_t i = 0; i < 5000; i++) e[i] = lookup_entry_of(kind_at(0), step * 5000 + i, 1000 + i);
            assert_ok(lookup_add(m.x, m.db, e, 5000, &err), err); /* a run, and every now and then a merge */
            if (step % 3 == 0) {
                /* out of its run and into the front again, in one transaction */
                for (int64_t i = 0; i < 100; i++) again[i] = lookup_entry_of(kind_at(2), i + 1, i + 1);
                assert_ok(lookup_drop(m.x, m.db, again, 100, false, &err), err);
                assert_ok(lookup_add(m.x, m.db, again, 100, &err), err);
            }
            commit(&m);
        }
        atomic_store(&r.stop, true);
        pthread_join(thread, NULL);
        if (r.bad) fail_msg("%s", r.bad);
        model_close(&m, store);
    }
}

/* Everybody has the front in memory: another process's rows, removals and drains are seen by who wrote before it, by who only reads, one by one too, and what was
 * rolled back by nobody. */
static void the_front_is_what_the_last_commit_left(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m, other;
        struct error err = {0};
        model_open(&m, store, 13);
        other = m;
        assert_ok(db_open(test_store_list[store].url, DB_WRITE, &other.db, &err), err);
        assert_ok(lookup_open(&other.x, &err), err);
        for (int step = 0; step < 120; step++) {
            struct model *who = rng_below(&m.rng, 2) ? &m : &other;
            struct lookups before = {0};
            who->rng = m.rng;
            who->list = m.list;
            who->gone = m.gone;
            for (size_t i = 0; i < m.list.n; i++) lookups_put(&before, m.list.e[i]);
            bool never = step % 5 == 4;
            begin(who);
            if (rng_below(&who->rng, 3)) add_some(who, 1 + rng_below(&who->rng, step % 10 == 9 ? 4000 : 300));
            else drop_some(who, 1 + rng_below(&who->rng, 50), rng_below(&who->rng, 8) == 0);
            if (rng_below(&who->rng, 2)) drop_some(who, 5, false);
            if (rng_below(&who->rng, 2)) add_some(who, 5);
            same_answers_by(who, who->db, 30);
            if (never) {
                assert_ok(lookup_settle(who->x, who->db, &err), err);
                db_rollback(who->db);
                lookup_reset(who->x);
                free(who->list.e);
                who->list = before;
            } else {
                commit(who);
                free(before.e);
            }
            m.rng = who->rng;
            m.list = other.list = who->list;
            m.gone = other.gone = who->gone;
            if (step % 2) same_answers(&m, 40);
            if (step % 3) same_answers_by(&m, other.db, 40);
            same_one_by_one(&m, 0);
            if (step % 10 == 0) same_set(&m);
        }
        same_set(&m);
        same_set(&other);
        lookup_close(other.x);
        db_close(other.db);
        model_close(&m, store);
    }
}

/* The hash of a document that was changed and then erased with its person stands in no row. */
static void what_is_erased_leaves_no_row(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        struct error err = {0};
        model_open(&m, store, 17);
        struct lookup_entry first = lookup_entry_of(kind_at(0), 77, 5), second = lookup_entry_of(kind_at(0), 78, 5), e;
        begin(&m);
        assert_ok(lookup_add(m.x, m.db, &first, 1, &err), err);
        commit(&m);
        begin(&m);
        e = first;
        assert_ok(lookup_drop(m.x, m.db, &e, 1, false, &err), err);
        assert_ok(lookup_add(m.x, m.db, &second, 1, &err), err);
        commit(&m);
        begin(&m);
        e = second;
        assert_ok(lookup_drop(m.x, m.db, &e, 1, true, &err), err);
        commit(&m);
        struct arena a = {0};
        struct value rows = value_null();
        assert_ok(db_scalar(m.db, &a, "SELECT COUNT(*) FROM \"lookup_front\"", NULL, 0, &rows, &err), err);
        assert_int_equal(rows.i, 0);
        same_set(&m);
        arena_clear(&a);
        model_close(&m, store);
    }
}

/* ---- failures */

static void a_damaged_list_of_runs_is_said(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        struct error err = {0};
        struct arena a = {0};
        int64_t *ids = NULL;
        size_t n = 0;
        static const uint16_t columns[] = {0, 1};
        model_open(&m, store, 3);
        struct lookup_entry e = lookup_entry_of(kind_at(0), 1, 1);
        struct value row[] = {value_int(lookup_shard_of(e.place)), value_blob("short", 5)};
        begin(&m);
        assert_ok(db_batch(m.db, DB_UPSERT, lookup_shard_table(), columns, 2, row, 1, NULL, &err), err);
        commit(&m);
        assert_int_equal(lookup_find(m.db, kind_at(0), 1, 0, &a, &ids, &n, &err), E_CORRUPT);
        begin(&m);
        assert_int_equal(lookup_find_many(m.db, &e, 1, 0, hear, &(struct heard){0}, &err), E_CORRUPT);
        db_rollback(m.db);
        arena_clear(&a);
        model_close(&m, store);
    }
}

static void a_damaged_row_of_the_front_is_said(void **state) {
    (void)state;
    static const char *const bad[] = {"short", "12345678abcdefgh", "\1\0\0\0\0\0\0\0"};
    static const size_t bytes[] = {5, 16, 8};
    for (size_t store = 0; store < test_stores(); store++)
        for (int i = 0; i < 3; i++) {
            struct model m;
            struct error err = {0};
            struct arena a = {0};
            int64_t *ids = NULL;
            size_t n = 0;
            static const uint16_t columns[] = {0, 1};
            model_open(&m, store, 3);
            struct lookup_entry e = lookup_entry_of(kind_at(0), 1, 1);
            begin(&m);
            assert_ok(lookup_add(m.x, m.db, &e, 1, &err), err);
            commit(&m);
            begin(&m);
            struct value row[] = {value_int(1), value_blob(bad[i], bytes[i])};
            assert_ok(db_batch(m.db, DB_UPSERT, lookup_front_table(), columns, 2, row, 1, NULL, &err), err);
            assert_ok(db_commit(m.db, &err), err);
            lookup_reset(m.x);
            assert_int_equal(lookup_find(m.beside, kind_at(0), 1, 0, &a, &ids, &n, &err), E_CORRUPT);
            assert_int_equal(lookup_find(m.beside, kind_at(0), 1, 0, &a, &ids, &n, &err), E_CORRUPT); /* nor forgotten */
            arena_clear(&a);
            model_close(&m, store);
        }
}

static int whole_life(struct model *m, struct lookup_entry *e, size_t n, struct error *err) {
    struct arena a = {0};
    struct heard h = {0};
    int64_t *ids = NULL;
    size_t k = 0;
    int rc = db_begin(m->db, err);
    if (rc < 0) return rc;
    lookup_reset(m->x);
    rc = lookup_drop(m->x, m->db, e, 40, true, err);
    if (!rc) rc = lookup_add(m->x, m->db, e, n, err);
    if (!rc) rc = lookup_find_many(m->db, e, n, 0, hear, &h, err);
    if (!rc) rc = lookup_find(m->db, kind_at(1), 1, 0, &a, &ids, &k, err);
    if (!rc) rc = lookup_settle(m->x, m->db, err);
    if (!rc) rc = db_commit(m->db, err);
    if (rc < 0) db_rollback(m->db);
    if (rc < 0) lookup_reset(m->x);
    else lookup_committed(m->x);
    free(h.answers.e);
    arena_clear(&a);
    return rc;
}

static void out_of_memory_changes_nothing(void **state) {
    (void)state;
    enum { N = 4200 };
    for (size_t store = 0; store < test_stores(); store++) {
        struct model m;
        struct error err = {0};
        struct lookup_entry e[N], copy[N];
        model_open(&m, store, 5);
        for (int i = 0; i < 3; i++) { /* so that the next run makes a merge */
            begin(&m);
            add_some(&m, N);
            commit(&m);
        }
        begin(&m);
        add_some(&m, 30);
        commit(&m);
        for (size_t i = 0; i < N; i++) e[i] = any_entry(&m);
        long n = 1;
        for (bool failed = true; failed; n += 1 + n / 12) {
            memcpy(copy, e, sizeof e);
            struct error why = {0};
            mem_fail_at(n, n % 2);
            int rc = whole_life(&m, copy, N, &why);
            mem_fail_at(0, false);
            failed = rc < 0;
            if (failed) assert_int_equal(rc, E_MEMORY);
            if (failed && n % 5 == 0) same_set(&m);
        }
        struct lookup_entry *gone = copy;
        memcpy(gone, e, sizeof e);
        for (size_t i = 0; i < N; i++) lookups_put(&m.list, e[i]);
        lookups_sort(&m.list);
        same_set(&m);
        assert_true(n > 20);
        assert_int_equal(err.code, 0);
        model_close(&m, store);
    }
}

/* ---- records */

static void exact(struct test_ledger *t) {
    char why[160] = "";
    if (lookups_exact(t->l, why, sizeof why)) fail_msg("%s", why);
}

/* Filters hold what their runs hold and no bit more. */
static void filters_are_exact(struct test_ledger *t) {
    struct arena a = {0};
    struct error err = {0};
    struct lookup_shard all[LOOKUP_SHARDS];
    assert_ok(lookup_shards_read(t->l->db, &a, NULL, all, &err), err);
    for (unsigned shard = 0; shard < LOOKUP_SHARDS; shard++)
        for (size_t r = 0; r < all[shard].n; r++) {
            struct lookup_entry *e = NULL;
            struct value id = value_int(lookup_filter_id(all[shard].runs[r].run, shard)), bits = value_null();
            size_t n = 0;
            assert_ok(lookup_run_read(t->l->db, &a, &all[shard].runs[r], shard, &e, &n, &err), err);
            assert_ok(db_scalar(t->l->db, &a, "SELECT \"bits\" FROM \"lookup_filter\" WHERE \"id\" = ?1", &id, 1, &bits, &err), err);
            unsigned char *wanted = arena_alloc(&a, bits.n);
            lookup_filter_fill(wanted, bits.n, e, n);
            assert_memory_equal(wanted, bits.s, bits.n);
        }
    arena_clear(&a);
}

static void refused(void *arg, const struct intake_reject *r) {
    (void)arg;
    fail_msg("line %lld: %s", (long long)r->line, r->reason->en);
}

/* n contacts of case C1, each with document, phone and name; `from` makes them others. The import's id. */
static int64_t take_in(struct test_ledger *t, size_t from, size_t n, const char *met) {
    struct text headers[] = {TEXT("姓名"), TEXT("证件类型"), TEXT("证件号码"), TEXT("联系电话"), TEXT("关联病例"), TEXT("末次接触时间")};
    struct intake_options o = {.target = register_find(t->l->catalog, TEXT("contact")), .n_headers = 6, .headers = headers, .file = "test", .rejected = refused};
    struct error err = {0};
    struct intake *in = NULL;
    assert_ok(intake_new(t->l, &t->s, &o, &in, &err), err);
    for (size_t i = from; i < from + n; i++) {
        char name[32], doc[32], phone[32];
        snprintf(name, sizeof name, "王%s", i % 2 ? "伟" : "芳");
        snprintf(doc, sizeof doc, "E%08zu", i);
        snprintf(phone, sizeof phone, "138%08zu", i);
        struct text cells[] = {text_of(name), TEXT("护照"), text_of(doc), text_of(phone), TEXT("C1"), text_of(met)};
        assert_ok(intake_row(in, cells, 6, (int64_t)(i + 2), false, &err), err);
    }
    assert_ok(intake_finish(in, &err), err);
    struct intake_counts c;
    intake_progress(in, &c);
    intake_free(in);
    return test_count(t, "SELECT MAX(\"id\") FROM \"import\"");
}

static void index_case(struct test_ledger *t) {
    struct error err = {0};
    struct draft *person = test_draft(t, "person", DRAFT_CREATE, "name", "李四", NULL);
    struct draft *c = test_draft(t, "case", DRAFT_UPSERT, "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29", NULL);
    c->outside_key = TEXT("C1");
    c->links = arena_alloc(&t->a, c->reg->n_fields * sizeof *c->links);
    c->links[register_field(c->reg, TEXT("person"))] = 1;
    struct draft *both[] = {person, c};
    assert_ok(record_write(t->l, &t->s, both, 2, &err), err);
}

static void who_is_erased_leaves_no_bit(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        index_case(&t);
        take_in(&t, 0, 1500, "2022-05-28");
        assert_true(test_count(&t, "SELECT COUNT(*) FROM \"lookup_bucket\"") > 0); /* they lie in runs */
        exact(&t);
        int64_t *a = NULL, *b = NULL, *c = NULL, *none = NULL;
        size_t n = 0;
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E00000017"), &t.a, &a, &n, &err), err);
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E00000018"), &t.a, &b, &n, &err), err);
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E00000019"), &t.a, &c, &n, &err), err);
        assert_int_equal(n, 1);
        assert_ok(person_merge(t.l, &t.s, b[0], c[0], NULL, &err), err);
        assert_ok(person_merge(t.l, &t.s, a[0], b[0], NULL, &err), err); /* one into the other into the third */
        exact(&t);
        assert_ok(person_find(t.l, NULL, BLIND_PHONE, TEXT("13800000019"), &t.a, &none, &n, &err), err);
        assert_true(n == 1 && none[0] == a[0]);
        struct draft *d = test_draft(&t, "person", DRAFT_CHANGE, "phone", "13900000000", NULL);
        d->id = c[0]; /* changed although it was merged away */
        assert_ok(test_write(&t, d, &err), err);
        exact(&t);
        t.s.reason = TEXT("request of the person");
        assert_ok(person_erase(t.l, &t.s, a[0], &err), err);
        exact(&t);
        filters_are_exact(&t);
        static const char *const phones[] = {"13800000017", "13800000018", "13800000019", "13900000000"};
        for (size_t i = 0; i < 4; i++) {
            assert_ok(person_find(t.l, NULL, BLIND_PHONE, text_of(phones[i]), &t.a, &none, &n, &err), err);
            assert_int_equal(n, 0);
        }
        struct lookups stored = {0};
        assert_ok(lookups_stored(t.l->db, &stored, &err), err);
        for (size_t i = 0; i < stored.n; i++) {
            int64_t id = lookup_holder(stored.e[i]);
            bool blind = stored.e[i].holder >> LOOKUP_HOLDER_BITS < 16;
            assert_false(blind && (id == a[0] || id == b[0] || id == c[0]));
        }
        free(stored.e);
    }
}

static void what_is_undone_is_not_found(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        index_case(&t);
        take_in(&t, 0, 900, "2022-05-28");
        int64_t second = take_in(&t, 600, 900, "2022-05-29"); /* 300 persons are known, 600 new */
        exact(&t);
        struct intake_undone u = {0};
        assert_ok(intake_undo(t.l, &t.s, second, NULL, NULL, &u, &err), err);
        exact(&t);
        int64_t *ids = NULL;
        size_t n = 0;
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E00001000"), &t.a, &ids, &n, &err), err);
        assert_int_equal(n, 0);
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E00000700"), &t.a, &ids, &n, &err), err);
        assert_int_equal(n, 1);
        take_in(&t, 600, 900, "2022-05-29"); /* and can come again */
        exact(&t);
        struct record r;
        const struct register_decl *contact = register_find(t.l->catalog, TEXT("contact"));
        struct value number = value_null();
        assert_ok(db_scalar(t.l->db, &t.a, "SELECT \"number\" FROM \"contact\" ORDER BY \"id\" DESC LIMIT 1", NULL, 0, &number, &err), err);
        assert_ok(record_by_number(t.l, NULL, &t.s, contact, value_view(number), &t.a, &r, &err), err);
        assert_true(text_eq(r.number, value_view(number)));
    }
}

/* A change that is refused after its sealed cells were looked at. */
static void a_refused_change_moves_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t id = test_record(&t, "person", "name", "张伟", "phone", "13800138000");
        struct draft *d = test_draft(&t, "person", DRAFT_CHANGE, "phone", "13900139000", "merged_into", "999999", NULL);
        d->id = id;
        assert_true(test_write(&t, d, &err) < 0);
        exact(&t);
        /* beside one that is taken, in one batch */
        struct draft *good = test_draft(&t, "person", DRAFT_CHANGE, "sex", "male", NULL), *bad = test_draft(&t, "person", DRAFT_CHANGE, "phone", "13900139000", "merged_into", "999999", NULL);
        good->id = bad->id = id;
        struct draft *both[] = {bad, good};
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, both, 2, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        assert_int_equal(bad->outcome, OUTCOME_REJECTED);
        assert_int_equal(good->outcome, OUTCOME_CHANGED);
        exact(&t);
    }
}

/* A store from before the lookup: a table of blind hashes, an index for keys; and one whose front was a table of entries. */
static void an_old_store_is_indexed_by_migrating(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct buf plan = {0};
        index_case(&t);
        take_in(&t, 0, 800, "2022-05-28");
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(lookup_empty(t.l->lookup, t.l->db, &err), err);
        assert_ok(db_run(t.l->db, "CREATE TABLE \"blind\" (\"kind\" INTEGER, \"hash\" INTEGER, \"holder\" INTEGER)", NULL, 0, NULL, &err), err);
        assert_ok(db_run(t.l->db, "INSERT INTO \"blind\" VALUES (1, 2, 3)", NULL, 0, NULL, &err), err);
        assert_ok(db_run(t.l->db, "CREATE TABLE \"lookup\" (\"place\" INTEGER, \"holder\" INTEGER)", NULL, 0, NULL, &err), err);
        assert_ok(db_run(t.l->db, "CREATE UNIQUE INDEX \"person_key\" ON \"person\" (\"key\")", NULL, 0, NULL, &err), err);
        assert_ok(db_run(t.l->db, "DELETE FROM \"node\" WHERE \"name\" = 'lookup'", NULL, 0, NULL, &err), err);
        assert_ok(ledger_set(t.l, "schema", TEXT("older"), &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        ledger_close(t.l);
        t.l = NULL;
        assert_int_equal(ledger_open(&t.o, &t.l, &err), E_CONFLICT);
        err = (struct error){0};
        assert_ok(ledger_open_to_migrate(&t.o, &t.l, &err), err);
        assert_ok(ledger_migrate(t.l, false, &plan, &err), err);
        assert_non_null(strstr(buf_cstr(&plan), "DROP TABLE IF EXISTS \"blind\""));
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"blind\""), 1); /* only shown */
        buf_reset(&plan);
        assert_ok(ledger_migrate(t.l, true, &plan, &err), err);
        test_ledger_reopen(&t);
        exact(&t);
        struct db_cursor *c = NULL;
        assert_true(db_query(t.l->db, "SELECT * FROM \"blind\"", NULL, 0, &c, &err) < 0);
        assert_true(db_query(t.l->db, "SELECT * FROM \"lookup\"", NULL, 0, &c, &err) < 0);
        buf_reset(&plan);
        assert_ok(ledger_migrate(t.l, false, &plan, &err), err);
        assert_int_equal(plan.n, 0); /* once */
        take_in(&t, 700, 200, "2022-05-29");
        exact(&t);
        buf_clear(&plan);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_damaged_list_of_runs_is_said),
        cmocka_unit_test(random_life_equals_a_plain_list),
        cmocka_unit_test(emptied_and_filled_again_it_is_another),
        cmocka_unit_test(the_front_is_what_the_last_commit_left),
        cmocka_unit_test(what_is_erased_leaves_no_row),
        cmocka_unit_test(a_damaged_row_of_the_front_is_said),
        cmocka_unit_test(a_reader_never_misses_what_is_there),
        cmocka_unit_test(out_of_memory_changes_nothing),
        cmocka_unit_test(a_refused_change_moves_nothing),
        cmocka_unit_test(who_is_erased_leaves_no_bit),
        cmocka_unit_test(what_is_undone_is_not_found),
        cmocka_unit_test(an_old_store_is_indexed_by_migrating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

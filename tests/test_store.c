/* Laws of the store, on every store of TOCSIN_TEST_STORES: refusals first. */
#include "stores.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "store/db.h"

/* Sanitizers keep freed memory for a while: no measure of ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/* ---- a table of each kind: rowid with indexes, and clustered with a composite key */

static const struct db_column person_columns[] = {
    {"id", COLUMN_INT, true},      {"region", COLUMN_TEXT, true}, {"name", COLUMN_BLOB, false},
    {"order", COLUMN_TEXT, false}, {"age", COLUMN_INT, false},
};
static const struct db_index person_indexes[] = {
    {"person_region", "region, age DESC", false, NULL},
    {"person_order", "order", true, "\"order\" <> 'x' AND \"age\" > 3"},
};
static const struct db_table person = {"person", "id", "region", false, 5, person_columns, 2, person_indexes};

static const struct db_column blind_columns[] = {
    {"kind", COLUMN_INT, true},
    {"hash", COLUMN_INT, true},
    {"person", COLUMN_INT, true},
    {"case", COLUMN_TEXT, false},
};
static const struct db_table blind = {"blind", "kind, hash, person", NULL, true, 4, blind_columns, 0, NULL};
static const struct db_table *const both[] = {&person, &blind};

static const uint16_t ALL[] = {0, 1, 2, 3, 4};
static const uint16_t KEY[] = {0};

static struct error err;

static struct db *fresh(size_t store) {
    struct db *db = NULL;
    err = (struct error){0};
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
    assert_ok(db_migrate(db, both, 2, true, NULL, &err), err);
    return db;
}

static struct db *open_again(size_t store, enum db_mode mode) {
    struct db *db = NULL;
    assert_ok(db_open(test_store_list[store].url, mode, &db, &err), err);
    return db;
}

static void done(size_t store, struct db *db) {
    db_close(db);
    test_store_drop(store);
}

/* Runs `what` and expects the code; the error is fresh each time. */
#define refused(expected, what)                                                                                  \
    do {                                                                                                     \
        err = (struct error){0};                                                                             \
        int got_ = (what);                                                                                   \
        if (got_ != (expected))                                                                              \
            fail_msg("%s: %s (%s), not " #expected, #what, error_name(got_), err.message);                   \
        assert_int_equal(err.code, (expected));                                                              \
        err = (struct error){0};                                                                             \
    } while (0)

static void row_of(struct value *row, int64_t id, const char *region, const char *order, int64_t age) {
    row[0] = value_int(id);
    row[1] = value_str(region);
    row[2] = value_blob("\0\x01name\0", 7);
    row[3] = order ? value_str(order) : value_null();
    row[4] = value_int(age);
}

static int add(struct db *db, int64_t id, const char *region, const char *order, int64_t age) {
    struct value row[5];
    row_of(row, id, region, order, age);
    return db_batch(db, DB_INSERT, &person, ALL, 5, row, 1, NULL, &err);
}

static int64_t number(struct db *db, const char *sql) {
    struct arena a = {0};
    struct value v = value_int(-1);
    assert_ok(db_scalar(db, &a, sql, NULL, 0, &v, &err), err);
    int64_t i = value_int_or(v, -2);
    arena_clear(&a);
    return i;
}

static int64_t count(struct db *db) {
    return number(db, "SELECT count(*) FROM \"person\"");
}

/* Every row of person and blind in one digest: equal stores give equal digests. */
static void contents(struct db *db, struct buf *out) {
    const char *sql[] = {"SELECT * FROM \"person\" ORDER BY \"region\", \"id\"", "SELECT * FROM \"blind\" ORDER BY \"kind\", \"hash\", \"person\""};
    buf_reset(out);
    for (size_t i = 0; i < 2; i++) {
        struct db_cursor *c = NULL;
        const struct value *row;
        assert_ok(db_query(db, sql[i], NULL, 0, &c, &err), err);
        while (db_next(c, &row, &err) > 0)
            for (size_t k = 0; k < db_columns(c); k++) {
                buf_printf(out, "%d:", (int)row[k].kind);
                if (row[k].kind == VALUE_INT) buf_int(out, row[k].i);
                buf_text(out, value_view(row[k]));
                buf_char(out, '|');
            }
        db_cursor_close(c);
    }
    assert_int_equal(err.code, 0);
}

static void assert_same(struct buf *a, struct buf *b) {
    assert_int_equal(a->n, b->n);
    if (a->n) assert_memory_equal(a->s, b->s, a->n);
}

/* ---- refusals */

static void wrong_use_is_refused(void **state) {
    (void)state;
    struct db *db = NULL;
    refused(E_UNKNOWN, db_open("/nonexistent/x.db", DB_READ, &db, &err));
    refused(E_UNKNOWN, db_open("/nonexistent/x.db", DB_WRITE, &db, &err));
    refused(E_USAGE, db_open("", DB_READ, &db, &err));
    assert_null(db);
    for (size_t i = 0; i < test_stores(); i++) {
        db = fresh(i);
        refused(E_USAGE, db_commit(db, &err));
        refused(E_USAGE, db_savepoint(db, &err));
        refused(E_USAGE, add(db, 1, "310000", NULL, 1)); /* outside a transaction */
        assert_ok(db_begin(db, &err), err);
        refused(E_USAGE, db_begin(db, &err));
        refused(E_USAGE, db_snapshot(db, &err));
        refused(E_USAGE, db_savepoint_release(db, &err));
        struct value row[5];
        row_of(row, 1, "31", NULL, 1);
        const uint16_t no_key[] = {1, 2}, far[] = {0, 9};
        refused(E_USAGE, db_batch(db, DB_UPDATE, &person, no_key, 2, row, 1, NULL, &err));
        refused(E_USAGE, db_batch(db, DB_DELETE, &person, ALL, 2, row, 1, NULL, &err));
        refused(E_USAGE, db_batch(db, DB_UPDATE, &person, KEY, 1, row, 1, NULL, &err));
        refused(E_USAGE, db_batch(db, DB_INSERT, &person, far, 2, row, 1, NULL, &err));
        db_rollback(db);
        refused(E_STORE, db_run(db, "SELECT nonsense FROM nowhere", NULL, 0, NULL, &err));
        refused(E_USAGE, db_run(db, "SELECT 1; SELECT 2", NULL, 0, NULL, &err));
        refused(E_USAGE, db_run(db, "SELECT ?1", NULL, 0, NULL, &err));
        struct value nul = value_text((struct text){"a\0b", 3}), bad = value_str("\xC3(");
        refused(E_INVALID, db_run(db, "DELETE FROM \"person\" WHERE \"region\" = ?1", &nul, 1, NULL, &err));
        refused(E_INVALID, db_run(db, "DELETE FROM \"person\" WHERE \"region\" = ?1", &bad, 1, NULL, &err));
        struct db *reader = open_again(i, DB_READ);
        refused(E_USAGE, db_begin(reader, &err));
        refused(E_USAGE, db_run(reader, "DELETE FROM \"person\"", NULL, 0, NULL, &err));
        db_close(reader);
        done(i, db);
    }
    db_close(NULL);
    db_cursor_close(NULL);
}

static void bad_cells_are_refused_with_their_row(void **state) {
    (void)state;
    struct value bad[] = {value_str("12"), value_blob("x", 1), value_int(3), value_text((struct text){"a\0b", 3}),
                          value_str("\xFF"), value_null()};
    size_t column[] = {0, 1, 2, 3, 3, 1};
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            struct value rows[20];
            for (int r = 0; r < 4; r++) row_of(rows + 5 * r, r + 1, "31", NULL, r);
            rows[5 * 2 + column[k]] = bad[k];
            size_t at = 99;
            assert_ok(db_begin(db, &err), err);
            refused(E_INVALID, db_batch(db, DB_INSERT, &person, ALL, 5, rows, 4, &at, &err));
            assert_int_equal(at, 2);
            db_rollback(db);
        }
        assert_int_equal(count(db), 0);
        done(i, db);
    }
}

static void a_failed_row_is_named_and_only_rollback_helps(void **state) {
    (void)state;
    enum { N = 5000 };
    struct value *rows = calloc((size_t)N * 5, sizeof *rows);
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 4321, "31", NULL, 1), err);
        assert_ok(db_commit(db, &err), err);
        for (int r = 0; r < N; r++) row_of(rows + 5 * r, r + 1, "31", NULL, r);
        size_t bad = 0;
        assert_ok(db_begin(db, &err), err);
        refused(E_CONFLICT, db_batch(db, DB_INSERT, &person, ALL, 5, rows, N, &bad, &err));
        assert_int_equal(bad, 4320);
        refused(E_USAGE, add(db, 9999, "31", NULL, 1));
        refused(E_USAGE, db_run(db, "DELETE FROM \"person\"", NULL, 0, NULL, &err));
        refused(E_USAGE, db_commit(db, &err));
        assert_int_equal(count(db), 1);
        /* twice in one batch: the second is the bad one */
        rows[5 * 70] = value_int(7);
        rows[5 * 4320] = value_int(100000);
        assert_ok(db_begin(db, &err), err);
        refused(E_CONFLICT, db_batch(db, DB_INSERT, &person, ALL, 5, rows, N, &bad, &err));
        assert_int_equal(bad, 70);
        db_rollback(db);
        /* a unique index, partial */
        row_of(rows, 1, "31", "same", 4);
        row_of(rows + 5, 2, "31", "same", 3);
        row_of(rows + 10, 3, "31", "same", 5);
        assert_ok(db_begin(db, &err), err);
        refused(E_CONFLICT, db_batch(db, DB_INSERT, &person, ALL, 5, rows, 3, &bad, &err));
        assert_int_equal(bad, 2);
        db_rollback(db);
        /* changing what is not there */
        assert_ok(db_begin(db, &err), err);
        refused(E_UNKNOWN, db_batch(db, DB_UPDATE, &person, ALL, 5, rows, 3, &bad, &err));
        assert_int_equal(bad, 0);
        db_rollback(db);
        assert_int_equal(count(db), 1);
        done(i, db);
    }
    free(rows);
}

/* Rows of a clustered table are taken in key order: the first bad one of the batch is named all the same. */
static void the_first_bad_row_is_named_in_any_order(void **state) {
    (void)state;
    enum { N = 500 };
    static struct value rows[3 * N];
    const uint16_t three[] = {0, 1, 2};
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        for (int64_t k = 0; k < N; k++) {
            rows[3 * k] = value_int(1);
            rows[3 * k + 1] = value_int(-k * 1000);
            rows[3 * k + 2] = value_int(k);
        }
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_batch(db, DB_INSERT, &blind, three, 3, rows + 3 * 400, 1, NULL, &err), err);
        assert_ok(db_batch(db, DB_INSERT, &blind, three, 3, rows + 3 * 300, 1, NULL, &err), err);
        assert_ok(db_commit(db, &err), err);
        size_t bad = 0;
        assert_ok(db_begin(db, &err), err);
        refused(E_CONFLICT, db_batch(db, DB_INSERT, &blind, three, 3, rows, N, &bad, &err));
        assert_int_equal(bad, 300);
        db_rollback(db);
        memcpy(rows + 3 * 250, rows + 3 * 20, sizeof *rows * 3); /* twice in the batch */
        rows[3 * 270 + 2] = value_str("not a number");
        assert_ok(db_begin(db, &err), err);
        refused(E_CONFLICT, db_batch(db, DB_INSERT, &blind, three, 3, rows, N, &bad, &err));
        assert_int_equal(bad, 250);
        db_rollback(db);
        rows[3 * 100 + 2] = value_str("not a number");
        assert_ok(db_begin(db, &err), err);
        refused(E_INVALID, db_batch(db, DB_INSERT, &blind, three, 3, rows, N, &bad, &err));
        assert_int_equal(bad, 100);
        db_rollback(db);
        done(i, db);
    }
}

static void not_a_store_is_corrupt(void **state) {
    (void)state;
    char path[] = "/tmp/tocsin-junk-XXXXXX";
    int fd = mkstemp(path);
    char junk[9000];
    memset(junk, 'j', sizeof junk);
    assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
    close(fd);
    struct db *db = NULL;
    refused(E_CORRUPT, db_open(path, DB_WRITE, &db, &err));
    unlink(path);
}

/* ---- migration */

static void migration_is_planned_applied_and_idempotent(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = NULL;
        struct buf plan = {0}, again = {0};
        assert_ok(db_open(test_store_fresh(i), DB_WRITE, &db, &err), err);
        assert_ok(db_migrate(db, both, 2, false, &plan, &err), err);
        assert_true(plan.n > 0);
        assert_ok(db_migrate(db, both, 2, true, &again, &err), err);
        assert_same(&plan, &again);
        buf_reset(&again);
        assert_ok(db_migrate(db, both, 2, true, &again, &err), err);
        assert_int_equal(again.n, 0);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 1, "31", "a", 9), err);
        assert_ok(db_commit(db, &err), err);

        /* one column more (declared required, added nullable), one less, one index changed, one dropped */
        struct db_column columns[5];
        memcpy(columns, person_columns, sizeof columns);
        columns[4] = (struct db_column){"new one", COLUMN_TEXT, true};
        struct db_index indexes[] = {{"person_region", "region", false, NULL}};
        struct db_table changed = {"person", "id", "region", false, 5, columns, 1, indexes};
        const struct db_table *tables[] = {&changed, &blind};
        buf_reset(&plan);
        buf_reset(&again);
        assert_ok(db_migrate(db, tables, 2, true, &plan, &err), err);
        const char *text = buf_cstr(&plan);
        assert_non_null(strstr(text, "ADD COLUMN \"new one\""));
        assert_non_null(strstr(text, "-- kept: person.age\n"));
        assert_non_null(strstr(text, "DROP INDEX \"person_order\""));
        assert_non_null(strstr(text, "DROP INDEX \"person_region\""));
        assert_ok(db_migrate(db, tables, 2, true, &again, &err), err);
        assert_string_equal(buf_cstr(&again), "-- kept: person.age\n");
        assert_int_equal(number(db, "SELECT count(*) FROM \"person\" WHERE \"new one\" IS NULL AND \"age\" = 9"), 1);
        buf_clear(&plan);
        buf_clear(&again);
        done(i, db);
    }
}

static void migration_refuses_what_would_lose_data(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        struct buf plan = {0};
        struct db_column columns[6];
        memcpy(columns, person_columns, sizeof person_columns);
        columns[5] = (struct db_column){"extra", COLUMN_INT, false};
        columns[4].type = COLUMN_TEXT;
        struct db_table changed = {"person", "id", "region", false, 6, columns, 0, NULL};
        const struct db_table *tables[] = {&changed};
        refused(E_CONFLICT, db_migrate(db, tables, 1, true, &plan, &err));
        assert_int_equal(plan.n, 0);
        columns[4].type = COLUMN_INT;
        changed.key = "id, region";
        changed.partition = NULL;
        /* on PostgreSQL the partition column is in the key already */
        if (db_kind_of(db) == DB_SQLITE) refused(E_CONFLICT, db_migrate(db, tables, 1, true, &plan, &err));
        changed.key = "age";
        refused(E_CONFLICT, db_migrate(db, tables, 1, true, &plan, &err));
        changed.key = "nothing";
        refused(E_USAGE, db_migrate(db, tables, 1, true, &plan, &err));
        changed.key = "id";
        changed.name = "a_name_of_more_than_sixty_three_bytes_that_postgresql_would_cut_off";
        refused(E_USAGE, db_migrate(db, tables, 1, true, &plan, &err));
        assert_ok(db_migrate(db, both, 2, true, &plan, &err), err);
        assert_int_equal(plan.n, 0); /* nothing was half done */
        buf_clear(&plan);
        done(i, db);
    }
}

/* ---- batches */

static void random_row(struct rng *r, struct value *row, int64_t id, char *text) {
    row_of(row, id, rng_below(r, 2) ? "310000" : "110000", NULL, (int64_t)rng_u64(r));
    size_t n = rng_below(r, 40);
    for (size_t i = 0; i < n; i++) text[i] = (char)rng_below(r, 256);
    row[2] = rng_below(r, 5) ? value_blob(text, n) : value_null();
    if (rng_below(r, 3) == 0) row[3] = value_str("警钟 bell's \"quoted\" \\ {x,y}");
    if (rng_below(r, 4) == 0) row[4] = (struct value){.kind = VALUE_ABSENT};
}

static void batch_is_row_by_row(void **state) {
    (void)state;
    enum { N = 6000, TEXT_MAX = 40 };
    struct value *rows = calloc((size_t)N * 5, sizeof *rows);
    char *texts = calloc(N, TEXT_MAX);
    struct buf whole = {0}, single = {0};
    /* the unique index is on "order": leave it out */
    struct db_table plain = person;
    plain.n_indexes = 1;
    const struct db_table *tables[] = {&plain, &blind};
    for (size_t i = 0; i < test_stores(); i++) {
        for (int once = 0; once < 2; once++) {
            struct db *db = NULL;
            assert_ok(db_open(test_store_fresh(i), DB_WRITE, &db, &err), err);
            assert_ok(db_migrate(db, tables, 2, true, NULL, &err), err);
            struct rng r;
            rng_seed(&r, 11);
            size_t size = once ? 1 : N;
            for (int64_t k = 0; k < N; k++) random_row(&r, rows + 5 * k, k * 7919 % 100003, texts + k * TEXT_MAX);
            assert_ok(db_begin(db, &err), err);
            for (size_t k = 0; k < N / 2; k += size) {
                size_t n = k + size > N / 2 ? N / 2 - k : size;
                assert_ok(db_batch(db, DB_INSERT, &plain, ALL, 5, rows + 5 * k, n, NULL, &err), err);
            }
            /* upserts: old and new rows, and the same key several times in one batch: the last one wins */
            for (size_t k = 0; k < N; k++) {
                random_row(&r, rows + 5 * k, (int64_t)(k % 3 ? rng_below(&r, 500) : k) * 7919 % 100003, texts + k * TEXT_MAX);
                rows[5 * k + 1] = value_str("310000");
            }
            for (size_t k = 0; k < N; k += size)
                assert_ok(db_batch(db, DB_UPSERT, &plain, ALL, 5, rows + 5 * k, once ? 1 : N, NULL, &err), err);
            const uint16_t age[] = {4, 0};
            struct value cells[2 * 1000];
            for (size_t k = 0; k < 1000; k++) {
                cells[2 * k] = value_int((int64_t)k);
                cells[2 * k + 1] = rows[5 * rng_below(&r, 50)];
            }
            for (size_t k = 0; k < 1000; k += once ? 1 : 1000)
                assert_ok(db_batch(db, DB_UPDATE, &plain, age, 2, cells + 2 * k, once ? 1 : 1000, NULL, &err), err);
            struct value gone[300];
            for (size_t k = 0; k < 300; k++) gone[k] = value_int((int64_t)k * 3); /* some are not there */
            for (size_t k = 0; k < 300; k += once ? 1 : 300)
                assert_ok(db_batch(db, DB_DELETE, &plain, KEY, 1, gone + k, once ? 1 : 300, NULL, &err), err);
            const uint16_t four[] = {0, 1, 2, 3};
            struct value hashes[4 * 2000];
            for (size_t k = 0; k < 2000; k++) {
                hashes[4 * k] = value_int((int64_t)k % 3);
                hashes[4 * k + 1] = value_int((int64_t)rng_u64(&r));
                hashes[4 * k + 2] = value_int((int64_t)k);
                hashes[4 * k + 3] = k % 2 ? value_str("") : value_null();
            }
            for (size_t k = 0; k < 2000; k += once ? 1 : 2000)
                assert_ok(db_batch(db, DB_INSERT, &blind, four, 4, hashes + 4 * k, once ? 1 : 2000, NULL, &err), err);
            assert_ok(db_commit(db, &err), err);
            contents(db, once ? &single : &whole);
            done(i, db);
        }
        assert_true(whole.n > 100000);
        assert_same(&whole, &single);
    }
    buf_clear(&whole);
    buf_clear(&single);
    free(rows);
    free(texts);
}

static void upsert_replaces_only_the_given_columns(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        const uint16_t some[] = {0, 1, 4};
        struct value row[] = {value_int(5), value_str("31"), value_int(77)};
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 5, "31", "kept", 1), err);
        assert_ok(db_batch(db, DB_UPSERT, &person, some, 3, row, 1, NULL, &err), err);
        /* the same key in another region is the same row */
        row[1] = value_str("32");
        assert_ok(db_batch(db, DB_UPSERT, &person, some, 3, row, 1, NULL, &err), err);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(count(db), 1);
        assert_int_equal(number(db, "SELECT \"age\" FROM \"person\" WHERE \"order\" = 'kept' AND \"region\" = '32'"), 77);
        done(i, db);
    }
}

/* ---- values */

static void values_come_back_as_they_went(void **state) {
    (void)state;
    enum { LONG = 3 << 20 };
    char *big = malloc(LONG);
    for (size_t i = 0; i < LONG; i++) big[i] = (char)('a' + i % 26);
    const char *const texts[] = {"", "\\x41", "{\"a\",NULL}", "'", "警钟\xF0\xA0\xAE\xB7", "line\nline\t"};
    int64_t ints[] = {0, -1, INT64_MIN, INT64_MAX};
    struct arena a = {0};
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        struct value row[5], v, params[2];
        assert_ok(db_begin(db, &err), err);
        int64_t id = 0;
        for (size_t k = 0; k < 6 + 4 + 2; k++) {
            row_of(row, ++id, "31", NULL, k >= 6 && k < 10 ? ints[k - 6] : 0);
            if (k < 6) row[3] = value_str(texts[k]);
            if (k == 10) row[3] = value_text((struct text){big, LONG});
            if (k == 11) row[2] = value_blob("", 0);
            assert_ok(db_batch(db, DB_INSERT, &person, ALL, 5, row, 1, NULL, &err), err);
            for (size_t c = 0; c < 5; c++) {
                char sql[200];
                params[0] = value_int(id);
                snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"person\" WHERE \"id\" = ?1", person_columns[c].name);
                assert_ok(db_scalar(db, &a, sql, params, 1, &v, &err), err);
                assert_int_equal(v.kind, row[c].kind);
                assert_true(value_eq(v, row[c]));
            }
        }
        /* through parameters too, any kind, in any order, and used twice; quotes hide question marks */
        params[0] = value_str("a");
        params[1] = value_int(7);
        int64_t changes = 0;
        assert_ok(db_run(db, "UPDATE \"person\" SET \"age\" = ?2, \"order\" = ?1 WHERE \"id\" = 1 OR (\"id\" = ?2 AND '?1' = ?1)",
                         params, 2, &changes, &err), err);
        assert_int_equal(changes, 1);
        params[0] = value_null();
        assert_ok(db_run(db, "UPDATE \"person\" SET \"age\" = ?2, \"order\" = ?1 WHERE \"id\" = 1 OR (\"id\" = ?2 AND '?1' = ?1)",
                         params, 2, &changes, &err), err);
        assert_int_equal(changes, 1);
        assert_int_equal(number(db, "SELECT count(*) FROM \"person\" WHERE \"id\" = 1 AND \"order\" IS NULL"), 1);
        assert_int_equal(number(db, "SELECT sum(\"age\") FROM \"person\" WHERE \"id\" IN (1, 2, 8)"), 6);
        assert_int_equal(number(db, "SELECT count(*) > 3 FROM \"person\""), 1);
        assert_int_equal(number(db, "SELECT \"id\" FROM \"person\" WHERE \"id\" = 4711"), -2); /* NULL */
        assert_int_equal(number(db, "SELECT sum(\"age\") FROM \"person\" WHERE \"id\" = 4711"), -2);
        params[0] = value_str("31");
        assert_ok(db_scalar(db, &a, "SELECT avg(\"id\") FROM \"person\" WHERE \"region\" = ?1 AND \"id\" IN (1, 3)", params, 1, &v, &err), err);
        assert_int_equal(value_int_or(v, 0), 2);
        db_rollback(db);
        assert_int_equal(count(db), 0);
        done(i, db);
    }
    arena_clear(&a);
    free(big);
}

/* Chinese before and after ASCII, capitals before small letters: the bytes decide, on both stores. */
static void text_is_ordered_by_its_bytes(void **state) {
    (void)state;
    const char *const regions[] = {"a", "Z", "警", "_", "31", "310", "é", "B"};
    const char *const sorted[] = {"31", "310", "B", "Z", "_", "a", "é", "警"};
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        assert_ok(db_begin(db, &err), err);
        for (int k = 0; k < 8; k++) assert_ok(add(db, k + 1, regions[k], NULL, 1), err);
        assert_ok(db_commit(db, &err), err);
        struct db_cursor *c = NULL;
        const struct value *row;
        assert_ok(db_query(db, "SELECT \"region\" FROM \"person\" ORDER BY \"region\"", NULL, 0, &c, &err), err);
        for (size_t k = 0; k < 8; k++) {
            assert_int_equal(db_next(c, &row, &err), 1);
            assert_true(text_is(value_view(row[0]), sorted[k]));
        }
        assert_int_equal(db_next(c, &row, &err), 0);
        db_cursor_close(c);
        struct value range[] = {value_str("31"), value_str("32")};
        struct arena a = {0};
        struct value v;
        assert_ok(db_scalar(db, &a, "SELECT count(*) FROM \"person\" WHERE \"region\" >= ?1 AND \"region\" < ?2", range, 2, &v, &err), err);
        assert_int_equal(v.i, 2);
        arena_clear(&a);
        done(i, db);
    }
}

/* ---- transactions */

static void savepoints_undo_exactly_theirs(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 1, "31", NULL, 1), err);
        assert_ok(db_savepoint(db, &err), err);
        assert_ok(add(db, 2, "31", NULL, 1), err);
        assert_ok(db_savepoint(db, &err), err);
        refused(E_CONFLICT, add(db, 2, "31", NULL, 1));
        refused(E_USAGE, db_savepoint_release(db, &err));
        assert_ok(db_savepoint_rollback(db, &err), err);
        assert_ok(add(db, 3, "31", NULL, 1), err);
        assert_ok(db_savepoint_release(db, &err), err);
        assert_ok(db_savepoint(db, &err), err);
        assert_ok(add(db, 4, "31", NULL, 1), err);
        assert_ok(db_savepoint_rollback(db, &err), err);
        assert_ok(db_savepoint(db, &err), err); /* never used */
        assert_ok(db_savepoint_rollback(db, &err), err);
        for (int k = 0; k < 8; k++) assert_ok(db_savepoint(db, &err), err);
        refused(E_USAGE, db_savepoint(db, &err));
        for (int k = 0; k < 8; k++) assert_ok(db_savepoint_release(db, &err), err);
        assert_int_equal(number(db, "SELECT sum(\"id\") FROM \"person\""), 6);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(number(db, "SELECT sum(\"id\") FROM \"person\""), 6);
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_savepoint(db, &err), err);
        refused(E_USAGE, db_commit(db, &err)); /* a savepoint was left open: a bug, so nothing is kept */
        assert_ok(db_begin(db, &err), err);
        db_rollback(db);
        done(i, db);
    }
}

static void readers_see_only_what_is_committed(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *reader = open_again(i, DB_READ);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 1, "31", NULL, 1), err);
        assert_int_equal(count(db), 1);
        assert_int_equal(count(reader), 0);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(count(reader), 1);
        assert_ok(db_snapshot(reader, &err), err);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 2, "31", NULL, 1), err);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(count(reader), 1);
        db_snapshot_end(reader);
        assert_int_equal(count(reader), 2);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 3, "31", NULL, 1), err);
        db_close(db); /* an open transaction dies with its connection */
        assert_int_equal(count(reader), 2);
        done(i, reader);
    }
}

/* Two processes each add 1 to the same number 200 times, read and written in one transaction. */
static void writers_of_two_processes_take_turns(void **state) {
    (void)state;
    enum { TIMES = 200 };
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 1, "31", NULL, 0), err);
        assert_ok(db_commit(db, &err), err);
        db_close(db);
        pid_t child[2];
        for (int k = 0; k < 2; k++) {
            if ((child[k] = fork()) != 0) continue;
            int rc = db_open(test_store_list[i].url, DB_WRITE, &db, &err);
            for (int n = 0; n < TIMES && rc >= 0; n++) {
                struct arena a = {0};
                struct value v = value_null();
                rc = db_begin(db, &err);
                if (rc >= 0) rc = db_scalar(db, &a, "SELECT \"age\" FROM \"person\" WHERE \"id\" = 1", NULL, 0, &v, &err);
                v.i++;
                if (rc >= 0) rc = db_run(db, "UPDATE \"person\" SET \"age\" = ?1 WHERE \"id\" = 1", &v, 1, NULL, &err);
                if (rc >= 0) rc = db_commit(db, &err);
                arena_clear(&a);
            }
            if (rc < 0) fprintf(stderr, "%s\n", err.message);
            _exit(rc < 0);
        }
        for (int k = 0; k < 2; k++) {
            int status = 0;
            waitpid(child[k], &status, 0);
            assert_int_equal(status, 0);
        }
        db = open_again(i, DB_READ);
        assert_int_equal(number(db, "SELECT \"age\" FROM \"person\" WHERE \"id\" = 1"), 2 * TIMES);
        done(i, db);
    }
}

/* ---- cursors */

static long resident_kb(void) {
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return resident * 4;
}

static void fill(struct db *db, int64_t n) {
    enum { STEP = 2000 };
    struct value *rows = calloc(STEP * 5, sizeof *rows);
    assert_ok(db_begin(db, &err), err);
    for (int64_t k = 0; k < n; k += STEP) {
        size_t m = n - k < STEP ? (size_t)(n - k) : STEP;
        for (size_t r = 0; r < m; r++) {
            row_of(rows + 5 * r, k + (int64_t)r, "31", NULL, 1);
            rows[5 * r + 2] = value_blob("0123456789012345678901234567890123456789012345678901234567890123456789"
                                         "0123456789012345678901234567890123456789012345678901234567890123456789", 140);
        }
        assert_ok(db_batch(db, DB_INSERT, &person, ALL, 5, rows, m, NULL, &err), err);
    }
    assert_ok(db_commit(db, &err), err);
    free(rows);
}

static void large_results_stream(void **state) {
    (void)state;
    enum { N = 300000 };
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        fill(db, N);
        db_close(db);
        for (int mode = 0; mode < 3; mode++) { /* plain, in a snapshot, in a write transaction */
            db = open_again(i, DB_WRITE);
            if (mode == 1) assert_ok(db_snapshot(db, &err), err);
            if (mode == 2) assert_ok(db_begin(db, &err), err);
            struct db_cursor *c = NULL;
            const struct value *row;
            int64_t n = 0, most = 0;
            long before = resident_kb();
            assert_ok(db_query(db, "SELECT * FROM \"person\" ORDER BY \"id\"", NULL, 0, &c, &err), err);
            while (db_next(c, &row, &err) > 0) {
                if (row[0].i != n++) fail_msg("row %ld is %ld", (long)n, (long)row[0].i);
                if (n % 10000 == 0 && resident_kb() - before > most) most = resident_kb() - before;
            }
            assert_int_equal(err.code, 0);
            assert_int_equal(n, N);
            db_cursor_close(c);
            /* 60 MB of rows; a page cache of 64 MB at most on SQLite's writer, a few chunks on PostgreSQL */
            if (db_kind_of(db) == DB_POSTGRES && !SANITIZED) assert_in_range(most, 0, 16 << 10);
            db_close(db);
        }
        test_store_drop(i);
    }
}

static void several_cursors_walk_beside_batches(void **state) {
    (void)state;
    enum { N = 5000 };
    for (size_t i = 0; i < test_stores(); i++) {
        for (int inside = 0; inside < 2; inside++) {
            struct db *db = fresh(i);
            fill(db, N);
            struct db_cursor *a = NULL, *b = NULL, *early = NULL;
            const struct value *row;
            struct value limit = value_int(N - 1);
            if (inside) assert_ok(db_begin(db, &err), err);
            const char *same = "SELECT \"id\", \"name\" FROM \"person\" WHERE \"id\" <= ?1 ORDER BY \"id\"";
            assert_ok(db_query(db, same, &limit, 1, &a, &err), err);
            limit = value_int(N - 2);
            assert_ok(db_query(db, same, &limit, 1, &b, &err), err);
            limit = value_int(3); /* the cursors keep their own parameters */
            assert_ok(db_query(db, same, &limit, 1, &early, &err), err);
            int64_t n = 0, m = 0;
            while (db_next(a, &row, &err) > 0) {
                assert_int_equal(row[0].i, n++);
                if (db_next(b, &row, &err) > 0) assert_int_equal(row[0].i, m++);
                if (n % 500 == 0) {
                    assert_int_equal(number(db, "SELECT count(*) FROM \"blind\""), inside ? n / 500 - 1 : 0);
                    const uint16_t three[] = {0, 1, 2};
                    struct value hash[] = {value_int(1), value_int(n), value_int(n)};
                    if (inside) assert_ok(db_batch(db, DB_INSERT, &blind, three, 3, hash, 1, NULL, &err), err);
                }
            }
            assert_int_equal(err.code, 0);
            assert_int_equal(n, N);
            assert_int_equal(m, N - 1);
            assert_int_equal(db_next(early, &row, &err), 1);
            db_cursor_close(early);
            db_cursor_close(a);
            db_cursor_close(b);
            if (inside) assert_ok(db_commit(db, &err), err);
            assert_int_equal(number(db, "SELECT count(*) FROM \"blind\""), inside ? N / 500 : 0);
            done(i, db);
        }
    }
}

static void more_statements_than_are_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        for (int round = 0; round < 2; round++)
            for (int k = 0; k < 300; k++) {
                char sql[64];
                snprintf(sql, sizeof sql, "SELECT count(*) + %d FROM \"person\"", k);
                assert_int_equal(number(db, sql), k);
            }
        done(i, db);
    }
}

/* ---- upkeep */

static void a_backup_is_whole_and_of_one_moment(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *copy = NULL;
        if (db_kind_of(db) == DB_POSTGRES) {
            refused(E_UNSUPPORTED, db_backup(db, "/tmp/x", &err));
            done(i, db);
            continue;
        }
        fill(db, 3000);
        struct db *reader = open_again(i, DB_READ);
        char path[700];
        snprintf(path, sizeof path, "%s/copy.db", test_store_list[i].name);
        refused(E_IO, db_backup(reader, "/nonexistent/copy.db", &err));
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 90000, "31", NULL, 1), err);
        assert_ok(db_backup(reader, path, &err), err); /* while a write transaction is open */
        refused(E_USAGE, db_backup(db, path, &err));
        assert_ok(db_commit(db, &err), err);
        assert_ok(db_open(path, DB_READ, &copy, &err), err);
        assert_int_equal(count(copy), 3000);
        db_close(copy);
        db_close(reader);
        done(i, db);
    }
}

static void bulk_and_analyze_change_no_data(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        db_bulk(db, true);
        fill(db, 3000);
        db_bulk(db, false);
        assert_ok(db_analyze(db, &err), err);
        assert_int_equal(count(db), 3000);
        done(i, db);
    }
}

/* ---- failing allocations: ours through mem_fail_at, SQLite's through the same counter */

static void *lite_malloc(int n) {
    size_t *p = mem_realloc(NULL, (size_t)n + 16);
    if (!p) return NULL;
    p[0] = (size_t)n;
    return p + 2;
}
static void lite_free(void *p) {
    if (p) mem_free((size_t *)p - 2);
}
static void *lite_realloc(void *p, int n) {
    size_t *q = mem_realloc((size_t *)p - 2, (size_t)n + 16);
    if (!q) return NULL;
    q[0] = (size_t)n;
    return q + 2;
}
static int lite_size(void *p) {
    return p ? (int)((size_t *)p - 2)[0] : 0;
}
static int lite_roundup(int n) {
    return (n + 7) & ~7;
}
static int lite_init(void *p) {
    (void)p;
    return SQLITE_OK;
}
static void lite_shutdown(void *p) {
    (void)p;
}

static int whole_job(const char *url) {
    struct db *db = NULL;
    struct db_cursor *c = NULL;
    const struct value *row;
    struct arena a = {0};
    struct value v, key = value_int(1), rows[15];
    struct buf plan = {0};
    int rc = db_open(url, DB_WRITE, &db, &err);
    if (rc >= 0) rc = db_migrate(db, both, 2, true, &plan, &err);
    if (rc >= 0) rc = db_begin(db, &err);
    for (int k = 0; k < 3; k++) row_of(rows + 5 * k, k + 1, "31", NULL, k);
    if (rc >= 0) rc = db_batch(db, DB_INSERT, &person, ALL, 5, rows, 3, NULL, &err);
    if (rc >= 0) rc = db_savepoint(db, &err);
    if (rc >= 0) rc = db_batch(db, DB_UPDATE, &person, ALL, 5, rows, 3, NULL, &err);
    if (rc >= 0) rc = db_savepoint_release(db, &err);
    if (rc >= 0) rc = db_query(db, "SELECT * FROM \"person\" ORDER BY \"id\"", NULL, 0, &c, &err);
    while (rc >= 0 && (rc = db_next(c, &row, &err)) > 0) continue;
    db_cursor_close(c);
    if (rc >= 0) rc = db_scalar(db, &a, "SELECT \"region\" FROM \"person\" WHERE \"id\" = ?1", &key, 1, &v, &err);
    if (rc >= 0) rc = db_commit(db, &err);
    db_close(db);
    arena_clear(&a);
    buf_clear(&plan);
    return rc;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        long failed = 0;
        for (long n = 1; n < 100000; n += test_store_is_pg(i) ? 4 : failed > 400 ? 7 : 1) {
            const char *url = test_store_fresh(i);
            err = (struct error){0};
            mem_fail_at(n, false);
            int rc = whole_job(url);
            long used = mem_count();
            mem_fail_at(0, false);
            if (rc < 0) {
                assert_int_equal(rc, err.code);
                failed++;
            }
            /* nothing, or all of it; and the store can be opened and the job done again */
            bool committed = rc == 0;
            struct db *db = NULL;
            err = (struct error){0};
            assert_ok(db_open(url, DB_WRITE, &db, &err), err);
            assert_ok(db_migrate(db, both, 2, true, NULL, &err), err);
            assert_int_equal(count(db), committed ? 3 : 0);
            done(i, db);
            if (used < n) break;
        }
        assert_true(failed > 5);
    }
}

int main(void) {
    sqlite3_mem_methods methods = {lite_malloc, lite_free, lite_realloc, lite_size, lite_roundup, lite_init, lite_shutdown, NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_use_is_refused),
        cmocka_unit_test(bad_cells_are_refused_with_their_row),
        cmocka_unit_test(a_failed_row_is_named_and_only_rollback_helps),
        cmocka_unit_test(the_first_bad_row_is_named_in_any_order),
        cmocka_unit_test(not_a_store_is_corrupt),
        cmocka_unit_test(migration_is_planned_applied_and_idempotent),
        cmocka_unit_test(migration_refuses_what_would_lose_data),
        cmocka_unit_test(batch_is_row_by_row),
        cmocka_unit_test(upsert_replaces_only_the_given_columns),
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(text_is_ordered_by_its_bytes),
        cmocka_unit_test(savepoints_undo_exactly_theirs),
        cmocka_unit_test(readers_see_only_what_is_committed),
        cmocka_unit_test(writers_of_two_processes_take_turns),
        cmocka_unit_test(large_results_stream),
        cmocka_unit_test(several_cursors_walk_beside_batches),
        cmocka_unit_test(more_statements_than_are_kept),
        cmocka_unit_test(a_backup_is_whole_and_of_one_moment),
        cmocka_unit_test(bulk_and_analyze_change_no_data),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

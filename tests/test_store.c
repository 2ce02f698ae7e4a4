/* Laws of the store, on every store of TOCSIN_TEST_STORES: refusals, migration, batches, values. */
#include "store_tables.h"

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
    struct value bad[] = {value_str("12"),   value_blob("x", 1),
                          value_int(3),      value_text((struct text){"a\0b", 3}),
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
        assert_int_equal(
            number(db, "SELECT count(*) FROM \"person\" WHERE \"new one\" IS NULL AND \"age\" = 9"), 1);
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
            for (int64_t k = 0; k < N; k++)
                random_row(&r, rows + 5 * k, k * 7919 % 100003, texts + k * TEXT_MAX);
            assert_ok(db_begin(db, &err), err);
            for (size_t k = 0; k < N / 2; k += size) {
                size_t n = k + size > N / 2 ? N / 2 - k : size;
                assert_ok(db_batch(db, DB_INSERT, &plain, ALL, 5, rows + 5 * k, n, NULL, &err), err);
            }
            /* upserts: old and new rows, and the same key several times in one batch: the last one wins */
            for (size_t k = 0; k < N; k++) {
                random_row(&r, rows + 5 * k, (int64_t)(k % 3 ? rng_below(&r, 500) : k) * 7919 % 100003,
                           texts + k * TEXT_MAX);
                rows[5 * k + 1] = value_str("310000");
            }
            for (size_t k = 0; k < N; k += size)
                assert_ok(db_batch(db, DB_UPSERT, &plain, ALL, 5, rows + 5 * k, once ? 1 : N, NULL, &err),
                          err);
            const uint16_t age[] = {4, 0};
            struct value cells[2 * 1000];
            for (size_t k = 0; k < 1000; k++) {
                cells[2 * k] = value_int((int64_t)k);
                cells[2 * k + 1] = rows[5 * rng_below(&r, 50)];
            }
            for (size_t k = 0; k < 1000; k += once ? 1 : 1000)
                assert_ok(db_batch(db, DB_UPDATE, &plain, age, 2, cells + 2 * k, once ? 1 : 1000, NULL, &err),
                          err);
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
                assert_ok(
                    db_batch(db, DB_INSERT, &blind, four, 4, hashes + 4 * k, once ? 1 : 2000, NULL, &err),
                    err);
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
        assert_int_equal(
            number(db, "SELECT \"age\" FROM \"person\" WHERE \"order\" = 'kept' AND \"region\" = '32'"), 77);
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
                snprintf(sql, sizeof sql, "SELECT \"%s\" FROM \"person\" WHERE \"id\" = ?1",
                         person_columns[c].name);
                assert_ok(db_scalar(db, &a, sql, params, 1, &v, &err), err);
                assert_int_equal(v.kind, row[c].kind);
                assert_true(value_eq(v, row[c]));
            }
        }
        /* through parameters too, any kind, in any order, and used twice; quotes hide question marks */
        params[0] = value_str("a");
        params[1] = value_int(7);
        int64_t changes = 0;
        assert_ok(db_run(db,
                         "UPDATE \"person\" SET \"age\" = ?2, \"order\" = ?1 WHERE \"id\" = 1 OR (\"id\" = "
                         "?2 AND '?1' = ?1)",
                         params, 2, &changes, &err),
                  err);
        assert_int_equal(changes, 1);
        params[0] = value_null();
        assert_ok(db_run(db,
                         "UPDATE \"person\" SET \"age\" = ?2, \"order\" = ?1 WHERE \"id\" = 1 OR (\"id\" = "
                         "?2 AND '?1' = ?1)",
                         params, 2, &changes, &err),
                  err);
        assert_int_equal(changes, 1);
        assert_int_equal(number(db, "SELECT count(*) FROM \"person\" WHERE \"id\" = 1 AND \"order\" IS NULL"),
                         1);
        assert_int_equal(number(db, "SELECT sum(\"age\") FROM \"person\" WHERE \"id\" IN (1, 2, 8)"), 6);
        assert_int_equal(number(db, "SELECT count(*) > 3 FROM \"person\""), 1);
        assert_int_equal(number(db, "SELECT \"id\" FROM \"person\" WHERE \"id\" = 4711"), -2); /* NULL */
        assert_int_equal(number(db, "SELECT sum(\"age\") FROM \"person\" WHERE \"id\" = 4711"), -2);
        params[0] = value_str("31");
        assert_ok(db_scalar(db, &a,
                            "SELECT avg(\"id\") FROM \"person\" WHERE \"region\" = ?1 AND \"id\" IN (1, 3)",
                            params, 1, &v, &err),
                  err);
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
        assert_ok(db_query(db, "SELECT \"region\" FROM \"person\" ORDER BY \"region\"", NULL, 0, &c, &err),
                  err);
        for (size_t k = 0; k < 8; k++) {
            assert_int_equal(db_next(c, &row, &err), 1);
            assert_true(text_is(value_view(row[0]), sorted[k]));
        }
        assert_int_equal(db_next(c, &row, &err), 0);
        db_cursor_close(c);
        struct value range[] = {value_str("31"), value_str("32")};
        struct arena a = {0};
        struct value v;
        assert_ok(db_scalar(db, &a,
                            "SELECT count(*) FROM \"person\" WHERE \"region\" >= ?1 AND \"region\" < ?2",
                            range, 2, &v, &err),
                  err);
        assert_int_equal(v.i, 2);
        arena_clear(&a);
        done(i, db);
    }
}

/* ---- what a change reads */

/* PostgreSQL counts the rows this transaction has read, in any way. */
static int64_t rows_read(struct db *db) {
    return number(db, "SELECT CAST(sum(seq_tup_read + idx_tup_fetch) AS bigint) FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()");
}

static void some_of(struct value *rows, size_t n, int64_t first) {
    for (size_t k = 0; k < n; k++) row_of(rows + 5 * k, first + (int64_t)k, "31", NULL, 1);
}

/* Statements are planned while the table is empty, and known to be; then it grows. */
static void a_change_reads_the_rows_it_changes_and_no_more(void **state) {
    enum { ROWS = 4000, SOME = 40 };
    static struct value rows[5 * ROWS];
    static const enum db_verb verbs[] = {DB_UPSERT, DB_UPDATE, DB_DELETE};
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        assert_ok(db_analyze(db, &err), err);
        for (int grown = 0; grown < 2; grown++)
            for (size_t v = 0; v < 3; v++) {
                struct value some[5 * SOME];
                size_t n_columns = verbs[v] == DB_DELETE ? 1 : 5;
                assert_ok(db_begin(db, &err), err);
                some_of(rows, ROWS, 1);
                if (grown) assert_ok(db_batch(db, DB_INSERT, &person, ALL, 5, rows, ROWS, NULL, &err), err);
                some_of(some, SOME, ROWS / 2);
                for (size_t k = 0; n_columns == 1 && k < SOME; k++) some[k] = value_int(ROWS / 2 + (int64_t)k);
                int64_t before = grown && db_kind_of(db) == DB_POSTGRES ? rows_read(db) : 0;
                int rc = db_batch(db, verbs[v], &person, ALL, n_columns, some, SOME, NULL, &err);
                assert_int_equal(rc, !grown && verbs[v] == DB_UPDATE ? E_UNKNOWN : 0);
                if (grown && db_kind_of(db) == DB_POSTGRES) assert_in_range(rows_read(db) - before, SOME, 4 * SOME);
                db_rollback(db);
                err = (struct error){0};
            }
        done(i, db);
    }
}

int main(void) {
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
        cmocka_unit_test(a_change_reads_the_rows_it_changes_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

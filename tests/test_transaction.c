/* Laws of the store, on every store of TOCSIN_TEST_STORES: transactions, cursors, upkeep, and what goes
 * wrong. */
#include "store_tables.h"

#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

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
                if (rc >= 0)
                    rc = db_scalar(db, &a, "SELECT \"age\" FROM \"person\" WHERE \"id\" = 1", NULL, 0, &v,
                                   &err);
                v.i++;
                if (rc >= 0)
                    rc = db_run(db, "UPDATE \"person\" SET \"age\" = ?1 WHERE \"id\" = 1", &v, 1, NULL, &err);
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
            rows[5 * r + 2] =
                value_blob("0123456789012345678901234567890123456789012345678901234567890123456789"
                           "0123456789012345678901234567890123456789012345678901234567890123456789",
                           140);
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
                    if (inside)
                        assert_ok(db_batch(db, DB_INSERT, &blind, three, 3, hash, 1, NULL, &err), err);
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

/* Rows of 4 kB, more than the page cache holds, so that SQLite spills pages into its log and reads them back; committed and rolled back in turn while a thread
 * puts pages home. Another connection sees every commit as soon as it is one, whole, and nothing else. */
static void large_transactions_of_a_bulk_phase_are_read_whole(void **state) {
    (void)state;
    enum { ROWS = 6000, LENGTH = 4096 };
    static char text[LENGTH];
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *reader = open_again(i, DB_READ);
        struct value pair[2] = {value_int(0), value_blob(text, LENGTH)};
        int64_t there = 0;
        memset(text, 'a', LENGTH);
        db_bulk(db, true);
        for (int round = 0; round < 8; round++) {
            int n = round % 3 == 2 ? 40 : test_store_is_pg(i) ? ROWS / 20 : ROWS;
            if (!test_store_is_pg(i)) assert_ok(db_run(db, round ? "PRAGMA cache_size=-2048" : "PRAGMA cache_size=-8192", NULL, 0, NULL, &err), err);
            assert_ok(db_begin(db, &err), err);
            for (int k = 0; k < n; k++) {
                pair[0] = value_int(round * 100000 + k + 1);
                assert_ok(db_run(db, "INSERT INTO \"person\" (\"id\",\"region\",\"name\") VALUES (?1,'31',?2)", pair, 2, NULL, &err), err);
                if (k % 997 == 0) assert_int_equal(count(db), there + k + 1);
            }
            assert_int_equal(count(reader), there);
            if (round % 4 == 3) {
                db_rollback(db);
            } else {
                assert_ok(db_commit(db, &err), err);
                there += n;
            }
            assert_int_equal(count(reader), there);
            assert_int_equal(number(reader, "SELECT sum(length(\"name\")) FROM \"person\""), there * LENGTH);
        }
        db_bulk(db, false);
        db_bulk(db, true); /* again, while the first one ends */
        db_bulk(db, true);
        assert_int_equal(count(db), there);
        db_bulk(db, false);
        db_close(db);
        db_close(reader);
        db = open_again(i, DB_WRITE);
        assert_int_equal(count(db), there);
        if (!test_store_is_pg(i)) {
            struct arena a = {0};
            struct value v = value_null();
            assert_ok(db_scalar(db, &a, "PRAGMA integrity_check", NULL, 0, &v, &err), err);
            assert_true(text_is(value_view(v), "ok"));
            arena_clear(&a);
        }
        done(i, db);
    }
}

/* One reader goes on while the file under him grows, is changed in place and shrinks (SQLite: he keeps it mapped). He sees each commit at once, and a snapshot as it was. */
static void a_reader_sees_the_file_grow_change_and_shrink(void **state) {
    (void)state;
    enum { ROWS = 2000 };
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *reader = open_again(i, DB_READ);
        const char *home = test_store_is_pg(i) ? "SELECT 1" : "PRAGMA wal_checkpoint(TRUNCATE)", *shrink = test_store_is_pg(i) ? "SELECT 1" : "VACUUM";
        for (int64_t round = 1; round <= 6; round++) {
            fill(db, ROWS);
            assert_int_equal(count(reader), ROWS);
            assert_ok(db_run(db, home, NULL, 0, NULL, &err), err);
            for (int64_t age = 1; age <= 3; age++) {
                struct value v = value_int(age * round);
                assert_ok(db_run(db, "UPDATE \"person\" SET \"age\"=?1", &v, 1, NULL, &err), err);
                assert_int_equal(number(reader, "SELECT sum(\"age\") FROM \"person\""), ROWS * age * round);
                assert_ok(db_run(db, home, NULL, 0, NULL, &err), err);
                assert_int_equal(number(reader, "SELECT sum(\"age\") FROM \"person\""), ROWS * age * round);
            }
            assert_ok(db_snapshot(reader, &err), err);
            assert_ok(db_run(db, "DELETE FROM \"person\"", NULL, 0, NULL, &err), err);
            assert_int_equal(count(reader), ROWS);
            db_snapshot_end(reader);
            assert_ok(db_run(db, shrink, NULL, 0, NULL, &err), err);
            assert_ok(db_run(db, home, NULL, 0, NULL, &err), err);
            assert_int_equal(count(reader), 0);
        }
        db_close(reader);
        done(i, db);
    }
}

/* ---- bad nights */

/* Ends the server's side of a connection, as a restart would. */
static void cut(size_t store, struct db *db) {
    struct db *other = open_again(store, DB_WRITE);
    struct value pid = value_int(number(db, "SELECT pg_backend_pid()"));
    struct arena a = {0};
    struct value v = value_int(1);
    assert_ok(db_run(other, "SELECT pg_terminate_backend(CAST(?1 AS int))", &pid, 1, NULL, &err), err);
    for (int k = 0; k < 1000 && value_int_or(v, 0); k++) {
        usleep(2000);
        assert_ok(
            db_scalar(other, &a, "SELECT count(*) FROM pg_stat_activity WHERE pid = ?1", &pid, 1, &v, &err),
            err);
    }
    arena_clear(&a);
    db_close(other);
}

static int one_question(struct db *db) {
    struct arena a = {0};
    struct value v;
    int rc = db_scalar(db, &a, "SELECT count(*) FROM \"person\"", NULL, 0, &v, &err);
    arena_clear(&a);
    return rc;
}

static int asked(struct db *db, int rc) {
    return rc ? rc : one_question(db);
}

/* The first refusal of what was done, heard by the commit at the latest. */
static int committed(struct db *db, int rc) {
    if (rc == 0) rc = db_commit(db, &err);
    db_rollback(db);
    return rc;
}

/* A lazy connection may say later that something is refused, but not after the commit; then nothing of the transaction is there, and it goes on. */
static void lazy_refusals_come_with_the_commit(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i);
        struct value row[5];
        row_of(row, 77, "31", NULL, 1);
        assert_ok(db_lazy(db, true, &err), err);
        for (int round = 0; round < 2; round++) { /* what was prepared in a failed round is prepared again */
            assert_ok(db_begin(db, &err), err);
            assert_ok(add(db, 1, "31", NULL, 1), err);
            refused(E_CONFLICT, committed(db, add(db, 1, "31", NULL, 1)));
            assert_ok(db_begin(db, &err), err);
            assert_ok(add(db, 2, "31", NULL, 1), err);
            refused(E_UNKNOWN, committed(db, db_batch(db, DB_UPDATE, &person, ALL, 5, row, 1, NULL, &err)));
            assert_ok(db_begin(db, &err), err);
            assert_ok(add(db, 3, "31", NULL, 1), err);
            refused(E_CONFLICT, asked(db, add(db, 3, "31", NULL, 1)));
            refused(E_USAGE, add(db, 4, "31", NULL, 1));
            refused(E_USAGE, db_commit(db, &err));
            assert_int_equal(count(db), 0);
        }
        fill(db, 700);
        assert_ok(db_begin(db, &err), err);
        assert_ok(db_savepoint(db, &err), err);
        assert_ok(add(db, 5000, "31", NULL, 1), err);
        assert_ok(db_savepoint_rollback(db, &err), err);
        struct db_cursor *unread = NULL, *all = NULL, *one = NULL;
        const struct value *got;
        size_t n = 0;
        assert_ok(db_query(db, "SELECT \"id\" FROM \"person\"", NULL, 0, &unread, &err), err);
        assert_ok(db_query(db, "SELECT \"id\",\"region\" FROM \"person\" WHERE \"id\" >= ?1 ORDER BY \"id\"", &(struct value){.kind = VALUE_INT, .i = 0}, 1, &all, &err), err);
        assert_ok(db_query(db, "SELECT max(\"id\") FROM \"person\"", NULL, 0, &one, &err), err);
        db_cursor_close(unread);
        assert_int_equal(db_next(one, &got, &err), 1);
        assert_true(got[0].i < 5000);
        while (db_next(all, &got, &err) > 0) n++;
        db_cursor_close(all);
        db_cursor_close(one);
        assert_int_equal(n, 700);
        assert_ok(db_commit(db, &err), err);
        assert_int_equal(count(db), 700);
        done(i, db);
    }
}

/* What a lazy connection commits is there for everybody at once; another connection makes it durable. */
static void lazy_commits_are_synced_from_anywhere(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *reader = open_again(i, DB_READ);
        refused(E_USAGE, db_lazy(reader, true, &err));
        assert_ok(db_begin(db, &err), err);
        refused(E_USAGE, db_lazy(db, true, &err));
        refused(E_USAGE, db_sync(db, &err));
        db_rollback(db);
        assert_ok(db_sync(reader, &err), err); /* nothing to do */
        assert_ok(db_lazy(db, true, &err), err);
        for (int64_t k = 1; k < 40; k++) {
            assert_ok(db_begin(db, &err), err);
            assert_ok(add(db, k, "31", NULL, k), err);
            assert_ok(db_commit(db, &err), err);
            assert_int_equal(count(reader), k);
            if (k % 7 == 0) assert_ok(db_sync(k % 2 ? reader : db, &err), err);
        }
        refused(E_USAGE, db_run(reader, "DELETE FROM \"person\"", NULL, 0, NULL, &err)); /* still for reading only */
        assert_false(db_renewed(db));
        if (test_store_is_pg(i)) {
            bool renewed = false;
            cut(i, db);
            for (int tries = 0; tries < 2 && !renewed; tries++) { /* told by the begin, or by the first question */
                assert_ok(db_begin(db, &err), err);
                renewed = db_renewed(db);
                if (!renewed) refused(E_STORE, one_question(db));
                db_rollback(db);
            }
            assert_true(renewed);
            assert_false(db_renewed(db));
        }
        assert_ok(db_lazy(db, false, &err), err);
        db_close(reader);
        done(i, db);
    }
}

static void a_lost_connection_loses_no_commit_and_comes_back(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        if (!test_store_is_pg(i)) continue;
        struct db *db = fresh(i);
        fill(db, 3000);
        cut(i, db); /* while idle: nobody notices */
        assert_int_equal(count(db), 3000);
        cut(i, db);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 5001, "31", NULL, 1), err);
        cut(i, db); /* in a transaction: it is gone, and nothing after it happens outside of one */
        refused(E_STORE, add(db, 5002, "31", NULL, 1));
        refused(E_STORE, add(db, 5003, "31", NULL, 1));
        refused(E_STORE, db_run(db, "DELETE FROM \"person\"", NULL, 0, NULL, &err));
        refused(E_STORE, db_savepoint(db, &err));
        refused(E_STORE, db_commit(db, &err));
        assert_int_equal(count(db), 3000);
        assert_ok(db_begin(db, &err), err);
        assert_ok(add(db, 5004, "31", NULL, 1), err);
        cut(i, db); /* at the commit: who knows */
        refused(E_STORE, db_commit(db, &err));
        assert_ok(db_snapshot(db, &err), err);
        assert_int_equal(count(db), 3000);
        cut(i, db);
        struct db_cursor *c = NULL;
        refused(E_STORE, db_query(db, "SELECT 1", NULL, 0, &c, &err));
        refused(E_STORE, db_query(db, "SELECT 1", NULL, 0, &c, &err));
        db_snapshot_end(db);
        const struct value *row;
        int rc, rows = 0;
        assert_ok(db_query(db, "SELECT * FROM \"person\"", NULL, 0, &c, &err), err);
        assert_int_equal(db_next(c, &row, &err), 1);
        cut(i, db); /* while rows stream */
        while ((rc = db_next(c, &row, &err)) > 0) rows++;
        assert_int_equal(rc, E_STORE);
        assert_true(rows < 2999);
        err = (struct error){0};
        db_cursor_close(c);
        assert_int_equal(count(db), 3000);
        done(i, db);
    }
}

static void plans_follow_a_migration_of_somebody_else(void **state) {
    (void)state;
    struct db_column columns[6];
    memcpy(columns, person_columns, sizeof person_columns);
    columns[5] = (struct db_column){"extra", COLUMN_INT, false};
    struct db_table wider = {"person", "id", "region", false, 6, columns, 0, NULL};
    const struct db_table *tables[] = {&wider};
    for (size_t i = 0; i < test_stores(); i++) {
        struct db *db = fresh(i), *reader = open_again(i, DB_READ);
        fill(db, 10);
        struct db_cursor *c = NULL;
        const struct value *row;
        for (size_t width = 5; width <= 6; width++) {
            for (int k = 0; k < 3; k++) {
                int rc = db_query(reader, "SELECT * FROM \"person\"", NULL, 0, &c, &err);
                if (rc == 0) rc = db_next(c, &row, &err);
                /* SQLite may notice only when it steps: it says so, once */
                if (rc != 1)
                    assert_true(width == 6 && k == 0 && rc == E_STORE);
                else
                    assert_int_equal(db_columns(c), width);
                err = (struct error){0};
                db_cursor_close(c);
            }
            if (width == 5) assert_ok(db_migrate(db, tables, 1, true, NULL, &err), err);
        }
        db_close(reader);
        done(i, db);
    }
}

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    if (!f) return;
    fputs(text, f);
    fclose(f);
}

/* A file system of 3 MB for this process alone; false where user namespaces are not allowed. */
static bool small_disk(const char *path) {
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)) < 0) return false;
    if (uid) {
        write_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", uid);
        write_text("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", gid);
        write_text("/proc/self/gid_map", map);
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return false;
    return mount("tmpfs", path, "tmpfs", 0, "size=3m") == 0;
}

/* In a child of its own: writes until the disk is full, checks that what was committed stays, makes room,
 * goes on. */
static int full_disk(const char *folder) {
    enum { SKIPPED = 77 };
    struct db *db = NULL;
    char path[300];
    if (!small_disk(folder)) return SKIPPED;
    snprintf(path, sizeof path, "%s/ballast", folder);
    char *ballast = calloc(1, 1 << 20);
    FILE *f = fopen(path, "w");
    if (!ballast || !f || fwrite(ballast, 1, 1 << 20, f) != 1 << 20 || fclose(f) != 0) return 1;
    free(ballast);
    snprintf(path, sizeof path, "%s/store.db", folder);
    if (db_open(path, DB_WRITE, &db, &err) < 0 || db_migrate(db, both, 2, true, NULL, &err) < 0) return 2;
    int64_t kept = 0, id = 0;
    int rc = 0;
    while (rc == 0 && kept < 1000000) {
        rc = db_begin(db, &err);
        for (int k = 0; k < 500 && rc == 0; k++) rc = add(db, ++id, "31", NULL, 1);
        if (rc == 0) rc = db_commit(db, &err);
        if (rc == 0)
            kept += 500;
        else
            db_rollback(db);
    }
    if (rc != E_FULL || !kept) return 3;
    err = (struct error){0};
    if (count(db) != kept) return 4;
    snprintf(path, sizeof path, "%s/ballast", folder);
    unlink(path);
    rc = db_begin(db, &err);
    if (rc == 0) rc = add(db, ++id, "31", NULL, 1);
    if (rc == 0) rc = db_commit(db, &err);
    if (rc < 0 || count(db) != kept + 1) return 5;
    db_close(db);
    snprintf(path, sizeof path, "%s/store.db", folder);
    if (db_open(path, DB_READ, &db, &err) < 0 || count(db) != kept + 1) return 6;
    db_close(db);
    return 0;
}

static void a_full_disk_loses_nothing_and_recovers(void **state) {
    (void)state;
    char folder[] = "/tmp/tocsin-full-XXXXXX";
    assert_non_null(mkdtemp(folder));
    pid_t child = fork();
    if (child == 0) _exit(full_disk(folder));
    int status = 0;
    waitpid(child, &status, 0);
    rmdir(folder);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("no namespace for a small disk here: a full disk was not tried\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
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
    if (rc >= 0)
        rc = db_scalar(db, &a, "SELECT \"region\" FROM \"person\" WHERE \"id\" = ?1", &key, 1, &v, &err);
    if (rc >= 0) rc = db_commit(db, &err);
    db_close(db);
    arena_clear(&a);
    buf_clear(&plan);
    return rc;
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    /* a thousand stores are made: in memory, where a sync costs nothing */
    const char *tmp = getenv("TMPDIR");
    char before[256];
    snprintf(before, sizeof before, "%s", tmp ? tmp : "/tmp");
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", 1);
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
    setenv("TMPDIR", before, 1);
}

int main(void) {
    sqlite3_mem_methods methods = {lite_malloc,  lite_free, lite_realloc,  lite_size,
                                   lite_roundup, lite_init, lite_shutdown, NULL};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(savepoints_undo_exactly_theirs),
        cmocka_unit_test(readers_see_only_what_is_committed),
        cmocka_unit_test(writers_of_two_processes_take_turns),
        cmocka_unit_test(large_results_stream),
        cmocka_unit_test(several_cursors_walk_beside_batches),
        cmocka_unit_test(more_statements_than_are_kept),
        cmocka_unit_test(a_backup_is_whole_and_of_one_moment),
        cmocka_unit_test(bulk_and_analyze_change_no_data),
        cmocka_unit_test(a_reader_sees_the_file_grow_change_and_shrink),
        cmocka_unit_test(large_transactions_of_a_bulk_phase_are_read_whole),
        cmocka_unit_test(a_lost_connection_loses_no_commit_and_comes_back),
        cmocka_unit_test(plans_follow_a_migration_of_somebody_else),
        cmocka_unit_test(a_full_disk_loses_nothing_and_recovers),
        cmocka_unit_test(lazy_commits_are_synced_from_anywhere),
        cmocka_unit_test(lazy_refusals_come_with_the_commit),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

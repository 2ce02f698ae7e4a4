/* Rows per second of db_batch against the raw libraries, in one run: the ratio is what counts, the machine is
 * not.
 *
 *   bench_store [ROWS]     PostgreSQL when TOCSIN_TEST_STORES names one; SQLite files in TOCSIN_TEST_WORK
 * (default /tmp)
 *
 * Table: 12 columns as a contact has them, 2 indexes (region and due date; a random 64-bit key). Then the
 * shape of an import: for each contact row 1 person, 3 blind-index rows with random keys in a clustered
 * table, 1 obligation. */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "store/db.h"

enum { COLUMNS = 12, STEP = 1000, COMMIT_ROWS = 50000 };

static const struct db_column columns[COLUMNS] = {
    {"region", COLUMN_TEXT, true},    {"id", COLUMN_INT, true},       {"version", COLUMN_INT, true},
    {"state", COLUMN_TEXT, true},     {"number", COLUMN_TEXT, false}, {"key", COLUMN_INT, false},
    {"created_at", COLUMN_INT, true}, {"person", COLUMN_INT, false},  {"case", COLUMN_INT, false},
    {"class", COLUMN_TEXT, false},    {"due_at", COLUMN_INT, false},  {"sealed", COLUMN_BLOB, false},
};
static const struct db_index indexes[] = {
    {"bench_due", "region, due_at", false, NULL},
    {"bench_key", "key", false, NULL},
};
static const struct db_table contact = {"bench_contact", "id", "region", false, COLUMNS, columns, 2, indexes};
static const struct db_table person = {"bench_person", "id", "region", false, COLUMNS, columns, 0, NULL};

static const struct db_column blind_columns[] = {
    {"kind", COLUMN_INT, true}, {"hash", COLUMN_INT, true}, {"person", COLUMN_INT, true}};
static const struct db_table blind = {"bench_blind", "kind, hash, person", NULL, true, 3, blind_columns, 0,
                                      NULL};

static const struct db_column duty_columns[] = {
    {"region", COLUMN_TEXT, true}, {"due_at", COLUMN_INT, true}, {"id", COLUMN_INT, true},
    {"record", COLUMN_INT, true},  {"rule", COLUMN_TEXT, true},  {"state", COLUMN_INT, true},
    {"owner", COLUMN_INT, false},
};
static const struct db_index duty_indexes[] = {{"bench_duty_record", "record", false, "\"state\" = 0"}};
static const struct db_table duty = {"bench_duty", "region, due_at, id", NULL, true, 7, duty_columns, 1,
                                     duty_indexes};
static const struct db_table *const tables[] = {&contact, &person, &blind, &duty};

static const uint16_t IN_ORDER[COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static struct error err;

static void must(int rc, const char *what) {
    if (rc >= 0) return;
    fprintf(stderr, "bench_store: %s: %s\n", what, err.message);
    exit(1);
}

static double clock_s(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static double now(void) {
    return clock_s(CLOCK_MONOTONIC);
}

/* ---- rows: a batch of STEP, made anew each time with fresh random keys */

static struct rng rng;
static char numbers[STEP][32], sealed[STEP][48];

static void make_rows(struct value *v, int64_t first) {
    static const char *const regions[] = {"310101", "310104", "310105", "310106", "310115"};
    static const char *const states[] = {"found", "placed", "released"};
    for (int i = 0; i < STEP; i++, v += COLUMNS) {
        int64_t id = first + i;
        int n = snprintf(numbers[i], sizeof numbers[i], "C-310115-20220530-%06ld", (long)id);
        uint64_t *bytes = (uint64_t *)(void *)sealed[i];
        for (int k = 0; k < 6; k++) bytes[k] = rng_u64(&rng);
        v[0] = value_str(regions[rng_below(&rng, 5)]);
        v[1] = value_int(id);
        v[2] = value_int(1);
        v[3] = value_str(states[rng_below(&rng, 3)]);
        v[4] = value_text((struct text){numbers[i], (size_t)n});
        v[5] = value_int((int64_t)rng_u64(&rng));
        v[6] = value_int(1653900000 + id / 50);
        v[7] = value_int((int64_t)rng_below(&rng, 1000000));
        v[8] = value_int((int64_t)rng_below(&rng, 20000));
        v[9] = value_str("close");
        v[10] = value_int(1653900000 + (int64_t)rng_below(&rng, 1000000));
        v[11] = value_blob(sealed[i], sizeof sealed[i]);
    }
}

/* ---- raw SQLite: what a careful hand-written loop does */

static double raw_sqlite(const char *path, int64_t n) {
    sqlite3 *h = NULL;
    sqlite3_stmt *s = NULL;
    struct value *rows = calloc((size_t)STEP * COLUMNS, sizeof *rows);
    sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    sqlite3_exec(
        h,
        "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-786432;"
        "PRAGMA wal_autocheckpoint=65536;"
        "CREATE TABLE c (region TEXT NOT NULL, id INTEGER PRIMARY KEY, version INTEGER NOT NULL, state TEXT "
        "NOT NULL,"
        "number TEXT, key INTEGER, created_at INTEGER NOT NULL, person INTEGER, \"case\" INTEGER, class TEXT,"
        "due_at INTEGER, sealed BLOB); CREATE INDEX c1 ON c(region, due_at); CREATE INDEX c2 ON c(key)",
        NULL, NULL, NULL);
    sqlite3_prepare_v2(h, "INSERT INTO c VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", -1, &s, NULL);
    rng_seed(&rng, 7);
    double spent = 0;
    for (int64_t done = 0; done < n; done += STEP) {
        make_rows(rows, done + 1);
        double t = now();
        if (done % COMMIT_ROWS == 0) sqlite3_exec(h, "BEGIN", NULL, NULL, NULL);
        for (int r = 0; r < STEP; r++) {
            const struct value *v = rows + r * COLUMNS;
            for (int k = 0; k < COLUMNS; k++) {
                if (v[k].kind == VALUE_INT)
                    sqlite3_bind_int64(s, k + 1, v[k].i);
                else if (v[k].kind == VALUE_TEXT)
                    sqlite3_bind_text(s, k + 1, v[k].s, (int)v[k].n, SQLITE_STATIC);
                else
                    sqlite3_bind_blob(s, k + 1, v[k].s, (int)v[k].n, SQLITE_STATIC);
            }
            if (sqlite3_step(s) != SQLITE_DONE)
                fprintf(stderr, "raw sqlite3: %s\n", sqlite3_errmsg(h)), exit(1);
            sqlite3_reset(s);
        }
        if ((done + STEP) % COMMIT_ROWS == 0 || done + STEP >= n) sqlite3_exec(h, "COMMIT", NULL, NULL, NULL);
        spent += now() - t;
    }
    double t = now();
    sqlite3_finalize(s);
    sqlite3_wal_checkpoint_v2(h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close(h);
    free(rows);
    return (double)n / (spent + now() - t);
}

/* ---- ours */

static struct db *open_store(const char *url) {
    struct db *db = NULL;
    must(db_open(url, DB_WRITE, &db, &err), url);
    must(db_migrate(db, tables, 4, true, NULL, &err), "migrate");
    return db;
}

static double batches(struct db *db, enum db_verb verb, int64_t first, int64_t n) {
    struct value *rows = calloc((size_t)STEP * COLUMNS, sizeof *rows);
    double spent = 0;
    rng_seed(&rng, 7);
    db_bulk(db, true);
    for (int64_t done = 0; done < n; done += STEP) {
        make_rows(rows, first + done);
        double t = now();
        if (done % COMMIT_ROWS == 0) must(db_begin(db, &err), "begin");
        must(db_batch(db, verb, &contact, IN_ORDER, COLUMNS, rows, STEP, NULL, &err), "batch");
        if ((done + STEP) % COMMIT_ROWS == 0 || done + STEP >= n) must(db_commit(db, &err), "commit");
        spent += now() - t;
    }
    double t = now();
    db_bulk(db, false);
    free(rows);
    return (double)n / (spent + now() - t);
}

/* Six rows a contact, as an import writes them; `step` contacts in one batch. */
static double import_shape(struct db *db, int64_t n, int64_t first) {
    struct value *rows = calloc((size_t)STEP * COLUMNS, sizeof *rows),
                 *hashes = calloc((size_t)STEP * 9, sizeof *hashes),
                 *duties = calloc((size_t)STEP * 7, sizeof *duties);
    double spent = 0;
    db_bulk(db, true);
    for (int64_t done = 0; done < n; done += STEP) {
        make_rows(rows, first + done);
        for (int i = 0; i < STEP; i++) {
            const struct value *r = rows + (size_t)i * COLUMNS;
            for (int k = 0; k < 3; k++) {
                struct value *h = hashes + 9 * i + 3 * k;
                h[0] = value_int(k);
                h[1] = value_int((int64_t)rng_u64(&rng));
                h[2] = r[1];
            }
            struct value *d = duties + 7 * i;
            d[0] = r[0], d[1] = r[10], d[2] = r[1], d[3] = r[1], d[4] = value_str("place-contact"),
            d[5] = value_int(0), d[6] = r[7];
        }
        double t = now();
        if (done % COMMIT_ROWS == 0) must(db_begin(db, &err), "begin");
        must(db_batch(db, DB_INSERT, &person, IN_ORDER, COLUMNS, rows, STEP, NULL, &err), "person");
        must(db_batch(db, DB_INSERT, &blind, IN_ORDER, 3, hashes, STEP * 3, NULL, &err), "blind");
        must(db_batch(db, DB_INSERT, &contact, IN_ORDER, COLUMNS, rows, STEP, NULL, &err), "contact");
        must(db_batch(db, DB_INSERT, &duty, IN_ORDER, 7, duties, STEP, NULL, &err), "duty");
        if ((done + STEP) % COMMIT_ROWS == 0 || done + STEP >= n) must(db_commit(db, &err), "commit");
        spent += now() - t;
    }
    double t = now();
    db_bulk(db, false);
    free(rows);
    free(hashes);
    free(duties);
    return (double)n / (spent + now() - t);
}

/* ---- raw PostgreSQL: COPY in text, as psql would */

static double raw_copy(const char *url, int64_t n) {
    PGconn *c = PQconnectdb(url);
    PQclear(PQexec(c, "SET client_min_messages = warning; DROP TABLE IF EXISTS bench_raw; CREATE TABLE "
                      "bench_raw (region text COLLATE \"C\" NOT NULL, id bigint, version "
                      "bigint NOT NULL, state text NOT NULL, number text, key bigint, created_at bigint NOT "
                      "NULL, person bigint, "
                      "\"case\" bigint, class text, due_at bigint, sealed bytea, PRIMARY KEY (id, region)); "
                      "CREATE INDEX ON bench_raw(region, due_at); CREATE INDEX ON bench_raw(key)"));
    struct value *rows = calloc((size_t)STEP * COLUMNS, sizeof *rows);
    struct buf b = {0};
    rng_seed(&rng, 7);
    double spent = 0;
    for (int64_t done = 0; done < n; done += STEP) {
        make_rows(rows, done + 1);
        double t = now();
        if (done % COMMIT_ROWS == 0) PQclear(PQexec(c, "COPY bench_raw FROM STDIN"));
        buf_reset(&b);
        for (int r = 0; r < STEP; r++)
            for (int k = 0; k < COLUMNS; k++) {
                const struct value *v = rows + r * COLUMNS + k;
                if (v->kind == VALUE_INT)
                    buf_int(&b, v->i);
                else if (v->kind == VALUE_TEXT)
                    buf_add(&b, v->s, v->n);
                else {
                    static const char hex[] = "0123456789abcdef";
                    buf_str(&b, "\\\\x");
                    for (uint32_t i = 0; i < v->n; i++) {
                        buf_char(&b, hex[(unsigned char)v->s[i] >> 4]);
                        buf_char(&b, hex[v->s[i] & 15]);
                    }
                }
                buf_char(&b, k == COLUMNS - 1 ? '\n' : '\t');
            }
        PQputCopyData(c, b.s, (int)b.n);
        if ((done + STEP) % COMMIT_ROWS == 0 || done + STEP >= n) {
            PQputCopyEnd(c, NULL);
            PGresult *r;
            while ((r = PQgetResult(c)) != NULL) {
                if (PQresultStatus(r) != PGRES_COMMAND_OK)
                    fprintf(stderr, "raw copy: %s\n", PQerrorMessage(c)), exit(1);
                PQclear(r);
            }
        }
        spent += now() - t;
    }
    PQclear(PQexec(c, "DROP TABLE bench_raw"));
    PQfinish(c);
    buf_clear(&b);
    free(rows);
    return (double)n / spent;
}

/* ---- reading */

static double scan(struct db *db, int64_t *ret_rows) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int64_t n = 0;
    double t = now();
    must(db_query(db, "SELECT * FROM \"bench_contact\"", NULL, 0, &c, &err), "query");
    while (db_next(c, &row, &err) > 0) n++;
    db_cursor_close(c);
    *ret_rows = n;
    return (double)n / (now() - t);
}

static double lookups(struct db *db, int64_t n, int64_t ids) {
    struct arena a = {0};
    struct value v;
    double t = now();
    for (int64_t i = 0; i < n; i++) {
        struct value id = value_int(1 + (int64_t)rng_below(&rng, (uint64_t)ids));
        must(db_scalar(db, &a, "SELECT \"key\" FROM \"bench_contact\" WHERE \"id\" = ?1", &id, 1, &v, &err),
             "lookup");
        arena_reset(&a);
    }
    arena_clear(&a);
    return (double)n / (now() - t);
}

static void schema(const char *url, const char *sql) {
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, "SET client_min_messages = warning");
    PQclear(r);
    r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) fprintf(stderr, "%s", PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

/* CPU time stands beside the rate: other work on the machine slows the one and not the other. */
static void line(const char *what, double rate, double base, const char *of) {
    static double cpu;
    double used = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    cpu += used;
    printf("%-44s %10.0f rows/s  CPU %6.2f s", what, rate, used);
    if (base > 0) printf("   %.2f of %s", rate / base, of);
    printf("\n");
    fflush(stdout);
}

/* Below this share of the raw library's speed a benchmark has missed its target. */
#define TARGET 0.7

static bool one_store(const char *name, const char *url, int64_t n, double raw, const char *of) {
    char what[80];
    int64_t rows = 0;
    struct db *db = open_store(url);
    snprintf(what, sizeof what, "%s db_batch INSERT", name);
    double rate = batches(db, DB_INSERT, 1, n);
    line(what, rate, raw, of);
    snprintf(what, sizeof what, "%s db_batch UPSERT (all there)", name);
    line(what, batches(db, DB_UPSERT, 1, n / 4), raw, of);
    snprintf(what, sizeof what, "%s scan", name);
    line(what, scan(db, &rows), 0, "");
    snprintf(what, sizeof what, "%s lookups by id", name);
    line(what, lookups(db, 20000, n), 0, "");
    snprintf(what, sizeof what, "%s import shape (1 contact = 6 rows)", name);
    line(what, import_shape(db, n, n + 1), 0, "");
    db_close(db);
    if (rate < TARGET * raw) printf("%s db_batch is below %.2f of %s\n", name, TARGET, of);
    return rate >= TARGET * raw;
}

int main(int argc, char **argv) {
    int64_t n = argc > 1 ? atoll(argv[1]) / STEP * STEP : 300000;
    const char *dir = getenv("TOCSIN_TEST_WORK"), *stores = getenv("TOCSIN_TEST_STORES");
    const char *pg = stores ? strstr(stores, "postgres") : NULL;
    if (digest_init(&err) < 0 || n < STEP) return 1;
    char url[700], folder[256], raw[300], ours[300], remove[300];
    snprintf(folder, sizeof folder, "%s/tocsin-bench-XXXXXX", dir ? dir : "/tmp");
    if (!mkdtemp(folder)) return 1;
    snprintf(raw, sizeof raw, "%s/raw.db", folder);
    snprintf(ours, sizeof ours, "%s/ours.db", folder);
    printf("%ld rows of %d columns, 2 indexes, commits of %d\n", (long)n, COLUMNS, COMMIT_ROWS);
    double base = raw_sqlite(raw, n);
    line("raw sqlite3 loop", base, 0, "");
    unlink(raw);
    bool good = one_store("SQLite", ours, n, base, "raw sqlite3");
    if (pg) {
        snprintf(url, sizeof url, "%.*s", (int)strcspn(pg, " "), pg);
        schema(url, "DROP SCHEMA IF EXISTS bench_store CASCADE; CREATE SCHEMA bench_store");
        size_t end = strlen(url);
        snprintf(url + end, sizeof url - end, "%coptions=-csearch_path%%3Dbench_store",
                 strchr(url, '?') ? '&' : '?');
        base = raw_copy(url, n);
        line("raw COPY (text)", base, 0, "");
        good &= one_store("PostgreSQL", url, n, base, "raw COPY");
        schema(url, "DROP SCHEMA bench_store CASCADE");
    }
    snprintf(remove, sizeof remove, "rm -rf '%s'", folder);
    return system(remove) != 0 || !good;
}

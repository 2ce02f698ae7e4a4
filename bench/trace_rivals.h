/* What bench_trace asks of SQLite and PostgreSQL: the same visits under two covering indexes, each query one set-based statement, the answers compared with the engine's. */
#ifndef TOCSIN_BENCH_TRACE_RIVALS_H
#define TOCSIN_BENCH_TRACE_RIVALS_H

#include <libpq-fe.h>
#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "bench.h"
#include "engines/contact.h"
#include "engines/town.h"

enum { RIVAL_QUERIES = 40, MINUTES_S = 900, CROWD = 2000 };

static int64_t people = 100000, days = 14;
static int missed;
static char root[200];
static struct town *town;

static void engine_options(struct contact_options *o, int degree, bool evidence);
static struct contact_index case_of(struct rng *r, int64_t window);

static volatile int64_t of_times; /* what the rivals say of a contact is read, not only fetched */

static int by_contact(const void *pa, const void *pb) {
    const struct contact *a = pa, *b = pb;
    return a->person < b->person ? -1 : a->person > b->person;
}

/* Everybody with a stay of at least 15 minutes together, with what the engine says of a contact: how long in all, the first and the last moment; crowded place-days left out, as in
 * the engine. (Score and evidence, which the engine gives too, are not asked for.) Pieces of one stay at midnight are two rows here, as they are for whoever keeps visits in tables by
 * day; so the comparison asks for 15 minutes within one piece. */
static char *sql_of(const char *least, const char *greatest, const char *person, const char *from, const char *to) {
    char *out = malloc(2048);
    snprintf(out, 2048,
             "SELECT b.person, sum(%s(a.en, b.en, %s) - %s(a.start, b.start, %s)), min(%s(a.start, b.start, %s)), max(%s(a.en, b.en, %s)) FROM v a JOIN v b ON b.place = a.place AND b.start <= %s(a.en, %s) - 900 AND b.start > %s(a.start, %s) - 86400 "
             "AND b.en >= %s(a.start, %s) + 900 AND %s(a.en, b.en, %s) - %s(a.start, b.start, %s) >= 900 "
             "WHERE a.person = %s AND a.start < %s AND a.start > %s - 86400 AND a.en > %s AND NOT EXISTS (SELECT 1 FROM hot WHERE hot.place = a.place AND hot.d = a.start / 86400) AND b.person <> %s GROUP BY b.person",
             least, to, greatest, from, greatest, from, least, to, least, to, greatest, from, greatest, from, least, to, greatest, from, person, to, from, from, person);
    return out;
}

/* Place-days that the engine takes for venues are left out on both sides: [place * days + day]. */
static bool *hot_places(const struct presence_source *s) {
    bool *hot = calloc((size_t)town->n_places * (size_t)days, 1);
    for (uint32_t p = 0; p < town->n_places; p++)
        for (int32_t d = 0; d < days; d++) hot[p * (size_t)days + (size_t)d] = s->crowd(s->arg, p, d * DAY_S, (d + 1) * DAY_S, CROWD) >= CROWD;
    return hot;
}

static void visits_each(void (*row)(void *arg, uint32_t person, uint32_t place, int64_t start, int64_t end), void *arg) {
    struct presence s[TOWN_STAYS_MAX];
    for (int64_t d = 0; d < days; d++) {
        for (uint32_t p = 0; p < town->n_persons; p++)
            for (size_t i = 0, k = town_stays(town, p, (int)d, s); i < k; i++) row(arg, p, s[i].place, d * DAY_S + s[i].start, d * DAY_S + s[i].end);
    }
}

struct rival {
    sqlite3 *lite;
    sqlite3_stmt *put, *ask;
    PGconn *pg;
    struct buf copy;
};

static void lite_must(int rc, const char *what, sqlite3 *db) {
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
    fprintf(stderr, "sqlite %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

static void lite_row(void *arg, uint32_t person, uint32_t place, int64_t start, int64_t end) {
    struct rival *r = arg;
    sqlite3_bind_int64(r->put, 1, person);
    sqlite3_bind_int64(r->put, 2, place);
    sqlite3_bind_int64(r->put, 3, start);
    sqlite3_bind_int64(r->put, 4, end);
    lite_must(sqlite3_step(r->put), "insert", r->lite);
    sqlite3_reset(r->put);
}

static void lite_fill(struct rival *r, const bool *hot) {
    lite_must(sqlite3_exec(r->lite, "CREATE TABLE v(person INTEGER, place INTEGER, start INTEGER, en INTEGER); CREATE TABLE hot(place INTEGER, d INTEGER, PRIMARY KEY (place, d)); BEGIN", NULL, NULL, NULL), "tables", r->lite);
    lite_must(sqlite3_prepare_v2(r->lite, "INSERT INTO v VALUES (?, ?, ?, ?)", -1, &r->put, NULL), "prepare", r->lite);
    visits_each(lite_row, r);
    sqlite3_finalize(r->put);
    for (size_t p = 0; p < (size_t)town->n_places * (size_t)days; p++)
        if (hot[p]) {
            char sql[80];
            snprintf(sql, sizeof sql, "INSERT INTO hot VALUES (%zu, %zu)", p / (size_t)days, p % (size_t)days);
            lite_must(sqlite3_exec(r->lite, sql, NULL, NULL, NULL), "hot", r->lite);
        }
    lite_must(sqlite3_exec(r->lite, "CREATE INDEX by_place ON v(place, start, en, person); CREATE INDEX by_person ON v(person, start, en, place); COMMIT; ANALYZE", NULL, NULL, NULL), "indexes", r->lite);
}

static void lite_load(struct rival *r, const bool *hot) {
    char path[240], done[240];
    snprintf(path, sizeof path, "%s/rival.db", root);
    snprintf(done, sizeof done, "%s/rival.done", root);
    bool there = access(done, F_OK) == 0;
    double from = cpu_s();
    if (!there) unlink(path);
    lite_must(sqlite3_open(path, &r->lite), "open", r->lite);
    lite_must(sqlite3_exec(r->lite, "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-500000; PRAGMA mmap_size=30000000000", NULL, NULL, NULL), "settings", r->lite);
    if (!there) lite_fill(r, hot);
    char *sql = sql_of("min", "max", "?1", "?2", "?3");
    lite_must(sqlite3_prepare_v2(r->lite, sql, -1, &r->ask, NULL), "ask", r->lite);
    free(sql);
    struct stat st;
    stat(path, &st);
    FILE *f = there ? NULL : fopen(done, "w");
    if (f) fclose(f);
    printf("  SQLite: %s in %.1f s cpu, %.2f GB\n", there ? "opened again" : "loaded and indexed", cpu_s() - from, (double)st.st_size / 1e9);
}

static size_t lite_ask(struct rival *r, struct contact_index c, uint32_t *out) {
    size_t n = 0;
    int rc;
    sqlite3_bind_int64(r->ask, 1, c.person);
    sqlite3_bind_int64(r->ask, 2, c.from);
    sqlite3_bind_int64(r->ask, 3, c.to);
    while ((rc = sqlite3_step(r->ask)) == SQLITE_ROW) {
        out[n++] = (uint32_t)sqlite3_column_int64(r->ask, 0);
        for (int k = 1; k <= 3; k++) of_times += sqlite3_column_int64(r->ask, k);
    }
    lite_must(rc, "ask", r->lite);
    sqlite3_reset(r->ask);
    return n;
}

static PGresult *pg_must(PGresult *res, PGconn *c) {
    ExecStatusType t = PQresultStatus(res);
    if (t != PGRES_COMMAND_OK && t != PGRES_TUPLES_OK && t != PGRES_COPY_IN) {
        fprintf(stderr, "postgres: %s\n", PQerrorMessage(c));
        exit(1);
    }
    return res;
}

static void pg_row(void *arg, uint32_t person, uint32_t place, int64_t start, int64_t end) {
    struct rival *r = arg;
    buf_printf(&r->copy, "%u\t%u\t%lld\t%lld\n", person, place, (long long)start, (long long)end);
    if (r->copy.n > 1 << 20) {
        if (PQputCopyData(r->pg, r->copy.s, (int)r->copy.n) != 1) exit(1);
        buf_reset(&r->copy);
    }
}

static void pg_fill(struct rival *r, const bool *hot) {
    PQclear(pg_must(PQexec(r->pg, "SET client_min_messages = warning; DROP TABLE IF EXISTS v, hot; CREATE UNLOGGED TABLE v(person int, place int, start int, en int); CREATE UNLOGGED TABLE hot(place int, d int, PRIMARY KEY (place, d))"), r->pg));
    PQclear(pg_must(PQexec(r->pg, "COPY v FROM STDIN"), r->pg));
    visits_each(pg_row, r);
    if (r->copy.n && PQputCopyData(r->pg, r->copy.s, (int)r->copy.n) != 1) exit(1);
    PQputCopyEnd(r->pg, NULL);
    PQclear(pg_must(PQgetResult(r->pg), r->pg));
    while (PQgetResult(r->pg)) continue;
    for (size_t p = 0; p < (size_t)town->n_places * (size_t)days; p++)
        if (hot[p]) {
            char sql[80];
            snprintf(sql, sizeof sql, "INSERT INTO hot VALUES (%zu, %zu)", p / (size_t)days, p % (size_t)days);
            PQclear(pg_must(PQexec(r->pg, sql), r->pg));
        }
    PQclear(pg_must(PQexec(r->pg, "CREATE INDEX by_place ON v(place, start, en, person); CREATE INDEX by_person ON v(person, start, en, place)"), r->pg));
    PQclear(pg_must(PQexec(r->pg, "VACUUM ANALYZE v"), r->pg));
    PQclear(pg_must(PQexec(r->pg, "CREATE TABLE rival_done()"), r->pg));
}

static void pg_load(struct rival *r, const char *url, const bool *hot) {
    double from = wall_s();
    r->pg = PQconnectdb(url);
    if (PQstatus(r->pg) != CONNECTION_OK) {
        fprintf(stderr, "postgres: %s\n", PQerrorMessage(r->pg));
        exit(1);
    }
    PGresult *made = pg_must(PQexec(r->pg, "SELECT 1 FROM pg_class WHERE relname = 'rival_done'"), r->pg);
    bool there = PQntuples(made) > 0;
    PQclear(made);
    if (!there) pg_fill(r, hot);
    char *sql = sql_of("least", "greatest", "$1::int", "$2::int", "$3::int");
    PQclear(pg_must(PQprepare(r->pg, "ask", sql, 0, NULL), r->pg));
    free(sql);
    printf("  PostgreSQL: %s in %.1f s\n", there ? "opened again" : "loaded and indexed", wall_s() - from);
    buf_clear(&r->copy);
}

static size_t pg_ask(struct rival *r, struct contact_index c, uint32_t *out) {
    char a[3][16];
    const char *values[3] = {a[0], a[1], a[2]};
    snprintf(a[0], 16, "%u", c.person);
    snprintf(a[1], 16, "%d", c.from);
    snprintf(a[2], 16, "%d", c.to);
    PGresult *res = pg_must(PQexecPrepared(r->pg, "ask", 3, values, NULL, NULL, 0), r->pg);
    size_t n = (size_t)PQntuples(res);
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint32_t)strtoul(PQgetvalue(res, (int)i, 0), NULL, 10);
        for (int k = 1; k <= 3; k++) of_times += strtoll(PQgetvalue(res, (int)i, k), NULL, 10);
    }
    PQclear(res);
    return n;
}

/* Everybody a rival finds, the engine finds too; the engine may find more: meetings that go on past midnight, joined again. */
static size_t compare(const struct presence_source *s, struct contact_work *w, struct contact_result *res, struct contact_index c, const uint32_t *theirs, size_t n, double *ret_ms) {
    struct contact_options o;
    size_t lost = 0;
    engine_options(&o, 1, false);
    double from = wall_s();
    must(contact_find(s, &o, &c, 1, NULL, 0, w, res, &err), "find");
    *ret_ms = (wall_s() - from) * 1e3;
    qsort(res->contacts, res->n_contacts, sizeof *res->contacts, by_contact);
    for (size_t i = 0; i < n; i++) {
        struct contact key = {.person = theirs[i]};
        lost += !bsearch(&key, res->contacts, res->n_contacts, sizeof key, by_contact);
    }
    return lost;
}

static double rival_ask(struct rival *r, size_t (*one)(struct rival *, struct contact_index, uint32_t *), const char *name, int64_t window, const struct presence_source *s,
                        struct contact_work *w, struct contact_result *res) {
    struct rng g = {0};
    uint32_t *out = malloc((size_t)people * sizeof *out);
    double took[RIVAL_QUERIES], ours[RIVAL_QUERIES], sum = 0, our_sum = 0;
    size_t found = 0, mine = 0, lost = 0;
    double first[RIVAL_QUERIES];
    /* twice: asked first, and again with all that it needs in memory, as the engine's files are */
    for (int i = 0; i < 2 * RIVAL_QUERIES; i++) {
        if (i % RIVAL_QUERIES == 0) rng_seed(&g, 7);
        struct contact_index c = case_of(&g, window);
        double from = wall_s();
        size_t n = one(r, c, out);
        (i < RIVAL_QUERIES ? first : took)[i % RIVAL_QUERIES] = (wall_s() - from) * 1e3;
        if (i < RIVAL_QUERIES) continue;
        lost += compare(s, w, res, c, out, n, &ours[i % RIVAL_QUERIES]);
        sum += took[i % RIVAL_QUERIES];
        our_sum += ours[i % RIVAL_QUERIES];
        found += n;
        mine += res->n_contacts;
    }
    double median = bench_at_share(took, RIVAL_QUERIES, 0.5);
    printf("  %s, %lld days: p50 %.3f ms, p95 %.3f (asked first %.3f); %zu contacts to the engine's %zu, %zu of them the engine has not\n", name, (long long)window, median,
           bench_at_share(took, RIVAL_QUERIES, 0.95), bench_at_share(first, RIVAL_QUERIES, 0.5),
           found, mine, lost);
    printf("      the engine, the same cases by turns with it: p50 %.3f ms, p95 %.3f; all %d cases %.1f ms against %.1f: %.1f times\n", bench_at_share(ours, RIVAL_QUERIES, 0.5),
           bench_at_share(ours, RIVAL_QUERIES, 0.95), RIVAL_QUERIES, our_sum, sum, sum / our_sum);
    missed += lost > 0;
    free(out);
    return median;
}


#endif

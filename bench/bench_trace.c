/* Tracing: the visit store and the contact engine against SQLite with two covering indexes and PostgreSQL with the same, on one made-up city in one run.
 *   bench_trace [--people N] [--days D] [--others 0|1]      (100000, 14, 1)
 * The long forms are --people 1000000 (56 million visits) and --people 5000000 --others 0; the targets of the issue hold for the first. The rivals get each query as one
 * set-based statement over the same visits, and their answers are compared with the engine's person by person. */
#include <fcntl.h>
#include <libpq-fe.h>
#include <math.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "bench.h"
#include "desks/tracing/tracing.h"
#include "engines/town.h"

enum { FULL = 1000000 /* people from which the ratios are judged: smaller cities fit the rivals' caches */, DAYS_MAX = 31, QUERIES = 200, RIVAL_QUERIES = 40, MINUTES_S = 900, CROWD = 2000 };

static int64_t people = 100000, days = 14;
static bool others = true;
static int missed;
static char root[64], dir[96];
static struct town *town;
static struct visits *store;
static const day first = 19128; /* 2022-05-16, a Monday */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double at_share(double *list, size_t n, double share) {
    qsort(list, n, sizeof *list, by_value);
    return list[(size_t)(share * (double)(n - 1))];
}

/* ---- the store */
static void load(void) {
    struct visits_options o = {.dir = dir, .create = true, .zone_s = ZONE_CHINA_S};
    struct visit *rows = malloc((size_t)people * 8 * sizeof *rows);
    struct presence s[TOWN_STAYS_MAX];
    char name[24];
    uint32_t id;
    uint64_t total = 0;
    double drawing = 0, loading = 0, from = cpu_s();
    must(visits_open(&o, &store, &err), "visits");
    for (uint32_t p = 0; p < town->n_persons; p++) snprintf(name, sizeof name, "%u", p), must(visits_name(store, VISITS_PERSON, text_of(name), &id, &err), "name");
    for (uint32_t p = 0; p < town->n_places; p++) {
        town_place_name(town, p, name);
        must(visits_name(store, VISITS_PLACE, text_of(name), &id, &err), "name");
        visits_set_class(store, id, (uint8_t)town_class_of(town, p));
    }
    printf("  %u names in %.2f s\n", town->n_persons + town->n_places, cpu_s() - from);
    for (int64_t d = 0; d < days; d++) {
        instant midnight = instant_of_day(first + (day)d, ZONE_CHINA_S);
        size_t n = 0;
        from = cpu_s();
        for (uint32_t p = 0; p < town->n_persons; p++)
            for (size_t i = 0, k = town_stays(town, p, (int)d, s); i < k; i++)
                rows[n++] = (struct visit){p, s[i].place, midnight + s[i].start, midnight + s[i].end, (uint8_t)presence_source_of(s[i].attr), 100, s[i].zone, s[i].row};
        drawing += cpu_s() - from;
        from = cpu_s();
        must(visits_load(store, rows, n, NULL, &err), "load");
        loading += cpu_s() - from;
        total += n;
    }
    free(rows);
    struct visits_status status;
    must(visits_status(store, false, &status, &err), "status");
    printf("  %llu visits of %lld people on %lld days, %u places; drawn at %.2f million/s\n", (unsigned long long)total, (long long)people, (long long)days, town->n_places,
           (double)total / drawing / 1e6);
    missed += bench_verdict("load from memory (cpu)", (double)total / loading, "visit/s", 4e6, true);
    missed += bench_verdict("both orders on disk", (double)status.bytes / (double)status.rows, "B/visit", 9, false);
    visits_status_clear(&status);
}

static void appends(void) {
    static const size_t sizes[] = {1, 100, 1000};
    static struct visit rows[1000];
    instant at = instant_of_day(first + 40, ZONE_CHINA_S);
    for (int k = 0; k < 3; k++) {
        size_t n = sizes[k];
        int rounds = n == 1 ? 300 : 200;
        double from = wall_s(), cpu = cpu_s();
        for (int i = 0; i < rounds; i++) {
            for (size_t r = 0; r < n; r++, at++) rows[r] = (struct visit){(uint32_t)(at % people), (uint32_t)(at % town->n_places), at, at + 600, PRESENCE_SCAN, 100, 0, 0};
            must(visits_append(store, rows, n, &err), "append");
        }
        double wall = wall_s() - from;
        printf("  durable appends of %4zu: %10.0f visits/s, %.0f us each, %.0f us cpu%s\n", n, (double)n * rounds / wall, wall / rounds * 1e6, (cpu_s() - cpu) / rounds * 1e6,
               n == 1000 ? " (target 500000/s)" : "");
    }
    must(visits_forget(store, first + 30, first + 400, NULL, &err), "forget"); /* out of the way of the questions */
}

/* ---- the questions */
struct question {
    const char *what;
    int degree;
    int64_t window;
};

static void engine_options(struct contact_options *o, int degree, bool evidence) {
    contact_options_init(o);
    o->degree = degree;
    o->evidence = evidence;
    for (int c = 0; c < CONTACT_CLASSES; c++) o->rules[c].crowd = CROWD;
}

static struct contact_index case_of(struct rng *r, int64_t window) {
    uint32_t person = (uint32_t)rng_below(r, (uint64_t)people);
    int32_t end = (int32_t)(days * DAY_S) - 3 * 3600;
    return (struct contact_index){person, end - (int32_t)(window * DAY_S) > 0 ? end - (int32_t)(window * DAY_S) : 0, end};
}

static double ask(const struct presence_source *s, struct contact_work *w, struct contact_result *res, struct question q, int rounds, double *ret_p99) {
    struct rng r = {0};
    struct contact_options o;
    double *took = malloc((size_t)rounds * sizeof *took), contacts = 0, read = 0;
    rng_seed(&r, 7);
    engine_options(&o, q.degree, true);
    for (int i = 0; i < rounds + rounds / 10; i++) { /* the first tenth warms up */
        struct contact_index one = case_of(&r, q.window);
        double from = wall_s();
        must(contact_find(s, &o, &one, 1, NULL, 0, w, res, &err), "find");
        if (i < rounds / 10) continue;
        took[i - rounds / 10] = (wall_s() - from) * 1e3;
        contacts += (double)res->n_contacts / rounds;
        read += (double)res->stays_read / rounds;
    }
    double median = at_share(took, (size_t)rounds, 0.5);
    *ret_p99 = at_share(took, (size_t)rounds, 0.99);
    printf("  %s: p50 %.3f ms, p95 %.3f, p99 %.3f; %.0f contacts, %.0f stays read\n", q.what, median, at_share(took, (size_t)rounds, 0.95), *ret_p99, contacts, read);
    free(took);
    return median;
}

static volatile uint64_t sink;

static void many(const struct presence_source *s, struct contact_work *w, struct contact_result *res) {
    struct rng r = {0};
    struct contact_options o;
    size_t n = people < 100000 ? 1000 : 10000;
    struct contact_index *cases = malloc(n * sizeof *cases);
    rng_seed(&r, 9);
    engine_options(&o, 1, false);
    for (size_t i = 0; i < n; i++) cases[i] = case_of(&r, 15);
    double best = 1e9;
    for (int k = 0; k < 3; k++) {
        double from = cpu_s();
        must(contact_find(s, &o, cases, n, NULL, 0, w, res, &err), "many");
        if (cpu_s() - from < best) best = cpu_s() - from;
    }
    /* the floor: the bytes those stays take, read once */
    size_t bytes = (size_t)res->stays_read * 9;
    uint64_t *block = malloc(bytes + 8), sum = 0;
    memset(block, 1, bytes + 8);
    double from = cpu_s();
    for (size_t i = 0; i < bytes / 8; i++) sum += block[i];
    double floor_s = cpu_s() - from;
    sink = sum;
    free(block);
    printf("  %zu cases as one question, 15 days: %.3f s cpu, %zu contacts, %.1f million stays read (%.1f ns each); reading their bytes once %.4f s: %.0f x the floor\n", n, best,
           res->n_contacts, (double)res->stays_read / 1e6, best / (double)res->stays_read * 1e9, floor_s, best / floor_s);
    if (people >= FULL) missed += bench_verdict("10,000 cases as one question (cpu)", best, "s", 0.5, false);
    free(cases);
}

/* ---- the rivals */
static int by_contact(const void *pa, const void *pb) {
    const struct contact *a = pa, *b = pb;
    return a->person < b->person ? -1 : a->person > b->person;
}

/* Distinct persons with a stay of at least 15 minutes together; crowded place-days left out, as in the engine. Pieces of one stay at midnight are two rows here, as they are for
 * whoever keeps visits in tables by day; so the comparison asks for 15 minutes within one piece. */
static char *sql_of(const char *least, const char *greatest, const char *person, const char *from, const char *to) {
    char *out = malloc(2048);
    snprintf(out, 2048,
             "SELECT DISTINCT b.person FROM v a JOIN v b ON b.place = a.place AND b.start <= %s(a.en, %s) - 900 AND b.start > %s(a.start, %s) - 86400 "
             "AND b.en >= %s(a.start, %s) + 900 AND %s(a.en, b.en, %s) - %s(a.start, b.start, %s) >= 900 "
             "WHERE a.person = %s AND a.start < %s AND a.start > %s - 86400 AND a.en > %s AND NOT EXISTS (SELECT 1 FROM hot WHERE hot.place = a.place AND hot.d = a.start / 86400) AND b.person <> %s",
             least, to, greatest, from, greatest, from, least, to, greatest, from, person, to, from, from, person);
    return out;
}

/* Place-days that the engine takes for venues are left out on both sides: [place * days + day]. */
static bool *hot_places(const struct presence_source *s) {
    bool *hot = calloc((size_t)town->n_places * (size_t)days, 1);
    for (uint32_t p = 0; p < town->n_places; p++)
        for (int32_t d = 0; d < days; d++) hot[p * (size_t)days + (size_t)d] = s->crowd(s->arg, p, d * DAY_S, (d + 1) * DAY_S) >= CROWD;
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

static void lite_load(struct rival *r, const bool *hot) {
    char path[120];
    snprintf(path, sizeof path, "%s/rival.db", root);
    double from = cpu_s();
    lite_must(sqlite3_open(path, &r->lite), "open", r->lite);
    lite_must(sqlite3_exec(r->lite, "PRAGMA page_size=8192; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-500000; PRAGMA mmap_size=30000000000;"
                           "CREATE TABLE v(person INTEGER, place INTEGER, start INTEGER, en INTEGER); CREATE TABLE hot(place INTEGER, d INTEGER, PRIMARY KEY (place, d)); BEGIN", NULL, NULL, NULL), "tables", r->lite);
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
    char *sql = sql_of("min", "max", "?1", "?2", "?3");
    lite_must(sqlite3_prepare_v2(r->lite, sql, -1, &r->ask, NULL), "ask", r->lite);
    free(sql);
    struct stat st;
    stat(path, &st);
    printf("  SQLite: loaded and indexed in %.1f s cpu, %.2f GB\n", cpu_s() - from, (double)st.st_size / 1e9);
}

static size_t lite_ask(struct rival *r, struct contact_index c, uint32_t *out) {
    size_t n = 0;
    int rc;
    sqlite3_bind_int64(r->ask, 1, c.person);
    sqlite3_bind_int64(r->ask, 2, c.from);
    sqlite3_bind_int64(r->ask, 3, c.to);
    while ((rc = sqlite3_step(r->ask)) == SQLITE_ROW) out[n++] = (uint32_t)sqlite3_column_int64(r->ask, 0);
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

static void pg_load(struct rival *r, const char *url, const bool *hot) {
    double from = wall_s();
    r->pg = PQconnectdb(url);
    if (PQstatus(r->pg) != CONNECTION_OK) {
        fprintf(stderr, "postgres: %s\n", PQerrorMessage(r->pg));
        exit(1);
    }
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
    char *sql = sql_of("least", "greatest", "$1::int", "$2::int", "$3::int");
    PQclear(pg_must(PQprepare(r->pg, "ask", sql, 0, NULL), r->pg));
    free(sql);
    printf("  PostgreSQL: loaded and indexed in %.1f s\n", wall_s() - from);
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
    for (size_t i = 0; i < n; i++) out[i] = (uint32_t)strtoul(PQgetvalue(res, (int)i, 0), NULL, 10);
    PQclear(res);
    return n;
}

/* Everybody a rival finds, the engine finds too; the engine may find more: meetings that go on past midnight, joined again. */
static size_t compare(const struct presence_source *s, struct contact_work *w, struct contact_result *res, struct contact_index c, const uint32_t *theirs, size_t n) {
    struct contact_options o;
    size_t lost = 0;
    engine_options(&o, 1, false);
    must(contact_find(s, &o, &c, 1, NULL, 0, w, res, &err), "find");
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
    double took[RIVAL_QUERIES];
    size_t found = 0, mine = 0, lost = 0;
    rng_seed(&g, 7);
    for (int i = 0; i < RIVAL_QUERIES + 5; i++) {
        struct contact_index c = case_of(&g, window);
        double from = wall_s();
        size_t n = one(r, c, out);
        if (i < 5) continue;
        took[i - 5] = (wall_s() - from) * 1e3;
        lost += compare(s, w, res, c, out, n);
        found += n;
        mine += res->n_contacts;
    }
    double median = at_share(took, RIVAL_QUERIES, 0.5);
    printf("  %s, %lld days: p50 %.3f ms, p95 %.3f; %zu contacts to the engine's %zu, %zu of them the engine has not\n", name, (long long)window, median, at_share(took, RIVAL_QUERIES, 0.95),
           found, mine, lost);
    missed += lost > 0;
    free(out);
    return median;
}

static void faster(const char *than, double times) {
    char what[80];
    snprintf(what, sizeof what, "times faster than %s, degree 1, 15 days", than);
    if (people >= FULL) missed += bench_verdict(what, times, "x", 25, true);
    else printf("  %.0f %s (target 25 at a million people)\n", times, what);
}

static int options_take(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--people")) people = atoll(argv[i + 1]);
        else if (!strcmp(argv[i], "--days")) days = atoll(argv[i + 1]);
        else if (!strcmp(argv[i], "--others")) others = atoi(argv[i + 1]);
        else return 64;
    }
    return people < TOWN_PERSONS_MIN || people > TOWN_PERSONS_MAX || days < 2 || days > DAYS_MAX ? 64 : 0;
}

int main(int argc, char **argv) {
    struct town_parameters p;
    struct visits_reader *reader = NULL;
    char path[1200], command[128];
    const char *home = getenv("TOCSIN_HOME"), *stores = getenv("TOCSIN_TEST_STORES");
    if (options_take(argc, argv)) return 64;
    if (digest_init(&err) < 0) return 1;
    snprintf(root, sizeof root, "/tmp/tocsin-bench-trace-XXXXXX");
    if (!mkdtemp(root)) return 1;
    snprintf(dir, sizeof dir, "%s/visits", root);
    snprintf(path, sizeof path, "%s/scenarios/city.yaml", home ? home : ".");
    must(town_parameters_read(path, &p, &err), "parameters");
    must(town_make(&p, 1, (uint32_t)people, (uint32_t)(people / 40000) + 1, 2, &town, &err), "city");
    load();
    appends();
    must(visits_reader_open(store, first, &reader, &err), "reader");
    const struct presence_source *s = visits_reader_source(reader);
    struct contact_work *w = contact_work_new();
    struct contact_result res = {0};
    double p99, one4 = ask(s, w, &res, (struct question){"degree 1,  4 days", 1, 4}, QUERIES, &p99), one15, tail;
    one15 = ask(s, w, &res, (struct question){"degree 1, 15 days", 1, 15}, QUERIES, &tail);
    missed += bench_verdict("degree 1, 15 days, warm, p50", one15, "ms", 0.15, false);
    missed += bench_verdict("degree 1, 15 days, warm, p99", tail, "ms", 3, false);
    double two = ask(s, w, &res, (struct question){"degree 2,  4 days", 2, 4}, 30, &p99);
    missed += bench_verdict("degree 2, 4 days, p50", two, "ms", 25, false);
    many(s, w, &res);
    if (others) {
        struct rival r = {0};
        bool *hot = hot_places(s);
        lite_load(&r, hot);
        double lite4 = rival_ask(&r, lite_ask, "SQLite", 4, s, w, &res), lite15 = rival_ask(&r, lite_ask, "SQLite", 15, s, w, &res);
        faster("SQLite", lite15 / one15);
        printf("  (4 days: %.0f x)\n", lite4 / one4);
        const char *url = stores ? strstr(stores, "postgresql://") : NULL;
        if (url) {
            pg_load(&r, url, hot);
            double pg4 = rival_ask(&r, pg_ask, "PostgreSQL", 4, s, w, &res), pg15 = rival_ask(&r, pg_ask, "PostgreSQL", 15, s, w, &res);
            faster("PostgreSQL", pg15 / one15);
            printf("  (4 days: %.0f x)\n", pg4 / one4);
            PQclear(PQexec(r.pg, "DROP TABLE v, hot"));
            PQfinish(r.pg);
        }
        sqlite3_finalize(r.ask);
        sqlite3_close(r.lite);
        free(hot);
    }
    contact_result_clear(&res);
    contact_work_free(w);
    visits_reader_close(reader);
    visits_close(store);
    town_free(town);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", root);
    return missed > 0;
}

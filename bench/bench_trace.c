/* Tracing: the visit store and the contact engine against SQLite with two covering indexes and PostgreSQL with the same, on one made-up city in one run.
 *   bench_trace [--people N] [--days D] [--others 0|1] [--keep DIR] [--part all|appends|many|cold|rivals]      (100000, 14, 1)
 * The long forms are --people 1000000 (56 million visits) and --people 5000000 --others 0; the targets of the issue hold for the first. The rivals get each query as one
 * set-based statement over the same visits, and their answers are compared with the engine's person by person. With --keep the data stays in DIR for the next run. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/digest.h"
#include "bench.h"
#include "desks/tracing/tracing.h"
#include "engines/town.h"
#include "trace_rivals.h"

enum { FULL = 1000000 /* people from which the ratios are judged: smaller cities fit the rivals' caches */, DAYS_MAX = 31, QUERIES = 200 };

static bool others = true;
static char dir[240];
static const char *keep, *part = "all";
static struct visits *store;
static const day first = 19128; /* 2022-05-16, a Monday */

/* ---- the store */
static void opened(const char *at, struct visits **ret) {
    struct visits_options o = {.dir = at, .create = true, .zone_s = ZONE_CHINA_S};
    must(visits_open(&o, ret, &err), "visits");
}

static void load(void) {
    struct visit *rows = malloc((size_t)people * 8 * sizeof *rows);
    struct presence s[TOWN_STAYS_MAX];
    char name[24];
    uint32_t id;
    uint64_t total = 0;
    double drawing = 0, loading = 0, from = cpu_s();
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

enum { NAMES = 50000, CLIENTS_MAX = 64 };
struct client {
    struct visits *v;
    size_t n;
    int rounds, number;
};

static void *client_appends(void *arg) {
    struct client *c = arg;
    struct visit rows[1000];
    struct error mine = {0};
    instant at = instant_of_day(first + 50, ZONE_CHINA_S) + c->number * 1000000;
    for (int i = 0; i < c->rounds; i++) {
        for (size_t r = 0; r < c->n; r++, at++) rows[r] = (struct visit){(uint32_t)(at % NAMES), (uint32_t)(at * 7 % NAMES), at, at + 600, PRESENCE_SCAN, 100, 0, 0};
        must(visits_append(c->v, rows, c->n, &mine), "append");
    }
    return NULL;
}

/* Many clients at once, as over HTTP: those that come while one fdatasync runs share the next. */
static double together(struct visits *v, int clients, size_t n, int rounds) {
    struct client c[CLIENTS_MAX];
    pthread_t threads[CLIENTS_MAX];
    double from = wall_s(), cpu = cpu_s();
    for (int i = 0; i < clients; i++) {
        c[i] = (struct client){v, n, rounds, i};
        if (pthread_create(&threads[i], NULL, client_appends, &c[i]) != 0) exit(1);
    }
    for (int i = 0; i < clients; i++) pthread_join(threads[i], NULL);
    double rate = (double)n * rounds * clients / (wall_s() - from);
    printf("  durable appends of %4zu by %d clients: %10.0f visits/s, %.2f us cpu a visit\n", n, clients, rate, (cpu_s() - cpu) / ((double)n * rounds * clients) * 1e6);
    return rate;
}

/* In a store of its own: they must not stand in the way of the questions. */
static void appends(void) {
    static const size_t sizes[] = {1, 100, 1000};
    static struct visit rows[1000];
    char at_dir[280], command[320], name[24];
    struct visits *v = NULL;
    uint32_t id;
    snprintf(at_dir, sizeof at_dir, "%s/appends", root);
    snprintf(command, sizeof command, "rm -rf '%s'", at_dir);
    if (system(command) != 0) return;
    opened(at_dir, &v);
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "%u", i);
        must(visits_name(v, VISITS_PERSON, text_of(name), &id, &err), "name");
        must(visits_name(v, VISITS_PLACE, text_of(name), &id, &err), "name");
    }
    instant at = instant_of_day(first + 40, ZONE_CHINA_S);
    for (int k = 0; k < 3; k++) {
        size_t n = sizes[k];
        int rounds = n == 1 ? 300 : 200;
        double from = wall_s(), cpu = cpu_s();
        for (int i = 0; i < rounds; i++) {
            for (size_t r = 0; r < n; r++, at++) rows[r] = (struct visit){(uint32_t)(at % NAMES), (uint32_t)(at * 7 % NAMES), at, at + 600, PRESENCE_SCAN, 100, 0, 0};
            must(visits_append(v, rows, n, &err), "append");
        }
        double wall = wall_s() - from;
        printf("  durable appends of %4zu: %10.0f visits/s, %.0f us each, %.0f us cpu\n", n, (double)n * rounds / wall, wall / rounds * 1e6, (cpu_s() - cpu) / rounds * 1e6);
    }
    missed += bench_verdict("durable single scans, 64 clients", together(v, 64, 1, 200), "visit/s", 1e4, true);
    missed += bench_verdict("durable appends of 1,000, 8 clients", together(v, 8, 1000, 100), "visit/s", 5e5, true);
    visits_close(v);
    if (system(command) != 0) return;
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

static double thread_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wall time, and processor time beside it: on a machine shared with others only the second is ours. */
static double ask(const struct presence_source *s, struct contact_work *w, struct contact_result *res, struct question q, int rounds, double *ret_p99) {
    struct rng r = {0};
    struct contact_options o;
    double *took = malloc((size_t)rounds * sizeof *took), *busy = malloc((size_t)rounds * sizeof *busy), contacts = 0, read = 0;
    rng_seed(&r, 7);
    engine_options(&o, q.degree, true);
    for (int i = 0; i < rounds + rounds / 10; i++) { /* the first tenth warms up */
        struct contact_index one = case_of(&r, q.window);
        double cpu = thread_s(), from = wall_s();
        must(contact_find(s, &o, &one, 1, NULL, 0, w, res, &err), "find");
        double wall = wall_s() - from; /* without the system calls that the other clock is */
        if (i < rounds / 10) continue;
        busy[i - rounds / 10] = (thread_s() - cpu) * 1e3;
        took[i - rounds / 10] = wall * 1e3;
        contacts += (double)res->n_contacts / rounds;
        read += (double)res->stays_read / rounds;
    }
    double median = bench_at_share(took, (size_t)rounds, 0.5);
    *ret_p99 = bench_at_share(took, (size_t)rounds, 0.99);
    printf("  %s: p50 %.3f ms, p95 %.3f, p99 %.3f; %.0f contacts, %.0f stays read\n", q.what, median, bench_at_share(took, (size_t)rounds, 0.95), *ret_p99, contacts, read);
    printf("      processor: p50 %.3f ms, p95 %.3f, p99 %.3f, worst %.3f\n", bench_at_share(busy, (size_t)rounds, 0.5), bench_at_share(busy, (size_t)rounds, 0.95), bench_at_share(busy, (size_t)rounds, 0.99), bench_at_share(busy, (size_t)rounds, 1));
    free(busy);
    free(took);
    return median;
}

/* The store opened anew each time, its files put out of the page cache before: names are read at opening, days when they are asked for. */
static double cold(int64_t window) {
    enum { TRIES = 9 };
    double took[TRIES];
    struct rng r = {0};
    struct contact_options o;
    rng_seed(&r, 21);
    engine_options(&o, 1, true);
    for (int i = 0; i < TRIES; i++) {
        struct visits *v = NULL;
        struct visits_reader *reader = NULL;
        struct contact_work *w = contact_work_new();
        struct contact_result res = {0};
        struct visits_options vo = {.dir = dir, .read_only = true};
        struct contact_index one = case_of(&r, window);
        char command[400];
        snprintf(command, sizeof command, "for f in '%s'/*.seg; do dd of=\"$f\" oflag=nocache conv=notrunc,fdatasync count=0 status=none; done", dir);
        if (system(command) != 0) return 1e9;
        must(visits_open(&vo, &v, &err), "visits");
        must(visits_reader_open(v, first, &reader, &err), "reader");
        double from = wall_s();
        must(contact_find(visits_reader_source(reader), &o, &one, 1, NULL, 0, w, &res, &err), "find");
        took[i] = (wall_s() - from) * 1e3;
        contact_result_clear(&res);
        contact_work_free(w);
        visits_reader_close(reader);
        visits_close(v);
    }
    double median = bench_at_share(took, TRIES, 0.5);
    printf("  degree 1, %lld days, cold: p50 %.2f ms, worst of %d %.2f ms\n", (long long)window, median, TRIES, bench_at_share(took, TRIES, 1));
    return median;
}

static volatile uint64_t sink;

/* The least that an answer can cost: the lines of the files that it reads, read once where they lie, file after file. Beside it the same number of bytes in one row. */
static double floor_of(struct visits_reader *reader, struct contact_work *w, struct contact_result *res, const struct contact_options *o, const struct contact_index *cases, size_t n,
                       double *ret_cpu) {
    struct contact_options alone = *o;
    double best = 1e9, row = 1e9;
    uint64_t bytes = 0, sum = 0;
    alone.threads = 1;
    must(visits_reader_watch(reader, true, &err), "watch");
    must(contact_find(visits_reader_source(reader), &alone, cases, n, NULL, 0, w, res, &err), "many");
    for (int k = 0; k < 3; k++) {
        double from = wall_s();
        double cpu = cpu_s();
        bytes = visits_reader_reread(reader, &sum);
        best = wall_s() - from < best ? wall_s() - from : best;
        *ret_cpu = cpu_s() - cpu < *ret_cpu ? cpu_s() - cpu : *ret_cpu;
    }
    must(visits_reader_watch(reader, false, &err), "watch");
    uint64_t *block = malloc(bytes + 8);
    memset(block, 1, bytes + 8);
    for (int k = 0; k < 3; k++) {
        double from = wall_s();
        for (size_t i = 0; i < bytes / 8; i++) sum += block[i];
        row = wall_s() - from < row ? wall_s() - from : row;
    }
    free(block);
    sink = sum;
    printf("  the floor: %.1f MB of lines, read once where they lie by one thread %.4f s (%.4f s cpu); as many bytes in one row %.4f s\n", (double)bytes / 1e6, best, *ret_cpu, row);
    return best;
}

static void many(struct visits_reader *reader, struct contact_work *w, struct contact_result *res) {
    const struct presence_source *s = visits_reader_source(reader);
    struct rng r = {0};
    struct contact_options o;
    size_t n = people < 100000 ? 1000 : 10000;
    struct contact_index *cases = malloc(n * sizeof *cases);
    double best[2] = {1e9, 1e9}, cpu = 1e9, floor_cpu = 1e9;
    rng_seed(&r, 9);
    engine_options(&o, 1, false);
    for (size_t i = 0; i < n; i++) cases[i] = case_of(&r, 15);
    for (int t = 0; t < 2; t++)
        for (int k = 0; k < 5; k++) {
            double from = wall_s(), c = cpu_s();
            o.threads = t + 1;
            must(contact_find(s, &o, cases, n, NULL, 0, w, res, &err), "many");
            if (wall_s() - from < best[t]) best[t] = wall_s() - from;
            if (!t && cpu_s() - c < cpu) cpu = cpu_s() - c;
        }
    printf("  %zu cases as one question, 15 days: %.3f s on one thread (%.3f s cpu), %.3f s on two; %zu contacts, %zu venue stays, %.1f million stays read (%.1f ns each)\n", n, best[0], cpu, best[1],
           res->n_contacts, res->n_venues, (double)res->stays_read / 1e6, best[0] / (double)res->stays_read * 1e9);
    double least = floor_of(reader, w, res, &o, cases, n, &floor_cpu);
    printf("  processor time on one thread: %.3f s, %.2f floors\n", cpu, cpu / floor_cpu);
    if (people >= FULL) missed += bench_verdict("10,000 cases as one question, two threads (wall)", best[1], "s", 0.5, false);
    missed += bench_verdict("the same in floors", best[1] / least, "x", 4, false);
    free(cases);
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
        else if (!strcmp(argv[i], "--keep")) keep = argv[i + 1];
        else if (!strcmp(argv[i], "--part")) part = argv[i + 1];
        else return 64;
    }
    return people < TOWN_PERSONS_MIN || people > TOWN_PERSONS_MAX || days < 2 || days > DAYS_MAX ? 64 : 0;
}

static bool wants(const char *which) {
    return !strcmp(part, "all") || !strcmp(part, which);
}

int main(int argc, char **argv) {
    struct town_parameters p;
    struct visits_reader *reader = NULL;
    char path[1200], command[260];
    const char *home = getenv("TOCSIN_HOME"), *stores = getenv("TOCSIN_TEST_STORES");
    if (options_take(argc, argv)) return 64;
    if (digest_init(&err) < 0) return 1;
    snprintf(root, sizeof root, "%s", keep ? keep : "/tmp/tocsin-bench-trace-XXXXXX");
    if (keep ? mkdir(root, 0755) < 0 && errno != EEXIST : !mkdtemp(root)) return 1;
    snprintf(dir, sizeof dir, "%s/visits", root);
    snprintf(path, sizeof path, "%s/scenarios/city.yaml", home ? home : ".");
    must(town_parameters_read(path, &p, &err), "parameters");
    must(town_make(&p, 1, (uint32_t)people, (uint32_t)(people / 40000) + 1, 2, &town, &err), "city");
    snprintf(path, sizeof path, "%s/visits.done", root);
    bool there = keep && access(path, F_OK) == 0;
    opened(dir, &store);
    if (!there) load();
    FILE *done = there ? NULL : fopen(path, "w");
    if (done) fclose(done);
    if (wants("appends")) appends();
    struct visits_status status;
    must(visits_status(store, true, &status, &err), "status"); /* every page is in memory, and checked */
    visits_status_clear(&status);
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
    if (wants("many")) many(reader, w, &res);
    visits_reader_close(reader);
    visits_close(store); /* or its pages would stay mapped */
    if (wants("cold")) missed += bench_verdict("degree 1, 15 days, cold, p50", cold(15), "ms", 20, false);
    opened(dir, &store);
    must(visits_status(store, true, &status, &err), "status");
    visits_status_clear(&status);
    must(visits_reader_open(store, first, &reader, &err), "reader");
    s = visits_reader_source(reader);
    if (others && wants("rivals")) {
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
            if (!keep) PQclear(PQexec(r.pg, "DROP TABLE v, hot, rival_done"));
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
    if (!keep && system(command) != 0) fprintf(stderr, "%s was not removed\n", root);
    return missed > 0;
}

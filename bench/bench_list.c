/* First pages of a register of ten million rows, as a city, a district, a street and a village ask for them: by different orders and filters, on both
 * stores, each beside what is written without thinking: a prefix of the region with LIKE and paging by OFFSET. District 16 was hit first and never since:
 * all it has is old, the case in which a walk along an order finds nothing for long.
 * The rows are written by one statement a piece, without persons, journal and duties: they stand for a store's state, not for the way there.
 * usage: bench_list [ROWS] [STORE] [DIR]     ROWS: 10,000,000; STORE: sqlite or a postgresql:// URL of an empty database, else the stores of
 * TOCSIN_TEST_STORES; DIR: the node is made there and kept, and asked again when it is there already */
#include <math.h>

#include "bench.h"
#include "desks/list/list.h"

enum { PIECE = 500000, TURNS = 24, FIRST = 1000, TARGET_MS = 20, ONE_TARGET_MS = 2 };
#define NOW 1690000000

/* ---- the rows */

static void fill(struct bench_node *n, int64_t rows) {
    static const char sql[] =
        "INSERT INTO \"contact\" (\"region\",\"id\",\"version\",\"state\",\"number\",\"created_at\",\"changed_at\",\"entry\",\"person\",\"index_case\",\"class\","
        "\"relation\",\"mode\",\"last_contact\",\"found_at\") WITH RECURSIVE c(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM c WHERE i + 1 < ?2), "
        "h(i,a,b) AS (SELECT i, (i * 2654435761) % 4294967296, (i * 40503 + 12345) % 65521 FROM c) "
        "SELECT '3101' || substr(CAST(100 + CASE WHEN i * 8 < ?3 AND a % 3 = 0 THEN 16 ELSE 1 + a % 15 END AS TEXT), 2, 2) || substr(CAST(1001 + (a / 16) % 12 AS TEXT), 2, 3)"
        " || CASE WHEN b % 21 = 0 THEN '' ELSE substr(CAST(1000 + b % 21 AS TEXT), 2, 3) END,"
        " 1000 + i * 2, 1, CASE WHEN b % 50 < 44 THEN 'released' WHEN b % 50 < 49 THEN 'found' ELSE 'placed' END,"
        " 'M-310101-20220501-' || CAST(i AS TEXT), 1650000000 + i, 1650000000 + i + a % 100000, i, 999 + i * 2, 1 + a % 400000,"
        " CASE WHEN b % 3 = 0 THEN 'secondary' ELSE 'close' END, CASE WHEN b = 777 THEN 'family' ELSE 'colleague' END, 'dining', 19100 + i / 40000,"
        " CASE WHEN b % 40 = 0 THEN NULL ELSE 1650000000 + i - a % 5000 END FROM h";
    db_bulk(n->l->db, true);
    for (int64_t i = 0; i < rows; i += PIECE) {
        struct value params[] = {value_int(i), value_int(i + PIECE < rows ? i + PIECE : rows), value_int(rows)};
        must(db_begin(n->l->db, &err), "begin");
        must(db_run(n->l->db, sql, params, 3, NULL, &err), "rows");
        must(db_commit(n->l->db, &err), "commit");
    }
    db_bulk(n->l->db, false);
}

/* ---- asking */

/* Processor time of this thread and of PostgreSQL's process for it: what the other work of the machine does not change. Everything is in memory. */
static int64_t backend;

static double worked_ms(void) {
    struct timespec t;
    double there = 0;
    char path[64];
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    snprintf(path, sizeof path, "/proc/%lld/schedstat", (long long)backend);
    FILE *f = backend ? fopen(path, "r") : NULL;
    if (f && fscanf(f, "%lf", &there) != 1) there = 0;
    if (f) fclose(f);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6 + there / 1e6;
}

struct times {
    double ms[4096];
    size_t n;
};

static double quantile(struct times *t, double q) {
    qsort(t->ms, t->n, sizeof *t->ms, bench_by_value);
    return t->n ? t->ms[(size_t)ceil(q * (double)t->n) - 1] : 0;
}

static struct session asker(const char *region, struct grant *g) {
    *g = (struct grant){.role = TEXT("tracer"), .region = text_of(region)};
    return (struct session){.account = TEXT("bench"), .n_grants = 1, .grants = g, .now = NOW};
}

struct seen {
    int64_t rows, pages, unfinished;
};

static double page_ms(struct bench_node *n, struct db *db, const struct session *s, const char *const *words, struct seen *seen) {
    struct list_param params[8];
    struct list_query q;
    struct list_page page;
    struct arena a = {0};
    size_t k = 0;
    for (; words[2 * k]; k++) params[k] = (struct list_param){text_of(words[2 * k]), text_of(words[2 * k + 1])};
    double from = worked_ms();
    must(list_query_parse(n->l, bench_register(n, "contact"), params, k, &a, &q, &err), "query");
    must(list_page(n->l, db, s, &q, &a, &page, &err), "page");
    double ms = worked_ms() - from;
    seen->rows += (int64_t)page.n;
    seen->pages++;
    seen->unfinished += page.n < q.limit && page.more;
    arena_clear(&a);
    return ms;
}

static const struct kind {
    const char *name, *const *words;
} kinds[] = {
    {"-id", (const char *const[]){"sort", "-id", NULL, NULL}},
    {"id", (const char *const[]){"sort", "id", NULL, NULL}},
    {"-changed_at", (const char *const[]){"sort", "-changed_at", NULL, NULL}},
    {"-found_at", (const char *const[]){"sort", "-found_at", NULL, NULL}},
    {"-id state=placed (1 in 50)", (const char *const[]){"state", "placed", NULL, NULL}},
    {"-changed_at state=found,placed class=secondary", (const char *const[]){"sort", "-changed_at", "state", "found,placed", "class", "secondary", NULL, NULL}},
    {"-id index_case", (const char *const[]){"index_case", "4711", NULL, NULL}},
    {"-changed_at where", (const char *const[]){"sort", "-changed_at", "where", "state <> 'released' AND last_contact > DATE '2022-04-20'", NULL, NULL}},
    {"-id relation=family (1 in 65,521)", (const char *const[]){"relation", "family", NULL, NULL}},
    {"-id one district of mine", (const char *const[]){"region", "310107", NULL, NULL}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct role {
    const char *name, *region; /* % is another street or village in every turn */
} roles[] = {{"province", "31"}, {"city", "3101"}, {"district", "310105"}, {"district, only old rows", "310116"}, {"street", "3101%02d%03d"}, {"village", "3101%02d%03d%03d"}};
enum { ROLES = sizeof roles / sizeof *roles };

static int pages(struct bench_node *n, struct db *db, const char *store) {
    int missed = 0;
    for (size_t r = 0; r < ROLES; r++) {
        static struct times all;
        char line[KINDS][96];
        struct seen total = {0};
        all.n = 0;
        for (size_t k = 0; k < KINDS; k++) {
            static struct times own;
            struct seen seen = {0};
            own.n = 0;
            for (int turn = -1; turn < TURNS; turn++) {
                char region[40];
                struct grant g;
                int at = turn < 0 ? 0 : turn;
                /* the format is one of the table above */
                snprintf(region, sizeof region, "%s", roles[r].region);
                if (strchr(region, '%')) snprintf(region, sizeof region, strlen(roles[r].region) > 13 ? "3101%02d%03d%03d" : "3101%02d%03d", 1 + at * 5 % 15, 1 + at % 12, 1 + at * 3 % 20);
                struct session s = asker(region, &g);
                double ms = page_ms(n, db, &s, kinds[k].words, &seen);
                if (turn < 0) continue; /* statements are prepared, pages of the file come into memory */
                own.ms[own.n++] = ms;
                all.ms[all.n++] = ms;
            }
            total.unfinished += seen.unfinished;
            total.pages += seen.pages;
            snprintf(line[k], sizeof line[k], "%8.2f %8.2f ms, %3.0f rows%s", quantile(&own, 0.5), quantile(&own, 0.95), (double)seen.rows / (double)seen.pages,
                     seen.unfinished ? ", goes on" : "");
        }
        printf("  %s, %s: first page (50 rows), p50 and p95 of processor time\n", store, roles[r].name);
        for (size_t k = 0; k < KINDS; k++) printf("    %-52s %s\n", kinds[k].name, line[k]);
        missed |= bench_verdict("any list, p95", quantile(&all, 0.95), "ms", TARGET_MS, false);
    }
    return missed;
}

/* Twenty pages further, forwards and back: what a grid does that is scrolled. */
static int scroll(struct bench_node *n, struct db *db) {
    static struct times t;
    struct grant g;
    struct session s = asker("310105003", &g);
    struct arena a = {0};
    struct text cursor = {"", 0};
    t.n = 0;
    for (int i = 0; i < 200; i++) {
        struct list_param params[] = {{TEXT("sort"), TEXT("-changed_at")}, {TEXT("limit"), TEXT("100")}, {TEXT("cursor"), cursor}};
        struct list_query q;
        struct list_page page;
        double from = worked_ms();
        must(list_query_parse(n->l, bench_register(n, "contact"), params, cursor.n ? 3 : 2, &a, &q, &err), "query");
        must(list_page(n->l, db, &s, &q, &a, &page, &err), "page");
        t.ms[t.n++] = worked_ms() - from;
        cursor = page.next;
    }
    arena_clear(&a);
    return bench_verdict("street, 200 pages of 100 by -changed_at, p95", quantile(&t, 0.95), "ms", TARGET_MS, false);
}

static int one_record(struct bench_node *n, struct db *db, int64_t rows) {
    static struct times t;
    struct grant g;
    struct session s = asker("3101", &g);
    t.n = 0;
    for (int i = 0; i < 2000; i++) {
        struct arena a = {0};
        struct record r;
        double from = worked_ms();
        must(record_get(n->l, db, &s, bench_register(n, "contact"), FIRST + 2 * (int64_t)((uint64_t)i * 2654435761u % (uint64_t)rows), &a, &r, &err), "record");
        t.ms[t.n++] = worked_ms() - from;
        arena_clear(&a);
    }
    return bench_verdict("one record, p95", quantile(&t, 0.95), "ms", ONE_TARGET_MS, false);
}

/* ---- the peers */

static double statement_ms(struct db *db, const char *sql) {
    struct db_cursor *c = NULL;
    const struct value *row;
    double from = worked_ms();
    must(db_query(db, sql, NULL, 0, &c, &err), "peer");
    while (db_next(c, &row, &err) > 0) continue;
    db_cursor_close(c);
    return worked_ms() - from;
}

static void peers(struct db *db) {
    static const struct { const char *name, *sql; } list[] = {
        {"street, LIKE prefix, -changed_at", "SELECT * FROM \"contact\" WHERE \"region\" LIKE '310105003%' ORDER BY \"changed_at\" DESC LIMIT 50"},
        {"district with old rows, LIKE prefix, -id", "SELECT * FROM \"contact\" WHERE \"region\" LIKE '310116%' ORDER BY \"id\" DESC LIMIT 50"},
        {"city, page 2,000 by OFFSET, -changed_at", "SELECT * FROM \"contact\" ORDER BY \"changed_at\" DESC, \"id\" DESC LIMIT 50 OFFSET 100000"},
        {"street, page 200 by OFFSET, -id", "SELECT * FROM \"contact\" WHERE \"region\" LIKE '310105003%' ORDER BY \"id\" DESC LIMIT 50 OFFSET 10000"},
    };
    printf("  written without thinking, in the same store:\n");
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        statement_ms(db, list[i].sql);
        printf("    %-52s %8.2f ms\n", list[i].name, statement_ms(db, list[i].sql));
    }
}

/* store: "sqlite" or the URL of an empty PostgreSQL database. */
static int bench(const char *store, int64_t rows, const char *dir) {
    struct bench_node n;
    struct db *db = NULL;
    bool pg = strncmp(store, "postgres", 8) == 0;
    int missed = 0;
    double from = wall_s();
    bool there = bench_node_at(&n, dir, pg ? store : NULL, NULL, NOW);
    if (!there) {
        fill(&n, rows);
        must(db_analyze(n.l->db, &err), "analyze");
        if (pg) must(db_run(n.l->db, "VACUUM", NULL, 0, NULL, &err), "vacuum"); /* as autovacuum does after so many rows */
    }
    must(ledger_reader(n.l, &db, &err), "reader");
    struct arena a = {0};
    struct value pid = value_null();
    if (pg) must(db_scalar(db, &a, "SELECT pg_backend_pid()", NULL, 0, &pid, &err), "backend");
    backend = value_int_or(pid, 0);
    arena_clear(&a);
    printf("  %s: %lld rows made in %.0f s\n", pg ? "PostgreSQL" : "SQLite", (long long)rows, wall_s() - from);
    missed |= pages(&n, db, pg ? "PostgreSQL" : "SQLite");
    missed |= scroll(&n, db);
    missed |= one_record(&n, db, rows);
    peers(db);
    db_close(db);
    bench_node_drop(&n);
    return missed;
}

int main(int argc, char **argv) {
    int64_t rows = argc > 1 ? atoll(argv[1]) : 10000000;
    const char *env = argc > 2 ? argv[2] : getenv("TOCSIN_TEST_STORES");
    static char list[2048];
    int missed = 0;
    snprintf(list, sizeof list, "%s", env && *env ? env : "sqlite");
    for (char *save = NULL, *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) missed |= bench(word, rows, argc > 3 ? argv[3] : NULL);
    return missed;
}

/* A register of a million rows into a file, in each format, and piece by piece as the HTTP door sends it: what it costs in time, and that memory does not grow with the rows. Each
 * export is a process of its own, looked at a hundred times a second; counted is what it holds for itself (RssAnon), not the pages of the store that it maps and the system may take
 * back. Targets: 64 MiB, and at most 8 MiB more than for a tenth of the rows. bench_export [ROWS [URL URL]]: into two empty PostgreSQL stores instead of SQLite */
#include <sys/wait.h>

#include "bench.h"
#include "desks/export/export.h"

static const struct {
    const char *name;
    enum export_format format;
    bool pieces;
} ways[] = {{"csv", EXPORT_CSV, false}, {"json", EXPORT_JSON, false}, {"xlsx", EXPORT_XLSX, false}, {"csv in pieces", EXPORT_CSV, true}, {"json in pieces", EXPORT_JSON, true}, {"xlsx in pieces", EXPORT_XLSX, true}};
enum { PIECE = 500, MEMORY_MIB = 64, MORE_MIB = 8 };

static void fill(struct ledger *l, const char *table, const char *columns, const char *values, int64_t rows) {
    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO \"%s\" (\"region\",\"id\",\"version\",\"created_at\",\"changed_at\",\"entry\",%s) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
                     "SELECT '310115' || CAST(101 + i %% 17 AS TEXT), %s FROM n", table, columns, (long long)rows, values);
    must(db_run(l->db, buf_cstr(&sql), NULL, 0, NULL, &err), table);
    buf_clear(&sql);
}

/* Contacts of 1,000 cases, each a person of its own. */
static void outbreak(struct ledger *l, int64_t rows) {
    db_bulk(l->db, true);
    must(db_begin(l->db, &err), "begin");
    fill(l, "person", "\"sex\",\"age\",\"occupation\",\"work_unit\"", "5000000 + i, 1, 1653800000, 1653800000, 1, 'female', 20 + i % 60, 'student', '第' || CAST(i % 300 AS TEXT) || '中学'", rows);
    fill(l, "case", "\"number\",\"state\",\"disease\",\"classification\",\"person\"", "1000000 + i, 1, 1653800000, 1653800000, 1, 'C-310115-20220530-' || CAST(i AS TEXT), 'reviewed', 'covid-19', 'confirmed', 5000000 + i", 1000);
    fill(l, "contact", "\"number\",\"state\",\"person\",\"index_case\",\"disease\",\"class\",\"relation\",\"mode\",\"last_contact\",\"found_at\",\"setting\"",
         "20000000 + i, 1, 1653800000, 1653800000, 1, 'M-310115-20220530-' || CAST(i AS TEXT), 'placed', 5000000 + i, 1000001 + i % 1000, 'covid-19', 'close', 'neighbour', 'room', 19140, 1653800000, "
         "'同一楼栋居住，共同乘坐电梯'", rows);
    must(db_commit(l->db, &err), "commit");
    db_bulk(l->db, false);
    must(db_analyze(l->db, &err), "analyze");
}

/* In a process of its own. */
static int export_one(const char *node, size_t way, int64_t rows, const char *dir) {
    const char *home = getenv("TOCSIN_HOME");
    struct ledger_options at_node = {.dir = node, .home = home ? home : "."};
    struct session session = node_session(TEXT("bench"), 1653900000, false);
    struct ledger *l = NULL;
    struct db *db = NULL;
    char where[64], path[128];
    struct export_options o = {.format = ways[way].format, .where = where};
    int64_t got = 0;
    must(ledger_open(&at_node, &l, &err), "open");
    must(ledger_reader(l, &db, &err), "reader");
    const struct register_decl *reg = register_find(l->catalog, TEXT("contact"));
    snprintf(where, sizeof where, "frequency IS NULL"); /* a question that every row answers */
    snprintf(path, sizeof path, "%s/out.%zu", dir, way);
    if (!ways[way].pieces) {
        must(export_records(l, db, &session, reg, &o, path, &got, &err), "export");
    } else {
        struct list_query q = {0};
        struct export_place at = {0};
        struct buf out = {0};
        struct arena a = {0};
        must(list_query_parse(l, reg, NULL, 0, &a, &q, &err), "query");
        o.query = &q;
        while (!at.end) {
            buf_reset(&out);
            must(export_piece(l, db, &session, reg, &o, &at, PIECE, &out, &err), "piece");
        }
        got = at.rows;
        export_place_clear(&at);
        buf_clear(&out);
    }
    db_close(db);
    ledger_close(l);
    if (got != rows) fprintf(stderr, "%s: %lld rows, not %lld\n", ways[way].name, (long long)got, (long long)rows);
    return got == rows ? 0 : 1;
}

static double anon_mib(pid_t pid) {
    char path[64], line[128];
    double kb = 0;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *c = fopen(path, "r");
    size_t length = c ? fread(line, 1, sizeof line - 1, c) : 0;
    if (c) fclose(c);
    if (!memmem(line, length, "--one", 5)) return 0; /* still what was forked */
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %lf", &kb) == 1) break;
    if (f) fclose(f);
    return kb / 1024;
}

/* Most memory it held at once; -1 when it failed. */
static double memory_of(const struct bench_node *n, size_t way, int64_t rows, const char *dir, double *ret_s) {
    double from = wall_s(), most = 0;
    pid_t pid = fork();
    int status = 0;
    if (pid < 0) exit(1);
    if (pid == 0) {
        char which[24], many[24];
        snprintf(which, sizeof which, "%zu", way);
        snprintf(many, sizeof many, "%lld", (long long)rows);
        execl("/proc/self/exe", "bench_export", "--one", n->node, which, many, dir, (char *)NULL);
        _exit(1);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        double now = anon_mib(pid);
        most = now > most ? now : most;
        usleep(10000);
    }
    *ret_s = wall_s() - from;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? most : -1;
}

static void node_make(struct bench_node *n, const char *store, int64_t rows) {
    bench_node_open(n, store, NULL, 1653900000);
    outbreak(n->l, rows);
    ledger_close(n->l);
    n->l = NULL;
}

int main(int argc, char **argv) {
    if (argc == 6 && !strcmp(argv[1], "--one")) return export_one(argv[2], strtoul(argv[3], NULL, 10), atoll(argv[4]), argv[5]);
    int64_t rows = argc > 1 ? atoll(argv[1]) : 1000000;
    struct bench_node small, large;
    char dir[] = "/tmp/tocsin-export-XXXXXX", command[96];
    int missed = 0;
    if (!mkdtemp(dir)) return 1;
    node_make(&small, argc > 3 ? argv[2] : NULL, rows / 10);
    node_make(&large, argc > 3 ? argv[3] : NULL, rows);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        double s[2], few = memory_of(&small, w, rows / 10, dir, &s[0]), many = memory_of(&large, w, rows, dir, &s[1]);
        char what[80];
        if (few < 0 || many < 0) return 1;
        printf("  %-16s %lld rows in %.1f s, %.0f rows/s; holds %.1f MiB, of a tenth of the rows %.1f\n", ways[w].name, (long long)rows, s[1], (double)rows / s[1], many, few);
        snprintf(what, sizeof what, "%s: memory", ways[w].name);
        missed += bench_verdict(what, many, "MiB", MEMORY_MIB, false);
        snprintf(what, sizeof what, "%s: memory over that of a tenth", ways[w].name);
        missed += bench_verdict(what, many - few > 0.01 ? many - few : 0.01, "MiB", MORE_MIB, false);
    }
    bench_node_drop(&small);
    bench_node_drop(&large);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0) return 1;
    return missed != 0;
}

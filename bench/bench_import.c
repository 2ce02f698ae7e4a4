/* An import end to end, without the reading of a file: rows of a contact list with persons, matched by headers, through worker and writer to the
 * commit; then the same persons met again in another list (all are found by their document). Ratios belong to one run on one machine.
 * usage: bench_import [ROWS] [STORE] [PACK or -] */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "desks/intake/import.h"
#include "desks/node.h"
#include "ledger/obligation.h"

enum { COLUMNS = 9, TARGET = 60000 };

static void fail(const char *what, const struct error *err) {
    fprintf(stderr, "%s: %s %s\n", what, err->message, err->where);
    exit(1);
}

static void refused(void *arg, const struct intake_reject *r) {
    (void)arg;
    fprintf(stderr, "line %lld: %s\n", (long long)r->line, r->reason->en);
    exit(1);
}

static double cpu_us(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The rows as who read a file has them; making them up is not an import. */
struct listed {
    char name[24], doc[16], phone[16], address[40];
};

static struct listed *list_of(size_t rows) {
    static const char *const given[] = {"伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军"};
    static const char *const family[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"};
    struct listed *list = malloc(rows * sizeof *list);
    if (!list) exit(1);
    for (size_t k = 0; k < rows; k++) {
        snprintf(list[k].name, sizeof list->name, "%s%s", family[k % 10], given[k / 10 % 10]);
        snprintf(list[k].doc, sizeof list->doc, "E%08u", (unsigned)k);
        snprintf(list[k].phone, sizeof list->phone, "138%08u", (unsigned)k);
        snprintf(list[k].address, sizeof list->address, "浦东新区某路%u号", (unsigned)(k % 1000));
    }
    return list;
}

static double import(struct ledger *l, const struct session *s, const struct listed *list, size_t rows, const char *index, const char *met, int workers) {
    struct text headers[COLUMNS] = {TEXT("姓名"), TEXT("证件类型"), TEXT("证件号码"), TEXT("联系电话"), TEXT("现住址"), TEXT("性别"), TEXT("关联病例"), TEXT("与病例关系"), TEXT("末次接触时间")};
    struct intake_options o = {.target = register_find(l->catalog, TEXT("contact")), .n_headers = COLUMNS, .headers = headers, .file = "bench", .workers = workers,
                               .rejected = refused};
    struct error err = {0};
    struct intake *in = NULL;
    if (intake_new(l, s, &o, &in, &err) < 0) fail("new", &err);
    int64_t from = monotonic_ns();
    double all = cpu_us(CLOCK_PROCESS_CPUTIME_ID), own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    for (size_t k = 0; k < rows; k++) {
        const struct listed *p = &list[k];
        struct text cells[COLUMNS] = {text_of(p->name), TEXT("护照"), text_of(p->doc), text_of(p->phone), text_of(p->address), k & 1 ? TEXT("男") : TEXT("女"), text_of(index),
                                      TEXT("同事"), text_of(met)};
        if (intake_row(in, cells, COLUMNS, (int64_t)k + 2, false, &err) < 0) fail("row", &err);
    }
    if (intake_finish(in, &err) < 0) fail("finish", &err);
    struct intake_counts c;
    intake_progress(in, &c);
    all = (cpu_us(CLOCK_PROCESS_CPUTIME_ID) - all) / (double)rows;
    own = (cpu_us(CLOCK_THREAD_CPUTIME_ID) - own) / (double)rows;
    double rate = (double)rows / ((double)(monotonic_ns() - from) / 1e9);
    printf("  %-28s %8.0f rows/s, processor a row: %.2f us, who hands the rows over %.2f of it (created %lld, persons known %lld)\n",
           workers < 0 ? "one thread" : "worker and writer", rate, all, own, (long long)c.created, (long long)c.matched);
    intake_free(in);
    return rate;
}

/* The floor: the very rows that the import left, put by sqlite3 alone into tables and indexes of the same shape, prepared statements, a
 * transaction for every 10,000 rows of a table, on disk like ours. */
static void sql_must(sqlite3 *db, int rc) {
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) return;
    fprintf(stderr, "sqlite3: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void floor_table(sqlite3 *from, sqlite3 *to, const char *table) {
    char sql[4096];
    sqlite3_stmt *rows = NULL, *into = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table);
    sql_must(from, sqlite3_prepare_v2(from, sql, -1, &rows, NULL));
    int n = sqlite3_column_count(rows), at = snprintf(sql, sizeof sql, "INSERT INTO \"%s\" VALUES (?", table);
    for (int i = 1; i < n; i++) at += snprintf(sql + at, sizeof sql - (size_t)at, ",?");
    snprintf(sql + at, sizeof sql - (size_t)at, ")");
    sql_must(to, sqlite3_prepare_v2(to, sql, -1, &into, NULL));
    sql_must(to, sqlite3_exec(to, "BEGIN", NULL, NULL, NULL));
    for (size_t k = 1; sqlite3_step(rows) == SQLITE_ROW; k++) {
        for (int i = 0; i < n; i++) sqlite3_bind_value(into, i + 1, sqlite3_column_value(rows, i));
        sql_must(to, sqlite3_step(into));
        sqlite3_reset(into);
        if (k % 10000 == 0) sql_must(to, sqlite3_exec(to, "COMMIT; BEGIN", NULL, NULL, NULL));
    }
    sql_must(to, sqlite3_exec(to, "COMMIT", NULL, NULL, NULL));
    sqlite3_finalize(rows);
    sqlite3_finalize(into);
}

/* What an import of contacts writes, whichever store. */
static const char *const tables[] = {"person", "contact", "vault_key", "lookup_front", "lookup_bucket", "lookup_filter", "duty", "duty_wake", "duty_term", "duty_count", "journal"};

/* The same on PostgreSQL: COPY of the rows, as text, a transaction for every 10,000 of a table, into tables with the same columns and indexes. */
static PGresult *pg(PGconn *c, const char *sql, ExecStatusType expected) {
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) == expected) return r;
    fprintf(stderr, "PostgreSQL: %s\n", PQerrorMessage(c));
    exit(1);
}

static void copy_rows(PGconn *c, const char *table, char **lines, const int *sizes, size_t n) {
    char sql[160];
    snprintf(sql, sizeof sql, "COPY \"floor_%s\" FROM STDIN", table);
    for (size_t from = 0; from < n; from += 10000) {
        PQclear(pg(c, sql, PGRES_COPY_IN));
        for (size_t k = from; k < n && k < from + 10000; k++)
            if (PQputCopyData(c, lines[k], sizes[k]) != 1) exit(1);
        if (PQputCopyEnd(c, NULL) != 1) exit(1);
        for (PGresult *r; (r = PQgetResult(c)); PQclear(r))
            if (PQresultStatus(r) != PGRES_COMMAND_OK) {
                fprintf(stderr, "COPY: %s\n", PQerrorMessage(c));
                exit(1);
            }
    }
}

/* Seconds that the COPY of one table takes; reading it is not counted. */
static double copy_table(PGconn *c, const char *table) {
    char sql[200], *line = NULL, **lines = NULL;
    int *sizes = NULL, size;
    size_t n = 0, cap = 0;
    snprintf(sql, sizeof sql, "CREATE TABLE \"floor_%s\" (LIKE \"%s\" INCLUDING ALL)", table, table);
    PQclear(pg(c, sql, PGRES_COMMAND_OK));
    snprintf(sql, sizeof sql, "COPY \"%s\" TO STDOUT", table);
    PQclear(pg(c, sql, PGRES_COPY_OUT));
    while ((size = PQgetCopyData(c, &line, 0)) > 0) {
        if (n == cap) {
            cap = cap ? cap * 2 : 4096;
            lines = realloc(lines, cap * sizeof *lines);
            sizes = realloc(sizes, cap * sizeof *sizes);
            if (!lines || !sizes) exit(1);
        }
        lines[n] = line;
        sizes[n++] = size;
    }
    for (PGresult *r; (r = PQgetResult(c));) PQclear(r);
    int64_t start = monotonic_ns();
    copy_rows(c, table, lines, sizes, n);
    double took = (double)(monotonic_ns() - start) / 1e9;
    for (size_t k = 0; k < n; k++) PQfreemem(lines[k]);
    free(lines);
    free(sizes);
    snprintf(sql, sizeof sql, "DROP TABLE \"floor_%s\"", table);
    PQclear(pg(c, sql, PGRES_COMMAND_OK));
    return took;
}

static double copy_rate(const char *url, size_t rows) {
    PGconn *c = PQconnectdb(url);
    double took = 0;
    if (PQstatus(c) != CONNECTION_OK) {
        fprintf(stderr, "PostgreSQL: %s\n", PQerrorMessage(c));
        exit(1);
    }
    PQclear(pg(c, "SET client_min_messages = warning", PGRES_COMMAND_OK));
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) took += copy_table(c, tables[i]);
    PQfinish(c);
    printf("  %-28s %8.0f rows/s\n", "COPY alone, the same rows", (double)rows / took);
    return (double)rows / took;
}

static double floor_rate(const char *node, const char *dir, size_t rows) {
    char path[96], raw[96];
    sqlite3 *from = NULL, *to = NULL;
    sqlite3_stmt *schema = NULL;
    snprintf(path, sizeof path, "%s/tocsin.db", node);
    snprintf(raw, sizeof raw, "%s/raw.db", dir);
    sql_must(from, sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL));
    sql_must(to, sqlite3_open(raw, &to));
    sql_must(to, sqlite3_exec(to, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-786432; PRAGMA wal_autocheckpoint=65536",
                              NULL, NULL, NULL));
    sql_must(from, sqlite3_prepare_v2(from, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name IN ('person','contact','vault_key',"
                                            "'lookup_front','lookup_bucket','lookup_filter','duty','duty_wake','duty_term','duty_count','journal') ORDER BY type DESC", -1, &schema, NULL));
    while (sqlite3_step(schema) == SQLITE_ROW) sql_must(to, sqlite3_exec(to, (const char *)sqlite3_column_text(schema, 0), NULL, NULL, NULL));
    sqlite3_finalize(schema);
    int64_t start = monotonic_ns();
    double own = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) floor_table(from, to, tables[i]);
    double rate = (double)rows / ((double)(monotonic_ns() - start) / 1e9);
    own = (cpu_us(CLOCK_THREAD_CPUTIME_ID) - own) / (double)rows;
    printf("  %-28s %8.0f rows/s, processor a row: %.2f us\n", "sqlite3 alone, the same rows", rate, own);
    sqlite3_close(from);
    sqlite3_close(to);
    return rate;
}

int main(int argc, char **argv) {
    size_t rows = argc > 1 ? (size_t)atoll(argv[1]) : 200000;
    const char *store = argc > 2 ? argv[2] : NULL, *pack = argc > 3 ? argv[3] : "covid-2022-v9";
    struct error err = {0};
    char dir[] = "/tmp/tocsin-bench-XXXXXX", node[64];
    if (!mkdtemp(dir)) return 1;
    snprintf(node, sizeof node, "%s/node", dir);
    instant now = 1653876000;
    struct node_options o = {.ledger = {.dir = node, .store = store, .home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".", .region = "310115"},
                             .policy = strcmp(pack, "-") ? pack : NULL, .regions = "/dev/null", .now = now};
    struct node_report report;
    struct ledger *l = NULL;
    if (node_init(&o, &report, &err) < 0) fail("init", &err);
    if (ledger_open(&o.ledger, &l, &err) < 0) fail("open", &err);
    struct session s = node_session(TEXT("bench"), now, false);
    struct arena a = {0};
    struct draft *d = draft_new(&a, register_find(l->catalog, TEXT("person")), DRAFT_CREATE);
    struct draft *c = draft_new(&a, register_find(l->catalog, TEXT("case")), DRAFT_UPSERT);
    c->links = arena_alloc(&a, c->reg->n_fields * sizeof *c->links);
    c->links[register_field(c->reg, TEXT("person"))] = 1;
    c->values[register_field(c->reg, TEXT("disease"))] = value_str("covid-19");
    c->values[register_field(c->reg, TEXT("classification"))] = value_str("confirmed");
    c->values[register_field(c->reg, TEXT("report_date"))] = value_int(19142);
    c->outside_key = TEXT("C1");
    struct draft *both[] = {d, c};
    if (record_write(l, &s, both, 2, &err) < 0) fail("case", &err);
    db_bulk(l->db, true);
    printf("%zu contacts with persons, pack %s:\n", rows, pack);
    struct listed *list = list_of(rows);
    double first = import(l, &s, list, rows, "C1", "2022-05-28", 0);
    double least = store ? copy_rate(store, rows) : floor_rate(node, dir, rows);
    printf("  the import runs at %.2f of that\n", first / least);
    printf("the same people in another list:\n");
    import(l, &s, list, rows, "C1", "2022-05-29", 0);
    free(list);
    db_bulk(l->db, false);
    ledger_close(l);
    arena_clear(&a);
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    int rc = system(command);
    return rc == 0 && first >= TARGET ? 0 : 1;
}

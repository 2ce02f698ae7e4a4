/* Every swab of a city in one store: written as a table writes them (desks/testing/sampling, 500 a take, 4,000 a commit that waits for the disk), then asked as the screens ask. Size on disk, first
 * pages, one person's swabs and results, the coverage of a street and of the city, a round in figures, and the proof of the whole journal are stated.
 * The 512 tables take turns; each has its own stretch of the people, as its queue has. Ten people are one tube.
 *
 * One person in 100 is then taken out of the last round again, here and there (one statement, counted anew), and the screens ask who is missing: first pages of the city, of a street, of those
 * with a reason, and the page after.
 *
 * usage: bench_swabs [SWABS [PEOPLE [STORE [DIR]]]]    SWABS: 200,000 (a city: 25700000); PEOPLE: a tenth of them, who come ten times; with as many as SWABS it is one round. STORE: sqlite or a
 * postgresql:// URL of an empty database, else the stores of TOCSIN_TEST_STORES. DIR: the node is made there and kept; when it is there already, what is missing of SWABS is copied from its first
 * round by one statement a table, without duties, journal and lookup (a store's state, not the way there), and it is asked. */
#include <math.h>

#include "desks/list/list.h"
#include "desks/testing/round.h"
#include "desks/testing/sampling.h"
#include "desks/testing/ticket.h"
#include "ledger/table.h"
#include "ledger/tally.h"
#include "sampled.h"

enum { TAKE = SAMPLING_ROWS_MAX, COMMIT = 8, TUBE = 10, TURNS = 400, PAGE_MS = 20, PERSON_MS = 5, VERIFY = 500000, BUILDING = 120 };

struct filled {
    struct bench_node node;
    struct sampled city;
    struct sampling *desk;
    int64_t at[SAMPLED_TABLES], tubes; /* how far each table is in its people */
};

/* ---- writing */

static int64_t stretch(const struct filled *x, int table) {
    return x->city.persons * table / SAMPLED_TABLES;
}

/* A take of one table; how many swabs it made. */
static int64_t take(struct filled *x, int64_t round, int table, struct arena *a) {
    struct sampling_row rows[TAKE];
    int64_t n = 0, end = stretch(x, table + 1), from = x->at[table];
    for (; n < TAKE && from + n < end; n++) {
        if (n % TUBE == 0) x->tubes++;
        rows[n] = (struct sampling_row){.barcode = text_of(arena_printf(a, "P%010lld", (long long)x->tubes)), .table = x->city.tables[table], .round = round,
                                        .swabbed_at = INSTANT_NONE, .person = x->city.ids[from + n]};
    }
    x->at[table] = from + n;
    if (!n) return 0;
    must(sampling_take(x->desk, x->node.l, &x->node.s, INSTANT_NONE, rows, (size_t)n, a, &err), "take");
    for (int64_t i = 0; i < n; i++)
        if (rows[i].reason) {
            fprintf(stderr, "%s\n", rows[i].error.message);
            exit(1);
        }
    return n;
}

static int64_t one_round(struct filled *x, int64_t round, int64_t most) {
    int64_t made = 0, more = 1;
    int takes = 0;
    for (int t = 0; t < SAMPLED_TABLES; t++) x->at[t] = stretch(x, t);
    while (more && made < most) {
        more = 0;
        for (int t = 0; t < SAMPLED_TABLES && made + more < most; t++) {
            struct arena a = {0};
            if (takes++ % COMMIT == 0) must(ledger_begin(x->node.l, &err), "begin");
            more += take(x, round, t, &a);
            if (takes % COMMIT == 0) must(ledger_commit(x->node.l, x->node.s.now, &err), "commit");
            arena_clear(&a);
        }
        made += more;
        x->node.s.now += 60;
    }
    if (takes % COMMIT) must(ledger_commit(x->node.l, x->node.s.now, &err), "commit");
    return made;
}

static double megabytes(struct filled *x, const char *store) {
    struct arena a = {0};
    struct value v = value_null();
    char command[200];
    double mb = 0;
    if (store) {
        must(db_scalar(x->node.l->db, &a, "SELECT pg_database_size(current_database())", NULL, 0, &v, &err), "size");
        mb = (double)value_int_or(v, 0) / 1e6;
    } else {
        snprintf(command, sizeof command, "du -sb '%s'", x->node.node);
        FILE *f = popen(command, "r");
        if (f && fscanf(f, "%lf", &mb) == 1) mb /= 1e6;
        if (f) pclose(f);
    }
    arena_clear(&a);
    return mb;
}

/* ---- asking */

static double quantiles(const char *what, double *ms, size_t n) {
    double p50 = bench_at_share(ms, n, 0.5), p95 = bench_at_share(ms, n, 0.95);
    printf("   %-60s p50 %9.2f  p95 %9.2f ms\n", what, p50, p95);
    fflush(stdout);
    return p95;
}

static struct grant grant;

static struct session asker(const char *region) {
    grant = (struct grant){.role = TEXT("tester"), .region = text_of(region)};
    return (struct session){.account = TEXT("bench"), .n_grants = 1, .grants = &grant, .now = SAMPLED_START + 86400};
}

/* ids: another value of words[1] each turn, or NULL. */
static double pages(struct filled *x, struct db *db, const char *region, const char *const *words, const int64_t *ids) {
    static double ms[TURNS];
    char what[120] = "", number[24], street[16];
    size_t n = 0;
    for (size_t k = 0; words[2 * k]; k++) snprintf(what + strlen(what), sizeof what - strlen(what), " %s=%s", words[2 * k], words[2 * k + 1]);
    snprintf(what + strlen(what), sizeof what - strlen(what), " (%s)", region ? region : "a street each");
    for (int turn = -2; turn < TURNS; turn++) {
        struct list_param params[4];
        struct list_query q;
        struct list_page page;
        struct arena a = {0};
        sampled_street(turn + 2, street);
        struct session s = asker(region ? region : street);
        size_t k = 0;
        for (; words[2 * k]; k++) params[k] = (struct list_param){text_of(words[2 * k]), text_of(words[2 * k + 1])};
        snprintf(number, sizeof number, "%lld", ids ? (long long)ids[(uint64_t)(turn + 2) * 2654435761u % (uint64_t)x->city.persons] : 0);
        if (ids) params[0].value = text_of(number);
        double from = wall_s();
        must(list_query_parse(x->node.l, bench_register(&x->node, "swab"), params, k, &a, &q, &err), "query");
        must(list_page(x->node.l, db, &s, &q, &a, &page, &err), "page");
        if (turn >= 0) ms[n++] = (wall_s() - from) * 1e3;
        arena_clear(&a);
    }
    return quantiles(what, ms, n);
}

static double results(struct filled *x, struct db *db) {
    static double ms[TURNS];
    for (int turn = 0; turn < TURNS; turn++) {
        struct buf out = {0};
        struct ticket_ask ask = {x->city.ids[(uint64_t)turn * 40503 * 65537 % (uint64_t)x->city.persons], &out};
        double from = wall_s();
        must(ticket_results(x->node.l, db, &ask, 1, &err), "results");
        ms[turn] = (wall_s() - from) * 1e3;
        buf_clear(&out);
    }
    return quantiles(" own results by ticket, another person each", ms, TURNS);
}

static void round_asked(struct filled *x) {
    struct arena a = {0};
    struct round_row *rows = NULL;
    struct round_figures f;
    size_t n = 0;
    struct session s = asker("310115");
    int64_t round = x->city.rounds[x->city.n_rounds - 1];
    double from = wall_s();
    must(round_coverage(x->node.l, &s, round, TEXT("310115007"), false, &a, &rows, &n, &err), "coverage");
    printf("   coverage of one street, %lld people: %.2f s\n", n ? (long long)rows[0].people : 0, wall_s() - from);
    from = wall_s();
    must(round_coverage(x->node.l, &s, round, TEXT(""), false, &a, &rows, &n, &err), "coverage");
    printf("   coverage of the city, %zu streets: %.2f s\n", n, wall_s() - from);
    from = wall_s();
    must(round_figures_of(x->node.l, &s, round, TEXT(""), INSTANT_NONE, &f, &err), "figures");
    printf("   figures of a round, %lld swabs: %.2f s\n", (long long)f.swabs, wall_s() - from);
    fflush(stdout);
    arena_clear(&a);
}

/* Pages of 50 of those missing, one after the other, of the city or a street; the worst p95 of first pages is judged. */
static double missing_pages(struct filled *x, const char *street, enum round_why why, const char *what) {
    static double first[TURNS], next[TURNS];
    struct session s = asker("310115");
    int64_t round = x->city.rounds[x->city.n_rounds - 1], ids[50], after = 0;
    size_t n = 0, k = 0;
    char words[120];
    for (int turn = 0; turn < TURNS / 10; turn++) {
        double from = wall_s();
        must(round_people(x->node.l, &s, round, text_of(street), (struct text){NULL, 0}, why, 0, 50, ids, &n, &err), "missing");
        first[turn] = (wall_s() - from) * 1e3;
        if (n == 50 && !after) after = ids[49];
        if (!after) continue;
        from = wall_s();
        must(round_people(x->node.l, &s, round, text_of(street), (struct text){NULL, 0}, why, after, 50, ids, &n, &err), "missing");
        next[k++] = (wall_s() - from) * 1e3;
        after = n == 50 ? ids[49] : 0;
    }
    snprintf(words, sizeof words, " first page of %s", what);
    double p95 = quantiles(words, first, TURNS / 10);
    snprintf(words, sizeof words, " next page of %s", what);
    if (k) p95 = fmax(p95, quantiles(words, next, (int)k));
    return p95;
}

static int missing_asked(struct filled *x) {
    double worst;
    char sql[200];
    must(ledger_begin(x->node.l, &err), "begin");
    snprintf(sql, sizeof sql, "DELETE FROM \"swab\" WHERE \"round\"=%lld AND \"person\"%%100=37", (long long)x->city.rounds[x->city.n_rounds - 1]);
    must(db_run(x->node.l->db, sql, NULL, 0, NULL, &err), "missing");
    snprintf(sql, sizeof sql, "UPDATE \"person\" SET \"community\"='B'||CAST(\"id\"/%d AS TEXT),\"occupation\"=CASE \"id\"%%3 WHEN 0 THEN 'student' WHEN 1 THEN 'farmer' END", BUILDING * SAMPLED_STREETS);
    must(db_run(x->node.l->db, sql, NULL, 0, NULL, &err), "buildings"); /* of some BUILDING people each */
    must(tally_rebuild(x->node.l, &err), "counters");
    must(ledger_commit(x->node.l, x->node.s.now, &err), "commit");
    worst = missing_pages(x, "", WHY_MISSING, "the city's missing");
    worst = fmax(worst, missing_pages(x, "310115007", WHY_MISSING, "a street's missing"));
    worst = fmax(worst, missing_pages(x, "", WHY_REFUSED, "those who refused"));
    return bench_verdict("who is missing, the slowest page's p95", worst, "ms", PAGE_MS, false);
}

static int asked(struct filled *x) {
    static const char *const lists[][4] = {{NULL}, {"sort", "id", NULL}, {"result", "recall", NULL}};
    struct db *db = NULL;
    double worst = 0, person;
    int missed = 0;
    must(ledger_connect(x->node.l, DB_READ, &db, &err), "reader");
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        worst = fmax(worst, pages(x, db, "310115", lists[k], NULL));
        worst = fmax(worst, pages(x, db, NULL, lists[k], NULL));
    }
    person = pages(x, db, "310115", (const char *const[]){"person", "", NULL}, x->city.ids);
    person = fmax(person, results(x, db));
    missed += bench_verdict("first page, the slowest list's p95", worst, "ms", PAGE_MS, false);
    missed += bench_verdict("one person, p95", person, "ms", PERSON_MS, false);
    db_close(db);
    round_asked(x);
    return missed;
}

static int proved(struct filled *x) {
    struct journal_verdict v;
    double from = wall_s();
    must(journal_verify(x->node.l->db, x->node.l->journal.keys.public_key, true, NULL, NULL, &v, &err), "verify");
    double took = wall_s() - from;
    printf("   journal: %lld entries in %lld blocks proved in %.1f s%s\n", (long long)v.entries, (long long)v.blocks, took, v.bad_seq ? ": ALTERED" : "");
    return bench_verdict("verify", (double)v.entries / took, "entries/s", VERIFY, true) + (v.bad_seq != 0);
}

/* ---- the whole */

static void list_of(struct filled *x, const char *sql, int64_t *ids, int64_t *ret_n, int64_t most) {
    struct db_cursor *c = NULL;
    const struct value *row;
    *ret_n = 0;
    must(db_query(x->node.l->db, sql, NULL, 0, &c, &err), sql);
    while (db_next(c, &row, &err) > 0 && *ret_n < most) ids[(*ret_n)++] = row[0].i;
    db_cursor_close(c);
}

static void write_all(struct filled *x, const char *store, int64_t swabs) {
    double from = wall_s();
    sampled_people(&x->node, &x->city);
    sampled_ground(&x->node, &x->city);
    double before = megabytes(x, store);
    printf(" %lld people recorded in %.0f s, %.0f MB\n", (long long)x->city.persons, wall_s() - from, before);
    int64_t made = 0;
    for (int64_t r = 0; r < x->city.n_rounds; r++) {
        double began = wall_s(), cpu = cpu_s();
        int64_t n = one_round(x, x->city.rounds[r], swabs - made);
        made += n;
        double mb = megabytes(x, store);
        printf("   %10lld swabs: %8.0f a second, %5.1f us of processor each; %8.0f MB, %5.0f bytes a swab with its share of tube, duties, journal and indexes\n", (long long)made,
               (double)n / (wall_s() - began), (cpu_s() - cpu) * 1e6 / (double)n, mb, (mb - before) * 1e6 / (double)made);
        fflush(stdout);
    }
    must(db_analyze(x->node.l->db, &err), "statistics");
}

/* The rows of the first round once more, as another round: ids moved on, bar codes of their own, a day later. */
static void copy_table(struct filled *x, const char *reg, int64_t round, int64_t off, int64_t nth) {
    const struct reg_table *t = x->node.l->tables[bench_register(&x->node, reg)->order];
    struct value params[] = {value_int(off), value_int(round), value_int(nth), value_int(x->city.rounds[0])};
    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO \"%s\" (%s) SELECT ", reg, t->columns);
    for (size_t i = 0; i < t->table.n_columns; i++) {
        const char *name = t->table.columns[i].name;
        const char *as = !strcmp(name, "id") || !strcmp(name, "tube") ? "+?1" : !strcmp(name, "barcode") ? "||'-'||CAST(?3 AS TEXT)" : !strcmp(name, "swabbed_at") ? "+86400*?3" : "";
        buf_printf(&sql, !strcmp(name, "round") ? "%s?2" : "%s\"%s\"%s", i ? "," : "", name, as);
    }
    buf_printf(&sql, " FROM \"%s\" WHERE \"round\"=?4 AND ?1+?2+?3>0", reg);
    must(db_run(x->node.l->db, buf_cstr(&sql), params, 4, NULL, &err), reg);
    buf_clear(&sql);
}

static int64_t number(struct filled *x, const char *sql, int64_t param) {
    struct arena a = {0};
    struct value v = value_null(), p = value_int(param);
    must(db_scalar(x->node.l->db, &a, sql, &p, param ? 1 : 0, &v, &err), sql);
    int64_t n = value_int_or(v, 0);
    arena_clear(&a);
    return n;
}

static void copy_rounds(struct filled *x, const char *store, int64_t swabs) {
    int64_t there = number(x, "SELECT COUNT(*) FROM \"swab\"", 0), each = number(x, "SELECT COUNT(*) FROM \"swab\" WHERE \"round\"=?1", x->city.rounds[0]);
    int64_t low = number(x, "SELECT MIN(\"id\") FROM \"tube\"", 0), high = number(x, "SELECT MAX(\"id\") FROM \"swab\" WHERE \"round\"=?1", x->city.rounds[0]);
    for (int64_t nth = x->city.n_rounds + 1; there + each <= swabs && x->city.n_rounds < SAMPLED_ROUNDS; nth++, there += each) {
        struct arena a = {0};
        double from = wall_s();
        struct draft *d = bench_draft(&x->node, &a, "round");
        set(d, "campaign", value_int(number(x, "SELECT \"campaign\" FROM \"round\" WHERE \"id\"=?1", x->city.rounds[0])));
        set(d, "seq", value_int(nth));
        set(d, "starts_at", value_int(SAMPLED_START + 86400 * nth));
        int64_t round = x->city.rounds[x->city.n_rounds++] = bench_write(&x->node, d), off = x->node.l->next_id - low;
        db_bulk(x->node.l->db, true);
        must(ledger_begin(x->node.l, &err), "begin");
        copy_table(x, "tube", round, off, nth);
        copy_table(x, "swab", round, off, nth);
        x->node.l->next_id += high - low + 1;
        must(ledger_commit(x->node.l, x->node.s.now, &err), "commit");
        db_bulk(x->node.l->db, false);
        printf("   %10lld swabs: %lld copied in %.0f s; %8.0f MB\n", (long long)(there + each), (long long)each, wall_s() - from, megabytes(x, store));
        fflush(stdout);
        arena_clear(&a);
    }
    double begun = wall_s();
    must(ledger_begin(x->node.l, &err), "begin"); /* what was copied was not counted on the way */
    must(tally_rebuild(x->node.l, &err), "counters");
    must(ledger_commit(x->node.l, x->node.s.now, &err), "commit");
    printf("   counters of coverage counted anew in %.0f s\n", wall_s() - begun);
    must(db_analyze(x->node.l->db, &err), "statistics");
}

static int run(const char *url, int64_t swabs, int64_t people, const char *dir) {
    static struct filled x;
    const char *store = strcmp(url, "sqlite") ? url : NULL;
    x = (struct filled){.city = {.persons = people, .n_rounds = (swabs + people - 1) / people}};
    if (x.city.n_rounds > SAMPLED_ROUNDS) exit(64);
    must(sampling_new(&x.desk, &err), "desk");
    printf("%s\n", store ? "PostgreSQL" : "SQLite");
    if (bench_node_at(&x.node, dir, store, "covid-2022-v9", SAMPLED_START)) {
        x.city.ids = mem_alloc((size_t)people * sizeof *x.city.ids);
        if (!x.city.ids) exit(1);
        list_of(&x, "SELECT \"id\" FROM \"person\" ORDER BY \"id\"", x.city.ids, &x.city.persons, people);
        list_of(&x, "SELECT \"id\" FROM \"round\" ORDER BY \"id\"", x.city.rounds, &x.city.n_rounds, SAMPLED_ROUNDS);
        copy_rounds(&x, store, swabs);
    } else {
        write_all(&x, store, swabs);
    }
    int missed = asked(&x) + proved(&x) + missing_asked(&x);
    sampling_free(x.desk);
    sampled_free(&x.city);
    bench_node_drop(&x.node);
    return missed;
}

int main(int argc, char **argv) {
    static char list[2048];
    const char *env = argc > 3 ? argv[3] : getenv("TOCSIN_TEST_STORES");
    int64_t swabs = argc > 1 ? atoll(argv[1]) : 200000, people = argc > 2 ? atoll(argv[2]) : swabs / 10;
    int missed = 0;
    if (swabs < SAMPLED_TABLES || people < SAMPLED_TABLES) return 64;
    snprintf(list, sizeof list, "%s", env && *env ? env : "sqlite");
    for (char *save = NULL, *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) missed += run(word, swabs, people, argc > 4 ? argv[4] : NULL);
    return missed > 0;
}

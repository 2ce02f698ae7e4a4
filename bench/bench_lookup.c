/* The lookup beside what it took the place of: the same entries put in batches into a clustered table with random keys, then asked for. Processor time, per
 * entry; ratios belong to one run.
 * usage: bench_lookup [ENTRIES] [STORE] */
#include "bench.h"
#include "ledger/lookup_run.h"

enum { BATCH = 60000, ASKED = 20000, ONE_BY_ONE = 2000, TIMES_TARGET = 2 };

static uint64_t spread(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static struct lookup_entry entry(size_t i) {
    return lookup_entry_of(lookup_blind(BLIND_PHONE), (int64_t)spread(i), 1 + (int64_t)i);
}

static const struct db_table *tree(void) {
    static const struct db_column columns[] = {{"place", COLUMN_INT, true}, {"holder", COLUMN_INT, true}};
    static const struct db_table table = {.name = "bench_tree", .key = "place, holder", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

static int heard(void *arg, size_t asked, int64_t holder, struct error *e) {
    (void)asked, (void)holder, (void)e;
    (*(size_t *)arg)++;
    return 0;
}

static double put_runs(struct bench_node *n, size_t entries) {
    struct lookup_entry *e = malloc(BATCH * sizeof *e);
    double from = cpu_s();
    for (size_t done = 0; done < entries; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) e[i] = entry(done + i);
        must(ledger_begin(n->l, &err), "begin");
        must(lookup_add(n->l->lookup, n->l->db, e, BATCH, &err), "add");
        must(ledger_commit(n->l, n->s.now, &err), "commit");
    }
    free(e);
    return (cpu_s() - from) / (double)entries * 1e6;
}

static double put_tree(struct bench_node *n, size_t entries) {
    static const uint16_t columns[] = {0, 1};
    const struct db_table *tables[] = {tree()};
    struct value *rows = malloc(BATCH * 2 * sizeof *rows);
    must(db_migrate(n->l->db, tables, 1, true, NULL, &err), "table");
    double from = cpu_s();
    for (size_t done = 0; done < entries; done += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            struct lookup_entry e = entry(done + i);
            rows[2 * i] = value_int((int64_t)e.place);
            rows[2 * i + 1] = value_int((int64_t)e.holder);
        }
        must(db_begin(n->l->db, &err), "begin");
        must(db_batch(n->l->db, DB_INSERT, tree(), columns, 2, rows, BATCH, NULL, &err), "insert");
        must(db_commit(n->l->db, &err), "commit");
    }
    free(rows);
    return (cpu_s() - from) / (double)entries * 1e6;
}

/* In batches of ASKED, as an import does. */
static double ask(struct bench_node *n, size_t entries, bool there) {
    struct lookup_entry *e = malloc(ASKED * sizeof *e);
    size_t answers = 0;
    double from = cpu_s();
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 0; i < ASKED; i++) e[i] = entry(there ? spread(round * ASKED + i) % entries : entries + BATCH + round * ASKED + i);
        must(db_snapshot(n->l->db, &err), "snapshot");
        must(lookup_find_many(n->l->db, e, ASKED, 0, heard, &answers, &err), "find");
        db_snapshot_end(n->l->db);
    }
    if (answers != (there ? 5 * ASKED : 0)) exit(fprintf(stderr, "%zu answers\n", answers));
    free(e);
    return (cpu_s() - from) / (5.0 * ASKED) * 1e6;
}

static double ask_singly(struct bench_node *n, size_t entries) {
    struct arena a = {0};
    double from = cpu_s();
    for (size_t i = 0; i < ONE_BY_ONE; i++) {
        int64_t *ids = NULL;
        size_t k = 0;
        must(lookup_find(n->l->db, lookup_blind(BLIND_PHONE), (int64_t)spread(spread(i) % entries), 0, &a, &ids, &k, &err), "find");
        if (k != 1) exit(fprintf(stderr, "%zu answers\n", k));
    }
    arena_clear(&a);
    return (cpu_s() - from) / ONE_BY_ONE * 1e6;
}

int main(int argc, char **argv) {
    size_t entries = (argc > 1 ? (size_t)atoll(argv[1]) : 6000000) / BATCH * BATCH;
    struct bench_node n;
    bench_node_open(&n, argc > 2 ? argv[2] : NULL, NULL, 1653876000);
    db_bulk(n.l->db, true);
    double runs = put_runs(&n, entries), trees = put_tree(&n, entries);
    printf("  %zu entries in batches of %d: %.2f us each into runs, %.2f us into a clustered table\n", entries, BATCH, runs, trees);
    printf("  asked for %d at a time: %.2f us each that is not there, %.2f us each that is; one by one %.1f us\n", ASKED, ask(&n, entries, false), ask(&n, entries, true),
           ask_singly(&n, entries));
    db_bulk(n.l->db, false);
    int missed = bench_verdict("runs against random insertions, times as fast", trees / runs, "x", TIMES_TARGET, true);
    bench_node_drop(&n);
    return missed;
}

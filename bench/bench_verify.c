/* How fast the journal is proved: entries as an import makes them, the chain, the order and the signatures of every block. Beside it BLAKE2b over the
 * same bytes in one piece: the least that proving could cost.
 * usage: bench_verify [ENTRIES] */
#include <sodium.h>

#include "bench.h"

enum { TRANSACTION = 20000, TARGET = 500000 };

int main(int argc, char **argv) {
    int64_t entries = argc > 1 ? atoll(argv[1]) : 1000000;
    struct bench_node n;
    bench_node_open(&n, NULL, NULL, 1653876000);
    struct journal *j = &n.l->journal;
    db_bulk(n.l->db, true);
    for (int64_t made = 0; made < entries; made += TRANSACTION) {
        must(ledger_begin(n.l, &err), "begin");
        for (int64_t i = 0; i < TRANSACTION; i++) {
            struct buf cells = {0};
            for (size_t f = 0; f < 14; f++) journal_cells(&cells, 20 + f, f % 3 ? value_int(made + i) : value_str("浦东新区某路1500弄"));
            journal_cells_end(&cells);
            struct journal_entry e = {.at = n.s.now, .verb = JOURNAL_CREATE, .actor = TEXT("bench"), .reason = TEXT("import contacts.csv"), .reg = TEXT("contact"),
                                      .record = made + i, .version = 1, .import = 7, .after = buf_view(&cells)};
            must(journal_append(j, &e, NULL, &err), "append");
            buf_clear(&cells);
        }
        must(ledger_commit(n.l, n.s.now, &err), "commit");
    }
    db_bulk(n.l->db, false);
    struct journal_verdict v;
    double from = wall_s(), cpu = cpu_s();
    must(journal_verify(n.l->db, j->keys.public_key, true, NULL, NULL, &v, &err), "verify");
    double took = wall_s() - from, spent = cpu_s() - cpu;
    if (v.bad_seq) must(error_set(&err, E_CORRUPT, NULL, "%s", v.what), "verdict");

    size_t bytes = 240;
    unsigned char block[240] = {1}, head[32];
    from = wall_s();
    for (int64_t i = 0; i < v.entries; i++) crypto_generichash(head, sizeof head, block, bytes, NULL, 0);
    double least = wall_s() - from;
    printf("  %lld entries in %lld blocks: %.2f s, %.2f s of processor; BLAKE2b alone over as many entries of 240 bytes %.2f s: ratio %.2f\n", (long long)v.entries,
           (long long)v.blocks, took, spent, least, took / least);
    int missed = bench_verdict("verify, by processor time", (double)v.entries / spent, "entries/s", TARGET, true);
    bench_node_drop(&n);
    return missed;
}

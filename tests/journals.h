/* Journals to test on: entries that follow from their number, so that what comes back can be checked without
 * keeping it. */
#ifndef TOCSIN_TESTS_JOURNALS_H
#define TOCSIN_TESTS_JOURNALS_H

#include <sodium.h>

#include "ledger/journal_block.h"
#include "stores.h"

/* The node's keys and somebody else's; test_journal_keys makes them. */
static struct journal_keys keys, stranger;

static inline bool test_journal_keys(void) {
    struct error err = {0};
    return digest_init(&err) == 0 && crypto_sign_keypair(keys.public_key, keys.secret_key) == 0 &&
           crypto_sign_keypair(stranger.public_key, stranger.secret_key) == 0;
}

static inline struct journal_entry entry_of(int64_t i) {
    static char after[8][4096];
    struct buf cells = {0};
    journal_cells(&cells, (size_t)(i % 7), value_int(i * 1000 - 5));
    journal_cells(&cells, 9, value_str("隔离"));
    journal_cells_end(&cells);
    assert_int_equal(cells.failed, 0);
    char *slot = after[i % 8];
    memcpy(slot, cells.s, cells.n);
    struct text cell_text = {slot, cells.n};
    buf_clear(&cells);
    return (struct journal_entry){.at = 1650000000 + i,
                                  .verb = (int)(i % 22) + 1,
                                  .actor = TEXT("tracer-7"),
                                  .reason = TEXT("流调"),
                                  .reg = TEXT("contact"),
                                  .record = 5000 + i,
                                  .version = (int32_t)i,
                                  .previous = i > 3 ? i - 3 : 0,
                                  .import = i % 2 ? 77 : 0,
                                  .after = cell_text};
}

static inline struct db *fresh(size_t store) {
    struct db *db = NULL;
    struct error err = {0};
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
    const struct db_table *tables[] = {journal_table(), journal_tip_table()};
    struct buf plan = {0};
    assert_ok(db_migrate(db, tables, 2, true, &plan, &err), err);
    buf_clear(&plan);
    return db;
}

static inline void finish(struct db *db, size_t store) {
    db_close(db);
    test_store_drop(store);
}

/* One transaction of n entries. */
static inline void write_entries(struct journal *j, struct db *db, int n) {
    struct error err = {0};
    assert_ok(db_begin(db, &err), err);
    assert_ok(journal_begin(j, db, &err), err);
    for (int i = 0; i < n; i++) {
        struct journal_entry e = entry_of(j->next);
        int64_t expected = j->next, seq = 0;
        assert_ok(journal_append(j, &e, &seq, &err), err);
        assert_int_equal(seq, expected);
    }
    assert_ok(journal_flush(j, db, 1650000000, &err), err);
    assert_ok(db_commit(db, &err), err);
}

static inline struct journal_verdict verdict(struct db *db, bool all) {
    struct journal_verdict v = {0};
    struct error err = {0};
    assert_ok(journal_verify(db, keys.public_key, all, NULL, NULL, &v, &err), err);
    return v;
}

static inline void same_entry(const struct journal_entry *a, const struct journal_entry *b) {
    assert_true(a->at == b->at && a->verb == b->verb && a->record == b->record && a->version == b->version &&
                a->previous == b->previous && a->import == b->import);
    assert_true(text_eq(a->actor, b->actor) && text_eq(a->reason, b->reason) &&
                text_eq(a->purpose, b->purpose) && text_eq(a->reg, b->reg) && text_eq(a->before, b->before) &&
                text_eq(a->after, b->after));
}

/* A visitor of journal_scan. */
struct seen {
    int64_t next, n, stop;
};

static inline int look(const struct journal_entry *e, void *arg) {
    struct seen *seen = arg;
    struct journal_entry expected = entry_of(e->seq);
    if (seen->n++ == 0) seen->next = e->seq;
    assert_int_equal(e->seq, seen->next++);
    same_entry(&expected, e);
    return seen->stop && e->seq == seen->stop ? 1 : 0;
}

#endif

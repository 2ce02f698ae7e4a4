#include "check.h"
#include "stores.h"

#include <sodium.h>

#include "ledger/journal_block.h"

static struct journal_keys keys, stranger;

/* ---- writing test journals */

static struct journal_entry entry_of(int64_t i) {
    static char after[8][4096];
    struct buf cells = {0};
    journal_cells(&cells, (size_t)(i % 7), value_int(i * 1000 - 5));
    journal_cells(&cells, 9, value_str("隔离"));
    journal_cells_end(&cells);
    char *slot = after[i % 8];
    memcpy(slot, cells.s, cells.n);
    struct text cell_text = {slot, cells.n};
    buf_clear(&cells);
    return (struct journal_entry){.at = 1650000000 + i, .verb = (int)(i % 22) + 1, .actor = TEXT("tracer-7"), .reason = TEXT("流调"),
                                  .reg = TEXT("contact"), .record = 5000 + i, .version = (int32_t)i, .previous = i > 3 ? i - 3 : 0,
                                  .import = i % 2 ? 77 : 0, .after = cell_text};
}

static struct db *fresh(size_t store) {
    struct db *db = NULL;
    struct error err = {0};
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
    const struct db_table *tables[] = {journal_table(), journal_tip_table()};
    struct buf plan = {0};
    assert_ok(db_migrate(db, tables, 2, true, &plan, &err), err);
    buf_clear(&plan);
    return db;
}

static void finish(struct db *db, size_t store) {
    db_close(db);
    test_store_drop(store);
}

/* One transaction of n entries. */
static void write_entries(struct journal *j, struct db *db, int n) {
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

static struct journal_verdict verdict(struct db *db, bool all) {
    struct journal_verdict v = {0};
    struct error err = {0};
    assert_ok(journal_verify(db, keys.public_key, all, NULL, NULL, &v, &err), err);
    return v;
}

static void same_entry(const struct journal_entry *a, const struct journal_entry *b) {
    assert_true(a->at == b->at && a->verb == b->verb && a->record == b->record && a->version == b->version &&
                a->previous == b->previous && a->import == b->import);
    assert_true(text_eq(a->actor, b->actor) && text_eq(a->reason, b->reason) && text_eq(a->purpose, b->purpose) &&
                text_eq(a->reg, b->reg) && text_eq(a->before, b->before) && text_eq(a->after, b->after));
}

/* ---- cells and entries */

static void damaged_cells_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"\x01", "\x01\x02", "\x01\x03\x05"
                                                          "ab",
                                      "\x01\x09", "\x01\x01", "\x80", "\x01\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x01\x02\x80",
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t pos = 0, field;
        struct value v;
        struct error err = {0};
        int rc = 1;
        while (rc > 0) rc = journal_cells_next(text_of(bad[i]), &pos, &field, &v, &err);
        if (rc != E_CORRUPT || err.code != E_CORRUPT) fail_msg("cells %zu: %d", i, rc);
    }
    size_t pos = 0, field;
    struct value v;
    assert_int_equal(journal_cells_next(TEXT(""), &pos, &field, &v, NULL), 0);
    assert_int_equal(journal_cells_next((struct text){"\0x", 2}, &pos, &field, &v, NULL), E_CORRUPT); /* something behind the end */
}

static void cells_come_back(void **state) {
    (void)state;
    struct buf b = {0};
    struct value in[] = {value_int(0), value_int(-1), value_int(INT64_MIN), value_int(INT64_MAX), value_null(), value_str(""),
                         value_str("张"), value_blob("\0\1\2", 3)};
    assert_int_equal(journal_cells(&b, 3, (struct value){0}), 0);
    assert_int_equal(b.n, 0);
    for (size_t i = 0; i < 8; i++) assert_int_equal(journal_cells(&b, i * 100, in[i]), 0);
    journal_cells_end(&b);
    size_t pos = 0, field;
    struct value v;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(journal_cells_next(buf_view(&b), &pos, &field, &v, NULL), 1);
        assert_int_equal(field, i * 100);
        assert_int_equal(v.kind, in[i].kind);
        assert_true(value_eq(v, in[i]));
    }
    assert_int_equal(journal_cells_next(buf_view(&b), &pos, &field, &v, NULL), 0);
    /* cut short anywhere, the rest is damaged */
    for (size_t n = 1; n < b.n; n++) {
        int rc = 1;
        for (pos = 0; rc > 0;) rc = journal_cells_next((struct text){b.s, n}, &pos, &field, &v, NULL);
        assert_int_equal(rc, E_CORRUPT);
    }
    buf_clear(&b);
}

static void damaged_entries_never_crash(void **state) {
    (void)state;
    struct buf b = {0};
    struct journal_entry e = entry_of(12), back;
    assert_int_equal(entry_encode(&e, 12, &b), 0);
    assert_int_equal(entry_decode(buf_view(&b), &back), 0);
    same_entry(&e, &back);
    assert_int_equal(back.seq, 12);
    for (size_t n = 0; n < b.n; n++) assert_int_equal(entry_decode((struct text){b.s, n}, &back), E_CORRUPT);
    for (size_t i = 0; i < b.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            b.s[i] ^= (char)(1 << bit);
            entry_decode(buf_view(&b), &back);
            b.s[i] ^= (char)(1 << bit);
        }
    buf_char(&b, 'x');
    assert_int_equal(entry_decode(buf_view(&b), &back), E_CORRUPT);
    buf_clear(&b);
}

/* ---- order of calls */

static void calls_out_of_turn_are_refused(void **state) {
    (void)state;
    struct journal j = {.keys = keys};
    struct journal_entry e = entry_of(1);
    struct error err = {0};
    assert_int_equal(journal_append(&j, &e, NULL, NULL), E_USAGE);
    assert_int_equal(journal_flush(&j, NULL, 0, NULL), E_USAGE);
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        assert_ok(db_begin(db, &err), err);
        assert_ok(journal_begin(&j, db, &err), err);
        assert_int_equal(journal_begin(&j, db, NULL), E_USAGE);
        journal_abandon(&j);
        db_rollback(db);
        struct arena a = {0};
        assert_int_equal(journal_read(db, 1, &a, &e, NULL), E_UNKNOWN);
        arena_clear(&a);
        /* nothing appended: nothing written */
        write_entries(&j, db, 0);
        struct journal_verdict v = verdict(db, true);
        assert_true(v.bad_seq == 0 && v.entries == 0 && v.blocks == 0);
        finish(db, s);
    }
    journal_clear(&j);
    journal_clear(NULL);
}

struct seen {
    int64_t next, n, stop;
};

static int look(const struct journal_entry *e, void *arg) {
    struct seen *seen = arg;
    struct journal_entry expected = entry_of(e->seq);
    if (seen->n++ == 0) seen->next = e->seq;
    assert_int_equal(e->seq, seen->next++);
    same_entry(&expected, e);
    return seen->stop && e->seq == seen->stop ? 1 : 0;
}

static int refuse(const struct journal_entry *e, void *arg) {
    return E_BUSY;
}

static void what_was_written_is_read(void **state) {
    (void)state;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct error err = {0};
        struct journal j = {.keys = keys};
        int sizes[] = {1, 10, 0, 3, 12000, 1, 5};
        int64_t total = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            write_entries(&j, db, sizes[i]);
            total += sizes[i];
        }
        struct journal_verdict v = verdict(db, true);
        if (v.bad_seq) fail_msg("%s", v.what);
        assert_int_equal(v.entries, total);
        assert_true(v.blocks > 8); /* 12,000 entries are more than one block */
        assert_memory_equal(v.head, j.head, DIGEST_BYTES);
        struct arena a = {0};
        int64_t some[] = {1, 2, 11, 12, 14, 15, 3000, 3001, 12014, 12015, total};
        for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
            struct journal_entry e, expected = entry_of(some[i]);
            assert_ok(journal_read(db, some[i], &a, &e, &err), err);
            assert_int_equal(e.seq, some[i]);
            same_entry(&expected, &e);
        }
        struct journal_entry untouched = {.seq = -7};
        int64_t none[] = {0, -1, total + 1, INT64_MAX, INT64_MIN};
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
            assert_int_equal(journal_read(db, none[i], &a, &untouched, NULL), E_UNKNOWN);
        assert_int_equal(untouched.seq, -7);
        int64_t ranges[][2] = {{1, total + 1}, {0, INT64_MAX}, {5, 5}, {5, 6}, {12, 3002}, {total, total + 1}, {total + 1, total + 9}, {9, 3}};
        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
            struct seen seen = {0};
            assert_ok(journal_scan(db, ranges[i][0], ranges[i][1], look, &seen, &err), err);
            int64_t from = ranges[i][0] < 1 ? 1 : ranges[i][0], to = ranges[i][1] > total + 1 ? total + 1 : ranges[i][1];
            assert_int_equal(seen.n, to > from ? to - from : 0);
            if (seen.n) assert_int_equal(seen.next, to);
        }
        struct seen seen = {.stop = 20};
        assert_ok(journal_scan(db, 15, 100, look, &seen, &err), err);
        assert_int_equal(seen.n, 6);
        assert_int_equal(journal_scan(db, 15, 100, refuse, NULL, NULL), E_BUSY);
        arena_clear(&a);
        journal_clear(&j);
        finish(db, s);
    }
}

static void going_back_leaves_no_trace(void **state) {
    (void)state;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct error err = {0};
        struct journal j = {.keys = keys};
        struct rng r;
        rng_seed(&r, 5);
        for (int round = 0; round < 12; round++) {
            assert_ok(db_begin(db, &err), err);
            assert_ok(journal_begin(&j, db, &err), err);
            struct journal_mark marks[40];
            int64_t n = 0;
            for (int i = 0; i < 40; i++) {
                marks[i] = journal_mark(&j);
                for (uint64_t k = rng_below(&r, 400); k > 0; k--, n++) {
                    struct journal_entry e = entry_of(j.next);
                    assert_ok(journal_append(&j, &e, NULL, &err), err);
                }
                if (rng_below(&r, 3) == 0) journal_back(&j, &marks[i - (int)rng_below(&r, (uint64_t)i + 1)]);
            }
            if (round % 4 == 3) { /* a whole transaction that is lost */
                journal_abandon(&j);
                db_rollback(db);
                continue;
            }
            assert_ok(journal_flush(&j, db, 1, &err), err);
            if (round % 4 == 2)
                db_rollback(db); /* lost after the flush */
            else
                assert_ok(db_commit(db, &err), err);
        }
        struct journal_verdict v = verdict(db, true);
        if (v.bad_seq) fail_msg("%s", v.what);
        struct seen seen = {0};
        assert_ok(journal_scan(db, 1, INT64_MAX, look, &seen, &err), err);
        assert_int_equal(seen.n, v.entries);
        assert_true(v.entries > 1000);
        journal_clear(&j);
        finish(db, s);
    }
}

/* ---- attacks: each is done inside a transaction that is rolled back, so that all meet the same journal */

static void run(struct db *db, const char *sql, const struct value *params, size_t n) {
    struct error err = {0};
    int64_t changes = 0;
    assert_ok(db_run(db, sql, params, n, &changes, &err), err);
    assert_true(changes > 0);
}

static struct text block_bytes(struct db *db, struct arena *a, int64_t first) {
    struct value v, key = value_int(first);
    struct error err = {0};
    assert_ok(db_scalar(db, a, "SELECT \"bytes\" FROM \"journal\" WHERE \"first\" = ?1", &key, 1, &v, &err), err);
    assert_int_equal(v.kind, VALUE_BLOB);
    return value_view(v);
}

static void set_bytes(struct db *db, int64_t first, struct text bytes) {
    struct value params[] = {value_blob(bytes.s, bytes.n), value_int(first)};
    run(db, "UPDATE \"journal\" SET \"bytes\" = ?1 WHERE \"first\" = ?2", params, 2);
}

/* Byte ranges of the entries of a block. */
static size_t spans(struct text bytes, size_t at[], size_t max) {
    struct text payload;
    const unsigned char *hash;
    size_t pos = 0, n = 0;
    while (n < max && block_next(bytes, &pos, &payload, &hash) == 1) {
        if (n == 0) at[n++] = 1;
        at[n++] = pos;
    }
    return n;
}

/* blocks: 1..10, 11..20, ... 91..100 */
static void alter_byte(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    assert_int_equal(spans(b, at, 12), 11);
    ((char *)b.s)[at[4] + 30] ^= 1; /* inside entry 45 */
    set_bytes(db, 41, b);
}

static void alter_number(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    ((char *)b.s)[at[4] + 4] = 99; /* entry 45 says it is 99 */
    set_bytes(db, 41, b);
}

static void alter_hash(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    ((char *)b.s)[at[5] - 1] ^= 1; /* the stored hash of entry 45 */
    set_bytes(db, 41, b);
}

static void alter_length(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    ((char *)b.s)[at[4] + 2] = 0x7f;
    set_bytes(db, 41, b);
}

static void remove_inside(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    memmove((char *)b.s + at[4], b.s + at[6], b.n - at[6]); /* 45 and 46 */
    set_bytes(db, 41, (struct text){b.s, b.n - (at[6] - at[4])});
}

static void remove_first(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    memmove((char *)b.s + at[0], b.s + at[1], b.n - at[1]);
    set_bytes(db, 41, (struct text){b.s, b.n - (at[1] - at[0])});
}

static void remove_last(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    set_bytes(db, 41, (struct text){b.s, at[9]});
}

static void remove_last_and_count(struct db *db, struct arena *a) {
    remove_last(db, a);
    run(db, "UPDATE \"journal\" SET \"n\" = 9 WHERE \"first\" = 41", NULL, 0);
}

static void swap_entries(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41), copy = arena_text(a, b);
    size_t at[12];
    spans(b, at, 12);
    size_t one = at[5] - at[4], two = at[6] - at[5];
    memcpy((char *)copy.s + at[4], b.s + at[5], two);
    memcpy((char *)copy.s + at[4] + two, b.s + at[4], one);
    set_bytes(db, 41, copy);
}

static void repeat_entry(struct db *db, struct arena *a) {
    struct text b = block_bytes(db, a, 41);
    size_t at[12];
    spans(b, at, 12);
    struct buf more = {0};
    buf_add(&more, b.s, at[5]);
    buf_add(&more, b.s + at[4], b.n - at[4]);
    set_bytes(db, 41, buf_view(&more));
    buf_clear(&more);
}

static void remove_block(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\" WHERE \"first\" = 41", NULL, 0);
}

static void remove_blocks(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\" WHERE \"first\" IN (41, 51)", NULL, 0);
}

static void remove_start(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\" WHERE \"first\" < 21", NULL, 0);
}

static void swap_blocks(struct db *db, struct arena *a) {
    struct text one = block_bytes(db, a, 41), two = block_bytes(db, a, 51);
    set_bytes(db, 41, two);
    set_bytes(db, 51, one);
}

static void swap_block_rows(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"first\" = -1 WHERE \"first\" = 41", NULL, 0);
    run(db, "UPDATE \"journal\" SET \"first\" = 41 WHERE \"first\" = 51", NULL, 0);
    run(db, "UPDATE \"journal\" SET \"first\" = 51 WHERE \"first\" = -1", NULL, 0);
}

static void renumber_block(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"first\" = 43 WHERE \"first\" = 41", NULL, 0);
}

static void cut_tail(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\" WHERE \"first\" > 80", NULL, 0);
}

static void cut_tail_and_tip(struct db *db, struct arena *a) {
    cut_tail(db, a);
    run(db, "DELETE FROM \"journal_tip\"", NULL, 0);
}

/* The tip is given what the last block left says, with that block's signature. */
static void cut_tail_and_forge_tip(struct db *db, struct arena *a) {
    cut_tail(db, a);
    run(db,
        "UPDATE \"journal_tip\" SET \"next\" = 81, \"head\" = (SELECT \"head\" FROM \"journal\" WHERE \"first\" = 71), \"signature\" = "
        "(SELECT \"signature\" FROM \"journal\" WHERE \"first\" = 71)",
        NULL, 0);
}

static void remove_everything(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\"", NULL, 0);
}

static void swap_signature(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"signature\" = (SELECT j.\"signature\" FROM \"journal\" j WHERE j.\"first\" = 51) WHERE \"first\" = 41",
        NULL, 0);
}

static void swap_last_signature(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"signature\" = (SELECT j.\"signature\" FROM \"journal\" j WHERE j.\"first\" = 51) WHERE \"first\" = 91",
        NULL, 0);
}

static void short_signature(struct db *db, struct arena *a) {
    struct value v = value_blob("x", 1);
    run(db, "UPDATE \"journal\" SET \"signature\" = ?1 WHERE \"first\" = 41", &v, 1);
}

static void alter_instant(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"at\" = \"at\" - 86400 WHERE \"first\" = 41", NULL, 0);
}

static void alter_count(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"n\" = 8 WHERE \"first\" = 41", NULL, 0);
}

static void alter_head(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal\" SET \"head\" = (SELECT j.\"head\" FROM \"journal\" j WHERE j.\"first\" = 51) WHERE \"first\" = 41", NULL, 0);
}

static void empty_block(struct db *db, struct arena *a) {
    set_bytes(db, 41, TEXT(""));
}

static void alter_tip(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal_tip\" SET \"next\" = 91", NULL, 0);
}

/* Somebody with a pen but no key writes the journal anew from block `from` on: every hash and head fits, no signature does. */
static void rewrite(struct db *db, struct arena *a, int64_t from) {
    unsigned char head[DIGEST_BYTES] = {0};
    for (int64_t first = 1; first < 100; first += 10) {
        struct text b = block_bytes(db, a, first), payload;
        const unsigned char *hash;
        for (size_t pos = 0; block_next(b, &pos, &payload, &hash) == 1;) {
            if (first >= from) ((char *)payload.s)[payload.n - 2] ^= 1;
            chain_step(head, payload);
            memcpy((unsigned char *)(uintptr_t)hash, head, BLOCK_HASH);
        }
        if (first < from) continue;
        unsigned char message[BLOCK_MESSAGE], signature[64];
        block_message(first, 10, 1650000000, head, message);
        crypto_sign_detached(signature, NULL, message, sizeof message, stranger.secret_key);
        struct value params[] = {value_blob(b.s, b.n), value_blob(head, sizeof head), value_blob(signature, 64), value_int(first)};
        run(db, "UPDATE \"journal\" SET \"bytes\" = ?1, \"head\" = ?2, \"signature\" = ?3 WHERE \"first\" = ?4", params, 4);
    }
    unsigned char message[BLOCK_MESSAGE], signature[64];
    tip_message(101, head, message);
    crypto_sign_detached(signature, NULL, message, sizeof message, stranger.secret_key);
    struct value params[] = {value_blob(head, sizeof head), value_blob(signature, 64)};
    run(db, "UPDATE \"journal_tip\" SET \"head\" = ?1, \"signature\" = ?2", params, 2);
}

static void rewrite_from_41(struct db *db, struct arena *a) {
    rewrite(db, a, 41);
}

static void rewrite_all(struct db *db, struct arena *a) {
    rewrite(db, a, 1);
}

static const struct attack {
    void (*run)(struct db *db, struct arena *a);
    int64_t bad_seq;
    const char *what;
    bool only_all; /* seen only when every signature is checked */
} attacks[] = {
    {alter_byte, 45, "entry 45 was altered", false},
    {alter_number, 45, "entry 45 was altered", false},
    {alter_hash, 45, "entry 45 was altered", false},
    {alter_length, 45, "entry 45 is damaged", false},
    {remove_inside, 45, "entries 45..46 are missing", false},
    {remove_first, 41, "entry 41 is missing", false},
    {remove_last, 50, "entry 50 is missing", false},
    {remove_last_and_count, 41, "head does not follow", false},
    {swap_entries, 45, "entry 45 is out of order", false},
    {repeat_entry, 46, "entry 46 is out of order", false},
    {remove_block, 41, "entries 41..50 are missing", false},
    {remove_blocks, 41, "entries 41..60 are missing", false},
    {remove_start, 1, "entries 1..20 are missing", false},
    {swap_blocks, 41, "entries 41..50 are missing", false},
    {swap_block_rows, 41, "entries 41..50 are missing", false},
    {renumber_block, 41, "renumbered", false},
    {cut_tail, 81, "entries 81..100 are missing", false},
    {cut_tail_and_tip, 81, "tip is missing", false},
    {cut_tail_and_forge_tip, 81, "signature of the tip is wrong", false},
    {remove_everything, 1, "entries 1..100 are missing", false},
    {swap_signature, 41, "signature of block 41 is wrong", true},
    {swap_last_signature, 91, "signature of block 91 is wrong", false},
    {short_signature, 41, "row of the block", false},
    {alter_instant, 41, "signature of block 41 is wrong", true},
    {alter_count, 49, "more entries", false},
    {alter_head, 41, "head does not follow", false},
    {empty_block, 41, "entry 41 is damaged", false},
    {alter_tip, 101, "signature of the tip is wrong", false},
    {rewrite_from_41, 41, "signature of block 41 is wrong", false},
    {rewrite_all, 1, "signature of block 1 is wrong", false},
};

static void every_attack_is_named(void **state) {
    (void)state;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct error err = {0};
        struct journal j = {.keys = keys};
        for (int i = 0; i < 10; i++) write_entries(&j, db, 10);
        for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
            struct arena a = {0};
            assert_ok(db_begin(db, &err), err);
            attacks[i].run(db, &a);
            for (int all = 0; all < 2; all++) {
                struct journal_verdict v = verdict(db, all);
                bool expected = all || !attacks[i].only_all;
                if (v.bad_seq != (expected ? attacks[i].bad_seq : 0) || (expected && !strstr(v.what, attacks[i].what)))
                    fail_msg("attack %zu (%s), all %d: %lld %s", i, attacks[i].what, all, (long long)v.bad_seq, v.what);
            }
            db_rollback(db);
            arena_clear(&a);
        }
        assert_int_equal(verdict(db, true).bad_seq, 0);
        /* another key signs nothing here */
        struct journal_verdict v;
        assert_ok(journal_verify(db, stranger.public_key, false, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 1);
        journal_clear(&j);
        finish(db, s);
    }
}

static void nothing_is_added_to_a_cut_journal(void **state) {
    (void)state;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct journal j = {.keys = keys};
        struct error err = {0};
        for (int i = 0; i < 10; i++) write_entries(&j, db, 10);
        void (*const cuts[])(struct db *, struct arena *) = {cut_tail, cut_tail_and_tip, cut_tail_and_forge_tip, remove_everything,
                                                             alter_tip, rewrite_from_41};
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            struct arena a = {0};
            assert_ok(db_begin(db, &err), err);
            cuts[i](db, &a);
            if (journal_begin(&j, db, NULL) != E_CORRUPT) fail_msg("cut %zu went unseen", i);
            assert_false(j.open);
            db_rollback(db);
            arena_clear(&a);
        }
        write_entries(&j, db, 1);
        /* another process, which has signed nothing yet, follows a good tip and no other key's */
        struct journal other = {.keys = keys}, thief = {.keys = stranger};
        write_entries(&other, db, 1);
        assert_ok(db_begin(db, &err), err);
        assert_int_equal(journal_begin(&thief, db, NULL), E_CORRUPT);
        db_rollback(db);
        assert_int_equal(verdict(db, true).entries, 102);
        journal_clear(&j);
        journal_clear(&other);
        journal_clear(&thief);
        finish(db, s);
    }
}

static void damaged_blocks_are_corrupt_to_readers(void **state) {
    (void)state;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct journal j = {.keys = keys};
        struct error err = {0};
        for (int i = 0; i < 6; i++) write_entries(&j, db, 10);
        void (*const damages[])(struct db *, struct arena *) = {alter_number, alter_length, empty_block, remove_inside};
        for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
            struct arena a = {0};
            struct journal_entry e;
            struct seen seen = {0};
            assert_ok(db_begin(db, &err), err);
            damages[i](db, &a);
            assert_int_equal(journal_read(db, 45, &a, &e, NULL), E_CORRUPT);
            assert_int_equal(journal_scan(db, 40, 60, look, &seen, NULL), E_CORRUPT);
            db_rollback(db);
            arena_clear(&a);
        }
        journal_clear(&j);
        finish(db, s);
    }
}

/* ---- limits */

static void huge_entries(void **state) {
    (void)state;
    struct db *db = fresh(0);
    struct journal j = {.keys = keys};
    struct error err = {0};
    struct arena a = {0};
    size_t n = (size_t)JOURNAL_ENTRY_MAX + 1;
    char *big = mem_alloc(n);
    assert_non_null(big);
    struct journal_entry e = {.verb = JOURNAL_ADOPT, .after = {big, n}};
    assert_ok(db_begin(db, &err), err);
    assert_ok(journal_begin(&j, db, &err), err);
    assert_int_equal(journal_append(&j, &e, NULL, NULL), E_TOO_LARGE);
    assert_true(j.next == 1 && j.block.n == 0);
    e.after.n = 3 << 20;
    memset(big, 'y', n);
    for (int i = 0; i < 3; i++) assert_ok(journal_append(&j, &e, NULL, &err), err);
    assert_ok(journal_flush(&j, db, 1, &err), err);
    assert_ok(db_commit(db, &err), err);
    assert_true(j.block.cap < (16 << 20));
    assert_ok(journal_read(db, 2, &a, &e, &err), err);
    assert_int_equal(e.after.n, 3 << 20);
    struct journal_verdict v = verdict(db, true);
    assert_true(v.bad_seq == 0 && v.blocks == 3);
    mem_free(big);
    arena_clear(&a);
    journal_clear(&j);
    finish(db, 0);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct db *db = fresh(0);
    struct journal j = {.keys = keys};
    struct error err = {0};
    write_entries(&j, db, 3000);
    journal_clear(&j);
    j.keys = keys;
    bool failed = true;
    for (long n = 1; failed && n < 500; n++) {
        assert_ok(db_begin(db, &err), err);
        struct arena a = {0};
        struct journal_entry e = entry_of(7), got = {0};
        struct journal_verdict v = {0};
        struct error mine = {0};
        mem_fail_at(n, false);
        int rc = journal_begin(&j, db, &mine);
        struct journal_mark before = journal_mark(&j);
        if (!rc) rc = journal_append(&j, &e, NULL, &mine);
        if (rc && j.open) assert_true(j.block.n == before.n && j.next == before.next && !j.block.failed);
        if (!rc) rc = journal_flush(&j, db, 1, &mine);
        if (!rc) rc = journal_read(db, 2999, &a, &got, &mine);
        if (!rc) rc = journal_verify(db, keys.public_key, true, NULL, NULL, &v, &mine);
        mem_fail_at(0, false);
        failed = rc != 0;
        if (failed) assert_true(rc == E_MEMORY && mine.code == E_MEMORY);
        if (!failed) assert_int_equal(v.bad_seq, 0);
        if (j.open) journal_abandon(&j);
        journal_clear(&j);
        j.keys = keys;
        db_rollback(db);
        arena_clear(&a);
    }
    assert_false(failed);
    assert_int_equal(verdict(db, true).entries, 3000);
    journal_clear(&j);
    finish(db, 0);
}

/* Printed, and held loosely so that a sanitizer build passes. */
static void speed(void **state) {
    (void)state;
    static char cells[160];
    for (size_t i = 0; i < sizeof cells; i++) cells[i] = (char)i;
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct journal j = {.keys = keys};
        struct error err = {0};
        int64_t appending = 0, flushing = 0;
        int transactions = 20, each = 10000;
        if (getenv("TOCSIN_BENCH")) transactions = 100;
        for (int t = 0; t < transactions; t++) {
            assert_ok(db_begin(db, &err), err);
            assert_ok(journal_begin(&j, db, &err), err);
            int64_t t0 = monotonic_ns();
            for (int i = 0; i < each; i++) {
                struct journal_entry e = {.at = 1650000000, .verb = JOURNAL_CREATE, .actor = TEXT("tracer-7"), .reg = TEXT("contact"),
                                          .record = i, .version = 1, .import = 5, .after = {cells, sizeof cells}};
                journal_append(&j, &e, NULL, &err);
            }
            int64_t t1 = monotonic_ns();
            assert_ok(journal_flush(&j, db, 1650000000, &err), err);
            assert_ok(db_commit(db, &err), err);
            appending += t1 - t0;
            flushing += monotonic_ns() - t1;
        }
        int64_t n = (int64_t)transactions * each;
        int64_t t0 = monotonic_ns();
        struct journal_verdict v = verdict(db, true);
        int64_t took = monotonic_ns() - t0;
        assert_int_equal(v.entries, n);
        assert_int_equal(v.bad_seq, 0);
        t0 = monotonic_ns();
        struct arena a = {0};
        struct journal_entry e;
        for (int i = 0; i < 200; i++) assert_ok(journal_read(db, 1 + (i * 7919) % n, &a, &e, &err), err);
        int64_t reading = (monotonic_ns() - t0) / 200;
        arena_clear(&a);
        print_message("%s: append %lld ns, flush and commit %lld ns an entry; verify %.0f entries/s; read %lld us\n",
                      test_store_is_pg(s) ? "PostgreSQL" : "SQLite", (long long)(appending / n), (long long)(flushing / n),
                      1e9 * (double)n / (double)took, (long long)reading / 1000);
        journal_clear(&j);
        finish(db, s);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    crypto_sign_keypair(keys.public_key, keys.secret_key);
    crypto_sign_keypair(stranger.public_key, stranger.secret_key);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_cells_are_refused),
        cmocka_unit_test(cells_come_back),
        cmocka_unit_test(damaged_entries_never_crash),
        cmocka_unit_test(calls_out_of_turn_are_refused),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(going_back_leaves_no_trace),
        cmocka_unit_test(every_attack_is_named),
        cmocka_unit_test(nothing_is_added_to_a_cut_journal),
        cmocka_unit_test(damaged_blocks_are_corrupt_to_readers),
        cmocka_unit_test(huge_entries),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

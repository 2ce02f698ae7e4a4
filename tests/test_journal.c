#include "check.h"
#include "journals.h"

/* ---- cells and entries */

static void damaged_cells_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"\x01",
                                      "\x01\x02",
                                      ("\x01\x03\x05"
                                       "ab"),
                                      "\x01\x09",
                                      "\x01\x01",
                                      "\x80",
                                      "\x01\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                                      "\x01\x02\x80",
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
    assert_int_equal(journal_cells_next((struct text){"\0x", 2}, &pos, &field, &v, NULL),
                     E_CORRUPT); /* something behind the end */
}

static void cells_come_back(void **state) {
    (void)state;
    struct buf b = {0};
    struct value in[] = {value_int(0), value_int(-1), value_int(INT64_MIN), value_int(INT64_MAX),
                         value_null(), value_str(""), value_str("张"),      value_blob("\0\1\2", 3)};
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
    /* an entry of old ends before its region */
    size_t old = b.n - 1;
    buf_reset(&b);
    e.region = TEXT("310115");
    assert_int_equal(entry_encode(&e, 12, &b), 0);
    assert_int_equal(entry_decode(buf_view(&b), &back), 0);
    assert_true(text_is(back.region, "310115"));
    for (size_t n = 0; n < b.n; n++) assert_int_equal(entry_decode((struct text){b.s, n}, &back), n == old ? 0 : E_CORRUPT);
    assert_int_equal(entry_decode((struct text){b.s, old}, &back), 0);
    assert_int_equal(back.region.n, 0);
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
        int64_t ranges[][2] = {{1, total + 1},     {0, INT64_MAX},         {5, 5}, {5, 6}, {12, 3002},
                               {total, total + 1}, {total + 1, total + 9}, {9, 3}};
        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
            struct seen seen = {0};
            assert_ok(journal_scan(db, ranges[i][0], ranges[i][1], look, &seen, &err), err);
            int64_t from = ranges[i][0] < 1 ? 1 : ranges[i][0],
                    to = ranges[i][1] > total + 1 ? total + 1 : ranges[i][1];
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

/* Whatever happens while a thread makes the chain of what was appended: the journal is the one that would have been made without it. */
static void a_chain_made_ahead_is_the_same(void **state) {
    (void)state;
    enum { FLUSHED, MORE, BACK, TWICE, ABANDONED, CASES };
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct error err = {0};
        struct journal j = {.keys = keys};
        for (int what = FLUSHED; what < CASES; what++) {
            assert_ok(db_begin(db, &err), err);
            assert_ok(journal_begin(&j, db, &err), err);
            struct journal_mark mark = {0};
            for (int i = 0; i < 24000; i++) {
                struct journal_entry e = entry_of(j.next);
                if (i == 18000) mark = journal_mark(&j);
                assert_ok(journal_append(&j, &e, NULL, &err), err);
                if (what == TWICE && i == 23000) journal_ahead(&j);
            }
            assert_true(j.block.n > 1 << 20); /* enough for a thread */
            journal_ahead(&j);
            if (what == BACK) journal_back(&j, &mark);
            struct journal_entry e = entry_of(j.next);
            if (what == MORE || what == BACK) assert_ok(journal_append(&j, &e, NULL, &err), err);
            if (what == ABANDONED) {
                journal_abandon(&j);
                db_rollback(db);
                continue;
            }
            assert_ok(journal_flush(&j, db, 1650000000, &err), err);
            assert_ok(db_commit(db, &err), err);
        }
        struct journal_verdict v = verdict(db, true);
        if (v.bad_seq) fail_msg("%s", v.what);
        assert_int_equal(v.entries, 24000 + 24001 + 18001 + 24000);
        struct seen seen = {0};
        assert_ok(journal_scan(db, 1, INT64_MAX, look, &seen, &err), err);
        assert_int_equal(seen.n, v.entries);
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
                struct journal_entry e = {.at = 1650000000,
                                          .verb = JOURNAL_CREATE,
                                          .actor = TEXT("tracer-7"),
                                          .reg = TEXT("contact"),
                                          .record = i,
                                          .version = 1,
                                          .import = 5,
                                          .after = {cells, sizeof cells}};
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
        print_message(
            "%s: append %lld ns, flush and commit %lld ns an entry; verify %.0f entries/s; read %lld us\n",
            test_store_is_pg(s) ? "PostgreSQL" : "SQLite", (long long)(appending / n),
            (long long)(flushing / n), 1e9 * (double)n / (double)took, (long long)reading / 1000);
        journal_clear(&j);
        finish(db, s);
    }
}

/* Whatever the clock did: every entry between since and until lies in the window, and one that only went forward leaves it narrow. */
static void a_window_of_time_holds_its_entries(void **state) {
    (void)state;
    static const instant clocks[2][6] = {{100, 200, 300, 400, 500, 600}, {300, 100, 600, 200, 200, 500}};
    for (size_t s = 0; s < 2 * test_stores(); s++) {
        struct db *db = fresh(s / 2);
        struct error err = {0};
        struct journal j = {.keys = keys};
        const instant *clock = clocks[s % 2];
        instant at[13] = {0};
        for (size_t i = 0; i < 6; i++) {
            assert_ok(db_begin(db, &err), err);
            assert_ok(journal_begin(&j, db, &err), err);
            for (int64_t k = 0; k < 2; k++) {
                struct journal_entry e = entry_of(j.next);
                int64_t seq = 0;
                e.at = clock[i] + 10 * k;
                assert_ok(journal_append(&j, &e, &seq, &err), err);
                at[seq] = e.at;
            }
            assert_ok(journal_flush(&j, db, clock[i], &err), err);
            assert_ok(db_commit(db, &err), err);
        }
        for (instant since = 50; since < 700; since += 55)
            for (instant until = since; until < 700; until += 55) {
                int64_t from = 0, to = 0;
                assert_ok(journal_window(db, since, until, &from, &to, &err), err);
                for (int64_t seq = 1; seq <= 12; seq++)
                    if (at[seq] >= since && at[seq] < until) assert_true(seq >= from && seq < to);
                if (s % 2 == 0 && until - since < 100) assert_true(to - from <= 2);
            }
        int64_t from = 0, to = 0;
        assert_ok(journal_window(db, INSTANT_NONE, INSTANT_NONE, &from, &to, &err), err);
        assert_int_equal(from, 1);
        assert_int_equal(to, 13);
        assert_int_equal(verdict(db, true).bad_seq, 0);
        journal_clear(&j);
        finish(db, s / 2);
    }
}

int main(void) {
    if (!test_journal_keys()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_cells_are_refused),
        cmocka_unit_test(cells_come_back),
        cmocka_unit_test(damaged_entries_never_crash),
        cmocka_unit_test(calls_out_of_turn_are_refused),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(going_back_leaves_no_trace),
        cmocka_unit_test(a_chain_made_ahead_is_the_same),
        cmocka_unit_test(huge_entries),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_window_of_time_holds_its_entries),
        cmocka_unit_test(speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

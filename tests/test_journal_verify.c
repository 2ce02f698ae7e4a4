#include "check.h"
#include "journals.h"

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
    assert_ok(db_scalar(db, a, "SELECT \"bytes\" FROM \"journal\" WHERE \"first\" = ?1", &key, 1, &v, &err),
              err);
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
    assert_non_null(copy.s);
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
        "UPDATE \"journal_tip\" SET \"next\" = 81, \"head\" = (SELECT \"head\" FROM \"journal\" WHERE "
        "\"first\" = 71), \"signature\" = "
        "(SELECT \"signature\" FROM \"journal\" WHERE \"first\" = 71)",
        NULL, 0);
}

static void remove_everything(struct db *db, struct arena *a) {
    run(db, "DELETE FROM \"journal\"", NULL, 0);
}

static void swap_signature(struct db *db, struct arena *a) {
    run(db,
        "UPDATE \"journal\" SET \"signature\" = (SELECT j.\"signature\" FROM \"journal\" j WHERE j.\"first\" "
        "= 51) WHERE \"first\" = 41",
        NULL, 0);
}

static void swap_last_signature(struct db *db, struct arena *a) {
    run(db,
        "UPDATE \"journal\" SET \"signature\" = (SELECT j.\"signature\" FROM \"journal\" j WHERE j.\"first\" "
        "= 51) WHERE \"first\" = 91",
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
    run(db,
        "UPDATE \"journal\" SET \"head\" = (SELECT j.\"head\" FROM \"journal\" j WHERE j.\"first\" = 51) "
        "WHERE \"first\" = 41",
        NULL, 0);
}

static void empty_block(struct db *db, struct arena *a) {
    set_bytes(db, 41, TEXT(""));
}

/* The tip as it was signed when the journal ended at 80. */
static void old_tip(struct db *db, struct arena *a) {
    struct value v, key = value_int(71);
    struct error err = {0};
    assert_ok(db_scalar(db, a, "SELECT \"head\" FROM \"journal\" WHERE \"first\" = ?1", &key, 1, &v, &err),
              err);
    unsigned char message[BLOCK_MESSAGE], signature[64];
    tip_message(81, (const unsigned char *)v.s, message);
    crypto_sign_detached(signature, NULL, message, sizeof message, keys.secret_key);
    struct value params[] = {v, value_blob(signature, 64)};
    run(db, "UPDATE \"journal_tip\" SET \"next\" = 81, \"head\" = ?1, \"signature\" = ?2", params, 2);
}

static void alter_tip(struct db *db, struct arena *a) {
    run(db, "UPDATE \"journal_tip\" SET \"next\" = 91", NULL, 0);
}

/* Somebody with a pen but no key writes the journal anew from block `from` on: every hash and head fits, no
 * signature does. */
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
        struct value params[] = {value_blob(b.s, b.n), value_blob(head, sizeof head),
                                 value_blob(signature, 64), value_int(first)};
        run(db,
            "UPDATE \"journal\" SET \"bytes\" = ?1, \"head\" = ?2, \"signature\" = ?3 WHERE \"first\" = ?4",
            params, 4);
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
    {old_tip, 81, "tip ends at entry 80", false},
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
                if (v.bad_seq != (expected ? attacks[i].bad_seq : 0) ||
                    (expected && !strstr(v.what, attacks[i].what)))
                    fail_msg("attack %zu (%s), all %d: %lld %s", i, attacks[i].what, all,
                             (long long)v.bad_seq, v.what);
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

static int stopped(int64_t entries, void *arg) {
    *(int64_t *)arg = entries;
    return E_REFUSED;
}
/* Who listens may end the reading: then there is no verdict. */
static void a_proof_is_stopped(void **state) {
    for (size_t s = 0; s < test_stores(); s++) {
        struct db *db = fresh(s);
        struct journal j = {.keys = keys};
        struct journal_verdict v = {.entries = -1};
        int64_t told = 0;
        write_entries(&j, db, 10);
        assert_int_equal(journal_verify(db, keys.public_key, true, stopped, &told, &v, NULL), E_REFUSED);
        assert_true(told == 10 && v.entries == -1);
        assert_int_equal(verdict(db, true).bad_seq, 0);
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
        void (*const cuts[])(struct db *, struct arena *) = {
            cut_tail,  cut_tail_and_tip, cut_tail_and_forge_tip, remove_everything,
            alter_tip, old_tip,          rewrite_from_41};
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
        void (*const damages[])(struct db *, struct arena *) = {alter_number, alter_length, empty_block,
                                                                remove_inside};
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

int main(void) {
    if (!test_journal_keys()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_attack_is_named),
        cmocka_unit_test(a_proof_is_stopped),
        cmocka_unit_test(nothing_is_added_to_a_cut_journal),
        cmocka_unit_test(damaged_blocks_are_corrupt_to_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sampling: one person, one round, one swab; a tube that is full closes itself and is never opened again; nobody is lost and nobody is counted twice. */
#include "sampling.h"

#include "desks/testing/round.h"
#include "desks/testing/sampling.h"

static void a_tube_takes_what_it_holds_and_closes(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t tube = tube_of(&t, &g, "T1", "3"), last = 0;
        for (int i = 0; i < 3; i++) last = swab_of(&t, &g, person_of(&t, i), tube);
        struct error err = {0};
        struct draft *fourth = swab_draft(&t, &g, person_of(&t, 3), tube);
        assert_int_equal(test_write(&t, fourth, &err), E_REFUSED);
        assert_string_equal(err.where, "tube");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed' AND \"swabs\"=3 AND \"closed_at\" IS NOT NULL"), 1);
        struct draft *open = test_draft(&t, "tube", DRAFT_CHANGE, NULL); /* never opened again */
        open->id = tube;
        open->state = TEXT("open");
        err = (struct error){0};
        assert_int_equal(test_write(&t, open, &err), E_REFUSED);
        struct draft *gone = test_draft(&t, "swab", DRAFT_REMOVE, NULL); /* not when one is taken back either */
        gone->id = last;
        err = (struct error){0};
        assert_ok(test_write(&t, gone, &err), err);
        err = (struct error){0};
        assert_int_equal(test_write(&t, swab_draft(&t, &g, person_of(&t, 4), tube), &err), E_REFUSED);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), 2);
    }
}

/* The device that opened it was four seconds ahead: the last swab is not refused for that. */
static void a_tube_of_a_clock_ahead_closes_too(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t tube = test_record(&t, "tube", "barcode", "T1", "round", test_id(&t, g.round), "site_table", test_id(&t, g.table), "size", "2", "opened_at", SAMPLING_NOW ":04");
        for (int i = 0; i < 2; i++) swab_of(&t, &g, person_of(&t, i), tube);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed' AND \"closed_at\"=\"opened_at\""), 1);
    }
}

/* In one transaction too: what does not fit is refused, row by row, and what was removed makes room. */
static void a_batch_overfills_no_tube(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t tube = tube_of(&t, &g, "T1", "5");
        struct draft *d[8];
        struct error err = {0};
        for (int i = 0; i < 8; i++) d[i] = swab_draft(&t, &g, person_of(&t, i), tube);
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, d, 8, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        for (int i = 0; i < 8; i++) assert_int_equal(d[i]->outcome, i < 5 ? OUTCOME_CREATED : OUTCOME_REJECTED);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed' AND \"swabs\"=5"), 1);
    }
}

static void a_person_is_swabbed_once_a_round(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t a = tube_of(&t, &g, "T1", "10"), b = tube_of(&t, &g, "T2", "10"), who = person_of(&t, 0);
        int64_t first = swab_of(&t, &g, who, a);
        struct error err = {0};
        struct draft *other = swab_draft(&t, &g, who, b); /* in another tube: another swab, and there is one */
        other->verb = DRAFT_ENSURE;
        assert_int_equal(test_write(&t, other, &err), E_CONFLICT);
        assert_string_equal(err.where, "tube");
        struct draft *same = swab_draft(&t, &g, who, a); /* sent again: the same one */
        same->verb = DRAFT_ENSURE;
        same->values[register_field(same->reg, TEXT("swabbed_at"))].i += 7;
        err = (struct error){0};
        assert_ok(test_write(&t, same, &err), err);
        assert_int_equal(same->ret_id, first);
        assert_int_equal(same->outcome, OUTCOME_UNCHANGED);
        struct draft *moved = test_draft(&t, "swab", DRAFT_CHANGE, "tube", test_id(&t, b), NULL);
        moved->id = first;
        err = (struct error){0};
        assert_int_equal(test_write(&t, moved, &err), E_CONFLICT); /* and it stays in its tube */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='open'"), 2);
    }
}

/* A tube's verdict is its members' result, and pays their test days as a record of a test does. */
static void a_verdict_decides_every_member(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t tube = tube_of(&t, &g, "T1", "2"), who = person_of(&t, 0);
        struct error err = {0};
        test_record(&t, "stay", "person", test_id(&t, who), "kind", "central", "started_at", "2022-09-01T08:00", "exposure", "2022-08-31", "class", "close");
        static const char owed[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='central-tests' AND \"paid\"<>0";
        swab_of(&t, &g, who, tube);
        swab_of(&t, &g, person_of(&t, 1), tube);
        assert_int_equal(test_count(&t, owed), 0);
        struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "negative", NULL);
        d->by_desk = true;
        d->id = tube;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\"='negative'"), 2);
        assert_int_equal(test_count(&t, owed), 1);
    }
}

static void a_slot_takes_its_places(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t slot = test_record(&t, "appointment_slot", "site", test_id(&t, g.site), "starts_at", "2022-09-01T18:00", "ends_at", "2022-09-01T19:00", "places", "2");
        for (int i = 0; i < 2; i++) test_record(&t, "voluntary_test", "person", test_id(&t, person_of(&t, i)), "slot", test_id(&t, slot), "requested_at", "2022-09-01T12:00");
        struct draft *d = test_draft(&t, "voluntary_test", DRAFT_CREATE, "person", test_id(&t, person_of(&t, 2)), "slot", test_id(&t, slot), "requested_at", "2022-09-01T12:00", NULL);
        assert_int_equal(test_write(&t, d, &err), E_REFUSED);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"appointment_slot\" WHERE \"state\"='full'"), 1);
    }
}

/* Who calls off, or takes another slot, leaves his place to somebody; no slot takes more by a change than by a booking. */
static void a_place_that_is_given_up_is_free(void **state) {
    static const char full[] = "SELECT COUNT(*) FROM \"appointment_slot\" WHERE \"state\"='full'";
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t slots[2], booked[4];
        for (int i = 0; i < 2; i++)
            slots[i] = test_record(&t, "appointment_slot", "site", test_id(&t, g.site), "starts_at", i ? "2022-09-01T19:00" : "2022-09-01T18:00", "ends_at", "2022-09-01T20:00", "places", "2");
        for (int i = 0; i < 4; i++) booked[i] = test_record(&t, "voluntary_test", "person", test_id(&t, person_of(&t, i)), "slot", test_id(&t, slots[i / 2]), "requested_at", "2022-09-01T12:00");
        assert_int_equal(test_count(&t, full), 2);
        struct draft *d = test_draft(&t, "voluntary_test", DRAFT_CHANGE, "slot", test_id(&t, slots[1]), NULL);
        d->id = booked[0];
        assert_int_equal(test_write(&t, d, &err), E_REFUSED); /* that one is full */
        sample_open(&t, "voluntary_test", booked[3], "cancelled");
        assert_int_equal(test_count(&t, full), 1);
        err = (struct error){0};
        d = test_draft(&t, "voluntary_test", DRAFT_CHANGE, "slot", test_id(&t, slots[1]), NULL);
        d->id = booked[0];
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"appointment_slot\" WHERE \"id\"=%lld AND \"state\"='open'", (long long)slots[0])), 1);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"appointment_slot\" WHERE \"id\"=%lld AND \"state\"='full'", (long long)slots[1])), 1);
        test_record(&t, "voluntary_test", "person", test_id(&t, person_of(&t, 4)), "slot", test_id(&t, slots[0]), "requested_at", "2022-09-01T12:00");
        assert_int_equal(test_count(&t, full), 2);
    }
}

/* The number of a closed tube is that of its swabs, whoever closed it; what an import brought into it and its undo takes out is not counted, and it stays closed. */
static void a_closed_tube_says_how_many_are_in_it(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t tube = tube_of(&t, &g, "T1", "2"), last = 0;
        for (int i = 0; i < 2; i++) last = swab_of(&t, &g, person_of(&t, i), tube);
        int64_t other = tube_of(&t, &g, "T2", "10"); /* closed by hand, without a word of how many are in it */
        for (int i = 2; i < 5; i++) swab_of(&t, &g, person_of(&t, i), other);
        struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "closed_at", SAMPLING_NOW, NULL);
        d->id = other;
        d->state = TEXT("closed");
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT \"swabs\" FROM \"tube\" WHERE \"barcode\"='T2'"), 3);
        d = test_draft(&t, "swab", DRAFT_REMOVE, NULL);
        d->id = last;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed' AND \"swabs\"=1"), 1);
        d = test_draft(&t, "swab", DRAFT_REMOVE, NULL);
        d->id = test_count(&t, "SELECT MIN(\"id\") FROM \"swab\"");
        d->forgotten = true; /* its time to be kept is over: what is known of the tube stays */
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"swabs\"=1"), 1);
    }
}

/* ---- the desk */

static struct sampling_row row_of(const struct sample_ground *g, const char *tube, const char *doc) {
    return (struct sampling_row){.barcode = text_of(tube), .doc_no = text_of(doc), .doc_type = doc[0] ? TEXT("id-card") : TEXT(""), .name = TEXT("王小明"), .table = g->table, .round = g->round,
                                 .swabbed_at = test_at(SAMPLING_NOW)};
}

static const char *const cards[] = {"11010519491231002X", "440524188001010014", "310115199001011232", "320311770706001", "11010119900307109X"};

static void take(struct test_ledger *t, struct sampling *x, instant sent_at, struct sampling_row *rows, size_t n) {
    struct error err = {0};
    assert_ok(sampling_take(x, t->l, &t->s, sent_at, rows, n, &t->a, &err), err);
}

static void is_refused(struct test_ledger *t, struct sampling *x, struct sampling_row r, enum sampling_reason why) {
    int64_t before = test_count(t, "SELECT COUNT(*) FROM \"swab\"");
    take(t, x, INSTANT_NONE, &r, 1);
    if (r.reason != why) fail_msg("%s, not %s: %s", sampling_words[r.reason], sampling_words[why], r.error.message);
    assert_true(strstr(r.error.message, " / ") != NULL);
    assert_int_equal(test_count(t, "SELECT COUNT(*) FROM \"swab\""), before);
}

#define WITH(x) struct sampling *x = NULL; { struct error e_ = {0}; assert_ok(sampling_new(&x, &e_), e_); }

static void what_may_not_be_is_refused_by_name(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        int64_t isolation = test_record(&t, "site", "title", "隔离酒店", "kind", "isolation"), room = test_record(&t, "site_table", "site", test_id(&t, isolation), "label", "1");
        int64_t later = test_record(&t, "round", "campaign", test_id(&t, g.campaign), "seq", "2", "starts_at", "2022-09-02T08:00");
        for (int cold = 0; cold < 2; cold++) { /* with what the desk remembers, and without */
            struct sampling_row r = row_of(&g, cold ? "A2" : "A1", cards[cold]);
            take(&t, x, INSTANT_NONE, &r, 1);
            assert_int_equal(r.reason, SAMPLING_NONE);
            if (cold) {
                struct error err = {0};
                sampling_free(x);
                assert_ok(sampling_new(&x, &err), err);
            }
            struct sampling_row bad = row_of(&g, cold ? "A2" : "A1", cards[2]);
            bad.table = g.other_table;
            is_refused(&t, x, bad, SAMPLING_OTHER_TABLE);
            bad = row_of(&g, cold ? "A2" : "A1", cards[2]);
            bad.size = 5;
            is_refused(&t, x, bad, SAMPLING_OTHER_SIZE);
            bad = row_of(&g, cold ? "A2" : "A1", cards[2]);
            bad.kind = TEXT("household");
            is_refused(&t, x, bad, SAMPLING_OTHER_KIND);
            is_refused(&t, x, row_of(&g, "B9", cards[cold]), SAMPLING_DUPLICATE);
        }
        struct sampling_row bad = row_of(&g, "A1", "110105194912310021");
        is_refused(&t, x, bad, SAMPLING_PERSON); /* check digit */
        bad = row_of(&g, "A1", "");
        is_refused(&t, x, bad, SAMPLING_NO_PERSON);
        bad = row_of(&g, "", cards[2]);
        is_refused(&t, x, bad, SAMPLING_INVALID);
        bad = row_of(&g, "A1", cards[2]);
        bad.table = 999999;
        is_refused(&t, x, bad, SAMPLING_NO_TABLE);
        bad = row_of(&g, "A3", cards[2]);
        bad.round = later;
        is_refused(&t, x, bad, SAMPLING_NO_ROUND);
        bad = row_of(&g, "A3", cards[2]);
        bad.swabbed_at += 60;
        is_refused(&t, x, bad, SAMPLING_FUTURE);
        bad = row_of(&g, "A3", cards[2]);
        bad.table = room;
        bad.size = 10;
        is_refused(&t, x, bad, SAMPLING_SINGLE);
        sample_open(&t, "round", later, "open");
        bad = row_of(&g, "A1", cards[2]);
        bad.round = later;
        is_refused(&t, x, bad, SAMPLING_OTHER_ROUND); /* a bar code is used once */
        sample_open(&t, "tube", test_count(&t, "SELECT MIN(\"id\") FROM \"tube\""), "spoiled");
        is_refused(&t, x, row_of(&g, "A1", cards[2]), SAMPLING_TUBE_CLOSED);
        sampling_free(x);
    }
}

/* A row that cannot be taken leaves the others; sent again everything is as it was; the last one that fits closes the tube. */
static void a_batch_is_taken_row_by_row_and_only_once(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        struct error err = {0};
        int64_t ids[5] = {0};
        for (int turn = 0; turn < 3; turn++) {
            struct sampling_row rows[5];
            for (int i = 0; i < 5; i++) rows[i] = row_of(&g, "A1", i == 1 ? "110105194912310021" : cards[i]);
            for (int i = 0; i < 5; i++) rows[i].size = 4;
            take(&t, x, t.s.now + 3 + turn, rows, 5);
            for (int i = 0; i < 5; i++) {
                assert_int_equal(rows[i].reason, i == 1 ? SAMPLING_PERSON : SAMPLING_NONE);
                if (i == 1) continue;
                assert_int_equal(rows[i].swab->outcome, turn ? OUTCOME_UNCHANGED : OUTCOME_CREATED);
                if (turn) assert_int_equal(rows[i].swab->ret_id, ids[i]);
                ids[i] = rows[i].swab->ret_id;
            }
            if (turn == 1) { /* what the desk remembers is nothing that it needs */
                sampling_free(x);
                assert_ok(sampling_new(&x, &err), err);
            }
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed' AND \"swabs\"=4"), 1);
        is_refused(&t, x, (struct sampling_row){.barcode = TEXT("A1"), .doc_no = text_of("440524188001010014"), .table = g.table, .round = g.round, .size = 4, .swabbed_at = t.s.now},
                   SAMPLING_TUBE_CLOSED);
        sampling_free(x);
    }
}

/* Every size and kind takes as many as it says and not one more; isolation has its single tubes, without a word of it. */
static void each_size_of_tube_takes_as_many_as_it_says(void **state) {
    static const struct { const char *kind; int size; } of[] = {{"single", 1}, {"pool", 5}, {"pool", 10}, {"pool", 20}, {"household", 10}};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        int who = 0;
        for (int k = 0; k < 5; k++) {
            struct sampling_row rows[21];
            for (int i = 0; i <= of[k].size; i++) {
                rows[i] = row_of(&g, arena_printf(&t.a, "Z%d", k), "");
                rows[i].temporary = text_of(arena_printf(&t.a, "z%d", who++));
                rows[i].kind = text_of(of[k].kind);
                rows[i].size = of[k].size;
            }
            take(&t, x, INSTANT_NONE, rows, (size_t)of[k].size + 1);
            for (int i = 0; i <= of[k].size; i++) assert_int_equal(rows[i].reason, i < of[k].size ? SAMPLING_NONE : SAMPLING_TUBE_CLOSED);
            assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\"='Z%d' AND \"kind\"='%s' AND \"state\"='closed' AND \"swabs\"=%d", k, of[k].kind, of[k].size)), 1);
        }
        int64_t hotel = test_record(&t, "site", "title", "隔离酒店", "kind", "isolation");
        struct sampling_row room = row_of(&g, "Z9", cards[0]);
        room.table = test_record(&t, "site_table", "site", test_id(&t, hotel), "label", "1");
        take(&t, x, INSTANT_NONE, &room, 1);
        assert_int_equal(room.reason, SAMPLING_NONE);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\"='Z9' AND \"kind\"='single' AND \"size\"=1 AND \"state\"='closed'"), 1);
        sampling_free(x);
    }
}

static void who_has_no_papers_is_somebody_all_the_same(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        struct sampling_row first = row_of(&g, "A1", ""), again = first, child = first, sister = first, twice = first;
        first.temporary = again.temporary = TEXT("L-0001");
        child.guardian_doc = twice.guardian_doc = sister.guardian_doc = text_of(cards[0]);
        child.name = twice.name = TEXT("李小童");
        sister.name = TEXT("李小妹");
        again.table = g.other_table; /* the same person at another table of the round, with another tube */
        again.barcode = TEXT("B1");
        twice.barcode = TEXT("B2");
        struct sampling_row rows[] = {first, child, sister};
        take(&t, x, INSTANT_NONE, rows, 3);
        for (int i = 0; i < 3; i++) assert_int_equal(rows[i].reason, SAMPLING_NONE);
        is_refused(&t, x, again, SAMPLING_DUPLICATE);
        is_refused(&t, x, twice, SAMPLING_DUPLICATE);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 3);
        sampling_free(x);
    }
}

/* A device a day fast says tomorrow; what it is off by is taken off and stands beside the swab. */
static void a_clock_that_is_off_is_corrected(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        struct sampling_row r = row_of(&g, "A1", cards[0]), exact = row_of(&g, "A1", cards[1]);
        r.swabbed_at = t.s.now + 86400 - 600;
        take(&t, x, t.s.now + 86400, &r, 1);
        assert_int_equal(r.reason, SAMPLING_NONE);
        take(&t, x, t.s.now + 2, &exact, 1);
        assert_int_equal(test_count(&t, "SELECT \"swabbed_at\" FROM \"swab\" WHERE \"clock_off\"=86400"), t.s.now - 600);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"clock_off\" IS NULL"), 1);
        sampling_free(x);
    }
}

/* A recall is swabbed again in the same round, singly; nobody else is. */
static void a_recall_is_swabbed_again(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        struct error err = {0};
        struct sampling_row r = row_of(&g, "A1", cards[0]), again = row_of(&g, "S1", cards[0]);
        again.again = true;
        again.kind = TEXT("single");
        take(&t, x, INSTANT_NONE, &r, 1);
        is_refused(&t, x, again, SAMPLING_DUPLICATE); /* not while the first is pending */
        struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "recall", NULL);
        d->by_desk = true;
        d->id = test_count(&t, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\"='A1'");
        assert_ok(test_write(&t, d, &err), err);
        for (int sent = 0; sent < 2; sent++) { /* sent twice, it is one */
            struct sampling_row once = again;
            take(&t, x, INSTANT_NONE, &once, 1);
            assert_int_equal(once.reason, SAMPLING_NONE);
            assert_int_equal(once.swab->outcome, sent ? OUTCOME_UNCHANGED : OUTCOME_CREATED);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"turn\"=2"), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\"='S1' AND \"state\"='closed' AND \"size\"=1"), 1);
        struct round_figures f;
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT(""), INSTANT_NONE, &f, &err), err);
        assert_int_equal(f.swabs, 2);
        assert_int_equal(f.people, 1);
        /* the next, without a word of it: in a pool it stays a second swab, a single tube takes whoever is recalled, once, and nobody else */
        struct sampling_row pool = row_of(&g, "A1", cards[1]), other = row_of(&g, "A1", cards[2]), single = row_of(&g, "S2", cards[1]), twice = row_of(&g, "S3", cards[1]), whole = row_of(&g, "S4", cards[2]);
        struct sampling_row both[] = {row_of(&g, "A2", cards[1]), row_of(&g, "A3", cards[2])};
        single.size = twice.size = whole.size = 1;
        take(&t, x, INSTANT_NONE, both, 2);
        is_refused(&t, x, single, SAMPLING_DUPLICATE);
        d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "recall", NULL);
        d->by_desk = true;
        d->id = test_count(&t, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\"='A2'");
        assert_ok(test_write(&t, d, &err), err);
        pool.barcode = other.barcode = TEXT("A4");
        is_refused(&t, x, pool, SAMPLING_DUPLICATE);
        is_refused(&t, x, other, SAMPLING_DUPLICATE);
        is_refused(&t, x, whole, SAMPLING_DUPLICATE);
        for (int sent = 0; sent < 2; sent++) {
            struct sampling_row once = single;
            take(&t, x, INSTANT_NONE, &once, 1);
            assert_int_equal(once.reason, SAMPLING_NONE);
            assert_int_equal(once.swab->outcome, sent ? OUTCOME_UNCHANGED : OUTCOME_CREATED);
        }
        is_refused(&t, x, twice, SAMPLING_DUPLICATE);
        sampling_free(x);
    }
}

static void a_tube_is_closed_by_hand(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        WITH(x);
        struct error err = {0};
        int64_t n = 0;
        tube_of(&t, &g, "E1", "10");
        assert_int_equal(sampling_close(t.l, &t.s, TEXT("none"), 0, t.s.now, &n, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_int_equal(sampling_close(t.l, &t.s, TEXT("E1"), 0, t.s.now, &n, &err), E_REFUSED);
        struct sampling_row r = row_of(&g, "A1", cards[0]);
        take(&t, x, INSTANT_NONE, &r, 1);
        err = (struct error){0};
        assert_int_equal(sampling_close(t.l, &t.s, TEXT("A1"), g.other_table, t.s.now, &n, &err), E_CONFLICT); /* who met its bar code at another table closes nothing */
        err = (struct error){0};
        assert_ok(sampling_close(t.l, &t.s, TEXT("A1"), g.table, t.s.now, &n, &err), err);
        assert_int_equal(n, 1);
        is_refused(&t, x, row_of(&g, "A1", cards[1]), SAMPLING_TUBE_CLOSED);
        assert_int_equal(sampling_close(t.l, &t.s, TEXT("A1"), 0, t.s.now + 60, &n, &err), E_REFUSED); /* sent again: it was closed when it was closed */
        assert_int_equal(test_count(&t, "SELECT \"closed_at\" FROM \"tube\" WHERE \"barcode\"='A1'"), t.s.now);
        err = (struct error){0};
        /* opened by a device four seconds ahead: closed when it was opened; by one a minute ahead, the clock is the fault */
        for (int ahead = 4; ahead <= 60; ahead += 56) {
            const char *name = ahead == 4 ? "F1" : "F2";
            int64_t tube = tube_of(&t, &g, name, "10");
            swab_of(&t, &g, person_of(&t, ahead), tube);
            struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, NULL);
            d->id = tube;
            assert_ok(draft_put(d, "opened_at", value_int(t.s.now + ahead), &err), err);
            assert_ok(test_write(&t, d, &err), err);
            assert_int_equal(sampling_close(t.l, &t.s, text_of(name), 0, t.s.now, &n, &err), ahead == 4 ? 0 : E_INVALID);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\"='F1' AND \"state\"='closed' AND \"closed_at\"=\"opened_at\""), 1);
        /* told late: closed when it was closed, by a clock that is off too; not before its last swab, and not in the future */
        assert_true(sampling_moment(t.s.now + 86400 - 600, t.s.now + 86400, t.s.now) == t.s.now - 600 && sampling_moment(t.s.now - 600, t.s.now + 2, t.s.now) == t.s.now - 600);
        assert_true(sampling_moment(INSTANT_NONE, t.s.now + 86400, t.s.now) == t.s.now && sampling_moment(t.s.now + 3, INSTANT_NONE, t.s.now) == t.s.now && sampling_moment(t.s.now + 60, INSTANT_NONE, t.s.now) == t.s.now + 60);
        for (int k = 0; k < 2; k++) {
            struct sampling_row early = row_of(&g, k ? "L2" : "L1", cards[2 + k]);
            early.swabbed_at -= 3600;
            take(&t, x, INSTANT_NONE, &early, 1);
            err = (struct error){0};
            assert_int_equal(sampling_close(t.l, &t.s, early.barcode, 0, t.s.now + 60, &n, &err), E_INVALID);
            assert_string_equal(err.where, "closed_at");
            err = (struct error){0};
            assert_ok(sampling_close(t.l, &t.s, early.barcode, 0, t.s.now - (k ? 7200 : 1800), &n, &err), err);
            assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT \"closed_at\" FROM \"tube\" WHERE \"barcode\"='L%d'", k + 1)), t.s.now - (k ? 3600 : 1800));
        }
        sampling_free(x);
    }
}

/* ---- the round */

static int64_t sum_of(const struct round_row *r) {
    int64_t n = 0;
    for (int k = 0; k < ROUND_WHYS; k++) n += r->of[k];
    return n;
}

/* People = swabbed + with a reason + missing, in every building; and the list of the missing is as long as their number. */
static void nobody_is_lost_and_nobody_counts_twice(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        static const char *const reasons[] = {"away", "medical", "refused", "elsewhere", "other"};
        int64_t tube = tube_of(&t, &g, "T1", "20"), who[16], people = 0, ids[64];
        struct round_row *rows = NULL;
        size_t n = 0, k = 0;
        for (int i = 0; i < 16; i++) who[i] = person_of(&t, i);
        for (int i = 0; i < 5; i++) swab_of(&t, &g, who[i], tube);
        for (int i = 0; i < 5; i++) test_record(&t, "untested", "person", test_id(&t, who[4 + i]), "reason", reasons[i], "since", "2022-09-01"); /* one of them is swabbed */
        test_record(&t, "stay", "person", test_id(&t, who[9]), "kind", "central", "started_at", "2022-09-01T08:00");
        struct session nobody = t.s;
        nobody.n_grants = 0;
        assert_int_equal(round_coverage(t.l, &nobody, g.round, TEXT(""), true, &t.a, &rows, &n, &err), E_DENIED);
        err = (struct error){0};
        assert_int_equal(round_coverage(t.l, &t.s, 999999, TEXT(""), true, &t.a, &rows, &n, &err), E_UNKNOWN);
        for (int buildings = 0; buildings < 2; buildings++) {
            err = (struct error){0};
            assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), buildings, &t.a, &rows, &n, &err), err);
            assert_int_equal(n, buildings ? 2 : 1);
            int64_t of[ROUND_WHYS] = {0};
            people = 0;
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(sum_of(&rows[i]), rows[i].people);
                people += rows[i].people;
                for (int w = 0; w < ROUND_WHYS; w++) of[w] += rows[i].of[w];
            }
            assert_int_equal(people, 16);
            assert_int_equal(of[WHY_SWABBED], 5);
            assert_int_equal(of[WHY_ISOLATED], 1);
            assert_int_equal(of[WHY_AWAY], 0); /* was swabbed all the same */
            assert_int_equal(of[WHY_MEDICAL] + of[WHY_REFUSED] + of[WHY_ELSEWHERE] + of[WHY_OTHER], 4);
            assert_int_equal(of[WHY_MISSING], 6);
        }
        assert_ok(round_people(t.l, &t.s, g.round, TEXT(""), (struct text){NULL, 0}, WHY_MISSING, 0, 64, ids, &k, &err), err);
        assert_int_equal(k, 6);
        assert_ok(round_people(t.l, &t.s, g.round, TEXT(""), TEXT("东楼"), WHY_MISSING, ids[2], 64, ids, &k, &err), err);
        assert_true(k < 6);
        swab_of(&t, &g, ids[0], tube); /* refreshed as swabs arrive */
        assert_ok(round_people(t.l, &t.s, g.round, TEXT(""), (struct text){NULL, 0}, WHY_MISSING, 0, 64, ids, &k, &err), err);
        assert_int_equal(k, 5);
        test_record(&t, "round_scope", "campaign", test_id(&t, g.campaign), "mode", "include", "community", "西楼", "population", "9");
        assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), true, &t.a, &rows, &n, &err), err);
        assert_int_equal(n, 1);
        assert_int_equal(rows[0].people, 8);
        struct round_figures f;
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT(""), INSTANT_NONE, &f, &err), err);
        assert_int_equal(f.target, 9);
        assert_int_equal(f.swabs, 6); /* of a tube that is still open */
        assert_int_equal(f.tubes_open, 1);
    }
}

/* Days later the round says what it said: who came home or was released since had a reason in it, who left since had none. */
static void a_round_that_is_over_keeps_its_reasons(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct round_row *rows = NULL;
        size_t n = 0, k = 0;
        int64_t who[7], ids[8], stay;
        for (int i = 0; i < 7; i++) who[i] = test_record(&t, "person", "name", arena_printf(&t.a, "居民%d", i));
        test_record(&t, "untested", "person", test_id(&t, who[0]), "reason", "away", "since", "2022-08-30", "until", "2022-09-02");
        stay = test_record(&t, "stay", "person", test_id(&t, who[1]), "kind", "central", "started_at", "2022-09-01T08:00");
        t.s.now = test_at("2022-09-06T10:00");
        test_record(&t, "untested", "person", test_id(&t, who[2]), "reason", "medical", "since", "2022-09-03");
        test_record(&t, "untested", "person", test_id(&t, who[3]), "reason", "refused", "since", "2022-08-01", "until", "2022-09-01");
        test_record(&t, "stay", "person", test_id(&t, who[4]), "kind", "hospital", "started_at", "2022-09-03T08:00");
        test_record(&t, "stay", "person", test_id(&t, who[5]), "kind", "central", "started_at", "2022-09-02T07:00");
        struct draft *d = test_draft(&t, "stay", DRAFT_CHANGE, "ended_at", "2022-09-04T08:00", NULL);
        d->id = stay;
        d->state = TEXT("ended");
        assert_ok(test_write(&t, d, &err), err);
        assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), false, &t.a, &rows, &n, &err), err);
        assert_int_equal(n, 1);
        assert_int_equal(sum_of(&rows[0]), 7);
        assert_true(rows[0].of[WHY_AWAY] == 1 && rows[0].of[WHY_ISOLATED] == 2 && rows[0].of[WHY_MISSING] == 4);
        assert_ok(round_people(t.l, &t.s, g.round, TEXT(""), (struct text){NULL, 0}, WHY_MISSING, 0, 8, ids, &k, &err), err);
        assert_true(k == 4 && ids[0] == who[2]);
        assert_ok(round_people(t.l, &t.s, g.round, TEXT(""), (struct text){NULL, 0}, WHY_ISOLATED, 0, 8, ids, &k, &err), err);
        assert_true(k == 2 && ids[0] == who[1] && ids[1] == who[5]);
    }
}

static void figures_are_restated_by_statistics_day(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct round_figures f;
        int64_t tube = tube_of(&t, &g, "T1", "1");
        swab_of(&t, &g, person_of(&t, 0), tube);
        static const char *const steps[][3] = {{"received", "received_at", "2022-09-01T20:30"}, {"tested", "result_at", "2022-09-02T01:30"}, {"released", "released_at", "2022-09-02T02:00"}};
        t.s.now = test_at("2022-09-02T10:00");
        for (int i = 0; i < 3; i++) {
            struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, steps[i][1], steps[i][2], NULL);
            d->by_desk = true;
            d->id = tube;
            d->state = text_of(steps[i][0]);
            if (i) assert_ok(draft_set(t.l, d, &t.a, i == 1 ? TEXT("result") : TEXT("verdict"), TEXT("positive"), &err), err);
            assert_ok(test_write(&t, d, &err), err);
        }
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT(""), test_at("2022-09-02T00:00"), &f, &err), err);
        assert_int_equal(f.received, 1);
        assert_int_equal(f.tested + f.positive_tubes + f.people_positive, 0);
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT(""), test_at("2022-09-03T00:00"), &f, &err), err);
        assert_int_equal(f.tested, 1);
        assert_int_equal(f.positive_tubes, 1);
        assert_int_equal(f.people_positive, 1);
        assert_true(labs((long)f.stages[STAGE_TEST].p50_s - 5 * 3600) < 5 * 3600 / 30); /* by steps */
        assert_true(labs((long)f.stages[STAGE_SHIP].p90_s - 3 * 3600) < 3 * 3600 / 30);
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT("310116"), INSTANT_NONE, &f, &err), err);
        assert_int_equal(f.tubes, 0);
        struct round_site *sites = NULL;
        size_t n = 0;
        test_record(&t, "queue_report", "site", test_id(&t, g.site), "reported_at", "2022-09-01T18:00", "waiting", "120", "wait_minutes", "55");
        assert_ok(round_sites(t.l, &t.s, g.round, 10, &t.a, &sites, &n, &err), err);
        assert_int_equal(n, 2); /* the one at work, and one that is open */
        assert_int_equal(sites[0].swabs, 1);
        assert_int_equal(sites[0].wait_min, 55);
        int64_t hours[ROUND_HOURS_MAX], all = 0;
        instant from;
        assert_ok(round_hours(t.l, &t.s, g.round, 0, &from, hours, &n, &err), err);
        for (size_t i = 0; i < n; i++) all += hours[i];
        assert_int_equal(all, 1);
    }
}

/* ---- who must be tested */

/* A market woman owes a test in each three days, her unit answers for it; a swab of any of them pays, and who is on leave owes none. */
static void who_must_be_tested_is_a_duty_of_the_unit(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct wake_report w;
        static const char open[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='must-test-others' AND \"occurrence\">=0 AND \"state\"='open'";
        static const char missed[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='must-test-others' AND \"occurrence\">=0 AND \"state\"='lapsed'";
        static const char paid[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='must-test-others' AND \"occurrence\">=0 AND \"state\"='paid'";
        int64_t unit = test_record(&t, "organisation", "title", "城南农贸市场", "kind", "enterprise", "department", "market");
        int64_t who = person_of(&t, 0), post = test_record(&t, "must_test", "person", test_id(&t, who), "unit", test_id(&t, unit), "post", "market", "since", "2022-08-01");
        int64_t page = -1;
        for (int k = 0; k < 12; k++) {
            t.s.now = test_at("2022-09-02T00:01") + k * 86400;
            page = -1;
            do {
                assert_ok(ledger_begin(t.l, &err), err);
                assert_ok(obligation_wake(t.l, &t.s, 1000, &page, &w, &err), err);
                assert_ok(ledger_commit(t.l, t.s.now, &err), err);
            } while (w.more);
            if (k == 1) { /* the second of the three days will do */
                struct draft *d = swab_draft(&t, &g, who, tube_of(&t, &g, "M1", "10"));
                d->values[register_field(d->reg, TEXT("swabbed_at"))].i = t.s.now;
                assert_ok(test_write(&t, d, &err), err);
                assert_int_equal(test_count(&t, paid), 1);
            }
        }
        assert_int_equal(test_count(&t, paid), 1);
        assert_true(test_count(&t, missed) >= 2);
        assert_int_equal(test_count(&t, open) + test_count(&t, missed) + test_count(&t, paid), 5); /* from the first to the thirteenth: five times three, the last begun */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='must-test-others' AND \"occurrence\">=0 AND \"owner\" IN (SELECT \"id\" FROM \"organisation\" WHERE \"title\"='城南农贸市场')"), 5);
        sample_open(&t, "must_test", post, "away");
        assert_int_equal(test_count(&t, open), 0);
    }
}

/* Written by hand or imported, past the table's own desk. */
static void nothing_of_a_table_is_of_tomorrow(void **state) {
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        const char *tomorrow = "2022-09-02T17:30", *seconds = "2022-09-01T17:30:30"; /* a clock is seconds ahead */
        int64_t tube = tube_of(&t, &g, "F1", "10");
        assert_int_equal(test_write(&t, test_draft(&t, "tube", DRAFT_CREATE, "barcode", "F2", "round", test_id(&t, g.round), "size", "10", "opened_at", tomorrow, NULL), &err), E_INVALID);
        assert_int_equal(test_write(&t, test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, person_of(&t, 1)), "tube", test_id(&t, tube), "swabbed_at", tomorrow, NULL), &err), E_INVALID);
        assert_int_equal(test_write(&t, test_draft(&t, "queue_report", DRAFT_CREATE, "site", test_id(&t, g.site), "reported_at", tomorrow, "waiting", "900", NULL), &err), E_INVALID);
        static const char *const later[] = {"closed_at", "received_at"};
        for (int i = 0; i < 2; i++) {
            struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, later[i], tomorrow, NULL);
            d->id = tube;
            assert_int_equal(test_write(&t, d, &err), E_INVALID);
        }
        assert_true(test_record(&t, "queue_report", "site", test_id(&t, g.site), "reported_at", seconds, "waiting", "3") > 0);
        assert_true(test_record(&t, "swab", "person", test_id(&t, person_of(&t, 2)), "tube", test_id(&t, tube), "swabbed_at", seconds) > 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_a_table_is_of_tomorrow),
        cmocka_unit_test(a_tube_takes_what_it_holds_and_closes),
        cmocka_unit_test(a_tube_of_a_clock_ahead_closes_too),
        cmocka_unit_test(a_batch_overfills_no_tube),
        cmocka_unit_test(a_person_is_swabbed_once_a_round),
        cmocka_unit_test(a_verdict_decides_every_member),
        cmocka_unit_test(a_slot_takes_its_places),
        cmocka_unit_test(a_place_that_is_given_up_is_free),
        cmocka_unit_test(a_closed_tube_says_how_many_are_in_it),
        cmocka_unit_test(who_must_be_tested_is_a_duty_of_the_unit),
        cmocka_unit_test(what_may_not_be_is_refused_by_name),
        cmocka_unit_test(a_batch_is_taken_row_by_row_and_only_once),
        cmocka_unit_test(each_size_of_tube_takes_as_many_as_it_says),
        cmocka_unit_test(who_has_no_papers_is_somebody_all_the_same),
        cmocka_unit_test(a_clock_that_is_off_is_corrected),
        cmocka_unit_test(a_recall_is_swabbed_again),
        cmocka_unit_test(a_tube_is_closed_by_hand),
        cmocka_unit_test(nobody_is_lost_and_nobody_counts_twice),
        cmocka_unit_test(a_round_that_is_over_keeps_its_reasons),
        cmocka_unit_test(figures_are_restated_by_statistics_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mass testing in the report of a day: counted as sums by hand, frozen, derived again as it stood, restated by late paper sheets, suppressed in public. */
#include "sampling.h"

#include "desks/bulletin/bulletin.h"
#include "desks/testing/round.h"

enum { DAY = 19236 }; /* 2022-09-01 */

static void compute(struct test_ledger *t, const char *region, day d, struct bulletin *b) {
    struct error err = {0};
    struct bulletin_query q = {.region = text_of(region), .day = d};
    bulletin_init(b);
    assert_ok(bulletin_compute(t->l, NULL, &t->s, &q, b, &err), err);
}

static int64_t freeze(struct test_ledger *t, day d) {
    struct error err = {0};
    struct bulletin_query q = {.region = TEXT("310115"), .day = d};
    int64_t id = 0;
    assert_ok(bulletin_freeze(t->l, &t->s, &q, &id, &err), err);
    return id;
}

static void tube_change(struct test_ledger *t, int64_t tube, const char *state, const char *field, const char *at, const char *code, const char *value) {
    struct error err = {0};
    struct draft *d = test_draft(t, "tube", DRAFT_CHANGE, field, at, NULL);
    d->by_desk = true;
    d->id = tube;
    d->state = text_of(state);
    if (code) assert_ok(draft_set(t->l, d, &t->a, text_of(code), text_of(value), &err), err);
    assert_ok(test_write(t, d, &err), err);
}

static int64_t tube_at(struct test_ledger *t, const struct sample_ground *g, const char *barcode, const char *kind, const char *size, const char *at) {
    return test_record(t, "tube", "barcode", barcode, "kind", kind, "round", test_id(t, g->round), "site_table", test_id(t, g->table), "size", size, "opened_at", at);
}

static void swab_at(struct test_ledger *t, int64_t who, int64_t tube, const char *turn, const char *at) {
    test_record(t, "swab", "person", test_id(t, who), "tube", test_id(t, tube), "turn", turn, "swabbed_at", at);
}

/* 12 people in two tubes of ten; the second was positive, its two members sampled again singly, one of them positive. */
static void a_day(struct test_ledger *t, const struct sample_ground *g, int64_t tubes[4]) {
    int64_t who[12];
    for (int i = 0; i < 12; i++) who[i] = person_of(t, i);
    tubes[0] = tube_at(t, g, "T1", "pool", "10", "2022-09-01T09:00");
    tubes[1] = tube_at(t, g, "T2", "pool", "10", "2022-09-01T09:00");
    for (int i = 0; i < 12; i++) swab_at(t, who[i], tubes[i < 10 ? 0 : 1], "1", "2022-09-01T09:10");
    tube_change(t, tubes[1], "closed", "closed_at", "2022-09-01T10:00", "swabs", "2");
    for (int i = 0; i < 2; i++) {
        tube_change(t, tubes[i], "received", "received_at", "2022-09-01T11:00", NULL, NULL);
        tube_change(t, tubes[i], "tested", "result_at", "2022-09-01T14:00", "result", i ? "positive" : "negative");
        tube_change(t, tubes[i], "released", "released_at", "2022-09-01T14:30", "verdict", i ? "recall" : "negative");
    }
    for (int i = 0; i < 2; i++) {
        tubes[2 + i] = tube_at(t, g, i ? "S2" : "S1", "single", "1", "2022-09-01T15:00");
        swab_at(t, who[10 + i], tubes[2 + i], "2", "2022-09-01T15:10");
        tube_change(t, tubes[2 + i], "received", "received_at", "2022-09-01T15:30", NULL, NULL);
        tube_change(t, tubes[2 + i], "tested", "result_at", "2022-09-01T17:00", "result", i ? "positive" : "negative");
        tube_change(t, tubes[2 + i], "released", "released_at", "2022-09-01T17:10", "verdict", i ? "positive" : "negative");
    }
    test_record(t, "voluntary_test", "person", test_id(t, who[0]), "requested_at", "2022-09-01T08:00");
}

static void figures_are_sums_by_hand(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct bulletin b, again;
        struct buf json = {0}, text = {0};
        int64_t tubes[4];
        a_day(&t, &g, tubes);
        tube_at(&t, &g, "E1", "pool", "10", "2022-09-01T16:00"); /* opened for one who was refused */
        compute(&t, "310115", DAY, &b);
        const struct bulletin_rounds *r = &b.rounds;
        assert_int_equal(r->swabs, 14);
        assert_int_equal(r->people, 12);
        assert_int_equal(r->tubes, 4);
        assert_int_equal(r->resulted, 4);
        assert_int_equal(r->positive_tubes, 2);
        assert_int_equal(r->decided, 12);
        assert_int_equal(r->positive, 1);
        assert_int_equal(r->target, 20);
        assert_int_equal(r->covered, 12);
        assert_int_equal(r->voluntary, 1);
        assert_ok(bulletin_write_json(&b, false, &json, &err), err);
        assert_non_null(strstr(buf_cstr(&json), "\"rounds\":{\"person_times\":14,\"people\":12,\"tubes\":4"));
        bulletin_init(&again);
        assert_ok(bulletin_read_json(buf_view(&json), &again, &err), err);
        assert_memory_equal(&again.rounds, r, sizeof *r);
        assert_ok(bulletin_write_text(&b, NULL, true, 0, &text, &err), err);
        assert_non_null(strstr(buf_cstr(&text), "采样14人次"));
        bulletin_clear(&again);
        bulletin_clear(&b);
        buf_reset(&json);
        compute(&t, "310115", DAY - 1, &b); /* a day without: nothing is said */
        assert_int_equal(b.rounds.tubes, 0);
        assert_ok(bulletin_write_json(&b, false, &json, &err), err);
        assert_null(strstr(buf_cstr(&json), "\"rounds\""));
        bulletin_clear(&b);
        buf_clear(&json);
        buf_clear(&text);
    }
}

/* Whoever is swabbed again is one, in whatever tube: members of a spoiled pool come to another pool. The report counts them as the board of the round does. */
static void who_is_swabbed_again_is_one(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct bulletin b;
        struct round_figures f;
        int64_t who[3], first = tube_at(&t, &g, "T1", "pool", "10", "2022-09-01T09:00"), second = tube_at(&t, &g, "T2", "pool", "10", "2022-09-01T11:00");
        for (int i = 0; i < 3; i++) {
            who[i] = person_of(&t, i);
            swab_at(&t, who[i], first, "1", "2022-09-01T09:10");
        }
        sample_open(&t, "tube", first, "spoiled");
        for (int i = 0; i < 2; i++) swab_at(&t, who[i], second, "2", "2022-09-01T11:10");
        compute(&t, "310115", DAY, &b);
        assert_ok(round_figures_of(t.l, &t.s, g.round, TEXT(""), INSTANT_NONE, &f, &err), err);
        assert_int_equal(b.rounds.swabs, 5);
        assert_int_equal(f.swabs, 5);
        assert_int_equal(b.rounds.people, 3);
        assert_int_equal(f.people, 3);
        assert_int_equal(b.rounds.covered, 3);
        bulletin_clear(&b);
    }
}

/* A sheet typed in the next morning restates the day; the frozen report is derived again as it was. */
static void a_late_sheet_restates_the_day(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct buf differ = {0};
        struct bulletin b;
        int64_t tubes[4], open = 0;
        a_day(&t, &g, tubes);
        open = tube_at(&t, &g, "T3", "pool", "3", "2022-09-01T17:00");
        for (int i = 0; i < 2; i++) swab_at(&t, person_of(&t, 20 + i), open, "1", "2022-09-01T17:10");
        int64_t report = freeze(&t, DAY);
        t.s.now += 16 * 3600;
        swab_at(&t, person_of(&t, 30), open, "1", "2022-09-01T17:20"); /* fills it */
        int64_t late = tube_at(&t, &g, "P1", "pool", "10", "2022-09-01T16:00");
        for (int i = 0; i < 4; i++) swab_at(&t, person_of(&t, 40 + i), late, "1", "2022-09-01T16:10");
        int rc = bulletin_rederive(t.l, NULL, &t.s, report, &differ, &err);
        if (rc != 1) fail_msg("%s%s", buf_cstr(&differ), err.message);
        compute(&t, "310115", DAY + 1, &b);
        assert_int_equal(b.rounds.swabs, 0);
        assert_int_equal((int64_t)b.n_restated, 1);
        assert_int_equal(b.restated[0].day, DAY);
        assert_int_equal(b.restated[0].was, b.restated[0].is);
        assert_int_equal(b.restated[0].swabs_was, 16);
        assert_int_equal(b.restated[0].swabs_is, 21);
        bulletin_clear(&b);
        compute(&t, "310115", DAY, &b); /* later rounds count for their days */
        assert_int_equal(b.rounds.swabs, 21);
        bulletin_clear(&b);
        buf_clear(&differ);
    }
}

static void the_public_sees_no_small_cell(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct bulletin b;
        struct buf text = {0};
        int64_t tubes[4];
        a_day(&t, &g, tubes);
        compute(&t, "310115", DAY, &b);
        assert_ok(bulletin_suppress(&b, 5, &err), err);
        assert_int_equal(b.rounds.positive, FIGURE_HIDDEN);
        assert_int_equal(b.rounds.positive_tubes, FIGURE_HIDDEN);
        assert_int_equal(b.rounds.voluntary, FIGURE_HIDDEN);
        assert_int_equal(b.rounds.swabs, 10);
        assert_int_equal(b.rounds.decided, 10);
        assert_int_equal(b.rounds.covered, 10);
        assert_int_equal(b.rounds.target, 20);
        assert_ok(bulletin_write_text(&b, NULL, false, 200, &text, &err), err);
        assert_non_null(strstr(buf_cstr(&text), "positive: * (*)"));
        bulletin_clear(&b);
        buf_clear(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_sums_by_hand),
        cmocka_unit_test(who_is_swabbed_again_is_one),
        cmocka_unit_test(a_late_sheet_restates_the_day),
        cmocka_unit_test(the_public_sees_no_small_cell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Voluntary tests (愿检尽检): a booking is done by its person's swab, in the transaction of the swab, whichever was told first; which one, and what is left of it when the swab is withdrawn.
 * On each store. The declaration that does it: registers/testing/swab.yaml, `effects`; how: ledger/effect.h. */
#include "desks/person.h"
#include "desks/testing/sampling.h"
#include "sampling.h"

static const char *const cards[] = {"11010519491231002X", "440524188001010014", "310115199001011232", "320311770706001"};

static int64_t known(struct test_ledger *t, int i) {
    return test_record(t, "person", "name", "王小明", "doc_type", "id-card", "doc_no", cards[i]);
}

static int64_t slot_at(struct test_ledger *t, const struct sample_ground *g, const char *from) {
    const char *until = arena_printf(&t->a, "%.11s%s", from, strcmp(from + 11, "23:00") < 0 ? "23:30" : "23:59");
    struct error err = {0};
    struct draft *d = test_draft(t, "appointment_slot", DRAFT_ENSURE, "site", test_id(t, g->site), "starts_at", from, "ends_at", until, "places", "100", NULL);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}

static int64_t booking(struct test_ledger *t, int64_t person, const char *requested, int64_t slot) {
    if (!slot) return test_record(t, "voluntary_test", "person", test_id(t, person), "requested_at", requested);
    return test_record(t, "voluntary_test", "person", test_id(t, person), "requested_at", requested, "slot", test_id(t, slot));
}

static struct draft *swab_told(struct test_ledger *t, int64_t person, int64_t tube, const char *at, const char *turn) {
    return test_draft(t, "swab", DRAFT_CREATE, "person", test_id(t, person), "tube", test_id(t, tube), "swabbed_at", at, "turn", turn, NULL);
}

static int64_t taken_at(struct test_ledger *t, int64_t person, int64_t tube, const char *at, const char *turn) {
    struct error err = {0};
    struct draft *d = swab_told(t, person, tube, at, turn);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}

/* Its state, and the swab that it says did it. */
static void is(struct test_ledger *t, int64_t id, const char *state, int64_t by) {
    const char *sql = arena_printf(&t->a, "SELECT COUNT(*) FROM \"voluntary_test\" WHERE \"id\"=%lld AND \"state\"='%s' AND COALESCE(\"swab\",0)=%lld", (long long)id, state, (long long)by);
    if (test_count(t, sql) != 1) fail_msg("booking %lld is not %s by %lld", (long long)id, state, (long long)by);
}

static int64_t cell_of(struct test_ledger *t, const char *reg, const char *field, int64_t id) {
    return test_count(t, arena_printf(&t->a, "SELECT COALESCE(\"%s\",0) FROM \"%s\" WHERE \"id\"=%lld", field, reg, (long long)id));
}

static void led_to(struct test_ledger *t, const char *reg, int64_t id, const char *field, const char *to) {
    struct error err = {0};
    struct draft *d = test_draft(t, reg, DRAFT_CHANGE, field, to, NULL);
    d->id = id;
    assert_ok(test_write(t, d, &err), err);
}

/* Who takes another slot has its times and its place, not those of the one he left; a tube that goes into another box goes where that goes. A word of its own stays. */
static void who_takes_another_slot_comes_at_its_time(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t early = slot_at(&t, &g, "2022-09-01T18:00"), late = slot_at(&t, &g, "2022-09-01T20:00"), of = booking(&t, person_of(&t, 1), "2022-09-01T12:00", early);
        int64_t evening = test_at("2022-09-01T20:00");
        assert_int_equal(cell_of(&t, "voluntary_test", "starts_at", of), test_at("2022-09-01T18:00"));
        led_to(&t, "voluntary_test", of, "slot", test_id(&t, late));
        assert_int_equal(cell_of(&t, "voluntary_test", "starts_at", of), evening);
        assert_int_equal(cell_of(&t, "voluntary_test", "ends_at", of), test_at("2022-09-01T23:30"));
        led_to(&t, "voluntary_test", of, "starts_at", "2022-09-01T20:30"); /* agreed with him */
        led_to(&t, "voluntary_test", of, "slot", test_id(&t, early));
        assert_int_equal(cell_of(&t, "voluntary_test", "starts_at", of), test_at("2022-09-01T20:30"));
        assert_int_equal(cell_of(&t, "voluntary_test", "site", of), g.site);
        led_to(&t, "voluntary_test", of, "slot", "");
        assert_int_equal(cell_of(&t, "voluntary_test", "site", of), 0);
        int64_t labs[2], boxes[2], tube = tube_of(&t, &g, "A1", "10");
        for (int i = 0; i < 2; i++) {
            labs[i] = test_record(&t, "laboratory", "title", i ? "乙实验室" : "甲实验室");
            boxes[i] = test_record(&t, "box", "barcode", i ? "B2" : "B1", "site", test_id(&t, g.site), "laboratory", test_id(&t, labs[i]));
        }
        for (int i = 0; i < 2; i++) {
            led_to(&t, "tube", tube, "box", test_id(&t, boxes[i]));
            assert_int_equal(cell_of(&t, "tube", "laboratory", tube), labs[i]);
        }
    }
}

/* One by one and as a batch, by the desk that every table, device and sheet goes through; who was not swabbed stays booked; what is sent again moves nothing. */
static void a_swab_does_what_was_booked(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct sampling *x = NULL;
        struct error err = {0};
        int64_t slot = slot_at(&t, &g, "2022-09-01T18:00"), of[4];
        assert_ok(sampling_new(&x, &err), err);
        for (int i = 0; i < 4; i++) of[i] = booking(&t, known(&t, i), "2022-09-01T12:00", slot);
        for (int sent = 0; sent < 3; sent++) {
            struct sampling_row rows[4];
            for (int i = 0; i < 4; i++)
                rows[i] = (struct sampling_row){.barcode = TEXT("A1"), .doc_no = text_of(i < 3 ? cards[i] : ""), .temporary = i < 3 ? TEXT("") : TEXT("L-1"), .table = g.table, .round = g.round,
                                                .swabbed_at = test_at(SAMPLING_NOW)};
            assert_ok(sampling_take(x, t.l, &t.s, INSTANT_NONE, rows, 1, &t.a, &err), err);
            assert_ok(sampling_take(x, t.l, &t.s, INSTANT_NONE, rows + 1, 3, &t.a, &err), err);
            for (int i = 0; i < 3; i++) is(&t, of[i], "done", rows[i].swab->ret_id);
            is(&t, of[3], "booked", 0);
            assert_int_equal(test_count(&t, "SELECT MAX(\"version\") FROM \"voluntary_test\""), 2);
        }
        sampling_free(x);
    }
}

/* Which of the bookings of a person it is. */
static void the_nearest_booking_is_meant(void **state) {
    static const struct { const char *requested, *slot, *swabbed, *left; bool other_round, done; } cases[] = {
        {"2022-08-31T12:00", "2022-09-01T18:00", "2022-09-01T17:00", "booked", false, true},
        {"2022-08-31T12:00", "2022-09-01T12:00", "2022-09-01T17:00", "booked", false, true},   /* came late */
        {"2022-08-31T12:00", "2022-08-31T23:00", "2022-09-01T08:10", "booked", false, true},   /* queued past midnight */
        {"2022-08-31T12:00", "2022-09-02T18:00", "2022-09-01T17:00", "booked", false, false},  /* tomorrow's is for tomorrow */
        {"2022-08-30T12:00", "2022-08-31T18:00", "2022-09-01T17:00", "booked", false, false},  /* who did not come yesterday */
        {"2022-09-01T10:00", "2022-09-01T16:00", "2022-09-01T09:00", "booked", false, false},  /* booked after that swab: another is wished */
        {"2022-08-31T12:00", NULL, "2022-09-01T17:00", "booked", false, true},                 /* without a time: the next swab */
        {"2022-09-01T12:00", NULL, "2022-09-01T11:00", "booked", false, false},
        {"2022-08-31T12:00", "2022-09-01T17:00", "2022-09-01T17:00", "cancelled", false, false},
        {"2022-08-31T12:00", "2022-09-01T16:00", "2022-09-01T17:00", "missed", false, true},   /* came after all, or the device told late */
        {"2022-08-31T12:00", "2022-09-01T17:00", "2022-09-01T17:00", "booked", true, false},   /* a slot of another round */
    };
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t tube = tube_of(&t, &g, "A1", "20"), later = test_record(&t, "round", "campaign", test_id(&t, g.campaign), "seq", "2", "starts_at", "2022-09-02T08:00");
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int64_t who = person_of(&t, (int)i), slot = cases[i].slot ? slot_at(&t, &g, cases[i].slot) : 0, of;
            if (cases[i].other_round) {
                struct draft *d = test_draft(&t, "appointment_slot", DRAFT_CHANGE, "round", test_id(&t, later), NULL);
                d->id = slot;
                assert_ok(test_write(&t, d, &err), err);
            }
            of = booking(&t, who, cases[i].requested, slot);
            if (strcmp(cases[i].left, "booked") != 0) sample_open(&t, "voluntary_test", of, cases[i].left);
            int64_t by = taken_at(&t, who, tube, cases[i].swabbed, "1");
            is(&t, of, cases[i].done ? "done" : cases[i].left, cases[i].done ? by : 0);
        }
        /* of several the nearest, and of one swab only one; the next swab of the round is not theirs who were swabbed for it */
        int64_t who = person_of(&t, 99), none = booking(&t, who, "2022-08-31T09:00", 0), morning = booking(&t, who, "2022-08-31T10:00", slot_at(&t, &g, "2022-09-01T09:00"));
        int64_t evening = booking(&t, who, "2022-08-31T11:00", slot_at(&t, &g, "2022-09-01T17:05"));
        int64_t first = taken_at(&t, who, tube, "2022-09-01T17:00", "1");
        is(&t, evening, "done", first);
        is(&t, morning, "booked", 0);
        is(&t, none, "booked", 0);
        int64_t second = taken_at(&t, who, tube_of(&t, &g, "A2", "1"), "2022-09-01T17:10", "2");
        is(&t, morning, "done", second);
        is(&t, none, "booked", 0);
    }
}

/* A booking told after the swab; a swab that is withdrawn or corrected; two records of one person. */
static void whichever_was_told_first(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t tube = tube_of(&t, &g, "A1", "20"), who = person_of(&t, 1), slot = slot_at(&t, &g, "2022-09-01T17:00"), moved = 0;
        int64_t by = taken_at(&t, who, tube, "2022-09-01T17:10", "1"), of = booking(&t, who, "2022-09-01T09:00", slot), next = booking(&t, who, "2022-09-01T09:30", slot);
        is(&t, of, "done", by);
        is(&t, next, "booked", 0); /* one swab, one booking */
        int64_t again = taken_at(&t, who, tube_of(&t, &g, "A2", "1"), "2022-09-01T17:20", "2");
        is(&t, next, "done", again);
        struct draft *d = test_draft(&t, "swab", DRAFT_CHANGE, "swabbed_at", "2022-08-30T17:10", NULL);
        d->id = by; /* it was two days before: no booking's */
        assert_ok(test_write(&t, d, &err), err);
        is(&t, of, "booked", 0);
        d = test_draft(&t, "swab", DRAFT_REMOVE, NULL);
        d->id = again;
        assert_ok(test_write(&t, d, &err), err);
        is(&t, next, "booked", 0);
        d = test_draft(&t, "swab", DRAFT_CHANGE, "swabbed_at", "2022-09-01T17:10", NULL);
        d->id = by;
        assert_ok(test_write(&t, d, &err), err);
        is(&t, of, "done", by);
        /* the booking by card, the swab by code: done when the two are known to be one, and done once */
        int64_t card = person_of(&t, 2), code = person_of(&t, 3), booked = booking(&t, card, "2022-09-01T09:00", slot), taken = taken_at(&t, code, tube, "2022-09-01T17:15", "1");
        is(&t, booked, "booked", 0);
        assert_ok(person_merge(t.l, &t.s, card, code, &moved, &err), err);
        is(&t, booked, "done", taken);
        int64_t a = person_of(&t, 4), b = person_of(&t, 5), of_a = booking(&t, a, "2022-09-01T09:00", slot), of_b = booking(&t, b, "2022-09-01T09:00", slot);
        taken = taken_at(&t, b, tube, "2022-09-01T17:15", "1");
        is(&t, of_b, "done", taken);
        assert_ok(person_merge(t.l, &t.s, a, b, &moved, &err), err);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"voluntary_test\" WHERE \"id\" IN (%lld,%lld) AND \"state\"='done' AND \"swab\"=%lld", (long long)of_a, (long long)of_b, (long long)taken)), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_another_slot_comes_at_its_time),
        cmocka_unit_test(a_swab_does_what_was_booked),
        cmocka_unit_test(the_nearest_booking_is_meant),
        cmocka_unit_test(whichever_was_told_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sampling: one person, one round, one swab; a tube that is full closes itself and is never opened again; nobody is lost and nobody is counted twice. */
#include "sampling.h"

static void a_tube_takes_what_it_holds_and_closes(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t) {
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

/* In one transaction too: what does not fit is refused, row by row, and what was removed makes room. */
static void a_batch_overfills_no_tube(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t) {
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
    EACH_STORE(t) {
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
    EACH_STORE(t) {
        struct sample_ground g = ground(&t);
        int64_t tube = tube_of(&t, &g, "T1", "2"), who = person_of(&t, 0);
        struct error err = {0};
        test_record(&t, "stay", "person", test_id(&t, who), "kind", "central", "started_at", "2022-09-01T08:00", "exposure", "2022-08-31", "class", "close");
        static const char owed[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='central-tests' AND \"paid\"<>0";
        swab_of(&t, &g, who, tube);
        swab_of(&t, &g, person_of(&t, 1), tube);
        assert_int_equal(test_count(&t, owed), 0);
        struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "negative", NULL);
        d->id = tube;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\"='negative'"), 2);
        assert_int_equal(test_count(&t, owed), 1);
    }
}

static void a_slot_takes_its_places(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t slot = test_record(&t, "appointment_slot", "site", test_id(&t, g.site), "starts_at", "2022-09-01T18:00", "ends_at", "2022-09-01T19:00", "places", "2");
        for (int i = 0; i < 2; i++) test_record(&t, "voluntary_test", "person", test_id(&t, person_of(&t, i)), "slot", test_id(&t, slot), "requested_at", "2022-09-01T12:00");
        struct draft *d = test_draft(&t, "voluntary_test", DRAFT_CREATE, "person", test_id(&t, person_of(&t, 2)), "slot", test_id(&t, slot), "requested_at", "2022-09-01T12:00", NULL);
        assert_int_equal(test_write(&t, d, &err), E_REFUSED);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"appointment_slot\" WHERE \"state\"='full'"), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tube_takes_what_it_holds_and_closes),
        cmocka_unit_test(a_batch_overfills_no_tube),
        cmocka_unit_test(a_person_is_swabbed_once_a_round),
        cmocka_unit_test(a_verdict_decides_every_member),
        cmocka_unit_test(a_slot_takes_its_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

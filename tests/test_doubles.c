/* Probable doubles: a second report card of a person near the first one is told to whoever records it, listed until it is settled, and never refused. */
#include "ledgers.h"

#include "desks/doubles.h"

static const char *const NOW = "2022-12-31T10:00";

static struct draft *card(struct test_ledger *t, int64_t who, const char *disease, const char *date) {
    struct error err = {0};
    struct draft *d = test_draft(t, "case", DRAFT_CREATE, "person", test_id(t, who), "disease", disease, "classification", "confirmed", NULL);
    if (date) assert_ok(draft_set(t->l, d, &t->a, TEXT("report_date"), text_of(date), &err), err);
    return d;
}

/* Records the card; returns the record it is told to be a double of. */
static int64_t told(struct test_ledger *t, struct draft *d) {
    struct error err = {0};
    assert_ok(test_write(t, d, &err), err);
    return d->ret_similar;
}

static int collect(const struct double_pair *p, void *arg) {
    int64_t *out = arg;
    assert_true(p->earlier->id < p->later->id);
    out[1 + 2 * out[0]] = p->earlier->id;
    out[2 + 2 * out[0]] = p->later->id;
    out[0]++;
    return 0;
}

static int64_t listed(struct test_ledger *t, const struct session *s, int64_t pairs[64]) {
    struct error err = {0};
    pairs[0] = 0;
    assert_ok(doubles_list(t->l, NULL, s, register_find(t->l->catalog, TEXT("case")), (struct text){"", 0}, 20, collect, pairs, &err), err);
    return pairs[0];
}

static void change(struct test_ledger *t, int64_t id, const char *state, const char *field, const char *input, int expected) {
    struct error err = {0};
    struct draft *d = test_draft(t, "case", DRAFT_CHANGE, field, input, NULL);
    d->id = id;
    d->state = text_of(state);
    assert_int_equal(test_write(t, d, &err), expected);
}

static void a_register_without_doubles_is_refused(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t pairs[64] = {0};
        assert_int_equal(doubles_list(t.l, NULL, &t.s, register_find(t.l->catalog, TEXT("place")), (struct text){"", 0}, 1, collect, pairs, &err), E_USAGE);
    }
}

static void a_near_card_is_told_and_a_far_one_is_not(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = test_record(&t, "person", "name", "病例甲"), other = test_record(&t, "person", "name", "病例乙"), pairs[64];
        struct draft *first = card(&t, who, "covid-19", "2022-03-01");
        assert_int_equal(told(&t, first), 0);
        assert_int_equal(told(&t, card(&t, other, "covid-19", "2022-03-02")), 0); /* another person */
        assert_int_equal(told(&t, card(&t, who, "measles", "2022-03-02")), 0);    /* another disease */
        assert_int_equal(told(&t, card(&t, who, "covid-19", "2022-12-01")), 0);   /* 275 days later: ill again */
        struct draft *near = card(&t, who, "covid-19", "2022-05-30");
        assert_int_equal(told(&t, near), first->ret_id); /* 90 days */
        struct draft *unknown = card(&t, other, "covid-19", NULL);
        assert_true(told(&t, unknown) > 0); /* a date nobody knows tells nothing apart */
        assert_int_equal(listed(&t, &t.s, pairs), 2);
        assert_int_equal(pairs[2], unknown->ret_id);
        assert_int_equal(pairs[3], first->ret_id);
        assert_int_equal(pairs[4], near->ret_id);
        struct session nobody = t.s;
        nobody.n_grants = 0;
        assert_int_equal(listed(&t, &nobody, pairs), 0);
    }
}

static void a_pair_is_settled_by_a_fact(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = test_record(&t, "person", "name", "病例丙"), pairs[64];
        struct draft *a = card(&t, who, "covid-19", "2022-03-01"), *b = card(&t, who, "covid-19", "2022-03-05"), *c = card(&t, who, "covid-19", "2022-03-09");
        told(&t, a);
        told(&t, b);
        told(&t, c);
        assert_int_equal(listed(&t, &t.s, pairs), 3);
        change(&t, b->ret_id, NULL, "duplicate_of", test_id(&t, a->ret_id), E_INVALID); /* a double is excluded, or is none */
        change(&t, b->ret_id, "excluded", "duplicate_of", test_id(&t, a->ret_id), 0);
        assert_int_equal(listed(&t, &t.s, pairs), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" o WHERE o.\"state\" = 'open' AND o.\"record\" IN (SELECT \"id\" FROM \"case\" WHERE "
                                        "\"state\" = 'excluded')"), 0);
        change(&t, c->ret_id, NULL, "reinfection", "yes", 0);
        assert_int_equal(listed(&t, &t.s, pairs), 0);
        struct draft *d = card(&t, who, "covid-19", "2022-03-10");
        assert_int_equal(told(&t, d), a->ret_id); /* a double of a reinfection is one as well */
        assert_int_equal(listed(&t, &t.s, pairs), 2);
    }
}

/* In one batch, before anything is in the store; a removed one is nobody's double. */
static void doubles_of_one_batch_are_told(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t who = test_record(&t, "person", "name", "病例丁");
        struct draft *two[] = {card(&t, who, "covid-19", "2022-03-01"), card(&t, who, "covid-19", "2022-03-05")};
        assert_ok(record_write(t.l, &t.s, two, 2, &err), err);
        assert_int_equal(two[0]->ret_similar, 0);
        assert_int_equal(two[1]->ret_similar, two[0]->ret_id);
        for (size_t i = 0; i < 2; i++) {
            struct draft *gone = test_draft(&t, "case", DRAFT_REMOVE, NULL);
            gone->id = two[i]->ret_id;
            assert_ok(test_write(&t, gone, &err), err);
        }
        assert_int_equal(told(&t, card(&t, who, "covid-19", "2022-03-05")), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_register_without_doubles_is_refused),
        cmocka_unit_test(a_near_card_is_told_and_a_far_one_is_not),
        cmocka_unit_test(a_pair_is_settled_by_a_fact),
        cmocka_unit_test(doubles_of_one_batch_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

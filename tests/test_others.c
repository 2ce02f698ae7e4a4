/* Nobody is his own contact, and no record is its own source: refused with the field where it is written, and no merge fails for it. */
#include "ledgers.h"

#include "desks/person.h"

static const char *const NOW = "2022-05-30T10:00";

static int64_t case_of(struct test_ledger *t, int64_t person) {
    return test_record(t, "case", "person", test_id(t, person), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
}

static void refused(struct test_ledger *t, struct draft *d, const char *field, const char *en, const char *zh) {
    struct error err = {0};
    assert_int_equal(test_write(t, d, &err), E_INVALID);
    assert_string_equal(err.where, field);
    assert_non_null(strstr(err.message, en));
    assert_non_null(strstr(err.message, zh));
}

static struct draft *change(struct test_ledger *t, const char *reg, int64_t id, const char *field, int64_t to) {
    struct draft *d = test_draft(t, reg, DRAFT_CHANGE, field, test_id(t, to), NULL);
    d->id = id;
    return d;
}

static void nobody_is_his_own_contact(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟"), b = test_record(&t, "person", "name", "李娜");
        int64_t ca = case_of(&t, a), cb = case_of(&t, b);
        static const char *const same = "same person", *const zh = "本人";
        refused(&t, test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, a), "index_case", test_id(&t, ca), "last_contact", "2022-05-28", NULL), "index_case", same, zh);
        refused(&t, test_draft(&t, "contact", DRAFT_UPSERT, "person", test_id(&t, a), "index_person", test_id(&t, a), "last_contact", "2022-05-28", NULL), "index_person", same, zh);
        int64_t met = test_record(&t, "contact", "person", test_id(&t, b), "index_case", test_id(&t, ca), "last_contact", "2022-05-28");
        refused(&t, test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, b), "index_contact", test_id(&t, met), "class", "secondary", NULL), "index_contact", same, zh);
        refused(&t, change(&t, "contact", met, "index_case", cb), "index_case", same, zh);
        refused(&t, change(&t, "contact", met, "person", a), "index_case", same, zh);
        /* a list: the case of the same batch, and what else is in it stands */
        struct draft *list[] = {test_draft(&t, "case", DRAFT_CREATE, "person", test_id(&t, a), "disease", "covid-19", "classification", "suspected", "report_date", "2022-01-29", NULL),
                                test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, a), "last_contact", "2022-01-28", NULL),
                                test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, b), "last_contact", "2022-01-28", NULL)};
        size_t at = (size_t)register_field(list[1]->reg, TEXT("index_case"));
        for (int i = 1; i < 3; i++) {
            list[i]->links = arena_alloc(&t.a, list[i]->reg->n_fields * sizeof *list[i]->links);
            list[i]->links[at] = 1;
        }
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, list, 3, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        assert_int_equal(list[0]->outcome, OUTCOME_CREATED);
        assert_int_equal(list[1]->outcome, OUTCOME_REJECTED);
        assert_string_equal(list[1]->error.where, "index_case");
        assert_int_equal(list[2]->outcome, OUTCOME_CREATED);
    }
}

static void a_merge_leaves_what_was_recorded(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟"), b = test_record(&t, "person", "name", "張偉"), moved = 0;
        int64_t met = test_record(&t, "contact", "person", test_id(&t, b), "index_case", test_id(&t, case_of(&t, a)), "last_contact", "2022-05-28");
        assert_ok(person_merge(t.l, &t.s, a, b, &moved, &err), err);
        assert_int_equal(moved, 1);
        struct draft *d = test_draft(&t, "contact", DRAFT_CHANGE, "note", "本人", NULL); /* other cells are still corrected */
        d->id = met;
        assert_ok(test_write(&t, d, &err), err);
        assert_ok(person_unmerge(t.l, &t.s, b, &moved, &err), err);
        assert_int_equal(moved, 1);
    }
}

static void no_record_refers_to_itself(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        int64_t a = test_record(&t, "person", "name", "张伟"), one = case_of(&t, a), organisation = test_record(&t, "organisation", "title", "x", "kind", "other");
        int64_t two = test_record(&t, "case", "person", test_id(&t, a), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-01-29", "source_case", test_id(&t, one));
        refused(&t, change(&t, "case", one, "source_case", one), "source_case", "itself", "自身");
        refused(&t, change(&t, "case", two, "duplicate_of", two), "duplicate_of", "itself", "自身");
        refused(&t, change(&t, "organisation", organisation, "parent", organisation), "parent", "itself", "自身");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_is_his_own_contact), cmocka_unit_test(a_merge_leaves_what_was_recorded), cmocka_unit_test(no_record_refers_to_itself)};
    return cmocka_run_group_tests_name("others", tests, NULL, NULL);
}

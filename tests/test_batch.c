/* What one draft of a batch leaves for the others, and what one process leaves for the other: nothing that is not so. */
#include "duties.h"
#include "ledgers.h"

#include "desks/person.h"
#include "desks/plan.h"

static const char *const NOW = "2022-05-30T10:00";

static void batch(struct test_ledger *t, struct draft **drafts, size_t n) {
    struct error err = {0};
    assert_ok(ledger_begin(t->l, &err), err);
    assert_ok(record_apply(t->l, &t->s, drafts, n, &err), err);
    assert_ok(ledger_commit(t->l, t->s.now, &err), err);
}

static void a_removed_record_is_gone_for_the_rest(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        int64_t p = test_record(&t, "person", "name", "张伟"), index = test_record(&t, "person", "name", "李四");
        int64_t of = test_record(&t, "case", "person", test_id(&t, index), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
        int64_t edge = test_record(&t, "contact", "person", test_id(&t, p), "index_case", test_id(&t, of), "last_contact", "2022-05-28");
        struct draft *drafts[] = {
            test_draft(&t, "contact", DRAFT_REMOVE, NULL),
            test_draft(&t, "contact", DRAFT_UPSERT, "person", test_id(&t, p), "index_case", test_id(&t, of), "last_contact", "2022-05-28", NULL),
            test_draft(&t, "person", DRAFT_REMOVE, NULL),
            test_draft(&t, "case", DRAFT_CREATE, "person", test_id(&t, p), "disease", "covid-19", "classification", "confirmed", "report_date",
                       "2022-05-29", NULL),
        };
        drafts[0]->id = edge;
        drafts[2]->id = p;
        batch(&t, drafts, 4);
        if (drafts[1]->outcome == OUTCOME_REJECTED) fail_msg("%s %s", drafts[1]->error.message, drafts[1]->error.where);
        assert_int_equal(drafts[1]->outcome, OUTCOME_CREATED); /* the same key, a new record */
        assert_true(drafts[1]->ret_id != edge);
        assert_int_equal(drafts[2]->outcome, OUTCOME_REMOVED);
        assert_int_equal(drafts[3]->outcome, OUTCOME_REJECTED); /* nobody to refer to */
        assert_int_equal(drafts[3]->error.code, E_INVALID);
    }
}

static size_t found(struct test_ledger *t, const char *phone) {
    struct error err = {0};
    int64_t *ids = NULL;
    size_t n = 0;
    assert_ok(person_find(t->l, NULL, BLIND_PHONE, text_of(phone), &t->a, &ids, &n, &err), err);
    return n;
}

static void a_person_is_found_by_what_holds_last(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        int64_t p = test_record(&t, "person", "name", "张伟", "phone", "13800138000");
        struct draft *drafts[3];
        static const char *const phones[] = {"13900139000", "13800138000", "13700137000"};
        for (size_t i = 0; i < 3; i++) {
            drafts[i] = test_draft(&t, "person", DRAFT_CHANGE, "phone", phones[i], NULL);
            drafts[i]->id = p;
        }
        batch(&t, drafts, 2); /* away and back */
        assert_int_equal(found(&t, "13900139000"), 0);
        assert_int_equal(found(&t, "13800138000"), 1);
        batch(&t, drafts + 2, 1);
        assert_int_equal(found(&t, "13800138000"), 0);
        assert_int_equal(found(&t, "13700137000"), 1);
    }
}

/* A draft may be applied again after its transaction was rolled back. */
static void a_draft_can_be_applied_again(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t p = test_record(&t, "person", "name", "张伟"), index = test_record(&t, "person", "name", "李四");
        int64_t of = test_record(&t, "case", "person", test_id(&t, index), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
        struct draft *d = test_draft(&t, "contact", DRAFT_UPSERT, "person", test_id(&t, p), "index_case", test_id(&t, of), "last_contact", "2022-05-28", NULL);
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, &d, 1, &err), err);
        ledger_rollback(t.l);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\""), 0);
        batch(&t, &d, 1);
        assert_int_equal(d->outcome, OUTCOME_CREATED);
        struct draft *again = test_draft(&t, "contact", DRAFT_UPSERT, "person", test_id(&t, p), "index_case", test_id(&t, of), "last_contact", "2022-05-28", NULL);
        batch(&t, &again, 1);
        assert_int_equal(again->outcome, OUTCOME_UNCHANGED);
        assert_true(again->ret_id == d->ret_id);
    }
}

static int adopt(struct ledger *l, const struct session *s, const char *pack, struct error *err) {
    struct plan_adoption a = {.pack = text_of(pack), .region = l->region, .from = day_of_civil((struct civil){2022, 1, 1}), .reason = TEXT("new edition"), .approver = TEXT("command")};
    int64_t id = 0;
    return plan_adopt(l, s, &a, &id, NULL, err);
}

/* An adoption of this process that did not reach the store must not hide the one of another. */
static void a_failed_adoption_hides_no_other(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2021-v8", NOW) {
        struct error err = {0};
        struct ledger *other = NULL;
        assert_ok(ledger_open(&t.o, &other, &err), err);
        size_t before = t.l->n_adoptions;
        struct draft *d = test_draft(&t, "adoption", DRAFT_CREATE, "disease", "covid-19", "pack", "covid-2022-v9", "from_day", "2022-01-01", "reason", "x", "approver", "y", NULL);
        d->region = TEXT("310115");
        struct buf yaml = {0};
        assert_ok(file_read(arena_printf(&t.a, "%s/policies/covid-2022-v9.yaml", t.o.home), 1 << 20, &yaml, &err), err);
        d->values[register_field(d->reg, TEXT("content"))] = value_text(buf_view(&yaml));
        d->values[register_field(d->reg, TEXT("digest"))] = value_str("-");
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, &d, 1, &err), err);
        if (d->outcome != OUTCOME_CREATED) fail_msg("%s %s", d->error.message, d->error.where);
        assert_int_equal(t.l->n_adoptions, before + 1);
        journal_abandon(&t.l->journal); /* the commit will fail after it was counted */
        assert_int_equal(ledger_commit(t.l, t.s.now, &err), E_USAGE);
        err = (struct error){0};
        assert_int_equal(t.l->n_adoptions, before);
        assert_ok(adopt(other, &t.s, "covid-2022-20", &err), err);
        assert_ok(ledger_begin(t.l, &err), err);
        assert_int_equal(t.l->n_adoptions, before + 1);
        ledger_rollback(t.l);
        buf_clear(&yaml);
        ledger_close(other);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_removed_record_is_gone_for_the_rest),
        cmocka_unit_test(a_person_is_found_by_what_holds_last),
        cmocka_unit_test(a_draft_can_be_applied_again),
        cmocka_unit_test(a_failed_adoption_hides_no_other),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

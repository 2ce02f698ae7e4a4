/* People: merging loses nothing and can be undone, erasing leaves nobody recognisable. */
#include "duties.h"
#include "ledgers.h"

#include "desks/person.h"
#include "desks/retention.h"
#include "ledger/table.h"

static const char *const NOW = "2022-05-30T10:00";

static void verify(struct test_ledger *t) {
    struct error err = {0};
    struct journal_verdict v;
    assert_ok(journal_verify(t->l->db, t->l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    if (v.bad_seq) fail_msg("%s", v.what);
}

static int64_t make_case(struct test_ledger *t, int64_t person) {
    return test_record(t, "case", "person", test_id(t, person), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-05-29");
}

static void refused_merges_change_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟");
        assert_int_equal(person_merge(t.l, &t.s, a, a, NULL, &err), E_CONFLICT);
        err = (struct error){0};
        assert_int_equal(person_merge(t.l, &t.s, a, 99999, NULL, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_int_equal(person_unmerge(t.l, &t.s, a, NULL, &err), E_CONFLICT);
        err = (struct error){0};
        assert_int_equal(person_erase(t.l, &t.s, a, &err), E_USAGE); /* no reason */
        assert_int_equal(test_count(&t, "SELECT MAX(\"version\") FROM \"person\""), 1);
        verify(&t);
    }
}

static void a_merge_carries_everything_and_can_be_undone(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟", "phone", "13800138000");
        int64_t b = test_record(&t, "person", "name", "張偉", "doc_type", "passport", "doc_no", "E12345678");
        int64_t index = make_case(&t, test_record(&t, "person", "name", "李四"));
        const char *case_id = test_id(&t, index);
        /* the same edge recorded for both: the natural keys meet, and neither record may be lost */
        test_record(&t, "contact", "person", test_id(&t, a), "index_case", case_id, "last_contact", "2022-05-28");
        test_record(&t, "contact", "person", test_id(&t, b), "index_case", case_id, "last_contact", "2022-05-28");
        test_record(&t, "test", "person", test_id(&t, b), "sampled_at", "2022-05-29T08:00", "result", "negative", "kind", "pcr");
        make_case(&t, b);
        struct person_twin *twins = NULL;
        size_t n = 0;
        assert_ok(person_twins(t.l, NULL, &t.s, a, &t.a, &twins, &n, &err), err);
        assert_int_equal(n, 1); /* simplified and traditional meet */
        assert_true(twins[0].person == b && twins[0].name && !twins[0].phone);
        struct person_child *before = NULL, *after = NULL;
        size_t n_before = 0, n_after = 0;
        assert_ok(person_children(t.l, NULL, b, &t.a, &before, &n_before, &err), err);
        assert_int_equal(n_before, 3);
        int64_t moved = 0;
        assert_ok(person_merge(t.l, &t.s, a, b, &moved, &err), err);
        assert_int_equal(moved, 3);
        assert_ok(person_children(t.l, NULL, a, &t.a, &after, &n_after, &err), err);
        assert_int_equal(n_after, 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\""), 2);
        int64_t *found = NULL;
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E12345678"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 1);
        assert_true(found[0] == a);
        assert_int_equal(person_merge(t.l, &t.s, a, b, NULL, &err), E_CONFLICT); /* already */
        err = (struct error){0};
        assert_ok(person_unmerge(t.l, &t.s, b, &moved, &err), err);
        assert_int_equal(moved, 3);
        assert_ok(person_children(t.l, NULL, b, &t.a, &after, &n_after, &err), err);
        assert_int_equal(n_after, n_before);
        for (size_t i = 0; i < n_after; i++) assert_true(before[i].id == after[i].id);
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, TEXT("E12345678"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 1);
        assert_true(found[0] == b);
        assert_ok(person_find(t.l, NULL, BLIND_NAME, TEXT("张伟"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 2);
        verify(&t);
    }
}

static void merges_are_undone_in_any_order(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW)
        for (int order = 0; order < 2; order++) {
            struct error err = {0};
            int64_t p[3], cases[3], moved = 0, index = make_case(&t, test_record(&t, "person", "name", "王芳"));
            for (int i = 0; i < 3; i++) {
                p[i] = test_record(&t, "person", "name", "张伟");
                cases[i] = make_case(&t, p[i]);
                static const char *const met[] = {"2022-05-28", "2022-05-29", "2022-05-27"}, *const found[] = {"2022-05-30T09:00", "2022-05-30T08:00", "2022-05-30T10:00"};
                test_record(&t, "contact", "person", test_id(&t, p[i]), "index_case", test_id(&t, index), "last_contact", met[i], "found_at", found[i]);
            }
            char *before = test_duties(&t);
            assert_ok(person_merge(t.l, &t.s, p[1], p[0], NULL, &err), err);
            assert_ok(person_merge(t.l, &t.s, p[2], p[1], NULL, &err), err);
            /* three who each owed it owe it once, on the days of the last exposure, eight hours after the first was found */
            const char *owed = "SELECT %s FROM \"obligation\" WHERE \"state\" = 'open' AND \"rule\" = '%s' AND \"holder\" IN (%lld,%lld,%lld)";
            const long long h[] = {(long long)p[0], (long long)p[1], (long long)p[2]};
            for (int k = 0; k < 2; k++)
                assert_int_equal(test_count(&t, arena_printf(&t.a, owed, "COUNT(*)", k ? "place-contact" : "end-observation", h[0], h[1], h[2])), 1);
            assert_int_equal(test_count(&t, arena_printf(&t.a, owed, "MAX(\"anchor\")", "end-observation", h[0], h[1], h[2])), day_of_instant(test_at("2022-05-29T12:00"), ZONE_CHINA_S));
            assert_int_equal(test_count(&t, arena_printf(&t.a, owed, "MAX(\"due_at\")", "place-contact", h[0], h[1], h[2])), test_at("2022-05-30T16:00"));
            assert_ok(person_unmerge(t.l, &t.s, p[order], &moved, &err), err);
            assert_int_equal(moved, order ? 4 : 2);
            assert_ok(person_unmerge(t.l, &t.s, p[!order], &moved, &err), err);
            assert_int_equal(moved, 2);
            for (int i = 0; i < 3; i++)
                assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT \"person\" FROM \"case\" WHERE \"id\" = %lld", (long long)cases[i])), p[i]);
            char *after = test_duties(&t);
            assert_string_equal(after, before);
            free(before);
            free(after);
            verify(&t);
        }
}

/* What was recorded of a contact while two were one is about whom the contact is about, and so are the duties that it raised and paid. */
static void what_was_recorded_meanwhile_goes_with_its_contact(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t p[2], contacts[2], moved = 0;
        for (int i = 0; i < 2; i++) {
            p[i] = test_record(&t, "person", "name", "张伟");
            contacts[i] = test_record(&t, "contact", "person", test_id(&t, p[i]), "last_contact", "2022-05-29", "found_at", NOW);
        }
        assert_ok(person_merge(t.l, &t.s, p[0], p[1], NULL, &err), err);
        int64_t stay = test_record(&t, "stay", "contact", test_id(&t, contacts[1]), "kind", "central", "started_at", NOW);
        int64_t fives = test_record(&t, "five_duties", "stay", test_id(&t, stay), "since", "2022-05-30");
        int64_t other = test_record(&t, "test", "person", test_id(&t, p[0]), "sampled_at", NOW, "result", "negative", "kind", "pcr");
        const char *person = "SELECT \"person\" FROM \"%s\" WHERE \"id\" = %lld", *owed = "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" = %lld AND \"rule\" = '%s' AND \"state\" = '%s'";
        assert_int_equal(test_count(&t, arena_printf(&t.a, person, "stay", (long long)stay)), p[0]);
        assert_ok(person_unmerge(t.l, &t.s, p[1], &moved, &err), err);
        assert_int_equal(moved, 3);
        assert_int_equal(test_count(&t, arena_printf(&t.a, person, "stay", (long long)stay)), p[1]);
        assert_int_equal(test_count(&t, arena_printf(&t.a, person, "five_duties", (long long)fives)), p[1]);
        assert_int_equal(test_count(&t, arena_printf(&t.a, person, "test", (long long)other)), p[0]);
        assert_int_equal(test_count(&t, arena_printf(&t.a, owed, (long long)p[1], "central-tests", "open")), 1);
        assert_int_equal(test_count(&t, arena_printf(&t.a, owed, (long long)p[0], "central-tests", "open")), 0);
        assert_int_equal(test_count(&t, arena_printf(&t.a, owed, (long long)p[0], "place-contact", "open")), 1);
        assert_int_equal(test_count(&t, arena_printf(&t.a, owed, (long long)p[1], "place-contact", "open")), 0);
        verify(&t);
    }
}


/* What an interview says is sealed with the key of its person: it is read and changed under whoever it is about now. */
static void what_is_sealed_goes_along(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("interview"));
        const int answers = register_field(reg, TEXT("answers"));
        int64_t a = test_record(&t, "person", "name", "张伟"), b = test_record(&t, "person", "name", "張偉"), c = test_record(&t, "person", "name", "李娜");
        int64_t said = test_record(&t, "interview", "case", test_id(&t, make_case(&t, b)), "at", "2022-05-29T09:00", "answers", "在市场");
        t.s.purpose = TEXT("test");
        for (int step = 0; step < 4; step++) {
            if (step == 1) assert_ok(person_merge(t.l, &t.s, a, b, NULL, &err), err);
            if (step == 2) assert_ok(person_unmerge(t.l, &t.s, b, NULL, &err), err);
            if (step == 3) { /* it was about somebody else */
                struct draft *d = test_draft(&t, "interview", DRAFT_CHANGE, "person", test_id(&t, c), NULL);
                d->id = said;
                assert_ok(test_write(&t, d, &err), err);
            }
            struct record r;
            assert_ok(record_get(t.l, NULL, &t.s, reg, said, &t.a, &r, &err), err);
            assert_ok(record_open(t.l, NULL, &t.s, &r, &t.a, &err), err);
            assert_true(text_is(value_view(r.values[answers]), step == 2 || step == 3 ? "在商店" : "在市场"));
            struct draft *d = test_draft(&t, "interview", DRAFT_CHANGE, "answers", step == 1 ? "在商店" : value_view(r.values[answers]).s, NULL);
            d->id = said;
            assert_ok(test_write(&t, d, &err), err);
        }
        t.s.reason = TEXT("request of the person");
        assert_ok(person_erase(t.l, &t.s, c, &err), err);
        struct record r;
        assert_ok(record_get(t.l, NULL, &t.s, reg, said, &t.a, &r, &err), err);
        assert_int_equal(record_open(t.l, NULL, &t.s, &r, &t.a, &err), E_UNKNOWN); /* nobody reads it any more */
        verify(&t);
    }
}

/* Who was erased is nobody to merge with; who was merged is not erased alone, while the other is known. */
static void erasure_and_merges_know_each_other(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟"), b = test_record(&t, "person", "name", "張偉"), c = test_record(&t, "person", "name", "李娜");
        t.s.reason = TEXT("request of the person");
        assert_ok(person_merge(t.l, &t.s, a, b, NULL, &err), err);
        assert_int_equal(person_erase(t.l, &t.s, b, &err), E_CONFLICT);
        err = (struct error){0};
        struct vault_key key;
        assert_ok(vault_person_key(t.l->vault, t.l->db, b, &key, &err), err);
        assert_ok(person_erase(t.l, &t.s, a, &err), err); /* with him who was merged into him */
        assert_int_equal(vault_person_key(t.l->vault, t.l->db, b, &key, &err), E_UNKNOWN);
        const int64_t pairs[][2] = {{a, c}, {c, a}};
        for (int i = 0; i < 2; i++) {
            err = (struct error){0};
            assert_int_equal(person_merge(t.l, &t.s, pairs[i][0], pairs[i][1], NULL, &err), E_CONFLICT);
            assert_non_null(strstr(err.message, "erased"));
        }
        verify(&t);
    }
}

struct told {
    struct test_ledger *t;
    size_t entries, cells;
};

/* Cells of a history that have a value: the fields that outlive a person, and none of the others. */
static int tell_cells(const struct journal_entry *e, void *arg) {
    struct told *x = arg;
    const struct register_decl *reg = register_find(x->t->l->catalog, TEXT("person"));
    struct error err = {0};
    x->entries++;
    for (int k = 0; k < 2; k++) {
        size_t pos = 0, code = 0;
        struct value v;
        while (journal_cells_next(k ? e->before : e->after, &pos, &code, &v, &err) > 0) {
            int f = table_field_of(x->t->l->tables[reg->order], code);
            x->cells += f >= 0 && value_given(v);
            if (f >= 0 && value_given(v)) assert_true(record_outlives(&reg->fields[f]));
        }
    }
    return 0;
}

static void an_erased_person_cannot_be_opened_or_found(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t a = test_record(&t, "person", "name", "张伟", "phone", "13800138000", "sex", "male", "work_unit", "某某公司");
        struct test_ledger *p = &t;
        make_case(p, a);
        t.s.reason = TEXT("request of the person");
        assert_ok(person_erase(t.l, &t.s, a, &err), err);
        t.s.purpose = TEXT("curiosity");
        struct record r;
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("person"));
        assert_ok(record_get(t.l, NULL, &t.s, reg, a, &t.a, &r, &err), err);
        assert_int_equal(r.values[register_field(reg, TEXT("name"))].kind, VALUE_NULL);
        assert_int_equal(r.values[register_field(reg, TEXT("work_unit"))].kind, VALUE_NULL);
        assert_int_equal(r.values[register_field(reg, TEXT("sex"))].kind, VALUE_TEXT);
        struct vault_key key;
        assert_int_equal(vault_person_key(t.l->vault, t.l->db, a, &key, &err), E_UNKNOWN);
        err = (struct error){0};
        int64_t *found = NULL;
        size_t n = 1;
        assert_ok(person_find(t.l, NULL, BLIND_PHONE, TEXT("13800138000"), &t.a, &found, &n, &err), err);
        assert_int_equal(n, 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\""), 1); /* it still counts */
        struct told told = {.t = &t};
        assert_ok(record_history(t.l, NULL, &t.s, reg, a, tell_cells, &told, &err), err);
        assert_int_equal(told.entries, 2); /* made, and emptied */
        assert_int_equal(told.cells, 1); /* the sex */
        verify(&t);
    }
}

static void what_is_past_its_time_goes_and_nothing_else(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t gone = test_record(&t, "person", "name", "张伟"), stays = test_record(&t, "person", "name", "李娜");
        const char *index = test_id(&t, make_case(&t, stays));
        test_record(&t, "contact", "person", test_id(&t, gone), "index_case", index, "last_contact", "2022-05-28");
        struct retention_report r;
        assert_ok(retention_run(t.l, &t.s, true, &r, &err), err);
        for (size_t i = 0; i < r.n; i++) assert_int_equal(r.registers[i].due, 0);
        retention_report_clear(&r);
        t.s.now = test_at("2024-01-01T00:00"); /* the contact is past a year, the person not past three */
        assert_ok(retention_run(t.l, &t.s, true, &r, &err), err);
        retention_report_clear(&r);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\""), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
        t.s.now = test_at("2026-01-01T00:00");
        assert_ok(retention_run(t.l, &t.s, false, &r, &err), err); /* only shows */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
        retention_report_clear(&r);
        assert_ok(retention_run(t.l, &t.s, true, &r, &err), err);
        retention_report_clear(&r);
        struct vault_key key;
        assert_int_equal(vault_person_key(t.l->vault, t.l->db, gone, &key, &err), E_UNKNOWN);
        verify(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_merges_change_nothing),
        cmocka_unit_test(a_merge_carries_everything_and_can_be_undone),
        cmocka_unit_test(merges_are_undone_in_any_order),
        cmocka_unit_test(what_was_recorded_meanwhile_goes_with_its_contact),
        cmocka_unit_test(what_is_sealed_goes_along),
        cmocka_unit_test(erasure_and_merges_know_each_other),
        cmocka_unit_test(an_erased_person_cannot_be_opened_or_found),
        cmocka_unit_test(what_is_past_its_time_goes_and_nothing_else),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

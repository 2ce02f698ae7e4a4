/* The laws of records: nothing half-done, nothing lost, every change in the journal, no sealed text in the clear. */
#include "ledgers.h"

static const char *const NOW = "2022-05-30T10:00";

static void refused_drafts_leave_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t before = test_count(&t, "SELECT COUNT(*) FROM \"person\"");
        struct draft *d = test_draft(&t, "person", DRAFT_CREATE, "name", "张三", "doc_type", "id-card", "doc_no", "11010519491231002X", NULL);
        d->values[register_field(d->reg, TEXT("doc_no"))] = value_str("110105194912310021"); /* check digit off */
        assert_int_equal(test_write(&t, d, &err), E_INVALID);
        assert_null(strstr(err.message, "11010519"));
        err = (struct error){0};
        int64_t person = test_record(&t, "person", "name", "张三"), next = t.l->next_id;
        d = test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, person), "first_contact", "2022-05-29", "last_contact", "2022-05-28", NULL);
        assert_int_equal(test_write(&t, d, &err), E_INVALID);
        err = (struct error){0};
        d = test_draft(&t, "contact", DRAFT_CREATE, "person", "999999", "last_contact", "2022-05-28", NULL);
        assert_int_equal(test_write(&t, d, &err), E_INVALID);
        assert_string_equal(err.where, "person");
        err = (struct error){0};
        d = test_draft(&t, "contact", DRAFT_CREATE, "last_contact", "2022-05-28", NULL);
        assert_int_equal(test_write(&t, d, &err), E_INVALID);
        assert_string_equal(err.where, "person");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\""), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), before + 1);
        assert_true(t.l->next_id == next);
    }
}

static void a_record_keeps_its_history(void **state);
struct seen {
    int n;
    int verbs[8];
    int32_t versions[8];
};
static int see(const struct journal_entry *e, void *arg) {
    struct seen *s = arg;
    if (s->n < 8) {
        s->verbs[s->n] = e->verb;
        s->versions[s->n] = e->version;
    }
    s->n++;
    return 0;
}

static void a_record_keeps_its_history(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("person"));
        int64_t id = test_record(&t, "person", "name", "李四", "phone", "13800138000", "age", "40");
        instant first = t.s.now;
        t.s.now += 3600;
        struct draft *d = test_draft(&t, "person", DRAFT_CHANGE, "age", "41", "phone", "13900139000", NULL);
        d->id = id;
        d->version = 7;
        assert_int_equal(test_write(&t, d, &err), E_CONFLICT);
        err = (struct error){0};
        d = test_draft(&t, "person", DRAFT_CHANGE, "age", "41", "phone", "13900139000", NULL);
        d->id = id;
        d->version = 1;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(d->ret_version, 2);
        d = test_draft(&t, "person", DRAFT_CHANGE, "age", "41", "phone", "13900139000", NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(d->outcome, OUTCOME_UNCHANGED);
        struct seen seen = {0};
        assert_ok(record_history(t.l, NULL, &t.s, reg, id, see, &seen, &err), err);
        assert_int_equal(seen.n, 2);
        assert_int_equal(seen.verbs[0], JOURNAL_CHANGE);
        assert_int_equal(seen.verbs[1], JOURNAL_CREATE);
        struct record r;
        assert_int_equal(record_as_of(t.l, NULL, reg, id, first, &t.a, &r, &err), 1);
        assert_int_equal(r.values[register_field(reg, TEXT("age"))].i, 40);
        assert_int_equal(record_as_of(t.l, NULL, reg, id, first - 1, &t.a, &r, &err), 0);
        assert_int_equal(record_as_of(t.l, NULL, reg, id, t.s.now, &t.a, &r, &err), 1);
        assert_int_equal(r.values[register_field(reg, TEXT("age"))].i, 41);
        assert_ok(record_get(t.l, NULL, &t.s, reg, id, &t.a, &r, &err), err);
        assert_int_equal(record_open(t.l, NULL, &t.s, &r, &t.a, &err), E_DENIED); /* no purpose */
        err = (struct error){0};
        t.s.purpose = TEXT("call the contact");
        assert_ok(record_open(t.l, NULL, &t.s, &r, &t.a, &err), err);
        assert_true(text_is(value_view(r.values[register_field(reg, TEXT("phone"))]), "13900139000"));
        struct journal_verdict v;
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
    }
}

static void sealed_text_is_nowhere_in_the_clear(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        test_record(&t, "person", "name", "欧阳明珠", "phone", "13712345678", "doc_type", "id-card", "doc_no", "11010519491231002X");
        const char *const secrets[] = {"欧阳明珠", "13712345678", "11010519491231002X", "ouyangmingzhu"};
        const char *const tables[] = {"person", "journal", "lookup_front", "vault_key"};
        for (size_t i = 0; i < 4; i++) {
            struct db_cursor *c = NULL;
            const struct value *row;
            char *sql = arena_printf(&t.a, "SELECT * FROM \"%s\"", tables[i]);
            assert_ok(db_query(t.l->db, sql, NULL, 0, &c, &err), err);
            int rows = 0;
            while (db_next(c, &row, &err) > 0) {
                rows++;
                for (size_t k = 0; k < db_columns(c); k++)
                    for (size_t x = 0; x < 4; x++) {
                        struct text cell = value_view(row[k]);
                        assert_null(cell.n ? memmem(cell.s, cell.n, secrets[x], strlen(secrets[x])) : NULL);
                    }
            }
            db_cursor_close(c);
            assert_true(rows > 0);
        }
    }
}

static void a_repeated_key_is_the_same_record(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct draft *d[3];
        for (int i = 0; i < 3; i++) {
            d[i] = test_draft(&t, "person", DRAFT_UPSERT, "age", i == 2 ? "51" : "50", NULL);
            d[i]->outside_key = TEXT("tw:I17");
        }
        assert_ok(record_write(t.l, &t.s, d, 3, &err), err); /* all in one batch */
        assert_int_equal(d[0]->outcome, OUTCOME_CREATED);
        assert_int_equal(d[1]->outcome, OUTCOME_UNCHANGED);
        assert_int_equal(d[2]->outcome, OUTCOME_CHANGED);
        assert_true(d[0]->ret_id == d[2]->ret_id);
        struct draft *again = test_draft(&t, "person", DRAFT_UPSERT, "age", "51", NULL);
        again->outside_key = TEXT("tw:I17");
        assert_ok(test_write(&t, again, &err), err);
        assert_int_equal(again->outcome, OUTCOME_UNCHANGED);
        struct draft *clash = test_draft(&t, "person", DRAFT_CREATE, "age", "51", NULL);
        clash->outside_key = TEXT("tw:I17");
        assert_int_equal(test_write(&t, clash, &err), E_CONFLICT);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 1);
    }
}

static void linked_drafts_stand_or_fall_together(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct draft *d[4];
        d[0] = test_draft(&t, "person", DRAFT_CREATE, "name", "王五", NULL);
        d[1] = test_draft(&t, "contact", DRAFT_UPSERT, "last_contact", "2022-05-28", NULL);
        d[2] = test_draft(&t, "person", DRAFT_CREATE, "age", "20", "age_unit", "year", NULL);
        d[2]->values[register_field(d[2]->reg, TEXT("age"))] = value_int(200);
        d[3] = test_draft(&t, "contact", DRAFT_UPSERT, "last_contact", "2022-05-28", NULL);
        for (int i = 1; i < 4; i += 2) {
            d[i]->links = arena_alloc(&t.a, d[i]->reg->n_fields * sizeof *d[i]->links);
            d[i]->links[register_field(d[i]->reg, TEXT("person"))] = (uint32_t)i;
        }
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, d, 4, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        assert_int_equal(d[0]->outcome, OUTCOME_CREATED);
        assert_int_equal(d[1]->outcome, OUTCOME_CREATED);
        assert_int_equal(d[2]->outcome, OUTCOME_REJECTED);
        assert_int_equal(d[3]->outcome, OUTCOME_REJECTED);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\""), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 1);
    }
}

static void nobody_sees_outside_the_region(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("person"));
        int64_t here = test_record(&t, "person", "name", "甲", "address_region", "310115");
        int64_t there = test_record(&t, "person", "name", "乙", "address_region", "320100");
        struct grant g = {.role = TEXT("tracer"), .region = TEXT("31")};
        struct session s = t.s;
        s.grants = &g;
        struct record r;
        assert_ok(record_get(t.l, NULL, &s, reg, here, &t.a, &r, &err), err);
        assert_int_equal(record_get(t.l, NULL, &s, reg, there, &t.a, &r, &err), E_UNKNOWN);
        err = (struct error){0};
        struct draft *d = test_draft(&t, "person", DRAFT_CREATE, "name", "丙", "address_region", "320100", NULL);
        assert_int_equal(record_write(t.l, &s, &d, 1, &err), E_DENIED);
        err = (struct error){0};
        /* moving a record out of one's region needs the right there too */
        d = test_draft(&t, "person", DRAFT_CHANGE, "address_region", "320100", NULL);
        d->id = here;
        assert_int_equal(record_write(t.l, &s, &d, 1, &err), E_DENIED);
    }
}

static void an_aborted_transaction_leaves_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        int64_t one = test_record(&t, "person", "name", "甲");
        struct draft *d = test_draft(&t, "person", DRAFT_CREATE, "name", "乙", NULL);
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, &d, 1, &err), err);
        ledger_rollback(t.l);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 1);
        assert_int_equal(test_record(&t, "person", "name", "丙"), one + 1);
        test_ledger_reopen(&t);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
        struct journal_verdict v;
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_drafts_leave_nothing),      cmocka_unit_test(a_record_keeps_its_history),
        cmocka_unit_test(sealed_text_is_nowhere_in_the_clear), cmocka_unit_test(a_repeated_key_is_the_same_record),
        cmocka_unit_test(linked_drafts_stand_or_fall_together), cmocka_unit_test(nobody_sees_outside_the_region),
        cmocka_unit_test(an_aborted_transaction_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is corrected in one record reaches the duties of those that stand on it: nothing owed is lost, nothing is owed twice, nothing paid is owed again. */
#include "duties.h"
#include "ledgers.h"

#include "desks/duty.h"
#include "desks/intake/import.h"
#include "desks/person.h"
#include "desks/plan.h"

static const char *const NOW = "2022-08-15T10:00";

static void adopt(struct test_ledger *t, const char *pack) {
    struct error err = {0};
    struct plan_adoption a = {.pack = text_of(pack), .from = day_of_instant(t->s.now, t->l->zone_s), .reason = TEXT("test")};
    int64_t id = 0;
    assert_ok(plan_adopt(t->l, &t->s, &a, &id, NULL, &err), err);
}

static const struct adoption *plan_of(struct test_ledger *t, int64_t pack) {
    const struct adoption *a = ledger_adoption(t->l, pack);
    assert_non_null(a);
    return a;
}

/* Duties of a record, in words: "central-tests open 2 4;" is the rule, its state, the paid and the missed days. Also: every row whole, none twice, and what is
 * open stands under the plan of `disease` (NULL: not asked). */
static const char *duties(struct test_ledger *t, int64_t record, const char *disease) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value id = value_int(record);
    struct buf out = {0};
    char last[80] = "";
    char *sql = arena_printf(&t->a, "SELECT %s FROM \"obligation\" WHERE \"record\" = ?1 ORDER BY \"rule\",\"occurrence\"", obligation_columns);
    assert_ok(db_query(t->l->db, sql, &id, 1, &c, &err), err);
    while (db_next(c, &row, &err) > 0) {
        struct obligation o;
        char one[80];
        obligation_of_row(row, &o);
        snprintf(one, sizeof one, "%.*s %d", (int)o.rule.n, o.rule.s, (int)o.duty.occurrence);
        if (strcmp(one, last) == 0) fail_msg("twice: %s", one);
        snprintf(last, sizeof last, "%s", one);
        assert_true((o.duty.paid & o.duty.missed) == 0 && ((o.duty.paid | o.duty.missed) & ~o.duty.owed) == 0);
        if (text_is(o.state, "open")) assert_true(duty_open(&o.duty));
        if (text_is(o.state, "paid")) assert_true(!duty_open(&o.duty));
        if (disease && obligation_is_open(&o)) assert_true(text_is(plan_of(t, o.pack)->disease, disease));
        if (text_is(o.state, "cancelled")) continue;
        buf_printf(&out, "%.*s %.*s %llx %llx;", (int)o.rule.n, o.rule.s, (int)o.state.n, o.state.s, (unsigned long long)o.duty.paid, (unsigned long long)o.duty.missed);
    }
    db_cursor_close(c);
    const char *kept = arena_text(&t->a, buf_view(&out)).s;
    buf_clear(&out);
    return kept;
}

static bool owes(const char *list, const char *rule, const char *state) {
    char words[80];
    snprintf(words, sizeof words, "%s %s ", rule, state);
    return strstr(list, words) != NULL;
}

static int64_t person(struct test_ledger *t, const char *name) {
    return test_record(t, "person", "name", name);
}

static int64_t make_case(struct test_ledger *t, int64_t who, const char *disease) {
    return test_record(t, "case", "person", test_id(t, who), "disease", disease, "classification", "confirmed", "report_date", "2022-08-15", "detected_at",
                       "2022-08-15T09:30");
}

static void change(struct test_ledger *t, const char *reg, int64_t id, const char *field, const char *input) {
    struct error err = {0};
    struct draft *d = test_draft(t, reg, DRAFT_CHANGE, field, input, NULL);
    d->id = id;
    assert_ok(test_write(t, d, &err), err);
}

static void take_swab(struct test_ledger *t, int64_t who, const char *at) {
    instant was = t->s.now;
    t->s.now = test_at(at) + 600;
    test_record(t, "test", "person", test_id(t, who), "sampled_at", at, "kind", "pcr", "result", "negative");
    t->s.now = was;
}

static const char *cell(struct test_ledger *t, const char *reg, int64_t id, const char *field) {
    struct error err = {0};
    struct record r;
    struct buf b = {0};
    assert_ok(record_get(t->l, NULL, &t->s, register_find(t->l->catalog, text_of(reg)), id, &t->a, &r, &err), err);
    struct value v = r.values[register_field(r.reg, text_of(field))];
    if (v.kind == VALUE_TEXT) buf_text(&b, value_view(v));
    if (v.kind == VALUE_INT) buf_printf(&b, "%lld", (long long)v.i);
    const char *kept = b.n ? arena_text(&t->a, buf_view(&b)).s : "";
    buf_clear(&b);
    return kept;
}

/* A contact of a case, placed, with one test of day 1 (of the exposure) paid and one check. */
struct story {
    int64_t who, index, contact, stay;
};
static struct story placed(struct test_ledger *t, const char *disease) {
    struct story s = {.who = person(t, "密接甲")};
    s.index = make_case(t, person(t, "病例甲"), disease);
    s.contact = test_record(t, "contact", "person", test_id(t, s.who), "index_case", test_id(t, s.index), "last_contact", "2022-08-14", "found_at", "2022-08-15T09:00");
    s.stay = test_record(t, "stay", "contact", test_id(t, s.contact), "kind", "central", "started_at", "2022-08-15T09:30");
    take_swab(t, s.who, "2022-08-15T11:00");
    t->s.now = test_at("2022-08-15T12:00");
    test_record(t, "health_check", "person", test_id(t, s.who), "checked_at", "2022-08-15T11:30", "temperature", "36.5");
    return s;
}

static void stays_go_with_the_disease_of_their_contact(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        adopt(&t, "measles-who");
        struct story s = placed(&t, "covid-19");
        const char *stay = duties(&t, s.stay, "covid-19"), *contact = duties(&t, s.contact, "covid-19");
        assert_true(owes(stay, "central-tests", "open 2") && owes(stay, "release", "open") && owes(stay, "health-checks", "open 2"));
        assert_true(owes(contact, "place-contact", "paid") && owes(contact, "end-observation", "open"));
        change(&t, "contact", s.contact, "disease", "measles");
        assert_string_equal(duties(&t, s.stay, "measles"), ""); /* measles asks nothing of a stay */
        const char *under = duties(&t, s.contact, "measles");
        assert_true(owes(under, "place-contact", "paid") && owes(under, "release", "open"));
        assert_true(owes(under, "health-checks", "open 2")); /* the check of that day stands, though this duty was not owed then */
        assert_false(owes(under, "end-observation", "open"));
        /* and back: the test that was made is not owed again */
        change(&t, "contact", s.contact, "disease", "covid-19");
        assert_string_equal(duties(&t, s.stay, "covid-19"), stay);
        assert_string_equal(duties(&t, s.contact, "covid-19"), contact);
        /* the clock finds them */
        struct error err = {0};
        struct wake_report r;
        t.s.now = test_at("2022-08-18T12:00");
        assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
        assert_non_null(strstr(duties(&t, s.stay, "covid-19"), "health-checks open 2 4;")); /* nobody looked on the 16th */
    }
}

static void a_plan_that_asks_more_finds_what_was_done(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        adopt(&t, "measles-who");
        struct story s = placed(&t, "measles");
        assert_string_equal(duties(&t, s.stay, "measles"), "");
        change(&t, "contact", s.contact, "disease", "covid-19");
        const char *stay = duties(&t, s.stay, "covid-19");
        assert_true(owes(stay, "central-tests", "open 2")); /* day 1 was made before it was owed */
        assert_true(owes(stay, "health-checks", "open 2") && owes(stay, "release", "open 0"));
        assert_false(owes(duties(&t, s.contact, "covid-19"), "control-order", "open")); /* placed is controlled */
    }
}

static void contacts_go_with_the_disease_of_their_case(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        adopt(&t, "measles-who");
        struct story s = placed(&t, "covid-19");
        int64_t own = test_record(&t, "contact", "person", test_id(&t, person(&t, "密接乙")), "index_case", test_id(&t, s.index), "disease", "mers", "last_contact", "2022-08-14");
        int64_t second_person = person(&t, "次密接");
        int64_t second = test_record(&t, "contact", "person", test_id(&t, second_person), "index_contact", test_id(&t, s.contact), "class", "secondary", "last_contact", "2022-08-14");
        int64_t second_stay = test_record(&t, "stay", "contact", test_id(&t, second), "kind", "home", "started_at", "2022-08-15T11:50");
        assert_string_equal(cell(&t, "contact", second, "disease"), "");
        const char *stay = duties(&t, s.stay, "covid-19"), *of_second = duties(&t, second, "covid-19"), *of_second_stay = duties(&t, second_stay, "covid-19");
        assert_true(owes(of_second_stay, "secondary-tests", "open"));
        /* who may write cases only corrects the case, and what was taken from it */
        static const struct grant intake = {.role = {"intake", 6}, .region = {"310115", 6}};
        struct session all = t.s;
        t.s.grants = &intake;
        t.s.account = TEXT("clerk");
        change(&t, "case", s.index, "disease", "measles");
        t.s = all;
        assert_string_equal(cell(&t, "contact", s.contact, "disease"), "measles");
        assert_string_equal(cell(&t, "contact", own, "disease"), "mers"); /* its own word */
        assert_string_equal(duties(&t, s.stay, "measles"), "");
        assert_true(owes(duties(&t, s.contact, "measles"), "release", "open"));
        assert_true(owes(duties(&t, second, "measles"), "release", "open"));
        assert_string_equal(duties(&t, second_stay, "measles"), "");
        change(&t, "case", s.index, "disease", "covid-19");
        assert_string_equal(duties(&t, s.stay, "covid-19"), stay);
        assert_string_equal(duties(&t, second, "covid-19"), of_second);
        assert_string_equal(duties(&t, second_stay, "covid-19"), of_second_stay);
        /* each of it is in the journal under the name of who corrected the case */
        struct value id = value_int(s.contact), version = value_null();
        assert_ok(db_scalar(t.l->db, &t.a, "SELECT \"version\" FROM \"contact\" WHERE \"id\" = ?1", &id, 1, &version, &err), err);
        assert_true(version.i >= 4); /* made, placed, corrected twice */
        struct journal_verdict v;
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
    }
}

/* A stay that names nobody stands under what its person is held by, and stays there when the person meets another disease. */
static void a_second_disease_does_not_take_a_stay(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        adopt(&t, "measles-who");
        int64_t who = person(&t, "密接甲");
        int64_t contact = test_record(&t, "contact", "person", test_id(&t, who), "disease", "covid-19", "last_contact", "2022-08-14");
        int64_t stay = test_record(&t, "stay", "person", test_id(&t, who), "kind", "central", "started_at", "2022-08-15T09:30", "exposure", "2022-08-14");
        const char *before = duties(&t, stay, "covid-19");
        assert_true(owes(before, "central-tests", "open"));
        int64_t other = test_record(&t, "contact", "person", test_id(&t, who), "disease", "measles", "last_contact", "2022-08-15");
        change(&t, "stay", stay, "room", "302");
        assert_string_equal(duties(&t, stay, "covid-19"), before);
        /* but when the first was measles too, the stay is held by measles */
        change(&t, "contact", contact, "disease", "measles");
        assert_string_equal(duties(&t, stay, "measles"), "");
        change(&t, "contact", other, "disease", "covid-19");
        change(&t, "stay", stay, "room", "303");
        assert_true(owes(duties(&t, stay, "covid-19"), "central-tests", "open"));
    }
}

static void days_go_with_the_exposure_and_class_of_their_contact(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct story s = placed(&t, "covid-19");
        int64_t own = test_record(&t, "stay", "contact", test_id(&t, s.contact), "kind", "health-monitoring", "started_at", "2022-08-15T11:00", "exposure", "2022-08-10");
        const char *exposure = cell(&t, "stay", s.stay, "exposure"), *stay = duties(&t, s.stay, "covid-19");
        change(&t, "contact", s.contact, "last_contact", "2022-08-15");
        assert_string_not_equal(cell(&t, "stay", s.stay, "exposure"), exposure);
        assert_string_equal(cell(&t, "stay", s.stay, "exposure"), cell(&t, "contact", s.contact, "last_contact"));
        assert_string_not_equal(cell(&t, "stay", own, "exposure"), cell(&t, "contact", s.contact, "last_contact"));
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT \"anchor\" FROM \"obligation\" WHERE \"record\" = %lld AND \"rule\" = 'release'", (long long)s.stay)),
                         test_count(&t, "SELECT MAX(\"last_contact\") FROM \"contact\""));
        change(&t, "contact", s.contact, "last_contact", "2022-08-14");
        assert_string_equal(duties(&t, s.stay, "covid-19"), stay);
        /* one who turns out to be a secondary contact has other tests and fewer days */
        change(&t, "contact", s.contact, "class", "secondary");
        const char *secondary = duties(&t, s.stay, "covid-19");
        assert_true(owes(secondary, "secondary-tests", "open") && owes(secondary, "secondary-release", "open") && !owes(secondary, "central-tests", "open"));
        assert_true(owes(secondary, "secondary-checks", "open 2")); /* the check of that day counts */
        change(&t, "contact", s.contact, "class", "close");
        assert_string_equal(duties(&t, s.stay, "covid-19"), stay);
    }
}

/* A diagnosis that comes late: what was done before is not owed. */
static void what_was_done_before_it_was_owed_is_paid(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = person(&t, "病例乙");
        int64_t id = test_record(&t, "case", "person", test_id(&t, who), "disease", "covid-19", "classification", "excluded", "report_date", "2022-08-15", "detected_at",
                                 "2022-08-15T09:30", "located_at", "2022-08-15T09:50");
        assert_string_equal(duties(&t, id, NULL), "");
        change(&t, "case", id, "classification", "confirmed");
        const char *list = duties(&t, id, "covid-19");
        assert_true(owes(list, "locate-case", "paid"));
        assert_true(owes(list, "direct-report", "open"));
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT \"late\" FROM \"obligation\" WHERE \"record\" = %lld AND \"rule\" = 'locate-case'", (long long)id)), 0);
    }
}

static int64_t late(struct test_ledger *t, int64_t record, const char *rule) {
    return test_count(t, arena_printf(&t->a, "SELECT \"late\" FROM \"obligation\" WHERE \"record\" = %lld AND \"rule\" = '%s' AND \"state\" = 'paid'", (long long)record, rule));
}

/* Late or not is a matter of when it was done: a corrected time is judged anew, both ways, also when another fact of the same was in time. */
static void a_corrected_time_is_judged_anew(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-08-15T20:00") {
        int64_t who = person(&t, "密接甲");
        int64_t id = test_record(&t, "contact", "person", test_id(&t, who), "last_contact", "2022-08-14", "found_at", "2022-08-15T08:00");
        int64_t stay = test_record(&t, "stay", "person", test_id(&t, who), "kind", "home", "started_at", "2022-08-15T16:00");
        assert_int_equal(late(&t, id, "place-contact"), 0); /* the deadline itself is in time */
        change(&t, "stay", stay, "room", "302");
        assert_int_equal(late(&t, id, "place-contact"), 0);
        change(&t, "stay", stay, "started_at", "2022-08-15T16:00:01");
        assert_int_equal(late(&t, id, "place-contact"), 1);
        change(&t, "stay", stay, "started_at", "2022-08-15T15:00");
        assert_int_equal(late(&t, id, "place-contact"), 0);
        test_record(&t, "stay", "person", test_id(&t, who), "kind", "central", "started_at", "2022-08-15T15:30");
        change(&t, "stay", stay, "started_at", "2022-08-15T18:00");
        assert_int_equal(late(&t, id, "place-contact"), 0);
    }
}

/* Results come in any order: a test made on its day is in time, whatever day's result was told first. */
static void days_are_late_each_for_itself(void **state) {
    static const char *const days[] = {"2022-08-17", "2022-08-15", "2022-08-21", "2022-08-16", "2022-08-19"};
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-08-15T01:00") {
        for (int missed = 0; missed < 2; missed++) {
            int64_t who = person(&t, missed ? "密接乙" : "密接甲");
            t.s.now = test_at("2022-08-15T01:00");
            int64_t stay = test_record(&t, "stay", "person", test_id(&t, who), "kind", "central", "class", "close", "exposure", "2022-08-14", "started_at", "2022-08-15T00:30");
            t.s.now = test_at("2022-08-21T20:00");
            for (int i = 0; i < 5; i++)
                test_record(&t, "test", "person", test_id(&t, who), "sampled_at", arena_printf(&t.a, "%sT09:00", missed && i == 1 ? "2022-08-18" : days[i]), "result", "negative", "kind", "pcr");
            assert_int_equal(late(&t, stay, "central-tests"), missed);
        }
    }
}

/* Receipts name the case and not the person: a merge does not lose what they paid. */
static void a_merge_keeps_what_receipts_paid(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t a = person(&t, "病例丙"), b = person(&t, "病例丙"), id = make_case(&t, b, "covid-19");
        test_record(&t, "receipt", "case", test_id(&t, id), "level", "county", "decision", "accepted", "received_at", "2022-08-15T09:50");
        change(&t, "case", id, "reported_at", "2022-08-15T09:40");
        const char *before = duties(&t, id, "covid-19");
        assert_true(owes(before, "county-receipt", "paid") && owes(before, "direct-report", "paid"));
        t.s.reason = TEXT("the same");
        assert_ok(person_merge(t.l, &t.s, a, b, NULL, &err), err);
        assert_string_equal(duties(&t, id, "covid-19"), before);
        assert_ok(person_unmerge(t.l, &t.s, b, NULL, &err), err);
        assert_string_equal(duties(&t, id, "covid-19"), before);
    }
}

/* In one batch: the contact is corrected, a stay of it made and another one changed. */
static void a_batch_sees_what_it_has_just_written(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        adopt(&t, "measles-who");
        struct story s = placed(&t, "measles");
        struct draft *d[3] = {test_draft(&t, "stay", DRAFT_CREATE, "contact", test_id(&t, s.contact), "kind", "home", "started_at", "2022-08-15T11:55", NULL),
                              test_draft(&t, "stay", DRAFT_CHANGE, "room", "302", NULL), test_draft(&t, "contact", DRAFT_CHANGE, "disease", "covid-19", "last_contact", "2022-08-13", NULL)};
        d[1]->id = s.stay;
        d[2]->id = s.contact;
        assert_ok(record_write(t.l, &t.s, d, 3, &err), err);
        assert_true(owes(duties(&t, d[0]->ret_id, "covid-19"), "central-tests", "open"));
        assert_true(owes(duties(&t, s.stay, "covid-19"), "central-tests", "open"));
        assert_string_equal(cell(&t, "stay", d[0]->ret_id, "exposure"), cell(&t, "contact", s.contact, "last_contact"));
        assert_string_equal(cell(&t, "stay", s.stay, "exposure"), cell(&t, "contact", s.contact, "last_contact"));
        assert_string_equal(cell(&t, "stay", s.stay, "room"), "302");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_go_with_the_disease_of_their_contact),
        cmocka_unit_test(a_plan_that_asks_more_finds_what_was_done),
        cmocka_unit_test(contacts_go_with_the_disease_of_their_case),
        cmocka_unit_test(a_second_disease_does_not_take_a_stay),
        cmocka_unit_test(days_go_with_the_exposure_and_class_of_their_contact),
        cmocka_unit_test(what_was_done_before_it_was_owed_is_paid),
        cmocka_unit_test(a_corrected_time_is_judged_anew),
        cmocka_unit_test(days_are_late_each_for_itself),
        cmocka_unit_test(a_merge_keeps_what_receipts_paid),
        cmocka_unit_test(a_batch_sees_what_it_has_just_written),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

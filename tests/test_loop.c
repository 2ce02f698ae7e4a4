/* The loop: facts oblige, facts pay, the clock escalates, nothing owed is forgotten. */
#include "duties.h"
#include "ledgers.h"

#include "desks/duty.h"
#include "desks/plan.h"

static const char *const NOW = "2022-08-15T10:00";

/* The row of a rule for a holder: its state, or "none". */
static struct obligation duty_of(struct test_ledger *t, int64_t holder, const char *rule) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value params[] = {value_int(holder), value_str(rule)};
    struct obligation o = {.state = TEXT("none")};
    char *sql = arena_printf(&t->a, "SELECT %s FROM \"obligation\" WHERE \"holder\" = ?1 AND \"rule\" = ?2 ORDER BY \"occurrence\" DESC", obligation_columns);
    assert_ok(db_query(t->l->db, sql, params, 2, &c, &err), err);
    if (db_next(c, &row, &err) > 0) {
        obligation_of_row(row, &o);
        o.state = arena_text(&t->a, o.state);
    }
    db_cursor_close(c);
    return o;
}

static void assert_state(struct test_ledger *t, int64_t holder, const char *rule, const char *state) {
    struct obligation o = duty_of(t, holder, rule);
    if (!text_is(o.state, state)) fail_msg("%s is %s, not %s", rule, o.state.s, state);
}

/* owed = paid + missed + open, paid and missed apart, closed ones have no clock, for every row there is. */
static void conservation(struct test_ledger *t) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    char *sql = arena_printf(&t->a, "SELECT %s FROM \"obligation\"", obligation_columns);
    assert_ok(db_query(t->l->db, sql, NULL, 0, &c, &err), err);
    while (db_next(c, &row, &err) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        assert_true((o.duty.paid & o.duty.missed) == 0);
        assert_true(((o.duty.paid | o.duty.missed) & ~o.duty.owed) == 0);
        bool open = duty_open(&o.duty);
        if (text_is(o.state, "open")) assert_true(open);
        if (text_is(o.state, "paid")) assert_true(!open && !o.duty.missed);
        if (text_is(o.state, "lapsed")) assert_true(!open && o.duty.missed);
        if (!text_is(o.state, "open") && !text_is(o.state, "standing")) assert_true(row[OB_WAKE_AT].kind == VALUE_NULL);
        assert_true(o.owner_kind >= OWNER_NONE && o.owner_kind <= OWNER_PERSON);
    }
    db_cursor_close(c);
}

static int64_t person(struct test_ledger *t, const char *name) {
    return test_record(t, "person", "name", name);
}

static int64_t make_case(struct test_ledger *t, int64_t who) {
    return test_record(t, "case", "person", test_id(t, who), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-08-15", "detected_at",
                       "2022-08-15T09:30");
}

static void tick(struct test_ledger *t, const char *at) {
    struct error err = {0};
    struct wake_report r;
    t->s.now = test_at(at);
    assert_ok(duty_tick(t->l, &t->s, &r, &err), err);
}

static int64_t change(struct test_ledger *t, const char *reg, int64_t id, const char *state, const char *field, const char *input, int expected) {
    struct error err = {0};
    struct draft *d = field ? test_draft(t, reg, DRAFT_CHANGE, field, input, NULL) : test_draft(t, reg, DRAFT_CHANGE, NULL);
    d->id = id;
    d->state = text_of(state);
    int rc = test_write(t, d, &err);
    if (rc != expected) fail_msg("%s %s: %s (%s)", reg, state ? state : field, error_name(rc), err.message);
    return d->ret_id;
}

static void a_case_obliges_and_facts_pay(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "shannan-2022", NOW) {
        int64_t who = person(&t, "病例甲");
        int64_t id = make_case(&t, who);
        assert_state(&t, who, "locate-case", "open");
        assert_state(&t, who, "direct-report", "open");
        struct obligation o = duty_of(&t, who, "locate-case");
        assert_true(o.duty.due_at == test_at("2022-08-15T10:30")); /* one hour after detection, from the local pack */
        assert_int_equal(o.owner_kind, OWNER_REGION);              /* no organisation is registered: the chain ends at the region */
        change(&t, "case", id, NULL, "isolated_at", "2022-08-15T10:10", 0);
        assert_state(&t, who, "locate-case", "paid");
        assert_false(duty_of(&t, who, "locate-case").late);
        t.s.now = test_at("2022-08-15T13:00");
        change(&t, "case", id, NULL, "reported_at", "2022-08-15T12:00", 0);
        assert_state(&t, who, "direct-report", "paid");
        assert_true(duty_of(&t, who, "direct-report").late); /* two hours had passed */
        test_record(&t, "receipt", "case", test_id(&t, id), "level", "county", "decision", "accepted", "received_at", "2022-08-15T12:30");
        assert_state(&t, who, "county-receipt", "paid");
        assert_state(&t, who, "city-receipt", "open");
        conservation(&t);
    }
}

static void an_excluded_case_owes_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = person(&t, "病例乙");
        int64_t id = make_case(&t, who);
        change(&t, "case", id, NULL, "classification", "excluded", E_INVALID); /* nothing says that it is a correction */
        change(&t, "case", id, NULL, "report_kind", "correction", 0);
        change(&t, "case", id, NULL, "classification", "excluded", 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" = 'open' AND \"register\" = 'case'"), 0);
        assert_true(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"state\" = 'cancelled'") > 0);
        conservation(&t);
    }
}

static void adopt(struct test_ledger *t, const char *pack) {
    struct error err = {0};
    struct plan_adoption a = {.pack = text_of(pack), .from = day_of_instant(t->s.now, t->l->zone_s), .reason = TEXT("test")};
    int64_t id = 0;
    assert_ok(plan_adopt(t->l, &t->s, &a, &id, NULL, &err), err);
}

/* The disease of a case is corrected: duties that both plans name get the new plan's deadline, counted from the same anchor; what is paid stays paid. */
static void a_corrected_disease_has_the_new_deadline(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        adopt(&t, "measles-who");
        int64_t who = person(&t, "病例子");
        int64_t id = make_case(&t, who);
        change(&t, "case", id, NULL, "reported_at", "2022-08-15T09:40", 0);
        assert_state(&t, who, "direct-report", "paid");
        struct obligation covid = duty_of(&t, who, "full-investigation");
        assert_true(covid.duty.due_at == test_at("2022-08-16T09:40")); /* 24 h */
        change(&t, "case", id, NULL, "disease", "measles", 0);
        struct obligation measles = duty_of(&t, who, "full-investigation");
        assert_true(measles.duty.due_at == test_at("2022-08-17T09:40")); /* 48 h from the same report */
        assert_true(measles.pack != covid.pack);
        assert_true(measles.duty.raised_at == covid.duty.raised_at);
        assert_true(duty_of(&t, who, "locate-case").duty.due_at == test_at("2022-08-16T09:30")); /* 24 h from its detection */
        assert_state(&t, who, "direct-report", "paid");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'full-investigation'"), 1);
        change(&t, "case", id, NULL, "disease", "covid-19", 0);
        assert_true(duty_of(&t, who, "full-investigation").duty.due_at == covid.duty.due_at);
        conservation(&t);
    }
}

/* A duty is the named person's as soon as the record names one, and another's when it names another; without one it is the department's or the region's. */
static void a_named_person_owes(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t li = test_record(&t, "account", "login", "li", "title", "李", "roles", "tracer"), who = person(&t, "病例丑");
        int64_t id = make_case(&t, who);
        change(&t, "case", id, NULL, "investigator", test_id(&t, who), E_INVALID); /* a patient is no account */
        assert_int_equal(duty_of(&t, who, "full-investigation").owner_kind, OWNER_REGION);
        change(&t, "case", id, NULL, "investigator", test_id(&t, li), 0);
        struct obligation o = duty_of(&t, who, "full-investigation");
        assert_int_equal(o.owner_kind, OWNER_PERSON);
        assert_int_equal(o.owner, li);
        assert_int_equal(o.owner_step, 0);
        assert_int_equal(duty_of(&t, who, "locate-case").owner_kind, OWNER_REGION);
        int64_t stay = test_record(&t, "stay", "person", test_id(&t, person(&t, "密接寅")), "kind", "central", "started_at", "2022-08-15T09:00", "exposure", "2022-08-14",
                                   "keeper", test_id(&t, li));
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"record\" = %lld AND \"rule\" = 'health-checks' AND "
                                                           "\"owner_kind\" = 4 AND \"owner\" = %lld", (long long)stay, (long long)li)), 1);
        conservation(&t);
    }
}

/* Two diseases, a plan that follows another: the region owes one bulletin a day, and one report pays it. */
static void a_region_owes_one_bulletin_a_day(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        adopt(&t, "measles-who");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'region-report' AND \"state\" = 'standing'"), 1);
        tick(&t, "2022-08-16T10:00");
        int64_t days = test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'region-report' AND \"state\" = 'open'");
        assert_int_equal(days, 2); /* the 15th and the 16th */
        adopt(&t, "covid-2022-20");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'region-report' AND \"state\" = 'standing'"), 1);
        tick(&t, "2022-08-17T10:00");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'region-report' AND \"state\" = 'open'"), 3);
        struct error err = {0};
        struct draft *d = test_draft(&t, "daily_report", DRAFT_CREATE, "day", "2022-08-16", NULL);
        assert_ok(test_write(&t, d, &err), err);
        change(&t, "daily_report", d->ret_id, "submitted", NULL, NULL, 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'region-report' AND \"state\" = 'open'"), 2);
        conservation(&t);
    }
}

/* A close contact from found to released: refused until every condition is met. */
static void release_waits_for_its_conditions(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t index = make_case(&t, person(&t, "病例丙"));
        int64_t who = person(&t, "密接丁");
        int64_t contact = test_record(&t, "contact", "person", test_id(&t, who), "index_case", test_id(&t, index), "class", "close", "last_contact", "2022-08-15",
                                      "found_at", "2022-08-15T10:00");
        assert_state(&t, who, "place-contact", "open");
        int64_t stay = test_record(&t, "stay", "person", test_id(&t, who), "contact", test_id(&t, contact), "kind", "central", "started_at", "2022-08-15T11:00");
        assert_state(&t, who, "place-contact", "paid");
        struct record placed;
        assert_int_equal(record_get(t.l, NULL, &t.s, register_find(t.l->catalog, TEXT("contact")), contact, &t.a, &placed, NULL), 0);
        assert_true(text_is(placed.state, "placed")); /* the stay has moved it */
        assert_state(&t, who, "control-order", "paid");
        assert_state(&t, who, "central-tests", "open");
        assert_int_equal(__builtin_popcountll(duty_of(&t, who, "central-tests").duty.owed), 5);
        t.s.now = test_at("2022-08-15T12:00");
        change(&t, "stay", stay, "released", "ended_at", "2022-08-15T12:00", E_REFUSED); /* day 0 */
        static const char *const days[] = {"2022-08-16T08:00", "2022-08-17T08:00", "2022-08-18T08:00", "2022-08-20T08:00"};
        for (int i = 0; i < 4; i++) {
            tick(&t, days[i]);
            test_record(&t, "test", "person", test_id(&t, who), "sampled_at", days[i], "result", "negative", "kind", "pcr");
            test_record(&t, "health_check", "person", test_id(&t, who), "checked_at", days[i], "day", arena_printf(&t.a, "%.10s", days[i]), "temperature", "36.5");
        }
        tick(&t, "2022-08-22T10:00");
        change(&t, "stay", stay, "released", "ended_at", "2022-08-22T09:00", E_REFUSED); /* the exit test is owed */
        test_record(&t, "test", "person", test_id(&t, who), "sampled_at", "2022-08-22T09:30", "result", "positive", "kind", "pcr");
        change(&t, "stay", stay, "released", "ended_at", "2022-08-22T09:40", E_REFUSED); /* a positive one is no exit */
        test_record(&t, "test", "person", test_id(&t, who), "sampled_at", "2022-08-22T09:50", "result", "negative", "kind", "pcr");
        assert_state(&t, who, "central-tests", "paid");
        test_record(&t, "health_check", "person", test_id(&t, who), "checked_at", "2022-08-22T09:00", "day", "2022-08-22", "temperature", "36.5");
        assert_state(&t, who, "release", "open"); /* and it stands in the list of the day by itself */
        assert_true(duty_of(&t, who, "release").duty.due_at == test_at("2022-08-23T00:00"));
        change(&t, "stay", stay, "released", "ended_at", "2022-08-22T10:00", 0);
        assert_state(&t, who, "release", "paid");
        tick(&t, "2022-08-24T10:00");
        struct obligation checks = duty_of(&t, who, "health-checks");
        assert_true(__builtin_popcountll(checks.duty.missed) > 0); /* days nobody checked stay counted as missed */
        conservation(&t);
    }
}

static void a_fact_taken_back_is_owed_again(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t index = make_case(&t, person(&t, "病例"));
        int64_t who = person(&t, "密接");
        int64_t contact = test_record(&t, "contact", "person", test_id(&t, who), "index_case", test_id(&t, index), "last_contact", "2022-08-14", "found_at", NOW);
        test_record(&t, "stay", "person", test_id(&t, who), "contact", test_id(&t, contact), "kind", "central", "started_at", NOW);
        int64_t test = test_record(&t, "test", "person", test_id(&t, who), "sampled_at", "2022-08-15T08:00", "result", "negative", "kind", "pcr");
        uint64_t paid = duty_of(&t, who, "central-tests").duty.paid;
        assert_int_equal(__builtin_popcountll(paid), 1);
        change(&t, "test", test, NULL, "specimen", "nasopharyngeal", 0); /* says nothing new about the duty */
        assert_true(duty_of(&t, who, "central-tests").duty.paid == paid);
        change(&t, "test", test, NULL, "result", "invalid", 0);
        assert_int_equal(duty_of(&t, who, "central-tests").duty.paid, 0);
        conservation(&t);
    }
}

static void the_clock_escalates_once(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "shannan-2022", NOW) {
        struct error err = {0};
        int64_t who = person(&t, "病例戊");
        make_case(&t, who);
        struct wake_report r;
        t.s.now = test_at("2022-08-15T10:20");
        assert_ok(duty_tick(t.l, &t.s, &r, &err), err);
        assert_int_equal(duty_of(&t, who, "locate-case").duty.level, 0);
        tick(&t, "2022-08-15T11:45"); /* due 10:30, first escalation an hour later */
        assert_int_equal(duty_of(&t, who, "locate-case").duty.level, 1);
        tick(&t, "2022-08-15T11:46");
        assert_int_equal(duty_of(&t, who, "locate-case").duty.level, 1);
        tick(&t, "2022-08-16T18:00");
        assert_int_equal(duty_of(&t, who, "locate-case").duty.level, 2);
        struct duty_summary sum;
        struct duty_filter f = {0};
        assert_ok(duty_summarise(t.l, NULL, &t.s, &f, &sum, &err), err);
        assert_true(sum.total.overdue > 0 && sum.total.overdue <= sum.total.open);
        assert_true(sum.closed_rate >= 0 && sum.closed_rate <= 1);
        duty_summary_clear(&sum);
        assert_state(&t, who, "locate-case", "open"); /* late is not forgotten: it stays open until paid */
        conservation(&t);
    }
}

static void every_day_has_its_report(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t unit = test_record(&t, "organisation", "title", "浦东医院", "kind", "hospital", "reports_daily", "yes");
        tick(&t, "2022-08-16T08:00");
        tick(&t, "2022-08-18T08:00"); /* the node was off for a day: the missing days are made up */
        char *sql = arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" = %lld AND \"occurrence\" > 0", (long long)unit);
        assert_int_equal(test_count(&t, sql), 4); /* the 15th to the 18th */
        tick(&t, "2022-08-18T08:00");
        assert_int_equal(test_count(&t, sql), 4);
        int64_t report = test_record(&t, "daily_report", "organisation", test_id(&t, unit), "day", "2022-08-18", "work", "采样 1200 人", "latest", "无新增");
        change(&t, "daily_report", report, "submitted", NULL, NULL, 0);
        assert_state(&t, unit, "daily-report", "paid");
        sql = arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" = %lld AND \"occurrence\" > 0 AND \"state\" = 'open'", (long long)unit);
        assert_int_equal(test_count(&t, sql), 3);
        conservation(&t);
    }
}

static void a_new_plan_is_shown_before_it_is_applied(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t index = make_case(&t, person(&t, "病例"));
        int64_t who = person(&t, "密接");
        int64_t contact = test_record(&t, "contact", "person", test_id(&t, who), "index_case", test_id(&t, index), "last_contact", "2022-08-14", "found_at", NOW);
        test_record(&t, "stay", "person", test_id(&t, who), "contact", test_id(&t, contact), "kind", "central", "started_at", NOW);
        struct policy *same = NULL, *softer = NULL;
        char *dir = arena_printf(&t.a, "%s/policies", t.l->home);
        assert_ok(policy_load(t.l->catalog, dir, TEXT("covid-2022-v9"), t.l->zone_s, &same, &err), err);
        assert_ok(policy_load(t.l->catalog, dir, TEXT("covid-2022-20"), t.l->zone_s, &softer, &err), err);
        struct plan_diff d;
        assert_ok(plan_compare(t.l, NULL, &t.s, same, t.l->region, NULL, NULL, &d, &err), err);
        for (int i = 0; i < PLAN_EFFECTS; i++) assert_int_equal(d.total[i], 0); /* a plan differs not from itself */
        plan_diff_clear(&d);
        assert_ok(plan_compare(t.l, NULL, &t.s, softer, t.l->region, NULL, NULL, &d, &err), err);
        assert_true(d.total[PLAN_SOONER] + d.total[PLAN_LOSE] + d.total[PLAN_GAIN] > 0);
        instant before = duty_of(&t, who, "release").duty.due_at;
        struct plan_adoption a = {.pack = TEXT("covid-2022-20"), .from = day_of_instant(t.s.now, t.l->zone_s)};
        int64_t id = 0;
        assert_int_equal(plan_adopt(t.l, &t.s, &a, &id, NULL, &err), E_USAGE); /* no reason given */
        err = (struct error){0};
        a.reason = TEXT("二十条");
        struct plan_diff done;
        assert_ok(plan_adopt(t.l, &t.s, &a, &id, &done, &err), err);
        for (int i = 0; i < PLAN_EFFECTS; i++) assert_true(done.total[i] == d.total[i]); /* what was shown is what was done */
        plan_diff_clear(&d);
        plan_diff_clear(&done);
        assert_true(duty_of(&t, who, "release").duty.due_at < before); /* 5 days, not 7 */
        /* the same again is told that it is in force; another region, another day or going back to the one before is an adoption like any other */
        int64_t again = 0, entries = test_count(&t, "SELECT MAX(\"next\") FROM \"journal_tip\"");
        err = (struct error){0};
        assert_int_equal(plan_adopt(t.l, &t.s, &a, &again, NULL, &err), E_CONFLICT);
        assert_non_null(strstr(err.message, "in force there"));
        assert_true(again == 0 && test_count(&t, "SELECT MAX(\"next\") FROM \"journal_tip\"") == entries);
        struct plan_adoption next = a;
        next.from++;
        assert_ok(plan_adopt(t.l, &t.s, &next, &again, NULL, &err), err);
        assert_int_equal(plan_adopt(t.l, &t.s, &next, &again, NULL, &err), E_CONFLICT);
        assert_ok(plan_compare(t.l, NULL, &t.s, softer, t.l->region, NULL, NULL, &d, &err), err);
        for (int i = 0; i < PLAN_EFFECTS; i++) assert_int_equal(d.total[i], 0);
        plan_diff_clear(&d);
        policy_free(same);
        policy_free(softer);
        conservation(&t);
    }
}

static void a_harsher_measure_needs_its_approval(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        int64_t unit = test_record(&t, "organisation", "title", "某县指挥部", "kind", "other");
        int64_t who = person(&t, "密接");
        struct draft *d = test_draft(&t, "measure", DRAFT_CREATE, "person", test_id(&t, who), "kind", "central-isolation", "subject_class", "close", "legal_basis",
                                     "传染病防治法第四十一条", "issuer", test_id(&t, unit), "starts", "2022-08-15", "ends", "2022-09-05", NULL);
        assert_int_equal(test_write(&t, d, &err), E_REFUSED); /* 21 days where the plan says 7 */
        err = (struct error){0};
        d = test_draft(&t, "measure", DRAFT_CREATE, "person", test_id(&t, who), "kind", "turn-back", "legal_basis", "口头通知", "issuer", test_id(&t, unit), "starts",
                       "2022-08-15", "ends", "2022-08-16", NULL);
        assert_int_equal(test_write(&t, d, &err), E_REFUSED);
        err = (struct error){0};
        d = test_draft(&t, "measure", DRAFT_CREATE, "person", test_id(&t, who), "kind", "central-isolation", "legal_basis", "法", "issuer", test_id(&t, unit), "starts",
                       "2022-08-15", NULL);
        assert_int_equal(test_write(&t, d, &err), E_INVALID); /* a restriction without an end */
        test_record(&t, "measure", "person", test_id(&t, who), "kind", "central-isolation", "subject_class", "close", "legal_basis", "传染病防治法第四十一条", "issuer",
                    test_id(&t, unit), "starts", "2022-08-15", "ends", "2022-08-22");
    }
}

/* EPI-02: from the opening of an investigation on its team owes to be on the spot, by the plan's time; only the arrival pays. */
static void a_team_owes_its_arrival(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = person(&t, "张伟"), c = make_case(&t, who);
        int64_t i = test_record(&t, "investigation", "case", test_id(&t, c), "opened_at", "2022-08-15T09:40");
        struct obligation o = duty_of(&t, who, "arrive-on-the-spot");
        assert_true(text_is(o.state, "open") && o.duty.due_at == test_at("2022-08-15T11:40"));
        change(&t, "investigation", i, NULL, "dispatched_at", "2022-08-15T09:50", 0);
        assert_state(&t, who, "arrive-on-the-spot", "open"); /* to be sent is not to be there */
        change(&t, "investigation", i, NULL, "arrived_at", "2022-08-15T09:45", E_INVALID); /* before being sent */
        assert_state(&t, who, "arrive-on-the-spot", "open");
        change(&t, "investigation", i, NULL, "arrived_at", "2022-08-15T10:00", 0);
        o = duty_of(&t, who, "arrive-on-the-spot");
        assert_true(text_is(o.state, "paid") && !o.late);
        conservation(&t);
    }
}

/* EPI-08: a positive, a vehicle, a bed. Each hand-over has its time and who signed; the bed alone pays. */
static void a_transfer_ends_in_a_bed(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = person(&t, "张伟"), c = make_case(&t, who);
        int64_t way = test_record(&t, "transfer", "person", test_id(&t, who), "case", test_id(&t, c), "called_at", "2022-08-15T09:00", "vehicle", "沪A00001");
        struct obligation o = duty_of(&t, who, "transfer-to-bed");
        assert_true(text_is(o.state, "open") && o.duty.due_at == test_at("2022-08-15T11:00"));
        change(&t, "transfer", way, "moving", NULL, NULL, E_INVALID); /* nobody handed over */
        change(&t, "transfer", way, "moving", "departed_at", "2022-08-15T09:20", E_INVALID);
        change(&t, "transfer", way, NULL, "departed_at", "2022-08-15T09:20", 0);
        change(&t, "transfer", way, "moving", "handed_by", "街道 李", 0);
        change(&t, "transfer", way, "done", "admitted_at", "2022-08-15T09:55", E_INVALID); /* nobody received */
        assert_state(&t, who, "transfer-to-bed", "open");
        change(&t, "transfer", way, NULL, "arrived_at", "2022-08-15T09:10", E_INVALID); /* before leaving */
        change(&t, "transfer", way, NULL, "received_by", "定点医院 王", 0);
        change(&t, "transfer", way, "done", "admitted_at", "2022-08-15T09:55", 0);
        o = duty_of(&t, who, "transfer-to-bed");
        assert_true(text_is(o.state, "paid") && !o.late);
        change(&t, "transfer", way, "moving", NULL, NULL, E_REFUSED); /* it is over */
        int64_t second = test_record(&t, "transfer", "person", test_id(&t, person(&t, "李娜")), "called_at", "2022-08-15T09:30");
        change(&t, "transfer", second, "cancelled", NULL, NULL, 0);
        conservation(&t);
    }
}

/* EPI-13: five duties to each isolated person, all of them, or none are done. */
static void five_duties_to_each_isolated_person(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t who = person(&t, "张伟"), stay = test_record(&t, "stay", "person", test_id(&t, who), "kind", "home", "started_at", "2022-08-15T08:00");
        struct obligation o = duty_of(&t, who, "five-duties");
        assert_true(text_is(o.state, "open") && o.duty.due_at == test_at("2022-08-16T08:00"));
        int64_t card = test_record(&t, "five_duties", "person", test_id(&t, who), "stay", test_id(&t, stay), "since", "2022-08-15", "searched_at", "2022-08-15T08:10", "controlled_at", "2022-08-15T08:20",
                                   "supervised_at", "2022-08-15T08:30", "informed_at", "2022-08-15T08:40");
        change(&t, "five_duties", card, NULL, "complete_at", "2022-08-15T09:30", E_INVALID); /* nobody has cared */
        assert_state(&t, who, "five-duties", "open");
        change(&t, "five_duties", card, NULL, "cared_at", "2022-08-15T09:20", 0);
        assert_state(&t, who, "five-duties", "open"); /* nobody has said that it is all */
        change(&t, "five_duties", card, NULL, "complete_at", "2022-08-15T09:10", E_INVALID); /* before the last of them */
        change(&t, "five_duties", card, NULL, "complete_at", "2022-08-15T09:30", 0);
        o = duty_of(&t, who, "five-duties");
        assert_true(text_is(o.state, "paid") && !o.late);
        change(&t, "five_duties", card, NULL, "complete_at", "", 0); /* taken back */
        assert_state(&t, who, "five-duties", "open");
        int64_t other = person(&t, "李娜");
        test_record(&t, "stay", "person", test_id(&t, other), "kind", "central", "started_at", "2022-08-15T08:00");
        change(&t, "five_duties", card, NULL, "complete_at", "2022-08-15T09:30", 0);
        assert_state(&t, other, "five-duties", "open"); /* one person's card is nobody else's */
        conservation(&t);
    }
}

/* EPI-05, EPI-07, EPI-10: a contact is under control before anybody knows what his test says. A result pays nothing, whichever it is; an order or a stay does; lost again he is owed again;
 * who is found is out of nobody's sight: in the list until he is placed, each in the time of the plan. */
static void control_comes_before_the_result(void **state) {
    static const char *const results[] = {"negative", "positive", "pending"};
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "shannan-2022", NOW) {
        int64_t index = make_case(&t, person(&t, "病例丙"));
        for (int i = 0; i < 3; i++) {
            int64_t who = person(&t, "密接丁"), contact = test_record(&t, "contact", "person", test_id(&t, who), "index_case", test_id(&t, index), "class", i == 2 ? "secondary" : "close", "last_contact",
                                                                       "2022-08-15", "found_at", "2022-08-15T09:00");
            struct obligation order = duty_of(&t, who, "control-order"), place = duty_of(&t, who, "place-contact");
            assert_true(text_is(order.state, "open") && order.duty.due_at == test_at("2022-08-15T11:00"));
            assert_true(text_is(place.state, "open") && place.duty.due_at == test_at("2022-08-15T12:00")); /* three hours */
            test_record(&t, "test", "person", test_id(&t, who), "sampled_at", "2022-08-15T09:10", "kind", "pcr", "result", results[i], "result_at", "2022-08-15T09:50");
            assert_state(&t, who, "control-order", "open");
            assert_state(&t, who, "place-contact", "open");
            int64_t held = test_record(&t, "measure", "person", test_id(&t, who), "kind", "control-order", "legal_basis", "传染病防治法第三十九条", "issuer",
                                       test_id(&t, test_record(&t, "organisation", "title", arena_printf(&t.a, "指挥部%d", i), "kind", "other")), "starts", "2022-08-15", "ends", "2022-08-16");
            assert_state(&t, who, "control-order", "paid");
            assert_state(&t, who, "place-contact", "open"); /* at home, and not where the plan wants him */
            struct error err = {0};
            struct draft *gone = test_draft(&t, "measure", DRAFT_REMOVE, NULL);
            gone->id = held;
            assert_ok(test_write(&t, gone, &err), err);
            assert_state(&t, who, "control-order", "open"); /* it was never issued */
            test_record(&t, "stay", "person", test_id(&t, who), "contact", test_id(&t, contact), "kind", i == 2 ? "home" : "central", "started_at", "2022-08-15T09:55");
            assert_state(&t, who, "control-order", "paid");
            assert_state(&t, who, "place-contact", "paid");
        }
        conservation(&t);
    }
}

/* EPI-11: a letter from elsewhere is answered by the time it names, else by the plan's; one that was sent out is chased; only words pay, and late is late. */
static void letters_of_other_regions_are_answered_in_time(void **state) {
    static const struct { const char *direction, *due, *rule, *by; } of[] = {{"inbound", "", "assistance-reply", NULL}, {"inbound", "2022-08-15T13:00", "assistance-due", "2022-08-15T13:00"}, {"outbound", "", "assistance-chase", NULL}};
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        int64_t letters[3];
        static const char sql[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = '%s' AND \"state\" = '%s'";
        for (int i = 0; i < 3; i++) {
            letters[i] = test_record(&t, "assistance", "direction", of[i].direction, "other_region", "330100", "letter_no", arena_printf(&t.a, "杭协%d号", i), "sent_at", "2022-08-15T09:00", "due_at", of[i].due, "asked", "10");
            assert_int_equal(test_count(&t, arena_printf(&t.a, sql, of[i].rule, "open")), 1);
            if (of[i].by) assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT MAX(\"due_at\") FROM \"obligation\" WHERE \"rule\" = '%s'", of[i].rule)), test_at(of[i].by));
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" LIKE 'assistance-%'"), 3); /* one each */
        tick(&t, "2022-08-15T14:00");
        change(&t, "assistance", letters[1], NULL, "done", "11", E_INVALID); /* of ten */
        change(&t, "assistance", letters[1], "replied", "replied_at", "2022-08-15T13:30", E_INVALID);
        for (int i = 0; i < 3; i++) {
            change(&t, "assistance", letters[i], NULL, "reply", "已核查 10 人", 0);
            assert_int_equal(test_count(&t, arena_printf(&t.a, sql, of[i].rule, "open")), 1); /* written is not sent */
            change(&t, "assistance", letters[i], "replied", "replied_at", "2022-08-15T13:30", 0);
            assert_int_equal(test_count(&t, arena_printf(&t.a, sql, of[i].rule, "paid")), 1);
            assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = '%s' AND COALESCE(\"late\", 0) <> 0", of[i].rule)), of[i].by ? 1 : 0);
        }
        change(&t, "assistance", letters[0], "open", NULL, NULL, 0); /* sent back: it is owed again */
        conservation(&t);
    }
}

/* EPI-12: the place itself needs no more than its evidence; a block, a street says why. */
static void a_wider_zone_says_why(void **state) {
    static const char *const scopes[] = {"place", "building", "compound", "street"};
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        for (int i = 0; i < 4; i++)
            for (int why = 0; why < 2; why++) {
                struct error err = {0};
                struct draft *d = test_draft(&t, "zone_proposal", DRAFT_CREATE, "place_text", arena_printf(&t.a, "枫林市场 %d %d", i, why), "level", "high", "scope", scopes[i], "wider_reason", why ? "同单元续发" : "", "evidence",
                                             "两例同住", "proposed_at", "2022-08-15T09:00", NULL);
                assert_int_equal(test_write(&t, d, &err), i && !why ? E_INVALID : 0);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_obliges_and_facts_pay),      cmocka_unit_test(an_excluded_case_owes_nothing),
        cmocka_unit_test(a_corrected_disease_has_the_new_deadline), cmocka_unit_test(a_region_owes_one_bulletin_a_day), cmocka_unit_test(a_named_person_owes),
        cmocka_unit_test(release_waits_for_its_conditions),  cmocka_unit_test(a_fact_taken_back_is_owed_again),
        cmocka_unit_test(the_clock_escalates_once),          cmocka_unit_test(every_day_has_its_report),
        cmocka_unit_test(a_new_plan_is_shown_before_it_is_applied), cmocka_unit_test(a_harsher_measure_needs_its_approval),
        cmocka_unit_test(a_team_owes_its_arrival),           cmocka_unit_test(a_transfer_ends_in_a_bed),
        cmocka_unit_test(five_duties_to_each_isolated_person), cmocka_unit_test(control_comes_before_the_result),
        cmocka_unit_test(letters_of_other_regions_are_answered_in_time), cmocka_unit_test(a_wider_zone_says_why),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a round of testing obliges, at the numbers of the plan: results in 6, 12 and 24 hours, an abnormal single result, posts that must be tested, laboratories being built, sites put
 * right, leaders at their sites. Each is owed by somebody, paid by its fact and by nothing else, and goes up when it is late. */
#include "desks/plan.h"
#include "duties.h"
#include "sampling.h"

static int64_t owed(struct test_ledger *t, const char *rule, const char *state) {
    return test_count(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = '%s' AND \"state\" = '%s' AND \"occurrence\" >= 0", rule, state));
}

static int64_t due_s(struct test_ledger *t, const char *rule, const char *from) {
    return test_count(t, arena_printf(&t->a, "SELECT MAX(\"due_at\") FROM \"obligation\" WHERE \"rule\" = '%s' AND \"state\" = 'open'", rule)) - test_at(from);
}

static int64_t escalated(struct test_ledger *t, const char *at) {
    struct error err = {0};
    struct wake_report w;
    t->s.now = test_at(at);
    assert_ok(duty_tick(t->l, &t->s, &w, &err), err);
    return w.escalated;
}

static int change(struct test_ledger *t, const char *reg, int64_t id, const char *state, const char *field, const char *value) {
    struct error err = {0};
    struct draft *d = test_draft(t, reg, DRAFT_CHANGE, field, value, NULL);
    d->id = id;
    if (state) d->state = text_of(state);
    return test_write(t, d, &err);
}

/* A full single tube of a campaign of this kind. */
static int64_t tube_in(struct test_ledger *t, const char *kind, const char *barcode, int64_t who) {
    int64_t campaign = test_record(t, "campaign", "title", barcode, "kind", kind, "starts_at", "2022-09-01T00:00");
    int64_t round = test_record(t, "round", "campaign", test_id(t, campaign), "seq", "1", "starts_at", "2022-09-01T08:00");
    int64_t tube = test_record(t, "tube", "barcode", barcode, "round", test_id(t, round), "size", "1", "kind", "single", "opened_at", "2022-09-01T09:00");
    test_record(t, "swab", "person", test_id(t, who), "tube", test_id(t, tube), "swabbed_at", "2022-09-01T09:01");
    return tube;
}

static void released(struct test_ledger *t, int64_t tube, const char *verdict) {
    struct error err = {0};
    struct draft *d = test_draft(t, "tube", DRAFT_CHANGE, "received_at", SAMPLING_NOW, "verdict", verdict, "released_at", SAMPLING_NOW, NULL);
    d->by_desk = true;
    d->id = tube;
    assert_ok(test_write(t, d, &err), err);
}

static void results_are_due_in_6_12_and_24_hours(void **state) {
    static const struct { const char *kind, *rule; int hours; } of[] = {{"mass", "result-round", 24}, {"area", "result-round", 24}, {"routine", "result-round", 24}, {"must", "result-must", 12}, {"voluntary", "result-voluntary", 24}};
    static const char *const rules[] = {"result-round", "result-must", "result-voluntary"};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        for (int i = 0; i < 5; i++) {
            int64_t tube = tube_in(&t, of[i].kind, arena_printf(&t.a, "K%d", i), person_of(&t, i));
            for (int k = 0; k < 3; k++) assert_int_equal(owed(&t, rules[k], "open"), strcmp(rules[k], of[i].rule) == 0); /* one of them, and no other */
            assert_int_equal(due_s(&t, of[i].rule, "2022-09-01T09:00"), of[i].hours * 3600);
            released(&t, tube, "negative");
            assert_int_equal(owed(&t, of[i].rule, "open"), 0);
        }
        tube_in(&t, "must", "K9", person_of(&t, 9));
        assert_int_equal(escalated(&t, "2022-09-01T21:30"), 2); /* its shipping, twice since 13:01; the result, due at 21:00, an hour after */
        assert_int_equal(escalated(&t, "2022-09-01T22:05"), 1);
    }
}

/* SUR-03: the hospital answers for each of its patients, by the hour he came. */
static void every_fever_patient_and_respiratory_inpatient_is_tested(void **state) {
    static const struct { const char *kind, *rule; int hours; } of[] = {{"fever-clinic", "fever-test", 6}, {"emergency", "fever-test", 6}, {"inpatient-ari", "inpatient-test", 12}};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        int64_t hospital = test_record(&t, "organisation", "title", "第一医院", "kind", "hospital"), who[3], visit = 0;
        for (int i = 0; i < 3; i++) {
            who[i] = person_of(&t, i);
            visit = test_record(&t, "fever_visit", "person", test_id(&t, who[i]), "hospital", test_id(&t, hospital), "kind", of[i].kind, "visited_at", arena_printf(&t.a, "2022-09-01T1%d:00", i), "suspicious", i == 2 ? "true" : "false",
                                "bed", i == 2 ? "3" : "");
            assert_int_equal(due_s(&t, of[i].rule, arena_printf(&t.a, "2022-09-01T1%d:00", i)), of[i].hours * 3600);
        }
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" IN ('fever-test', 'inpatient-test') AND \"state\" = 'open' AND \"owner\" = %lld", (long long)hospital)), 3);
        assert_int_equal(change(&t, "fever_visit", visit, "left", "left_at", "2022-09-01T17:00"), E_REFUSED); /* SUR-04: before the result */
        test_record(&t, "test", "person", test_id(&t, who[2]), "sampled_at", "2022-09-01T12:10", "kind", "antigen", "result", "negative", "result_at", "2022-09-01T12:30");
        assert_int_equal(owed(&t, "inpatient-test", "open"), 1); /* no antigen pays it */
        test_record(&t, "test", "person", test_id(&t, who[2]), "sampled_at", "2022-09-01T11:50", "kind", "pcr", "result", "negative", "result_at", "2022-09-01T16:20");
        assert_int_equal(owed(&t, "inpatient-test", "open"), 1); /* nor what was taken before he came, though its result is told while he is there */
        int64_t tube = tube_in(&t, "mass", "K1", who[0]); /* swabbed at nine */
        released(&t, tube, "negative");
        assert_int_equal(owed(&t, "fever-test", "open"), 2);
        test_record(&t, "test", "person", test_id(&t, who[2]), "sampled_at", "2022-09-01T12:10", "kind", "pcr", "result", "negative", "result_at", "2022-09-01T16:30");
        assert_int_equal(owed(&t, "inpatient-test", "paid"), 1);
        assert_int_equal(owed(&t, "fever-test", "open"), 2); /* the others owe theirs */
        assert_int_equal(change(&t, "fever_visit", visit, "left", "left_at", "2022-09-01T17:00"), 0);
        assert_int_equal(owed(&t, "observe-suspicious", "paid"), 1);
    }
}

/* REP-06. A single result decides: positive is reported and brought to the hospital, in doubt is held and sampled once more besides, negative owes nothing. */
static void an_abnormal_single_result_goes_to_the_hospital(void **state) {
    static const char *const verdicts[] = {"negative", "invalid", "inconclusive", "positive"};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        int64_t who[4], doubt = 0;
        for (int i = 0; i < 4; i++) {
            int64_t tube = tube_in(&t, "mass", arena_printf(&t.a, "V%d", i), who[i] = person_of(&t, i));
            released(&t, tube, verdicts[i]);
            if (i == 2) doubt = tube;
            assert_int_equal(owed(&t, "transfer-positive", "open"), i < 2 ? 0 : i - 1);
            assert_int_equal(owed(&t, "report-positive", "open"), i == 3);
            assert_int_equal(owed(&t, "hold-member", "open") + owed(&t, "resample-member", "open"), i < 2 ? 0 : 2);
            assert_int_equal(owed(&t, "resample-invalid", "open"), i >= 1);
        }
        int64_t transfer = test_record(&t, "transfer", "person", test_id(&t, who[3]), "called_at", SAMPLING_NOW);
        assert_int_equal(owed(&t, "transfer-positive", "open"), 2); /* a car that was called is no bed */
        struct error err = {0};
        struct draft *d = test_draft(&t, "transfer", DRAFT_CHANGE, "departed_at", SAMPLING_NOW, "handed_by", "王", "arrived_at", SAMPLING_NOW, "received_by", "李", "admitted_at", SAMPLING_NOW, "bed", "7", NULL);
        d->id = transfer;
        d->state = TEXT("done");
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(owed(&t, "transfer-positive", "paid"), 1);
        assert_int_equal(owed(&t, "report-positive", "open"), 1);
        test_record(&t, "case", "person", test_id(&t, who[3]), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-09-01", "detected_at", SAMPLING_NOW);
        assert_int_equal(owed(&t, "report-positive", "paid"), 1);
        released(&t, doubt, "negative"); /* corrected: nothing of it is owed any more */
        assert_int_equal(owed(&t, "hold-member", "open") + owed(&t, "resample-member", "open") + owed(&t, "transfer-positive", "open"), 0);
    }
}

/* TST-10: each post is in one of the two, the dangerous ones every day. */
static void each_post_has_its_frequency(void **state) {
    static const char *const daily[] = {"inbound", "isolation", "fever-clinic"}, *const others[] = {"hospital", "market", "delivery", "transport", "school", "care", "service"};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        int64_t unit = test_record(&t, "organisation", "title", "空港货站", "kind", "enterprise");
        for (int i = 0; i < 10; i++)
            test_record(&t, "must_test", "person", test_id(&t, person_of(&t, i)), "unit", test_id(&t, unit), "post", i < 3 ? daily[i] : others[i - 3], "since", "2022-09-01");
        for (int k = 0; k < 6; k++) escalated(&t, arena_printf(&t.a, "2022-09-0%dT12:00", 2 + k)); /* the first to the sixth, and the seventh begun */
        static const char all[] = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = '%s' AND \"occurrence\" >= 0 AND \"owner\" = %lld";
        assert_int_equal(test_count(&t, arena_printf(&t.a, all, "must-test", (long long)unit)), 3 * 7);
        assert_int_equal(test_count(&t, arena_printf(&t.a, all, "must-test-others", (long long)unit)), 7 * 3);
        assert_int_equal(owed(&t, "must-test", "open"), 3 * 2); /* yesterday's is overdue until today's is due, then it was missed */
        assert_int_equal(owed(&t, "must-test", "lapsed"), 3 * 5);
    }
}

/* TST-06, TST-07, TST-08: owed from a time on, paid by its own word, sent up when it is late. */
static void what_is_being_built_put_right_and_manned_is_owed(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t laboratory = test_record(&t, "laboratory", "title", "新实验室"), unit = test_record(&t, "organisation", "title", "承建单位", "kind", "enterprise");
        int64_t milestone = test_record(&t, "lab_milestone", "laboratory", test_id(&t, laboratory), "title", "设备进场", "organisation", test_id(&t, unit), "due_at", "2022-09-02T09:00");
        test_record(&t, "site_inspection", "site", test_id(&t, g.other_site), "inspected_at", "2022-09-01T17:00", "masks", "true", "distance", "true");
        assert_int_equal(owed(&t, "site-fix", "open"), 0); /* nothing to put right */
        int64_t line = test_record(&t, "site_inspection", "site", test_id(&t, g.site), "inspected_at", "2022-09-01T17:00", "masks", "true", "distance", "false");
        int64_t leader = test_record(&t, "leader_roster", "site", test_id(&t, g.site), "leader", "王某", "organisation", test_id(&t, unit), "starts_at", "2022-09-01T18:00");
        assert_int_equal(due_s(&t, "lab-milestone", "2022-09-02T09:00"), 3600);
        assert_int_equal(due_s(&t, "site-fix", "2022-09-01T17:00"), 2 * 3600);
        assert_int_equal(due_s(&t, "leader-check-in", "2022-09-01T18:00"), 30 * 60);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" IN ('lab-milestone', 'leader-check-in') AND \"owner\" = %lld", (long long)unit)), 2);
        assert_int_equal(escalated(&t, "2022-09-01T18:20"), 0);
        assert_int_equal(escalated(&t, "2022-09-01T20:01"), 2); /* an hour after each: the queue without a metre, the leader who did not come */
        assert_int_equal(escalated(&t, "2022-09-02T11:01"), 1);
        assert_int_equal(change(&t, "site_inspection", line, NULL, "fixed_at", "2022-09-01T16:00"), E_INVALID); /* before it was found */
        assert_int_equal(change(&t, "site_inspection", line, NULL, "fixed_at", "2022-09-01T20:30"), 0);
        assert_int_equal(change(&t, "leader_roster", leader, NULL, "checked_in_at", "2022-09-01T20:10"), 0);
        assert_int_equal(change(&t, "lab_milestone", milestone, NULL, "done_at", "2022-09-02T11:00"), 0);
        assert_int_equal(owed(&t, "site-fix", "paid") + owed(&t, "leader-check-in", "paid") + owed(&t, "lab-milestone", "paid"), 3);
    }
}

/* TST-11: a team is out from its call until it is released, also to another district; what says not where to is refused. */
static void a_team_is_out_until_it_is_released(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        static const char out[] = "SELECT COUNT(*) FROM \"mobile_team\" WHERE \"state\" = 'out'", ready[] = "SELECT COUNT(*) FROM \"mobile_team\" WHERE \"state\" = 'ready'";
        int64_t team = test_record(&t, "mobile_team", "title", "邻市支援队", "kind", "sampling", "samplers", "20");
        assert_int_equal(test_write(&t, test_draft(&t, "team_dispatch", DRAFT_CREATE, "team", test_id(&t, team), "called_at", SAMPLING_NOW, NULL), &err), E_INVALID);
        assert_int_equal(test_count(&t, out), 0);
        for (int late = 0; late < 2; late++) { /* told when it is called, and told when it is there already */
            int64_t call = test_record(&t, "team_dispatch", "team", test_id(&t, team), "area", "310116", "called_at", late ? "2022-09-01T17:10" : "2022-09-01T17:20", "arrived_at", late ? SAMPLING_NOW : "");
            assert_int_equal(test_count(&t, out), 1);
            sample_open(&t, "team_dispatch", call, "there");
            assert_int_equal(test_count(&t, out), 1);
            sample_open(&t, "team_dispatch", call, "released");
            assert_int_equal(test_count(&t, ready), 1);
        }
        struct draft *gone = test_draft(&t, "team_dispatch", DRAFT_REMOVE, NULL);
        gone->id = test_record(&t, "team_dispatch", "team", test_id(&t, team), "area", "310116", "called_at", SAMPLING_NOW);
        assert_int_equal(test_count(&t, out), 1);
        assert_ok(test_write(&t, gone, &err), err);
        assert_int_equal(test_count(&t, ready), 1); /* taken back: it was never sent */
    }
}

/* TST-07: who runs a site clears its jam. One debt a site, paid by a report of that site that is free again, or by a team sent there; by nothing of another site, of before, or in between. */
static int64_t queue(struct test_ledger *t, int64_t site, const char *at, const char *minutes) {
    return test_record(t, "queue_report", "site", test_id(t, site), "reported_at", at, "waiting", "300", "wait_minutes", minutes);
}

static void a_jam_is_cleared(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        int64_t unit = test_record(&t, "organisation", "title", "城南街道办", "kind", "other"), team = test_record(&t, "mobile_team", "title", "邻市支援队", "kind", "sampling");
        int64_t site = test_record(&t, "site", "title", "南门小学", "kind", "fixed", "organisation", test_id(&t, unit)), other = test_record(&t, "site", "title", "北门广场", "kind", "fixed");
        queue(&t, site, "2022-09-01T16:00", "5");
        queue(&t, site, "2022-09-01T16:50", "49");
        test_record(&t, "queue_report", "site", test_id(&t, site), "reported_at", "2022-09-01T16:55", "waiting", "900"); /* how long, nobody says */
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        int64_t first = queue(&t, site, "2022-09-01T17:00", "50");
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        assert_int_equal(due_s(&t, "site-jam", "2022-09-01T17:00"), 30 * 60);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='site-jam' AND \"owner\"=%lld AND \"owner_kind\"=%d", (long long)unit, OWNER_UNIT)), 1);
        queue(&t, site, "2022-09-01T17:10", "70"); /* the same jam */
        queue(&t, site, "2022-09-01T17:20", "25"); /* still busy */
        queue(&t, other, "2022-09-01T17:20", "3");
        test_record(&t, "team_dispatch", "team", test_id(&t, team), "site", test_id(&t, other), "called_at", "2022-09-01T17:20");
        test_record(&t, "team_dispatch", "team", test_id(&t, team), "area", "310115", "called_at", "2022-09-01T17:21");
        test_record(&t, "team_dispatch", "team", test_id(&t, team), "site", test_id(&t, site), "called_at", "2022-09-01T16:30"); /* and yet it is jammed */
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        assert_int_equal(due_s(&t, "site-jam", "2022-09-01T17:00"), 30 * 60);
        int64_t free_again = queue(&t, site, "2022-09-01T17:28", "24");
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        assert_int_equal(owed(&t, "site-jam", "paid"), 1);
        assert_int_equal(change(&t, "queue_report", free_again, NULL, "wait_minutes", "60"), 0); /* corrected: it was not free */
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        assert_int_equal(change(&t, "queue_report", free_again, NULL, "wait_minutes", "10"), 0);
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        queue(&t, site, "2022-09-01T17:29", "55"); /* another jam; a team is sent */
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        t.s.now = test_at("2022-09-01T18:05");
        assert_int_equal(escalated(&t, "2022-09-01T18:30"), 1);
        assert_int_equal(escalated(&t, "2022-09-01T19:00"), 1);
        test_record(&t, "team_dispatch", "team", test_id(&t, team), "site", test_id(&t, site), "called_at", "2022-09-01T18:58");
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='site-jam' AND \"late\"=1"), 1);
        /* nobody runs the other: the region's; told late, the report that it is free is there already */
        queue(&t, other, "2022-09-01T18:50", "20");
        queue(&t, other, "2022-09-01T18:40", "80");
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        assert_int_equal(owed(&t, "site-jam", "paid"), 3);
        int64_t jam = queue(&t, other, "2022-09-01T18:55", "80");
        queue(&t, other, "2022-09-01T18:56", "90");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='site-jam' AND \"state\"='open' AND \"owner\"=0"), 1);
        /* corrected to nothing, what it held is the next report's; withdrawn too, nobody's */
        assert_int_equal(change(&t, "queue_report", jam, NULL, "wait_minutes", "1"), 0);
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        struct draft *gone = test_draft(&t, "queue_report", DRAFT_REMOVE, NULL);
        gone->id = test_count(&t, "SELECT \"id\" FROM \"queue_report\" WHERE \"wait_minutes\"=90");
        assert_ok(test_write(&t, gone, &err), err);
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        /* another plan moves the one debt, and makes none of what is over */
        queue(&t, site, "2022-09-01T18:59", "51");
        queue(&t, site, "2022-09-01T19:00", "52");
        int64_t id = 0;
        struct plan_diff done = {0};
        assert_ok(plan_adopt(t.l, &t.s, &(struct plan_adoption){.pack = TEXT("covid-2022-20"), .from = 19236, .reason = TEXT("二十条")}, &id, &done, &err), err);
        plan_diff_clear(&done);
        assert_int_equal(owed(&t, "site-jam", "open"), 1);
        queue(&t, site, "2022-09-01T19:00:30", "0");
        assert_int_equal(owed(&t, "site-jam", "open"), 0);
        (void)first;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_due_in_6_12_and_24_hours),
        cmocka_unit_test(every_fever_patient_and_respiratory_inpatient_is_tested),
        cmocka_unit_test(an_abnormal_single_result_goes_to_the_hospital),
        cmocka_unit_test(each_post_has_its_frequency),
        cmocka_unit_test(what_is_being_built_put_right_and_manned_is_owed),
        cmocka_unit_test(a_team_is_out_until_it_is_released),
        cmocka_unit_test(a_jam_is_cleared),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

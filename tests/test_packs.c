/* The packs of the house: that they say what the plans say, and what others rely on. */
#include "packs.h"

static int64_t value(const struct policy *p, const char *name) {
    const struct parameter *a = policy_parameter(p, text_of(name));
    if (!a) fail_msg("%s has no parameter %s", p->name.s, name);
    return a->value;
}

static void the_plans_say_what_they_say(void **state) {
    (void)state;
    struct policy *v8 = load("covid-2021-v8"), *v9 = load("covid-2022-v9"), *v20 = load("covid-2022-20"),
                  *sn = load("shannan-2022");
    assert_true(value(v8, "central_days") == 14 && value(v8, "home_days") == 7);
    assert_true(value(v9, "central_days") == 7 && value(v9, "home_days") == 3);
    assert_true(value(v20, "central_days") == 5 && value(v20, "home_days") == 3);
    assert_true(v9->rules[policy_rule(v9, TEXT("central-tests"))].days ==
                (1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 7));
    assert_true(v9->rules[policy_rule(v9, TEXT("home-tests"))].days == 1u << 10); /* day 3 at home */
    assert_true(v8->rules[policy_rule(v8, TEXT("home-tests"))].days == (1u << 16 | 1u << 21));
    assert_true(v20->rules[policy_rule(v20, TEXT("home-tests"))].days == (1u << 6 | 1u << 8));
    assert_int_equal(policy_rule(v20, TEXT("secondary-tests")), -1); /* no longer determined */
    /* Shannan: quicker for the departments, no heavier for the people, hence without deviation */
    assert_int_equal(value(v9, "place_contact_within"), 8 * 3600);
    assert_int_equal(value(sn, "place_contact_within"), 3 * 3600);
    assert_int_equal(value(sn, "locate_case_within"), 3600);
    assert_int_equal(value(sn, "social_zero_days"), 3);
    assert_int_equal(sn->rules[policy_rule(sn, TEXT("place-contact"))].within_s, 3 * 3600);
    assert_int_equal(sn->rules[policy_rule(sn, TEXT("locate-case"))].within_s, 3600);
    assert_int_equal(sn->deviation_until, DAY_MAX);
    assert_false(
        policy_parameter(v9, TEXT("place_contact_within"))->from.verified); /* 8 h or 12 h: in doubt */
    assert_true(text_starts(policy_parameter(sn, TEXT("locate_case_within"))->from.source, TEXT("任务文本")));
    struct policy *ebola = load("ebola-who"), *mers = load("mers-who"), *measles = load("measles-who");
    assert_int_equal(value(ebola, "follow_up_days"), 21);
    assert_int_equal(value(measles, "follow_up_days"), 21);
    assert_int_equal(value(mers, "follow_up_days"), 14);
    struct policy *all[] = {v8, v9, v20, sn, ebola, mers, measles};
    for (size_t i = 0; i < 7; i++) policy_free(all[i]);
}

static void every_pack_has_the_rules_others_rely_on(void **state) {
    (void)state;
    static const char *const codes[] = {"direct-report",    "core-information", "full-investigation",
                                        "locate-case",      "county-receipt",   "city-receipt",
                                        "province-receipt", "place-contact",    "health-checks",
                                        "release",          "daily-report",     "region-report"};
    static const char *const covid[] = {"control-order", "central-tests", "home-tests", "five-duties"};
    struct arena a = {0};
    struct text *names = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_ok(policy_names(in_home("policies"), &a, &names, &n, &err), err);
    assert_true(n >= 7);
    for (size_t i = 0; i < n; i++) {
        struct policy *p = load(names[i].s);
        for (size_t k = 0; k < sizeof codes / sizeof *codes; k++)
            if (policy_rule(p, text_of(codes[k])) < 0) fail_msg("%s has no %s", names[i].s, codes[k]);
        for (size_t k = 0; k < sizeof covid / sizeof *covid && text_is(p->disease, "covid-19"); k++)
            assert_true(policy_rule(p, text_of(covid[k])) >= 0);
        for (size_t k = 0; k < p->n_parameters; k++) assert_true(p->parameters[k].from.source.n > 0);
        for (size_t k = 0; k < p->n_rules; k++) {
            const struct duty_rule *r = &p->rules[k];
            assert_true(r->from.source.n > 0 && r->zh.n > 0 && r->en.n > 0 && r->n_owners > 0 &&
                        r->n_pays > 0);
        }
        const struct limit *l = policy_limit(p, TEXT("turn-back"), TEXT("resident"));
        assert_true(l && !l->allowed);
        struct policy_change *changes = NULL;
        size_t differ = 1;
        assert_ok(policy_diff(p, p, false, &a, &changes, &differ, &err), err);
        assert_int_equal(differ, 0);
        policy_free(p);
    }
    arena_clear(&a);
}

static void a_difference_is_named(void **state) {
    (void)state;
    struct policy *v9 = load("covid-2022-v9"), *sn = load("shannan-2022");
    struct arena a = {0};
    struct policy_change *c = NULL;
    size_t n = 0;
    struct error err = {0};
    assert_ok(policy_diff(v9, sn, false, &a, &c, &n, &err), err);
    assert_int_equal(n, 4); /* two parameters and the two rules that stand on them */
    assert_string_equal(c[0].kind, "parameter");
    assert_true(text_is(c[0].name, "locate_case_within") && text_is(c[0].before, "2h") &&
                text_is(c[0].after, "1h"));
    assert_string_equal(c[3].kind, "rule");
    assert_true(text_is(c[3].name, "place-contact"));
    size_t back = 0;
    struct policy_change *d = NULL;
    assert_ok(policy_diff(sn, v9, false, &a, &d, &back, &err), err);
    assert_int_equal(back, n);
    for (size_t i = 0; i < n; i++)
        assert_true(text_eq(c[i].before, d[i].after) && text_eq(c[i].after, d[i].before));
    arena_clear(&a);
    policy_free(v9);
    policy_free(sn);
}

/* PRV-01, PRV-02 */
static void measures_beyond_the_plan_are_refused(void **state) {
    (void)state;
    struct policy *p = load("covid-2022-v9");
    struct measure_facts m = {
        .kind = TEXT("central-isolation"), .subject = TEXT("close"), .starts = 100, .ends = 108};
    struct error err = {0};
    assert_int_equal(policy_measure(p, &m, true, &err), E_REFUSED);
    assert_non_null(strstr(err.message, "8 天超过方案的 7 天"));
    m.approver = TEXT("王");
    assert_int_equal(policy_measure(p, &m, false, NULL), E_REFUSED);
    m.reason = TEXT("养老院");
    assert_int_equal(policy_measure(p, &m, false, NULL), 0);
    m = (struct measure_facts){
        .kind = TEXT("central-isolation"), .subject = TEXT("close"), .starts = 100, .ends = 107};
    assert_int_equal(policy_measure(p, &m, false, NULL), 0);
    m.subject = TEXT("low-risk-area");
    assert_int_equal(policy_measure(p, &m, false, NULL), E_REFUSED);
    m = (struct measure_facts){.kind = TEXT("turn-back"),
                               .subject = TEXT("resident"),
                               .approver = TEXT("王"),
                               .reason = TEXT("理由")};
    assert_int_equal(policy_measure(p, &m, false, NULL), E_REFUSED); /* nor by an approver alone */
    m.rule = TEXT("no-such-rule");
    m.review = TEXT("已复核");
    assert_int_equal(policy_measure(p, &m, false, NULL), E_REFUSED);
    m.rule = TEXT("control-order");
    assert_int_equal(policy_measure(p, &m, false, NULL), 0);
    m = (struct measure_facts){.kind = TEXT("other"), .starts = 0, .ends = 500};
    assert_int_equal(policy_measure(p, &m, false, NULL), 0); /* the plan says nothing */
    policy_free(p);
}

static void a_stay_in_the_ninth_edition(void **state) {
    (void)state;
    struct policy *p = load("covid-2022-v9");
    const struct register_decl *stay = register_find(catalog, TEXT("stay"));
    struct value v[64] = {0};
    assert_true(stay->n_fields <= 64);
    day exposed = 19142;
    v[register_field(stay, TEXT("kind"))] = value_str("central");
    v[register_field(stay, TEXT("class"))] = value_str("close");
    v[register_field(stay, TEXT("exposure"))] = value_int(exposed);
    instant now = instant_of_day(exposed + 2, ZONE_CHINA_S) + 36000;
    struct expr_scope s = {.values = v,
                           .id = 5,
                           .state = TEXT("active"),
                           .region = TEXT("5422"),
                           .version = 1,
                           .now = now,
                           .today = exposed + 2};
    struct duty d[32];
    size_t n = policy_duties(p, stay, &s, now, ZONE_CHINA_S, d, 32);
    assert_int_equal(n, 4);
    assert_int_equal(d[0].rule, policy_rule(p, TEXT("central-tests")));
    assert_true(d[0].owed == (1u << 2 | 1u << 3 | 1u << 5 | 1u << 7)); /* found on day 2: day 1 is not owed */
    assert_int_equal(d[1].rule, policy_rule(p, TEXT("five-duties")));
    assert_int_equal(d[2].rule, policy_rule(p, TEXT("health-checks")));
    assert_true(d[2].owed == 0xFC);
    assert_int_equal(d[3].rule, policy_rule(p, TEXT("release")));
    assert_true(d[3].owed == 1u << 7);
    v[register_field(stay, TEXT("class"))] = value_str("secondary");
    v[register_field(stay, TEXT("kind"))] = value_str("home");
    n = policy_duties(p, stay, &s, now, ZONE_CHINA_S, d, 32);
    assert_int_equal(n, 4);
    assert_int_equal(d[0].rule, policy_rule(p, TEXT("secondary-tests")));
    v[register_field(stay, TEXT("case"))] = value_int(9); /* a case in hospital is no contact in quarantine */
    assert_int_equal(policy_duties(p, stay, &s, now, ZONE_CHINA_S, d, 32), 0);
    policy_free(p);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plans_say_what_they_say),
        cmocka_unit_test(every_pack_has_the_rules_others_rely_on),
        cmocka_unit_test(a_difference_is_named),
        cmocka_unit_test(measures_beyond_the_plan_are_refused),
        cmocka_unit_test(a_stay_in_the_ninth_edition),
    };
    return cmocka_run_group_tests(tests, load_catalog, drop_catalog);
}

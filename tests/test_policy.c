/* Packs: what is refused and where, and that a local one cannot weigh more on people in silence. */
#include "folder.h"
#include "packs.h"

/* ---- refusals: a pack of four parts, one of which is wrong */

static const char *const good_head =
    "name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\nsource: 文件\ncertainty: high\n";
static const char *const good_parameters =
    "parameters:\n  central_days: {zh: 天, en: days, unit: day, value: 7, harsher: more}\n"
    "  place_within: {zh: 时, en: time, unit: duration, value: 8h}\n"
    "  test_days: {zh: 日, en: days, unit: day, value: [1, 4, 7], harsher: more}\n";
#define RULE_HEAD "rules:\n  tests:\n    zh: 检测\n    en: Tests\n    on: stay\n    desk: testing\n"
#define RULE_PAYS "    pays: [{on: test, by: person, when: \"result = 'negative'\", date: sampled_at}]\n"
#define RULE_OWNER "    owner: [department cdc, region]\n"
#define RULE_TESTS RULE_HEAD "    from: exposure\n    days: $test_days\n" RULE_OWNER RULE_PAYS
#define RULE_RELEASE                                                                                           \
    "  release:\n    zh: 解除\n    en: Release\n    on: stay\n    desk: isolation\n    from: exposure\n    " \
    "owner: region\n"                                                                                          \
    "    pays: [{on: stay, by: self, when: state = 'released'}]\n    guard: released\n"

static int parse(const char *head, const char *parameters, const char *rules, struct policy **ret,
                 struct error *err) {
    char text[8192];
    snprintf(text, sizeof text, "%s%s%s", head ? head : good_head, parameters ? parameters : good_parameters,
             rules ? rules : RULE_TESTS);
    return policy_parse(catalog, in_home("policies"), text_of(text), "x.yaml", ZONE_CHINA_S, ret, err);
}

static const struct refusal {
    const char *head, *parameters, *rules; /* NULL: the good one */
    int code;
    const char *where, *says;
} refusals[] = {
    /* the head is lines 1 to 7, parameters 8 to 11, rules from 12 */
    {"name: x\nzh: 甲\nen: X\nin_force: 2022-06-28\nsource: s\ncertainty: high\n", NULL, NULL, E_INVALID,
     "x.yaml:1:1", "disease is missing"},
    {"name: ../x\nzh: 甲\nen: X\n", NULL, NULL, E_INVALID, "x.yaml:1:7", "named with"},
    {"name: x\nzh: 甲\nen: X\ndisease: cough\nin_force: 2022-06-28\nsource: s\ncertainty: high\n", NULL, NULL,
     E_UNKNOWN, "x.yaml:4:10", "no code cough"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-31\nsource: s\ncertainty: high\n", NULL,
     NULL, E_INVALID, "x.yaml:5:11", "date"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\nsource: s\ncertainty: sure\n", NULL,
     NULL, E_INVALID, "x.yaml:7:12", "high, medium or low"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\ncertainty: high\ncolour: red\n", NULL,
     NULL, E_UNKNOWN, "x.yaml:7:1", "key colour"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\ncertainty: high\n", NULL, NULL,
     E_INVALID, "x.yaml:8:3", "central_days names no source"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\nsource: s\n", NULL, NULL, E_INVALID,
     "x.yaml:8:3", "says no certainty"},
    {"name: x\nzh: 甲\nen: X\nextends: nowhere\nin_force: 2022-06-28\nsource: s\ncertainty: high\n", NULL,
     NULL, E_UNKNOWN, "x.yaml:4:10", "no pack nowhere"},
    {"name: x\nzh: 甲\nen: X\nextends: x\nin_force: 2022-06-28\nsource: s\ncertainty: high\n", NULL, NULL,
     E_INVALID, "x.yaml:4:10", "loop"},
    {"name: x\nzh: 甲\nen: X\ndisease: covid-19\nin_force: 2022-06-28\nsource: s\ncertainty: "
     "high\ndeviation: {approver: a, reason: b, until: 2022-09-01}\n",
     NULL, NULL, E_INVALID, "x.yaml:8:12", "extends"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: day, value: 4000}\n", NULL, E_INVALID, "x.yaml:9:39",
     "0 to 3650"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: day, value: [1, 1]}\n", NULL, E_INVALID, "x.yaml:9:43",
     "ascend"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: duration, value: soon}\n", NULL, E_INVALID, "x.yaml:9:44",
     "duration"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: time, value: 25:00}\n", NULL, E_INVALID, "x.yaml:9:40",
     "time of day"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: day}\n", NULL, E_INVALID, "x.yaml:9:3",
     "value is missing"},
    {NULL, "parameters:\n  a: {zh: 甲, en: a, unit: day, value: 1, harsher: yes}\n", NULL, E_INVALID,
     "x.yaml:9:51", "more, less or neither"},
    {NULL, NULL, "rules:\n  Tests: {}\n", E_INVALID, "x.yaml:13:3", "named with"},
    {NULL, NULL, RULE_TESTS "  tests: {}\n", E_SYNTAX, "x.yaml:22:3", "twice"},
    {NULL, NULL, RULE_TESTS "    colour: red\n", E_UNKNOWN, "x.yaml:22:5", "key colour"},
    {NULL, NULL, "rules:\n  tests:\n    zh: 检\n    en: T\n    on: bed\n    desk: d\n", E_UNKNOWN,
     "x.yaml:16:9", "no register bed"},
    {NULL, NULL, RULE_TESTS "    when: kind\n", E_INVALID, "x.yaml:22:11", "true or false"},
    {NULL, NULL, RULE_TESTS "    when: ward = 3\n", E_UNKNOWN, "x.yaml:22:11", "no field ward"},
    {NULL, NULL, RULE_TESTS "    when: kind = 'central' AND class = 'closest'\n", E_UNKNOWN, "x.yaml:22:40",
     "no code closest"},
    {NULL, NULL, RULE_TESTS "    when: \"kind = 'centre'\"\n", E_UNKNOWN, "x.yaml:22:19", "no code centre"},
    {NULL, NULL, RULE_TESTS "    when: planned_end - exposure > $central_days AND ward = 1\n", E_UNKNOWN,
     "x.yaml:22:54", "no field ward"},
    {NULL, NULL, RULE_TESTS "    when: planned_end - exposure > $days\n", E_UNKNOWN, "x.yaml:22:11",
     "parameter days"},
    {NULL, NULL, RULE_TESTS "    within: 2h\n", E_INVALID, "x.yaml:14:5", "one of within"},
    {NULL, NULL, RULE_HEAD RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:14:5", "one of within"},
    {NULL, NULL, RULE_HEAD "    within: $when\n" RULE_OWNER RULE_PAYS, E_UNKNOWN, "x.yaml:18:13",
     "parameter when"},
    {NULL, NULL, RULE_HEAD "    within: $central_days\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:18:13",
     "unit day, not duration"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    lapses: true\n" RULE_OWNER RULE_PAYS, E_INVALID,
     "x.yaml:19:13", "schedules of days"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    from: kind\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:19:11",
     "neither a date"},
    {NULL, NULL, RULE_HEAD "    days: [1, 63]\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:18:15",
     "past the 62 days"},
    {NULL, NULL, RULE_HEAD "    days: [1, 1]\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:18:15", "twice"},
    {NULL, NULL, RULE_HEAD "    first_day: 3\n    last_day: 2\n" RULE_OWNER RULE_PAYS, E_INVALID,
     "x.yaml:19:15", "before the first"},
    {NULL, NULL, RULE_HEAD "    first_day: 3\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:14:5",
     "go together"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_PAYS, E_INVALID, "x.yaml:14:5", "owner is missing"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    owner: [department navy]\n" RULE_PAYS, E_UNKNOWN,
     "x.yaml:19:13", "no department navy"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    owner: everybody\n" RULE_PAYS, E_INVALID, "x.yaml:19:12",
     "an owner is"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    owner: [department cdc kind]\n" RULE_PAYS, E_INVALID,
     "x.yaml:19:13", "neither a region nor a reference"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    owner: [department navy person]\n" RULE_PAYS, E_UNKNOWN,
     "x.yaml:19:13", "no department navy"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    per: index_case\n" RULE_OWNER RULE_PAYS, E_INVALID, "x.yaml:19:10", "are not held by index_case"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: queue_report, by: site}]\n", E_INVALID, "x.yaml:20:35", "does not refer to stay"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, since: true}]\n", E_INVALID,
     "x.yaml:20:42", "since needs the date"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, back: 90d}]\n", E_INVALID, "x.yaml:20:41",
     "since needs the date"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, until: kind, date: sampled_at}]\n", E_INVALID,
     "x.yaml:20:42", "neither a date nor an instant"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, until: [], date: sampled_at}]\n", E_INVALID,
     "x.yaml:20:42", "one or two fields"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, since: false, until: result_at, date: sampled_at}]\n",
     E_INVALID, "x.yaml:20:56", "count since the start"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n    owner: unit place\n" RULE_PAYS, E_INVALID, "x.yaml:19:12",
     "refer to organisation"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER, E_INVALID, "x.yaml:14:5", "pays is missing"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: []\n", E_INVALID, "x.yaml:20:11",
     "nothing would ever pay"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: laboratory}]\n",
     E_INVALID, "x.yaml:20:27", "refer to stay"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: self}]\n", E_INVALID,
     "x.yaml:20:27", "own register"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: daily_report, by: person}]\n",
     E_INVALID, "x.yaml:20:35", "about somebody"},
    {NULL, NULL, RULE_HEAD "    within: 2h\n" RULE_OWNER "    pays: [{on: test, by: person, when: result}]\n",
     E_INVALID, "x.yaml:20:41", "true or false"},
    {NULL, NULL, RULE_TESTS "    escalate: [{after: 2h, to: region}, {after: 1h, to: region}]\n", E_INVALID,
     "x.yaml:22:49", "one after the other"},
    {NULL, NULL, RULE_TESTS "    guard: free\n", E_UNKNOWN, "x.yaml:22:12", "no state free"},
    {NULL, NULL, RULE_TESTS "    requires: [tests]\n", E_INVALID, "x.yaml:22:15", "needs a guard"},
    {NULL, NULL, RULE_TESTS RULE_RELEASE "    days: $central_days\n    requires: [swabs]\n", E_UNKNOWN,
     "x.yaml:32:16", "no rule swabs"},
    {NULL, NULL, RULE_TESTS RULE_RELEASE "    days: $central_days\n    requires: [release]\n", E_INVALID,
     "x.yaml:32:16", "wait for itself"},
    /* a test day after release: the schedule is past its quarantine */
    {NULL, NULL, RULE_TESTS RULE_RELEASE "    days: [6]\n    requires: [tests]\n", E_INVALID, "x.yaml:19:11",
     "tests has day 7, after release on day 6"},
    {NULL, NULL, RULE_TESTS RULE_RELEASE "    days: [6]\n", E_INVALID, "x.yaml:19:11",
     "tests has day 7, after release on day 6"},
    {NULL, NULL, RULE_TESTS "limits:\n  exile: {zh: 放, en: Exile}\n", E_UNKNOWN, "x.yaml:23:3",
     "no code exile"},
    {NULL, NULL, RULE_TESTS "limits:\n  closure moon: {zh: 月, en: Moon}\n", E_UNKNOWN, "x.yaml:23:3",
     "no code moon"},
    {NULL, NULL, RULE_TESTS "limits:\n  closure: {zh: 关, en: Close, allowed: false, max_days: 3}\n",
     E_INVALID, "x.yaml:23:57", "has no days"},
};

static void refused_with_file_line_and_column(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        struct policy *p = NULL;
        struct error err = {0};
        int rc = parse(r->head, r->parameters, r->rules, &p, &err);
        if (rc != r->code || strcmp(err.where, r->where) != 0 || !strstr(err.message, r->says))
            fail_msg("%zu (%s): %d at %s: %s", i, r->says, rc, err.where, err.message);
        assert_null(p);
    }
    struct policy *p = NULL;
    struct error err = {0};
    assert_int_equal(parse(NULL, NULL, "rules: [", &p, &err), E_SYNTAX);
    assert_int_equal(policy_parse(catalog, "policies", TEXT(""), "x.yaml", 0, &p, NULL), E_SYNTAX);
    assert_int_equal(policy_load(catalog, in_home("policies"), TEXT("no-such"), 0, &p, NULL), E_UNKNOWN);
    assert_int_equal(
        policy_load(catalog, in_home("policies"), TEXT("../policies/covid-2022-v9"), 0, &p, NULL), E_UNKNOWN);
    assert_null(p);
}

static void the_small_pack_is_good(void **state) {
    (void)state;
    struct policy *p = NULL;
    struct error err = {0};
    assert_ok(parse(NULL, NULL, RULE_TESTS RULE_RELEASE "    days: $central_days\n    requires: [tests]\n",
                    &p, &err),
              err);
    const struct duty_rule *r = &p->rules[policy_rule(p, TEXT("tests"))],
                           *release = &p->rules[policy_rule(p, TEXT("release"))];
    assert_true(r->days == (1u << 1 | 1u << 4 | 1u << 7));
    assert_int_equal(r->timing, TIMING_DAYS);
    assert_int_equal(r->n_owners, 2);
    assert_int_equal(r->owners[1].kind, OWNER_REGION);
    assert_int_equal(r->pays[0].by, FACT_BY_PERSON);
    assert_int_equal(release->pays[0].by, FACT_BY_SELF);
    assert_int_equal(release->n_requires, 1);
    assert_int_equal(release->requires[0], policy_rule(p, TEXT("tests")));
    assert_ptr_equal(release->guard_reg, register_find(catalog, TEXT("stay")));
    assert_true(text_is(r->from.source, "文件"));
    assert_false(r->from.verified); /* nobody said so */
    assert_int_equal(policy_rule(p, TEXT("none")), -1);
    assert_null(policy_parameter(p, TEXT("none")));
    policy_free(p);
    policy_free(NULL);
}

/* ---- local packs */

static const char *const local = "name: town\nzh: 镇\nen: Town\nextends: covid-2022-v9\nin_force: "
                                 "2022-08-14\nsource: 镇政府\ncertainty: high\n";
static const char *const stands = "deviation: {approver: 王县长, reason: 高风险集市, until: 2022-09-01}\n";

static int parse_local(const char *deviation, const char *rest, struct policy **ret, struct error *err) {
    char text[4096];
    snprintf(text, sizeof text, "%s%s%s", local, deviation, rest);
    return policy_parse(catalog, in_home("policies"), text_of(text), "town.yaml", ZONE_CHINA_S, ret, err);
}

/* 九不准: longer, wider or harsher needs somebody who answers for it, until a day. */
static void harsher_than_the_parent_needs_a_deviation(void **state) {
    (void)state;
    static const struct {
        const char *rest, *where;
    } harsher[] = {
        {"parameters:\n  central_days: {value: 14}\n", "town.yaml:9:25"},
        {"parameters:\n  central_test_days: {value: [1, 2, 3, 4, 5, 7]}\n", "town.yaml:9:30"},
        {"parameters:\n  social_zero_days: {value: 7}\n", "town.yaml:9:29"},
        {"rules:\n  central-tests: {days: [1, 2, 3, 4, 5, 6, 7]}\n", "town.yaml:9:25"},
        {"rules:\n  place-contact: {guard: {on: contact, state: released}}\n", "town.yaml:9:3"},
        {"rules:\n  central-tests: {when: state = 'active'}\n", "town.yaml:9:25"},
        {"limits:\n  home-isolation secondary: {max_days: 21}\n", "town.yaml:9:40"},
        {"limits:\n  turn-back: {allowed: true}\n", "town.yaml:9:3"},
        {"limits:\n  area-lockdown: {max_days: 0}\n", "town.yaml:9:29"},
        {"limits:\n  area-lockdown resident: {zh: 民, en: Residents, max_days: 30}\n", "town.yaml:9:60"},
        {"rules:\n  evening-visit:\n    {zh: 晚访, en: Visit, on: contact, desk: tracing, days: [1], owner: "
         "region, pays: [{on: health_check, by: person}]}\n",
         "town.yaml:9:3"},
    };
    for (size_t i = 0; i < sizeof harsher / sizeof *harsher; i++) {
        struct policy *p = NULL;
        struct error err = {0};
        int rc = parse_local("", harsher[i].rest, &p, &err);
        if (rc != E_REFUSED || strcmp(err.where, harsher[i].where) != 0)
            fail_msg("%s%d %s: %s", harsher[i].rest, rc, err.where, err.message);
        assert_non_null(strstr(err.message, "deviation"));
        char with[512];
        snprintf(with, sizeof with, "%s%s", stands, harsher[i].rest);
        err = (struct error){0};
        rc = parse_local(stands, harsher[i].rest, &p, &err);
        if (rc < 0) fail_msg("%s: %s at %s", harsher[i].rest, err.message, err.where);
        assert_true(text_is(p->deviation_approver, "王县长") && p->deviation_until == 19236);
        policy_free(p);
    }
    static const char *const half[] = {"deviation: {approver: a, reason: b}\n",
                                       "deviation: {approver: a, until: 2022-09-01}\n",
                                       "deviation: {reason: b, until: 2022-09-01}\n",
                                       "deviation: {approver: '', reason: b, until: 2022-09-01}\n",
                                       "deviation: {approver: a, reason: b, until: 2022-01-01}\n"};
    for (size_t i = 0; i < sizeof half / sizeof *half; i++) {
        struct policy *p = NULL;
        assert_int_equal(parse_local(half[i], harsher[0].rest, &p, NULL), E_INVALID);
    }
}

static void milder_and_quicker_need_none(void **state) {
    (void)state;
    static const char *const fine[] = {
        "parameters:\n  central_days: {value: 7}\n",
        "parameters:\n  place_contact_within: {value: 1h, clause: 三小时}\n",
        "parameters:\n  central_test_days: {value: [1, 7]}\n",
        "rules:\n  locate-case: {within: 30m}\n",
        "limits:\n  area-lockdown: {max_days: 3}\n",
        "limits:\n  home-isolation inbound: {zh: 入境, en: Arrivals, allowed: false}\n",
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct policy *p = NULL;
        struct error err = {0};
        if (parse_local("", fine[i], &p, &err) < 0) fail_msg("%s: %s at %s", fine[i], err.message, err.where);
        assert_true(text_is(p->parent, "covid-2022-v9"));
        assert_true(text_is(p->disease, "covid-19"));
        policy_free(p);
    }
    struct policy *p = NULL;
    struct error err = {0};
    /* the parent says what is harsher */
    assert_int_equal(parse_local("", "parameters:\n  central_days: {value: 14, harsher: less}\n", &p, &err),
                     E_UNKNOWN);
    assert_string_equal(err.where, "town.yaml:9:29");
    /* and what it is about */
    err = (struct error){0};
    assert_int_equal(parse_local("disease: measles\n", "", &p, &err), E_INVALID);
    assert_string_equal(err.where, "town.yaml:8:10");
}

static void loops_of_parents_are_refused(void **state) {
    (void)state;
    struct folder f;
    folder_make(&f);
    static const char *const text =
        "name: %s\nzh: 甲\nen: X\nextends: %s\nin_force: 2022-08-14\nsource: s\ncertainty: high\n";
    char a[256], b[256];
    snprintf(a, sizeof a, text, "a", "b");
    snprintf(b, sizeof b, text, "b", "a");
    folder_write(f.path, "a.yaml", a);
    folder_write(f.path, "b.yaml", b);
    folder_write(f.path, "c.yaml", a); /* calls itself a */
    struct policy *p = NULL;
    struct error err = {0};
    assert_int_equal(policy_load(catalog, f.path, TEXT("a"), 0, &p, &err), E_INVALID);
    assert_non_null(strstr(err.message, "loop"));
    assert_non_null(strstr(err.where, "b.yaml:4:10"));
    err = (struct error){0};
    assert_int_equal(policy_load(catalog, f.path, TEXT("c"), 0, &p, &err), E_INVALID);
    assert_non_null(strstr(err.where, "c.yaml:1:7"));
    struct arena names = {0};
    struct text *list = NULL;
    size_t n = 0;
    assert_ok(policy_names(f.path, &names, &list, &n, &err), err);
    assert_int_equal(n, 3);
    assert_true(text_is(list[0], "a") && text_is(list[2], "c"));
    arena_clear(&names);
    assert_int_equal(policy_names("/no/such", &names, &list, &n, NULL), E_IO);
    folder_remove(f.path);
}

/* What was adopted is read back without the folder, so that a later edition of the parent changes nothing. */
static void an_adopted_pack_stands_alone(void **state) {
    (void)state;
    struct policy *p = load("shannan-2022"), *again = NULL;
    struct error err = {0};
    assert_ok(policy_parse(catalog, "/no/such", p->source_text, "adopted", ZONE_CHINA_S, &again, &err), err);
    assert_true(text_eq(p->source_text, again->source_text));
    struct arena a = {0};
    struct policy_change *changes = NULL;
    size_t n = 1;
    assert_ok(policy_diff(p, again, false, &a, &changes, &n, &err), err);
    assert_int_equal(n, 0);
    /* but a file may not bring a parent of its own making, and so check itself */
    struct folder f;
    folder_make(&f);
    char path[100];
    snprintf(path, sizeof path, "%s/own.yaml", f.path);
    folder_write(f.path, "own.yaml", p->source_text.s);
    struct policy *own = NULL;
    err = (struct error){0};
    assert_int_equal(policy_check(catalog, in_home("policies"), path, 0, &own, &err), E_SYNTAX);
    folder_remove(f.path);
    arena_clear(&a);
    policy_free(again);
    policy_free(p);
}

/* docs/policies.md tells how to add a rule: its lines are indented by seven spaces, and they work. */
static void the_example_of_the_manual_loads(void **state) {
    (void)state;
    struct buf doc = {0}, parameters = {0}, rules = {0};
    struct error err = {0};
    assert_ok(file_read(in_home("docs/policies.md"), 1 << 20, &doc, &err), err);
    buf_str(&parameters, good_parameters);
    buf_str(&rules, "rules:\n");
    struct buf *into = &parameters;
    for (char *save = NULL, *line = strtok_r((char *)buf_cstr(&doc), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "       ", 7) != 0) continue;
        if (strstr(line, "see-doctor:")) into = &rules;
        buf_printf(into, "%s\n", line + 5);
    }
    struct policy *p = NULL;
    assert_ok(parse(NULL, buf_cstr(&parameters), buf_cstr(&rules), &p, &err), err);
    const struct duty_rule *r = &p->rules[policy_rule(p, TEXT("see-doctor"))];
    assert_int_equal(r->within_s, 4 * 3600);
    assert_int_equal(r->n_escalations, 2);
    policy_free(p);
    buf_clear(&doc);
    buf_clear(&parameters);
    buf_clear(&rules);
}

static void every_failed_allocation_is_an_error(void **state) {
    (void)state;
    struct policy *p = NULL;
    mem_count();
    for (long n = 1;; n++) {
        struct error err = {0};
        mem_fail_at(n, false);
        int rc = policy_load(catalog, in_home("policies"), TEXT("shannan-2022"), ZONE_CHINA_S, &p, &err);
        mem_fail_at(0, false);
        if (rc == 0) break;
        assert_int_equal(rc, E_MEMORY);
        assert_null(p);
        assert_true(n < 5000);
    }
    policy_free(p);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_with_file_line_and_column),
        cmocka_unit_test(the_small_pack_is_good),
        cmocka_unit_test(harsher_than_the_parent_needs_a_deviation),
        cmocka_unit_test(milder_and_quicker_need_none),
        cmocka_unit_test(loops_of_parents_are_refused),
        cmocka_unit_test(an_adopted_pack_stands_alone),
        cmocka_unit_test(the_example_of_the_manual_loads),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, load_catalog, drop_catalog);
}

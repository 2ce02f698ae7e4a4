/* The desks over HTTP: what is owed, plans, reports and their way to the public, people, the journal; and that nobody sees past his region. */
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PERSONS "/api/v1/registers/person/records"
#define CASES "/api/v1/registers/case/records"

static int64_t made(const char *token, const char *path, const char *body) {
    struct answer_got got = test_http_post(&h, path, token, body);
    if (got.status != 201) fail_msg("%s %s: %d %.*s", path, body, got.status, (int)got.body.n, got.body.s);
    return test_json_int(got.json, "id");
}

static int64_t person_in(const char *token, const char *region, const char *name, const char *phone) {
    return made(token, PERSONS, arena_printf(&h.t.a, "{\"region\":\"%s\",\"fields\":{\"name\":\"%s\",\"phone\":\"%s\"}}", region, name, phone));
}

static int64_t case_in(const char *token, const char *region, int64_t person) {
    return made(token, CASES, arena_printf(&h.t.a, "{\"region\":\"%s\",\"fields\":{\"person\":%lld,\"disease\":\"covid-19\",\"classification\":\"confirmed\",\"report_date\":\"2022-05-29\"}}",
                                           region, (long long)person));
}

static const char *at(const char *format, int64_t id) {
    char path[200];
    const char *star = strchr(format, '*');
    snprintf(path, sizeof path, "%.*s%lld%s", (int)(star - format), format, (long long)id, star + 1);
    return arena_str(&h.t.a, path);
}

static void what_is_owed_is_told(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        assert_status(test_http_get(&h, "/api/v1/obligations", NULL), 401);
        assert_status(test_http_get(&h, "/api/v1/obligations?limit=0", ROOT), 400);
        assert_status(test_http_get(&h, "/api/v1/obligations?region=nowhere!", ROOT), 422);
        assert_status(test_http_get(&h, "/api/v1/obligations?desk=nowhere", ROOT), 422);
        assert_status(test_http_get(&h, "/api/v1/obligations/summary?register=nowhere", ROOT), 422);
        int64_t id = case_in(ROOT, "310115001", person_in(ROOT, "310115001", "甲", "13800138000"));
        struct answer_got got = test_http_get(&h, "/api/v1/obligations?register=case", ROOT);
        assert_status(got, 200);
        size_t n = json_array_size(json_object_get(got.json, "obligations"));
        assert_true(n > 0);
        assert_int_equal(test_json_int(json_array_get(json_object_get(got.json, "obligations"), 0), "record"), id);
        got = test_http_get(&h, "/api/v1/obligations?register=case&limit=1", STREET);
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 1);
        assert_true(json_is_true(json_object_get(got.json, "more")) == (n > 1));
        /* one at a time, each once; a cursor is of one account and one question */
        char *next = arena_str(&h.t.a, test_json_text(got.json, "next"));
        size_t seen = 1;
        if (*next) assert_status(test_http_get(&h, arena_printf(&h.t.a, "/api/v1/obligations?register=case&limit=1&cursor=%s", next), ROOT), 422);
        if (*next) assert_status(test_http_get(&h, arena_printf(&h.t.a, "/api/v1/obligations?limit=1&cursor=%s", next), STREET), 422);
        for (; *next; seen++) {
            got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/obligations?register=case&limit=1&cursor=%s", next), STREET);
            assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 1);
            next = arena_str(&h.t.a, test_json_text(got.json, "next"));
        }
        assert_int_equal(seen, n);
        assert_status(test_http_get(&h, "/api/v1/obligations?due_before=soon", ROOT), 400);
        got = test_http_get(&h, "/api/v1/obligations?due_before=2000-01-01", ROOT);
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 0);
        got = test_http_get(&h, "/api/v1/obligations/summary?register=case", ROOT);
        assert_int_equal(test_json_int(json_object_get(got.json, "total"), "open"), (int64_t)n);
        got = test_http_get(&h, "/api/v1/obligations/ages?register=case", ROOT);
        assert_int_equal(json_array_size(json_object_get(got.json, "ages")), 5);
        assert_status(test_http_get(&h, "/api/v1/obligations/owners", ROOT), 200);
        /* another street owes nothing of it */
        got = test_http_get(&h, "/api/v1/obligations?register=case", OTHER);
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 0);
        assert_int_equal(test_json_int(json_object_get(test_http_get(&h, "/api/v1/obligations/summary?register=case", OTHER).json, "total"), "open"), 0);
    }
}

/* One answer with every street, which adds up to the summary; nobody is told of regions not his own. */
static void what_is_owed_is_told_by_region(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        assert_status(test_http_get(&h, "/api/v1/obligations/regions", NULL), 401);
        assert_status(test_http_get(&h, "/api/v1/obligations/regions?level=6", ROOT), 400);
        assert_status(test_http_get(&h, "/api/v1/obligations/regions?level=x", ROOT), 400);
        case_in(ROOT, "310115001", person_in(ROOT, "310115001", "甲", "13800138000"));
        case_in(ROOT, "310115002003", person_in(ROOT, "310115002003", "乙", "13800138001"));
        int64_t whole = test_json_int(json_object_get(test_http_get(&h, "/api/v1/obligations/summary?register=case", ROOT).json, "total"), "open");
        struct answer_got got = test_http_get(&h, "/api/v1/obligations/regions?register=case", ROOT);
        assert_status(got, 200);
        const json_t *list = json_object_get(got.json, "regions");
        assert_int_equal(test_json_int(got.json, "level"), 4);
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(test_json_text(json_array_get(list, 0), "region"), "310115001");
        assert_string_equal(test_json_text(json_array_get(list, 1), "region"), "310115002"); /* the village counts in its street */
        assert_int_equal(test_json_int(json_array_get(list, 0), "open") + test_json_int(json_array_get(list, 1), "open"), whole);
        got = test_http_get(&h, "/api/v1/obligations/regions?register=case&level=5&region=310115002", ROOT);
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "regions"), 0), "region"), "310115002003");
        got = test_http_get(&h, "/api/v1/obligations/regions?register=case&level=1", ROOT);
        assert_int_equal(test_json_int(json_array_get(json_object_get(got.json, "regions"), 0), "open"), whole);
        got = test_http_get(&h, "/api/v1/obligations/regions?register=case", STREET);
        assert_int_equal(json_array_size(json_object_get(got.json, "regions")), 1);
    }
}

static void a_draft_of_a_plan_is_checked(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        static const char type[] = "Content-Type: application/yaml\r\n";
        struct buf pack = {0};
        struct error err = {0};
        assert_ok(file_read(arena_printf(&h.t.a, "%s/policies/covid-2022-v9.yaml", h.t.o.home), 1 << 20, &pack, &err), err);
        char *whole = arena_str(&h.t.a, buf_cstr(&pack));
        buf_clear(&pack);
        assert_status(test_http_ask(&h, "POST", "/api/v1/policies/check", NULL, type, whole), 401);
        assert_status(test_http_ask(&h, "POST", "/api/v1/policies/check", STREET, type, whole), 403);
        assert_status(test_http_get(&h, "/api/v1/policies/check", COMMAND), 405);
        struct answer_got got = test_http_ask(&h, "POST", "/api/v1/policies/check", COMMAND, type, whole);
        assert_status(got, 200);
        assert_true(json_is_true(json_object_get(got.json, "good")));
        assert_string_equal(test_json_text(got.json, "name"), "covid-2022-v9");
        got = test_http_ask(&h, "POST", "/api/v1/policies/check", COMMAND, type, "name: mine\nzh: [\n");
        assert_status(got, 200);
        assert_true(json_is_false(json_object_get(got.json, "good")));
        assert_true(test_json_int(got.json, "line") > 0);
        assert_true(*test_json_text(got.json, "detail"));
        char *days = strstr(whole, "[1, 2, 3, 5, 7], harsher");
        assert_non_null(days);
        days[13] = '9'; /* a test after release */
        got = test_http_ask(&h, "POST", "/api/v1/policies/check", COMMAND, type, whole);
        assert_true(json_is_false(json_object_get(got.json, "good")) && test_json_int(got.json, "line") > 1);
    }
}

/* What a form and a list need to know, and what this account may do. */
static void a_register_says_what_may_be_done(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        assert_status(test_http_get(&h, "/api/v1/registers/case", NULL), 401);
        struct answer_got got = test_http_get(&h, "/api/v1/registers/case", ROOT);
        json_t *sorts = json_incref(json_object_get(got.json, "sorts")), *may; /* got.json lasts until the next question */
        assert_true(json_array_size(sorts) > 1);
        assert_string_equal(json_string_value(json_array_get(sorts, 0)), "id");
        for (size_t i = 0; i < json_array_size(sorts); i++)
            assert_status(test_http_get(&h, arena_printf(&h.t.a, CASES "?sort=-%s", json_string_value(json_array_get(sorts, i))), ROOT), 200);
        json_decref(sorts);
        got = test_http_get(&h, "/api/v1/registers/case", ROOT);
        may = json_object_get(got.json, "may");
        assert_true(json_is_true(json_object_get(may, "read")) && json_is_true(json_object_get(may, "write")));
        assert_true(json_array_size(json_object_get(got.json, "moves")) > 0);
        assert_true(json_is_true(json_object_get(json_array_get(json_object_get(got.json, "moves"), 0), "may")));
        assert_string_equal(test_json_text(got.json, "person"), "person");
        assert_true(json_is_true(json_object_get(json_object_get(test_http_get(&h, "/api/v1/registers/person", ROOT).json, "may"), "open")));
        got = test_http_get(&h, "/api/v1/registers/person", GUEST);
        assert_true(json_is_false(json_object_get(json_object_get(got.json, "may"), "open")) && json_is_false(json_object_get(json_object_get(got.json, "may"), "write")));
        for (size_t i = 0; i < json_array_size(json_object_get(got.json, "moves")); i++)
            assert_true(json_is_false(json_object_get(json_array_get(json_object_get(got.json, "moves"), i), "may")));
        got = test_http_get(&h, "/api/v1/registers/region", ROOT);
        bool noted = false;
        for (size_t i = 0; i < json_array_size(json_object_get(got.json, "fields")); i++)
            noted = noted || *test_json_text(json_array_get(json_object_get(got.json, "fields"), i), "note_zh");
        assert_true(noted);
    }
}

static void a_plan_is_shown_compared_and_adopted(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        static const char wish[] = "{\"pack\":\"covid-2022-20\",\"from\":\"2022-05-30\",\"reason\":\"二十条\",\"approver\":\"指挥长\"}";
        assert_status(test_http_get(&h, "/api/v1/policies/no-such", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1/policies/..%2f..%2fetc", ROOT), 404);
        assert_status(test_http_get(&h, "/api/v1/policies/covid-2022-20/diff", STREET), 403);
        assert_status(test_http_post(&h, "/api/v1/policies/adoptions", STREET, wish), 403);
        assert_status(test_http_post(&h, "/api/v1/policies/adoptions", COMMAND, "{\"pack\":\"covid-2022-20\",\"from\":\"2022-02-30\",\"reason\":\"x\"}"), 422);
        case_in(ROOT, "310115001", person_in(ROOT, "310115001", "甲", "13800138000"));
        struct answer_got got = test_http_get(&h, "/api/v1/policies", STREET);
        assert_int_equal(json_array_size(json_object_get(got.json, "adopted")), 1);
        got = test_http_get(&h, "/api/v1/policies/covid-2022-v9", STREET);
        assert_true(json_array_size(json_object_get(got.json, "rules")) > 3);
        got = test_http_get(&h, "/api/v1/policies/covid-2022-20/diff?from=covid-2022-v9", COMMAND);
        assert_status(got, 200);
        assert_true(json_array_size(json_object_get(got.json, "changes")) > 0);
        assert_status(test_http_post(&h, "/api/v1/policies/adoptions", COMMAND, wish), 201);
        got = test_http_get(&h, "/api/v1/policies", STREET); /* every reader knows at once */
        assert_int_equal(json_array_size(json_object_get(got.json, "adopted")), 2);
    }
}

/* Handed over, a duty is another's until it is paid, whatever the record names later; the journal says who did it and why. */
static void what_is_owed_is_handed_over(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
#define HANDOVER "/api/v1/obligations/handover"
#define ONE "{\"duties\":[{\"register\":\"case\",\"record\":%lld,\"rule\":\"%s\"}],\"organisation\":%lld,\"reason\":\"%s\"}"
        int64_t id = case_in(ROOT, "310115001", person_in(ROOT, "310115001", "甲", "13800138000"));
        int64_t body = made(ROOT, "/api/v1/registers/organisation/records", "{\"region\":\"310115\",\"fields\":{\"title\":\"区疾控\",\"kind\":\"cdc\"}}");
        const char *good = arena_printf(&h.t.a, ONE, (long long)id, "locate-case", (long long)body, "人手不足");
        assert_status(test_http_post(&h, HANDOVER, NULL, good), 401);
        assert_status(test_http_post(&h, HANDOVER, ROOT, "{\"duties\":[],\"organisation\":1,\"reason\":\"x\"}"), 422);
        assert_status(test_http_post(&h, HANDOVER, ROOT, "{\"duties\":[{\"register\":\"elephant\",\"record\":1,\"rule\":\"x\"}],\"organisation\":1,\"reason\":\"x\"}"), 422);
        assert_status(test_http_post(&h, HANDOVER, ROOT, "{\"duties\":[{\"register\":\"case\",\"record\":1,\"rule\":\"x\"}],\"reason\":\"x\"}"), 422);
        assert_status(test_http_post(&h, HANDOVER, ROOT, "{\"duties\":[{\"register\":\"case\",\"record\":1,\"rule\":\"x\"}],\"organisation\":1,\"account\":2,\"reason\":\"x\"}"), 422);
        assert_status(test_http_post(&h, HANDOVER, ROOT, arena_printf(&h.t.a, ONE, (long long)id, "locate-case", (long long)body, " ")), 422);
        assert_status(test_http_post(&h, HANDOVER, ROOT, arena_printf(&h.t.a, ONE, (long long)id, "locate-case", 999999LL, "人手不足")), 422);
        struct {
            const char *token;
            int64_t record;
            const char *rule, *code;
        } refused[] = {{ROOT, id, "no-such-rule", "UNKNOWN"}, {ROOT, 999999, "locate-case", "UNKNOWN"}, {OTHER, id, "locate-case", "UNKNOWN"}, {AUDITOR, id, "locate-case", "DENIED"}};
        struct answer_got got;
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
            got = test_http_post(&h, HANDOVER, refused[i].token, arena_printf(&h.t.a, ONE, (long long)refused[i].record, refused[i].rule, (long long)body, "人手不足"));
            assert_status(got, 200);
            assert_int_equal(test_json_int(got.json, "rejected"), 1);
            assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "rows"), 0), "code"), refused[i].code);
        }
        /* the step of the rule's chain that found who is accountable is shown; who is named by hand was found by none */
        const json_t *party = json_object_get(json_array_get(json_object_get(test_http_get(&h, "/api/v1/obligations?rule=locate-case", ROOT).json, "obligations"), 0), "owner");
        assert_string_equal(test_json_text(json_object_get(party, "by"), "kind"), test_json_text(party, "kind"));
        int64_t beside = made(ROOT, "/api/v1/registers/organisation/records", "{\"region\":\"310115002\",\"fields\":{\"title\":\"邻街卫生站\",\"kind\":\"cdc\"}}");
        for (int i = 0; i < 2; i++) { /* the body of the other street is not told apart from none */
            got = test_http_post(&h, HANDOVER, STREET, arena_printf(&h.t.a, ONE, (long long)id, "locate-case", i ? 999999LL : (long long)beside, "人手不足"));
            assert_status(got, 422);
            assert_string_equal(test_json_text(got.json, "detail"), "没有该责任主体");
        }
        got = test_http_post(&h, HANDOVER, STREET, good); /* to the one above it may */
        assert_int_equal(test_json_int(got.json, "handed"), 1);
        got = test_http_post(&h, HANDOVER, COMMAND, good); /* theirs already; who may say what an organisation is may hand over */
        assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "rows"), 0), "code"), "CONFLICT");
        /* the record changes, and would name another: it stays theirs */
        assert_status(test_http_ask(&h, "PATCH", at(CASES "/*", id), ROOT, "", "{\"fields\":{\"onset\":\"2022-05-27\"}}"), 200);
        got = test_http_get(&h, "/api/v1/obligations?rule=locate-case", ROOT);
        const json_t *duty = json_array_get(json_object_get(got.json, "obligations"), 0);
        assert_true(json_is_true(json_object_get(duty, "handed")));
        assert_null(json_object_get(json_object_get(duty, "owner"), "by"));
        assert_int_equal(test_json_int(json_object_get(duty, "owner"), "id"), body);
        got = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/obligations?owner=%lld", (long long)body), ROOT);
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 1);
        got = test_http_get(&h, "/api/v1/audit?verb=handover", AUDITOR);
        const json_t *entry = json_array_get(json_object_get(got.json, "entries"), 0);
        assert_int_equal(json_array_size(json_object_get(got.json, "entries")), 1);
        assert_int_equal(test_json_int(entry, "record"), id);
        assert_non_null(strstr(test_json_text(entry, "reason"), "人手不足"));
        assert_status(test_http_get(&h, at(CASES "/*/obligations", id), OTHER), 404);
        assert_status(test_http_get(&h, at(CASES "/*/obligations", id), GUEST), 404);
        assert_status(test_http_get(&h, CASES "/999999/obligations", ROOT), 404);
        got = test_http_get(&h, at(CASES "/*/obligations", id), STREET);
        const size_t owed = json_array_size(json_object_get(got.json, "obligations"));
        assert_true(owed >= 3);
        size_t open = 0;
        for (size_t i = 0; i < owed; i++) open += !strcmp(test_json_text(json_array_get(json_object_get(got.json, "obligations"), i), "state"), "open");
        assert_int_equal(open, owed);
        /* and is paid by the fact that pays it */
        assert_status(test_http_ask(&h, "PATCH", at(CASES "/*", id), ROOT, "", "{\"fields\":{\"located_at\":\"2022-05-30T09:30\"}}"), 200);
        got = test_http_get(&h, "/api/v1/obligations?rule=locate-case", ROOT);
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), 0);
        got = test_http_get(&h, at(CASES "/*/obligations", id), STREET); /* it is still told, as paid */
        assert_int_equal(json_array_size(json_object_get(got.json, "obligations")), owed);
        for (size_t i = 0; i < owed; i++) {
            const json_t *one = json_array_get(json_object_get(got.json, "obligations"), i);
            assert_int_equal(!strcmp(test_json_text(one, "state"), "paid"), !strcmp(test_json_text(one, "rule"), "locate-case"));
        }
    }
}

/* What a unit owes is what it owes itself and what its accounts owe in person; list, counts and parties say the same. */
static void what_a_unit_owes_is_told(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
#define UNIT(what) arena_printf(&h.t.a, "/api/v1/obligations%s?unit=%lld", what, (long long)unit)
        assert_status(test_http_get(&h, "/api/v1/obligations?unit=0", ROOT), 400);
        assert_status(test_http_get(&h, "/api/v1/obligations/summary?unit=mine", ROOT), 400);
        assert_status(test_http_get(&h, "/api/v1/obligations?unit=1", NULL), 401);
        int64_t unit = made(ROOT, "/api/v1/registers/organisation/records", "{\"region\":\"310115\",\"fields\":{\"title\":\"社区防控组\",\"kind\":\"department\",\"department\":\"community\"}}");
        int64_t li = made(ROOT, "/api/v1/accounts", arena_printf(&h.t.a, "{\"login\":\"li.na\",\"region\":\"310115\",\"organisation\":%lld}", (long long)unit));
        int64_t id = case_in(ROOT, "310115001", person_in(ROOT, "310115001", "甲", "13800138000"));
        const json_t *list = json_object_get(test_http_get(&h, "/api/v1/obligations?limit=1000", ROOT).json, "obligations");
        size_t own = 0, all = json_array_size(list);
        char *theirs = NULL; /* a rule that somebody else owes */
        for (size_t i = 0; i < all; i++) {
            const json_t *one = json_array_get(list, i);
            if (test_json_int(json_object_get(one, "owner"), "id") == unit) own++;
            else if (test_json_int(one, "record") == id) theirs = arena_str(&h.t.a, test_json_text(one, "rule"));
        }
        assert_true(own > 0 && own < all && theirs);
        for (int person = 0; person < 2; person++) {
            struct answer_got got = test_http_get(&h, UNIT(""), ROOT);
            list = json_object_get(got.json, "obligations");
            assert_int_equal(json_array_size(list), own + (size_t)person);
            size_t his = 0;
            for (size_t i = 0; i < json_array_size(list); i++) {
                int64_t owner = test_json_int(json_object_get(json_array_get(list, i), "owner"), "id");
                his += owner == li;
                assert_true(owner == li || owner == unit);
            }
            assert_int_equal(his, person);
            assert_int_equal(test_json_int(json_object_get(test_http_get(&h, UNIT("/summary"), ROOT).json, "total"), "open"), (int64_t)own + person);
            assert_int_equal(json_array_size(json_object_get(test_http_get(&h, UNIT("/owners"), ROOT).json, "owners")), 1 + person);
            assert_int_equal(json_array_size(json_object_get(test_http_get(&h, UNIT(""), OTHER).json, "obligations")), 0); /* a unit opens nobody's region */
            got = test_http_post(&h, "/api/v1/obligations/handover", ROOT, arena_printf(&h.t.a, "{\"duties\":[{\"register\":\"case\",\"record\":%lld,\"rule\":\"%s\"}],\"account\":%lld,\"reason\":\"夜班\"}", (long long)id, theirs, (long long)li));
            if (!person) assert_int_equal(test_json_int(got.json, "handed"), 1);
        }
        assert_status(test_http_post(&h, "/api/v1/accounts/li.na/unit", ROOT, "{\"organisation\":null}"), 204);
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, UNIT(""), ROOT).json, "obligations")), own);
    }
}

static void a_report_goes_its_way_to_the_public(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        for (int i = 0; i < 3; i++) case_in(ROOT, "310115001", person_in(ROOT, "310115001", arena_printf(&h.t.a, "人%d", i), ""));
#define DAY "/api/v1/reports/2022-05-29"
#define PUBLIC "/public/v1/reports/2022-05-29"
        assert_status(test_http_get(&h, PUBLIC, NULL), 404);
        assert_status(test_http_get(&h, "/api/v1/reports/2022-02-30", ROOT), 404);
        assert_status(test_http_get(&h, DAY "?version=frozen", ROOT), 404);
        assert_status(test_http_get(&h, DAY "?version=other", ROOT), 400);
        assert_status(test_http_get(&h, DAY "?format=docx", ROOT), 400);
        assert_status(test_http_post(&h, DAY "/actions/explode", REPORTER, NULL), 404);
        assert_status(test_http_post(&h, DAY "/actions/approve", APPROVER, NULL), 404);
        assert_status(test_http_post(&h, DAY "/actions/freeze", STREET, NULL), 403);
        assert_status(test_http_get(&h, DAY "/curve?days=0", ROOT), 400);
        assert_status(test_http_get(&h, "/api/v1/reports/2022-05-31/curve", ROOT), 409);
        assert_status(test_http_get(&h, DAY "/curve?region=310115", STREET), 403);
        struct answer_got got = test_http_get(&h, DAY "/curve?days=7", ROOT);
        assert_string_equal(test_json_text(got.json, "from"), "2022-05-23");
        assert_int_equal(json_integer_value(json_array_get(json_object_get(json_object_get(got.json, "report"), "confirmed"), 6)), 3);
        got = test_http_get(&h, DAY, ROOT);
        assert_status(got, 200);
        got = test_http_ask(&h, "GET", DAY, ROOT, "Accept: application/pdf\r\n", NULL);
        assert_status(got, 200);
        assert_memory_equal(test_http_body(&h, &got).s, "%PDF-", 5);
        assert_status(test_http_get(&h, DAY "?format=text", ROOT), 200);
        assert_status(test_http_post(&h, DAY "/actions/freeze", REPORTER, NULL), 200);
        assert_status(test_http_post(&h, DAY "/actions/freeze", REPORTER, NULL), 409);
        assert_status(test_http_post(&h, DAY "/actions/publish", APPROVER, NULL), 409);
        assert_status(test_http_get(&h, DAY "?version=public", APPROVER), 409);
        assert_status(test_http_post(&h, DAY "/actions/approve", REPORTER, NULL), 403);
        assert_status(test_http_post(&h, DAY "/actions/approve", APPROVER, NULL), 200);
        assert_status(test_http_post(&h, DAY "/actions/approve", APPROVER, NULL), 403); /* the second is another's */
        assert_string_equal(test_json_text(test_http_post(&h, DAY "/actions/approve", APPROVER_2, NULL).json, "state"), "approved");
        assert_status(test_http_get(&h, PUBLIC, NULL), 404); /* approved is not published */
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, "/public/v1/reports", NULL).json, "reports")), 0);
        assert_status(test_http_post(&h, DAY "/actions/publish", APPROVER, NULL), 200);
        got = test_http_get(&h, PUBLIC, NULL);
        assert_status(got, 200);
        assert_null(strstr(got.body.s, "C-310115")); /* no number of a case */
        /* three cases are too few to be told; to whom they belong they are */
        const json_t *new_by_class = json_object_get(json_object_get(got.json, "cases"), "new_by_class");
        assert_true(json_is_true(json_object_get(got.json, "public")) && json_is_null(json_object_get(new_by_class, "confirmed")));
        got = test_http_get(&h, DAY "?version=frozen", APPROVER);
        assert_int_equal(test_json_int(json_object_get(json_object_get(got.json, "cases"), "new_by_class"), "confirmed"), 3);
        got = test_http_get(&h, PUBLIC "?format=text", NULL);
        assert_status(got, 200);
        got = test_http_get(&h, PUBLIC, NULL);
        assert_non_null(strstr(got.head, "Cache-Control: public"));
        got = test_http_get(&h, "/public/v1/reports", NULL);
        assert_int_equal(json_array_size(json_object_get(got.json, "reports")), 1);
        assert_null(strstr(got.body.s, "state"));
        got = test_http_get(&h, DAY "/rederivation", APPROVER);
        assert_true(json_is_true(json_object_get(got.json, "equal")));
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, "/api/v1/reports", APPROVER).json, "reports")), 1);
    }
}

static size_t looks_at(int64_t person) {
    return json_array_size(json_object_get(test_http_get(&h, arena_printf(&h.t.a, "/api/v1/audit?verb=open&register=person&record=%lld", (long long)person), AUDITOR).json, "entries"));
}

static void people_are_found_merged_and_forgotten(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        int64_t a = person_in(ROOT, "310115001", "李娜", "13912345678"), b = person_in(ROOT, "310115001", "李娜", "13912345678");
        int64_t far = person_in(ROOT, "310115002", "李娜", "13912345678");
        int64_t sick = case_in(ROOT, "310115001", b);
        assert_status(test_http_get(&h, "/api/v1/persons/999999", ROOT), 404);
        assert_status(test_http_get(&h, at("/api/v1/persons/*", far), STREET), 404);
        struct answer_got got = test_http_get(&h, at("/api/v1/persons/*", b), STREET);
        assert_int_equal(test_json_int(json_array_get(json_object_get(got.json, "records"), 0), "id"), sick);
        assert_int_equal(json_array_size(json_object_get(got.json, "twins")), 1); /* the third is not this street's to see */
        assert_int_equal(json_array_size(json_object_get(test_http_get(&h, at("/api/v1/persons/*", b), ROOT).json, "twins")), 2);
        got = test_http_ask(&h, "POST", "/api/v1/persons/search", STREET, "Tocsin-Purpose: tracing\r\n", "{\"phone\":\"13912345678\"}");
        assert_int_equal(json_array_size(json_object_get(got.json, "persons")), 2);
        /* who was found was looked at, and the journal has it; who was not is in it of no search */
        assert_int_equal(looks_at(a), 1);
        assert_int_equal(looks_at(b), 1);
        assert_int_equal(looks_at(far), 0);
        assert_status(test_http_ask(&h, "POST", "/api/v1/persons/search", STREET, "Tocsin-Purpose: tracing\r\n", "{\"phone\":\"13912345679\"}"), 200);
        assert_int_equal(looks_at(a), 1);
        assert_status(test_http_ask(&h, "POST", "/api/v1/persons/search", STREET, "Tocsin-Purpose: tracing\r\n", "{}"), 422);
        assert_status(test_http_post(&h, "/api/v1/persons/search", STREET, "{\"phone\":\"13912345678\"}"), 403); /* whose number it is, is not told without a purpose */
        assert_status(test_http_ask(&h, "POST", "/api/v1/persons/search", COMMAND, "Tocsin-Purpose: tracing\r\n", "{\"phone\":\"13912345678\"}"), 403);
        assert_status(test_http_post(&h, "/api/v1/persons/search", GUEST, "{\"phone\":\"13912345678\"}"), 403);
        const char *merge = arena_printf(&h.t.a, "{\"from\":%lld}", (long long)b);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/merge", far), STREET, merge), 404);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/merge", a), STREET, "{\"from\":\"b\"}"), 400);
        got = test_http_post(&h, at("/api/v1/persons/*/merge", a), STREET, merge);
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "moved"), 1);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/merge", a), STREET, merge), 409);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/unmerge", b), STREET, NULL), 200);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/erase", b), STREET, NULL), 403);
        assert_status(test_http_post(&h, at("/api/v1/persons/*/erase", b), ROOT, NULL), 400); /* why? */
        assert_status(test_http_ask(&h, "POST", at("/api/v1/persons/*/erase", b), ROOT, "Tocsin-Reason: %E6%9C%9F%E6%BB%A1\r\n", NULL), 200);
        got = test_http_ask(&h, "GET", at(PERSONS "/*", b), ROOT, "Tocsin-Purpose: look\r\n", NULL);
        assert_status(got, 200);
        if (strstr(got.body.s, "李娜") || strstr(got.body.s, "13912345678")) fail_msg("still read: %s", got.body.s);
        got = test_http_ask(&h, "POST", "/api/v1/persons/search", ROOT, "Tocsin-Purpose: look\r\n", "{\"phone\":\"13912345678\"}");
        assert_int_equal(json_array_size(json_object_get(got.json, "persons")), 2); /* a and the one of the other street */
    }
}

static void the_journal_is_for_auditors(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        int64_t id = person_in(ROOT, "310115001", "李娜", "13912345678");
        assert_status(test_http_get(&h, "/api/v1/audit", STREET), 403);
        assert_status(test_http_get(&h, "/api/v1/audit?verb=frobnicate", AUDITOR), 400);
        assert_status(test_http_ask(&h, "GET", at(PERSONS "/*", id), STREET, "Tocsin-Purpose: tracing\r\n", NULL), 200);
        struct answer_got got = test_http_get(&h, "/api/v1/audit?verb=open", AUDITOR);
        const json_t *e = json_array_get(json_object_get(got.json, "entries"), 0);
        assert_string_equal(test_json_text(e, "actor"), "street");
        assert_string_equal(test_json_text(e, "purpose"), "tracing");
        assert_int_equal(test_json_int(e, "record"), id);
    }
}

/* Whatever a street asks, no answer names what lies in another. */
static void nobody_sees_past_his_region(void **state) {
    (void)state;
    EACH_HTTP(h, "covid-2022-v9", NOW) {
        int64_t far = person_in(ROOT, "310115002", "王芳", "13700000001"), sick = case_in(ROOT, "310115002", far);
        int64_t near = person_in(STREET, "310115001", "李娜", "13912345678");
        struct answer_got shown = test_http_get(&h, at(CASES "/*", sick), ROOT);
        const char *number = arena_str(&h.t.a, test_json_text(shown.json, "number"));
        const struct { const char *method, *path, *body; } asks[] = {
            {"GET", at(PERSONS "/*", far), NULL}, {"GET", at(PERSONS "/*/history", far), NULL}, {"GET", at(CASES "/*", sick), NULL},
            {"GET", arena_printf(&h.t.a, CASES "/%s", number), NULL}, {"PATCH", at(PERSONS "/*", far), "{\"fields\":{\"sex\":\"male\"}}"},
            {"PATCH", at(CASES "/*", sick), "{\"fields\":{\"classification\":\"excluded\"}}"}, {"GET", at("/api/v1/persons/*", far), NULL},
            {"POST", at("/api/v1/persons/*/unmerge", far), NULL}, {"POST", at("/api/v1/persons/*/merge", near), arena_printf(&h.t.a, "{\"from\":%lld}", (long long)far)},
            {"POST", "/api/v1/persons/search", "{\"phone\":\"13700000001\"}"}, {"POST", "/api/v1/persons/search", "{\"name\":\"王芳\"}"},
            {"GET", "/api/v1/obligations?limit=1000", NULL}, {"GET", "/api/v1/obligations?region=310115002", NULL}, {"GET", "/api/v1/obligations/owners", NULL},
            {"GET", "/api/v1/audit", NULL}, {"GET", "/api/v1/reports/2022-05-29", NULL}, {"GET", "/api/v1/reports/2022-05-29?region=310115002", NULL},
            {"GET", "/api/v1/reports/2022-05-29?region=310115", NULL}, {"GET", "/public/v1/reports", NULL},
        };
        for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
            struct answer_got got = test_http_ask(&h, asks[i].method, asks[i].path, STREET, "", asks[i].body);
            char id[32];
            snprintf(id, sizeof id, ":%lld,", (long long)sick);
            const char *body = got.body.s ? got.body.s : "";
            if ((!strstr(asks[i].path, number) && strstr(body, number)) || strstr(body, "13700000001") || strstr(body, "王芳") || (got.status < 300 && strstr(body, id)))
                fail_msg("%s %s: %s", asks[i].method, asks[i].path, body);
            if (strcmp(asks[i].method, "GET") && strcmp(asks[i].path, "/api/v1/persons/search") && got.status < 400) fail_msg("%s %s: %d", asks[i].method, asks[i].path, got.status);
        }
        /* a record that is not there and one that is not his to see are told apart by nothing */
        struct answer_got none = test_http_get(&h, at(PERSONS "/*", 777777), STREET), hidden = test_http_get(&h, at(PERSONS "/*", far), STREET);
        assert_int_equal(none.status, hidden.status);
        assert_int_equal(none.status, 404);
        assert_status(test_http_get(&h, at(PERSONS "/*", far), OTHER), 200);
        assert_status(test_http_post(&h, PERSONS, STREET, "{\"region\":\"310115002\",\"fields\":{\"name\":\"外\"}}"), 403);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_owed_is_told, settle),
        cmocka_unit_test_teardown(what_is_owed_is_told_by_region, settle),
        cmocka_unit_test_teardown(a_draft_of_a_plan_is_checked, settle),
        cmocka_unit_test_teardown(a_register_says_what_may_be_done, settle),
        cmocka_unit_test_teardown(a_plan_is_shown_compared_and_adopted, settle),
        cmocka_unit_test_teardown(what_is_owed_is_handed_over, settle),
        cmocka_unit_test_teardown(what_a_unit_owes_is_told, settle),
        cmocka_unit_test_teardown(a_report_goes_its_way_to_the_public, settle),
        cmocka_unit_test_teardown(people_are_found_merged_and_forgotten, settle),
        cmocka_unit_test_teardown(the_journal_is_for_auditors, settle),
        cmocka_unit_test_teardown(nobody_sees_past_his_region, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

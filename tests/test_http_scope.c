/* The property: no answer holds anything of a record outside the asker's scope, nor tells that it is there. A stranger's records of every register are planted, then
 * every route is asked about them by somebody else, in every way that fits; and each time the same is asked about what is not there at all. The two answers
 * must be the same, byte by byte but for the number asked about. Nothing in this file names a register, but where its shape is needed. */
#include <ctype.h>
#include <regex.h>

#include "doors/http/route.h"
#include "guess.h"
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define MINE "310115001"
#define THEIRS "310115002" /* of a street's neighbour, where nothing else is said */
#define MARK "Planted" /* what every text of theirs begins with */
#define NOBODY "987654321"
#define PURPOSE "Tocsin-Purpose: curiosity\r\n"
enum { REGISTERS_MAX = 64 };

static int64_t theirs[REGISTERS_MAX];
static size_t asked, told;
static const char *asker = STREET, *outside = THEIRS; /* whose token asks, and where the stranger's records are */

/* The scopes: a street, a county, a city; and beside each what lies outside it. The last digits name no real street, so that no table of regions tells them. */
static const struct scope { const char *region, *outside; } scopes[] = {{"310115001", "310115778"}, {"310115", "310104778"}, {"3101", "320505778"}};
enum { SCOPES = sizeof scopes / sizeof *scopes, SHARES = 7 };

/* What may differ between two answers: ids of requests, the clock, the number that was asked about. */
static const char *plain(const struct answer_got *got, const char *number, const char *word) {
    static const char *const moving[] = {"\"request_id\":\"[0-9a-f]*\"", "X-Request-Id: [0-9a-f]*", "Date: [^\r]*", "Content-Length: [0-9]*", "charset=utf-8", "(\"next\"|\"previous\"):\"[^\"]*\""};
    struct buf b = {0};
    for (const char *p = got->head; *p; p++) buf_char(&b, *p);
    struct text body = test_http_body(&h, got);
    for (size_t i = 0; i < body.n; i++) buf_char(&b, body.s[i] ? body.s[i] : ' ');
    char *text = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    for (size_t k = 0; k < sizeof moving / sizeof *moving; k++) {
        regex_t re;
        regmatch_t m;
        if (regcomp(&re, moving[k], REG_EXTENDED)) fail_msg("%s", moving[k]);
        for (char *p = text; regexec(&re, p, 1, &m, 0) == 0;) {
            if (m.rm_so == m.rm_eo) break;
            memset(p + m.rm_so, '~', (size_t)(m.rm_eo - m.rm_so));
            p += m.rm_eo;
        }
        regfree(&re);
    }
    for (const char *p = text; *p;) { /* tildes run together; the number becomes # */
        if (*p == '~') {
            buf_char(&b, '~');
            while (*p == '~') p++;
        } else if (*number && !strncmp(p, number, strlen(number)) && !(p > text && isdigit((unsigned char)p[-1])) && !isdigit((unsigned char)p[strlen(number)])) {
            buf_char(&b, '#');
            p += strlen(number);
        } else if (*word && !strncmp(p, word, strlen(word))) {
            buf_char(&b, '#');
            p += strlen(word);
        } else {
            buf_char(&b, *p++);
        }
    }
    const char *out = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

/* Nothing of theirs in it, unless the asker said it himself. */
static void clean(const char *what, const struct answer_got *got) {
    const char *const traces[] = {MARK, outside, "1380013"};
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        if (strstr(what, traces[i])) continue;
        if (strstr(got->head ? got->head : "", traces[i]) || (got->body.s && memmem(got->body.s, got->body.n, traces[i], strlen(traces[i]))))
            fail_msg("%s tells %s: %d %.*s", what, traces[i], got->status, (int)(got->body.n < 1500 ? got->body.n : 1500), got->body.s ? got->body.s : "");
    }
    told += got->status < 300;
    asked++;
}

static const char *put_in(const char *words, const char *number) {
    struct buf b = {0};
    for (const char *p = words; *p; p++)
        if (*p == '@') buf_str(&b, number);
        else buf_char(&b, *p);
    const char *out = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

/* The same about what is there and what is not; '@' stands for the number. */
static void same(const char *method, const char *path, const char *headers, const char *body, const char *number) {
    const char *plains[2];
    for (int i = 0; i < 2; i++) {
        const char *n = i ? NOBODY : number, *at = put_in(path, n);
        struct answer_got got = test_http_ask(&h, method, at, asker, put_in(headers, n), body ? put_in(body, n) : NULL);
        clean(arena_printf(&h.t.a, "%s %s %s %s", method, at, headers, body ? body : ""), &got);
        plains[i] = plain(&got, n, "");
    }
    if (strcmp(plains[0], plains[1]) != 0) fail_msg("%s %s %s %s tells that %s is there:\n%.1500s\n-- and of what is not:\n%.1500s", method, path, headers, body ? body : "", number, plains[0], plains[1]);
}

/* The path of a route with its names filled; '@' for the id. */
static const char *path_of(const struct route *route, const char *reg) {
    struct buf b = {0};
    for (const char *p = route->path; *p;) {
        if (*p != '{') {
            buf_char(&b, *p++);
            continue;
        }
        buf_str(&b, !strncmp(p, "{register}", 10) ? reg : !strncmp(p, "{id}", 4) ? "@" : !strncmp(p, "{day}", 5) ? "2022-05-29" : !strncmp(p, "{state}", 7) ? "closed" : !strncmp(p, "{login}", 7) ? "other"
                    : !strncmp(p, "{policy}", 8) ? "covid-2022-v9" : !strncmp(p, "{list}", 6) ? "sex" : "x");
        p += strcspn(p, "}") + 1;
    }
    const char *out = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

/* A token a role, all of one scope. */
static const char *role_tokens(const struct catalog *c, const char *region) {
    const struct codelist *roles = codelist_find(c, TEXT("role"));
    const char *path = arena_printf(&h.t.a, "%s/roles", h.t.dir);
    FILE *f = fopen(path, "w");
    assert_true(f && roles);
    for (size_t k = 0; k < roles->n; k++) fprintf(f, "token-of-%s %s %s %s\n", roles->codes[k].code.s, roles->codes[k].code.s, roles->codes[k].code.s, region);
    fclose(f);
    return path;
}

static void plant(size_t store, const char *pack, const char *region) {
    h = (struct test_http){0};
    test_ledger_make(&h.t, store, pack, NOW);
    const struct catalog *c = h.t.l->catalog;
    assert_true(c->n_registers < REGISTERS_MAX);
    for (size_t i = 0; i < c->n_registers; i++) {
        struct record r;
        theirs[i] = guess_record(&h.t, &c->registers[i], outside, MARK, 0);
        if (theirs[i] && (record_get(h.t.l, h.t.l->db, &h.t.s, &c->registers[i], theirs[i], &h.t.a, &r, NULL) < 0 || !text_starts(r.region, text_of(outside)))) theirs[i] = 0;
        guess_record(&h.t, &c->registers[i], MINE, "Own", 0);
    }
    struct http_options o = {.rate_account = -1, .rate_address = -1, .dev_tokens = region ? role_tokens(c, region) : NULL};
    test_http_start(&h, &o);
    asked = told = 0;
}

/* Every question, or of many askers each his share: the shares of the roles together are every question for each scope. */
static bool whole;
static unsigned turn;
static bool due(void) {
    return whole || turn++ % SHARES == 0;
}

/* Whether a route is about a record of this register: any of {register}, or a desk's own. */
static bool is_of(const struct route *route, const char *reg) {
    static const struct { const char *part, *reg; } desks[] = {{"/persons/{id}", "person"}, {"/cases/{id}", "case"}, {"/boxes/{id}", "box"}, {"/runs/{id}", "lab_run"}, {"/rounds/{id}", "round"}, {"/campaigns/{id}", "campaign"}};
    if (strstr(route->path, "{register}")) return strstr(route->path, "{id}") != NULL;
    for (size_t i = 0; i < sizeof desks / sizeof *desks; i++)
        if (!strcmp(desks[i].reg, reg) && strstr(route->path, desks[i].part)) return true;
    return false;
}

static void about_one(const struct catalog *c, const char *reg, const char *number) {
    for (size_t k = 0; route_at(k); k++) {
        const struct route *route = route_at(k);
        if (!is_of(route, reg)) continue;
        const char *path = path_of(route, reg), *last = strrchr(route->path, '/'),
                   *body = route->body == BODY_NONE ? NULL : !strcmp(last, "/merge") ? "{\"from\":1}" : !strcmp(last, "/source") ? "{\"kind\":\"imported\",\"reason\":\"curiosity\"}" : strstr(route->path, "{register}") ? "{\"fields\":{}}" : "{}";
        static const char *const heads[] = {"", PURPOSE, "If-None-Match: \"1\"\r\nIf-Match: \"1\"\r\n", "If-Match: \"7\"\r\nPrefer: return=representation\r\n", "Idempotency-Key: k@\r\n"};
        for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
            if (due()) same(route->method, path, heads[i], body, number);
    }
    const char *list = arena_printf(&h.t.a, "/api/v1/registers/%s/records", reg);
    static const char *const asks[] = {"?id=@", "?id=@&count=exact", "?where=id%20%3D%20@", "?where=id%20%3D%20@&count=estimate"};
    for (size_t k = 0; k < sizeof asks / sizeof *asks; k++)
        if (due()) same("GET", arena_printf(&h.t.a, "%s%s", list, asks[k]), "", NULL, number);
    if (due()) same("GET", arena_printf(&h.t.a, "%s?region=%s&id=@&count=exact", list, outside), "", NULL, number);
    static const char *const forms[] = {"csv", "json"}; /* a workbook packs the same rows */
    for (size_t k = 0; k < 2; k++)
        if (due()) same("GET", arena_printf(&h.t.a, "/api/v1/registers/%s/export?id=@&format=%s", reg, forms[k]), "", NULL, number);
    if (due()) same("GET", arena_printf(&h.t.a, "/api/v1/registers/%s/export?id=@&open=true", reg), PURPOSE, NULL, number);
    if (due()) same("POST", arena_printf(&h.t.a, "%s/batch", list), "", "{\"rows\":[{\"id\":@,\"fields\":{}}]}", number);
    /* lists and exports of everything */
    static const char *const all[] = {"/records?limit=500&count=exact", "/records?sort=id", "/export", "/export?format=json", "/export?titles=zh"};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const char *at = arena_printf(&h.t.a, "/api/v1/registers/%s%s", reg, all[k]);
        if (!due()) continue;
        struct answer_got got = test_http_get(&h, at, asker);
        clean(at, &got);
    }
    /* named to a desk, in a question or a body; '*' is the register */
    static const struct { const char *reg, *method, *path, *body; } desks[] = {
        {"*", "POST", "/api/v1/obligations/handover", "{\"duties\":[{\"register\":\"*\",\"record\":@,\"rule\":\"locate-case\"}],\"account\":1,\"reason\":\"x\"}"},
        {"organisation", "POST", "/api/v1/obligations/handover", "{\"duties\":[{\"register\":\"case\",\"record\":1,\"rule\":\"locate-case\"}],\"organisation\":@,\"reason\":\"x\"}"},
        {"account", "POST", "/api/v1/obligations/handover", "{\"duties\":[{\"register\":\"case\",\"record\":1,\"rule\":\"locate-case\"}],\"account\":@,\"reason\":\"x\"}"},
        {"case", "GET", "/api/v1/tracing/chains/part?case=@", NULL},
        {"case", "POST", "/api/v1/tracing/trace", "{\"cases\":[@]}"},
        {"person", "POST", "/api/v1/tracing/trace", "{\"persons\":[@]}"},
        {"exposure_venue", "POST", "/api/v1/tracing/visitors", "{\"venue\":@}"},
        {"place", "POST", "/api/v1/tracing/visitors", "{\"place\":\"@\",\"from\":\"2022-05-29T00:00\",\"to\":\"2022-05-30T00:00\"}"},
        {"round", "POST", "/api/v1/sampling/sheets", "{\"round\":@,\"table\":1,\"count\":2}"},
        {"round", "GET", "/api/v1/sampling/sheets?round=@&table=1&from=1&count=1", NULL},
        {"round", "GET", "/api/v1/laboratory/recalls?round=@", NULL},
        {"round", "GET", "/api/v1/laboratory/waiting?round=@", NULL},
        {"laboratory", "GET", "/api/v1/laboratory/boxes?laboratory=@", NULL},
        {"laboratory", "GET", "/api/v1/laboratory/runs?laboratory=@", NULL},
        {"laboratory", "POST", "/api/v1/laboratory/runs", "{\"laboratory\":@,\"plate\":\"P1\",\"started_at\":\"2022-05-30T09:30\",\"resulted_at\":\"2022-05-30T09:50\",\"wells\":[]}"},
        {"lab_run", "POST", "/api/v1/laboratory/runs", "{\"run\":@,\"wells\":[]}"},
        {"person", "POST", "/api/v1/sampling/swabs", "{\"tube\":\"T1\",\"size\":10,\"table\":1,\"round\":1,\"swabbed_at\":\"2022-05-30T09:00\",\"person\":@}"},
        {"round", "POST", "/api/v1/sampling/swabs", "{\"tube\":\"T1\",\"size\":10,\"table\":1,\"round\":@,\"swabbed_at\":\"2022-05-30T09:00\",\"person\":1}"},
    };
    for (size_t k = 0; k < sizeof desks / sizeof *desks; k++) {
        bool any = desks[k].reg[0] == '*';
        char body[300] = "", *star;
        if (!any && strcmp(desks[k].reg, reg) != 0) continue;
        if (desks[k].body) snprintf(body, sizeof body, "%s", desks[k].body);
        if (any && (star = strchr(body, '*'))) snprintf(star, sizeof body - (size_t)(star - body), "%s%s", reg, strchr(desks[k].body, '*') + 1);
        if (due()) same(desks[k].method, desks[k].path, PURPOSE, desks[k].body ? body : NULL, number);
    }
    /* pointing at it: what is not seen cannot be referred to, and is not told apart from what is not there */
    for (size_t k = 0; k < c->n_registers; k++)
        for (size_t f = 0; f < c->registers[k].n_fields; f++) {
            const struct field *field = &c->registers[k].fields[f];
            if (field->type != FIELD_REFERENCE || !text_is(field->target, reg)) continue;
            if (due()) same("POST", arena_printf(&h.t.a, "/api/v1/registers/%s/records", c->registers[k].name.s), "",
                            arena_printf(&h.t.a, "{\"region\":\"" MINE "\",\"fields\":{\"%s\":@}}", field->name.s), number);
            if (due()) same("GET", arena_printf(&h.t.a, "/api/v1/registers/%s/records?%s=@&count=exact", c->registers[k].name.s, field->name.s), "", NULL, number);
        }
}

/* Everything that needs no number: figures, duties, events, boards, what there is. */
static void about_all(void) {
    for (size_t k = 0; route_at(k); k++) {
        const struct route *route = route_at(k);
        if (strcmp(route->method, "GET") != 0 || strstr(route->path, "{id}") || strstr(route->path, "{register}") || strstr(route->path, "openapi") || strstr(route->path, "oidc")) continue;
        const char *const more[] = {"", arena_printf(&h.t.a, "?region=%s", outside), "?region=310115", "?after=0", "?limit=100"};
        for (size_t m = 0; m < sizeof more / sizeof *more; m++) {
            const char *at = arena_printf(&h.t.a, "%s%s", path_of(route, ""), more[m]);
            if (strstr(at, "/events") && !strstr(at, "after=")) at = arena_printf(&h.t.a, "%s%cafter=0", at, strchr(at, '?') ? '&' : '?');
            struct answer_got got;
            if (!strstr(at, "/events") && due()) {
                got = test_http_ask(&h, "GET", at, asker, "Accept: application/json, */*\r\n", NULL);
                clean(at, &got);
            }
            if (!due() && !strstr(at, "/events")) continue;
            got = test_http_ask(&h, "GET", at, asker, "Accept: application/json\r\n", NULL);
            clean(at, &got);
        }
    }
}

static void nothing_is_told_of_what_is_outside(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        asker = STREET, outside = THEIRS, whole = true;
        plant(store, "covid-2022-v9", NULL);
        const struct catalog *c = http_catalog(h.server);
        size_t known = 0;
        for (size_t i = 0; i < c->n_registers; i++) {
            if (!theirs[i]) continue;
            known++;
            about_one(c, c->registers[i].name.s, arena_printf(&h.t.a, "%lld", (long long)theirs[i]));
        }
        assert_true(known * 2 >= c->n_registers);
        about_all();
        print_message("# %zu registers: %zu questions, %zu of them with an answer\n", known, asked, told);
        test_http_drop(&h);
    }
}

/* The same for every role, of a street, of a county and of a city. */
static void nor_to_any_role_of_any_scope(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++)
        for (size_t k = 0; k < SCOPES; k++) {
            outside = scopes[k].outside, whole = getenv("TOCSIN_WHOLE") != NULL; /* every question to every role: minutes */
            plant(store, "covid-2022-v9", scopes[k].region);
            const struct catalog *c = http_catalog(h.server);
            const struct codelist *roles = codelist_find(c, TEXT("role"));
            for (size_t r = 0; r < roles->n; r++) {
                asker = arena_printf(&h.t.a, "token-of-%s", roles->codes[r].code.s);
                turn = (unsigned)r; /* each begins his share elsewhere */
                for (size_t i = 0; i < c->n_registers; i++)
                    if (theirs[i]) about_one(c, c->registers[i].name.s, arena_printf(&h.t.a, "%lld", (long long)theirs[i]));
                about_all();
            }
            print_message("# %zu roles of %s, about %s: %zu questions, %zu of them with an answer\n", roles->n, scopes[k].region, outside, asked, told);
            assert_true(told * 20 > asked);
            test_http_drop(&h);
        }
    asker = STREET, outside = THEIRS, whole = true;
}

/* Keys, jobs, cursors and searches of somebody else. */
static void nothing_of_another_account_is_given(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        plant(store, NULL, NULL);
        static const char place[] = "/api/v1/registers/place/records", own[] = "{\"region\":\"" MINE "\",\"fields\":{\"title\":\"Own hall\"}}";
        /* the same key of another account is another key */
        struct answer_got got = test_http_ask(&h, "POST", place, OTHER, "Idempotency-Key: shared\r\n", "{\"region\":\"" THEIRS "\",\"fields\":{\"title\":\"" MARK " hall\"}}");
        assert_status(got, 201);
        int64_t their_id = test_json_int(got.json, "id");
        got = test_http_ask(&h, "POST", place, STREET, "Idempotency-Key: shared\r\n", own);
        assert_status(got, 201);
        int64_t my_id = test_json_int(got.json, "id");
        assert_int_not_equal(my_id, their_id);
        got = test_http_ask(&h, "POST", place, STREET, "Idempotency-Key: shared\r\n", own);
        assert_status(got, 201);
        assert_int_equal(test_json_int(got.json, "id"), my_id);
        /* jobs and their files */
        got = test_http_ask(&h, "POST", "/api/v1/imports?register=place&file=" MARK ".csv", OTHER, "Content-Type: text/csv\r\n", "名称\n" MARK " list\n");
        assert_status(got, 201);
        const char *job = arena_str(&h.t.a, test_json_text(got.json, "id"));
        for (size_t k = 0; route_at(k); k++) {
            const struct route *route = route_at(k);
            if (!strstr(route->path, "{id}") || (!strstr(route->path, "/jobs/") && !strstr(route->path, "/imports/"))) continue;
            const char *path = path_of(route, ""), *plains[2];
            for (int i = 0; i < 2; i++) {
                const char *id = i ? "0123456789abcdef" : job;
                got = test_http_ask(&h, route->method, put_in(path, id), STREET, "", route->body == BODY_NONE ? NULL : "{}");
                clean(path, &got);
                assert_status(got, 404);
                plains[i] = plain(&got, "", id);
            }
            assert_string_equal(plains[0], plains[1]);
        }
        got = test_http_get(&h, "/api/v1/jobs", STREET);
        assert_int_equal(json_array_size(json_object_get(got.json, "jobs")), 0);
        /* cursors: of another, cut, altered in each byte */
        got = test_http_get(&h, arena_printf(&h.t.a, "%s?limit=1", place), ROOT);
        const char *cursor = arena_str(&h.t.a, test_json_text(got.json, "next"));
        size_t n = strlen(cursor);
        assert_true(n > 20);
        assert_status(test_http_get(&h, arena_printf(&h.t.a, "%s?limit=1&cursor=%s", place, cursor), STREET), 422);
        for (size_t i = 0; i < n; i += 3) {
            char *other = arena_str(&h.t.a, cursor);
            other[i] = other[i] == 'A' ? 'B' : 'A';
            assert_status(test_http_get(&h, arena_printf(&h.t.a, "%s?limit=1&cursor=%s", place, other), ROOT), 422);
            other[i] = 0;
            if (i) assert_status(test_http_get(&h, arena_printf(&h.t.a, "%s?limit=1&cursor=%s", place, other), ROOT), 422);
        }
        /* a person of the other street, by what is sealed, is found no more than one who is not there */
        assert_status(test_http_post(&h, "/api/v1/registers/person/records", ROOT,
                                     "{\"fields\":{\"name\":\"" MARK "\",\"doc_type\":\"passport\",\"doc_no\":\"E77777777\",\"phone\":\"13800139999\",\"address_region\":\"" THEIRS "\"}}"), 201);
        static const char *const searches[][2] = {{"{\"document\":\"E77777777\"}", "{\"document\":\"E00000000\"}"}, {"{\"phone\":\"13800139999\"}", "{\"phone\":\"13800130000\"}"},
                                                  {("{\"name\":\"" MARK "\"}"), "{\"name\":\"Nobody\"}"}};
        for (size_t i = 0; i < 3; i++) {
            const char *first = NULL;
            for (int k = 0; k < 2; k++) {
                got = test_http_ask(&h, "POST", "/api/v1/persons/search", STREET, PURPOSE, searches[i][k]);
                clean(searches[i][k], &got);
                assert_status(got, 200);
                if (k) assert_string_equal(first, plain(&got, "", ""));
                first = plain(&got, "", "");
            }
        }
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_told_of_what_is_outside, settle),
        cmocka_unit_test_teardown(nor_to_any_role_of_any_scope, settle),
        cmocka_unit_test_teardown(nothing_of_another_account_is_given, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

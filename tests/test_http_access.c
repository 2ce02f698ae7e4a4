/* The access matrix, generated from the declarations: every role x register x verb, inside its region and beside it. What the registers say is what the
 * door does; nothing in this file names a register. */
#include "doors/http/route.h"
#include "guess.h"
#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define INSIDE "310115001"
#define BESIDE "310115002"
enum { REGISTERS_MAX = 64 };

static bool may(const struct register_decl *reg, enum access_verb verb, struct text role) {
    /* from the declaration itself, not from ledger/access: that is what is being tested */
    if (text_is(role, "root") || (verb == ACCESS_READ && text_is(role, "auditor"))) return true;
    return verb == ACCESS_READ ? role_among(reg->readers, reg->n_readers, role) : verb == ACCESS_WRITE ? role_among(reg->writers, reg->n_writers, role)
                                                                                                        : role_among(reg->openers, reg->n_openers, role);
}

static void expect(const char *what, const struct answer_got *got, bool allowed, struct text role, const struct register_decl *reg) {
    if ((got->status < 300) == allowed) return;
    fail_msg("%.*s, %s: %s gave %d: %.*s", (int)role.n, role.s, reg->name.s, what, got->status, (int)(got->body.n < 400 ? got->body.n : 400), got->body.s ? got->body.s : "");
}

/* One question and whether it is allowed; what it says of another region is nothing. */
static struct answer_got asked(const char *what, const char *method, const char *path, const char *token, const char *body, bool allowed, struct text role, const struct register_decl *reg) {
    struct answer_got got = test_http_ask(&h, method, path, token, "", body);
    expect(what, &got, allowed, role, reg);
    if (got.status < 300 && got.body.n && memmem(got.body.s, got.body.n, BESIDE, sizeof BESIDE - 1)) fail_msg("%.*s, %s: %s tells of " BESIDE, (int)role.n, role.s, reg->name.s, what);
    return got;
}

/* A record like this one, of a region, as the body of a request. */
static const char *like(const struct register_decl *reg, const char *here, const char *region) {
    struct answer_got got = test_http_ask(&h, "GET", here, "token-of-all", "Tocsin-Purpose: matrix\r\n", NULL);
    json_t *fields = json_deep_copy(json_object_get(got.json, "fields"));
    assert_status(got, 200);
    if (reg->region_field >= 0) json_object_set_new(fields, reg->fields[reg->region_field].name.s, json_string(region));
    json_t *body = json_pack("{s:s, s:o}", "region", region, "fields", fields);
    char *text = json_dumps(body, JSON_COMPACT);
    const char *out = arena_str(&h.t.a, text);
    free(text);
    json_decref(body);
    return out;
}

/* Everything else that a register offers: lists, files, histories, what is owed, moves, many at once. Who may not is refused for that, not for a fault in what he sent. */
static size_t every_other_way(struct text role, const char *token, const struct register_decl *reg, const char *here, const char *there, const char *base) {
    bool read = may(reg, ACCESS_READ, role), write = may(reg, ACCESS_WRITE, role);
    const char *id = strrchr(there, '/') + 1;
    size_t n = 11;
    struct answer_got got = asked("the list", "GET", arena_printf(&h.t.a, "%s?limit=500&count=exact", base), token, NULL, read, role, reg);
    asked("the list of another region", "GET", arena_printf(&h.t.a, "%s?region=" BESIDE, base), token, NULL, read, role, reg);
    asked("the file", "GET", arena_printf(&h.t.a, "/api/v1/registers/%s/export", reg->name.s), token, NULL, read, role, reg);
    asked("the history", "GET", arena_printf(&h.t.a, "%s/history", here), token, NULL, read, role, reg);
    asked("what is owed for it", "GET", arena_printf(&h.t.a, "%s/obligations", here), token, NULL, read, role, reg);
    asked("what is owed for one beside its region", "GET", arena_printf(&h.t.a, "%s/obligations", there), token, NULL, false, role, reg);
    const char *one = like(reg, here, INSIDE), *beside = like(reg, here, BESIDE), *twin = like(reg, there, BESIDE);
    got = test_http_post(&h, base, token, one);
    if (!write ? got.status != 403 : got.status == 403 || got.status == 404) fail_msg("%.*s, %s: making %s gave %d: %.*s", (int)role.n, role.s, reg->name.s, one, got.status, (int)got.body.n, got.body.s);
    got = test_http_post(&h, base, token, beside);
    if (got.status != 403) fail_msg("%.*s, %s: making beside its region is refused for another reason: %d %.*s", (int)role.n, role.s, reg->name.s, got.status, (int)got.body.n, got.body.s);
    got = test_http_post(&h, base, token, twin); /* the very one that is there; what it refers to is not seen either */
    if (got.status != 403 && got.status != 422) fail_msg("%.*s, %s: making what is there beside its region is refused for that: %d %.*s", (int)role.n, role.s, reg->name.s, got.status, (int)got.body.n, got.body.s);
    got = test_http_post(&h, arena_printf(&h.t.a, "%s/batch", base), token, arena_printf(&h.t.a, "{\"rows\":[{\"id\":%s,\"fields\":{}},%s]}", id, twin));
    if (got.status == 200 && test_json_int(got.json, "rejected") != 2) expect("many beside its region", &got, false, role, reg);
    for (size_t k = 0; k < reg->n_states; k++, n += 2) {
        asked("moving one beside its region", "POST", arena_printf(&h.t.a, "%s/actions/%s", there, reg->states[k].name.s), token, "{}", false, role, reg);
        if (!write) asked("moving", "POST", arena_printf(&h.t.a, "%s/actions/%s", here, reg->states[k].name.s), token, "{}", false, role, reg);
    }
    return n;
}

static void every_role_register_and_verb(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        static int64_t inside[REGISTERS_MAX], beside[REGISTERS_MAX];
        static bool sealed[REGISTERS_MAX];
        size_t known = 0, n_asked = 0;
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, NULL, NOW);
        const struct catalog *c = h.t.l->catalog;
        const struct codelist *roles = codelist_find(c, TEXT("role"));
        assert_true(roles && c->n_registers < REGISTERS_MAX);
        for (size_t i = 0; i < c->n_registers; i++) {
            inside[i] = guess_record(&h.t, &c->registers[i], INSIDE, "t", 0);
            beside[i] = guess_record(&h.t, &c->registers[i], BESIDE, "t", 0);
            struct record r;
            struct error err = {0};
            sealed[i] = false;
            if (!inside[i] || !beside[i]) continue;
            known++;
            assert_ok(record_get(h.t.l, h.t.l->db, &h.t.s, &c->registers[i], inside[i], &h.t.a, &r, &err), err);
            if (!text_is(r.region, INSIDE)) inside[i] = 0, known--; /* a register that has its region from elsewhere */
            for (size_t k = 0; k < r.reg->n_fields; k++) sealed[i] = sealed[i] || r.values[k].kind == VALUE_BLOB;
        }
        assert_true(known * 3 >= c->n_registers * 2); /* or the guessing has to learn */
        char *tokens = arena_printf(&h.t.a, "%s/roles", h.t.dir);
        FILE *f = fopen(tokens, "w");
        for (size_t k = 0; k < roles->n; k++) fprintf(f, "token-of-%s %s %s " INSIDE "\n", roles->codes[k].code.s, roles->codes[k].code.s, roles->codes[k].code.s);
        fprintf(f, "token-of-all root root -\n");
        fclose(f);
        test_http_start(&h, &(struct http_options){.dev_tokens = tokens, .rate_account = -1, .rate_address = -1});
        c = http_catalog(h.server);
        roles = codelist_find(c, TEXT("role"));
        for (size_t k = 0; k < roles->n; k++)
            for (size_t i = 0; i < c->n_registers; i++) {
                const struct register_decl *reg = &c->registers[i];
                struct text role = roles->codes[k].code;
                const char *token = arena_printf(&h.t.a, "token-of-%s", role.s), *base = arena_printf(&h.t.a, "/api/v1/registers/%s/records", reg->name.s);
                if (!inside[i] || !beside[i]) continue;
                const char *here = arena_printf(&h.t.a, "%s/%lld", base, (long long)inside[i]), *there = arena_printf(&h.t.a, "%s/%lld", base, (long long)beside[i]);
                bool read = may(reg, ACCESS_READ, role), write = may(reg, ACCESS_WRITE, role), open = may(reg, ACCESS_OPEN, role);
                struct answer_got got = test_http_get(&h, here, token);
                expect("reading", &got, read, role, reg);
                if (read && sealed[i]) assert_non_null(strstr(got.body.s, "\"***\""));
                got = test_http_get(&h, there, token);
                expect("reading beside its region", &got, false, role, reg);
                got = test_http_get(&h, arena_printf(&h.t.a, "%s/history", there), token);
                expect("the history of one beside its region", &got, false, role, reg);
                got = test_http_ask(&h, "GET", here, token, "Tocsin-Purpose: matrix\r\n", NULL);
                expect("opening", &got, read && (open || !sealed[i]), role, reg);
                if (got.status == 200 && sealed[i]) assert_null(strstr(got.body.s, "\"***\""));
                got = test_http_ask(&h, "GET", there, token, "Tocsin-Purpose: matrix\r\n", NULL);
                expect("opening beside its region", &got, false, role, reg);
                got = test_http_ask(&h, "PATCH", there, token, "", "{\"fields\":{}}");
                expect("changing beside its region", &got, false, role, reg);
                got = test_http_ask(&h, "PATCH", here, token, "", "{\"fields\":{}}");
                if (!write) expect("changing", &got, false, role, reg);
                else if (got.status == 403 || got.status == 404) expect("changing", &got, true, role, reg);
                n_asked += 7 + every_other_way(role, token, reg, here, there, base);
            }
        print_message("# %zu registers x %zu roles: %zu questions\n", known, roles->n, n_asked);
        test_http_drop(&h);
    }
}

/* ---- the table of routes */

static const char *path_of(const struct route *route) {
    struct buf b = {0};
    for (const char *p = route->path; *p;) {
        if (*p != '{') {
            buf_char(&b, *p++);
            continue;
        }
        buf_str(&b, !strncmp(p, "{register}", 10) ? "person" : !strncmp(p, "{day}", 5) ? "2022-05-29" : "1");
        p += strcspn(p, "}") + 1;
    }
    const char *out = arena_str(&h.t.a, buf_cstr(&b));
    buf_clear(&b);
    return out;
}

static struct answer_got ask_route(const struct route *route, const char *token) {
    const char *type = route->body == BODY_JSON || route->body == BODY_JSON_MAYBE || route->body == BODY_NONE ? "application/json" : route->body == BODY_LINES ? "application/x-ndjson" : "text/csv";
    return test_http_ask(&h, route->method, path_of(route), token, arena_printf(&h.t.a, "Accept-Language: en\r\nContent-Type: %s\r\n", type), route->body == BODY_NONE ? NULL : "{}");
}

/* Each row of the table says who may ask: strangers are sent to sign in, a role that is not among its roles is refused for that, one that is among them is not. */
static void every_route_asks_who(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, NULL, NOW);
        const struct codelist *roles = codelist_find(h.t.l->catalog, TEXT("role"));
        char *tokens = arena_printf(&h.t.a, "%s/roles", h.t.dir);
        FILE *f = fopen(tokens, "w");
        for (size_t k = 0; k < roles->n; k++) fprintf(f, "token-of-%s %s %s -\n", roles->codes[k].code.s, roles->codes[k].code.s, roles->codes[k].code.s);
        fclose(f);
        test_http_start(&h, &(struct http_options){.dev_tokens = tokens, .rate_account = -1, .rate_address = -1});
        roles = codelist_find(http_catalog(h.server), TEXT("role"));
        size_t closed = 0, asked = 0;
        for (size_t i = 0; route_at(i); i++) {
            const struct route *route = route_at(i);
            struct answer_got got = ask_route(route, NULL);
            if ((got.status == 401) != (route->who != WHO_PUBLIC)) {
                if (route->who != WHO_PUBLIC || strcmp(test_json_text(got.json, "code"), "SIGN_IN") != 0 || !strstr(route->path, "/oidc/")) /* nobody was signed in there, which is its answer */
                    fail_msg("%s %s answers a stranger %d: %.*s", route->method, route->path, got.status, (int)got.body.n, got.body.s);
            }
            closed += route->who != WHO_PUBLIC;
            if (!route->roles) continue;
            for (size_t k = 0; k < roles->n; k++, asked++) {
                const char *role = roles->codes[k].code.s, *at = strstr(route->roles, role);
                bool among = !strcmp(role, "root");
                for (; at && !among; at = strstr(at + 1, role)) among = (at == route->roles || at[-1] == ';') && (at[strlen(role)] == ';' || !at[strlen(role)]);
                if (among && strcmp(route->method, "GET") != 0) continue; /* what it does is its own test's */
                got = ask_route(route, arena_printf(&h.t.a, "token-of-%s", role));
                bool refused = got.status == 403 && strstr(test_json_text(got.json, "detail"), "this needs one of these roles: ");
                if (refused == among) fail_msg("%s %s answers %s %d: %.*s", route->method, route->path, role, got.status, (int)(got.body.n < 300 ? got.body.n : 300), got.body.s);
            }
        }
        assert_true(closed > 90 && asked > 200);
        print_message("# %zu routes need an account; %zu questions about roles\n", closed, asked);
        test_http_drop(&h);
    }
}

/* What was mistyped is refused and named, in the query and in the body: a restriction that nobody read would do more than was asked for. */
static void what_no_row_names_is_refused(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        size_t queries = 0, bodies = 0;
        for (size_t i = 0; route_at(i); i++) {
            const struct route *route = route_at(i);
            if (route->who != WHO_ACCOUNT || strstr(route->path, "/settings")) continue; /* settings have names of their owner's */
            const char *path = path_of(route);
            struct answer_got got = test_http_ask(&h, route->method, arena_printf(&h.t.a, "%s?nosuch=1", path), ROOT, "", NULL);
            if (got.status != 400 || !strstr(test_json_text(got.json, "where"), "nosuch"))
                fail_msg("%s %s?nosuch=1: %d %.*s", route->method, path, got.status, (int)(got.body.n < 300 ? got.body.n : 300), got.body.s);
            queries++;
            static const struct { unsigned flag; const char *line; } guards[] = {{HEADER_KEY, "Idempotency-Key: a\r\n"}, {HEADER_MATCH, "If-Match: \"1\"\r\n"}};
            for (size_t g = 0; g < 2 && strcmp(route->method, "GET") != 0; g++) {
                if (route->headers & guards[g].flag) continue;
                got = test_http_ask(&h, route->method, path, ROOT, guards[g].line, NULL);
                if (got.status != 400) fail_msg("%s %s takes %s and keeps it not: %d", route->method, path, guards[g].line, got.status);
            }
            if (route->body != BODY_JSON && route->body != BODY_JSON_MAYBE) continue;
            got = test_http_ask(&h, route->method, path, ROOT, "", "{\"nosuch\":1}");
            bool own = strstr(route->path, "/testing/plan"); /* plans of rounds are read by their engine, which says so itself */
            if (got.status != (own ? 422 : 404) || strcmp(test_json_text(got.json, own ? "where" : "pointer"), own ? "nosuch" : "/nosuch") != 0) fail_msg("%s %s: %d %.*s", route->method, path, got.status, (int)got.body.n, got.body.s);
            bodies++;
        }
        assert_true(queries > 90 && bodies > 25);
        /* a word where true or false belongs is neither; a record by its path is guarded by If-Match alone, and told so */
        static const char *const places = "/api/v1/registers/place/records", *const row = "{\"region\":\"310115\",\"fields\":{\"title\":\"a\"}}";
        assert_status(test_http_post(&h, arena_printf(&h.t.a, "%s/batch", places), ROOT, arena_printf(&h.t.a, "{\"rows\":[%s],\"dry\":\"true\"}", row)), 400);
        assert_status(test_http_post(&h, arena_printf(&h.t.a, "%s/batch", places), ROOT, arena_printf(&h.t.a, "{\"rows\":[%s],\"dry_run\":true}", row)), 404);
        struct answer_got got = test_http_post(&h, places, ROOT, row);
        assert_status(got, 201);
        const char *one = arena_printf(&h.t.a, "%s/%lld", places, (long long)test_json_int(got.json, "id"));
        got = test_http_ask(&h, "PATCH", one, ROOT, "", "{\"version\":7,\"fields\":{\"title\":\"b\"}}");
        assert_status(got, 404);
        assert_string_equal(test_json_text(got.json, "pointer"), "/version");
        assert_status(test_http_ask(&h, "PATCH", one, ROOT, "", "{\"id\":7,\"fields\":{\"title\":\"b\"}}"), 404);
        /* what a rule says of a member of the body points there */
        got = test_http_post(&h, places, ROOT, "{\"state\":\"nowhere\",\"fields\":{\"title\":\"c\"}}");
        assert_string_equal(test_json_text(got.json, "pointer"), "/state");
        assert_string_equal(test_json_text(test_http_post(&h, "/api/v1/accounts", ROOT, "{\"login\":\"HE\"}").json, "pointer"), "/login");
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 1);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\" WHERE \"title\" = 'a'"), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(every_role_register_and_verb, settle), cmocka_unit_test_teardown(every_route_asks_who, settle),
                                       cmocka_unit_test_teardown(what_no_row_names_is_refused, settle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

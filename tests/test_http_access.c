/* The access matrix, generated from the declarations: every role x register x verb, inside its region and beside it. What the registers say is what the
 * door does; nothing in this file names a register. */
#include "doors/http/request.h"
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

static void every_role_register_and_verb(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        static int64_t inside[REGISTERS_MAX], beside[REGISTERS_MAX];
        static bool sealed[REGISTERS_MAX];
        size_t known = 0, asked = 0;
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
                got = test_http_post(&h, base, token, "{\"region\":\"" INSIDE "\",\"fields\":{}}");
                if (!write) expect("making", &got, false, role, reg);
                asked += 8;
            }
        print_message("# %zu registers x %zu roles: %zu questions\n", known, roles->n, asked);
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(every_role_register_and_verb, settle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

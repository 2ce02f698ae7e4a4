/* One's own result by ticket, without an account: refusals, what is told, that made-up tickets are answered as those of who has no results, and that more
 * than the server can carry is told to come again. */
#include "http.h"

#include "desks/testing/ticket.h"

#define NOW "2022-09-01T20:00"
#define RESULTS "/public/v1/results"

static struct answer_got ask(const char *ticket) {
    return test_http_post(&h, RESULTS, NULL, arena_printf(&h.t.a, "{\"ticket\":\"%s\"}", ticket));
}

static const char *body(struct answer_got got) {
    return arena_text(&h.t.a, got.body).s;
}

/* Three persons: one with two swabs (one told, one at work), one with none, and the ticket of each. */
static int64_t people[2];
static char tickets[2][TICKET_CHARS + 1];

static void change(const char *reg, int64_t id, const char *state, ...) {
    struct error err = {0};
    va_list args;
    va_start(args, state);
    struct draft *d = test_draft_of(&h.t, reg, DRAFT_CHANGE, args);
    va_end(args);
    d->id = id;
    d->by_desk = true;
    if (state) d->state = text_of(state);
    assert_ok(test_write(&h.t, d, &err), err);
}

static void make(size_t store) {
    test_http_make(&h, store, "covid-2022-v9", NOW);
    test_http_stop(&h);
    struct test_ledger *t = &h.t;
    int64_t campaign = test_record(t, "campaign", "title", "首轮", "starts_at", "2022-09-01T00:00");
    int64_t round = test_record(t, "round", "campaign", test_id(t, campaign), "seq", "1", "starts_at", "2022-09-01T08:00");
    for (int i = 0; i < 2; i++) {
        people[i] = test_record(t, "person", "name", i ? "李娜" : "王芳");
        ticket_make(t->l->vault, people[i], tickets[i]);
    }
    for (int i = 0; i < 2; i++) {
        int64_t tube = test_record(t, "tube", "barcode", i ? "T2" : "T1", "round", test_id(t, round), "size", "10", "opened_at", "2022-09-01T09:00");
        test_record(t, "swab", "person", test_id(t, people[0]), "tube", test_id(t, tube), "turn", i ? "2" : "1", "swabbed_at", i ? "2022-09-01T12:00" : "2022-09-01T09:05");
        if (!i) change("tube", tube, NULL, "result", "negative", "result_at", "2022-09-01T15:00", "verdict", "negative", "released_at", "2022-09-01T16:00", NULL);
        else change("tube", tube, NULL, "result", "positive", "result_at", "2022-09-01T19:00", NULL); /* not released */
    }
}

static void who_asks_wrongly(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        test_http_start(&h, NULL);
        assert_status(test_http_post(&h, RESULTS, NULL, "{}"), 422);
        assert_status(test_http_post(&h, RESULTS, NULL, "{\"ticket\":7}"), 400);
        assert_status(test_http_get(&h, RESULTS, NULL), 405);
        char *path = arena_printf(&h.t.a, "/api/v1/persons/%lld/ticket", (long long)people[0]);
        assert_status(test_http_ask(&h, "POST", path, NULL, "Tocsin-Purpose: result\r\n", NULL), 401);
        assert_status(test_http_ask(&h, "POST", path, ROOT, "", NULL), 403);                       /* what for? */
        assert_status(test_http_ask(&h, "POST", path, GUEST, "Tocsin-Purpose: result\r\n", NULL), 404); /* may not even read him */
        assert_status(test_http_ask(&h, "POST", "/api/v1/persons/999999/ticket", ROOT, "Tocsin-Purpose: result\r\n", NULL), 404);
        assert_status(test_http_ask(&h, "POST", path, AUDITOR, "Tocsin-Purpose: result\r\n", NULL), 200);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"vault_key\""), 2);
        test_http_drop(&h);
    }
}

static void what_is_told(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        test_http_start(&h, NULL);
        struct answer_got got = ask(tickets[0]);
        assert_status(got, 200);
        const json_t *list = json_object_get(got.json, "results");
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(test_json_text(json_array_get(list, 0), "result"), "pending"); /* the laboratory has it; nobody has released it */
        assert_true(json_is_null(json_object_get(json_array_get(list, 0), "told_at")));
        assert_string_equal(test_json_text(json_array_get(list, 1), "result"), "negative");
        assert_string_equal(test_json_text(json_array_get(list, 1), "zh"), "阴性");
        /* the ticket that is given out is the one that is kept nowhere */
        char *path = arena_printf(&h.t.a, "/api/v1/persons/%lld/ticket", (long long)people[0]);
        got = test_http_ask(&h, "POST", path, ROOT, "Tocsin-Purpose: result\r\n", NULL);
        assert_status(got, 200);
        assert_string_equal(test_json_text(got.json, "ticket"), tickets[0]);
        test_http_drop(&h);
    }
}

/* Whoever tries tickets learns nothing: not which are real, not who has been tested. */
static void made_up_tickets_tell_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        test_http_start(&h, NULL);
        const char *none = body(ask(tickets[1])); /* real, never tested */
        assert_string_equal(none, "{\"results\":[]}");
        char near[TICKET_CHARS + 1];
        for (int k = 0; k < TICKET_CHARS; k++) { /* one letter wrong anywhere */
            memcpy(near, tickets[0], sizeof near);
            near[k] = near[k] == 'A' ? 'B' : 'A';
            struct answer_got got = ask(near);
            assert_status(got, 200);
            assert_string_equal(body(got), none);
        }
        static const char *const bad[] = {"", "x", "????????????????????????????????", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
        for (size_t k = 1; k < sizeof bad / sizeof *bad; k++) assert_string_equal(body(ask(bad[k])), none);
        test_http_drop(&h);
    }
}

/* Asked together, each is told what he is told alone: twice the same, nobody, one whose record went into another's, more than go into one statement. */
static void many_ask_at_once_and_each_is_told_the_own(void **state) {
    (void)state;
    enum { ASKED = 3 * TICKET_TOGETHER + 1 };
    static struct buf alone[4], together[ASKED];
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        struct test_ledger *t = &h.t;
        struct error err = {0};
        int64_t merged = test_record(t, "person", "name", "王芳芳"), who[] = {people[0], people[1], merged, INT64_MAX};
        struct value cells[] = {value_int(merged), value_int(people[0])};
        assert_ok(db_begin(t->l->db, &err), err);
        t->damaged = true;
        assert_ok(db_run(t->l->db, "UPDATE \"person\" SET \"merged_into\" = ?2 WHERE \"id\" = ?1", cells, 2, NULL, &err), err);
        assert_ok(db_commit(t->l->db, &err), err);
        struct ticket_ask asks[ASKED];
        for (size_t k = 0; k < 4; k++) {
            buf_reset(&alone[k]);
            assert_ok(ticket_results(t->l, t->l->db, &(struct ticket_ask){who[k], &alone[k]}, 1, &err), err);
        }
        for (size_t k = 0; k < ASKED; k++) {
            buf_reset(&together[k]);
            asks[k] = (struct ticket_ask){who[k % 7 % 4], &together[k]};
        }
        assert_ok(ticket_results(t->l, t->l->db, asks, ASKED, &err), err);
        for (size_t k = 0; k < ASKED; k++) assert_string_equal(buf_cstr(&together[k]), buf_cstr(&alone[k % 7 % 4]));
        assert_non_null(strstr(buf_cstr(&alone[0]), "negative"));
        assert_string_equal(buf_cstr(&alone[2]), buf_cstr(&alone[0]));
        assert_string_equal(buf_cstr(&alone[3]), buf_cstr(&alone[1]));
        test_http_drop(&h);
    }
    for (size_t k = 0; k < 4; k++) buf_clear(&alone[k]);
    for (size_t k = 0; k < ASKED; k++) buf_clear(&together[k]);
}

static void tickets_have_nothing_in_common(void **state) {
    (void)state;
    make(0);
    struct test_ledger *t = &h.t;
    char one[TICKET_CHARS + 1], two[TICKET_CHARS + 1];
    for (int64_t id = 1; id < 2000; id++) {
        ticket_make(t->l->vault, id, one);
        ticket_make(t->l->vault, id + 1, two);
        int same = 0;
        for (int k = 0; k < TICKET_CHARS; k++) same += one[k] == two[k];
        assert_true(same < 10);
        assert_int_equal(ticket_person(t->l->vault, text_of(one)), id);
    }
    test_http_drop(&h);
}

/* A burst beyond what is allowed: who was accepted is answered, the others are told when to come again, and nothing else is held up. */
static void a_storm_is_shed(void **state) {
    (void)state;
    struct http_options o = {.results_per_s = 1, .rate_address = -1}; /* so few that a slow machine is shed too */
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        test_http_start(&h, &o);
        int answered = 0, shed = 0;
        for (int k = 0; k < 60; k++) {
            struct answer_got got = ask(tickets[k % 2]);
            if (got.status == 200) answered++;
            else {
                assert_status(got, 503);
                assert_non_null(strcasestr(got.head, "Retry-After:"));
                shed++;
            }
        }
        assert_true(answered >= 4); /* four seconds' worth */
        assert_true(shed > 0);
        assert_status(test_http_get(&h, "/healthz", NULL), 200);
        assert_status(test_http_get(&h, "/api/v1/registers/person/records", ROOT), 200);
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_asks_wrongly, settle),               cmocka_unit_test_teardown(what_is_told, settle),
        cmocka_unit_test_teardown(made_up_tickets_tell_nothing, settle),   cmocka_unit_test_teardown(tickets_have_nothing_in_common, settle),
        cmocka_unit_test_teardown(a_storm_is_shed, settle),                cmocka_unit_test_teardown(many_ask_at_once_and_each_is_told_the_own, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

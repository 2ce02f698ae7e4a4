/* The laboratory over HTTP: who may, what is malformed, and one tube's way from the box to the recall list. */
#include "http.h"

#define NOW "2022-09-01T20:00"
#define LAB "token-lab-one"
#define REVIEWER "token-lab-two"
#define TRACER "token-tracing"

static const char *const tokens = "token-root root root -\ntoken-lab-one lab laboratory 310115\ntoken-lab-two reviewer laboratory 310115\ntoken-tracing tracer tracer 310115\ntoken-guest guest guest 310115\n";
static int64_t laboratory, first_round;

static void make(size_t store) {
    test_http_make(&h, store, "covid-2022-v9", NOW);
    test_http_stop(&h);
    struct test_ledger *t = &h.t;
    int64_t campaign = test_record(t, "campaign", "title", "首轮", "starts_at", "2022-09-01T00:00");
    first_round = test_record(t, "round", "campaign", test_id(t, campaign), "seq", "1", "starts_at", "2022-09-01T08:00");
    laboratory = test_record(t, "laboratory", "title", "市疾控");
    int64_t box = test_record(t, "box", "barcode", "B1", "laboratory", test_id(t, laboratory));
    int64_t tube = test_record(t, "tube", "barcode", "T1", "round", test_id(t, first_round), "box", test_id(t, box), "opened_at", "2022-09-01T17:00");
    for (int i = 0; i < 3; i++) {
        int64_t who = test_record(t, "person", "name", arena_printf(&t->a, "居民%d", i), "address", "某路 1 号", "phone", "13912345678");
        test_record(t, "swab", "person", test_id(t, who), "tube", test_id(t, tube), "swabbed_at", "2022-09-01T17:05");
    }
    char *path = arena_printf(&t->a, "%s/lab-tokens", t->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(tokens, f);
    fclose(f);
    struct http_options o = {.dev_tokens = path};
    test_http_start(&h, &o);
}

#define API "/api/v1/laboratory/"
static const char good[] = "{\"laboratory\":%lld,\"plate\":\"P1\",\"started_at\":\"2022-09-01T19:00\",\"resulted_at\":\"2022-09-01T19:50\",\"wells\":["
                           "{\"well\":\"A1\",\"role\":\"NTC\",\"ct\":{\"orf\":null,\"n\":null,\"ic\":null}},{\"well\":\"A2\",\"role\":\"阳性对照\",\"ct\":{\"orf\":25,\"n\":26.5,\"ic\":25}},"
                           "{\"well\":\"A3\",\"tube\":\"T1\",\"ct\":{\"orf\":31.25,\"n\":\"30\",\"ic\":24}},{\"well\":\"A4\",\"tube\":\"T7\",\"ct\":{\"orf\":null,\"n\":null,\"ic\":24}}]}";

static void who_may_not_and_what_is_malformed(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        const char *box = "{\"box\":\"B1\",\"tubes\":[\"T1\"]}";
        assert_status(test_http_post(&h, API "boxes", NULL, box), 401);
        assert_status(test_http_post(&h, API "boxes", "token-guest", box), 403);
        assert_status(test_http_post(&h, API "boxes", TRACER, box), 403);
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\"}"), 400);
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[7]}"), 400);
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[],\"at\":\"yesterday\"}"), 422);
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B7\",\"tubes\":[]}"), 404);
        assert_status(test_http_post(&h, API "runs", LAB, "{\"wells\":7}"), 400);
        assert_status(test_http_post(&h, API "runs", LAB, "{\"wells\":[{\"tube\":\"T1\",\"ct\":7}]}"), 400);
        assert_status(test_http_post(&h, API "runs", LAB, "{\"wells\":[{\"tube\":\"T1\",\"ct\":{\"n\":true}}]}"), 400);
        assert_status(test_http_post(&h, API "runs", LAB, "{\"wells\":[{\"tube\":\"T1\",\"ct\":{\"n\":20}}]}"), 422); /* which laboratory? */
        assert_status(test_http_ask(&h, "POST", API "runs/file?plate=P1", LAB, "Content-Type: text/csv\r\n", "no,table\n"), 400);
        assert_status(test_http_ask(&h, "POST", API "runs/999/release", LAB, "", NULL), 404);
        assert_status(test_http_post(&h, API "recalls", TRACER, "{}"), 403);                                             /* what for? */
        assert_status(test_http_ask(&h, "POST", API "recalls", LAB, "Tocsin-Purpose: recall\r\n", "{\"tubes\":[\"T1\"]}"), 409); /* nobody in it is recalled */
        static const char *const bench[] = {"boxes", "runs", "recalls"};
        for (size_t k = 0; k < sizeof bench / sizeof *bench; k++) {
            char *url = arena_printf(&h.t.a, API "%s", bench[k]);
            assert_status(test_http_get(&h, url, NULL), 401);
            assert_status(test_http_get(&h, url, "token-guest"), 403);
        }
        assert_status(test_http_get(&h, API "boxes/999", LAB), 404);
        assert_status(test_http_get(&h, API "runs/999", LAB), 404);
        assert_status(test_http_get(&h, API "boxes?limit=100000", LAB), 400);
        assert_status(test_http_get(&h, API "waiting", LAB), 400);
        assert_status(test_http_get(&h, API "waiting?round=1", "token-guest"), 403);
        test_http_drop(&h);
    }
}

/* The site packs and seals what the laboratory then counts: by somebody whose clock is a day ahead, and who was not answered the first time. */
static void a_box_is_packed_at_its_site(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        test_http_stop(&h);
        int64_t site = test_record(&h.t, "site", "title", "南门小学", "kind", "fixed", "laboratory", test_id(&h.t, laboratory));
        int64_t tube = test_record(&h.t, "tube", "barcode", "T5", "round", test_id(&h.t, first_round), "size", "1", "opened_at", "2022-09-01T17:00");
        test_record(&h.t, "swab", "person", test_id(&h.t, test_record(&h.t, "person", "name", "王芳")), "tube", test_id(&h.t, tube), "swabbed_at", "2022-09-01T17:05");
        char *path = arena_printf(&h.t.a, "%s/lab-tokens", h.t.dir);
        struct http_options o = {.dev_tokens = path};
        test_http_start(&h, &o);
        const char *url = "/api/v1/sampling/boxes";
        assert_status(test_http_post(&h, url, NULL, "{}"), 401);
        assert_status(test_http_post(&h, url, TRACER, "{\"box\":\"N1\",\"tubes\":[]}"), 403);
        assert_status(test_http_post(&h, url, ROOT, "{\"box\":\"N1\"}"), 400);
        assert_status(test_http_post(&h, url, ROOT, "{\"box\":\"N1\",\"tubes\":[]}"), 404); /* new, and nowhere */
        assert_status(test_http_post(&h, url, ROOT, "{\"box\":\"N1\",\"site\":999999,\"tubes\":[]}"), 404);
        assert_status(test_http_post(&h, url, ROOT, arena_printf(&h.t.a, "{\"box\":\"N1\",\"site\":%lld,\"tubes\":[],\"seal\":true}", (long long)site)), 409); /* empty */
        assert_status(test_http_post(&h, url, ROOT, arena_printf(&h.t.a, "{\"box\":\"N1\",\"site\":%lld,\"tubes\":[],\"at\":\"2022-09-01T21:00\"}", (long long)site)), 422); /* to come */
        for (int sent = 0; sent < 2; sent++) {
            struct answer_got got = test_http_post(&h, url, ROOT, arena_printf(&h.t.a, "{\"box\":\"N1\",\"site\":%lld,\"tubes\":[\"T5\",\"T1\",\"T6\"],\"seal\":true,\"at\":\"2022-09-02T19:00\",\"sent_at\":\"2022-09-02T20:00\"}", (long long)site));
            assert_status(got, 200);
            assert_int_equal(test_json_int(json_object_get(got.json, "counts"), sent ? "again" : "taken"), 1);
            assert_int_equal(test_json_int(json_object_get(got.json, "counts"), "refused"), 2); /* one that lies in B1, one of which nobody has heard */
            assert_int_equal(test_json_int(got.json, "declared"), 2);
            got = test_http_get(&h, arena_printf(&h.t.a, API "boxes/%lld", (long long)test_json_int(got.json, "id")), LAB);
            assert_memory_equal(test_json_text(got.json, "sealed_at"), "2022-09-01T19:0", 15); /* the clock here goes on */
            assert_string_equal(test_json_text(got.json, "state"), "sealed");
            assert_int_equal(test_json_int(got.json, "laboratory"), laboratory); /* where its site sends to */
            assert_string_equal(test_json_text(json_array_get(json_object_get(got.json, "manifest"), 0), "barcode"), "T5");
        }
        test_http_drop(&h);
    }
}

static const json_t *only(const struct answer_got *got, const char *list) {
    const json_t *l = json_object_get(got->json, list);
    assert_int_equal(json_array_size(l), 1);
    return json_array_get(l, 0);
}

/* What a screen shows is what the desk did: manifest, wells with controls, who may release, who is owed. */
static void the_bench(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        struct answer_got got = test_http_get(&h, API "boxes", LAB);
        assert_status(got, 200);
        const json_t *box = only(&got, "boxes");
        char *box_url = arena_printf(&h.t.a, API "boxes/%lld", (long long)test_json_int(box, "id"));
        assert_int_equal(test_json_int(box, "listed"), 1);
        assert_int_equal(test_json_int(box, "here"), 0);
        got = test_http_get(&h, box_url, LAB);
        assert_string_equal(test_json_text(only(&got, "manifest"), "outcome"), "expected");
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[],\"at\":\"2022-09-01T18:00\"}"), 200);
        got = test_http_get(&h, box_url, LAB);
        assert_string_equal(test_json_text(only(&got, "manifest"), "outcome"), "missing");
        assert_status(test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[\"T1\"],\"at\":\"2022-09-01T18:00\"}"), 200);
        got = test_http_get(&h, box_url, LAB);
        assert_string_equal(test_json_text(only(&got, "manifest"), "outcome"), "received");
        got = test_http_post(&h, API "runs", LAB, arena_printf(&h.t.a, good, (long long)laboratory));
        assert_status(got, 200);
        long long run = (long long)test_json_int(got.json, "id");
        got = test_http_get(&h, API "runs", LAB);
        assert_true(json_is_false(json_object_get(only(&got, "runs"), "may_release"))); /* who entered them */
        assert_true(strlen(test_json_text(only(&got, "runs"), "why_not")) > 0);
        got = test_http_get(&h, API "runs", TRACER); /* who may not read runs at all */
        assert_status(got, 403);
        got = test_http_get(&h, arena_printf(&h.t.a, API "runs/%lld", run), REVIEWER);
        assert_status(got, 200);
        assert_true(json_is_true(json_object_get(got.json, "may_release")));
        const json_t *wells = json_object_get(got.json, "wells"), *well = json_array_get(wells, 0);
        assert_int_equal(json_array_size(wells), 3); /* a tube and two controls: the unknown one has none */
        assert_string_equal(test_json_text(well, "well"), "A03");
        assert_string_equal(test_json_text(well, "result"), "positive");
        assert_true(json_number_value(json_array_get(json_object_get(well, "ct"), 0)) == 31.25);
        assert_string_equal(test_json_text(json_array_get(wells, 1), "role"), "negative");
        assert_true(json_is_null(json_array_get(json_object_get(json_array_get(wells, 1), "ct"), 1)));
        assert_true(json_number_value(json_array_get(json_object_get(json_array_get(wells, 2), "ct"), 1)) == 26.5);
        got = test_http_get(&h, API "recalls", TRACER);
        assert_int_equal(json_array_size(json_object_get(got.json, "tubes")), 0); /* nobody is told before the second person */
        assert_status(test_http_ask(&h, "POST", arena_printf(&h.t.a, API "runs/%lld/release", run), REVIEWER, "", NULL), 200);
        got = test_http_get(&h, arena_printf(&h.t.a, API "recalls?round=%lld", (long long)first_round), TRACER);
        assert_status(got, 200);
        const json_t *tube = only(&got, "tubes"), *hold = json_object_get(json_object_get(tube, "duties"), "hold-member");
        assert_int_equal(test_json_int(tube, "members"), 3);
        assert_int_equal(test_json_int(hold, "open") + test_json_int(hold, "overdue"), 3);
        assert_null(strstr(got.body.s, "居民")); /* without names */
        got = test_http_get(&h, arena_printf(&h.t.a, API "recalls?round=%lld", (long long)first_round + 999), TRACER);
        assert_int_equal(json_array_size(json_object_get(got.json, "tubes")), 0);
        test_http_drop(&h);
    }
}

static int64_t recorded(const char *reg, const char *fields) {
    struct answer_got got = test_http_post(&h, arena_printf(&h.t.a, "/api/v1/registers/%s/records", reg), ROOT, arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{%s}}", fields));
    assert_status(got, 201);
    return test_json_int(got.json, "id");
}

static const json_t *tube_named(const struct answer_got *got, const char *list, const char *name, const char *barcode) {
    const json_t *l = json_object_get(got->json, list), *one;
    size_t k;
    json_array_foreach(l, k, one) if (!strcmp(test_json_text(one, name), barcode)) return one;
    fail_msg("no %s in %.*s", barcode, (int)got->body.n, got->body.s);
    return NULL;
}

/* A tube of another box and one of none: which it is, where it belongs, what to do; and its own box does not miss it. */
static void extra_tubes_are_told_one_by_one_and_kept(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        int64_t other = recorded("box", "\"barcode\":\"B2\"");
        int64_t t2 = recorded("tube", arena_printf(&h.t.a, "\"barcode\":\"T2\",\"round\":%lld,\"box\":%lld,\"opened_at\":\"2022-09-01T17:00\"", (long long)first_round, (long long)other));
        recorded("tube", arena_printf(&h.t.a, "\"barcode\":\"T3\",\"round\":%lld,\"opened_at\":\"2022-09-01T17:00\"", (long long)first_round));
        struct answer_got got = test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[\"T1\",\"T2\",\"T3\"],\"at\":\"2022-09-01T18:00\"}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(json_object_get(got.json, "counts"), "extra"), 2);
        const json_t *row = tube_named(&got, "rows", "tube", "T2");
        assert_string_equal(test_json_text(row, "packed_in"), "B2");
        assert_non_null(strstr(test_json_text(row, "detail"), "B2"));
        row = tube_named(&got, "rows", "tube", "T3");
        assert_true(json_is_null(json_object_get(row, "packed_in")) && strlen(test_json_text(row, "detail")) > 0);
        int64_t first = test_json_int(got.json, "id");
        got = test_http_get(&h, arena_printf(&h.t.a, API "boxes/%lld", (long long)first), LAB);
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T1"), "outcome"), "received");
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T2"), "outcome"), "extra");
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T2"), "packed_in"), "B2");
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T3"), "outcome"), "extra");
        got = test_http_get(&h, arena_printf(&h.t.a, API "boxes/%lld", (long long)other), LAB);
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T2"), "outcome"), "elsewhere");
        assert_string_equal(test_json_text(tube_named(&got, "manifest", "barcode", "T2"), "came_in"), "B1");
        got = test_http_post(&h, API "boxes", LAB, "{\"box\":\"B2\",\"tubes\":[],\"at\":\"2022-09-01T18:30\"}");
        assert_int_equal(test_json_int(json_object_get(got.json, "counts"), "missing"), 0);
        assert_status(test_http_ask(&h, "PATCH", arena_printf(&h.t.a, "/api/v1/registers/tube/records/%lld", (long long)t2), LAB, "", "{\"fields\":{\"came_in\":null}}"), 403);
        test_http_drop(&h);
    }
}

static void from_the_box_to_the_recall_list(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        make(i);
        struct answer_got got = test_http_post(&h, API "boxes", LAB, "{\"box\":\"B1\",\"tubes\":[\"T1\",\"T9\"],\"at\":\"2022-09-01T18:00\"}");
        assert_status(got, 200);
        assert_int_equal(test_json_int(json_object_get(got.json, "counts"), "taken"), 1);
        assert_int_equal(test_json_int(json_object_get(got.json, "counts"), "refused"), 1);
        got = test_http_post(&h, API "runs", LAB, arena_printf(&h.t.a, good, (long long)laboratory));
        assert_status(got, 200);
        long long run = (long long)test_json_int(got.json, "id");
        assert_int_equal(test_json_int(json_object_get(got.json, "results"), "positive"), 1);
        const json_t *row = json_array_get(json_object_get(got.json, "rows"), 1);
        assert_string_equal(test_json_text(row, "outcome"), "refused");
        assert_string_equal(test_json_text(row, "code"), "UNKNOWN");
        /* the same as the instrument's own file: nothing new */
        got = test_http_ask(&h, "POST", arena_printf(&h.t.a, API "runs/file?laboratory=%lld&plate=P1&started_at=2022-09-01T19:00&resulted_at=2022-09-01T19:50", (long long)laboratory), LAB,
                            "Content-Type: text/csv\r\n", "Well,Sample,Target,CT\nA1,NC,ORF1ab,--\nA1,NC,N,--\nA2,PC,ORF1ab,25\nA2,PC,N,25\nA3,T1,ORF1ab,31.25\nA3,T1,N,30\n");
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "id"), run);
        char *release = arena_printf(&h.t.a, API "runs/%lld/release", run);
        assert_status(test_http_ask(&h, "POST", release, LAB, "", NULL), 409); /* who entered them */
        got = test_http_ask(&h, "POST", release, REVIEWER, "", NULL);
        assert_status(got, 200);
        assert_int_equal(test_json_int(got.json, "recalled"), 1);
        got = test_http_ask(&h, "POST", API "recalls", TRACER, "Tocsin-Purpose: recall\r\n", "{}");
        assert_status(got, 200);
        const json_t *members = json_object_get(got.json, "members");
        assert_int_equal(json_array_size(members), 3);
        assert_string_equal(test_json_text(json_array_get(members, 0), "name"), "居民0");
        assert_string_equal(test_json_text(json_array_get(members, 0), "address"), "某路 1 号");
        assert_string_equal(test_json_text(json_array_get(members, 0), "hold"), "open");
        got = test_http_get(&h, arena_printf(&h.t.a, API "waiting?round=%lld", (long long)first_round), LAB);
        assert_status(got, 200);
        assert_int_equal(json_array_size(json_object_get(got.json, "tubes")), 0);
        assert_status(test_http_post(&h, API "corrections", REVIEWER, "{\"tube\":\"T1\",\"result\":\"negative\"}"), 422);
        assert_status(test_http_post(&h, API "corrections", REVIEWER, "{\"tube\":\"T1\",\"result\":\"negative\",\"reason\":\"swapped\"}"), 204);
        test_http_stop(&h);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'hold-member' AND \"state\" = 'open'"), 0);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\" = 'negative'"), 3);
        test_http_drop(&h);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_may_not_and_what_is_malformed, settle),
        cmocka_unit_test_teardown(a_box_is_packed_at_its_site, settle),
        cmocka_unit_test_teardown(the_bench, settle),
        cmocka_unit_test_teardown(extra_tubes_are_told_one_by_one_and_kept, settle),
        cmocka_unit_test_teardown(from_the_box_to_the_recall_list, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

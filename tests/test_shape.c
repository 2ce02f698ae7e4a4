/* Outlines of regions: what is no GeoJSON of regions is refused and changes nothing; what is taken comes out in one written form, to those who may read
 * the region; the made-up county's outlines fit each other without gaps. */
#include "http.h"

#include "desks/drill/demo.h"
#include "desks/shape/shape.h"
#include "engines/city_map.h"

static const char *const NOW = "2022-05-30T10:00";
#define FEATURE(code, geometry) "{\"type\":\"Feature\",\"properties\":{\"code\":\"" code "\"},\"geometry\":" geometry "}"
#define POLYGON(rings) "{\"type\":\"Polygon\",\"coordinates\":" rings "}"
#define ALL(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"
#define SQUARE "[[[0,0],[1,0],[1,1],[0,1],[0,0]]]"

static void what_is_no_map_of_regions_is_refused(void **state) {
    (void)state;
    static const struct { const char *text; int code; const char *where; } bad[] = {
        {"", E_SYNTAX, ""},
        {"{\"type\":\"FeatureCollection\",\"features\":[}", E_SYNTAX, ""},
        {"{\"type\":\"FeatureCollection\",\"type\":\"Feature\",\"features\":[]}", E_SYNTAX, ""},
        {"[]", E_INVALID, "/type"},
        {"{\"type\":\"Topology\"}", E_INVALID, "/type"},
        {"{\"type\":\"FeatureCollection\"}", E_INVALID, "/type"},
        {ALL(""), E_INVALID, "/features"},
        {ALL("1"), E_INVALID, "/features/0"},
        {ALL("{\"type\":\"Feature\",\"properties\":{},\"geometry\":" POLYGON(SQUARE) "}"), E_INVALID, "/features/0/properties"},
        {ALL(FEATURE("31011", POLYGON(SQUARE))), E_INVALID, "/features/0/properties"},
        {ALL(FEATURE("310115", "null")), E_INVALID, "/features/0/geometry"},
        {ALL(FEATURE("310115", "{\"type\":\"Point\",\"coordinates\":[1,2]}")), E_INVALID, "/features/0/geometry"},
        {ALL(FEATURE("310115", "{\"type\":\"Polygon\"}")), E_INVALID, "/features/0/geometry/coordinates"},
        {ALL(FEATURE("310115", POLYGON("[]"))), E_INVALID, "/features/0/geometry/coordinates"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[1,0],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[1,0],[1,1],[0,1]]]"))), E_INVALID, "/features/0/geometry/coordinates/0"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[1,1],[2,2],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[0,0],[0,0],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0"},
        {ALL(FEATURE("310115", POLYGON("[[[31,121],[31,122],[32,122],[31,121]]]"))), E_INVALID, "/features/0/geometry/coordinates/0/0"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[181,0],[1,1],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0/1"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[\"1\",0],[1,1],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0/1"},
        {ALL(FEATURE("310115", POLYGON("[[[0,0],[1],[1,1],[0,0]]]"))), E_INVALID, "/features/0/geometry/coordinates/0/1"},
        {ALL(FEATURE("310115", "{\"type\":\"MultiPolygon\",\"coordinates\":[" SQUARE ",[[[0,0],[1,0],[2,2]]]]}")), E_INVALID, "/features/0/geometry/coordinates/1/0"},
        {ALL(FEATURE("310115", POLYGON(SQUARE)) "," FEATURE("310000", POLYGON(SQUARE)) "," FEATURE("310115000000", POLYGON(SQUARE))), E_INVALID, "/features/2"},
        {"{\"type\":\"FeatureCollection\",\"crs\":{\"properties\":{\"name\":\"EPSG:3857\"}},\"features\":[" FEATURE("310115", POLYGON(SQUARE)) "]}", E_INVALID, "/crs"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct shapes s;
        struct error err = {0};
        if (shapes_parse(text_of(bad[i].text), NULL, &s, &err) != bad[i].code) fail_msg("taken, or refused otherwise: %s: %d %s", bad[i].text, err.code, err.message);
        assert_string_equal(err.where, bad[i].where);
        shapes_clear(&s);
    }
}

static void shapes_have_one_written_form(void **state) {
    (void)state;
    struct shapes s;
    struct error err = {0};
    /* clockwise, heights, a position said twice, more digits than a hand's breadth; a hole counter-clockwise; a number for a code */
    struct text in = TEXT("\xEF\xBB\xBF{\"type\":\"Feature\",\"properties\":{\"adcode\":310115},\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0,7],[0,9],[0,9],[9.00000049,9],[9,-0.5],[0,0]],"
                          "[[1,1],[2,1],[2,2.25],[1,1]]]]}}");
    assert_ok(shapes_parse(in, NULL, &s, &err), err);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.positions, 9);
    assert_true(text_is(s.list[0].region, "310115"));
    if (!text_is(s.list[0].geometry, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[9,-0.5],[9,9],[0,9],[0,0]],[[1,1],[2,2.25],[2,1],[1,1]]]}"))
        fail_msg("%.*s", (int)s.list[0].geometry.n, s.list[0].geometry.s);
    shapes_clear(&s);
    /* a property by name; the national map service's form of a code; order by region */
    in = TEXT(ALL("{\"type\":\"Feature\",\"properties\":{\"GB_A\":\"156310115\"},\"geometry\":" POLYGON(SQUARE) "},{\"type\":\"Feature\",\"properties\":{\"GB_A\":\"310000\"},\"geometry\":" POLYGON(SQUARE) "}"));
    assert_int_equal(shapes_parse(in, NULL, &s, &err), E_INVALID);
    shapes_clear(&s);
    err = (struct error){0};
    assert_ok(shapes_parse(in, "GB_A", &s, &err), err);
    assert_int_equal(s.n, 2);
    assert_true(text_is(s.list[0].region, "31") && text_is(s.list[1].region, "310115"));
    shapes_clear(&s);
    /* twelve digits of which nine would be such a code */
    in = TEXT(ALL("{\"type\":\"Feature\",\"properties\":{\"code\":\"156156115000\"},\"geometry\":" POLYGON(SQUARE) "}"));
    assert_int_equal(shapes_parse(in, NULL, &s, &err), E_INVALID);
    shapes_clear(&s);
}

static int bring(struct test_ledger *t, const char *json, const struct session *as, bool whole, struct shape_report *ret, struct error *err) {
    struct shapes s;
    *err = (struct error){0};
    int rc = shapes_parse(text_of(json), NULL, &s, err);
    if (rc == 0) rc = shapes_import(t->l, as, &s, whole, ret, err);
    shapes_clear(&s);
    return rc;
}

static void region(struct test_ledger *t, const char *code, const char *title) {
    test_record(t, "region", "code", code, "title", title, "level", strlen(code) > 6 ? "4" : "3");
}

#define STREET_1 FEATURE("310115001", POLYGON(SQUARE))
#define STREET_2 FEATURE("310115002", POLYGON("[[[1,0],[2,0],[2,1],[1,1],[1,0]]]"))
#define COUNTY FEATURE("310115", POLYGON("[[[0,0],[2,0],[2,1],[0,1],[0,0]]]"))

static void all_of_a_file_or_nothing(void **state) {
    (void)state;
    static const char count[] = "SELECT COUNT(*) FROM \"region_shape\"";
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct error err = {0};
        struct shape_report r = {0};
        struct grant system = {.role = TEXT("system"), .region = TEXT("310115001")}, reporter = {.role = TEXT("reporter"), .region = TEXT("310115")};
        test_ledger_make(&t, store, NULL, NOW);
        region(&t, "310115", "浦东新区");
        region(&t, "310115001", "甲街道");
        struct session who = t.s;
        who.n_grants = 1;
        who.grants = &reporter;
        assert_int_equal(bring(&t, ALL(STREET_1), &who, false, &r, &err), E_DENIED);
        who.grants = &system; /* of a street */
        assert_int_equal(bring(&t, ALL(STREET_1 "," COUNTY), &who, false, &r, &err), E_DENIED);
        assert_int_equal(bring(&t, ALL(STREET_1 "," STREET_2), &t.s, false, &r, &err), E_UNKNOWN);
        assert_string_equal(err.where, "/features/1");
        assert_int_equal(test_count(&t, count), 0);
        assert_ok(bring(&t, ALL(STREET_1), &who, false, &r, &err), err);
        region(&t, "310115002", "乙街道");
        assert_ok(bring(&t, ALL(STREET_1 "," STREET_2), &t.s, false, &r, &err), err);
        assert_int_equal(r.shapes, 2);
        assert_int_equal(test_count(&t, count), 2);
        assert_ok(bring(&t, ALL(COUNTY), &t.s, true, &r, &err), err);
        assert_int_equal(r.removed, 2);
        assert_int_equal(test_count(&t, count), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"region_shape\" WHERE \"region\" = '310115'"), 1);
        struct journal_verdict v = {0};
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        test_ledger_drop(&t);
    }
}

static size_t seen(const char *path, const char *token) {
    struct answer_got got = test_http_get(&h, path, token);
    assert_status(got, 200);
    return json_array_size(json_object_get(got.json, "features"));
}

#define SHAPES "/api/v1/regions/shapes"
static void a_map_shows_what_one_may_read(void **state) {
    (void)state;
    EACH_HTTP(h, NULL, NOW) {
        struct error err = {0};
        struct shape_report r;
        test_http_stop(&h);
        region(&h.t, "310115", "浦东新区");
        region(&h.t, "310115001", "甲\"街道");
        region(&h.t, "310115002", "乙街道");
        assert_ok(bring(&h.t, ALL(STREET_1 "," STREET_2 "," COUNTY), &h.t.s, false, &r, &err), err);
        test_http_start(&h, NULL);
        assert_status(test_http_get(&h, SHAPES, NULL), 401);
        assert_status(test_http_get(&h, SHAPES "?under=x", ROOT), 422);
        assert_status(test_http_get(&h, SHAPES "?level=6", ROOT), 400);
        assert_status(test_http_ask(&h, "POST", SHAPES, ROOT, "", "{}"), 405);
        assert_int_equal(seen(SHAPES, ROOT), 3);
        assert_int_equal(seen(SHAPES "?level=4", ROOT), 2);
        assert_int_equal(seen(SHAPES "?under=310115002", ROOT), 1);
        assert_int_equal(seen(SHAPES "?under=32", ROOT), 0);
        assert_int_equal(seen(SHAPES, STREET), 1); /* its own */
        assert_int_equal(seen(SHAPES "?under=310115002", STREET), 0);
        struct answer_got got = test_http_get(&h, SHAPES "?under=310115001", STREET);
        const json_t *one = json_array_get(json_object_get(got.json, "features"), 0), *p = json_object_get(one, "properties");
        assert_string_equal(test_json_text(one, "id"), "310115001");
        assert_string_equal(test_json_text(p, "zh"), "甲\"街道");
        assert_int_equal(test_json_int(p, "level"), 4);
        assert_string_equal(test_json_text(json_object_get(one, "geometry"), "type"), "Polygon");
        /* who has it already need not fetch it again */
        const char *tag = strcasestr(got.head, "\r\nETag: ");
        assert_non_null(tag);
        const char *header = arena_printf(&h.t.a, "If-None-Match: %.18s\r\n", tag + 8);
        assert_status(test_http_ask(&h, "GET", SHAPES "?under=310115001", STREET, header, NULL), 304);
        assert_status(test_http_ask(&h, "GET", SHAPES, ROOT, header, NULL), 200);
    }
}

/* Each border of a street is another street's, the other way round, or the county's; so there is neither gap nor overlap. */
static void the_made_up_county_is_covered_once(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 7; seed++) {
        struct city_options o = {.seed = seed, .persons = seed % 2 ? 1500 : 40000, .first = 19113, .zone_s = ZONE_CHINA_S, .region = "310199", .cases_min = 1, .days = 5};
        struct city *c = NULL;
        struct city_map m, again;
        struct error err = {0};
        int64_t sum = 0, whole = 0;
        assert_ok(city_make(&o, &c, &err), err);
        assert_ok(city_map_make(c, &m, &err), err);
        assert_ok(city_map_make(c, &again, &err), err);
        assert_int_equal(m.n, c->n_streets);
        for (size_t i = 0; i <= m.n; i++) {
            const struct city_outline *s = i < m.n ? &m.streets[i] : &m.county, *t = i < m.n ? &again.streets[i] : &again.county;
            int64_t area = 0;
            assert_int_equal(s->n, t->n);
            assert_memory_equal(s->at, t->at, s->n * sizeof *s->at);
            for (size_t k = 0; k < s->n; k++) {
                const int32_t *a = s->at[k], *b = s->at[(k + 1) % s->n];
                area += (int64_t)(a[0] - 122900000) * (b[1] - 31000000) - (int64_t)(a[1] - 31000000) * (b[0] - 122900000);
            }
            assert_true(area > 0);
            if (i < m.n) sum += area;
            else whole = area;
        }
        assert_int_equal(sum, whole);
        city_map_clear(&m);
        city_map_clear(&again);
        city_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_map_of_regions_is_refused), cmocka_unit_test(shapes_have_one_written_form),
        cmocka_unit_test(all_of_a_file_or_nothing),             cmocka_unit_test_teardown(a_map_shows_what_one_may_read, settle),
        cmocka_unit_test(the_made_up_county_is_covered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

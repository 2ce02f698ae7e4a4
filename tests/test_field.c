#include "check.h"

#include "base/digest.h"
#include "ledger/register.h"

/* Fields by hand, on the house's own code lists. */
static struct catalog *house(void) {
    static struct catalog *c;
    const char *home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".";
    char registers[512], codes[512];
    struct error err = {0};
    snprintf(registers, sizeof registers, "%s/registers", home);
    snprintf(codes, sizeof codes, "%s/codes", home);
    if (!c) assert_ok(catalog_load(registers, codes, &c, &err), err);
    return c;
}

static struct field of_type(enum field_type type) {
    return (struct field){.name = TEXT("f"),
                          .zh = TEXT("字段"),
                          .en = TEXT("Field"),
                          .type = type,
                          .copy_reference = -1,
                          .copy_field = -1};
}

static struct field coded(const char *list, bool multiple) {
    struct field f = of_type(FIELD_CODE);
    f.codes = codelist_find(house(), text_of(list));
    f.multiple = multiple;
    assert_non_null(f.codes);
    return f;
}

static int parse(const struct field *f, const char *s, struct arena *a, struct value *ret,
                 struct error *err) {
    return field_parse(f, text_of(s), ZONE_CHINA_S, a, ret, err);
}

struct refused {
    enum field_type type;
    const char *input;
};

static void what_is_not_of_the_type_is_refused(void **state) {
    (void)state;
    static const struct refused cases[] = {
        {FIELD_DATE, "2022-02-29"},
        {FIELD_DATE, "2022/13/1"},
        {FIELD_DATE, "20220431"},
        {FIELD_DATE, "2022年2月30日"},
        {FIELD_DATE, "2022-5"},
        {FIELD_DATE, "2022-05/30"},
        {FIELD_DATE, "30/05/2022"},
        {FIELD_DATE, "44711"},
        {FIELD_DATE, "2022053"},
        {FIELD_DATE, "202205301"},
        {FIELD_DATE, "2022-05-301"},
        {FIELD_DATE, "2022-05-30x"},
        {FIELD_DATE, "0000-00-00"},
        {FIELD_DATE, "2022-05-30 25:00"},
        {FIELD_DATE, "today"},
        {FIELD_INSTANT, "17:00"},
        {FIELD_INSTANT, "2022-05-30 17:60"},
        {FIELD_INSTANT, "2022-05-30 24:01"},
        {FIELD_INSTANT, "2022-05-30 17"},
        {FIELD_INSTANT, "2022-05-30T17:00+99:00"},
        {FIELD_INTEGER, "1.5"},
        {FIELD_INTEGER, "1e3"},
        {FIELD_INTEGER, "12a"},
        {FIELD_INTEGER, "-"},
        {FIELD_INTEGER, "."},
        {FIELD_INTEGER, "1,000"},
        {FIELD_INTEGER, "99999999999999999999"},
        {FIELD_DECIMAL, "36..5"},
        {FIELD_DECIMAL, "36.5.1"},
        {FIELD_DECIMAL, "1234567890123456789"},
        {FIELD_DECIMAL, "+"},
        {FIELD_BOOLEAN, "maybe"},
        {FIELD_BOOLEAN, "2"},
        {FIELD_REFERENCE, "0"},
        {FIELD_REFERENCE, "-4"},
        {FIELD_REFERENCE, "C-3101"},
        {FIELD_POINT, "31.2"},
        {FIELD_POINT, "91,0"},
        {FIELD_POINT, "0,181"},
        {FIELD_POINT, ","},
        {FIELD_DURATION, "2x"},
        {FIELD_REGION, "3"},
        {FIELD_REGION, "上海"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct field f = of_type(cases[i].type);
        struct value v = value_int(77);
        struct error err = {0};
        f.scale = cases[i].type == FIELD_DECIMAL ? 1 : 0;
        int rc = parse(&f, cases[i].input, &a, &v, &err);
        if (rc != E_INVALID || err.code != E_INVALID || strcmp(err.where, "f") != 0 || v.kind != VALUE_INT ||
            v.i != 77)
            fail_msg("type %d '%s' gave %d '%s' at '%s'", cases[i].type, cases[i].input, rc, err.message,
                     err.where);
    }
    struct field f = coded("case_class", false);
    struct value v = value_int(77);
    struct error err = {0};
    assert_int_equal(parse(&f, "sort of ill", &a, &v, &err), E_INVALID);
    assert_non_null(strstr(err.message, "sort of ill"));
    arena_clear(&a);
}

static void sealed_content_is_never_repeated(void **state) {
    (void)state;
    struct arena a = {0};
    struct field f = of_type(FIELD_TEXT);
    f.sealed = true;
    f.check = CHECK_ID_CARD;
    f.has_max = true;
    f.max = 40;
    static const char *const secrets[] = {"11010519491231002Y", "3.10115E+17",
                                          "张三张三张三张三张三张三张三张三张三张三张三张三张三张三张三"};
    for (size_t i = 0; i < 3; i++) {
        struct value v = {0};
        struct error err = {0};
        assert_int_equal(parse(&f, secrets[i], &a, &v, &err), E_INVALID);
        assert_null(strstr(err.message, secrets[i]));
        assert_null(strstr(err.message, "张三"));
        assert_null(strstr(err.message, "1101"));
        assert_null(strstr(err.where, secrets[i]));
    }
    f.check = CHECK_DOCUMENT;
    struct value v = {0};
    struct error err = {0};
    assert_int_equal(parse(&f, "3.10115E+17", &a, &v, &err), E_INVALID);
    assert_non_null(strstr(err.message, "spreadsheet"));
    assert_ok(parse(&f, " １１０１０５１９４９１２３１００２ｘ", &a, &v, &err), err);
    assert_true(text_is(value_view(v), "11010519491231002X"));
    arena_clear(&a);
}

static void ranges_and_lengths_hold(void **state) {
    (void)state;
    struct arena a = {0};
    struct value v = {0};
    struct error err = {0};
    struct field f = of_type(FIELD_DECIMAL);
    f.scale = 1;
    f.has_min = f.has_max = true;
    f.min = 300;
    f.max = 450;
    assert_int_equal(parse(&f, "29.9", &a, &v, &err), E_INVALID);
    err = (struct error){0};
    assert_int_equal(parse(&f, "45.1", &a, &v, &err), E_INVALID);
    err = (struct error){0};
    assert_ok(parse(&f, "36.5℃", &a, &v, &err), err);
    assert_int_equal(v.i, 365);
    f = of_type(FIELD_TEXT);
    f.has_max = true;
    f.max = 3;
    assert_ok(parse(&f, "一二三", &a, &v, &err), err);
    assert_int_equal(parse(&f, "一二三四", &a, &v, &err), E_INVALID);
    err = (struct error){0};
    assert_int_equal(parse(&f, "\xff\xfe", &a, &v, &err), E_INVALID);
    err = (struct error){0};
    assert_int_equal(field_parse(&f, (struct text){"a\0b", 3}, 0, &a, &v, &err), E_INVALID);
    err = (struct error){0};
    /* values that never were text */
    assert_int_equal(field_check_value(&f, value_int(1), &err), E_INVALID);
    err = (struct error){0};
    f = coded("sex", false);
    assert_int_equal(field_check_value(&f, value_str("M"), &err), E_INVALID);
    err = (struct error){0};
    assert_ok(field_check_value(&f, value_str("male"), &err), err);
    assert_int_equal(field_check_value(&f, value_str("male;female"), &err), E_INVALID);
    err = (struct error){0};
    f = of_type(FIELD_REGION);
    assert_int_equal(field_check_value(&f, value_str("310000"), &err), E_INVALID);
    err = (struct error){0};
    assert_ok(field_check_value(&f, value_str("31"), &err), err);
    f = of_type(FIELD_BOOLEAN);
    assert_int_equal(field_check_value(&f, value_int(2), &err), E_INVALID);
    assert_int_equal(field_check_value(&f, value_null(), NULL), 0);
    arena_clear(&a);
}

static void days_are_read_as_people_write_them(void **state) {
    (void)state;
    static const char *const same[] = {
        "2022-05-30",
        "2022/5/30",
        "2022.5.30",
        "2022年5月30日",
        "20220530",
        "2022-5-30",
        "２０２２年５月３０日",
        " 2022/05/30 ",
        "2022-05-30 00:00:00",
        "2022/5/30 0:00:00",
        "2022-05-30T00:00:00.000Z",
        "2022年05月30号",
        "2022/5/30 23:59",
    };
    struct arena a = {0};
    struct field f = of_type(FIELD_DATE);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct value v = {0};
        struct error err = {0};
        if (parse(&f, same[i], &a, &v, &err) < 0 || v.i != day_of_civil((struct civil){2022, 5, 30}))
            fail_msg("'%s': %s", same[i], err.message);
    }
    static const char *const times[] = {
        "2022-05-30T17:00:00+08:00", "2022-05-30 17:00",      "2022/5/30 17:00:00",
        "2022-05-30T09:00:00Z",      "2022年5月30日 17时0分", "2022年5月30日17时",
        "2022.5.30 17:00:00.000",    "20220530 17:00",        "2022-05-30 17:00+0800",
        "2022-05-30T09:00:00.000Z",
    };
    f = of_type(FIELD_INSTANT);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct value v = {0};
        struct error err = {0};
        if (parse(&f, times[i], &a, &v, &err) < 0 || v.i != 1653901200)
            fail_msg("'%s': %s", times[i], err.message);
    }
    arena_clear(&a);
}

static void small_words(void **state) {
    (void)state;
    static const char *const yes[] = {"是", "yes", "Y", "1", "TRUE", "true", "１", "有"}, *const no[] = {
                                                                                              "否",    "no",
                                                                                              "N",     "0",
                                                                                              "False", "无"};
    struct arena a = {0};
    struct field f = of_type(FIELD_BOOLEAN);
    struct value v = {0};
    struct error err = {0};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        assert_ok(parse(&f, yes[i], &a, &v, &err), err);
        assert_int_equal(v.i, 1);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        assert_ok(parse(&f, no[i], &a, &v, &err), err);
        assert_int_equal(v.i, 0);
    }
    static const char *const empty[] = {"", "  ", "　", "\t\n"};
    for (int type = 0; type < FIELD_TYPES; type++)
        for (size_t i = 0; i < 4; i++) {
            f = type == FIELD_CODE ? coded("sex", false) : of_type((enum field_type)type);
            v = value_int(1);
            assert_ok(parse(&f, empty[i], &a, &v, &err), err);
            assert_int_equal(v.kind, VALUE_NULL);
        }
    f = of_type(FIELD_DECIMAL);
    f.scale = 2;
    static const struct {
        const char *in;
        int64_t out;
    } numbers[] = {{"36.5", 3650},
                   {"36.55", 3655},
                   {"36.555", 3656},
                   {"36.554", 3655},
                   {"-0.005", -1},
                   {"-0.004", 0},
                   {".5", 50},
                   {"5.", 500},
                   {"+7", 700},
                   {"007.10", 710},
                   {"36.599999999999994", 3660},
                   {"0", 0},
                   {"３６．５", 3650}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_ok(parse(&f, numbers[i].in, &a, &v, &err), err);
        if (v.i != numbers[i].out) fail_msg("%s gave %lld", numbers[i].in, (long long)v.i);
    }
    f = of_type(FIELD_INTEGER);
    assert_ok(parse(&f, "59.0", &a, &v, &err), err);
    assert_int_equal(v.i, 59);
    f = of_type(FIELD_POINT);
    assert_ok(parse(&f, "31.23, -121.4700001", &a, &v, &err), err);
    assert_true(text_is(value_view(v), "31.230000,-121.470000"));
    f = of_type(FIELD_REGION);
    assert_ok(parse(&f, "310115000000", &a, &v, &err), err);
    assert_true(text_is(value_view(v), "310115"));
    arena_clear(&a);
}

static void several_codes_in_one_cell(void **state) {
    (void)state;
    struct arena a = {0};
    struct field f = coded("specimen", true);
    struct value v = {0};
    struct error err = {0};
    assert_ok(parse(&f, "咽拭子、鼻咽拭子;oropharyngeal，Sputum", &a, &v, &err), err);
    assert_true(text_is(value_view(v), "oropharyngeal;nasopharyngeal;sputum"));
    assert_ok(field_check_value(&f, v, &err), err);
    struct buf out = {0};
    field_display(&f, v, 0, true, &out);
    assert_string_equal(buf_cstr(&out), "咽拭子、鼻咽拭子、痰液");
    buf_reset(&out);
    field_display(&f, v, 0, false, &out);
    assert_string_equal(buf_cstr(&out), "Throat swab, Nasopharyngeal swab, Sputum");
    assert_int_equal(parse(&f, "咽拭子、hair", &a, &v, &err), E_INVALID);
    f.multiple = false;
    err = (struct error){0};
    assert_int_equal(parse(&f, "咽拭子、鼻咽拭子", &a, &v, &err), E_INVALID);
    buf_clear(&out);
    arena_clear(&a);
}

/* Law: what field_format writes, field_parse reads back as the same value. */
static void written_values_read_back(void **state) {
    (void)state;
    struct rng r;
    rng_seed(&r, 11);
    struct arena a = {0};
    struct buf out = {0};
    static const char *const texts[] = {"张三", "a", "O'Brien; DROP", "第 2 栋"}, *const regions[] = {
                                                                                      "31",     "3101",
                                                                                      "310115", "310115001",
                                                                                      "TW",     "KR11"};
    for (int i = 0; i < 40000; i++) {
        struct field f = of_type((enum field_type)(i % FIELD_TYPES));
        struct value v = value_int((int64_t)rng_below(&r, 2000000000) - 1000000000), back = {0};
        struct error err = {0};
        char point[64];
        f.scale = f.type == FIELD_DECIMAL ? (int)rng_below(&r, 7) : 0;
        if (f.type == FIELD_DATE) v.i = DAY_MIN + (int64_t)rng_below(&r, (uint64_t)(DAY_MAX - DAY_MIN));
        if (f.type == FIELD_INSTANT) v.i = (int64_t)rng_below(&r, 8000000000) - 4000000000;
        if (f.type == FIELD_DURATION) v.i = (int64_t)rng_below(&r, 100000000);
        if (f.type == FIELD_BOOLEAN) v.i = v.i & 1;
        if (f.type == FIELD_REFERENCE) v.i = 1 + (int64_t)rng_below(&r, 1000000000);
        if (f.type == FIELD_TEXT) v = value_str(texts[rng_below(&r, 4)]);
        if (f.type == FIELD_REGION) v = value_str(regions[rng_below(&r, 6)]);
        if (f.type == FIELD_CODE) {
            f = coded("occupation", false);
            v = value_text(f.codes->codes[rng_below(&r, f.codes->n)].code);
        }
        if (f.type == FIELD_POINT) {
            snprintf(point, sizeof point, "%d.%06d,-%d.%06d", (int)rng_below(&r, 90),
                     (int)rng_below(&r, 1000000), (int)rng_below(&r, 180), (int)rng_below(&r, 1000000));
            v = value_str(point);
        }
        assert_ok(field_check_value(&f, v, &err), err);
        for (int as = 0; as < 3; as++) { /* in codes, and as people of either language see it */
            buf_reset(&out);
            assert_int_equal(as ? field_display(&f, v, ZONE_CHINA_S, as == 1, &out) : field_format(&f, v, ZONE_CHINA_S, &out), 0);
            if (parse(&f, buf_cstr(&out), &a, &back, &err) < 0 || !value_eq(v, back))
                fail_msg("type %d: '%s' came back otherwise: %s", f.type, buf_cstr(&out), err.message);
        }
        arena_reset(&a);
    }
    buf_clear(&out);
    arena_clear(&a);
}

/* No two codes of a list are called alike, in either language: a list that was written in words is read back as it was. */
static void every_code_is_known_by_its_titles(void **state) {
    (void)state;
    struct arena a = {0};
    for (size_t i = 0; i < house()->n_codelists; i++) {
        const struct codelist *l = &house()->codelists[i];
        for (size_t k = 0; k < l->n; k++)
            for (int as = 0; as < 3; as++) {
                struct field f = coded(arena_printf(&a, "%.*s", (int)l->name.n, l->name.s), as > 0);
                struct buf out = {0};
                struct value v = value_text(l->codes[k].code), back = {0};
                struct error err = {0};
                if (as > 0 && k + 1 < l->n && !l->codes[k].alone && !l->codes[k + 1].alone) v = value_str(arena_printf(&a, "%.*s;%.*s", (int)v.n, v.s, (int)l->codes[k + 1].code.n, l->codes[k + 1].code.s));
                for (int zh = 0; zh < 2; zh++) {
                    buf_reset(&out);
                    field_display(&f, v, 0, zh, &out);
                    if (parse(&f, buf_cstr(&out), &a, &back, &err) < 0 || !value_eq(v, back))
                        fail_msg("%.*s: '%s' is not read back as %.*s: %s", (int)l->name.n, l->name.s, buf_cstr(&out), (int)v.n, v.s, err.message);
                }
                buf_clear(&out);
            }
        arena_reset(&a);
    }
    arena_clear(&a);
}

static void display_speaks_both_languages(void **state) {
    (void)state;
    struct buf out = {0};
    struct field f = coded("case_class", false);
    field_display(&f, value_str("confirmed"), 0, true, &out);
    buf_char(&out, '|');
    field_display(&f, value_str("confirmed"), 0, false, &out);
    buf_char(&out, '|');
    f = of_type(FIELD_BOOLEAN);
    field_display(&f, value_int(1), 0, true, &out);
    field_display(&f, value_int(0), 0, false, &out);
    buf_char(&out, '|');
    f = of_type(FIELD_INSTANT);
    field_display(&f, value_int(1653901200), ZONE_CHINA_S, true, &out);
    buf_char(&out, '|');
    f = of_type(FIELD_REGION);
    field_display(&f, value_str("31"), 0, true, &out);
    buf_char(&out, '|');
    f = of_type(FIELD_TEXT);
    f.sealed = true;
    field_display(&f, value_blob("\1\2", 2), 0, true, &out);
    field_display(&f, value_null(), 0, true, &out);
    field_display(&f, (struct value){0}, 0, true, &out);
    assert_string_equal(buf_cstr(&out), "确诊病例|Confirmed|是no|2022-05-30 17:00|310000|***");
    buf_clear(&out);
}

static void out_of_memory_is_an_error(void **state) {
    (void)state;
    struct field text = of_type(FIELD_TEXT), many = coded("specimen", true), region = of_type(FIELD_REGION);
    const struct field *fields[] = {&text, &many, &region};
    static const char *const inputs[] = {"甲", "痰;尿", "3101"};
    for (int i = 0; i < 3; i++) {
        struct arena a = {0};
        struct value v = value_int(7);
        struct error err = {0};
        mem_fail_at(1, true);
        int rc = parse(fields[i], inputs[i], &a, &v, &err);
        mem_fail_at(0, false);
        assert_int_equal(rc, E_MEMORY);
        assert_int_equal(v.i, 7);
        arena_clear(&a);
    }
}

static int leave(void **state) {
    (void)state;
    catalog_free(house());
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_of_the_type_is_refused),
        cmocka_unit_test(sealed_content_is_never_repeated),
        cmocka_unit_test(ranges_and_lengths_hold),
        cmocka_unit_test(days_are_read_as_people_write_them),
        cmocka_unit_test(small_words),
        cmocka_unit_test(several_codes_in_one_cell),
        cmocka_unit_test(written_values_read_back),
        cmocka_unit_test(every_code_is_known_by_its_titles),
        cmocka_unit_test(display_speaks_both_languages),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}

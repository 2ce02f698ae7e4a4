#include "check.h"

#include "base/digest.h"
#include "base/instant.h"
#include "base/near.h"
#include "base/yaml.h"

static void dates_that_do_not_exist_are_refused(void **state) {
    (void)state;
    day d = 0;
    const char *bad[] = {"2022-02-29", "2022-13-01", "2022-00-10", "2022-04-31", "22-01-01", "2022-1-1", "2022-01-01x", "", "1500-01-01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(day_parse(text_of(bad[i]), &d));
    assert_true(day_parse(TEXT("2024-02-29"), &d));
    assert_true(day_parse(TEXT("1970-01-01"), &d));
    assert_int_equal(d, 0);
}

static void every_day_survives_writing_and_reading(void **state) {
    (void)state;
    for (day d = -130000; d < 500000; d += 7) {
        char s[DAY_TEXT];
        day back = 0;
        day_format(d, s);
        assert_true(day_parse(text_of(s), &back));
        assert_int_equal(back, d);
    }
}

static void instants_keep_their_zone(void **state) {
    (void)state;
    instant a = 0, b = 0;
    assert_true(instant_parse(TEXT("2022-05-30T17:00:00+08:00"), 0, &a));
    assert_true(instant_parse(TEXT("2022-05-30 09:00Z"), ZONE_CHINA_S, &b));
    assert_int_equal(a, b);
    assert_true(instant_parse(TEXT("2022-05-30T17:00"), ZONE_CHINA_S, &b));
    assert_int_equal(a, b);
    char s[INSTANT_TEXT];
    instant_format(a, ZONE_CHINA_S, s);
    assert_string_equal(s, "2022-05-30T17:00:00+08:00");
    assert_false(instant_parse(TEXT("2022-05-30T25:00"), 0, &a));
    assert_int_equal(day_of_instant(-1, 0), -1);
}

static void durations(void **state) {
    (void)state;
    int64_t s = 0;
    assert_true(duration_parse(TEXT("2h30m"), &s) && s == 9000);
    assert_true(duration_parse(TEXT("P7DT1H"), &s) && s == 7 * 86400 + 3600);
    assert_true(duration_parse(TEXT("90"), &s) && s == 90);
    assert_false(duration_parse(TEXT("2x"), &s));
    assert_false(duration_parse(TEXT("h"), &s));
    assert_false(duration_parse(TEXT("2h30"), &s));
}

static void same_seed_same_bytes(void **state) {
    (void)state;
    struct rng a, b;
    rng_seed(&a, 7);
    rng_seed(&b, 7);
    for (int i = 0; i < 1000; i++) assert_true(rng_u64(&a) == rng_u64(&b));
    rng_seed(&b, 8);
    assert_true(rng_u64(&a) != rng_u64(&b));
    for (int i = 0; i < 1000; i++) assert_true(rng_below(&a, 7) < 7);
}

static void yaml_names_the_place(void **state) {
    (void)state;
    struct arena a = {0};
    struct yaml *root = NULL;
    struct error err = {0};
    assert_int_equal(yaml_parse(&a, TEXT("a: 1\nb: [x, y]\n"), "f.yaml", &root, &err), 0);
    int64_t v = 0;
    assert_int_equal(yaml_int(root, "a", true, &v, &err), 0);
    assert_int_equal(v, 1);
    assert_int_equal(yaml_int(root, "b", true, &v, &err), E_INVALID);
    assert_string_equal(err.where, "f.yaml:2:4");
    err = (struct error){0};
    assert_int_equal(yaml_parse(&a, TEXT("a: 1\na: 2\n"), "f.yaml", &root, &err), E_SYNTAX);
    err = (struct error){0};
    assert_int_equal(yaml_parse(&a, TEXT("a: &x 1\nb: *x\n"), "f.yaml", &root, &err), E_UNSUPPORTED);
    arena_clear(&a);
}

static void messages_speak_the_asked_language(void **state) {
    (void)state;
    char words[64];
    error_place("body, line 3, column 14", true, words, sizeof words);
    assert_string_equal(words, "正文,第 3 行,第 14 列");
    error_place("row 12, field onset", true, words, sizeof words);
    assert_string_equal(words, "第 12 行,字段 onset");
    error_place("policies/x.yaml:14:7", true, words, sizeof words);
    assert_string_equal(words, "policies/x.yaml:14:7");
    error_place("arrow 3, --column 5, /column 1", true, words, sizeof words);
    assert_string_equal(words, "arrow 3,--column 5,/column 1");
    error_place("row 12, field onset", false, words, sizeof words);
    assert_string_equal(words, "row 12, field onset");
    error_place("row 12, field onset", true, words, 9);
    assert_true(strlen(words) < 9);
    error_words(E_USAGE, "\"x\" is no date / 不是日期", true, words, sizeof words);
    assert_string_equal(words, "\"x\" 不是日期");
    error_words(E_USAGE, "\"x\" is no date / 不是日期", false, words, sizeof words);
    assert_string_equal(words, "\"x\" is no date");
    error_words(E_INVALID, "'a / b': is no code / 没有该代码", true, words, sizeof words);
    assert_string_equal(words, "'a / b': 没有该代码");
    error_words(E_INVALID, "'甲 / 乙': is no code / 没有该代码", false, words, sizeof words);
    assert_string_equal(words, "'甲 / 乙': is no code");
    error_words(E_BUSY, error_text(E_BUSY), true, words, sizeof words);
    assert_string_equal(words, error_text_zh(E_BUSY));
    struct error told = {0};
    error_set(&told, E_INVALID, NULL, "register %s has no field %s", "case", "colour");
    assert_string_equal(told.message, "register case has no field colour / 登记册 case 没有字段 colour");
    told = (struct error){0};
    error_set(&told, E_IO, NULL, "%s", "the file is empty"); /* passed on by a function of its own */
    assert_string_equal(told.message, "the file is empty / 文件为空");
    assert_null(error_zh("nobody says this"));
    error_words(E_DENIED, "because", true, words, sizeof words);
    assert_string_equal(words, "无此权限: because");
    error_words(E_DENIED, "because", true, words, 6); /* never half a character */
    assert_string_equal(words, "无");
}

static struct text nearest(const char *typed, const char *const *known) {
    struct near n = {.typed = text_of(typed)};
    for (; *known; known++) near_try(&n, text_of(*known));
    return n.best;
}

/* What is told as meant is near: a slip in three letters, or a beginning; never a guess out of the blue, and of equals the first. */
static void what_was_meant(void **state) {
    (void)state;
    const char *const fields[] = {"onset", "note", "classification", "contact", "contacts", "a", NULL};
    char long_name[200] = {0};
    assert_int_equal(nearest("colour", fields).n, 0);
    assert_int_equal(nearest("x", fields).n, 0);
    assert_int_equal(nearest("", fields).n, 0);
    assert_int_equal(nearest("on", fields).n, 0);
    memset(long_name, 'n', sizeof long_name - 1);
    assert_int_equal(nearest(long_name, fields).n, 0);
    assert_true(text_is(nearest("onest", fields), "onset"));
    assert_true(text_is(nearest("ONSET_", fields), "onset"));
    assert_true(text_is(nearest("class", fields), "classification"));
    assert_true(text_is(nearest("contcat", fields), "contact"));
    assert_true(text_is(nearest("contactt", fields), "contact"));
    struct near n = {.typed = TEXT("onest"), .best = TEXT("onset")};
    struct error err = {0};
    near_tell(&n, NULL);
    near_tell(&n, &err);
    assert_string_equal(err.message, "");
    error_set(&err, E_UNKNOWN, NULL, "no field / 没有字段");
    near_tell(&n, &err);
    assert_string_equal(err.message, "no field; is onset meant? / 没有字段;是否指 onset?");
    err = (struct error){0};
    memset(long_name, 'n', sizeof long_name - 1);
    error_set(&err, E_UNKNOWN, NULL, "%s%s%.70s", long_name, long_name, long_name);
    for (int i = 0; i < 9; i++) near_tell(&n, &err); /* what has no room stays as it was */
    assert_true(strlen(err.message) < sizeof err.message);
}

static void text_edges(void **state) {
    (void)state;
    assert_true(text_is(text_trim(TEXT("\xE3\x80\x80 a\xC2\xA0")), "a"));
    assert_false(text_utf8_valid(TEXT("\xC0\x80")));
    assert_true(text_utf8_valid(TEXT("警钟\xEF\xBF\xBD")));
    int64_t v = 0;
    assert_true(text_int(TEXT("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_false(text_int(TEXT("9223372036854775808"), &v));
    struct buf b = {.max = 4};
    assert_int_equal(buf_str(&b, "12345"), E_TOO_LARGE);
    assert_int_equal(buf_str(&b, "1"), E_TOO_LARGE);
    buf_clear(&b);
}

/* What is formatted here and what the C library formats are the same text, also when they meet in one format. */
#define same_text(...)                                                                                       \
    do {                                                                                                     \
        char expected_[400];                                                                                 \
        struct buf got_ = {0};                                                                               \
        snprintf(expected_, sizeof expected_, __VA_ARGS__);                                                  \
        assert_int_equal(buf_printf(&got_, __VA_ARGS__), 0);                                                 \
        assert_string_equal(buf_cstr(&got_), expected_);                                                     \
        buf_clear(&got_);                                                                                    \
    } while (0)

static void printed_text_is_what_the_library_prints(void **state) {
    (void)state;
    struct buf small = {.max = 8};
    same_text("plain, 100 %% of it");
    same_text("%d|%d|%lld|%lld|%zu|%zu", 0, -2147483647 - 1, (long long)INT64_MIN, (long long)INT64_MAX, (size_t)0, SIZE_MAX);
    same_text("%s%c%.*s|%.*s|%.*s", "a", 'b', 2, "cde", 9, "fg", -1, "hi");
    same_text("%s, then %05d, %s and %.3f, %s %lld", "ours", 42, "theirs", 1.5, "theirs still", 7LL);
    same_text("%08llx %-5s| %5zu %+d", 255ULL, "x", (size_t)3, 4);
    assert_int_equal(buf_printf(&small, "%s %d", "1234", 56789), E_TOO_LARGE);
    assert_int_equal(small.n, 0);
    buf_clear(&small);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_that_do_not_exist_are_refused), cmocka_unit_test(every_day_survives_writing_and_reading),
        cmocka_unit_test(instants_keep_their_zone),            cmocka_unit_test(durations),
        cmocka_unit_test(same_seed_same_bytes),                cmocka_unit_test(yaml_names_the_place),
        cmocka_unit_test(what_was_meant), cmocka_unit_test(text_edges),
        cmocka_unit_test(printed_text_is_what_the_library_prints),
        cmocka_unit_test(messages_speak_the_asked_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

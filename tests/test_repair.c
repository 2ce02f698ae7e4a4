#include "check.h"

#include <pthread.h>

#include "base/digest.h"
#include "base/instant.h"
#include "base/repair.h"

static void check(const char *in, unsigned flags, const char *want, unsigned bits) {
    struct arena a = {0};
    struct text t;
    unsigned done = 0;
    assert_int_equal(repair_cell(text_of(in), flags, &a, &t, &done), 0);
    if (!text_is(t, want) || done != bits)
        fail_msg("\"%s\": got \"%.*s\" %x, want \"%s\" %x", in, (int)t.n, t.s, done, want, bits);
    /* the law: what was repaired needs no repair */
    struct text again;
    unsigned more = 0;
    assert_int_equal(repair_cell(t, flags, &a, &again, &more), 0);
    assert_true(text_eq(t, again));
    assert_int_equal(more & 0xFFFF, 0);
    arena_clear(&a);
}

static void what_is_right_stays(void **state) {
    (void)state;
    static const char *const right[] = {
        "",
        "a",
        "13800138000",
        "110101199003070011",
        "张三",
        "重庆市渝北区(龙溪街道)",
        "José Müller",
        "维生素(e)",
        "血型(AB)",
        "测(nucleate)",
        "赵璐佳",
        "姝",
        "瑾瑜",
        "昊天",
        "璐璐",
        "涓",
        "联通",
        "是否发热?",
        "你好?谢谢",
        "O'Brien",
        "ö",
        "éà",
        "ཨོཾ",
        "👨‍👩‍👧",
        "ئۇيغۇر",
        "1.5E3",
        "12345678901234567",
        "北京(beijing)",
        "José (né)",
        "20220530",
        "3.7",
        "测试？",
        "€100",
        "å",
        "naïve café",
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        check(right[i], REPAIR_DEFAULT & ~REPAIR_PUNCTUATION, right[i], 0);
    check("（张三）", REPAIR_PROSE, "（张三）", 0);
    check("當前", REPAIR_DEFAULT, "當前", 0);
}

static void what_was_lost_is_told_and_left(void **state) {
    (void)state;
    check("张\xEF\xBF\xBD", REPAIR_DEFAULT, "张\xEF\xBF\xBD", DAMAGE_TEXT);
    check("张\xE5", REPAIR_DEFAULT, "张\xE5", DAMAGE_TEXT);
    check("鏈?zhǔn)称返目刂?", REPAIR_DEFAULT, "鏈?zhǔn)称返目刂?", DAMAGE_TEXT);
    check("称返目刂?", REPAIR_DEFAULT, "称返目刂?", DAMAGE_TEXT);
    check("涓\xEE\x85\x9F枃瀛?", REPAIR_DEFAULT, "涓\xEE\x85\x9F枃瀛?", DAMAGE_TEXT);
    check("姓锟斤拷名", REPAIR_DEFAULT, "姓锟斤拷名", DAMAGE_TEXT);
    check("ä¸æ–‡", REPAIR_DEFAULT, "ä¸æ–‡", DAMAGE_TEXT);
    check("#REF!", REPAIR_DEFAULT, "#REF!", DAMAGE_FORMULA);
    check("########", REPAIR_PROSE, "########", DAMAGE_FORMULA);
    check("#3", REPAIR_DEFAULT, "#3", 0);
    check("#REF! 3", REPAIR_DEFAULT, "#REF! 3", 0);
    check("4.40105E+17", REPAIR_DEFAULT, "4.40105E+17", DAMAGE_ROUNDED);
    check("1.38E+10", REPAIR_DEFAULT, "1.38E+10", DAMAGE_ROUNDED);
    check("110101199003077000", REPAIR_DEFAULT, "110101199003077000", DAMAGE_ROUNDED);
    check("6222021234567890000", REPAIR_DEFAULT, "6222021234567890000", DAMAGE_ROUNDED_MAYBE);
    check("6222021234567890000", 0, "6222021234567890000", 0);
}

static void what_has_one_inverse_is_repaired(void **state) {
    (void)state;
    check("１３８００１３８０００", REPAIR_DEFAULT, "13800138000", REPAIR_WIDTH);
    check("ＡＢ－１２（ｘ）", REPAIR_DEFAULT, "AB-12(x)", REPAIR_WIDTH | REPAIR_PUNCTUATION);
    check("发热，３８．５", REPAIR_PROSE, "发热，38．5", REPAIR_WIDTH);
    check("张　三", REPAIR_DEFAULT, "张 三", REPAIR_PUNCTUATION);
    check("\xEF\xBB\xBF张\xE2\x80\x8B三\xC2\xAD", REPAIR_DEFAULT, "张三", REPAIR_INVISIBLE);
    check("Li\xC2\xA0Ming\x01", REPAIR_DEFAULT, "Li Ming", REPAIR_INVISIBLE);
    check("當(dāng)前", REPAIR_DEFAULT, "當前", REPAIR_GLOSS);
    check("當（dāng）前，檢(jiǎn)測(cè)結(jié)果", REPAIR_DEFAULT, "當前,檢測結果",
          REPAIR_GLOSS | REPAIR_PUNCTUATION);
    check("傳(chuan)染病", REPAIR_DEFAULT, "傳染病", REPAIR_GLOSS);
    check("當(dāng)前", REPAIR_DEFAULT | REPAIR_SIMPLIFIED, "当前", REPAIR_GLOSS | REPAIR_SIMPLIFIED);
    check("當(dāng)前", REPAIR_SIMPLIFIED, "当(dāng)前", REPAIR_SIMPLIFIED);
    check("涓\xEE\x85\x9F枃", REPAIR_DEFAULT, "中文", REPAIR_MOJIBAKE);
    check("ä¸­æ–‡", REPAIR_DEFAULT, "中文", REPAIR_MOJIBAKE);
    check("Ã¤Â¸Â­Ã¦â€“â€¡", REPAIR_DEFAULT, "中文", REPAIR_MOJIBAKE);
    check("JosÃ© MÃ¼ller", REPAIR_DEFAULT, "José Müller", REPAIR_MOJIBAKE);
    check("ÖÐÎÄ", REPAIR_DEFAULT, "中文", REPAIR_MOJIBAKE);
    check("ÕÅÈý 138", REPAIR_DEFAULT, "张三 138", REPAIR_MOJIBAKE);
    check("１１０１０１１９９００３０７７０００", REPAIR_DEFAULT, "110101199003077000",
          REPAIR_WIDTH | DAMAGE_ROUNDED);
}

/* Any ordinary text through the wrong table and back, when no byte was lost on the way. */
static void mojibake_has_an_inverse(void **state) {
    (void)state;
    static const char *const words[] = {"重庆市渝北区", "张伟",     "发热咳嗽", "首都医科大学",
                                        "密切接触者",   "集中隔离", "核酸检测", "陈建国"};
    static const uint16_t windows[32] = {0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
                                         0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
                                         0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                         0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        char bad[200];
        size_t n = 0;
        for (const unsigned char *p = (const unsigned char *)words[w]; *p; p++)
            n += text_encode(*p >= 0x80 && *p < 0xA0 ? windows[*p - 0x80] : *p, bad + n);
        bad[n] = '\0';
        check(bad, REPAIR_DEFAULT, words[w], REPAIR_MOJIBAKE);
    }
}

static void names_are_not_taken_for_mojibake(void **state) {
    (void)state;
    struct rng r;
    struct arena a = {0};
    rng_seed(&r, 11);
    /* after a surname any character may follow: never touched. With a first character drawn from all 21,000:
     * hardly ever */
    for (int any = 0; any < 2; any++) {
        size_t touched = 0;
        for (int i = 0; i < 300000; i++) {
            static const char surnames[] = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾"
                                           "肖田董潘袁于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范闫佟郗麴";
            char s[32];
            size_t n = 3, at = rng_below(&r, (sizeof surnames - 1) / 3) * 3;
            memcpy(s, surnames + at, 3);
            if (any) n = text_encode((uint32_t)(0x4E00 + rng_below(&r, 0x51A6)), s);
            for (int k = 0; k < 1 + (int)rng_below(&r, 3); k++)
                n += text_encode((uint32_t)(0x4E00 + rng_below(&r, 0x51A6)), s + n);
            struct text t;
            unsigned done;
            assert_int_equal(repair_cell((struct text){s, n}, REPAIR_DEFAULT, &a, &t, &done), 0);
            touched += done != 0;
            arena_reset(&a);
        }
        if (touched > (any ? 100 : 0)) fail_msg("%zu of 300000 names were touched", touched);
    }
    arena_clear(&a);
}

static void *in_thread(void *arg) {
    struct arena a = {0};
    for (int i = 0; i < 2000; i++) {
        struct text t;
        unsigned done;
        if (repair_cell(TEXT("當(dāng)前檢測"), REPAIR_DEFAULT | REPAIR_SIMPLIFIED, &a, &t, &done) < 0 ||
            !text_is(t, "当前检测"))
            return "wrong";
        arena_reset(&a);
    }
    arena_clear(&a);
    return NULL;
}

static void threads_share_the_tables(void **state) {
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, in_thread, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *said = NULL;
        pthread_join(threads[i], &said);
        assert_null(said);
    }
}

static void nothing_to_do_costs_nothing(void **state) {
    (void)state;
    struct arena a = {0};
    struct text t, in[] = {TEXT("13800138000"), TEXT("2022-05-30 17:00:00"), TEXT("close"), TEXT("张伟"),
                           TEXT("重庆市渝北区龙溪街道")};
    unsigned done;
    repair_cell(in[3], REPAIR_DEFAULT, &a, &t, &done);
    mem_count();
    int64_t start = monotonic_ns();
    for (int i = 0; i < 1000000; i++) repair_cell(in[i % 3], REPAIR_DEFAULT, &a, &t, &done);
    int64_t ascii = monotonic_ns() - start;
    start = monotonic_ns();
    for (int i = 0; i < 1000000; i++) repair_cell(in[3 + i % 2], REPAIR_DEFAULT, &a, &t, &done);
    int64_t han = monotonic_ns() - start;
    assert_int_equal(mem_count(), 0);
    assert_int_equal(a.used, 0);
    print_message("# %.1f ns an ASCII cell, %.1f ns a Han cell\n", (double)ascii / 1e6, (double)han / 1e6);
    arena_clear(&a);
}

static void memory_may_fail(void **state) {
    (void)state;
    static const char *const cells[] = {"當(dāng)前", "涓\xEE\x85\x9F枃", "ÖÐÎÄ"};
    for (size_t i = 0; i < 3; i++) {
        struct arena a = {0};
        struct text t = TEXT("kept");
        unsigned done = 77;
        mem_fail_at(1, true);
        assert_int_equal(repair_cell(text_of(cells[i]), REPAIR_DEFAULT, &a, &t, &done), E_MEMORY);
        mem_fail_at(0, false);
        assert_true(text_is(t, "kept"));
        assert_int_equal(done, 77);
        arena_clear(&a);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_lost_is_told_and_left),   cmocka_unit_test(what_is_right_stays),
        cmocka_unit_test(what_has_one_inverse_is_repaired), cmocka_unit_test(mojibake_has_an_inverse),
        cmocka_unit_test(names_are_not_taken_for_mojibake), cmocka_unit_test(threads_share_the_tables),
        cmocka_unit_test(nothing_to_do_costs_nothing),      cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "base/digest.h"
#include "ledger/region.h"

static void what_is_no_region_is_refused(void **state) {
    (void)state;
    const char *bad[] = {"",
                         "  ",
                         "3",
                         "310",
                         "31011",
                         "3101150",
                         "31011500",
                         "3101150010",
                         "31011500100",
                         "000000",
                         "010000",
                         "31A1",
                         "上海",
                         "KR1A",
                         "K1",
                         "31-01",
                         "3101'--",
                         "TW 1",
                         "A",
                         "31010100100000000000000",
                         "ABCDEFGHIJKLMNOPQ"};
    char out[REGION_MAX + 1] = "kept";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (region_canonical(text_of(bad[i]), out)) fail_msg("taken for a region: %s", bad[i]);
        assert_string_equal(out, "kept");
    }
}

static void trailing_empty_levels_are_cut(void **state) {
    (void)state;
    const char *pairs[][2] = {{"310000", "31"},
                              {"31", "31"},
                              {" 310115 ", "310115"},
                              {"310100", "3101"},
                              {"310115000000", "310115"},
                              {"310115001", "310115001"},
                              {"310115001003", "310115001003"},
                              {"310115001000", "310115001"},
                              {"441900003000", "441900003"},
                              {"441900", "4419"},
                              {"441900000000", "4419"},
                              {"429004", "429004"},
                              {"tw", "TW"},
                              {"kr-11", "KR11"},
                              {"SG", "SG"},
                              {"TW-TPE", "TWTPE"},
                              {"500000", "50"},
                              {"101000", "1010"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char out[REGION_MAX + 1];
        if (!region_canonical(text_of(pairs[i][0]), out)) fail_msg("refused: %s", pairs[i][0]);
        assert_string_equal(out, pairs[i][1]);
        char shown[REGION_MAX + 1], again[REGION_MAX + 1];
        region_display(text_of(out), shown);
        assert_true(region_canonical(text_of(shown), again));
        assert_string_equal(out, again);
    }
    char shown[REGION_MAX + 1];
    region_display(TEXT("31"), shown);
    assert_string_equal(shown, "310000");
    region_display(TEXT("310115001"), shown);
    assert_string_equal(shown, "310115001");
    region_display(TEXT(""), shown);
    assert_string_equal(shown, "");
}

static void parents_lead_to_the_root(void **state) {
    (void)state;
    const char *chains[][6] = {{"310115001003", "310115001", "310115", "3101", "31", ""},
                               {"441900003002", "441900003", "4419", "44", "", NULL},
                               {"KR11680", "KR11", "KR", "", NULL, NULL},
                               {"TWTPE", "TW", "", NULL, NULL, NULL}};
    for (size_t i = 0; i < 4; i++) {
        struct text r = text_of(chains[i][0]);
        for (int k = 1; k < 6 && chains[i][k]; k++) {
            struct text up = region_parent(r);
            assert_true(text_is(up, chains[i][k]));
            assert_true(region_within(r, up));
            assert_true(region_level(up) < region_level(r));
            r = up;
        }
    }
    assert_int_equal(region_level(TEXT("")), 0);
    assert_int_equal(region_level(TEXT("31")), 1);
    assert_int_equal(region_level(TEXT("3101")), 2);
    assert_int_equal(region_level(TEXT("310115")), 3);
    assert_int_equal(region_level(TEXT("310115001")), 4);
    assert_int_equal(region_level(TEXT("310115001003")), 5);
    assert_int_equal(region_level(TEXT("SG")), 1);
    assert_int_equal(region_parent(TEXT("")).n, 0);
}

static size_t random_region(struct rng *r, char out[REGION_MAX + 1]) {
    static const int lengths[] = {2, 4, 6, 9, 12};
    for (;;) {
        char s[REGION_MAX + 1] = "";
        if (rng_below(r, 4)) {
            int n = lengths[rng_below(r, 5)];
            for (int i = 0; i < n; i++) s[i] = "0199"[rng_below(r, 4)];
        } else {
            int n = 2 + (int)rng_below(r, 6);
            for (int i = 0; i < n; i++) s[i] = i < 2 ? "AZ"[rng_below(r, 2)] : "09"[rng_below(r, 2)];
        }
        if (region_canonical(text_of(s), out)) return strlen(out);
    }
}

static void a_range_is_the_subtree(void **state) {
    (void)state;
    char end[REGION_MAX + 2];
    assert_false(region_end(TEXT(""), end));
    assert_true(region_end(TEXT("31"), end));
    assert_string_equal(end, "32");
    struct rng r;
    rng_seed(&r, 12);
    for (int i = 0; i < 200000; i++) {
        char a[REGION_MAX + 1], b[REGION_MAX + 1];
        struct text subtree = {a, random_region(&r, a)};
        struct text region = {b, random_region(&r, b)};
        assert_true(region_end(subtree, end));
        bool in_range = strcmp(b, a) >= 0 && strcmp(b, end) < 0;
        assert_int_equal(in_range, region_within(region, subtree));
        for (struct text up = region_parent(region);; up = region_parent(up)) {
            assert_true(region_within(region, up));
            if (up.n == 0) break;
            char again[REGION_MAX + 1];
            assert_true(region_canonical(up, again));
            assert_int_equal(strlen(again), up.n);
        }
    }
}

/* Every code of the national lists comes through unchanged in meaning; real data, skipped when it is not
 * there. */
static void the_national_list_is_read(void **state) {
    (void)state;
    const char *home = getenv("TOCSIN_HOME");
    const char *shared = getenv("TOCSIN_SHARED");
    char path[512];
    if (shared)
        snprintf(path, sizeof path, "%s/data/admin-divisions/modood_streets.csv", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/data/admin-divisions/modood_streets.csv",
                 home ? home : ".");
    FILE *f = fopen(path, "r");
    if (!f) {
        print_message("SKIPPED: %s is absent\n", path);
        skip();
    }
    char line[512];
    int n = 0;
    while (fgets(line, sizeof line, f)) {
        char *comma = strchr(line, ',');
        if (!comma || line[0] < '0' || line[0] > '9') continue;
        struct text code = {line, (size_t)(comma - line)};
        char out[REGION_MAX + 1];
        if (!region_canonical(code, out)) fail_msg("street refused: %.*s", (int)code.n, code.s);
        /* 350527000 stands for a county that lists no streets */
        assert_int_equal(region_level(text_of(out)), strncmp(line + 6, "000", 3) == 0 ? 3 : 4);
        n++;
    }
    fclose(f);
    assert_true(n > 40000);
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_region_is_refused), cmocka_unit_test(trailing_empty_levels_are_cut),
        cmocka_unit_test(parents_lead_to_the_root),     cmocka_unit_test(a_range_is_the_subtree),
        cmocka_unit_test(the_national_list_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

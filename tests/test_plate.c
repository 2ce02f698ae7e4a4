/* What an instrument writes about a plate: wrong rows are refused by line and column, right ones become wells; calls and controls follow the plan's numbers. */
#include "check.h"

#include "base/digest.h"
#include "desks/testing/plate.h"

static const struct plate_rules usual = {.positive_most = 4000, .control_most = 3500, .targets_needed = 2};

static struct plate plate;

/* Lines with '|' between cells. */
static int read_text(const char *text, const struct plate_options *o, struct error *err) {
    plate_clear(&plate);
    int64_t line = 0;
    int rc = plate_begin(&plate, o, err);
    for (const char *at = text; rc == 0 && *at;) {
        struct text cells[PLATE_COLUMNS_MAX];
        size_t n = 0, end = strcspn(at, "\n");
        line++;
        for (size_t from = 0; from <= end && n < PLATE_COLUMNS_MAX;) {
            size_t to = from;
            while (to < end && at[to] != '|') to++;
            cells[n++] = (struct text){at + from, to - from};
            from = to + 1;
        }
        if (end) rc = plate_row(&plate, cells, n, line, false, err);
        at += end + (at[end] == '\n');
    }
    return rc < 0 ? rc : plate_end(&plate, err);
}

static void must(const char *text) {
    struct error err = {0};
    assert_ok(read_text(text, &plate_options_usual, &err), err);
}

static const struct plate_well *well(const char *name) {
    for (size_t i = 0; i < plate.n_wells; i++)
        if (!strcmp(plate.wells[i].well, name)) return &plate.wells[i];
    fail_msg("no well %s", name);
    return NULL;
}

static void refused_is(size_t i, int64_t line, const char *where) {
    assert_true(i < plate.n_refused);
    assert_int_equal(plate.refused[i].line, line);
    assert_string_equal(plate.refused[i].why.where, where);
    assert_non_null(strstr(plate.refused[i].why.message, " / "));
}

static void tables_that_are_none(void **state) {
    struct error err = {0};
    assert_int_equal(read_text("", &plate_options_usual, &err), E_SYNTAX);
    err = (struct error){0};
    assert_int_equal(read_text("Sample|Result\nT1|negative\n", &plate_options_usual, &err), E_SYNTAX);
    assert_string_equal(err.where, "header");
    err = (struct error){0};
    assert_int_equal(read_text("Well|Target|CT\nA1|N|20\n", &plate_options_usual, &err), E_SYNTAX); /* whose? */
    struct plate_options o = plate_options_usual;
    assert_int_equal(plate_dyes(TEXT("FAM=ORF1ab,VIC"), &o, NULL), E_USAGE);
    assert_int_equal(plate_dyes(TEXT("GREEN=N"), &o, NULL), E_USAGE);
    (void)state;
}

static void rows_that_are_wrong(void **state) {
    must("Well Position|Sample Name|Target Name|CT\n"
         "A1|T1|ORF1ab|abc\n"    /* no Ct */
         "A1|T1|N|20\n"
         "A2|T2|N|\n"            /* nothing at all */
         "A2|T2|ORF1ab|20\n"
         "A3|T3|N|20\n"
         "A3|T3|ORF1ab|20\n"
         "A3|T4|N|21\n"          /* another tube in the same well */
         "A4|T5|N|20\n"
         "A4|T5|N|21\n"          /* another Ct */
         "A4|T5|ORF1ab|21\n"
         "Q1|T6|N|20\n"          /* no such well */
         "A5||N|20\n"            /* amplified without a tube */
         "A6||N|Undetermined\n"  /* empty: nothing to say */
         "A7|T7|N|20\n"          /* lacks ORF1ab */
         "A8|T8|E|20\n"          /* not ours */
         "A9|T9|N|61\n"
         "A9|T9|ORF1ab|-3\n");
    size_t i = 0;
    refused_is(i++, 2, "ct ORF1ab");
    refused_is(i++, 4, "ct N");
    refused_is(i++, 8, "tube");
    refused_is(i++, 10, "ct N");
    refused_is(i++, 12, "well");
    refused_is(i++, 13, "tube");
    refused_is(i++, 17, "ct N");
    refused_is(i++, 18, "ct ORF1ab");
    refused_is(i++, 15, "target");
    assert_int_equal(plate.n_refused, i);
    assert_int_equal(plate.other_targets, 1);
    for (size_t k = 0; k < plate.n_wells; k++) assert_true(plate.wells[k].refused); /* a well with a wrong row says nothing */
    (void)state;
}

static void more_wells_than_a_plate_has(void **state) {
    struct buf b = {0};
    struct error err = {0};
    buf_str(&b, "Tube|N|ORF1ab\n");
    for (int i = 0; i <= PLATE_WELLS_MAX; i++) buf_printf(&b, "T%d|20|20\n", i);
    assert_int_equal(read_text(buf_cstr(&b), &plate_options_usual, &err), E_TOO_LARGE);
    buf_clear(&b);
    (void)state;
}

static void ct_values(void **state) {
    static const struct { const char *text; int32_t ct; } good[] = {{"23.45", 2345}, {"23,45", 2345}, {"23", 2300}, {"23.4", 2340}, {"23.456789", 2345}, {"60", 6000}, {"0", CT_NEVER},
        {"Undetermined", CT_NEVER}, {"NoCt", CT_NEVER}, {"--", CT_NEVER}, {"NaN", CT_NEVER}, {"未检出", CT_NEVER}, {">40", CT_NEVER}, {" 31.2 ", 3120}, {"N/A", CT_NEVER}};
    static const char *const bad[] = {"", "60.01", "2e1", "1.2.3", ".", "5.", ".5", "+3", "-3", "12x", "1234567890123", "阳性"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t ct = 77;
        assert_false(plate_ct(text_of(bad[i]), false, &ct));
        assert_int_equal(ct, 77);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int32_t ct = 77;
        assert_true(plate_ct(text_of(good[i].text), false, &ct));
        assert_int_equal(ct, good[i].ct);
    }
    int32_t ct = 77;
    assert_true(plate_ct(TEXT(""), true, &ct));
    assert_int_equal(ct, CT_NEVER);
    (void)state;
}

static void wells_have_one_name(void **state) {
    char name[4];
    assert_false(plate_well_name(TEXT("Q1"), name));
    assert_false(plate_well_name(TEXT("A0"), name));
    assert_false(plate_well_name(TEXT("A25"), name));
    assert_false(plate_well_name(TEXT("A+1"), name));
    assert_true(plate_well_name(TEXT("a1"), name));
    assert_string_equal(name, "A01");
    assert_true(plate_well_name(TEXT("P24"), name));
    assert_string_equal(name, "P24");
    (void)state;
}

/* QuantStudio: a preamble, a number of the well beside its position, a row a target, a footer. */
static void a_row_a_target(void **state) {
    must("* Block Type = 96-Well\n* Chemistry = TAQMAN\n"
         "Well|Well Position|Sample Name|Target Name|Task|Reporter|C\xd1\x82\n"
         "1|A1|T1|ORF1ab|UNKNOWN|FAM|22.5\n1|A1|T1|N|UNKNOWN|VIC|21.25\n1|A1|T1|RNase P|UNKNOWN|CY5|25\n"
         "2|A2|T2|ORF1ab|UNKNOWN|FAM|Undetermined\n2|A2|T2|N|UNKNOWN|VIC|Undetermined\n2|A2|T2|RNaseP|UNKNOWN|CY5|26\n"
         "95|H11|NTC|ORF1ab|NTC|FAM|Undetermined\n95|H11|NTC|N|NTC|VIC|Undetermined\n95|H11|NTC|RNaseP|NTC|CY5|Undetermined\n"
         "96|H12|PC|ORF1ab|STANDARD|FAM|20\n"
         "94|H10|PC|ORF1ab|POSITIVE|FAM|28\n94|H10|PC|N|POSITIVE|VIC|27\n94|H10|PC|RNaseP|POSITIVE|CY5|27\n"
         "\nAnalysis Type = Singleplex\n");
    assert_int_equal(plate.n_refused, 0);
    assert_int_equal(plate.n_wells, 4);
    assert_int_equal(well("A01")->ct[PLATE_ORF], 2250);
    assert_int_equal(well("A01")->ct[PLATE_N], 2125);
    assert_int_equal(well("A02")->ct[PLATE_N], CT_NEVER);
    assert_int_equal(well("H11")->role, PLATE_NEGATIVE);
    assert_int_equal(well("H11")->tube.n, 0);
    assert_int_equal(plate_controls(&plate, &usual, NULL), 0);
    assert_int_equal(plate_judge(&usual, well("A01")->ct), CALL_POSITIVE);
    assert_int_equal(plate_judge(&usual, well("A02")->ct), CALL_NEGATIVE);
    (void)state;
}

static void a_column_a_target(void **state) {
    must("孔位|样本编号|样本类型|ORF1ab Ct|N基因Ct值|内标\nA1|8001|样本|--|--|24.1\nB1|8002|样本|36.2|--|24.1\nC1|8003|样本|--|--|--\nD1||阴性对照|--|--|--\nE1||阳性对照|25|26|27\nF1||||| \n");
    assert_int_equal(plate.n_refused, 0);
    assert_int_equal(plate.n_wells, 5);
    assert_int_equal(plate_controls(&plate, &usual, NULL), 0);
    assert_int_equal(plate_judge(&usual, well("A01")->ct), CALL_NEGATIVE);
    assert_int_equal(plate_judge(&usual, well("B01")->ct), CALL_INCONCLUSIVE);
    assert_int_equal(plate_judge(&usual, well("C01")->ct), CALL_INVALID); /* nothing amplified, not even the control inside */
    (void)state;
}

/* The number of a well counts along the rows; a dye is a target only when the laboratory says which. */
static void numbers_and_dyes(void **state) {
    struct plate_options o = plate_options_usual;
    struct error err = {0};
    assert_ok(plate_dyes(TEXT("FAM=ORF1ab,HEX=N,Cy5=IC"), &o, &err), err);
    assert_ok(read_text("Well|Sample|Channel|Cq\n13|T1|FAM|22\n13|T1|VIC|23\n13|T1|ROX|9\n13|T1|CY5|24\n", &o, &err), err);
    assert_int_equal(well("B01")->ct[PLATE_ORF], 2200);
    assert_int_equal(well("B01")->ct[PLATE_IC], 2400);
    assert_int_equal(plate.other_targets, 1);
    (void)state;
}

/* A table without wells: the second control of a kind is another well, a second row of a tube must say the same. */
static void a_table_without_wells(void **state) {
    must("管号|ORF1ab|N\nNC|--|--\nPC|25|25\nPC|26|26\nT1|--|--\nT1|--|--\nT2|20|20\nT2|21|20\n");
    assert_int_equal(plate.n_wells, 5);
    assert_int_equal(plate.n_refused, 1);
    refused_is(0, 8, "ct ORF1ab");
    assert_int_equal(plate_controls(&plate, &usual, NULL), 0);
    (void)state;
}

static void controls_that_fail(void **state) {
    static const struct { const char *rows, *where; } bad[] = {
        {"A1|PC|25|25\nA3|T1|20|20\n", "control"},                    /* no negative */
        {"A1|NC|--|--\nA3|T1|20|20\n", "control"},                    /* no positive */
        {"A1|NC|--|38\nA2|PC|25|25\n", "A01"},                        /* contaminated */
        {"A1|NC|--|--\nA2|PC|25|--\n", "A02"},                        /* one target missing */
        {"A1|NC|--|--\nA2|PC|25|36\n", "A02"},                        /* too late */
        {"A1|NC|--|--\nA2|PC|25|25\nA4|NTC|31|--\n", "A04"},          /* one bad among good ones */
        {"A1|NC|--|--\nA2|PC|25|25\nA4|PC|x|25\n", "A04"},            /* cannot be read */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[400];
        struct error err = {0};
        snprintf(text, sizeof text, "Well|Sample|ORF1ab|N\n%s", bad[i].rows);
        must(text);
        assert_int_equal(plate_controls(&plate, &usual, &err), E_REFUSED);
        assert_string_equal(err.where, bad[i].where);
    }
    (void)state;
}

/* A smaller Ct never makes a call less positive, whatever the numbers of the plan. */
static void calls_are_monotone(void **state) {
    static const int order[] = {[CALL_INVALID] = 0, [CALL_NEGATIVE] = 0, [CALL_INCONCLUSIVE] = 1, [CALL_POSITIVE] = 2};
    struct rng r = {0};
    rng_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        struct plate_rules rules = {.positive_most = (int32_t)rng_below(&r, CT_MAX), .control_most = 3500, .targets_needed = 1 + (int)rng_below(&r, 2)};
        int32_t ct[PLATE_TARGETS];
        for (int t = 0; t < PLATE_TARGETS; t++) ct[t] = rng_below(&r, 3) ? (int32_t)rng_below(&r, CT_MAX + 1) : CT_NEVER;
        enum plate_call before = plate_judge(&rules, ct);
        int t = (int)rng_below(&r, 2);
        ct[t] = ct[t] < 0 ? CT_MAX : (int32_t)rng_below(&r, (uint64_t)ct[t] + 1);
        assert_true(order[plate_judge(&rules, ct)] >= order[before]);
    }
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_are_none),  cmocka_unit_test(rows_that_are_wrong), cmocka_unit_test(more_wells_than_a_plate_has), cmocka_unit_test(ct_values),
        cmocka_unit_test(wells_have_one_name),   cmocka_unit_test(a_row_a_target),      cmocka_unit_test(a_column_a_target),           cmocka_unit_test(numbers_and_dyes),
        cmocka_unit_test(a_table_without_wells), cmocka_unit_test(controls_that_fail),  cmocka_unit_test(calls_are_monotone),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    plate_clear(&plate);
    return failed;
}

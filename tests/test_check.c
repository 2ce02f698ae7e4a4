#include "check.h"

#include "ledger/register.h"

static const char *fault(const char *type, const char *number) {
    const char *why = NULL;
    return document_valid(text_of(type), text_of(number), &why) ? NULL : why;
}

static void wrong_identity_cards_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *number, *says;
    } cases[] = {
        {"11010519491231002x", "check digit"}, {"110105194912310021", "check digit"},
        {"11010519491331002X", "birth date"},  {"110105194902290023", "birth date"},
        {"00010519491231002X", "province"},    {"1101051949123100", "18 characters"},
        {"11010519491231002XX", "18"},         {"", "empty"},
        {"1101051949123100AX", "digits"},      {"3.10115E+17", "spreadsheet"},
        {"3.10115e+17", "spreadsheet"},        {"3E+17", "spreadsheet"},
        {"110105194912310000", "spreadsheet"}, {"110105491331002", "birth date"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = fault("id-card", cases[i].number);
        if (!why || !strstr(why, cases[i].says))
            fail_msg("%s: wanted '%s', got '%s'", cases[i].number, cases[i].says, why ? why : "fine");
    }
}

static void the_check_digit_of_gb_11643(void **state) {
    (void)state;
    assert_true(id_card_valid(TEXT("11010519491231002X")));
    assert_null(fault("id-card", "11010519491231002X"));
    assert_null(fault("hmt-residence", "11010519491231002X"));
    assert_null(fault("id-card", "110105491231002")); /* 15 digits, before 1999 */
    assert_false(id_card_valid(TEXT("110105491231002")));
    day born = 0;
    int sex = 0;
    assert_true(id_card_birth(TEXT("11010519491231002X"), &born, &sex));
    assert_int_equal(born, day_of_civil((struct civil){1949, 12, 31}));
    assert_int_equal(sex, 2);
    born = 7;
    assert_false(id_card_birth(TEXT("110105194912310021"), &born, &sex));
    assert_int_equal(born, 7);
}

/* Law: one changed character or two neighbours swapped never pass; ISO 7064 MOD 11-2 catches all of both. */
static void every_single_typing_mistake_is_caught(void **state) {
    (void)state;
    const char right[] = "11010519491231002X";
    for (size_t i = 0; i < 18; i++)
        for (const char *c = "0123456789X"; *c; c++) {
            char wrong[19];
            memcpy(wrong, right, sizeof wrong);
            wrong[i] = *c;
            if (*c != right[i]) assert_false(id_card_valid(text_of(wrong)));
        }
    for (size_t i = 0; i + 1 < 18; i++) {
        char wrong[19];
        memcpy(wrong, right, sizeof wrong);
        wrong[i] = right[i + 1];
        wrong[i + 1] = right[i];
        if (right[i] != right[i + 1]) assert_false(id_card_valid(text_of(wrong)));
    }
}

static void damage_by_a_spreadsheet_is_told_from_a_number(void **state) {
    (void)state;
    static const char *const damaged[] = {"3.10115E+17", "3.1011519800101E+17", "3E+17", "1.1010549E+14",
                                          " 3.10115e+17 "};
    static const char *const fine[] = {
        "11010519491231002X", "310115198001010015", "E12345678", "12E+17", "3.10115", "", "1E2", "3E+"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++)
        assert_true(id_card_damaged(text_of(damaged[i])));
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) assert_false(id_card_damaged(text_of(fine[i])));
    /* ...000 is damage unless the check digit fits: count both kinds over a thousand people */
    int flagged = 0, honest = 0;
    for (int region = 100; region < 200; region++)
        for (int d = 10; d < 20; d++) {
            char t[40];
            snprintf(t, sizeof t, "310%03d199001%02d0000", region, d);
            assert_int_equal(strlen(t), 18);
            if (id_card_damaged(text_of(t)))
                flagged++;
            else {
                assert_true(id_card_valid(text_of(t)));
                honest++;
            }
        }
    assert_true(flagged > 850 && honest > 50);
}

static void other_documents(void **state) {
    (void)state;
    static const struct {
        const char *type, *number;
        bool good;
    } cases[] = {
        {"passport", "E12345678", true},
        {"passport", "EA1234567", true},
        {"passport", "E123", false},
        {"passport", "E 123456", false},
        {"hm-permit", "H12345678", true},
        {"hm-permit", "M1234567801", true},
        {"hm-permit", "X12345678", false},
        {"hm-permit", "H1234567", false},
        {"taiwan-permit", "12345678", true},
        {"taiwan-permit", "1234567", false},
        {"other", "anything 1", true},
        {"none", "", true},
        {"none", "12", false},
        {"", "E12345678", true},
        {"foreign-permanent", "USA311234567890", true},
        {"other", "3.1E+17", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if ((fault(cases[i].type, cases[i].number) == NULL) != cases[i].good)
            fail_msg("%s %s", cases[i].type, cases[i].number);
    /* without a type, what looks like an identity card is held to its check digit */
    assert_true(document_valid(TEXT(""), TEXT("11010519491231002X"), NULL));
    assert_false(document_valid(TEXT(""), TEXT("110105194912310021"), NULL));
    assert_true(document_valid(TEXT(""), TEXT("K123456789"), NULL));
    assert_true(document_valid(TEXT("passport"), TEXT("E12345678"), NULL));
    assert_false(document_valid(TEXT("passport"), TEXT("E"), NULL));
}

static void unit_codes_of_gb_32100(void **state) {
    (void)state;
    assert_true(unit_code_valid(TEXT("91350100M000100Y43")));
    static const char *const bad[] = {
        "91350100M000100Y44", "91350100m000100Y43", "91350100I000100Y43", "91350100M000100Y4", "",
        "91350100M000100Y433"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(unit_code_valid(text_of(bad[i])));
}

static void phones_have_one_form(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"13812341234", "13812341234"},
        {"+86 138 1234 1234", "13812341234"},
        {"0086-13812341234", "13812341234"},
        {"8613812341234", "13812341234"},
        {"138-1234-1234", "13812341234"},
        {"021-61234567", "02161234567"},
        {"(0571) 8712 3456", "057187123456"},
        {"+86 21 6123 4567", "02161234567"},
        {"61234567", "61234567"},
        {"4008001234", "4008001234"},
        {"+44 20 7946 0958", "442079460958"},
        {"0044 20 7946 0958", "442079460958"},
    };
    static const char *const bad[] = {
        "", "1381234", "12812341234", "abc", "1381234123x", "00", "+86", "138123412345678901234567", "-"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[24] = "";
        if (!phone_normal(text_of(cases[i][0]), out) || strcmp(out, cases[i][1]) != 0)
            fail_msg("%s gives '%s', not '%s'", cases[i][0], out, cases[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char out[24] = "kept";
        if (phone_normal(text_of(bad[i]), out)) fail_msg("'%s' passed as %s", bad[i], out);
        assert_string_equal(out, "kept");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_identity_cards_are_refused),
        cmocka_unit_test(the_check_digit_of_gb_11643),
        cmocka_unit_test(every_single_typing_mistake_is_caught),
        cmocka_unit_test(damage_by_a_spreadsheet_is_told_from_a_number),
        cmocka_unit_test(other_documents),
        cmocka_unit_test(unit_codes_of_gb_32100),
        cmocka_unit_test(phones_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

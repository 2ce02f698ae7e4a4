#include "ledger/register.h"

#include <string.h>

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool all_digits(struct text t) {
    for (size_t i = 0; i < t.n; i++)
        if (!digit(t.s[i])) return false;
    return t.n > 0;
}

static int number_at(const char *s, int n) {
    int v = 0;
    for (int i = 0; i < n; i++) v = v * 10 + (s[i] - '0');
    return v;
}

/* GB/T 2260 province prefixes; 81 to 83 are residence permits of Hong Kong, Macao and Taiwan residents, 9x
 * foreign permanent residents. */
static bool province_known(int p) {
    return (p >= 11 && p <= 15) || (p >= 21 && p <= 23) || (p >= 31 && p <= 37) || (p >= 41 && p <= 46) ||
           (p >= 50 && p <= 54) || (p >= 61 && p <= 65) || p == 71 || (p >= 81 && p <= 83) ||
           (p >= 90 && p <= 99);
}

/* ISO 7064 MOD 11-2 as GB 11643 uses it. */
static char id_card_digit(const char *s) {
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++) sum += (s[i] - '0') * weight[i];
    return "10X98765432"[sum % 11];
}

static bool birth_of(const char *s, day *ret) {
    struct civil c = {
        .year = number_at(s + 6, 4), .month = number_at(s + 10, 2), .day = number_at(s + 12, 2)};
    if (c.year < 1850 || c.year > 2150 || !civil_valid(c)) return false;
    *ret = day_of_civil(c);
    return true;
}

bool id_card_valid(struct text t) {
    day born;
    return t.n == 18 && all_digits((struct text){t.s, 17}) && province_known(number_at(t.s, 2)) &&
           birth_of(t.s, &born) && t.s[17] == id_card_digit(t.s);
}

bool id_card_birth(struct text t, day *ret_birth, int *ret_sex) {
    day born;
    if (!id_card_valid(t) || !birth_of(t.s, &born)) return false;
    *ret_birth = born;
    *ret_sex = (t.s[16] - '0') % 2 ? 1 : 2;
    return true;
}

bool id_card_damaged(struct text t) {
    t = text_trim(t);
    size_t i = 0, whole = 0;
    while (i < t.n && digit(t.s[i])) i++, whole++;
    if (whole == 1 && i < t.n && t.s[i] == '.')
        for (i++; i < t.n && digit(t.s[i]);) i++;
    /* a float: digits, then E+17 or E+14 (old 15-digit numbers) */
    if (whole == 1 && i + 2 < t.n && (t.s[i] == 'E' || t.s[i] == 'e') && t.s[i + 1] == '+' &&
        all_digits((struct text){t.s + i + 2, t.n - i - 2}))
        return true;
    /* a spreadsheet keeps 15 digits and writes zeros after them; the right number may end so, then its check
     * digit fits */
    return t.n == 18 && all_digits(t) && memcmp(t.s + 15, "000", 3) == 0 && t.s[17] != id_card_digit(t.s);
}

bool unit_code_valid(struct text t) {
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY"; /* without I O S V Z */
    if (t.n != 18) return false;
    int sum = 0, weight = 1, last = -1;
    for (size_t i = 0; i < 18; i++) {
        const char *at = t.s[i] ? strchr(alphabet, t.s[i]) : NULL;
        if (!at) return false;
        last = (int)(at - alphabet);
        if (i < 17) sum += last * weight;
        weight = weight * 3 % 31;
    }
    return last == (31 - sum % 31) % 31;
}

bool phone_normal(struct text t, char out[24]) {
    char d[20];
    size_t n = 0;
    t = text_trim(t);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (digit(c)) {
            if (n == sizeof d) return false;
            d[n++] = c;
        } else if (!(c == ' ' || c == '-' || c == '(' || c == ')' || (c == '+' && n == 0)))
            return false;
    }
    size_t from = 0;
    bool abroad = t.n > 0 && t.s[0] == '+';
    if (n > 4 && memcmp(d, "0086", 4) == 0)
        from = 4;
    else if (n > 2 && memcmp(d, "86", 2) == 0 && (abroad || n == 13))
        from = 2;
    bool home = from > 0 || !abroad;
    size_t k = n - from;
    const char *s = d + from;
    bool mobile = home && k == 11 && s[0] == '1' && s[1] >= '3';
    bool landline = home && (k >= 10 && k <= 12) && s[0] == '0' && s[1] != '0'; /* 0 area(2,3) number(7,8) */
    /* "+86 21 6123 4567": the trunk zero is left out abroad */
    bool landline_abroad = from > 0 && (k >= 9 && k <= 11) && s[0] >= '1' && !mobile;
    bool local = home && from == 0 && (k == 7 || k == 8) && s[0] >= '2';
    bool service = home && from == 0 && k == 10 && (s[0] == '4' || s[0] == '8') && s[1] == '0' && s[2] == '0';
    bool foreign = (abroad && from == 0 && n >= 7 && n <= 15) ||
                   (n > 2 && n >= 9 && n <= 17 && d[0] == '0' && d[1] == '0' && from == 0);
    if (!mobile && !landline && !landline_abroad && !local && !service && !foreign) return false;
    size_t at = 0;
    if (landline_abroad) out[at++] = '0';
    if (foreign && d[0] == '0' && d[1] == '0') from = 2, s = d + 2, k = n - 2; /* 00 is the plus sign */
    memcpy(out + at, s, k);
    out[at + k] = '\0';
    return true;
}

/* ---- documents by type */

static bool letters_and_digits(struct text t, size_t min, size_t max) {
    if (t.n < min || t.n > max) return false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (!digit(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z')) return false;
    }
    return true;
}

/* GB 11643 before 1999: six region digits, YYMMDD, three serial digits; withdrawn in 2013 but still on old
 * lists. */
static bool id_card_old_valid(struct text t) {
    if (t.n != 15 || !all_digits(t) || !province_known(number_at(t.s, 2))) return false;
    return civil_valid((struct civil){
        .year = 1900 + number_at(t.s + 6, 2), .month = number_at(t.s + 8, 2), .day = number_at(t.s + 10, 2)});
}

static const char *id_card_fault(struct text t) {
    day born;
    if (t.n != 18 && t.n != 15) return "an identity card number has 18 characters / 身份证号应为 18 位";
    if (!all_digits((struct text){t.s, t.n == 18 ? 17 : 15}))
        return "an identity card number is digits, with X allowed at the end / 身份证号应为数字,末位可为 X";
    if (!province_known(number_at(t.s, 2)))
        return "the identity card number begins with no known province / 身份证号前两位不是省份代码";
    if (t.n == 15)
        return id_card_old_valid(t)
                   ? NULL
                   : "the birth date in the identity card number does not exist / 身份证号中的出生日期不存在";
    if (!birth_of(t.s, &born))
        return "the birth date in the identity card number does not exist / 身份证号中的出生日期不存在";
    return t.s[17] == id_card_digit(t.s)
               ? NULL
               : "the check digit of the identity card number is wrong / 身份证号校验码错误";
}

/* Said to be nothing in particular, but an identity card by its looks: then its check digit counts. */
static bool id_card_shaped(struct text t) {
    day born;
    return t.n == 18 && all_digits((struct text){t.s, 17}) && province_known(number_at(t.s, 2)) &&
           birth_of(t.s, &born) && (digit(t.s[17]) || t.s[17] == 'X');
}

static const char *document_fault(struct text type, struct text t) {
    static const char *const damaged =
        "damaged by a spreadsheet (a number written as 1.2E+17 or with lost digits); take it from the source "
        "again / 被电子表格损坏 (写成 1.2E+17 或末位丢失), 请从原始来源重取";
    if (id_card_damaged(t)) return damaged;
    if (text_is(type, "none"))
        return t.n ? "a person without a document has no document number / 无证件者不应有证件号码" : NULL;
    if (t.n == 0) return "the document number is empty / 证件号码为空";
    if (!type.n && id_card_shaped(t)) return id_card_fault(t);
    if (text_is(type, "id-card") || text_is(type, "hmt-residence")) return id_card_fault(t);
    if (text_is(type, "hm-permit")) {
        bool ok = (t.n == 9 || t.n == 11) && (t.s[0] == 'H' || t.s[0] == 'M') &&
                  all_digits((struct text){t.s + 1, t.n - 1});
        return ok ? NULL
                  : "a home return permit is H or M and 8 digits / 港澳居民来往内地通行证为 H 或 M 加 8 "
                    "位数字";
    }
    if (text_is(type, "taiwan-permit"))
        return all_digits(t) && (t.n == 8 || t.n == 10)
                   ? NULL
                   : "a Taiwan resident's permit has 8 digits / 台湾居民来往大陆通行证为 8 位数字";
    if (text_is(type, "passport"))
        return letters_and_digits(t, 5, 14)
                   ? NULL
                   : "a passport number is 5 to 14 letters and digits / 护照号为 5 至 14 位字母数字";
    if (text_is(type, "foreign-permanent") && t.n == 18) return id_card_fault(t);
    return NULL;
}

bool document_valid(struct text type, struct text number, const char **why) {
    const char *fault = document_fault(type, number);
    if (fault && why) *why = fault;
    return !fault;
}

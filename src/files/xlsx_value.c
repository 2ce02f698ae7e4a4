#include "files/xlsx_value.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/instant.h"

/* ---- formats */

unsigned char format_of_builtin(unsigned long id) {
    if (id >= 14 && id <= 17) return FORMAT_DATE;
    if (id >= 18 && id <= 21) return FORMAT_TIME;
    if (id == 22) return FORMAT_DATETIME;
    if (id >= 27 && id <= 31) return FORMAT_DATE;
    if (id >= 32 && id <= 35) return FORMAT_TIME;
    if (id == 36) return FORMAT_DATE;
    if (id == 45 || id == 47) return FORMAT_TIME;
    if (id == 46) return FORMAT_ELAPSED;
    if (id >= 50 && id <= 58) return FORMAT_DATE;
    return FORMAT_PLAIN;
}

/* [h], [mm], [ss] count hours, minutes, seconds past their usual end. */
static bool elapsed(const char *s, size_t n) {
    if (n == 0) return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("hHmMsS", s[i]) || s[i] == '\0') return false;
    return true;
}

unsigned char format_of_code(struct text code) {
    bool date = false, clock = false, month = false, counted = false;
    size_t zeros = 0, others = 0;
    for (size_t i = 0; i < code.n; i++) {
        char ch = code.s[i];
        if (ch == ';') break;
        if (ch == '"') {
            const char *close = memchr(code.s + i + 1, '"', code.n - i - 1);
            i = close ? (size_t)(close - code.s) : code.n;
        } else if (ch == '\\' || ch == '_' || ch == '*') {
            i++;
        } else if (ch == '[') {
            const char *close = memchr(code.s + i, ']', code.n - i);
            size_t end = close ? (size_t)(close - code.s) : code.n;
            counted = counted || elapsed(code.s + i + 1, end - i - 1);
            i = end;
        } else if (code.n - i >= 7 && strncasecmp(code.s + i, "General", 7) == 0) {
            i += 6;
            others++;
        } else if ((ch == 'E' || ch == 'e') && i + 1 < code.n &&
                   (code.s[i + 1] == '+' || code.s[i + 1] == '-')) {
            i++;
            others++;
        } else if (strchr("yYdDeEgGbB", ch) && ch) {
            date = true;
        } else if (strchr("hHsS", ch) && ch) {
            clock = true;
        } else if (ch == 'm' || ch == 'M') {
            month = true;
        } else if (ch == 'a' || ch == 'A') {
            /* AM/PM and A/P are of the clock, aaaa is a day of the week */
            bool noon = i + 1 < code.n && strchr("/mM", code.s[i + 1]);
            clock = clock || noon;
            date = date || !noon;
            if (noon) i += i + 4 < code.n && (code.s[i + 1] == 'm' || code.s[i + 1] == 'M') ? 4 : 2;
        } else if (ch == '0') {
            zeros++;
        } else {
            others++;
        }
    }
    if (counted) return FORMAT_ELAPSED;
    if (date || (month && !clock)) return clock ? FORMAT_DATETIME : FORMAT_DATE;
    if (clock) return FORMAT_TIME;
    if (zeros > 1 && zeros < 40 && !others) return (unsigned char)(FORMAT_PADDED + zeros);
    return FORMAT_PLAIN;
}

/* ---- numbers */

enum { KEPT = 15 }; /* significant digits: what a spreadsheet keeps */

static locale_t c_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The whole of raw as a number, in the C locale whatever the program's is. */
static bool number_of(struct text raw, double *ret) {
    char s[64], *end;
    if (raw.n == 0 || raw.n >= sizeof s) return false;
    memcpy(s, raw.s, raw.n);
    s[raw.n] = '\0';
    pthread_once(&once, make_locale);
    double v = c_locale ? strtod_l(s, &end, c_locale) : strtod(s, &end);
    if (*end || !isfinite(v)) return false;
    *ret = v;
    return true;
}

/* So many significant digits, at their places: "1.38001380005e+10" -> "13800138000". */
static size_t positional(double v, int significant, char out[XLSX_VALUE_TEXT]) {
    char s[40], digits[20];
    snprintf(s, sizeof s, "%.*e", significant - 1, v);
    size_t n = 0, at = 0;
    const char *p = s + (s[0] == '-');
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    int exponent = *p == 'e' ? atoi(p + 1) : 0;
    while (n > 1 && digits[n - 1] == '0') n--;
    if (exponent > 40 || exponent < -20) return 0;
    if (s[0] == '-' && digits[0] != '0') out[at++] = '-';
    if (exponent < 0) {
        out[at++] = '0';
        out[at++] = '.';
        for (int i = -1; i > exponent; i--) out[at++] = '0';
    }
    for (size_t i = 0; i < n; i++) {
        if (exponent >= 0 && (int)i == exponent + 1) out[at++] = '.';
        out[at++] = digits[i];
    }
    for (int i = (int)n; i <= exponent; i++) out[at++] = '0';
    out[at] = '\0';
    return at;
}

/* An integer of more digits than a spreadsheet keeps, written as its binary number prints: what stood behind
 * is lost already. Digits that no binary number prints came from a program that kept them. */
static bool was_binary(struct text raw, double v) {
    char s[XLSX_VALUE_TEXT];
    for (int significant = KEPT + 1; significant <= KEPT + 2; significant++)
        if (text_eq(raw, (struct text){s, positional(v, significant, s)})) return true;
    int n = snprintf(s, sizeof s, "%.0f", v);
    return n > 0 && text_eq(raw, (struct text){s, (size_t)n});
}

/* Already as people write it: digits, or at most fifteen with a decimal point and no zeros behind. */
static bool plain(struct text t) {
    size_t digits = 0, points = 0, i = t.n && t.s[0] == '-' ? 1 : 0;
    if (t.n - i == 0 || t.n >= XLSX_VALUE_TEXT) return false;
    for (size_t k = i; k < t.n; k++) {
        digits += t.s[k] >= '0' && t.s[k] <= '9';
        points += t.s[k] == '.';
    }
    if (digits + points + i != t.n || digits == 0) return false;
    return points == 0 ||
           (points == 1 && digits <= 15 && t.s[t.n - 1] != '0' && t.s[t.n - 1] != '.' && t.s[i] != '.');
}

static size_t clock_text(long long s, char *out, size_t cap) {
    return (size_t)snprintf(out, cap, "%02lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

static size_t date_text(double v, unsigned char format, bool from_1904, char out[XLSX_VALUE_TEXT]) {
    if (v < 0 || v >= 2958466) return 0;
    long long s = llround(v * DAY_S);
    if (format == FORMAT_ELAPSED) return clock_text(s, out, XLSX_VALUE_TEXT);
    if (format == FORMAT_TIME && s < DAY_S) return clock_text(s, out, XLSX_VALUE_TEXT);
    long long serial = format == FORMAT_DATE ? (long long)floor(v + 1e-9) : s / DAY_S;
    long long clock = format == FORMAT_DATE ? 0 : s % DAY_S;
    /* the 1900 system believes in a 29 February 1900, day 60, and has no day 0 */
    if (!from_1904 && (serial == 60 || serial == 0)) return 0;
    day d = (day)(from_1904 ? serial - 24107 : serial < 60 ? serial - 25568 : serial - 25569);
    if (d > DAY_MAX) return 0;
    day_format(d, out);
    if (!clock) return strlen(out);
    size_t n = strlen(out);
    out[n++] = 'T';
    return n + clock_text(clock, out + n, XLSX_VALUE_TEXT - n);
}

size_t xlsx_number(struct text raw, unsigned char format, bool from_1904, char out[XLSX_VALUE_TEXT]) {
    double v;
    size_t n = 0;
    if (format == FORMAT_PLAIN && raw.n <= KEPT && plain(raw)) {
        memcpy(out, raw.s, raw.n);
        return raw.n;
    }
    if (!number_of(raw, &v)) return 0;
    if (format > FORMAT_PLAIN && format <= FORMAT_ELAPSED) n = date_text(v, format, from_1904, out);
    if (n) return n;
    if (plain(raw) && !(raw.n > KEPT && was_binary(raw, v))) {
        memcpy(out, raw.s, raw.n);
        n = raw.n;
    } else {
        n = positional(v, KEPT, out);
    }
    size_t width = format > FORMAT_PADDED ? (size_t)format - FORMAT_PADDED : 0;
    if (n && n < width && out[0] != '-' && !memchr(out, '.', n)) {
        memmove(out + width - n, out, n);
        memset(out, '0', width - n);
        n = width;
    }
    return n;
}

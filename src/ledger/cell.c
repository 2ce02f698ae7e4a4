#include "ledger/cell.h"

#include <stdio.h>
#include <string.h>

bool cell_fold(struct cell *c, struct text input) {
    size_t high = 0;
    for (; high < input.n && (unsigned char)input.s[high] < 0x80; high++) {
    }
    c->t = input;
    if (high == input.n) return true;
    if (input.n > CELL_SHORT) return false;
    size_t n = 0;
    for (size_t pos = 0; pos < input.n;) {
        uint32_t cp = text_codepoint(input, &pos);
        if (cp >= 0xFF01 && cp <= 0xFF5E) cp -= 0xFEE0;
        if (cp == 0x3000 || cp == 0xA0) cp = ' ';
        if (cp == 0x2103) continue; /* ℃ is written after temperatures */
        if (n + 4 > CELL_SHORT) return false;
        n += text_encode(cp, c->folded + n);
    }
    c->t = text_trim((struct text){c->folded, n});
    return true;
}

/* ---- dates and instants */

static bool take_number(struct text t, size_t *at, int least, int most, int *ret) {
    int v = 0, n = 0;
    while (*at < t.n && n < most && t.s[*at] >= '0' && t.s[*at] <= '9')
        v = v * 10 + (t.s[(*at)++] - '0'), n++;
    *ret = v;
    return n >= least;
}

static bool take(struct text t, size_t *at, const char *s) {
    size_t n = strlen(s);
    if (t.n - *at < n || memcmp(t.s + *at, s, n) != 0) return false;
    *at += n;
    return true;
}

/* 2022-05-30 2022/5/30 2022.5.30 2022年5月30日 20220530; *at moves past it. */
static bool take_day(struct text t, size_t *at, day *ret) {
    struct civil c = {0};
    size_t p = *at;
    if (!take_number(t, &p, 4, 4, &c.year)) return false;
    if (take(t, &p, "年")) {
        if (!take_number(t, &p, 1, 2, &c.month) || !take(t, &p, "月") || !take_number(t, &p, 1, 2, &c.day))
            return false;
        if (!take(t, &p, "日")) take(t, &p, "号");
    } else if (p < t.n && (t.s[p] == '-' || t.s[p] == '/' || t.s[p] == '.')) {
        char mark = t.s[p++];
        if (!take_number(t, &p, 1, 2, &c.month) || p >= t.n || t.s[p++] != mark ||
            !take_number(t, &p, 1, 2, &c.day))
            return false;
    } else if (!take_number(t, &p, 2, 2, &c.month) || !take_number(t, &p, 2, 2, &c.day))
        return false;
    if (p < t.n && t.s[p] >= '0' && t.s[p] <= '9' && t.s[p - 1] >= '0' && t.s[p - 1] <= '9') return false;
    if (!civil_valid(c)) return false;
    *ret = day_of_civil(c);
    *at = p;
    return true;
}

/* Time of day after a date: 17:00, 17:00:30.5, 17时30分, 17点, then a zone. */
static bool take_time(struct text t, size_t *at, int32_t *zone_s, int *ret_s) {
    int h = 0, m = 0, s = 0;
    size_t p = *at;
    if (!take_number(t, &p, 1, 2, &h)) return false;
    if (take(t, &p, "时") || take(t, &p, "時") || take(t, &p, "点")) {
        if (take_number(t, &p, 1, 2, &m) && !take(t, &p, "分")) return false;
        if (take_number(t, &p, 1, 2, &s) && !take(t, &p, "秒")) return false;
    } else {
        if (!take(t, &p, ":") || !take_number(t, &p, 2, 2, &m)) return false;
        if (take(t, &p, ":")) {
            if (!take_number(t, &p, 2, 2, &s)) return false;
            int fraction;
            if (take(t, &p, ".") && !take_number(t, &p, 1, 9, &fraction)) return false;
        }
    }
    if (take(t, &p, "Z") || take(t, &p, "z"))
        *zone_s = 0;
    else if (p < t.n && (t.s[p] == '+' || t.s[p] == '-')) {
        int sign = t.s[p++] == '-' ? -1 : 1, zh = 0, zm = 0;
        if (!take_number(t, &p, 2, 2, &zh)) return false;
        if (p < t.n && (take(t, &p, ":"), !take_number(t, &p, 2, 2, &zm))) return false;
        if (zh > 14 || zm > 59) return false;
        *zone_s = sign * (zh * 3600 + zm * 60);
    }
    if (h > 24 || m > 59 || s > 60 || (h == 24 && (m || s))) return false;
    *ret_s = h * 3600 + m * 60 + s;
    *at = p;
    return true;
}

bool cell_day(struct text t, day *ret) {
    size_t at = 0;
    day d;
    if (!take_day(t, &at, &d)) return false;
    if (at < t.n) {
        int s;
        int32_t zone = 0;
        if (t.s[at] != ' ' && t.s[at] != 'T') return false;
        while (at < t.n && (t.s[at] == ' ' || t.s[at] == 'T')) at++;
        if (!take_time(t, &at, &zone, &s) || at != t.n) return false;
    }
    *ret = d;
    return true;
}

bool cell_instant(struct text t, int32_t zone_s, instant *ret) {
    size_t at = 0;
    day d;
    int s = 0;
    if (!take_day(t, &at, &d)) return false;
    while (at < t.n && (t.s[at] == ' ' || t.s[at] == 'T')) at++;
    if (at < t.n && (!take_time(t, &at, &zone_s, &s) || at != t.n)) return false;
    *ret = instant_of_day(d, zone_s) + s;
    return true;
}

/* ---- numbers */

static bool is_digit(struct text t, size_t at) {
    return at < t.n && t.s[at] >= '0' && t.s[at] <= '9';
}

bool cell_decimal(struct text t, int scale, int64_t *ret, bool *ret_exact) {
    size_t at = 0;
    bool negative = false, any = false, exact = true, up = false;
    uint64_t v = 0;
    int dropped = 0, places = -1; /* places: digits after the point that were kept; -1 before the point */
    if (at < t.n && (t.s[at] == '-' || t.s[at] == '+')) negative = t.s[at++] == '-';
    for (; at < t.n; at++) {
        if (t.s[at] == '.' && places < 0) {
            places = 0;
            continue;
        }
        if (!is_digit(t, at)) return false;
        any = true;
        int d = t.s[at] - '0';
        if (places == scale) { /* beyond the scale: the first such digit decides */
            if (dropped++ == 0) up = d >= 5;
            if (d) exact = false;
            continue;
        }
        if (v > ((uint64_t)INT64_MAX - (uint64_t)d) / 10) return false;
        v = v * 10 + (uint64_t)d;
        if (places >= 0) places++;
    }
    if (!any) return false;
    for (int i = places < 0 ? 0 : places; i < scale; i++) {
        if (v > (uint64_t)INT64_MAX / 10) return false;
        v *= 10;
    }
    if (up) v++;
    if (v > INT64_MAX) return false;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    *ret_exact = exact;
    return true;
}

bool cell_boolean(struct text t, bool *ret) {
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "是", "有", "对", "√", "✓"};
    static const char *const no[] = {"0", "no", "n", "false", "f", "否", "无", "無", "×", "没有"};
    char word[16];
    if (t.n >= sizeof word || memchr(t.s, 0, t.n)) return false;
    for (size_t i = 0; i < t.n; i++) word[i] = t.s[i] >= 'A' && t.s[i] <= 'Z' ? (char)(t.s[i] + 32) : t.s[i];
    word[t.n] = '\0';
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        bool is_yes = strcmp(word, yes[i]) == 0;
        if (!is_yes && strcmp(word, no[i]) != 0) continue;
        *ret = is_yes;
        return true;
    }
    return false;
}

/* ---- points */

static bool angle(struct text t, int64_t limit, int64_t *ret) {
    int64_t v = 0;
    bool exact;
    if (t.n == 0 || !cell_decimal(t, POINT_DECIMALS, &v, &exact) || v < -limit || v > limit) return false;
    *ret = v;
    return true;
}

bool cell_point(struct text t, char out[POINT_TEXT], size_t *ret_n) {
    const char *comma = t.n ? memchr(t.s, ',', t.n) : NULL;
    int64_t v[2];
    if (!comma || !angle(text_trim((struct text){t.s, (size_t)(comma - t.s)}), 90000000, &v[0]) ||
        !angle(text_trim((struct text){comma + 1, (size_t)(t.s + t.n - comma - 1)}), 180000000, &v[1]))
        return false;
    int n = 0;
    for (int i = 0; i < 2; i++) {
        int64_t a = v[i] < 0 ? -v[i] : v[i];
        n += snprintf(out + n, (size_t)(POINT_TEXT - n), "%s%s%d.%06d", i ? "," : "", v[i] < 0 ? "-" : "",
                      (int)(a / 1000000 % 1000), (int)(a % 1000000));
    }
    *ret_n = (size_t)n;
    return true;
}

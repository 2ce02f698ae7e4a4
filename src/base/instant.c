#include "base/instant.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days. */
day day_of_civil(struct civil c) {
    int y = c.month <= 2 ? c.year - 1 : c.year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int yoe = y - era * 400;
    int doy = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

struct civil civil_of_day(day d) {
    int z = d + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    struct civil c = {.year = yoe + era * 400, .month = mp < 10 ? mp + 3 : mp - 9, .day = doy - (153 * mp + 2) / 5 + 1};
    if (c.month <= 2) c.year++;
    return c;
}

bool civil_valid(struct civil c) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c.year < 1583 || c.year > 9999 || c.month < 1 || c.month > 12 || c.day < 1) return false;
    bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
    return c.day <= days[c.month - 1] + (c.month == 2 && leap ? 1 : 0);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

day day_of_instant(instant t, int32_t zone_s) {
    if (t < (instant)DAY_MIN * DAY_S) return DAY_MIN;
    if (t > (instant)DAY_MAX * DAY_S) return DAY_MAX;
    return (day)floor_div(t + zone_s, DAY_S);
}

instant instant_of_day(day d, int32_t zone_s) {
    return (instant)d * DAY_S - zone_s;
}

/* Exactly `width` digits at *at. */
static bool digits(struct text t, size_t *at, int width, int *ret) {
    int v = 0;
    for (int i = 0; i < width; i++, (*at)++) {
        if (*at >= t.n || t.s[*at] < '0' || t.s[*at] > '9') return false;
        v = v * 10 + (t.s[*at] - '0');
    }
    *ret = v;
    return true;
}

static bool mark(struct text t, size_t *at, char c) {
    if (*at >= t.n || t.s[*at] != c) return false;
    (*at)++;
    return true;
}

static bool day_at(struct text t, size_t *at, day *ret) {
    struct civil c;
    if (!digits(t, at, 4, &c.year) || !mark(t, at, '-') || !digits(t, at, 2, &c.month) || !mark(t, at, '-') ||
        !digits(t, at, 2, &c.day) || !civil_valid(c))
        return false;
    *ret = day_of_civil(c);
    return true;
}

bool day_parse(struct text t, day *ret) {
    size_t at = 0;
    day d;
    if (!day_at(t, &at, &d) || at != t.n) return false;
    *ret = d;
    return true;
}

static bool zone_at(struct text t, size_t *at, int32_t *ret) {
    if (mark(t, at, 'Z') || mark(t, at, 'z')) {
        *ret = 0;
        return true;
    }
    int sign = *at < t.n && t.s[*at] == '-' ? -1 : 1;
    if (!mark(t, at, '+') && !mark(t, at, '-')) return false;
    int h = 0, m = 0;
    if (!digits(t, at, 2, &h)) return false;
    if (*at < t.n) {
        mark(t, at, ':');
        if (!digits(t, at, 2, &m)) return false;
    }
    if (h > 14 || m > 59) return false;
    *ret = sign * (h * 3600 + m * 60);
    return true;
}

bool instant_parse(struct text t, int32_t zone_s, instant *ret) {
    size_t at = 0;
    day d;
    if (!day_at(t, &at, &d)) return false;
    int h = 0, m = 0, s = 0;
    if (at < t.n) {
        if (!mark(t, &at, 'T') && !mark(t, &at, ' ')) return false;
        if (!digits(t, &at, 2, &h) || !mark(t, &at, ':') || !digits(t, &at, 2, &m)) return false;
        if (mark(t, &at, ':')) {
            if (!digits(t, &at, 2, &s)) return false;
            if (mark(t, &at, '.')) {
                size_t from = at;
                while (at < t.n && t.s[at] >= '0' && t.s[at] <= '9') at++;
                if (at == from || at - from > 9) return false;
            }
        }
        if (at < t.n && !zone_at(t, &at, &zone_s)) return false;
    }
    if (at != t.n || h > 24 || m > 59 || s > 60 || (h == 24 && (m || s))) return false;
    *ret = (instant)d * DAY_S + h * 3600 + m * 60 + s - zone_s;
    return true;
}

void day_format(day d, char out[DAY_TEXT]) {
    struct civil c = civil_of_day(d < DAY_MIN ? DAY_MIN : d > DAY_MAX ? DAY_MAX : d);
    char digit[48];
    snprintf(digit, sizeof digit, "%04d-%02d-%02d", c.year, c.month, c.day);
    memcpy(out, digit, 10);
    out[10] = '\0';
}

void instant_format(instant t, int32_t zone_s, char out[INSTANT_TEXT]) {
    day d = day_of_instant(t, zone_s);
    int64_t s = t - instant_of_day(d, zone_s);
    if (s < 0 || s >= DAY_S) s = 0;
    char date[DAY_TEXT];
    day_format(d, date);
    int zone_m = (zone_s < 0 ? -zone_s : zone_s) / 60;
    char line[96];
    if (zone_s == 0)
        snprintf(line, sizeof line, "%sT%02d:%02d:%02dZ", date, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(line, sizeof line, "%sT%02d:%02d:%02d%c%02d:%02d", date, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
                 zone_s < 0 ? '-' : '+', zone_m / 60 % 100, zone_m % 60);
    snprintf(out, INSTANT_TEXT, "%.*s", INSTANT_TEXT - 1, line);
}

static int64_t unit_s(char c, bool time) {
    switch (c) {
    case 's': case 'S': return 1;
    case 'm': return 60;
    case 'M': return time ? 60 : 0;
    case 'h': case 'H': return 3600;
    case 'd': case 'D': return DAY_S;
    case 'w': case 'W': return 7 * (int64_t)DAY_S;
    default: return 0;
    }
}

bool duration_parse(struct text t, int64_t *ret_s) {
    size_t i = 0;
    bool negative = false, iso = false, time = true, any = false;
    if (t.n && t.s[0] == '-') {
        negative = true;
        i = 1;
    }
    if (i < t.n && (t.s[i] == 'P' || t.s[i] == 'p')) {
        iso = true;
        time = false;
        i++;
    }
    int64_t total = 0;
    while (i < t.n) {
        if (iso && (t.s[i] == 'T' || t.s[i] == 't')) {
            time = true;
            i++;
            continue;
        }
        int64_t v = 0;
        size_t from = i;
        for (; i < t.n && t.s[i] >= '0' && t.s[i] <= '9'; i++) {
            if (i - from >= 10) return false;
            v = v * 10 + (t.s[i] - '0');
        }
        if (i == from) return false;
        int64_t unit = 1;
        if (i < t.n) {
            unit = unit_s(t.s[i++], time);
            if (!unit) return false;
        } else if (any || iso) {
            return false; /* "2h30" is not clear */
        }
        total += v * unit;
        any = true;
    }
    if (!any) return false;
    *ret_s = negative ? -total : total;
    return true;
}

void duration_format(int64_t s, char out[INSTANT_TEXT]) {
    uint64_t u = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
    unsigned long long d = u / DAY_S, h = u / 3600 % 24, m = u / 60 % 60, left = u % 60;
    char line[96] = "";
    size_t n = 0;
    if (s < 0) line[n++] = '-';
    if (d) n += (size_t)snprintf(line + n, sizeof line - n, "%llud", d);
    if (h) n += (size_t)snprintf(line + n, sizeof line - n, "%lluh", h);
    if (m && !(d && h)) n += (size_t)snprintf(line + n, sizeof line - n, "%llum", m);
    if ((left && !d && !h) || u == 0) snprintf(line + n, sizeof line - n, "%llus", left);
    snprintf(out, INSTANT_TEXT, "%.*s", INSTANT_TEXT - 1, line);
}

instant instant_now(void) {
    return (instant)time(NULL);
}

int64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Dates as other people's systems write them. A format is a picture: d dd m mm mmm yy yyyy H HH M MM S SS, fff (fraction), Z (zone), am; '*' takes the
 * rest; other characters stand for themselves. After the hours, m means minutes. Names: iso, excel, excel1904, r, unix, unix-ms, week. */
#include "base/instant.h"
#include "desks/intake/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct reading {
    int year, month, dom, hour, minute, second, zone_s;
    bool has_day, has_time, has_zone, pm, am;
};

static bool digits(struct text t, size_t *pos, size_t low, size_t high, int *ret) {
    int v = 0;
    size_t n = 0;
    while (n < high && *pos < t.n && t.s[*pos] >= '0' && t.s[*pos] <= '9') {
        v = v * 10 + (t.s[(*pos)++] - '0');
        n++;
    }
    if (n < low) return false;
    *ret = v;
    return true;
}

static bool month_name(struct text t, size_t *pos, int *ret) {
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    for (int m = 0; m < 12; m++) {
        size_t k = 0;
        while (*pos + k < t.n && names[m][k] && ((unsigned char)t.s[*pos + k] | 32) == (unsigned char)names[m][k]) k++;
        if (k < 3) continue;
        *pos += k;
        if (*pos < t.n && t.s[*pos] == '.') (*pos)++;
        *ret = m + 1;
        return true;
    }
    return false;
}

static bool zone(struct text t, size_t *pos, struct reading *r) {
    if (*pos < t.n && (t.s[*pos] == 'Z' || t.s[*pos] == 'z')) {
        (*pos)++;
        return r->has_zone = true;
    }
    if (*pos >= t.n || (t.s[*pos] != '+' && t.s[*pos] != '-')) return false;
    int sign = t.s[(*pos)++] == '-' ? -1 : 1, h = 0, m = 0;
    if (!digits(t, pos, 2, 2, &h)) return false;
    if (*pos < t.n && t.s[*pos] == ':') (*pos)++;
    if (*pos < t.n && !digits(t, pos, 2, 2, &m)) return false;
    if (h > 14 || m > 59) return false;
    r->zone_s = sign * (h * 3600 + m * 60);
    return r->has_zone = true;
}

/* Length of the run of one letter of the picture. */
static size_t run(struct text f, size_t i) {
    size_t n = 1;
    while (i + n < f.n && (f.s[i + n] | 32) == (f.s[i] | 32)) n++;
    return n;
}

static bool picture_part(struct text f, size_t *i, struct text t, size_t *pos, struct reading *r) {
    char c = f.s[*i];
    size_t n = run(f, *i);
    int fraction = 0;
    *i += n;
    switch (c) {
    case 'y': case 'Y':
        if (n >= 4) return digits(t, pos, 4, 4, &r->year);
        if (!digits(t, pos, 2, 2, &r->year)) return false;
        r->year += r->year < 70 ? 2000 : 1900;
        return true;
    case 'm': case 'M':
        if (r->has_time) return digits(t, pos, n > 1 ? 2 : 1, 2, &r->minute);
        if (n >= 3) return month_name(t, pos, &r->month);
        return digits(t, pos, 1, 2, &r->month);
    case 'd': case 'D': r->has_day = true; return digits(t, pos, 1, 2, &r->dom);
    case 'h': case 'H': r->has_time = true; return digits(t, pos, 1, 2, &r->hour);
    case 's': case 'S': return digits(t, pos, 1, 2, &r->second);
    case 'f': return digits(t, pos, 1, 9, &fraction);
    case 'z': case 'Z': return zone(t, pos, r);
    default: return false;
    }
}

static bool am_pm(struct text t, size_t *pos, struct reading *r) {
    if (*pos + 2 > t.n || (t.s[*pos + 1] | 32) != 'm') return false;
    char c = (char)(t.s[*pos] | 32);
    *pos += 2;
    r->pm = c == 'p';
    r->am = c == 'a';
    return r->pm || r->am;
}

static bool picture(struct text f, struct text t, struct reading *r) {
    size_t pos = 0;
    for (size_t i = 0; i < f.n;) {
        char c = f.s[i];
        if (c == '*') return true;
        if (c == 'a' && i + 1 < f.n && f.s[i + 1] == 'm') {
            if (!am_pm(t, &pos, r)) return false;
            i += 2;
        } else if (strchr("yYmMdDhHsSfzZ", c)) {
            if (!picture_part(f, &i, t, &pos, r)) return false;
        } else if (c == ' ') {
            i++;
            if (pos >= t.n || t.s[pos] != ' ') return false;
            while (pos < t.n && t.s[pos] == ' ') pos++;
        } else {
            if (pos >= t.n || (t.s[pos] != c && !(c == 'T' && t.s[pos] == ' '))) return false;
            i++;
            pos++;
        }
    }
    return pos == t.n;
}

static bool iso_week(struct text t, day *ret) {
    size_t pos = 0;
    int year = 0, week = 0;
    if (!digits(t, &pos, 4, 4, &year)) return false;
    while (pos < t.n && (t.s[pos] == '-' || t.s[pos] == '_' || t.s[pos] == 'W' || t.s[pos] == 'w' || t.s[pos] == ' ')) pos++;
    if (!digits(t, &pos, 1, 2, &week) || pos != t.n || week < 1 || week > 53 || year < 1583) return false;
    day fourth = day_of_civil((struct civil){year, 1, 4});
    *ret = fourth - (fourth + 3 + 7 * 100000) % 7 + 7 * (week - 1); /* day 0 was a Thursday; weeks begin on Monday */
    return true;
}

/* Days and parts of a day counted from an origin, or seconds. */
static bool counted(struct text t, struct text f, char out[40]) {
    if (t.n == 0 || t.n > 20) return false;
    char s[24];
    double x = 0;
    int used = 0;
    memcpy(s, t.s, t.n);
    s[t.n] = 0;
    if (sscanf(s, "%lf%n", &x, &used) != 1 || (size_t)used != t.n || !isfinite(x) || fabs(x) > 1e14) return false;
    double days = x;
    if (text_is(f, "excel")) {
        if (x < 61) return false; /* before 1 March 1900 the serials themselves are wrong */
        days = x - 25569;
    } else if (text_is(f, "excel1904")) {
        days = x - 24107;
    } else if (text_is(f, "unix") || text_is(f, "unix-ms")) {
        days = x / (text_is(f, "unix") ? 86400.0 : 86400000.0);
    }
    double whole = floor(days);
    if (whole < DAY_MIN || whole > DAY_MAX) return false;
    long second = lround((days - whole) * 86400);
    if (second >= 86400) {
        whole += 1;
        second = 0;
        if (whole > DAY_MAX) return false;
    }
    char d[DAY_TEXT];
    day_format((day)whole, d);
    bool utc = text_is(f, "unix") || text_is(f, "unix-ms");
    if (second == 0 && !utc)
        snprintf(out, 40, "%s", d);
    else
        snprintf(out, 40, "%sT%02ld:%02ld:%02ld%s", d, second / 3600, second / 60 % 60, second % 60, utc ? "Z" : "");
    return true;
}

static int month_days(int year, int month) {
    int d = 31;
    while (d > 28 && !civil_valid((struct civil){year, month, d})) d--;
    return d;
}

static bool settle(struct reading *r, int year, char partial, char out[40]) {
    if (!r->year) r->year = year;
    if (!r->year) return false;
    if (!r->has_day) {
        if (!partial) return false;
        if (!r->month) r->month = partial == 'f' ? 1 : partial == 'l' ? 12 : 7;
        if (r->month > 12 || r->year < 1583) return false;
        r->dom = partial == 'f' ? 1 : partial == 'l' ? month_days(r->year, r->month) : 15;
    }
    struct civil c = {r->year, r->month, r->dom};
    if (r->pm && r->hour < 12) r->hour += 12;
    if (r->am && r->hour == 12) r->hour = 0;
    if (!civil_valid(c) || r->hour > 23 || r->minute > 59 || r->second > 60) return false;
    char d[DAY_TEXT];
    day_format(day_of_civil(c), d);
    int n = snprintf(out, 40, "%s", d);
    if (r->has_time) n += snprintf(out + n, (size_t)(40 - n), "T%02d:%02d:%02d", r->hour, r->minute, r->second > 59 ? 59 : r->second);
    int z = r->zone_s < 0 ? -r->zone_s : r->zone_s;
    if (r->has_time && r->has_zone) snprintf(out + n, (size_t)(40 - n), "%c%02d:%02d", r->zone_s < 0 ? '-' : '+', z / 3600, z / 60 % 60);
    return true;
}

static bool iso(struct text t, char partial, char out[40]) {
    static const char *const forms[] = {"yyyy-mm-dd", "yyyy-mm-ddTHH:MM:SS.fffZ", "yyyy-mm-ddTHH:MM:SSZ", "yyyy-mm-ddTHH:MM:SS", "yyyy-mm-ddTHH:MM:SS.fff",
                                        "yyyy-mm-ddTHH:MM", "yyyy-mm-ddTHH:MMZ", "yyyy-mm", "yyyy"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct reading r = {0};
        if (picture(text_of(forms[i]), t, &r)) return settle(&r, 0, partial, out);
    }
    return false;
}

bool map_date(struct text t, struct text format, int year, char partial, char out[40]) {
    day d = 0;
    if (text_is(format, "iso")) return iso(t, partial, out);
    if (text_is(format, "week")) {
        if (!iso_week(t, &d)) return false;
        day_format(d, out);
        return true;
    }
    if (text_is(format, "excel") || text_is(format, "excel1904") || text_is(format, "r") || text_is(format, "unix") || text_is(format, "unix-ms"))
        return counted(t, format, out);
    struct reading r = {0};
    return picture(format, t, &r) && settle(&r, year, partial, out);
}

bool date_format_known(struct text f) {
    static const char *const names[] = {"iso", "week", "excel", "excel1904", "r", "unix", "unix-ms"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(f, names[i])) return true;
    bool any = false;
    for (size_t i = 0; i < f.n;) {
        if (f.s[i] == 'a' && i + 1 < f.n && f.s[i + 1] == 'm') {
            i += 2;
        } else if (strchr("yYmMdDhHsSfzZ", f.s[i])) {
            size_t n = run(f, i);
            if (strchr("yYdD", f.s[i])) any = true;
            if (strchr("yY", f.s[i]) && n != 2 && n != 4) return false;
            i += n;
        } else {
            if (f.s[i] >= 'a' && f.s[i] <= 'z') return false; /* a word that is no picture */
            i++;
        }
    }
    return any && f.n <= 64;
}

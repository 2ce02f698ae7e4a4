/* A table of visits: which column is what, what a row says. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/tracing/inside.h"
#include "ledger/cell.h"

static const struct { enum tracing_column column; const char *names[14]; } synonyms[] = {
    {COLUMN_PERSON, {"person", "person_id", "personid", "who", "user", "user_id", "id", "case_id", "人员", "人员编号", "人员id", "姓名编号", "病例编号", "病例"}},
    {COLUMN_PLACE, {"place", "place_id", "placeid", "location", "location_id", "where", "场所", "场所编号", "场所码", "地点", "地点编号"}},
    {COLUMN_START, {"start", "begin", "from", "arrived", "arrival", "time", "timestamp", "start_time", "开始", "开始时间", "到达时间", "进入时间", "扫码时间"}},
    {COLUMN_END, {"end", "to", "until", "left", "departure", "end_time", "结束", "结束时间", "离开时间"}},
    {COLUMN_CLASS, {"class", "place_class", "kind", "place_kind", "type", "场所类型", "场所类别", "类型"}},
    {COLUMN_SOURCE, {"source", "来源", "数据来源"}},
    {COLUMN_CONFIDENCE, {"confidence", "可信度"}},
    {COLUMN_ZONE, {"zone", "carriage", "car", "floor", "hall", "车厢", "楼层", "区域"}},
    {COLUMN_ROW, {"row", "seat_row", "排", "座位排"}},
    {COLUMN_OTHER, {"other", "other_person", "person2", "contact", "with", "对方", "接触人员", "对方编号"}},
    {COLUMN_DISTANCE, {"distance", "distance_m", "metres", "meters", "距离"}},
    {COLUMN_SIGNAL, {"signal", "rssi", "信号强度"}},
};

static bool same_word(struct text a, const char *b) {
    size_t n = strlen(b);
    if (a.n != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((a.s[i] >= 'A' && a.s[i] <= 'Z' ? a.s[i] + 32 : a.s[i]) != b[i]) return false;
    return true;
}

bool tracing_header_told(const struct text *cells, size_t n, int *ret_person, struct tracing_telling *ret) {
    static const char *const routes[] = {"route", "活动轨迹", "轨迹", "行程", "行程轨迹", "主要轨迹", "活动史", "流调轨迹", NULL};
    static const char *const bys[] = {"by", "told_on", "reported", "report_date", "报告日期", "通报日期", "发布日期", "确诊日期", "报告时间", "日期", NULL};
    struct tracing_telling t = {.route_at = -1, .by_at = -1};
    int person = -1;
    for (size_t i = 0; i < n; i++) {
        struct text cell = text_trim(cells[i]);
        for (size_t w = 0; routes[w] && t.route_at < 0; w++)
            if (same_word(cell, routes[w])) t.route_at = (int)i;
        for (size_t w = 0; bys[w] && t.by_at < 0; w++)
            if (same_word(cell, bys[w])) t.by_at = (int)i;
        for (size_t w = 0; w < 14 && synonyms[0].names[w] && person < 0; w++)
            if (same_word(cell, synonyms[0].names[w])) person = (int)i;
    }
    if (t.route_at < 0 || person < 0) return false;
    *ret_person = person;
    *ret = t;
    return true;
}

int tracing_header(const struct text *cells, size_t n, int ret[TRACING_COLUMNS], struct error *err) {
    static const char *const needed[] = {"person", "place", "start"};
    for (int c = 0; c < TRACING_COLUMNS; c++) ret[c] = -1;
    for (size_t k = 0; k < sizeof synonyms / sizeof *synonyms; k++)
        for (size_t w = 0; w < 14 && synonyms[k].names[w] && ret[synonyms[k].column] < 0; w++)
            for (size_t i = 0; i < n && ret[synonyms[k].column] < 0; i++)
                if (same_word(text_trim(cells[i]), synonyms[k].names[w])) ret[synonyms[k].column] = (int)i;
    /* beside a place, "contact" is a telephone number as likely as a person */
    static const char *const vague[] = {"contact", "with", "接触人员"};
    for (size_t w = 0; ret[COLUMN_PLACE] >= 0 && ret[COLUMN_OTHER] >= 0 && w < sizeof vague / sizeof *vague; w++)
        if (same_word(text_trim(cells[ret[COLUMN_OTHER]]), vague[w])) ret[COLUMN_OTHER] = -1;
    for (int c = COLUMN_PERSON; c <= COLUMN_START; c++)
        if (ret[c] < 0 && !(c == COLUMN_PLACE && ret[COLUMN_OTHER] >= 0)) return error_set(err, E_SYNTAX, needed[c], "a table of visits needs columns person, place and start / 缺少列:人员、场所或开始时间");
    return 0;
}

bool tracing_says_nothing(struct text t) {
    static const char *const words[] = {"na", "n/a", "nan", "null", "none", "unknown", "-", "--", "无", "不详", "不明", "未知"};
    bool is = !t.n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) is |= same_word(t, words[i]);
    return is;
}

/* Two of whom, or of where, nothing is known did not meet; but a person may be called NA. */
static struct text cell(const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, enum tracing_column c) {
    struct text t = columns[c] >= 0 && (size_t)columns[c] < n ? text_trim(cells[columns[c]]) : (struct text){"", 0};
    bool called = (c == COLUMN_PERSON || c == COLUMN_OTHER) && same_word(t, "na");
    return !called && tracing_says_nothing(t) ? (struct text){"", 0} : t;
}

/* 1653703800.0, as a table writes whole seconds when some of the column are missing. */
static bool seconds_parse(struct text t, instant *ret) {
    const char *dot = memchr(t.s, '.', t.n);
    size_t n = dot ? (size_t)(dot - t.s) : 0, at = n + 1;
    while (n >= 9 && at < t.n && t.s[at] >= '0' && t.s[at] <= '9') at++;
    return n >= 9 && at == t.n && at > n + 1 && text_int((struct text){t.s, n}, ret);
}

static bool digits(struct text t, size_t *at, size_t max, int *ret) {
    size_t from = *at;
    *ret = 0;
    for (; *at < t.n && *at - from < max && t.s[*at] >= '0' && t.s[*at] <= '9'; ++*at) *ret = *ret * 10 + (t.s[*at] - '0');
    return *at > from;
}

enum when { WHEN_NONE, WHEN_INSTANT, WHEN_DAY };

/* 05/01/2020, 5.1.20; a time may follow. */
static enum when parted_parse(const struct tracing_how *how, struct text t, instant *ret) {
    struct civil c = {0};
    size_t at = 0;
    bool months = how->dates == DATES_MONTH_FIRST;
    char iso[64];
    if (!digits(t, &at, 2, months ? &c.month : &c.day) || at >= t.n || !strchr("/.-", t.s[at])) return WHEN_NONE;
    at++;
    if (!digits(t, &at, 2, months ? &c.day : &c.month) || at >= t.n || !strchr("/.-", t.s[at])) return WHEN_NONE;
    at++;
    size_t from = at;
    if (!digits(t, &at, 4, &c.year) || (at - from != 4 && at - from != 2)) return WHEN_NONE;
    if (at - from == 2) c.year += 2000;
    if (!civil_valid(c)) return WHEN_NONE;
    *ret = instant_of_day(day_of_civil(c), how->zone_s);
    if (at == t.n) return WHEN_DAY;
    if (t.n - at > 30 || (t.s[at] != ' ' && t.s[at] != 'T')) return WHEN_NONE;
    snprintf(iso, sizeof iso, "%04d-%02d-%02dT%s%.*s", c.year, c.month, c.day, t.n - at > 2 && t.s[at + 2] == ':' ? "0" : "", (int)(t.n - at - 1), t.s + at + 1);
    return instant_parse(text_of(iso), how->zone_s, ret) ? WHEN_INSTANT : WHEN_NONE;
}

/* 2022/5/28 10:20, 2022年5月28日10时, as the registers read them. */
static enum when written_parse(struct text t, int32_t zone_s, instant *ret) {
    struct cell c;
    if (!cell_fold(&c, t) || !cell_instant(c.t, zone_s, ret)) return WHEN_NONE;
    return memchr(c.t.s, ':', c.t.n) || memmem(c.t.s, c.t.n, "时", 3) || memmem(c.t.s, c.t.n, "時", 3) || memmem(c.t.s, c.t.n, "点", 3) ? WHEN_INSTANT : WHEN_DAY;
}

/* 202205281020, 20220528102030: as platforms write a moment without signs between. */
static bool together_parse(struct text t, int32_t zone_s, instant *ret) {
    char iso[40];
    if (t.n != 12 && t.n != 14) return false;
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s", t.s, t.s + 4, t.s + 6, t.s + 8, t.s + 10, t.n == 14 ? t.s + 12 : "00");
    return instant_parse(text_of(iso), zone_s, ret);
}

/* 44709.4306, days as a spreadsheet counts them: of the years 2000 to 2099 it is that, and no second of 1970. */
static enum when serial_parse(struct text t, int32_t zone_s, instant *ret) {
    enum { EPOCH = 25569, FIRST = 36526, END = 73051 };
    char s[24], *end;
    if (t.n < 5 || t.n >= sizeof s || (t.n > 5 && t.s[5] != '.')) return WHEN_NONE;
    memcpy(s, t.s, t.n);
    s[t.n] = 0;
    if (strspn(s, "0123456789.") < t.n) return WHEN_NONE;
    double x = strtod(s, &end);
    if (*end || x < FIRST || x >= END) return WHEN_NONE;
    day d = (day)x - EPOCH;
    *ret = instant_of_day(d, zone_s) + (instant)((x - (day)x) * DAY_S + 0.5);
    return t.n == 5 ? WHEN_DAY : WHEN_INSTANT;
}

static enum when time_parse(const struct tracing_how *how, struct text t, instant *ret) {
    day d;
    if (how->dates != DATES_ISO) {
        enum when w = parted_parse(how, t, ret);
        if (w != WHEN_NONE) return w;
    }
    if (!how->counted) {
        enum when w = serial_parse(t, how->zone_s, ret);
        if (w != WHEN_NONE) return w;
    }
    if (text_int(t, ret)) {
        int64_t steps = *ret;
        if (!how->counted && t.n == 8 && cell_day(t, &d) && steps >= 19000101 && steps <= 22001231) { /* 20220528 is no second of 1970 */
            *ret = instant_of_day(d, how->zone_s);
            return WHEN_DAY;
        }
        if (!how->counted && *t.s != '-' && t.n >= 12) return together_parse(t, how->zone_s, ret) ? WHEN_INSTANT : WHEN_NONE; /* nor is 202205281020 */
        if (!how->counted) return WHEN_INSTANT;
        if (__builtin_mul_overflow(steps, how->step_s, &steps) || __builtin_add_overflow(how->origin, steps, ret)) return WHEN_NONE;
        return WHEN_INSTANT;
    }
    if (!how->counted && seconds_parse(t, ret)) return WHEN_INSTANT;
    if (t.n <= 11 && day_parse(t, &d)) {
        *ret = instant_of_day(d, how->zone_s);
        return WHEN_DAY;
    }
    return instant_parse(t, how->zone_s, ret) ? WHEN_INSTANT : written_parse(t, how->zone_s, ret);
}

bool tracing_day(const struct tracing_how *how, struct text t, day *ret) {
    instant at;
    enum when w = t.n ? time_parse(how, t, &at) : WHEN_NONE;
    if (w != WHEN_NONE) *ret = day_of_instant(at, how->zone_s);
    return w != WHEN_NONE;
}

static int small(struct text t, int64_t max, const char *name, int64_t *ret, struct error *err) {
    if (!t.n) return 0;
    if (text_int(t, ret) && *ret >= 0 && *ret <= max) return 0;
    return error_set(err, E_INVALID, name, "not a number up to %lld / 不是 0 至 %lld 的数", (long long)max, (long long)max);
}

static int no_time(struct error *err, const char *column, struct text t) {
    if (!t.n) return error_set(err, E_INVALID, column, "nothing says when / 没有时间");
    return error_set(err, E_INVALID, column, "\"%.*s\" is no time / 不是时间", (int)(t.n < 40 ? t.n : 40), t.s);
}

/* start and end of r; *ret_vague: a day is all that is known. */
static int times_read(const struct tracing_how *how, struct text start, struct text end, bool near, struct tracing_row *r, bool *ret_vague, struct error *err) {
    enum when from = start.n ? time_parse(how, start, &r->start) : WHEN_NONE, to = end.n ? time_parse(how, end, &r->end) : WHEN_NONE;
    *ret_vague = from == WHEN_DAY || to == WHEN_DAY;
    if (start.n ? from == WHEN_NONE : to != WHEN_DAY) return no_time(err, "start", start);
    if (end.n && to == WHEN_NONE) return no_time(err, "end", end);
    if (!start.n) r->start = r->end; /* one day is known */
    if (r->start < (int64_t)DAY_MIN * DAY_S || r->start > ((int64_t)DAY_MAX - VISITS_DAYS_MAX) * DAY_S) return error_set(err, E_INVALID, "start", "in no calendar / 时间不合理");
    if (how->latest && r->start > how->latest) return error_set(err, E_INVALID, "start", "lies in the future / 时间在将来");
    r->dwells = !end.n && from == WHEN_INSTANT && !near && !r->class_of;
    if (!end.n) r->end = from == WHEN_DAY ? r->start + DAY_S : r->start + (near ? how->near_s : how->dwell_s[r->class_of]);
    else if (to == WHEN_DAY) r->end += DAY_S; /* to the end of that day */
    if (r->end < r->start) return error_set(err, E_INVALID, "end", "ends before it begins / 结束早于开始");
    if (r->end - r->start > (int64_t)VISITS_DAYS_MAX * DAY_S) return error_set(err, E_INVALID, "end", "longer than %d days / 超过 %d 天", VISITS_DAYS_MAX, VISITS_DAYS_MAX);
    return 0;
}

/* Two who were near each other were at a place of their own: "~" and both, the lesser first. */
static int pair_name(struct tracing_row *r, struct error *err) {
    struct text a = r->person, b = r->other;
    int order = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);
    if (order > 0 || (order == 0 && a.n > b.n)) a = r->other, b = r->person;
    if (text_eq(a, b)) return error_set(err, E_INVALID, "other", "the same person / 同一个人");
    if (a.n + b.n + 2 > VISITS_NAME_MAX) return error_set(err, E_INVALID, "other", "empty or too long / 为空或过长");
    snprintf(r->pair, sizeof r->pair, "~%.*s~%.*s", (int)a.n, a.s, (int)b.n, b.s);
    r->place = text_of(r->pair);
    r->class_of = TRACING_NEAR; /* wherever they were */
    return 0;
}

static int distance_read(const struct tracing_how *how, struct text t, bool *ret_far, struct error *err) {
    char number[32], *rest;
    *ret_far = false;
    if (!t.n) return 0;
    snprintf(number, sizeof number, "%.*s", (int)(t.n < 31 ? t.n : 31), t.s);
    double m = strtod(number, &rest);
    while (*rest == ' ') rest++;
    if (rest == number || (*rest && strcmp(rest, "m") != 0 && strcmp(rest, "米") != 0) || !(m >= 0 && m < 1e6))
        return error_set(err, E_INVALID, "distance", "no distance in metres / 不是以米计的距离");
    *ret_far = how->near_m > 0 && m > how->near_m;
    return 0;
}

/* A sample of a device; those that nobody limits all count. */
static int signal_read(const struct tracing_how *how, struct text t, bool *ret_far, struct error *err) {
    int64_t dbm;
    if (!t.n) return 0;
    if (!text_int(t, &dbm) || dbm < -1000 || dbm > 1000) return error_set(err, E_INVALID, "signal", "no signal in dBm / 不是信号强度");
    *ret_far |= how->weakest && dbm < how->weakest;
    return 0;
}

int tracing_row_whole(const struct text *cells, size_t n, size_t headers, struct error *err) {
    for (size_t i = headers; i < n; i++)
        if (text_trim(cells[i]).n) return error_set(err, E_INVALID, "row", "more cells than headers: a separator in a cell without quotes? / 单元格多于表头:是否有分隔符未加引号?");
    return 0;
}

int tracing_row_read(const struct tracing_how *how, const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, struct tracing_row *ret, struct error *err) {
    static const char *const words[][2] = {
#define X(name, word, zh) {word, zh},
        PRESENCE_SOURCES(X)
#undef X
    };
    struct tracing_row *r = ret;
    struct text end = cell(columns, cells, n, COLUMN_END), source = cell(columns, cells, n, COLUMN_SOURCE);
    int64_t confidence = 100, zone = 0, row = 0;
    bool vague = false;
    r->person = cell(columns, cells, n, COLUMN_PERSON);
    r->place = cell(columns, cells, n, COLUMN_PLACE);
    r->other = columns[COLUMN_OTHER] >= 0 ? cell(columns, cells, n, COLUMN_OTHER) : (struct text){"", 0};
    r->far = false;
    if (!r->person.n || r->person.n > VISITS_NAME_MAX) return error_set(err, E_INVALID, "person", "empty or too long / 为空或过长");
    if (!r->other.n && (!r->place.n || r->place.n > VISITS_NAME_MAX)) return error_set(err, E_INVALID, "place", "empty or too long / 为空或过长");
    if (r->other.n && r->place.n) return error_set(err, E_INVALID, "other", "a place or another person, not both in one row / 场所与对方不能同时填写");
    struct text kind = cell(columns, cells, n, COLUMN_CLASS);
    const struct code *code = how->kinds && kind.n ? code_find_any(how->kinds, kind) : NULL;
    r->class_of = tracing_class(code ? code->code : kind);
    if (kind.n && !code && !r->class_of) return error_set(err, E_INVALID, "class", "\"%.*s\" is no kind of place / 不是场所类别", (int)(kind.n < 40 ? kind.n : 40), kind.s);
    int rc = times_read(how, cell(columns, cells, n, COLUMN_START), end, r->other.n > 0, r, &vague, err);
    if (rc == 0 && r->other.n) rc = pair_name(r, err);
    if (rc == 0 && r->other.n) rc = distance_read(how, cell(columns, cells, n, COLUMN_DISTANCE), &r->far, err);
    if (rc == 0 && r->other.n) rc = signal_read(how, cell(columns, cells, n, COLUMN_SIGNAL), &r->far, err);
    if (vague) confidence = 50;
    if (rc == 0) rc = small(cell(columns, cells, n, COLUMN_CONFIDENCE), 100, "confidence", &confidence, err);
    if (rc == 0) rc = small(cell(columns, cells, n, COLUMN_ZONE), UINT16_MAX, "zone", &zone, err);
    if (rc == 0) rc = small(cell(columns, cells, n, COLUMN_ROW), UINT16_MAX, "row", &row, err);
    if (rc < 0) return rc;
    r->source = r->other.n ? PRESENCE_PROXIMITY : vague ? PRESENCE_TOLD : end.n ? PRESENCE_TIMED : PRESENCE_SCAN;
    bool known = !source.n;
    for (uint8_t k = 0; !known && k < PRESENCE_KINDS; k++)
        if (k != PRESENCE_ROUTE && (known = text_is(source, words[k][0]) || text_is(source, words[k][1]))) r->source = k;
    if (!known) return error_set(err, E_INVALID, "source", "\"%.*s\" is no source of visits / 不是来源类别", (int)(source.n < 40 ? source.n : 40), source.s);
    r->confidence = (uint8_t)confidence;
    r->zone = (uint16_t)zone;
    r->row = (uint16_t)row;
    return 0;
}

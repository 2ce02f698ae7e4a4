/* Files of visits. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/inside.h"
#include "files/sheet.h"

enum { BATCH = 4 << 20, REFUSED_COLUMNS = 64 };

static const struct { enum tracing_column column; const char *names[14]; } synonyms[] = {
    {COLUMN_PERSON, {"person", "person_id", "personid", "who", "user", "user_id", "id", "人员", "人员编号", "人员id", "姓名编号"}},
    {COLUMN_PLACE, {"place", "place_id", "placeid", "location", "location_id", "where", "场所", "场所编号", "场所码", "地点", "地点编号"}},
    {COLUMN_START, {"start", "begin", "from", "arrived", "arrival", "time", "timestamp", "start_time", "开始", "开始时间", "到达时间", "进入时间", "扫码时间"}},
    {COLUMN_END, {"end", "to", "until", "left", "departure", "end_time", "结束", "结束时间", "离开时间"}},
    {COLUMN_CLASS, {"class", "place_class", "kind", "place_kind", "type", "场所类型", "场所类别", "类型"}},
    {COLUMN_SOURCE, {"source", "来源", "数据来源"}},
    {COLUMN_CONFIDENCE, {"confidence", "可信度"}},
    {COLUMN_ZONE, {"zone", "carriage", "car", "floor", "hall", "车厢", "楼层", "区域"}},
    {COLUMN_ROW, {"row", "seat_row", "排", "座位排"}},
};

static bool same_word(struct text a, const char *b) {
    size_t n = strlen(b);
    if (a.n != n) return false;
    for (size_t i = 0; i < n; i++)
        if ((a.s[i] >= 'A' && a.s[i] <= 'Z' ? a.s[i] + 32 : a.s[i]) != b[i]) return false;
    return true;
}

int tracing_header(const struct text *cells, size_t n, int ret[TRACING_COLUMNS], struct error *err) {
    static const char *const needed[] = {"person", "place", "start"};
    for (int c = 0; c < TRACING_COLUMNS; c++) ret[c] = -1;
    for (size_t k = 0; k < sizeof synonyms / sizeof *synonyms; k++)
        for (size_t w = 0; w < 14 && synonyms[k].names[w] && ret[synonyms[k].column] < 0; w++)
            for (size_t i = 0; i < n && ret[synonyms[k].column] < 0; i++)
                if (same_word(text_trim(cells[i]), synonyms[k].names[w])) ret[synonyms[k].column] = (int)i;
    for (int c = COLUMN_PERSON; c <= COLUMN_START; c++)
        if (ret[c] < 0) return error_set(err, E_SYNTAX, needed[c], "a table of visits needs columns person, place and start / 缺少列:人员、场所或开始时间");
    return 0;
}

static struct text cell(const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, enum tracing_column c) {
    return columns[c] >= 0 && (size_t)columns[c] < n ? text_trim(cells[columns[c]]) : (struct text){"", 0};
}

static bool time_parse(struct text t, int32_t zone_s, instant *ret) {
    return text_int(t, ret) || instant_parse(t, zone_s, ret);
}

static int small(struct text t, int64_t max, const char *name, int64_t *ret, struct error *err) {
    if (!t.n) return 0;
    if (text_int(t, ret) && *ret >= 0 && *ret <= max) return 0;
    return error_set(err, E_INVALID, name, "not a number up to %lld / 不是 0 至 %lld 的数", (long long)max, (long long)max);
}

int tracing_row(const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, int32_t zone_s, int64_t dwell_s, struct tracing_row *ret, struct error *err) {
    static const char *const words[] = {
#define X(name, word, zh) word,
        PRESENCE_SOURCES(X)
#undef X
    };
    struct tracing_row r = {.person = cell(columns, cells, n, COLUMN_PERSON), .place = cell(columns, cells, n, COLUMN_PLACE)};
    struct text start = cell(columns, cells, n, COLUMN_START), end = cell(columns, cells, n, COLUMN_END), source = cell(columns, cells, n, COLUMN_SOURCE);
    int64_t confidence = 100, zone = 0, row = 0;
    if (!r.person.n || r.person.n > VISITS_NAME_MAX) return error_set(err, E_INVALID, "person", "empty or too long / 为空或过长");
    if (!r.place.n || r.place.n > VISITS_NAME_MAX) return error_set(err, E_INVALID, "place", "empty or too long / 为空或过长");
    if (!time_parse(start, zone_s, &r.start)) return error_set(err, E_INVALID, "start", "\"%.*s\" is no time / 不是时间", (int)(start.n < 40 ? start.n : 40), start.s);
    if (end.n && !time_parse(end, zone_s, &r.end)) return error_set(err, E_INVALID, "end", "\"%.*s\" is no time / 不是时间", (int)(end.n < 40 ? end.n : 40), end.s);
    if (r.start < (int64_t)DAY_MIN * DAY_S || r.start > (int64_t)DAY_MAX * DAY_S - dwell_s) return error_set(err, E_INVALID, "start", "in no calendar / 时间不合理");
    r.source = end.n ? PRESENCE_TIMED : PRESENCE_SCAN;
    if (!end.n) r.end = r.start + dwell_s;
    if (r.end < r.start) return error_set(err, E_INVALID, "end", "ends before it begins / 结束早于开始");
    if (r.end - r.start > (int64_t)VISITS_DAYS_MAX * DAY_S) return error_set(err, E_INVALID, "end", "longer than %d days / 超过 %d 天", VISITS_DAYS_MAX, VISITS_DAYS_MAX);
    int rc = small(cell(columns, cells, n, COLUMN_CONFIDENCE), 100, "confidence", &confidence, err);
    if (rc == 0) rc = small(cell(columns, cells, n, COLUMN_ZONE), UINT16_MAX, "zone", &zone, err);
    if (rc == 0) rc = small(cell(columns, cells, n, COLUMN_ROW), UINT16_MAX, "row", &row, err);
    if (rc < 0) return rc;
    for (uint8_t k = 0; source.n && k < PRESENCE_KINDS; k++)
        if (text_is(source, words[k])) r.source = k;
    r.confidence = (uint8_t)confidence;
    r.zone = (uint16_t)zone;
    r.row = (uint16_t)row;
    r.class_of = tracing_class(cell(columns, cells, n, COLUMN_CLASS));
    *ret = r;
    return 0;
}

/* ---- the file */
struct intake {
    struct visits *v;
    struct tracing_import_report *report;
    struct visit *rows;
    size_t n, cap;
    struct sheet_writer *refused;
    const struct sheet_info *about;
    struct text header[REFUSED_COLUMNS];
    struct arena arena;
    size_t n_header;
};

static int batch_load(struct intake *in, struct error *err) {
    uint64_t forgotten = 0;
    int rc = in->n ? visits_load(in->v, in->rows, in->n, &forgotten, err) : 0;
    if (rc == 0) {
        in->report->taken += in->n;
        in->report->forgotten += forgotten;
        in->n = 0;
    }
    return rc;
}

static int row_take(struct intake *in, const struct tracing_row *r, struct error *err) {
    struct visit v = {.start = r->start, .end = r->end, .source = r->source, .confidence = r->confidence, .zone = r->zone, .row = r->row};
    if (in->n == in->cap) {
        size_t cap = in->cap ? in->cap * 2 : 4096;
        struct visit *rows = mem_realloc(in->rows, cap * sizeof *rows);
        if (!rows) return error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足");
        in->rows = rows;
        in->cap = cap;
    }
    int rc = visits_name(in->v, VISITS_PERSON, r->person, &v.person, err);
    if (rc == 0) rc = visits_name(in->v, VISITS_PLACE, r->place, &v.place, err);
    if (rc < 0) return rc;
    if (r->class_of) visits_set_class(in->v, v.place, r->class_of);
    in->rows[in->n++] = v;
    return in->n >= BATCH ? batch_load(in, err) : 0;
}

static int row_refuse(struct intake *in, const struct text *cells, size_t n, const char *errors, const struct error *why, struct error *err) {
    struct text out[REFUSED_COLUMNS + 1] = {{"", 0}};
    char reason[ERROR_MESSAGE_MAX + ERROR_WHERE_MAX + 4];
    int rc = 0;
    in->report->refused++;
    if (!in->refused) {
        rc = sheet_create(errors, in->about, false, &in->refused, err);
        for (size_t i = 0; i < in->n_header; i++) out[i] = in->header[i];
        out[in->n_header] = TEXT("reason");
        if (rc == 0) rc = sheet_header(in->refused, out, in->n_header + 1, err);
        snprintf(in->report->refused_to, sizeof in->report->refused_to, "%s", errors);
    }
    snprintf(reason, sizeof reason, "%s: %s", why->where, why->message);
    for (size_t i = 0; i < in->n_header; i++) out[i] = i < n ? cells[i] : (struct text){"", 0};
    out[in->n_header] = text_of(reason);
    return rc < 0 ? rc : sheet_put(in->refused, out, in->n_header + 1, err);
}

static int rows_read(struct intake *in, struct sheet *sheet, int32_t zone_s, int64_t dwell_s, const char *errors, struct error *err) {
    const struct text *cells;
    size_t n;
    int64_t line;
    bool broken;
    int columns[TRACING_COLUMNS];
    int rc = sheet_next(sheet, &cells, &n, &line, &broken, err);
    if (rc == 0) return error_set(err, E_SYNTAX, NULL, "the file is empty / 文件为空");
    if (rc > 0) rc = tracing_header(cells, n, columns, err);
    for (; rc == 0 && in->n_header < n && in->n_header < REFUSED_COLUMNS; in->n_header++)
        if (!(in->header[in->n_header] = arena_text(&in->arena, cells[in->n_header])).s) return error_set(err, E_MEMORY, NULL, "out of memory / 内存不足");
    while (rc >= 0 && (rc = sheet_next(sheet, &cells, &n, &line, &broken, err)) == 1) {
        struct tracing_row r;
        struct error why = {0};
        in->report->rows++;
        rc = broken ? error_set(&why, E_INVALID, "row", "damaged characters / 字符损坏") : tracing_row(columns, cells, n, zone_s, dwell_s, &r, &why);
        rc = rc < 0 ? row_refuse(in, cells, n, errors, &why, err) : row_take(in, &r, err);
    }
    return rc < 0 ? rc : batch_load(in, err);
}

int tracing_import(struct ledger *l, const struct session *s, struct visits *v, const char *path, const char *errors, struct tracing_import_report *ret, struct error *err) {
    struct tracing_rules rules;
    struct tracing_import_report report = {0};
    struct intake in = {.v = v, .report = &report};
    struct sheet *sheet = NULL;
    char beside[1024], what[160];
    tracing_rules(l, (struct text){"", 0}, s->now, &rules);
    snprintf(beside, sizeof beside, "%s.refused.csv", path);
    int rc = sheet_open(path, NULL, &sheet, err);
    if (rc == 0) {
        in.about = sheet_about(sheet);
        rc = rows_read(&in, sheet, l->zone_s, rules.dwell_s, errors ? errors : beside, err);
    }
    if (in.refused && rc == 0) rc = sheet_finish(in.refused, err);
    else if (in.refused) sheet_abandon(in.refused);
    sheet_close(sheet);
    mem_free(in.rows);
    arena_clear(&in.arena);
    if (rc < 0) return rc;
    snprintf(what, sizeof what, "visits: %llu rows, %llu taken, %llu refused", (unsigned long long)report.rows, (unsigned long long)report.taken, (unsigned long long)report.refused);
    rc = tracing_journal(l, s, JOURNAL_IMPORT, what, err);
    if (rc == 0) *ret = report;
    return rc;
}

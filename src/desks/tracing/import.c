/* Files of visits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/repair.h"
#include "desks/tracing/inside.h"
#include "desks/tracing/told.h"
#include "files/sheet.h"

enum { BATCH = 4 << 20, GROUP = 1024 };

/* Names of provinces, cities and counties, with and without what they are ("武汉市", "武汉"), for routes told in words. */
struct areas {
    struct arena arena;
    struct text *names; /* sorted */
    size_t n, cap;
    bool read;
};

/* ---- the file */
struct intake {
    struct ledger *l;
    struct visits *v;
    bool kinds;                   /* some place on record has a kind */
    struct idmap asked;           /* places whose card was looked for */
    struct tracing_import_report *report;
    struct visit *rows;
    size_t n, cap;
    struct sheet_writer *refused;
    const struct sheet_info *about;
    struct text *header;
    struct arena arena;
    size_t n_header;
    /* rows behind the n whose names have no numbers yet */
    size_t n_group;
    struct buf names;
    uint32_t name_at[2][GROUP], name_n[2][GROUP];
    uint8_t class_of[GROUP];
    bool dwells[GROUP];
    struct tracing_map *map;      /* NULL: one visit a row */
    struct tracing_map plain;     /* that one */
    int columns[TRACING_COLUMNS]; /* of it */
    struct arena joined;          /* of a row: values from several columns */
    const char *file;             /* its name, for lists without numbers of their own */
    int64_t line;
    struct areas areas;
};

static int batch_load(struct intake *in, struct error *err) {
    uint64_t forgotten = 0;
    int rc = in->n ? visits_load(in->v, in->rows, in->n, &forgotten, err) : 0;
    if (rc == 0) {
        in->report->taken += in->n - forgotten;
        in->report->forgotten += forgotten;
        in->n = 0;
    }
    return rc;
}

/* Numbers for the names of a group of rows, all at once. */
static int group_take(struct intake *in, struct error *err) {
    uint32_t ids[2][GROUP];
    struct text names[2][GROUP];
    int rc = 0;
    for (size_t i = 0; i < in->n_group; i++)
        for (int k = 0; k < 2; k++) names[k][i] = (struct text){in->names.s + in->name_at[k][i], in->name_n[k][i]};
    for (int k = 0; rc == 0 && k < 2; k++) rc = visits_names(in->v, k ? VISITS_PLACE : VISITS_PERSON, names[k], in->n_group, ids[k], err);
    for (size_t i = 0; rc == 0 && i < in->n_group; i++) {
        struct visit *v = &in->rows[in->n + i];
        v->person = ids[0][i];
        v->place = ids[1][i];
        if (in->class_of[i]) visits_set_class(in->v, v->place, in->class_of[i]);
        else if (in->kinds && !visits_class(in->v, v->place)) {
            bool made;
            if (!idmap_put(&in->asked, &in->arena, v->place, &made)) return error_memory(err);
            if (made && (rc = tracing_place_learn(in->l, in->v, v->place, err)) < 0) return rc;
        }
        if (in->dwells[i]) tracing_dwell(&in->plain.how, in->v, v);
    }
    if (rc < 0) return rc;
    in->n += in->n_group;
    in->n_group = 0;
    buf_reset(&in->names);
    return in->n >= BATCH ? batch_load(in, err) : 0;
}

static int row_take(struct intake *in, const struct tracing_row *r, struct error *err) {
    if (!mem_room(&in->rows, &in->cap, in->n + GROUP, sizeof *in->rows)) return error_memory(err);
    const struct text names[2] = {r->person, r->place};
    for (int k = 0; k < 2; k++) {
        in->name_at[k][in->n_group] = (uint32_t)in->names.n;
        in->name_n[k][in->n_group] = (uint32_t)names[k].n;
        int rc = buf_text(&in->names, names[k]);
        if (rc < 0) return error_set(err, rc, NULL, "no memory for names / 内存不足");
    }
    in->class_of[in->n_group] = r->class_of;
    in->dwells[in->n_group] = r->dwells;
    in->rows[in->n + in->n_group] = (struct visit){.start = r->start, .end = r->end, .source = r->source, .confidence = r->confidence, .zone = r->zone, .row = r->row};
    return ++in->n_group == GROUP ? group_take(in, err) : 0;
}

/* The row as it is, behind it its line and why; a row longer than the header keeps its cells. */
static int row_refuse(struct intake *in, const struct text *cells, size_t n, const char *errors, const struct error *why, struct error *err) {
    struct text out[SHEET_COLUMNS_MAX];
    char reason[ERROR_MESSAGE_MAX + ERROR_WHERE_MAX + 4], line[24];
    size_t width = in->n_header;
    int rc = 0;
    in->report->refused++;
    if (!in->refused) {
        rc = sheet_create(errors, in->about, false, &in->refused, err);
        if (rc < 0) return rc;
        for (size_t i = 0; i < width; i++) out[i] = in->header[i];
        out[width] = TEXT("line");
        out[width + 1] = TEXT("reason");
        rc = sheet_header(in->refused, out, width + 2, err);
        snprintf(in->report->refused_to, sizeof in->report->refused_to, "%s", errors);
    }
    if (n > width) width = n < SHEET_COLUMNS_MAX - 2 ? n : SHEET_COLUMNS_MAX - 2;
    snprintf(reason, sizeof reason, "%s: %s", why->where, why->message);
    snprintf(line, sizeof line, "%lld", (long long)in->line);
    for (size_t i = 0; i < width; i++) out[i] = i < n ? sheet_fitting(in->refused, cells[i]) : (struct text){"", 0};
    out[width] = text_of(line);
    out[width + 1] = text_of(reason);
    return rc < 0 ? rc : sheet_put(in->refused, out, width + 2, err);
}

/* A visit, or both sides of one proximity. */
static int visit_take(struct intake *in, const struct tracing_row *r, struct error *err) {
    if (r->far) {
        in->report->far++;
        return 0;
    }
    int rc = row_take(in, r, err);
    if (rc < 0 || !r->other.n) return rc;
    struct tracing_row second = *r;
    second.person = r->other;
    second.place = text_of(second.pair);
    return row_take(in, &second, err);
}

static bool nothing(const struct tracing_map *m, struct text t) {
    for (size_t i = 0; i < m->n_nothing; i++)
        if (text_eq(t, m->nothing[i])) return true;
    return tracing_says_nothing(t);
}

/* What stands in a column, or in several with a space between. */
static int mapped(struct intake *in, const struct tracing_cell *k, const struct text *cells, size_t n, struct text *ret, struct error *err) {
    struct buf b = {0};
    *ret = (struct text){"", 0};
    for (size_t i = 0; i < k->n; i++) {
        struct text t = k->at[i] >= 0 && (size_t)k->at[i] < n ? text_trim(cells[k->at[i]]) : (struct text){"", 0};
        if (nothing(in->map, t)) continue;
        if (k->n == 1) {
            *ret = t;
            return 0;
        }
        if (b.n) buf_char(&b, ' ');
        buf_text(&b, t);
    }
    if (b.n && !b.failed) *ret = arena_text(&in->joined, buf_view(&b));
    bool failed = b.failed || !ret->s;
    buf_clear(&b);
    return failed ? error_memory(err) : 0;
}

/* The bytes before the next separator (a character of `split`) of *rest; moves *rest behind it. */
static struct text piece_next(struct text *rest, struct text split) {
    for (size_t i = 0; i < rest->n; i++)
        for (size_t k = 0, w; k < split.n; k += w) {
            for (w = 1; k + w < split.n && ((uint8_t)split.s[k + w] & 0xc0) == 0x80; w++) continue;
            if (i + w > rest->n || memcmp(rest->s + i, split.s + k, w) != 0) continue;
            struct text piece = {rest->s, i};
            *rest = (struct text){rest->s + i + w, rest->n - i - w};
            return text_trim(piece);
        }
    struct text piece = text_trim(*rest);
    *rest = (struct text){"", 0};
    return piece;
}

/* ---- routes told in words */
static int by_text(const void *a, const void *b) {
    return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

static int area_add(struct areas *a, struct text t) {
    if (!mem_room(&a->names, &a->cap, a->n + 1, sizeof *a->names)) return E_MEMORY;
    a->names[a->n] = arena_text(&a->arena, t);
    return a->names[a->n++].s ? 0 : E_MEMORY;
}

static int areas_read(struct ledger *l, struct areas *a, struct error *err) {
    static const char *const kinds[] = {"特别行政区", "自治区", "自治州", "自治县", "地区", "省", "市", "区", "县", "盟", "旗"};
    struct db_cursor *c = NULL;
    const struct value *v;
    int rc = db_query(l->db, "SELECT title FROM region WHERE level <= 3", NULL, 0, &c, err);
    while (rc == 0 && (rc = db_next(c, &v, err)) > 0) {
        struct text t = value_view(v[0]);
        rc = area_add(a, t);
        for (size_t k = 0; rc == 0 && k < sizeof kinds / sizeof *kinds; k++) {
            size_t n = strlen(kinds[k]);
            if (t.n < n + 6 || memcmp(t.s + t.n - n, kinds[k], n) != 0) continue; /* two characters are left at least */
            rc = area_add(a, (struct text){t.s, t.n - n});
            break;
        }
    }
    db_cursor_close(c);
    if (rc == E_MEMORY) error_memory(err);
    if (a->n) qsort(a->names, a->n, sizeof *a->names, by_text);
    a->read = rc == 0;
    return rc;
}

struct told_row {
    struct intake *in;
    struct text person;
    uint64_t taken;
    struct error *err;
};

static int told_take(const struct told_stop *s, void *arg) {
    struct told_row *t = arg;
    struct tracing_row r = {.person = t->person, .place = s->place, .start = s->start, .end = s->end, .source = s->zone || s->row ? PRESENCE_SEAT : PRESENCE_TOLD, .confidence = s->confidence,
                            .class_of = s->class_of, .zone = s->zone, .row = s->row};
    if (!r.class_of && bsearch(&s->place, t->in->areas.names, t->in->areas.n, sizeof s->place, by_text)) r.class_of = tracing_class(TEXT("area"));
    if (!r.class_of) return 0; /* neither its name nor the register of regions says that it is a place */
    int rc = visit_take(t->in, &r, t->err);
    t->taken += rc == 0;
    return rc;
}

/* The route of a row in words; *ret_taken stops of it. E_INVALID in why: nothing says when it was told. */
static int route_take(struct intake *in, size_t g, struct text person, const struct text *cells, size_t n, uint64_t *ret_taken, struct error *why, struct error *err) {
    const struct tracing_map *m = in->map;
    const struct tracing_telling *told = &m->told[g];
    struct text t = told->route_at >= 0 && (size_t)told->route_at < n ? text_trim(cells[told->route_at]) : (struct text){"", 0};
    struct text by = told->by_at >= 0 && (size_t)told->by_at < n ? text_trim(cells[told->by_at]) : (struct text){"", 0};
    struct told_how how = {.zone_s = m->how.zone_s, .by = m->by, .dwell_s = m->how.dwell_s};
    struct told_row row = {.in = in, .person = person, .err = err};
    struct arena a = {0};
    unsigned done;
    if (nothing(m, t)) return 0;
    if (!tracing_day(&m->how, by, &how.by) && how.by == DAY_MIN) return error_set(why, E_INVALID, "by", "nothing says when the route was told / 缺少报告日期");
    int rc = repair_cell(t, REPAIR_PROSE | REPAIR_SIMPLIFIED, &a, &t, &done);
    if (rc == E_UNSUPPORTED) rc = repair_cell(t, REPAIR_PROSE, &a, &t, &done); /* without the tables of OpenCC: as written */
    if (rc == 0) rc = told_read(&how, t, told_take, &row);
    else error_set(err, rc, NULL, "out of memory / 内存不足");
    arena_clear(&a);
    *ret_taken += row.taken;
    return rc;
}

/* One person of a group of columns at each of its places. 0; E_INVALID with why; other errors in err. */
static int places_take(struct intake *in, const struct text own[TRACING_COLUMNS], uint64_t *ret_taken, struct error *why, struct error *err) {
    const struct tracing_map *m = in->map;
    struct text one[TRACING_COLUMNS], rest = own[COLUMN_PLACE];
    int columns[TRACING_COLUMNS], rc = 0;
    for (int c = 0; c < TRACING_COLUMNS; c++) columns[c] = c, one[c] = own[c];
    columns[COLUMN_OTHER] = own[COLUMN_OTHER].n ? COLUMN_OTHER : -1;
    do {
        struct tracing_row r;
        one[COLUMN_PLACE] = piece_next(&rest, m->split);
        if (nothing(m, one[COLUMN_PLACE]) && !own[COLUMN_OTHER].n) continue;
        rc = tracing_row_read(&m->how, columns, one, TRACING_COLUMNS, &r, why);
        if (rc == 0 && visit_take(in, &r, err) < 0) return err && err->code ? err->code : E_MEMORY;
        *ret_taken += rc == 0;
    } while (rc == 0 && rest.n);
    return rc;
}

/* All visits of a mapped row: groups of columns without a place or a time are none; *ret_taken of them. */
static int mapped_take(struct intake *in, const struct text *cells, size_t n, uint64_t *ret_taken, struct error *why, struct error *err) {
    const struct tracing_map *m = in->map;
    struct text own[TRACING_COLUMNS];
    char number[VISITS_NAME_MAX + 1];
    int rc = 0;
    arena_reset(&in->joined);
    for (size_t g = 0; rc == 0 && g < m->n; g++) {
        for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) rc = mapped(in, &m->cells[g][c], cells, n, &own[c], err);
        if (rc < 0) return rc;
        if (text_is(m->cells[g][COLUMN_PERSON].names[0], TRACING_NUMBERED)) {
            snprintf(number, sizeof number, "%.160s#%lld", in->file, (long long)in->line);
            own[COLUMN_PERSON] = text_of(number);
        }
        if (m->told[g].route_at >= 0) {
            if (!own[COLUMN_PERSON].n || own[COLUMN_PERSON].n > VISITS_NAME_MAX) rc = error_set(why, E_INVALID, "person", "empty or too long / 为空或过长");
            else rc = route_take(in, g, own[COLUMN_PERSON], cells, n, ret_taken, why, err);
            if (rc < 0 && !why->code) return rc;
            continue;
        }
        if (!own[COLUMN_START].n && !own[COLUMN_END].n) continue;
        if (!own[COLUMN_PLACE].n && !own[COLUMN_OTHER].n) continue;
        struct text people = own[COLUMN_PERSON];
        do {
            own[COLUMN_PERSON] = piece_next(&people, m->people);
            if (!own[COLUMN_PERSON].n && people.n) continue; /* two separators together */
            rc = places_take(in, own, ret_taken, why, err);
            if (rc < 0 && rc != E_INVALID) return rc;
        } while (rc == 0 && people.n);
    }
    return rc == E_INVALID ? 1 : rc;
}

/* Where things stand in the table; `cells` is its first row. */
static int header_read(struct ledger *l, struct intake *in, const struct text *cells, size_t n, struct error *err) {
    struct tracing_map *m = &in->plain;
    int rc = 0, person;
    char number[24];
    if (in->map) rc = tracing_map_header(in->map, cells, n, err);
    else if (tracing_header_told(cells, n, &person, &m->told[0])) {
        m->cells[0][COLUMN_PERSON] = (struct tracing_cell){.at = {person}, .n = 1};
        m->n = 1;
        in->map = m;
    } else rc = tracing_header(cells, n, in->columns, err);
    if (rc == 0 && in->map && !in->areas.read) rc = areas_read(l, &in->areas, err);
    if (rc == 0 && !(in->header = arena_alloc(&in->arena, (n + 1) * sizeof *in->header))) return error_memory(err);
    for (; rc == 0 && in->n_header < n && in->n_header < SHEET_COLUMNS_MAX - 2; in->n_header++) {
        snprintf(number, sizeof number, "%zu", in->n_header + 1);
        if (!(in->header[in->n_header] = arena_text(&in->arena, in->map && in->map->headless ? text_of(number) : cells[in->n_header])).s) return error_memory(err);
    }
    return rc;
}

/* One row, taken or refused. */
static int table_row(struct intake *in, const struct text *cells, size_t n, bool broken, const char *errors, struct error *err) {
    struct tracing_row r;
    struct error why = {0};
    uint64_t taken = 0;
    int rc;
    in->report->rows++;
    bool headless = in->map && in->map->headless;
    if (broken) rc = error_set(&why, E_INVALID, "row", "bytes that do not decode, a NUL, a quote left open, or too large / 有不能解码的字节、空字符、未闭合的引号,或该行过大");
    else rc = headless ? 0 : tracing_row_whole(cells, n, in->n_header, &why);
    bool readable = rc == 0;
    if (readable && in->map) rc = mapped_take(in, cells, n, &taken, &why, err);
    else if (readable) rc = tracing_row_read(&in->plain.how, in->columns, cells, n, &r, &why);
    if (in->map && readable) {
        if (rc < 0) return rc;
        in->report->without += rc == 0 && !taken;
        return rc == 1 ? row_refuse(in, cells, n, errors, &why, err) : rc;
    }
    return rc < 0 ? row_refuse(in, cells, n, errors, &why, err) : visit_take(in, &r, err);
}

static int rows_read(struct ledger *l, struct intake *in, struct sheet *sheet, const char *errors, struct error *err) {
    const struct text *cells;
    size_t n;
    bool broken;
    int rc = sheet_next(sheet, &cells, &n, &in->line, &broken, err);
    if (rc == 0) return error_set(err, E_SYNTAX, NULL, "the file is empty / 文件为空");
    if (rc > 0) rc = header_read(l, in, cells, n, err);
    if (rc == 0 && in->map && in->map->headless) rc = table_row(in, cells, n, broken, errors, err);
    while (rc >= 0 && (rc = sheet_next(sheet, &cells, &n, &in->line, &broken, err)) == 1) rc = table_row(in, cells, n, broken, errors, err);
    if (rc >= 0) rc = group_take(in, err);
    return rc < 0 ? rc : batch_load(in, err);
}

int tracing_import(struct ledger *l, const struct session *s, struct visits *v, const char *path, const char *errors, struct tracing_import_report *ret, struct error *err) {
    return tracing_import_mapped(l, s, v, path, NULL, errors, ret, err);
}

int tracing_import_mapped(struct ledger *l, const struct session *s, struct visits *v, const char *path, const char *map, const char *errors, struct tracing_import_report *ret,
                          struct error *err) {
    struct tracing_import_report report = {0};
    struct intake *in = mem_alloc(sizeof *in);
    struct tracing_map read = {.interval_s = -1};
    struct sheet_options shape = {0};
    struct sheet *sheet = NULL;
    char beside[1024], what[160];
    if (!in) return error_set(err, E_MEMORY, NULL, "no memory for visits / 内存不足");
    int rc = map ? tracing_map_read(map, l->zone_s, &read, err) : 0;
    struct tracing_how how;
    tracing_how_of(l, s->now, &how);
    struct value any = value_null();
    in->l = l;
    in->v = v;
    in->report = &report;
    if (rc == 0 && register_find(l->catalog, TEXT("place")) && register_field(register_find(l->catalog, TEXT("place")), TEXT("kind")) >= 0)
        rc = db_scalar(l->db, &in->arena, "SELECT id FROM place WHERE kind IS NOT NULL LIMIT 1", NULL, 0, &any, err);
    in->kinds = any.kind == VALUE_INT;
    if (rc > 0) rc = 0;
    in->plain.how = how;
    in->plain.by = DAY_MIN;
    in->file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    snprintf(beside, sizeof beside, "%s.refused.csv", path);
    if (rc == 0 && map) {
        memcpy(read.how.dwell_s, how.dwell_s, sizeof how.dwell_s);
        read.how.near_m = how.near_m, read.how.kinds = how.kinds, read.how.latest = how.latest;
        read.how.near_s = read.interval_s >= 0 ? read.interval_s : how.near_s;
        in->map = &read;
        shape.delimiter = read.delimiter;
    }
    if (rc == 0) rc = sheet_open(path, &shape, &sheet, err);
    if (rc == 0) {
        in->about = sheet_about(sheet);
        rc = rows_read(l, in, sheet, errors ? errors : beside, err);
    }
    if (in->refused && rc == 0) rc = sheet_finish(in->refused, err);
    else if (in->refused) sheet_abandon(in->refused);
    sheet_close(sheet);
    mem_free(in->rows);
    buf_clear(&in->names);
    arena_clear(&in->arena);
    arena_clear(&in->joined);
    arena_clear(&in->areas.arena);
    mem_free(in->areas.names);
    mem_free(in);
    tracing_map_clear(&read);
    if (rc < 0) return rc;
    snprintf(what, sizeof what, "visits: %llu rows, %llu taken, %llu refused", (unsigned long long)report.rows, (unsigned long long)report.taken, (unsigned long long)report.refused);
    rc = tracing_journal(l, s, JOURNAL_IMPORT, what, err);
    if (rc == 0) *ret = report;
    return rc;
}

/* Records into CSV, XLSX and JSON; templates. */
#include "desks/export/export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "files/sheet.h"
#include "files/xlsx_stream.h"

enum { COLUMNS_MAX = 300, SYSTEM_N = 5 };
static const char *const system_names[SYSTEM_N] = {"id", "number", "state", "region", "tocsin_node"};
static const char *const system_zh[SYSTEM_N] = {"编号", "号码", "状态", "行政区划", "警钟节点"};
static const char *const system_en[SYSTEM_N] = {"Id", "Number", "State", "Region", "Tocsin node"};

enum column_side { SIDE_SYSTEM, SIDE_OWN, SIDE_PERSON };
struct column {
    enum column_side side;
    int at; /* system index or field */
    struct text header;
};

struct exporter {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct register_decl *reg, *person;
    const struct export_options *o;
    struct export_names *names;
    char node[LEDGER_NODE_BYTES];
    struct sheet_writer *sheet;
    FILE *json;
    struct buf *out; /* of a piece, instead of sheet: CSV, or with book XLSX */
    struct xlsx_stream *book;
    size_t n;
    struct column columns[COLUMNS_MAX];
    bool wants_person;
    struct arena columns_arena, row_arena;
    struct buf cells;
    int64_t rows;
    struct error *err;
};

/* ---- which columns */

static const struct field *column_field(const struct exporter *x, const struct column *c) {
    return c->side == SIDE_OWN ? &x->reg->fields[c->at] : c->side == SIDE_PERSON ? &x->person->fields[c->at] : NULL;
}

static int column_add(struct exporter *x, enum column_side side, int at) {
    if (x->n == COLUMNS_MAX) return error_set(x->err, E_TOO_LARGE, NULL, "more than %d columns", COLUMNS_MAX);
    struct column *c = &x->columns[x->n];
    *c = (struct column){.side = side, .at = at};
    const struct field *f = column_field(x, c);
    if (f && x->o->titles) c->header = x->o->zh ? f->zh : f->en;
    else if (f && side == SIDE_PERSON && register_field(x->reg, f->name) >= 0)
        c->header = arena_words(&x->columns_arena, "person.%.*s", (int)f->name.n, f->name.s); /* both have it: tell them apart */
    else if (f) c->header = f->name;
    else c->header = text_of(!x->o->titles ? system_names[at] : x->o->zh ? system_zh[at] : system_en[at]);
    x->wants_person |= side == SIDE_PERSON;
    x->n++;
    return c->header.s ? 0 : error_memory(x->err);
}

static int columns_all(struct exporter *x) {
    int rc = 0;
    for (int i = 0; rc == 0 && i < SYSTEM_N; i++)
        if (i != 1 || x->reg->number_mask.n) rc = column_add(x, SIDE_SYSTEM, i);
    for (size_t i = 0; rc == 0 && i < x->reg->n_fields; i++)
        if (!x->reg->fields[i].sealed || x->o->open) rc = column_add(x, SIDE_OWN, (int)i);
    for (size_t i = 0; rc == 0 && x->person && i < x->person->n_fields; i++)
        if ((!x->person->fields[i].sealed || x->o->open) && !text_is(x->person->fields[i].name, "merged_into")) rc = column_add(x, SIDE_PERSON, (int)i);
    return rc;
}

static int column_named(struct exporter *x, struct text name) {
    for (int i = 0; i < SYSTEM_N; i++)
        if (text_is(name, system_names[i])) return column_add(x, SIDE_SYSTEM, i);
    struct text prefix = TEXT("person.");
    enum column_side side = SIDE_OWN;
    int at = register_field(x->reg, name);
    if (at < 0 && x->person) {
        side = SIDE_PERSON;
        at = register_field(x->person, text_starts(name, prefix) ? (struct text){name.s + prefix.n, name.n - prefix.n} : name);
    }
    if (at < 0) {
        error_set(x->err, E_UNKNOWN, "columns", "%.*s has no field \"%.*s\" / 没有该字段", (int)x->reg->name.n, x->reg->name.s, (int)(name.n < 60 ? name.n : 60), name.s);
        register_field_near(x->reg, name, x->err);
        return E_UNKNOWN;
    }
    const struct field *f = side == SIDE_OWN ? &x->reg->fields[at] : &x->person->fields[at];
    if (f->sealed && !x->o->open) return error_set(x->err, E_DENIED, "columns", "\"%.*s\" is sealed: it needs --open and a purpose / 是加密字段,须 --open 并说明目的", (int)f->name.n, f->name.s);
    return column_add(x, side, at);
}

static int columns_choose(struct exporter *x) {
    if (!x->o->columns) return columns_all(x);
    int rc = 0;
    for (const char *p = x->o->columns; rc == 0 && p;) {
        const char *comma = strchr(p, ',');
        struct text name = text_trim((struct text){p, comma ? (size_t)(comma - p) : strlen(p)});
        if (name.n) rc = column_named(x, name);
        p = comma ? comma + 1 : NULL;
    }
    if (rc == 0 && !x->n) return error_set(x->err, E_USAGE, "columns", "no column is named / 未指明字段");
    return rc;
}

/* ---- rows */

static int cell_text(struct exporter *x, const struct column *c, const struct record *r, const struct record *p) {
    if (c->side == SIDE_SYSTEM) {
        if (c->at == 0) return buf_int(&x->cells, r->id);
        return buf_text(&x->cells, c->at == 1 ? r->number : c->at == 2 ? r->state : c->at == 3 ? r->region : text_of(x->node));
    }
    const struct record *of = c->side == SIDE_OWN ? r : p;
    const struct field *f = column_field(x, c);
    if (!of || !value_given(of->values[c->at])) return 0;
    struct value v = of->values[c->at];
    if (f->type == FIELD_REFERENCE) {
        struct text name;
        int rc = export_name(x->names, f->target, value_int_or(v, 0), &name, x->err);
        return rc < 0 ? rc : buf_text(&x->cells, name);
    }
    return x->o->titles ? field_display(f, v, x->l->zone_s, x->o->zh, &x->cells) : field_format(f, v, x->l->zone_s, &x->cells);
}

static json_t *cell_json(const struct exporter *x, const struct column *c, struct value v, struct text t) {
    const struct field *f = column_field(x, c);
    if (!t.n) return json_null();
    if (c->side == SIDE_SYSTEM) return c->at == 0 ? json_integer(v.i) : json_stringn(t.s, t.n);
    if (f->type == FIELD_BOOLEAN && v.kind == VALUE_INT) return json_boolean(v.i != 0);
    if ((f->type == FIELD_INTEGER || f->type == FIELD_DURATION) && v.kind == VALUE_INT) return json_integer(v.i);
    return json_stringn(t.s, t.n);
}

static int row_json(struct exporter *x, const struct record *r, const struct record *p, const struct text *cells) {
    json_t *o = json_object();
    if (!o) return error_set(x->err, E_MEMORY, NULL, "out of memory for JSON");
    for (size_t k = 0; k < x->n; k++) {
        const struct column *c = &x->columns[k];
        const struct record *of = c->side == SIDE_PERSON ? p : r;
        struct value v = c->side == SIDE_SYSTEM ? value_int(r->id) : of ? of->values[c->at] : value_null();
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)c->header.n, c->header.s);
        json_object_set_new(o, name, cell_json(x, c, v, cells[k]));
    }
    fputs(x->rows ? ",\n" : "\n", x->json);
    int failed = json_dumpf(o, x->json, JSON_COMPACT);
    json_decref(o);
    return failed ? error_set(x->err, E_IO, NULL, "the JSON could not be written") : 0;
}

/* Sealed cells in the clear, and the look at them in the journal. */
int export_open(struct ledger *l, struct db *db, const struct session *s, const struct export_options *o, struct record *r, struct arena *a, struct error *err) {
    int rc = record_open(l, db, s, r, a, err);
    if (rc == E_UNKNOWN) { /* erased: nothing to see, nothing to journal */
        if (err) *err = (struct error){0};
        return 0;
    }
    if (rc < 0) return rc;
    return o->opened ? o->opened(r->reg, r->id, o->opened_arg, err) : ledger_opened(l, s, r->reg, r->id, err);
}

static int open_sealed(struct exporter *x, struct record *r) {
    return export_open(x->l, x->db, x->s, x->o, r, &x->row_arena, x->err);
}

static int row_put(struct exporter *x, const struct record *r, const struct record *p, const struct text *cells) {
    if (x->json) return row_json(x, r, p, cells);
    if (x->book) return xlsx_stream_row(x->book, cells, x->n, x->out, x->err);
    return x->out ? sheet_csv_row(x->out, cells, x->n, ',', true, false) : sheet_put(x->sheet, cells, x->n, x->err);
}

static int row_export(const struct record *seen, void *arg) {
    struct exporter *x = arg;
    struct record own = *seen, person = {0}, *p = NULL;
    struct text cells[COLUMNS_MAX];
    size_t starts[COLUMNS_MAX + 1];
    int rc = 0;
    arena_reset(&x->row_arena);
    buf_reset(&x->cells);
    int64_t person_id = x->wants_person ? value_int_or(own.values[x->reg->person_field], 0) : 0;
    if (x->o->open) {
        /* a copy: the visitor's values are borrowed */
        struct value *copy = arena_alloc(&x->row_arena, (x->reg->n_fields + 1) * sizeof *copy);
        if (!copy) return error_set(x->err, E_MEMORY, NULL, "out of memory for a record");
        memcpy(copy, own.values, x->reg->n_fields * sizeof *copy);
        own.values = copy;
        rc = open_sealed(x, &own);
    }
    if (rc == 0 && person_id) {
        struct error unseen = {0};
        int got = record_get(x->l, x->db, x->s, x->person, person_id, &x->row_arena, &person, &unseen);
        if (got == 0) p = &person;
        else if (got != E_UNKNOWN && got != E_DENIED) rc = error_set(x->err, got, unseen.where, "%s", unseen.message);
        if (p && x->o->open) rc = open_sealed(x, p);
    }
    for (size_t k = 0; rc == 0 && k < x->n; k++) {
        starts[k] = x->cells.n;
        rc = cell_text(x, &x->columns[k], &own, p);
    }
    if (rc == 0 && x->cells.failed) rc = x->cells.failed;
    if (rc < 0) return error_set(x->err, rc, NULL, "a row could not be written");
    starts[x->n] = x->cells.n;
    for (size_t k = 0; k < x->n; k++) cells[k] = (struct text){x->cells.s ? x->cells.s + starts[k] : "", starts[k + 1] - starts[k]};
    rc = row_put(x, &own, p, cells);
    if (rc == 0) x->rows++;
    return rc;
}

static int sheet_start(struct exporter *x, const char *path) {
    struct sheet_info about = {.format = x->o->format == EXPORT_XLSX ? SHEET_XLSX : SHEET_CSV, .encoding = "UTF-8", .delimiter = ',', .bom = x->o->titles};
    struct text headers[COLUMNS_MAX];
    snprintf(about.sheet, sizeof about.sheet, "%.*s", (int)(x->o->zh ? x->reg->zh.n : x->reg->en.n), x->o->zh ? x->reg->zh.s : x->reg->en.s);
    int rc = sheet_create(path, &about, true, &x->sheet, x->err);
    for (size_t k = 0; k < x->n; k++) headers[k] = x->columns[k].header;
    if (rc == 0) rc = about.format == SHEET_XLSX ? sheet_header(x->sheet, headers, x->n, x->err) : sheet_put(x->sheet, headers, x->n, x->err);
    return rc;
}

static int json_start(struct exporter *x, const char *path) {
    x->json = strcmp(path, "-") ? fopen(path, "wb") : stdout;
    if (!x->json) return error_set(x->err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
    fputs("[", x->json);
    return 0;
}

static int json_end(struct exporter *x, const char *path) {
    fputs("\n]\n", x->json);
    int failed = fflush(x->json) | ferror(x->json);
    if (x->json != stdout) failed |= fclose(x->json);
    x->json = NULL;
    return failed ? error_set(x->err, error_from_errno(), path, "could not be written whole / 未能完整写入") : 0;
}

int export_allowed(const struct ledger *l, const struct session *s, const struct register_decl *reg, const struct export_options *o, struct error *err) {
    if (o->open && !s->purpose.n) return error_set(err, E_DENIED, "--purpose", "opening sealed fields needs a purpose / 查看加密字段须说明目的");
    return access_anywhere(s, ACCESS_READ, reg) ? 0 : access_check(s, ACCESS_READ, reg, l->region, err);
}

static int exporter_new(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                        struct exporter **ret, struct error *err) {
    struct exporter *x = mem_alloc(sizeof *x);
    if (!x) return error_set(err, E_MEMORY, NULL, "out of memory for an export");
    *x = (struct exporter){.l = l, .db = db, .s = s, .reg = reg, .o = o, .err = err};
    ledger_node(l, x->node);
    if (reg->person_field >= 0) x->person = register_find(l->catalog, reg->fields[reg->person_field].target);
    int rc = export_allowed(l, s, reg, o, err);
    if (rc == 0) rc = columns_choose(x);
    if (rc == 0) rc = export_names_new(l, db, s, &x->names, err);
    *ret = x;
    return rc;
}

static void exporter_free(struct exporter *x) {
    if (!x) return;
    if (x->sheet) sheet_abandon(x->sheet);
    if (x->json && x->json != stdout) fclose(x->json);
    export_names_free(x->names);
    buf_clear(&x->cells);
    arena_clear(&x->columns_arena);
    arena_clear(&x->row_arena);
    mem_free(x);
}

int export_records(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                   const char *path, int64_t *ret_rows, struct error *err) {
    if (o->format == EXPORT_LINELIST || o->format == EXPORT_EPICONTACTS) return export_linelist(l, db, s, reg, o, path, ret_rows, err);
    if (o->format == EXPORT_XLSX && !strcmp(path, "-")) return error_set(err, E_USAGE, "--out", "a workbook needs a file to go to / XLSX 须写入文件: --out FILE");
    struct exporter *x = NULL;
    struct record_filter filter = {.where = o->where, .region = o->region};
    int rc = exporter_new(l, db, s, reg, o, &x, err);
    if (rc == 0) rc = o->format == EXPORT_JSON ? json_start(x, path) : sheet_start(x, path);
    if (rc == 0) rc = o->query ? list_walk(l, db, s, o->query, 0, 0, row_export, x, NULL, err) : record_list(l, db, s, reg, &filter, row_export, x, err);
    if (rc == 0) {
        rc = x->json ? json_end(x, path) : sheet_finish(x->sheet, err);
        x->sheet = NULL;
    }
    if (rc == 0 && ret_rows) *ret_rows = x->rows;
    exporter_free(x);
    return rc;
}

/* ---- piece by piece */

void export_place_clear(struct export_place *at) {
    xlsx_stream_free(at->book);
    at->book = NULL;
}

static int piece_start(struct exporter *x, struct export_place *at, struct buf *out) {
    if (x->o->format == EXPORT_JSON) {
        if (!at->begun) buf_char(out, '[');
        return 0;
    }
    x->out = out;
    struct text headers[COLUMNS_MAX];
    for (size_t k = 0; k < x->n; k++) headers[k] = x->columns[k].header;
    if (x->o->format == EXPORT_XLSX) {
        char sheet[128];
        struct text title = x->o->zh ? x->reg->zh : x->reg->en;
        snprintf(sheet, sizeof sheet, "%.*s", (int)title.n, title.s);
        int rc = at->book ? 0 : xlsx_stream_new(sheet, headers, x->n, &at->book, x->err);
        x->book = at->book;
        return rc;
    }
    if (at->begun || at->headless) return 0;
    if (x->o->bom) buf_str(out, "\xEF\xBB\xBF");
    return sheet_csv_row(out, headers, x->n, ',', true, false);
}

int export_piece(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                 struct export_place *at, size_t rows, struct buf *out, struct error *err) {
    if (o->format == EXPORT_LINELIST || o->format == EXPORT_EPICONTACTS) return export_linelist_piece(l, db, s, reg, o, at, rows, out, err);
    struct exporter *x = NULL;
    char *json = NULL;
    size_t json_n = 0;
    int rc = exporter_new(l, db, s, reg, o, &x, err);
    if (rc == 0) rc = piece_start(x, at, out);
    if (rc == 0 && o->format == EXPORT_JSON && !(x->json = open_memstream(&json, &json_n))) rc = error_set(err, E_MEMORY, NULL, "out of memory for JSON");
    int64_t before = x ? (x->rows = at->rows) : 0;
    if (rc == 0) rc = list_walk(l, db, s, o->query, at->after, rows, row_export, x, &at->after, err);
    if (rc == 0) {
        at->end = x->rows - before < (int64_t)rows;
        at->rows = x->rows;
        at->begun = true;
    }
    if (rc == 0 && x->book && at->end) rc = xlsx_stream_end(x->book, out, err);
    if (x && x->json) {
        if (fclose(x->json) != 0 && rc == 0) rc = error_set(err, E_MEMORY, NULL, "out of memory for JSON");
        x->json = NULL;
        if (rc == 0) buf_add(out, json, json_n);
        mem_free(json);
        if (rc == 0 && at->end) buf_str(out, "\n]\n");
    }
    if (rc == 0 && out->failed) rc = error_set(err, out->failed, NULL, "a piece of an export does not fit into memory / 内存不足,导出中断");
    exporter_free(x);
    return rc;
}

/* ---- templates */

size_t export_template_fields(const struct catalog *c, const struct register_decl *reg, const struct field **out, size_t max) {
    const struct register_decl *person = reg->person_field < 0 ? NULL : register_find(c, reg->fields[reg->person_field].target);
    size_t n = 0;
    for (size_t i = 0; person && i < person->n_fields && n < max; i++)
        if (person->fields[i].type != FIELD_REFERENCE) out[n++] = &person->fields[i];
    for (size_t i = 0; i < reg->n_fields && n < max; i++)
        if ((int)i != reg->person_field) out[n++] = &reg->fields[i];
    return n;
}

int export_template(const struct catalog *c, const struct register_decl *reg, enum export_format format, bool zh, const char *path, struct error *err) {
    enum { CHOICES_MAX = 400 };
    struct sheet_info about = {.format = format == EXPORT_XLSX ? SHEET_XLSX : SHEET_CSV, .encoding = "UTF-8", .delimiter = ',', .bom = true};
    const struct field *fields[COLUMNS_MAX];
    struct text headers[COLUMNS_MAX + 1];
    struct sheet_writer *w = NULL;
    size_t n = export_template_fields(c, reg, fields, COLUMNS_MAX);
    if (format != EXPORT_XLSX && format != EXPORT_CSV) return error_set(err, E_USAGE, "--format", "a template is xlsx or csv / 填报表为 xlsx 或 csv");
    if (format == EXPORT_XLSX && !strcmp(path, "-")) return error_set(err, E_USAGE, "--out", "a workbook needs a file to go to / XLSX 须写入文件: --out FILE");
    snprintf(about.sheet, sizeof about.sheet, "%.*s", (int)(zh ? reg->zh.n : reg->en.n), zh ? reg->zh.s : reg->en.s);
    int rc = sheet_create(path, &about, true, &w, err);
    for (size_t i = 0; i < n; i++) headers[i] = zh ? fields[i]->zh : fields[i]->en;
    if (rc == 0 && reg->region_field < 0) headers[n++] = zh ? TEXT("行政区划") : TEXT("region");
    if (rc == 0) rc = format == EXPORT_XLSX ? sheet_header(w, headers, n, err) : sheet_put(w, headers, n, err);
    for (size_t i = 0; rc == 0 && format == EXPORT_XLSX && i < n - (reg->region_field < 0); i++) {
        struct text choices[CHOICES_MAX];
        const struct codelist *list = fields[i]->codes;
        if (fields[i]->type != FIELD_CODE || !list || list->n > CHOICES_MAX) continue;
        for (size_t k = 0; k < list->n; k++) choices[k] = zh ? list->codes[k].zh : list->codes[k].en;
        rc = sheet_choices(w, i, choices, list->n, err);
    }
    if (rc == 0) return sheet_finish(w, err);
    sheet_abandon(w);
    return rc;
}

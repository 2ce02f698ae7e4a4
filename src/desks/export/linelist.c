/* Cases under the names of R packages. linelist: tags of linelist 1.x; epicontacts: column id first, contacts from and to first. */
#include <stdio.h>
#include <string.h>

#include "desks/export/export.h"
#include "files/sheet.h"

static const char *const tags[] = {"id",          "date_onset", "date_reporting", "date_admission", "date_discharge", "date_outcome",
                                   "date_death",  "gender",     "age",            "location",       "occupation",     "hcw",
                                   "outcome"};
enum { TAGS = sizeof tags / sizeof *tags, SEALED_MAX = 16, CELL = 96, PAIR = 4 };
static const char *const pair_headers[PAIR] = {"from", "to", "setting", "date"};

struct line {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct register_decl *reg, *person;
    const struct export_options *o;
    size_t n_sealed;         /* fields of the person behind the tags, when opened */
    int sealed[SEALED_MAX];
    struct export_names *names;
    struct sheet_writer *sheet;
    struct buf *out; /* of a piece, instead of sheet */
    struct arena arena;
    int onset, report_date, treated_at, outcome, outcome_date, death_date, health_worker, infector, infectee, setting, exposure_date;
    int sex, age, age_unit, birth, occupation;
    int64_t rows, seen;
    struct error *err;
};

static int put(struct line *x, const struct text *cells, size_t n) {
    return x->out ? sheet_csv_row(x->out, cells, n, ',', true, false) : sheet_put(x->sheet, cells, n, x->err);
}

static struct value get(const struct record *r, int field) {
    return r && field >= 0 ? r->values[field] : value_null();
}

static void put_day(char out[CELL], struct value v) {
    out[0] = 0;
    if (v.kind == VALUE_INT) day_format((day)v.i, out);
}

static void put_text(char out[CELL], struct text t) {
    snprintf(out, CELL, "%.*s", (int)(t.n < CELL - 1 ? t.n : CELL - 1), t.s);
}

/* Whole years: as written when the unit is years, else from the birth date on the day that the case belongs to. */
static void put_age(const struct line *x, char out[CELL], const struct record *r, const struct record *p) {
    struct value age = get(p, x->age), unit = get(p, x->age_unit), birth = get(p, x->birth), on = get(r, x->onset);
    if (!value_given(on)) on = get(r, x->report_date);
    out[0] = 0;
    if (age.kind == VALUE_INT && (!value_given(unit) || text_is(value_view(unit), "year"))) snprintf(out, CELL, "%lld", (long long)age.i);
    else if (birth.kind == VALUE_INT && on.kind == VALUE_INT && on.i >= birth.i)
        snprintf(out, CELL, "%d", (int)((double)(on.i - birth.i) / 365.2425));
}

static int line_row(const struct record *r, void *arg) {
    struct line *x = arg;
    struct record person = {0}, *p = NULL;
    char cells[TAGS][CELL];
    struct text out[TAGS + SEALED_MAX];
    struct error unseen = {0};
    arena_reset(&x->arena);
    x->seen++;
    int64_t id = x->person ? value_int_or(r->values[x->reg->person_field], 0) : 0;
    if (id && record_get(x->l, x->db, x->s, x->person, id, &x->arena, &person, &unseen) == 0) p = &person;
    int rc = p && x->n_sealed ? export_open(x->l, x->db, x->s, x->o, p, &x->arena, x->err) : 0;
    if (rc < 0) return rc;
    struct text outcome = value_view(get(r, x->outcome)), occupation = value_view(get(p, x->occupation)), sex = value_view(get(p, x->sex));
    bool left = text_is(outcome, "recovered") || text_is(outcome, "released");
    struct value admitted = get(r, x->treated_at), worker = get(r, x->health_worker);
    put_text(cells[0], r->number);
    put_day(cells[1], get(r, x->onset));
    put_day(cells[2], get(r, x->report_date));
    put_day(cells[3], admitted.kind == VALUE_INT ? value_int(day_of_instant(admitted.i, x->l->zone_s)) : value_null());
    put_day(cells[4], left ? get(r, x->outcome_date) : value_null());
    put_day(cells[5], get(r, x->outcome_date));
    put_day(cells[6], get(r, x->death_date));
    put_text(cells[7], sex);
    put_age(x, cells[8], r, p);
    put_text(cells[9], r->region);
    put_text(cells[10], occupation);
    bool hcw = worker.kind == VALUE_INT ? worker.i != 0 : text_is(occupation, "health-worker");
    put_text(cells[11], text_of(worker.kind == VALUE_INT || occupation.n ? (hcw ? "TRUE" : "FALSE") : ""));
    put_text(cells[12], outcome);
    for (size_t k = 0; k < TAGS; k++) out[k] = text_of(cells[k]);
    for (size_t k = 0; k < x->n_sealed; k++) {
        struct value v = get(p, x->sealed[k]);
        out[TAGS + k] = v.kind == VALUE_BLOB ? TEXT("***") : value_view(v);
    }
    rc = put(x, out, TAGS + x->n_sealed);
    if (rc == 0) x->rows++;
    return rc;
}

static int pair_row(const struct record *r, void *arg) {
    struct line *x = arg;
    struct text out[PAIR];
    x->seen++;
    char from[CELL], to[CELL], on[CELL];
    struct text name;
    int rc = export_name(x->names, TEXT("case"), value_int_or(get(r, x->infector), 0), &name, x->err);
    if (rc < 0) return rc;
    put_text(from, name);
    rc = export_name(x->names, TEXT("case"), value_int_or(get(r, x->infectee), 0), &name, x->err);
    if (rc < 0) return rc;
    put_text(to, name);
    put_day(on, get(r, x->exposure_date));
    out[0] = text_of(from), out[1] = text_of(to), out[2] = value_view(get(r, x->setting)), out[3] = text_of(on);
    return *from && *to ? put(x, out, PAIR) : 0; /* whom the asker may not see is in no pair */
}

static size_t headers_of(const struct line *x, bool pairs, struct text out[TAGS + SEALED_MAX]) {
    size_t n = 0;
    if (pairs)
        while (n < PAIR) out[n] = text_of(pair_headers[n]), n++;
    while (!pairs && n < TAGS) out[n] = text_of(tags[n]), n++;
    for (size_t k = 0; !pairs && k < x->n_sealed; k++) out[n++] = x->person->fields[x->sealed[k]].name;
    return n;
}

static int table_open(struct line *x, const char *path, bool pairs) {
    struct sheet_info about = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','};
    struct text cells[TAGS + SEALED_MAX];
    size_t n = headers_of(x, pairs, cells);
    int rc = sheet_create(path, &about, true, &x->sheet, x->err);
    return rc < 0 ? rc : sheet_put(x->sheet, cells, n, x->err);
}

static int table_close(struct line *x) {
    struct sheet_writer *w = x->sheet;
    x->sheet = NULL;
    return sheet_finish(w, x->err);
}

static void line_fields(struct line *x, const struct register_decl *links) {
    const struct register_decl *reg = x->reg;
    x->person = reg->person_field < 0 ? NULL : register_find(x->l->catalog, reg->fields[reg->person_field].target);
    for (size_t i = 0; x->o->open && x->person && i < x->person->n_fields && x->n_sealed < SEALED_MAX; i++)
        if (x->person->fields[i].sealed) x->sealed[x->n_sealed++] = (int)i;
#define FIELD(of, name) x->name = of ? register_field(of, TEXT(#name)) : -1
    FIELD(reg, onset), FIELD(reg, report_date), FIELD(reg, treated_at), FIELD(reg, outcome), FIELD(reg, outcome_date), FIELD(reg, death_date),
        FIELD(reg, health_worker), FIELD(x->person, sex), FIELD(x->person, age), FIELD(x->person, age_unit), FIELD(x->person, birth),
        FIELD(x->person, occupation), FIELD(links, infector), FIELD(links, infectee), FIELD(links, setting), FIELD(links, exposure_date);
#undef FIELD
}

static int not_of_cases(const struct register_decl *reg, const char *where, struct error *err) {
    return error_set(err, E_USAGE, where, "a line list is of cases, not of %.*s / 病例一览表只能由病例登记册导出", (int)reg->name.n, reg->name.s);
}

int export_linelist_piece(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                          struct export_place *at, size_t rows, struct buf *out, struct error *err) {
    bool pairs = o->format == EXPORT_EPICONTACTS && text_is(reg->name, "link");
    if (!pairs && !text_is(reg->name, "case")) return not_of_cases(reg, "format", err);
    struct line x = {.l = l, .db = db, .s = s, .reg = reg, .o = o, .out = out, .err = err};
    struct text headers[TAGS + SEALED_MAX];
    int rc = export_allowed(l, s, reg, o, err);
    line_fields(&x, pairs ? reg : NULL);
    size_t n = headers_of(&x, pairs, headers);
    if (rc == 0 && !at->begun && !at->headless) sheet_csv_row(out, headers, n, ',', true, false);
    if (rc == 0 && pairs) rc = export_names_new(l, db, s, &x.names, err);
    if (rc == 0) rc = list_walk(l, db, s, o->query, at->after, rows, pairs ? pair_row : line_row, &x, &at->after, err);
    if (rc == 0) {
        at->end = x.seen < (int64_t)rows;
        at->rows += x.seen;
        at->begun = true;
    }
    if (rc == 0 && out->failed) rc = error_set(err, out->failed, NULL, "a piece of an export does not fit into memory / 内存不足,导出中断");
    export_names_free(x.names);
    arena_clear(&x.arena);
    return rc;
}

int export_linelist(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct export_options *o,
                    const char *path, int64_t *ret_rows, struct error *err) {
    const struct register_decl *links = register_find(l->catalog, TEXT("link"));
    bool pairs = o->format == EXPORT_EPICONTACTS;
    if (!text_is(reg->name, "case")) return not_of_cases(reg, "--format", err);
    if (export_allowed(l, s, reg, o, err) < 0 || (pairs && links && export_allowed(l, s, links, o, err) < 0)) return E_DENIED;
    if (pairs && !strcmp(path, "-")) return error_set(err, E_USAGE, "--out", "epicontacts needs a name: NAME.linelist.csv and NAME.contacts.csv / epicontacts 须给出 --out NAME,写成 NAME.linelist.csv 和 NAME.contacts.csv");
    if (pairs && !links) return error_set(err, E_UNKNOWN, "link", "this catalog has no links");
    struct line x = {.l = l, .db = db, .s = s, .reg = reg, .o = o, .err = err};
    struct record_filter filter = {.where = o->where, .region = o->region}, within = {.region = o->region};
    line_fields(&x, links);
    char file[1200];
    snprintf(file, sizeof file, pairs ? "%s.linelist.csv" : "%s", path);
    int rc = table_open(&x, file, false);
    if (rc == 0) rc = o->query ? list_walk(l, db, s, o->query, 0, 0, line_row, &x, NULL, err) : record_list(l, db, s, reg, &filter, line_row, &x, err);
    if (rc == 0) rc = table_close(&x);
    if (rc == 0 && pairs) {
        snprintf(file, sizeof file, "%s.contacts.csv", path);
        rc = export_names_new(l, db, s, &x.names, err);
        if (rc == 0) rc = table_open(&x, file, true);
        if (rc == 0) rc = record_list(l, db, s, links, &within, pair_row, &x, err);
        if (rc == 0) rc = table_close(&x);
    }
    if (rc == 0 && ret_rows) *ret_rows = x.rows;
    if (x.sheet) sheet_abandon(x.sheet);
    export_names_free(x.names);
    arena_clear(&x.arena);
    return rc;
}

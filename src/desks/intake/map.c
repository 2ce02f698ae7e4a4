/* Compiling a map: records, keys, conditions; then finding its columns in a file. */
#include "desks/intake/map.h"

#include <stdio.h>
#include <string.h>

#include "desks/intake/plan.h"
#include "files/encoding.h"

void map_free(struct map *m) {
    if (!m) return;
    for (size_t i = 0; i < m->n_patterns; i++) regfree(m->patterns[i]);
    mem_free(m->patterns);
    struct arena a = m->arena; /* the map lives in its own arena */
    arena_clear(&a);
}

const struct register_decl *map_target(const struct map *m) {
    return m->target;
}

int map_header_row(const struct map *m) {
    return m->header_row;
}

const char *map_encoding(const struct map *m) {
    return m->encoding.n ? m->encoding.s : NULL;
}

const char *map_sheet(const struct map *m) {
    return m->sheet.n ? m->sheet.s : NULL;
}

struct text map_comment(const struct map *m) {
    return m->comment;
}

const struct text *map_fill(const struct map *m, size_t *ret_n) {
    *ret_n = m->n_fill;
    return m->fill;
}

struct text map_source(const struct map *m) {
    return m->source;
}

struct map *map_new(const struct catalog *c) {
    struct arena a = {0};
    struct map *m = arena_alloc(&a, sizeof *m);
    struct plan_record *r = m ? arena_alloc(&a, MAP_RECORDS_MAX * sizeof *r) : NULL;
    if (!m || !r) {
        arena_clear(&a);
        return NULL;
    }
    m->arena = a;
    m->catalog = c;
    m->records = r;
    m->header_row = 1;
    m->part_slot = -1;
    m->source = m->comment = (struct text){"", 0};
    return m;
}

static struct plan_record *record_add(struct map *m, const struct yaml *node, struct error *err) {
    if (m->n_records >= MAP_RECORDS_MAX) {
        yaml_error(node, err, E_TOO_LARGE, "more than %d records a row", MAP_RECORDS_MAX);
        return NULL;
    }
    return &m->records[m->n_records++];
}

static int fields(struct map *m, const struct yaml *node, struct plan_record *r, int depth, struct error *err);

/* A reference that may be created becomes a record of its own, placed before the one that refers to it. */
static int creatable(struct map *m, const struct plan_record *owner, struct plan_value *v, int depth, struct error *err) {
    const struct yaml *ref = yaml_get(v->node, "ref"), *with = NULL;
    struct plan_record r = {.node = ref, .reg = v->target, .name = TEXT(""), .when = owner->when, .has_each = owner->has_each,
                            .each = owner->each, .each_pattern = owner->each_pattern, .each_split = owner->each_split,
                            .optional = owner->optional, .only_new = true, .has_gate = true};
    if (depth > 3) return yaml_error(ref, err, E_TOO_LARGE, "references are created inside references too deeply");
    int rc = yaml_map(ref, "with", false, &with, err);
    if (rc < 0) return rc;
    r.gate = *v;
    r.gate.is_ref = false;
    r.fields = arena_alloc(&m->arena, (r.reg->n_fields + 1) * sizeof *r.fields);
    if (!r.fields) return error_memory(err);
    if (v->by_field >= 0) {
        r.fields[0].field = v->by_field;
        r.fields[0].value = r.gate;
        r.fields[0].value.is_ref = false;
        r.n_fields = 1;
    } else {
        r.has_key = true;
        r.key = (struct plan_value){.node = ref, .source = SOURCE_TEXT, .n_pieces = v->n_key, .pieces = v->key, .group = -1, .times = 1};
    }
    if (with && (rc = fields(m, with, &r, depth + 1, err)) < 0) return rc;
    struct plan_record *added = record_add(m, ref, err);
    if (!added) return E_TOO_LARGE;
    *added = r;
    v->create = (int)m->n_records - 1;
    return 0;
}

static int fields(struct map *m, const struct yaml *node, struct plan_record *r, int depth, struct error *err) {
    if (!r->fields) r->fields = arena_alloc(&m->arena, (r->reg->n_fields + 1) * sizeof *r->fields);
    if (!r->fields) return error_memory(err);
    for (size_t i = 0; i < node->n; i++) {
        int k = register_field(r->reg, node->keys[i]->text);
        if (k < 0) return yaml_error(node->keys[i], err, E_UNKNOWN, "register %s has no field %s", r->reg->name.s, node->keys[i]->text.s);
        for (size_t j = 0; j < r->n_fields; j++)
            if (r->fields[j].field == k) return yaml_error(node->keys[i], err, E_INVALID, "field %s is given twice", node->keys[i]->text.s);
        const struct field *f = &r->reg->fields[k];
        struct plan_field *pf = &r->fields[r->n_fields];
        pf->field = k;
        int rc = plan_value(m, node->items[i], f, &pf->value, err);
        if (rc < 0) return rc;
        if (f->type == FIELD_REFERENCE && !pf->value.is_ref && pf->value.source != SOURCE_RECORD)
            return yaml_error(node->items[i], err, E_INVALID, "field %s refers to register %s: give `record` or `ref`", f->name.s, f->target.s);
        if (pf->value.is_ref && pf->value.missing == MISSING_CREATE && (rc = creatable(m, r, &pf->value, depth, err)) < 0) return rc;
        r->n_fields++;
    }
    return 0;
}

static int each(struct map *m, const struct yaml *node, struct plan_record *r, struct error *err) {
    static const char *const keys[] = {"from", "match", "split", NULL};
    struct text pattern = {"", 0};
    int rc = yaml_only(node, keys, err);
    if (rc < 0 || (rc = yaml_text(node, "match", false, &pattern, err)) < 0 || (rc = yaml_text(node, "split", false, &r->each_split, err)) < 0)
        return rc;
    if ((pattern.n == 0) == (r->each_split.n == 0)) return yaml_error(node, err, E_INVALID, "each cuts a cell by `match` or by `split`");
    const struct yaml *from = yaml_get(node, "from");
    if (!from) return yaml_error(node, err, E_INVALID, "key from is missing");
    if ((rc = plan_value(m, from, NULL, &r->each, err)) < 0) return rc;
    if (pattern.n && (rc = plan_pattern(m, yaml_get(node, "match"), pattern, &r->each_pattern, err)) < 0) return rc;
    r->has_each = true;
    return 0;
}

/* A key is a template, or a whole value when it is a map. */
static int key(struct map *m, const struct yaml *node, struct plan_value *ret, struct error *err) {
    if (node->kind != YAML_SCALAR) return plan_value(m, node, NULL, ret, err);
    struct yaml from = {.kind = YAML_SCALAR, .line = node->line, .column = node->column, .file = node->file, .text = TEXT("text")};
    struct yaml *from_at = &from, *value_at = NULL;
    struct yaml *copy = arena_alloc(&m->arena, sizeof *copy);
    struct yaml *whole = arena_alloc(&m->arena, sizeof *whole);
    if (!copy || !whole) return error_memory(err);
    *copy = *node;
    value_at = copy;
    *whole = (struct yaml){.kind = YAML_MAP, .line = node->line, .column = node->column, .file = node->file, .n = 1, .keys = &from_at, .items = &value_at};
    int rc = plan_value(m, whole, NULL, ret, err);
    ret->node = copy;
    return rc;
}

/* keep: FIELD, after the fields: what is known of a record that is there stays, what the row says otherwise is noted in FIELD. */
static int keep(const struct yaml *node, struct plan_record *r, struct error *err) {
    struct text name = {"", 0};
    int rc = yaml_text(node, "keep", false, &name, err);
    if (rc < 0 || !name.n) return rc;
    const struct yaml *at = yaml_get(node, "keep");
    r->keep_to = register_field(r->reg, name);
    if (r->keep_to < 0) return yaml_error(at, err, E_UNKNOWN, "register %s has no field %s", r->reg->name.s, name.s);
    if (r->reg->fields[r->keep_to].type != FIELD_TEXT || r->keep_to > 62) return yaml_error(at, err, E_INVALID, "what is said otherwise is kept in a field of text / 另报内容须存入文本字段");
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].field == r->keep_to) return yaml_error(at, err, E_INVALID, "field %s is given by the map: keep needs another / 该字段已由映射给出,keep 须用另一字段", name.s);
    if (r->match || r->only_new) return yaml_error(at, err, E_INVALID, "keep goes with neither match nor only_new / keep 不能与 match 或 only_new 同用");
    r->keeps = true;
    return 0;
}

static int record(struct map *m, const struct yaml *node, bool whole_map, struct error *err) {
    static const char *const keys[] = {"register", "as", "when", "key", "each", "fields", "state", "region", "optional", "only_new", "match", "keep", NULL};
    struct plan_record r = {.node = node, .name = {"", 0}};
    struct text reg = {"", 0};
    const struct yaml *n = NULL;
    int rc = whole_map ? 0 : yaml_only(node, keys, err);
    if (rc < 0 || (rc = yaml_text(node, "register", true, &reg, err)) < 0) return rc;
    r.reg = register_find(m->catalog, reg);
    if (!r.reg) return yaml_error(yaml_get(node, "register"), err, E_UNKNOWN, "register %s is not known", reg.s);
    r.name = r.reg->name;
    r.match = text_is(r.reg->name, "person");
    if ((rc = yaml_text(node, "as", false, &r.name, err)) < 0 || (rc = yaml_bool(node, "optional", false, &r.optional, err)) < 0 ||
        (rc = yaml_bool(node, "only_new", false, &r.only_new, err)) < 0 || (rc = yaml_bool(node, "match", false, &r.match, err)) < 0)
        return rc;
    for (size_t i = 0; i < m->n_records; i++)
        if (r.name.n && text_eq(m->records[i].name, r.name))
            return yaml_error(node, err, E_INVALID, "two records are called %s: tell them apart with `as`", r.name.s);
    if ((n = yaml_get(node, "each")) && (rc = each(m, n, &r, err)) < 0) return rc;
    if ((n = yaml_get(node, "when")) && (rc = when_parse(m, n, &r.when, err)) < 0) return rc;
    if ((n = yaml_get(node, "key")) && (rc = key(m, n, &r.key, err)) < 0) return rc;
    r.has_key = n != NULL;
    if ((n = yaml_get(node, "state")) && (rc = plan_value(m, n, NULL, &r.state, err)) < 0) return rc;
    r.has_state = n != NULL;
    if (r.has_state && !r.reg->n_states) return yaml_error(n, err, E_INVALID, "register %s has no states", r.reg->name.s);
    if ((n = yaml_get(node, "region"))) {
        static const struct field any_region = {.name = {"region", 6}, .type = FIELD_REGION};
        if ((rc = plan_value(m, n, &any_region, &r.region, err)) < 0) return rc;
        r.has_region = true;
    }
    n = NULL;
    if ((rc = yaml_map(node, "fields", true, &n, err)) < 0 || (rc = fields(m, n, &r, 0, err)) < 0 || (rc = keep(node, &r, err)) < 0) return rc;
    struct plan_record *added = record_add(m, node, err);
    if (!added) return E_TOO_LARGE;
    *added = r;
    return 0;
}

static int lets(struct map *m, const struct yaml *node, struct error *err) {
    if (node->n > MAP_LETS_MAX) return yaml_error(node, err, E_TOO_LARGE, "more than %d computed columns", MAP_LETS_MAX);
    m->lets = arena_alloc(&m->arena, (node->n + 1) * sizeof *m->lets);
    if (!m->lets) return error_memory(err);
    for (size_t i = 0; i < node->n; i++) {
        struct plan_let *l = &m->lets[m->n_lets];
        int rc = plan_value(m, node->items[i], NULL, &l->value, err);
        if (rc < 0) return rc;
        size_t before = m->n_slots;
        if ((rc = plan_slot(m, node->keys[i], node->keys[i]->text, &l->slot, err)) < 0) return rc;
        if (m->n_slots == before)
            return yaml_error(node->keys[i], err, E_INVALID, "%s is already the name of a column that is used above", node->keys[i]->text.s);
        m->slots[l->slot].kind = SLOT_LET;
        m->n_lets++;
    }
    return 0;
}

static int header(struct map *m, const struct yaml *root, struct error *err) {
    static const char *const words[] = {"refuse", "empty", NULL};
    int64_t row = 1;
    struct text missing = {"", 0};
    int rc = yaml_int(root, "header", false, &row, err);
    if (rc < 0 || (rc = yaml_text(root, "comment", false, &m->comment, err)) < 0 || (rc = yaml_text(root, "missing_columns", false, &missing, err)) < 0)
        return rc;
    if (row < 0 || row > 1000) return yaml_error(yaml_get(root, "header"), err, E_INVALID, "header is the row of the column names, 1 to 1,000, or 0");
    m->header_row = (int)row;
    m->missing_empty = text_is(missing, words[1]);
    if (missing.n && !m->missing_empty && !text_is(missing, words[0]))
        return yaml_error(yaml_get(root, "missing_columns"), err, E_INVALID, "missing_columns is refuse or empty");
    return 0;
}

/* encoding, sheet, fill: how the list is to be read. */
static int reading(struct map *m, const struct yaml *root, struct error *err) {
    const struct yaml *n = yaml_get(root, "fill");
    char name[32];
    size_t mark = 0;
    struct decoder *d = NULL;
    int rc = yaml_text(root, "encoding", false, &m->encoding, err);
    if (rc == 0) rc = yaml_text(root, "sheet", false, &m->sheet, err);
    if (rc == 0 && n) rc = plan_texts(m, n, true, &m->fill, &m->n_fill, err);
    if (rc < 0 || !m->encoding.n) return rc;
    encoding_canonical(m->encoding.s, TEXT(""), name, &mark);
    if (m->encoding.n >= sizeof name || decoder_open(name, &d, NULL) < 0)
        return yaml_error(yaml_get(root, "encoding"), err, E_UNKNOWN, "encoding %.60s is not known / 未知的编码", m->encoding.s);
    decoder_close(d);
    return 0;
}

static int defaults(struct map *m, const struct yaml *root, struct error *err) {
    const struct yaml *n = NULL;
    int rc = 0;
    if ((n = yaml_get(root, "na")) && (rc = plan_texts(m, n, true, &m->na, &m->n_na, err)) < 0) return rc;
    if ((n = yaml_get(root, "dates")) && (rc = plan_texts(m, n, false, &m->dates, &m->n_dates, err)) < 0) return rc;
    for (size_t i = 0; i < m->n_dates; i++)
        if (!date_format_known(m->dates[i])) return yaml_error(n, err, E_UNKNOWN, "date format %.60s is not known", m->dates[i].s);
    return 0;
}

static int compile(struct map *m, const struct yaml *root, struct error *err) {
    static const char *const keys[] = {"title", "source", "register", "header", "comment", "encoding", "sheet", "fill", "missing_columns", "na", "dates", "let", "skip_if",
                                       "records", "fields", "key", "when", "each", "state", "region", "match", "keep", "note", NULL};
    const struct yaml *n = NULL;
    struct text reg = {"", 0};
    int rc = yaml_only(root, keys, err);
    if (rc < 0 || (rc = yaml_text(root, "title", false, &m->title, err)) < 0 || (rc = yaml_text(root, "register", true, &reg, err)) < 0) return rc;
    m->target = register_find(m->catalog, reg);
    if (!m->target) return yaml_error(yaml_get(root, "register"), err, E_UNKNOWN, "register %s is not known", reg.s);
    if ((rc = header(m, root, err)) < 0 || (rc = reading(m, root, err)) < 0 || (rc = defaults(m, root, err)) < 0) return rc;
    if ((rc = plan_slot(m, root, TEXT("part"), &m->part_slot, err)) < 0) return rc;
    m->slots[m->part_slot].kind = SLOT_PART;
    if ((rc = yaml_map(root, "let", false, &n, err)) < 0 || (n && (rc = lets(m, n, err)) < 0)) return rc;
    if ((n = yaml_get(root, "skip_if")) && (rc = when_parse(m, n, &m->skip_if, err)) < 0) return rc;
    n = NULL;
    if ((rc = yaml_list(root, "records", false, &n, err)) < 0) return rc;
    if ((n != NULL) == (yaml_get(root, "fields") != NULL)) return yaml_error(root, err, E_INVALID, "a map has either `records` or `fields`");
    if (!n) return record(m, root, true, err);
    if (!n->n) return yaml_error(n, err, E_INVALID, "no record is given");
    for (size_t i = 0; rc == 0 && i < n->n; i++) rc = record(m, n->items[i], false, err);
    return rc;
}

int map_parse(const struct catalog *c, struct text source, const char *file, struct map **ret, struct error *err) {
    struct map *m = map_new(c);
    struct yaml *root = NULL;
    if (!m) return error_memory(err);
    int rc = yaml_parse(&m->arena, source, file, &root, err);
    if (rc == 0) rc = compile(m, root, err);
    if (rc == 0) {
        m->source = arena_text(&m->arena, source);
        if (!m->source.s) rc = error_memory(err);
    }
    if (rc < 0)
        map_free(m);
    else
        *ret = m;
    return rc;
}

int map_read(const struct catalog *c, const char *path, struct map **ret, struct error *err) {
    struct buf b = {.max = YAML_MAX_BYTES};
    int rc = file_read(path, YAML_MAX_BYTES, &b, err);
    if (rc == 0) rc = map_parse(c, buf_view(&b), path, ret, err);
    buf_clear(&b);
    return rc;
}

/* ---- columns of a file */

static void list_headers(const struct text *headers, size_t n, char *out, size_t max) {
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && at + 8 < max; i++) {
        int k = snprintf(out + at, max - at, "%s%.*s", i ? ", " : "", (int)(headers[i].n < 40 ? headers[i].n : 40), headers[i].s);
        if (k < 0 || (size_t)k >= max - at) {
            memcpy(out + max - 4, "...", 4);
            return;
        }
        at += (size_t)k;
    }
}

int map_bind(const struct map *m, const struct text *headers, size_t n, struct map_binding **ret, struct error *err) {
    struct arena a = {0};
    struct map_binding *b = arena_alloc(&a, sizeof *b);
    struct text *folded = b ? arena_alloc(&a, (n + 1) * sizeof *folded) : NULL;
    int *index = folded ? arena_alloc(&a, (m->n_slots + 1) * sizeof *index) : NULL;
    bool *used = index ? arena_alloc(&a, n + 1) : NULL;
    char missing[160] = "", found[240];
    size_t at = 0;
    int rc = used ? 0 : error_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        folded[i] = map_fold(&a, headers[i]);
        if (!folded[i].s) rc = error_memory(err);
    }
    for (size_t s = 0; rc == 0 && s < m->n_slots; s++) {
        const struct plan_slot *slot = &m->slots[s];
        int left = slot->occurrence;
        /* a file without headers tells its width only row by row */
        bool placed = slot->position && ((size_t)slot->position <= n || m->header_row == 0);
        index[s] = placed ? slot->position - 1 : -1;
        for (size_t i = 0; slot->kind == SLOT_COLUMN && !slot->position && i < n && index[s] < 0; i++)
            if (text_eq(folded[i], slot->name) && --left == 0) index[s] = (int)i;
        if (index[s] >= 0 && (size_t)index[s] < n) used[index[s]] = true;
        if (slot->kind != SLOT_COLUMN || index[s] >= 0 || slot->optional || m->missing_empty) continue;
        int k = snprintf(missing + at, sizeof missing - at, "%s%.*s", at ? ", " : "", (int)(slot->name.n < 40 ? slot->name.n : 40), slot->name.s);
        at = k > 0 && at + (size_t)k < sizeof missing ? at + (size_t)k : sizeof missing - 1;
    }
    if (rc == 0 && at) {
        list_headers(headers, n, found, sizeof found);
        rc = error_set(err, E_INVALID, "header", "the map wants columns the file lacks: %s. Columns found: %s / 文件缺少映射所需的列: %s", missing, found, missing);
    }
    if (rc < 0) {
        arena_clear(&a);
        return rc;
    }
    *b = (struct map_binding){.index = index, .used = used, .n_columns = n};
    b->arena = a;
    *ret = b;
    return 0;
}

void map_unbind(struct map_binding *b) {
    if (!b) return;
    struct arena a = b->arena;
    arena_clear(&a);
}

int map_unused(const struct map *m, const struct map_binding *b, const struct text *headers, size_t n, struct buf *out) {
    bool first = true;
    for (size_t i = 0; i < n && i < b->n_columns; i++) {
        if (b->used[i] || !headers[i].n) continue;
        if (!first) buf_str(out, ", ");
        first = false;
        buf_text(out, headers[i]);
    }
    return out->failed;
}

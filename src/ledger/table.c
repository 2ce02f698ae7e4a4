#include "ledger/effect.h"
#include "ledger/hold.h"
#include "ledger/similar.h"
#include "ledger/count.h"
#include "ledger/tally.h"

#include <stdio.h>
#include <string.h>

static const struct db_column system_columns[RECORD_SYSTEM_COLUMNS] = {
    {"region", COLUMN_TEXT, true},    {"id", COLUMN_INT, true},         {"version", COLUMN_INT, true},
    {"state", COLUMN_TEXT, false},    {"number", COLUMN_TEXT, false},   {"key", COLUMN_INT, false},
    {"created_at", COLUMN_INT, true}, {"changed_at", COLUMN_INT, true}, {"import", COLUMN_INT, false},
    {"entry", COLUMN_INT, true},
};

static enum column_type column_of(const struct field *f) {
    if (f->sealed) return COLUMN_BLOB;
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_CODE:
    case FIELD_REGION:
    case FIELD_POINT:
        return COLUMN_TEXT;
    default:
        return COLUMN_INT;
    }
}

/* Entries carry id and region behind a date: pages of any order are cut by (date, id), and who sees few regions passes over the rest in the index alone. */
bool table_sorts(const struct register_decl *reg, struct text column) {
    int at = register_field(reg, column);
    if (at < 0 ? !text_is(column, "changed_at") && !text_is(column, "created_at")
               : reg->fields[at].type != FIELD_DATE && reg->fields[at].type != FIELD_INSTANT)
        return false;
    if (at >= 0 && reg->fields[at].indexed) return true;
    for (size_t i = 0; i < reg->n_indexes; i++)
        if (!reg->index_where[i].n && text_eq(text_trim(reg->indexes[i]), column)) return true;
    return false;
}

static const char *index_columns(struct arena *a, const struct register_decl *reg, struct text columns) {
    return table_sorts(reg, columns) ? arena_printf(a, "%.*s, id, region", (int)columns.n, columns.s) : columns.s;
}

/* The index of regions: entries in order of region and id, with state and every sort key, so that the few rows of a street are found and sorted in it alone. It is
 * partial, with a condition that always holds: only statements that say so use it, and no plan of another one changes. */
static int list_index(struct arena *a, const struct register_decl *reg, struct db_index *ret) {
    struct buf columns = {0};
    buf_str(&columns, "region, id");
    if (reg->n_states) buf_str(&columns, ", state");
    if (table_sorts(reg, TEXT("created_at"))) buf_str(&columns, ", created_at");
    if (table_sorts(reg, TEXT("changed_at"))) buf_str(&columns, ", changed_at");
    for (size_t i = 0; i < reg->n_fields; i++)
        if (table_sorts(reg, reg->fields[i].name)) buf_printf(&columns, ", %s", reg->fields[i].name.s);
    *ret = (struct db_index){arena_printf(a, "%s_list", reg->name.s), arena_str(a, buf_cstr(&columns)), false, "\"id\" <> 0"};
    int rc = columns.failed || !ret->columns ? E_MEMORY : 0;
    buf_clear(&columns);
    return rc;
}

static int derive_indexes(struct arena *a, struct reg_table *t, struct error *err) {
    const struct register_decl *reg = t->reg;
    struct db_index *ix = arena_alloc(a, (2 + reg->n_fields + reg->n_indexes) * sizeof *ix);
    if (!ix) return error_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (!f->indexed) continue;
        /* who refers to nothing, or has no such word, is not looked for by it and costs the writer nothing */
        const char *where = (f->type == FIELD_REFERENCE || f->type == FIELD_TEXT) && !f->required ? arena_printf(a, "\"%s\" IS NOT NULL", f->name.s) : NULL;
        ix[n++] = (struct db_index){arena_printf(a, "%s_%s", reg->name.s, f->name.s), index_columns(a, reg, f->name), false, where};
    }
    for (size_t i = 0; i < reg->n_indexes; i++) {
        struct text columns = arena_text(a, reg->indexes[i]);
        if (!columns.s) return error_memory(err);
        ix[n++] = (struct db_index){arena_printf(a, "%s_ix%zu", reg->name.s, i), index_columns(a, reg, columns), false, reg->index_where[i].n ? reg->index_where[i].s : NULL};
    }
    if (list_index(a, reg, &ix[n++]) < 0) return error_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!ix[i].name || !ix[i].columns) return error_memory(err);
    t->table.indexes = ix;
    t->table.n_indexes = n;
    return 0;
}

static int derive_checks(struct arena *a, struct reg_table *t, int32_t zone_s, struct error *err) {
    t->checks = arena_alloc(a, (t->reg->n_checks + 1) * sizeof *t->checks);
    t->was = arena_alloc(a, (t->reg->n_checks + 1) * sizeof *t->was);
    if (!t->checks || !t->was) return error_memory(err);
    for (size_t i = 0; i < t->reg->n_checks; i++) {
        const struct rule_check *c = &t->reg->checks[i];
        int rc = expr_parse(a, c->condition, t->reg, zone_s, &t->checks[i], err);
        if (!rc && c->was.n) rc = expr_parse(a, c->was, t->reg, zone_s, &t->was[i], err);
        uint64_t fields = rc ? 0 : expr_fields(t->checks[i]);
        for (size_t k = 0; k < t->reg->n_fields; k++)
            if (t->reg->fields[k].type == FIELD_REFERENCE && fields >> (k < 63 ? k : 63) & 1) t->checks_wait = true;
        if (rc < 0) {
            char where[ERROR_WHERE_MAX];
            snprintf(where, sizeof where, "%s:%d", t->reg->file ? t->reg->file : t->reg->name.s, c->line);
            error_within(err, where);
            return rc;
        }
    }
    return 0;
}

static bool list_fields(struct arena *a, const struct register_decl *reg, struct reg_table *t) {
    struct field_list *const lists[] = {&t->required, &t->defaulted, &t->sealed, &t->references};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        if (!(lists[k]->at = arena_alloc(a, (reg->n_fields + 1) * sizeof *lists[k]->at))) return false;
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (f->required) t->required.at[t->required.n++] = (uint16_t)i;
        if (f->fallback.kind != VALUE_ABSENT) t->defaulted.at[t->defaulted.n++] = (uint16_t)i;
        if (f->sealed) t->sealed.at[t->sealed.n++] = (uint16_t)i;
        if (f->type == FIELD_REFERENCE) t->references.at[t->references.n++] = (uint16_t)i;
    }
    return true;
}

int table_derive(struct arena *a, const struct register_decl *reg, int32_t zone_s, struct reg_table **ret, struct error *err) {
    size_t n = RECORD_SYSTEM_COLUMNS + reg->n_fields;
    struct reg_table *t = arena_alloc(a, sizeof *t);
    struct db_column *columns = arena_alloc(a, n * sizeof *columns);
    uint16_t *all = arena_alloc(a, n * sizeof *all);
    uint32_t *codes = arena_alloc(a, (reg->n_fields + 1) * sizeof *codes);
    struct buf list = {0};
    int rc = 0;
    if (!t || !columns || !all || !codes || !list_fields(a, reg, t)) {
        rc = error_memory(err);
        goto out;
    }
    memcpy(columns, system_columns, sizeof system_columns);
    t->field_doc_type = register_field(reg, TEXT("doc_type"));
    t->field_doc_no = -1;
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        columns[RECORD_SYSTEM_COLUMNS + i] = (struct db_column){f->name.s, column_of(f), false};
        if (f->copy_reference >= 0) t->has_copies = true;
        if (f->check == CHECK_DOCUMENT) t->field_doc_no = (int)i;
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = (uint16_t)i;
        buf_printf(&list, "%s\"%s\"", i ? "," : "", columns[i].name);
    }
    t->reg = reg;
    t->all = all;
    t->cell_code = codes;
    t->by_key = lookup_key(reg->name);
    t->by_number = lookup_number(reg->name);
    t->columns = arena_str(a, buf_cstr(&list));
    t->table = (struct db_table){.name = reg->name.s, .key = "id", .partition = "region", .n_columns = n, .columns = columns};
    if (list.failed || !t->columns) {
        rc = error_memory(err);
        goto out;
    }
    rc = derive_indexes(a, t, err);
    if (!rc) rc = derive_checks(a, t, zone_s, err);
    if (!rc) rc = similar_derive(a, t, zone_s, err);
    if (!rc) *ret = t;
out:
    buf_clear(&list);
    return rc;
}

int table_targets(struct arena *a, const struct catalog *c, struct reg_table *t, int32_t zone_s, struct error *err) {
    t->targets = arena_alloc(a, (t->reg->n_fields + 1) * sizeof *t->targets);
    if (!t->targets) return error_memory(err);
    for (size_t i = 0; i < t->reg->n_fields; i++) {
        int from = t->reg->fields[i].copy_reference;
        if (from >= 0) t->reads |= (uint64_t)1 << (from < 63 ? from : 63);
        if (t->reg->fields[i].other_person) t->reads |= (uint64_t)1 << (i < 63 ? i : 63);
        if (t->reg->fields[i].type == FIELD_REFERENCE) t->targets[i] = register_find(c, t->reg->fields[i].target);
    }
    int rc = effect_bind(a, c, t, zone_s, err);
    if (!rc) rc = hold_bind(a, t, err);
    if (!rc) rc = count_bind(a, t, err);
    return rc ? rc : tally_bind(a, t, err);
}

const struct db_table *field_code_table(void) {
    static const struct db_column columns[] = {
        {"register", COLUMN_TEXT, true}, {"field", COLUMN_TEXT, true}, {"code", COLUMN_INT, true}};
    static const struct db_table table = {
        .name = "field_code", .key = "register, field", .clustered = true, .n_columns = 3, .columns = columns};
    return &table;
}

static struct reg_table *by_name(struct reg_table **tables, size_t n, struct text name) {
    for (size_t i = 0; i < n; i++)
        if (text_eq(tables[i]->reg->name, name)) return tables[i];
    return NULL;
}

int table_codes(struct db *db, struct arena *a, struct reg_table **tables, size_t n, bool assign, struct error *err) {
    struct db_cursor *c = NULL;
    uint32_t *highest = arena_alloc(a, (n + 1) * sizeof *highest);
    if (!highest) return error_memory(err);
    for (size_t i = 0; i < n; i++) highest[i] = CELL_FIRST_FIELD - 1;
    int rc = db_query(db, "SELECT \"register\", \"field\", \"code\" FROM \"field_code\"", NULL, 0, &c, err);
    const struct value *row;
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        struct reg_table *t = by_name(tables, n, value_view(row[0]));
        if (!t) continue;
        size_t k = 0;
        while (tables[k] != t) k++;
        if (row[2].i > highest[k]) highest[k] = (uint32_t)row[2].i;
        int f = register_field(t->reg, value_view(row[1]));
        if (f >= 0) t->cell_code[f] = (uint32_t)row[2].i;
    }
    db_cursor_close(c);
    static const uint16_t all[] = {0, 1, 2};
    for (size_t i = 0; !rc && i < n; i++) {
        for (size_t f = 0; !rc && f < tables[i]->reg->n_fields; f++) {
            if (tables[i]->cell_code[f]) continue;
            if (!assign)
                return error_set(err, E_CONFLICT, tables[i]->reg->name.s, "field %s is new to this store; run `tocsin migrate`",
                                 tables[i]->reg->fields[f].name.s);
            uint32_t code = ++highest[i];
            struct value cells[3] = {value_text(tables[i]->reg->name), value_text(tables[i]->reg->fields[f].name), value_int(code)};
            rc = db_batch(db, DB_INSERT, field_code_table(), all, 3, cells, 1, NULL, err);
            if (!rc) tables[i]->cell_code[f] = code;
        }
    }
    return rc;
}

int table_field_of(const struct reg_table *t, size_t cell_code) {
    for (size_t i = 0; i < t->reg->n_fields; i++)
        if (t->cell_code[i] == cell_code) return (int)i;
    return -1;
}

int table_record(const struct reg_table *t, const struct value *row, struct arena *copy, struct record *ret, struct error *err) {
    const struct value *cells = row;
    if (copy) {
        struct value *own = arena_alloc(copy, t->table.n_columns * sizeof *own);
        if (!own) return error_memory(err);
        for (size_t i = 0; i < t->table.n_columns; i++)
            if (!value_copy(copy, row[i], &own[i])) return error_memory(err);
        cells = own;
    }
    *ret = (struct record){
        .reg = t->reg,
        .region = value_view(cells[COL_REGION]),
        .id = value_int_or(cells[COL_ID], 0),
        .version = (int32_t)value_int_or(cells[COL_VERSION], 0),
        .state = value_view(cells[COL_STATE]),
        .number = value_view(cells[COL_NUMBER]),
        .key = value_int_or(cells[COL_KEY], 0),
        .created_at = value_int_or(cells[COL_CREATED_AT], 0),
        .changed_at = value_int_or(cells[COL_CHANGED_AT], 0),
        .import = value_int_or(cells[COL_IMPORT], 0),
        .entry = value_int_or(cells[COL_ENTRY], 0),
    };
    /* the row is const because it is borrowed; a record's cells may be opened in place only in a copy */
    memcpy(&ret->values, &(const struct value *){cells + RECORD_SYSTEM_COLUMNS}, sizeof ret->values);
    return 0;
}

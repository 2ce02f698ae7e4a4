/* SQLite: batches. New and replaced rows go in by one statement, INSERT ... SELECT over a table-valued function that reads
 * the batch where it lies: SQLite opens table and indexes once for a thousand rows, not once a row. Other changes step a
 * prepared statement row by row. Where keys are random the rows are taken in key order. */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_COLUMNS = 256, SOURCE_ROWS_MIN = 4, SOURCE_NEAR = 3, SOURCE_NEAR_BYTES = 256 };

/* ---- the table-valued function */

struct source_table {
    sqlite3_vtab base;
    struct lite *lite;
};
struct source_cursor {
    sqlite3_vtab_cursor base;
    struct lite_source *source;
    const struct value *row;
};

static int source_connect(sqlite3 *handle, void *lite, int argc, const char *const *argv, sqlite3_vtab **ret,
                          char **message) {
    (void)argc, (void)argv, (void)message;
    char sql[16 + 5 * SOURCE_COLUMNS] = "CREATE TABLE x(";
    size_t n = strlen(sql);
    for (int i = 0; i < SOURCE_COLUMNS; i++)
        n += (size_t)snprintf(sql + n, sizeof sql - n, i ? ",c%d" : "c%d", i);
    snprintf(sql + n, sizeof sql - n, ")");
    int rc = sqlite3_declare_vtab(handle, sql);
    if (rc != SQLITE_OK) return rc;
    struct source_table *t = mem_alloc(sizeof *t);
    if (!t) return SQLITE_NOMEM;
    t->lite = lite;
    *ret = &t->base;
    return SQLITE_OK;
}

static int source_disconnect(sqlite3_vtab *t) {
    mem_free(t);
    return SQLITE_OK;
}

static int source_best_index(sqlite3_vtab *t, sqlite3_index_info *info) {
    (void)t;
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

static int source_open(sqlite3_vtab *t, sqlite3_vtab_cursor **ret) {
    struct source_cursor *c = mem_alloc(sizeof *c);
    if (!c) return SQLITE_NOMEM;
    c->source = &((struct source_table *)t)->lite->source;
    *ret = &c->base;
    return SQLITE_OK;
}

static int source_close(sqlite3_vtab_cursor *c) {
    mem_free(c);
    return SQLITE_OK;
}

/* The texts of a row a few steps ahead are asked for: SQLite reads each once, long after whoever made it. */
static void source_near(const struct lite_source *s) {
    if (s->next + SOURCE_NEAR >= s->end) return;
    size_t row = s->order ? s->order[s->next + SOURCE_NEAR] : s->next + SOURCE_NEAR;
    const struct value *v = s->batch->rows + row * s->batch->n_columns;
    for (size_t i = 0; i < s->batch->n_columns; i++)
        if (v[i].kind == VALUE_TEXT || v[i].kind == VALUE_BLOB) mem_near(v[i].s, v[i].n < SOURCE_NEAR_BYTES ? v[i].n : SOURCE_NEAR_BYTES);
}

/* Takes the next row: source->next then counts the rows given out. */
static int source_next(sqlite3_vtab_cursor *base) {
    struct source_cursor *c = (struct source_cursor *)base;
    struct lite_source *s = c->source;
    if (!s->batch || s->next >= s->end) {
        c->row = NULL;
        return SQLITE_OK;
    }
    source_near(s);
    size_t row = s->order ? s->order[s->next] : s->next;
    s->next++;
    c->row = s->batch->rows + row * s->batch->n_columns;
    return SQLITE_OK;
}

static int source_filter(sqlite3_vtab_cursor *c, int number, const char *text, int argc,
                         sqlite3_value **argv) {
    (void)number, (void)text, (void)argc, (void)argv;
    return source_next(c);
}

static int source_eof(sqlite3_vtab_cursor *c) {
    return ((struct source_cursor *)c)->row == NULL;
}

static int source_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i) {
    struct source_cursor *c = (struct source_cursor *)base;
    if ((size_t)i >= c->source->batch->n_columns) return SQLITE_OK;
    const struct value *v = &c->row[i];
    switch (v->kind) {
    case VALUE_INT:
        sqlite3_result_int64(out, v->i);
        break;
    case VALUE_TEXT:
        sqlite3_result_text64(out, v->n ? v->s : "", v->n, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        sqlite3_result_blob64(out, v->n ? v->s : "", v->n, SQLITE_STATIC);
        break;
    default:
        break;
    }
    return SQLITE_OK;
}

static int source_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *ret) {
    *ret = (sqlite3_int64)((struct source_cursor *)c)->source->next;
    return SQLITE_OK;
}

static const sqlite3_module source_module = {
    .xConnect = source_connect,
    .xBestIndex = source_best_index,
    .xDisconnect = source_disconnect,
    .xOpen = source_open,
    .xClose = source_close,
    .xFilter = source_filter,
    .xNext = source_next,
    .xEof = source_eof,
    .xColumn = source_column,
    .xRowid = source_rowid,
};

int lite_source_register(struct lite *l, struct error *err) {
    int rc = sqlite3_create_module_v2(l->handle, "tocsin_rows", &source_module, l, NULL);
    return rc == SQLITE_OK ? 0 : lite_fail(l, rc, err);
}

/* A column that no row of the batch gives is left out: SQLite then makes its NULL without asking for it a thousand times.
 * OR FAIL stops at the bad row without undoing the others, so SQLite need not keep a statement journal; the caller
 * rolls back anyway. */
static void source_sql(struct buf *b, const struct batch *batch, const bool given[SOURCE_COLUMNS]) {
    size_t set = 0;
    buf_str(b, "INSERT OR FAIL INTO ");
    sql_name(b, text_of(batch->table->name));
    for (size_t i = 0; i < batch->n_columns; i++) {
        if (!given[i]) continue;
        buf_str(b, set++ ? "," : " (");
        sql_name(b, text_of(batch->table->columns[batch->columns[i]].name));
    }
    buf_str(b, ") SELECT ");
    set = 0;
    for (size_t i = 0; i < batch->n_columns; i++)
        if (given[i]) buf_printf(b, set++ ? ",c%zu" : "c%zu", i);
    buf_str(b, " FROM tocsin_rows");
    if (batch->verb != DB_UPSERT) return;
    buf_str(b, " WHERE 1"); /* else ON would be read as that of a join */
    sql_upsert(b, batch, DB_SQLITE);
}

/* Which columns the first n rows give at all. */
static bool columns_given(const struct batch *b, size_t n, bool given[SOURCE_COLUMNS]) {
    size_t missing = b->n_columns;
    memset(given, 0, SOURCE_COLUMNS * sizeof *given);
    for (size_t row = 0; row < n && missing; row++)
        for (size_t i = 0; i < b->n_columns; i++)
            if (!given[i] && value_given(b->rows[row * b->n_columns + i])) {
                given[i] = true;
                missing--;
            }
    return missing < b->n_columns;
}

/* ---- running */

/* From position source->next on; on failure source->next is one past the row that failed. */
static int run_together(struct lite *l, struct lite_statement *s, struct error *err) {
    int step = sqlite3_step(s->handle);
    int rc = step == SQLITE_DONE ? 0 : lite_fail(l, step, err);
    sqlite3_reset(s->handle);
    return rc;
}

static int run_row(struct lite *l, const struct batch *b, struct lite_statement *s, const struct value *row,
                   struct error *err) {
    for (size_t i = 0; i < b->n_columns; i++) {
        int rc = lite_bind(s->handle, (int)i + 1, &row[i], SQLITE_STATIC);
        if (rc != SQLITE_OK) return lite_fail(l, rc, err);
    }
    int step = sqlite3_step(s->handle);
    int rc = step == SQLITE_DONE ? 0 : lite_fail(l, step, err);
    sqlite3_reset(s->handle);
    if (rc == 0 && b->verb == DB_UPDATE && sqlite3_changes(l->handle) == 0)
        rc = error_set(err, E_UNKNOWN, b->table->name, "the row to change is not there");
    return rc;
}

static int run_singly(struct lite *l, struct lite_statement *s, struct error *err) {
    struct lite_source *source = &l->source;
    const struct batch *b = source->batch;
    int rc = 0;
    while (source->next < source->end && rc == 0) {
        size_t row = source->order ? source->order[source->next] : source->next;
        source->next++;
        rc = run_row(l, b, s, b->rows + row * b->n_columns, err);
    }
    return rc;
}

/* Runs all rows. In key order the first failure met need not be the first of the batch: then the rest runs
 * too, for its failures only, since everything will be rolled back. */
static int run_all(struct lite *l, struct lite_statement *s, bool together, size_t *ret_bad,
                   struct error *err) {
    struct lite_source *source = &l->source;
    int rc = 0;
    size_t bad = source->end;
    struct error first = {0};
    do {
        struct error why = {0};
        int now = together ? run_together(l, s, &why) : run_singly(l, s, &why);
        if (now == 0) break;
        size_t row = source->next && source->order ? source->order[source->next - 1] : source->next - 1;
        bool blame = source->next && one_row_s_fault(now);
        if (!blame || row < bad) {
            rc = now;
            first = why;
            bad = row;
        }
        if (!blame) return error_set(err, rc, first.where[0] ? first.where : NULL, "%s", first.message);
    } while (source->order && source->next < source->end);
    if (rc == 0) return 0;
    *ret_bad = bad;
    return error_set(err, rc, first.where[0] ? first.where : NULL, "%s", first.message);
}

int lite_batch(struct db *db, const struct batch *b, size_t *ret_bad, struct error *err) {
    struct lite *l = lite_of(db);
    struct lite_statement *s = NULL;
    uint32_t *order = NULL;
    size_t n = 0;
    while (n < b->n_rows && row_sound(b, b->rows + n * b->n_columns)) n++;
    bool given[SOURCE_COLUMNS];
    bool together = (b->verb == DB_INSERT || b->verb == DB_UPSERT) && n >= SOURCE_ROWS_MIN && b->n_columns <= SOURCE_COLUMNS;
    if (together) together = columns_given(b, n, given);
    buf_reset(&db->sql);
    if (together)
        source_sql(&db->sql, b, given);
    else
        sql_row(&db->sql, b, DB_SQLITE);
    if (db->sql.failed) return error_set(err, db->sql.failed, NULL, "out of memory");
    if (batch_order(b, n, &order) < 0) return error_memory(err);
    int rc = lite_statement_get(l, buf_view(&db->sql), &s, err);
    if (rc == 0) {
        l->source = (struct lite_source){.batch = b, .order = order, .end = n};
        rc = n ? run_all(l, s, together, ret_bad, err) : 0;
        l->source = (struct lite_source){0};
        lite_statement_put(s);
    }
    mem_free(order);
    if (rc == 0 && n < b->n_rows) {
        *ret_bad = n;
        rc = batch_refuse(b, b->rows + n * b->n_columns, err);
    }
    return rc;
}

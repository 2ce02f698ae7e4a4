/* SQL text that both drivers need, and the rule of what may stand in a cell. */
#include "store/driver.h"

#include <stdio.h>
#include <string.h>

void sql_name(struct buf *b, struct text name) {
    buf_char(b, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.s[i] == '"') buf_char(b, '"');
        buf_char(b, name.s[i]);
    }
    buf_char(b, '"');
}

static bool ends_with_word(struct text *t, const char *word) {
    size_t n = strlen(word);
    if (t->n <= n || strncasecmp(t->s + t->n - n, word, n) != 0 || t->s[t->n - n - 1] != ' ') return false;
    *t = text_trim((struct text){t->s, t->n - n});
    return true;
}

bool sql_names_next(struct text *list, struct text *ret_name, bool *ret_descending) {
    if (!list->n) return false;
    const char *comma = memchr(list->s, ',', list->n);
    size_t n = comma ? (size_t)(comma - list->s) : list->n;
    struct text name = text_trim((struct text){list->s, n});
    size_t skip = comma ? n + 1 : n;
    *list = (struct text){list->s + skip, list->n - skip};
    bool descending = ends_with_word(&name, "DESC");
    if (!descending) ends_with_word(&name, "ASC");
    *ret_name = name;
    if (ret_descending) *ret_descending = descending;
    return true;
}

const struct db_column *table_column(const struct db_table *t, struct text name) {
    for (size_t i = 0; i < t->n_columns; i++)
        if (text_is(name, t->columns[i].name)) return &t->columns[i];
    return NULL;
}

const struct db_column *table_rowid(const struct db_table *t) {
    struct text list = text_of(t->key), name, second;
    if (!sql_names_next(&list, &name, NULL) || sql_names_next(&list, &second, NULL)) return NULL;
    const struct db_column *c = table_column(t, name);
    return c && c->type == COLUMN_INT ? c : NULL;
}

void sql_key(struct buf *b, const struct db_table *t, enum db_kind kind) {
    struct text list = text_of(t->key), name;
    bool partition = kind == DB_POSTGRES && t->partition;
    for (size_t i = 0; sql_names_next(&list, &name, NULL); i++) {
        if (i) buf_str(b, ", ");
        sql_name(b, name);
        if (partition && text_is(name, t->partition)) partition = false;
    }
    if (!partition) return;
    buf_str(b, ", ");
    sql_name(b, text_of(t->partition));
}

/* ---- one row's statement */

static struct text column_name(const struct batch *batch, size_t i) {
    return text_of(batch->table->columns[batch->columns[i]].name);
}

static void parameter(struct buf *b, enum db_kind kind, size_t i) {
    buf_printf(b, "%c%zu", kind == DB_SQLITE ? '?' : '$', i + 1);
}

static bool is_key(const struct batch *batch, size_t i) {
    for (size_t k = 0; k < batch->n_keys; k++)
        if (batch->key[k] == i) return true;
    return false;
}

static void insert(struct buf *b, const struct batch *batch, enum db_kind kind) {
    buf_str(b, "INSERT INTO ");
    sql_name(b, text_of(batch->table->name));
    buf_str(b, " (");
    for (size_t i = 0; i < batch->n_columns; i++) {
        if (i) buf_str(b, ", ");
        sql_name(b, column_name(batch, i));
    }
    buf_str(b, ") VALUES (");
    for (size_t i = 0; i < batch->n_columns; i++) {
        if (i) buf_char(b, ',');
        parameter(b, kind, i);
    }
    buf_char(b, ')');
    if (batch->verb == DB_UPSERT) sql_upsert(b, batch, kind);
}

void sql_upsert(struct buf *b, const struct batch *batch, enum db_kind kind) {
    buf_str(b, " ON CONFLICT (");
    sql_key(b, batch->table, kind);
    buf_str(b, ") DO ");
    size_t set = 0;
    for (size_t i = 0; i < batch->n_columns; i++) {
        if (is_key(batch, i)) continue;
        buf_str(b, set++ ? ", " : "UPDATE SET ");
        sql_name(b, column_name(batch, i));
        buf_str(b, " = excluded.");
        sql_name(b, column_name(batch, i));
    }
    if (!set) buf_str(b, "NOTHING");
}

static void where_key(struct buf *b, const struct batch *batch, enum db_kind kind) {
    for (size_t k = 0; k < batch->n_keys; k++) {
        buf_str(b, k ? " AND " : " WHERE ");
        sql_name(b, column_name(batch, batch->key[k]));
        buf_str(b, " = ");
        parameter(b, kind, batch->key[k]);
    }
}

void sql_row(struct buf *b, const struct batch *batch, enum db_kind kind) {
    if (batch->verb == DB_INSERT || batch->verb == DB_UPSERT) {
        insert(b, batch, kind);
        return;
    }
    buf_str(b, batch->verb == DB_UPDATE ? "UPDATE " : "DELETE FROM ");
    sql_name(b, text_of(batch->table->name));
    for (size_t i = 0, set = 0; batch->verb == DB_UPDATE && i < batch->n_columns; i++) {
        if (is_key(batch, i)) continue;
        buf_str(b, set++ ? ", " : " SET ");
        sql_name(b, column_name(batch, i));
        buf_str(b, " = ");
        parameter(b, kind, i);
    }
    where_key(b, batch, kind);
}

/* ---- cells */

bool store_text_ok(struct text t) {
    const uint64_t high = 0x8080808080808080u, low = 0x0101010101010101u;
    size_t i = 0;
    for (; i + 8 <= t.n; i += 8) {
        uint64_t w;
        memcpy(&w, t.s + i, 8);
        if (w & high) break;
        if ((w - low) & ~w & high) return false; /* a NUL among eight ASCII bytes */
    }
    for (; i < t.n; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if (c & 0x80) break;
        if (!c) return false;
    }
    if (i == t.n) return true;
    struct text rest = {t.s + i, t.n - i};
    return !memchr(rest.s, 0, rest.n) && text_utf8_valid(rest);
}

const char *cell_refused(const struct db_column *column, struct value v) {
    switch (v.kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
        return column->required ? "a required column has no value" : NULL;
    case VALUE_INT:
        return column->type == COLUMN_INT ? NULL : "a number where text or bytes belong";
    case VALUE_TEXT:
        if (column->type != COLUMN_TEXT) return "text where a number or bytes belong";
        return store_text_ok((struct text){v.s, v.n}) ? NULL : "text that is not UTF-8, or has a NUL in it";
    case VALUE_BLOB:
        return column->type == COLUMN_BLOB ? NULL : "bytes where a number or text belong";
    default:
        return "a cell of no known kind";
    }
}

/* The first column of the row that may not stand where it is, with why; NULL when all is well. */
static const char *row_refused(const struct batch *b, const struct value *row, size_t *ret_column) {
    for (size_t i = 0; i < b->n_columns; i++) {
        *ret_column = i;
        const char *why = cell_refused(&b->table->columns[b->columns[i]], row[i]);
        if (why) return why;
    }
    return NULL;
}

unsigned char column_plain(const struct db_column *c) {
    unsigned empty = c->required ? 0 : 1u << VALUE_ABSENT | 1u << VALUE_NULL;
    return (unsigned char)(empty | (c->type == COLUMN_INT ? 1u << VALUE_INT : 0) | (c->type == COLUMN_BLOB ? 1u << VALUE_BLOB : 0));
}

bool row_sound(const struct batch *b, const struct value *row) {
    for (size_t i = 0; i < b->n_columns; i++)
        if (!(row[i].kind < 8 && b->plain[i] >> row[i].kind & 1) && cell_refused(&b->table->columns[b->columns[i]], row[i])) return false;
    return true;
}

int batch_refuse(const struct batch *b, const struct value *row, struct error *err) {
    char where[ERROR_WHERE_MAX];
    size_t column = 0;
    const char *why = row_refused(b, row, &column);
    snprintf(where, sizeof where, "%s.%s", b->table->name, b->table->columns[b->columns[column]].name);
    return error_set(err, E_INVALID, where, "%s", why ? why : "");
}

bool one_row_s_fault(int rc) {
    return rc == E_CONFLICT || rc == E_INVALID || rc == E_UNKNOWN || rc == E_TOO_LARGE;
}

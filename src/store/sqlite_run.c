/* SQLite: statements and cursors. */
#include "store/sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct lite_cursor {
    struct db_cursor base;
    struct lite_statement *statement;
    size_t room; /* values that fit into base.row */
    bool started;
};

/* ---- prepared statements */

static void statement_free(struct lite_statement *s) {
    if (!s) return;
    sqlite3_finalize(s->handle);
    mem_free(s->base.sql);
    mem_free(s);
}

static int statement_new(struct lite *l, struct text sql, uint64_t hash, struct lite_statement **ret,
                         struct error *err) {
    if (sql.n > INT_MAX - 1) return error_set(err, E_TOO_LARGE, NULL, "the statement is too long");
    struct lite_statement *s = mem_alloc(sizeof *s);
    if (!s || !(s->base.sql = mem_alloc(sql.n + 1))) {
        mem_free(s);
        return error_memory(err);
    }
    memcpy(s->base.sql, sql.s, sql.n);
    s->base.n = sql.n;
    s->base.hash = hash;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(l->handle, s->base.sql, (int)sql.n + 1, SQLITE_PREPARE_PERSISTENT, &s->handle,
                                &tail);
    if (rc != SQLITE_OK) {
        rc = lite_fail(l, rc, err);
        statement_free(s);
        return rc;
    }
    if (!s->handle || text_trim(text_of(tail)).n) {
        statement_free(s);
        return error_set(err, E_USAGE, NULL, "one statement at a time");
    }
    s->n_params = sqlite3_bind_parameter_count(s->handle);
    *ret = s;
    return 0;
}

int lite_statement_get(struct lite *l, struct text sql, struct lite_statement **ret, struct error *err) {
    bool busy = false;
    uint64_t hash = statement_hash(sql);
    struct statement *known = statement_find(&l->statements, sql, hash, &busy);
    if (known) {
        *ret = (struct lite_statement *)known;
        return 0;
    }
    int rc = statement_new(l, sql, hash, ret, err);
    /* a twin of a busy statement serves once */
    if (rc == 0 && !busy)
        statement_free((struct lite_statement *)statement_keep(&l->statements, &(*ret)->base));
    return rc;
}

void lite_statement_put(struct lite_statement *s) {
    sqlite3_reset(s->handle);
    s->base.busy = false;
    if (!s->base.cached) statement_free(s);
}

void lite_forget(struct db *db) {
    struct statements *all = &lite_of(db)->statements;
    for (size_t i = 0; i < all->n; i++) {
        struct lite_statement *s = (struct lite_statement *)all->items[i];
        s->base.cached = false;
        if (!s->base.busy) statement_free(s); /* else its cursor does */
    }
    all->n = 0;
}

int lite_bind(sqlite3_stmt *s, int at, const struct value *v, sqlite3_destructor_type keep) {
    switch (v->kind) {
    case VALUE_INT:
        return sqlite3_bind_int64(s, at, v->i);
    case VALUE_TEXT:
        return sqlite3_bind_text64(s, at, v->n ? v->s : "", v->n, keep, SQLITE_UTF8);
    case VALUE_BLOB:
        return sqlite3_bind_blob64(s, at, v->n ? v->s : "", v->n, keep);
    default:
        return sqlite3_bind_null(s, at);
    }
}

static int bind_all(struct lite *l, struct lite_statement *s, const struct value *params, size_t n,
                    sqlite3_destructor_type keep, struct error *err) {
    if ((int)n != s->n_params)
        return error_set(err, E_USAGE, NULL, "the statement has %d parameters, %zu were given", s->n_params,
                         n);
    for (size_t i = 0; i < n; i++) {
        int rc = lite_bind(s->handle, (int)i + 1, &params[i], keep);
        if (rc != SQLITE_OK) return lite_fail(l, rc, err);
    }
    return 0;
}

int lite_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
             struct error *err) {
    struct lite *l = lite_of(db);
    struct lite_statement *s = NULL;
    int rc = lite_statement_get(l, text_of(sql), &s, err);
    if (rc < 0) return rc;
    rc = bind_all(l, s, params, n, SQLITE_STATIC, err);
    if (rc == 0) {
        int64_t before = sqlite3_total_changes64(l->handle);
        int step;
        while ((step = sqlite3_step(s->handle)) == SQLITE_ROW) continue;
        if (step != SQLITE_DONE)
            rc = lite_fail(l, step, err);
        else if (ret_changes)
            *ret_changes = sqlite3_total_changes64(l->handle) - before;
    }
    lite_statement_put(s);
    return rc;
}

/* ---- cursors */

int lite_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
               struct error *err) {
    struct lite *l = lite_of(db);
    struct lite_statement *s = NULL;
    int rc = lite_statement_get(l, text_of(sql), &s, err);
    if (rc < 0) return rc;
    /* the cursor outlives the caller's parameters, so they are copied */
    rc = bind_all(l, s, params, n, SQLITE_TRANSIENT, err);
    struct lite_cursor *c = NULL;
    size_t room = (size_t)sqlite3_column_count(s->handle);
    if (rc == 0 && !(c = mem_alloc(sizeof *c + room * sizeof(struct value))))
        rc = error_memory(err);
    if (rc < 0) {
        lite_statement_put(s);
        return rc;
    }
    s->base.busy = true;
    *c = (struct lite_cursor){
        .base = {.db = db, .row = (struct value *)(c + 1), .n_columns = room}, .statement = s, .room = room};
    *ret = &c->base;
    return 0;
}

/* The store holds whole numbers; an expression may still give a fraction. */
static bool whole(sqlite3_value *v, struct value *ret) {
    double d = sqlite3_value_double(v);
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || d != (double)(int64_t)d) return false;
    *ret = value_int((int64_t)d);
    return true;
}

/* By the value, not the column: one call that asks for the connection's state instead of two or three. A connection is one thread's (SQLITE_OPEN_NOMUTEX). */
static bool cell(sqlite3_value *v, struct value *ret) {
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        *ret = value_int(sqlite3_value_int64(v));
        return true;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_value_text(v);
        *ret = value_text((struct text){text, (size_t)sqlite3_value_bytes(v)});
        return true;
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_value_blob(v);
        *ret = value_blob(bytes ? bytes : "", (size_t)sqlite3_value_bytes(v));
        return true;
    }
    case SQLITE_FLOAT:
        return whole(v, ret);
    default:
        *ret = value_null();
        return true;
    }
}

int lite_next(struct db_cursor *base, struct error *err) {
    struct lite_cursor *c = (struct lite_cursor *)base;
    struct lite *l = lite_of(base->db);
    sqlite3_stmt *s = c->statement->handle;
    int step = sqlite3_step(s);
    if (step == SQLITE_DONE) return 0;
    if (step != SQLITE_ROW) return lite_fail(l, step, err);
    if (!c->started) {
        /* SQLite prepares again by itself after a schema change: "SELECT *" may have grown */
        size_t n = (size_t)sqlite3_column_count(s);
        if (n > c->room)
            return error_set(err, E_STORE, NULL, "the table changed while it was being read; ask again");
        base->n_columns = n;
        c->started = true;
    }
    for (size_t i = 0; i < base->n_columns; i++)
        if (!cell(sqlite3_column_value(s, (int)i), &base->row[i]))
            return error_set(err, E_UNSUPPORTED, NULL,
                             "column %zu is a fraction; the store holds whole numbers", i + 1);
    return 1;
}

void lite_cursor_close(struct db_cursor *base) {
    struct lite_cursor *c = (struct lite_cursor *)base;
    lite_statement_put(c->statement);
    mem_free(c);
}

/* The schema as it should be against the schema as it is. Works by reading both dialects' catalogues into one
 * small form and comparing. Index definitions compare by the text that made them: SQLite keeps it, PostgreSQL
 * rewrites it, so there it is kept as the comment of the index. */
#include "store/driver.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 63 }; /* PostgreSQL cuts longer names off in silence */

struct found_column {
    struct text name, type;
    int64_t key; /* position in the primary key from 1, 0 none */
};
struct found_index {
    struct text name, sql;
};
struct found {
    struct found_column *columns;
    struct found_index *indexes;
    size_t n_columns, n_indexes;
};

struct migration {
    struct db *db;
    struct arena arena;
    struct buf *plan;
    struct buf sql; /* the step being written */
    bool apply;
};

/* ---- the schema as it is */

static const char *const read_columns[] = {
    [DB_SQLITE] = "SELECT name, type, pk FROM pragma_table_info(?1)",
    [DB_POSTGRES] = "SELECT CAST(a.attname AS text), format_type(a.atttypid, NULL), "
                    "CAST(coalesce(array_position(CAST(i.indkey AS int2[]), a.attnum) + 1, 0) AS bigint) "
                    "FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
                    "WHERE a.attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?1)) "
                    "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
};
static const char *const read_indexes[] = {
    [DB_SQLITE] =
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL",
    [DB_POSTGRES] = "SELECT CAST(c.relname AS text), coalesce(obj_description(c.oid, 'pg_class'), '') "
                    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                    "WHERE i.indrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?1)) "
                    "AND NOT i.indisprimary ORDER BY c.relname",
};
static const char *const read_tables[] = {
    [DB_SQLITE] = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND ?1 = '' ORDER BY name",
    [DB_POSTGRES] = "SELECT CAST(c.relname AS text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND ?1 = '' ORDER BY 1",
};
static const char *const type_names[][3] = {
    [DB_SQLITE] = {"INTEGER", "TEXT", "BLOB"},
    [DB_POSTGRES] = {"bigint", "text", "bytea"},
};

/* Reads all rows of a catalogue query into the arena: *ret is n rows of `width` cells. */
static int read_rows(struct migration *m, const char *sql, const char *table, size_t width,
                     struct value **ret, size_t *ret_n, struct error *err) {
    struct db_cursor *c = NULL;
    struct value name = value_str(table);
    int rc = db_query(m->db, sql, &name, 1, &c, err);
    if (rc < 0) return rc;
    struct value *rows = NULL;
    size_t n = 0, room = 0;
    const struct value *row;
    while ((rc = db_next(c, &row, err)) > 0) {
        if (!arena_room(&m->arena, &rows, &room, n + 1, width * sizeof *rows)) break;
        size_t i = 0;
        while (i < width && value_copy(&m->arena, row[i], &rows[n * width + i])) i++;
        if (i < width) break;
        n++;
    }
    db_cursor_close(c);
    if (rc > 0) return error_memory(err);
    if (rc < 0) return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

static int read_table(struct migration *m, const char *table, struct found *f, struct error *err) {
    struct value *columns = NULL, *indexes = NULL;
    int rc = read_rows(m, read_columns[m->db->kind], table, 3, &columns, &f->n_columns, err);
    if (rc == 0) rc = read_rows(m, read_indexes[m->db->kind], table, 2, &indexes, &f->n_indexes, err);
    if (rc < 0) return rc;
    f->columns = arena_alloc(&m->arena, (f->n_columns + 1) * sizeof *f->columns);
    f->indexes = arena_alloc(&m->arena, (f->n_indexes + 1) * sizeof *f->indexes);
    if (!f->columns || !f->indexes) return error_memory(err);
    for (size_t i = 0; i < f->n_columns; i++) {
        struct value *v = columns + 3 * i;
        f->columns[i] = (struct found_column){value_view(v[0]), value_view(v[1]), value_int_or(v[2], 0)};
    }
    for (size_t i = 0; i < f->n_indexes; i++)
        f->indexes[i] = (struct found_index){value_view(indexes[2 * i]), value_view(indexes[2 * i + 1])};
    return 0;
}

/* ---- steps */

/* The step in m->sql: into the plan, and, when applying, into the store. */
static int step(struct migration *m, struct error *err) {
    if (m->sql.failed) return error_memory(err);
    int rc = m->apply ? db_run(m->db, buf_cstr(&m->sql), NULL, 0, NULL, err) : 0;
    if (rc < 0) return rc;
    buf_text(m->plan, buf_view(&m->sql));
    if (buf_str(m->plan, ";\n") < 0) return error_memory(err);
    buf_reset(&m->sql);
    return 0;
}

static void column_definition(struct migration *m, const struct db_table *t, const struct db_column *c,
                              bool fresh) {
    enum db_kind kind = m->db->kind;
    sql_name(&m->sql, text_of(c->name));
    buf_char(&m->sql, ' ');
    buf_str(&m->sql, type_names[kind][c->type]);
    if (kind == DB_POSTGRES && c->type == COLUMN_TEXT) buf_str(&m->sql, " COLLATE \"C\"");
    if (fresh && kind == DB_SQLITE && table_rowid(t) == c) {
        buf_str(&m->sql, " PRIMARY KEY");
        return;
    }
    struct text list = text_of(t->key), name;
    bool key = false;
    while (sql_names_next(&list, &name, NULL)) key |= text_is(name, c->name);
    if (fresh && (c->required || key)) buf_str(&m->sql, " NOT NULL");
}

static int create_table(struct migration *m, const struct db_table *t, struct error *err) {
    bool lite = m->db->kind == DB_SQLITE, rowid = lite && table_rowid(t);
    buf_str(&m->sql, "CREATE TABLE ");
    sql_name(&m->sql, text_of(t->name));
    buf_str(&m->sql, " (");
    for (size_t i = 0; i < t->n_columns; i++) {
        if (i) buf_str(&m->sql, ", ");
        column_definition(m, t, &t->columns[i], true);
    }
    if (!rowid) {
        buf_str(&m->sql, ", PRIMARY KEY (");
        sql_key(&m->sql, t, m->db->kind);
        buf_char(&m->sql, ')');
    }
    buf_char(&m->sql, ')');
    if (lite && t->clustered && !rowid) buf_str(&m->sql, " WITHOUT ROWID");
    return step(m, err);
}

static const struct found_column *find_column(const struct found *f, struct text name) {
    for (size_t i = 0; i < f->n_columns; i++)
        if (text_eq(f->columns[i].name, name)) return &f->columns[i];
    return NULL;
}

static int check_key(struct migration *m, const struct db_table *t, const struct found *f,
                     struct error *err) {
    struct buf want = {0};
    sql_key(&want, t, m->db->kind);
    struct text list = buf_view(&want), name;
    bool same = true;
    int64_t n = 0;
    while (!want.failed && sql_names_next(&list, &name, NULL)) {
        const struct found_column *c = find_column(f, (struct text){name.s + 1, name.n - 2});
        same &= c && c->key == ++n;
    }
    for (size_t i = 0; i < f->n_columns; i++) same &= f->columns[i].key <= n;
    int rc = want.failed ? error_memory(err) : 0;
    buf_clear(&want);
    if (rc == 0 && !same)
        rc = error_set(err, E_CONFLICT, t->name,
                       "the primary key differs from the stored one; export and import again");
    return rc;
}

static int change_columns(struct migration *m, const struct db_table *t, const struct found *f,
                          struct error *err) {
    int rc = check_key(m, t, f, err);
    for (size_t i = 0; i < t->n_columns && rc == 0; i++) {
        const struct db_column *c = &t->columns[i];
        const struct found_column *have = find_column(f, text_of(c->name));
        const char *type = type_names[m->db->kind][c->type];
        if (have && !text_is(have->type, type)) {
            char where[ERROR_WHERE_MAX];
            snprintf(where, sizeof where, "%s.%s", t->name, c->name);
            return error_set(err, E_CONFLICT, where, "is declared %s but stored as %.*s", type,
                             (int)have->type.n, have->type.s);
        }
        if (have) continue;
        buf_str(&m->sql, "ALTER TABLE ");
        sql_name(&m->sql, text_of(t->name));
        buf_str(&m->sql, " ADD COLUMN ");
        column_definition(m, t, c, false);
        rc = step(m, err);
    }
    for (size_t i = 0; i < f->n_columns && rc == 0; i++) {
        if (table_column(t, f->columns[i].name)) continue;
        if (buf_printf(m->plan, "-- kept: %s.%.*s\n", t->name, (int)f->columns[i].name.n,
                       f->columns[i].name.s) < 0)
            rc = error_memory(err);
    }
    return rc;
}

/* ---- indexes */

static void index_definition(struct buf *b, const struct db_table *t, const struct db_index *index) {
    buf_str(b, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sql_name(b, text_of(index->name));
    buf_str(b, " ON ");
    sql_name(b, text_of(t->name));
    buf_str(b, " (");
    struct text list = text_of(index->columns), name;
    bool descending;
    for (size_t i = 0; sql_names_next(&list, &name, &descending); i++) {
        if (i) buf_str(b, ", ");
        sql_name(b, name);
        if (descending) buf_str(b, " DESC");
    }
    buf_char(b, ')');
    if (!index->where) return;
    buf_str(b, " WHERE ");
    for (const char *s = index->where; *s; s++) buf_char(b, *s == '\n' ? ' ' : *s); /* a step is one line */
}

static void comment_definition(struct buf *b, const struct db_index *index, struct text sql) {
    buf_str(b, "COMMENT ON INDEX ");
    sql_name(b, text_of(index->name));
    buf_str(b, " IS '");
    for (size_t i = 0; i < sql.n; i++) {
        if (sql.s[i] == '\'') buf_char(b, '\'');
        buf_char(b, sql.s[i]);
    }
    buf_char(b, '\'');
}

static int create_index(struct migration *m, const struct db_table *t, const struct db_index *index,
                        const struct found *f, struct error *err) {
    struct buf sql = {0};
    index_definition(&sql, t, index);
    int rc = sql.failed ? error_memory(err) : 0;
    bool same = false;
    for (size_t i = 0; i < f->n_indexes; i++)
        same |= text_is(f->indexes[i].name, index->name) && text_eq(f->indexes[i].sql, buf_view(&sql));
    if (rc == 0 && !same) {
        buf_text(&m->sql, buf_view(&sql));
        rc = step(m, err);
        if (rc == 0 && m->db->kind == DB_POSTGRES) {
            comment_definition(&m->sql, index, buf_view(&sql));
            rc = step(m, err);
        }
    }
    buf_clear(&sql);
    return rc;
}

/* Drops what is no longer declared, or declared differently. */
static int drop_indexes(struct migration *m, const struct db_table *t, const struct found *f,
                        struct error *err) {
    int rc = 0;
    for (size_t i = 0; i < f->n_indexes && rc == 0; i++) {
        struct buf sql = {0};
        for (size_t k = 0; k < t->n_indexes; k++)
            if (text_is(f->indexes[i].name, t->indexes[k].name)) index_definition(&sql, t, &t->indexes[k]);
        bool same = text_eq(f->indexes[i].sql, buf_view(&sql));
        if (sql.failed) rc = error_memory(err);
        buf_clear(&sql);
        if (rc < 0 || same) continue;
        buf_str(&m->sql, "DROP INDEX ");
        sql_name(&m->sql, f->indexes[i].name);
        rc = step(m, err);
    }
    return rc;
}

/* ---- the declaration itself */

static int check_name(const char *table, const char *name, struct error *err) {
    if (name && *name && strlen(name) <= NAME_MAX_BYTES) return 0;
    return error_set(err, E_USAGE, table, "a name is empty or longer than %d bytes", NAME_MAX_BYTES);
}

static int check_list(const struct db_table *t, const char *names, struct error *err) {
    struct text list = text_of(names), name;
    size_t n = 0;
    for (; sql_names_next(&list, &name, NULL); n++)
        if (!table_column(t, name))
            return error_set(err, E_USAGE, t->name, "a key or index names a column the table lacks: %.*s",
                             (int)name.n, name.s);
    return n ? 0 : error_set(err, E_USAGE, t->name, "a key or index without columns");
}

static int check_table(const struct db_table *t, struct error *err) {
    int rc = check_name(t->name, t->name, err);
    for (size_t i = 0; i < t->n_columns && rc == 0; i++) rc = check_name(t->name, t->columns[i].name, err);
    if (rc == 0) rc = check_list(t, t->key, err);
    if (rc == 0 && t->partition) rc = check_list(t, t->partition, err);
    for (size_t i = 0; i < t->n_indexes && rc == 0; i++) {
        rc = check_name(t->name, t->indexes[i].name, err);
        if (rc == 0) rc = check_list(t, t->indexes[i].columns, err);
    }
    return rc;
}

static int migrate_table(struct migration *m, const struct db_table *t, struct error *err) {
    struct found f = {0};
    int rc = read_table(m, t->name, &f, err);
    if (rc == 0) rc = drop_indexes(m, t, &f, err);
    if (rc == 0) rc = f.n_columns ? change_columns(m, t, &f, err) : create_table(m, t, err);
    for (size_t i = 0; i < t->n_indexes && rc == 0; i++) rc = create_index(m, t, &t->indexes[i], &f, err);
    arena_reset(&m->arena);
    return rc;
}

int db_tables(struct db *db, struct arena *a, struct db_table **ret, size_t *ret_n, struct error *err) {
    struct migration m = {.db = db};
    struct value *names = NULL;
    size_t n = 0;
    int rc = read_rows(&m, read_tables[db->kind], "", 1, &names, &n, err);
    struct db_table *tables = rc < 0 ? NULL : arena_alloc(a, (n + 1) * sizeof *tables);
    if (rc == 0 && !tables) rc = error_memory(err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct found f = {0};
        tables[i] = (struct db_table){.name = arena_text(a, value_view(names[i])).s};
        if (!tables[i].name) rc = error_memory(err);
        if (rc == 0) rc = read_table(&m, tables[i].name, &f, err);
        struct db_column *columns = rc < 0 ? NULL : arena_alloc(a, (f.n_columns + 1) * sizeof *columns);
        if (rc == 0 && !columns) rc = error_memory(err);
        for (size_t k = 0; rc == 0 && k < f.n_columns; k++) {
            columns[k] = (struct db_column){.name = arena_text(a, f.columns[k].name).s};
            if (!columns[k].name) rc = error_memory(err);
        }
        if (rc < 0) break;
        tables[i].columns = columns;
        tables[i].n_columns = f.n_columns;
    }
    arena_clear(&m.arena);
    if (rc < 0) return rc;
    *ret = tables;
    *ret_n = n;
    return 0;
}

int db_migrate(struct db *db, const struct db_table *const *tables, size_t n, bool apply, struct buf *plan,
               struct error *err) {
    struct buf unwanted = {0};
    struct migration m = {.db = db, .plan = plan ? plan : &unwanted, .apply = apply};
    size_t before = m.plan->n;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) rc = check_table(tables[i], err);
    if (rc < 0) return rc;
    rc = apply ? db_begin(db, err) : db_snapshot(db, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n && rc == 0; i++) rc = migrate_table(&m, tables[i], err);
    if (!apply)
        db_snapshot_end(db);
    else if (rc == 0)
        rc = db_commit(db, err);
    else
        db_rollback(db);
    if (apply) db->driver->forget(db);
    if (rc < 0) m.plan->n = before;
    buf_clear(&unwanted);
    buf_clear(&m.sql);
    arena_clear(&m.arena);
    return rc;
}

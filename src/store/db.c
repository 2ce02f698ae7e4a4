/* The front of the store: which driver, which state. All rules that both stores share are held here once. */
#include "store/driver.h"

#include <string.h>

/* ---- prepared statements */

uint64_t statement_hash(struct text sql) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ sql.n;
    size_t i = 0;
    for (; i + 8 <= sql.n; i += 8) {
        uint64_t w;
        memcpy(&w, sql.s + i, 8);
        h = (h ^ w) * 0xBF58476D1CE4E5B9u;
        h ^= h >> 29;
    }
    uint64_t tail = 0;
    if (i < sql.n) memcpy(&tail, sql.s + i, sql.n - i);
    h = (h ^ tail) * 0x94D049BB133111EBu;
    return h ^ (h >> 31);
}

struct statement *statement_find(struct statements *all, struct text sql, uint64_t hash, bool *ret_busy) {
    *ret_busy = false;
    for (size_t i = 0; i < all->n; i++) {
        if (all->hashes[i] != hash) continue;
        struct statement *s = all->items[i];
        if (s->n != sql.n || memcmp(s->sql, sql.s, sql.n) != 0) continue;
        *ret_busy = s->busy;
        s->tick = ++all->tick;
        return s->busy ? NULL : s;
    }
    return NULL;
}

struct statement *statement_keep(struct statements *all, struct statement *s) {
    size_t at = all->n;
    struct statement *out = NULL;
    if (all->n == STATEMENT_MAX) {
        for (size_t i = 0; i < all->n; i++) {
            if (all->items[i]->busy || (out && all->items[i]->tick >= out->tick)) continue;
            out = all->items[i];
            at = i;
        }
        if (!out) return NULL;
        out->cached = false;
    } else {
        all->n++;
    }
    s->tick = ++all->tick;
    s->cached = true;
    all->items[at] = s;
    all->hashes[at] = s->hash;
    return out;
}

/* ---- open and close */

int db_open(const char *url, enum db_mode mode, struct db **ret, struct error *err) {
    if (!url || !*url)
        return error_set(err, E_USAGE, NULL, "a store needs a path or a postgresql:// address");
    if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0)
        return postgres_open(url, mode, ret, err);
    if (strncmp(url, "sqlite:", 7) == 0) url += 7;
    return sqlite_open(url, mode, ret, err);
}

void db_close(struct db *db) {
    if (!db) return;
    if (db->writing) db_rollback(db);
    db_snapshot_end(db);
    if (db->memory) db->memory_drop(db->memory);
    buf_clear(&db->sql);
    db->driver->close(db);
}

enum db_kind db_kind_of(const struct db *db) {
    return db->kind;
}

/* ---- transactions */

static int usage(struct error *err, const char *what) {
    return error_set(err, E_USAGE, NULL, "%s", what);
}

/* After a failure inside a transaction nothing but rolling back is allowed, on both stores alike. */
static int ready(struct db *db, struct error *err) {
    if (db->lost && (db->writing || db->reading))
        return error_set(err, E_STORE, NULL, "the transaction is gone; begin again");
    if (db->failed) return usage(err, "something failed in this transaction; roll back first");
    return 0;
}

static int result(struct db *db, int rc) {
    if (rc < 0 && db->writing) db->failed = true;
    return rc;
}

static void forget_transaction(struct db *db) {
    db->writing = db->reading = db->failed = db->lost = false;
    db->depth = 0;
}

int db_begin(struct db *db, struct error *err) {
    if (db->mode == DB_READ) return usage(err, "this store was opened for reading");
    if (db->lost) forget_transaction(db);
    if (db->writing || db->reading) return usage(err, "a transaction is open already");
    int rc = db->driver->begin(db, err);
    if (rc < 0) return rc;
    forget_transaction(db);
    db->writing = true;
    return 0;
}

int db_commit(struct db *db, struct error *err) {
    if (!db->writing) return usage(err, "no write transaction is open");
    int rc = 0;
    if (db->lost)
        rc = error_set(err, E_STORE, NULL,
                       "the transaction was lost before its commit; nothing of it is stored");
    else if (db->failed || db->depth)
        rc = usage(err, db->failed ? "something failed in this transaction; it was rolled back"
                                   : "a savepoint is still open; the transaction was rolled back");
    if (rc < 0) {
        db_rollback(db);
        return rc;
    }
    rc = db->driver->commit(db, err);
    forget_transaction(db);
    return rc;
}

int db_lazy(struct db *db, bool on, struct error *err) {
    if (db->mode == DB_READ) return usage(err, "this store was opened for reading");
    if (db->writing || db->reading) return usage(err, "a transaction is open already");
    return db->driver->lazy(db, on, err);
}

int db_sync(struct db *db, struct error *err) {
    if (db->lost) forget_transaction(db);
    if (db->writing || db->reading) return usage(err, "a transaction is open already");
    return db->driver->sync(db, err);
}

unsigned db_connection(const struct db *db) {
    return db->connection;
}

void *db_memory(const struct db *db) {
    return db->memory;
}

void db_memory_set(struct db *db, void *memory, void (*drop)(void *memory)) {
    if (db->memory) db->memory_drop(db->memory);
    db->memory = memory;
    db->memory_drop = drop;
}

bool db_renewed(struct db *db) {
    bool renewed = db->renewed;
    db->renewed = false;
    return renewed;
}

void db_rollback(struct db *db) {
    if (!db || !db->writing) return;
    if (!db->lost) db->driver->rollback(db);
    forget_transaction(db);
}

int db_savepoint(struct db *db, struct error *err) {
    if (!db->writing) return usage(err, "a savepoint needs a write transaction");
    int rc = ready(db, err);
    if (rc < 0) return rc;
    if (db->depth == SAVEPOINT_MAX) return usage(err, "more than 8 savepoints nested");
    rc = result(db, db->driver->savepoint(db, db->depth, err));
    if (rc < 0) return rc;
    db->depth++;
    return 0;
}

int db_savepoint_release(struct db *db, struct error *err) {
    if (!db->writing || !db->depth) return usage(err, "no savepoint is open");
    int rc = ready(db, err);
    if (rc < 0) return rc;
    rc = result(db, db->driver->release(db, db->depth - 1, err));
    if (rc < 0) return rc;
    db->depth--;
    return 0;
}

int db_savepoint_rollback(struct db *db, struct error *err) {
    if (!db->writing || !db->depth) return usage(err, "no savepoint is open");
    if (db->lost) return error_set(err, E_STORE, NULL, "the transaction is gone; begin again");
    int rc = result(db, db->driver->undo(db, db->depth - 1, err));
    if (rc < 0) return rc;
    db->depth--;
    db->failed = false;
    return 0;
}

int db_snapshot(struct db *db, struct error *err) {
    if (db->lost) forget_transaction(db);
    if (db->writing || db->reading) return usage(err, "a transaction is open already");
    int rc = db->driver->snapshot(db, err);
    if (rc < 0) return rc;
    forget_transaction(db);
    db->reading = true;
    return 0;
}

void db_snapshot_end(struct db *db) {
    if (!db || !db->reading) return;
    if (!db->lost) db->driver->snapshot_end(db);
    forget_transaction(db);
}

bool db_steady(const struct db *db) {
    return db->writing || db->reading;
}

/* ---- statements */

/* The same parameters are refused on both stores. */
static int check_params(const struct value *params, size_t n, struct error *err) {
    for (size_t i = 0; i < n; i++)
        if (params[i].kind == VALUE_TEXT && !store_text_ok((struct text){params[i].s, params[i].n}))
            return error_set(err, E_INVALID, NULL,
                             "text that is not UTF-8, or has a NUL in it (parameter %zu)", i + 1);
    return 0;
}

int db_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
           struct error *err) {
    int rc = ready(db, err);
    if (rc < 0) return rc;
    rc = check_params(params, n, err);
    if (rc == 0) rc = db->driver->run(db, sql, params, n, ret_changes, err);
    return result(db, rc);
}

int db_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
             struct error *err) {
    int rc = ready(db, err);
    if (rc < 0) return rc;
    rc = check_params(params, n, err);
    if (rc == 0) rc = db->driver->query(db, sql, params, n, ret, err);
    return result(db, rc);
}

int db_next(struct db_cursor *c, const struct value **ret_row, struct error *err) {
    int rc = c->db->driver->next(c, err);
    if (rc > 0) *ret_row = c->row;
    return result(c->db, rc);
}

size_t db_columns(const struct db_cursor *c) {
    return c->n_columns;
}

void db_cursor_close(struct db_cursor *c) {
    if (c) c->db->driver->cursor_close(c);
}

int db_scalar(struct db *db, struct arena *a, const char *sql, const struct value *params, size_t n,
              struct value *ret, struct error *err) {
    struct db_cursor *c = NULL;
    int rc = db_query(db, sql, params, n, &c, err);
    if (rc < 0) return rc;
    const struct value *row = NULL;
    struct value v = value_null();
    rc = db_next(c, &row, err);
    if (rc > 0 && db_columns(c) > 0 && !value_copy(a, row[0], &v))
        rc = result(db, error_memory(err));
    db_cursor_close(c);
    if (rc < 0) return rc;
    *ret = v;
    return 0;
}

/* ---- batches */

enum { KEY_MAX = 8 };

/* Finds the key's columns among those given. An INSERT needs them only to put the rows of a clustered table
 * in order. */
static int find_key(struct batch *b, uint16_t key[KEY_MAX], struct error *err) {
    if (b->verb == DB_INSERT && !b->table->clustered) return 0;
    struct text list = text_of(b->table->key), name;
    while (sql_names_next(&list, &name, NULL)) {
        size_t i = 0;
        while (i < b->n_columns && !text_is(name, b->table->columns[b->columns[i]].name)) i++;
        if (i == b->n_columns || b->n_keys == KEY_MAX) {
            b->n_keys = 0;
            if (b->verb == DB_INSERT) return 0;
            return error_set(err, E_USAGE, b->table->name, "a batch by key needs the key's columns");
        }
        key[b->n_keys++] = (uint16_t)i;
    }
    b->key = key;
    if (b->verb == DB_INSERT) return 0;
    if (b->verb == DB_DELETE && b->n_columns != b->n_keys)
        return error_set(err, E_USAGE, b->table->name, "a batch that deletes takes the key's columns only");
    if (b->verb == DB_UPDATE && b->n_columns == b->n_keys)
        return error_set(err, E_USAGE, b->table->name, "a batch that updates needs a column to set");
    return 0;
}

enum { BATCH_COLUMNS_MAX = 1600 }; /* PostgreSQL's own limit of a table */

int db_batch(struct db *db, enum db_verb verb, const struct db_table *table, const uint16_t *columns,
             size_t n_columns, const struct value *rows, size_t n_rows, size_t *ret_bad, struct error *err) {
    if (!db->writing) return usage(err, "a batch needs a write transaction");
    int rc = ready(db, err);
    if (rc < 0) return rc;
    struct batch b = {.verb = verb,
                      .table = table,
                      .columns = columns,
                      .n_columns = n_columns,
                      .rows = rows,
                      .n_rows = n_rows};
    uint16_t key[KEY_MAX];
    if (!n_columns) return usage(err, "a batch needs columns");
    if (n_columns > BATCH_COLUMNS_MAX) return error_set(err, E_TOO_LARGE, table->name, "more than %d columns", BATCH_COLUMNS_MAX);
    unsigned char plain[BATCH_COLUMNS_MAX];
    for (size_t i = 0; i < n_columns; i++) {
        if (columns[i] >= table->n_columns)
            return error_set(err, E_USAGE, table->name, "a column the table lacks");
        plain[i] = column_plain(&table->columns[columns[i]]);
    }
    b.plain = plain;
    rc = find_key(&b, key, err);
    if (rc < 0) return rc;
    if (!n_rows) return 0;
    size_t bad = n_rows;
    rc = result(db, db->driver->batch(db, &b, &bad, err));
    if (rc < 0 && ret_bad && bad < n_rows) *ret_bad = bad;
    return rc;
}

/* ---- upkeep */

int db_backup(struct db *db, const char *path, struct error *err) {
    if (db->writing) return usage(err, "a backup cannot be taken inside a write transaction");
    return db->driver->backup(db, path, err);
}

void db_bulk(struct db *db, bool on) {
    if (!db->writing) db->driver->bulk(db, on);
}

int db_analyze(struct db *db, struct error *err) {
    if (db->writing || db->reading) return usage(err, "statistics are gathered outside transactions");
    return db->driver->analyze(db, err);
}

/* PostgreSQL: batches. Rows go over in pieces: new rows by COPY, changes as one statement over unnest() of an
 * array per column, a single row as a plain statement. Each piece has a savepoint, so that a piece that fails
 * can be run again row by row to find the row to blame. All in binary: no quoting, no parsing of numbers. */
#include "store/postgres.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum {
    PIECE_ROWS = 4096, /* half of the slots */
    PIECE_BYTES = 16 << 20,
    COPY_ROWS_MIN = 24,
    COPY_ROWS_AHEAD = 100, /* COPY waits twice for the server */
    SEEN_SLOTS = 8192,
    BATCH_DEPTH = SAVEPOINT_MAX
};

static const struct db_column *column_of(const struct batch *b, size_t i) {
    return &b->table->columns[b->columns[i]];
}

/* Rows that go over together, in key order where that helps. */
struct piece {
    const struct value *rows;
    const uint32_t *order; /* NULL: as they stand */
    size_t n;
};

static const struct value *piece_row(const struct batch *b, const struct piece *p, size_t i) {
    return p->rows + (p->order ? p->order[i] : i) * b->n_columns;
}

static void put32(struct buf *b, int32_t v) {
    uint32_t n = htobe32((uint32_t)v);
    buf_add(b, &n, 4);
}

static void put_cell(struct buf *b, const struct value *v) {
    if (v->kind == VALUE_INT) {
        struct {
            uint32_t length, high, low;
        } cell = {htobe32(8), htobe32((uint32_t)((uint64_t)v->i >> 32)), htobe32((uint32_t)v->i)};
        buf_add(b, &cell, sizeof cell);
    } else if (v->kind == VALUE_TEXT || v->kind == VALUE_BLOB) {
        put32(b, (int32_t)v->n);
        buf_add(b, v->s, v->n);
    } else {
        put32(b, -1);
    }
}

/* A row's cells at once: most are few bytes. */
static void put_row(struct buf *out, const struct value *row, size_t n) {
    struct {
        unsigned char bytes[1024];
        size_t n;
    } part = {.n = 2};
    uint16_t fields = htobe16((uint16_t)n);
    memcpy(part.bytes, &fields, 2);
    for (size_t k = 0; k < n; k++) {
        struct text t = value_view(row[k]);
        uint32_t length = htobe32(row[k].kind == VALUE_INT ? 8 : row[k].kind == VALUE_TEXT || row[k].kind == VALUE_BLOB ? (uint32_t)t.n : UINT32_MAX);
        uint64_t whole = htobe64((uint64_t)row[k].i);
        if (row[k].kind == VALUE_INT) t = (struct text){(const char *)&whole, 8};
        else if (length == UINT32_MAX) t.n = 0;
        if (part.n + 4 + t.n > sizeof part.bytes) {
            buf_add(out, part.bytes, part.n);
            part.n = 0;
        }
        memcpy(part.bytes + part.n, &length, 4);
        part.n += 4;
        if (part.n + t.n > sizeof part.bytes) {
            buf_add(out, part.bytes, part.n);
            buf_add(out, t.s, t.n);
            part.n = 0;
        } else if (t.n) {
            memcpy(part.bytes + part.n, t.s, t.n);
            part.n += t.n;
        }
    }
    buf_add(out, part.bytes, part.n);
}

/* ---- COPY */

static int copy_end(struct pg *pg, const char *failure, struct error *err) {
    int rc = PQputCopyEnd(pg->conn, failure) == 1 ? 0 : E_STORE;
    PGresult *r;
    while ((r = PQgetResult(pg->conn)) != NULL) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK) rc = pg_fail(pg, r, err);
        PQclear(r);
    }
    if (rc < 0) error_set(err, rc, NULL, "the connection to PostgreSQL was lost");
    return rc;
}

static int copy_rows(struct pg *pg, const struct batch *b, const struct piece *p, struct error *err) {
    enum { CHUNK = 24 << 10 }; /* so that the server puts rows in while we put the next together */
    struct buf *out = &pg->columns[0];
    static const char head[19] = "PGCOPY\n\377\r\n"; /* signature with its NUL, no flags, no extension */
    uint16_t end = 0xFFFF;
    buf_reset(out);
    buf_add(out, head, sizeof head);
    bool good = true;
    for (size_t i = 0; i < p->n && good; i++) {
        put_row(out, piece_row(b, p, i), b->n_columns);
        if (out->n < CHUNK) continue;
        good = !out->failed && PQputCopyData(pg->conn, out->s, (int)out->n) == 1;
        buf_reset(out);
    }
    buf_add(out, &end, 2);
    if (out->failed) return copy_end(pg, "out of memory", NULL), error_memory(err);
    if (good) PQputCopyData(pg->conn, out->s, (int)out->n);
    return copy_end(pg, NULL, err);
}

static int copy(struct pg *pg, const struct batch *b, const struct piece *p, struct error *err) {
    buf_reset(&pg->key);
    buf_str(&pg->key, "COPY ");
    sql_name(&pg->key, text_of(b->table->name));
    for (size_t i = 0; i < b->n_columns; i++) {
        buf_str(&pg->key, i ? ", " : " (");
        sql_name(&pg->key, text_of(column_of(b, i)->name));
    }
    buf_str(&pg->key, ") FROM STDIN (FORMAT binary)");
    if (pg->key.failed) return error_memory(err);
    /* the savepoint first: COPY cannot travel in a pipeline */
    int rc = pg_exec(pg, NULL, 0, NULL, err);
    if (rc < 0) return rc;
    PGresult *r = PQexec(pg->conn, buf_cstr(&pg->key));
    rc = PQresultStatus(r) == PGRES_COPY_IN ? 0 : pg_fail(pg, r, err);
    PQclear(r);
    return rc < 0 ? rc : copy_rows(pg, b, p, err);
}

/* ---- one statement over arrays */

static void names(struct buf *s, const struct batch *b, const char *prefix) {
    for (size_t i = 0; i < b->n_columns; i++) {
        if (i) buf_str(s, ", ");
        buf_str(s, prefix);
        sql_name(s, text_of(column_of(b, i)->name));
    }
}

static bool is_key(const struct batch *b, size_t i) {
    for (size_t k = 0; k < b->n_keys; k++)
        if (b->key[k] == i) return true;
    return false;
}

static void assign(struct buf *s, const struct batch *b, const char *from) {
    for (size_t i = 0, set = 0; i < b->n_columns; i++) {
        if (is_key(b, i)) continue;
        if (set++) buf_str(s, ", ");
        sql_name(s, text_of(column_of(b, i)->name));
        buf_str(s, " = ");
        buf_str(s, from);
        sql_name(s, text_of(column_of(b, i)->name));
    }
}

/* "a"."id" = "b"."id" AND ... over the key */
static void same_key(struct buf *s, const struct batch *b, const char *left, const char *right) {
    for (size_t k = 0; k < b->n_keys; k++) {
        struct text name = text_of(column_of(b, b->key[k])->name);
        if (k) buf_str(s, " AND ");
        buf_str(s, left);
        sql_name(s, name);
        buf_str(s, " = ");
        buf_str(s, right);
        sql_name(s, name);
    }
}

static void unnest(struct buf *s, const struct batch *b) {
    buf_str(s, "unnest(");
    for (size_t i = 0; i < b->n_columns; i++) buf_printf(s, i ? ", $%zu" : "$%zu", i + 1);
    buf_str(s, ") AS v(");
    names(s, b, "");
    buf_char(s, ')');
}

static void insert_sql(struct buf *s, const struct batch *b) {
    buf_str(s, "INSERT INTO ");
    sql_name(s, text_of(b->table->name));
    buf_str(s, " (");
    names(s, b, "");
    buf_str(s, ") SELECT * FROM ");
    unnest(s, b);
}

/* Few rows of a table whose key is its own are an upsert by ON CONFLICT; looking for many takes half the time. */
static bool conflicts(const struct batch *b, size_t n) {
    return b->verb == DB_UPSERT && !b->table->partition && n < COPY_ROWS_MIN;
}

/* The rows of table "t" that have the keys of "v": its index is walked for each. OFFSET 0 keeps the server from making a join of it, whose plan, made while
 * the table was empty and kept, would read the whole table for ever after. */
static void found(struct buf *s, const struct batch *b) {
    buf_str(s, ", LATERAL (SELECT k.ctid, k.tableoid FROM ");
    sql_name(s, text_of(b->table->name));
    buf_str(s, " AS k WHERE ");
    same_key(s, b, "k.", "v.");
    buf_str(s, " OFFSET 0) AS k WHERE t.ctid = k.ctid AND t.tableoid = k.tableoid");
}

/* The table is "t", the rows are "v". An upsert of many updates what is there and inserts what was not: both parts
 * see the table as it was before, the lock of the store makes that safe, and it finds a row whose partition
 * column changes, which ON CONFLICT would not. */
static void upsert_sql(struct buf *s, const struct batch *b, size_t n) {
    struct text table = text_of(b->table->name);
    if (conflicts(b, n)) {
        insert_sql(s, b);
        sql_upsert(s, b, DB_POSTGRES);
        return;
    }
    buf_str(s, "WITH v AS MATERIALIZED (SELECT * FROM ");
    unnest(s, b);
    buf_char(s, ')');
    if (b->n_columns > b->n_keys) {
        buf_str(s, ", u AS (UPDATE ");
        sql_name(s, table);
        buf_str(s, " AS t SET ");
        assign(s, b, "v.");
        buf_str(s, " FROM v");
        found(s, b);
        buf_char(s, ')');
    }
    buf_str(s, " INSERT INTO ");
    sql_name(s, table);
    buf_str(s, " (");
    names(s, b, "");
    buf_str(s, ") SELECT * FROM v WHERE NOT EXISTS (SELECT 1 FROM ");
    sql_name(s, table);
    buf_str(s, " AS t WHERE ");
    same_key(s, b, "t.", "v.");
    buf_str(s, " OFFSET 0)");
}

static void piece_sql(struct buf *s, const struct batch *b, size_t n) {
    struct text table = text_of(b->table->name);
    if (b->verb == DB_UPSERT || b->verb == DB_INSERT) {
        if (b->verb == DB_UPSERT)
            upsert_sql(s, b, n);
        else
            insert_sql(s, b);
        return;
    }
    buf_str(s, b->verb == DB_UPDATE ? "UPDATE " : "DELETE FROM ");
    sql_name(s, table);
    buf_str(s, b->verb == DB_UPDATE ? " AS t SET " : " AS t USING ");
    if (b->verb == DB_UPDATE) assign(s, b, "v.");
    if (b->verb == DB_UPDATE) buf_str(s, " FROM ");
    unnest(s, b);
    found(s, b);
}

static const Oid array_types[] = {PG_INT8_ARRAY, PG_TEXT_ARRAY, PG_BYTEA_ARRAY};
static const Oid cell_types[] = {PG_INT8, PG_TEXT, PG_BYTEA};

/* array_recv: dimensions, has-nulls, element type, then length and lower bound of the one dimension */
static void put_array(struct buf *out, const struct batch *b, const struct piece *p, size_t column) {
    buf_reset(out);
    put32(out, 1);
    put32(out, 1);
    put32(out, (int32_t)cell_types[column_of(b, column)->type]);
    put32(out, (int32_t)p->n);
    put32(out, 1);
    for (size_t i = 0; i < p->n; i++) put_cell(out, piece_row(b, p, i) + column);
}

/* Runs the prepared text in db->sql and checks how many rows an update touched. */
static int execute(struct pg *pg, const struct batch *b, const struct pg_command *parameters, size_t n,
                   struct error *err) {
    struct pg_statement *s = NULL;
    PGresult *r = NULL;
    if (pg->base.sql.failed) return error_memory(err);
    int rc = pg_statement_get(pg, buf_view(&pg->base.sql), parameters->types, b->n_columns, &s, err);
    if (rc == 0 && pg_sends_ahead(pg))
        return pg_statement_send(pg, s, parameters, (struct pg_ahead){.rows = b->verb == DB_UPDATE ? (int64_t)n : 0, .table = b->table->name}, err);
    if (rc == 0) rc = pg_statement_exec(pg, s, parameters, &r, err);
    if (rc < 0) return rc;
    int64_t touched = 0;
    if (b->verb == DB_UPDATE && (!text_int(text_of(PQcmdTuples(r)), &touched) || touched < (int64_t)n))
        rc = error_set(err, E_UNKNOWN, b->table->name, "the row to change is not there");
    PQclear(r);
    return rc;
}

static int arrays(struct pg *pg, const struct batch *b, const struct piece *p, struct error *err) {
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    Oid types[PG_PARAMS_MAX];
    for (size_t i = 0; i < b->n_columns; i++) {
        struct buf *out = &pg->columns[i];
        put_array(out, b, p, i);
        if (out->failed) return error_set(err, out->failed, NULL, "out of memory");
        values[i] = out->s;
        lengths[i] = (int)out->n;
        types[i] = array_types[column_of(b, i)->type];
    }
    struct pg_command parameters = {
        .n = (int)b->n_columns, .types = types, .values = values, .lengths = lengths};
    buf_reset(&pg->base.sql);
    piece_sql(&pg->base.sql, b, p->n);
    return execute(pg, b, &parameters, p->n, err);
}

/* One row as a plain statement; an upsert beside a partition column needs the two steps of the array form. */
static int single(struct pg *pg, const struct batch *b, const struct value *row, struct error *err) {
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    Oid types[PG_PARAMS_MAX];
    int64_t ints[PG_PARAMS_MAX];
    if (b->verb == DB_UPSERT && b->table->partition) return arrays(pg, b, &(struct piece){row, NULL, 1}, err);
    pg_params(row, b->n_columns, values, lengths, types, ints);
    for (size_t i = 0; i < b->n_columns; i++) types[i] = cell_types[column_of(b, i)->type];
    struct pg_command parameters = {
        .n = (int)b->n_columns, .types = types, .values = values, .lengths = lengths};
    buf_reset(&pg->base.sql);
    sql_row(&pg->base.sql, b, DB_POSTGRES);
    return execute(pg, b, &parameters, 1, err);
}

/* ---- pieces */

struct seen {
    uint32_t round;
    uint32_t rounds[SEEN_SLOTS];
    uint16_t rows[SEEN_SLOTS];
};

static uint64_t key_hash(const struct batch *b, const struct value *row) {
    uint64_t h = 0;
    for (size_t k = 0; k < b->n_keys; k++) {
        struct value v = row[b->key[k]];
        uint64_t part = v.kind == VALUE_INT ? (uint64_t)v.i : statement_hash(value_view(v));
        h = (h ^ part) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    return h;
}

/* True when an earlier row of the piece has the same key; else remembers this one. */
static bool seen_before(struct seen *seen, const struct batch *b, const struct value *rows, size_t i) {
    const struct value *row = rows + i * b->n_columns;
    for (size_t at = key_hash(b, row) % SEEN_SLOTS;; at = (at + 1) % SEEN_SLOTS) {
        if (seen->rounds[at] != seen->round) {
            seen->rounds[at] = seen->round;
            seen->rows[at] = (uint16_t)i;
            return false;
        }
        const struct value *other = rows + seen->rows[at] * b->n_columns;
        size_t k = 0;
        while (k < b->n_keys && value_eq(row[b->key[k]], other[b->key[k]])) k++;
        if (k == b->n_keys) return true;
    }
}

/* How many of the rows go together: up to the limits, a bad cell, or a key that comes again (the last one
 * must win). */
static size_t piece_size(const struct batch *b, struct seen *seen, const struct value *rows, size_t n) {
    size_t bytes = 0, i = 0;
    if (seen) seen->round++;
    for (; i < n && i < PIECE_ROWS && bytes < PIECE_BYTES; i++) {
        const struct value *row = rows + i * b->n_columns;
        if (!row_sound(b, row)) break;
        for (size_t k = 0; k < b->n_columns; k++) bytes += 8 + value_view(row[k]).n;
        if (seen && seen_before(seen, b, rows, i)) break;
    }
    return i;
}

/* Finds the row to blame: the piece again, row by row. Ends well when the fault was in their being together.
 */
static int one_by_one(struct pg *pg, const struct batch *b, const struct value *rows, size_t n,
                      size_t *ret_bad, struct error *err) {
    for (size_t i = 0; i < n; i++, rows += b->n_columns) {
        int rc = single(pg, b, rows, err);
        if (rc == 0) continue;
        *ret_bad = i;
        return rc;
    }
    return 0;
}

static int run_piece(struct pg *pg, const struct batch *b, const struct value *rows, size_t n,
                     size_t *ret_bad, struct error *err) {
    if (n == 1) {
        int rc = single(pg, b, rows, err);
        if (rc < 0) *ret_bad = 0;
        return rc;
    }
    struct error why = {0};
    struct batch part = *b;
    uint32_t *order = NULL;
    part.rows = rows;
    if (batch_order(&part, n, &order) < 0) return error_memory(err);
    struct piece p = {rows, order, n};
    bool ahead = pg_sends_ahead(pg), bulk = b->verb == DB_INSERT && n >= (ahead ? COPY_ROWS_AHEAD : COPY_ROWS_MIN);
    if (ahead) { /* nobody asks which row */
        int sent = bulk ? copy(pg, b, &p, err) : arrays(pg, b, &p, err);
        mem_free(order);
        return sent;
    }
    pg_push_depth(pg, "SAVEPOINT", BATCH_DEPTH);
    int rc = bulk ? copy(pg, b, &p, &why) : arrays(pg, b, &p, &why);
    mem_free(order);
    if (rc == 0) {
        pg_push_depth(pg, "RELEASE", BATCH_DEPTH);
        return 0;
    }
    if (!one_row_s_fault(rc) || pg_gone(pg) || pg_simple(pg, "ROLLBACK TO s8", NULL) < 0)
        return error_set(err, rc, why.where[0] ? why.where : NULL, "%s", why.message);
    pg_push_depth(pg, "RELEASE", BATCH_DEPTH);
    return one_by_one(pg, b, rows, n, ret_bad, err);
}

static int make_columns(struct pg *pg, size_t n, struct error *err) {
    if (n > PG_PARAMS_MAX) return error_set(err, E_USAGE, NULL, "more than %d columns", PG_PARAMS_MAX);
    if (n <= pg->n_columns) return 0;
    struct buf *grown = mem_realloc(pg->columns, n * sizeof *grown);
    if (!grown) return error_memory(err);
    memset(grown + pg->n_columns, 0, (n - pg->n_columns) * sizeof *grown);
    pg->columns = grown;
    pg->n_columns = n;
    return 0;
}

int pg_batch(struct db *db, const struct batch *b, size_t *ret_bad, struct error *err) {
    struct pg *pg = pg_of(db);
    int rc = make_columns(pg, b->n_columns, err);
    if (rc < 0) return rc;
    struct seen *seen = NULL;
    if (b->n_rows > 1 && (b->verb == DB_UPSERT || b->verb == DB_UPDATE) && !(seen = mem_alloc(sizeof *seen)))
        return error_memory(err);
    for (size_t at = 0; at < b->n_rows && rc == 0;) {
        const struct value *rows = b->rows + at * b->n_columns;
        size_t n = piece_size(b, seen, rows, b->n_rows - at), bad = b->n_rows;
        if (n == 0) {
            *ret_bad = at;
            rc = batch_refuse(b, rows, err);
            break;
        }
        rc = run_piece(pg, b, rows, n, &bad, err);
        if (rc < 0 && bad < n) *ret_bad = at + bad;
        at += n;
    }
    mem_free(seen);
    return rc;
}

/* PostgreSQL: statements and cursors. Most results are small, so a query first runs prepared with a limit of
 * a few hundred rows and is read to memory: one round trip. A result that is larger is asked again through a
 * server-side cursor (held past its transaction when there is none), fetched in chunks of about a megabyte;
 * the statement remembers. */
#include "store/postgres.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { SMALL_ROWS = 256, CHUNK_ROWS_MAX = 4000, CHUNK_BYTES = 1 << 20 };
#define LIMIT_SQL " LIMIT 257" /* SMALL_ROWS + 1 */

struct pg_statement {
    struct statement base; /* base.sql: the text as PostgreSQL reads it, then the parameters' types */
    unsigned generation;   /* the connection that knows it, 0 none */
    unsigned serial;
    unsigned window; /* the last in which it was sent ahead */
    bool big; /* its last result was large */
};

/* A question that was sent ahead, to be asked again should its answer be large; the parameters lie behind it. */
struct again {
    struct pg_statement *statement;
    char *sql;
    struct pg_command command;
};

struct pg_cursor {
    struct db_cursor base;
    PGresult *result;
    struct again *again; /* the result is still to be read */
    int at, n;
    bool server, hold, ended;
    unsigned serial, transaction, generation;
    int chunk;
    size_t room;
};

/* ---- text */

/* Copies sql with ?1 as $1 outside quotes; *ret_params is the highest number. */
static int translate(const char *sql, struct buf *out, size_t *ret_params, struct error *err) {
    size_t most = 0;
    char quote = '\0';
    for (const char *s = sql; *s; s++) {
        if (quote) {
            if (*s == quote) quote = '\0';
        } else if (*s == '\'' || *s == '"') {
            quote = *s;
        } else if (*s == ';') {
            if (text_trim(text_of(s + 1)).n) return error_set(err, E_USAGE, NULL, "one statement at a time");
            break;
        } else if (*s == '?' && isdigit((unsigned char)s[1])) {
            size_t n = 0;
            for (const char *d = s + 1; isdigit((unsigned char)*d) && n <= PG_PARAMS_MAX; d++)
                n = n * 10 + (size_t)(*d - '0');
            if (n > most) most = n;
            buf_char(out, '$');
            continue;
        }
        buf_char(out, *s);
    }
    if (out->failed) return error_memory(err);
    *ret_params = most;
    return 0;
}

static bool is_select(const char *sql) {
    struct text t = text_trim(text_of(sql));
    return (t.n > 6 && strncasecmp(t.s, "select", 6) == 0) || (t.n > 4 && strncasecmp(t.s, "with", 4) == 0) ||
           (t.n > 6 && strncasecmp(t.s, "values", 6) == 0);
}

/* ---- prepared statements */

void pg_forget(struct db *db) {
    struct pg *pg = pg_of(db);
    for (size_t i = 0; i < pg->statements.n; i++) {
        mem_free(pg->statements.items[i]->sql);
        mem_free(pg->statements.items[i]);
    }
    pg->statements.n = 0;
    if (!pg_gone(pg) && !db->writing && !db->reading) pg_simple(pg, "DEALLOCATE ALL", NULL);
}

static void evict(struct pg *pg, struct pg_statement *s) {
    if (!s) return;
    char sql[48];
    snprintf(sql, sizeof sql, "DEALLOCATE q%u", s->serial);
    if (s->generation == pg->base.connection && !pg_gone(pg)) {
        if (pg_sends_ahead(pg))
            pg_send_ahead(pg, &(struct pg_command){.kind = PG_DIRECT, .sql = sql}, 1, (struct pg_ahead){0}, NULL);
        else
            pg_simple(pg, sql, NULL);
    }
    mem_free(s->base.sql);
    mem_free(s);
}

int pg_statement_get(struct pg *pg, struct text sql, const Oid *types, size_t n, struct pg_statement **ret,
                     struct error *err) {
    bool busy = false;
    /* the text's own NUL, then the types: the key is read as a C string when it is sent */
    struct buf key = {0};
    buf_text(&key, sql);
    buf_char(&key, '\0');
    if (buf_add(&key, types, n * sizeof *types) < 0) {
        buf_clear(&key);
        return error_memory(err);
    }
    uint64_t hash = statement_hash(buf_view(&key));
    struct statement *known = statement_find(&pg->statements, buf_view(&key), hash, &busy);
    if (known) {
        buf_clear(&key);
        *ret = (struct pg_statement *)known;
        return 0;
    }
    struct pg_statement *s = mem_alloc(sizeof *s);
    if (!s) {
        buf_clear(&key);
        return error_memory(err);
    }
    s->base = (struct statement){.sql = key.s, .n = key.n, .hash = hash};
    s->serial = ++pg->serial;
    evict(pg, (struct pg_statement *)statement_keep(&pg->statements, &s->base));
    *ret = s;
    return 0;
}

/* PREPARE and EXECUTE, or EXECUTE alone: returns where to begin. */
static size_t statement_commands(const struct pg *pg, const struct pg_statement *s, const struct pg_command *parameters,
                                 struct pg_command commands[2], char name[PG_NAME_MAX]) {
    snprintf(name, PG_NAME_MAX, "q%u", s->serial);
    commands[0] = commands[1] = *parameters;
    commands[0].kind = PG_PREPARE;
    commands[0].sql = s->base.sql;
    commands[1].kind = PG_EXECUTE;
    commands[0].name = commands[1].name = name;
    return s->generation != pg->base.connection ? 0 : 1;
}

/* Whether it was prepared before it failed is not known, or its plan is stale: it gets a new name. */
static void statement_doubt(struct pg *pg, struct pg_statement *s) {
    s->generation = 0;
    s->serial = ++pg->serial;
}

void pg_statements_doubt(struct pg *pg) {
    for (size_t i = 0; i < pg->statements.n; i++) {
        struct pg_statement *s = (struct pg_statement *)pg->statements.items[i];
        if (s->window == pg->window) statement_doubt(pg, s);
    }
}

int pg_statement_send(struct pg *pg, struct pg_statement *s, const struct pg_command *parameters,
                      struct pg_ahead wanted, struct error *err) {
    char name[PG_NAME_MAX];
    struct pg_command commands[2];
    size_t from = statement_commands(pg, s, parameters, commands, name);
    int rc = pg_send_ahead(pg, commands + from, 2 - from, wanted, err);
    if (rc < 0) return rc;
    s->generation = pg->base.connection;
    s->window = pg->window;
    return 0;
}

int pg_send_known(struct pg *pg, const char *sql, struct error *err) {
    struct pg_statement *s = NULL;
    int rc = pg_statement_get(pg, text_of(sql), NULL, 0, &s, err);
    return rc < 0 ? rc : pg_statement_send(pg, s, &(struct pg_command){0}, (struct pg_ahead){0}, err);
}

int pg_statement_exec(struct pg *pg, struct pg_statement *s, const struct pg_command *parameters,
                      PGresult **ret, struct error *err) {
    char name[PG_NAME_MAX];
    struct pg_command commands[2];
    size_t from = statement_commands(pg, s, parameters, commands, name);
    bool prepare = from == 0;
    int rc = pg_exec(pg, commands + from, 2 - from, ret, err);
    if (rc == 0) {
        s->generation = pg->base.connection;
    } else if (prepare || rc == E_STORE) {
        statement_doubt(pg, s);
    }
    return rc;
}

/* ---- parameters */

void pg_params(const struct value *params, size_t n, const char **values, int *lengths, Oid *types,
               int64_t *ints) {
    for (size_t i = 0; i < n; i++) {
        const struct value *v = &params[i];
        switch (v->kind) {
        case VALUE_INT:
            ints[i] = (int64_t)htobe64((uint64_t)v->i);
            values[i] = (const char *)&ints[i];
            lengths[i] = 8;
            types[i] = PG_INT8;
            break;
        case VALUE_TEXT:
        case VALUE_BLOB:
            values[i] = v->n ? v->s : "";
            lengths[i] = (int)v->n;
            types[i] = v->kind == VALUE_TEXT ? PG_TEXT : PG_BYTEA;
            break;
        default:
            values[i] = NULL;
            lengths[i] = 0;
            types[i] = 0; /* PostgreSQL infers it from where it stands */
        }
    }
}

struct call {
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    Oid types[PG_PARAMS_MAX];
    int64_t ints[PG_PARAMS_MAX];
    struct pg_command command;
};

static int call_set(struct call *c, const struct value *params, size_t n, size_t wanted, struct error *err) {
    if (n != wanted || n > PG_PARAMS_MAX)
        return error_set(err, E_USAGE, NULL, "the statement has %zu parameters, %zu were given", wanted, n);
    pg_params(params, n, c->values, c->lengths, c->types, c->ints);
    c->command =
        (struct pg_command){.n = (int)n, .types = c->types, .values = c->values, .lengths = c->lengths};
    return 0;
}

int pg_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
           struct error *err) {
    struct pg *pg = pg_of(db);
    struct pg_statement *s = NULL;
    struct call call;
    size_t wanted = 0;
    PGresult *r = NULL;
    int rc = pg_ready(pg, err);
    if (rc < 0) return rc;
    buf_reset(&db->sql);
    rc = translate(sql, &db->sql, &wanted, err);
    if (rc == 0) rc = call_set(&call, params, n, wanted, err);
    if (rc == 0) rc = pg_statement_get(pg, buf_view(&db->sql), call.types, n, &s, err);
    if (rc == 0 && pg_sends_ahead(pg) && !ret_changes) return pg_statement_send(pg, s, &call.command, (struct pg_ahead){0}, err);
    if (rc == 0) rc = pg_statement_exec(pg, s, &call.command, &r, err);
    if (rc < 0) return rc;
    if (ret_changes) {
        int64_t changes = 0;
        struct text tuples = text_of(PQresultStatus(r) == PGRES_TUPLES_OK ? "" : PQcmdTuples(r));
        *ret_changes = text_int(tuples, &changes) ? changes : 0;
    }
    PQclear(r);
    return 0;
}

/* ---- cells */

static uint64_t big_endian(const char *s, int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | (unsigned char)s[i];
    return v;
}

/* numeric in binary: digits to the base 10,000, how many, the weight of the first, the sign, the scale shown.
 */
static bool whole_numeric(const char *s, int bytes, int64_t *ret) {
    if (bytes < 8) return false;
    int n = (int16_t)big_endian(s, 2), weight = (int16_t)big_endian(s + 2, 2);
    unsigned sign = (unsigned)big_endian(s + 4, 2);
    if (bytes < 8 + 2 * n || (sign != 0 && sign != 0x4000)) return false;
    int64_t v = 0; /* summed below zero, where there is one number more */
    for (int i = 0; i < n || i <= weight; i++) {
        int digit = i < n ? (int)big_endian(s + 8 + 2 * i, 2) : 0;
        if (i > weight) {
            if (digit) return false;
            continue;
        }
        if (__builtin_mul_overflow(v, 10000, &v) || __builtin_sub_overflow(v, digit, &v)) return false;
    }
    if (!sign && __builtin_sub_overflow(0, v, &v)) return false;
    *ret = v;
    return true;
}

static bool whole_float(double d, int64_t *ret) {
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || d != (double)(int64_t)d) return false;
    *ret = (int64_t)d;
    return true;
}

static bool cell(const PGresult *r, int row, int column, struct value *ret) {
    if (PQgetisnull(r, row, column)) {
        *ret = value_null();
        return true;
    }
    const char *s = PQgetvalue(r, row, column);
    int n = PQgetlength(r, row, column);
    int64_t i = 0;
    bool good = true;
    switch (PQftype(r, column)) {
    case PG_INT8:
        i = (int64_t)big_endian(s, 8);
        break;
    case PG_INT4:
        i = (int32_t)big_endian(s, 4);
        break;
    case PG_OID:
        i = (int64_t)big_endian(s, 4);
        break;
    case PG_INT2:
        i = (int16_t)big_endian(s, 2);
        break;
    case PG_BOOL:
        i = s[0] != 0;
        break;
    case PG_NUMERIC:
        good = whole_numeric(s, n, &i);
        break;
    case PG_FLOAT8: {
        uint64_t bits = big_endian(s, 8);
        double d;
        memcpy(&d, &bits, sizeof d);
        good = whole_float(d, &i);
        break;
    }
    case PG_TEXT:
    case PG_VARCHAR:
    case PG_BPCHAR:
    case PG_NAME:
    case PG_CHAR:
    case PG_UNKNOWN:
        *ret = value_text((struct text){s, (size_t)n});
        return true;
    case PG_BYTEA:
        *ret = value_blob(s, (size_t)n);
        return true;
    default:
        good = false;
    }
    *ret = value_int(i);
    return good;
}

/* ---- cursors */

static int fetch(struct pg_cursor *c, struct error *err) {
    struct pg *pg = pg_of(c->base.db);
    char sql[64];
    snprintf(sql, sizeof sql, "FETCH FORWARD %d FROM c%u", c->chunk, c->serial);
    PQclear(c->result);
    c->result = NULL;
    c->at = c->n = 0;
    int rc = pg_exec(pg, &(struct pg_command){.kind = PG_DIRECT, .sql = sql}, 1, &c->result, err);
    if (rc < 0) return rc;
    c->n = PQntuples(c->result);
    c->ended = c->n < c->chunk;
    if (!c->n) return 0;
    size_t each = PQresultMemorySize(c->result) / (size_t)c->n + 1, want = CHUNK_BYTES / each;
    c->chunk = want < 8 ? 8 : want > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : (int)want;
    return 0;
}

static int open_cursor(struct pg *pg, struct pg_cursor *c, const char *sql, struct pg_command *command,
                       struct error *err) {
    struct buf text = {0};
    c->server = true;
    c->hold = !pg->base.writing && !pg->base.reading;
    c->serial = ++pg->serial;
    c->chunk = SMALL_ROWS;
    buf_printf(&text, "DECLARE c%u NO SCROLL CURSOR %sFOR ", c->serial, c->hold ? "WITH HOLD " : "");
    buf_str(&text, sql);
    int rc = text.failed ? error_memory(err) : 0;
    command->kind = PG_DIRECT;
    command->sql = buf_cstr(&text);
    if (rc == 0) rc = pg_exec(pg, command, 1, NULL, err);
    buf_clear(&text);
    if (rc < 0) {
        c->server = false;
        return rc;
    }
    c->transaction = pg->transaction;
    c->generation = pg->base.connection;
    return fetch(c, err);
}

/* The first, limited run. *ret_more is set when the result is larger than that. */
static int read_small(struct pg *pg, struct pg_cursor *c, struct pg_statement *s, struct call *call,
                      bool *ret_more, struct error *err) {
    int rc = pg_statement_exec(pg, s, &call->command, &c->result, err);
    if (rc < 0) return rc;
    c->n = PQntuples(c->result);
    c->ended = true;
    *ret_more = c->n > SMALL_ROWS;
    return 0;
}

static int cursor_columns(struct pg_cursor *c, struct error *err) {
    size_t n = (size_t)PQnfields(c->result);
    c->base.row = mem_alloc((n + 1) * sizeof *c->base.row);
    if (!c->base.row) return error_memory(err);
    c->base.n_columns = n;
    return 0;
}

/* ---- questions sent ahead */

static struct again *again_new(struct pg_statement *s, struct text sql, const struct pg_command *command) {
    size_t n = (size_t)command->n, bytes = sizeof(struct again) + n * (sizeof(char *) + sizeof(int) + sizeof(Oid)) + sql.n + 1;
    for (size_t i = 0; i < n; i++) bytes += (size_t)command->lengths[i];
    struct again *a = mem_alloc(bytes);
    if (!a) return NULL;
    const char **values = (const char **)(a + 1);
    int *lengths = (int *)(values + n);
    Oid *types = (Oid *)(lengths + n);
    char *to = (char *)(types + n);
    for (size_t i = 0; i < n; i++) {
        values[i] = command->values[i] ? to : NULL;
        lengths[i] = command->lengths[i];
        types[i] = command->types[i];
        if (values[i]) memcpy(to, command->values[i], (size_t)lengths[i]);
        to += lengths[i];
    }
    memcpy(to, sql.s, sql.n);
    to[sql.n] = '\0';
    *a = (struct again){.statement = s, .sql = to, .command = {.n = command->n, .types = types, .values = values, .lengths = lengths}};
    return a;
}

static bool known(const struct pg *pg, const struct pg_statement *s) {
    for (size_t i = 0; i < pg->statements.n; i++)
        if (pg->statements.items[i] == &s->base) return true;
    return false;
}

/* Waits for the answer. */
static int cursor_arrive(struct pg *pg, struct pg_cursor *c, struct error *err) {
    struct again *a = c->again;
    int rc = pg_catch_up(pg, err);
    if (rc == 0 && !c->result) rc = error_set(err, E_USAGE, NULL, "the transaction in which these rows were asked for has ended");
    if (rc < 0) return rc;
    c->n = PQntuples(c->result);
    c->ended = true;
    if (c->n > SMALL_ROWS) {
        if (known(pg, a->statement)) a->statement->big = true;
        PQclear(c->result);
        c->result = NULL;
        rc = open_cursor(pg, c, a->sql, &a->command, err);
    }
    c->again = NULL;
    mem_free(a);
    return rc < 0 ? rc : cursor_columns(c, err);
}

/* The statement's text is in db->sql; small results are read whole, large ones get a server-side cursor. */
static int query_once(struct pg *pg, bool limited, struct call *call, struct pg_cursor *c,
                      struct error *err) {
    struct pg_statement *s = NULL;
    struct text sql = buf_view(&pg->base.sql);
    buf_reset(&pg->key);
    if (limited) buf_str(&pg->key, "SELECT * FROM (");
    buf_text(&pg->key, sql);
    if (limited) buf_str(&pg->key, "\n) AS q" LIMIT_SQL);
    if (pg->key.failed) return error_memory(err);
    int rc = pg_statement_get(pg, buf_view(&pg->key), call->types, (size_t)call->command.n, &s, err);
    bool more = rc == 0 && limited && s->big;
    if (rc == 0 && !more && limited && pg_sends_ahead(pg)) {
        c->again = again_new(s, sql, &call->command);
        if (!c->again) return error_memory(err);
        return pg_statement_send(pg, s, &call->command, (struct pg_ahead){.result = &c->result}, err);
    }
    if (rc == 0 && !more) rc = read_small(pg, c, s, call, &more, err);
    if (rc < 0 || !limited || !more) return rc;
    s->big = true;
    PQclear(c->result);
    c->result = NULL;
    rc = open_cursor(pg, c, buf_cstr(&pg->base.sql), &call->command, err);
    if (rc == 0 && c->ended) s->big = false;
    return rc;
}

int pg_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
             struct error *err) {
    struct pg *pg = pg_of(db);
    struct call call;
    size_t wanted = 0;
    struct pg_cursor *c = mem_alloc(sizeof *c);
    if (!c) return error_memory(err);
    c->base.db = db;
    buf_reset(&db->sql);
    int rc = translate(sql, &db->sql, &wanted, err);
    if (rc == 0) rc = call_set(&call, params, n, wanted, err);
    bool select = is_select(sql);
    for (int attempt = 0; rc == 0; attempt++) {
        struct error why = {0};
        rc = pg_ready(pg, err);
        if (rc == 0) rc = query_once(pg, select, &call, c, &why);
        if (rc == 0) break;
        /* once more when the connection had died while idle, or a plan had gone stale by a migration
         * elsewhere */
        if (select && attempt == 0 && rc == E_STORE && !db->writing && !db->reading) {
            rc = 0;
            continue;
        }
        if (why.code) error_set(err, why.code, NULL, "%s", why.message);
    }
    if (rc == 0 && !c->again) rc = cursor_columns(c, err);
    if (rc < 0) {
        pg_cursor_close(&c->base);
        return rc;
    }
    *ret = &c->base;
    return 0;
}

int pg_next(struct db_cursor *base, struct error *err) {
    struct pg_cursor *c = (struct pg_cursor *)base;
    struct pg *pg = pg_of(base->db);
    int arrived = c->again ? cursor_arrive(pg, c, err) : 0;
    if (arrived < 0) return arrived;
    if (c->at == c->n) {
        if (c->ended) return 0;
        if (c->generation != pg->base.connection || pg_gone(pg))
            return error_set(err, E_STORE, NULL,
                             "the connection to PostgreSQL was lost while rows were read");
        if (!c->hold && c->transaction != pg->transaction)
            return error_set(err, E_USAGE, NULL,
                             "the transaction in which these rows were asked for has ended");
        int rc = fetch(c, err);
        if (rc < 0) return rc;
        if (!c->n) return 0;
    }
    for (size_t i = 0; i < base->n_columns; i++)
        if (!cell(c->result, c->at, (int)i, &base->row[i]))
            return error_set(err, E_UNSUPPORTED, NULL, "column %zu is no whole number, text or bytes", i + 1);
    c->at++;
    return 1;
}

void pg_cursor_close(struct db_cursor *base) {
    struct pg_cursor *c = (struct pg_cursor *)base;
    struct pg *pg = pg_of(base->db);
    bool alive = c->server && c->generation == pg->base.connection && !pg_gone(pg) && !base->db->failed &&
                 (c->hold || c->transaction == pg->transaction);
    char sql[48];
    snprintf(sql, sizeof sql, "CLOSE c%u", c->serial);
    if (alive && pg_simple(pg, sql, NULL) < 0 && base->db->writing) base->db->failed = true;
    for (size_t i = 0; c->again && i < pg->n_ahead; i++)
        if (pg->ahead[i].result == &c->result) pg->ahead[i].result = NULL;
    PQclear(c->result);
    mem_free(c->again);
    mem_free(c->base.row);
    mem_free(c);
}

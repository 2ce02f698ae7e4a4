/* PostgreSQL: the connection, round trips, transactions. Everything goes through libpq's pipeline mode, so
 * that what belongs together (savepoint and statement, prepare and execute) is one round trip. */
#include "store/postgres.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

/* One write transaction at a time in a store (a schema of a database): "tocsin" as a number, then the schema.
 * The plan cache prefers generic plans on the writer: its statements are by key, and a walk of the index for
 * each element of an array is right for ten and for two thousand, whatever the statistics of a young table
 * say; for the same reason it reads no table whole where an index will do (a plan made while the table was
 * empty would be kept while it grows), and remembers no rows it looked at by key: each key comes once. The journal's blocks and the lookup's lists are compressed by lz4 where the server has it: a sixth of the time. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(1953456999, hashtext(current_schema()))"
#define SETTINGS                                                                                             \
    "SET client_min_messages = warning; SET standard_conforming_strings = on; SET lock_timeout = 10000; "    \
    "SELECT set_config(name, 'lz4', false) FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals); " \
    "SET cursor_tuple_fraction = 1.0; SET synchronous_commit = on; SET jit = off; SET statement_timeout = "  \
    "0; "

#define LAZY_SQL "SET synchronous_commit = "

/* ---- errors */

static int code_of(const struct pg *pg, const char *state) {
    static const struct {
        const char *prefix;
        int code;
    } map[] = {
        {"23505", E_CONFLICT}, {"23P01", E_CONFLICT}, {"23", E_INVALID},    {"22", E_INVALID},
        {"53100", E_FULL},     {"53200", E_MEMORY},   {"53", E_BUSY},       {"55P03", E_BUSY},
        {"40", E_BUSY},        {"58030", E_IO},       {"XX001", E_CORRUPT}, {"XX002", E_CORRUPT},
        {"42501", E_DENIED},   {"54", E_TOO_LARGE},   {"08P01", E_USAGE},   {"57014", E_BUSY},
    };
    if (strcmp(state, "25006") == 0) return pg->base.mode == DB_READ || pg->base.reading ? E_USAGE : E_STORE;
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strncmp(state, map[i].prefix, strlen(map[i].prefix)) == 0) return map[i].code;
    return E_STORE;
}

bool pg_gone(const struct pg *pg) {
    return !pg->conn || PQstatus(pg->conn) == CONNECTION_BAD;
}

int pg_fail(struct pg *pg, const PGresult *r, struct error *err) {
    const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *message = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (pg_gone(pg) || !state) return error_set(err, E_STORE, NULL, "the connection to PostgreSQL was lost");
    int code = code_of(pg, state);
    /* data exceptions quote the value in their message: that may be personal */
    if (strncmp(state, "22", 2) == 0)
        return error_set(err, code, NULL, "a value does not fit (SQLSTATE %s)", state);
    return error_set(err, code, NULL, "%.300s (SQLSTATE %s)", message ? message : "PostgreSQL failed", state);
}

/* ---- round trips */

static bool send(struct pg *pg, const struct pg_command *c) {
    int binary[PG_PARAMS_MAX];
    for (int i = 0; i < c->n; i++) binary[i] = 1;
    switch (c->kind) {
    case PG_PREPARE:
        return PQsendPrepare(pg->conn, c->name, c->sql, c->n, c->types);
    case PG_EXECUTE:
        return PQsendQueryPrepared(pg->conn, c->name, c->n, c->values, c->lengths, binary, 1);
    default:
        return PQsendQueryParams(pg->conn, c->sql, c->n, c->types, c->values, c->lengths, binary, 1);
    }
}

/* The result of one command, NULL when the connection broke. */
static PGresult *receive(struct pg *pg) {
    PGresult *r = PQgetResult(pg->conn), *end;
    /* each command's results end with a NULL */
    while (r && (end = PQgetResult(pg->conn)) != NULL) {
        PQclear(r);
        r = end;
    }
    return r;
}

static int lost(struct pg *pg, struct error *err) {
    if (pg->base.writing || pg->base.reading) pg->base.lost = true;
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->n_pending = pg->n_ahead = pg->ended = 0;
    pg->transaction++;
    return error_set(err, E_STORE, NULL, "the connection to PostgreSQL was lost");
}

/* Sends what is pending, then the commands. Half of it sent: there is no way back on this connection. */
static bool send_all(struct pg *pg, const struct pg_command *commands, size_t n) {
    bool sent = PQenterPipelineMode(pg->conn) == 1;
    for (size_t i = 0; i < pg->n_pending && sent; i++)
        sent = send(pg, &(struct pg_command){.kind = PG_DIRECT, .sql = pg->pending[i]});
    for (size_t i = 0; i < n && sent; i++) sent = send(pg, &commands[i]);
    return sent;
}

/* The result of the next command; its failure, when it is the first. NULL when the connection broke. */
static PGresult *receive_good(struct pg *pg, int *rc, struct error *err) {
    PGresult *r = receive(pg);
    ExecStatusType status = PQresultStatus(r);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && status != PGRES_PIPELINE_ABORTED && *rc == 0) *rc = pg_fail(pg, r, err);
    return r;
}

/* Of what was sent ahead. */
static void receive_ahead(struct pg *pg, int *rc, struct error *err) {
    for (size_t i = 0; i < pg->n_ahead && !pg_gone(pg); i++) {
        struct pg_ahead *a = &pg->ahead[i];
        int64_t touched = 0;
        PGresult *r = receive_good(pg, rc, err);
        if (*rc == 0 && a->rows && (!text_int(text_of(PQcmdTuples(r)), &touched) || touched < a->rows))
            *rc = error_set(err, E_UNKNOWN, a->table, "the row to change is not there");
        if (*rc == 0 && a->result)
            *a->result = r;
        else
            PQclear(r);
        if (i + 1 == pg->ended) PQclear(PQgetResult(pg->conn)); /* the sync behind the end of a snapshot */
    }
    if (*rc < 0) pg_statements_doubt(pg);
    pg->n_ahead = pg->ended = 0;
    pg->window++;
}

int pg_exec(struct pg *pg, const struct pg_command *commands, size_t n, PGresult **ret_last,
            struct error *err) {
    if (pg_gone(pg)) return lost(pg, err);
    if (!send_all(pg, commands, n) || PQpipelineSync(pg->conn) != 1) return lost(pg, err);
    size_t n_new = pg->n_pending + n;
    pg->n_pending = 0;
    int rc = 0;
    PGresult *last = NULL;
    if (pg->n_ahead) receive_ahead(pg, &rc, err);
    for (size_t i = 0; i < n_new && !pg_gone(pg); i++) {
        PQclear(last);
        last = receive_good(pg, &rc, err);
    }
    if (!pg_gone(pg)) {
        PGresult *sync = PQgetResult(pg->conn);
        if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC && rc == 0) rc = pg_fail(pg, sync, err);
        PQclear(sync);
        PQexitPipelineMode(pg->conn);
    }
    if (pg_gone(pg)) rc = lost(pg, err);
    if (rc < 0 || !ret_last)
        PQclear(last);
    else
        *ret_last = last;
    return rc;
}

bool pg_sends_ahead(const struct pg *pg) {
    return pg->lazy && pg->base.writing;
}

int pg_send_ahead(struct pg *pg, const struct pg_command *commands, size_t n, struct pg_ahead wanted, struct error *err) {
    if (pg_gone(pg)) return lost(pg, err);
    int rc = pg->n_ahead + pg->n_pending + n > PG_AHEAD_MAX ? pg_catch_up(pg, err) : 0;
    if (rc < 0) return rc;
    size_t n_new = pg->n_pending + n;
    if (!send_all(pg, commands, n)) return lost(pg, err);
    pg->n_pending = 0;
    for (size_t i = 0; i < n_new; i++) pg->ahead[pg->n_ahead++] = (struct pg_ahead){0};
    pg->ahead[pg->n_ahead - 1] = wanted;
    return 0;
}

int pg_catch_up(struct pg *pg, struct error *err) {
    return pg->n_ahead ? pg_exec(pg, NULL, 0, NULL, err) : 0;
}

int pg_simple(struct pg *pg, const char *sql, struct error *err) {
    return pg_exec(pg, &(struct pg_command){.kind = PG_DIRECT, .sql = sql}, 1, NULL, err);
}

/* ---- connecting */

static void silent(void *arg, const char *message) {
    (void)arg, (void)message;
}

static int connect(struct pg *pg, struct error *err) {
    /* what stands before dbname is a default, what stands after overrides the URL */
    const char *const names[] = {"connect_timeout",
                                 "keepalives_idle",
                                 "tcp_user_timeout",
                                 "fallback_application_name",
                                 "dbname",
                                 "client_encoding",
                                 NULL};
    const char *const values[] = {"10", "30", "30000", "tocsin", pg->url, "UTF8", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) {
        const char *why = conn ? PQerrorMessage(conn) : "out of memory";
        error_set(err, E_STORE, NULL, "PostgreSQL does not answer: %.*s", (int)strcspn(why, "\n"), why);
        PQfinish(conn);
        return E_STORE;
    }
    PQsetNoticeProcessor(conn, silent, NULL);
    PGresult *r =
        PQexec(conn, pg->base.mode == DB_READ ? SETTINGS "SET default_transaction_read_only = on"
                                              : SETTINGS "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off");
    int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : E_STORE;
    if (rc == 0 && pg->lazy) {
        PQclear(r);
        r = PQexec(conn, LAZY_SQL "off");
        rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : E_STORE;
    }
    if (rc < 0) error_set(err, rc, NULL, "PostgreSQL refuses our settings: %.200s", PQerrorMessage(conn));
    PQclear(r);
    if (rc < 0) {
        PQfinish(conn);
        return rc;
    }
    pg->conn = conn;
    pg->base.renewed = pg->base.connection > 0;
    pg->base.connection++;
    pg->transaction++;
    pg->n_pending = pg->n_ahead = pg->ended = 0;
    return 0;
}

int pg_ready(struct pg *pg, struct error *err) {
    if (!pg_gone(pg)) return 0;
    PQfinish(pg->conn);
    pg->conn = NULL;
    return connect(pg, err);
}

/* ---- transactions */

/* Opens a transaction; a connection found dead (the server was restarted) is replaced once. */
static int open_transaction(struct pg *pg, const char *begin, const char *first, struct error *err) {
    const struct pg_command commands[] = {{.kind = PG_DIRECT, .sql = begin},
                                          {.kind = PG_DIRECT, .sql = first}};
    for (int attempt = 0;; attempt++) {
        struct error why = {0};
        int rc = pg_ready(pg, err);
        if (rc < 0) return rc;
        pg->n_pending = 0;
        rc = pg_exec(pg, commands, 2, NULL, &why);
        if (rc == 0) {
            pg->transaction++;
            return 0;
        }
        if (pg_gone(pg) && attempt == 0) continue;
        if (!pg_gone(pg)) pg_simple(pg, "ROLLBACK", NULL);
        return error_set(err, rc, NULL, "%s", why.message);
    }
}

#define BEGIN_SQL "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

/* Sent ahead: the first question of the transaction waits for the lock. A connection that the server has closed is seen without asking. */
static int begin_ahead(struct pg *pg, struct error *err) {
    for (int i = 0; i < 2 && !pg_gone(pg); i++) PQconsumeInput(pg->conn); /* its last words, then the end */
    int rc = pg_ready(pg, err);
    pg->n_pending = 0;
    if (rc == 0) rc = pg_send_known(pg, BEGIN_SQL, err);
    if (rc == 0) rc = pg_send_known(pg, LOCK_SQL, err);
    if (rc == 0) pg->transaction++;
    return rc;
}

static int pg_begin(struct db *db, struct error *err) {
    struct pg *pg = pg_of(db);
    return pg->lazy ? begin_ahead(pg, err) : open_transaction(pg, BEGIN_SQL, LOCK_SQL, err);
}

static int pg_snapshot(struct db *db, struct error *err) {
    return open_transaction(pg_of(db), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1", err);
}

static void pg_rollback(struct db *db) {
    struct pg *pg = pg_of(db);
    pg->n_pending = 0;
    pg->transaction++;
    if (!pg_gone(pg)) pg_catch_up(pg, NULL); /* what failed among it would take the ROLLBACK along */
    if (!pg_gone(pg)) pg_simple(pg, "ROLLBACK", NULL);
}

/* A snapshot's end is sent and not waited for: nothing was written in it, and its result comes with that of the next command. */
static void pg_snapshot_end(struct db *db) {
    struct pg *pg = pg_of(db);
    pg->n_pending = 0;
    pg->transaction++;
    if (pg_gone(pg) || pg_catch_up(pg, NULL) < 0 || pg_send_known(pg, "ROLLBACK", NULL) < 0) return;
    pg->ended = pg->n_ahead;
    if (PQpipelineSync(pg->conn) != 1) lost(pg, NULL);
}

static int pg_commit(struct db *db, struct error *err) {
    struct pg *pg = pg_of(db);
    struct error why = {0};
    PGresult *r = NULL;
    pg->n_pending = 0; /* open savepoints end with the transaction */
    bool counted = false;
    for (size_t i = 0; i < pg->n_ahead; i++) counted = counted || pg->ahead[i].rows;
    int rc = counted ? pg_catch_up(pg, &why) : 0; /* rows that are not there are no failure to the server: it would commit */
    if (rc == 0) rc = pg_exec(pg, &(struct pg_command){.kind = PG_DIRECT, .sql = "COMMIT"}, 1, &r, &why);
    pg->transaction++;
    if (rc < 0 && pg_gone(pg))
        return error_set(err, rc, NULL, "outcome unknown: the connection was lost during the commit");
    if (rc < 0) {
        pg_simple(pg, "ROLLBACK", NULL); /* what was sent ahead failed, and the COMMIT was passed over */
        return error_set(err, rc, why.where[0] ? why.where : NULL, "%s", why.message);
    }
    bool committed = strcmp(PQcmdStatus(r), "COMMIT") == 0;
    PQclear(r);
    return committed ? 0 : error_set(err, E_STORE, NULL, "PostgreSQL rolled the transaction back");
}

void pg_push_depth(struct pg *pg, const char *verb, int depth) {
    snprintf(pg->pending[pg->n_pending++], PG_PENDING_BYTES, "%s s%d", verb, depth);
}

/* Takes the savepoint of this depth back when it was not sent yet. */
static bool unsend(struct pg *pg, int depth) {
    char last[PG_NAME_MAX];
    snprintf(last, sizeof last, "SAVEPOINT s%d", depth);
    if (!pg->n_pending || strcmp(pg->pending[pg->n_pending - 1], last) != 0) return false;
    pg->n_pending--;
    return true;
}

static int pg_savepoint(struct db *db, int depth, struct error *err) {
    (void)err;
    pg_push_depth(pg_of(db), "SAVEPOINT", depth);
    return 0;
}

static int pg_release(struct db *db, int depth, struct error *err) {
    (void)err;
    if (!unsend(pg_of(db), depth)) pg_push_depth(pg_of(db), "RELEASE", depth);
    return 0;
}

static int pg_undo(struct db *db, int depth, struct error *err) {
    struct pg *pg = pg_of(db);
    if (unsend(pg, depth)) return 0;
    char sql[48];
    snprintf(sql, sizeof sql, "ROLLBACK TO s%d", depth);
    pg->n_pending = 0; /* they are inside of what is undone */
    if (!pg_gone(pg)) pg_catch_up(pg, NULL);
    int rc = pg_simple(pg, sql, err);
    if (rc == 0) pg_push_depth(pg, "RELEASE", depth);
    return rc;
}

/* ---- the rest */

static void pg_close(struct db *db) {
    struct pg *pg = pg_of(db);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg_forget(db);
    for (size_t i = 0; i < pg->n_columns; i++) buf_clear(&pg->columns[i]);
    mem_free(pg->columns);
    buf_clear(&pg->key);
    mem_free(pg->url);
    mem_free(pg);
}

static int pg_lazy(struct db *db, bool on, struct error *err) {
    struct pg *pg = pg_of(db);
    int rc = pg_ready(pg, err);
    if (rc == 0) rc = pg_simple(pg, on ? LAZY_SQL "off" : LAZY_SQL "on", err);
    if (rc == 0) pg->lazy = on;
    return rc;
}

/* One empty message into the log, as a transaction that waits until it is there: so is everything before it. */
static int pg_sync(struct db *db, struct error *err) {
    int64_t rows = 0;
    pg_of(db)->n_pending = 0;
    return pg_run(db, "SELECT pg_logical_emit_message(true, 'tocsin', '') IS NULL", NULL, 0, &rows, err);
}

static int pg_backup(struct db *db, const char *path, struct error *err) {
    (void)db;
    return error_set(err, E_UNSUPPORTED, path,
                     "a PostgreSQL store is backed up by its own tools, or exported");
}

static int pg_analyze(struct db *db, struct error *err) {
    struct pg *pg = pg_of(db);
    int rc = pg_ready(pg, err);
    return rc < 0 ? rc : pg_simple(pg, "ANALYZE", err);
}

/* Without statistics of what was just written the server takes 128 ids for two thirds of a table, whose key is not its id alone, and reads it from end to
 * end; its own upkeep comes a minute later. */
static void pg_bulk(struct db *db, bool on) {
    if (!on && !db->writing) pg_analyze(db, NULL);
}

static const struct db_driver driver = {
    .close = pg_close,
    .begin = pg_begin,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .savepoint = pg_savepoint,
    .release = pg_release,
    .undo = pg_undo,
    .snapshot = pg_snapshot,
    .snapshot_end = pg_snapshot_end,
    .run = pg_run,
    .query = pg_query,
    .next = pg_next,
    .cursor_close = pg_cursor_close,
    .batch = pg_batch,
    .backup = pg_backup,
    .bulk = pg_bulk,
    .analyze = pg_analyze,
    .forget = pg_forget,
    .lazy = pg_lazy,
    .sync = pg_sync,
};

int postgres_open(const char *url, enum db_mode mode, struct db **ret, struct error *err) {
    struct pg *pg = mem_alloc(sizeof *pg);
    size_t n = strlen(url);
    if (!pg || !(pg->url = mem_alloc(n + 1))) {
        mem_free(pg);
        return error_memory(err);
    }
    memcpy(pg->url, url, n);
    pg->base = (struct db){.driver = &driver, .kind = DB_POSTGRES, .mode = mode};
    pg->window = 1;
    int rc = connect(pg, err);
    if (rc < 0) {
        pg_close(&pg->base);
        return rc;
    }
    *ret = &pg->base;
    return 0;
}

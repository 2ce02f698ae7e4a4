/* store, inside: what the parts of the PostgreSQL driver share. postgres.c connects, sends and commits;
 * pg_run.c runs statements and cursors; pg_batch.c writes many rows at once. All values travel in binary. */
#ifndef TOCSIN_STORE_POSTGRES_H
#define TOCSIN_STORE_POSTGRES_H

#include <libpq-fe.h>

#include "store/driver.h"

/* pg_type.dat: the types we send, and those that come back. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_CHAR = 18,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_UNKNOWN = 705,
    PG_BYTEA_ARRAY = 1001,
    PG_TEXT_ARRAY = 1009,
    PG_INT8_ARRAY = 1016,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_NUMERIC = 1700,
};
enum { PG_PARAMS_MAX = 1024, PG_NAME_MAX = 24, PG_PENDING_MAX = 24, PG_PENDING_BYTES = 160, PG_AHEAD_MAX = 128 };

/* One message of a round trip. */
struct pg_command {
    enum { PG_DIRECT, PG_PREPARE, PG_EXECUTE } kind;
    const char *sql;  /* DIRECT, PREPARE */
    const char *name; /* PREPARE, EXECUTE */
    int n;
    const Oid *types; /* DIRECT, PREPARE */
    const char *const *values;
    const int *lengths;
};

/* A command that was sent ahead: its result has not been read yet. */
struct pg_ahead {
    PGresult **result; /* where it goes; NULL: nobody wants it */
    int64_t rows;      /* fewer touched is an error; 0: any number will do */
    const char *table; /* for that error */
};

struct pg {
    struct db base;
    char *url;
    PGconn *conn;
    unsigned transaction; /* transactions so far: cursors of an older one are gone */
    unsigned serial;      /* names of statements and cursors */
    bool lazy;            /* commits do not wait for the disk */
    struct statements statements;
    /* savepoint commands that travel with the next command: a savepoint that nobody writes in costs nothing
     */
    char pending[PG_PENDING_MAX][PG_PENDING_BYTES];
    size_t n_pending;
    /* A lazy connection's transaction sends what it writes and asks without waiting: the next that must know a result, or the commit, reads all of them */
    struct pg_ahead ahead[PG_AHEAD_MAX];
    size_t n_ahead;
    size_t ended;    /* so many of them are the end of a snapshot, with a sync of its own behind it; 0 none */
    unsigned window; /* of what was sent together and is read together */
    struct buf key;      /* scratch of pg_run.c */
    struct buf *columns; /* scratch of pg_batch.c: one array a column */
    size_t n_columns;
};

static inline struct pg *pg_of(struct db *db) {
    return (struct pg *)db;
}

/* Sends what is pending and the commands in one round trip. *ret_last (may be NULL) is the last one's result,
 * owned by the caller. A lost connection is E_STORE with base.lost set when a transaction was open. */
int pg_exec(struct pg *pg, const struct pg_command *commands, size_t n, PGresult **ret_last,
            struct error *err);
int pg_simple(struct pg *pg, const char *sql, struct error *err);
/* Does the connection send ahead, at this moment? */
bool pg_sends_ahead(const struct pg *pg);
/* Sends without waiting; `wanted` says what becomes of the last command's result. An error may come with any later call of the transaction. */
int pg_send_ahead(struct pg *pg, const struct pg_command *commands, size_t n, struct pg_ahead wanted, struct error *err);
/* Reads the results of all that was sent ahead. */
int pg_catch_up(struct pg *pg, struct error *err);
/* What was sent ahead failed: whether its statements are prepared is not known (pg_run.c). */
void pg_statements_doubt(struct pg *pg);
/* Fills err from a failed result. */
int pg_fail(struct pg *pg, const PGresult *r, struct error *err);
/* Connects when there is no connection and no transaction that would have been lost with it. */
int pg_ready(struct pg *pg, struct error *err);
bool pg_gone(const struct pg *pg); /* the connection broke during the last command */
/* Adds a command to what is pending: "SAVEPOINT" or "RELEASE" of a depth. */
void pg_push_depth(struct pg *pg, const char *verb, int depth);

/* values, lengths: parameters in binary. ints is room for n numbers in network order. */
void pg_params(const struct value *params, size_t n, const char **values, int *lengths, Oid *types,
               int64_t *ints);

struct pg_statement;
/* A prepared statement for this text and these types; sql is in PostgreSQL's dialect. *ret_prepare is set
 * when the caller must send a PG_PREPARE before it executes; then pg_statement_sent with the outcome. */
int pg_statement_get(struct pg *pg, struct text sql, const Oid *types, size_t n, struct pg_statement **ret,
                     struct error *err);
/* Runs it: prepares when needed, executes. */
int pg_statement_exec(struct pg *pg, struct pg_statement *s, const struct pg_command *parameters,
                      PGresult **ret, struct error *err);
/* A text without parameters, prepared once; sent ahead. */
int pg_send_known(struct pg *pg, const char *sql, struct error *err);
int pg_statement_send(struct pg *pg, struct pg_statement *s, const struct pg_command *parameters,
                      struct pg_ahead wanted, struct error *err);

int pg_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
           struct error *err);
int pg_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
             struct error *err);
int pg_next(struct db_cursor *c, struct error *err);
void pg_cursor_close(struct db_cursor *c);
int pg_batch(struct db *db, const struct batch *b, size_t *ret_bad, struct error *err);
void pg_forget(struct db *db);

#endif

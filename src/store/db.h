/* store: one connection to SQLite or PostgreSQL behind one small header. Above is the ledger; below are
 * sqlite3 and libpq. The store knows tables, not registers. A connection belongs to one thread at a time.
 *
 * SQL is the subset both speak; parameters are ?1, ?2 ... (rewritten to $1 for PostgreSQL). INT columns are
 * 64-bit. A write transaction excludes every other writer of the store, in this process or another (SQLite:
 * BEGIN IMMEDIATE with a busy timeout; PostgreSQL: one advisory transaction lock), so what is read inside it
 * stays true. */
#ifndef TOCSIN_STORE_DB_H
#define TOCSIN_STORE_DB_H

#include "base/value.h"

enum column_type { COLUMN_INT, COLUMN_TEXT, COLUMN_BLOB };

struct db_column {
    const char *name;
    enum column_type type;
    bool required; /* NOT NULL */
};

struct db_index {
    const char *name;    /* unique in the store */
    const char *columns; /* "region, due_at" */
    bool unique;
    const char *where; /* partial index, or NULL */
};

/* A table as it should be. `key` is the primary key's columns, comma separated. A single INT key becomes
 * SQLite's rowid. `clustered` tables are WITHOUT ROWID on SQLite. PostgreSQL appends `partition` (a column,
 * or NULL) to the primary key so that the table can be partitioned by it. */
struct db_table {
    const char *name;
    const char *key;
    const char *partition;
    bool clustered;
    size_t n_columns;
    const struct db_column *columns;
    size_t n_indexes;
    const struct db_index *indexes;
};

enum db_kind { DB_SQLITE, DB_POSTGRES };
enum db_mode { DB_WRITE, DB_READ };

struct db;
struct db_cursor;

/* url: "sqlite:PATH" or a bare path, or "postgresql://...", as libpq reads it. SQLite: WAL, synchronous FULL,
 * a page cache sized for a city (stated in sqlite.c). DB_READ refuses writes. Opening is O(1) in the size of
 * the store. Errors: E_STORE, E_IO, E_FULL, E_UNKNOWN (a DB_READ on a file that does not exist), E_MEMORY. */
int db_open(const char *url, enum db_mode mode, struct db **ret, struct error *err);
void db_close(struct db *db);
enum db_kind db_kind_of(const struct db *db);

/* Write transaction; nested calls are E_USAGE. After any error inside it only db_rollback,
 * db_savepoint_rollback or db_close help: everything else, a commit too, is E_USAGE (PostgreSQL's rule, kept
 * on both stores). After an E_STORE (connection lost) the transaction is gone and the next db_begin
 * reconnects (PostgreSQL). A commit that fails leaves nothing behind unless the error says "outcome unknown".
 */
int db_begin(struct db *db, struct error *err);
int db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);
/* A lazy connection's commit returns when others can see the transaction, before it is on disk: nobody may be told of it until a db_sync that began after it
 * has returned 0. Nor need anything in its transactions wait: a refusal, or that the connection is lost, may be told by a later call, the commit at the latest,
 * and without the row to blame. Off (the default), a commit that returns is on disk. Between transactions only. */
int db_lazy(struct db *db, bool on, struct error *err);
/* Everything committed to the store before the call, by whatever connection, is on disk when it returns 0; a failure leaves that unknown, and on
 * SQLite for good: what the system could not write once it may call written the next time. Any connection with no transaction open, DB_READ too, so that it can be had on a thread of its own. */
int db_sync(struct db *db, struct error *err);
/* Has the connection been made anew since the last call? What was committed lazily and not synced may then be gone. */
bool db_renewed(struct db *db);
/* Another number each time the connection was made anew: what was remembered of the store under the old one may not be so any more. */
unsigned db_connection(const struct db *db);
/* One thing that a layer above remembers of the store beside this connection: NULL until it is set. Freed by `drop` when the connection is closed. */
void *db_memory(const struct db *db);
void db_memory_set(struct db *db, void *memory, void (*drop)(void *memory));
/* Savepoints inside a write transaction, nested up to 8; release keeps, rollback undoes to it and drops it.
 */
int db_savepoint(struct db *db, struct error *err);
int db_savepoint_release(struct db *db, struct error *err);
int db_savepoint_rollback(struct db *db, struct error *err);
/* Read snapshot: all queries until db_snapshot_end see one state. Keep it short. */
int db_snapshot(struct db *db, struct error *err);
void db_snapshot_end(struct db *db);
/* Is a transaction or snapshot open, so that what was read stays true? */
bool db_steady(const struct db *db);

/* Runs one statement (cached when prepared; at most 128 kept). ret_changes may be NULL. Params: ABSENT is
 * NULL; n must be exactly what the statement asks for. Text must be UTF-8 without NUL (E_INVALID). */
int db_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
           struct error *err);
/* Rows one by one; values of a row are borrowed until the next db_next or db_cursor_close. db_next: 1 a row,
 * 0 the end, negative an error. Any size streams: PostgreSQL reads a small result (256 rows) at once and a
 * larger one through a server-side cursor in chunks of about 1 MB. Several cursors may be open on one
 * connection, beside batches too. A cursor opened inside a transaction, snapshot or savepoint ends with it;
 * close the others before db_begin, because on SQLite they hold the state they read (E_BUSY when somebody
 * wrote since). Numbers that are not whole are E_UNSUPPORTED. */
int db_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
             struct error *err);
int db_next(struct db_cursor *c, const struct value **ret_row, struct error *err);
/* Asks `head IN (the ids) tail` ("SELECT ... WHERE \"id\"", " GROUP BY ..." or ""), at most 128 ids at a time, those of PostgreSQL sent together; visit gets
 * every row. The ids distinct, and ascending where rows are found by them; head and tail must mean the same for each id by itself, as PostgreSQL is asked. */
int db_query_in(struct db *db, const char *head, const char *tail, const int64_t *ids, size_t n, int (*visit)(void *arg, const struct value *row, struct error *err), void *arg,
                struct error *err);
size_t db_columns(const struct db_cursor *c); /* known with the first row */
void db_cursor_close(struct db_cursor *c);
/* One row with one value, copied into the arena; NULL value when there is no row. */
int db_scalar(struct db *db, struct arena *a, const char *sql, const struct value *params, size_t n,
              struct value *ret, struct error *err);

/* ---- batches: many rows of one table in one call, the write path's only way in.
 * rows is n_rows * n_columns cells, row by row, in the order of `columns` (indexes into table->columns).
 * INSERT: all must be new. UPSERT: replaces the given columns when the primary key exists. UPDATE: by primary
 * key (whose columns must be among `columns`), sets the others; a row that is not there is E_UNKNOWN. DELETE:
 * by primary key, `columns` are exactly the key's; a row that is not there is fine. A cell of the wrong kind,
 * a missing required one, text that is not UTF-8 or has a NUL in it: E_INVALID. A key or unique index taken:
 * E_CONFLICT. SQLite: new rows are one statement over the whole batch, changes a prepared statement stepped n
 * times. PostgreSQL: new rows go by binary COPY, changes by one statement over binary arrays, in pieces of at
 * most 4,096 rows; a piece that fails is run again row by row. Rows of clustered tables are taken in key
 * order, so larger batches (5,000 rows) cost less a row where keys are random. ret_bad (may be NULL): index
 * of the first row that failed; untouched when no row is to blame (a full disk, a lost connection). All or
 * nothing: on error the caller rolls back. */
enum db_verb { DB_INSERT, DB_UPSERT, DB_UPDATE, DB_DELETE };
int db_batch(struct db *db, enum db_verb verb, const struct db_table *table, const uint16_t *columns,
             size_t n_columns, const struct value *rows, size_t n_rows, size_t *ret_bad, struct error *err);

/* ---- schema: compares the tables as they should be with the store as it is. Each needed step is one SQL
 * statement: create table, add column (nullable), create or drop index. A column that vanished from the
 * declaration is kept and reported as a note ("-- kept: ..."); a changed type is E_CONFLICT. `plan` receives
 * the statements, one a line, in order; apply = false only plans. Runs inside a write transaction of its own.
 */
int db_migrate(struct db *db, const struct db_table *const *tables, size_t n, bool apply, struct buf *plan,
               struct error *err);

/* The tables as they are in the store, declared or not, by name: of each its name and the names of its columns, nothing else. Parts of a table that was
 * cut are no tables. In the arena. */
int db_tables(struct db *db, struct arena *a, struct db_table **ret, size_t *ret_n, struct error *err);

/* A name in the store that is no table of db_migrate. A view is dropped and made anew; both inside a write transaction. */
struct db_view {
    const char *name, *select;
};
enum db_relation { DB_NOTHING, DB_TABLE, DB_VIEW };
int db_relation_of(struct db *db, const char *name, enum db_relation *ret, struct error *err);
int db_view_set(struct db *db, const struct db_view *view, struct error *err);

/* Consistent copy while others write (SQLite: online backup API; PostgreSQL: E_UNSUPPORTED, the caller
 * exports logically). */
int db_backup(struct db *db, const char *path, struct error *err);
/* Bulk phases. SQLite: larger cache, and a thread that checkpoints; off restores, the thread does what is left.
 * PostgreSQL: off refreshes the planner's statistics. */
void db_bulk(struct db *db, bool on);
/* Refreshes planner statistics. */
int db_analyze(struct db *db, struct error *err);

#endif

/* store, inside: what a driver (sqlite.c, postgres.c) gives db.c. Nobody outside src/store includes this. */
#ifndef TOCSIN_STORE_DRIVER_H
#define TOCSIN_STORE_DRIVER_H

#include "store/db.h"

enum { SAVEPOINT_MAX = 8, STATEMENT_MAX = 128, BUSY_TIMEOUT_MS = 10000 };

struct batch {
    enum db_verb verb;
    const struct db_table *table;
    const uint16_t *columns;
    size_t n_columns;
    const struct value *rows;
    size_t n_rows;
    const unsigned char *plain; /* column_plain of each */
    size_t n_keys; /* columns that belong to the primary key ... */
    const uint16_t
        *key; /* ... as positions in `columns`, in key order; n_keys 0 when an INSERT need not know */
};

struct db_driver {
    void (*close)(struct db *db);
    int (*begin)(struct db *db, struct error *err);
    int (*commit)(struct db *db, struct error *err);
    void (*rollback)(struct db *db);
    int (*savepoint)(struct db *db, int depth, struct error *err);
    int (*release)(struct db *db, int depth, struct error *err);
    int (*undo)(struct db *db, int depth, struct error *err);
    int (*snapshot)(struct db *db, struct error *err);
    void (*snapshot_end)(struct db *db);
    int (*run)(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
               struct error *err);
    int (*query)(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
                 struct error *err);
    int (*next)(struct db_cursor *c, struct error *err);
    void (*cursor_close)(struct db_cursor *c);
    /* *ret_bad is set on failure: the first row that failed, or n_rows when no single row is to blame. */
    int (*batch)(struct db *db, const struct batch *b, size_t *ret_bad, struct error *err);
    int (*backup)(struct db *db, const char *path, struct error *err);
    void (*bulk)(struct db *db, bool on);
    int (*analyze)(struct db *db, struct error *err);
    void (*forget)(struct db *db); /* the schema changed: drop what is prepared */
    int (*lazy)(struct db *db, bool on, struct error *err);
    int (*sync)(struct db *db, struct error *err);
};

/* First member of the drivers' own structs. */
struct db {
    const struct db_driver *driver;
    enum db_kind kind;
    enum db_mode mode;
    bool writing, reading; /* a write transaction, a snapshot */
    bool failed;    /* something failed in the transaction: only rolling back helps (PostgreSQL's own rule) */
    bool lost;      /* the transaction is gone already */
    bool renewed;   /* connected again since db_renewed was asked */
    unsigned connection; /* connections made so far (PostgreSQL): prepared statements of an older one are gone */
    int depth;      /* open savepoints */
    void *memory;   /* db_memory */
    void (*memory_drop)(void *memory);
    struct buf sql; /* scratch of db_batch */
};

struct db_cursor {
    struct db *db;
    struct value *row;
    size_t n_columns;
};

int sqlite_open(const char *path, enum db_mode mode, struct db **ret, struct error *err);
int postgres_open(const char *url, enum db_mode mode, struct db **ret, struct error *err);

/* ---- prepared statements kept, least recently used first out. Drivers embed struct statement first in
 * theirs. */
struct statement {
    char *sql;
    size_t n;
    uint64_t hash, tick;
    bool busy;   /* a cursor walks it */
    bool cached; /* else its user frees it */
};
struct statements {
    struct statement *items[STATEMENT_MAX];
    uint64_t hashes[STATEMENT_MAX];
    size_t n;
    uint64_t tick;
};
uint64_t statement_hash(struct text sql);
/* NULL when unknown or busy; *ret_busy tells which. */
struct statement *statement_find(struct statements *all, struct text sql, uint64_t hash, bool *ret_busy);
/* Keeps s; returns the one that had to leave, or NULL. When all are busy s is not kept (s->cached stays
 * false). */
struct statement *statement_keep(struct statements *all, struct statement *s);

/* ---- SQL text (sql.c) */
void sql_name(struct buf *b, struct text name); /* double-quoted */
/* Walks "a, b DESC": false at the end. *ret_descending may be NULL. */
bool sql_names_next(struct text *list, struct text *ret_name, bool *ret_descending);
/* Key columns of the table in this dialect, quoted, comma separated. */
void sql_key(struct buf *b, const struct db_table *t, enum db_kind kind);
const struct db_column *table_column(const struct db_table *t, struct text name);
/* The one INT key column that SQLite makes the rowid, or NULL. */
const struct db_column *table_rowid(const struct db_table *t);

/* Text of one row's statement with ?1.. (SQLite) or $1.. (PostgreSQL), parameters in the order of b->columns.
 */
void sql_row(struct buf *b, const struct batch *batch, enum db_kind kind);
/* " ON CONFLICT (key) DO ..." of an upsert. */
void sql_upsert(struct buf *b, const struct batch *batch, enum db_kind kind);

/* Why a cell may not stand in this column, or NULL. Both stores refuse the same cells: PostgreSQL's text is
 * UTF-8 without NUL, so SQLite's is too. */
const char *cell_refused(const struct db_column *column, struct value v);
bool store_text_ok(struct text t);
/* Which kinds of cells, a bit each, may stand in the column whatever they hold: most cells are numbers and empty ones, not worth a call each. */
unsigned char column_plain(const struct db_column *c);
/* Whether all cells of the row may stand where they are. */
bool row_sound(const struct batch *b, const struct value *row);
/* Fills err with the refusal of this row. */
int batch_refuse(const struct batch *b, const struct value *row, struct error *err);
/* Is the failure one that a row can be blamed for? */
bool one_row_s_fault(int rc);

/* order.c: row numbers of the first n rows in key order, owned; NULL when they stand well already. Needs the
 * key. */
int batch_order(const struct batch *b, size_t n, uint32_t **ret);

#endif

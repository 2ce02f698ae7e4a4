/* store, inside: what the parts of the SQLite driver share. sqlite.c opens, commits and looks after the file;
 * sqlite_run.c runs statements; sqlite_batch.c writes many rows at once; sqlite_log.c writes the log,
 * sqlite_home.c puts its pages home and sqlite_map.c maps them to be read. */
#ifndef TOCSIN_STORE_SQLITE_H
#define TOCSIN_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

enum lite_control { LITE_BEGIN, LITE_COMMIT, LITE_ROLLBACK, LITE_SNAPSHOT, LITE_SAVEPOINT };
enum { LITE_CONTROLS = LITE_SAVEPOINT + 3 * SAVEPOINT_MAX };

/* What the table-valued function tocsin_rows gives out: the rows of the batch under way. */
struct lite_source {
    const struct batch *batch;
    const uint32_t *order; /* NULL: as they stand */
    size_t next, end;      /* positions in that order */
};

struct lite {
    struct db base;
    sqlite3 *handle;
    sqlite3_stmt *controls[LITE_CONTROLS]; /* then savepoint, release, undo of each depth */
    struct statements statements;
    char *path;
    struct lite_source source;
    int log; /* descriptor for lite_sync, -1 */
    struct lite_home *home; /* or NULL */
};

static inline struct lite *lite_of(struct db *db) {
    return (struct lite *)db;
}

struct lite_statement {
    struct statement base;
    sqlite3_stmt *handle;
    int n_params;
};

int lite_statement_get(struct lite *l, struct text sql, struct lite_statement **ret, struct error *err);
void lite_statement_put(struct lite_statement *s);
int lite_bind(sqlite3_stmt *s, int at, const struct value *v, sqlite3_destructor_type keep);
/* Makes tocsin_rows known to the connection. */
int lite_source_register(struct lite *l, struct error *err);
/* sqlite_home.c: from open to end a thread puts pages home that this connection commits; false when it cannot be had. After end it does what is left, and
 * close waits for that. */
bool lite_home_open(struct lite *l);
void lite_home_end(struct lite *l);
void lite_home_close(struct lite *l);
/* sqlite_log.c: the VFS of connections that write, made known once a process; NULL: the system's own. */
void lite_vfs_register(void);
const char *lite_vfs(void);
/* sqlite_map.c: that of connections that only read. */
void lite_map_register(void);
const char *lite_map_vfs(void);

/* Turns a SQLite result into our error, and notices when SQLite itself rolled the transaction back. */
int lite_fail(struct lite *l, int rc, struct error *err);

int lite_run(struct db *db, const char *sql, const struct value *params, size_t n, int64_t *ret_changes,
             struct error *err);
int lite_query(struct db *db, const char *sql, const struct value *params, size_t n, struct db_cursor **ret,
               struct error *err);
int lite_next(struct db_cursor *c, struct error *err);
void lite_cursor_close(struct db_cursor *c);
int lite_batch(struct db *db, const struct batch *b, size_t *ret_bad, struct error *err);
void lite_forget(struct db *db);
int lite_lazy(struct db *db, bool on, struct error *err);
int lite_sync(struct db *db, struct error *err);

#endif

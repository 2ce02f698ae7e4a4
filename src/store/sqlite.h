/* store, inside: what the two halves of the SQLite driver share. sqlite.c opens, commits and looks after the file;
 * sqlite_run.c runs statements and batches. */
#ifndef TOCSIN_STORE_SQLITE_H
#define TOCSIN_STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

enum lite_control { LITE_BEGIN, LITE_COMMIT, LITE_ROLLBACK, LITE_SNAPSHOT, LITE_SAVEPOINT };
enum { LITE_CONTROLS = LITE_SAVEPOINT + 3 * SAVEPOINT_MAX };

struct lite {
    struct db base;
    sqlite3 *handle;
    sqlite3_stmt *controls[LITE_CONTROLS]; /* then savepoint, release, undo of each depth */
    struct statements statements;
    char *path;
};

static inline struct lite *lite_of(struct db *db) {
    return (struct lite *)db;
}

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

#endif

/* SQLite: commits that are made first and synced later. In WAL mode with synchronous NORMAL a commit writes its frames and does not wait; they are on
 * disk after fdatasync of the log, from any thread and through any descriptor, because the file is one. The log is never replaced while a connection
 * is open, and a checkpoint syncs it before it copies pages home, so what was committed before the sync began is durable when it ends. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int lite_lazy(struct db *db, bool on, struct error *err) {
    struct lite *l = lite_of(db);
    int rc = sqlite3_exec(l->handle, on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : lite_fail(l, rc, err);
}

int lite_sync(struct db *db, struct error *err) {
    struct lite *l = lite_of(db);
    char path[PATH_MAX];
    if (l->log < 0) {
        if (snprintf(path, sizeof path, "%s-wal", l->path) >= (int)sizeof path) return error_set(err, E_INVALID, l->path, "the path is too long");
        l->log = open(path, O_RDONLY | O_CLOEXEC);
        if (l->log < 0 && errno == ENOENT) return 0; /* nothing was ever written through it */
        if (l->log < 0) return error_set(err, error_from_errno(), path, "%s", strerror(errno));
    }
    if (fdatasync(l->log) == 0) return 0;
    return error_set(err, error_from_errno(), l->path, "outcome unknown: the log could not be synced: %s", strerror(errno));
}

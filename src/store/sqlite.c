/* SQLite: the file, its settings, transactions, backup. WAL with synchronous FULL: a commit that returns is
 * on disk, readers never wait for the writer, and a second process waits its turn for at most 10 s. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Pages of 8 kB: the wide rows of a register and the 40-byte rows of a blind index both fit well, and B-trees
 * are one level lower than with 4 kB at ten million rows. Caches grow only as far as they are used; in bulk beyond a
 * transaction's pages they would only take memory that the system has to clear first. */
enum { PAGE_BYTES = 8192, CACHE_WRITE_KB = 64 << 10, CACHE_READ_KB = 8 << 10, CACHE_BULK_KB = 128 << 10 };
/* Checkpoint after so many WAL pages: 32 MB normally; 512 MB in bulk, so that hot index pages are copied home
 * once for many changes. The WAL is cut back to 64 MB after each checkpoint. */
enum { CHECKPOINT_PAGES = 4096, CHECKPOINT_BULK_PAGES = 65536, WAL_KEPT_BYTES = 64 << 20 };
#define READ_MMAP_BYTES "2147418112"

/* ---- errors */

/* What the system said to the last write that failed. During a COMMIT sqlite3_system_errno is not set: the files themselves know. */
static int write_errno(struct lite *l) {
    sqlite3_file *log = NULL;
    int last = 0;
    if (sqlite3_file_control(l->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &last);
    if (!last) sqlite3_file_control(l->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &last);
    return last ? last : sqlite3_system_errno(l->handle);
}

static int code_of(struct lite *l, int rc) {
    switch (rc & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return E_BUSY;
    case SQLITE_FULL:
        return E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return E_CORRUPT;
    case SQLITE_NOMEM:
        return E_MEMORY;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       rc == SQLITE_CONSTRAINT_ROWID
                   ? E_CONFLICT
                   : E_INVALID;
    case SQLITE_MISMATCH:
        return E_INVALID;
    case SQLITE_TOOBIG:
        return E_TOO_LARGE;
    case SQLITE_READONLY:
        return l->base.mode == DB_READ ? E_USAGE : E_IO;
    case SQLITE_MISUSE:
        return E_USAGE;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM) return E_MEMORY;
        /* a quota or a limit on files is a full disk too; SQLite itself knows only ENOSPC */
        errno = rc == SQLITE_IOERR_WRITE ? write_errno(l) : sqlite3_system_errno(l->handle);
        return error_from_errno();
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        errno = sqlite3_system_errno(l->handle);
        return error_from_errno();
    default:
        return E_STORE;
    }
}

int lite_fail(struct lite *l, int rc, struct error *err) {
    int extended = l->handle ? sqlite3_extended_errcode(l->handle) : rc;
    if ((extended & 0xFF) == (rc & 0xFF)) rc = extended;
    int code = code_of(l, rc);
    /* SQLite's messages name tables and columns, never values */
    error_set(err, code, NULL, "%s",
              l->handle && rc != SQLITE_NOMEM ? sqlite3_errmsg(l->handle) : sqlite3_errstr(rc));
    if ((l->base.writing || l->base.reading) && l->handle && sqlite3_get_autocommit(l->handle))
        l->base.lost = true;
    return code;
}

/* ---- transactions */

static int control(struct lite *l, int which, struct error *err) {
    static const char *const fixed[] = {"BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "BEGIN"};
    static const char *const nested[] = {"SAVEPOINT s%d", "RELEASE s%d", "ROLLBACK TO s%d"};
    sqlite3_stmt **s = &l->controls[which];
    int rc = SQLITE_OK;
    if (!*s) {
        char sql[32];
        int k = which - LITE_SAVEPOINT;
        snprintf(sql, sizeof sql, which < LITE_SAVEPOINT ? fixed[which] : nested[k % 3], k / 3);
        rc = sqlite3_prepare_v3(l->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(*s);
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
        if (rc != SQLITE_OK) rc = lite_fail(l, rc, err);
        sqlite3_reset(*s);
        return rc;
    }
    return lite_fail(l, rc, err);
}

static int lite_begin(struct db *db, struct error *err) {
    return control(lite_of(db), LITE_BEGIN, err);
}

static void lite_rollback(struct db *db) {
    struct lite *l = lite_of(db);
    if (!sqlite3_get_autocommit(l->handle) && control(l, LITE_ROLLBACK, NULL) < 0)
        sqlite3_exec(l->handle, "ROLLBACK", NULL, NULL, NULL); /* the kept statement may be what failed */
}

static int lite_commit(struct db *db, struct error *err) {
    struct lite *l = lite_of(db);
    struct error why = {0};
    int rc = control(l, LITE_COMMIT, &why);
    if (rc == 0) return 0;
    lite_rollback(db);
    /* a failed sync may or may not have reached the disk; a full disk stops before the commit mark is written
     */
    if (rc == E_IO) return error_set(err, rc, NULL, "outcome unknown: %.400s", why.message);
    return error_set(err, rc, NULL, "%s", why.message);
}

static int lite_savepoint(struct db *db, int depth, struct error *err) {
    return control(lite_of(db), LITE_SAVEPOINT + 3 * depth, err);
}

static int lite_release(struct db *db, int depth, struct error *err) {
    return control(lite_of(db), LITE_SAVEPOINT + 3 * depth + 1, err);
}

static int lite_undo(struct db *db, int depth, struct error *err) {
    int rc = control(lite_of(db), LITE_SAVEPOINT + 3 * depth + 2, err);
    return rc < 0 ? rc : lite_release(db, depth, err);
}

static int lite_snapshot(struct db *db, struct error *err) {
    struct lite *l = lite_of(db);
    int rc = control(l, LITE_SNAPSHOT, err);
    if (rc < 0) return rc;
    /* the snapshot is taken by the first read, so read now */
    rc = lite_run(db, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, 0, NULL, err);
    if (rc < 0) lite_rollback(db);
    return rc;
}

static void lite_snapshot_end(struct db *db) {
    lite_rollback(db);
}

/* ---- settings */

static int lite_exec(struct lite *l, const char *sql, struct error *err) {
    int rc = sqlite3_exec(l->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : lite_fail(l, rc, err);
}

static int64_t clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits in short steps: SQLite's own handler sleeps up to 100 ms, far longer than a group commit takes. */
static int lite_busy(void *context, int count) {
    (void)context;
    static _Thread_local int64_t until;
    if (count == 0) until = clock_ms() + BUSY_TIMEOUT_MS;
    if (clock_ms() >= until) return 0;
    struct timespec pause = {.tv_nsec = count < 20 ? 200000 : 1500000};
    nanosleep(&pause, NULL);
    return 1;
}

static int lite_wal(struct lite *l, struct error *err) {
    int64_t until = clock_ms() + BUSY_TIMEOUT_MS;
    for (;;) {
        int rc = sqlite3_exec(l->handle, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK) return 0;
        /* two processes creating the same store: SQLite gives up at once here, without asking lite_busy */
        if ((rc & 0xFF) != SQLITE_BUSY || clock_ms() >= until) return lite_fail(l, rc, err);
        struct timespec pause = {.tv_nsec = 2000000};
        nanosleep(&pause, NULL);
    }
}

static int lite_cache(struct lite *l, bool bulk, struct error *err) {
    char sql[160];
    int kb = bulk ? CACHE_BULK_KB : l->base.mode == DB_READ ? CACHE_READ_KB : CACHE_WRITE_KB;
    snprintf(sql, sizeof sql, "PRAGMA cache_size=-%d;PRAGMA wal_autocheckpoint=%d", kb,
             bulk ? CHECKPOINT_BULK_PAGES : CHECKPOINT_PAGES);
    return lite_exec(l, sql, err);
}

static int lite_settings(struct lite *l, struct error *err) {
    char sql[200];
    sqlite3_extended_result_codes(l->handle, 1);
    sqlite3_busy_handler(l->handle, lite_busy, NULL);
    sqlite3_db_config(l->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(l->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    int rc = lite_cache(l, false, err);
    if (rc == 0 && l->base.mode == DB_WRITE) rc = lite_source_register(l, err);
    if (rc < 0) return rc;
    if (l->base.mode == DB_READ)
        return lite_exec(l, "PRAGMA query_only=1;PRAGMA temp_store=MEMORY;PRAGMA mmap_size=" READ_MMAP_BYTES,
                         err);
    snprintf(sql, sizeof sql, "PRAGMA page_size=%d", PAGE_BYTES);
    rc = lite_exec(l, sql, err);
    if (rc == 0) rc = lite_wal(l, err);
    snprintf(sql, sizeof sql, "PRAGMA synchronous=FULL;PRAGMA temp_store=MEMORY;PRAGMA journal_size_limit=%d",
             WAL_KEPT_BYTES);
    return rc < 0 ? rc : lite_exec(l, sql, err);
}

/* ---- open and close */

static void lite_close(struct db *db) {
    struct lite *l = lite_of(db);
    lite_home_close(l);
    lite_forget(db);
    for (size_t i = 0; i < LITE_CONTROLS; i++) sqlite3_finalize(l->controls[i]);
    if (l->handle) sqlite3_close_v2(l->handle);
    if (l->log >= 0) close(l->log);
    mem_free(l->path);
    mem_free(l);
}

static int not_there(const char *path, struct error *err) {
    if (errno == ENOENT) return error_set(err, E_UNKNOWN, path, "there is no store here");
    return error_set(err, error_from_errno(), path, "%s", strerror(errno));
}

/* ---- upkeep */

static int sync_directory(const char *path, struct error *err) {
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = n < (int)sizeof dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok ? 0 : error_set(err, error_from_errno(), path, "its folder cannot be synced");
}

static int backup_into(struct lite *l, const char *path, struct error *err) {
    sqlite3 *to = NULL;
    int rc =
        sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_backup *b = sqlite3_backup_init(to, "main", l->handle, "main");
        /* in one step, so that all of it is one snapshot; writers go on beside it */
        if (b) rc = sqlite3_backup_step(b, -1);
        if (b) sqlite3_backup_finish(b);
        if (!b) rc = sqlite3_errcode(to);
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
    }
    if (rc != SQLITE_OK) {
        struct lite target = {.base = {.mode = DB_WRITE}, .handle = to};
        rc = code_of(&target, rc);
        error_set(err, rc, path, "the backup failed: %s", to ? sqlite3_errmsg(to) : "out of memory");
    }
    sqlite3_close(to);
    return rc;
}

static int lite_backup(struct db *db, const char *path, struct error *err) {
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return error_set(err, E_INVALID, path, "the path is too long");
    int fd = open(part, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return error_set(err, error_from_errno(), path, "%s", strerror(errno));
    close(fd);
    int rc = backup_into(lite_of(db), part, err);
    if (rc == 0 && rename(part, path) < 0)
        rc = error_set(err, error_from_errno(), path, "%s", strerror(errno));
    if (rc < 0) {
        unlink(part);
        return rc;
    }
    return sync_directory(path, err);
}

static void lite_bulk(struct db *db, bool on) {
    struct lite *l = lite_of(db);
    if (!on) lite_home_end(l);
    lite_cache(l, on, NULL);
    if (on) lite_home_open(l); /* else this connection does it, less often */
    if (on) return;
    sqlite3_db_release_memory(l->handle);
    if (l->home) return;
    sqlite3_busy_handler(l->handle, NULL, NULL); /* a reader in the way is no reason to wait */
    sqlite3_wal_checkpoint_v2(l->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_handler(l->handle, lite_busy, NULL);
}

static int lite_analyze(struct db *db, struct error *err) {
    /* samples of 1,000 rows an index: enough to choose an index, and O(1) in the size of the store */
    return lite_exec(lite_of(db), "PRAGMA analysis_limit=1000;ANALYZE", err);
}

static const struct db_driver driver = {
    .close = lite_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .savepoint = lite_savepoint,
    .release = lite_release,
    .undo = lite_undo,
    .snapshot = lite_snapshot,
    .snapshot_end = lite_snapshot_end,
    .run = lite_run,
    .query = lite_query,
    .next = lite_next,
    .cursor_close = lite_cursor_close,
    .batch = lite_batch,
    .backup = lite_backup,
    .bulk = lite_bulk,
    .analyze = lite_analyze,
    .forget = lite_forget,
    .lazy = lite_lazy,
    .sync = lite_sync,
};

/* Nobody asks SQLite how much memory it uses; counting it takes a mutex at every allocation. */
static void lite_once(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    lite_vfs_register();
    lite_map_register();
}

int sqlite_open(const char *path, enum db_mode mode, struct db **ret, struct error *err) {
    /* Made here rather than by SQLite, so that the store is its owner's alone; WAL and index file inherit it.
     * mknod, because closing a descriptor of the file would drop the locks of other connections of this
     * process. */
    if (mode == DB_READ ? access(path, F_OK) < 0 : mknod(path, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
        return not_there(path, err);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, lite_once);
    struct lite *l = mem_alloc(sizeof *l);
    size_t n = strlen(path);
    if (!l || !(l->path = mem_alloc(n + 1))) {
        mem_free(l);
        return error_set(err, E_MEMORY, path, "out of memory");
    }
    memcpy(l->path, path, n);
    l->base = (struct db){.driver = &driver, .kind = DB_SQLITE, .mode = mode};
    l->log = -1;
    int rc = sqlite3_open_v2(path, &l->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, mode == DB_WRITE ? lite_vfs() : lite_map_vfs());
    rc = rc == SQLITE_OK ? lite_settings(l, err) : lite_fail(l, rc, err);
    if (rc < 0) {
        error_within(err, path);
        lite_close(&l->base);
        return rc;
    }
    *ret = &l->base;
    return 0;
}

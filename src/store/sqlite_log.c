/* SQLite: how its log (WAL) is written. SQLite writes each page of a transaction in two pieces of 24 and 8,192 bytes, none of which meets the pages
 * of the file system. Here they are put together and handed on 124 kB at a time; the disk begins with each megabyte while the next is being made, so
 * that the sync at the end of a large transaction has little left to wait for. What SQLite is told does not change: a sync, a
 * read, a question for the size or a truncation first writes what is held back, and so does the last page of every commit, because other
 * connections may read up to there as soon as SQLite has published it. Only the log goes this way; all else is the system's own VFS. */
#include "store/sqlite.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* SQLite's unix VFS takes less than 128 kB in one write. */
enum { LOG_ALIGN = 4096, LOG_BUFFER = 31 * LOG_ALIGN, LOG_START = 1 << 20, FRAME_HEAD = 24 };

struct log_file {
    sqlite3_file base;
    int fd;              /* a descriptor of our own, to start writing out; -1 none. The log carries no locks, so closing it drops none. */
    bool commit;         /* the frame in hand ends a transaction */
    unsigned char *held; /* LOG_BUFFER bytes, or NULL: nothing was written yet, or there was no memory */
    size_t n;
    sqlite3_int64 at;    /* where held begins in the file */
    sqlite3_int64 begun; /* the disk was told of everything before it */
    sqlite3_file *real;
};

static sqlite3_vfs *system_vfs;

static struct log_file *log_of(sqlite3_file *f) {
    return (struct log_file *)f;
}

/* Writes the first n bytes that are held. What could not be written is forgotten: SQLite takes the transaction back. */
static int log_write_out(struct log_file *f, size_t n) {
    if (!n) return SQLITE_OK;
    int rc = f->real->pMethods->xWrite(f->real, f->held, (int)n, f->at);
    if (rc != SQLITE_OK) {
        f->n = 0;
        return rc;
    }
    f->n -= n;
    memmove(f->held, f->held + n, f->n);
    if (f->at < f->begun) f->begun = f->at;
    f->at += (sqlite3_int64)n;
    if (f->at - f->begun < LOG_START) return SQLITE_OK;
    if (f->fd >= 0) (void)sync_file_range(f->fd, f->begun, f->at - f->begun, SYNC_FILE_RANGE_WRITE);
    f->begun = f->at;
    return SQLITE_OK;
}

static int log_flush(struct log_file *f) {
    return log_write_out(f, f->n);
}

static int log_close(sqlite3_file *base) {
    struct log_file *f = log_of(base);
    int rc = log_flush(f), closed = f->real->pMethods->xClose(f->real);
    if (f->fd >= 0) close(f->fd);
    mem_free(f->held);
    f->held = NULL;
    return rc != SQLITE_OK ? rc : closed;
}

static int log_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at) {
    struct log_file *f = log_of(base);
    int rc = f->n && at + n > f->at ? log_flush(f) : SQLITE_OK;
    return rc != SQLITE_OK ? rc : f->real->pMethods->xRead(f->real, to, n, at);
}

/* A frame's head says in its second number how large the store is after a commit; 0: the transaction goes on. */
static bool ends_transaction(const unsigned char *head) {
    return head[4] || head[5] || head[6] || head[7];
}

static int log_write(sqlite3_file *base, const void *from, int size, sqlite3_int64 at) {
    struct log_file *f = log_of(base);
    const unsigned char *p = from;
    size_t n = (size_t)size;
    int rc = f->n && at != f->at + (sqlite3_int64)f->n ? log_flush(f) : SQLITE_OK;
    if (rc != SQLITE_OK) return rc;
    if (n == FRAME_HEAD) f->commit = ends_transaction(p);
    if (!f->held) f->held = mem_realloc(NULL, LOG_BUFFER);
    if (!f->held) return f->real->pMethods->xWrite(f->real, from, size, at);
    if (!f->n) f->at = at;
    while (n) {
        size_t some = LOG_BUFFER - f->n < n ? LOG_BUFFER - f->n : n;
        memcpy(f->held + f->n, p, some);
        f->n += some;
        p += some;
        n -= some;
        /* up to a page of the file system: the next piece begins there */
        if (f->n == LOG_BUFFER) rc = log_write_out(f, f->n - (size_t)((f->at + (sqlite3_int64)f->n) % LOG_ALIGN));
        if (rc != SQLITE_OK) return rc;
    }
    return f->commit && size != FRAME_HEAD ? log_flush(f) : SQLITE_OK;
}

static int log_truncate(sqlite3_file *base, sqlite3_int64 size) {
    int rc = log_flush(log_of(base));
    return rc != SQLITE_OK ? rc : log_of(base)->real->pMethods->xTruncate(log_of(base)->real, size);
}

static int log_sync(sqlite3_file *base, int flags) {
    struct log_file *f = log_of(base);
    int rc = log_flush(f);
    f->begun = f->at;
    return rc != SQLITE_OK ? rc : f->real->pMethods->xSync(f->real, flags);
}

static int log_size(sqlite3_file *base, sqlite3_int64 *ret) {
    int rc = log_flush(log_of(base));
    return rc != SQLITE_OK ? rc : log_of(base)->real->pMethods->xFileSize(log_of(base)->real, ret);
}

static int log_lock(sqlite3_file *base, int level) {
    return log_of(base)->real->pMethods->xLock(log_of(base)->real, level);
}

static int log_unlock(sqlite3_file *base, int level) {
    return log_of(base)->real->pMethods->xUnlock(log_of(base)->real, level);
}

static int log_reserved(sqlite3_file *base, int *ret) {
    return log_of(base)->real->pMethods->xCheckReservedLock(log_of(base)->real, ret);
}

static int log_control(sqlite3_file *base, int op, void *arg) {
    return log_of(base)->real->pMethods->xFileControl(log_of(base)->real, op, arg);
}

static int log_sector(sqlite3_file *base) {
    return log_of(base)->real->pMethods->xSectorSize(log_of(base)->real);
}

static int log_device(sqlite3_file *base) {
    return log_of(base)->real->pMethods->xDeviceCharacteristics(log_of(base)->real);
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL) || !name) return system_vfs->xOpen(system_vfs, name, file, flags, ret_flags);
    struct log_file *f = log_of(file);
    *f = (struct log_file){.fd = -1, .real = (sqlite3_file *)(f + 1)};
    memset(f->real, 0, (size_t)system_vfs->szOsFile);
    int rc = system_vfs->xOpen(system_vfs, name, f->real, flags, ret_flags);
    if (rc != SQLITE_OK) {
        if (f->real->pMethods) f->real->pMethods->xClose(f->real);
        return rc;
    }
    f->fd = open(name, O_WRONLY | O_CLOEXEC);
    f->base.pMethods = &log_methods;
    return SQLITE_OK;
}

const char *lite_vfs(void) {
    return system_vfs ? "tocsin" : NULL;
}

void lite_vfs_register(void) {
    static sqlite3_vfs vfs;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (!system) return;
    vfs = *system;
    vfs.zName = "tocsin";
    vfs.pNext = NULL;
    vfs.szOsFile = (int)sizeof(struct log_file) + system->szOsFile;
    vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs, 0) == SQLITE_OK) system_vfs = system;
}

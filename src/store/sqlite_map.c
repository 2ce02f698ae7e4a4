/* SQLite: how connections that only read map the file. SQLite gives the whole mapping back whenever somebody has committed, and its pages come back one fault at a time:
 * under a stream of small commits a sixth of a reader's time. But the file itself changes only when pages of the log are put home, and a shared mapping shows that at
 * once, to whoever may see it. So the mapping is kept for as long as the file has the size it had; the log is read as ever. All else is the system's own VFS. */
#include "store/sqlite.h"

/* Lies behind the system's own file. */
struct map_file {
    const sqlite3_io_methods *system;
    sqlite3_io_methods methods; /* the same, but for one */
    sqlite3_int64 size;         /* of the file when its mapping was given back last */
};

static sqlite3_vfs *system_vfs;

static size_t map_at(void) {
    return ((size_t)system_vfs->szOsFile + 15) / 16 * 16;
}

static struct map_file *map_of(sqlite3_file *f) {
    return (struct map_file *)((char *)f + map_at());
}

/* No page: SQLite gives it all back. */
static int unfetch(sqlite3_file *f, sqlite3_int64 at, void *page) {
    struct map_file *m = map_of(f);
    sqlite3_int64 size = 0;
    if (!page) {
        bool known = m->system->xFileSize(f, &size) == SQLITE_OK;
        if (known && size == m->size) return SQLITE_OK;
        m->size = known ? size : 0;
    }
    return m->system->xUnfetch(f, at, page);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags) {
    (void)vfs;
    int rc = system_vfs->xOpen(system_vfs, name, f, flags, ret_flags);
    if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) || f->pMethods->iVersion < 3) return rc;
    struct map_file *m = map_of(f);
    *m = (struct map_file){.system = f->pMethods, .methods = *f->pMethods};
    m->methods.xUnfetch = unfetch;
    f->pMethods = &m->methods;
    return SQLITE_OK;
}

const char *lite_map_vfs(void) {
    return system_vfs ? "tocsin-read" : NULL;
}

void lite_map_register(void) {
    static sqlite3_vfs vfs;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (!system) return;
    system_vfs = system;
    vfs = *system;
    vfs.zName = "tocsin-read";
    vfs.pNext = NULL;
    vfs.szOsFile = (int)(map_at() + sizeof(struct map_file));
    vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) system_vfs = NULL;
}

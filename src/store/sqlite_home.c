/* SQLite: who puts the pages of the log home (checkpoints) while much is written. The one who commits would do it himself, after every
 * so many pages, and wait for the disk each time: a fifth of an import. Here a thread with a connection of its own does it beside him, pass after pass, without locking
 * anybody out. He only waits when the log has grown to LOG_LIMIT, and then for the last piece: when all is home the log begins again at its front,
 * in pages that the system still holds. Nothing is safer or less safe than before: what is committed stands in the log, synced, until its pages are
 * home and synced too. */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/sqlite.h"

/* Pages of 8 kB: a pass every 16 MB, and 256 MB at most. */
enum { PASS_PAGES = 2048, LOG_LIMIT = 32768 };
/* Who commits goes first. */
enum { HOME_NICE = 5 };

struct lite_home {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    sqlite3 *handle;
    int asked;                 /* pages in the log when a pass was asked for last */
    bool wanted, busy, ending;
};

static void pass(sqlite3 *handle) {
    sqlite3_file *file = NULL;
    sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    /* when somebody wrote meanwhile SQLite leaves the sync to the pass that catches up: by then there is less of it */
    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK && file && file->pMethods)
        (void)file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static void *work(void *arg) {
    struct lite_home *h = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + HOME_NICE);
    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (!h->wanted && !h->ending) pthread_cond_wait(&h->changed, &h->lock);
        if (!h->wanted) break;
        h->wanted = false;
        h->busy = true;
        pthread_mutex_unlock(&h->lock);
        pass(h->handle);
        pthread_mutex_lock(&h->lock);
        h->busy = false;
        pthread_cond_broadcast(&h->changed);
    }
    pthread_mutex_unlock(&h->lock);
    /* the last of it, and the log is given back; whoever still reads it is no reason to wait */
    pass(h->handle);
    sqlite3_wal_checkpoint_v2(h->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return NULL;
}

/* After each commit, without locks. */
static int committed(void *arg, sqlite3 *handle, const char *name, int pages) {
    struct lite_home *h = arg;
    bool full = pages >= LOG_LIMIT;
    pthread_mutex_lock(&h->lock);
    if (pages < h->asked) h->asked = 0; /* it has begun again */
    if (full || pages - h->asked >= PASS_PAGES) {
        h->asked = pages;
        h->wanted = true;
        pthread_cond_broadcast(&h->changed);
    }
    while (full && (h->wanted || h->busy)) pthread_cond_wait(&h->changed, &h->lock);
    pthread_mutex_unlock(&h->lock);
    (void)handle, (void)name;
    return SQLITE_OK;
}

static void home_free(struct lite_home *h) {
    pthread_cond_destroy(&h->changed);
    pthread_mutex_destroy(&h->lock);
    sqlite3_close_v2(h->handle);
    mem_free(h);
}

bool lite_home_open(struct lite *l) {
    if (l->home && !l->home->ending) { /* cache settings took the hook away */
        sqlite3_wal_hook(l->handle, committed, l->home);
        return true;
    }
    lite_home_close(l);
    struct lite_home *h = mem_alloc(sizeof *h);
    if (!h) return false;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->changed, NULL);
    if (sqlite3_open_v2(l->path, &h->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
        sqlite3_exec(h->handle, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, NULL) != SQLITE_OK ||
        pthread_create(&h->thread, NULL, work, h) != 0) {
        home_free(h);
        return false;
    }
    l->home = h;
    sqlite3_wal_hook(l->handle, committed, h);
    return true;
}

void lite_home_end(struct lite *l) {
    struct lite_home *h = l->home;
    if (!h) return;
    sqlite3_wal_hook(l->handle, NULL, NULL);
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
}

void lite_home_close(struct lite *l) {
    struct lite_home *h = l->home;
    if (!h) return;
    lite_home_end(l);
    pthread_join(h->thread, NULL);
    home_free(h);
    l->home = NULL;
}

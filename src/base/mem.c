/* Allocation of the house, and the hook by which a test fails the n-th one. */
#include "base/text.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long counted;
static long fail_at;
static bool fail_on;

static bool refused(void) {
    long n = atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed) + 1;
    return fail_at && (fail_on ? n >= fail_at : n == fail_at);
}

void mem_fail_at(long n, bool sticky) {
    fail_at = n;
    fail_on = sticky;
    atomic_store(&counted, 0);
}

long mem_count(void) {
    return atomic_exchange(&counted, 0);
}

/* ---- pieces of arenas that wait for the next batch. A page that the system gives anew costs a microsecond or more: a fifth of an import. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FREED_IS_WATCHED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(FREED_IS_WATCHED)
enum { KEPT_MAX = 0 }; /* it should see who uses what was freed */
#else
enum { KEPT_MAX = 768 };
#endif
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept {
    struct kept *next;
} *kept;
static int n_kept;
static int bulk_phases;

void *mem_kept(void) {
    pthread_mutex_lock(&kept_lock);
    struct kept *k = kept;
    if (k) {
        kept = k->next;
        n_kept--;
    }
    pthread_mutex_unlock(&kept_lock);
    return k;
}

bool mem_keep(void *piece) {
    struct kept *k = piece;
    pthread_mutex_lock(&kept_lock);
    bool keep = bulk_phases > 0 && n_kept < KEPT_MAX;
    if (keep) {
        k->next = kept;
        kept = k;
        n_kept++;
    }
    pthread_mutex_unlock(&kept_lock);
    return keep;
}

static bool last_phase(bool on) {
    pthread_mutex_lock(&kept_lock);
    bulk_phases += on ? 1 : -1;
    bool last = bulk_phases == 0;
    struct kept *all = last ? kept : NULL;
    if (last) {
        kept = NULL;
        n_kept = 0;
    }
    pthread_mutex_unlock(&kept_lock);
    for (struct kept *next; all; all = next) {
        next = all->next;
        mem_free(all);
    }
    return last;
}

void mem_bulk(bool on) {
    if (!last_phase(on) && !on) return;
    /* glibc otherwise gives every freed megabyte back to the kernel and asks for it again, page by page */
    mallopt(M_MMAP_THRESHOLD, on ? 32 << 20 : 128 << 10); /* the most it takes: more is refused in silence */
    mallopt(M_TRIM_THRESHOLD, on ? 1 << 30 : 128 << 10);
    mallopt(M_TOP_PAD, on ? 4 << 20 : 0);
    if (!on) malloc_trim(0);
}

void *mem_alloc(size_t bytes) {
    return refused() ? NULL : calloc(1, bytes ? bytes : 1);
}

void *mem_realloc(void *old, size_t bytes) {
    return refused() ? NULL : realloc(old, bytes ? bytes : 1);
}

void mem_free(void *p) {
    free(p);
}

/* ---- arrays that grow */

static size_t doubled(size_t cap, size_t need, size_t each) {
    size_t more = cap ? cap : 32;
    while (more < need && more <= SIZE_MAX / 2) more *= 2;
    return more >= need && more <= SIZE_MAX / each ? more : 0;
}

bool mem_grow(void *list, size_t *cap, size_t need, size_t each) {
    void *old;
    size_t more = doubled(*cap, need, each);
    memcpy(&old, list, sizeof old);
    void *grown = more ? mem_realloc(old, more * each) : NULL;
    if (!grown) return false;
    memcpy(list, &grown, sizeof grown);
    *cap = more;
    return true;
}

bool arena_grow(struct arena *a, void *list, size_t *cap, size_t need, size_t each) {
    void *old;
    size_t more = doubled(*cap, need, each);
    memcpy(&old, list, sizeof old);
    void *grown = more ? arena_alloc(a, more * each) : NULL;
    if (!grown) return false;
    if (*cap) memcpy(grown, old, *cap * each);
    memcpy(list, &grown, sizeof grown);
    *cap = more;
    return true;
}

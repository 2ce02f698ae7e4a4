/* Allocation of the house, and the hook by which a test fails the n-th one. */
#include "base/text.h"

#include <stdatomic.h>
#include <malloc.h>
#include <stdlib.h>

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

void mem_bulk(bool on) {
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

/* tests: lets tests/alloc fail the n-th allocation of any test program from outside. TOCSIN_MEM_FAIL=n, with TOCSIN_MEM_STICKY=1
 * all after it too; TOCSIN_MEM_COUNT=FILE writes how many allocations a run makes. Linked into every test program around mem_alloc and
 * mem_realloc (--wrap), so that tests which fail allocations themselves do not disturb the count. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

void *__real_mem_alloc(size_t bytes);
void *__real_mem_realloc(void *old, size_t bytes);
void *__wrap_mem_alloc(size_t bytes);
void *__wrap_mem_realloc(void *old, size_t bytes);

static atomic_long counted, fail_at;
static atomic_bool fail_on;

static bool refused(void) {
    long n = atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed) + 1, at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    return at && (atomic_load_explicit(&fail_on, memory_order_relaxed) ? n >= at : n == at);
}

/* For tests with threads: the at-th allocation from now on, by whichever thread, with `on` all after it too; 0: none. */
void test_mem_refuse(long at, bool on);
long test_mem_counted(void);

void test_mem_refuse(long at, bool on) {
    fail_at = 0;
    fail_on = on;
    fail_at = at ? counted + at : 0;
}

long test_mem_counted(void) {
    return counted;
}

void *__wrap_mem_alloc(size_t bytes) {
    return refused() ? NULL : __real_mem_alloc(bytes);
}

void *__wrap_mem_realloc(void *old, size_t bytes) {
    return refused() ? NULL : __real_mem_realloc(old, bytes);
}

static void alloc_count(void) {
    FILE *f = fopen(getenv("TOCSIN_MEM_COUNT"), "w");
    if (!f) return;
    fprintf(f, "%ld\n", atomic_load(&counted));
    fclose(f);
}

__attribute__((constructor)) static void alloc_start(void) {
    const char *at = getenv("TOCSIN_MEM_FAIL"), *sticky = getenv("TOCSIN_MEM_STICKY");
    if (at) fail_at = atol(at);
    fail_on = sticky && *sticky == '1';
    if (getenv("TOCSIN_MEM_COUNT")) atexit(alloc_count);
}

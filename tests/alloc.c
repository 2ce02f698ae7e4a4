/* tests: lets tests/alloc fail the n-th allocation of any test program from outside. TOCSIN_MEM_FAIL=n, with TOCSIN_MEM_STICKY=1
 * all after it too; TOCSIN_MEM_COUNT=FILE writes how many allocations a run makes. Linked into every test program. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void alloc_count(void) {
    const char *path = getenv("TOCSIN_MEM_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%ld\n", mem_count());
    fclose(f);
}

__attribute__((constructor)) static void alloc_start(void) {
    const char *at = getenv("TOCSIN_MEM_FAIL");
    const char *sticky = getenv("TOCSIN_MEM_STICKY");
    if (at) mem_fail_at(atol(at), sticky && *sticky == '1');
    if (getenv("TOCSIN_MEM_COUNT")) atexit(alloc_count);
}

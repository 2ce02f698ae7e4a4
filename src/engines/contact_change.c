/* The same question again: who is new, who is found no more. */
#include <stdlib.h>
#include <string.h>

#include "engines/contact.h"

static int by_number(const void *pa, const void *pb) {
    const int64_t *a = pa, *b = pb;
    return (*a > *b) - (*a < *b);
}

/* Sorted, each once; NULL out of memory. */
static int64_t *set_of(const int64_t *list, size_t n, size_t *ret_n) {
    int64_t *set = mem_alloc((n ? n : 1) * sizeof *set);
    size_t k = 0;
    if (!set) return NULL;
    if (n) memcpy(set, list, n * sizeof *set), qsort(set, n, sizeof *set, by_number);
    for (size_t i = 0; i < n; i++)
        if (!k || set[k - 1] != set[i]) set[k++] = set[i];
    *ret_n = k;
    return set;
}

int contact_changes_find(const int64_t *before, size_t n_before, const int64_t *now, size_t n_now, struct contact_changes *ret, struct error *err) {
    struct contact_changes c = {0};
    size_t na = 0, nb = 0, i = 0, k = 0;
    int64_t *a = set_of(before, n_before, &na), *b = set_of(now, n_now, &nb);
    c.items = mem_alloc((n_before + n_now + 1) * sizeof *c.items);
    int rc = a && b && c.items ? 0 : error_set(err, E_MEMORY, NULL, "no memory to compare two traces / 内存不足");
    while (rc == 0 && (i < na || k < nb)) {
        struct contact_change *x = &c.items[c.n++];
        if (k == nb || (i < na && a[i] < b[k])) *x = (struct contact_change){a[i++], CONTACT_REMOVED}, c.removed++;
        else if (i == na || b[k] < a[i]) *x = (struct contact_change){b[k++], CONTACT_ADDED}, c.added++;
        else *x = (struct contact_change){b[k++], CONTACT_KEPT}, c.kept++, i++;
    }
    mem_free(a);
    mem_free(b);
    if (rc < 0) contact_changes_clear(&c);
    else *ret = c;
    return rc;
}

void contact_changes_clear(struct contact_changes *c) {
    mem_free(c->items);
    *c = (struct contact_changes){0};
}

/* base: int64 -> pointer-sized value, open addressing. Keys of any value but INT64_MIN. Zero-initialise; memory from an arena that
 * outlives it. */
#ifndef TOCSIN_BASE_IDMAP_H
#define TOCSIN_BASE_IDMAP_H

#include "base/text.h"

struct idmap_slot {
    int64_t key;
    union {
        void *p;
        int64_t i;
    } value;
    bool used;
};

struct idmap {
    struct idmap_slot *slots;
    size_t cap, n;
};

/* The slot of key, or NULL. */
struct idmap_slot *idmap_find(const struct idmap *m, int64_t key);
/* The slot of key, made when new (then value is zero and *ret_new true); NULL when out of memory. Slots move when the map grows. */
struct idmap_slot *idmap_put(struct idmap *m, struct arena *a, int64_t key, bool *ret_new);

/* Sorts ids ascending and leaves each once; returns how many stay. Ascending look-ups keep the pages of an index warm. */
size_t ids_distinct(int64_t *ids, size_t n);

#endif

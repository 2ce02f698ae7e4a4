#include "base/idmap.h"

#include <stdlib.h>

static size_t start_of(const struct idmap *m, int64_t key) {
    uint64_t h = (uint64_t)key * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 32) & (m->cap - 1);
}

static struct idmap_slot *place(const struct idmap *m, int64_t key) {
    for (size_t i = start_of(m, key);; i = (i + 1) & (m->cap - 1))
        if (!m->slots[i].used || m->slots[i].key == key) return &m->slots[i];
}

struct idmap_slot *idmap_find(const struct idmap *m, int64_t key) {
    if (!m->n) return NULL;
    struct idmap_slot *s = place(m, key);
    return s->used ? s : NULL;
}

struct idmap_slot *idmap_put(struct idmap *m, struct arena *a, int64_t key, bool *ret_new) {
    if (m->n * 2 >= m->cap) {
        struct idmap grown = {.cap = m->cap ? m->cap * 2 : 64};
        grown.slots = arena_alloc(a, grown.cap * sizeof *grown.slots);
        if (!grown.slots) return NULL;
        for (size_t i = 0; i < m->cap; i++)
            if (m->slots[i].used) {
                *place(&grown, m->slots[i].key) = m->slots[i];
                grown.n++;
            }
        *m = grown;
    }
    struct idmap_slot *s = place(m, key);
    if (ret_new) *ret_new = !s->used;
    if (!s->used) {
        s->used = true;
        s->key = key;
        m->n++;
    }
    return s;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

size_t ids_distinct(int64_t *ids, size_t n) {
    size_t distinct = 0;
    if (n) qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 0; i < n; i++)
        if (!distinct || ids[distinct - 1] != ids[i]) ids[distinct++] = ids[i];
    return distinct;
}

#include "visits/names.h"

#include <string.h>

enum { STORE_BYTES = 1 << 20, TABLE_FIRST = 1 << 10 };

static uint64_t hash_of(uint64_t seed, struct text t) {
    uint64_t h = seed ^ t.n * 0x9e3779b97f4a7c15ull, w;
    size_t i = 0;
    for (; i + 8 <= t.n; i += 8) {
        memcpy(&w, t.s + i, 8);
        h = (h ^ w) * 0xd6e8feb86659fd93ull;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, t.s + i, t.n - i);
    h = (h ^ w) * 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ull;
    return h ^ h >> 29;
}

void names_init(struct names *m, uint64_t seed) {
    memset(m, 0, sizeof *m);
    m->seed = seed;
}

void names_clear(struct names *m) {
    for (size_t c = 0; c < NAME_CHUNKS && atomic_load(&m->chunks[c]); c++) mem_free(atomic_load(&m->chunks[c]));
    for (struct name_table *t = atomic_load(&m->table); t;) {
        struct name_table *older = t->older;
        mem_free(t);
        t = older;
    }
    for (uint8_t *s = m->store; s;) {
        uint8_t *before;
        memcpy(&before, s, sizeof before);
        mem_free(s);
        s = before;
    }
    names_init(m, m->seed);
}

static struct name_entry *entry_at(const struct names *m, uint32_t id) {
    struct name_entry *c = atomic_load_explicit(&m->chunks[id / NAME_CHUNK], memory_order_acquire);
    return c ? &c[id % NAME_CHUNK] : NULL;
}

struct text names_text(const struct names *m, uint32_t id) {
    if (id >= names_count(m)) return (struct text){"", 0};
    const uint8_t *b = atomic_load_explicit(&entry_at(m, id)->bytes, memory_order_acquire);
    return b ? (struct text){(const char *)b + 1, b[0]} : (struct text){"", 0};
}

uint8_t names_class(const struct names *m, uint32_t id) {
    return id < names_count(m) ? atomic_load_explicit(&entry_at(m, id)->class_of, memory_order_relaxed) : 0;
}

static uint32_t find(const struct names *m, const struct name_table *table, struct text t, uint64_t hash) {
    for (uint32_t at = (uint32_t)hash & table->mask;; at = (at + 1) & table->mask) {
        uint64_t slot = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        if (!slot) return NAME_NONE;
        if (slot >> 32 != hash >> 32) continue;
        const uint8_t *b = atomic_load_explicit(&entry_at(m, (uint32_t)slot - 1)->bytes, memory_order_acquire);
        if (b && b[0] == t.n && memcmp(b + 1, t.s, t.n) == 0) return (uint32_t)slot - 1;
    }
}

uint32_t names_find(const struct names *m, struct text t) {
    const struct name_table *table = atomic_load_explicit(&m->table, memory_order_acquire);
    return table && t.n ? find(m, table, t, hash_of(m->seed, t)) : NAME_NONE;
}

void names_find_many(const struct names *m, const struct text *texts, size_t n, uint32_t *ret) {
    enum { TOGETHER = 32 };
    const struct name_table *table = atomic_load_explicit(&m->table, memory_order_acquire);
    for (size_t i = 0, k; i < n; i += k) {
        uint64_t hash[TOGETHER];
        k = n - i < TOGETHER ? n - i : TOGETHER;
        for (size_t j = 0; j < k; j++) {
            hash[j] = hash_of(m->seed, texts[i + j]);
            if (table) __builtin_prefetch((const void *)&table->slots[(uint32_t)hash[j] & table->mask]);
        }
        for (int stage = 0; table && stage < 2; stage++)
            for (size_t j = 0; j < k; j++) {
                uint64_t slot = atomic_load_explicit(&table->slots[(uint32_t)hash[j] & table->mask], memory_order_acquire);
                if (!slot || slot >> 32 != hash[j] >> 32) continue;
                const struct name_entry *e = entry_at(m, (uint32_t)slot - 1);
                if (stage == 0) __builtin_prefetch(e);
                else __builtin_prefetch(atomic_load_explicit(&e->bytes, memory_order_acquire));
            }
        for (size_t j = 0; j < k; j++) ret[i + j] = table && texts[i + j].n ? find(m, table, texts[i + j], hash[j]) : NAME_NONE;
    }
}

static void table_put(struct name_table *table, uint64_t hash, uint32_t id) {
    uint32_t at = (uint32_t)hash & table->mask;
    while (atomic_load_explicit(&table->slots[at], memory_order_relaxed)) at = (at + 1) & table->mask;
    atomic_store_explicit(&table->slots[at], hash >> 32 << 32 | (id + 1), memory_order_release);
}

/* A table twice as large beside the old one, which readers may still be probing. */
static int table_grow(struct names *m, uint32_t n) {
    struct name_table *old = atomic_load(&m->table);
    if (old && n + 1 <= old->mask / 2) return 0;
    uint32_t size = old ? (old->mask + 1) * 2 : TABLE_FIRST;
    struct name_table *table = mem_alloc(sizeof *table + (size_t)size * sizeof table->slots[0]);
    if (!table) return E_MEMORY;
    table->mask = size - 1;
    table->older = old;
    for (uint32_t id = 0; id < n; id++) {
        struct text t = names_text(m, id);
        if (t.n) table_put(table, hash_of(m->seed, t), id);
    }
    atomic_store_explicit(&m->table, table, memory_order_release);
    return 0;
}

static const uint8_t *text_keep(struct names *m, struct text t) {
    if (!m->store || m->store_used + t.n + 1 > m->store_size) {
        uint8_t *s = mem_alloc(STORE_BYTES);
        if (!s) return NULL;
        memcpy(s, &m->store, sizeof m->store);
        m->store = s;
        m->store_used = sizeof m->store;
        m->store_size = STORE_BYTES;
    }
    uint8_t *b = m->store + m->store_used;
    b[0] = (uint8_t)t.n;
    memcpy(b + 1, t.s, t.n);
    m->store_used += t.n + 1;
    return b;
}

int names_append(struct names *m, struct text t, uint8_t class_of) {
    uint32_t id = atomic_load_explicit(&m->n, memory_order_relaxed);
    if (t.n > NAME_MAX_BYTES) return E_INVALID;
    if (id >= (uint32_t)NAME_CHUNK * NAME_CHUNKS - 1) return E_TOO_LARGE;
    if (!entry_at(m, id)) {
        struct name_entry *c = mem_alloc(NAME_CHUNK * sizeof *c);
        if (!c) return E_MEMORY;
        atomic_store_explicit(&m->chunks[id / NAME_CHUNK], c, memory_order_release);
    }
    struct name_entry *e = entry_at(m, id);
    int rc = table_grow(m, id);
    if (rc < 0) return rc;
    atomic_store_explicit(&e->class_of, class_of, memory_order_relaxed);
    if (t.n) {
        const uint8_t *b = text_keep(m, t);
        if (!b) return E_MEMORY;
        atomic_store_explicit(&e->bytes, b, memory_order_release);
        table_put(atomic_load(&m->table), hash_of(m->seed, t), id);
    }
    atomic_store_explicit(&m->n, id + 1, memory_order_release);
    return 0;
}

int names_put(struct names *m, struct text t, uint32_t *ret, bool *ret_new) {
    uint32_t id = names_find(m, t);
    *ret_new = id == NAME_NONE;
    if (id != NAME_NONE) {
        *ret = id;
        return 0;
    }
    if (!t.n) return E_INVALID;
    id = atomic_load_explicit(&m->n, memory_order_relaxed);
    int rc = names_append(m, t, 0);
    if (rc == 0) *ret = id;
    return rc;
}

void names_set_class(struct names *m, uint32_t id, uint8_t class_of) {
    if (id < names_count(m)) atomic_store_explicit(&entry_at(m, id)->class_of, class_of, memory_order_relaxed);
}

void names_forget(struct names *m, uint32_t id) {
    if (id < names_count(m)) atomic_store_explicit(&entry_at(m, id)->bytes, NULL, memory_order_release);
}

int names_write(const struct names *m, uint32_t id, struct buf *out) {
    struct text t = names_text(m, id);
    uint8_t head[2] = {names_class(m, id), (uint8_t)t.n};
    int rc = buf_add(out, head, 2);
    return rc == 0 && t.n ? buf_text(out, t) : rc;
}

#include "visits/buffer.h"

struct buffer *buffer_new(void) {
    return mem_alloc(sizeof(struct buffer));
}

static void heads_free(struct heads *h, size_t n) {
    for (size_t i = 0; i < n; i++) mem_free((void *)atomic_load(&h->chunks[i]));
}

void buffer_free(struct buffer *b) {
    if (!b) return;
    for (size_t i = 0; i < BUFFER_CHUNKS && atomic_load(&b->chunks[i]); i++) mem_free(atomic_load(&b->chunks[i]));
    heads_free(&b->places, HEADS_CHUNKS);
    heads_free(&b->persons, HEADS_CHUNKS);
    mem_free(b);
}

static int head_reserve(struct heads *h, uint32_t id) {
    if (id / HEADS_CHUNK >= HEADS_CHUNKS) return E_TOO_LARGE;
    if (atomic_load_explicit(&h->chunks[id / HEADS_CHUNK], memory_order_relaxed)) return 0;
    _Atomic uint32_t *c = mem_alloc(HEADS_CHUNK * sizeof *c);
    if (!c) return E_MEMORY;
    atomic_store_explicit(&h->chunks[id / HEADS_CHUNK], c, memory_order_release);
    return 0;
}

int buffer_reserve(struct buffer *b, const struct buffer_row *rows, size_t n) {
    uint32_t have = atomic_load_explicit(&b->n, memory_order_relaxed);
    if (n > BUFFER_ROWS_MAX - have) return E_TOO_LARGE;
    for (size_t c = have / BUFFER_CHUNK; c * BUFFER_CHUNK < have + n; c++) {
        if (atomic_load_explicit(&b->chunks[c], memory_order_relaxed)) continue;
        struct buffer_row *chunk = mem_alloc(BUFFER_CHUNK * sizeof *chunk);
        if (!chunk) return E_MEMORY;
        atomic_store_explicit(&b->chunks[c], chunk, memory_order_release);
    }
    for (size_t i = 0; i < n; i++) {
        int rc = head_reserve(&b->places, rows[i].row.place);
        if (rc == 0) rc = head_reserve(&b->persons, rows[i].row.person);
        if (rc < 0) return rc;
    }
    return 0;
}

/* Puts row i at the head of a chain; its own link is written before anybody can come upon it. */
static void chain(struct heads *h, uint32_t id, uint32_t i, uint32_t *link) {
    _Atomic uint32_t *head = &atomic_load_explicit(&h->chunks[id / HEADS_CHUNK], memory_order_relaxed)[id % HEADS_CHUNK];
    *link = atomic_load_explicit(head, memory_order_relaxed);
    atomic_store_explicit(head, i + 1, memory_order_release);
}

void buffer_add(struct buffer *b, const struct buffer_row *rows, size_t n) {
    uint32_t have = atomic_load_explicit(&b->n, memory_order_relaxed);
    for (size_t k = 0; k < n; k++) {
        uint32_t i = have + (uint32_t)k;
        struct buffer_row *r = &atomic_load_explicit(&b->chunks[i / BUFFER_CHUNK], memory_order_relaxed)[i % BUFFER_CHUNK];
        *r = rows[k];
        chain(&b->places, r->row.place, i, &r->by_place);
        chain(&b->persons, r->row.person, i, &r->by_person);
    }
    atomic_store_explicit(&b->n, have + (uint32_t)n, memory_order_release);
}

uint32_t buffer_head(const struct heads *h, uint32_t id) {
    if (id / HEADS_CHUNK >= HEADS_CHUNKS) return 0;
    _Atomic uint32_t *c = atomic_load_explicit(&h->chunks[id / HEADS_CHUNK], memory_order_acquire);
    return c ? atomic_load_explicit(&c[id % HEADS_CHUNK], memory_order_acquire) : 0;
}

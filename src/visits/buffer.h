/* visits, inside the room: what was acknowledged and is not yet in a file: rows in memory, chained by place and by person, newest first. One
 * writer; readers need no lock: they see the rows below the count they took, which never change. */
#ifndef TOCSIN_VISITS_BUFFER_H
#define TOCSIN_VISITS_BUFFER_H

#include <stdatomic.h>

#include "visits/segment.h"

enum { BUFFER_CHUNK = 4096, BUFFER_CHUNKS = 1 << 13, BUFFER_ROWS_MAX = BUFFER_CHUNK * BUFFER_CHUNKS, HEADS_CHUNK = 1024, HEADS_CHUNKS = 1 << 18 };

/* A piece of a stay within one day; times in seconds of the day. */
struct buffer_row {
    struct segment_row row;
    day day;
    uint32_t by_place, by_person; /* row + 1 of the one before; 0: none */
};

struct heads {
    _Atomic(_Atomic uint32_t *) chunks[HEADS_CHUNKS];
};

struct buffer {
    _Atomic uint32_t n;
    _Atomic(struct buffer_row *) chunks[BUFFER_CHUNKS];
    struct heads places, persons;
    atomic_int users;       /* views that hold it */
};

struct buffer *buffer_new(void);
void buffer_free(struct buffer *b);
/* Room for n more rows of these ids, so that buffer_add cannot fail. E_MEMORY, E_TOO_LARGE (BUFFER_ROWS_MAX). */
int buffer_reserve(struct buffer *b, const struct buffer_row *rows, size_t n);
/* Adds rows for which room was made and shows them to readers all at once. */
void buffer_add(struct buffer *b, const struct buffer_row *rows, size_t n);
static inline uint32_t buffer_count(const struct buffer *b) {
    return atomic_load_explicit(&b->n, memory_order_acquire);
}
static inline const struct buffer_row *buffer_at(const struct buffer *b, uint32_t i) {
    return &atomic_load_explicit(&b->chunks[i / BUFFER_CHUNK], memory_order_acquire)[i % BUFFER_CHUNK];
}
/* Row + 1 of the newest of a place or person, 0 none; it may be past the count a reader took: follow the chain. */
uint32_t buffer_head(const struct heads *h, uint32_t id);

#endif

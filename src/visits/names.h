/* visits, inside the room: what persons and places are called outside (record ids, codes on doors) to dense numbers and back. One writer at a
 * time; readers need no lock. Texts are 1 to NAME_MAX bytes. A forgotten name leaves a hole: its number is never used again. */
#ifndef TOCSIN_VISITS_NAMES_H
#define TOCSIN_VISITS_NAMES_H

#include <stdatomic.h>

#include "base/text.h"

enum { NAME_MAX_BYTES = 200, NAME_CHUNK = 4096, NAME_CHUNKS = 1 << 16 };
#define NAME_NONE UINT32_MAX

struct name_entry {
    _Atomic(const uint8_t *) bytes; /* length, then the text; NULL: a hole */
    _Atomic uint8_t class_of;
};

struct name_table {
    uint32_t mask;
    struct name_table *older;       /* kept until the end: somebody may still probe it */
    _Atomic uint64_t slots[];       /* number + 1, and above it 32 bits of the hash, so that other names are passed over without a look; 0 empty */
};

struct names {
    _Atomic uint32_t n;
    _Atomic(struct name_entry *) chunks[NAME_CHUNKS];
    _Atomic(struct name_table *) table;
    uint64_t seed;
    uint8_t *store;                 /* texts are laid down here; the first 8 bytes point to the store before */
    size_t store_used, store_size;
};

void names_init(struct names *m, uint64_t seed);
void names_clear(struct names *m);
static inline uint32_t names_count(const struct names *m) {
    return atomic_load_explicit(&m->n, memory_order_acquire);
}
/* The number of a text, or NAME_NONE. Any thread. */
uint32_t names_find(const struct names *m, struct text t);
/* The numbers of many: a crowd of them waits for memory together. */
void names_find_many(const struct names *m, const struct text *texts, size_t n, uint32_t *ret);
/* The text of a number; empty for a hole or a number not given out. Valid as long as the names. Any thread. */
struct text names_text(const struct names *m, uint32_t id);
uint8_t names_class(const struct names *m, uint32_t id);

/* ---- the writer's */
/* The number of a text, a new one when it is new. Errors: E_INVALID (length), E_TOO_LARGE (2^28 names), E_MEMORY. */
int names_put(struct names *m, struct text t, uint32_t *ret, bool *ret_new);
/* Puts a text at the next number without looking (replay); an empty text makes a hole. */
int names_append(struct names *m, struct text t, uint8_t class_of);
void names_set_class(struct names *m, uint32_t id, uint8_t class_of);
void names_forget(struct names *m, uint32_t id);

/* As stored: class, length, text. */
int names_write(const struct names *m, uint32_t id, struct buf *out);

#endif

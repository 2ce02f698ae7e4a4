/* base: slices of UTF-8 text, a growing buffer with a stated maximum, and an arena.
 * A struct text is always borrowed: it points into somebody's arena, buffer or constant and is not NUL-ended. */
#ifndef TOCSIN_BASE_TEXT_H
#define TOCSIN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct text {
    const char *s;
    size_t n;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

struct text text_of(const char *s); /* NULL gives the empty slice */
bool text_eq(struct text a, struct text b);
bool text_is(struct text a, const char *s);
int text_cmp(struct text a, struct text b); /* bytewise, shorter first */
bool text_starts(struct text a, struct text prefix);
struct text text_trim(struct text t); /* ASCII white space, U+3000, U+FEFF and U+00A0 at both ends */
/* Decimal integer over the whole slice; false when it is not one or does not fit. */
bool text_int(struct text t, int64_t *ret);
bool text_utf8_valid(struct text t);
/* Decodes the code point at t.s[*pos] and moves *pos past it; U+FFFD on a bad byte. Needs *pos < t.n. */
uint32_t text_codepoint(struct text t, size_t *pos);
/* Encodes one code point; returns its bytes (1 to 4). */
size_t text_encode(uint32_t codepoint, char out[4]);

/* ---- allocation: every allocation of the house goes through these three, so that a test can fail the n-th. */
void *mem_alloc(size_t bytes);              /* zeroed; NULL when out of memory */
void *mem_realloc(void *old, size_t bytes); /* new bytes are not zeroed */
void mem_free(void *p);
/* Room for `need` items of `each` bytes in the array that *list (the address of a pointer to it) leads to: as it is, or moved and *cap doubled until it fits.
 * False: out of memory or past what a size can say, all as it was. arena_room does the same in an arena, where the old place is left behind. */
bool mem_grow(void *list, size_t *cap, size_t need, size_t each);
static inline bool mem_room(void *list, size_t *cap, size_t need, size_t each) {
    return need <= *cap || mem_grow(list, cap, need, each);
}
/* Bulk phases (an import): freed memory is kept for the next batch instead of being given back; off gives it back. Whole process. */
void mem_bulk(bool on);
/* Largest pieces of arenas, one size for the whole process: kept in a bulk phase (false: not kept, free it) and taken again (NULL: there is none). Any thread. */
bool mem_keep(void *piece);
void *mem_kept(void);
/* Asks the processor for memory that will soon be read. A large batch has left its cache by the time the next thread walks over it, and a line takes 0.1 us to come. */
static inline void mem_near(const void *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch((const char *)p + i);
}
/* Test hook: the n-th allocation from now fails (1 = the next), and, with `sticky`, all after it; 0 turns it off.
 * Not thread-safe; call while one thread runs. mem_count() is the number of allocations since the last call. */
void mem_fail_at(long n, bool sticky);
long mem_count(void);

/* ---- buf: owned bytes that grow. Zero-initialise; `max` 0 means 1 GiB. After a failed append `failed` is set
 * to E_MEMORY or E_TOO_LARGE and stays set; later appends do nothing, so callers may check once at the end. */
struct buf {
    char *s;
    size_t n;
    size_t cap;
    size_t max;
    int failed;
};

void buf_clear(struct buf *b); /* frees */
void buf_reset(struct buf *b); /* keeps the memory, n = 0, failed = 0 */
int buf_add(struct buf *b, const void *bytes, size_t n);
int buf_text(struct buf *b, struct text t);
int buf_str(struct buf *b, const char *s);
int buf_char(struct buf *b, char c);
int buf_int(struct buf *b, int64_t v);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_varint(struct buf *b, uint64_t v); /* LEB128 */
/* NUL-ended view, valid until the next append; "" when empty or failed. */
const char *buf_cstr(struct buf *b);
struct text buf_view(const struct buf *b);
/* Reads a LEB128 at *pos; false when truncated or longer than 64 bits. */
bool text_varint(struct text t, size_t *pos, uint64_t *ret);

/* ---- arena: memory with one lifetime. Zero-initialise; alignment 16; NULL when out of memory. */
struct arena_chunk;
struct arena {
    struct arena_chunk *chunk;
    size_t used; /* bytes handed out since the last reset, for limits */
};

void *arena_alloc(struct arena *a, size_t bytes); /* zeroed */
void *arena_raw(struct arena *a, size_t bytes);   /* not zeroed: for what is filled at once, or seldom needed */
/* Copies and NUL-ends. .s is NULL when out of memory. */
struct text arena_text(struct arena *a, struct text t);
char *arena_str(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct text arena_words(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3))); /* .s is NULL when out of memory, where text_of() would say nothing */
bool arena_reserve(struct arena *a, size_t bytes); /* room in one piece for what comes next */
bool arena_grow(struct arena *a, void *list, size_t *cap, size_t need, size_t each);
static inline bool arena_room(struct arena *a, void *list, size_t *cap, size_t need, size_t each) { /* mem_room; new items are zero */
    return need <= *cap || arena_grow(a, list, cap, need, each);
}
void arena_reset(struct arena *a); /* keeps the largest chunk */
void arena_clear(struct arena *a);

/* Reads a whole file of at most max bytes into b. Errors: E_IO, E_TOO_LARGE, E_MEMORY, where = path. */
int file_read(const char *path, size_t max, struct buf *b, struct error *err);

#endif

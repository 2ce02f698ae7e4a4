/* visits: numbers packed into bits, 128 at a time, each readable alone. A block keeps its smallest value as `base`; of every value the low
 * `low` bits stand in line, and those that need more ("far" ones, marked in a map of 128 bits) have their `high` further bits behind.
 * The widths that make the block smallest are chosen (patched frame of reference: Zukowski et al. 2006, doi:10.1109/ICDE.2006.150).
 *     bytes of a block: ceil(n * low / 8), then, if far > 0, 16 of map and ceil(far * high / 8)
 * Readers may touch 8 bytes past a block: sections end with PACK_SLACK zero bytes. */
#ifndef TOCSIN_VISITS_PACK_H
#define TOCSIN_VISITS_PACK_H

#include <string.h>

#include "base/text.h"

enum { PACK_BLOCK = 128, PACK_SLACK = 16, PACK_WIDTH_MAX = 31 };

struct pack {
    uint32_t base;
    uint8_t low, high, far; /* far: how many */
};

/* Bytes that n values packed so take. */
static inline size_t pack_bytes(struct pack p, size_t n) {
    return (n * p.low + 7) / 8 + (p.far ? 16 + ((size_t)p.far * p.high + 7) / 8 : 0);
}

/* Whether the widths are possible at all, so that nothing past a block is read. */
static inline bool pack_valid(struct pack p) {
    return p.low <= PACK_WIDTH_MAX && p.low + p.high <= 32 && p.far <= PACK_BLOCK;
}

static inline uint64_t pack_word(const uint8_t *at) {
    uint64_t w;
    memcpy(&w, at, 8);
    return w;
}

static inline uint32_t pack_bits(const uint8_t *data, size_t i, unsigned width) {
    size_t bit = i * width;
    return (uint32_t)(pack_word(data + bit / 8) >> (bit % 8)) & (uint32_t)((1ull << width) - 1);
}

/* Chooses widths for n values (1..128) and appends their bytes to out; the base is the least value, at most base_max. Values minus base must fit 31 bits. */
int pack_write(const uint32_t *values, size_t n, uint32_t base_max, struct buf *out, struct pack *ret);
/* Value i of n. data has pack_bytes(p, n) + PACK_SLACK readable bytes. */
uint32_t pack_get(struct pack p, const uint8_t *data, size_t n, size_t i);
/* Values [from, to) of n into out[0 .. to - from). */
void pack_read(struct pack p, const uint8_t *data, size_t n, size_t from, size_t to, uint32_t *out);

#endif

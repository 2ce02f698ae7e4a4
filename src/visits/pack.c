#include "visits/pack.h"

static unsigned bits_of(uint32_t v) {
    return v ? 32 - (unsigned)__builtin_clz(v) : 0;
}

/* Portable: the baseline x86-64 has no instruction for it. */
static unsigned ones(uint64_t v) {
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (unsigned)(v * 0x0101010101010101ull >> 56);
}

/* Bits of width `width` one after another; every value already fits. */
static void put_bits(uint8_t *out, const uint32_t *values, size_t n, unsigned width) {
    uint64_t word = 0;
    unsigned held = 0;
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)values[i] << held;
        held += width;
        while (held >= 8) {
            *out++ = (uint8_t)word;
            word >>= 8;
            held -= 8;
        }
    }
    if (held) *out = (uint8_t)word;
}

int pack_write(const uint32_t *values, size_t n, uint32_t base_max, struct buf *out, struct pack *ret) {
    uint32_t least = values[0], low[PACK_BLOCK], high[PACK_BLOCK];
    unsigned count[33] = {0}, most = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] < least) least = values[i];
    if (least > base_max) least = base_max;
    for (size_t i = 0; i < n; i++) count[bits_of(values[i] - least)]++;
    for (unsigned b = 0; b <= 32; b++)
        if (count[b]) most = b;
    size_t best = n * most, far = 0;
    unsigned width = most;
    size_t beyond = 0;
    for (unsigned w = most; w-- > 0;) {
        beyond += count[w + 1];
        size_t cost = n * w + 128 + beyond * (most - w);
        if (cost < best) best = cost, width = w, far = beyond;
    }
    struct pack p = {least, (uint8_t)width, (uint8_t)(far ? most - width : 0), (uint8_t)far};
    uint64_t map[2] = {0, 0};
    size_t n_high = 0;
    uint32_t mask = (uint32_t)((1ull << width) - 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t v = values[i] - least;
        low[i] = v & mask;
        if (v > mask) {
            map[i / 64] |= 1ull << (i % 64);
            high[n_high++] = v >> width;
        }
    }
    uint8_t bytes[PACK_BLOCK * 4 + 16 + PACK_BLOCK * 4];
    size_t at = (n * width + 7) / 8;
    put_bits(bytes, low, n, width);
    if (far) {
        memcpy(bytes + at, map, 16);
        put_bits(bytes + at + 16, high, n_high, p.high);
    }
    int rc = buf_add(out, bytes, pack_bytes(p, n));
    if (rc == 0) *ret = p;
    return rc;
}

uint32_t pack_get(struct pack p, const uint8_t *data, size_t n, size_t i) {
    uint32_t v = pack_bits(data, i, p.low);
    if (p.far) {
        const uint8_t *behind = data + (n * p.low + 7) / 8;
        uint64_t map[2];
        memcpy(map, behind, 16);
        if (map[i / 64] >> (i % 64) & 1) {
            unsigned rank = i < 64 ? ones(map[0] & ((1ull << i) - 1)) : ones(map[0]) + ones(map[1] & ((1ull << (i - 64)) - 1));
            if (rank < p.far) v |= pack_bits(behind + 16, rank, p.high) << p.low;
        }
    }
    return p.base + v;
}

void pack_read(struct pack p, const uint8_t *data, size_t n, size_t from, size_t to, uint32_t *out) {
    uint64_t mask = (1ull << p.low) - 1;
    if (!p.low)
        for (size_t i = from; i < to; i++) out[i - from] = p.base;
    else
        for (size_t i = from; i < to; i++) {
            size_t bit = i * p.low;
            out[i - from] = p.base + (uint32_t)(pack_word(data + bit / 8) >> (bit % 8) & mask);
        }
    if (!p.far) return;
    const uint8_t *behind = data + (n * p.low + 7) / 8;
    uint64_t map[2];
    unsigned rank = 0;
    memcpy(map, behind, 16);
    for (unsigned half = 0; half < 2; half++)
        for (uint64_t m = map[half]; m; m &= m - 1) {
            size_t i = half * 64 + (unsigned)__builtin_ctzll(m);
            if (i >= to || rank >= p.far) return;
            if (i >= from) out[i - from] += pack_bits(behind + 16, rank, p.high) << p.low;
            rank++;
        }
}

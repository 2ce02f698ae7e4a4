#include "visits/pack.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

#if defined(__x86_64__)
/* Eight values are `low` whole bytes: the first four lie in 16 bytes from the beginning, the others in 16 from the middle. Returns how many were read; what is near the end is left,
 * so that nothing is touched that pack_get would not touch. */
__attribute__((target("avx2"))) static size_t read_eights(struct pack p, const uint8_t *data, size_t n, size_t from, size_t to, uint32_t *out) {
    int low = p.low;
    const __m256i bit = _mm256_setr_epi32(0, low, 2 * low, 3 * low, 4 * low & 7, (4 * low & 7) + low, (4 * low & 7) + 2 * low, (4 * low & 7) + 3 * low);
    const __m256i shift = _mm256_and_si256(bit, _mm256_set1_epi32(7)), byte = _mm256_srli_epi32(bit, 3);
    const __m256i pick = _mm256_add_epi32(_mm256_mullo_epi32(byte, _mm256_set1_epi32(0x01010101)), _mm256_set1_epi32(0x03020100));
    const __m256i mask = _mm256_set1_epi32((int)((1u << low) - 1)), base = _mm256_set1_epi32((int)p.base);
    size_t end = (n * p.low + 7) / 8 + PACK_SLACK, i = from;
    for (; i + 8 <= to; i += 8) {
        size_t at = i / 8 * p.low;
        if (at + (size_t)low / 2 + 16 > end) break;
        __m256i v = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(data + at))), _mm_loadu_si128((const __m128i *)(data + at + low / 2)), 1);
        v = _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(v, pick), shift), mask);
        _mm256_storeu_si256((__m256i *)(out + (i - from)), _mm256_add_epi32(v, base));
    }
    return i - from;
}
#endif

void pack_read(struct pack p, const uint8_t *data, size_t n, size_t from, size_t to, uint32_t *out) {
    uint64_t mask = (1ull << p.low) - 1;
    size_t i = from;
    if (from >= to) return;
    if (!p.low)
        for (; i < to; i++) out[i - from] = p.base;
#if defined(__x86_64__)
    else if (p.low <= 25 && to - from >= 8 && __builtin_cpu_supports("avx2")) {
        for (; i % 8; i++) out[i - from] = p.base + (uint32_t)(pack_word(data + i * p.low / 8) >> (i * p.low % 8) & mask);
        i += read_eights(p, data, n, i, to, out + (i - from));
    }
#endif
    for (; i < to; i++) {
        size_t bit = i * p.low;
        out[i - from] = p.base + (uint32_t)(pack_word(data + bit / 8) >> (bit % 8) & mask);
    }
    if (!p.far) return;
    const uint8_t *behind = data + (n * p.low + 7) / 8;
    uint64_t map[2];
    memcpy(map, behind, 16);
    for (size_t half = from / 64; half <= (to - 1) / 64; half++) {
        uint64_t m = map[half], below = half == from / 64 ? (1ull << from % 64) - 1 : 0;
        unsigned rank = (half ? ones(map[0]) : 0) + ones(m & below);
        if (half == (to - 1) / 64 && to % 64) m &= (1ull << to % 64) - 1;
        for (m &= ~below; m && rank < p.far; m &= m - 1) {
            size_t k = half * 64 + (unsigned)__builtin_ctzll(m);
            out[k - from] += pack_bits(behind + 16, rank++, p.high) << p.low;
        }
    }
}

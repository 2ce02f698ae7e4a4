/* A day of visits that was damaged or made by somebody: edits of a real file, its check sums put right again, so that what lies behind them is reached. Whatever it says,
 * reading gives rows within its ids and its day, or an error; never a read outside the map, never an endless loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "visits/segment.h"
#include "needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 700, PERSONS = 90, PLACES = 60 };

static uint8_t *real, *copy;
static size_t real_n;

/* A file with everything in it: a crowded place, midnights, seats, sparse places. */
static void real_make(void) {
    static struct segment_row rows[ROWS];
    char dir[] = "/tmp/fuzz-segment-XXXXXX", path[64];
    struct segment_spec spec = {.dir = dir, .name = "a.seg", .zone_s = 28800, .n_persons = PERSONS, .n_places = PLACES * 9};
    uint64_t kept, bytes;
    struct buf b = {0};
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t h = i * 2654435761u;
        rows[i] = (struct segment_row){h % PERSONS, i % 3 ? h / 97 % PLACES : 5, (int32_t)(i % 7 ? h / 13 % 80000 : 0), 0, presence_attr(i % 4, 90), 0, 0, 0};
        rows[i].end = i % 5 ? rows[i].start + (int32_t)(h % 5000) : DAY_S;
        if (i % 11 == 0) rows[i].zone = 3, rows[i].row = (uint16_t)(i % 20), rows[i].attr |= PRESENCE_SEATED;
    }
    need(mkdtemp(dir), dir);
    need(segment_write(&spec, rows, ROWS, &kept, &bytes, NULL) >= 0, dir);
    snprintf(path, sizeof path, "%s/a.seg", dir);
    if (file_read(path, 1 << 24, &b, NULL) < 0) abort();
    unlink(path);
    rmdir(dir);
    real = (uint8_t *)b.s;
    real_n = b.n;
    copy = malloc(real_n);
}

static void seal(uint8_t *f, size_t n) {
    struct segment_head h;
    memcpy(&h, f, sizeof h);
    uint64_t checks = h.sections[SECTION_CHECKS].offset, bytes = h.sections[SECTION_CHECKS].bytes;
    if (checks >= SEGMENT_HEAD && checks <= n && bytes <= n - checks) {
        for (uint64_t c = 0, at = SEGMENT_HEAD; at < checks && (c + 1) * 4 <= bytes; c++, at += SEGMENT_CHUNK) {
            uint32_t crc = (uint32_t)crc32(0, f + at, (uInt)(checks - at < SEGMENT_CHUNK ? checks - at : SEGMENT_CHUNK));
            memcpy(f + checks + c * 4, &crc, 4);
        }
        uint32_t crc = (uint32_t)crc32(0, f + checks, (uInt)bytes);
        memcpy(f + sizeof h, &crc, 4);
    }
    memset(f + offsetof(struct segment_head, head_crc), 0, 4);
    uint32_t crc = (uint32_t)crc32(0, f, SEGMENT_HEAD);
    memcpy(f + offsetof(struct segment_head, head_crc), &crc, 4);
}

static void read_all(const uint8_t *f, size_t n) {
    struct segment *s = NULL;
    static struct segment_rows rows;
    static struct segment_row block[PACK_BLOCK];
    uint64_t first, end;
    size_t k;
    if (segment_open_bytes(f, n, &s, NULL) < 0) return;
    for (uint32_t p = 0; p < PLACES * 9 && p < s->head.n_places; p += 1 + p / 70)
        if (segment_place(s, p, &first, &end, NULL) == 0)
            for (int spans = 0; first < end && spans < 64; spans++) {
                if (segment_scan(s, &first, end, 3000, 60000, p % 2, &rows, NULL) < 0) break;
                if (rows.n > PACK_BLOCK) abort();
                for (size_t i = 0; i < rows.n; i++)
                    if (rows.person[i] >= s->head.n_persons || rows.start[i] >= DAY_S || rows.end[i] > DAY_S || rows.end[i] < rows.start[i]) abort();
            }
    for (uint32_t p = 0; p < PERSONS && p < s->head.n_persons; p++)
        if (segment_person(s, p, &first, &end, NULL) == 0)
            for (uint64_t e = first; e < end && e < first + 64; e++) {
                struct presence v;
                if (segment_entry(s, e, &v, NULL) < 0) break;
                if (v.person >= s->head.n_persons || v.place >= s->head.n_places || v.start < 0 || v.end > DAY_S || v.end < v.start) abort();
            }
    for (uint64_t b = 0; b * PACK_BLOCK < s->head.rows && b < 16; b++) (void)segment_block(s, b, block, &k, NULL);
    (void)segment_check(s, NULL);
    segment_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!real) real_make();
    if (size && data[0] % 8 == 7) { /* as it comes */
        read_all(data, size);
        return 0;
    }
    memcpy(copy, real, real_n);
    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint32_t at = ((uint32_t)data[i] | (uint32_t)data[i + 1] << 8 | (uint32_t)(data[i + 2] & 1) << 16) % (uint32_t)real_n;
        copy[at] = (uint8_t)(data[i + 2] & 2 ? data[i + 3] : copy[at] ^ data[i + 3]);
    }
    seal(copy, real_n);
    read_all(copy, real_n);
    return 0;
}

#include "visits/segment_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

int segment_damaged(struct segment *s, struct error *err, const char *what) {
    atomic_store_explicit(&s->damaged, true, memory_order_relaxed);
    return error_set(err, E_CORRUPT, s->name, "%s / 出入记录文件已损坏", what);
}

/* The head says what is where; nothing of it is believed before it fits the file. */
static int head_check(struct segment *s, struct error *err) {
    const struct segment_head *h = &s->head;
    unsigned char copy[SEGMENT_HEAD];
    uint32_t checks;
    if (s->bytes < SEGMENT_HEAD) return segment_damaged(s, err, "a day of visits is cut short");
    memcpy(copy, s->map, SEGMENT_HEAD);
    memcpy(&s->head, copy, sizeof s->head);
    if (memcmp(h->magic, "TOCVISIT", 8) != 0) return segment_damaged(s, err, "not a day of visits");
    if (h->version != SEGMENT_VERSION)
        return error_set(err, E_UNSUPPORTED, s->name, "a day of visits of version %u; this program reads %d / 出入记录文件版本不符", h->version, SEGMENT_VERSION);
    memset(copy + offsetof(struct segment_head, head_crc), 0, 4);
    if (crc32(0, copy, SEGMENT_HEAD) != h->head_crc) return segment_damaged(s, err, "the head of a day of visits is damaged");
    memcpy(&checks, copy + sizeof *h, 4);
    uint64_t at = SEGMENT_HEAD;
    for (int i = 0; i < SECTIONS; i++) {
        uint64_t slack = i == SECTION_CHECKS ? 0 : PACK_SLACK;
        if (h->sections[i].offset < at || h->sections[i].offset % 64 || h->sections[i].offset > s->bytes || h->sections[i].bytes > s->bytes - h->sections[i].offset ||
            slack > s->bytes - h->sections[i].offset - h->sections[i].bytes)
            return segment_damaged(s, err, "a day of visits is cut short");
        at = h->sections[i].offset + h->sections[i].bytes;
        s->section[i] = s->map + h->sections[i].offset;
    }
    uint64_t body = h->sections[SECTION_CHECKS].offset - SEGMENT_HEAD, blocks = (h->rows + PACK_BLOCK - 1) / PACK_BLOCK;
    s->n_chunks = (size_t)((body + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK);
    bool fits = h->rows > 0 && h->rows < UINT32_MAX && h->sections[SECTION_CHECKS].bytes == s->n_chunks * 4 &&
                h->sections[SECTION_BLOCKS].bytes == blocks * sizeof(struct block) && h->n_attrs > 0 && h->n_attrs <= SEGMENT_ATTRS_MAX &&
                h->sections[SECTION_ATTRS].bytes == h->n_attrs * 2ull && h->sections[SECTION_SEATS].bytes == h->n_seats * 8ull &&
                h->sections[SECTION_PERM_HEADS].bytes == blocks * sizeof(struct column_head) &&
                h->sections[SECTION_PLACE_HEADS].bytes == (h->place_keys / (uint64_t)PACK_BLOCK + 1) * sizeof(struct column_head) &&
                h->sections[SECTION_PERSON_HEADS].bytes == (h->person_keys / (uint64_t)PACK_BLOCK + 1) * sizeof(struct column_head) &&
                (h->places_sparse ? h->sections[SECTION_PLACE_KEY_HEADS].bytes == (h->place_keys + PACK_BLOCK - 1ull) / PACK_BLOCK * sizeof(struct column_head)
                                  : h->place_keys == h->n_places) &&
                (h->persons_sparse ? h->sections[SECTION_PERSON_KEY_HEADS].bytes == (h->person_keys + PACK_BLOCK - 1ull) / PACK_BLOCK * sizeof(struct column_head)
                                   : h->person_keys == h->n_persons);
    if (!fits) return segment_damaged(s, err, "the head of a day of visits contradicts itself");
    if (crc32(0, s->section[SECTION_CHECKS], (uInt)h->sections[SECTION_CHECKS].bytes) != checks) return segment_damaged(s, err, "the check sums of a day of visits are damaged");
    return 0;
}

static int segment_begin(struct segment *s, struct error *err) {
    int rc = head_check(s, err);
    if (rc < 0) return rc;
    s->checked = mem_alloc(s->n_chunks);
    if (!s->checked) return error_set(err, E_MEMORY, s->name, "no memory for a day of visits / 内存不足");
    return segment_need(s, SECTION_ATTRS, 0, s->head.n_attrs * 2ull, err) ? 0 : E_CORRUPT;
}

int segment_open(const char *dir, const char *name, struct segment **ret, struct error *err) {
    char path[1200];
    struct stat st;
    void *map = MAP_FAILED;
    struct segment *s = mem_alloc(sizeof *s);
    if (!s) return error_set(err, E_MEMORY, name, "no memory for a day of visits / 内存不足");
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    if (fd < 0 || fstat(fd, &st) < 0) rc = error_set(err, errno == ENOENT ? E_CORRUPT : error_from_errno(), path, "a day of visits cannot be opened: %s / 无法打开出入记录文件", strerror(errno));
    if (rc == 0 && st.st_size < SEGMENT_HEAD) rc = error_set(err, E_CORRUPT, path, "a day of visits is cut short / 出入记录文件已损坏");
    if (rc == 0) {
        s->bytes = (size_t)st.st_size;
        map = mmap(NULL, s->bytes, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) rc = error_set(err, error_from_errno(), path, "a day of visits cannot be mapped: %s / 无法映射出入记录文件", strerror(errno));
        else s->map = map;
    }
    if (fd >= 0) close(fd);
    if (rc == 0) {
        madvise(map, s->bytes, MADV_RANDOM);
        rc = segment_begin(s, err);
    }
    if (rc < 0) segment_close(s);
    else *ret = s;
    return rc;
}

int segment_open_bytes(const uint8_t *bytes, size_t n, struct segment **ret, struct error *err) {
    struct segment *s = mem_alloc(sizeof *s);
    if (!s) return error_memory(err);
    snprintf(s->name, sizeof s->name, "%s", "(bytes)");
    s->map = bytes;
    s->bytes = n;
    int rc = segment_begin(s, err);
    s->bytes = 0; /* not ours to unmap */
    if (rc < 0) segment_close(s);
    else *ret = s;
    return rc;
}

void segment_close(struct segment *s) {
    if (!s) return;
    if (s->map && s->bytes) munmap((void *)(uintptr_t)s->map, s->bytes);
    mem_free((void *)s->checked);
    mem_free(s->touched);
    mem_free(s);
}

/* ---- reading, every byte of it checked once */
static int chunk_check(struct segment *s, size_t c, struct error *err) {
    size_t from = SEGMENT_HEAD + c * SEGMENT_CHUNK, end = (size_t)s->head.sections[SECTION_CHECKS].offset;
    uint32_t want;
    memcpy(&want, s->section[SECTION_CHECKS] + c * 4, 4);
    if (crc32(0, s->map + from, (uInt)(end - from < SEGMENT_CHUNK ? end - from : SEGMENT_CHUNK)) != want)
        return segment_damaged(s, err, "a day of visits is damaged: a check sum does not fit");
    atomic_store_explicit(&s->checked[c], CHUNK_GOOD, memory_order_relaxed);
    return 0;
}

void segment_fetch(struct segment *s, size_t c) {
    uint8_t unknown = CHUNK_UNKNOWN;
    if (!s->bytes || !atomic_compare_exchange_strong(&s->checked[c], &unknown, CHUNK_ASKED)) return; /* not a map of ours, or somebody was faster */
    uint64_t from = (SEGMENT_HEAD + (uint64_t)c * SEGMENT_CHUNK) / 4096 * 4096, end = SEGMENT_HEAD + ((uint64_t)c + 1) * SEGMENT_CHUNK;
    if (end > s->bytes) end = s->bytes;
    madvise((void *)(uintptr_t)(s->map + from), (size_t)(end - from), MADV_WILLNEED);
}

int segment_check_span(struct segment *s, uint64_t from, uint64_t n, struct error *err) {
    if (s->touched)
        for (uint64_t line = from / SEGMENT_LINE, last = (from + n) / SEGMENT_LINE; line <= last; line++) s->touched[line / 64] |= 1ull << line % 64;
    for (size_t c = (size_t)(from / SEGMENT_CHUNK), last = (size_t)((from + n + 7) / SEGMENT_CHUNK); c <= last && c < s->n_chunks; c++)
        if (atomic_load_explicit(&s->checked[c], memory_order_relaxed) != CHUNK_GOOD && chunk_check(s, c, err) < 0) return E_CORRUPT;
    return 0;
}

int segment_check(struct segment *s, struct error *err) {
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < s->n_chunks; c++) rc = chunk_check(s, c, err);
    return rc;
}

/* ---- what a question touched */
int segment_watch(struct segment *s, bool on, struct error *err) {
    mem_free(s->touched);
    s->touched = NULL;
    if (!on) return 0;
    s->touched = mem_alloc((s->n_chunks * (SEGMENT_CHUNK / SEGMENT_LINE) / 64 + 2) * sizeof *s->touched);
    return s->touched ? 0 : error_set(err, E_MEMORY, s->name, "out of memory / 内存不足");
}

uint64_t segment_reread(const struct segment *s, uint64_t *ret_sum) {
    uint64_t lines = 0, sum = 0, all = (s->head.sections[SECTION_CHECKS].offset - SEGMENT_HEAD) / SEGMENT_LINE;
    const uint8_t *body = s->map + SEGMENT_HEAD;
    for (uint64_t w = 0; s->touched && w * 64 < all; w++)
        for (uint64_t m = s->touched[w]; m; m &= m - 1) {
            uint64_t line = w * 64 + (unsigned)__builtin_ctzll(m), words[SEGMENT_LINE / 8];
            if (line >= all) break;
            memcpy(words, body + line * SEGMENT_LINE, SEGMENT_LINE);
            for (int k = 0; k < SEGMENT_LINE / 8; k++) sum += words[k];
            lines++;
        }
    *ret_sum += sum;
    return lines * SEGMENT_LINE;
}

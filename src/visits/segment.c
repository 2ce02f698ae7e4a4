#include "visits/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static int damaged(struct segment *s, struct error *err, const char *what) {
    atomic_store_explicit(&s->damaged, true, memory_order_relaxed);
    return error_set(err, E_CORRUPT, s->name, "%s / 出入记录文件已损坏", what);
}

/* The head says what is where; nothing of it is believed before it fits the file. */
static int head_check(struct segment *s, struct error *err) {
    const struct segment_head *h = &s->head;
    unsigned char copy[SEGMENT_HEAD];
    uint32_t checks;
    if (s->bytes < SEGMENT_HEAD) return damaged(s, err, "a day of visits is cut short");
    memcpy(copy, s->map, SEGMENT_HEAD);
    memcpy(&s->head, copy, sizeof s->head);
    if (memcmp(h->magic, "TOCVISIT", 8) != 0) return damaged(s, err, "not a day of visits");
    if (h->version != SEGMENT_VERSION)
        return error_set(err, E_UNSUPPORTED, s->name, "a day of visits of version %u; this program reads %d / 出入记录文件版本不符", h->version, SEGMENT_VERSION);
    memset(copy + offsetof(struct segment_head, head_crc), 0, 4);
    if (crc32(0, copy, SEGMENT_HEAD) != h->head_crc) return damaged(s, err, "the head of a day of visits is damaged");
    memcpy(&checks, copy + sizeof *h, 4);
    uint64_t at = SEGMENT_HEAD;
    for (int i = 0; i < SECTIONS; i++) {
        uint64_t slack = i == SECTION_CHECKS ? 0 : PACK_SLACK;
        if (h->sections[i].offset < at || h->sections[i].offset % 64 || h->sections[i].offset > s->bytes || h->sections[i].bytes > s->bytes - h->sections[i].offset ||
            slack > s->bytes - h->sections[i].offset - h->sections[i].bytes)
            return damaged(s, err, "a day of visits is cut short");
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
    if (!fits) return damaged(s, err, "the head of a day of visits contradicts itself");
    if (crc32(0, s->section[SECTION_CHECKS], (uInt)h->sections[SECTION_CHECKS].bytes) != checks) return damaged(s, err, "the check sums of a day of visits are damaged");
    return 0;
}

static const uint8_t *need(struct segment *s, enum segment_section k, uint64_t at, uint64_t n, struct error *err);

static int segment_begin(struct segment *s, struct error *err) {
    int rc = head_check(s, err);
    if (rc < 0) return rc;
    s->checked = mem_alloc(s->n_chunks);
    if (!s->checked) return error_set(err, E_MEMORY, s->name, "no memory for a day of visits / 内存不足");
    return need(s, SECTION_ATTRS, 0, s->head.n_attrs * 2ull, err) ? 0 : E_CORRUPT;
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
    if (!s) return error_set(err, E_MEMORY, NULL, "out of memory / 内存不足");
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
    mem_free(s);
}

/* ---- reading, every byte of it checked once */
static int chunk_check(struct segment *s, size_t c, struct error *err) {
    size_t from = SEGMENT_HEAD + c * SEGMENT_CHUNK, end = (size_t)s->head.sections[SECTION_CHECKS].offset;
    uint32_t want;
    memcpy(&want, s->section[SECTION_CHECKS] + c * 4, 4);
    if (crc32(0, s->map + from, (uInt)(end - from < SEGMENT_CHUNK ? end - from : SEGMENT_CHUNK)) != want)
        return damaged(s, err, "a day of visits is damaged: a check sum does not fit");
    atomic_store_explicit(&s->checked[c], 1, memory_order_relaxed);
    return 0;
}

/* Bytes [at, at + n) of a section, checked; NULL with err when they are not there or damaged. */
static const uint8_t *need(struct segment *s, enum segment_section k, uint64_t at, uint64_t n, struct error *err) {
    if (n > s->head.sections[k].bytes || at > s->head.sections[k].bytes - n) {
        damaged(s, err, "a day of visits points outside itself");
        return NULL;
    }
    uint64_t from = s->head.sections[k].offset + at - SEGMENT_HEAD;
    for (size_t c = (size_t)(from / SEGMENT_CHUNK), last = (size_t)((from + n + 7) / SEGMENT_CHUNK); c <= last && c < s->n_chunks; c++)
        if (!atomic_load_explicit(&s->checked[c], memory_order_relaxed) && chunk_check(s, c, err) < 0) return NULL;
    return s->section[k] + at;
}

int segment_check(struct segment *s, struct error *err) {
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < s->n_chunks; c++) rc = chunk_check(s, c, err);
    return rc;
}

/* Block b of a column of n values. */
static int column_block(struct segment *s, enum segment_section heads, uint64_t n, uint64_t b, struct pack *ret, const uint8_t **ret_data, size_t *ret_n, struct error *err) {
    struct column_head h;
    const uint8_t *at = need(s, heads, b * sizeof h, sizeof h, err);
    if (!at) return E_CORRUPT;
    memcpy(&h, at, sizeof h);
    *ret = (struct pack){h.base, h.low, h.high, h.far};
    *ret_n = (size_t)(n - b * PACK_BLOCK < PACK_BLOCK ? n - b * PACK_BLOCK : PACK_BLOCK);
    if (!pack_valid(*ret)) return damaged(s, err, "a day of visits has an impossible column");
    *ret_data = need(s, heads + 1, h.offset, pack_bytes(*ret, *ret_n), err);
    return *ret_data ? 0 : E_CORRUPT;
}

static int column_get(struct segment *s, enum segment_section heads, uint64_t n, uint64_t i, uint32_t *ret, struct error *err) {
    struct pack p;
    const uint8_t *data = NULL;
    size_t in_block = 0;
    int rc = column_block(s, heads, n, i / PACK_BLOCK, &p, &data, &in_block, err);
    if (rc == 0) *ret = pack_get(p, data, in_block, i % PACK_BLOCK);
    return rc;
}

/* Number of the key in an ascending column of n keys, or n when it is not there. */
static int column_find(struct segment *s, enum segment_section heads, uint32_t n, uint32_t key, uint32_t *ret, struct error *err) {
    uint32_t low = 0, high = n, v = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int rc = column_get(s, heads, n, middle, &v, err);
        if (rc < 0) return rc;
        if (v == key) {
            *ret = middle;
            return 0;
        }
        if (v < key) low = middle + 1;
        else high = middle;
    }
    *ret = n;
    return 0;
}

static int directory_get(struct segment *s, enum segment_section heads, enum segment_section key_heads, bool sparse, uint32_t keys, uint32_t id,
                         uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    uint32_t k = id, first, end;
    int rc = sparse ? column_find(s, key_heads, keys, id, &k, err) : 0;
    *ret_first = *ret_end = 0;
    if (rc < 0 || k >= keys) return rc;
    struct pack p;
    const uint8_t *data = NULL;
    size_t in_block = 0, i = k % PACK_BLOCK;
    rc = column_block(s, heads, keys + 1ull, k / PACK_BLOCK, &p, &data, &in_block, err);
    if (rc < 0) return rc;
    first = pack_get(p, data, in_block, i);
    if (i + 1 < in_block) end = pack_get(p, data, in_block, i + 1); /* mostly the neighbour */
    else rc = column_get(s, heads, keys + 1ull, k + 1ull, &end, err);
    if (rc == 0 && (first > end || end > s->head.rows)) rc = damaged(s, err, "a directory of a day of visits is not in order");
    if (rc == 0 && first < end) *ret_first = first, *ret_end = end;
    return rc;
}

int segment_place(struct segment *s, uint32_t place, uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    return directory_get(s, SECTION_PLACE_HEADS, SECTION_PLACE_KEY_HEADS, s->head.places_sparse, s->head.place_keys, place, ret_first, ret_end, err);
}

int segment_person(struct segment *s, uint32_t person, uint64_t *ret_first, uint64_t *ret_end, struct error *err) {
    return directory_get(s, SECTION_PERSON_HEADS, SECTION_PERSON_KEY_HEADS, s->head.persons_sparse, s->head.person_keys, person, ret_first, ret_end, err);
}

/* A block's head and its four columns. */
struct columns {
    struct block b;
    size_t n;
    struct pack start, length, person, attr;
    const uint8_t *start_at, *length_at, *person_at, *attr_at;
};

static int block_head(struct segment *s, uint64_t b, struct block *ret, struct error *err) {
    const uint8_t *at = need(s, SECTION_BLOCKS, b * sizeof *ret, sizeof *ret, err);
    if (!at) return E_CORRUPT;
    memcpy(ret, at, sizeof *ret);
    return 0;
}

static int block_columns(struct segment *s, uint64_t b, struct columns *c, struct error *err) {
    const struct block *h = &c->b;
    c->n = (size_t)(s->head.rows - b * PACK_BLOCK < PACK_BLOCK ? s->head.rows - b * PACK_BLOCK : PACK_BLOCK);
    c->start = (struct pack){h->delta ? 0 : h->start_base, h->low_start, h->high_start, (uint8_t)h->far_start};
    c->length = (struct pack){h->length_base, h->low_length, h->high_length, (uint8_t)h->far_length};
    c->person = (struct pack){h->person_base, h->low_person, h->high_person, (uint8_t)h->far_person};
    c->attr = (struct pack){h->attr_base, h->low_attr, h->high_attr, (uint8_t)h->far_attr};
    if (!pack_valid(c->start) || !pack_valid(c->length) || !pack_valid(c->person) || !pack_valid(c->attr))
        return damaged(s, err, "a day of visits has an impossible column");
    size_t ns = pack_bytes(c->start, c->n), nl = pack_bytes(c->length, c->n), np = pack_bytes(c->person, c->n), na = pack_bytes(c->attr, c->n);
    c->start_at = need(s, SECTION_ROWS, h->offset, ns + nl + np + na, err);
    if (!c->start_at) return E_CORRUPT;
    c->length_at = c->start_at + ns;
    c->person_at = c->length_at + nl;
    c->attr_at = c->person_at + np;
    return 0;
}

/* Starts of [0, to) in seconds; what the bits say is bounded to the day. */
static void starts_read(const struct columns *c, size_t from, size_t to, uint32_t *out) {
    uint32_t unit = c->b.start_minutes ? 60 : 1;
    if (!c->b.delta) {
        pack_read(c->start, c->start_at, c->n, from, to, out + from);
        for (size_t i = from; i < to; i++) out[i] = out[i] < DAY_S ? out[i] * unit : DAY_S - 1;
    } else {
        uint64_t at = c->b.start_base;
        pack_read(c->start, c->start_at, c->n, 0, to, out);
        for (size_t i = 0; i < to; i++) {
            at += out[i];
            out[i] = at < DAY_S ? (uint32_t)at * unit : DAY_S - 1;
        }
    }
    if (unit > 1)
        for (size_t i = from; i < to; i++)
            if (out[i] >= DAY_S) out[i] = DAY_S - 1;
}

static inline uint32_t end_of(const struct columns *c, uint32_t start, uint32_t length) {
    if (length == 0) return DAY_S;
    uint64_t end = start + (uint64_t)(length - 1) * (c->b.length_minutes ? 60 : 1);
    return end < DAY_S ? (uint32_t)end : DAY_S;
}

static int attr_of(struct segment *s, uint32_t code, uint16_t *ret, struct error *err) {
    if (code >= s->head.n_attrs) return damaged(s, err, "a day of visits has an unknown attribute");
    memcpy(ret, s->section[SECTION_ATTRS] + code * 2ull, 2);
    return 0;
}

struct seat {
    uint32_t at;
    uint16_t zone, row;
};

/* The seat of a row, 0 and 0 when it has none. */
static int seat_of(struct segment *s, uint64_t row, uint16_t *ret_zone, uint16_t *ret_row, struct error *err) {
    uint64_t low = 0, high = s->head.n_seats;
    *ret_zone = *ret_row = 0;
    while (low < high) {
        struct seat t;
        uint64_t middle = low + (high - low) / 2;
        const uint8_t *at = need(s, SECTION_SEATS, middle * sizeof t, sizeof t, err);
        if (!at) return E_CORRUPT;
        memcpy(&t, at, sizeof t);
        if (t.at == row) {
            *ret_zone = t.zone;
            *ret_row = t.row;
            return 0;
        }
        if (t.at < row) low = middle + 1;
        else high = middle;
    }
    return 0;
}

/* The entry of the place directory that row `row` belongs to, at or after the one its block begins in. */
static int entry_of(struct segment *s, uint32_t entry, uint64_t row, uint32_t *ret, struct error *err) {
    uint32_t low = entry, high = s->head.place_keys, first = 0, step = 1;
    struct block next;
    int rc = 0;
    uint64_t b = row / PACK_BLOCK + 1; /* the next block begins in the same entry or a later one */
    if (b * PACK_BLOCK < s->head.rows) {
        if ((rc = block_head(s, b, &next, err)) < 0) return rc;
        if (next.place >= low && next.place < high) high = next.place + 1;
    }
    /* the largest entry whose first row is not after `row`: doubling, then halving; entries without rows repeat a first row, the last of them has it */
    while (rc == 0 && low + step < high) {
        rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, low + step, &first, err);
        if (rc == 0 && first > row) high = low + step;
        else if (rc == 0) low += step, step *= 2;
    }
    while (rc == 0 && high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, middle, &first, err);
        if (first > row) high = middle;
        else low = middle;
    }
    *ret = low;
    return rc;
}

static int place_of(struct segment *s, uint32_t entry, uint32_t *ret, struct error *err) {
    if (entry >= s->head.place_keys) return damaged(s, err, "a day of visits has an unknown place");
    *ret = entry;
    int rc = s->head.places_sparse ? column_get(s, SECTION_PLACE_KEY_HEADS, s->head.place_keys, entry, ret, err) : 0;
    if (rc == 0 && *ret >= s->head.n_places) rc = damaged(s, err, "a day of visits has an unknown place");
    return rc;
}

int segment_entry(struct segment *s, uint64_t entry, struct presence *ret, struct error *err) {
    uint32_t row = 0, place_entry, place, starts[PACK_BLOCK];
    struct columns c;
    int rc = column_get(s, SECTION_PERM_HEADS, s->head.rows, entry, &row, err);
    if (rc < 0) return rc;
    if (row >= s->head.rows) return damaged(s, err, "a day of visits points outside itself");
    uint64_t b = row / PACK_BLOCK;
    size_t i = row % PACK_BLOCK;
    if ((rc = block_head(s, b, &c.b, err)) < 0 || (rc = block_columns(s, b, &c, err)) < 0) return rc;
    place_entry = c.b.place;
    /* a block of differences lies within one place: its own */
    if (!c.b.delta && i && (rc = entry_of(s, c.b.place, row, &place_entry, err)) < 0) return rc;
    if ((rc = place_of(s, place_entry, &place, err)) < 0) return rc;
    starts_read(&c, c.b.delta ? 0 : i, i + 1, starts);
    ret->start = (int32_t)starts[i];
    ret->end = (int32_t)end_of(&c, starts[i], pack_get(c.length, c.length_at, c.n, i));
    ret->person = pack_get(c.person, c.person_at, c.n, i);
    ret->place = place;
    ret->zone = ret->row = ret->filler = 0;
    if ((rc = attr_of(s, pack_get(c.attr, c.attr_at, c.n, i), &ret->attr, err)) < 0) return rc;
    if (ret->person >= s->head.n_persons) return damaged(s, err, "a day of visits has an unknown person");
    if (ret->attr & PRESENCE_SEATED) rc = seat_of(s, row, &ret->zone, &ret->row, err);
    return rc;
}

/* Decodes rows [i0, i1) of a block whose starts are read; keeps those in range, closed up. */
static int rows_keep(struct segment *s, uint64_t b, const struct columns *c, size_t i0, size_t i1, int64_t from, int64_t to, const uint32_t *starts, struct segment_rows *out,
                     struct error *err) {
    uint32_t length[PACK_BLOCK], person[PACK_BLOCK], code[PACK_BLOCK];
    size_t kept = 0;
    int rc = 0;
    pack_read(c->length, c->length_at, c->n, i0, i1, length);
    pack_read(c->person, c->person_at, c->n, i0, i1, person);
    pack_read(c->attr, c->attr_at, c->n, i0, i1, code);
    out->seats = false;
    for (size_t i = i0; i < i1 && rc == 0; i++) {
        uint32_t start = starts[i], end = end_of(c, start, length[i - i0]);
        if ((int64_t)start >= to || ((int64_t)end <= from && (int64_t)start < from)) continue;
        out->start[kept] = start;
        out->end[kept] = end;
        out->person[kept] = person[i - i0];
        if (person[i - i0] >= s->head.n_persons) return damaged(s, err, "a day of visits has an unknown person");
        rc = attr_of(s, code[i - i0], &out->attr[kept], err);
        out->zone[kept] = out->row[kept] = 0;
        if (rc == 0 && out->attr[kept] & PRESENCE_SEATED) {
            rc = seat_of(s, b * PACK_BLOCK + i, &out->zone[kept], &out->row[kept], err);
            out->seats = true;
        }
        kept++;
    }
    out->n = kept;
    return rc;
}

int segment_scan(struct segment *s, uint64_t *first, uint64_t end, int32_t from, int32_t to, struct segment_rows *ret, struct error *err) {
    struct columns c;
    uint32_t starts[PACK_BLOCK];
    int rc;
    ret->n = 0;
    if (end > s->head.rows) return damaged(s, err, "a day of visits points outside itself");
    while (*first < end && ret->n == 0) {
        uint64_t b = *first / PACK_BLOCK;
        size_t i0 = (size_t)(*first % PACK_BLOCK), i1 = end - b * PACK_BLOCK < PACK_BLOCK ? (size_t)(end - b * PACK_BLOCK) : PACK_BLOCK;
        if ((rc = block_head(s, b, &c.b, err)) < 0) return rc;
        *first = b * PACK_BLOCK + i1;
        if ((int64_t)c.b.latest * 60 < from) continue;
        /* within one place starts ascend: past the range nothing more comes */
        if (c.b.delta && (int64_t)c.b.start_base * (c.b.start_minutes ? 60 : 1) >= to) {
            *first = end;
            return 0;
        }
        if ((rc = block_columns(s, b, &c, err)) < 0) return rc;
        starts_read(&c, i0, i1, starts);
        while (i1 > i0 && (int64_t)starts[i1 - 1] >= to) i1--;
        if (i0 < i1 && (rc = rows_keep(s, b, &c, i0, i1, from, to, starts, ret, err)) < 0) return rc;
    }
    return 0;
}

int segment_block(struct segment *s, uint64_t b, struct segment_row *out, size_t *ret_n, struct error *err) {
    struct columns c;
    struct segment_rows *r = NULL;
    uint32_t starts[PACK_BLOCK], entry, next = 0, place = 0;
    if (b * PACK_BLOCK >= s->head.rows) return damaged(s, err, "a day of visits points outside itself");
    int rc = block_head(s, b, &c.b, err);
    if (rc == 0) rc = block_columns(s, b, &c, err);
    if (rc == 0 && !(r = mem_alloc(sizeof *r))) rc = error_set(err, E_MEMORY, s->name, "out of memory / 内存不足");
    if (rc == 0) {
        starts_read(&c, 0, c.n, starts);
        rc = rows_keep(s, b, &c, 0, c.n, 0, DAY_S, starts, r, err);
    }
    entry = c.b.place;
    if (rc == 0) rc = place_of(s, entry, &place, err);
    if (rc == 0) rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, entry + 1ull, &next, err);
    for (size_t i = 0; rc == 0 && i < c.n; i++) {
        bool moved = false;
        for (; rc == 0 && b * PACK_BLOCK + i >= next; moved = true) {
            if (++entry >= s->head.place_keys) rc = damaged(s, err, "a day of visits has an unknown place");
            else rc = column_get(s, SECTION_PLACE_HEADS, s->head.place_keys + 1ull, entry + 1ull, &next, err);
        }
        if (rc == 0 && moved) rc = place_of(s, entry, &place, err);
        out[i] = (struct segment_row){r->person[i], place, (int32_t)r->start[i], (int32_t)r->end[i], r->attr[i], r->zone[i], r->row[i], 0};
    }
    if (rc == 0) *ret_n = c.n;
    mem_free(r);
    return rc;
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "visits/segment_sort.h"

/* A section under way: bytes, and for columns the heads beside them. */
struct draft {
    struct buf sections[SECTIONS];
};

static int column_write(struct draft *d, enum segment_section heads, const uint32_t *values, size_t n) {
    struct buf *out = &d->sections[heads + 1];
    for (size_t at = 0; at < n; at += PACK_BLOCK) {
        struct pack p;
        struct column_head h = {.offset = (uint32_t)out->n};
        int rc = pack_write(values + at, n - at < PACK_BLOCK ? n - at : PACK_BLOCK, UINT32_MAX, out, &p);
        if (rc < 0) return rc;
        h.base = p.base, h.low = p.low, h.high = p.high, h.far = p.far;
        if ((rc = buf_add(&d->sections[heads], &h, sizeof h)) < 0) return rc;
    }
    return 0;
}

/* first[0 .. ids]: where each id begins. Ids without rows are left out, and keys written, when they are the most. `used` counts ids with rows. */
static int directory_write(struct draft *d, enum segment_section heads, enum segment_section key_heads, const uint32_t *first, uint32_t ids, uint32_t *ret_keys,
                           uint32_t *ret_sparse) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < ids; i++) used += first[i + 1] > first[i];
    bool sparse = used < ids / 2;
    uint32_t *keys = mem_alloc(((size_t)used + 1) * sizeof *keys), *starts = mem_alloc(((size_t)used + 1) * sizeof *starts);
    int rc = keys && starts ? 0 : E_MEMORY;
    if (rc == 0) {
        uint32_t k = 0;
        for (uint32_t i = 0; i < ids; i++)
            if (first[i + 1] > first[i]) keys[k] = i, starts[k++] = first[i];
        starts[k] = first[ids];
        if (sparse) rc = column_write(d, key_heads, keys, used);
        if (rc == 0) rc = sparse ? column_write(d, heads, starts, (size_t)used + 1) : column_write(d, heads, first, (size_t)ids + 1);
    }
    mem_free(starts);
    mem_free(keys);
    *ret_keys = sparse ? used : ids;
    *ret_sparse = sparse;
    return rc;
}

static int attr_common_first(const void *pa, const void *pb) {
    const uint32_t *a = pa, *b = pb; /* {count, attr} */
    return a[0] != b[0] ? (a[0] > b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

/* The distinct attributes, and *ret_code[attr] = place in their list. */
static int attrs_write(struct draft *d, const struct day_order *o, uint16_t **ret_code, uint32_t *ret_n) {
    uint32_t (*count)[2] = mem_alloc(SEGMENT_ATTRS_MAX * sizeof *count);
    uint16_t *code = mem_alloc(SEGMENT_ATTRS_MAX * sizeof *code);
    uint32_t n = 0;
    int rc = count && code ? 0 : E_MEMORY;
    if (rc == 0) {
        for (size_t i = 0; i < o->n; i++) count[o->rows[i].attr][0]++;
        for (uint32_t a = 0; a < SEGMENT_ATTRS_MAX; a++)
            if (count[a][0]) count[n][0] = count[a][0], count[n++][1] = a;
        qsort(count, n, sizeof *count, attr_common_first);
        for (uint32_t k = 0; rc == 0 && k < n; k++) {
            uint16_t attr = (uint16_t)count[k][1];
            code[attr] = (uint16_t)k;
            rc = buf_add(&d->sections[SECTION_ATTRS], &attr, sizeof attr);
        }
    }
    mem_free(count);
    *ret_code = code;
    *ret_n = n;
    return rc;
}

static int block_write(struct draft *d, const struct segment_row *r, size_t n, uint32_t entry, bool one_place, const uint16_t *code) {
    uint32_t start[PACK_BLOCK], length[PACK_BLOCK], person[PACK_BLOCK], attr[PACK_BLOCK];
    struct buf *out = &d->sections[SECTION_ROWS];
    bool start_minutes = true, length_minutes = true;
    int32_t latest = 0;
    for (size_t i = 0; i < n; i++) {
        start_minutes &= r[i].start % 60 == 0;
        length_minutes &= r[i].end == DAY_S || (r[i].end - r[i].start) % 60 == 0;
        if (r[i].end > latest) latest = r[i].end;
    }
    uint32_t su = start_minutes ? 60 : 1, lu = length_minutes ? 60 : 1;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)r[i].start / su;
        start[i] = one_place ? s - (i ? (uint32_t)r[i - 1].start / su : s) : s;
        length[i] = r[i].end == DAY_S ? 0 : (uint32_t)(r[i].end - r[i].start) / lu + 1;
        person[i] = r[i].person;
        attr[i] = code[r[i].attr];
    }
    if (out->n > UINT32_MAX - 4096) return E_TOO_LARGE;
    struct block b = {.offset = (uint32_t)out->n, .place = entry, .delta = one_place, .start_minutes = start_minutes, .length_minutes = length_minutes,
                      .latest = (uint32_t)(latest + 59) / 60 & 2047};
    struct pack p[4];
    int rc = pack_write(start, n, one_place ? 0 : UINT32_MAX, out, &p[0]);
    if (rc == 0) rc = pack_write(length, n, UINT32_MAX, out, &p[1]);
    if (rc == 0) rc = pack_write(person, n, UINT32_MAX, out, &p[2]);
    if (rc == 0) rc = pack_write(attr, n, 127, out, &p[3]);
    if (rc < 0) return rc;
    b.start_base = (one_place ? (uint32_t)r[0].start / su : p[0].base) & 0x1ffff;
    b.length_base = p[1].base & 0x1ffff, b.person_base = p[2].base, b.attr_base = p[3].base & 127;
    b.low_start = p[0].low & 31, b.low_length = p[1].low & 31, b.low_person = p[2].low & 31, b.low_attr = p[3].low & 31;
    b.high_start = p[0].high & 31, b.high_length = p[1].high & 31, b.high_person = p[2].high & 31, b.high_attr = p[3].high & 31;
    b.far_start = p[0].far, b.far_length = p[1].far, b.far_person = p[2].far, b.far_attr = p[3].far;
    return buf_add(&d->sections[SECTION_BLOCKS], &b, sizeof b);
}

/* sparse: the entry of a place is its number among those with rows, else the place itself. */
static int rows_write(struct draft *d, const struct day_order *o, const uint16_t *code, bool sparse) {
    uint32_t entry = 0;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < o->n; at += PACK_BLOCK) {
        size_t n = o->n - at < PACK_BLOCK ? o->n - at : PACK_BLOCK;
        const struct segment_row *r = o->rows + at;
        if (at)
            for (size_t i = at - PACK_BLOCK + 1; i <= at; i++) entry += o->rows[i].place != o->rows[i - 1].place;
        rc = block_write(d, r, n, sparse ? entry : r[0].place, r[0].place == r[n - 1].place, code);
        for (size_t i = 0; rc == 0 && i < n; i++)
            if (r[i].zone || r[i].row) {
                struct { uint32_t at; uint16_t zone, row; } seat = {(uint32_t)(at + i), r[i].zone, r[i].row};
                rc = buf_add(&d->sections[SECTION_SEATS], &seat, sizeof seat);
            }
    }
    return rc;
}

static int write_all(int fd, const void *bytes, size_t n) {
    const char *at = bytes;
    while (n) {
        ssize_t done = write(fd, at, n < (1u << 30) ? n : 1u << 30);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return error_from_errno();
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Lays the sections out, adds the check sums, writes, syncs, renames. */
static int draft_save(struct draft *d, const struct segment_spec *spec, struct segment_head *h, uint64_t *ret_bytes, struct error *err) {
    char tmp[1200], path[1200];
    static const char zeros[64];
    uint64_t at = SEGMENT_HEAD;
    struct buf file = {.max = (size_t)64 << 30};
    for (int s = 0; s < SECTION_CHECKS; s++) {
        h->sections[s].offset = at;
        h->sections[s].bytes = d->sections[s].n;
        at = (at + d->sections[s].n + PACK_SLACK + 63) / 64 * 64;
    }
    h->sections[SECTION_CHECKS].offset = at;
    size_t n_chunks = (size_t)((at - SEGMENT_HEAD + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK);
    h->sections[SECTION_CHECKS].bytes = n_chunks * 4;
    int rc = 0;
    for (int s = 0; rc == 0 && s < SECTION_CHECKS; s++) {
        rc = buf_text(&file, buf_view(&d->sections[s]));
        buf_clear(&d->sections[s]);
        uint64_t next = h->sections[s + 1].offset - SEGMENT_HEAD;
        while (rc == 0 && file.n < next) rc = buf_add(&file, zeros, next - file.n < 64 ? next - file.n : 64);
    }
    for (size_t c = 0; rc == 0 && c < n_chunks; c++) {
        size_t from = c * SEGMENT_CHUNK, n = (size_t)(at - SEGMENT_HEAD) - from;
        uint32_t crc = (uint32_t)crc32(0, (const Bytef *)file.s + from, (uInt)(n < SEGMENT_CHUNK ? n : SEGMENT_CHUNK));
        rc = buf_add(&file, &crc, 4);
    }
    if (rc < 0) {
        buf_clear(&file);
        return error_set(err, rc, spec->name, "no memory for a day of visits / 内存不足,无法写入一天的出入记录");
    }
    unsigned char head[SEGMENT_HEAD] = {0};
    uint32_t checks = (uint32_t)crc32(0, (const Bytef *)file.s + (at - SEGMENT_HEAD), (uInt)(n_chunks * 4));
    memcpy(head, h, sizeof *h);
    memcpy(head + sizeof *h, &checks, 4);
    h->head_crc = (uint32_t)crc32(0, head, SEGMENT_HEAD);
    memcpy(head, h, sizeof *h);
    snprintf(tmp, sizeof tmp, "%s/%s.tmp", spec->dir, spec->name);
    snprintf(path, sizeof path, "%s/%s", spec->dir, spec->name);
    int fd = open(tmp, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    rc = fd < 0 ? error_from_errno() : write_all(fd, head, SEGMENT_HEAD);
    if (rc == 0) rc = write_all(fd, file.s, file.n);
    if (rc == 0 && fsync(fd) < 0) rc = error_from_errno();
    if (fd >= 0 && close(fd) < 0 && rc == 0) rc = error_from_errno();
    if (rc == 0 && rename(tmp, path) < 0) rc = error_from_errno();
    if (rc < 0) {
        error_set(err, rc, path, "a day of visits could not be written: %s / 无法写入一天的出入记录", strerror(errno));
        unlink(tmp);
    }
    *ret_bytes = SEGMENT_HEAD + file.n;
    buf_clear(&file);
    return rc;
}

int segment_write(const struct segment_spec *spec, const struct segment_row *rows, size_t n, uint64_t *ret_rows, uint64_t *ret_bytes, struct error *err) {
    struct day_order o = {0};
    struct draft d = {0};
    struct segment_head h = {.magic = "TOCVISIT", .version = SEGMENT_VERSION, .day = spec->day, .zone_s = spec->zone_s, .n_persons = spec->n_persons,
                             .n_places = spec->n_places, .generation = spec->generation};
    uint16_t *code = NULL;
    for (int s = 0; s < SECTIONS; s++) d.sections[s].max = (size_t)16 << 30;
    if (n >= UINT32_MAX) return error_set(err, E_TOO_LARGE, spec->name, "more than 4,294,967,294 visits in one day / 一天的出入记录过多");
    int rc = day_order_make(rows, n, spec->n_persons, spec->n_places, &o);
    if (rc == 0) rc = attrs_write(&d, &o, &code, &h.n_attrs);
    if (rc == 0) rc = directory_write(&d, SECTION_PLACE_HEADS, SECTION_PLACE_KEY_HEADS, o.place_first, spec->n_places, &h.place_keys, &h.places_sparse);
    if (rc == 0) rc = directory_write(&d, SECTION_PERSON_HEADS, SECTION_PERSON_KEY_HEADS, o.person_first, spec->n_persons, &h.person_keys, &h.persons_sparse);
    if (rc == 0) rc = column_write(&d, SECTION_PERM_HEADS, o.perm, o.n);
    if (rc == 0) rc = rows_write(&d, &o, code, h.places_sparse);
    h.rows = o.n;
    h.n_seats = (uint32_t)(d.sections[SECTION_SEATS].n / 8);
    mem_free(code);
    day_order_clear(&o);
    if (rc < 0) error_set(err, rc, spec->name, rc == E_MEMORY ? "no memory for a day of visits / 内存不足,无法写入一天的出入记录" : "a day of visits is too large / 一天的出入记录过大");
    if (rc == 0) rc = draft_save(&d, spec, &h, ret_bytes, err);
    for (int s = 0; s < SECTIONS; s++) buf_clear(&d.sections[s]);
    if (rc == 0) *ret_rows = h.rows;
    return rc;
}

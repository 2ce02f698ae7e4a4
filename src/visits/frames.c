#include "visits/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct frame_head {
    uint32_t magic, bytes, crc, zero, persons, places, changes, rows, first_person, first_place;
    uint64_t number;
};
_Static_assert(sizeof(struct frame_head) == FRAME_HEAD, "frame head");
_Static_assert(sizeof(struct frame_row) == FRAME_ROW, "log row");

static uint32_t frame_crc(struct frame_head h, const void *payload, size_t n) {
    h.crc = 0;
    uLong c = crc32(0, payload, (uInt)n);
    return (uint32_t)crc32(c, (const Bytef *)&h, sizeof h);
}

int frame_write(struct buf *out, uint64_t number, const struct frame *f) {
    static const char zeros[8];
    size_t from = out->n;
    struct frame_head h = {FRAME_MAGIC, 0, 0, 0, f->n_persons, f->n_places, f->n_changes, f->n_rows, f->first_person, f->first_place, number};
    buf_add(out, &h, sizeof h);
    buf_text(out, f->persons);
    buf_text(out, f->places);
    buf_text(out, f->changes);
    buf_text(out, f->rows);
    while (!out->failed && (out->n - from) % 8) buf_add(out, zeros, 8 - (out->n - from) % 8);
    if (out->failed) return out->failed;
    if (out->n - from - sizeof h > UINT32_MAX) return E_TOO_LARGE;
    h.bytes = (uint32_t)(out->n - from - sizeof h);
    h.crc = frame_crc(h, out->s + from + sizeof h, h.bytes);
    memcpy(out->s + from, &h, sizeof h);
    return 0;
}

bool frame_name_next(struct text *piece, struct text *ret_name, uint8_t *ret_class) {
    if (piece->n < 2) return false;
    size_t n = (uint8_t)piece->s[1];
    if (piece->n < n + 2) return false;
    *ret_class = (uint8_t)piece->s[0];
    *ret_name = (struct text){piece->s + 2, n};
    *piece = (struct text){piece->s + n + 2, piece->n - n - 2};
    return true;
}

bool frame_change_next(struct text *piece, uint32_t *ret_place, uint8_t *ret_class) {
    if (piece->n < 5) return false;
    memcpy(ret_place, piece->s, 4);
    *ret_class = (uint8_t)piece->s[4];
    *piece = (struct text){piece->s + 5, piece->n - 5};
    return true;
}

/* The names of a piece, counted; its length in *ret_bytes. */
static bool names_span(const uint8_t *at, size_t n, uint32_t count, size_t *ret_bytes) {
    struct text piece = {(const char *)at, n}, name;
    uint8_t class_of;
    for (uint32_t i = 0; i < count; i++)
        if (!frame_name_next(&piece, &name, &class_of)) return false;
    *ret_bytes = n - piece.n;
    return true;
}

int frame_read(const uint8_t *bytes, size_t n, size_t *at, struct frame *ret) {
    struct frame_head h;
    if (*at >= n || n - *at < sizeof h) return 0;
    memcpy(&h, bytes + *at, sizeof h);
    if (!h.magic && !h.bytes && !h.crc && !h.number) return 0;
    if (h.magic != FRAME_MAGIC || h.bytes > n - *at - sizeof h || h.bytes % 8 || h.zero) return E_CORRUPT;
    const uint8_t *payload = bytes + *at + sizeof h;
    if (frame_crc(h, payload, h.bytes) != h.crc) return E_CORRUPT;
    size_t left = h.bytes, np, nl;
    if (!names_span(payload, left, h.persons, &np)) return E_CORRUPT;
    if (!names_span(payload + np, left - np, h.places, &nl)) return E_CORRUPT;
    left -= np + nl;
    if ((uint64_t)h.changes * 5 + (uint64_t)h.rows * FRAME_ROW > left) return E_CORRUPT;
    const char *p = (const char *)payload;
    *ret = (struct frame){.number = h.number, .n_persons = h.persons, .n_places = h.places, .n_changes = h.changes, .n_rows = h.rows,
                              .first_person = h.first_person, .first_place = h.first_place,
                              .persons = {p, np}, .places = {p + np, nl}, .changes = {p + np + nl, h.changes * 5ull},
                              .rows = {p + np + nl + h.changes * 5ull, (size_t)h.rows * FRAME_ROW}};
    *at += sizeof h + h.bytes;
    return 1;
}

struct frame_row frame_row_at(const struct frame *f, size_t i) {
    struct frame_row r;
    memcpy(&r, f->rows.s + i * FRAME_ROW, sizeof r);
    return r;
}

int frames_replay(const uint8_t *bytes, size_t n, int (*visit)(void *arg, const struct frame *f, struct error *err), void *arg, size_t *ret_end,
               int *ret_damaged, struct error *err) {
    size_t at = 0, good = 0;
    uint64_t last = 0;
    bool lost = false;
    *ret_damaged = 0;
    while (at < n) {
        struct frame f;
        size_t next = at;
        int rc = frame_read(bytes, n, &next, &f);
        if (rc == 1 && f.number > last) {
            if (lost) (*ret_damaged)++;
            lost = false;
            if ((rc = visit(arg, &f, err)) < 0) return rc;
            last = f.number;
            good = at = next;
            continue;
        }
        /* Damage, or the end. A good frame further on tells which. */
        lost = true;
        uint32_t magic = 0;
        for (at += 8; at + 4 <= n; at += 8) {
            memcpy(&magic, bytes + at, 4);
            if (magic == FRAME_MAGIC) break;
        }
        if (at + 4 > n) break;
    }
    *ret_end = good;
    return 0;
}

void frames_name(uint32_t number, char out[24]) {
    snprintf(out, 24, "log-%08u", number);
}

/* Lays zeros out to `to`, so that later writes change no metadata. */
static int lay_out(struct frames *l, uint64_t to) {
    static const char zeros[1 << 16];
    while (l->laid < to) {
        ssize_t done = pwrite(l->fd, zeros, to - l->laid < sizeof zeros ? (size_t)(to - l->laid) : sizeof zeros, (off_t)l->laid);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return error_from_errno();
        l->laid += (uint64_t)done;
    }
    return fsync(l->fd) < 0 ? error_from_errno() : 0;
}

int frames_open(const char *dir, uint32_t number, uint64_t at, uint64_t next, struct frames *ret, struct error *err) {
    char name[24], path[1200];
    frames_name(number, name);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    struct frames l = {.fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600), .number = number, .next = next, .at = at, .laid = at};
    int rc = l.fd < 0 ? error_from_errno() : 0;
    if (rc == 0 && ftruncate(l.fd, (off_t)at) < 0) rc = error_from_errno(); /* what is torn goes */
    if (rc == 0) rc = lay_out(&l, at + FRAMES_AHEAD);
    if (rc < 0) {
        error_set(err, rc, path, "the append log cannot be opened: %s / 无法打开追加日志", strerror(errno));
        if (l.fd >= 0) close(l.fd);
        return rc;
    }
    *ret = l;
    return 0;
}

int frames_commit(struct frames *l, const struct buf *frames, struct error *err) {
    if (l->broken) return error_set(err, E_IO, NULL, "the append log failed before; open the store again / 追加日志此前出错,请重新打开");
    int rc = l->at + frames->n > l->laid ? lay_out(l, l->at + frames->n + FRAMES_AHEAD) : 0;
    size_t written = 0;
    while (rc == 0 && written < frames->n) {
        ssize_t done = pwrite(l->fd, frames->s + written, frames->n - written, (off_t)(l->at + written));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) rc = error_from_errno();
        else written += (size_t)done;
    }
    if (rc == 0) {
        if (fdatasync(l->fd) == 0) {
            l->at += frames->n;
            return 0;
        }
        rc = error_from_errno();
    }
    int why = errno;
    /* The tail must not come back as acknowledged: cut it off, or promise nothing more. */
    if (written && (ftruncate(l->fd, (off_t)l->at) < 0 || fsync(l->fd) < 0)) l->broken = true;
    if (written) l->laid = l->at;
    return error_set(err, rc, NULL, "visits could not be written to the log: %s / 出入记录未能写入日志", strerror(why));
}

void frames_close(struct frames *l) {
    if (l->fd >= 0) close(l->fd);
    l->fd = -1;
}

/* visits, inside the room: the append log, and the file of names, which has the same frames. A frame is one group of appends: all of it or
 * nothing. Frames begin at multiples of 8, numbered without gaps, each under a CRC-32:
 *     magic u32, payload bytes u32, crc u32 (payload, then this head with crc 0), zero u32, persons u32, places u32, changes u32, rows u32,
 *     number of the first new person u32, of the first new place u32, number of the frame u64
 *     payload: new persons, new places (class, length, text), changed classes (u32 place, u8 class), rows of 32 bytes; padded to 8
 * The file is laid out in zeros ahead of the writing, so that a group costs one fdatasync of data and none of metadata. What is torn at
 * the end was never acknowledged; damage before a good frame is told. */
#ifndef TOCSIN_VISITS_FRAMES_H
#define TOCSIN_VISITS_FRAMES_H

#include "base/presence.h"
#include "base/text.h"

enum { FRAME_MAGIC = 0x314c5654 /* TVL1 */, FRAME_HEAD = 48, FRAME_ROW = 32, FRAMES_AHEAD = 4 << 20 };

/* As logged: whole stays, before they are split at midnight. */
struct frame_row {
    uint32_t person, place;
    int64_t start;
    uint32_t length_s;
    uint16_t attr, zone, row, filler;
    uint32_t filler2;
};

/* One frame as read; pieces borrowed from the bytes. */
struct frame {
    uint64_t number;
    uint32_t n_persons, n_places, n_changes, n_rows, first_person, first_place;
    struct text persons, places, changes, rows;
};

/* Makes a frame of prepared pieces. */
int frame_write(struct buf *out, uint64_t number, const struct frame *f);
/* The frame at *at of the bytes: 1 and *at behind it; 0 at the end (zeros, or nothing); E_CORRUPT when there is neither. */
int frame_read(const uint8_t *bytes, size_t n, size_t *at, struct frame *ret);
/* The next name of a piece; false at its end or when it is cut short. */
bool frame_name_next(struct text *piece, struct text *ret_name, uint8_t *ret_class);
bool frame_change_next(struct text *piece, uint32_t *ret_place, uint8_t *ret_class);
struct frame_row frame_row_at(const struct frame *f, size_t i);

/* Goes through a whole log: each good frame in order. After damage it looks for the next good frame with a later number; *ret_damaged counts the places where
 * that was so. *ret_end: behind the last good frame. visit returns negative to stop. */
int frames_replay(const uint8_t *bytes, size_t n, int (*visit)(void *arg, const struct frame *f, struct error *err), void *arg, size_t *ret_end,
               int *ret_damaged, struct error *err);

struct frames {
    int fd;
    uint32_t number;     /* of the file */
    uint64_t next;       /* number of the next frame */
    uint64_t at, laid;   /* written; laid out in zeros */
    bool broken;         /* a sync failed: nothing more is promised until it is opened again */
};
/* Makes dir/log-NUMBER, or opens one to append at `at`. Errors: E_FULL, E_IO. */
int frames_open(const char *dir, uint32_t number, uint64_t at, uint64_t next, struct frames *ret, struct error *err);
/* Writes frames and makes them durable. On failure the file is as before: the tail is zeroed, or the log is broken. */
int frames_commit(struct frames *l, const struct buf *frames, struct error *err);
void frames_close(struct frames *l);
void frames_name(uint32_t number, char out[24]);

#endif

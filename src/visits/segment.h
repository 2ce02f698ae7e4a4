/* visits, inside the room: one immutable file with the stays of one civil day, readable in two orders. Comes from segment_write.c, is mapped by
 * segment.c, never changed, unlinked when it is merged or forgotten.
 *
 * File (little-endian), sections at multiples of 64:
 *     head       512 bytes: magic, version, day, counts, where the sections are, check sums of head and checks
 *     attrs      the distinct 16-bit attributes of the day, commonest first (base/presence.h)
 *     blocks     a head of 28 bytes for each 128 rows in order of place, start, person: see struct block
 *     rows       the packed columns of each block: start, length, person, attribute
 *     places     directory: first row of each place; with keys when few places of all have rows
 *     persons    directory: first place in `perm` of each person, the same way
 *     perm       for each person in order of start, the number of the row
 *     seats      row, zone and seat row of those rows that have them, 8 bytes each
 *     checks     CRC-32 of each 16 KiB chunk between head and checks
 *
 * A stay begins within its day and ends at 24:00 at the latest. Length is coded 0 for "until 24:00", else seconds + 1, or minutes + 1 when
 * all of the block are whole minutes. A block that lies within one place codes starts as differences. Each block's head has its first start and
 * its latest end: that is the skip structure of a place with many stays, and what keeps one nine-hour clerk from making every question about
 * a shop read the whole day (only the block with the clerk is read in vain).
 *
 * A chunk is checked the first time it is touched: a damaged file is told by the first question that meets the damage (E_CORRUPT), or
 * by segment_check. Any bytes at all, even with right check sums, give rows or an error, never a read outside the map. */
#ifndef TOCSIN_VISITS_SEGMENT_H
#define TOCSIN_VISITS_SEGMENT_H

#include <stdatomic.h>

#include "base/presence.h"
#include "visits/pack.h"

enum { SEGMENT_VERSION = 1, SEGMENT_HEAD = 512, SEGMENT_CHUNK = 16384, SEGMENT_ATTRS_MAX = 65536 };

enum segment_section {
    SECTION_ATTRS, SECTION_BLOCKS, SECTION_ROWS, SECTION_PLACE_HEADS, SECTION_PLACES, SECTION_PLACE_KEY_HEADS, SECTION_PLACE_KEYS,
    SECTION_PERSON_HEADS, SECTION_PERSONS, SECTION_PERSON_KEY_HEADS, SECTION_PERSON_KEYS, SECTION_PERM_HEADS, SECTION_PERM,
    SECTION_SEATS, SECTION_CHECKS, SECTIONS
};

struct segment_head {
    char magic[8]; /* "TOCVISIT" */
    uint32_t version, head_crc; /* of the head with this field zero */
    int32_t day, zone_s;
    uint64_t rows;
    uint32_t n_persons, n_places;        /* ids are below */
    uint32_t person_keys, place_keys;    /* entries of the directories */
    uint32_t n_attrs, n_seats;
    uint32_t persons_sparse, places_sparse;
    uint64_t generation;                 /* rises with every file of a store */
    struct { uint64_t offset, bytes; } sections[SECTIONS];
};

/* Head of 128 rows in place order. low, high, far: see struct pack; the four columns stand one after another from `offset`. */
struct block {
    uint32_t offset;         /* in SECTION_ROWS */
    uint32_t place;          /* entry in the place directory of its first row */
    uint32_t person_base;
    uint32_t start_base : 17, delta : 1, start_minutes : 1, length_minutes : 1, latest : 11, none : 1; /* latest end: minutes, rounded up */
    uint32_t length_base : 17, low_start : 5, low_length : 5, low_person : 5;
    uint32_t far_start : 8, far_length : 8, far_person : 8, far_attr : 8;
    uint32_t high_start : 5, high_length : 5, high_person : 5, high_attr : 5, low_attr : 5, attr_base : 7;
};

/* Head of 128 values of a plain column. */
struct column_head {
    uint32_t offset, base;
    uint8_t low, high, far, none;
};

/* A row as it goes into a file: start and end in seconds of the day. */
struct segment_row {
    uint32_t person, place;
    int32_t start, end;
    uint16_t attr, zone, row, filler;
};

struct segment {
    struct segment_head head;
    char name[32];
    const uint8_t *map;
    size_t bytes;
    const uint8_t *section[SECTIONS];
    _Atomic uint8_t *checked;   /* by chunk: 1 good */
    size_t n_chunks;
    atomic_bool damaged;        /* a check failed: the store serves the rest */
    atomic_int users;           /* views that hold it */
    uint64_t *touched;          /* lines of 64 bytes that were read, while somebody watches; else NULL */
};

/* Writes the rows of one day (n > 0, any order; equal ones are kept once) to dir/name through dir/name.tmp: durable but for the directory's own fsync. Persons and
 * places are below n_persons, n_places. Memory: 40 bytes a row. Errors: E_FULL, E_IO, E_MEMORY. */
struct segment_spec {
    const char *dir, *name;
    day day;
    int32_t zone_s;
    uint32_t n_persons, n_places;
    uint64_t generation;
};
int segment_write(const struct segment_spec *spec, const struct segment_row *rows, size_t n, uint64_t *ret_rows, uint64_t *ret_bytes, struct error *err);

/* Maps a file and checks its head. E_CORRUPT: not one, of another version, truncated or damaged. Owned: segment_close. */
int segment_open(const char *dir, const char *name, struct segment **ret, struct error *err);
/* The same over bytes that outlive it (fuzzing). */
int segment_open_bytes(const uint8_t *bytes, size_t n, struct segment **ret, struct error *err);
void segment_close(struct segment *s);
/* Checks every chunk. E_CORRUPT names the first damaged one. */
int segment_check(struct segment *s, struct error *err);

/* For benches, one thread: remembers from now on which lines of 64 bytes are read; then reads those once, in order, and says how many bytes they are. */
int segment_watch(struct segment *s, bool on, struct error *err);
uint64_t segment_reread(const struct segment *s, uint64_t *ret_sum);

/* Rows [*ret_first, *ret_end) of a place; both 0 when it has none. */
int segment_place(struct segment *s, uint32_t place, uint64_t *ret_first, uint64_t *ret_end, struct error *err);
/* Entries [*ret_first, *ret_end) of a person in `perm`. */
int segment_person(struct segment *s, uint32_t person, uint64_t *ret_first, uint64_t *ret_end, struct error *err);
/* Stays of the asked persons on this day, times moved by `shift`, that have an instant in their times, in ascending order of person and start when the asks are. */
int segment_people(struct segment *s, const struct presence_ask *asks, size_t n, int32_t shift, struct presence_list *out, struct error *err);
/* Fetches ahead what segment_place(place), and then a scan from row `first`, will read: stage 0 for many, then stage 1 for many, then the reading. */
void segment_place_ahead(struct segment *s, uint32_t place, int stage);
void segment_rows_ahead(struct segment *s, uint64_t first, int stage);
/* The same for the stays of one person, and for those at a place in [from, to) (seconds of the day): stages 0 to SEGMENT_STAGES - 1, each for all files and persons (places) before
 * the next, so that a disk is asked for many things at once instead of one after another. */
enum { SEGMENT_STAGES = 7, SEGMENT_PATH = 12 /* rows of a person that are followed */ };
struct segment_path {
    uint64_t first, end;
    uint32_t rows[SEGMENT_PATH];
    uint8_t n;
};
void segment_person_ahead(struct segment *s, uint32_t person, int stage, struct segment_path *path);
/* Rows [first, end) of a place on this day; both 0: not known. */
struct segment_reach {
    uint32_t place, first, end;
};
/* What segment_people says of one person whose path has been followed to its end; where rows of their places lie is told beside each row of the path. */
bool segment_path_whole(const struct segment *s, const struct segment_path *path);
int segment_path_read(struct segment *s, const struct segment_path *path, const struct presence_ask *ask, int32_t shift, struct presence_list *out,
                      struct segment_reach reaches[SEGMENT_PATH], struct error *err);
/* path begins as zeros, or with the rows of the place when they are known. */
void segment_stays_ahead(struct segment *s, uint32_t place, int32_t from, int32_t to, int stage, struct segment_path *path);
/* The stay behind an entry of `perm`, times in seconds of the day. */
int segment_entry(struct segment *s, uint64_t entry, struct presence *ret, struct error *err);

/* 128 rows or fewer, decoded. */
struct segment_rows {
    size_t n;
    uint32_t person[PACK_BLOCK], start[PACK_BLOCK], end[PACK_BLOCK];
    uint16_t attr[PACK_BLOCK];
    bool seats;             /* zone and row are filled */
    uint16_t zone[PACK_BLOCK], row[PACK_BLOCK];
};
/* Of rows [first, end), those of the next block that has some with an instant in [from, to) (seconds of the day), and may be others of it that begin before `to`: advances *first past
 * that block; ret->n is 0 when none is left. Seats are read when asked for. */
int segment_scan(struct segment *s, uint64_t *first, uint64_t end, int32_t from, int32_t to, bool seats, struct segment_rows *ret, struct error *err);
/* Every row, for a merge: block b of (rows + 127) / 128 decoded with its places. */
int segment_block(struct segment *s, uint64_t b, struct segment_row *ret, size_t *ret_n, struct error *err);

#endif

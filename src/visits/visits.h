/* visits: where everybody was, from when to when: a thousand times more rows than all registers together, only ever appended, asked in two ways
 * (who was at this place, where was this person), and forgotten day by day. This header is the room's manual; the other headers are its inside.
 *
 * What is kept. A visit is a stay of a person at a place, [start, end) in seconds, with how it is known (base/presence.h) and how surely, and a
 * carriage or floor and a seat row when there is one. Persons and places have outside names (texts: record ids, door codes) that the store
 * turns into dense numbers; everything below works with the numbers. A place has a class (below 32) by which an engine chooses its thresholds.
 *
 * Where it is. A folder:  manifest  lock  names-*  log-*  dDAY-*.seg
 *     an append goes to the log (one fdatasync for all that wait), then to a buffer in memory, then the call returns: it is durable and is found;
 *     a full buffer becomes one file for each of its days (segment.h): immutable, both orders, 7 to 9 bytes a visit, mapped, checked on first touch;
 *     late arrivals make small files beside the day's large one; when they are a twentieth of it, or four, the day is written anew;
 *     the manifest is replaced by rename whenever files come or go; a crash at any step leaves the old list or the new one.
 * A stay past midnight is cut there (PRESENCE_FROM, PRESENCE_TO, PRESENCE_JOINS); whoever asks joins the pieces again (engines/contact).
 *
 * Forgetting. visits_forget drops days for good: nothing of them is in a file, a log or the buffer afterwards, and later appends to these
 * days are refused. Names that no remaining visit mentions go with them. Disk blocks are the file system's to overwrite.
 *
 * In PostgreSQL (remote.h) the same rows lie in tables partitioned by region and day, with two covering indexes; an append is a commit, forgetting a day drops its tables and waits
 * for readers. It is for a province that has a cluster: slower by one to two orders (docs/performance.md), with the same answers. There are no buffers, files or damage to tell of,
 * many processes may write, and classes of places changed by another process are seen when the store is opened anew.
 *
 * Threads. One process writes (lock). In it any thread may append, flush, forget and read; readers (visits_reader_open) take no lock and see the
 * store as it was when they opened; appends wait for one another only as long as their common fdatasync takes. Other processes may
 * open read-only: they see what was durable when they opened.
 *
 * Damage. Every chunk of a file is under a check sum. A damaged or missing file is set aside, its day is reported (visits_status,
 * visits_reader_damaged), and everything else is served. A torn end of the log was never acknowledged; damage inside it is counted and told. */
#ifndef TOCSIN_VISITS_VISITS_H
#define TOCSIN_VISITS_VISITS_H

#include "base/presence.h"

enum { VISITS_CLASSES = 32, VISITS_DAYS_MAX = 400 /* of one stay */, VISITS_READERS_MAX = 256, VISITS_NAME_MAX = 200 };

struct visits;

struct visits_options {
    const char *dir;        /* a folder, or the URL of a PostgreSQL schema: postgresql://... as libpq reads it */
    const char *region;     /* PostgreSQL: where places that are first named here belong, up to 12 digits; NULL: none */
    bool create;            /* make it when there is none */
    bool read_only;
    int32_t zone_s;         /* of a new store: where its days begin */
    size_t buffer_rows;     /* rows in memory before they are written out; 0: 1,048,576 (about 60 MB) */
    size_t merge_rows;      /* files of one day are made one only up to so many rows, and no file gets more: it bounds memory, 64 bytes a row; 0: 33,554,432 (2 GB) */
    bool background;        /* a thread of its own writes full buffers out; else the append that fills it does */
};

/* Opens, and replays the log. Errors: E_UNKNOWN (none there), E_BUSY (another process writes), E_CORRUPT (manifest), E_UNSUPPORTED (version), E_IO, E_FULL,
 * E_MEMORY. Owned: visits_close. Time: the log, and names (about 4 million a second). */
int visits_open(const struct visits_options *o, struct visits **ret, struct error *err);
/* Ends the thread; what is in the buffer stays in the log. No reader may be open. */
void visits_close(struct visits *v);
int32_t visits_zone(const struct visits *v);
bool visits_writable(const struct visits *v);

/* ---- names. Find and text: any thread, no lock. */
enum visits_kind { VISITS_PERSON, VISITS_PLACE };
/* The number of a name, a new one when it is new; it is durable with the next append that returns. E_INVALID: empty or longer than 200 bytes. */
int visits_name(struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret, struct error *err);
/* The same of many at once: in PostgreSQL one round trip. */
int visits_names(struct visits *v, enum visits_kind kind, const struct text *names, size_t n, uint32_t *ret, struct error *err);
bool visits_find(const struct visits *v, enum visits_kind kind, struct text name, uint32_t *ret);
struct text visits_text(const struct visits *v, enum visits_kind kind, uint32_t id); /* empty when forgotten; valid as long as v */
uint32_t visits_count(const struct visits *v, enum visits_kind kind);
void visits_set_class(struct visits *v, uint32_t place, uint8_t class_of);
uint8_t visits_class(const struct visits *v, uint32_t place);

/* ---- writing */
struct visit {
    uint32_t person, place;
    instant start, end;     /* end = start: seen once, no length */
    uint8_t source, confidence; /* enum presence_source_kind; percent */
    uint16_t zone, row;     /* carriage or floor, seat row; 0 not known */
};
/* Durable and found when it returns 0; nothing of it otherwise. Errors: E_INVALID with the row (unknown person or place, end before start, too long, confidence
 * past 100), E_REFUSED (touches a forgotten day), E_FULL, E_IO, E_MEMORY. */
int visits_append(struct visits *v, const struct visit *rows, size_t n, struct error *err);
/* Bulk: straight to files of days, without the log; durable when it returns 0. Forgotten days are left out; visits that lie on such days altogether are counted. Memory 60 bytes a row. On failure some of
 * the days may be in; loading them again changes nothing, because equal visits are kept once. */
int visits_load(struct visits *v, const struct visit *rows, size_t n, uint64_t *ret_forgotten, struct error *err);
/* Writes the buffer out to files, and days with late arrivals anew. */
int visits_flush(struct visits *v, struct error *err);
/* Forgets days [from, until). *ret_rows: how many visits (pieces of days) went. Readers that were open before still see them until
 * they close; in PostgreSQL they are waited for, ten seconds at most (E_BUSY). */
int visits_forget(struct visits *v, day from, day until, uint64_t *ret_rows, struct error *err);
/* Is any day of [from, until) forgotten? What was there then cannot be found any more, and its absence says nothing. */
int visits_forgot(struct visits *v, day from, day until, bool *ret, struct error *err);

/* ---- what there is */
struct visits_day {
    day day;
    uint64_t rows, bytes;
    int files;
    bool damaged; /* part of it cannot be read */
};
struct visits_status {
    struct arena arena;
    size_t n_days;
    struct visits_day *days;     /* ascending, those with files */
    uint64_t rows, bytes, buffered, log_bytes;
    uint32_t persons, places;
    day forgotten_until;         /* days before it are gone; DAY_MIN none */
    int log_damaged;             /* gaps met when the log was replayed */
};
/* verify: reads every byte against its check sum. Owned: visits_status_clear. */
int visits_status(struct visits *v, bool verify, struct visits_status *ret, struct error *err);
void visits_status_clear(struct visits_status *s);

/* ---- reading */
struct visits_reader;
/* A view of the store as it is now, for one thread; times of the source are seconds after `origin`, the 00:00 of a day. E_BUSY: VISITS_READERS_MAX are
 * open. Owned: visits_reader_close. */
int visits_reader_open(struct visits *v, day origin, struct visits_reader **ret, struct error *err);
void visits_reader_close(struct visits_reader *r);
/* What an engine pulls from; borrowed until the reader closes. */
const struct presence_source *visits_reader_source(struct visits_reader *r);
/* Files of days in [from, until) that could not be read, so far as known, and gaps in the log or among the names, of whatever days; they are left out of every answer. */
int visits_reader_damaged(const struct visits_reader *r, day from, day until);
/* For benches, alone: remembers from now on which lines of 64 bytes of the files are read; then reads just those once, file by file in order, and says how many bytes they are: the
 * least that any answer to the questions between could cost. */
int visits_reader_watch(struct visits_reader *r, bool on, struct error *err);
uint64_t visits_reader_reread(const struct visits_reader *r, uint64_t *ret_sum);

#endif

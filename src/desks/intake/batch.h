/* desks/intake, private: the rows in flight. A batch is filled by the door's thread, mapped and prepared by the worker, resolved and written by the
 * writer, told (counted, refused rows and notes handed over) by the door's thread again, then reset. */
#ifndef TOCSIN_DESKS_INTAKE_BATCH_H
#define TOCSIN_DESKS_INTAKE_BATCH_H

#include <pthread.h>

#include "base/idmap.h"
#include "desks/intake/import.h"
#include "desks/intake/match.h"

/* origin.c: "1207@0123456789ab", a record as another node calls it. */
bool origin_named(struct text t);

#define LINK_OPEN UINT32_MAX
enum { BATCHES = 4, WAITING_BYTES_MAX = 256 << 20, CACHE_MAX = 1 << 20 };

enum row_state { ROW_OPEN, ROW_SKIPPED, ROW_REJECTED, ROW_LATER /* wholly put off */, ROW_STORED };

/* Where a reference leads: a record that is there, or a draft of this batch. */
struct place {
    int64_t id;
    uint32_t draft; /* index + 1 */
};

struct row {
    int64_t line;
    size_t n_cells;
    struct text *cells;
    bool damaged;
    enum row_state state;
    bool again;         /* it comes from the waiting list */
    bool counted;       /* its outcome was counted when it came first */
    bool resolved;      /* its drafts were resolved before: what that, and an apply that was rolled back, left in them is undone */
    bool lacks;         /* a reference is still empty: try again at the end */
    struct map_result result;
    struct draft **drafts;       /* by item; NULL: dropped */
    struct kept { struct cell_at *cells; size_t n; bool has_key; } *kept; /* by item, as prepared: an apply that is rolled back may have filled cells in */
    bool **defaulted;            /* by item and field: filled by the register's default, not by the row; NULL: none */
    bool *partial;               /* lacks what a new record must have: can only change one that is there */
    struct match *matches;
    struct row_own { struct text name; int64_t key; } *own; /* by item without a key: what it is called when its content is new in the file */
    int64_t content;             /* of all its items */
    uint32_t occurrence;         /* of this content in the file, from 1 */
    struct map_reason *reason;   /* when it is refused */
    size_t n_matched;
    int64_t twin;                /* a person this row's could also be */
    bool family;                 /* by phone and name, with something against it */
    uint32_t twin_draft, twin_of; /* the same, index + 1 in this batch; the draft that it concerns */
};

struct batch {
    struct arena arena;
    struct rng secret;
    size_t n, cap;
    struct row *rows;
    struct draft **drafts; /* what was written, in order */
    size_t n_drafts;
    struct intake_note *notes; /* what the writer has to tell; their words lie in the arena */
    size_t n_notes, cap_notes;
    int rc;             /* out of memory in the worker */
    enum { BATCH_FREE, BATCH_FILLED, BATCH_TAKEN, BATCH_READY, BATCH_WRITING, BATCH_WRITTEN } state;
};

/* A row that waits for the end of the file: copied out of its batch. */
struct waiting {
    int64_t line, content;
    uint32_t occurrence;
    bool counted;
    size_t n_cells;
    struct text *cells;
};

struct intake {
    struct ledger *ledger;
    struct session session;
    struct intake_options o;
    const struct map *map;
    struct map *own_map;
    struct map_binding *binding;
    const struct register_decl *person;
    struct intake_counts counts;
    int64_t started_ns;
    struct batch batches[BATCHES];
    size_t filling, oldest;  /* ring: the oldest one that is not free */
    size_t submitted;        /* rows */
    int64_t n_read;          /* rows */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t worker, writer;
    bool threaded, failed, finished, has_lock;
    bool stop, stop_writing; /* under the lock, as the next two */
    bool large;              /* worth a bulk phase: whoever writes begins it before his next batch */
    struct error broken;     /* why a batch could not be written: none after it is */
    bool bulk;
    struct db *disk;         /* the worker syncs through it what was committed lazily; NULL: a commit waits for the disk itself */
    bool sync;               /* something was committed since the worker last synced; under the lock, as what follows */
    struct intake_counts committed, told; /* told: on disk */
    struct error unsynced;   /* why a sync failed: nothing more may be committed */
    struct arena seen_arena;
    struct idmap seen;       /* content -> times in this file; whoever prepares counts them: one thread at a time, in order */
    struct arena cache_arena;
    struct idmap cache;      /* hash of register and key or title -> id */
    struct idmap regions;    /* hash of a title -> code */
    struct arena waiting_arena;
    struct waiting *waiting;
    size_t n_waiting, cap_waiting;
    bool final;              /* no later row can help any more */
    struct arena scratch;
};

/* batch.c: worker side */
int batch_room(struct batch *b, size_t rows); /* of an empty one: so many in one piece */
int batch_add(struct batch *b, const struct text *cells, size_t n, int64_t line, bool damaged, struct row **ret);
void batch_prepare(struct intake *in, struct batch *b);
struct text row_name(struct arena *a, int64_t content, uint32_t occurrence, size_t item); /* {NULL, 0} when out of memory */

/* resolve.c: fills links, matches persons; leaves refused rows behind, and the drafts to write in order. */
int batch_resolve(struct intake *in, struct batch *b, struct error *err);
/* The reason lives in the batch. Out of memory leaves a constant one. */
void row_refuse(struct batch *b, struct row *r, const struct map_reason *why);
void reason_of(struct map_reason *ret, const struct register_decl *reg, const struct error *e);
int cache_put(struct intake *in, int64_t key, int64_t id);

/* commit.c: writes one prepared batch in a transaction of its own; counts it, hands its refused rows and notes to the door. */
int batch_write(struct intake *in, struct batch *b, struct error *err);
int batch_tell(struct intake *in, struct batch *b, struct error *err);
void intake_note(struct intake *in, const struct intake_note *n);
int batch_note(struct batch *b, enum intake_note_kind kind, int64_t line, const struct map_reason *why); /* to be told with the batch */

#endif

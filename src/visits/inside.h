/* visits, inside the room: the open store. */
#ifndef TOCSIN_VISITS_INSIDE_H
#define TOCSIN_VISITS_INSIDE_H

#include <pthread.h>

#include "visits/buffer.h"
#include "visits/frames.h"
#include "visits/manifest.h"
#include "visits/names.h"
#include "visits/visits.h"

enum { BUFFERS_MAX = 3, FRAME_ROWS_MAX = 1 << 20 };

/* A file of the manifest as it is served: segment NULL when it cannot be. */
struct served {
    struct segment *segment;
    day day;
};

/* What readers see; never changed after it is published. */
struct view {
    size_t n;
    struct served *segments;            /* by day */
    int n_buffers;
    struct buffer *buffers[BUFFERS_MAX]; /* the last one is being filled */
    struct view *next;                  /* among the retired */
};

struct reader_slot {
    _Alignas(64) atomic_bool taken;
    _Atomic(struct view *) held;        /* hazard pointer: a view that somebody holds is not freed */
};

/* Appends that share one frame and one fdatasync. */
struct group {
    struct buf rows;          /* struct frame_row */
    struct buffer_row *pieces;
    size_t n_rows, n_pieces, cap_pieces;
    int waiting;
    bool done;
    int rc;
    struct error err;
};

struct remote;

struct visits {
    struct remote *remote;        /* PostgreSQL (remote.h): then of all below only names, changes, zone, read_only and what the manifest has of forgotten days are used */
    char dir[1024];
    int lock_fd;
    bool read_only;
    size_t buffer_rows, merge_rows;
    int32_t zone_s;

    pthread_mutex_t names_lock;   /* who gives out names */
    struct names persons, places;
    uint32_t logged_persons, logged_places;
    struct buf changes, unsaved;  /* places whose class changed since the last frame, and since names were saved: u32, u8 */

    pthread_mutex_t lock;         /* the group under way, who leads, the manifest in memory */
    pthread_cond_t moved;
    struct group *open;           /* takes rows */
    struct buffer *active;        /* the last of the view: fills under leadership, swapped under leadership and lock */
    bool leading;                 /* somebody writes a frame or changes the buffer */
    struct frames log;

    pthread_mutex_t upkeep;       /* one flush, load, merge or forgetting at a time */
    struct manifest manifest;     /* as on disk; changed under upkeep and lock */
    struct view *retired;
    int log_damaged;

    _Atomic(struct view *) view;
    struct reader_slot readers[VISITS_READERS_MAX];

    bool background, ending, wanted;
    pthread_t thread;
};

/* ---- append.c */
int visit_check(const struct visits *v, const struct visit *r, size_t i, struct error *err);
struct frame_row visit_frame_row(const struct visit *r);
/* Cuts a stay at midnights; appends the pieces. */
int pieces_add(struct group *g, int32_t zone_s, const struct frame_row *r);
void lead_begin(struct visits *v);  /* holds v->lock before and after */
void lead_end(struct visits *v);
void group_free(struct group *g);

/* ---- view.c */
struct view *view_make(const struct view *old, struct buffer *drop, struct buffer *add);
int view_add(struct view *w, struct segment *s, day d);
void view_drop(struct view *w, const char *segment_name);
void view_drop_days(struct view *w, struct day_range r);
/* Shows it to readers; the old one goes when the last of them lets go. Under upkeep, or alone. */
void view_publish(struct visits *v, struct view *w);
void view_free(struct view *w);
void views_reclaim(struct visits *v, bool all);

/* ---- upkeep.c; all under upkeep */
/* Rows of a day go to files, merged with what is there when that is due. Fills m and w, which the caller publishes. */
struct day_rows {
    day day;
    struct segment_row *rows;
    size_t n;
};
int days_write(struct visits *v, const struct day_rows *days, size_t n_days, struct manifest *m, struct view *w, struct error *err);
int names_save(struct visits *v, struct manifest *m, bool anew, struct error *err);
/* Swaps manifests and views, deletes what the new list does not name. Takes m and w, even on failure. */
int upkeep_commit(struct visits *v, struct manifest *m, struct view *w, struct error *err);
/* Puts an empty buffer and a new log in place; the full one stays in view. */
int buffer_swap(struct visits *v, struct error *err);
/* Full buffers go to files, forgotten days go. names_anew: unused names go too. *ret_dropped (may be NULL): rows of forgotten days. */
int flush_locked(struct visits *v, bool names_anew, uint64_t *ret_dropped, struct error *err);
/* forget.c */
int names_forget_unused(struct visits *v, const struct view *w, struct error *err);

#endif

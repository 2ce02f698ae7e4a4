/* ledger: what happened, told after the commit. Every committed journal entry is an event: which record of which register was created, changed,
 * moved, ... in which region, never what stands in it. The number of an event is the entry's own number, and the journal itself is the
 * memory: who was away says what he saw last and misses nothing, however long ago that was. Above: the HTTP door's event stream. Below: journal.
 *
 * One thread looks at the end of the journal after each commit it is told of, and once a second for commits of other processes; it keeps the
 * last events in a ring that all listeners share. A listener is a cursor (struct feed_listener), has no thread, and is woken when there is
 * something it may see. Writers take none of the feed's locks: a slow listener holds up nobody, it reads on from the journal.
 *
 * Who may see an event is access_view's word: readers of the register in the record's region; OPEN, DENY, EXPORT and what belongs to no register
 * are told to root and auditors. A record that leaves a reader's region is told as FEED_LEFT with the region it left and no more; one that comes
 * in, as FEED_ENTERED. Where an entry does not say where its record lay (journals of old), it counts as where the record is now. */
#ifndef TOCSIN_LEDGER_FEED_H
#define TOCSIN_LEDGER_FEED_H

#include "ledger/access_view.h"
#include "ledger/ledger.h"

struct feed;
struct feed_audience;
struct feed_notes;

enum feed_move { FEED_STAYED, FEED_ENTERED, FEED_LEFT };
enum feed_duty { FEED_RAISED, FEED_PAID, FEED_CANCELLED, FEED_LAPSED, FEED_ESCALATED };
enum { FEED_RULE_MAX = 64 };

/* A duty that the event raised, closed, or found late. */
struct feed_note {
    enum feed_duty what;
    char rule[FEED_RULE_MAX];
    char region[REGION_MAX + 1];
    int64_t record;     /* whose duty it is */
    int32_t occurrence;
    int level;          /* ESCALATED: told so far up */
    bool late;
    instant due_at;     /* INSTANT_NONE: it has none */
};

struct feed_event {
    int64_t seq, record, import;
    instant at;
    int32_t version;
    int16_t reg;                 /* order in the catalog; -1: of no register */
    uint8_t verb;                /* enum journal_verb */
    uint8_t move;                /* enum feed_move, for this reader */
    char region[REGION_MAX + 1]; /* for this reader */
    /* private */
    char was[REGION_MAX + 1];    /* where it lay before, when it moved */
    bool moved, placed, noted;   /* placed: region is known; noted: notes are what they should be */
    int64_t holder;
    struct feed_notes *notes;
};

/* Zero it, keep it where it is until feed_leave. What follows `arg` is the feed's own. */
struct feed_listener {
    bool duties;        /* events carry the duties they raised and closed (not those of imports) */
    /* On the feed's thread, once after each feed_wait that returned true: there is something to read, or nothing since beat_ms. */
    void (*wake)(struct feed_listener *w);
    void *arg;
    struct feed_audience *audience;
    int64_t after;      /* the last number this listener has passed; what a client resumes from */
    int64_t beat_ns;
    struct feed_listener *previous, *next, *next_awake;
    bool waiting;
};

struct feed_options {
    size_t ring;                     /* events kept in memory (0: 8,192) */
    int poll_ms, pause_ms, beat_ms;  /* look without being told (0: 1,000); shortest time between two looks (0: 20); silence that wakes (0: 15,000) */
};

/* Borrows catalog, tables and keys of l (frozen) and opens a reading connection of its own; l must stay open until feed_stop. */
int feed_start(struct ledger *l, const struct feed_options *o, struct feed **ret, struct error *err);
/* Something was committed: from any thread, never waits long. Fits queue_options.committed. */
void feed_wake(void *feed);
/* Wakes everybody for the last time: from now on feed_read is E_BUSY and feed_wait false, and nobody is woken. */
void feed_end(struct feed *f);
/* Ends and frees. Every listener must have left. NULL is fine. */
void feed_stop(struct feed *f);

/* From now on (after < 0), or what came after an event (0: everything). db: a reading connection of the caller's thread. Errors: those of
 * access_view_new, E_CONFLICT when the journal is not that long (another store, or an older copy of it), E_BUSY after feed_end. */
int feed_join(struct feed *f, struct db *db, const struct session *s, const struct access_selection *want, int64_t after, struct feed_listener *w, struct error *err);
void feed_leave(struct feed *f, struct feed_listener *w);
/* The next events this listener may see, in order, at most max. 1: there may be more to read at once (even when none was seen: the journal was
 * searched for a while); 0: nothing more now. Give the events back with feed_release. Cost: memory copies while the listener keeps up; else a
 * scan of the journal, at most 4,096 entries a call. */
int feed_read(struct feed *f, struct db *db, struct feed_listener *w, struct feed_event *out, size_t max, size_t *ret_n, struct error *err);
void feed_release(struct feed_event *events, size_t n);
/* After a feed_read that returned 0. true: wake will be called, and until then the listener is the feed's; false: there is something already. */
bool feed_wait(struct feed *f, struct feed_listener *w);
/* The next duty of an event that this listener may see; NULL at the end. *pos starts at 0. */
const struct feed_note *feed_note_next(const struct feed_listener *w, const struct feed_event *e, size_t *pos);

struct feed_counts {
    int64_t tip, listeners, audiences, events, wakes, bytes; /* bytes: ring and audiences; a listener is sizeof(struct feed_listener) */
};
void feed_counts(struct feed *f, struct feed_counts *ret);

/* ---- feed_event.c, inside the feed */
struct feed_notes {
    int refs; /* atomic */
    size_t n;
    struct feed_note list[];
};
/* What an entry says by itself. E_CORRUPT for damaged cells. */
int feed_event_of(const struct ledger *l, const struct journal_entry *e, struct feed_event *ret, struct error *err);
/* Asks the store where the record lies, when the entry did not say. What is gone lies in the node's own region. */
int feed_event_place(const struct ledger *l, struct db *db, struct feed_event *e, struct error *err);
/* Asks the store which duties it raised and closed. */
int feed_event_note(const struct ledger *l, struct db *db, struct feed_event *e, struct error *err);
/* What the view's owner sees of it: false nothing, else the event as it is for him. */
bool feed_event_seen(const struct access_view *v, struct feed_event *e);
void feed_notes_keep(struct feed_notes *n);
void feed_notes_drop(struct feed_notes *n);

#endif

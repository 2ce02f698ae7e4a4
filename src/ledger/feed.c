#include "ledger/feed.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"

enum { RING = 8192, POLL_MS = 1000, PAUSE_MS = 20, BEAT_MS = 15000, CHUNK = 256, SEARCH_MAX = 4096 };

/* One view, shared by all listeners of the same rights and wish. */
struct feed_audience {
    struct access_view *view;
    int64_t hash;
    size_t listeners;
    int64_t latest; /* newest event it may see */
    struct feed_audience *next;
};

struct feed {
    const struct ledger *ledger; /* its frozen parts */
    struct feed_options o;
    struct db *db; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    /* under lock */
    struct feed_event *ring; /* event of number n in ring[n % o.ring], for first <= n <= tip */
    int64_t first, tip;
    struct feed_listener *listeners;
    size_t n_listeners, n_duties, n_audiences, audience_bytes;
    struct feed_audience *audiences;
    bool asked, ending;
    int64_t events, wakes;
};

/* ---- reading the journal */

struct reading {
    const struct ledger *l;
    struct feed_event *out;
    size_t n, max;
    struct error *err;
};

static int read_one(const struct journal_entry *e, void *arg) {
    struct reading *r = arg;
    int rc = feed_event_of(r->l, e, &r->out[r->n], r->err);
    if (rc < 0) return rc;
    return ++r->n == r->max;
}

void feed_release(struct feed_event *events, size_t n) {
    for (size_t i = 0; i < n; i++) {
        feed_notes_drop(events[i].notes);
        events[i].notes = NULL;
    }
}

/* Events [from, to), at most max, as they are for everybody. On failure none is left. */
static int events_read(const struct ledger *l, struct db *db, int64_t from, int64_t to, bool duties, struct feed_event *out, size_t max, size_t *ret_n, struct error *err) {
    struct reading r = {.l = l, .out = out, .max = max, .err = err};
    int rc = journal_scan(db, from, to, read_one, &r, err);
    for (size_t i = 0; rc == 0 && i < r.n; i++) {
        rc = feed_event_place(l, db, &out[i], err);
        if (rc == 0 && duties) rc = feed_event_note(l, db, &out[i], err);
    }
    if (rc < 0) {
        feed_release(out, r.n);
        return rc;
    }
    *ret_n = r.n;
    return 0;
}

static int tip_of(struct db *db, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct value next = value_null();
    int rc = db_scalar(db, &a, "SELECT \"next\" FROM \"journal_tip\" WHERE \"id\" = 1", NULL, 0, &next, err);
    if (rc == 0) *ret = value_int_or(next, 1) - 1;
    arena_clear(&a);
    return rc;
}

/* ---- the thread */

static void ring_put(struct feed *f, struct feed_event *e) {
    struct feed_event *slot = &f->ring[e->seq % (int64_t)f->o.ring];
    if (e->seq != f->tip + 1) f->first = e->seq; /* nobody listened for a while */
    feed_notes_drop(slot->notes);
    *slot = *e;
    e->notes = NULL;
    f->tip = slot->seq;
    if (f->tip - f->first >= (int64_t)f->o.ring) f->first = f->tip - (int64_t)f->o.ring + 1;
    f->events++;
}

/* Takes out of the waiting whoever may see one of the new events, whose silence has lasted, or everybody. With the lock. */
static struct feed_listener *rouse(struct feed *f, int64_t from, int64_t now_ns, bool all) {
    struct feed_listener *awake = NULL;
    if (from < f->first) from = f->first;
    for (struct feed_audience *a = f->audiences; a; a = a->next)
        for (int64_t seq = f->tip; seq >= from && a->latest < seq; seq--) {
            struct feed_event e = f->ring[seq % (int64_t)f->o.ring];
            if (feed_event_seen(a->view, &e)) a->latest = seq;
        }
    for (struct feed_listener *w = f->listeners; w; w = w->next) {
        if (!w->waiting) continue;
        bool wanted = all || w->audience->latest > w->after || w->after + 1 < f->first;
        if (!wanted) w->after = w->after > f->tip ? w->after : f->tip; /* passed over: not his */
        if (!wanted && now_ns < w->beat_ns) continue;
        w->waiting = false;
        w->next_awake = awake;
        awake = w;
        f->wakes++;
    }
    return awake;
}

/* Without the lock: the door may take locks of its own. Who was waiting cannot have left. */
static void wake_all(struct feed_listener *awake) {
    while (awake) {
        struct feed_listener *w = awake;
        awake = w->next_awake;
        w->wake(w);
    }
}

/* Everything new into the ring, piece by piece. */
static int look(struct feed *f, struct feed_event *scratch, struct error *err) {
    int64_t tip = 0;
    int rc = tip_of(f->db, &tip, err);
    bool synced = false;
    while (rc == 0) {
        size_t n = 0;
        pthread_mutex_lock(&f->lock);
        int64_t from = f->tip + 1;
        bool heard = f->n_listeners > 0, duties = f->n_duties > 0;
        if (!heard && tip >= from) {
            f->tip = tip;
            f->first = tip + 1;
        }
        pthread_mutex_unlock(&f->lock);
        if (!heard || from > tip) break;
        if (!synced && (rc = db_sync(f->db, err)) < 0) break; /* seen is not yet on disk (queue.h); what is told must never be taken back */
        synced = true;
        if (tip - from >= (int64_t)f->o.ring) from = tip - (int64_t)f->o.ring + 1; /* the older ones would be overwritten at once */
        rc = events_read(f->ledger, f->db, from, tip + 1, duties, scratch, CHUNK, &n, err);
        if (rc == 0 && !n) rc = error_set(err, E_CORRUPT, "journal", "entry %lld is missing: run verify", (long long)from);
        if (rc < 0) break;
        pthread_mutex_lock(&f->lock);
        for (size_t i = 0; i < n; i++) ring_put(f, &scratch[i]);
        struct feed_listener *awake = rouse(f, from, monotonic_ns(), false);
        pthread_mutex_unlock(&f->lock);
        wake_all(awake);
    }
    return rc;
}

static struct timespec in_ms(int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* A store that went away is opened anew; until then listeners hear nothing, and lose nothing. */
static void mend(struct feed *f) {
    struct db *again = NULL;
    if (ledger_connect((struct ledger *)f->ledger, DB_READ, &again, NULL) < 0) return;
    db_close(f->db);
    f->db = again;
}

static void *feed_main(void *arg) {
    struct feed *f = arg;
    struct feed_event *scratch = mem_alloc(CHUNK * sizeof *scratch);
    pthread_mutex_lock(&f->lock);
    while (!f->ending) {
        f->asked = false;
        pthread_mutex_unlock(&f->lock);
        struct error err = {0};
        int rc = scratch ? look(f, scratch, &err) : E_MEMORY;
        if (rc == E_STORE) mend(f);
        if (!scratch) scratch = mem_alloc(CHUNK * sizeof *scratch);
        pthread_mutex_lock(&f->lock);
        struct feed_listener *awake = rouse(f, f->tip + 1, monotonic_ns(), false);
        pthread_mutex_unlock(&f->lock);
        wake_all(awake);
        pthread_mutex_lock(&f->lock);
        struct timespec pause = in_ms(f->o.pause_ms), poll = in_ms(f->o.poll_ms);
        while (!f->ending && pthread_cond_timedwait(&f->told, &f->lock, &pause) == 0) {}
        while (!f->ending && !f->asked && pthread_cond_timedwait(&f->told, &f->lock, &poll) == 0) {}
    }
    pthread_mutex_unlock(&f->lock);
    mem_free(scratch);
    return NULL;
}

void feed_wake(void *feed) {
    struct feed *f = feed;
    pthread_mutex_lock(&f->lock);
    if (!f->asked) pthread_cond_signal(&f->told);
    f->asked = true;
    pthread_mutex_unlock(&f->lock);
}

/* ---- opening and ending */

static void feed_free(struct feed *f) {
    for (size_t i = 0; f->ring && i < f->o.ring; i++) feed_notes_drop(f->ring[i].notes);
    mem_free(f->ring);
    db_close(f->db);
    pthread_cond_destroy(&f->told);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

int feed_start(struct ledger *l, const struct feed_options *o, struct feed **ret, struct error *err) {
    struct feed *f = mem_alloc(sizeof *f);
    pthread_condattr_t monotonic;
    if (!f) return error_memory(err);
    f->ledger = l;
    if (o) f->o = *o;
    if (!f->o.ring) f->o.ring = RING;
    if (!f->o.poll_ms) f->o.poll_ms = POLL_MS;
    if (!f->o.pause_ms) f->o.pause_ms = PAUSE_MS;
    if (!f->o.beat_ms) f->o.beat_ms = BEAT_MS;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->told, &monotonic);
    pthread_condattr_destroy(&monotonic);
    f->ring = mem_alloc(f->o.ring * sizeof *f->ring);
    int rc = f->ring ? ledger_connect(l, DB_READ, &f->db, err) : error_memory(err);
    if (rc == 0) rc = tip_of(f->db, &f->tip, err);
    f->first = f->tip + 1;
    if (rc == 0 && pthread_create(&f->thread, NULL, feed_main, f) != 0) rc = error_set(err, E_BUSY, NULL, "no thread for the events");
    if (rc < 0) {
        feed_free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

void feed_end(struct feed *f) {
    pthread_mutex_lock(&f->lock);
    bool first = !f->ending;
    f->ending = true;
    pthread_cond_broadcast(&f->told);
    struct feed_listener *awake = rouse(f, f->tip + 1, 0, true);
    pthread_mutex_unlock(&f->lock);
    wake_all(awake);
    if (first) pthread_join(f->thread, NULL); /* whom it was just waking may be gone with his door soon */
}

void feed_stop(struct feed *f) {
    if (!f) return;
    feed_end(f);
    feed_free(f);
}

/* ---- listeners */

/* The listener's view is given; the audience of that view, new or known. With the lock. */
static struct feed_audience *audience_of(struct feed *f, struct access_view *v) {
    int64_t hash = access_view_hash(v);
    struct feed_audience *a = f->audiences;
    while (a && (a->hash != hash || !access_view_eq(a->view, v))) a = a->next;
    if (a) {
        access_view_free(v);
    } else {
        a = mem_alloc(sizeof *a);
        if (!a) {
            access_view_free(v);
            return NULL;
        }
        *a = (struct feed_audience){.view = v, .hash = hash, .next = f->audiences};
        f->audiences = a;
        f->n_audiences++;
        f->audience_bytes += sizeof *a + access_view_bytes(v);
    }
    a->listeners++;
    return a;
}

static void audience_leave(struct feed *f, struct feed_audience *a) {
    if (--a->listeners) return;
    struct feed_audience **at = &f->audiences;
    while (*at != a) at = &(*at)->next;
    *at = a->next;
    f->n_audiences--;
    f->audience_bytes -= sizeof *a + access_view_bytes(a->view);
    access_view_free(a->view);
    mem_free(a);
}

int feed_join(struct feed *f, struct db *db, const struct session *s, const struct access_selection *want, int64_t after, struct feed_listener *w, struct error *err) {
    static const struct access_selection everything;
    struct access_view *view = NULL;
    int64_t tip = 0;
    int rc = access_view_new(s, f->ledger->catalog, want ? want : &everything, &view, err);
    if (rc == 0) rc = tip_of(db, &tip, err);
    if (rc == 0 && after > tip)
        rc = error_set(err, E_CONFLICT, "Last-Event-ID", "the journal ends at %lld: this is another store, or an older copy / 流水未到该编号,可能已更换或恢复数据库", (long long)tip);
    if (rc < 0) {
        access_view_free(view);
        return rc;
    }
    pthread_mutex_lock(&f->lock);
    struct feed_audience *a = f->ending ? NULL : audience_of(f, view);
    if (f->ending) {
        access_view_free(view);
        rc = error_set(err, E_BUSY, NULL, "the events are stopping / 正在停止");
    } else if (!a) {
        rc = error_memory(err);
    } else {
        w->audience = a;
        w->after = after < 0 ? tip : after;
        w->waiting = false;
        w->previous = NULL;
        w->next = f->listeners;
        if (f->listeners) f->listeners->previous = w;
        f->listeners = w;
        f->n_listeners++;
        f->n_duties += w->duties;
    }
    pthread_mutex_unlock(&f->lock);
    return rc;
}

void feed_leave(struct feed *f, struct feed_listener *w) {
    if (!w->audience) return;
    pthread_mutex_lock(&f->lock);
    if (w->previous)
        w->previous->next = w->next;
    else
        f->listeners = w->next;
    if (w->next) w->next->previous = w->previous;
    f->n_listeners--;
    f->n_duties -= w->duties;
    audience_leave(f, w->audience);
    w->audience = NULL;
    pthread_mutex_unlock(&f->lock);
}

/* The event without what he did not ask for: a late duty is the event itself. */
static bool keeps_notes(const struct feed_listener *w, const struct feed_event *e) {
    return w->duties || e->verb == JOURNAL_LAPSE || e->verb == JOURNAL_ESCALATE;
}

/* From the ring, with the lock. Stops at the first event that is not there any more. */
static size_t take(struct feed *f, struct feed_listener *w, struct feed_event *out, size_t max) {
    size_t n = 0;
    while (n < max && w->after < f->tip && w->after + 1 >= f->first) {
        struct feed_event e = f->ring[++w->after % (int64_t)f->o.ring];
        if (!feed_event_seen(w->audience->view, &e)) continue;
        if (!keeps_notes(w, &e)) e.notes = NULL;
        feed_notes_keep(e.notes);
        out[n++] = e;
    }
    return n;
}

/* Who is behind reads the journal itself. */
static int search(struct feed *f, struct db *db, struct feed_listener *w, int64_t tip, struct feed_event *out, size_t max, size_t *ret_n, struct error *err) {
    struct feed_event *piece = mem_alloc(CHUNK * sizeof *piece);
    int64_t until = w->after + SEARCH_MAX < tip ? w->after + SEARCH_MAX : tip;
    size_t n = 0;
    int rc = piece ? 0 : error_memory(err);
    while (rc == 0 && n < max && w->after < until) {
        size_t got = 0, most = max - n < CHUNK ? max - n : CHUNK;
        rc = events_read(f->ledger, db, w->after + 1, until + 1, false, piece, most, &got, err);
        if (rc == 0 && !got) rc = error_set(err, E_CORRUPT, "journal", "entry %lld is missing: run verify", (long long)w->after + 1);
        for (size_t i = 0; rc == 0 && i < got; i++) {
            struct feed_notes *notes = piece[i].notes;
            w->after = piece[i].seq;
            bool seen = feed_event_seen(w->audience->view, &piece[i]);
            if (!seen || !keeps_notes(w, &piece[i])) piece[i].notes = NULL;
            if (piece[i].notes != notes) feed_notes_drop(notes);
            if (seen) out[n++] = piece[i];
        }
    }
    mem_free(piece);
    if (rc < 0) {
        feed_release(out, n);
        return rc;
    }
    *ret_n = n;
    return 0;
}

int feed_read(struct feed *f, struct db *db, struct feed_listener *w, struct feed_event *out, size_t max, size_t *ret_n, struct error *err) {
    size_t n = 0;
    int rc = 0;
    int64_t before = w->after;
    pthread_mutex_lock(&f->lock);
    bool ending = f->ending;
    if (!ending) n = take(f, w, out, max);
    int64_t tip = f->tip;
    bool behind = !n && w->after < tip && w->after + 1 < f->first;
    pthread_mutex_unlock(&f->lock);
    if (ending) return error_set(err, E_BUSY, NULL, "the events are stopping / 正在停止");
    if (behind) rc = search(f, db, w, tip, out, max, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!w->duties || out[i].noted) continue;
        rc = feed_event_note(f->ledger, db, &out[i], err);
        if (rc < 0) feed_release(out, n);
    }
    if (rc < 0) {
        w->after = before; /* nothing was told */
        return rc;
    }
    *ret_n = n;
    return w->after < tip;
}

bool feed_wait(struct feed *f, struct feed_listener *w) {
    pthread_mutex_lock(&f->lock);
    bool wait = !f->ending && w->after >= f->tip;
    if (wait) w->beat_ns = monotonic_ns() + (int64_t)f->o.beat_ms * 1000000;
    w->waiting = wait;
    pthread_mutex_unlock(&f->lock);
    return wait;
}

const struct feed_note *feed_note_next(const struct feed_listener *w, const struct feed_event *e, size_t *pos) {
    while (e->notes && *pos < e->notes->n) {
        const struct feed_note *n = &e->notes->list[(*pos)++];
        if (access_view_sees(w->audience->view, ACCESS_READ, e->reg, text_of(n->region))) return n;
    }
    return NULL;
}

void feed_counts(struct feed *f, struct feed_counts *ret) {
    pthread_mutex_lock(&f->lock);
    *ret = (struct feed_counts){.tip = f->tip,
                                .listeners = (int64_t)f->n_listeners,
                                .audiences = (int64_t)f->n_audiences,
                                .events = f->events,
                                .wakes = f->wakes,
                                .bytes = (int64_t)(f->o.ring * sizeof *f->ring + f->audience_bytes)};
    pthread_mutex_unlock(&f->lock);
}

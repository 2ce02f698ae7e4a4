#include "desks/intake/import.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "desks/intake/batch.h"

/* The writer is who everybody waits for: beside him the worker steps back. */
enum { WORKER_NICE = 5 };
/* Large batches: an index with random keys has nearly all its pages changed by each of them. */
enum { BATCH_ROWS = 10000, BATCH_FIRST = 1250, BATCH_BYTES_MAX = 48 << 20, PASSES_MAX = 64 };

/* ---- the record of the import itself */

static int import_begin(struct intake *in, struct error *err) {
    const struct register_decl *reg = register_find(in->ledger->catalog, TEXT("import"));
    if (!reg || in->o.dry_run) return 0;
    struct draft *d = draft_new(&in->scratch, reg, DRAFT_CREATE);
    if (!d) return error_memory(err);
    draft_put(d, "file", value_str(in->o.file ? in->o.file : "-"), NULL);
    draft_put(d, "register_name", value_text(in->o.target->name), NULL);
    if (in->o.digest.n) draft_put(d, "digest", value_text(in->o.digest), NULL);
    if (in->o.map_name) draft_put(d, "map", value_str(in->o.map_name), NULL);
    draft_put(d, "started_at", value_int(in->session.now), NULL);
    int rc = record_write(in->ledger, &in->session, &d, 1, err);
    if (rc < 0) return rc;
    in->counts.import = in->session.import = d->ret_id;
    return 0;
}

static int import_end(struct intake *in, struct error *err) {
    const struct register_decl *reg = register_find(in->ledger->catalog, TEXT("import"));
    const struct intake_counts *c = &in->counts;
    if (!reg || !c->import) return 0;
    struct draft *d = draft_new(&in->scratch, reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = c->import;
    draft_put(d, "rows", value_int(c->rows), NULL);
    draft_put(d, "created", value_int(c->created), NULL);
    draft_put(d, "changed", value_int(c->changed), NULL);
    draft_put(d, "unchanged", value_int(c->unchanged), NULL);
    draft_put(d, "rejected", value_int(c->rejected), NULL);
    draft_put(d, "finished_at", value_int(in->session.now), NULL);
    return record_write(in->ledger, &in->session, &d, 1, err);
}

/* ---- the worker */

/* Waits for the disk while the next batch is written. Called with the lock. */
static void sync_committed(struct intake *in) {
    struct intake_counts upto = in->committed;
    struct error err = {0};
    in->sync = false;
    pthread_mutex_unlock(&in->lock);
    int rc = db_sync(in->disk, &err);
    pthread_mutex_lock(&in->lock);
    if (rc < 0)
        in->unsynced = err;
    else
        in->told = upto;
}

static void *work(void *arg) {
    struct intake *in = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + WORKER_NICE);
    pthread_mutex_lock(&in->lock);
    for (;;) {
        struct batch *b = NULL;
        if (in->sync) sync_committed(in);
        for (size_t i = 0; i < BATCHES && !b; i++)
            if (in->batches[(in->oldest + i) % BATCHES].state == BATCH_FILLED) b = &in->batches[(in->oldest + i) % BATCHES];
        if (!b && in->sync) continue;
        if (!b && in->stop) break;
        if (!b) {
            pthread_cond_wait(&in->changed, &in->lock);
            continue;
        }
        b->state = BATCH_TAKEN;
        pthread_mutex_unlock(&in->lock);
        batch_prepare(in, b);
        pthread_mutex_lock(&in->lock);
        b->state = BATCH_READY;
        pthread_cond_broadcast(&in->changed);
    }
    pthread_mutex_unlock(&in->lock);
    return NULL;
}

static void batch_reset(struct batch *b) {
    arena_reset(&b->arena);
    b->n = b->cap = b->n_drafts = b->n_notes = b->cap_notes = 0;
    b->rows = NULL;
    b->drafts = NULL;
    b->notes = NULL;
    b->rc = 0;
}

/* ---- the writer */

/* From here on batches are committed first and synced beside the writer; what is told of the import is what is on disk. Not on PostgreSQL, which may restart
 * between a commit and its sync and then goes on without it. */
static void sync_beside(struct intake *in) {
    struct ledger *l = in->ledger;
    if (!in->threaded || in->o.dry_run || l->in_transaction || db_kind_of(l->db) != DB_SQLITE) return;
    struct db *disk = NULL;
    if (ledger_connect(l, DB_READ, &disk, NULL) < 0) return;
    if (db_lazy(l->db, true, NULL) < 0) {
        db_close(disk);
        return;
    }
    pthread_mutex_lock(&in->lock);
    in->told = in->committed;
    in->disk = disk;
    pthread_mutex_unlock(&in->lock);
}

static void bulk(struct intake *in, bool on) {
    if (in->bulk == on) return;
    in->bulk = on;
    mem_bulk(on);
    db_bulk(in->ledger->db, on);
    if (on) sync_beside(in);
}

static void *write_all(void *arg) {
    struct intake *in = arg;
    size_t at = 0;
    pthread_mutex_lock(&in->lock);
    for (;;) {
        struct batch *b = &in->batches[at];
        bool go_on = !in->broken.code && !in->unsynced.code && !in->stop_writing;
        if (!go_on || b->state != BATCH_READY) {
            if (in->stop_writing) break;
            pthread_cond_wait(&in->changed, &in->lock);
            continue;
        }
        b->state = BATCH_WRITING;
        bool large = in->large;
        pthread_mutex_unlock(&in->lock);
        struct error why = {0};
        if (large) bulk(in, true);
        int rc = batch_write(in, b, &why);
        pthread_mutex_lock(&in->lock);
        if (rc < 0) {
            in->broken = why;
            in->broken.code = rc;
        } else {
            b->state = BATCH_WRITTEN;
        }
        at = (at + 1) % BATCHES;
        pthread_cond_broadcast(&in->changed);
    }
    pthread_mutex_unlock(&in->lock);
    return NULL;
}

/* ---- the door's thread */

/* Why nothing more is written, 0 while all is well. Called with the lock. */
static int trouble(const struct intake *in, struct error *err) {
    const struct error *why = in->broken.code ? &in->broken : &in->unsynced;
    if (why->code && err) *err = *why;
    return why->code;
}

/* Tells the oldest batch, which was written. Called with the lock. */
static int tell_oldest(struct intake *in, struct error *err) {
    struct batch *b = &in->batches[in->oldest];
    pthread_mutex_unlock(&in->lock);
    int rc = batch_tell(in, b, err);
    if (in->o.advanced) in->o.advanced(in->o.arg);
    batch_reset(b);
    pthread_mutex_lock(&in->lock);
    in->committed = in->counts;
    in->sync = in->disk && !in->unsynced.code;
    b->state = BATCH_FREE;
    in->oldest = (in->oldest + 1) % BATCHES;
    pthread_cond_broadcast(&in->changed);
    return rc;
}

/* Tells what was written, until a batch is free (or all are, when all is said). Called with the lock. */
static int tell_until(struct intake *in, bool all, struct error *err) {
    for (;;) {
        const struct batch *b = &in->batches[in->oldest];
        int rc = 0;
        if (b->state == BATCH_WRITTEN)
            rc = tell_oldest(in, err);
        else if (all ? b->state == BATCH_FREE : in->batches[in->filling].state == BATCH_FREE)
            return trouble(in, err);
        else if ((rc = trouble(in, err)) == 0)
            pthread_cond_wait(&in->changed, &in->lock);
        if (rc < 0) return rc;
    }
}

static int submit(struct intake *in, struct error *err) {
    struct batch *b = &in->batches[in->filling];
    int rc = 0;
    if (!b->n) return 0;
    in->submitted += b->n;
    bool large = b->n >= in->o.batch_rows || (!in->o.batch_now && in->submitted >= in->o.batch_rows); /* a list of a few rows is not worth it */
    if (!in->threaded) {
        if (large) bulk(in, true);
        batch_prepare(in, b);
        rc = batch_write(in, b, err);
        if (rc == 0) rc = batch_tell(in, b, err);
        batch_reset(b);
        return rc;
    }
    pthread_mutex_lock(&in->lock);
    in->large = in->large || large;
    b->state = BATCH_FILLED;
    pthread_cond_broadcast(&in->changed);
    in->filling = (in->filling + 1) % BATCHES;
    rc = tell_until(in, false, err);
    pthread_mutex_unlock(&in->lock);
    return rc;
}

static void threads_start(struct intake *in) {
    in->committed = in->counts;
    if (pthread_create(&in->worker, NULL, work, in) != 0) return;
    in->threaded = true;
    if (pthread_create(&in->writer, NULL, write_all, in) == 0) return;
    pthread_mutex_lock(&in->lock);
    in->stop = true;
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
    pthread_join(in->worker, NULL);
    in->threaded = false;
}

static int drain(struct intake *in, struct error *err) {
    int rc = submit(in, err);
    if (!in->threaded || rc < 0) return rc;
    pthread_mutex_lock(&in->lock);
    rc = tell_until(in, true, err);
    pthread_mutex_unlock(&in->lock);
    return rc;
}

/* The writer ends his batch, what he wrote is told unless nobody asks any more; the worker syncs what was committed. */
static void threads_stop(struct intake *in, bool tell) {
    if (!in->threaded) return;
    pthread_mutex_lock(&in->lock);
    in->stop_writing = true;
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
    pthread_join(in->writer, NULL);
    pthread_mutex_lock(&in->lock);
    while (tell && in->batches[in->oldest].state == BATCH_WRITTEN)
        if (tell_oldest(in, NULL) < 0) break;
    in->stop = true;
    pthread_cond_broadcast(&in->changed);
    pthread_mutex_unlock(&in->lock);
    pthread_join(in->worker, NULL);
    in->threaded = false;
    if (!in->disk) return;
    db_close(in->disk);
    in->disk = NULL;
    (void)db_lazy(in->ledger->db, false, &in->unsynced);
}

/* ---- the doors' side */

static int choose_map(struct intake *in, struct error *err) {
    struct buf unused = {.max = 1 << 16};
    int rc = 0;
    in->map = in->o.map;
    if (!in->map) {
        if (!in->o.target) return error_set(err, E_USAGE, NULL, "a list without a map needs a register / 没有映射时须指明登记册");
        char node[LEDGER_NODE_BYTES];
        ledger_node(in->ledger, node);
        rc = map_auto(in->ledger->catalog, in->o.target, text_of(node), in->o.headers, in->o.n_headers, &in->own_map, &unused, err);
        in->map = in->own_map;
    } else if (in->o.target && in->o.target != map_target(in->map)) {
        rc = error_set(err, E_USAGE, NULL, "this map is for register %s, not %s / 映射不属于该登记册", map_target(in->map)->name.s, in->o.target->name.s);
    }
    if (rc == 0) in->o.target = map_target(in->map);
    if (rc == 0) rc = map_bind(in->map, in->o.headers, in->o.n_headers, &in->binding, err);
    if (rc == 0 && in->o.map && map_unused(in->map, in->binding, in->o.headers, in->o.n_headers, &unused) < 0) rc = error_memory(err);
    if (rc == 0 && unused.n) {
        struct buf zh = {0};
        buf_printf(&zh, "未使用的列：%s", buf_cstr(&unused));
        struct buf en = {0};
        buf_printf(&en, "columns that nothing uses: %s", buf_cstr(&unused));
        intake_note(in, &(struct intake_note){.kind = NOTE_UNMATCHED, .field = TEXT(""), .zh = buf_cstr(&zh), .en = buf_cstr(&en)});
        buf_clear(&zh);
        buf_clear(&en);
    }
    buf_clear(&unused);
    if (rc == 0 && in->o.unread && *in->o.unread) {
        char zh[300], en[300];
        snprintf(zh, sizeof zh, "未读取的工作表：%.200s", in->o.unread);
        snprintf(en, sizeof en, "sheets that were not read: %.200s", in->o.unread);
        intake_note(in, &(struct intake_note){.kind = NOTE_UNMATCHED, .field = TEXT(""), .zh = zh, .en = en});
    }
    return rc;
}

int intake_new(struct ledger *l, const struct session *s, const struct intake_options *o, struct intake **ret, struct error *err) {
    struct intake *in = mem_alloc(sizeof *in);
    if (!in) return error_memory(err);
    in->ledger = l;
    in->session = *s;
    in->o = *o;
    in->started_ns = monotonic_ns();
    in->person = register_find(l->catalog, TEXT("person"));
    if (!in->o.batch_rows) in->o.batch_rows = BATCH_ROWS;
    for (size_t i = 0; i < BATCHES; i++) rng_seed_secret(&in->batches[i].secret);
    int rc = choose_map(in, err);
    if (rc == 0 && !access_anywhere(s, ACCESS_WRITE, in->o.target))
        rc = error_set(err, E_DENIED, in->o.target->name.s, "no role of this account may write %s / 该账户的角色无权写入该登记册", in->o.target->name.s);
    if (rc == 0 && !in->session.reason.n) {
        in->session.reason = arena_words(&in->scratch, "import %.200s", o->file ? o->file : "-");
        if (!in->session.reason.n) rc = error_memory(err);
    }
    if (rc == 0) rc = import_begin(in, err);
    if (rc == 0) {
        in->has_lock = pthread_mutex_init(&in->lock, NULL) == 0 && pthread_cond_init(&in->changed, NULL) == 0;
        if (in->has_lock && o->workers >= 0) threads_start(in);
        *ret = in;
        return 0;
    }
    intake_free(in);
    return rc;
}

int intake_row(struct intake *in, const struct text *cells, size_t n, int64_t line, bool damaged, struct error *err) {
    if (in->failed || in->finished) return error_set(err, E_USAGE, NULL, "the import has ended");
    struct batch *b = &in->batches[in->filling];
    size_t most = in->o.batch_now ? *in->o.batch_now : in->o.batch_rows;
    /* small ones first, each a fourth larger than the one before: the worker has each prepared while the writer is at the one before */
    if (in->threaded && most > BATCH_FIRST + in->submitted / 4) most = BATCH_FIRST + in->submitted / 4;
    int rc = !b->n && in->submitted ? batch_room(b, most) : 0; /* after one that was full comes another */
    if (rc == 0) rc = batch_add(b, cells, n, line, damaged, NULL);
    in->n_read++;
    if (rc < 0) rc = error_memory(err);
    if (rc == 0 && (b->n >= most || b->arena.used > BATCH_BYTES_MAX)) rc = submit(in, err);
    if (rc < 0) in->failed = true;
    return rc;
}

/* The rows that waited, once more, with everything that came after them in the store. */
static int waiting_pass(struct intake *in, struct error *err) {
    struct waiting *rows = in->waiting;
    struct arena held = in->waiting_arena;
    struct batch *b = &in->batches[in->filling];
    size_t n = in->n_waiting;
    int rc = 0;
    in->waiting = NULL;
    in->waiting_arena = (struct arena){0};
    in->n_waiting = in->cap_waiting = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct row *r = NULL;
        if (batch_add(b, rows[i].cells, rows[i].n_cells, rows[i].line, false, &r) < 0) {
            rc = error_memory(err);
            break;
        }
        r->again = true;
        r->content = rows[i].content;
        r->occurrence = rows[i].occurrence;
        r->counted = rows[i].counted;
        if (b->n >= in->o.batch_rows || i + 1 == n) rc = submit(in, err);
    }
    mem_free(rows);
    arena_clear(&held);
    return rc;
}

int intake_cancel(struct intake *in, struct error *err) {
    if (in->failed || in->finished) return error_set(err, E_USAGE, NULL, "the import has ended");
    threads_stop(in, true);
    if (in->ledger->in_transaction) ledger_rollback(in->ledger);
    bulk(in, false);
    in->failed = true; /* nothing more can be given to it */
    in->counts.elapsed_ns = monotonic_ns() - in->started_ns;
    return import_end(in, err);
}

int intake_finish(struct intake *in, struct error *err) {
    if (in->failed || in->finished) return error_set(err, E_USAGE, NULL, "the import has ended");
    int rc = drain(in, err);
    threads_stop(in, true);
    if (rc == 0 && (rc = in->unsynced.code) < 0 && err) *err = in->unsynced;
    for (int pass = 0; rc == 0 && in->n_waiting; pass++) {
        size_t before = in->n_waiting;
        rc = waiting_pass(in, err);
        if (in->n_waiting >= before && in->o.dry_run && in->o.pieces) break; /* what they refer to may be of an earlier piece */
        if (in->n_waiting >= before || pass >= PASSES_MAX) in->final = true;
    }
    if (rc == 0 && in->ledger->in_transaction && in->o.dry_run) ledger_rollback(in->ledger);
    if (rc == 0) rc = import_end(in, err);
    in->finished = rc == 0;
    in->failed = rc < 0;
    if (rc == 0) bulk(in, false);
    in->counts.elapsed_ns = monotonic_ns() - in->started_ns;
    return rc;
}

double intake_decided(const struct intake_counts *c, double part) {
    int64_t known = c->rows + c->skipped + c->waiting; /* one that waits for a reference may be counted already */
    return c->read > 0 ? part * (double)(known < c->read ? known : c->read) / (double)c->read : 0;
}

void intake_progress(struct intake *in, struct intake_counts *ret) {
    *ret = in->counts;
    if (in->has_lock) pthread_mutex_lock(&in->lock);
    if (in->disk) *ret = in->told;
    if (in->has_lock) pthread_mutex_unlock(&in->lock);
    ret->waiting = (int64_t)in->n_waiting;
    ret->read = in->n_read;
    if (!in->finished) ret->elapsed_ns = monotonic_ns() - in->started_ns;
}

void intake_free(struct intake *in) {
    if (!in) return;
    threads_stop(in, false);
    if (in->o.dry_run && !in->finished && in->ledger->in_transaction) ledger_rollback(in->ledger);
    bulk(in, false);
    if (in->has_lock) {
        pthread_mutex_destroy(&in->lock);
        pthread_cond_destroy(&in->changed);
    }
    for (size_t i = 0; i < BATCHES; i++) arena_clear(&in->batches[i].arena);
    arena_clear(&in->seen_arena);
    arena_clear(&in->cache_arena);
    arena_clear(&in->waiting_arena);
    arena_clear(&in->scratch);
    mem_free(in->waiting);
    map_unbind(in->binding);
    map_free(in->own_map);
    mem_free(in);
}

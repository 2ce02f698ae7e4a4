#include "ledger/queue.h"

#include <pthread.h>
#include <string.h>

#include "base/instant.h"
#include "ledger/repeat.h"
#include "ledger/settle.h"

enum { WAITING_MAX = 4096, DRAFTS_MAX = 4000, BATCH_MAX = 1024, GATHER_US = 900, GATHER_FROM = 8 /* fewer are not worth a pause */ };

struct ledger_queue {
    struct ledger *ledger;
    struct queue_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* under lock */
    struct submission *first, *last;
    size_t waiting, enough; /* enough: who gathers is woken when so many wait */
    bool stopping, ended;
    struct queue_counts counts;
    _Atomic size_t inside;  /* taken in and not answered */
    /* the thread's own */
    size_t usual;           /* are inside, as seen lately */
    int64_t began_ns;       /* the batch before */
    struct settler *settler; /* waits for the disk and answers, while this thread goes on */
    struct submission *batch[BATCH_MAX];
    struct draft **drafts;
    size_t drafts_cap;
};

/* ---- one transaction */

static void draft_again(struct draft *d, const struct session *s, uint32_t base) {
    d->session = s;
    d->base = base;
    if (d->unfit) return;
    d->outcome = OUTCOME_NONE;
    d->ret_id = 0;
    d->ret_version = 0;
    d->error = (struct error){0};
}

static int room_for(struct ledger_queue *q, size_t n, struct error *err) {
    if (n <= q->drafts_cap) return 0;
    struct draft **grown = mem_realloc(q->drafts, n * sizeof *grown);
    if (!grown) return error_memory(err);
    q->drafts = grown;
    q->drafts_cap = n;
    return 0;
}

/* Who has his answer from an earlier time is not applied again. */
static int find_repeats(struct ledger_queue *q, struct submission **list, size_t n, struct error *err) {
    for (size_t i = 0; i < n; i++) {
        struct submission *s = list[i];
        s->answered = false;
        s->error = (struct error){0};
        if (!s->key.n) continue;
        struct error why = {0};
        int rc = repeat_find(q->ledger, s->session->account, s->key, s->drafts, s->n, &s->answered, &why);
        if (rc < 0 && rc != E_CONFLICT) return error_set(err, rc, why.where, "%s", why.message);
        if (rc < 0) {
            s->error = why;
            s->answered = true;
        }
    }
    return 0;
}

/* What became of a submission's drafts. Mixed: some would be written although the whole is not wanted. */
static void judge(struct submission *s) {
    const struct draft *bad = NULL;
    bool good = false;
    s->mixed = false;
    s->error = (struct error){0};
    for (size_t i = 0; i < s->n; i++) {
        if (s->drafts[i]->outcome != OUTCOME_REJECTED)
            good = true;
        else if (!bad)
            bad = s->drafts[i];
    }
    if (!bad || s->each) return;
    s->error = bad->error;
    s->mixed = good;
}

static int apply(struct ledger_queue *q, struct submission **list, size_t n, bool *ret_mixed, instant *ret_now, struct error *err) {
    size_t n_drafts = 0, k = 0;
    int rc = find_repeats(q, list, n, err);
    for (size_t i = 0; i < n; i++) n_drafts += list[i]->n;
    if (!rc) rc = room_for(q, n_drafts, err);
    *ret_now = INSTANT_NONE;
    for (size_t i = 0; !rc && i < n; i++) {
        struct submission *s = list[i];
        if (s->answered) continue;
        if (*ret_now == INSTANT_NONE || s->session->now > *ret_now) *ret_now = s->session->now;
        for (size_t d = 0; d < s->n; d++) draft_again(s->drafts[d], s->session, (uint32_t)k);
        memcpy(q->drafts + k, s->drafts, s->n * sizeof *s->drafts);
        k += s->n;
    }
    if (!rc && k) rc = record_apply(q->ledger, list[0]->session, q->drafts, k, err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct submission *s = list[i];
        if (s->answered) continue;
        judge(s);
        *ret_mixed = *ret_mixed || s->mixed;
    }
    for (size_t i = 0; !rc && !*ret_mixed && i < n; i++) {
        struct submission *s = list[i];
        if (s->key.n && !s->answered && !s->error.code)
            rc = repeat_keep(q->ledger, s->session->account, s->key, s->drafts, s->n, s->session->now, err);
    }
    return rc;
}

enum attempt { ATTEMPT_DONE, ATTEMPT_MIXED };

/* One transaction over the list. Negative: nothing of it was kept; of trouble of the store's, nobody may know. */
static int attempt(struct ledger_queue *q, struct submission **list, size_t n, struct error *err) {
    bool mixed = false;
    instant now = 0;
    int rc = settler_check(q->settler, err);
    if (!rc) rc = ledger_begin(q->ledger, err);
    if (rc < 0) return rc;
    rc = apply(q, list, n, &mixed, &now, err);
    if (rc < 0 || mixed || now == INSTANT_NONE || list[0]->dry) { /* failed, or to be done otherwise, or nothing to do, or only tried */
        ledger_rollback(q->ledger);
        return rc < 0 ? rc : mixed ? ATTEMPT_MIXED : ATTEMPT_DONE;
    }
    rc = ledger_commit(q->ledger, now, err);
    if (rc < 0) return rc;
    pthread_mutex_lock(&q->lock);
    q->counts.commits++;
    pthread_mutex_unlock(&q->lock);
    return ATTEMPT_DONE;
}

/* ---- batches */

static void answer(void *arg, struct submission *s, const struct error *e) {
    struct ledger_queue *q = arg;
    struct error own = *e; /* done may free the submission */
    q->inside--;
    for (size_t i = 0; i < s->n; i++) {
        s->drafts[i]->session = NULL;
        s->drafts[i]->base = 0;
        if (own.code && !s->drafts[i]->unfit && s->drafts[i]->outcome != OUTCOME_REJECTED) {
            s->drafts[i]->outcome = OUTCOME_NONE; /* it was undone */
            s->drafts[i]->ret_id = 0;
        }
    }
    s->done(s->arg, own.code, &own);
}

/* What failed is told at once, what was committed when it is on disk. An answer found from an earlier time may be of a commit that is not yet. */
static void answer_all(struct ledger_queue *q, struct submission **list, size_t n, int rc, struct error *err) {
    struct submission *first = NULL, **end = &first, *last = NULL;
    if (rc < 0) error_set(err, rc, NULL, "%s", error_text(rc));
    for (size_t i = 0; i < n; i++) {
        if (rc < 0 || list[i]->error.code) {
            answer(q, list[i], rc < 0 ? err : &list[i]->error);
            continue;
        }
        *end = last = list[i];
        end = &list[i]->next;
    }
    if (last) settler_put(q->settler, first, last);
}

/* The store's own trouble: trying each alone would only meet it again. */
static bool is_store(int code) {
    return code == E_STORE || code == E_BUSY || code == E_IO || code == E_FULL || code == E_CORRUPT;
}

/* One submission alone; false when the store is in trouble and the rest need not try. */
static bool run_alone(struct ledger_queue *q, struct submission *s, struct error *err) {
    int rc = attempt(q, &s, 1, err);
    answer_all(q, &s, 1, rc, err);
    return rc >= 0 || !is_store(rc);
}

static void run_each(struct ledger_queue *q, struct submission **list, size_t n) {
    struct error err = {0};
    size_t i = 0;
    pthread_mutex_lock(&q->lock);
    q->counts.retries += (int64_t)n;
    pthread_mutex_unlock(&q->lock);
    while (i < n) {
        err = (struct error){0};
        if (!run_alone(q, list[i++], &err)) break;
    }
    answer_all(q, list + i, n - i, err.code, &err);
}

/* All in one transaction; those that cannot be kept as a whole leave it, then the rest go again. */
static void run_batch(struct ledger_queue *q, struct submission **list, size_t n) {
    for (;;) {
        struct error err = {0};
        int rc = attempt(q, list, n, &err);
        if (rc == ATTEMPT_MIXED && n > 1) {
            struct submission *mixed[BATCH_MAX];
            size_t n_mixed = 0, kept = 0;
            for (size_t i = 0; i < n; i++) {
                if (list[i]->mixed)
                    mixed[n_mixed++] = list[i];
                else
                    list[kept++] = list[i];
            }
            run_each(q, mixed, n_mixed);
            n = kept;
            if (!n) return;
            continue;
        }
        if (rc < 0 && n > 1 && !is_store(rc))
            run_each(q, list, n);
        else
            answer_all(q, list, n, rc, &err);
        return;
    }
}

static bool same_request(const struct submission *a, const struct submission *b) {
    return a->key.n && a->tag == b->tag && text_eq(a->key, b->key) && text_eq(a->session->account, b->session->account);
}

/* A commit costs nearly the same for ten as for fifty, and who was answered a moment ago is likely to come again: of those usually inside two thirds are
 * awaited, but not for longer than the pause between two batches. Under the lock. */
static void gather(struct ledger_queue *q) {
    size_t faded = q->usual - (q->usual + 7) / 8, inside = q->inside;
    q->usual = inside > faded ? inside : faded;
    if (q->usual >= GATHER_FROM && !q->first->alone) {
        int64_t until = q->began_ns + q->options.gather_us * 1000;
        struct timespec at = {until / 1000000000, until % 1000000000};
        q->enough = q->usual * 2 / 3;
        while (q->waiting < q->enough && !q->stopping && pthread_cond_timedwait(&q->wake, &q->lock, &at) == 0) {}
        q->enough = 0;
    }
    q->began_ns = monotonic_ns();
}

/* Takes what waits, in order, up to one transaction's worth. */
static size_t take(struct ledger_queue *q) {
    size_t n = 0, n_drafts = 0;
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->stopping) pthread_cond_wait(&q->wake, &q->lock);
    if (q->first) gather(q);
    while (q->first && n < BATCH_MAX) {
        struct submission *s = q->first;
        if (n && (s->alone || n_drafts + s->n > q->options.drafts_max)) break;
        bool twice = false; /* the second finds the answer of the first */
        for (size_t i = 0; i < n && s->key.n && !twice; i++) twice = same_request(s, q->batch[i]);
        if (twice) break;
        q->first = s->next;
        if (!q->first) q->last = NULL;
        q->waiting--;
        q->batch[n++] = s;
        n_drafts += s->n;
        if (s->alone) break;
    }
    q->counts.submissions += (int64_t)n;
    q->counts.drafts += (int64_t)n_drafts;
    pthread_mutex_unlock(&q->lock);
    return n;
}

static void *queue_main(void *arg) {
    struct ledger_queue *q = arg;
    size_t n;
    pthread_setname_np(pthread_self(), "queue");
    while ((n = take(q)) > 0) {
        if (!q->batch[0]->run) {
            run_batch(q, q->batch, n);
            continue;
        }
        struct submission *s = q->batch[0];
        struct error err = {0};
        int rc = settler_check(q->settler, &err);
        if (rc >= 0) rc = s->run(q->ledger, s->arg, &err);
        if (q->ledger->in_transaction) { /* it failed on its way, or forgot the commit */
            ledger_rollback(q->ledger);
            if (rc >= 0) rc = E_USAGE;
        }
        s->error = (struct error){0};
        answer_all(q, &s, 1, rc, &err); /* it may have committed */
    }
    return NULL;
}

static void settled(void *arg) {
    struct ledger_queue *q = arg;
    if (q->options.committed) q->options.committed(q->options.committed_arg);
}

/* ---- from outside */

int ledger_queue_start(struct ledger *l, const struct queue_options *o, struct ledger_queue **ret, struct error *err) {
    struct ledger_queue *q = mem_alloc(sizeof *q);
    if (!q) return error_memory(err);
    q->ledger = l;
    if (o) q->options = *o;
    if (!q->options.waiting_max) q->options.waiting_max = WAITING_MAX;
    if (!q->options.drafts_max) q->options.drafts_max = DRAFTS_MAX;
    if (!q->options.gather_us) q->options.gather_us = GATHER_US;
    struct settle_options settle = {.settled = settled, .answer = answer, .arg = q};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = settler_start(l, &settle, &q->settler, err);
    if (!rc) rc = db_lazy(l->db, true, err);
    int why = rc ? 0 : pthread_create(&q->thread, NULL, queue_main, q);
    if (why) rc = error_set(err, E_BUSY, NULL, "no thread for the queue: %s", strerror(why));
    if (rc) {
        settler_stop(q->settler);
        db_lazy(l->db, false, NULL);
        pthread_cond_destroy(&q->wake);
        pthread_mutex_destroy(&q->lock);
        mem_free(q);
        return rc;
    }
    *ret = q;
    return 0;
}

static int enqueue(struct ledger_queue *q, struct submission *s, struct error *err) {
    pthread_mutex_lock(&q->lock);
    bool full = q->waiting >= q->options.waiting_max, stopping = q->stopping;
    if (!full && !stopping) {
        s->next = NULL;
        if (q->last)
            q->last->next = s;
        else
            q->first = s;
        q->last = s;
        q->waiting++;
        q->inside++;
        if (q->waiting >= q->enough) pthread_cond_signal(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
    if (stopping) return error_set(err, E_BUSY, NULL, "the queue is stopping / 正在停止");
    if (full) return error_set(err, E_BUSY, NULL, "%zu requests wait already; try again", q->options.waiting_max);
    return 0;
}

int ledger_submit(struct ledger_queue *q, struct submission *s, struct error *err) {
    struct rng secret;
    int rc = 0;
    if (s->dry && s->key.n) return error_set(err, E_USAGE, "key", "what is only tried has no key / 试运行不得带幂等键");
    if (s->each && s->key.n) return error_set(err, E_USAGE, "key", "a request with a key is taken whole or not at all");
    if (s->n > q->options.waiting_max * 64) return error_set(err, E_TOO_LARGE, NULL, "too many records in one request");
    bool seals = false; /* randomness comes from the system, which is dear */
    for (size_t i = 0; i < s->n; i++) seals = seals || text_is(s->drafts[i]->reg->name, "person"); /* only a person gets a key here */
    if (seals) rng_seed_secret(&secret);
    s->alone = s->dry;
    s->run = NULL;
    s->error = (struct error){0};
    for (size_t i = 0; !rc && i < s->n; i++) {
        struct draft *d = s->drafts[i];
        rc = record_prepare(q->ledger, d, s->arena, &secret, s->session->now);
        if (rc < 0) error_set(err, rc, d->error.where[0] ? d->error.where : NULL, "%s", d->error.message);
        if (rc < 0 && s->each) rc = 0;
        /* what follows in a batch must see the plan that was just adopted, and who is accountable now */
        s->alone = s->alone || text_is(d->reg->name, "adoption") || text_is(d->reg->name, "organisation");
    }
    if (seals) explicit_bzero(&secret, sizeof secret);
    if (rc < 0) return rc;
    if (s->each && err) *err = (struct error){0};
    if (s->key.n) {
        rc = repeat_print(q->ledger, s->key, s->drafts, s->n, err);
        if (rc < 0) return rc;
        s->tag = digest_64(s->key);
    }
    return enqueue(q, s, err);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
    int rc;
    struct error error;
    int (*run)(struct ledger *l, void *arg, struct error *err);
    void *arg;
};

static void waiter_done(void *arg, int rc, const struct error *err) {
    struct waiter *w = arg;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    w->error = *err;
    w->done = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static int waiter_run(struct ledger *l, void *arg, struct error *err) {
    struct waiter *w = arg;
    return w->run(l, w->arg, err);
}

static int wait_for(struct ledger_queue *q, struct submission *s, struct waiter *w,
                    int (*submit)(struct ledger_queue *q, struct submission *s, struct error *err), struct error *err) {
    if (pthread_equal(pthread_self(), q->thread)) return error_set(err, E_USAGE, NULL, "the queue cannot wait for itself");
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    s->done = waiter_done;
    s->arg = w;
    int rc = submit(q, s, err);
    if (rc == 0) {
        pthread_mutex_lock(&w->lock);
        while (!w->done) pthread_cond_wait(&w->wake, &w->lock);
        pthread_mutex_unlock(&w->lock);
        rc = w->rc;
        if (rc < 0) error_set(err, rc, w->error.where[0] ? w->error.where : NULL, "%s", w->error.message);
    }
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    return rc;
}

int ledger_submit_wait(struct ledger_queue *q, struct submission *s, struct error *err) {
    struct waiter w = {0};
    return wait_for(q, s, &w, ledger_submit, err);
}

int ledger_queue_call(struct ledger_queue *q, int (*run)(struct ledger *l, void *arg, struct error *err), void *arg, struct error *err) {
    struct waiter w = {.run = run, .arg = arg};
    struct submission s = {.run = waiter_run, .alone = true};
    return wait_for(q, &s, &w, enqueue, err);
}

int ledger_queue_post(struct ledger_queue *q, struct submission *s, struct error *err) {
    s->alone = true;
    s->n = 0;
    s->key = (struct text){"", 0};
    return enqueue(q, s, err);
}

size_t ledger_queue_waiting(struct ledger_queue *q) {
    pthread_mutex_lock(&q->lock);
    size_t n = q->waiting;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void ledger_queue_end(struct ledger_queue *q) {
    if (!q || q->ended) return;
    pthread_mutex_lock(&q->lock);
    q->stopping = q->ended = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    settler_stop(q->settler);
    db_lazy(q->ledger->db, false, NULL); /* whoever fails here finds the store gone with his next transaction */
}

void ledger_queue_stop(struct ledger_queue *q) {
    if (!q) return;
    ledger_queue_end(q);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    mem_free(q->drafts);
    mem_free(q);
}

void ledger_queue_counts(struct ledger_queue *q, struct queue_counts *ret) {
    pthread_mutex_lock(&q->lock);
    *ret = q->counts;
    pthread_mutex_unlock(&q->lock);
}

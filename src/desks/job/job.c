#include "desks/job/inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, WAITING_MAX = 64, ACCOUNT_MAX = 50, KEEP_S = 24 * 3600, SWEEP_S = 600 };
#define UPLOAD_MAX (INT64_C(512) << 20)

static int unknown(struct error *err) {
    return error_set(err, E_UNKNOWN, "job", "there is no such job / 没有该任务");
}

/* ---- one job */

struct job *job_new(const char *id, const char *kind, const char *account) {
    struct job *job = mem_alloc(sizeof *job);
    if (!job) return NULL;
    size_t n = strlen(account);
    snprintf(job->id, sizeof job->id, "%s", id);
    snprintf(job->kind, sizeof job->kind, "%s", kind);
    job->account = mem_alloc(n + 1);
    job->params = json_object();
    job->result = json_object();
    if (!job->account || !job->params || !job->result) {
        job_free(job);
        return NULL;
    }
    memcpy(job->account, account, n);
    return job;
}

void job_free(struct job *job) {
    if (!job) return;
    mem_free(job->account);
    json_decref(job->params);
    json_decref(job->result);
    arena_clear(&job->arena);
    mem_free(job);
}

/* Newest first: by when it was made, then by id. */
void jobs_add(struct jobs *j, struct job *job) {
    struct job **at = &j->all;
    while (*at && ((*at)->created > job->created || ((*at)->created == job->created && strcmp((*at)->id, job->id) > 0))) at = &(*at)->next;
    job->next = *at;
    *at = job;
    j->n++;
}

static void take_out(struct jobs *j, struct job *job) {
    struct job **at = &j->all;
    while (*at && *at != job) at = &(*at)->next;
    if (*at) *at = job->next;
    j->n--;
}

static bool sees(const struct session *s, const struct job *job) {
    bool own = strlen(job->account) == s->account.n && !memcmp(job->account, s->account.s, s->account.n);
    for (size_t i = 0; i < s->n_grants && !own; i++) own = text_is(s->grants[i].role, "root") && !s->grants[i].region.n;
    return own;
}

struct job *job_find(struct jobs *j, const struct session *s, const char *kind, const char *id) {
    for (struct job *job = j->all; job; job = job->next)
        if (!strcmp(job->id, id) && (!kind || !strcmp(job->kind, kind))) return sees(s, job) ? job : NULL;
    return NULL;
}

bool job_busy(const struct job *job) {
    return job->state == JOB_QUEUED || job->state == JOB_RUNNING;
}

const struct job_step *job_step_find(const char *kind, const char *name) {
    const struct job_step *const lists[] = {job_import_steps, job_other_steps};
    for (size_t i = 0; i < 2; i++)
        for (const struct job_step *s = lists[i]; s->kind; s++)
            if (!strcmp(s->kind, kind) && !strcmp(s->name, name)) return s;
    return NULL;
}

/* The asker, copied: his request is over long before the job. */
static int session_keep(struct job *job, const struct session *s) {
    arena_clear(&job->arena);
    return session_copy(s, &job->arena, &job->asker) ? 0 : E_MEMORY;
}

/* ---- what a step asks for */

instant job_now(const struct job_run *x) {
    return x->jobs->o.now ? x->jobs->o.now(x->jobs->o.arg) : x->s.now + (monotonic_ns() - x->job->started_ns) / 1000000000;
}

void job_changed(const struct job_run *x) {
    if (x->jobs->o.changed) x->jobs->o.changed(x->jobs->o.arg);
}

struct text job_param(const struct job_run *x, const char *name) {
    const json_t *v = json_object_get(x->params, name);
    return json_is_string(v) ? (struct text){json_string_value(v), json_string_length(v)} : (struct text){"", 0};
}

int job_going(const struct job_run *x, struct error *err) {
    if (!atomic_load_explicit(&x->job->cancel, memory_order_relaxed)) return 0;
    return error_set(err, E_REFUSED, "job", "it was cancelled / 任务已取消");
}

int job_result(struct job_run *x, const char *name, json_t *value, struct error *err) {
    pthread_mutex_lock(&x->jobs->lock);
    int rc = json_object_set_new(x->job->result, name, value) == 0 ? spool_save(x->jobs, x->job, err) : error_memory(err);
    job_tell(x->jobs, x->job);
    pthread_mutex_unlock(&x->jobs->lock);
    return rc;
}

/* ---- the threads */

static int ledger_for(struct jobs *j, struct ledger **l, struct error *err) {
    if (*l) return 0;
    int rc = ledger_open(&j->o.ledger, l, err);
    if (rc == 0) (*l)->gate = j->o.gate;
    return rc;
}

static void run_one(struct jobs *j, struct job *job, struct ledger **l) {
    struct job_run x = {.jobs = j, .job = job, .s = job->asker, .params = json_deep_copy(job->params)};
    struct error err = {0};
    pthread_mutex_unlock(&j->lock);
    int rc = x.params ? ledger_for(j, l, &err) : error_memory(&err);
    x.l = *l;
    if (rc == 0) rc = job->wanted->run(&x, &err);
    if (*l && (*l)->in_transaction) ledger_rollback(*l);
    if (rc == E_STORE || rc == E_CORRUPT) { /* opened anew for the next */
        ledger_close(*l);
        *l = NULL;
    }
    job_changed(&x);
    instant now = job_now(&x);
    json_decref((json_t *)x.params);
    pthread_mutex_lock(&j->lock);
    bool stopped = atomic_load(&job->cancel);
    job->state = rc == 0 ? JOB_DONE : !stopped ? JOB_FAILED : j->stopping ? JOB_INTERRUPTED : JOB_CANCELLED;
    job->error = rc == 0 ? (struct error){0} : err;
    job->error.code = rc;
    job->finished = job->touched = now;
    j->running--;
    j->finished++;
    if (spool_save(j, job, &err) < 0 && rc == 0) { /* what it did stands; only its memory is short */
        job->error = err;
    }
    job_tell(j, job);
}

static void *work(void *arg) {
    struct jobs *j = arg;
    struct ledger *l = NULL;
    pthread_mutex_lock(&j->lock);
    while (!j->stopping) {
        struct job *job = j->first;
        if (!job) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += SWEEP_S;
            pthread_cond_timedwait(&j->wake, &j->lock, &until);
            instant now = j->o.now && !j->first && !j->stopping ? j->o.now(j->o.arg) : 0;
            if (now) {
                pthread_mutex_unlock(&j->lock);
                jobs_sweep(j, now);
                pthread_mutex_lock(&j->lock);
            }
            continue;
        }
        j->first = job->next_queued;
        if (!j->first) j->last = NULL;
        j->queued--;
        j->running++;
        job->state = JOB_RUNNING;
        job->started = j->o.now ? j->o.now(j->o.arg) : job->asker.now;
        job->started_ns = monotonic_ns();
        job->done = job->total = job->rows = 0;
        spool_save(j, job, NULL);
        job_tell(j, job);
        run_one(j, job, &l);
    }
    pthread_mutex_unlock(&j->lock);
    ledger_close(l);
    return NULL;
}

int jobs_open(const struct jobs_options *o, struct jobs **ret, struct error *err) {
    struct jobs *j = mem_alloc(sizeof *j);
    if (!j) return error_memory(err);
    j->o = *o;
    if (!j->o.workers) j->o.workers = WORKERS;
    if (j->o.workers > 16) j->o.workers = 16;
    if (!j->o.waiting_max) j->o.waiting_max = WAITING_MAX;
    if (!j->o.account_max) j->o.account_max = ACCOUNT_MAX;
    if (!j->o.keep_s) j->o.keep_s = KEEP_S;
    if (!j->o.upload_max) j->o.upload_max = UPLOAD_MAX;
    rng_seed_secret(&j->random);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    j->spool = arena_printf(&j->arena, "%s/spool", o->ledger.dir ? o->ledger.dir : "./data");
    int rc = j->spool ? spool_open(j, err) : error_memory(err);
    for (int i = 0; rc == 0 && i < j->o.workers; i++) {
        if (pthread_create(&j->threads[i], NULL, work, j) != 0)
            rc = error_set(err, E_BUSY, NULL, "no thread for jobs / 无法启动任务线程");
        else
            j->n_threads++;
    }
    if (rc < 0) {
        jobs_close(j);
        return rc;
    }
    *ret = j;
    return 0;
}

void jobs_close(struct jobs *j) {
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    for (struct job *job = j->all; job; job = job->next) {
        if (job->state == JOB_RUNNING) atomic_store(&job->cancel, true);
        if (job->state != JOB_QUEUED) continue;
        job->state = JOB_INTERRUPTED;
        spool_save(j, job, NULL);
    }
    j->first = j->last = NULL;
    pthread_cond_broadcast(&j->wake);
    pthread_mutex_unlock(&j->lock);
    for (size_t i = 0; i < j->n_threads; i++) pthread_join(j->threads[i], NULL);
    for (struct job *job = j->all, *next; job; job = next) {
        next = job->next;
        job_free(job);
    }
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    memset(&j->random, 0, sizeof j->random);
    arena_clear(&j->arena);
    mem_free(j);
}

/* ---- asking */

void job_random_id(struct jobs *j, char out[JOB_ID_BYTES]) {
    unsigned char bytes[8];
    pthread_mutex_lock(&j->lock);
    rng_bytes(&j->random, bytes, sizeof bytes);
    pthread_mutex_unlock(&j->lock);
    hex_of(bytes, sizeof bytes, out);
}

static void forget(struct jobs *j, struct job *job) {
    job_gone(j, job);
    take_out(j, job);
    spool_remove(j, job->id);
    job_free(job);
}

/* What is over and has left no file gives way, the oldest of the account first: a comparison, a draft or a proof is asked for again, a list or an export somebody
 * comes back for. */
static bool gives_way(const struct job *job) {
    return !job_busy(job) && job->state != JOB_NEW && strcmp(job->kind, "import") != 0 && strcmp(job->kind, "export") != 0;
}

static int make_room(struct jobs *j, const char *account, struct error *err) {
    size_t n = 0;
    struct job *oldest = NULL;
    for (struct job *job = j->all; job; job = job->next) {
        if (strcmp(job->account, account) != 0) continue;
        n++;
        if (gives_way(job)) oldest = job;
    }
    if (n < j->o.account_max) return 0;
    if (!oldest) return error_set(err, E_BUSY, "job", "%zu jobs of this account are kept already; delete one / 该账户已有 %zu 个任务,请先删除", n, n);
    forget(j, oldest);
    return 0;
}

int job_make(struct jobs *j, const struct session *s, const char *kind, json_t *params, char ret_id[JOB_ID_BYTES], struct error *err) {
    struct arena a = {0};
    char id[JOB_ID_BYTES];
    job_random_id(j, id);
    struct text account = arena_text(&a, s->account);
    struct job *job = account.s ? job_new(id, kind, account.s) : NULL;
    int rc = job && json_object_update(job->params, params) == 0 ? 0 : error_memory(err);
    json_decref(params);
    arena_clear(&a);
    if (rc < 0) {
        job_free(job);
        return rc;
    }
    job->created = job->touched = s->now;
    pthread_mutex_lock(&j->lock);
    rc = make_room(j, job->account, err);
    if (rc == 0) rc = spool_make(j, job->id, err);
    if (rc == 0) rc = spool_save(j, job, err);
    if (rc == 0) jobs_add(j, job);
    pthread_mutex_unlock(&j->lock);
    if (rc < 0)
        job_free(job);
    else
        memcpy(ret_id, id, sizeof id);
    return rc;
}

static int may_step(const struct jobs *j, const struct job *job, const struct job_step *step, struct error *err) {
    if (job_busy(job)) return error_set(err, E_CONFLICT, "job", "it is at work already / 任务正在进行");
    if (job->state == JOB_DONE && !step->again && !strcmp(job->step, step->name)) return error_set(err, E_REFUSED, "job", "this was done already / 该步骤已完成");
    if (j->queued >= j->o.waiting_max) return error_set(err, E_BUSY, "job", "%zu jobs wait already; try again later / 等待的任务过多,请稍后再试", j->queued);
    if (j->stopping) return error_set(err, E_BUSY, "job", "the server is stopping / 正在停止");
    return 0;
}

int job_ask(struct jobs *j, const struct session *s, const char *kind, const char *id, const char *name, json_t *params, struct error *err) {
    const struct job_step *step = job_step_find(kind, name);
    pthread_mutex_lock(&j->lock);
    struct job *job = job_find(j, s, kind, id);
    int rc = job && step ? may_step(j, job, step, err) : unknown(err);
    if (rc == 0 && (session_keep(job, s) < 0 || (params && json_object_update(job->params, params) != 0))) rc = error_memory(err);
    if (rc == 0) {
        enum job_state was = job->state;
        snprintf(job->step, sizeof job->step, "%s", name);
        job->wanted = step;
        job->state = JOB_QUEUED;
        job->touched = s->now;
        job->error = (struct error){0};
        atomic_store(&job->cancel, false);
        rc = spool_save(j, job, err);
        if (rc < 0) job->state = was;
    }
    if (rc == 0) {
        job->next_queued = NULL;
        if (j->last)
            j->last->next_queued = job;
        else
            j->first = job;
        j->last = job;
        j->queued++;
        job_tell(j, job);
        pthread_cond_signal(&j->wake);
    }
    pthread_mutex_unlock(&j->lock);
    json_decref(params);
    return rc;
}

int job_cancel(struct jobs *j, const struct session *s, const char *kind, const char *id, struct error *err) {
    pthread_mutex_lock(&j->lock);
    struct job *job = job_find(j, s, kind, id);
    int rc = !job ? unknown(err) : job_busy(job) ? 0 : error_set(err, E_REFUSED, "job", "it is not at work / 任务未在进行");
    if (rc == 0 && job->state == JOB_QUEUED) {
        struct job **at = &j->first, *last = NULL;
        for (; *at && *at != job; at = &(*at)->next_queued) last = *at;
        if (*at) *at = job->next_queued;
        if (j->last == job) j->last = last;
        j->queued--;
        job->state = JOB_CANCELLED;
        job->finished = job->touched = s->now;
        job_tell(j, job);
        rc = spool_save(j, job, err);
    } else if (rc == 0) {
        atomic_store(&job->cancel, true);
    }
    pthread_mutex_unlock(&j->lock);
    return rc;
}

int job_delete(struct jobs *j, const struct session *s, const char *kind, const char *id, struct error *err) {
    pthread_mutex_lock(&j->lock);
    struct job *job = job_find(j, s, kind, id);
    int rc = !job ? unknown(err) : job_busy(job) ? error_set(err, E_CONFLICT, "job", "it is at work; cancel it first / 任务正在进行,请先取消") : 0;
    if (rc == 0) forget(j, job);
    pthread_mutex_unlock(&j->lock);
    return rc;
}

void jobs_sweep(struct jobs *j, instant now) {
    pthread_mutex_lock(&j->lock);
    for (struct job *job = j->all, *next; job; job = next) {
        next = job->next;
        if (!job_busy(job) && job->touched <= now - j->o.keep_s) forget(j, job);
    }
    pthread_mutex_unlock(&j->lock);
}

/* ---- showing */

static void set_time(json_t *o, const char *name, instant t, int32_t zone_s) {
    char words[INSTANT_TEXT];
    if (!t) return;
    instant_format(t, zone_s, words);
    json_object_set_new(o, name, json_string(words));
}

static json_t *show(const struct jobs *j, const struct job *job, bool zh) {
    static const char *const state_words[JOB_STATE_COUNT] = {
#define X(name, word) [JOB_##name] = word,
        JOB_STATES(X)
#undef X
    };
    int32_t zone_s = j->o.ledger.zone_s ? j->o.ledger.zone_s : ZONE_CHINA_S;
    json_t *o = json_pack("{s:s, s:s, s:s, s:O, s:O}", "id", job->id, "kind", job->kind, "state", state_words[job->state], "params", job->params, "result", job->result);
    if (!o) return NULL;
    if (*job->step) json_object_set_new(o, "step", json_string(job->step));
    set_time(o, "created_at", job->created, zone_s);
    set_time(o, "finished_at", job_busy(job) ? 0 : job->finished, zone_s);
    set_time(o, "deleted_at", job_busy(job) ? 0 : job->touched + j->o.keep_s, zone_s);
    if (job->state == JOB_RUNNING) {
        int64_t done = job->done, total = job->total;
        double seconds = (double)(monotonic_ns() - job->started_ns) / 1e9, share = total > 0 ? (double)done / (double)total : 0;
        json_t *p = json_pack("{s:I, s:I, s:I, s:f}", "done", (json_int_t)done, "total", (json_int_t)total, "rows", (json_int_t)job->rows, "seconds", seconds);
        if (share > 0.001 && share <= 1) json_object_set_new(p, "left_s", json_real(seconds * (1 - share) / share));
        json_object_set_new(o, "progress", p);
    }
    if (job->error.code) {
        char words[ERROR_MESSAGE_MAX], place[2 * ERROR_WHERE_MAX];
        error_words(job->error.code, job->error.message, zh, words, sizeof words);
        error_place(job->error.where, zh, place, sizeof place);
        json_object_set_new(o, "error", json_pack("{s:s, s:s, s:s}", "code", error_name(job->error.code), "detail", words, "where", place));
    }
    return o;
}

/* Copied whole: what is shown must not change under the reader. */
json_t *job_shown(const struct jobs *j, const struct job *job, bool zh) {
    json_t *o = show(j, job, zh), *copy = o ? json_deep_copy(o) : NULL;
    json_decref(o);
    return copy;
}

int job_show(struct jobs *j, const struct session *s, const char *kind, const char *id, json_t **ret, struct error *err) {
    pthread_mutex_lock(&j->lock);
    const struct job *job = job_find(j, s, kind, id);
    json_t *o = job ? job_shown(j, job, s->zh) : NULL;
    pthread_mutex_unlock(&j->lock);
    if (!job) return unknown(err);
    if (!o) return error_memory(err);
    *ret = o;
    return 0;
}

int job_list(struct jobs *j, const struct session *s, const char *kind, json_t **ret, struct error *err) {
    json_t *list = json_array();
    pthread_mutex_lock(&j->lock);
    for (const struct job *job = j->all; job; job = job->next) {
        if ((kind && strcmp(job->kind, kind) != 0) || strlen(job->account) != s->account.n || memcmp(job->account, s->account.s, s->account.n) != 0) continue;
        json_array_append_new(list, job_shown(j, job, s->zh));
    }
    pthread_mutex_unlock(&j->lock);
    if (!list) return error_memory(err);
    *ret = list;
    return 0;
}

int job_file(struct jobs *j, const struct session *s, const char *kind, const char *id, const char *which, char path[JOB_PATH_BYTES], char name[256], struct error *err) {
    char at[JOB_PATH_BYTES];
    pthread_mutex_lock(&j->lock);
    const struct job *job = job_find(j, s, kind, id);
    const char *as = job ? json_string_value(json_object_get(json_object_get(job->result, which), "file")) : NULL;
    int rc = job ? 0 : unknown(err);
    if (rc == 0) job_path(j, job->id, which, at);
    if (rc == 0 && (!as || job_busy(job) || access(at, R_OK) != 0)) rc = error_set(err, E_UNKNOWN, which, "there is no such file of this job / 该任务没有此文件");
    if (rc == 0) {
        memcpy(path, at, sizeof at);
        snprintf(name, 256, "%s", as);
    }
    pthread_mutex_unlock(&j->lock);
    return rc;
}

void jobs_count(struct jobs *j, struct job_counts *ret) {
    pthread_mutex_lock(&j->lock);
    *ret = (struct job_counts){(int64_t)j->n, (int64_t)j->queued, (int64_t)j->running, j->finished};
    pthread_mutex_unlock(&j->lock);
}

/* desks/job, private: the job itself, and what a step sees of it. */
#ifndef TOCSIN_DESKS_JOB_INSIDE_H
#define TOCSIN_DESKS_JOB_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "desks/job/job.h"

#define JOB_STATES(X) X(NEW, "new") X(QUEUED, "queued") X(RUNNING, "running") X(DONE, "done") X(FAILED, "failed") X(CANCELLED, "cancelled") X(INTERRUPTED, "interrupted")
enum job_state {
#define X(name, word) JOB_##name,
    JOB_STATES(X)
#undef X
    JOB_STATE_COUNT
};

struct job_step;

struct job {
    struct job *next;       /* of all, newest first */
    struct job *next_queued;
    char id[JOB_ID_BYTES];
    char kind[16], step[16];
    char *account;
    enum job_state state;
    instant created, started, finished, touched;
    int64_t started_ns;
    json_t *params, *result; /* objects; changed under the lock only, by the running step through job_result */
    struct error error;
    /* of the step that waits or runs */
    const struct job_step *wanted;
    struct arena arena;     /* the asker */
    struct session asker;
    atomic_bool cancel;
    int64_t told_ns;        /* the running step's own */
    _Atomic int64_t done, total, rows;
};

struct jobs {
    struct jobs_options o;
    struct arena arena;
    char *spool;
    struct text region;     /* of the node, from the first ledger opened */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *all, *first, *last;
    struct job_watcher *watchers;
    size_t n, queued, running;
    int64_t finished;
    bool stopping;
    size_t n_threads;
    pthread_t threads[16];
    struct rng random;
};

/* What a running step holds. */
struct job_run {
    struct jobs *jobs;
    struct job *job;
    struct ledger *l;       /* this thread's own */
    struct session s;
    const json_t *params;   /* as they were when it began */
};

struct job_step {
    const char *kind, *name;
    int (*run)(struct job_run *x, struct error *err);
    bool again;             /* may be asked for when it was done */
};
const struct job_step *job_step_find(const char *kind, const char *name);
extern const struct job_step job_import_steps[], job_other_steps[]; /* ended by a NULL kind */

/* Sets a member of the result (given). */
int job_result(struct job_run *x, const char *name, json_t *value, struct error *err);
/* A parameter, "" when it has none. */
struct text job_param(const struct job_run *x, const char *name);
/* E_REFUSED when the job was cancelled or the server stops. */
int job_going(const struct job_run *x, struct error *err);
/* Path of a file in the job's folder. */
void job_path(const struct jobs *j, const char *id, const char *name, char out[JOB_PATH_BYTES]);
/* Now, by the door's clock. */
instant job_now(const struct job_run *x);
void job_changed(const struct job_run *x);

/* job.c, under the lock: the job when the session may see it; whether it waits or runs; a copy of what job_show says. */
struct job *job_find(struct jobs *j, const struct session *s, const char *kind, const char *id);
bool job_busy(const struct job *job);
json_t *job_shown(const struct jobs *j, const struct job *job, bool zh);
/* watch.c, under the lock: something is new about the job; it is about to be freed. */
void job_tell(struct jobs *j, const struct job *job);
void job_gone(struct jobs *j, const struct job *job);
/* watch.c, without the lock, by the running step as often as it likes: told a few times a second. */
void job_advanced(const struct job_run *x);

/* spool.c: the folder. Called with the lock. */
int spool_open(struct jobs *j, struct error *err);
int spool_make(struct jobs *j, const char *id, struct error *err);
int spool_save(struct jobs *j, const struct job *job, struct error *err);
void spool_remove(struct jobs *j, const char *id);
/* job.c: takes a job read from the spool. */
struct job *job_new(const char *id, const char *kind, const char *account);
void job_free(struct job *job);
void jobs_add(struct jobs *j, struct job *job);
void job_random_id(struct jobs *j, char out[JOB_ID_BYTES]);

#endif

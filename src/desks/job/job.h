/* desks/job: long work beside the queue. An import, a comparison of plans, the proof of the journal, an export take seconds to minutes; they run
 * on a few threads of their own, each with a ledger of its own, and take turns with the queue through the ledger's gate, so that a single record
 * waits for one short transaction of a job and not for the job. Above: the HTTP door. Below: the desks that do the work.
 *
 * A job has a folder DIR/spool/ID (0700; files 0600): job.json, and for an import the upload and the file of refused rows. The folder is the
 * memory: after a restart what was queued or running is `interrupted`; what an import had stored stays, and can be undone or run again (rows that are
 * there already are unchanged). Folders hold personal data: they are deleted keep_s after the job's last step (24 h), and when the job is deleted.
 *
 * A job belongs to the account that made it; others do not learn that it exists (root over everything may). Every step runs with the rights of
 * whoever asks for it, as they are then. States: new -> queued -> running -> done | failed | cancelled | interrupted; from each of
 * these the next step may be asked for. */
#ifndef TOCSIN_DESKS_JOB_H
#define TOCSIN_DESKS_JOB_H

#include <jansson.h>

#include "ledger/gate.h"
#include "ledger/ledger.h"

struct jobs;

enum { JOB_ID_BYTES = 20, JOB_PATH_BYTES = 1200 };

struct jobs_options {
    struct ledger_options ledger;  /* texts borrowed */
    struct ledger_gate *gate;      /* shared with the queue's ledger; NULL: none */
    int workers;                   /* threads (0: 2) */
    size_t waiting_max;            /* jobs queued (0: 64) */
    size_t account_max;            /* jobs of one account that are kept (0: 50) */
    int64_t keep_s;                /* 0: 24 h */
    int64_t upload_max;            /* bytes of one upload (0: 512 MiB) */
    instant (*now)(void *arg);     /* the door's clock */
    void (*changed)(void *arg);    /* something was committed (feed_wake, readers); may be NULL */
    void *arg;
};

/* Reads the spool; work is taken from now on. Owned: jobs_close. */
int jobs_open(const struct jobs_options *o, struct jobs **ret, struct error *err);
/* Running jobs stop at their next row and are interrupted; what waits is interrupted too. NULL is fine. */
void jobs_close(struct jobs *j);

/* A job of a kind ("import", "policy", "report", "audit", "export"), with its parameters (given). Of account_max the oldest that is over and has left no file gives
 * way; E_BUSY: all of them are at work or hold one. */
int job_make(struct jobs *j, const struct session *s, const char *kind, json_t *params, char ret_id[JOB_ID_BYTES], struct error *err);
/* Asks for a step ("look", "check", "run", "undo", ...); params (given; NULL: none) are put over those it has. Errors: E_UNKNOWN job or step, E_REFUSED the job is
 * not so far or has been there, E_CONFLICT it is queued or runs, E_BUSY too many wait. */
int job_ask(struct jobs *j, const struct session *s, const char *kind, const char *id, const char *step, json_t *params, struct error *err);
/* Queued: cancelled at once. Running: at its next row. Else E_REFUSED. */
int job_cancel(struct jobs *j, const struct session *s, const char *kind, const char *id, struct error *err);
/* Deletes job and folder; E_CONFLICT while it runs. */
int job_delete(struct jobs *j, const struct session *s, const char *kind, const char *id, struct error *err);
/* {"id","kind","step","state","created_at",...,"progress":{...},"error":{...},"params":{...},"result":{...}}. Owned: json_decref. */
int job_show(struct jobs *j, const struct session *s, const char *kind, const char *id, json_t **ret, struct error *err);
/* The account's own, newest first; kind NULL: all. */
int job_list(struct jobs *j, const struct session *s, const char *kind, json_t **ret, struct error *err);
/* Path of a file of the job ("errors", "result"), and the name to save it under. E_UNKNOWN: there is none. */
int job_file(struct jobs *j, const struct session *s, const char *kind, const char *id, const char *which, char path[JOB_PATH_BYTES], char name[256], struct error *err);
/* Deletes what is older than keep_s. Called by the threads themselves; for tests. */
void jobs_sweep(struct jobs *j, instant now);

/* ---- watching a job: whoever shows its progress is woken when there is something new, instead of asking again and again. */
struct job_watcher {
    void (*wake)(struct job_watcher *w); /* the watcher's: called once after job_news said 0, from any thread, with the jobs' lock: short */
    struct job_watcher *next;            /* private from here */
    const struct job *job;               /* NULL: it was deleted, or the server stops */
    bool news, waiting;
};
/* Begins; the first news is the job as it is. E_UNKNOWN. Until job_unwatch. */
int job_watch(struct jobs *j, const struct session *s, const char *kind, const char *id, struct job_watcher *w, struct error *err);
/* 1: *ret is the job as job_show has it (owned), *ret_over that nothing more will come by itself. 0: nothing new; w->wake will be called (what has to be
 * ready for that has to be ready before this call). E_UNKNOWN: the job is gone. */
int job_news(struct jobs *j, struct job_watcher *w, bool zh, json_t **ret, bool *ret_over, struct error *err);
void job_unwatch(struct jobs *j, struct job_watcher *w);
/* The server stops: every watcher is woken and told that the job is gone. */
void jobs_unwatch_all(struct jobs *j);

/* ---- an upload, piece by piece: nothing is held in memory. */
struct job_upload;
int job_upload_begin(struct jobs *j, const struct session *s, const char *file, json_t *params, struct job_upload **ret, struct error *err);
/* E_TOO_LARGE past upload_max, E_FULL. */
int job_upload_add(struct job_upload *u, const void *bytes, size_t n, struct error *err);
/* Parameters known only now (a field of the form); borrowed. */
int job_upload_param(struct job_upload *u, const char *name, struct text value);
void job_upload_name(struct job_upload *u, const char *file);
/* An import in state new, whose `look` is asked for. Given: u is freed, also on failure. */
int job_upload_end(struct job_upload *u, char ret_id[JOB_ID_BYTES], struct error *err);
void job_upload_abandon(struct job_upload *u);

struct job_counts {
    int64_t kept, queued, running, finished;
};
void jobs_count(struct jobs *j, struct job_counts *ret);

#endif

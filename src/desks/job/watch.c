/* Who watches a job. A step says how far it is as often as it likes; watchers hear of it a few times a second, and of every change of state at once. */
#include "desks/job/inside.h"

enum { TOLD_EVERY_NS = 300000000 };

static void wake(struct job_watcher *w) {
    w->news = true;
    if (!w->waiting) return;
    w->waiting = false;
    w->wake(w);
}

void job_tell(struct jobs *j, const struct job *job) {
    for (struct job_watcher *w = j->watchers; w; w = w->next)
        if (w->job == job) wake(w);
}

void job_gone(struct jobs *j, const struct job *job) {
    for (struct job_watcher *w = j->watchers; w; w = w->next)
        if (w->job == job) {
            w->job = NULL;
            wake(w);
        }
}

void jobs_unwatch_all(struct jobs *j) {
    pthread_mutex_lock(&j->lock);
    for (struct job_watcher *w = j->watchers; w; w = w->next) {
        w->job = NULL;
        wake(w);
    }
    pthread_mutex_unlock(&j->lock);
}

void job_advanced(const struct job_run *x) {
    int64_t now = monotonic_ns();
    if (now - x->job->told_ns < TOLD_EVERY_NS) return;
    x->job->told_ns = now;
    pthread_mutex_lock(&x->jobs->lock);
    job_tell(x->jobs, x->job);
    pthread_mutex_unlock(&x->jobs->lock);
}

int job_watch(struct jobs *j, const struct session *s, const char *kind, const char *id, struct job_watcher *w, struct error *err) {
    pthread_mutex_lock(&j->lock);
    w->job = job_find(j, s, kind, id);
    w->news = true;
    w->waiting = false;
    if (w->job) {
        w->next = j->watchers;
        j->watchers = w;
    }
    pthread_mutex_unlock(&j->lock);
    return w->job ? 0 : error_set(err, E_UNKNOWN, "job", "there is no such job / 没有该任务");
}

void job_unwatch(struct jobs *j, struct job_watcher *w) {
    pthread_mutex_lock(&j->lock);
    struct job_watcher **at = &j->watchers;
    while (*at && *at != w) at = &(*at)->next;
    if (*at) *at = w->next;
    pthread_mutex_unlock(&j->lock);
}

int job_news(struct jobs *j, struct job_watcher *w, bool zh, json_t **ret, bool *ret_over, struct error *err) {
    int rc = 1;
    pthread_mutex_lock(&j->lock);
    json_t *o = w->job && w->news ? job_shown(j, w->job, zh) : NULL;
    if (!w->job)
        rc = error_set(err, E_UNKNOWN, "job", "the job is gone / 任务已不存在");
    else if (!w->news)
        rc = 0;
    else if (!o)
        rc = error_memory(err);
    else
        *ret_over = !job_busy(w->job);
    if (rc == 1) *ret = o;
    w->waiting = rc == 0;
    w->news = false;
    pthread_mutex_unlock(&j->lock);
    return rc;
}

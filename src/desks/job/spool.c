/* The folder of each job: DIR/spool/ID with job.json, written whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desks/job/inside.h"

enum { STATE_BYTES_MAX = 4 << 20 };

static const char *const state_words[JOB_STATE_COUNT] = {
#define X(name, word) [JOB_##name] = word,
    JOB_STATES(X)
#undef X
};

void job_path(const struct jobs *j, const char *id, const char *name, char out[JOB_PATH_BYTES]) {
    snprintf(out, JOB_PATH_BYTES, "%s/%s%s%s", j->spool, id, *name ? "/" : "", name);
}

static bool is_id(const char *name) {
    return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}

int spool_make(struct jobs *j, const char *id, struct error *err) {
    char path[JOB_PATH_BYTES];
    job_path(j, id, "", path);
    return mkdir(path, 0700) == 0 ? 0 : error_set(err, error_from_errno(), "spool", "cannot be made: %s / 无法建立", strerror(errno));
}

/* Everything in the folder, then the folder; a job's folder holds files only. */
void spool_remove(struct jobs *j, const char *id) {
    char path[JOB_PATH_BYTES];
    struct dirent *e;
    job_path(j, id, "", path);
    DIR *d = opendir(path);
    while (d && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        job_path(j, id, e->d_name, path);
        unlink(path);
    }
    if (d) closedir(d);
    job_path(j, id, "", path);
    rmdir(path);
}

static int write_whole(const char *path, const char *bytes, size_t n, struct error *err) {
    char temporary[JOB_PATH_BYTES + 8];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0;
    for (size_t at = 0; good && at < n;) {
        ssize_t wrote = write(fd, bytes + at, n - at);
        if (wrote < 0 && errno == EINTR) continue;
        good = wrote > 0;
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    good = good && fsync(fd) == 0;
    int failed = errno;
    if (fd >= 0) close(fd);
    if (good) good = rename(temporary, path) == 0;
    if (good) return 0;
    errno = failed;
    int rc = error_set(err, error_from_errno(), "spool", "cannot be written: %s / 无法写入", strerror(failed));
    unlink(temporary);
    return rc;
}

static int to_buf(const char *bytes, size_t n, void *arg) {
    return buf_add(arg, bytes, n) < 0 ? -1 : 0;
}

int spool_save(struct jobs *j, const struct job *job, struct error *err) {
    char path[JOB_PATH_BYTES];
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:s, s:O, s:O}", "kind", job->kind, "step", job->step, "state", state_words[job->state], "account",
                          job->account, "created", (json_int_t)job->created, "finished", (json_int_t)job->finished, "touched", (json_int_t)job->touched, "code",
                          job->error.code, "message", job->error.message, "params", job->params, "result", job->result);
    struct buf b = {0};
    job_path(j, job->id, "job.json", path);
    int rc = o && json_dump_callback(o, to_buf, &b, JSON_COMPACT) == 0 ? write_whole(path, b.s, b.n, err) : error_memory(err);
    json_decref(o);
    buf_clear(&b);
    return rc;
}

static const char *word(const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

/* A time that can be reckoned with: what stands in the file may have been written by anybody. */
static instant time_of(const json_t *o, const char *name) {
    json_int_t t = json_integer_value(json_object_get(o, name));
    return t < 0 ? 0 : t > INT64_C(253402300799) /* the year 9999 */ ? INT64_C(253402300799) : t;
}

/* Words longer than ours were not written by us, and cut they would end inside a character: nobody could be shown the job, nor delete it. */
static bool ours(const json_t *o) {
    const struct job *job = NULL; /* for its sizes */
    return strlen(word(o, "kind")) < sizeof job->kind && strlen(word(o, "step")) < sizeof job->step && strlen(word(o, "message")) < sizeof job->error.message;
}

static struct job *job_of(const char *id, const json_t *o) {
    struct job *job = job_new(id, word(o, "kind"), word(o, "account"));
    if (!job) return NULL;
    snprintf(job->step, sizeof job->step, "%s", word(o, "step"));
    for (int k = 0; k < JOB_STATE_COUNT; k++)
        if (!strcmp(word(o, "state"), state_words[k])) job->state = (enum job_state)k;
    job->created = time_of(o, "created");
    job->finished = time_of(o, "finished");
    job->touched = time_of(o, "touched");
    job->error.code = (int)json_integer_value(json_object_get(o, "code"));
    snprintf(job->error.message, sizeof job->error.message, "%s", word(o, "message"));
    json_object_update(job->params, json_object_get(o, "params"));
    json_object_update(job->result, json_object_get(o, "result"));
    return job;
}

/* What cannot be read is no job any more: its folder goes. */
static int read_one(struct jobs *j, const char *id, struct error *err) {
    char path[JOB_PATH_BYTES];
    struct buf b = {0};
    struct error unread = {0};
    job_path(j, id, "job.json", path);
    int rc = file_read(path, STATE_BYTES_MAX, &b, &unread);
    if (rc == E_MEMORY) return error_memory(err);
    json_t *o = rc < 0 ? NULL : json_loadb(b.s, b.n, JSON_REJECT_DUPLICATES, NULL);
    buf_clear(&b);
    bool readable = o && ours(o);
    struct job *job = readable ? job_of(id, o) : NULL;
    json_decref(o);
    if (!readable) {
        spool_remove(j, id);
        return 0;
    }
    if (!job) return error_memory(err);
    if (job->state == JOB_QUEUED || job->state == JOB_RUNNING) {
        job->state = JOB_INTERRUPTED;
        job->error.code = E_BUSY;
        snprintf(job->error.message, sizeof job->error.message, "the server stopped while it was at work / 服务中断,任务未完成");
        spool_save(j, job, NULL);
    }
    jobs_add(j, job);
    return 0;
}

int spool_open(struct jobs *j, struct error *err) {
    struct dirent *e;
    int rc = 0;
    if (mkdir(j->spool, 0700) != 0 && errno != EEXIST) return error_set(err, error_from_errno(), j->spool, "cannot be made: %s / 无法建立", strerror(errno));
    DIR *d = opendir(j->spool);
    if (!d) return error_set(err, error_from_errno(), j->spool, "cannot be read: %s / 无法读取", strerror(errno));
    while (rc == 0 && (e = readdir(d))) {
        const char *dot = strrchr(e->d_name, '.');
        char path[JOB_PATH_BYTES];
        if (is_id(e->d_name)) rc = read_one(j, e->d_name, err);
        if (!dot || strcmp(dot, ".part") != 0) continue;
        job_path(j, e->d_name, "", path); /* an upload that never became whole */
        unlink(path);
    }
    closedir(d);
    return rc;
}

/* A job as server-sent events: as it is now, then whenever something is new, until it is at work no more. Like h_events.c a listener is a suspended
 * connection. It ends after ten minutes in any case; the client comes again by itself, under the rights it has then. The id of an event is a print of what it says,
 * so that nobody has to remember what was told: who comes with Last-Event-ID hears of the job only when it is another by now, and for one that rests
 * gets 204, at which an EventSource stops by itself. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "doors/http/inside.h"
#include "doors/http/jobs.h"

enum { LIFE_S = 600, BLOCK = 4096 };

struct job_stream {
    struct job_watcher w; /* first: wake casts back */
    struct request *r;
    struct buf out;
    size_t sent;
    uint64_t told;        /* print of what the client knows */
    instant ends;
    bool over;
};

static void stream_wake(struct job_watcher *w) {
    MHD_resume_connection(((struct job_stream *)w)->r->connection);
}

static int add(const char *text, size_t n, void *out) {
    return buf_text(out, (struct text){text, n});
}

/* What passes with time alone is no news. 0: out of memory. */
static uint64_t print_of(const json_t *job) {
    json_t *copy = json_deep_copy(job), *progress = json_object_get(copy, "progress");
    struct buf b = {0};
    json_object_del(progress, "seconds");
    json_object_del(progress, "left_s");
    int failed = json_dump_callback(copy, add, &b, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t print = failed || b.failed ? 0 : (uint64_t)digest_64(buf_view(&b)) | 1;
    json_decref(copy);
    buf_clear(&b);
    return print;
}

static int put_news(struct job_stream *x, json_t *job) {
    uint64_t print = print_of(job), known = x->told;
    x->told = print;
    if (print && print == known) {
        json_decref(job);
        return 0;
    }
    buf_printf(&x->out, "id: %016llx\nevent: job\ndata: ", (unsigned long long)print);
    int failed = json_dump_callback(job, add, &x->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(job);
    buf_str(&x->out, "\n\n");
    return failed ? E_MEMORY : x->out.failed;
}

static int64_t stream_read(void *arg, char *out, size_t n) {
    struct job_stream *x = arg;
    if (x->sent == x->out.n) {
        struct error err = {0};
        json_t *job = NULL;
        if (x->over || http_stopping(x->r->server) || http_now(x->r->server) >= x->ends) return -1;
        buf_reset(&x->out);
        x->sent = 0;
        MHD_suspend_connection(x->r->connection); /* before the jobs may wake it */
        int rc = job_news(http_jobs(x->r->server), &x->w, x->r->zh, &job, &x->over, &err);
        if (rc == 0) return 0;
        MHD_resume_connection(x->r->connection);
        if (rc < 0) return -1;
        if (put_news(x, job) < 0) return -2;
        return 0;
    }
    size_t some = x->out.n - x->sent < n ? x->out.n - x->sent : n;
    memcpy(out, x->out.s + x->sent, some);
    x->sent += some;
    return (int64_t)some;
}

static void stream_end(void *arg) {
    struct job_stream *x = arg;
    job_unwatch(http_jobs(x->r->server), &x->w);
    buf_clear(&x->out);
    mem_free(x);
}

/* 1 when the client knows already how it ended. */
static int known_end(struct request *r, const char *kind, uint64_t *ret_told, struct error *err) {
    const char *last = request_header(r, "Last-Event-ID");
    char *end = NULL;
    json_t *job = NULL;
    *ret_told = 0;
    if (!last || !*last) return 0;
    *ret_told = strtoull(last, &end, 16);
    if (*end || strlen(last) != 16) return error_set(err, E_SYNTAX, "Last-Event-ID", "the id of an event / 应为事件编号");
    int rc = job_show(http_jobs(r->server), &r->session, kind, jobs_id(r), &job, err);
    if (rc < 0) return rc;
    const char *state = json_string_value(json_object_get(job, "state"));
    bool rests = state && strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
    rc = rests && print_of(job) == *ret_told;
    json_decref(job);
    return rc;
}

int jobs_events(struct request *r, const char *kind, struct error *err) {
    uint64_t told = 0;
    int rc = known_end(r, kind, &told, err);
    if (rc) return rc < 0 ? rc : answer_empty(r, 204);
    struct job_stream *x = mem_alloc(sizeof *x);
    if (!x) return error_memory(err);
    *x = (struct job_stream){.w = {.wake = stream_wake}, .r = r, .told = told, .ends = r->now + LIFE_S};
    rc = job_watch(http_jobs(r->server), &r->session, kind, jobs_id(r), &x->w, err);
    if (rc < 0) {
        mem_free(x);
        return rc;
    }
    buf_str(&x->out, "retry: 2000\n:\n\n");
    answer_events(r, stream_read, stream_end, x, BLOCK);
    return 0;
}

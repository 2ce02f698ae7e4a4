/* One JSON line a request on standard error, written in pieces. No header, no body, no value of a query is ever in it: paths are named by their
 * route, and ids of records are no secret. */
#include "doors/http/inside.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_AT = 32 << 10 };

struct http_log {
    pthread_mutex_t lock;
    struct buf out;
    bool quiet;
    int32_t zone_s;
    instant at;              /* of `stamp` */
    char stamp[INSTANT_TEXT];
};

int log_open(bool quiet, int32_t zone_s, struct http_log **ret, struct error *err) {
    struct http_log *g = mem_alloc(sizeof *g);
    if (!g) return error_memory(err);
    pthread_mutex_init(&g->lock, NULL);
    g->quiet = quiet;
    g->zone_s = zone_s;
    g->out.max = 1 << 20;
    *ret = g;
    return 0;
}

static void flush(struct http_log *g) {
    for (size_t at = 0; at < g->out.n;) {
        ssize_t n = write(STDERR_FILENO, g->out.s + at, g->out.n - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        at += (size_t)n;
    }
    buf_reset(&g->out);
}

void log_flush(struct http_log *g) {
    pthread_mutex_lock(&g->lock);
    flush(g);
    pthread_mutex_unlock(&g->lock);
}

void log_close(struct http_log *g) {
    if (!g) return;
    log_flush(g);
    pthread_mutex_destroy(&g->lock);
    buf_clear(&g->out);
    mem_free(g);
}

static void put_at(struct http_log *g, instant now) {
    if (now != g->at || !g->stamp[0]) {
        instant_format(now, g->zone_s, g->stamp);
        g->at = now;
    }
    buf_str(&g->out, "{\"at\":\"");
    buf_str(&g->out, g->stamp);
}

void log_request(struct http_log *g, const struct request *r, int64_t took_ns, bool complete) {
    int status = r->answer.status;
    if (g->quiet && status < 500) return;
    bool shed = r->route && (r->route->who == WHO_PUBLIC || (r->route->headers & ROUTE_BUSY && r->error.code == E_BUSY));
    if (status == 503 && shed) return; /* the metrics count it; a storm must not fill the disk with lines */
    pthread_mutex_lock(&g->lock);
    struct buf *b = &g->out;
    put_at(g, r->now);
    buf_str(b, "\",\"level\":\"");
    buf_str(b, status >= 500 ? "error" : "info");
    buf_str(b, "\",\"request\":\"");
    buf_str(b, r->id);
    buf_str(b, "\",\"method\":");
    json_put_string(b, (struct text){r->method, strnlen(r->method, 20)});
    buf_str(b, ",\"route\":\"");
    buf_str(b, r->route ? r->route->path : "-");
    buf_str(b, "\",\"status\":");
    buf_int(b, status);
    /* What a path names is told when it was there: otherwise it may be anything, a document or a phone number too. */
    for (size_t i = 0; status < 400 && i < REQUEST_PARAMS_MAX && r->params[i].s; i++) {
        buf_str(b, i ? "," : ",\"path\":[");
        json_put_string(b, (struct text){r->params[i].s, r->params[i].n < 60 ? r->params[i].n : 60});
        if (i + 1 == REQUEST_PARAMS_MAX || !r->params[i + 1].s) buf_char(b, ']');
    }
    if (r->session.account.n) {
        buf_str(b, ",\"account\":");
        json_put_string(b, r->session.account);
    }
    if (r->error.code) {
        buf_str(b, ",\"code\":\"");
        buf_str(b, error_name(r->error.code));
        buf_char(b, '"');
    }
    buf_str(b, ",\"bytes\":");
    buf_int(b, (int64_t)r->answer.body.n);
    buf_str(b, ",\"us\":");
    buf_int(b, took_ns / 1000);
    if (!complete) buf_str(b, ",\"cut\":true");
    buf_str(b, "}\n");
    if (b->failed || b->n > FLUSH_AT || status >= 500) flush(g);
    pthread_mutex_unlock(&g->lock);
}

void log_event(struct http_log *g, instant now, const char *level, const char *event, const struct error *e) {
    pthread_mutex_lock(&g->lock);
    struct buf *b = &g->out;
    put_at(g, now);
    buf_printf(b, "\",\"level\":\"%s\",\"event\":\"%s\"", level, event);
    if (e && e->code) {
        buf_printf(b, ",\"code\":\"%s\",\"detail\":", error_name(e->code));
        json_put_string(b, text_of(e->message));
        buf_str(b, ",\"where\":");
        json_put_string(b, text_of(e->where));
    }
    buf_str(b, "}\n");
    flush(g);
    pthread_mutex_unlock(&g->lock);
}

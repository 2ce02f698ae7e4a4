/* What is counted, in the text format of Prometheus. */
#include "doors/http/inside.h"

#include <stdio.h>
#include <string.h>

enum { ROUTES = 256, BUCKETS = 12 };

static const int bucket_us[BUCKETS] = {500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 250000, 500000, 1000000, 5000000};
static const short statuses[] = {200, 201, 202, 204, 206, 302, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 416, 422, 429, 500, 503, 507, 0};
enum { STATUSES = sizeof statuses / sizeof *statuses };

struct route_counts {
    _Atomic int64_t by_status[STATUSES];
    _Atomic int64_t by_time[BUCKETS + 1];
    _Atomic int64_t sum_us, in_bytes, out_bytes;
};

struct metrics {
    struct route_counts routes[ROUTES + 1]; /* the last: no route was found */
};

int metrics_open(struct metrics **ret, struct error *err) {
    *ret = mem_alloc(sizeof **ret);
    return *ret ? 0 : error_memory(err);
}

void metrics_close(struct metrics *m) {
    mem_free(m);
}

#define ADD(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)

void metrics_request(struct metrics *m, const struct request *r, int64_t took_ns) {
    struct route_counts *c = &m->routes[r->route && r->route_index < ROUTES ? r->route_index : ROUTES];
    size_t s = 0, t = 0;
    while (statuses[s] && statuses[s] != r->answer.status) s++;
    while (t < BUCKETS && took_ns / 1000 > bucket_us[t]) t++;
    ADD(c->by_status[s], 1);
    ADD(c->by_time[t], 1);
    ADD(c->sum_us, took_ns / 1000);
    ADD(c->in_bytes, (int64_t)r->body.n);
    ADD(c->out_bytes, (int64_t)r->answer.body.n);
}

static void gauge(struct buf *b, const char *name, const char *type, const char *help, int64_t v) {
    buf_printf(b, "# HELP tocsin_%s %s\n# TYPE tocsin_%s %s\ntocsin_%s %lld\n", name, help, name, type, name, (long long)v);
}

static void put_label(struct buf *b, const char *metric, size_t i) {
    const struct route *r = i < ROUTES ? route_at(i) : NULL;
    buf_printf(b, "tocsin_http_%s{method=\"%s\",route=\"%s\"", metric, r ? r->method : "", r ? r->path : "");
}

void metrics_write(struct http_server *s, struct buf *b) {
    const struct metrics *m = s->metrics;
    struct queue_counts q;
    int connections;
    int64_t cut;
    watch_counts(s->watch, &connections, &cut);
    ledger_queue_counts(s->queue, &q);
    buf_str(b, "# HELP tocsin_http_requests_total Requests by route and status.\n# TYPE tocsin_http_requests_total counter\n");
    for (size_t i = 0; i <= ROUTES; i++)
        for (size_t k = 0; k < STATUSES; k++) {
            int64_t n = m->routes[i].by_status[k];
            if (!n) continue;
            put_label(b, "requests_total", i);
            if (statuses[k]) buf_printf(b, ",status=\"%d\"} %lld\n", statuses[k], (long long)n);
            else buf_printf(b, ",status=\"other\"} %lld\n", (long long)n);
        }
    buf_str(b, "# HELP tocsin_http_request_seconds From the request line to the end of the answer.\n# TYPE tocsin_http_request_seconds histogram\n");
    for (size_t i = 0; i <= ROUTES; i++) {
        int64_t n = 0;
        for (size_t k = 0; k <= BUCKETS; k++) n += m->routes[i].by_time[k];
        if (!n) continue;
        int64_t sum = 0;
        for (size_t k = 0; k < BUCKETS; k++) {
            sum += m->routes[i].by_time[k];
            put_label(b, "request_seconds_bucket", i);
            buf_printf(b, ",le=\"%g\"} %lld\n", bucket_us[k] / 1e6, (long long)sum);
        }
        put_label(b, "request_seconds_bucket", i);
        buf_printf(b, ",le=\"+Inf\"} %lld\n", (long long)n);
        put_label(b, "request_seconds_sum", i);
        buf_printf(b, "} %.6f\n", (double)m->routes[i].sum_us / 1e6);
        put_label(b, "request_seconds_count", i);
        buf_printf(b, "} %lld\n", (long long)n);
    }
    gauge(b, "connections", "gauge", "Open connections.", connections);
    gauge(b, "connections_cut_total", "counter", "Connections cut because they were too slow.", cut);
    gauge(b, "requests_open", "gauge", "Requests in work.", s->open);
    gauge(b, "requests_waiting", "gauge", "Requests that wait for a commit or an event, without a thread.", s->sleeping);
    gauge(b, "queue_waiting", "gauge", "Submissions that wait for the writer.", (int64_t)ledger_queue_waiting(s->queue));
    gauge(b, "queue_submissions_total", "counter", "Submissions taken by the writer.", q.submissions);
    gauge(b, "queue_drafts_total", "counter", "Records written or refused by the writer.", q.drafts);
    gauge(b, "queue_commits_total", "counter", "Commits.", q.commits);
    gauge(b, "queue_retries_total", "counter", "Submissions run alone because their batch failed.", q.retries);
    gauge(b, "duties_open", "gauge", "Open obligations, as of the last pass of the clock.", s->duties_open);
    gauge(b, "clock_seconds", "gauge", "When the clock passed last.", s->clock_at);
}

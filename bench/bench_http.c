/* What a durable record costs over HTTP. POST of single records at 64 and 512 connections that each wait for their answer, beside (a) the same server that
 * parses the same body and answers without storing, and (b) one transaction a request. The load comes from a process of its own, so that the processor
 * time of the server is known. Beside them stands what no server could exceed on this machine in this minute: who waits for an answer waits for a sync
 * that began after his commit, and all work shares the cores. Targets: at least 60 % of (a) (PostgreSQL 45 %), at least 8 times (b), under 60 us of processor a request, p99 under 80 ms
 * at 512 connections. */
#include <sys/resource.h>

#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"
#include "served.h"

enum { CONNECTIONS_MAX = 512, ROUNDS = 3, SECONDS = 3 };

/* ---- routes of the bench */

static struct draft *place(struct request *r, struct error *e) {
    struct draft *d = draft_new(&r->arena, register_find(http_catalog(r->server), TEXT("place")), DRAFT_CREATE);
    return d && represent_draft(r, r->json, "", d, e) >= 0 ? d : NULL;
}

static int parse_only(struct request *r, struct error *e) {
    if (!place(r, e)) return e->code;
    struct buf *b = answer_open(r, 201);
    answer_header(r, "Location", arena_printf(&r->arena, "/api/v1/registers/place/records/%d", 1));
    answer_etag(r, 1);
    return buf_str(b, "{\"id\":1,\"version\":1,\"outcome\":\"created\"}");
}

static int write_alone(struct ledger *l, void *arg, struct error *e) {
    struct request *r = arg;
    struct draft *d = r->state;
    int rc = record_write(l, &r->session, &d, 1, e);
    return rc < 0 ? rc : db_sync(l->db, e); /* each waits for the disk by itself */
}

static int written(struct request *r, struct error *e) {
    (void)e;
    if (r->rc < 0) return r->rc;
    return buf_str(answer_open(r, 201), "{\"outcome\":\"created\"}");
}

static int one_transaction(struct request *r, struct error *e) {
    r->state = place(r, e);
    return r->state ? request_call(r, write_alone, written, e) : e->code;
}

static const struct route bench_routes[] = {
    {.method = "POST", .path = "/bench/parse", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = parse_only, .zh = "", .en = ""},
    {.method = "POST", .path = "/bench/alone", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = one_transaction, .zh = "", .en = ""},
    {0},
};

/* ---- the load: a process of its own */

struct asking {
    const char *path;
    long serial;
    struct buf bytes[CONNECTIONS_MAX];
};

static struct text ask(void *arg, int connection, double now) {
    struct asking *w = arg;
    struct buf *b = &w->bytes[connection];
    char body[400];
    long serial = w->serial++;
    int n = snprintf(body, sizeof body, "{\"region\":\"310115%03ld\",\"fields\":{\"title\":\"浦东新区某某路%ld号某某大厦\",\"kind\":\"factory\",\"address\":\"某某路%ld号\"}}",
                     serial % 40 + 1, serial, serial);
    (void)now;
    buf_reset(b);
    load_request(b, "POST", w->path, "token-bench", "", "application/json", (struct text){body, (size_t)n});
    return buf_view(b);
}

static struct ledger_queue *queue;

struct figure {
    double together[ROUNDS]; /* requests a commit */
    double rate[ROUNDS], cpu_us[ROUNDS], load_us[ROUNDS], p50[ROUNDS], p99[ROUNDS];
};

static const char *only; /* a path: nothing else is asked, for a profile */
static int only_size; /* connections; 0: both */

/* Processor time of processes that have ended: the load's. */
static double load_cpu_s(void) {
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void measure(int port, const char *path, int connections, size_t round, struct figure *f) {
    f->rate[round] = f->cpu_us[round] = f->load_us[round] = f->p50[round] = f->p99[round] = f->together[round] = 1;
    if (only && strcmp(only, path) != 0) return;
    static long serial = 1;
    static struct asking asking;
    struct load_result w;
    struct queue_counts before, after;
    asking.path = path;
    asking.serial = serial;
    ledger_queue_counts(queue, &before);
    double cpu = cpu_s(), load = load_cpu_s();
    int status = load_apart(&(struct load){.port = port, .connections = connections, .seconds = SECONDS, .ask = ask, .arg = &asking}, &w);
    cpu = cpu_s() - cpu;
    load = load_cpu_s() - load;
    if (status || !w.by[2] || w.by[2] != w.answers || w.unanswered) {
        printf("%s at %d connections: %ld answers, %ld taken, %ld unanswered, status %d\n   %s\n", path, connections, w.answers, w.by[2], w.unanswered, status, w.first_bad);
        exit(1);
    }
    serial += w.answers + connections;
    f->rate[round] = (double)w.answers / w.seconds;
    f->cpu_us[round] = cpu * 1e6 / (double)w.answers;
    f->load_us[round] = load * 1e6 / (double)w.answers;
    f->p50[round] = w.p50_ms;
    f->p99[round] = w.p99_ms;
    ledger_queue_counts(queue, &after);
    f->together[round] = after.commits > before.commits ? (double)(after.submissions - before.submissions) / (double)(after.commits - before.commits) : 1;
}

static double median(double *v) {
    return bench_at_share(v, ROUNDS, 0.5);
}

/* Milliseconds until what was appended is on disk, when nobody else asks: median of pieces as large as a commit of some records. */
static double sync_ms(const char *dir) {
    enum { SYNCS = 100, PIECE = 64 << 10 };
    static const char piece[PIECE];
    double took[SYNCS];
    char path[160];
    snprintf(path, sizeof path, "%s/synced", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    for (size_t i = 0; i < SYNCS; i++) {
        if (write(fd, piece, sizeof piece) != (ssize_t)sizeof piece) exit(1);
        double from = wall_s();
        if (fdatasync(fd) != 0) exit(1);
        took[i] = (wall_s() - from) * 1e3;
    }
    close(fd);
    unlink(path);
    return bench_at_share(took, SYNCS, 0.5);
}

/* What this machine allows (see above). PostgreSQL's own work is not counted: its limit is generous. */
static void show_limits(struct figure *parse, struct figure *durable, int connections, double *sync) {
    double disk = median(sync), load = median(durable->load_us), us = median(durable->cpu_us) + load;
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN), by_disk = connections / (disk / 1e3 + us / 1e6), by_cores = cores * 1e6 / us;
    double most = by_disk < by_cores ? by_disk : by_cores;
    printf("   limits: %.0f /s, as a sync takes %.2f ms; %.0f /s, as a request and its %.1f us of the load share %.0f cores. Reached %.0f %% of the lower, which is %.0f %% of parsing alone\n",
           by_disk, disk, by_cores, load, cores, 100 * median(durable->rate) / most, 100 * most / median(parse->rate));
}

static void show(const char *what, struct figure *f) {
    printf("   %-28s %8.0f /s  %6.1f us of processor a request  p50 %6.1f ms  p99 %6.1f ms  %5.1f together\n", what, median(f->rate), median(f->cpu_us), median(f->p50), median(f->p99), median(f->together));
}

static int run(const char *store, bool pg) {
    static const int sizes[] = {64, 512};
    struct bench_node n;
    int missed = 0;
    bench_node_open(&n, store, "covid-2022-v9", 1653876000);
    struct http_server *s = NULL;
    int port = bench_serve(&n, (struct http_options){.routes = bench_routes}, &s);
    queue = http_queue(s);
    for (size_t k = 0; k < 2; k++) {
        struct figure parse, alone, store_it;
        double sync[ROUNDS];
        if (only_size && only_size != sizes[k]) continue;
        for (size_t i = 0; i < ROUNDS; i++) { /* by turns, so that a busy moment falls on all */
            sync[i] = sync_ms(n.dir);
            measure(port, "/bench/parse", sizes[k], i, &parse);
            measure(port, "/api/v1/registers/place/records", sizes[k], i, &store_it);
            measure(port, "/bench/alone", sizes[k], i, &alone);
        }
        printf(" %s, %d connections\n", pg ? "PostgreSQL" : "SQLite", sizes[k]);
        show("parsed, not stored", &parse);
        show("durable", &store_it);
        show("one transaction a request", &alone);
        missed += bench_verdict("of parsing alone", 100 * median(store_it.rate) / median(parse.rate), "%", pg ? 45 : 60, true);
        missed += bench_verdict("times one transaction a request", median(store_it.rate) / median(alone.rate), "x", 8, true);
        missed += bench_verdict("processor a request", median(store_it.cpu_us), "us", 60, false);
        show_limits(&parse, &store_it, sizes[k], sync);
        if (sizes[k] == 512) missed += bench_verdict("p99", median(store_it.p99), "ms", 80, false);
    }
    http_server_stop(s);
    bench_node_drop(&n);
    return missed;
}

int main(int argc, char **argv) {
    only = argc > 1 ? argv[1] : NULL;
    only_size = argc > 2 ? atoi(argv[2]) : 0;
    const char *stores = getenv("TOCSIN_TEST_STORES");
    int missed = 0;
    bench_unwatched();
    if (!stores || strstr(stores, "sqlite")) missed += run(NULL, false);
    const char *pg = stores ? strstr(stores, "postgres") : NULL;
    if (pg) missed += run(pg, true);
    return missed > 0;
}

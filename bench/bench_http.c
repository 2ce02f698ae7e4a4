/* What a durable record costs over HTTP. POST of single records at 64 and 512 connections that each wait for their answer, beside (a) the same server that
 * parses the same body and answers without storing, and (b) one transaction a request. The load comes from a process of its own, so that the processor
 * time of the server is known. Targets: at least 60 % of (a) (PostgreSQL 45 %), at least 8 times (b), under 60 us of processor a request, p99 under 80 ms
 * at 512 connections. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bench.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

enum { CONNECTIONS_MAX = 512, SAMPLES_MAX = 1 << 20, ROUNDS = 3, SECONDS = 3 };

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

struct load {
    int port, connections;
    const char *path;
    /* results */
    long answers, failures;
    double seconds, p50_ms, p99_ms;
};

struct client {
    int fd;
    size_t got;
    double sent_at;
    char head[1024];
};

static void ask(struct client *c, const struct load *w, long serial) {
    char bytes[800], body[400];
    int n = snprintf(body, sizeof body, "{\"region\":\"310115%03ld\",\"fields\":{\"title\":\"浦东新区某某路%ld号某某大厦\",\"kind\":\"factory\",\"address\":\"某某路%ld号\"}}",
                     serial % 40 + 1, serial, serial);
    int m = snprintf(bytes, sizeof bytes, "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", w->path, n, body);
    c->sent_at = wall_s();
    c->got = 0;
    if (send(c->fd, bytes, (size_t)m, MSG_NOSIGNAL) != m) exit(1);
}

static bool whole(struct client *c) {
    c->head[c->got] = 0;
    const char *end = strstr(c->head, "\r\n\r\n"), *length = strstr(c->head, "Content-Length: ");
    return end && length && c->got >= (size_t)(end - c->head) + 4 + strtoul(length + 16, NULL, 10);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void load_run(struct load *w, long serial) {
    static struct client clients[CONNECTIONS_MAX];
    static double samples[SAMPLES_MAX];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[256];
    int epoll = epoll_create1(0), on = 1;
    for (int i = 0; i < w->connections; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(clients[i].fd, (struct sockaddr *)&to, sizeof to) != 0) exit(1);
        setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = &clients[i]});
        ask(&clients[i], w, serial++);
    }
    double from = wall_s(), now = from;
    while (now - from < SECONDS) {
        int n = epoll_wait(epoll, events, 256, 1000);
        now = wall_s();
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            ssize_t got = recv(c->fd, c->head + c->got, sizeof c->head - 1 - c->got, 0);
            if (got <= 0) exit(1);
            c->got += (size_t)got;
            if (!whole(c)) continue;
            if (memcmp(c->head, "HTTP/1.1 201", 12) != 0 && w->failures++ == 0) fprintf(stdout, "   %.300s\n", c->head);
            if (w->answers < SAMPLES_MAX) samples[w->answers] = now - c->sent_at;
            w->answers++;
            ask(c, w, serial++);
        }
    }
    w->seconds = now - from;
    size_t n = (size_t)(w->answers < SAMPLES_MAX ? w->answers : SAMPLES_MAX);
    qsort(samples, n, sizeof *samples, by_value);
    w->p50_ms = n ? samples[n / 2] * 1e3 : 0;
    w->p99_ms = n ? samples[n * 99 / 100] * 1e3 : 0;
}

static struct ledger_queue *queue;

struct figure {
    double together[ROUNDS]; /* requests a commit */
    double rate[ROUNDS], cpu_us[ROUNDS], p50[ROUNDS], p99[ROUNDS];
};

static const char *only; /* a path: nothing else is asked, for a profile */
static int only_size; /* connections; 0: both */

static void measure(int port, const char *path, int connections, size_t round, struct figure *f) {
    f->rate[round] = f->cpu_us[round] = f->p50[round] = f->p99[round] = f->together[round] = 1;
    if (only && strcmp(only, path) != 0) return;
    static long serial = 1;
    struct load *w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *w = (struct load){.port = port, .connections = connections, .path = path};
    struct queue_counts before, after;
    ledger_queue_counts(queue, &before);
    double cpu = cpu_s();
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        load_run(w, serial);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    cpu = cpu_s() - cpu;
    if (status || !w->answers || w->failures) {
        printf("%s at %d connections: %ld answers, %ld refused, status %d\n", path, connections, w->answers, w->failures, status);
        exit(1);
    }
    serial += w->answers + connections;
    f->rate[round] = (double)w->answers / w->seconds;
    f->cpu_us[round] = cpu * 1e6 / (double)w->answers;
    f->p50[round] = w->p50_ms;
    f->p99[round] = w->p99_ms;
    ledger_queue_counts(queue, &after);
    f->together[round] = after.commits > before.commits ? (double)(after.submissions - before.submissions) / (double)(after.commits - before.commits) : 1;
    munmap(w, sizeof *w);
}

static double median(double *v) {
    qsort(v, ROUNDS, sizeof *v, by_value);
    return v[ROUNDS / 2];
}

static void show(const char *what, struct figure *f) {
    printf("   %-28s %8.0f /s  %6.1f us of processor a request  p50 %6.1f ms  p99 %6.1f ms  %5.1f together\n", what, median(f->rate), median(f->cpu_us), median(f->p50), median(f->p99), median(f->together));
}

static int run(const char *store, bool pg) {
    static const int sizes[] = {64, 512};
    struct bench_node n;
    char tokens[128];
    int missed = 0;
    bench_node_open(&n, store, "covid-2022-v9", 1653876000);
    ledger_close(n.l);
    n.l = NULL;
    snprintf(tokens, sizeof tokens, "%s/tokens", n.dir);
    FILE *f = fopen(tokens, "w");
    if (!f) exit(1);
    fprintf(f, "token-bench bench root -\n");
    fclose(f);
    struct http_server *s = NULL;
    struct http_options o = {.ledger = n.o.ledger, .listen = "127.0.0.1:0", .dev_tokens = tokens, .at = 1653876000, .routes = bench_routes, .rate_account = -1,
                             .rate_address = -1, .address_max = 8000, .no_clock = true};
    must(http_server_start(&o, &s, &err), "serve");
    queue = http_queue(s);
    int port = atoi(strrchr(http_server_address(s), ':') + 1);
    for (size_t k = 0; k < 2; k++) {
        struct figure parse, alone, store_it;
        if (only_size && only_size != sizes[k]) continue;
        for (size_t i = 0; i < ROUNDS; i++) { /* by turns, so that a busy moment falls on all */
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
    int nothing = open("/dev/null", O_WRONLY);
    if (!getenv("TOCSIN_BENCH_LOG")) dup2(nothing, STDERR_FILENO); /* the server logs every request, as it does in service */
    setvbuf(stdout, NULL, _IOLBF, 0);
    missed += run(NULL, false);
    const char *pg = stores ? strstr(stores, "postgres") : NULL;
    if (pg) missed += run(pg, true);
    return missed > 0;
}

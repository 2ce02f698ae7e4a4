/* Visits over HTTP as they come in, and chains of a large outbreak. Single scans at 512 connections that each wait for their answer (target 10,000 a second, the peak of a
 * city of 25 million), batches of 1,000 as a table and as JSON (target 500,000 visits a second as a table), every one of them on disk when it is answered; 100,000 cases ranked
 * and the network around one. The load comes from a process of its own on the same machine. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bench.h"
#include "desks/tracing/tracing.h"
#include "doors/http/server.h"
#include "engines/chain.h"

enum { CONNECTIONS_MAX = 512, SAMPLES_MAX = 1 << 20, ROUNDS = 3, SECONDS = 3, BATCH = 1000, BODIES = 64, CASES = 100000 };
enum { NOW = 1653876000 };

struct load {
    int port, connections;
    bool table, json;
    long answers, failures;
    double seconds, p50_ms, p99_ms;
};

struct client {
    int fd;
    size_t got, sent, length;
    const char *bytes;
    double asked_at;
    char head[1024];
};

/* Requests written once, so that the load costs the machine little. */
static char *requests[BODIES];
static size_t lengths[BODIES];

static void requests_make(const struct load *w) {
    struct rng r;
    rng_seed(&r, 7);
    for (int b = 0; b < BODIES; b++) {
        struct buf body = {0}, all = {0};
        int rows = w->table || w->json ? BATCH : 1;
        if (w->table) buf_str(&body, "person,place,start,end\n");
        if (w->json) buf_str(&body, "{\"visits\":[");
        for (int i = 0; i < rows; i++) {
            unsigned person = (unsigned)rng_below(&r, 1000000), place = (unsigned)rng_below(&r, 20000);
            long at = NOW - 86400 + (long)rng_below(&r, 80000);
            if (w->table) buf_printf(&body, "%u,M%u,%ld,%ld\n", person, place, at, at + 1800);
            else buf_printf(&body, "%s{\"person\":%u,\"place\":\"M%u\",\"start\":%ld}", i ? "," : "", person, place, at);
        }
        if (w->json) buf_str(&body, "]}");
        buf_printf(&all, "POST /api/v1/visits HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-bench\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", w->table ? "text/csv" : "application/json", body.n);
        buf_text(&all, buf_view(&body));
        lengths[b] = all.n;
        requests[b] = all.s;
        buf_clear(&body);
    }
}

static bool pump(struct client *c) {
    while (c->sent < c->length) {
        ssize_t n = send(c->fd, c->bytes + c->sent, c->length - c->sent, MSG_NOSIGNAL);
        if (n <= 0) return false;
        c->sent += (size_t)n;
    }
    return true;
}

static void ask(struct client *c, long serial) {
    c->bytes = requests[serial % BODIES];
    c->length = lengths[serial % BODIES];
    c->got = c->sent = 0;
    c->asked_at = wall_s();
    pump(c);
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

static void load_run(struct load *w) {
    static struct client clients[CONNECTIONS_MAX];
    static double samples[SAMPLES_MAX];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event events[256];
    int epoll = epoll_create1(0), on = 1;
    long serial = 0;
    requests_make(w);
    for (int i = 0; i < w->connections; i++) {
        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(clients[i].fd, (struct sockaddr *)&to, sizeof to) != 0) exit(1);
        setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &(struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &clients[i]});
        ask(&clients[i], serial++);
    }
    double from = wall_s(), now = from;
    while (now - from < SECONDS) {
        int n = epoll_wait(epoll, events, 256, 1000);
        now = wall_s();
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            pump(c);
            for (;;) {
                ssize_t got = recv(c->fd, c->head + c->got, sizeof c->head - 1 - c->got, 0);
                if (got <= 0) break;
                c->got += (size_t)got;
                if (!whole(c)) continue;
                if (memcmp(c->head, "HTTP/1.1 201", 12) != 0 && w->failures++ == 0) fprintf(stdout, "   %.300s\n", c->head);
                if (w->answers < SAMPLES_MAX) samples[w->answers] = now - c->asked_at;
                w->answers++;
                ask(c, serial++);
            }
        }
    }
    w->seconds = now - from;
    size_t n = (size_t)(w->answers < SAMPLES_MAX ? w->answers : SAMPLES_MAX);
    qsort(samples, n, sizeof *samples, by_value);
    w->p50_ms = n ? samples[n / 2] * 1e3 : 0;
    w->p99_ms = n ? samples[n * 99 / 100] * 1e3 : 0;
}

struct figure {
    double rate[ROUNDS], cpu_us[ROUNDS], p50[ROUNDS], p99[ROUNDS];
};

static void measure(struct load w0, size_t round, struct figure *f) {
    struct load *w = mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *w = w0;
    double cpu = cpu_s();
    pid_t child = fork();
    int status = 0, rows = w->table || w->json ? BATCH : 1;
    if (child == 0) {
        load_run(w);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    cpu = cpu_s() - cpu;
    if (status || !w->answers || w->failures) {
        printf("%d connections: %ld answers, %ld refused, status %d\n", w->connections, w->answers, w->failures, status);
        exit(1);
    }
    f->rate[round] = (double)w->answers * rows / w->seconds;
    f->cpu_us[round] = cpu * 1e6 / (double)w->answers / rows;
    f->p50[round] = w->p50_ms;
    f->p99[round] = w->p99_ms;
    munmap(w, sizeof *w);
}

static double median(double *v) {
    qsort(v, ROUNDS, sizeof *v, by_value);
    return v[ROUNDS / 2];
}

static void show(const char *what, struct figure *f) {
    printf("   %-34s %9.0f visits/s  %6.2f us of processor a visit  p50 %6.1f ms  p99 %6.1f ms\n", what, median(f->rate), median(f->cpu_us), median(f->p50), median(f->p99));
}

/* 100,000 cases, each met by ten. */
static int chains(void) {
    struct chain_case *cases = mem_alloc(CASES * sizeof *cases);
    struct chain_meeting *meetings = mem_alloc((size_t)CASES * 10 * sizeof *meetings);
    struct chain_result r = {0};
    struct chain_part p = {0};
    struct chain_options o;
    struct rng g;
    if (!cases || !meetings) exit(1);
    rng_seed(&g, 5);
    chain_options_init(&o);
    o.today = 19140;
    for (size_t i = 0; i < CASES; i++) {
        day on = 19050 + (day)(i * 90 / CASES);
        cases[i] = (struct chain_case){.id = (int64_t)i + 1, .onset = on, .reported = on + 2, .isolated = on + 4, .controlled = rng_below(&g, 2)};
        for (size_t k = 0; k < 10; k++) {
            size_t back = 1 + (size_t)rng_below(&g, 8000), a = i > back ? i - back : 0;
            meetings[i * 10 + k] = (struct chain_meeting){(uint32_t)a, (uint32_t)i, cases[a].onset, cases[a].onset + 1, rng_unit(&g) * 0.5};
        }
    }
    struct chain_input in = {.cases = cases, .n = CASES, .meetings = meetings, .n_meetings = (size_t)CASES * 10};
    double from = wall_s();
    must(chain_build(&o, &in, &r, &err), "chains");
    double built = wall_s() - from;
    struct chain_look look = {.centre = CASES / 2, .steps = 4, .max_nodes = 300, .from = CHAIN_NO_DAY, .to = CHAIN_NO_DAY, .candidates = 0.05};
    from = wall_s();
    for (int i = 0; i < 20; i++) {
        chain_part_clear(&p);
        must(chain_look(&in, &r, &look, &p, &err), "a part");
    }
    double looked = (wall_s() - from) / 20;
    printf(" chains: %d cases, %zu meetings, %zu candidates, %zu trees; a part has %zu cases\n", CASES, in.n_meetings, r.n_candidates, r.n_trees, p.n_nodes);
    int missed = bench_verdict("100,000 cases ranked", built * 1e3, "ms", 2000, false) + bench_verdict("the network around one", looked * 1e3, "ms", 100, false);
    chain_part_clear(&p);
    chain_result_clear(&r);
    mem_free(cases);
    mem_free(meetings);
    return missed;
}

int main(void) {
    struct bench_node n;
    struct figure single, table, json;
    struct http_server *s = NULL;
    char tokens[128];
    int missed = 0, nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
    missed += chains();
    bench_node_open(&n, NULL, "covid-2022-v9", NOW);
    ledger_close(n.l);
    n.l = NULL;
    snprintf(tokens, sizeof tokens, "%s/tokens", n.dir);
    FILE *f = fopen(tokens, "w");
    if (!f) exit(1);
    fprintf(f, "token-bench bench root -\n");
    fclose(f);
    struct http_options o = {.ledger = n.o.ledger, .listen = "127.0.0.1:0", .dev_tokens = tokens, .at = NOW, .rate_account = -1, .rate_address = -1, .address_max = 8000, .no_clock = true};
    must(http_server_start(&o, &s, &err), "serve");
    int port = atoi(strrchr(http_server_address(s), ':') + 1);
    for (size_t i = 0; i < ROUNDS; i++) {
        measure((struct load){.port = port, .connections = 512}, i, &single);
        measure((struct load){.port = port, .connections = 16, .table = true}, i, &table);
        measure((struct load){.port = port, .connections = 16, .json = true}, i, &json);
    }
    printf(" visits over HTTP, on disk when answered; server and load on one machine\n");
    show("single scans, 512 connections", &single);
    show("batches of 1,000 as a table, 16", &table);
    show("batches of 1,000 as JSON, 16", &json);
    missed += bench_verdict("single scans", median(single.rate), "/s", 10000, true);
    missed += bench_verdict("visits in batches", median(table.rate), "/s", 500000, true);
    http_server_stop(s);
    bench_node_drop(&n);
    return missed > 0;
}

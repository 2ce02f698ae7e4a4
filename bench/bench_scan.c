/* Visits over HTTP as they come in, and chains of a large outbreak. Single scans at 512 connections that each wait for their answer (target 10,000 a second, the peak of a
 * city of 25 million), batches of 1,000 as a table and as JSON (target 500,000 visits a second as a table), every one of them on disk when it is answered; 100,000 cases ranked
 * and the network around one. The load comes from a process of its own on the same machine. */
#include "desks/tracing/tracing.h"
#include "engines/chain.h"
#include "served.h"

enum { ROUNDS = 3, SECONDS = 3, BATCH = 1000, BODIES = 64, CASES = 100000 };
enum { NOW = 1653876000 };

struct asking {
    int connections;
    bool table, json;
    long serial;
};

/* Requests written once, so that the load costs the machine little. */
static struct buf requests[BODIES];

static void requests_make(const struct asking *w) {
    struct rng r;
    rng_seed(&r, 7);
    for (int b = 0; b < BODIES; b++) {
        struct buf body = {0}, *all = &requests[b];
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
        buf_reset(all);
        load_request(all, "POST", "/api/v1/visits", "token-bench", "", w->table ? "text/csv" : "application/json", buf_view(&body));
        buf_clear(&body);
    }
}

static struct text ask(void *arg, int connection, double now) {
    (void)connection;
    (void)now;
    return buf_view(&requests[((struct asking *)arg)->serial++ % BODIES]);
}

struct figure {
    double rate[ROUNDS], cpu_us[ROUNDS], p50[ROUNDS], p99[ROUNDS];
};

static void measure(int port, struct asking w, size_t round, struct figure *f) {
    struct load_result r;
    int rows = w.table || w.json ? BATCH : 1;
    requests_make(&w);
    double cpu = cpu_s();
    int status = load_apart(&(struct load){.port = port, .connections = w.connections, .seconds = SECONDS, .ask = ask, .arg = &w}, &r);
    cpu = cpu_s() - cpu;
    if (status || !r.by[2] || r.by[2] != r.answers || r.unanswered) {
        printf("%d connections: %ld answers, %ld taken, %ld unanswered, status %d\n   %s\n", w.connections, r.answers, r.by[2], r.unanswered, status, r.first_bad);
        exit(1);
    }
    f->rate[round] = (double)r.answers * rows / r.seconds;
    f->cpu_us[round] = cpu * 1e6 / (double)r.answers / rows;
    f->p50[round] = r.p50_ms;
    f->p99[round] = r.p99_ms;
}

static double median(double *v) {
    return bench_at_share(v, ROUNDS, 0.5);
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
    int missed = 0;
    bench_unwatched();
    missed += chains();
    bench_node_open(&n, NULL, "covid-2022-v9", NOW);
    int port = bench_serve(&n, (struct http_options){0}, &s);
    for (size_t i = 0; i < ROUNDS; i++) {
        measure(port, (struct asking){.connections = 512}, i, &single);
        measure(port, (struct asking){.connections = 16, .table = true}, i, &table);
        measure(port, (struct asking){.connections = 16, .json = true}, i, &json);
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

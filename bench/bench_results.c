/* One's own result by ticket over HTTP: 200,000 persons with a swab each, asked at 512 connections as fast as they are answered, each another person (the store
 * is asked every time), then 5,000 persons again and again (the cache), then at a given rate far above what the server is told to carry: it sheds with 503 and
 * Retry-After and answers what it accepted. The load comes from a process of its own on the same machine. Target: 15,000 a second. A store may be given. */
#include "desks/testing/ticket.h"
#include "served.h"

enum { NOW = 1662033600, PERSONS = 200000, BATCH = 10000, CONNECTIONS = 512, SECONDS = 5, CAPACITY = 8000, STORM = 20000 };

static struct arena arena, kept;
static char (*tickets)[TICKET_CHARS + 1];

struct asking {
    long serial, among;
    struct buf bytes[CONNECTIONS];
};

static struct text ask(void *arg, int connection, double now) {
    struct asking *w = arg;
    struct buf *b = &w->bytes[connection];
    char body[80];
    long serial = w->serial++ * 7919 % w->among;
    int n = snprintf(body, sizeof body, "{\"ticket\":\"%s\"}", tickets[serial]);
    (void)now;
    buf_reset(b);
    buf_printf(b, "POST /public/v1/results HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, body); /* no token: nobody is signed in */
    return buf_view(b);
}

static void people_make(struct bench_node *n) {
    struct draft *d = bench_draft(n, &arena, "campaign");
    set(d, "title", value_text(TEXT("首轮")));
    set(d, "starts_at", value_int(NOW - DAY_S));
    int64_t campaign = bench_write(n, d);
    d = bench_draft(n, &arena, "round");
    set(d, "campaign", value_int(campaign));
    set(d, "seq", value_int(1));
    set(d, "starts_at", value_int(NOW - DAY_S));
    int64_t round = bench_write(n, d);
    struct draft **list = arena_alloc(&kept, 3 * BATCH * sizeof *list);
    tickets = arena_alloc(&kept, PERSONS * sizeof *tickets);
    if (!list || !tickets) exit(1);
    for (int from = 0; from < PERSONS; from += BATCH) {
        size_t k = 0, tube = 0;
        for (int i = 0; i < BATCH; i++) {
            if (i % 10 == 0) {
                tube = k;
                d = list[k++] = bench_draft(n, &arena, "tube");
                set(d, "barcode", value_text(text_of(arena_printf(&arena, "8%09d", from + i))));
                set(d, "round", value_int(round));
                set(d, "opened_at", value_int(NOW - 20000));
            }
            list[k++] = bench_draft(n, &arena, "person");
            d = list[k++] = bench_draft(n, &arena, "swab");
            bench_link(d, "person", k - 2);
            bench_link(d, "tube", tube);
            set(d, "swabbed_at", value_int(NOW - 15000));
        }
        bench_apply(n, list, k);
        for (size_t i = 0, p = 0; i < k; i++)
            if (text_is(list[i]->reg->name, "person")) ticket_make(n->l->vault, list[i]->ret_id, tickets[from + (int)p++]);
        arena_reset(&arena);
    }
}

static struct load_result measure(int port, long among, double rate, double *ret_cpu_us) {
    static struct asking asking;
    struct load_result w;
    asking.among = among;
    double cpu = cpu_s();
    int status = load_apart(&(struct load){.port = port, .connections = CONNECTIONS, .seconds = SECONDS, .rate = rate, .ask = ask, .arg = &asking}, &w);
    *ret_cpu_us = (cpu_s() - cpu) * 1e6 / (double)(w.answers ? w.answers : 1);
    asking.serial += w.answers;
    if (status || !w.by[2] || w.unanswered || w.by[2] + w.by[0] != w.answers) {
        printf("%ld answers, %ld taken, %ld shed, %ld unanswered, status %d\n   %s\n", w.answers, w.by[2], w.by[0], w.unanswered, status, w.first_bad);
        exit(1);
    }
    return w;
}

static void show(const char *what, const struct load_result *w, double cpu_us) {
    printf("   %-32s %8.0f answered/s  %8.0f shed/s  %5.1f us of processor each  p50 %6.1f ms  p99 %6.1f ms  p99.9 %6.1f ms\n", what, (double)w->by[2] / w->seconds, (double)w->by[0] / w->seconds, cpu_us,
           w->p50_ms, w->p99_ms, w->p999_ms);
}

int main(int argc, char **argv) {
    struct bench_node n;
    struct http_server *s = NULL;
    struct load_result w;
    double cpu_us;
    int missed = 0;
    bench_node_open(&n, argc > 1 ? argv[1] : NULL, "covid-2022-v9", NOW);
    people_make(&n);
    bench_unwatched();
    printf(" %s: %d persons; server and load on one machine\n", argc > 1 ? "PostgreSQL" : "SQLite", PERSONS);
    int port = bench_serve(&n, (struct http_options){.results_per_s = -1, .quiet = true}, &s);
    w = measure(port, PERSONS, 0, &cpu_us);
    show("each another person", &w, cpu_us);
    missed += bench_verdict("own results, asked of the store", (double)w.by[2] / w.seconds, "/s", 15000, true);
    w = measure(port, 5000, 0, &cpu_us);
    show("5,000 persons again and again", &w, cpu_us);
    missed += bench_verdict("own results, asked again", (double)w.by[2] / w.seconds, "/s", 15000, true);
    http_server_stop(s);
    port = bench_serve(&n, (struct http_options){.results_per_s = CAPACITY, .quiet = true}, &s);
    w = measure(port, PERSONS, STORM, &cpu_us); /* the four seconds' worth that may come at once */
    w = measure(port, PERSONS, STORM, &cpu_us);
    show("a storm of 20,000/s at 8,000/s", &w, cpu_us);
    missed += bench_verdict("answered while shedding", (double)w.by[2] / w.seconds, "/s", CAPACITY * 0.95, true);
    w = measure(port, PERSONS, CAPACITY / 2, &cpu_us);
    show("after the storm, at 4,000/s", &w, cpu_us);
    if (w.by[0]) printf("   %ld were still shed after the storm\n", w.by[0]);
    http_server_stop(s);
    bench_node_drop(&n);
    arena_clear(&arena);
    arena_clear(&kept);
    return missed > 0;
}

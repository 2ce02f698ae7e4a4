/* Sampling over HTTP: swabs of people on record, known by their identity card, into tubes of ten at 512 tables; one a request, then 50 a request as the field app sends them.
 * Targets (issue 6, reference/load.md): 4,000 a second one by one with p99 under 100 ms, 15,000 as the moonshot; 60,000 a second in batches of 50. At the end every swab that
 * was acknowledged is counted in the store. The load comes from a process of its own.
 *   bench_sampling [URL]   with one, PostgreSQL alone */
#include "desks/testing/round.h"
#include "served.h"

enum { PEOPLE = 800000, CONNECTIONS = 512, BATCH = 50, STEP = 2000 };
static const instant NOW = 1662024600; /* 2022-09-01 17:30 */

static int64_t campaign, round_id, tables[CONNECTIONS];

static void card(long i, char out[24]) {
    static const int weight[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    snprintf(out, 24, "310115%04ld%02ld%02ld%03ld", 1930 + i % 80, 1 + i / 80 % 12, 1 + i / 960 % 28, i / 26880 % 1000);
    for (int k = 0; k < 17; k++) sum += (out[k] - '0') * weight[k];
    out[17] = "10X98765432"[sum % 11];
    out[18] = 0;
}

static int64_t one(struct bench_node *n, struct arena *a, const char *reg, const char *const *cells) {
    struct draft *d = draft_new(a, bench_register(n, reg), DRAFT_CREATE);
    for (; cells[0]; cells += 2) must(draft_set(n->l, d, a, text_of(cells[0]), text_of(cells[1]), &err), cells[0]);
    must(record_write(n->l, &n->s, &d, 1, &err), reg);
    return d->ret_id;
}
#define ONE(n, a, reg, ...) one(n, a, reg, (const char *const[]){__VA_ARGS__, NULL})

static void ground(struct bench_node *n) {
    struct arena a = {0};
    char text[32];
    campaign = ONE(n, &a, "campaign", "title", "全员检测", "starts_at", "2022-09-01T00:00");
    round_id = ONE(n, &a, "round", "campaign", arena_printf(&a, "%lld", (long long)campaign), "seq", "1", "starts_at", "2022-09-01T08:00");
    struct draft *open = draft_new(&a, bench_register(n, "round"), DRAFT_CHANGE);
    open->id = round_id;
    open->state = TEXT("open");
    must(record_write(n->l, &n->s, &open, 1, &err), "round");
    int64_t site = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (i % 4 == 0) site = ONE(n, &a, "site", "title", arena_printf(&a, "采样点%d", i));
        tables[i] = ONE(n, &a, "site_table", "site", arena_printf(&a, "%lld", (long long)site), "label", arena_printf(&a, "%d", i));
    }
    struct draft **list = arena_alloc(&a, STEP * sizeof *list);
    for (long i = 0; i < PEOPLE; i += STEP) {
        struct arena b = {0};
        must(ledger_begin(n->l, &err), "begin");
        for (long k = 0; k < STEP; k++) {
            struct draft *d = list[k] = draft_new(&b, bench_register(n, "person"), DRAFT_CREATE);
            card(i + k, text);
            set(d, "doc_type", value_str("id-card"));
            set(d, "doc_no", value_text(arena_text(&b, text_of(text))));
        }
        must(record_apply(n->l, &n->s, list, STEP, &err), "people");
        if (list[0]->outcome != OUTCOME_CREATED) fprintf(stderr, "%s\n", list[0]->error.message), exit(1);
        must(ledger_commit(n->l, NOW, &err), "commit");
        arena_clear(&b);
    }
    arena_clear(&a);
}

struct asking {
    long next;          /* person */
    int run, batch;
    long sent[CONNECTIONS];
    struct buf bytes[CONNECTIONS];
};

static struct text ask(void *arg, int connection, double now) {
    struct asking *w = arg;
    struct buf *b = &w->bytes[connection], body = {0};
    char text[32];
    (void)now;
    if (w->next + w->batch > PEOPLE) fprintf(stdout, "all %d people are sampled: more are needed\n", PEOPLE), exit(1);
    buf_printf(&body, "{\"table\":%lld,\"round\":%lld,\"size\":10%s", (long long)tables[connection], (long long)round_id, w->batch > 1 ? ",\"swabs\":[" : "");
    for (int i = 0; i < w->batch; i++) {
        card(w->next++, text);
        buf_printf(&body, "%s\"tube\":\"%d-%d-%ld\",\"doc_type\":\"id-card\",\"doc_no\":\"%s\"", w->batch > 1 ? i ? "},{" : "{" : ",", w->run, connection, w->sent[connection]++ / 10, text);
    }
    buf_str(&body, w->batch > 1 ? "}]}" : "}");
    buf_reset(b);
    load_request(b, "POST", "/api/v1/sampling/swabs", "token-bench", "", "application/json", buf_view(&body));
    buf_clear(&body);
    return buf_view(b);
}

static void refusals(void *arg, int connection, const struct load_answer *a) {
    (void)arg, (void)connection;
    if (a->status == 200) fprintf(stdout, "refused: %.*s\n", (int)(a->body.n < 300 ? a->body.n : 300), a->body.s), exit(1);
}

static long acknowledged, next; /* next: the person who has not been sampled yet */

static double measure(int port, const char *what, int batch, int connections, double rate, double seconds, struct load_result *w) {
    static struct asking asking;
    static int serial;
    double cpu = cpu_s();
    asking.next = next;
    asking.batch = batch;
    asking.run = ++serial;
    if (load_apart(&(struct load){.port = port, .connections = connections, .seconds = seconds, .rate = rate, .ask = ask, .answered = refusals, .arg = &asking}, w) || w->unanswered || w->by[2] != w->answers) {
        printf("%s: %ld answers, %ld taken, %ld without\n%s\n", what, w->answers, w->by[2], w->unanswered, w->first_bad);
        exit(1);
    }
    cpu = cpu_s() - cpu;
    next += (w->answers + connections) * batch;
    acknowledged += w->answers * batch;
    double per_s = (double)w->answers * batch / w->seconds;
    printf("   %-34s %8.0f swabs/s  %6.1f us of processor a swab  p50 %6.1f  p99 %6.1f  p99.9 %6.1f ms\n", what, per_s, cpu * 1e6 / ((double)w->answers * batch), w->p50_ms, w->p99_ms, w->p999_ms);
    return per_s;
}

static int run(const char *store, bool pg) {
    struct bench_node n;
    struct load_result w;
    int missed = 0;
    bench_node_open(&n, store, "covid-2022-v9", NOW);
    double began = wall_s();
    ground(&n);
    printf(" %s: %d people on record, %d tables (made in %.0f s)\n", pg ? "PostgreSQL" : "SQLite", PEOPLE, CONNECTIONS, wall_s() - began);
    acknowledged = next = 0;
    struct http_server *s = NULL;
    int port = bench_serve(&n, (struct http_options){0}, &s);
    double flat;
    measure(port, "one by one, 4,000/s asked for", 1, CONNECTIONS, 4000, 6, &w);
    missed += bench_verdict("p99 at 4,000 a second", w.p99_ms, "ms", 100, false);
    flat = measure(port, "one by one, as fast as it goes", 1, CONNECTIONS, 0, 4, &w);
    missed += bench_verdict("one by one (moonshot)", flat, "/s", 15000, true);
    flat = measure(port, "50 a request", BATCH, 32, 0, 4, &w);
    missed += bench_verdict("in batches of 50", flat, "/s", 60000, true);
    http_server_stop(s);
    must(ledger_open(&n.o.ledger, &n.l, &err), "open");
    struct round_figures figures;
    began = wall_s();
    must(round_figures_of(n.l, &n.s, round_id, TEXT(""), INSTANT_NONE, &figures, &err), "figures");
    printf("   acknowledged %ld, in the store %lld; figures of the round in %.2f s\n", acknowledged, (long long)figures.swabs, wall_s() - began);
    missed += figures.swabs < acknowledged;
    bench_node_drop(&n);
    return missed;
}

int main(int argc, char **argv) {
    const char *stores = getenv("TOCSIN_TEST_STORES"), *pg = argc > 1 ? argv[1] : stores ? strstr(stores, "postgres") : NULL;
    int missed = 0;
    bench_unwatched();
    if (argc < 2) missed += run(NULL, false);
    if (pg) missed += run(pg, true);
    return missed > 0;
}

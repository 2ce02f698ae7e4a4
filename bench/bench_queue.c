/* What sharing commits brings: persons recorded per second by 1, 8, 64 and 512 submitters through the queue, beside one commit a record. Each submitter
 * waits for its answer before it sends the next, as a client does. Target: 64 submitters at least 5 times one commit a record. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desks/node.h"
#include "ledger/queue.h"

enum { SUBMITTERS_MAX = 512 };
static const double SECONDS = 3;

static void fail(const char *what, const struct error *err) {
    fprintf(stderr, "%s: %s %s\n", what, err->message, err->where);
    exit(1);
}

struct run {
    struct ledger *l;
    struct ledger_queue *q;
    struct session s;
    atomic_bool stop;
    atomic_llong done;
};

static struct draft *person(struct ledger *l, struct arena *a) {
    struct draft *d = draft_new(a, register_find(l->catalog, TEXT("person")), DRAFT_CREATE);
    d->values[register_field(d->reg, TEXT("name"))] = value_str("张伟");
    d->values[register_field(d->reg, TEXT("phone"))] = value_str("13800138000");
    return d;
}

static void *submit(void *arg) {
    struct run *r = arg;
    struct arena a = {0};
    while (!atomic_load(&r->stop)) {
        struct error err = {0};
        arena_reset(&a);
        struct draft *d = person(r->l, &a);
        struct submission s = {.session = &r->s, .drafts = &d, .n = 1, .arena = &a};
        if (ledger_submit_wait(r->q, &s, &err) < 0) fail("submit", &err);
        atomic_fetch_add(&r->done, 1);
    }
    arena_clear(&a);
    return NULL;
}

static double through_queue(struct ledger *l, size_t submitters, double *ret_a_commit) {
    struct run r = {.l = l, .s = node_session(TEXT("bench"), 1653876000, false)};
    struct queue_counts counts;
    struct error err = {0};
    static pthread_t threads[SUBMITTERS_MAX];
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 << 10);
    if (ledger_queue_start(l, NULL, &r.q, &err) < 0) fail("queue", &err);
    int64_t from = monotonic_ns();
    for (size_t i = 0; i < submitters; i++)
        if (pthread_create(&threads[i], &small, submit, &r) != 0) fail("thread", &err);
    usleep((useconds_t)(SECONDS * 1e6));
    atomic_store(&r.stop, true);
    for (size_t i = 0; i < submitters; i++) pthread_join(threads[i], NULL);
    double seconds = (double)(monotonic_ns() - from) / 1e9, n = (double)atomic_load(&r.done);
    ledger_queue_counts(r.q, &counts);
    ledger_queue_stop(r.q);
    pthread_attr_destroy(&small);
    *ret_a_commit = n / (double)(counts.commits ? counts.commits : 1);
    return n / seconds;
}

static double one_by_one(struct ledger *l) {
    struct session s = node_session(TEXT("bench"), 1653876000, false);
    struct arena a = {0};
    struct error err = {0};
    int64_t from = monotonic_ns(), n = 0;
    for (; monotonic_ns() - from < (int64_t)(SECONDS * 1e9); n++) {
        arena_reset(&a);
        struct draft *d = person(l, &a);
        if (record_write(l, &s, &d, 1, &err) < 0) fail("write", &err);
    }
    arena_clear(&a);
    return (double)n * 1e9 / (double)(monotonic_ns() - from);
}

/* A schema of our own in a cluster that other benchmarks have filled. */
static void schema(const char *url, const char *verb, const char *more) {
    char sql[160];
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; %s SCHEMA bench_queue_%ld %s", verb, (long)getpid(), more);
    PGconn *c = PQconnectdb(url);
    PQclear(PQexec(c, sql));
    PQfinish(c);
}

static bool bench(const char *given) {
    char store[1200];
    snprintf(store, sizeof store, "%s&options=-csearch_path%%3Dbench_queue_%ld", given, (long)getpid());
    char dir[] = "/tmp/tocsin-bench-XXXXXX", node[64];
    struct error err = {0};
    if (!mkdtemp(dir)) exit(1);
    snprintf(node, sizeof node, "%s/node", dir);
    const char *home = getenv("TOCSIN_HOME");
    bool pg = strncmp(given, "postgres", 8) == 0;
    struct node_options o = {.ledger = {.dir = node, .store = pg ? store : NULL, .home = home ? home : ".", .region = "310115"},
                             .policy = "covid-2022-v9", .regions = "/dev/null", .now = 1653876000};
    struct node_report report;
    struct ledger *l = NULL;
    if (pg) schema(given, "CREATE", "");
    if (node_init(&o, &report, &err) < 0) fail("init", &err);
    if (ledger_open(&o.ledger, &l, &err) < 0) fail("open", &err);
    double alone = one_by_one(l), at_64 = 0;
    printf("%-10s one commit a record: %.0f records/s\n", pg ? "postgresql" : "sqlite", alone);
    static const size_t submitters[] = {1, 8, 64, 512};
    for (size_t i = 0; i < 4; i++) {
        double a_commit = 0, rate = through_queue(l, submitters[i], &a_commit);
        if (submitters[i] == 64) at_64 = rate;
        printf("%-10s queue, %3zu submitters: %.0f records/s, %.1f to a commit, %.1f times\n", pg ? "postgresql" : "sqlite", submitters[i], rate, a_commit,
               rate / alone);
    }
    ledger_close(l);
    if (pg) schema(given, "DROP", "CASCADE");
    return at_64 >= 5 * alone;
}

int main(void) {
    const char *env = getenv("TOCSIN_TEST_STORES");
    static char list[2048];
    bool met = true;
    snprintf(list, sizeof list, "%s", env && *env ? env : "sqlite");
    for (char *save = NULL, *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) met = bench(word) && met;
    if (!met) printf("64 submitters are not 5 times one commit a record\n");
    return met ? 0 : 1;
}

/* A single record beside a big import: how long a post waits for its commit (p50, p99, worst) alone, and while an import of the same store runs as a job, with the
 * gate between the two writers and, for comparison, without it. Target: p99 under 250 ms beside an import. bench_beside [ROWS] */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

#include "desks/job/job.h"
#include "ledger/queue.h"

enum { POSTERS = 4, POSTS_MAX = 200000 };

struct posting {
    struct bench_node *n;
    struct ledger_queue *q;
    atomic_bool stop;
    atomic_long count;
    double *took;
};

static void *post_main(void *arg) {
    struct posting *p = arg;
    struct arena a = {0};
    while (!atomic_load(&p->stop)) {
        struct error e = {0};
        arena_reset(&a);
        long k = atomic_fetch_add(&p->count, 1);
        if (k >= POSTS_MAX) break;
        struct draft *d = bench_draft(p->n, &a, "place");
        set(d, "title", value_str(arena_printf(&a, "place %ld", k)));
        struct submission s = {.session = &p->n->s, .drafts = &d, .n = 1, .arena = &a};
        double from = wall_s();
        if (ledger_submit_wait(p->q, &s, &e) < 0) {
            fprintf(stderr, "post: %s\n", e.message);
            exit(1);
        }
        p->took[k] = wall_s() - from;
        usleep(2000); /* a person, not a machine */
    }
    arena_clear(&a);
    return NULL;
}

static double told(const char *what, struct posting *p, double seconds, double rows) {
    long n = atomic_load(&p->count);
    qsort(p->took, (size_t)n, sizeof *p->took, bench_by_value);
    double p99 = n ? p->took[(n * 99) / 100] : 0;
    printf("%-34s %6ld posts: p50 %6.1f ms, p99 %6.1f ms, worst %6.1f ms", what, n, n ? p->took[n / 2] * 1e3 : 0, p99 * 1e3, n ? p->took[n - 1] * 1e3 : 0);
    if (rows > 0) printf("; import %.0f rows/s", rows / seconds);
    printf("\n");
    return p99;
}

static void import(struct bench_node *n, struct ledger_gate *gate, int rows) {
    struct jobs *j = NULL;
    struct job_upload *u = NULL;
    char id[JOB_ID_BYTES], line[160];
    struct jobs_options o = {.ledger = n->o.ledger, .gate = gate, .workers = 1};
    must(jobs_open(&o, &j, &err), "jobs");
    must(job_upload_begin(j, &n->s, "persons.csv", json_pack("{s:s}", "register", "person"), &u, &err), "upload");
    must(job_upload_add(u, "姓名,联系电话\n", strlen("姓名,联系电话\n"), &err), "upload");
    for (int i = 0; i < rows; i++) {
        int k = snprintf(line, sizeof line, "Person %d,139%08d\n", i, i);
        must(job_upload_add(u, line, (size_t)k, &err), "upload");
    }
    must(job_upload_end(u, id, &err), "upload");
    for (int step = 0; step < 2; step++)
        for (;;) {
            json_t *s = NULL;
            must(job_show(j, &n->s, "import", id, &s, &err), "show");
            const char *state = json_string_value(json_object_get(s, "state"));
            bool done = !strcmp(state, "done"), over = done || !strcmp(state, "failed");
            if (over && !done) {
                fprintf(stderr, "the import failed\n");
                exit(1);
            }
            json_decref(s);
            if (!over) {
                usleep(20000);
                continue;
            }
            if (!step) must(job_ask(j, &n->s, "import", id, "run", NULL, &err), "run");
            break;
        }
    jobs_close(j);
}

static double run(const char *what, bool gated, int rows) {
    struct bench_node n;
    pthread_t threads[POSTERS];
    struct posting p = {.n = &n, .took = calloc(POSTS_MAX, sizeof(double))};
    struct ledger_gate *gate = gated ? ledger_gate_new() : NULL;
    bench_node_open(&n, NULL, NULL, 1653876000);
    n.l->gate = gate;
    must(ledger_queue_start(n.l, NULL, &p.q, &err), "queue");
    double from = wall_s();
    for (int i = 0; i < POSTERS; i++) pthread_create(&threads[i], NULL, post_main, &p);
    if (rows)
        import(&n, gate, rows);
    else
        usleep(3000000);
    double seconds = wall_s() - from;
    atomic_store(&p.stop, true);
    for (int i = 0; i < POSTERS; i++) pthread_join(threads[i], NULL);
    ledger_queue_stop(p.q);
    n.l->gate = NULL;
    double p99 = told(what, &p, seconds, rows);
    bench_node_drop(&n);
    ledger_gate_free(gate);
    free(p.took);
    return p99;
}

int main(int argc, char **argv) {
    int rows = argc > 1 ? atoi(argv[1]) : 60000;
    run("alone", true, 0);
    run("beside an import, no gate", false, rows);
    double p99 = run("beside an import, taking turns", true, rows);
    return bench_verdict("p99 of a post beside an import", p99 * 1e3, "ms", 250, false);
}

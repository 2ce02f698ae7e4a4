/* What the benches of the loop share: a node in a folder of its own, cases and contacts in it, two clocks. */
#ifndef TOCSIN_BENCH_BENCH_H
#define TOCSIN_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "desks/node.h"
#include "ledger/obligation.h"

static struct error err;

static inline void must(int rc, const char *what) {
    if (rc >= 0) return;
    fprintf(stderr, "%s: %s %s\n", what, err.message, err.where);
    exit(1);
}

static inline double wall_s(void) {
    return (double)monotonic_ns() / 1e9;
}

/* Processor time of the whole process: what a busy machine does not change much. */
static inline double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench_node {
    char dir[64], node[96];
    struct ledger *l;
    struct session s;
    struct node_options o;
    struct node_report made;
};

/* pack NULL: no policy in force. store NULL: SQLite. dir: the node is made there and kept, or is there already; NULL: a folder of its own. Whether it was there. */
static inline bool bench_node_at(struct bench_node *n, const char *dir, const char *store, const char *pack, instant now) {
    const char *home = getenv("TOCSIN_HOME");
    bool there = dir && access(dir, F_OK) == 0;
    *n = (struct bench_node){.dir = "/tmp/tocsin-bench-XXXXXX"};
    if (!dir && !mkdtemp(n->dir)) exit(1);
    if (dir) n->dir[0] = 0;
    snprintf(n->node, sizeof n->node, dir ? "%s" : "%s/node", dir ? dir : n->dir);
    n->o = (struct node_options){.ledger = {.dir = n->node, .store = store, .home = home ? home : ".", .region = "310115"},
                                 .policy = pack, .regions = "/dev/null", .now = now};
    if (!there) must(node_init(&n->o, &n->made, &err), "init");
    must(ledger_open(&n->o.ledger, &n->l, &err), "open");
    n->s = node_session(TEXT("bench"), now, false);
    return there;
}

static inline void bench_node_open(struct bench_node *n, const char *store, const char *pack, instant now) {
    bench_node_at(n, NULL, store, pack, now);
}

static inline void bench_node_drop(struct bench_node *n) {
    char command[96];
    ledger_close(n->l);
    if (!n->dir[0]) return; /* it is to be kept */
    snprintf(command, sizeof command, "rm -rf '%s'", n->dir);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", n->dir);
}

static inline const struct register_decl *bench_register(const struct bench_node *n, const char *name) {
    return register_find(n->l->catalog, text_of(name));
}

static inline void set(struct draft *d, const char *field, struct value v) {
    must(draft_put(d, field, v, &err), "set");
}

static inline struct draft *bench_draft(struct bench_node *n, struct arena *a, const char *reg) {
    struct draft *d = draft_new(a, bench_register(n, reg), DRAFT_CREATE);
    d->links = arena_alloc(a, (d->reg->n_fields + 1) * sizeof *d->links);
    return d;
}

static inline void bench_link(struct draft *d, const char *field, size_t to) {
    d->links[register_field(d->reg, text_of(field))] = (uint32_t)to + 1;
}

/* All of them in one transaction, none refused. */
static inline void bench_apply(struct bench_node *n, struct draft **list, size_t k) {
    must(ledger_begin(n->l, &err), "begin");
    must(record_apply(n->l, &n->s, list, k, &err), "apply");
    for (size_t i = 0; i < k; i++)
        if (list[i]->outcome == OUTCOME_REJECTED) {
            fprintf(stderr, "%s: %s\n", list[i]->error.where, list[i]->error.message);
            exit(1);
        }
    must(ledger_commit(n->l, n->s.now, &err), "commit");
}

static inline int64_t bench_write(struct bench_node *n, struct draft *d) {
    bench_apply(n, &d, 1);
    return d->ret_id;
}

static inline int64_t bench_count(struct ledger *l, const char *sql) {
    struct arena a = {0};
    struct value v = value_null();
    must(db_scalar(l->db, &a, sql, NULL, 0, &v, &err), sql);
    arena_clear(&a);
    return value_int_or(v, 0);
}

static inline int bench_by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 0.5: the median. Sorts the list. */
static inline double bench_at_share(double *list, size_t n, double share) {
    qsort(list, n, sizeof *list, bench_by_value);
    return list[(size_t)(share * (double)(n - 1))];
}

/* Target met or missed, and how far; the same words everywhere. */
static inline int bench_verdict(const char *what, double got, const char *unit, double target, bool more_is_better) {
    double ratio = more_is_better ? got / target : target / got;
    printf("  %-52s %12.3f %-9s target %10.1f: %s, %.2f of it\n", what, got, unit, target, ratio >= 1 ? "met" : "MISSED", ratio);
    fflush(stdout);
    return ratio < 1;
}

#endif

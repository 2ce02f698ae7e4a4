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

/* pack NULL: no policy in force. store NULL: SQLite. */
static inline void bench_node_open(struct bench_node *n, const char *store, const char *pack, instant now) {
    *n = (struct bench_node){.dir = "/tmp/tocsin-bench-XXXXXX"};
    if (!mkdtemp(n->dir)) exit(1);
    snprintf(n->node, sizeof n->node, "%s/node", n->dir);
    const char *home = getenv("TOCSIN_HOME");
    n->o = (struct node_options){.ledger = {.dir = n->node, .store = store, .home = home ? home : ".", .region = "310115"},
                                 .policy = pack, .regions = "/dev/null", .now = now};
    must(node_init(&n->o, &n->made, &err), "init");
    must(ledger_open(&n->o.ledger, &n->l, &err), "open");
    n->s = node_session(TEXT("bench"), now, false);
}

static inline void bench_node_drop(struct bench_node *n) {
    char command[96];
    ledger_close(n->l);
    snprintf(command, sizeof command, "rm -rf '%s'", n->dir);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", n->dir);
}

static inline const struct register_decl *bench_register(const struct bench_node *n, const char *name) {
    return register_find(n->l->catalog, text_of(name));
}

static inline void set(struct draft *d, const char *field, struct value v) {
    d->values[register_field(d->reg, text_of(field))] = v;
}

static inline struct draft *bench_draft(struct bench_node *n, struct arena *a, const char *reg) {
    struct draft *d = draft_new(a, bench_register(n, reg), DRAFT_CREATE);
    d->links = arena_alloc(a, (d->reg->n_fields + 1) * sizeof *d->links);
    return d;
}

static inline void bench_link(struct draft *d, const char *field, size_t to) {
    d->links[register_field(d->reg, text_of(field))] = (uint32_t)to + 1;
}

/* Target met or missed, and how far; the same words everywhere. */
static inline int bench_verdict(const char *what, double got, const char *unit, double target, bool more_is_better) {
    double ratio = more_is_better ? got / target : target / got;
    printf("  %-52s %12.3f %-9s target %10.1f: %s, %.2f of it\n", what, got, unit, target, ratio >= 1 ? "met" : "MISSED", ratio);
    fflush(stdout);
    return ratio < 1;
}

#endif

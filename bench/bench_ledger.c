/* The write path without files: how many contacts with their persons the ledger takes in a second, and where the time goes.
 * Prepare (checks, sealing, blind hashes) and apply (references, keys, journal, duties, rows, commit) run on two threads in an import: the slower one
 * is the limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desks/node.h"
#include "ledger/obligation.h"

enum { BATCH = 4000 };

static void fail(const char *what, const struct error *err) {
    fprintf(stderr, "%s: %s %s\n", what, err->message, err->where);
    exit(1);
}

static void set(struct draft *d, const char *field, struct value v) {
    d->values[register_field(d->reg, text_of(field))] = v;
}

int main(int argc, char **argv) {
    size_t rows = argc > 1 ? (size_t)atoll(argv[1]) : 200000;
    const char *store = argc > 2 ? argv[2] : NULL, *pack = argc > 3 ? argv[3] : "covid-2022-v9";
    struct error err = {0};
    char dir[] = "/tmp/tocsin-bench-XXXXXX", node[64];
    if (!mkdtemp(dir)) return 1;
    snprintf(node, sizeof node, "%s/node", dir);
    instant now = 1653876000;
    struct node_options o = {.ledger = {.dir = node, .store = store, .home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".", .region = "310115"},
                             .policy = strcmp(pack, "-") ? pack : NULL,
                             .regions = "/dev/null",
                             .now = now};
    struct node_report report;
    if (node_init(&o, &report, &err) < 0) fail("init", &err);
    struct ledger *l = NULL;
    if (ledger_open(&o.ledger, &l, &err) < 0) fail("open", &err);
    struct session s = node_session(TEXT("bench"), now, false);
    const struct register_decl *person = register_find(l->catalog, TEXT("person")), *contact = register_find(l->catalog, TEXT("contact")),
                               *cas = register_find(l->catalog, TEXT("case"));
    struct arena a = {0};
    struct draft *p0 = draft_new(&a, person, DRAFT_CREATE), *c0 = draft_new(&a, cas, DRAFT_CREATE);
    set(p0, "name", value_str("病例一"));
    struct draft *first[2] = {p0, c0};
    c0->links = arena_alloc(&a, cas->n_fields * sizeof *c0->links);
    c0->links[register_field(cas, TEXT("person"))] = 1;
    set(c0, "disease", value_str("covid-19"));
    set(c0, "classification", value_str("confirmed"));
    set(c0, "report_date", value_int(19142));
    if (record_write(l, &s, first, 2, &err) < 0) fail("case", &err);
    int64_t index = c0->ret_id;
    db_bulk(l->db, true);
    struct rng rng;
    rng_seed_secret(&rng);
    int64_t prepare = 0, apply = 0, commit = 0, from = monotonic_ns();
    int f_person = register_field(contact, TEXT("person"));
    for (size_t done = 0; done < rows; done += BATCH) {
        struct arena b = {0};
        struct draft **d = arena_alloc(&b, 2 * BATCH * sizeof *d);
        for (size_t i = 0; i < BATCH; i++) {
            struct draft *p = draft_new(&b, person, DRAFT_CREATE), *c = draft_new(&b, contact, DRAFT_UPSERT);
            static const char *const given[] = {"伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军"};
            static const char *const family[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"};
            size_t k = done + i;
            set(p, "name", value_str(arena_printf(&b, "%s%s", family[k % 10], given[k / 10 % 10])));
            set(p, "doc_type", value_str("passport"));
            set(p, "doc_no", value_str(arena_printf(&b, "E%08zu", k)));
            set(p, "phone", value_str(arena_printf(&b, "138%08zu", k)));
            set(p, "address", value_str(arena_printf(&b, "浦东新区某路%zu号", k % 1000)));
            set(p, "sex", value_str(k & 1 ? "male" : "female"));
            set(p, "age", value_int((int64_t)(k % 90)));
            c->links = arena_alloc(&b, contact->n_fields * sizeof *c->links);
            c->links[f_person] = (uint32_t)(2 * i + 1);
            set(c, "index_case", value_int(index));
            set(c, "disease", value_str("covid-19"));
            set(c, "relation", value_str("colleague"));
            set(c, "first_contact", value_int(19140));
            set(c, "last_contact", value_int(19141));
            set(c, "found_at", value_int(now));
            d[2 * i] = p;
            d[2 * i + 1] = c;
        }
        int64_t t0 = monotonic_ns();
        for (size_t i = 0; i < 2 * BATCH; i++)
            if (record_prepare(l, d[i], &b, &rng, now) < 0) fail("prepare", &d[i]->error);
        int64_t t1 = monotonic_ns();
        if (ledger_begin(l, &err) < 0) fail("begin", &err);
        if (record_apply(l, &s, d, 2 * BATCH, &err) < 0) fail("apply", &err);
        for (size_t i = 0; i < 2 * BATCH; i++)
            if (d[i]->outcome != OUTCOME_CREATED) fail("draft", &d[i]->error);
        int64_t t2 = monotonic_ns();
        if (ledger_commit(l, now, &err) < 0) fail("commit", &err);
        int64_t t3 = monotonic_ns();
        prepare += t1 - t0;
        apply += t2 - t1;
        commit += t3 - t2;
        arena_clear(&b);
    }
    double n = (double)rows, seconds = (double)(monotonic_ns() - from) / 1e9;
    printf("contacts with persons, one thread: %.0f rows/s; prepare %.2f us, apply %.2f us, duties+journal+commit %.2f us a row\n", n / seconds,
           (double)prepare / n / 1e3, (double)apply / n / 1e3, (double)commit / n / 1e3);
    printf("as a pipeline of two threads at most: %.0f rows/s\n", 1e9 * n / (double)(prepare > apply + commit ? prepare : apply + commit));
    db_bulk(l->db, false);
    ledger_close(l);
    arena_clear(&a);
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) == 0 ? 0 : 1;
}

/* The clock's pass over open duties: a usual minute, when a thousand are due; and the worst, when all are, which is what a night without a clock
 * leaves behind. Rows are made by the store, as the books would hold them.
 * usage: bench_tick [OPEN] [STORE] */
#include "bench.h"
#include "desks/duty.h"

enum { STEP = 50000, DUE = 1000, TARGET = 1 };

static int seen(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    (void)o, (void)rule;
    ++*(size_t *)arg;
    return 0;
}

/* What a list and the board ask for, beside so many open duties. */
static void ask(struct bench_node *n) {
    struct duty_filter first = {.limit = 51}, all = {0};
    struct duty_summary sum;
    struct duty_regions regions;
    struct duty_owners owners;
    size_t rows = 0;
    double t0 = wall_s();
    must(duty_list(n->l, n->l->db, &n->s, &first, seen, &rows, &err), "list");
    double t1 = wall_s();
    must(duty_summarise(n->l, n->l->db, &n->s, &all, &sum, &err), "summary");
    double t2 = wall_s();
    must(duty_by_region(n->l, n->l->db, &n->s, &all, 4, &regions, &err), "regions");
    double t3 = wall_s();
    must(duty_by_owner(n->l, n->l->db, &n->s, &all, &owners, &err), "owners");
    printf("  first page of the list %.3f s, summary %.3f s, by region %.3f s, by owner %.3f s (no target met yet; docs/performance.md)\n", t1 - t0, t2 - t1, t3 - t2, wall_s() - t3);
    duty_summary_clear(&sum);
    duty_regions_clear(&regions);
    duty_owners_clear(&owners);
}

int main(int argc, char **argv) {
    size_t open = argc > 1 ? (size_t)atoll(argv[1]) : 1000000;
    struct bench_node n;
    bench_node_open(&n, argc > 2 ? argv[2] : NULL, "covid-2022-v9", 1653876000);
    db_bulk(n.l->db, true);
    struct obligation *duties = malloc(STEP * sizeof *duties);
    struct obligation **list = malloc(STEP * sizeof *list);
    for (size_t done = 0; done < open; done += STEP) {
        must(db_begin(n.l->db, &err), "begin");
        for (size_t i = 0; i < STEP; i++) {
            size_t k = done + i;
            struct obligation o = {.region = TEXT("310115"), .rule = k & 1 ? TEXT("place-contact") : TEXT("control-order"), .reg = TEXT("contact"), .desk = TEXT("tracing"),
                                   .owner_region = TEXT("310115"), .state = TEXT("open"), .holder = 1000000 + (int64_t)(k / 2), .record = 5000000 + (int64_t)(k / 2),
                                   .pack = n.made.adoption, .owner_kind = OWNER_REGION, .closed_at = INSTANT_NONE};
            o.duty = (struct duty){.anchor = 19142, .owed = 1, .raised_at = n.s.now - 3600};
            o.duty.due_at = o.duty.wake_at = k % (open / DUE) == 0 ? n.s.now - 60 : n.s.now + 3600 + (int64_t)(k % 7200);
            duties[i] = o;
            list[i] = &duties[i];
        }
        must(obligation_write(n.l, DB_INSERT, DUTY_WHOLE, list, STEP, n.s.now, &err), "duties");
        must(db_commit(n.l->db, &err), "commit");
    }
    free(duties);
    free(list);
    db_bulk(n.l->db, false);
    ask(&n);
    struct wake_report r;
    double from = wall_s(), cpu = cpu_s();
    must(duty_tick(n.l, &n.s, &r, &err), "tick");
    double few = wall_s() - from, few_cpu = cpu_s() - cpu;
    printf("  %zu open, %lld due: %.3f s\n", open, (long long)r.woken, few);
    int missed = bench_verdict("a pass, few due, processor", few_cpu, "s", TARGET, false);
    n.s.now += 4 * 3600;
    db_bulk(n.l->db, true);
    from = wall_s();
    cpu = cpu_s();
    must(duty_tick(n.l, &n.s, &r, &err), "tick");
    double whole = wall_s() - from, whole_cpu = cpu_s() - cpu;
    printf("  all due at once: %lld woken, %lld escalated in %.2f s, %.2f s of processor, %.2f us each (no target)\n", (long long)r.woken, (long long)r.escalated, whole,
           whole_cpu, whole * 1e6 / (double)(r.woken ? r.woken : 1));
    db_bulk(n.l->db, false);
    bench_node_drop(&n);
    return missed;
}

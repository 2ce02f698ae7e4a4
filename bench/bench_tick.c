/* The clock's pass over open duties: a usual minute, when a thousand are due; and the worst, when all are, which is what a night without a clock
 * leaves behind. Before, between and after: the first page of the list, as a city, a street and a village with a handful ask for it. Rows are made by the store, as the books would hold them.
 * usage: bench_tick [OPEN] [STORE] */
#include "bench.h"
#include "desks/duty.h"

enum { STEP = 50000, DUE = 1000, TARGET = 1, PAGE_TARGET_MS = 20, COUNT_TARGET_MS = 100, TURNS = 5, STREETS = 240, RARE = 50000 };

static int seen(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    (void)o, (void)rule;
    ++*(size_t *)arg;
    return 0;
}

/* The first page of any list; the worst of TURNS, wall time. */
static int pages(struct bench_node *n, const char *when) {
    static const struct asked {
        const char *name;
        struct duty_filter f;
    } lists[] = {{"all", {.limit = 51}}, {"overdue", {.limit = 51, .overdue = true}}, {"a rule", {.limit = 51, .rule = {"place-contact", 13}}}, {"a desk that has none", {.limit = 51, .desk = {"testing", 7}}},
                 {"without owner (1 in 50,000)", {.limit = 51, .without_owner = true}}, {"of one party (1 in 50,000)", {.limit = 51, .owner = 4711}}, {"due within 2 h", {.limit = 51}},
                 {"a street", {.limit = 51, .region = {"310107003", 9}}}, {"an hour further", {.limit = 51, .after = true}}};
    static const struct role {
        const char *name, *region;
    } roles[] = {{"city", "3101"}, {"street (1 in 240)", "310105002"}, {"village (1 in 50,000)", "310105002007"}};
    double worst = 0;
    for (size_t r = 0; r < sizeof roles / sizeof *roles; r++) {
        struct grant g = {.role = TEXT("tracer"), .region = text_of(roles[r].region)};
        struct session s = {.account = TEXT("bench"), .n_grants = 1, .grants = &g, .now = n->s.now};
        printf("  %s, first page for a %s:", when, roles[r].name);
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
            struct duty_filter f = lists[i].f;
            size_t rows = 0;
            double most = 0;
            if (i == 6) f.due_before = n->s.now + 7200;
            if (f.after) f.after_due = n->s.now + 3600;
            for (int turn = 0; turn < TURNS; turn++) {
                rows = 0;
                double from = wall_s();
                must(duty_list(n->l, n->l->db, &s, &f, seen, &rows, &err), "list");
                double ms = (wall_s() - from) * 1e3;
                if (turn && ms > most) most = ms; /* the first prepares the statement */
            }
            printf("%s %s %.1f ms (%zu)", i ? "," : "", lists[i].name, most, rows);
            if (most > worst) worst = most;
        }
        printf("\n");
    }
    return bench_verdict("first page of any list of duties", worst, "ms", PAGE_TARGET_MS, false);
}

/* What the board asks for, beside so many open duties. */
static int ask(struct bench_node *n, const char *when) {
    struct duty_filter all = {0};
    struct duty_summary sum;
    struct duty_regions regions;
    struct duty_owners owners;
    double t1 = wall_s();
    must(duty_summarise(n->l, n->l->db, &n->s, &all, &sum, &err), "summary");
    double t2 = wall_s();
    must(duty_by_region(n->l, n->l->db, &n->s, &all, 4, &regions, &err), "regions");
    double t3 = wall_s();
    must(duty_by_owner(n->l, n->l->db, &n->s, &all, &owners, &err), "owners");
    double worst = wall_s() - t3;
    printf("  %s: summary %.1f ms, by region %.1f ms, by owner %.1f ms\n", when, (t2 - t1) * 1e3, (t3 - t2) * 1e3, worst * 1e3);
    if (t2 - t1 > worst) worst = t2 - t1;
    if (t3 - t2 > worst) worst = t3 - t2;
    duty_summary_clear(&sum);
    duty_regions_clear(&regions);
    duty_owners_clear(&owners);
    return bench_verdict("duties counted", worst * 1e3, "ms", COUNT_TARGET_MS, false);
}

int main(int argc, char **argv) {
    size_t open = argc > 1 ? (size_t)atoll(argv[1]) : 1000000;
    struct bench_node n;
    bench_node_open(&n, argc > 2 ? argv[2] : NULL, "covid-2022-v9", 1653876000);
    db_bulk(n.l->db, true);
    struct obligation *duties = malloc(STEP * sizeof *duties);
    struct obligation **list = malloc(STEP * sizeof *list);
    static char streets[STREETS][16];
    for (int i = 0; i < STREETS; i++) snprintf(streets[i], sizeof streets[i], "3101%02d%03d", i % 16 + 1, i / 16 + 1);
    for (size_t done = 0; done < open; done += STEP) {
        must(db_begin(n.l->db, &err), "begin");
        for (size_t i = 0; i < STEP; i++) {
            size_t k = done + i;
            bool rare = k % RARE == 77; /* contacts come in lists of a street: some hundred neighbours are of one */
            struct text region = rare ? TEXT("310105002007") : text_of(streets[k / 300 * 7 % STREETS]);
            struct obligation o = {.region = region, .rule = k & 1 ? TEXT("place-contact") : TEXT("control-order"), .reg = TEXT("contact"), .desk = TEXT("tracing"),
                                   .owner_region = region, .state = TEXT("open"), .holder = 1000000 + (int64_t)(k / 2), .record = 5000000 + (int64_t)(k / 2),
                                   .pack = n.made.adoption, .owner_kind = OWNER_REGION, .closed_at = INSTANT_NONE};
            if (k % RARE == 99) o.owner_kind = OWNER_NONE;
            if (k % RARE == 55) o.owner_kind = OWNER_UNIT, o.owner = 4711;
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
    int missed = ask(&n, "nothing looked at yet");
    n.s.now += 450; /* the middle of a quarter of an hour: what is due in its half is looked at one by one, here 139 duties a second */
    missed += ask(&n, "in the middle of a quarter");
    n.s.now -= 450;
    missed += pages(&n, "nothing looked at yet");
    struct wake_report r;
    double from = wall_s(), cpu = cpu_s();
    must(duty_tick(n.l, &n.s, &r, &err), "tick");
    double few = wall_s() - from, few_cpu = cpu_s() - cpu;
    printf("  %zu open, %lld due: %.3f s\n", open, (long long)r.woken, few);
    missed += bench_verdict("a pass, few due, processor", few_cpu, "s", TARGET, false);
    n.s.now += 4 * 3600;
    db_bulk(n.l->db, true);
    from = wall_s();
    cpu = cpu_s();
    must(duty_tick(n.l, &n.s, &r, &err), "tick");
    double whole = wall_s() - from, whole_cpu = cpu_s() - cpu;
    printf("  all due at once: %lld woken, %lld escalated in %.2f s, %.2f s of processor, %.2f us each (no target)\n", (long long)r.woken, (long long)r.escalated, whole,
           whole_cpu, whole * 1e6 / (double)(r.woken ? r.woken : 1));
    db_bulk(n.l->db, false);
    missed += ask(&n, "all late") + pages(&n, "all late");
    bench_node_drop(&n);
    return missed;
}

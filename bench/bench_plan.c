/* A change of plan over contacts under control: what it would do is shown, then done. Each contact is placed and has a stay with its test days, daily checks
 * and release. Beside it the plain reading of the same duties, row by row: the least that a comparison could cost.
 * usage: bench_plan [CONTACTS] [STORE] */
#include "bench.h"
#include "desks/plan.h"

enum { STEP = 5000, SHOW_TARGET = 2, APPLY_TARGET = 5 };

static void people(struct bench_node *n, size_t contacts) {
    struct arena a = {0};
    struct draft *p = bench_draft(n, &a, "person"), *c = bench_draft(n, &a, "case");
    set(p, "name", value_str("病例一"));
    bench_link(c, "person", 0);
    set(c, "disease", value_str("covid-19"));
    set(c, "classification", value_str("confirmed"));
    set(c, "report_date", value_int(19142));
    must(record_write(n->l, &n->s, (struct draft *[]){p, c}, 2, &err), "case");
    int64_t index = c->ret_id;
    arena_clear(&a);
    for (size_t done = 0; done < contacts; done += STEP) {
        struct draft **d = arena_alloc(&a, 3 * STEP * sizeof *d);
        for (size_t i = 0; i < STEP; i++) {
            struct draft *person = d[3 * i] = bench_draft(n, &a, "person");
            struct draft *contact = d[3 * i + 1] = bench_draft(n, &a, "contact");
            struct draft *stay = d[3 * i + 2] = bench_draft(n, &a, "stay");
            set(person, "name", value_str("王伟"));
            set(person, "doc_type", value_str("passport"));
            set(person, "doc_no", value_str(arena_printf(&a, "E%08zu", done + i)));
            bench_link(contact, "person", 3 * i);
            set(contact, "index_case", value_int(index));
            set(contact, "disease", value_str("covid-19"));
            set(contact, "last_contact", value_int(19140 + (int64_t)(i % 2)));
            set(contact, "found_at", value_int(n->s.now - 3600));
            bench_link(stay, "person", 3 * i);
            bench_link(stay, "contact", 3 * i + 1);
            set(stay, "kind", value_str(i % 4 ? "central" : "home"));
            set(stay, "started_at", value_int(n->s.now - 1800));
        }
        must(ledger_begin(n->l, &err), "begin");
        must(record_apply(n->l, &n->s, d, 3 * STEP, &err), "apply");
        for (size_t i = 0; i < 3 * STEP; i++)
            if (d[i]->outcome != OUTCOME_CREATED) err = d[i]->error, must(-1, "draft");
        must(ledger_commit(n->l, n->s.now, &err), "commit");
        arena_clear(&a);
    }
}

static int64_t read_duties(struct ledger *l) {
    struct db_cursor *c = NULL;
    const struct value *row;
    char sql[1024];
    int64_t rows = 0;
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\"", obligation_columns);
    must(db_query(l->db, sql, NULL, 0, &c, &err), "query");
    while (db_next(c, &row, &err) > 0) rows++;
    db_cursor_close(c);
    return rows;
}

int main(int argc, char **argv) {
    size_t contacts = argc > 1 ? (size_t)atoll(argv[1]) : 100000;
    struct bench_node n;
    bench_node_open(&n, argc > 2 ? argv[2] : NULL, "covid-2022-v9", 1653876000);
    db_bulk(n.l->db, true);
    double from = wall_s();
    people(&n, contacts);
    printf("  %zu contacts placed in %.1f s\n", contacts, wall_s() - from);
    db_bulk(n.l->db, false);
    struct policy *to = NULL;
    struct plan_diff diff;
    char *policies = NULL;
    if (asprintf(&policies, "%s/policies", n.l->home) < 0) return 1;
    must(policy_load(n.l->catalog, policies, TEXT("covid-2022-20"), n.l->zone_s, &to, &err), "load");
    from = wall_s();
    int64_t rows = read_duties(n.l);
    double least = wall_s() - from;
    double cpu = cpu_s();
    from = wall_s();
    must(plan_compare(n.l, NULL, &n.s, to, n.l->region, NULL, NULL, &diff, &err), "compare");
    double show = wall_s() - from, show_cpu = cpu_s() - cpu;
    printf("  %lld records, %lld duties: %lld gained, %lld lost, %lld moved; reading the duties alone %.2f s: ratio %.2f\n", (long long)diff.records, (long long)rows,
           (long long)diff.total[PLAN_GAIN], (long long)diff.total[PLAN_LOSE], (long long)(diff.total[PLAN_SOONER] + diff.total[PLAN_LATER]), least, show / least);
    plan_diff_clear(&diff);
    int64_t id = 0;
    struct plan_adoption want = {.pack = TEXT("covid-2022-20"), .region = n.l->region, .from = day_of_instant(n.s.now, n.l->zone_s), .reason = TEXT("二十条")};
    struct plan_work *work = NULL;
    struct db *db = NULL;
    cpu = cpu_s();
    from = wall_s();
    must(ledger_reader(n.l, &db, &err), "reader");
    must(plan_prepare(n.l, db, &n.s, &want, &work, &err), "prepare");
    db_close(db);
    double beside = wall_s() - from;
    must(plan_apply(n.l, &n.s, &want, work, n.s.now, &id, NULL, &err), "adopt");
    plan_work_free(work);
    double apply = wall_s() - from, apply_cpu = cpu_s() - cpu;
    printf("  wall: shown in %.2f s, applied in %.2f s, of which others wait %.2f s for the writer\n", show, apply, apply - beside);
    int missed = bench_verdict("plan change shown, processor", show_cpu, "s", SHOW_TARGET, false);
    missed += bench_verdict("plan change applied, processor", apply_cpu, "s", APPLY_TARGET, false);
    policy_free(to);
    free(policies);
    bench_node_drop(&n);
    return missed;
}

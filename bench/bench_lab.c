/* Plates of a laboratory into results of people: 94 tubes a plate, 10 or 11 swabs a tube, one tube in 100 positive. Both steps are counted, results and release, each
 * its own transaction on disk, with every member's swab changed, journalled and, in a recalled tube, obliged. Targets: 250 tubes a second into 2,650 people a
 * second; the recall list of a positive tube in 1 s. A store may be given: postgresql://... */
#include "bench.h"
#include "desks/testing/laboratory.h"

enum { NOW = 1662033600 /* 2022-09-01T20:00+08:00 */, PLATES = 60, TUBES = 94, ROUND_S = 3600 };

static struct arena arena;

static struct draft *fact(const struct bench_node *n, const char *reg) {
    struct draft *d = draft_new(&arena, register_find(n->l->catalog, text_of(reg)), DRAFT_CREATE);
    if (!d) exit(1);
    return d;
}

static void cell(struct bench_node *n, struct draft *d, const char *field, const char *text) {
    must(draft_set(n->l, d, &arena, text_of(field), text_of(text), &err), field);
}

static int64_t people;

/* A plate's tubes, received, with their swabs. */
static void tubes_make(struct bench_node *n, int plate, int64_t round, int64_t laboratory) {
    struct draft *list[TUBES], *swabs[TUBES * 11], *persons[TUBES * 11];
    size_t k = 0;
    for (int i = 0; i < TUBES; i++) {
        struct draft *d = list[i] = fact(n, "tube");
        cell(n, d, "barcode", arena_printf(&arena, "9%05d%05d", plate, i));
        cell(n, d, "size", "20");
        cell(n, d, "opened_at", "2022-09-01T16:00");
        set(d, "round", value_int(round));
    }
    bench_apply(n, list, TUBES);
    for (int i = 0; i < TUBES; i++)
        for (int j = 0; j < 10 + (i % 5 < 3); j++) { /* 10.6 */
            persons[k] = fact(n, "person");
            cell(n, persons[k], "name", "王芳");
            cell(n, persons[k], "address", "某路 1 号 101");
            swabs[k] = fact(n, "swab");
            set(swabs[k], "tube", value_int(list[i]->ret_id));
            cell(n, swabs[k], "swabbed_at", "2022-09-01T16:30");
            k++;
        }
    bench_apply(n, persons, k);
    for (size_t i = 0; i < k; i++) set(swabs[i], "person", value_int(persons[i]->ret_id));
    bench_apply(n, swabs, k);
    people += (int64_t)k;
    for (int i = 0; i < TUBES; i++) {
        struct draft *d = draft_new(&arena, list[i]->reg, DRAFT_CHANGE);
        if (!d) exit(1);
        d->id = list[i]->ret_id;
        d->state = TEXT("received");
        set(d, "laboratory", value_int(laboratory));
        cell(n, d, "received_at", "2022-09-01T18:00");
        list[i] = d;
    }
    bench_apply(n, list, TUBES);
    arena_reset(&arena);
}

static void plate_fill(int plate, struct plate *p) {
    static const struct text header[] = {{"tube", 4}, {"well", 4}, {"orf1ab", 6}, {"n", 1}, {"ic", 2}};
    struct text none = TEXT("--"), ct = TEXT("28.5");
    must(plate_begin(p, &plate_options_usual, &err), "plate");
    must(plate_row(p, header, 5, 1, false, &err), "header");
    for (int i = 0; i < TUBES + 2; i++) {
        char tube[20], well[8];
        snprintf(tube, sizeof tube, "9%05d%05d", plate, i);
        snprintf(well, sizeof well, "%c%d", 'A' + i / 12, i % 12 + 1);
        bool positive = i == TUBES + 1 || (i < TUBES && (plate * TUBES + i) % 100 == 0);
        struct text row[] = {i == TUBES ? TEXT("NC") : i == TUBES + 1 ? TEXT("PC") : text_of(tube), text_of(well), positive ? ct : none, positive ? ct : none, ct};
        must(plate_row(p, row, 5, i + 2, false, &err), "row");
    }
    must(plate_end(p, &err), "end");
}

int main(int argc, char **argv) {
    struct bench_node n;
    struct lab_report r;
    static struct plate p;
    static double entered[PLATES], released[PLATES];
    struct text recalled = {"", 0};
    double took_results = 0, took_release = 0;
    int64_t tubes = 0;
    int missed = 0;
    bench_node_open(&n, argc > 1 ? argv[1] : NULL, "covid-2022-v9", NOW);
    struct draft *d = fact(&n, "campaign");
    cell(&n, d, "title", "首轮");
    cell(&n, d, "starts_at", "2022-09-01T00:00");
    int64_t campaign = bench_write(&n, d);
    d = fact(&n, "round");
    set(d, "campaign", value_int(campaign));
    cell(&n, d, "seq", "1");
    cell(&n, d, "starts_at", "2022-09-01T08:00");
    int64_t round = bench_write(&n, d);
    d = fact(&n, "laboratory");
    cell(&n, d, "title", "市疾控");
    int64_t laboratory = bench_write(&n, d);
    for (int i = 0; i < PLATES; i++) tubes_make(&n, i, round, laboratory);
    struct session reviewer = n.s;
    reviewer.account = TEXT("reviewer");
    for (int i = 0; i < PLATES; i++) {
        struct lab_run in = {.laboratory = laboratory, .plate = text_of(arena_printf(&arena, "P%d", i)), .started_at = NOW - ROUND_S, .resulted_at = NOW - 60};
        plate_fill(i, &p);
        double from = wall_s();
        must(lab_results(n.l, &n.s, &in, &p, &r, &err), "results");
        took_results += entered[i] = wall_s() - from;
        if (r.counts[LAB_TAKEN] != TUBES) exit(1);
        int64_t run = r.record;
        lab_report_clear(&r);
        from = wall_s();
        must(lab_release(n.l, &reviewer, run, &r, &err), "release");
        took_release += released[i] = wall_s() - from;
        tubes += (int64_t)r.counts[LAB_TAKEN];
        lab_report_clear(&r);
        plate_clear(&p);
    }
    double took = took_results + took_release;
    struct value held = value_null();
    must(db_scalar(n.l->db, &arena, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'hold-member' AND \"state\" = 'open'", NULL, 0, &held, &err), "count");
    printf(" %s: %d plates, %lld tubes, %lld people; duties to hold: %lld\n", argc > 1 ? "PostgreSQL" : "SQLite", PLATES, (long long)tubes, (long long)people, (long long)value_int_or(held, 0));
    printf("   a plate: results p50 %.1f ms, p99 %.1f ms; release p50 %.1f ms, p99 %.1f ms\n", bench_at_share(entered, PLATES, 0.5) * 1e3, bench_at_share(entered, PLATES, 0.99) * 1e3,
           bench_at_share(released, PLATES, 0.5) * 1e3, bench_at_share(released, PLATES, 0.99) * 1e3);
    missed += bench_verdict("tube results into swabs", (double)tubes / took, "tubes/s", 250, true);
    missed += bench_verdict("people told", (double)people / took, "/s", 2650, true);
    struct session tracer = n.s;
    struct lab_recall list;
    tracer.purpose = TEXT("召回");
    recalled = text_of("90000000000");
    double from = wall_s();
    must(lab_recall(n.l, &tracer, &recalled, 1, &list, &err), "recall");
    missed += bench_verdict("recall list of a positive tube", (wall_s() - from) * 1e3, "ms", 1000, false);
    lab_recall_clear(&list);
    from = wall_s();
    must(lab_recall(n.l, &tracer, NULL, 0, &list, &err), "recall");
    printf("   all that wait: %zu tubes, %zu persons with addresses in %.0f ms\n", list.n_tubes, list.n, (wall_s() - from) * 1e3);
    lab_recall_clear(&list);
    arena_clear(&arena);
    bench_node_drop(&n);
    return missed > 0;
}

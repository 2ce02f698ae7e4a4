/* The laboratory: what is refused, and the laws. A tube nobody received has no result; controls that fail give none; nothing is told before a second person
 * released it; a recalled pool obliges every member in the same transaction and a single result ends it, in whatever order things come. */
#include "duties.h"
#include "sampling.h"

#include "desks/duty.h"
#include "desks/testing/bench.h"
#include "desks/testing/packing.h"

#define AT(hour) test_at("2022-09-01T" hour)

struct lab_ground {
    struct sample_ground g;
    int64_t laboratory, box, people[12];
    int turn;
    instant resulted_at; /* of plates; 0: 19:30 */
};

static struct lab_report report;
static struct session second; /* who releases */

static struct lab_ground lab_make(struct test_ledger *t) {
    struct lab_ground x = {.g = ground(t)};
    x.laboratory = test_record(t, "laboratory", "title", "市疾控");
    x.box = test_record(t, "box", "barcode", "B1", "laboratory", test_id(t, x.laboratory), "site", test_id(t, x.g.site), "tubes", "3");
    for (int i = 0; i < 12; i++) x.people[i] = person_of(t, i);
    t->s.now = AT("20:00");
    second = t->s;
    second.account = TEXT("reviewer");
    return x;
}

/* A tube of `size` in the box with n swabs of the people from `first` on. */
static int64_t packed(struct test_ledger *t, struct lab_ground *x, const char *barcode, int size, int first, int n) {
    int64_t tube = test_record(t, "tube", "barcode", barcode, "round", test_id(t, x->g.round), "site_table", test_id(t, x->g.table), "size", arena_printf(&t->a, "%d", size), "opened_at",
                               "2022-09-01T17:30", "box", test_id(t, x->box));
    x->turn++;
    for (int i = 0; i < n; i++)
        test_record(t, "swab", "person", test_id(t, x->people[first + i]), "tube", test_id(t, tube), "turn", arena_printf(&t->a, "%d", x->turn), "swabbed_at", "2022-09-01T17:31");
    return tube;
}

static int arrive(struct test_ledger *t, const char *const *barcodes, instant at, struct error *err) {
    struct text list[32];
    size_t n = 0;
    while (barcodes[n]) list[n] = text_of(barcodes[n]), n++;
    lab_report_clear(&report);
    return lab_receive(t->l, &t->s, TEXT("B1"), list, n, at, &report, err);
}
#define ARRIVE(t, ...) assert_ok(arrive(t, (const char *const[]){__VA_ARGS__, NULL}, AT("18:00"), &err), err)

/* "P1 T1 T2=21/22 ...": a plate with good controls; a tube without '=' amplifies nothing. */
static int run_plate(struct test_ledger *t, const struct lab_ground *x, const char *plate_no, const char *wells, struct error *err) {
    static const struct plate_options *o = &plate_options_usual;
    static struct plate p;
    char header[] = "tube|ORF1ab|N|IC", *at = arena_str(&t->a, wells);
    int64_t line = 1;
    assert_ok(plate_begin(&p, o, err), *err);
    for (const char *row = header; row;) {
        struct text cells[4];
        size_t n = 0;
        for (const char *c = row; n < 4; n++) {
            size_t k = strcspn(c, "|");
            cells[n] = (struct text){c, k};
            c += k + (c[k] == '|');
        }
        assert_ok(plate_row(&p, cells, 4, line++, false, err), *err);
        char *word = strtok_r(at, " ", &at);
        char *eq = word ? strchr(word, '=') : NULL;
        row = !word ? NULL : arena_printf(&t->a, "%.*s|%s", (int)(eq ? eq - word : (long)strlen(word)), word, eq ? arena_printf(&t->a, "%s|25", eq + 1) : "--|--|25");
        if (row)
            for (char *c = strchr(row, '|'); c && *c; c++)
                if (*c == '/') *c = '|';
    }
    assert_ok(plate_end(&p, err), *err);
    struct lab_run run = {.laboratory = x->laboratory, .plate = text_of(plate_no), .started_at = AT("18:30"), .resulted_at = x->resulted_at ? x->resulted_at : AT("19:30")};
    lab_report_clear(&report);
    int rc = lab_results(t->l, &t->s, &run, &p, &report, err);
    plate_clear(&p);
    return rc;
}
#define PLATE(t, x, no, wells) assert_ok(run_plate(t, x, no, "NC PC=25/25 " wells, &err), err)

static int64_t release(struct test_ledger *t) {
    struct error err = {0};
    int64_t run = report.record;
    lab_report_clear(&report);
    assert_ok(lab_release(t->l, &second, run, &report, &err), err);
    return run;
}

static const struct lab_line *line_of(const char *tube) {
    for (size_t i = 0; i < report.n; i++)
        if (text_is(report.lines[i].tube, tube)) return &report.lines[i];
    fail_msg("no line of %s", tube);
    return NULL;
}

static void refused(const char *tube, int code) {
    const struct lab_line *x = line_of(tube);
    assert_int_equal(x->outcome, LAB_REFUSED);
    assert_int_equal(x->why.code, code);
    assert_non_null(strstr(x->why.message, " / "));
}

static int64_t owed(struct test_ledger *t, const char *rule, const char *state) {
    return test_count(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = '%s' AND \"state\" = '%s'", rule, state));
}

/* ---- into the box */

static int pack(struct test_ledger *t, const struct session *s, const char *box, int64_t site, bool seal, const char *const *barcodes, struct error *err) {
    struct text list[16];
    struct packing p = {.box = text_of(box), .site = site, .tubes = list, .seal = seal, .at = s->now};
    while (barcodes[p.n]) list[p.n] = text_of(barcodes[p.n]), p.n++;
    lab_report_clear(&report);
    *err = (struct error){0};
    return box_pack(t->l, s, &p, &report, err);
}
#define PACK(box, site, seal, ...) pack(&t, &t.s, box, site, seal, (const char *const[]){__VA_ARGS__, NULL}, &err)

static void a_box_is_packed_and_then_sent(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        for (int i = 0; i < 5; i++) { /* full ones, and T4 that is still open */
            int64_t tube = test_record(&t, "tube", "barcode", arena_printf(&t.a, "T%d", i), "round", test_id(&t, x.g.round), "site_table", test_id(&t, x.g.table), "size", "2", "opened_at", "2022-09-01T17:30");
            for (int k = 0; k < (i == 4 ? 1 : 2); k++) test_record(&t, "swab", "person", test_id(&t, x.people[2 * i + k]), "tube", test_id(&t, tube), "swabbed_at", "2022-09-01T17:31");
        }
        sample_open(&t, "tube", test_count(&t, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\" = 'T3'"), "spoiled");
        assert_int_equal(PACK("", x.g.site, false, "T0"), E_INVALID);
        assert_int_equal(PACK("X1", 0, false, "T0"), E_UNKNOWN); /* a new box is somewhere */
        assert_int_equal(PACK("X1", x.g.site, true, "T3"), E_REFUSED); /* nothing in it */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"box\" WHERE \"barcode\" = 'X1'"), 0);
        struct session bench = t.s;
        struct grant laboratory = {.role = TEXT("tracer"), .region = TEXT("310115")};
        bench.grants = &laboratory, bench.n_grants = 1;
        assert_int_equal(pack(&t, &bench, "X1", x.g.site, false, (const char *const[]){"T0", NULL}, &err), E_DENIED);
        assert_ok(PACK("X1", x.g.site, false, "T0", " T1 ", "T0"), err);
        assert_true(report.counts[LAB_TAKEN] == 2 && report.counts[LAB_AGAIN] == 1 && report.listed == 2);
        assert_int_equal(PACK("X1", x.g.other_site, false, "T2"), E_CONFLICT);
        assert_ok(PACK("X2", x.g.site, false, "T0", "T2"), err);
        refused("T0", E_CONFLICT); /* and says where it is */
        assert_non_null(strstr(line_of("T0")->why.message, "X1"));
        /* sealed: what nobody knows yet and what is open lies in it all the same, and is counted on the manifest; told again it is what it is */
        for (int sent = 0; sent < 2; sent++) {
            assert_ok(PACK("X1", 0, true, "T0", "T3", "T4", "T9"), err);
            refused("T3", E_REFUSED);
            refused("T4", E_REFUSED);
            refused("T9", E_UNKNOWN);
            assert_true(report.listed == 2 && report.declared == 4);
            assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"box\" WHERE \"barcode\" = 'X1' AND \"state\" = 'sealed' AND \"tubes\" = 4 AND \"sealed_at\" = %lld", (long long)AT("20:00"))), 1);
            t.s.now += 60;
        }
        assert_int_equal(PACK("X1", 0, false, "T9"), E_REFUSED); /* sealed */
        struct text came[] = {TEXT("T0")};
        lab_report_clear(&report);
        assert_ok(lab_receive(t.l, &t.s, TEXT("X1"), came, 1, t.s.now, &report, &err), err);
        assert_int_equal(line_of("T1")->outcome, LAB_MISSING);
        assert_true(report.declared == 4 && report.listed == 2); /* half a manifest, and told */
        assert_int_equal(PACK("X1", 0, true, "T9"), E_REFUSED);  /* it has arrived */
        assert_ok(PACK("X2", 0, false, "T0"), err);
        refused("T0", E_CONFLICT);
        lab_report_clear(&report);
    }
}

/* ---- receipt */

static void boxes_against_their_manifest(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        struct text none = TEXT("T1");
        packed(&t, &x, "T1", 10, 0, 2);
        packed(&t, &x, "T2", 10, 2, 2);
        test_record(&t, "tube", "barcode", "T9", "round", test_id(&t, x.g.round), "size", "10", "opened_at", "2022-09-01T17:30");
        assert_int_equal(lab_receive(t.l, &t.s, TEXT("B9"), &none, 1, AT("18:00"), &report, &err), E_UNKNOWN);
        lab_report_clear(&report);
        err = (struct error){0};
        assert_int_equal(lab_receive(t.l, &t.s, TEXT("B1"), &none, 1, AT("21:00"), &report, &err), E_INVALID); /* of the future */
        lab_report_clear(&report);
        err = (struct error){0};
        /* one missing, one of another box, one unknown, one scanned twice; the paper says three */
        ARRIVE(&t, "T1", "T9", "T0", "T1", " T1 ");
        assert_int_equal(line_of("T1")->outcome, LAB_TAKEN);
        assert_int_equal(line_of("T9")->outcome, LAB_EXTRA);
        assert_int_equal(line_of("T2")->outcome, LAB_MISSING);
        refused("T0", E_UNKNOWN);
        assert_int_equal(report.counts[LAB_AGAIN], 2);
        assert_int_equal(report.declared, 3);
        assert_int_equal(report.listed, 2); /* half a manifest */
        assert_int_equal(test_count(&t, "SELECT \"missing\" FROM \"box\""), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\" = 'received'"), 2);
        /* the rest comes later */
        ARRIVE(&t, "T2");
        assert_int_equal(report.counts[LAB_MISSING], 0);
        assert_int_equal(test_count(&t, "SELECT \"missing\" + 10 * \"extra\" FROM \"box\""), 10);
        /* what a box lacked comes in another: both say so */
        packed(&t, &x, "T3", 10, 4, 2);
        ARRIVE(&t, "T1");
        assert_int_equal(report.counts[LAB_MISSING], 1);
        test_record(&t, "box", "barcode", "B2", "laboratory", test_id(&t, x.laboratory), "site", test_id(&t, x.g.site));
        lab_report_clear(&report);
        assert_ok(lab_receive(t.l, &t.s, TEXT("B2"), &(struct text){"T3", 2}, 1, AT("19:00"), &report, &err), err);
        assert_int_equal(line_of("T3")->outcome, LAB_EXTRA);
        assert_int_equal(test_count(&t, "SELECT \"missing\" FROM \"box\" WHERE \"barcode\" = 'B1'"), 0);
        assert_int_equal(test_count(&t, "SELECT \"extra\" FROM \"box\" WHERE \"barcode\" = 'B2'"), 1);
        lab_report_clear(&report);
    }
}

/* ---- results */

static void results_that_may_not_be(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 2);
        packed(&t, &x, "T2", 10, 2, 2);
        packed(&t, &x, "T3", 10, 4, 2);
        ARRIVE(&t, "T1", "T3");
        /* never received; unknown; two wells that disagree; a row that cannot be read stops nobody */
        PLATE(&t, &x, "P1", "T1 T2 T0 T3=x/20");
        assert_int_equal(line_of("T1")->outcome, LAB_TAKEN);
        refused("T2", E_REFUSED);
        refused("T0", E_UNKNOWN);
        refused("T3", E_INVALID);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube_result\""), 1);
        /* the same once more changes nothing; another value is a conflict */
        PLATE(&t, &x, "P1", "T1");
        assert_int_equal(line_of("T1")->outcome, LAB_AGAIN);
        PLATE(&t, &x, "P1", "T1=20/20");
        refused("T1", E_CONFLICT);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"result\" = 'positive'"), 0);
        /* not through another door either */
        struct draft *d = test_draft(&t, "tube_result", DRAFT_CREATE, "tube", test_id(&t, test_count(&t, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\" = 'T3'")), "lab_run", test_id(&t, report.record), "outcome", "negative", "resulted_at",
                                     "2022-09-01T19:00", NULL);
        assert_int_equal(test_write(&t, d, &err), E_DENIED);
        err = (struct error){0};
        d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "negative", NULL);
        d->id = line_of("T1")->record;
        assert_int_equal(test_write(&t, d, &err), E_DENIED);
        assert_string_equal(err.where, "verdict");
        err = (struct error){0};
        d = test_draft(&t, "swab", DRAFT_CHANGE, "result", "negative", NULL);
        d->id = test_count(&t, "SELECT MIN(\"id\") FROM \"swab\"");
        assert_int_equal(test_write(&t, d, &err), E_DENIED);
        err = (struct error){0};
        d = test_draft(&t, "tube", DRAFT_CREATE, "barcode", "T8", "round", test_id(&t, x.g.round), "opened_at", "2022-09-01T17:30", "verdict", "negative", NULL);
        assert_int_equal(test_write(&t, d, &err), E_DENIED);
        lab_report_clear(&report);
    }
}

/* A tube on two plates whose files come in the wrong order: the later plate has the last word, not the file that was read last. */
static void the_later_plate_has_the_last_word(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 2);
        packed(&t, &x, "T2", 10, 2, 2);
        ARRIVE(&t, "T1", "T2");
        x.resulted_at = AT("19:45");
        PLATE(&t, &x, "P2", "T1=20/20");
        int64_t later = report.record;
        x.resulted_at = 0;
        PLATE(&t, &x, "P1", "T1 T2");
        assert_int_equal(line_of("T1")->outcome, LAB_TAKEN);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube_result\""), 3);
        release(&t);
        refused("T1", E_CONFLICT);
        assert_int_equal(line_of("T2")->outcome, LAB_TAKEN);
        report.record = later;
        release(&t);
        assert_int_equal(line_of("T1")->outcome, LAB_TAKEN);
        assert_int_equal(report.recalled, 1);
        assert_int_equal(owed(&t, "hold-member", "open"), 2);
        lab_report_clear(&report);
    }
}

/* Two enter the results of one plate: neither of them is the other person who lets them out. */
static void nobody_releases_what_he_entered(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        struct lab_report r;
        struct session third = second, first = t.s;
        third.account = TEXT("third");
        packed(&t, &x, "T1", 10, 0, 2);
        packed(&t, &x, "T2", 10, 2, 2);
        ARRIVE(&t, "T1", "T2");
        PLATE(&t, &x, "P1", "T1=20/20");
        t.s = third;
        PLATE(&t, &x, "P1", "T1=20/20");
        PLATE(&t, &x, "P1", "T2");
        for (int k = 0; k < 2; k++) {
            err = (struct error){0};
            assert_int_equal(lab_release(t.l, k ? &third : &first, report.record, &r, &err), E_REFUSED);
            assert_string_equal(err.where, "reviewer");
            lab_report_clear(&r);
        }
        release(&t);
        assert_int_equal(report.counts[LAB_TAKEN], 2);
        lab_report_clear(&report);
    }
}

static void controls_that_fail_give_no_results(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 2);
        ARRIVE(&t, "T1");
        assert_ok(run_plate(&t, &x, "P1", "NC=37/-- PC=25/25 T1=20/20", &err), err);
        assert_true(report.failed);
        assert_string_equal(report.controls.where, "control");
        int64_t run = report.record;
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube_result\""), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"lab_run\" WHERE \"state\" = 'failed' AND \"negative_control\" = 'fail' AND \"positive_control\" = 'pass'"), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\" = 'received' AND \"result\" = 'pending'"), 1);
        lab_report_clear(&report);
        assert_int_equal(lab_release(t.l, &second, run, &report, &err), E_REFUSED);
        lab_report_clear(&report);
        err = (struct error){0};
        assert_int_equal(run_plate(&t, &x, "P1", "NC PC=25/25 T1", &err), E_REFUSED); /* a failed plate is not mended */
        err = (struct error){0};
        PLATE(&t, &x, "P2", "T1=20/20");
        assert_int_equal(line_of("T1")->outcome, LAB_TAKEN);
        lab_report_clear(&report);
    }
}

static void nothing_is_told_before_the_second_person(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 2);
        ARRIVE(&t, "T1");
        PLATE(&t, &x, "P1", "T1=20/20");
        int64_t run = report.record;
        struct lab_report r;
        assert_int_equal(lab_release(t.l, &t.s, run, &r, &err), E_REFUSED); /* who entered them */
        assert_string_equal(err.where, "reviewer");
        lab_report_clear(&r);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\" = 'pending' AND \"told_at\" IS NULL"), 2);
        assert_int_equal(owed(&t, "hold-member", "open"), 0);
        release(&t);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\" = 'recall' AND \"told_at\" IS NOT NULL"), 2);
        assert_int_equal(report.recalled, 1);
        release(&t); /* once more: nothing */
        assert_int_equal(report.counts[LAB_AGAIN], 1);
        err = (struct error){0};
        assert_int_equal(run_plate(&t, &x, "P1", "NC PC=25/25 T1", &err), E_REFUSED); /* what was released does not change by a file */
        err = (struct error){0};
        PLATE(&t, &x, "P2", "T1");
        refused("T1", E_CONFLICT);
        lab_report_clear(&report);
    }
}

/* The rest of a plate says that its controls failed: what its first file gave is nobody's result any more, and what an earlier run said stands again. */
static void a_run_that_fails_takes_its_results_back(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct round_figures f;
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 2);
        packed(&t, &x, "T2", 10, 2, 2);
        ARRIVE(&t, "T1", "T2");
        PLATE(&t, &x, "P1", "T1");
        x.resulted_at = AT("19:40");
        PLATE(&t, &x, "P2", "T1=20/20 T2=20/20");
        assert_ok(run_plate(&t, &x, "P2", "NC=20/20 PC=25/25", &err), err);
        assert_true(report.failed);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\" = 'T1' AND \"state\" = 'tested' AND \"result\" = 'negative'"), 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\" = 'T2' AND \"state\" = 'received' AND \"result\" = 'pending' AND \"result_at\" IS NULL"), 1);
        assert_ok(round_figures_of(t.l, &t.s, x.g.round, TEXT(""), INSTANT_NONE, &f, &err), err);
        assert_int_equal(f.tested, 1);
        assert_int_equal(f.positive_tubes, 0);
        x.resulted_at = AT("19:35"); /* read before the one that failed */
        PLATE(&t, &x, "P3", "T2");
        release(&t);
        assert_int_equal(report.counts[LAB_TAKEN], 1);
        lab_report_clear(&report);
    }
}

/* ---- recall */

static void every_member_of_a_doubtful_pool_is_held_and_sampled_singly(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 4);                    /* positive */
        packed(&t, &x, "T2", 10, 4, 2);                    /* one target only: inconclusive */
        packed(&t, &x, "T3", 10, 6, 3);                    /* negative */
        packed(&t, &x, "T4", 1, 9, 1);                     /* single, positive: the person's own */
        /* a negative single swab from before says nothing of what was found since */
        packed(&t, &x, "S0", 1, 0, 1);
        ARRIVE(&t, "T1", "T2", "T3", "T4", "S0");
        PLATE(&t, &x, "P0", "S0");
        release(&t);
        PLATE(&t, &x, "P1", "T1=20/20 T2=--/30 T3 T4=22/22");
        assert_int_equal(report.calls[CALL_POSITIVE], 2);
        release(&t);
        assert_int_equal(report.recalled, 2);
        assert_int_equal(owed(&t, "hold-member", "open"), 6);
        assert_int_equal(owed(&t, "resample-member", "open"), 6);
        assert_int_equal(owed(&t, "trace-tube", "open"), 2);
        assert_int_equal(owed(&t, "report-positive", "open"), 1);
        assert_int_equal(owed(&t, "transfer-positive", "open"), 1);
        /* the clock runs from the release */
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" o WHERE o.\"rule\" = 'hold-member' AND o.\"due_at\" = (SELECT MAX(\"told_at\") FROM \"swab\") + 7200"), 6);
        /* placed: the hold is paid; sampled singly: the second duty; the single negative ends a hold that nobody carried out */
        test_record(&t, "stay", "person", test_id(&t, x.people[1]), "kind", "central", "started_at", "2022-09-01T20:00");
        assert_int_equal(owed(&t, "hold-member", "paid"), 1);
        second.now = t.s.now = AT("22:00");
        int64_t tube = test_record(&t, "tube", "barcode", "S1", "round", test_id(&t, x.g.round), "size", "1", "opened_at", "2022-09-01T21:00");
        test_record(&t, "swab", "person", test_id(&t, x.people[0]), "tube", test_id(&t, tube), "turn", "9", "swabbed_at", "2022-09-01T21:00");
        assert_int_equal(owed(&t, "resample-member", "paid"), 1);
        assert_int_equal(owed(&t, "hold-member", "open"), 5);
        lab_report_clear(&report);
        assert_ok(lab_receive(t.l, &t.s, TEXT("B1"), &(struct text){"S1", 2}, 1, AT("21:10"), &report, &err), err);
        static struct plate p;
        assert_ok(plate_begin(&p, &plate_options_usual, &err), err);
        static const char *const rows[][4] = {{"tube", "ORF1ab", "N", "IC"}, {"NC", "--", "--", "--"}, {"PC", "25", "25", "25"}, {"S1", "--", "--", "25"}};
        for (int i = 0; i < 4; i++) {
            struct text cells[4];
            for (int k = 0; k < 4; k++) cells[k] = text_of(rows[i][k]);
            assert_ok(plate_row(&p, cells, 4, i + 1, false, &err), err);
        }
        assert_ok(plate_end(&p, &err), err);
        struct lab_run in = {.laboratory = x.laboratory, .plate = TEXT("P3"), .started_at = AT("21:15"), .resulted_at = AT("21:45")};
        lab_report_clear(&report);
        assert_ok(lab_results(t.l, &t.s, &in, &p, &report, &err), err);
        plate_clear(&p);
        release(&t);
        assert_int_equal(owed(&t, "hold-member", "cancelled"), 1);
        assert_int_equal(owed(&t, "hold-member", "open"), 4);
        lab_report_clear(&report);
    }
}

/* Line lost in the middle of a tube: it is closed, arrives and is judged while the rest of its swabs wait on the device. Whoever was in it before it was closed belongs in it. */
static void who_is_told_late_is_in_the_tube_all_the_same(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        int64_t tube = packed(&t, &x, "T1", 5, 0, 2);
        ARRIVE(&t, "T1");
        struct draft *d = test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, x.people[2]), "tube", test_id(&t, tube), "swabbed_at", "2022-09-01T17:40", NULL);
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"swabs\"=3 AND \"state\"='received'"), 1);
        PLATE(&t, &x, "P1", "T1=20/20");
        release(&t);
        assert_int_equal(owed(&t, "hold-member", "open"), 3);
        d = test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, x.people[3]), "tube", test_id(&t, tube), "swabbed_at", "2022-09-01T17:41", NULL);
        assert_ok(test_write(&t, d, &err), err); /* told after the verdict: recalled and held like the others, in the same transaction */
        assert_int_equal(owed(&t, "hold-member", "open"), 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\"='recall' AND \"told_at\" IS NOT NULL"), 4);
        static const char *const late[] = {"2022-09-01T18:00", "2022-09-01T18:30"}; /* not from when it was closed on */
        for (int i = 0; i < 2; i++) {
            d = test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, x.people[4]), "tube", test_id(&t, tube), "swabbed_at", late[i], NULL);
            err = (struct error){0};
            assert_int_equal(test_write(&t, d, &err), E_REFUSED);
            assert_string_equal(err.where, "tube");
        }
        for (int i = 4; i < 6; i++) { /* nor more than it takes */
            d = test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, x.people[i]), "tube", test_id(&t, tube), "swabbed_at", "2022-09-01T17:42", NULL);
            err = (struct error){0};
            assert_int_equal(test_write(&t, d, &err), i == 4 ? 0 : E_REFUSED);
        }
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"tube\" WHERE \"swabs\"=5 AND \"state\"='released' AND \"closed_at\"=%lld", (long long)AT("18:00"))), 1);
        lab_report_clear(&report);
    }
}

/* A tube that breaks on the bench: its members are owed another swab and told so; nobody else of the plate waits for it. What was released is corrected, not thrown away. */
static void a_spoiled_tube_calls_its_members_again(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        int64_t broken = packed(&t, &x, "T1", 10, 0, 3);
        int64_t fine = packed(&t, &x, "T2", 10, 3, 2);
        ARRIVE(&t, "T1", "T2");
        PLATE(&t, &x, "P1", "T1=20/20 T2");
        sample_open(&t, "tube", broken, "spoiled");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\"='invalid' AND \"told_at\" IS NULL"), 3);
        assert_int_equal(owed(&t, "resample-invalid", "open"), 3);
        release(&t);
        refused("T1", E_REFUSED);
        assert_int_equal(line_of("T2")->outcome, LAB_TAKEN);
        assert_int_equal(owed(&t, "hold-member", "open"), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\"='negative'"), 2);
        struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, NULL);
        d->id = fine;
        d->state = TEXT("spoiled");
        assert_int_equal(test_write(&t, d, &err), E_REFUSED);
        json_t *run = NULL;
        err = (struct error){0};
        assert_ok(bench_run(t.l, &second, report.record, false, &run, &err), err);
        assert_true(json_integer_value(json_object_get(run, "unreleased")) == 0 && json_is_false(json_object_get(run, "may_release")));
        json_decref(run);
        test_record(&t, "swab", "person", test_id(&t, x.people[0]), "tube", test_id(&t, tube_of(&t, &x.g, "T3", "10")), "turn", "2", "swabbed_at", "2022-09-01T20:00");
        assert_int_equal(owed(&t, "resample-invalid", "open"), 2);
        lab_report_clear(&report);
    }
}

/* A verdict that was wrong takes back what followed from it; who is not told why is not corrected. */
static void a_correction_takes_everything_back(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        packed(&t, &x, "T1", 10, 0, 3);
        ARRIVE(&t, "T1");
        PLATE(&t, &x, "P1", "T1=20/20");
        assert_int_equal(lab_correct(t.l, &second, TEXT("T1"), TEXT("negative"), &err), E_INVALID); /* no reason */
        second.reason = TEXT("管码贴错");
        err = (struct error){0};
        assert_int_equal(lab_correct(t.l, &second, TEXT("T1"), TEXT("negative"), &err), E_REFUSED); /* nothing released yet */
        release(&t);
        assert_int_equal(owed(&t, "hold-member", "open"), 3);
        struct session alone = t.s; /* who entered it */
        alone.reason = second.reason;
        err = (struct error){0};
        assert_int_equal(lab_correct(t.l, &alone, TEXT("T1"), TEXT("negative"), &err), E_REFUSED);
        assert_string_equal(err.where, "reviewer");
        err = (struct error){0};
        assert_int_equal(lab_correct(t.l, &second, TEXT("T0"), TEXT("negative"), &err), E_UNKNOWN);
        assert_int_equal(lab_correct(t.l, &second, TEXT("T1"), TEXT("recall"), &err), E_INVALID);
        err = (struct error){0};
        assert_int_equal(lab_correct(t.l, &second, TEXT("T1"), TEXT("positive"), &err), E_CONFLICT);
        err = (struct error){0};
        assert_ok(lab_correct(t.l, &second, TEXT("T1"), TEXT("negative"), &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\" WHERE \"result\" = 'negative'"), 3);
        assert_int_equal(owed(&t, "hold-member", "open"), 0);
        assert_int_equal(owed(&t, "resample-member", "cancelled"), 3);
        assert_ok(lab_correct(t.l, &second, TEXT("T1"), TEXT("inconclusive"), &err), err);
        assert_int_equal(owed(&t, "hold-member", "open"), 3);
        struct draft *fails = test_draft(&t, "lab_run", DRAFT_CHANGE, NULL); /* what was released is corrected: its run does not fail */
        fails->id = test_count(&t, "SELECT \"id\" FROM \"lab_run\"");
        fails->state = TEXT("failed");
        assert_int_equal(test_write(&t, fails, &err), E_INVALID);
        err = (struct error){0};
        /* in doubt or positive, its members hear the same; the figures do not */
        int64_t told = test_count(&t, "SELECT MAX(\"told_at\") FROM \"swab\"");
        second.now += 600;
        assert_ok(lab_correct(t.l, &second, TEXT("T1"), TEXT("positive"), &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"tube\" WHERE \"result\" = 'positive' AND \"verdict\" = 'recall'"), 1);
        assert_int_equal(test_count(&t, "SELECT MAX(\"told_at\") FROM \"swab\""), told);
        assert_int_equal(owed(&t, "hold-member", "open"), 3);
        lab_report_clear(&report);
    }
}

static void the_recall_list_is_opened_for_a_purpose(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        struct lab_recall r;
        struct text t1 = TEXT("T1"), t2 = TEXT("T2");
        packed(&t, &x, "T1", 10, 0, 3);
        packed(&t, &x, "T2", 10, 4, 2);
        ARRIVE(&t, "T1", "T2");
        PLATE(&t, &x, "P1", "T1=20/20 T2");
        release(&t);
        assert_int_equal(lab_recall(t.l, &t.s, &t1, 1, &r, &err), E_DENIED); /* what for? */
        lab_recall_clear(&r);
        struct session tracer = t.s, lab = t.s;
        struct grant tracing = {.role = TEXT("tracer"), .region = TEXT("310115")}, bench = {.role = TEXT("laboratory"), .region = TEXT("310115")};
        tracer.grants = &tracing, lab.grants = &bench;
        tracer.n_grants = lab.n_grants = 1;
        tracer.purpose = lab.purpose = TEXT("召回");
        err = (struct error){0};
        assert_int_equal(lab_recall(t.l, &lab, &t1, 1, &r, &err), E_UNKNOWN); /* the laboratory sees bar codes, no names */
        lab_recall_clear(&r);
        err = (struct error){0};
        assert_int_equal(lab_recall(t.l, &tracer, &t2, 1, &r, &err), E_REFUSED); /* nobody in it is recalled */
        lab_recall_clear(&r);
        assert_int_equal(owed(&t, "trace-tube", "open"), 1);
        err = (struct error){0};
        int64_t looks = test_count(&t, "SELECT MAX(\"next\") FROM \"journal_tip\"");
        assert_ok(lab_recall(t.l, &tracer, NULL, 0, &r, &err), err);
        assert_int_equal(r.n, 3);
        assert_int_equal(r.n_tubes, 1);
        assert_string_equal(r.members[0].name.s, "居民0");
        assert_string_equal(r.members[0].hold.s, "open");
        assert_string_equal(r.members[2].resample.s, "open");
        lab_recall_clear(&r);
        assert_int_equal(owed(&t, "trace-tube", "paid"), 1); /* the tracing desk has it */
        assert_true(test_count(&t, "SELECT MAX(\"next\") FROM \"journal_tip\"") >= looks + 3);
        assert_ok(lab_recall(t.l, &tracer, NULL, 0, &r, &err), err);
        assert_int_equal(r.n, 0);
        lab_recall_clear(&r);
        lab_report_clear(&report);
    }
}

/* A district's tracer: what is open elsewhere does not crowd out the own tubes, and a member who lives elsewhere is told of without a name, and hides nobody. */
static void a_district_recalls_its_own(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        struct lab_recall r;
        struct text mine = TEXT("T2");
        t.s.reason = TEXT("搬家");
        packed(&t, &x, "T1", 10, 0, 1);
        packed(&t, &x, "T2", 10, 1, 2);
        for (int i = 0; i < 2; i++) { /* where the first tube is, and where a member of the second lives */
            struct draft *d = i ? test_draft(&t, "person", DRAFT_CHANGE, "address_region", "310104", NULL) : test_draft(&t, "tube", DRAFT_CHANGE, NULL);
            d->id = i ? x.people[1] : test_count(&t, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\"='T1'");
            if (!i) d->region = TEXT("310104");
            assert_ok(test_write(&t, d, &err), err);
        }
        ARRIVE(&t, "T1", "T2");
        PLATE(&t, &x, "P1", "T1=20/20 T2=20/20");
        release(&t);
        struct session tracer = t.s;
        struct grant tracing = {.role = TEXT("tracer"), .region = TEXT("310115")};
        tracer.grants = &tracing, tracer.n_grants = 1, tracer.purpose = TEXT("召回");
        for (int named = 1; named >= 0; named--) {
            assert_ok(lab_recall(t.l, &tracer, &mine, (size_t)named, &r, &err), err);
            if (named) {
                assert_int_equal(r.n, 2);
                assert_true(!r.members[0].name.n && !r.members[0].phone.n && !r.members[0].address.n && !r.members[0].region.n);
                assert_string_equal(r.members[0].hold.s, "open");
                assert_string_equal(r.members[1].name.s, "居民2");
            }
            lab_recall_clear(&r);
        }
        lab_report_clear(&report);
    }
}

/* More tubes than a list has: those that nobody has taken up stand first, the longest known on top, and how many there are in all is said. */
static void a_list_of_recalls_leaves_none_out_in_silence(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        json_t *j = NULL;
        for (int i = 0; i < BENCH_RECALLS + 2; i++) {
            int64_t tube = test_record(&t, "tube", "barcode", arena_printf(&t.a, "R%03d", i), "round", test_id(&t, x.g.round), "size", "10", "opened_at", "2022-09-01T17:30");
            struct draft *d = test_draft(&t, "tube", DRAFT_CHANGE, "verdict", "recall", NULL);
            d->id = tube;
            d->by_desk = true;
            assert_ok(draft_put(d, "released_at", value_int(AT("18:00") + i), &err), err);
            if (i >= 2) assert_ok(draft_put(d, "traced_at", value_int(AT("19:00")), &err), err);
            assert_ok(test_write(&t, d, &err), err);
        }
        assert_ok(bench_recalls(t.l, &t.s, x.g.round, &j, &err), err);
        const json_t *list = json_object_get(j, "tubes");
        assert_true(json_integer_value(json_object_get(j, "all")) == BENCH_RECALLS + 2 && json_array_size(list) == BENCH_RECALLS);
        static const char *const first[] = {"R000", "R001", "R201"};
        for (size_t i = 0; i < 3; i++) assert_string_equal(json_string_value(json_object_get(json_array_get(list, i), "tube")), first[i]);
        json_decref(j);
    }
}

static void stages_have_clocks(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        struct lab_waiting c;
        packed(&t, &x, "T1", 2, 0, 2);
        packed(&t, &x, "T2", 2, 2, 2);
        packed(&t, &x, "T3", 10, 4, 2);
        assert_int_equal(owed(&t, "ship-tube", "open"), 2); /* two were full and closed */
        ARRIVE(&t, "T1");
        assert_int_equal(owed(&t, "ship-tube", "paid"), 1);
        assert_int_equal(owed(&t, "result-round", "open"), 2);
        PLATE(&t, &x, "P1", "T1");
        assert_ok(lab_waiting_of(t.l, t.l->db, &t.s, x.g.round, &c, &err), err);
        assert_int_equal(c.stages[STAGE_FILL].tubes, 1);
        assert_int_equal(c.stages[STAGE_SHIP].tubes, 1);
        assert_int_equal(c.stages[STAGE_TEST].oldest_s, -1);
        assert_int_equal(c.stages[STAGE_RELEASE].oldest_s, 30 * 60);
        assert_int_equal(c.n, 3);
        assert_true(c.list[0].waits_s >= c.list[1].waits_s && c.list[1].waits_s >= c.list[2].waits_s);
        lab_waiting_clear(&c);
        release(&t);
        assert_int_equal(owed(&t, "result-round", "paid"), 1);
        /* a tube that is stuck: its superior is told */
        struct wake_report w;
        t.s.now = test_at("2022-09-02T01:00");
        assert_ok(duty_tick(t.l, &t.s, &w, &err), err);
        assert_true(w.escalated > 0);
        assert_ok(lab_waiting_of(t.l, t.l->db, &t.s, x.g.round, &c, &err), err);
        assert_int_equal(c.stages[STAGE_SHIP].late, 1);
        assert_int_equal(c.stages[STAGE_FILL].late, 1); /* nobody closed it */
        assert_true(c.n == 2 && c.list[0].late && c.list[1].late);
        lab_waiting_clear(&c);
        /* in nobody's stage too long, but without a result past the time for one; and a tube that was opened for one who was refused waits for nobody */
        tube_of(&t, &x.g, "T9", "10");
        t.s.now = test_at("2022-09-02T18:00");
        assert_ok(arrive(&t, (const char *const[]){"T3", NULL}, t.s.now - 60, &err), err);
        assert_ok(lab_waiting_of(t.l, t.l->db, &t.s, x.g.round, &c, &err), err);
        assert_true(c.stages[STAGE_TEST].tubes == 1 && c.stages[STAGE_TEST].late == 1 && c.stages[STAGE_FILL].tubes == 0 && c.n == 2);
        lab_waiting_clear(&c);
        lab_report_clear(&report);
    }
}

/* SUR-03, SUR-04: every fever patient is tested; a suspicious one does not leave before the result. */
static void fever_patients_are_tested_before_they_leave(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct error err = {0};
        struct lab_ground x = lab_make(&t);
        const char *hospital = test_id(&t, test_record(&t, "organisation", "title", "第一医院", "kind", "hospital"));
        int64_t visit = test_record(&t, "fever_visit", "person", test_id(&t, x.people[0]), "hospital", hospital, "kind", "fever-clinic", "visited_at", "2022-09-01T19:00", "suspicious", "true", "bed", "3");
        assert_int_equal(owed(&t, "fever-test", "open"), 1);
        test_record(&t, "test", "person", test_id(&t, x.people[0]), "sampled_at", "2022-09-01T10:00", "kind", "pcr", "result", "negative", "result_at", "2022-09-01T12:00");
        assert_int_equal(owed(&t, "fever-test", "open"), 1); /* told before he came */
        struct draft *d = test_draft(&t, "fever_visit", DRAFT_CHANGE, "left_at", "2022-09-01T19:30", NULL);
        d->id = visit;
        d->state = TEXT("left");
        assert_int_equal(test_write(&t, d, &err), E_REFUSED);
        assert_string_equal(err.where, "fever-test");
        test_record(&t, "test", "person", test_id(&t, x.people[0]), "sampled_at", "2022-09-01T19:05", "kind", "pcr", "result", "negative", "result_at", "2022-09-01T19:50");
        assert_int_equal(owed(&t, "fever-test", "paid"), 1);
        d = test_draft(&t, "fever_visit", DRAFT_CHANGE, "left_at", "2022-09-01T19:55", NULL);
        d->id = visit;
        d->state = TEXT("left");
        err = (struct error){0};
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(owed(&t, "observe-suspicious", "paid"), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_is_packed_and_then_sent),
        cmocka_unit_test(boxes_against_their_manifest),
        cmocka_unit_test(results_that_may_not_be),
        cmocka_unit_test(the_later_plate_has_the_last_word),
        cmocka_unit_test(nobody_releases_what_he_entered),
        cmocka_unit_test(controls_that_fail_give_no_results),
        cmocka_unit_test(a_run_that_fails_takes_its_results_back),
        cmocka_unit_test(nothing_is_told_before_the_second_person),
        cmocka_unit_test(every_member_of_a_doubtful_pool_is_held_and_sampled_singly),
        cmocka_unit_test(who_is_told_late_is_in_the_tube_all_the_same),
        cmocka_unit_test(a_spoiled_tube_calls_its_members_again),
        cmocka_unit_test(a_correction_takes_everything_back),
        cmocka_unit_test(the_recall_list_is_opened_for_a_purpose),
        cmocka_unit_test(a_district_recalls_its_own),
        cmocka_unit_test(a_list_of_recalls_leaves_none_out_in_silence),
        cmocka_unit_test(stages_have_clocks),
        cmocka_unit_test(fever_patients_are_tested_before_they_leave),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

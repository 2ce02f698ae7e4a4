/* People counted as they are written: whatever is recorded, corrected, taken back, undone, moved or merged, in whatever order and batch, the counters are what the records say. */
#include "sampling.h"

#include "desks/person.h"
#include "desks/testing/round.h"
#include "ledger/count.h"
#include "ledger/tally.h"

static void counts_agree(struct test_ledger *t) {
    struct error err = {0};
    int64_t differs = -1;
    assert_ok(tally_differs(t->l, t->l->db, &differs, &err), err);
    assert_int_equal(differs, 0);
}

static int64_t swabbed(struct test_ledger *t, int64_t round) {
    return test_count(t, arena_printf(&t->a, "SELECT sum(n) FROM \"swab_tally\" WHERE within=%lld", (long long)round));
}

/* What is refused counts for nobody; nor does a batch that is rolled back. */
static void what_is_refused_counts_for_nobody(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t tube = tube_of(&t, &g, "T1", "2"), who = person_of(&t, 0);
        struct draft *bad = swab_draft(&t, &g, who, 999999);
        assert_int_equal(test_write(&t, bad, &err), E_INVALID);
        assert_int_equal(swabbed(&t, g.round), 0);
        struct draft *d = swab_draft(&t, &g, who, tube);
        err = (struct error){0};
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(record_apply(t.l, &t.s, &d, 1, &err), err);
        ledger_rollback(t.l);
        assert_int_equal(swabbed(&t, g.round), 0);
        swab_of(&t, &g, who, tube);
        err = (struct error){0};
        assert_int_equal(test_write(&t, swab_draft(&t, &g, who, tube_of(&t, &g, "T2", "2")), &err), E_CONFLICT);
        assert_int_equal(swabbed(&t, g.round), 1);
        assert_int_equal(swabbed(&t, 0), 1);
        counts_agree(&t);
    }
}

static void a_second_swab_and_a_restated_day(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t who = person_of(&t, 0), first = swab_of(&t, &g, who, tube_of(&t, &g, "T1", "2"));
        struct draft *again = test_draft(&t, "swab", DRAFT_CREATE, "person", test_id(&t, who), "tube", test_id(&t, tube_of(&t, &g, "T2", "1")), "turn", "2", "swabbed_at", "2022-09-02T07:00", NULL);
        t.s.now = test_at("2022-09-02T08:00");
        assert_ok(test_write(&t, again, &err), err);
        assert_int_equal(swabbed(&t, g.round), 1);
        static const char on[] = "SELECT \"day\" FROM \"swab_tally\" WHERE within<>0 AND n=1";
        assert_int_equal(test_count(&t, on), day_of_instant(test_at(SAMPLING_NOW), ZONE_CHINA_S));
        struct draft *later = test_draft(&t, "swab", DRAFT_CHANGE, "swabbed_at", "2022-09-02T06:00", NULL); /* the first was taken after midnight */
        later->id = first;
        err = (struct error){0};
        assert_ok(test_write(&t, later, &err), err);
        assert_int_equal(test_count(&t, on), day_of_instant(test_at("2022-09-02T06:00"), ZONE_CHINA_S));
        struct draft *gone = test_draft(&t, "swab", DRAFT_REMOVE, NULL);
        gone->id = first;
        err = (struct error){0};
        assert_ok(test_write(&t, gone, &err), err);
        assert_int_equal(swabbed(&t, g.round), 1); /* the second is there */
        counts_agree(&t);
    }
}

static void who_is_merged_is_one_and_parted_is_two(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t tube = tube_of(&t, &g, "T1", "10"), a = person_of(&t, 0), b = person_of(&t, 1);
        swab_of(&t, &g, a, tube);
        swab_of(&t, &g, b, tube);
        assert_int_equal(swabbed(&t, g.round), 2);
        assert_ok(person_merge(t.l, &t.s, a, b, NULL, &err), err);
        counts_agree(&t);
        assert_int_equal(swabbed(&t, g.round), 1);
        assert_int_equal(swabbed(&t, 0), 1);
        assert_ok(person_unmerge(t.l, &t.s, b, NULL, &err), err);
        counts_agree(&t);
        assert_int_equal(swabbed(&t, g.round), 2);
    }
}

/* A store from before there were counters, and one whose counters were spoiled. */
static void they_are_made_anew(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct buf plan = {0};
        int64_t tube = tube_of(&t, &g, "T1", "10"), differs = 0;
        for (int i = 0; i < 4; i++) swab_of(&t, &g, person_of(&t, i), tube);
        assert_ok(db_run(t.l->db, "UPDATE \"swab_tally\" SET n = n + 1", NULL, 0, NULL, &err), err);
        assert_ok(tally_differs(t.l, t.l->db, &differs, &err), err);
        assert_int_equal(differs, 4); /* two buildings, on record and swabbed */
        assert_ok(ledger_begin(t.l, &err), err);
        assert_ok(tally_rebuild(t.l, &err), err);
        assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        counts_agree(&t);
        assert_ok(db_run(t.l->db, "DROP TABLE \"swab_tally\"", NULL, 0, NULL, &err), err);
        assert_ok(db_run(t.l->db, "DELETE FROM \"node\" WHERE \"name\"='tally'", NULL, 0, NULL, &err), err);
        ledger_close(t.l);
        t.l = NULL;
        assert_ok(ledger_open_to_migrate(&t.o, &t.l, &err), err);
        assert_ok(ledger_migrate(t.l, false, &plan, &err), err);
        assert_non_null(strstr(buf_cstr(&plan), "people, records and duties are counted anew"));
        assert_ok(ledger_migrate(t.l, true, &plan, &err), err);
        test_ledger_reopen(&t);
        counts_agree(&t);
        assert_int_equal(swabbed(&t, g.round), 4);
        buf_reset(&plan);
        ledger_close(t.l);
        t.l = NULL;
        assert_ok(ledger_open_to_migrate(&t.o, &t.l, &err), err);
        assert_ok(ledger_migrate(t.l, false, &plan, &err), err);
        assert_int_equal(plan.n, 0); /* once */
        buf_clear(&plan);
        test_ledger_reopen(&t);
    }
}

/* A scope is what it names: a building by its zone, a category, both; a zone that was rejected is nobody's. */
static void a_scope_goes_by_zone_and_category(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct round_row *rows = NULL;
        size_t n = 0;
        for (int i = 0; i < 9; i++) test_record(&t, "person", "name", arena_printf(&t.a, "住户%d", i), "community", i % 3 ? "东楼" : "西楼", "occupation", i < 4 ? "student" : "farmer");
        int64_t zone = test_record(&t, "zone_proposal", "place_text", "东楼", "level", "high", "scope", "building", "wider_reason", "同单元续发", "evidence", "两例同住", "proposed_at", "2022-09-01T09:00");
        int64_t scope = test_record(&t, "round_scope", "campaign", test_id(&t, g.campaign), "mode", "include", "zone", test_id(&t, zone));
        assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), true, &t.a, &rows, &n, &err), err);
        assert_int_equal(n, 1);
        assert_true(text_is(rows[0].community, "东楼") && rows[0].people == 6);
        struct draft *d = test_draft(&t, "round_scope", DRAFT_CHANGE, "occupation", "student", NULL);
        d->id = scope;
        assert_ok(test_write(&t, d, &err), err);
        assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), true, &t.a, &rows, &n, &err), err);
        assert_true(n == 1 && rows[0].people == 2 && rows[0].of[WHY_MISSING] == 2);
        sample_open(&t, "zone_proposal", zone, "rejected");
        assert_ok(round_coverage(t.l, &t.s, g.round, TEXT(""), true, &t.a, &rows, &n, &err), err);
        assert_int_equal(n, 0);
    }
}

/* ---- anything, in any order */

enum { PEOPLE = 24, TUBES = 30, STEPS = 80, BATCH = 6 };

static const char *const buildings[] = {"东楼", "西楼", ""}, *const work[] = {"student", "farmer", ""}, *const streets[] = {"310115", "310116", "310117"};

static struct draft *someone(struct test_ledger *t, struct rng *r, int64_t id) {
    struct draft *d = test_draft(t, "person", id ? DRAFT_CHANGE : DRAFT_CREATE, "community", buildings[rng_below(r, 3)], "occupation", work[rng_below(r, 3)], NULL);
    struct error err = {0};
    d->id = id;
    if (!id) assert_ok(draft_set(t->l, d, &t->a, TEXT("name"), text_of(arena_printf(&t->a, "某%llu", (unsigned long long)rng_below(r, 1000000))), &err), err);
    d->region = text_of(streets[rng_below(r, 3)]);
    return d;
}

static struct draft *some_swab(struct test_ledger *t, struct rng *r, int64_t who, int64_t tube) {
    const char *at = arena_printf(&t->a, "2022-09-0%llu %02llu:10", 1 + (unsigned long long)rng_below(r, 2), (unsigned long long)rng_below(r, 17));
    return test_draft(t, "swab", DRAFT_CREATE, "person", test_id(t, who), "tube", test_id(t, tube), "turn", rng_below(r, 3) ? "1" : "2", "swabbed_at", at, NULL);
}

static int64_t any_id(struct test_ledger *t, struct rng *r, const char *reg) {
    int64_t n = test_count(t, arena_printf(&t->a, "SELECT count(*) FROM \"%s\"", reg));
    return n ? test_count(t, arena_printf(&t->a, "SELECT \"id\" FROM \"%s\" ORDER BY \"id\" LIMIT 1 OFFSET %lld", reg, (long long)rng_below(r, (uint64_t)n))) : 0;
}

/* A step of a tube's life, in any order; what cannot be is refused. */
static struct draft *some_tube(struct test_ledger *t, struct rng *r, int64_t tube) {
    static const char *const states[] = {"closed", "received", "tested", "released", "spoiled"}, *const results[] = {"negative", "positive", "inconclusive", "recall"};
    struct error err = {0};
    int k = (int)rng_below(r, 20);
    k = k > 4 ? k % 4 : k;
    const char *at = arena_printf(&t->a, "2022-09-0%llu 1%llu:%d0", 1 + (unsigned long long)rng_below(r, 2), (unsigned long long)rng_below(r, 9), k);
    struct draft *d = test_draft(t, "tube", DRAFT_CHANGE, NULL);
    d->id = tube;
    d->by_desk = true;
    if (rng_below(r, 4)) d->state = text_of(states[k]);
    static const char *const when[] = {"closed_at", "received_at", "result_at", "released_at"};
    if (k < 4) assert_ok(draft_set(t->l, d, &t->a, text_of(when[k]), text_of(at), &err), err);
    if (k == 0) assert_ok(draft_set(t->l, d, &t->a, TEXT("swabs"), text_of(arena_printf(&t->a, "%llu", (unsigned long long)rng_below(r, 9))), &err), err);
    if (k > 1 && k < 4) assert_ok(draft_set(t->l, d, &t->a, k == 2 ? TEXT("result") : TEXT("verdict"), text_of(results[rng_below(r, 4)]), &err), err);
    return d;
}

static struct draft *anything(struct test_ledger *t, struct rng *r, const int64_t *tubes) {
    int64_t who = any_id(t, r, "person"), swab = any_id(t, r, "swab");
    struct draft *d = NULL;
    switch (rng_below(r, 12)) {
    case 0: return someone(t, r, 0);
    case 1: return someone(t, r, who);
    case 2:
        if (!swab) break;
        d = test_draft(t, "swab", DRAFT_REMOVE, NULL);
        d->id = swab;
        return d;
    case 3:
        if (!swab) break;
        d = test_draft(t, "swab", DRAFT_CHANGE, "swabbed_at", arena_printf(&t->a, "2022-09-0%llu 09:20", 1 + (unsigned long long)rng_below(r, 2)), NULL);
        d->id = swab;
        return d;
    case 4:
        if (rng_below(r, 4)) break;
        d = test_draft(t, "person", DRAFT_REMOVE, NULL);
        d->id = who;
        return d;
    case 5:
    case 6:
    case 7:
    case 8: return some_tube(t, r, tubes[rng_below(r, TUBES)]);
    default: break;
    }
    return some_swab(t, r, who, tubes[rng_below(r, TUBES)]);
}

/* Merges and partings among the rest, refused or not. */
static void join(struct test_ledger *t, struct rng *r) {
    struct error err = {0};
    int64_t a = any_id(t, r, "person"), b = any_id(t, r, "person"), gone = test_count(t, "SELECT min(\"id\") FROM \"person\" WHERE \"merged_into\" IS NOT NULL");
    if (gone && rng_below(r, 2)) person_unmerge(t->l, &t->s, gone, NULL, &err);
    else person_merge(t->l, &t->s, a, b, NULL, &err);
}

static void the_same_by_street_and_building(struct test_ledger *t, int64_t round) {
    struct error err = {0};
    struct round_row *rows = NULL;
    size_t n = 0;
    int64_t people = 0, in = 0;
    assert_ok(round_coverage(t->l, &t->s, round, TEXT(""), true, &t->a, &rows, &n, &err), err);
    for (size_t i = 0; i < n; i++) people += rows[i].people, in += rows[i].of[WHY_SWABBED];
    assert_int_equal(people, test_count(t, "SELECT count(*) FROM \"person\" WHERE \"merged_into\" IS NULL"));
    assert_int_equal(in, test_count(t, arena_printf(&t->a, "SELECT count(*) FROM \"person\" p WHERE \"merged_into\" IS NULL AND EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"person\"=p.\"id\" AND w.\"round\"=%lld)",
                                                    (long long)round)));
}

static int64_t scanned(struct test_ledger *t, int64_t round, const char *reg, const char *where) {
    return test_count(t, arena_printf(&t->a, "SELECT count(*) FROM \"%s\" t WHERE \"round\"=%lld AND %s", reg, (long long)round, where));
}

/* What the counters say of a round is what a look at each tube and each swab says. */
static void figures_are_those_of_a_scan(struct test_ledger *t, int64_t round) {
    static const char nobody[] = "(\"state\"<>'open' OR EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"tube\"=t.\"id\"))";
    struct error err = {0};
    struct round_figures f;
    struct round_site *sites = NULL;
    int64_t hours[ROUND_HOURS_MAX], all = 0, spans = 0;
    instant from;
    size_t n = 0;
    assert_ok(round_figures_of(t->l, &t->s, round, TEXT(""), INSTANT_NONE, &f, &err), err);
    assert_int_equal(f.swabs, scanned(t, round, "swab", "1=1"));
    assert_int_equal(f.people, scanned(t, round, "swab", "\"turn\"=1"));
    assert_int_equal(f.tubes, scanned(t, round, "tube", nobody));
    assert_int_equal(f.tubes_open, scanned(t, round, "tube", arena_printf(&t->a, "\"state\"='open' AND %s", nobody)));
    assert_int_equal(f.tubes_spoiled, scanned(t, round, "tube", "\"state\"='spoiled'"));
    assert_int_equal(f.received, scanned(t, round, "tube", "\"received_at\" IS NOT NULL"));
    assert_int_equal(f.tested, scanned(t, round, "tube", "\"result_at\" IS NOT NULL"));
    assert_int_equal(f.released, scanned(t, round, "tube", "\"released_at\" IS NOT NULL"));
    assert_int_equal(f.positive_tubes, scanned(t, round, "tube", "\"result_at\" IS NOT NULL AND \"result\"='positive'"));
    assert_int_equal(f.people_recalled, scanned(t, round, "swab", "\"told_at\" IS NOT NULL AND \"result\"='recall'"));
    assert_int_equal(f.people_decided, scanned(t, round, "swab", "\"told_at\" IS NOT NULL AND \"result\" IN ('positive','negative')"));
    static const char *const ends[ROUND_STAGES][2] = {{"opened_at", "closed_at"}, {"closed_at", "received_at"}, {"received_at", "result_at"}, {"result_at", "released_at"}, {"opened_at", "released_at"}};
    for (int k = 0; k < ROUND_STAGES; k++) {
        assert_int_equal(f.stages[k].n, scanned(t, round, "tube", arena_printf(&t->a, "\"%s\"<=\"%s\"", ends[k][0], ends[k][1])));
        int64_t nth = (f.stages[k].n + 1) / 2, exact = !nth ? 0 : test_count(t, arena_printf(&t->a, "SELECT \"%s\"-\"%s\" FROM \"tube\" WHERE \"round\"=%lld AND \"%s\"<=\"%s\" ORDER BY 1 LIMIT 1 OFFSET %lld", ends[k][1], ends[k][0],
                                                                                            (long long)round, ends[k][0], ends[k][1], (long long)nth - 1));
        assert_true(!nth || llabs(f.stages[k].p50_s - exact) * 31 <= exact);
        spans += nth;
    }
    assert_true(spans > 0);
    assert_ok(round_hours(t->l, &t->s, round, 0, &from, hours, &n, &err), err);
    for (size_t i = 0; i < n; i++) all += hours[i];
    assert_int_equal(all, f.swabs);
    assert_ok(round_sites(t->l, &t->s, round, 10, &t->a, &sites, &n, &err), err);
    all = 0;
    for (size_t i = 0; i < n; i++) all += sites[i].swabs;
    assert_int_equal(all, test_count(t, arena_printf(&t->a, "SELECT COALESCE(sum(CASE WHEN \"closed_at\" IS NOT NULL THEN COALESCE(\"swabs\",0) ELSE 0 END),0)+(SELECT count(*) FROM \"swab\" w JOIN \"tube\" u ON u.\"id\"=w.\"tube\" WHERE "
                                                             "u.\"round\"=%lld AND u.\"state\"='open') FROM \"tube\" WHERE \"round\"=%lld", (long long)round, (long long)round)));
}

/* Each page goes on where the one before ended, and together they are everybody missing. */
static void pages_of_the_missing(struct test_ledger *t, int64_t round) {
    enum { MANY = 200 };
    struct error err = {0};
    int64_t ids[MANY], after = 0;
    for (int why = 0; why < ROUND_WHYS; why++) {
        size_t n = 0, k = 1;
        for (after = 0; k; n += k) {
            assert_true(n + 3 <= MANY);
            assert_ok(round_people(t->l, &t->s, round, TEXT(""), (struct text){NULL, 0}, (enum round_why)why, after, 3, ids + n, &k, &err), err);
            if (k) after = ids[n + k - 1];
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < i; j++) assert_true(ids[i] != ids[j]);
        if (why != WHY_MISSING && why != WHY_SWABBED) continue;
        assert_int_equal(n, test_count(t, arena_printf(&t->a, "SELECT count(*) FROM \"person\" p WHERE \"merged_into\" IS NULL AND %s EXISTS(SELECT 1 FROM \"swab\" w WHERE w.\"person\"=p.\"id\" AND w.\"round\"=%lld)",
                                                       why == WHY_SWABBED ? "" : "NOT", (long long)round)));
        size_t of_buildings = 0;
        for (size_t b = 0; b < 3; b++) {
            assert_ok(round_people(t->l, &t->s, round, TEXT(""), text_of(buildings[b]), (enum round_why)why, 0, MANY, ids, &k, &err), err);
            of_buildings += k;
        }
        assert_int_equal(of_buildings, n);
    }
}

static void whatever_happens(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct rng r;
        int64_t tubes[TUBES], other = test_record(&t, "round", "campaign", test_id(&t, g.campaign), "seq", "2", "starts_at", "2022-09-01T08:00");
        rng_seed(&r, 20220901);
        for (int i = 0; i < TUBES; i++)
            tubes[i] = test_record(&t, "tube", "barcode", arena_printf(&t.a, "R%d", i), "round", test_id(&t, i % 3 ? g.round : other), "site_table", test_id(&t, g.table), "size", "20", "opened_at",
                                   "2022-09-01T00:00");
        for (int i = 0; i < PEOPLE; i++) assert_ok(test_write(&t, someone(&t, &r, 0), &err), err);
        t.s.now = test_at("2022-09-03T09:00");
        for (int step = 0; step < STEPS; step++) {
            struct draft *d[BATCH];
            bool kept = rng_below(&r, 8) != 0;
            if (step % 10 == 9) join(&t, &r);
            for (int i = 0; i < BATCH; i++) d[i] = anything(&t, &r, tubes);
            assert_ok(ledger_begin(t.l, &err), err);
            assert_ok(record_apply(t.l, &t.s, d, BATCH / 2, &err), err);
            assert_ok(record_apply(t.l, &t.s, d + BATCH / 2, BATCH - BATCH / 2, &err), err);
            if (kept) assert_ok(ledger_commit(t.l, t.s.now, &err), err);
            else ledger_rollback(t.l);
            counts_agree(&t);
        }
        the_same_by_street_and_building(&t, g.round);
        the_same_by_street_and_building(&t, other);
        figures_are_those_of_a_scan(&t, g.round);
        figures_are_those_of_a_scan(&t, other);
        pages_of_the_missing(&t, g.round);
        assert_true(test_count(&t, "SELECT count(*) FROM \"swab\"") > 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_counts_for_nobody),
        cmocka_unit_test(a_second_swab_and_a_restated_day),
        cmocka_unit_test(who_is_merged_is_one_and_parted_is_two),
        cmocka_unit_test(they_are_made_anew),
        cmocka_unit_test(a_scope_goes_by_zone_and_category),
        cmocka_unit_test(whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Swabs that are told late, twice, or of somebody who has become another since. Nothing that was taken is lost: what was right at its time is taken when its place is closed; what is sent again is the
 * swab that is there, whatever came between; a person is one, however he was recorded, and counts once. */
#include "desks/person.h"
#include "desks/plan.h"
#include "desks/testing/round.h"
#include "desks/testing/sampling.h"
#include "sampling.h"

static const char *const cards[] = {"11010519491231002X", "440524188001010014", "310115199001011232"};
static struct sampling *desk;

static void anew(void) { /* without what it remembers */
    struct error err = {0};
    sampling_free(desk);
    assert_ok(sampling_new(&desk, &err), err);
}

static struct sampling_row card(const struct sample_ground *g, const char *tube, const char *doc, const char *at) {
    return (struct sampling_row){.barcode = text_of(tube), .doc_no = text_of(doc), .doc_type = TEXT("id-card"), .name = TEXT("王小明"), .table = g->table, .round = g->round, .swabbed_at = test_at(at)};
}

static struct sampling_row child(const struct sample_ground *g, const char *tube) {
    return (struct sampling_row){.barcode = text_of(tube), .guardian_doc = text_of(cards[0]), .name = TEXT("李小童"), .table = g->table, .round = g->round, .swabbed_at = test_at(SAMPLING_NOW)};
}

static struct sampling_row nameless(const struct sample_ground *g, const char *tube) {
    return (struct sampling_row){.barcode = text_of(tube), .temporary = TEXT("L-1"), .table = g->table, .round = g->round, .swabbed_at = test_at(SAMPLING_NOW)};
}

/* What became of it; who. */
static enum sampling_reason sent(struct test_ledger *t, struct sampling_row r, enum draft_outcome outcome, int64_t *ret_person) {
    struct error err = {0};
    assert_ok(sampling_take(desk, t->l, &t->s, INSTANT_NONE, &r, 1, &t->a, &err), err);
    if (!r.reason) assert_int_equal(r.swab->outcome, outcome);
    if (ret_person) *ret_person = r.person ? r.person : r.of_person ? r.of_person->ret_id : 0;
    return r.reason;
}
#define TAKEN(r) assert_int_equal(sent(&t, r, OUTCOME_CREATED, NULL), SAMPLING_NONE)
#define SAME(r) assert_int_equal(sent(&t, r, OUTCOME_UNCHANGED, NULL), SAMPLING_NONE)
#define REFUSED(r, why) assert_int_equal(sent(&t, r, OUTCOME_NONE, NULL), SAMPLING_##why)

static void verdict(struct test_ledger *t, const char *barcode, const char *word) {
    struct error err = {0};
    struct draft *d = test_draft(t, "tube", DRAFT_CHANGE, "verdict", word, NULL);
    d->by_desk = true;
    d->id = test_count(t, arena_printf(&t->a, "SELECT \"id\" FROM \"tube\" WHERE \"barcode\"='%s'", barcode));
    assert_ok(test_write(t, d, &err), err);
}

/* The site closes in the evening, the round an hour after it was to end: devices without a line come with what they took. */
static void what_was_taken_in_time_is_taken(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        anew();
        t.s.now = test_at("2022-09-01T22:00");
        sample_open(&t, "site", g.site, "closed");
        t.s.now = test_at("2022-09-01T23:00");
        REFUSED(card(&g, "A1", cards[0], "2022-09-01T22:30"), NO_TABLE); /* there was nobody at it */
        TAKEN(card(&g, "A1", cards[0], "2022-09-01T21:30"));
        sample_open(&t, "site_table", g.table, "closed"); /* later than its site */
        REFUSED(card(&g, "A1", cards[1], "2022-09-01T22:30"), NO_TABLE);
        TAKEN(card(&g, "A1", cards[1], "2022-09-01T21:31"));
        struct sampling_row other = card(&g, "B1", cards[2], "2022-09-02T08:30"); /* it was to end at eight */
        other.table = g.other_table;
        t.s.now = test_at("2022-09-02T09:00");
        sample_open(&t, "round", g.round, "closed");
        t.s.now = test_at("2022-09-02T10:00");
        TAKEN(other);
        other.swabbed_at = t.s.now - 60;
        other.doc_no = TEXT("11010119900307109X");
        REFUSED(other, NO_ROUND);
        sample_open(&t, "round", g.round, "open");
        other.swabbed_at = test_at("2022-08-20T08:30"); /* a sheet with the wrong day on it */
        REFUSED(other, NO_ROUND);
    }
}

/* A campaign that is called off ends its rounds with it, told at the table at once; what was taken before is taken. */
static void who_calls_a_campaign_off_ends_its_rounds(void **state) {
    static const char *const ends[] = {"cancelled", "finished"};
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        anew();
        sample_open(&t, "campaign", g.campaign, "running");
        for (int k = 1; k >= 0; k--) {
            t.s.now += 3600;
            sample_open(&t, "campaign", g.campaign, ends[k]);
            t.s.now += 3600;
            struct sampling_row r = card(&g, "A1", cards[k], SAMPLING_NOW), late = r;
            late.swabbed_at = t.s.now;
            anew();
            REFUSED(late, NO_ROUND);
            TAKEN(r);
            if (k) sample_open(&t, "campaign", g.campaign, "running");
        }
    }
}

/* From tomorrow a plan allows ten to a tube: tubes of twenty that were filled today are there all the same. */
static void a_tube_is_of_the_plan_of_its_day(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct plan_adoption ten = {.pack = TEXT("covid-2021-v8"), .from = day_of_instant(test_at("2022-09-02T12:00"), ZONE_CHINA_S), .reason = TEXT("test")};
        int64_t id;
        anew();
        assert_ok(plan_adopt(t.l, &t.s, &ten, &id, NULL, &err), err);
        struct sampling_row today = card(&g, "A1", cards[0], SAMPLING_NOW), tomorrow = card(&g, "A2", cards[1], "2022-09-02T07:30");
        today.size = tomorrow.size = 20;
        t.s.now = test_at("2022-09-02T07:40");
        TAKEN(today);
        REFUSED(tomorrow, SIZE);
        tomorrow.size = 10;
        TAKEN(tomorrow);
    }
}

/* Who was sampled singly, and singly once more since: the first is sent again. */
static void what_is_sent_again_is_what_is_there(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct sampling_row rows[3];
        anew();
        for (int i = 0; i < 3; i++) {
            rows[i] = card(&g, arena_printf(&t.a, "S%d", i), cards[0], SAMPLING_NOW);
            rows[i].size = 1;
            TAKEN(rows[i]);
            verdict(&t, arena_printf(&t.a, "S%d", i), "invalid");
        }
        for (int i = 0; i < 3; i++) SAME(rows[i]);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), 3);
    }
}

/* Children and people without papers are in a pool that is recalled: each is sampled singly like everybody else. */
static void who_has_no_papers_is_recalled_too(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        int64_t who[2], again[2];
        anew();
        struct sampling_row single[2] = {child(&g, "S1"), nameless(&g, "S2")};
        assert_int_equal(sent(&t, child(&g, "A1"), OUTCOME_CREATED, &who[0]), SAMPLING_NONE);
        assert_int_equal(sent(&t, nameless(&g, "A1"), OUTCOME_CREATED, &who[1]), SAMPLING_NONE);
        for (int i = 0; i < 2; i++) {
            single[i].size = 1;
            REFUSED(single[i], DUPLICATE); /* not while the first is pending */
        }
        verdict(&t, "A1", "recall");
        for (int i = 0; i < 2; i++) {
            assert_int_equal(sent(&t, single[i], OUTCOME_CREATED, &again[i]), SAMPLING_NONE);
            assert_int_equal(who[i], again[i]);
            SAME(single[i]);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
    }
}

static void counted(struct test_ledger *t, const struct sample_ground *g, int64_t swabs, int64_t people) {
    struct error err = {0};
    struct round_figures f;
    struct round_row *rows;
    size_t n;
    assert_ok(round_figures_of(t->l, &t->s, g->round, TEXT(""), INSTANT_NONE, &f, &err), err);
    assert_int_equal(f.swabs, swabs);
    assert_int_equal(f.people, people);
    assert_ok(round_coverage(t->l, &t->s, g->round, TEXT(""), false, &t->a, &rows, &n, &err), err);
    int64_t covered = 0;
    for (size_t i = 0; i < n; i++) covered += rows[i].of[WHY_SWABBED];
    assert_int_equal(covered, people);
}

/* Two turn out to be one, before the device has its answer. */
static void whoever_was_merged_is_one(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        int64_t a, b, now;
        anew();
        assert_int_equal(sent(&t, child(&g, "A1"), OUTCOME_CREATED, &a), SAMPLING_NONE);
        b = test_record(&t, "person", "name", "李小童", "doc_type", "id-card", "doc_no", cards[1]);
        counted(&t, &g, 1, 1);
        assert_ok(person_merge(t.l, &t.s, b, a, NULL, &err), err);
        SAME(child(&g, "A1"));
        REFUSED(child(&g, "A2"), DUPLICATE);
        REFUSED(card(&g, "A2", cards[1], SAMPLING_NOW), DUPLICATE); /* by his own document, at another table's tube */
        struct sampling_row by_id = card(&g, "A2", "", SAMPLING_NOW);
        by_id.person = a;
        REFUSED(by_id, DUPLICATE);
        struct sample_ground next = g;
        next.round = test_record(&t, "round", "campaign", test_id(&t, g.campaign), "seq", "2", "starts_at", "2022-09-01T08:00");
        sample_open(&t, "round", next.round, "open");
        assert_int_equal(sent(&t, child(&next, "C1"), OUTCOME_CREATED, &now), SAMPLING_NONE);
        assert_int_equal(now, b);
        counted(&t, &g, 1, 1);
        /* both were swabbed: two swabs, one person; and two again when it was a mistake */
        int64_t c, swabs = test_count(&t, "SELECT COUNT(*) FROM \"swab\"");
        assert_int_equal(sent(&t, card(&g, "A3", cards[2], SAMPLING_NOW), OUTCOME_CREATED, &c), SAMPLING_NONE);
        counted(&t, &g, 2, 2);
        assert_ok(person_merge(t.l, &t.s, b, c, NULL, &err), err);
        counted(&t, &g, 2, 1);
        SAME(card(&g, "A3", cards[2], SAMPLING_NOW));
        assert_ok(person_unmerge(t.l, &t.s, c, NULL, &err), err);
        counted(&t, &g, 2, 2);
        SAME(card(&g, "A3", cards[2], SAMPLING_NOW));
        SAME(child(&g, "A1"));
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), swabs + 1);
    }
}

/* Whoever was forgotten is not known by anything; who comes again is somebody new, with a name that a recall can open. */
static void who_was_erased_comes_as_somebody_new(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t), next = g;
        struct error err = {0};
        int64_t old[2], new[2];
        anew();
        assert_int_equal(sent(&t, card(&g, "A1", cards[1], SAMPLING_NOW), OUTCOME_CREATED, &old[0]), SAMPLING_NONE);
        assert_int_equal(sent(&t, child(&g, "A1"), OUTCOME_CREATED, &old[1]), SAMPLING_NONE);
        t.s.reason = TEXT("本人要求");
        for (int i = 0; i < 2; i++) assert_ok(person_erase(t.l, &t.s, old[i], &err), err);
        next.round = test_record(&t, "round", "campaign", test_id(&t, g.campaign), "seq", "2", "starts_at", "2022-09-01T08:00");
        sample_open(&t, "round", next.round, "open");
        for (int anew_ = 0; anew_ < 2; anew_++) { /* also when the lookup was made anew */
            assert_int_equal(sent(&t, card(&next, "C1", cards[1], SAMPLING_NOW), anew_ ? OUTCOME_UNCHANGED : OUTCOME_CREATED, &new[0]), SAMPLING_NONE);
            assert_int_equal(sent(&t, child(&next, "C1"), anew_ ? OUTCOME_UNCHANGED : OUTCOME_CREATED, &new[1]), SAMPLING_NONE);
            for (int i = 0; i < 2; i++) assert_int_not_equal(old[i], new[i]);
            if (anew_) continue;
            assert_ok(ledger_begin(t.l, &err), err);
            assert_ok(ledger_reindex(t.l, &err), err);
            assert_ok(ledger_commit(t.l, t.s.now, &err), err);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"vault_key\""), 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_in_time_is_taken), cmocka_unit_test(who_calls_a_campaign_off_ends_its_rounds), cmocka_unit_test(a_tube_is_of_the_plan_of_its_day), cmocka_unit_test(what_is_sent_again_is_what_is_there), cmocka_unit_test(who_has_no_papers_is_recalled_too),
        cmocka_unit_test(whoever_was_merged_is_one),       cmocka_unit_test(who_was_erased_comes_as_somebody_new),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sampling_free(desk);
    return failed;
}

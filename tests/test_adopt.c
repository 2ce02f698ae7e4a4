/* A plan is worked out beside the writer and applied to what is there by then: facts told meanwhile change nothing about what is owed in the end. */
#include "duties.h"
#include "ledgers.h"

#include "desks/duty.h"
#include "desks/person.h"
#include "desks/plan.h"

static const char *const NOW = "2022-08-15T10:00";
enum { PEOPLE = 6, BEFORE = 12, MEANWHILE = 14, SEEDS = 10 };

static const struct plan_adoption WISH = {.pack = {"covid-2022-20", 13}, .from = 19219, .reason = {"test", 4}};

struct town {
    struct test_ledger t;
    struct rng r;
    int64_t people[PEOPLE], contacts[64], stays[64], index;
    size_t n_contacts, n_stays;
};

/* As told, or refused: what a guard refuses is refused in the same state both times. */
static int64_t tell(struct town *w, struct draft *d) {
    struct error err = {0};
    return record_write(w->t.l, &w->t.s, &d, 1, &err) < 0 ? 0 : d->ret_id;
}

static const char *one_of(struct town *w, const int64_t *list, size_t n) {
    return test_id(&w->t, list[rng_below(&w->r, n)]);
}

static void clock_pass(struct town *w) {
    struct error err = {0};
    struct wake_report r;
    struct session s = w->t.s;
    s.now += (instant)rng_below(&w->r, 30) * 3600;
    assert_ok(duty_tick(w->t.l, &s, &r, &err), err);
}

static void merge(struct town *w) {
    struct error err = {0};
    size_t a = rng_below(&w->r, PEOPLE), b = rng_below(&w->r, PEOPLE);
    if (a != b && person_merge(w->t.l, &w->t.s, w->people[a], w->people[b], NULL, &err) == 0) w->people[b] = w->people[a];
}

static void something(struct town *w) {
    struct test_ledger *t = &w->t;
    static const char *const days[] = {"2022-08-12", "2022-08-13", "2022-08-14"};
    const char *who = one_of(w, w->people, PEOPLE), *met = days[rng_below(&w->r, 3)];
    struct draft *d = NULL;
    size_t what = rng_below(&w->r, 40);
    if (what < 10 && w->n_contacts < 64) {
        int64_t id = tell(w, test_draft(t, "contact", DRAFT_CREATE, "person", who, "index_case", test_id(t, w->index), "last_contact", met, "found_at", NOW, NULL));
        if (id) w->contacts[w->n_contacts++] = id;
    } else if (what < 18 && w->n_stays < 64) {
        d = test_draft(t, "stay", DRAFT_CREATE, "person", who, "class", "close", "exposure", met, "kind", what & 1 ? "central" : "home", "started_at", NOW, NULL);
        int64_t id = tell(w, d);
        if (id) w->stays[w->n_stays++] = id;
    } else if (what < 26) {
        tell(w, test_draft(t, "test", DRAFT_CREATE, "person", who, "sampled_at", "2022-08-15T09:30", "result", what == 25 ? "positive" : "negative", "kind", "pcr", NULL));
    } else if (what < 29) {
        tell(w, test_draft(t, "health_check", DRAFT_CREATE, "person", who, "checked_at", "2022-08-15T09:40", NULL));
    } else if (what < 33 && w->n_contacts) {
        d = test_draft(t, "contact", DRAFT_CHANGE, "last_contact", met, NULL);
        d->id = w->contacts[rng_below(&w->r, w->n_contacts)];
        tell(w, d);
    } else if (what < 36 && w->n_stays) {
        d = test_draft(t, "stay", DRAFT_CHANGE, NULL);
        d->id = w->stays[rng_below(&w->r, w->n_stays)];
        d->state = what == 33 ? TEXT("released") : TEXT("cancelled");
        tell(w, d);
    } else if (what < 38) {
        clock_pass(w);
    } else if (what == 38) {
        merge(w);
    } else if (rng_below(&w->r, 3) == 0) {
        tell(w, test_draft(t, "organisation", DRAFT_CREATE, "title", "疾控中心", "kind", "other", "department", "cdc", NULL));
    } else if (w->n_contacts) { /* a word that changes nothing of what is owed */
        d = test_draft(t, "contact", DRAFT_CHANGE, "note", met, NULL);
        d->id = w->contacts[rng_below(&w->r, w->n_contacts)];
        tell(w, d);
    }
}

static const struct roll_entry *entry_of(const struct duty_roll *roll, int64_t id) {
    for (size_t i = 0; i < roll->n; i++)
        if (roll->list[i].open != ROLL_CLOSED && roll->open[roll->list[i].open].id == id) return &roll->list[i];
    return NULL;
}

/* What is read at once and sorted here is what the store itself says: each duty once, by record and rule, open ones cell by cell. */
static void roll_says(struct test_ledger *t, const struct duty_roll *roll, const char *where) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t all = 0, open = 0;
    assert_ok(db_query(t->l->db, arena_printf(&t->a, "SELECT %s FROM \"obligation\" %s", obligation_columns, where), NULL, 0, &c, &err), err);
    for (; db_next(c, &row, &err) > 0; all++) {
        struct obligation o;
        obligation_of_row(row, &o);
        const struct roll_entry *e = entry_of(roll, o.id);
        assert_int_equal(e != NULL, obligation_is_open(&o) || text_is(o.state, "cancelled"));
        if (!e) continue;
        open++;
        const struct duty_kind *k = &roll->kinds[e->kind];
        const struct obligation *r = &roll->open[e->open];
        assert_true(e->record == o.record && k->pack == o.pack && text_eq(k->rule, o.rule) && text_eq(k->reg, o.reg) && text_eq(k->desk, o.desk));
        assert_true(r->holder == o.holder && r->record == o.record && r->pack == o.pack && r->owner == o.owner && r->owner_kind == o.owner_kind && r->owner_step == o.owner_step);
        assert_true(text_eq(r->rule, o.rule) && text_eq(r->region, o.region) && text_eq(r->owner_region, o.owner_region) && text_eq(r->state, o.state));
        assert_true(r->duty.occurrence == o.duty.occurrence && r->duty.anchor == o.duty.anchor && r->duty.raised_at == o.duty.raised_at);
        assert_true(r->duty.owed == o.duty.owed && r->duty.paid == o.duty.paid && r->duty.missed == o.duty.missed && r->duty.level == o.duty.level);
        assert_true(r->duty.due_at == o.duty.due_at && r->duty.wake_at == o.duty.wake_at && r->late == o.late && r->paid_by == o.paid_by);
    }
    db_cursor_close(c);
    assert_int_equal(all, roll->n);
    assert_int_equal(open, roll->n_open);
    for (size_t i = 1; i < roll->n; i++) {
        const struct roll_entry *was = &roll->list[i - 1], *is = &roll->list[i];
        assert_true(was->record < is->record || (was->record == is->record && text_cmp(roll->kinds[was->kind].rule, roll->kinds[is->kind].rule) <= 0));
    }
}

static void the_roll_is_what_the_store_says(struct town *w) {
    struct error err = {0};
    struct duty_roll roll = {0};
    assert_ok(duty_roll_region(w->t.l->db, w->t.l->region, &roll, &err), err);
    assert_true(roll.n > 0);
    roll_says(&w->t, &roll, "");
    duty_roll_clear(&roll);
    int64_t two[] = {w->people[0], w->people[1]};
    size_t n = two[0] == two[1] ? 1 : 2;
    assert_ok(duty_roll_holders(w->t.l->db, two, n, &roll, &err), err);
    roll_says(&w->t, &roll, arena_printf(&w->t.a, "WHERE \"holder\" IN (%lld,%lld)", (long long)two[0], (long long)two[n - 1]));
    duty_roll_clear(&roll);
    assert_ok(duty_roll_region(w->t.l->db, TEXT("99"), &roll, &err), err);
    assert_int_equal(roll.n, 0);
    duty_roll_clear(&roll);
}

static void town_begin(struct town *w, uint64_t seed) {
    rng_seed(&w->r, seed);
    for (int i = 0; i < PEOPLE; i++) w->people[i] = test_record(&w->t, "person", "name", "王芳");
    w->index = test_record(&w->t, "case", "person", test_id(&w->t, test_record(&w->t, "person", "name", "病例")), "disease", "covid-19", "classification", "confirmed", "report_date",
                           "2022-08-15", "detected_at", "2022-08-15T09:30");
}

/* The whole story, with the plan adopted after what happens meanwhile, or worked out before it and applied after it. */
static char *story(size_t store, uint64_t seed, bool beside, struct plan_diff *ret) {
    struct town w = {0};
    struct error err = {0};
    struct plan_work *work = NULL;
    int64_t id = 0;
    test_ledger_make(&w.t, store, "covid-2022-v9", NOW);
    town_begin(&w, seed);
    for (int i = 0; i < BEFORE; i++) something(&w);
    struct session asked = w.t.s;
    if (beside) assert_ok(plan_prepare(w.t.l, NULL, &asked, &WISH, &work, &err), err);
    for (size_t i = 0, n = rng_below(&w.r, MEANWHILE); i < n; i++) something(&w);
    if (!beside) assert_ok(plan_prepare(w.t.l, NULL, &asked, &WISH, &work, &err), err);
    assert_ok(plan_apply(w.t.l, &asked, &WISH, work, asked.now + 40 * 3600, &id, ret, &err), err);
    plan_work_free(work);
    the_roll_is_what_the_store_says(&w);
    char *copy = test_duties(&w.t);
    test_ledger_drop(&w.t);
    return copy;
}

static void facts_told_meanwhile_are_owed_for_as_if_told_before(void **state) {
    (void)state;
    int64_t owed = 0;
    for (size_t store = 0; store < test_stores(); store++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct plan_diff a = {0}, b = {0};
            char *beside = story(store, seed, true, &a), *after = story(store, seed, false, &b);
            if (strcmp(beside, after) != 0) {
                size_t at = 0;
                while (beside[at] && beside[at] == after[at]) at++;
                while (at && beside[at - 1] != '\n') at--;
                fail_msg("seed %llu:\n%.300s\n---\n%.300s", (unsigned long long)seed, beside + at, after + at);
            }
            for (int i = 0; i < PLAN_EFFECTS; i++) assert_int_equal(a.total[i], b.total[i]);
            owed += b.total[PLAN_SOONER] + b.total[PLAN_LOSE] + b.total[PLAN_GAIN];
            plan_diff_clear(&a);
            plan_diff_clear(&b);
            free(beside);
            free(after);
        }
    assert_true(owed > 20); /* the plans do differ */
}

/* Adopted by somebody else in between: told so, and nothing is changed. */
static void a_plan_that_came_first_is_told(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct plan_work *work = NULL;
        int64_t id = 0, first = 0;
        assert_ok(plan_prepare(t.l, NULL, &t.s, &WISH, &work, &err), err);
        assert_ok(plan_adopt(t.l, &t.s, &WISH, &first, NULL, &err), err);
        char *before = test_duties(&t);
        assert_int_equal(plan_apply(t.l, &t.s, &WISH, work, t.s.now, &id, NULL, &err), E_CONFLICT);
        plan_work_free(work);
        char *now = test_duties(&t);
        assert_string_equal(now, before);
        assert_int_equal(plan_prepare(t.l, NULL, &t.s, &WISH, &work, &err), E_CONFLICT);
        free(before);
        free(now);
    }
}

/* What the plan in force asked of nobody, and was done all the same, the new plan does not ask for again. */
static void what_was_done_before_pays_what_a_plan_raises(void **state) {
    static const struct plan_adoption covid = {.pack = {"covid-2022-v9", 13}, .from = 19219, .reason = {"test", 4}};
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "measles-who", NOW) {
        struct error err = {0};
        int64_t id = 0, people[3];
        for (int i = 0; i < 3; i++) {
            people[i] = test_record(&t, "person", "name", "王芳");
            if (i) /* in hospital since yesterday; of July, and over */
                test_record(&t, "stay", "person", test_id(&t, people[i]), "kind", "hospital", "started_at", i == 1 ? "2022-08-14T20:00" : "2022-07-14T20:00", "ended_at",
                            i == 1 ? "" : "2022-07-20T08:00");
            test_record(&t, "test", "person", test_id(&t, people[i]), "sampled_at", "2022-08-14T22:00", "kind", "pcr", "result", "positive", "result_at", "2022-08-15T09:30");
        }
        const char *sql = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'transfer-abnormal' AND \"state\" = '%s' AND \"holder\" = %lld";
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'transfer-abnormal'"), 0);
        assert_ok(plan_adopt(t.l, &t.s, &covid, &id, NULL, &err), err);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(test_count(&t, arena_printf(&t.a, sql, "paid", (long long)people[i])), i == 1);
            assert_int_equal(test_count(&t, arena_printf(&t.a, sql, "open", (long long)people[i])), i != 1);
        }
    }
}

/* Two exposures of one person are one debt (per_person), counted from the later one; a plan that changes nothing changes nothing, another one moves the one debt. */
static void what_a_person_owes_once_is_owed_once_under_the_next_plan(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        struct policy *same = NULL;
        struct plan_diff shown = {0}, done = {0};
        int64_t id = 0, who = test_record(&t, "person", "name", "王芳"), sick = test_record(&t, "person", "name", "病例");
        int64_t index = test_record(&t, "case", "person", test_id(&t, sick), "disease", "covid-19", "classification", "confirmed", "report_date", "2022-08-15");
        static const char *const met[] = {"2022-08-11", "2022-08-14", "2022-08-12"};
        for (int i = 0; i < 3; i++)
            test_record(&t, "contact", "person", test_id(&t, who), "index_case", test_id(&t, index), "last_contact", met[i], "found_at", i == 1 ? "2022-08-15T09:00" : NOW);
        const char *open = arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"holder\" = %lld AND \"state\" = 'open' AND \"rule\" = '%%s'", (long long)who);
        const char *due = arena_printf(&t.a, "SELECT MAX(\"due_at\") FROM \"obligation\" WHERE \"holder\" = %lld AND \"state\" = 'open' AND \"rule\" = '%%s'", (long long)who);
        char *dir = arena_printf(&t.a, "%s/policies", t.l->home);
        assert_ok(policy_load(t.l->catalog, dir, TEXT("covid-2022-v9"), t.l->zone_s, &same, &err), err);
        assert_ok(plan_compare(t.l, NULL, &t.s, same, t.l->region, NULL, NULL, &shown, &err), err);
        for (int i = 0; i < PLAN_EFFECTS; i++) assert_int_equal(shown.total[i], 0);
        plan_diff_clear(&shown);
        policy_free(same);
        /* a word on the first of them, which holds the debt, takes nothing back of what the second says */
        const char *end = arena_printf(&t.a, due, "end-observation");
        int64_t ends = test_count(&t, end);
        assert_int_equal(ends, test_at("2022-08-15T00:00") + 10 * DAY_S);
        struct draft *d = test_draft(&t, "contact", DRAFT_CHANGE, "note", "电话已核", NULL);
        d->id = test_count(&t, arena_printf(&t.a, "SELECT MIN(\"id\") FROM \"contact\" WHERE \"person\" = %lld", (long long)who));
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_count(&t, end), ends);
        int64_t placed_by = test_count(&t, arena_printf(&t.a, due, "place-contact"));
        assert_int_equal(placed_by, test_at("2022-08-15T17:00")); /* eight hours after the first of them was found */
        assert_ok(plan_adopt(t.l, &t.s, &WISH, &id, &done, &err), err);
        assert_true(done.total[PLAN_GAIN] == 0 && done.total[PLAN_SOONER] == 1);
        plan_diff_clear(&done);
        for (int i = 0; i < 3; i++) assert_int_equal(test_count(&t, arena_printf(&t.a, open, ((const char *[]){"end-observation", "place-contact", "control-order"})[i])), 1);
        assert_int_equal(test_count(&t, arena_printf(&t.a, due, "place-contact")), placed_by);
        assert_int_equal(test_count(&t, end), test_at("2022-08-15T00:00") + 8 * DAY_S); /* 5 and 3 days after the 14th */
    }
}

/* Adopted by mistake and taken back in the same hour: what was owed is owed, by the same time and, when no department was founded since, by the same party, but for what
 * the other plan closed as paid. */
static void a_plan_taken_back_leaves_what_was_owed(void **state) {
    enum { MOST = 400 };
    static const struct plan_adoption back = {.pack = {"covid-2022-v9", 13}, .from = 19219, .reason = {"a mistake", 9}};
    static const char *const sql = "SELECT \"id\",\"due_at\",\"owed\",\"paid\",\"owner\",\"owner_kind\",\"state\" FROM \"obligation\" WHERE \"register\" <> 'adoption' AND \"state\" IN (%s) ORDER BY \"id\"";
    (void)state;
    int64_t lost = 0;
    for (size_t store = 0; store < test_stores(); store++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct town w = {0};
            struct error err = {0};
            struct plan_diff there = {0}, here = {0};
            int64_t id = 0, was[MOST][6];
            size_t n = 0, now = 0;
            struct db_cursor *c = NULL;
            const struct value *row;
            test_ledger_make(&w.t, store, "covid-2022-v9", NOW);
            town_begin(&w, seed);
            for (int i = 0; i < PEOPLE; i++) test_record(&w.t, "contact", "person", test_id(&w.t, w.people[i]), "index_case", test_id(&w.t, w.index), "class", "secondary", "last_contact", "2022-08-14", "found_at", NOW);
            for (int i = 0; i < 3 * BEFORE; i++) something(&w);
            assert_ok(db_query(w.t.l->db, arena_printf(&w.t.a, sql, "'open','standing'"), NULL, 0, &c, &err), err);
            for (; db_next(c, &row, &err) > 0 && n < MOST; n++)
                for (int k = 0; k < 6; k++) was[n][k] = value_int_or(row[k], 0);
            db_cursor_close(c);
            /* whatever was told in whatever order: the plan in force asks for what is owed, and for nothing else */
            struct plan_diff none = {0};
            struct policy *same = NULL;
            assert_ok(policy_load(w.t.l->catalog, arena_printf(&w.t.a, "%s/policies", w.t.l->home), TEXT("covid-2022-v9"), w.t.l->zone_s, &same, &err), err);
            assert_ok(plan_compare(w.t.l, NULL, &w.t.s, same, w.t.l->region, NULL, NULL, &none, &err), err);
            for (int i = 0; i < PLAN_EFFECTS; i++)
                if (none.total[i]) fail_msg("seed %llu: the plan in force would change %lld duties, as %.*s", (unsigned long long)seed, (long long)none.total[i], (int)none.rules[0].rule.n, none.rules[0].rule.s);
            plan_diff_clear(&none);
            policy_free(same);
            bool founded = test_count(&w.t, "SELECT COUNT(*) FROM \"organisation\"") > 0;
            assert_ok(plan_adopt(w.t.l, &w.t.s, &WISH, &id, &there, &err), err);
            assert_ok(plan_adopt(w.t.l, &w.t.s, &back, &id, &here, &err), err);
            lost += there.total[PLAN_LOSE];
            plan_diff_clear(&there);
            plan_diff_clear(&here);
            assert_ok(db_query(w.t.l->db, arena_printf(&w.t.a, sql, "'open','standing','paid','lapsed'"), NULL, 0, &c, &err), err);
            while (db_next(c, &row, &err) > 0) {
                bool closed = text_is(value_view(row[6]), "paid") || text_is(value_view(row[6]), "lapsed");
                while (now < n && was[now][0] < row[0].i) fail_msg("seed %llu: duty %lld is owed no more", (unsigned long long)seed, (long long)was[now][0]);
                bool mine = now < n && was[now][0] == row[0].i;
                if (!mine && !closed) fail_msg("seed %llu: duty %lld was not owed", (unsigned long long)seed, (long long)row[0].i);
                for (int k = 1; mine && !closed && k < (founded ? 4 : 6); k++) assert_int_equal(value_int_or(row[k], 0), was[now][k]);
                now += mine;
            }
            db_cursor_close(c);
            assert_int_equal(now, n);
            test_ledger_drop(&w.t);
        }
    assert_true(lost > 20); /* secondary contacts are none under the other */
}

/* What is owed each day is owed from today on: nobody is late at once for the days before there was a plan. */
static void what_a_plan_asks_for_each_day_begins_today(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, "2022-08-01T09:00") {
        static const struct plan_adoption covid = {.pack = {"covid-2022-v9", 13}, .from = 19219, .reason = {"test", 4}};
        struct error err = {0};
        struct wake_report woke;
        int64_t id = 0;
        const char *owed = "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'daily-report' AND \"occurrence\" > 0";
        test_record(&t, "organisation", "title", "医院", "kind", "hospital", "reports_daily", "yes");
        t.s.now = test_at(NOW);
        assert_ok(plan_adopt(t.l, &t.s, &covid, &id, NULL, &err), err);
        assert_ok(duty_tick(t.l, &t.s, &woke, &err), err);
        assert_int_equal(test_count(&t, owed), 1);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "%s AND \"due_at\" = %lld", owed, (long long)test_at("2022-08-15T17:00"))), 1);
        t.s.now = test_at("2022-08-16T09:00");
        assert_ok(duty_tick(t.l, &t.s, &woke, &err), err);
        assert_int_equal(test_count(&t, owed), 2);
    }
}

static void adopt(struct test_ledger *t, const char *pack, day from, const char *region) {
    struct plan_adoption want = {.pack = text_of(pack), .from = from, .region = text_of(region), .reason = TEXT("test"), .approver = TEXT("test")};
    struct error err = {0};
    int64_t id = 0;
    assert_ok(plan_adopt(t->l, &t->s, &want, &id, NULL, &err), err);
}

static instant due_of(struct test_ledger *t, int64_t record, const char *rule) {
    return test_count(t, arena_printf(&t->a, "SELECT \"due_at\" FROM \"obligation\" WHERE \"record\" = %lld AND \"rule\" = '%s'", (long long)record, rule));
}

/* The nearest up the tree is in force: what is adopted above a region with a plan of its own moves nothing there, and nobody is told that it would. */
static void a_plan_above_leaves_who_has_one_of_his_own(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        static const struct plan_adoption above = {.pack = {"covid-2022-20", 13}, .from = 19219, .region = {"310115", 6}, .reason = {"test", 4}};
        struct error err = {0};
        struct plan_diff diff = {0};
        int64_t person = test_record(&t, "person", "name", "王芳"), id = 0, contact[2];
        static const char *const regions[] = {"310115101", "310115102"};
        for (int i = 0; i < 2; i++) {
            struct draft *d = test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, i ? test_record(&t, "person", "name", "李明") : person), "last_contact", "2022-08-14", "found_at", NOW, NULL);
            d->region = text_of(regions[i]);
            assert_ok(record_write(t.l, &t.s, &d, 1, &err), err);
            contact[i] = d->ret_id;
        }
        adopt(&t, "shannan-2022", 19219, "310115101");
        assert_int_equal(due_of(&t, contact[0], "place-contact"), test_at("2022-08-15T13:00"));
        assert_int_equal(due_of(&t, contact[1], "place-contact"), test_at("2022-08-15T18:00"));
        instant end = due_of(&t, contact[0], "end-observation");
        assert_int_equal(due_of(&t, contact[1], "end-observation"), end);
        assert_ok(plan_adopt(t.l, &t.s, &above, &id, &diff, &err), err);
        for (size_t i = 0; i < diff.n; i++) assert_true(diff.rules[i].n[PLAN_SOONER] + diff.rules[i].n[PLAN_LATER] <= 1);
        plan_diff_clear(&diff);
        assert_int_equal(due_of(&t, contact[0], "place-contact"), test_at("2022-08-15T13:00"));
        assert_int_equal(due_of(&t, contact[0], "end-observation"), end);
        assert_true(due_of(&t, contact[1], "end-observation") < end);
        /* who owes once there what he would owe here too, owes it once */
        struct draft *d = test_draft(&t, "contact", DRAFT_CREATE, "person", test_id(&t, person), "last_contact", "2022-08-14", "found_at", NOW, "relation", "colleague", NULL);
        d->region = text_of(regions[1]);
        assert_ok(record_write(t.l, &t.s, &d, 1, &err), err);
        adopt(&t, "covid-2021-v8", 19219, "310115");
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\" = 'place-contact' AND \"state\" = 'open' AND \"holder\" = %lld", (long long)person)), 1);
    }
}

/* One plan is in force: an older day than that of the plan in force is refused, and of two whose days came in one night the later stays. */
static void one_plan_is_in_force(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, "covid-2022-v9", NOW) {
        static const struct plan_adoption older = {.pack = {"covid-2021-v8", 13}, .from = 19218, .reason = {"test", 4}};
        struct error err = {0};
        int64_t id = 0, applied = 0, person = test_record(&t, "person", "name", "王芳"), contact = test_record(&t, "contact", "person", test_id(&t, person), "last_contact", "2022-08-14", "found_at", NOW);
        instant before = due_of(&t, contact, "end-observation");
        adopt(&t, "covid-2022-20", 19219, "310115");
        instant now = due_of(&t, contact, "end-observation");
        assert_true(now < before);
        assert_int_equal(plan_adopt(t.l, &t.s, &older, &id, NULL, &err), E_CONFLICT);
        assert_non_null(strstr(err.message, "2022-08-15"));
        assert_int_equal(due_of(&t, contact, "end-observation"), now);
        adopt(&t, "shannan-2022", 19222, "310115");
        adopt(&t, "covid-2021-v8", 19221, "310115"); /* told after it, in force before it */
        t.s.now = test_at("2022-08-18T09:00");
        assert_ok(plan_catch_up(t.l, &t.s, &applied, &err), err);
        assert_int_equal(due_of(&t, contact, "end-observation"), before);
        assert_ok(plan_catch_up(t.l, &t.s, &applied, &err), err);
        assert_int_equal(applied, 0);
        int64_t other = test_record(&t, "contact", "person", test_id(&t, test_record(&t, "person", "name", "李明")), "last_contact", "2022-08-14", "found_at", NOW);
        assert_int_equal(due_of(&t, other, "end-observation"), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_done_before_pays_what_a_plan_raises),
        cmocka_unit_test(a_plan_that_came_first_is_told),
        cmocka_unit_test(what_a_person_owes_once_is_owed_once_under_the_next_plan),
        cmocka_unit_test(a_plan_taken_back_leaves_what_was_owed),
        cmocka_unit_test(what_a_plan_asks_for_each_day_begins_today),
        cmocka_unit_test(a_plan_above_leaves_who_has_one_of_his_own),
        cmocka_unit_test(one_plan_is_in_force),
        cmocka_unit_test(facts_told_meanwhile_are_owed_for_as_if_told_before),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

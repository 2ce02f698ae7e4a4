/* The laws of the pure arithmetic of duties: days, make-up, lapses, escalations, standing rows. */
#include "check.h"

#include "base/digest.h"
#include "ledger/policy.h"

enum { ZONE = ZONE_CHINA_S, D0 = 19142 }; /* 2022-05-30 */

static struct field fields[] = {{.name = {"exposure", 8}, .type = FIELD_DATE},
                                {.name = {"found_at", 8}, .type = FIELD_INSTANT}};
static const struct register_decl stay = {.name = {"stay", 4}, .n_fields = 2, .fields = fields};
static const struct register_decl other = {.name = {"test", 4}, .n_fields = 2, .fields = fields};

static uint64_t days(int a, int b, int c, int d, int e) {
    int all[] = {a, b, c, d, e};
    uint64_t mask = 0;
    for (int i = 0; i < 5; i++)
        if (all[i] >= 0) mask |= (uint64_t)1 << all[i];
    return mask;
}

static struct duty_rule schedule(uint64_t mask) {
    return (struct duty_rule){.code = {"tests", 5},
                              .on = &stay,
                              .timing = TIMING_DAYS,
                              .from_field = 0,
                              .days = mask,
                              .due_time_s = DAY_S};
}

static struct duty raise_one(const struct duty_rule *r, day exposure, instant recorded_at, size_t *ret_n) {
    struct policy p = {.n_rules = 1, .rules = (struct duty_rule *)r};
    struct value v[2] = {exposure == DAY_MIN ? value_null() : value_int(exposure), value_null()};
    struct expr_scope s = {.values = v, .now = recorded_at, .today = day_of_instant(recorded_at, ZONE)};
    struct duty d[2] = {0};
    size_t n = policy_duties(&p, &stay, &s, recorded_at, ZONE, d, 2);
    if (ret_n) *ret_n = n;
    return d[0];
}

static instant at(day d, int h) {
    return instant_of_day(d, ZONE) + h * 3600;
}

static void nothing_is_owed_by_other_registers(void **state) {
    (void)state;
    struct duty_rule r = schedule(days(1, 2, 3, 5, 7));
    struct policy p = {.n_rules = 1, .rules = &r};
    struct value v[2] = {value_int(D0), value_null()};
    struct expr_scope s = {.values = v};
    struct duty d;
    assert_int_equal(policy_duties(&p, &other, &s, at(D0, 9), ZONE, &d, 1), 0);
    assert_int_equal(policy_duties(&p, &stay, &s, at(D0, 9), ZONE, &d, 0), 0);
    assert_int_equal(policy_duties(&p, &stay, &s, at(D0, 9), ZONE, &d, 1), 1);
}

static void a_schedule_counts_from_the_exposure(void **state) {
    (void)state;
    struct duty_rule r = schedule(days(1, 2, 3, 5, 7));
    struct duty d = raise_one(&r, D0, at(D0, 20), NULL);
    assert_int_equal(d.anchor, D0);
    assert_true(d.owed == days(1, 2, 3, 5, 7));
    assert_true(d.due_at == at(D0 + 2, 0)); /* the end of day 1 */
    assert_true(d.wake_at == d.due_at);
    /* exposure unknown: from the day it became known */
    d = raise_one(&r, DAY_MIN, at(D0 + 3, 1), NULL);
    assert_int_equal(d.anchor, D0 + 3);
}

/* 缺几天补几天 */
static void a_late_find_serves_the_missing_days_only(void **state) {
    (void)state;
    struct duty_rule r = schedule(days(1, 2, 3, 5, 7));
    struct duty d = raise_one(&r, D0, at(D0 + 3, 23), NULL);
    assert_true(d.owed == days(3, 5, 7, -1, -1));
    assert_true(d.paid == 0 && d.missed == 0);
    d = raise_one(&r, D0, at(D0 + 4, 0), NULL);
    assert_true(d.owed == days(5, 7, -1, -1, -1));
    /* past its end only the exit test is left, and it is late */
    size_t n = 0;
    d = raise_one(&r, D0, at(D0 + 200, 0), &n);
    assert_int_equal(n, 1);
    assert_true(d.owed == days(7, -1, -1, -1, -1));
    assert_true(d.due_at < at(D0 + 200, 0));
    assert_true(duty_pay(&r, &d, D0 + 200, ZONE));
    assert_false(duty_open(&d));
    /* a daily visit that is past is past */
    r.lapses = true;
    raise_one(&r, D0, at(D0 + 200, 0), &n);
    assert_int_equal(n, 0);
}

static void a_deadline_runs_from_its_field(void **state) {
    (void)state;
    struct duty_rule r = {.on = &stay,
                          .timing = TIMING_WITHIN,
                          .from_field = 1,
                          .within_s = 3 * 3600,
                          .n_escalations = 2,
                          .escalations = {{.after_s = 3600}, {.after_s = 3 * 3600}}};
    struct policy p = {.n_rules = 1, .rules = &r};
    struct value v[2] = {value_null(), value_int(at(D0, 9))};
    struct expr_scope s = {.values = v};
    struct duty d;
    assert_int_equal(policy_duties(&p, &stay, &s, at(D0, 11), ZONE, &d, 1), 1);
    assert_true(d.due_at == at(D0, 12) && d.wake_at == at(D0, 12));
    assert_int_equal(duty_wake(&r, &d, at(D0, 11), ZONE), 0);
    assert_true(d.wake_at == at(D0, 12));
    assert_int_equal(duty_wake(&r, &d, at(D0, 12), ZONE), 0); /* overdue, and not told upwards yet */
    assert_true(d.wake_at == at(D0, 13));
    assert_int_equal(duty_wake(&r, &d, at(D0, 13), ZONE), 1);
    assert_true(d.level == 1 && d.wake_at == at(D0, 15));
    assert_int_equal(duty_wake(&r, &d, at(D0 + 9, 0), ZONE), 1);
    assert_true(d.level == 2 && d.wake_at == INSTANT_NONE && duty_open(&d));
    assert_true(duty_pay(&r, &d, D0 - 400, ZONE)); /* any day */
    assert_false(duty_open(&d));
    assert_false(duty_pay(&r, &d, D0, ZONE));
}

static void a_day_can_be_made_up_unless_it_lapses(void **state) {
    (void)state;
    struct duty_rule r = schedule(days(1, 2, 3, 5, 7));
    struct duty d = raise_one(&r, D0, at(D0, 8), NULL);
    assert_false(duty_pay(&r, &d, D0, ZONE)); /* a test on the day of exposure pays nothing */
    assert_false(duty_pay(&r, &d, D0 - 5, ZONE));
    assert_true(duty_pay(&r, &d, D0 + 4, ZONE)); /* no test day: makes up the latest missed one */
    assert_true(d.paid == days(3, -1, -1, -1, -1));
    assert_true(duty_pay(&r, &d, D0 + 7, ZONE));
    assert_true(d.paid == days(3, 7, -1, -1, -1));
    assert_true(d.due_at == at(D0 + 2, 0)); /* day 1 is still owed */

    r.lapses = true;
    d = raise_one(&r, D0, at(D0, 8), NULL);
    assert_false(duty_pay(&r, &d, D0 + 4, ZONE));
    assert_int_equal(duty_wake(&r, &d, at(D0 + 3, 0) - 1, ZONE), 0);
    assert_int_equal(duty_wake(&r, &d, at(D0 + 3, 0), ZONE), 1); /* day 2 is due: day 1 is missed */
    assert_true(d.missed == days(1, -1, -1, -1, -1));
    assert_false(duty_pay(&r, &d, D0 + 1, ZONE));
    assert_true(duty_pay(&r, &d, D0 + 2, ZONE));
    assert_int_equal(duty_wake(&r, &d, at(D0 + 9, 0), ZONE), 3); /* the last slot has a day */
    assert_false(duty_open(&d));
    assert_true(d.wake_at == INSTANT_NONE);
}

static void another_slot_is_escalated_anew(void **state) {
    (void)state;
    struct duty_rule r = schedule(days(1, 2, -1, -1, -1));
    r.n_escalations = 1;
    r.escalations[0].after_s = 3600;
    struct duty d = raise_one(&r, D0, at(D0, 8), NULL);
    assert_int_equal(duty_wake(&r, &d, at(D0 + 2, 1), ZONE), 1);
    assert_int_equal(d.level, 1);
    assert_true(duty_pay(&r, &d, D0 + 1, ZONE));
    assert_int_equal(d.level, 0);
    assert_true(d.wake_at == at(D0 + 3, 0));
    assert_int_equal(duty_wake(&r, &d, at(D0 + 3, 1), ZONE), 1);
}

static void standing_rows_make_one_duty_a_day(void **state) {
    (void)state;
    struct duty_rule r = {.on = &stay, .timing = TIMING_DAILY, .from_field = -1, .due_time_s = 17 * 3600};
    struct duty standing =
        raise_one(&r, DAY_MIN, at(D0, 18), NULL); /* joined after the hour: begins tomorrow */
    assert_int_equal(standing.occurrence, -1);
    assert_true(standing.wake_at == at(D0 + 1, 0) && standing.due_at == at(D0 + 1, 17));
    standing = raise_one(&r, DAY_MIN, at(D0, 9), NULL);
    assert_true(standing.wake_at == at(D0, 0));
    struct duty o;
    assert_true(duty_daily(&r, &standing, at(D0, 9), ZONE, &o));
    assert_true(o.occurrence == D0 && o.anchor == D0 && o.due_at == at(D0, 17) && o.wake_at == at(D0, 17) &&
                duty_open(&o));
    assert_false(duty_daily(&r, &standing, at(D0 + 1, 0) - 1, ZONE, &o));
    int made = 0;
    while (duty_daily(&r, &standing, at(D0 + 3, 4), ZONE, &o)) assert_int_equal(o.occurrence, D0 + ++made);
    assert_int_equal(made, 3);
    assert_true(standing.wake_at == at(D0 + 4, 0));
    /* a report for another day does not pay this one */
    assert_false(duty_pay(&r, &o, D0 + 2, ZONE));
    assert_false(duty_pay(&r, &o, D0 + 4, ZONE));
    assert_true(duty_pay(&r, &o, D0 + 3, ZONE));
    /* nothing pays, wakes or lapses the standing row itself */
    struct duty before = standing;
    assert_false(duty_pay(&r, &standing, D0 + 4, ZONE));
    assert_int_equal(duty_wake(&r, &standing, at(D0 + 100, 0), ZONE), 0);
    assert_memory_equal(&before, &standing, sizeof before);
    standing.wake_at = INSTANT_NONE;
    assert_false(duty_daily(&r, &standing, at(D0 + 100, 0), ZONE, &o));
}

/* ---- laws over random rules and lives */

static struct duty_rule random_rule(struct rng *r) {
    struct duty_rule rule =
        schedule(rng_u64(r) & rng_u64(r) & (((uint64_t)1 << (1 + rng_below(r, DUTY_DAYS_MAX))) - 1));
    if (!rule.days) rule.days = 2;
    rule.lapses = rng_below(r, 2);
    rule.due_time_s = rng_below(r, 2) ? DAY_S : 17 * 3600;
    rule.n_escalations = rng_below(r, 4);
    for (size_t i = 0; i < rule.n_escalations; i++)
        rule.escalations[i].after_s = (int64_t)(i * 3 + rng_below(r, 3)) * 3600;
    return rule;
}

static void conserved(const struct duty *d, uint64_t owed) {
    uint64_t open = d->owed & ~d->paid & ~d->missed;
    assert_true(d->owed == owed);
    assert_true((d->paid & d->missed) == 0);
    assert_true((d->paid | d->missed | open) == d->owed);
    assert_int_equal(__builtin_popcountll(d->owed), __builtin_popcountll(d->paid) +
                                                        __builtin_popcountll(d->missed) +
                                                        __builtin_popcountll(open));
    assert_true(duty_open(d) == (open != 0));
    if (!open) assert_true(d->wake_at == INSTANT_NONE);
}

static void owed_is_paid_missed_or_open(void **state) {
    (void)state;
    struct rng r;
    rng_seed(&r, 7);
    for (int life = 0; life < 4000; life++) {
        struct duty_rule rule = random_rule(&r);
        size_t n = 0;
        struct duty d = raise_one(&rule, D0, at(D0 + (day)rng_below(&r, 20), 8), &n), again;
        if (!n) continue;
        again = raise_one(&rule, D0, d.raised_at, &n);
        assert_memory_equal(&d, &again, sizeof d); /* the same fact obliges the same */
        uint64_t owed = d.owed;
        assert_true((owed & ~rule.days) == 0);
        instant now = d.raised_at;
        for (int step = 0; step < 80; step++) {
            now += (instant)rng_below(&r, DAY_S);
            uint64_t left = d.owed & ~d.paid & ~d.missed;
            if (rng_below(&r, 2)) {
                bool paid = duty_pay(&rule, &d, day_of_instant(now, ZONE) - (day)rng_below(&r, 2), ZONE);
                assert_int_equal(__builtin_popcountll(left & ~(d.owed & ~d.paid & ~d.missed)), paid);
            } else {
                duty_wake(&rule, &d, now, ZONE);
                struct duty twice = d;
                assert_int_equal(duty_wake(&rule, &twice, now, ZONE), 0); /* waking twice is waking once */
                assert_memory_equal(&d, &twice, sizeof d);
                if (d.wake_at != INSTANT_NONE) assert_true(d.wake_at > now);
            }
            assert_true(((d.owed & ~d.paid & ~d.missed) & ~left) ==
                        0); /* what was settled is not owed again */
            conserved(&d, owed);
        }
    }
}

static void the_order_of_facts_does_not_matter(void **state) {
    (void)state;
    struct rng r;
    rng_seed(&r, 11);
    for (int life = 0; life < 4000; life++) {
        struct duty_rule rule = random_rule(&r);
        struct duty a = raise_one(&rule, D0, at(D0, 8), NULL), b = a;
        day facts[12];
        size_t n = 1 + rng_below(&r, 12);
        day from = D0 + (day)rng_below(&r, 4);
        for (size_t i = 0; i < n; i++) facts[i] = from += 1 + (day)rng_below(&r, 4); /* distinct days */
        for (size_t i = 0; i < n; i++) duty_pay(&rule, &a, facts[i], ZONE);
        for (size_t i = n; i > 1; i--) {
            size_t k = rng_below(&r, i);
            day t = facts[i - 1];
            facts[i - 1] = facts[k];
            facts[k] = t;
        }
        for (size_t i = 0; i < n; i++) duty_pay(&rule, &b, facts[i], ZONE);
        assert_true(a.paid == b.paid);
        assert_true(a.due_at == b.due_at || !duty_open(&a));
    }
}

static void how_often_the_scheduler_looks_does_not_matter(void **state) {
    (void)state;
    struct rng r;
    rng_seed(&r, 13);
    for (int life = 0; life < 2000; life++) {
        struct duty_rule rule = random_rule(&r);
        struct duty once = raise_one(&rule, D0, at(D0, 8), NULL), often = once;
        instant end = at(D0 + (day)rng_below(&r, 80), 3);
        int happened = duty_wake(&rule, &once, end, ZONE), sum = 0;
        while (often.wake_at != INSTANT_NONE && often.wake_at <= end)
            sum += duty_wake(&rule, &often, often.wake_at, ZONE);
        sum += duty_wake(&rule, &often, end, ZONE);
        assert_int_equal(happened, sum);
        assert_memory_equal(&once, &often, sizeof once);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_owed_by_other_registers),
        cmocka_unit_test(a_schedule_counts_from_the_exposure),
        cmocka_unit_test(a_late_find_serves_the_missing_days_only),
        cmocka_unit_test(a_deadline_runs_from_its_field),
        cmocka_unit_test(a_day_can_be_made_up_unless_it_lapses),
        cmocka_unit_test(another_slot_is_escalated_anew),
        cmocka_unit_test(standing_rows_make_one_duty_a_day),
        cmocka_unit_test(owed_is_paid_missed_or_open),
        cmocka_unit_test(the_order_of_facts_does_not_matter),
        cmocka_unit_test(how_often_the_scheduler_looks_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

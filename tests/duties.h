/* Duties that are counted are what a look at every one of them counts: whoever asks, at whatever moment, for whatever part; and the counters are what the duties say.
 * `test_ledger_law = duties_agree` in main holds every ledger of the program to it before it is dropped. */
#ifndef TOCSIN_TESTS_DUTIES_H
#define TOCSIN_TESTS_DUTIES_H

#include "ledgers.h"

#include "desks/duty.h"
#include "ledger/tally.h"

enum { LINES_MAX = 4000, MOMENTS = 3 };
struct duty_line {
    char *group;
    struct duty_count n;
};
struct duty_lines {
    struct duty_line list[LINES_MAX];
    size_t n;
};

static inline void duty_line_add(struct test_ledger *t, struct duty_lines *x, const char *group, const struct duty_count *n) {
    size_t i = 0;
    while (i < x->n && strcmp(x->list[i].group, group) != 0) i++;
    assert_true(i < LINES_MAX);
    if (i == x->n) x->list[x->n++] = (struct duty_line){.group = arena_str(&t->a, group)};
    struct duty_count *to = &x->list[i].n;
    to->open += n->open, to->due_1h += n->due_1h, to->overdue += n->overdue, to->without_owner += n->without_owner, to->escalated += n->escalated;
    to->paid += n->paid, to->paid_late += n->paid_late, to->lapsed += n->lapsed, to->cancelled += n->cancelled;
}

static inline bool duty_is_of(const struct obligation *o, const struct session *s, const struct duty_filter *f) {
    bool seen = false;
    for (size_t i = 0; i < s->n_grants; i++) seen = seen || region_within(o->region, s->grants[i].region);
    return seen && (!f->region.n || region_within(o->region, f->region)) && (!f->rule.n || text_eq(f->rule, o->rule)) && (!f->desk.n || text_eq(f->desk, o->desk)) &&
           (!f->reg.n || text_eq(f->reg, o->reg)) && (!f->owner || f->owner == o->owner) && (!f->without_owner || o->owner_kind == OWNER_NONE);
}

static inline struct duty_count duty_counts_as(const struct obligation *o, instant now) {
    bool open = text_is(o->state, "open"), timed = open && o->duty.due_at != INSTANT_NONE, paid = text_is(o->state, "paid");
    return (struct duty_count){.open = open, .due_1h = timed && o->duty.due_at >= now && o->duty.due_at <= now + 3600, .overdue = timed && o->duty.due_at < now,
                               .without_owner = open && o->owner_kind == OWNER_NONE, .escalated = open && o->duty.level > 0, .paid = paid, .paid_late = paid && o->late,
                               .lapsed = text_is(o->state, "lapsed"), .cancelled = text_is(o->state, "cancelled")};
}

/* One look at all: groups "r rule", "o party" and "p region". */
static inline void duties_looked_at(struct test_ledger *t, const struct session *s, const struct duty_filter *f, struct duty_lines *ret) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    ret->n = 0;
    assert_ok(db_query(t->l->db, arena_printf(&t->a, "SELECT %s FROM \"obligation\"", obligation_columns), NULL, 0, &c, &err), err);
    while (db_next(c, &row, &err) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        if (text_is(o.state, "standing") || !duty_is_of(&o, s, f)) continue;
        struct duty_count n = duty_counts_as(&o, s->now);
        struct text whose = o.owner ? TEXT("") : o.owner_region;
        char group[200];
        snprintf(group, sizeof group, "r %.*s %.*s %.*s", (int)o.desk.n, o.desk.s, (int)o.rule.n, o.rule.s, (int)o.reg.n, o.reg.s);
        duty_line_add(t, ret, group, &n);
        snprintf(group, sizeof group, "o %d %lld %.*s", o.owner_kind, (long long)o.owner, (int)whose.n, whose.s);
        duty_line_add(t, ret, group, &n);
        snprintf(group, sizeof group, "p %.*s", (int)o.region.n, o.region.s);
        duty_line_add(t, ret, group, &n);
    }
    db_cursor_close(c);
}

static inline void duties_counted(struct test_ledger *t, const struct session *s, const struct duty_filter *f, struct duty_lines *ret) {
    struct error err = {0};
    struct duty_summary sum;
    struct duty_owners owners;
    struct duty_regions regions;
    char group[200];
    ret->n = 0;
    assert_ok(duty_summarise(t->l, NULL, s, f, &sum, &err), err);
    for (size_t i = 0; i < sum.n; i++) {
        const struct duty_count *n = &sum.rules[i];
        snprintf(group, sizeof group, "r %.*s %.*s %.*s", (int)n->desk.n, n->desk.s, (int)n->rule.n, n->rule.s, (int)n->reg.n, n->reg.s);
        duty_line_add(t, ret, group, n);
    }
    duty_summary_clear(&sum);
    assert_ok(duty_by_owner(t->l, NULL, s, f, &owners, &err), err);
    for (size_t i = 0; i < owners.n; i++) {
        const struct duty_owner *o = &owners.list[i];
        snprintf(group, sizeof group, "o %d %lld %.*s", o->kind, (long long)o->owner, (int)o->region.n, o->region.s);
        duty_line_add(t, ret, group, &o->count);
    }
    duty_owners_clear(&owners);
    assert_ok(duty_by_region(t->l, NULL, s, f, 9, &regions, &err), err);
    for (size_t i = 0; i < regions.n; i++) {
        snprintf(group, sizeof group, "p %.*s", (int)regions.list[i].region.n, regions.list[i].region.s);
        duty_line_add(t, ret, group, &regions.list[i].count);
    }
    duty_regions_clear(&regions);
}

static inline int duty_line_cmp(const void *a, const void *b) {
    return strcmp(((const struct duty_line *)a)->group, ((const struct duty_line *)b)->group);
}

static inline void duties_agree_for(struct test_ledger *t, const struct session *s, const struct duty_filter *f) {
    static struct duty_lines looked, counted;
    duties_looked_at(t, s, f, &looked);
    duties_counted(t, s, f, &counted);
    qsort(looked.list, looked.n, sizeof *looked.list, duty_line_cmp);
    qsort(counted.list, counted.n, sizeof *counted.list, duty_line_cmp);
    for (size_t i = 0; i < looked.n || i < counted.n; i++) {
        const struct duty_line *a = i < looked.n ? &looked.list[i] : NULL, *b = i < counted.n ? &counted.list[i] : NULL;
        const struct duty_count none = {0}, *x = a ? &a->n : &none, *y = b ? &b->n : &none;
        bool same = a && b && strcmp(a->group, b->group) == 0 && x->open == y->open && x->due_1h == y->due_1h && x->overdue == y->overdue && x->without_owner == y->without_owner &&
                    x->escalated == y->escalated && x->paid == y->paid && x->paid_late == y->paid_late && x->lapsed == y->lapsed && x->cancelled == y->cancelled;
        if (!same)
            fail_msg("at %lld: looked at (%s) open %lld soon %lld overdue %lld escalated %lld paid %lld late %lld, counted (%s) %lld %lld %lld %lld %lld %lld", (long long)s->now, a ? a->group : "-",
                     (long long)x->open, (long long)x->due_1h, (long long)x->overdue, (long long)x->escalated, (long long)x->paid, (long long)x->paid_late, b ? b->group : "-", (long long)y->open,
                     (long long)y->due_1h, (long long)y->overdue, (long long)y->escalated, (long long)y->paid, (long long)y->paid_late);
    }
}

/* Around the deadlines of some that are there, by whoever may see all, and by who may see a part. */
static inline void duties_agree(struct test_ledger *t) {
    struct error err = {0};
    int64_t differs = -1;
    assert_ok(tally_differs(t->l, t->l->db, &differs, &err), err);
    assert_int_equal(differs, 0);
    struct value region = value_null(), due = value_null(), owner = value_null();
    assert_ok(db_scalar(t->l->db, &t->a, "SELECT MAX(\"region\") FROM \"duty\"", NULL, 0, &region, &err), err);
    assert_ok(db_scalar(t->l->db, &t->a, "SELECT MIN(\"owner\") FROM \"duty\"", NULL, 0, &owner, &err), err);
    const struct text part = value_view(region);
    struct grant all = {.role = TEXT("tracer"), .region = TEXT("31")}, one = {.role = TEXT("tracer"), .region = part};
    struct grant two[] = {{.role = TEXT("tracer"), .region = part}, {.role = TEXT("nurse"), .region = TEXT("310115001")}}, none = {.role = TEXT("tracer"), .region = TEXT("52")};
    struct session root = {.account = TEXT("all"), .n_grants = 1, .grants = &all, .now = t->s.now}, sessions[] = {root, root, root, root};
    sessions[1].grants = &one;
    sessions[2].grants = two, sessions[2].n_grants = 2;
    sessions[3].grants = &none;
    const struct duty_filter any = {0}, filters[] = {{.rule = TEXT("place-contact")}, {.desk = TEXT("tracing"), .region = TEXT("310115")}, {.reg = TEXT("contact")}, {.without_owner = true}, {.owner = value_int_or(owner, 1)}, {.region = part}};
    for (size_t i = 0; i < 4; i++) duties_agree_for(t, &sessions[i], &any);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) duties_agree_for(t, &root, &filters[i]);
    instant after = DAY_S;
    for (int i = 0; i < MOMENTS; i++) {
        struct value from = value_int(after);
        assert_ok(db_scalar(t->l->db, &t->a, "SELECT MIN(\"due_at\") FROM \"duty\" WHERE \"state\" = 0 AND \"due_at\" > ?1", &from, 1, &due, &err), err);
        if (due.kind != VALUE_INT) break;
        after = due.i;
        const instant moments[] = {due.i, due.i + 1, due.i - 3600, due.i - 3601, due.i - 3000};
        for (size_t k = 0; k < sizeof moments / sizeof *moments; k++) {
            root.now = moments[k];
            duties_agree_for(t, &root, &any);
        }
    }
}

#endif

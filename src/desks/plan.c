#include "desks/plan.h"

#include <string.h>

#include "desks/plan_pass.h"

int plan_count(struct pass *p, enum plan_effect effect, struct text rule) {
    struct plan_diff *d = p->diff;
    d->total[effect]++;
    for (size_t i = 0; i < d->n; i++)
        if (text_eq(d->rules[i].rule, rule)) {
            d->rules[i].n[effect]++;
            return 0;
        }
    struct plan_count *list = arena_alloc(&d->arena, (d->n + 1) * sizeof *list);
    if (!list) return error_memory(p->err);
    if (d->n) memcpy(list, d->rules, d->n * sizeof *list);
    list[d->n] = (struct plan_count){.rule = arena_text(&d->arena, rule)};
    list[d->n].n[effect] = 1;
    d->rules = list;
    d->n++;
    return 0;
}

static int tell(struct pass *p, enum plan_effect effect, const struct record *r, int64_t holder, struct text rule, instant was, instant will) {
    if (p->work) return 0; /* counted when it is written */
    int rc = plan_count(p, effect, rule);
    if (rc < 0 || !p->visit) return rc;
    struct plan_change c = {.effect = effect, .reg = r->reg, .record = r->id, .holder = holder, .region = r->region, .number = r->number,
                            .rule = rule, .old_due = was, .new_due = will};
    return p->visit(&c, p->arg);
}

static int push(struct pass *p, struct obligation *o, enum plan_effect effect, instant woke, bool insert, bool raised) {
    struct plan_work *w = p->work;
    if (!mem_room(&w->list, &w->cap, w->n + 1, sizeof *w->list)) return error_memory(p->err);
    w->list[w->n++] = (struct planned){.o = o, .effect = effect, .woke = woke, .insert = insert, .raised = raised};
    return 0;
}

/* The record itself is what pays or cancels the duty: a stay that was released already owes no release. */
static bool settled(const struct fact_match *list, size_t n, const struct record *r, const struct expr_scope *scope) {
    for (size_t i = 0; i < n; i++)
        if (list[i].by == FACT_BY_SELF && list[i].reg == r->reg && (!list[i].when || expr_eval(list[i].when, scope) == TRUTH_TRUE)) return true;
    return false;
}

/* Days paid or missed stay so when the days are counted from another one, also where the new plan asks for nothing that day. */
static void carry(const struct duty_rule *rule, struct duty *d, const struct duty *wanted, int32_t zone_s) {
    int shift = wanted->anchor - d->anchor;
    uint64_t paid = d->paid, missed = d->missed;
    if (shift > 0) {
        paid = shift < 64 ? paid >> shift : 0;
        missed = shift < 64 ? missed >> shift : 0;
    } else if (shift < 0) {
        paid = -shift < 64 ? paid << -shift : 0;
        missed = -shift < 64 ? missed << -shift : 0;
    }
    d->anchor = wanted->anchor;
    d->owed = wanted->owed | paid | missed;
    d->paid = paid;
    d->missed = missed;
    duty_settle(rule, d, zone_s);
}

/* What is owed each day begins today; tomorrow, when its hour is past. */
static void stand_from_today(const struct duty_rule *rule, struct duty *d, instant now, int32_t zone_s) {
    day today = day_of_instant(now, zone_s);
    if (d->anchor >= today) return;
    d->anchor = now < instant_of_day(today, zone_s) + rule->due_time_s ? today : today + 1;
    d->wake_at = instant_of_day(d->anchor, zone_s);
    d->due_at = instant_of_day(d->anchor + duty_window(rule) - 1, zone_s) + rule->due_time_s;
}

/* back: the row of a duty that a plan before took back. What was owed then is owed again, late or not. */
int plan_gain(struct pass *p, const struct record *r, int64_t holder, const struct duty *wanted, const struct owner *owner, struct obligation *back) {
    const struct duty_rule *rule = &p->to->rules[wanted->rule];
    struct duty d = *wanted;
    if (back && rule->timing == TIMING_DAYS) {
        d = back->duty;
        d.rule = wanted->rule;
        carry(rule, &d, wanted, p->l->zone_s);
    }
    /* a new plan does not make old omissions overdue at once, nor ask for the days before it */
    if (!back && rule->timing == TIMING_WITHIN && d.due_at < p->s->now) return 0;
    if (d.occurrence == -1) stand_from_today(rule, &d, p->s->now, p->l->zone_s);
    if (!duty_open(&d) && d.occurrence != -1) return 0;
    int rc = tell(p, PLAN_GAIN, r, holder, rule->code, INSTANT_NONE, d.due_at);
    if (rc < 0 || !p->work) return rc;
    struct arena *kept = &p->work->arena;
    struct obligation *o = back ? back : arena_alloc(kept, sizeof *o);
    if (!o) return error_memory(p->err);
    if (!back)
        *o = (struct obligation){.region = arena_text(kept, r->region), .rule = rule->code, .reg = r->reg->name, .holder = holder, .record = r->id};
    o->desk = rule->desk;
    o->state = d.occurrence == -1 ? TEXT("standing") : TEXT("open");
    o->closed_at = INSTANT_NONE;
    o->duty = d;
    if (!back || o->owner_step != OWNER_STEP_HANDED) {
        o->owner = owner->id, o->owner_kind = owner->kind, o->owner_step = owner->step;
        o->owner_region = text_eq(owner->region, o->region) ? o->region : arena_text(kept, owner->region);
    }
    if (!o->region.s || !o->owner_region.s) return error_memory(p->err);
    return push(p, o, PLAN_GAIN, INSTANT_NONE, !back, true);
}

int plan_keep(struct pass *p, const struct record *r, struct obligation *o, const struct duty *wanted) {
    const struct duty_rule *rule = &p->to->rules[wanted->rule];
    instant was = o->duty.due_at, woke = o->duty.wake_at;
    enum plan_effect effect = PLAN_EFFECTS;
    int level = o->duty.level;
    if (rule->timing == TIMING_DAYS) {
        carry(rule, &o->duty, wanted, p->l->zone_s);
    } else if (rule->timing == TIMING_WITHIN) {
        o->duty.due_at = wanted->due_at;
    }
    if (o->duty.occurrence == -1) { /* it goes on from the day it has come to, at the hour of the new plan */
        o->duty.due_at = o->duty.wake_at + (rule->every > 1 ? rule->every - 1 : 0) * (int64_t)86400 + rule->due_time_s;
    } else if (rule->timing == TIMING_WITHIN) {
        o->duty.wake_at = wanted->wake_at;
    } else if (rule->timing != TIMING_DAYS) {
        duty_settle(rule, &o->duty, p->l->zone_s);
    }
    o->duty.level = level;
    instant will = duty_open(&o->duty) || o->duty.occurrence == -1 ? o->duty.due_at : INSTANT_NONE;
    if (will != was && o->duty.occurrence == 0) effect = will == INSTANT_NONE ? PLAN_LOSE : will < was ? PLAN_SOONER : PLAN_LATER;
    int rc = effect == PLAN_EFFECTS ? 0 : tell(p, effect, r, o->holder, o->rule, was, will);
    if (rc < 0 || !p->work) return rc;
    if (will == INSTANT_NONE) {
        o->state = o->duty.missed ? TEXT("lapsed") : TEXT("paid");
        o->closed_at = p->s->now;
        o->duty.wake_at = INSTANT_NONE;
    }
    o->desk = rule->desk;
    return push(p, o, effect, woke, false, false);
}

int plan_lose(struct pass *p, const struct record *r, struct obligation *o) {
    instant woke = o->duty.wake_at;
    int rc = tell(p, PLAN_LOSE, r, o->holder, o->rule, o->duty.due_at, INSTANT_NONE);
    if (rc < 0 || !p->work) return rc;
    int rule = policy_rule(p->to, o->rule); /* it may have it for others */
    if (rule >= 0) o->desk = p->to->rules[rule].desk;
    o->state = TEXT("cancelled");
    o->closed_at = p->s->now;
    o->duty.wake_at = INSTANT_NONE;
    return push(p, o, PLAN_LOSE, woke, false, false);
}

/* Does the plan that a closed duty stands under ask for it still? Then a fact cancelled it, and not a plan. */
static bool asked_then(const struct pass *p, const struct record *r, const struct expr_scope *scope, const struct duty_kind *kind) {
    const struct adoption *a = ledger_adoption(p->l, kind->pack);
    struct duty then[RULES_MAX];
    size_t n = a ? policy_duties(a->policy, r->reg, scope, r->created_at, p->l->zone_s, then, RULES_MAX) : 0;
    for (size_t i = 0; i < n; i++)
        if (text_eq(a->policy->rules[then[i].rule].code, kind->rule)) return true;
    return !a;
}

/* A duty of the record that is open, or that its plan took back; wanted: what the new plan makes of it, NULL nothing. *ret_back: it may be owed again. */
static int look_at_duty(struct pass *p, const struct record *r, const struct expr_scope *scope, const struct duty_kind *kind, struct obligation *o, const struct duty *wanted,
                        struct obligation **ret_back) {
    int rule = wanted ? wanted->rule : policy_rule(p->to, kind->rule);
    struct once *x = NULL;
    bool mine = false;
    if (text_is(o->state, "cancelled")) {
        if (wanted && o->duty.occurrence <= 0 && !asked_then(p, r, scope, kind)) *ret_back = o;
        return 0;
    }
    int rc = rule >= 0 && o->duty.occurrence <= 0 ? once_of(p, r, rule, &x) : 0;
    if (!rc && x) rc = once_owed(p, x, r, o, &mine);
    if (rc < 0 || mine) return rc;
    if (wanted) return plan_keep(p, r, o, wanted);
    return o->duty.occurrence <= 0 ? plan_lose(p, r, o) : 0;
}

/* What the new plan asks of the record, and nobody owes by it yet (known: somebody does, or did). */
static int look_at_wish(struct pass *p, const struct record *r, const struct expr_scope *scope, const struct duty *wanted, bool known, struct obligation *back) {
    const struct duty_rule *rule = &p->to->rules[wanted->rule];
    bool stands = false, may = !known && !settled(rule->pays, rule->n_pays, r, scope) && !settled(rule->cancels, rule->n_cancels, r, scope);
    struct once *x = NULL;
    struct owner owner;
    int rc = once_of(p, r, wanted->rule, &x);
    if (!rc && may) rc = book_region_stands(p->l, rule, r, &stands, p->err);
    may = may && !stands;
    if (!rc && may) rc = owner_resolve(p->l, rule->owners, rule->n_owners, r, &owner, p->err);
    if (rc < 0) return rc;
    if (x) return once_wanted(p, x, r, wanted, may ? &owner : NULL, back);
    return may ? plan_gain(p, r, obligation_holder(r), wanted, &owner, back) : 0;
}

/* A region below with a plan of its own: the nearest up the tree is in force there, whatever is adopted above it. */
static bool has_own_plan(const struct pass *p, const struct record *r) {
    const struct adoption *a = r->region.n > p->region.n ? ledger_policy(p->l, p->to->disease, r->region, day_of_instant(p->s->now, p->l->zone_s)) : NULL;
    return a && a->region.n > p->region.n;
}

/* What it owes stays as it is; of what its person owes once, it speaks for the person's other records too. */
static int leave(struct pass *p, const struct record *r) {
    const struct duty_roll *roll = p->roll;
    int rc = 0;
    for (; !rc && p->at < roll->n && roll->list[p->at].record == r->id; p->at++) {
        int rule = policy_rule(p->to, roll->kinds[roll->list[p->at].kind].rule);
        struct once *x = NULL;
        if (rule >= 0) rc = once_of(p, r, rule, &x);
        if (x) x->settled = true;
    }
    return rc;
}

int plan_look(const struct record *r, void *arg) {
    struct pass *p = arg;
    struct duty wanted[RULES_MAX];
    bool seen[RULES_MAX] = {false};
    struct obligation *back[RULES_MAX] = {NULL};
    if (p->work) p->work->records++;
    else p->diff->records++;
    struct value disease = record_cell(r, "disease");
    bool ours = !value_given(disease) || text_eq(value_view(disease), p->to->disease);
    struct expr_scope scope = record_scope(p->l, p->s->now, r);
    /* without a disease of its own it stands where its duties are: under the plan of another disease, when they are there */
    bool unnamed = r->reg->person_field >= 0 && !value_given(disease), elsewhere = false;
    size_t n = ours ? policy_duties(p->to, r->reg, &scope, r->created_at, p->l->zone_s, wanted, RULES_MAX) : 0;
    int rc = 0;
    const struct duty_roll *roll = p->roll;
    while (p->at < roll->n && roll->list[p->at].record < r->id) p->at++;
    if (has_own_plan(p, r)) return leave(p, r);
    for (; !rc && p->at < roll->n && roll->list[p->at].record == r->id; p->at++) {
        const struct roll_entry *e = &roll->list[p->at];
        const struct duty_kind *kind = &roll->kinds[e->kind];
        const struct adoption *a = ledger_adoption(p->l, kind->pack);
        bool other = a && !text_eq(a->disease, p->to->disease);
        elsewhere = elsewhere || (unnamed && other);
        struct obligation *again = NULL;
        struct once *x = NULL;
        size_t w = 0;
        while (w < n && !text_eq(p->to->rules[wanted[w].rule].code, kind->rule)) w++;
        if (!other && e->open != ROLL_CLOSED) rc = look_at_duty(p, r, &scope, kind, &roll->open[e->open], w < n ? &wanted[w] : NULL, &again);
        int rule = other || e->open != ROLL_CLOSED ? -1 : policy_rule(p->to, kind->rule);
        if (!rc && rule >= 0) rc = once_of(p, r, rule, &x);
        if (x) x->settled = true;
        if (w < n && again) back[w] = again;
        else if (w < n) seen[w] = true;
    }
    for (size_t w = 0; !rc && w < n; w++) rc = look_at_wish(p, r, &scope, &wanted[w], elsewhere || seen[w], seen[w] ? NULL : back[w]);
    return rc;
}


static bool rules_on(const struct policy *p, const struct register_decl *reg) {
    for (size_t i = 0; p && i < p->n_rules; i++)
        if (p->rules[i].on == reg) return true;
    return false;
}

void plan_diff_clear(struct plan_diff *d) {
    arena_clear(&d->arena);
    *d = (struct plan_diff){0};
}

bool plan_concerns(const struct pass *p, const struct register_decl *reg) {
    return rules_on(p->to, reg) || (p->now && rules_on(p->now->policy, reg));
}

int plan_run(struct pass *p) {
    const struct catalog *c = p->l->catalog;
    const struct record_filter f = {.region = p->region};
    p->now = ledger_policy(p->l, p->to->disease, p->region, day_of_instant(p->s->now, p->l->zone_s));
    duty_roll_clear(p->roll);
    int rc = duty_roll_region(p->db, p->region, p->roll, p->err);
    for (size_t i = 0; !rc && i < c->n_registers; i++) {
        p->at = 0;
        if (!plan_concerns(p, &c->registers[i])) continue;
        rc = once_begin(p, &c->registers[i]);
        if (!rc) rc = record_list(p->l, p->db, p->s, &c->registers[i], &f, plan_look, p, p->err);
        if (!rc) rc = once_finish(p);
    }
    return rc;
}

int plan_compare(struct ledger *l, struct db *db, const struct session *s, const struct policy *to, struct text region,
                 int (*visit)(const struct plan_change *c, void *arg), void *arg, struct plan_diff *ret, struct error *err) {
    struct plan_diff d = {0};
    struct duty_roll roll = {0};
    struct pass p = {.l = l, .db = db ? db : l->db, .s = s, .to = to, .region = region.n ? region : l->region, .diff = &d, .visit = visit, .arg = arg, .roll = &roll, .err = err};
    int rc = plan_run(&p);
    pass_clear(&p);
    duty_roll_clear(&roll);
    if (!l->in_transaction) book_reset(l); /* what was looked at is true of now only */
    if (rc) {
        plan_diff_clear(&d);
        return rc;
    }
    *ret = d;
    return 0;
}

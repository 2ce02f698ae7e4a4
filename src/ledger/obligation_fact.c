/* What a recorded fact does to the books: raises its own duties, pays and cancels those it concerns, guards states. */
#include <stdio.h>
#include <string.h>

#include "ledger/book.h"
#include "ledger/record_peek.h"
#include "ledger/table.h"

enum { RULES_MAX = 64, HOLDERS_MAX = 12 };

static bool has_match(const struct fact_match *m, size_t n, const struct register_decl *reg) {
    for (size_t i = 0; i < n; i++)
        if (m[i].reg == reg) return true;
    return false;
}

bool book_concerns(const struct ledger *l, const struct register_decl *reg) {
    for (size_t a = 0; a < l->n_adoptions; a++) {
        const struct policy *p = l->adoptions[a].policy;
        for (size_t i = 0; p && i < p->n_rules; i++) {
            const struct duty_rule *rule = &p->rules[i];
            if (rule->on == reg || rule->guard_reg == reg || has_match(rule->pays, rule->n_pays, reg) ||
                has_match(rule->cancels, rule->n_cancels, reg))
                return true;
        }
    }
    return false;
}

static size_t add_holder(int64_t *out, size_t n, size_t max, int64_t h) {
    if (!h || n >= max) return n;
    for (size_t i = 0; i < n; i++)
        if (out[i] == h) return n;
    out[n] = h;
    return n + 1;
}

static void tie(struct book_ties *t, const struct fact_match *m, size_t n, const struct register_decl *reg, bool pays) {
    for (size_t k = 0; k < n; k++) {
        if (m[k].reg != reg) continue;
        if (m[k].by >= 0) t->fields |= (uint64_t)1 << (m[k].by < 63 ? m[k].by : 63);
        t->region = t->region || (pays && m[k].by == FACT_BY_REGION);
    }
}

/* By what a record of this register is tied to what others owe, under any plan. NULL when out of memory. */
static const struct book_ties *ties_of(struct ledger *l, const struct register_decl *reg) {
    struct obligation_book *b = l->book;
    book_memos_check(l);
    if (!b->ties && !(b->ties = mem_alloc((l->catalog->n_registers + 1) * sizeof *b->ties))) return NULL;
    struct book_ties *t = &b->ties[reg->order];
    for (size_t a = 0; !t->known && a < l->n_adoptions; a++) {
        const struct policy *p = l->adoptions[a].policy;
        for (size_t i = 0; p && i < p->n_rules; i++) {
            tie(t, p->rules[i].pays, p->rules[i].n_pays, reg, true);
            tie(t, p->rules[i].cancels, p->rules[i].n_cancels, reg, false);
        }
    }
    t->known = true;
    return t;
}

/* Duties that an adoption raised for its region are paid by records of that region. */
static size_t add_adoptions(const struct ledger *l, const struct record *r, int64_t *out, size_t n, size_t max) {
    for (size_t a = 0; a < l->n_adoptions; a++) {
        const struct policy *p = l->adoptions[a].policy;
        if (!text_eq(l->adoptions[a].region, r->region)) continue;
        for (size_t i = 0; i < p->n_rules; i++)
            for (size_t k = 0; k < p->rules[i].n_pays; k++)
                if (p->rules[i].pays[k].reg == r->reg && p->rules[i].pays[k].by == FACT_BY_REGION) n = add_holder(out, n, max, l->adoptions[a].id);
    }
    return n;
}

size_t book_holders(struct ledger *l, const struct record *r, int64_t *out, size_t max, int *ret_rc, struct error *err) {
    size_t n = 0;
    *ret_rc = 0;
    n = add_holder(out, n, max, obligation_holder(r));
    n = add_holder(out, n, max, r->id);
    const struct book_ties *ties = ties_of(l, r->reg);
    if (!ties) {
        *ret_rc = error_memory(err);
        return n;
    }
    if (ties->region) n = add_adoptions(l, r, out, n, max);
    const struct reg_table *t = l->tables[r->reg->order];
    for (size_t k = 0; k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if ((int)i == r->reg->holder_field || r->values[i].kind != VALUE_INT) continue;
        const struct register_decl *target = t->targets[i];
        if (!target) continue;
        if (target->holder_field < 0) {
            if (ties->fields >> (i < 63 ? i : 63) & 1) n = add_holder(out, n, max, r->values[i].i);
            continue;
        }
        /* the person behind it, unless this very record names one: then the referenced record has the same */
        if (r->reg->holder_field >= 0 && value_int_or(r->values[r->reg->holder_field], 0)) continue;
        const struct record *other = NULL;
        int rc = record_peek(l, target, r->values[i].i, &other, err);
        if (rc < 0) {
            *ret_rc = rc;
            return n;
        }
        if (other) n = add_holder(out, n, max, obligation_holder(other));
    }
    return n;
}

/* The state that follows from the masks. */
void book_close_if_done(struct obligation *o, instant now) {
    if (duty_open(&o->duty)) {
        o->state = TEXT("open");
        o->closed_at = INSTANT_NONE;
        return;
    }
    o->state = o->duty.missed ? TEXT("lapsed") : TEXT("paid");
    o->closed_at = now > o->duty.raised_at ? now : o->duty.raised_at; /* a fact told before the duty was raised */
    o->duty.wake_at = INSTANT_NONE;
}

static void anew(struct ledger *l, struct book_row *row, bool redo) {
    row->anew = true;
    row->redo = row->redo || redo;
    l->book->anew = true;
}

static void cancel(struct ledger *l, struct obligation *o, instant now) {
    o->state = TEXT("cancelled");
    o->closed_at = now;
    o->duty.wake_at = INSTANT_NONE;
    book_touch(l, o);
}

/* A later exposure moves the schedule; what was paid on a date stays paid on that date. */
static void move_masks(struct duty *d, const struct duty *wanted) {
    int shift = wanted->anchor - d->anchor;
    uint64_t paid = shift >= 0 ? (shift < 64 ? d->paid >> shift : 0) : (-shift < 64 ? d->paid << -shift : 0);
    uint64_t missed = shift >= 0 ? (shift < 64 ? d->missed >> shift : 0) : (-shift < 64 ? d->missed << -shift : 0);
    d->anchor = wanted->anchor;
    d->owed = wanted->owed;
    d->paid = paid & wanted->owed;
    d->missed = missed & wanted->owed & ~d->paid;
}

static void move_anchor(struct ledger *l, const struct duty_rule *rule, struct obligation *o, const struct duty *wanted, instant now) {
    if (wanted->anchor == o->duty.anchor) return;
    move_masks(&o->duty, wanted);
    duty_settle(rule, &o->duty, l->zone_s);
    book_close_if_done(o, now);
    book_touch(l, o);
}

/* The time that a deadline is counted from became known, or was corrected. */
static void move_deadline(struct ledger *l, const struct duty_rule *rule, struct obligation *o, const struct duty *wanted) {
    if (wanted->due_at == o->duty.due_at) return;
    o->duty.anchor = wanted->anchor;
    o->duty.due_at = wanted->due_at;
    o->duty.level = 0;
    duty_settle(rule, &o->duty, l->zone_s);
    book_touch(l, o);
}

/* Two diseases are two debts, also when their plans call them by the same name. */
static bool same_disease(const struct ledger *l, int64_t pack, const struct adoption *a) {
    const struct adoption *b = ledger_adoption(l, pack);
    return !b || text_eq(a->disease, b->disease);
}

/* Who is accountable by the record as it is now: the investigator was named, or another one. */
static int assign(struct ledger *l, const struct duty_rule *rule, const struct record *r, struct obligation *o, struct error *err) {
    struct owner owner;
    if (o->owner_step == OWNER_STEP_HANDED) return 0;
    int rc = owner_resolve(l, rule->owners, rule->n_owners, r, &owner, err);
    if (rc < 0 || (owner.kind == o->owner_kind && owner.step == o->owner_step && owner.id == o->owner && text_eq(owner.region, o->owner_region))) return rc;
    struct text region = arena_text(&l->book->arena, owner.region);
    if (!region.s) return error_memory(err);
    o->owner_kind = owner.kind;
    o->owner_step = owner.step;
    o->owner = owner.id;
    o->owner_region = region;
    book_touch(l, o);
    return 0;
}

/* The record's disease was corrected, or what had cancelled the duty is over: the duty is this plan's from now on, its deadline counted from the same anchor,
 * its owner found by its chain. What was paid or missed on a day stays so; what was judged already stays as it was. */
static int change_plan(struct ledger *l, const struct session *s, const struct adoption *a, const struct record *r, struct obligation *o,
                       const struct duty *wanted, struct error *err) {
    const struct duty_rule *rule = &a->policy->rules[wanted->rule];
    struct text desk = arena_text(&l->book->arena, rule->desk);
    int rc = desk.s ? assign(l, rule, r, o, err) : error_memory(err);
    if (rc < 0) return rc;
    struct duty was = o->duty;
    o->duty = *wanted;
    o->duty.raised_at = was.raised_at;
    o->pack = a->id;
    o->desk = desk;
    if (rule->timing == TIMING_DAYS) {
        o->duty.anchor = was.anchor;
        o->duty.paid = was.paid;
        o->duty.missed = was.missed;
        move_masks(&o->duty, wanted);
        duty_settle(rule, &o->duty, l->zone_s);
    }
    o->state = wanted->occurrence == -1 ? TEXT("standing") : TEXT("open");
    o->closed_at = INSTANT_NONE;
    if (wanted->occurrence != -1) book_close_if_done(o, s->now);
    book_touch(l, o);
    return 0;
}

static bool of_region(const struct duty_rule *rule) {
    bool all = rule->timing == TIMING_DAILY && rule->n_pays;
    for (size_t i = 0; i < rule->n_pays; i++) all = all && rule->pays[i].by == FACT_BY_REGION;
    return all;
}

int book_region_stands(struct ledger *l, const struct duty_rule *rule, const struct record *r, bool *ret, struct error *err) {
    *ret = false;
    for (size_t i = 0; of_region(rule) && i < l->n_adoptions && !*ret; i++) {
        struct book_slot *slot = NULL;
        const struct adoption *other = &l->adoptions[i];
        if (other->id == r->id || !text_eq(other->region, r->region)) continue;
        int rc = book_slot_of(l, other->id, &slot, err);
        if (rc < 0) return rc;
        for (struct book_row *row = slot->rows; row; row = row->next)
            *ret = *ret || (!row->gone && text_is(row->o.state, "standing") && text_eq(row->o.rule, rule->code));
    }
    return 0;
}

/* Facts that pay what this record raises may be there already (obligation_follow.c): told of its person before, or of a record that was there before. */
static bool told_before(const struct duty_rule *rule, const struct record *r, const struct book_slot *slot, bool changed) {
    return changed || (rule->from_before && slot->holder != r->id && (!slot->fresh || slot->told));
}

/* Two who were made one may each have owed what a person owes once: one debt stays, of the earlier record, on the days and by the time that both say. */
static void made_one(struct ledger *l, const struct duty_rule *rule, const struct adoption *a, struct book_slot *slot, instant now) {
    struct book_row *stays = NULL;
    for (struct book_row *row = slot->rows; row; row = row->next) {
        if (row->gone || row->o.duty.occurrence > 0 || !obligation_is_open(&row->o) || !text_eq(row->o.rule, rule->code) || !same_disease(l, row->o.pack, a)) continue;
        struct book_row *goes = stays && stays->o.record < row->o.record ? row : stays;
        if (goes != row) stays = row;
        if (!goes) continue;
        if (rule->timing == TIMING_WITHIN && goes->o.duty.due_at < stays->o.duty.due_at) move_deadline(l, rule, &stays->o, &goes->o.duty);
        if (rule->timing == TIMING_DAYS && goes->o.duty.anchor > stays->o.duty.anchor) move_anchor(l, rule, &stays->o, &goes->o.duty, now);
        anew(l, stays, true);
        goes->gone = true;
        book_touch(l, &goes->o);
    }
}

/* changed: the record was there before. says_same: of what a person owes once it says what it said: it takes nothing back of what the other records say. */
static int raise_one(struct ledger *l, const struct session *s, const struct adoption *a, const struct record *r, int64_t holder, bool changed, bool says_same,
                     const struct duty *d, struct error *err) {
    const struct duty_rule *rule = &a->policy->rules[d->rule];
    struct book_slot *slot = NULL;
    int rc = book_slot_of(l, holder, &slot, err);
    if (rc < 0) return rc;
    if (rule->per_person) made_one(l, rule, a, slot, s->now);
    for (struct book_row *row = slot->rows; row; row = row->next) {
        if (row->gone || !text_eq(row->o.rule, rule->code)) continue;
        bool same = row->o.record == r->id && row->o.duty.occurrence == d->occurrence;
        if (same && text_is(row->o.state, "cancelled")) { /* the condition holds again */
            anew(l, row, false);
            return change_plan(l, s, a, r, &row->o, d, err);
        }
        bool merged = rule->per_person && row->o.record != r->id && obligation_is_open(&row->o) && same_disease(l, row->o.pack, a);
        if (!same && !merged) continue;
        if (same && obligation_is_open(&row->o) && !same_disease(l, row->o.pack, a)) {
            anew(l, row, false);
            return change_plan(l, s, a, r, &row->o, d, err);
        }
        if (same && obligation_is_open(&row->o) && (rc = assign(l, rule, r, &row->o, err)) < 0) return rc;
        if (!obligation_is_open(&row->o)) return 0;
        /* one debt of several records: due as the first of them says, on the days that the last exposure says */
        bool alone = same && !(says_same && rule->per_person);
        bool within = rule->timing == TIMING_WITHIN && (alone ? d->due_at != row->o.duty.due_at : d->due_at < row->o.duty.due_at);
        bool days = rule->timing == TIMING_DAYS && (alone ? d->anchor != row->o.duty.anchor : d->anchor > row->o.duty.anchor);
        if (within) move_deadline(l, rule, &row->o, d);
        if (days) move_anchor(l, rule, &row->o, d, s->now);
        if ((within || days) && told_before(rule, r, slot, changed)) anew(l, row, days);
        return 0;
    }
    bool stands = false;
    rc = book_region_stands(l, rule, r, &stands, err);
    if (rc < 0 || stands) return rc;
    struct owner owner;
    rc = owner_resolve(l, rule->owners, rule->n_owners, r, &owner, err);
    if (rc < 0) return rc;
    struct obligation o = {
        .region = r->region,
        .rule = rule->code,
        .reg = r->reg->name,
        .desk = rule->desk,
        .owner_region = owner.region,
        .state = d->occurrence == -1 ? TEXT("standing") : TEXT("open"),
        .holder = holder,
        .record = r->id,
        .pack = a->id,
        .owner = owner.id,
        .owner_kind = owner.kind,
        .owner_step = owner.step,
        .closed_at = INSTANT_NONE,
        .duty = *d,
    };
    rc = book_add(l, &o, err);
    if (!rc) rc = book_slot_of(l, holder, &slot, err);
    if (!rc && d->occurrence != -1 && told_before(rule, r, slot, changed)) anew(l, slot->rows, false); /* the newest is the first */
    return rc;
}

/* When a fact was over; one that nothing says is over lasts. */
static instant lasted_until(const struct ledger *l, const struct fact_match *m, const struct record *r) {
    instant end = INT64_MAX;
    for (size_t i = 0; i < m->n_until; i++) {
        struct value v = r->values[m->until[i]];
        instant one = v.kind != VALUE_INT ? INT64_MAX : r->reg->fields[m->until[i]].type == FIELD_DATE ? instant_of_day((day)v.i + 1, l->zone_s) : v.i;
        if (one < end) end = one;
    }
    int state = register_state(r->reg, r->state);
    return end == INT64_MAX && state >= 0 && r->reg->states[state].final ? r->changed_at : end;
}

/* Whether a fact says nothing of the duty because it is older than its clock: one that names a day only is of that whole day, one that lasted into it counts. */
static bool before_start(const struct ledger *l, const struct obligation *o, const struct fact_match *m, const struct record *r, bool exact, day on, instant at) {
    const struct duty_rule *rule = book_rule(l, o);
    bool within = rule && rule->timing == TIMING_WITHIN;
    instant start = (within ? o->duty.due_at - rule->within_s : instant_of_day(o->duty.anchor, l->zone_s)) - m->back_s;
    bool older = exact ? at < start : on < day_of_instant(start, l->zone_s);
    return older && !(m->n_until && lasted_until(l, m, r) > start);
}

/* 1 when the fact is one of these matches for the duty, with the day it counts for; 0 when not. */
static int matches(struct ledger *l, const struct session *s, const struct fact_match *list, size_t n, const struct record *r,
                   const struct obligation *o, day *ret_day, instant *ret_at) {
    for (size_t i = 0; i < n; i++) {
        const struct fact_match *m = &list[i];
        if (m->reg != r->reg) continue;
        bool tied = m->by >= 0    ? r->values[m->by].kind == VALUE_INT && r->values[m->by].i == o->record
                    : m->by == FACT_BY_PERSON ? obligation_holder(r) == o->holder
                    : m->by == FACT_BY_REGION ? text_eq(r->region, o->region)
                                              : r->id == o->record;
        if (!tied) continue;
        struct expr_scope scope = record_scope(l, s->now, r);
        if (m->when && expr_eval(m->when, &scope) != TRUTH_TRUE) continue;
        struct value date = m->date_field >= 0 ? r->values[m->date_field] : value_null();
        *ret_at = s->now;
        *ret_day = day_of_instant(s->now, l->zone_s);
        if (date.kind == VALUE_INT && r->reg->fields[m->date_field].type == FIELD_INSTANT) {
            *ret_at = date.i;
            *ret_day = day_of_instant(date.i, l->zone_s);
        } else if (date.kind == VALUE_INT) {
            *ret_day = (day)date.i;
            if (*ret_day < day_of_instant(s->now, l->zone_s)) *ret_at = instant_of_day(*ret_day, l->zone_s);
        }
        day since_day = *ret_day;
        instant since_at = *ret_at;
        if (m->since_field != m->date_field) { /* told now, of a sample of before */
            date = r->values[m->since_field];
            if (date.kind != VALUE_INT) continue;
            bool exact = r->reg->fields[m->since_field].type == FIELD_INSTANT;
            since_day = exact ? day_of_instant(date.i, l->zone_s) : (day)date.i;
            since_at = exact ? date.i : instant_of_day(since_day, l->zone_s);
        }
        if (m->since && before_start(l, o, m, r, date.kind != VALUE_INT || r->reg->fields[m->since_field].type == FIELD_INSTANT, since_day, since_at)) continue;
        return 1;
    }
    return 0;
}

static bool outside(const struct duty_rule *rule, const struct obligation *o, day on) {
    return o->duty.occurrence > 0 && (on < o->duty.occurrence || on >= o->duty.occurrence + duty_window(rule));
}

/* An occurrence of a standing duty is one day's, or its window's: a report for another day does not pay it. */
static bool pays(struct ledger *l, const struct session *s, const struct duty_rule *rule, const struct record *r, const struct obligation *o, day *ret_day,
                 instant *ret_at) {
    return matches(l, s, rule->pays, rule->n_pays, r, o, ret_day, ret_at) > 0 && !outside(rule, o, *ret_day);
}

static bool cancels(struct ledger *l, const struct session *s, const struct duty_rule *rule, const struct record *r, const struct obligation *o) {
    day on = 0;
    instant at = 0;
    return rule->n_cancels && matches(l, s, rule->cancels, rule->n_cancels, r, o, &on, &at) > 0;
}

/* The fact (NULL: it is there no more) does not cancel the duty any more, as it did before. */
static void cancels_no_more(struct ledger *l, const struct session *s, const struct duty_rule *rule, const struct record *r, const struct record *before,
                            struct book_row *row) {
    if (!cancels(l, s, rule, before, &row->o) || (r && cancels(l, s, rule, r, &row->o))) return;
    row->again = true;
    l->book->anew = true;
}

void book_pay(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct obligation *o) {
    const struct duty_rule *rule = book_rule(l, o);
    struct book_row *row = (struct book_row *)o; /* its first member */
    day today = 0, was_day = 0;
    instant at = 0, was_at = 0;
    if (!rule || text_is(o->state, "standing")) return;
    if (text_is(o->state, "cancelled")) {
        if (before && before->values != r->values) cancels_no_more(l, s, rule, r, before, row);
        return;
    }
    bool now = pays(l, s, rule, r, o, &today, &at), paid = before && pays(l, s, rule, before, o, &was_day, &was_at);
    if (paid && (!now || was_day != today || was_at != at)) {
        anew(l, row, true);
        row->timed = row->timed || (now && (o->paid_by == r->id || o->late || rule->timing == TIMING_DAYS));
        return;
    }
    if (now && !paid) {
        instant due = duty_due(rule, &o->duty, today, l->zone_s);
        if (duty_pay(rule, &o->duty, today, l->zone_s)) {
            o->paid_by = r->id;
            if (due != INSTANT_NONE && at > due) o->late = true;
            book_close_if_done(o, s->now);
            book_touch(l, o);
        }
    }
    if (obligation_is_open(o) && cancels(l, s, rule, r, o)) cancel(l, o, s->now);
}

static bool among(const struct policy *p, const struct duty *list, size_t n, struct text rule, const struct duty **ret) {
    for (size_t i = 0; i < n; i++)
        if (text_eq(p->rules[list[i].rule].code, rule)) {
            if (ret) *ret = &list[i];
            return true;
        }
    return false;
}

/* Of what a person owes once (per_person): does the record say something else of it than before, which another record may have said too? */
static bool moves_others(const struct policy *p, const struct duty *was, size_t n_was, const struct duty *is, size_t n_is) {
    for (size_t i = 0; i < n_was; i++) {
        const struct duty *now = NULL;
        if (!p->rules[was[i].rule].per_person) continue;
        if (!among(p, is, n_is, p->rules[was[i].rule].code, &now) || now->anchor != was[i].anchor || now->due_at != was[i].due_at) return true;
    }
    return false;
}

/* What the record as it is does to the duties of a holder; *ret_others: what it held for others of its register is owed by them now. */
static int concern(struct ledger *l, const struct session *s, const struct policy *p, const struct duty *raised, size_t n, const struct record *r,
                   const struct record *before, int64_t holder, bool *ret_others, struct error *err) {
    struct book_slot *slot = NULL;
    int rc = book_slot_of(l, holder, &slot, err);
    for (struct book_row *row = rc ? NULL : slot->rows; row; row = row->next) {
        if (row->gone) continue;
        bool own = row->o.record == r->id && text_eq(row->o.reg, r->reg->name);
        bool asked = own && before && obligation_is_open(&row->o) && row->o.duty.occurrence <= 0;
        book_pay(l, s, r, before, &row->o);
        /* what the changed record no longer obliges is not owed, unless this very change pays it */
        if (asked && obligation_is_open(&row->o) && !(p && among(p, raised, n, row->o.rule, NULL))) cancel(l, &row->o, s->now);
        /* looked at again as it was, it has changed nothing for others */
        const struct duty_rule *rule = asked && before->values != r->values && text_is(row->o.state, "cancelled") ? book_rule(l, &row->o) : NULL;
        *ret_others = *ret_others || (rule && rule->per_person);
    }
    return rc;
}

int book_fact(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct error *err) {
    struct duty raised[RULES_MAX], was[RULES_MAX];
    int64_t holders[HOLDERS_MAX + 1], holder = obligation_holder(r), left = before ? obligation_holder(before) : holder;
    const struct adoption *a = NULL;
    struct book_slot *slot = NULL;
    bool others = left != holder;
    size_t n = 0;
    /* it is about somebody else now: its duties go along */
    int rc = others ? book_rehold(l, left, holder, &r->id, 1, err) : 0;
    if (!rc) rc = book_plan(l, s, r, &a, err);
    if (rc < 0) return rc;
    if (a) {
        struct expr_scope scope = record_scope(l, s->now, r);
        n = policy_duties(a->policy, r->reg, &scope, before ? r->created_at : s->now, l->zone_s, raised, RULES_MAX);
    }
    if (a && before && before->values != r->values) {
        struct expr_scope scope = record_scope(l, s->now, before);
        size_t n_was = policy_duties(a->policy, r->reg, &scope, r->created_at, l->zone_s, was, RULES_MAX);
        others = others || moves_others(a->policy, was, n_was, raised, n);
    }
    bool says_same = before && before->values != r->values && !others;
    for (size_t i = 0; !rc && i < n; i++) rc = raise_one(l, s, a, r, holder, before != NULL, says_same, &raised[i], err);
    size_t n_holders = rc ? 0 : book_holders(l, r, holders, HOLDERS_MAX, &rc, err);
    if (left != holder) n_holders = add_holder(holders, n_holders, HOLDERS_MAX + 1, left);
    for (size_t h = 0; !rc && h < n_holders; h++) rc = concern(l, s, a ? a->policy : NULL, raised, n, r, before, holders[h], &others, err);
    if (!rc) rc = book_slot_of(l, holder, &slot, err);
    if (!rc) slot->told = true;
    if (!rc && l->book->anew) rc = book_catch_up(l, s, holders, n_holders, err);
    /* what had paid the one debt is a reason for it now, and raised its own while that was closed */
    if (!rc) rc = book_slot_of(l, holder, &slot, err);
    for (size_t i = 0; !rc && before && i < n; i++)
        if (a->policy->rules[raised[i].rule].per_person) made_one(l, &a->policy->rules[raised[i].rule], a, slot, s->now);
    if (!rc && l->book->anew) rc = book_catch_up(l, s, holders, n_holders, err);
    if (!rc && others) rc = book_others(l, s, r, holder, err);
    if (!rc && left != holder) rc = book_others(l, s, r, left, err);
    return rc || !before ? rc : book_follow(l, s, r, before, err);
}

int book_unfact(struct ledger *l, const struct session *s, const struct record *r, bool forgotten, struct error *err) {
    int64_t holders[HOLDERS_MAX];
    int rc = 0;
    bool others = false;
    size_t n = book_holders(l, r, holders, HOLDERS_MAX, &rc, err);
    for (size_t h = 0; !rc && h < n; h++) {
        struct book_slot *slot = NULL;
        rc = book_slot_of(l, holders[h], &slot, err);
        for (struct book_row *row = rc ? NULL : slot->rows; row; row = row->next) {
            const struct duty_rule *rule = book_rule(l, &row->o);
            day on = 0;
            instant at = 0;
            if (row->gone) continue;
            others = others || (!forgotten && rule && rule->per_person && rule->on == r->reg);
            if (row->o.record == r->id) {
                row->gone = true;
                book_touch(l, &row->o);
            } else if (!forgotten && rule && text_is(row->o.state, "cancelled")) {
                cancels_no_more(l, s, rule, NULL, r, row);
            } else if (!forgotten && rule && pays(l, s, rule, r, &row->o, &on, &at)) {
                anew(l, row, true);
            }
        }
    }
    if (!rc && l->book->anew) rc = book_catch_up(l, s, holders, n, err);
    return rc || !others ? rc : book_others(l, s, r, obligation_holder(r), err);
}

static int last_day(uint64_t owed) {
    return owed ? 63 - __builtin_clzll(owed) : 0;
}

int book_guard(struct ledger *l, const struct session *s, const struct record *r, struct text state, struct error *err) {
    int wanted = register_state(r->reg, state);
    struct obligation **rows = NULL;
    size_t n = 0;
    int rc = book_of(l, obligation_holder(r), &rows, &n, err);
    day today = day_of_instant(s->now, l->zone_s);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct duty_rule *rule = book_rule(l, rows[i]);
        if (!rule || rule->guard_reg != r->reg || rule->guard_state != wanted || !obligation_is_open(rows[i])) continue;
        if (rule->on == r->reg && rows[i]->record != r->id) continue;
        day due = rows[i]->duty.anchor + (rule->timing == TIMING_DAYS ? last_day(rows[i]->duty.owed) : 0);
        char date[DAY_TEXT];
        day_format(due, date);
        if (today < due)
            return error_set(err, E_REFUSED, rule->code.s, s->zh ? "%s:最早 %s 方可" : "%s: not before %s",
                             s->zh ? rule->zh.s : rule->en.s, date);
        const struct policy *p = ledger_adoption(l, rows[i]->pack)->policy;
        for (size_t q = 0; q < rule->n_requires; q++) {
            const struct duty_rule *needed = &p->rules[rule->requires[q]];
            for (size_t k = 0; k < n; k++) {
                uint64_t left = rows[k]->duty.owed & ~rows[k]->duty.paid & ~rows[k]->duty.missed;
                /* a check nobody made yesterday cannot be made up: the miss is the unit's and holds nobody */
                int past = today - rows[k]->duty.anchor;
                if (needed->lapses && past > 0) left &= past < 64 ? ~(uint64_t)0 << past : 0;
                if (!text_eq(rows[k]->rule, needed->code) || text_is(rows[k]->state, "cancelled") || !left) continue;
                return error_set(err, E_REFUSED, needed->code.s,
                                 s->zh ? "%s:尚有第 %d 天未完成" : "%s: day %d is still owed", s->zh ? needed->zh.s : needed->en.s,
                                 __builtin_ctzll(left));
            }
        }
    }
    return rc;
}

int book_rehold(struct ledger *l, int64_t from, int64_t to, const int64_t *records, size_t n, struct error *err) {
    struct book_slot *slot = NULL;
    int rc = book_slot_of(l, from, &slot, err);
    for (struct book_row *row = rc ? NULL : slot->rows; !rc && row; row = row->next) {
        bool ours = !records;
        for (size_t i = 0; !ours && i < n; i++) ours = records[i] == row->o.record;
        if (!ours || row->gone) continue;
        struct obligation moved = row->o;
        moved.holder = to;
        row->gone = true;
        book_touch(l, &row->o);
        rc = book_add(l, &moved, err);
        if (!rc) rc = book_slot_of(l, from, &slot, err);
    }
    return rc;
}

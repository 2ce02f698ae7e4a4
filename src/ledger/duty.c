/* The pure arithmetic of duties: days and masks in, masks and times out. */
#include "ledger/policy.h"

static int first_bit(uint64_t mask) {
    return __builtin_ctzll(mask);
}

static int last_bit(uint64_t mask) {
    return 63 - __builtin_clzll(mask);
}

int duty_window(const struct duty_rule *r) {
    return r->timing == TIMING_DAILY && r->every > 1 ? r->every : 1;
}

static uint64_t open_slots(const struct duty *d) {
    return d->owed & ~d->paid & ~d->missed;
}

/* When slot k is due. A TIMING_WITHIN duty has one slot, whose time was fixed when it was raised. */
static instant slot_due(const struct duty_rule *r, const struct duty *d, int k, int32_t zone_s) {
    return r->timing == TIMING_WITHIN ? d->due_at : instant_of_day(d->anchor + k + duty_window(r) - 1, zone_s) + r->due_time_s;
}

/* When slot k lapses: the next owed slot is due; the last one has a day. */
static instant slot_lapses(const struct duty_rule *r, const struct duty *d, int k, int32_t zone_s) {
    uint64_t after = k < 63 ? d->owed >> (k + 1) << (k + 1) : 0;
    return after ? slot_due(r, d, first_bit(after), zone_s) : slot_due(r, d, k, zone_s) + DAY_S;
}

static instant earlier(instant a, instant b) {
    if (a == INSTANT_NONE) return b;
    return b == INSTANT_NONE || a < b ? a : b;
}

/* The next thing that happens by itself to the slot due, after `now`. */
static instant next_wake(const struct duty_rule *r, const struct duty *d, instant now, int32_t zone_s) {
    instant wake = d->due_at > now ? d->due_at : INSTANT_NONE;
    if ((size_t)d->level < r->n_escalations)
        wake = earlier(wake, d->due_at + r->escalations[d->level].after_s);
    if (r->lapses) wake = earlier(wake, slot_lapses(r, d, first_bit(open_slots(d)), zone_s));
    return wake;
}

void duty_settle(const struct duty_rule *r, struct duty *d, int32_t zone_s) {
    uint64_t open = open_slots(d);
    if (!open) {
        d->wake_at = INSTANT_NONE;
        return;
    }
    instant due = slot_due(r, d, first_bit(open), zone_s);
    if (due != d->due_at) {
        d->due_at = due;
        d->level = 0; /* another slot: its lateness is told anew */
    }
    d->wake_at = d->level == 0 ? next_wake(r, d, INSTANT_NONE, zone_s) : next_wake(r, d, INT64_MAX, zone_s);
}

/* The slot that a fact of this day pays, or -1. */
static int slot_paid(const struct duty_rule *r, const struct duty *d, day fact_day) {
    uint64_t open = open_slots(d);
    if (r->timing == TIMING_WITHIN) return open ? 0 : -1;
    if (r->timing == TIMING_DAILY) return open && fact_day >= d->anchor && fact_day < d->anchor + duty_window(r) ? 0 : -1;
    int64_t k = (int64_t)fact_day - d->anchor;
    if (k < 0) return -1;
    uint64_t reached = k >= 63 ? open : open & (((uint64_t)2 << k) - 1);
    if (k < 64 && (open >> k & 1)) return (int)k;
    return reached && !r->lapses ? last_bit(reached) : -1;
}

instant duty_due(const struct duty_rule *r, const struct duty *d, day fact_day, int32_t zone_s) {
    int k = d->occurrence == -1 ? -1 : slot_paid(r, d, fact_day);
    return k < 0 ? INSTANT_NONE : slot_due(r, d, k, zone_s);
}

bool duty_pay(const struct duty_rule *r, struct duty *d, day fact_day, int32_t zone_s) {
    if (d->occurrence == -1) return false; /* a standing row owes nothing itself */
    int k = slot_paid(r, d, fact_day);
    if (k < 0) return false;
    d->paid |= (uint64_t)1 << k;
    duty_settle(r, d, zone_s);
    return true;
}

int duty_wake(const struct duty_rule *r, struct duty *d, instant now, int32_t zone_s) {
    if (d->occurrence == -1) return 0;
    int happened = 0;
    for (uint64_t open; (open = open_slots(d)) != 0;) {
        int k = first_bit(open);
        instant lapses = r->lapses ? slot_lapses(r, d, k, zone_s) : INT64_MAX;
        instant until = lapses <= now ? lapses - 1 : now; /* a slot that has lapsed escalates no more */
        while ((size_t)d->level < r->n_escalations && d->due_at + r->escalations[d->level].after_s <= until) {
            d->level++;
            happened++;
        }
        if (lapses > now) break;
        d->missed |= (uint64_t)1 << k;
        happened++;
        duty_settle(r, d, zone_s);
    }
    d->wake_at = open_slots(d) ? next_wake(r, d, now, zone_s) : INSTANT_NONE;
    return happened;
}

/* ---- standing rows */

static void stand(const struct duty_rule *r, struct duty *d, day next, int32_t zone_s) {
    d->wake_at = instant_of_day(next, zone_s);
    d->due_at = instant_of_day(next + duty_window(r) - 1, zone_s) + r->due_time_s;
}

bool duty_daily(const struct duty_rule *r, struct duty *standing, instant now, int32_t zone_s,
                struct duty *ret_occurrence) {
    if (standing->occurrence != -1 || standing->wake_at == INSTANT_NONE || standing->wake_at > now)
        return false;
    day on = day_of_instant(standing->wake_at, zone_s);
    *ret_occurrence = (struct duty){.rule = standing->rule,
                                    .occurrence = on,
                                    .anchor = on,
                                    .owed = 1,
                                    .raised_at = instant_of_day(on, zone_s),
                                    .due_at = INSTANT_NONE,
                                    .wake_at = INSTANT_NONE};
    duty_settle(r, ret_occurrence, zone_s);
    stand(r, standing, on + duty_window(r), zone_s);
    return true;
}

/* ---- what a record raises */

/* When the clock of a rule starts for this record, and whether its field said so. */
static instant starts_at(const struct duty_rule *r, const struct expr_scope *s, instant recorded_at,
                         int32_t zone_s) {
    if (r->from_field < 0 || s->values[r->from_field].kind != VALUE_INT) return recorded_at;
    int64_t v = s->values[r->from_field].i;
    return r->on->fields[r->from_field].type == FIELD_DATE ? instant_of_day((day)v, zone_s) : v;
}

static bool raise_days(const struct duty_rule *r, struct duty *d, day recorded, int32_t zone_s) {
    int64_t gone = (int64_t)recorded - d->anchor;
    d->owed = r->days;
    if (gone > 0) d->owed = gone > 63 ? 0 : d->owed >> gone << gone;
    if (!d->owed && !r->lapses && r->days) d->owed = (uint64_t)1 << last_bit(r->days);
    duty_settle(r, d, zone_s);
    return d->owed != 0;
}

static bool raise(const struct duty_rule *r, const struct expr_scope *s, instant recorded_at, int32_t zone_s,
                  struct duty *d) {
    instant from = starts_at(r, s, recorded_at, zone_s);
    day recorded = day_of_instant(recorded_at, zone_s);
    d->anchor = day_of_instant(from, zone_s);
    d->raised_at = recorded_at;
    d->due_at = d->wake_at = INSTANT_NONE;
    if (r->timing == TIMING_DAYS) return raise_days(r, d, recorded, zone_s);
    d->owed = 1;
    if (r->timing == TIMING_DAILY) {
        /* who joins after the hour begins tomorrow */
        bool today = recorded_at < instant_of_day(recorded, zone_s) + r->due_time_s;
        d->anchor = d->anchor > recorded ? d->anchor : recorded + (today ? 0 : 1);
        d->occurrence = -1;
        stand(r, d, d->anchor, zone_s);
        return true;
    }
    d->due_at = from + r->within_s;
    duty_settle(r, d, zone_s);
    return true;
}

size_t policy_duties(const struct policy *p, const struct register_decl *reg, const struct expr_scope *s,
                     instant recorded_at, int32_t zone_s, struct duty *out, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < p->n_rules && n < max; i++) {
        const struct duty_rule *r = &p->rules[i];
        if (r->on != reg || (r->when && expr_eval(r->when, s) != TRUTH_TRUE)) continue;
        struct duty d = {.rule = (int)i};
        if (raise(r, s, recorded_at, zone_s, &d)) out[n++] = d;
    }
    return n;
}

#include "desks/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES_MAX = 64, ROWS_MAX = 256 };

/* One pass over a register: its records and their duties, both in record order. */
struct pass {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct policy *to;
    const struct adoption *now;   /* in force today, NULL none */
    int64_t new_id;               /* adoption being applied; 0: only compare */
    struct plan_diff *diff;
    int (*visit)(const struct plan_change *c, void *arg);
    void *arg;
    struct db_cursor *duties;
    const struct value *row;      /* the next duty, NULL at the end */
    struct arena arena;           /* rows to write */
    struct rows {
        struct obligation **list;
        size_t n, cap;
    } inserts, updates;
    struct error *err;
};

static int next_duty(struct pass *p) {
    int rc = db_next(p->duties, &p->row, p->err);
    if (rc == 0) p->row = NULL;
    return rc < 0 ? rc : 0;
}

static int count(struct pass *p, enum plan_effect effect, struct text rule) {
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
    int rc = count(p, effect, rule);
    if (rc < 0 || !p->visit) return rc;
    struct plan_change c = {.effect = effect, .reg = r->reg, .record = r->id, .holder = holder, .region = r->region, .number = r->number,
                            .rule = rule, .old_due = was, .new_due = will};
    return p->visit(&c, p->arg);
}

static int push(struct pass *p, const struct obligation *o, bool insert) {
    struct rows *rows = insert ? &p->inserts : &p->updates;
    if (!mem_room(&rows->list, &rows->cap, rows->n + 1, sizeof *rows->list)) return error_memory(p->err);
    struct obligation *kept = arena_alloc(&p->arena, sizeof *kept);
    if (!kept) return error_memory(p->err);
    rows->list[rows->n++] = kept;
    return obligation_copy(p->l, &p->arena, o, kept, p->err);
}

/* The record itself is what pays or cancels the duty: a stay that was released already owes no release. */
static bool settled(const struct fact_match *list, size_t n, const struct record *r, const struct expr_scope *scope) {
    for (size_t i = 0; i < n; i++)
        if (list[i].by == FACT_BY_SELF && list[i].reg == r->reg && (!list[i].when || expr_eval(list[i].when, scope) == TRUTH_TRUE)) return true;
    return false;
}

static int gain(struct pass *p, const struct record *r, const struct duty *d, const struct expr_scope *scope) {
    const struct duty_rule *rule = &p->to->rules[d->rule];
    if (settled(rule->pays, rule->n_pays, r, scope) || settled(rule->cancels, rule->n_cancels, r, scope)) return 0;
    /* a new plan does not make old omissions overdue at once */
    if (rule->timing == TIMING_WITHIN && d->due_at < p->s->now) return 0;
    if (!duty_open(d) && d->occurrence != -1) return 0;
    bool stands = false;
    int rc = book_region_stands(p->l, rule, r, &stands, p->err);
    if (rc < 0 || stands) return rc;
    rc = tell(p, PLAN_GAIN, r, obligation_holder(r), rule->code, INSTANT_NONE, d->due_at);
    if (rc < 0 || !p->new_id) return rc;
    struct owner owner;
    rc = owner_resolve(p->l, rule->owners, rule->n_owners, r, &owner, p->err);
    if (rc < 0) return rc;
    struct obligation o = {.region = r->region, .rule = rule->code, .reg = r->reg->name, .desk = rule->desk, .owner_region = owner.region,
                           .state = d->occurrence == -1 ? TEXT("standing") : TEXT("open"), .holder = obligation_holder(r), .record = r->id, .pack = p->new_id,
                           .owner = owner.id, .owner_kind = owner.kind, .owner_step = owner.step, .closed_at = INSTANT_NONE, .duty = *d};
    return push(p, &o, true);
}

static int keep(struct pass *p, const struct record *r, struct obligation *o, const struct duty *wanted) {
    const struct duty_rule *rule = &p->to->rules[wanted->rule];
    instant was = o->duty.due_at;
    if (rule->timing == TIMING_DAYS) {
        int shift = wanted->anchor - o->duty.anchor;
        uint64_t paid = o->duty.paid, missed = o->duty.missed, owed = wanted->owed;
        if (shift > 0) {
            paid = shift < 64 ? paid >> shift : 0;
            missed = shift < 64 ? missed >> shift : 0;
        } else if (shift < 0) {
            paid = -shift < 64 ? paid << -shift : 0;
            missed = -shift < 64 ? missed << -shift : 0;
        }
        /* what was paid or missed on its day stays so, also where the new plan asks for nothing that day */
        o->duty.anchor = wanted->anchor;
        o->duty.owed = owed | paid | missed;
        o->duty.paid = paid;
        o->duty.missed = missed;
    } else if (rule->timing == TIMING_WITHIN) {
        o->duty.due_at = wanted->due_at;
    }
    int level = o->duty.level;
    if (o->duty.occurrence == -1) { /* it goes on from the day it has come to, at the hour of the new plan */
        o->duty.due_at = o->duty.wake_at + (rule->every > 1 ? rule->every - 1 : 0) * (int64_t)86400 + rule->due_time_s;
    } else if (rule->timing != TIMING_WITHIN) {
        duty_settle(rule, &o->duty, p->l->zone_s);
    } else {
        o->duty.wake_at = wanted->wake_at;
    }
    o->duty.level = level;
    o->pack = p->new_id;
    instant will = duty_open(&o->duty) || o->duty.occurrence == -1 ? o->duty.due_at : INSTANT_NONE;
    int rc = 0;
    if (will != was && o->duty.occurrence == 0)
        rc = will == INSTANT_NONE ? tell(p, PLAN_LOSE, r, o->holder, o->rule, was, will)
                                  : tell(p, will < was ? PLAN_SOONER : PLAN_LATER, r, o->holder, o->rule, was, will);
    if (rc < 0 || !p->new_id) return rc;
    if (will == INSTANT_NONE) {
        o->state = o->duty.missed ? TEXT("lapsed") : TEXT("paid");
        o->closed_at = p->s->now;
        o->duty.wake_at = INSTANT_NONE;
    }
    o->desk = rule->desk;
    return push(p, o, false);
}

static int lose(struct pass *p, const struct record *r, struct obligation *o) {
    int rc = tell(p, PLAN_LOSE, r, o->holder, o->rule, o->duty.due_at, INSTANT_NONE);
    if (rc < 0 || !p->new_id) return rc;
    o->state = TEXT("cancelled");
    o->closed_at = p->s->now;
    o->duty.wake_at = INSTANT_NONE;
    o->pack = p->new_id;
    return push(p, o, false);
}

static int look(const struct record *r, void *arg) {
    struct pass *p = arg;
    struct duty wanted[RULES_MAX];
    bool seen[RULES_MAX] = {false};
    p->diff->records++;
    struct value disease = record_cell(r, "disease");
    bool ours = !value_given(disease) || text_eq(value_view(disease), p->to->disease);
    struct expr_scope scope = {.values = r->values, .id = r->id, .number = r->number, .state = r->state, .region = r->region, .version = r->version,
                               .now = p->s->now, .today = day_of_instant(p->s->now, p->l->zone_s)};
    /* without a disease of its own it stands where its duties are: under the plan of another disease, when they are there */
    bool unnamed = r->reg->person_field >= 0 && !value_given(disease), elsewhere = false;
    size_t n = ours ? policy_duties(p->to, r->reg, &scope, r->created_at, p->l->zone_s, wanted, RULES_MAX) : 0;
    int rc = 0;
    while (!rc && p->row && p->row[OB_RECORD].i < r->id) rc = next_duty(p);
    while (!rc && p->row && p->row[OB_RECORD].i == r->id) {
        struct obligation o;
        obligation_of_row(p->row, &o);
        const struct adoption *a = ledger_adoption(p->l, o.pack);
        bool other = a && !text_eq(a->disease, p->to->disease);
        elsewhere = elsewhere || (unnamed && other);
        size_t w = 0;
        while (w < n && !text_eq(p->to->rules[wanted[w].rule].code, o.rule)) w++;
        if (w < n) seen[w] = true;
        if (!other && obligation_is_open(&o)) {
            o.duty.rule = -1;
            if (w < n)
                rc = keep(p, r, &o, &wanted[w]);
            else if (o.duty.occurrence <= 0)
                rc = lose(p, r, &o);
        }
        if (!rc) rc = next_duty(p);
    }
    for (size_t w = 0; !rc && !elsewhere && w < n; w++)
        if (!seen[w]) rc = gain(p, r, &wanted[w], &scope);
    return rc;
}

static bool rules_on(const struct policy *p, const struct register_decl *reg) {
    for (size_t i = 0; p && i < p->n_rules; i++)
        if (p->rules[i].on == reg) return true;
    return false;
}

static int write_rows(struct pass *p) {
    int rc = obligation_write(p->l, DB_UPDATE, DUTY_WHOLE, p->updates.list, p->updates.n, p->s->now, p->err);
    if (!rc) rc = obligation_write(p->l, DB_INSERT, DUTY_WHOLE, p->inserts.list, p->inserts.n, p->s->now, p->err);
    p->updates.n = p->inserts.n = 0;
    arena_reset(&p->arena);
    return rc;
}

static int pass_register(struct pass *p, const struct register_decl *reg, struct text region) {
    char sql[1024], end[REGION_MAX + 2];
    struct value params[3] = {value_text(reg->name), value_text(region)};
    size_t n = 2;
    snprintf(sql, sizeof sql, "SELECT %s FROM \"obligation\" WHERE \"register\" = ?1 AND \"region\" >= ?2%s ORDER BY \"record\", \"rule\"", obligation_columns,
             region_end(region, end) ? " AND \"region\" < ?3" : "");
    if (region.n) params[n++] = value_str(end);
    int rc = db_query(p->db, sql, params, n, &p->duties, p->err);
    if (!rc) rc = next_duty(p);
    struct record_filter f = {.region = region};
    if (!rc) rc = record_list(p->l, p->db, p->s, reg, &f, look, p, p->err);
    db_cursor_close(p->duties);
    p->duties = NULL;
    p->row = NULL;
    if (!rc && p->new_id) rc = write_rows(p);
    return rc;
}

void plan_diff_clear(struct plan_diff *d) {
    arena_clear(&d->arena);
    *d = (struct plan_diff){0};
}

static int run(struct pass *p, struct text region) {
    int rc = 0;
    p->now = ledger_policy(p->l, p->to->disease, region, day_of_instant(p->s->now, p->l->zone_s));
    for (size_t i = 0; !rc && i < p->l->catalog->n_registers; i++) {
        const struct register_decl *reg = &p->l->catalog->registers[i];
        if (rules_on(p->to, reg) || (p->now && rules_on(p->now->policy, reg))) rc = pass_register(p, reg, region);
    }
    mem_free(p->inserts.list);
    mem_free(p->updates.list);
    arena_clear(&p->arena);
    return rc;
}

int plan_compare(struct ledger *l, struct db *db, const struct session *s, const struct policy *to, struct text region,
                 int (*visit)(const struct plan_change *c, void *arg), void *arg, struct plan_diff *ret, struct error *err) {
    struct plan_diff d = {0};
    struct pass p = {.l = l, .db = db ? db : l->db, .s = s, .to = to, .diff = &d, .visit = visit, .arg = arg, .err = err};
    int rc = run(&p, region.n ? region : l->region);
    if (!l->in_transaction) book_reset(l); /* what was looked at is true of now only */
    if (rc) {
        plan_diff_clear(&d);
        return rc;
    }
    *ret = d;
    return 0;
}

static int mark_applied(struct ledger *l, int64_t id, struct error *err) {
    char name[48];
    snprintf(name, sizeof name, "applied:%lld", (long long)id);
    return ledger_set(l, name, TEXT("1"), err);
}

/* What is owed once a region and was held by the plan that went is owed under those that stay. */
static int region_keeps(struct ledger *l, const struct session *s, const struct adoption *gone, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("adoption"));
    day today = day_of_instant(s->now, l->zone_s);
    struct arena a = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < l->n_adoptions; i++) {
        const struct adoption *other = &l->adoptions[i];
        struct record r;
        if (other->id == gone->id || !text_eq(other->region, gone->region) || ledger_policy(l, other->disease, other->region, today) != other) continue;
        rc = record_get(l, l->db, s, reg, other->id, &a, &r, err);
        if (!rc) rc = book_fact(l, s, &r, NULL, err);
    }
    arena_clear(&a);
    return rc;
}

/* Duties as the adoption wants them, inside the open transaction. */
static int apply(struct ledger *l, const struct session *s, const struct adoption *a, struct plan_diff *diff, struct error *err) {
    struct pass p = {.l = l, .db = l->db, .s = s, .to = a->policy, .new_id = a->id, .diff = diff, .err = err};
    struct text region = a->region;
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_ADOPT, .actor = s->account, .reason = s->reason, .reg = TEXT("adoption"), .record = a->id, .region = a->region};
    int rc = book_flush(l, s->now, err);
    if (!rc) rc = run(&p, region);
    book_reset(l);
    if (!rc) rc = region_keeps(l, s, a, err);
    if (!rc) rc = journal_append(&l->journal, &e, NULL, err);
    if (!rc) rc = mark_applied(l, a->id, err);
    return rc;
}

/* The same pack for the same region from the same day is in force already, unless another came between: a second record would say nothing new. */
static int adopted_already(const struct ledger *l, struct text region, const struct policy *p, day from, struct error *err) {
    const struct adoption *last = NULL;
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        if (a->from == from && text_eq(a->disease, p->disease) && text_eq(a->region, region)) last = a;
    }
    if (!last || !text_eq(last->pack, p->name) || !text_eq(last->policy->source_text, p->source_text)) return 0;
    return error_set(err, E_CONFLICT, "adoption", "%.*s is in force there from that day already (record %lld) / 该地区自该日起已采用 %.*s(记录 %lld)", (int)p->name.n, p->name.s,
                     (long long)last->id, (int)p->name.n, p->name.s, (long long)last->id);
}

int plan_adopt(struct ledger *l, const struct session *s, const struct plan_adoption *want, int64_t *ret_id, struct plan_diff *diff, struct error *err) {
    struct arena a = {0};
    struct plan_diff done = {0};
    struct policy *p = NULL;
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    const struct register_decl *reg = register_find(l->catalog, TEXT("adoption"));
    if (!reg) return error_set(err, E_UNKNOWN, "adoption", "the register is not declared");
    if (!want->reason.n) return error_set(err, E_USAGE, "--reason", "adopting a plan needs a reason / 启用方案须说明理由");
    char *dir = arena_printf(&a, "%s/policies", l->home);
    struct draft *d = draft_new(&a, reg, DRAFT_CREATE);
    int rc = dir && d ? policy_load(l->catalog, dir, want->pack, l->zone_s, &p, err) : error_memory(err);
    if (rc < 0) goto out;
    digest_bytes(p->source_text, digest);
    hex_of(digest, sizeof digest, hex);
    d->region = want->region.n ? want->region : l->region;
    rc = draft_put(d, "disease", value_text(p->disease), err);
    if (!rc) rc = draft_put(d, "pack", value_text(p->name), err);
    if (!rc) rc = draft_put(d, "digest", value_str(hex), err);
    if (!rc) rc = draft_put(d, "content", value_text(p->source_text), err);
    if (!rc) rc = draft_put(d, "from_day", value_int(want->from), err);
    if (!rc) rc = draft_put(d, "reason", value_text(want->reason), err);
    if (!rc && want->approver.n) rc = draft_put(d, "approver", value_text(want->approver), err);
    int region = register_field(reg, TEXT("region"));
    if (!rc && region >= 0) d->values[region] = value_text(d->region);
    if (!rc) rc = ledger_begin(l, err);
    if (rc < 0) goto out;
    rc = adopted_already(l, d->region, p, want->from, err);
    if (!rc) rc = record_write(l, s, &d, 1, err);
    const struct adoption *made = rc ? NULL : ledger_adoption(l, d->ret_id);
    if (!rc && !made) rc = error_set(err, E_STORE, "adoption", "was recorded but cannot be found");
    if (!rc && want->from <= day_of_instant(s->now, l->zone_s)) rc = apply(l, s, made, &done, err);
    rc = ledger_end(l, rc, s->now, err);
    if (!rc) *ret_id = d->ret_id;
out:
    if (!rc && diff)
        *diff = done;
    else
        plan_diff_clear(&done);
    policy_free(p);
    arena_clear(&a);
    return rc;
}

int plan_catch_up(struct ledger *l, const struct session *s, int64_t *ret_applied, struct error *err) {
    int64_t applied = 0;
    day today = day_of_instant(s->now, l->zone_s);
    for (size_t i = 0; i < l->n_adoptions; i++) {
        struct arena a = {0};
        struct text seen = {0};
        char name[48];
        if (l->adoptions[i].from > today) continue;
        snprintf(name, sizeof name, "applied:%lld", (long long)l->adoptions[i].id);
        int rc = ledger_setting(l, l->db, name, &a, &seen, err);
        bool known = seen.n > 0;
        arena_clear(&a);
        if (rc < 0) return rc;
        if (known) continue;
        rc = ledger_begin(l, err);
        if (rc < 0) return rc;
        struct plan_diff d = {0};
        rc = apply(l, s, &l->adoptions[i], &d, err);
        plan_diff_clear(&d);
        rc = ledger_end(l, rc, s->now, err);
        if (rc < 0) return rc;
        applied++;
    }
    *ret_applied = applied;
    return 0;
}

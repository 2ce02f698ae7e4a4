/* A plan adopted: what was worked out beside the writer is brought up to date with what happened since, and written in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/node.h"
#include "desks/plan_pass.h"

enum { TOUCHED_MAX = 20000 };

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

/* ---- what happened to records and duties since a plan was worked out */

struct touched {
    struct pass *pass;
    struct arena arena;
    struct idmap records; /* id -> struct register_decl */
    struct idmap holders;
    size_t n;
    bool all;             /* too much, or of a kind that is not followed: everything is looked at again */
};

static int touch(struct touched *t, struct idmap *map, int64_t id, const void *reg, struct error *err) {
    struct idmap_slot *slot = idmap_put(map, &t->arena, id, NULL);
    if (!slot) return error_memory(err);
    if (reg) slot->value.p = (void *)(uintptr_t)reg;
    t->all = t->all || ++t->n > TOUCHED_MAX;
    return 0;
}

/* A record named by one that was touched: its duties, or those of the person behind it, may have been paid. */
static int touch_named(struct touched *t, const struct field *f, struct value v, struct error *err) {
    struct ledger *l = t->pass->l;
    const struct register_decl *target = f->type == FIELD_REFERENCE && v.kind == VALUE_INT ? register_find(l->catalog, f->target) : NULL;
    struct session node = node_session(TEXT("plan"), t->pass->s->now, false);
    struct record r;
    int rc = target ? touch(t, &t->holders, v.i, NULL, err) : 0;
    if (rc < 0 || !target || target->holder_field < 0) return rc;
    rc = record_get(l, l->db, &node, target, v.i, &t->arena, &r, err);
    return rc < 0 ? (rc == E_UNKNOWN ? 0 : rc) : touch(t, &t->holders, obligation_holder(&r), NULL, err);
}

static int touch_entry(const struct journal_entry *e, void *arg) {
    struct touched *t = arg;
    struct ledger *l = t->pass->l;
    struct error *err = t->pass->err;
    static const int aside[] = {JOURNAL_OPEN, JOURNAL_DENY, JOURNAL_EXPORT, JOURNAL_SIGN_IN, JOURNAL_SIGN_OUT, JOURNAL_SECRET, JOURNAL_LOCK, JOURNAL_TOKEN};
    static const int followed[] = {JOURNAL_CREATE, JOURNAL_CHANGE, JOURNAL_MOVE, JOURNAL_PAY, JOURNAL_CANCEL, JOURNAL_ESCALATE, JOURNAL_LAPSE, JOURNAL_HANDOVER, JOURNAL_FREEZE, JOURNAL_PUBLISH};
    const struct register_decl *reg = register_find(l->catalog, e->reg);
    bool known = false;
    for (size_t i = 0; i < sizeof aside / sizeof *aside; i++)
        if (e->verb == aside[i]) return 0;
    for (size_t i = 0; i < sizeof followed / sizeof *followed; i++) known = known || e->verb == followed[i];
    if (!known || !reg) t->all = true;
    if (t->all) return 1;
    struct session node = node_session(TEXT("plan"), t->pass->s->now, false);
    struct record r;
    int rc = record_get(l, l->db, &node, reg, e->record, &t->arena, &r, err);
    if (rc == E_UNKNOWN) return t->all = true, 1; /* gone again */
    if (!rc) rc = touch(t, &t->records, r.id, reg, err);
    if (!rc) rc = touch(t, &t->holders, r.id, NULL, err);
    if (!rc) rc = touch(t, &t->holders, obligation_holder(&r), NULL, err);
    for (size_t i = 0; !rc && i < reg->n_fields; i++) rc = touch_named(t, &reg->fields[i], r.values[i], err);
    size_t pos = 0, field;
    struct value was;
    while (!rc && e->before.n && (rc = journal_cells_next(e->before, &pos, &field, &was, err)) > 0)
        rc = field < reg->n_fields ? touch_named(t, &reg->fields[field], was, err) : 0;
    return rc;
}

/* Every record of a touched holder that says the same as others of his (plan_once.c), whoever holds the duty. */
static int touch_same(struct touched *t, int64_t holder, struct error *err) {
    struct ledger *l = t->pass->l;
    const struct policy *to = t->pass->to;
    int rc = 0;
    for (size_t i = 0; !rc && i < to->n_rules; i++) {
        const struct register_decl *reg = to->rules[i].on;
        struct db_cursor *c = NULL;
        const struct value *row;
        struct value who = value_int(holder);
        char sql[256];
        if (!to->rules[i].per_person) continue;
        snprintf(sql, sizeof sql, "SELECT \"id\" FROM \"%s\" WHERE \"%s\" = ?1", reg->name.s, reg->fields[reg->holder_field].name.s);
        rc = db_query(l->db, sql, &who, 1, &c, err);
        while (!rc && (rc = db_next(c, &row, err)) > 0) rc = touch(t, &t->records, row[0].i, reg, err);
        db_cursor_close(c);
    }
    return rc;
}

/* Every record that a touched holder has a duty of. */
static int touch_records(struct touched *t, struct error *err) {
    struct ledger *l = t->pass->l;
    int rc = 0;
    for (size_t i = 0; !rc && i < t->holders.cap; i++) {
        struct db_cursor *c = NULL;
        const struct value *row;
        struct value holder = value_int(t->holders.slots[i].key);
        if (!t->holders.slots[i].used) continue;
        rc = db_query(l->db, "SELECT \"register\",\"record\" FROM \"obligation\" WHERE " OBLIGATION_OF_HOLDER, &holder, 1, &c, err);
        while (!rc && (rc = db_next(c, &row, err)) > 0) rc = touch(t, &t->records, row[1].i, register_find(l->catalog, value_view(row[0])), err);
        db_cursor_close(c);
        if (!rc) rc = touch_same(t, holder.i, err);
    }
    return rc;
}

static int by_id(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The touched records and their duties as they are now. */
static int look_again(struct pass *p, struct touched *t, struct error *err) {
    struct record *list = arena_alloc(&t->arena, (t->records.n + 1) * sizeof *list);
    int64_t *holders = arena_alloc(&t->arena, (t->records.n + 1) * sizeof *holders);
    size_t n = 0;
    int rc = list && holders ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < t->records.cap; i++) {
        const struct register_decl *reg = t->records.slots[i].used ? t->records.slots[i].value.p : NULL;
        if (!reg || !plan_concerns(p, reg)) continue;
        rc = record_get(p->l, p->db, p->s, reg, t->records.slots[i].key, &t->arena, &list[n], err);
        if (!rc && region_within(list[n].region, p->region)) holders[n] = obligation_holder(&list[n]), n++;
        if (rc == E_UNKNOWN) rc = 0;
    }
    if (!rc && n) qsort(list, n, sizeof *list, by_id);
    if (!rc) rc = duty_roll_holders(p->db, holders, ids_distinct(holders, n), &p->work->again, err);
    p->roll = &p->work->again;
    p->at = 0;
    p->all_may = true;
    if (!rc) rc = once_begin(p, NULL);
    for (size_t i = 0; !rc && i < n; i++) rc = plan_look(&list[i], p);
    if (!rc) rc = once_finish(p);
    p->all_may = false;
    return rc;
}

/* What was worked out beside the writer is true but for what was touched since: by a fact, which the journal tells, or by the clock, whose time had come for
 * a duty. Those records are looked at again as they are now; the rest is as it would be had the plan been adopted before. */
static int renew(struct pass *p, int64_t made, instant until, struct error *err) {
    struct plan_work *w = p->work;
    struct touched t = {.pass = p, .all = p->l->shared_stamp != w->stamp};
    int rc = t.all ? 0 : journal_scan(p->l->db, w->seq, p->l->journal.first, touch_entry, &t, err);
    if (!rc && !t.all) rc = touch(&t, &t.records, made, register_find(p->l->catalog, TEXT("adoption")), err);
    for (size_t i = 0; !rc && !t.all && i < w->n; i++)
        if (w->list[i].woke != INSTANT_NONE && w->list[i].woke <= until) {
            rc = touch(&t, &t.records, w->list[i].o->record, register_find(p->l->catalog, w->list[i].o->reg), err);
            if (!rc) rc = touch(&t, &t.holders, w->list[i].o->holder, NULL, err);
        }
    if (!rc && !t.all) rc = touch_records(&t, err);
    for (size_t i = 0; !rc && !t.all && i < w->n; i++) w->list[i].void_ = idmap_find(&t.records, w->list[i].o->record);
    if (!rc && t.all) w->n = 0, w->records = 0;
    if (!rc) rc = t.all ? plan_run(p) : look_again(p, &t, err);
    arena_clear(&t.arena);
    return rc;
}

/* What was planned, written as the adoption's. */
static int write_planned(struct pass *p, int64_t adoption) {
    struct plan_work *w = p->work;
    struct obligation **list = mem_realloc(NULL, 2 * (w->n + 1) * sizeof *list), **raised = list ? list + w->n + 1 : NULL;
    int rc = list ? 0 : error_memory(p->err);
    for (int insert = 0; !rc && insert < 2; insert++) {
        size_t n = 0, k = 0;
        for (size_t i = 0; !rc && i < w->n; i++) {
            const struct planned *d = &w->list[i];
            if (d->void_ || d->insert != (bool)insert) continue;
            d->o->pack = adoption;
            list[n++] = d->o;
            if (d->raised) raised[k++] = d->o;
            if (d->effect != PLAN_EFFECTS) rc = plan_count(p, d->effect, d->o->rule);
        }
        if (!rc) rc = book_raised(p->l, p->s, raised, k, p->err);
        if (!rc) rc = obligation_write(p->l, insert ? DB_INSERT : DB_UPDATE, DUTY_WHOLE, list, n, p->s->now, p->err);
    }
    mem_free(list);
    return rc;
}

void plan_work_free(struct plan_work *w) {
    if (!w) return;
    mem_free(w->list);
    duty_roll_clear(&w->roll);
    duty_roll_clear(&w->again);
    policy_free(w->policy);
    arena_clear(&w->arena);
    mem_free(w);
}

/* Duties as the adoption wants them, inside the open transaction. */
static int apply(struct ledger *l, const struct session *s, const struct adoption *a, struct plan_work *work, instant until, struct plan_diff *diff, struct error *err) {
    struct plan_work own = {0};
    struct pass p = {.l = l, .db = l->db, .s = s, .to = a->policy, .region = a->region, .work = work ? work : &own, .diff = diff, .err = err};
    p.roll = &p.work->roll;
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_ADOPT, .actor = s->account, .reason = s->reason, .reg = TEXT("adoption"), .record = a->id, .region = a->region};
    int rc = book_flush(l, s->now, err);
    p.now = ledger_policy(l, a->disease, a->region, day_of_instant(s->now, l->zone_s));
    if (!rc) rc = work ? renew(&p, a->id, until, err) : plan_run(&p);
    if (!rc) rc = write_planned(&p, a->id);
    diff->records = p.work->records;
    pass_clear(&p);
    duty_roll_clear(&own.roll);
    mem_free(own.list);
    arena_clear(&own.arena);
    book_reset(l);
    if (!rc) rc = region_keeps(l, s, a, err);
    if (!rc) rc = journal_append(&l->journal, &e, NULL, err);
    if (!rc) rc = mark_applied(l, a->id, err);
    return rc;
}

/* The same pack for the same region from the same day is in force already, unless another came between: a second record would say nothing new. One from before the
 * day of the plan in force would never be in force, and what it asks for would be owed beside it. */
static int adopted_already(const struct ledger *l, const struct session *s, struct text region, const struct policy *p, day from, struct error *err) {
    day today = day_of_instant(s->now, l->zone_s);
    const struct adoption *last = NULL, *now = from <= today ? ledger_policy(l, p->disease, region, today) : NULL;
    if (now && text_eq(now->region, region) && now->from > from) {
        char since[DAY_TEXT];
        day_format(now->from, since);
        return error_set(err, E_CONFLICT, "from_day", "%.*s is in force there from %s on: adopt from that day or a later one / 该地区自 %s 起执行 %.*s,起用日期不能早于该日", (int)now->pack.n, now->pack.s,
                         since, since, (int)now->pack.n, now->pack.s);
    }
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        if (a->from == from && text_eq(a->disease, p->disease) && text_eq(a->region, region)) last = a;
    }
    if (!last || !text_eq(last->pack, p->name) || !text_eq(last->policy->source_text, p->source_text)) return 0;
    return error_set(err, E_CONFLICT, "adoption", "%.*s is in force there from that day already (record %lld) / 该地区自该日起已采用 %.*s(记录 %lld)", (int)p->name.n, p->name.s,
                     (long long)last->id, (int)p->name.n, p->name.s, (long long)last->id);
}

static int pack_of(struct ledger *l, struct text name, struct policy **ret, struct error *err) {
    struct arena a = {0};
    char *dir = arena_printf(&a, "%s/policies", l->home);
    int rc = dir ? policy_load(l->catalog, dir, name, l->zone_s, ret, err) : error_memory(err);
    arena_clear(&a);
    return rc;
}

int plan_prepare(struct ledger *l, struct db *db, const struct session *s, const struct plan_adoption *want, struct plan_work **ret, struct error *err) {
    struct plan_diff none = {0};
    struct arena a = {0};
    struct value next = value_null();
    struct plan_work *w = mem_alloc(sizeof *w);
    if (!w) return error_memory(err);
    w->region = arena_text(&w->arena, want->region.n ? want->region : l->region);
    struct pass p = {.l = l, .db = db ? db : l->db, .s = s, .region = w->region, .work = w, .diff = &none, .roll = &w->roll, .err = err};
    int rc = w->region.s ? pack_of(l, want->pack, &w->policy, err) : error_memory(err);
    if (!rc) rc = adopted_already(l, s, w->region, w->policy, want->from, err);
    if (!rc) rc = db_scalar(p.db, &a, "SELECT \"next\" FROM \"journal_tip\" WHERE \"id\" = 1", NULL, 0, &next, err);
    w->seq = value_int_or(next, 1);
    w->stamp = l->shared_stamp;
    p.to = w->policy;
    w->computed = want->from <= day_of_instant(s->now, l->zone_s);
    if (!rc && w->computed) rc = plan_run(&p);
    if (!l->in_transaction) book_reset(l); /* what was looked at is true of now only */
    pass_clear(&p);
    plan_diff_clear(&none);
    arena_clear(&a);
    if (rc < 0) plan_work_free(w);
    else *ret = w;
    return rc;
}

/* The adoption's own record. */
static int draft_of(struct plan_work *w, const struct register_decl *reg, const struct plan_adoption *want, struct draft **ret, struct error *err) {
    unsigned char digest[DIGEST_BYTES];
    char *hex = arena_alloc(&w->arena, 2 * DIGEST_BYTES + 1);
    struct draft *d = draft_new(&w->arena, reg, DRAFT_CREATE);
    if (!d || !hex) return error_memory(err);
    digest_bytes(w->policy->source_text, digest);
    hex_of(digest, sizeof digest, hex);
    d->region = w->region;
    int rc = draft_put(d, "disease", value_text(w->policy->disease), err);
    if (!rc) rc = draft_put(d, "pack", value_text(w->policy->name), err);
    if (!rc) rc = draft_put(d, "digest", value_str(hex), err);
    if (!rc) rc = draft_put(d, "content", value_text(w->policy->source_text), err);
    if (!rc) rc = draft_put(d, "from_day", value_int(want->from), err);
    if (!rc) rc = draft_put(d, "reason", value_text(want->reason), err);
    if (!rc && want->approver.n) rc = draft_put(d, "approver", value_text(want->approver), err);
    int region = register_field(reg, TEXT("region"));
    if (!rc && region >= 0) d->values[region] = value_text(d->region);
    *ret = d;
    return rc;
}

int plan_apply(struct ledger *l, const struct session *s, const struct plan_adoption *want, struct plan_work *w, instant until, int64_t *ret_id, struct plan_diff *diff,
               struct error *err) {
    struct plan_diff done = {0};
    struct draft *d = NULL;
    const struct register_decl *reg = register_find(l->catalog, TEXT("adoption"));
    if (!reg) return error_set(err, E_UNKNOWN, "adoption", "the register is not declared");
    int rc = draft_of(w, reg, want, &d, err);
    if (!rc) rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = adopted_already(l, s, w->region, w->policy, want->from, err);
    if (!rc) rc = record_write(l, s, &d, 1, err);
    const struct adoption *made = rc ? NULL : ledger_adoption(l, d->ret_id);
    if (!rc && !made) rc = error_set(err, E_STORE, "adoption", "was recorded but cannot be found");
    if (!rc && w->computed) rc = apply(l, s, made, w, until, &done, err);
    rc = ledger_end(l, rc, s->now, err);
    if (!rc) *ret_id = d->ret_id;
    if (!rc && diff) *diff = done;
    else plan_diff_clear(&done);
    return rc;
}

int plan_adopt(struct ledger *l, const struct session *s, const struct plan_adoption *want, int64_t *ret_id, struct plan_diff *diff, struct error *err) {
    struct plan_work *w = NULL;
    struct db *db = NULL;
    if (!text_trim(want->reason).n) return error_set(err, E_USAGE, "--reason", "adopting a plan needs a reason / 启用方案须说明理由");
    int rc = ledger_reader(l, &db, err); /* beside whoever else writes */
    if (!rc) rc = ledger_refresh(l, err);
    if (!rc) rc = plan_prepare(l, db, s, want, &w, err);
    db_close(db);
    if (!rc) rc = plan_apply(l, s, want, w, s->now, ret_id, diff, err);
    plan_work_free(w);
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
        const struct adoption *come = &l->adoptions[i];
        struct plan_diff d = {0};
        /* its time has come and gone: a later one came too, in the same night */
        rc = ledger_policy(l, come->disease, come->region, today) == come ? apply(l, s, come, NULL, s->now, &d, err) : mark_applied(l, come->id, err);
        plan_diff_clear(&d);
        rc = ledger_end(l, rc, s->now, err);
        if (rc < 0) return rc;
        applied++;
    }
    *ret_applied = applied;
    return 0;
}

/* What a person owes once, however many records say it (policy.h: per_person). A plan is to leave one debt of it, as the facts did (ledger/obligation_fact.c): so what
 * all records of the person ask for is gathered before anything is said of it. Only of those with several records; of all others each record speaks for itself. */
#include "desks/plan_pass.h"

#include <stdio.h>

static bool owed_once(const struct policy *to, const struct register_decl *reg) {
    for (size_t i = 0; i < to->n_rules; i++)
        if (to->rules[i].on == reg && to->rules[i].per_person) return true;
    return false;
}

static void forget(struct pass *p) {
    p->several = p->once_by = (struct idmap){0};
    p->first = NULL;
    p->last = &p->first;
    arena_reset(&p->arena);
}

void pass_clear(struct pass *p) {
    arena_clear(&p->arena);
    p->first = NULL;
}

int once_begin(struct pass *p, const struct register_decl *reg) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct buf sql = {0};
    struct value params[2] = {value_text(p->region)};
    char end[REGION_MAX + 2];
    size_t n = p->region.n ? 1 : 0;
    forget(p);
    if (p->all_may || reg->holder_field < 0 || !owed_once(p->to, reg)) return 0;
    const char *person = reg->fields[reg->holder_field].name.s;
    buf_printf(&sql, "SELECT \"%s\" FROM \"%s\" WHERE \"%s\" IS NOT NULL", person, reg->name.s, person);
    if (n) buf_str(&sql, " AND \"region\" >= ?1");
    if (n && region_end(p->region, end)) {
        buf_str(&sql, " AND \"region\" < ?2");
        params[n++] = value_str(end);
    }
    buf_printf(&sql, " GROUP BY \"%s\" HAVING COUNT(*) > 1", person);
    int rc = sql.failed ? error_memory(p->err) : db_query(p->db, buf_cstr(&sql), params, n, &c, p->err);
    while (!rc && (rc = db_next(c, &row, p->err)) > 0) rc = idmap_put(&p->several, &p->arena, row[0].i, NULL) ? 0 : error_memory(p->err);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

int once_of(struct pass *p, const struct record *r, int rule, struct once **ret) {
    int64_t holder = obligation_holder(r);
    bool made = false;
    *ret = NULL;
    if (!p->to->rules[rule].per_person || holder == r->id || !(p->all_may || idmap_find(&p->several, holder))) return 0;
    struct idmap_slot *slot = idmap_put(&p->once_by, &p->arena, holder * RULES_MAX + rule, &made);
    struct once *x = !slot ? NULL : made ? arena_alloc(&p->arena, sizeof *x) : slot->value.p;
    if (!x) return error_memory(p->err);
    if (made) {
        *x = (struct once){.holder = holder};
        slot->value.p = x;
        *p->last = x;
        p->last = &x->next;
    }
    *ret = x;
    return 0;
}

static int stands_at(struct pass *p, struct once *x, const struct record *r) {
    x->at = (struct record){.reg = r->reg, .id = r->id, .region = arena_text(&p->arena, r->region), .number = arena_text(&p->arena, r->number)};
    return x->at.region.s && x->at.number.s ? 0 : error_memory(p->err);
}

int once_owed(struct pass *p, struct once *x, const struct record *r, struct obligation *o, bool *ret) {
    *ret = !x->o;
    if (x->o) return 0;
    x->o = o;
    return stands_at(p, x, r);
}

int once_wanted(struct pass *p, struct once *x, const struct record *r, const struct duty *wanted, const struct owner *owner, struct obligation *back) {
    const struct duty_rule *rule = &p->to->rules[wanted->rule];
    bool first = !x->wants, days = rule->timing == TIMING_DAYS && wanted->anchor > x->wanted.anchor, within = rule->timing == TIMING_WITHIN && wanted->due_at < x->wanted.due_at;
    if (first || days || within) x->wanted = *wanted;
    x->wants = true;
    if (!owner || (x->gains && (!back || x->back))) return 0;
    x->gains = true;
    x->back = back;
    x->owner = *owner;
    x->owner.region = arena_text(&p->arena, owner->region);
    return x->owner.region.s ? stands_at(p, x, r) : error_memory(p->err);
}

int once_finish(struct pass *p) {
    int rc = 0;
    for (struct once *x = p->first; !rc && x; x = x->next) {
        if (x->o)
            rc = x->wants ? plan_keep(p, &x->at, x->o, &x->wanted) : plan_lose(p, &x->at, x->o);
        else if (x->gains && !x->settled)
            rc = plan_gain(p, &x->at, x->holder, &x->wanted, &x->owner, x->back);
    }
    forget(p);
    return rc;
}

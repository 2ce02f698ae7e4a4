/* What writing one record does to others: declared effects, and cells that were copied. */
#include "ledger/apply.h"

/* A change that its own record refuses does not happen; anything else ends the batch. */
static int try_change(struct apply *x, struct draft *d, struct error *err) {
    struct error why = {0};
    d->prepared = true;
    int rc = apply_change(x, d, d->id, &why);
    if (rc >= 0 || apply_is_result(rc)) return 0;
    if (err) *err = why;
    return rc;
}

int apply_effects(struct apply *x, const struct record *r, struct error *err) {
    const struct reg_table *t = x->l->tables[r->reg->order];
    struct expr_scope scope = {.values = r->values, .id = r->id, .number = r->number, .state = r->state, .region = r->region, .version = r->version,
                               .now = x->s->now, .today = day_of_instant(x->s->now, x->l->zone_s)};
    for (size_t i = 0; i < r->reg->n_effects; i++) {
        const struct effect *effect = &r->reg->effects[i];
        int f = register_field(r->reg, effect->field);
        if (r->values[f].kind != VALUE_INT || expr_eval(t->effects[i], &scope) != TRUTH_TRUE) continue;
        const struct register_decl *target = register_find(x->l->catalog, r->reg->fields[f].target);
        struct entry *e = NULL;
        int rc = apply_entry(x, x->l->tables[target->order], r->values[f].i, &e, err);
        if (rc < 0) return rc;
        int to = register_state(target, effect->to);
        if (!e || text_eq(e->record.state, effect->to) || !apply_may_move(target, x->s, register_state(target, e->record.state), to, e->record.region)) continue;
        struct draft *d = draft_new(&x->arena, target, DRAFT_CHANGE);
        if (!d) return error_memory(err);
        d->id = e->record.id;
        d->state = effect->to;
        rc = try_change(x, d, err);
        if (rc < 0) return rc;
    }
    return 0;
}

/* ---- copies */

/* Of a copied field: did its source change to another value? References are not followed: whose a record is, is not corrected from afar. */
static bool moved(const struct field *f, const struct record *r, const struct record *before) {
    return f->copy_reference >= 0 && f->type != FIELD_REFERENCE && value_given(r->values[f->copy_field]) &&
           !value_eq(r->values[f->copy_field], before->values[f->copy_field]);
}

static int follow(struct apply *x, const struct record *led, int reference, const struct record *r, const struct record *before, struct error *err) {
    const struct register_decl *reg = led->reg;
    struct draft *d = draft_new(&x->arena, reg, DRAFT_CHANGE);
    bool any = false;
    if (!d) return error_memory(err);
    d->id = led->id;
    d->by_desk = true; /* nobody's own word: what the record it comes from was allowed to say */
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (f->copy_reference != reference || !moved(f, r, before)) continue;
        if (value_given(led->values[i]) && !value_eq(led->values[i], before->values[f->copy_field])) continue; /* its own word */
        d->values[i] = r->values[f->copy_field];
        any = true;
    }
    return any ? try_change(x, d, err) : 0;
}

static int follow_by(struct apply *x, const struct register_decl *reg, int reference, const struct record *r, const struct record *before, struct error *err) {
    struct record *led = NULL;
    size_t n = 0;
    int rc = record_referring(x->l, reg, (size_t)reference, r->id, &x->arena, &led, &n, err);
    if (!rc) rc = apply_expect(x, x->l->tables[reg->order], led, n, err);
    for (size_t i = 0; !rc && i < n; i++) rc = follow(x, &led[i], reference, r, before, err);
    return rc;
}

int apply_copies_follow(struct apply *x, const struct record *r, const struct record *before, struct error *err) {
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    const struct session *asker = x->s;
    struct session own = *asker; /* whoever may correct the record corrects what was copied from it; the journal names him */
    int rc = 0;
    own.n_grants = 1;
    own.grants = &everything;
    x->s = &own;
    for (size_t g = 0; !rc && g < x->l->catalog->n_registers; g++) {
        const struct reg_table *t = x->l->tables[g];
        int last = -1;
        for (size_t i = 0; !rc && t->has_copies && i < t->reg->n_fields; i++) {
            const struct field *f = &t->reg->fields[i];
            if (f->copy_reference < 0 || f->copy_reference == last || t->targets[f->copy_reference] != r->reg || !moved(f, r, before)) continue;
            last = f->copy_reference; /* all cells copied by one reference go together */
            rc = follow_by(x, t->reg, last, r, before, err);
        }
    }
    x->s = asker;
    return rc;
}

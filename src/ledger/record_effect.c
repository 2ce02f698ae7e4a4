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

/* What follows from a record that somebody was allowed to write is nobody's own word: it happens whoever wrote it, and the journal names him. */
static struct session follows(const struct session *asker) {
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    struct session own = *asker;
    own.n_grants = 1;
    own.grants = &everything;
    return own;
}

/* ---- effects */

static bool says(const struct apply *x, const struct record *r, size_t i) {
    struct expr_scope scope = record_scope(x->l, x->s->now, r);
    return expr_eval(x->l->tables[r->reg->order]->effects[i], &scope) == TRUTH_TRUE;
}

static struct value whom(const struct record *r, size_t i) {
    return r->values[register_field(r->reg, r->reg->effects[i].field)];
}

static const struct register_decl *target_of(const struct apply *x, const struct register_decl *reg, size_t i) {
    return x->l->tables[reg->order]->targets[register_field(reg, reg->effects[i].field)];
}

static struct value person_of(const struct record *r) {
    return r->reg->person_field >= 0 ? r->values[r->reg->person_field] : value_null();
}

/* The records of this register about that person. A person of this call of whom it has none costs nothing. */
static int of_person(struct apply *x, const struct register_decl *reg, struct value person, struct record **ret, size_t *ret_n, struct error *err) {
    *ret_n = 0;
    if (reg->person_field < 0 || person.kind != VALUE_INT || (person.i >= x->first_id && !apply_table_of(x, reg)->first)) return 0;
    return record_referring(x->l, reg, (size_t)reg->person_field, person.i, &x->arena, ret, ret_n, err);
}

static int go(struct apply *x, const struct record *r, struct text to, bool back, struct error *err) {
    if (text_eq(r->state, to) || (!back && !apply_may_move(r->reg, x->s, register_state(r->reg, r->state), register_state(r->reg, to), r->region))) return 0;
    struct draft *d = draft_new(&x->arena, r->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = r->id;
    d->state = to;
    d->back = back;
    return try_change(x, d, err);
}

/* Is there another record than this one that says so of the target? */
static int other_says(struct apply *x, const struct record *r, size_t i, const struct record *target, bool *ret, struct error *err) {
    struct record *list = NULL;
    size_t n = 0;
    int rc = of_person(x, r->reg, person_of(target), &list, &n, err);
    for (size_t k = 0; !rc && !*ret && k < n; k++) {
        struct value named = whom(&list[k], i);
        *ret = list[k].id != r->id && (named.kind != VALUE_INT || named.i == target->id) && says(x, &list[k], i);
    }
    return rc;
}

static int one_target(struct apply *x, const struct record *r, size_t i, const struct record *target, bool gone, struct error *err) {
    const struct effect *e = &r->reg->effects[i];
    bool stands = false;
    if (!gone) return go(x, target, e->to, false, err);
    if (!e->back.n || !text_eq(target->state, e->to)) return 0;
    int rc = other_says(x, r, i, target, &stands, err);
    return rc || stands ? rc : go(x, target, e->back, true, err);
}

/* The one it names, else those of its person. */
static int each_target(struct apply *x, const struct record *r, size_t i, bool gone, struct error *err) {
    const struct register_decl *target = target_of(x, r->reg, i);
    struct value named = whom(r, i);
    struct record *list = NULL;
    struct entry *e = NULL;
    size_t n = 0;
    if (named.kind == VALUE_INT) {
        int rc = apply_entry(x, x->l->tables[target->order], named.i, &e, err);
        return rc < 0 || !e || e->write == ENTRY_DELETE || e->write == ENTRY_NEVER ? rc : one_target(x, r, i, &e->record, gone, err);
    }
    int rc = of_person(x, target, person_of(r), &list, &n, err);
    if (!rc && n) rc = apply_expect(x, x->l->tables[target->order], list, n, err);
    for (size_t k = 0; !rc && k < n; k++) rc = one_target(x, r, i, &list[k], gone, err);
    return rc;
}

/* What others of its person, told before it was made, do to the new record. */
static int others_move(struct apply *x, const struct record *r, struct error *err) {
    const struct reg_table *t = x->l->tables[r->reg->order];
    int rc = 0;
    for (size_t m = 0; !rc && m < t->n_movers; m++) {
        const struct register_decl *reg = t->movers[m].reg;
        size_t i = t->movers[m].effect, n = 0;
        struct record *list = NULL;
        rc = of_person(x, reg, person_of(r), &list, &n, err);
        for (size_t k = 0; !rc && k < n; k++)
            if (whom(&list[k], i).kind != VALUE_INT && says(x, &list[k], i)) rc = go(x, r, reg->effects[i].to, false, err);
    }
    return rc;
}

int apply_effects(struct apply *x, const struct record *r, const struct record *before, bool gone, struct error *err) {
    const struct session *asker = x->s;
    struct session own = follows(asker);
    int rc = 0;
    x->s = &own;
    for (size_t i = 0; !rc && i < r->reg->n_effects; i++)
        if (says(x, r, i) && !(before && says(x, before, i))) rc = each_target(x, r, i, gone, err);
    if (!rc && !before && !gone) rc = others_move(x, r, err);
    x->s = asker;
    return rc;
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
    const struct session *asker = x->s;
    struct session own = follows(asker);
    int rc = 0;
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

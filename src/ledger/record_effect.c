/* What writing one record does to others: declared effects, and cells that were copied. */
#include "ledger/apply.h"
#include "ledger/effect.h"

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

static const struct effect_bound *bound(const struct apply *x, const struct register_decl *reg, size_t i) {
    return &x->l->tables[reg->order]->effects[i];
}

static bool says(const struct apply *x, const struct record *r, size_t i) {
    struct expr_scope scope = record_scope(x->l, x->s->now, r);
    return expr_eval(bound(x, r->reg, i)->when, &scope) == TRUTH_TRUE;
}

static struct value whom(const struct apply *x, const struct record *r, size_t i) {
    return r->values[bound(x, r->reg, i)->field];
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

static bool may_go(const struct apply *x, const struct record *r, struct text to) {
    return !text_eq(r->state, to) && apply_may_move(r->reg, x->s, register_state(r->reg, r->state), register_state(r->reg, to), r->region);
}

/* by: the field where it is written who moved it, -1 nowhere. */
static int go(struct apply *x, const struct record *r, struct text to, bool back, int by, struct value who, struct error *err) {
    if (text_eq(r->state, to) || (!back && !may_go(x, r, to))) return 0;
    struct draft *d = draft_new(&x->arena, r->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = r->id;
    d->state = to;
    d->back = back;
    if (by >= 0) d->values[by] = who;
    return try_change(x, d, err);
}

/* Is there another record than this one that says so of the target? */
static int other_says(struct apply *x, const struct record *r, size_t i, const struct record *target, bool *ret, struct error *err) {
    struct record *list = NULL;
    size_t n = 0;
    int rc = of_person(x, r->reg, person_of(target), &list, &n, err);
    for (size_t k = 0; !rc && !*ret && k < n; k++) {
        struct value named = whom(x, &list[k], i);
        *ret = list[k].id != r->id && (named.kind != VALUE_INT || named.i == target->id) && says(x, &list[k], i);
    }
    return rc;
}

static int one_target(struct apply *x, const struct record *r, size_t i, const struct record *target, bool gone, struct error *err) {
    const struct effect *e = &r->reg->effects[i];
    bool stands = false;
    if (!gone) return go(x, target, e->to, false, -1, value_null(), err);
    if (!e->back.n || !text_eq(target->state, e->to)) return 0;
    int rc = other_says(x, r, i, target, &stands, err);
    return rc || stands ? rc : go(x, target, e->back, true, -1, value_null(), err);
}

/* The one it names, else those of its person. */
static int each_target(struct apply *x, const struct record *r, size_t i, bool gone, struct error *err) {
    const struct register_decl *target = bound(x, r->reg, i)->target;
    struct value named = whom(x, r, i);
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

/* ---- effects on one of the person's */

static const struct record *moved_by(const struct effect_bound *b, const struct record *list, size_t n, int64_t id) {
    for (size_t k = 0; k < n; k++)
        if (list[k].values[b->by].kind == VALUE_INT && list[k].values[b->by].i == id) return &list[k];
    return NULL;
}

/* Whether what was expected can be this record, and how far apart the two are. */
static bool fits(const struct effect_bound *b, const struct record *expected, const struct record *r, int64_t *ret_apart) {
    int asked = expected->reg->date_field;
    struct value on = r->values[r->reg->date_field], since = asked >= 0 ? expected->values[asked] : value_null();
    struct value at = b->at >= 0 ? expected->values[b->at] : value_null();
    if (on.kind != VALUE_INT || (since.kind == VALUE_INT && expected->reg->fields[asked].type == FIELD_INSTANT && since.i > on.i)) return false;
    if (b->same >= 0 && value_given(expected->values[b->same]) && value_given(r->values[b->same_mine]) && !value_eq(expected->values[b->same], r->values[b->same_mine])) return false;
    *ret_apart = at.kind != VALUE_INT ? INT64_MAX : at.i > on.i ? at.i - on.i : on.i - at.i;
    return at.kind != VALUE_INT || *ret_apart <= b->within_s;
}

static bool waits(const struct apply *x, const struct effect_bound *b, const struct effect *e, const struct record *expected) {
    return !value_given(expected->values[b->by]) && may_go(x, expected, e->to);
}

/* What was told before it was expected here: the nearest of those that have moved nothing. */
static int told_already(struct apply *x, const struct register_decl *reg, size_t i, const struct record *expected, struct error *err) {
    const struct effect_bound *b = bound(x, reg, i);
    struct record *told = NULL, *list = NULL, *best = NULL;
    size_t n = 0, n_list = 0;
    int64_t nearest = 0, apart = 0;
    if (!waits(x, b, &reg->effects[i], expected)) return 0;
    int rc = of_person(x, reg, person_of(expected), &told, &n, err);
    if (!rc && n) rc = of_person(x, b->target, person_of(expected), &list, &n_list, err);
    for (size_t k = 0; !rc && k < n; k++) {
        if (!fits(b, expected, &told[k], &apart) || (best && apart >= nearest) || !says(x, &told[k], i) || moved_by(b, list, n_list, told[k].id)) continue;
        best = &told[k];
        nearest = apart;
    }
    return rc || !best ? rc : go(x, expected, reg->effects[i].to, false, b->by, value_int(best->id), err);
}

static int give_back(struct apply *x, const struct record *r, size_t i, const struct record *expected, struct error *err) {
    const struct effect_bound *b = bound(x, r->reg, i);
    const struct effect *e = &r->reg->effects[i];
    struct entry *now = NULL;
    if (!e->back.n || !text_eq(expected->state, e->to)) return 0;
    int rc = go(x, expected, e->back, true, b->by, value_null(), err);
    if (!rc) rc = apply_entry(x, x->l->tables[b->target->order], expected->id, &now, err);
    return rc || !now ? rc : told_already(x, r->reg, i, &now->record, err);
}

/* Moves the one that is nearest, unless it has moved one; that one goes back when it is not what was expected any more. */
static int nearest_target(struct apply *x, const struct record *r, const struct record *before, size_t i, bool stands, struct error *err) {
    const struct effect_bound *b = bound(x, r->reg, i);
    const struct effect *e = &r->reg->effects[i];
    struct record *list = NULL, *others = NULL;
    size_t n = 0, n_others = 0;
    int64_t nearest = 0, apart = 0;
    struct apply_table *at = apply_table_of(x, b->target);
    if (!at->ahead) at->ahead = SIZE_MAX / 2; /* each of the batch asks: they are asked for together */
    int rc = of_person(x, b->target, person_of(r), &list, &n, err);
    if (!rc && before && !value_eq(person_of(before), person_of(r))) rc = of_person(x, b->target, person_of(before), &others, &n_others, err);
    const struct record *moved = moved_by(b, list, n, r->id), *best = NULL;
    if (rc < 0 || (moved && stands && fits(b, moved, r, &apart)) || moved_by(b, others, n_others, r->id)) return rc;
    if (moved) rc = give_back(x, r, i, moved, err);
    for (size_t k = 0; !rc && stands && k < n; k++) {
        if (!waits(x, b, e, &list[k]) || !fits(b, &list[k], r, &apart) || (best && apart >= nearest)) continue;
        best = &list[k];
        nearest = apart;
    }
    return rc || !best ? rc : go(x, best, e->to, false, b->by, value_int(r->id), err);
}

/* Does the record say otherwise than before which one it is? */
static bool says_otherwise(const struct effect_bound *b, const struct record *r, const struct record *before) {
    return !value_eq(person_of(r), person_of(before)) || !value_eq(r->values[r->reg->date_field], before->values[r->reg->date_field]) ||
           (b->same_mine >= 0 && !value_eq(r->values[b->same_mine], before->values[b->same_mine]));
}

/* What others of its person, told before it was made, do to the new record. */
static int others_move(struct apply *x, const struct record *r, bool made, struct error *err) {
    const struct reg_table *t = x->l->tables[r->reg->order];
    int rc = 0;
    for (size_t m = 0; !rc && m < t->n_movers; m++) {
        const struct register_decl *reg = t->movers[m].reg;
        size_t i = t->movers[m].effect, n = 0;
        struct record *list = NULL;
        if (bound(x, reg, i)->field < 0) {
            rc = told_already(x, reg, i, r, err);
            continue;
        }
        if (made) rc = of_person(x, reg, person_of(r), &list, &n, err);
        for (size_t k = 0; !rc && k < n; k++)
            if (whom(x, &list[k], i).kind != VALUE_INT && says(x, &list[k], i)) rc = go(x, r, reg->effects[i].to, false, -1, value_null(), err);
    }
    return rc;
}

int apply_effects(struct apply *x, const struct record *r, const struct record *before, bool gone, struct error *err) {
    const struct session *asker = x->s;
    struct session own = follows(asker);
    int rc = 0;
    x->s = &own;
    for (size_t i = 0; !rc && i < r->reg->n_effects; i++) {
        const struct effect_bound *b = bound(x, r->reg, i);
        bool stands = says(x, r, i), stood = before && says(x, before, i);
        if (b->field >= 0 && stands && !stood) rc = each_target(x, r, i, gone, err);
        if (b->field < 0 && (stands != stood || (stands && says_otherwise(b, r, before)))) rc = nearest_target(x, r, before, i, stands && !gone, err);
    }
    bool whose = before && !value_eq(person_of(r), person_of(before)); /* of another person now */
    if (!rc && !gone && (!before || whose)) rc = others_move(x, r, !before, err);
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

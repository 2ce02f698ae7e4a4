#include "ledger/effect.h"

#include <stdio.h>

#include "ledger/catalog.h"

int effect_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    static const char *const keys[] = {"when", "moves", "to", "back", "at", "within", "same", "by", NULL};
    const struct yaml *list;
    int rc = declare_list(&c->arena, root, "effects", sizeof *r->effects, &list, &r->effects, err);
    for (size_t i = 0; !rc && list && i < list->n; i++) {
        const struct yaml *one = list->items[i];
        struct effect *e = &r->effects[i];
        struct text within = {0};
        rc = yaml_only(one, keys, err);
        if (!rc) rc = declare_text(one, "when", true, &e->when, err);
        if (!rc) rc = declare_text(one, "by", false, &e->by, err);
        if (!rc) rc = e->by.n ? declare_text(one, "moves", true, &e->moves, err) : declare_reference(r, one, "moves", &e->moves, err);
        if (!rc) rc = declare_text(one, "to", true, &e->to, err);
        if (!rc) rc = declare_text(one, "back", false, &e->back, err);
        if (!rc) rc = declare_text(one, "at", false, &e->at, err);
        if (!rc) rc = declare_text(one, "same", false, &e->same, err);
        if (!rc) rc = declare_text(one, "within", e->at.n > 0, &within, err);
        if (!rc && within.n && !duration_parse(within, &e->within_s)) rc = yaml_error(yaml_get(one, "within"), err, E_INVALID, "is no duration, such as 2h or 7d / 不是时长,如 2h 或 7d");
        if (!rc && !e->by.n && (e->at.n || e->same.n || within.n)) rc = yaml_error(one, err, E_INVALID, "at, within and same need by / at、within、same 须与 by 同用");
        e->line = one->line;
        if (!rc) r->n_effects = i + 1;
    }
    return rc;
}

/* One of a register about the same person: both must say when. */
static bool bind_one(const struct register_decl *reg, const struct effect *e, struct effect_bound *b) {
    const struct register_decl *to = b->target;
    bool bad = false;
    b->by = register_field_of(to, e->by, 1u << FIELD_REFERENCE, &bad);
    b->at = register_field_of(to, e->at, 1u << FIELD_INSTANT, &bad);
    b->same = register_field_of(to, e->same, UINT32_MAX, &bad);
    b->same_mine = register_field_of(reg, e->same, UINT32_MAX, &bad);
    b->within_s = e->within_s;
    return !bad && text_eq(to->fields[b->by].target, reg->name) && reg->person_field >= 0 && to->person_field >= 0 && reg->date_field >= 0 && reg->fields[reg->date_field].type == FIELD_INSTANT;
}

int effect_bind(struct arena *a, const struct catalog *c, struct reg_table *t, int32_t zone_s, struct error *err) {
    const struct register_decl *reg = t->reg;
    t->effects = arena_alloc(a, (reg->n_effects + 1) * sizeof *t->effects);
    if (!t->effects) return error_memory(err);
    for (size_t i = 0; i < reg->n_effects; i++) {
        const struct effect *e = &reg->effects[i];
        struct effect_bound *b = &t->effects[i];
        char where[ERROR_WHERE_MAX];
        snprintf(where, sizeof where, "%s:%d", reg->file ? reg->file : reg->name.s, e->line);
        b->field = e->by.n ? -1 : register_field(reg, e->moves);
        b->target = e->by.n ? register_find(c, e->moves) : t->targets[b->field];
        b->by = b->at = b->same = b->same_mine = -1;
        const struct register_decl *to = b->target;
        if (!to || register_state(to, e->to) < 0 || (e->back.n && register_state(to, e->back) < 0) || (e->by.n && !bind_one(reg, e, b)))
            return error_set(err, E_UNKNOWN, where, "effects: %s has no such state, field or person / 登记册没有此状态、字段或人员", to ? to->name.s : e->moves.s);
        int rc = expr_parse(a, e->when, reg, zone_s, &b->when, err);
        if (rc < 0) {
            error_within(err, where);
            return rc;
        }
    }
    return 0;
}

int effect_sets(const struct register_decl *reg, const struct record *before, struct record *now, bool *changed) {
    int from = register_state(reg, before->state), to = register_state(reg, now->state), n = 0;
    for (size_t i = 0; i < reg->n_moves; i++) {
        const struct move *m = &reg->moves[i];
        if (m->sets < 0 || m->to != to || (m->from >= 0 && m->from != from) || value_eq(now->values[m->sets], m->value)) continue;
        now->values[m->sets] = m->value;
        n += !changed[m->sets];
        changed[m->sets] = true;
    }
    return n;
}

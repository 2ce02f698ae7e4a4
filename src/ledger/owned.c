#include "ledger/owned.h"

enum { OWNED_CELLS = 6, OWNED_STATES = 4 };

/* What only a desk writes: some cells, some states, and why another is told no. */
static const struct owned {
    const char *reg, *cells[OWNED_CELLS], *states[OWNED_STATES], *why;
} owned[] = {
    {"daily_report",
     {"figures", "as_of", "first_approver", "second_approver"},
     {"approved-first", "approved", "published"},
     "only the bulletin desk writes this: freeze, approve, publish / 只能由通报席位通过定稿、审批、发布办理"},
    {"tube",
     {"result", "result_at", "verdict", "released_at", "traced_at", "came_in"},
     {"tested", "released"},
     "only the laboratory's desk writes this: results, release, correct / 只能由实验室席位通过录入、审核、更正办理"},
    {"tube_result", {"tube", "outcome"}, {NULL}, "only the laboratory's desk writes this: the results of a run / 只能由实验室席位通过录入批次结果办理"},
    {"lab_run", {"reviewer", "reviewed_at", "operator", "control_wells"}, {"valid"}, "only the laboratory's desk writes this: results, release / 只能由实验室席位通过录入、审核办理"},
    {"swab", {"result", "told_at"}, {NULL}, "a swab has the result of its tube / 采样记录的结果随管结果"},
};

static const struct owned *owned_find(struct text reg) {
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (text_is(reg, owned[i].reg)) return &owned[i];
    return NULL;
}

int owned_check(const struct draft *d, const struct record *before, const struct record *after, struct error *err) {
    const struct owned *o = d->by_desk ? NULL : owned_find(d->reg->name);
    if (!o) return 0;
    for (size_t i = 0; i < OWNED_CELLS && o->cells[i]; i++) {
        int f = register_field(d->reg, text_of(o->cells[i]));
        if (f < 0) continue;
        struct value v = after->values[f], was = before ? before->values[f] : value_null();
        bool usual = !before && (!value_given(d->values[f]) || value_eq(v, d->reg->fields[f].fallback)); /* as every new one has it, or as it is copied */
        if (!usual && !value_eq(v, was)) return error_set(err, E_DENIED, o->cells[i], "%s", o->why);
    }
    if (before && text_eq(before->state, after->state)) return 0;
    for (size_t i = 0; i < OWNED_STATES && o->states[i]; i++)
        if (text_is(after->state, o->states[i])) return error_set(err, E_DENIED, "state", "%s", o->why);
    return 0;
}

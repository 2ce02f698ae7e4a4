#include "ledger/owned.h"

static int denied(const char *where, struct error *err) {
    return error_set(err, E_DENIED, where, "only the bulletin desk writes this: freeze, approve, publish / 只能由通报席位通过定稿、审批、发布办理");
}

int owned_check(const struct draft *d, const struct record *before, const struct record *after, struct error *err) {
    static const char *const cells[] = {"figures", "as_of", "first_approver", "second_approver"};
    static const char *const states[] = {"approved-first", "approved", "published"};
    if (d->by_desk || !text_is(d->reg->name, "daily_report")) return 0;
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        int f = register_field(d->reg, text_of(cells[i]));
        if (f < 0) continue;
        if (!value_eq(after->values[f], before ? before->values[f] : value_null())) return denied(cells[i], err);
    }
    if (before && text_eq(before->state, after->state)) return 0;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (text_is(after->state, states[i])) return denied("state", err);
    return 0;
}

/* A row that means a known person: which of its cells are taken. */
#include "desks/intake/match.h"

static void leave(struct draft *d, const char *const *names) {
    for (; *names; names++) {
        int f = register_field(d->reg, text_of(*names));
        if (f >= 0) d->values[f] = (struct value){.kind = VALUE_ABSENT};
    }
}

static const char *const document[] = {"doc_type", "doc_no", NULL};
static const char *const identity[] = {"name", "sex", "birth", NULL};
static const char *const phone[] = {"phone", NULL};

static uint64_t bits(const struct register_decl *reg, const char *const *names) {
    uint64_t mask = 0;
    for (; *names; names++) {
        int f = register_field(reg, text_of(*names));
        if (f >= 0 && f < 63) mask |= (uint64_t)1 << f;
    }
    return mask;
}

/* The row means a known person: who he is stays as it is known; what the row says otherwise is kept beside it, and so is a phone that gives way to another. */
void match_as_known(struct draft *d, enum match_kind kind) {
    int to = register_field(d->reg, TEXT("also_given"));
    if (kind == MATCH_DOCUMENT) leave(d, document);
    if (kind != MATCH_DOCUMENT) leave(d, phone);
    if (to < 0) {
        leave(d, identity);
        return;
    }
    d->aside_to = to;
    d->aside = bits(d->reg, identity);
    d->aside_old = kind == MATCH_DOCUMENT ? bits(d->reg, phone) : 0;
}

/* ledger: what a session may be told of, compiled. access_check answers one question of one record; who listens to every fact (feed.h) asks
 * it a million times, so the grants and the listener's own selection become a few (region, set of registers) pairs once. Frozen: any thread
 * asks it. Means exactly what access_check means (a test compares them). */
#ifndef TOCSIN_LEDGER_ACCESS_VIEW_H
#define TOCSIN_LEDGER_ACCESS_VIEW_H

#include "ledger/access.h"

struct access_view;

/* What is wanted of what is allowed; zero is all of it. */
struct access_selection {
    size_t n_registers;
    const struct text *registers; /* names; none: every register */
    struct text desk;             /* registers of one desk */
    struct text region;           /* canonical subtree */
};

/* Errors: E_UNKNOWN a register or desk that is not there, E_INVALID a region that is none, E_DENIED nothing of what is wanted may be seen.
 * Owned: access_view_free. Cost: grants x registers. */
int access_view_new(const struct session *s, const struct catalog *c, const struct access_selection *want, struct access_view **ret, struct error *err);
void access_view_free(struct access_view *v);
/* ACCESS_READ or ACCESS_WATCH of a register (its order; -1 for what belongs to none, which can only be watched) in a region. */
bool access_view_sees(const struct access_view *v, enum access_verb verb, int reg_order, struct text region);
/* Two sessions of the same rights and the same wish have equal views. */
bool access_view_eq(const struct access_view *a, const struct access_view *b);
int64_t access_view_hash(const struct access_view *v);
size_t access_view_bytes(const struct access_view *v);

#endif

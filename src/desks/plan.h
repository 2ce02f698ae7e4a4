/* desks: which plan is in force. Compares two packs on the live data, and adopts one: shown first, then applied in one transaction. */
#ifndef TOCSIN_DESKS_PLAN_H
#define TOCSIN_DESKS_PLAN_H

#include "ledger/obligation.h"

enum plan_effect { PLAN_GAIN, PLAN_LOSE, PLAN_SOONER, PLAN_LATER, PLAN_EFFECTS };

/* What a change of pack does to one duty. */
struct plan_change {
    enum plan_effect effect;
    const struct register_decl *reg;
    int64_t record, holder;
    struct text region, number, rule;
    instant old_due, new_due; /* INSTANT_NONE when there is none */
};

struct plan_count {
    struct text rule;
    int64_t n[PLAN_EFFECTS];
};

struct plan_diff {
    struct arena arena;
    int64_t records;         /* looked at */
    size_t n;
    struct plan_count *rules;
    int64_t total[PLAN_EFFECTS];
};

/* Compares what is owed now in a region for the new pack's disease with what it would oblige. visit (may be NULL) gets every change
 * in record order, those of what somebody with several records owes once (per_person) after the others of their register. Reads through db (NULL: the ledger's own). Cost: one pass over the records of the registers that either pack concerns and their duties. */
int plan_compare(struct ledger *l, struct db *db, const struct session *s, const struct policy *to, struct text region,
                 int (*visit)(const struct plan_change *c, void *arg), void *arg, struct plan_diff *ret, struct error *err);
void plan_diff_clear(struct plan_diff *d);

struct plan_adoption {
    struct text pack;      /* name of a pack in policies/ */
    struct text region;    /* "" : the node's */
    day from;
    struct text reason, approver;
};
/* Adopting in two steps, so that nobody waits while it is worked out. plan_prepare, on any ledger, reads through db (NULL: the ledger's own) what every duty will be;
 * *ret owned: plan_work_free. plan_apply, on the ledger that writes, records the adoption and changes the duties in one transaction; what was touched in between,
 * by facts or by passes of the clock up to `until`, it works out again, so that the duties are as if nobody had written meanwhile (or, where the whole changed, it works out
 * all of it). diff (may be NULL) receives what was done. E_CONFLICT: the same pack, unchanged, is what that region follows from that day on, or
 * the plan in force there is from a later day. A region below with a plan of its own for the disease keeps it: nothing there is looked at. */
struct plan_work;
int plan_prepare(struct ledger *l, struct db *db, const struct session *s, const struct plan_adoption *want, struct plan_work **ret, struct error *err);
int plan_apply(struct ledger *l, const struct session *s, const struct plan_adoption *want, struct plan_work *w, instant until, int64_t *ret_id, struct plan_diff *diff,
               struct error *err);
void plan_work_free(struct plan_work *w);
/* Both, for who has a ledger of his own. */
int plan_adopt(struct ledger *l, const struct session *s, const struct plan_adoption *a, int64_t *ret_id, struct plan_diff *diff, struct error *err);
/* Applies adoptions whose day has come since (called by the clock). */
int plan_catch_up(struct ledger *l, const struct session *s, int64_t *ret_applied, struct error *err);

#endif

/* desks, private to plan*.c: one pass over the records that a plan concerns and their duties. plan.c looks at them, plan_once.c at what somebody with several records
 * owes once, plan_apply.c writes what came out. */
#ifndef TOCSIN_DESKS_PLAN_PASS_H
#define TOCSIN_DESKS_PLAN_PASS_H

#include "base/idmap.h"
#include "desks/plan.h"

enum { RULES_MAX = 64 };

/* A duty as it will be, and what that is to whoever owes it; effect PLAN_EFFECTS: nothing that is told. */
struct planned {
    struct obligation *o;
    enum plan_effect effect;
    instant woke;                 /* when the clock was to look at it, as it was; INSTANT_NONE: never */
    bool insert, void_;           /* void: its record was touched since, and has been looked at again */
    bool raised;                  /* facts that are there already may pay it */
};

struct plan_work {
    struct arena arena;
    struct duty_roll roll, again; /* what was there; what of it was read anew */
    struct text region;
    struct policy *policy;
    struct planned *list;
    size_t n, cap;
    int64_t seq, stamp, records;  /* the journal and what is shared, as they were before the first record was read */
    bool computed;
};

/* What somebody with several records owes once (per_person): due as the first of them says, on the days that the last exposure says. */
struct once {
    struct once *next;
    struct record at;             /* which record it is, or will be, told of; no cells */
    int64_t holder;
    struct obligation *o, *back;  /* as it is owed; as a plan before took it back. NULL: not */
    struct duty wanted;
    struct owner owner;
    bool wants, gains, settled;   /* a record asks for it; who does not owe it yet may; it is closed */
};

/* One pass over registers: their records and the duties of all, both in record order. */
struct pass {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct policy *to;
    struct text region;
    const struct adoption *now;   /* in force today, NULL none */
    struct plan_work *work;       /* what to write; NULL: only compare */
    struct plan_diff *diff;
    int (*visit)(const struct plan_change *c, void *arg);
    void *arg;
    struct duty_roll *roll;
    size_t at;                    /* the next duty */
    struct error *err;
    struct arena arena;           /* of the four below; pass_clear */
    bool all_may;                 /* everybody may have several records */
    struct idmap several;         /* who has several of the register that is passed */
    struct idmap once_by;         /* holder and rule -> struct once */
    struct once *first, **last;
};

/* Frees what plan_run and once_* keep. */
void pass_clear(struct pass *p);
bool plan_concerns(const struct pass *p, const struct register_decl *reg);
int plan_count(struct pass *p, enum plan_effect effect, struct text rule);
/* All records and duties of the region; then one record more (plan_look, ascending; once_finish after the last). */
int plan_run(struct pass *p);
int plan_look(const struct record *r, void *arg);

/* What comes of a duty: it is there and the plan asks for it (otherwise), it is not asked for any more, it is not there. */
int plan_keep(struct pass *p, const struct record *r, struct obligation *o, const struct duty *wanted);
int plan_lose(struct pass *p, const struct record *r, struct obligation *o);
int plan_gain(struct pass *p, const struct record *r, int64_t holder, const struct duty *wanted, const struct owner *owner, struct obligation *back);

/* Before the records of a register: who has several of them. */
int once_begin(struct pass *p, const struct register_decl *reg);
/* Owed once, by somebody who may have several records? Then *ret is it, else NULL. */
int once_of(struct pass *p, const struct record *r, int rule, struct once **ret);
/* The duty of this record is there; false when that of another record is. */
int once_owed(struct pass *p, struct once *x, const struct record *r, struct obligation *o, bool *ret);
/* The record asks for it; owner: of who would owe it, NULL when it is none that may be gained by this record. */
int once_wanted(struct pass *p, struct once *x, const struct record *r, const struct duty *wanted, const struct owner *owner, struct obligation *back);
int once_finish(struct pass *p);

#endif

/* desks: what is owed, to whom the clock runs, how well the loop closes. Reads table `obligation`; the scheduler's pass is here too. */
#ifndef TOCSIN_DESKS_DUTY_H
#define TOCSIN_DESKS_DUTY_H

#include "ledger/obligation.h"

struct duty_filter {
    struct text desk, region, rule, reg;
    int64_t owner;          /* 0: any */
    int64_t unit;           /* organisation: what it owes, as a unit or as a department's body, and what those of its accounts owe in person; 0: any */
    bool overdue;           /* only what is past its time */
    bool without_owner;     /* only what nobody is accountable for */
    instant due_before;     /* due earlier than this; 0: any */
    bool after;             /* a page further: only what comes behind the duty due at after_due (INSTANT_NONE: none) with id after_id */
    instant after_due;
    int64_t after_id;
    size_t limit;           /* 0: no limit */
};

/* Open duties, the most urgent first, those due together by id, those without a time last. now = s->now. Borrowed until visit returns; 0 goes on. */
int duty_list(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f,
              int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err);

/* Counts of one rule. A duty is one row: one debt with all its days. */
struct duty_count {
    struct text rule, desk, reg;
    int64_t open;           /* owed now, overdue included */
    int64_t due_1h;         /* of those, due within the next hour */
    int64_t overdue;        /* of those, past their time */
    int64_t without_owner;  /* of those, nobody is accountable */
    int64_t escalated;      /* of those, told to a superior */
    int64_t paid, paid_late, lapsed, cancelled;
};

struct duty_summary {
    struct arena arena;
    size_t n;
    struct duty_count *rules; /* sorted by desk, rule */
    struct duty_count total;
    /* closed-loop rate: of the duties whose time has come (paid, lapsed, or open and overdue) the share that was paid; -1 when none has */
    double closed_rate;
};
/* Owned: duty_summary_clear. Cost of all three that count, whatever the filter: the region's counters, and a look at what is due about now and in an hour (ledger/obligation.h). */
int duty_summarise(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_summary *ret, struct error *err);
void duty_summary_clear(struct duty_summary *d);

/* The account of one accountable party (CMD-04, CMD-08), the most overdue first. */
struct duty_owner {
    int kind;               /* enum owner_kind */
    int64_t owner;          /* organisation or account; 0 for a region */
    struct text region;
    struct duty_count count;
    double timeliness;      /* of the duties whose time has come (paid, lapsed, or open and overdue) the share paid in time; -1 when none has */
};
struct duty_owners {
    struct arena arena;
    size_t n;
    struct duty_owner *list;
};
/* Owned: duty_owners_clear. */
int duty_by_owner(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_owners *ret, struct error *err);
void duty_owners_clear(struct duty_owners *d);

/* The closed loop of each region at one level of the tree (1 province .. 5 village), by code; a region above that level stands for itself. */
struct duty_region {
    struct text region;
    struct duty_count count;
    double closed_rate;     /* as in duty_summary */
};
struct duty_regions {
    struct arena arena;
    size_t n;
    struct duty_region *list;
};
/* Owned: duty_regions_clear. */
int duty_by_region(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, int level, struct duty_regions *ret, struct error *err);
void duty_regions_clear(struct duty_regions *d);

/* Open loops by age (CMD-18). The age of a duty counts from the moment its clock began: the instant its rule counts from, or when it was
 * recorded if that was earlier. */
enum { DUTY_AGES = 5 };
extern const int64_t duty_age_limits[DUTY_AGES - 1]; /* seconds: 1 h, 4 h, 24 h, 3 days; the last bucket has no end */
struct duty_age {
    int64_t open, overdue, without_owner;
    int64_t oldest_s;       /* age of its oldest; -1 when empty */
};
/* Cost: one pass over the open duties. f->limit is not used. */
int duty_by_age(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_age ret[DUTY_AGES], struct error *err);

/* ---- duty_of.c: everything that was ever owed for one record and whoever it is about (its person's other records too): open, standing, paid, lapsed,
 * cancelled; in order of raising, at most 5,000; of the regions that the session may see. Needs the right to read the record (E_UNKNOWN, E_DENIED). Borrowed until
 * visit returns; 0 goes on. Cost: found by key. */
int duty_of_record(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t record, struct arena *a,
                   int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err);

/* ---- duty_hand.c: a duty handed over to another party, with a reason. */
enum { DUTY_HANDS_MAX = 500 };
struct duty_hand {
    const struct register_decl *reg; /* of l->catalog */
    int64_t record;
    struct text rule;
    int rc;                 /* result: 0, or why not */
    struct error error;
};
/* Each of the list by itself, in one transaction: what cannot be handed over says why (E_UNKNOWN no such record or no such duty open, E_DENIED, E_CONFLICT it is
 * theirs already) and stops nobody else. kind OWNER_UNIT: `to` is an organisation; OWNER_PERSON: an account. s->reason is needed (E_INVALID). May be done by who
 * may write the record, and by who may write organisations in its region: he decides already who answers for what. `to` is one he may read, or one above his region
 * (E_INVALID: no such party); it is looked for only when a duty of the list is his to hand over. */
int duty_hand_over(struct ledger *l, const struct session *s, struct duty_hand *list, size_t n, int kind, int64_t to, struct error *err);

/* One pass of the clock at s->now: escalates, lapses, makes the day's standing duties. In transactions of at most 20,000 duties. */
int duty_tick(struct ledger *l, const struct session *s, struct wake_report *ret, struct error *err);

#endif

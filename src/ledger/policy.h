/* ledger: policies as data. A pack is one plan edition read from policies/NAME.yaml, checked against the catalog, frozen.
 * Pure: says what a fact obliges and what pays it; obligation.c keeps the books. The language is described in docs/policies.md. */
#ifndef TOCSIN_LEDGER_POLICY_H
#define TOCSIN_LEDGER_POLICY_H

#include "ledger/expr.h"

enum certainty { CERTAINTY_HIGH, CERTAINTY_MEDIUM, CERTAINTY_LOW };

/* Where a value comes from; every parameter, rule and limit has one (its own, or the pack's). */
struct provenance {
    struct text source, clause;
    enum certainty certainty;
    bool verified; /* false: shown as 未核实 / unverified everywhere */
};

struct parameter {
    struct text name, zh, en, unit;
    int64_t value;              /* in the unit; durations in seconds; of a list its last */
    bool is_list;               /* days lists */
    size_t n_list;
    int64_t *list;
    int harsher;                /* +1 a larger value is harsher on people, -1 a smaller one, 0 neither */
    struct provenance from;
};

/* The four kinds of accountable party (四方责任). */
enum owner_kind { OWNER_NONE = 0, OWNER_REGION, OWNER_DEPARTMENT, OWNER_UNIT, OWNER_PERSON };

/* One step of the owner chain: the first that resolves is accountable. */
struct owner_rule {
    enum owner_kind kind;
    struct text department;  /* OWNER_DEPARTMENT: code of list `department`; the nearest one up the region tree */
    int field;               /* OWNER_UNIT, OWNER_PERSON: reference field of the raising record, -1: the record itself; OWNER_REGION, OWNER_DEPARTMENT: region
                              * field, or reference to a record whose region it is (the person's, where he lives); -1 = the record's own */
    int level;               /* OWNER_REGION, OWNER_DEPARTMENT: begin at that level above the record (1 province, 2 city, 3 county); 0: at its own */
};

enum fact_tie { FACT_BY_PERSON = -1, FACT_BY_SELF = -2, FACT_BY_REGION = -3 };

enum { FACT_ENDS_MAX = 2 };

/* A fact that concerns a duty: a record of `reg` for which `when` is true, tied to the duty through `by`. */
struct fact_match {
    const struct register_decl *reg;
    int by;              /* field of reg that references the raising record, or an enum fact_tie: the same holder (a person, or what both
                          * registers name: reports of one site), the raising record itself, a record of the same region (the bulletin of a region whose duty an adoption raised) */
    struct expr *when;   /* NULL: always */
    int date_field;      /* which day (or instant) the fact counts for; -1: when it was recorded */
    bool since;          /* only a fact of the time the duty's clock started, or later: a swab taken before says nothing of what was found since. Of facts
                          * tied by person or region always, unless the pack says since: false */
    int since_field;     /* since: the day (or instant) of reg that must not be before: date_field, or another. A result counts when it is told, of a sample taken since */
    int64_t back_s;      /* since: or of so long before */
    int until[FACT_ENDS_MAX]; /* since: or one of before that lasted until then, fields of reg; the earliest given counts, none given: it lasts */
    size_t n_until;
};

struct escalation {
    int64_t after_s;     /* after due */
    struct owner_rule to;
};

enum duty_timing {
    TIMING_WITHIN, /* once, within_s after `from` */
    TIMING_DAYS,   /* on each day of days (offset from the anchor day), by due_time_s of that day */
    TIMING_DAILY,  /* standing: every day by due_time_s while the record satisfies `when` */
};

enum { DUTY_DAYS_MAX = 62, DUTY_ESCALATIONS_MAX = 4, DUTY_OWNERS_MAX = 4, DUTY_CODE_MAX = 32 };

struct duty_rule {
    struct text code, zh, en, desk; /* code: [a-z][a-z0-9-]*, unique in the pack */
    const struct register_decl *on;
    struct expr *when;              /* NULL: always */
    struct text when_text;
    enum duty_timing timing;
    int from_field;                 /* date or instant field of `on`; -1: when recorded */
    int64_t within_s;
    uint64_t days;                  /* bit k: day k after the anchor day (bit 0 = the anchor day itself) */
    int every;                      /* TIMING_DAILY: one a window of so many days, due on its last; default 1 */
    int64_t due_time_s;             /* seconds after 00:00 of the day; default 86400 */
    bool lapses;                    /* an unpaid slot cannot be made up: it is counted missed when the next slot is due, the last one a day after it was due */
    bool per_person;                /* one open duty per holder (mostly a person) and rule: a later fact moves it instead of adding one */
    size_t n_owners;
    struct owner_rule owners[DUTY_OWNERS_MAX];
    size_t n_pays;
    struct fact_match *pays;
    size_t n_cancels;
    struct fact_match *cancels;
    bool from_before;               /* a fact that was there before the record may pay or cancel it: one of its person */
    size_t n_escalations;
    struct escalation escalations[DUTY_ESCALATIONS_MAX];
    /* guard: the record may not enter this state before the duty's last due day, nor while a duty of `requires` is open (a day that lapsed
     * does not hold anybody: the miss is the unit's, not the person's) */
    const struct register_decl *guard_reg; /* NULL: none; tied to the duty's holder */
    int guard_state;
    size_t n_requires;
    int *requires;                  /* indexes of rules of this pack, same holder */
    struct provenance from;
    int line, column;
};

/* The hardest restriction of a kind the pack allows (九不准): checked when a measure is recorded. */
struct limit {
    struct text measure;   /* code of list `measure_kind` */
    struct text subject;   /* code of list `subject_class`, or empty: everybody */
    bool allowed;          /* false: not allowed at all under this pack without approval */
    int64_t max_days;      /* 0: no stated maximum */
    struct provenance from;
    struct text zh, en;
};

struct policy {
    struct arena arena;
    struct text name, zh, en, disease, parent;
    struct text source_text;   /* the pack's YAML, its parents behind it as further documents: kept with its adoption, read back by policy_parse */
    day in_force;              /* plan's own date */
    struct provenance from;
    size_t n_parameters;
    struct parameter *parameters;
    size_t n_rules;
    struct duty_rule *rules;
    size_t n_limits;
    struct limit *limits;
    /* a local pack that is longer, wider or harsher than its parent needs all three, or it does not load */
    struct text deviation_approver, deviation_reason;
    day deviation_until;       /* DAY_MAX when no deviation is declared */
};

/* Finds parents: dir/NAME.yaml. Errors name file:line:column: unknown register, field, code, rule, department; a test day after release; a condition that is not
 * boolean; a harsher local value without deviation; unknown keys; loops of parents. Owned: policy_free. */
int policy_load(const struct catalog *c, const char *dir, struct text name, int32_t zone_s, struct policy **ret, struct error *err);
/* As policy_load, from a file anywhere (policy check FILE). */
int policy_check(const struct catalog *c, const char *dir, const char *path, int32_t zone_s, struct policy **ret, struct error *err);
/* The same of a text; file: what errors call it. */
int policy_check_text(const struct catalog *c, const char *dir, struct text source, const char *file, int32_t zone_s, struct policy **ret, struct error *err);
/* From text kept with an adoption. */
int policy_parse(const struct catalog *c, const char *dir, struct text source, const char *file, int32_t zone_s, struct policy **ret, struct error *err);
void policy_free(struct policy *p);
int policy_rule(const struct policy *p, struct text code);            /* index or -1 */
const struct parameter *policy_parameter(const struct policy *p, struct text name);
int64_t policy_number(const struct policy *p, const char *name, int64_t otherwise); /* p may be NULL */
/* Names in dir, sorted, in the arena. */
int policy_names(const char *dir, struct arena *a, struct text **ret, size_t *ret_n, struct error *err);

/* A measure as recorded, for policy_measure. Empty texts: not given. */
struct measure_facts {
    struct text kind, subject;       /* codes of measure_kind and subject_class */
    day starts, ends;
    struct text rule;                /* the rule of the pack it follows */
    struct text approver, reason, review;
};
/* The limit for a kind and subject: the one for that subject, else the one for everybody, else NULL. */
const struct limit *policy_limit(const struct policy *p, struct text measure, struct text subject);
/* E_REFUSED, with the limit and its source in the message, when the measure lasts longer than the pack allows or is not allowed, and no approver and reason
 * are given; a kind that is not allowed (劝返) also needs a rule of the pack and a review (PRV-01, PRV-02). `zh` chooses the language. */
int policy_measure(const struct policy *p, const struct measure_facts *m, bool zh, struct error *err);

/* What differs between two packs, parameters, then rules, then limits, by name; texts in the arena, empty where one side has none. */
struct policy_change {
    const char *kind; /* "parameter", "rule", "limit" */
    struct text name, title, before, after; /* all but name in the asked language */
};
int policy_diff(const struct policy *before, const struct policy *after, bool zh, struct arena *a, struct policy_change **ret, size_t *ret_n,
                struct error *err);

/* ---- pure arithmetic of duties */

/* The state of one duty; what the table `obligation` stores. */
struct duty {
    int rule;           /* index in the pack */
    int32_t occurrence; /* 0, or the day number of a TIMING_DAILY occurrence; -1 the standing row that makes them */
    day anchor;         /* day 0 of the schedule */
    uint64_t owed;      /* bit per day; TIMING_WITHIN: bit 0 */
    uint64_t paid, missed;
    instant raised_at, due_at; /* due_at: of the earliest day neither paid nor missed */
    instant wake_at;    /* when the scheduler must look again: due, next escalation, lapse or next day; INSTANT_NONE when closed or
                         * when nothing more happens by itself */
    int level;          /* escalations that happened for the slot now due */
};

/* The duties that one record raises under the pack, in rule order. recorded_at is when it became known. Writes at most max into out;
 * returns how many. Pure; no allocation; cost = rules on this register.
 * A schedule counts from its anchor (mostly the exposure), so a late find serves the missing days only (缺几天补几天): days before the
 * day of recording are not owed, neither paid nor missed; but its last day, the exit test, stays owed unless the rule lapses.
 * TIMING_DAILY gives one standing row: occurrence -1, wake_at the midnight of its next day, due_at the hour due of that day. */
size_t policy_duties(const struct policy *p, const struct register_decl *reg, const struct expr_scope *s, instant recorded_at,
                     int32_t zone_s, struct duty *out, size_t max);
/* Recomputes due_at and wake_at from the masks. */
void duty_settle(const struct duty_rule *r, struct duty *d, int32_t zone_s);
/* A paying fact for day `fact_day`. TIMING_WITHIN: any day pays. TIMING_DAILY: its own day only. TIMING_DAYS: that day's slot, else the
 * latest open slot before it (make-up; not when the rule lapses). Taking the latest makes the result the same in any order of facts, as in linear
 * probing. Returns true when something was paid. d closes when nothing is owed (wake_at INSTANT_NONE). */
bool duty_pay(const struct duty_rule *r, struct duty *d, day fact_day, int32_t zone_s);
/* When what such a fact would pay is due, whatever else is open: results come in any order. INSTANT_NONE: it would pay nothing. */
instant duty_due(const struct duty_rule *r, const struct duty *d, day fact_day, int32_t zone_s);
/* Advances to now: lapses days that cannot be made up, raises level past each escalation time. Returns how many escalations and
 * lapses happened. */
int duty_wake(const struct duty_rule *r, struct duty *d, instant now, int32_t zone_s);
/* Days that one occurrence of a standing duty covers; 1 for any other. */
int duty_window(const struct duty_rule *r);
/* The occurrences of a standing row, one a call, oldest first, until its next day has not begun: true when *ret_occurrence is one to
 * insert (occurrence = anchor = its day). Reads and moves standing->wake_at and due_at only, so that these two are all there is to store. */
bool duty_daily(const struct duty_rule *r, struct duty *standing, instant now, int32_t zone_s, struct duty *ret_occurrence);
static inline bool duty_open(const struct duty *d) {
    return (d->owed & ~d->paid & ~d->missed) != 0;
}

#endif

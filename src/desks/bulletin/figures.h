/* desks/bulletin, private: what the passes over the tables share. Every count is fed through one function per record, whether the record came
 * from its table or was rebuilt from the journal as it stood at as_of; so a frozen report is derived again by the code that froze it. */
#ifndef TOCSIN_DESKS_BULLETIN_FIGURES_H
#define TOCSIN_DESKS_BULLETIN_FIGURES_H

#include "desks/bulletin/bulletin.h"

/* What is asked, resolved. */
struct scope {
    struct ledger *l;
    struct db *db;
    struct arena *arena; /* the report's */
    struct text region, disease;
    char end[REGION_MAX + 2]; /* first code after the subtree */
    bool bounded;
    day day;
    int32_t zone_s;
    instant as_of, from, to; /* the statistics day is [from, to) */
    /* something was written after as_of, so records may have to be rebuilt; told apart because most nights nothing was */
    bool later_case, later_contact, later_other;
};

/* One statement under construction. */
struct query {
    struct buf sql;
    struct value params[24];
    size_t n;
};
void query_add(struct query *q, const char *sql);
void query_int(struct query *q, int64_t v);          /* appends the next parameter */
void query_text(struct query *q, struct text t);
/* "region" in the subtree and, when with_disease, the disease asked for. */
void query_scope(struct query *q, const struct scope *sc, bool with_disease);
/* Known at as_of and, when anything is later, not changed since. */
void query_known(struct query *q, const struct scope *sc, bool later);
int query_run(struct query *q, struct db *db, struct db_cursor **ret, struct error *err);
void query_clear(struct query *q);

/* Records of a register that were changed after as_of, as they stood then. visit: negative stops. */
int scope_rebuilt(const struct scope *sc, const struct register_decl *reg, int (*visit)(const struct record *r, void *arg, struct error *err),
                  void *arg, struct error *err);
bool scope_holds(const struct scope *sc, struct text region, struct text disease);

/* ---- cases */
enum { ENDED_NOT, ENDED_RECOVERED, ENDED_RELEASED, ENDED_DIED };
enum { FACT_STEPS = STEPS + 1 };
#define DAY_NONE INT32_MIN
struct case_fact {
    int64_t id;
    struct text number, region, disease, discovery, severity;
    int class;  /* enum bulletin_class, -1: excluded */
    int origin; /* enum bulletin_origin */
    int controlled; /* 1, 0, -1 unknown */
    int ended;
    day report, onset, ended_day; /* DAY_NONE */
    instant created_at, changed_at;
    instant steps[FACT_STEPS]; /* onset at noon, detected, reported, isolated, treated; INSTANT_NONE */
};

/* Figures that are explained record by record; names in restate.c. */
enum figure { FIGURE_CONFIRMED, FIGURE_ASYMPTOMATIC, FIGURE_SUSPECTED, FIGURE_ACTIVE, FIGURE_DIED, FIGURES_CASES,
              FIGURE_OBSERVED = FIGURES_CASES, FIGURE_UNCONTROLLED, FIGURES };
/* The first BULLETIN_LIST_MAX records by (order, id), whatever order they come in, and how many there are. */
struct numbered {
    int64_t order, id;
    struct text number;
};
struct numbers {
    struct numbered *items; /* room for twice as many */
    size_t n;
    bool trimmed; /* items[BULLETIN_LIST_MAX - 1] bounds what may still come in */
    int64_t count;
};
int numbers_add(struct numbers *list, struct arena *a, int64_t order, int64_t id, struct text number, struct error *err);
int numbers_texts(struct numbers *list, struct arena *a, struct text **ret, size_t *ret_n, struct error *err);
struct explain {
    instant since;    /* as_of of yesterday's frozen report, INSTANT_NONE: none */
    int64_t before[FIGURES], after[FIGURES], frozen[FIGURES]; /* frozen: as yesterday's report says */
    struct numbers in[FIGURES], out[FIGURES];
    int64_t conversions;
};
struct frozen_day { /* a past day's frozen report */
    bool there;
    instant as_of;
    int64_t was, is, late, swabs_was;
};
struct restate {
    int64_t swabs[ROUNDS_DAYS]; /* person-times of mass testing, by days back */
    struct frozen_day days[RESTATE_DAYS + 1]; /* [k]: k days before the day */
    struct explain explain;
};

/* restate.c. Load before the passes, note in them, finish after. */
int restate_load(const struct scope *sc, struct restate *r, struct error *err);
int restate_case(const struct scope *sc, struct restate *r, const struct case_fact *f, struct error *err);
int restate_finish(const struct scope *sc, struct restate *r, struct bulletin *b, struct error *err);

/* figures.c */
int class_of_case(struct text code, struct text state); /* enum bulletin_class, -1: excluded, or of no class that is counted */
int case_of_record(const struct scope *sc, const struct record *r, struct case_fact *ret, struct error *err);

/* work.c: contacts, tests, duties, units. */
int work_compute(const struct scope *sc, struct bulletin *b, struct error *err);

/* rounds.c: mass testing. */
int rounds_compute(const struct scope *sc, struct restate *restate, struct bulletin *b, struct error *err);

#endif

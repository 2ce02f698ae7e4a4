/* desks/tracing: what a trace found becomes records under the policy. From the doors: the trace of one case with whom of it to take. Each found person gets a record in
 * register contact (so that the plan in force owes their control and place) and one in register finding, which keeps the evidence and the parameters. A venue becomes an
 * exposure_venue. What the route of the case (register track) says with times and places goes into the visits first, as told.
 *
 * Never twice: a person who is a contact of this case already, by whatever hand, keeps that record; the finding points to it, and an earlier or later exposure moves its
 * first or last contact. Run again with another look-back: who is new is added; whose finding no longer holds is proposed for removal with the reason, never removed. */
#ifndef TOCSIN_DESKS_TRACING_FOUND_H
#define TOCSIN_DESKS_TRACING_FOUND_H

#include "desks/tracing/tracing.h"

enum { TRACING_ACCEPT_MAX = 20000, TRACING_EVIDENCE_LINES = 40 };

struct tracing_accept {
    const char *const *names; /* names in the visits to take; none: all */
    size_t n_names;
    bool general;             /* also those who only came after */
};
struct tracing_accepted {
    size_t found;             /* in the trace */
    size_t taken;             /* of those asked for */
    size_t persons_made, contacts_made, contacts_known, contacts_moved;
    size_t findings_made, findings_changed;
    size_t to_remove;         /* findings now proposed for removal */
    size_t venues;
    size_t refused;           /* could not be recorded; the first reason below */
    struct error first;
    int64_t investigation;    /* of the case; opened when there was none */
};
/* q names one case. The look is journalled, the records are written in transactions of some hundred. Errors: those of tracing_plan; E_TOO_LARGE past TRACING_ACCEPT_MAX. */
int tracing_accept(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, const struct tracing_accept *a, struct tracing_accepted *ret,
                   struct error *err);

/* The same in steps, for a door whose writer must not wait: tracing_accept_plan (any ledger: the route goes into the visits, access is decided), tracing_plan_journal on the
 * writer, tracing_find, tracing_taking_new; then as long as tracing_taking_next gives drafts they are prepared and applied one by one each on its own merits (by the queue of the
 * ledger, or by hand), and tracing_taking_took reads their outcomes. Nothing but applying needs the writer. */
int tracing_accept_plan(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_plan *ret, struct error *err);
struct tracing_taking;
/* answer is given, also on failure. s, v and what q and a point to are borrowed until tracing_taking_free. */
int tracing_taking_new(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_plan *p, struct tracing_answer *answer, const struct tracing_question *q,
                       const struct tracing_accept *a, struct tracing_taking **ret, struct error *err);
/* 1 with at most 400 drafts, in the arena of the taking; 0 when all is done. */
int tracing_taking_next(struct tracing_taking *t, struct ledger *l, struct draft ***ret, size_t *ret_n, struct error *err);
void tracing_taking_took(struct tracing_taking *t);
struct arena *tracing_taking_arena(struct tracing_taking *t);
void tracing_taking_result(const struct tracing_taking *t, struct tracing_accepted *ret);
void tracing_taking_free(struct tracing_taking *t);

/* What an answer about one case adds to the findings on record, and what it takes away: shown before anything is taken. */
struct tracing_since {
    bool any;                 /* there are findings of this case */
    instant traced_at;        /* the latest of them */
    size_t added, kept, removed;
    size_t unseen;            /* of those kept: not found, but on days that are damaged or forgotten */
    bool *fresh;              /* by contact of the answer: not among them (who only came after never is) */
    int64_t *gone;            /* persons who are among them and are not found now */
};
/* Nothing is said (any is false) of an answer about several, or when s may not read findings. Owned: tracing_since_clear. */
int tracing_since_of(struct ledger *l, const struct session *s, int64_t which, const struct tracing_answer *a, struct tracing_since *ret, struct error *err);
void tracing_since_clear(struct tracing_since *x);

/* The route of a case into the visits: entries of register track of its person with a place, a beginning and an end (else the dwell of the policy). Equal visits are
 * kept once. ret_n: how many entries had all that. */
/* Entries that are there already are not written again. */
int tracing_route_feed(struct ledger *l, const struct session *s, struct visits *v, int64_t person, size_t *ret_n, struct error *err);

/* The routes of those asked (of at most TRACING_ROUTES of them) into the visits, before a look: where a case was is what it told as well as what was scanned. Of visits that are
 * open for reading only: how many entries wait. Errors: those of tracing_plan. */
enum { TRACING_ROUTES = 200 };
int tracing_routes_feed(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, size_t *ret_waiting, struct error *err);

#endif

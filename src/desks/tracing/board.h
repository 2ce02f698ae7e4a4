/* desks/tracing: how fast and how completely: the three-hour figures, the queue of those found and not yet under control, control before the result, the five times of a
 * case, requests of other regions; and the places where cases were, ranked. Everything from records the asker may read. */
#ifndef TOCSIN_DESKS_TRACING_BOARD_H
#define TOCSIN_DESKS_TRACING_BOARD_H

#include "desks/tracing/tracing.h"

/* Minutes of n intervals: nearest-rank percentiles; -1 when there is none. */
struct tracing_span {
    size_t n;
    int64_t p50, p90, max;
    size_t within;                /* not longer than the limit, when there is one */
};

enum tracing_step { STEP_ONSET_DETECTED, STEP_DETECTED_REPORTED, STEP_DETECTED_LOCATED, STEP_REPORTED_ISOLATED, STEP_ISOLATED_TREATED, TRACING_STEPS };
extern const char *const tracing_step_names[TRACING_STEPS];

struct tracing_requests {
    size_t letters, open, overdue, replied, in_time; /* open and overdue: however long ago; in time: of the replied, by their due time */
    int64_t asked, done, controlled;                 /* persons */
};

struct tracing_board {
    instant from;                 /* contacts found, cases detected and letters sent since */
    size_t contacts, close, secondary;
    size_t placed, placed_unknown; /* under control; of these, nobody knows since when */
    size_t queue;                 /* found, not yet under control, however long ago */
    int64_t place_limit_s, locate_limit_s; /* of the policy in force */
    struct tracing_span placing;  /* from found to under control */
    struct tracing_span waiting;  /* of the queue, so far */
    size_t queue_overdue;
    size_t tested, before_result; /* contacts with a result; of these, under control before it (先管后筛) */
    size_t cases;
    struct tracing_span steps[TRACING_STEPS]; /* minutes */
    struct tracing_requests inbound, outbound;
    size_t investigations_open, to_remove, venues_open, proposals_open;
};
/* region: subtree, empty: all the asker may see. days: how far back. Cost: one pass over the contacts, stays and results of that time and what is open. */
int tracing_board_of(struct ledger *l, const struct session *s, struct text region, int days, struct tracing_board *ret, struct error *err);

/* ---- places at risk */
struct tracing_place {
    int64_t place;                /* record; 0: known from the visits only */
    struct text name, title, kind, point, region;
    size_t cases;                 /* that were there while they could infect */
    double case_hours;
    size_t contacts;              /* who met them there */
    double contact_hours;
    double expected;              /* infections: contact_hours x 1.1 % (engines/contact.h) */
    uint32_t visits_a_day;        /* in its fullest day */
    instant first, last;          /* of the cases' stays */
};
struct tracing_places {
    struct arena arena;
    struct tracing_place *places; /* most expected infections first, then case hours, then name */
    size_t n;
    size_t cases;                 /* looked at */
    size_t without_visits;
};
enum { TRACING_PLACES_CASES = 2000, TRACING_PLACES_MAX = 200 };
/* Of the cases reported in the last `days` days in the region that the asker may trace (at most TRACING_PLACES_CASES, the latest). Reads the ledger and the visits. Owned:
 * tracing_places_clear. Errors: E_DENIED without a purpose. */
int tracing_places_of(struct ledger *l, const struct session *s, struct visits *v, struct text region, int days, struct tracing_places *ret, struct error *err);
/* The look, on the writer's ledger, before it is shown. */
int tracing_places_journal(struct ledger *l, const struct session *s, struct error *err);
void tracing_places_clear(struct tracing_places *p);

/* A public notice from the places: where, which day, between which full hours; no home, no place with fewer than TRACING_NOTICE_VISITS visits a day, nobody named, no number of cases. */
enum { TRACING_NOTICE_VISITS = 20 };
int tracing_notice(const struct tracing_places *p, int32_t zone_s, bool zh, struct buf *out, size_t *ret_places);

#endif

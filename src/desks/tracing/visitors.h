/* desks/tracing: who was at a place in a time: the list on demand of a crowded place, which a trace gives no contacts for, or of any place at risk. One line a person, the longest
 * there first. Needs a purpose; the look is journalled before anybody is searched, and an exposure_venue becomes listed by it. In three steps, like a trace. */
#ifndef TOCSIN_DESKS_TRACING_VISITORS_H
#define TOCSIN_DESKS_TRACING_VISITORS_H

#include "desks/tracing/tracing.h"

enum { TRACING_VISITORS_MAX = 100000, TRACING_VISITORS_DAYS = 31 };

struct tracing_presence {
    int64_t venue;            /* record of register exposure_venue: its place and times; or 0 and these: */
    struct text place;        /* name in the visits, or the id of its record */
    instant from, to;
    int zone;                 /* carriage or floor; 0: all */
};
struct tracing_visitors_plan {
    int64_t venue;
    bool found;               /* still to be moved to listed */
    uint32_t place;
    instant from, to;
    day origin;
    int zone;
    char what[200];
};
/* Who may: for a venue whoever may write contacts where it lies and where its place does, for a place by name the same in the node's region; everybody but root gives a purpose. Errors: E_DENIED, E_UNKNOWN
 * (no such venue for the asker, no such place in the visits), E_INVALID (more than TRACING_VISITORS_DAYS, or no time at all). Reads the ledger only. */
int tracing_visitors_plan(struct ledger *l, const struct session *s, const struct visits *v, const struct tracing_presence *q, struct tracing_visitors_plan *ret, struct error *err);
/* On the writer's ledger: the entry in the journal, and the venue is listed. */
int tracing_visitors_journal(struct ledger *l, const struct session *s, const struct tracing_visitors_plan *p, struct error *err);

struct tracing_visitor {
    uint32_t person;          /* number in the visits */
    uint32_t stays;
    int64_t there_s;          /* within [from, to), no second twice */
    instant first, last;      /* of the stays, uncut */
    uint16_t zone, row;       /* of the first one with any */
    uint8_t source;
};
struct tracing_visitors {
    struct visits *v;         /* borrowed, for names */
    struct tracing_visitor *items; /* longest there first, then who came first, then number */
    size_t n, more;           /* more: beyond TRACING_VISITORS_MAX */
};
/* Each person once, by whatever names (same.h), and not by what entries of a route say no more (withdrawn.h). Cost: the stays of the place in those days. Owned: tracing_visitors_clear. */
int tracing_visitors_find(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_visitors_plan *p, struct tracing_visitors *ret, struct error *err);
void tracing_visitors_clear(struct tracing_visitors *x);

#endif

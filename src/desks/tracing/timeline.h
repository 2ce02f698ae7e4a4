/* desks/tracing: where a case was: what investigators wrote (track), what police and the telecoms side sent, and its visits, on one timeline. Each department sees only
 * the registers its right allows; the visits are for whoever may write contacts there. Every look needs a purpose and is journalled before anything is shown. */
#ifndef TOCSIN_DESKS_TRACING_TIMELINE_H
#define TOCSIN_DESKS_TRACING_TIMELINE_H

#include "desks/tracing/tracing.h"

struct tracing_stop {
    const char *origin;       /* "track", "police_feed", "industry_feed", "visits" */
    int64_t record;           /* 0: of the visits */
    day day;
    instant starts, ends;     /* INSTANT_NONE: hours are not known */
    int64_t place;            /* record; 0: only the name is known */
    struct text title, kind, point, name, vehicle, source, precision, note;
    struct text code;         /* of the visits: what they call a place on record, said only to who may not see the record */
    int zone, row, confidence;
};
struct tracing_timeline {
    struct arena arena;
    int64_t which, person;
    instant from, to;
    struct tracing_stop *stops; /* by day and time, unknown hours first */
    size_t n, cap;
    bool more;
};
/* v may be NULL. window_days 0: at least 14 before onset. E_DENIED without a purpose, E_UNKNOWN for a case that the asker may not see. Owned: tracing_timeline_clear. */
int tracing_timeline_of(struct ledger *l, const struct session *s, struct visits *v, int64_t which, int64_t window_days, struct tracing_timeline *ret, struct error *err);
/* To be called on the writer's ledger before it is shown. */
int tracing_timeline_journal(struct ledger *l, const struct session *s, int64_t which, struct error *err);
void tracing_timeline_clear(struct tracing_timeline *t);
/* The case, or for a department that may not see cases the person and disease that its investigation names. */
int tracing_case_read(struct ledger *l, const struct session *s, int64_t which, struct arena *a, struct record *ret, struct error *err);

#endif

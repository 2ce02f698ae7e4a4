/* desks/tracing: stays that stand in the visits because an entry of a route said so that says something else now. The visits are only added to and forgotten; what an entry said before is in the
 * journal. So a question leaves out of the stays of those it asks about what they have taken back. Of an entry that went to another person or was removed nothing is known here, and whom they meet is met
 * where he was said to be at any time. */
#ifndef TOCSIN_DESKS_TRACING_WITHDRAWN_H
#define TOCSIN_DESKS_TRACING_WITHDRAWN_H

#include "desks/tracing/inside.h"

/* What an entry of a route says of a stay; person, place and (INSTANT_NONE) end are not in it. Vehicle: borrowed from the record. */
struct route_entry {
    int64_t place;
    struct text vehicle;
    struct visit stay;
};
enum { ROUTE_REGISTERS = 3, ROUTE_MAX = 5000 /* entries of one person */ };
extern const char *const route_registers[ROUTE_REGISTERS];
/* false: it says no hours, or no place that could be met at. Pure. */
bool route_entry_of(const struct record *r, struct route_entry *ret);

struct withdrawn {
    struct withdrawn_stay {
        uint32_t person, place;
        instant start, end;        /* INSTANT_NONE: whatever it was taken for */
        uint16_t zone, row;
        bool stands;               /* an entry says it as it is now */
    } *items;                      /* only of persons of whom something was taken back */
    size_t n, cap;
    struct presence_source source; /* private */
};
/* Adds those of a person on record, under each of its n numbers in the visits. Of what the session may not read nothing is known. Zero-initialise; withdrawn_clear frees. */
int withdrawn_add(struct ledger *l, const struct session *s, struct visits *v, int64_t person, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err);
/* The same source without them; `inner` itself when there are none. NULL: out of memory. Both must outlive it; w takes no more. */
const struct presence_source *withdrawn_without(struct withdrawn *w, const struct presence_source *inner);
void withdrawn_clear(struct withdrawn *w);

#endif

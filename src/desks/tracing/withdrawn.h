/* desks/tracing: stays that stand in the visits because an entry of a route said so that says something else now, went over to another person, or is gone. The visits are only added to and forgotten, so a
 * question leaves such stays out. What the entries put there is marked (PRESENCE_ROUTE) and counts as long as an entry of that person says it, whoever may read the entry: for those asked about, and, once they
 * are met, for the others. Before there was the mark it stood there as told or as a seat: of those asked about, what their entries said before their corrections is taken out of that; no more is known. */
#ifndef TOCSIN_DESKS_TRACING_WITHDRAWN_H
#define TOCSIN_DESKS_TRACING_WITHDRAWN_H

#include <pthread.h>

#include "base/idmap.h"
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
    } *items;
    size_t n, cap;
    struct arena arena;
    struct idmap known;            /* numbers of whom it is known what their entries say */
    struct presence_list met;      /* what entries put there of others, as it was seen */
    pthread_mutex_t lock;          /* of met */
    bool ready, failed;
    struct presence_source source; /* private */
};
/* Adds those of a person on record, under each of its n numbers in the visits. What was corrected is looked up as far as the session may read. Zero-initialise; withdrawn_clear frees. */
int withdrawn_add(struct ledger *l, const struct session *s, struct visits *v, int64_t person, const uint32_t *numbers, size_t n, struct withdrawn *w, struct error *err);
/* The same source without them. NULL: out of memory. Both must outlive it. */
const struct presence_source *withdrawn_without(struct withdrawn *w, const struct presence_source *inner);
/* After a question to that source: learns what the entries of the others say whom it met. *ret: some of it does not stand, so the question is to be asked again; no thread may be at it. */
int withdrawn_learn(struct ledger *l, const struct session *s, struct visits *v, struct withdrawn *w, bool *ret, struct error *err);
void withdrawn_clear(struct withdrawn *w);

#endif

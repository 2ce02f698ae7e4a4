/* desks/tracing: who stands in the visits under several names is one person. A card has its number and, when a door's platform has names of its own, its visits_name; those merged into it had theirs. What
 * was recorded under one name after the other adds up: to the minutes that make a contact, to the stay that was cut in two, to the visitors of a place. */
#ifndef TOCSIN_DESKS_TRACING_SAME_H
#define TOCSIN_DESKS_TRACING_SAME_H

#include "desks/tracing/inside.h"

struct same {
    struct same_name {
        uint32_t number, of;       /* of: the first of that person's numbers */
    } *names, *slots;              /* by of; open addressing, number UINT32_MAX: empty */
    size_t n, cap, n_slots;
    struct presence_source source; /* private */
};
/* Those of whom two names or more are in the visits now. Cost: the cards that were merged or have a visits_name, once, and some look-ups for each that has two. Zero-initialise; same_clear frees. */
int same_find(struct ledger *l, const struct visits *v, struct same *ret, struct error *err);
/* The number that stands for a person's all; itself for who has one. */
uint32_t same_of(const struct same *x, uint32_t number);
/* The source in which each has one number, that of same_of, by which persons are asked for; `inner` itself when nobody has two. NULL: out of memory. Both must outlive it. */
const struct presence_source *same_source(struct same *x, const struct presence_source *inner);
void same_clear(struct same *x);

#endif

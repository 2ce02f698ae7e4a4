/* desks/testing: tubes go into a box (送). What is packed is the box's manifest (tube.box), against which the laboratory counts it (laboratory.h). One transaction on the
 * writer's ledger; what one tube gets wrong is told with that tube and stops no other. Told again it is what it is. */
#ifndef TOCSIN_DESKS_TESTING_PACKING_H
#define TOCSIN_DESKS_TESTING_PACKING_H

#include "desks/testing/laboratory.h"

enum { PACKING_MAX = 2000 }; /* tubes at once */

struct packing {
    struct text box;         /* bar code; a box that is not there is begun, at `site` */
    int64_t site;            /* 0: the box is there */
    int64_t laboratory;      /* 0: where the site sends to */
    const struct text *tubes;
    size_t n;                /* at most PACKING_MAX */
    bool seal;               /* nothing is added any more, but by who tells the sealed box once more */
    instant at;              /* when, by this clock */
};

/* Outcomes taken, again, refused: unknown here so far, still open, spoiled, arrived, in another box. A sealed box says how many tubes it holds (box.tubes): with those that are
 * not known yet or not closed yet, because they lie in it all the same. E_UNKNOWN: no such box and no site; E_REFUSED: it has arrived, is sealed, or is sealed empty;
 * E_CONFLICT: of another site; E_DENIED. */
int box_pack(struct ledger *l, const struct session *s, const struct packing *p, struct lab_report *ret, struct error *err);

#endif

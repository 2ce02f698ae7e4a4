/* visits, inside the room: the two orders of a day's rows. */
#ifndef TOCSIN_VISITS_SEGMENT_SORT_H
#define TOCSIN_VISITS_SEGMENT_SORT_H

#include "visits/segment.h"

struct day_order {
    struct segment_row *rows;  /* n of them, by place, start, person; equal ones once; PRESENCE_JOINS set where it belongs */
    size_t n;
    uint32_t *place_first;     /* n_places + 1 */
    uint32_t *person_first;    /* n_persons + 1 */
    uint32_t *perm;            /* n: by person, start */
};

/* rows: borrowed, read only. n below 2^32 - 1. Owned: day_order_clear. O(n) but for places with many equal starts. */
int day_order_make(const struct segment_row *rows, size_t n, uint32_t n_persons, uint32_t n_places, struct day_order *ret);
void day_order_clear(struct day_order *o);

#endif

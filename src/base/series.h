/* base: numbers gathered one by one, to be asked for their quantiles. Zero-initialise; series_clear frees. */
#ifndef TOCSIN_BASE_SERIES_H
#define TOCSIN_BASE_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct series {
    int64_t *items;
    size_t n, cap;
};
/* Errors: E_MEMORY; the series is as before. */
int series_add(struct series *s, int64_t v, struct error *err);
void series_sort(struct series *s);
/* Of a sorted series that is not empty, by nearest rank: percent in 1..100. */
int64_t series_rank(const struct series *s, int percent);
void series_clear(struct series *s);

#endif

/* engines: outlines for the made-up county (city.h), so that it has a map: one polygon a street, without gaps or overlaps, and the county around them.
 * Cells of a Voronoi diagram whose borders are roughened the same way on both sides. It lies in the open sea (around 31.0 N, 122.9 E), where no real
 * street is covered. Same county, same outlines. Knows base only. */
#ifndef TOCSIN_ENGINES_CITY_MAP_H
#define TOCSIN_ENGINES_CITY_MAP_H

#include "engines/city.h"

/* Positions in millionths of a degree, longitude first, counter-clockwise; the first does not come again at the end. */
struct city_outline {
    size_t n;
    int32_t (*at)[2];
};

struct city_map {
    struct arena arena;
    struct city_outline county;
    size_t n; /* c->n_streets */
    struct city_outline *streets;
};

/* Owned: city_map_clear, also after an error. Cost: O(streets^2). Errors: E_MEMORY. */
int city_map_make(const struct city *c, struct city_map *ret, struct error *err);
void city_map_clear(struct city_map *m);

#endif

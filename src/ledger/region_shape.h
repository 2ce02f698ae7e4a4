/* ledger: the table of outlines of regions, a GeoJSON geometry each; what is in it and who may see it is desks/shape. */
#ifndef TOCSIN_LEDGER_REGION_SHAPE_H
#define TOCSIN_LEDGER_REGION_SHAPE_H

#include "store/db.h"

enum { SHAPE_REGION, SHAPE_SHAPE, SHAPE_CHANGED_AT, SHAPE_COLUMNS };
const struct db_table *region_shape_table(void);

#endif

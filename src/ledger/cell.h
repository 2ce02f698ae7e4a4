/* ledger: what stands in one cell of a file, read as a number, day, instant or point. Pure; field.c says what it means, and desks/tracing in tables
 * that are no registers. Input is trimmed ASCII (cell_fold first); outputs are untouched when the result is
 * false. */
#ifndef TOCSIN_LEDGER_CELL_H
#define TOCSIN_LEDGER_CELL_H

#include "base/instant.h"

enum { CELL_SHORT = 128, POINT_DECIMALS = 6, POINT_TEXT = 40 };

/* Every type but text is short; a longer cell cannot be one. */
struct cell {
    struct text t;
    char folded[CELL_SHORT];
};

/* Full-width digits, letters and marks, and U+3000 as a space. Plain ASCII, the usual cell, is only looked
 * at. */
bool cell_fold(struct cell *c, struct text input);
/* A day, or an instant whose written day it is: files often hold 2022/5/30 0:00:00 in a date column. */
bool cell_day(struct text t, day *ret);
bool cell_instant(struct text t, int32_t zone_s, instant *ret);
/* A decimal times 10^scale, rounded half away from zero; *ret_exact is false when digits were lost. */
bool cell_decimal(struct text t, int scale, int64_t *ret, bool *ret_exact);
bool cell_boolean(struct text t, bool *ret);
/* "31.23, 121.47" to canonical text with six decimals; ret_n without the NUL. */
bool cell_point(struct text t, char out[POINT_TEXT], size_t *ret_n);

#endif

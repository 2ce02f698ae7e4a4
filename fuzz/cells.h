/* Rows as a table gives them, for what is fed with rows of cells: lines, cut at the commas. */
#ifndef TOCSIN_FUZZ_CELLS_H
#define TOCSIN_FUZZ_CELLS_H

#include "base/text.h"

/* The cells of the row that begins at *at, at most max of them (what is over stays in the last one); moves behind it. */
static inline size_t fuzz_row(const uint8_t *data, size_t size, size_t *at, struct text *cells, size_t max) {
    size_t n = 0, from = *at, i = *at;
    for (; i < size && data[i] != '\n'; i++)
        if (data[i] == ',' && n < max - 1) cells[n++] = (struct text){(const char *)data + from, i - from}, from = i + 1;
    cells[n++] = (struct text){(const char *)data + from, i - from};
    *at = i + 1;
    return n;
}

#endif

/* Rows of a table of visits: taken with a place, a person and times in order, or refused with the column that is wrong. */
#include <stdlib.h>

#include "cells.h"
#include "desks/tracing/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct text plain[] = {{"person", 6}, {"place", 5}, {"start", 5}, {"end", 3}, {"class", 5}, {"source", 6}, {"confidence", 10}, {"zone", 4}, {"row", 3}};
    int columns[TRACING_COLUMNS], standard[TRACING_COLUMNS];
    bool header = false;
    if (tracing_header(plain, 9, standard, NULL) < 0) abort();
    for (size_t at = 0; at < size;) {
        struct text cells[CELLS];
        size_t n = fuzz_row(data, size, &at, cells, CELLS);
        if (!header && tracing_header(cells, n, columns, NULL) == 0) header = true;
        struct tracing_row near; /* the same cells as a proximity */
        static const struct tracing_how how = {.zone_s = 28800, .dwell_s = {1800}, .near_s = 300, .near_m = 2};
        static const int pair[TRACING_COLUMNS] = {[COLUMN_PERSON] = 0, [COLUMN_PLACE] = -1, [COLUMN_START] = 2, [COLUMN_END] = 3, [COLUMN_CLASS] = -1, [COLUMN_SOURCE] = -1,
                                                  [COLUMN_CONFIDENCE] = 6, [COLUMN_ZONE] = -1, [COLUMN_ROW] = -1, [COLUMN_OTHER] = 1, [COLUMN_DISTANCE] = 5};
        struct error wrong = {0};
        int met = tracing_row_read(&how, pair, cells, n, &near, &wrong);
        if (met < 0 && (met != E_INVALID || wrong.code != met || !wrong.where[0])) abort();
        if (met == 0 && (!near.person.n || !near.other.n || near.end < near.start || near.place.n > VISITS_NAME_MAX || (!near.far && !near.place.n))) abort();
        for (int k = 0; k < 2; k++) {
            struct tracing_row r;
            struct error err = {0};
            if (k == 1 && !header) continue;
            int rc = tracing_row_read(&how, k ? columns : standard, cells, n, &r, &err);
            if (rc < 0 && (rc != E_INVALID || err.code != rc || !err.where[0])) abort();
            if (rc == 0 && (!r.person.n || !r.place.n || r.end < r.start || r.end - r.start > (int64_t)VISITS_DAYS_MAX * DAY_S || r.confidence > 100 || r.source >= PRESENCE_KINDS ||
                            r.class_of >= VISITS_CLASSES))
                abort();
        }
    }
    return 0;
}

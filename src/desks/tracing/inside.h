/* desks/tracing, shared by its files. */
#ifndef TOCSIN_DESKS_TRACING_INSIDE_H
#define TOCSIN_DESKS_TRACING_INSIDE_H

#include "desks/tracing/tracing.h"

/* One entry of register `visits`: what was done, then the reason of the session. */
int tracing_journal(struct ledger *l, const struct session *s, enum journal_verb verb, const char *what, struct error *err);

/* One row of a table of visits. Pure; fuzzed. */
enum tracing_column {
    COLUMN_PERSON, COLUMN_PLACE, COLUMN_START, COLUMN_END, COLUMN_CLASS, COLUMN_SOURCE, COLUMN_CONFIDENCE, COLUMN_ZONE, COLUMN_ROW, TRACING_COLUMNS
};
struct tracing_row {
    struct text person, place;
    instant start, end;
    uint8_t class_of, source, confidence;
    uint16_t zone, row;
};
/* Which cell of a header is which column; -1 none. E_SYNTAX names the one that is missing. */
int tracing_header(const struct text *cells, size_t n, int ret[TRACING_COLUMNS], struct error *err);
/* E_INVALID with the column in `where` and what is wrong with it. */
int tracing_row(const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, int32_t zone_s, int64_t dwell_s, struct tracing_row *ret, struct error *err);

#endif

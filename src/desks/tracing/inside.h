/* desks/tracing, shared by its files. */
#ifndef TOCSIN_DESKS_TRACING_INSIDE_H
#define TOCSIN_DESKS_TRACING_INSIDE_H

#include "desks/tracing/tracing.h"

/* One entry of register `visits`: what was done, then the reason of the session. */
int tracing_journal(struct ledger *l, const struct session *s, enum journal_verb verb, const char *what, struct error *err);
/* The same about one case (0: none). */
int tracing_journal_of(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t which, const char *what, struct error *err);
/* A parameter of the policy in force for a disease (empty: of the first in force here). */
int64_t tracing_parameter(const struct ledger *l, struct text disease, instant now, const char *name, int64_t otherwise);
/* A cell as an instant: the instant, or the first second of a date; INSTANT_NONE. */
instant tracing_when(const struct ledger *l, const struct record *r, const char *field);
int64_t tracing_cell(const struct record *r, const char *field, int64_t otherwise);
struct text tracing_word(const struct record *r, const char *field);

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

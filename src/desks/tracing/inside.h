/* desks/tracing, shared by its files. */
#ifndef TOCSIN_DESKS_TRACING_INSIDE_H
#define TOCSIN_DESKS_TRACING_INSIDE_H

#include "desks/tracing/tracing.h"
#include "ledger/register.h"

/* One entry of register `visits`: what was done, then the reason of the session. */
int tracing_journal(struct ledger *l, const struct session *s, enum journal_verb verb, const char *what, struct error *err);
/* The same about one case (0: none). */
int tracing_journal_of(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t which, const char *what, struct error *err);
/* Whether the session may look at who met whom in a region: the right to write contacts there and, but for root, a purpose. E_DENIED. */
int tracing_may(struct ledger *l, const struct session *s, struct text region, struct error *err);
/* A parameter of the policy in force for a disease (empty: of the first in force here). */
int64_t tracing_parameter(const struct ledger *l, struct text disease, instant now, const char *name, int64_t otherwise);
/* A cell as an instant: the instant, or the first second of a date; INSTANT_NONE. */
instant tracing_when(const struct ledger *l, const struct record *r, const char *field);
/* From when a case is looked back: its onset; else the earliest of what says that it was positive (sample, found, reported, diagnosed, the day it is counted); else when it was recorded. Never after now. */
instant tracing_base(const struct ledger *l, const struct record *r, instant now);

/* The numbers in the visits under which a person of the registers is found, by any of its names. */
enum { TRACING_NUMBERS = 32 };
int tracing_numbers(struct ledger *l, const struct visits *v, int64_t person, uint32_t ret[TRACING_NUMBERS], size_t *ret_n, struct error *err);
/* The person on record whom a name of the visits stands for: whose number it is, else whose visits_name it is, and who that one is now after all merges; 0 none. */
int tracing_person_named(struct ledger *l, struct text name, int64_t *ret, struct error *err);
/* The same of a place, which is never merged; and what the visits call a place on record: as its visits_name says when that is its alone, else its number. */
int tracing_place_named(struct ledger *l, struct text name, int64_t *ret, struct error *err);
int tracing_place_called(struct ledger *l, int64_t place, char ret[VISITS_NAME_MAX + 1], struct error *err);
/* A place of the visits whose class no row told gets that of its card, if it has one; visits that are open for reading only stay as they are. Cost: two look-ups. */
int tracing_place_learn(struct ledger *l, struct visits *v, uint32_t place, struct error *err);

/* Whether part of an exposure lies where this answer looked and could not see: on a day that is damaged or forgotten. That it was not found is then no reason to take it back. */
int tracing_unseen(struct visits *v, const struct tracing_answer *a, instant first, instant last, bool *ret, struct error *err);

/* One row of a table of visits. Pure; fuzzed. */
enum tracing_column {
    COLUMN_PERSON, COLUMN_PLACE, COLUMN_START, COLUMN_END, COLUMN_CLASS, COLUMN_SOURCE, COLUMN_CONFIDENCE, COLUMN_ZONE, COLUMN_ROW,
    COLUMN_OTHER /* the second person of a proximity file */, COLUMN_DISTANCE /* metres */, COLUMN_SIGNAL /* how strongly one device heard the other, dBm */, TRACING_COLUMNS
};
extern const char *const tracing_words[TRACING_COLUMNS]; /* as maps and JSON call them */
struct tracing_row {
    struct text person, place, other; /* other: both were near each other; place is then a name of the pair, in `pair` */
    char pair[VISITS_NAME_MAX + 1];
    bool dwells;                      /* without an end and a class: it lasts as long as the class says that the store knows (tracing_dwell) */
    bool far;                         /* farther apart, or heard more faintly, than counts */
    instant start, end;
    uint8_t class_of, source, confidence;
    uint16_t zone, row;
};
/* Which cell of a header is which column; -1 none. E_SYNTAX names the one that is missing. */
int tracing_header(const struct text *cells, size_t n, int ret[TRACING_COLUMNS], struct error *err);
/* Blank, or a word by which lists say that they do not know. */
bool tracing_says_nothing(struct text t);
/* How cells are to be read. */
struct tracing_how {
    int32_t zone_s;
    int64_t dwell_s[CONTACT_CLASSES]; /* of a scan, by class of place */
    int64_t near_s;      /* of a proximity without an end */
    double near_m;       /* farther is no exposure; 0: any distance */
    int64_t weakest;     /* a fainter signal is no exposure; 0: any */
    enum tracing_dates { DATES_ISO, DATES_DAY_FIRST, DATES_MONTH_FIRST } dates; /* 05/01/2020 is the fifth of January, or the first of May */
    instant latest;      /* what begins later is a slip of the pen, and would never be forgotten; 0: any */
    bool counted;        /* numbers are steps of step_s after origin, not seconds since 1970 */
    instant origin;
    int64_t step_s;
    const struct codelist *kinds; /* words of the list mean its classes; NULL: codes only */
};
/* Nothing stands behind the cells that the header names: what it may have moved is not known. E_INVALID. */
int tracing_row_whole(const struct text *cells, size_t n, size_t headers, struct error *err);
/* A date without a time is all of that day, told in the interview, half sure. E_INVALID with the column in `where`; so an unknown word for class or source. The row must stay where it is when it has a pair. */
int tracing_row_read(const struct tracing_how *how, const int columns[TRACING_COLUMNS], const struct text *cells, size_t n, struct tracing_row *ret, struct error *err);
/* The end of a scan at a place whose class the row does not say. */
static inline void tracing_dwell(const struct tracing_how *how, const struct visits *v, struct visit *visit) {
    visit->end = visit->start + how->dwell_s[visits_class(v, visit->place) % CONTACT_CLASSES];
}
/* As the policies in force here have it. */
void tracing_how_of(const struct ledger *l, instant now, struct tracing_how *ret);

/* A column that tells a route in words (told.h), and the one that says when it was told. */
struct tracing_telling {
    struct text route, by;        /* names of columns; empty: not there */
    int route_at, by_at;
};
/* A table with columns person and route in place of place and start: true. */
bool tracing_header_told(const struct text *cells, size_t n, int *ret_person, struct tracing_telling *ret);
/* The day of a cell, as tracing_row_read reads days. */
bool tracing_day(const struct tracing_how *how, struct text t, day *ret);

/* Which columns of a stranger's table are visits: map.c */
enum { TRACING_GROUPS_MAX = 32, TRACING_JOINED_MAX = 6, TRACING_NOTHING_MAX = 16 };
#define TRACING_NUMBERED "#"      /* person of a list without numbers of its own: file and line */
/* Where a value stands: in columns that are one value together, with a space between; none: not there. */
struct tracing_cell {
    struct text names[TRACING_JOINED_MAX];
    int at[TRACING_JOINED_MAX];
    size_t n;
};
struct tracing_map {
    struct arena arena;
    struct tracing_how how;
    struct text split, people;    /* characters that part several places, several persons in one cell */
    struct text nothing[TRACING_NOTHING_MAX]; /* words of the list that say nothing */
    size_t n_nothing;
    bool headless;                /* the first row is one already; columns are called 1, 2, ... */
    char delimiter;               /* 0: what the file shows */
    int64_t interval_s;           /* of a proximity without an end; -1: the policy's */
    day by;                       /* when routes were told whose column does not say; DAY_MIN: not known */
    size_t n;
    struct tracing_cell cells[TRACING_GROUPS_MAX][TRACING_COLUMNS];
    struct tracing_telling told[TRACING_GROUPS_MAX];
};
/* Moments of the map without a zone are of zone_s. Errors: E_IO, E_SYNTAX, E_INVALID with the line. Owned: tracing_map_clear. */
int tracing_map_read(const char *path, int32_t zone_s, struct tracing_map *ret, struct error *err);
/* Finds the columns of a header; E_SYNTAX names one that is not there. */
int tracing_map_header(struct tracing_map *m, const struct text *cells, size_t n, struct error *err);
void tracing_map_clear(struct tracing_map *m);

#endif

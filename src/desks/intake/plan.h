/* desks/intake: the compiled form of a map. Private to this folder: map.c builds it, value.c, when.c and row.c evaluate it. */
#ifndef TOCSIN_DESKS_INTAKE_PLAN_H
#define TOCSIN_DESKS_INTAKE_PLAN_H

#include <regex.h>

#include "desks/intake/map.h"

/* A column of the file, a computed column (`let`) or the part of an `each`. All are slots of one row. */
enum slot_kind { SLOT_COLUMN, SLOT_LET, SLOT_PART };
struct plan_slot {
    enum slot_kind kind;
    struct text name;   /* folded; without the mark of occurrence */
    int position;       /* "@3": 3; else 0 */
    int occurrence;     /* "name#2": 2; else 1 */
    bool optional;      /* "name?" */
    const struct yaml *node;
};

struct plan_piece {
    struct text literal; /* before the slot */
    int slot;            /* -1: none, -2: the value itself "{}" */
};

struct plan_pair {
    struct text from, to; /* from: folded */
};

struct plan_replace {
    regex_t *pattern;
    struct text with;
};

enum value_source { SOURCE_FROM, SOURCE_JOIN, SOURCE_TEXT, SOURCE_CONST, SOURCE_RECORD };
enum value_number { NUMBER_NONE, NUMBER_FIRST, NUMBER_REST, NUMBER_LOW, NUMBER_HIGH, NUMBER_MIDDLE };

struct plan_when;

/* One value: where it comes from and what happens to it, in this order. */
struct plan_value {
    const struct yaml *node;
    const struct plan_when *when; /* not true: empty */
    enum value_source source;
    size_t n_slots;
    int *slots;
    struct text with;          /* JOIN */
    size_t n_pieces;
    struct plan_piece *pieces; /* TEXT */
    struct text constant;
    int record;                /* SOURCE_RECORD */
    bool own_na;
    size_t n_na;
    struct text *na;           /* folded */
    size_t n_strips;
    struct text *strips;
    size_t n_matches;
    regex_t **matches;
    int group;                 /* -1: 1 when the pattern has groups, else 0 */
    struct text split;
    int take;                  /* from 1; negative from the end */
    size_t n_replaces;
    struct plan_replace *replaces;
    bool upper, lower;
    enum value_number number;
    double times, plus;
    bool scaled, rounded;
    size_t n_pairs;
    struct plan_pair *pairs;   /* sorted by from */
    bool has_star, has_empty;
    struct text star, empty;   /* star "=": keep */
    size_t n_dates;
    struct text *dates;
    int year;
    char partial;              /* 'f' first, 'm' middle, 'l' last day of what is missing; 0: not a date */
    struct text at, zone;
    struct text fallback;
    bool require, bad_empty;
    /* reference */
    const struct register_decl *target;
    int by_field;              /* -1: by key */
    bool is_ref, by_title;     /* by_title: region */
    size_t n_key;
    struct plan_piece *key;
    enum map_missing missing;
    int create;                /* index of the record that is created */
};

struct plan_field {
    int field;
    struct plan_value value;
};

struct plan_record {
    const struct yaml *node;
    const struct register_decl *reg;
    struct text name;
    struct plan_when *when;
    bool has_origin, has_id, has_number; /* columns of our own exports (origin.c) */
    struct plan_value origin, id, number;
    bool has_key, has_state, has_region, has_each, has_gate, optional, only_new, match, region_title;
    bool keeps;  /* of a record that is there what is known stays; what the row says otherwise is noted in field keep_to */
    int keep_to;
    struct plan_value key, state, region, each, gate; /* gate: a record made for a missing reference exists only when this has a value */
    regex_t *each_pattern;
    struct text each_split;
    size_t n_fields;
    struct plan_field *fields;
};

struct plan_let {
    int slot;
    struct plan_value value;
};

struct map {
    struct arena arena;
    const struct catalog *catalog;
    const struct register_decl *target;
    struct text title, source, comment, encoding, sheet;
    size_t n_fill;
    struct text *fill;
    struct text node;  /* this node's name, for lists that a node has written */
    bool exact;        /* such a list: its cells are what they are, no repair and no words for nothing */
    int header_row;
    bool missing_empty;
    size_t n_na;
    struct text *na;
    size_t n_dates;
    struct text *dates;
    size_t n_slots;
    struct plan_slot slots[MAP_COLUMNS_MAX];
    size_t n_lets;
    struct plan_let *lets;
    struct plan_when *skip_if;
    size_t n_records;
    struct plan_record *records;
    size_t n_patterns, cap_patterns;
    regex_t **patterns;
    int part_slot;
};

struct map_binding {
    struct arena arena;
    int *index; /* by slot; -1: not in this file */
    bool *used; /* by column of the file */
    size_t n_columns;
};

struct plan_env {
    const struct map *map;
    struct text *slots;
    struct arena *arena;
    int64_t line;
    bool *starved;    /* a condition ran out of memory: its answer means nothing */
    struct text self; /* what "{}" means: the value a missing target is made from */
};

/* map.c: an empty map with its arena; freed by map_free */
struct map *map_new(const struct catalog *c);

/* plan.c: compile helpers */
int plan_slot(struct map *m, const struct yaml *node, struct text name, int *ret, struct error *err);
int plan_pattern(struct map *m, const struct yaml *node, struct text pattern, regex_t **ret, struct error *err);
int plan_value(struct map *m, const struct yaml *node, const struct field *f, struct plan_value *ret, struct error *err);
int plan_texts(struct map *m, const struct yaml *node, bool fold, struct text **ret, size_t *ret_n, struct error *err);

/* when.c: conditions over the columns of a row */
int when_parse(struct map *m, const struct yaml *node, struct plan_when **ret, struct error *err);
bool when_holds(const struct plan_when *w, const struct plan_env *env);

/* value.c: the text of a value, empty when there is none. E_INVALID: what is wrong with the cell; E_MEMORY. */
int value_text_of(const struct plan_value *v, const struct plan_env *env, const struct field *f, struct text *ret, struct error *err);
int value_pieces(const struct plan_piece *p, size_t n, const struct plan_env *env, struct text self, struct text *ret, struct error *err);
bool value_na(const struct text *na, size_t n, struct text t);
bool date_format_known(struct text format);

/* origin.c: lists that a node has written. The sender's name for a record: NAME@NODE. */
int origin_key(struct arena *a, struct text name, struct text node, struct text *ret, struct error *err);
/* Makes a BY_ANY reference of such a list mean what its writer meant by it. */
int origin_reference(struct arena *a, struct text node, bool own, struct map_ref *ref, struct error *err);
/* A cell as it was before the writer guarded it against spreadsheets (files/sheet_write.c). */
struct text origin_cell(struct text cell);

#endif

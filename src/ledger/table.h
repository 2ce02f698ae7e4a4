/* ledger: the table derived from a register, and the stable numbers its columns have in the journal.
 * A field keeps its journal number for ever (table `field_code`), whatever happens to the order of its declaration. */
#ifndef TOCSIN_LEDGER_TABLE_H
#define TOCSIN_LEDGER_TABLE_H

#include "ledger/lookup.h"
#include "ledger/record.h"

enum { CELL_REGION = 1, CELL_STATE = 2, CELL_NUMBER = 3, CELL_KEY = 4, CELL_FIRST_FIELD = 16 };

struct reg_table {
    const struct register_decl *reg;
    struct db_table table;
    uint16_t *all;        /* 0 .. n_columns-1: every column, for inserts */
    const char *columns;  /* "region","id",... for selects */
    uint32_t *cell_code;  /* field -> journal number */
    int field_doc_type, field_doc_no; /* cross-cell check of identity documents; -1 */
    /* fields by what they are, ascending: a register has dozens, and few of a kind */
    struct field_list { size_t n; uint16_t *at; } required, defaulted, sealed, references;
    bool has_copies, checks_wait; /* checks_wait: one is over a reference, so that it can only be made when that is known */
    const struct register_decl **targets; /* of reference fields, else NULL */
    struct lookup_kind by_key, by_number;
    struct expr **checks; /* reg->checks, parsed */
    struct effect_bound *effects; /* reg->effects */
    /* effects of other registers that move its records, by person too */
    struct mover { const struct register_decl *reg; size_t effect; } *movers;
    size_t n_movers, cap_movers;
    struct similar_conditions { struct expr *except, *settled; } *similar; /* of reg->similar; NULL: none */
    struct hold_bound *holds; /* reg->holds */
    struct tally_bound *tally; /* reg->tally, or NULL */
    struct count_bound *counts; /* reg->counts */
    struct db_table *count_table; /* or NULL */
    uint64_t reads;       /* reference fields whose record is read when a record is made: something is copied from it or held in it */
    struct expr **was;    /* of each check the condition on the record before, or NULL */
};

/* Builds into the ledger's arena; parses the checks between fields (an error names the declaration's line). */
int table_derive(struct arena *a, const struct register_decl *reg, int32_t zone_s, struct reg_table **ret, struct error *err);
/* Fills in targets, when all registers are there. */
int table_targets(struct arena *a, const struct catalog *c, struct reg_table *t, int32_t zone_s, struct error *err);
const struct db_table *field_code_table(void);
/* Reads the numbers; gives new ones to new fields when `assign` (inside a write transaction). */
int table_codes(struct db *db, struct arena *a, struct reg_table **tables, size_t n, bool assign, struct error *err);
/* Whether lists can be sorted by a column: a date or instant with an index of its own. */
bool table_sorts(const struct register_decl *reg, struct text column);
int table_field_of(const struct reg_table *t, size_t cell_code); /* field index or -1 */
/* The record a row of `columns` describes; cells borrowed from the row unless a copy is asked for. */
int table_record(const struct reg_table *t, const struct value *row, struct arena *copy, struct record *ret, struct error *err);

#endif

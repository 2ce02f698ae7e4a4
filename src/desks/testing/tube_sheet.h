/* desks/testing: the paper fallback. Sheets to be filled in by hand where nothing electronic works: one a tube, its number given by the store so that no two stacks share one, as bar code
 * and QR code; and the sheet typed up later, read into rows of sampling.h, which takes them as it takes a device's: told twice they change nothing.
 * A number says its round and table (P802-811-001), so a typed sheet needs to say neither. */
#ifndef TOCSIN_DESKS_TESTING_TUBE_SHEET_H
#define TOCSIN_DESKS_TESTING_TUBE_SHEET_H

#include "desks/testing/sampling.h"
#include "ledger/record.h"

enum { TUBE_SHEETS_MAX = 200, TUBE_NUMBER_MAX = 72 };

struct tube_sheets {
    int64_t round, table;
    int64_t count;         /* 1 to TUBE_SHEETS_MAX */
    int64_t again;         /* 0: new numbers; else the first of `count` numbers that were given before, printed again */
    /* filled in by tube_sheets_give */
    int64_t size;
    char campaign[200 * 4], site[200 * 4], label[40 * 4]; /* titles as the registers have them */
    int64_t seq;
    char numbers[TUBE_SHEETS_MAX][TUBE_NUMBER_MAX];
};
/* Gives the numbers, in a transaction of its own unless one is open: they are used up even if nobody prints them. Needs the right to write swabs. Errors: E_UNKNOWN round or table (or not to be
 * seen); E_REFUSED a round that is closed or cancelled, a table or site that is closed; E_INVALID count; E_INVALID again: such numbers were never given. */
int tube_sheets_give(struct ledger *l, const struct session *s, struct tube_sheets *t, struct error *err);
/* A page each. As form_write_pdf; one thread at a time. */
int tube_sheets_pdf(const struct tube_sheets *t, bool zh, instant at, int32_t zone_s, struct buf *out, struct error *err);
/* Round and table that a number says; false when it is none of ours. */
bool tube_number_read(struct text number, int64_t *ret_round, int64_t *ret_table);

/* ---- typed up later */

struct typed_sheet;
/* What a row does not say itself. table, round 0: the number must say them. on: day of times without a date. A row without a time has that of the row above in its tube; the first of
 * a tube is of now, while the sheet is of today. */
struct typed_usual {
    int64_t table, round, size;
    day on, today;
    int32_t zone_s;
};
/* CSV or XLSX with a header row; columns by their Chinese or English name (docs/testing.md), others are passed over. E_SYNTAX: no column of tubes. Owned: typed_sheet_close. */
int typed_sheet_open(const char *path, const struct typed_usual *u, struct typed_sheet **ret, struct error *err);
/* One row: 1, 0 at the end. An empty tube is that of the row above; a row that says nobody is a line left empty, and passed over. A cell that cannot be read makes a row with a reason.
 * Texts in the arena. ret_cells (may be NULL): the row as it was written, borrowed until the next call. */
int typed_sheet_next(struct typed_sheet *t, struct arena *a, struct sampling_row *ret, int64_t *ret_line, const struct text **ret_cells, size_t *ret_n, struct error *err);
/* Which of a row's cells is its tube. */
size_t typed_sheet_tube(const struct typed_sheet *t);
/* The header row, borrowed until close; what the file turned out to be (sheet.h). */
const struct text *typed_sheet_header(const struct typed_sheet *t, size_t *ret_n);
const struct sheet_info *typed_sheet_about(const struct typed_sheet *t);
void typed_sheet_close(struct typed_sheet *t);

#endif

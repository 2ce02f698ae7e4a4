/* files: rows out of delimited text. RFC 4180 and what is really found: quotes anywhere, mixed line
 * ends, line ends in quotes, ragged rows, quotes never closed. Comes from source and encoding; goes to sheet.
 */
#ifndef TOCSIN_DOORS_FILES_CSV_H
#define TOCSIN_DOORS_FILES_CSV_H

#include "files/sheet.h"
#include "files/source.h"

struct csv;

/* Finds encoding and delimiter and writes what it found into *info, which csv keeps up to date (a file that
 * starts as ASCII may turn out to be more) and so must outlive it, like src. Errors: E_SYNTAX (empty, damaged
 * gzip), E_UNSUPPORTED. */
int csv_open(struct source *src, const struct sheet_options *o, struct sheet_info *info, struct csv **ret,
             struct error *err);
/* As sheet_next. Lines without a single character are no rows. A quote that is never closed within
 * four times SHEET_ROW_MAX is taken for a character; the row is told as damaged and ends with its line. */
int csv_next(struct csv *c, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
             bool *ret_damaged, struct error *err);
void csv_close(struct csv *c);

#endif

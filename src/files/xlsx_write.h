/* files: rows into an XLSX workbook by libxlsxwriter, in constant memory. Comes from sheet_write. */
#ifndef TOCSIN_DOORS_FILES_XLSX_WRITE_H
#define TOCSIN_DOORS_FILES_XLSX_WRITE_H

#include "base/text.h"

struct xlsx_writer;

/* Builds the workbook at file (which exists and is replaced). Errors: E_MEMORY. */
int xlsx_create(const char *file, const char *sheet, struct xlsx_writer **ret, struct error *err);
/* Every cell is text, so that no identity or phone number is ever rounded. Errors: E_TOO_LARGE (1,048,576
 * rows, 16,384 columns, 32,767 characters a cell). */
int xlsx_put(struct xlsx_writer *w, const struct text *cells, size_t n, struct error *err);
int xlsx_header(struct xlsx_writer *w, const struct text *cells, size_t n, struct error *err);
int xlsx_choices(struct xlsx_writer *w, size_t column, const struct text *choices, size_t n,
                 struct error *err);
/* Writes the file and frees the writer, also on failure. */
int xlsx_finish(struct xlsx_writer *w, struct error *err);
void xlsx_abandon(struct xlsx_writer *w);

/* ---- shared with xlsx_stream */
enum { XLSX_TITLE = 128 };
/* The text as a workbook can hold it, in b: NUL-ended, valid UTF-8, what XML 1.0 cannot say written _xHHHH_. Not escaped. */
const char *xlsx_text(struct buf *b, struct text t);
/* The name of a sheet as Excel takes it: at most 31 characters, none of []:*?/\\ */
void xlsx_title(const char *sheet, char out[XLSX_TITLE]);

#endif

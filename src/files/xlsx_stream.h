/* files: rows into an XLSX workbook that is sent while it is made: nothing is held but the compressor (256 KiB), no file lies anywhere. libxlsxwriter
 * cannot do that; the parts are few and their order is free, so the list of sheets comes last. Comes from desks/export, goes to a door.
 * Every cell is text, as in xlsx_write. Half a workbook cannot be opened: who is cut off begins again. */
#ifndef TOCSIN_DOORS_FILES_XLSX_STREAM_H
#define TOCSIN_DOORS_FILES_XLSX_STREAM_H

#include "base/text.h"

struct xlsx_stream;

/* Owned: xlsx_stream_free. sheet: its name, made fit; the header (copied) is the first row of every sheet, bold and frozen. */
int xlsx_stream_new(const char *sheet, const struct text *header, size_t n, struct xlsx_stream **ret, struct error *err);
/* Adds the bytes of one row to out. After 1,048,575 rows another sheet begins. Errors: E_TOO_LARGE (32,767 characters a cell, 16,384 columns, 4 GiB). */
int xlsx_stream_row(struct xlsx_stream *x, const struct text *cells, size_t n, struct buf *out, struct error *err);
int xlsx_stream_end(struct xlsx_stream *x, struct buf *out, struct error *err);
void xlsx_stream_free(struct xlsx_stream *x);

#endif

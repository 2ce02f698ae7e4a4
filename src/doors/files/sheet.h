/* doors/files: tables in files. Reads CSV (any common encoding and delimiter, gzip) and XLSX, told by content and never by name, row by
 * row in bounded memory; writes the same formats. Knows base only; what the columns mean is for desks/intake. */
#ifndef TOCSIN_DOORS_FILES_SHEET_H
#define TOCSIN_DOORS_FILES_SHEET_H

#include "base/text.h"

enum sheet_format { SHEET_CSV, SHEET_XLSX };
enum { SHEET_COLUMNS_MAX = 4096, SHEET_CELL_MAX = 1 << 20, SHEET_ROW_MAX = 4 << 20 };

/* What the file turned out to be; an error file is written in the same shape. */
struct sheet_info {
    enum sheet_format format;
    char encoding[32];  /* iconv name: UTF-8, GB18030, UTF-16LE ... */
    bool bom, gzip, crlf;
    char delimiter;     /* , ; \t | */
    char sheet[128];    /* XLSX sheet name */
    double confidence;  /* of the encoding guess, 0..1 */
};

struct sheet_options {
    const char *encoding;  /* NULL: detect */
    char delimiter;        /* 0: detect */
    const char *sheet;     /* XLSX: name, or NULL for the first with rows */
    size_t skip_rows;      /* before the header */
    int64_t max_bytes;     /* decoded size limit, against bombs; 0: 64 GiB for CSV, 4 GiB for XLSX */
};

struct sheet;
int sheet_open(const char *path, const struct sheet_options *o, struct sheet **ret, struct error *err);
const struct sheet_info *sheet_about(const struct sheet *s);
/* One row: cells as UTF-8, borrowed until the next call. XLSX: shared and inline strings, rich text joined, phonetic runs skipped,
 * dates by style as ISO 8601, numbers without float noise, gaps as empty cells. ret_line: row number in the file from 1 (CSV: line where the row starts).
 * 1 a row, 0 the end, negative error. Bytes that do not decode become U+FFFD and set *ret_damaged: the row is the caller's to reject. */
int sheet_next(struct sheet *s, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line, bool *ret_damaged, struct error *err);
void sheet_progress(const struct sheet *s, int64_t *ret_done_bytes, int64_t *ret_total_bytes); /* of the file as stored */
void sheet_close(struct sheet *s);

struct sheet_writer;
/* Writes to path (or standard output for "-", CSV only) in the given shape; about->sheet names the XLSX sheet. Streams (XLSX in constant-memory
 * mode). CSV cells that a spreadsheet would run as a formula (= + - @ first, not a plain number) are written with a leading apostrophe when `safe`. */
int sheet_create(const char *path, const struct sheet_info *about, bool safe, struct sheet_writer **ret, struct error *err);
int sheet_put(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err);
/* XLSX only: bold frozen header, column widths, drop-down of allowed values for a column (templates). */
int sheet_header(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err);
int sheet_choices(struct sheet_writer *w, size_t column, const struct text *choices, size_t n, struct error *err);
/* Flushes, renames into place (the path never holds half a file), closes. */
int sheet_finish(struct sheet_writer *w, struct error *err);
void sheet_abandon(struct sheet_writer *w);

#endif

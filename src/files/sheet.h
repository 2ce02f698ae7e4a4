/* files: tables in files. Reads CSV (any common encoding and delimiter, gzip) and XLSX, told by content
 * and never by name, row by row in bounded memory; writes the same formats. Knows base only; what the columns
 * mean is for desks/intake. */
#ifndef TOCSIN_DOORS_FILES_SHEET_H
#define TOCSIN_DOORS_FILES_SHEET_H

#include "base/text.h"

enum sheet_format { SHEET_CSV, SHEET_XLSX };
enum { SHEET_COLUMNS_MAX = 4096, SHEET_CELL_MAX = 1 << 20, SHEET_ROW_MAX = 4 << 20 };

/* What the file turned out to be; an error file is written in the same shape. */
struct sheet_info {
    enum sheet_format format;
    char encoding[32]; /* iconv name: UTF-8, GB18030, UTF-16LE ... */
    bool bom, gzip, crlf;
    char delimiter;    /* , ; \t | */
    char sheet[128];   /* XLSX sheet name */
    char unread[200];  /* XLSX: names of the other visible sheets that have rows, when none was asked for by name */
    double confidence; /* of the encoding guess, 0..1 */
};

struct sheet_options {
    const char *encoding; /* NULL: detect; a byte order mark of UTF-8 or UTF-16 says more than this */
    char delimiter;       /* 0: detect */
    const char *sheet;    /* XLSX: name, or NULL for the first with rows (visible ones first) */
    size_t skip_rows;     /* before the header; E_SYNTAX when there are fewer */
    int64_t max_bytes;    /* decoded size limit, against bombs; 0: 64 GiB for CSV, 4 GiB for XLSX */
};

struct sheet;
/* Opens a file (CSV also a pipe). o may be NULL. Errors: E_IO (missing, a directory), E_SYNTAX (empty, cut off,
 * damaged), E_UNSUPPORTED (something else than a table; the message says what to do), E_UNKNOWN (no such
 * sheet), E_TOO_LARGE (bombs), E_MEMORY. */
int sheet_open(const char *path, const struct sheet_options *o, struct sheet **ret, struct error *err);
/* Borrowed until sheet_close. crlf is known after the first row; a file that begins as pure ASCII is "UTF-8"
 * until its first other character decides the encoding. */
const struct sheet_info *sheet_about(const struct sheet *s);
/* One row: cells as UTF-8, borrowed until the next call; as many as the row has. 1 a row, 0 the end, negative
 * error (then the same error again). ret_line: row number in the file from 1 (CSV: line where the row starts).
 * Lines without a character and XLSX rows without content are no rows; of an XLSX row, empty cells at the end
 * are not told.
 * XLSX: shared and inline strings, rich text joined, phonetic runs skipped, cached values of formulas, dates
 * by style as ISO 8601 (without a time when it is midnight), numbers without float noise and without
 * exponent, gaps as empty cells, "TRUE"/"FALSE", errors as "#N/A".
 * Bytes that do not decode become U+FFFD and set *ret_damaged: the row is the caller's to reject. So do NUL bytes, a quote that is never
 * closed (its row ends with its line, the rest of the file is read) and an XLSX cell that names a shared string that is not there; so does
 * what is too large, of which the beginning is told: a cell of more than SHEET_CELL_MAX bytes, a row of more than SHEET_COLUMNS_MAX cells
 * or SHEET_ROW_MAX bytes. */
int sheet_next(struct sheet *s, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
               bool *ret_damaged, struct error *err);
/* The next row for good, in the arena: of a table that begins with its header. E_SYNTAX when there is none. */
int sheet_next_kept(struct sheet *s, struct arena *a, struct text **ret, size_t *ret_n, struct error *err);
/* Row i of those that skip_rows passed over, from 0; false when there is none. Borrowed until sheet_close. */
bool sheet_skipped(const struct sheet *s, size_t i, const struct text **ret_cells, size_t *ret_n);
/* Of the file as stored; the total is 0 for a pipe. */
void sheet_progress(const struct sheet *s, int64_t *ret_done_bytes, int64_t *ret_total_bytes);
void sheet_close(struct sheet *s);

struct sheet_writer;
/* Writes to path (or standard output for "-", CSV only) in the given shape; about->sheet names the XLSX sheet.
 * Streams (XLSX in constant-memory mode). An encoding that cannot hold every character (Big5, Windows-1252) is
 * written as UTF-8 with BOM: nothing that was read may be lost in writing. Every XLSX cell is text, so that no
 * identity number is rounded. CSV cells that a spreadsheet would run as a formula (= + - @ first, not a plain
 * number) are written with a leading apostrophe when `safe`. */
int sheet_create(const char *path, const struct sheet_info *about, bool safe, struct sheet_writer **ret,
                 struct error *err);
int sheet_put(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err);
/* What of a cell the file can hold: in XLSX its first 32,767 characters, else all. For those who would rather give back the beginning. */
struct text sheet_fitting(const struct sheet_writer *w, struct text cell);
/* The first row; in XLSX bold and frozen, with column widths and columns of text. In CSV as sheet_put. */
int sheet_header(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err);
/* XLSX: a drop-down of the allowed values below the header of a column (templates). CSV has none: no error. */
int sheet_choices(struct sheet_writer *w, size_t column, const struct text *choices, size_t n,
                  struct error *err);
/* Flushes, syncs, renames into place (the path never holds half a file). The writer is freed also on failure,
 * and then nothing is left behind. */
int sheet_finish(struct sheet_writer *w, struct error *err);
void sheet_abandon(struct sheet_writer *w);
/* One row of CSV in UTF-8 into memory, quoted and (safe) guarded as sheet_put writes it. */
int sheet_csv_row(struct buf *b, const struct text *cells, size_t n, char delimiter, bool safe, bool crlf);

#endif

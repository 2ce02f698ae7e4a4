/* files: a form to be filled in by hand: A4, a page each, with a number as bar code (Code 128) and QR code, some lines of words and an empty table. A desk says what is asked; this
 * room lays it out as a PDF. Codes by libzint. Knows base only. */
#ifndef TOCSIN_FILES_FORM_H
#define TOCSIN_FILES_FORM_H

#include "base/instant.h"

enum { FORM_PAGES_MAX = 500, FORM_LINES = 5, FORM_COLUMNS_MAX = 8, FORM_ROWS_MAX = 20, FORM_CODE_MAX = 40 };

struct form_column {
    struct text title;
    double share;        /* of the width; all together any sum */
};
struct form {
    bool zh;
    instant at;          /* date of the file */
    int32_t zone_s;
    const char *title;   /* NUL-ended, as all texts of it */
    struct text lines[FORM_LINES]; /* beside the codes of every page; empty ones are left out */
    struct text foot;
    size_t n_columns, rows; /* rows: numbered from 1 in a column of their own */
    struct form_column columns[FORM_COLUMNS_MAX];
    size_t n_pages;
    const struct text *codes; /* [n_pages]: printable ASCII, at most FORM_CODE_MAX */
};

/* Appends the PDF to out; the same form gives the same bytes. Errors: E_INVALID a code that no bar code can say, or a form of another shape; E_MEMORY; out is as before then.
 * Not for several threads at once (the font cache of Pango is the process's). */
int form_write_pdf(const struct form *f, struct buf *out, struct error *err);

#endif

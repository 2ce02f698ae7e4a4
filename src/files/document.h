/* files: an official document on paper. A desk fills a struct document (words, tables, a chart), this room lays it out as a PDF in the
 * form of a Chinese official document (GB/T 9704-2012): A4, text area 156 x 225 mm, 37 mm from the top and 28 mm from the left, 22 lines
 * of 28 characters, the issuing body in red over a red line, document number, title, addressee, headings 一、（一）, date, imprint
 * (版记), page number "— 1 —". Knows base only.
 *
 * Type: the standard asks for 小标宋 (titles), 仿宋 (body), 黑体 and 楷体 (headings). Free fonts of these names are not packaged; Noto Serif CJK SC
 * stands for 小标宋, 仿宋 and (bold) 楷体, Noto Sans CJK SC for 黑体. docs/report.md says so. */
#ifndef TOCSIN_DOORS_FILES_DOCUMENT_H
#define TOCSIN_DOORS_FILES_DOCUMENT_H

#include "base/instant.h"

enum { CHART_DAYS_MAX = 120, CHART_SERIES_MAX = 3, CHART_PANELS_MAX = 2 };

/* Stacked bars a day in one or two panels over one time axis. */
struct document_chart {
    day last; /* the rightmost bar */
    size_t days, series, panels;
    struct text names[CHART_SERIES_MAX];         /* legend; empty: not in it */
    struct text titles[CHART_PANELS_MAX];
    const int64_t *values[CHART_PANELS_MAX];     /* [days * series], >= 0, borrowed as long as the document */
};

enum document_block_kind { BLOCK_HEADING, BLOCK_SUBHEADING, BLOCK_PARAGRAPH, BLOCK_TABLE, BLOCK_CHART, BLOCK_NOTE };
struct document_block {
    enum document_block_kind kind;
    int part;             /* the desk's own grouping */
    struct text text;     /* words, or the caption of a table or chart */
    size_t rows, columns; /* table: the first row is the header, the first column the row's name; at most 16 columns */
    struct text *cells;   /* [rows * columns] */
    bool sums;            /* the last row adds up those above */
};

/* Zero-initialise. Texts live in the arena or longer. */
struct document {
    struct arena arena;
    bool zh;     /* Chinese layout; else the English one on the same paper */
    instant at;  /* date of the file */
    int32_t zone_s;
    struct text issuer, number, title, to, date, copies, printed; /* empty `to` and `copies` leave their lines out */
    size_t n, cap;
    struct document_block *blocks;
    struct document_chart chart;
    bool failed; /* out of memory on the way */
};
void document_clear(struct document *d);
/* Adds a block; NULL when out of memory (then failed is set too). text is kept, not copied. */
struct document_block *document_add(struct document *d, enum document_block_kind kind, int part, struct text text);

/* Appends the PDF to out. Text is real text (it can be searched and copied), fonts are embedded. The same document and fonts give the same bytes:
 * the file's date is d->at. Errors: E_MEMORY, E_TOO_LARGE; out is as before then. Not for several threads at once (the font
 * cache of Pango is the process's). */
int document_write_pdf(const struct document *d, struct buf *out, struct error *err);

/* Draws the chart with its upper left corner at (x, y); points. cairo is a cairo_t *. */
void document_draw_chart(void *cairo, const struct document_chart *chart, bool zh, double x, double y, double width, double height);

#endif

/* doors/files: the report of a day as a PDF, in the layout of a Chinese official document (GB/T 9704-2012): A4, text area 156 x 225 mm, 37 mm
 * from the top and 28 mm from the left, 22 lines of 28 characters, the issuing body in red over a red line, document number, title,
 * addressee, headings 一、(一), date, imprint (版记), page number "— 1 —". Figures and words come from desks/bulletin, the paper is made here.
 *
 * Type: the standard asks for 小标宋 (titles), 仿宋 (body), 黑体 and 楷体 (headings). Free fonts of that name are not packaged; Noto Serif CJK SC
 * stands for 小标宋, 仿宋 and (bold) 楷体, Noto Sans CJK SC for 黑体. docs/report.md says so. */
#ifndef TOCSIN_DOORS_FILES_BULLETIN_PDF_H
#define TOCSIN_DOORS_FILES_BULLETIN_PDF_H

#include "desks/bulletin/bulletin.h"

/* Appends the PDF to out. Text is real text (it can be searched and copied), fonts are embedded. The same figures, words, language and fonts give
 * the same bytes: the file's date is as_of. Errors: E_MEMORY, E_TOO_LARGE; out is as before then. Not for several threads at once
 * (the font cache of Pango is the process's). */
int bulletin_write_pdf(const struct bulletin *b, const struct bulletin_words *words, bool zh, struct buf *out, struct error *err);

/* Curve of the last CURVE_DAYS days, local and imported stacked, by report above and by onset below, drawn with its upper left corner at (x, y)
 * in points; width and height in points. cairo is a cairo_t *. */
void bulletin_draw_curve(void *cairo, const struct bulletin *b, bool zh, double x, double y, double width, double height);

#endif

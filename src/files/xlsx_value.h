/* files: what a number in a workbook means as text. Pure; goes to xlsx_read. */
#ifndef TOCSIN_DOORS_FILES_XLSX_VALUE_H
#define TOCSIN_DOORS_FILES_XLSX_VALUE_H

#include "base/text.h"

/* What a number format makes of a number; FORMAT_PADDED + w: an integer with leading zeros to w digits. */
enum { FORMAT_PLAIN, FORMAT_DATE, FORMAT_TIME, FORMAT_DATETIME, FORMAT_ELAPSED, FORMAT_PADDED };
unsigned char format_of_code(struct text code);    /* "yyyy-mm-dd", "[h]:mm", "000000" */
unsigned char format_of_builtin(unsigned long id); /* ECMA-376 18.8.30 with the Chinese ones */

enum { XLSX_VALUE_TEXT = 64 };
/* Writes the number at raw (as in the XML) as people read it: ISO 8601 for dates, "01:30:00" for times,
 * digits without exponent or binary noise otherwise, at most fifteen significant. Digits alone stay as they
 * are however many, unless they are a rounded binary number: then zeros follow the fifteenth, as Excel shows it. Returns its length, 0 when raw is no number or does not fit: then raw itself is the text.
 */
size_t xlsx_number(struct text raw, unsigned char format, bool from_1904, char out[XLSX_VALUE_TEXT]);

#endif

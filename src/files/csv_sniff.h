/* files: which delimiter cuts these lines. Comes from csv with the decoded beginning of a file. */
#ifndef TOCSIN_DOORS_FILES_CSV_SNIFF_H
#define TOCSIN_DOORS_FILES_CSV_SNIFF_H

#include "base/text.h"

/* The one among , ; tab | that cuts the lines most evenly outside quotes; ',' when none does. */
char csv_sniff(struct text sample);
/* "sep=;" as the first line is Excel's own word for it: true, the delimiter, and the bytes of that line. */
bool csv_sep_line(struct text sample, char *ret_delimiter, size_t *ret_n);

#endif

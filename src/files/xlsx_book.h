/* files: what a workbook says about its sheets: names and parts, shared strings, number formats, the
 * date system. Comes from xlsx_zip; goes to xlsx_read. */
#ifndef TOCSIN_DOORS_FILES_XLSX_BOOK_H
#define TOCSIN_DOORS_FILES_XLSX_BOOK_H

#include "files/xlsx_zip.h"

struct book_sheet {
    const char *name, *relation, *part; /* part NULL: not a sheet of cells */
    bool hidden;
};

struct book {
    struct arena arena; /* names and parts */
    struct book_sheet *sheets;
    size_t sheets_n;
    bool from_1904;
    struct buf strings;    /* shared strings one after another */
    uint32_t *string_ends; /* where each ends */
    size_t strings_n, strings_cap;
    unsigned char *formats; /* of each cell style, enum of xlsx_value */
    size_t formats_n, formats_cap;
};

/* Reads everything but the sheets. The book is zero-initialised by the caller and cleared by book_clear also
 * after a failure. */
int book_read(struct book *b, struct zip *z, struct error *err);
void book_clear(struct book *b);
/* A shared string; .s is NULL when there is no such number. */
struct text book_string(const struct book *b, uint64_t i);
/* Undoes _xHHHH_, in place. */
size_t book_unescape(char *s, size_t n);

#endif

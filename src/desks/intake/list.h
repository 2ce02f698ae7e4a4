/* desks/intake: a foreign list as its map says it is read, and the file in which its refused rows go back: of the same shape, so that it is read by the same map
 * when it has been put right. Comes from files/sheet; its rows go to import.h. */
#ifndef TOCSIN_DESKS_INTAKE_LIST_H
#define TOCSIN_DESKS_INTAKE_LIST_H

#include "desks/intake/import.h"
#include "files/sheet.h"

struct intake_list {
    struct sheet *sheet;                         /* before its first row under the headers */
    size_t n_headers, n_comments;
    struct text *headers;                        /* none when the map says that the list has none */
    struct list_row { struct text *cells; size_t n; } *comments; /* between what the map skips and the headers */
    bool headless;
    size_t n_fill, cap_row;
    struct list_fill { size_t at; struct buf last; } *fill; /* columns whose empty cells say what the row above says */
    struct text *row;
};

/* map: NULL, the first row holds the headers. sheet: of a workbook, before what the map says; NULL: none. What is kept lives in `a`. Owned: intake_list_close.
 * Errors of sheet_open. */
int intake_list_open(const char *path, const struct map *map, const char *sheet, struct arena *a, struct intake_list *ret, struct error *err);
/* The next row as of sheet_next, with its empty cells filled as the map says. */
int intake_list_next(struct intake_list *l, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line, bool *ret_damaged, struct error *err);
void intake_list_close(struct intake_list *l);

/* The file of refused rows: what stood above the headers, the headers and two columns more. safe: as sheet_create. */
int intake_refused_open(const struct intake_list *l, const char *path, bool safe, bool zh, struct sheet_writer **ret, struct error *err);
int intake_refused_put(const struct intake_list *l, struct sheet_writer *w, const struct intake_reject *r, bool zh, struct error *err);

#endif

/* files: rows out of an XLSX workbook, by minizip and expat. Comes from source; goes to sheet. */
#ifndef TOCSIN_DOORS_FILES_XLSX_H
#define TOCSIN_DOORS_FILES_XLSX_H

#include "files/sheet.h"
#include "files/source.h"

struct xlsx;

/* Opens the named sheet, or the first with rows (visible ones first), and writes its name into *info. Errors:
 * E_SYNTAX (cut or damaged zip or XML, DOCTYPE), E_UNSUPPORTED (another kind of zip), E_UNKNOWN (no such
 * sheet), E_TOO_LARGE (bombs). */
int xlsx_open(struct source *src, const struct sheet_options *o, struct sheet_info *info, struct xlsx **ret,
              struct error *err);
/* As sheet_next; rows and trailing cells without content are left out. */
int xlsx_next(struct xlsx *x, const struct text **ret_cells, size_t *ret_n, int64_t *ret_line,
              bool *ret_damaged, struct error *err);
/* Unpacked bytes of the sheet read, of all. */
void xlsx_progress(const struct xlsx *x, int64_t *ret_done, int64_t *ret_total);
void xlsx_close(struct xlsx *x);

#endif

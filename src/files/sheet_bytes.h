/* files: the entry for tests and fuzzing: a sheet over bytes in memory, which must stay until
 * sheet_close. */
#ifndef TOCSIN_DOORS_FILES_SHEET_BYTES_H
#define TOCSIN_DOORS_FILES_SHEET_BYTES_H

#include "files/sheet.h"

int sheet_open_bytes(const void *bytes, size_t n, const struct sheet_options *o, struct sheet **ret,
                     struct error *err);

#endif

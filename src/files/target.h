/* files: a file that appears whole or not at all: written under a temporary name beside the path, then
 * renamed. Comes from sheet_write and xlsx_write. */
#ifndef TOCSIN_DOORS_FILES_TARGET_H
#define TOCSIN_DOORS_FILES_TARGET_H

#include "base/text.h"

struct target {
    char *path, *temporary; /* temporary NULL: written in place (standard output, a device, a pipe) */
    int fd;
};

/* "-" is standard output. Errors: E_IO, E_FULL, E_MEMORY. */
int target_open(struct target *t, const char *path, struct error *err);
int target_write(struct target *t, const void *bytes, size_t n, struct error *err);
/* Synced to the disk and renamed; the target is cleared either way. */
int target_commit(struct target *t, struct error *err);
void target_abandon(struct target *t); /* nothing stays; also after a commit */

#endif

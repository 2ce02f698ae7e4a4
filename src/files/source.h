/* files: the bytes of one input, as stored or unpacked. A file, a pipe or memory; gzip told by its
 * magic bytes. Goes to encoding and csv (source_read) and to xlsx_zip (source_at). */
#ifndef TOCSIN_DOORS_FILES_SOURCE_H
#define TOCSIN_DOORS_FILES_SOURCE_H

#include "base/text.h"

struct source;

/* Errors: E_IO (missing, unreadable, a directory), E_MEMORY. */
int source_open(const char *path, struct source **ret, struct error *err);
/* Over bytes that the caller keeps until source_close; for tests and fuzzing. */
int source_open_bytes(const void *bytes, size_t n, struct source **ret, struct error *err);
void source_close(struct source *s);

/* The first bytes as stored, at most 512. */
struct text source_head(const struct source *s);
bool source_gzip(const struct source *s);
/* Reads on, unpacked: bytes put into out (1..n), 0 at the end, negative error (E_SYNTAX for damaged or cut
 * gzip). */
int64_t source_read(struct source *s, void *out, size_t n, struct error *err);
/* Reads stored bytes anywhere; short only at the end. Pipes cannot (negative). */
int64_t source_at(struct source *s, int64_t offset, void *out, size_t n);
int64_t source_total(const struct source *s); /* stored bytes; 0 for a pipe */
int64_t source_done(const struct source *s);  /* stored bytes consumed by source_read */

#endif

/* files: the parts of a zip, one at a time, and the XML in them fed to expat under limits.
 * Comes from source; goes to xlsx_book and xlsx_read. */
#ifndef TOCSIN_DOORS_FILES_XLSX_ZIP_H
#define TOCSIN_DOORS_FILES_XLSX_ZIP_H

#include <expat.h>

#include "files/source.h"

struct zip;
/* max_bytes: of everything unpacked together. Errors: E_SYNTAX (cut, or no zip), E_MEMORY. */
int zip_open(struct source *src, int64_t max_bytes, struct zip **ret, struct error *err);
void zip_close(struct zip *z);
/* Makes the part the one that zip_read reads; names compare without case. 1, or 0 when there is none.
 * Errors: E_UNSUPPORTED (encrypted, strange method), E_TOO_LARGE, E_SYNTAX. */
int zip_enter(struct zip *z, const char *name, struct error *err);
int64_t zip_size(const struct zip *z); /* unpacked bytes the part says it has */
/* 1..n bytes, 0 at the end (checksum checked), negative error. */
int64_t zip_read(struct zip *z, void *out, size_t n, struct error *err);

/* An expat parser that refuses DOCTYPE (and so every entity), deep nesting and tags without end.
 * Hooks get names without namespace prefix; a hook stops the parse by setting rc. */
struct xml {
    XML_Parser parser;
    struct error *err;
    int rc;
    int depth;
    size_t quiet; /* bytes fed since expat last told something */
    void *user;
    void (*start)(struct xml *x, const char *name, const char **atts);
    void (*end)(struct xml *x, const char *name);
    void (*text)(struct xml *x, const char *s, int n);
};
int xml_init(struct xml *x, struct error *err); /* hooks and user are set by the caller, before or after */
void xml_clear(struct xml *x);
void xml_fail(struct xml *x, int code, const char *message);
/* Feeds the next piece of the entered part: 1, or 0 when that was the last, negative error. */
int xml_feed(struct xml *x, struct zip *z, const char *part, struct error *err);
/* The value of an attribute by its name without prefix, or NULL. */
const char *xml_att(const char **atts, const char *name);

#endif

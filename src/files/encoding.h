/* files: which encoding is this, and its streaming decoder to UTF-8.
 * Comes from source (raw bytes); goes to csv. */
#ifndef TOCSIN_DOORS_FILES_ENCODING_H
#define TOCSIN_DOORS_FILES_ENCODING_H

#include "base/text.h"

struct encoding_guess {
    char name[32]; /* iconv name: UTF-8, UTF-16LE, UTF-16BE, GB18030, BIG5, CP1252 */
    bool bom;
    bool ascii;   /* nothing but ASCII seen: any superset may still turn up */
    size_t bom_n; /* bytes to skip */
    double confidence;
};

/* Looks at the first bytes of a text (64 KiB are plenty): BOM, then UTF-8 validity, the pattern of NUL bytes,
 * the shape of the double bytes with uchardet as tie-breaker; GB18030 in doubt. `whole`: the sample is all
 * there is. Errors: E_UNSUPPORTED for bytes that are no text at all. */
int encoding_detect(struct text sample, bool whole, struct encoding_guess *ret, struct error *err);
/* The name under which an encoding given by a user is handled ("gbk", "gb2312" -> GB18030, "utf8" -> UTF-8);
 * unknown names as they are; what a byte order mark of UTF-8 or UTF-16 says goes before. Bytes of the BOM that `sample` starts with in that encoding go to *ret_bom_n. */
void encoding_canonical(const char *name, struct text sample, char out[32], size_t *ret_bom_n);
/* Can it write every Unicode character? */
bool encoding_complete(const char *canonical);

struct decoder;
/* Errors: E_UNSUPPORTED (no such encoding), E_MEMORY. */
int decoder_open(const char *canonical, struct decoder **ret, struct error *err);
/* Decodes as much of in as fits into out (cap >= 8); *ret_used input bytes are consumed, fewer than n also
 * when a character is cut at the end and more may follow (!last). What does not decode becomes U+FFFD.
 * Returns bytes written. */
size_t decoder_run(struct decoder *d, const char *in, size_t n, bool last, size_t *ret_used, char *out,
                   size_t cap);
void decoder_close(struct decoder *d);

#endif

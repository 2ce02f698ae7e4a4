#include "files/sheet.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "files/encoding.h"
#include "files/target.h"
#include "files/xlsx_write.h"

enum { FLUSH = 1 << 16 };

struct sheet_writer {
    struct target target;
    struct sheet_info about;
    bool safe;
    struct xlsx_writer *xlsx;
    struct buf text; /* UTF-8 waiting */
    iconv_t cd;      /* (iconv_t)-1: UTF-8 as it is */
    char *encoded;   /* FLUSH bytes */
    bool zipping;
    z_stream z;
    char *zipped; /* FLUSH bytes */
    int failed;   /* after an error nothing more is written and finish refuses */
};

/* ---- bytes out: text -> encoding -> gzip -> file */

static int bytes_put(struct sheet_writer *w, const char *s, size_t n, bool last, struct error *err) {
    if (!w->zipping) return target_write(&w->target, s, n, err);
    w->z.next_in = (unsigned char *)s;
    w->z.avail_in = (uInt)n;
    int z;
    do {
        w->z.next_out = (unsigned char *)w->zipped;
        w->z.avail_out = FLUSH;
        z = deflate(&w->z, last ? Z_FINISH : Z_NO_FLUSH);
        int rc = target_write(&w->target, w->zipped, FLUSH - w->z.avail_out, err);
        if (rc < 0) return rc;
    } while (w->z.avail_out == 0 || (last && z == Z_OK));
    return 0;
}

static int encode_put(struct sheet_writer *w, const char *s, size_t n, struct error *err) {
    static const char lost[] = "\xEF\xBF\xBD";
    char *from = (char *)s;
    const char *rest = NULL; /* where to go on after the U+FFFD that stands for a bad byte */
    size_t left = n, rest_n = 0;
    while (left || rest) {
        char *to = w->encoded;
        size_t room = FLUSH;
        size_t k = iconv(w->cd, &from, &left, &to, &room);
        int why = k == (size_t)-1 ? errno : 0;
        int rc = bytes_put(w, w->encoded, FLUSH - room, false, err);
        if (rc < 0) return rc;
        if (left == 0 && rest) {
            from = (char *)rest;
            left = rest_n;
            rest = NULL;
        } else if (why == EILSEQ || why == EINVAL) {
            rest = from + 1;
            rest_n = left - 1;
            from = (char *)lost;
            left = 3;
        }
    }
    return 0;
}

/* Gives the waiting text on; the last call also ends the gzip stream. */
static int flush(struct sheet_writer *w, bool last, struct error *err) {
    int rc = 0;
    if (w->text.failed) return error_set(err, w->text.failed, NULL, "a row does not fit into memory");
    if (w->cd == (iconv_t)-1)
        rc = bytes_put(w, w->text.s, w->text.n, false, err);
    else
        rc = encode_put(w, w->text.s, w->text.n, err);
    buf_reset(&w->text);
    if (rc == 0 && last && w->zipping) rc = bytes_put(w, "", 0, true, err);
    return rc;
}

/* ---- cells */

/* -12.5, +8613800138000, 3e4: a spreadsheet may read them, nothing runs. */
static bool plain_number(struct text t) {
    size_t i = t.n && (t.s[0] == '-' || t.s[0] == '+') ? 1 : 0, digits = 0, points = 0;
    for (; i < t.n && ((t.s[i] >= '0' && t.s[i] <= '9') || t.s[i] == '.'); i++) {
        digits += t.s[i] != '.';
        points += t.s[i] == '.';
    }
    if (i < t.n && digits && (t.s[i] == 'e' || t.s[i] == 'E')) {
        i++;
        if (i < t.n && (t.s[i] == '-' || t.s[i] == '+')) i++;
        size_t from = i;
        while (i < t.n && t.s[i] >= '0' && t.s[i] <= '9') i++;
        if (i == from) return false;
    }
    return i == t.n && digits && points <= 1;
}

static bool formula_like(struct text t) {
    static const char *const wide[] = {"\xEF\xBC\x9D", "\xEF\xBC\x8B", "\xEF\xBC\x8D",
                                       "\xEF\xBC\xA0"}; /* full-width = + - @ */
    if (t.n == 0) return false;
    if (strchr("=+-@\t\r", t.s[0]) && t.s[0]) return !plain_number(t);
    for (size_t i = 0; i < 4; i++)
        if (text_starts(t, (struct text){wide[i], 3})) return true;
    return false;
}

static void cell_put(struct buf *b, struct text t, char delimiter, bool safe, bool only) {
    bool guard = safe && formula_like(t);
    bool quote = only && t.n == 0;
    for (size_t i = 0; i < t.n && !quote; i++)
        quote = t.s[i] == delimiter || t.s[i] == '"' || t.s[i] == '\n' || t.s[i] == '\r';
    /* what would mean something else at the start of a file */
    quote = quote || text_starts(t, TEXT("\xEF\xBB\xBF")) || text_starts(t, TEXT("sep="));
    if (quote) buf_char(b, '"');
    if (guard) buf_char(b, '\'');
    if (!quote) {
        buf_text(b, t);
        return;
    }
    for (;;) {
        const char *q = t.n ? memchr(t.s, '"', t.n) : NULL;
        size_t n = q ? (size_t)(q - t.s) + 1 : t.n;
        buf_add(b, t.s, n);
        if (!q) break;
        buf_char(b, '"');
        t = (struct text){t.s + n, t.n - n};
    }
    buf_char(b, '"');
}

int sheet_csv_row(struct buf *b, const struct text *cells, size_t n, char delimiter, bool safe, bool crlf) {
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(b, delimiter);
        cell_put(b, cells[i], delimiter, safe, n == 1);
    }
    return buf_str(b, crlf ? "\r\n" : "\n");
}

/* ---- the writer */

/* Only encodings that hold every character are written; for others UTF-8 with BOM, which spreadsheets know.
 */
static int csv_start(struct sheet_writer *w, struct error *err) {
    struct sheet_info *a = &w->about;
    char asked[sizeof a->encoding];
    size_t bom_n;
    snprintf(asked, sizeof asked, "%s", a->encoding[0] ? a->encoding : "UTF-8");
    encoding_canonical(asked, TEXT(""), a->encoding, &bom_n);
    if (!encoding_complete(a->encoding)) {
        snprintf(a->encoding, sizeof a->encoding, "UTF-8");
        a->bom = true;
    }
    if (!a->delimiter) a->delimiter = ',';
    if (strcmp(a->encoding, "UTF-8") != 0) {
        w->cd = iconv_open(a->encoding, "UTF-8");
        if (w->cd == (iconv_t)-1)
            return error_set(err, E_UNSUPPORTED, NULL, "the encoding \"%s\" cannot be written here",
                             a->encoding);
        w->encoded = mem_alloc(FLUSH);
        if (!w->encoded) return error_memory(err);
    }
    if (a->gzip) {
        w->zipped = mem_alloc(FLUSH);
        if (!w->zipped || deflateInit2(&w->z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            return error_memory(err);
        w->zipping = true;
    }
    if (a->bom) buf_str(&w->text, "\xEF\xBB\xBF");
    return 0;
}

int sheet_create(const char *path, const struct sheet_info *about, bool safe, struct sheet_writer **ret,
                 struct error *err) {
    if (about->format == SHEET_XLSX && strcmp(path, "-") == 0)
        return error_set(err, E_USAGE, NULL, "a workbook cannot be written to standard output");
    struct sheet_writer *w = mem_alloc(sizeof *w);
    if (!w) return error_set(err, E_MEMORY, path, "out of memory");
    w->about = *about;
    w->safe = safe;
    w->cd = (iconv_t)-1;
    w->target.fd = -1;
    int rc = target_open(&w->target, path, err);
    if (rc < 0) goto out;
    if (about->format == SHEET_XLSX && !w->target.temporary)
        rc = error_set(err, E_USAGE, path, "a workbook needs an ordinary file");
    else if (about->format == SHEET_XLSX)
        rc = xlsx_create(w->target.temporary, about->sheet[0] ? about->sheet : "Sheet1", &w->xlsx, err);
    else
        rc = csv_start(w, err);
    if (rc < 0) {
        error_within(err, path);
        goto out;
    }
    *ret = w;
    w = NULL;
out:
    sheet_abandon(w);
    return rc;
}

static int put(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err) {
    if (w->xlsx) return xlsx_put(w->xlsx, cells, n, err);
    sheet_csv_row(&w->text, cells, n, w->about.delimiter, w->safe, w->about.crlf);
    if (w->text.failed || w->text.n >= FLUSH) return flush(w, false, err);
    return 0;
}

int sheet_put(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err) {
    if (w->failed) return error_set(err, w->failed, NULL, "the file could not be written earlier");
    int rc = put(w, cells, n, err);
    if (rc < 0) w->failed = rc;
    return rc;
}

struct text sheet_fitting(const struct sheet_writer *w, struct text cell) {
    enum { UNITS_MAX = 32767 };
    size_t at = 0, units = 0;
    if (!w->xlsx || cell.n <= UNITS_MAX) return cell;
    while (at < cell.n) {
        size_t from = at;
        units += text_codepoint(cell, &at) > 0xFFFF ? 2 : 1;
        if (units > UNITS_MAX) return (struct text){cell.s, from};
    }
    return cell;
}

int sheet_header(struct sheet_writer *w, const struct text *cells, size_t n, struct error *err) {
    if (!w->xlsx || w->failed) return sheet_put(w, cells, n, err);
    return w->failed = xlsx_header(w->xlsx, cells, n, err);
}

int sheet_choices(struct sheet_writer *w, size_t column, const struct text *choices, size_t n,
                  struct error *err) {
    return w->xlsx ? xlsx_choices(w->xlsx, column, choices, n, err) : 0;
}

int sheet_finish(struct sheet_writer *w, struct error *err) {
    int rc = w->failed;
    if (rc < 0) {
        error_set(err, rc, w->target.path, "the file could not be written");
    } else if (w->xlsx) {
        rc = xlsx_finish(w->xlsx, err);
        w->xlsx = NULL;
    } else {
        rc = flush(w, true, err);
    }
    if (rc == 0) rc = target_commit(&w->target, err);
    sheet_abandon(w);
    return rc;
}

void sheet_abandon(struct sheet_writer *w) {
    if (!w) return;
    xlsx_abandon(w->xlsx);
    target_abandon(&w->target);
    if (w->cd != (iconv_t)-1) iconv_close(w->cd);
    if (w->zipping) deflateEnd(&w->z);
    mem_free(w->zipped);
    mem_free(w->encoded);
    buf_clear(&w->text);
    mem_free(w);
}

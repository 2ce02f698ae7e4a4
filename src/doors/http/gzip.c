/* Answers compressed when the client takes it and it is worth it. */
#include "doors/http/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { WORTH_BYTES = 1400 /* what fits one packet anyway is left alone */ };

/* "gzip" among the codings with a weight that is not 0. */
bool gzip_wanted(const char *accept) {
    for (const char *p = accept; p && *p;) {
        while (*p == ' ' || *p == ',' || *p == '\t') p++;
        const char *end = p + strcspn(p, ",");
        bool named = !strncasecmp(p, "gzip", 4) && (end == p + 4 || p[4] == ';' || p[4] == ' ');
        const char *q = memmem(p, (size_t)(end - p), "q=", 2);
        if (named) return !q || strtod(q + 2, NULL) > 0;
        p = end;
    }
    return false;
}

static bool compressible(const char *type) {
    return type && (!strncmp(type, "application/json", 16) || !strncmp(type, "application/problem", 19) || !strncmp(type, "text/", 5));
}

int gzip_bytes(struct text in, struct buf *out) {
    z_stream z = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return E_MEMORY;
    size_t bound = deflateBound(&z, in.n);
    char *room = mem_alloc(bound);
    if (room) {
        z.next_in = (unsigned char *)(uintptr_t)in.s;
        z.avail_in = (unsigned)in.n;
        z.next_out = (unsigned char *)room;
        z.avail_out = (unsigned)bound;
    }
    int rc = room && in.n < 1u << 30 && deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : E_MEMORY;
    if (!rc) rc = buf_add(out, room, z.total_out);
    deflateEnd(&z);
    mem_free(room);
    return rc;
}

void gzip_answer(struct request *r) {
    struct answer *a = &r->answer;
    struct buf small = {0};
    if (a->read || !compressible(a->type)) return;
    answer_header(r, "Vary", "Accept-Encoding, Accept-Language, Authorization, Cookie");
    if (a->body.n < WORTH_BYTES || !gzip_wanted(request_header(r, "Accept-Encoding"))) return;
    if (gzip_bytes(buf_view(&a->body), &small) < 0 || small.n >= a->body.n) {
        buf_clear(&small);
        return;
    }
    buf_clear(&a->body);
    a->body = small;
    answer_header(r, "Content-Encoding", "gzip");
    for (size_t i = 0; i < a->n_headers; i++) { /* other bytes are another entity; request_if_match takes both */
        if (strcmp(a->headers[i].name, "ETag")) continue;
        size_t n = strlen(a->headers[i].value);
        a->headers[i].value = n > 2 ? arena_printf(&r->arena, "%.*s-gzip\"", (int)n - 1, a->headers[i].value) : a->headers[i].value;
    }
}

/* doors/http: the answer to a request. A handler fills it by one of these; the server sends it. */
#ifndef TOCSIN_DOORS_HTTP_ANSWER_H
#define TOCSIN_DOORS_HTTP_ANSWER_H

#include <jansson.h>

#include "base/instant.h"

struct request;
enum { ANSWER_HEADERS_MAX = 12 };

struct answer {
    int status;                  /* 0: nothing said yet */
    const char *type;            /* Content-Type */
    struct buf body;
    size_t n_headers;
    struct { const char *name, *value; } headers[ANSWER_HEADERS_MAX];
    /* a stream: instead of body. read fills at most n bytes at out: bytes, 0 to be asked again (suspend yourself before), -1 the end, -2 a failure.
     * end is called once, also when the client went away. */
    int64_t (*read)(void *arg, char *out, size_t n);
    void (*end)(void *arg);
    void *arg;
    int64_t size;                /* of the stream when known, else -1 */
    size_t block;                /* most that read is asked for at once, and held a connection; 0: 64 KiB */
};

/* Begins an answer with a JSON body that the caller writes into the returned buffer. */
struct buf *answer_open(struct request *r, int status);
/* Takes the reference to j. */
int answer_json(struct request *r, int status, json_t *j, struct error *err);
int answer_text(struct request *r, int status, const char *type, struct text body);
int answer_empty(struct request *r, int status);
/* A stream of server-sent events without end; see struct answer. */
void answer_events(struct request *r, int64_t (*read)(void *arg, char *out, size_t n), void (*end)(void *arg), void *arg, size_t block);
/* name and value are borrowed until the answer is sent: constants or in the request's arena. */
void answer_header(struct request *r, const char *name, const char *value);
void answer_etag(struct request *r, int32_t version);
/* A problem (RFC 9457) from an error: status by its code, or `status` when not 0. Replaces what was answered so far, keeps headers. */
void answer_problem(struct request *r, int status, int code, const struct error *e);

/* ---- JSON text */
int json_put_string(struct buf *b, struct text t); /* quoted and escaped; what is not UTF-8 becomes U+FFFD */
int json_put_instant(struct buf *b, instant t, int32_t zone_s);
/* ,"name":value: a member after another one. */
void json_put_text(struct buf *b, const char *name, struct text t);
void json_put_moment(struct buf *b, const char *name, instant t, int32_t zone_s);

#endif

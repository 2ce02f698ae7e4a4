/* doors/http: one request, from its first header to the last byte of its answer. Everything in it lives in its arena; a handler never frees.
 * Threads: a request is handled by one thread at a time; while it waits for the queue it belongs to nobody (write.h). */
#ifndef TOCSIN_DOORS_HTTP_REQUEST_H
#define TOCSIN_DOORS_HTTP_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>

#include "desks/account/account.h"
#include "doors/http/answer.h"
#include "doors/http/server.h"

enum {
    REQUEST_URL_MAX = 8192,
    REQUEST_SEGMENTS_MAX = 12,
    REQUEST_QUERY_MAX = 64,       /* parameters of a query */
    REQUEST_PARAMS_MAX = 4,       /* {names} of a path */
    REQUEST_BODY_MAX = 1 << 20,   /* a route may allow more */
    REQUEST_DEPTH_MAX = 16,       /* of JSON */
    REQUEST_GRANTS_MAX = 64,
};

struct query_param {
    struct text name, value; /* decoded, valid UTF-8, no NUL */
};

struct route;

struct request {
    struct http_server *server;
    struct MHD_Connection *connection;
    const struct route *route;      /* NULL until dispatched */
    size_t route_index;
    struct arena arena;
    char address[48];               /* of the client; an IPv6 one by its /64 */
    char id[20];                    /* request id: in the log, in the answer, in problems */
    const char *method;
    struct text url, path;          /* as sent; path without the query */
    size_t n_segments;
    struct text segments[REQUEST_SEGMENTS_MAX]; /* decoded */
    struct text params[REQUEST_PARAMS_MAX];     /* what stands for the {names} of the route, in order */
    size_t n_query;
    struct buf body;
    json_t *json;                   /* the body, when the route takes JSON; an object or array */
    bool zh;
    bool signed_in;
    struct session session;         /* account "" when nobody is signed in */
    struct account_who *who;        /* what the account's session or token says; NULL for nobody and for a development token */
    struct text cookie;             /* the session's id when it came by cookie */
    instant now;
    int64_t started_ns;
    struct answer answer;
    struct ledger *reader;          /* private: request_reader */
    /* private to the server and write.c */
    struct request *next;
    int stage;
    bool too_large, close;
    bool last;                      /* nothing else is read from its connection */
    int (*resume)(struct request *r, struct error *err);
    int (*account_work)(const struct account_seat *seat, void *request, struct error *err);
    int (*call)(struct ledger *l, void *request, struct error *err);
    int (*after)(struct request *r, struct error *err); /* of a route with ROUTE_ASIDE: goes on when its handler is done, with what must be written (request_call) */
    void *state;                    /* the handler's own, between its parts; in the arena */
    struct submission submission;
    int rc;
    struct error error;
    /* Counted by n_query and session.n_grants; not cleared when a request is used again (spare.c), because they are most of it. */
    struct query_param query[REQUEST_QUERY_MAX];
    struct grant grants[REQUEST_GRANTS_MAX];
};

/* ---- what was asked */
/* By the name in the route's path: "register", "id". Empty when the route has none. */
struct text request_param(const struct request *r, const char *name);
/* Decimal id in the path; E_UNKNOWN when it is none. */
int request_id(const struct request *r, const char *name, int64_t *ret, struct error *err);
/* A query parameter; .s NULL when not given. */
struct text request_query(const struct request *r, const char *name);
/* A whole number between low and high; `other` when not given. */
int request_query_int(const struct request *r, const char *name, int64_t low, int64_t high, int64_t other, int64_t *ret, struct error *err);
/* A date or an instant as in base/instant.h; INSTANT_NONE when not given. */
int request_query_instant(const struct request *r, const char *name, instant *ret, struct error *err);
/* A region code, made canonical, in the arena; empty when not given. */
int request_query_region(struct request *r, const char *name, struct text *ret, struct error *err);
/* "1", "true", "yes"; false when not given. */
bool request_query_flag(const struct request *r, const char *name);
/* A header; NULL when not sent. Names are found in any letter case. */
const char *request_header(const struct request *r, const char *name);
/* Text of a member of the JSON body ("" when absent or null); E_SYNTAX when it is no string. */
/* The body as a file of its own, in memory, for what reads files. Close *ret_fd when done, after a failure too (-1: none). */
enum { REQUEST_PATH = 40 };
int request_body_file(const struct request *r, int *ret_fd, char ret_path[REQUEST_PATH], struct error *err);
int request_member(const struct request *r, const char *name, bool required, struct text *ret, struct error *err);
/* An id in the JSON body; 0 when absent. */
int request_member_id(const struct request *r, const char *name, bool required, int64_t *ret, struct error *err);
/* A whole number in the JSON body, from .. to; `other` when absent. */
int request_member_int(const struct request *r, const char *name, int64_t from, int64_t to, int64_t other, int64_t *ret, struct error *err);
/* Nothing of the body is needed any more: its tree is given back before the request waits, not when it ends. */
void request_forget_json(struct request *r);
/* A register of the path; E_UNKNOWN. */
int request_register(struct request *r, const struct register_decl **ret, struct error *err);
/* Whether If-None-Match is * or lists the tag (RFC 9110: weakly compared, and the tag of its compressed form is its own): who asks has it already. */
bool request_has_etag(const struct request *r, const char *etag);
/* If-Match as a version; 0 when not sent or "*". */
int request_if_match(const struct request *r, int32_t *ret, struct error *err);
/* Percent-decodes strictly into the arena: E_SYNTAX for a bad escape, NUL or text that is not UTF-8. */
int request_decode(struct arena *a, struct text raw, bool plus_is_space, struct text *ret, struct error *err);

/* ---- where to ask */
/* This thread's reading ledger: own catalog, own policies, a connection that cannot write; given back when the handler returns, so nothing read
 * from it may be kept past that but what was copied into the request's arena. Records and drafts of writes use http_catalog. */
int request_reader(struct request *r, struct ledger **ret, struct error *err);
/* The writer's catalog: frozen, for drafts. */
const struct catalog *http_catalog(const struct http_server *s);
struct ledger_queue *http_queue(struct http_server *s);
struct feed;
struct feed *http_feed(struct http_server *s);
/* The writer's ledger: only for what its functions allow from any thread (draft_set). */
struct ledger *http_writer(struct http_server *s);
int32_t http_zone(const struct http_server *s);
instant http_now(const struct http_server *s);
bool http_stopping(const struct http_server *s);

/* ---- private to server.c */
/* Splits and decodes r->url. */
int request_parse_url(struct request *r, struct error *err);
int request_parse_json(struct request *r, struct error *err);
/* Which language: Accept-Language by weight; Chinese when nothing is said. */
bool request_speaks_chinese(const char *accept_language);

#endif

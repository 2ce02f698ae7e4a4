/* doors/http: the one table of routes. Dispatch, OpenAPI, docs/api-routes.md and the tests of permissions derive from it.
 *
 * To add a resource (say "imports"):
 *   1. src/doors/http/h_imports.c with `const struct route imports_routes[] = {{...}, {0}};` and, when its bodies need schemas of their own,
 *      `const struct schema imports_schemas[] = {{...}, {0}};`
 *   2. its name in ROUTE_RESOURCES (and SCHEMA_RESOURCES) below, and the file in meson.build beside it;
 *   3. tests/test_http_imports.c over tests/http.h, on both stores.
 * A handler gets a request that was bounded, decoded, authenticated and parsed; it reads through request_reader, writes through write.h, answers
 * through answer.h and returns 0, or a negative code with err filled, which becomes a problem. It decides nothing about access beyond the roles in
 * its row: the ledger and the desks do, from r->session. It never blocks: what waits for the queue goes through write.h, what takes long is a job. */
#ifndef TOCSIN_DOORS_HTTP_ROUTE_H
#define TOCSIN_DOORS_HTTP_ROUTE_H

#include "doors/http/request.h"

/* Who may ask at all. What he may see or do there is decided below the door. */
enum route_who {
    WHO_PUBLIC,  /* anybody, without signing in */
    WHO_ACCOUNT, /* whoever is signed in */
    WHO_SESSION, /* also who has not finished signing in: a second factor, a first password */
};

enum route_body {
    BODY_NONE,
    BODY_JSON,      /* an object or array; Content-Type application/json (or merge-patch+json) */
    BODY_JSON_MAYBE, /* the same, or nothing at all */
    BODY_BYTES,     /* anything, in r->body; the handler looks at Content-Type */
    BODY_STREAM,    /* a file, or a form with one: goes to the spool piece by piece (jobs.h: upload_begin, upload_piece); the handler calls upload_end */
    BODY_LINES,     /* a line a visit, taken as it comes (scans.h: lines_begin, lines_piece) */
};

enum route_header { HEADER_KEY = 1 /* Idempotency-Key */, HEADER_MATCH = 2 /* If-Match */, HEADER_PURPOSE = 4, HEADER_REASON = 8,
                    ROUTE_ASIDE = 32 /* no header: may take long and only reads; run on threads for that, while the connection sleeps */, FIELD_FILTERS = 16 /* no header: the fields of {register} are parameters of the query */,
                    ROUTE_BUSY = 64 /* no header: an account may ask twenty times as often as elsewhere (scans) */,
                    ROUTE_AGAIN = 128 /* no header: 200 where all of it was done before and nothing new is made */,
                    ROUTE_QUERY_OPEN = 256 /* no header: somebody else makes its query, with more than is read of it */ };

struct route_query {
    const char *name, *schema; /* schema: JSON text, {"type":"integer"} */
    const char *zh, *en;
};

struct route {
    const char *method;        /* "GET"; a GET answers HEAD too */
    const char *path;          /* "/api/v1/registers/{register}/records/{id}" */
    enum route_who who;
    const char *roles;         /* "system;security": one of these is needed (root always may); NULL: any */
    enum route_body body;
    size_t body_max;           /* 0: REQUEST_BODY_MAX */
    int (*run)(struct request *r, struct error *err);
    const char *request;       /* name of a schema (or a media type for BODY_BYTES), or NULL */
    const char *response;      /* names of schemas or media types such as "text/csv", with ';' between; NULL: no body */
    int status;                /* of success; 0: 200 */
    unsigned headers;          /* enum route_header: which of ours mean something here */
    const char *zh, *en;       /* one sentence */
    struct route_query query[12];
};

/* A named JSON Schema (draft 2020-12) for the OpenAPI document; refers to others as {"$ref":"#/components/schemas/Name"}. A path with {register}
 * stands in the document once a register; there "{Register}" in names of schemas and in their text is the register ("Case", "CasePage").
 * {Register}, {Register}Input, {Register}Cells (its fields, each may be null) and AnyRecord derive from the declarations; Problem is there too. */
struct schema {
    const char *name, *json;
};
/* Words of such schemas. */
#define STRING "{\"type\":\"string\"}"
#define TRUTH "{\"type\":\"boolean\"}"
#define NUMBER "{\"type\":\"number\"}"
#define WHOLE "{\"type\":\"integer\"}"
#define ID "{\"type\":\"integer\",\"format\":\"int64\"}"
#define SHAPE(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST(of) "{\"type\":\"array\",\"items\":" of "}"

/* Resources: each has routes and, maybe none, schemas of its own. */
#define ROUTE_RESOURCES(X) \
    X(audit) \
    X(campaigns) \
    X(chains) \
    X(tracing) \
    X(visitors) \
    X(sampling) \
    X(visits) \
    X(events) \
    X(accounts) \
    X(sign) \
    X(settings) \
    X(node) \
    X(oidc) \
    X(handover) \
    X(health) \
    X(exports) \
    X(list) \
    X(console) \
    X(jobs) \
    X(meta) \
    X(obligations) \
    X(persons) \
    X(policies) \
    X(regions) \
    X(reports) \
    X(laboratory) \
    X(tickets) \
    X(records)

#define X(name)                                 \
    extern const struct route name##_routes[]; \
    extern const struct schema name##_schemas[];
ROUTE_RESOURCES(X)
#undef X

/* The i-th route of all; NULL past the end. */
const struct route *route_at(size_t i);
/* Finds the route and fills r->params. E_UNKNOWN: no such path. E_USAGE: not by this method; `allow` (at least 80 bytes) then lists those there are. */
int route_find(struct request *r, char *allow, size_t n, const struct route **ret, struct error *err);
/* Cuts every path once; before the first request. more: further routes for this process (benches), ended by a zero row, or NULL. */
int routes_prepare(const struct route *more, struct error *err);

/* ---- what derives from the table: openapi.c */
const struct schema *schema_at(size_t i);
bool schema_is_closed(const struct schema *s); /* as a body: what it does not name is refused (members.c) */
int openapi_write(const struct catalog *c, struct buf *out, struct error *err);
void routes_markdown(struct buf *out); /* docs/api-routes.md */

#endif

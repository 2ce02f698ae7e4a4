/* doors/http: appends of visits from many connections, one sync for all that wait. A request hands its rows over and sleeps; one thread takes everything that
 * gathered while the sync before it ran, appends it, and wakes everybody. So ten thousand single scans a second need no thousand syncs. The store of visits
 * is opened when it is first needed (another process may be at work on it until then). */
#ifndef TOCSIN_DOORS_HTTP_SCANS_H
#define TOCSIN_DOORS_HTTP_SCANS_H

#include "desks/tracing/append.h"
#include "doors/http/request.h"

struct scans;
int scans_open(struct http_server *s, struct scans **ret, struct error *err);
/* Takes no more, appends what waits, closes the store. NULL is fine. */
void scans_close(struct scans *x);

/* The node's visits, borrowed until the server stops. create: made when there are none, else E_UNKNOWN. E_BUSY: another process has them. */
int http_visits(struct http_server *s, bool create, struct visits **ret, struct error *err);
/* rows live in the request's arena or state until `then`. Returns what a handler returns. */
int scans_submit(struct request *r, const struct visit *rows, size_t n, int (*then)(struct request *r, struct error *err), struct error *err);

/* Of routes with BODY_LINES, called by the server (h_visits.c): before the first byte, and with each piece. What lines_begin leaves in r->answer.end lets go. */
int lines_begin(struct request *r, struct error *err);
int lines_piece(struct request *r, const char *bytes, size_t n, struct error *err);

#endif

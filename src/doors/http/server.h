/* doors/http: the HTTP door. libmicrohttpd in POLL mode (never EPOLL on 0.9.75: it loses wake-ups) with a small pool of threads. A request is read
 * and bounded here, dispatched by the one table of routes (route.h), answered by its handler; a handler that writes hands a submission to the
 * ledger's queue and holds no thread until the commit (write.h). Above: main through `tocsin serve`. Below: desks and the ledger. */
#ifndef TOCSIN_DOORS_HTTP_SERVER_H
#define TOCSIN_DOORS_HTTP_SERVER_H

#include "desks/account/account.h"
#include "ledger/queue.h"

struct http_server;
struct route;

struct http_options {
    struct ledger_options ledger;  /* the node; texts are borrowed until http_server_stop */
    const char *listen;            /* "127.0.0.1:8460", "[::1]:0"; port 0 takes a free one */
    const char *console;           /* folder of the built console; NULL: where the build or the installation puts it */
    const char *tls_cert, *tls_key; /* PEM files, or NULL: no TLS */
    const char *dev_tokens;        /* file of tokens for development (auth.h), or NULL */
    instant at;                    /* the clock starts here (a demo); 0: the wall clock */
    unsigned threads;              /* 0: 4 */
    unsigned connections_max;      /* 0: 16,000 */
    unsigned address_max;          /* connections of one address; 0: 1,000 */
    unsigned idle_s;               /* for the head of a request to be whole, and for silence; 0: 30 */
    unsigned waiting_max;          /* requests that wait for the writer; one more gets 503 (0: 4,096) */
    int results_per_s;             /* own results by ticket; beyond that 503 (0: 15,000; -1: no limit) */
    int rate_account, rate_address; /* requests a second of one account, of one address; 0: 500 and 2,000; -1: no limit */
    const struct account_options *accounts; /* NULL: as they are */
    const struct route *routes;    /* further routes (benches), or NULL */
    bool quiet;                    /* no log line a request, only failures */
    bool no_clock;                 /* the clock's pass is not run (tests) */
};

/* Opens the ledger, its queue, one reading ledger a thread, and listens. Owned: http_server_stop. */
int http_server_start(const struct http_options *o, struct http_server **ret, struct error *err);
/* Takes no more connections, lets what runs finish (10 s at most), ends the queue, closes the ledger. NULL is fine. */
void http_server_stop(struct http_server *s);
/* "127.0.0.1:8460" with the port that was taken; borrowed. */
const char *http_server_address(const struct http_server *s);
/* Reads the certificate files again, for connections to come; on failure the old one stays. */
int http_server_reload(struct http_server *s, struct error *err);

#endif

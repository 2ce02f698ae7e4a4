/* doors/http, private: what the files of the server share and handlers do not see. */
#ifndef TOCSIN_DOORS_HTTP_INSIDE_H
#define TOCSIN_DOORS_HTTP_INSIDE_H

#include <gnutls/abstract.h>
#include <stdatomic.h>

#include "doors/http/pages.h"
#include "doors/http/route.h"
#include "desks/job/job.h"
#include "ledger/feed.h"

enum stage { STAGE_HEADERS, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

/* ---- heads.c: what two servers in a row might read in two ways */
struct heads {
    int hosts, lengths, encodings; /* how many of each header */
    unsigned seen;                 /* of those there is one of at most; private */
    bool bad;
    const char *end;               /* of the header before; private */
    bool raw;
};
/* Counts the headers; E_SYNTAX (and r->close) for an ambiguous request. The three texts are libmicrohttpd's own pointers. */
int heads_check(struct request *r, const char *url, const char *method, const char *version, struct heads *ret, struct error *err);

enum { ROUTES_MAX = 256 };

/* ---- members.c: what a request holds that its route does not name is refused */
int members_prepare(size_t n_routes, struct error *err);
int members_of_query(const struct request *r, struct error *err); /* E_USAGE */
int members_of_head(const struct request *r, struct error *err);  /* E_USAGE: Idempotency-Key, If-Match where they mean nothing */
int members_of_body(const struct request *r, struct error *err);  /* E_UNKNOWN; E_SYNTAX where true or false belongs */
const json_t *members_told(const struct request *r);              /* by name, of the body; NULL: not told here */

/* ---- watch.c: who trickles bytes is cut off */
enum watch_phase { WATCH_HEAD /* until the head of a request is whole */, WATCH_BODY, WATCH_ANSWER, WATCH_FREE /* waits for us, or a stream */ };
struct watch;
int watch_open(unsigned head_s, unsigned most, struct watch **ret, struct error *err); /* most: connections there may be */
void watch_close(struct watch *w);
void watch_connection(void *cls, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what);
/* A phase begins, or `bytes` more belong to it; each kilobyte gives a second. */
void watch_phase(struct MHD_Connection *connection, enum watch_phase phase, int64_t bytes);
void watch_pass(struct watch *w); /* once a second */
bool watch_crowded(struct watch *w); /* three in four are taken: nobody keeps one that he does not use */
void watch_counts(struct watch *w, int *ret_open, int64_t *ret_cut);

/* ---- rate.c: token buckets */
struct rate;
int rate_open(struct rate **ret, struct error *err);
void rate_close(struct rate *t);
/* Takes one of `per_s` a second (four seconds' worth may come at once; 0: no limit). False: not now, but after *ret_wait_s. */
bool rate_take(struct rate *t, struct text who, unsigned per_s, int64_t now_ns, int *ret_wait_s);

/* ---- h_tickets.c: answers to who asked for the own result a moment ago, and the line of those who have to be looked up */
struct tickets;
int tickets_open(struct accounts *a, const struct ledger_options *o, struct tickets **ret, struct error *err);
void tickets_stop(struct tickets *t); /* answers whoever still waits */
void tickets_close(struct tickets *t);

/* ---- h_sampling.c: the line of those whose people have to be looked up by document */
struct line;
int sampling_line_open(struct accounts *a, const struct ledger_options *o, struct line **ret, struct error *err);

/* ---- spare.c: requests used again */
struct spares;
int spares_open(struct spares **ret, struct error *err);
void spares_close(struct spares *p);
struct request *spares_take(struct spares *p); /* zeroed, but for the memory of its arena and buffers and for its tables; NULL when out of memory */
void spares_give(struct spares *p, struct request *r);

/* ---- gzip.c */
bool gzip_wanted(const char *accept_encoding);
int gzip_bytes(struct text in, struct buf *out);
void gzip_answer(struct request *r);

/* ---- tls.c: one certificate a process */
extern const char *const tls_priorities;
int tls_load(const char *cert, const char *key, struct error *err);
void tls_unload(void);
int tls_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int n_issuers, const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                    gnutls_pcert_st **ret, unsigned *ret_n, gnutls_privkey_t *ret_key);

/* ---- metrics.c */
struct metrics;
int metrics_open(struct metrics **ret, struct error *err);
void metrics_close(struct metrics *m);
void metrics_request(struct metrics *m, const struct request *r, int64_t took_ns);
void metrics_write(struct http_server *s, struct buf *b);

/* ---- reader.c: reading ledgers, one a thread of the pool */
struct readers;
int readers_open(const struct ledger_options *o, size_t n, struct readers **ret, struct error *err);
void readers_close(struct readers *p);
/* Up to date with policies and organisations of a second ago at most; of this process's own writes at once when readers_stale was called. */
int readers_take(struct readers *p, struct ledger **ret, struct error *err);
void readers_give(struct readers *p, struct ledger *l);
void readers_stale(struct readers *p);

/* ---- log.c: JSON lines on standard error */
struct http_log;
int log_open(bool quiet, int32_t zone_s, struct http_log **ret, struct error *err);
void log_close(struct http_log *g);
void log_request(struct http_log *g, const struct request *r, int64_t took_ns, bool complete);
void log_event(struct http_log *g, instant now, const char *level, const char *event, const struct error *e);
void log_flush(struct http_log *g);

/* ---- auth.c: who asks */
struct dev_tokens;
int dev_tokens_read(const char *path, struct dev_tokens **ret, struct error *err);
void dev_tokens_free(struct dev_tokens *t);
/* Fills r->session, r->grants, r->signed_in. Nobody is a result, not an error; a token that is not known is E_SIGN_IN. */
int http_authenticate(struct request *r, struct error *err);
/* cookie.c: who asks by session cookie or machine token; r->who stays NULL when neither was sent or the cookie is over. A token that is not good, and a
 * write by cookie without its token against forgery, are errors. */
int cookie_authenticate(struct request *r, struct text bearer, struct error *err);
/* Sets the cookies of a session just begun or rotated; NULL takes them away. */
void cookie_answer(struct request *r, const struct account_signed *s);
/* One cookie, by its name without prefix; same_site "Strict" or "Lax"; age 0 takes it away. */
void cookie_put(struct request *r, const char *name, const char *value, int64_t age_s, const char *same_site);
struct text cookie_read(struct request *r, const char *name);
/* Where the request comes from, for the desk: address, agent, device cookie. */
struct account_from cookie_from(struct request *r);
/* The seat of this request's thread, for reading only. */
int request_seat(struct request *r, struct account_seat *ret, struct error *err);
/* Runs what is slow on the accounts' own threads; the connection sleeps; then `then`. */
int request_account(struct request *r, int (*work)(const struct account_seat *seat, void *request, struct error *err),
                    int (*then)(struct request *r, struct error *err), struct error *err);
int request_account_on(struct request *r, struct account_pool *pool, int (*work)(const struct account_seat *seat, void *request, struct error *err),
                       int (*then)(struct request *r, struct error *err), struct error *err);

/* `"organisation":{"id","title"}` of an account, with a comma before it; nothing when it has none (h_accounts.c). */
void http_put_unit(struct buf *b, const struct account_unit *u);
#define HTTP_UNIT_SCHEMA "{\"type\":\"object\",\"required\":[\"id\",\"title\"],\"properties\":{\"id\":{\"type\":\"integer\"},\"title\":{\"type\":\"string\"}}}"

/* The roles of the route against the session. */
int http_authorise(const struct request *r, struct error *err);
/* Both anew, for who has been listening for a while: false when the session is over, or no longer enough. Rights in r->session are those of now. */
bool http_still_allowed(struct request *r);

/* ---- clock.c: the pass of the clock, every minute on the queue */
struct clock;
int clock_start(struct http_server *s, struct clock **ret, struct error *err);
void clock_stop(struct clock *c);

/* ---- server.c */
struct http_server {
    struct http_options options;
    struct ledger *ledger;         /* the queue's while it runs */
    struct ledger_queue *queue;
    struct feed *feed;
    struct ledger_gate *gate;      /* whose turn it is to write: the queue's or a job's */
    struct jobs *jobs;
    struct scans *scans;           /* visits on their way, and their store */
    struct sampling *sampling;     /* what the sampling desk remembers of tables and tubes */
    struct line *sampling_line;
    struct kept *chains;           /* the chains built last: h_chains.c */
    struct readers *readers;
    struct dev_tokens *tokens;
    struct accounts *accounts;
    struct account_pool *aside;    /* for what takes long to read */
    struct account_pool *pool, *oidc_pool; /* the second waits for the provider elsewhere, so that passwords do not; NULL without one */
    struct http_log *log;
    struct clock *clock;
    struct watch *watch;
    struct spares *spares;
    struct rate *rate;
    struct tickets *tickets;
    struct metrics *metrics;
    struct pages *pages;           /* of the console */
    struct MHD_Daemon *daemon;
    struct buf openapi;            /* rendered once */
    char address[128];
    _Atomic instant offset;        /* of the clock, s; tests move it */
    int64_t started_ns;
    uint64_t id_seed;
    _Atomic uint64_t requests;     /* for ids */
    _Atomic int open, sleeping;    /* requests in work; of those, waiting */
    _Atomic int stopping;
    _Atomic int64_t duties_open, clock_at; /* of the last pass of the clock */
};
void chains_drop(struct http_server *s);
void server_give_reader(struct request *r); /* also before it sleeps: who waits must not keep a reader from who could wake him */
void server_count_sleeping(struct http_server *s, int more);

#endif

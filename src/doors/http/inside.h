/* doors/http, private: what the files of the server share and handlers do not see. */
#ifndef TOCSIN_DOORS_HTTP_INSIDE_H
#define TOCSIN_DOORS_HTTP_INSIDE_H

#include "doors/http/pages.h"
#include "doors/http/route.h"
#include "ledger/feed.h"

enum stage { STAGE_HEADERS, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

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
/* The roles of the route against the session. */
int http_authorise(const struct request *r, struct error *err);

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
    struct readers *readers;
    struct dev_tokens *tokens;
    struct http_log *log;
    struct clock *clock;
    struct pages *pages;           /* of the console */
    struct MHD_Daemon *daemon;
    struct buf openapi;            /* rendered once */
    char address[128];
    instant offset;                /* of the clock, s */
    uint64_t id_seed;
    _Atomic uint64_t requests;     /* for ids */
    _Atomic int open, sleeping;    /* requests in work; of those, waiting */
    _Atomic int stopping;
};
void server_count_sleeping(struct http_server *s, int more);

#endif

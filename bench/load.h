/* bench: HTTP requests from one process over many connections, as fast as they are answered or at a given rate, with the times of their answers. The benches of the door, of scans and
 * of the city share it. Prints nothing and stores nothing: what is asked and what an answer means is the caller's. One thread, epoll. */
#ifndef TOCSIN_BENCH_LOAD_H
#define TOCSIN_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { LOAD_CONNECTIONS_MAX = 4096, LOAD_SAMPLES_MAX = 1 << 22, LOAD_ANSWER_MAX = 1 << 16 };

/* How an exchange ended; status 0: no answer came (the connection was refused or lost, or it took longer than the timeout). */
struct load_answer {
    int status;
    double took_s;        /* from when it was due */
    int retry_after_s;    /* -1: not said */
    struct text body;     /* its beginning */
};

struct load {
    int port, connections;
    double seconds;        /* nothing is asked after; what is out is waited for */
    double rate;           /* requests a second in all; 0: each connection asks again when it has its answer */
    double timeout_s;      /* 0: 30 */
    bool own_addresses;    /* connection i comes from 127.1.x.y: limits by address count it alone */
    /* The next request of a connection, whole, borrowed until it is answered; .n 0: it has nothing to ask now and is asked again later. */
    struct text (*ask)(void *arg, int connection, double now_s);
    void (*answered)(void *arg, int connection, const struct load_answer *a); /* NULL: only counted */
    bool (*stop)(void *arg); /* NULL; true ends it early */
    void *arg;
};
struct load_result {
    long answers, unanswered;      /* answers with any status; none */
    long by[6];                    /* 2xx in by[2], ...; by[0] is 503 and by[1] 429, not counted in by[5] and by[4] */
    double seconds;                /* from the first request to the last answer */
    double p50_ms, p99_ms, p999_ms, max_ms; /* of 2xx */
    char first_bad[400];           /* the first answer that was neither 2xx, 429 nor 503 */
};
/* 0, or -1 when it could not begin at all. */
int load_run(const struct load *w, struct load_result *ret);
/* The same in a process of its own, so that the caller's processor time is the server's alone; the callbacks run there. */
int load_apart(const struct load *w, struct load_result *ret);
/* "POST path ... body" with a bearer token ("": nobody is signed in); more: header lines with line ends, or "". Appended to b. */
void load_request(struct buf *b, const char *method, const char *path, const char *token, const char *more, const char *type, struct text body);

#endif

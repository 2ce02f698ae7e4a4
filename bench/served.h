/* What the benches over HTTP share: a server in this process on a bench's node, and nobody watching its log. */
#ifndef TOCSIN_BENCH_SERVED_H
#define TOCSIN_BENCH_SERVED_H

#include <fcntl.h>

#include "bench.h"
#include "doors/http/server.h"
#include "load.h"

/* The server logs every request, as it does in service; TOCSIN_BENCH_LOG shows it. */
static inline void bench_unwatched(void) {
    int nothing = open("/dev/null", O_WRONLY);
    if (!getenv("TOCSIN_BENCH_LOG")) dup2(nothing, STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Serves the node, whose ledger is closed for it: token "token-bench" may everything unless others are given, nobody is limited, the clock stands where the bench put it. more: what is
 * different here (routes, results_per_s, quiet ...). Owned: http_server_stop. The port. */
static inline int bench_serve(struct bench_node *n, struct http_options more, struct http_server **ret) {
    char tokens[128];
    snprintf(tokens, sizeof tokens, "%s/tokens", n->dir);
    if (!more.dev_tokens) {
        FILE *f = fopen(tokens, "w");
        if (!f) exit(1);
        fprintf(f, "token-bench bench root -\n");
        fclose(f);
        more.dev_tokens = tokens;
    }
    ledger_close(n->l);
    n->l = NULL;
    more.ledger = n->o.ledger;
    more.listen = "127.0.0.1:0";
    more.at = n->s.now;
    more.rate_account = more.rate_address = -1;
    if (!more.address_max) more.address_max = 8000;
    more.no_clock = true;
    must(http_server_start(&more, ret, &err), "serve");
    return atoi(strrchr(http_server_address(*ret), ':') + 1);
}

#endif

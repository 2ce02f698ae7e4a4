/* serve: the HTTP door, until a signal ends it. */
#include <signal.h>
#include <string.h>

#include "doors/cli/commands.h"
#include "doors/http/server.h"

int cmd_serve(struct cli *cli, struct error *err) {
    struct http_options o = {.ledger = cli_ledger_options(cli), .listen = cli_text(cli, "listen"), .dev_tokens = cli_text(cli, "dev-tokens"),
                             .tls_cert = cli_text(cli, "tls-cert"), .tls_key = cli_text(cli, "tls-key"),
                             .quiet = cli_flag(cli, "quiet"), .at = cli_text(cli, "at") ? cli->now : 0};
    struct http_server *s = NULL;
    sigset_t signals;
    int which = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread is made: all of them inherit it */
    int rc = http_server_start(&o, &s, err);
    if (rc < 0) return rc;
    cli_print(cli, cli->zh ? "服务地址 %s://%s\n" : "serving %s://%s\n", o.tls_cert ? "https" : "http", http_server_address(s));
    rc = cli_flush(cli, err);
    while (rc == 0 && sigwait(&signals, &which) == 0 && which == SIGHUP) (void)http_server_reload(s, &(struct error){0}); /* it logs */
    http_server_stop(s);
    return rc;
}

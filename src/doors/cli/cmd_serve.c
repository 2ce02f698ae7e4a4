/* serve: the HTTP door, until a signal ends it. */
#include <signal.h>
#include <string.h>

#include "doors/cli/commands.h"
#include "doors/http/server.h"

int cmd_serve(struct cli *cli, struct error *err) {
    struct http_options o = {.ledger = cli_ledger_options(cli), .listen = cli_text(cli, "listen"), .dev_tokens = cli_text(cli, "dev-tokens"),
                             .quiet = cli_flag(cli, "quiet"), .at = cli_text(cli, "at") ? cli->now : 0};
    struct http_server *s = NULL;
    sigset_t ends;
    int which = 0;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before any thread is made: all of them inherit it */
    int rc = http_server_start(&o, &s, err);
    if (rc < 0) return rc;
    cli_print(cli, cli->zh ? "服务地址 http://%s\n" : "serving http://%s\n", http_server_address(s));
    rc = cli_flush(cli, err);
    while (rc == 0 && sigwait(&ends, &which) == 0 && which != SIGINT && which != SIGTERM) continue;
    http_server_stop(s);
    return rc;
}

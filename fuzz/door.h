/* A server in this process over a fresh node, asked over a real socket: what the fuzz targets of the HTTP door share. */
#ifndef TOCSIN_FUZZ_DOOR_H
#define TOCSIN_FUZZ_DOOR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "desks/node.h"
#include "doors/http/server.h"

static struct http_server *server;
static char folder[] = "/tmp/fuzz-door-XXXXXX";

static void end(void) {
    char command[64];
    http_server_stop(server);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", folder);
}

static void begin(void) {
    static char node[80], tokens[80];
    const char *home = getenv("TOCSIN_HOME");
    struct error err = {0};
    struct node_report made;
    if (!mkdtemp(folder)) abort();
    snprintf(node, sizeof node, "%s/node", folder);
    snprintf(tokens, sizeof tokens, "%s/tokens", folder);
    FILE *f = fopen(tokens, "w");
    if (!f || fputs("token-fuzz fuzz root -\n", f) < 0 || fclose(f)) abort();
    struct node_options n = {.ledger = {.dir = node, .home = home ? home : ".", .region = "310115"}, .policy = "covid-2022-v9", .regions = "/dev/null", .now = 1653876000};
    struct http_options o = {.ledger = n.ledger, .listen = "127.0.0.1:0", .dev_tokens = tokens, .at = 1653876000, .rate_account = -1, .rate_address = -1, .quiet = true, .no_clock = true};
    if (node_init(&n, &made, &err) < 0 || http_server_start(&o, &server, &err) < 0) {
        fprintf(stderr, "%s %s\n", err.message, err.where);
        abort();
    }
    atexit(end);
}

static int reach(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 30};
    to.sin_port = htons((uint16_t)atoi(strrchr(http_server_address(server), ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
    return fd;
}

#endif

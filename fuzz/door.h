/* A server in this process over a fresh node, asked over a real socket: what the fuzz targets of the HTTP door share. */
#ifndef TOCSIN_FUZZ_DOOR_H
#define TOCSIN_FUZZ_DOOR_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "desks/node.h"
#include "doors/http/server.h"
#include "needs.h"

static struct http_server *server;
static char folder[] = "/tmp/fuzz-door-XXXXXX", node[80];
static struct http_options door; /* as it was started; a target that needs it fresh stops it and starts it again */

static void end(void) {
    char command[64];
    http_server_stop(server);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) fprintf(stderr, "%s was not removed\n", folder);
}

static void open_door(void) {
    struct error err = {0};
    if (http_server_start(&door, &server, &err) < 0) {
        fprintf(stderr, "%s %s\n", err.message, err.where);
        abort();
    }
}

static void begin(void) {
    static char tokens[80];
    static const struct account_options accounts = {.hash_passes = 1, .hash_memory = 8192};
    const char *home = getenv("TOCSIN_HOME");
    struct error err = {0};
    struct node_report made;
    need(mkdtemp(folder), folder);
    atexit(end);
    snprintf(node, sizeof node, "%s/node", folder);
    snprintf(tokens, sizeof tokens, "%s/tokens", folder);
    static const char line[] = "token-fuzz fuzz root -\n";
    put_file(tokens, line, sizeof line - 1);
    struct node_options n = {.ledger = {.dir = node, .home = home ? home : ".", .region = "310115"}, .policy = "covid-2022-v9", .regions = "/dev/null", .now = 1653876000};
    door = (struct http_options){.ledger = n.ledger, .listen = "127.0.0.1:0", .dev_tokens = tokens, .at = 1653876000, .rate_account = -1, .rate_address = -1, .results_per_s = -1, .accounts = &accounts,
                                 .quiet = true, .no_clock = true};
    need(node_init(&n, &made, &err) >= 0, err.message);
    open_door();
}

/* From an address of this machine (127.0.0.0/8): whoever is counted by address is somebody else each time. */
static inline int reach_from(uint32_t address) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct timeval patience = {.tv_sec = 30};
    to.sin_port = htons((uint16_t)atoi(strrchr(http_server_address(server), ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
    return fd;
}

static inline int reach(void) {
    return reach_from(INADDR_LOOPBACK);
}

/* Sends a whole request and reads until the server closes; the status, 0 when it closed without an answer. */
static inline int ask_door(int fd, const struct buf *request, char *got, size_t max) {
    size_t have = 0;
    ssize_t k = 0;
    if (request->failed || send(fd, request->s, request->n, MSG_NOSIGNAL) != (ssize_t)request->n) abort();
    while (have < max - 1 && ((k = recv(fd, got + have, max - 1 - have, 0)) > 0 || (k < 0 && errno == EINTR))) have += k > 0 ? (size_t)k : 0; /* libFuzzer has an alarm clock */
    if (k < 0) perror("recv");
    close(fd);
    got[have] = 0;
    return strncmp(got, "HTTP/1.1 ", 9) || !strstr(got, "\r\n\r\n") ? 0 : atoi(got + 9);
}

#endif

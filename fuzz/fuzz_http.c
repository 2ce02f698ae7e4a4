/* The HTTP door with its real handlers over a real socket: whatever stands in a path, a query or a body gets a whole answer, and never one that blames the
 * server (5xx) while its store is well. The input: a byte that picks the route, the rest of the request target up to a line end, then the body. */
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
#include "doors/http/route.h"
#include "doors/http/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_server *server;
static char folder[] = "/tmp/fuzz-http-XXXXXX";
static int fd = -1;

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

static void reach(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 30};
    to.sin_port = htons((uint16_t)atoi(strrchr(http_server_address(server), ':') + 1));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
}

/* Routes that only say what happens from now on have no end. */
static const struct route *pick(uint8_t k) {
    size_t n = 0;
    while (route_at(n)) n++;
    const struct route *r = route_at(k % n);
    return strstr(r->path, "/events") || strstr(r->path, "oidc") ? route_at(0) : r;
}

/* The template with its names filled: a register there is, a small number. */
static void put_path(struct buf *b, const char *path) {
    while (*path) {
        if (*path != '{') {
            buf_char(b, *path++);
            continue;
        }
        buf_str(b, !strncmp(path, "{register}", 10) ? "person" : !strncmp(path, "{day}", 5) ? "2022-05-29" : "1");
        path += strcspn(path, "}") + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf b = {0};
    char got[65536];
    if (!server) begin();
    if (size < 2 || size > 8000) return 0;
    const struct route *r = pick(data[0]);
    if (strstr(r->path, "/events")) return 0;
    const uint8_t *line = memchr(data + 1, '\n', size - 1);
    size_t n = line ? (size_t)(line - data - 1) : size - 1, body = line ? size - n - 2 : 0;
    buf_printf(&b, "%s ", r->method);
    put_path(&b, r->path);
    for (size_t i = 0; i < n; i++) /* bytes that end a target would make another request of it */
        if (data[1 + i] > 0x20 && data[1 + i] != 0x7f) buf_char(&b, (char)data[1 + i]);
    buf_printf(&b, " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer token-fuzz\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body);
    if (body) buf_add(&b, line + 1, body);
    reach();
    if (b.failed || send(fd, b.s, b.n, MSG_NOSIGNAL) != (ssize_t)b.n) abort();
    size_t have = 0;
    ssize_t k = 0;
    while (have < sizeof got - 1 && (k = recv(fd, got + have, sizeof got - 1 - have, 0)) > 0) have += (size_t)k;
    if (k < 0) fprintf(stderr, "recv: %s\n", strerror(errno));
    close(fd);
    got[have] = 0;
    if (strncmp(got, "HTTP/1.1 ", 9) != 0 || !strstr(got, "\r\n\r\n") || atoi(got + 9) < 200 || (atoi(got + 9) >= 500 && atoi(got + 9) != 503)) {
        fprintf(stderr, "%.400s\n-- was answered\n%.600s\n", b.s, got);
        abort();
    }
    buf_clear(&b);
    return 0;
}

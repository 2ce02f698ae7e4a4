/* Uploads over a real socket: a form with fields and a file, or a file alone, cut and damaged anywhere. The answer is whole, never one that blames the server, and what
 * was taken is a job that can be deleted. The input: a byte that picks form or file and where it is cut into packets, then the body. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_server *server;
static char folder[] = "/tmp/fuzz-form-XXXXXX", got[65536];

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

/* In two packets; the status of the answer. */
static int ask(const char *bytes, size_t n, size_t cut) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 30};
    size_t have = 0;
    ssize_t k;
    to.sin_port = htons((uint16_t)atoi(strrchr(http_server_address(server), ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) abort();
    if (cut > n) cut = n;
    if (send(fd, bytes, cut, MSG_NOSIGNAL) >= 0 && cut < n && send(fd, bytes + cut, n - cut, MSG_NOSIGNAL) < 0) cut = n; /* it may have answered already */
    while (have < sizeof got - 1 && (k = recv(fd, got + have, sizeof got - 1 - have, 0)) > 0) have += (size_t)k;
    close(fd);
    got[have] = 0;
    return !strncmp(got, "HTTP/1.1 ", 9) && strstr(got, "\r\n\r\n") ? atoi(got + 9) : 0;
}

static void forget(const char *id) {
    char bytes[200];
    for (int i = 0; i < 2000; i++) {
        int n = snprintf(bytes, sizeof bytes, "DELETE /api/v1/imports/%.16s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer token-fuzz\r\n\r\n", id);
        int status = ask(bytes, (size_t)n, (size_t)n);
        if (status == 204) return;
        if (status != 409) break;
        usleep(500); /* it is being looked at */
    }
    fprintf(stderr, "%s\n", got);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf b = {0};
    char id[17];
    if (!server) begin();
    if (size < 1 || size > 20000) return 0;
    buf_printf(&b, "POST /api/v1/imports%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer token-fuzz\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
               data[0] & 2 ? "?register=person&file=a.csv" : "", data[0] & 1 ? "multipart/form-data; boundary=zz" : "text/csv", size - 1);
    size_t head = b.n;
    buf_add(&b, data + 1, size - 1);
    int status = ask(b.s, b.n, head + (size - 1) * (data[0] >> 2) / 64);
    if (status < 200 || (status >= 500 && status != 503)) {
        fprintf(stderr, "answered %d\n%.600s\n", status, got);
        abort();
    }
    const char *made = status == 201 ? strstr(got, "\"id\":\"") : NULL;
    if (status == 201 && !made) abort();
    buf_clear(&b);
    if (made) {
        snprintf(id, sizeof id, "%.16s", made + 6);
        forget(id);
    }
    return 0;
}

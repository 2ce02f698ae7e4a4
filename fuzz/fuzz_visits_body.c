/* Visits as they are sent: tables (text/csv), JSON, and lines of JSON in pieces cut anywhere. Each body gets a whole answer that does not blame the server; what it says was
 * taken and refused is not more than was sent. The input: a byte that picks the kind and where the body is cut into packets, then the body. */
#include "door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const kinds[][2] = {{"/api/v1/visits", "text/csv"}, {"/api/v1/visits", "application/json"}, {"/api/v1/visits/stream", "application/x-ndjson"}};
    struct buf b = {0};
    char got[65536];
    if (!server) begin();
    if (size < 1 || size > 20000) return 0;
    const char *const *kind = kinds[data[0] % 3];
    buf_printf(&b, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer token-fuzz\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", kind[0], kind[1], size - 1);
    size_t cut = b.n + (size - 1) * (data[0] >> 2) / 64, have = 0, lines = 1;
    ssize_t k;
    buf_add(&b, data + 1, size - 1);
    for (size_t i = 1; i < size; i++) lines += data[i] == '\n' || data[i] == '{'; /* one visit a line, or an object each */
    int fd = reach();
    if (b.failed || send(fd, b.s, cut, MSG_NOSIGNAL) < 0 || (cut < b.n && send(fd, b.s + cut, b.n - cut, MSG_NOSIGNAL) < 0)) abort();
    while (have < sizeof got - 1 && (k = recv(fd, got + have, sizeof got - 1 - have, 0)) > 0) have += (size_t)k;
    close(fd);
    got[have] = 0;
    int status = strncmp(got, "HTTP/1.1 ", 9) || !strstr(got, "\r\n\r\n") ? 0 : atoi(got + 9);
    const char *taken = strstr(got, "{\"taken\":"), *refused = strstr(got, "\"refused\":");
    if (!status || (status >= 500 && status != 503) || (taken && strtoull(taken + 9, NULL, 10) + (refused ? strtoull(refused + 10, NULL, 10) : 0) > lines)) {
        fprintf(stderr, "%.600s\n-- was answered\n%.600s\n", b.s, got);
        abort();
    }
    buf_clear(&b);
    return 0;
}

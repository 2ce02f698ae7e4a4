/* What stands in the head of a request: cookies, bearer tokens, languages, types, ranges, tags, keys, purposes, resumption, lengths. Every head gets a whole answer, one
 * that does not blame the server (5xx). The input: a byte that picks what is asked, then lines of the head; bytes that would end it are left out. */
#include "door.h"
#include "doors/http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const asks[] = {"GET /api/v1/registers/person/records", "GET /api/v1/registers/person/records/1", "PATCH /api/v1/registers/person/records/1", "POST /api/v1/registers/person/records",
                                   "GET /api/v1/registers/person/export", "GET /api/v1/jobs/0123456789abcdef/events", "GET /", "POST /api/v1/session", "GET /api/openapi.json", "DELETE /api/v1/session",
                                   "GET /public/v1/reports", "POST /api/v1/imports", "POST /api/v1/visits", "GET /api/v1/imports/1/errors"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf b = {0};
    char got[65536];
    if (!server) begin();
    if (size < 1 || size > 6000) return 0;
    buf_printf(&b, "%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s", asks[(data[0] & 127) % (sizeof asks / sizeof *asks)], data[0] & 128 ? "Authorization: Bearer token-fuzz\r\n" : "");
    for (size_t i = 1; i < size; i++) {
        if (data[i] == '\n' && b.s[b.n - 1] != '\n') buf_str(&b, "\r\n");
        else if (data[i] >= 0x20 || data[i] == '\t') buf_char(&b, (char)data[i]);
    }
    if (b.s[b.n - 1] != '\n') buf_str(&b, "\r\n");
    if (data[0] % 3 == 0) buf_str(&b, "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    else buf_str(&b, "\r\n");
    int fd = reach();
    if (b.failed || send(fd, b.s, b.n, MSG_NOSIGNAL) != (ssize_t)b.n) abort();
    shutdown(fd, SHUT_WR); /* a length that promises more is not waited for */
    size_t have = 0;
    ssize_t k;
    while (have < sizeof got - 1 && (k = recv(fd, got + have, sizeof got - 1 - have, 0)) > 0) have += (size_t)k;
    close(fd);
    got[have] = 0;
    int status = strncmp(got, "HTTP/1.1 ", 9) || !strstr(got, "\r\n\r\n") ? 0 : atoi(got + 9);
    bool promised = strcasestr(buf_cstr(&b), "content-length") || strcasestr(b.s, "transfer-encoding"); /* then nothing at all is an answer to a body cut off */
    if ((!status && !promised) || (status >= 500 && status != 503 && status != 501 && status != 505)) {
        fprintf(stderr, "%.1000s\n-- was answered\n%.600s\n", b.s, got);
        abort();
    }
    buf_clear(&b);
    return 0;
}

/* Uploads over a real socket: a form with fields and a file, or a file alone, cut and damaged anywhere. The answer is whole, never one that blames the server, and what
 * was taken is a job that can be deleted. The input: a byte that picks form or file and where it is cut into packets, then the body. */
#include "door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char got[65536];

/* In two packets; the status of the answer. */
static int ask(const char *bytes, size_t n, size_t cut) {
    size_t have = 0;
    ssize_t k;
    int fd = reach();
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

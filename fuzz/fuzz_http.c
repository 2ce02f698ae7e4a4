/* The HTTP door with its real handlers over a real socket: whatever stands in a path, a query or a body gets a whole answer, and never one that blames the
 * server (5xx) while its store is well. The input: a byte that picks the route, the rest of the request target up to a line end, then the body. */
#include "door.h"
#include "doors/http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    int status = ask_door(reach(), &b, got, sizeof got);
    if (status < 200 || (status >= 500 && status != 503)) {
        fprintf(stderr, "%.400s\n-- was answered\n%.600s\n", b.s, got);
        abort();
    }
    buf_clear(&b);
    return 0;
}

/* The head of a request, read strictly. libmicrohttpd 0.9.75 is lenient in ways that another server before it may not share: it joins folded lines, ends
 * a line at a bare LF, cuts texts at a NUL, drops a line without a name. What it hands on are pointers into its own buffer, where it put NULs for the
 * delimiters; so the bytes between two pointers tell whether the lines were what they seem. Later versions refuse these themselves. */
#include "doors/http/inside.h"

#include <string.h>
#include <strings.h>

#if MHD_VERSION < 0x00097600
enum { RAW_LAYOUT = 1 };
#else
enum { RAW_LAYOUT = 0 };
#endif

static bool name_is(const char *name, size_t n, const char *wanted) {
    return n == strlen(wanted) && !strncasecmp(name, wanted, n);
}

/* RFC 9110 token. */
static bool token(const char *name, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!#$%&'*+-.^_`|~", c));
        if (!good) return false;
    }
    return n > 0;
}

/* Of these one server takes the first and another the last: who asks, what for, on what condition. */
static const struct { const char *name; size_t n; } once[] = {
#define ONCE(name) {name, sizeof name - 1}
    ONCE("Authorization"), ONCE("Cookie"), ONCE("Content-Type"), ONCE("Content-Encoding"), ONCE("Idempotency-Key"), ONCE("If-Match"), ONCE("Last-Event-ID"),
    ONCE("Tocsin-CSRF"), ONCE("Tocsin-Purpose"), ONCE("Tocsin-Reason"), ONCE("Sec-Fetch-Site"), ONCE("Origin"), ONCE("Range"), ONCE("If-Range"), ONCE("Expect"),
#undef ONCE
};

static void check_layout(struct heads *h, const char *name, size_t n, const char *value, size_t value_n) {
    if (name != h->end + 2 || h->end[0] || h->end[1] || name[n]) h->bad = true;
    const char *blank = name + n + 1;
    while (!h->bad && blank < value && (*blank == ' ' || *blank == '\t')) blank++;
    if (blank != value) h->bad = true;
    h->end = value + value_n;
}

static enum MHD_Result count(void *cls, enum MHD_ValueKind kind, const char *name, size_t n, const char *value, size_t value_n) {
    struct heads *h = cls;
    (void)kind;
    if (h->bad) return MHD_NO;
    if (!name || !value || !token(name, n)) {
        h->bad = true;
        return MHD_NO;
    }
    if (h->raw) check_layout(h, name, n, value, value_n);
    for (size_t i = 0; i < value_n && !h->bad; i++)
        if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f) h->bad = true;
    for (unsigned i = 0; i < sizeof once / sizeof *once; i++) {
        if (n != once[i].n || strncasecmp(name, once[i].name, n) != 0) continue;
        if (h->seen & 1u << i) h->bad = true;
        h->seen |= 1u << i;
    }
    if (name_is(name, n, "Host")) h->hosts++;
    if (name_is(name, n, "Content-Length")) {
        h->lengths++;
        if (!value_n || value_n > 18) h->bad = true;
        for (size_t i = 0; i < value_n; i++)
            if (value[i] < '0' || value[i] > '9') h->bad = true;
    }
    if (name_is(name, n, "Transfer-Encoding")) {
        h->encodings++;
        if (!name_is(value, value_n, "chunked")) h->bad = true;
    }
    return MHD_YES;
}

int heads_check(struct request *r, const char *url, const char *method, const char *version, struct heads *ret, struct error *err) {
    struct heads h = {.raw = RAW_LAYOUT};
    bool old = !strcmp(version, "HTTP/1.0");
    h.end = version + strlen(version);
    if (h.raw && (method + strlen(method) + 1 != url || url + r->url.n + 1 != version)) h.bad = true;
    if (!h.bad) MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, count, &h);
    /* the last line, then the empty one */
    if (h.raw && !h.bad && (h.end[0] || h.end[1] || h.end[2] || h.end[3])) h.bad = true;
    if (h.hosts > 1 || h.lengths > 1 || h.encodings > 1 || (h.lengths && h.encodings) || (!h.hosts && !old) || (old && h.encodings)) h.bad = true;
    *ret = h;
    if (!h.bad) return 0;
    r->close = true;
    return error_set(err, E_SYNTAX, "headers", "can be read in more than one way / 请求头有歧义");
}

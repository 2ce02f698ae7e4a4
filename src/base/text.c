#include "base/text.h"

#include <printf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- slices */

struct text text_of(const char *s) {
    return s ? (struct text){s, strlen(s)} : (struct text){"", 0};
}

bool text_eq(struct text a, struct text b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool text_is(struct text a, const char *s) {
    return text_eq(a, text_of(s));
}

int text_cmp(struct text a, struct text b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.s, b.s, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool text_starts(struct text a, struct text prefix) {
    return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.s, prefix.s, prefix.n) == 0);
}

/* Bytes of white space at the start of t, 0 when there is none. */
static size_t space_at(struct text t) {
    if (!t.n) return 0;
    unsigned char c = (unsigned char)t.s[0];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
    if (t.n >= 2 && memcmp(t.s, "\xC2\xA0", 2) == 0) return 2;
    if (t.n >= 3 && (memcmp(t.s, "\xE3\x80\x80", 3) == 0 || memcmp(t.s, "\xEF\xBB\xBF", 3) == 0)) return 3;
    return 0;
}

struct text text_trim(struct text t) {
    size_t k;
    while ((k = space_at(t)) > 0) t = (struct text){t.s + k, t.n - k};
    while (t.n) {
        size_t back = 1;
        while (back < t.n && back < 4 && ((unsigned char)t.s[t.n - back] & 0xC0) == 0x80) back++;
        if (space_at((struct text){t.s + t.n - back, back}) != back) break;
        t.n -= back;
    }
    return t;
}

bool text_int(struct text t, int64_t *ret) {
    size_t i = 0;
    bool negative = false;
    if (t.n && (t.s[0] == '-' || t.s[0] == '+')) {
        negative = t.s[0] == '-';
        i = 1;
    }
    if (i >= t.n || t.n - i > 19) return false;
    uint64_t v = 0;
    for (; i < t.n; i++) {
        if (t.s[i] < '0' || t.s[i] > '9') return false;
        v = v * 10 + (uint64_t)(t.s[i] - '0');
    }
    if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0)) return false;
    *ret = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

uint32_t text_codepoint(struct text t, size_t *pos) {
    const unsigned char *s = (const unsigned char *)t.s + *pos;
    size_t left = t.n - *pos;
    if (s[0] < 0x80) {
        *pos += 1;
        return s[0];
    }
    size_t need = s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : 0;
    if (need == 0 || need > left) {
        *pos += 1;
        return 0xFFFD;
    }
    uint32_t c = s[0] & (0xFFu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            *pos += 1;
            return 0xFFFD;
        }
        c = (c << 6) | (s[i] & 0x3Fu);
    }
    bool bad = (need == 3 && c < 0x800) || (need == 4 && c < 0x10000) || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000);
    *pos += bad ? 1 : need;
    return bad ? 0xFFFD : c;
}

bool text_utf8_valid(struct text t) {
    for (size_t pos = 0; pos < t.n;) {
        size_t before = pos;
        if ((unsigned char)t.s[pos] < 0x80) {
            pos++;
            continue;
        }
        /* a real U+FFFD is three bytes long, a replaced one is one */
        if (text_codepoint(t, &pos) == 0xFFFD && pos - before == 1) return false;
    }
    return true;
}

size_t text_encode(uint32_t c, char out[4]) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool text_varint(struct text t, size_t *pos, uint64_t *ret) {
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && *pos < t.n; shift += 7) {
        unsigned char c = (unsigned char)t.s[(*pos)++];
        v |= (uint64_t)(c & 0x7F) << shift;
        if (!(c & 0x80)) {
            *ret = v;
            return true;
        }
    }
    return false;
}

/* ---- buf */

void buf_clear(struct buf *b) {
    mem_free(b->s);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b) {
    b->n = 0;
    b->failed = 0;
}

static int buf_room(struct buf *b, size_t more) {
    if (b->failed) return b->failed;
    size_t max = b->max ? b->max : (size_t)1 << 30;
    if (more > max || b->n > max - more) return b->failed = E_TOO_LARGE;
    size_t need = b->n + more + 1; /* room for the NUL of buf_cstr */
    if (need <= b->cap) return 0;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) cap *= 2;
    char *s = mem_realloc(b->s, cap);
    if (!s) return b->failed = E_MEMORY;
    b->s = s;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t n) {
    int rc = buf_room(b, n);
    if (rc) return rc;
    if (n) memcpy(b->s + b->n, bytes, n);
    b->n += n;
    return 0;
}

int buf_text(struct buf *b, struct text t) {
    return buf_add(b, t.s, t.n);
}

int buf_str(struct buf *b, const char *s) {
    return buf_add(b, s, strlen(s));
}

int buf_char(struct buf *b, char c) {
    return buf_add(b, &c, 1);
}

int buf_int(struct buf *b, int64_t v) {
    char digits[24];
    size_t at = sizeof digits;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0) digits[--at] = '-';
    return buf_add(b, digits + at, sizeof digits - at);
}

static int put_unsigned(struct buf *b, uint64_t v) {
    if (v <= INT64_MAX) return buf_int(b, (int64_t)v);
    buf_int(b, (int64_t)(v / 10));
    return buf_char(b, (char)('0' + v % 10));
}

static int put_string(struct buf *b, const char *s, int most) {
    if (!most) return b->failed;
    if (!s) s = "(null)";
    return buf_add(b, s, most < 0 ? strlen(s) : strnlen(s, (size_t)most));
}

/* Conversions of a library's own make the C library go a long way round for every format of the process: 160 ns, six times an answer over HTTP. libquadmath (far
 * below Clp) has some, for numbers that nobody here has: it is not let. */
int register_printf_specifier(int spec, printf_function *print, printf_arginfo_size_function *info) {
    return (void)spec, (void)print, (void)info, -1;
}
int register_printf_modifier(const wchar_t *name) {
    return (void)name, -1;
}
int register_printf_type(printf_va_arg_function *take) {
    return (void)take, -1;
}

/* The C library's own, from here to the format's end. */
static int put_rest(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n < 0 && !b->failed) b->failed = E_INVALID;
    if (n >= 0 && !buf_room(b, (size_t)n)) {
        vsnprintf(b->s + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return b->failed;
}

/* The conversions that nearly everything is written with are done here: the C library would have to go over them twice, to learn the length. */
int buf_printf(struct buf *b, const char *format, ...) {
    size_t before = b->n;
    va_list args;
    va_start(args, format);
    for (const char *at = format;;) {
        size_t plain = strcspn(at, "%");
        buf_add(b, at, plain);
        at += plain;
        if (!*at || b->failed) break;
        const char *c = at + 1;
        size_t skip = 2;
        if (*c == 's') put_string(b, va_arg(args, const char *), -1);
        else if (*c == 'd') buf_int(b, va_arg(args, int));
        else if (*c == 'c') buf_char(b, (char)va_arg(args, int));
        else if (*c == '%') buf_char(b, '%');
        else if (c[0] == 'z' && c[1] == 'u') skip = 3, put_unsigned(b, va_arg(args, size_t));
        else if (c[0] == 'l' && c[1] == 'l' && c[2] == 'd') skip = 4, buf_int(b, va_arg(args, long long));
        else if (c[0] == '.' && c[1] == '*' && c[2] == 's') {
            int most = va_arg(args, int);
            skip = 4;
            put_string(b, va_arg(args, const char *), most);
        } else {
            put_rest(b, at, args);
            break;
        }
        at += skip;
    }
    va_end(args);
    if (b->failed) b->n = before;
    return b->failed;
}

int buf_varint(struct buf *b, uint64_t v) {
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)(v & 0x7F);
        v >>= 7;
        if (v) bytes[n] |= 0x80;
        n++;
    } while (v);
    return buf_add(b, bytes, n);
}

const char *buf_cstr(struct buf *b) {
    if (b->failed || !b->s) return "";
    b->s[b->n] = '\0';
    return b->s;
}

struct text buf_view(const struct buf *b) {
    return (struct text){b->s ? b->s : "", b->n};
}

/* ---- arena */

struct arena_chunk {
    struct arena_chunk *next;
    size_t n, cap;
    size_t pad; /* keeps bytes[] at 16 bytes alignment on 64-bit */
    unsigned char bytes[];
};

enum { ARENA_FIRST = 4096, ARENA_LARGEST = 1 << 20 };

static void chunk_free(struct arena_chunk *c) {
    if (c && c->cap == ARENA_LARGEST && mem_keep(c)) return;
    mem_free(c);
}

bool arena_reserve(struct arena *a, size_t bytes) {
    struct arena_chunk *fresh = bytes == ARENA_LARGEST ? mem_kept() : NULL;
    if (!fresh && bytes <= SIZE_MAX / 2) fresh = mem_realloc(NULL, sizeof *fresh + bytes);
    if (!fresh) return false;
    *fresh = (struct arena_chunk){.next = a->chunk, .cap = bytes};
    a->chunk = fresh;
    return true;
}

void *arena_raw(struct arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t size = (bytes + 15) & ~(size_t)15;
    struct arena_chunk *c = a->chunk;
    if (!c || c->cap - c->n < size) {
        size_t cap = c ? c->cap * 2 : ARENA_FIRST;
        if (cap > ARENA_LARGEST) cap = ARENA_LARGEST;
        if (!arena_reserve(a, cap < size ? size : cap)) return NULL;
        c = a->chunk;
    }
    void *p = c->bytes + c->n;
    c->n += size;
    a->used += size;
    return p;
}

void *arena_alloc(struct arena *a, size_t bytes) {
    void *p = arena_raw(a, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

struct text arena_text(struct arena *a, struct text t) {
    char *p = arena_alloc(a, t.n + 1);
    if (!p) return (struct text){NULL, 0};
    if (t.n) memcpy(p, t.s, t.n);
    return (struct text){p, t.n};
}

char *arena_str(struct arena *a, const char *s) {
    return (char *)arena_text(a, text_of(s)).s;
}

static struct text printed(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p) vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return (struct text){p, p ? (size_t)n : 0};
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct text t = printed(a, format, args);
    va_end(args);
    return (char *)t.s;
}

struct text arena_words(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct text t = printed(a, format, args);
    va_end(args);
    return t;
}

void arena_reset(struct arena *a) {
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *c = a->chunk, *next; c; c = next) {
        next = c->next;
        if (!keep || c->cap > keep->cap) {
            chunk_free(keep);
            keep = c;
        } else {
            chunk_free(c);
        }
    }
    if (keep) {
        keep->next = NULL;
        keep->n = 0;
    }
    a->chunk = keep;
    a->used = 0;
}

void arena_clear(struct arena *a) {
    for (struct arena_chunk *c = a->chunk, *next; c; c = next) {
        next = c->next;
        chunk_free(c);
    }
    *a = (struct arena){0};
}

/* ---- files */

int file_read(const char *path, size_t max, struct buf *b, struct error *err) {
    FILE *f = fopen(path, "rb");
    if (!f) return error_set(err, error_from_errno(), path, "cannot be opened for reading");
    int rc = 0;
    char chunk[65536];
    size_t n;
    while (!rc && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        if (b->n + n > max)
            rc = error_set(err, E_TOO_LARGE, path, "larger than %zu bytes", max);
        else if ((rc = buf_add(b, chunk, n)) < 0)
            error_set(err, rc, path, "out of memory");
    }
    if (!rc && ferror(f)) rc = error_set(err, E_IO, path, "cannot be read");
    fclose(f);
    return rc;
}

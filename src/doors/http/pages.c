#include "doors/http/pages.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/digest.h"

/* Scripts and styles from this server only, no inline ones; data: for the images that a chart or a QR code draws. */
#define CONTENT_POLICY                                                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

struct page {
    struct text name, whole, zipped; /* zipped: empty when that is no shorter */
    const char *type, *etag;
    bool lasting;
};

struct pages {
    struct arena arena;
    size_t n;
    struct page pages[PAGES_MAX];
};

static const char *type_of(struct text name) {
    static const struct { const char *end, *type; } types[] = {
        {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"}, {".json", "application/json"},
        {".svg", "image/svg+xml"},             {".png", "image/png"},                     {".woff2", "font/woff2"},            {".webmanifest", "application/manifest+json"},
        {".geojson", "application/geo+json"},  {".wasm", "application/wasm"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i].end);
        if (name.n > n && !memcmp(name.s + name.n - n, types[i].end, n)) return types[i].type;
    }
    return NULL; /* not served */
}

static struct text zip(struct arena *a, struct text whole) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)whole.s, .avail_in = (uInt)whole.n};
    struct text none = {"", 0};
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) return none;
    uLong most = deflateBound(&z, (uLong)whole.n);
    char *out = arena_alloc(a, most);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)most;
    bool done = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    struct text zipped = {out, z.total_out};
    deflateEnd(&z);
    return done && zipped.n < whole.n ? zipped : none;
}

static int read_one(struct pages *p, const char *dir, const char *name, bool lasting, struct error *err) {
    struct text file = text_of(name);
    const char *type = type_of(file);
    if (!type) return 0;
    if (p->n == PAGES_MAX) return error_set(err, E_TOO_LARGE, dir, "more than %d files of the console / 控制台文件超过 %d 个", PAGES_MAX, PAGES_MAX);
    char path[1024], hash[2 * DIGEST_BYTES + 1];
    unsigned char sum[DIGEST_BYTES];
    struct buf body = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int rc = file_read(path, PAGE_BYTES_MAX, &body, err);
    struct page *page = &p->pages[p->n];
    if (rc >= 0) {
        page->type = type;
        page->lasting = lasting;
        page->name = arena_text(&p->arena, file);
        page->whole = arena_text(&p->arena, buf_view(&body));
        digest_bytes(buf_view(&body), sum);
        hex_of(sum, 8, hash);
        page->etag = arena_printf(&p->arena, "\"%s\"", hash);
        if (!page->name.s || !page->whole.s || !page->etag)
            rc = error_memory(err);
        else if (strncmp(type, "image/png", 9) && strncmp(type, "font/", 5))
            page->zipped = zip(&p->arena, page->whole);
    }
    buf_clear(&body);
    if (rc < 0) return rc;
    p->n++;
    return 0;
}

static int read_folder(struct pages *p, const char *dir, const char *under, struct error *err) {
    char path[1024], name[512];
    snprintf(path, sizeof path, "%s/%s", dir, under);
    DIR *d = opendir(path);
    if (!d) return 0;
    int rc = 0;
    for (struct dirent *e; rc >= 0 && (e = readdir(d));) {
        struct stat st;
        if (e->d_name[0] == '.' || strlen(e->d_name) > 255) continue;
        snprintf(name, sizeof name, "%s%s%s", under, *under ? "/" : "", e->d_name);
        snprintf(path, sizeof path, "%s/%.500s", dir, name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) rc = read_one(p, dir, name, *under != 0, err);
    }
    closedir(d);
    return rc;
}

int pages_read(const char *home, const char *dir, struct pages **ret, struct error *err) {
    struct pages *p = mem_alloc(sizeof *p);
    if (!p) return error_memory(err);
    static const char *const places[] = {"build/console", "console"};
    char path[900];
    int rc = 0;
    for (size_t i = 0; rc >= 0 && !p->n && i < (dir ? 1 : sizeof places / sizeof *places); i++) {
        struct stat st;
        if (dir)
            snprintf(path, sizeof path, "%s", dir);
        else
            snprintf(path, sizeof path, "%s/%s", home ? home : ".", places[i]);
        char assets[940];
        snprintf(assets, sizeof assets, "%s/assets", path);
        if (stat(assets, &st) < 0) continue; /* sources of the console are not the console */
        rc = read_folder(p, path, "", err);
        if (rc >= 0) rc = read_folder(p, path, "assets", err);
    }
    if (rc < 0) {
        pages_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void pages_free(struct pages *p) {
    if (!p) return;
    arena_clear(&p->arena);
    mem_free(p);
}

int pages_answer(struct request *r, const struct pages *p, struct text name, struct error *err) {
    const struct page *page = NULL;
    for (size_t i = 0; i < p->n && !page; i++)
        if (text_eq(p->pages[i].name, name)) page = &p->pages[i];
    if (!page && !p->n)
        return error_set(err, E_UNKNOWN, NULL, "the console is not built here; the API is at /api/openapi.json / 此处未构建控制台,接口说明见 /api/openapi.json");
    if (!page) return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
    const char *accepts = request_header(r, "Accept-Encoding");
    bool zipped = page->zipped.n && accepts && strstr(accepts, "gzip");
    answer_header(r, "Cache-Control", page->lasting ? "public, max-age=31536000, immutable" : "no-cache");
    answer_header(r, "ETag", page->etag);
    answer_header(r, "Vary", "Accept-Encoding");
    answer_header(r, "Content-Security-Policy", CONTENT_POLICY);
    if (request_has_etag(r, page->etag)) return answer_empty(r, 304);
    if (zipped) answer_header(r, "Content-Encoding", "gzip");
    return answer_text(r, 200, page->type, zipped ? page->zipped : page->whole);
}

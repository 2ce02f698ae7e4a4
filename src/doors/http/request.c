/* What was asked: the URL, the query, headers, the body. All strict: what cannot be read in one way only is refused. */
#include "doors/http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "doors/http/route.h"

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int request_decode(struct arena *a, struct text raw, bool plus_is_space, struct text *ret, struct error *err) {
    char *out = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    if (!out) return error_memory(err);
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.s[i];
        if (c == '%') {
            bool whole = i + 2 < raw.n;
            int high = whole ? hex(raw.s[i + 1]) : -1, low = whole ? hex(raw.s[i + 2]) : -1;
            if (high < 0 || low < 0) return error_set(err, E_SYNTAX, "url", "a bad %% escape / 百分号转义有误");
            c = (unsigned char)(high << 4 | low);
            i += 2;
            if (c == 0) return error_set(err, E_SYNTAX, "url", "holds a NUL / 含有空字符");
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c < 0x21 || c == 0x7f) {
            return error_set(err, E_SYNTAX, "url", "holds a control character or blank / 含有控制字符或空格");
        }
        out[n++] = (char)c;
    }
    struct text t = {out, n};
    if (!text_utf8_valid(t)) return error_set(err, E_SYNTAX, "url", "is not UTF-8 / 不是 UTF-8 编码");
    *ret = t;
    return 0;
}

static struct text cut(struct text *rest, char at) {
    const char *p = rest->n ? memchr(rest->s, at, rest->n) : NULL;
    struct text head = {rest->s, p ? (size_t)(p - rest->s) : rest->n};
    rest->s += p ? head.n + 1 : head.n;
    rest->n -= p ? head.n + 1 : head.n;
    return head;
}

static int parse_query(struct request *r, struct text rest, struct error *err) {
    while (rest.n) {
        struct text pair = cut(&rest, '&');
        if (!pair.n) continue;
        if (r->n_query == REQUEST_QUERY_MAX) return error_set(err, E_TOO_LARGE, "query", "more than %d parameters / 查询参数过多", REQUEST_QUERY_MAX);
        struct query_param *q = &r->query[r->n_query];
        struct text name = cut(&pair, '=');
        int rc = request_decode(&r->arena, name, true, &q->name, err);
        if (!rc) rc = request_decode(&r->arena, pair, true, &q->value, err);
        if (rc < 0) return rc;
        for (size_t i = 0; i < r->n_query; i++)
            if (text_eq(r->query[i].name, q->name)) {
                char where[64];
                snprintf(where, sizeof where, "?%.*s", (int)(q->name.n < 50 ? q->name.n : 50), q->name.s);
                return error_set(err, E_USAGE, where, "given twice / 重复给出");
            }
        r->n_query++;
    }
    return 0;
}

int request_parse_url(struct request *r, struct error *err) {
    struct text rest = r->url;
    r->path = cut(&rest, '?');
    if (memchr(r->url.s, '#', r->url.n)) return error_set(err, E_SYNTAX, "url", "a fragment does not belong in a request / 请求不应含 #");
    if (!r->path.n || r->path.s[0] != '/') return error_set(err, E_SYNTAX, "url", "the path must begin with / (路径须以 / 开头)");
    struct text path = {r->path.s + 1, r->path.n - 1};
    while (path.n) {
        struct text raw = cut(&path, '/'), segment;
        if (r->n_segments == REQUEST_SEGMENTS_MAX) return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
        int rc = request_decode(&r->arena, raw, false, &segment, err);
        if (rc < 0) return rc;
        if (!segment.n || text_is(segment, ".") || text_is(segment, "..") || memchr(segment.s, '/', segment.n))
            return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
        r->segments[r->n_segments++] = segment;
    }
    if (r->path.n > 1 && r->path.s[r->path.n - 1] == '/') return error_set(err, E_UNKNOWN, NULL, "there is nothing at this path / 此路径不存在");
    return parse_query(r, rest, err);
}

int request_parse_json(struct request *r, struct error *err) {
    json_error_t why;
    struct text body = buf_view(&r->body);
    if (!text_utf8_valid(body)) return error_set(err, E_SYNTAX, "body", "is not UTF-8 / 不是 UTF-8 编码");
    /* the depth before the parser recurses */
    size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < body.n; i++) {
        char c = body.s[i];
        if (quoted) {
            if (c == '\\') i++;
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest) deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    if (deepest > REQUEST_DEPTH_MAX) return error_set(err, E_SYNTAX, "body", "nested deeper than %d / 嵌套过深", REQUEST_DEPTH_MAX);
    r->json = json_loadb(body.s ? body.s : "", body.n, JSON_REJECT_DUPLICATES, &why);
    if (r->json) return 0;
    if (json_error_code(&why) == json_error_out_of_memory) return error_memory(err);
    char where[64];
    snprintf(where, sizeof where, "body, line %d, column %d", why.line, why.column);
    if (json_error_code(&why) == json_error_duplicate_key) return error_set(err, E_SYNTAX, where, "a key is given twice / 键重复");
    return error_set(err, E_SYNTAX, where, "is no JSON that can be read here / JSON 格式有误");
}

bool request_speaks_chinese(const char *list) {
    double zh = -1, en = -1;
    if (!list || !*list) return true;
    for (const char *p = list; *p;) {
        while (*p == ' ' || *p == ',') p++;
        double *lang = !strncasecmp(p, "zh", 2) ? &zh : !strncasecmp(p, "en", 2) ? &en : NULL, q = 1;
        const char *end = p + strcspn(p, ","), *weight = memmem(p, (size_t)(end - p), "q=", 2);
        if (weight) q = strtod(weight + 2, NULL);
        if (lang && q > *lang) *lang = q;
        p = end;
    }
    if (zh <= 0 && en <= 0) return !(zh == 0 && en != 0);
    return zh >= en;
}

/* ---- what a handler asks */

struct text request_param(const struct request *r, const char *name) {
    const char *p = r->route ? r->route->path : "";
    size_t n = strlen(name);
    for (size_t i = 0; i < REQUEST_PARAMS_MAX && (p = strchr(p, '{')); i++, p++)
        if (!strncmp(p + 1, name, n) && p[1 + n] == '}') return r->params[i];
    return (struct text){"", 0};
}

int request_id(const struct request *r, const char *name, int64_t *ret, struct error *err) {
    struct text t = request_param(r, name);
    if (t.n && t.n < 20 && t.s[0] != '-' && t.s[0] != '+' && text_int(t, ret) && *ret > 0) return 0;
    return error_set(err, E_UNKNOWN, name, "is no id / 不是编号");
}

struct text request_query(const struct request *r, const char *name) {
    for (size_t i = 0; i < r->n_query; i++)
        if (text_is(r->query[i].name, name)) return r->query[i].value;
    return (struct text){NULL, 0};
}

static const char *query_where(const char *name, char out[64]) {
    snprintf(out, 64, "?%.60s", name);
    return out;
}

int request_query_int(const struct request *r, const char *name, int64_t low, int64_t high, int64_t other, int64_t *ret, struct error *err) {
    struct text t = request_query(r, name);
    int64_t v = other;
    char where[64];
    if (t.s && (!text_int(t, &v) || v < low || v > high))
        return error_set(err, E_USAGE, query_where(name, where), "%lld to %lld / 应为 %lld 至 %lld", (long long)low, (long long)high, (long long)low, (long long)high);
    *ret = v;
    return 0;
}

int request_query_instant(const struct request *r, const char *name, instant *ret, struct error *err) {
    struct text t = request_query(r, name);
    char where[64];
    *ret = INSTANT_NONE;
    if (t.s && !instant_parse(t, http_zone(r->server), ret))
        return error_set(err, E_USAGE, query_where(name, where), "is no time; write it as 2022-05-30T17:00 / 不是时间,应写作 2022-05-30T17:00");
    return 0;
}

int request_query_region(struct request *r, const char *name, struct text *ret, struct error *err) {
    struct text t = request_query(r, name);
    char code[REGION_MAX + 1], where[64];
    *ret = (struct text){"", 0};
    if (!t.s || !t.n) return 0;
    if (!region_canonical(t, code)) return error_set(err, E_INVALID, query_where(name, where), "is no region code / 不是行政区划代码");
    *ret = arena_text(&r->arena, text_of(code));
    return ret->s ? 0 : error_memory(err);
}

bool request_query_flag(const struct request *r, const char *name) {
    struct text t = request_query(r, name);
    return t.s && (t.n == 0 || text_is(t, "1") || text_is(t, "true") || text_is(t, "yes"));
}

const char *request_header(const struct request *r, const char *name) {
    return r->connection ? MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name) : NULL;
}

int request_member(const struct request *r, const char *name, bool required, struct text *ret, struct error *err) {
    const json_t *j = json_object_get(r->json, name);
    char where[80];
    snprintf(where, sizeof where, "/%.70s", name);
    *ret = (struct text){"", 0};
    if (!j || json_is_null(j)) return required ? error_set(err, E_INVALID, where, "is required and missing / 必填项缺失") : 0;
    if (!json_is_string(j)) return error_set(err, E_SYNTAX, where, "must be a string / 应为字符串");
    *ret = (struct text){json_string_value(j), json_string_length(j)};
    if (required && !ret->n) return error_set(err, E_INVALID, where, "is required and missing / 必填项缺失");
    return 0;
}

int request_member_id(const struct request *r, const char *name, bool required, int64_t *ret, struct error *err) {
    const json_t *j = json_object_get(r->json, name);
    char where[80];
    snprintf(where, sizeof where, "/%.70s", name);
    *ret = 0;
    if (!j || json_is_null(j)) return required ? error_set(err, E_INVALID, where, "is required and missing / 必填项缺失") : 0;
    if (!json_is_integer(j) || json_integer_value(j) <= 0) return error_set(err, E_SYNTAX, where, "is no id / 不是编号");
    *ret = json_integer_value(j);
    return 0;
}

int request_member_int(const struct request *r, const char *name, int64_t from, int64_t to, int64_t other, int64_t *ret, struct error *err) {
    const json_t *j = json_object_get(r->json, name);
    char where[80];
    snprintf(where, sizeof where, "/%.70s", name);
    *ret = other;
    if (!j || json_is_null(j)) return 0;
    if (!json_is_integer(j) || json_integer_value(j) < from || json_integer_value(j) > to)
        return error_set(err, E_INVALID, where, "a whole number from %lld to %lld / 应为 %lld 至 %lld 的整数", (long long)from, (long long)to, (long long)from, (long long)to);
    *ret = json_integer_value(j);
    return 0;
}

int request_register(struct request *r, const struct register_decl **ret, struct error *err) {
    struct text name = request_param(r, "register");
    const struct register_decl *reg = register_find(http_catalog(r->server), name);
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    *ret = reg;
    return 0;
}

bool request_has_etag(const struct request *r, const char *etag) {
    const char *h = request_header(r, "If-None-Match");
    size_t n = strlen(etag);
    if (h && !strcmp(h, "*")) return true;
    while (h && *h) {
        h += strspn(h, " \t,");
        if (!strncmp(h, "W/", 2)) h += 2;
        if (*h != '"') return false; /* no list of tags: it is not taken for a condition */
        size_t tag = strcspn(h + 1, "\"") + 2;
        if (n > 1 && !strncmp(h, etag, n - 1) && (!strncmp(h + n - 1, "\"", 1) || !strncmp(h + n - 1, "-gzip\"", 6))) return true;
        if (strlen(h) < tag) return false;
        h += tag;
    }
    return false;
}

int request_if_match(const struct request *r, int32_t *ret, struct error *err) {
    const char *h = request_header(r, "If-Match");
    int64_t v = 0;
    *ret = 0;
    if (!h || !strcmp(h, "*")) return 0;
    size_t n = strlen(h);
    if (n > 7 && !strcmp(h + n - 6, "-gzip\"")) n -= 5; /* the ETag of a compressed answer */
    if (n < 3 || h[0] != '"' || h[strlen(h) - 1] != '"' || !text_int((struct text){h + 1, n - 2}, &v) || v < 1 || v > INT32_MAX)
        return error_set(err, E_USAGE, "If-Match", "one ETag of this record, as it was given / 应为该记录的 ETag");
    *ret = (int32_t)v;
    return 0;
}

void request_forget_json(struct request *r) {
    json_decref(r->json);
    r->json = NULL;
}

int request_body_file(const struct request *r, int *ret_fd, char ret_path[REQUEST_PATH], struct error *err) {
    int rc = 0;
    *ret_fd = memfd_create("body", MFD_CLOEXEC);
    if (*ret_fd < 0) return error_set(err, E_IO, NULL, "%s / %s", error_text(E_IO), error_text_zh(E_IO));
    for (size_t at = 0; !rc && at < r->body.n;) {
        ssize_t n = write(*ret_fd, r->body.s + at, r->body.n - at);
        if (n <= 0) rc = error_set(err, E_IO, NULL, "%s / %s", error_text(E_IO), error_text_zh(E_IO));
        else at += (size_t)n;
    }
    snprintf(ret_path, REQUEST_PATH, "/proc/self/fd/%d", *ret_fd);
    return rc;
}

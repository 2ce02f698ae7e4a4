/* Answers: JSON, texts, problems. Nothing here touches the connection. */
#include "doors/http/answer.h"

#include <stdio.h>
#include <string.h>

#include "doors/http/inside.h"

struct buf *answer_open(struct request *r, int status) {
    r->answer.status = status;
    r->answer.type = "application/json";
    buf_reset(&r->answer.body);
    return &r->answer.body;
}

static int add(const char *bytes, size_t n, void *arg) {
    return buf_add(arg, bytes, n) < 0 ? -1 : 0;
}

int answer_json(struct request *r, int status, json_t *j, struct error *err) {
    struct buf *b = answer_open(r, status);
    int failed = j ? json_dump_callback(j, add, b, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY) : -1;
    json_decref(j);
    return failed ? error_set(err, E_MEMORY, NULL, "out of memory for JSON") : 0;
}

int answer_text(struct request *r, int status, const char *type, struct text body) {
    struct buf *b = answer_open(r, status);
    r->answer.type = type;
    return buf_text(b, body);
}

int answer_empty(struct request *r, int status) {
    answer_open(r, status);
    r->answer.type = NULL;
    return 0;
}

void answer_events(struct request *r, int64_t (*read)(void *arg, char *out, size_t n), void (*end)(void *arg), void *arg, size_t block) {
    struct answer *a = &r->answer;
    a->status = 200;
    a->type = "text/event-stream";
    a->read = read;
    a->end = end;
    a->arg = arg;
    a->size = -1;
    a->block = block;
    answer_header(r, "Cache-Control", "no-store");
    answer_header(r, "X-Accel-Buffering", "no");
}

void answer_header(struct request *r, const char *name, const char *value) {
    struct answer *a = &r->answer;
    for (size_t i = 0; i < a->n_headers; i++)
        if (!strcmp(a->headers[i].name, name) && strcmp(name, "Set-Cookie")) {
            a->headers[i].value = value;
            return;
        }
    if (a->n_headers == ANSWER_HEADERS_MAX || !value) return;
    a->headers[a->n_headers].name = name;
    a->headers[a->n_headers++].value = value;
}

void answer_etag(struct request *r, int32_t version) {
    char *etag = arena_alloc(&r->arena, 16);
    if (!etag) return;
    snprintf(etag, 16, "\"%d\"", (int)version);
    answer_header(r, "ETag", etag);
}

/* ---- problems */

/* A member of the body by its name, and not one of the path. */
static bool in_body(const struct request *r, const char *where) {
    static const char *const of_record[] = {"state", "region", "outside_key"};
    bool is = json_object_get(members_told(r), where) != NULL, record = r->route && r->route->request && !strcmp(r->route->request, "{Register}Input");
    for (size_t i = 0; record && i < sizeof of_record / sizeof *of_record; i++) is = is || !strcmp(where, of_record[i]);
    return is && !request_param(r, where).n;
}

/* A place as a JSON pointer where it is one: a field of the record asked for, a member of the body. */
static void put_pointer(struct request *r, struct buf *b, const char *where) {
    struct text name = request_param(r, "register");
    const struct register_decl *reg = name.n ? register_find(http_catalog(r->server), name) : NULL;
    if (where[0] == '/') {
        buf_str(b, ",\"pointer\":");
        json_put_string(b, text_of(where));
    } else if (reg && register_field(reg, text_of(where)) >= 0 && (r->json || r->body.n)) {
        buf_printf(b, ",\"pointer\":\"/fields/%s\"", where);
    } else if (r->body.n && where[0] && in_body(r, where)) {
        buf_printf(b, ",\"pointer\":\"/%s\"", where);
    } else if (where[0]) {
        char place[2 * ERROR_WHERE_MAX];
        error_place(where, r->zh, place, sizeof place);
        buf_str(b, ",\"where\":");
        json_put_string(b, text_of(place));
    }
}

void answer_problem(struct request *r, int status, int code, const struct error *e) {
    char words[ERROR_MESSAGE_MAX + 200];
    struct buf *b = answer_open(r, status ? status : error_http(code));
    struct answer *a = &r->answer;
    bool said = e && e->code;
    error_words(code, said ? e->message : error_text(code), r->zh, words, sizeof words);
    a->type = "application/problem+json";
    if (a->end) a->end(a->arg);
    a->read = NULL;
    a->end = NULL;
    buf_str(b, "{\"type\":\"urn:tocsin:error:");
    buf_str(b, error_name(code));
    buf_str(b, "\",\"title\":");
    json_put_string(b, text_of(r->zh ? error_text_zh(code) : error_text(code)));
    buf_printf(b, ",\"status\":%d,\"detail\":", a->status);
    json_put_string(b, text_of(words));
    buf_printf(b, ",\"code\":\"%s\"", error_name(code));
    if (said) put_pointer(r, b, e->where);
    buf_str(b, ",\"instance\":");
    json_put_string(b, r->path);
    buf_printf(b, ",\"request_id\":\"%s\"}", r->id);
    if (a->status == 401) answer_header(r, "WWW-Authenticate", "Bearer realm=\"tocsin\"");
    bool told = false;
    for (size_t i = 0; i < a->n_headers; i++) told = told || !strcmp(a->headers[i].name, "Retry-After");
    if (!told && (a->status == 503 || a->status == 429)) answer_header(r, "Retry-After", code == E_STORE ? "5" : "1");
    answer_header(r, "Content-Language", r->zh ? "zh" : "en");
}

/* ---- JSON text */

int json_put_string(struct buf *b, struct text t) {
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;
    bool valid = text_utf8_valid(t);
    buf_char(b, '"');
    for (size_t i = 0; i < t.n;) {
        unsigned char c = (unsigned char)t.s[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        if (c >= 0x80 && valid) {
            i++;
            continue;
        }
        buf_add(b, t.s + from, i - from);
        if (c >= 0x80) {
            char out[4];
            uint32_t point = text_codepoint(t, &i);
            buf_add(b, out, text_encode(point, out));
        } else {
            char out[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            if (c == '"' || c == '\\') {
                out[1] = (char)c;
                buf_add(b, out, 2);
            } else {
                buf_add(b, out, 6);
            }
            i++;
        }
        from = i;
    }
    buf_add(b, t.s + from, t.n - from);
    return buf_char(b, '"');
}

int json_put_instant(struct buf *b, instant t, int32_t zone_s) {
    char at[INSTANT_TEXT];
    if (t == INSTANT_NONE) return buf_str(b, "null");
    instant_format(t, zone_s, at);
    return buf_printf(b, "\"%s\"", at);
}

void json_put_text(struct buf *b, const char *name, struct text t) {
    buf_printf(b, ",\"%s\":", name);
    json_put_string(b, t);
}

void json_put_moment(struct buf *b, const char *name, instant t, int32_t zone_s) {
    buf_printf(b, ",\"%s\":", name);
    json_put_instant(b, t, zone_s);
}

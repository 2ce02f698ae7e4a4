/* What derives from the table of routes and the registers: the OpenAPI 3.1 document and docs/api-routes.md. */
#include <ctype.h>
#include <string.h>

#include "doors/http/route.h"

enum { NAME_BYTES = 96 };

static const struct schema *const schemas[] = {
#define X(name) name##_schemas,
    ROUTE_RESOURCES(X)
#undef X
};

const struct schema *schema_at(size_t i) {
    for (size_t k = 0; k < sizeof schemas / sizeof *schemas; k++)
        for (const struct schema *s = schemas[k]; s->name; s++)
            if (i-- == 0) return s;
    return NULL;
}

/* "daily_report" as "DailyReport". */
static void pascal(struct text name, char out[NAME_BYTES]) {
    size_t n = 0;
    bool up = true;
    for (size_t i = 0; i < name.n && n + 1 < NAME_BYTES; i++) {
        if (name.s[i] == '_') {
            up = true;
            continue;
        }
        out[n++] = (char)(up ? toupper((unsigned char)name.s[i]) : name.s[i]);
        up = false;
    }
    out[n] = 0;
}

/* Text with {Register} and {register} put in. reg NULL: as it is. */
static void put_for(struct buf *b, const char *text, const struct register_decl *reg) {
    char name[NAME_BYTES];
    if (reg) pascal(reg->name, name);
    for (const char *p = text; *p;) {
        if (reg && !strncmp(p, "{Register}", 10)) {
            buf_str(b, name);
            p += 10;
        } else if (reg && !strncmp(p, "{register}", 10)) {
            buf_text(b, reg->name);
            p += 10;
        } else {
            buf_char(b, *p++);
        }
    }
}

static void put_member(struct buf *b, const char *name, const char *text) {
    buf_printf(b, ",\"%s\":", name);
    json_put_string(b, text_of(text));
}

/* English, then Chinese: the document is read by people of both. */
static void put_words(struct buf *b, const char *name, const char *en, const char *zh) {
    struct buf both = {0};
    buf_printf(&both, "%s %s", en, zh);
    buf_printf(b, ",\"%s\":", name);
    json_put_string(b, buf_view(&both));
    buf_clear(&both);
}

/* ---- operations */

/* "post" of /api/v1/registers/case/records/{id}/actions/{state} is postCaseRecordsIdActionsState. */
static void put_operation_id(struct buf *b, const struct route *r, const struct register_decl *reg) {
    struct buf path = {0};
    put_for(&path, r->path, reg);
    const char *p = buf_cstr(&path);
    if (!strncmp(p, "/api/v1/registers/", 18) && p[18]) p += 17;
    else if (!strncmp(p, "/api/v1/", 8)) p += 7;
    buf_str(b, ",\"operationId\":\"");
    for (const char *m = r->method; *m; m++) buf_char(b, (char)tolower((unsigned char)*m));
    for (bool up = true; *p; p++) {
        if (!isalnum((unsigned char)*p)) {
            up = true;
            continue;
        }
        buf_char(b, (char)(up ? toupper((unsigned char)*p) : *p));
        up = false;
    }
    buf_char(b, '"');
    buf_clear(&path);
}

static const char *tag_of(const struct route *r) {
    static const struct { const char *prefix, *tag; } tags[] = {
        {"/api/v1/registers", "records"}, {"/api/v1/obligations", "obligations"}, {"/api/v1/policies", "policies"}, {"/api/v1/reports", "reports"},
        {"/api/v1/persons", "persons"},   {"/api/v1/audit", "audit"},             {"/api/v1/import", "files"},      {"/api/v1/export", "files"},
        {"/api/v1/jobs", "files"},        {"/api/v1/events", "events"},           {"/api/v1/session", "accounts"},  {"/api/v1/token", "accounts"},
        {"/api/v1/account", "accounts"},  {"/api/v1/totp", "accounts"},           {"/api/v1/oidc", "accounts"},     {"/public", "public"}};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (!strncmp(r->path, tags[i].prefix, strlen(tags[i].prefix))) return tags[i].tag;
    return "server";
}

/* Every field that a list can be filtered by; what a value looks like is in docs/api-lists.md. */
static void put_filters(struct buf *b, const struct register_decl *reg) {
    static const char *const forms[FIELD_TYPES] = {[FIELD_TEXT] = "the text, or begin*",   [FIELD_CODE] = "codes a,b",     [FIELD_INTEGER] = "3 or 1..5",
                                                   [FIELD_DECIMAL] = "3.5 or 1..5",        [FIELD_BOOLEAN] = "true, false", [FIELD_DATE] = "2022-05-30 or 2022-05-01..2022-05-30",
                                                   [FIELD_INSTANT] = "a day, a time or a range", [FIELD_DURATION] = "2h or 1d..7d", [FIELD_REGION] = "a region and below",
                                                   [FIELD_REFERENCE] = "ids 1,2"};
    if (reg->n_states) buf_str(b, ",{\"name\":\"state\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"states a,b\"}");
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (f->type == FIELD_POINT || (f->sealed && !f->blind)) continue;
        buf_printf(b, ",{\"name\":\"%s\",\"in\":\"query\",\"schema\":{\"type\":\"string\"},\"description\":\"%s\"}", f->name.s,
                   f->sealed ? "found by blind index; needs a purpose" : forms[f->type]);
    }
}

static void put_parameters(struct buf *b, const struct route *r, const struct register_decl *reg) {
    static const char *const shared[] = {"IdempotencyKey", "IfMatch", "Purpose", "Reason"};
    struct buf path = {0};
    bool first = true;
    put_for(&path, r->path, reg);
    buf_str(b, ",\"parameters\":[");
    for (const char *p = buf_cstr(&path); (p = strchr(p, '{')); first = false) {
        size_t n = strcspn(++p, "}");
        buf_printf(b, "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"", first ? "" : ",", (int)n, p);
        if (reg && n == 5 && !strncmp(p, "state", 5) && reg->n_states) {
            buf_str(b, ",\"enum\":[");
            for (size_t i = 0; i < reg->n_states; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", reg->states[i].name.s);
            buf_char(b, ']');
        }
        buf_str(b, "}}");
    }
    for (const struct route_query *q = r->query; q->name; q++, first = false) {
        buf_printf(b, "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":%s", first ? "" : ",", q->name, q->schema);
        put_words(b, "description", q->en, q->zh);
        buf_char(b, '}');
    }
    if (reg && r->headers & FIELD_FILTERS) put_filters(b, reg);
    for (unsigned i = 0; i < 4; i++)
        if (r->headers >> i & 1) {
            buf_printf(b, "%s{\"$ref\":\"#/components/parameters/%s\"}", first ? "" : ",", shared[i]);
            first = false;
        }
    buf_printf(b, "%s{\"$ref\":\"#/components/parameters/Language\"}]", first ? "" : ",");
    buf_clear(&path);
}

/* One name of a schema or media type as an entry of "content". */
static void put_content(struct buf *b, const char *name, size_t n, const struct register_decl *reg) {
    char one[NAME_BYTES];
    snprintf(one, sizeof one, "%.*s", (int)n, name);
    if (!strcmp(one, "text/event-stream") || !strncmp(one, "text/", 5)) {
        buf_printf(b, "\"%s\":{\"schema\":{\"type\":\"string\"}}", one);
    } else if (strchr(one, '/')) {
        buf_printf(b, "\"%s\":{\"schema\":{\"type\":\"string\",\"contentMediaType\":\"%s\"}}", one, one);
    } else {
        buf_str(b, "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/");
        put_for(b, one, reg);
        buf_str(b, "\"}}");
    }
}

static void put_contents(struct buf *b, const char *list, const struct register_decl *reg) {
    buf_str(b, ",\"content\":{");
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, ";");
        put_content(b, p, n, reg);
        p += n;
        if (*p) {
            buf_char(b, ',');
            p++;
        }
    }
    buf_char(b, '}');
}

static void put_operation(struct buf *b, const struct route *r, const struct register_decl *reg) {
    char method[12] = "";
    for (size_t i = 0; r->method[i] && i + 1 < sizeof method; i++) method[i] = (char)tolower((unsigned char)r->method[i]);
    buf_printf(b, "\"%s\":{\"tags\":[\"%s\"]", method, tag_of(r));
    put_operation_id(b, r, reg);
    put_member(b, "summary", r->en);
    put_member(b, "description", r->zh);
    if (r->roles) put_member(b, "x-roles", r->roles);
    if (r->who == WHO_PUBLIC) buf_str(b, ",\"security\":[]");
    put_parameters(b, r, reg);
    if (r->body != BODY_NONE && r->request) {
        buf_printf(b, ",\"requestBody\":{\"required\":%s", r->body == BODY_JSON_MAYBE ? "false" : "true");
        put_contents(b, r->request, reg);
        buf_char(b, '}');
    }
    bool away = r->status / 100 == 3; /* sends elsewhere, or says where */
    buf_str(b, ",\"responses\":{");
    if (away) buf_printf(b, "\"%d\":{\"description\":\"elsewhere\",\"headers\":{\"Location\":{\"schema\":{\"type\":\"string\",\"format\":\"uri\"}}}},", r->status);
    if (r->headers & ROUTE_AGAIN) {
        buf_str(b, "\"200\":{\"description\":\"done before: nothing new is made\"");
        if (r->response) put_contents(b, r->response, reg);
        buf_str(b, "},");
    }
    buf_printf(b, "\"%d\":{\"description\":\"done\"", r->status && !away ? r->status : 200);
    if (r->response) put_contents(b, r->response, reg);
    buf_str(b, "},\"4XX\":{\"$ref\":\"#/components/responses/Problem\"},\"5XX\":{\"$ref\":\"#/components/responses/Problem\"}}}");
}

/* All methods of one path are one object: written where the path stands first. */
static bool path_is_first(size_t at, const char *path) {
    for (size_t i = 0; i < at; i++)
        if (!strcmp(route_at(i)->path, path)) return false;
    return true;
}

static void put_paths(struct buf *b, const struct catalog *c) {
    const struct route *r, *other;
    bool first = true;
    buf_str(b, "\"paths\":{");
    for (size_t i = 0; (r = route_at(i)); i++) {
        if (!path_is_first(i, r->path)) continue;
        size_t n = strstr(r->path, "{register}") ? c->n_registers : 1;
        for (size_t k = 0; k < n; k++) {
            const struct register_decl *reg = strstr(r->path, "{register}") ? &c->registers[k] : NULL;
            if (reg && strstr(r->path, "{state}") && !reg->n_states) continue;
            buf_str(b, first ? "\"" : ",\"");
            put_for(b, r->path, reg);
            buf_str(b, "\":{");
            bool one = true;
            for (size_t j = i; (other = route_at(j)); j++) {
                if (strcmp(other->path, r->path)) continue;
                if (!one) buf_char(b, ',');
                put_operation(b, other, reg);
                one = false;
            }
            buf_char(b, '}');
            first = false;
        }
    }
    buf_char(b, '}');
}

/* ---- schemas of registers */

static void put_codes(struct buf *b, const struct codelist *l) {
    if (l->n > 200) return;
    buf_str(b, ",\"enum\":[");
    for (size_t i = 0; i < l->n; i++) {
        if (i) buf_char(b, ',');
        json_put_string(b, l->codes[i].code);
    }
    buf_char(b, ']');
}

static void put_range(struct buf *b, const struct field *f, const char *low, const char *high) {
    if (f->has_min) buf_printf(b, ",\"%s\":%lld", low, (long long)f->min);
    if (f->has_max) buf_printf(b, ",\"%s\":%lld", high, (long long)f->max);
}

static void put_type(struct buf *b, const struct field *f, bool input) {
    switch (f->type) {
    case FIELD_INTEGER:
        buf_str(b, "{\"type\":\"integer\",\"format\":\"int64\"");
        put_range(b, f, "minimum", "maximum");
        break;
    case FIELD_REFERENCE:
        buf_str(b, "{\"type\":\"integer\",\"format\":\"int64\"");
        break;
    case FIELD_DECIMAL:
        buf_str(b, "{\"type\":\"number\"");
        break;
    case FIELD_BOOLEAN:
        buf_str(b, "{\"type\":\"boolean\"");
        break;
    case FIELD_DATE:
        buf_str(b, f->sealed ? "{\"type\":\"string\"" : "{\"type\":\"string\",\"format\":\"date\"");
        break;
    case FIELD_INSTANT:
        buf_str(b, f->sealed ? "{\"type\":\"string\"" : "{\"type\":\"string\",\"format\":\"date-time\"");
        break;
    case FIELD_CODE:
        if (f->multiple) buf_str(b, "{\"type\":\"array\",\"items\":");
        buf_str(b, "{\"type\":\"string\"");
        if (!input && f->codes && !f->sealed) put_codes(b, f->codes);
        if (f->multiple) buf_char(b, '}');
        break;
    case FIELD_TEXT:
        buf_str(b, "{\"type\":\"string\"");
        if (f->has_max && input) buf_printf(b, ",\"maxLength\":%lld", (long long)f->max);
        break;
    default:
        buf_str(b, "{\"type\":\"string\"");
        break;
    }
}

static void put_fields(struct buf *b, const struct register_decl *reg, bool input) {
    buf_str(b, "{\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        buf_printf(b, "%s\"%s\":", i ? "," : "", f->name.s);
        if (input) buf_str(b, "{\"anyOf\":[");
        put_type(b, f, input);
        if (input) buf_str(b, "},{\"type\":\"null\"}]");
        put_words(b, "description", f->en.s ? f->en.s : f->name.s, f->zh.s ? f->zh.s : "");
        if (f->sealed) buf_str(b, ",\"x-sealed\":true");
        buf_char(b, '}');
    }
    buf_str(b, "}}");
}

static void put_states(struct buf *b, const struct register_decl *reg) {
    buf_str(b, "\"state\":{\"type\":\"string\",\"enum\":[");
    for (size_t i = 0; i < reg->n_states; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", reg->states[i].name.s);
    buf_str(b, "]},");
}

static void put_register(struct buf *b, const struct register_decl *reg) {
    char name[NAME_BYTES];
    pascal(reg->name, name);
    buf_printf(b, ",\"%s\":{\"type\":\"object\",\"required\":[\"id\",\"register\",\"version\",\"region\",\"created_at\",\"changed_at\",\"fields\"]", name);
    put_words(b, "description", reg->en.s ? reg->en.s : name, reg->zh.s ? reg->zh.s : "");
    buf_printf(b, ",\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"register\":{\"const\":\"%s\"},\"version\":{\"type\":\"integer\"},", reg->name.s);
    if (reg->n_states) put_states(b, reg);
    if (reg->number_mask.n) buf_str(b, "\"number\":{\"type\":\"string\"},");
    buf_str(b, "\"region\":{\"type\":\"string\"},\"created_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"changed_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"fields\":");
    put_fields(b, reg, false);
    buf_printf(b, "}},\"%sCells\":", name);
    put_fields(b, reg, true);
    buf_printf(b, ",\"%sInput\":{\"type\":\"object\",\"properties\":{", name);
    if (reg->n_states) put_states(b, reg);
    buf_printf(b, "\"region\":{\"type\":\"string\"},\"outside_key\":{\"type\":\"string\"},\"fields\":{\"$ref\":\"#/components/schemas/%sCells\"}}}", name);
}

/* Whatever register it is of: its member "register" says which. */
static void put_any_record(struct buf *b, const struct catalog *c) {
    char name[NAME_BYTES];
    buf_str(b, ",\"AnyRecord\":{\"description\":\"a record of any register\",\"oneOf\":[");
    for (size_t i = 0; i < c->n_registers; i++) {
        pascal(c->registers[i].name, name);
        buf_printf(b, "%s{\"$ref\":\"#/components/schemas/%s\"}", i ? "," : "", name);
    }
    buf_str(b, "]}");
}

static bool is_body(const struct schema *s) {
    const struct route *r;
    for (size_t i = 0; (r = route_at(i)); i++)
        if ((r->body == BODY_JSON || r->body == BODY_JSON_MAYBE) && r->request && !strcmp(r->request, s->name)) return true;
    return false;
}

/* A schema of the table is used when a route names it, or another that is used refers to it; the linter knows. */
static void put_schemas(struct buf *b, const struct catalog *c) {
    const struct schema *s;
    buf_str(b, "\"schemas\":{\"Problem\":{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\",\"request_id\"],\"properties\":{"
               "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\","
               "\"enum\":[");
    const char *comma = "";
#define X(name, value, exit_code, http, en, zh)      \
    buf_printf(b, "%s\"%s\"", comma, #name);         \
    comma = ",";
    ERROR_MAP(X)
#undef X
    buf_str(b, "]},\"pointer\":{\"type\":\"string\",\"description\":\"JSON pointer into the request body\"},\"where\":{\"type\":\"string\"},"
               "\"instance\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"}}}");
    for (size_t i = 0; (s = schema_at(i)); i++) {
        bool each = strstr(s->name, "{Register}") != NULL, closed = is_body(s) && schema_is_closed(s);
        for (size_t k = 0; k < (each ? c->n_registers : 1); k++) {
            const struct register_decl *reg = each ? &c->registers[k] : NULL;
            buf_str(b, ",\"");
            put_for(b, s->name, reg);
            buf_str(b, "\":");
            if (closed) buf_str(b, "{\"additionalProperties\":false,");
            put_for(b, s->json + closed, reg);
        }
    }
    for (size_t i = 0; i < c->n_registers; i++) put_register(b, &c->registers[i]);
    put_any_record(b, c);
    buf_char(b, '}');
}

static const char head[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Tocsin 警钟\",\"version\":\"1.0.0\",\"summary\":\"The working system of an epidemic command centre.\","
    "\"description\":\"Facts come in, the policy in force says what they oblige, obligations are paid by facts. See docs/api.md.\","
    "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},\"servers\":[{\"url\":\"/\",\"description\":\"this node\"}],"
    "\"security\":[{\"token\":[]},{\"session\":[]}],\"tags\":["
    "{\"name\":\"records\",\"description\":\"Facts, register by register. 记录\"},{\"name\":\"obligations\",\"description\":\"What is owed. 待办\"},"
    "{\"name\":\"policies\",\"description\":\"Plans and their adoption. 方案\"},{\"name\":\"reports\",\"description\":\"The report of a day. 日报\"},"
    "{\"name\":\"persons\",\"description\":\"People across registers. 人员\"},{\"name\":\"files\",\"description\":\"Import, export, long work. 导入导出\"},"
    "{\"name\":\"events\",\"description\":\"What just happened. 事件\"},{\"name\":\"accounts\",\"description\":\"Signing in. 登录\"},"
    "{\"name\":\"audit\",\"description\":\"Who did what. 审计\"},{\"name\":\"public\",\"description\":\"For everybody. 公开\"},"
    "{\"name\":\"server\",\"description\":\"The server itself. 服务\"}],";

static const char parameters[] =
    "\"parameters\":{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"schema\":{\"type\":\"string\",\"maxLength\":200},"
    "\"description\":\"The client's own key: the same request sent again gets the first answer, for seven days.\"},"
    "\"IfMatch\":{\"name\":\"If-Match\",\"in\":\"header\",\"schema\":{\"type\":\"string\"},\"description\":\"ETag the change was made from; 412 when somebody was faster.\"},"
    "\"Purpose\":{\"name\":\"Tocsin-Purpose\",\"in\":\"header\",\"schema\":{\"type\":\"string\",\"maxLength\":1000},"
    "\"description\":\"Why sealed fields are opened; journalled. Percent-encoded UTF-8.\"},"
    "\"Reason\":{\"name\":\"Tocsin-Reason\",\"in\":\"header\",\"schema\":{\"type\":\"string\",\"maxLength\":1000},\"description\":\"Why it is done; journalled. Percent-encoded UTF-8.\"},"
    "\"Language\":{\"name\":\"Accept-Language\",\"in\":\"header\",\"schema\":{\"type\":\"string\"},\"description\":\"zh or en; Chinese without it.\"}},"
    "\"responses\":{\"Problem\":{\"description\":\"what went wrong (RFC 9457)\",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},"
    "\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"tocsin_session\",\"description\":\"Over TLS __Host-tocsin_session. A write brings the csrf of the session in Tocsin-CSRF besides.\"}}";

int openapi_write(const struct catalog *c, struct buf *out, struct error *err) {
    buf_str(out, head);
    put_paths(out, c);
    buf_str(out, ",\"components\":{");
    put_schemas(out, c);
    buf_char(out, ',');
    buf_str(out, parameters);
    buf_str(out, "}}\n");
    return out->failed ? error_set(err, out->failed, NULL, "the document is too large") : 0;
}

/* ---- docs/api-routes.md */

void routes_markdown(struct buf *out) {
    static const char *const headers[] = {"Idempotency-Key", "If-Match", "Tocsin-Purpose", "Tocsin-Reason"};
    const struct route *r;
    buf_str(out, "# Routes of the HTTP API 接口一览\n\nWritten by `make docs` from the table of routes; a test fails when it is out of date. The same table makes "
                 "`GET /api/openapi.json`.\n\n| method and path | who | what it does | 用途 | query, headers |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; (r = route_at(i)); i++) {
        buf_printf(out, "| `%s %s` | %s | %s | %s | ", r->method, r->path, r->who == WHO_PUBLIC ? "anybody" : r->roles ? r->roles : "signed in", r->en, r->zh);
        const char *comma = "";
        for (const struct route_query *q = r->query; q->name; q++, comma = ", ") buf_printf(out, "%s`%s`", comma, q->name);
        for (unsigned k = 0; k < 4; k++)
            if (r->headers >> k & 1) {
                buf_printf(out, "%s%s", comma, headers[k]);
                comma = ", ";
            }
        buf_str(out, " |\n");
    }
}

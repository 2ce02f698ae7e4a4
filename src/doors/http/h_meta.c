/* What this server is: its OpenAPI document, its registers and code lists for whoever builds a form. */
#include <string.h>

#include "desks/list/list.h"
#include "doors/http/inside.h"

static int openapi(struct request *r, struct error *err) {
    (void)err;
    answer_header(r, "Cache-Control", "public, max-age=300");
    return answer_text(r, 200, "application/json", buf_view(&r->server->openapi));
}

enum { SORTS_MAX = 64 };

static const char *const type_names[FIELD_TYPES] = {[FIELD_TEXT] = "text",       [FIELD_CODE] = "code",         [FIELD_INTEGER] = "integer", [FIELD_DECIMAL] = "decimal",
                                                    [FIELD_BOOLEAN] = "boolean", [FIELD_DATE] = "date",         [FIELD_INSTANT] = "instant", [FIELD_DURATION] = "duration",
                                                    [FIELD_REGION] = "region",   [FIELD_POINT] = "point",       [FIELD_REFERENCE] = "reference"};

static void put_title(struct buf *b, struct text zh, struct text en) {
    buf_str(b, ",\"zh\":");
    json_put_string(b, zh);
    buf_str(b, ",\"en\":");
    json_put_string(b, en);
}

/* What helps to fill it in: a line of help, the check at the field, the headers that mean it in a list. */
static void put_help(struct buf *b, const struct field *f) {
    static const char *const checks[] = {[CHECK_DOCUMENT] = "document", [CHECK_ID_CARD] = "id-card", [CHECK_UNIT_CODE] = "unit-code", [CHECK_PHONE] = "phone"};
    if (f->indexed) buf_str(b, ",\"indexed\":true");
    if (f->check && checks[f->check]) buf_printf(b, ",\"check\":\"%s\"", checks[f->check]);
    if (f->copy_reference >= 0 || value_given(f->fallback)) buf_str(b, ",\"filled\":true"); /* by itself, when nothing is given */
    if (f->note_zh.n) {
        buf_str(b, ",\"note_zh\":");
        json_put_string(b, f->note_zh);
        buf_str(b, ",\"note_en\":");
        json_put_string(b, f->note_en);
    }
    for (size_t i = 0; i < f->n_synonyms; i++) {
        buf_str(b, i ? "," : ",\"synonyms\":[");
        json_put_string(b, f->synonyms[i]);
    }
    if (f->n_synonyms) buf_char(b, ']');
}

static void put_word(struct buf *b, const char *name, struct text t) {
    if (!t.n) return;
    buf_printf(b, ",\"%s\":", name);
    json_put_string(b, t);
}

/* Which of its codes remain where another field says something. */
static void put_narrowed(struct buf *b, const struct register_decl *reg, int field) {
    bool any = false;
    for (size_t i = 0; i < reg->n_checks; i++) {
        const struct rule_check *c = &reg->checks[i];
        if (!c->n_among || c->field != field) continue;
        buf_printf(b, "%s{\"when\":\"%s\",\"is\":", any ? "," : ",\"narrowed\":[", reg->fields[c->when].name.s);
        json_put_string(b, c->is);
        for (size_t k = 0; k < c->n_among; k++) {
            buf_str(b, k ? "," : ",\"among\":[");
            json_put_string(b, c->among[k]);
        }
        buf_str(b, "]}");
        any = true;
    }
    if (any) buf_char(b, ']');
}

static void put_field(struct buf *b, const struct register_decl *reg, size_t i) {
    const struct field *f = &reg->fields[i];
    buf_str(b, "{\"name\":");
    json_put_string(b, f->name);
    put_title(b, f->zh, f->en);
    buf_printf(b, ",\"type\":\"%s\",\"required\":%s,\"sealed\":%s", type_names[f->type], f->required ? "true" : "false", f->sealed ? "true" : "false");
    if (f->multiple) buf_str(b, ",\"multiple\":true");
    if (f->type == FIELD_DECIMAL) buf_printf(b, ",\"scale\":%d", f->scale);
    if (f->has_min) buf_printf(b, ",\"min\":%lld", (long long)f->min);
    if (f->has_max) buf_printf(b, ",\"max\":%lld", (long long)f->max);
    if (f->codes) {
        buf_str(b, ",\"codes\":");
        json_put_string(b, f->codes->name);
    }
    put_word(b, "target", f->target);
    put_word(b, "unit", f->unit);
    put_word(b, "standard", f->standard);
    put_help(b, f);
    put_narrowed(b, reg, (int)i);
    buf_char(b, '}');
}

/* With a purpose, which is asked for when it is done. */
static bool may_open(const struct request *r, const struct register_decl *reg) {
    struct session s = r->session;
    bool sealed = false;
    s.purpose = TEXT("-");
    for (size_t i = 0; i < reg->n_fields; i++) sealed = sealed || reg->fields[i].sealed;
    return sealed && access_anywhere(&s, ACCESS_OPEN, reg);
}

static bool may_move(const struct request *r, const struct register_decl *reg, const struct move *m) {
    if (!access_anywhere(&r->session, ACCESS_WRITE, reg)) return false;
    bool any = !m->n_roles;
    for (size_t i = 0; i < r->session.n_grants && !any; i++)
        any = text_is(r->session.grants[i].role, "root") || role_among(m->roles, m->n_roles, r->session.grants[i].role);
    return any;
}

static const char *yes(bool b) {
    return b ? "true" : "false";
}

static void put_roles(struct buf *b, const char *name, const struct text *roles, size_t n) {
    buf_printf(b, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(b, ',');
        json_put_string(b, roles[i]);
    }
    buf_char(b, ']');
}

static void put_head(struct buf *b, const struct request *r, const struct register_decl *reg) {
    buf_str(b, "{\"name\":");
    json_put_string(b, reg->name);
    put_title(b, reg->zh, reg->en);
    buf_str(b, ",\"desk\":");
    json_put_string(b, reg->desk);
    buf_printf(b, ",\"may\":{\"read\":%s,\"write\":%s,\"open\":%s}", yes(access_anywhere(&r->session, ACCESS_READ, reg)), yes(access_anywhere(&r->session, ACCESS_WRITE, reg)),
               yes(may_open(r, reg)));
    put_roles(b, "readers", reg->readers, reg->n_readers);
    put_roles(b, "writers", reg->writers, reg->n_writers);
    put_roles(b, "openers", reg->openers, reg->n_openers);
}

static int list(struct request *r, struct error *err) {
    const struct catalog *c = http_catalog(r->server);
    struct buf *b = answer_open(r, 200);
    (void)err;
    buf_str(b, "{\"registers\":[");
    for (size_t i = 0; i < c->n_registers; i++) {
        if (i) buf_char(b, ',');
        put_head(b, r, &c->registers[i]);
        buf_char(b, '}');
    }
    return buf_str(b, "]}");
}

static int show(struct request *r, struct error *err) {
    const struct register_decl *reg = NULL;
    int rc = request_register(r, &reg, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    put_head(b, r, reg);
    buf_str(b, ",\"fields\":[");
    for (size_t i = 0; i < reg->n_fields; i++) {
        if (i) buf_char(b, ',');
        put_field(b, reg, i);
    }
    buf_str(b, "],\"states\":[");
    for (size_t i = 0; i < reg->n_states; i++) {
        const struct state *s = &reg->states[i];
        buf_printf(b, "%s{\"name\":\"%s\",\"initial\":%s,\"final\":%s", i ? "," : "", s->name.s, s->initial ? "true" : "false", s->final ? "true" : "false");
        put_title(b, s->zh, s->en);
        buf_char(b, '}');
    }
    buf_str(b, "],\"moves\":[");
    for (size_t i = 0; i < reg->n_moves; i++) {
        const struct move *m = &reg->moves[i];
        buf_printf(b, "%s{\"from\":", i ? "," : "");
        json_put_string(b, m->from < 0 ? TEXT("*") : reg->states[m->from].name);
        buf_str(b, ",\"to\":");
        json_put_string(b, reg->states[m->to].name);
        buf_printf(b, ",\"may\":%s}", yes(may_move(r, reg, m)));
    }
    const char *sorts[SORTS_MAX];
    size_t n = list_sorts(reg, sorts, SORTS_MAX);
    buf_str(b, "],\"sorts\":[");
    for (size_t i = 0; i < n; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", sorts[i]);
    buf_str(b, "],\"key\":[");
    for (size_t i = 0; i < reg->n_key; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", reg->fields[reg->key[i]].name.s);
    buf_char(b, ']');
    if (reg->person_field >= 0) put_word(b, "person", reg->fields[reg->person_field].name);
    if (reg->date_field >= 0) put_word(b, "date", reg->fields[reg->date_field].name);
    put_word(b, "number", reg->number_mask);
    put_word(b, "standard", reg->standard);
    return buf_char(b, '}');
}

static int codes(struct request *r, struct error *err) {
    const struct codelist *l = codelist_find(http_catalog(r->server), request_param(r, "list"));
    if (!l) return error_set(err, E_UNKNOWN, "list", "there is no such code list / 没有该代码表");
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"name\":");
    json_put_string(b, l->name);
    put_title(b, l->zh, l->en);
    buf_str(b, ",\"codes\":[");
    for (size_t i = 0; i < l->n; i++) {
        buf_str(b, i ? ",{\"code\":" : "{\"code\":");
        json_put_string(b, l->codes[i].code);
        put_title(b, l->codes[i].zh, l->codes[i].en);
        buf_char(b, '}');
    }
    return buf_str(b, "]}");
}

#define TITLES "\"zh\":{\"type\":\"string\"},\"en\":{\"type\":\"string\"}"
#define ROLES(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define HEAD "\"name\":{\"type\":\"string\"}," TITLES ",\"desk\":{\"type\":\"string\"},\"may\":{\"type\":\"object\",\"properties\":{\"read\":{\"type\":\"boolean\"},\"write\":{\"type\":\"boolean\"},\"open\":{\"type\":\"boolean\"}}}," ROLES("readers") "," ROLES("writers") "," ROLES("openers")

const struct schema meta_schemas[] = {
    {"OpenApi", "{\"type\":\"object\",\"description\":\"An OpenAPI 3.1 document\"}"},
    {"Registers", "{\"type\":\"object\",\"required\":[\"registers\"],\"properties\":{\"registers\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{" HEAD "}}}}}"},
    {"RegisterDeclaration",
     "{\"type\":\"object\",\"required\":[\"name\",\"fields\",\"states\",\"moves\"],\"properties\":{" HEAD ",\"fields\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":["
     "\"name\",\"type\"],\"properties\":{\"name\":{\"type\":\"string\"}," TITLES ",\"type\":{\"type\":\"string\"},\"required\":{\"type\":\"boolean\"},\"sealed\":{\"type\":\"boolean\"},"
     "\"multiple\":{\"type\":\"boolean\"},\"scale\":{\"type\":\"integer\"},\"min\":{\"type\":\"integer\"},\"max\":{\"type\":\"integer\"},\"codes\":{\"type\":\"string\"},"
     "\"target\":{\"type\":\"string\"},\"unit\":{\"type\":\"string\"},\"standard\":{\"type\":\"string\"},\"indexed\":{\"type\":\"boolean\"},\"filled\":{\"type\":\"boolean\"},"
     "\"check\":{\"type\":\"string\"},\"note_zh\":{\"type\":\"string\"},\"note_en\":{\"type\":\"string\"},\"synonyms\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
     "\"narrowed\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"when\",\"is\",\"among\"],\"properties\":{\"when\":{\"type\":\"string\"},\"is\":{\"type\":\"string\"},\"among\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}}},\"states\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{"
     "\"name\":{\"type\":\"string\"}," TITLES ",\"initial\":{\"type\":\"boolean\"},\"final\":{\"type\":\"boolean\"}}}},\"moves\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"from\":{\"type\":\"string\"},\"to\":{\"type\":\"string\"},\"may\":{\"type\":\"boolean\"}}}},"
     "\"sorts\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"key\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"person\":{\"type\":\"string\"},"
     "\"date\":{\"type\":\"string\"},\"number\":{\"type\":\"string\"},\"standard\":{\"type\":\"string\"}}}"},
    {"Codes", "{\"type\":\"object\",\"required\":[\"name\",\"codes\"],\"properties\":{\"name\":{\"type\":\"string\"}," TITLES ",\"codes\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
              "\"required\":[\"code\"],\"properties\":{\"code\":{\"type\":\"string\"}," TITLES "}}}}}"},
    {0},
};

const struct route meta_routes[] = {
    {.method = "GET", .path = "/api/openapi.json", .who = WHO_PUBLIC, .run = openapi, .response = "OpenApi", .zh = "本接口的 OpenAPI 文档", .en = "This API as an OpenAPI document."},
    {.method = "GET", .path = "/api/v1/registers", .who = WHO_ACCOUNT, .run = list, .response = "Registers", .zh = "全部登记册及本人权限", .en = "All registers, and what one may do there."},
    {.method = "GET", .path = "/api/v1/registers/{register}", .who = WHO_ACCOUNT, .run = show, .response = "RegisterDeclaration", .zh = "登记册的声明:字段、状态、可用排序及本人权限",
     .en = "A register as declared: fields, states, moves, the orders its list has, and what one may do."},
    {.method = "GET", .path = "/api/v1/codes/{list}", .who = WHO_ACCOUNT, .run = codes, .response = "Codes", .zh = "代码表", .en = "A code list."},
    {0},
};

/* Records as JSON text, written straight into the answer; and JSON bodies into drafts. */
#include "doors/http/represent.h"

#include <string.h>

int represent_cell(struct buf *b, const struct field *f, struct value v, int32_t zone_s) {
    struct buf text = {0};
    struct text t = value_view(v);
    if (!value_given(v)) return buf_str(b, "null");
    if (f->sealed && v.kind == VALUE_BLOB) return buf_str(b, "\"" REPRESENT_MASK "\"");
    switch (f->type) {
    case FIELD_INTEGER:
    case FIELD_REFERENCE:
        return buf_int(b, v.i);
    case FIELD_BOOLEAN:
        return buf_str(b, v.i ? "true" : "false");
    case FIELD_CODE:
        if (!f->multiple) return json_put_string(b, t);
        buf_char(b, '[');
        for (bool first = true; t.n; first = false) {
            const char *end = memchr(t.s, ';', t.n);
            size_t n = end ? (size_t)(end - t.s) : t.n;
            if (!first) buf_char(b, ',');
            json_put_string(b, (struct text){t.s, n});
            t.s += end ? n + 1 : n;
            t.n -= end ? n + 1 : n;
        }
        return buf_char(b, ']');
    case FIELD_TEXT:
    case FIELD_REGION:
    case FIELD_POINT:
        return json_put_string(b, t);
    default:
        break;
    }
    int rc = field_format(f, v, zone_s, &text);
    if (rc >= 0) rc = f->type == FIELD_DECIMAL ? buf_text(b, buf_view(&text)) : json_put_string(b, buf_view(&text));
    if (text.failed) b->failed = text.failed; /* or the cell would be missing */
    buf_clear(&text);
    return rc;
}

static void put(struct buf *b, const char *name, struct text t) {
    buf_str(b, name);
    json_put_string(b, t);
}

int represent_record(struct buf *b, const struct record *r, int32_t zone_s, const unsigned char *fields) {
    const struct register_decl *reg = r->reg;
    bool first = true;
    buf_str(b, "{\"id\":");
    buf_int(b, r->id);
    put(b, ",\"register\":", reg->name);
    buf_str(b, ",\"version\":");
    buf_int(b, r->version);
    if (reg->n_states) put(b, ",\"state\":", r->state);
    if (reg->number_mask.n) put(b, ",\"number\":", r->number);
    put(b, ",\"region\":", r->region);
    buf_str(b, ",\"created_at\":");
    json_put_instant(b, r->created_at, zone_s);
    buf_str(b, ",\"changed_at\":");
    json_put_instant(b, r->changed_at, zone_s);
    buf_str(b, ",\"fields\":{");
    for (size_t i = 0; i < reg->n_fields; i++) {
        if (!value_given(r->values[i]) || (fields && !(fields[i / 8] >> (i % 8) & 1))) continue;
        buf_str(b, first ? "\"" : ",\"");
        first = false;
        buf_text(b, reg->fields[i].name);
        buf_str(b, "\":");
        int rc = represent_cell(b, &reg->fields[i], r->values[i], zone_s);
        if (rc < 0) return rc;
    }
    return buf_str(b, "}}");
}

/* ---- bodies */

/* A JSON scalar as the text that field_parse reads. */
static int scalar(struct request *r, const json_t *j, struct text *ret) {
    char number[40];
    switch (json_typeof(j)) {
    case JSON_STRING:
        *ret = (struct text){json_string_value(j), json_string_length(j)};
        return 1;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(j));
        break;
    case JSON_REAL:
        snprintf(number, sizeof number, "%.15g", json_real_value(j));
        break;
    case JSON_TRUE:
        *ret = TEXT("true");
        return 1;
    case JSON_FALSE:
        *ret = TEXT("false");
        return 1;
    default:
        return 0;
    }
    *ret = arena_text(&r->arena, text_of(number));
    return ret->s ? 1 : E_MEMORY;
}

static int codes(struct request *r, const json_t *j, struct text *ret) {
    struct buf joined = {.max = 64 << 10};
    size_t i;
    json_t *one;
    int rc = 1;
    json_array_foreach(j, i, one) {
        if (!json_is_string(one)) rc = 0;
        if (i) buf_char(&joined, ';');
        if (rc > 0) buf_add(&joined, json_string_value(one), json_string_length(one));
    }
    if (joined.failed) rc = joined.failed;
    if (rc > 0) *ret = arena_text(&r->arena, buf_view(&joined));
    buf_clear(&joined);
    return rc > 0 && !ret->s ? E_MEMORY : rc;
}

static int cell(struct request *r, struct draft *d, const char *name, const json_t *j, const char *where, struct error *err) {
    int i = register_field(d->reg, text_of(name));
    if (i < 0) return error_set(err, E_UNKNOWN, where, "the register has no such field / 登记册没有此字段");
    const struct field *f = &d->reg->fields[i];
    struct text input = {"", 0};
    if (json_is_null(j)) return d->values[i] = value_null(), 0;
    int rc = json_is_array(j) && f->multiple ? codes(r, j, &input) : scalar(r, j, &input);
    if (rc < 0) return error_set(err, rc, NULL, "out of memory");
    if (!rc) return error_set(err, E_SYNTAX, where, "neither a text nor a number / 既不是文本也不是数字");
    if (f->sealed && text_is(input, REPRESENT_MASK)) return error_set(err, E_INVALID, where, "is masked; leave it out or give the value / 为掩码,请省略或填写原值");
    struct error why = {0};
    rc = field_parse(f, input, http_zone(r->server), &r->arena, &d->values[i], &why);
    return rc < 0 ? error_set(err, rc, where, "%s", why.message) : 0;
}

static int words(struct request *r, const json_t *j, const char *name, const char *at, struct text *ret, struct error *err) {
    const json_t *t = json_object_get(j, name);
    char where[ERROR_WHERE_MAX];
    if (!t || json_is_null(t)) return 0;
    snprintf(where, sizeof where, "%s/%s", at, name);
    if (!json_is_string(t)) return error_set(err, E_SYNTAX, where, "must be a string / 应为字符串");
    *ret = arena_text(&r->arena, (struct text){json_string_value(t), json_string_length(t)});
    return ret->s ? 0 : error_memory(err);
}

int represent_draft(struct request *r, const json_t *j, const char *at, struct draft *d, struct error *err) {
    static const char *const known[] = {"fields", "state", "region", "outside_key", "id", "version"};
    enum { OF_ROWS = 2 }; /* the last ones: a single record is named by its path, and guarded by If-Match */
    char where[ERROR_WHERE_MAX];
    const char *name;
    json_t *value;
    struct text region = {0};
    if (!json_is_object(j)) return error_set(err, E_SYNTAX, at[0] ? at : "body", "must be an object / 应为对象");
    d->asked = true;
    json_object_foreach((json_t *)j, name, value) {
        bool is = false;
        for (size_t i = 0; i < sizeof known / sizeof *known - (at[0] ? 0 : OF_ROWS) && !is; i++) is = !strcmp(name, known[i]);
        snprintf(where, sizeof where, "%s/%.100s", at, name);
        if (!is && (!strcmp(name, "id") || !strcmp(name, "version")))
            return error_set(err, E_UNKNOWN, where, "a single record is named by its path, its version by If-Match / 单条记录由路径指明,版本由 If-Match 给出");
        if (!is) return error_set(err, E_UNKNOWN, where, "is no member of a record; cells go into \"fields\" / 不是记录的成员,字段请放入 fields");
    }
    int rc = words(r, j, "state", at, &d->state, err);
    if (!rc) rc = words(r, j, "region", at, &region, err);
    if (!rc) rc = words(r, j, "outside_key", at, &d->outside_key, err);
    if (rc < 0) return rc;
    if (region.n) {
        char code[REGION_MAX + 1];
        snprintf(where, sizeof where, "%s/region", at);
        if (!region_canonical(region, code)) return error_set(err, E_INVALID, where, "is no region code / 不是行政区划代码");
        d->region = arena_text(&r->arena, text_of(code));
        if (!d->region.s) return error_memory(err);
    }
    const json_t *fields = json_object_get(j, "fields");
    snprintf(where, sizeof where, "%s/fields", at);
    if (fields && !json_is_object(fields)) return error_set(err, E_SYNTAX, where, "must be an object / 应为对象");
    json_object_foreach((json_t *)fields, name, value) {
        snprintf(where, sizeof where, "%s/fields/%.80s", at, name);
        rc = cell(r, d, name, value, where, err);
        if (rc < 0) return rc;
    }
    return 0;
}

/* ---- duties */

const char *represent_party(int owner_kind) {
    static const char *const names[] = {[OWNER_NONE] = "none", [OWNER_REGION] = "region", [OWNER_DEPARTMENT] = "department", [OWNER_UNIT] = "unit", [OWNER_PERSON] = "person"};
    return owner_kind >= 0 && owner_kind <= OWNER_PERSON ? names[owner_kind] : "none";
}

int represent_duty(struct buf *b, const struct obligation *o, const struct duty_rule *rule, struct export_names *names, const struct request *r, int32_t zone_s,
                   struct error *err) {
    struct text number, owner = {"", 0};
    bool open = text_is(o->state, "open");
    int rc = export_name(names, o->reg, o->record, &number, err);
    if (!rc && o->owner) rc = export_name(names, o->owner_kind == OWNER_PERSON ? TEXT("account") : TEXT("organisation"), o->owner, &owner, err);
    if (rc < 0) return rc;
    buf_str(b, "{\"rule\":");
    json_put_string(b, o->rule);
    json_put_text(b, "title", rule ? (r->zh ? rule->zh : rule->en) : o->rule);
    json_put_text(b, "desk", o->desk);
    json_put_text(b, "register", o->reg);
    buf_printf(b, ",\"record\":%lld", (long long)o->record);
    json_put_text(b, "number", number);
    json_put_text(b, "region", o->region);
    json_put_moment(b, "due_at", o->duty.due_at, zone_s);
    buf_printf(b, ",\"adoption\":%lld,\"handed\":%s,\"overdue\":%s,\"level\":%d,\"owner\":{\"kind\":\"%s\"", (long long)o->pack,
               o->owner_step == OWNER_STEP_HANDED ? "true" : "false", open && o->duty.due_at != INSTANT_NONE && o->duty.due_at < r->now ? "true" : "false", o->duty.level,
               represent_party(o->owner_kind));
    if (o->owner) {
        buf_printf(b, ",\"id\":%lld", (long long)o->owner);
        json_put_text(b, "title", owner);
    }
    if (o->owner_region.n) json_put_text(b, "region", o->owner_region);
    const struct owner_rule *by = owner_found_by(o, rule);
    if (by) {
        buf_printf(b, ",\"by\":{\"kind\":\"%s\"", represent_party(by->kind));
        if (by->department.n) json_put_text(b, "department", by->department);
        if (by->field >= 0) json_put_text(b, "field", rule->on->fields[by->field].name);
        buf_char(b, '}');
    }
    return buf_char(b, '}') < 0 ? b->failed : 0;
}

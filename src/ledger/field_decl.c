#include <string.h>

#include "ledger/catalog.h"

/* The language's words for types, checks and blind indexes; docs/registers.md lists the same. */
const char *const register_type_names[FIELD_TYPES + 1] = {
    [FIELD_TEXT] = "text",       [FIELD_CODE] = "code",           [FIELD_INTEGER] = "integer",
    [FIELD_DECIMAL] = "decimal", [FIELD_BOOLEAN] = "boolean",     [FIELD_DATE] = "date",
    [FIELD_INSTANT] = "instant", [FIELD_DURATION] = "duration",   [FIELD_REGION] = "region",
    [FIELD_POINT] = "point",     [FIELD_REFERENCE] = "reference",
};
static const char *const check_names[] = {
    [CHECK_NONE] = "none",           [CHECK_DOCUMENT] = "document", [CHECK_ID_CARD] = "id-card",
    [CHECK_UNIT_CODE] = "unit-code", [CHECK_PHONE] = "phone",
};
static const char *const blind_names[] = {
    [BLIND_NONE] = "none",
    [BLIND_DOCUMENT] = "document",
    [BLIND_PHONE] = "phone",
    [BLIND_NAME] = "name",
    [BLIND_ADDRESS] = "address",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Columns every table has, and words that mean something else in a condition (ledger/expr.h). */
static bool name_reserved(struct text t) {
    static const char *const words[] = {
        "region", "id",    "version", "state", "number", "key",     "created_at", "changed_at",
        "import", "entry", "now",     "today", "and",    "or",      "not",        "is",
        "null",   "in",    "true",    "like",  "false",  "between", "rowid",      "oid",
        "ctid",   "xmin",  "xmax",    "cmin",  "cmax",   "tableoid"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (text_is(t, words[i])) return true;
    return false;
}

/* Index of the word at `key` among names; *ret stays when the key is absent. */
static int declare_choice(const struct yaml *node, const char *key, const char *const *names, size_t n,
                          int *ret, struct error *err) {
    struct text t = {NULL, 0};
    int rc = declare_text(node, key, false, &t, err);
    if (rc || !t.s) return rc;
    for (size_t i = 0; i < n; i++)
        if (text_is(t, names[i])) {
            *ret = (int)i;
            return 0;
        }
    return yaml_error(yaml_get(node, key), err, E_UNKNOWN, "%s %s is not known", key, t.s);
}

static int declare_names(const struct yaml *node, struct field *f, struct error *err) {
    int rc = declare_text(node, "name", true, &f->name, err);
    if (!rc && !name_valid(f->name))
        rc = yaml_error(yaml_get(node, "name"), err, E_INVALID,
                        "a field's name is [a-z][a-z0-9_]*, at most %d characters", NAME_MAX_CHARS);
    if (!rc && name_reserved(f->name))
        rc = yaml_error(yaml_get(node, "name"), err, E_INVALID,
                        "%s is reserved: every record has it, or conditions use the word", f->name.s);
    if (!rc) rc = declare_text(node, "zh", true, &f->zh, err);
    if (!rc) rc = declare_text(node, "en", true, &f->en, err);
    if (!rc) rc = declare_text(node, "note_zh", false, &f->note_zh, err);
    if (!rc) rc = declare_text(node, "note_en", false, &f->note_en, err);
    if (!rc) rc = declare_text(node, "standard", false, &f->standard, err);
    if (!rc) rc = declare_text(node, "unit", false, &f->unit, err);
    return rc;
}

/* Keys that only one type has: refused elsewhere, for they would do nothing. */
static int declare_typed(struct catalog *c, const struct yaml *node, struct field *f, struct error *err) {
    static const struct {
        const char *key;
        enum field_type type;
    } only[] = {{"codes", FIELD_CODE},    {"multiple", FIELD_CODE}, {"target", FIELD_REFERENCE},
                {"scale", FIELD_DECIMAL}, {"check", FIELD_TEXT},    {"blind", FIELD_TEXT}};
    for (size_t i = 0; i < COUNT(only); i++) {
        const struct yaml *at = yaml_get(node, only[i].key);
        if (at && f->type != only[i].type)
            return yaml_error(at, err, E_INVALID, "%s belongs to type %s only", only[i].key,
                              register_type_names[only[i].type]);
    }
    int rc = 0, check = CHECK_NONE, blind = BLIND_NONE;
    int64_t scale = f->type == FIELD_DECIMAL ? 2 : 0;
    if (f->type == FIELD_CODE) {
        struct text list = {0};
        rc = declare_text(node, "codes", true, &list, err);
        if (!rc && !(f->codes = codelist_find(c, list)))
            rc = yaml_error(yaml_get(node, "codes"), err, E_UNKNOWN, "code list %s is not declared", list.s);
    }
    if (!rc && f->type == FIELD_REFERENCE) rc = declare_text(node, "target", true, &f->target, err);
    if (!rc) rc = yaml_bool(node, "multiple", false, &f->multiple, err);
    if (!rc) rc = yaml_int(node, "scale", false, &scale, err);
    if (!rc && (scale < 0 || scale > 6))
        rc = yaml_error(yaml_get(node, "scale"), err, E_INVALID, "scale is 0 to 6");
    if (!rc) rc = declare_choice(node, "check", check_names, COUNT(check_names), &check, err);
    if (!rc) rc = declare_choice(node, "blind", blind_names, COUNT(blind_names), &blind, err);
    f->scale = (int)scale;
    f->check = (enum field_check)check;
    f->blind = (enum field_blind)blind;
    return rc;
}

static int declare_flags(const struct yaml *node, struct field *f, struct error *err) {
    int rc = yaml_bool(node, "required", false, &f->required, err);
    if (!rc) rc = yaml_bool(node, "sealed", false, &f->sealed, err);
    if (!rc) rc = yaml_bool(node, "indexed", false, &f->indexed, err);
    if (!rc) rc = yaml_bool(node, "fixed", false, &f->fixed, err);
    if (!rc) rc = yaml_bool(node, "other_person", false, &f->other_person, err);
    if (!rc && f->other_person && f->type != FIELD_REFERENCE)
        rc = yaml_error(yaml_get(node, "other_person"), err, E_INVALID, "other_person belongs to type %s only / other_person 只用于类型 %s", register_type_names[FIELD_REFERENCE], register_type_names[FIELD_REFERENCE]);
    if (!rc && f->fixed && f->sealed)
        rc = yaml_error(yaml_get(node, "fixed"), err, E_INVALID, "a sealed field is not fixed / 加密字段不能固定");
    if (!rc && f->sealed && f->type != FIELD_TEXT)
        rc = yaml_error(yaml_get(node, "sealed"), err, E_INVALID, "only text is sealed");
    if (!rc && f->sealed && f->indexed)
        rc = yaml_error(yaml_get(node, "indexed"), err, E_INVALID,
                        "a sealed field cannot be indexed; give it a blind index");
    if (!rc && f->blind != BLIND_NONE && !f->sealed)
        rc = yaml_error(yaml_get(node, "blind"), err, E_INVALID, "a blind index is for sealed fields");
    return rc;
}

/* A bound or default is written as the field itself is written in a file. */
int declare_value(struct catalog *c, const struct yaml *node, const char *key, const struct field *f, struct value *ret, struct error *err) {
    struct text t = {NULL, 0};
    int rc = declare_text(node, key, false, &t, err);
    if (rc || !t.s) return rc;
    struct field bare = *f;
    bare.has_min = bare.has_max = false;
    struct error why = {0};
    rc = field_parse(&bare, t, ZONE_CHINA_S, &c->arena, ret, &why);
    if (!rc && ret->kind == VALUE_NULL) rc = why.code = E_INVALID;
    return rc ? yaml_error(yaml_get(node, key), err, why.code, "%s of field %s: %s", key, f->name.s,
                           why.message)
              : 0;
}

static int declare_bounds(struct catalog *c, const struct yaml *node, struct field *f, struct error *err) {
    const struct yaml *min = yaml_get(node, "min"), *max = yaml_get(node, "max");
    if (f->type == FIELD_TEXT) {
        f->has_max = true;
        f->max = TEXT_DEFAULT_MAX;
        if (min) return yaml_error(min, err, E_INVALID, "text has no min");
        int rc = yaml_int(node, "max", false, &f->max, err);
        if (!rc && (f->max < 1 || f->max > TEXT_LARGEST_MAX))
            rc = yaml_error(max, err, E_INVALID, "max of a text is 1 to %d characters", TEXT_LARGEST_MAX);
        return rc;
    }
    bool ordered = f->type == FIELD_INTEGER || f->type == FIELD_DECIMAL || f->type == FIELD_DATE ||
                   f->type == FIELD_INSTANT || f->type == FIELD_DURATION;
    if ((min || max) && !ordered)
        return yaml_error(min ? min : max, err, E_INVALID, "type %s has no min or max",
                          register_type_names[f->type]);
    struct value low = {0}, high = {0};
    int rc = declare_value(c, node, "min", f, &low, err);
    if (!rc) rc = declare_value(c, node, "max", f, &high, err);
    if (rc) return rc;
    f->has_min = low.kind == VALUE_INT;
    f->has_max = high.kind == VALUE_INT;
    if (f->has_min) f->min = low.i;
    if (f->has_max) f->max = high.i;
    if (f->has_min && f->has_max && f->min > f->max)
        rc = yaml_error(min, err, E_INVALID, "min is greater than max");
    return rc;
}

static int declare_default(struct catalog *c, const struct yaml *node, struct field *f, struct error *err) {
    const struct yaml *at = yaml_get(node, "default");
    if (!at) return 0;
    if (f->sealed || f->type == FIELD_REFERENCE)
        return yaml_error(at, err, E_INVALID, "a sealed field or a reference has no default");
    if (yaml_get(node, "copy")) return yaml_error(at, err, E_INVALID, "either default or copy, not both");
    int rc = declare_value(c, node, "default", f, &f->fallback, err);
    struct error why = {0};
    if (!rc && field_check_value(f, f->fallback, &why) < 0)
        rc = yaml_error(at, err, E_INVALID, "default of field %s: %s", f->name.s, why.message);
    return rc;
}

const char *const field_keys[] = {"name",  "zh",       "en",      "note_zh",  "note_en",  "standard",
                                  "type",  "required", "sealed",  "indexed",  "multiple", "scale",
                                  "min",   "max",      "unit",    "codes",    "target",   "check",
                                  "blind", "copy",     "default", "synonyms", "fixed",
                                  "other_person", NULL};

int field_declare(struct catalog *c, const struct yaml *node, struct field *ret, struct error *err) {
    struct field f = {.copy_reference = -1, .copy_field = -1, .line = node->line};
    int type = -1;
    int rc = yaml_only(node, field_keys, err);
    if (!rc) rc = declare_names(node, &f, err);
    if (!rc) rc = declare_choice(node, "type", register_type_names, FIELD_TYPES, &type, err);
    if (!rc && type < 0) rc = yaml_error(node, err, E_INVALID, "field %s has no type", f.name.s);
    if (!rc) f.type = (enum field_type)type;
    if (!rc) rc = declare_typed(c, node, &f, err);
    if (!rc) rc = declare_flags(node, &f, err);
    if (!rc) rc = declare_bounds(c, node, &f, err);
    if (!rc) rc = declare_default(c, node, &f, err);
    if (!rc) rc = declare_words(&c->arena, node, "synonyms", &f.synonyms, &f.n_synonyms, err);
    if (!rc) *ret = f;
    return rc;
}

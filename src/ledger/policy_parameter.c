/* Parameters, and the places that take a number from one. */
#include "ledger/policy_pack.h"

#include <stdio.h>
#include <string.h>

/* ---- single values */

/* "17:00", also 24:00, in seconds after midnight. */
static bool time_parse(struct text t, int64_t *ret) {
    int64_t h = 0, m = 0;
    if (t.n != 5 || t.s[2] != ':') return false;
    if (!text_int((struct text){t.s, 2}, &h) || !text_int((struct text){t.s + 3, 2}, &m)) return false;
    if (t.s[0] == '-' || t.s[0] == '+' || t.s[3] == '-' || t.s[3] == '+') return false;
    if (h > 24 || m > 59 || (h == 24 && m)) return false;
    *ret = h * 3600 + m * 60;
    return true;
}

static int value_in(struct text unit, const struct yaml *node, int64_t *ret, struct error *err) {
    if (node->kind != YAML_SCALAR) return yaml_error(node, err, E_INVALID, "a single value is expected");
    int64_t v = 0;
    if (text_is(unit, "duration")) {
        if (!duration_parse(node->text, &v) || v < 0)
            return yaml_error(node, err, E_INVALID, "a duration is expected (30m, 2h, 3d) / 须为时长 (30m、2h、3d)");
    } else if (text_is(unit, "time")) {
        if (!time_parse(node->text, &v))
            return yaml_error(node, err, E_INVALID, "a time of day is expected (\"17:00\")");
    } else if (!text_int(node->text, &v)) {
        return yaml_error(node, err, E_INVALID, "a whole number is expected");
    } else if (text_is(unit, "day") && (v < 0 || v > 3650)) {
        return yaml_error(node, err, E_INVALID, "days are 0 to 3650");
    }
    *ret = v;
    return 0;
}

static int value_list(struct pack *k, const struct yaml *node, struct parameter *a) {
    if (!text_is(a->unit, "day")) return yaml_error(node, k->err, E_INVALID, "only days can be a list");
    if (!node->n || node->n > DUTY_DAYS_MAX)
        return yaml_error(node, k->err, E_INVALID, "a list has 1 to %d days / 天数列表过长或为空", DUTY_DAYS_MAX);
    a->is_list = true;
    a->list = arena_alloc(k->arena, node->n * sizeof *a->list);
    if (!a->list) return pack_memory(k);
    for (size_t i = 0; i < node->n; i++) {
        int rc = value_in(a->unit, node->items[i], &a->list[i], k->err);
        if (rc < 0) return rc;
        if (i && a->list[i] <= a->list[i - 1])
            return yaml_error(node->items[i], k->err, E_INVALID, "days must ascend");
        a->n_list = i + 1;
    }
    a->value = a->list[node->n - 1];
    return 0;
}

/* ---- the section */

static int harsher(const struct yaml *map, int *ret, struct error *err) {
    struct text t = {NULL, 0};
    int rc = yaml_text(map, "harsher", false, &t, err);
    if (rc < 0 || !t.s) return rc;
    if (!text_is(t, "more") && !text_is(t, "less") && !text_is(t, "neither"))
        return yaml_error(yaml_get(map, "harsher"), err, E_INVALID,
                          "harsher is more, less or neither: which way it weighs on people");
    *ret = text_is(t, "more") - text_is(t, "less");
    return 0;
}

static bool name_good(struct text t) {
    if (!t.n || t.n > PACK_NAME_MAX || t.s[0] < 'a' || t.s[0] > 'z') return false;
    for (size_t i = 0; i < t.n; i++)
        if (!(t.s[i] >= 'a' && t.s[i] <= 'z') && !(t.s[i] >= '0' && t.s[i] <= '9') && t.s[i] != '_')
            return false;
    return true;
}

static int parameter(struct pack *k, const struct pack_entry *e, struct parameter *a) {
    static const char *const keys[] = {"zh",     "en",     "unit",      "value",    "harsher", "note",
                                       "source", "clause", "certainty", "verified", NULL};
    static const char *const local[] = {"zh",     "en",        "value",    "note", "source",
                                        "clause", "certainty", "verified", NULL};
    a->name = e->name;
    a->from = e->from;
    if (!name_good(e->name))
        return yaml_error(e->key, k->err, E_INVALID, "a parameter is named with a-z, 0-9 and _");
    /* the parent decides what is harsher, or a local pack could call longer milder */
    int rc = yaml_only(e->map, e->inherited ? local : keys, k->err);
    if (!rc) rc = yaml_text(e->merged, "zh", true, &a->zh, k->err);
    if (!rc) rc = yaml_text(e->merged, "en", true, &a->en, k->err);
    if (!rc) rc = yaml_text(e->merged, "unit", true, &a->unit, k->err);
    if (!rc) rc = harsher(e->merged, &a->harsher, k->err);
    if (rc < 0) return rc;
    const struct yaml *value = yaml_get(e->merged, "value");
    if (!value) return yaml_error(e->key, k->err, E_INVALID, "key value is missing");
    return value->kind == YAML_LIST ? value_list(k, value, a) : value_in(a->unit, value, &a->value, k->err);
}

int pack_parameters(struct pack *k) {
    struct policy *p = k->p;
    p->parameters = arena_alloc(k->arena, (p->n_parameters + 1) * sizeof *p->parameters);
    if (!p->parameters) return pack_memory(k);
    for (size_t i = 0; i < p->n_parameters; i++) {
        int rc = parameter(k, &k->parameters[i], &p->parameters[i]);
        if (rc < 0) return rc;
    }
    return 0;
}

/* ---- where numbers are used */

static int referred(struct pack *k, const struct yaml *node, const char *unit, const struct parameter **ret) {
    struct text name = {node->text.s + 1, node->text.n - 1};
    const struct parameter *a = policy_parameter(k->p, name);
    if (!a) return yaml_error(node, k->err, E_UNKNOWN, "parameter %s is not declared", name.s);
    if (!text_is(a->unit, unit))
        return yaml_error(node, k->err, E_INVALID, "parameter %s has unit %s, not %s", name.s, a->unit.s,
                          unit);
    *ret = a;
    return 0;
}

static bool is_reference(const struct yaml *node) {
    return node->kind == YAML_SCALAR && node->text.n > 1 && node->text.s[0] == '$';
}

/* A number in place or from a parameter of this unit. */
static int single(struct pack *k, const struct yaml *map, const char *key, const char *unit, int64_t *ret) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return 0;
    if (!is_reference(node)) return value_in(text_of(unit), node, ret, k->err);
    const struct parameter *a = NULL;
    int rc = referred(k, node, unit, &a);
    if (rc < 0) return rc;
    if (a->is_list) return yaml_error(node, k->err, E_INVALID, "parameter %s is a list", a->name.s);
    *ret = a->value;
    return 0;
}

int pack_duration(struct pack *k, const struct yaml *map, const char *key, int64_t *ret) {
    return single(k, map, key, "duration", ret);
}

int pack_days(struct pack *k, const struct yaml *map, const char *key, int64_t *ret) {
    return single(k, map, key, "day", ret);
}

int pack_time(struct pack *k, const struct yaml *map, const char *key, int64_t *ret) {
    return single(k, map, key, "time", ret);
}

static int add_day(struct pack *k, const struct yaml *node, int64_t d, uint64_t *mask) {
    if (d < 0 || d >= DUTY_DAYS_MAX)
        return yaml_error(node, k->err, E_INVALID, "day %lld is past the %d days of a schedule", (long long)d,
                          DUTY_DAYS_MAX);
    if (*mask >> d & 1) return yaml_error(node, k->err, E_INVALID, "day %lld is there twice", (long long)d);
    *mask |= (uint64_t)1 << d;
    return 0;
}

static int add_days(struct pack *k, const struct yaml *node, int64_t after, uint64_t *mask) {
    int64_t d = 0;
    if (!is_reference(node)) {
        int rc = value_in(TEXT("day"), node, &d, k->err);
        return rc < 0 ? rc : add_day(k, node, after + d, mask);
    }
    const struct parameter *a = NULL;
    int rc = referred(k, node, "day", &a);
    if (!rc && !a->is_list) rc = add_day(k, node, after + a->value, mask);
    for (size_t i = 0; !rc && a->is_list && i < a->n_list; i++)
        rc = add_day(k, node, after + a->list[i], mask);
    return rc;
}

int pack_day_list(struct pack *k, const struct yaml *map, const char *key, int64_t after, uint64_t *ret) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return 0;
    uint64_t mask = 0;
    int rc = 0;
    if (node->kind == YAML_LIST) {
        if (!node->n) return yaml_error(node, k->err, E_INVALID, "a schedule needs a day");
        for (size_t i = 0; !rc && i < node->n; i++) rc = add_days(k, node->items[i], after, &mask);
    } else {
        rc = add_days(k, node, after, &mask);
    }
    if (!rc) *ret = mask;
    return rc;
}

/* ---- conditions */

static bool name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Code points of the source up to where code point `column` of the expanded text came from. */
struct expansion {
    struct buf text;
    unsigned out, in;        /* code points so far */
    unsigned column, source; /* asked; answered when out reaches it */
};

static void put(struct expansion *x, struct text t, unsigned taken, bool moves) {
    for (size_t i = 0; i < t.n; i++) {
        bool first = ((unsigned char)t.s[i] & 0xC0) != 0x80;
        if (first) x->out++;
        if (first && moves) x->in++;
        if (first && x->out == x->column) x->source = x->in;
    }
    x->in += taken;
    buf_text(&x->text, t);
}

/* Replaces $name outside of quotes. */
static int expand(struct pack *k, const struct yaml *node, struct expansion *x) {
    struct text t = node->text;
    bool quoted = false;
    for (size_t i = 0; i < t.n;) {
        if (t.s[i] == '\'') quoted = !quoted;
        if (t.s[i] != '$' || quoted) {
            put(x, (struct text){t.s + i, 1}, 0, true);
            i++;
            continue;
        }
        size_t end = i + 1;
        while (end < t.n && name_byte(t.s[end])) end++;
        struct text name = {t.s + i + 1, end - i - 1};
        const struct parameter *a = policy_parameter(k->p, name);
        if (!a)
            return yaml_error(node, k->err, E_UNKNOWN, "parameter %.*s is not declared", (int)name.n, name.s);
        if (a->is_list)
            return yaml_error(node, k->err, E_INVALID, "parameter %.*s is a list", (int)name.n, name.s);
        char digits[32];
        snprintf(digits, sizeof digits, "%lld", (long long)a->value);
        x->in++;
        put(x, text_of(digits), (unsigned)(end - i - 1), false);
        i = end;
    }
    return x->text.failed ? pack_memory(k) : 0;
}

/* Turns "column N" of the expanded condition into a place of the file. */
static int condition_error(struct pack *k, const struct yaml *node, const struct error *e) {
    struct expansion x = {0};
    unsigned column = 0;
    char where[ERROR_WHERE_MAX];
    int rc = e->code;
    if (sscanf(e->where, "column %u", &column) == 1) {
        x.column = column;
        x.source = 0;
        rc = expand(k, node, &x);
        unsigned at = x.source ? x.source : column;
        snprintf(where, sizeof where, "%s:%d:%d", node->file, node->line,
                 node->column + (node->quoted ? 1 : 0) + (int)at - 1);
        if (rc == 0) rc = error_set(k->err, e->code, where, "%s", e->message);
    } else {
        rc = error_set(k->err, e->code, e->where, "%s", e->message);
    }
    buf_clear(&x.text);
    return rc;
}

int pack_condition(struct pack *k, const struct yaml *map, const char *key, const struct register_decl *reg,
                   struct expr **ret, struct text *ret_text) {
    const struct yaml *node = yaml_get(map, key);
    if (!node) return 0;
    if (node->kind != YAML_SCALAR) return yaml_error(node, k->err, E_INVALID, "%s must be a condition / 须为条件", key);
    struct expansion x = {.text = {.max = 1 << 16}};
    struct error own = {0};
    struct text text = {0};
    int rc = expand(k, node, &x);
    if (!rc && !(text = arena_text(k->arena, buf_view(&x.text))).s) rc = pack_memory(k);
    buf_clear(&x.text);
    if (rc < 0) return rc;
    rc = expr_parse(k->arena, text, reg, k->zone_s, ret, &own);
    if (rc < 0) return condition_error(k, node, &own);
    if (ret_text) *ret_text = text;
    return 0;
}

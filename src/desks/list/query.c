/* From parameters as they were written to a query. */
#include "desks/list/list.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "ledger/table.h"

struct reading {
    struct ledger *l;
    const struct register_decl *reg;
    struct arena *a;
    struct list_query *q;
    size_t n_values; /* of all terms */
    struct error *err;
};

/* ---- what a name means */

struct column {
    const char *name;
    enum field_type type;
    const struct field *field; /* NULL: a system column */
    bool indexed;
};

static const struct column system_columns[] = {
    {"region", FIELD_REGION, NULL, false},      {"id", FIELD_REFERENCE, NULL, true},         {"version", FIELD_INTEGER, NULL, false},
    {"state", FIELD_TEXT, NULL, false},         {"number", FIELD_TEXT, NULL, true},          {"import", FIELD_REFERENCE, NULL, false},
    {"created_at", FIELD_INSTANT, NULL, false}, {"changed_at", FIELD_INSTANT, NULL, false},
};
enum { SYSTEM_COLUMNS = sizeof system_columns / sizeof *system_columns };

/* The first column of a declared index: "state, ended_at" begins with state. */
static bool leads(const struct register_decl *reg, const char *name) {
    for (size_t i = 0; i < reg->n_indexes; i++) {
        const char *comma = reg->indexes[i].n ? memchr(reg->indexes[i].s, ',', reg->indexes[i].n) : NULL;
        if (!reg->index_where[i].n && text_is(text_trim((struct text){reg->indexes[i].s, comma ? (size_t)(comma - reg->indexes[i].s) : reg->indexes[i].n}), name)) return true;
    }
    return false;
}

static bool column_find(const struct register_decl *reg, struct text name, struct column *ret) {
    for (size_t i = 0; i < SYSTEM_COLUMNS; i++) {
        if (!text_is(name, system_columns[i].name)) continue;
        *ret = system_columns[i];
        if (!strcmp(ret->name, "number")) ret->indexed = reg->number_mask.n > 0;
        ret->indexed |= leads(reg, ret->name);
        return true;
    }
    int at = register_field(reg, name);
    if (at < 0) return false;
    const struct field *f = &reg->fields[at];
    *ret = (struct column){f->name.s, f->type, f, f->indexed || leads(reg, f->name.s)};
    return true;
}

size_t list_sorts(const struct register_decl *reg, const char **out, size_t max) {
    size_t n = 0;
    if (n < max) out[n++] = "id";
    if (n < max && table_sorts(reg, TEXT("created_at"))) out[n++] = "created_at";
    if (n < max && table_sorts(reg, TEXT("changed_at"))) out[n++] = "changed_at";
    for (size_t i = 0; i < reg->n_fields && n < max; i++)
        if (table_sorts(reg, reg->fields[i].name)) out[n++] = reg->fields[i].name.s;
    return n;
}

/* ---- errors */

static int bad(const struct reading *x, struct text name, const char *english, const char *chinese) {
    char where[80];
    snprintf(where, sizeof where, "%.*s", (int)(name.n < sizeof where - 1 ? name.n : sizeof where - 1), name.s);
    return error_set(x->err, E_INVALID, where, "%s / %s", english, chinese);
}

/* ---- values */

/* The next of "a,b,c"; false at the end. Empty ones are passed over. */
static bool piece_next(struct text *rest, struct text *ret) {
    while (rest->n) {
        const char *comma = memchr(rest->s, ',', rest->n);
        size_t n = comma ? (size_t)(comma - rest->s) : rest->n;
        *ret = text_trim((struct text){rest->s, n});
        *rest = comma ? (struct text){comma + 1, rest->n - n - 1} : (struct text){"", 0};
        if (ret->n) return true;
    }
    return false;
}

static int value_read(const struct reading *x, struct text name, const struct column *c, struct text piece, struct value *ret) {
    int64_t number;
    if (c->field && c->type == FIELD_CODE) {
        const struct code *code = c->field->codes ? code_find(c->field->codes, piece) : NULL;
        if (!code) return bad(x, name, "is no code of its list", "不是该代码表中的代码");
        *ret = value_text(code->code);
        return 0;
    }
    if (!c->field && !strcmp(c->name, "state")) {
        int s = register_state(x->reg, piece);
        if (s < 0) return bad(x, name, "is no state of this register", "不是该登记册的状态");
        *ret = value_text(x->reg->states[s].name);
        return 0;
    }
    if (c->type == FIELD_REFERENCE) {
        if (!text_int(piece, &number)) return bad(x, name, "must be ids, such as 12 or 12,13", "须为编号,如 12 或 12,13");
        *ret = value_int(number);
        return 0;
    }
    if (c->type == FIELD_REGION) {
        char code[REGION_MAX + 1];
        if (!region_canonical(piece, code)) return bad(x, name, "is no region code", "不是行政区划代码");
        char *kept = arena_str(x->a, code);
        *ret = value_str(kept);
        return kept ? 0 : error_memory(x->err);
    }
    if (c->field && c->type == FIELD_BOOLEAN) {
        int rc = field_parse(c->field, piece, x->l->zone_s, x->a, ret, NULL);
        return rc == 0 && ret->kind == VALUE_INT ? 0 : bad(x, name, "must be true or false", "须为 true 或 false");
    }
    struct text kept = arena_text(x->a, piece);
    *ret = value_text(kept);
    return kept.s ? 0 : error_memory(x->err);
}

static int values_read(struct reading *x, struct text name, const struct column *c, struct text value, struct list_term *t) {
    struct text rest = value, piece;
    size_t n = 0;
    while (piece_next(&rest, &piece)) n++;
    if (!n) return bad(x, name, "needs a value", "须有取值");
    if (n > LIST_VALUES_MAX || x->n_values + n > 2 * LIST_VALUES_MAX) return bad(x, name, "has more than 200 values", "取值超过 200 个");
    struct value *values = arena_alloc(x->a, n * sizeof *values);
    if (!values) return error_memory(x->err);
    rest = value;
    for (size_t i = 0; piece_next(&rest, &piece); i++) {
        int rc = value_read(x, name, c, piece, &values[i]);
        if (rc < 0) return rc;
    }
    x->n_values += n;
    t->values = values;
    t->n = n;
    return 0;
}

/* One end of a range. A date given for an instant is its whole day. */
static int end_read(const struct reading *x, struct text name, const struct column *c, struct text t, bool high, struct value *ret) {
    day d;
    instant at;
    int64_t number;
    t = text_trim(t);
    *ret = value_null();
    if (!t.n) return 0;
    if (c->type == FIELD_INSTANT) {
        if (day_parse(t, &d)) *ret = value_int(instant_of_day(d, x->l->zone_s) + (high ? DAY_S - 1 : 0));
        else if (instant_parse(t, x->l->zone_s, &at)) *ret = value_int(at);
        else return bad(x, name, "must be a date or time, such as 2022-05-30 or 2022-05-01..2022-05-30", "须为日期或时间,如 2022-05-30 或 2022-05-01..2022-05-30");
        return 0;
    }
    if (c->type == FIELD_DATE) {
        if (!day_parse(t, &d)) return bad(x, name, "must be a date, such as 2022-05-30 or 2022-05-01..2022-05-30", "须为日期,如 2022-05-30 或 2022-05-01..2022-05-30");
        *ret = value_int(d);
        return 0;
    }
    if (c->type == FIELD_DURATION) {
        if (!duration_parse(t, &number)) return bad(x, name, "must be a duration, such as 2h or 1d..7d", "须为时长,如 2h 或 1d..7d");
        *ret = value_int(number);
        return 0;
    }
    if (c->field && field_parse(c->field, t, x->l->zone_s, x->a, ret, NULL) == 0 && ret->kind == VALUE_INT) return 0;
    if (!c->field && text_int(t, &number)) {
        *ret = value_int(number);
        return 0;
    }
    return bad(x, name, "must be a number or a range, such as 3 or 1..5", "须为数字或范围,如 3 或 1..5");
}

static int range_read(const struct reading *x, struct text name, const struct column *c, struct text value, struct list_term *t) {
    struct text low = value, high = value;
    for (size_t i = 0; i + 1 < value.n; i++) {
        if (value.s[i] != '.' || value.s[i + 1] != '.') continue;
        low = (struct text){value.s, i};
        high = (struct text){value.s + i + 2, value.n - i - 2};
        break;
    }
    int rc = end_read(x, name, c, low, false, &t->low);
    if (!rc) rc = end_read(x, name, c, high, true, &t->high);
    if (!rc && t->low.kind == VALUE_NULL && t->high.kind == VALUE_NULL) return bad(x, name, "needs a value", "须有取值");
    return rc;
}

/* ---- terms */

static struct list_term *term_new(struct reading *x, struct text name) {
    if (x->q->n_terms == LIST_TERMS_MAX) {
        bad(x, name, "is one filter too many: at most 32", "筛选条件过多,最多 32 个");
        return NULL;
    }
    return &x->q->terms[x->q->n_terms++];
}

static int term_given(struct reading *x, struct text name, const struct column *c, struct text value) {
    struct list_term *t = term_new(x, name);
    if (!t) return E_INVALID;
    *t = (struct list_term){.test = LIST_EMPTY, .column = c->name, .given = text_is(value, "true")};
    return t->given || text_is(value, "false") ? 0 : bad(x, name, "must be true or false", "须为 true 或 false");
}

/* A sealed field is found by its blind index: of the register of persons itself, or of the person that a record is about. */
static int term_sealed(struct reading *x, struct text name, const struct field *f, const char *column, struct text value) {
    if (!f->blind) {
        char where[80];
        snprintf(where, sizeof where, "%.*s", (int)(name.n < 79 ? name.n : 79), name.s);
        return error_set(x->err, E_DENIED, where, "is sealed and has no index to find it by / 是加密字段,不能用于查找");
    }
    struct list_term *t = term_new(x, name);
    struct value *v = arena_alloc(x->a, sizeof *v);
    struct text kept = arena_text(x->a, text_trim(value));
    if (!t) return E_INVALID;
    if (!v || !kept.s) return error_memory(x->err);
    if (!kept.n) return bad(x, name, "needs a value", "须有取值");
    *v = value_text(kept);
    *t = (struct list_term){.test = LIST_SEALED, .column = column, .sealed = f, .n = 1, .values = v, .indexed = true};
    return 0;
}

static int term_typed(struct reading *x, struct text name, const struct column *c, struct text value) {
    struct list_term *t = term_new(x, name);
    if (!t) return E_INVALID;
    *t = (struct list_term){.test = LIST_IN, .column = c->name, .indexed = c->indexed};
    switch (c->type) {
    case FIELD_DATE:
    case FIELD_INSTANT:
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
    case FIELD_DURATION:
        t->test = LIST_RANGE;
        return range_read(x, name, c, value, t);
    case FIELD_REGION:
        t->test = LIST_SUBTREE;
        t->indexed = false;
        return values_read(x, name, c, value, t);
    case FIELD_CODE:
        if (c->field && c->field->multiple) t->test = LIST_HAS, t->indexed = false;
        return values_read(x, name, c, value, t);
    case FIELD_TEXT:
        if (!c->field) return values_read(x, name, c, value, t); /* state, number */
        break;
    case FIELD_POINT:
        return bad(x, name, "is a point and cannot be filtered by", "是坐标,不能用于筛选");
    default:
        return values_read(x, name, c, value, t);
    }
    bool prefix = value.n && value.s[value.n - 1] == '*';
    struct value *v = arena_alloc(x->a, sizeof *v);
    struct text kept = arena_text(x->a, (struct text){value.s, value.n - prefix});
    if (!v || !kept.s) return error_memory(x->err);
    if (!kept.n) return bad(x, name, "needs a value", "须有取值");
    *v = value_text(kept);
    if (prefix) t->test = LIST_PREFIX, t->indexed = false;
    t->values = v;
    t->n = 1;
    return 0;
}

static int term_read(struct reading *x, struct text name, struct text value) {
    static const char given[] = ".given", person[] = "person.";
    const struct register_decl *reg = x->reg;
    struct column c;
    if (name.n > sizeof given - 1 && text_is((struct text){name.s + name.n - (sizeof given - 1), sizeof given - 1}, given)) {
        if (column_find(reg, (struct text){name.s, name.n - (sizeof given - 1)}, &c)) return term_given(x, name, &c, value);
    } else if (text_starts(name, TEXT("person.")) && reg->person_field >= 0) {
        const struct register_decl *people = register_find(x->l->catalog, reg->fields[reg->person_field].target);
        int at = people ? register_field(people, (struct text){name.s + sizeof person - 1, name.n - (sizeof person - 1)}) : -1;
        if (at >= 0 && people->fields[at].sealed) return term_sealed(x, name, &people->fields[at], reg->fields[reg->person_field].name.s, value);
    } else if (column_find(reg, name, &c)) {
        if (c.field && c.field->sealed) {
            bool own = text_is(reg->name, "person");
            return own ? term_sealed(x, name, c.field, "id", value)
                       : error_set(x->err, E_DENIED, c.name, "is sealed and has no index to find it by / 是加密字段,不能用于查找");
        }
        return term_typed(x, name, &c, value);
    }
    char where[80];
    snprintf(where, sizeof where, "%.*s", (int)(name.n < 79 ? name.n : 79), name.s);
    return error_set(x->err, E_USAGE, where, "is no field to filter by, and no parameter of a list / 没有该字段或参数");
}

/* ---- parameters that are no fields */

static int sort_read(struct reading *x, struct text name, struct text value) {
    const char *sorts[64];
    value = text_trim(value);
    x->q->descending = value.n && value.s[0] == '-';
    if (x->q->descending) value = (struct text){value.s + 1, value.n - 1};
    size_t n = list_sorts(x->reg, sorts, 64);
    for (size_t i = 0; i < n; i++) {
        if (!text_is(value, sorts[i])) continue;
        x->q->sort = sorts[i];
        return 0;
    }
    char known[200] = "";
    for (size_t i = 0, used = 0; i < n && used < sizeof known; i++) used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", sorts[i]);
    (void)name;
    return error_set(x->err, E_INVALID, "sort", "this register is sorted by %.200s only / 该登记册只能按 %.160s 排序", known, known);
}

static int fields_read(struct reading *x, struct text name, struct text value) {
    struct text rest = value, piece;
    x->q->all_fields = false;
    x->q->fields = arena_alloc(x->a, (x->reg->n_fields + 1) * sizeof *x->q->fields);
    if (!x->q->fields) return error_memory(x->err);
    while (piece_next(&rest, &piece)) {
        int at = register_field(x->reg, piece);
        bool known = false;
        for (size_t i = 0; i < SYSTEM_COLUMNS; i++) known |= text_is(piece, system_columns[i].name);
        if (at < 0 && !known) return bad(x, name, "names a field that this register does not have", "含有该登记册没有的字段");
        for (size_t i = 0; at >= 0 && i < x->q->n_fields; i++)
            if (x->q->fields[i] == at) at = -1;
        if (at >= 0) x->q->fields[x->q->n_fields++] = (uint16_t)at;
    }
    return 0;
}

static int where_read(struct reading *x, struct text value) {
    int rc = expr_parse(x->a, value, x->reg, x->l->zone_s, &x->q->where, x->err);
    if (rc < 0) {
        error_within(x->err, "where");
        return rc;
    }
    uint64_t used = expr_fields(x->q->where);
    for (size_t i = 0; i < x->reg->n_fields; i++)
        if (x->reg->fields[i].sealed && used >> (i < 63 ? i : 63) & 1)
            return error_set(x->err, E_DENIED, "where", "field %s is sealed and cannot be used in a condition / 加密字段不能用于条件", x->reg->fields[i].name.s);
    return 0;
}

/* Disjoint: one that lies within another is left out. */
static int regions_read(struct reading *x, struct text name, struct text value) {
    struct list_term t = {0};
    struct column c = {.name = "region", .type = FIELD_REGION};
    struct list_query *q = x->q;
    q->narrowed = true;
    int rc = values_read(x, name, &c, value, &t);
    if (rc < 0) return rc;
    q->regions = arena_alloc(x->a, t.n * sizeof *q->regions);
    if (!q->regions) return error_memory(x->err);
    for (size_t i = 0; i < t.n; i++) {
        struct text mine = value_view(t.values[i]);
        bool covered = false;
        for (size_t k = 0; k < t.n && !covered; k++) {
            struct text other = value_view(t.values[k]);
            covered = k != i && region_within(mine, other) && (other.n < mine.n || k < i);
        }
        if (!covered) q->regions[q->n_regions++] = mine;
    }
    return 0;
}

static int changed_since_read(struct reading *x, struct text name, struct text value) {
    struct list_term *t = term_new(x, name);
    struct column c = {.name = "changed_at", .type = FIELD_INSTANT};
    if (!t) return E_INVALID;
    *t = (struct list_term){.test = LIST_RANGE, .column = "changed_at", .high = value_null(), .indexed = table_sorts(x->reg, TEXT("changed_at"))};
    if (!text_trim(value).n) return bad(x, name, "needs a value", "须有取值");
    return end_read(x, name, &c, value, false, &t->low);
}

static int parameter_read(struct reading *x, struct text name, struct text value) {
    struct list_query *q = x->q;
    int64_t number;
    if (text_is(name, "sort")) return sort_read(x, name, value);
    if (text_is(name, "fields")) return fields_read(x, name, value);
    if (text_is(name, "where")) return where_read(x, value);
    if (text_is(name, "region")) return regions_read(x, name, value);
    if (text_is(name, "changed_since")) return changed_since_read(x, name, value);
    if (text_is(name, "limit")) {
        if (!text_int(value, &number) || number < 1 || number > LIST_LIMIT_MAX) return bad(x, name, "must be 1 to 500", "须为 1 到 500");
        q->limit = (size_t)number;
        return 0;
    }
    if (text_is(name, "cursor")) {
        q->cursor = arena_text(x->a, value);
        return q->cursor.s ? 0 : error_memory(x->err);
    }
    if (text_is(name, "count")) {
        q->count = text_is(value, "estimate") ? LIST_COUNT_AT_MOST : text_is(value, "exact") ? LIST_COUNT_ALL : LIST_COUNT_NONE;
        return q->count ? 0 : bad(x, name, "must be estimate or exact", "须为 estimate 或 exact");
    }
    return term_read(x, name, value);
}

/* What a page is asked for by, but not which page: cursor, limit, fields and count may differ from page to page. */
static int print_add(struct reading *x, struct text name, struct text value) {
    static const char *const free_names[] = {"cursor", "limit", "fields", "count"};
    for (size_t i = 0; i < sizeof free_names / sizeof *free_names; i++)
        if (text_is(name, free_names[i])) return 0;
    struct buf b = {0};
    buf_text(&b, name);
    buf_char(&b, '\n');
    buf_text(&b, value);
    int rc = b.failed ? error_memory(x->err) : 0;
    if (!rc) x->q->print = (int64_t)((uint64_t)x->q->print + (uint64_t)digest_64(buf_view(&b))); /* in whatever order */
    buf_clear(&b);
    return rc;
}

int list_query_parse(struct ledger *l, const struct register_decl *reg, const struct list_param *params, size_t n, struct arena *a, struct list_query *ret,
                     struct error *err) {
    struct list_query *q = arena_alloc(a, sizeof *q);
    if (!q) return error_memory(err);
    *q = (struct list_query){.reg = reg, .sort = "id", .descending = true, .all_fields = true, .limit = LIST_LIMIT};
    struct reading x = {.l = l, .reg = reg, .a = a, .q = q, .err = err};
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            if (text_eq(params[k].name, params[i].name)) return bad(&x, params[i].name, "is given twice; several values are written a,b", "重复给出;多个取值写作 a,b");
        if (!text_utf8_valid(params[i].value) || (params[i].value.n && memchr(params[i].value.s, 0, params[i].value.n)))
            return bad(&x, params[i].name, "is no valid text", "不是有效文字");
        int rc = parameter_read(&x, params[i].name, params[i].value);
        if (!rc) rc = print_add(&x, params[i].name, params[i].value);
        if (rc < 0) return rc;
    }
    *ret = *q;
    return 0;
}

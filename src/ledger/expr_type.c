#include "ledger/expr_tree.h"
#include "ledger/region.h"

#include <string.h>

static const char *type_name(const struct expr_node *n) {
    static const char *const names[] = {"NULL",   "a truth",    "a number",  "a text",
                                        "a date", "an instant", "a duration"};
    return names[n->type];
}

/* ---- names */

static enum expr_type type_of_field(enum field_type t) {
    switch (t) {
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
    case FIELD_REFERENCE:
        return TYPE_NUMBER;
    case FIELD_BOOLEAN:
        return TYPE_TRUTH;
    case FIELD_DATE:
        return TYPE_DATE;
    case FIELD_INSTANT:
        return TYPE_INSTANT;
    case FIELD_DURATION:
        return TYPE_DURATION;
    default:
        return TYPE_TEXT;
    }
}

int expr_type_name(struct expr_parser *p, struct text name, bool quoted, uint32_t at,
                   struct expr_node **ret) {
    static const struct {
        const char *name;
        enum expr_op op;
        enum expr_type type;
    } known[] = {{"id", OP_ID, TYPE_NUMBER},           {"number", OP_NUMBER, TYPE_TEXT},
                 {"state", OP_STATE, TYPE_TEXT},       {"region", OP_REGION, TYPE_TEXT},
                 {"version", OP_VERSION, TYPE_NUMBER}, {"today", OP_TODAY, TYPE_DATE},
                 {"now", OP_NOW, TYPE_INSTANT}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool clock = known[i].op == OP_TODAY || known[i].op == OP_NOW;
        if (!text_is(name, known[i].name) || (clock && quoted)) continue;
        if (known[i].op == OP_STATE && p->reg->n_states == 0)
            return expr_error(p, E_UNKNOWN, at, "register %.*s has no states", (int)p->reg->name.n,
                              p->reg->name.s);
        return expr_make(p, known[i].op, known[i].type, at, ret);
    }
    int field = register_field(p->reg, name);
    if (field < 0) {
        expr_error(p, E_UNKNOWN, at, "register %.*s has no field %.*s / 没有字段 %.*s", (int)p->reg->name.n, p->reg->name.s, (int)(name.n < 80 ? name.n : 80), name.s, (int)(name.n < 80 ? name.n : 80), name.s);
        register_field_near(p->reg, name, p->err);
        return E_UNKNOWN;
    }
    const struct field *f = &p->reg->fields[field];
    int rc = expr_make(p, OP_FIELD, type_of_field(f->type), at, ret);
    if (rc < 0) return rc;
    (*ret)->field = field;
    (*ret)->scale = (uint8_t)(f->type == FIELD_DECIMAL ? f->scale : 0);
    p->fields |= (uint64_t)1 << (field < 63 ? field : 63);
    return 0;
}

static const struct field *field_of(const struct expr_parser *p, const struct expr_node *n) {
    return n->op == OP_FIELD ? &p->reg->fields[n->field] : NULL;
}

/* What is stored of a sealed field cannot be compared; of a field of several codes only whether it has one.
 */
static int operand(struct expr_parser *p, const struct expr_node *n, bool several) {
    const struct field *f = field_of(p, n);
    if (f && f->sealed)
        return expr_error(p, E_INVALID, n->at, "field %.*s is sealed: only IS NULL can be asked",
                          (int)f->name.n, f->name.s);
    if (f && f->multiple && !several)
        return expr_error(p, E_INVALID, n->at,
                          "field %.*s has several codes: compare it with one code, or use IN", (int)f->name.n,
                          f->name.s);
    return 0;
}

/* ---- literals */

/* A text literal that meets a date, instant or duration is read as one. */
static int convert(struct expr_parser *p, struct expr_node *n, enum expr_type type) {
    if (n->op != OP_CONST || n->type != TYPE_TEXT || type < TYPE_DATE) return 0;
    struct text t = value_view(n->constant);
    day d = 0;
    int64_t v = 0;
    bool good;
    if (type == TYPE_DATE) {
        good = day_parse(t, &d);
        v = d;
    } else if (type == TYPE_INSTANT) {
        good = instant_parse(t, p->zone_s, &v);
    } else {
        good = duration_parse(t, &v);
    }
    if (!good)
        return expr_error(p, E_INVALID, n->at, "this text is not %s",
                          type == TYPE_DATE      ? "a date that exists (2022-05-30)"
                          : type == TYPE_INSTANT ? "an instant (2022-05-30T17:00)"
                                                 : "a duration (2h)");
    n->constant = value_int(v);
    n->type = (uint8_t)type;
    return 0;
}

/* Regions are stored in canonical form, so 542200 in a condition has to become 5422. */
static int canonical_region(struct expr_parser *p, struct expr_node *literal) {
    char code[REGION_MAX + 1];
    if (!region_canonical(value_view(literal->constant), code))
        return expr_error(p, E_INVALID, literal->at, "this is no region code");
    struct text t = arena_text(p->arena, text_of(code));
    if (!t.s) return expr_error(p, E_MEMORY, literal->at, "out of memory");
    literal->constant = value_text(t);
    return 0;
}

/* Once a condition, so a walk will do; works for a list without an index too. */
static bool code_known(const struct codelist *l, struct text code) {
    for (size_t i = 0; i < l->n; i++)
        if (text_eq(l->codes[i].code, code)) return true;
    return false;
}

/* A literal that meets a coded field or the state must be one of the list. */
static int check_code(struct expr_parser *p, const struct expr_node *of, struct expr_node *literal) {
    if (literal->op != OP_CONST || literal->type != TYPE_TEXT) return 0;
    struct text t = value_view(literal->constant);
    const struct field *f = field_of(p, of);
    if (of->op == OP_REGION || (f && f->type == FIELD_REGION)) return canonical_region(p, literal);
    if (of->op == OP_STATE && register_state(p->reg, t) < 0)
        return expr_error(p, E_UNKNOWN, literal->at, "register %.*s has no state %.*s", (int)p->reg->name.n,
                          p->reg->name.s, (int)(t.n < 80 ? t.n : 80), t.s);
    if (f && f->type == FIELD_CODE && f->codes && !code_known(f->codes, t))
        return expr_error(p, E_UNKNOWN, literal->at, "list %.*s has no code %.*s / 代码表中没有 %.*s", (int)f->codes->name.n,
                          f->codes->name.s, (int)(t.n < 80 ? t.n : 80), t.s, (int)(t.n < 80 ? t.n : 80), t.s);
    return 0;
}

static const int64_t power_of_ten[EXPR_SCALE_MAX + 1] = {1,      10,      100,      1000,      10000,
                                                         100000, 1000000, 10000000, 100000000, 1000000000};

/* Brings a number to a scale. A literal is replaced, not changed: BETWEEN uses its left side twice. */
static int rescale(struct expr_parser *p, struct expr_node **n, uint8_t scale) {
    struct expr_node *old = *n, *made = NULL;
    if (old->type != TYPE_NUMBER || old->scale >= scale) return 0;
    int64_t factor = power_of_ten[scale - old->scale], v = 0;
    int rc;
    if (old->op == OP_CONST) {
        if (__builtin_mul_overflow(old->constant.i, factor, &v))
            return expr_error(p, E_TOO_LARGE, old->at, "a number beyond 64 bits");
        rc = expr_make(p, OP_CONST, TYPE_NUMBER, old->at, &made);
        if (rc >= 0) made->constant = value_int(v);
    } else {
        struct expr_node *by = NULL;
        rc = expr_make(p, OP_CONST, TYPE_NUMBER, old->at, &by);
        if (rc >= 0) rc = expr_make(p, OP_MUL, TYPE_NUMBER, old->at, &made);
        if (rc < 0) return rc;
        by->constant = value_int(factor);
        made->a = old;
        made->b = by;
    }
    if (rc < 0) return rc;
    made->scale = scale;
    *n = made;
    return 0;
}

static int same_scale(struct expr_parser *p, struct expr_node **a, struct expr_node **b) {
    uint8_t scale = (*a)->scale > (*b)->scale ? (*a)->scale : (*b)->scale;
    int rc = rescale(p, a, scale);
    return rc < 0 ? rc : rescale(p, b, scale);
}

/* ---- arithmetic */

static bool whole(const struct expr_node *n) {
    return n->type == TYPE_NUMBER && n->scale == 0;
}

static int negate(struct expr_parser *p, struct expr_node *n) {
    struct expr_node *a = n->a;
    if (a->type != TYPE_NUMBER && a->type != TYPE_DURATION)
        return expr_error(p, E_INVALID, n->at, "%s has no negative", type_name(a));
    n->type = a->type;
    n->scale = a->scale;
    if (a->op == OP_CONST) { /* so that -5 is a literal too */
        n->op = OP_CONST;
        n->constant = value_int(-a->constant.i);
    }
    return 0;
}

/* Whole days as a duration may be added to a date. */
static int days_of_duration(struct expr_parser *p, struct expr_node **n) {
    struct expr_node *old = *n, *made = NULL;
    if (old->op != OP_CONST || old->type != TYPE_DURATION || old->constant.i % DAY_S != 0) return 0;
    int rc = expr_make(p, OP_CONST, TYPE_NUMBER, old->at, &made);
    if (rc < 0) return rc;
    made->constant = value_int(old->constant.i / DAY_S);
    *n = made;
    return 0;
}

int expr_type_arithmetic(struct expr_parser *p, struct expr_node *n) {
    int rc = operand(p, n->a, false);
    if (rc >= 0 && n->b) rc = operand(p, n->b, false);
    if (rc < 0) return rc;
    if (n->op == OP_NEGATE) return negate(p, n);
    if (n->a->type == TYPE_DATE) rc = days_of_duration(p, &n->b);
    if (rc < 0) return rc;
    const struct expr_node *a = n->a, *b = n->b;
    int type = -1;
    if (n->op == OP_MUL) {
        if (a->type == TYPE_NUMBER && b->type == TYPE_NUMBER && a->scale + b->scale <= EXPR_SCALE_MAX)
            type = TYPE_NUMBER;
        if ((a->type == TYPE_DURATION && whole(b)) || (whole(a) && b->type == TYPE_DURATION))
            type = TYPE_DURATION;
        n->scale = (uint8_t)(type == TYPE_NUMBER ? a->scale + b->scale : 0);
    } else {
        bool add = n->op == OP_ADD;
        if (a->type == TYPE_NUMBER && b->type == TYPE_NUMBER) type = TYPE_NUMBER;
        if ((a->type == TYPE_DATE && whole(b)) || (add && whole(a) && b->type == TYPE_DATE)) type = TYPE_DATE;
        if (!add && a->type == TYPE_DATE && b->type == TYPE_DATE) type = TYPE_NUMBER;
        if (b->type == TYPE_DURATION && (a->type == TYPE_INSTANT || a->type == TYPE_DURATION)) type = a->type;
        if (add && a->type == TYPE_DURATION && b->type == TYPE_INSTANT) type = TYPE_INSTANT;
        if (!add && a->type == TYPE_INSTANT && b->type == TYPE_INSTANT) type = TYPE_DURATION;
        if (type == TYPE_NUMBER) rc = same_scale(p, &n->a, &n->b);
        n->scale = n->a->scale;
    }
    if (type < 0)
        return expr_error(p, E_INVALID, n->at, "%s and %s cannot be %s", type_name(a), type_name(b),
                          n->op == OP_MUL   ? "multiplied"
                          : n->op == OP_ADD ? "added"
                                            : "subtracted");
    n->type = (uint8_t)type;
    return rc;
}

/* ---- comparisons */

/* Checks that a and b can be compared and brings them to one type. */
static int meet(struct expr_parser *p, struct expr_node *a, struct expr_node *b, uint32_t at) {
    int rc = convert(p, b, (enum expr_type)a->type);
    if (rc >= 0) rc = convert(p, a, (enum expr_type)b->type);
    if (rc >= 0) rc = check_code(p, a, b);
    if (rc >= 0) rc = check_code(p, b, a);
    if (rc < 0) return rc;
    if (a->type != b->type && a->type != TYPE_NULL && b->type != TYPE_NULL)
        return expr_error(p, E_INVALID, at, "%s is compared with %s", type_name(a), type_name(b));
    return 0;
}

static bool several(const struct expr_parser *p, const struct expr_node *n) {
    const struct field *f = field_of(p, n);
    return f && f->multiple;
}

/* A field of several codes equals a code when it has it. */
static int has(struct expr_parser *p, struct expr_node *n) {
    struct expr_node *made = NULL;
    int rc = expr_make(p, OP_HAS, TYPE_TRUTH, n->at, &made);
    if (rc < 0) return rc;
    made->a = several(p, n->a) ? n->a : n->b;
    made->constant = (several(p, n->a) ? n->b : n->a)->constant;
    if (n->op == OP_EQ) {
        *n = *made;
    } else {
        n->op = OP_NOT;
        n->a = made;
        n->b = NULL;
    }
    return 0;
}

int expr_type_compare(struct expr_parser *p, struct expr_node *n) {
    bool equal = n->op == OP_EQ || n->op == OP_NE;
    bool one = equal && (several(p, n->a) ? n->b->op == OP_CONST : n->a->op == OP_CONST);
    int rc = operand(p, n->a, one);
    if (rc >= 0) rc = operand(p, n->b, one);
    if (rc >= 0) rc = meet(p, n->a, n->b, n->at);
    if (rc < 0) return rc;
    if (n->a->type == TYPE_NULL || n->b->type == TYPE_NULL) {
        n->op = OP_NULL; /* unknown, whatever the other side is */
        return 0;
    }
    if (!equal && n->a->type == TYPE_TEXT)
        return expr_error(p, E_INVALID, n->at,
                          "the order of texts differs between stores: use =, IN or LIKE");
    if (!equal && n->a->type == TYPE_TRUTH)
        return expr_error(p, E_INVALID, n->at, "truths have no order: use = or <>");
    if (several(p, n->a) || several(p, n->b)) return has(p, n);
    return n->a->type == TYPE_NUMBER ? same_scale(p, &n->a, &n->b) : 0;
}

/* roles IN ('a', 'b') over several codes: has 'a' or has 'b'. */
static int in_several(struct expr_parser *p, struct expr_node *n, struct expr_node **literals, size_t count) {
    struct expr_node *left = NULL;
    for (size_t i = 0; i < count; i++) {
        struct expr_node *one = NULL, *either = NULL;
        int rc =
            expr_make(p, literals[i]->op == OP_NULL ? OP_NULL : OP_HAS, TYPE_TRUTH, literals[i]->at, &one);
        if (rc >= 0 && left) rc = expr_make(p, OP_OR, TYPE_TRUTH, n->at, &either);
        if (rc < 0) return rc;
        one->a = n->a;
        one->constant = literals[i]->constant;
        if (either) {
            either->a = left;
            either->b = one;
        }
        left = either ? either : one;
    }
    *n = *left;
    return 0;
}

int expr_type_in(struct expr_parser *p, struct expr_node *n, struct expr_node **literals, size_t count) {
    int rc = operand(p, n->a, true);
    if (rc >= 0 && n->a->type == TYPE_TRUTH)
        rc = expr_error(p, E_INVALID, n->at, "IN needs values, not truths: use =");
    uint8_t scale = n->a->scale;
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        if (literals[i]->op != OP_CONST && literals[i]->op != OP_NULL)
            return expr_error(p, E_INVALID, literals[i]->at, "IN takes values only, no fields");
        rc = meet(p, n->a, literals[i], literals[i]->at);
        if (literals[i]->scale > scale) scale = literals[i]->scale;
    }
    if (rc < 0) return rc;
    if (n->a->type == TYPE_NULL) {
        n->op = OP_NULL;
        return 0;
    }
    if (several(p, n->a)) return in_several(p, n, literals, count);
    rc = rescale(p, &n->a, scale);
    n->op = OP_IN;
    n->items = arena_alloc(p->arena, count * sizeof *n->items);
    if (!n->items) return expr_error(p, E_MEMORY, n->at, "out of memory");
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        rc = rescale(p, &literals[i], scale);
        if (literals[i]->op == OP_NULL)
            n->item_null = true;
        else
            n->items[n->n_items++] = literals[i]->constant;
    }
    return rc;
}

/* Only the forms that mean the same in both stores: the text, what starts, ends or contains it, case told
 * apart. */
int expr_type_like(struct expr_parser *p, struct expr_node *n, struct expr_node *pattern) {
    int rc = operand(p, n->a, true);
    if (rc < 0) return rc;
    bool named =
        n->a->op == OP_FIELD || n->a->op == OP_NUMBER || n->a->op == OP_STATE || n->a->op == OP_REGION;
    if (!named || n->a->type != TYPE_TEXT)
        return expr_error(p, E_INVALID, n->at, "LIKE needs a text field before it");
    if (pattern->op != OP_CONST || pattern->type != TYPE_TEXT)
        return expr_error(p, E_INVALID, pattern->at, "LIKE needs a text behind it");
    struct text t = value_view(pattern->constant);
    bool after = t.n && t.s[t.n - 1] == '%';
    if (after) t.n--;
    bool before = t.n && t.s[0] == '%';
    if (before) t = (struct text){t.s + 1, t.n - 1};
    if (t.n && (memchr(t.s, '%', t.n) || memchr(t.s, '_', t.n)))
        return expr_error(p, E_UNSUPPORTED, pattern->at, "LIKE knows %% at the two ends only, and no _");
    n->op = before && after ? OP_CONTAINS : before ? OP_ENDS : after ? OP_STARTS : OP_EQ;
    n->constant = value_text(t);
    if (n->op == OP_EQ) {
        pattern->constant = value_text(t);
        n->b = pattern;
    }
    return 0;
}

int expr_type_truth(struct expr_parser *p, struct expr_node *n, const char *where) {
    if (n->type == TYPE_NULL) n->type = TYPE_TRUTH;
    if (n->type == TYPE_TRUTH) return operand(p, n, false);
    return expr_error(p, E_INVALID, n->at, "%s must be true or false, and this is %s", where, type_name(n));
}

#include "ledger/expr_tree.h"

#include <string.h>

/* Two small walkers instead of one over tagged values: a condition is mostly compares of a field with a
 * constant, and these stay in registers. Each says false for NULL. The depth is bounded by EXPR_NODES_MAX. */

static enum truth truth_of(const struct expr_node *n, const struct expr_scope *s);

static bool number_of(const struct expr_node *n, const struct expr_scope *s, int64_t *ret) {
    int64_t a, b;
    switch (n->op) {
    case OP_CONST:
        *ret = n->constant.i;
        return true;
    case OP_FIELD:
        if (s->values[n->field].kind != VALUE_INT) return false;
        *ret = s->values[n->field].i;
        return true;
    case OP_ID:
        *ret = s->id;
        return true;
    case OP_VERSION:
        *ret = s->version;
        return true;
    case OP_TODAY:
        *ret = s->today;
        return true;
    case OP_NOW:
        *ret = s->now;
        return true;
    case OP_NEGATE:
        return number_of(n->a, s, &a) && !__builtin_sub_overflow((int64_t)0, a, ret);
    case OP_ADD:
        return number_of(n->a, s, &a) && number_of(n->b, s, &b) && !__builtin_add_overflow(a, b, ret);
    case OP_SUB:
        return number_of(n->a, s, &a) && number_of(n->b, s, &b) && !__builtin_sub_overflow(a, b, ret);
    case OP_MUL:
        return number_of(n->a, s, &a) && number_of(n->b, s, &b) && !__builtin_mul_overflow(a, b, ret);
    default:
        return false;
    }
}

static bool text_value(const struct expr_node *n, const struct expr_scope *s, struct text *ret) {
    switch (n->op) {
    case OP_CONST:
        *ret = value_view(n->constant);
        return true;
    case OP_FIELD:
        if (s->values[n->field].kind != VALUE_TEXT) return false;
        *ret = value_view(s->values[n->field]);
        return true;
    /* a record without number or state has NULL in these columns */
    case OP_NUMBER:
        *ret = s->number;
        return s->number.n > 0;
    case OP_STATE:
        *ret = s->state;
        return s->state.n > 0;
    case OP_REGION:
        *ret = s->region;
        return s->region.s != NULL;
    default:
        return false;
    }
}

static bool same(struct text a, struct text b) {
    /* codes mostly differ in length or in the first byte: that spares the call */
    return a.n == b.n && (a.n == 0 || (a.s[0] == b.s[0] && memcmp(a.s, b.s, a.n) == 0));
}

static enum truth compare(const struct expr_node *n, const struct expr_scope *s) {
    if (n->a->type == TYPE_TEXT) {
        struct text a, b;
        if (!text_value(n->a, s, &a) || !text_value(n->b, s, &b)) return TRUTH_UNKNOWN;
        return same(a, b) == (n->op == OP_EQ) ? TRUTH_TRUE : TRUTH_FALSE;
    }
    if (n->a->type == TYPE_TRUTH) {
        enum truth a = truth_of(n->a, s), b = truth_of(n->b, s);
        if (a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN) return TRUTH_UNKNOWN;
        return (a == b) == (n->op == OP_EQ) ? TRUTH_TRUE : TRUTH_FALSE;
    }
    int64_t a, b;
    if (!number_of(n->a, s, &a) || !number_of(n->b, s, &b)) return TRUTH_UNKNOWN;
    switch (n->op) {
    case OP_EQ:
        return a == b ? TRUTH_TRUE : TRUTH_FALSE;
    case OP_NE:
        return a != b ? TRUTH_TRUE : TRUTH_FALSE;
    case OP_LT:
        return a < b ? TRUTH_TRUE : TRUTH_FALSE;
    case OP_LE:
        return a <= b ? TRUTH_TRUE : TRUTH_FALSE;
    case OP_GT:
        return a > b ? TRUTH_TRUE : TRUTH_FALSE;
    default:
        return a >= b ? TRUTH_TRUE : TRUTH_FALSE;
    }
}

static enum truth among(const struct expr_node *n, const struct expr_scope *s) {
    struct text t = {0};
    int64_t v = 0;
    bool text = n->a->type == TYPE_TEXT;
    if (!(text ? text_value(n->a, s, &t) : number_of(n->a, s, &v))) return TRUTH_UNKNOWN;
    for (unsigned i = 0; i < n->n_items; i++)
        if (text ? same(t, value_view(n->items[i])) : v == n->items[i].i) return TRUTH_TRUE;
    return n->item_null ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

/* codes joined by ';' */
static bool has_code(struct text t, struct text code) {
    for (size_t from = 0; from <= t.n;) {
        const char *end = from < t.n ? memchr(t.s + from, ';', t.n - from) : NULL;
        size_t to = end ? (size_t)(end - t.s) : t.n;
        if (same((struct text){t.s + from, to - from}, code)) return true;
        from = to + 1;
    }
    return false;
}

static enum truth part(const struct expr_node *n, const struct expr_scope *s) {
    struct text t, want = value_view(n->constant);
    if (!text_value(n->a, s, &t)) return TRUTH_UNKNOWN;
    bool yes;
    switch (n->op) {
    case OP_STARTS:
        yes = text_starts(t, want);
        break;
    case OP_ENDS:
        yes = t.n >= want.n && (want.n == 0 || memcmp(t.s + t.n - want.n, want.s, want.n) == 0);
        break;
    case OP_HAS:
        yes = has_code(t, want);
        break;
    default:
        yes = want.n == 0 || (t.n > 0 && memmem(t.s, t.n, want.s, want.n) != NULL);
        break;
    }
    return yes ? TRUTH_TRUE : TRUTH_FALSE;
}

static bool is_null(const struct expr_node *n, const struct expr_scope *s) {
    struct text t;
    int64_t v;
    switch (n->type) {
    case TYPE_NULL:
        return true;
    case TYPE_TRUTH:
        return truth_of(n, s) == TRUTH_UNKNOWN;
    /* a sealed field holds a blob once stored and a text on its way in */
    case TYPE_TEXT:
        return n->op == OP_FIELD ? !value_given(s->values[n->field]) : !text_value(n, s, &t);
    default:
        return !number_of(n, s, &v);
    }
}

static enum truth truth_of(const struct expr_node *n, const struct expr_scope *s) {
    enum truth a, b;
    int64_t v;
    switch (n->op) {
    case OP_AND:
    case OP_OR:
        a = truth_of(n->a, s);
        if (a == (n->op == OP_OR ? TRUTH_TRUE : TRUTH_FALSE)) return a;
        b = truth_of(n->b, s);
        if (b == (n->op == OP_OR ? TRUTH_TRUE : TRUTH_FALSE)) return b;
        return a == TRUTH_UNKNOWN ? a : b;
    case OP_NOT:
        a = truth_of(n->a, s);
        return a == TRUTH_UNKNOWN ? a : a == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
    case OP_EQ:
    case OP_NE:
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
        return compare(n, s);
    case OP_IN:
        return among(n, s);
    case OP_STARTS:
    case OP_ENDS:
    case OP_CONTAINS:
    case OP_HAS:
        return part(n, s);
    case OP_IS_NULL:
        return is_null(n->a, s) ? TRUTH_TRUE : TRUTH_FALSE;
    case OP_CONST:
    case OP_FIELD:
        return !number_of(n, s, &v) ? TRUTH_UNKNOWN : v ? TRUTH_TRUE : TRUTH_FALSE;
    default:
        return TRUTH_UNKNOWN;
    }
}

enum truth expr_eval(const struct expr *e, const struct expr_scope *scope) {
    return truth_of(e->root, scope);
}

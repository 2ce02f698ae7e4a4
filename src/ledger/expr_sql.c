#include "ledger/expr_tree.h"

#include <stdio.h>
#include <string.h>

struct writer {
    struct buf *out;
    const struct register_decl *reg;
    const char *prefix;
    instant now;
    day today;
};

static void write_node(const struct writer *w, const struct expr_node *n);

static void write_column(const struct writer *w, struct text name) {
    buf_str(w->out, w->prefix);
    buf_char(w->out, '"');
    buf_text(w->out, name); /* [a-z][a-z0-9_]*, by the catalog */
    buf_char(w->out, '"');
}

static void write_text(const struct writer *w, struct text t) {
    buf_char(w->out, '\'');
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] == '\'') buf_char(w->out, '\'');
        buf_char(w->out, t.s[i]);
    }
    buf_char(w->out, '\'');
}

static void write_int(const struct writer *w, int64_t v) {
    if (v < 0) buf_char(w->out, '(');
    buf_int(w->out, v);
    if (v < 0) buf_char(w->out, ')');
}

static void write_value(const struct writer *w, struct value v) {
    if (v.kind == VALUE_TEXT)
        write_text(w, value_view(v));
    else
        write_int(w, v.i);
}

static void write_binary(const struct writer *w, const struct expr_node *n, const char *op) {
    buf_char(w->out, '(');
    write_node(w, n->a);
    buf_str(w->out, op);
    write_node(w, n->b);
    buf_char(w->out, ')');
}

static void write_in(const struct writer *w, const struct expr_node *n) {
    buf_char(w->out, '(');
    write_node(w, n->a);
    buf_str(w->out, " IN (");
    for (unsigned i = 0; i < n->n_items; i++) {
        if (i) buf_str(w->out, ", ");
        write_value(w, n->items[i]);
    }
    if (n->item_null) buf_str(w->out, n->n_items ? ", NULL" : "NULL");
    buf_str(w->out, "))");
}

static size_t codepoints(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
    return n;
}

/* LIKE itself folds case in SQLite and not in PostgreSQL, so it is spelled with functions both have. */
static void write_part(const struct writer *w, const struct expr_node *n) {
    struct text t = value_view(n->constant);
    if (n->op == OP_STARTS) {
        buf_str(w->out, "(substr(");
        write_node(w, n->a);
        buf_printf(w->out, ", 1, %zu) = ", codepoints(t));
        write_text(w, t);
    } else if (n->op == OP_ENDS) {
        buf_str(w->out, "(substr(");
        write_node(w, n->a);
        buf_str(w->out, ", length(");
        write_node(w, n->a);
        buf_printf(w->out, ") - %zu + 1) = ", codepoints(t));
        write_text(w, t);
    } else {
        const char *edge = n->op == OP_HAS ? "';' || " : "", *close = n->op == OP_HAS ? " || ';'" : "";
        if (t.n == 0 &&
            n->op == OP_CONTAINS) { /* everything contains nothing; replace() of nothing changes nothing */
            buf_str(w->out, "(length(");
            write_node(w, n->a);
            buf_str(w->out, ") >= 0");
        } else {
            buf_printf(w->out, "(replace(%s", edge);
            write_node(w, n->a);
            buf_printf(w->out, "%s, %s", close, edge);
            write_text(w, t);
            buf_printf(w->out, "%s, '') <> %s", close, edge);
            write_node(w, n->a);
            buf_str(w->out, close);
        }
    }
    buf_char(w->out, ')');
}

static void write_leaf(const struct writer *w, const struct expr_node *n) {
    bool truth = n->type == TYPE_TRUTH;
    switch (n->op) {
    case OP_NULL:
        buf_str(w->out, truth ? "(NULL = 1)" : "NULL");
        break;
    case OP_CONST:
        if (truth)
            buf_str(w->out, n->constant.i ? "(1 = 1)" : "(1 = 0)");
        else
            write_value(w, n->constant);
        break;
    case OP_FIELD:
        if (truth) buf_char(w->out, '(');
        write_column(w, w->reg->fields[n->field].name);
        if (truth) buf_str(w->out, " <> 0)");
        break;
    case OP_ID:
        write_column(w, TEXT("id"));
        break;
    case OP_NUMBER:
        write_column(w, TEXT("number"));
        break;
    case OP_STATE:
        write_column(w, TEXT("state"));
        break;
    case OP_REGION:
        write_column(w, TEXT("region"));
        break;
    case OP_VERSION:
        write_column(w, TEXT("version"));
        break;
    case OP_TODAY:
        write_int(w, w->today);
        break;
    default:
        write_int(w, w->now);
        break;
    }
}

static void write_node(const struct writer *w, const struct expr_node *n) {
    static const char *const infix[] = {
        [OP_ADD] = " + ", [OP_SUB] = " - ",   [OP_MUL] = " * ", [OP_EQ] = " = ",
        [OP_NE] = " <> ", [OP_LT] = " < ",    [OP_LE] = " <= ", [OP_GT] = " > ",
        [OP_GE] = " >= ", [OP_AND] = " AND ", [OP_OR] = " OR ",
    };
    switch (n->op) {
    case OP_IN:
        write_in(w, n);
        break;
    case OP_STARTS:
    case OP_ENDS:
    case OP_CONTAINS:
    case OP_HAS:
        write_part(w, n);
        break;
    case OP_IS_NULL:
        buf_char(w->out, '(');
        write_node(w, n->a);
        buf_str(w->out, " IS NULL)");
        break;
    case OP_NOT:
    case OP_NEGATE:
        buf_str(w->out, n->op == OP_NOT ? "(NOT " : "(- ");
        write_node(w, n->a);
        buf_char(w->out, ')');
        break;
    default:
        if (n->op < sizeof infix / sizeof *infix && infix[n->op])
            write_binary(w, n, infix[n->op]);
        else
            write_leaf(w, n);
    }
}

int expr_sql(const struct expr *e, instant now, day today, const char *prefix, struct buf *out) {
    struct writer w = {.out = out, .reg = e->reg, .prefix = prefix ? prefix : "", .now = now, .today = today};
    write_node(&w, e->root);
    return out->failed;
}

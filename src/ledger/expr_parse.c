#include "ledger/expr_tree.h"

#include <stdio.h>
#include <string.h>

static bool keyword(const struct expr_parser *p, const char *word) {
    return p->token == TOKEN_NAME && text_is(p->word, word);
}

/* Consumes the keyword when it is next: 1 yes, 0 no, negative an error in the token behind it. */
static int accept(struct expr_parser *p, const char *word) {
    if (!keyword(p, word)) return 0;
    int rc = expr_next(p);
    return rc < 0 ? rc : 1;
}

static int expect(struct expr_parser *p, int symbol) {
    if (p->token != symbol) return expr_error(p, E_SYNTAX, p->at, "'%c' is expected here", symbol);
    return expr_next(p);
}

/* ---- literals */

static int constant_int(struct expr_parser *p, enum expr_type type, int64_t v, uint32_t at,
                        struct expr_node **ret) {
    int rc = expr_make(p, OP_CONST, type, at, ret);
    if (rc >= 0) (*ret)->constant = value_int(v);
    return rc;
}

static int number(struct expr_parser *p, struct expr_node **ret) {
    int64_t v = 0;
    int scale = -1;
    for (size_t i = 0; i < p->word.n; i++) {
        char c = p->word.s[i];
        if (c == '.') {
            if (scale >= 0) return expr_error(p, E_SYNTAX, p->at, "a number with two points");
            scale = 0;
            continue;
        }
        if (scale >= 0 && ++scale > EXPR_SCALE_MAX)
            return expr_error(p, E_TOO_LARGE, p->at, "more than %d decimals", EXPR_SCALE_MAX);
        if (v > (INT64_MAX - 9) / 10) return expr_error(p, E_TOO_LARGE, p->at, "a number beyond 64 bits");
        v = v * 10 + (c - '0');
    }
    if (scale == 0) return expr_error(p, E_SYNTAX, p->at, "digits are missing after the point");
    int rc = constant_int(p, TYPE_NUMBER, v, p->at, ret);
    if (rc < 0) return rc;
    (*ret)->scale = (uint8_t)(scale > 0 ? scale : 0);
    return expr_next(p);
}

static int quoted_text(struct expr_parser *p, struct expr_node **ret) {
    if (!text_utf8_valid(p->word)) return expr_error(p, E_INVALID, p->at, "the text is not UTF-8");
    if (p->word.n && memchr(p->word.s, 0, p->word.n))
        return expr_error(p, E_INVALID, p->at, "a NUL byte inside a text");
    int rc = expr_make(p, OP_CONST, TYPE_TEXT, p->at, ret);
    if (rc < 0) return rc;
    (*ret)->constant = value_text(p->word);
    return expr_next(p);
}

/* DATE '..', INSTANT '..', DURATION '..': the word was read, the text is ahead. */
static int typed_text(struct expr_parser *p, enum expr_type type, struct expr_node **ret) {
    day d = 0;
    int64_t v = 0;
    bool good = false;
    if (type == TYPE_DATE) {
        good = day_parse(p->word, &d);
        v = d;
    } else if (type == TYPE_INSTANT) {
        good = instant_parse(p->word, p->zone_s, &v);
    } else {
        good = duration_parse(p->word, &v);
    }
    if (!good) return expr_error(p, E_INVALID, p->at, "this is no date, instant or duration that exists");
    int rc = constant_int(p, type, v, p->at, ret);
    return rc < 0 ? rc : expr_next(p);
}

static int parse_or(struct expr_parser *p, struct expr_node **ret);

/* A word: a literal's keyword, or a name. */
static int word(struct expr_parser *p, struct expr_node **ret) {
    static const struct {
        const char *word;
        enum expr_type type;
    } typed[] = {{"date", TYPE_DATE}, {"instant", TYPE_INSTANT}, {"duration", TYPE_DURATION}};
    uint32_t at = p->at;
    struct text name = p->word;
    bool quoted = p->token == TOKEN_QUOTED;
    int rc = expr_next(p);
    if (rc < 0) return rc;
    for (size_t i = 0; !quoted && p->token == TOKEN_TEXT && i < sizeof typed / sizeof *typed; i++)
        if (text_is(name, typed[i].word)) return typed_text(p, typed[i].type, ret);
    if (!quoted && (text_is(name, "true") || text_is(name, "false")))
        return constant_int(p, TYPE_TRUTH, text_is(name, "true"), at, ret);
    if (!quoted && text_is(name, "null")) return expr_make(p, OP_NULL, TYPE_NULL, at, ret);
    return expr_type_name(p, name, quoted, at, ret);
}

static int primary(struct expr_parser *p, struct expr_node **ret) {
    int rc;
    switch (p->token) {
    case TOKEN_DIGITS:
        return number(p, ret);
    case TOKEN_TEXT:
        return quoted_text(p, ret);
    case TOKEN_NAME:
    case TOKEN_QUOTED:
        return word(p, ret);
    case '(':
        rc = expr_next(p);
        if (rc >= 0) rc = parse_or(p, ret);
        return rc < 0 ? rc : expect(p, ')');
    case TOKEN_END:
        return expr_error(p, E_SYNTAX, p->at, "the condition ends too early / 条件不完整");
    default:
        return expr_error(p, E_SYNTAX, p->at, "a field or a value is expected here / 此处须为字段或值");
    }
}

/* ---- the grammar, loosest at the bottom. Each level leaves the token behind it ahead. */

static int deeper(struct expr_parser *p) {
    if (++p->depth > EXPR_DEPTH_MAX)
        return expr_error(p, E_TOO_LARGE, p->at, "nested deeper than %d", EXPR_DEPTH_MAX);
    return 0;
}

static int parse_unary(struct expr_parser *p, struct expr_node **ret) {
    uint32_t at = p->at;
    if (p->token != '-') return primary(p, ret);
    int rc = deeper(p);
    if (rc >= 0) rc = expr_next(p);
    struct expr_node *of = NULL;
    if (rc >= 0) rc = parse_unary(p, &of);
    if (rc < 0) return rc;
    p->depth--;
    struct expr_node *n = NULL;
    if ((rc = expr_make(p, OP_NEGATE, TYPE_NULL, at, &n)) < 0) return rc;
    n->a = of;
    rc = expr_type_arithmetic(p, n);
    if (rc >= 0) *ret = n;
    return rc;
}

static int binary(struct expr_parser *p, bool product, struct expr_node **ret) {
    struct expr_node *left = NULL;
    int rc = product ? parse_unary(p, &left) : binary(p, true, &left);
    while (rc >= 0 && (product ? p->token == '*' : p->token == '+' || p->token == '-')) {
        struct expr_node *n = NULL;
        if ((rc = expr_make(p,
                            p->token == '*'   ? OP_MUL
                            : p->token == '+' ? OP_ADD
                                              : OP_SUB,
                            TYPE_NULL, p->at, &n)) < 0)
            return rc;
        n->a = left;
        rc = expr_next(p);
        if (rc >= 0) rc = product ? parse_unary(p, &n->b) : binary(p, true, &n->b);
        if (rc >= 0) rc = expr_type_arithmetic(p, n);
        left = n;
    }
    if (rc >= 0) *ret = left;
    return rc;
}

static int parse_sum(struct expr_parser *p, struct expr_node **ret) {
    return binary(p, false, ret);
}

static int parse_in(struct expr_parser *p, struct expr_node *n) {
    struct expr_node *literals[EXPR_NODES_MAX];
    size_t count = 0;
    int rc = expect(p, '(');
    while (rc >= 0) {
        if (count >= EXPR_NODES_MAX)
            return expr_error(p, E_TOO_LARGE, p->at, "more than %d values", EXPR_NODES_MAX);
        rc = parse_sum(p, &literals[count]);
        if (rc < 0) break;
        count++;
        if (p->token != ',') {
            rc = expect(p, ')');
            break;
        }
        rc = expr_next(p);
    }
    return rc < 0 ? rc : expr_type_in(p, n, literals, count);
}

/* a BETWEEN b AND c is a >= b AND a <= c, as the standard has it. */
static int parse_between(struct expr_parser *p, struct expr_node *n) {
    struct expr_node *low = NULL, *high = NULL;
    int rc = expr_make(p, OP_GE, TYPE_TRUTH, n->at, &low);
    if (rc >= 0) rc = expr_make(p, OP_LE, TYPE_TRUTH, n->at, &high);
    if (rc < 0) return rc;
    low->a = high->a = n->a;
    rc = parse_sum(p, &low->b);
    if (rc >= 0 && !keyword(p, "and")) rc = expr_error(p, E_SYNTAX, p->at, "AND is missing: BETWEEN a AND b");
    if (rc >= 0) rc = expr_next(p);
    if (rc >= 0) rc = parse_sum(p, &high->b);
    if (rc >= 0) rc = expr_type_compare(p, low);
    if (rc >= 0) rc = expr_type_compare(p, high);
    n->op = OP_AND;
    n->a = low;
    n->b = high;
    return rc;
}

/* What follows [NOT]: IN, BETWEEN or LIKE. */
static int parse_set(struct expr_parser *p, struct expr_node *n) {
    int rc = accept(p, "in");
    if (rc) {
        n->op = OP_IN;
        return rc < 0 ? rc : parse_in(p, n);
    }
    rc = accept(p, "between");
    if (rc) {
        return rc < 0 ? rc : parse_between(p, n);
    }
    rc = accept(p, "like");
    if (rc < 0) return rc;
    if (!rc) return expr_error(p, E_SYNTAX, p->at, "IN, BETWEEN or LIKE is expected after NOT");
    struct expr_node *pattern = NULL;
    rc = primary(p, &pattern);
    return rc < 0 ? rc : expr_type_like(p, n, pattern);
}

static int negated(struct expr_parser *p, struct expr_node *of, uint32_t at, struct expr_node **ret) {
    struct expr_node *n = NULL;
    int rc = expr_make(p, OP_NOT, TYPE_TRUTH, at, &n);
    if (rc < 0) return rc;
    n->a = of;
    *ret = n;
    return 0;
}

static int parse_predicate(struct expr_parser *p, struct expr_node **ret) {
    struct expr_node *left = NULL;
    int rc = parse_sum(p, &left);
    if (rc < 0) return rc;
    uint32_t at = p->at;
    static const struct {
        int token, op;
    } compare[] = {{'=', OP_EQ},      {TOKEN_NE, OP_NE}, {'<', OP_LT},
                   {TOKEN_LE, OP_LE}, {'>', OP_GT},      {TOKEN_GE, OP_GE}};
    int op = -1;
    for (size_t i = 0; i < sizeof compare / sizeof *compare; i++)
        if (p->token == compare[i].token) op = compare[i].op;
    bool is = keyword(p, "is"), not = keyword(p, "not");
    if (op < 0 && !is && !not &&!keyword(p, "in") && !keyword(p, "between") && !keyword(p, "like")) {
        *ret = left;
        return 0;
    }
    struct expr_node *n = NULL;
    if ((rc = expr_make(p, op >= 0 ? (enum expr_op)op : OP_IS_NULL, TYPE_TRUTH, at, &n)) < 0) return rc;
    n->a = left;
    if (op >= 0) {
        rc = expr_next(p);
        if (rc >= 0) rc = parse_sum(p, &n->b);
        if (rc >= 0) rc = expr_type_compare(p, n);
    } else if (is) {
        rc = expr_next(p);
        if (rc >= 0) rc = accept(p, "not");
        not = rc > 0;
        if (rc >= 0) rc = accept(p, "null");
        if (rc == 0) rc = expr_error(p, E_SYNTAX, p->at, "IS NULL or IS NOT NULL is expected");
    } else {
        if (not ) rc = expr_next(p);
        if (rc >= 0) rc = parse_set(p, n);
    }
    if (rc < 0) return rc;
    if (not ) return negated(p, n, at, ret);
    *ret = n;
    return 0;
}

static int parse_not(struct expr_parser *p, struct expr_node **ret) {
    if (!keyword(p, "not")) return parse_predicate(p, ret);
    uint32_t at = p->at;
    int rc = deeper(p);
    if (rc >= 0) rc = expr_next(p);
    struct expr_node *of = NULL;
    if (rc >= 0) rc = parse_not(p, &of);
    if (rc >= 0) rc = expr_type_truth(p, of, "NOT");
    if (rc < 0) return rc;
    p->depth--;
    return negated(p, of, at, ret);
}

static int chain(struct expr_parser *p, bool any, struct expr_node **ret) {
    const char *word = any ? "or" : "and";
    struct expr_node *left = NULL;
    int rc = any ? chain(p, false, &left) : parse_not(p, &left);
    while (rc >= 0 && keyword(p, word)) {
        struct expr_node *n = NULL;
        if ((rc = expr_make(p, any ? OP_OR : OP_AND, TYPE_TRUTH, p->at, &n)) < 0) return rc;
        n->a = left;
        rc = expr_next(p);
        if (rc >= 0) rc = any ? chain(p, false, &n->b) : parse_not(p, &n->b);
        if (rc >= 0) rc = expr_type_truth(p, n->a, any ? "OR" : "AND");
        if (rc >= 0) rc = expr_type_truth(p, n->b, any ? "OR" : "AND");
        left = n;
    }
    if (rc >= 0) *ret = left;
    return rc;
}

static int parse_or(struct expr_parser *p, struct expr_node **ret) {
    int rc = deeper(p);
    if (rc >= 0) rc = chain(p, true, ret);
    p->depth--;
    return rc;
}

int expr_parse(struct arena *a, struct text source, const struct register_decl *reg, int32_t zone_s,
               struct expr **ret, struct error *err) {
    struct error own = {0};
    struct expr_parser p = {
        .arena = a, .source = source, .reg = reg, .zone_s = zone_s, .err = err ? err : &own};
    if (source.n > EXPR_BYTES_MAX)
        return expr_error(&p, E_TOO_LARGE, 0, "longer than %d bytes", EXPR_BYTES_MAX);
    struct expr_node *root = NULL;
    int rc = expr_next(&p);
    if (rc >= 0) rc = parse_or(&p, &root);
    if (rc >= 0 && p.token != TOKEN_END) rc = expr_error(&p, E_SYNTAX, p.at, "nothing more is expected here");
    if (rc >= 0) rc = expr_type_truth(&p, root, "a condition");
    if (rc < 0) return rc;
    struct expr *e = arena_alloc(a, sizeof *e);
    if (!e) return expr_error(&p, E_MEMORY, 0, "out of memory");
    *e = (struct expr){.root = root, .reg = reg, .fields = p.fields};
    *ret = e;
    return 0;
}

uint64_t expr_fields(const struct expr *e) {
    return e->fields;
}

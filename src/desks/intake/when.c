/* Conditions of a map, over the columns of one row:
 *   source ~ '^I' and not [date of birth] is empty or status in ('A', 'B')
 * A name alone means "is not empty". Operators: = != < <= > >= (as numbers when both are), ~ !~ (extended regular expression).
 * Comparison of texts folds case, width and space. Names with other characters stand in [brackets]. Depth at most 32, 256 nodes. */
#include "desks/intake/plan.h"

#include <stdlib.h>
#include <string.h>

enum when_kind { WHEN_OR, WHEN_AND, WHEN_NOT, WHEN_FULL, WHEN_EMPTY, WHEN_COMPARE, WHEN_MATCH, WHEN_IN };
enum when_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

struct plan_when {
    enum when_kind kind;
    struct plan_when *left, *right;
    int slot, other; /* other: slot on the right side, -1 = the text */
    enum when_op op;
    struct text text; /* folded */
    regex_t *pattern;
    bool negated;
    size_t n_words;
    struct text *words;
};

struct reader {
    struct map *map;
    const struct yaml *node;
    struct text in;
    size_t pos, nodes;
    struct error *err;
};

static int complain(struct reader *r, const char *what) {
    return yaml_error(r->node, r->err, E_SYNTAX, "condition, character %zu: %s / 条件第 %zu 个字符: %s", r->pos + 1, what, r->pos + 1, error_zh(what));
}

static void spaces(struct reader *r) {
    while (r->pos < r->in.n && (r->in.s[r->pos] == ' ' || r->in.s[r->pos] == '\n' || r->in.s[r->pos] == '\t')) r->pos++;
}

static bool name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 || (c && strchr("_.@#/?-", c));
}

static struct text word_at(const struct reader *r) {
    size_t end = r->pos;
    while (end < r->in.n && name_byte(r->in.s[end])) end++;
    return (struct text){r->in.s + r->pos, end - r->pos};
}

static bool keyword(struct reader *r, const char *word) {
    spaces(r);
    struct text w = word_at(r);
    if (!text_is(w, word)) return false;
    r->pos += w.n;
    return true;
}

static bool sign(struct reader *r, const char *s) {
    spaces(r);
    size_t n = strlen(s);
    if (r->in.n - r->pos < n || memcmp(r->in.s + r->pos, s, n)) return false;
    r->pos += n;
    return true;
}

/* 'it''s' or "it"; 1 read, 0 there is none. */
static int literal(struct reader *r, struct text *ret) {
    spaces(r);
    if (r->pos >= r->in.n || (r->in.s[r->pos] != '\'' && r->in.s[r->pos] != '"')) return 0;
    char quote = r->in.s[r->pos++];
    char *out = arena_alloc(&r->map->arena, r->in.n - r->pos + 1);
    if (!out) return error_memory(r->err);
    size_t n = 0;
    for (;; r->pos++) {
        if (r->pos >= r->in.n) return complain(r, "a text without its closing quote");
        if (r->in.s[r->pos] == quote) {
            if (r->pos + 1 >= r->in.n || r->in.s[r->pos + 1] != quote) break;
            r->pos++;
        }
        out[n++] = r->in.s[r->pos];
    }
    r->pos++;
    *ret = (struct text){out, n};
    return 1;
}

static int column(struct reader *r, int *ret) {
    spaces(r);
    struct text name = {"", 0};
    if (r->pos < r->in.n && r->in.s[r->pos] == '[') {
        size_t end = r->pos + 1;
        while (end < r->in.n && r->in.s[end] != ']') end++;
        if (end >= r->in.n) return complain(r, "[ without its ]");
        name = (struct text){r->in.s + r->pos + 1, end - r->pos - 1};
        r->pos = end + 1;
    } else {
        name = word_at(r);
        r->pos += name.n;
    }
    if (!name.n) return complain(r, "a column is expected");
    return plan_slot(r->map, r->node, name, ret, r->err);
}

static struct plan_when *node_new(struct reader *r, enum when_kind kind) {
    if (++r->nodes > 256) {
        complain(r, "more than 256 parts");
        return NULL;
    }
    struct plan_when *w = arena_alloc(&r->map->arena, sizeof *w);
    if (!w) {
        error_memory(r->err);
        return NULL;
    }
    w->kind = kind;
    w->other = -1;
    return w;
}

static int failed(const struct reader *r) {
    return r->err && r->err->code ? r->err->code : E_MEMORY;
}

static int words(struct reader *r, struct plan_when *w) {
    enum { WORDS_MAX = 256 };
    if (!sign(r, "(")) return complain(r, "( is expected after in");
    w->words = arena_alloc(&r->map->arena, WORDS_MAX * sizeof *w->words);
    if (!w->words) return error_memory(r->err);
    do {
        struct text t = {"", 0};
        int rc = literal(r, &t);
        if (rc < 0) return rc;
        if (!rc) {
            spaces(r);
            t = word_at(r);
            r->pos += t.n;
            if (!t.n) return complain(r, "a text is expected in the list");
        }
        if (w->n_words == WORDS_MAX) return complain(r, "more than 256 words");
        w->words[w->n_words] = map_fold(&r->map->arena, t);
        if (!w->words[w->n_words++].s) return error_memory(r->err);
    } while (sign(r, ","));
    return sign(r, ")") ? 0 : complain(r, ") is expected");
}

static int compare_with(struct reader *r, struct plan_when *w) {
    struct text t = {"", 0};
    int rc = literal(r, &t);
    if (rc < 0) return rc;
    if (!rc) {
        struct text number = word_at(r);
        bool is_number = number.n > 0;
        for (size_t i = 0; i < number.n; i++)
            if (!strchr("0123456789.-", number.s[i])) is_number = false;
        if (!is_number) return column(r, &w->other);
        t = number;
        r->pos += number.n;
    }
    w->text = map_fold(&r->map->arena, t);
    return w->text.s ? 0 : error_memory(r->err);
}

static int test(struct reader *r, struct plan_when **ret) {
    static const struct { const char *sign; enum when_op op; } ops[] = {{"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE}, {"=", OP_EQ}, {"<", OP_LT}, {">", OP_GT}};
    struct plan_when *w = node_new(r, WHEN_FULL);
    if (!w) return failed(r);
    *ret = w;
    int rc = column(r, &w->slot);
    if (rc < 0) return rc;
    if (keyword(r, "is")) {
        w->negated = keyword(r, "not");
        w->kind = w->negated ? WHEN_FULL : WHEN_EMPTY;
        return keyword(r, "empty") ? 0 : complain(r, "empty is expected after is");
    }
    if (keyword(r, "in")) {
        w->kind = WHEN_IN;
        return words(r, w);
    }
    bool no_match = sign(r, "!~");
    if (no_match || sign(r, "~")) {
        struct text pattern = {"", 0};
        w->kind = WHEN_MATCH;
        w->negated = no_match;
        rc = literal(r, &pattern);
        if (rc == 0) return complain(r, "a quoted pattern is expected after ~");
        return rc < 0 ? rc : plan_pattern(r->map, r->node, pattern, &w->pattern, r->err);
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (sign(r, ops[i].sign)) {
            w->kind = WHEN_COMPARE;
            w->op = ops[i].op;
            return compare_with(r, w);
        }
    return 0;
}

static int any_of(struct reader *r, int depth, struct plan_when **ret);

static int one(struct reader *r, int depth, struct plan_when **ret) {
    if (depth > 32) return complain(r, "nested deeper than 32");
    if (keyword(r, "not")) {
        struct plan_when *w = node_new(r, WHEN_NOT);
        if (!w) return failed(r);
        *ret = w;
        return one(r, depth + 1, &w->left);
    }
    if (sign(r, "(")) {
        int rc = any_of(r, depth + 1, ret);
        return rc < 0 ? rc : sign(r, ")") ? 0 : complain(r, ") is expected");
    }
    return test(r, ret);
}

static int all_of(struct reader *r, int depth, struct plan_when **ret) {
    int rc = one(r, depth, ret);
    while (rc == 0 && keyword(r, "and")) {
        struct plan_when *w = node_new(r, WHEN_AND);
        if (!w) return failed(r);
        w->left = *ret;
        *ret = w;
        rc = one(r, depth, &w->right);
    }
    return rc;
}

static int any_of(struct reader *r, int depth, struct plan_when **ret) {
    int rc = all_of(r, depth, ret);
    while (rc == 0 && keyword(r, "or")) {
        struct plan_when *w = node_new(r, WHEN_OR);
        if (!w) return failed(r);
        w->left = *ret;
        *ret = w;
        rc = all_of(r, depth, &w->right);
    }
    return rc;
}

int when_parse(struct map *m, const struct yaml *node, struct plan_when **ret, struct error *err) {
    struct error own = {0};
    struct reader r = {.map = m, .node = node, .err = err ? err : &own};
    if (node->kind != YAML_SCALAR) return yaml_error(node, err, E_INVALID, "a condition must be a text");
    if (node->text.n > 4096) return yaml_error(node, err, E_TOO_LARGE, "a condition of more than 4,096 bytes");
    r.in = node->text;
    struct plan_when *w = NULL;
    int rc = any_of(&r, 0, &w);
    if (rc < 0) return rc;
    spaces(&r);
    if (r.pos < r.in.n) return complain(&r, "and, or or the end is expected");
    *ret = w;
    return 0;
}

static bool as_number(struct text t, double *ret) {
    char s[40];
    if (t.n == 0 || t.n >= sizeof s || !strchr("0123456789.-+", t.s[0])) return false;
    memcpy(s, t.s, t.n);
    s[t.n] = 0;
    char *end = NULL;
    *ret = strtod(s, &end);
    return *end == 0;
}

static struct text fold(const struct plan_env *env, int slot) {
    struct text t = map_fold(env->arena, env->slots[slot]);
    if (t.s) return t;
    *env->starved = true;
    return (struct text){"", 0};
}

static bool compare(const struct plan_when *w, const struct plan_env *env) {
    struct text a = fold(env, w->slot);
    struct text b = w->other >= 0 ? fold(env, w->other) : w->text;
    double x = 0, y = 0;
    int c = as_number(a, &x) && as_number(b, &y) ? (x > y) - (x < y) : text_cmp(a, b);
    if (a.n == 0 && w->op != OP_EQ && w->op != OP_NE) return false;
    switch (w->op) {
    case OP_EQ: return c == 0;
    case OP_NE: return c != 0;
    case OP_LT: return c < 0;
    case OP_LE: return c <= 0;
    case OP_GT: return c > 0;
    default: return c >= 0;
    }
}

static bool match(const struct plan_when *w, const struct plan_env *env) {
    struct text t = env->slots[w->slot];
    char s[MAP_MATCH_MAX + 1];
    size_t n = t.n < MAP_MATCH_MAX ? t.n : MAP_MATCH_MAX;
    memcpy(s, t.n ? t.s : "", n);
    s[n] = 0;
    return (regexec(w->pattern, s, 0, NULL, 0) == 0) != w->negated;
}

bool when_holds(const struct plan_when *w, const struct plan_env *env) {
    switch (w->kind) {
    case WHEN_OR: return when_holds(w->left, env) || when_holds(w->right, env);
    case WHEN_AND: return when_holds(w->left, env) && when_holds(w->right, env);
    case WHEN_NOT: return !when_holds(w->left, env);
    case WHEN_FULL: return env->slots[w->slot].n > 0;
    case WHEN_EMPTY: return env->slots[w->slot].n == 0;
    case WHEN_MATCH: return match(w, env);
    case WHEN_COMPARE: return compare(w, env);
    default: break;
    }
    struct text t = fold(env, w->slot);
    for (size_t i = 0; i < w->n_words; i++)
        if (text_eq(w->words[i], t)) return true;
    return false;
}

/* The words of a condition, and what every part of its parser shares: places of errors, new nodes. */
#include "ledger/expr_tree.h"

#include <stdio.h>
#include <string.h>

/* ---- errors and nodes */

int expr_error(struct expr_parser *p, int code, uint32_t at, const char *format, ...) {
    char message[ERROR_MESSAGE_MAX], where[ERROR_WHERE_MAX];
    va_list args;
    va_start(args, format);
    error_write(message, sizeof message, format, args);
    va_end(args);
    unsigned column = 1;
    for (uint32_t i = 0; i < at && i < p->source.n; i++)
        column += ((unsigned char)p->source.s[i] & 0xC0) != 0x80;
    snprintf(where, sizeof where, "column %u", column);
    return error_set(p->err, code, where, "%s", message);
}

int expr_make(struct expr_parser *p, enum expr_op op, enum expr_type type, uint32_t at,
              struct expr_node **ret) {
    if (++p->nodes > EXPR_NODES_MAX)
        return expr_error(p, E_TOO_LARGE, at, "the condition has more than %d parts", EXPR_NODES_MAX);
    struct expr_node *n = arena_alloc(p->arena, sizeof *n);
    if (!n) return expr_error(p, E_MEMORY, at, "out of memory");
    n->op = (uint8_t)op;
    n->type = (uint8_t)type;
    n->at = at;
    *ret = n;
    return 0;
}

/* ---- tokens */

static bool name_byte(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

static bool digit_byte(char c) {
    return c >= '0' && c <= '9';
}

/* Reads up to the closing quote; a doubled quote stands for one. */
static int read_quoted(struct expr_parser *p, char quote, uint32_t *i) {
    const char *s = p->source.s;
    char *out = arena_alloc(p->arena, p->source.n - *i + 1);
    if (!out) return expr_error(p, E_MEMORY, p->at, "out of memory");
    size_t n = 0;
    for (uint32_t k = *i + 1; k < p->source.n; k++) {
        if (s[k] == quote && !(k + 1 < p->source.n && s[k + 1] == quote)) {
            p->word = (struct text){out, n};
            *i = k + 1;
            return 0;
        }
        if (s[k] == quote) k++;
        out[n++] = s[k];
    }
    return expr_error(p, E_SYNTAX, p->at, "the closing %c is missing", quote);
}

static int read_name(struct expr_parser *p, uint32_t *i) {
    uint32_t from = *i;
    while (*i < p->source.n && name_byte(p->source.s[*i], false)) (*i)++;
    char *out = arena_alloc(p->arena, *i - from + 1);
    if (!out) return expr_error(p, E_MEMORY, p->at, "out of memory");
    for (uint32_t k = from; k < *i; k++) {
        char c = p->source.s[k];
        out[k - from] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    p->word = (struct text){out, *i - from};
    return 0;
}

static int read_symbol(struct expr_parser *p, uint32_t *i) {
    const char *s = p->source.s + *i;
    size_t left = p->source.n - *i;
    static const struct {
        const char two[3];
        int token;
    } pairs[] = {{"<>", TOKEN_NE}, {"!=", TOKEN_NE}, {"<=", TOKEN_LE}, {">=", TOKEN_GE}};
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        if (left >= 2 && memcmp(s, pairs[k].two, 2) == 0) {
            p->token = pairs[k].token;
            *i += 2;
            return 0;
        }
    if (!memchr("=<>+-*(),", s[0], 9)) {
        size_t pos = 0, n = text_codepoint((struct text){s, left}, &pos) == 0xFFFD ? 0 : pos;
        return expr_error(p, E_SYNTAX, p->at, "'%.*s' has no meaning in a condition", (int)n, s);
    }
    p->token = s[0];
    (*i)++;
    return 0;
}

int expr_next(struct expr_parser *p) {
    const char *s = p->source.s;
    uint32_t i = p->end;
    while (i < p->source.n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r')) i++;
    p->at = i;
    p->word = (struct text){"", 0};
    int rc = 0;
    if (i >= p->source.n) {
        p->token = TOKEN_END;
    } else if (s[i] == '\'' || s[i] == '"') {
        p->token = s[i] == '"' ? TOKEN_QUOTED : TOKEN_TEXT;
        rc = read_quoted(p, s[i], &i);
    } else if (name_byte(s[i], true)) {
        p->token = TOKEN_NAME;
        rc = read_name(p, &i);
    } else if (digit_byte(s[i])) {
        p->token = TOKEN_DIGITS;
        while (i < p->source.n && (digit_byte(s[i]) || s[i] == '.')) i++;
        p->word = (struct text){s + p->at, i - p->at};
        if (i < p->source.n && name_byte(s[i], true))
            rc = expr_error(p, E_SYNTAX, p->at, "a number runs into a name / 数字与名称相连");
    } else {
        rc = read_symbol(p, &i);
    }
    p->end = i;
    return rc;
}

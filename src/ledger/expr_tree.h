/* ledger, private to expr_*.c: the words and the tree of a condition. The parser makes it, types it and folds
 * units (a date literal becomes a day number, decimals of two scales are brought to one), so that evaluation
 * and SQL only see whole numbers, texts and truths. */
#ifndef TOCSIN_LEDGER_EXPR_TREE_H
#define TOCSIN_LEDGER_EXPR_TREE_H

#include "ledger/expr.h"

enum { EXPR_BYTES_MAX = 4096, EXPR_NODES_MAX = 256, EXPR_DEPTH_MAX = 32, EXPR_SCALE_MAX = 9 };

enum expr_type {
    TYPE_NULL, /* the literal NULL: takes the type of what it meets */
    TYPE_TRUTH,
    TYPE_NUMBER, /* scale 0: whole; else times 10^scale */
    TYPE_TEXT,
    TYPE_DATE,
    TYPE_INSTANT,
    TYPE_DURATION,
};

enum expr_op {
    /* leaves */
    OP_NULL,
    OP_CONST, /* constant: INT, or TEXT; of a truth 0 or 1 */
    OP_FIELD,
    OP_ID,
    OP_NUMBER,
    OP_STATE,
    OP_REGION,
    OP_VERSION,
    OP_TODAY,
    OP_NOW,
    /* whole numbers of a, b */
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_NEGATE,
    /* truths of a and b, or a and items */
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_STARTS, /* a LIKE 'constant%' */
    OP_ENDS,
    OP_CONTAINS,
    OP_HAS, /* a, several codes joined by ';', has the code constant */
    OP_IS_NULL,
    OP_AND,
    OP_OR,
    OP_NOT,
};

struct expr_node {
    uint8_t op, type, scale;
    bool item_null; /* OP_IN: NULL is among the items */
    uint16_t n_items;
    int32_t field; /* OP_FIELD */
    uint32_t at;   /* byte of the source, for messages */
    struct value constant;
    struct expr_node *a, *b;
    struct value *items; /* OP_IN */
};

struct expr {
    struct expr_node *root;
    const struct register_decl *reg;
    uint64_t fields;
};

enum expr_token {
    TOKEN_END,
    TOKEN_NAME,   /* word */
    TOKEN_QUOTED, /* "word": a name that is also a keyword */
    TOKEN_TEXT,   /* 'word' */
    TOKEN_DIGITS, /* word: 12 or 37.5 */
    TOKEN_NE,
    TOKEN_LE,
    TOKEN_GE,
    /* others are their own character */
};

/* The parser's state; expr_type.c reports its errors through it. */
struct expr_parser {
    struct arena *arena;
    struct text source;
    const struct register_decl *reg;
    int32_t zone_s;
    uint64_t fields;
    int nodes, depth;
    struct error *err;
    int token; /* ahead: enum expr_token or a character */
    uint32_t at, end;
    struct text word; /* a name folded to lower case, or a text without its quotes */
};

/* ---- expr_token.c */
/* "column N" counted in code points from 1. */
int expr_error(struct expr_parser *p, int code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A new node; E_TOO_LARGE past the maximum, E_MEMORY. */
int expr_make(struct expr_parser *p, enum expr_op op, enum expr_type type, uint32_t at,
              struct expr_node **ret);
/* Reads the token ahead of the parser. */
int expr_next(struct expr_parser *p);

/* ---- expr_type.c: checks operands, converts literals, sets the type of the result. Negative: p->err is set.
 */
int expr_type_name(struct expr_parser *p, struct text name, bool quoted, uint32_t at, struct expr_node **ret);
int expr_type_arithmetic(struct expr_parser *p, struct expr_node *n);
int expr_type_compare(struct expr_parser *p, struct expr_node *n); /* EQ .. GE */
int expr_type_in(struct expr_parser *p, struct expr_node *n, struct expr_node **literals, size_t count);
int expr_type_like(struct expr_parser *p, struct expr_node *n, struct expr_node *pattern);
int expr_type_truth(struct expr_parser *p, struct expr_node *n, const char *where);

#endif

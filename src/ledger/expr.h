/* ledger: conditions. One SQL expression over a record's own fields, parsed by us (so that an auditor can read it, no injection is
 * possible, and both stores and the in-memory evaluation agree), with SQL's three-valued logic.
 * Grammar (case-insensitive keywords):
 *   or | and | not | = <> != < <= > >= | IS [NOT] NULL | [NOT] IN (literal, ...) | [NOT] BETWEEN a AND b | [NOT] LIKE 'text%' | + - * | ( )
 *   literals: 12, 37.5, 'text', TRUE, FALSE, NULL, DATE '2022-05-30', INSTANT '2022-05-30T17:00:00+08:00', DURATION '2h'
 *   names: fields of the register, and id, number, state, region, version; TODAY and NOW (the clock of the command)
 * Typed: comparing a date with a text, an unknown field, an unknown code of a code field, an expression that is not boolean at the
 * top are errors with the column. Text literals compared with date fields are read as dates. Maxima: 4,096 bytes, 256 nodes, depth 32. */
#ifndef TOCSIN_LEDGER_EXPR_H
#define TOCSIN_LEDGER_EXPR_H

#include "ledger/register.h"

struct expr;

/* What the names mean at evaluation. values is indexed like reg->fields. */
struct expr_scope {
    const struct value *values;
    int64_t id;
    struct text number, state, region;
    int64_t version;
    instant now;
    day today;
};

enum truth { TRUTH_FALSE = 0, TRUTH_TRUE = 1, TRUTH_UNKNOWN = 2 };

/* Parses and binds to a register. The expr lives in the arena and is immutable. zone_s reads instants without a zone. On error err->where is "column N". */
int expr_parse(struct arena *a, struct text source, const struct register_decl *reg, int32_t zone_s, struct expr **ret, struct error *err);
enum truth expr_eval(const struct expr *e, const struct expr_scope *scope); /* pure, no allocation; division does not exist */
/* The same condition as SQL for both stores; literals escaped, TODAY/NOW substituted; `prefix` ("t." or "") before columns. */
int expr_sql(const struct expr *e, instant now, day today, const char *prefix, struct buf *out);
/* Bit i set when field i is used (fields beyond 63 set bit 63). */
uint64_t expr_fields(const struct expr *e);

#endif

/* Conditions in SQL. Column names come from declarations, everything else is bound. */
#include <stdlib.h>
#include <string.h>

#include "desks/list/inside.h"
#include "desks/person.h"

void list_sql_reset(struct list_sql *q) {
    buf_reset(&q->text);
    q->n = 0;
    q->full = false;
}

void list_bind(struct list_sql *q, struct value v) {
    if (q->n == LIST_PARAMS_MAX) {
        q->full = true;
        return;
    }
    q->params[q->n++] = v;
    buf_printf(&q->text, "?%zu", q->n);
}

int list_sql_check(const struct list_sql *q, struct error *err) {
    if (q->full) return error_set(err, E_TOO_LARGE, NULL, "the filters hold too many values together / 筛选取值总数过多");
    return q->text.failed ? error_memory(err) : 0;
}

/* ---- where */

int list_scope_of(const struct session *s, const struct list_query *q, struct arena *a, struct list_scope *ret, struct error *err) {
    struct text *mine = arena_alloc(a, (s->n_grants + 1) * sizeof *mine);
    if (!mine) return error_memory(err);
    size_t n = access_regions(s, ACCESS_READ, q->reg, mine);
    if (n && q->reg->below) n = 1, mine[0] = (struct text){"", 0}; /* few records: which of them may be read is one more condition (list_terms_sql) */
    *ret = (struct list_scope){.n = n, .regions = mine, .everywhere = n == 1 && mine[0].n == 0};
    if (!q->narrowed) return 0;
    struct text *both = arena_alloc(a, (n * q->n_regions + 1) * sizeof *both);
    if (!both) return error_memory(err);
    *ret = (struct list_scope){.regions = both};
    /* both sides are disjoint, so of each pair at most one lies within the other, and the results are disjoint too */
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < q->n_regions; k++) {
            if (region_within(q->regions[k], mine[i])) both[ret->n++] = q->regions[k];
            else if (region_within(mine[i], q->regions[k])) both[ret->n++] = mine[i];
        }
    return 0;
}

/* A column, so that an index on it serves or, not plain, does not. SQLite: a plus before it keeps its indexes out; PostgreSQL has no such sign for every
 * type, but does not look through an expression. */
static void column_sql(struct list_sql *out, const char *column, bool plain, bool text) {
    if (plain) buf_printf(&out->text, "\"%s\"", column);
    else if (out->lite) buf_printf(&out->text, "+\"%s\"", column);
    else buf_printf(&out->text, "(\"%s\" %s)", column, text ? "|| ''" : "+ 0");
}

/* The text where a subtree ends stands in the statement itself: it is made of digits and capitals. */
void list_subtree_sql(struct list_sql *out, const char *column, struct text region, bool plain) {
    char end[REGION_MAX + 2];
    column_sql(out, column, plain, true);
    buf_str(&out->text, " >= ");
    list_bind(out, value_text(region));
    if (!region_end(region, end)) return;
    buf_str(&out->text, " AND ");
    column_sql(out, column, plain, true);
    buf_printf(&out->text, " < '%s'", end);
}

void list_scope_sql(struct list_sql *out, const struct list_scope *scope, bool plain) {
    if (scope->everywhere) {
        buf_str(&out->text, "1=1");
        return;
    }
    if (!scope->n) {
        buf_str(&out->text, "1=0");
        return;
    }
    for (size_t i = 0; i < scope->n; i++) {
        buf_str(&out->text, i ? " OR " : "(");
        list_subtree_sql(out, "region", scope->regions[i], plain);
    }
    buf_char(&out->text, ')');
}

/* ---- terms */

/* What has no index of its own needs no guard on PostgreSQL, whose statistics then know the column. */
static void term_column(struct list_sql *out, const struct list_term *t, bool plain) {
    column_sql(out, t->column, plain || (!out->lite && !t->indexed), t->n && t->values[0].kind == VALUE_TEXT);
}

static void in_sql(struct list_sql *out, const struct list_term *t, bool plain) {
    if (!t->n) {
        buf_str(&out->text, "1=0");
        return;
    }
    term_column(out, t, plain);
    buf_str(&out->text, " IN (");
    for (size_t i = 0; i < t->n; i++) {
        if (i) buf_char(&out->text, ',');
        list_bind(out, t->values[i]);
    }
    buf_char(&out->text, ')');
}

/* "a;b" has "a": spelled with functions that both stores have. */
static void has_sql(struct list_sql *out, const struct list_term *t) {
    for (size_t i = 0; i < t->n; i++) {
        buf_printf(&out->text, "%s(replace(';' || \"%s\" || ';', ';' || ", i ? " OR " : "(", t->column);
        list_bind(out, t->values[i]);
        buf_printf(&out->text, " || ';', '') <> ';' || \"%s\" || ';')", t->column);
    }
    buf_char(&out->text, ')');
}

static void range_sql(struct list_sql *out, const struct list_term *t, bool plain) {
    bool low = t->low.kind == VALUE_INT;
    if (low) {
        term_column(out, t, plain);
        buf_str(&out->text, " >= ");
        list_bind(out, t->low);
    }
    if (t->high.kind == VALUE_INT) {
        if (low) buf_str(&out->text, " AND ");
        term_column(out, t, plain);
        buf_str(&out->text, " <= ");
        list_bind(out, t->high);
    }
}

static size_t codepoints(struct text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
    return n;
}

void list_term_sql(struct list_sql *out, const struct list_term *t, bool plain) {
    switch (t->test) {
    case LIST_IN:
        in_sql(out, t, plain);
        return;
    case LIST_HAS:
        has_sql(out, t);
        return;
    case LIST_RANGE:
        range_sql(out, t, plain);
        return;
    case LIST_PREFIX:
        buf_printf(&out->text, "substr(\"%s\", 1, %zu) = ", t->column, codepoints(value_view(t->values[0])));
        list_bind(out, t->values[0]);
        return;
    case LIST_SUBTREE:
        for (size_t i = 0; i < t->n; i++) {
            buf_str(&out->text, i ? " OR " : "(");
            list_subtree_sql(out, t->column, value_view(t->values[i]), plain || !out->lite);
        }
        buf_char(&out->text, ')');
        return;
    case LIST_EMPTY:
        term_column(out, t, plain);
        buf_str(&out->text, t->given ? " IS NOT NULL" : " IS NULL");
        return;
    case LIST_SEALED: /* list_unseal made it LIST_IN; until then it finds nothing */
        break;
    }
    buf_str(&out->text, "1=0");
}

void list_terms_sql(struct list_sql *out, const struct ledger *l, const struct session *s, const struct list_query *q, const char *plain) {
    if (q->reg->below) {
        buf_str(&out->text, " AND ");
        access_sql(s, ACCESS_READ, q->reg, "\"region\"", &out->text);
    }
    for (size_t i = 0; i < q->n_terms; i++) {
        buf_str(&out->text, " AND ");
        list_term_sql(out, &q->terms[i], plain && !strcmp(plain, q->terms[i].column));
    }
    if (!q->where) return;
    buf_str(&out->text, " AND (");
    expr_sql(q->where, s->now, day_of_instant(s->now, l->zone_s), out->lite ? "+" : "", &out->text);
    buf_char(&out->text, ')');
}

bool list_filters(const struct list_query *q) {
    return q->n_terms || q->where || q->reg->below;
}

/* ---- sealed values */

const struct list_term *list_sealed_term(const struct list_query *q) {
    for (size_t i = 0; i < q->n_terms; i++)
        if (q->terms[i].test == LIST_SEALED) return &q->terms[i];
    return NULL;
}

/* Only persons whose fields the session may open can be found by them: to find by a value is to learn it. */
static int holders_of(struct ledger *l, struct db *db, const struct session *s, const struct list_term *t, struct arena *a, struct list_term *ret,
                      struct error *err) {
    const struct register_decl *people = register_find(l->catalog, TEXT("person"));
    if (!people) return error_set(err, E_UNKNOWN, "person", "this catalog has no persons");
    if (!text_trim(s->purpose).n)
        return error_set(err, E_DENIED, t->sealed->name.s, "finding by a sealed field needs a purpose / 按加密字段查找须说明目的");
    if (!access_anywhere(s, ACCESS_OPEN, people)) {
        int rc = access_check(s, ACCESS_OPEN, people, TEXT(""), err);
        return rc < 0 ? rc : E_DENIED;
    }
    int64_t *ids = NULL;
    size_t n = 0, kept = 0;
    int rc = person_find(l, db, t->sealed->blind, value_view(t->values[0]), a, &ids, &n, err);
    if (rc < 0) return rc;
    if (n > LIST_HOLDERS_MAX) return error_set(err, E_TOO_LARGE, t->sealed->name.s, "more than %d persons are found by it; add another field / 匹配人员过多,请增加条件", LIST_HOLDERS_MAX);
    struct value *values = arena_alloc(a, (n + 1) * sizeof *values);
    if (!values) return error_memory(err);
    struct buf sql = {0};
    buf_str(&sql, "SELECT \"id\" FROM \"person\" WHERE \"id\" = ?1 AND ");
    access_sql(s, ACCESS_OPEN, people, "\"region\"", &sql);
    rc = sql.failed ? error_memory(err) : 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct value id = value_int(ids[i]), found;
        rc = db_scalar(db, a, buf_cstr(&sql), &id, 1, &found, err);
        if (rc == 0 && found.kind == VALUE_INT) values[kept++] = found;
    }
    buf_clear(&sql);
    *ret = (struct list_term){.test = LIST_IN, .column = t->column, .indexed = true, .n = kept, .values = values};
    return rc;
}

/* Numbers are found by the lookup, not by an index of their own. */
static int numbered(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct list_term *t, struct arena *a,
                    struct list_term *ret, struct error *err) {
    struct value *values = arena_alloc(a, (t->n + 1) * sizeof *values);
    size_t n = 0;
    if (!values) return error_memory(err);
    for (size_t i = 0; i < t->n; i++) {
        struct record r;
        struct error why = {0};
        int rc = record_by_number(l, db, s, reg, value_view(t->values[i]), a, &r, &why);
        if (rc < 0 && rc != E_UNKNOWN) return error_set(err, rc, why.where, "%s", why.message);
        if (rc == 0 && text_eq(r.number, value_view(t->values[i]))) values[n++] = value_int(r.id);
    }
    *ret = (struct list_term){.test = LIST_IN, .column = "id", .indexed = true, .n = n, .values = values};
    return 0;
}

int list_unseal(struct ledger *l, struct db *db, const struct session *s, const struct list_query *q, struct arena *a, const struct list_query **ret,
                struct error *err) {
    struct list_query *own = NULL;
    int rc = 0;
    for (size_t i = 0; i < q->n_terms && rc == 0; i++) {
        bool number = q->terms[i].test == LIST_IN && q->reg->number_mask.n && !strcmp(q->terms[i].column, "number");
        if (q->terms[i].test != LIST_SEALED && !number) continue;
        if (!own) {
            own = arena_alloc(a, sizeof *own);
            if (!own) return error_memory(err);
            *own = *q;
        }
        rc = number ? numbered(l, db, s, q->reg, &q->terms[i], a, &own->terms[i], err) : holders_of(l, db, s, &q->terms[i], a, &own->terms[i], err);
    }
    *ret = own ? own : q;
    return rc;
}

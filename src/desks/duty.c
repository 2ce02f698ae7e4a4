#include "desks/duty.h"

#include <stdlib.h>
#include <string.h>

enum { TICK_BATCH = 20000, PARAMS_MAX = 12 };

static int memory(struct error *err) {
    return error_set(err, E_MEMORY, NULL, "out of memory");
}

struct condition {
    struct buf sql;
    struct value params[PARAMS_MAX];
    size_t n;
    char end[REGION_MAX + 2];
};

static void equals(struct condition *c, const char *column, struct value v) {
    c->params[c->n++] = v;
    buf_printf(&c->sql, " AND \"%s\" = ?%zu", column, c->n);
}

static void condition_of(struct condition *c, const struct session *s, const struct duty_filter *f) {
    access_scope_sql(s, "\"region\"", &c->sql);
    if (f->desk.n) equals(c, "desk", value_text(f->desk));
    if (f->rule.n) equals(c, "rule", value_text(f->rule));
    if (f->reg.n) equals(c, "register", value_text(f->reg));
    if (f->owner) equals(c, "owner", value_int(f->owner));
    if (f->without_owner) equals(c, "owner_kind", value_int(OWNER_NONE));
    if (f->region.n) {
        c->params[c->n++] = value_text(f->region);
        buf_printf(&c->sql, " AND \"region\" >= ?%zu", c->n);
        if (region_end(f->region, c->end)) {
            c->params[c->n++] = value_str(c->end);
            buf_printf(&c->sql, " AND \"region\" < ?%zu", c->n);
        }
    }
}

int duty_list(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f,
              int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err) {
    struct condition c = {0};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    buf_printf(&c.sql, "SELECT %s FROM \"obligation\" WHERE \"wake_at\" IS NOT NULL AND \"state\" = 'open' AND ", obligation_columns);
    condition_of(&c, s, f);
    if (f->overdue) {
        c.params[c.n++] = value_int(s->now);
        buf_printf(&c.sql, " AND \"due_at\" < ?%zu", c.n);
    }
    buf_str(&c.sql, " ORDER BY \"due_at\", \"holder\", \"rule\", \"record\"");
    if (f->limit) buf_printf(&c.sql, " LIMIT %zu", f->limit);
    int rc = c.sql.failed ? memory(err) : db_query(db ? db : l->db, buf_cstr(&c.sql), c.params, c.n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        const struct adoption *a = ledger_adoption(l, o.pack);
        o.duty.rule = a ? policy_rule(a->policy, o.rule) : -1;
        rc = visit(&o, book_rule(l, &o), arg);
    }
    db_cursor_close(cursor);
    buf_clear(&c.sql);
    return rc;
}

static void add(struct duty_count *to, const struct duty_count *from) {
    to->open += from->open;
    to->due_1h += from->due_1h;
    to->overdue += from->overdue;
    to->without_owner += from->without_owner;
    to->escalated += from->escalated;
    to->paid += from->paid;
    to->paid_late += from->paid_late;
    to->lapsed += from->lapsed;
    to->cancelled += from->cancelled;
    if (from->oldest_due != INSTANT_NONE && (to->oldest_due == INSTANT_NONE || from->oldest_due < to->oldest_due)) to->oldest_due = from->oldest_due;
}

static int grow(struct duty_summary *d, size_t *cap, struct error *err) {
    if (d->n < *cap) return 0;
    size_t more = *cap ? *cap * 2 : 32;
    struct duty_count *list = arena_alloc(&d->arena, more * sizeof *list);
    if (!list) return memory(err);
    if (d->n) memcpy(list, d->rules, d->n * sizeof *list);
    d->rules = list;
    *cap = more;
    return 0;
}

void duty_summary_clear(struct duty_summary *d) {
    arena_clear(&d->arena);
    *d = (struct duty_summary){0};
}

int duty_summarise(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_summary *ret, struct error *err) {
    struct condition c = {.n = 2, .params = {value_int(s->now), value_int(s->now + 3600)}};
    struct duty_summary d = {.total = {.oldest_due = INSTANT_NONE}, .closed_rate = -1};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    size_t cap = 0;
    buf_str(&c.sql, "SELECT \"desk\",\"rule\",\"register\","
                    "SUM(CASE WHEN \"state\"='open' THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='open' AND \"due_at\">=?1 AND \"due_at\"<=?2 THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='open' AND \"due_at\"<?1 THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='open' AND \"owner_kind\"=0 THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='open' AND \"level\">0 THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='paid' THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='paid' AND \"late\"=1 THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='lapsed' THEN 1 ELSE 0 END),"
                    "SUM(CASE WHEN \"state\"='cancelled' THEN 1 ELSE 0 END),"
                    "MIN(CASE WHEN \"state\"='open' THEN \"due_at\" END)"
                    " FROM \"obligation\" WHERE \"state\" <> 'standing' AND ");
    condition_of(&c, s, f);
    buf_str(&c.sql, " GROUP BY \"desk\",\"rule\",\"register\" ORDER BY \"desk\",\"rule\",\"register\"");
    int rc = c.sql.failed ? memory(err) : db_query(db ? db : l->db, buf_cstr(&c.sql), c.params, c.n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        rc = grow(&d, &cap, err);
        if (rc < 0) break;
        struct duty_count *n = &d.rules[d.n++];
        *n = (struct duty_count){.desk = arena_text(&d.arena, value_view(row[0])),
                                 .rule = arena_text(&d.arena, value_view(row[1])),
                                 .reg = arena_text(&d.arena, value_view(row[2])),
                                 .oldest_due = value_int_or(row[12], INSTANT_NONE)};
        int64_t *counts[] = {&n->open, &n->due_1h, &n->overdue, &n->without_owner, &n->escalated, &n->paid, &n->paid_late, &n->lapsed, &n->cancelled};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) *counts[i] = value_int_or(row[3 + i], 0);
        add(&d.total, n);
    }
    db_cursor_close(cursor);
    buf_clear(&c.sql);
    if (rc < 0) {
        duty_summary_clear(&d);
        return rc;
    }
    int64_t come = d.total.paid + d.total.lapsed + d.total.overdue;
    if (come) d.closed_rate = (double)d.total.paid / (double)come;
    *ret = d;
    return 0;
}

int duty_tick(struct ledger *l, const struct session *s, struct wake_report *ret, struct error *err) {
    struct wake_report sum = {0};
    for (;;) {
        struct wake_report part = {0};
        int rc = ledger_begin(l, err);
        if (rc < 0) return rc;
        rc = obligation_wake(l, s, TICK_BATCH, &part, err);
        if (rc < 0) {
            ledger_rollback(l);
            return rc;
        }
        rc = ledger_commit(l, s->now, err);
        if (rc < 0) return rc;
        sum.woken += part.woken;
        sum.escalated += part.escalated;
        sum.lapsed += part.lapsed;
        sum.raised += part.raised;
        if (!part.more) break;
    }
    *ret = sum;
    return 0;
}

#include "desks/duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where duties without a time stand in the order: behind the year 9999. */
#define DUE_NEVER 253402300799LL
#define DUE "COALESCE(\"due_at\", 253402300799)"
enum { TICK_BATCH = 20000, PARAMS_MAX = 24 };

struct condition {
    const struct ledger *l;
    struct buf sql;
    struct value params[PARAMS_MAX];
    size_t n;
    char end[REGION_MAX + 2], word[24];
};

static void equals(struct condition *c, const char *column, struct value v) {
    c->params[c->n++] = v;
    buf_printf(&c->sql, " AND \"%s\" = ?%zu", column, c->n);
}

static void in_region(struct condition *c, const char *column, struct text region) {
    c->params[c->n++] = value_text(region);
    buf_printf(&c->sql, " AND \"%s\" >= ?%zu", column, c->n);
    if (region_end(region, c->end)) {
        c->params[c->n++] = value_str(c->end);
        buf_printf(&c->sql, " AND \"%s\" < ?%zu", column, c->n);
    }
}

/* What the kind of a duty says: its desk, rule and register. */
static void kind_is(struct condition *c, const struct duty_filter *f) {
    if (f->desk.n) equals(c, "desk", value_text(f->desk));
    if (f->rule.n) equals(c, "rule", value_text(f->rule));
    if (f->reg.n) equals(c, "register", value_text(f->reg));
}

/* The same of a column that names the kind as this does. */
static void of_kinds(struct condition *c, const struct duty_filter *f, const char *column, const char *name) {
    if (!f->desk.n && !f->rule.n && !f->reg.n) return;
    buf_printf(&c->sql, " AND \"%s\" IN (SELECT %s FROM \"duty_kind\" WHERE 1=1", column, name);
    kind_is(c, f);
    buf_char(&c->sql, ')');
}

/* A unit and its accounts: no two records of a node bear the same number. */
static void parties_of(struct condition *c, int64_t unit) {
    const struct register_decl *reg = register_find(c->l->catalog, TEXT("account"));
    c->params[c->n++] = value_int(unit);
    buf_printf(&c->sql, "(SELECT CAST(?%zu AS BIGINT) AS \"id\"", c->n);
    if (reg && register_field(reg, TEXT("organisation")) >= 0) buf_printf(&c->sql, " UNION ALL SELECT \"id\" FROM \"account\" WHERE \"organisation\" = ?%zu", c->n);
    buf_char(&c->sql, ')');
}

/* Of duties, or of what they are counted as. */
static void condition_of(struct condition *c, const struct session *s, const struct duty_filter *f, bool counted) {
    access_scope_sql(s, "\"region\"", &c->sql);
    if (counted) of_kinds(c, f, "kind", "\"id\"");
    else kind_is(c, f);
    if (f->owner) equals(c, "owner", value_int(f->owner));
    if (f->unit) {
        buf_str(&c->sql, " AND \"owner\" IN ");
        parties_of(c, f->unit);
    }
    if (f->without_owner) equals(c, "owner_kind", value_int(OWNER_NONE));
    if (f->region.n) in_region(c, "region", f->region);
}

/* The statement gives obligation_columns. */
static int each(struct ledger *l, struct db *db, struct buf *sql, const struct value *params, size_t n,
                int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err) {
    struct db_cursor *cursor = NULL;
    const struct value *row;
    int rc = sql->failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(sql), params, n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        const struct adoption *a = ledger_adoption(l, o.pack);
        o.duty.rule = a ? policy_rule(a->policy, o.rule) : -1;
        rc = visit(&o, book_rule(l, &o), arg);
    }
    db_cursor_close(cursor);
    return rc;
}

static int desk_unknown(const struct ledger *l, struct text desk, struct error *err) {
    const struct codelist *list = codelist_find(l->catalog, TEXT("desk"));
    char words[2][160] = {"", ""};
    size_t at[2] = {0, 0};
    for (size_t i = 0; list && i < list->n; i++)
        for (int zh = 0; zh < 2 && at[zh] < sizeof words[zh]; zh++)
            at[zh] += (size_t)snprintf(words[zh] + at[zh], sizeof words[zh] - at[zh], "%s%s", i ? ", " : "", zh ? list->codes[i].zh.s : list->codes[i].code.s);
    int n = (int)(desk.n < 40 ? desk.n : 40);
    return error_set(err, E_INVALID, "desk", "no register and no rule of a plan is of desk \"%.*s\"; the desks are %s / 没有席位 \"%.*s\",席位有 %s", n, desk.s, words[0], n, desk.s, words[1]);
}

/* A desk or register that nobody has would look like one that owes nothing. */
static int known(const struct ledger *l, const struct duty_filter *f, struct error *err) {
    bool desk = !f->desk.n, reg = !f->reg.n || register_find(l->catalog, f->reg);
    for (size_t i = 0; !desk && i < l->catalog->n_registers; i++) desk = text_eq(l->catalog->registers[i].desk, f->desk);
    for (size_t a = 0; !desk && a < l->n_adoptions; a++)
        for (size_t i = 0; !desk && l->adoptions[a].policy && i < l->adoptions[a].policy->n_rules; i++) desk = text_eq(l->adoptions[a].policy->rules[i].desk, f->desk);
    if (!desk) return desk_unknown(l, f->desk, err);
    return reg ? 0 : error_set(err, E_INVALID, "register", "no register \"%.*s\" / 没有登记册 \"%.*s\"", (int)(f->reg.n < 40 ? f->reg.n : 40), f->reg.s, (int)(f->reg.n < 40 ? f->reg.n : 40), f->reg.s);
}

/* ---- the list: a page of it without reading what does not belong on it */

static void bound(struct condition *c, struct buf *out, const char *column, const char *test, instant t) {
    c->params[c->n++] = value_int(t);
    buf_printf(out, " AND \"%s\" %s ?%zu", column, test, c->n);
}

static void times_of(struct condition *c, struct buf *out, const char *due, const struct session *s, const struct duty_filter *f) {
    if (f->overdue) bound(c, out, due, "<", s->now);
    if (f->due_before) bound(c, out, due, "<", f->due_before);
}

/* Of a page further: what comes behind the last duty seen. */
static void behind(struct condition *c, struct buf *out, const char *place, const struct duty_filter *f, int64_t id) {
    if (!f->after) return;
    c->params[c->n++] = value_int(f->after_due == INSTANT_NONE ? DUE_NEVER : f->after_due);
    c->params[c->n++] = value_int(id);
    buf_printf(out, " AND (%s) > (?%zu, ?%zu)", place, c->n - 1, c->n);
}

/* Duties in an order that their statement comes in, cut at the limit. */
static void part_of(struct buf *sql, const char *from, struct condition *c, struct buf *times, const char *order, size_t limit) {
    buf_printf(sql, "SELECT * FROM (SELECT %s FROM (%s) o WHERE %s%s ORDER BY %s LIMIT %zu) p", obligation_columns, from, buf_cstr(&c->sql), buf_cstr(times), order, limit);
    sql->failed |= times->failed;
}

/* The most urgent first: what is late by its index, what is to come along the clock's notes, then what has no time at all. */
static void by_time(struct buf *sql, struct condition *c, const struct session *s, const struct duty_filter *f) {
    struct buf late = {0}, ahead = {0}, never = {0}, first = {0};
    buf_str(&late, " AND \"due_at\" IS NOT NULL");
    buf_str(&never, " AND \"due_at\" IS NULL");
    times_of(c, &late, "due_at", s, f);
    times_of(c, &ahead, "at", s, f);
    behind(c, &late, "\"due_at\", \"id\"", f, f->after_id);
    behind(c, &ahead, "\"at\", \"page\"", f, f->after_id / DUTY_PAGE_IDS - 1); /* found by key; then in it */
    behind(c, &ahead, "\"at\", \"id\"", f, f->after_id);
    part_of(&first, duty_late_sql, c, &late, "\"due_at\", \"id\"", f->limit);
    /* late ones that fill the page leave nothing behind the last of them to look for: the clock's notes ahead are then of late ones too, when they escalate further */
    buf_printf(&ahead, " AND \"at\" <= (SELECT CASE WHEN COUNT(*) < %zu THEN %lld ELSE MAX(\"due_at\") END FROM \"late\")", f->limit, DUE_NEVER);
    buf_printf(sql, "WITH \"late\" AS (%s) SELECT * FROM \"late\" UNION ALL ", buf_cstr(&first));
    part_of(sql, duty_ahead_sql, c, &ahead, "\"at\", \"page\", \"id\"", f->limit);
    if (!f->overdue && !f->due_before) {
        behind(c, &never, DUE ", \"id\"", f, f->after_id);
        buf_str(sql, " UNION ALL ");
        part_of(sql, duty_late_sql, c, &never, "\"id\"", f->limit);
    }
    sql->failed |= first.failed;
    buf_clear(&first);
    buf_clear(&late);
    buf_clear(&ahead);
    buf_clear(&never);
}

/* A condition on duty_term, the i-th that the filter and the regions of the asker give; false: there is no such. */
static bool term_of(struct condition *c, const struct session *s, const struct duty_filter *f, int i) {
    buf_reset(&c->sql);
    c->n = 0;
    if (i == 0) return access_scope_sql(s, "\"what\"", &c->sql) == 0;
    buf_str(&c->sql, "1=1");
    if (i == 1 && (f->owner || f->without_owner)) {
        snprintf(c->word, sizeof c->word, "o%lld", (long long)f->owner);
        equals(c, "what", value_str(c->word));
    }
    if (i == 1 && f->unit && !c->n) {
        buf_str(&c->sql, " AND \"what\" IN (SELECT 'o' || p.\"id\" FROM ");
        parties_of(c, f->unit);
        buf_str(&c->sql, " p)");
    }
    if (i == 2 && f->region.n) in_region(c, "what", f->region);
    if (i == 3) of_kinds(c, f, "what", "'k' || \"id\"");
    return c->n > 0;
}

/* Whether one of these conditions leaves so few pages that they are read whole; it is left in c then. Else one duty in some hundred is of the list, and whoever
 * walks along the time has a page of it soon. */
enum { TERMS = 4, FEW_PAGES = 800 };
static int few_pages(struct db *db, struct condition *c, struct arena *a, const struct session *s, const struct duty_filter *f, bool *ret, struct error *err) {
    int rc = 0;
    *ret = false;
    for (int i = 0; !rc && !*ret && i < TERMS; i++) {
        struct buf sql = {0};
        struct value pages = value_null();
        if (!term_of(c, s, f, i)) continue;
        buf_printf(&sql, "SELECT COUNT(*) FROM (SELECT 1 AS \"x\" FROM \"duty_term\" WHERE %s LIMIT %d) q", buf_cstr(&c->sql), FEW_PAGES + 1);
        rc = sql.failed || c->sql.failed ? error_memory(err) : db_scalar(db, a, buf_cstr(&sql), c->params, c->n, &pages, err);
        *ret = !rc && value_int_or(pages, 0) <= FEW_PAGES;
        buf_clear(&sql);
    }
    return rc;
}

/* All of it, or what lies on the pages that `pages` says. */
static void by_page(struct buf *sql, struct condition *c, struct buf *pages, const struct session *s, const struct duty_filter *f) {
    struct buf times = {0};
    times_of(c, &times, "due_at", s, f);
    behind(c, &times, DUE ", \"id\"", f, f->after_id);
    buf_printf(sql, "SELECT %s FROM (", obligation_columns);
    if (pages->n) buf_printf(sql, duty_of_term_sql, buf_cstr(pages));
    else buf_str(sql, "SELECT * FROM \"obligation_open\" WHERE \"phase\" = 0");
    buf_printf(sql, ") o WHERE %s%s", buf_cstr(&c->sql), buf_cstr(&times));
    sql->failed |= times.failed;
    buf_clear(&times);
}

int duty_list(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f,
              int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err) {
    struct condition c = {.l = l};
    struct arena a = {0};
    struct buf sql = {0}, pages = {0};
    bool few = false;
    int rc = known(l, f, err);
    if (rc < 0) return rc;
    if (f->limit) rc = few_pages(db ? db : l->db, &c, &a, s, f, &few, err);
    if (few) buf_text(&pages, buf_view(&c.sql));
    else c.n = 0;
    buf_reset(&c.sql);
    condition_of(&c, s, f, false);
    buf_printf(&sql, "SELECT %s FROM (", obligation_columns);
    if (f->limit && !few) by_time(&sql, &c, s, f);
    else by_page(&sql, &c, &pages, s, f);
    buf_str(&sql, ") d ORDER BY " DUE ", \"id\"");
    if (f->limit) buf_printf(&sql, " LIMIT %zu", f->limit);
    sql.failed |= c.sql.failed | pages.failed;
    if (!rc) rc = each(l, db, &sql, c.params, c.n, visit, arg, err);
    buf_clear(&c.sql);
    buf_clear(&pages);
    buf_clear(&sql);
    arena_clear(&a);
    return rc;
}

int duty_of_record(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t record, struct arena *a,
                   int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err) {
    struct buf sql = {0};
    struct record r;
    int rc = record_get(l, db ? db : l->db, s, reg, record, a, &r, err);
    if (rc < 0) return rc;
    struct value p = value_int(obligation_holder(&r));
    buf_printf(&sql, "SELECT %s FROM \"obligation\" WHERE " OBLIGATION_OF_HOLDER " AND ", obligation_columns);
    access_scope_sql(s, "region", &sql);
    buf_str(&sql, " ORDER BY \"raised_at\", \"id\" LIMIT 5000");
    rc = each(l, db, &sql, &p, 1, visit, arg, err);
    buf_clear(&sql);
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
}

void duty_summary_clear(struct duty_summary *d) {
    arena_clear(&d->arena);
    *d = (struct duty_summary){0};
}

/* The first columns of a question for counts, as in struct duty_count. */
#define SUM_OF(what, test) "CAST(SUM(\"" what "\") FILTER (WHERE " test ") AS BIGINT),"
#define COUNTS                                                                                                              \
    SUM_OF("n", "\"state\"=0") SUM_OF("soon", "\"state\"=0") SUM_OF("overdue", "\"state\"=0")                               \
    SUM_OF("n", "\"state\"=0 AND \"owner_kind\"=0") SUM_OF("n", "\"state\"=0 AND \"mark\"=1") SUM_OF("n", "\"state\"=2")     \
    SUM_OF("n", "\"state\"=2 AND \"mark\"=1") SUM_OF("n", "\"state\"=3") SUM_OF("n", "\"state\">3")
enum { COUNTED = 9 };

static void counts_of(const struct value *row, struct duty_count *n) {
    int64_t *counts[COUNTED] = {&n->open, &n->due_1h, &n->overdue, &n->without_owner, &n->escalated, &n->paid, &n->paid_late, &n->lapsed, &n->cancelled};
    for (size_t i = 0; i < COUNTED; i++) *counts[i] = value_int_or(row[i], 0);
}

/* The counts of what is asked for by `group`, columns that follow them. */
static void counted(struct condition *c, const struct session *s, const struct duty_filter *f, const char *group) {
    c->n = DUTY_COUNTED_PARAMS;
    duty_counted_at(s->now, c->params);
    buf_printf(&c->sql, "SELECT " COUNTS "%s FROM (", group);
    duty_counted_sql(&c->sql);
    buf_str(&c->sql, ") o WHERE ");
    condition_of(c, s, f, true);
    buf_printf(&c->sql, " GROUP BY %s", group);
}

int duty_summarise(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_summary *ret, struct error *err) {
    struct condition c = {.l = l};
    struct duty_summary d = {.closed_rate = -1};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    size_t cap = 0;
    int rc = known(l, f, err);
    if (rc < 0) return rc;
    buf_str(&c.sql, "SELECT n.*,k.\"desk\",k.\"rule\",k.\"register\" FROM (");
    counted(&c, s, f, "\"kind\"");
    buf_str(&c.sql, ") n CROSS JOIN \"duty_kind\" k WHERE k.\"id\" = n.\"kind\" ORDER BY k.\"desk\",k.\"rule\",k.\"register\"");
    rc = c.sql.failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(&c.sql), c.params, c.n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        struct duty_count n = {.desk = value_view(row[COUNTED + 1]), .rule = value_view(row[COUNTED + 2]), .reg = value_view(row[COUNTED + 3])}, *last = d.n ? &d.rules[d.n - 1] : NULL;
        counts_of(row, &n);
        add(&d.total, &n);
        rc = 0;
        if (last && text_eq(last->rule, n.rule) && text_eq(last->reg, n.reg) && text_eq(last->desk, n.desk)) { /* the same rule of another plan */
            add(last, &n);
            continue;
        }
        rc = arena_room(&d.arena, &d.rules, &cap, d.n + 1, sizeof *d.rules) ? 0 : error_memory(err);
        if (rc < 0) break;
        n.desk = arena_text(&d.arena, n.desk);
        n.rule = arena_text(&d.arena, n.rule);
        n.reg = arena_text(&d.arena, n.reg);
        rc = n.desk.s && n.rule.s && n.reg.s ? 0 : error_memory(err);
        d.rules[d.n++] = n;
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

/* ---- by accountable party */

static int owner_cmp(const void *a, const void *b) {
    const struct duty_owner *x = a, *y = b;
    if (x->count.overdue != y->count.overdue) return x->count.overdue < y->count.overdue ? 1 : -1;
    if (x->count.open != y->count.open) return x->count.open < y->count.open ? 1 : -1;
    if (x->kind != y->kind) return x->kind - y->kind;
    int c = text_cmp(x->region, y->region);
    return c ? c : (x->owner > y->owner) - (x->owner < y->owner);
}

void duty_owners_clear(struct duty_owners *d) {
    arena_clear(&d->arena);
    *d = (struct duty_owners){0};
}

int duty_by_owner(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_owners *ret, struct error *err) {
    struct condition c = {.l = l};
    struct duty_owners d = {0};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    size_t cap = 0;
    int rc = known(l, f, err);
    if (rc < 0) return rc;
    counted(&c, s, f, "\"owner_kind\",\"owner\",\"whose\"");
    rc = c.sql.failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(&c.sql), c.params, c.n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        rc = 0;
        if (!arena_room(&d.arena, &d.list, &cap, d.n + 1, sizeof *d.list)) {
            rc = error_memory(err);
            break;
        }
        struct duty_owner *o = &d.list[d.n++];
        *o = (struct duty_owner){.kind = (int)value_int_or(row[COUNTED], OWNER_NONE), .owner = value_int_or(row[COUNTED + 1], 0),
                                 .region = arena_text(&d.arena, value_view(row[COUNTED + 2])), .timeliness = -1};
        if (!o->region.s) rc = error_memory(err);
        counts_of(row, &o->count);
        int64_t come = o->count.paid + o->count.lapsed + o->count.overdue;
        if (come) o->timeliness = (double)(o->count.paid - o->count.paid_late) / (double)come;
    }
    db_cursor_close(cursor);
    buf_clear(&c.sql);
    if (rc < 0) {
        duty_owners_clear(&d);
        return rc;
    }
    if (d.n) qsort(d.list, d.n, sizeof *d.list, owner_cmp);
    *ret = d;
    return 0;
}

/* ---- by region */

void duty_regions_clear(struct duty_regions *d) {
    arena_clear(&d->arena);
    *d = (struct duty_regions){0};
}

static int region_add(struct duty_regions *d, size_t *cap, struct text region, const struct duty_count *n, struct error *err) {
    struct duty_region *last = d->n ? &d->list[d->n - 1] : NULL;
    if (!last || !text_eq(last->region, region)) { /* codes come in order, so a subtree comes together */
        if (!arena_room(&d->arena, &d->list, cap, d->n + 1, sizeof *d->list)) return error_memory(err);
        last = &d->list[d->n++];
        *last = (struct duty_region){.region = arena_text(&d->arena, region), .closed_rate = -1};
        if (!last->region.s) return error_memory(err);
    }
    add(&last->count, n);
    return 0;
}

int duty_by_region(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, int level, struct duty_regions *ret, struct error *err) {
    struct condition c = {.l = l};
    struct duty_regions d = {0};
    struct db_cursor *cursor = NULL;
    const struct value *row;
    size_t cap = 0;
    int rc = known(l, f, err);
    if (rc < 0) return rc;
    counted(&c, s, f, "\"region\"");
    buf_str(&c.sql, " ORDER BY \"region\"");
    rc = c.sql.failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(&c.sql), c.params, c.n, &cursor, err);
    while (!rc && (rc = db_next(cursor, &row, err)) > 0) {
        struct duty_count n = {0};
        struct text region = value_view(row[COUNTED]);
        counts_of(row, &n);
        while (region_level(region) > level) region = region_parent(region);
        rc = region_add(&d, &cap, region, &n, err);
    }
    db_cursor_close(cursor);
    buf_clear(&c.sql);
    if (rc < 0) {
        duty_regions_clear(&d);
        return rc;
    }
    for (size_t i = 0; i < d.n; i++) {
        const struct duty_count *n = &d.list[i].count;
        int64_t come = n->paid + n->lapsed + n->overdue;
        if (come) d.list[i].closed_rate = (double)n->paid / (double)come;
    }
    *ret = d;
    return 0;
}

/* ---- by age */

const int64_t duty_age_limits[DUTY_AGES - 1] = {3600, 4 * 3600, 24 * 3600, 72 * 3600};

struct ages {
    struct duty_age of[DUTY_AGES];
    instant now;
    int32_t zone_s;
};

static int age_visit(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    struct ages *x = arg;
    bool within = rule && rule->timing == TIMING_WITHIN && o->duty.due_at != INSTANT_NONE;
    instant began = within ? o->duty.due_at - rule->within_s : instant_of_day(o->duty.anchor, x->zone_s);
    if (o->duty.raised_at < began) began = o->duty.raised_at;
    int64_t age = x->now > began ? x->now - began : 0;
    size_t i = 0;
    while (i < DUTY_AGES - 1 && age >= duty_age_limits[i]) i++;
    struct duty_age *a = &x->of[i];
    a->open++;
    a->overdue += o->duty.due_at != INSTANT_NONE && o->duty.due_at < x->now;
    a->without_owner += o->owner_kind == OWNER_NONE;
    if (age > a->oldest_s) a->oldest_s = age;
    return 0;
}

int duty_by_age(struct ledger *l, struct db *db, const struct session *s, const struct duty_filter *f, struct duty_age ret[DUTY_AGES], struct error *err) {
    struct ages x = {.now = s->now, .zone_s = l->zone_s};
    struct duty_filter all = *f;
    all.limit = 0;
    for (size_t i = 0; i < DUTY_AGES; i++) x.of[i].oldest_s = -1;
    int rc = duty_list(l, db, s, &all, age_visit, &x, err);
    if (rc < 0) return rc;
    memcpy(ret, x.of, sizeof x.of);
    return 0;
}

/* Once a day. */
static int sweep(struct ledger *l, const struct session *s, struct error *err) {
    struct arena a = {0};
    struct text swept = {0};
    char today[DAY_TEXT];
    day_format(day_of_instant(s->now, l->zone_s), today);
    int rc = ledger_setting(l, l->db, "duty_terms", &a, &swept, err);
    bool done = text_is(swept, today);
    arena_clear(&a);
    if (rc < 0 || done) return rc;
    rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    rc = duty_terms_sweep(l, err);
    if (!rc) rc = duty_counts_sweep(l, err);
    if (!rc) rc = ledger_set(l, "duty_terms", text_of(today), err);
    return ledger_end(l, rc, s->now, err);
}

int duty_tick(struct ledger *l, const struct session *s, struct wake_report *ret, struct error *err) {
    struct wake_report sum = {0};
    int64_t page = -1;
    for (;;) {
        struct wake_report part = {0};
        int rc = ledger_begin(l, err);
        if (rc < 0) return rc;
        rc = obligation_wake(l, s, TICK_BATCH, &page, &part, err);
        rc = ledger_end(l, rc, s->now, err);
        if (rc < 0) return rc;
        sum.woken += part.woken;
        sum.escalated += part.escalated;
        sum.lapsed += part.lapsed;
        sum.raised += part.raised;
        if (!part.more) break;
    }
    *ret = sum;
    return sweep(l, s, err);
}

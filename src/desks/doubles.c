#include "desks/doubles.h"

#include "ledger/table.h"

/* Neither excepted, the later one not settled; an unknown condition does not settle. */
static int conditions(struct ledger *l, const struct session *s, const struct similar_conditions *c, struct buf *sql) {
    day today = day_of_instant(s->now, l->zone_s);
    static const char *const prefixes[] = {"a.", "b.", "b."};
    const struct expr *const list[] = {c->except, c->except, c->settled};
    for (size_t i = 0; i < 3; i++) {
        if (!list[i]) continue;
        buf_str(sql, " AND NOT COALESCE((");
        int rc = expr_sql(list[i], s->now, today, prefixes[i], sql);
        if (rc < 0) return rc;
        buf_str(sql, "), FALSE)");
    }
    return 0;
}

static int statement(struct ledger *l, const struct session *s, const struct register_decl *reg, size_t rule, const char *which, struct buf *sql) {
    const struct similar *m = &reg->similar[rule];
    const char *within = reg->fields[m->within].name.s;
    long long most = (long long)m->days * (reg->fields[m->within].type == FIELD_INSTANT ? DAY_S : 1);
    buf_printf(sql, "SELECT a.\"id\",b.\"id\" FROM \"%s\" b JOIN \"%s\" a ON a.\"id\"<b.\"id\"", reg->name.s, reg->name.s);
    for (size_t k = 0; k < m->n_key; k++) buf_printf(sql, " AND a.\"%s\"=b.\"%s\"", reg->fields[m->key[k]].name.s, reg->fields[m->key[k]].name.s);
    buf_printf(sql, " WHERE (a.\"%s\" IS NULL OR b.\"%s\" IS NULL OR a.\"%s\"-b.\"%s\" BETWEEN %lld AND %lld)", within, within, within, within, -most, most);
    buf_str(sql, which);
    int rc = conditions(l, s, &l->tables[reg->order]->similar[rule], sql);
    buf_str(sql, " ORDER BY b.\"id\" DESC, a.\"id\"");
    return rc < 0 ? rc : sql->failed;
}

struct listing {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct register_decl *reg;
    struct arena arena;
    size_t left;
    int (*visit)(const struct double_pair *p, void *arg);
    void *arg;
};

/* 1 when the session sees it. */
static int look(struct listing *x, int64_t id, struct record *ret, struct error *err) {
    struct error unseen = {0};
    int rc = record_get(x->l, x->db, x->s, x->reg, id, &x->arena, ret, &unseen);
    if (rc == E_UNKNOWN || rc == E_DENIED) return 0;
    return rc < 0 ? error_set(err, rc, unseen.where, "%s", unseen.message) : 1;
}

static int one_rule(struct listing *x, size_t rule, const char *which, const struct value *params, size_t n, struct error *err) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = statement(x->l, x->s, x->reg, rule, which, &sql);
    if (rc < 0) rc = error_memory(err);
    if (!rc) rc = db_query(x->db, buf_cstr(&sql), params, n, &c, err);
    while (!rc && x->left && (rc = db_next(c, &row, err)) > 0) {
        struct record a, b;
        int64_t first = row[0].i, second = row[1].i;
        arena_reset(&x->arena);
        rc = look(x, first, &a, err);
        if (rc > 0) rc = look(x, second, &b, err);
        if (rc <= 0) continue;
        struct double_pair p = {.rule = &x->reg->similar[rule], .earlier = &a, .later = &b};
        rc = x->visit(&p, x->arg);
        x->left--;
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc < 0 ? rc : 0;
}

static int every_rule(struct listing *x, const char *which, const struct value *params, size_t n, struct error *err) {
    int rc = 0;
    if (!x->reg->n_similar)
        return error_set(err, E_USAGE, "REGISTER", "%s declares no doubles (similar) / 该登记册没有声明查重 (similar)", x->reg->name.s);
    for (size_t i = 0; !rc && i < x->reg->n_similar; i++) rc = one_rule(x, i, which, params, n, err);
    arena_clear(&x->arena);
    return rc;
}

int doubles_list(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, struct text region, size_t limit,
                 int (*visit)(const struct double_pair *p, void *arg), void *arg, struct error *err) {
    struct listing x = {.l = l, .db = db ? db : l->db, .s = s, .reg = reg, .left = limit, .visit = visit, .arg = arg};
    char end[REGION_MAX + 2];
    bool bounded = region.n && region_end(region, end);
    struct value params[] = {value_text(region), value_str(bounded ? end : "")};
    return every_rule(&x, bounded ? " AND b.\"region\">=?1 AND b.\"region\"<?2" : "", params, bounded ? 2 : 0, err);
}

int doubles_of(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, size_t limit,
               int (*visit)(const struct double_pair *p, void *arg), void *arg, struct error *err) {
    struct listing x = {.l = l, .db = db ? db : l->db, .s = s, .reg = reg, .left = limit, .visit = visit, .arg = arg};
    return every_rule(&x, " AND b.\"id\"=?1", &(struct value){.kind = VALUE_INT, .i = id}, 1, err);
}

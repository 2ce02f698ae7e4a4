#include "ledger/similar.h"

#include <stdio.h>
#include <string.h>

enum { PARTNERS_MAX = 64, SIMILAR_MAX = 8 };

/* ---- the declaration */

static int declare_cells(struct catalog *c, const struct yaml *node, struct register_decl *r, struct similar *s, struct error *err) {
    struct text *names = NULL, within = {NULL, 0};
    size_t n = 0;
    int rc = declare_words(&c->arena, node, "key", &names, &n, err);
    if (!rc && !n) rc = yaml_error(node, err, E_INVALID, "key names the fields that must be equal / 须以 key 指明相同的字段");
    if (!rc && !(s->key = arena_alloc(&c->arena, (n + 1) * sizeof *s->key))) rc = error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        int f = register_field(r, names[i]);
        if (f < 0 || r->fields[f].sealed)
            return yaml_error(yaml_get(node, "key"), err, E_UNKNOWN, "%s is no readable field of this register / 不是本登记册的明文字段", names[i].s);
        s->key[s->n_key++] = f;
    }
    if (!rc) rc = declare_text(node, "within", true, &within, err);
    if (rc) return rc;
    s->within = register_field(r, within);
    if (s->within < 0 || (r->fields[s->within].type != FIELD_DATE && r->fields[s->within].type != FIELD_INSTANT))
        return yaml_error(yaml_get(node, "within"), err, E_UNKNOWN, "%s is no date or time of this register / 不是本登记册的日期或时间字段", within.s);
    return 0;
}

int similar_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    static const char *const keys[] = {"key", "within", "days", "except", "settled", "zh", "en", "source", NULL};
    const struct yaml *list;
    int rc = declare_list(&c->arena, root, "similar", sizeof *r->similar, &list, &r->similar, err);
    if (!rc && list && list->n > SIMILAR_MAX) rc = yaml_error(list, err, E_INVALID, "similar has at most %d items / similar 最多 %d 项", SIMILAR_MAX, SIMILAR_MAX);
    for (size_t i = 0; !rc && list && i < list->n; i++) {
        const struct yaml *node = list->items[i];
        struct similar *s = &r->similar[i];
        int64_t days = 0;
        s->line = node->line;
        rc = yaml_only(node, keys, err);
        if (!rc) rc = declare_cells(c, node, r, s, err);
        if (!rc) rc = yaml_int(node, "days", true, &days, err);
        if (!rc && (days < 0 || days > 36525)) rc = yaml_error(yaml_get(node, "days"), err, E_INVALID, "days is 0 to 36525 / days 应为 0 至 36525");
        if (!rc) rc = declare_text(node, "except", false, &s->except, err);
        if (!rc) rc = declare_text(node, "settled", false, &s->settled, err);
        if (!rc) rc = declare_text(node, "zh", true, &s->zh, err);
        if (!rc) rc = declare_text(node, "en", true, &s->en, err);
        if (!rc) rc = declare_text(node, "source", true, &s->source, err);
        s->days = (int)days;
        if (!rc) r->n_similar = i + 1;
    }
    return rc;
}

static int parse(struct arena *a, struct reg_table *t, struct text condition, int line, int32_t zone_s, struct expr **ret, struct error *err) {
    char where[ERROR_WHERE_MAX];
    int rc = condition.n ? expr_parse(a, condition, t->reg, zone_s, ret, err) : 0;
    if (rc >= 0) return 0;
    snprintf(where, sizeof where, "%s:%d", t->reg->file ? t->reg->file : t->reg->name.s, line);
    error_within(err, where);
    return rc;
}

int similar_derive(struct arena *a, struct reg_table *t, int32_t zone_s, struct error *err) {
    size_t n = t->reg->n_similar;
    t->similar = arena_alloc(a, (n + 1) * sizeof *t->similar);
    int rc = t->similar ? 0 : error_memory(err);
    for (size_t i = 0; !rc && i < n; i++) {
        const struct similar *s = &t->reg->similar[i];
        rc = parse(a, t, s->except, s->line, zone_s, &t->similar[i].except, err);
        if (!rc) rc = parse(a, t, s->settled, s->line, zone_s, &t->similar[i].settled, err);
    }
    return rc;
}

/* ---- two records */

static bool holds(const struct apply *x, const struct expr *e, const struct record *r) {
    struct expr_scope scope = record_scope(x->l, x->s->now, r);
    return e && expr_eval(e, &scope) == TRUTH_TRUE;
}

/* A date that nobody knows does not tell two cards apart. */
static bool near(const struct similar *s, const struct register_decl *reg, struct value a, struct value b) {
    if (a.kind != VALUE_INT || b.kind != VALUE_INT) return true;
    int64_t most = (int64_t)s->days * (reg->fields[s->within].type == FIELD_INSTANT ? DAY_S : 1), gap = a.i > b.i ? a.i - b.i : b.i - a.i;
    return gap <= most;
}

static bool tells(const struct apply *x, const struct reg_table *t, size_t rule, const struct record *a, const struct record *b) {
    const struct similar *s = &t->reg->similar[rule];
    const struct record *later = a->id > b->id ? a : b;
    for (size_t k = 0; k < s->n_key; k++)
        if (!value_given(a->values[s->key[k]]) || !value_eq(a->values[s->key[k]], b->values[s->key[k]])) return false;
    return a->id != b->id && near(s, t->reg, a->values[s->within], b->values[s->within]) && !holds(x, t->similar[rule].except, a) &&
           !holds(x, t->similar[rule].except, b) && !holds(x, t->similar[rule].settled, later);
}

/* Of the cells of a rule's key; false when one is empty. INT64_MIN is no key of a map. */
static bool hash_of(const struct register_decl *reg, size_t rule, const struct value *values, int64_t *ret) {
    const struct similar *s = &reg->similar[rule];
    uint64_t h = 0x9E3779B97F4A7C15u * (rule + 1);
    for (size_t k = 0; k < s->n_key; k++) {
        struct value v = values[s->key[k]];
        if (!value_given(v)) return false;
        h = (h ^ (uint64_t)(v.kind == VALUE_INT ? v.i : digest_64(value_view(v)))) * 0xBF58476D1CE4E5B9u;
        h ^= h >> 31;
    }
    *ret = (int64_t)(h >> 1);
    return true;
}

struct noted {
    struct entry *e;
    struct noted *next;
};

int similar_note(struct apply *x, struct entry *e, struct error *err) {
    const struct register_decl *reg = e->record.reg;
    int64_t h;
    for (size_t i = 0; i < reg->n_similar; i++) {
        if (!hash_of(reg, i, e->record.values, &h)) continue;
        struct idmap_slot *slot = idmap_put(&apply_table_of(x, reg)->similar, &x->arena, h, NULL);
        struct noted *n = slot ? arena_alloc(&x->arena, sizeof *n) : NULL;
        if (!n) return error_memory(err);
        *n = (struct noted){.e = e, .next = slot->value.p};
        slot->value.p = n;
    }
    return 0;
}

/* Ids of the store that have this key, oldest first. A record of this call that it refers to cannot be known there. */
static int stored(struct apply *x, const struct record *r, size_t rule, int64_t *out, size_t *ret_n, struct error *err) {
    const struct similar *s = &r->reg->similar[rule];
    struct value params[16];
    char sql[1200];
    size_t at = (size_t)snprintf(sql, sizeof sql, "SELECT \"id\" FROM \"%s\" WHERE ", r->reg->name.s), n = 0;
    *ret_n = 0;
    for (size_t k = 0; k < s->n_key && k < 16; k++) {
        params[k] = r->values[s->key[k]];
        if (r->reg->fields[s->key[k]].type == FIELD_REFERENCE && params[k].i >= x->first_id) return 0;
        at += (size_t)snprintf(sql + at, sizeof sql - at, "%s\"%s\"=?%zu", k ? " AND " : "", r->reg->fields[s->key[k]].name.s, k + 1);
    }
    snprintf(sql + at, sizeof sql - at, " ORDER BY \"id\" LIMIT %d", PARTNERS_MAX);
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(x->l->db, sql, params, s->n_key, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (n < PARTNERS_MAX) out[n++] = row[0].i;
    }
    db_cursor_close(c);
    *ret_n = n;
    return rc;
}

int similar_find(struct apply *x, const struct record *r, int64_t *ret, size_t *ret_rule, struct error *err) {
    const struct register_decl *reg = r->reg;
    const struct reg_table *t = x->l->tables[reg->order];
    int64_t ids[PARTNERS_MAX], h;
    size_t n = 0;
    *ret = 0;
    for (size_t i = 0; i < reg->n_similar; i++) {
        if (!hash_of(reg, i, r->values, &h) || holds(x, t->similar[i].except, r)) continue;
        int rc = stored(x, r, i, ids, &n, err);
        for (size_t k = 0; !rc && k < n && !*ret; k++) {
            const struct record *other = NULL;
            rc = record_peek(x->l, reg, ids[k], &other, err);
            if (!rc && other && tells(x, t, i, r, other)) *ret = other->id;
        }
        if (rc < 0) return rc;
        struct idmap_slot *slot = idmap_find(&apply_table_of(x, reg)->similar, h);
        for (struct noted *p = slot ? slot->value.p : NULL; p && !*ret; p = p->next)
            if (p->e->write != ENTRY_NEVER && tells(x, t, i, r, &p->e->record)) *ret = p->e->record.id;
        *ret_rule = i;
        if (*ret) return 0;
    }
    return 0;
}

bool similar_concerned(const struct register_decl *reg, const bool *changed) {
    for (size_t i = 0; i < reg->n_similar; i++) {
        if (changed[reg->similar[i].within]) return true;
        for (size_t k = 0; k < reg->similar[i].n_key; k++)
            if (changed[reg->similar[i].key[k]]) return true;
    }
    return false;
}

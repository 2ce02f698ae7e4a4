#include "ledger/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/catalog.h"
#include "ledger/tally.h"

enum { COLUMNS = 7, SPAN_STEPS = 16 /* in each doubling */, SPAN_SHIFT_MAX = 40, EVERY_MIN = 60 };

/* ---- declaration */

int count_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    static const char *const keys[] = {"name", "in", "at", "since", "by", "sum", "every", NULL};
    const struct yaml *list;
    int rc = declare_list(&c->arena, root, "counts", sizeof *r->counts, &list, &r->counts, err);
    for (size_t i = 0; !rc && list && i < list->n; i++) {
        struct count *k = &r->counts[i];
        const struct yaml *at = list->items[i];
        *k = (struct count){.every_s = DAY_S, .line = at->line};
        rc = yaml_only(at, keys, err);
        if (!rc) rc = declare_text(at, "name", true, &k->name, err);
        if (!rc) rc = declare_reference(r, at, "in", &k->within, err);
        if (!rc) rc = declare_text(at, "at", true, &k->at, err);
        if (!rc) rc = declare_text(at, "since", false, &k->since, err);
        if (!rc) rc = declare_text(at, "by", false, &k->by, err);
        if (!rc) rc = declare_text(at, "sum", false, &k->sum, err);
        if (!rc) rc = yaml_int(at, "every", false, &k->every_s, err);
        if (!rc && (!name_valid(k->name) || k->every_s < EVERY_MIN || k->every_s > DAY_S || DAY_S % k->every_s))
            rc = yaml_error(at, err, E_INVALID, "a count has a name, and a day is a whole number of its slots / 计数须有名称,一天须为其时段的整数倍");
        if (!rc) r->n_counts = i + 1;
    }
    return rc;
}

int count_bind(struct arena *a, struct reg_table *t, struct error *err) {
    static const struct db_column columns[] = {{"within", COLUMN_INT, true}, {"what", COLUMN_TEXT, true}, {"region", COLUMN_TEXT, true}, {"word", COLUMN_TEXT, true},
                                               {"slot", COLUMN_INT, true},   {"span", COLUMN_INT, true},  {"n", COLUMN_INT, true}};
    const uint32_t instants = 1u << FIELD_INSTANT, numbers = 1u << FIELD_INTEGER, words = 1u << FIELD_TEXT | 1u << FIELD_CODE | numbers | 1u << FIELD_REFERENCE;
    const struct register_decl *reg = t->reg;
    if (!reg->n_counts) return 0;
    char *name = arena_printf(a, "%s_count", reg->name.s);
    t->counts = arena_alloc(a, reg->n_counts * sizeof *t->counts);
    t->count_table = arena_alloc(a, sizeof *t->count_table);
    if (!name || !t->counts || !t->count_table) return error_memory(err);
    *t->count_table = (struct db_table){.name = name, .key = "within, what, region, word, slot, span", .clustered = true, .n_columns = COLUMNS, .columns = columns};
    for (size_t i = 0; i < reg->n_counts; i++) {
        const struct count *k = &reg->counts[i];
        bool bad = false, state = text_is(k->by, "state");
        t->counts[i] = (struct count_bound){.within = register_field(reg, k->within), .at = register_field_of(reg, k->at, instants, &bad), .since = register_field_of(reg, k->since, instants, &bad),
                                            .by = state ? COUNT_STATE : register_field_of(reg, k->by, words, &bad), .sum = register_field_of(reg, k->sum, numbers, &bad)};
        if (bad) return error_set(err, E_UNKNOWN, reg->file, "line %d: counts names a field that is not there, or of another type / 计数字段不存在或类型不符", k->line);
    }
    return 0;
}

/* ---- spans */

int64_t count_span(int64_t seconds) {
    int shift = 0;
    while (seconds >> shift >= 2 * SPAN_STEPS && shift < SPAN_SHIFT_MAX) shift++;
    return seconds >> shift << shift;
}

int64_t count_span_middle(int64_t span) {
    int64_t width = 1;
    while (span / width >= 2 * SPAN_STEPS) width *= 2;
    return span + width / 2;
}

static void span_sql(const char *at, const char *since, struct buf *sql) {
    buf_str(sql, "CASE");
    for (int shift = 0; shift < SPAN_SHIFT_MAX; shift++) {
        buf_printf(sql, " WHEN \"%s\"-\"%s\"<%lld THEN (\"%s\"-\"%s\")", at, since, 2LL * SPAN_STEPS << shift, at, since);
        if (shift) buf_printf(sql, "/%lld*%lld", 1LL << shift, 1LL << shift);
    }
    buf_str(sql, " ELSE 0 END");
}

/* ---- what an entry moves */

struct counted {
    const char *what;
    struct text region, word;
    int64_t within, slot, span, n;
};
struct counting {
    struct counted *list;
    size_t n, cap;
};

static int word_of(struct apply *x, struct value v, struct text *ret, struct error *err) {
    *ret = v.kind == VALUE_INT ? arena_words(&x->arena, "%lld", (long long)v.i) : v.kind == VALUE_TEXT ? value_view(v) : TEXT("");
    return ret->s ? 0 : error_memory(err);
}

static int add(struct apply *x, struct counting *c, const struct reg_table *t, const struct value *cells, int sign, struct error *err) {
    const struct value *v = cells + RECORD_SYSTEM_COLUMNS;
    int rc = 0;
    for (size_t i = 0; !rc && i < t->reg->n_counts; i++) {
        const struct count_bound *b = &t->counts[i];
        const struct count *k = &t->reg->counts[i];
        struct counted one = {.what = k->name.s, .region = value_view(cells[COL_REGION]), .n = sign, .word = TEXT("")};
        if (v[b->within].kind != VALUE_INT || v[b->at].kind != VALUE_INT) continue;
        if (b->since >= 0 && (v[b->since].kind != VALUE_INT || v[b->since].i > v[b->at].i)) continue;
        if (b->sum >= 0) one.n *= value_int_or(v[b->sum], 0);
        one.within = v[b->within].i;
        one.slot = (v[b->at].i + x->l->zone_s) / k->every_s * k->every_s - x->l->zone_s;
        if (b->since >= 0) one.span = count_span(v[b->at].i - v[b->since].i);
        if (b->by != -1) rc = word_of(x, b->by == COUNT_STATE ? cells[COL_STATE] : v[b->by], &one.word, err);
        if (!rc && !arena_room(&x->arena, &c->list, &c->cap, c->n + 1, sizeof *c->list)) rc = error_memory(err);
        if (!rc) c->list[c->n++] = one;
    }
    return rc;
}

static int counted_cmp(const void *p, const void *q) {
    const struct counted *a = p, *b = q;
    if (a->within != b->within) return a->within < b->within ? -1 : 1;
    if (a->slot != b->slot) return a->slot < b->slot ? -1 : 1;
    if (a->span != b->span) return a->span < b->span ? -1 : 1;
    int c = a->what == b->what ? 0 : strcmp(a->what, b->what);
    if (!c) c = text_cmp(a->region, b->region);
    return c ? c : text_cmp(a->word, b->word);
}

static int table_write(struct apply *x, const struct reg_table *t, struct counting *c, struct error *err) {
    struct value *rows = arena_alloc(&x->arena, (c->n * COLUMNS + 1) * sizeof *rows);
    size_t n = 0;
    if (!rows) return error_memory(err);
    if (c->n) qsort(c->list, c->n, sizeof *c->list, counted_cmp);
    for (size_t i = 0, to; i < c->n; i = to) {
        int64_t all = 0;
        for (to = i; to < c->n && !counted_cmp(&c->list[i], &c->list[to]); to++) all += c->list[to].n;
        const struct counted *k = &c->list[i];
        if (!all) continue;
        const struct value row[COLUMNS] = {value_int(k->within), value_str(k->what), value_text(k->region), value_text(k->word), value_int(k->slot), value_int(k->span), value_int(all)};
        memcpy(rows + COLUMNS * n++, row, sizeof row);
    }
    return tally_add(x->l->db, t->count_table, rows, n, err);
}

int count_write(struct apply *x, struct error *err) {
    int rc = 0;
    for (size_t r = 0; !rc && r < x->l->catalog->n_registers; r++) {
        const struct reg_table *t = x->l->tables[r];
        struct counting c = {0};
        if (!t->count_table) continue;
        for (const struct entry *e = x->tables[r].first; e && !rc; e = e->next) {
            if (e->write == ENTRY_NEVER || e->write == ENTRY_CLEAN) continue;
            if (e->write != ENTRY_INSERT) rc = add(x, &c, t, e->stored, -1, err);
            if (!rc && e->write != ENTRY_DELETE) rc = add(x, &c, t, e->cells, 1, err);
        }
        if (!rc && c.n) rc = table_write(x, t, &c, err);
    }
    return rc;
}

/* ---- from the records */

void count_sql(const struct reg_table *t, int32_t zone_s, int sign, struct buf *sql) {
    const struct register_decl *reg = t->reg;
    for (size_t i = 0; i < reg->n_counts; i++) {
        const struct count_bound *b = &t->counts[i];
        const struct count *k = &reg->counts[i];
        const char *at = k->at.s, *since = k->since.s;
        buf_printf(sql, "%sSELECT within,what,region,word,slot,span,%d*sum(n) FROM (SELECT \"%s\" AS within,'%s' AS what,\"region\" AS region,", i ? " UNION ALL " : "", sign, k->within.s, k->name.s);
        if (b->by == -1) buf_str(sql, "''");
        else buf_printf(sql, "COALESCE(CAST(\"%s\" AS TEXT),'')", k->by.s);
        buf_printf(sql, " AS word,(\"%s\"+%d)/%lld*%lld-%d AS slot,", at, (int)zone_s, (long long)k->every_s, (long long)k->every_s, (int)zone_s);
        if (b->since >= 0) span_sql(at, since, sql);
        else buf_str(sql, "0");
        buf_str(sql, " AS span,");
        if (b->sum >= 0) buf_printf(sql, "COALESCE(\"%s\",0)", k->sum.s);
        else buf_str(sql, "1");
        buf_printf(sql, " AS n FROM \"%s\" WHERE \"%s\" IS NOT NULL AND \"%s\" IS NOT NULL", reg->name.s, k->within.s, at);
        if (b->since >= 0) buf_printf(sql, " AND \"%s\"<=\"%s\"", since, at);
        buf_str(sql, ") k GROUP BY within,what,region,word,slot,span");
    }
}

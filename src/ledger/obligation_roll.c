/* Many duties at once, in the order of the records that oblige them. They lie in the store in the order of their holders: to sort them there, once for each register,
 * costs many times what it costs to read them as they lie, in numbers, and to sort two numbers of each here. */
#include <stdlib.h>
#include <string.h>

#include "ledger/book.h"

/* Neighbours are of one region. */
static bool kept_once(struct duty_roll *roll, struct text *last, struct text t) {
    if (!last->s || !text_eq(*last, t)) *last = arena_text(&roll->arena, t);
    return last->s != NULL;
}

static int enrol(struct duty_roll *roll, const struct value *row, struct error *err) {
    struct roll_entry e = {.record = row[DU_RECORD].i, .kind = (uint32_t)row[DU_KIND].i, .open = ROLL_CLOSED};
    if (row[DU_STATE].i != DUTY_PAID && row[DU_STATE].i != DUTY_LAPSED) {
        struct obligation o = {
            .state = duty_state(row[DU_STATE].i),
            .id = row[DU_ID].i,
            .holder = row[DU_ID].i / DUTY_COUNT,
            .record = row[DU_RECORD].i,
            .duty = {.occurrence = (int32_t)value_int_or(row[DU_OCCURRENCE], 0)},
        };
        obligation_cells(row + DU_OWNER_KIND, &o);
        if (!kept_once(roll, &roll->region_last, value_view(row[DU_REGION]))) return error_memory(err);
        o.region = o.owner_region = roll->region_last;
        if (row[DU_OWNER_REGION].kind == VALUE_TEXT) {
            if (!kept_once(roll, &roll->owner_last, value_view(row[DU_OWNER_REGION]))) return error_memory(err);
            o.owner_region = roll->owner_last;
        }
        duty_cell_of(&o, (int)row[DU_STATE].i, row[DU_KIND].i, &o.was);
        if (roll->n_open == ROLL_CLOSED || !mem_room(&roll->open, &roll->cap_open, roll->n_open + 1, sizeof *roll->open)) return error_memory(err);
        e.open = (uint32_t)roll->n_open;
        roll->open[roll->n_open++] = o;
    }
    if (!mem_room(&roll->list, &roll->cap, roll->n + 1, sizeof *roll->list)) return error_memory(err);
    roll->list[roll->n++] = e;
    return 0;
}

static int columns_sql(struct buf *sql, const char *from) {
    const struct db_table *t = duty_table();
    for (size_t i = 0; i < t->n_columns; i++) buf_printf(sql, "%sd.\"%s\"", i ? "," : "SELECT ", t->columns[i].name);
    return buf_printf(sql, " FROM %s", from);
}

/* ---- kinds, by the names of their rules */

static int by_rule(const void *a, const void *b) {
    const struct duty_kind *x = a, *y = b;
    int c = text_cmp(x->rule, y->rule);
    return c ? c : (x->id > y->id) - (x->id < y->id);
}

/* Read after the duties, so that the kind of each is there. */
static int kinds_read(struct duty_roll *roll, struct db *db, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(db, "SELECT \"id\",\"pack\",\"rule\",\"register\",\"desk\" FROM \"duty_kind\"", NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct duty_kind k = {row[0].i, row[1].i, arena_text(&roll->arena, value_view(row[2])), arena_text(&roll->arena, value_view(row[3])),
                              arena_text(&roll->arena, value_view(row[4]))};
        rc = k.rule.s && k.reg.s && k.desk.s && arena_room(&roll->arena, &roll->kinds, &roll->cap_kinds, roll->n_kinds + 1, sizeof *roll->kinds) ? 0 : error_memory(err);
        if (!rc) roll->kinds[roll->n_kinds++] = k;
    }
    db_cursor_close(c);
    if (!rc && roll->n_kinds) qsort(roll->kinds, roll->n_kinds, sizeof *roll->kinds, by_rule);
    return rc;
}

/* Entries say which of the sorted kinds is theirs. */
static int kinds_put(struct duty_roll *roll, struct error *err) {
    int64_t last = 0;
    for (size_t i = 0; i < roll->n_kinds; i++) last = roll->kinds[i].id > last ? roll->kinds[i].id : last;
    uint32_t *at = arena_alloc(&roll->arena, ((size_t)last + 1) * sizeof *at);
    if (!at) return error_memory(err);
    for (size_t i = 0; i < roll->n_kinds; i++) at[roll->kinds[i].id] = (uint32_t)i + 1;
    for (size_t i = 0; i < roll->n; i++) {
        struct roll_entry *e = &roll->list[i];
        if (e->kind > last || !at[e->kind]) return error_set(err, E_CORRUPT, "duty", "is of a kind that is not there / 待办的类别不存在");
        e->kind = at[e->kind] - 1;
        if (e->open == ROLL_CLOSED) continue;
        struct obligation *o = &roll->open[e->open];
        const struct duty_kind *k = &roll->kinds[e->kind];
        o->pack = k->pack, o->rule = k->rule, o->reg = k->reg, o->desk = k->desk;
    }
    return 0;
}

/* ---- order: by record, then by kind, 11 bits a pass, each pass stable */

enum { BITS = 11, BUCKETS = 1 << BITS };

static void distribute(const struct roll_entry *from, struct roll_entry *to, size_t n, bool kind, int64_t base, int shift) {
    size_t count[BUCKETS + 1] = {0};
#define DIGIT(e) ((kind ? (e).kind : (uint64_t)((e).record - base)) >> shift & (BUCKETS - 1))
    for (size_t i = 0; i < n; i++) count[DIGIT(from[i]) + 1]++;
    for (size_t k = 0; k < BUCKETS; k++) count[k + 1] += count[k];
    for (size_t i = 0; i < n; i++) to[count[DIGIT(from[i])]++] = from[i];
#undef DIGIT
}

static int sort(struct duty_roll *roll, struct error *err) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (size_t i = 0; i < roll->n; i++) {
        low = roll->list[i].record < low ? roll->list[i].record : low;
        high = roll->list[i].record > high ? roll->list[i].record : high;
    }
    if (roll->n < 2) return 0;
    struct roll_entry *other = mem_realloc(NULL, roll->n * sizeof *other), *list = roll->list;
    if (!other) return error_memory(err);
    for (int pass = 0; pass < 2; pass++)
        for (int shift = 0; (pass ? (uint64_t)(high - low) : roll->n_kinds) >> shift; shift += BITS) {
            distribute(list, other, roll->n, !pass, low, shift);
            struct roll_entry *swap = list;
            list = other, other = swap;
        }
    roll->cap = list == roll->list ? roll->cap : roll->n;
    roll->list = list;
    mem_free(other);
    return 0;
}

static int rows_read(struct duty_roll *roll, struct db *db, const char *sql, const struct value *params, size_t n, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = db_query(db, sql, params, n, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = enrol(roll, row, err);
    db_cursor_close(c);
    return rc;
}

static int finish(struct duty_roll *roll, struct db *db, int rc, struct duty_roll *ret, struct error *err) {
    if (!rc) rc = kinds_read(roll, db, err);
    if (!rc) rc = kinds_put(roll, err);
    if (!rc) rc = sort(roll, err);
    if (rc < 0) duty_roll_clear(roll);
    else *ret = *roll;
    return rc;
}

int duty_roll_region(struct db *db, struct text region, struct duty_roll *ret, struct error *err) {
    struct duty_roll roll = {0};
    struct buf sql = {0};
    char end[REGION_MAX + 2];
    struct value params[2] = {value_text(region)};
    size_t n = region.n ? 1 : 0;
    columns_sql(&sql, "\"duty\" d");
    if (n) buf_str(&sql, " WHERE d.\"region\" >= ?1");
    if (n && region_end(region, end)) {
        buf_str(&sql, " AND d.\"region\" < ?2");
        params[n++] = value_str(end);
    }
    int rc = sql.failed ? error_memory(err) : rows_read(&roll, db, buf_cstr(&sql), params, n, err);
    buf_clear(&sql);
    return finish(&roll, db, rc, ret, err);
}

int duty_roll_holders(struct db *db, const int64_t *holders, size_t n, struct duty_roll *ret, struct error *err) {
    enum { ASK = 128 };
    struct duty_roll roll = {0};
    struct buf sql = {0};
    struct value params[ASK];
    columns_sql(&sql, "");
    duty_values_sql(&sql, ASK);
    buf_str(&sql, " CROSS JOIN \"duty\" d WHERE d.\"id\" >= h.\"column1\" * 65536 AND d.\"id\" < h.\"column1\" * 65536 + 65536");
    int rc = sql.failed ? error_memory(err) : 0;
    for (size_t from = 0; !rc && from < n; from += ASK) {
        for (size_t i = 0; i < ASK; i++) params[i] = value_int(from + i < n ? holders[from + i] : 0);
        rc = rows_read(&roll, db, buf_cstr(&sql), params, ASK, err);
    }
    buf_clear(&sql);
    return finish(&roll, db, rc, ret, err);
}

void duty_roll_clear(struct duty_roll *roll) {
    mem_free(roll->list);
    mem_free(roll->open);
    arena_clear(&roll->arena);
    *roll = (struct duty_roll){0};
}

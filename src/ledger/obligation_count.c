/* Duties counted as they are written, in the transaction that writes them: what the board asks of a million open ones is read from some thousand counters. They stand in `duty_count`
 * by region, kind, whoever owes, state and mark (open: told to a superior; paid: late). What depends on the time is counted by the quarter of an hour in which an open duty is due, and what
 * the clock has found late by itself, slot LATE; so only the two quarters that the asker's moment and the hour after it lie in, and what was found late and is not, are looked at one by one.
 * A slot is named by its end, which belongs to it: deadlines that thousands share, 24:00 or 17:00, are never among those looked at. */
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "ledger/book.h"
#include "ledger/tally.h"

enum { COLUMNS = 9, SLOT_S = 900, SLOT_LATE = 0 /* nothing is due before 1970 */, SOON_S = 3600 };

const struct db_table *duty_count_table(void) {
    static const struct db_column columns[COLUMNS] = {{"region", COLUMN_TEXT, true}, {"kind", COLUMN_INT, true},  {"owner_kind", COLUMN_INT, true},
                                                      {"owner", COLUMN_INT, true},   {"whose", COLUMN_TEXT, true}, {"state", COLUMN_INT, true},
                                                      {"mark", COLUMN_INT, true},    {"slot", COLUMN_INT, true},  {"n", COLUMN_INT, true}};
    static const struct db_table table = {.name = "duty_count", .key = "region, kind, owner_kind, owner, whose, state, mark, slot", .clustered = true, .n_columns = COLUMNS, .columns = columns};
    return &table;
}

/* ---- what a duty counts as */

static int64_t slot_of(const struct obligation *o) {
    if (o->duty.due_at == INSTANT_NONE) return WAKE_NEVER;
    return o->duty.wake_at != o->duty.due_at ? SLOT_LATE : (o->duty.due_at + SLOT_S - 1) / SLOT_S * SLOT_S;
}

void duty_cell_of(const struct obligation *o, int state, int64_t kind, struct duty_cell *ret) {
    *ret = (struct duty_cell){.region = o->region, .whose = o->owner ? TEXT("") : o->owner_region, .kind = state == DUTY_STANDING ? 0 : kind, .owner = o->owner, .owner_kind = o->owner_kind,
                              .state = state};
    if (state == DUTY_OPEN) ret->mark = o->duty.level > 0;
    if (state == DUTY_PAID) ret->mark = o->late;
    if (state == DUTY_OPEN) ret->slot = slot_of(o);
}

static int cell_cmp(const struct duty_cell *a, const struct duty_cell *b) {
    int c = text_cmp(a->region, b->region);
    if (c) return c;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->owner_kind != b->owner_kind) return a->owner_kind - b->owner_kind;
    if (a->owner != b->owner) return a->owner < b->owner ? -1 : 1;
    c = text_cmp(a->whose, b->whose);
    if (c) return c;
    if (a->state != b->state) return a->state - b->state;
    if (a->mark != b->mark) return a->mark - b->mark;
    return (a->slot > b->slot) - (a->slot < b->slot);
}

/* Whose region is left out: it is nearly always the duty's own. */
static int64_t print_of(const struct duty_cell *c) {
    const int64_t numbers[] = {c->kind, c->owner, c->slot, c->owner_kind * 64 + c->state * 8 + c->mark};
    uint64_t h = c->region.n;
    for (size_t i = 0; i < c->region.n; i++) h = h * 31 + (unsigned char)c->region.s[i];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        h = (h ^ (uint64_t)numbers[i]) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    return (int64_t)(h >> 1);
}

/* ---- what writing them moves */

struct counted {
    struct duty_cell cell;
    struct counted *same; /* another cell of the same print */
    int64_t n;
};

static int add(struct duty_counts *d, const struct duty_cell *cell, int64_t n, struct error *err) {
    struct idmap_slot *slot = idmap_put(&d->by, &d->arena, print_of(cell), NULL);
    struct counted *k = slot ? slot->value.p : NULL;
    if (!slot) return error_memory(err);
    while (k && cell_cmp(&k->cell, cell) != 0) k = k->same;
    if (!k) {
        k = arena_room(&d->arena, &d->list, &d->cap, d->n + 1, sizeof *d->list) ? arena_alloc(&d->arena, sizeof *k) : NULL;
        if (!k) return error_memory(err);
        *k = (struct counted){.cell = *cell, .same = slot->value.p};
        slot->value.p = d->list[d->n++] = k;
    }
    k->n += n;
    return 0;
}

int duty_counts_move(struct duty_counts *d, const struct duty_cell *from, const struct duty_cell *to, struct error *err) {
    bool was = from && from->kind, is = to && to->kind;
    int rc = 0;
    if (was && is && cell_cmp(from, to) == 0) return 0;
    if (was) rc = add(d, from, -1, err);
    return !rc && is ? add(d, to, 1, err) : rc;
}

static int counted_cmp(const void *p, const void *q) {
    return cell_cmp(&(*(struct counted *const *)p)->cell, &(*(struct counted *const *)q)->cell);
}

int duty_counts_write(struct ledger *l, struct duty_counts *d, struct error *err) {
    struct value *rows = arena_alloc(&d->arena, (d->n * COLUMNS + 1) * sizeof *rows);
    size_t n = 0;
    if (!rows) return error_memory(err);
    if (d->n) qsort(d->list, d->n, sizeof *d->list, counted_cmp);
    for (size_t i = 0; i < d->n; i++) {
        const struct duty_cell *c = &d->list[i]->cell;
        const struct value row[COLUMNS] = {value_text(c->region), value_int(c->kind),  value_int(c->owner_kind), value_int(c->owner),        value_text(c->whose),
                                           value_int(c->state),   value_int(c->mark), value_int(c->slot),       value_int(d->list[i]->n)};
        if (d->list[i]->n) memcpy(rows + COLUMNS * n++, row, sizeof row);
    }
    return tally_add(l->db, duty_count_table(), rows, n, err);
}

void duty_counts_clear(struct duty_counts *d) {
    arena_clear(&d->arena);
    *d = (struct duty_counts){0};
}

int duty_counts_sweep(struct ledger *l, struct error *err) {
    return db_run(l->db, "DELETE FROM \"duty_count\" WHERE \"n\" = 0", NULL, 0, NULL, err);
}

/* ---- from the duties */

_Static_assert(SLOT_S == 900 && SLOT_LATE == 0 && WAKE_NEVER == 253402300799 && DUTY_OPEN == 0 && DUTY_STANDING == 1 && DUTY_PAID == 2, "said in SQL");

void duty_count_sql(int sign, struct buf *sql) {
    buf_printf(sql, "SELECT region,kind,owner_kind,owner,whose,state,mark,slot,%d*count(*) FROM (SELECT \"region\" AS region,\"kind\" AS kind,\"owner_kind\" AS owner_kind,COALESCE(\"owner\",0) AS owner,"
                    "CASE WHEN COALESCE(\"owner\",0)=0 THEN COALESCE(\"owner_region\",\"region\") ELSE '' END AS whose,\"state\" AS state,"
                    "CASE WHEN \"state\"=0 AND \"level\">0 OR \"state\"=2 AND \"late\"<>0 THEN 1 ELSE 0 END AS mark,"
                    "CASE WHEN \"state\"<>0 THEN 0 WHEN \"due_at\" IS NULL THEN 253402300799 WHEN \"wake_at\" IS DISTINCT FROM \"due_at\" THEN 0 ELSE (\"due_at\"+899)/900*900 END AS slot "
                    "FROM \"duty\" WHERE \"state\"<>1) d GROUP BY region,kind,owner_kind,owner,whose,state,mark,slot", sign);
}

/* ---- as they are at a moment */

void duty_counted_at(instant now, struct value ret[DUTY_COUNTED_PARAMS]) {
    const instant last = now - 1, soon = now + SOON_S;
    ret[0] = value_int(now);
    ret[1] = value_int(soon);
    ret[2] = value_int(last / SLOT_S * SLOT_S);
    ret[3] = value_int(soon / SLOT_S * SLOT_S);
}

#define ONE "SELECT \"region\",\"kind\",\"owner_kind\",\"owner\",CASE WHEN \"owner\" = 0 THEN \"owner_region\" ELSE '' END,0,0,"
/* Duties due in the quarter that has begun are counted in it with those of its end; what is past of it, and what of it is still within the hour, is put right one by one. */
int duty_counted_sql(struct buf *sql) {
    buf_str(sql, "SELECT \"region\",\"kind\",\"owner_kind\",\"owner\",\"whose\",\"state\",\"mark\",CASE WHEN \"state\" = 0 AND \"slot\" <= ?3 THEN \"n\" ELSE 0 END AS \"overdue\","
                 "CASE WHEN \"state\" = 0 AND \"slot\" > ?3 AND \"slot\" <= ?4 THEN \"n\" ELSE 0 END AS \"soon\",\"n\" FROM \"duty_count\" WHERE \"n\" <> 0");
    buf_printf(sql, " UNION ALL " ONE "1,-1,0 FROM (%s) p WHERE \"at\" > ?3 AND \"at\" < ?1", duty_ahead_sql);
    buf_printf(sql, " UNION ALL " ONE "0,1,0 FROM (%s) p WHERE \"at\" > ?4 AND \"at\" <= ?2", duty_ahead_sql);
    return buf_printf(sql, " UNION ALL " ONE "-1,CASE WHEN \"due_at\" <= ?2 THEN 1 ELSE 0 END,0 FROM (%s) p WHERE \"due_at\" >= ?1", duty_late_sql);
}

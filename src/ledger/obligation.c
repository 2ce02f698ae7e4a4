#include "ledger/obligation.h"

#include <stdio.h>
#include <string.h>

#include "ledger/book.h"

/* Most duties have nothing paid, missed, late or escalated, and their owner is of their own region: those cells are NULL, which
 * reads as 0 (owner_region: as region). An empty cell costs the writer next to nothing. */
static const struct db_column columns[OB_COLUMNS] = {
    [OB_REGION] = {"region", COLUMN_TEXT, true},           [OB_HOLDER] = {"holder", COLUMN_INT, true},
    [OB_RULE] = {"rule", COLUMN_TEXT, true},               [OB_RECORD] = {"record", COLUMN_INT, true},
    [OB_OCCURRENCE] = {"occurrence", COLUMN_INT, true},    [OB_REGISTER] = {"register", COLUMN_TEXT, true},
    [OB_PACK] = {"pack", COLUMN_INT, true},                [OB_DESK] = {"desk", COLUMN_TEXT, true},
    [OB_OWNER_KIND] = {"owner_kind", COLUMN_INT, true},    [OB_OWNER_STEP] = {"owner_step", COLUMN_INT, false},
    [OB_OWNER] = {"owner", COLUMN_INT, false},             [OB_OWNER_REGION] = {"owner_region", COLUMN_TEXT, false},
    [OB_RAISED_AT] = {"raised_at", COLUMN_INT, true},      [OB_ANCHOR] = {"anchor", COLUMN_INT, true},
    [OB_OWED] = {"owed", COLUMN_INT, true},                [OB_PAID] = {"paid", COLUMN_INT, false},
    [OB_MISSED] = {"missed", COLUMN_INT, false},            [OB_DUE_AT] = {"due_at", COLUMN_INT, false},
    [OB_WAKE_AT] = {"wake_at", COLUMN_INT, false},         [OB_LEVEL] = {"level", COLUMN_INT, false},
    [OB_STATE] = {"state", COLUMN_TEXT, true},             [OB_CLOSED_AT] = {"closed_at", COLUMN_INT, false},
    [OB_LATE] = {"late", COLUMN_INT, false},                [OB_PAID_BY] = {"paid_by", COLUMN_INT, false},
};
const char *const obligation_columns =
    "\"region\",\"holder\",\"rule\",\"record\",\"occurrence\",\"register\",\"pack\",\"desk\",\"owner_kind\",\"owner_step\",\"owner\","
    "\"owner_region\",\"raised_at\",\"anchor\",\"owed\",\"paid\",\"missed\",\"due_at\",\"wake_at\",\"level\",\"state\",\"closed_at\","
    "\"late\",\"paid_by\"";

const struct db_table *obligation_table(void) {
    /* open duties are found by the time they must be looked at, closed ones by when they were closed: a duty is in one of the two */
    static const struct db_index indexes[] = {{"obligation_wake", "wake_at", false, "\"wake_at\" IS NOT NULL"},
                                              {"obligation_closed", "closed_at", false, "\"closed_at\" IS NOT NULL"}};
    static const struct db_table table = {.name = "obligation",
                                          .key = "holder, rule, record, occurrence",
                                          .partition = "region",
                                          .clustered = true,
                                          .n_columns = OB_COLUMNS,
                                          .columns = columns,
                                          .n_indexes = 2,
                                          .indexes = indexes};
    return &table;
}

/* Open duties stay in the index of wake times, also those for which nothing more happens by itself. */
#define WAKE_NEVER ((instant)253402300799)

static instant instant_or_none(struct value v) {
    return v.kind == VALUE_INT ? v.i : INSTANT_NONE;
}

static struct value none_or_instant(instant t) {
    return t == INSTANT_NONE ? value_null() : value_int(t);
}

static struct value none_or_number(int64_t i) {
    return i ? value_int(i) : value_null();
}

int64_t obligation_holder(const struct record *r) {
    int p = r->reg->person_field;
    int64_t person = p >= 0 ? value_int_or(r->values[p], 0) : 0;
    return person ? person : r->id;
}

bool obligation_is_open(const struct obligation *o) {
    return text_is(o->state, "open") || text_is(o->state, "standing");
}

void obligation_of_row(const struct value *row, struct obligation *ret) {
    *ret = (struct obligation){
        .region = value_view(row[OB_REGION]),
        .rule = value_view(row[OB_RULE]),
        .reg = value_view(row[OB_REGISTER]),
        .desk = value_view(row[OB_DESK]),
        .owner_region = value_view(row[row[OB_OWNER_REGION].kind == VALUE_TEXT ? OB_OWNER_REGION : OB_REGION]),
        .state = value_view(row[OB_STATE]),
        .holder = row[OB_HOLDER].i,
        .record = row[OB_RECORD].i,
        .pack = row[OB_PACK].i,
        .owner = value_int_or(row[OB_OWNER], 0),
        .paid_by = value_int_or(row[OB_PAID_BY], 0),
        .owner_kind = (int)row[OB_OWNER_KIND].i,
        .owner_step = (int)value_int_or(row[OB_OWNER_STEP], 0),
        .late = value_int_or(row[OB_LATE], 0) != 0,
        .closed_at = instant_or_none(row[OB_CLOSED_AT]),
        .duty =
            {
                .rule = -1,
                .occurrence = (int32_t)row[OB_OCCURRENCE].i,
                .anchor = (day)row[OB_ANCHOR].i,
                .owed = (uint64_t)row[OB_OWED].i,
                .paid = (uint64_t)value_int_or(row[OB_PAID], 0),
                .missed = (uint64_t)value_int_or(row[OB_MISSED], 0),
                .raised_at = row[OB_RAISED_AT].i,
                .due_at = instant_or_none(row[OB_DUE_AT]),
                .wake_at = row[OB_WAKE_AT].kind == VALUE_INT && row[OB_WAKE_AT].i < WAKE_NEVER ? row[OB_WAKE_AT].i : INSTANT_NONE,
                .level = (int)value_int_or(row[OB_LEVEL], 0),
            },
    };
}

void obligation_to_row(const struct obligation *o, struct value *row) {
    row[OB_REGION] = value_text(o->region);
    row[OB_HOLDER] = value_int(o->holder);
    row[OB_RULE] = value_text(o->rule);
    row[OB_RECORD] = value_int(o->record);
    row[OB_OCCURRENCE] = value_int(o->duty.occurrence);
    row[OB_REGISTER] = value_text(o->reg);
    row[OB_PACK] = value_int(o->pack);
    row[OB_DESK] = value_text(o->desk);
    row[OB_OWNER_KIND] = value_int(o->owner_kind);
    row[OB_OWNER_STEP] = none_or_number(o->owner_step);
    row[OB_OWNER] = none_or_number(o->owner);
    row[OB_OWNER_REGION] = text_eq(o->owner_region, o->region) ? value_null() : value_text(o->owner_region);
    row[OB_RAISED_AT] = value_int(o->duty.raised_at);
    row[OB_ANCHOR] = value_int(o->duty.anchor);
    row[OB_OWED] = value_int((int64_t)o->duty.owed);
    row[OB_PAID] = none_or_number((int64_t)o->duty.paid);
    row[OB_MISSED] = none_or_number((int64_t)o->duty.missed);
    row[OB_DUE_AT] = none_or_instant(o->duty.due_at);
    bool open = obligation_is_open(o);
    row[OB_WAKE_AT] = !open ? value_null() : value_int(o->duty.wake_at == INSTANT_NONE ? WAKE_NEVER : o->duty.wake_at);
    row[OB_LEVEL] = none_or_number(o->duty.level);
    row[OB_STATE] = value_text(o->state);
    row[OB_CLOSED_AT] = none_or_instant(o->closed_at);
    row[OB_LATE] = none_or_number(o->late);
    row[OB_PAID_BY] = none_or_number(o->paid_by);
}

/* ---- the book of one transaction: holder -> its rows */

int book_open(struct ledger *l, struct error *err) {
    l->book = mem_alloc(sizeof *l->book);
    return l->book ? 0 : error_set(err, E_MEMORY, NULL, "out of memory");
}

void book_close(struct ledger *l) {
    if (!l->book) return;
    owner_forget(l);
    mem_free(l->book->slots);
    arena_clear(&l->book->arena);
    arena_clear(&l->book->owners);
    mem_free(l->book);
    l->book = NULL;
}

void book_reset(struct ledger *l) {
    struct obligation_book *b = l->book;
    if (b->slots) memset(b->slots, 0, b->n_slots * sizeof *b->slots);
    b->used = 0;
    b->changed = NULL;
    arena_reset(&b->arena);
}

static size_t slot_of(const struct obligation_book *b, int64_t holder) {
    size_t i = ((uint64_t)holder * 0x9E3779B97F4A7C15u) >> 20 & (b->n_slots - 1);
    while (b->slots[i].holder && b->slots[i].holder != holder) i = (i + 1) & (b->n_slots - 1);
    return i;
}

/* The slot of a holder, made when new. NULL when out of memory. */
static struct book_slot *slot_get(struct obligation_book *b, int64_t holder) {
    if (b->used * 2 >= b->n_slots) {
        size_t n = b->n_slots ? b->n_slots * 2 : 4096;
        struct book_slot *old = b->slots;
        size_t n_old = b->n_slots;
        struct book_slot *slots = mem_alloc(n * sizeof *slots);
        if (!slots) return NULL;
        b->slots = slots;
        b->n_slots = n;
        for (size_t i = 0; i < n_old; i++)
            if (old[i].holder) b->slots[slot_of(b, old[i].holder)] = old[i];
        mem_free(old);
    }
    struct book_slot *s = &b->slots[slot_of(b, holder)];
    if (!s->holder) {
        s->holder = holder;
        b->used++;
    }
    return s;
}

static struct book_row *row_new(struct obligation_book *b, struct book_slot *s, const struct obligation *o) {
    struct book_row *row = arena_alloc(&b->arena, sizeof *row);
    if (!row) return NULL;
    row->o = *o;
    struct text *texts[] = {&row->o.region, &row->o.rule, &row->o.reg, &row->o.desk, &row->o.owner_region, &row->o.state};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = arena_text(&b->arena, *texts[i]);
        if (!texts[i]->s) return NULL;
    }
    row->next = s->rows;
    s->rows = row;
    s->n++;
    return row;
}

static void row_changed(struct obligation_book *b, struct book_row *row) {
    if (row->dirty) return;
    row->dirty = true;
    row->next_changed = b->changed;
    b->changed = row;
}

void book_touch(struct ledger *l, struct obligation *o) {
    row_changed(l->book, (struct book_row *)o); /* o is the first member */
}

static void bind_rule(const struct ledger *l, struct obligation *o) {
    o->duty.rule = -1;
    const struct adoption *a = ledger_adoption(l, o->pack);
    if (a) o->duty.rule = policy_rule(a->policy, o->rule);
}

const struct duty_rule *book_rule(const struct ledger *l, const struct obligation *o) {
    if (o->duty.rule < 0) return NULL;
    const struct adoption *a = ledger_adoption(l, o->pack);
    return a ? &a->policy->rules[o->duty.rule] : NULL;
}

int book_fresh(struct ledger *l, int64_t holder, struct error *err) {
    struct book_slot *s = slot_get(l->book, holder);
    if (!s) return error_set(err, E_MEMORY, NULL, "out of memory");
    s->loaded = true;
    return 0;
}

enum { PREFETCH = 128 };

static int load(struct ledger *l, const int64_t *holders, size_t n, struct error *err) {
    struct obligation_book *b = l->book;
    /* one statement of a fixed shape, so that it is prepared once; unused places repeat the last holder */
    static const size_t shapes[] = {1, PREFETCH};
    size_t shape = n <= 1 ? shapes[0] : shapes[1];
    struct buf sql = {0};
    struct value params[PREFETCH];
    buf_printf(&sql, "SELECT %s FROM \"obligation\" WHERE \"holder\" IN (", obligation_columns);
    for (size_t i = 0; i < shape; i++) {
        buf_printf(&sql, "%s?%zu", i ? "," : "", i + 1);
        params[i] = value_int(holders[i < n ? i : n - 1]);
    }
    buf_str(&sql, ")");
    struct db_cursor *c = NULL;
    int rc = sql.failed ? error_set(err, E_MEMORY, NULL, "out of memory") : db_query(l->db, buf_cstr(&sql), params, shape, &c, err);
    const struct value *row;
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        struct obligation o;
        obligation_of_row(row, &o);
        struct book_slot *s = slot_get(b, o.holder);
        struct book_row *kept = s ? row_new(b, s, &o) : NULL;
        if (!kept) {
            rc = error_set(err, E_MEMORY, NULL, "out of memory");
            break;
        }
        kept->stored = true;
        bind_rule(l, &kept->o);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    for (size_t i = 0; !rc && i < n; i++) {
        struct book_slot *s = slot_get(b, holders[i]);
        if (!s) return error_set(err, E_MEMORY, NULL, "out of memory");
        s->loaded = true;
    }
    return rc;
}

int book_prefetch(struct ledger *l, const int64_t *holders, size_t n, struct error *err) {
    int64_t wanted[PREFETCH];
    size_t k = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        struct book_slot *s = holders[i] ? slot_get(l->book, holders[i]) : NULL;
        if (!holders[i]) continue;
        if (!s) return error_set(err, E_MEMORY, NULL, "out of memory");
        if (s->loaded) continue;
        s->loaded = true; /* set again after the query; keeps a holder from being asked twice */
        wanted[k++] = holders[i];
        if (k == PREFETCH) {
            rc = load(l, wanted, k, err);
            k = 0;
        }
    }
    if (!rc && k) rc = load(l, wanted, k, err);
    return rc;
}

int book_slot_of(struct ledger *l, int64_t holder, struct book_slot **ret, struct error *err) {
    struct book_slot *s = slot_get(l->book, holder);
    if (!s) return error_set(err, E_MEMORY, NULL, "out of memory");
    if (!s->loaded) {
        int rc = load(l, &holder, 1, err);
        if (rc < 0) return rc;
        s = slot_get(l->book, holder); /* the table may have grown */
    }
    *ret = s;
    return 0;
}

int book_add(struct ledger *l, const struct obligation *o, struct error *err) {
    struct book_slot *s = NULL;
    int rc = book_slot_of(l, o->holder, &s, err);
    if (rc < 0) return rc;
    struct book_row *row = row_new(l->book, s, o);
    if (!row) return error_set(err, E_MEMORY, NULL, "out of memory");
    row_changed(l->book, row);
    return 0;
}

int book_of(struct ledger *l, int64_t holder, struct obligation ***ret, size_t *ret_n, struct error *err) {
    struct book_slot *s = NULL;
    int rc = book_slot_of(l, holder, &s, err);
    if (rc < 0) return rc;
    struct obligation **list = arena_alloc(&l->book->arena, (s->n + 1) * sizeof *list);
    if (!list) return error_set(err, E_MEMORY, NULL, "out of memory");
    size_t n = 0;
    for (struct book_row *row = s->rows; row; row = row->next)
        if (!row->gone) list[n++] = &row->o;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* Gathers the rows of one kind and writes them in one batch. */
static int flush_some(struct ledger *l, enum db_verb verb, bool stored, bool gone, struct error *err) {
    static const uint16_t all[OB_COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    static const uint16_t key[] = {OB_HOLDER, OB_RULE, OB_RECORD, OB_OCCURRENCE};
    const uint16_t *given = gone ? key : all;
    size_t width = gone ? 4 : OB_COLUMNS, n = 0;
    for (struct book_row *row = l->book->changed; row; row = row->next_changed) n += row->stored == stored && row->gone == gone;
    if (!n) return 0;
    struct value *cells = mem_realloc(NULL, n * width * sizeof *cells);
    if (!cells) return error_set(err, E_MEMORY, NULL, "out of memory");
    size_t i = n; /* the list is newest first; write in the order of raising, so that keys ascend */
    for (struct book_row *row = l->book->changed; row; row = row->next_changed) {
        if (row->stored != stored || row->gone != gone) continue;
        struct value full[OB_COLUMNS];
        obligation_to_row(&row->o, full);
        i--;
        for (size_t k = 0; k < width; k++) cells[i * width + k] = full[given[k]];
    }
    int rc = db_batch(l->db, verb, obligation_table(), given, width, cells, n, NULL, err);
    mem_free(cells);
    return rc;
}

int book_flush(struct ledger *l, struct error *err) {
    int rc = flush_some(l, DB_DELETE, true, true, err);
    if (!rc) rc = flush_some(l, DB_INSERT, false, false, err);
    if (!rc) rc = flush_some(l, DB_UPDATE, true, false, err);
    for (struct book_row *row = l->book->changed; !rc && row; row = row->next_changed) {
        row->dirty = false;
        row->stored = !row->gone;
    }
    if (!rc) l->book->changed = NULL;
    return rc;
}

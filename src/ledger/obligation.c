#include "ledger/obligation.h"

#include <stdio.h>
#include <string.h>

#include "ledger/book.h"

int64_t obligation_holder(const struct record *r) {
    int f = r->reg->holder_field;
    int64_t holder = f >= 0 ? value_int_or(r->values[f], 0) : 0;
    return holder ? holder : r->id;
}

bool obligation_is_open(const struct obligation *o) {
    return (o->state.n == 4 && memcmp(o->state.s, "open", 4) == 0) || (o->state.n == 8 && memcmp(o->state.s, "standing", 8) == 0);
}

/* ---- the book of one transaction: holder -> its rows */

int book_open(struct ledger *l, struct error *err) {
    l->book = mem_alloc(sizeof *l->book);
    return l->book ? 0 : error_memory(err);
}

void book_close(struct ledger *l) {
    if (!l->book) return;
    owner_forget(l);
    mem_free(l->book->slots);
    mem_free(l->book->ties);
    arena_clear(&l->book->arena);
    arena_clear(&l->book->owners);
    arena_clear(&l->book->kinds_arena);
    mem_free(l->book);
    l->book = NULL;
}

void book_reset(struct ledger *l) {
    struct obligation_book *b = l->book;
    if (b->slots) memset(b->slots, 0, b->n_slots * sizeof *b->slots);
    b->used = 0;
    b->changed = NULL;
    b->anew = false;
    arena_reset(&b->arena);
}

void book_rolled_back(struct ledger *l) {
    if (l->book->kinds_made) book_kinds_forget(l->book);
    book_reset(l);
}

void book_forget(struct ledger *l) {
    book_kinds_forget(l->book);
    book_reset(l);
}

void book_committed(struct ledger *l) {
    l->book->kinds_made = false;
    book_reset(l);
}

/* Holders that were made one after the other lie side by side, four at a time. */
static size_t slot_of(const struct obligation_book *b, int64_t holder) {
    size_t i = (((uint64_t)holder >> 2) * 0x9E3779B97F4A7C15u >> 20 << 2 | ((uint64_t)holder & 3)) & (b->n_slots - 1);
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
        s->next = holder * DUTY_COUNT;
        b->used++;
    }
    return s;
}

static int row_new(struct ledger *l, struct book_slot *s, const struct obligation *o, struct book_row **ret, struct error *err) {
    struct book_row *row = arena_alloc(&l->book->arena, sizeof *row);
    if (!row) return error_memory(err);
    int rc = obligation_copy(l, &l->book->arena, o, &row->o, err);
    if (rc < 0) return rc;
    row->next = s->rows;
    s->rows = row;
    s->n++;
    *ret = row;
    return 0;
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
    if (!s) return error_memory(err);
    s->loaded = s->fresh = true;
    return 0;
}

/* Holders of a statement; statements that PostgreSQL is sent together. */
enum { PREFETCH = 128, PREFETCH_AHEAD = 8 };

static int ask(struct ledger *l, const int64_t *holders, size_t n, struct db_cursor **ret, struct error *err) {
    /* statements of few shapes, so that each is prepared once; unused places ask for nobody */
    size_t shape = 1;
    while (shape < n) shape *= 2;
    bool array = db_kind_of(l->db) == DB_POSTGRES;
    struct buf sql = {0}, list = {0};
    struct value params[PREFETCH];
    duty_of_holders_sql(&sql, db_kind_of(l->db), shape);
    for (size_t i = 0; !array && i < shape; i++) params[i] = value_int(i < n ? holders[i] : 0);
    if (array) {
        for (size_t i = 0; i < n; i++) {
            buf_char(&list, i ? ',' : '{');
            buf_int(&list, holders[i]);
        }
        buf_char(&list, '}');
        params[0] = value_text(buf_view(&list));
    }
    int rc = sql.failed || list.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), params, array ? 1 : shape, ret, err);
    buf_clear(&sql);
    buf_clear(&list);
    return rc;
}

static int take(struct ledger *l, struct db_cursor *c, struct error *err) {
    const struct value *row;
    int rc = 0;
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        struct obligation o;
        obligation_of_row(row, &o);
        struct book_slot *s = slot_get(l->book, o.holder);
        struct book_row *kept = NULL;
        rc = s ? row_new(l, s, &o, &kept, err) : error_memory(err);
        if (rc < 0) break;
        kept->stored = true;
        if (o.id >= s->next) s->next = o.id + 1;
        bind_rule(l, &kept->o);
    }
    return rc;
}

static int load(struct ledger *l, const int64_t *holders, size_t n, struct error *err) {
    struct db_cursor *open[PREFETCH_AHEAD] = {0};
    size_t ahead = db_kind_of(l->db) == DB_POSTGRES ? PREFETCH_AHEAD : 1;
    int rc = 0;
    for (size_t from = 0; !rc && from < n;) {
        size_t k = 0;
        for (; !rc && from < n && k < ahead; from += PREFETCH) rc = ask(l, holders + from, n - from < PREFETCH ? n - from : PREFETCH, &open[k++], err);
        for (size_t i = 0; i < k; i++) {
            if (!rc) rc = take(l, open[i], err);
            db_cursor_close(open[i]);
            open[i] = NULL;
        }
    }
    for (size_t i = 0; !rc && i < n; i++) {
        struct book_slot *s = slot_get(l->book, holders[i]);
        if (!s) return error_memory(err);
        s->loaded = true;
    }
    return rc;
}

int book_prefetch(struct ledger *l, const int64_t *holders, size_t n, struct error *err) {
    int64_t wanted[PREFETCH * PREFETCH_AHEAD];
    size_t k = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        struct book_slot *s = holders[i] ? slot_get(l->book, holders[i]) : NULL;
        if (!holders[i]) continue;
        if (!s) return error_memory(err);
        if (s->loaded) continue;
        s->loaded = true; /* set again after the query; keeps a holder from being asked twice */
        wanted[k++] = holders[i];
        if (k == sizeof wanted / sizeof *wanted) {
            rc = load(l, wanted, k, err);
            k = 0;
        }
    }
    if (!rc && k) rc = load(l, wanted, k, err);
    return rc;
}

int book_slot_of(struct ledger *l, int64_t holder, struct book_slot **ret, struct error *err) {
    struct book_slot *s = slot_get(l->book, holder);
    if (!s) return error_memory(err);
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
    struct book_row *row = NULL;
    rc = row_new(l, s, o, &row, err);
    if (!rc) rc = obligation_number(&row->o, &s->next, err);
    if (!rc) row_changed(l->book, row);
    return rc;
}

int book_of(struct ledger *l, int64_t holder, struct obligation ***ret, size_t *ret_n, struct error *err) {
    struct book_slot *s = NULL;
    int rc = book_slot_of(l, holder, &s, err);
    if (rc < 0) return rc;
    struct obligation **list = arena_alloc(&l->book->arena, (s->n + 1) * sizeof *list);
    if (!list) return error_memory(err);
    size_t n = 0;
    for (struct book_row *row = s->rows; row; row = row->next)
        if (!row->gone) list[n++] = &row->o;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* Gathers the rows of one kind and writes them in one batch. */
static int flush_some(struct ledger *l, enum db_verb verb, bool stored, bool gone, instant now, struct error *err) {
    size_t n = 0;
    for (struct book_row *row = l->book->changed; row; row = row->next_changed) n += row->stored == stored && row->gone == gone;
    if (!n) return 0;
    struct obligation **list = mem_realloc(NULL, n * sizeof *list);
    if (!list) return error_memory(err);
    size_t i = n; /* the list is newest first; write in the order of raising, so that keys ascend */
    for (struct book_row *row = l->book->changed; row; row = row->next_changed)
        if (row->stored == stored && row->gone == gone) list[--i] = &row->o;
    int rc = obligation_write(l, verb, DUTY_WHOLE, list, n, now, err);
    mem_free(list);
    return rc;
}

int book_flush(struct ledger *l, instant now, struct error *err) {
    int rc = flush_some(l, DB_DELETE, true, true, now, err);
    if (!rc) rc = flush_some(l, DB_INSERT, false, false, now, err);
    if (!rc) rc = flush_some(l, DB_UPDATE, true, false, now, err);
    for (struct book_row *row = l->book->changed; !rc && row; row = row->next_changed) {
        row->dirty = false;
        row->stored = !row->gone;
    }
    if (!rc) l->book->changed = NULL;
    return rc;
}

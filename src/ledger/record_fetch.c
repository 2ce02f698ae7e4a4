/* What a batch needs from the store, read in few queries; and what it made, written in few. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/apply.h"
#include "ledger/hold.h"
#include "ledger/obligation.h"
#include "ledger/count.h"
#include "ledger/tally.h"

struct apply_table *apply_table_of(struct apply *x, const struct register_decl *reg) {
    return &x->tables[reg->order];
}

struct visiting {
    struct apply *x;
    int (*visit)(struct apply *x, const struct value *row, void *arg, struct error *err);
    void *arg;
};

static int visited(void *arg, const struct value *row, struct error *err) {
    const struct visiting *v = arg;
    return v->visit(v->x, row, v->arg, err);
}

/* These columns of the rows whose `column` is one of the ids. */
static int fetch(struct apply *x, const char *columns, const char *table, const char *column, const int64_t *ids, size_t n,
                 int (*visit)(struct apply *x, const struct value *row, void *arg, struct error *err), void *arg, struct error *err) {
    struct buf head = {0};
    struct visiting v = {x, visit, arg};
    buf_printf(&head, "SELECT %s FROM \"%s\" WHERE \"%s\"", columns, table, column);
    int rc = head.failed ? error_memory(err) : db_query_in(x->l->db, buf_cstr(&head), "", ids, n, visited, &v, err);
    buf_clear(&head);
    return rc;
}

/* As the store has it, its cells in the call's arena (table_record). */
static int entry_keep(struct apply *x, const struct reg_table *t, const struct record *r, struct error *err) {
    struct entry *e = arena_alloc(&x->arena, sizeof *e);
    struct idmap_slot *slot = e ? idmap_put(&x->loaded, &x->arena, r->id, NULL) : NULL;
    if (!slot) return error_memory(err);
    *e = (struct entry){.record = *r, .t = t, .cells = r->values - RECORD_SYSTEM_COLUMNS, .stored = r->values - RECORD_SYSTEM_COLUMNS};
    if (!slot->value.p) slot->value.p = e;
    return 0;
}

static int load_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    struct record r;
    int rc = table_record(arg, row, &x->arena, &r, err);
    return rc < 0 ? rc : entry_keep(x, arg, &r, err);
}

static int load_ids(struct apply *x, const struct reg_table *t, const int64_t *ids, size_t n, struct error *err) {
    int rc = fetch(x, t->columns, t->reg->name.s, "id", ids, n, load_row, (void *)(uintptr_t)t, err);
    /* remember what is not there, so that it is asked once */
    for (size_t i = 0; !rc && i < n; i++)
        if (!idmap_put(&x->loaded, &x->arena, ids[i], NULL)) rc = error_memory(err);
    return rc;
}

int apply_entry(struct apply *x, const struct reg_table *t, int64_t id, struct entry **ret, struct error *err) {
    struct entry *e = NULL;
    if (id >= x->first_id && id < x->l->next_id) {
        e = x->made[id - x->first_id];
    } else {
        struct idmap_slot *slot = idmap_find(&x->loaded, id);
        if (!slot) {
            int rc = load_ids(x, t, &id, 1, err);
            if (rc < 0) return rc;
            slot = idmap_find(&x->loaded, id);
        }
        e = slot ? slot->value.p : NULL;
    }
    if (e && (e->t != t || e->write == ENTRY_DELETE || e->write == ENTRY_NEVER)) e = NULL;
    *ret = e;
    return 0;
}

int record_peek(struct ledger *l, const struct register_decl *reg, int64_t id, const struct record **ret, struct error *err) {
    struct entry *e = NULL;
    int rc = reg && l->apply ? apply_entry(l->apply, l->tables[reg->order], id, &e, err) : 0;
    if (rc < 0) return rc;
    *ret = e ? &e->record : NULL;
    return 0;
}

/* ---- prefetch */

enum { NEAR_HEADS = 12, NEAR_CELLS = 6 };

void apply_near(struct draft *const *drafts, size_t n, size_t i) {
    if (i + NEAR_HEADS < n) mem_near(drafts[i + NEAR_HEADS], offsetof(struct draft, error));
    if (i + NEAR_CELLS >= n) return;
    const struct draft *d = drafts[i + NEAR_CELLS];
    mem_near(d->values, d->reg->n_fields * sizeof *d->values);
    mem_near(d->coded, d->n_coded * sizeof *d->coded);
    mem_near(d->cells.s, d->cells.n);
}

static int exists_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    struct apply_table *at = arg;
    struct idmap_slot *slot = idmap_put(&at->exists, &x->arena, row[0].i, NULL);
    if (!slot) return error_memory(err);
    slot->value.i = 1;
    return 0;
}

static int told_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    int rc = exists_row(x, row, arg, err);
    return rc ? rc : tally_tell(x, row, err);
}

/* Which of the named are there. */
static int fetch_existing(struct apply *x, const struct register_decl *reg, int64_t *ids, size_t n, struct error *err) {
    struct buf columns = {0};
    bool counted = tally_ahead(x, reg, &columns);
    if (!counted) buf_str(&columns, "\"id\"");
    int rc = columns.failed ? error_memory(err) : fetch(x, buf_cstr(&columns), reg->name.s, "id", ids, ids_distinct(ids, n), counted ? told_row : exists_row, apply_table_of(x, reg), err);
    buf_clear(&columns);
    return rc;
}

int apply_fetch(struct apply *x, const char *head, const char *tail, int64_t *ids, size_t n, int (*visit)(struct apply *x, const struct value *row, void *arg, struct error *err), void *arg,
                struct error *err) {
    struct visiting v = {x, visit, arg};
    return n ? db_query_in(x->l->db, head, tail, ids, ids_distinct(ids, n), visited, &v, err) : 0;
}

int apply_expect(struct apply *x, const struct reg_table *t, const struct record *list, size_t n, struct error *err) {
    enum { FETCH = 128 };
    int64_t holders[2 * FETCH]; /* of whoever a record is about, and of itself: book_fact looks at both */
    int rc = 0;
    for (size_t from = 0; !rc && from < n; from += FETCH) {
        size_t h = 0;
        for (size_t i = from; !rc && i < n && i < from + FETCH; i++) {
            if (list[i].id < x->first_id && !idmap_find(&x->loaded, list[i].id)) rc = entry_keep(x, t, &list[i], err);
            holders[h++] = obligation_holder(&list[i]);
            holders[h++] = list[i].id;
        }
        if (!rc) rc = book_prefetch(x->l, holders, h, err);
    }
    return rc;
}

struct wanted {
    int64_t *ids;
    size_t n, cap;
};

static int want(struct apply *x, struct wanted *w, int64_t id, struct error *err) {
    if (w->n && w->ids[w->n - 1] == id) return 0; /* the rows of a list often name the same case */
    if (!arena_room(&x->arena, &w->ids, &w->cap, w->n + 1, sizeof *w->ids)) return error_memory(err);
    w->ids[w->n++] = id;
    return 0;
}

static int wrapped_row(struct apply *x, const struct value *row, void *arg, struct error *err) {
    (void)arg;
    struct text *kept = arena_alloc(&x->arena, sizeof *kept);
    struct idmap_slot *slot = kept ? idmap_put(&x->wrapped, &x->arena, row[0].i, NULL) : NULL;
    if (!slot) return error_memory(err);
    *kept = arena_text(&x->arena, value_view(row[1]));
    slot->value.p = kept;
    return kept->s ? 0 : error_memory(err);
}

/* Records that a draft names, or that its key found, are read together; so are the keys of persons. What is changed may hold duties of its own. */
static int fetch_known(struct apply *x, const struct reg_table *t, const struct wanted *keys, struct wanted *known, struct wanted *holders, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < keys->n; i++) {
        const struct idmap_slot *slot = idmap_find(&apply_table_of(x, t->reg)->keys, keys->ids[i]);
        if (!slot || !slot->value.i) continue;
        rc = want(x, known, slot->value.i, err);
        if (!rc) rc = want(x, holders, slot->value.i, err);
    }
    if (rc < 0 || known->n < 2) return rc; /* one is read when it is met */
    known->n = ids_distinct(known->ids, known->n);
    rc = fetch(x, t->columns, t->reg->name.s, "id", known->ids, known->n, load_row, (void *)(uintptr_t)t, err);
    if (!rc && text_is(t->reg->name, "person")) rc = fetch(x, "\"person\",\"wrapped\"", "vault_key", "person", known->ids, known->n, wrapped_row, NULL, err);
    return rc;
}

static int gather(struct apply *x, const struct draft *d, struct wanted *keys, struct wanted *refs, struct wanted *known, struct wanted *holders,
                  struct error *err) {
    const struct register_decl *reg = d->reg;
    int rc = 0;
    if (d->late_key) apply_table_of(x, reg)->late = true;
    if ((d->verb == DRAFT_CHANGE || d->verb == DRAFT_REMOVE) && d->id > 0 && d->id < x->first_id) {
        rc = want(x, &known[reg->order], d->id, err);
        if (!rc) rc = want(x, holders, d->id, err);
    }
    if (rc < 0) return rc;
    if (d->has_key && !idmap_find(&apply_table_of(x, reg)->keys, d->key)) {
        struct idmap_slot *slot = idmap_put(&apply_table_of(x, reg)->keys, &x->arena, d->key, NULL);
        rc = slot ? want(x, &keys[reg->order], d->key, err) : error_memory(err);
    }
    const struct reg_table *t = x->l->tables[reg->order];
    for (size_t k = 0; !rc && k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if (d->values[i].kind != VALUE_INT || d->values[i].i >= x->first_id) continue;
        const struct register_decl *target = t->targets[i];
        bool fresh = false;
        if (target && t->reads >> (i < 63 ? i : 63) & 1) { /* read whole: what is copied from it or held in it needs its cells */
            rc = want(x, &known[target->order], d->values[i].i, err);
            if (!rc && (int)i == reg->person_field) rc = want(x, holders, d->values[i].i, err);
            continue;
        }
        struct idmap_slot *slot = target ? idmap_put(&apply_table_of(x, target)->exists, &x->arena, d->values[i].i, &fresh) : NULL;
        if (target && !slot) rc = error_memory(err);
        if (slot && fresh) rc = want(x, &refs[target->order], d->values[i].i, err);
        if (!rc && (int)i == reg->person_field) rc = want(x, holders, d->values[i].i, err);
    }
    return rc;
}

int record_apply_prefetch(struct apply *x, struct draft **drafts, size_t n, struct error *err) {
    size_t n_registers = x->l->catalog->n_registers;
    struct wanted *keys = arena_alloc(&x->arena, n_registers * sizeof *keys), *refs = arena_alloc(&x->arena, n_registers * sizeof *refs);
    struct wanted *known = arena_alloc(&x->arena, n_registers * sizeof *known);
    struct wanted holders = {0};
    if (!keys || !refs || !known) return error_memory(err);
    if (n < 2) return 0; /* one draft asks for itself */
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        if (drafts[i]->outcome != OUTCOME_REJECTED) rc = gather(x, drafts[i], keys, refs, known, &holders, err);
    for (size_t r = 0; !rc && r < n_registers; r++) {
        if (keys[r].n) rc = apply_keys_fetch(x, x->l->tables[r], keys[r].ids, keys[r].n, err);
        if (!rc && (keys[r].n || known[r].n)) rc = fetch_known(x, x->l->tables[r], &keys[r], &known[r], &holders, err);
        if (!rc && refs[r].n) rc = fetch_existing(x, &x->l->catalog->registers[r], refs[r].ids, refs[r].n, err);
    }
    if (!rc) rc = apply_late_keys_fetch(x, drafts, n, err);
    if (!rc) rc = hold_expect(x, drafts, n, err);
    if (!rc && holders.n) rc = book_prefetch(x->l, holders.ids, holders.n, err);
    x->persons = holders.ids;
    x->n_persons = holders.n;
    return rc;
}

/* ---- flush */

/* In pieces that stay in the processor's cache between us and the store; PostgreSQL waits three times for each. */
enum { FLUSH_ROWS = 1024, FLUSH_ROWS_PG = 4096 };

static int flush_table(struct apply *x, const struct reg_table *t, enum entry_write write, struct error *err) {
    static const uint16_t id_only[] = {COL_ID};
    struct apply_table *at = apply_table_of(x, t->reg);
    enum db_verb verb = write == ENTRY_INSERT ? DB_INSERT : write == ENTRY_UPDATE ? DB_UPDATE : DB_DELETE;
    const uint16_t *columns = write == ENTRY_DELETE ? id_only : t->all;
    size_t n = 0, width = write == ENTRY_DELETE ? 1 : t->table.n_columns, most = db_kind_of(x->l->db) == DB_POSTGRES ? FLUSH_ROWS_PG : FLUSH_ROWS;
    for (struct entry *e = at->first; e && n < most; e = e->next) n += e->write == write;
    if (!n) return 0;
    struct value *rows = mem_realloc(NULL, n * width * sizeof *rows);
    if (!rows) return error_memory(err);
    int rc = 0;
    n = 0;
    for (struct entry *e = at->first; e && !rc; e = e->next) {
        if (e->write != write) continue;
        memcpy(rows + n * width, write == ENTRY_DELETE ? e->cells + COL_ID : e->cells, width * sizeof *rows);
        if (++n < most) continue;
        rc = db_batch(x->l->db, verb, &t->table, columns, width, rows, n, NULL, err);
        n = 0;
    }
    if (!rc && n) rc = db_batch(x->l->db, verb, &t->table, columns, width, rows, n, NULL, err);
    mem_free(rows);
    return rc;
}

/* ---- what the lookup gains and loses */

static int entry_cmp(const void *a, const void *b) {
    const struct lookup_entry *x = a, *y = b;
    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    return (x->holder > y->holder) - (x->holder < y->holder);
}

static int lost_cmp(const void *a, const void *b) {
    const struct apply_lost *x = a, *y = b;
    int c = entry_cmp(&x->e, &y->e);
    return c ? c : (x->at > y->at) - (x->at < y->at);
}

int apply_finds(struct apply *x, struct lookup_kind kind, int64_t value, int64_t id, struct error *err) {
    if (!arena_room(&x->arena, &x->found, &x->cap_found, x->n_found + 1, sizeof *x->found)) return error_memory(err);
    x->found[x->n_found++] = lookup_entry_of(kind, value, id);
    return 0;
}

int apply_loses(struct apply *x, struct lookup_kind kind, int64_t value, int64_t id, struct error *err) {
    if (!arena_room(&x->arena, &x->lost, &x->cap_lost, x->n_lost + 1, sizeof *x->lost)) return error_memory(err);
    x->lost[x->n_lost++] = (struct apply_lost){lookup_entry_of(kind, value, id), x->n_found};
    return 0;
}

/* Was the i-th found entry lost again later? lost is sorted. */
static bool lost_again(const struct apply *x, size_t i) {
    struct apply_lost later = {x->found[i], i + 1};
    size_t low = 0, high = x->n_lost;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (lost_cmp(&x->lost[mid], &later) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < x->n_lost && entry_cmp(&x->lost[low].e, &x->found[i]) == 0;
}

static int flush_lookup(struct apply *x, struct error *err) {
    struct lookup_entry *gone = x->n_lost ? arena_alloc(&x->arena, x->n_lost * sizeof *gone) : NULL;
    if (x->n_lost && !gone) return error_memory(err);
    if (x->n_lost) qsort(x->lost, x->n_lost, sizeof *x->lost, lost_cmp);
    for (size_t i = 0; i < x->n_lost; i++) gone[i] = x->lost[i].e;
    size_t n = x->n_lost ? 0 : x->n_found;
    for (size_t i = 0; x->n_lost && i < x->n_found; i++)
        if (!lost_again(x, i)) x->found[n++] = x->found[i];
    int rc = lookup_drop(x->l->lookup, x->l->db, gone, x->n_lost, false, err);
    return rc ? rc : lookup_add(x->l->lookup, x->l->db, x->found, n, err);
}

int apply_flush(struct apply *x, struct error *err) {
    static const uint16_t key_columns[] = {0, 1};
    struct tally_change *tally = NULL;
    int rc = tally_before(x, &tally, err);
    if (!rc) rc = count_write(x, err);
    for (size_t r = 0; !rc && r < x->l->catalog->n_registers; r++) {
        if (!x->tables[r].first) continue;
        rc = flush_table(x, x->l->tables[r], ENTRY_DELETE, err);
        if (!rc) rc = flush_table(x, x->l->tables[r], ENTRY_INSERT, err);
        if (!rc) rc = flush_table(x, x->l->tables[r], ENTRY_UPDATE, err);
    }
    if (!rc && x->keys_add.n) rc = db_batch(x->l->db, DB_INSERT, vault_key_table(), key_columns, 2, x->keys_add.v, x->keys_add.n / 2, NULL, err);
    if (!rc) rc = tally_after(x, tally, err);
    return rc ? rc : flush_lookup(x, err);
}

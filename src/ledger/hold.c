#include "ledger/hold.h"

#include <stdio.h>
#include <string.h>

#include "ledger/catalog.h"
#include "ledger/obligation.h"

/* ---- declaration */

int hold_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err) {
    static const char *const keys[] = {"in", "most", "count", "at", "full", "but", "zh", "en", NULL};
    const struct yaml *list;
    int rc = declare_list(&c->arena, root, "holds", sizeof *r->holds, &list, &r->holds, err);
    for (size_t i = 0; !rc && list && i < list->n; i++) {
        struct hold *h = &r->holds[i];
        rc = yaml_only(list->items[i], keys, err);
        if (!rc) rc = declare_reference(r, list->items[i], "in", &h->field, err);
        if (!rc) rc = declare_text(list->items[i], "most", true, &h->most, err);
        if (!rc) rc = declare_text(list->items[i], "count", false, &h->count, err);
        if (!rc) rc = declare_text(list->items[i], "at", false, &h->at, err);
        if (!rc) rc = declare_text(list->items[i], "full", true, &h->full, err);
        if (!rc) rc = declare_words(&c->arena, list->items[i], "but", &h->but, &h->n_but, err);
        if (!rc) rc = declare_text(list->items[i], "zh", true, &h->zh, err);
        if (!rc) rc = declare_text(list->items[i], "en", true, &h->en, err);
        h->line = list->items[i]->line;
        if (!rc) r->n_holds = i + 1;
    }
    return rc;
}

int hold_bind(struct arena *a, struct reg_table *t, struct error *err) {
    const struct register_decl *reg = t->reg;
    t->holds = arena_alloc(a, (reg->n_holds + 1) * sizeof *t->holds);
    if (!t->holds) return error_memory(err);
    for (size_t i = 0; i < reg->n_holds; i++) {
        const struct hold *h = &reg->holds[i];
        struct hold_bound *b = &t->holds[i];
        bool bad = false;
        b->field = register_field(reg, h->field);
        const struct register_decl *target = t->targets[b->field];
        b->most = register_field_of(target, h->most, 1u << FIELD_INTEGER, &bad);
        b->count = register_field_of(target, h->count, 1u << FIELD_INTEGER, &bad);
        b->at = register_field_of(target, h->at, 1u << FIELD_INSTANT, &bad);
        b->room = register_initial(target);
        b->full = register_state(target, h->full);
        for (size_t k = 0; k < h->n_but; k++) {
            int state = register_state(reg, h->but[k]);
            if (state < 0 || state > 63) bad = true;
            else b->but |= (uint64_t)1 << state;
        }
        if (bad || b->most < 0 || b->room < 0 || b->full < 0)
            return error_set(err, E_UNKNOWN, reg->file, "line %d: holds names a field or state that %s does not have / 引用的登记册没有该字段或状态", h->line, target->name.s);
        t->reads |= (uint64_t)1 << (b->field < 63 ? b->field : 63);
    }
    return 0;
}

/* ---- how many */

/* The holder in which the record takes room; 0: none. */
static int64_t held_in(const struct hold_bound *b, const struct record *r) {
    int state = b->but ? register_state(r->reg, r->state) : -1;
    return state >= 0 && b->but >> state & 1 ? 0 : value_int_or(r->values[b->field], 0);
}

/* Of the members: those that take room. */
static void sql_counts(const struct hold *h, char *sql, size_t size) {
    size_t n = strlen(sql);
    for (size_t i = 0; i < h->n_but && n < size; i++) n += (size_t)snprintf(sql + n, size - n, " AND \"state\"<>'%.*s'", (int)h->but[i].n, h->but[i].s);
}

/* Of the holder, as this call of record_apply sees it: those in the store, and what was made and removed since. */
static int members(struct apply *x, const struct reg_table *t, const struct hold_bound *b, int64_t holder, struct idmap_slot **ret, struct error *err) {
    bool fresh = false;
    struct idmap_slot *slot = idmap_put(&apply_table_of(x, t->reg)->held, &x->arena, holder, &fresh);
    if (!slot) return error_memory(err);
    *ret = slot;
    if (!fresh || holder >= x->first_id) return 0;
    char sql[400];
    struct value n = value_null(), id = value_int(holder);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\" WHERE \"%s\"=?1", t->reg->name.s, t->reg->fields[b->field].name.s);
    sql_counts(&t->reg->holds[b - t->holds], sql, sizeof sql);
    int rc = db_scalar(x->l->db, &x->arena, sql, &id, 1, &n, err);
    slot->value.i = value_int_or(n, 0);
    return rc < 0 ? rc : 0;
}

static int held_row(void *arg, const struct value *row, struct error *err) {
    (void)err;
    struct idmap_slot *slot = idmap_find(arg, row[0].i);
    if (slot) slot->value.i = value_int_or(row[1], 0);
    return 0;
}

/* Of those that will be full the duties are read too: they close. */
static int expect_full(struct apply *x, const struct reg_table *t, const struct hold_bound *b, struct idmap *coming, int64_t *ids, size_t n, struct error *err) {
    struct idmap *held = &apply_table_of(x, t->reg)->held;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct record *holder = NULL;
        int rc = record_peek(x->l, t->targets[b->field], ids[i], &holder, err);
        if (rc < 0) return rc;
        if (holder && idmap_find(held, ids[i])->value.i + idmap_find(coming, ids[i])->value.i >= value_int_or(holder->values[b->most], INT64_MAX)) ids[k++] = obligation_holder(holder);
    }
    return book_prefetch(x->l, ids, k, err);
}

static int expect(struct apply *x, const struct reg_table *t, const struct hold_bound *b, struct draft **drafts, size_t n, int64_t *ids, struct error *err) {
    struct idmap *held = &apply_table_of(x, t->reg)->held, coming = {0};
    const char *column = t->reg->fields[b->field].name.s;
    char head[200], tail[400] = "";
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        const struct draft *d = drafts[i];
        bool fresh = false;
        if (d->reg != t->reg || d->values[b->field].kind != VALUE_INT || d->values[b->field].i >= x->first_id) continue;
        struct idmap_slot *slot = idmap_put(&coming, &x->arena, d->values[b->field].i, &fresh);
        if (!slot || (fresh && !idmap_put(held, &x->arena, d->values[b->field].i, NULL))) return error_memory(err);
        if (fresh) ids[k++] = d->values[b->field].i;
        slot->value.i++;
    }
    if (!k) return 0;
    snprintf(head, sizeof head, "SELECT \"%s\",count(*) FROM \"%s\" WHERE \"%s\"", column, t->reg->name.s, column);
    sql_counts(&t->reg->holds[b - t->holds], tail, sizeof tail);
    size_t k_tail = strlen(tail);
    snprintf(tail + k_tail, sizeof tail - k_tail, " GROUP BY \"%s\"", column);
    int rc = db_query_in(x->l->db, head, tail, ids, k, held_row, held, err);
    return rc < 0 ? rc : expect_full(x, t, b, &coming, ids, k, err);
}

int hold_expect(struct apply *x, struct draft **drafts, size_t n, struct error *err) {
    int64_t *ids = NULL;
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        const struct reg_table *t = x->l->tables[drafts[i]->reg->order];
        struct apply_table *at = apply_table_of(x, t->reg);
        if (!t->reg->n_holds || at->held_expected) continue;
        at->held_expected = true;
        if (!ids && !(ids = arena_alloc(&x->arena, n * sizeof *ids))) return error_memory(err);
        for (size_t h = 0; !rc && h < t->reg->n_holds; h++) rc = expect(x, t, &t->holds[h], drafts, n, ids, err);
    }
    return rc;
}

/* The holder that the record names and how many it has; NULL when it names none. */
static int holder_of(struct apply *x, const struct reg_table *t, const struct hold_bound *b, const struct record *r, const struct record **ret, struct idmap_slot **ret_slot, struct error *err) {
    int64_t in = held_in(b, r);
    *ret = NULL;
    if (!in) return 0;
    int rc = record_peek(x->l, t->targets[b->field], in, ret, err);
    return rc < 0 || !*ret ? rc : members(x, t, b, (*ret)->id, ret_slot, err);
}

static int64_t moment_of(const struct record *r, int64_t otherwise) {
    int f = r->reg->date_field;
    return f >= 0 && r->reg->fields[f].type == FIELD_INSTANT ? value_int_or(r->values[f], otherwise) : otherwise;
}

/* It takes who came before it was closed, told late, wherever it has got to since; none when it is thrown away. */
static bool takes(const struct hold_bound *b, const struct record *holder, const struct record *r) {
    int state = register_state(holder->reg, holder->state);
    if (state == b->room) return true;
    return b->at >= 0 && state >= 0 && !holder->reg->states[state].final && moment_of(r, INT64_MAX) < value_int_or(holder->values[b->at], INT64_MIN);
}

static int check(struct apply *x, const struct reg_table *t, size_t i, const struct record *r, struct error *err) {
    const struct hold_bound *b = &t->holds[i];
    const struct record *holder;
    struct idmap_slot *slot;
    int rc = holder_of(x, t, b, r, &holder, &slot, err);
    if (rc < 0 || !holder) return rc;
    if (takes(b, holder, r) && slot->value.i < value_int_or(holder->values[b->most], INT64_MAX)) return 0;
    return error_set(err, E_REFUSED, r->reg->fields[b->field].name.s, "%s / %s", r->reg->holds[i].en.s, r->reg->holds[i].zh.s);
}

int hold_check(struct apply *x, const struct record *r, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < r->reg->n_holds; i++) rc = check(x, x->l->tables[r->reg->order], i, r, err);
    return rc;
}

static int write_holder(struct apply *x, struct draft *d, struct error *err) {
    static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
    const struct session *asker = x->s;
    struct session own = *asker;
    own.n_grants = 1;
    own.grants = &everything;
    x->s = &own;
    int rc = apply_change(x, d, d->id, err);
    x->s = asker;
    return rc;
}

/* Closed by what was declared, not by the one who brought the last: the journal names him all the same. One that was closed before has one more in it. */
static int fill(struct apply *x, const struct hold_bound *b, const struct record *holder, const struct record *last, int64_t n, struct error *err) {
    struct draft *d = draft_new(&x->arena, holder->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = holder->id;
    bool open = text_eq(holder->state, holder->reg->states[b->room].name);
    if (open) d->state = holder->reg->states[b->full].name;
    d->prepared = true;
    if (b->count >= 0) d->values[b->count] = value_int(n);
    if (open && b->at >= 0) { /* when the last one came by its own word, which may have been brought late; never before the holder began */
        int64_t at = moment_of(last, x->s->now), began = moment_of(holder, at);
        d->values[b->at] = value_int(began > at ? began : at);
    }
    return write_holder(x, d, err);
}

static int join(struct apply *x, const struct reg_table *t, const struct hold_bound *b, const struct record *r, struct error *err) {
    const struct record *holder;
    struct idmap_slot *slot;
    int rc = holder_of(x, t, b, r, &holder, &slot, err);
    if (rc < 0 || !holder) return rc;
    slot->value.i++;
    if (text_eq(holder->state, holder->reg->states[b->room].name) && slot->value.i < value_int_or(holder->values[b->most], INT64_MAX)) return 0;
    return fill(x, b, holder, r, slot->value.i, err);
}

int hold_take(struct apply *x, const struct record *r, struct error *err) {
    const struct reg_table *t = x->l->tables[r->reg->order];
    int rc = 0;
    for (size_t i = 0; !rc && i < r->reg->n_holds; i++) rc = join(x, t, &t->holds[i], r, err);
    return rc;
}

static int leave(struct apply *x, const struct reg_table *t, const struct hold_bound *b, const struct record *r, bool forgotten, struct error *err) {
    const struct record *holder;
    struct idmap_slot *slot;
    int rc = holder_of(x, t, b, r, &holder, &slot, err);
    if (rc < 0 || !holder) return rc;
    slot->value.i--;
    bool opens = b->at < 0 && text_eq(holder->state, holder->reg->states[b->full].name), counted = b->count >= 0 && value_given(holder->values[b->count]);
    if (forgotten || (!opens && !counted)) return 0;
    struct draft *d = draft_new(&x->arena, holder->reg, DRAFT_CHANGE);
    if (!d) return error_memory(err);
    d->id = holder->id;
    d->prepared = true;
    if (opens) d->state = holder->reg->states[b->room].name, d->back = true;
    if (counted) d->values[b->count] = value_int(slot->value.i);
    return write_holder(x, d, err);
}

int hold_leave(struct apply *x, const struct record *r, bool forgotten, struct error *err) {
    const struct reg_table *t = x->l->tables[r->reg->order];
    int rc = 0;
    for (size_t i = 0; !rc && i < r->reg->n_holds; i++) rc = leave(x, t, &t->holds[i], r, forgotten, err);
    return rc;
}

int hold_check_change(struct apply *x, const struct record *before, const struct record *now, struct error *err) {
    const struct reg_table *t = x->l->tables[now->reg->order];
    int rc = 0;
    for (size_t i = 0; !rc && i < now->reg->n_holds; i++)
        if (held_in(&t->holds[i], before) != held_in(&t->holds[i], now)) rc = check(x, t, i, now, err);
    return rc;
}

int hold_change(struct apply *x, const struct record *before, const struct record *now, struct error *err) {
    const struct reg_table *t = x->l->tables[now->reg->order];
    int rc = 0;
    for (size_t i = 0; !rc && i < now->reg->n_holds; i++) {
        if (held_in(&t->holds[i], before) == held_in(&t->holds[i], now)) continue;
        rc = leave(x, t, &t->holds[i], before, false, err);
        if (!rc) rc = join(x, t, &t->holds[i], now, err);
    }
    return rc;
}

int hold_close(struct apply *x, const struct record *before, struct record *now, bool *changed, int *n, struct error *err) {
    for (size_t r = 0; r < x->l->catalog->n_registers; r++) {
        const struct reg_table *t = x->l->tables[r];
        for (size_t i = 0; i < t->reg->n_holds; i++) {
            const struct hold_bound *b = &t->holds[i];
            struct idmap_slot *slot;
            if (b->count < 0 || t->targets[b->field] != now->reg || value_given(now->values[b->count])) continue;
            if (!text_eq(before->state, now->reg->states[b->room].name) || !text_eq(now->state, now->reg->states[b->full].name)) continue;
            int rc = members(x, t, b, now->id, &slot, err);
            if (rc < 0) return rc;
            *n += !changed[b->count];
            changed[b->count] = true;
            now->values[b->count] = value_int(slot->value.i);
        }
    }
    return 0;
}

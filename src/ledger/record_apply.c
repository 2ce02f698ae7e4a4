/* A batch of drafts applied in order inside the open transaction: all or nothing per draft. */
#include <stdio.h>
#include <string.h>

#include "ledger/apply.h"
#include "ledger/effect.h"
#include "ledger/grant.h"
#include "ledger/hold.h"
#include "ledger/number.h"
#include "ledger/obligation.h"
#include "ledger/owned.h"
#include "ledger/similar.h"

/* ---- checks that need the store */

static int resolve_links(struct draft **drafts, struct draft *d, struct error *err) {
    for (size_t i = 0; d->links && i < d->reg->n_fields; i++) {
        if (!d->links[i]) continue;
        const struct draft *to = drafts[d->base + d->links[i] - 1];
        if (!to->ret_id)
            return error_set(err, to->error.code ? to->error.code : E_INVALID, to->error.where[0] ? to->error.where : d->reg->fields[i].name.s, "%s",
                             to->error.message[0] ? to->error.message : "the record it belongs to was rejected");
        d->values[i] = value_int(to->ret_id);
    }
    return 0;
}

/* Of what the asker pointed at himself nothing may be learned that he may not read: neither that it is there, nor what would be copied from it. Roles that
 * read the register nowhere (accounts, by most) point at it blindly. */
static bool points_at(const struct apply *x, const struct draft *d, const struct register_decl *target, struct text region) {
    return !d->asked || access_check(x->s, ACCESS_READ, target, region, NULL) == 0 || !access_anywhere(x->s, ACCESS_READ, target);
}

/* self: the record's own id, 0 of a new one. */
static int check_references(struct apply *x, const struct draft *d, int64_t self, const struct value *values, const struct value *old, struct error *err) {
    const struct reg_table *t = x->l->tables[d->reg->order];
    for (size_t k = 0; k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if (values[i].kind != VALUE_INT || (old && value_eq(values[i], old[i]))) continue;
        int64_t id = values[i].i;
        const struct register_decl *target = t->targets[i];
        if (self && target == d->reg && id == self) return error_set(err, E_INVALID, d->reg->fields[i].name.s, "a record does not refer to itself / 记录不能指向自身");
        if (id >= x->first_id && id < x->l->next_id) {
            struct entry *e = x->made[id - x->first_id];
            if (e && e->t->reg == target && e->write != ENTRY_NEVER && points_at(x, d, target, e->record.region)) continue;
        } else {
            struct idmap_slot *known = idmap_find(&apply_table_of(x, target)->exists, id);
            if (known && known->value.i && !d->asked) continue;
            const struct record *other = NULL;
            int rc = known && !known->value.i ? 0 : record_peek(x->l, target, id, &other, err);
            if (rc < 0) return rc;
            if (other && points_at(x, d, target, other->region)) continue;
        }
        return error_set(err, E_INVALID, d->reg->fields[i].name.s, "there is no %s with id %lld / 没有该%s记录", target->name.s, (long long)id,
                         target->zh.s ? target->zh.s : "");
    }
    return 0;
}

/* The record's region: its own field, what the writer says, the region of what it refers to, the node's. */
static int region_of(struct apply *x, const struct draft *d, const struct value *values, struct text *ret, struct error *err) {
    const struct register_decl *reg = d->reg;
    *ret = (struct text){"", 0};
    if (reg->region_field >= 0 && values[reg->region_field].kind == VALUE_TEXT) *ret = value_view(values[reg->region_field]);
    if (!ret->n) *ret = d->region;
    const struct reg_table *t = x->l->tables[reg->order];
    for (size_t k = 0; !ret->n && k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if (values[i].kind != VALUE_INT || text_is(reg->fields[i].target, "person")) continue;
        const struct record *other = NULL;
        int rc = record_peek(x->l, t->targets[i], values[i].i, &other, err);
        if (rc < 0) return rc;
        if (other) *ret = other->region;
    }
    if (!ret->n) *ret = x->l->region;
    return 0;
}

bool apply_may_move(const struct register_decl *reg, const struct session *s, int from, int to, struct text region) {
    for (size_t i = 0; i < reg->n_moves; i++) {
        const struct move *m = &reg->moves[i];
        if (m->to != to || (m->from >= 0 && m->from != from)) continue;
        if (!m->n_roles) return true;
        for (size_t g = 0; g < s->n_grants; g++)
            if (region_within(region, s->grants[g].region) &&
                (text_is(s->grants[g].role, "root") || role_among(m->roles, m->n_roles, s->grants[g].role)))
                return true;
    }
    return false;
}

static bool concerns(struct apply *x, const struct register_decl *reg) {
    struct apply_table *at = apply_table_of(x, reg);
    if (!at->concerns_known) {
        at->concerns = book_concerns(x->l, reg);
        at->concerns_known = true;
    }
    return at->concerns;
}

/* ---- journal */

static int add_cell(struct buf *out, size_t code, struct value v) {
    return value_given(v) ? journal_cells(out, code, v) : 0;
}

/* Who, when, why and of which record: all of an entry but its cells. */
static struct journal_entry entry_of(const struct apply *x, const struct record *r, enum journal_verb verb, int64_t previous) {
    return (struct journal_entry){.at = x->s->now,
                                  .verb = verb,
                                  .actor = x->s->account,
                                  .reason = x->s->reason,
                                  .reg = r->reg->name,
                                  .record = r->id,
                                  .version = r->version,
                                  .previous = previous,
                                  .import = x->s->import};
}

/* Cells that were encoded when the draft was prepared, when they are still what they were. */
static bool add_coded(struct buf *cells, const struct entry *e, const struct draft *d) {
    const struct record *r = &e->record;
    if (!d || !d->coded) return false;
    for (size_t k = 0; k < d->n_coded; k++) {
        struct value was = d->coded[k].v, is = r->values[d->coded[k].field];
        if (was.kind != is.kind || was.n != is.n || was.i != is.i) return false;
    }
    buf_text(cells, d->cells);
    for (size_t i = 0, k = 0; i < r->reg->n_fields; i++)
        if (k < d->n_coded && d->coded[k].field == i)
            k++;
        else if (value_given(r->values[i]))
            journal_cells(cells, e->t->cell_code[i], r->values[i]);
    return true;
}

/* d: the draft that made it, or NULL. */
static int journal_whole(struct apply *x, struct entry *e, const struct draft *d, enum journal_verb verb, bool after, int64_t *ret_seq, struct error *err) {
    struct buf cells = x->cells;
    const struct record *r = &e->record;
    buf_reset(&cells);
    if (r->region.n) add_cell(&cells, CELL_REGION, value_text(r->region));
    if (r->state.n) add_cell(&cells, CELL_STATE, value_text(r->state));
    if (r->number.n) add_cell(&cells, CELL_NUMBER, value_text(r->number));
    if (r->key) add_cell(&cells, CELL_KEY, value_int(r->key));
    if (!add_coded(&cells, e, d))
        for (size_t i = 0; i < r->reg->n_fields; i++) add_cell(&cells, e->t->cell_code[i], r->values[i]);
    journal_cells_end(&cells);
    int rc = cells.failed ? error_memory(err) : 0;
    struct journal_entry j = entry_of(x, r, verb, r->entry);
    if (after)
        j.after = buf_view(&cells);
    else
        j.before = buf_view(&cells);
    if (!rc) rc = journal_append(&x->l->journal, &j, ret_seq, err);
    x->cells = cells;
    return rc;
}

/* ---- entries */

static void entry_sync(struct entry *e) {
    const struct record *r = &e->record;
    e->cells[COL_REGION] = value_text(r->region);
    e->cells[COL_ID] = value_int(r->id);
    e->cells[COL_VERSION] = value_int(r->version);
    e->cells[COL_STATE] = r->state.n ? value_text(r->state) : value_null();
    e->cells[COL_NUMBER] = r->number.n ? value_text(r->number) : value_null();
    e->cells[COL_KEY] = r->key ? value_int(r->key) : value_null();
    e->cells[COL_CREATED_AT] = value_int(r->created_at);
    e->cells[COL_CHANGED_AT] = value_int(r->changed_at);
    e->cells[COL_IMPORT] = r->import ? value_int(r->import) : value_null();
    e->cells[COL_ENTRY] = value_int(r->entry);
}

static void entry_queue(struct apply *x, struct entry *e, enum entry_write write) {
    bool listed = e->write != ENTRY_CLEAN;
    e->write = write;
    if (listed) return;
    struct apply_table *at = apply_table_of(x, e->t->reg);
    if (at->last)
        at->last->next = e;
    else
        at->first = e;
    at->last = e;
}

static struct entry *entry_new(struct apply *x, const struct reg_table *t) {
    size_t at = (size_t)(x->l->next_id - x->first_id);
    if (!arena_room(&x->arena, &x->made, &x->made_cap, at + 1, sizeof *x->made)) return NULL;
    struct entry *e = arena_alloc(&x->arena, sizeof *e);
    if (!e) return NULL;
    e->cells = arena_raw(&x->arena, t->table.n_columns * sizeof *e->cells); /* create gives each, entry_sync those of the system */
    if (!e->cells) return NULL;
    e->t = t;
    return e;
}

static void tell_ledger(struct apply *x, const struct register_decl *reg) {
    if (text_is(reg->name, "adoption")) x->l->adoptions_changed = true;
    if (text_is(reg->name, "organisation")) x->l->organisations_changed = true;
    if (text_is(reg->name, "account")) x->l->accounts_changed = true;
}

/* Errors that are the draft's own; anything else ends the batch. */
bool apply_is_result(int code) {
    switch (code) {
    case E_INVALID:
    case E_SYNTAX:
    case E_UNKNOWN:
    case E_DENIED:
    case E_CONFLICT:
    case E_REFUSED:
    case E_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

static int create(struct apply *x, struct draft *d, struct error *err) {
    const struct register_decl *reg = d->reg;
    const struct reg_table *t = x->l->tables[reg->order];
    struct entry *e = entry_new(x, t);
    if (!e) return error_memory(err);
    struct record *r = &e->record;
    *r = (struct record){.reg = reg, .values = e->cells + RECORD_SYSTEM_COLUMNS, .version = 1, .key = d->has_key ? d->key : 0,
                         .created_at = x->s->now, .changed_at = x->s->now, .import = x->s->import};
    for (size_t i = 0; i < reg->n_fields; i++) r->values[i] = d->values[i].kind == VALUE_ABSENT ? value_null() : d->values[i];
    bool copied = false;
    int rc = check_references(x, d, 0, r->values, NULL, err);
    if (!rc) rc = apply_others(x, d, r->values, NULL, err);
    if (!rc) rc = apply_copies(x, t, r->values, &copied, err);
    if (!rc) rc = record_required(t, r->values, NULL, true, err);
    if (!rc) rc = region_of(x, d, r->values, &r->region, err);
    if (!rc) rc = access_check(x->s, ACCESS_WRITE, reg, r->region, err);
    if (!rc) rc = grant_check(x->s, NULL, r, err);
    if (rc < 0) return rc;
    int initial = register_initial(reg), state = d->state.n ? register_state(reg, d->state) : initial;
    if (state >= 0) r->state = reg->states[state].name;
    rc = owned_check(d, NULL, r, err);
    if (!rc && reg->n_holds) rc = hold_check(x, r, err);
    if (rc < 0) return rc;
    if (state != initial && !x->s->import && !apply_may_move(reg, x->s, initial, state, r->region))
        return error_set(err, E_REFUSED, "state", "a new %s starts as %s / 新记录不能直接进入该状态", reg->name.s,
                         initial >= 0 ? reg->states[initial].name.s : "(none)");
    if (copied || record_checks_wait(x->l, reg)) {
        struct expr_scope scope = record_scope(x->l, x->s->now, r);
        rc = record_check(x->l, reg, &scope, true, err);
    }
    if (!rc) rc = book_measure(x->l, x->s, r, err);
    if (rc < 0) return rc;
    r->id = x->l->next_id;
    rc = seal_create(x, d, e, err);
    /* last of what can be refused: a number is not used up by a record that never was */
    if (!rc && reg->number_mask.n) {
        day on = day_of_instant(x->s->now, x->l->zone_s);
        if (reg->date_field >= 0 && r->values[reg->date_field].kind == VALUE_INT)
            on = reg->fields[reg->date_field].type == FIELD_INSTANT ? day_of_instant(r->values[reg->date_field].i, x->l->zone_s)
                                                                    : (day)r->values[reg->date_field].i;
        rc = number_next(x->l->numbers, x->l->db, reg->number_mask, r->region, on, &x->arena, &r->number, err);
    }
    if (!rc) rc = book_fresh(x->l, r->id, err);
    if (!rc) rc = journal_whole(x, e, d, JOURNAL_CREATE, true, &r->entry, err);
    if (rc < 0) return rc;
    x->made[r->id - x->first_id] = e;
    x->l->next_id++;
    entry_sync(e);
    entry_queue(x, e, ENTRY_INSERT);
    if (r->key) rc = apply_finds(x, e->t->by_key, r->key, r->id, err);
    if (!rc && r->number.n) rc = apply_finds(x, e->t->by_number, lookup_word(r->number), r->id, err);
    if (rc < 0) return rc;
    if (r->key) {
        struct idmap_slot *slot = idmap_put(&apply_table_of(x, reg)->keys, &x->arena, r->key, NULL);
        if (!slot) return error_memory(err);
        slot->value.i = r->id;
    }
    tell_ledger(x, reg);
    d->ret_id = r->id;
    d->outcome = OUTCOME_CREATED;
    rc = reg->n_similar ? similar_find(x, r, &d->ret_similar, &d->ret_similar_rule, err) : 0;
    if (!rc) rc = similar_note(x, e, err);
    if (rc < 0) return rc;
    rc = concerns(x, reg) ? book_fact(x->l, x->s, r, NULL, err) : 0;
    if (!rc && reg->n_holds) rc = hold_take(x, r, err);
    if (!rc) rc = apply_effects(x, r, NULL, false, err);
    d->ret_version = r->version;
    return rc;
}

/* Which cells differ; their new values go to wanted. Returns how many, or an error. */
static int differing(struct apply *x, struct draft *d, const struct record *r, struct value *wanted, bool *changed, struct error *err) {
    int n = 0;
    for (size_t i = 0; i < d->reg->n_fields; i++) {
        wanted[i] = r->values[i];
        changed[i] = false;
        struct value v = d->values[i];
        if (v.kind == VALUE_ABSENT) continue;
        /* an empty cell of a list that comes again does not wipe out what is known */
        if (d->verb == DRAFT_UPSERT && v.kind == VALUE_NULL) continue;
        if (d->aside >> (i < 63 ? i : 63) & 1 && (value_given(r->values[i]) || !value_given(v))) continue; /* known: apply_aside keeps the other word */
        if (d->reg->fields[i].sealed) {
            bool same = false;
            int rc = seal_change(x, r, i, v, &wanted[i], &same, err);
            if (rc < 0) return rc;
            changed[i] = !same;
        } else if (!value_eq(v, r->values[i])) {
            wanted[i] = v;
            changed[i] = true;
        }
        n += changed[i];
    }
    int more = d->aside | d->aside_old ? apply_aside(x, d, r, wanted, changed, err) : 0;
    int rc = more < 0 ? more : seal_move(x, &x->l->tables[d->reg->order]->sealed, r, wanted, changed, err);
    return rc < 0 ? rc : n + more;
}

static int journal_difference(struct apply *x, struct entry *e, const struct record *before, const bool *changed, enum journal_verb verb, struct error *err) {
    struct buf old = x->before, new = x->cells;
    struct record *r = &e->record;
    buf_reset(&old);
    buf_reset(&new);
    if (!text_eq(before->region, r->region)) {
        add_cell(&old, CELL_REGION, value_text(before->region));
        add_cell(&new, CELL_REGION, value_text(r->region));
    }
    if (!text_eq(before->state, r->state)) {
        journal_cells(&old, CELL_STATE, before->state.n ? value_text(before->state) : value_null());
        journal_cells(&new, CELL_STATE, r->state.n ? value_text(r->state) : value_null());
    }
    for (size_t i = 0; i < r->reg->n_fields; i++) {
        if (!changed[i]) continue;
        journal_cells(&old, e->t->cell_code[i], before->values[i]);
        journal_cells(&new, e->t->cell_code[i], r->values[i]);
    }
    journal_cells_end(&old);
    journal_cells_end(&new);
    struct journal_entry j = entry_of(x, r, verb, before->entry);
    j.region = r->region;
    j.before = buf_view(&old);
    j.after = buf_view(&new);
    int rc = old.failed || new.failed ? error_memory(err) : journal_append(&x->l->journal, &j, &r->entry, err);
    x->before = old;
    x->cells = new;
    return rc;
}

/* Whether the asker may change what is there. What he may not even read is not there; found by its natural key, it is there, but not which it is. */
static int may_write(const struct apply *x, const struct draft *d, const struct record *r, struct error *err) {
    struct error why = {0};
    int rc = access_check(x->s, ACCESS_WRITE, d->reg, r->region, &why);
    if (rc == 0) return 0;
    if (rc != E_DENIED || access_check(x->s, ACCESS_READ, d->reg, r->region, NULL) == 0) return error_set(err, rc, why.where, "%s", why.message);
    if (d->verb == DRAFT_CHANGE || d->verb == DRAFT_REMOVE) return error_set(err, E_UNKNOWN, d->reg->name.s, "there is no record %lld / 记录不存在", (long long)r->id);
    return error_set(err, E_CONFLICT, d->reg->name.s, "it is there already, where this account may not see it / 记录已存在,但该账户无权查看");
}

/* Of a record that has the natural key already. */
static int there_already(struct apply *x, const struct draft *d, int64_t id, struct error *err) {
    struct entry *e = NULL;
    int rc = apply_entry(x, x->l->tables[d->reg->order], id, &e, err);
    if (rc < 0) return rc;
    if (e && access_check(x->s, ACCESS_READ, d->reg, e->record.region, NULL) < 0) {
        rc = may_write(x, d, &e->record, err);
        if (rc < 0) return rc;
    }
    return error_set(err, E_CONFLICT, d->reg->name.s, "it is there already as record %lld / 记录已存在", (long long)id);
}

/* What is fixed and was given does not change; given: only cells that the draft mentions count. */
static int fixed_check(const struct register_decl *reg, const struct value *before, const struct value *now, bool given, struct error *err) {
    for (size_t i = 0; i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (!f->fixed || !value_given(before[i]) || (given && !value_given(now[i])) || value_eq(before[i], now[i])) continue;
        return error_set(err, E_CONFLICT, f->name.s, "%s was given and does not change / %s已确定,不能更改", f->en.s, f->zh.s);
    }
    return 0;
}

/* It is there: left as it is, unless it is another one by a fixed cell. */
static int ensure(struct apply *x, struct draft *d, int64_t id, struct error *err) {
    struct entry *e = NULL;
    int rc = apply_entry(x, x->l->tables[d->reg->order], id, &e, err);
    if (rc < 0) return rc;
    if (!e) return error_set(err, E_UNKNOWN, d->reg->name.s, "there is no record %lld / 记录不存在", (long long)id);
    rc = fixed_check(d->reg, e->record.values, d->values, true, err);
    if (rc < 0) return rc;
    d->ret_id = id;
    d->ret_version = e->record.version;
    d->outcome = OUTCOME_UNCHANGED;
    return 0;
}

static int change_record(struct apply *x, struct draft *d, int64_t id, struct error *err) {
    const struct register_decl *reg = d->reg;
    struct entry *e = NULL;
    int rc = apply_entry(x, x->l->tables[reg->order], id, &e, err);
    if (rc < 0) return rc;
    if (!e) return error_set(err, E_UNKNOWN, reg->name.s, "there is no record %lld / 记录不存在", (long long)id);
    struct record before = e->record;
    rc = may_write(x, d, &before, err);
    if (rc < 0) return rc;
    if (d->version && d->version != before.version)
        return error_set(err, E_CONFLICT, "version", "record %lld is at version %d, not %d / 记录已被他人修改", (long long)id, (int)before.version,
                         (int)d->version);
    size_t n_columns = e->t->table.n_columns;
    struct value *cells = arena_alloc(&x->arena, n_columns * sizeof *cells);
    bool *changed = arena_alloc(&x->arena, reg->n_fields + 1);
    if (!cells || !changed) return error_memory(err);
    struct record now = before;
    now.values = cells + RECORD_SYSTEM_COLUMNS;
    int n = differing(x, d, &before, now.values, changed, err);
    if (n < 0) return n;
    int wanted = d->state.n ? register_state(reg, d->state) : -1;
    /* a list that comes again does not move a record back */
    if (wanted >= 0 && (d->verb == DRAFT_CHANGE || apply_may_move(reg, x->s, register_state(reg, before.state), wanted, before.region)))
        now.state = reg->states[wanted].name;
    if (reg->region_field >= 0 && changed[reg->region_field]) now.region = value_view(now.values[reg->region_field]);
    if (reg->region_field < 0 && d->verb == DRAFT_CHANGE && d->region.n) now.region = d->region;
    bool moved = !text_eq(now.state, before.state);
    rc = owned_check(d, &before, &now, err); /* of what the asker says, not of what his move does by itself */
    if (!rc && moved) n += effect_sets(reg, &before, &now, changed);
    if (!rc && n) rc = apply_copies_turn(x, d, &before, &now, changed, &n, err);
    if (!rc && moved) rc = hold_close(x, &before, &now, changed, &n, err);
    if (rc < 0) return rc;
    d->ret_id = id;
    d->ret_version = before.version;
    if (!n && !moved && text_eq(now.region, before.region)) {
        d->outcome = OUTCOME_UNCHANGED;
        return 0;
    }
    if (!text_eq(now.region, before.region)) rc = access_check(x->s, ACCESS_WRITE, reg, now.region, err);
    if (!rc) rc = check_references(x, d, id, now.values, before.values, err);
    if (!rc) rc = apply_others(x, d, now.values, before.values, err);
    if (!rc) rc = record_required(e->t, now.values, NULL, true, err);
    struct expr_scope scope = record_scope(x->l, x->s->now, &now);
    struct expr_scope was = record_scope(x->l, x->s->now, &before);
    if (!rc) rc = record_check(x->l, reg, &scope, true, err);
    if (!rc) rc = record_check_change(x->l, reg, &was, &scope, err);
    if (!rc && !d->keep_key && !d->unfix) rc = fixed_check(reg, before.values, now.values, false, err);
    if (!rc) rc = grant_check(x->s, &before, &now, err);
    if (!rc && moved && !d->back && !apply_may_move(reg, x->s, register_state(reg, before.state), register_state(reg, now.state), before.region))
        rc = error_set(err, E_REFUSED, "state", "%s does not move from %s to %s / 不允许的状态变更", reg->name.s, before.state.n ? before.state.s : "(none)",
                       now.state.s);
    if (!rc && n) rc = book_measure(x->l, x->s, &now, err);
    if (!rc && moved && concerns(x, reg)) rc = book_guard(x->l, x->s, &now, now.state, err);
    if (!rc && reg->n_holds) rc = hold_check_change(x, &before, &now, err);
    if (!rc && n) rc = apply_rekey(x, d, &before, &now, err); /* last: it tells the rest of the batch, and nothing after it is refused */
    if (rc < 0) {
        d->ret_id = 0;
        return rc;
    }
    now.version++;
    now.changed_at = x->s->now;
    struct entry next = *e;
    next.cells = cells;
    next.record = now;
    rc = journal_difference(x, &next, &before, changed, moved && !n ? JOURNAL_MOVE : JOURNAL_CHANGE, err);
    if (rc < 0) return rc;
    e->cells = cells;
    e->record = next.record;
    if (reg->person_field >= 0 && changed[reg->person_field]) { /* whose records are whose is worked out anew */
        struct apply_table *at = apply_table_of(x, reg);
        at->people = (struct idmap){0};
        at->indexed = NULL;
    }
    entry_sync(e);
    entry_queue(x, e, e->write == ENTRY_INSERT ? ENTRY_INSERT : ENTRY_UPDATE);
    tell_ledger(x, reg);
    d->ret_version = now.version;
    d->outcome = OUTCOME_CHANGED;
    if (reg->n_holds) rc = hold_change(x, &before, &e->record, err);
    if (rc < 0) return rc;
    if (similar_concerned(reg, changed)) rc = similar_find(x, &e->record, &d->ret_similar, &d->ret_similar_rule, err);
    if (rc < 0) return rc;
    if (concerns(x, reg)) rc = book_fact(x->l, x->s, &e->record, &before, err);
    if (rc >= 0 && (reg->n_effects || (e->t->n_movers && changed[reg->person_field]))) rc = apply_effects(x, &e->record, &before, false, err);
    return rc < 0 ? rc : apply_copies_follow(x, &e->record, &before, err);
}

/* A change that is refused leaves the lookup as it was. */
int apply_change(struct apply *x, struct draft *d, int64_t id, struct error *err) {
    size_t found = x->n_found, lost = x->n_lost;
    int rc = change_record(x, d, id, err);
    if (rc < 0) x->n_found = found, x->n_lost = lost;
    return rc;
}

static int remove_record(struct apply *x, struct draft *d, struct error *err) {
    struct entry *e = NULL;
    int rc = apply_entry(x, x->l->tables[d->reg->order], d->id, &e, err);
    if (rc < 0) return rc;
    if (!e) return error_set(err, E_UNKNOWN, d->reg->name.s, "there is no record %lld / 记录不存在", (long long)d->id);
    rc = may_write(x, d, &e->record, err);
    if (!rc && d->version && d->version != e->record.version)
        rc = error_set(err, E_CONFLICT, "version", "record %lld was changed since / 记录已被修改", (long long)d->id);
    if (!rc) rc = grant_check(x->s, &e->record, NULL, err);
    if (rc < 0) return rc;
    if (d->reg->n_holds) rc = hold_leave(x, &e->record, d->forgotten, err);
    if (!rc) rc = seal_remove(x, &e->record, err);
    if (!rc && e->record.key) rc = apply_loses(x, e->t->by_key, e->record.key, e->record.id, err);
    if (!rc && e->record.number.n) rc = apply_loses(x, e->t->by_number, lookup_word(e->record.number), e->record.id, err);
    if (!rc) rc = journal_whole(x, e, NULL, JOURNAL_REMOVE, false, &e->record.entry, err);
    if (rc < 0) return rc;
    entry_queue(x, e, e->write == ENTRY_INSERT ? ENTRY_NEVER : ENTRY_DELETE);
    /* what follows in the batch neither refers to it nor finds it by its key */
    struct idmap_slot *there = idmap_find(&apply_table_of(x, d->reg)->exists, d->id);
    if (there) there->value.i = 0;
    rc = apply_key_forget(x, d->reg, e->record.key, d->id, err);
    if (rc < 0) return rc;
    tell_ledger(x, d->reg);
    d->ret_id = d->id;
    d->outcome = OUTCOME_REMOVED;
    rc = concerns(x, d->reg) ? book_unfact(x->l, x->s, &e->record, d->forgotten, err) : 0;
    return rc < 0 || d->forgotten || !d->reg->n_effects ? rc : apply_effects(x, &e->record, NULL, true, err);
}

/* Whether a key is looked for: who may make no such record where he says is not told whether there is one. */
static int may_make(const struct apply *x, const struct draft *d, struct error *err) {
    const struct register_decl *reg = d->reg;
    const struct reg_table *t = x->l->tables[reg->order];
    if (d->verb != DRAFT_CREATE && !reg->key_region) return 0;
    struct text region = reg->region_field >= 0 && d->values[reg->region_field].kind == VALUE_TEXT ? value_view(d->values[reg->region_field]) : d->region;
    for (size_t k = 0; !region.n && k < t->references.n; k++)
        if (d->values[t->references.at[k]].kind == VALUE_INT && !text_is(reg->fields[t->references.at[k]].target, "person")) return 0; /* that of a record he names */
    return access_check(x->s, ACCESS_WRITE, reg, region.n ? region : x->l->region, err);
}

static int apply_one(struct apply *x, struct draft **drafts, struct draft *d, struct error *err) {
    int rc = resolve_links(drafts, d, err);
    if (rc < 0) return rc;
    if (d->verb == DRAFT_CHANGE) return apply_change(x, d, d->id, err);
    if (d->verb == DRAFT_REMOVE) return remove_record(x, d, err);
    /* who may write this register nowhere is told so before anything is looked up that he named */
    if (!access_anywhere(x->s, ACCESS_WRITE, d->reg)) return access_check(x->s, ACCESS_WRITE, d->reg, x->l->region, err);
    if (d->late_key) {
        rc = apply_late_key(x, d, err);
        if (rc < 0) return rc;
    }
    int64_t id = 0;
    if (d->has_key) rc = may_make(x, d, err);
    if (rc < 0) return rc;
    if (d->has_key) rc = apply_key(x, d->reg, d->key, apply_names_new(x, d), &id, err);
    if (rc < 0) return rc;
    if (id && d->verb == DRAFT_CREATE) return there_already(x, d, id, err);
    if (id && d->verb == DRAFT_ENSURE) return ensure(x, d, id, err);
    return id ? apply_change(x, d, id, err) : create(x, d, err);
}

int record_apply_prefetch(struct apply *x, struct draft **drafts, size_t n, struct error *err); /* record_fetch.c */

int record_apply(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err) {
    if (!l->in_transaction) return error_set(err, E_USAGE, NULL, "record_apply outside a transaction");
    struct apply x = {.l = l, .s = s, .first_id = l->next_id};
    x.tables = arena_alloc(&x.arena, (l->catalog->n_registers + 1) * sizeof *x.tables);
    l->apply = &x;
    int rc = x.tables ? 0 : error_memory(err);
    bool *here = rc ? NULL : arena_alloc(&x.arena, n + 1);
    if (!rc && !here) rc = error_memory(err);
    for (size_t i = 0; !rc && i < n; i++)
        if ((here[i] = !drafts[i]->prepared)) record_prepare(l, drafts[i], &x.arena, &l->secret, s->now); /* its refusal is in the draft */
    if (!rc) rc = record_apply_prefetch(&x, drafts, n, err);
    struct error why = {0};
    for (size_t i = 0; !rc && i < n; i++) {
        struct draft *d = drafts[i];
        apply_near(drafts, n, i);
        if (d->outcome == OUTCOME_REJECTED) {
            if (!d->error.code || apply_is_result(d->error.code)) continue;
            rc = d->error.code; /* it was not refused: it could not be looked at */
            if (err) *err = d->error;
            break;
        }
        x.s = d->session ? d->session : s;
        if (why.code) why = (struct error){0};
        int one = apply_one(&x, drafts, d, &why);
        if (!one) continue;
        d->error = why;
        d->ret_id = 0;
        d->outcome = OUTCOME_REJECTED;
        if (!apply_is_result(one)) {
            rc = one;
            if (err) *err = why;
        }
    }
    if (!rc) journal_ahead(&l->journal);
    if (!rc) rc = apply_flush(&x, err);
    for (size_t i = 0; here && i < n; i++)
        if (here[i]) record_unprepare(drafts[i]); /* it lies in this call's arena */
    l->apply = NULL;
    buf_clear(&x.cells);
    buf_clear(&x.before);
    arena_clear(&x.arena);
    if (!rc && l->organisations_changed) owner_forget(l);
    if (!rc && l->adoptions_changed) rc = adoptions_load(l, err);
    return rc;
}

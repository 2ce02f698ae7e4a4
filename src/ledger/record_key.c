/* Natural keys of a batch: which record has one, and what that means for the drafts that follow. */
#include <string.h>

#include "ledger/apply.h"

int apply_copies(struct apply *x, const struct reg_table *t, struct value *values, bool *ret_any, struct error *err) {
    *ret_any = false;
    for (size_t i = 0; t->has_copies && i < t->reg->n_fields; i++) {
        const struct field *f = &t->reg->fields[i];
        if (f->copy_reference < 0 || value_given(values[i]) || values[f->copy_reference].kind != VALUE_INT) continue;
        const struct register_decl *target = t->targets[f->copy_reference];
        const struct record *from = NULL;
        int rc = target ? record_peek(x->l, target, values[f->copy_reference].i, &from, err) : 0;
        if (rc < 0) return rc;
        if (!from || !value_given(from->values[f->copy_field])) continue;
        values[i] = from->values[f->copy_field];
        *ret_any = true;
    }
    return 0;
}

/* What the record that a cell was copied from says of it; nothing when there is none. */
static int source_of(struct apply *x, const struct reg_table *t, const struct field *f, const struct value *values, struct value *ret, struct error *err) {
    struct value to = values[f->copy_reference];
    const struct record *from = NULL;
    *ret = value_null();
    if (to.kind != VALUE_INT || !t->targets[f->copy_reference]) return 0;
    int rc = record_peek(x->l, t->targets[f->copy_reference], to.i, &from, err);
    if (!rc && from && value_given(from->values[f->copy_field])) *ret = from->values[f->copy_field];
    return rc;
}

int apply_copies_turn(struct apply *x, const struct draft *d, const struct record *before, struct record *now, bool *changed, int *n, struct error *err) {
    const struct register_decl *reg = d->reg;
    const struct reg_table *t = x->l->tables[reg->order];
    for (size_t i = 0; t->has_copies && i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        struct value was = before->values[i], is = value_null();
        bool said = d->values[i].kind != VALUE_ABSENT && (d->verb != DRAFT_UPSERT || value_given(d->values[i])); /* an empty cell of a list says nothing */
        if (f->copy_reference < 0 || !changed[f->copy_reference] || changed[i] || said || f->fixed || (int)i == reg->person_field) continue;
        int rc = value_given(was) ? source_of(x, t, f, before->values, &is, err) : 0;
        if (rc < 0) return rc;
        if (value_given(was) && !value_eq(was, is)) continue; /* its own word */
        if ((rc = source_of(x, t, f, now->values, &is, err)) < 0) return rc;
        if ((!value_given(is) && (f->required || !value_given(was))) || value_eq(is, was)) continue;
        now->values[i] = is;
        changed[i] = true;
        ++*n;
    }
    return 0;
}

/* The key of a draft whose key cells come from records that it refers to. On a copy: the draft may be applied again after a rollback, and what it does not
 * mention stays not mentioned. */
int apply_late_key(struct apply *x, struct draft *d, struct error *err) {
    bool copied = false;
    struct value *values = arena_alloc(&x->arena, (d->reg->n_fields + 1) * sizeof *values);
    if (!values) return error_memory(err);
    memcpy(values, d->values, d->reg->n_fields * sizeof *values);
    int rc = apply_copies(x, x->l->tables[d->reg->order], values, &copied, err);
    if (!rc) d->has_key = record_natural_key(d->reg, d->region, values, &d->key);
    return rc;
}

/* ---- asked of the store together */

struct keys {
    struct apply *x;
    struct apply_table *at;
    const int64_t *keys;
};

static int key_found(void *arg, size_t asked, int64_t id, struct error *err) {
    struct keys *k = arg;
    struct idmap_slot *slot = idmap_put(&k->at->keys, &k->x->arena, k->keys[asked], NULL);
    if (!slot) return error_memory(err);
    if (!slot->value.i || id < slot->value.i) slot->value.i = id;
    return 0;
}

/* Which of these keys have a record. */
int apply_keys_fetch(struct apply *x, const struct reg_table *t, const int64_t *keys, size_t n, struct error *err) {
    struct keys k = {x, apply_table_of(x, t->reg), keys};
    struct lookup_entry *asked = arena_alloc(&x->arena, n * sizeof *asked);
    if (!asked) return error_memory(err);
    for (size_t i = 0; i < n; i++) asked[i] = lookup_entry_of(t->by_key, keys[i], 0);
    return lookup_find_many(x->l->db, asked, n, 0, key_found, &k, err);
}


/* Are all records there that its key is made of? Those of this very batch are not. */
static bool key_is_ready(const struct apply *x, const struct draft *d) {
    const struct reg_table *t = x->l->tables[d->reg->order];
    for (size_t k = 0; k < t->references.n; k++) {
        size_t i = t->references.at[k];
        if ((d->links && d->links[i]) || (d->values[i].kind == VALUE_INT && d->values[i].i >= x->first_id)) return false;
    }
    return true;
}

int apply_late_keys_fetch(struct apply *x, struct draft **drafts, size_t n, struct error *err) {
    int64_t *keys = NULL;
    int rc = 0;
    for (size_t r = 0; !rc && r < x->l->catalog->n_registers; r++) {
        const struct register_decl *reg = &x->l->catalog->registers[r];
        size_t k = 0;
        if (!apply_table_of(x, reg)->late) continue;
        for (size_t i = 0; !rc && i < n; i++) {
            struct draft *d = drafts[i];
            bool fresh = false;
            if (d->reg != reg || !d->late_key || d->outcome == OUTCOME_REJECTED || !key_is_ready(x, d)) continue;
            rc = apply_late_key(x, d, err);
            if (rc < 0 || !d->has_key) continue;
            struct idmap_slot *slot = idmap_put(&apply_table_of(x, reg)->keys, &x->arena, d->key, &fresh);
            if (!keys) keys = arena_alloc(&x->arena, n * sizeof *keys);
            if (!slot || !keys) return error_memory(err);
            if (fresh) keys[k++] = d->key;
        }
        if (!rc && k) rc = apply_keys_fetch(x, x->l->tables[r], keys, k, err);
    }
    return rc;
}

/* ---- one by one */

/* only_new: the key names a record made in this very call, so the store cannot have it. */
int apply_key(struct apply *x, const struct register_decl *reg, int64_t key, bool only_new, int64_t *ret, struct error *err) {
    struct apply_table *at = apply_table_of(x, reg);
    bool fresh = false;
    struct idmap_slot *slot = idmap_put(&at->keys, &x->arena, key, &fresh);
    if (!slot) return error_memory(err);
    if (fresh && !only_new) {
        int64_t *ids = NULL;
        size_t n = 0;
        int rc = lookup_find(x->l->db, x->l->tables[reg->order]->by_key, key, 1, &x->arena, &ids, &n, err);
        if (rc < 0) return rc;
        slot->value.i = n ? ids[0] : 0;
    }
    *ret = slot->value.i;
    return 0;
}

/* A natural key with a reference to a record of this call is new as well. */
bool apply_names_new(const struct apply *x, const struct draft *d) {
    if (d->outside_key.n) return false;
    for (size_t i = 0; i < d->reg->n_key; i++) {
        const struct field *f = &d->reg->fields[d->reg->key[i]];
        struct value v = d->values[d->reg->key[i]];
        if (f->type == FIELD_REFERENCE && v.kind == VALUE_INT && v.i >= x->first_id) return true;
    }
    return false;
}

/* The store still has this key until the batch is flushed; for the rest of the batch nobody has it. */
int apply_key_forget(struct apply *x, const struct register_decl *reg, int64_t key, int64_t id, struct error *err) {
    bool fresh = false;
    struct idmap_slot *slot = key ? idmap_put(&apply_table_of(x, reg)->keys, &x->arena, key, &fresh) : NULL;
    if (key && !slot) return error_memory(err);
    if (slot && (fresh || slot->value.i == id)) slot->value.i = 0;
    return 0;
}

/* A record known by its natural key is known by the new one when the cells of its key change. */
int apply_rekey(struct apply *x, const struct draft *d, const struct record *before, struct record *now, struct error *err) {
    int64_t was = 0, is = 0, other = 0;
    struct text region = now->region;
    if (d->keep_key) return 0;
    bool same = record_natural_key(d->reg, before->region, before->values, &was) && was == before->key;
    if (!same && d->reg->key_region) { /* made with an inherited region, which is no part of its key */
        region = TEXT("");
        same = record_natural_key(d->reg, region, before->values, &was) && was == before->key;
    }
    if (!same) return 0;
    if (!record_natural_key(d->reg, region, now->values, &is)) is = 0;
    if (is == was) return 0;
    int rc = is ? apply_key(x, d->reg, is, false, &other, err) : 0;
    if (rc < 0) return rc;
    if (other && other != now->id)
        return error_set(err, E_CONFLICT, d->reg->name.s, "record %lld has this key already / 已有相同记录", (long long)other);
    struct idmap_slot *slot = is ? idmap_put(&apply_table_of(x, d->reg)->keys, &x->arena, is, NULL) : NULL;
    if (slot) slot->value.i = now->id;
    now->key = is;
    const struct reg_table *t = x->l->tables[d->reg->order];
    if (was) rc = apply_loses(x, t->by_key, was, now->id, err);
    if (!rc && is) rc = apply_finds(x, t->by_key, is, now->id, err);
    return rc ? rc : apply_key_forget(x, d->reg, was, now->id, err);
}

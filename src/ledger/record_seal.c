/* Sealing of fields, and the blind indexes that find them again. */
#include <stdio.h>
#include <string.h>

#include "ledger/apply.h"

/* What a sealed value is bound to: its field, and under the common key its record, so that values cannot be exchanged unnoticed. A
 * person's own key binds to the person already, and is there before the id. */
void seal_context(const struct register_decl *reg, const struct field *f, int64_t id, char out[96]) {
    if (text_is(reg->name, "person")) /* of every new person several: without a format */
        stpcpy(stpcpy(stpcpy(out, reg->name.s), "/"), f->name.s);
    else
        snprintf(out, 96, "%s/%s/%lld", reg->name.s, f->name.s, (long long)id);
}

static bool is_person(const struct register_decl *reg) {
    return text_is(reg->name, "person");
}

/* A person is sealed before it is written, on any thread, with a fresh key of its own; other registers when their id is known. */
int seal_prepare(struct ledger *l, const struct reg_table *t, struct draft *d, struct arena *a, struct rng *secret, struct error *err) {
    const struct register_decl *reg = d->reg;
    if (!is_person(reg)) return 0;
    d->sealed = arena_raw(a, (t->sealed.n + 1) * sizeof *d->sealed);
    d->seal = arena_alloc(a, sizeof *d->seal);
    d->wrapped = arena_alloc(a, VAULT_WRAPPED);
    if (!d->sealed || !d->seal || !d->wrapped) return error_memory(err);
    vault_new_key(secret, d->seal);
    vault_wrap_seal(l->vault, secret, d->seal, d->wrapped);
    for (size_t k = 0; k < t->sealed.n; k++) {
        const struct field *f = &reg->fields[t->sealed.at[k]];
        struct value v = d->values[t->sealed.at[k]];
        d->sealed[k] = v;
        if (v.kind != VALUE_TEXT) continue;
        if (f->blind && d->n_blind < sizeof d->blind / sizeof *d->blind && vault_blind(l->vault, f->blind, value_view(v), &d->blind[d->n_blind]))
            d->blind_kind[d->n_blind++] = (int)f->blind;
        char context[96];
        seal_context(reg, f, 0, context);
        unsigned char *out = arena_alloc(a, v.n + VAULT_OVERHEAD);
        if (!out) return error_memory(err);
        d->sealed[k] = value_blob(out, vault_seal(d->seal, secret, text_of(context), value_view(v), out));
    }
    return 0;
}

int values_add(struct apply *x, struct buf_values *b, const struct value *row, size_t n, struct error *err) {
    if (!arena_room(&x->arena, &b->v, &b->cap, b->n + n, sizeof *b->v)) return error_memory(err);
    memcpy(b->v + b->n, row, n * sizeof *row);
    b->n += n;
    return 0;
}

int seal_person_key(struct apply *x, const struct record *r, struct vault_key *ret, struct error *err) {
    int64_t person = is_person(r->reg) ? r->id : r->reg->person_field >= 0 ? value_int_or(r->values[r->reg->person_field], 0) : 0;
    if (!person) {
        vault_common_key(x->l->vault, ret);
        return 0;
    }
    /* a key of this call is not in the store yet */
    for (size_t i = 0; person >= x->first_id && i + 1 < x->keys_add.n; i += 2)
        if (x->keys_add.v[i].i == person) return vault_unwrap(x->l->vault, person, value_view(x->keys_add.v[i + 1]), ret, err);
    const struct idmap_slot *known = idmap_find(&x->wrapped, person);
    if (known) return vault_unwrap(x->l->vault, person, *(const struct text *)known->value.p, ret, err);
    return vault_person_key(x->l->vault, x->l->db, person, ret, err);
}

int seal_create(struct apply *x, struct draft *d, struct entry *e, struct error *err) {
    const struct register_decl *reg = d->reg;
    int rc = 0;
    const struct field_list *sealed = &e->t->sealed;
    if (!sealed->n) return 0;
    if (is_person(reg)) {
        vault_wrap_bind(x->l->vault, e->record.id, d->wrapped);
        struct value row[] = {value_int(e->record.id), value_blob(d->wrapped, VAULT_WRAPPED)};
        rc = values_add(x, &x->keys_add, row, 2, err);
        for (size_t i = 0; !rc && i < d->n_blind; i++) rc = apply_finds(x, lookup_blind((enum field_blind)d->blind_kind[i]), d->blind[i], e->record.id, err);
        for (size_t k = 0; k < sealed->n; k++) e->record.values[sealed->at[k]] = d->sealed[k];
        return rc;
    }
    struct vault_key key;
    rc = seal_person_key(x, &e->record, &key, err);
    for (size_t k = 0; !rc && k < sealed->n; k++) {
        size_t i = sealed->at[k];
        const struct field *f = &reg->fields[i];
        struct value v = e->record.values[i];
        if (v.kind != VALUE_TEXT) continue;
        char context[96];
        seal_context(reg, f, e->record.id, context);
        unsigned char *out = arena_alloc(&x->arena, v.n + VAULT_OVERHEAD);
        if (!out) return error_memory(err);
        e->record.values[i] = value_blob(out, vault_seal(&key, &x->l->secret, text_of(context), value_view(v), out));
    }
    explicit_bzero(&key, sizeof key);
    return rc;
}

int seal_open(struct apply *x, const struct record *r, size_t field, struct text *ret, struct error *err) {
    char context[96];
    struct vault_key key;
    *ret = (struct text){"", 0};
    if (r->values[field].kind != VALUE_BLOB) return 0;
    seal_context(r->reg, &r->reg->fields[field], r->id, context);
    int rc = seal_person_key(x, r, &key, err);
    if (!rc) rc = vault_unseal(&key, text_of(context), value_view(r->values[field]), &x->arena, ret, err);
    explicit_bzero(&key, sizeof key);
    return rc;
}

int seal_change(struct apply *x, const struct record *r, size_t field, struct value clear, struct value *ret_sealed, bool *ret_same, struct error *err) {
    const struct field *f = &r->reg->fields[field];
    struct value old = r->values[field];
    char context[96];
    struct vault_key key;
    struct text was = {"", 0};
    seal_context(r->reg, f, r->id, context);
    int rc = seal_person_key(x, r, &key, err);
    if (!rc && old.kind == VALUE_BLOB) rc = vault_unseal(&key, text_of(context), value_view(old), &x->arena, &was, err);
    if (rc < 0) goto out;
    *ret_same = (old.kind == VALUE_BLOB) == (clear.kind == VALUE_TEXT) && text_eq(was, value_view(clear));
    if (*ret_same) goto out;
    struct value sealed = value_null();
    if (clear.kind == VALUE_TEXT) {
        unsigned char *out = arena_alloc(&x->arena, clear.n + VAULT_OVERHEAD);
        if (!out) {
            rc = error_memory(err);
            goto out;
        }
        sealed = value_blob(out, vault_seal(&key, &x->l->secret, text_of(context), value_view(clear), out));
    }
    if (f->blind && is_person(r->reg)) {
        int64_t hash = 0;
        if (was.n && vault_blind(x->l->vault, f->blind, was, &hash)) rc = apply_loses(x, lookup_blind(f->blind), hash, r->id, err);
        if (!rc && clear.kind == VALUE_TEXT && vault_blind(x->l->vault, f->blind, value_view(clear), &hash))
            rc = apply_finds(x, lookup_blind(f->blind), hash, r->id, err);
    }
    if (!rc) *ret_sealed = sealed;
out:
    explicit_bzero(&key, sizeof key);
    return rc;
}

int seal_move(struct apply *x, const struct field_list *sealed, const struct record *r, struct value *wanted, bool *changed, struct error *err) {
    struct record was = *r, is = *r;
    struct vault_key key;
    bool any = false;
    for (size_t k = 0; k < sealed->n; k++) any = any || wanted[sealed->at[k]].kind == VALUE_BLOB;
    if (is_person(r->reg) || r->reg->person_field < 0 || !changed[r->reg->person_field] || !any) return 0;
    was.values = arena_alloc(&x->arena, r->reg->n_fields * sizeof *was.values);
    if (!was.values) return error_memory(err);
    memcpy(was.values, wanted, r->reg->n_fields * sizeof *was.values);
    was.values[r->reg->person_field] = r->values[r->reg->person_field];
    is.values = wanted;
    int rc = seal_person_key(x, &is, &key, err);
    for (size_t k = 0; !rc && k < sealed->n; k++) {
        size_t i = sealed->at[k];
        struct text clear;
        char context[96];
        if (wanted[i].kind != VALUE_BLOB) continue;
        changed[i] = true;
        rc = seal_open(x, &was, i, &clear, err);
        if (rc == E_UNKNOWN) { /* erased: nobody opens it any more */
            if (err) *err = (struct error){0};
            wanted[i] = value_null();
            rc = 0;
            continue;
        }
        unsigned char *out = rc ? NULL : arena_alloc(&x->arena, clear.n + VAULT_OVERHEAD);
        if (!rc && !out) rc = error_memory(err);
        if (rc < 0) break;
        seal_context(r->reg, &r->reg->fields[i], r->id, context);
        wanted[i] = value_blob(out, vault_seal(&key, &x->l->secret, text_of(context), clear, out));
    }
    explicit_bzero(&key, sizeof key);
    return rc;
}

int seal_remove(struct apply *x, const struct record *r, struct error *err) {
    if (!is_person(r->reg)) return 0;
    struct vault_key key;
    int rc = seal_person_key(x, r, &key, err);
    if (rc == E_UNKNOWN) {
        if (err) *err = (struct error){0};
        return 0; /* erased: no key, no blind index */
    }
    for (size_t i = 0; !rc && i < r->reg->n_fields; i++) {
        const struct field *f = &r->reg->fields[i];
        if (!f->blind || r->values[i].kind != VALUE_BLOB) continue;
        char context[96];
        struct text was;
        int64_t hash = 0;
        seal_context(r->reg, f, r->id, context);
        rc = vault_unseal(&key, text_of(context), value_view(r->values[i]), &x->arena, &was, err);
        if (!rc && vault_blind(x->l->vault, f->blind, was, &hash)) rc = apply_loses(x, lookup_blind(f->blind), hash, r->id, err);
    }
    explicit_bzero(&key, sizeof key);
    return rc;
}

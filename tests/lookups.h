/* Is the lookup of a ledger exactly what its records say: every key, number, document, phone and name, and nothing else? */
#ifndef TOCSIN_TESTS_LOOKUPS_H
#define TOCSIN_TESTS_LOOKUPS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/node.h"
#include "ledger/lookup_run.h"
#include "ledger/table.h"

struct lookups {
    struct lookup_entry *e;
    size_t n, cap;
    struct ledger *l;
    struct session s;
    int rc;
};

static inline void lookups_put(struct lookups *x, struct lookup_entry e) {
    if (x->n == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 4096;
        x->e = realloc(x->e, x->cap * sizeof *x->e);
    }
    x->e[x->n++] = e;
}

static inline int lookups_visit(void *arg, struct lookup_entry e, struct error *err) {
    (void)err;
    lookups_put(arg, e);
    return 0;
}

static inline void lookups_sort(struct lookups *x) {
    size_t n = 0;
    if (x->n) qsort(x->e, x->n, sizeof *x->e, lookup_compare);
    for (size_t i = 0; i < x->n; i++)
        if (!n || lookup_compare(&x->e[n - 1], &x->e[i]) != 0) x->e[n++] = x->e[i];
    x->n = n;
}

/* What the store's lookup holds, sorted and without doubles. */
static inline int lookups_stored(struct db *db, struct lookups *ret, struct error *err) {
    bool own = !db_steady(db);
    int rc = own ? db_snapshot(db, err) : 0;
    if (!rc) rc = lookup_scan(db, lookups_visit, ret, err);
    if (own) db_snapshot_end(db);
    lookups_sort(ret);
    return rc;
}

static inline int lookups_record(const struct record *r, void *arg) {
    struct lookups *x = arg;
    const struct reg_table *t = x->l->tables[r->reg->order];
    struct arena a = {0};
    struct record copy = *r;
    struct error err = {0};
    struct vault_key key;
    bool erased = text_is(r->reg->name, "person") && vault_person_key(x->l->vault, x->l->db, r->id, &key, NULL) == E_UNKNOWN; /* found by nothing that identifies */
    if (r->key && !erased) lookups_put(x, lookup_entry_of(t->by_key, r->key, r->id));
    if (r->number.n) lookups_put(x, lookup_entry_of(t->by_number, lookup_word(r->number), r->id));
    if (!text_is(r->reg->name, "person")) return 0;
    copy.values = arena_alloc(&a, (r->reg->n_fields + 1) * sizeof *copy.values);
    memcpy(copy.values, r->values, r->reg->n_fields * sizeof *copy.values);
    x->rc = record_open(x->l, x->l->db, &x->s, &copy, &a, &err);
    for (size_t i = 0; !x->rc && i < r->reg->n_fields; i++) {
        int64_t hash = 0;
        const struct field *f = &r->reg->fields[i];
        if (f->blind && copy.values[i].kind == VALUE_TEXT && vault_blind(x->l->vault, f->blind, value_view(copy.values[i]), &hash))
            lookups_put(x, lookup_entry_of(lookup_blind(f->blind), hash, r->id));
    }
    arena_clear(&a);
    return x->rc;
}

/* The same from the records, by opening all of them. */
static inline int lookups_wanted(struct ledger *l, struct lookups *ret, struct error *err) {
    int rc = 0;
    ret->l = l;
    ret->s = node_session(TEXT("check"), 1653876000, false);
    ret->s.purpose = TEXT("check");
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        struct record_filter all = {0};
        rc = record_list(l, l->db, &ret->s, &l->catalog->registers[i], &all, lookups_record, ret, err);
    }
    lookups_sort(ret);
    return rc;
}

/* 0 when they are the same; else why says whom it concerns. */
static inline int lookups_exact(struct ledger *l, char *why, size_t room) {
    struct lookups stored = {0}, wanted = {0};
    struct error err = {0};
    int rc = lookups_stored(l->db, &stored, &err);
    if (!rc) rc = lookups_wanted(l, &wanted, &err);
    if (rc) snprintf(why, room, "lookup: %.100s", err.message);
    for (size_t i = 0, k = 0; !rc && (i < stored.n || k < wanted.n); i++, k++) {
        int c = i == stored.n ? 1 : k == wanted.n ? -1 : lookup_compare(&stored.e[i], &wanted.e[k]);
        if (!c) continue;
        rc = -1;
        struct lookup_entry e = c < 0 ? stored.e[i] : wanted.e[k];
        snprintf(why, room, "the lookup %s record %lld by tag %d", c < 0 ? "still finds" : "does not find", (long long)lookup_holder(e),
                 (int)(e.holder >> LOOKUP_HOLDER_BITS));
    }
    free(stored.e);
    free(wanted.e);
    return rc;
}

#endif

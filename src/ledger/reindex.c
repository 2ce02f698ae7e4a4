/* The lookup made anew from the records: for stores from before it was there, old backups, and readings of names that changed (vault.h). */
#include <string.h>

#include "ledger/apply.h"

enum { GROUP = 1 << 19 };

struct reindex {
    struct ledger *l;
    const struct reg_table *t;
    struct lookup_entry *e;
    size_t n;
    struct arena a;
};

static int add(struct reindex *x, struct lookup_kind kind, int64_t value, int64_t id, struct error *err) {
    x->e[x->n++] = lookup_entry_of(kind, value, id);
    if (x->n < GROUP) return 0;
    int rc = lookup_add(x->l->lookup, x->l->db, x->e, x->n, err);
    x->n = 0;
    return rc;
}

/* The blind hashes of a person; row: id, key, number, wrapped key, then its sealed fields with a blind index. */
static int add_person(struct reindex *x, const struct value *row, struct error *err) {
    const struct register_decl *reg = x->t->reg;
    struct vault_key key;
    size_t at = 4;
    if (row[3].kind != VALUE_BLOB) return 0; /* erased */
    int rc = vault_unwrap(x->l->vault, row[0].i, value_view(row[3]), &key, err);
    for (size_t i = 0; !rc && i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        char context[96];
        struct text clear;
        int64_t hash = 0;
        if (!f->sealed || !f->blind) continue;
        struct value v = row[at++];
        if (v.kind != VALUE_BLOB) continue;
        seal_context(reg, f, row[0].i, context);
        arena_reset(&x->a);
        rc = vault_unseal(&key, text_of(context), value_view(v), &x->a, &clear, err);
        if (!rc && vault_blind(x->l->vault, f->blind, clear, &hash)) rc = add(x, lookup_blind(f->blind), hash, row[0].i, err);
    }
    explicit_bzero(&key, sizeof key);
    return rc;
}

static int one_register(struct reindex *x, struct error *err) {
    const struct register_decl *reg = x->t->reg;
    bool person = text_is(reg->name, "person");
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    buf_str(&sql, person ? "SELECT p.\"id\",p.\"key\",p.\"number\",k.\"wrapped\"" : "SELECT p.\"id\",p.\"key\",p.\"number\"");
    for (size_t i = 0; person && i < reg->n_fields; i++)
        if (reg->fields[i].sealed && reg->fields[i].blind) buf_printf(&sql, ",p.\"%s\"", reg->fields[i].name.s);
    buf_printf(&sql, " FROM \"%s\" p%s", reg->name.s, person ? " LEFT JOIN \"vault_key\" k ON k.\"person\" = p.\"id\"" : "");
    int rc = sql.failed ? error_memory(err) : db_query(x->l->db, buf_cstr(&sql), NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        bool erased = person && row[3].kind != VALUE_BLOB; /* found by nothing that identifies */
        rc = row[1].kind == VALUE_INT && !erased ? add(x, x->t->by_key, row[1].i, row[0].i, err) : 0;
        if (!rc && row[2].kind == VALUE_TEXT) rc = add(x, x->t->by_number, lookup_word(value_view(row[2])), row[0].i, err);
        if (!rc && person) rc = add_person(x, row, err);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

int ledger_reindex(struct ledger *l, struct error *err) {
    struct reindex x = {.l = l};
    x.e = mem_realloc(NULL, GROUP * sizeof *x.e);
    if (!x.e) return error_memory(err);
    int rc = lookup_empty(l->lookup, l->db, err);
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        x.t = l->tables[i];
        rc = one_register(&x, err);
    }
    if (!rc) rc = lookup_add(l->lookup, l->db, x.e, x.n, err);
    if (!rc) rc = lookup_settle(l->lookup, l->db, err);
    if (!rc) rc = ledger_set(l, "lookup", TEXT(LOOKUP_EDITION), err);
    lookup_reset(l->lookup);
    mem_free(x.e);
    arena_clear(&x.a);
    return rc;
}

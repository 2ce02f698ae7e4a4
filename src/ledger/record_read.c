/* Reading records: one, many, their history, and how they were known at an instant. */
#include <stdio.h>
#include <string.h>

#include "ledger/apply.h"

static int one(struct ledger *l, struct db *db, const struct register_decl *reg, const char *where, const struct value *params, size_t n,
               struct arena *a, struct record *ret, struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE %s", t->columns, reg->name.s, where);
    int rc = sql.failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(&sql), params, n, &c, err);
    if (!rc) rc = db_next(c, &row, err);
    int found = rc;
    if (rc > 0) rc = table_record(t, row, a, ret, err);
    db_cursor_close(c);
    buf_clear(&sql);
    return rc < 0 ? rc : found;
}

int record_get(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, struct arena *a,
               struct record *ret, struct error *err) {
    struct value param = value_int(id);
    struct record r;
    int rc = one(l, db, reg, "\"id\" = ?1", &param, 1, a, &r, err);
    if (rc < 0) return rc;
    if (rc == 0 || access_check(s, ACCESS_READ, reg, r.region, NULL) < 0)
        return error_set(err, E_UNKNOWN, reg->name.s, "there is no record %lld / 记录不存在", (long long)id);
    *ret = r;
    return 0;
}

int record_seek(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, struct arena *a,
                struct record *ret, struct error *err) {
    struct error why = {0};
    int rc = record_get(l, db, s, reg, id, a, ret, &why);
    if (rc < 0 && rc != E_UNKNOWN && err) *err = why;
    return rc == E_UNKNOWN ? 0 : rc < 0 ? rc : 1;
}

/* The record that the lookup names for a value: 1, or 0 for none. */
static int found(struct ledger *l, struct db *db, const struct register_decl *reg, struct lookup_kind kind, int64_t value, struct arena *a, struct record *ret,
                 struct error *err) {
    int64_t *ids = NULL;
    size_t n = 0;
    int rc = lookup_find(db ? db : l->db, kind, value, 1, a, &ids, &n, err);
    struct value id = value_int(n ? ids[0] : 0);
    return rc || !n ? rc : one(l, db, reg, "\"id\" = ?1", &id, 1, a, ret, err);
}

int record_by_number(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, struct text word, struct arena *a,
                     struct record *ret, struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    struct record r;
    int rc = reg->number_mask.n ? found(l, db, reg, t->by_number, lookup_word(word), a, &r, err) : 0;
    if (rc > 0 && !text_eq(r.number, word)) rc = 0;
    if (rc == 0) {
        int64_t key = record_outside_key(reg, word, a);
        rc = !key ? error_memory(err) : found(l, db, reg, t->by_key, key, a, &r, err);
        if (rc > 0 && r.key != key) rc = 0;
    }
    if (rc < 0) return rc;
    if (rc == 0 || access_check(s, ACCESS_READ, reg, r.region, NULL) < 0)
        return error_set(err, E_UNKNOWN, reg->name.s, "there is no record %.*s / 记录不存在", (int)(word.n < 80 ? word.n : 80), word.s);
    *ret = r;
    return 0;
}

int record_by_key(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct value *cells, struct arena *a,
                  struct record *ret, struct error *err) {
    int64_t key = 0;
    struct record r;
    if (!record_natural_key(reg, (struct text){"", 0}, cells, &key)) return 0;
    int rc = found(l, db, reg, l->tables[reg->order]->by_key, key, a, &r, err);
    if (rc <= 0 || r.key != key || access_check(s, ACCESS_READ, reg, r.region, NULL) < 0) return rc < 0 ? rc : 0;
    *ret = r;
    return 1;
}

int record_open(struct ledger *l, struct db *db, const struct session *s, struct record *r, struct arena *a, struct error *err) {
    int rc = access_check(s, ACCESS_OPEN, r->reg, r->region, err);
    if (rc < 0) return rc;
    struct vault_key key;
    int64_t person = text_is(r->reg->name, "person")                                ? r->id
                     : r->reg->person_field >= 0 ? value_int_or(r->values[r->reg->person_field], 0)
                                                 : 0;
    bool have = false;
    for (size_t i = 0; !rc && i < r->reg->n_fields; i++) {
        const struct field *f = &r->reg->fields[i];
        if (!f->sealed || r->values[i].kind != VALUE_BLOB) continue;
        if (!have) {
            if (person)
                rc = vault_person_key(l->vault, db ? db : l->db, person, &key, err);
            else
                vault_common_key(l->vault, &key);
            have = !rc;
            if (rc < 0) break;
        }
        char context[96];
        struct text clear;
        seal_context(r->reg, f, r->id, context);
        rc = vault_unseal(&key, text_of(context), value_view(r->values[i]), a, &clear, err);
        if (!rc) r->values[i] = value_text(clear);
    }
    explicit_bzero(&key, sizeof key);
    return rc;
}

int record_list(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct record_filter *f,
                int (*visit)(const struct record *r, void *arg), void *arg, struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    struct buf sql = {0};
    struct arena a = {0};
    struct db_cursor *c = NULL;
    struct value params[6];
    char end[REGION_MAX + 2];
    size_t n = 0;
    int rc = 0;
    buf_printf(&sql, "SELECT %s FROM \"%s\" WHERE \"id\" > ?1 AND ", t->columns, reg->name.s);
    params[n++] = value_int(f->after_id);
    access_sql(s, ACCESS_READ, reg, "\"region\"", &sql);
    if (f->region.n) {
        params[n++] = value_text(f->region);
        buf_printf(&sql, " AND \"region\" >= ?%zu", n);
        if (region_end(f->region, end)) {
            params[n++] = value_str(end);
            buf_printf(&sql, " AND \"region\" < ?%zu", n);
        }
    }
    if (f->import) {
        params[n++] = value_int(f->import);
        buf_printf(&sql, " AND \"import\" = ?%zu", n);
    }
    if (f->where && *f->where) {
        struct expr *e = NULL;
        rc = expr_parse(&a, text_of(f->where), reg, l->zone_s, &e, err);
        if (rc < 0) goto out;
        uint64_t used = expr_fields(e);
        for (size_t i = 0; i < reg->n_fields && i < 64; i++)
            if (reg->fields[i].sealed && used >> i & 1) {
                rc = error_set(err, E_DENIED, reg->fields[i].name.s, "is sealed and cannot be used in a condition / 密封字段不能用于条件");
                goto out;
            }
        buf_str(&sql, " AND (");
        expr_sql(e, s->now, day_of_instant(s->now, l->zone_s), "", &sql);
        buf_str(&sql, ")");
    }
    buf_str(&sql, " ORDER BY \"id\"");
    if (f->limit) buf_printf(&sql, " LIMIT %zu", f->limit);
    rc = sql.failed ? error_memory(err) : db_query(db ? db : l->db, buf_cstr(&sql), params, n, &c, err);
    const struct value *row;
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct record r;
        rc = table_record(t, row, NULL, &r, err);
        if (!rc) rc = visit(&r, arg);
    }
    db_cursor_close(c);
out:
    buf_clear(&sql);
    arena_clear(&a);
    return rc;
}

bool record_outlives(const struct field *f) {
    static const char *const names[] = {"sex", "age", "age_unit", "residence_class", "merged_into", "doc_type", "address_region"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(f->name, names[i])) return true;
    return false;
}

/* Was the person of this register of persons erased? */
static int is_erased(struct ledger *l, struct db *db, const struct register_decl *reg, int64_t id, bool *ret, struct error *err) {
    struct vault_key key;
    struct error none = {0};
    *ret = false;
    if (!text_is(reg->name, "person")) return 0;
    int rc = vault_person_key(l->vault, db, id, &key, &none);
    explicit_bzero(&key, sizeof key);
    *ret = rc == E_UNKNOWN;
    return rc == E_UNKNOWN || rc == 0 ? 0 : error_set(err, rc, none.where, "%s", none.message);
}

/* The cells of an entry that outlive whom they are about, in place of all. */
static int cells_left(const struct reg_table *t, const struct register_decl *reg, struct arena *a, struct text *cells, struct error *err) {
    struct buf left = {0};
    size_t pos = 0, code = 0;
    struct value v;
    int rc = 0;
    if (!cells->n) return 0;
    while ((rc = journal_cells_next(*cells, &pos, &code, &v, err)) > 0) {
        int f = code >= CELL_FIRST_FIELD ? table_field_of(t, code) : -1;
        if (code < CELL_FIRST_FIELD || (f >= 0 && record_outlives(&reg->fields[f]))) journal_cells(&left, code, v);
    }
    journal_cells_end(&left);
    if (rc == 0 && left.failed) rc = error_memory(err);
    if (rc == 0 && !(*cells = arena_text(a, buf_view(&left))).s) rc = error_memory(err);
    buf_clear(&left);
    return rc;
}

int record_history(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id,
                   int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err) {
    struct arena a = {0};
    struct record r;
    bool erased = false;
    int rc = record_get(l, db, s, reg, id, &a, &r, err);
    if (!rc) rc = is_erased(l, db ? db : l->db, reg, id, &erased, err);
    for (int64_t seq = rc ? 0 : r.entry; !rc && seq;) {
        struct journal_entry e;
        arena_reset(&a);
        rc = journal_read(db ? db : l->db, seq, &a, &e, err);
        if (rc < 0) break;
        if (e.record != id) rc = error_set(err, E_CORRUPT, reg->name.s, "journal entry %lld is not of record %lld", (long long)seq, (long long)id);
        if (!rc && erased) rc = cells_left(l->tables[reg->order], reg, &a, &e.before, err);
        if (!rc && erased) rc = cells_left(l->tables[reg->order], reg, &a, &e.after, err);
        if (!rc) rc = visit(&e, arg);
        seq = e.previous;
    }
    arena_clear(&a);
    return rc;
}

/* Puts the cells of a journal entry into a record. */
static int put_cells(const struct reg_table *t, struct text cells, struct arena *a, struct record *r, struct error *err) {
    size_t pos = 0, code = 0;
    struct value v;
    int rc;
    while ((rc = journal_cells_next(cells, &pos, &code, &v, err)) > 0) {
        struct value own;
        if (!value_copy(a, v, &own)) return error_memory(err);
        if (code == CELL_REGION)
            r->region = value_view(own);
        else if (code == CELL_STATE)
            r->state = value_view(own);
        else if (code >= CELL_FIRST_FIELD) {
            int f = table_field_of(t, code);
            if (f >= 0) r->values[f] = own;
        }
    }
    return rc;
}

int record_as_of(struct ledger *l, struct db *db, const struct register_decl *reg, int64_t id, instant at, struct arena *a, struct record *ret,
                 struct error *err) {
    const struct reg_table *t = l->tables[reg->order];
    struct value param = value_int(id);
    struct record r;
    int rc = one(l, db, reg, "\"id\" = ?1", &param, 1, a, &r, err);
    if (rc <= 0) return rc;
    if (r.created_at > at) return 0;
    int64_t seq = r.entry;
    while (seq && r.changed_at > at) {
        struct journal_entry e;
        rc = journal_read(db ? db : l->db, seq, a, &e, err);
        if (rc < 0) return rc;
        if (e.at <= at) break;
        rc = put_cells(t, e.before, a, &r, err);
        if (rc < 0) return rc;
        r.version = e.version - 1;
        seq = e.previous;
    }
    r.entry = seq;
    *ret = r;
    return 1;
}

int record_formers(struct ledger *l, struct db *db, const struct register_decl *reg, int64_t id, int (*visit)(const struct record *r, void *arg), void *arg, struct error *err) {
    struct value param = value_int(id);
    struct arena a = {0}, block = {0};
    struct record r;
    bool erased = false;
    int rc = one(l, db, reg, "\"id\" = ?1", &param, 1, &a, &r, err);
    if (rc > 0) rc = is_erased(l, db ? db : l->db, reg, id, &erased, err);
    else erased = true; /* there is none */
    int64_t seq = rc == 0 && !erased ? r.entry : 0;
    while (rc == 0 && seq) {
        struct journal_entry e;
        arena_reset(&block);
        rc = journal_read(db ? db : l->db, seq, &block, &e, err);
        if (rc < 0 || !e.previous) break;
        rc = put_cells(l->tables[reg->order], e.before, &a, &r, err);
        r.version = e.version - 1;
        r.entry = seq = e.previous;
        if (rc == 0) rc = visit(&r, arg);
    }
    arena_clear(&block);
    arena_clear(&a);
    return rc < 0 ? rc : 0;
}

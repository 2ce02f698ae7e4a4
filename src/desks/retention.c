#include "desks/retention.h"

#include <stdio.h>
#include <string.h>


enum { BATCH = 5000 };

void retention_report_clear(struct retention_report *r) {
    arena_clear(&r->arena);
    *r = (struct retention_report){0};
}

/* Records whose time has passed: the declared date, or the last change where it is missing, plus the days kept, is before today. */
static void past_sql(const struct register_decl *reg, struct buf *sql) {
    int f = reg->keep_from;
    const char *name = f >= 0 ? reg->fields[f].name.s : NULL;
    if (f < 0)
        buf_str(sql, "\"changed_at\" < ?2");
    else if (reg->fields[f].type == FIELD_DATE)
        buf_printf(sql, "CASE WHEN \"%s\" IS NULL THEN (CASE WHEN \"changed_at\" < ?2 THEN 1 ELSE 0 END) WHEN \"%s\" < ?1 THEN 1 ELSE 0 END = 1", name, name);
    else
        buf_printf(sql, "COALESCE(\"%s\", \"changed_at\") < ?2", name);
    if (f < 0 || reg->fields[f].type != FIELD_DATE) buf_str(sql, " AND ?1 = ?1");
}

static int past(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t after, struct arena *a, int64_t *ids, size_t *ret_n,
                int64_t *ret_count, struct error *err) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    day limit = day_of_instant(s->now, l->zone_s) - reg->keep_days;
    struct value params[3] = {value_int(limit), value_int(instant_of_day(limit, l->zone_s)), value_int(after)};
    size_t n = 0;
    int rc = 0;
    if (ret_count) {
        struct value v = value_null();
        buf_printf(&sql, "SELECT COUNT(*) FROM \"%s\" WHERE ", reg->name.s);
        past_sql(reg, &sql);
        rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), params, 2, &v, err);
        if (!rc) *ret_count = value_int_or(v, 0);
        buf_clear(&sql);
        return rc;
    }
    buf_printf(&sql, "SELECT \"id\" FROM \"%s\" WHERE ", reg->name.s);
    past_sql(reg, &sql);
    buf_printf(&sql, " AND \"id\" > ?3 ORDER BY \"id\" LIMIT %d", BATCH);
    rc = sql.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), params, 3, &c, err);
    while (!rc && n < BATCH && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        ids[n++] = row[0].i;
    }
    db_cursor_close(c);
    buf_clear(&sql);
    if (!rc) *ret_n = n;
    return rc;
}

/* Does anything still refer to the record? */
static int referred(struct ledger *l, const struct register_decl *reg, int64_t id, struct arena *a, bool *ret, struct error *err) {
    *ret = false;
    for (size_t r = 0; r < l->catalog->n_registers && !*ret; r++) {
        const struct register_decl *other = &l->catalog->registers[r];
        for (size_t f = 0; f < other->n_fields && !*ret; f++) {
            if (other->fields[f].type != FIELD_REFERENCE || !text_eq(other->fields[f].target, reg->name)) continue;
            struct buf sql = {0};
            struct value param = value_int(id), v = value_null();
            buf_printf(&sql, "SELECT \"id\" FROM \"%s\" WHERE \"%s\" = ?1 LIMIT 1", other->name.s, other->fields[f].name.s);
            int rc = sql.failed ? error_memory(err) : db_scalar(l->db, a, buf_cstr(&sql), &param, 1, &v, err);
            buf_clear(&sql);
            if (rc < 0) return rc;
            *ret = v.kind == VALUE_INT;
        }
    }
    return 0;
}

static int purge_one(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t id, struct arena *a, bool *ret_gone, struct error *err) {
    bool kept = false;
    int rc = referred(l, reg, id, a, &kept, err);
    *ret_gone = false;
    if (rc < 0 || kept) return rc;
    struct draft *d = draft_new(a, reg, DRAFT_REMOVE);
    if (!d) return error_memory(err);
    d->id = id;
    d->forgotten = true;
    rc = record_write(l, s, &d, 1, err);
    if (!rc && text_is(reg->name, "person")) {
        struct value param = value_int(id);
        rc = db_run(l->db, "DELETE FROM \"vault_key\" WHERE \"person\" = ?1", &param, 1, NULL, err);
    }
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_PURGE, .actor = s->account, .reason = reg->keep_basis, .reg = reg->name, .record = id};
    if (!rc) rc = journal_append(&l->journal, &e, NULL, err);
    *ret_gone = !rc;
    return rc;
}

static int purge(struct ledger *l, const struct session *s, struct retention_count *count, struct error *err) {
    int64_t after = 0, *ids = mem_alloc(BATCH * sizeof *ids);
    int rc = ids ? 0 : error_memory(err);
    for (size_t n = BATCH; !rc && n == BATCH;) {
        struct arena a = {0};
        rc = ledger_begin(l, err);
        if (rc < 0) break;
        rc = past(l, s, count->reg, after, &a, ids, &n, NULL, err);
        int64_t gone_n = 0;
        for (size_t i = 0; !rc && i < n; i++) {
            bool gone = false;
            rc = purge_one(l, s, count->reg, ids[i], &a, &gone, err);
            gone_n += gone;
            after = ids[i];
        }
        rc = ledger_end(l, rc, s->now, err);
        if (!rc) count->purged += gone_n;
        arena_clear(&a);
    }
    mem_free(ids);
    return rc;
}

/* Whoever refers goes before what is referred to: registers that nothing refers to first, person last. Two passes are enough for the trees of the declarations;
 * what is left is still referred to and stays. */
static int purge_all(struct ledger *l, const struct session *s, struct retention_report *r, struct error *err) {
    int rc = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int people = 0; people < 2; people++)
            for (size_t i = 0; !rc && i < r->n; i++)
                if ((int)text_is(r->registers[i].reg->name, "person") == people) rc = purge(l, s, &r->registers[i], err);
    return rc;
}

int retention_run(struct ledger *l, const struct session *s, bool apply, struct retention_report *ret, struct error *err) {
    struct retention_report r = {0};
    int rc = 0;
    r.registers = arena_alloc(&r.arena, (l->catalog->n_registers + 1) * sizeof *r.registers);
    if (!r.registers) return error_memory(err);
    for (size_t i = 0; !rc && i < l->catalog->n_registers; i++) {
        const struct register_decl *reg = &l->catalog->registers[i];
        if (!reg->keep_days) continue;
        r.registers[r.n].reg = reg;
        rc = past(l, s, reg, 0, &r.arena, NULL, NULL, &r.registers[r.n].due, err);
        r.n++;
    }
    if (!rc && apply) rc = purge_all(l, s, &r, err);
    if (rc < 0) {
        retention_report_clear(&r);
        return rc;
    }
    *ret = r;
    return 0;
}

#include "desks/expiry.h"

enum { BATCH = 1000 };

/* The next measures to end, by id. */
static int find(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t after, int64_t ids[BATCH], size_t *ret_n, struct error *err) {
    struct value params[] = {value_int(day_of_instant(s->now, l->zone_s)), value_int(after)};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct buf sql = {0};
    size_t n = 0;
    buf_str(&sql, "SELECT \"id\" FROM \"measure\" WHERE \"state\" = 'ordered' AND \"ends\" < ?1 AND \"id\" > ?2 AND ");
    access_sql(s, ACCESS_WRITE, reg, "\"region\"", &sql);
    buf_printf(&sql, " ORDER BY \"id\" LIMIT %d", BATCH);
    int rc = sql.failed ? error_memory(err) : db_query(l->db, buf_cstr(&sql), params, 2, &c, err);
    while (!rc && n < BATCH && (rc = db_next(c, &row, err)) > 0) {
        ids[n++] = row[0].i;
        rc = 0;
    }
    db_cursor_close(c);
    buf_clear(&sql);
    if (rc < 0) return rc;
    *ret_n = n;
    return 0;
}

static int move(struct ledger *l, const struct session *s, const struct register_decl *reg, const int64_t *ids, size_t n, struct error *err) {
    struct arena a = {0};
    struct draft *drafts[BATCH];
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        drafts[i] = draft_new(&a, reg, DRAFT_CHANGE);
        if (!drafts[i]) {
            rc = error_memory(err);
            break;
        }
        drafts[i]->id = ids[i];
        drafts[i]->state = TEXT("expired");
    }
    if (!rc) rc = record_write(l, s, drafts, n, err);
    arena_clear(&a);
    return rc;
}

/* One that somebody changed meanwhile, or that is not good any more, does not hold up the others. */
static int move_each(struct ledger *l, const struct session *s, const struct register_decl *reg, const int64_t *ids, size_t n, int64_t *expired, struct error *err) {
    struct error own = {0};
    int rc = move(l, s, reg, ids, n, &own);
    if (!rc) *expired += (int64_t)n;
    if (!rc || (rc != E_REFUSED && rc != E_CONFLICT && rc != E_INVALID && rc != E_UNKNOWN && rc != E_DENIED)) return rc < 0 ? error_set(err, own.code, own.where, "%s", own.message) : 0;
    rc = 0;
    for (size_t i = 0; !rc && n > 1 && i < n; i++) rc = move_each(l, s, reg, ids + i, 1, expired, err);
    return rc;
}

int measure_expire(struct ledger *l, const struct session *s, int64_t *ret_expired, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("measure"));
    int64_t ids[BATCH], after = 0, expired = 0;
    size_t n = 0;
    int rc = 0;
    bool fits = reg && register_field(reg, TEXT("ends")) >= 0 && register_state(reg, TEXT("expired")) >= 0;
    while (!rc && fits) {
        rc = find(l, s, reg, after, ids, &n, err);
        if (!rc && n) rc = move_each(l, s, reg, ids, n, &expired, err);
        if (rc < 0 || !n) break;
        after = ids[n - 1];
    }
    if (rc < 0) return rc;
    *ret_expired = expired;
    return 0;
}

/* desks: everything that was ever owed for one record's holder. */
#include "desks/duty.h"

int duty_of_record(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t record, struct arena *a,
                   int (*visit)(const struct obligation *o, const struct duty_rule *rule, void *arg), void *arg, struct error *err) {
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct record r;
    struct value p = value_int(0);
    int rc = record_get(l, db ? db : l->db, s, reg, record, a, &r, err);
    if (rc < 0) return rc;
    p = value_int(obligation_holder(&r));
    buf_printf(&sql, "SELECT %s FROM \"obligation\" WHERE " OBLIGATION_OF_HOLDER " AND ", obligation_columns);
    access_scope_sql(s, "region", &sql);
    buf_str(&sql, " ORDER BY \"raised_at\", \"id\" LIMIT 5000");
    rc = sql.failed ? error_set(err, E_MEMORY, NULL, "%s / %s", error_text(E_MEMORY), error_text_zh(E_MEMORY)) : db_query(db ? db : l->db, buf_cstr(&sql), &p, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct obligation o;
        obligation_of_row(row, &o);
        const struct adoption *adoption = ledger_adoption(l, o.pack);
        o.duty.rule = adoption ? policy_rule(adoption->policy, o.rule) : -1;
        rc = visit(&o, book_rule(l, &o), arg);
    }
    db_cursor_close(c);
    buf_clear(&sql);
    return rc;
}

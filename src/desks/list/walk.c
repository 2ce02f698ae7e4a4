/* All rows of a query in id order, for exports; and how many there are. */
#include "desks/list/inside.h"

/* Counts what the filters leave of at most so many rows of the scope. */
int list_count_rows(struct list_pager *p, struct list_page *page) {
    size_t most = p->q->count == LIST_COUNT_ALL ? LIST_COUNT_EXACT : LIST_COUNT_ESTIMATE;
    const struct list_term *few = NULL;
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = list_few_term(p, &few);
    if (rc < 0) return rc;
    list_sql_reset(&p->sql);
    buf_str(&p->sql.text, "SELECT COUNT(*), COALESCE(SUM(m), 0) FROM (SELECT CASE WHEN 1=1");
    list_terms_sql(&p->sql, p->l, p->s, p->q, NULL);
    buf_printf(&p->sql.text, " THEN 1 ELSE 0 END AS m FROM \"%s\" WHERE ", p->q->reg->name.s);
    list_scope_sql(&p->sql, &p->scope, !few);
    if (few) {
        buf_str(&p->sql.text, " AND ");
        list_term_sql(&p->sql, few, true);
    } else if (!p->scope.everywhere) {
        buf_str(&p->sql.text, " AND \"id\" <> 0");
    }
    buf_printf(&p->sql.text, " LIMIT %zu) AS q", most + 1);
    rc = list_sql_check(&p->sql, p->err);
    if (rc == 0) rc = db_query(p->db, buf_cstr(&p->sql.text), p->sql.params, p->sql.n, &c, p->err);
    if (rc == 0) rc = db_next(c, &row, p->err);
    if (rc > 0) {
        page->count = value_int_or(row[1], 0);
        page->count_bounded = value_int_or(row[0], 0) > (int64_t)most;
        rc = 0;
    }
    db_cursor_close(c);
    return rc;
}

int list_walk(struct ledger *l, struct db *db, const struct session *s, const struct list_query *asked, int64_t after, size_t limit,
              int (*visit)(const struct record *r, void *arg), void *arg, int64_t *ret_last, struct error *err) {
    const struct reg_table *t = l->tables[asked->reg->order];
    const struct list_query *q = asked;
    struct list_scope scope = {0};
    struct list_sql *sql = mem_alloc(sizeof *sql);
    struct arena a = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    int64_t last = after;
    if (!sql) return error_memory(err);
    if (!db) db = l->db;
    sql->lite = db_kind_of(db) == DB_SQLITE;
    int rc = list_unseal(l, db, s, asked, &a, &q, err);
    if (rc == 0) rc = list_scope_of(s, q, &a, &scope, err);
    if (rc < 0) goto out;
    buf_printf(&sql->text, "SELECT %s FROM \"%s\" WHERE \"id\" > ", t->columns, q->reg->name.s);
    list_bind(sql, value_int(after));
    buf_str(&sql->text, " AND ");
    list_scope_sql(sql, &scope, true);
    list_terms_sql(sql, l, s, q, NULL);
    buf_str(&sql->text, " ORDER BY \"id\"");
    if (limit) buf_printf(&sql->text, " LIMIT %zu", limit);
    rc = list_sql_check(sql, err);
    if (rc == 0) rc = db_query(db, buf_cstr(&sql->text), sql->params, sql->n, &c, err);
    while (rc == 0 && (rc = db_next(c, &row, err)) > 0) {
        struct record r;
        rc = table_record(t, row, NULL, &r, err);
        if (rc == 0) last = r.id;
        if (rc == 0) rc = visit(&r, arg);
    }
    if (rc == 0 && ret_last) *ret_last = last;
out:
    db_cursor_close(c);
    buf_clear(&sql->text);
    mem_free(sql);
    arena_clear(&a);
    return rc;
}

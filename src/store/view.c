/* Views: what a store shows beside its tables. */
#include "store/driver.h"

int db_relation_of(struct db *db, const char *name, enum db_relation *ret, struct error *err) {
    static const char *const sql[] = {
        [DB_SQLITE] = "SELECT type FROM sqlite_master WHERE name = ?1 AND type IN ('table', 'view')",
        [DB_POSTGRES] = "SELECT CASE WHEN c.relkind = 'v' THEN 'view' ELSE 'table' END FROM pg_class c WHERE c.oid = "
                        "to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?1)) AND c.relkind IN ('r', 'p', 'v')",
    };
    struct arena a = {0};
    struct value param = value_str(name), type = value_null();
    int rc = db_scalar(db, &a, sql[db->kind], &param, 1, &type, err);
    if (!rc) *ret = text_is(value_view(type), "view") ? DB_VIEW : text_is(value_view(type), "table") ? DB_TABLE : DB_NOTHING;
    arena_clear(&a);
    return rc;
}

int db_view_set(struct db *db, const struct db_view *view, struct error *err) {
    struct buf sql = {0};
    buf_str(&sql, "DROP VIEW IF EXISTS ");
    sql_name(&sql, text_of(view->name));
    int rc = sql.failed ? error_memory(err) : db_run(db, buf_cstr(&sql), NULL, 0, NULL, err);
    buf_reset(&sql);
    buf_str(&sql, "CREATE VIEW ");
    sql_name(&sql, text_of(view->name));
    buf_str(&sql, " AS ");
    buf_str(&sql, view->select);
    if (!rc) rc = sql.failed ? error_memory(err) : db_run(db, buf_cstr(&sql), NULL, 0, NULL, err);
    buf_clear(&sql);
    return rc;
}

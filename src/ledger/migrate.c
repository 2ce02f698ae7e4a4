#include "ledger/migrate.h"

#include <string.h>

#include "ledger/lookup.h"
#include "ledger/obligation.h"
#include "ledger/table.h"

enum { TABLES_MAX = 256 };

/* Stores from before the lookup had a table of blind hashes and an index a register for keys and numbers. */
static int migrate_lookup(struct ledger *l, bool apply, struct buf *plan, struct error *err) {
    struct arena a = {0};
    struct text known = {0};
    struct value any = value_null();
    int rc = 0;
    if (!apply) { /* the table of settings itself may not be there yet */
        rc = db_scalar(l->db, &a, db_kind_of(l->db) == DB_SQLITE ? "SELECT 1 FROM sqlite_master WHERE name = 'node'" : "SELECT 1 FROM pg_class WHERE oid = to_regclass('node')",
                       NULL, 0, &any, err);
        if (rc < 0 || any.kind != VALUE_INT) return rc;
    }
    rc = ledger_setting(l, l->db, "lookup", &a, &known, err);
    if (!rc && !text_is(known, LOOKUP_EDITION)) {
        rc = buf_str(plan, "-- documents, phones, names, keys and numbers are indexed anew\nDROP TABLE IF EXISTS \"blind\";\n") < 0
                 ? error_memory(err) : 0;
        if (!rc && apply) rc = db_run(l->db, "DROP TABLE IF EXISTS \"blind\"", NULL, 0, NULL, err);
        if (!rc && apply) rc = ledger_reindex(l, err);
    }
    arena_clear(&a);
    return rc;
}

int ledger_migrate(struct ledger *l, bool apply, struct buf *plan, struct error *err) {
    const struct db_table *all[TABLES_MAX];
    size_t n = ledger_tables(l, all, TABLES_MAX);
    char digest[2 * DIGEST_BYTES + 1];
    int rc = db_migrate(l->db, all, n, apply, plan, err);
    if (!rc) rc = obligation_migrate(l, apply, plan, err);
    if (!rc && !apply) rc = migrate_lookup(l, false, plan, err);
    if (rc < 0 || !apply) return rc;
    rc = ledger_schema_digest(l, digest, err);
    if (!rc) rc = db_begin(l->db, err);
    if (rc < 0) return rc;
    rc = table_codes(l->db, &l->arena, l->tables, l->catalog->n_registers, true, err);
    if (!rc) rc = migrate_lookup(l, true, plan, err);
    if (!rc) rc = ledger_set(l, "schema", text_of(digest), err);
    if (!rc) rc = db_commit(l->db, err);
    if (rc < 0) db_rollback(l->db);
    return rc;
}

int ledger_restore_begin(struct ledger *l, struct error *err) {
    int rc = db_run(l->db, "DELETE FROM \"node\"", NULL, 0, NULL, err);
    return rc < 0 ? rc : db_run(l->db, "DELETE FROM \"field_code\"", NULL, 0, NULL, err);
}

int ledger_restore_end(struct ledger *l, struct error *err) {
    struct buf plan = {0};
    for (size_t i = 0; i < l->catalog->n_registers; i++) memset(l->tables[i]->cell_code, 0, l->tables[i]->reg->n_fields * sizeof *l->tables[i]->cell_code);
    int rc = table_codes(l->db, &l->arena, l->tables, l->catalog->n_registers, true, err);
    if (!rc) rc = migrate_lookup(l, true, &plan, err);
    buf_clear(&plan);
    return rc;
}

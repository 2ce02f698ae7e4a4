#include "ledger/migrate.h"

#include <stdio.h>
#include <string.h>

#include "ledger/lookup.h"
#include "ledger/obligation.h"
#include "ledger/table.h"
#include "ledger/tally.h"

enum { TABLES_MAX = 256 };

/* The table of settings itself may not be there yet. */
static int setting_of(struct ledger *l, const char *name, struct arena *a, struct text *ret, bool *ret_there, struct error *err) {
    enum db_relation there = DB_NOTHING;
    int rc = db_relation_of(l->db, "node", &there, err);
    *ret_there = there != DB_NOTHING;
    return rc || !*ret_there ? rc : ledger_setting(l, l->db, name, a, ret, err);
}

/* Counters of another declaration, or of none, are dropped before the tables are made as they should be: ret says that they are to be counted anew. */
static int stale_tally(struct ledger *l, bool apply, struct buf *plan, bool *ret, struct error *err) {
    struct arena a = {0};
    struct text known = {0};
    struct buf edition = {0};
    bool there = false;
    int rc = setting_of(l, "tally", &a, &known, &there, err);
    if (!rc) rc = tally_edition(l, &edition, err);
    bool stale = !rc && !text_eq(known, buf_view(&edition));
    if (stale && there && buf_str(plan, "-- people, records and duties are counted anew\n") < 0) rc = error_set(err, E_MEMORY, NULL, "out of memory");
    for (size_t i = 0; !rc && stale && apply && i < l->catalog->n_registers; i++) {
        const struct db_table *counters[] = {l->tables[i]->tally ? &l->tables[i]->tally->table : NULL, l->tables[i]->count_table};
        for (int k = 0; !rc && k < 2; k++) {
            char sql[160];
            if (!counters[k]) continue;
            snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS \"%s\"", counters[k]->name);
            rc = db_run(l->db, sql, NULL, 0, NULL, err);
        }
    }
    buf_clear(&edition);
    arena_clear(&a);
    if (!rc) *ret = stale;
    return rc;
}

static int count_anew(struct ledger *l, struct error *err) {
    struct buf edition = {0};
    int rc = tally_rebuild(l, err);
    if (!rc) rc = tally_edition(l, &edition, err);
    if (!rc) rc = ledger_set(l, "tally", buf_view(&edition), err);
    buf_clear(&edition);
    return rc;
}

/* Stores from before the lookup had a table of blind hashes and an index a register for keys and numbers; until edition 4 its front was a row an entry. */
static int migrate_lookup(struct ledger *l, bool apply, struct buf *plan, struct error *err) {
    struct arena a = {0};
    struct text known = {0};
    bool there = false;
    int rc = setting_of(l, "lookup", &a, &known, &there, err);
    if (!rc && there && !text_is(known, LOOKUP_EDITION)) {
        rc = buf_str(plan, "-- documents, phones, names, addresses, keys and numbers are indexed anew\nDROP TABLE IF EXISTS \"blind\";\nDROP TABLE IF EXISTS \"lookup\";\n") < 0
                 ? error_memory(err) : 0;
        if (!rc && apply) rc = db_run(l->db, "DROP TABLE IF EXISTS \"blind\"", NULL, 0, NULL, err);
        if (!rc && apply) rc = db_run(l->db, "DROP TABLE IF EXISTS \"lookup\"", NULL, 0, NULL, err);
        if (!rc && apply) rc = ledger_reindex(l, err);
    }
    arena_clear(&a);
    return rc;
}

int ledger_migrate(struct ledger *l, bool apply, struct buf *plan, struct error *err) {
    const struct db_table *all[TABLES_MAX];
    size_t n = ledger_tables(l, all, TABLES_MAX);
    char digest[2 * DIGEST_BYTES + 1];
    bool stale = false;
    int rc = stale_tally(l, apply, plan, &stale, err);
    if (!rc) rc = db_migrate(l->db, all, n, apply, plan, err);
    if (!rc) rc = obligation_migrate(l, apply, plan, err);
    if (!rc && !apply) rc = migrate_lookup(l, false, plan, err);
    if (rc < 0 || !apply) return rc;
    rc = ledger_schema_digest(l, digest, err);
    if (!rc) rc = db_begin(l->db, err);
    if (rc < 0) return rc;
    rc = table_codes(l->db, &l->arena, l->tables, l->catalog->n_registers, true, err);
    if (!rc) rc = migrate_lookup(l, true, plan, err);
    if (!rc && stale) rc = count_anew(l, err);
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
    if (!rc) rc = count_anew(l, err);
    buf_clear(&plan);
    return rc;
}

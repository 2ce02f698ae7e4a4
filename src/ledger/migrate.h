/* ledger, private to it and to the desk that restores backups: stores and backups of older programs brought to the tables and registers of this one. */
#ifndef TOCSIN_LEDGER_MIGRATE_H
#define TOCSIN_LEDGER_MIGRATE_H

#include "ledger/ledger.h"

/* The declared shape as one hash: opening compares this instead of walking the store's schema. */
int ledger_schema_digest(const struct ledger *l, char out[2 * DIGEST_BYTES + 1], struct error *err);

/* Inside a write transaction on a store that ledger_found has just made: before and after its tables are filled from a backup. The settings and the codes
 * of columns in the journal become the backup's; what it does not have yet (columns declared since, the lookup) is made. */
int ledger_restore_begin(struct ledger *l, struct error *err);
int ledger_restore_end(struct ledger *l, struct error *err);

#endif

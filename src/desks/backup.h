/* desks: the whole store in one file, and back, into either kind of store. The file holds every table as of one snapshot, sealed fields
 * sealed; the key file is NOT in it and must be kept apart (docs/operations.md). Format: gzip of "TOCSIN BACKUP 1\n", then per table its name, columns and
 * rows in journal cells, then the number of rows and a BLAKE2b-256 over all before it; a cut or altered file is refused whole. */
#ifndef TOCSIN_DESKS_BACKUP_H
#define TOCSIN_DESKS_BACKUP_H

#include "ledger/ledger.h"

#define BACKUP_MAGIC "TOCSIN BACKUP 1\n"

struct backup_report {
    int64_t tables, rows, bytes; /* bytes before compression */
};
/* Writes beside, syncs, then renames: path never holds half a backup. Readers and the writer go on meanwhile. */
int backup_write(struct ledger *l, const char *path, struct backup_report *ret, struct error *err);
/* The same of a store that was not migrated yet (ledger_open_to_migrate): its tables and columns as they lie there, so that the program from before restores
 * it whole. */
int backup_write_unmigrated(struct ledger *l, const char *path, struct backup_report *ret, struct error *err);
/* Makes a new node in o->dir (E_CONFLICT when one is there, or when the store named is a node's already) from the backup and the key. Everything in one
 * transaction; then the journal is verified. A backup of an older program is brought to the tables and registers of this one in the same transaction, as
 * `tocsin migrate` brings a store. What no register here declares is E_CONFLICT when the backup holds a value of it: the sentence says what to do. A restore
 * that failed leaves no file behind. */
int backup_restore(const struct ledger_options *o, const char *path, const char *key_path, struct backup_report *ret, struct error *err);

#endif

/* ledger: do the tables hold what the journal says? The chain proves the journal (journal_verify); this proves every row of every register against it, so that a cell changed by SQL
 * behind the program's back is named. Above is `tocsin verify --records` and the job audit/verify; below are the journal and the tables. Ask it after the chain was proved: it
 * believes the journal.
 *
 * Of each record: region, state, number, version, the entry it points to, when it was made and changed, its import, its fields (sealed ones as they are stored, unopened), and its key while it
 * is at version 1 (later keys are not journalled). A row no entry made; a row missing although nothing removed it; a cell that another change has overwritten since, when the
 * journal says what stood there before (removal too). Nothing that is removed, erased or merged is named for it.
 * Not compared, because the journal does not carry them: fields and registers no longer declared, and everything that is no register: duties, counters, the lookup and counts
 * (worked out from records), keys of persons (sealed themselves; erasure destroys them), passwords and sessions, settings, outlines of regions, visits.
 *
 * How: two passes that stream. Cells are hashed (SipHash-x, a key of the moment) and summed into 65,536 shelves by id; rows add, the journal takes away again what its entries put there, and
 * an intact store leaves zero. Records of other shelves alone are then followed through the journal one by one, again as hashes, so that no clear or sealed cell is held.
 * Memory: 2 MB, a bit for each journal entry, and for what is followed the cells of about 100,000 entries at a time. Time: one reading of the tables and of the journal, about that of journal_verify
 * each; each group of damaged shelves reads both once more. */
#ifndef TOCSIN_LEDGER_PROOF_H
#define TOCSIN_LEDGER_PROOF_H

#include "ledger/ledger.h"

enum { PROOF_MOST = 100 /* findings; then it ends */, PROOF_WORDS = 480 };
enum proof_kind {
    PROOF_CELL,     /* it is not what the journal says */
    PROOF_STRANGER, /* the row stands there, and no entry made it, or one removed it */
    PROOF_MISSING,  /* the row does not stand there, and nothing removed it */
    PROOF_TWICE,    /* a second row of the same record */
    PROOF_BEFORE,   /* it was not what the journal says when `entry` changed or removed it */
};
struct proof_finding {
    enum proof_kind kind;
    const struct register_decl *reg;
    int64_t id, entry;
    struct text number; /* of the record, or empty */
    const char *field;  /* a declared field or a column of every register; "" of rows */
};
struct proof_report {
    int64_t rows, entries;
    size_t shelves; /* that did not come to zero: 0 of an intact store, unless a field was undeclared and declared again meanwhile */
    size_t n;
    struct proof_finding *list; /* by register and id */
    bool more;                  /* there may be more than these */
    struct arena arena;
};

/* db: a connection without a transaction of its own; each pass is one snapshot of it. Findings are a result, not an error. progress (may be NULL) hears how many rows and entries were
 * read, all passes together; below 0 it ends the reading and is returned. Owned: proof_clear. */
int proof_records(struct ledger *l, struct db *db, int (*progress)(int64_t read, void *arg), void *arg, struct proof_report *ret, struct error *err);
void proof_clear(struct proof_report *r);
/* One finding in words, "English / 中文", at most PROOF_WORDS bytes: register, record and field, never a cell. */
void proof_words(const struct proof_finding *f, char *out, size_t n);

#endif

/* ledger: cells and states that only the desk that owns them writes (the table is in owned.c). Results of tubes and their release are the laboratory's. A region's own daily report is frozen by the bulletin desk and approved by two people
 * (desks/bulletin/approve.c): whoever may write reports may not therefore put figures, approvers or an approved state into one, neither as a record nor
 * by an import. Knows register and record. */
#ifndef TOCSIN_LEDGER_OWNED_H
#define TOCSIN_LEDGER_OWNED_H

#include "ledger/record.h"

/* before NULL: it is made. E_DENIED names the cell. What the desk itself writes (draft->by_desk) is let through. */
int owned_check(const struct draft *d, const struct record *before, const struct record *after, struct error *err);

#endif

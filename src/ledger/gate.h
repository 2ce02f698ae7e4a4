/* ledger: the gate between writers of one process. A store lets one transaction write at a time and does not say who is next: SQLite's waiters ask again
 * after a sleep, and a long import that begins its next transaction at once would keep everybody else out. Whoever shares a gate enters in the order
 * of arrival: the queue and a job's ledger then alternate, transaction by transaction. Pure threads; knows nobody. */
#ifndef TOCSIN_LEDGER_GATE_H
#define TOCSIN_LEDGER_GATE_H

#include "base/text.h"

struct ledger_gate;

/* Owned: ledger_gate_free, when nobody waits any more. NULL when out of memory. */
struct ledger_gate *ledger_gate_new(void);
void ledger_gate_free(struct ledger_gate *g);
/* Waits for its turn. A thread that is inside already must not enter again. */
void ledger_gate_enter(struct ledger_gate *g);
void ledger_gate_leave(struct ledger_gate *g);
/* How many had to wait so far: when it grows, somebody shares the store, and transactions should be short. */
int64_t ledger_gate_waited(struct ledger_gate *g);

#endif

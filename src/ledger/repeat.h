/* ledger: requests that come twice. A client that does not know whether its request was taken (the line broke, the process was killed) sends it
 * again with the same key of its own choosing; it gets the first answer and nothing is changed. Kept REPEAT_KEPT_S in table `repeat`, one row a
 * draft, written in the transaction of the request: the answer is there exactly when the change is. Above: record_write_once and the queue. */
#ifndef TOCSIN_LEDGER_REPEAT_H
#define TOCSIN_LEDGER_REPEAT_H

#include "ledger/record.h"

enum { REPEAT_KEPT_S = 7 * 86400, REPEAT_KEY_MAX = 200 };

const struct db_table *repeat_table(void);
/* Sets d->print of each: a keyed hash of what it asks for, so that the store tells nothing of its content. After record_prepare, before
 * record_apply. E_USAGE for a key of more than REPEAT_KEY_MAX bytes. */
int repeat_print(struct ledger *l, struct text key, struct draft **drafts, size_t n, struct error *err);
/* Inside a write transaction. *ret_known true: the drafts carry the first answer. The same key for another request is E_CONFLICT. */
int repeat_find(struct ledger *l, struct text account, struct text key, struct draft **drafts, size_t n, bool *ret_known, struct error *err);
/* Inside the same transaction, after the drafts were applied; none may be rejected. Forgets what is older than REPEAT_KEPT_S, once an hour. */
int repeat_keep(struct ledger *l, struct text account, struct text key, struct draft **drafts, size_t n, instant now, struct error *err);

#endif

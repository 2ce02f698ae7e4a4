/* ledger, private to record*.c and obligation*.c: a referenced record as the open transaction sees it. */
#ifndef TOCSIN_LEDGER_RECORD_PEEK_H
#define TOCSIN_LEDGER_RECORD_PEEK_H

#include "ledger/record.h"

/* NULL in ret when there is none. Lives until the call of record_apply that asked ends. Sealed cells stay sealed. */
int record_peek(struct ledger *l, const struct register_decl *reg, int64_t id, const struct record **ret, struct error *err);

#endif

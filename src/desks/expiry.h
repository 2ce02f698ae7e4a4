/* desks: a restriction ends by itself (PRV-03). The clock moves measures past their last day from `ordered` to `expired`. */
#ifndef TOCSIN_DESKS_EXPIRY_H
#define TOCSIN_DESKS_EXPIRY_H

#include "ledger/record.h"

/* Measures whose `ends` lies before the day of s->now, as far as the session may write them; in transactions of at most 1,000. The last day
 * itself still counts. *ret_expired: how many. Nothing without a register `measure` that has `ends` and the state. */
int measure_expire(struct ledger *l, const struct session *s, int64_t *ret_expired, struct error *err);

#endif

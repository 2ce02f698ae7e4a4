/* ledger: who may change whose rights (separation of duties, GB/T 22239-2019). Asked for every change of register `account`, whoever brings it: desk,
 * import, records API, command line; after access_check. `system` makes and removes accounts, `security` says what they may, both may switch one off; role
 * root is given by root alone, and nobody changes his own rights. That who administers does nothing else is declared (codes/role.yaml, `alone`) and a
 * matter of field types. Pure. */
#ifndef TOCSIN_LEDGER_GRANT_H
#define TOCSIN_LEDGER_GRANT_H

#include "ledger/record.h"

/* before NULL: it is made; after NULL: it is removed. 0 for every other register. E_DENIED with the rule; E_INVALID for a login that names the house itself. */
int grant_check(const struct session *s, const struct record *before, const struct record *after, struct error *err);
/* The session holds the role, or root, over the region. */
bool grant_held(const struct session *s, const char *role, struct text region);
/* `role` is among "a;b;c". */
bool grant_among(struct text roles, struct text role);

#endif

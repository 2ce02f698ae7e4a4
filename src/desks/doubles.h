/* desks/doubles: records that are probably one (ledger/similar.h), as a list to be settled: by excluding one of the two, or by saying of the
 * later one that it stands by itself. What settles a pair is declared in the register, so nothing is marked here. */
#ifndef TOCSIN_DESKS_DOUBLES_H
#define TOCSIN_DESKS_DOUBLES_H

#include "ledger/record.h"

struct double_pair {
    const struct similar *rule;
    const struct record *earlier, *later; /* borrowed until the visit returns */
};

/* Pairs of which the session may see both, newest first, at most `limit`. E_USAGE for a register that declares no `similar`. Cost: one look-up in
 * the indexes of the key a record. */
int doubles_list(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, struct text region, size_t limit,
                 int (*visit)(const struct double_pair *p, void *arg), void *arg, struct error *err);
/* The same for one record: the pairs in which it is the later one, with the oldest partner first. */
int doubles_of(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, size_t limit,
               int (*visit)(const struct double_pair *p, void *arg), void *arg, struct error *err);

#endif

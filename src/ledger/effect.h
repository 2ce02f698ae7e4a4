/* ledger: what a record moves when it is made, declared in its register (`effects`): a record that it refers to, or, when it names none, those of its person (an
 * active stay places a contact, whichever was told first). Or one of those that a register has of its person: a swab is what somebody booked. Of these it is the nearest in
 * time, of before it was asked for none; which record moved it is written in it, so that one moves one, and what is sent again moves nothing. Left out where the other has no
 * such move. When the record is withdrawn and no other says the same, the other goes back. Private to record*.c and the declarations. */
#ifndef TOCSIN_LEDGER_EFFECT_H
#define TOCSIN_LEDGER_EFFECT_H

#include "ledger/apply.h"

struct effect_bound {
    struct expr *when;
    const struct register_decl *target;
    int field;           /* the reference to the other; -1: one of the person's, and of these the fields below */
    int by;              /* of the target: where the record that moved it is written */
    int at;              /* of the target: when it is expected, within_s before or after the record's own date. One that does not say so is taken last; -1 none does */
    int same, same_mine; /* a field of both that must be equal where both say it; -1 none */
    int64_t within_s;
};

/* Reads `effects` of a declaration. */
int effect_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);
/* Finds what it names, when all registers are there; an error names the declaration's line. */
int effect_bind(struct arena *a, const struct catalog *c, struct reg_table *t, int32_t zone_s, struct error *err);

/* What a record's own move writes in it (`sets` of `moves`); returns how many cells it changed, and marks them. */
int effect_sets(const struct register_decl *reg, const struct record *before, struct record *now, bool *changed);

#endif

/* ledger: what a record can hold of another register. A tube holds so many swabs, a slot so many bookings: declared in the register of the members (`holds`).
 * A member is made only while the holder is in its initial state and has room, or, where it keeps when it was closed, when the member is of before that time and only told
 * late. The last one that fits moves the holder on, in the same transaction, whoever made it. How many there are is counted, not kept: the holder is written once, when it is
 * full, and with each that is told late or leaves. Private to record*.c and the declarations. */
#ifndef TOCSIN_LEDGER_HOLD_H
#define TOCSIN_LEDGER_HOLD_H

#include "ledger/apply.h"

struct hold_bound {
    int field;                 /* of the member: the reference to its holder */
    int most, count, at;       /* of the holder: how many it takes; where their number and the time are written when it is full, -1 nowhere */
    int room, full;            /* states of the holder */
    uint64_t but;              /* states (bits) of the member in which it takes no room */
};

/* Reads `holds` of a declaration. */
int hold_declare(struct catalog *c, const struct yaml *root, struct register_decl *r, struct error *err);
/* Finds what it names, when all registers are there; an error names the declaration's line. */
int hold_bind(struct arena *a, struct reg_table *t, struct error *err);
/* Members of these drafts' holders are counted together, instead of one holder at a time. */
int hold_expect(struct apply *x, struct draft **drafts, size_t n, struct error *err);
/* Before a member is made: E_REFUSED with the declared words, `where` the reference. */
int hold_check(struct apply *x, const struct record *r, struct error *err);
/* After it was made. */
int hold_take(struct apply *x, const struct record *r, struct error *err);
/* Before it is removed: there is room for one more. What keeps no time of its closing opens again, and a number that was written is written anew; of a member whose time to be kept is over
 * (forgotten) the number stays. */
int hold_leave(struct apply *x, const struct record *r, bool forgotten, struct error *err);
/* A change that closes a holder by hand, without a word of how many are in it: they are counted. *n: cells that change. */
int hold_close(struct apply *x, const struct record *before, struct record *now, bool *changed, int *n, struct error *err);
/* A change that brings a member to another holder, or into or out of a state in which it takes no room: before it is made, E_REFUSED as above; and after. */
int hold_check_change(struct apply *x, const struct record *before, const struct record *now, struct error *err);
int hold_change(struct apply *x, const struct record *before, const struct record *now, struct error *err);

#endif

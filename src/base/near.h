/* base: what was probably meant. Of the names there are the nearest to a word that is none of them; told behind the refusal. No allocation; names are borrowed. */
#ifndef TOCSIN_BASE_NEAR_H
#define TOCSIN_BASE_NEAR_H

#include "base/text.h"

enum { NEAR_MAX = 48 }; /* bytes of a name; longer ones are near to nothing */

struct near {
    struct text typed;
    struct text best; /* empty: none is near enough */
    size_t slips;     /* letters too many, missing, other or changed places between the two */
};

/* Compares one name more: near enough is one slip in three letters, or a name that begins with at least three typed letters. Of equals the first stays. */
void near_try(struct near *n, struct text known);
/* Adds "; is onset meant?" to both languages of a filled err when there is one. */
void near_tell(const struct near *n, struct error *err);

#endif

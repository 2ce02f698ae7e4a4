/* desks: mass testing, where the plan in force meets the engines. From the doors: how many swabs to one tube. */
#ifndef TOCSIN_DESKS_TESTING_H
#define TOCSIN_DESKS_TESTING_H

#include <jansson.h>

#include "engines/pooling.h"
#include "ledger/record.h"

enum { TESTING_SIZES_MAX = POOLING_SIZE_MAX };

/* What each size of a tube would do, under the plan in force for a disease (empty: the first that is). Texts live as long as the ledger's policies. */
struct testing_pools {
    int n, best;              /* best: index; n when none stays within what may be missed */
    struct pooling_outcome of[TESTING_SIZES_MAX]; /* size POOLING_A_HOUSEHOLD: a tube a household */
    bool forbidden[TESTING_SIZES_MAX];
    int64_t most;             /* swabs in one tube by the parameter pooling_max; 0: the plan does not say */
    struct text pack, source; /* of that number */
};
/* The best costs least among those that lose at most `more_lost` of the infected beyond single tubes; a size the plan forbids is worked out, but never the best. Errors: those of pooling_outcome; E_UNKNOWN: no plan in force for that disease. */
int testing_pooling(const struct ledger *l, struct text disease, instant now, const struct pooling_assumptions *a, const int *sizes, int n, double more_lost,
                    struct testing_pools *ret, struct error *err);

/* Swabs in one tube at most by the plan in force for a disease in a region (empty: the node's); 0: it does not say. */
int64_t testing_pool_most(const struct ledger *l, struct text disease, struct text region, instant now);

/* The same for so many people, as JSON. Owned: json_decref; NULL out of memory. */
json_t *testing_pools_json(const struct testing_pools *p, double people);

#endif

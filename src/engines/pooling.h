/* engines: how many swabs to one tube. Two stages after Dorfman 1943 (Ann. Math. Stat. 14:436): a tube of n swabs; if it is positive, every member is held, swabbed anew and
 * tested singly; the single result decides. Assumptions in, one outcome a size out; pure, no chance drawn, no store.
 *
 * Dilution: a swab of Ct c among n - 1 without virus reads c + log2 n; k infected swabs read log2 n - log2(sum of 2^-c). A load below the limit is no
 * signal: the tube is then called positive only as often as an empty one (1 - specificity). Ct of the infected is normal; ct_sd 0 leaves dilution out.
 * Households: infections come in clusters. A household of h is reached with 1 - (1 - l)^h, one member at random then infects each other one with `attack`;
 * l follows from the prevalence. Together: people queue as households, so the infected share tubes, fewer tubes are positive and their loads add up. Apart: mixed at random.
 * What comes out is exact but for the grid of loads (1/16 Ct). Reference: Barak et al. 2021, Sci Transl Med, doi:10.1126/scitranslmed.abf2823 saw 133,816 pooled samples do
 * better than the random model, because the infected had come together. */
#ifndef TOCSIN_ENGINES_POOLING_H
#define TOCSIN_ENGINES_POOLING_H

#include "base/error.h"

enum { POOLING_SIZE_MAX = 64, POOLING_HOUSEHOLD_MAX = 12, POOLING_A_HOUSEHOLD = 0 /* as a size: a tube a household, however many it has (sealed homes) */ };

struct pooling_assumptions {
    double prevalence;    /* share of the tested who are infected; above 0, below 1 */
    double sensitivity;   /* of one test of a load above the limit: swabbing and assay; (0, 1] */
    double specificity;   /* of one test; (0, 1] */
    double ct_mean, ct_sd; /* of the infected, tested singly; ct_sd 0: no dilution */
    double ct_limit;      /* the largest Ct called positive */
    bool together;        /* households come together; else persons mixed at random */
    double attack;        /* share of the other members of a reached household who are infected; [0, 1] */
    int n_household;
    double household[POOLING_HOUSEHOLD_MAX]; /* share of households with 1, 2, ... members; made to sum to 1 */
    double tube_cost, swab_cost, hold_cost;  /* money: a tube tested, a person swabbed, a person held until the second result */
};
/* Ct 25.3 and limit 40: medians 25.9 and 24.7 of two targets in 3,091 positive specimens, shift of 1.9 to 2.4 by four in a tube (PMC7543567). Its spread of 5.5, attack 0.3,
 * sensitivity 0.95 and specificity 0.9999 are ours, unverified. Households: as scenarios/city.yaml. Cost: one a tube. Prevalence 0: to be given. */
void pooling_assumptions_init(struct pooling_assumptions *a);

/* Shares are of the persons swabbed in the first stage. */
struct pooling_outcome {
    int size;
    double tubes;         /* first tubes a person: 1 / size, or 1 / mean household */
    double positive;      /* share of first tubes called positive */
    double tests;         /* tubes tested a person, both stages */
    double held;          /* persons held until their second result */
    double found, missed; /* infected persons called positive, and not; their sum is the prevalence */
    double missed_single; /* missed if everybody had a tube of their own */
    double wrongly;       /* persons without infection called positive */
    double sensitivity, specificity, ppv, npv; /* of the whole procedure */
    double cost;          /* a person */
};
/* E_INVALID names the assumption that cannot hold, in err->where; E_MEMORY. */
int pooling_outcome(const struct pooling_assumptions *a, int size, struct pooling_outcome *ret, struct error *err);

#endif

/* engines/chain, shared by its files. */
#ifndef TOCSIN_ENGINES_CHAIN_WORK_H
#define TOCSIN_ENGINES_CHAIN_WORK_H

#include "engines/chain.h"

/* Timing by days, over its maximum; p99: 99 of 100 intervals are shorter. */
struct chain_intervals {
    double of[CHAIN_SI_DAYS];
    int32_t p99;
};
void chain_intervals(const struct chain_options *o, struct chain_intervals *ret);

/* All that is known of infector and infectee; sorted by infectee, then infector. */
struct chain_pair {
    uint32_t infector, infectee;
    day first, last;
    double miss;        /* chance that nothing happened in all their meetings */
    int32_t differences;
    bool never;         /* no meeting on record */
};
struct chain_ranked {
    int64_t id;
    struct chain_candidate c;
};

/* chain_tree.c: parents, generations, trees, contradictions. */
int chain_trees(const struct chain_options *o, const struct chain_input *in, const struct chain_pair *pairs, size_t n_pairs, struct chain_result *r, struct error *err);

#endif

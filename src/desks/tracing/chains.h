/* desks/tracing: chains of transmission. Cases of a disease, whom they met (contacts on record, with the score of their finding), what analysts chose (source_choice, then
 * link, then the case's own source) and their genomes (register genome: engines/genome says how far apart; without, lineages that differ) go into engines/chain; out come the ranked candidates beside the choice, generations, trees open or cut, contradictions.
 * Built once for the whole node and kept until the journal grows (chains_take); who may see what is decided for each answer. */
#ifndef TOCSIN_DESKS_TRACING_CHAINS_H
#define TOCSIN_DESKS_TRACING_CHAINS_H

#include "desks/tracing/tracing.h"
#include "engines/chain.h"

enum { CHAINS_CASES_MAX = 1000000, CHAINS_GENOMES_COMPARED = 4000 /* with more of them only those of cases that met are */, CHAINS_GENOMES_NEAR = 2 /* nucleotides */ };

struct chains {
    struct arena arena;
    struct text disease;
    int64_t as_of_seq;            /* of the journal */
    instant at;
    struct chain_options options;
    struct chain_input input;
    struct chain_result result;
    struct text *numbers, *regions; /* by case index */
    size_t genomes, genomes_unread; /* cases with one; records that could not be read */
    uint8_t *class_of;            /* 0 suspected, 1 confirmed, 2 asymptomatic, 3 other */
    uint32_t *by_id;              /* indexes sorted by id */
};
/* Reads everything of the disease in the node. Cost: a pass over its cases and contacts; 100,000 cases about half a second (docs/tracing.md). Owned: chains_free. */
int chains_build(struct ledger *l, struct text disease, instant now, struct chains **ret, struct error *err);
void chains_free(struct chains *c);
/* The index of a case; CHAIN_NONE. */
uint32_t chains_find(const struct chains *c, int64_t id);
/* Whether the session may read that case. */
bool chains_seen(const struct ledger *l, const struct session *s, const struct chains *c, uint32_t index);
/* E_UNKNOWN: there is no such disease in the list; chains of it are not none. */
int chains_disease_known(const struct ledger *l, struct text disease, struct error *err);
/* The disease with most cases in the node when the asker gives none; in the arena. */
int chains_disease(struct ledger *l, struct arena *a, struct text *ret, struct error *err);
/* The last journal entry a reader sees: what is kept is good as long as it stands. */
int chains_stamp(struct ledger *l, int64_t *ret, struct error *err);

#endif

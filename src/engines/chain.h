/* engines: who infected whom, and what follows: generations, chains, what cannot be. Cases, meetings, distances of genomes and analysts' choices in,
 * ranked candidates and trees out; pure: no store, no clock. The tracing desk fills it from records and from engines/contact.
 *
 * A candidate i for the infectee j is somebody it has met (or whose genome is near). Its weight is
 *     exposure(i, j) x timing(onset_j - onset_i) x genomes(i, j)
 * exposure: the chance of infection in what they shared, 0..1 (engines/contact.h: score); timing: the gamma density of the serial interval with the policy's mean and
 * standard deviation, averaged over the day, over its maximum; genomes: chance of so many mutations in that time (Poisson), over its maximum. Weights are divided
 * by their sum plus `outside`, the weight of a source that nobody knows: so the probabilities of the candidates and of "nobody known" are one together.
 * After Wallinga & Teunis 2004, Am J Epidemiol 160:509, doi:10.1093/aje/kwh255 (timing), and Jombart et al. 2014, PLoS Comput Biol 10:e1003457,
 * doi:10.1371/journal.pcbi.1003457 (timing with genomes). The weights of meetings are our own.
 *
 * Nobody infects whom it met only after being isolated, or only after the other had fallen ill, or whose onset lies before its own; of two with one onset only the
 * one with the lower id can have infected the other (it must be one of them, and the answer must not depend on the order of input).
 * An unknown onset is taken from the day of report, and the timing is then averaged over two days on either side.
 *
 * The link used for the trees is the analyst's choice where there is one, else the best candidate when its probability reaches `accept`. */
#ifndef TOCSIN_ENGINES_CHAIN_H
#define TOCSIN_ENGINES_CHAIN_H

#include "base/instant.h"

#define CHAIN_NONE UINT32_MAX /* no case */
#define CHAIN_NO_DAY INT32_MIN
enum { CHAIN_SI_DAYS = 96 };  /* longest serial interval thought of */

struct chain_case {
    int64_t id;         /* the caller's; distinct */
    day onset, reported; /* CHAIN_NO_DAY: not known */
    day isolated;       /* from the end of this day on it meets nobody; CHAIN_NO_DAY: never */
    bool controlled;    /* found under control, not in the community */
    bool imported;      /* infected elsewhere: it has no source here */
};

/* Two cases met (either may have infected the other). */
struct chain_meeting {
    uint32_t a, b;      /* indexes of cases */
    day first, last;    /* CHAIN_NO_DAY: not known */
    double score;       /* 0..1 */
};

struct chain_genomes {
    uint32_t a, b;
    int32_t differences; /* nucleotides */
};

/* What an analyst says: infector CHAIN_NONE is "from outside". */
struct chain_choice {
    uint32_t infectee, infector;
};

struct chain_options {
    double si_mean_days, si_sd_days;
    double outside;           /* weight of an unknown source */
    double accept;            /* probability from which the machine's first is used */
    double mutations_per_day; /* of the whole genome; 0: genomes are not used */
    day today;
    int cut_days;             /* a chain is cut when for so many whole days none of its cases was found outside control */
};
/* 3.5 and 2.4 days, outside 0.01, accept 0.5, 0.066 mutations a day (SARS-CoV-2, 24 a year: Duchene et al. 2020, doi:10.1093/ve/veaa061), 14 days. */
void chain_options_init(struct chain_options *o);

struct chain_candidate {
    uint32_t infector;
    int32_t days;         /* between the onsets */
    double chance;
    double exposure, timing, genomes; /* the three factors */
    int32_t differences;  /* -1: genomes not known */
};

enum chain_by { CHAIN_BY_NOBODY, CHAIN_BY_MACHINE, CHAIN_BY_ANALYST };

struct chain_node {
    uint32_t candidates, n_candidates; /* in result.candidates, best first */
    double outside;       /* probability that nobody known infected it */
    uint32_t parent;      /* CHAIN_NONE: the first of its chain */
    uint8_t by;           /* enum chain_by; BY_ANALYST also for "from outside" */
    uint32_t generation;  /* 0: first */
    uint32_t tree;
    uint32_t children, descendants;
};

struct chain_tree {
    uint32_t root;
    uint32_t size, generations; /* of cases; the deepest generation */
    day first, last;      /* onset (or report) of the first and the last */
    day last_outside;     /* report of the last case found outside control; CHAIN_NO_DAY: none */
    bool open;            /* not cut */
    uint32_t long_gaps;
};

enum chain_fault {
    CHAIN_ONSET_BEFORE,   /* the infectee fell ill before its infector */
    CHAIN_AFTER_ISOLATION, /* they met only after the infector was isolated, or the infectee fell ill when that is the only explanation */
    CHAIN_LOOP,           /* the choices go round in a circle */
    CHAIN_IMPORTED,       /* infected elsewhere, and yet it has an infector here */
    CHAIN_LONG_GAP,       /* more days between the onsets than 99 of 100 pairs have: perhaps somebody is missing between them */
    CHAIN_NEVER_MET,      /* an analyst's choice without any meeting on record */
    CHAIN_FAULTS
};
extern const char *const chain_fault_names[CHAIN_FAULTS];
struct chain_contradiction {
    enum chain_fault kind;
    uint32_t infector, infectee;
    int32_t days;
};

struct chain_result {
    size_t n;
    struct chain_node *nodes;
    struct chain_candidate *candidates;
    size_t n_candidates;
    struct chain_tree *trees;  /* largest first, then earlier, then lower id of the root */
    size_t n_trees;
    struct chain_contradiction *contradictions; /* by infectee */
    size_t n_contradictions;
    int32_t long_days;         /* of a serial interval: 99 of 100 are shorter */
};

struct chain_input {
    const struct chain_case *cases;
    size_t n;
    const struct chain_meeting *meetings;
    size_t n_meetings;
    const struct chain_genomes *genomes;
    size_t n_genomes;
    const struct chain_choice *choices; /* the last one of an infectee counts */
    size_t n_choices;
};

/* Ranks and builds. The answer does not depend on the order of anything in the input. Time O((n + m) log m), memory O(n + m). Errors: E_INVALID (an index out
 * of range, a score outside 0..1, a mean or deviation that is not positive), E_MEMORY. Owned: chain_result_clear. */
int chain_build(const struct chain_options *o, const struct chain_input *in, struct chain_result *ret, struct error *err);
void chain_result_clear(struct chain_result *r);

/* The day a case is counted by: onset, else report; CHAIN_NO_DAY. */
day chain_day(const struct chain_case *c);
/* timing of a serial interval of `days`, 0..1: what chain_build uses. */
double chain_timing(const struct chain_options *o, int32_t days);

/* ---- a part to look at: chain_view.c */
struct chain_look {
    uint32_t centre;       /* CHAIN_NONE: the roots of the largest trees */
    int steps;             /* links away from the centre */
    size_t max_nodes;
    day from, to;          /* [from, to): cases whose day lies outside are left out, the centre stays; CHAIN_NO_DAY: no bound */
    double candidates;     /* candidate links from this probability on are followed and shown too; 2: none */
    bool (*seen)(uint32_t node, void *arg); /* who may be shown; NULL: everybody */
    void *arg;
};
struct chain_edge {
    uint32_t infector, infectee;
    double chance;
    uint8_t by;            /* enum chain_by; NOBODY: a candidate only */
};
struct chain_part {
    uint32_t *nodes;       /* nearest to the centre first */
    size_t n_nodes;
    struct chain_edge *edges;
    size_t n_edges;
    bool more;             /* max_nodes cut it short */
    size_t hidden;         /* neighbours that may not be shown */
};
/* Breadth first from the centre. Time: O(what is looked at) after O(n) for the children. Owned: chain_part_clear. */
int chain_look(const struct chain_input *in, const struct chain_result *r, const struct chain_look *look, struct chain_part *ret, struct error *err);
void chain_part_clear(struct chain_part *p);

#endif

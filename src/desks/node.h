/* desks: a node of the house: made with its regions and first policy, checked, kept. */
#ifndef TOCSIN_DESKS_NODE_H
#define TOCSIN_DESKS_NODE_H

#include "ledger/record.h"

struct node_options {
    struct ledger_options ledger;
    const char *policy;   /* pack to adopt at once, or NULL */
    day from;             /* first day in force; 0: it was in force before the node was made */
    const char *regions;  /* regions.csv; NULL: HOME/build/regions.csv or HOME/regions.csv; none there: no region is seeded */
    instant now;
    struct text account;  /* who makes it */
    bool zh;              /* the language of the reason that its first adoption is kept with */
};

struct node_report {
    int64_t regions;      /* seeded */
    int64_t adoption;     /* id, 0 none */
    char regions_from[1024];
    int region_listed;    /* 0: the node's own region is not in a table that lists what lies beside it */
};
/* Refuses an existing node, and a region whose province or city the table of regions does not have (E_UNKNOWN, before anything is made). What fails half-way leaves a directory that init refuses; the message says what to remove. */
int node_init(const struct node_options *o, struct node_report *ret, struct error *err);

/* E_UNKNOWN for a region that the register of regions does not have although it lists what lies beside it: a code mistyped. What the register does not go into (streets
 * of others, other countries, a node without regions) passes, and so does what the node itself lies in. code: canonical. */
int node_region(struct ledger *l, struct text code, struct error *err);

/* The operator at the machine itself: every right everywhere. */
extern const struct grant node_root_grant;
struct session node_session(struct text account, instant now, bool zh);

#endif

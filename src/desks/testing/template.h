/* desks/testing: rounds made from a template (三日三检 and the like): a campaign and a template give rounds with their days, their scope and a tube size that the plan in force allows.
 * All in one transaction or none. From the doors; below: ledger/record. */
#ifndef TOCSIN_DESKS_TESTING_TEMPLATE_H
#define TOCSIN_DESKS_TESTING_TEMPLATE_H

#include <jansson.h>

#include "ledger/record.h"

enum { TEMPLATE_ROUNDS = 5, TEMPLATE_AREAS = 64, TEMPLATE_HOURS = 24 /* of a round: the whole area within 24 h, 第三版 2022-03 (rules B4) */ };

struct template_asked {
    int64_t campaign;
    struct text code;                /* of list round_template; empty: the campaign's */
    instant starts_at;               /* of the first round; INSTANT_NONE: the campaign's start */
    int64_t hours, size;             /* 0: TEMPLATE_HOURS; the campaign's tube size, else 10, at most what the plan in force allows */
    size_t n_areas;
    struct text areas[TEMPLATE_AREAS]; /* region codes: the scope of these rounds; none: the campaign's own scope */
    bool only_show;                  /* nothing is written */
};
struct template_round {
    int64_t id, seq;                 /* id 0: only shown */
    instant starts_at, ends_at;
};
struct template_made {
    size_t n;
    struct template_round rounds[TEMPLATE_ROUNDS];
    int64_t size, most;              /* most: of the plan in force, 0 it does not say */
    size_t scopes;                   /* rows of scope written with them */
};

/* Errors, `where` the member: E_UNKNOWN campaign or template; E_REFUSED a campaign that is over, a size that the plan forbids (tube_size), a round after the campaign's end (ends_at);
 * E_INVALID before its start (starts_at), hours out of 1 to 96; E_CONFLICT a round overlaps another of the campaign (starts_at), so that the same request told twice makes nothing twice. */
int template_rounds(struct ledger *l, const struct session *s, const struct template_asked *asked, struct template_made *ret, struct error *err);
/* The same to the command line and over HTTP. Owned: json_decref; NULL out of memory. */
json_t *template_made_json(const struct template_made *m, int32_t zone_s);

#endif

/* desks/testing: a round of mass testing planned and forecast. From the doors come the planner's sliders as JSON (docs/campaign.md), or a round whose registers say how far it is; the
 * engine (engines/campaign.h) works out the plan; out goes JSON, the same to the command line and over HTTP. */
#ifndef TOCSIN_DESKS_TESTING_CAMPAIGN_H
#define TOCSIN_DESKS_TESTING_CAMPAIGN_H

#include <jansson.h>

#include "engines/campaign.h"
#include "ledger/record.h"

enum { TESTING_SITES_MAX = 2000 /* of one area */, TESTING_SPEED_KMH = 30, TESTING_ROAD_MINUTES = 40 /* where nothing is known */ };

struct testing_site { struct text name; double people, tables; };
struct testing_area {
    struct text name;
    int n_sites;
    const struct testing_site *sites; /* NULL: not said */
};
/* What is planned; everything in the arena. */
struct testing_campaign {
    struct campaign c;
    struct campaign_area *areas;
    struct campaign_lab *labs;
    double *travel_h;
    struct testing_area *area;     /* [c.n_areas] */
    struct text *lab;              /* [c.n_labs] */
    bool by_rule;                  /* no areas were given: equal ones made by the rules of thumb */
    double burst_at, burst_h, burst_share; /* who comes by himself: this share within burst_h hours of this hour of the day, the others evenly while it is open */
};
/* From JSON. Without "areas", "people" and "tubes_per_day" make some by rule. E_INVALID, E_SYNTAX with err->where the member ("areas/3/tables"); a member that is not known is refused. */
int testing_campaign_read(struct arena *a, const json_t *j, struct testing_campaign *ret, struct error *err);
/* The plan, its run and its queues; where areas say how many samplers they have now, also how it goes when nobody moves, and the moves. Owned: json_decref. E_INVALID, E_TOO_LARGE, E_MEMORY. */
int testing_campaign_plan(const struct testing_campaign *t, json_t **ret, struct error *err);

/* Hours by road between two points: the great circle, 1.4 times as long by road (Boscoe et al. 2012, doi:10.1080/00330124.2011.583586, United States). */
double testing_road_h(double lon1, double lat1, double lon2, double lat2, double speed_kmh);
/* Vehicles where nobody says: one to 1,500 tubes, some ten trips a day; ours, unverified. */
double testing_couriers(double tubes);

#endif

/* desks/testing: a round under way, from its registers, forecast: what was done, where queues jam, who falls behind, when it will be finished as it stands, and what moving samplers
 * and mobile teams would do. From the doors; below: round.h (what was done), the planner (campaign.h). Reads only, within what the session may see. */
#ifndef TOCSIN_DESKS_TESTING_FORECAST_H
#define TOCSIN_DESKS_TESTING_FORECAST_H

#include "desks/testing/campaign.h"

enum { FORECAST_AREAS = 64 /* streets; more are joined into counties */, FORECAST_TEAMS = 200, FORECAST_JAMS = 50 };

/* Hours count from "at": now, or when the round begins. Left to do: the scope's people (else the campaign's, by tables) less the swabs of each street, together as many as the whole round lacks, nobody once it is
 * closed; streets with fewer samplers than there are streets are joined. Samplers there: the shifts that run now; without any, two at each open table
 * ("samplers_assumed"). People an hour and sampler: the swabs of the last hour over them, at least a tenth of the common rate. Tubes: filled and not received wait at their sites; received and not tested in their
 * laboratory, behind those of other rounds, which do not keep this one from being finished. Vehicles: `couriers`, else the couriers that are ready with what they take in a trip, else by the rule of the planner ("couriers_assumed"). Roads: as driven (transport_route), else by points. E_REFUSED: nobody said how many people are to be tested, no table or no laboratory is open. Owned: json_decref. */
int testing_forecast(struct ledger *l, const struct session *s, int64_t round, double couriers, json_t **ret, struct error *err);

#endif

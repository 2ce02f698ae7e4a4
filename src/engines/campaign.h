/* engines: how long a round of mass testing takes, what holds it up, and who should go where. Arrays in, arrays out; chance by counter (Random123): same seed, same bytes.
 *
 * Five stages, 采送检报 (sample, ship, test, report): samplers at the tables of an area fill tubes while it is open; couriers take them at the end of every slot to laboratories;
 * a laboratory starts so many tubes an hour and knows each result `turnaround_h` later; `report_h` more and it is out. The round is finished when the last result is out.
 *
 * The plan is the quickest flow through that net over time (Ford & Fulkerson 1958, doi:10.1287/opre.6.3.419; Hoppe & Tardos 2000, doi:10.1287/moor.25.1.36.15211): for a given end a linear
 * program says how many results can be out; the earliest end with all of them is found by halving. So its finish is the best possible, more of any resource never makes it
 * later, and the prices of the program are what one more of a resource buys. Solved by Clp (docs/dependencies.md).
 *
 * The run then plays the plan, with fixed shares of each area's tubes to laboratories, in steps of 5 minutes, with luck: productivity of the city and of each area, speed of
 * each laboratory and of the roads are log-normal about their means. Its finish is at the earliest the plan's, but for the rounding up of travel to whole slots in the plan. */
#ifndef TOCSIN_ENGINES_CAMPAIGN_H
#define TOCSIN_ENGINES_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { CAMPAIGN_AREAS_MAX = 400, CAMPAIGN_LABS_MAX = 100, CAMPAIGN_COLUMNS_MAX = 200000, CAMPAIGN_DRAWS_MAX = 2000, CAMPAIGN_DAYS_MAX = 14 };
#define CAMPAIGN_NEVER (24.0 * CAMPAIGN_DAYS_MAX)

struct campaign_area { /* a street, a town or a district */
    double people;      /* yet to be swabbed */
    double tables;      /* at its sites */
    double samplers;    /* there now; below 0: nobody said. The plan places all of them anew; see campaign_as_is */
    double rate;        /* people an hour and sampler there; 0: the common one */
    double waiting;     /* tubes filled, not yet fetched */
};
struct campaign_lab {
    double tubes_h;      /* tubes started an hour, working day and night */
    double turnaround_h; /* from start to result */
    double waiting;      /* tubes received, not yet started */
};
/* Hours are from the moment the plan begins, which is `start_h` o'clock. */
struct campaign {
    int n_areas, n_labs;
    const struct campaign_area *areas;
    const struct campaign_lab *labs;
    const double *travel_h;    /* [area * n_labs + lab], one way */
    double samplers;           /* in all */
    double per_table;          /* samplers that can work at one table */
    double rate;               /* people an hour and sampler */
    double per_tube;           /* people in a tube, on the average */
    double couriers, trip_tubes, stop_h; /* vehicles; tubes each takes in one trip; loading and unloading */
    double start_h, open_h, close_h;     /* o'clock; open 0 and close 24: day and night */
    double slot_h;             /* between two pick-ups, and the grid of the plan */
    double report_h;
    double deadline_h;         /* 0: none */
    double sd_city, sd_area, sd_lab, sd_road; /* of the logarithms */
    uint64_t seed;
    int draws;
};
/* 60 people an hour (360 a sampler in a shift of 6 hours), 2 samplers a table, 10 to a tube, 24 h: rules.md B4 (NHC 第三版); slot 30 min, report 0.5 h, trips of 200 tubes with 20 min
 * of loading, spreads 0.10, 0.15, 0.15, 0.20, 200 draws: ours, unverified. */
void campaign_init(struct campaign *c);
/* E_INVALID: what cannot hold, named in err->where; E_TOO_LARGE: areas x laboratories x slots past CAMPAIGN_COLUMNS_MAX: join areas. */
int campaign_check(const struct campaign *c, struct error *err);

enum campaign_resource { CAMPAIGN_SAMPLERS, CAMPAIGN_TABLES, CAMPAIGN_COURIERS, CAMPAIGN_LABORATORIES, CAMPAIGN_RESOURCES };
extern const char *const campaign_resource_names[CAMPAIGN_RESOURCES]; /* "samplers" ... */

struct campaign_buys {
    double share;       /* of what holds the finish up: 0 to 1 over the four; all 0: only travel, turnaround and opening hours do */
    double one_h;       /* hours earlier by one more: a sampler, a table and a courier where it helps most, one tube an hour in the laboratory where it helps most */
    int where;          /* that area or laboratory; -1 for samplers and couriers */
    double tenth_h;     /* hours earlier by a tenth more of all of it */
};
struct campaign_slot { double sampled, fetched, started, reported; /* people, then tubes, since the beginning, at the end of the slot */ };

/* Owned arrays: campaign_plan_clear. */
struct campaign_plan {
    double tubes;             /* to be tested in all */
    double finish_h;          /* the best possible */
    struct campaign_buys buys[CAMPAIGN_RESOURCES];
    int bottleneck;           /* enum campaign_resource; CAMPAIGN_RESOURCES: none */
    int n_areas, n_labs;
    double *samplers;         /* [area], whole; their sum is the samplers there are, or all that find a table */
    double *tubes_to;         /* [area * n_labs + lab], whole; an area's sum is its tubes, rounded up */
    double *couriers;         /* [area], shares of vehicles */
};
int campaign_plan(const struct campaign *c, struct campaign_plan *ret, struct error *err);
/* The same plan with the samplers where the areas say they are now (nobody where they do not say): what a forecast plays. E_MEMORY. */
int campaign_as_is(const struct campaign *c, const struct campaign_plan *p, struct campaign_plan *ret, struct error *err);
void campaign_plan_clear(struct campaign_plan *p);

struct campaign_run {
    double p10_h, p50_h, p90_h; /* of the finish; CAMPAIGN_NEVER: not within CAMPAIGN_DAYS_MAX days */
    double mean_h;              /* finish with no luck, good or bad */
    double on_time;             /* share of draws before the deadline */
    int n_areas, n_labs, n_slots;
    double *area_p50_h, *area_p90_h; /* last swab of each area */
    double *lab_end_h, *lab_queue;   /* last result of each laboratory, and the most tubes that wait there, with no luck */
    struct campaign_slot *slots;     /* with no luck */
};
/* Plays the plan. Cost: draws x steps x (areas + laboratories in use). More of anything in c with the same plan, or more in the plan, never ends a draw later. */
int campaign_run(const struct campaign *c, const struct campaign_plan *p, struct campaign_run *ret, struct error *err);
void campaign_run_clear(struct campaign_run *r);

/* ---- the queue before the tables: arrivals and capacity a slot in people; who is not served waits. */
struct campaign_queue {
    double peak, peak_at_h;  /* people waiting at the worst end of a slot */
    double longest_h;        /* wait of who comes at the worst moment */
    double over_h;           /* hours with more waiting than `jam` */
    double left;             /* still waiting at the end */
};
void campaign_queue(const double *arrivals, const double *capacity, int n, double slot_h, double jam, double *ret_waiting, struct campaign_queue *ret);
/* Staggered calling: how many to call for each slot, at `use` of the capacity (0.9): whole people; returns how many did not fit. */
int64_t campaign_call(const double *capacity, int n, double use, int64_t people, int64_t *ret_called);

/* Samplers over the sites of an area so that the last site is through as early as can be: whole, at most `most` each, each next one where the finish is latest. Returns how many
 * found no table. Cost: samplers x sites. */
int64_t campaign_split(int64_t samplers, const double *people, const double *most, int n, double *ret);

/* ---- rules of thumb (reference rules.md B4): sites per 2,000 to 3,000 people, a table per 600 to 800, a sampler per 360. */
struct campaign_thumb { double samplers, sites_least, sites_most, tables_least, tables_most, tubes; };
struct campaign_thumb campaign_thumb(double people, double per_tube);

/* ---- moves between areas from what is there to what the plan wants: at most areas - 1, the largest first. Returns how many. ret: n_areas. */
struct campaign_move { int from, to; double samplers; };
int campaign_moves(const double *now, const double *wanted, int n_areas, struct campaign_move *ret);

#endif

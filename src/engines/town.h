/* engines: a made-up city of 10,000 to 25 million people and where they are, day by day: for the tracer, the load tests and the drills. (The county with an outbreak and
 * names, made for demos, is city.h.) From here `tocsin city generate` fills a visit store; benches and tests take the stays as they are.
 *
 * Every draw is a function of the seed, of what is drawn and of whom (counter-based generator Philox4x32-10: Salmon et al. 2011,
 * doi:10.1145/2063384.2063405; Random123): so any part can be drawn alone, by any number of threads, and the same seed gives the same bytes.
 *
 * Places: a household each, classes of schools, workplaces with a Pareto tail, care homes, hospitals, shops and restaurants of Zipf popularity, vehicles
 * with carriages and rows. A day of a person: at home until it leaves, a ride, work or school, perhaps a meal, a shop, a hospital, home again.
 * Memory: 16 bytes a person and 8 a workplace. Parameters with their sources: scenarios/city.yaml. */
#ifndef TOCSIN_ENGINES_TOWN_H
#define TOCSIN_ENGINES_TOWN_H

#include "base/presence.h"

enum { TOWN_PERSONS_MIN = 100, TOWN_PERSONS_MAX = 25000000, TOWN_STAYS_MAX = 16 /* of one person in one day */ };

enum town_class {
    TOWN_HOME = 1, TOWN_SCHOOL, TOWN_WORKPLACE, TOWN_CARE_HOME, TOWN_HOSPITAL, TOWN_SHOP, TOWN_RESTAURANT, TOWN_VEHICLE, TOWN_CLASSES
};

/* As read from scenarios/city.yaml; percent and hundredths as integers, so that the same file gives the same city everywhere. */
struct town_parameters {
    int64_t household_size_percent[6], age_percent[6];
    int64_t employed_percent, workplace_tail_hundredths, workplace_max, class_size, care_home_percent, care_home_size, people_per_shop, shop_zipf_hundredths,
        shopping_percent, shopping_weekend_percent, people_per_restaurant, eating_out_percent, transit_percent, people_per_line, vehicles_per_line,
        people_per_hospital, hospital_per_thousand, stay_home_percent, weekend_work_percent;
};
/* Errors: E_IO, E_SYNTAX, E_INVALID with the line. Every parameter must be there, with its source. */
int town_parameters_read(const char *path, struct town_parameters *ret, struct error *err);

struct town_person {
    uint32_t home;       /* place: household, or care home */
    uint32_t daytime;    /* place of work or school; TOWN_NOWHERE */
    uint16_t region;
    uint8_t age, sex;    /* sex 1 male, 2 female */
    uint32_t filler;
};
#define TOWN_NOWHERE UINT32_MAX

struct town {
    struct town_parameters p;
    uint64_t seed;
    uint32_t n_persons, n_places, n_regions;
    struct town_person *persons;
    /* places of a class: [first[class], first[class + 1]) */
    uint32_t first[TOWN_CLASSES + 1];
    uint64_t *workplace_slots; /* running sum of sizes */
};

/* threads: 1 or more; the same bytes with any. regions: how many the people are spread over, in blocks of neighbours (>= 1). Owned: town_free. Errors: E_INVALID, E_MEMORY. */
int town_make(const struct town_parameters *p, uint64_t seed, uint32_t persons, uint32_t regions, int threads, struct town **ret, struct error *err);
void town_free(struct town *t);
static inline enum town_class town_class_of(const struct town *t, uint32_t place) {
    int c = TOWN_HOME;
    while (c + 1 < TOWN_CLASSES && place >= t->first[c + 1]) c++;
    return (enum town_class)c;
}
/* "H17", "W3", "B5-2": the kind of a place and its number. */
void town_place_name(const struct town *t, uint32_t place, char out[24]);

/* The stays of one person on the nth day (0 the first; weekend when nth % 7 is 5 or 6), times in seconds of that day, in order, without gaps at home and work but for the way.
 * Returns how many. Pure. */
size_t town_stays(const struct town *t, uint32_t person, int nth, struct presence out[TOWN_STAYS_MAX]);

#endif

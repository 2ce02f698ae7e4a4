/* engines: a made-up county with an outbreak in progress. Seed and options in, arrays out; same seed, same arrays. Knows base only.
 * From here the drill desk writes the messy files a county gets (desks/drill/demo.h); tests and benchmarks take the arrays as they are.
 *
 * The model, day by day: one imported index; the infected meet their household every day, their class or team on work days, and
 * strangers; each meeting infects with a chance that follows the infector's distance from onset. The ill come to a clinic after a
 * delay, the traced are placed and tested by schedule, the rest are found by screening. Every delay has a late tail, and some
 * steps are left out, because that is what the loop must catch. Numbers and their sources: city_parameters in city_outbreak.c.
 *
 * All persons, places and numbers are invented; identity numbers and unit codes pass their check digits. Not for forecasting. */
#ifndef TOCSIN_ENGINES_CITY_H
#define TOCSIN_ENGINES_CITY_H

#include "base/digest.h"
#include "base/instant.h"

enum { CITY_PERSONS_MIN = 200, CITY_PERSONS_MAX = 20000000, CITY_DAYS_MAX = 400 };

struct city_options {
    uint64_t seed;
    int persons;        /* wanted; the last household may add up to 4. 0: 3,000 */
    int days;           /* length of the story; 0: 30 */
    day first;          /* its first day */
    int32_t zone_s;     /* local time east of UTC */
    char region[7];     /* six digits of the county: head of identity numbers and unit codes */
    int cases_min;      /* the story is drawn again (at most 200 times) until so many are found, three of them in its last three days; 0: persons / 100, at most 60 */
};

enum city_sex { CITY_MALE = 1, CITY_FEMALE = 2 };
enum city_document { CITY_NO_DOCUMENT, CITY_ID_CARD, CITY_PASSPORT };
enum city_occupation {
    CITY_INFANT, CITY_KINDERGARTEN, CITY_STUDENT, CITY_TEACHER, CITY_CATERING, CITY_COMMERCE, CITY_MEDIC, CITY_WORKER,
    CITY_OFFICE, CITY_FARMER, CITY_DRIVER, CITY_RETIRED, CITY_HOMEMAKER, CITY_OCCUPATIONS
};
enum city_organisation_kind {
    CITY_HOSPITAL, CITY_CLINIC, CITY_CDC, CITY_LABORATORY, CITY_COMMUNITY, CITY_POLICE, CITY_SCHOOL, CITY_ISOLATION_SITE,
    CITY_DEPARTMENT, CITY_ENTERPRISE, CITY_ORGANISATION_KINDS
};

/* References between tables are indexes; -1 is none. Texts are NUL-ended UTF-8. */
struct city_person {
    char name[28];
    char document[20];
    char phone[12];
    day birth;
    int32_t household;
    int32_t organisation; /* work or school */
    int32_t team;         /* class or team: whom one meets there; below n_teams */
    int32_t guardian;     /* person, for those under 14 */
    uint8_t sex, document_kind, occupation;
};

struct city_household {
    int32_t street, road, building, room; /* see city_address */
    int32_t first, n;                     /* persons [first, first + n) */
};

struct city_organisation {
    char title[96];
    char unit_code[20];
    char phone[32];
    char contact[16];
    char department[12]; /* health, police ...; empty unless it is one */
    int32_t street;
    uint8_t kind;
    bool reports_daily;
};

enum city_discovery { CITY_BY_CLINIC, CITY_BY_ISOLATION, CITY_BY_SCREENING, CITY_BY_COMMUNITY, CITY_DISCOVERIES };
enum city_setting { CITY_AT_HOME, CITY_AT_SCHOOL, CITY_AT_WORK, CITY_MEAL, CITY_SHOP, CITY_RIDE, CITY_WARD, CITY_SETTINGS };
enum city_outcome { CITY_ACTIVE, CITY_RECOVERED, CITY_DIED };

/* One infection, in order of exposure; the infector stands before. Instants are INSTANT_NONE and days DAY_MIN - 1 (CITY_NO_DAY) when it
 * has not happened (yet). found_order is the place in `cases`, -1 when nobody has found it by the end. */
#define CITY_NO_DAY (DAY_MIN - 1)
struct city_infection {
    int32_t person, infector;
    instant exposed_at;
    day onset;            /* of symptoms; CITY_NO_DAY for those who never have any */
    day peak;             /* onset, or what onset would have been: infectiousness counts from here */
    instant detected_at, reported_at, isolated_at, treated_at;
    instant located_at, core_at, investigated_at; /* found and under control; core information; full investigation */
    instant received_at[3]; /* the report read by county, city, province */
    day outcome_day;
    int32_t unit;         /* organisation that reports it */
    int32_t found_order;
    uint8_t setting, discovery, outcome, severity; /* severity 0 none, 1 mild, 2 moderate, 3 severe */
    bool imported;
};

/* A traced pair, in order of tracing. first <= last; found_at is never before the index was detected. */
struct city_contact {
    int32_t person, index;        /* index: infection */
    int32_t through;              /* contact that links a secondary contact; -1 for a close one */
    day first, last;
    instant found_at, placed_at;  /* placed_at NONE: found, not yet placed (or lost) */
    int32_t place;                /* isolation site, -1 at home */
    uint8_t setting;
    instant released_at;          /* end of all observation; NONE: not yet, or became a case */
    bool order_missing;           /* no control order was written */
    bool converted;               /* found to be infected while traced */
};

struct city_test {
    int32_t person, contact;      /* contact -1: screening or clinic */
    instant sampled_at, result_at; /* result_at NONE: pending */
    int32_t laboratory;
    int32_t ct_hundredths;        /* 0: negative */
    bool positive;
};

enum city_stay_kind { CITY_STAY_CENTRAL, CITY_STAY_HOME, CITY_STAY_MONITORING, CITY_STAY_HOSPITAL };
struct city_stay {
    int32_t person, contact;      /* contact -1: a case in hospital */
    int32_t place;                /* organisation; -1 at home */
    instant started_at, ended_at; /* ended_at NONE: still there */
    day planned_end;
    int32_t room;
    uint8_t kind;
    bool transferred;             /* ended because the person became a case */
};

struct city_check {
    int32_t person, contact;
    instant checked_at;
    int32_t temperature_tenths;
    uint8_t symptoms;             /* bit 0 fever, 1 cough, 2 sore throat */
};

struct city {
    struct city_options options;  /* with defaults filled in */
    instant end;                  /* nothing later than this is in the arrays */
    int attempts;                 /* stories drawn until cases_min was met */
    int32_t n_streets, n_teams;
    size_t n_persons, n_households, n_organisations, n_infections, n_cases, n_contacts, n_tests, n_stays, n_checks;
    struct city_person *persons;
    struct city_household *households;
    struct city_organisation *organisations;
    struct city_infection *infections;
    int32_t *cases;               /* infections in order of detection */
    struct city_contact *contacts;
    struct city_test *tests;      /* in order of sampling day */
    struct city_stay *stays;
    struct city_check *checks;
    int32_t *members;             /* persons sorted by team; those of team t: [team_first[t], team_first[t + 1]) */
    int32_t *team_first;
};

/* Draws a county and its outbreak. Owned: city_free. Cost: O(persons + meetings) time, about 130 bytes a person.
 * Errors: E_INVALID (options outside their ranges, region not six digits), E_MEMORY. */
int city_make(const struct city_options *o, struct city **ret, struct error *err);
void city_free(struct city *c);

/* "枫林街道望江路12号502室" of a household; "" out of memory. */
void city_address(const struct city *c, int32_t household, struct buf *out);
const char *city_street(int32_t street); /* "枫林街道"; any non-negative number has one of 16 names */
/* Region code of a street: county and three digits, "310199001". */
void city_street_code(const struct city *c, int32_t street, char out[16]);
int city_age(const struct city_person *p, day on);

/* ---- shared by the files of this engine */
enum { CITY_STREETS_MAX = 16 };
int city_people(struct city *c, struct rng *r, struct error *err);  /* city_people.c: persons, households, organisations */
int city_outbreak(struct city *c, struct rng *r, struct error *err); /* city_outbreak.c: one story; replaces the one before */
void city_name(struct rng *r, int surname, int sex, char *out, size_t n);
int city_surname(struct rng *r);
void city_id_card(struct rng *r, const char *region, day birth, int sex, char out[20]);
void city_unit_code(struct rng *r, const char *region, char out[20]);
/* Room for one more item of `size` bytes; false out of memory. */
bool city_grow(void **items, size_t n, size_t size);

#endif

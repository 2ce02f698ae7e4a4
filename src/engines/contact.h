/* engines: who met whom. Stays in (base/presence.h), contacts out; pure: no store, no clock. From here the tracing desk makes records.
 *
 * Two people met at a place when their stays there overlap by at least m, or when one came within d after the other had left (air that lingers);
 * m and d by class of place. Stays of one person at one place that touch or overlap are one stay, however they were recorded: cut at midnight, scanned twice,
 * told and scanned. Where seats are asked, two known seats count only in the same carriage and at most `rows` apart; an unknown seat counts. What is known of a seat is known at an instant:
 * while one stay of a person says what another says and more (a ticket for carriage 2, row 7, a scan of the train), the other says nothing; two were together for all the time in
 * which they can have sat near each other, whoever changed seats in it, and nobody comes or leaves where a seat becomes known.
 * A place with `crowd` stays a day or more is a venue: it gives no contacts but one exposure (place, from, to) for a notice and a list on
 * demand; whose carriage or floor is known, meets those of the same one.
 *
 * Many index cases are one question: a contact's evidence is the union of its time with any of them, each meeting long enough by itself. So the answer
 * does not depend on how many cases are asked at once, and overlap_s never counts a minute twice at one place. Second degree: contacts of the close contacts
 * from their first exposure on, until the windows end or later (`until`). Reverse: those who can have infected the case, so the same meetings, and those who had left within d before the case came.
 *
 * Laws (tests/test_contact.c): found forwards from a is found backwards from b; less is found with a larger m, a smaller d, a narrower window, fewer rows;
 * cutting or repeating a stay or a link changes nothing; all equal to the pairwise definition; what a second run adds and takes away makes the first into the second.
 *
 * Links from registers (one household, room or unit; the same address, phone or work unit) are evidence beside the stays: times in which a register says that two lived, slept or worked together. Links of one
 * kind that touch are one, whoever of the cases it is with and however often they were recorded. A link has no minutes of its own: it counts `daily_s` of each day, and of what
 * the links give and what the stays give the larger is the dose, because the hours at home are often among the stays; for the same reason of household, address and phone only the one
 * that gives most counts, and of unit and work unit.
 *
 * Score: the chance of infection, 1 - exp(-sum of rate * weight * hours), 1.1 % an hour: Ferretti et al. 2024, Nature 626:145-150,
 * doi:10.1038/s41586-023-06952-2; weight by class of place. Time after the other had left counts half for each 1.1 h gone by (aerosol half-life: van Doremalen et al.
 * 2020, NEJM 382:1564, doi:10.1056/NEJMc2004973). It ranks; it is no diagnosis. */
#ifndef TOCSIN_ENGINES_CONTACT_H
#define TOCSIN_ENGINES_CONTACT_H

#include "base/presence.h"

enum { CONTACT_CLASSES = 32, CONTACT_THREADS_MAX = 16 };
#define CONTACT_LINK_PLACE UINT32_MAX /* evidence by a link: no place */
enum contact_kind {
    CONTACT_MET, CONTACT_CAME_AFTER,
    CONTACT_HOUSEHOLD, CONTACT_ROOM, CONTACT_UNIT, /* from here on links */
    CONTACT_ADDRESS, CONTACT_PHONE, CONTACT_WORK,  /* the same is on both cards */
    CONTACT_KINDS
};
#define CONTACT_RATE_PER_HOUR 0.011
#define CONTACT_HALF_LIFE_S 3960

struct contact_rule {
    int32_t overlap_s;   /* at least; below 1 counts as 1 */
    int32_t after_s;     /* came at most so long after; 0: air does not linger */
    int32_t rows;        /* seats at most so many rows apart; -1: seats are not asked */
    uint32_t crowd;      /* stays a day from which the place is a venue; 0: never */
    double weight;       /* of an hour; 0 counts as 1 */
};

struct contact_options {
    struct contact_rule rules[CONTACT_CLASSES]; /* by class of place */
    int32_t daily_s[CONTACT_KINDS]; /* of a link by kind: seconds of each day that count */
    int degree;          /* 1 or 2 */
    int32_t until;       /* of the second degree, forwards: whom the close contacts met until then, when that is later than every window (who was exposed goes about after the case is isolated) */
    bool reverse;
    bool evidence;       /* keep each piece; without it only sums */
    int threads;         /* for many cases at once, when the source gives one to each; 0 counts as 1. The answer is the same with any number */
    uint32_t many;       /* from so many persons asked on they are swept: a sum for everybody in memory, 32 bytes a person and thread, no table of those met */
};
/* overlap, after, household, ...: as JSON and policies (contact_household) call it; "" of none. */
const char *contact_kind_word(unsigned kind);
/* The same rule for every class: 15 minutes, no lingering, no seats, no venue; one thread, 256 are many. Of a day in a household, at an address or in a room 7.2 h count, in a unit (or with
 * the same phone or work unit on the card) 35 min: three days of
 * them are the 21.1 and 1.9 % of contacts in households and at work who were infected, Thompson et al. 2021, Clin Infect Dis 73:e754, doi:10.1093/cid/ciab100 (the second not checked
 * against the text). */
void contact_options_init(struct contact_options *o);

/* An index case: who, and the time in which it could infect (or, in reverse, be infected). The same person twice: the span of both. */
struct contact_index {
    uint32_t person;
    int32_t from, to;
};

/* Two people linked by a register, in both directions, at times [from, to). */
struct contact_link {
    uint32_t a, b;
    int32_t from, to;
    uint8_t kind;            /* CONTACT_HOUSEHOLD and after */
    uint8_t rows_apart;      /* of seats; 255: not known */
    bool close;              /* else a general contact only */
    uint8_t filler;
};

enum contact_class { CONTACT_CLOSE, CONTACT_SECONDARY, CONTACT_GENERAL /* only came after */ };

struct contact_evidence {
    uint32_t place, through; /* through: a person whom it was with; the others of the time are in the sum only */
    int32_t start, end;
    int32_t overlap_s;       /* 0 when it came after, and of a link */
    uint16_t attr;           /* of the contact's stay */
    uint8_t kind;
    uint8_t rows_apart;      /* 255: not known */
    uint32_t next;           /* of the same contact: index + 1; 0 the last */
};

struct contact {
    uint32_t person;
    uint8_t degree, kind;    /* kind: enum contact_class */
    uint16_t filler;
    int64_t overlap_s;
    int32_t first, last;     /* exposure */
    double score;
    uint32_t evidence, n_evidence; /* evidence: index + 1 of the newest; follow next */
};

/* A stay of an index case or close contact at a crowded place. */
struct contact_venue {
    uint32_t place, through;
    int32_t from, to;
    uint32_t crowd;          /* stays there in the fullest of those days */
    uint8_t degree;          /* of the contacts it would give */
    uint8_t filler[3];
};

struct contact_result {
    struct contact *contacts;
    size_t n_contacts, cap_contacts;
    struct contact_evidence *evidence;
    size_t n_evidence, cap_evidence;
    struct contact_venue *venues;
    size_t n_venues, cap_venues;
    uint64_t stays_read;     /* for the floor of the benches */
};
void contact_result_clear(struct contact_result *r);
/* By degree, then falling score, then person. Evidence stays reachable. (Doses are whole multiples of 2^-50: their sums do not depend on the order they are added in.) */
void contact_sort(struct contact_result *r);

/* Memory that one thread reuses between questions. */
struct contact_work;
struct contact_work *contact_work_new(void);
void contact_work_free(struct contact_work *w);

/* Finds the contacts of all index cases together. ret is filled anew (its memory is reused); contacts in no order; the cases themselves are none of them.
 * Links may be NULL; their people need no stay and no number below those of the source. Cost: stays of the cases by person, then the stays at their places in their time, each read once; memory by what is found. Errors:
 * E_INVALID (degree, an empty window), E_MEMORY, those of the source. */
int contact_find(const struct presence_source *s, const struct contact_options *o, const struct contact_index *cases, size_t n, const struct contact_link *links,
                 size_t n_links, struct contact_work *w, struct contact_result *ret, struct error *err);

/* ---- tracing back from several cases: contact_common.c */
struct contact_common_place {
    uint32_t place;
    uint32_t cases;          /* of those asked that were there in their windows */
    uint32_t visitors;       /* distinct people there in the span of the windows */
    double expected;         /* cases, were they drawn from everybody */
    double log10_chance;     /* of so many or more by chance: binomial tail with visitors / population */
};
struct contact_common_person {
    uint32_t person;
    uint32_t cases;          /* of those asked that it can have infected */
    double score;            /* sum over them */
};
struct contact_common {
    struct contact_common_place *places;   /* rarest by chance first; where two cases or more were */
    size_t n_places;
    struct contact_common_person *persons; /* most cases first, then score */
    size_t n_persons;
};
/* The places that several cases have in common, and the people who met several of them: who, and where, could be behind all. Cases that are among the people are
 * left in: one of them may be the source. who: beside each case whose it is, when one has several numbers (it counts once); NULL: its own. population 0: the persons of the source. */
int contact_common(const struct presence_source *s, const struct contact_options *o, const struct contact_index *cases, const uint32_t *who, size_t n, const struct contact_link *links,
                   size_t n_links, uint32_t population, struct contact_work *w, struct contact_common *ret, struct error *err);
void contact_common_clear(struct contact_common *c);

/* ---- asked again with another window or threshold: contact_change.c */
enum contact_change_kind { CONTACT_KEPT, CONTACT_ADDED, CONTACT_REMOVED };
struct contact_change {
    int64_t person;          /* the caller's number */
    uint8_t kind;
};
struct contact_changes {
    struct contact_change *items; /* by person; each once */
    size_t n, added, removed, kept;
};
/* What makes the persons found before into those found now, both in any order, repeats being one. Cost: sorting. Owned: contact_changes_clear. Errors: E_MEMORY. */
int contact_changes_find(const int64_t *before, size_t n_before, const int64_t *now, size_t n_now, struct contact_changes *ret, struct error *err);
void contact_changes_clear(struct contact_changes *c);

#endif

/* desks: where records meet the visit store and the contact engine. From the doors: files of visits, questions about cases. Policies in force say how long together is a
 * contact, how long air lingers, from what size a place is a venue, how long a scan lasts and how long visits are kept; every look and every
 * forgetting is journalled. A person of the store is called by its record id in decimal. */
#ifndef TOCSIN_DESKS_TRACING_H
#define TOCSIN_DESKS_TRACING_H

#include "engines/contact.h"
#include "ledger/record.h"
#include "visits/visits.h"

/* Classes of places: the codes of list place_kind, in stored order; 0 is not known. Add at the end. */
enum { TRACING_TRANSPORT = 8, TRACING_AREA = 25, TRACING_NEAR /* no kind of place: where two were near each other */ };
uint8_t tracing_class(struct text code);      /* 0: none of them */
const char *tracing_class_name(uint8_t class_of);

/* How registers link people. */
struct tracing_ties {
    int32_t seat_rows;         /* of a class or office: farther is a general contact */
    int64_t unit_members;      /* larger units are linked within their offices only; a work unit on more cards says nothing */
    int64_t shared_members;    /* an address or phone on more cards says nothing */
    bool close[CONTACT_KINDS]; /* links that make close contacts; the others general ones */
};
struct tracing_rules {
    struct contact_options contact;
    struct tracing_ties ties;
    int64_t dwell_s[CONTACT_CLASSES]; /* of a scan without an end, by class of place */
    int keep_days;        /* visits; as long as any policy in force needs */
    int lookback_days;
};
/* From the parameters contact_overlap, contact_linger, contact_seat_rows, contact_venue_stays, scan_dwell, visits_days and lookback_days of the policy in force for a
 * disease, the first five also by class of place (contact_overlap_school; '-' of a code is '_') (empty: of any in force here, keep_days the longest); what a policy does not say: 15 min, none, 3 rows, no venues, 30 min, 28 days, 14 days.
 * Of links by registers: contact_household, _room, _unit, _address, _phone and _work (time of a day that counts; 0: not used; else as contact_options_init), the same with _close (1: a close
 * contact; else phone and work 0, the others 1), contact_unit_members (200) and contact_shared_members (20). */
void tracing_rules(const struct ledger *l, struct text disease, instant now, struct tracing_rules *ret);

/* DIR/visits of the node, or, when the ledger is in PostgreSQL and there is no such folder, the same schema there; made when `create`. E_DENIED unless the session may write contacts in the node's region. Owned: visits_close. */
int tracing_open(struct ledger *l, const struct session *s, bool create, bool read_only, struct visits **ret, struct error *err);

struct tracing_import_report {
    uint64_t rows, taken, refused, forgotten; /* taken: visits; forgotten: on days that are */
    uint64_t without;                         /* mapped rows in which nobody was anywhere */
    uint64_t far;                             /* proximities farther than contact_distance of the policy (2 m) */
    char refused_to[1024];                    /* file of refused rows; empty: none */
};
/* A table with columns person, place, start, and end, class (of the place), source, confidence, zone, row if it has them, in Chinese or English; times ISO 8601 or seconds
 * since 1970. A row that cannot be taken goes to the file of refused rows (errors; NULL: beside the file) in the same columns with its reason. Durable when it returns.
 * Journalled. Errors: those of sheet_open, E_SYNTAX (a column is missing). */
int tracing_import(struct ledger *l, const struct session *s, struct visits *v, const char *path, const char *errors, struct tracing_import_report *ret, struct error *err);

/* The same of a stranger's table by a map (examples/maps/visits-*.yaml): several visits a row, several places a cell, dates without times. map NULL: as above. */
int tracing_import_mapped(struct ledger *l, const struct session *s, struct visits *v, const char *path, const char *map, const char *errors, struct tracing_import_report *ret,
                          struct error *err);

/* Forgets the days before `until`, or by the retention of the policies in force (until DAY_MIN). Journalled with its ground. */
int tracing_forget(struct ledger *l, const struct session *s, struct visits *v, day from, day until, uint64_t *ret_rows, day *ret_until, struct error *err);

/* ---- who met whom */
struct tracing_question {
    const char *const *cases;      /* ids or numbers */
    size_t n_cases;
    const char *const *persons;    /* names in the visit store */
    size_t n_persons;
    int degree;
    int64_t minutes, after_minutes, crowd; /* -1: as the policy says */
    int64_t window_days;           /* 0: a case from its look-back on; a person 14 days */
    bool reverse;
};

struct tracing_answer {
    struct visits *v;              /* borrowed, for names */
    uint32_t base;                 /* persons from here on are in no visit: names of their records, unseen[number - base] */
    struct text *unseen;
    struct arena arena;
    size_t n_links, n_large;       /* links by registers; units too large for them */
    struct contact_result found;   /* sorted */
    struct contact_common common;  /* in reverse, of several */
    instant origin;                /* of the times */
    instant from, to;              /* span of the windows; of the second degree, until now */
    int64_t one;                   /* the case, when it is one */
    int degree;                    /* that was looked for */
    size_t n_asked, n_unknown;     /* who has no visit at all */
    int damaged;                   /* files of days, and parts of the log, that could not be read */
    bool forgotten;                /* some of the days that were looked at are: who was met then is not found */
};
/* The same in three steps, for a door whose writer must not wait for the search: the plan (who, from when, by which rules; reads the ledger and decides the access), its
 * entry in the journal (writes), the search (touches the visits and, for links, reads registers; any ledger). A case needs the right to write contacts where it lies, a person by name the same in the
 * node's region; everybody but root gives a purpose. Owned: tracing_plan_clear. */
enum { TRACING_ASKED_MAX = 20000 };
struct tracing_plan {
    struct contact_index *index;   /* those asked: numbers of the visits; or, behind the first n_seen, positions in records */
    uint32_t *who;                 /* beside the first n_seen: one number for all of the same person */
    size_t n, n_seen, n_asked, n_unknown;
    int64_t *records;              /* of those asked who are on record */
    size_t n_records;
    struct contact_options options;
    struct tracing_ties ties;
    day origin;
    instant from, to;
    int64_t one;                   /* the case, when it is one */
    char what[160];
};
int tracing_plan(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_plan *ret, struct error *err);
int tracing_plan_journal(struct ledger *l, const struct session *s, const struct tracing_plan *p, struct error *err);
int tracing_find(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_plan *p, struct tracing_answer *ret, struct error *err);
void tracing_plan_clear(struct tracing_plan *p);
/* What a person of the answer is called: by the visits, or by the id of the record. Borrowed from the answer and the store. */
struct text tracing_person(const struct tracing_answer *a, uint32_t number);

/* s->now is the end of every window. Journalled with the purpose of the session. Owned: tracing_answer_clear. E_UNKNOWN: no such case. A person who is not in the store is
 * counted, not an error. */
int tracing_ask(struct ledger *l, const struct session *s, struct visits *v, const struct tracing_question *q, struct tracing_answer *ret, struct error *err);
void tracing_answer_clear(struct tracing_answer *a);

/* A made-up city into the store, day after day from `first`: persons are "1", "2", ..., places "CODE-H17": the street they lie in, then as town_place_name. Same seed, same
 * visits with any number of threads. Memory: 16 bytes a person and 36 a visit of one day. */
struct tracing_city {
    uint64_t seed;
    int64_t people, days;
    day first;
    int threads;
    const char *parameters;        /* city.yaml */
    const struct text *regions;    /* codes of streets over which the people live, in order; none: one nameless place for 40,000 people */
    size_t n_regions;
};
/* The streets of the node's region that a city of so many people is spread over: all, or when they are more than one for 2,000 people, that many evenly among them. In the arena. */
int tracing_city_regions(struct ledger *l, int64_t people, struct arena *a, const struct text **ret, size_t *ret_n, struct error *err);
int tracing_city(struct visits *v, const struct tracing_city *c, void (*progress)(int64_t day_done, uint64_t rows, void *arg), void *arg, uint64_t *ret_rows, struct error *err);

/* A demonstration node's people get visits, drawn round its cases and contacts; E_REFUSED on any other node. Same records and seed, same visits. */
int tracing_demo(struct ledger *l, const struct session *s, struct visits *v, uint64_t seed, uint64_t *ret_rows, struct error *err);

#endif

/* desks/testing: one round of testing in numbers: how far it is, who is missing and why. Figures come from counters kept beside the tubes and swabs (ledger/count.h, ledger/tally.h), as of
 * a statistics day when one is asked for: what is entered late restates past days by itself. Reads only, within what the session may see.
 * People = swabbed + with a reason + missing, in every street and building; a test holds it. */
#ifndef TOCSIN_DESKS_TESTING_ROUND_H
#define TOCSIN_DESKS_TESTING_ROUND_H

#include "base/series.h"
#include "ledger/record.h"

enum round_stage { STAGE_FILL /* opened to closed */, STAGE_SHIP /* closed to received */, STAGE_TEST /* received to result */, STAGE_RELEASE /* result to released */, STAGE_WHOLE, ROUND_STAGES };
extern const char *const round_stage_words[ROUND_STAGES];

struct round_span {
    int64_t n, p50_s, p90_s; /* by steps of ledger/count.h: within 3.2 percent */
};
struct round_figures {
    int64_t target;            /* people to be tested; 0: nobody said */
    int64_t swabs, people;     /* person-times, and people (each once) */
    int64_t last_hour;         /* swabs of the hour before now, even within ten minutes */
    int64_t tubes, tubes_open, tubes_spoiled, received, tested, released;
    int64_t positive_tubes, people_positive, people_recalled, people_decided; /* decided: negative or positive */
    instant starts_at, ends_at; /* ends_at: of the round, else of its campaign; INSTANT_NONE: nobody said */
    struct round_span stages[ROUND_STAGES];
};
/* People an hour: planned, when all were swabbed evenly from the start to the end; needed, from now on to be through by the end. -1: nobody said how many or until when, or the end is past. */
void round_pace(const struct round_figures *f, instant now, double *ret_planned, double *ret_needed);
/* until: swabs and stages before this instant (a statistics day ends at 24:00); INSTANT_NONE: all. street: tubes filled in this subtree, empty: everywhere.
 * Cost: the counters of the round, some hundred a street and day, and a look at each open tube; no other tube and no swab is looked at. */
int round_figures_of(struct ledger *l, const struct session *s, int64_t round, struct text street, instant until, struct round_figures *ret, struct error *err);

/* What one site did in the round: an hour each. queue: its last report. */
struct round_site {
    int64_t site;
    struct text title, region, point;
    bool open;
    int64_t swabs, last_hour, tables, waiting, wait_min; /* waiting, wait_min: -1 nobody reported */
    instant reported_at;
};
/* Sites with a tube of the round, and, while it is under way, all open ones; most swabs first; at most limit, titles in the arena. last_hour: swabs of tubes closed or opened in the hour before now, even within ten minutes.
 * Cost: the counters of the round by site and ten minutes, and the swabs of its open tubes. */
int round_sites(struct ledger *l, const struct session *s, int64_t round, size_t limit, struct arena *a, struct round_site **ret, size_t *ret_n, struct error *err);
/* How long one waits there by the last report, if it is of the last hour: as reported, else by those waiting and the swabs of the last hour. Jammed from 50 minutes on, busy from 25 (Shenzhen). */
enum round_queue { QUEUE_UNKNOWN, QUEUE_FREE, QUEUE_BUSY, QUEUE_JAMMED };
extern const char *const round_queue_words[];
enum round_queue round_queue_of(const struct round_site *site, instant now, double *ret_wait_min);
/* Swabs of each hour of the round: hours since `from`, at most 24 * 31. site 0: all, by the time of the swab; else of this one, by the time its tube was filled. */
enum { ROUND_HOURS_MAX = 744 };
int round_hours(struct ledger *l, const struct session *s, int64_t round, int64_t site, instant *ret_from, int64_t hours[ROUND_HOURS_MAX], size_t *ret_n, struct error *err);

/* ---- who is missing (round_missing.c) */
#define ROUND_WHY(X) \
    X(SWABBED, "swabbed") X(AWAY, "away") X(ISOLATED, "isolated") X(MEDICAL, "medical") X(REFUSED, "refused") X(ELSEWHERE, "elsewhere") X(OTHER, "other") X(MISSING, "missing")
enum round_why {
#define X(name, word) WHY_##name,
    ROUND_WHY(X)
#undef X
    ROUND_WHYS
};
extern const char *const round_why_words[ROUND_WHYS];

/* People of one street and building by what became of them. */
struct round_row {
    struct text street, community; /* community empty in rows of streets */
    int64_t people, of[ROUND_WHYS];
};
/* People in the scope of the round (those on record who live in it, less what it excludes), grouped by street, or by street and building when `buildings`. Only those of the subtree
 * `street` when given. In the order of the codes; rows in the arena. A person in isolation now counts as isolated; of a round that is over
 * the reasons are those of its end.
 * Cost: the groups (street, building, occupation) of the subtree, and a look at everybody with a reason; nobody's swabs. */
int round_coverage(struct ledger *l, const struct session *s, int64_t round, struct text street, bool buildings, struct arena *a, struct round_row **ret, size_t *ret_n, struct error *err);
/* The people themselves: those missing (or, with why, those of that reason), at most limit, after the one that the page before ended with (0: from the start). community: one building,
 * empty those of none; s NULL: all. Names stay sealed: the
 * caller opens what it may. Missing and swabbed ones by street, building, occupation, id; those of a reason, who are few, by id.
 * Cost of a page: the counters tell which occupations of which buildings have some, and only in those people are looked at, by index; of a reason: everybody who has one. */
int round_people(struct ledger *l, const struct session *s, int64_t round, struct text street, struct text community, enum round_why why, int64_t after, size_t limit,
                 int64_t *ret_ids, size_t *ret_n, struct error *err);

#endif

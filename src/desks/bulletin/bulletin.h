/* desks/bulletin: the report of a day. Records and duties come in through the ledger; out go figures (struct bulletin), and from
 * them JSON, a page (blocks of prose and tables in Chinese or English), terminal text and, through files, a PDF.
 * What every figure means is written in docs/report.md; the words there and the SQL in figures*.c change together.
 *
 * A statistics day is 0:00 to 24:00 local time. Flows (new, found, released, paid) belong to the day. Stocks (under observation,
 * open, overdue) are as at as_of. Nothing recorded after as_of counts; a record changed after as_of counts as it stood then. */
#ifndef TOCSIN_DESKS_BULLETIN_H
#define TOCSIN_DESKS_BULLETIN_H

#include "files/document.h"
#include "ledger/record.h"

enum bulletin_class { CLASS_CONFIRMED, CLASS_ASYMPTOMATIC, CLASS_SUSPECTED, CLASSES };
enum bulletin_origin { ORIGIN_LOCAL, ORIGIN_IMPORTED, ORIGIN_UNKNOWN, ORIGINS };
enum bulletin_step { STEP_ONSET_DETECTED, STEP_DETECTED_REPORTED, STEP_REPORTED_ISOLATED, STEP_ISOLATED_TREATED, STEPS };
enum {
    CURVE_DAYS = 30,          /* the curve ends on the day of the report */
    TIMES_DAYS = 7,           /* the week of the five times ends on it too */
    RESTATE_DAYS = 60,        /* how far back restated days are looked for */
    ROUNDS_DAYS = 3,          /* of mass testing, this day included: results and restated days */
    BULLETIN_LIST_MAX = 400,  /* record numbers kept a list; counts stay exact */
    BULLETIN_K = 5,           /* public: cells from 1 to k - 1 are hidden */
    REPORT_DUE_S = 17 * 3600, /* INF-01 */
};
/* A figure withheld in the public version, and one that cannot be derived. Everything else is >= 0 (intervals excepted). */
#define FIGURE_HIDDEN INT64_C(-1)
#define FIGURE_NONE INT64_C(-2)

/* Cases by class and origin. The origin "unknown" is kept apart so that local + imported + unknown = total, always. */
struct bulletin_cases {
    int64_t n[CLASSES][ORIGINS];
};
int64_t bulletin_class_total(const struct bulletin_cases *c, int class);   /* over origins */
int64_t bulletin_origin_total(const struct bulletin_cases *c, int origin); /* confirmed + asymptomatic */
int64_t bulletin_total(const struct bulletin_cases *c);                    /* infections: confirmed + asymptomatic */

/* One row of a breakdown: a sub-region, a disease. */
struct bulletin_row {
    struct text code, zh, en;
    struct bulletin_cases fresh, total;
    int64_t fresh_total[CLASSES]; /* public version: totals that survive suppression; else sums of fresh */
};
/* One line of a list with a count. */
struct bulletin_count {
    struct text code, zh, en;
    int64_t n;
};
struct bulletin_time {
    int64_t n, median_s, p90_s; /* seconds, may be negative; 0 when n is 0 */
};
struct bulletin_rule {
    struct text code, zh, en;
    int64_t open, due_soon, overdue, no_owner, paid;
};
struct bulletin_unit {
    struct text title, region;
    int64_t organisation;
    instant submitted_at; /* INSTANT_NONE: missing */
};
/* A past day whose figure is no longer what its frozen report said (REP-04). Infections, whole region. */
struct bulletin_restated {
    day day;
    int64_t was, is;
    int64_t late; /* records entered after that day's report was frozen */
    int64_t swabs_was, swabs_is; /* mass testing; FIGURE_NONE: not looked at */
};
/* Mass testing of the day (rounds.c). All of the region whatever the disease; all zero in the report of one disease. */
struct bulletin_rounds {
    int64_t swabs, people, tubes;      /* person-times, people (each once a round), tubes opened on the day */
    int64_t resulted, positive_tubes;  /* tubes with a result of the day */
    int64_t decided, positive;         /* people told their own result on the day */
    int64_t target, covered;           /* of the rounds of the day, by its end; FIGURE_NONE: nobody said how many are to be tested */
    int64_t voluntary;                 /* asked for a test on the day */
};
/* A main figure, yesterday and today, and the records that make the difference: before + entered - left = after. */
struct bulletin_change {
    struct text figure;
    int64_t before, after, entered, left;
    size_t n_in, n_out;
    struct text *in, *out; /* record numbers, ascending id, at most BULLETIN_LIST_MAX */
};

struct bulletin {
    struct arena arena; /* owns every text and array below */
    /* what it is about */
    struct text region, region_zh, region_en;
    struct text disease, disease_zh, disease_en; /* empty code: all diseases */
    day day;
    instant as_of;
    int32_t zone_s;
    struct text state; /* of the frozen report; empty: not frozen */
    bool public_version;
    int64_t k;
    int64_t serial; /* N of 〔year〕N号: the ordinal of the day in its year */

    /* cases */
    struct bulletin_cases fresh, total; /* of the day; cumulative to 24:00 of the day */
    int64_t fresh_class[CLASSES], fresh_origin[ORIGINS], fresh_total; /* margins, kept for the public version */
    int64_t yesterday_total;            /* infections of the day before, same knowledge */
    struct {                            /* what a board sets beside the day; not in the public version */
        struct bulletin_cases fresh;
        int64_t controlled, uncontrolled, control_unknown; /* controlled FIGURE_NONE: not said; so in reports frozen before there was it */
    } day_before;
    int64_t controlled, uncontrolled, control_unknown; /* of the day's infections */
    int64_t conversions; /* asymptomatic at yesterday's frozen report, confirmed now; FIGURE_NONE without one */
    int64_t excluded;    /* of the day, excluded since */
    size_t n_routes, n_severities, n_regions, n_diseases;
    struct bulletin_count *routes;     /* discovery route of the day's infections; sums to fresh_total */
    struct bulletin_count *severities; /* severity of active confirmed cases */
    struct bulletin_row *regions, *diseases;
    int64_t active, recovered, released, died;                   /* active: stock; others: with that outcome dated the day */
    int64_t total_recovered, total_released, total_died;
    struct bulletin_time times_day[STEPS], times_week[STEPS];
    int64_t onset[CURVE_DAYS][ORIGINS], report[CURVE_DAYS][ORIGINS]; /* [CURVE_DAYS - 1] is the day itself */

    /* contacts */
    struct {
        int64_t found, found_secondary;   /* of the day */
        int64_t total, total_secondary;
        int64_t observed, placed;         /* under observation now; placed that day */
        int64_t released, converted;      /* that day; converted: in all */
        int64_t overdue;                  /* planned end passed, not released */
        int64_t uncontrolled, lost;       /* EPI-10: found but not placed; lost */
        size_t n_queue;
        struct text *queue; /* numbers of the uncontrolled and lost, oldest first */
    } contacts;
    struct {
        int64_t sampled, resulted, positive, pending;
    } tests;
    struct bulletin_rounds rounds;

    /* duties */
    struct {
        int64_t open, due_soon, overdue, no_owner, raised, paid, paid_late, lapsed;
        int64_t loop_ppm; /* closed-loop rate, parts per million; FIGURE_NONE when nothing was to be closed */
        size_t n_rules;
        struct bulletin_rule *rules;
    } duties;

    /* units of INF-01 */
    int64_t units_expected, units_reported, units_late;
    size_t n_units;
    struct bulletin_unit *units; /* missing, then late */

    size_t n_restated, n_changes;
    struct bulletin_restated *restated;
    struct bulletin_change *changes;
    instant previous_as_of; /* of yesterday's frozen report; INSTANT_NONE: compared under the same knowledge */
};

struct bulletin_query {
    struct text region;  /* "" is the jurisdiction of the node */
    struct text disease; /* "" is all */
    day day;
    instant as_of;       /* 0: the session's now */
};

/* Zeroed apart from INSTANT_NONE and FIGURE_NONE. Clear accepts half-built ones. */
void bulletin_init(struct bulletin *b);
void bulletin_clear(struct bulletin *b);
/* Fills the margins (fresh_class, fresh_origin, fresh_total, and those of the rows) from the cells. */
void bulletin_margins(struct bulletin *b);

/* ---- figures.c: computes. Reads through db (a reader or the write connection). Needs ACCESS_READ on cases of the region.
 * Errors: E_UNKNOWN region or disease, E_REFUSED for a day after as_of, E_DENIED. ret must be initialised; untouched on failure.
 * Cost: one pass over the cases of the subtree, index ranges elsewhere; records changed after as_of are rebuilt one by one. */
int bulletin_compute(struct ledger *l, struct db *db, const struct session *s, const struct bulletin_query *q, struct bulletin *ret,
                     struct error *err);

/* ---- curve.c: the epidemic curve by class, of what is recorded now, by day of report and by day of onset; for screens, not for the report, whose own
 * curve is by origin. Counts [k][class] are of the day from + k. Excluded cases do not count. */
enum { CURVE_DAYS_MAX = 400 };
struct bulletin_curve {
    day from;
    size_t n;                                  /* days; the last is the day asked for */
    int64_t (*report)[CLASSES], (*onset)[CLASSES]; /* in the arena of the call */
    int64_t without_onset[CLASSES];            /* reported in these days, their onset unknown (most asymptomatic infections have none) */
};
/* q->as_of is not used. n from 1 to CURVE_DAYS_MAX. Needs ACCESS_READ on cases of the region. Errors as bulletin_compute.
 * Cost: one pass over the cases of the subtree. */
int bulletin_curve(struct ledger *l, struct db *db, const struct session *s, const struct bulletin_query *q, size_t n, struct arena *a, struct bulletin_curve *ret,
                   struct error *err);

/* ---- approve.c: draft -> submitted -> approved-first -> approved -> published, each step a change of the daily_report record.
 * Freezes the figures of a day of all diseases. E_REFUSED: future day. E_CONFLICT: frozen already. */
int bulletin_freeze(struct ledger *l, const struct session *s, const struct bulletin_query *q, int64_t *ret_report, struct error *err);
/* The same up to the record: what takes long is computed with any ledger, also one that only reads, and the draft, in the arena, is written by whoever
 * has the catalog of reg (its register daily_report). Between the two the report may be frozen by somebody else: then the draft is refused. */
int bulletin_freeze_draft(struct ledger *l, const struct session *s, const struct bulletin_query *q, const struct register_decl *reg, struct arena *a,
                          struct draft **ret, struct error *err);
/* The next of two approvals by the session's account. E_DENIED: second by the first's account, or without the role approver. E_REFUSED: not submitted. */
int bulletin_approve(struct ledger *l, const struct session *s, int64_t report, struct error *err);
int bulletin_publish(struct ledger *l, const struct session *s, int64_t report, struct error *err);
/* Back to draft before publication: then the day may be frozen anew. A published report can only be withdrawn, for good; later
 * reports restate its day. */
int bulletin_return(struct ledger *l, const struct session *s, int64_t report, struct error *err);
int bulletin_withdraw(struct ledger *l, const struct session *s, int64_t report, struct error *err);
/* Id of the region's own report of a day; 1 found, 0 none. */
int bulletin_find(struct ledger *l, struct db *db, struct text region, day day, int64_t *ret_report, struct error *err);
/* The frozen figures. */
int bulletin_frozen(struct ledger *l, struct db *db, const struct session *s, int64_t report, struct bulletin *ret, struct error *err);
/* The public version of a frozen report; without its table of regions where a region inside has told already what the table would hide. E_REFUSED unless it is
 * approved or published (INF-03). k 0: BULLETIN_K. */
int bulletin_public(struct ledger *l, struct db *db, const struct session *s, int64_t report, int64_t k, struct bulletin *ret, struct error *err);
/* Derives a frozen report again from the records as they stood at its as_of. 1: equal; 0: not, and `differences` names every figure with both
 * values, one a line ("/cases/fresh/confirmed/local: 3, again 4"). Duties are a running account and are not compared: see docs/report.md. */
int bulletin_rederive(struct ledger *l, struct db *db, const struct session *s, int64_t report, struct buf *differences, struct error *err);

/* ---- suppress.c: disclosure control, pure.
 * A table of rows x columns inner cells with its margins: cell (i, j) is cells[i * (columns + 1) + j], row totals in the last column, column
 * totals in the last row. Marks in hide (same shape; true on entry: already hidden; `pinned` cells must stay visible, may be NULL) every cell from 1 to
 * k - 1 and as many others as needed so that no hidden small cell can be recomputed: with the visible cells and non-negativity alone, its
 * value stays open over a range of at least k (or, where the pinned cells do not allow that, over the widest range they allow).
 * false: even that leaves a cell exactly determined; the table must not be published. Tables of at most 1,024 cells, margins included. */
bool suppress_table(const int64_t *cells, size_t rows, size_t columns, int64_t k, const bool *pinned, bool *hide);
/* Range of values a hidden cell could have, given the visible ones. high INT64_MAX: no upper bound. */
void suppress_range(const int64_t *cells, size_t rows, size_t columns, const bool *hide, size_t i, size_t j, int64_t *ret_low, int64_t *ret_high);
/* Makes the public version in place: drops record numbers, queues, duties, units; suppresses day figures; rounds stocks and series to k. */
int bulletin_suppress(struct bulletin *b, int64_t k, struct error *err);

/* ---- bulletin_json.c: one walk writes and reads, so the two cannot drift apart. */
int bulletin_write_json(const struct bulletin *b, bool pretty, struct buf *out, struct error *err);
int bulletin_read_json(struct text json, struct bulletin *ret, struct error *err); /* E_SYNTAX, E_TOO_LARGE; ret must be initialised */
/* Compares two JSON figures; lines as in bulletin_rederive. 1 equal, 0 different. */
int bulletin_compare_json(struct text a, struct text b, struct buf *differences, struct error *err);

/* ---- bulletin_page.c: the prose, in blocks; parts: 1 latest information, 2 work done (INF-02), 3 notes on the data. The document borrows from b. */
struct bulletin_words { /* what a place calls itself; empty ones get defaults from the region's title */
    struct text issuer, number_prefix, to, copies;
};
int bulletin_page(const struct bulletin *b, const struct bulletin_words *words, bool zh, struct document *ret, struct error *err);
/* "12", "*" for hidden, "-" for none; thousands are grouped in English. */
struct text figure_text(struct arena *a, int64_t n, bool zh);

/* ---- bulletin_text.c: for terminals and plain files, at most `width` cells wide (0: 80), East Asian characters counted as two. */
int bulletin_write_text(const struct bulletin *b, const struct bulletin_words *words, bool zh, int width, struct buf *out, struct error *err);
/* The document of document.h as a PDF. */
int bulletin_write_pdf(const struct bulletin *b, const struct bulletin_words *words, bool zh, struct buf *out, struct error *err);

#endif

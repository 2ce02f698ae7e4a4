/* desks/testing: the laboratory (检、报). A box is counted against its manifest, a plate becomes results, a second person releases them, and what a tube says
 * reaches everybody in it. Nothing here obliges anybody: a released tube's verdict is copied into its swabs by their declaration (registers/testing/swab.yaml),
 * and the plan's rules on swabs and tubes do the rest in the same transaction. Each function is one transaction of its own on the writer's ledger; what one row
 * gets wrong is told with that row, and stops no other. */
#ifndef TOCSIN_DESKS_TESTING_LABORATORY_H
#define TOCSIN_DESKS_TESTING_LABORATORY_H

#include "desks/testing/plate.h"
#include "desks/testing/round.h"
#include "ledger/obligation.h"

enum { LAB_TUBES_MAX = 10000, LAB_RECALL_TUBES = 200 };

enum lab_outcome {
    LAB_TAKEN,   /* received; result recorded; released */
    LAB_AGAIN,   /* it was so already */
    LAB_EXTRA,   /* received, but not on this manifest */
    LAB_MISSING, /* on the manifest, not in the box */
    LAB_REFUSED, /* why says so */
    LAB_OUTCOMES
};
extern const char *const lab_outcomes[LAB_OUTCOMES];

struct lab_line {
    struct text tube;         /* bar code */
    int64_t line;             /* of the file, or the place in the list from 1; 0: a missing one */
    int64_t record;           /* the tube; 0 when it is not known */
    enum lab_outcome outcome;
    const char *call;         /* its result; NULL: none */
    int64_t members;          /* swabs that were told (release) */
    struct text packed_in;    /* of an extra one: the box whose manifest has it; empty: none has */
    struct error why;
};

struct lab_report {
    struct arena arena;
    int64_t record;           /* the box or the run */
    size_t n;
    struct lab_line *lines;
    size_t counts[LAB_OUTCOMES], calls[CALL_INVALID + 1];
    int64_t declared, listed; /* receipt: tubes by the paper, tubes known to be in the box; declared > listed: half a manifest */
    int64_t recalled;         /* release: tubes whose members are to be held and sampled singly */
    bool failed;              /* run: its controls failed, it gives no results; controls says why */
    struct error controls;
};
void lab_report_clear(struct lab_report *r);

/* A box is here with these tubes. May be called again with the rest. E_UNKNOWN: no such box; E_INVALID: a time to come; E_DENIED. */
int lab_receive(struct ledger *l, const struct session *s, struct text box, const struct text *tubes, size_t n, instant at, struct lab_report *ret, struct error *err);

struct lab_run {
    int64_t run;              /* 0: the one of this laboratory, plate and time, made when it is not there */
    int64_t laboratory;
    struct text plate, instrument;
    instant started_at, resulted_at;
};
/* The wells of a plate that was read to its end. Controls that fail end the run as failed: recorded, without a single result. A tube that is unknown, was never
 * received or went to another laboratory, that was released or has another result in this run is refused, by its row. Outcomes are not told to anybody yet. */
int lab_results(struct ledger *l, const struct session *s, const struct lab_run *in, struct plate *p, struct lab_report *ret, struct error *err);
/* The second person lets the results out: all of the run or none. E_REFUSED: the controls, or the same person as entered them while the plan asks for two. */
int lab_release(struct ledger *l, const struct session *s, int64_t run, struct lab_report *ret, struct error *err);
/* Whether the account is among those who entered a run's results ("a; b"). */
bool lab_entered(struct text operators, struct text account);
/* Whether this session may be that person for this run: 0, or E_REFUSED as lab_release says it. */
int lab_release_check(const struct ledger *l, const struct session *s, const struct record *run, struct error *err);
/* A released verdict was wrong. Needs a reason, and another than who entered results of it where the plan asks for two; duties that followed from it are taken back with it. */
int lab_correct(struct ledger *l, const struct session *s, struct text tube, struct text verdict, struct error *err);

/* ---- recall: who is in a tube, and where they live */
struct lab_member {
    int64_t tube, swab, person;
    struct text barcode, name, phone, address, community, region; /* name to region: empty where he lives beyond what the session may open */
    instant swabbed_at;
    struct text hold, resample; /* state of the duty: open, paid, cancelled; empty: none */
};
struct lab_recall {
    struct arena arena;
    size_t n, n_tubes;
    struct lab_member *members; /* by tube, then by swab */
};
void lab_recall_clear(struct lab_recall *r);
/* tubes: bar codes; n 0: all that the tracing desk has not taken up, at most LAB_RECALL_TUBES. Opens names, phones and addresses: needs the right and a purpose,
 * and each opening is journalled. Asked by the tracing desk (role tracer) it takes the tube up. Cost: by index, some lookups a member. */
int lab_recall(struct ledger *l, const struct session *s, const struct text *tubes, size_t n, struct lab_recall *ret, struct error *err);

/* ---- tubes on their way (送、检、报): what a stuck one is found by; how long stages took is in round.h */
enum { LAB_STAGES = STAGE_WHOLE, LAB_WAITING_LISTED = 100 };
struct lab_stage {
    int64_t tubes, oldest_s;     /* in it now; how long the oldest has been: -1 none */
    int64_t limit_s, late;       /* by the plan, 0: it says nothing; in it for longer, or without a result past the time for one */
};
struct lab_tube_waiting {
    int64_t tube, waits_s;
    struct text barcode;
    enum round_stage stage;
    bool late;
};
struct lab_waiting {
    struct arena arena;
    struct lab_stage stages[LAB_STAGES];
    size_t n;
    struct lab_tube_waiting list[LAB_WAITING_LISTED]; /* those that have been longest in their stage */
};
/* One pass over the tubes of the round that the session may read. db: any connection. Owned: lab_waiting_clear, also on failure. */
int lab_waiting_of(struct ledger *l, struct db *db, const struct session *s, int64_t round, struct lab_waiting *ret, struct error *err);
void lab_waiting_clear(struct lab_waiting *w);

/* ---- shared by the files of the laboratory */
int64_t lab_parameter(const struct ledger *l, instant now, const char *name, int64_t otherwise);
const struct register_decl *lab_register(const struct ledger *l, const char *name, struct error *err);
/* The tube of a bar code: 1, or 0 when there is none that the session may see. */
int lab_tube(struct ledger *l, const struct session *s, struct text barcode, struct arena *a, struct record *ret, struct error *err);
struct draft *lab_change(struct arena *a, const struct record *r);
/* All of them, or the first error that one of them has. */
int lab_apply(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err);
struct lab_line *lab_line(struct lab_report *r, struct text tube, int64_t line, struct error *err);
void lab_refuse(struct lab_line *x, int code, const char *where, const char *message);
void lab_count(struct lab_report *r);

#endif

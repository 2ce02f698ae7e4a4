/* ledger: the books of what is owed. Raises, pays, cancels and guards duties in the transaction of the fact that causes it.
 * The policy says what and when (policy.h, pure); the book keeps the rows of table `obligation`, one a duty: who owes what for which
 * record by when. Rows are read once a transaction per holder, changed in memory and written back by book_flush.
 * Readers ask the view `obligation` (all duties, in words) or `obligation_open` (those open or standing: found without reading the others);
 * how they lie in the store only obligation_store.c knows.
 *
 * holder: the person the record is about (or what else its register names: `holder_field`), or the record itself. A duty is (holder, rule, record, occurrence).
 * state: open, paid (everything owed was paid), lapsed (closed with missed days), cancelled. */
#ifndef TOCSIN_LEDGER_OBLIGATION_H
#define TOCSIN_LEDGER_OBLIGATION_H

#include "ledger/record.h"

enum obligation_column {
    OB_REGION, OB_HOLDER, OB_RULE, OB_RECORD, OB_OCCURRENCE, OB_REGISTER, OB_PACK, OB_DESK, OB_OWNER_KIND, OB_OWNER_STEP, OB_OWNER,
    OB_OWNER_REGION, OB_RAISED_AT, OB_ANCHOR, OB_OWED, OB_PAID, OB_MISSED, OB_DUE_AT, OB_WAKE_AT, OB_LEVEL, OB_STATE, OB_CLOSED_AT, OB_LATE,
    OB_PAID_BY, OB_ID, OB_PHASE, OB_KIND, OB_COLUMNS
};
extern const char *const obligation_columns; /* of both views: "region","holder",... in the order above */
extern const char *const obligation_words;   /* the same without the id, which depends on the order of raising, and the numbers behind it */
/* Condition on both views: the duties of holder ?1, found by key. */
#define OBLIGATION_OF_HOLDER "\"id\" >= CAST(?1 AS BIGINT) * 65536 AND \"id\" < CAST(?1 AS BIGINT) * 65536 + 65536"
const struct db_table *duty_table(void), *duty_kind_table(void), *duty_wake_table(void), *duty_term_table(void), *duty_count_table(void);
const struct db_view *obligation_views(size_t *ret_n);
/* Open duties in the order of their time without reading the others. Each open one is in exactly one of the first two, with the columns of both views:
 * those that the clock has found late, by (due_at, id) from an index; those still to come, which have "at" (= due_at) and "page" besides, by (at, page, id)
 * along duty_wake (page: id / DUTY_PAGE_IDS). The third, with a condition on "what" for its %s, are those of the pages where such are: what = region | k<kind> | o<owner>, o0 nobody's. */
enum { DUTY_PAGE_IDS = 1048576 };
extern const char *const duty_late_sql, *const duty_ahead_sql, *const duty_of_term_sql;
/* Words of pages that have no open duty any more, and counters that are empty, are forgotten; once in a while, inside a write transaction. */
int duty_terms_sweep(struct ledger *l, struct error *err);
int duty_counts_sweep(struct ledger *l, struct error *err);

/* ---- counted (obligation_count.c): all duties but the standing, from counters that move with them. Appends a SELECT of "region","kind","owner_kind","owner" (0: none),"whose" (region of
 * who owes; '' with an owner),"state" (as phase),"mark" (open: escalated; paid: late),"overdue","soon" (due within the hour),"n"; ask for sums of the last three. Its parameters ?1 .. ?4 are
 * the moment's. Cost: the counters of the regions asked for, and a look at what is due in the last quarter of an hour and in that an hour later, or is later found late than at `now`. */
enum { DUTY_COUNTED_PARAMS = 4 };
void duty_counted_at(instant now, struct value ret[DUTY_COUNTED_PARAMS]);
int duty_counted_sql(struct buf *sql);
/* A SELECT of the rows of duty_count as the duties say, n times `sign`; for ledger/tally.h. */
void duty_count_sql(int sign, struct buf *sql);
/* What a duty counts as. Texts are borrowed. */
struct duty_cell {
    struct text region, whose;
    int64_t kind, owner, slot; /* kind 0: nowhere */
    int owner_kind, state, mark;
};

/* One row in memory. Texts are borrowed from the book's arena (a transaction) or from the cursor's row. */
struct obligation {
    struct text region, rule, reg, desk, owner_region, state;
    int64_t id; /* 0: not written yet; obligation_write gives one */
    int64_t holder, record, pack, owner, paid_by;
    int owner_kind, owner_step;
    bool late;
    instant closed_at;
    struct duty duty; /* rule = index in the pack, -1 when the pack is not loaded */
    struct duty_cell was; /* what it counts as in the store */
};
/* Whom a record's duties are held for: its person, or what its register names (a report's site); else the record itself. */
int64_t obligation_holder(const struct record *r);
/* Open, or standing (the row that makes a duty each day). */
bool obligation_is_open(const struct obligation *o);
/* From a row of obligation_columns, or of all that a view has. */
void obligation_of_row(const struct value *row, struct obligation *ret);
/* Writes duties (verbs of db_batch), makes their kinds known, tells the clock when to look at them and counts them. Inside a write transaction.
 * DUTY_CLOCK: an update of what the clock may change, nothing else. Rows that are open must be written through here, or nobody finds them. */
enum duty_part { DUTY_WHOLE, DUTY_CLOCK };
int obligation_write(struct ledger *l, enum db_verb verb, enum duty_part part, struct obligation *const *list, size_t n, instant now, struct error *err);
/* What many duties have in common. Texts are borrowed from the book (until it forgets kinds) or the roll. */
struct duty_kind {
    int64_t id, pack;
    struct text rule, reg, desk;
};

/* Every duty of a region (duty_roll_region), or of these holders (in ascending order), by record, then by the name of its rule: read in one pass as they lie and sorted here. Closed ones
 * are told by their kind alone, but for those that were cancelled: a plan may ask for them again. 16 bytes a duty, 240 each that is open or cancelled. Owned: duty_roll_clear. */
#define ROLL_CLOSED UINT32_MAX
struct duty_roll {
    struct arena arena;
    size_t n, cap, n_open, cap_open, n_kinds, cap_kinds;
    struct roll_entry {
        int64_t record;
        uint32_t kind, open; /* indexes of kinds and open; ROLL_CLOSED: paid or lapsed */
    } *list;
    struct obligation *open; /* the reader's, to change; texts live as long as the roll */
    struct duty_kind *kinds; /* by rule */
    struct text region_last, owner_last;
};
int duty_roll_region(struct db *db, struct text region, struct duty_roll *ret, struct error *err);
int duty_roll_holders(struct db *db, const int64_t *holders, size_t n, struct duty_roll *ret, struct error *err);
void duty_roll_clear(struct duty_roll *roll);
/* A copy whose texts live in the arena or as long as the transaction. */
int obligation_copy(struct ledger *l, struct arena *a, const struct obligation *o, struct obligation *ret, struct error *err);
/* Carries the duties of a store made before there was a table `duty` over, and makes the views. Transactions of its own. */
int obligation_migrate(struct ledger *l, bool apply, struct buf *plan, struct error *err);
/* The same for rows of that table that come out of a backup, inside a write transaction; map: per cell of a row, which enum obligation_column it is. */
int obligation_take(struct ledger *l, const uint16_t *map, size_t width, const struct value *rows, size_t n, struct error *err);
/* The enum obligation_column that a word of obligation_words is; -1: none. */
int obligation_word(struct text name);

int book_open(struct ledger *l, struct error *err);
void book_close(struct ledger *l);
void book_reset(struct ledger *l); /* what is in memory is forgotten */
void book_committed(struct ledger *l);
void book_rolled_back(struct ledger *l);
void book_forget(struct ledger *l); /* kinds too: what was committed may be gone */
int book_flush(struct ledger *l, instant now, struct error *err);

/* Registers that raise, pay or cancel under any pack in force: others cost nothing. */
bool book_concerns(const struct ledger *l, const struct register_decl *reg);
/* Reads the duties of these holders in few queries. Holders not asked for are read when met. */
int book_prefetch(struct ledger *l, const int64_t *holders, size_t n, struct error *err);
/* A holder made in this transaction cannot have duties in the store. */
int book_fresh(struct ledger *l, int64_t holder, struct error *err);

/* After a record was created (before NULL) or changed: raises, moves and cancels its own duties, pays and cancels those it
 * concerns; a change that takes back what paid a duty makes it owed again. */
int book_fact(struct ledger *l, const struct session *s, const struct record *r, const struct record *before, struct error *err);
/* Before a record enters a state: E_REFUSED names what is missing. */
int book_guard(struct ledger *l, const struct session *s, const struct record *r, struct text state, struct error *err);
/* A restriction on a person or place against the pack in force (PRV-01, PRV-02); other registers pass. */
int book_measure(struct ledger *l, const struct session *s, const struct record *r, struct error *err);
/* The record is removed: its own duties vanish with it; what it paid or cancelled is worked out from the facts that stay, unless it is only forgotten
 * (its time to be kept is over). */
int book_unfact(struct ledger *l, const struct session *s, const struct record *r, bool forgotten, struct error *err);
/* Works out anew what the facts that are there, in the order of recording, pay of a holder's duties: after records moved between persons. */
int book_replay(struct ledger *l, const struct session *s, int64_t holder, struct error *err);
/* Open duties that a plan raises, before they are written: facts that were told before pay or cancel them. Asked together, rule by rule. */
int book_raised(struct ledger *l, const struct session *s, struct obligation *const *list, size_t n, struct error *err);
/* Duties follow a person merged into another, or back. */
int book_rehold(struct ledger *l, int64_t from, int64_t to, const int64_t *records, size_t n, struct error *err);

/* A rule whose debt is the region's, whatever the disease: one report pays it. It is owed once a region: *ret says whether the adoption of another
 * plan in this very region stands for it already. */
int book_region_stands(struct ledger *l, const struct duty_rule *rule, const struct record *r, bool *ret, struct error *err);
/* All duties of one holder as the transaction sees them; the array lives until book_reset. */
int book_of(struct ledger *l, int64_t holder, struct obligation ***ret, size_t *ret_n, struct error *err);
/* Marks a row taken from book_of as changed. */
void book_touch(struct ledger *l, struct obligation *o);
/* The rule of a row in its own pack, NULL when the pack is unknown. */
const struct duty_rule *book_rule(const struct ledger *l, const struct obligation *o);
/* Everybody that a record concerns: its person, itself, the persons behind its references. Writes at most max. */
size_t book_holders(struct ledger *l, const struct record *r, int64_t *out, size_t max, int *ret_rc, struct error *err);

/* ---- scheduler (obligation_wake.c) */
struct wake_report {
    int64_t woken, escalated, lapsed, raised;
    bool more; /* stopped at the limit */
};
/* Looks at the duties whose wake time has come, about `limit` of them, from the page of holders after *page on (-1: from the first): lapses, escalates,
 * makes the day's standing duties. Journals each escalation and lapse. Moves *page on. Inside a write transaction. Cost: proportional to what is woken
 * (and its neighbours of the same page), not to what is open. */
int obligation_wake(struct ledger *l, const struct session *s, size_t limit, int64_t *page, struct wake_report *ret, struct error *err);

/* ---- owners (owner.c) */
struct owner {
    int kind, step;      /* enum owner_kind; which step of the chain decided */
    int64_t id;          /* organisation, account or person record; 0 for a region */
    struct text region;  /* of the party */
};
/* First step of the chain that resolves for the record; kind OWNER_NONE when none does. */
int owner_resolve(struct ledger *l, const struct owner_rule *chain, size_t n, const struct record *r, struct owner *ret, struct error *err);
void owner_forget(struct ledger *l); /* organisations changed */
/* The step of a party that was named by hand: records that change later do not name another. */
enum { OWNER_STEP_HANDED = -1 };
/* The step of the rule's chain that found who is accountable; its field is of rule->on. NULL: nobody was found, or named by hand. */
const struct owner_rule *owner_found_by(const struct obligation *o, const struct duty_rule *rule);
/* The open duties of this rule and record, the one standing for each day included, are `to`'s from now on (kind OWNER_UNIT an organisation, OWNER_PERSON an
 * account); journalled with s->reason. E_UNKNOWN: nothing of the kind is open. E_CONFLICT: they are `to`'s already. Inside a write transaction. */
int book_hand(struct ledger *l, const struct session *s, const struct record *r, struct text rule, const struct owner *to, struct error *err);

#endif

/* desks/testing: sampling. A swab ties a person to a tube at a table of a site in a round. A row says who (an id, a document, a temporary number, or a child by its
 * guardian), which tube and when; it becomes at most three drafts of one submission: the person when nobody knows them, the tube when nobody opened it, the swab.
 * Nothing outside the store is asked, so that nothing outside stops a table. What may not be is refused row by row, by name (enum sampling_reason), at once.
 * A row sent again is the row that is there: the natural keys of tube and swab are its idempotency, and nothing is kept beside them.
 * From the doors (HTTP, command line); below: ledger/record, ledger/hold, intake/match. */
#ifndef TOCSIN_DESKS_TESTING_SAMPLING_H
#define TOCSIN_DESKS_TESTING_SAMPLING_H

#include "ledger/record.h"

#define SAMPLING_REASONS(X) \
    X(NONE, "none", "", "") \
    X(DUPLICATE, "duplicate_person", "本轮已采", "was swabbed in this round already") \
    X(TUBE_CLOSED, "tube_closed", "该管已封或已满", "this tube is closed or full") \
    X(OTHER_ROUND, "reused_barcode", "管码在另一轮次已用", "this bar code was used in another round") \
    X(OTHER_TABLE, "other_table", "该管属于另一采样台", "this tube belongs to another table") \
    X(OTHER_SIZE, "other_size", "该管规格不同", "this tube was opened for another number of swabs") \
    X(OTHER_KIND, "other_kind", "该管类别不同", "this tube was opened as another kind") \
    X(SIZE, "size_not_allowed", "方案不许此混采规格", "the plan in force does not allow so many to a tube") \
    X(SINGLE, "single_only", "隔离点只用单采管", "an isolation site uses single tubes") \
    X(NO_TABLE, "no_table", "没有此采样台, 或已停用", "there is no such table, or it is closed") \
    X(NO_ROUND, "no_round", "没有此轮次, 或不在采样时间", "there is no such round, or it was not open then") \
    X(FUTURE, "in_future", "采样时间在将来: 请校正设备时钟", "swabbed in the future: the clock of the device is off") \
    X(NO_PERSON, "no_person", "未说明是谁", "does not say who it is") \
    X(PERSON, "person_refused", "人员信息有误", "what is said of the person cannot be taken") \
    X(INVALID, "invalid", "此行有误", "this row cannot be taken")
enum sampling_reason {
#define X(name, word, zh, en) SAMPLING_##name,
    SAMPLING_REASONS(X)
#undef X
};
extern const char *const sampling_words[]; /* by reason */

enum { SAMPLING_ROWS_MAX = 500, SAMPLING_SKEW_S = 5 /* less is no skew but the way */, SAMPLING_SKEW_MAX_S = 400 * 86400 };

/* One swab as it was taken. Texts borrowed until the answer; empty: not said. */
struct sampling_row {
    struct text barcode, kind;         /* kind: code of list tube_kind, pool when empty */
    int64_t table, round, size;        /* size 0: that of the round, 1 for a single tube */
    instant swabbed_at;                /* by the device's clock; INSTANT_NONE: now */
    bool again;                        /* swabbed again in this round: a recall or a spoiled tube; a single tube needs no word of it */
    int64_t person;                    /* id, or 0 and the words below */
    struct text doc_type, doc_no, name, phone, sex, birth, address, community, guardian;
    struct text guardian_doc;          /* whose child it is: with its name who it is */
    struct text temporary;             /* a number given to somebody without papers */
    bool merged;                       /* said by sampling_who: others were merged into him, whose swabs are his */
    /* result */
    enum sampling_reason reason;
    struct error error;                /* why, when refused: "English / 中文" */
    struct draft *of_person, *of_tube, *swab; /* NULL: none needed */
};

/* What the desk remembers between requests: tables and rounds for some seconds, tubes (which never change in what is remembered). Shared by threads. */
struct sampling;
int sampling_new(struct sampling **ret, struct error *err);
void sampling_free(struct sampling *s);

/* Who is known: fills the person of rows that do not name one, by document or by sampling_key, and follows merges, of several batches together. Reads through l->db (any reader). Cost: some
 * five statements for all of them, one more for each row without a document. */
struct sampling_batch {
    struct sampling_row *rows;
    size_t n;
};
bool sampling_asks(const struct sampling_row *rows, size_t n); /* is there anybody to be asked for? */
/* The outside key under which somebody is known who has no record yet, so that two tables at once make one person; false: nobody is named. */
enum { SAMPLING_KEY = 80 };
bool sampling_key(const struct ledger *l, const struct sampling_row *r, char out[SAMPLING_KEY]);
int sampling_who(struct ledger *l, const struct sampling_batch *batches, size_t n, struct arena *a, struct error *err);
/* Turns rows, of whom sampling_who knew what it could, into drafts of catalog `c` (the writer's), in order: *ret of at most 3 n, in the arena. Reads through l->db (any
 * reader) tables and rounds that it does not remember. sent_at: the device's clock when it sent, INSTANT_NONE unknown; what it is off by more than SAMPLING_SKEW_S is
 * taken off every swabbed_at and recorded. Refused rows have a reason and no drafts. */
int sampling_drafts(struct sampling *x, struct ledger *l, const struct catalog *c, const struct session *s, instant sent_at, struct sampling_row *rows, size_t n,
                    struct arena *a, struct draft ***ret, size_t *ret_n, struct error *err);
/* After they were applied (each by itself): reasons of those refused, and the tubes are remembered. */
void sampling_judge(struct sampling *x, struct sampling_row *rows, size_t n);
/* Adds to the words of refused rows what the store knows: in which tube a person was swabbed when, which table a tube belongs to. */
int sampling_explain(struct ledger *l, struct sampling_row *rows, size_t n, struct arena *a, struct error *err);

/* Drafts and record_apply at once, for one who has the ledger to himself (command line, imports). */
int sampling_take(struct sampling *x, struct ledger *l, const struct session *s, instant sent_at, struct sampling_row *rows, size_t n, struct arena *a, struct error *err);
/* What a device says of a time, by the clock here: less what the device is off by; now when it says nothing, or is seconds ahead. */
instant sampling_moment(instant told, instant sent_at, instant now);
/* Closes a tube before it is full, with the number of its swabs; not before it was opened, though the device that did was seconds ahead, nor before its last swab.
 * table: whose tube it is believed to be, 0 whosever; at: when it was closed, which may be told late. E_UNKNOWN, E_CONFLICT (it is another table's), E_REFUSED (it is closed, or empty), E_INVALID (to come). */
int sampling_close(struct ledger *l, const struct session *s, struct text barcode, int64_t table, instant at, int64_t *ret_swabs, struct error *err);

#endif

/* ledger: records, on top of the ledger. A draft is a wanted change; record_prepare checks it without a store (any thread);
 * record_apply writes a batch of them inside one transaction: references, natural keys, numbers, versions, states, guards, sealing,
 * journal, duties raised, paid and cancelled, all or nothing per draft, in order.
 *
 * Table of register R (columns in this order): region, id, version, state, number, key, created_at, changed_at, import, entry,
 * then its fields. Keys and numbers are found through the lookup (lookup.h). id: unique in the whole store, ascending. key: 64-bit hash of the natural key or of an outside id. entry: seq of the last
 * journal entry. removed records (undo, erasure, retention) leave the table; the journal keeps what the law lets it keep. */
#ifndef TOCSIN_LEDGER_RECORD_H
#define TOCSIN_LEDGER_RECORD_H

#include "ledger/access.h"
#include "ledger/expr.h"
#include "ledger/ledger.h"

enum { RECORD_SYSTEM_COLUMNS = 10 };
enum record_column { COL_REGION, COL_ID, COL_VERSION, COL_STATE, COL_NUMBER, COL_KEY, COL_CREATED_AT, COL_CHANGED_AT, COL_IMPORT, COL_ENTRY };

struct record {
    const struct register_decl *reg;
    int64_t id, key, import, entry;
    int32_t version;
    instant created_at, changed_at;
    struct text region, state, number;
    struct value *values; /* [reg->n_fields]; sealed fields as BLOB, or TEXT after record_open */
};

enum draft_verb {
    DRAFT_CREATE, /* a natural key that exists is E_CONFLICT */
    DRAFT_UPSERT, /* by key: creates, changes what differs, or leaves as it is */
    DRAFT_ENSURE, /* by key: creates, or leaves as it is; a fixed cell that says otherwise is E_CONFLICT */
    DRAFT_CHANGE, /* id, version (0: any); the given cells; state may move */
    DRAFT_REMOVE, /* undo of an import, retention */
};
enum draft_outcome { OUTCOME_NONE, OUTCOME_CREATED, OUTCOME_CHANGED, OUTCOME_UNCHANGED, OUTCOME_REMOVED, OUTCOME_REJECTED };

struct draft {
    const struct register_decl *reg;
    enum draft_verb verb;
    int64_t id;            /* CHANGE, REMOVE */
    int32_t version;       /* expected; 0 does not ask */
    struct text region;    /* when the register has no region field, or to override; else empty */
    struct text state;     /* wanted state; empty: initial, or as it is */
    struct text outside_key; /* id in the sender's system: then it, with the register, is the key */
    struct value *values;  /* [reg->n_fields]; ABSENT = not mentioned; sealed ones in the clear */
    bool asked;            /* the asker wrote its references himself (a door): they lead to what he may see, or nowhere */
    uint64_t aside;        /* fields (bits) that a change leaves as they are known, when they are: another value given is noted in field aside_to */
    uint64_t aside_old;    /* fields that are taken over: the value they had is noted there */
    int aside_to;          /* a text field that collects "name=张三; phone=139..." */
    bool forgotten;        /* REMOVE: its time to be kept is over; what it paid stays paid */
    bool by_desk;          /* the desk that owns the record writes it (owned.h) */
    bool back;             /* CHANGE: a state that the record was in before; no declared move leads back to it */
    bool keep_key;         /* CHANGE: the natural key stays as it is although its cells change (merging persons) */
    bool unfix;            /* CHANGE: what is fixed changes, and its key with it (swabs of persons that are merged) */
    /* a reference that is not known yet: index into the same batch + 1 of the draft whose id it will be */
    uint32_t *links;       /* [reg->n_fields] or NULL */
    /* set by queue.c, which puts the drafts of many submitters into one batch */
    const struct session *session; /* whose wish it is; NULL: the session of the call */
    uint32_t base;         /* where the batch begins that `links` count in */
    int64_t print;         /* set by repeat_print */
    /* set by record_prepare */
    bool prepared;
    int64_t key;
    bool has_key;
    bool late_key;              /* a cell of its key is known only when it is applied */
    struct vault_key *seal;     /* person drafts: fresh key */
    unsigned char *wrapped;     /* the same, sealed; bound to the person when it is applied */
    struct cell_at { uint32_t field; struct value v; } *coded; /* what stands in `cells`, by field ascending */
    size_t n_coded;
    struct text cells;          /* of the journal entry that its creation will be: what is known already */
    struct value *sealed;       /* of a person, by the table's list of sealed fields: as they are created */
    bool unfit;                 /* refused already */
    int64_t blind[4];
    int blind_kind[4];
    size_t n_blind;
    /* result */
    enum draft_outcome outcome;
    int64_t ret_id;
    int32_t ret_version;
    bool ret_aside;        /* something was noted in aside_to */
    int64_t ret_similar;   /* another record that this one is probably the same as (similar.h); 0 none */
    size_t ret_similar_rule; /* which of reg->similar says so */
    struct error error;
};

/* All zero and refused for nothing. NULL when out of memory. */
struct draft *draft_room(struct arena *a);
/* All zero but reg, verb and an ABSENT cell per field, in the arena. NULL when out of memory. */
struct draft *draft_new(struct arena *a, const struct register_decl *reg, enum draft_verb verb);
/* By field name; E_UNKNOWN for a field the register lacks. Parses text input through field_parse. */
int draft_set(struct ledger *l, struct draft *d, struct arena *a, struct text field, struct text input, struct error *err);
/* The same with a value as it is (borrowed). */
int draft_put(struct draft *d, const char *field, struct value v, struct error *err);
/* A cell by field name; NULL when the register has no such field. As text (empty when it is none) and as a number (otherwise when it is none). */
struct value record_cell(const struct record *r, const char *field);
static inline struct text record_text(const struct record *r, const char *field) {
    return value_view(record_cell(r, field));
}
static inline int64_t record_int(const struct record *r, const char *field, int64_t otherwise) {
    return value_int_or(record_cell(r, field), otherwise);
}

/* Checks cells, required fields (CREATE/UPSERT), cross-field checks; computes key, seals, blind hashes. Pure apart from rng (one per thread).
 * A failure is stored in d->error (outcome REJECTED) and returned. */
int record_prepare(struct ledger *l, struct draft *d, struct arena *a, struct rng *secret, instant now);
/* Before that arena ends, when the draft lives on: applied again, as after a rollback, it is prepared again. */
void record_unprepare(struct draft *d);
/* Applies drafts in order inside the open write transaction (ledger_begin). Per-draft failures are results (outcome REJECTED, d->error),
 * and leave nothing of that draft behind; the return value is negative only when the whole batch must be rolled back. */
int record_apply(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err);

/* The hash under which the lookup finds a record by its natural key (lookup_key); false when no cell of it is given. */
bool record_natural_key(const struct register_decl *reg, struct text region, const struct value *values, int64_t *ret);
/* The same for a record that is known by an id of somebody else's system (draft->outside_key); 0: out of memory. */
int64_t record_outside_key(const struct register_decl *reg, struct text word, struct arena *a);

/* prepare + begin + apply + commit for one draft or a few: what `tocsin record` and desks use. Fails with the first draft's error. */
int record_write(struct ledger *l, const struct session *s, struct draft **drafts, size_t n, struct error *err);
/* The same for a request that may come twice (repeat.h): a second one of this account with this key gets the first answer. Empty key: record_write. */
int record_write_once(struct ledger *l, const struct session *s, struct text key, struct draft **drafts, size_t n, struct error *err);

/* Reads. The record lives in the arena. E_UNKNOWN also when the session may not see it. */
int record_get(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, struct arena *a,
               struct record *ret, struct error *err);
/* The same for who can do without it: 1, or 0 for none. Trouble of the store is not "none". */
int record_seek(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id, struct arena *a,
                struct record *ret, struct error *err);
int record_by_number(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, struct text number_or_key,
                     struct arena *a, struct record *ret, struct error *err);
/* The record with this natural key: cells [reg->n_fields] of which those of the key are read (a key with the region needs a region field). 1, or 0 when there is
 * none that the session may see. */
int record_by_key(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct value *cells, struct arena *a,
                  struct record *ret, struct error *err);
/* Opens sealed cells in place; needs ACCESS_OPEN and a purpose. The caller journals (ledger_opened). */
int record_open(struct ledger *l, struct db *db, const struct session *s, struct record *r, struct arena *a, struct error *err);

struct record_filter {
    const char *where;     /* condition in the expression language, or NULL */
    struct text region;    /* subtree */
    int64_t after_id;      /* keyset: ids greater than this */
    int64_t import;        /* 0: any */
    size_t limit;          /* 0: no limit */
};
/* Streams records in id order: visit gets each (values borrowed until it returns), 0 goes on. */
int record_list(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, const struct record_filter *f,
                int (*visit)(const struct record *r, void *arg), void *arg, struct error *err);
/* What of a person may stay when the key is gone: it counts, and identifies nobody. */
bool record_outlives(const struct field *f);
/* Who, when, before, after; newest first. Of an erased person only what outlives it: the clear cells of before stand in the journal, and are shown to nobody. */
int record_history(struct ledger *l, struct db *db, const struct session *s, const struct register_decl *reg, int64_t id,
                   int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err);
/* What it was before each of its changes, newest first; of an erased person nothing. The record visited is borrowed until visit returns: 0 goes on. No rights are asked. */
int record_formers(struct ledger *l, struct db *db, const struct register_decl *reg, int64_t id, int (*visit)(const struct record *r, void *arg), void *arg, struct error *err);
/* The record as it was known at an instant, rebuilt from the journal. 1 found, 0 not yet known then, negative error. */
int record_as_of(struct ledger *l, struct db *db, const struct register_decl *reg, int64_t id, instant at, struct arena *a, struct record *ret, struct error *err);

/* What conditions are asked over: the record as it is, at this time. Lives as long as the record's cells. */
struct expr_scope record_scope(const struct ledger *l, instant now, const struct record *r);

#endif

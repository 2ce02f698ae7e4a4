/* ledger: one open store with its catalog, vault, journal and policies in force. Desks hold a struct ledger and nothing below it. */
#ifndef TOCSIN_LEDGER_LEDGER_H
#define TOCSIN_LEDGER_LEDGER_H

#include "ledger/access.h"
#include "ledger/journal.h"
#include "ledger/policy.h"
#include "ledger/vault.h"

struct obligation_book; /* obligation.c: owners, open duties of this transaction */
struct reg_table;       /* table.c: the table derived from a register */
struct number_book;     /* number.c: counters of this transaction */
struct ledger_gate;     /* gate.c: whose turn it is */
struct apply;           /* record_apply.c: the batch being applied */
struct lookup;          /* lookup.c: the index of exact values, in this transaction */

struct ledger {
    struct db *db;            /* the write connection; reads inside a transaction go through it too */
    char *url;
    char *dir;                /* data directory: config, key file */
    char *home;               /* where registers/, codes/ and policies/ are */
    int32_t zone_s;
    struct text region;       /* jurisdiction of this node */
    struct catalog *catalog;
    struct vault *vault;
    struct journal journal;
    struct rng secret;
    struct arena arena;       /* lives as long as the ledger */
    struct reg_table **tables; /* by reg->order */
    struct obligation_book *book;
    struct number_book *numbers;
    struct lookup *lookup;
    struct apply *apply;
    bool organisations_changed, adoptions_changed, accounts_changed; /* in this transaction; accounts: whoever caches rights must read them anew */
    int64_t shared_stamp;     /* setting `shared`: moved by whoever changes adoptions or organisations */
    /* policies in force, loaded from adoptions: see adoption.c */
    size_t n_adoptions;
    struct adoption *adoptions;
    int64_t adoptions_read;   /* how often: what was worked out from them before is void after the next time */
    int64_t next_id;          /* read at begin, written at commit */
    int64_t next_id_stored;
    bool in_transaction;
    bool doubtful;            /* the store was restarted since the last commit */
    struct ledger_gate *gate; /* borrowed; shared with other writers of this process, NULL: there are none (gate.h) */
    bool inside;              /* of the gate */
    instant repeats_purged;   /* repeat.c: when old requests were forgotten last */
};

/* One adoption: a pack in force for a disease in a region subtree from a day on. */
struct adoption {
    int64_t id;
    struct text region, disease, pack;
    day from;
    struct policy *policy;
};

struct ledger_options {
    const char *dir;   /* ./data */
    const char *store; /* url; NULL: DIR/tocsin.db */
    const char *home;  /* NULL: found beside the program or $TOCSIN_HOME */
    const char *region;
    int32_t zone_s;    /* 0: China */
};

/* Where registers/, codes/ and policies/ are: given, else $TOCSIN_HOME, else up from the program, else an installed share folder. In the arena. */
char *ledger_home(struct arena *a, const char *given);
/* Makes the data directory, keys, store, tables and node configuration. Refuses an existing one (E_CONFLICT), and a store that another key signed; a store of
 * this very key and region, left by an init that was cut or by a lost configuration, is taken as it is and only the configuration written. */
int ledger_init(const struct ledger_options *o, struct error *err);
/* Opens an existing one; the schema must match the declarations or E_CONFLICT says to run `tocsin migrate`. O(1) in size. */
int ledger_open(const struct ledger_options *o, struct ledger **ret, struct error *err);
/* The same for a store whose schema is behind; only ledger_migrate and ledger_close may follow. */
int ledger_open_to_migrate(const struct ledger_options *o, struct ledger **ret, struct error *err);
/* The same for one who only reads, beside the writer: its connection cannot write, and only functions that read may be called with it. One thread at a time. */
int ledger_open_reader(const struct ledger_options *o, struct ledger **ret, struct error *err);
/* Reads policies and organisations again when somebody changed them. For readers; a writer does it with every transaction. */
int ledger_refresh(struct ledger *l, struct error *err);
void ledger_close(struct ledger *l);
/* Another connection to the node's store (mode: enum db_mode). Owned: db_close. */
int ledger_connect(struct ledger *l, int mode, struct db **ret, struct error *err);
/* Every table of the store, for backup; at most max. The tables live as long as the ledger. */
size_t ledger_tables(const struct ledger *l, const struct db_table **out, size_t max);
/* The node half of init for a restore: directory, given key file, store and empty tables, but no settings; ledger_settle writes the configuration at the end.
 * E_CONFLICT when the store named is in use. */
int ledger_found(const struct ledger_options *o, const char *key_path, struct ledger **ret, struct error *err);
int ledger_settle(struct ledger *l, struct error *err);
/* What this node is called in files that leave it: 12 hex digits of its signing key, the same after a restore. An id or a number means something
 * only together with it. */
enum { LEDGER_NODE_BYTES = 13 };
void ledger_node(const struct ledger *l, char out[LEDGER_NODE_BYTES]);
/* A second connection for snapshot reads. Owned: db_close. */
int ledger_reader(struct ledger *l, struct db **ret, struct error *err);
/* What migration would run, and runs it. */
int ledger_migrate(struct ledger *l, bool apply, struct buf *plan, struct error *err);
/* The lookup made anew from keys, numbers and sealed fields of all records, inside the open write transaction. 15 us a person. */
int ledger_reindex(struct ledger *l, struct error *err);

/* One write transaction: journal and duties are opened and flushed with it. */
int ledger_begin(struct ledger *l, struct error *err);
int ledger_commit(struct ledger *l, instant now, struct error *err);
void ledger_rollback(struct ledger *l);
/* The end of what was begun: committed, or, when rc is negative, rolled back and rc again. */
int ledger_end(struct ledger *l, int rc, instant now, struct error *err);

/* The policy in force for a disease in a region on a day: the nearest adoption up the tree, the latest not after the day. NULL: none. */
const struct adoption *ledger_policy(const struct ledger *l, struct text disease, struct text region, day on);
/* Of the ledger's own region; disease empty: the first that is in force. */
const struct adoption *ledger_policy_here(const struct ledger *l, struct text disease, day on);
/* An adoption by id, in force or past; NULL when unknown. */
const struct adoption *ledger_adoption(const struct ledger *l, int64_t id);
/* adoption.c: reads all adoptions and loads their packs. Called at open and when one is recorded. */
int adoptions_load(struct ledger *l, struct error *err);
void adoptions_free(struct ledger *l);

/* Small persistent settings of the node (table `node`). Copied into the arena; empty when unset. */
int ledger_setting(struct ledger *l, struct db *db, const char *name, struct arena *a, struct text *ret, struct error *err);
int ledger_set(struct ledger *l, const char *name, struct text value, struct error *err);
/* Journals that sealed fields were opened (in a transaction of its own when none is open). */
int ledger_opened(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t id, struct error *err);

#endif

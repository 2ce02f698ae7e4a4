/* ledger: the lookup, one index of exact values over all registers: which record carries this document, phone, name or address (keyed hash), this natural key, this
 * number. It finds records without opening them and costs an import almost nothing, because it is kept as sorted runs and not as B-trees with random keys.
 * Knows base and store only; what is looked up comes from record*.c and the desks. How it works and what else was tried: docs/decisions/0009.
 *
 * An entry is (place, tag and holder): the place is the value's hash mixed with its kind, spread evenly over 64 bits; the tag is the kind once more (15 bits)
 * and the holder a record id. The index is a set of entries and holds exactly those of the records that are there. Tables, all inside the node's store, so that
 * they commit, roll back and are read in one snapshot with the records:
 *   lookup_front   what small transactions added and removed, a row each, at most LOOKUP_FRONT entries; beyond that they are drained into a run. Every connection
 *                  has it in memory and reads the rows that came since it was asked last (lookup_front.c)
 *   lookup_shard   per shard (top 8 bits of the place) its runs: number, entries, level, bucket bits; row LOOKUP_HEAD: counters
 *   lookup_bucket  the entries of one bucket of one run of one shard, sorted; its id is computed, so that a probe is one seek by rowid
 *   lookup_filter  per run and shard a filter that says "not here" without reading a bucket (wrong in 1 of 250 cases, then the bucket is read)
 * Runs never change but for removals. Four runs of a level in a shard are merged into one of the next; a transaction moves at most some times what it added. */
#ifndef TOCSIN_LEDGER_LOOKUP_H
#define TOCSIN_LEDGER_LOOKUP_H

#include "ledger/register.h"
#include "store/db.h"

enum { LOOKUP_TABLES = 4, LOOKUP_HOLDER_BITS = 48 };

/* What the index of a store was made as; another one is made anew by `tocsin migrate`. */
#define LOOKUP_EDITION "4"

struct lookup_kind {
    uint64_t salt, tag;
};
struct lookup_entry {
    uint64_t place, holder; /* holder: tag << LOOKUP_HOLDER_BITS | record id */
};

/* Kinds: a blind index (value: vault_blind), the natural key of a register (value: record.h), the number of a register (value: lookup_word of
 * the number; other numbers may have the same, so the record found is asked for its own). */
struct lookup_kind lookup_blind(enum field_blind blind);
struct lookup_kind lookup_key(struct text reg);
struct lookup_kind lookup_number(struct text reg);
int64_t lookup_word(struct text word);
/* id 0 where any holder is asked for. */
struct lookup_entry lookup_entry_of(struct lookup_kind kind, int64_t value, int64_t id);
static inline int64_t lookup_holder(struct lookup_entry e) {
    return (int64_t)(e.holder & (((uint64_t)1 << LOOKUP_HOLDER_BITS) - 1));
}

void lookup_tables(const struct db_table *out[LOOKUP_TABLES]);

/* What a write transaction knows of the lookup; one thread at a time. */
struct lookup;
/* ---- writing, inside the ledger's write transaction. The state remembers what this transaction did: lookup_committed after its commit, lookup_reset when it
 * never was, and at begin. */
int lookup_open(struct lookup **ret, struct error *err);
void lookup_close(struct lookup *x);
void lookup_reset(struct lookup *x);
void lookup_committed(struct lookup *x);
/* Entries may be there already. Few go to the front, many (LOOKUP_RUN) become a run together with the front. Nothing is in the store before lookup_settle. */
int lookup_add(struct lookup *x, struct db *db, const struct lookup_entry *entries, size_t n, struct error *err);
/* Entries need not be there. The array is sorted in place. Cost: one bucket rewritten an entry. Filters keep bits of what was removed until they are made anew, a
 * few with each transaction that removes something; traceless: all of them before this transaction ends, so that not even a bit is left (2 ms for each removed
 * entry at ten million persons). */
int lookup_drop(struct lookup *x, struct db *db, struct lookup_entry *entries, size_t n, bool traceless, struct error *err);
/* Once before the commit: writes what the front gained and lost, or drains it when it is long, and merges what the transaction pays for. */
int lookup_settle(struct lookup *x, struct db *db, struct error *err);
/* Removes everything. */
int lookup_empty(struct lookup *x, struct db *db, struct error *err);

/* ---- finding. db: any connection. */
/* Ids that carry the value, ascending, without doubles, in the arena; of very many at least the first `limit` (0: all). Right beside a writer that drains and
 * merges, also outside of a snapshot. */
int lookup_find(struct db *db, struct lookup_kind kind, int64_t value, size_t limit, struct arena *a, int64_t **ret, size_t *ret_n, struct error *err);
/* Many at once: visit gets the index of the asked entry and a holder, in no order, a holder perhaps twice. Asked entries with a holder id ask whether just that
 * one is there. Inside a transaction or snapshot only. limit as above. Cost: about 0.1 us an entry that is not there, a page an entry that is. */
int lookup_find_many(struct db *db, const struct lookup_entry *asked, size_t n, size_t limit,
                     int (*visit)(void *arg, size_t asked, int64_t holder, struct error *err), void *arg, struct error *err);
/* Every entry, some perhaps twice, in no order; for checks. Inside a transaction or snapshot only. */
int lookup_scan(struct db *db, int (*visit)(void *arg, struct lookup_entry entry, struct error *err), void *arg, struct error *err);

#endif

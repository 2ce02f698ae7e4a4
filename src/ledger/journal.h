/* ledger: the journal. Append-only, hash-chained history of every change and of every look at a sealed field. Entries of
 * one transaction are stored as one block row (table `journal`: first, n, at, bytes, head, earliest), so that the chain costs almost
 * nothing; every entry carries its own hash, so that the first altered, removed or reordered one is named.
 * hash(e) = BLAKE2b-256(hash(previous) || bytes(e)); stored truncated to 16 bytes per entry, the head whole. The head is signed (Ed25519)
 * at each commit (signature over first, n and head in the block row). An entry points to the previous entry of the same
 * record: history needs no index. Sealed fields stand in it sealed. Knows base and store only. */
#ifndef TOCSIN_LEDGER_JOURNAL_H
#define TOCSIN_LEDGER_JOURNAL_H

#include <pthread.h>

#include "base/digest.h"
#include "base/instant.h"
#include "store/db.h"

/* What happened. The list is stored as numbers: append only. */
#define JOURNAL_VERBS(X)                                                                                                      \
    X(CREATE, 1) X(CHANGE, 2) X(MOVE, 3) X(REMOVE, 4) X(RESTORE, 5) X(MERGE, 6) X(UNMERGE, 7) X(ERASE, 8) X(OPEN, 9)          \
    X(PAY, 10) X(CANCEL, 11) X(ESCALATE, 12) X(LAPSE, 13) X(ADOPT, 14) X(FREEZE, 15) X(PUBLISH, 16) X(EXPORT, 17)             \
    X(PURGE, 18) X(IMPORT, 19) X(UNDO, 20) X(DENY, 21) X(INIT, 22)                                            \
    X(SIGN_IN, 23) X(SIGN_OUT, 24) X(SECRET, 25) X(LOCK, 26) X(TOKEN, 27) X(HANDOVER, 28)
enum journal_verb {
#define X(name, n) JOURNAL_##name = n,
    JOURNAL_VERBS(X)
#undef X
};
const char *journal_verb_name(int verb);

/* One entry. Texts are borrowed: from the caller on append, from the reader's buffer on read. before/after hold changed cells:
 * varint field index + 1, kind byte, then varint int (zigzag) or length-prefixed bytes; 0 ends (journal_cells_*). */
struct journal_entry {
    int64_t seq;      /* given by append; from 1 */
    instant at;
    int verb;
    struct text actor, reason, purpose;
    struct text reg;  /* register name */
    int64_t record;
    int32_t version;  /* after the change */
    int64_t previous; /* seq of this record's previous entry, 0 none */
    int64_t import;   /* id of the import it belongs to, 0 none */
    struct text before, after;
    struct text region; /* where the record lay after it, when `after` does not say (a change, a move, a late duty); empty in entries of old */
};

struct journal_keys {
    unsigned char public_key[32];
    unsigned char secret_key[64]; /* Ed25519 (libsodium) */
};

/* What one transaction has appended so far. Zero-initialise and set keys; journal_clear frees. */
struct journal {
    struct buf block;                  /* entries, cut into block rows of about JOURNAL_BLOCK bytes */
    size_t start;                      /* private: where the block in progress begins */
    struct journal_cut { size_t start; int64_t first; } *cuts; /* private: where each block begins, and with which entry */
    size_t n_cuts, cap_cuts;
    int64_t first, next;               /* seq of the first and the next entry */
    instant earliest, latest;          /* of the entries appended; no narrower than they are */
    unsigned char head[DIGEST_BYTES];  /* of the chain as far as it was made */
    size_t chained, chained_start;     /* private: how much of the entries that is, and where its last block begins */
    size_t ahead;                      /* private: a thread makes it up to here; 0 none */
    pthread_t chainer;
    struct journal_keys keys;
    bool open;
    int64_t signed_next;               /* private: the tip this process signed last; another one is checked before it is followed */
    unsigned char signed_head[DIGEST_BYTES];
};
/* A block row is closed when it has so many bytes: reading one entry decodes no more than that, and a signature costs little. An entry of
 * more than JOURNAL_ENTRY_MAX bytes is E_TOO_LARGE. */
enum { JOURNAL_BLOCK = 256 << 10, JOURNAL_ENTRY_MAX = 64 << 20 };

const struct db_table *journal_table(void);
/* One signed row: the next seq and the head. A removed tail leaves a whole chain behind; this row still knows how long it was. */
const struct db_table *journal_tip_table(void);
/* First thing in a write transaction: reads the head inside it. E_CORRUPT when the last block and the signed tip disagree: nothing is ever
 * appended to a damaged journal, because that would hide the damage. Then append; then flush before the commit. A failed append changes nothing. */
int journal_begin(struct journal *j, struct db *db, struct error *err);
int journal_append(struct journal *j, const struct journal_entry *e, int64_t *ret_seq, struct error *err);
/* Nothing more will be appended for a while: of many entries the chain is made on a thread of its own until then, or until the flush. */
void journal_ahead(struct journal *j);
int journal_flush(struct journal *j, struct db *db, instant at, struct error *err);
void journal_abandon(struct journal *j); /* the transaction rolled back */
void journal_clear(struct journal *j);   /* frees and wipes the keys */
/* Forgets entries appended after this mark (a command of the batch failed). */
struct journal_mark { size_t n; int64_t next; unsigned char head[DIGEST_BYTES]; };
struct journal_mark journal_mark(struct journal *j);
void journal_back(struct journal *j, const struct journal_mark *mark);

int journal_cells(struct buf *out, size_t field, struct value v); /* append one cell; ABSENT appends nothing */
/* The same at out, which has room for JOURNAL_CELL_HEAD + v.n bytes; returns the bytes used. */
enum { JOURNAL_CELL_HEAD = 24 };
size_t journal_cell_put(char *out, size_t field, struct value v);
int journal_cells_end(struct buf *out);
/* Walks cells: 1 a cell, 0 the end, E_CORRUPT. *pos starts at 0. */
int journal_cells_next(struct text cells, size_t *pos, size_t *ret_field, struct value *ret, struct error *err);

/* One entry by seq, copied into the arena. E_UNKNOWN when there is none. */
int journal_read(struct db *db, int64_t seq, struct arena *a, struct journal_entry *ret, struct error *err);
/* Calls visit for entries in [from, to), ascending; visit returns 0 to go on, more to stop (the scan returns 0), or a negative error, which is returned. */
int journal_scan(struct db *db, int64_t from, int64_t to, int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err);

/* The entries [from, to) outside of which nothing happened between since and until (INSTANT_NONE: open), by the times that blocks carry: cost
 * logarithmic in the journal when its clock only went forward. Blocks written before there was `earliest` are counted as within. */
int journal_window(struct db *db, instant since, instant until, int64_t *ret_from, int64_t *ret_to, struct error *err);

struct journal_verdict {
    int64_t entries, blocks;
    int64_t bad_seq;          /* 0: whole; else the first entry that is altered, missing or out of order */
    char what[400];           /* in both languages, as error messages are: "entry 812 was altered", "entries 40..52 are missing", "signature of block 77 is wrong" */
    unsigned char head[DIGEST_BYTES];
};
/* Reads it all: hash chain, order, gaps, signatures (of the last block, and of every block when `all`). The signed tip tells
 * a removed tail; only one who puts an old tip row back as well is not seen here, but against a head kept elsewhere (`head` is meant to be printed). When the last signature is wrong a second pass names the first wrong one. A verdict of damage is a result, not an error.
 * progress (may be NULL) hears now and then how many entries were read; what it returns below 0 ends the reading and is returned. */
int journal_verify(struct db *db, const unsigned char public_key[32], bool all, int (*progress)(int64_t entries, void *arg), void *arg,
                   struct journal_verdict *ret, struct error *err);

#endif

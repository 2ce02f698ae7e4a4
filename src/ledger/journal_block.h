/* ledger, inside the journal: how entries lie in a block row. A format byte, then per entry: payload length
 * (4 bytes, little-endian), payload, the first 16 bytes of its chain hash. Everything read back is bounded; a
 * damaged block is E_CORRUPT, never a crash. */
#ifndef TOCSIN_LEDGER_JOURNAL_BLOCK_H
#define TOCSIN_LEDGER_JOURNAL_BLOCK_H

#include "ledger/journal.h"

enum { BLOCK_FORMAT = 1, BLOCK_HASH = 16, BLOCK_MESSAGE = 72 };

/* Appends the payload of e, without length and hash. */
int entry_encode(const struct journal_entry *e, int64_t seq, struct buf *out);
/* Texts borrow from payload. E_CORRUPT. */
int entry_decode(struct text payload, struct journal_entry *ret);
/* The seq alone; false when unreadable. */
bool entry_seq(struct text payload, int64_t *ret);
/* head = BLAKE2b-256(head || payload) */
void chain_step(unsigned char head[DIGEST_BYTES], struct text payload);

/* Walks a block: 1 an entry, 0 the end, E_CORRUPT. *pos starts at 0. hash points at BLOCK_HASH bytes. */
int block_next(struct text bytes, size_t *pos, struct text *ret_payload, const unsigned char **ret_hash);

/* What is signed: of a block its place, size, instant and head, of the tip the next seq and the head. */
void block_message(int64_t first, int64_t n, instant at, const unsigned char head[DIGEST_BYTES],
                   unsigned char out[BLOCK_MESSAGE]);
void tip_message(int64_t next, const unsigned char head[DIGEST_BYTES], unsigned char out[BLOCK_MESSAGE]);
bool message_signed(const unsigned char message[BLOCK_MESSAGE], const unsigned char signature[64],
                    const unsigned char public_key[32]);

/* The tip row: 1 and its three values, 0 when there is none, E_CORRUPT for a row of a wrong shape. */
struct journal_tip {
    int64_t next;
    unsigned char head[DIGEST_BYTES], signature[64];
};
int tip_read(struct db *db, struct journal_tip *ret, struct error *err);

#endif

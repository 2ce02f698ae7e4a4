#include "ledger/journal_block.h"

#include <stdio.h>
#include <string.h>

enum { PROGRESS_EVERY = 1 << 16 };

/* One pass over the journal. */
struct pass {
    const unsigned char *public_key;
    bool all;
    int64_t next; /* the entry that must come now */
    int64_t blocks, told;
    unsigned char head[DIGEST_BYTES];
    bool tip_met; /* the chain went through the signed tip */
    unsigned char last[BLOCK_MESSAGE], last_signature[64];
    int64_t last_first;
    struct journal_verdict *verdict;
};

/* Fills the verdict once; returns 1: the pass is over. */
static int damage(struct pass *p, int64_t seq, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int damage(struct pass *p, int64_t seq, const char *format, ...) {
    p->verdict->bad_seq = seq;
    va_list args;
    va_start(args, format);
    error_write(p->verdict->what, sizeof p->verdict->what, format, args);
    va_end(args);
    return 1;
}

static int missing(struct pass *p, int64_t from, int64_t to) {
    if (from == to) return damage(p, from, "entry %lld is missing", (long long)from);
    return damage(p, from, "entries %lld..%lld are missing", (long long)from, (long long)to);
}

/* Another entry stands where p->next should: says whether that one was altered, moved or removed. pos is
 * behind the found one. */
static int misplaced(struct pass *p, struct text bytes, size_t pos, int64_t found) {
    struct text payload;
    const unsigned char *hash;
    int64_t seq, following = 0;
    bool later = false;
    for (int i = 0; block_next(bytes, &pos, &payload, &hash) == 1 && entry_seq(payload, &seq); i++) {
        if (i == 0) following = seq;
        later = later || seq == p->next;
    }
    if (later)
        return damage(p, p->next, "entry %lld is out of order: entry %lld stands in its place",
                      (long long)p->next, (long long)found);
    if (following == p->next + 1) return damage(p, p->next, "entry %lld was altered", (long long)p->next);
    if (found > p->next && following == found + 1) return missing(p, p->next, found - 1);
    return damage(p, p->next, "entry %lld is missing or was altered: entry %lld stands in its place",
                  (long long)p->next, (long long)found);
}

static int block_entries(struct pass *p, int64_t first, int64_t n, struct text bytes) {
    struct text payload;
    const unsigned char *hash;
    size_t pos = 0;
    int rc;
    while ((rc = block_next(bytes, &pos, &payload, &hash)) > 0) {
        int64_t seq;
        if (!entry_seq(payload, &seq))
            return damage(p, p->next, "entry %lld was altered", (long long)p->next);
        if (seq != p->next) return misplaced(p, bytes, pos, seq);
        if (p->next == first + n)
            return damage(p, p->next, "block %lld holds more entries than its row says", (long long)first);
        chain_step(p->head, payload);
        if (memcmp(p->head, hash, BLOCK_HASH) != 0)
            return damage(p, seq, "entry %lld was altered", (long long)seq);
        p->next++;
    }
    if (rc < 0)
        return damage(p, p->next, "entry %lld is damaged: block %lld cannot be read on", (long long)p->next,
                      (long long)first);
    if (p->next != first + n) return missing(p, p->next, first + n - 1);
    return 0;
}

/* A block whose number does not follow: renumbered when it holds the entry that must come now, else those
 * between are gone. */
static int block_gap(struct pass *p, int64_t first, struct text bytes) {
    struct text payload;
    const unsigned char *hash;
    size_t pos = 0;
    int64_t seq;
    if (block_next(bytes, &pos, &payload, &hash) == 1 && entry_seq(payload, &seq) && seq == p->next)
        return damage(p, p->next, "the block of entry %lld was renumbered to %lld", (long long)p->next,
                      (long long)first);
    if (first > p->next) return missing(p, p->next, first - 1);
    return damage(p, first > 0 ? first : 1, "block %lld lies over the one before it", (long long)first);
}

static int block_check(struct pass *p, const struct value *row) {
    struct text bytes = value_view(row[3]), head = value_view(row[4]), signature = value_view(row[5]);
    int64_t first = row[0].i, n = row[1].i;
    if (row[0].kind != VALUE_INT || row[1].kind != VALUE_INT || row[2].kind != VALUE_INT ||
        head.n != DIGEST_BYTES || signature.n != 64)
        return damage(p, p->next, "the row of the block with entry %lld is damaged", (long long)p->next);
    if (first != p->next) return block_gap(p, first, bytes);
    if (n < 1 || n > INT64_MAX - first)
        return damage(p, first, "block %lld has an impossible size", (long long)first);
    int rc = block_entries(p, first, n, bytes);
    if (rc) return rc;
    if (memcmp(p->head, head.s, DIGEST_BYTES) != 0)
        return damage(p, first, "block %lld was rewritten: its head does not follow from its entries",
                      (long long)first);
    block_message(first, n, row[2].i, p->head, p->last);
    memcpy(p->last_signature, signature.s, sizeof p->last_signature);
    p->last_first = first;
    p->blocks++;
    if (p->all && !message_signed(p->last, p->last_signature, p->public_key))
        return damage(p, first, "signature of block %lld is wrong", (long long)first);
    return 0;
}

/* The signed tip against the chain: before = what it said when the pass began. */
static int tip_check(struct pass *p, struct db *db, int has_tip, const struct journal_tip *before,
                     struct error *err) {
    unsigned char message[BLOCK_MESSAGE];
    if (!has_tip && p->next == 1) return 0; /* nothing was ever written */
    if (!has_tip)
        return damage(p, p->next, "the signed tip is missing: entries after %lld may be too",
                      (long long)p->next - 1);
    tip_message(before->next, before->head, message);
    if (!message_signed(message, before->signature, p->public_key))
        return damage(p, p->next, "the signature of the tip is wrong: entries after %lld may be missing",
                      (long long)p->next - 1);
    if (p->next < before->next) return missing(p, p->next, before->next - 1);
    if (!p->tip_met)
        return damage(p, before->next > 1 ? before->next - 1 : 1,
                      "the chain does not lead through the signed tip at entry %lld",
                      (long long)before->next - 1);
    if (p->next == before->next) return 0;
    /* longer than the tip said: fine when others committed meanwhile, then the tip has moved on as well */
    struct journal_tip now;
    int rc = tip_read(db, &now, err);
    if (rc < 0) return rc;
    if (rc == 0 || now.next < p->next)
        return damage(p, before->next, "the signed tip ends at entry %lld, before the journal does",
                      (long long)before->next - 1);
    return 0;
}

/* 0 whole, 1 damaged (the verdict says how), negative: the store failed. */
static int pass_run(struct pass *p, struct db *db, int (*progress)(int64_t entries, void *arg), void *arg,
                    struct error *err) {
    struct journal_tip tip = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct error tip_error = {0};
    int has_tip = tip_read(db, &tip, &tip_error);
    if (has_tip < 0 && has_tip != E_CORRUPT)
        return error_set(err, has_tip, tip_error.where, "%s", tip_error.message);
    int rc = db_query(db,
                      "SELECT \"first\", \"n\", \"at\", \"bytes\", \"head\", \"signature\" FROM \"journal\" "
                      "ORDER BY \"first\"",
                      NULL, 0, &c, err);
    if (rc < 0) return rc;
    while ((rc = db_next(c, &row, err)) > 0) {
        rc = block_check(p, row);
        if (rc) break;
        if (has_tip > 0 && p->next == tip.next) p->tip_met = memcmp(p->head, tip.head, sizeof tip.head) == 0;
        if (progress && p->next - p->told > PROGRESS_EVERY) {
            p->told = p->next;
            rc = progress(p->next - 1, arg);
            if (rc < 0) break;
        }
    }
    db_cursor_close(c);
    if (rc) return rc;
    if (p->blocks && !p->all && !message_signed(p->last, p->last_signature, p->public_key))
        return damage(p, p->last_first, "signature of block %lld is wrong", (long long)p->last_first);
    if (has_tip < 0) return damage(p, p->next, "the signed tip is damaged");
    return tip_check(p, db, has_tip, &tip, err);
}

int journal_verify(struct db *db, const unsigned char public_key[32], bool all,
                   int (*progress)(int64_t entries, void *arg), void *arg, struct journal_verdict *ret,
                   struct error *err) {
    struct journal_verdict v = {0};
    struct pass p = {.public_key = public_key, .all = all, .next = 1, .verdict = &v};
    int rc = pass_run(&p, db, progress, arg, err);
    if (rc > 0 && !all && p.blocks && v.bad_seq == p.last_first) {
        /* perhaps rewritten from an earlier block on: name the first one whose signature is wrong */
        v = (struct journal_verdict){0};
        p = (struct pass){.public_key = public_key, .all = true, .next = 1, .verdict = &v};
        rc = pass_run(&p, db, progress, arg, err);
    }
    if (rc < 0) return rc;
    v.entries = p.next - 1;
    v.blocks = p.blocks;
    memcpy(v.head, p.head, sizeof v.head);
    if (rc == 0)
        snprintf(v.what, sizeof v.what, "%lld entries in %lld blocks are whole", (long long)v.entries,
                 (long long)v.blocks);
    rc = progress ? progress(v.entries, arg) : 0;
    if (rc < 0) return rc;
    *ret = v;
    return 0;
}

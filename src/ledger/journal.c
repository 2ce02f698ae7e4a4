#include "ledger/journal_block.h"

#include <sodium.h>
#include <string.h>

enum { AHEAD_BYTES = 1 << 20 }; /* below that a thread costs more than it saves */
enum { KEEP_BYTES = 8 << 20 }; /* a larger buffer is given back after its transaction */

const char *journal_verb_name(int verb) {
    switch (verb) {
#define X(name, n)                                                                                           \
    case n:                                                                                                  \
        return #name;
        JOURNAL_VERBS(X)
#undef X
    }
    return "UNKNOWN";
}

const struct db_table *journal_table(void) {
    static const struct db_column columns[] = {{"first", COLUMN_INT, true}, {"n", COLUMN_INT, true},
                                               {"at", COLUMN_INT, true},    {"bytes", COLUMN_BLOB, true},
                                               {"head", COLUMN_BLOB, true}, {"signature", COLUMN_BLOB, true},
                                               {"earliest", COLUMN_INT, false}};
    static const struct db_index indexes[] = {{"journal_at", "at", false, NULL}, {"journal_earliest", "earliest", false, NULL}};
    static const struct db_table table = {
        .name = "journal", .key = "first", .n_columns = 7, .columns = columns, .n_indexes = 2, .indexes = indexes};
    return &table;
}

const struct db_table *journal_tip_table(void) {
    static const struct db_column columns[] = {{"id", COLUMN_INT, true},
                                               {"next", COLUMN_INT, true},
                                               {"head", COLUMN_BLOB, true},
                                               {"signature", COLUMN_BLOB, true}};
    static const struct db_table table = {
        .name = "journal_tip", .key = "id", .n_columns = 4, .columns = columns};
    return &table;
}

/* ---- begin */

static int tip_ask(struct db *db, struct db_cursor **ret, struct error *err) {
    return db_query(db, "SELECT \"next\", \"head\", \"signature\" FROM \"journal_tip\" WHERE \"id\" = 1", NULL, 0, ret, err);
}

/* 0 when there is none. */
static int tip_take(struct db_cursor *c, struct journal_tip *ret, struct error *err) {
    const struct value *row;
    int rc = db_next(c, &row, err);
    if (rc > 0) {
        struct text head = value_view(row[1]), signature = value_view(row[2]);
        if (row[0].kind != VALUE_INT || row[0].i < 1 || head.n != DIGEST_BYTES || signature.n != 64) {
            rc = error_set(err, E_CORRUPT, "journal_tip", "the row is damaged");
        } else {
            ret->next = row[0].i;
            memcpy(ret->head, head.s, head.n);
            memcpy(ret->signature, signature.s, signature.n);
        }
    }
    return rc;
}

int tip_read(struct db *db, struct journal_tip *ret, struct error *err) {
    struct db_cursor *c = NULL;
    int rc = tip_ask(db, &c, err);
    if (!rc) rc = tip_take(c, ret, err);
    db_cursor_close(c);
    return rc;
}

static int block_ask(struct db *db, struct db_cursor **ret, struct error *err) {
    return db_query(db, "SELECT \"first\", \"n\", \"head\" FROM \"journal\" ORDER BY \"first\" DESC LIMIT 1", NULL, 0, ret, err);
}

/* Where the last block says the journal ends; 0 when there is none. */
static int block_take(struct db_cursor *c, int64_t *ret_next, unsigned char head[DIGEST_BYTES], struct error *err) {
    const struct value *row;
    int rc = db_next(c, &row, err);
    if (rc > 0) {
        struct text h = value_view(row[2]);
        if (row[0].kind != VALUE_INT || row[1].kind != VALUE_INT || row[0].i < 1 || row[1].i < 1 ||
            row[1].i > INT64_MAX - row[0].i || h.n != DIGEST_BYTES) {
            rc = error_set(err, E_CORRUPT, "journal", "the last block is damaged");
        } else {
            *ret_next = row[0].i + row[1].i;
            memcpy(head, h.s, h.n);
        }
    }
    return rc;
}

int journal_begin(struct journal *j, struct db *db, struct error *err) {
    if (j->open) return error_set(err, E_USAGE, "journal", "a transaction is open already");
    struct journal_tip tip;
    unsigned char head[DIGEST_BYTES] = {0};
    int64_t next = 1;
    struct db_cursor *tips = NULL, *blocks = NULL; /* both asked, then both heard: a store that is far away answers them together */
    int has_tip = tip_ask(db, &tips, err), has_block = 0;
    if (!has_tip) has_tip = block_ask(db, &blocks, err);
    if (!has_tip) has_tip = tip_take(tips, &tip, err);
    if (has_tip >= 0) has_block = block_take(blocks, &next, head, err);
    db_cursor_close(tips);
    db_cursor_close(blocks);
    if (has_tip < 0 || has_block < 0) return has_tip < 0 ? has_tip : has_block;
    if (has_tip != has_block || (has_tip && (tip.next != next || memcmp(tip.head, head, sizeof head) != 0)))
        return error_set(err, E_CORRUPT, "journal", "the last block and the signed tip disagree: run verify");
    if (has_tip && (next != j->signed_next || memcmp(head, j->signed_head, sizeof head) != 0)) {
        unsigned char message[BLOCK_MESSAGE];
        tip_message(tip.next, tip.head, message);
        if (!message_signed(message, tip.signature, j->keys.public_key))
            return error_set(err, E_CORRUPT, "journal_tip", "the signature is wrong: run verify");
    }
    buf_reset(&j->block);
    j->start = j->chained = j->chained_start = j->n_cuts = 0;
    j->first = j->next = next;
    j->earliest = INT64_MAX;
    j->latest = INT64_MIN;
    memcpy(j->head, head, sizeof head);
    j->open = true;
    return 0;
}

/* ---- the chain: an entry is appended with room for its hash, a closed block with room for its head */

static size_t entry_bytes(const struct buf *b, size_t pos) {
    const unsigned char *p = (const unsigned char *)b->s + pos;
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

static void chain(struct journal *j, size_t to) {
    struct buf *b = &j->block;
    size_t pos = j->chained, start = j->chained_start;
    while (pos < to) {
        if (pos - start >= JOURNAL_BLOCK) {
            memcpy(b->s + pos, j->head, sizeof j->head);
            start = pos += sizeof j->head;
        }
        if (pos == start) pos++;
        size_t n = entry_bytes(b, pos);
        chain_step(j->head, (struct text){b->s + pos + 4, n});
        memcpy(b->s + pos + 4 + n, j->head, BLOCK_HASH);
        pos += 4 + n + BLOCK_HASH;
    }
    j->chained = pos;
    j->chained_start = start;
}

static void *chainer(void *arg) {
    struct journal *j = arg;
    chain(j, j->ahead);
    return NULL;
}

/* Until the entries may be touched again. */
static void chainer_join(struct journal *j) {
    if (j->ahead) pthread_join(j->chainer, NULL);
    j->ahead = 0;
}

void journal_ahead(struct journal *j) {
    if (j->ahead || !j->open || j->block.n - j->chained < AHEAD_BYTES) return;
    j->ahead = j->block.n;
    if (pthread_create(&j->chainer, NULL, chainer, j) != 0) j->ahead = 0; /* then the flush does it */
}

static void chain_all(struct journal *j) {
    chainer_join(j);
    chain(j, j->block.n);
}

/* ---- append */

int journal_append(struct journal *j, const struct journal_entry *e, int64_t *ret_seq, struct error *err) {
    static const unsigned char room[DIGEST_BYTES];
    struct buf *b = &j->block;
    size_t undo = b->n, start = j->start, cuts = j->n_cuts;
    if (!j->open) return error_set(err, E_USAGE, "journal", "no transaction is open");
    chainer_join(j);
    if (b->n - start >= JOURNAL_BLOCK) {
        buf_add(b, room, sizeof room); /* the closed block's head, for the flush */
        start = b->n;
    }
    int rc = b->n == start && !mem_room(&j->cuts, &j->cap_cuts, cuts + 1, sizeof *j->cuts) ? E_MEMORY : 0;
    if (!rc && b->n == start) {
        buf_char(b, BLOCK_FORMAT);
        j->cuts[j->n_cuts++] = (struct journal_cut){start, j->next};
    }
    size_t at = b->n;
    buf_add(b, "\0\0\0", 4);
    entry_encode(e, j->next, b);
    if (!rc) rc = b->failed;
    if (!rc && b->n - at - 4 > JOURNAL_ENTRY_MAX) rc = E_TOO_LARGE;
    if (!rc) {
        size_t n = b->n - at - 4;
        for (int i = 0; i < 4; i++) b->s[at + (size_t)i] = (char)(unsigned char)(n >> (8 * i));
        rc = buf_add(b, room, BLOCK_HASH);
    }
    if (rc) {
        b->n = undo;
        b->failed = 0;
        j->n_cuts = cuts;
        return error_set(err, rc, "journal",
                         rc == E_MEMORY ? "out of memory for an entry" : "the entry is too large");
    }
    j->start = start;
    if (ret_seq) *ret_seq = j->next;
    j->next++;
    if (e->at < j->earliest) j->earliest = e->at;
    if (e->at > j->latest) j->latest = e->at;
    return 0;
}

struct journal_mark journal_mark(struct journal *j) {
    chain_all(j);
    struct journal_mark mark = {.n = j->block.n, .next = j->next};
    memcpy(mark.head, j->head, sizeof mark.head);
    return mark;
}

void journal_back(struct journal *j, const struct journal_mark *mark) {
    if (!j->open || mark->n > j->block.n) return;
    chainer_join(j);
    j->block.n = j->chained = mark->n;
    j->block.failed = 0;
    j->next = mark->next;
    memcpy(j->head, mark->head, sizeof j->head);
    while (j->n_cuts && j->cuts[j->n_cuts - 1].start >= mark->n) j->n_cuts--;
    j->start = j->chained_start = j->n_cuts ? j->cuts[j->n_cuts - 1].start : 0;
}

void journal_abandon(struct journal *j) {
    chainer_join(j);
    j->chained = j->chained_start = 0;
    if (j->block.cap > KEEP_BYTES) buf_clear(&j->block);
    buf_reset(&j->block);
    j->start = j->n_cuts = 0;
    j->open = false;
}

void journal_clear(struct journal *j) {
    if (!j) return;
    chainer_join(j);
    buf_clear(&j->block);
    mem_free(j->cuts);
    sodium_memzero(j, sizeof *j);
}

/* ---- flush */

static void message_sign(const struct journal *j, const unsigned char message[BLOCK_MESSAGE],
                         unsigned char signature[64]) {
    crypto_sign_detached(signature, NULL, message, BLOCK_MESSAGE, j->keys.secret_key);
}

static int block_write(struct journal *j, struct db *db, int64_t first, int64_t n, instant at,
                       struct text bytes, const unsigned char *head, struct error *err) {
    static const uint16_t columns[] = {0, 1, 2, 3, 4, 5, 6};
    unsigned char message[BLOCK_MESSAGE], signature[64];
    block_message(first, n, at, head, message);
    message_sign(j, message, signature);
    struct value row[] = {value_int(first),
                          value_int(n),
                          value_int(at),
                          value_blob(bytes.s, bytes.n),
                          value_blob(head, DIGEST_BYTES),
                          value_blob(signature, sizeof signature),
                          value_int(j->earliest)};
    return db_batch(db, DB_INSERT, journal_table(), columns, 7, row, 1, NULL, err);
}

static int tip_write(struct journal *j, struct db *db, struct error *err) {
    static const uint16_t columns[] = {0, 1, 2, 3};
    unsigned char message[BLOCK_MESSAGE], signature[64];
    tip_message(j->next, j->head, message);
    message_sign(j, message, signature);
    struct value row[] = {value_int(1), value_int(j->next), value_blob(j->head, DIGEST_BYTES),
                          value_blob(signature, sizeof signature)};
    return db_batch(db, DB_UPSERT, journal_tip_table(), columns, 4, row, 1, NULL, err);
}

int journal_flush(struct journal *j, struct db *db, instant at, struct error *err) {
    if (!j->open) return error_set(err, E_USAGE, "journal", "no transaction is open");
    const struct buf *b = &j->block;
    int rc = 0;
    chain_all(j);
    if (at < j->latest) at = j->latest; /* no entry of a block is later than the block says */
    for (size_t i = 0; i < j->n_cuts; i++) {
        const struct journal_cut *cut = &j->cuts[i];
        bool last = i + 1 == j->n_cuts;
        size_t end = last ? b->n : cut[1].start - DIGEST_BYTES;
        const unsigned char *head = last ? j->head : (const unsigned char *)b->s + end;
        rc = block_write(j, db, cut->first, (last ? j->next : cut[1].first) - cut->first, at, (struct text){b->s + cut->start, end - cut->start}, head, err);
        if (rc < 0) return rc;
    }
    if (b->n && (rc = tip_write(j, db, err)) < 0) return rc;
    j->signed_next = j->next;
    memcpy(j->signed_head, j->head, sizeof j->head);
    journal_abandon(j);
    return 0;
}

/* ---- reading */

static int one_number(struct db *db, const char *sql, struct value param, int64_t fallback, int64_t *ret, struct error *err) {
    struct arena a = {0};
    struct value v = value_null();
    int rc = db_scalar(db, &a, sql, &param, param.kind == VALUE_INT, &v, err);
    if (!rc) *ret = value_int_or(v, fallback);
    arena_clear(&a);
    return rc;
}

int journal_window(struct db *db, instant since, instant until, int64_t *ret_from, int64_t *ret_to, struct error *err) {
    int64_t from = 1, to = 1, tip = 1, last = 0, old = 0;
    int rc = one_number(db, "SELECT \"next\" FROM \"journal_tip\" WHERE \"id\" = 1", value_null(), 1, &tip, err);
    to = tip;
    if (!rc && since != INSTANT_NONE) rc = one_number(db, "SELECT MIN(\"first\") FROM \"journal\" WHERE \"at\" >= ?1", value_int(since), tip, &from, err);
    if (!rc && until != INSTANT_NONE) {
        rc = one_number(db, "SELECT MAX(\"first\") FROM \"journal\" WHERE \"earliest\" < ?1", value_int(until), 0, &last, err);
        if (!rc) rc = one_number(db, "SELECT MAX(\"first\") FROM \"journal\" WHERE \"earliest\" IS NULL", value_null(), 0, &old, err);
        last = last > old ? last : old;
        if (!rc) rc = one_number(db, "SELECT \"first\" + \"n\" FROM \"journal\" WHERE \"first\" = ?1", value_int(last), 1, &to, err);
    }
    if (rc < 0) return rc;
    *ret_from = from;
    *ret_to = to > from ? to : from;
    return 0;
}

static int block_corrupt(struct error *err, int64_t first) {
    return error_set(err, E_CORRUPT, "journal",
                     "the block that begins with entry %lld is damaged: run verify", (long long)first);
}

int journal_read(struct db *db, int64_t seq, struct arena *a, struct journal_entry *ret, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value key = value_int(seq);
    int rc = db_query(db,
                      "SELECT \"first\", \"n\", \"bytes\" FROM \"journal\" WHERE \"first\" <= ?1 ORDER BY "
                      "\"first\" DESC LIMIT 1",
                      &key, 1, &c, err);
    if (rc < 0) return rc;
    rc = db_next(c, &row, err);
    if (rc < 0) goto out;
    if (rc == 0 || row[0].kind != VALUE_INT || row[0].i < 1 || row[1].kind != VALUE_INT ||
        seq - row[0].i >= row[1].i) {
        rc = error_set(err, E_UNKNOWN, "journal", "there is no entry %lld", (long long)seq);
        goto out;
    }
    int64_t first = row[0].i;
    struct text bytes = value_view(row[2]), payload = {NULL, 0};
    const unsigned char *hash;
    size_t pos = 0;
    for (int64_t left = seq - first; left >= 0; left--) {
        if (block_next(bytes, &pos, &payload, &hash) == 1) continue;
        rc = block_corrupt(err, first);
        goto out;
    }
    struct text copy = arena_text(a, payload);
    struct journal_entry e;
    if (!copy.s)
        rc = error_set(err, E_MEMORY, "journal", "out of memory for an entry");
    else if (entry_decode(copy, &e) < 0 || e.seq != seq)
        rc = block_corrupt(err, first);
    else {
        *ret = e;
        rc = 0;
    }
out:
    db_cursor_close(c);
    return rc;
}

/* 0 to go on, 1 when the visitor has seen enough. */
static int block_visit(int64_t first, struct text bytes, int64_t from, int64_t to,
                       int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err) {
    struct text payload;
    const unsigned char *hash;
    size_t pos = 0;
    for (int64_t seq = first;; seq++) {
        int rc = block_next(bytes, &pos, &payload, &hash);
        if (rc < 0) return block_corrupt(err, first);
        if (rc == 0 || seq >= to) return 0;
        if (seq < from) continue;
        struct journal_entry e;
        if (entry_decode(payload, &e) < 0 || e.seq != seq) return block_corrupt(err, first);
        rc = visit(&e, arg);
        if (rc) return rc < 0 ? rc : 1;
    }
}

int journal_scan(struct db *db, int64_t from, int64_t to,
                 int (*visit)(const struct journal_entry *e, void *arg), void *arg, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value range[] = {value_int(from), value_int(to)};
    int rc = db_query(db,
                      "SELECT \"first\", \"bytes\" FROM \"journal\" WHERE \"first\" >= (SELECT "
                      "COALESCE(MAX(\"first\"), 0) FROM "
                      "\"journal\" WHERE \"first\" <= ?1) AND \"first\" < ?2 ORDER BY \"first\"",
                      range, 2, &c, err);
    if (rc < 0) return rc;
    while ((rc = db_next(c, &row, err)) > 0) {
        rc = row[0].kind == VALUE_INT ? block_visit(row[0].i, value_view(row[1]), from, to, visit, arg, err)
                                      : block_corrupt(err, from);
        if (rc) break;
    }
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

#include "ledger/journal_block.h"

#include <sodium.h>
#include <string.h>

static uint64_t zigzag(int64_t v) {
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t u) {
    return (int64_t)(u >> 1 ^ (0 - (u & 1)));
}

/* A number at out; returns the bytes used, 10 at most. */
static size_t number_at(unsigned char *out, uint64_t v) {
    size_t n = 0;
    do {
        out[n] = (unsigned char)(v & 0x7F);
        v >>= 7;
        if (v) out[n] |= 0x80;
        n++;
    } while (v);
    return n;
}

static void put_text(struct buf *out, struct text t) {
    if (!t.n) {
        buf_char(out, 0);
        return;
    }
    buf_varint(out, t.n);
    buf_text(out, t);
}

static bool get_text(struct text t, size_t *pos, struct text *ret) {
    uint64_t n;
    if (!text_varint(t, pos, &n) || n > t.n - *pos) return false;
    *ret = (struct text){t.s + *pos, (size_t)n};
    *pos += (size_t)n;
    return true;
}

/* ---- entries */

int entry_encode(const struct journal_entry *e, int64_t seq, struct buf *out) {
    unsigned char head[64];
    size_t n = number_at(head, (uint64_t)seq);
    n += number_at(head + n, zigzag(e->at));
    head[n++] = (unsigned char)e->verb;
    n += number_at(head + n, zigzag(e->record));
    n += number_at(head + n, zigzag(e->version));
    n += number_at(head + n, zigzag(e->previous));
    n += number_at(head + n, zigzag(e->import));
    buf_add(out, head, n);
    put_text(out, e->reg);
    put_text(out, e->actor);
    put_text(out, e->reason);
    put_text(out, e->purpose);
    put_text(out, e->before);
    put_text(out, e->after);
    if (e->region.n) put_text(out, e->region); /* entries of old end here */
    return out->failed;
}

bool entry_seq(struct text payload, int64_t *ret) {
    uint64_t u;
    size_t pos = 0;
    if (!text_varint(payload, &pos, &u) || u > INT64_MAX) return false;
    *ret = (int64_t)u;
    return true;
}

int entry_decode(struct text payload, struct journal_entry *ret) {
    struct journal_entry e = {0};
    uint64_t seq, at, record, version, previous, import;
    size_t pos = 0;
    if (!text_varint(payload, &pos, &seq) || seq > INT64_MAX || !text_varint(payload, &pos, &at) ||
        pos >= payload.n)
        return E_CORRUPT;
    e.seq = (int64_t)seq;
    e.at = unzigzag(at);
    e.verb = (unsigned char)payload.s[pos++];
    if (e.verb == 0 || !text_varint(payload, &pos, &record) || !text_varint(payload, &pos, &version) ||
        !text_varint(payload, &pos, &previous) || !text_varint(payload, &pos, &import))
        return E_CORRUPT;
    e.record = unzigzag(record);
    if (unzigzag(version) > INT32_MAX || unzigzag(version) < INT32_MIN) return E_CORRUPT;
    e.version = (int32_t)unzigzag(version);
    e.previous = unzigzag(previous);
    e.import = unzigzag(import);
    if (!get_text(payload, &pos, &e.reg) || !get_text(payload, &pos, &e.actor) ||
        !get_text(payload, &pos, &e.reason) || !get_text(payload, &pos, &e.purpose) ||
        !get_text(payload, &pos, &e.before) || !get_text(payload, &pos, &e.after))
        return E_CORRUPT;
    if (pos < payload.n && (!get_text(payload, &pos, &e.region) || !e.region.n)) return E_CORRUPT;
    if (pos != payload.n) return E_CORRUPT;
    *ret = e;
    return 0;
}

void chain_step(unsigned char head[DIGEST_BYTES], struct text payload) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, DIGEST_BYTES);
    crypto_generichash_update(&state, head, DIGEST_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)payload.s, payload.n);
    crypto_generichash_final(&state, head, DIGEST_BYTES);
}

int block_next(struct text bytes, size_t *pos, struct text *ret_payload, const unsigned char **ret_hash) {
    if (*pos == 0) {
        if (bytes.n == 0 || bytes.s[0] != BLOCK_FORMAT) return E_CORRUPT;
        *pos = 1;
    }
    if (*pos == bytes.n) return 0;
    if (*pos > bytes.n || bytes.n - *pos < 4 + BLOCK_HASH) return E_CORRUPT;
    const unsigned char *p = (const unsigned char *)bytes.s + *pos;
    size_t n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (n > bytes.n - *pos - 4 - BLOCK_HASH) return E_CORRUPT;
    *ret_payload = (struct text){(const char *)p + 4, n};
    *ret_hash = p + 4 + n;
    *pos += 4 + n + BLOCK_HASH;
    return 1;
}

/* ---- signatures */

static unsigned char *put_64(unsigned char *p, int64_t v) {
    for (int i = 0; i < 8; i++) *p++ = (unsigned char)((uint64_t)v >> (8 * i));
    return p;
}

void block_message(int64_t first, int64_t n, instant at, const unsigned char head[DIGEST_BYTES],
                   unsigned char out[BLOCK_MESSAGE]) {
    memcpy(out, "tocsin-block-001", 16);
    memcpy(put_64(put_64(put_64(out + 16, first), n), at), head, DIGEST_BYTES);
}

void tip_message(int64_t next, const unsigned char head[DIGEST_BYTES], unsigned char out[BLOCK_MESSAGE]) {
    memcpy(out, "tocsin-tip-00001", 16);
    memcpy(put_64(put_64(put_64(out + 16, next), 0), 0), head, DIGEST_BYTES);
}

bool message_signed(const unsigned char message[BLOCK_MESSAGE], const unsigned char signature[64],
                    const unsigned char public_key[32]) {
    return crypto_sign_verify_detached(signature, message, BLOCK_MESSAGE, public_key) == 0;
}

/* ---- cells */

static size_t cell_head(unsigned char head[JOURNAL_CELL_HEAD], size_t field, struct value v) {
    size_t n = number_at(head, (uint64_t)field + 1);
    head[n++] = (unsigned char)v.kind;
    if (v.kind == VALUE_INT)
        n += number_at(head + n, zigzag(v.i));
    else if (v.kind != VALUE_NULL)
        n += number_at(head + n, v.n);
    return n;
}

int journal_cells(struct buf *out, size_t field, struct value v) {
    if (v.kind == VALUE_ABSENT) return 0;
    unsigned char head[JOURNAL_CELL_HEAD];
    buf_add(out, head, cell_head(head, field, v));
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) buf_text(out, value_view(v));
    return out->failed;
}

size_t journal_cell_put(char *out, size_t field, struct value v) {
    if (v.kind == VALUE_ABSENT) return 0;
    size_t n = cell_head((unsigned char *)out, field, v);
    if ((v.kind != VALUE_TEXT && v.kind != VALUE_BLOB) || !v.n) return n;
    memcpy(out + n, v.s, v.n);
    return n + v.n;
}

int journal_cells_end(struct buf *out) {
    return buf_char(out, 0);
}

static int cells_corrupt(struct error *err) {
    return error_set(err, E_CORRUPT, NULL, "the cells of a journal entry are damaged");
}

int journal_cells_next(struct text cells, size_t *pos, size_t *ret_field, struct value *ret,
                       struct error *err) {
    enum { FIELDS_MAX = 1 << 20 };
    uint64_t field, u;
    size_t at = *pos;
    if (cells.n == 0) return 0;
    if (at >= cells.n || !text_varint(cells, &at, &field)) return cells_corrupt(err);
    if (field == 0) return at == cells.n ? 0 : cells_corrupt(err);
    if (field > FIELDS_MAX || at >= cells.n) return cells_corrupt(err);
    struct value v = {.kind = (unsigned char)cells.s[at++]};
    struct text t;
    switch (v.kind) {
    case VALUE_NULL:
        break;
    case VALUE_INT:
        if (!text_varint(cells, &at, &u)) return cells_corrupt(err);
        v.i = unzigzag(u);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        if (!get_text(cells, &at, &t) || t.n > UINT32_MAX) return cells_corrupt(err);
        v.s = t.s;
        v.n = (uint32_t)t.n;
        break;
    default:
        return cells_corrupt(err);
    }
    *pos = at;
    *ret_field = (size_t)field - 1;
    *ret = v;
    return 1;
}

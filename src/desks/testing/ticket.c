#include "desks/testing/ticket.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/instant.h"

enum { TAG = 16, BYTES = TAG + 8 };

/* Two keyed hashes of 64 bits, the person in the text of both. */
static void tag_of(const struct vault *v, int64_t person, unsigned char tag[TAG]) {
    for (int half = 0; half < 2; half++) {
        char text[64];
        int n = snprintf(text, sizeof text, "result ticket %d of person %lld", half, (long long)person);
        int64_t hash = vault_print(v, (struct text){text, (size_t)n});
        memcpy(tag + 8 * half, &hash, 8);
    }
}

/* What hides the person: it depends on the tag, so that near ids have nothing in common. */
static int64_t mask_of(const struct vault *v, const unsigned char tag[TAG]) {
    unsigned char text[12 + TAG] = "ticket mask ";
    memcpy(text + 12, tag, TAG);
    return vault_print(v, (struct text){(const char *)text, sizeof text});
}

void ticket_make(const struct vault *v, int64_t person, char out[TICKET_CHARS + 1]) {
    unsigned char bytes[BYTES];
    tag_of(v, person, bytes);
    int64_t hidden = person ^ mask_of(v, bytes);
    memcpy(bytes + TAG, &hidden, 8);
    sodium_bin2base64(out, TICKET_CHARS + 1, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int64_t ticket_person(const struct vault *v, struct text ticket) {
    unsigned char bytes[BYTES] = {0}, tag[TAG];
    size_t n = 0;
    bool whole = ticket.n == TICKET_CHARS && sodium_base642bin(bytes, sizeof bytes, ticket.s, ticket.n, NULL, &n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 && n == sizeof bytes;
    int64_t hidden;
    memcpy(&hidden, bytes + TAG, 8);
    int64_t person = hidden ^ mask_of(v, bytes);
    tag_of(v, person, tag);
    bool ours = sodium_memcmp(tag, bytes, TAG) == 0;
    return whole && ours && person > 0 ? person : INT64_MAX; /* the store asks for it all the same */
}

int ticket_issue(struct ledger *l, const struct session *s, int64_t person, char out[TICKET_CHARS + 1], struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("person"));
    struct arena a = {0};
    struct record r;
    if (!reg) return error_set(err, E_UNKNOWN, "person", "there is no such register / 没有该登记册");
    if (!text_trim(s->purpose).n) return error_set(err, E_DENIED, "purpose", "a ticket is given out for a purpose / 发放查询凭证须说明目的");
    int rc = record_get(l, l->db, s, reg, person, &a, &r, err);
    if (!rc) rc = access_check(s, ACCESS_OPEN, reg, r.region, err);
    if (!rc) rc = ledger_opened(l, s, reg, person, err);
    if (!rc) ticket_make(l->vault, person, out);
    arena_clear(&a);
    return rc;
}

/* What is not released is still at work, whatever the laboratory has by now. */
static const char *const sql =
    "SELECT at, result, told FROM ("
    "SELECT \"swabbed_at\" AS at, \"result\" AS result, \"told_at\" AS told FROM \"swab\" WHERE \"person\" = COALESCE((SELECT \"merged_into\" FROM \"person\" WHERE \"id\" = ?1), ?1)"
    " UNION ALL SELECT \"sampled_at\", \"result\", \"result_at\" FROM \"test\" WHERE \"person\" = COALESCE((SELECT \"merged_into\" FROM \"person\" WHERE \"id\" = ?1), ?1)"
    ") AS own ORDER BY at DESC LIMIT 5";

static void put_time(struct buf *out, const char *name, struct value v, int32_t zone_s) {
    char at[INSTANT_TEXT];
    buf_printf(out, ",\"%s\":", name);
    if (v.kind != VALUE_INT) {
        buf_str(out, "null");
        return;
    }
    instant_format(v.i, zone_s, at);
    buf_printf(out, "\"%s\"", at);
}

int ticket_results(struct ledger *l, struct db *db, int64_t person, struct buf *out, struct error *err) {
    struct value p = value_int(person);
    struct db_cursor *c = NULL;
    const struct value *row;
    const struct codelist *words = codelist_find(l->catalog, TEXT("test_result"));
    int n = 0, rc = db_query(db, sql, &p, 1, &c, err);
    buf_str(out, "{\"results\":[");
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        struct text result = value_view(row[1]);
        const struct code *word = words ? code_find(words, result) : NULL;
        buf_printf(out, "%s{\"result\":\"%.*s\",\"zh\":\"%s\",\"en\":\"%s\"", n++ ? "," : "", (int)result.n, result.s, word ? word->zh.s : "", word ? word->en.s : "");
        put_time(out, "sampled_at", row[0], l->zone_s);
        put_time(out, "told_at", row[2], l->zone_s);
        buf_char(out, '}');
        rc = 0;
    }
    db_cursor_close(c);
    buf_str(out, "]}");
    return rc < 0 ? rc : out->failed ? error_set(err, out->failed, NULL, "%s / %s", error_text(out->failed), error_text_zh(out->failed)) : 0;
}

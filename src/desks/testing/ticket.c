#include "desks/testing/ticket.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "desks/person.h"

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

/* ---- answers */

struct own_result {
    int64_t person;
    struct value at, result, told;
};

struct asked {
    struct arena a;
    size_t n, n_ids;
    int64_t whose[TICKET_TOGETHER]; /* of each ask: the person, or who that one was merged into */
    int64_t ids[TICKET_TOGETHER];   /* the same ascending and distinct */
    struct own_result *list;
    size_t n_list, cap;
};

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void collect_ids(struct asked *x) {
    size_t k = 0;
    memcpy(x->ids, x->whose, x->n * sizeof *x->ids);
    qsort(x->ids, x->n, sizeof *x->ids, by_id);
    for (size_t i = 0; i < x->n; i++)
        if (!k || x->ids[k - 1] != x->ids[i]) x->ids[k++] = x->ids[i];
    x->n_ids = k;
}

static int own_row(void *arg, const struct value *row, struct error *err) {
    struct asked *x = arg;
    if (!arena_room(&x->a, &x->list, &x->cap, x->n_list + 1, sizeof *x->list)) return error_memory(err);
    struct own_result *own = &x->list[x->n_list++];
    *own = (struct own_result){.person = row[0].i, .at = row[1], .told = row[3]};
    return value_copy(&x->a, row[2], &own->result) ? 0 : error_memory(err);
}

/* By person, the newest first. */
static int newest(const void *a, const void *b) {
    const struct own_result *x = a, *y = b;
    int64_t p = value_int_or(x->at, INT64_MIN), q = value_int_or(y->at, INT64_MIN);
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    return (p < q) - (p > q);
}

/* The last of each person, so that who was tested every day of a year costs no more. What is not released is still at work, whatever the laboratory has by now. */
#define LAST(at, told, table)                                                                                                                                              \
    "SELECT person, at, result, told FROM (SELECT \"person\" AS person, \"" at "\" AS at, \"result\" AS result, \"" told "\" AS told, "                                     \
    "ROW_NUMBER() OVER (PARTITION BY \"person\" ORDER BY \"" at "\" DESC) AS nth FROM \"" table "\" WHERE \"person\""

static int read_all(struct asked *x, struct db *db, struct error *err) {
    static const char *const last = ") AS own WHERE nth <= 5";
    _Static_assert(TICKET_RESULTS == 5, "said in SQL");
    int rc = person_now(db, x->whose, x->n, err);
    collect_ids(x);
    if (!rc) rc = db_query_in(db, LAST("swabbed_at", "told_at", "swab"), last, x->ids, x->n_ids, own_row, x, err);
    if (!rc) rc = db_query_in(db, LAST("sampled_at", "result_at", "test"), last, x->ids, x->n_ids, own_row, x, err);
    if (!rc && x->n_list) qsort(x->list, x->n_list, sizeof *x->list, newest);
    return rc;
}

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

static void put_results(const struct ledger *l, const struct asked *x, int64_t person, struct buf *out) {
    const struct codelist *words = codelist_find(l->catalog, TEXT("test_result"));
    int n = 0;
    buf_str(out, "{\"results\":[");
    for (size_t i = 0; i < x->n_list && n < TICKET_RESULTS; i++) {
        const struct own_result *own = &x->list[i];
        if (own->person != person) continue;
        struct text result = value_view(own->result);
        const struct code *word = words ? code_find(words, result) : NULL;
        buf_printf(out, "%s{\"result\":\"%.*s\",\"zh\":\"%s\",\"en\":\"%s\"", n++ ? "," : "", (int)result.n, result.s, word ? word->zh.s : "", word ? word->en.s : "");
        put_time(out, "sampled_at", own->at, l->zone_s);
        put_time(out, "told_at", own->told, l->zone_s);
        buf_char(out, '}');
    }
    buf_str(out, "]}");
}

int ticket_results(struct ledger *l, struct db *db, const struct ticket_ask *asks, size_t n, struct error *err) {
    int rc = 0;
    for (size_t from = 0; !rc && from < n; from += TICKET_TOGETHER) {
        struct asked x = {.n = n - from < TICKET_TOGETHER ? n - from : TICKET_TOGETHER};
        for (size_t i = 0; i < x.n; i++) x.whose[i] = asks[from + i].person;
        rc = read_all(&x, db, err);
        for (size_t i = 0; !rc && i < x.n; i++) put_results(l, &x, x.whose[i], asks[from + i].out);
        arena_clear(&x.a);
    }
    return rc;
}

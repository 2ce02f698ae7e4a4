/* Cursors: a place in an order, sealed for one account and one query. Nobody can read where it stands or make one up. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "desks/list/inside.h"

enum { CLEAR = 17, SEALED = CLEAR + VAULT_OVERHEAD, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static int context_of(const struct session *s, const struct list_query *q, struct buf *out, struct error *err) {
    buf_printf(out, "list/%s/%llx/", q->reg->name.s, (unsigned long long)q->print);
    buf_text(out, s->account);
    return out->failed ? error_memory(err) : 0;
}

static void put_64(unsigned char *to, int64_t v) {
    for (int i = 0; i < 8; i++) to[i] = (unsigned char)((uint64_t)v >> (8 * i));
}

static int64_t get_64(const unsigned char *from) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v |= (uint64_t)from[i] << (8 * i);
    return (int64_t)v;
}

int list_cursor_write(struct ledger *l, const struct session *s, const struct list_query *q, const struct list_place *p, struct arena *a, struct text *ret,
                      struct error *err) {
    unsigned char clear[CLEAR], sealed[SEALED];
    struct buf context = {0};
    struct vault_key key;
    clear[0] = (unsigned char)((p->backward ? 1 : 0) | (p->null ? 2 : 0));
    put_64(clear + 1, p->key);
    put_64(clear + 9, p->id);
    int rc = context_of(s, q, &context, err);
    char *text = rc < 0 ? NULL : arena_alloc(a, sodium_base64_ENCODED_LEN(SEALED, VARIANT));
    if (rc == 0 && !text) rc = error_memory(err);
    if (rc == 0) {
        vault_common_key(l->vault, &key);
        size_t n = vault_seal(&key, &l->secret, buf_view(&context), (struct text){(const char *)clear, sizeof clear}, sealed);
        sodium_bin2base64(text, sodium_base64_ENCODED_LEN(SEALED, VARIANT), sealed, n, VARIANT);
        explicit_bzero(&key, sizeof key);
        *ret = text_of(text);
    }
    buf_clear(&context);
    return rc;
}

int list_cursor_read(struct ledger *l, const struct session *s, const struct list_query *q, struct list_place *ret, struct error *err) {
    static const char message[] = "the cursor is not of this list, these filters, this order and this account; begin anew without it / 游标不属于此查询,请去掉 cursor 从头开始";
    unsigned char sealed[SEALED];
    struct buf context = {0};
    struct arena a = {0};
    struct vault_key key;
    struct text clear;
    size_t n = 0;
    *ret = (struct list_place){0};
    if (!q->cursor.n) return 0;
    if (sodium_base642bin(sealed, sizeof sealed, q->cursor.s, q->cursor.n, NULL, &n, NULL, VARIANT) != 0 || n != SEALED)
        return error_set(err, E_INVALID, "cursor", "%s", message);
    int rc = context_of(s, q, &context, err);
    if (rc == 0) {
        vault_common_key(l->vault, &key);
        rc = vault_unseal(&key, buf_view(&context), (struct text){(const char *)sealed, n}, &a, &clear, NULL);
        explicit_bzero(&key, sizeof key);
        if (rc == E_MEMORY) rc = error_set(err, rc, NULL, "out of memory");
        else if (rc < 0 || clear.n != CLEAR) rc = error_set(err, E_INVALID, "cursor", "%s", message);
    }
    if (rc == 0) {
        const unsigned char *c = (const unsigned char *)clear.s;
        *ret = (struct list_place){.set = true, .backward = c[0] & 1, .null = (c[0] & 2) != 0, .key = get_64(c + 1), .id = get_64(c + 9)};
    }
    arena_clear(&a);
    buf_clear(&context);
    return rc;
}

int list_mark_write(struct ledger *l, const struct session *s, const char *what, int64_t print, int64_t key, int64_t id, struct arena *a, struct text *ret,
                    struct error *err) {
    struct register_decl order = {.name = text_of(what)};
    struct list_query q = {.reg = &order, .print = print};
    return list_cursor_write(l, s, &q, &(struct list_place){.key = key, .id = id}, a, ret, err);
}

int list_mark_read(struct ledger *l, const struct session *s, const char *what, int64_t print, struct text cursor, int64_t *ret_key, int64_t *ret_id,
                   struct error *err) {
    struct register_decl order = {.name = text_of(what)};
    struct list_query q = {.reg = &order, .print = print, .cursor = cursor};
    struct list_place place;
    int rc = list_cursor_read(l, s, &q, &place, err);
    if (rc < 0) return rc;
    *ret_key = place.key;
    *ret_id = place.id;
    return 0;
}

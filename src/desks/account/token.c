/* Machine tokens: what a device or an import may do, less than the account it borrows from. */
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

enum { TOKENS_MAX = 50, NAME_CHARS = 100, LIST_MAX = 4096 };

static struct text cut(struct text *list) {
    const char *end = list->n ? memchr(list->s, ';', list->n) : NULL;
    struct text word = {list->s, end ? (size_t)(end - list->s) : list->n};
    *list = end ? (struct text){end + 1, list->n - word.n - 1} : (struct text){list->s + list->n, 0};
    return word;
}

static bool administers(struct text role) {
    return text_is(role, "root") || text_is(role, "system") || text_is(role, "security") || text_is(role, "auditor");
}

struct making {
    const struct account_seat *seat;
    const struct account_who *who;
    const struct account_token_wish *w;
    char token[ACCOUNT_TOKEN + 1];
    int64_t id;
};

/* The roles it gets: those wished for, all of which the account must have; never an administrator's. */
static int roles_of(const struct account_token_wish *w, const struct holder *h, struct buf *out, struct error *err) {
    struct text wanted = w->roles.n ? w->roles : h->roles;
    while (wanted.n) {
        struct text role = cut(&wanted);
        if (!role.n) continue;
        if (w->roles.n && !grant_among(h->roles, role))
            return error_set(err, E_DENIED, "roles", "the account does not have role %.*s / 该账户没有此角色", (int)(role.n < 40 ? role.n : 40), role.s);
        if (administers(role)) {
            if (!w->roles.n) continue;
            return error_set(err, E_DENIED, "roles", "no token administers / 令牌不得含管理员角色");
        }
        if (out->n) buf_char(out, ';');
        buf_text(out, role);
    }
    if (!out->n) return error_set(err, E_DENIED, "roles", "nothing is left that a token could do / 没有可授予令牌的角色");
    return out->failed ? error_memory(err) : 0;
}

/* Tokens of others are role security's matter; everybody else hears the same of who is there and of who is not. */
static int nobody(struct error *err) {
    return error_set(err, E_UNKNOWN, "login", "no such account / 没有此账户");
}

static int check_wish(struct ledger *l, const struct making *m, const struct holder *h, char region[REGION_MAX + 1], struct error *err) {
    const struct account_token_wish *w = m->w;
    const struct session *s = &m->who->session;
    struct text registers = w->registers, name = text_trim(w->name);
    if (m->who->machine || s->limit) return error_set(err, E_DENIED, "token", "no token makes tokens / 令牌不得生成令牌");
    if (!text_eq(h->login, s->account) && !grant_held(s, "security", h->region))
        return nobody(err);
    if (!name.n || name.n > NAME_CHARS || !text_utf8_valid(name) || memchr(name.s, 0, name.n))
        return error_set(err, E_INVALID, "name", "say what the token is for, in at most %d bytes / 请注明用途", NAME_CHARS);
    if (w->expires_at <= s->now || w->expires_at > s->now + ACCOUNT_TOKEN_LIFE_S)
        return error_set(err, E_INVALID, "expires_at", "a token ends within %d days / 令牌有效期不超过 %d 天", ACCOUNT_TOKEN_LIFE_S / DAY_S, ACCOUNT_TOKEN_LIFE_S / DAY_S);
    if (w->open && !m->who->factor)
        return error_set(err, E_DENIED, "open", "a token that opens sealed fields is made in a session with a second factor / 须经双因素验证");
    while (registers.n) {
        struct text one = cut(&registers);
        if (one.n && !register_find(l->catalog, one))
            return error_set(err, E_UNKNOWN, "registers", "no register %.*s / 没有该登记册", (int)(one.n < 40 ? one.n : 40), one.s);
    }
    region[0] = '\0';
    if (w->region.n && (!region_canonical(w->region, region) || !region_within(text_of(region), h->region)))
        return error_set(err, E_DENIED, "region", "the token's region is not within the account's / 令牌区域超出账户区域");
    return w->registers.n > LIST_MAX ? error_set(err, E_TOO_LARGE, "registers", "too many registers / 登记册过多") : 0;
}

static int make(struct ledger *l, void *arg, struct error *err) {
    struct making *m = arg;
    const struct account_token_wish *w = m->w;
    const struct session *s = &m->who->session;
    struct arena a = {0};
    struct buf roles = {.max = LIST_MAX};
    struct holder h;
    struct value n = value_null();
    uint16_t all[TOKEN_COLUMNS];
    char region[REGION_MAX + 1], hash[HASH_TEXT + 1], what[160];
    for (uint16_t i = 0; i < TOKEN_COLUMNS; i++) all[i] = i;
    int found = holder_by_login(l, w->login, &a, &h, err), rc = found < 0 ? found : 0;
    if (!found) h = (struct holder){.region = l->region};
    if (!rc) rc = check_wish(l, m, &h, region, err);
    if (!rc && !found) rc = nobody(err);
    if (!rc) rc = roles_of(w, &h, &roles, err);
    struct value counted[] = {value_int(rc ? 0 : h.id), value_int(s->now)};
    if (!rc) rc = db_run(l->db, "DELETE FROM \"account_token\" WHERE \"account\" = ?1 AND \"expires_at\" <= ?2", counted, 2, NULL, err);
    if (!rc) rc = db_scalar(l->db, &a, "SELECT count(*) FROM \"account_token\" WHERE \"account\" = ?1", counted, 1, &n, err);
    if (!rc && value_int_or(n, 0) >= TOKENS_MAX) rc = error_set(err, E_REFUSED, "token", "an account has at most %d tokens / 令牌过多", TOKENS_MAX);
    if (!rc) {
        memcpy(m->token, "tocsin_", 7);
        mark_new(&l->secret, m->token + 7);
        mark_hash(text_of(m->token), hash);
        m->id = id_new(&l->secret);
        const struct value row[TOKEN_COLUMNS] = {
            [TOKEN_HASH] = value_str(hash),
            [TOKEN_ID] = value_int(m->id),
            [TOKEN_ACCOUNT] = value_int(h.id),
            [TOKEN_NAME] = value_text(text_trim(w->name)),
            [TOKEN_ROLES] = value_text(buf_view(&roles)),
            [TOKEN_REGION] = value_str(region),
            [TOKEN_REGISTERS] = value_text(w->registers.s ? w->registers : TEXT("")),
            [TOKEN_VERBS] = value_int(1 << ACCESS_READ | (w->write ? 1 << ACCESS_WRITE : 0) | (w->open ? 1 << ACCESS_OPEN : 0)),
            [TOKEN_CREATED_AT] = value_int(s->now),
            [TOKEN_EXPIRES_AT] = value_int(w->expires_at),
            [TOKEN_USED_AT] = value_null(),
            [TOKEN_CREATED_BY] = value_text(s->account),
        };
        rc = db_batch(l->db, DB_INSERT, credential_token_table(), all, TOKEN_COLUMNS, row, 1, NULL, err);
    }
    if (!rc) {
        snprintf(what, sizeof what, "token %lld made%s%s: %.80s", (long long)m->id, w->write ? ", writes" : "", w->open ? ", opens" : "", buf_cstr(&roles));
        rc = account_event(l, s, JOURNAL_TOKEN, h.id, what, err);
    }
    buf_clear(&roles);
    arena_clear(&a);
    return rc;
}

int account_token_new(const struct account_seat *seat, const struct account_who *who, const struct account_token_wish *w, char ret_token[ACCOUNT_TOKEN + 1],
                      int64_t *ret_id, struct error *err) {
    struct making m = {.seat = seat, .who = who, .w = w};
    int rc = seat_write(seat, make, &m, who->session.now, err);
    if (!rc) {
        memcpy(ret_token, m.token, sizeof m.token);
        if (ret_id) *ret_id = m.id;
    }
    sodium_memzero(m.token, sizeof m.token);
    return rc;
}

/* ---- revoking */

struct revoking {
    const struct session *s;
    int64_t id;
};

static int revoke(struct ledger *l, void *arg, struct error *err) {
    struct revoking *r = arg;
    struct arena a = {0};
    struct holder h;
    struct value v = value_null(), id = value_int(r->id);
    char what[64];
    int rc = db_scalar(l->db, &a, "SELECT \"account\" FROM \"account_token\" WHERE \"id\" = ?1 LIMIT 1", &id, 1, &v, err);
    if (!rc && v.kind == VALUE_INT) rc = holder_by_id(l, v.i, &a, &h, err);
    if (rc == 0 || (rc > 0 && (r->s->limit || !(text_eq(h.login, r->s->account) || grant_held(r->s, "security", h.region)))))
        rc = error_set(err, E_UNKNOWN, "token", "no such token / 没有此令牌");
    if (rc > 0) rc = db_run(l->db, "DELETE FROM \"account_token\" WHERE \"id\" = ?1", &id, 1, NULL, err);
    snprintf(what, sizeof what, "token %lld revoked", (long long)r->id);
    if (!rc) rc = account_event(l, r->s, JOURNAL_TOKEN, h.id, what, err);
    if (!rc) l->accounts_changed = true;
    arena_clear(&a);
    return rc;
}

int account_token_revoke(const struct account_seat *seat, const struct session *s, int64_t id, struct error *err) {
    struct revoking r = {s, id};
    int rc = seat_write(seat, revoke, &r, s->now, err);
    if (!rc) cache_forget_id(seat->accounts->cache, id);
    return rc;
}

/* ---- listing */

static int add_tokens(struct ledger *l, const struct holder *h, instant now, struct arena *a, struct account_token_row **list, size_t *n, size_t *cap,
                      struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value params[] = {value_int(h->id), value_int(now)};
    int rc = db_query(l->db,
                      "SELECT \"id\",\"name\",\"roles\",\"region\",\"registers\",\"verbs\",\"created_at\",\"expires_at\",\"used_at\",\"created_by\" FROM "
                      "\"account_token\" WHERE \"account\" = ?1 AND \"expires_at\" > ?2 ORDER BY \"created_at\", \"id\"",
                      params, 2, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (!arena_room(a, list, cap, *n + 1, sizeof **list)) {
            rc = error_memory(err);
            break;
        }
        (*list)[(*n)++] = (struct account_token_row){.id = row[0].i, .login = h->login, .name = arena_text(a, value_view(row[1])), .roles = arena_text(a, value_view(row[2])),
                                                     .region = row[3].n ? arena_text(a, value_view(row[3])) : h->region, .registers = arena_text(a, value_view(row[4])),
                                                     .verbs = (unsigned)row[5].i, .created_at = row[6].i, .expires_at = row[7].i,
                                                     .used_at = value_int_or(row[8], INSTANT_NONE), .created_by = arena_text(a, value_view(row[9]))};
    }
    db_cursor_close(c);
    return rc;
}

int account_tokens(const struct account_seat *seat, const struct session *s, struct text login, struct arena *a, struct account_token_row **ret, size_t *ret_n,
                   struct error *err) {
    struct ledger *l = seat->ledger;
    struct account_token_row *list = NULL;
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0, cap = 0, n_ids = 0;
    int64_t *ids = arena_alloc(a, LIST_MAX * sizeof *ids);
    int rc = 0;
    if (!ids) return error_memory(err);
    if (s->limit) return error_set(err, E_DENIED, "token", "a token lists no tokens / 令牌不得查看令牌");
    if (login.n) {
        struct holder h;
        rc = holder_by_login(l, login, a, &h, err);
        if (rc == 0 || (rc > 0 && !text_eq(login, s->account) && !grant_held(s, "security", h.region) && !grant_held(s, "auditor", h.region)))
            rc = nobody(err);
        if (rc > 0) rc = add_tokens(l, &h, s->now, a, &list, &n, &cap, err);
    } else {
        rc = db_query(l->db, "SELECT DISTINCT \"account\" FROM \"account_token\" ORDER BY \"account\"", NULL, 0, &c, err);
        while (!rc && n_ids < LIST_MAX && (rc = db_next(c, &row, err)) > 0) {
            ids[n_ids++] = row[0].i;
            rc = 0;
        }
        db_cursor_close(c);
        for (size_t i = 0; !rc && i < n_ids; i++) {
            struct holder h;
            rc = holder_by_id(l, ids[i], a, &h, err);
            bool seen = rc > 0 && (text_eq(h.login, s->account) || grant_held(s, "security", h.region) || grant_held(s, "auditor", h.region));
            if (rc >= 0) rc = seen ? add_tokens(l, &h, s->now, a, &list, &n, &cap, err) : 0;
        }
    }
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}

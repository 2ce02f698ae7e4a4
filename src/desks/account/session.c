/* Sessions: started, asked for, rotated, listed, ended; the marks of known devices. */
#include <string.h>

#include "desks/account/inside.h"

enum { SESSIONS_MAX = 20, DEVICES_MAX = 20, ROWS_MAX = 1000 };

static struct text clipped(struct text t, size_t max, char out[AGENT_KEPT + 1]) {
    size_t n = 0;
    for (size_t pos = 0; pos < t.n;) {
        size_t from = pos;
        uint32_t c = text_codepoint(t, &pos);
        char bytes[4];
        size_t k = text_encode(c < ' ' || c == 0x7f ? '?' : c, bytes);
        if (n + k > max || pos == from) break;
        memcpy(out + n, bytes, k);
        n += k;
    }
    return (struct text){out, n};
}

/* ---- inside a transaction */

static int run1(struct ledger *l, const char *sql, const struct value *params, size_t n, struct error *err) {
    return db_run(l->db, sql, params, n, NULL, err);
}

/* Keeps the newest of an account. */
static int make_room(struct ledger *l, int64_t account, instant now, struct error *err) {
    struct value at = value_int(now), params[] = {value_int(account), value_int(SESSIONS_MAX - 1)};
    int rc = run1(l, "DELETE FROM \"account_session\" WHERE \"expires_at\" <= ?1", &at, 1, err);
    return rc ? rc
              : run1(l,
                     "DELETE FROM \"account_session\" WHERE \"hash\" IN (SELECT \"hash\" FROM \"account_session\" WHERE \"account\" = ?1 "
                     "ORDER BY \"created_at\" DESC LIMIT 1000000 OFFSET ?2)",
                     params, 2, err);
}

int session_start(struct ledger *l, const struct accounts *a, const struct session_start *o, instant now, struct account_signed *ret, struct error *err) {
    static const struct account_from nowhere;
    const struct account_from *from = o->from ? o->from : &nowhere;
    uint16_t all[SESSION_COLUMNS];
    char hash[HASH_TEXT + 1], address[AGENT_KEPT + 1], agent[AGENT_KEPT + 1];
    int64_t id = o->id ? o->id : id_new(&l->secret);
    for (uint16_t i = 0; i < SESSION_COLUMNS; i++) all[i] = i;
    mark_new(&l->secret, ret->cookie);
    mark_hash(text_of(ret->cookie), hash);
    const struct value row[SESSION_COLUMNS] = {
        [SESSION_HASH] = value_str(hash),
        [SESSION_ID] = value_int(id),
        [SESSION_ACCOUNT] = value_int(o->account),
        [SESSION_FACTOR] = value_int(o->factor),
        [SESSION_CREATED_AT] = value_int(o->created_at),
        [SESSION_ROTATED_AT] = value_int(now),
        [SESSION_SEEN_AT] = value_int(now),
        [SESSION_EXPIRES_AT] = value_int(o->expires_at),
        [SESSION_ADDRESS] = value_text(clipped(from->address, ADDRESS_KEPT, address)),
        [SESSION_AGENT] = value_text(clipped(from->agent, AGENT_KEPT, agent)),
    };
    int rc = make_room(l, o->account, now, err);
    if (!rc && o->replaces.n && o->grace) {
        struct value params[] = {value_text(o->replaces), value_int(now + ACCOUNT_GRACE_S)};
        rc = run1(l, "UPDATE \"account_session\" SET \"expires_at\" = ?2 WHERE \"hash\" = ?1 AND \"expires_at\" > ?2", params, 2, err);
    } else if (!rc && o->replaces.n) {
        struct value param = value_text(o->replaces);
        rc = run1(l, "DELETE FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1, err);
    }
    if (!rc) rc = db_batch(l->db, DB_INSERT, credential_session_table(), all, SESSION_COLUMNS, row, 1, NULL, err);
    if (rc < 0) return rc;
    session_csrf(a, id, ret->csrf);
    ret->expires_at = o->expires_at;
    return 0;
}

int session_end_all(struct ledger *l, int64_t account, struct text but_hash, struct error *err) {
    struct value params[] = {value_int(account), value_text(but_hash)};
    l->accounts_changed = true;
    return run1(l, "DELETE FROM \"account_session\" WHERE \"account\" = ?1 AND \"hash\" <> ?2", params, 2, err);
}

int session_now(const struct account_seat *seat, struct ledger *l, struct text cookie, instant now, struct arena *a, struct session_now *ret, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct session_now s;
    int64_t account = 0;
    instant seen = 0;
    if (!mark_shaped(cookie)) return unproven(err);
    memset(&s, 0, sizeof s);
    mark_hash(cookie, s.hash);
    struct value param = value_str(s.hash);
    int rc = db_query(l->db, "SELECT \"account\",\"id\",\"factor\",\"created_at\",\"seen_at\",\"expires_at\" FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1,
                      &c, err);
    if (!rc) rc = db_next(c, &row, err);
    if (rc > 0) {
        account = row[0].i;
        s.id = row[1].i;
        s.factor = row[2].i != 0;
        s.created_at = row[3].i;
        seen = row[4].i;
        s.expires_at = row[5].i;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    if (!rc || now >= s.expires_at || now - seen > seat->accounts->o.idle_s + SEEN_WRITTEN_S + FLUSH_S) return unproven(err);
    rc = holder_by_id(l, account, a, &s.holder, err);
    if (rc < 0) return rc;
    if (!rc) return unproven(err);
    rc = secret_read(l, account, a, &s.secret, err);
    if (rc < 0) return rc;
    if (!s.holder.active || s.secret.locked) return unproven(err);
    s.state = secret_state(seat->accounts, l->catalog, &s.holder, &s.secret, s.factor);
    *ret = s;
    return 0;
}

/* ---- devices */

int device_known(struct ledger *l, struct text mark, int64_t account, instant now, char ret_hash[HASH_TEXT + 1], bool *ret, struct error *err) {
    struct arena a = {0};
    struct value v = value_null();
    *ret = false;
    if (!mark_shaped(mark)) return 0;
    mark_hash(mark, ret_hash);
    struct value params[] = {value_str(ret_hash), value_int(account), value_int(now)};
    int rc = db_scalar(l->db, &a, "SELECT 1 FROM \"account_device\" WHERE \"hash\" = ?1 AND \"account\" = ?2 AND \"expires_at\" > ?3", params, 3, &v, err);
    if (!rc) *ret = v.kind == VALUE_INT;
    arena_clear(&a);
    return rc;
}

int device_add(struct ledger *l, int64_t account, instant now, char ret_mark[ACCOUNT_COOKIE + 1], struct error *err) {
    static const uint16_t all[DEVICE_COLUMNS] = {0, 1, 2, 3};
    char hash[HASH_TEXT + 1];
    mark_new(&l->secret, ret_mark);
    mark_hash(text_of(ret_mark), hash);
    const struct value row[DEVICE_COLUMNS] = {value_str(hash), value_int(account), value_int(now), value_int(now + ACCOUNT_DEVICE_S)};
    struct value params[] = {value_int(account), value_int(now), value_int(DEVICES_MAX - 1)};
    int rc = run1(l,
                  "DELETE FROM \"account_device\" WHERE \"account\" = ?1 AND (\"expires_at\" <= ?2 OR \"hash\" IN (SELECT \"hash\" FROM \"account_device\" "
                  "WHERE \"account\" = ?1 ORDER BY \"created_at\" DESC LIMIT 1000000 OFFSET ?3))",
                  params, 3, err);
    return rc ? rc : db_batch(l->db, DB_INSERT, credential_device_table(), all, DEVICE_COLUMNS, row, 1, NULL, err);
}

/* ---- on every request */

static void tell(const struct account_seat *seat, const struct entry_facts *f, instant now, struct account_who *who) {
    *who = (struct account_who){
        .session = {.account = f->login, .n_grants = f->n_grants, .grants = f->grants, .now = now},
        .account = f->account, .id = f->id, .login = f->login, .title = f->title, .region = f->region, .state = f->state, .machine = f->machine, .factor = f->factor,
        .rotate = !f->machine && now - f->rotated_at >= seat->accounts->o.rotate_s && f->expires_at > now + ACCOUNT_GRACE_S, .expires_at = f->expires_at};
    if (!f->machine) session_csrf(seat->accounts, f->id, who->csrf);
}

int account_session(const struct account_seat *seat, struct text cookie, instant now, struct arena *a, struct account_who *ret, struct error *err) {
    char hash[HASH_TEXT + 1];
    struct entry_facts f;
    if (!mark_shaped(cookie)) return unproven(err);
    mark_hash(cookie, hash);
    int rc = cache_get(seat, hash, false, now, a, &f, err);
    if (!rc) tell(seat, &f, now, ret);
    return rc;
}

int account_token(const struct account_seat *seat, struct text bearer, instant now, struct arena *a, struct account_who *ret, struct error *err) {
    char hash[HASH_TEXT + 1];
    struct entry_facts f;
    if (bearer.n != ACCOUNT_TOKEN || !text_starts(bearer, TEXT("tocsin_")) || !mark_shaped((struct text){bearer.s + 7, bearer.n - 7})) return unproven(err);
    mark_hash(bearer, hash);
    int rc = cache_get(seat, hash, true, now, a, &f, err);
    if (rc < 0) return rc;
    struct session_limit *limit = arena_alloc(a, sizeof *limit);
    if (!limit) return error_memory(err);
    *limit = (struct session_limit){.verbs = f.verbs, .n_registers = f.n_registers, .registers = f.registers};
    tell(seat, &f, now, ret);
    ret->session.limit = limit;
    return 0;
}

/* ---- rotation and last uses */

struct rotation {
    const struct account_seat *seat;
    struct text cookie;
    instant now;
    struct account_signed *ret;
};

static int rotate(struct ledger *l, void *arg, struct error *err) {
    struct rotation *r = arg;
    struct arena a = {0};
    struct session_now s;
    struct value address[2] = {value_null(), value_null()};
    int rc = session_now(r->seat, l, r->cookie, r->now, &a, &s, err);
    if (!rc) {
        struct value param = value_str(s.hash);
        rc = db_scalar(l->db, &a, "SELECT \"address\" FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1, &address[0], err);
        if (!rc) rc = db_scalar(l->db, &a, "SELECT \"agent\" FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1, &address[1], err);
    }
    struct account_from from = {.address = value_view(address[0]), .agent = value_view(address[1])};
    /* an id that was replaced a moment ago, by another window of the same browser, is not replaced again: what comes of it would end with it */
    if (!rc && s.expires_at > r->now + ACCOUNT_GRACE_S) {
        struct session_start o = {.from = &from, .account = s.holder.id, .id = s.id, .factor = s.factor, .created_at = s.created_at, .expires_at = s.expires_at,
                                  .replaces = text_of(s.hash), .grace = true};
        r->ret->state = s.state;
        rc = session_start(l, r->seat->accounts, &o, r->now, r->ret, err);
    }
    arena_clear(&a);
    return rc;
}

int account_rotate(const struct account_seat *seat, struct text cookie, instant now, struct account_signed *ret, struct error *err) {
    struct account_signed made = {0};
    struct rotation r = {seat, cookie, now, &made};
    char hash[HASH_TEXT + 1];
    int rc = seat_write(seat, rotate, &r, now, err);
    if (rc < 0) return rc;
    mark_hash(cookie, hash);
    if (made.cookie[0]) cache_forget(seat->accounts->cache, hash); /* it ends sooner now */
    *ret = made;
    return 0;
}

struct flushing {
    struct account_failures *failures;
    struct cache_seen rows[ROWS_MAX];
    size_t n;
};

static int flush(struct ledger *l, void *arg, struct error *err) {
    struct flushing *f = arg;
    int rc = failures_write(f->failures, l, err);
    for (size_t i = 0; !rc && i < f->n; i++) {
        struct value params[] = {value_str(f->rows[i].hash), value_int(f->rows[i].at)};
        rc = run1(l, f->rows[i].machine ? "UPDATE \"account_token\" SET \"used_at\" = ?2 WHERE \"hash\" = ?1"
                                        : "UPDATE \"account_session\" SET \"seen_at\" = ?2 WHERE \"hash\" = ?1", params, 2, err);
    }
    return rc;
}

int account_flush(const struct account_seat *seat, instant now, struct error *err) {
    bool due = cache_flush_due(seat->accounts->cache, now);
    if (!due && !failures_any(seat->accounts->failures)) return 0;
    struct flushing *f = mem_alloc(sizeof *f);
    if (!f) return error_memory(err);
    f->failures = seat->accounts->failures;
    if (due) f->n = cache_unwritten(seat->accounts->cache, f->rows, ROWS_MAX);
    int rc = f->n || failures_any(f->failures) ? seat_write(seat, flush, f, now, err) : 0;
    mem_free(f);
    return rc;
}

/* ---- ending */

struct ending {
    const struct session *s;
    struct text cookie, login;
    int64_t id, account;
    instant now;
    bool devices;
};

static int end_cookie(struct ledger *l, void *arg, struct error *err) {
    struct ending *e = arg;
    struct arena a = {0};
    struct holder h;
    struct value v = value_null();
    char hash[HASH_TEXT + 1];
    mark_hash(e->cookie, hash);
    struct value param = value_str(hash), id = value_null();
    int rc = db_scalar(l->db, &a, "SELECT \"account\" FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1, &v, err);
    if (!rc) rc = db_scalar(l->db, &a, "SELECT \"id\" FROM \"account_session\" WHERE \"hash\" = ?1", &param, 1, &id, err);
    if (!rc && v.kind == VALUE_INT) {
        rc = run1(l, "DELETE FROM \"account_session\" WHERE \"id\" = ?1", &id, 1, err); /* the one it was rotated from, too */
        if (!rc) rc = holder_by_id(l, v.i, &a, &h, err);
        struct session s = {.account = rc > 0 ? h.login : TEXT("system"), .now = e->now};
        if (rc >= 0) rc = account_event(l, &s, JOURNAL_SIGN_OUT, v.i, "session ended", err);
        e->id = id.i;
        l->accounts_changed = true;
    }
    arena_clear(&a);
    return rc;
}

int account_sign_out(const struct account_seat *seat, struct text cookie, instant now, struct error *err) {
    struct ending e = {.cookie = cookie, .now = now};
    if (!mark_shaped(cookie)) return 0;
    int rc = seat_write(seat, end_cookie, &e, now, err);
    if (!rc && e.id) cache_forget_id(seat->accounts->cache, e.id);
    return rc;
}

/* Whose it is, and may the session end or see it: the own, or by one of the roles over the account's region. */
static int reach(const struct session *s, const struct holder *h, bool look, struct error *err) {
    if (s->limit) return error_set(err, E_DENIED, "account", "a token manages no accounts / 令牌不得管理账户");
    if (text_eq(h->login, s->account) || grant_held(s, "security", h->region)) return 0;
    if (look && (grant_held(s, "system", h->region) || grant_held(s, "auditor", h->region))) return 0;
    return error_set(err, E_DENIED, "account", "another's sessions are role security's matter / 他人会话由安全管理员管理");
}

/* By login. Of who is not there he is told the same as of who is beyond his reach, as if he stood in the node's own region. */
static int reach_login(struct ledger *l, const struct session *s, struct text login, bool look, struct arena *a, struct holder *ret, struct error *err) {
    int found = holder_by_login(l, login, a, ret, err);
    if (found < 0) return found;
    if (!found) *ret = (struct holder){.region = l->region};
    int rc = reach(s, ret, look, err);
    return rc < 0 || found ? rc : error_set(err, E_UNKNOWN, "login", "no such account / 没有此账户");
}

static int end_everywhere(struct ledger *l, void *arg, struct error *err) {
    struct ending *e = arg;
    struct arena a = {0};
    struct holder h;
    int rc = reach_login(l, e->s, e->login, false, &a, &h, err);
    if (!rc) rc = session_end_all(l, h.id, TEXT(""), err);
    struct value account = value_int(rc ? 0 : h.id);
    if (!rc) rc = run1(l, "DELETE FROM \"account_device\" WHERE \"account\" = ?1", &account, 1, err);
    if (!rc) rc = account_event(l, e->s, JOURNAL_SIGN_OUT, h.id, "all sessions ended, devices forgotten", err);
    if (!rc) e->account = h.id;
    arena_clear(&a);
    return rc;
}

int account_sign_out_everywhere(const struct account_seat *seat, const struct session *s, struct text login, struct error *err) {
    struct ending e = {.s = s, .login = login};
    int rc = seat_write(seat, end_everywhere, &e, s->now, err);
    if (!rc) cache_forget_account(seat->accounts->cache, e.account);
    return rc;
}

static int end_id(struct ledger *l, void *arg, struct error *err) {
    struct ending *e = arg;
    struct arena a = {0};
    struct holder h;
    struct value v = value_null(), id = value_int(e->id);
    int rc = db_scalar(l->db, &a, "SELECT \"account\" FROM \"account_session\" WHERE \"id\" = ?1 LIMIT 1", &id, 1, &v, err);
    if (!rc) rc = v.kind == VALUE_INT ? holder_by_id(l, v.i, &a, &h, err) : 0;
    /* of what one may not end one does not learn that it is there */
    if (rc == 0 || (rc > 0 && reach(e->s, &h, false, NULL) < 0)) rc = error_set(err, E_UNKNOWN, "session", "no such session / 没有此会话");
    if (rc > 0) rc = run1(l, "DELETE FROM \"account_session\" WHERE \"id\" = ?1", &id, 1, err);
    if (!rc) rc = account_event(l, e->s, JOURNAL_SIGN_OUT, h.id, "session ended", err);
    if (!rc) l->accounts_changed = true;
    arena_clear(&a);
    return rc;
}

int account_session_end(const struct account_seat *seat, const struct session *s, int64_t id, struct error *err) {
    struct ending e = {.s = s, .id = id};
    int rc = seat_write(seat, end_id, &e, s->now, err);
    if (!rc) cache_forget_id(seat->accounts->cache, id);
    return rc;
}

int account_sessions(const struct account_seat *seat, const struct session *s, struct text login, struct arena *a, struct account_session_row **ret, size_t *ret_n,
                     struct error *err) {
    struct ledger *l = seat->ledger;
    struct holder h;
    struct secret secret;
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0;
    int rc = reach_login(l, s, login, true, a, &h, err);
    if (!rc) rc = secret_read(l, h.id, a, &secret, err);
    if (rc < 0) return rc;
    struct account_session_row *list = arena_alloc(a, (size_t)2 * SESSIONS_MAX * sizeof *list);
    if (!list) return error_memory(err);
    struct value params[] = {value_int(h.id), value_int(s->now)};
    rc = db_query(l->db,
                  "SELECT \"id\",\"factor\",\"created_at\",\"seen_at\",\"expires_at\",\"address\",\"agent\" FROM \"account_session\" WHERE \"account\" = ?1 AND "
                  "\"expires_at\" > ?2 ORDER BY \"created_at\" DESC, \"rotated_at\" DESC",
                  params, 2, &c, err);
    while (!rc && n < (size_t)2 * SESSIONS_MAX && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (n && list[n - 1].id == row[0].i) continue; /* rotated a moment ago */
        list[n] = (struct account_session_row){.id = row[0].i, .state = secret_state(seat->accounts, l->catalog, &h, &secret, row[1].i != 0), .created_at = row[2].i,
                                               .seen_at = row[3].i, .expires_at = row[4].i, .address = arena_text(a, value_view(row[5])),
                                               .agent = arena_text(a, value_view(row[6]))};
        n++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}

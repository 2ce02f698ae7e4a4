/* What administrators do with accounts: made, given roles and passwords, locked, listed. Records are written as every record is (record_write, and with it
 * ledger/grant), secrets beside them in the same transaction. */
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

struct managing {
    const struct account_seat *seat;
    const struct session *s;
    const struct account_wish *wish;
    struct text login, roles, region;
    const char *hash;
    bool locked;
    int64_t id, unit;
};

static const struct register_decl *accounts_register(const struct ledger *l) {
    return register_find(l->catalog, TEXT("account"));
}

static int refuse(const char *where, const char *words, struct error *err) {
    return error_set(err, E_DENIED, where, "%s", words);
}

static int refuse_role(const struct ledger *l, const char *role, const char *other, struct error *err) {
    const struct codelist *names = codelist_find(l->catalog, TEXT("role"));
    struct text roles[] = {text_of(role), text_of(other ? other : "")};
    char en[80], zh[80];
    return error_set(err, E_DENIED, "login", "this needs one of these roles over the account's region: %s / 须有账户所在区域的角色之一: %s",
                     role_words(names, roles, other ? 2 : 1, false, en, sizeof en), role_words(names, roles, other ? 2 : 1, true, zh, sizeof zh));
}

/* The account, when the session holds one of the roles over its region and it is not its own. The same words for an account that is not there. */
static int may(struct ledger *l, const struct session *s, struct text login, const char *role, const char *other, struct arena *a, struct holder *ret, struct error *err) {
    struct holder h = {0};
    if (s->limit) return refuse("account", "a token manages no accounts / 令牌不得管理账户", err);
    int rc = holder_by_login(l, login, a, &h, err);
    if (rc < 0) return rc;
    if (rc == 0 && grant_held(s, "root", l->region)) return error_set(err, E_UNKNOWN, "login", "no such account / 没有此账户");
    if (rc > 0 && text_eq(login, s->account)) return refuse("login", "not to the own account / 不得用于本人账户", err);
    if (rc == 0 || !(grant_held(s, role, h.region) || (other && grant_held(s, other, h.region))))
        return refuse_role(l, role, other, err);
    if (grant_among(h.roles, TEXT("root")) && !grant_held(s, "root", h.region)) return refuse("login", "an account with role root is managed by root alone / root 账户只能由 root 管理", err);
    *ret = h;
    return 0;
}

/* ---- records */

static int login_rule(struct text login, struct error *err) {
    for (size_t i = 0; i < login.n; i++) {
        char c = login.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (i && (c == '.' || c == '_' || c == '-' || c == '@'))))
            return error_set(err, E_INVALID, "login", "a login is lower-case letters, digits, '.', '_', '-' and '@' / 登录名只能用小写字母、数字及 . _ - @");
    }
    return login.n >= 2 && login.n <= ACCOUNT_LOGIN_MAX ? 0 : error_set(err, E_INVALID, "login", "a login has 2 to %d characters / 登录名为 2 至 %d 个字符", ACCOUNT_LOGIN_MAX, ACCOUNT_LOGIN_MAX);
}

static int set(struct ledger *l, struct draft *d, struct arena *a, const char *field, struct text t, struct error *err) {
    return draft_set(l, d, a, text_of(field), t, err);
}

static int set_unit_cell(struct ledger *l, struct draft *d, struct arena *a, int64_t unit, struct error *err) {
    char id[24] = "";
    d->asked = true;
    if (unit) snprintf(id, sizeof id, "%lld", (long long)unit);
    return set(l, d, a, "organisation", text_of(id), err);
}

static int write_one(struct ledger *l, const struct session *s, struct draft *d, struct error *err) {
    return record_write(l, s, &d, 1, err);
}

static int add(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    const struct account_wish *w = m->wish;
    const struct register_decl *reg = accounts_register(l);
    struct arena a = {0};
    struct holder h = {0};
    int rc = m->s->limit ? refuse("account", "a token manages no accounts / 令牌不得管理账户", err) : holder_by_login(l, w->login, &a, &h, err);
    if (rc > 0) rc = error_set(err, E_CONFLICT, "login", "this login is taken / 登录名已被使用");
    struct draft *d = rc ? NULL : draft_new(&a, reg, DRAFT_CREATE);
    if (!rc && !d) rc = error_memory(err);
    if (!rc) rc = set(l, d, &a, "login", w->login, err);
    if (!rc) rc = set(l, d, &a, "title", w->title.n ? w->title : w->login, err);
    if (!rc) rc = set(l, d, &a, "roles", w->roles.n ? w->roles : TEXT("guest"), err);
    if (!rc && w->organisation) rc = set_unit_cell(l, d, &a, w->organisation, err);
    if (!rc) {
        d->region = m->region;
        rc = write_one(l, m->s, d, err);
    }
    if (!rc) m->id = d->ret_id;
    arena_clear(&a);
    return rc;
}

int account_add(const struct account_seat *seat, const struct session *s, const struct account_wish *w, int64_t *ret_id, struct error *err) {
    char region[REGION_MAX + 1] = "";
    struct managing m = {.seat = seat, .s = s, .wish = w};
    int rc = login_rule(w->login, err);
    if (!rc && w->region.n && !region_canonical(w->region, region)) rc = error_set(err, E_INVALID, "region", "this is no region code / 不是行政区划代码");
    m.region = w->region.n ? text_of(region) : seat->ledger->region;
    if (!rc) rc = seat_write(seat, add, &m, s->now, err);
    if (!rc && ret_id) *ret_id = m.id;
    return rc;
}

static int set_roles(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    struct arena a = {0};
    struct holder h = {0};
    int rc = may(l, m->s, m->login, "security", NULL, &a, &h, err);
    struct draft *d = rc ? NULL : draft_new(&a, accounts_register(l), DRAFT_CHANGE);
    if (!rc && !d) rc = error_memory(err);
    if (!rc && m->roles.n) rc = set(l, d, &a, "roles", m->roles, err);
    if (!rc) {
        d->id = h.id;
        d->region = m->region;
        rc = write_one(l, m->s, d, err);
        m->id = h.id;
    }
    arena_clear(&a);
    return rc;
}

int account_set_roles(const struct account_seat *seat, const struct session *s, struct text login, struct text roles, struct text region, struct error *err) {
    char canonical[REGION_MAX + 1] = "";
    struct managing m = {.seat = seat, .s = s, .login = login, .roles = roles};
    if (region.n && !region_canonical(region, canonical)) return error_set(err, E_INVALID, "region", "this is no region code / 不是行政区划代码");
    m.region = text_of(canonical);
    int rc = seat_write(seat, set_roles, &m, s->now, err);
    if (!rc) cache_forget_account(seat->accounts->cache, m.id);
    return rc;
}

static int set_unit(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    struct arena a = {0};
    struct holder h = {0};
    int rc = may(l, m->s, m->login, "system", "security", &a, &h, err);
    struct draft *d = rc ? NULL : draft_new(&a, accounts_register(l), DRAFT_CHANGE);
    if (!rc && !d) rc = error_memory(err);
    if (!rc) rc = set_unit_cell(l, d, &a, m->unit, err);
    if (!rc) {
        d->id = h.id;
        rc = write_one(l, m->s, d, err);
    }
    arena_clear(&a);
    return rc;
}

int account_set_unit(const struct account_seat *seat, const struct session *s, struct text login, int64_t organisation, struct error *err) {
    struct managing m = {.seat = seat, .s = s, .login = login, .unit = organisation};
    return seat_write(seat, set_unit, &m, s->now, err);
}

int account_unit(const struct account_seat *seat, int64_t account, struct arena *a, struct account_unit *ret, struct error *err) {
    struct ledger *l = seat->ledger;
    const struct register_decl *reg = accounts_register(l), *units = register_find(l->catalog, TEXT("organisation"));
    struct value param = value_int(account);
    struct db_cursor *c = NULL;
    const struct value *row;
    struct account_unit u = {0, {"", 0}};
    int rc = 0;
    if (reg && units && register_field(reg, TEXT("organisation")) >= 0 && register_field(units, TEXT("title")) >= 0) {
        rc = db_query(l->db, "SELECT o.\"id\",o.\"title\" FROM \"account\" a JOIN \"organisation\" o ON o.\"id\" = a.\"organisation\" WHERE a.\"id\" = ?1", &param, 1, &c, err);
        if (!rc && (rc = db_next(c, &row, err)) > 0) {
            u = (struct account_unit){row[0].i, arena_text(a, value_view(row[1]))};
            rc = u.title.s ? 0 : error_memory(err);
        }
        db_cursor_close(c);
    }
    if (rc < 0) return rc;
    *ret = u;
    return 0;
}

int account_unit_find(struct ledger *l, struct text words, int64_t *ret, struct error *err) {
    int64_t id = 0;
    bool number = text_int(words, &id);
    struct value param = number ? value_int(id) : value_text(words);
    struct db_cursor *c = NULL;
    const struct value *row;
    int found = 0, n = (int)(words.n < 80 ? words.n : 80);
    int rc = db_query(l->db, number ? "SELECT \"id\" FROM \"organisation\" WHERE \"id\" = ?1" : "SELECT \"id\" FROM \"organisation\" WHERE \"title\" = ?1 ORDER BY \"id\" LIMIT 2", &param, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        id = row[0].i;
        found++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    if (!found) return error_set(err, E_UNKNOWN, "unit", "no organisation is called \"%.*s\" / 没有机构 \"%.*s\"", n, words.s, n, words.s);
    if (found > 1) return error_set(err, E_CONFLICT, "unit", "several organisations are called \"%.*s\": name it by its number / 有多个机构名为 \"%.*s\",请用编号", n, words.s, n, words.s);
    *ret = id;
    return 0;
}

/* ---- secrets */

static int set_password(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    struct arena a = {0};
    struct holder h = {0};
    struct secret secret;
    int rc = may(l, m->s, m->login, "system", NULL, &a, &h, err);
    if (!rc) rc = secret_read(l, h.id, &a, &secret, err);
    if (!rc) {
        secret.hash = text_of(m->hash);
        secret.must_change = true;
        secret.set_at = m->s->now;
        rc = secret_write(l, &secret, err);
    }
    if (!rc) rc = session_end_all(l, h.id, TEXT(""), err);
    if (!rc) rc = account_event(l, m->s, JOURNAL_SECRET, h.id, "password set by an administrator, to be changed; sessions ended", err);
    if (!rc) m->id = h.id;
    arena_clear(&a);
    return rc;
}

int account_set_password(const struct account_seat *seat, const struct session *s, struct text login, struct text fresh, char ret_made[40], struct error *err) {
    struct arena a = {0};
    struct holder h = {0};
    char made[40] = "", hash[crypto_pwhash_STRBYTES];
    struct managing m = {.seat = seat, .s = s, .login = login, .hash = hash};
    int rc = may(seat->ledger, s, login, "system", NULL, &a, &h, err); /* before a hash is spent; asked again inside */
    if (!rc && fresh.n) rc = password_rule(fresh, login, err);
    if (!rc && !fresh.n) password_make(&seat->ledger->secret, made);
    if (!rc) rc = password_hash(seat->accounts, fresh.n ? fresh : text_of(made), hash, err);
    if (!rc) rc = seat_write(seat, set_password, &m, s->now, err);
    if (!rc) {
        cache_forget_account(seat->accounts->cache, m.id);
        if (ret_made) memcpy(ret_made, made, sizeof made);
    }
    sodium_memzero(made, sizeof made);
    arena_clear(&a);
    return rc;
}

static int lock(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    struct arena a = {0};
    struct holder h = {0};
    struct secret secret;
    int rc = may(l, m->s, m->login, "system", m->locked ? "security" : NULL, &a, &h, err);
    if (!rc) rc = secret_read(l, h.id, &a, &secret, err);
    if (!rc) {
        secret.locked = m->locked;
        if (!m->locked) secret.failures = 0;
        rc = secret_write(l, &secret, err);
    }
    if (!rc && m->locked) rc = session_end_all(l, h.id, TEXT(""), err);
    if (!rc) rc = account_event(l, m->s, JOURNAL_LOCK, h.id, m->locked ? "locked, sessions ended" : "unlocked", err);
    if (!rc) l->accounts_changed = true;
    if (!rc) m->id = h.id;
    arena_clear(&a);
    return rc;
}

int account_lock(const struct account_seat *seat, const struct session *s, struct text login, bool locked, struct error *err) {
    struct managing m = {.seat = seat, .s = s, .login = login, .locked = locked};
    int rc = seat_write(seat, lock, &m, s->now, err);
    if (!rc) cache_forget_account(seat->accounts->cache, m.id);
    return rc;
}

static int factor_reset(struct ledger *l, void *arg, struct error *err) {
    struct managing *m = arg;
    struct arena a = {0};
    struct holder h = {0};
    struct secret secret;
    int rc = may(l, m->s, m->login, "security", NULL, &a, &h, err);
    if (!rc) rc = secret_read(l, h.id, &a, &secret, err);
    if (!rc) {
        secret.totp = TEXT("");
        secret.totp_on = false;
        secret.totp_step = 0;
        rc = secret_write(l, &secret, err);
    }
    struct value account = value_int(rc ? 0 : h.id);
    if (!rc) rc = db_run(l->db, "DELETE FROM \"account_recovery\" WHERE \"account\" = ?1", &account, 1, NULL, err);
    if (!rc) rc = session_end_all(l, h.id, TEXT(""), err);
    if (!rc) rc = account_event(l, m->s, JOURNAL_SECRET, h.id, "second factor taken away, sessions ended", err);
    if (!rc) m->id = h.id;
    arena_clear(&a);
    return rc;
}

int account_factor_reset(const struct account_seat *seat, const struct session *s, struct text login, struct error *err) {
    struct managing m = {.seat = seat, .s = s, .login = login};
    int rc = seat_write(seat, factor_reset, &m, s->now, err);
    if (!rc) cache_forget_account(seat->accounts->cache, m.id);
    return rc;
}

/* ---- listing */

struct listing {
    const struct account_seat *seat;
    struct arena *a;
    struct account_row *rows;
    size_t n, cap;
    int rc;
};

static int visit(const struct record *r, void *arg) {
    struct listing *g = arg;
    if (!arena_room(g->a, &g->rows, &g->cap, g->n + 1, sizeof *g->rows)) return g->rc = E_MEMORY;
    struct account_row *row = &g->rows[g->n++];
    *row = (struct account_row){.id = r->id, .login = arena_text(g->a, record_text(r, "login")), .title = arena_text(g->a, record_text(r, "title")),
                                .roles = arena_text(g->a, record_text(r, "roles")), .region = arena_text(g->a, r->region), .active = record_int(r, "active", 1), .signed_at = INSTANT_NONE};
    row->needs_factor = holder_needs_factor(g->seat->ledger->catalog, row->roles);
    return 0;
}

static int by_login(const void *a, const void *b) {
    const struct account_row *x = a, *y = b;
    return text_cmp(x->login, y->login);
}

int account_list(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_row **ret, size_t *ret_n, struct error *err) {
    struct ledger *l = seat->ledger;
    const struct register_decl *reg = accounts_register(l);
    struct listing g = {.seat = seat, .a = a};
    struct record_filter all = {0};
    if (!reg) return error_set(err, E_UNKNOWN, "account", "this catalog has no accounts / 没有账户登记册");
    if (!access_anywhere(s, ACCESS_READ, reg)) return access_check(s, ACCESS_READ, reg, l->region, err);
    int rc = record_list(l, l->db, s, reg, &all, visit, &g, err);
    if (!rc && g.rc) rc = error_memory(err);
    for (size_t i = 0; !rc && i < g.n; i++) {
        struct account_row *row = &g.rows[i];
        struct secret secret;
        struct value n = value_null(), params[] = {value_int(row->id), value_int(s->now)};
        rc = secret_read(l, row->id, a, &secret, err);
        if (!rc) rc = account_unit(seat, row->id, a, &row->unit, err);
        if (!rc) rc = db_scalar(l->db, a, "SELECT count(DISTINCT \"id\") FROM \"account_session\" WHERE \"account\" = ?1 AND \"expires_at\" > ?2", params, 2, &n, err);
        if (rc) break;
        row->locked = secret.locked;
        row->has_password = secret.hash.n > 0;
        row->must_change = secret.must_change;
        row->has_factor = secret.totp_on;
        row->failures = secret.failures;
        row->signed_at = secret.signed_at;
        row->sessions = value_int_or(n, 0);
    }
    if (rc < 0) return rc;
    if (g.n) qsort(g.rows, g.n, sizeof *g.rows, by_login);
    *ret = g.rows;
    *ret_n = g.n;
    return 0;
}

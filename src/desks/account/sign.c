/* Signing in: password, second factor, change of password. What costs a hash is done before the transaction, which then looks again. */
#include <stdio.h>
#include <string.h>

#include "desks/account/oidc.h"

enum { FACTOR_WAIT_S = 300 }; /* a session that waits for its second factor lives so long */

struct signing {
    const struct account_seat *seat;
    const struct account_from *from;
    struct text cookie, code, hash; /* hash: the one that was verified */
    const char *fresh;              /* a new hash to store, or NULL */
    struct holder holder;
    bool known;                     /* the device is */
    instant now;
    struct account_signed made;
    int64_t account;
};

static int start(struct ledger *l, struct signing *g, const struct holder *h, const struct secret *secret, struct session_start *o, struct error *err) {
    const struct accounts *a = g->seat->accounts;
    g->made.state = secret_state(a, l->catalog, h, secret, o->factor);
    o->from = g->from;
    o->account = h->id;
    o->created_at = g->now;
    o->expires_at = g->now + (g->made.state == ACCOUNT_NEEDS_FACTOR ? FACTOR_WAIT_S : a->o.life_s);
    int rc = session_start(l, a, o, g->now, &g->made, err);
    /* only who has proved all there is to prove leaves a mark behind */
    if (!rc && !g->known && g->made.state != ACCOUNT_NEEDS_FACTOR) rc = device_add(l, h->id, g->now, g->made.device, err);
    return rc;
}

static int event(struct ledger *l, const struct signing *g, const struct holder *h, enum journal_verb verb, const char *what, struct error *err) {
    char words[160];
    char from[ADDRESS_KEPT + 1];
    size_t n = g->from->address.n < ADDRESS_KEPT ? g->from->address.n : ADDRESS_KEPT;
    for (size_t i = 0; i < n; i++) from[i] = g->from->address.s[i] >= '.' && g->from->address.s[i] <= 'f' ? g->from->address.s[i] : '?';
    from[n] = '\0';
    snprintf(words, sizeof words, "%s%s%s", what, n ? " from " : "", from);
    struct session s = {.account = h->login, .now = g->now};
    return account_event(l, &s, verb, h->id, words, err);
}

/* ---- password */

static int sign_in(struct ledger *l, void *arg, struct error *err) {
    struct signing *g = arg;
    struct arena a = {0};
    struct secret secret;
    struct holder h;
    struct session_start o = {0};
    int rc = holder_by_id(l, g->holder.id, &a, &h, err);
    if (rc == 0) rc = unproven(err);
    if (rc > 0) rc = secret_read(l, h.id, &a, &secret, err);
    if (!rc && !text_eq(secret.hash, g->hash)) rc = unproven(err); /* changed while we hashed */
    if (!rc) {
        if (g->fresh) secret.hash = text_of(g->fresh);
        secret.failures = 0;
        secret.signed_at = g->now;
        rc = secret_write(l, &secret, err);
    }
    if (!rc) rc = start(l, g, &h, &secret, &o, err);
    if (!rc) rc = event(l, g, &h, JOURNAL_SIGN_IN, g->made.state == ACCOUNT_NEEDS_FACTOR ? "password given, second factor asked" : "password given", err);
    arena_clear(&a);
    return rc;
}

/* Of an account whose password was right: why it may not sign in all the same. Others never learn it. */
static int barred(const struct holder *h, const struct secret *s, instant now, struct error *err) {
    if (!h->active || s->locked) return error_set(err, E_DENIED, "account", "this account is locked; ask the system administrator / 账户已停用或锁定,请联系系统管理员");
    if (s->must_change && s->set_at != INSTANT_NONE && now - s->set_at > ACCOUNT_INITIAL_S)
        return error_set(err, E_DENIED, "password", "this first password is too old; ask for a new one / 初始密码已过期,请申请重置");
    return 0;
}

int account_sign_in(const struct account_seat *seat, const struct account_from *from, struct text login, struct text password, instant now,
                    struct account_signed *ret, struct error *err) {
    struct accounts *a = seat->accounts;
    struct arena arena = {0};
    struct secret secret = {0};
    struct signing g = {.seat = seat, .from = from, .now = now};
    char device[HASH_TEXT + 1], fresh[crypto_pwhash_STRBYTES];
    struct throttle_try try = {.login = login, .address = from->address};
    if (try.login.n > 4 * ACCOUNT_LOGIN_MAX) try.login.n = 4 * ACCOUNT_LOGIN_MAX;
    int found = holder_by_login(seat->ledger, login, &arena, &g.holder, err), rc = found < 0 ? found : 0;
    if (found > 0) rc = secret_read(seat->ledger, g.holder.id, &arena, &secret, err);
    if (found > 0 && !rc) rc = device_known(seat->ledger, from->device, g.holder.id, now, device, &g.known, err);
    if (rc < 0) goto out;
    if (g.known) try.device = text_of(device);
    int64_t wait = throttle_ask(a->throttle, &try, now);
    if (wait) {
        rc = rate_error(wait, err);
        goto out;
    }
    int right = password_verify(a, secret.hash, password, err);
    if (right < 0) throttle_ok(a->throttle, &try); /* our trouble, not a wrong password */
    if (right <= 0) {
        if (!right) failures_note(a->failures, g.holder.id, from->address, found > 0 ? "wrong password" : "unknown login", now);
        rc = right < 0 ? right : unproven(err);
        goto out;
    }
    throttle_ok(a->throttle, &try);
    rc = barred(&g.holder, &secret, now, err);
    g.hash = secret.hash;
    if (!rc && password_weak(a, secret.hash)) {
        rc = password_hash(a, password, fresh, err);
        g.fresh = fresh;
    }
    if (!rc) rc = seat_write(seat, sign_in, &g, now, err);
    if (!rc) *ret = g.made;
out:
    sodium_memzero(fresh, sizeof fresh);
    arena_clear(&arena);
    return rc;
}

/* ---- proved by somebody else */

struct proving {
    struct signing g;
    int64_t account;
    bool factor;
};

static int proved(struct ledger *l, void *arg, struct error *err) {
    struct proving *p = arg;
    struct arena a = {0};
    struct secret secret;
    struct holder h;
    struct session_start o = {.factor = p->factor};
    int rc = holder_by_id(l, p->account, &a, &h, err);
    if (rc == 0) rc = unproven(err);
    if (rc > 0) rc = secret_read(l, h.id, &a, &secret, err);
    if (!rc && (!h.active || secret.locked)) rc = error_set(err, E_DENIED, "account", "this account is locked; ask the system administrator / 账户已停用或锁定,请联系系统管理员");
    if (!rc) {
        secret.failures = 0;
        secret.signed_at = p->g.now;
        rc = secret_write(l, &secret, err);
    }
    if (!rc) rc = start(l, &p->g, &h, &secret, &o, err);
    if (!rc) rc = event(l, &p->g, &h, JOURNAL_SIGN_IN, p->factor ? "proved by the provider, with a second factor" : "proved by the provider", err);
    arena_clear(&a);
    return rc;
}

int sign_proved(const struct account_seat *seat, const struct account_from *from, int64_t account, bool factor, instant now, struct account_signed *ret, struct error *err) {
    struct proving p = {.g = {.seat = seat, .from = from, .now = now}, .account = account, .factor = factor};
    char device[HASH_TEXT + 1];
    int rc = device_known(seat->ledger, from->device, account, now, device, &p.g.known, err);
    if (!rc) rc = seat_write(seat, proved, &p, now, err);
    if (!rc) *ret = p.g.made;
    return rc;
}

/* ---- second factor: looked at and marked as used in one transaction, so that a code is good once whoever sends it at the same moment */

static int give_factor(struct ledger *l, void *arg, struct error *err) {
    struct signing *g = arg;
    struct arena a = {0};
    struct session_now s;
    struct text seed = {0};
    bool by_recovery = false, good = false;
    int rc = session_now(g->seat, l, g->cookie, g->now, &a, &s, err);
    if (!rc && s.state != ACCOUNT_NEEDS_FACTOR) rc = error_set(err, E_CONFLICT, "session", "this session needs no code / 此会话无需验证码");
    if (rc < 0) goto out;
    g->account = s.holder.id;
    if (g->code.n == ACCOUNT_TOTP_DIGITS) {
        rc = totp_seed(g->seat->accounts, &s.secret, &a, &seed, err);
        good = !rc && totp_check(seed.s, seed.n, g->code, g->now, s.secret.totp_step, &s.secret.totp_step);
    } else {
        rc = recovery_use(l, s.holder.id, g->code, &good, err);
        by_recovery = good;
    }
    if (!rc && !good) rc = unproven(err);
    if (!rc) rc = secret_write(l, &s.secret, err);
    struct session_start o = {.factor = true, .replaces = text_of(s.hash)};
    if (!rc) rc = start(l, g, &s.holder, &s.secret, &o, err);
    if (!rc) rc = event(l, g, &s.holder, JOURNAL_SIGN_IN, by_recovery ? "recovery code used" : "second factor given", err);
out:
    if (seed.s) sodium_memzero((void *)(uintptr_t)seed.s, seed.n);
    arena_clear(&a);
    return rc;
}

/* Whose session it is and whether the device is known: for throttling, before anything is looked at. */
static int try_of(const struct account_seat *seat, const struct account_from *from, struct text cookie, instant now, const char *kind, char login[32],
                  char device[HASH_TEXT + 1], struct signing *g, struct throttle_try *try, struct error *err) {
    struct arena a = {0};
    struct session_now s;
    int rc = session_now(seat, seat->ledger, cookie, now, &a, &s, err);
    if (!rc) rc = device_known(seat->ledger, from->device, s.holder.id, now, device, &g->known, err);
    if (!rc) {
        snprintf(login, 32, "%s %lld", kind, (long long)s.holder.id);
        *try = (struct throttle_try){.login = text_of(login), .address = from->address};
        if (g->known) try->device = text_of(device);
        int64_t wait = throttle_ask(seat->accounts->throttle, try, now);
        if (wait) rc = rate_error(wait, err);
    }
    arena_clear(&a);
    return rc;
}

int account_second_factor(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text code, instant now,
                          struct account_signed *ret, struct error *err) {
    struct accounts *a = seat->accounts;
    struct signing g = {.seat = seat, .from = from, .cookie = cookie, .code = code, .now = now};
    struct throttle_try try;
    char login[32], device[HASH_TEXT + 1], hash[HASH_TEXT + 1];
    int rc = try_of(seat, from, cookie, now, "factor", login, device, &g, &try, err);
    if (rc < 0) return rc;
    rc = seat_write(seat, give_factor, &g, now, err);
    if (rc != E_SIGN_IN) throttle_ok(a->throttle, &try);
    if (rc == E_SIGN_IN) failures_note(a->failures, g.account, from->address, "wrong code", now);
    if (rc < 0) return rc;
    mark_hash(cookie, hash);
    cache_forget(a->cache, hash);
    *ret = g.made;
    return 0;
}

/* ---- change of password */

static int change_password(struct ledger *l, void *arg, struct error *err) {
    struct signing *g = arg;
    struct arena a = {0};
    struct session_now s;
    int rc = session_now(g->seat, l, g->cookie, g->now, &a, &s, err);
    if (!rc && !text_eq(s.secret.hash, g->hash)) rc = unproven(err);
    if (!rc) {
        s.secret.hash = text_of(g->fresh);
        s.secret.must_change = false;
        s.secret.set_at = g->now;
        rc = secret_write(l, &s.secret, err);
    }
    if (!rc) rc = session_end_all(l, s.holder.id, TEXT(""), err);
    struct session_start o = {.factor = s.factor};
    if (!rc) rc = start(l, g, &s.holder, &s.secret, &o, err);
    if (!rc) rc = event(l, g, &s.holder, JOURNAL_SECRET, "password changed by its owner, other sessions ended", err);
    g->account = s.holder.id;
    arena_clear(&a);
    return rc;
}

int account_change_password(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text old, struct text fresh, instant now,
                            struct account_signed *ret, struct error *err) {
    struct accounts *a = seat->accounts;
    struct arena arena = {0};
    struct session_now s;
    struct signing g = {.seat = seat, .from = from, .cookie = cookie, .now = now};
    struct throttle_try try;
    char login[32], device[HASH_TEXT + 1], hash[crypto_pwhash_STRBYTES];
    int rc = session_now(seat, seat->ledger, cookie, now, &arena, &s, err);
    if (!rc && s.state == ACCOUNT_NEEDS_FACTOR) rc = error_set(err, E_DENIED, "session", "the second factor comes first / 请先完成双因素验证");
    if (!rc) rc = password_rule(fresh, s.holder.login, err);
    if (!rc && text_eq(old, fresh)) rc = error_set(err, E_REFUSED, "password", "the new password is the old one / 新旧密码相同");
    if (!rc) rc = try_of(seat, from, cookie, now, "password", login, device, &g, &try, err);
    if (rc < 0) goto out;
    int right = password_verify(a, s.secret.hash, old, err);
    if (right) throttle_ok(a->throttle, &try);
    if (right <= 0) {
        if (!right) failures_note(a->failures, s.holder.id, from->address, "wrong password", now);
        rc = right < 0 ? right : unproven(err);
        goto out;
    }
    g.hash = s.secret.hash;
    g.fresh = hash;
    rc = password_hash(a, fresh, hash, err);
    if (!rc) rc = seat_write(seat, change_password, &g, now, err);
    if (!rc) {
        cache_forget_account(a->cache, g.account);
        *ret = g.made;
    }
out:
    sodium_memzero(hash, sizeof hash);
    arena_clear(&arena);
    return rc;
}

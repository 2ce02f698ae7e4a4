/* The second factor: codes by time (RFC 6238, liboath; 6 digits, 30 s, SHA-1 as every authenticator has it), each good once; recovery codes. */
#include <liboath/oath.h>
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

enum { WINDOW = 1 /* steps before and after: clocks differ */ };
static const struct text seal_context = {"account.totp", 12};

/* ---- codes */

/* A code of the steps around now that is later than the last used one. Every candidate is compared, in constant time. */
bool totp_check(const char *seed, size_t n, struct text code, instant now, int64_t last_step, int64_t *ret_step) {
    int64_t step = now / ACCOUNT_TOTP_STEP_S, found = 0;
    if (code.n != ACCOUNT_TOTP_DIGITS || now < 0 || !n) return false;
    for (int64_t s = step - WINDOW; s <= step + WINDOW; s++) {
        char right[ACCOUNT_TOTP_DIGITS + 2];
        if (s < 0 || oath_hotp_generate(seed, n, (uint64_t)s, ACCOUNT_TOTP_DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, right) != OATH_OK) continue;
        if (sodium_memcmp(right, code.s, ACCOUNT_TOTP_DIGITS) == 0 && s > last_step && !found) found = s;
    }
    if (!found) return false;
    *ret_step = found;
    return true;
}

int totp_seed(const struct accounts *a, const struct secret *s, struct arena *arena, struct text *ret, struct error *err) {
    char context[48];
    snprintf(context, sizeof context, "%.*s %lld", (int)seal_context.n, seal_context.s, (long long)s->account);
    if (!s->totp.n) return unproven(err);
    return vault_unseal(&a->common, text_of(context), s->totp, arena, ret, err);
}

static struct text seal(const struct accounts *a, struct ledger *l, int64_t account, const unsigned char seed[ACCOUNT_TOTP_SEED],
                        unsigned char out[ACCOUNT_TOTP_SEED + VAULT_OVERHEAD]) {
    char context[48];
    snprintf(context, sizeof context, "%.*s %lld", (int)seal_context.n, seal_context.s, (long long)account);
    size_t n = vault_seal(&a->common, &l->secret, text_of(context), (struct text){(const char *)seed, ACCOUNT_TOTP_SEED}, out);
    return (struct text){(const char *)out, n};
}

static void base32(const unsigned char *bytes, size_t n, char *out) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t held = 0;
    int bits = 0;
    for (size_t i = 0; i < n; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 5; bits -= 5) *out++ = letters[held >> (bits - 5) & 31];
    }
    *out = '\0'; /* 20 and 10 bytes come out even */
}

/* ---- recovery codes */

/* Letters in any case, with or without dashes. */
static bool recovery_fold(struct text code, char out[17]) {
    size_t n = 0;
    for (size_t i = 0; i < code.n; i++) {
        char c = code.s[i];
        if (c == '-' || c == ' ') continue;
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (n == 16 || !((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'))) return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n == 16;
}

static void recovery_hash(struct text folded, char out[HASH_TEXT + 1]) {
    mark_hash(folded, out);
}

int recovery_use(struct ledger *l, int64_t account, struct text code, bool *ret, struct error *err) {
    char folded[17], hash[HASH_TEXT + 1];
    int64_t changes = 0;
    *ret = false;
    if (code.n > 2 * ACCOUNT_RECOVERY || !recovery_fold(code, folded)) return 0;
    recovery_hash(text_of(folded), hash);
    struct value params[] = {value_int(account), value_str(hash)};
    int rc = db_run(l->db, "DELETE FROM \"account_recovery\" WHERE \"account\" = ?1 AND \"hash\" = ?2", params, 2, &changes, err);
    if (!rc) *ret = changes == 1;
    return rc;
}

static int recovery_make(struct ledger *l, int64_t account, char codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1], struct error *err) {
    static const uint16_t all[RECOVERY_COLUMNS] = {0, 1};
    char hashes[ACCOUNT_RECOVERY_CODES][HASH_TEXT + 1];
    struct value rows[ACCOUNT_RECOVERY_CODES * RECOVERY_COLUMNS], param = value_int(account);
    for (size_t i = 0; i < ACCOUNT_RECOVERY_CODES; i++) {
        unsigned char bytes[10];
        char letters[17], folded[17];
        rng_bytes(&l->secret, bytes, sizeof bytes);
        base32(bytes, sizeof bytes, letters);
        recovery_fold(text_of(letters), folded);
        snprintf(codes[i], ACCOUNT_RECOVERY + 1, "%.4s-%.4s-%.4s-%.4s", folded, folded + 4, folded + 8, folded + 12);
        recovery_hash(text_of(folded), hashes[i]);
        rows[i * RECOVERY_COLUMNS] = value_int(account);
        rows[i * RECOVERY_COLUMNS + 1] = value_str(hashes[i]);
    }
    int rc = db_run(l->db, "DELETE FROM \"account_recovery\" WHERE \"account\" = ?1", &param, 1, NULL, err);
    return rc ? rc : db_batch(l->db, DB_INSERT, credential_recovery_table(), all, RECOVERY_COLUMNS, rows, ACCOUNT_RECOVERY_CODES, NULL, err);
}

/* ---- enrolment */

struct enrolling {
    const struct account_seat *seat;
    const struct account_from *from;
    struct text cookie, code;
    instant now;
    struct account_enrolment *begun;
    char (*codes)[ACCOUNT_RECOVERY + 1];
    struct account_signed made;
    int64_t account;
};

/* Percent-encodes what is not unreserved (RFC 3986). */
static void escaped(struct buf *b, struct text t) {
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.s[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);
        if (plain && c)
            buf_char(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

/* otpauth://totp/Tocsin%20310115:login?secret=...&issuer=Tocsin%20310115 (the key URI of authenticator apps; their defaults are left out). */
static int otpauth(struct ledger *l, struct text login, const char *seed, char out[ACCOUNT_OTPAUTH_MAX], struct error *err) {
    struct buf b = {.max = ACCOUNT_OTPAUTH_MAX - 1}, issuer = {.max = 64};
    buf_printf(&issuer, "Tocsin%s%.*s", l->region.n ? " " : "", (int)l->region.n, l->region.s ? l->region.s : "");
    buf_str(&b, "otpauth://totp/");
    escaped(&b, buf_view(&issuer));
    buf_char(&b, ':');
    escaped(&b, login);
    buf_printf(&b, "?secret=%s&issuer=", seed);
    escaped(&b, buf_view(&issuer));
    int rc = b.failed ? error_set(err, b.failed, "login", "the login is too long for a QR code / 登录名过长") : 0;
    if (!rc) snprintf(out, ACCOUNT_OTPAUTH_MAX, "%s", buf_cstr(&b));
    buf_clear(&issuer);
    buf_clear(&b);
    return rc;
}

static int enrol(struct ledger *l, void *arg, struct error *err) {
    struct enrolling *g = arg;
    struct arena a = {0};
    struct session_now s;
    unsigned char seed[ACCOUNT_TOTP_SEED], sealed[ACCOUNT_TOTP_SEED + VAULT_OVERHEAD];
    int rc = session_now(g->seat, l, g->cookie, g->now, &a, &s, err);
    if (!rc && s.secret.totp_on) rc = error_set(err, E_CONFLICT, "totp", "a second factor is in force; role security takes it away / 已启用双因素,重置须由安全管理员办理");
    if (!rc && s.state == ACCOUNT_NEEDS_PASSWORD) rc = error_set(err, E_DENIED, "session", "the password is changed first / 请先修改密码");
    if (!rc) {
        rng_bytes(&l->secret, seed, sizeof seed);
        base32(seed, sizeof seed, g->begun->seed);
        rc = otpauth(l, s.holder.login, g->begun->seed, g->begun->uri, err);
    }
    if (!rc) {
        s.secret.totp = seal(g->seat->accounts, l, s.holder.id, seed, sealed);
        s.secret.totp_step = 0;
        rc = secret_write(l, &s.secret, err);
    }
    struct session own = {.account = rc ? TEXT("") : s.holder.login, .now = g->now};
    if (!rc) rc = account_event(l, &own, JOURNAL_SECRET, s.holder.id, "second factor begun", err);
    sodium_memzero(seed, sizeof seed);
    arena_clear(&a);
    return rc;
}

int account_enrol(const struct account_seat *seat, struct text cookie, instant now, struct account_enrolment *ret, struct error *err) {
    struct account_enrolment begun;
    struct enrolling g = {.seat = seat, .cookie = cookie, .now = now, .begun = &begun};
    int rc = seat_write(seat, enrol, &g, now, err);
    if (!rc) *ret = begun;
    sodium_memzero(&begun, sizeof begun);
    return rc;
}

static int confirm(struct ledger *l, void *arg, struct error *err) {
    struct enrolling *g = arg;
    struct arena a = {0};
    struct session_now s;
    struct text seed = {0};
    int rc = session_now(g->seat, l, g->cookie, g->now, &a, &s, err);
    if (!rc && s.secret.totp_on) rc = error_set(err, E_CONFLICT, "totp", "a second factor is in force already / 双因素已启用");
    if (!rc) rc = totp_seed(g->seat->accounts, &s.secret, &a, &seed, err);
    if (!rc && !totp_check(seed.s, seed.n, g->code, g->now, s.secret.totp_step, &s.secret.totp_step))
        rc = error_set(err, E_REFUSED, "code", "this is not the code of now; is the clock right? / 验证码不符,请核对时间");
    if (seed.s) sodium_memzero((void *)(uintptr_t)seed.s, seed.n);
    if (!rc) {
        s.secret.totp_on = true;
        rc = secret_write(l, &s.secret, err);
    }
    if (!rc) rc = recovery_make(l, s.holder.id, g->codes, err);
    if (!rc) rc = session_end_all(l, s.holder.id, TEXT(""), err); /* those were by password alone */
    struct session_start o = {.from = g->from, .account = rc ? 0 : s.holder.id, .factor = true, .created_at = g->now, .expires_at = g->now + g->seat->accounts->o.life_s};
    if (!rc) g->made.state = secret_state(g->seat->accounts, l->catalog, &s.holder, &s.secret, true);
    if (!rc) rc = session_start(l, g->seat->accounts, &o, g->now, &g->made, err);
    struct session own = {.account = rc ? TEXT("") : s.holder.login, .now = g->now};
    if (!rc) rc = account_event(l, &own, JOURNAL_SECRET, s.holder.id, "second factor in force, recovery codes made", err);
    if (!rc) g->account = s.holder.id;
    arena_clear(&a);
    return rc;
}

int account_enrol_confirm(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text code, instant now,
                          char ret_codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1], struct account_signed *ret, struct error *err) {
    char codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1];
    struct enrolling g = {.seat = seat, .from = from, .cookie = cookie, .code = code, .now = now, .codes = codes};
    int rc = seat_write(seat, confirm, &g, now, err);
    if (!rc) {
        cache_forget_account(seat->accounts->cache, g.account);
        memcpy(ret_codes, codes, sizeof codes);
        *ret = g.made;
    }
    sodium_memzero(codes, sizeof codes);
    return rc;
}

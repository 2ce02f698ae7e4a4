/* What all of the desk share: opening, the seat's transactions, marks, holders and their secrets. */
#include <liboath/oath.h>
#include <stdio.h>
#include <string.h>

#include "desks/account/inside.h"

enum { PASSES = 3, HASHING = 2, IDLE_S = 1800, LIFE_S = 43200, ROTATE_S = 900 };
static const size_t hash_memory = 64u << 20;

static const struct grant everything = {.role = {"root", 4}, .region = {"", 0}};
const struct session account_inside = {.account = {"system", 6}, .n_grants = 1, .grants = &everything};

int unproven(struct error *err) {
    return error_set(err, E_SIGN_IN, NULL, "login, password or code is wrong, or the session is over / 登录名、密码或验证码有误,或会话已失效");
}

int rate_error(int64_t wait_s, struct error *err) {
    char where[40];
    snprintf(where, sizeof where, "retry %lld", (long long)wait_s);
    return error_set(err, E_RATE, where, "too many tries; wait %lld s / 尝试过于频繁,请 %lld 秒后再试", (long long)wait_s, (long long)wait_s);
}

const char *account_state_name(enum account_state s) {
    static const char *const names[] = {"ready", "needs_factor", "needs_password", "needs_enrolment"};
    return (size_t)s < sizeof names / sizeof *names ? names[s] : "unknown";
}

/* ---- opening */

static int settle(struct ledger *l, struct accounts *a, struct error *err) {
    static const char csrf[] = "account csrf";
    struct arena arena = {0};
    struct text demo = {0};
    vault_common_key(l->vault, &a->common);
    crypto_generichash(a->csrf_key, sizeof a->csrf_key, (const unsigned char *)csrf, sizeof csrf - 1, a->common.bytes, sizeof a->common.bytes);
    int rc = ledger_setting(l, l->db, "demo", &arena, &demo, err);
    a->demo = !rc && text_is(demo, "1");
    arena_clear(&arena);
    password_nobody(a);
    return rc ? rc : oidc_open(l, a, err);
}

int accounts_open(struct ledger *l, const struct account_options *o, struct accounts **ret, struct error *err) {
    struct accounts *a = mem_alloc(sizeof *a);
    if (!a) return error_memory(err);
    if (o) a->o = *o;
    if (!a->o.hash_passes) a->o.hash_passes = PASSES;
    if (!a->o.hash_memory) a->o.hash_memory = hash_memory;
    if (a->o.hashing_max <= 0) a->o.hashing_max = HASHING;
    if (a->o.idle_s <= 0) a->o.idle_s = IDLE_S;
    if (a->o.life_s <= 0) a->o.life_s = LIFE_S;
    if (a->o.rotate_s <= 0) a->o.rotate_s = ROTATE_S;
    oath_init();
    pthread_mutex_init(&a->gate, NULL);
    pthread_cond_init(&a->gate_free, NULL);
    a->cache = cache_new();
    a->throttle = throttle_new();
    a->failures = failures_new();
    int rc = a->cache && a->throttle && a->failures ? settle(l, a, err) : error_memory(err);
    if (rc < 0) {
        accounts_close(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void accounts_close(struct accounts *a) {
    if (!a) return;
    oidc_close(a->oidc);
    cache_free(a->cache);
    throttle_free(a->throttle);
    failures_free(a->failures);
    pthread_cond_destroy(&a->gate_free);
    pthread_mutex_destroy(&a->gate);
    sodium_memzero(a, sizeof *a);
    mem_free(a);
}

/* ---- writing */

struct change {
    int (*run)(struct ledger *l, void *arg, struct error *err);
    void *arg;
    instant now;
};

static int change_run(struct ledger *l, void *arg, struct error *err) {
    struct change *c = arg;
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    return ledger_end(l, c->run(l, c->arg, err), c->now, err);
}

int seat_write(const struct account_seat *seat, int (*run)(struct ledger *l, void *arg, struct error *err), void *arg, instant now, struct error *err) {
    struct change c = {run, arg, now};
    return seat->queue ? ledger_queue_call(seat->queue, change_run, &c, err) : change_run(seat->ledger, &c, err);
}

int account_event(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t account, const char *what, struct error *err) {
    struct journal_entry e = {.at = s->now, .verb = (int)verb, .actor = s->account, .reason = s->reason.n ? s->reason : text_of(what),
                              .purpose = s->reason.n ? text_of(what) : (struct text){"", 0}, .reg = TEXT("account"), .record = account};
    return journal_append(&l->journal, &e, NULL, err);
}

/* ---- marks */

static void base64url(const unsigned char *bytes, size_t n, char *out, size_t max) {
    sodium_bin2base64(out, max, bytes, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void mark_new(struct rng *secret, char out[ACCOUNT_COOKIE + 1]) {
    unsigned char bytes[32];
    rng_bytes(secret, bytes, sizeof bytes);
    base64url(bytes, sizeof bytes, out, ACCOUNT_COOKIE + 1);
    sodium_memzero(bytes, sizeof bytes);
}

void mark_hash(struct text mark, char out[HASH_TEXT + 1]) {
    unsigned char digest[DIGEST_BYTES];
    digest_bytes(mark, digest);
    base64url(digest, sizeof digest, out, HASH_TEXT + 1);
}

bool mark_shaped(struct text mark) {
    if (mark.n != ACCOUNT_COOKIE) return false;
    for (size_t i = 0; i < mark.n; i++) {
        char c = mark.s[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
    }
    return true;
}

int64_t id_new(struct rng *secret) {
    return (int64_t)(rng_u64(secret) >> 11) | 1;
}

void session_csrf(const struct accounts *a, int64_t id, char out[ACCOUNT_CSRF + 1]) {
    unsigned char tag[16];
    crypto_generichash(tag, sizeof tag, (const unsigned char *)&id, sizeof id, a->csrf_key, sizeof a->csrf_key);
    base64url(tag, sizeof tag, out, ACCOUNT_CSRF + 1);
}

bool account_csrf_ok(const struct account_who *who, struct text sent) {
    return who->csrf[0] && sent.n == ACCOUNT_CSRF && sodium_memcmp(who->csrf, sent.s, ACCOUNT_CSRF) == 0;
}

/* ---- holders */

int holder_by_id(struct ledger *l, int64_t id, struct arena *a, struct holder *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, TEXT("account"));
    struct error unseen = {0};
    struct record r;
    if (!reg || register_field(reg, TEXT("login")) < 0 || register_field(reg, TEXT("roles")) < 0)
        return error_set(err, E_UNKNOWN, "account", "accounts need login and roles / 账户登记册须有 login 和 roles");
    int rc = record_get(l, l->db, &account_inside, reg, id, a, &r, &unseen);
    if (rc == E_UNKNOWN) return 0;
    if (rc < 0) return error_set(err, rc, unseen.where, "%s", unseen.message);
    struct holder h = {.id = r.id, .version = r.version, .login = arena_text(a, record_text(&r, "login")), .title = arena_text(a, record_text(&r, "title")),
                       .roles = arena_text(a, record_text(&r, "roles")), .region = arena_text(a, r.region), .active = record_int(&r, "active", 1)};
    if (!h.login.s || !h.title.s || !h.roles.s || !h.region.s) return error_memory(err);
    *ret = h;
    return 1;
}

int holder_by_login(struct ledger *l, struct text login, struct arena *a, struct holder *ret, struct error *err) {
    struct value param = value_text(login);
    struct db_cursor *c = NULL;
    const struct value *row;
    int64_t id = 0;
    int found = 0;
    if (!login.n || login.n > 4 * ACCOUNT_LOGIN_MAX || !text_utf8_valid(login) || memchr(login.s, 0, login.n)) return 0;
    int rc = db_query(l->db, "SELECT \"id\" FROM \"account\" WHERE \"login\" = ?1 ORDER BY \"id\" LIMIT 2", &param, 1, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        id = row[0].i;
        found++;
    }
    db_cursor_close(c);
    if (rc < 0 || found != 1) return rc < 0 ? rc : 0;
    return holder_by_id(l, id, a, ret, err);
}

bool account_role_needs_factor(const struct catalog *c, struct text role) {
    if (text_is(role, "root") || text_is(role, "system") || text_is(role, "security") || text_is(role, "auditor")) return true;
    for (size_t i = 0; i < c->n_registers; i++)
        if (role_among(c->registers[i].openers, c->registers[i].n_openers, role)) return true;
    return false;
}

bool holder_needs_factor(const struct catalog *c, struct text roles) {
    for (size_t at = 0; at < roles.n;) {
        const char *end = memchr(roles.s + at, ';', roles.n - at);
        size_t n = end ? (size_t)(end - roles.s) - at : roles.n - at;
        if (account_role_needs_factor(c, (struct text){roles.s + at, n})) return true;
        at += n + 1;
    }
    return false;
}

/* ---- secrets */

int secret_read(struct ledger *l, int64_t account, struct arena *a, struct secret *ret, struct error *err) {
    struct value param = value_int(account);
    struct db_cursor *c = NULL;
    const struct value *row;
    struct secret s = {.account = account, .set_at = INSTANT_NONE, .failed_at = INSTANT_NONE, .signed_at = INSTANT_NONE};
    int rc = db_query(l->db,
                      "SELECT \"hash\",\"must_change\",\"set_at\",\"totp\",\"totp_on\",\"totp_step\",\"locked\",\"failures\",\"failed_at\",\"signed_at\" "
                      "FROM \"account_secret\" WHERE \"account\" = ?1",
                      &param, 1, &c, err);
    if (!rc) rc = db_next(c, &row, err);
    if (rc > 0) {
        s.hash = arena_text(a, value_view(row[0]));
        s.totp = arena_text(a, value_view(row[3]));
        s.must_change = value_int_or(row[1], 0);
        s.set_at = value_int_or(row[2], INSTANT_NONE);
        s.totp_on = value_int_or(row[4], 0);
        s.totp_step = value_int_or(row[5], 0);
        s.locked = value_int_or(row[6], 0);
        s.failures = value_int_or(row[7], 0);
        s.failed_at = value_int_or(row[8], INSTANT_NONE);
        s.signed_at = value_int_or(row[9], INSTANT_NONE);
        rc = s.hash.s && s.totp.s ? 0 : error_memory(err);
    }
    db_cursor_close(c);
    if (!rc) *ret = s;
    return rc;
}

static struct value instant_value(instant t) {
    return t == INSTANT_NONE ? value_null() : value_int(t);
}

int secret_write(struct ledger *l, const struct secret *s, struct error *err) {
    uint16_t all[SECRET_COLUMNS];
    for (uint16_t i = 0; i < SECRET_COLUMNS; i++) all[i] = i;
    const struct value row[SECRET_COLUMNS] = {
        [SECRET_ACCOUNT] = value_int(s->account),
        [SECRET_HASH] = s->hash.n ? value_text(s->hash) : value_null(),
        [SECRET_MUST_CHANGE] = value_int(s->must_change),
        [SECRET_SET_AT] = instant_value(s->set_at),
        [SECRET_TOTP] = s->totp.n ? value_blob(s->totp.s, s->totp.n) : value_null(),
        [SECRET_TOTP_ON] = value_int(s->totp_on),
        [SECRET_TOTP_STEP] = value_int(s->totp_step),
        [SECRET_LOCKED] = value_int(s->locked),
        [SECRET_FAILURES] = value_int(s->failures),
        [SECRET_FAILED_AT] = instant_value(s->failed_at),
        [SECRET_SIGNED_AT] = instant_value(s->signed_at),
    };
    return db_batch(l->db, DB_UPSERT, credential_secret_table(), all, SECRET_COLUMNS, row, 1, NULL, err);
}

enum account_state secret_state(const struct accounts *a, const struct catalog *c, const struct holder *h, const struct secret *s, bool factor) {
    if (s->totp_on && !factor) return ACCOUNT_NEEDS_FACTOR;
    if (s->must_change) return ACCOUNT_NEEDS_PASSWORD;
    if (!factor && !s->totp_on && !a->demo && holder_needs_factor(c, h->roles)) return ACCOUNT_NEEDS_ENROLMENT;
    return ACCOUNT_READY;
}

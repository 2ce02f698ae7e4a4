/* desks/account, private to its files: the struct behind account.h and the rows of its tables. */
#ifndef TOCSIN_DESKS_ACCOUNT_INSIDE_H
#define TOCSIN_DESKS_ACCOUNT_INSIDE_H

#include <pthread.h>
#include <sodium.h>

#include "desks/account/account.h"
#include "ledger/credential.h"
#include "ledger/grant.h"

enum { HASH_TEXT = 43, ROLES_MAX = 64, SEEN_WRITTEN_S = 300, FLUSH_S = 60, ADDRESS_KEPT = 60, AGENT_KEPT = 120 };

struct account_cache;
struct account_throttle;
struct account_failures;
struct account_oidc;

struct accounts {
    struct account_options o;
    struct vault_key common;             /* seals seeds and the state of a sign-in elsewhere */
    unsigned char csrf_key[32];
    char nobody[crypto_pwhash_STRBYTES]; /* the hash that is tried for logins that do not exist */
    bool demo;                           /* a node made with --demo: no second factor is asked of those who have none */
    pthread_mutex_t gate;
    pthread_cond_t gate_free;
    int hashing;
    struct account_cache *cache;
    struct account_throttle *throttle;
    struct account_failures *failures;
    struct account_oidc *oidc;           /* NULL: none configured */
};

/* ---- accounts.c: what all share */
/* The one refusal of everything that does not prove who somebody is. */
int unproven(struct error *err);
int rate_error(int64_t wait_s, struct error *err);
/* Runs one transaction on the writer: begin, run, commit at `now`; on a failure nothing is kept. */
int seat_write(const struct account_seat *seat, int (*run)(struct ledger *l, void *arg, struct error *err), void *arg, instant now, struct error *err);
/* Random 256 bits as text, and what is stored of such a text. */
void mark_new(struct rng *secret, char out[ACCOUNT_COOKIE + 1]);
void mark_hash(struct text mark, char out[HASH_TEXT + 1]);
bool mark_shaped(struct text mark); /* 43 characters of base64url */
int64_t id_new(struct rng *secret); /* 53 random bits, never 0 */
void session_csrf(const struct accounts *a, int64_t id, char out[ACCOUNT_CSRF + 1]);
extern const struct session account_inside; /* reads any account, for this desk only */

/* The record of an account; texts live in the arena. */
struct holder {
    int64_t id;
    int32_t version;
    struct text login, title, region, roles;
    bool active;
};
/* 1 found, 0 none (or two with the login), negative error. db of the ledger. */
int holder_by_login(struct ledger *l, struct text login, struct arena *a, struct holder *ret, struct error *err);
int holder_by_id(struct ledger *l, int64_t id, struct arena *a, struct holder *ret, struct error *err);
bool holder_needs_factor(const struct catalog *c, struct text roles);

/* The row of account_secret; all zero when there is none yet. */
struct secret {
    int64_t account;
    struct text hash;       /* Argon2id, encoded; empty: no password */
    bool must_change, totp_on, locked;
    instant set_at, failed_at, signed_at; /* INSTANT_NONE: never */
    struct text totp;       /* sealed seed; empty: none */
    int64_t totp_step;      /* the last step whose code was used */
    int64_t failures;
};
int secret_read(struct ledger *l, int64_t account, struct arena *a, struct secret *ret, struct error *err);
int secret_write(struct ledger *l, const struct secret *s, struct error *err);
/* What still is to be done by a holder whose session has, or has not, given a second factor. */
enum account_state secret_state(const struct accounts *a, const struct catalog *c, const struct holder *h, const struct secret *s, bool factor);

/* An event on the account's record, without any secret. */
int account_event(struct ledger *l, const struct session *s, enum journal_verb verb, int64_t account, const char *what, struct error *err);

/* ---- failures.c: tries that failed, kept until account_flush journals them: a failed try costs no commit, so that it takes as long for a login that does
 * not exist, and costs a stranger as much as us. account 0: an unknown login. */
struct account_failures;
struct account_failures *failures_new(void);
void failures_free(struct account_failures *f);
void failures_note(struct account_failures *f, int64_t account, struct text address, const char *what, instant now);
/* Journals them and counts them in account_secret; inside a transaction. */
int failures_write(struct account_failures *f, struct ledger *l, struct error *err);
bool failures_any(struct account_failures *f);

/* ---- password.c */
int password_rule(struct text password, struct text login, struct error *err);
/* Behind the gate: at most hashing_max at once. */
int password_hash(struct accounts *a, struct text password, char out[crypto_pwhash_STRBYTES], struct error *err);
/* 1 right, 0 wrong, negative error. */
int password_verify(struct accounts *a, struct text hash, struct text password, struct error *err);
void password_nobody(struct accounts *a); /* a->nobody: a hash of today's parameters that no password has */
bool password_weak(const struct accounts *a, struct text hash); /* made with less than today's parameters */
void password_make(struct rng *secret, char out[40]);           /* four groups of five letters, 100 bits */

/* ---- throttle.c: failures in memory. Asking counts as a failure until throttle_ok takes it back, so that parallel tries are counted too. */
struct throttle_try {
    struct text login, address;
    struct text device; /* hash of a device mark known for this account, or empty */
};
struct account_throttle *throttle_new(void);
void throttle_free(struct account_throttle *t);
/* 0: go on; else seconds to wait. */
int64_t throttle_ask(struct account_throttle *t, const struct throttle_try *try, instant now);
void throttle_ok(struct account_throttle *t, const struct throttle_try *try);

/* ---- cache.c */
struct account_cache *cache_new(void);
void cache_free(struct account_cache *c);
/* After a commit that takes rights away in this process. */
void cache_forget_account(struct account_cache *c, int64_t account);
void cache_forget(struct account_cache *c, const char hash[HASH_TEXT + 1]);
void cache_forget_id(struct account_cache *c, int64_t id);

/* What a cookie or token resolves to; texts borrowed from the cache's block. */
struct entry_facts {
    int64_t account, id;
    bool machine, factor;
    enum account_state state;
    instant created_at, rotated_at, seen_at, expires_at;
    struct text login, title, region;
    size_t n_grants;
    const struct grant *grants;
    unsigned verbs;             /* machine: the limit */
    size_t n_registers;
    const struct text *registers;
};
/* Finds or loads; copies into the arena. */
int cache_get(const struct account_seat *seat, const char hash[HASH_TEXT + 1], bool machine, instant now, struct arena *a, struct entry_facts *ret, struct error *err);
struct cache_seen {
    char hash[HASH_TEXT + 1];
    bool machine;
    instant at;
};
/* Uses that were not written yet, at most max; they count as written then. */
size_t cache_unwritten(struct account_cache *c, struct cache_seen *out, size_t max);
/* True once when FLUSH_S have passed since it last was. */
bool cache_flush_due(struct account_cache *c, instant now);

/* ---- session.c: inside a transaction */
struct session_start {
    const struct account_from *from;
    int64_t account, id;       /* id 0: a new one */
    bool factor;
    instant created_at, expires_at;
    struct text replaces;      /* hash of the id it takes the place of, or empty */
    bool grace;                /* the replaced one holds ACCOUNT_GRACE_S longer; else it is over now */
};
int session_start(struct ledger *l, const struct accounts *a, const struct session_start *o, instant now, struct account_signed *ret, struct error *err);
int session_end_all(struct ledger *l, int64_t account, struct text but_hash, struct error *err);
/* Reads cookie -> row and holder -> secret; E_SIGN_IN when it is over. For the slow calls, past the cache. */
struct session_now {
    char hash[HASH_TEXT + 1];
    int64_t id;
    bool factor;
    instant created_at, expires_at;
    struct holder holder;
    struct secret secret;
    enum account_state state;
};
int session_now(const struct account_seat *seat, struct ledger *l, struct text cookie, instant now, struct arena *a, struct session_now *ret, struct error *err);
/* Device marks. */
int device_known(struct ledger *l, struct text mark, int64_t account, instant now, char ret_hash[HASH_TEXT + 1], bool *ret, struct error *err);
int device_add(struct ledger *l, int64_t account, instant now, char ret_mark[ACCOUNT_COOKIE + 1], struct error *err);

/* ---- totp.c */
bool totp_check(const char *seed, size_t n, struct text code, instant now, int64_t last_step, int64_t *ret_step);
int totp_seed(const struct accounts *a, const struct secret *s, struct arena *arena, struct text *ret, struct error *err);
/* Takes the recovery code away when it is one. */
int recovery_use(struct ledger *l, int64_t account, struct text code, bool *ret, struct error *err);

/* ---- oidc.c */
int oidc_open(struct ledger *l, struct accounts *a, struct error *err);
void oidc_close(struct account_oidc *o);

#endif

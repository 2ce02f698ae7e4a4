/* desks/account: who is asking, and how he proved it. Passwords (Argon2id), second factor (TOTP), sessions, machine tokens, lock-out, sign-in by
 * OpenID Connect, and what administrators do with accounts. No HTTP here: the door sets cookies and reads headers (desks/account/account.h is all it
 * knows), the command line calls the same functions. Rights are the ledger's: an account is a record of register `account`, its roles are grants over
 * the subtree of the record's region, and ledger/access decides. docs/accounts.md tells the rules, docs/security.md the threats.
 *
 * One struct accounts a process: session cache, throttle, the gate that bounds how many passwords are hashed at once. Everything is called on a *seat*:
 * the calling thread's own ledger for reading and the queue for writing. What costs a hash or a commit says "slow": run it off the threads
 * that serve, by account_run. Everything else costs microseconds.
 *
 * Errors of all that sign in: E_SIGN_IN (401: wrong login, password or code, and nothing says which; also a session that is over), E_RATE (429: tried too
 * often; where is "retry SECONDS"), E_BUSY (503: too many sign in at this moment), E_REFUSED (a rule of passwords; the text says which), store errors.
 * Sessions of an account with something left to do (see account_state) have no grants: every desk refuses them everything. */
#ifndef TOCSIN_DESKS_ACCOUNT_ACCOUNT_H
#define TOCSIN_DESKS_ACCOUNT_ACCOUNT_H

#include "ledger/queue.h"

enum {
    ACCOUNT_COOKIE = 43,             /* characters of a session id or device mark: 256 random bits in base64url */
    ACCOUNT_TOKEN = 7 + 43,          /* "tocsin_" and the same: secret scanners know it by the prefix */
    ACCOUNT_CSRF = 22,
    ACCOUNT_PASSWORD_MIN = 12,       /* characters */
    ACCOUNT_PASSWORD_MAX = 256,      /* bytes */
    ACCOUNT_RECOVERY_CODES = 10,
    ACCOUNT_RECOVERY = 19,           /* "abcd-efgh-ijkl-mnop": 80 bits in base32 */
    ACCOUNT_TOTP_DIGITS = 6, ACCOUNT_TOTP_STEP_S = 30, ACCOUNT_TOTP_SEED = 20,
    ACCOUNT_OTPAUTH_MAX = 512,
    ACCOUNT_DEVICE_S = 180 * 86400,  /* a device is known so long */
    ACCOUNT_GRACE_S = 60,            /* the old id of a rotated session still holds, for requests under way */
    ACCOUNT_TOKEN_LIFE_S = 366 * 86400, /* no token lives longer */
    ACCOUNT_INITIAL_S = 7 * 86400,   /* a password set by an administrator must be changed within */
    ACCOUNT_LOGIN_MAX = 60,
};

struct accounts;

struct account_options {
    /* Argon2id: passes and memory. 0: 3 passes over 64 MiB, the second recommendation of RFC 9106 (there with 4 lanes; libsodium has one). A hash that
     * was made with less is made anew when its owner signs in. */
    unsigned hash_passes;
    size_t hash_memory;
    int hashing_max;         /* passwords hashed at once, so memory is bounded by hashing_max * hash_memory (0: 2) */
    int32_t idle_s;          /* a session unused so long is over (0: 1,800) */
    int32_t life_s;          /* and so long after sign-in in any case (0: 43,200) */
    int32_t rotate_s;        /* a session gets a new id so often (0: 900) */
    const char *oidc_path;   /* NULL: DIR/oidc.yaml if it is there; see account_oidc */
};

/* Opens the accounts of a node: reads what is constant from the seat's ledger (vault keys, roles, settings), which need not outlive the call.
 * Owned: accounts_close (after the pool). Errors: E_MEMORY, E_CRYPTO, those of oidc.yaml. */
int accounts_open(struct ledger *l, const struct account_options *o, struct accounts **ret, struct error *err);
void accounts_close(struct accounts *a);

/* Where a thread stands when it asks. */
struct account_seat {
    struct accounts *accounts;
    struct ledger *ledger;       /* this thread's own, for reading; with no queue also for writing */
    struct ledger_queue *queue;  /* NULL: write at once through `ledger` (command line, tests) */
};

/* ---- pool: threads for what is slow, each with a ledger of its own */
struct account_pool;
struct account_pool_options {
    struct ledger_options ledger;
    struct ledger_queue *queue;
    int threads;             /* 0: 2 */
    bool eager;              /* at the priority of everybody else, not below it */
    size_t waiting_max;      /* 0: 512; one more is E_BUSY */
    instant (*now)(void *arg); /* the door's clock, for account_flush every few seconds; NULL: the door flushes */
    void *now_arg;
};
int account_pool_start(struct accounts *a, const struct account_pool_options *o, struct account_pool **ret, struct error *err);
/* Runs work(seat, arg) on a thread of the pool, then done(arg, rc, error) there. From any thread, never waits. E_BUSY: full or stopping; done is
 * then not called. done must be short (it resumes a connection) and may free arg. */
int account_run(struct account_pool *p, int (*work)(const struct account_seat *seat, void *arg, struct error *err),
                void (*done)(void *arg, int rc, const struct error *err), void *arg, struct error *err);
/* Finishes what waits and takes no more (E_BUSY). NULL is fine. */
void account_pool_end(struct account_pool *p);
/* Ends and frees: nobody may ask it any more. NULL is fine. */
void account_pool_stop(struct account_pool *p);

/* ---- signing in */
struct account_from {
    struct text address;  /* of the client as text; for throttling and the list of sessions */
    struct text agent;    /* User-Agent; kept cut to 120 bytes */
    struct text device;   /* the device cookie; empty when there is none */
};

/* What is left to do before the account may act. The session is then good for that and for signing out only. */
enum account_state { ACCOUNT_READY, ACCOUNT_NEEDS_FACTOR, ACCOUNT_NEEDS_PASSWORD, ACCOUNT_NEEDS_ENROLMENT };
const char *account_state_name(enum account_state s); /* "ready", "needs_factor", ... */

struct account_signed {
    enum account_state state;
    char cookie[ACCOUNT_COOKIE + 1];  /* the new session id, for the cookie; it exists nowhere else */
    char device[ACCOUNT_COOKIE + 1];  /* a new device mark to set, or "" */
    char csrf[ACCOUNT_CSRF + 1];
    instant expires_at;
};

/* Login and password. Slow (one hash, one commit); the same time whether the account exists or not. */
int account_sign_in(const struct account_seat *seat, const struct account_from *from, struct text login, struct text password, instant now,
                    struct account_signed *ret, struct error *err);
/* A one-time code or a recovery code for a session that needs a factor; the session gets a new id. Each code once: a second use is E_SIGN_IN. Slow (commit). */
int account_second_factor(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text code, instant now,
                          struct account_signed *ret, struct error *err);
/* By whoever holds the session, in any state but NEEDS_FACTOR. Ends all other sessions of the account; this one gets a new id. Slow. */
int account_change_password(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text old, struct text fresh, instant now,
                            struct account_signed *ret, struct error *err);

/* Second factor: a new seed, not in force until account_enrol_confirm had a code of it. `uri` is otpauth://totp/..., `seed` base32 to type in. E_CONFLICT when
 * one is in force (an administrator resets it). Slow (commit). */
struct account_enrolment {
    char uri[ACCOUNT_OTPAUTH_MAX];
    char seed[40];
};
int account_enrol(const struct account_seat *seat, struct text cookie, instant now, struct account_enrolment *ret, struct error *err);
int account_enrol_confirm(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text code, instant now,
                          char ret_codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1], struct account_signed *ret, struct error *err);

/* ---- who is asking: on every request */
struct account_who {
    struct session session;   /* account, grants, limit; now is set; purpose, reason and language are the door's to fill */
    int64_t account;          /* id of the record */
    int64_t id;               /* of the session or token, for lists and logs; 53 bits */
    struct text login, title, region;
    enum account_state state;
    bool machine;             /* by token */
    bool factor;              /* a second factor was given */
    bool rotate;              /* it is time: account_rotate at the next convenience */
    instant expires_at;
    char csrf[ACCOUNT_CSRF + 1]; /* "" for machines */
};
/* Texts and grants are copied into the arena. Microseconds from the cache; a session not used for a while costs three small reads. What is revoked
 * anywhere is refused here within a second of `now` (in this process at once). E_SIGN_IN when it is none or over. */
int account_session(const struct account_seat *seat, struct text cookie, instant now, struct arena *a, struct account_who *ret, struct error *err);
int account_token(const struct account_seat *seat, struct text bearer, instant now, struct arena *a, struct account_who *ret, struct error *err);
/* Constant time. Every write by cookie must bring the token of its session. */
bool account_csrf_ok(const struct account_who *who, struct text sent);
/* A new id for the same session. Slow (commit). The old id holds ACCOUNT_GRACE_S longer; it gets no second one: ret->cookie is empty then. */
int account_rotate(const struct account_seat *seat, struct text cookie, instant now, struct account_signed *ret, struct error *err);
/* Writes what is kept in memory: tries that failed (journalled as DENY with their number), and last uses when a minute has passed since they were. The pool
 * does it every few seconds by itself. Slow (commit) when there is something. */
int account_flush(const struct account_seat *seat, instant now, struct error *err);

/* ---- what an account wants to find again: views of lists, columns. Nothing about persons belongs here, and nothing that gives rights; not journalled. Whoever
 * is signed in has his own, by login; a token reads and writes none. value: JSON text; "" takes the setting away. */
enum { ACCOUNT_SETTINGS = 200, ACCOUNT_SETTING_NAME = 80, ACCOUNT_SETTING_BYTES = 16384 };
struct account_setting {
    struct text name, value;
};
/* In order of names; in the arena. */
int account_settings(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_setting **ret, size_t *ret_n, struct error *err);
/* All or none. Slow (commit). E_TOO_LARGE: a value, or too many. */
int account_settings_put(const struct account_seat *seat, const struct session *s, const struct account_setting *list, size_t n, struct error *err);

/* ---- signing out */
int account_sign_out(const struct account_seat *seat, struct text cookie, instant now, struct error *err);
/* Every session of the session's own account, this one too, and every known device. */
int account_sign_out_everywhere(const struct account_seat *seat, const struct session *s, struct text login, struct error *err);
/* One of the own sessions, or another's by `security`. E_UNKNOWN. */
int account_session_end(const struct account_seat *seat, const struct session *s, int64_t id, struct error *err);
struct account_session_row {
    int64_t id;
    enum account_state state;
    instant created_at, seen_at, expires_at;
    struct text address, agent;
};
/* Live sessions of an account, newest first; own ones, or another's by `security`, `system` or `auditor`. In the arena. */
int account_sessions(const struct account_seat *seat, const struct session *s, struct text login, struct arena *a, struct account_session_row **ret, size_t *ret_n,
                     struct error *err);

/* ---- machine tokens */
struct account_token_wish {
    struct text login;      /* whose rights it borrows: oneself, or another account by `security` */
    struct text name;       /* what it is for */
    struct text roles;      /* "intake;tester", a subset of the account's; empty: all but those of administrators */
    struct text region;     /* within the account's; empty: the account's */
    struct text registers;  /* "case;contact"; empty: all */
    bool write, open;       /* reading is always allowed; open needs a session with a second factor */
    instant expires_at;     /* at most ACCOUNT_TOKEN_LIFE_S from now */
};
/* The token is returned once and exists nowhere else. Slow (commit). E_DENIED when more is wanted than the account has. */
int account_token_new(const struct account_seat *seat, const struct account_who *who, const struct account_token_wish *w, char ret_token[ACCOUNT_TOKEN + 1],
                      int64_t *ret_id, struct error *err);
int account_token_revoke(const struct account_seat *seat, const struct session *s, int64_t id, struct error *err);
struct account_token_row {
    int64_t id;
    struct text login, name, roles, region, registers, created_by;
    unsigned verbs; /* bits 1 << enum access_verb */
    instant created_at, expires_at, used_at;
};
/* Of one account, or of all the session may see (login empty; `security`, `auditor`). */
int account_tokens(const struct account_seat *seat, const struct session *s, struct text login, struct arena *a, struct account_token_row **ret, size_t *ret_n,
                   struct error *err);

/* ---- administration. `system` makes, unlocks and gives passwords; `security` gives roles, resets second factors, ends sessions; both lock. Over their
 * region; nobody to himself (E_DENIED). Every one is journalled on the account's record, without the secret. Slow. */
struct account_wish {
    struct text login, title, region, roles; /* roles "a;b"; empty: guest */
    int64_t organisation;                    /* 0: none */
};
/* login: lower-case letters, digits, '.', '_', '-', '@'; E_CONFLICT when it is taken. */
int account_add(const struct account_seat *seat, const struct session *s, const struct account_wish *w, int64_t *ret_id, struct error *err);
int account_set_roles(const struct account_seat *seat, const struct session *s, struct text login, struct text roles, struct text region, struct error *err);
/* The organisation the account works for (0: none), one that the session may read (E_INVALID). It gives no rights: it says whose duties are the account's own. By
 * `system` or `security`. */
int account_set_unit(const struct account_seat *seat, const struct session *s, struct text login, int64_t organisation, struct error *err);
/* The organisation of an account, id 0 when there is none; the title is told to the account whatever its roles read. Two reads by key. */
struct account_unit {
    int64_t id;
    struct text title; /* in the arena */
};
int account_unit(const struct account_seat *seat, int64_t account, struct arena *a, struct account_unit *ret, struct error *err);
/* Whom somebody means who types an organisation: its number, or its whole title. E_UNKNOWN; E_CONFLICT: several have this title. */
int account_unit_find(struct ledger *l, struct text words, int64_t *ret, struct error *err);
/* fresh empty: one is made and returned. It must be changed at the first sign-in. Ends the account's sessions. */
int account_set_password(const struct account_seat *seat, const struct session *s, struct text login, struct text fresh, char ret_made[40], struct error *err);
int account_lock(const struct account_seat *seat, const struct session *s, struct text login, bool locked, struct error *err);
/* Takes the second factor and recovery codes away and ends the sessions: the owner enrols anew. */
int account_factor_reset(const struct account_seat *seat, const struct session *s, struct text login, struct error *err);

struct account_row {
    int64_t id;
    struct text login, title, region, roles;
    struct account_unit unit;
    bool active, locked, has_password, must_change, has_factor, needs_factor;
    int64_t failures;      /* since the last sign-in */
    instant signed_at;     /* INSTANT_NONE: never */
    int64_t sessions;
};
/* Accounts the session may read (ledger/access on register account), by login. */
int account_list(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_row **ret, size_t *ret_n, struct error *err);
/* True when the role may open sealed fields of some register, or administers: its holders need a second factor. */
bool account_role_needs_factor(const struct catalog *c, struct text role);

/* demo.c: one account a role (all but root) with a password that need not be changed; E_REFUSED unless the node was made with --demo. On such a node the second
 * factor is asked only of those who enrolled one. */
struct account_demo {
    struct text role, title_zh, title_en;
    char login[80], password[40];
};
int account_demo_make(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_demo **ret, size_t *ret_n, struct error *err);

/* ---- OpenID Connect (oidc.c): authorization code with PKCE at the one provider of DIR/oidc.yaml */
bool account_oidc_configured(const struct accounts *a);
enum { ACCOUNT_OIDC_STATE_MAX = 600, ACCOUNT_URL_MAX = 2048 };
struct account_oidc_start {
    char url[ACCOUNT_URL_MAX];             /* where to send the browser */
    char cookie[ACCOUNT_OIDC_STATE_MAX];   /* sealed state, nonce and verifier: HttpOnly, SameSite=Lax, ten minutes, path of the callback */
};
/* Slow the first time (discovery). E_UNSUPPORTED when no provider is configured. */
int account_oidc_begin(const struct account_seat *seat, instant now, struct account_oidc_start *ret, struct error *err);
/* The provider's redirect: its state and code, and the cookie set above. Slow (HTTP to the provider, a commit). E_SIGN_IN for anything that does not hold,
 * the reason of which is journalled and not told. */
int account_oidc_finish(const struct account_seat *seat, const struct account_from *from, struct text cookie, struct text state, struct text code, instant now,
                        struct account_signed *ret, struct error *err);

#endif

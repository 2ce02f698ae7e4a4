/* Accounts under test: a node with a system and a security administrator, hashes as cheap as they come, and short ways to sign in. */
#ifndef TOCSIN_TESTS_ACCOUNTS_H
#define TOCSIN_TESTS_ACCOUNTS_H

#include <liboath/oath.h>

#include "desks/account/account.h"
#include "ledgers.h"

#define GOOD_PASSWORD "three wet horses"

struct test_accounts {
    struct test_ledger t;
    struct accounts *accounts;
    struct account_seat seat;
    struct account_from from;
    instant now;
};

static inline void test_accounts_make(struct test_accounts *x, size_t store) {
    struct error err = {0};
    struct account_options o = {.hash_passes = 1, .hash_memory = 8192};
    test_ledger_make(&x->t, store, NULL, "2022-05-30T08:00");
    assert_ok(accounts_open(x->t.l, &o, &x->accounts, &err), err);
    x->seat = (struct account_seat){.accounts = x->accounts, .ledger = x->t.l};
    x->from = (struct account_from){.address = TEXT("192.0.2.7"), .agent = TEXT("test")};
    x->now = x->t.s.now;
}

static inline void test_accounts_drop(struct test_accounts *x) {
    accounts_close(x->accounts);
    test_ledger_drop(&x->t);
}

/* A session of somebody with one role over a region, without signing in. */
static inline struct session test_session_of(struct test_accounts *x, const char *login, const char *role, const char *region) {
    struct grant *g = arena_alloc(&x->t.a, sizeof *g);
    *g = (struct grant){text_of(role), text_of(region)};
    return (struct session){.account = text_of(login), .n_grants = 1, .grants = g, .now = x->now};
}

/* An account made by root, its password changed already. */
static inline int64_t test_account_of(struct test_accounts *x, const char *login, const char *roles, const char *region) {
    struct error err = {0};
    int64_t id = 0;
    struct account_wish w = {.login = text_of(login), .title = text_of(login), .roles = text_of(roles), .region = text_of(region)};
    x->t.s.now = x->now;
    assert_ok(account_add(&x->seat, &x->t.s, &w, &id, &err), err);
    assert_ok(account_set_password(&x->seat, &x->t.s, text_of(login), TEXT("first word of all"), NULL, &err), err);
    struct account_signed first, second;
    assert_ok(account_sign_in(&x->seat, &x->from, text_of(login), TEXT("first word of all"), x->now, &first, &err), err);
    assert_int_equal(first.state, ACCOUNT_NEEDS_PASSWORD);
    assert_ok(account_change_password(&x->seat, &x->from, text_of(first.cookie), TEXT("first word of all"), TEXT(GOOD_PASSWORD), x->now, &second, &err), err);
    assert_ok(account_sign_out(&x->seat, text_of(second.cookie), x->now, &err), err);
    return id;
}

static inline int test_sign_in(struct test_accounts *x, const char *login, const char *password, struct account_signed *ret) {
    struct error err = {0};
    int rc = account_sign_in(&x->seat, &x->from, text_of(login), text_of(password), x->now, ret, &err);
    assert_int_equal(rc, err.code);
    return rc;
}

static inline int test_who(struct test_accounts *x, const char *cookie, struct account_who *ret) {
    struct error err = {0};
    int rc = account_session(&x->seat, text_of(cookie), x->now, &x->t.a, ret, &err);
    assert_int_equal(rc, err.code);
    return rc;
}

/* What the owner's authenticator shows now. */
static inline void test_code(const char *seed32, instant now, char out[8]) {
    char *bin = NULL;
    size_t n = 0;
    if (oath_base32_decode(seed32, strlen(seed32), &bin, &n) != OATH_OK) fail_msg("bad seed");
    if (oath_totp_generate(bin, n, now, 30, 0, 6, out) != OATH_OK) fail_msg("no code");
    free(bin);
}

/* Enrols the account of a session that needs it; the seed for later codes. The session that follows has the factor. */
static inline void test_enrol(struct test_accounts *x, const char *cookie, char seed[40], char codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1], struct account_signed *ret) {
    struct error err = {0};
    struct account_enrolment e;
    char code[8];
    assert_ok(account_enrol(&x->seat, text_of(cookie), x->now, &e, &err), err);
    test_code(e.seed, x->now, code);
    assert_ok(account_enrol_confirm(&x->seat, &x->from, text_of(cookie), text_of(code), x->now, codes, ret, &err), err);
    memcpy(seed, e.seed, sizeof e.seed);
}

#endif

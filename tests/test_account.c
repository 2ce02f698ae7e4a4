/* Passwords, sessions and rights of accounts. Refusals first. */
#include "accounts.h"

static void nobody_gets_in_without_the_password(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s = {0};
        struct account_who who;
        test_accounts_make(&x, i);
        test_account_of(&x, "li.na", "approver", "310115");
        assert_int_equal(test_sign_in(&x, "li.na", "three wet horse", &s), E_SIGN_IN);
        assert_int_equal(test_sign_in(&x, "li.na", "", &s), E_SIGN_IN);
        assert_int_equal(test_sign_in(&x, "nobody", GOOD_PASSWORD, &s), E_SIGN_IN);
        assert_int_equal(test_sign_in(&x, "", "", &s), E_SIGN_IN);
        assert_int_equal(test_sign_in(&x, "li.na' OR '1'='1", GOOD_PASSWORD, &s), E_SIGN_IN);
        assert_string_equal(s.cookie, ""); /* outputs untouched */
        assert_int_equal(test_who(&x, "", &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'", &who), E_SIGN_IN);
        test_accounts_drop(&x);
    }
}

static void an_unknown_login_is_told_as_a_wrong_password_on(size_t store) {
    struct test_accounts x;
    struct account_signed s;
    struct error wrong = {0}, unknown = {0};
    test_accounts_make(&x, store);
    test_account_of(&x, "li.na", "approver", "310115");
    account_sign_in(&x.seat, &x.from, TEXT("li.na"), TEXT("wrong wrong wrong"), x.now, &s, &wrong);
    account_sign_in(&x.seat, &x.from, TEXT("li.no"), TEXT("wrong wrong wrong"), x.now, &s, &unknown);
    assert_int_equal(wrong.code, unknown.code);
    assert_string_equal(wrong.message, unknown.message);
    assert_string_equal(wrong.where, unknown.where);
    /* that an account is locked learns only who has its password */
    struct error err = {0};
    x.t.s.now = x.now;
    assert_ok(account_lock(&x.seat, &x.t.s, TEXT("li.na"), true, &err), err);
    assert_int_equal(test_sign_in(&x, "li.na", "wrong wrong wrong", &s), E_SIGN_IN);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), E_DENIED);
    assert_ok(account_lock(&x.seat, &x.t.s, TEXT("li.na"), false, &err), err);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    test_accounts_drop(&x);
}

static void an_unknown_login_is_told_as_a_wrong_password(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) an_unknown_login_is_told_as_a_wrong_password_on(store);
}

static void poor_passwords_are_refused_on(size_t store) {
    static const char *const poor[] = {"short", "elevenchars", "aaaaaaaaaaaaaaaa", "abababababab", "abcdabcdabcdabcd", "123456789012", "abcdefghijklmn", "987654321098",
                                       "my li.na2022 pass", "LI.NA2022-LI.NA2022", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "一二三四五六七八九十一"};
    struct test_accounts x;
    struct account_signed s, after;
    test_accounts_make(&x, store);
    test_account_of(&x, "li.na2022", "approver", "310115");
    assert_int_equal(test_sign_in(&x, "li.na2022", GOOD_PASSWORD, &s), 0);
    for (size_t i = 0; i < sizeof poor / sizeof *poor; i++) {
        struct error err = {0};
        int rc = account_change_password(&x.seat, &x.from, text_of(s.cookie), TEXT(GOOD_PASSWORD), text_of(poor[i]), x.now, &after, &err);
        if (rc != E_REFUSED) fail_msg("%s: %d", poor[i], rc);
    }
    struct error err = {0};
    assert_int_equal(account_change_password(&x.seat, &x.from, text_of(s.cookie), TEXT(GOOD_PASSWORD), TEXT(GOOD_PASSWORD), x.now, &after, NULL), E_REFUSED);
    assert_int_equal(account_change_password(&x.seat, &x.from, text_of(s.cookie), TEXT("not the old one"), TEXT("another fine pass"), x.now, &after, NULL), E_SIGN_IN);
    assert_ok(account_change_password(&x.seat, &x.from, text_of(s.cookie), TEXT(GOOD_PASSWORD), TEXT("春江潮水连海平海上明月"
                                                                                                     "共潮生"), x.now, &after, &err), err);
    test_accounts_drop(&x);
}

static void poor_passwords_are_refused(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) poor_passwords_are_refused_on(store);
}

static void a_first_password_gives_no_rights(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s, after;
        struct account_who who;
        struct error err = {0};
        char made[40];
        test_accounts_make(&x, i);
        struct account_wish w = {.login = TEXT("wang"), .title = TEXT("王"), .roles = TEXT("approver"), .region = TEXT("310115")};
        assert_ok(account_add(&x.seat, &x.t.s, &w, NULL, &err), err);
        assert_int_equal(test_sign_in(&x, "wang", "", &s), E_SIGN_IN); /* no password is no empty password */
        assert_ok(account_set_password(&x.seat, &x.t.s, TEXT("wang"), TEXT(""), made, &err), err);
        assert_int_equal(strlen(made), 23);
        assert_int_equal(test_sign_in(&x, "wang", made, &s), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_int_equal(who.state, ACCOUNT_NEEDS_PASSWORD);
        assert_int_equal(who.session.n_grants, 0);
        assert_ok(account_change_password(&x.seat, &x.from, text_of(s.cookie), text_of(made), TEXT(GOOD_PASSWORD), x.now, &after, &err), err);
        assert_string_not_equal(after.cookie, s.cookie);
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, after.cookie, &who), 0);
        assert_int_equal(who.state, ACCOUNT_READY);
        assert_int_equal(who.session.n_grants, 1);
        assert_true(text_is(who.session.grants[0].role, "approver"));
        assert_true(text_is(who.session.grants[0].region, "310115"));
        /* and a first password that nobody changed is over in a week */
        assert_ok(account_set_password(&x.seat, &x.t.s, TEXT("wang"), TEXT(""), made, &err), err);
        x.now += ACCOUNT_INITIAL_S + 1;
        assert_int_equal(test_sign_in(&x, "wang", made, &s), E_DENIED);
        test_accounts_drop(&x);
    }
}

static void what_ends_a_session(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s, other;
        struct account_who who;
        struct error err = {0};
        test_accounts_make(&x, i);
        test_account_of(&x, "li.na", "approver", "310115");
        /* idle */
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        x.now += 1801;
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        /* its life, however busy */
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        instant end = s.expires_at;
        for (; x.now + 900 < end; x.now += 900) assert_int_equal(test_who(&x, s.cookie, &who), 0);
        x.now = end;
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        /* signing out, everywhere, and by name */
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &other), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_ok(account_sign_out(&x.seat, text_of(s.cookie), x.now, &err), err);
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, other.cookie, &who), 0);
        struct account_session_row *rows;
        size_t n;
        assert_ok(account_sessions(&x.seat, &who.session, TEXT("li.na"), &x.t.a, &rows, &n, &err), err);
        assert_int_equal(n, 1);
        assert_true(text_is(rows[0].address, "192.0.2.7"));
        assert_ok(account_session_end(&x.seat, &who.session, rows[0].id, &err), err);
        assert_int_equal(test_who(&x, other.cookie, &who), E_SIGN_IN);
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &other), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_ok(account_sign_out_everywhere(&x.seat, &who.session, TEXT("li.na"), &err), err);
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, other.cookie, &who), E_SIGN_IN);
        /* others' sessions are not theirs to see or end */
        test_account_of(&x, "zhao", "approver", "310115");
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        struct session zhao = test_session_of(&x, "zhao", "approver", "310115");
        assert_int_equal(account_sessions(&x.seat, &zhao, TEXT("li.na"), &x.t.a, &rows, &n, NULL), E_DENIED);
        assert_int_equal(account_session_end(&x.seat, &zhao, who.id, NULL), E_UNKNOWN);
        assert_int_equal(account_sign_out_everywhere(&x.seat, &zhao, TEXT("li.na"), NULL), E_DENIED);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        test_accounts_drop(&x);
    }
}

static void sessions_outlive_the_server_and_follow_rights(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s;
        struct account_who who;
        struct error err = {0};
        struct account_options o = {.hash_passes = 1, .hash_memory = 8192};
        test_accounts_make(&x, i);
        test_account_of(&x, "li.na", "approver", "310115");
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        accounts_close(x.accounts);
        test_ledger_reopen(&x.t);
        assert_ok(accounts_open(x.t.l, &o, &x.accounts, &err), err);
        x.seat = (struct account_seat){.accounts = x.accounts, .ledger = x.t.l};
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_true(text_is(who.login, "li.na"));
        /* another process changes the roles: a second later they are these */
        struct ledger *far = NULL;
        assert_ok(ledger_open(&x.t.o, &far, &err), err);
        struct accounts *far_accounts = NULL;
        assert_ok(accounts_open(far, &o, &far_accounts, &err), err);
        struct account_seat seat = {.accounts = far_accounts, .ledger = far};
        assert_ok(account_set_roles(&seat, &x.t.s, TEXT("li.na"), TEXT("guest"), TEXT(""), &err), err);
        x.now++;
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_true(text_is(who.session.grants[0].role, "guest"));
        assert_ok(account_lock(&seat, &x.t.s, TEXT("li.na"), true, &err), err);
        x.now++;
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        accounts_close(far_accounts);
        ledger_close(far);
        test_accounts_drop(&x);
    }
}

static void a_session_gets_a_new_id_and_keeps_its_token_against_forgery(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s, next, lost;
        struct account_who who, after;
        struct error err = {0};
        test_accounts_make(&x, i);
        test_account_of(&x, "li.na", "approver", "310115");
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_false(who.rotate);
        assert_true(account_csrf_ok(&who, text_of(s.csrf)));
        assert_false(account_csrf_ok(&who, TEXT("")));
        assert_false(account_csrf_ok(&who, TEXT("AAAAAAAAAAAAAAAAAAAAAA")));
        x.now += 901;
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_true(who.rotate);
        assert_ok(account_rotate(&x.seat, text_of(s.cookie), x.now, &next, &err), err);
        assert_ok(account_rotate(&x.seat, text_of(s.cookie), x.now, &lost, &err), err); /* two windows at once: the second is given nothing */
        assert_string_equal(lost.cookie, "");
        assert_string_not_equal(next.cookie, s.cookie);
        assert_string_equal(next.csrf, s.csrf);
        assert_int_equal(next.expires_at, s.expires_at);
        assert_int_equal(test_who(&x, s.cookie, &after), 0); /* requests under way */
        assert_int_equal(test_who(&x, next.cookie, &after), 0);
        assert_false(after.rotate);
        assert_int_equal(after.id, who.id);
        x.now += ACCOUNT_GRACE_S;
        assert_int_equal(test_who(&x, s.cookie, &after), E_SIGN_IN);
        assert_int_equal(account_rotate(&x.seat, text_of(s.cookie), x.now, &lost, NULL), E_SIGN_IN);
        assert_int_equal(test_who(&x, next.cookie, &after), 0);
        test_accounts_drop(&x);
    }
}

/* Nothing that would let a reader of the store or of the journal in is written there. */
static void no_secret_is_stored_on(size_t store) {
    struct test_accounts x;
    struct account_signed s;
    struct account_who who;
    struct error err = {0};
    char token[ACCOUNT_TOKEN + 1], command[1200];
    test_accounts_make(&x, store);
    test_account_of(&x, "li.na", "approver", "310115");
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    assert_int_equal(test_who(&x, s.cookie, &who), 0);
    struct account_token_wish w = {.login = TEXT("li.na"), .name = TEXT("scale"), .expires_at = x.now + DAY_S};
    assert_ok(account_token_new(&x.seat, &who, &w, token, NULL, &err), err);
    const char *secrets[] = {GOOD_PASSWORD, "first word of all", s.cookie, s.device, token, token + 7};
    char where[300];
    snprintf(where, sizeof where, "%s", test_store_list[store].name);
    if (test_store_is_pg(store)) { /* this schema alone: others come and go meanwhile */
        snprintf(where, sizeof where, "%s.dump", x.t.dir);
        snprintf(command, sizeof command, "pg_dump -n '%s' '%s' > '%s'", test_store_list[store].name, x.t.o.store, where);
        assert_int_equal(system(command), 0);
    }
    for (size_t k = 0; k < sizeof secrets / sizeof *secrets; k++) {
        snprintf(command, sizeof command, "grep -rqaF -e '%s' '%s' '%s'", secrets[k], x.t.dir, where);
        if (system(command) == 0) fail_msg("secret %zu lies in the store", k);
    }
    snprintf(command, sizeof command, "grep -rqaF li.na '%s'", where);
    assert_int_equal(system(command), 0); /* it was looked at */
    if (test_store_is_pg(store)) assert_int_equal(remove(where), 0);
    test_accounts_drop(&x);
}

static void no_secret_is_stored(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) no_secret_is_stored_on(store);
}

static void a_weak_hash_is_made_anew_on(size_t store) {
    struct test_accounts x;
    struct account_signed s;
    struct error err = {0};
    struct account_options more = {.hash_passes = 2, .hash_memory = 16384};
    test_accounts_make(&x, store);
    test_account_of(&x, "li.na", "approver", "310115");
    accounts_close(x.accounts);
    assert_ok(accounts_open(x.t.l, &more, &x.accounts, &err), err);
    x.seat.accounts = x.accounts;
    assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_secret WHERE hash LIKE '$argon2id$v=19$m=8,t=1,p=1$%'"), 1);
    assert_int_equal(test_sign_in(&x, "li.na", "wrong wrong wrong", &s), E_SIGN_IN);
    assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_secret WHERE hash LIKE '$argon2id$v=19$m=8,t=1,p=1$%'"), 1);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_secret WHERE hash LIKE '$argon2id$v=19$m=16,t=2,p=1$%'"), 1);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    test_accounts_drop(&x);
}

static void a_weak_hash_is_made_anew(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) a_weak_hash_is_made_anew_on(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_in_without_the_password),
        cmocka_unit_test(an_unknown_login_is_told_as_a_wrong_password),
        cmocka_unit_test(poor_passwords_are_refused),
        cmocka_unit_test(a_first_password_gives_no_rights),
        cmocka_unit_test(what_ends_a_session),
        cmocka_unit_test(sessions_outlive_the_server_and_follow_rights),
        cmocka_unit_test(a_session_gets_a_new_id_and_keeps_its_token_against_forgery),
        cmocka_unit_test(no_secret_is_stored),
        cmocka_unit_test(a_weak_hash_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

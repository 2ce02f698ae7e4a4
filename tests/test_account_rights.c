/* Who gives whom what; second factors, tokens, lock-out; many threads at once. Refusals first. */
#include <pthread.h>
#include <stdatomic.h>

#include "accounts.h"

static int roles_by(struct test_accounts *x, const struct session *s, const char *login, const char *roles) {
    return account_set_roles(&x->seat, s, text_of(login), text_of(roles), TEXT(""), NULL);
}

/* Through the records, past this desk: as an import or the records API would. */
static int record_roles(struct test_accounts *x, const struct session *s, int64_t id, const char *roles) {
    struct error err = {0};
    struct draft *d = test_draft(&x->t, "account", DRAFT_CHANGE, NULL);
    d->id = id;
    if (draft_set(x->t.l, d, &x->t.a, TEXT("roles"), text_of(roles), &err) < 0) return err.code;
    return record_write(x->t.l, s, &d, 1, &err);
}

static void duties_are_separated(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        test_accounts_make(&x, i);
        int64_t li = test_account_of(&x, "li.na", "guest", "310115");
        int64_t sec_id = test_account_of(&x, "sec", "security", "310115");
        test_account_of(&x, "boss", "root", "310115");
        struct session sys = test_session_of(&x, "sys", "system", "310115"), sec = test_session_of(&x, "sec", "security", "310115");
        struct session aud = test_session_of(&x, "aud", "auditor", ""), far = test_session_of(&x, "far", "security", "310116"), li_s = test_session_of(&x, "li.na", "tracer", "310115");
        /* no two of the three, nor one of them with anything else */
        static const char *const two[] = {"system;security", "system;auditor", "security;auditor", "root;tracer", "auditor;intake", "tracer;system;intake"};
        for (size_t k = 0; k < sizeof two / sizeof *two; k++) {
            x.t.s.now = x.now;
            if (roles_by(&x, &x.t.s, "li.na", two[k]) != E_INVALID) fail_msg("%s by root", two[k]);
            if (record_roles(&x, &x.t.s, li, two[k]) != E_INVALID) fail_msg("%s as a record", two[k]);
        }
        /* who may give */
        assert_int_equal(roles_by(&x, &sys, "li.na", "tracer"), E_DENIED);
        assert_int_equal(roles_by(&x, &aud, "li.na", "tracer"), E_DENIED);
        assert_int_equal(roles_by(&x, &far, "li.na", "tracer"), E_DENIED);
        assert_int_equal(roles_by(&x, &li_s, "li.na", "tracer"), E_DENIED);
        assert_int_equal(record_roles(&x, &sys, li, "tracer"), E_DENIED);
        assert_int_equal(record_roles(&x, &aud, li, "tracer"), E_DENIED);
        /* nobody to himself, root only by root */
        assert_int_equal(roles_by(&x, &sec, "sec", "system"), E_DENIED);
        assert_int_equal(record_roles(&x, &sec, sec_id, "system"), E_DENIED);
        assert_int_equal(roles_by(&x, &sec, "li.na", "root"), E_DENIED);
        assert_int_equal(record_roles(&x, &sec, li, "root"), E_DENIED);
        assert_int_equal(roles_by(&x, &sec, "boss", "guest"), E_DENIED);
        assert_int_equal(account_lock(&x.seat, &sec, TEXT("boss"), true, NULL), E_DENIED);
        assert_int_equal(account_lock(&x.seat, &sec, TEXT("sec"), true, NULL), E_DENIED);
        /* existence and passwords are the system administrator's, factors the security administrator's, nothing is the auditor's */
        struct account_wish w = {.login = TEXT("neu")}, more = {.login = TEXT("neu"), .roles = TEXT("tracer")};
        const struct account_wish house[] = {{.login = TEXT("root")}, {.login = TEXT("clock")}, {.login = TEXT("system")}}; /* who the journal says when the house itself acts */
        assert_int_equal(account_add(&x.seat, &sec, &w, NULL, NULL), E_DENIED);
        assert_int_equal(account_add(&x.seat, &aud, &w, NULL, NULL), E_DENIED);
        assert_int_equal(account_add(&x.seat, &sys, &more, NULL, NULL), E_DENIED);
        for (size_t k = 0; k < sizeof house / sizeof *house; k++) assert_int_equal(account_add(&x.seat, &x.t.s, &house[k], NULL, NULL), E_INVALID);
        assert_int_equal(account_add(&x.seat, &sys, &w, NULL, NULL), 0);
        assert_int_equal(account_set_password(&x.seat, &sec, TEXT("neu"), TEXT(""), NULL, NULL), E_DENIED);
        assert_int_equal(account_set_password(&x.seat, &aud, TEXT("neu"), TEXT(""), NULL, NULL), E_DENIED);
        assert_int_equal(account_factor_reset(&x.seat, &sys, TEXT("neu"), NULL), E_DENIED);
        assert_int_equal(account_lock(&x.seat, &aud, TEXT("neu"), true, NULL), E_DENIED);
        /* whose people it is, either says; nobody of himself, nor from another region */
        assert_int_equal(account_set_unit(&x.seat, &aud, TEXT("neu"), 0, NULL), E_DENIED);
        assert_int_equal(account_set_unit(&x.seat, &far, TEXT("neu"), 0, NULL), E_DENIED);
        assert_int_equal(account_set_unit(&x.seat, &sec, TEXT("sec"), 0, NULL), E_DENIED);
        assert_int_equal(account_set_unit(&x.seat, &sec, TEXT("neu"), 999999, NULL), E_INVALID);
        assert_int_equal(account_set_unit(&x.seat, &sec, TEXT("neu"), 0, NULL), 0);
        assert_int_equal(account_set_unit(&x.seat, &sys, TEXT("neu"), 0, NULL), 0);
        assert_int_equal(account_lock(&x.seat, &sec, TEXT("neu"), true, NULL), 0);
        assert_int_equal(account_lock(&x.seat, &sec, TEXT("neu"), false, NULL), E_DENIED);
        assert_int_equal(account_lock(&x.seat, &sys, TEXT("neu"), false, NULL), 0);
        assert_int_equal(account_set_password(&x.seat, &sys, TEXT("neu"), TEXT(""), NULL, NULL), 0);
        assert_int_equal(roles_by(&x, &sec, "neu", "tracer"), 0);
        test_accounts_drop(&x);
    }
}

static void a_code_is_good_once(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s, next;
        struct account_who who;
        struct error err = {0};
        char seed[40], code[8], codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1];
        test_accounts_make(&x, i);
        test_account_of(&x, "sun", "tracer", "310115");
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        assert_int_equal(s.state, ACCOUNT_NEEDS_ENROLMENT);
        assert_int_equal(test_who(&x, s.cookie, &who), 0);
        assert_int_equal(who.session.n_grants, 0);
        test_enrol(&x, s.cookie, seed, codes, &next);
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN); /* the session by password alone is over */
        assert_int_equal(test_who(&x, next.cookie, &who), 0);
        assert_int_equal(who.session.n_grants, 1);
        assert_int_equal(account_enrol(&x.seat, text_of(next.cookie), x.now, &(struct account_enrolment){0}, NULL), E_CONFLICT);
        /* the code that enrolled, an old one, a far one, a wrong one */
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        assert_int_equal(s.state, ACCOUNT_NEEDS_FACTOR);
        static const int shifts[] = {0, -30, 90, -90};
        for (size_t k = 0; k < 4; k++) {
            test_code(seed, x.now + shifts[k], code);
            assert_int_equal(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(code), x.now, &next, NULL), E_SIGN_IN);
        }
        x.now += 60;
        test_code(seed, x.now + 30, code); /* the owner's clock is half a minute fast */
        assert_ok(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(code), x.now, &next, &err), err);
        assert_string_not_equal(next.cookie, s.cookie);
        assert_int_equal(test_who(&x, s.cookie, &who), E_SIGN_IN);
        assert_int_equal(test_who(&x, next.cookie, &who), 0);
        assert_true(who.factor);
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        assert_int_equal(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(code), x.now, &next, NULL), E_SIGN_IN);
        /* recovery codes: each once, in any case, with or without dashes */
        assert_int_equal(account_second_factor(&x.seat, &x.from, text_of(s.cookie), TEXT("aaaa-aaaa-aaaa-aaaa"), x.now, &next, NULL), E_SIGN_IN);
        assert_ok(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(codes[3]), x.now, &next, &err), err);
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        assert_int_equal(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(codes[3]), x.now, &next, NULL), E_SIGN_IN);
        assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_recovery"), ACCOUNT_RECOVERY_CODES - 1);
        /* a session that waits does not wait long */
        x.now += 301;
        assert_int_equal(account_second_factor(&x.seat, &x.from, text_of(s.cookie), text_of(codes[4]), x.now, &next, NULL), E_SIGN_IN);
        /* taken away by security only; then the owner enrols anew */
        struct session sec = test_session_of(&x, "sec", "security", "310115");
        assert_ok(account_factor_reset(&x.seat, &sec, TEXT("sun"), &err), err);
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        assert_int_equal(s.state, ACCOUNT_NEEDS_ENROLMENT);
        assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_recovery"), 0);
        test_accounts_drop(&x);
    }
}

static void a_token_is_less_than_its_account(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct test_accounts x;
        struct account_signed s, next;
        struct account_who who, machine;
        struct error err = {0};
        char seed[40], codes[ACCOUNT_RECOVERY_CODES][ACCOUNT_RECOVERY + 1], token[ACCOUNT_TOKEN + 1];
        int64_t id = 0;
        test_accounts_make(&x, i);
        test_account_of(&x, "sun", "tracer;intake", "310115");
        assert_int_equal(test_sign_in(&x, "sun", GOOD_PASSWORD, &s), 0);
        test_enrol(&x, s.cookie, seed, codes, &next);
        assert_int_equal(test_who(&x, next.cookie, &who), 0);
        instant week = x.now + 7 * DAY_S;
        const struct { struct account_token_wish w; int rc; } poor[] = {
            {{.login = TEXT("sun"), .name = TEXT("x"), .roles = TEXT("tester"), .expires_at = week}, E_DENIED},
            {{.login = TEXT("sun"), .name = TEXT("x"), .roles = TEXT("tracer;root"), .expires_at = week}, E_DENIED},
            {{.login = TEXT("sun"), .name = TEXT("x"), .region = TEXT("31"), .expires_at = week}, E_DENIED},
            {{.login = TEXT("sun"), .name = TEXT("x"), .region = TEXT("310116"), .expires_at = week}, E_DENIED},
            {{.login = TEXT("sun"), .name = TEXT("x"), .registers = TEXT("case;nothing"), .expires_at = week}, E_UNKNOWN},
            {{.login = TEXT("sun"), .name = TEXT(" "), .expires_at = week}, E_INVALID},
            {{.login = TEXT("sun"), .name = TEXT("x"), .expires_at = x.now}, E_INVALID},
            {{.login = TEXT("sun"), .name = TEXT("x"), .expires_at = x.now + 2 * 366 * DAY_S}, E_INVALID},
            {{.login = TEXT("other"), .name = TEXT("x"), .expires_at = week}, E_UNKNOWN},
        };
        for (size_t k = 0; k < sizeof poor / sizeof *poor; k++) {
            int rc = account_token_new(&x.seat, &who, &poor[k].w, token, &id, NULL);
            if (rc != poor[k].rc) fail_msg("%zu: %d", k, rc);
        }
        struct account_token_wish w = {.login = TEXT("sun"), .name = TEXT("scale"), .roles = TEXT("tracer"), .region = TEXT("310115001"), .registers = TEXT("case;contact"),
                                       .expires_at = week};
        assert_ok(account_token_new(&x.seat, &who, &w, token, &id, &err), err);
        assert_int_equal(strlen(token), ACCOUNT_TOKEN);
        assert_ok(account_token(&x.seat, text_of(token), x.now, &x.t.a, &machine, &err), err);
        assert_true(machine.machine);
        assert_int_equal(machine.session.n_grants, 1);
        assert_true(text_is(machine.session.grants[0].region, "310115001"));
        const struct register_decl *cases = register_find(x.t.l->catalog, TEXT("case")), *tests = register_find(x.t.l->catalog, TEXT("test"));
        machine.session.purpose = TEXT("trace");
        assert_int_equal(access_check(&machine.session, ACCESS_READ, cases, TEXT("310115001002"), NULL), 0);
        assert_int_equal(access_check(&machine.session, ACCESS_READ, cases, TEXT("310115002"), NULL), E_DENIED);
        assert_int_equal(access_check(&machine.session, ACCESS_READ, tests, TEXT("310115001"), NULL), E_DENIED);
        assert_int_equal(access_check(&machine.session, ACCESS_WRITE, cases, TEXT("310115001"), NULL), E_DENIED);
        assert_int_equal(access_check(&machine.session, ACCESS_OPEN, cases, TEXT("310115001"), NULL), E_DENIED);
        struct buf sql = {0};
        access_sql(&machine.session, ACCESS_READ, tests, "region", &sql);
        assert_string_equal(buf_cstr(&sql), "1=0");
        buf_reset(&sql);
        access_scope_sql(&machine.session, "region", &sql);
        assert_string_equal(buf_cstr(&sql), "1=0");
        buf_clear(&sql);
        /* no token makes tokens, ends sessions or manages accounts */
        assert_int_equal(account_token_new(&x.seat, &machine, &w, token, &id, NULL), E_DENIED);
        assert_int_equal(account_sign_out_everywhere(&x.seat, &machine.session, TEXT("sun"), NULL), E_DENIED);
        assert_int_equal(account_token_revoke(&x.seat, &machine.session, id, NULL), E_UNKNOWN);
        /* altered, cut, expired, of an account that lost the role, moved, was locked; revoked */
        struct account_who none;
        char altered[ACCOUNT_TOKEN + 1];
        memcpy(altered, token, sizeof token);
        altered[20] = altered[20] == 'A' ? 'B' : 'A';
        assert_int_equal(account_token(&x.seat, text_of(altered), x.now, &x.t.a, &none, NULL), E_SIGN_IN);
        assert_int_equal(account_token(&x.seat, (struct text){token, ACCOUNT_TOKEN - 1}, x.now, &x.t.a, &none, NULL), E_SIGN_IN);
        assert_int_equal(account_session(&x.seat, (struct text){token + 7, 43}, x.now, &x.t.a, &none, NULL), E_SIGN_IN);
        assert_int_equal(account_token(&x.seat, text_of(token), week, &x.t.a, &none, NULL), E_SIGN_IN);
        struct session sec = test_session_of(&x, "sec", "security", "");
        assert_ok(account_set_roles(&x.seat, &sec, TEXT("sun"), TEXT("intake"), TEXT(""), &err), err);
        assert_ok(account_token(&x.seat, text_of(token), x.now, &x.t.a, &machine, &err), err);
        assert_int_equal(machine.session.n_grants, 0);
        assert_ok(account_set_roles(&x.seat, &sec, TEXT("sun"), TEXT("tracer"), TEXT("310116"), &err), err);
        assert_ok(account_token(&x.seat, text_of(token), x.now, &x.t.a, &machine, &err), err);
        assert_int_equal(machine.session.n_grants, 0);
        assert_ok(account_lock(&x.seat, &sec, TEXT("sun"), true, &err), err);
        assert_int_equal(account_token(&x.seat, text_of(token), x.now, &x.t.a, &none, NULL), E_SIGN_IN);
        assert_ok(account_token_revoke(&x.seat, &sec, id, &err), err);
        assert_int_equal(test_count(&x.t, "SELECT count(*) FROM account_token"), 0);
        test_accounts_drop(&x);
    }
}

static void failures_make_strangers_wait_and_nobody_else_on(size_t store) {
    struct test_accounts x;
    struct account_signed s, own;
    test_accounts_make(&x, store);
    test_account_of(&x, "li.na", "approver", "310115");
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &own), 0);
    assert_true(own.device[0] != '\0');
    /* from one address: five free, then longer and longer; the right password waits as well */
    int tried = 0;
    while (test_sign_in(&x, "li.na", "wrong wrong wrong", &s) == E_SIGN_IN) tried++;
    assert_int_equal(tried, 5);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), E_RATE);
    assert_int_equal(test_sign_in(&x, "nobody", "wrong wrong wrong", &s), E_SIGN_IN); /* others from there are not held up */
    /* a storm from everywhere slows all strangers */
    char address[32];
    for (int i = 0; i < 40; i++) {
        snprintf(address, sizeof address, "198.51.100.%d", i);
        x.from.address = text_of(address);
        test_sign_in(&x, "li.na", "wrong wrong wrong", &s);
    }
    x.from.address = TEXT("203.0.113.9");
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), E_RATE);
    /* but not the browser that signed in before, wherever it is */
    x.from.device = text_of(own.device);
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    assert_string_equal(s.device, ""); /* it is known already */
    /* whose mark helps nobody else's account */
    x.from.address = TEXT("198.51.100.3");
    test_account_of(&x, "zhao", "approver", "310115");
    for (tried = 0; test_sign_in(&x, "zhao", "wrong wrong wrong", &s) == E_SIGN_IN; tried++) assert_true(tried < 6);
    /* and who waits gets in: nothing was locked */
    x.from.device = TEXT("");
    x.from.address = TEXT("203.0.113.9");
    x.now += 6;
    assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
    /* the tries are in the journal, with their number */
    struct error err = {0};
    assert_ok(account_flush(&x.seat, x.now, &err), err);
    int64_t counted = test_count(&x.t, "SELECT failures FROM account_secret ORDER BY account LIMIT 1");
    assert_in_range(counted, 15, 20); /* no more were looked at */
    test_accounts_drop(&x);
}

/* Who has a network of IPv6 has one source, however its addresses are written. */
static void a_network_is_one_source(void **state) {
    (void)state;
    static const char *const inside[][6] = {{"2001:db8::1", "2001:db8::2", "2001:db8:0:0:7::3", "2001:db8::8:0:0:4", "2001:db8::ffff:1:2:3", "2001:db8::9"},
                                            {"2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::7", "2001:db8:1:2:8::", "2001:db8:1:2::", "2001:db8:1:2::9"}};
    for (size_t k = 0; k < 2; k++) {
        struct test_accounts x;
        struct account_signed s;
        test_accounts_make(&x, 0);
        test_account_of(&x, "li.na", "approver", "310115");
        for (size_t i = 0; i < 6; i++) {
            x.from.address = text_of(inside[k][i]);
            assert_int_equal(test_sign_in(&x, "li.na", "wrong wrong wrong", &s), i < 5 ? E_SIGN_IN : E_RATE);
        }
        x.from.address = TEXT("2001:db9::1");
        assert_int_equal(test_sign_in(&x, "li.na", GOOD_PASSWORD, &s), 0);
        test_accounts_drop(&x);
    }
}

static void failures_make_strangers_wait_and_nobody_else(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) failures_make_strangers_wait_and_nobody_else_on(store);
}

/* ---- many at once: 4 threads ask for sessions while 2 sign in and out and one takes rights away */

struct crowd {
    struct test_accounts x;
    struct ledger_queue *queue;
    struct account_pool *pool;
    char cookie[ACCOUNT_COOKIE + 1];
    _Atomic int done, good, refused, stop;
};

static void *ask_on(void *arg) {
    struct crowd *c = arg;
    struct ledger *l = NULL;
    struct arena a = {0};
    struct error err = {0};
    if (ledger_open_reader(&c->x.t.o, &l, &err) < 0) return "no reader";
    struct account_seat seat = {.accounts = c->x.accounts, .ledger = l, .queue = c->queue};
    while (!c->stop) {
        struct account_who who;
        int rc = account_session(&seat, text_of(c->cookie), c->x.now, &a, &who, NULL);
        if (rc == 0 && who.session.n_grants == 1) c->good++;
        if (rc == E_SIGN_IN) c->refused++;
        arena_reset(&a);
    }
    arena_clear(&a);
    ledger_close(l);
    return NULL;
}

static int sign_work(const struct account_seat *seat, void *arg, struct error *err) {
    struct crowd *c = arg;
    struct account_signed s;
    struct account_from from = {.address = TEXT("192.0.2.7")};
    int rc = account_sign_in(seat, &from, TEXT("li.na"), TEXT(GOOD_PASSWORD), c->x.now, &s, err);
    return rc ? rc : account_sign_out(seat, text_of(s.cookie), c->x.now, err);
}

static void sign_done(void *arg, int rc, const struct error *err) {
    struct crowd *c = arg;
    (void)err;
    if (rc == 0) c->done++;
}

static void many_at_once(void **state) {
    (void)state;
    static struct crowd c;
    for (size_t i = 0; i < test_stores(); i++) {
        struct account_signed s;
        struct error err = {0};
        pthread_t threads[4];
        memset(&c, 0, sizeof c);
        test_accounts_make(&c.x, i);
        test_account_of(&c.x, "li.na", "approver", "310115");
        test_account_of(&c.x, "zhao", "approver", "310115");
        assert_int_equal(test_sign_in(&c.x, "zhao", GOOD_PASSWORD, &s), 0);
        memcpy(c.cookie, s.cookie, sizeof c.cookie);
        assert_ok(ledger_queue_start(c.x.t.l, NULL, &c.queue, &err), err);
        struct account_pool_options o = {.ledger = c.x.t.o, .queue = c.queue, .waiting_max = 64};
        assert_ok(account_pool_start(c.x.accounts, &o, &c.pool, &err), err);
        for (size_t k = 0; k < 4; k++) pthread_create(&threads[k], NULL, ask_on, &c);
        int asked = 0, busy = 0;
        for (int k = 0; k < 200; k++) { /* more than may wait: the rest is told to come again */
            int rc = account_run(c.pool, sign_work, sign_done, &c, NULL);
            asked += rc == 0;
            busy += rc == E_BUSY;
        }
        assert_int_equal(asked + busy, 200);
        assert_true(busy > 0);
        while (!c.good) usleep(1000);
        struct ledger *l = NULL;
        assert_ok(ledger_open_reader(&c.x.t.o, &l, &err), err);
        struct account_seat seat = {.accounts = c.x.accounts, .ledger = l, .queue = c.queue};
        struct session root = node_session(TEXT("root"), c.x.now, false);
        assert_ok(account_sign_out_everywhere(&seat, &root, TEXT("zhao"), &err), err);
        struct account_who who;
        assert_int_equal(account_session(&seat, text_of(c.cookie), c.x.now, &c.x.t.a, &who, NULL), E_SIGN_IN);
        int before = c.good;
        usleep(50000);
        assert_true(c.good - before <= 4); /* what was being answered at that moment */
        account_pool_stop(c.pool); /* what waited is finished */
        assert_int_equal(c.done, asked);
        c.stop = 1;
        for (size_t k = 0; k < 4; k++) {
            void *why = NULL;
            pthread_join(threads[k], &why);
            if (why) fail_msg("%s", (const char *)why);
        }
        assert_true(c.refused > 0);
        ledger_close(l);
        ledger_queue_stop(c.queue);
        test_accounts_drop(&c.x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duties_are_separated),
        cmocka_unit_test(a_code_is_good_once),
        cmocka_unit_test(a_token_is_less_than_its_account),
        cmocka_unit_test(failures_make_strangers_wait_and_nobody_else),
        cmocka_unit_test(a_network_is_one_source),
        cmocka_unit_test(many_at_once),
    };
    test_stores();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

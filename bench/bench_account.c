/* What knowing the asker costs: a session by cookie and a machine token from the cache, one that has to be read again, a sign-in with the real password hash,
 * and how much memory 200 sign-ins at once take. Exits 1 when a cached session costs more than 10 us of processor time or the memory of hashing is not bounded. */
#include <sys/resource.h>

#include "bench.h"
#include "desks/account/account.h"

enum { ASKS = 200000, READS = 5000, SIGN_INS = 200, CACHED_US = 10, MEMORY_MIB = 400 };

struct crowd {
    struct bench_node n;
    struct accounts *accounts;
    struct ledger_queue *queue;
    struct account_seat seat;
    _Atomic int good;
};

static int sign_work(const struct account_seat *seat, void *arg, struct error *e) {
    struct crowd *c = arg;
    struct account_signed s;
    struct account_from from = {.address = TEXT("192.0.2.7")};
    return account_sign_in(seat, &from, TEXT("li.na"), TEXT("three wet horses"), c->n.s.now, &s, e);
}

static void sign_done(void *arg, int rc, const struct error *e) {
    struct crowd *c = arg;
    (void)e;
    c->good += rc == 0;
}

static double ask(struct crowd *c, const char *cookie, const char *token, int times, instant *now, int step) {
    struct arena a = {0};
    struct account_who who;
    double start = cpu_s();
    for (int i = 0; i < times; i++) {
        *now += step;
        must(token ? account_token(&c->seat, text_of(token), *now, &a, &who, &err) : account_session(&c->seat, text_of(cookie), *now, &a, &who, &err), "ask");
        arena_reset(&a);
    }
    double us = (cpu_s() - start) / times * 1e6;
    arena_clear(&a);
    return us;
}

int main(void) {
    static struct crowd c;
    struct account_signed s, next;
    struct account_who who;
    struct account_from from = {.address = TEXT("192.0.2.7")};
    struct account_wish w = {.login = TEXT("li.na"), .roles = TEXT("approver")};
    struct account_options o = {.life_s = 1 << 30, .idle_s = 1 << 30};
    struct arena a = {0};
    char token[ACCOUNT_TOKEN + 1];
    instant now = 1653868800;
    bench_node_open(&c.n, getenv("TOCSIN_BENCH_STORE"), NULL, now);
    must(accounts_open(c.n.l, &o, &c.accounts, &err), "accounts");
    c.seat = (struct account_seat){.accounts = c.accounts, .ledger = c.n.l};
    must(account_add(&c.seat, &c.n.s, &w, NULL, &err), "add");
    must(account_set_password(&c.seat, &c.n.s, w.login, TEXT("first word of all"), NULL, &err), "password");
    double start = cpu_s();
    must(account_sign_in(&c.seat, &from, w.login, TEXT("first word of all"), now, &s, &err), "sign in");
    printf("  sign-in: %.0f ms of processor time\n", (cpu_s() - start) * 1e3);
    must(account_change_password(&c.seat, &from, text_of(s.cookie), TEXT("first word of all"), TEXT("three wet horses"), now, &next, &err), "change");
    must(account_session(&c.seat, text_of(next.cookie), now, &a, &who, &err), "session");
    struct account_token_wish t = {.login = w.login, .name = TEXT("bench"), .expires_at = now + DAY_S};
    must(account_token_new(&c.seat, &who, &t, token, NULL, &err), "token");
    double cached = ask(&c, next.cookie, NULL, ASKS, &now, 0), machine = ask(&c, NULL, token, ASKS, &now, 0), second = ask(&c, next.cookie, NULL, READS, &now, 1);
    printf("  session from the cache %.2f us, token %.2f us; first of a second (looks at the stamp) %.2f us\n", cached, machine, second);
    double again = 0;
    for (int i = 0; i < 200; i++) { /* a change of rights each time */
        must(account_lock(&c.seat, &c.n.s, w.login, false, &err), "unlock");
        again += ask(&c, next.cookie, NULL, 1, &now, 1) / 200;
    }
    printf("  session read again after a change of rights %.1f us\n", again);

    must(ledger_queue_start(c.n.l, NULL, &c.queue, &err), "queue");
    struct account_pool_options p = {.ledger = c.n.o.ledger, .queue = c.queue};
    struct account_pool *pool = NULL;
    must(account_pool_start(c.accounts, &p, &pool, &err), "pool");
    start = cpu_s();
    double wall = wall_s();
    for (int i = 0; i < SIGN_INS; i++) must(account_run(pool, sign_work, sign_done, &c, &err), "run");
    account_pool_stop(pool);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double mib = (double)usage.ru_maxrss / 1024;
    printf("  %d sign-ins at once: %d good, %.1f s, %.0f ms of processor time each, at most %.0f MiB\n", SIGN_INS, (int)c.good, wall_s() - wall,
           (cpu_s() - start) / SIGN_INS * 1e3, mib);
    ledger_queue_stop(c.queue);
    accounts_close(c.accounts);
    arena_clear(&a);
    bench_node_drop(&c.n);
    int missed = bench_verdict("session from the cache", cached, "us", CACHED_US, false);
    return bench_verdict("memory of the process", mib, "MiB", MEMORY_MIB, false) || missed || c.good != SIGN_INS;
}

/* What a fact costs before anything is written: a condition, the duties of a record, a look of the scheduler,
 * the loading of a pack. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/policy.h"

static volatile int64_t sink;

static void fail(const char *what, const struct error *err) {
    fprintf(stderr, "%s: %s %s\n", what, err->message, err->where);
    exit(1);
}

/* Best of five, told in nanoseconds a call. */
#define MEASURE(what, target, calls, statement)                                                              \
    do {                                                                                                     \
        double best = 1e18;                                                                                  \
        for (int round = 0; round < 5; round++) {                                                            \
            int64_t from = monotonic_ns();                                                                   \
            for (long i_ = 0; i_ < (calls); i_++) {                                                          \
                statement;                                                                                   \
            }                                                                                                \
            double one = (double)(monotonic_ns() - from) / (double)(calls);                                  \
            if (one < best) best = one;                                                                      \
        }                                                                                                    \
        good &= told(what, best, target);                                                                    \
    } while (0)

static bool told(const char *what, double ns, double target) {
    bool good = ns <= target;
    printf("   %-58s %10.1f ns  (target %.0f)%s\n", what, ns, target, good ? "" : "  MISSED");
    return good;
}

int main(void) {
    struct error err = {0};
    const char *home = getenv("TOCSIN_HOME") ? getenv("TOCSIN_HOME") : ".";
    char registers[512], codes[512], policies[512];
    snprintf(registers, sizeof registers, "%s/registers", home);
    snprintf(codes, sizeof codes, "%s/codes", home);
    snprintf(policies, sizeof policies, "%s/policies", home);
    struct catalog *c = NULL;
    if (catalog_load(registers, codes, &c, &err) < 0) fail("catalog", &err);
    struct policy *p = NULL;
    if (policy_load(c, policies, TEXT("covid-2022-v9"), ZONE_CHINA_S, &p, &err) < 0) fail("pack", &err);
    const struct register_decl *contact = register_find(c, TEXT("contact")),
                               *stay = register_find(c, TEXT("stay")), *cas = register_find(c, TEXT("case"));
    struct value v[128] = {0};
    instant now = 1653876000;
    struct expr_scope s = {.values = v,
                           .id = 7,
                           .state = TEXT("found"),
                           .region = TEXT("310115"),
                           .version = 1,
                           .now = now,
                           .today = 19142};
    bool good = true;
    struct duty out[32];

    v[register_field(contact, TEXT("class"))] = value_str("close");
    v[register_field(contact, TEXT("last_contact"))] = value_int(19140);
    const struct expr *when = p->rules[policy_rule(p, TEXT("place-contact"))].when;
    MEASURE("condition: class IN (...) AND state IN (...)", 100, 2000000, sink += expr_eval(when, &s));
    MEASURE("duties of a contact", 1000, 500000,
            sink += (int64_t)policy_duties(p, contact, &s, now, ZONE_CHINA_S, out, 32));

    struct value none[128] = {0};
    for (int i = 0; i < 128; i++) v[i] = none[i];
    v[register_field(stay, TEXT("kind"))] = value_str("central");
    v[register_field(stay, TEXT("class"))] = value_str("close");
    v[register_field(stay, TEXT("exposure"))] = value_int(19140);
    s.state = TEXT("active");
    MEASURE("duties of a stay (10 rules)", 1000, 500000,
            sink += (int64_t)policy_duties(p, stay, &s, now, ZONE_CHINA_S, out, 32));

    struct duty tests = out[0];
    const struct duty_rule *rule = &p->rules[tests.rule];
    MEASURE("a look of the scheduler at a schedule", 200, 1000000, struct duty d = tests;
            sink += duty_wake(rule, &d, now + 9 * DAY_S, ZONE_CHINA_S) + d.level);
    MEASURE("a payment", 200, 1000000, struct duty d = tests;
            sink += duty_pay(rule, &d, 19143, ZONE_CHINA_S));

    for (int i = 0; i < 128; i++) v[i] = none[i];
    v[register_field(cas, TEXT("classification"))] = value_str("confirmed");
    s.state = TEXT("reported");
    MEASURE("duties of a case (7 rules)", 1000, 500000,
            sink += (int64_t)policy_duties(p, cas, &s, now, ZONE_CHINA_S, out, 32));
    policy_free(p);
    MEASURE("loading shannan-2022 on covid-2022-v9", 2e7, 20, p = NULL;
            if (policy_load(c, policies, TEXT("shannan-2022"), ZONE_CHINA_S, &p, &err) < 0)
                fail("pack", &err);
            policy_free(p));
    catalog_free(c);
    return good ? 0 : 1;
}

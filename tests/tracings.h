/* For the tests of the tracing desk: a case, whom it met at a market, who rode its bus, and what is taken of a trace. */
#ifndef TOCSIN_TESTS_TRACINGS_H
#define TOCSIN_TESTS_TRACINGS_H

#include "ledgers.h"

#include "desks/tracing/found.h"
#include "desks/tracing/inside.h"

#define WORD(s) {s, sizeof(s) - 1}
static const struct grant tracer_grant = {WORD("tracer"), WORD("310115")};

static inline struct session as(const struct test_ledger *t, const struct grant *g, const char *purpose) {
    struct session s = t->s;
    s.grants = g;
    s.n_grants = 1;
    s.purpose = text_of(purpose);
    return s;
}

struct scene {
    struct test_ledger t;
    struct visits *v;
    int64_t li, wang, market, kase;
    char word[24];
    const char *cases[1];
};

static inline void stay(struct scene *x, const char *person, const char *place, const char *from, const char *to) {
    struct error err = {0};
    struct visit row = {.start = test_at(from), .end = test_at(to), .source = PRESENCE_TIMED, .confidence = 100};
    assert_ok(visits_name(x->v, VISITS_PERSON, text_of(person), &row.person, &err), err);
    assert_ok(visits_name(x->v, VISITS_PLACE, text_of(place), &row.place, &err), err);
    assert_ok(visits_append(x->v, &row, 1, &err), err);
}

static inline void scene_make(struct scene *x, size_t store) {
    struct error err = {0};
    *x = (struct scene){0};
    test_ledger_make(&x->t, store, "covid-2022-v9", "2022-05-29T17:00");
    x->li = test_record(&x->t, "person", "name", "李娜", "sex", "female");
    x->wang = test_record(&x->t, "person", "name", "王伟", "sex", "male");
    x->market = test_record(&x->t, "place", "title", "枫林市场", "kind", "market");
    x->kase = test_record(&x->t, "case", "person", test_id(&x->t, x->li), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "detected_at",
                          "2022-05-29T09:00", "reported_at", "2022-05-29T10:00", "located_at", "2022-05-29T09:30", "report_date", "2022-05-29");
    snprintf(x->word, sizeof x->word, "%lld", (long long)x->kase);
    x->cases[0] = x->word;
    assert_ok(tracing_open(x->t.l, &x->t.s, true, false, &x->v, &err), err);
    const char *li = test_id(&x->t, x->li), *wang = test_id(&x->t, x->wang), *market = test_id(&x->t, x->market);
    stay(x, li, market, "2022-05-27T10:00", "2022-05-27T11:00");
    stay(x, wang, market, "2022-05-27T10:20", "2022-05-27T11:30");
    stay(x, "scan-7", market, "2022-05-27T10:30", "2022-05-27T10:50");
    stay(x, li, "bus-3", "2022-05-24T08:00", "2022-05-24T09:00");
    stay(x, "scan-8", "bus-3", "2022-05-24T08:00", "2022-05-24T09:00");
}

static inline void scene_drop(struct scene *x) {
    visits_close(x->v);
    test_ledger_drop(&x->t);
}

static inline struct tracing_question question(struct scene *x, int64_t window) {
    return (struct tracing_question){.cases = x->cases, .n_cases = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = window};
}

static inline struct tracing_accepted accepted(struct scene *x, const struct session *s, int64_t window, const char *const *names, size_t n) {
    struct tracing_accepted done = {0};
    struct tracing_accept a = {.names = names, .n_names = n};
    struct tracing_question q = question(x, window);
    struct error err = {0};
    assert_ok(tracing_accept(x->t.l, s, x->v, &q, &a, &done, &err), err);
    if (done.refused) fail_msg("%s: %s", done.first.where, done.first.message);
    return done;
}

#endif

/* A campaign with an open round, a site with a table: the ground that tests of sampling stand on. */
#ifndef TOCSIN_TESTS_SAMPLING_H
#define TOCSIN_TESTS_SAMPLING_H

#include "ledgers.h"

#define SAMPLING_NOW "2022-09-01T17:30"
#define EACH_EVENING(t) EACH_STORE(t, "covid-2022-v9", SAMPLING_NOW)

struct sample_ground {
    int64_t campaign, round, site, table, other_site, other_table;
};

static inline void sample_open(struct test_ledger *t, const char *reg, int64_t id, const char *state) {
    struct error err = {0};
    struct draft *d = test_draft(t, reg, DRAFT_CHANGE, NULL);
    d->id = id;
    d->state = text_of(state);
    assert_ok(test_write(t, d, &err), err);
}

static inline struct sample_ground ground(struct test_ledger *t) {
    struct sample_ground g = {0};
    g.campaign = test_record(t, "campaign", "title", "九月首轮", "kind", "mass", "population", "20", "starts_at", "2022-09-01T00:00");
    g.round = test_record(t, "round", "campaign", test_id(t, g.campaign), "seq", "1", "starts_at", "2022-09-01T08:00", "ends_at", "2022-09-02T08:00");
    sample_open(t, "round", g.round, "open");
    g.site = test_record(t, "site", "title", "南门小学", "kind", "fixed");
    g.table = test_record(t, "site_table", "site", test_id(t, g.site), "label", "1");
    g.other_site = test_record(t, "site", "title", "北门广场", "kind", "fixed");
    g.other_table = test_record(t, "site_table", "site", test_id(t, g.other_site), "label", "1");
    return g;
}

static inline int64_t person_of(struct test_ledger *t, int i) {
    return test_record(t, "person", "name", arena_printf(&t->a, "居民%d", i), "community", i % 2 ? "东楼" : "西楼");
}

static inline int64_t tube_of(struct test_ledger *t, const struct sample_ground *g, const char *barcode, const char *size) {
    return test_record(t, "tube", "barcode", barcode, "round", test_id(t, g->round), "site_table", test_id(t, g->table), "size", size, "opened_at", SAMPLING_NOW);
}

static inline struct draft *swab_draft(struct test_ledger *t, const struct sample_ground *g, int64_t person, int64_t tube) {
    (void)g;
    return test_draft(t, "swab", DRAFT_CREATE, "person", test_id(t, person), "tube", test_id(t, tube), "swabbed_at", SAMPLING_NOW, NULL);
}

static inline int64_t swab_of(struct test_ledger *t, const struct sample_ground *g, int64_t person, int64_t tube) {
    struct error err = {0};
    struct draft *d = swab_draft(t, g, person, tube);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}

#endif

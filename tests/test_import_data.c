/* Real line lists come in by a map alone: rows in = rows stored + rows handed back, and again changes nothing. */
#include "imports.h"

struct list {
    const char *file, *map;
    int64_t rows, at_most_rejected;
};

static void import_on(size_t store, const struct list *lists, size_t n, const char *now) {
    struct test_ledger t;
    test_ledger_make(&t, store, NULL, now);
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < n; i++) {
            struct map *m = import_map(&t, lists[i].map);
            struct import_run run;
            struct error err = {0};
            assert_ok(import_file(&t, import_shared(lists[i].file), m, NULL, &run, &err), err);
            if (run.rejects) print_message("%s: %lld of %lld rejected, the first (line %lld): %s\n", lists[i].map, (long long)run.rejects, (long long)run.n.rows, (long long)run.reject_line, run.reason.en);
            assert_int_equal(run.n.rows, lists[i].rows);
            assert_int_equal(run.n.created + run.n.changed + run.n.unchanged + run.n.rejected, run.n.rows);
            assert_true(run.n.rejected <= lists[i].at_most_rejected);
            if (twice && !strstr(lists[i].map, "relationships")) {
                assert_int_equal(run.n.created, 0);
                if (strcmp(lists[i].map, "godata-contacts")) assert_int_equal(run.n.changed, 0);
            }
            map_free(m);
        }
    struct error err = {0};
    struct journal_verdict v;
    assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    assert_int_equal(v.bad_seq, 0);
    test_ledger_drop(&t);
}

static void import_lists(const struct list *lists, size_t n, const char *now) {
    for (size_t i = 0; i < n; i++)
        if (!import_shared(lists[i].file)) skip();
    for (size_t store = 0; store < test_stores(); store++) import_on(store, lists, n, now);
}
#define LISTS(...)                                                                                                                              \
    static const struct list lists[] = {__VA_ARGS__};                                                                                           \
    import_lists(lists, sizeof lists / sizeof *lists, "2026-01-01T10:00")

static void taiwan(void **state) {
    (void)state;
    LISTS({"taiwan-2020/individual_data.csv", "taiwan-cases", 578, 10}, {"taiwan-2020/edge_list.csv.gz", "taiwan-contacts", 46010, 3000});
}
static void tianjin(void **state) {
    (void)state;
    LISTS({"linelists-tianjin-singapore/Tianjin135cases_revised.csv", "tianjin", 135, 10});
}
static void tianjin_first_edition(void **state) {
    (void)state;
    LISTS({"linelists-tianjin-singapore/Tianjin135casesFeb22.csv", "tianjin", 135, 10});
}
static void singapore(void **state) {
    (void)state;
    LISTS({"linelists-tianjin-singapore/COVID-19_Singapore_data_revised.csv", "singapore", 93, 3});
}
static void singapore_first_edition(void **state) {
    (void)state;
    LISTS({"linelists-tianjin-singapore/COVID-19_Singapore_formated_dates.csv", "singapore", 93, 3});
}
static void mers_korea(void **state) {
    (void)state;
    LISTS({"linelists-reconverse/mers_korea_2015__linelist.csv", "mers-korea", 162, 5},
          {"linelists-reconverse/mers_korea_2015__contacts.csv", "mers-korea-contacts", 98, 5});
}
static void ebola(void **state) {
    (void)state;
    LISTS({"linelists-reconverse/ebola_sim_clean__linelist.csv", "ebola-sim", 5829, 60},
          {"linelists-reconverse/ebola_sim_clean__contacts.csv", "ebola-sim-contacts", 3800, 1684});
}
static void h7n9(void **state) {
    (void)state;
    LISTS({"linelists-reconverse/fluH7N9_china_2013.csv", "h7n9", 136, 5});
}
static void hagelloch(void **state) {
    (void)state;
    LISTS({"linelists-reconverse/measles_hagelloch_1861.csv", "hagelloch-measles", 188, 5});
}
static void godata(void **state) {
    (void)state;
    LISTS({"godata-rreporting-demo/cases_clean.csv", "godata-cases", 56, 5}, {"godata-rreporting-demo/contacts_clean.csv", "godata-contacts", 66, 5},
          {"godata-rreporting-demo/relationships_clean.csv", "godata-relationships", 100, 20},
          {"godata-rreporting-demo/followups_clean.csv", "godata-followups", 437, 20}, {"godata-rreporting-demo/lab_results_clean.csv", "godata-lab-results", 40, 5});
}

/* Lists that no map had been written for while the mapping language was made. */
static void others(void **state) {
    (void)state;
    LISTS({"linelists-reconverse/ebola_sierraleone_2014.csv", "ebola-sierra-leone", 11903, 0}, {"linelists-reconverse/smallpox_abakaliki_1967.csv", "smallpox-abakaliki", 32, 0},
          {"linelists-reconverse/varicella_sim_berlin.csv", "varicella-berlin", 500, 27}, {"linelists-reconverse/norovirus_derbyshire_2001_school.csv", "norovirus-derbyshire", 492, 0},
          {"linelists-reconverse/rabies_car_2003__linelist.csv", "rabies-car", 151, 0}, {"linelists-reconverse/s_enteritidis_pt59__graph.csv", "salmonella-graph", 103, 0},
          {"sequences/nextstrain_ncov_example_metadata.tsv", "nextstrain", 415, 0});
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tianjin), cmocka_unit_test(tianjin_first_edition), cmocka_unit_test(singapore), cmocka_unit_test(singapore_first_edition),
        cmocka_unit_test(mers_korea), cmocka_unit_test(ebola), cmocka_unit_test(h7n9), cmocka_unit_test(hagelloch), cmocka_unit_test(godata), cmocka_unit_test(others), cmocka_unit_test(taiwan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

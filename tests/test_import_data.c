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
            if (twice) {
                assert_int_equal(run.n.created, 0);
                /* follow-ups in between say otherwise of six contacts than the list of contacts */
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

/* Layouts met long after the language was made, by mapping alone; the rows are invented after their manner. */
static void met_later(void **state) {
    static const struct {
        const char *map, *table;
        int64_t rows, links;
    } lists[] = {
        {"korea-patients",
         "patient_id,sex,age,country,province,city,infection_case,infected_by,contact_number,symptom_onset_date,confirmed_date,released_date,deceased_date,state\n"
         "1,male,50s,Korea,Seoul,etc,overseas inflow,,75,2020-01-22,2020-01-23,2020-02-05,,released\n2,female,0s,Korea,Seoul,etc,contact with patient,3,,,2020-02-16,,,deceased\n"
         "3,female,30s,Korea,Seoul,etc,A Church,99,,,2020-02-20,,,isolated\n", 3, 1},
        {"globalhealth-mpox",
         "ID,Status,Location,City,Country ,Age,Gender,Date_onset,Date_confirmation,Symptoms,Hospitalised (Y/N/NA),Date_hospitalisation,Isolated (Y/N/NA),Date_isolation,Outcome,Contact_comment,Contact_ID,"
         "Contact_location,Travel_history (Y/N/NA),Travel_history_entry,Travel_history_start,Travel_history_location,Travel_history_country,Genomics_Metadata,Confirmation_method,Notes,Source,Source_II,Date_entry,Date_last_modified,\n"
         "1,confirmed,A,A,B,20-40,male,,2022-05-17,skin lesions,Y,2022-05-12,Y,,,,2,Household,Y,early May,late April,,C,,,,,,2022-05-18,2022-05-18,\n"
         "2,suspected,A,A,B,,,,,,N,,NA,,,,,,N,,,,,,,,,,2022-05-18,2022-05-18,\n", 2, 1},
        {"hongkong-cases",
         "Case no.,Report date,Date of onset,Gender,Age,Name of hospital admitted,Hospitalised/Discharged/Deceased,HK/Non-HK resident,Classification*,Case status*\n"
         "1,23/01/2020,21/01/2020,M,39,,Discharged,Non-HK resident,Imported case,Confirmed\n2,30/01/2020,Mid-January,F,<1,,Deceased,HK resident,Local case,Confirmed\n"
         "3,16/02/2020,Asymptomatic,F,60,,Pending,HK resident,Local case,Probable\n", 3, 0},
        {"ncov2019",
         "ID,age,sex,city,province,country,wuhan(0)_not_wuhan(1),latitude,longitude,geo_resolution,date_onset_symptoms,date_admission_hospital,date_confirmation,symptoms,lives_in_Wuhan,travel_history_dates,"
         "travel_history_location,reported_market_exposure,additional_information,source,sequence_available,outcome,notes_for_discussion\n"
         "1,30-39,male,A,B,China,1,31.8,117.2,point,18.01.2020,20.01.2020,22.01.2020,,yes,13-17.01.2020,Wuhan,,,x,,,\n2,,,A,B,China,1,31.8,117.2,point,,,,,,,,,,x,,,\n", 2, 0},
        {"andes-hantavirus",
         "patient_id,age,sex,residence,exposure_place,exposure_lower,exposure_upper,onset_date,source_case,relationship,wave,Z,notes\n1,68,M,A,Home,NA,NA,2018-11-03,NA,index,1,5,\n"
         "2,61,M,A,Party,2018-11-03,2018-11-03,2018-11-23,1,Friend,2,6,\n3,38,M,A,Party,2018-11-20,2018-11-27,2018-12-10,1/2,NA,3,3,\n3_alt,38,M,A,Party,2018-11-20,2018-11-27,2018-12-10,2,Wife,3,3,\n", 4, 3},
    };
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        int64_t links = 0;
        test_ledger_make(&t, store, NULL, "2026-01-01T10:00");
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++, links = test_count(&t, "SELECT COUNT(*) FROM \"link\""))
            for (int twice = 0; twice < 2; twice++) {
                struct map *m = import_map(&t, lists[i].map);
                struct import_run run;
                struct error err = {0};
                assert_ok(import_text(&t, m, NULL, lists[i].table, 1, 100, false, &run, &err), err);
                if (run.rejects) fail_msg("%s, line %lld: %s", lists[i].map, (long long)run.reject_line, run.reason.en);
                assert_int_equal(run.n.rows, lists[i].rows);
                if (twice) assert_int_equal(run.n.unchanged, lists[i].rows);
                assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"link\"") - links, lists[i].links);
                map_free(m);
            }
        test_ledger_drop(&t);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(met_later), cmocka_unit_test(tianjin), cmocka_unit_test(tianjin_first_edition), cmocka_unit_test(singapore), cmocka_unit_test(singapore_first_edition),
        cmocka_unit_test(mers_korea), cmocka_unit_test(ebola), cmocka_unit_test(h7n9), cmocka_unit_test(hagelloch), cmocka_unit_test(godata), cmocka_unit_test(others), cmocka_unit_test(taiwan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

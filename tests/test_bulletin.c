/* The daily report from real tables, on every store. Refusals first, then what must always hold. */
#include "desks/bulletin/bulletin.h"
#include "ledgers.h"

static const char *const NOW = "2022-05-30T17:30";
static int serial;

static day day_of(const char *iso) {
    day d = 0;
    assert_true(day_parse(text_of(iso), &d));
    return d;
}
static void compute(struct test_ledger *t, const char *region, day d, struct bulletin *b) {
    struct error err = {0};
    struct bulletin_query q = {.region = text_of(region), .day = d};
    bulletin_init(b);
    assert_ok(bulletin_compute(t->l, NULL, &t->s, &q, b, &err), err);
}
static struct session session_of(const struct test_ledger *t, const char *account, const struct grant *grant) {
    struct session s = t->s;
    s.account = text_of(account);
    s.grants = grant;
    s.n_grants = 1;
    return s;
}

static int64_t person(struct test_ledger *t) {
    char name[32];
    snprintf(name, sizeof name, "Person %d", ++serial);
    return test_record(t, "person", "name", name);
}
static int64_t make_case(struct test_ledger *t, const char *region, const char *class, const char *origin, const char *report, const char *onset) {
    struct error err = {0};
    struct draft *d = test_draft(t, "case", DRAFT_CREATE, "person", test_id(t, person(t)), "disease", "covid-19", "classification", class, "origin", origin, "report_date",
                                 report, "onset", onset, NULL);
    d->region = text_of(region);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}
static void change(struct test_ledger *t, const char *reg, int64_t id, const char *state, const char *field, const char *value) {
    struct error err = {0};
    struct draft *d = field ? test_draft(t, reg, DRAFT_CHANGE, field, value, NULL) : test_draft(t, reg, DRAFT_CHANGE, NULL);
    d->id = id;
    if (state) d->state = text_of(state);
    assert_ok(test_write(t, d, &err), err);
}
static int64_t make_contact(struct test_ledger *t, int64_t index, const char *class, const char *found_at) {
    struct error err = {0};
    struct draft *d = test_draft(t, "contact", DRAFT_CREATE, "person", test_id(t, person(t)), "index_case", test_id(t, index), "class", class, "last_contact", "2022-05-28",
                                 "found_at", found_at, NULL);
    d->region = TEXT("310115002");
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}
static int64_t total_of(const struct bulletin *b, int class) {
    return bulletin_class_total(&b->total, class);
}

/* ---- refusals */

static void refuses(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct bulletin b;
        int64_t report = 0;
        static const struct grant nobody = {.role = {"guest", 5}}, approver = {.role = {"approver", 8}}, other_county = {.role = {"reporter", 8}, .region = {"310116", 6}};
        bulletin_init(&b);
        b.day = 3;
        struct bulletin_query q = {.region = TEXT("999999"), .day = day_of("2022-05-30")};
        assert_int_equal(bulletin_compute(t.l, NULL, &t.s, &q, &b, &err), E_UNKNOWN);
        q.region = TEXT("31-!");
        assert_int_equal(bulletin_compute(t.l, NULL, &t.s, &q, &b, &err), E_UNKNOWN);
        q.region = TEXT("310115");
        q.disease = TEXT("hangover");
        assert_int_equal(bulletin_compute(t.l, NULL, &t.s, &q, &b, &err), E_UNKNOWN);
        q.disease = TEXT("");
        q.day++;
        assert_int_equal(bulletin_compute(t.l, NULL, &t.s, &q, &b, &err), E_REFUSED);
        assert_int_equal(bulletin_freeze(t.l, &t.s, &q, &report, &err), E_REFUSED);
        q.day--;
        struct session s = session_of(&t, "guest", &nobody);
        assert_int_equal(bulletin_compute(t.l, NULL, &s, &q, &b, &err), E_DENIED);
        s = session_of(&t, "elsewhere", &other_county);
        assert_int_equal(bulletin_freeze(t.l, &s, &q, &report, &err), E_DENIED);
        q.disease = TEXT("covid-19");
        assert_int_equal(bulletin_freeze(t.l, &t.s, &q, &report, &err), E_USAGE);
        q.disease = TEXT("");
        q.as_of = t.s.now + 1;
        assert_int_equal(bulletin_freeze(t.l, &t.s, &q, &report, &err), E_REFUSED);
        q.as_of = 0;
        assert_int_equal(b.day, 3);
        assert_int_equal(bulletin_find(t.l, NULL, TEXT("310115"), q.day, &report, &err), 0);

        err = (struct error){0};
        assert_ok(bulletin_freeze(t.l, &t.s, &q, &report, &err), err);
        assert_int_equal(bulletin_freeze(t.l, &t.s, &q, &report, &err), E_CONFLICT);
        assert_int_equal(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), E_REFUSED);
        assert_int_equal(bulletin_publish(t.l, &t.s, report, &err), E_REFUSED);
        s = session_of(&t, "lin", &other_county);
        assert_true(bulletin_approve(t.l, &s, report, &err) < 0);
        struct session first = session_of(&t, "zhang", &approver), second = session_of(&t, "wang", &approver);
        err = (struct error){0};
        assert_ok(bulletin_approve(t.l, &first, report, &err), err);
        assert_int_equal(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), E_REFUSED);
        assert_int_equal(bulletin_approve(t.l, &first, report, &err), E_DENIED);
        assert_int_equal(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), E_REFUSED);
        assert_int_equal(b.day, 3);
        err = (struct error){0};
        assert_ok(bulletin_approve(t.l, &second, report, &err), err);
        assert_int_equal(bulletin_approve(t.l, &second, report, &err), E_REFUSED);
        err = (struct error){0};
        assert_ok(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), err);
        assert_true(b.public_version);
        assert_ok(bulletin_publish(t.l, &second, report, &err), err);
        assert_ok(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), err);
        /* withdrawn: not public any more, for good */
        assert_ok(bulletin_withdraw(t.l, &t.s, report, &err), err);
        assert_int_equal(bulletin_public(t.l, NULL, &t.s, report, 0, &b, &err), E_REFUSED);
        assert_int_equal(bulletin_freeze(t.l, &t.s, &q, &report, &err), E_CONFLICT);
        /* given back before publication: frozen anew, and approved anew */
        int64_t again = 0, same = 0;
        err = (struct error){0};
        q.day--;
        assert_ok(bulletin_freeze(t.l, &t.s, &q, &again, &err), err);
        assert_ok(bulletin_approve(t.l, &first, again, &err), err);
        assert_ok(bulletin_return(t.l, &t.s, again, &err), err);
        assert_int_equal(bulletin_approve(t.l, &second, again, &err), E_REFUSED);
        err = (struct error){0};
        t.s.now += 60;
        assert_ok(bulletin_freeze(t.l, &t.s, &q, &same, &err), err);
        assert_int_equal(same, again);
        assert_ok(bulletin_frozen(t.l, NULL, &t.s, same, &b, &err), err);
        assert_int_equal(b.as_of, t.s.now);
        assert_ok(bulletin_approve(t.l, &second, again, &err), err);
        assert_int_equal(bulletin_approve(t.l, &second, again, &err), E_DENIED);
        bulletin_clear(&b);
    }
}

/* ---- laws */

static void outbreak(struct test_ledger *t) {
    static const char *const regions[] = {"310115001", "310115002", "310115003", "310115"};
    static const char *const classes[] = {"confirmed", "asymptomatic", "suspected", "clinical", "carrier", "excluded"};
    static const char *const days[] = {"2022-05-27", "2022-05-28", "2022-05-29", "2022-05-30"};
    static const char *const outcomes[] = {"active", "recovered", "released", "died"};
    struct rng r = {0};
    rng_seed(&r, 4);
    for (int i = 0; i < 60; i++) {
        struct error err = {0};
        bool known = rng_below(&r, 4), ended = rng_below(&r, 3) == 0;
        struct draft *d = test_draft(t, "case", DRAFT_CREATE, "person", test_id(t, person(t)), "disease", rng_below(&r, 5) ? "covid-19" : "influenza", "classification",
                                     classes[rng_below(&r, 6)], "origin", known ? (rng_below(&r, 3) ? "local" : "imported") : "", "report_date", days[rng_below(&r, 4)],
                                     "onset", rng_below(&r, 2) ? "2022-05-25" : "", "discovery", rng_below(&r, 2) ? "screening" : "", "controlled",
                                     rng_below(&r, 3) ? "1" : "", "outcome", ended ? outcomes[1 + rng_below(&r, 3)] : "active", "outcome_date",
                                     ended && rng_below(&r, 3) ? "2022-05-30" : "", NULL);
        d->region = text_of(regions[rng_below(&r, 4)]);
        assert_ok(test_write(t, d, &err), err);
    }
}

static int64_t sum(const struct bulletin_cases *c) {
    int64_t n = 0;
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < ORIGINS; j++) n += c->n[i][j];
    return n;
}
static void rows_add_up(const struct bulletin *b, const struct bulletin_row *rows, size_t n) {
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < ORIGINS; j++) {
            int64_t fresh = 0, total = 0;
            for (size_t k = 0; k < n; k++) fresh += rows[k].fresh.n[i][j], total += rows[k].total.n[i][j];
            assert_int_equal(fresh, b->fresh.n[i][j]);
            assert_int_equal(total, b->total.n[i][j]);
        }
}

/* By class it is the report's own curve, which is by origin: every day, by report and by onset; suspected cases stand apart. */
static void the_curve_by_class_is_the_reports(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        static const struct grant nobody = {.role = {"guest", 5}};
        struct error err = {0};
        struct bulletin b;
        struct bulletin_curve c;
        struct bulletin_query q = {.region = TEXT("310115"), .day = day_of("2022-05-30")};
        struct session guest = session_of(&t, "guest", &nobody);
        bulletin_init(&b);
        assert_int_equal(bulletin_curve(t.l, NULL, &guest, &q, CURVE_DAYS, &t.a, &c, &err), E_DENIED);
        assert_int_equal(bulletin_curve(t.l, NULL, &t.s, &q, 0, &t.a, &c, &err), E_USAGE);
        assert_int_equal(bulletin_curve(t.l, NULL, &t.s, &q, CURVE_DAYS_MAX + 1, &t.a, &c, &err), E_USAGE);
        q.day++;
        assert_int_equal(bulletin_curve(t.l, NULL, &t.s, &q, CURVE_DAYS, &t.a, &c, &err), E_REFUSED);
        q.region = TEXT("31-!");
        assert_int_equal(bulletin_curve(t.l, NULL, &t.s, &q, CURVE_DAYS, &t.a, &c, &err), E_UNKNOWN);
        err = (struct error){0};
        outbreak(&t);
        static const char *const days[] = {"2022-05-30", "2022-05-28"}, *const regions[] = {"", "310115", "310115001"};
        for (size_t i = 0; i < 2; i++)
            for (size_t j = 0; j < 3; j++) {
                q = (struct bulletin_query){.region = text_of(regions[j]), .day = day_of(days[i])};
                assert_ok(bulletin_curve(t.l, NULL, &t.s, &q, CURVE_DAYS, &t.a, &c, &err), err);
                assert_ok(bulletin_compute(t.l, NULL, &t.s, &q, &b, &err), err);
                assert_int_equal(c.from, q.day - CURVE_DAYS + 1);
                int64_t onset = 0, without = c.without_onset[CLASS_CONFIRMED] + c.without_onset[CLASS_ASYMPTOMATIC], all = 0;
                for (int k = 0; k < CURVE_DAYS; k++) {
                    int64_t report[2] = {0}, ill[2] = {0};
                    for (int o = 0; o < ORIGINS; o++) report[0] += b.report[k][o], ill[0] += b.onset[k][o];
                    report[1] = c.report[k][CLASS_CONFIRMED] + c.report[k][CLASS_ASYMPTOMATIC];
                    ill[1] = c.onset[k][CLASS_CONFIRMED] + c.onset[k][CLASS_ASYMPTOMATIC];
                    assert_int_equal(report[0], report[1]);
                    assert_int_equal(ill[0], ill[1]);
                    onset += ill[1];
                    all += report[1];
                }
                assert_int_equal(onset + without, all);
                assert_int_equal(c.report[CURVE_DAYS - 1][CLASS_SUSPECTED], b.fresh_class[CLASS_SUSPECTED]);
            }
        bulletin_clear(&b);
    }
}

static void figures_add_up(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct bulletin b, before;
        outbreak(&t);
        bulletin_init(&before);
        int64_t all = 0;
        for (day d = day_of("2022-05-26"); d <= day_of("2022-05-30"); d++) {
            compute(&t, "310115", d, &b);
            rows_add_up(&b, b.regions, b.n_regions);
            rows_add_up(&b, b.diseases, b.n_diseases);
            assert_int_equal(b.fresh_origin[0] + b.fresh_origin[1] + b.fresh_origin[2], b.fresh_total);
            assert_int_equal(b.fresh_class[CLASS_CONFIRMED] + b.fresh_class[CLASS_ASYMPTOMATIC], b.fresh_total);
            for (int i = 0; i < CLASSES; i++)
                for (int j = 0; j < ORIGINS; j++) assert_int_equal(b.total.n[i][j], before.total.n[i][j] + b.fresh.n[i][j]);
            int64_t routes = 0, report = 0;
            for (size_t i = 0; i < b.n_routes; i++) routes += b.routes[i].n;
            for (int o = 0; o < ORIGINS; o++) report += b.report[CURVE_DAYS - 1][o];
            assert_int_equal(routes, b.fresh_total);
            assert_int_equal(report, b.fresh_total);
            assert_int_equal(b.controlled + b.uncontrolled + b.control_unknown, b.fresh_total);
            assert_int_equal(b.yesterday_total, before.fresh_total);
            assert_memory_equal(&b.day_before.fresh, &before.fresh, sizeof before.fresh);
            assert_int_equal(b.day_before.controlled, before.controlled);
            assert_int_equal(b.day_before.uncontrolled, before.uncontrolled);
            assert_int_equal(b.day_before.control_unknown, before.control_unknown);
            assert_int_equal(b.active + b.total_died + b.total_recovered + b.total_released, bulletin_total(&b.total));
            for (size_t i = 0; i < b.n_changes; i++) {
                assert_int_equal(b.changes[i].before + b.changes[i].entered - b.changes[i].left, b.changes[i].after);
                assert_int_equal((int64_t)b.changes[i].n_in, b.changes[i].entered);
                assert_int_equal((int64_t)b.changes[i].n_out, b.changes[i].left);
            }
            assert_int_equal(b.changes[0].after, total_of(&b, CLASS_CONFIRMED));
            all += sum(&b.fresh) + b.excluded;
            bulletin_clear(&before);
            before = b;
        }
        assert_int_equal(all, 60);
        /* a sub-region is the report of itself */
        struct bulletin part;
        compute(&t, "310115002", day_of("2022-05-30"), &part);
        for (size_t i = 0; i < before.n_regions; i++)
            if (text_is(before.regions[i].code, "310115002")) assert_int_equal(sum(&before.regions[i].total), sum(&part.total));
        bulletin_clear(&part);
        bulletin_clear(&before);
    }
}

static int64_t approved(struct test_ledger *t, day d) {
    struct error err = {0};
    int64_t id = 0;
    struct bulletin_query q = {.region = TEXT("310115"), .day = d};
    assert_ok(bulletin_freeze(t->l, &t->s, &q, &id, &err), err);
    return id;
}
static const struct bulletin_change *change_of(const struct bulletin *b, const char *figure) {
    for (size_t i = 0; i < b->n_changes; i++)
        if (text_is(b->changes[i].figure, figure)) return &b->changes[i];
    fail_msg("no figure %s", figure);
    return NULL;
}

static void a_frozen_report_is_derived_again(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-29T17:30") {
        struct error err = {0};
        struct buf differ = {0};
        struct bulletin b;
        int64_t c1 = make_case(&t, "310115001", "asymptomatic", "local", "2022-05-29", "2022-05-27");
        int64_t c2 = make_case(&t, "310115002", "confirmed", "local", "2022-05-29", "2022-05-26");
        int64_t c3 = make_case(&t, "310115002", "confirmed", "imported", "2022-05-28", "2022-05-25");
        int64_t k1 = make_contact(&t, c2, "close", "2022-05-29T12:00");
        int64_t k2 = make_contact(&t, c2, "secondary", "2022-05-29T13:00");
        change(&t, "contact", k1, "placed", NULL, NULL);
        int64_t test = test_record(&t, "test", "person", test_id(&t, person(&t)), "sampled_at", "2022-05-29T09:00", "result", "pending", "kind", "pcr");
        int64_t first = approved(&t, day_of("2022-05-29"));
        assert_int_equal(bulletin_rederive(t.l, NULL, &t.s, first, &differ, &err), 1);

        /* the night: everything moves */
        t.s.now += 12 * 3600;
        change(&t, "case", c1, NULL, "classification", "confirmed");
        change(&t, "case", c2, NULL, "origin", "imported");
        change(&t, "case", c3, "excluded", NULL, NULL);
        change(&t, "contact", k2, "placed", NULL, NULL);
        change(&t, "contact", k1, "converted", NULL, NULL);
        change(&t, "test", test, NULL, "result", "positive");
        make_case(&t, "310115001", "confirmed", "local", "2022-05-29", "2022-05-26"); /* late: belongs to yesterday */
        make_case(&t, "310115003", "asymptomatic", "local", "2022-05-30", "2022-05-29");
        t.s.now += 3600;
        int rc = bulletin_rederive(t.l, NULL, &t.s, first, &differ, &err);
        if (rc != 1) fail_msg("%s%s", buf_cstr(&differ), err.message);
        assert_int_equal(differ.n, 0);

        compute(&t, "310115", day_of("2022-05-30"), &b);
        assert_int_equal(b.fresh_total, 1);
        assert_int_equal(b.conversions, 1);
        assert_int_equal(b.yesterday_total, 3);
        assert_int_equal(b.n_restated, 1);
        assert_int_equal(b.restated[0].day, day_of("2022-05-29"));
        assert_int_equal(b.restated[0].was, 2);
        assert_int_equal(b.restated[0].is, 3);
        assert_int_equal(b.restated[0].late, 1);
        const struct bulletin_change *x = change_of(&b, "confirmed");
        assert_int_equal(x->before, 2);
        assert_int_equal(x->after, 3);
        assert_int_equal(x->entered, 2); /* the late one, the converted one */
        assert_int_equal(x->left, 1);    /* the excluded one */
        assert_int_equal(x->n_in, 2);
        assert_int_equal(x->n_out, 1);
        assert_int_equal(change_of(&b, "asymptomatic")->left, 1);
        x = change_of(&b, "observed");
        assert_int_equal(x->before, 1);
        assert_int_equal(x->after, 1);
        assert_int_equal(x->entered, 1);
        assert_int_equal(x->left, 1);
        assert_int_equal(change_of(&b, "uncontrolled")->after, 0);
        assert_int_equal(b.contacts.total, 2);
        assert_int_equal(b.contacts.total_secondary, 1);
        assert_int_equal(b.contacts.found, 0);
        bulletin_clear(&b);

        int64_t second = approved(&t, day_of("2022-05-30"));
        t.s.now += 3600;
        change(&t, "case", c2, NULL, "severity", "severe");
        rc = bulletin_rederive(t.l, NULL, &t.s, second, &differ, &err);
        if (rc != 1) fail_msg("%s%s", buf_cstr(&differ), err.message);
        /* a figure that was tampered with is named */
        assert_ok(db_begin(t.l->db, &err), err);
        struct value id = value_int(second);
        assert_ok(db_run(t.l->db, "UPDATE \"daily_report\" SET \"figures\" = REPLACE(\"figures\", '\"new_infections\":1', '\"new_infections\":7') WHERE \"id\" = ?1", &id, 1,
                         NULL, &err), err);
        assert_ok(db_commit(t.l->db, &err), err);
        t.damaged = true;
        assert_int_equal(bulletin_rederive(t.l, NULL, &t.s, second, &differ, &err), 0);
        assert_string_equal(buf_cstr(&differ), "/cases/new_infections: 7, again 1\n");
        buf_clear(&differ);
    }
}

static void times_contacts_and_units(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T20:00") {
        struct error err = {0};
        struct bulletin b;
        /* report date, onset (its noon counts), detected, reported, isolated, treated */
        static const char *const told[][6] = {{"2022-05-24", "2022-05-23", "2022-05-24T12:00", "2022-05-24T18:00", "2022-05-24T20:00", "2022-05-25T00:00"},
                                              {"2022-05-23", "2022-05-20", "2022-05-23T12:00", "2022-05-24T18:00", "2022-05-26T20:00", "2022-05-28T00:00"}, /* before the week */
                                              {"2022-05-30", "2022-05-29", "2022-05-30T00:00", "2022-05-30T02:00", "2022-05-30T03:00", "2022-05-30T04:00"},
                                              {"2022-05-30", "2022-05-29", "2022-05-30T01:00", "2022-05-30T02:00", "2022-05-30T05:00", ""},
                                              {"2022-05-30", "2022-05-29", "2022-05-29T18:00", "2022-05-30T02:00", "2022-05-30T12:00", "2022-05-30T19:00"},
                                              {"2022-05-30", "2022-05-29", "2022-05-29T22:00", "2022-05-30T02:00", "2022-05-29T20:00", "2022-05-30T06:00"}};
        int64_t c = 0;
        for (int i = 0; i < 6; i++) {
            struct draft *d = test_draft(&t, "case", DRAFT_CREATE, "person", test_id(&t, person(&t)), "disease", "covid-19", "classification", "confirmed", "report_date", told[i][0],
                                         "onset", told[i][1], "detected_at", told[i][2], "reported_at", told[i][3], "isolated_at", told[i][4], "treated_at", told[i][5], NULL);
            d->region = TEXT("310115001");
            assert_ok(test_write(&t, d, &err), err);
            c = d->ret_id;
        }
        int64_t k[3];
        for (int i = 0; i < 3; i++) k[i] = make_contact(&t, c, "close", "2022-05-30T10:00");
        struct draft *d = test_draft(&t, "stay", DRAFT_CREATE, "person", test_id(&t, person(&t)), "contact", test_id(&t, k[0]), "kind", "central", "started_at",
                                     "2022-05-30T11:00", "planned_end", "2022-05-29", "exposure", "2022-05-28", NULL);
        d->region = TEXT("310115002");
        assert_ok(test_write(&t, d, &err), err);
        change(&t, "contact", k[0], "placed", NULL, NULL);
        change(&t, "contact", k[1], "placed", NULL, NULL);
        static const char *const units[] = {"Clinic", "School", "Market"};
        int64_t unit[3];
        for (int i = 0; i < 3; i++) {
            d = test_draft(&t, "organisation", DRAFT_CREATE, "title", units[i], "kind", "other", "reports_daily", "1", NULL);
            d->region = TEXT("310115001");
            assert_ok(test_write(&t, d, &err), err);
            unit[i] = d->ret_id;
        }
        static const char *const at[] = {"2022-05-30T16:59", "2022-05-30T18:00"};
        for (int i = 0; i < 2; i++) {
            d = test_draft(&t, "daily_report", DRAFT_CREATE, "organisation", test_id(&t, unit[i]), "day", "2022-05-30", "submitted_at", at[i], NULL);
            d->region = TEXT("310115001");
            d->state = TEXT("submitted");
            assert_ok(test_write(&t, d, &err), err);
        }
        compute(&t, "310115", day_of("2022-05-30"), &b);
        /* of the day: 6 10 12 13, 1 2 4 8, -6 1 3 10, 1 7 10 hours; of the week also 24, 6, 2 and 4 */
        static const struct bulletin_time of_day[STEPS] = {{4, 11 * 3600, 13 * 3600}, {4, 3 * 3600, 8 * 3600}, {4, 2 * 3600, 10 * 3600}, {3, 7 * 3600, 10 * 3600}},
                                          of_week[STEPS] = {{5, 12 * 3600, 24 * 3600}, {5, 4 * 3600, 8 * 3600}, {5, 2 * 3600, 10 * 3600}, {4, 11 * 1800, 10 * 3600}};
        for (int i = 0; i < STEPS; i++) {
            assert_memory_equal(&b.times_day[i], &of_day[i], sizeof *of_day);
            assert_memory_equal(&b.times_week[i], &of_week[i], sizeof *of_week);
        }
        assert_int_equal(b.contacts.found, 3);
        assert_int_equal(b.contacts.placed, 2); /* one by its stay, one by its move */
        assert_int_equal(b.contacts.observed, 2);
        assert_int_equal(b.contacts.uncontrolled, 1);
        assert_int_equal(b.contacts.n_queue, 1);
        assert_int_equal(b.contacts.overdue, 1);
        assert_int_equal(b.units_expected, 3);
        assert_int_equal(b.units_reported, 2);
        assert_int_equal(b.units_late, 1);
        assert_int_equal(b.n_units, 2);
        assert_true(text_is(b.units[0].title, "Market") && b.units[0].submitted_at == INSTANT_NONE);
        assert_true(text_is(b.units[1].title, "School"));
        bulletin_clear(&b);
    }
}

/* Duties as the books hold them. */
static void duty(struct test_ledger *t, int64_t id, const char *state, const char *raised, const char *due, const char *closed, bool late, int owner, int occurrence) {
    struct error err = {0};
    struct obligation o = {.region = TEXT("310115001"), .rule = TEXT("place-contact"), .reg = TEXT("contact"), .desk = TEXT("tracing"), .owner_region = TEXT("310115"),
                           .state = text_of(state), .holder = id, .record = id, .owner_kind = owner, .late = late, .closed_at = closed ? test_at(closed) : INSTANT_NONE};
    struct obligation *list = &o;
    o.duty.occurrence = occurrence;
    o.duty.owed = 1;
    o.duty.raised_at = test_at(raised);
    o.duty.due_at = o.duty.wake_at = test_at(due);
    if (closed) o.duty.wake_at = INSTANT_NONE;
    assert_ok(obligation_write(t->l, DB_INSERT, DUTY_WHOLE, &list, 1, o.duty.raised_at, &err), err);
}

static void duties_are_counted(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T17:30") {
        struct error err = {0};
        struct bulletin b;
        assert_ok(db_begin(t.l->db, &err), err);
        duty(&t, 1, "open", "2022-05-30T10:00", "2022-05-30T13:00", NULL, false, 1, 0);
        duty(&t, 2, "open", "2022-05-29T10:00", "2022-05-30T18:00", NULL, false, 0, 0);
        duty(&t, 3, "open", "2022-05-30T10:00", "2022-06-03T18:00", NULL, false, 1, 0);
        duty(&t, 4, "paid", "2022-05-30T10:00", "2022-05-30T13:00", "2022-05-30T12:00", false, 1, 0);
        duty(&t, 5, "paid", "2022-05-29T10:00", "2022-05-29T13:00", "2022-05-30T12:00", true, 1, 0);
        duty(&t, 6, "lapsed", "2022-05-29T10:00", "2022-05-29T13:00", "2022-05-30T12:00", true, 1, 0);
        duty(&t, 7, "paid", "2022-05-28T10:00", "2022-05-28T13:00", "2022-05-28T12:00", false, 1, 0);
        duty(&t, 8, "cancelled", "2022-05-30T10:00", "2022-05-30T13:00", "2022-05-30T12:00", false, 1, 0);
        duty(&t, 9, "open", "2022-05-30T10:00", "2022-05-31T13:00", NULL, false, 1, -1); /* a standing row is no debt */
        assert_ok(db_commit(t.l->db, &err), err);
        compute(&t, "310115", day_of("2022-05-30"), &b);
        assert_int_equal(b.duties.open, 3);
        assert_int_equal(b.duties.overdue, 1);
        assert_int_equal(b.duties.due_soon, 1);
        assert_int_equal(b.duties.no_owner, 1);
        assert_int_equal(b.duties.raised, 4);
        assert_int_equal(b.duties.paid, 2);
        assert_int_equal(b.duties.paid_late, 1);
        assert_int_equal(b.duties.lapsed, 1);
        assert_int_equal(b.duties.loop_ppm, 500000); /* 2 of 2 + 1 + 1 */
        assert_int_equal(b.duties.n_rules, 1);
        assert_int_equal(b.duties.rules[0].open, 3);
        bulletin_clear(&b);
    }
}

/* Lists longer than what is kept: the same first ones, whatever was rebuilt. */
static void long_lists_are_derived_again(void **state) {
    enum { N = 450 };
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-29T17:30") {
        struct error err = {0};
        struct buf differ = {0};
        struct draft *d[2 * N], *moves[N];
        const struct register_decl *p = register_find(t.l->catalog, TEXT("person")), *c = register_find(t.l->catalog, TEXT("contact"));
        approved(&t, day_of("2022-05-29"));
        t.s.now += DAY_S;
        for (int i = 0; i < N; i++) {
            d[i] = draft_new(&t.a, p, DRAFT_CREATE);
            d[i]->values[register_field(p, TEXT("age"))] = value_int(i % 90);
            d[N + i] = test_draft(&t, "contact", DRAFT_CREATE, "class", "close", "last_contact", "2022-05-28", NULL);
            d[N + i]->region = TEXT("310115001");
            d[N + i]->links = arena_alloc(&t.a, c->n_fields * sizeof(uint32_t));
            d[N + i]->links[register_field(c, TEXT("person"))] = (uint32_t)i + 1;
        }
        assert_ok(record_write(t.l, &t.s, d, 2 * N, &err), err);
        int64_t report = approved(&t, day_of("2022-05-30"));
        t.s.now += 3600;
        for (int i = 0; i < N / 2; i++) {
            moves[i] = draft_new(&t.a, c, DRAFT_CHANGE);
            moves[i]->id = d[N + 2 * i]->ret_id;
            moves[i]->state = TEXT("placed");
        }
        assert_ok(record_write(t.l, &t.s, moves, N / 2, &err), err);
        int rc = bulletin_rederive(t.l, NULL, &t.s, report, &differ, &err);
        if (rc != 1) fail_msg("%.400s%s", buf_cstr(&differ), err.message);
        struct bulletin b;
        bulletin_init(&b);
        assert_ok(bulletin_frozen(t.l, NULL, &t.s, report, &b, &err), err);
        assert_int_equal(b.contacts.n_queue, BULLETIN_LIST_MAX);
        assert_int_equal(b.contacts.uncontrolled, N);
        assert_int_equal(change_of(&b, "uncontrolled")->entered, N);
        assert_int_equal((int64_t)change_of(&b, "uncontrolled")->n_in, BULLETIN_LIST_MAX);
        bulletin_clear(&b);
        buf_clear(&differ);
    }
}

static void memory_runs_out(void **state) {
    struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct bulletin_query q = {.region = TEXT("310115"), .day = day_of("2022-05-30")};
        outbreak(&t);
        long n = 1;
        for (; n < 3000; n += n < 60 ? 1 : 17) {
            struct bulletin b;
            struct error err = {0};
            bulletin_init(&b);
            mem_fail_at(n, true);
            int rc = bulletin_compute(t.l, NULL, &t.s, &q, &b, &err);
            mem_fail_at(0, false);
            assert_true(rc == 0 || rc == E_MEMORY);
            assert_int_equal(b.day, rc ? 0 : q.day);
            bulletin_clear(&b);
            if (rc == 0) break;
        }
        assert_true(n > 5 && n < 3000);
    }
}

static int64_t approved_by_two(struct test_ledger *t, const char *region) {
    static const struct grant approver = {.role = {"approver", 8}};
    struct session first = session_of(t, "zhang", &approver), second = session_of(t, "wang", &approver);
    struct bulletin_query q = {.region = text_of(region), .day = day_of("2022-05-30")};
    struct error err = {0};
    int64_t report = 0;
    assert_ok(bulletin_freeze(t->l, &t->s, &q, &report, &err), err);
    assert_ok(bulletin_approve(t->l, &first, report, &err), err);
    assert_ok(bulletin_approve(t->l, &second, report, &err), err);
    return report;
}

/* Three in one street are hidden, and so are nine in another: by its own bulletin that one would give the three away. */
static void a_street_gives_no_other_away(void **state) {
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct test_ledger t;
        EACH_STORE(t, NULL, NOW) {
            struct error err = {0};
            struct bulletin b;
            for (int i = 0; i < 12; i++) make_case(&t, i < 3 ? "310115001" : "310115002", "confirmed", "local", "2022-05-30", "2022-05-29");
            int64_t county = approved_by_two(&t, "310115"), street = approved_by_two(&t, "310115002");
            bulletin_init(&b);
            if (order == 0) {
                assert_ok(bulletin_publish(t.l, &t.s, county, &err), err);
                assert_int_equal(bulletin_publish(t.l, &t.s, street, &err), E_REFUSED);
                err = (struct error){0};
                assert_ok(bulletin_public(t.l, NULL, &t.s, county, 0, &b, &err), err);
                assert_int_equal(b.n_regions, 2);
                for (size_t i = 0; i < b.n_regions; i++) assert_int_equal(b.regions[i].fresh_total[0], FIGURE_HIDDEN);
                /* a withdrawn one has been read */
                assert_ok(bulletin_withdraw(t.l, &t.s, county, &err), err);
                assert_int_equal(bulletin_publish(t.l, &t.s, street, &err), E_REFUSED);
            } else {
                assert_ok(bulletin_publish(t.l, &t.s, street, &err), err);
                assert_ok(bulletin_publish(t.l, &t.s, county, &err), err);
                assert_ok(bulletin_public(t.l, NULL, &t.s, county, 0, &b, &err), err);
                assert_int_equal(b.n_regions, 0);
                assert_int_equal(b.fresh_total, 12);
                assert_ok(bulletin_public(t.l, NULL, &t.s, street, 0, &b, &err), err);
                assert_int_equal(b.fresh_total, 9);
            }
            bulletin_clear(&b);
        }
    }
}


int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_street_gives_no_other_away),
        cmocka_unit_test(refuses),
        cmocka_unit_test(figures_add_up),
        cmocka_unit_test(the_curve_by_class_is_the_reports),
        cmocka_unit_test(a_frozen_report_is_derived_again),
        cmocka_unit_test(times_contacts_and_units),
        cmocka_unit_test(long_lists_are_derived_again),
        cmocka_unit_test(duties_are_counted),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests_name("bulletin", tests, NULL, NULL);
}

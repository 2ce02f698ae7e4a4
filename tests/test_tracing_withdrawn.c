/* An entry of a route that is corrected takes its stay back: from whom the case met, from where cases were, from the timeline; and nothing else. */
#include "imports.h"
#include "tracings.h"

#include "base/digest.h"
#include "desks/tracing/board.h"
#include "desks/person.h"
#include "desks/tracing/timeline.h"
#include "desks/tracing/visitors.h"

struct corrected {
    struct scene x;
    struct session s;
    int64_t cafe, other, zhao, kase, entry;
    const char *word;
};

static void corrected_make(struct corrected *c, size_t store) {
    scene_make(&c->x, store);
    struct test_ledger *t = &c->x.t;
    c->s = as(t, &tracer_grant, "流调");
    c->cafe = test_record(t, "place", "title", "枫林茶餐厅", "kind", "restaurant");
    c->other = test_record(t, "place", "title", "枫林饭店", "kind", "restaurant");
    c->zhao = test_record(t, "person", "name", "赵一");
    c->kase = test_record(t, "case", "person", test_id(t, c->zhao), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date", "2022-05-29");
    c->word = test_id(t, c->kase);
    c->entry = test_record(t, "track", "person", test_id(t, c->zhao), "place", test_id(t, c->cafe), "day", "2022-05-27", "starts", "2022-05-27T12:10", "ends", "2022-05-27T12:50", "source", "interview");
    stay(&c->x, "guest-1", test_id(t, c->cafe), "2022-05-27T12:00", "2022-05-27T13:00");
    stay(&c->x, "guest-2", test_id(t, c->other), "2022-05-27T12:00", "2022-05-27T13:00");
}

static void change(struct corrected *c, const char *field, const char *value) {
    struct error err = {0};
    c->x.t.s.now += 60;
    c->s.now = c->x.t.s.now;
    struct draft *d = test_draft(&c->x.t, "track", DRAFT_CHANGE, field, value, NULL);
    d->id = c->entry;
    assert_ok(record_write(c->x.t.l, &c->x.t.s, &d, 1, &err), err);
}

/* The first contact's name and how many there are; seconds together. */
static size_t met(struct corrected *c, char name[64], int64_t *ret_s) {
    struct tracing_question q = question(&c->x, 0);
    struct tracing_answer a;
    struct error err = {0};
    size_t waiting = 7;
    q.cases = &c->word;
    assert_ok(tracing_routes_feed(c->x.t.l, &c->s, c->x.v, &q, &waiting, &err), err);
    assert_ok(tracing_ask(c->x.t.l, &c->s, c->x.v, &q, &a, &err), err);
    size_t n = a.found.n_contacts;
    struct text first = n ? tracing_person(&a, a.found.contacts[0].person) : TEXT("");
    snprintf(name, 64, "%.*s", (int)first.n, first.s);
    *ret_s = 0;
    for (size_t i = 0; i < n; i++) *ret_s += a.found.contacts[i].overlap_s;
    tracing_answer_clear(&a);
    return n;
}

static size_t of_visits(struct corrected *c) {
    struct tracing_timeline line;
    struct error err = {0};
    size_t n = 0;
    assert_ok(tracing_timeline_of(c->x.t.l, &c->s, c->x.v, c->kase, 0, &line, &err), err);
    for (size_t i = 0; i < line.n; i++) n += !strcmp(line.stops[i].origin, "visits");
    tracing_timeline_clear(&line);
    return n;
}

static bool at_risk(struct corrected *c, int64_t place) {
    struct tracing_places p;
    struct error err = {0};
    bool found = false;
    assert_ok(tracing_places_of(c->x.t.l, &c->s, c->x.v, TEXT(""), 7, &p, &err), err);
    for (size_t i = 0; i < p.n; i++) found |= p.places[i].place == place;
    tracing_places_clear(&p);
    return found;
}

static void what_was_corrected_met_nobody(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct corrected c;
        char name[64];
        int64_t s;
        corrected_make(&c, store);
        assert_int_equal(met(&c, name, &s), 1);
        assert_string_equal(name, "guest-1");
        assert_true(at_risk(&c, c.cafe) && !at_risk(&c, c.other));
        /* it was another place */
        change(&c, "place", test_id(&c.x.t, c.other));
        assert_int_equal(met(&c, name, &s), 1);
        assert_string_equal(name, "guest-2");
        assert_int_equal(of_visits(&c), 1);
        assert_true(!at_risk(&c, c.cafe) && at_risk(&c, c.other));
        /* no, it was the first */
        change(&c, "place", test_id(&c.x.t, c.cafe));
        assert_int_equal(met(&c, name, &s), 1);
        assert_string_equal(name, "guest-1");
        assert_true(s == 40 * 60 && of_visits(&c) == 1);
        /* but for half of the time, which is told more surely, and then not by the hour at all */
        change(&c, "ends", "2022-05-27T12:30");
        assert_true(met(&c, name, &s) == 1 && s == 20 * 60);
        change(&c, "precision", "about");
        assert_true(met(&c, name, &s) == 1 && s == 20 * 60);
        change(&c, "doing", "午餐");
        assert_true(met(&c, name, &s) == 1 && s == 20 * 60 && of_visits(&c) == 1);
        change(&c, "precision", "day");
        assert_true(met(&c, name, &s) == 0 && of_visits(&c) == 0 && !at_risk(&c, c.cafe));
        scene_drop(&c.x);
    }
}

/* What a door measured at the same hours stays, and so does the part of a night that the new hours share with the old. */
static void nothing_else_goes(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct corrected c;
        char name[64];
        int64_t s;
        corrected_make(&c, store);
        stay(&c.x, test_id(&c.x.t, c.zhao), test_id(&c.x.t, c.other), "2022-05-27T12:20", "2022-05-27T12:40");
        change(&c, "place", test_id(&c.x.t, c.other));
        change(&c, "starts", "2022-05-27T12:20");
        change(&c, "ends", "2022-05-27T12:40");
        assert_true(met(&c, name, &s) == 1 && s == 20 * 60);
        change(&c, "place", test_id(&c.x.t, c.cafe));
        assert_true(met(&c, name, &s) == 2 && s == 40 * 60); /* the door says the one, he the other */
        stay(&c.x, "guest-3", test_id(&c.x.t, c.cafe), "2022-05-27T23:00", "2022-05-28T02:00");
        change(&c, "ends", "2022-05-28T00:40");
        change(&c, "starts", "2022-05-27T23:30");
        assert_true(met(&c, name, &s) == 2 && s == (20 + 70) * 60);
        change(&c, "ends", "2022-05-28T01:00");
        assert_true(met(&c, name, &s) == 2 && s == (20 + 90) * 60);
        change(&c, "ends", "2022-05-28T00:20");
        assert_true(met(&c, name, &s) == 2 && s == (20 + 50) * 60);
        scene_drop(&c.x);
    }
}

static bool met_by(struct corrected *c, int64_t person, const char *name) {
    struct tracing_question q = {.persons = (const char *const[]){test_id(&c->x.t, person)}, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
    struct tracing_answer a;
    struct error err = {0};
    size_t waiting = 7;
    bool found = false;
    assert_ok(tracing_routes_feed(c->x.t.l, &c->s, c->x.v, &q, &waiting, &err), err);
    assert_ok(tracing_ask(c->x.t.l, &c->s, c->x.v, &q, &a, &err), err);
    for (size_t i = 0; i < a.found.n_contacts; i++) found |= text_is(tracing_person(&a, a.found.contacts[i].person), name);
    tracing_answer_clear(&a);
    return found;
}

static size_t at_cafe(struct corrected *c) {
    struct tracing_presence q = {.place = text_of(test_id(&c->x.t, c->cafe)), .from = test_at("2022-05-27T12:00"), .to = test_at("2022-05-27T14:00")};
    struct tracing_visitors_plan plan;
    struct tracing_visitors list;
    struct error err = {0};
    assert_ok(tracing_visitors_plan(c->x.t.l, &c->s, c->x.v, &q, &plan, &err), err);
    assert_ok(tracing_visitors_find(c->x.t.l, &c->s, c->x.v, &plan, &list, &err), err);
    size_t n = list.n;
    tracing_visitors_clear(&list);
    return n;
}

/* An entry that was about somebody else is that one's: who it was said of first met nobody by it, and is met by nobody. Undone merges go the same way. */
static void what_went_to_another_is_his(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct corrected c;
        char name[64];
        int64_t s;
        corrected_make(&c, store);
        int64_t qian = test_record(&c.x.t, "person", "name", "钱二"), sun = test_record(&c.x.t, "person", "name", "孙三");
        stay(&c.x, test_id(&c.x.t, sun), test_id(&c.x.t, c.cafe), "2022-05-27T12:00", "2022-05-27T13:00");
        assert_true(met(&c, name, &s) == 2 && met_by(&c, sun, test_id(&c.x.t, c.zhao)) && at_cafe(&c) == 3);
        change(&c, "person", test_id(&c.x.t, qian));
        assert_true(met(&c, name, &s) == 0 && of_visits(&c) == 0 && !at_risk(&c, c.cafe));
        assert_true(met_by(&c, qian, "guest-1") && met_by(&c, sun, test_id(&c.x.t, qian)) && !met_by(&c, sun, test_id(&c.x.t, c.zhao)));
        assert_int_equal(at_cafe(&c), 3);
        /* whom a case met takes his own back too */
        change(&c, "place", test_id(&c.x.t, c.other));
        assert_true(!met_by(&c, sun, test_id(&c.x.t, qian)) && at_cafe(&c) == 2);
        change(&c, "place", test_id(&c.x.t, c.cafe));
        change(&c, "person", test_id(&c.x.t, c.zhao));
        assert_true(met(&c, name, &s) == 2 && !met_by(&c, qian, "guest-1") && at_cafe(&c) == 3);
        /* what is of one by a merge is of him as long as they are one */
        struct error err = {0};
        assert_ok(person_merge(c.x.t.l, &c.x.t.s, qian, c.zhao, NULL, &err), err);
        assert_true(met_by(&c, qian, "guest-1"));
        assert_ok(person_unmerge(c.x.t.l, &c.x.t.s, c.zhao, NULL, &err), err);
        assert_true(!met_by(&c, qian, "guest-1") && met(&c, name, &s) == 2);
        scene_drop(&c.x);
    }
}

/* Nobody met anybody by a list of routes that was taken back, wherever it is asked; who may not read an entry sees all the same whom it met. */
static void what_was_undone_met_nobody(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct corrected c;
        struct import_run run;
        struct intake_undone undone = {0};
        struct error err = {0};
        char name[64], table[400];
        int64_t s;
        corrected_make(&c, store);
        struct record r;
        assert_ok(record_get(c.x.t.l, NULL, &c.x.t.s, register_find(c.x.t.l->catalog, TEXT("case")), c.kase, &c.x.t.a, &r, &err), err);
        snprintf(table, sizeof table, "case,vehicle,day,starts,ends,source\n%.*s,G12,2022-05-27,2022-05-27T23:00,2022-05-28T01:00,interview\n", (int)r.number.n, r.number.s);
        stay(&c.x, "guest-9", "G12", "2022-05-27T23:30", "2022-05-28T02:00");
        assert_ok(import_text(&c.x.t, NULL, "track", table, 0, 0, false, &run, &err), err);
        if (run.rejects) fail_msg("%s: %s", run.cells, run.reason.en);
        assert_int_equal(run.n.created, 1);
        assert_true(met(&c, name, &s) == 2 && s == (40 + 90) * 60 && of_visits(&c) == 3);
        assert_ok(intake_undo(c.x.t.l, &c.x.t.s, run.n.import, NULL, NULL, &undone, &err), err);
        assert_int_equal(test_count(&c.x.t, "SELECT COUNT(*) FROM track"), 1);
        assert_true(met(&c, name, &s) == 1 && s == 40 * 60 && of_visits(&c) == 1 && !at_risk(&c, c.other));
        int64_t feed = test_record(&c.x.t, "police_feed", "person", test_id(&c.x.t, c.zhao), "place", test_id(&c.x.t, c.other), "day", "2022-05-27", "starts", "2022-05-27T12:00", "ends", "2022-05-27T12:30");
        assert_true(feed > 0 && met(&c, name, &s) == 2);
        static const struct grant intake_grant = {WORD("intake"), WORD("310115")};
        c.s.grants = &intake_grant;
        assert_int_equal(met(&c, name, &s), 2);
        scene_drop(&c.x);
    }
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_corrected_met_nobody),
        cmocka_unit_test(nothing_else_goes),
        cmocka_unit_test(what_went_to_another_is_his),
        cmocka_unit_test(what_was_undone_met_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The tracing desk: whom a name of the visits stands for, what a second trace takes back, what two devices heard, when a case can have been infected, and figures that
 * forget nobody. Refused first; on each store of the ledger. */
#include <dirent.h>

#include "tracings.h"

#include "base/digest.h"
#include "desks/person.h"
#include "desks/tracing/board.h"
#include "desks/tracing/chains.h"
#include "desks/tracing/timeline.h"
#include "desks/tracing/visitors.h"

static int64_t count(struct scene *x, const char *sql, int64_t id) {
    return test_count(&x->t, arena_printf(&x->t.a, sql, (long long)id));
}

static struct tracing_accepted taken(struct scene *x, const struct session *s, const struct tracing_question *q, bool general) {
    struct tracing_accepted d = {0};
    struct tracing_accept a = {.general = general};
    struct error err = {0};
    assert_ok(tracing_accept(x->t.l, s, x->v, q, &a, &d, &err), err);
    if (d.refused) fail_msg("%s: %s", d.first.where, d.first.message);
    return d;
}

static void merge(struct scene *x, int64_t into, int64_t from) {
    struct error err = {0};
    assert_ok(person_merge(x->t.l, &x->t.s, into, from, NULL, &err), err);
}

/* One person is one contact, whatever the visits call him: a number of his own platform that is no record's, the number of a card that was merged into his (and of one merged into that), or
 * of a card that lies where the asker does not see. */
static void whom_a_name_stands_for(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *market = test_id(&x.t, x.market);
        int64_t zhao = test_record(&x.t, "person", "name", "赵一", "visits_name", "70012345"), first = test_record(&x.t, "person", "name", "陈刚"), second = test_record(&x.t, "person", "name", "陈剛"),
                third = test_record(&x.t, "person", "name", "陳剛");
        struct draft *away = test_draft(&x.t, "person", DRAFT_CREATE, "name", "刘洋", (char *)NULL);
        struct error err = {0};
        away->region = TEXT("310199");
        assert_ok(test_write(&x.t, away, &err), err);
        stay(&x, "70012345", market, "2022-05-27T10:00", "2022-05-27T11:00");
        stay(&x, test_id(&x.t, first), market, "2022-05-27T10:00", "2022-05-27T10:40");
        stay(&x, test_id(&x.t, away->ret_id), market, "2022-05-27T10:00", "2022-05-27T11:00");
        merge(&x, second, first);
        merge(&x, third, second);
        int64_t persons = test_count(&x.t, "SELECT COUNT(*) FROM person");
        struct tracing_accepted d = accepted(&x, &s, 0, NULL, 0);
        assert_true(d.contacts_made == 5 && d.persons_made == 1); /* the scan, whom nobody knows */
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM person"), persons + 1);
        assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", zhao), 1);
        assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", third), 1);
        assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", away->ret_id), 1);
        d = accepted(&x, &s, 0, NULL, 0); /* and again nothing is new */
        assert_true(d.contacts_made == 0 && d.persons_made == 0 && d.to_remove == 0);
        /* and who is a case now is traced by all of them */
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, third), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date", "2022-05-29");
        const char *word = test_id(&x.t, kase);
        struct tracing_question q = question(&x, 0);
        struct tracing_answer a;
        q.cases = &word;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.n_unknown == 0 && a.found.n_contacts == 4); /* Li, Zhao, Liu, and Wang for twenty minutes; the scan for ten only */
        tracing_answer_clear(&a);
        scene_drop(&x);
    }
}

/* Whom two names found is one contact, with the days and minutes of both: observation ends by the later. */
static void two_names_found_one(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t first = test_record(&x.t, "person", "name", "陈刚"), second = test_record(&x.t, "person", "name", "陈剛");
        const char *market = test_id(&x.t, x.market), *one = test_id(&x.t, first), *two = test_id(&x.t, second);
        stay(&x, one, market, "2022-05-27T10:00", "2022-05-27T10:40");
        stay(&x, two, market, "2022-05-27T10:30", "2022-05-27T10:50");
        stay(&x, test_id(&x.t, x.li), "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, two, "cafe", "2022-05-28T09:00", "2022-05-28T10:16");
        merge(&x, first, second);
        for (int round = 0; round < 2; round++) {
            struct tracing_accepted d = accepted(&x, &s, 0, NULL, 0);
            assert_true(d.contacts_made == (round ? 0 : 3) && d.contacts_known == (round ? 3 : 0) && d.contacts_moved == 0);
            assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", first), 1);
            assert_int_equal(count(&x, "SELECT last_contact FROM contact WHERE person = %lld", first), day_of_instant(test_at("2022-05-28T10:00"), ZONE_CHINA_S));
            assert_int_equal(count(&x, "SELECT minutes FROM finding WHERE person = %lld", first), 50 + 16);
            assert_int_equal(count(&x, "SELECT first_exposure FROM finding WHERE person = %lld", first), test_at("2022-05-27T10:00"));
        }
        scene_drop(&x);
    }
}

/* The contact of the question by a name of his; NULL. */
static const struct contact *contact_of(struct scene *x, const struct session *s, const struct tracing_question *q, const char *name, struct tracing_answer *ret) {
    struct error err = {0};
    assert_ok(tracing_ask(x->t.l, s, x->v, q, ret, &err), err);
    for (size_t i = 0; i < ret->found.n_contacts; i++)
        if (text_is(tracing_person(ret, ret->found.contacts[i].person), name)) return &ret->found.contacts[i];
    return NULL;
}

/* A platform's number of eight digits is nobody's record that has the same value: whom it names is another person, and where, another place. */
static void a_padded_number_is_another_name(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        char padded[24], code[24];
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t zhao = test_record(&x.t, "person", "name", "赵一"), which = 7;
        snprintf(padded, sizeof padded, "%08lld", (long long)zhao);
        snprintf(code, sizeof code, "+%lld", (long long)x.market);
        stay(&x, padded, test_id(&x.t, x.market), "2022-05-27T10:00", "2022-05-27T11:00");
        struct tracing_question q = question(&x, 0);
        assert_non_null(contact_of(&x, &s, &q, padded, &a));
        tracing_answer_clear(&a);
        assert_ok(tracing_person_named(x.t.l, text_of(padded), &which, &err), err);
        assert_int_equal(which, 0);
        assert_ok(tracing_place_named(x.t.l, text_of(code), &which, &err), err);
        assert_int_equal(which, 0);
        struct tracing_accepted d = accepted(&x, &s, 0, NULL, 0);
        assert_int_equal(d.persons_made, 2);
        assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", zhao), 0);
        int64_t wu = test_record(&x.t, "person", "name", "吴七", "visits_name", "00000042"); /* and may stand on a card */
        assert_ok(tracing_person_named(x.t.l, TEXT("00000042"), &which, &err), err);
        assert_int_equal(which, wu);
        scene_drop(&x);
    }
}

/* Whom a case had met goes on meeting others after the case is isolated: they are contacts of a contact; whom the case would have met then is none, nor who met the contact before it was one. Forwards only. */
static void a_contact_meets_on_when_the_case_is_isolated(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t zhao = test_record(&x.t, "person", "name", "赵一");
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, zhao), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-24", "report_date", "2022-05-25", "isolated_at",
                                   "2022-05-25T12:00");
        const char *word = test_id(&x.t, kase), *who = test_id(&x.t, zhao);
        stay(&x, who, "cafe", "2022-05-24T15:00", "2022-05-24T16:00");
        stay(&x, "met", "cafe", "2022-05-24T15:00", "2022-05-24T16:00");
        stay(&x, "met", "shop", "2022-05-24T09:00", "2022-05-24T10:00");
        stay(&x, "before", "shop", "2022-05-24T09:00", "2022-05-24T10:00");
        stay(&x, "met", "bar", "2022-05-27T09:00", "2022-05-27T10:00");
        stay(&x, "after", "bar", "2022-05-27T09:00", "2022-05-27T10:00");
        stay(&x, who, "ward", "2022-05-27T09:00", "2022-05-27T10:00");
        stay(&x, "nurse", "ward", "2022-05-27T09:00", "2022-05-27T10:00");
        struct tracing_question q = question(&x, 0);
        q.cases = &word;
        q.degree = 2;
        const struct contact *c = contact_of(&x, &s, &q, "after", &a);
        assert_true(c && c->degree == 2 && c->kind == CONTACT_SECONDARY && a.to == x.t.s.now);
        assert_int_equal(a.found.n_contacts, 2);
        tracing_answer_clear(&a);
        q.degree = 1;
        assert_null(contact_of(&x, &s, &q, "after", &a));
        assert_true(a.found.n_contacts == 1 && a.to == test_at("2022-05-25T12:00"));
        tracing_answer_clear(&a);
        q.degree = 2;
        q.reverse = true;
        assert_null(contact_of(&x, &s, &q, "after", &a));
        tracing_answer_clear(&a);
        scene_drop(&x);
    }
}

/* A case that has no onset is looked back from the earliest that says it was positive, of whatever field; not from when somebody typed it in. */
static void a_case_without_onset_has_a_day(void **state) {
    static const struct { const char *field, *value, *more, *also, *from; } cases[] = {
        {"report_date", "2022-05-22", NULL, NULL, "2022-05-20T00:00"},
        {"detected_at", "2022-05-22T18:00", "first_sampled_at", "2022-05-21T10:00", "2022-05-19T10:00"},
        {"diagnosed", "2022-05-23", "reported_at", "2022-05-24T09:00", "2022-05-21T00:00"},
        {"onset", "2022-05-24", "first_sampled_at", "2022-05-21T10:00", "2022-05-22T00:00"},
    };
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_timeline line;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const char *who = test_id(&x.t, test_record(&x.t, "person", "name", "赵一"));
            int64_t kase = test_record(&x.t, "case", "person", who, "disease", "covid-19", "classification", "confirmed", cases[i].field, cases[i].value, cases[i].more, cases[i].also);
            const char *word = test_id(&x.t, kase);
            struct tracing_question q = question(&x, 0);
            q.cases = &word;
            assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
            if (a.from != test_at(cases[i].from)) fail_msg("%zu", i);
            tracing_answer_clear(&a);
            assert_ok(tracing_timeline_of(x.t.l, &s, x.v, kase, 1, &line, &err), err);
            assert_int_equal(line.from, test_at(cases[i].from) + DAY_S);
            tracing_timeline_clear(&line);
        }
        scene_drop(&x);
    }
}

/* Two cards of one person, each with a case, of which one was a contact of the other: made one, nobody was infected by himself. */
static void nobody_infects_himself(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct chains *c = NULL;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        accepted(&x, &s, 0, NULL, 0);
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, x.wang), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-29", "report_date", "2022-05-29");
        for (int round = 0; round < 2; round++) {
            assert_ok(chains_build(x.t.l, TEXT("covid-19"), x.t.s.now, &c, &err), err);
            assert_int_equal(c->result.nodes[chains_find(c, kase)].n_candidates, round ? 0 : 1);
            chains_free(c);
            if (!round) merge(&x, x.li, x.wang);
        }
        scene_drop(&x);
    }
}

/* What was recorded under one name of a person after the other adds up to what makes a contact: of whom was met, of the case, of a contact whose contacts are sought. Who is not the same stays another. */
static void two_names_add_up(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *market = test_id(&x.t, x.market);
        int64_t zhao = test_record(&x.t, "person", "name", "赵一", "visits_name", "zhao-app"), first = test_record(&x.t, "person", "name", "陈刚", "visits_name", "chen-app"),
                second = test_record(&x.t, "person", "name", "陈剛"), later = test_record(&x.t, "person", "name", "孙六", "visits_name", "zhao-app");
        const char *zhao_word = test_id(&x.t, zhao), *first_word = test_id(&x.t, first), *second_word = test_id(&x.t, second), *later_word = test_id(&x.t, later);
        stay(&x, "zhao-app", market, "2022-05-27T10:00", "2022-05-27T10:08");
        stay(&x, zhao_word, market, "2022-05-27T10:08", "2022-05-27T10:16");
        stay(&x, later_word, market, "2022-05-27T10:16", "2022-05-27T10:24"); /* whose card came later: not the same */
        stay(&x, "chen-app", market, "2022-05-27T10:40", "2022-05-27T10:48");
        stay(&x, second_word, market, "2022-05-27T10:47", "2022-05-27T10:52");
        struct tracing_question q = question(&x, 0);
        q.minutes = 10;
        const struct contact *c = contact_of(&x, &s, &q, zhao_word, &a);
        assert_true(c && c->overlap_s == 16 * 60 && c->kind == CONTACT_CLOSE);
        assert_int_equal(a.found.n_contacts, 3); /* he, Wang, and who scanned; Chen is two yet */
        tracing_answer_clear(&a);
        merge(&x, first, second);
        c = contact_of(&x, &s, &q, "chen-app", &a);
        if (!c) tracing_answer_clear(&a), c = contact_of(&x, &s, &q, second_word, &a);
        assert_true(c && c->overlap_s == 12 * 60);
        assert_int_equal(a.found.n_contacts, 4);
        tracing_answer_clear(&a);
        struct tracing_accepted d = {0};
        struct error err = {0};
        assert_ok(tracing_accept(x.t.l, &s, x.v, &q, &(struct tracing_accept){0}, &d, &err), err);
        assert_int_equal(d.refused, 0);
        assert_int_equal(count(&x, "SELECT minutes FROM finding WHERE person = %lld", first), 12);
        assert_int_equal(count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", second) + count(&x, "SELECT COUNT(*) FROM contact WHERE person = %lld", later), 0);
        /* of a case the same, and of a contact whose contacts are sought */
        stay(&x, first_word, "cafe", "2022-05-28T10:00", "2022-05-28T10:06");
        stay(&x, second_word, "cafe", "2022-05-28T10:06", "2022-05-28T10:13");
        stay(&x, "guest", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        q.degree = 2;
        c = contact_of(&x, &s, &q, "guest", &a);
        assert_true(c && c->degree == 2 && c->overlap_s == 13 * 60);
        tracing_answer_clear(&a);
        q = (struct tracing_question){.persons = (const char *const[]){second_word}, .n_persons = 1, .degree = 1, .minutes = 10, .after_minutes = -1, .crowd = -1};
        c = contact_of(&x, &x.t.s, &q, "guest", &a);
        assert_true(c && c->overlap_s == 13 * 60);
        assert_true(a.n_asked == 1 && a.n_unknown == 0);
        tracing_answer_clear(&a);
        /* in a list of visitors he is one, and where a case was he is one whom it met */
        struct tracing_presence there = {.place = text_of(market), .from = test_at("2022-05-27T10:00"), .to = test_at("2022-05-27T11:00")};
        struct tracing_visitors_plan plan;
        struct tracing_visitors list;
        struct tracing_places places;
        assert_ok(tracing_visitors_plan(x.t.l, &s, x.v, &there, &plan, &err), err);
        assert_ok(tracing_visitors_find(x.t.l, &s, x.v, &plan, &list, &err), err);
        assert_int_equal(list.n, 6);
        assert_true(list.items[3].there_s == 16 * 60 && list.items[3].stays == 2 && list.items[4].there_s == 12 * 60);
        tracing_visitors_clear(&list);
        assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
        assert_true(places.n == 1 && places.places[0].contacts == 3); /* 15 minutes: Wang, who scanned, he */
        tracing_places_clear(&places);
        q.reverse = true; /* and backwards, of two who ask */
        q.persons = (const char *const[]){"chen-app", zhao_word};
        q.n_persons = 2;
        c = contact_of(&x, &x.t.s, &q, test_id(&x.t, x.li), &a);
        assert_true(c && a.common.n_persons >= 1 && a.common.persons[0].cases == 2);
        for (size_t i = 0; i < a.common.n_places; i++) assert_true(a.common.places[i].cases == 2);
        tracing_answer_clear(&a);
        scene_drop(&x);
    }
}

/* A trace takes back only what it looked for: contacts of contacts when it went so far, and who only came after stays on record as who came after. Backwards nothing is taken at all. */
static void what_was_not_looked_for_stands(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_since since;
        struct tracing_accepted d;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        struct tracing_question q = question(&x, 0);
        q.reverse = true;
        assert_int_equal(tracing_accept(x.t.l, &s, x.v, &q, &(struct tracing_accept){0}, &d, &err), E_USAGE);
        assert_string_equal(err.where, "reverse");
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact"), 0);
        q.reverse = false;
        q.after_minutes = 30;
        stay(&x, "after-1", test_id(&x.t, x.market), "2022-05-27T11:10", "2022-05-27T12:00");
        stay(&x, "scan-7", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, "second-1", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        q.degree = 2;
        d = taken(&x, &s, &q, true);
        assert_int_equal(d.contacts_made, 4); /* two close, one after, one secondary */
        q.degree = 1;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_ok(tracing_since_of(x.t.l, &s, x.kase, &a, &since, &err), err);
        assert_true(since.removed == 0 && since.kept == 4 && since.added == 0 && since.unseen == 0);
        tracing_since_clear(&since);
        tracing_answer_clear(&a);
        assert_int_equal(taken(&x, &s, &q, false).to_remove, 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE state = 'current'"), 4);
        q.after_minutes = 0; /* and what is asked and not found goes as before */
        assert_int_equal(taken(&x, &s, &q, false).to_remove, 1);
        q.degree = 2;
        q.minutes = 45; /* who met for half an hour, and so whom they met */
        assert_int_equal(taken(&x, &s, &q, false).to_remove, 3);
        scene_drop(&x);
    }
}

static void near(struct scene *x, const char *list, uint64_t rows) {
    struct tracing_import_report r;
    struct error err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/near.csv", x->t.dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(list, f);
    fclose(f);
    assert_ok(tracing_import(x->t.l, &x->t.s, x->v, path, NULL, &r, &err), err);
    assert_int_equal(r.taken, rows);
}

/* However often two devices heard each other, that is a meeting of two: no crowded place, none to be named in a notice. */
static void two_devices_are_no_crowd(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_places places;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        struct buf list = {0};
        buf_str(&list, "person,other,start,class\n");
        for (int i = 0; i < 60; i++) buf_printf(&list, "%s,device-1,2022-05-27T15:%02d,%s\n", test_id(&x.t, x.li), i, i % 2 ? "餐饮场所" : "");
        near(&x, buf_cstr(&list), 120);
        buf_clear(&list);
        struct tracing_question q = question(&x, 0);
        q.crowd = 20;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_int_equal(a.found.n_venues, 0);
        bool found = false;
        for (size_t i = 0; i < a.found.n_contacts; i++) found |= text_is(tracing_person(&a, a.found.contacts[i].person), "device-1") && a.found.contacts[i].overlap_s == 64 * 60;
        assert_true(found);
        tracing_answer_clear(&a);
        assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
        for (size_t i = 0; i < places.n; i++) assert_true(places.places[i].name.s[0] != '~');
        tracing_places_clear(&places);
        /* nor what two who are asked about have in common */
        q = (struct tracing_question){.persons = (const char *const[]){test_id(&x.t, x.li), "device-1"}, .n_persons = 2, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .reverse = true};
        stay(&x, "device-1", test_id(&x.t, x.market), "2022-05-27T12:00", "2022-05-27T13:00");
        assert_ok(tracing_ask(x.t.l, &x.t.s, x.v, &q, &a, &err), err);
        assert_int_equal(a.common.n_places, 1);
        assert_true(text_is(visits_text(x.v, VISITS_PLACE, a.common.places[0].place), test_id(&x.t, x.market)));
        assert_true(a.common.n_persons > 0);
        tracing_answer_clear(&a);
        scene_drop(&x);
    }
}

/* Two of whom nobody knows who, or where, they were have not met. A person may be called NA. */
static void nobody_meets_at_a_place_not_known(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        static const char list[] = "person,place,start,end\n1,不详,2022-05-27T09:00,2022-05-27T10:00\n2,不详,2022-05-27T09:00,2022-05-27T10:00\n3,NA,2022-05-27T09:00,2022-05-27T10:00\n"
                                   "不详,x,2022-05-27T09:00,2022-05-27T10:00\nunknown,x,2022-05-27T09:00,2022-05-27T10:00\n无,x,2022-05-27T09:00,2022-05-27T10:00\nNA,x,2022-05-27T09:00,2022-05-27T10:00\n";
        struct scene x;
        uint32_t id;
        scene_make(&x, store);
        near(&x, list, 1);
        assert_true(visits_find(x.v, VISITS_PERSON, TEXT("NA"), &id) && !visits_find(x.v, VISITS_PLACE, TEXT("不详"), &id));
        scene_drop(&x);
    }
}

/* Backwards a case is looked at as long as it can have been infected: from the longest incubation on (14 days where no plan says), and not after it fell ill. A window that ends before
 * it begins is refused: nobody is told that there was nobody. */
static void backwards_until_it_fell_ill(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *li = test_id(&x.t, x.li);
        stay(&x, li, "cafe", "2022-05-18T10:00", "2022-05-18T11:00");
        stay(&x, "source", "cafe", "2022-05-18T10:00", "2022-05-18T11:00");
        stay(&x, li, "clinic", "2022-05-29T08:00", "2022-05-29T09:00");
        stay(&x, "nurse", "clinic", "2022-05-29T08:00", "2022-05-29T09:00");
        struct tracing_question q = question(&x, 0);
        q.reverse = true;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        bool source = false, nurse = false;
        for (size_t i = 0; i < a.found.n_contacts; i++) {
            struct text name = tracing_person(&a, a.found.contacts[i].person);
            source |= text_is(name, "source");
            nurse |= text_is(name, "nurse");
        }
        assert_true(source && !nurse && a.found.n_contacts == 4); /* the bus and the market too */
        tracing_answer_clear(&a);
        q.window_days = 1; /* it fell ill on the 28th: nothing is left of the last day */
        x.t.s.now = s.now = test_at("2022-05-31T17:00");
        assert_int_equal(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), E_INVALID);
        assert_string_equal(err.where, "window");
        scene_drop(&x);
    }
}

/* A night at a place is one stay, and one that was sent twice is too. */
static void a_night_is_one_stay(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_visitors_plan plan;
        struct tracing_visitors found;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        for (int i = 0; i < 2; i++) stay(&x, "guest", "inn", "2022-05-25T22:00", "2022-05-27T06:00");
        stay(&x, "guest", "inn", "2022-05-27T20:00", "2022-05-27T21:00");
        struct tracing_presence q = {.place = TEXT("inn"), .from = test_at("2022-05-25T00:00"), .to = test_at("2022-05-28T00:00")};
        assert_ok(tracing_visitors_plan(x.t.l, &s, x.v, &q, &plan, &err), err);
        assert_ok(tracing_visitors_find(x.t.l, &s, x.v, &plan, &found, &err), err);
        assert_true(found.n == 1 && found.items[0].stays == 2 && found.items[0].there_s == 33 * 3600);
        tracing_visitors_clear(&found);
        scene_drop(&x);
    }
}

/* The public reads of no place of which nobody knows what it is: its name may be somebody's address. */
static void a_notice_names_what_is_known(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_places places;
        struct error err = {0};
        struct buf text = {0};
        size_t n = 7;
        uint32_t at;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *home = "枫林路100弄3号501室";
        for (int i = 0; i < 24; i++) stay(&x, test_id(&x.t, i % 2 ? x.li : x.wang), home, arena_printf(&x.t.a, "2022-05-28T%02d:%02d", i / 2, i % 2 * 30), arena_printf(&x.t.a, "2022-05-28T%02d:%02d", i / 2, i % 2 * 30 + 20));
        for (int round = 0; round < 2; round++) {
            assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
            assert_int_equal(tracing_notice(&places, ZONE_CHINA_S, true, &text, &n), 0);
            assert_int_equal(n, round);
            tracing_places_clear(&places);
            assert_true(visits_find(x.v, VISITS_PLACE, text_of(home), &at));
            visits_set_class(x.v, at, tracing_class(TEXT("shop"))); /* it was one */
        }
        buf_clear(&text);
        scene_drop(&x);
    }
}

static int who_looked(const struct journal_entry *e, void *arg) {
    if (e->verb == JOURNAL_OPEN && text_is(e->reg, "visits")) snprintf(arg, 200, "%.*s", (int)e->reason.n, e->reason.s);
    return 0;
}

/* A case with two names in the visits has no place in common with itself, and counts once beside another. Whom a look was at is on record. */
static void two_names_are_one_case(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct error err = {0};
        char said[200], expected[80];
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t second = test_record(&x.t, "person", "name", "李娜", "visits_name", "li-1");
        const char *market = test_id(&x.t, x.market), *li = test_id(&x.t, x.li);
        stay(&x, "li-1", market, "2022-05-27T10:00", "2022-05-27T10:30");
        merge(&x, x.li, second);
        struct tracing_question q = {.persons = &li, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .reverse = true};
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.common.n_places == 0 && a.found.n_contacts > 0);
        tracing_answer_clear(&a);
        const char *two[] = {li, test_id(&x.t, x.wang)};
        q.persons = two, q.n_persons = 2;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.common.n_places == 1 && a.common.places[0].cases == 2);
        for (size_t i = 0; i < a.common.n_persons; i++) assert_true(a.common.persons[i].cases <= 2);
        tracing_answer_clear(&a);
        assert_ok(journal_scan(x.t.l->db, 1, INT64_MAX, who_looked, said, &err), err);
        snprintf(expected, sizeof expected, "degree 1, reverse, person %lld, %lld", (long long)x.li, (long long)x.wang);
        assert_non_null(strstr(said, expected));
        scene_drop(&x);
    }
}

static void later(struct scene *x, struct session *s, int64_t seconds, char at[INSTANT_TEXT]) {
    x->t.s.now += seconds;
    s->now = x->t.s.now;
    instant_format(s->now, ZONE_CHINA_S, at);
}

/* Who is found and not under control stays in the queue however long ago that was, with or without a time of finding; an open letter stays open. A stay that had ended before somebody was found, and a
 * result from before, say nothing of him. */
static void the_board_forgets_nobody(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_board b;
        struct error err = {0};
        char at[INSTANT_TEXT], then[INSTANT_TEXT];
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *wang = test_id(&x.t, x.wang), *kase = test_id(&x.t, x.kase);
        test_record(&x.t, "stay", "person", wang, "kind", "central", "started_at", "2022-05-20T10:00", "ended_at", "2022-05-28T10:00");
        test_record(&x.t, "test", "person", wang, "sampled_at", "2022-05-28T08:00", "result", "negative", "result_at", "2022-05-28T20:00");
        int64_t contact = test_record(&x.t, "contact", "person", wang, "index_case", kase, "class", "close", "last_contact", "2022-05-27", "found_at", "2022-05-29T17:00");
        later(&x, &s, 4 * 3600, at);
        test_record(&x.t, "stay", "contact", test_id(&x.t, contact), "kind", "central", "started_at", at);
        later(&x, &s, 3600, at);
        later(&x, &s, 3600, then);
        test_record(&x.t, "test", "person", wang, "sampled_at", at, "result", "negative", "result_at", then);
        assert_ok(tracing_board_of(x.t.l, &s, TEXT(""), 7, &b, &err), err);
        assert_true(b.placed == 1 && b.placing.p50 == 240 && b.tested == 1 && b.before_result == 1);
        int64_t other = test_record(&x.t, "person", "name", "赵一"), third = test_record(&x.t, "person", "name", "陈刚");
        test_record(&x.t, "contact", "person", test_id(&x.t, other), "index_case", kase, "class", "close", "last_contact", "2022-05-27", "found_at", at);
        test_record(&x.t, "contact", "person", test_id(&x.t, third), "index_case", kase, "class", "close", "last_contact", "2022-05-27");
        test_record(&x.t, "assistance", "direction", "outbound", "other_region", "330100", "letter_no", "沪协〔2022〕7号", "sent_at", "2022-05-28T10:00", "asked", "10");
        for (int round = 0; round < 2; round++) {
            assert_ok(tracing_board_of(x.t.l, &s, TEXT(""), 7, &b, &err), err);
            assert_true(b.contacts == (round ? 0 : 3) && b.queue == 2 && b.queue_overdue == (round ? 2 : 0) && b.waiting.n == 2);
            assert_true(b.outbound.open == 1 && b.outbound.overdue == 1 && b.outbound.letters == (round ? 0 : 1));
            later(&x, &s, 20 * DAY_S, at);
        }
        scene_drop(&x);
    }
}

/* A place's figures: an hour there counts once, however often it is recorded and under whatever name of the person; a case that has no day of report yet counts; one that the asker
 * may read and not trace does not. */
static void an_hour_counts_once(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_places places;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *market = test_id(&x.t, x.market);
        int64_t again = test_record(&x.t, "person", "name", "李娜", "visits_name", "li-1");
        stay(&x, "li-1", market, "2022-05-27T10:30", "2022-05-27T11:30");
        stay(&x, test_id(&x.t, x.li), market, "2022-05-27T10:10", "2022-05-27T10:40");
        merge(&x, x.li, again);
        test_record(&x.t, "case", "person", test_id(&x.t, x.wang), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "detected_at", "2022-05-29T09:00");
        for (int round = 0; round < 2; round++) {
            assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
            assert_true(places.cases == 2 && places.n == 1 && places.places[0].cases == 2);
            assert_true(places.places[0].case_hours > 2.66 && places.places[0].case_hours < 2.67); /* 1.5 of hers, 1 h 10 of his */
            tracing_places_clear(&places);
            struct draft *away = test_draft(&x.t, "person", DRAFT_CREATE, "name", "刘洋", (char *)NULL);
            away->region = TEXT("310199");
            assert_ok(test_write(&x.t, away, &err), err);
            struct draft *other = test_draft(&x.t, "case", DRAFT_CREATE, "person", test_id(&x.t, away->ret_id), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date",
                                             "2022-05-29", (char *)NULL);
            other->region = TEXT("310199");
            assert_ok(test_write(&x.t, other, &err), err);
            stay(&x, test_id(&x.t, away->ret_id), market, "2022-05-27T10:00", "2022-05-27T11:00");
            static const struct grant both[] = {{WORD("tracer"), WORD("310115")}, {WORD("reporter"), WORD("310199")}};
            s.grants = both;
            s.n_grants = 2;
        }
        scene_drop(&x);
    }
}

/* Whom a place-code's platform knows at a place is met by who told of that place; the name of a code is that of the card which had it first, and another card's number is that card's. */
static void a_place_has_a_code(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_timeline line;
        struct error err = {0};
        char name[VISITS_NAME_MAX + 1];
        size_t waiting = 7;
        int64_t which = 0;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t cafe = test_record(&x.t, "place", "title", "枫林茶餐厅", "kind", "restaurant", "visits_name", "QR-H17"), zhao = test_record(&x.t, "person", "name", "赵一");
        int64_t other = test_record(&x.t, "place", "title", "枫林饭店", "visits_name", "QR-H17"), sly = test_record(&x.t, "place", "title", "小店", "visits_name", test_id(&x.t, x.market));
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, zhao), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date", "2022-05-29");
        const char *word = test_id(&x.t, kase);
        stay(&x, "guest-1", "QR-H17", "2022-05-27T12:00", "2022-05-27T13:00");
        test_record(&x.t, "track", "person", test_id(&x.t, zhao), "place", test_id(&x.t, cafe), "day", "2022-05-27", "starts", "2022-05-27T12:10", "ends", "2022-05-27T12:50", "source", "interview");
        test_record(&x.t, "track", "person", test_id(&x.t, zhao), "place", test_id(&x.t, other), "day", "2022-05-27", "starts", "2022-05-27T12:50", "ends", "2022-05-27T13:50", "source", "interview");
        struct tracing_question q = question(&x, 0);
        q.cases = x.cases;
        x.cases[0] = word;
        assert_ok(tracing_routes_feed(x.t.l, &s, x.v, &q, &waiting, &err), err);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.found.n_contacts == 1 && a.found.contacts[0].overlap_s == 40 * 60);
        tracing_answer_clear(&a);
        assert_ok(tracing_place_called(x.t.l, cafe, name, &err), err);
        assert_string_equal(name, "QR-H17");
        for (int k = 0; k < 2; k++) {
            assert_ok(tracing_place_called(x.t.l, k ? sly : other, name, &err), err);
            assert_string_equal(name, test_id(&x.t, k ? sly : other));
        }
        assert_ok(tracing_place_named(x.t.l, text_of(test_id(&x.t, x.market)), &which, &err), err);
        assert_int_equal(which, x.market);
        assert_ok(tracing_timeline_of(x.t.l, &s, x.v, kase, 0, &line, &err), err);
        for (size_t i = 0; i < line.n; i++) assert_true(line.stops[i].place == (line.stops[i].starts == test_at("2022-05-27T12:10") ? cafe : other) && line.stops[i].title.n && !line.stops[i].name.n);
        assert_int_equal(line.n, 4); /* two that were told, and what the visits have of them */
        tracing_timeline_clear(&line);
        accepted(&x, &s, 0, NULL, 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact c WHERE place = (SELECT MIN(id) FROM place WHERE visits_name = 'QR-H17') AND source IS NOT NULL"), 1);
        scene_drop(&x);
    }
}

/* What a case told of its way is searched at the first look, not only when contacts are taken: nobody scanned anything there. Told once it is written once; who may only read the
 * visits is told that something waits. */
static void a_route_that_was_told_is_looked_at(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct visits_status before, after;
        struct error err = {0};
        size_t waiting = 7;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调"), silent = as(&x.t, &tracer_grant, "");
        int64_t cafe = test_record(&x.t, "place", "title", "枫林茶餐厅", "kind", "restaurant"), zhao = test_record(&x.t, "person", "name", "赵一");
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, zhao), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date", "2022-05-29");
        stay(&x, "guest-1", test_id(&x.t, cafe), "2022-05-27T12:00", "2022-05-27T13:00");
        stay(&x, "guest-2", test_id(&x.t, cafe), "2022-05-28T00:10", "2022-05-28T01:00");
        test_record(&x.t, "track", "person", test_id(&x.t, zhao), "place", test_id(&x.t, cafe), "day", "2022-05-27", "starts", "2022-05-27T12:10", "ends", "2022-05-27T12:50", "source", "interview");
        test_record(&x.t, "track", "person", test_id(&x.t, zhao), "place", test_id(&x.t, cafe), "day", "2022-05-27", "starts", "2022-05-27T22:00", "ends", "2022-05-28T00:40", "source", "interview");
        const char *word = test_id(&x.t, kase);
        struct tracing_question q = question(&x, 0);
        q.cases = &word;
        assert_int_equal(tracing_routes_feed(x.t.l, &silent, x.v, &q, &waiting, &err), E_DENIED);
        err = (struct error){0};
        if (store == 0) { /* a folder that another holds */
            struct visits *reading = NULL;
            assert_ok(tracing_open(x.t.l, &x.t.s, false, true, &reading, &err), err);
            assert_ok(tracing_routes_feed(x.t.l, &s, reading, &q, &waiting, &err), err);
            assert_int_equal(waiting, 2);
            visits_close(reading);
        }
        for (int round = 0; round < 3; round++) {
            assert_ok(tracing_routes_feed(x.t.l, &s, x.v, &q, &waiting, &err), err);
            assert_int_equal(waiting, 0);
            assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
            assert_true(a.n_unknown == 0 && a.found.n_contacts == 2 && a.found.contacts[0].overlap_s + a.found.contacts[1].overlap_s == 70 * 60);
            tracing_answer_clear(&a);
            assert_ok(visits_status(x.v, false, round ? &after : &before, &err), err);
            if (round) assert_true(after.rows == before.rows && after.buffered == before.buffered), visits_status_clear(&after);
        }
        visits_status_clear(&before);
        scene_drop(&x);
    }
}

/* A meeting counts in the chains for what was found of it, also when the finding is doubted or taken back: it never counts for more then. A case of which only the moment of its report is known has a day. */
static void a_doubt_makes_no_meeting_closer(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct chains *c = NULL;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        accepted(&x, &s, 0, NULL, 0);
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, x.wang), "disease", "covid-19", "classification", "confirmed", "reported_at", "2022-05-29T10:00");
        double before = 0;
        for (int round = 0; round < 3; round++) {
            assert_ok(chains_build(x.t.l, TEXT("covid-19"), x.t.s.now, &c, &err), err);
            const struct chain_node *n = &c->result.nodes[chains_find(c, kase)];
            assert_int_equal(n->n_candidates, 1);
            double exposure = c->result.candidates[n->candidates].exposure;
            if (round) assert_true(exposure == before);
            before = exposure;
            assert_true(exposure > 0.005 && exposure < 0.02 && c->result.trees[n->tree].open);
            chains_free(c);
            if (round == 2) break;
            struct draft *d = test_draft(&x.t, "finding", DRAFT_CHANGE, "removal_reason", "说错了日期", (char *)NULL);
            d->id = count(&x, "SELECT id FROM finding WHERE person = %lld", x.wang);
            d->state = round ? TEXT("removed") : TEXT("to-remove");
            assert_ok(test_write(&x.t, d, &err), err);
        }
        scene_drop(&x);
    }
}

/* A name of the visits that cannot be read is told with every answer, as a damaged day is: that somebody was not found says nothing then. */
static void damaged_names_are_told(void **state) {
    struct scene x;
    struct tracing_answer a;
    struct error err = {0};
    uint64_t rows;
    scene_make(&x, 0);
    day d = day_of_instant(test_at("2022-05-24T08:00"), ZONE_CHINA_S);
    assert_ok(visits_forget(x.v, d, d + 1, &rows, &err), err); /* names go from the log to their file */
    visits_close(x.v);
    x.v = NULL;
    DIR *dir = opendir(arena_printf(&x.t.a, "%s/visits", x.t.l->dir));
    assert_non_null(dir);
    const char *path = NULL;
    for (struct dirent *e; (e = readdir(dir));)
        if (!strncmp(e->d_name, "names-", 6)) path = arena_printf(&x.t.a, "%s/visits/%s", x.t.l->dir, e->d_name);
    closedir(dir);
    assert_non_null(path);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -20, SEEK_END), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, -20, SEEK_END), 0);
    fputc(c ^ 1, f);
    fclose(f);
    assert_ok(tracing_open(x.t.l, &x.t.s, false, false, &x.v, &err), err);
    struct session s = as(&x.t, &tracer_grant, "流调");
    struct tracing_question q = question(&x, 0);
    assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
    assert_true(a.damaged > 0);
    tracing_answer_clear(&a);
    scene_drop(&x);
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_looked_for_stands), cmocka_unit_test(backwards_until_it_fell_ill), cmocka_unit_test(nobody_meets_at_a_place_not_known), cmocka_unit_test(whom_a_name_stands_for),
        cmocka_unit_test(two_devices_are_no_crowd), cmocka_unit_test(two_names_add_up), cmocka_unit_test(a_case_without_onset_has_a_day), cmocka_unit_test(a_contact_meets_on_when_the_case_is_isolated), cmocka_unit_test(nobody_infects_himself), cmocka_unit_test(a_padded_number_is_another_name), cmocka_unit_test(two_names_are_one_case), cmocka_unit_test(a_night_is_one_stay), cmocka_unit_test(a_notice_names_what_is_known), cmocka_unit_test(two_names_found_one), cmocka_unit_test(the_board_forgets_nobody), cmocka_unit_test(an_hour_counts_once), cmocka_unit_test(damaged_names_are_told), cmocka_unit_test(a_doubt_makes_no_meeting_closer), cmocka_unit_test(a_route_that_was_told_is_looked_at), cmocka_unit_test(a_place_has_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The tracing desk above the visits: what is found becomes records once, with its evidence; who may look, and that each look is on record; routes of three departments on
 * one timeline; figures, places, notices, chains. Refused first; on each store of the ledger. */
#include "tracings.h"

#include "base/digest.h"
#include "desks/person.h"
#include "desks/tracing/board.h"
#include "desks/tracing/chains.h"
#include "desks/tracing/timeline.h"
#include "desks/tracing/visitors.h"

static const struct grant police_grant = {WORD("police"), WORD("310115")}, industry_grant = {WORD("industry"), WORD("310115")};

static int opens_count(const struct journal_entry *e, void *arg) {
    *(int *)arg += e->verb == JOURNAL_OPEN && text_is(e->reg, "visits");
    return 0;
}

static int opens(struct scene *x) {
    struct error err = {0};
    int n = 0;
    assert_ok(journal_scan(x->t.l->db, 1, INT64_MAX, opens_count, &n, &err), err);
    return n;
}

static void who_may_not_look(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_accepted done;
        struct tracing_timeline line;
        struct tracing_places places;
        struct tracing_accept all = {0};
        struct error err = {0};
        scene_make(&x, store);
        struct tracing_question q = question(&x, 0);
        struct session police = as(&x.t, &police_grant, "联合流调"), silent = as(&x.t, &tracer_grant, "");
        const struct grant elsewhere = {WORD("tracer"), WORD("310116")};
        struct session other = as(&x.t, &elsewhere, "流调");
        assert_true(tracing_ask(x.t.l, &police, x.v, &q, &a, &err) == E_DENIED || err.code == E_UNKNOWN);
        assert_true(tracing_accept(x.t.l, &police, x.v, &q, &all, &done, &err) < 0);
        err = (struct error){0};
        assert_int_equal(tracing_ask(x.t.l, &silent, x.v, &q, &a, &err), E_DENIED); /* without a purpose */
        assert_string_equal(err.where, "purpose");
        assert_int_equal(tracing_timeline_of(x.t.l, &silent, x.v, x.kase, 0, &line, &err), E_DENIED);
        assert_int_equal(tracing_places_of(x.t.l, &silent, x.v, TEXT(""), 14, &places, &err), E_DENIED);
        assert_int_equal(tracing_ask(x.t.l, &other, x.v, &q, &a, &err), E_UNKNOWN); /* a case of another region is not there */
        const char *who[] = {"scan-7"};
        struct tracing_question persons = {.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
        assert_int_equal(tracing_ask(x.t.l, &other, x.v, &persons, &a, &err), E_DENIED);
        assert_int_equal(tracing_accept(x.t.l, &x.t.s, x.v, &persons, &all, &done, &err), E_USAGE); /* one case */
        assert_int_equal(opens(&x), 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact"), 0);
        scene_drop(&x);
    }
}

static void what_is_found_becomes_records_once(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *one[] = {test_id(&x.t, x.wang)};
        struct tracing_accepted d = accepted(&x, &s, 0, one, 1); /* one of two */
        assert_true(d.found == 2 && d.taken == 1 && d.contacts_made == 1 && d.findings_made == 1 && d.persons_made == 0 && d.to_remove == 0 && d.investigation > 0);
        d = accepted(&x, &s, 0, NULL, 0);
        assert_true(d.taken == 2 && d.contacts_made == 1 && d.contacts_known == 1 && d.persons_made == 1 && d.findings_made == 1);
        d = accepted(&x, &s, 0, NULL, 0); /* again: nothing new */
        assert_true(d.contacts_made == 0 && d.contacts_known == 2 && d.persons_made == 0 && d.findings_made == 0 && d.to_remove == 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact"), 2);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding"), 2);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM investigation"), 1);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM person"), 3);
        /* the plan owes their control and their place */
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM obligation_open WHERE rule = 'place-contact'"), 2);
        d = accepted(&x, &s, 6, NULL, 0); /* further back: the bus comes in */
        assert_true(d.taken == 3 && d.contacts_made == 1 && d.to_remove == 0);
        d = accepted(&x, &s, 0, NULL, 0); /* and goes out again: proposed, with the reason; no contact is touched */
        assert_true(d.to_remove == 1 && d.contacts_made == 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE state = 'to-remove' AND removal_reason IS NOT NULL"), 1);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact WHERE state = 'found'"), 3);
        d = accepted(&x, &s, 0, NULL, 0);
        assert_int_equal(d.to_remove, 0); /* proposed once */
        d = accepted(&x, &s, 6, NULL, 0);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE state = 'current'"), 3);
        assert_int_equal(opens(&x), 7);
        /* a later meeting moves the last contact of the record that is there */
        stay(&x, test_id(&x.t, x.li), "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, test_id(&x.t, x.wang), "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        d = accepted(&x, &s, 0, NULL, 0);
        assert_true(d.contacts_moved == 1 && d.contacts_made == 0);
        assert_int_equal(test_count(&x.t, "SELECT last_contact - first_contact FROM contact ORDER BY id LIMIT 1"), 1);
        assert_int_equal(test_count(&x.t, "SELECT pieces FROM finding ORDER BY id LIMIT 1"), 2);
        scene_drop(&x);
    }
}

static size_t of_origin(const struct tracing_timeline *t, const char *origin) {
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) n += !strcmp(t->stops[i].origin, origin);
    return n;
}

static void each_department_sees_its_own(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_timeline line;
        struct error err = {0};
        scene_make(&x, store);
        struct session health = as(&x.t, &tracer_grant, "流调"), police = as(&x.t, &police_grant, "联合流调"), industry = as(&x.t, &industry_grant, "联合流调");
        const char *room = test_id(&x.t, test_record(&x.t, "investigation", "case", x.word, "opened_at", "2022-05-29T11:00"));
        test_record(&x.t, "track", "case", x.word, "place", test_id(&x.t, x.market), "day", "2022-05-26", "starts", "2022-05-26T15:00", "ends", "2022-05-26T16:00");
        test_record(&x.t, "track", "case", x.word, "place_text", "老街理发店", "day", "2022-05-26", "precision", "day");
        /* the police may write theirs and not the other's */
        struct draft *d = test_draft(&x.t, "police_feed", DRAFT_CREATE, "investigation", room, "place_text", "高速路口", "day", "2022-05-27", "starts", "2022-05-27T07:00", NULL);
        assert_ok(record_write(x.t.l, &police, &d, 1, &err), err);
        d = test_draft(&x.t, "industry_feed", DRAFT_CREATE, "investigation", room, "place_text", "基站", "day", "2022-05-27", NULL);
        assert_int_equal(record_write(x.t.l, &police, &d, 1, &err), E_DENIED);
        d = test_draft(&x.t, "track", DRAFT_CREATE, "case", x.word, "place_text", "别处", "day", "2022-05-27", NULL);
        assert_true(record_write(x.t.l, &police, &d, 1, &err) < 0);
        d = test_draft(&x.t, "industry_feed", DRAFT_CREATE, "investigation", room, "place_text", "基站", "day", "2022-05-27", NULL);
        err = (struct error){0};
        assert_ok(record_write(x.t.l, &industry, &d, 1, &err), err);
        assert_ok(tracing_timeline_of(x.t.l, &health, x.v, x.kase, 0, &line, &err), err);
        assert_true(of_origin(&line, "track") == 2 && of_origin(&line, "police_feed") == 1 && of_origin(&line, "industry_feed") == 1 && of_origin(&line, "visits") == 2);
        for (size_t i = 1; i < line.n; i++) assert_true(line.stops[i].day >= line.stops[i - 1].day);
        tracing_timeline_clear(&line);
        assert_ok(tracing_timeline_of(x.t.l, &police, x.v, x.kase, 0, &line, &err), err);
        assert_true(line.n == 1 && of_origin(&line, "police_feed") == 1);
        tracing_timeline_clear(&line);
        assert_ok(tracing_timeline_of(x.t.l, &industry, x.v, x.kase, 0, &line, &err), err);
        assert_true(line.n == 1 && of_origin(&line, "industry_feed") == 1);
        tracing_timeline_clear(&line);
        /* what was told goes into the visits, once; hours that are not known do not */
        size_t fed = 0;
        assert_ok(tracing_route_feed(x.t.l, &health, x.v, x.li, &fed, &err), err);
        assert_int_equal(fed, 1);
        assert_ok(tracing_route_feed(x.t.l, &health, x.v, x.li, &fed, &err), err);
        assert_ok(tracing_timeline_of(x.t.l, &health, x.v, x.kase, 0, &line, &err), err);
        assert_int_equal(of_origin(&line, "visits"), 3);
        tracing_timeline_clear(&line);
        scene_drop(&x);
    }
}

static void figures_places_and_a_notice(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_board b;
        struct tracing_places places;
        struct error err = {0};
        struct buf text = {0};
        size_t n = 0;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        accepted(&x, &s, 0, NULL, 0);
        assert_ok(tracing_board_of(x.t.l, &s, TEXT(""), 7, &b, &err), err);
        assert_true(b.contacts == 2 && b.queue == 2 && b.placed == 0 && b.placing.n == 0 && b.placing.p50 == -1 && b.waiting.p50 == 0);
        assert_true(b.steps[STEP_DETECTED_LOCATED].n == 1 && b.steps[STEP_DETECTED_LOCATED].p50 == 30 && b.steps[STEP_DETECTED_LOCATED].within == 1);
        x.t.s.now += 2 * 3600; /* one is placed two hours later; his result comes afterwards */
        char at[INSTANT_TEXT], later[INSTANT_TEXT];
        instant_format(x.t.s.now, ZONE_CHINA_S, at);
        instant_format(x.t.s.now + 3600, ZONE_CHINA_S, later);
        struct error none = {0};
        struct value contact = value_null();
        assert_ok(db_scalar(x.t.l->db, &x.t.a, "SELECT MIN(id) FROM contact", NULL, 0, &contact, &none), none);
        test_record(&x.t, "stay", "contact", test_id(&x.t, contact.i), "kind", "central", "started_at", at);
        x.t.s.now += 2 * 3600;
        test_record(&x.t, "test", "contact", test_id(&x.t, contact.i), "sampled_at", at, "result", "negative", "result_at", later);
        s.now = x.t.s.now;
        assert_ok(tracing_board_of(x.t.l, &s, TEXT("310115"), 7, &b, &err), err);
        assert_true(b.queue == 1 && b.placed == 1 && b.placing.n == 1 && b.placing.p50 == 120 && b.placing.p90 == 120 && b.placing.within == 1 && b.waiting.p90 == 240);
        assert_true(b.tested == 1 && b.before_result == 1);
        instant_format(x.t.s.now, ZONE_CHINA_S, at); /* the other after four hours: the quicker half, and nine of ten */
        assert_ok(db_scalar(x.t.l->db, &x.t.a, "SELECT MAX(id) FROM contact", NULL, 0, &contact, &none), none);
        test_record(&x.t, "stay", "contact", test_id(&x.t, contact.i), "kind", "central", "started_at", at);
        assert_ok(tracing_board_of(x.t.l, &s, TEXT("310115"), 7, &b, &err), err);
        assert_true(b.queue == 0 && b.placed == 2 && b.placing.n == 2 && b.placing.p50 == 120 && b.placing.p90 == 240 && b.placing.within == 2); /* of the eight hours of this plan */
        test_record(&x.t, "assistance", "direction", "inbound", "other_region", "330100", "letter_no", "杭协〔2022〕7号", "sent_at", "2022-05-28T10:00", "asked", "10", "done", "4");
        assert_ok(tracing_board_of(x.t.l, &s, TEXT(""), 7, &b, &err), err);
        assert_true(b.inbound.letters == 1 && b.inbound.open == 1 && b.inbound.overdue == 1 && b.inbound.asked == 10 && b.inbound.done == 4 && b.outbound.letters == 0);
        assert_ok(tracing_board_of(x.t.l, &s, TEXT("33"), 7, &b, &err), err);
        assert_int_equal(b.contacts, 0);
        assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
        assert_true(places.cases == 1 && places.n >= 1 && text_is(places.places[0].title, "枫林市场") && places.places[0].contacts == 2 && places.places[0].cases == 1);
        assert_true(places.places[0].contact_hours > 0.9 && places.places[0].contact_hours < 1.1 && places.places[0].case_hours == 1);
        assert_true(tracing_notice(&places, ZONE_CHINA_S, true, &text, &n) == 0 && n == 0); /* too few visitors: it would point at them */
        places.places[0].visits_a_day = 500;
        assert_true(tracing_notice(&places, ZONE_CHINA_S, true, &text, &n) == 0 && n == 1);
        assert_non_null(strstr(buf_cstr(&text), "枫林市场:2022-05-27 10:00 至 2022-05-27 11:00"));
        assert_null(strstr(buf_cstr(&text), "李娜"));
        buf_clear(&text);
        tracing_places_clear(&places);
        scene_drop(&x);
    }
}

static void requests_are_owed_and_chains_are_chosen(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct chains *c = NULL;
        int64_t third;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *letter = test_id(&x.t, test_record(&x.t, "assistance", "direction", "inbound", "other_region", "330100", "letter_no", "1", "sent_at", "2022-05-29T10:00"));
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM obligation_open WHERE rule = 'assistance-reply'"), 1);
        struct draft *d = test_draft(&x.t, "assistance", DRAFT_CHANGE, NULL);
        text_int(text_of(letter), &d->id);
        d->state = TEXT("replied");
        assert_int_equal(test_write(&x.t, d, &err), E_INVALID); /* no reply without its words */
        d = test_draft(&x.t, "assistance", DRAFT_CHANGE, "reply", "查无此人", "replied_at", "2022-05-29T16:00", NULL);
        text_int(text_of(letter), &d->id);
        d->state = TEXT("replied");
        err = (struct error){0};
        assert_ok(test_write(&x.t, d, &err), err);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM obligation_open WHERE rule = 'assistance-reply'"), 0);
        accepted(&x, &s, 0, NULL, 0);
        int64_t second = test_record(&x.t, "case", "person", test_id(&x.t, x.wang), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-29", "report_date", "2022-05-29", "controlled", "yes");
        assert_ok(chains_build(x.t.l, TEXT("covid-19"), x.t.s.now, &c, &err), err);
        uint32_t a = chains_find(c, x.kase), b = chains_find(c, second);
        assert_true(c->input.n == 2 && a != CHAIN_NONE && b != CHAIN_NONE && c->input.n_meetings == 1 && c->result.nodes[b].n_candidates == 1 && chains_find(c, 1) == CHAIN_NONE);
        assert_int_equal(c->result.candidates[c->result.nodes[b].candidates].infector, a);
        assert_true(c->options.si_mean_days == 3.5 && c->options.cut_days == 7 && c->result.trees[0].open);
        assert_true(chains_seen(x.t.l, &s, c, a));
        const struct grant far = {WORD("tracer"), WORD("33")};
        struct session stranger = as(&x.t, &far, "x");
        assert_false(chains_seen(x.t.l, &stranger, c, a));
        int64_t stamp = 0;
        assert_ok(chains_stamp(x.t.l, &stamp, &err), err);
        assert_int_equal(stamp, c->as_of_seq);
        chains_free(c);
        /* the analyst: it was brought in. It stands beside what the machine said */
        test_record(&x.t, "source_choice", "infectee", test_id(&x.t, second), "kind", "imported", "reason", "自外省返回", "chosen_at", "2022-05-29T17:00", "machine_infector", x.word,
                    "machine_chance", "0.8");
        assert_ok(chains_build(x.t.l, TEXT("covid-19"), x.t.s.now, &c, &err), err);
        b = chains_find(c, second);
        assert_true(c->result.nodes[b].parent == CHAIN_NONE && c->result.nodes[b].by == CHAIN_BY_ANALYST && c->result.nodes[b].n_candidates == 1 && c->result.n_trees == 2);
        chains_free(c);
        /* genomes: eleven nucleotides apart it was hardly him; one apart speaks for somebody nobody saw there; what is no list says nothing */
        test_record(&x.t, "genome", "case", x.word, "accession", "a", "length", "29903", "differences", "C241T A23403G 100A 200A 300A 400A 500A 600A 700A 800A 900A");
        test_record(&x.t, "genome", "case", test_id(&x.t, second), "accession", "b", "length", "29903", "differences", "");
        third = test_record(&x.t, "case", "person", test_id(&x.t, test_record(&x.t, "person", "name", "钱二")), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-27", "report_date", "2022-05-29");
        test_record(&x.t, "genome", "case", test_id(&x.t, third), "accession", "c", "length", "29903", "differences", "C3037T");
        test_record(&x.t, "genome", "case", test_id(&x.t, third), "accession", "d", "differences", "何处");
        assert_ok(chains_build(x.t.l, TEXT("covid-19"), x.t.s.now, &c, &err), err);
        b = chains_find(c, second);
        assert_true(c->genomes == 3 && c->genomes_unread == 1 && c->input.n_genomes == 2 && c->result.nodes[b].n_candidates >= 1);
        const struct chain_candidate *best = &c->result.candidates[c->result.nodes[b].candidates];
        assert_true(best->infector == chains_find(c, third) && best->differences == 1 && best->exposure < 0.02);
        chains_free(c);
        assert_ok(chains_stamp(x.t.l, &stamp, &err), err);
        scene_drop(&x);
    }
}

static const struct contact *contact_of(const struct tracing_answer *a, const char *person) {
    for (size_t i = 0; i < a->found.n_contacts; i++)
        if (text_is(tracing_person(a, a->found.contacts[i].person), person)) return &a->found.contacts[i];
    return NULL;
}

static int64_t person(struct scene *x, const char *name) {
    return test_record(&x->t, "person", "name", name, "sex", "male");
}

static void member(struct scene *x, int64_t who, const char *kind, const char *unit, const char *section, const char *row) {
    if (section) test_record(&x->t, "membership", "person", test_id(&x->t, who), "kind", kind, "unit", unit, "section", section, "seat_row", row, "since", "2022-01-01");
    else test_record(&x->t, "membership", "person", test_id(&x->t, who), "kind", kind, "unit", unit, "since", "2022-01-01");
}

/* Household, room, class and office are evidence beside the visits, also of people and cases that are in no visit at all. */
static void registers_link_people(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        int64_t zhao = person(&x, "赵一"), sun = person(&x, "孙三"), near = person(&x, "周五"), far = person(&x, "吴六"), office = person(&x, "郑七"), gone = person(&x, "冯八"), room = person(&x, "陈九");
        member(&x, x.li, "household", "H-1", NULL, NULL);
        member(&x, x.wang, "household", "H-1", NULL, NULL);
        member(&x, zhao, "household", "H-1", NULL, NULL);
        member(&x, sun, "household", "H-2", NULL, NULL);
        member(&x, x.li, "workplace", "枫林厂", "二车间", "4");
        member(&x, near, "workplace", "枫林厂", "二车间", "6");
        member(&x, far, "workplace", "枫林厂", "二车间", "14");
        member(&x, office, "workplace", "枫林厂", "行政楼", "4");
        test_record(&x.t, "membership", "person", test_id(&x.t, gone), "kind", "household", "unit", "H-1", "until", "2022-05-01");
        const char *site = test_id(&x.t, test_record(&x.t, "place", "title", "隔离点", "kind", "isolation-site"));
        test_record(&x.t, "stay", "person", test_id(&x.t, x.li), "kind", "central", "place", site, "room", "301", "started_at", "2022-05-28T12:00");
        test_record(&x.t, "stay", "person", test_id(&x.t, room), "kind", "central", "place", site, "room", "301", "started_at", "2022-05-27T12:00", "ended_at", "2022-05-29T12:00");
        test_record(&x.t, "stay", "person", test_id(&x.t, sun), "kind", "central", "place", site, "room", "302", "started_at", "2022-05-27T12:00");
        struct tracing_question q = question(&x, 0);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        const struct contact *w = contact_of(&a, test_id(&x.t, x.wang)), *z = contact_of(&a, test_id(&x.t, zhao)), *n = contact_of(&a, test_id(&x.t, near)), *f = contact_of(&a, test_id(&x.t, far)),
                             *r = contact_of(&a, test_id(&x.t, room));
        assert_true(w && w->n_evidence == 2 && w->overlap_s == 40 * 60 && z && z->kind == CONTACT_CLOSE && z->overlap_s == 0 && z->score == w->score && z->score > 0.15);
        assert_true(n && n->kind == CONTACT_CLOSE && a.found.evidence[n->evidence - 1].rows_apart == 2 && f && f->kind == CONTACT_GENERAL && n->score < z->score);
        assert_true(r && r->kind == CONTACT_CLOSE && r->last - r->first == DAY_S && a.found.evidence[r->evidence - 1].kind == CONTACT_ROOM);
        assert_true(!contact_of(&a, test_id(&x.t, sun)) && !contact_of(&a, test_id(&x.t, office)) && !contact_of(&a, test_id(&x.t, gone)));
        assert_int_equal(a.found.n_contacts, 6);
        tracing_answer_clear(&a);
        /* not as far as the asker may read: the memberships of another region are not there for him */
        const struct grant narrow = {WORD("tracer"), WORD("310115")};
        struct session local = as(&x.t, &narrow, "流调");
        struct draft *d = test_draft(&x.t, "membership", DRAFT_CREATE, "person", test_id(&x.t, sun), "kind", "household", "unit", "H-1", NULL);
        d->region = TEXT("310116");
        assert_ok(test_write(&x.t, d, &err), err);
        assert_ok(tracing_ask(x.t.l, &local, x.v, &q, &a, &err), err);
        assert_null(contact_of(&a, test_id(&x.t, sun)));
        tracing_answer_clear(&a);
        /* in the second degree through those whom the registers gave: zhao has an office mate, and so has a case whom no door ever saw */
        member(&x, zhao, "class", "三年级二班", NULL, NULL);
        member(&x, sun, "class", "三年级二班", NULL, NULL);
        q.degree = 2;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        z = contact_of(&a, test_id(&x.t, sun));
        assert_true(z && z->degree == 2 && z->kind == CONTACT_SECONDARY && text_is(tracing_person(&a, a.found.evidence[z->evidence - 1].through), test_id(&x.t, zhao)));
        tracing_answer_clear(&a);
        q.degree = 1;
        char word[24];
        snprintf(word, sizeof word, "%lld", (long long)test_record(&x.t, "case", "person", test_id(&x.t, zhao), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28",
                                                                    "report_date", "2022-05-29"));
        x.cases[0] = word;
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.n_unknown == 1 && a.found.n_contacts == 3 && contact_of(&a, test_id(&x.t, x.li)) && contact_of(&a, test_id(&x.t, sun)));
        tracing_answer_clear(&a);
        /* on record: how they are related, and where from */
        x.cases[0] = x.word;
        struct tracing_accepted done = accepted(&x, &s, 0, NULL, 0);
        assert_true(done.taken == 5 && done.contacts_made == 5 && done.persons_made == 1);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact WHERE relation = 'household' AND mode = 'living'"), 2);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE evidence LIKE '%same room%'"), 1);
        scene_drop(&x);
    }
}

/* The same address, phone or work unit on two cards: of the class and for the time the policy says, never by what everybody's card has, never past the asker's right. */
static void cards_link_people(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        struct tracing_question q = question(&x, 0);
        struct draft *d = test_draft(&x.t, "person", DRAFT_CHANGE, "phone", "13800001111", "address", "世纪大道100号4栋501室", "address_region", "310115", "work_unit", "枫林食品厂", NULL);
        d->id = x.li;
        assert_ok(test_write(&x.t, d, &err), err);
        test_record(&x.t, "person", "name", "远一", "address", "世纪大道 100 号 4 栋 501", "address_region", "440300"); /* the same words in another town */
        test_record(&x.t, "person", "name", "近二", "address", "世纪大道", "work_unit", "退休");
        test_record(&x.t, "person", "name", "近三", "address", "世纪大道100号4栋502室", "phone", "13800001112", "work_unit", "枫林食品二厂");
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_true(a.found.n_contacts == 2 && a.n_links == 0);
        tracing_answer_clear(&a);
        int64_t zhao = test_record(&x.t, "person", "name", "赵一", "address", "世纪大道１００号，４栋５０１", "address_region", "310115001"),
                sun = test_record(&x.t, "person", "name", "孙三", "phone", "+86 138-0000-1111", "age", "6"),
                zhou = test_record(&x.t, "person", "name", "周五", "work_unit", "枫林食品厂");
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        const struct contact *z = contact_of(&a, test_id(&x.t, zhao)), *k = contact_of(&a, test_id(&x.t, sun)), *w = contact_of(&a, test_id(&x.t, zhou));
        assert_true(a.found.n_contacts == 5 && a.n_links == 3);
        assert_true(z && z->kind == CONTACT_CLOSE && z->score > 0.15 && a.found.evidence[z->evidence - 1].kind == CONTACT_ADDRESS);
        assert_true(k && k->kind == CONTACT_GENERAL && a.found.evidence[k->evidence - 1].kind == CONTACT_PHONE && w && w->kind == CONTACT_GENERAL && a.found.evidence[w->evidence - 1].kind == CONTACT_WORK);
        assert_true(k->score > 0 && k->score == w->score && k->score < z->score);
        double alone = z->score;
        tracing_answer_clear(&a);
        /* one household by the register too: the same hours, counted once; classes, times and numbers are the policy's */
        member(&x, x.li, "household", "H-1", NULL, NULL);
        member(&x, zhao, "household", "H-1", NULL, NULL);
        struct tracing_plan p = {0};
        assert_ok(tracing_plan(x.t.l, &s, x.v, &q, &p, &err), err);
        assert_ok(tracing_find(x.t.l, &s, x.v, &p, &a, &err), err);
        z = contact_of(&a, test_id(&x.t, zhao));
        assert_true(z && z->score == alone && z->n_evidence == 2);
        tracing_answer_clear(&a);
        p.ties.close[CONTACT_PHONE] = true;
        p.options.daily_s[CONTACT_ADDRESS] = 0;
        p.ties.unit_members = 1;
        assert_ok(tracing_find(x.t.l, &s, x.v, &p, &a, &err), err);
        z = contact_of(&a, test_id(&x.t, zhao)), k = contact_of(&a, test_id(&x.t, sun));
        assert_true(z && z->n_evidence == 1 && k && k->kind == CONTACT_CLOSE && !contact_of(&a, test_id(&x.t, zhou)) && a.n_large == 1);
        tracing_answer_clear(&a);
        p.ties.shared_members = 1;
        assert_ok(tracing_find(x.t.l, &s, x.v, &p, &a, &err), err);
        assert_true(!contact_of(&a, test_id(&x.t, sun)) && a.n_large == 2);
        tracing_answer_clear(&a);
        tracing_plan_clear(&p);
        /* found from the other side; not on cards the asker may not read, nor after the phone was changed */
        const struct grant narrow = {WORD("tracer"), WORD("310116")};
        struct session other = as(&x.t, &narrow, "流调");
        const char *persons[] = {test_id(&x.t, sun)};
        struct tracing_question back = {.persons = persons, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 4};
        assert_int_equal(tracing_ask(x.t.l, &other, x.v, &back, &a, &err), E_DENIED);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &back, &a, &err), err);
        assert_true(a.found.n_contacts == 1 && contact_of(&a, test_id(&x.t, x.li)));
        tracing_answer_clear(&a);
        d = test_draft(&x.t, "person", DRAFT_CHANGE, "phone", "13900009999", NULL);
        d->id = sun;
        assert_ok(test_write(&x.t, d, &err), err);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &back, &a, &err), err);
        assert_int_equal(a.found.n_contacts, 0);
        tracing_answer_clear(&a);
        struct tracing_accepted done = accepted(&x, &s, 0, NULL, 0);
        assert_int_equal(done.taken, 3); /* general contacts are told, not taken */
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE evidence LIKE '%same address%' AND evidence LIKE '%same household%'"), 1);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact WHERE relation = 'household' AND mode = 'living' AND source = 'community'"), 1);
        scene_drop(&x);
    }
}

/* Before anything is taken: what is new, what goes. */
static void asked_again_it_says_what_changes(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_since since;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        struct tracing_question q = question(&x, 0), wide = question(&x, 6);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_ok(tracing_since_of(x.t.l, &s, x.kase, &a, &since, &err), err);
        assert_false(since.any); /* nothing to compare with */
        tracing_since_clear(&since);
        tracing_answer_clear(&a);
        accepted(&x, &s, 6, NULL, 0); /* three, two of them made from names of doors */
        for (int round = 0; round < 2; round++) {
            assert_ok(tracing_ask(x.t.l, &s, x.v, round ? &wide : &q, &a, &err), err);
            assert_ok(tracing_since_of(x.t.l, &s, x.kase, &a, &since, &err), err);
            assert_true(since.any && since.added == 0 && since.kept == (round ? 3 : 2) && since.removed == (round ? 0 : 1) && since.traced_at == s.now);
            tracing_since_clear(&since);
            tracing_answer_clear(&a);
        }
        stay(&x, test_id(&x.t, x.li), "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, "scan-9", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_ok(tracing_since_of(x.t.l, &s, x.kase, &a, &since, &err), err);
        assert_true(since.added == 1 && since.kept == 2 && since.removed == 1);
        for (size_t i = 0; i < a.found.n_contacts; i++) assert_int_equal(since.fresh[i], text_is(tracing_person(&a, a.found.contacts[i].person), "scan-9"));
        tracing_since_clear(&since);
        tracing_answer_clear(&a);
        struct tracing_accepted d = accepted(&x, &s, 0, NULL, 0); /* and so it becomes */
        assert_true(d.contacts_made == 1 && d.contacts_known == 2 && d.to_remove == 1);
        scene_drop(&x);
    }
}

static size_t contacts_of(struct scene *x, const struct session *s, const char *word, size_t *ret_unknown) {
    struct tracing_question q = {.cases = &word, .n_cases = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
    struct tracing_answer a;
    struct error err = {0};
    assert_ok(tracing_ask(x->t.l, s, x->v, &q, &a, &err), err);
    size_t n = a.found.n_contacts;
    *ret_unknown = a.n_unknown;
    tracing_answer_clear(&a);
    return n;
}

/* Who became a person by a name of the visits and then a case is traced by that name: the second generation is found like the first. So is who was merged into another, and whom a list knows by that name. */
static void a_contact_known_by_a_scan_can_be_a_case(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_timeline line;
        struct tracing_places places;
        struct error err = {0};
        size_t unknown;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        accepted(&x, &s, 0, NULL, 0);
        int64_t scan = test_count(&x.t, "SELECT id FROM person WHERE visits_name = 'scan-7'"), wang = test_count(&x.t, "SELECT count(*) FROM person WHERE visits_name IS NOT NULL");
        assert_true(scan > 0 && wang == 1); /* who has a record needs no other name */
        stay(&x, "scan-7", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, "scan-9", "cafe", "2022-05-28T10:10", "2022-05-28T11:00");
        int64_t kase = test_record(&x.t, "case", "person", test_id(&x.t, scan), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-29", "report_date", "2022-05-29");
        char word[24];
        snprintf(word, sizeof word, "%lld", (long long)kase);
        assert_int_equal(contacts_of(&x, &s, word, &unknown), 3); /* the two of the market, and scan-9 */
        assert_int_equal(unknown, 0);
        assert_ok(tracing_timeline_of(x.t.l, &s, x.v, kase, 0, &line, &err), err);
        assert_int_equal(line.n, 2);
        tracing_timeline_clear(&line);
        assert_ok(tracing_places_of(x.t.l, &s, x.v, TEXT(""), 14, &places, &err), err);
        assert_int_equal(places.without_visits, 0);
        tracing_places_clear(&places);
        /* it was 陈刚, whom another list knows */
        int64_t chen = test_record(&x.t, "person", "name", "陈刚"), moved;
        assert_ok(person_merge(x.t.l, &x.t.s, chen, scan, &moved, &err), err);
        assert_int_equal(contacts_of(&x, &s, word, &unknown), 3);
        assert_int_equal(unknown, 0);
        /* and who is on record under a name of the visits is no new person */
        int64_t liu = test_record(&x.t, "person", "name", "刘洋", "visits_name", "scan-9");
        const char *cases[] = {word};
        struct tracing_question q = {.cases = cases, .n_cases = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
        struct tracing_accepted d = {0};
        assert_ok(tracing_accept(x.t.l, &s, x.v, &q, &(struct tracing_accept){0}, &d, &err), err);
        assert_true(d.persons_made == 0 && d.refused == 0 && d.contacts_made == 3);
        assert_int_equal(test_count(&x.t, arena_printf(&x.t.a, "SELECT count(*) FROM contact WHERE person = %lld", (long long)liu)), 1);
        scene_drop(&x);
    }
}

/* Who was a secondary contact and is found to have met the case is a close one from then on, and none the less when less is looked at. */
static void who_is_found_nearer_is_a_close_contact(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_accepted d = {0};
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        struct tracing_question q = question(&x, 0);
        q.degree = 2;
        stay(&x, "scan-7", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        stay(&x, "scan-9", "cafe", "2022-05-28T10:00", "2022-05-28T11:00");
        for (int round = 0; round < 4; round++) {
            assert_ok(tracing_accept(x.t.l, &s, x.v, &q, &(struct tracing_accept){0}, &d, &err), err);
            assert_true(d.refused == 0 && d.contacts_made == (round ? 0 : 3) && d.contacts_moved == (round == 2 ? 2 : 0));
            assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact WHERE class = 'close'"), round < 2 ? 2 : 3);
            if (round == 1) { /* what else they did that morning comes in */
                stay(&x, test_id(&x.t, x.li), "cafe", "2022-05-28T10:20", "2022-05-28T10:50");
            }
            if (round == 2) q.minutes = 35; /* longer than they were together: what is on record stays, and a person decides */
        }
        scene_drop(&x);
    }
}

/* Entries of a record that say what it was before. */
static int corrections_count(const struct journal_entry *e, void *arg) {
    *(int *)arg += e->before.n > 0 && e->after.n > 0;
    return 0;
}

/* The record of a contact spans what was found so far: a longer look moves its first contact back, a later meeting its last one on, and what is owed from then on with it; a narrower look moves nothing. */
static void a_record_spans_what_was_found(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        static const struct { int64_t window, minutes; const char *first, *last; bool moved; } looks[] = {
            {0, -1, "2022-05-27", "2022-05-27", false}, {6, -1, "2022-05-24", "2022-05-27", true}, {0, -1, "2022-05-24", "2022-05-27", false}, {1, -1, "2022-05-24", "2022-05-27", false},
            {0, -1, "2022-05-24", "2022-05-28", true} /* they met again */, {6, 50, "2022-05-24", "2022-05-28", false}, {1, -1, "2022-05-24", "2022-05-28", false}};
        struct scene x;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        const char *li = test_id(&x.t, x.li), *one[] = {test_id(&x.t, x.wang)};
        stay(&x, li, "gym", "2022-05-24T10:00", "2022-05-24T11:00");
        stay(&x, one[0], "gym", "2022-05-24T10:00", "2022-05-24T11:00");
        int64_t due = 0, contact = 0;
        for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
            if (i == 4) {
                due = test_count(&x.t, "SELECT due_at FROM obligation_open WHERE rule = 'end-observation'");
                stay(&x, li, "cafe", "2022-05-28T10:00", "2022-05-28T10:40");
                stay(&x, one[0], "cafe", "2022-05-28T10:00", "2022-05-28T10:40");
            }
            struct tracing_question q = question(&x, looks[i].window);
            struct tracing_accepted d = {0};
            q.minutes = looks[i].minutes;
            assert_ok(tracing_accept(x.t.l, &s, x.v, &q, &(struct tracing_accept){.names = one, .n_names = 1}, &d, &err), err);
            if (d.refused || d.contacts_made != (i == 0) || d.contacts_moved != looks[i].moved) fail_msg("look %zu: %zu refused, %zu made, %zu moved", i, d.refused, d.contacts_made, d.contacts_moved);
            day first = 0, last = 0;
            assert_true(day_parse(text_of(looks[i].first), &first) && day_parse(text_of(looks[i].last), &last));
            assert_int_equal(test_count(&x.t, "SELECT first_contact FROM contact"), first);
            assert_int_equal(test_count(&x.t, "SELECT last_contact FROM contact"), last);
        }
        assert_int_equal(test_count(&x.t, "SELECT due_at FROM obligation_open WHERE rule = 'end-observation'"), due + DAY_S);
        int corrections = 0;
        contact = test_count(&x.t, "SELECT id FROM contact");
        assert_ok(record_history(x.t.l, x.t.l->db, &x.t.s, register_find(x.t.l->catalog, TEXT("contact")), contact, corrections_count, &corrections, &err), err);
        assert_int_equal(corrections, 2); /* back, and on */
        /* one written down by hand without days gets both */
        test_record(&x.t, "contact", "person", test_id(&x.t, test_record(&x.t, "person", "name", "钱二", "visits_name", "scan-7")), "index_case", x.word);
        struct tracing_accepted d = accepted(&x, &s, 0, NULL, 0);
        assert_true(d.contacts_made == 0 && d.contacts_moved == 1);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM contact WHERE first_contact = last_contact"), 1);
        scene_drop(&x);
    }
}

/* What is forgotten or damaged takes no finding back; a narrower look does. */
static void what_cannot_be_seen_takes_nothing_back(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_answer a;
        struct tracing_since since;
        struct error err = {0};
        uint64_t rows;
        bool gone;
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调");
        assert_int_equal(accepted(&x, &s, 6, NULL, 0).contacts_made, 3);
        day d = day_of_instant(test_at("2022-05-27T10:00"), ZONE_CHINA_S);
        assert_ok(visits_forget(x.v, d, d + 1, &rows, &err), err);
        assert_ok(visits_forgot(x.v, d - 3, d, &gone, &err), err);
        assert_false(gone);
        assert_ok(visits_forgot(x.v, d - 3, d + 1, &gone, &err), err);
        assert_true(gone);
        struct tracing_question q = question(&x, 6);
        assert_ok(tracing_ask(x.t.l, &s, x.v, &q, &a, &err), err);
        assert_ok(tracing_since_of(x.t.l, &s, x.kase, &a, &since, &err), err);
        assert_true(a.found.n_contacts == 1 && since.removed == 0 && since.unseen == 2 && since.kept == 3);
        tracing_since_clear(&since);
        tracing_answer_clear(&a);
        assert_int_equal(accepted(&x, &s, 6, NULL, 0).to_remove, 0);
        assert_int_equal(accepted(&x, &s, 0, NULL, 0).to_remove, 1); /* the bus was before the look-back, and its day is there */
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE state = 'current'"), 2);
        assert_int_equal(accepted(&x, &s, 6, NULL, 0).to_remove, 0); /* found again: nothing is said against it any more */
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM finding WHERE state = 'current' AND removal_reason IS NULL"), 3);
        a = (struct tracing_answer){.v = x.v, .from = 0, .to = 1000, .damaged = 1};
        assert_ok(tracing_unseen(x.v, &a, 900, 2000, &gone, &err), err);
        assert_true(gone);
        assert_ok(tracing_unseen(x.v, &a, 1001, 2000, &gone, &err), err);
        assert_false(gone);
        scene_drop(&x);
    }
}

/* Where somebody was is not told to who writes that one's name of the visits on a card of his own. */
static void a_name_of_another_shows_nothing(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct error err = {0};
        scene_make(&x, store);
        test_record(&x.t, "person", "name", "赵一", "visits_name", "scan-7"); /* the one whose it is */
        const struct grant in_street = {WORD("tracer"), WORD("310115777")};
        struct session street = as(&x.t, &in_street, "流调");
        const char *const names[] = {test_id(&x.t, x.li), test_id(&x.t, x.wang), "scan-7"};
        for (size_t i = 0; i < 3; i++) {
            struct draft *card = test_draft(&x.t, "person", DRAFT_CREATE, "name", arena_printf(&x.t.a, "假人%zu", i), "visits_name", names[i], (char *)NULL);
            card->region = in_street.region;
            assert_ok(test_write(&x.t, card, &err), err);
            struct draft *sick = test_draft(&x.t, "case", DRAFT_CREATE, "person", test_id(&x.t, card->ret_id), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28", "report_date",
                                            "2022-05-29", (char *)NULL);
            sick->region = in_street.region;
            assert_ok(test_write(&x.t, sick, &err), err);
            struct tracing_answer a;
            const char *word = test_id(&x.t, sick->ret_id);
            struct tracing_question q = question(&x, 14);
            q.cases = &word;
            assert_ok(tracing_ask(x.t.l, &street, x.v, &q, &a, &err), err);
            if (a.found.n_contacts) fail_msg("%s: %zu contacts", names[i], a.found.n_contacts);
            tracing_answer_clear(&a);
        }
        scene_drop(&x);
    }
}

/* Who was at a crowded place: on demand, with a purpose, on record. */
static void a_venue_gives_its_list_on_demand(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct scene x;
        struct tracing_visitors_plan plan;
        struct tracing_visitors list;
        struct error err = {0};
        scene_make(&x, store);
        struct session s = as(&x.t, &tracer_grant, "流调"), silent = as(&x.t, &tracer_grant, ""), police = as(&x.t, &police_grant, "联合流调");
        const struct grant elsewhere = {WORD("tracer"), WORD("310116")};
        struct session other = as(&x.t, &elsewhere, "流调");
        struct tracing_presence q = {.place = text_of(test_id(&x.t, x.market)), .from = test_at("2022-05-27T10:00"), .to = test_at("2022-05-27T11:00")}, none = q, bus = q;
        assert_int_equal(tracing_visitors_plan(x.t.l, &silent, x.v, &q, &plan, &err), E_DENIED);
        assert_int_equal(tracing_visitors_plan(x.t.l, &police, x.v, &q, &plan, &err), E_DENIED);
        assert_int_equal(tracing_visitors_plan(x.t.l, &other, x.v, &q, &plan, &err), E_DENIED);
        none.place = TEXT("nowhere");
        assert_int_equal(tracing_visitors_plan(x.t.l, &s, x.v, &none, &plan, &err), E_UNKNOWN);
        none = q;
        none.to = none.from;
        assert_int_equal(tracing_visitors_plan(x.t.l, &s, x.v, &none, &plan, &err), E_INVALID);
        none.to = none.from + 40 * DAY_S;
        assert_int_equal(tracing_visitors_plan(x.t.l, &s, x.v, &none, &plan, &err), E_INVALID);
        assert_int_equal(opens(&x), 0);
        stay(&x, "scan-7", test_id(&x.t, x.market), "2022-05-27T10:45", "2022-05-27T12:00"); /* overlaps the other one of his */
        err = (struct error){0};
        assert_ok(tracing_visitors_plan(x.t.l, &s, x.v, &q, &plan, &err), err);
        assert_ok(tracing_visitors_journal(x.t.l, &s, &plan, &err), err);
        assert_ok(tracing_visitors_find(x.t.l, &s, x.v, &plan, &list, &err), err);
        assert_true(list.n == 3 && list.more == 0 && opens(&x) == 1);
        assert_true(text_is(visits_text(x.v, VISITS_PERSON, list.items[0].person), test_id(&x.t, x.li)) && list.items[0].there_s == 3600);
        assert_true(text_is(visits_text(x.v, VISITS_PERSON, list.items[1].person), test_id(&x.t, x.wang)) && list.items[1].there_s == 2400 && list.items[1].last == test_at("2022-05-27T11:30"));
        assert_true(list.items[2].there_s == 1800 && list.items[2].stays == 2);
        tracing_visitors_clear(&list);
        /* the bus as a venue of the case: listed by it */
        int64_t venue = test_record(&x.t, "exposure_venue", "case", x.word, "place_text", "bus-3", "starts", "2022-05-24T08:10", "ends", "2022-05-24T08:40");
        bus = (struct tracing_presence){.venue = venue};
        assert_int_equal(tracing_visitors_plan(x.t.l, &other, x.v, &bus, &plan, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_ok(tracing_visitors_plan(x.t.l, &s, x.v, &bus, &plan, &err), err);
        assert_ok(tracing_visitors_journal(x.t.l, &s, &plan, &err), err);
        assert_ok(tracing_visitors_find(x.t.l, &s, x.v, &plan, &list, &err), err);
        assert_true(list.n == 2 && list.items[0].there_s == 1800);
        tracing_visitors_clear(&list);
        assert_int_equal(test_count(&x.t, "SELECT COUNT(*) FROM exposure_venue WHERE state = 'listed'"), 1);
        assert_int_equal(opens(&x), 2);
        /* a venue that somebody writes in his own street opens no list of another street's place, whatever it names */
        const struct grant in_street = {WORD("tracer"), WORD("310115777")};
        struct session street = as(&x.t, &in_street, "流调");
        const char *const named[] = {test_id(&x.t, x.market), "bus-3"};
        for (size_t i = 0; i < 2; i++) {
            struct draft *own = test_draft(&x.t, "exposure_venue", DRAFT_CREATE, "place_text", named[i], "starts", "2022-05-24T08:00", "ends", "2022-05-27T12:00", (char *)NULL);
            own->region = in_street.region;
            assert_ok(test_write(&x.t, own, &err), err);
            bus = (struct tracing_presence){.venue = own->ret_id};
            assert_int_equal(tracing_visitors_plan(x.t.l, &street, x.v, &bus, &plan, &err), E_DENIED);
            err = (struct error){0};
            assert_ok(tracing_visitors_plan(x.t.l, &s, x.v, &bus, &plan, &err), err);
        }
        assert_int_equal(opens(&x), 2);
        /* nor does one that names it as a platform of codes does; and of his own street it opens that too */
        static const char *const regions[] = {"310199", "310115777"};
        static const char *const codes[] = {"CODE-8", "CODE-9"};
        for (size_t i = 0; i < 2; i++) {
            struct draft *place = test_draft(&x.t, "place", DRAFT_CREATE, "title", codes[i], "kind", "market", "visits_name", codes[i], (char *)NULL);
            struct draft *own = test_draft(&x.t, "exposure_venue", DRAFT_CREATE, "place_text", codes[i], "starts", "2022-05-24T08:00", "ends", "2022-05-27T12:00", (char *)NULL);
            place->region = text_of(regions[i]);
            own->region = i ? in_street.region : TEXT("310115");
            stay(&x, "guest", codes[i], "2022-05-27T10:45", "2022-05-27T12:00");
            assert_ok(test_write(&x.t, place, &err), err);
            assert_ok(test_write(&x.t, own, &err), err);
            bus = (struct tracing_presence){.venue = own->ret_id};
            assert_int_equal(tracing_visitors_plan(x.t.l, i ? &street : &s, x.v, &bus, &plan, &err), i ? 0 : E_DENIED);
            err = (struct error){0};
        }
        scene_drop(&x);
    }
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_not_look), cmocka_unit_test(what_is_found_becomes_records_once), cmocka_unit_test(each_department_sees_its_own),
        cmocka_unit_test(figures_places_and_a_notice), cmocka_unit_test(requests_are_owed_and_chains_are_chosen),
        cmocka_unit_test(registers_link_people),
        cmocka_unit_test(cards_link_people), cmocka_unit_test(asked_again_it_says_what_changes),
        cmocka_unit_test(a_contact_known_by_a_scan_can_be_a_case), cmocka_unit_test(what_cannot_be_seen_takes_nothing_back), cmocka_unit_test(who_is_found_nearer_is_a_close_contact), cmocka_unit_test(a_record_spans_what_was_found), cmocka_unit_test(a_venue_gives_its_list_on_demand), cmocka_unit_test(a_name_of_another_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Links from registers beside stays, and a trace run again: equal to the definition, unchanged by cutting, repeating and order, more with more; what a second run adds and takes away. */
#include "presences.h"

#include <math.h>

#include "base/digest.h"
#include "engines/contact.h"

enum { PERSONS = 40, PLACES = 6, ROWS = 200, LINKS = 60 };

static struct presence rows[ROWS];
static struct presences city = {.rows = rows};
static struct contact_work *work;
static struct contact_result found;

static void draw(struct rng *r, size_t n) {
    city.n = n;
    for (size_t i = 0; i < n; i++) {
        int32_t from = (int32_t)rng_below(r, 3 * DAY_S);
        rows[i] = (struct presence){.person = (uint32_t)rng_below(r, PERSONS), .place = (uint32_t)rng_below(r, PLACES), .start = from, .end = from + (int32_t)rng_below(r, 4 * 3600)};
        city.classes[rows[i].place] = 0;
    }
}

static size_t links_draw(struct rng *r, struct contact_link *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int32_t from = (int32_t)rng_below(r, 4 * DAY_S) - DAY_S;
        out[i] = (struct contact_link){(uint32_t)rng_below(r, PERSONS + 10), (uint32_t)rng_below(r, PERSONS + 10), from, from + 1 + (int32_t)rng_below(r, 2 * DAY_S),
                                       (uint8_t)(CONTACT_HOUSEHOLD + rng_below(r, CONTACT_KINDS - CONTACT_HOUSEHOLD)), (uint8_t)(rng_below(r, 2) ? 255 : rng_below(r, 5)), rng_below(r, 3) > 0, 0};
    }
    return n;
}

static size_t cases_draw(struct rng *r, struct contact_index *out, size_t max) {
    size_t n = 1 + rng_below(r, max);
    for (size_t i = 0; i < n; i++) {
        int32_t from = (int32_t)rng_below(r, 2 * DAY_S);
        out[i] = (struct contact_index){(uint32_t)i * 3, from, from + 1 + (int32_t)rng_below(r, 2 * DAY_S)};
    }
    return n;
}

static void ask(const struct contact_options *o, const struct contact_index *cases, size_t n, const struct contact_link *links, size_t n_links, struct contact_result *ret) {
    struct presence_source s = presences_source(&city, PERSONS, PLACES);
    struct error err = {0};
    assert_ok(contact_find(&s, o, cases, n, links, n_links, work, ret, &err), err);
    contact_sort(ret);
}

static const struct contact *who(const struct contact_result *r, uint32_t person) {
    for (size_t i = 0; i < r->n_contacts; i++)
        if (r->contacts[i].person == person) return &r->contacts[i];
    return NULL;
}

static void same(const struct contact_result *a, const struct contact_result *b) {
    assert_int_equal(a->n_contacts, b->n_contacts);
    for (size_t i = 0; i < a->n_contacts; i++) {
        const struct contact *x = &a->contacts[i], *y = &b->contacts[i];
        assert_true(x->person == y->person && x->degree == y->degree && x->kind == y->kind && x->overlap_s == y->overlap_s && x->first == y->first && x->last == y->last &&
                    x->score == y->score && x->n_evidence == y->n_evidence);
    }
}

/* First degree, without stays, second by second of three days in tenths of an hour: who was linked with any of the cases, by each kind. */
static void equal_to_the_definition(void **state) {
    struct rng r = {0};
    rng_seed(&r, 11);
    size_t contacts = 0;
    for (int round = 0; round < 120; round++) {
        struct contact_link links[LINKS];
        struct contact_index cases[4];
        struct contact_options o;
        contact_options_init(&o);
        o.reverse = round % 2;
        city.n = 0;
        size_t n = cases_draw(&r, cases, 4), n_links = links_draw(&r, links, 1 + rng_below(&r, LINKS)), met = 0;
        ask(&o, cases, n, links, n_links, &found);
        for (uint32_t p = 0; p < PERSONS + 10; p++) {
            static uint8_t on[CONTACT_KINDS][5 * DAY_S];
            bool is_case = false, close = false, any = false;
            int32_t first = INT32_MAX, last = INT32_MIN;
            double dose[CONTACT_KINDS] = {0};
            memset(on, 0, sizeof on);
            for (size_t j = 0; j < n; j++) {
                is_case |= cases[j].person == p;
                for (size_t i = 0; i < n_links; i++) {
                    const struct contact_link *k = &links[i];
                    if (!((k->a == p && k->b == cases[j].person) || (k->b == p && k->a == cases[j].person)) || p == cases[j].person) continue;
                    int32_t from = k->from > cases[j].from ? k->from : cases[j].from, to = k->to < cases[j].to ? k->to : cases[j].to;
                    if (from >= to) continue;
                    memset(&on[k->kind][from], 1, (size_t)(to - from));
                    any = true;
                    close |= k->close;
                    if (from < first) first = from;
                    if (to > last) last = to;
                }
            }
            for (int k = CONTACT_HOUSEHOLD; any && k < CONTACT_KINDS; k++)
                for (int32_t t = 0; t < 5 * DAY_S; t++) dose[k] += on[k][t] * CONTACT_RATE_PER_HOUR / 3600 * o.daily_s[k] / DAY_S;
            const struct contact *c = who(&found, p);
            assert_true(!!c == (any && !is_case));
            if (!c) continue;
            met++;
            assert_true(c->degree == 1 && c->kind == (close ? CONTACT_CLOSE : CONTACT_GENERAL) && c->first == first && c->last == last && c->overlap_s == 0);
            assert_true(fabs(c->score - (1 - exp(-fmax(fmax(dose[CONTACT_HOUSEHOLD], dose[CONTACT_ADDRESS]), dose[CONTACT_PHONE]) - dose[CONTACT_ROOM] - fmax(dose[CONTACT_UNIT], dose[CONTACT_WORK])))) < 1e-6);
        }
        assert_int_equal(met, found.n_contacts);
        contacts += met;
    }
    print_message("# %zu contacts\n", contacts);
    assert_true(contacts > 100);
}

/* Cut in two, recorded twice, in any order, either way round; one by one or swept. */
static void however_recorded_it_is_one(void **state) {
    struct rng r = {0};
    struct contact_result one = {0};
    rng_seed(&r, 12);
    for (int round = 0; round < 400; round++) {
        struct contact_link links[LINKS], cut[3 * LINKS];
        struct contact_index cases[4];
        struct contact_options o;
        size_t k = 0;
        contact_options_init(&o);
        o.degree = 1 + round % 2;
        draw(&r, rng_below(&r, ROWS));
        size_t n = cases_draw(&r, cases, 4), n_links = links_draw(&r, links, rng_below(&r, LINKS));
        ask(&o, cases, n, links, n_links, &one);
        for (size_t i = 0; i < n_links; i++) {
            struct contact_link a = links[i], b = links[i];
            if (a.to - a.from > 1) a.to = b.from = a.from + 1 + (int32_t)rng_below(&r, (uint64_t)(a.to - a.from - 1));
            b.a = a.b, b.b = a.a;
            cut[k++] = a;
            cut[k++] = b;
            if (rng_below(&r, 2)) cut[k++] = links[i];
        }
        for (size_t i = k; i > 1; i--) {
            size_t at = rng_below(&r, i);
            struct contact_link t = cut[i - 1];
            cut[i - 1] = cut[at];
            cut[at] = t;
        }
        o.many = round % 3 ? 256 : 1;
        o.threads = 1 + round % 2;
        ask(&o, cases, n, cut, k, &found);
        same(&one, &found);
    }
    contact_result_clear(&one);
}

/* More links, none lost and no score lower; forwards from a is backwards from b; unknown to the stays or not. */
static void more_links_find_more(void **state) {
    struct rng r = {0};
    struct contact_result one = {0};
    rng_seed(&r, 13);
    for (int round = 0; round < 300; round++) {
        struct contact_link links[LINKS];
        struct contact_index cases[4];
        struct contact_options o;
        contact_options_init(&o);
        draw(&r, rng_below(&r, ROWS));
        size_t n = cases_draw(&r, cases, 4), n_links = links_draw(&r, links, 1 + rng_below(&r, LINKS));
        ask(&o, cases, n, links, n_links / 2, &one);
        ask(&o, cases, n, links, n_links, &found);
        for (size_t i = 0; i < one.n_contacts; i++) {
            const struct contact *c = who(&found, one.contacts[i].person);
            assert_true(c && c->score >= one.contacts[i].score && c->kind <= one.contacts[i].kind && c->first <= one.contacts[i].first && c->last >= one.contacts[i].last);
        }
        city.n = 0;
        struct contact_index a = {links[0].a, 0, 3 * DAY_S}, b = {links[0].b, 0, 3 * DAY_S};
        ask(&o, &a, 1, links, 1, &one);
        o.reverse = true;
        ask(&o, &b, 1, links, 1, &found);
        assert_int_equal(one.n_contacts, found.n_contacts);
        if (one.n_contacts) assert_true(one.contacts[0].person == b.person && found.contacts[0].person == a.person && one.contacts[0].score == found.contacts[0].score);
    }
    contact_result_clear(&one);
}

static void hours_at_home_count_once(void **state) {
    struct contact_options o;
    struct contact_link home = {1, 2, 0, 3 * DAY_S, CONTACT_HOUSEHOLD, 255, true, 0}, desk = {1, 3, 0, 3 * DAY_S, CONTACT_UNIT, 255, false, 0},
                        second = {2, 4, 0, 3 * DAY_S, CONTACT_ROOM, 255, true, 0}, all[] = {home, desk, second, {3, 5, 0, 3 * DAY_S, CONTACT_HOUSEHOLD, 255, true, 0}};
    struct contact_index one = {1, 0, 3 * DAY_S};
    contact_options_init(&o);
    o.degree = 2;
    city.n = 0;
    ask(&o, &one, 1, all, 4, &found);
    assert_int_equal(found.n_contacts, 3); /* who is only a general contact hands nothing on */
    /* what the papers found: 21.1 % of a household, 1.9 % at work */
    assert_true(fabs(who(&found, 2)->score - 0.211) < 0.002 && fabs(who(&found, 3)->score - 0.019) < 0.0005);
    assert_true(who(&found, 4)->degree == 2 && who(&found, 4)->kind == CONTACT_SECONDARY && !who(&found, 5));
    assert_int_equal(found.evidence[who(&found, 4)->evidence - 1].kind, CONTACT_ROOM);
    assert_int_equal(found.evidence[who(&found, 4)->evidence - 1].through, 2);
    city.n = 2; /* ten hours at home are fewer than the link says; thirty are more */
    rows[0] = (struct presence){.person = 1, .place = 0, .start = 0, .end = 10 * 3600};
    rows[1] = (struct presence){.person = 2, .place = 0, .start = 0, .end = 10 * 3600};
    ask(&o, &one, 1, all, 4, &found);
    assert_true(fabs(who(&found, 2)->score - 0.211) < 0.002 && who(&found, 2)->overlap_s == 10 * 3600 && who(&found, 2)->n_evidence == 2);
    rows[0].end = rows[1].end = 30 * 3600;
    ask(&o, &one, 1, all, 4, &found);
    assert_true(fabs(who(&found, 2)->score - (1 - exp(-0.33))) < 1e-6);
}

/* ---- run again */
static void a_second_run_adds_and_takes_away(void **state) {
    struct rng r = {0};
    rng_seed(&r, 14);
    for (int round = 0; round < 2000; round++) {
        int64_t before[40], now[40], list[80];
        size_t na = rng_below(&r, 40), nb = rng_below(&r, 40), n = 0;
        bool was[60] = {false}, is[60] = {false};
        struct contact_changes c, again;
        struct error err = {0};
        for (size_t i = 0; i < na; i++) was[before[i] = (int64_t)rng_below(&r, 60)] = true;
        for (size_t i = 0; i < nb; i++) is[now[i] = (int64_t)rng_below(&r, 60)] = true;
        assert_ok(contact_changes_find(before, na, now, nb, &c, &err), err);
        assert_int_equal(c.n, c.added + c.removed + c.kept);
        for (size_t i = 0; i < c.n; i++) {
            int64_t p = c.items[i].person;
            assert_true(!i || c.items[i - 1].person < p); /* each once */
            assert_int_equal(c.items[i].kind, was[p] && is[p] ? CONTACT_KEPT : is[p] ? CONTACT_ADDED : CONTACT_REMOVED);
            assert_true(was[p] || is[p]);
            if (c.items[i].kind != CONTACT_REMOVED) list[n++] = p; /* before, with what came and without what went */
        }
        assert_ok(contact_changes_find(list, n, now, nb, &again, &err), err);
        assert_true(again.added == 0 && again.removed == 0 && again.kept == n); /* is now; and the same run again changes nothing */
        contact_changes_clear(&c);
        contact_changes_clear(&again);
    }
}

/* A narrower window only takes away, a lower threshold only adds. */
static void windows_and_thresholds(void **state) {
    struct rng r = {0};
    struct contact_result one = {0};
    size_t added = 0, removed = 0;
    rng_seed(&r, 15);
    for (int round = 0; round < 200; round++) {
        int64_t before[PERSONS], now[PERSONS];
        struct contact_options o;
        struct contact_changes c;
        struct error err = {0};
        contact_options_init(&o);
        draw(&r, ROWS - 1);
        struct contact_index x = {(uint32_t)rng_below(&r, PERSONS), 0, 3 * DAY_S}, narrow = {x.person, DAY_S, 2 * DAY_S};
        ask(&o, &x, 1, NULL, 0, &one);
        if (round % 2) o.rules[0].overlap_s = 60;
        ask(&o, round % 2 ? &x : &narrow, 1, NULL, 0, &found);
        for (size_t i = 0; i < one.n_contacts; i++) before[i] = one.contacts[i].person;
        for (size_t i = 0; i < found.n_contacts; i++) now[i] = found.contacts[i].person;
        assert_ok(contact_changes_find(before, one.n_contacts, now, found.n_contacts, &c, &err), err);
        assert_true(round % 2 ? c.removed == 0 : c.added == 0);
        added += c.added;
        removed += c.removed;
        contact_changes_clear(&c);
    }
    contact_result_clear(&one);
    assert_true(added > 50 && removed > 50);
}

static void a_failed_allocation_is_an_error(void **state) {
    struct rng r = {0};
    struct contact_link links[LINKS];
    struct contact_index cases[4];
    struct presence_source s = presences_source(&city, PERSONS, PLACES);
    struct contact_options o;
    int64_t a[] = {1, 2}, b[] = {2, 3};
    contact_options_init(&o);
    rng_seed(&r, 16);
    draw(&r, ROWS - 1);
    size_t n = cases_draw(&r, cases, 4);
    links_draw(&r, links, LINKS);
    for (long k = 1, done = 0; k < 400 && !done; k++) {
        struct contact_work *w = contact_work_new();
        assert_non_null(w);
        struct contact_result res = {0};
        struct error err = {0};
        mem_fail_at(k, false);
        int rc = contact_find(&s, &o, cases, n, links, LINKS, w, &res, &err);
        mem_fail_at(0, false);
        done = rc == 0;
        assert_true(rc == 0 || (rc == E_MEMORY && err.code == E_MEMORY));
        contact_result_clear(&res);
        contact_work_free(w);
    }
    for (long k = 1; k <= 3; k++) {
        struct contact_changes c;
        struct error err = {0};
        mem_fail_at(k, false);
        assert_int_equal(contact_changes_find(a, 2, b, 2, &c, &err), E_MEMORY);
        mem_fail_at(0, false);
    }
}

static int begin(void **state) {
    work = contact_work_new();
    return work ? 0 : -1;
}

static int end(void **state) {
    contact_work_free(work);
    contact_result_clear(&found);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_to_the_definition),       cmocka_unit_test(however_recorded_it_is_one),   cmocka_unit_test(more_links_find_more),
        cmocka_unit_test(hours_at_home_count_once),      cmocka_unit_test(a_second_run_adds_and_takes_away), cmocka_unit_test(windows_and_thresholds),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* Who met whom, against the pairwise definition on small random cities; and the laws. */
#include "check.h"

#include <math.h>

#include "base/digest.h"
#include "engines/contact.h"
#include "presences.h"

enum { PERSONS = 40, PLACES = 12, ROWS = 4000 };

static struct presence rows[ROWS];
static struct presences city = {.rows = rows};
static struct contact_work *work;
static struct contact_result found;

static int begin(void **state) {
    work = contact_work_new();
    return work ? 0 : 1;
}

static int end(void **state) {
    contact_work_free(work);
    contact_result_clear(&found);
    contact_work_free(NULL);
    return 0;
}

/* Three days, or half a day of many; whole minutes half of the time, so that ends meet beginnings. Class 1 asks who sat where (now and then all in one train, who say several things of themselves at a time), class 2 has floors that matter in a crowd only. */
static void draw(struct rng *r, size_t n) {
    bool train = !rng_below(r, 6);
    city.n = n;
    for (size_t i = 0; i < n; i++) {
        int32_t unit = rng_below(r, 2) ? 300 : 1, days_s = n > 500 ? DAY_S / 2 : 3 * DAY_S, from = (int32_t)rng_below(r, (uint64_t)(days_s / unit)) * unit, span = (int32_t)rng_below(r, (uint64_t)(5 * 3600 / unit)) * unit;
        rows[i] = (struct presence){.person = (uint32_t)rng_below(r, PERSONS), .place = (uint32_t)rng_below(r, PLACES), .start = from,
                                    .end = rng_below(r, 10) ? from + span : from, .attr = presence_attr((unsigned)rng_below(r, 3), 90)};
        if (rows[i].place % 4 == 1 && train) rows[i].place = 1;
        if (rows[i].place % 4 == 1 && rng_below(r, 4)) rows[i].zone = (uint16_t)(1 + rng_below(r, 3)), rows[i].row = (uint16_t)rng_below(r, 9);
        if (rows[i].place % 4 == 2 && rng_below(r, 2)) rows[i].zone = (uint16_t)(1 + rng_below(r, 3));
        city.classes[rows[i].place] = (uint8_t)(rows[i].place % 4);
    }
}

static struct contact_options rules(int degree, bool reverse) {
    struct contact_options o;
    contact_options_init(&o);
    o.degree = degree;
    o.reverse = reverse;
    o.rules[1] = (struct contact_rule){.overlap_s = 600, .after_s = 900, .rows = 3, .weight = 2};
    o.rules[2] = (struct contact_rule){.overlap_s = 900, .after_s = 1800, .rows = -1, .crowd = 100000, .weight = 1};
    o.rules[3] = (struct contact_rule){.overlap_s = 1, .rows = -1, .weight = 0.5};
    return o;
}

static void ask(struct presences *c, const struct contact_options *o, const struct contact_index *cases, size_t n) {
    struct presence_source s = presences_source(c, PERSONS, PLACES);
    struct error err = {0};
    assert_ok(contact_find(&s, o, cases, n, NULL, 0, work, &found, &err), err);
}

static const struct contact *who(uint32_t person) {
    for (size_t i = 0; i < found.n_contacts; i++)
        if (found.contacts[i].person == person) return &found.contacts[i];
    return NULL;
}

/* ---- the definition, pair by pair, instant by instant where it must be */
struct stay {
    struct presence p;
    bool came, left;
};

static int by_seat(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->zone != b->zone) return a->zone < b->zone ? -1 : 1;
    if (a->row != b->row) return a->row < b->row ? -1 : 1;
    return a->start != b->start ? (a->start < b->start ? -1 : 1) : (a->end > b->end) - (a->end < b->end);
}

static int by_start(const void *pa, const void *pb) {
    const struct presence *a = pa, *b = pb;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

/* The joined stays of a person at a place. */
static size_t stays_of(const struct presences *c, const struct contact_options *o, uint32_t person, uint32_t place, struct presence *out) {
    size_t n = 0, k = 0;
    const struct contact_rule *r = &o->rules[c->classes[place]];
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].person == person && c->rows[i].place == place) out[n++] = c->rows[i];
    qsort(out, n, sizeof *out, r->rows < 0 ? by_start : by_seat);
    for (size_t i = 0; i < n; i++) {
        if (k && out[i].start <= out[k - 1].end && (r->rows < 0 || (out[i].zone == out[k - 1].zone && out[i].row == out[k - 1].row))) {
            if (out[i].end > out[k - 1].end) out[k - 1].end = out[i].end;
        } else out[k++] = out[i];
    }
    return k;
}

/* Where seats are asked: what a person's stays say at an instant is what none of the others, which say the same, says more of. */
static bool says_more(const struct presence *a, const struct presence *than, int32_t t) {
    bool same = (than->zone == 0 || than->zone == a->zone) && (than->row == 0 || than->row == a->row);
    return a->start <= t && t < a->end && same && !(than->zone == a->zone && than->row == a->row);
}

static bool outdone(const struct presence *all, size_t n, const struct presence *one, int32_t t) {
    for (size_t i = 0; i < n; i++)
        if (says_more(&all[i], one, t)) return true;
    return false;
}

static bool near(const struct contact_rule *r, const struct presence *a, const struct presence *b) {
    if (r->rows < 0) return true;
    if (a->zone && b->zone && a->zone != b->zone) return false;
    return !a->row || !b->row || abs(a->row - b->row) <= r->rows;
}

/* Whether two can have sat near each other at an instant. */
static bool near_at(const struct contact_rule *r, const struct presence *mine, size_t n_mine, const struct presence *theirs, size_t n_theirs, int32_t t) {
    for (size_t i = 0; i < n_mine; i++)
        for (size_t k = 0; k < n_theirs; k++)
            if (mine[i].start <= t && t < mine[i].end && theirs[k].start <= t && t < theirs[k].end && near(r, &mine[i], &theirs[k]) && !outdone(mine, n_mine, &mine[i], t) &&
                !outdone(theirs, n_theirs, &theirs[k], t))
                return true;
    return false;
}

struct span {
    int32_t from, to;
};

static int by_number(const void *a, const void *b) {
    return (*(const int32_t *)a > *(const int32_t *)b) - (*(const int32_t *)a < *(const int32_t *)b);
}

/* The times in which one of the exposed, within its window, and somebody can have sat near each other for long enough. */
static size_t seated_together(const struct contact_rule *r, const struct contact_index *window, const struct presence *mine, size_t n_mine, const struct presence *theirs, size_t n_theirs,
                              struct span *out) {
    static int32_t at[4 * ROWS + 2];
    size_t k = 0, n = 0;
    for (size_t i = 0; i < n_mine; i++) at[k++] = mine[i].start, at[k++] = mine[i].end;
    for (size_t i = 0; i < n_theirs; i++) at[k++] = theirs[i].start, at[k++] = theirs[i].end;
    at[k++] = window->from, at[k++] = window->to;
    qsort(at, k, sizeof *at, by_number);
    for (size_t i = 0, from = k; i < k; i++) { /* nothing changes between two of these instants */
        bool now = i + 1 < k && at[i] >= window->from && at[i] < window->to && near_at(r, mine, n_mine, theirs, n_theirs, at[i]);
        if (now && from == k) from = i;
        if (now || from == k) continue;
        if (at[i] - at[from] >= r->overlap_s) out[n++] = (struct span){at[from], at[i]};
        from = k;
    }
    return n;
}

struct truth {
    int degree; /* 0: not found; -1: a case */
    int kind;
    int64_t overlap_s;
    int32_t first, last;
};

static void meet(struct truth *t, int degree, int kind, int32_t from, int32_t to, int32_t overlap) {
    if (t->degree == 0) *t = (struct truth){degree, degree == 2 ? CONTACT_SECONDARY : CONTACT_GENERAL, 0, INT32_MAX, INT32_MIN};
    if (degree == 1 && kind == CONTACT_MET) t->kind = CONTACT_CLOSE;
    t->overlap_s += overlap;
    if (from < t->first) t->first = from;
    if (to > t->last) t->last = to;
}

/* One degree: exposed people with their windows against all not yet known. */
static void degree_truth(const struct presences *c, const struct contact_options *o, const struct contact_index *asked, size_t n, int degree, struct truth *truth) {
    static struct presence mine[PERSONS][ROWS / 8], theirs[ROWS];
    static struct truth before[PERSONS];
    memcpy(before, truth, sizeof before);
    for (uint32_t place = 0; place < PLACES; place++) {
        const struct contact_rule *r = &o->rules[c->classes[place]];
        size_t n_mine[PERSONS];
        for (size_t j = 0; j < n; j++) n_mine[j] = stays_of(c, o, asked[j].person, place, mine[j]);
        for (uint32_t k = 0; k < PERSONS; k++) {
            if (before[k].degree) continue;
            size_t n_theirs = stays_of(c, o, k, place, theirs), n_met = 0;
            static struct span met[ROWS * 4];
            for (size_t i = 0; i < n_theirs; i++) {
                int32_t gone = INT32_MAX;
                for (size_t j = 0; j < n; j++)
                    for (size_t q = 0; q < n_mine[j]; q++) {
                        const struct presence *a = &mine[j][q], *b = &theirs[i];
                        int32_t from = a->start > asked[j].from ? a->start : asked[j].from, to = a->end < asked[j].to ? a->end : asked[j].to;
                        bool came = a->start >= asked[j].from, left = a->end <= asked[j].to;
                        if (from > to || from >= asked[j].to || (from == to && !(came && left)) || !near(r, a, b)) continue;
                        int32_t s = from > b->start ? from : b->start, e = to < b->end ? to : b->end;
                        if (r->rows < 0 && e - s >= r->overlap_s) met[n_met++] = (struct span){s, e};
                        if (r->rows >= 0) { /* where a seat becomes known nobody comes or leaves */
                            came &= !outdone(mine[j], n_mine[j], a, a->start) && !outdone(theirs, n_theirs, b, b->end > b->start ? b->end - 1 : b->start);
                            left &= !outdone(mine[j], n_mine[j], a, a->end > a->start ? a->end - 1 : a->start) && !outdone(theirs, n_theirs, b, b->start);
                        }
                        int32_t since = o->reverse ? from - b->end : b->start - to;
                        if (r->after_s && since >= 0 && since <= r->after_s && (o->reverse ? came : left) && since < gone) gone = since;
                    }
                if (gone != INT32_MAX) {
                    int32_t from = theirs[i].start, to = theirs[i].end < from + r->after_s - gone ? theirs[i].end : from + r->after_s - gone;
                    for (int32_t t = from; t < to && r->rows >= 0; t++)
                        if (outdone(theirs, n_theirs, &theirs[i], t)) to = t;
                    if (o->reverse) from = to = theirs[i].end + gone;
                    meet(&truth[k], degree, CONTACT_CAME_AFTER, from, to, 0);
                }
            }
            for (size_t j = 0; r->rows >= 0 && j < n; j++) n_met += seated_together(r, &asked[j], mine[j], n_mine[j], theirs, n_theirs, met + n_met);
            for (size_t x = 0; x < n_met; x++) /* union: a minute counts once, whatever else says that they were there */
                for (size_t y = 0; y < n_met; y++)
                    if (x != y && met[x].to >= 0 && met[y].to >= 0 && met[x].from <= met[y].to && met[y].from <= met[x].to) {
                        if (met[y].from < met[x].from) met[x].from = met[y].from;
                        if (met[y].to > met[x].to) met[x].to = met[y].to;
                        met[y].to = -1;
                        y = (size_t)-1;
                    }
            for (size_t x = 0; x < n_met; x++)
                if (met[x].to >= 0) meet(&truth[k], degree, CONTACT_MET, met[x].from, met[x].to, met[x].to - met[x].from);
        }
    }
}

static void truth_find(const struct presences *c, const struct contact_options *o, const struct contact_index *cases, size_t n, struct truth *truth) {
    struct contact_index asked[PERSONS];
    size_t k = 0;
    int32_t from = INT32_MAX, to = INT32_MIN;
    memset(truth, 0, PERSONS * sizeof *truth);
    for (size_t i = 0; i < n; i++) {
        truth[cases[i].person].degree = -1;
        if (cases[i].from < from) from = cases[i].from;
        if (cases[i].to > to) to = cases[i].to;
    }
    degree_truth(c, o, cases, n, 1, truth);
    if (o->degree < 2) return;
    for (uint32_t p = 0; p < PERSONS; p++) {
        struct contact_index a = {p, o->reverse ? from : truth[p].first, o->reverse ? truth[p].last : to};
        if (truth[p].degree == 1 && truth[p].kind == CONTACT_CLOSE && a.from < a.to) asked[k++] = a;
    }
    degree_truth(c, o, asked, k, 2, truth);
}

static void same(const struct truth *truth) {
    size_t n = 0;
    for (uint32_t p = 0; p < PERSONS; p++) {
        const struct contact *c = who(p);
        if (truth[p].degree < 1) {
            assert_null(c);
            continue;
        }
        n++;
        assert_non_null(c);
        assert_int_equal(c->degree, truth[p].degree);
        assert_int_equal(c->kind, truth[p].kind);
        assert_int_equal(c->overlap_s, truth[p].overlap_s);
        assert_int_equal(c->first, truth[p].first);
        assert_int_equal(c->last, truth[p].last);
    }
    assert_int_equal(found.n_contacts, n);
}

static size_t cases_draw(struct rng *r, struct contact_index *out, size_t max) {
    size_t n = 1 + rng_below(r, max), k = 0;
    bool taken[PERSONS] = {false};
    for (size_t i = 0; i < n; i++) {
        uint32_t p = (uint32_t)rng_below(r, PERSONS);
        int32_t from = (int32_t)rng_below(r, 2 * DAY_S), to = from + 1 + (int32_t)rng_below(r, 2 * DAY_S);
        if (rng_below(r, 3) == 0) from = from / 300 * 300, to = from + 3600;
        if (!taken[p]) out[k++] = (struct contact_index){p, from, to};
        taken[p] = true;
    }
    return k;
}

/* ---- refused */
static void what_cannot_be_asked_is_refused(void **state) {
    struct presence_source s = presences_source(&city, PERSONS, PLACES);
    struct contact_options o = rules(3, false);
    struct contact_index one = {1, 0, 100};
    struct error err = {0};
    city.n = 0;
    assert_int_equal(contact_find(&s, &o, &one, 1, NULL, 0, work, &found, &err), E_INVALID);
    assert_string_equal(err.where, "degree");
    o.degree = 1;
    one.to = 0;
    err = (struct error){0};
    assert_int_equal(contact_find(&s, &o, &one, 1, NULL, 0, work, &found, &err), E_INVALID);
    struct contact_common common;
    err = (struct error){0};
    assert_int_equal(contact_common(&s, &o, &one, NULL, 1, NULL, 0, 0, work, &common, &err), E_INVALID);
    one.to = 5;
    ask(&city, &o, &one, 1);
    assert_int_equal(found.n_contacts, 0);
    ask(&city, &o, NULL, 0);
    assert_int_equal(found.n_contacts, 0);
}

static void equal_to_the_pairwise_definition(void **state) {
    struct rng r = {0};
    static struct truth truth[PERSONS];
    size_t contacts = 0, second = 0, general = 0;
    rng_seed(&r, 41);
    for (int round = 0; round < 2400; round++) {
        struct contact_index cases[12];
        struct contact_options o = rules(1 + round % 2, round / 2 % 2);
        draw(&r, round % 5 ? 60 + rng_below(&r, 200) : 700);
        size_t n = cases_draw(&r, cases, round % 3 ? 2 : 12);
        ask(&city, &o, cases, n);
        truth_find(&city, &o, cases, n, truth);
        same(truth);
        contacts += found.n_contacts;
        for (size_t i = 0; i < found.n_contacts; i++) second += found.contacts[i].degree == 2, general += found.contacts[i].kind == CONTACT_GENERAL;
    }
    print_message("# %zu contacts, %zu of second degree, %zu who only came after\n", contacts, second, general);
    assert_true(contacts > 4000 && second > 500 && general > 100);
}

/* One by one or swept, on one thread or three: the same contacts, evidence and venues, to the last bit of the score. */
static void sweeping_changes_nothing(void **state) {
    struct rng r = {0};
    struct contact_result one = {0};
    size_t contacts = 0;
    rng_seed(&r, 47);
    for (int round = 0; round < 600; round++) {
        struct contact_index cases[12];
        struct contact_options o = rules(1 + round % 2, round / 2 % 2);
        struct contact_link links[4];
        struct presence_source s = presences_source(&city, PERSONS, PLACES);
        struct error err = {0};
        draw(&r, round % 5 ? 60 + rng_below(&r, 200) : 700);
        size_t n = cases_draw(&r, cases, 12), n_links = round % 4;
        for (size_t i = 0; i < n_links; i++) links[i] = (struct contact_link){(uint32_t)rng_below(&r, PERSONS), (uint32_t)rng_below(&r, PERSONS), 0, 3 * DAY_S, (uint8_t)(CONTACT_HOUSEHOLD + i % (CONTACT_KINDS - CONTACT_HOUSEHOLD)), 255, i % 2 == 0, 0};
        o.evidence = round % 3 != 0;
        if (round % 7 == 0) o.rules[0].crowd = o.rules[1].crowd = 5;
        assert_ok(contact_find(&s, &o, cases, n, links, n_links, work, &one, &err), err);
        contact_sort(&one);
        o.many = 1;
        for (o.threads = 1; o.threads < 4; o.threads++) {
            assert_ok(contact_find(&s, &o, cases, n, links, n_links, work, &found, &err), err);
            contact_sort(&found);
            assert_int_equal(found.n_contacts, one.n_contacts);
            assert_int_equal(found.n_venues, one.n_venues);
            assert_int_equal(found.stays_read, one.stays_read);
            if (one.n_venues) assert_memory_equal(found.venues, one.venues, one.n_venues * sizeof *one.venues);
            for (size_t i = 0; i < one.n_contacts; i++) {
                const struct contact *a = &one.contacts[i], *b = &found.contacts[i];
                assert_true(a->person == b->person && a->degree == b->degree && a->kind == b->kind && a->overlap_s == b->overlap_s && a->first == b->first && a->last == b->last &&
                            a->score == b->score && a->n_evidence == b->n_evidence);
                uint32_t x = a->evidence, y = b->evidence;
                for (; x && y; x = one.evidence[x - 1].next, y = found.evidence[y - 1].next) {
                    struct contact_evidence e = one.evidence[x - 1], f = found.evidence[y - 1];
                    e.next = f.next = 0;
                    assert_memory_equal(&e, &f, sizeof e);
                }
                assert_true(!x && !y);
            }
            contacts += one.n_contacts;
        }
    }
    contact_result_clear(&one);
    assert_true(contacts > 10000);
}

/* Cutting stays into pieces, in any order, some twice. */
static void cutting_a_stay_changes_nothing(void **state) {
    struct rng r = {0};
    static struct truth truth[PERSONS];
    rng_seed(&r, 43);
    for (int round = 0; round < 200; round++) {
        struct contact_index cases[6];
        struct contact_options o = rules(1 + round % 2, round / 2 % 2);
        draw(&r, 150);
        size_t n = cases_draw(&r, cases, 6), before = city.n;
        ask(&city, &o, cases, n);
        size_t had = found.n_contacts, k = 0;
        for (uint32_t p = 0; p < PERSONS; p++) {
            const struct contact *c = who(p);
            truth[p] = c ? (struct truth){c->degree, c->kind, c->overlap_s, c->first, c->last} : (struct truth){0};
        }
        for (size_t i = 0; i < before; i++) {
            struct presence *p = &rows[i];
            if (p->end - p->start < 2 || rng_below(&r, 2)) continue;
            struct presence rest = *p;
            p->end = rest.start = p->start + 1 + (int32_t)rng_below(&r, (uint64_t)(p->end - p->start - 1));
            rows[city.n++] = rest;
            if (!rng_below(&r, 3)) rows[city.n++] = rest;
            k++;
        }
        if (city.n % 7919 == 0) city.n--;
        assert_true(k > 10);
        ask(&city, &o, cases, n);
        assert_int_equal(found.n_contacts, had);
        for (uint32_t p = 0; p < PERSONS; p++) {
            const struct contact *c = who(p);
            assert_int_equal(c != NULL, truth[p].degree != 0);
            if (c) assert_true(c->degree == truth[p].degree && c->kind == truth[p].kind && c->overlap_s == truth[p].overlap_s && c->first == truth[p].first && c->last == truth[p].last);
        }
    }
}

static void forwards_and_backwards_see_the_same_meetings(void **state) {
    struct rng r = {0};
    size_t pairs = 0;
    rng_seed(&r, 47);
    for (int round = 0; round < 12; round++) {
        static bool forward[PERSONS][PERSONS];
        struct contact_options o = rules(1, false);
        draw(&r, 250);
        for (uint32_t p = 0; p < PERSONS; p++) {
            struct contact_index one = {p, -1000, 5 * DAY_S};
            ask(&city, &o, &one, 1);
            for (uint32_t q = 0; q < PERSONS; q++) pairs += forward[p][q] = who(q) != NULL;
        }
        o.reverse = true;
        for (uint32_t q = 0; q < PERSONS; q++) {
            struct contact_index one = {q, -1000, 5 * DAY_S};
            ask(&city, &o, &one, 1);
            for (uint32_t p = 0; p < PERSONS; p++) assert_int_equal(forward[p][q], who(p) != NULL);
        }
    }
    assert_true(pairs > 1000);
}

static void stricter_thresholds_find_less(void **state) {
    struct rng r = {0};
    rng_seed(&r, 53);
    for (int round = 0; round < 300; round++) {
        struct contact_index cases[4];
        struct contact_options o = rules(1, round % 2), strict;
        static bool had[PERSONS];
        draw(&r, 200);
        size_t n = cases_draw(&r, cases, 4);
        ask(&city, &o, cases, n);
        for (uint32_t p = 0; p < PERSONS; p++) had[p] = who(p) != NULL;
        strict = o;
        struct contact_index narrow[4];
        memcpy(narrow, cases, sizeof narrow);
        for (int c = 0; c < 4; c++) {
            if (round % 4 == 0) strict.rules[c].overlap_s += (int32_t)rng_below(&r, 3000);
            if (round % 4 == 1) strict.rules[c].after_s -= strict.rules[c].after_s / 2;
            if (round % 4 == 2 && strict.rules[c].rows > 0) strict.rules[c].rows--;
        }
        for (size_t i = 0; round % 4 == 3 && i < n; i++) {
            int32_t third = (narrow[i].to - narrow[i].from) / 3;
            narrow[i].from += third, narrow[i].to -= third;
        }
        ask(&city, &strict, narrow, n);
        for (uint32_t p = 0; p < PERSONS; p++)
            if (who(p)) assert_true(had[p]);
    }
}

static void many_cases_find_what_each_finds(void **state) {
    struct rng r = {0};
    rng_seed(&r, 59);
    for (int round = 0; round < 100; round++) {
        struct contact_index cases[8];
        struct contact_options o = rules(1, round % 2);
        bool any[PERSONS] = {false};
        draw(&r, 200);
        size_t n = cases_draw(&r, cases, 8);
        for (size_t i = 0; i < n; i++) {
            ask(&city, &o, &cases[i], 1);
            for (uint32_t p = 0; p < PERSONS; p++) any[p] |= who(p) != NULL;
        }
        for (size_t i = 0; i < n; i++) any[cases[i].person] = false;
        ask(&city, &o, cases, n);
        for (uint32_t p = 0; p < PERSONS; p++) assert_int_equal(any[p], who(p) != NULL);
    }
}

static void evidence_adds_up(void **state) {
    struct rng r = {0};
    rng_seed(&r, 61);
    for (int round = 0; round < 60; round++) {
        struct contact_index cases[5];
        struct contact_options o = rules(1 + round % 2, false);
        draw(&r, 250);
        size_t n = cases_draw(&r, cases, 5);
        ask(&city, &o, cases, n);
        for (size_t i = 0; i < found.n_contacts; i++) {
            const struct contact *c = &found.contacts[i];
            int64_t sum = 0;
            double dose = 0;
            uint32_t pieces = 0;
            int32_t first = INT32_MAX, last = INT32_MIN;
            for (uint32_t e = c->evidence; e; e = found.evidence[e - 1].next, pieces++) {
                const struct contact_evidence *v = &found.evidence[e - 1];
                const struct contact_rule *rule = &o.rules[city.classes[v->place]];
                sum += v->overlap_s;
                if (v->kind == CONTACT_MET) {
                    assert_true(v->overlap_s == v->end - v->start && v->overlap_s >= rule->overlap_s);
                    dose += v->overlap_s / 3600.0 * CONTACT_RATE_PER_HOUR * rule->weight;
                } else assert_true(rule->after_s > 0 && v->overlap_s == 0);
                if (v->rows_apart != 255) assert_true(v->rows_apart <= rule->rows);
                if (v->start < first) first = v->start;
                if (v->end > last) last = v->end;
                assert_int_not_equal(v->through, c->person);
                for (uint32_t f = v->next; f; f = found.evidence[f - 1].next) { /* never a minute twice at one place */
                    const struct contact_evidence *u = &found.evidence[f - 1];
                    assert_false(u->kind == CONTACT_MET && v->kind == CONTACT_MET && u->place == v->place && u->start <= v->end && v->start <= u->end);
                }
            }
            assert_int_equal(pieces, c->n_evidence);
            assert_int_equal(sum, c->overlap_s);
            assert_true(first == c->first && last == c->last);
            assert_true(c->score >= -expm1(-dose) - 1e-9 && c->score < 1);
        }
        o.evidence = false; /* only sums */
        size_t had = found.n_contacts;
        ask(&city, &o, cases, n);
        assert_int_equal(found.n_contacts, had);
        assert_int_equal(found.n_evidence, 0);
    }
    /* an hour together: 1.1 %, the figure of the source */
    rows[0] = (struct presence){.person = 1, .place = 4, .start = 0, .end = 3600};
    rows[1] = (struct presence){.person = 2, .place = 4, .start = 0, .end = 3600};
    city.n = 2;
    city.classes[4] = 0;
    struct contact_options o = rules(1, false);
    ask(&city, &o, &(struct contact_index){1, 0, DAY_S}, 1);
    assert_int_equal(found.n_contacts, 1);
    assert_true(fabs(found.contacts[0].score - (1 - exp(-0.011))) < 1e-9);
}

/* A train of carriages 1 to 9, rows 1 to 20, from 8:00 to 12:00. Person 1 has a ticket for row 7 of carriage 2. */
static void a_ticket_says_more_than_a_scan(void **state) {
    enum { H = 3600 };
    struct contact_options o = rules(1, false);
    const struct contact_index one = {1, 0, DAY_S}, far = {2, 0, DAY_S};
    o.rules[1].after_s = 0;
    city.classes[1] = 1;
    static const struct presence ticket = {.person = 1, .place = 1, .start = 8 * H, .end = 12 * H, .zone = 2, .row = 7}, scan = {.person = 1, .place = 1, .start = 8 * H, .end = 8 * H + 1800},
                                 carriage = {.person = 1, .place = 1, .start = 9 * H, .end = 9 * H + 1800, .zone = 2}, elsewhere = {.person = 1, .place = 1, .start = 9 * H, .end = 9 * H + 1800, .zone = 5};
    const struct { struct presence a, b; uint16_t zone, row; int64_t found_s; } cases[] = {
        {ticket, ticket, 2, 11, 0},          {ticket, ticket, 2, 10, 4 * H},      {ticket, scan, 2, 11, 0},     {ticket, scan, 5, 7, 0}, {ticket, scan, 0, 0, 4 * H}, {ticket, carriage, 2, 11, 0},
        {carriage, carriage, 2, 11, 1800}, /* no ticket: anybody of the carriage */
        {ticket, elsewhere, 5, 11, 1800},  /* who was seen in another carriage was there */
        {scan, scan, 5, 7, 1800},          {scan, carriage, 5, 7, 1800}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rows[0] = cases[i].a, rows[1] = cases[i].b;
        rows[2] = (struct presence){.person = 2, .place = 1, .start = 8 * H, .end = 12 * H, .zone = cases[i].zone, .row = cases[i].row};
        city.n = 3;
        for (int turned = 0; turned < 2; turned++) {
            ask(&city, &o, turned ? &far : &one, 1);
            if ((found.n_contacts ? found.contacts[0].overlap_s : 0) != cases[i].found_s) fail_msg("%zu %d: %lld s", i, turned, found.n_contacts ? (long long)found.contacts[0].overlap_s : 0);
        }
    }
    /* ten minutes before the ticket begins and ten after, beside one of whom no seat is known, are twenty; so are ten in each of two seats near him */
    rows[0] = (struct presence){.person = 1, .place = 1, .start = 8 * H - 600, .end = 8 * H + 1800};
    rows[1] = ticket;
    rows[2] = (struct presence){.person = 2, .place = 1, .start = 8 * H - 600, .end = 8 * H + 600};
    o.rules[1].overlap_s = 1200;
    ask(&city, &o, &one, 1);
    assert_true(found.n_contacts == 1 && found.contacts[0].overlap_s == 1200 && found.n_evidence == 1);
    rows[0] = (struct presence){.person = 1, .place = 1, .start = 8 * H - 600, .end = 8 * H, .zone = 2, .row = 9};
    rows[2].zone = 2, rows[2].row = 8;
    ask(&city, &o, &one, 1);
    assert_true(found.n_contacts == 1 && found.contacts[0].overlap_s == 1200);
    rows[2].row = 12;
    ask(&city, &o, &one, 1);
    assert_int_equal(found.n_contacts, 0);
    /* nobody leaves where his seat becomes known: who gets in a minute later sat far away */
    o.rules[1] = (struct contact_rule){.overlap_s = 600, .after_s = 900, .rows = 3, .weight = 1};
    rows[0] = (struct presence){.person = 1, .place = 1, .start = 8 * H - 600, .end = 8 * H + 1800};
    rows[2] = (struct presence){.person = 2, .place = 1, .start = 8 * H + 60, .end = 9 * H, .zone = 5, .row = 1};
    ask(&city, &o, &one, 1);
    assert_int_equal(found.n_contacts, 0);
}

static void a_crowd_is_a_venue(void **state) {
    struct contact_options o = rules(1, false);
    city.n = 0;
    for (uint32_t p = 0; p < 30; p++) rows[city.n++] = (struct presence){.person = p, .place = 0, .start = 1000, .end = 9000, .zone = (uint16_t)(p < 10 ? 1 + p % 2 : 0)};
    city.classes[0] = 0;
    o.rules[0].crowd = 31;
    ask(&city, &o, &(struct contact_index){20, 2000, DAY_S}, 1);
    assert_int_equal(found.n_contacts, 29);
    assert_int_equal(found.n_venues, 0);
    o.rules[0].crowd = 30;
    ask(&city, &o, &(struct contact_index){20, 2000, DAY_S}, 1);
    assert_int_equal(found.n_contacts, 0);
    assert_int_equal(found.n_venues, 1);
    assert_true(found.venues[0].place == 0 && found.venues[0].from == 2000 && found.venues[0].to == 9000 && found.venues[0].crowd == 30 && found.venues[0].through == 20);
    /* whose hall is known, met those of the same hall */
    ask(&city, &o, &(struct contact_index){3, 2000, DAY_S}, 1);
    assert_int_equal(found.n_venues, 0);
    assert_int_equal(found.n_contacts, 4);
}

static void what_cases_have_in_common(void **state) {
    struct rng r = {0};
    struct presence_source s = presences_source(&city, PERSONS, PLACES);
    struct contact_options o = rules(1, false);
    struct contact_common c;
    struct error err = {0};
    city.n = 0;
    rng_seed(&r, 67);
    /* everybody passes place 0; five cases, and nobody else, were at place 5 with person 33 */
    for (uint32_t p = 0; p < PERSONS; p++) rows[city.n++] = (struct presence){.person = p, .place = 0, .start = (int32_t)(p * 2000), .end = (int32_t)(p * 2000 + 100)};
    for (uint32_t p = 0; p < 5; p++) rows[city.n++] = (struct presence){.person = p, .place = 4, .start = 1000 + (int32_t)p * 7200, .end = 3600 + (int32_t)p * 7200};
    rows[city.n++] = (struct presence){.person = 33, .place = 4, .start = 0, .end = DAY_S};
    city.classes[4] = 0;
    struct contact_index cases[5];
    for (uint32_t p = 0; p < 5; p++) cases[p] = (struct contact_index){p, 0, 2 * DAY_S};
    assert_ok(contact_common(&s, &o, cases, NULL, 5, NULL, 0, 0, work, &c, &err), err);
    assert_int_equal(c.n_places, 2);
    assert_int_equal(c.places[0].place, 4);
    assert_int_equal(c.places[0].cases, 5);
    assert_int_equal(c.places[0].visitors, 6);
    assert_true(fabs(c.places[0].log10_chance - 5 * log10(6.0 / PERSONS)) < 1e-9);
    assert_int_equal(c.places[1].place, 0);
    assert_true(c.places[1].log10_chance == 0);
    assert_true(c.n_persons >= 1 && c.persons[0].person == 33 && c.persons[0].cases == 5);
    contact_common_clear(&c);
}

static void a_failed_allocation_is_an_error(void **state) {
    struct rng r = {0};
    rng_seed(&r, 71);
    draw(&r, 700);
    struct presence_source s = presences_source(&city, PERSONS, PLACES);
    struct contact_options o = rules(2, false);
    struct contact_index cases[10];
    size_t n = cases_draw(&r, cases, 10);
    for (int swept = 0; swept < 2; swept++) {
        bool done = false;
        o.many = swept ? 1 : 256;
        o.threads = 2;
        for (long k = 1; k < 400 && !done; k++) {
            struct contact_work *w = contact_work_new();
            assert_non_null(w);
            struct contact_result res = {0};
            struct error err = {0};
            mem_fail_at(k, false);
            int rc = contact_find(&s, &o, cases, n, NULL, 0, w, &res, &err);
            mem_fail_at(0, false);
            done = rc == 0;
            if (rc < 0) assert_true(rc == E_MEMORY && err.code == E_MEMORY);
            contact_result_clear(&res);
            contact_work_free(w);
        }
        assert_true(done);
    }
}

int main(void) {
    if (digest_init(NULL) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(equal_to_the_pairwise_definition),
        cmocka_unit_test(sweeping_changes_nothing),
        cmocka_unit_test(cutting_a_stay_changes_nothing),
        cmocka_unit_test(forwards_and_backwards_see_the_same_meetings),
        cmocka_unit_test(stricter_thresholds_find_less),
        cmocka_unit_test(many_cases_find_what_each_finds),
        cmocka_unit_test(evidence_adds_up),
        cmocka_unit_test(a_ticket_says_more_than_a_scan),
        cmocka_unit_test(a_crowd_is_a_venue),
        cmocka_unit_test(what_cases_have_in_common),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

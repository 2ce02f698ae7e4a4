/* The made-up county: refused options first, then what must hold in every story whatever the seed. */
#include "check.h"

#include "engines/city.h"

static struct city_options story(uint64_t seed) {
    return (struct city_options){.seed = seed, .persons = 1500, .first = 19113 /* 2022-05-01 */, .zone_s = ZONE_CHINA_S, .region = "310115"};
}

static struct city *made(struct city_options o) {
    struct city *c = NULL;
    struct error err = {0};
    assert_ok(city_make(&o, &c, &err), err);
    return c;
}

static void options_out_of_range_are_refused(void **state) {
    (void)state;
    struct city_options bad[6];
    const char *where[6] = {"people", "people", "days", "region", "region", "first"};
    for (int i = 0; i < 6; i++) bad[i] = story(1);
    bad[0].persons = 10;
    bad[1].persons = -5;
    bad[2].days = CITY_DAYS_MAX + 1;
    memcpy(bad[3].region, "31011", 6);
    memcpy(bad[4].region, "31O115", 7);
    bad[5].first = DAY_MAX;
    for (int i = 0; i < 6; i++) {
        struct city *c = NULL;
        struct error err = {0};
        assert_int_equal(city_make(&bad[i], &c, &err), E_INVALID);
        assert_string_equal(err.where, where[i]);
        assert_null(c);
    }
    city_free(NULL);
}

static bool id_card_right(const char *id) {
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    if (strlen(id) != 18) return false;
    for (int i = 0; i < 17; i++) sum += (id[i] - '0') * weights[i];
    return id[17] == "10X98765432"[sum % 11];
}

/* GB 32100: the weighted sum of all 18 with the last one weighted 1 is a multiple of 31. */
static bool unit_code_right(const char *code) {
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    int sum = 0, weight = 1;
    if (strlen(code) != 18) return false;
    for (int i = 0; i < 17; i++, weight = weight * 3 % 31) sum += (int)(strchr(alphabet, code[i]) - alphabet) * weight;
    return (sum + (int)(strchr(alphabet, code[17]) - alphabet)) % 31 == 0;
}

static void documents_fit_their_owner(void **state) {
    (void)state;
    struct city *c = made(story(7));
    size_t cards = 0, none = 0;
    for (size_t i = 0; i < c->n_persons; i++) {
        const struct city_person *p = &c->persons[i];
        assert_true(strlen(p->name) >= 6 && text_utf8_valid(text_of(p->name)));
        assert_int_equal(strlen(p->phone), 11);
        none += p->document_kind == CITY_NO_DOCUMENT;
        if (p->document_kind != CITY_ID_CARD) continue;
        char birth[9];
        struct civil b = civil_of_day(p->birth);
        snprintf(birth, sizeof birth, "%04u%02u%02u", (unsigned)b.year % 10000, (unsigned)b.month % 100, (unsigned)b.day % 100);
        assert_true(id_card_right(p->document));
        assert_memory_equal(p->document + 6, birth, 8);
        assert_int_equal((p->document[16] - '0') % 2, p->sex == CITY_MALE);
        cards++;
    }
    assert_true(cards > c->n_persons * 9 / 10 && none > 0);
    for (size_t i = 0; i < c->n_organisations; i++) assert_true(unit_code_right(c->organisations[i].unit_code));
    city_free(c);
}

static void people_are_counted_once(void **state) {
    (void)state;
    struct city *c = made(story(3));
    size_t at = 0, in_teams = 0;
    for (size_t h = 0; h < c->n_households; h++) {
        assert_int_equal(c->households[h].first, at);
        assert_in_range(c->households[h].n, 1, 5);
        at += (size_t)c->households[h].n;
    }
    assert_int_equal(at, c->n_persons);
    assert_true(c->n_persons >= 1500 && c->n_persons < 1505);
    for (size_t i = 0; i < c->n_persons; i++) in_teams += c->persons[i].team >= 0;
    assert_int_equal(c->team_first[c->n_teams], in_teams);
    for (int32_t t = 0; t < c->n_teams; t++)
        for (int32_t k = c->team_first[t]; k < c->team_first[t + 1]; k++) assert_int_equal(c->persons[c->members[k]].team, t);
    city_free(c);
}

/* Time runs forward, nothing is later than the end, and every reference points to something that exists. */
static void stories_are_consistent(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct city *c = made(story(seed));
        size_t found = 0;
        for (size_t i = 0; i < c->n_infections; i++) {
            const struct city_infection *f = &c->infections[i];
            assert_true(f->infector < (int32_t)i);
            assert_int_equal(f->infector < 0, f->imported);
            assert_int_equal(f->imported, i == 0);
            if (f->infector >= 0) assert_true(c->infections[f->infector].exposed_at < f->exposed_at);
            assert_true(f->exposed_at < c->end);
            if (f->found_order < 0) continue;
            found++;
            assert_int_equal(c->cases[f->found_order], i);
            assert_true(f->exposed_at < f->detected_at && f->detected_at < c->end);
            if (f->reported_at != INSTANT_NONE) assert_true(f->reported_at >= f->detected_at && f->reported_at < c->end);
            if (f->treated_at != INSTANT_NONE) assert_true(f->treated_at >= f->isolated_at && f->isolated_at >= f->detected_at);
        }
        assert_int_equal(found, c->n_cases);
        for (size_t i = 1; i < c->n_cases; i++)
            assert_true(c->infections[c->cases[i - 1]].detected_at <= c->infections[c->cases[i]].detected_at);
        for (size_t k = 0; k < c->n_contacts; k++) {
            const struct city_contact *t = &c->contacts[k];
            assert_true(t->first <= t->last);
            assert_true(t->index >= 0 && (size_t)t->index < c->n_infections && c->infections[t->index].found_order >= 0);
            assert_true(t->person >= 0 && (size_t)t->person < c->n_persons && t->person != c->infections[t->index].person);
            assert_true(t->found_at >= c->infections[t->index].detected_at && t->found_at < c->end);
            assert_true(t->last <= day_of_instant(t->found_at, c->options.zone_s));
            assert_true(t->through < (int32_t)k);
            if (t->released_at != INSTANT_NONE) assert_true(!t->converted && t->released_at > t->placed_at && t->released_at < c->end);
            if (t->placed_at != INSTANT_NONE) assert_true(t->placed_at >= t->found_at && t->placed_at < c->end);
        }
        size_t positives = 0;
        for (size_t k = 0; k < c->n_tests; k++) {
            const struct city_test *t = &c->tests[k];
            assert_true(t->sampled_at < c->end && (t->result_at == INSTANT_NONE || t->result_at > t->sampled_at));
            assert_int_equal(t->positive, t->ct_hundredths > 0);
            positives += t->positive;
            if (t->contact >= 0) assert_true(t->sampled_at >= c->contacts[t->contact].placed_at);
        }
        assert_int_equal(positives, c->n_cases); /* each case is found by exactly one positive result */
        for (size_t k = 0; k < c->n_stays; k++) {
            const struct city_stay *s = &c->stays[k];
            assert_true(s->started_at < c->end && (s->ended_at == INSTANT_NONE || s->ended_at >= s->started_at));
            assert_int_equal(s->kind == CITY_STAY_HOSPITAL, s->contact < 0);
        }
        for (size_t k = 0; k < c->n_checks; k++) {
            assert_in_range(c->checks[k].temperature_tenths, 355, 420);
            assert_int_equal(c->checks[k].symptoms != 0, c->checks[k].temperature_tenths >= 373);
        }
        city_free(c);
    }
}

static bool same(const void *a, const void *b, size_t n, size_t size) {
    return n == 0 || memcmp(a, b, n * size) == 0;
}

static void same_seed_same_city(void **state) {
    (void)state;
    struct city *a = made(story(11)), *b = made(story(11)), *other = made(story(12));
    assert_int_equal(a->n_contacts, b->n_contacts);
    assert_int_equal(a->n_checks, b->n_checks);
    assert_true(same(a->persons, b->persons, a->n_persons, sizeof *a->persons));
    for (size_t i = 0; i < a->n_contacts; i++) assert_true(a->contacts[i].found_at == b->contacts[i].found_at);
    for (size_t i = 0; i < a->n_infections; i++) assert_true(a->infections[i].exposed_at == b->infections[i].exposed_at);
    assert_false(same(a->persons, other->persons, 100, sizeof *a->persons));
    city_free(a);
    city_free(b);
    city_free(other);
}

/* The shape of the default story: large enough to show, small enough to read, with the faults the loop must catch. */
static void the_default_story_has_something_to_catch(void **state) {
    (void)state;
    struct city_options o = story(20220530);
    o.persons = 0;
    struct city *c = made(o);
    size_t never_placed = 0, isolated = 0, serial_n = 0;
    double serial = 0;
    for (size_t k = 0; k < c->n_contacts; k++) never_placed += c->contacts[k].placed_at == INSTANT_NONE;
    for (size_t i = 0; i < c->n_infections; i++) {
        const struct city_infection *f = &c->infections[i];
        isolated += f->found_order >= 0 && f->discovery == CITY_BY_ISOLATION;
        if (f->infector < 0 || f->onset == CITY_NO_DAY || c->infections[f->infector].onset == CITY_NO_DAY) continue;
        serial += f->onset - c->infections[f->infector].onset;
        serial_n++;
    }
    print_message("# %zu persons, %zu infections, %zu cases (%zu found in isolation), %zu contacts (%zu not placed), %zu tests, %zu stays, "
                  "%zu checks, serial interval %.1f d, story %d\n",
                  c->n_persons, c->n_infections, c->n_cases, isolated, c->n_contacts, never_placed, c->n_tests, c->n_stays, c->n_checks,
                  serial / (double)(serial_n ? serial_n : 1), c->attempts);
    assert_in_range(c->n_cases, 30, 400);
    assert_true(c->n_contacts > c->n_cases * 2);
    assert_true(never_placed > 0 && isolated > 0);
    assert_true(serial_n > 10 && serial / (double)serial_n > 1.5 && serial / (double)serial_n < 5);
    city_free(c);
}

static void a_failed_allocation_is_an_error(void **state) {
    (void)state;
    for (long n = 1; n < 200; n += 7) {
        struct city_options o = story(5);
        struct city *c = NULL;
        struct error err = {0};
        o.persons = 300;
        mem_fail_at(n, false);
        int rc = city_make(&o, &c, &err);
        mem_fail_at(0, false);
        if (rc < 0) assert_true(rc == E_MEMORY && err.code == E_MEMORY && c == NULL);
        else city_free(c);
    }
}

int main(void) {
    if (digest_init(NULL) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_out_of_range_are_refused),        cmocka_unit_test(documents_fit_their_owner),
        cmocka_unit_test(people_are_counted_once),                 cmocka_unit_test(stories_are_consistent),
        cmocka_unit_test(same_seed_same_city),                     cmocka_unit_test(the_default_story_has_something_to_catch),
        cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

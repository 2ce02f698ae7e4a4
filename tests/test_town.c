/* The made-up city: refused parameters first, then that it is the same however it is drawn, and has the shape it is said to have. */
#include "check.h"

#include "base/digest.h"
#include "engines/town.h"
#include "folder.h"

static struct town_parameters parameters;

static int start(void **state) {
    char path[600];
    struct error err = {0};
    const char *home = getenv("TOCSIN_HOME");
    snprintf(path, sizeof path, "%s/scenarios/city.yaml", home ? home : ".");
    int rc = town_parameters_read(path, &parameters, &err);
    if (rc < 0) print_error("%s at %s\n", err.message, err.where);
    return rc;
}

static struct town *made(uint64_t seed, uint32_t n, int threads) {
    struct town *t = NULL;
    struct error err = {0};
    assert_ok(town_make(&parameters, seed, n, 7, threads, &t, &err), err);
    return t;
}

static void what_cannot_be_drawn_is_refused(void **state) {
    struct town *t = NULL;
    struct town_parameters p;
    struct folder f;
    char path[200];
    struct error err = {0};
    assert_int_equal(town_make(&parameters, 1, 10, 1, 1, &t, &err), E_INVALID);
    assert_int_equal(town_make(&parameters, 1, TOWN_PERSONS_MAX + 1, 1, 1, &t, NULL), E_INVALID);
    assert_int_equal(town_make(&parameters, 1, 1000, 0, 1, &t, NULL), E_INVALID);
    assert_int_equal(town_make(&parameters, 1, 1000, 1, 0, &t, NULL), E_INVALID);
    folder_make(&f);
    static const char *const bad[] = {"name: x\n", "parameters: {household_size_percent: {value: [1, 2], source: s}}\n",
                                      "parameters: {household_size_percent: {value: [1, 2, 3, 4, 5, 6]}}\n", "parameters: [\n"};
    for (int i = 0; i < 4; i++) {
        folder_write(f.path, "city.yaml", bad[i]);
        snprintf(path, sizeof path, "%s/city.yaml", f.path);
        err = (struct error){0};
        assert_true(town_parameters_read(path, &p, &err) < 0);
        assert_true(err.code < 0);
    }
    folder_remove(f.path);
    town_free(NULL);
}

static void the_same_seed_is_the_same_city_with_any_threads(void **state) {
    struct town *a = made(5, 20000, 1), *b = made(5, 20000, 2), *c = made(6, 20000, 1);
    assert_int_equal(a->n_places, b->n_places);
    assert_memory_equal(a->persons, b->persons, a->n_persons * sizeof *a->persons);
    assert_memory_not_equal(a->persons, c->persons, a->n_persons * sizeof *a->persons);
    struct presence x[TOWN_STAYS_MAX], y[TOWN_STAYS_MAX];
    for (uint32_t p = 0; p < a->n_persons; p += 37)
        for (int d = 0; d < 8; d++) {
            size_t n = town_stays(a, p, d, x);
            assert_int_equal(n, town_stays(b, p, d, y));
            assert_memory_equal(x, y, n * sizeof *x);
        }
    /* the first draws of this seed, for good: a change of the generator is a change of every figure that was published from it */
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    digest_bytes((struct text){(const char *)a->persons, a->n_persons * sizeof *a->persons}, digest);
    hex_of(digest, DIGEST_BYTES, hex);
    print_message("# city of seed 5: %s\n", hex);
    assert_int_equal(strncmp(hex, "20c6801a113e857d", 16), 0);
    town_free(a);
    town_free(b);
    town_free(c);
}

static void a_day_is_in_order(void **state) {
    struct town *t = made(1, 30000, 1);
    struct presence s[TOWN_STAYS_MAX];
    for (uint32_t p = 0; p < t->n_persons; p += 3)
        for (int d = 0; d < 7; d++) {
            size_t n = town_stays(t, p, d, s);
            assert_in_range(n, 1, TOWN_STAYS_MAX - 1);
            assert_int_equal(s[0].start, 0);
            assert_int_equal(s[0].place, t->persons[p].home);
            for (size_t i = 0; i < n; i++) {
                assert_true(s[i].person == p && s[i].place < t->n_places && s[i].start < s[i].end && s[i].end <= DAY_S);
                if (i) assert_true(s[i].start >= s[i - 1].end);
                assert_int_equal(s[i].zone > 0 && s[i].row > 0, town_class_of(t, s[i].place) == TOWN_VEHICLE);
            }
        }
    town_free(t);
}

static void the_shape_is_a_city(void **state) {
    struct town *t = made(2, 100000, 2);
    struct presence s[TOWN_STAYS_MAX];
    uint32_t *count = calloc(t->n_places, sizeof *count);
    size_t total = 0, busiest = 0, used[TOWN_CLASSES] = {0}, aged[3] = {0}, working = 0;
    for (uint32_t p = 0; p < t->n_persons; p++) {
        size_t n = town_stays(t, p, 2, s);
        total += n;
        for (size_t i = 0; i < n; i++) {
            count[s[i].place]++;
            used[town_class_of(t, s[i].place)]++;
        }
        aged[t->persons[p].age < 18 ? 0 : t->persons[p].age < 60 ? 1 : 2]++;
        working += t->persons[p].daytime != TOWN_NOWHERE && t->persons[p].age >= 23;
    }
    for (uint32_t i = 0; i < t->n_places; i++)
        if (count[i] > busiest) busiest = count[i];
    double per_day = (double)total / t->n_persons, household = (double)t->n_persons / t->first[TOWN_SCHOOL];
    print_message("# %.2f stays a person on a workday, households of %.2f, the busiest place has %zu, %u places, %zu work\n", per_day, household, busiest, t->n_places, working);
    assert_true(per_day > 3 && per_day < 5);
    assert_true(household > 2.4 && household < 2.8); /* census 2020: 2.62 */
    assert_true(aged[0] > 10000 && aged[0] < 20000 && aged[2] > 15000 && aged[2] < 30000);
    assert_true(busiest > 1000); /* heavy tail */
    for (int c = TOWN_HOME; c < TOWN_CLASSES; c++) assert_true(used[c] > 0);
    char name[24];
    town_place_name(t, t->first[TOWN_SHOP] + 12, name);
    assert_string_equal(name, "G12");
    free(count);
    town_free(t);
}

static void a_failed_allocation_is_an_error(void **state) {
    for (long n = 1; n < 12; n++) {
        struct town *t = NULL;
        struct error err = {0};
        mem_fail_at(n, false);
        int rc = town_make(&parameters, 1, 3000, 1, 1, &t, &err);
        mem_fail_at(0, false);
        if (rc < 0) assert_true(rc == E_MEMORY && err.code == E_MEMORY && !t);
        town_free(t);
    }
}

int main(void) {
    if (digest_init(NULL) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_drawn_is_refused), cmocka_unit_test(the_same_seed_is_the_same_city_with_any_threads),
        cmocka_unit_test(a_day_is_in_order), cmocka_unit_test(the_shape_is_a_city), cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

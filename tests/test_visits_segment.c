/* One day of visits as a file: refused bytes first, then that both orders give back exactly what went in. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "folder.h"
#include "visits/segment.h"

enum { PERSONS = 700, PLACES = 300 };

static struct folder dir;

static int start(void **state) {
    folder_make(&dir);
    return 0;
}

static int stop(void **state) {
    folder_remove(dir.path);
    return 0;
}

static int order(const void *pa, const void *pb) {
    const struct segment_row *a = pa, *b = pb;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    return (a->attr & ~PRESENCE_JOINS) - (b->attr & ~PRESENCE_JOINS);
}

/* A day with homes, a crowded place, midnights, stays without length, whole minutes, seats; distinct by their confidence. */
static size_t draw(struct rng *r, struct segment_row *rows, size_t n, bool minutes) {
    for (size_t i = 0; i < n; i++) {
        uint32_t unit = minutes ? 60 : 1, from = (uint32_t)rng_below(r, DAY_S / unit) * unit, span = (uint32_t)rng_below(r, 4 * 3600 / unit) * unit;
        rows[i] = (struct segment_row){.person = (uint32_t)rng_below(r, PERSONS), .place = (uint32_t)(rng_below(r, 3) ? rng_below(r, PLACES) : 7),
                                       .start = (int32_t)from, .end = from + span > DAY_S || !rng_below(r, 9) ? DAY_S : (int32_t)(from + span),
                                       .attr = presence_attr((unsigned)rng_below(r, 3), (unsigned)(i % 101))};
        if (!rng_below(r, 7)) rows[i].start = 0;
        if (!rng_below(r, 11)) rows[i].zone = (uint16_t)rng_below(r, 9), rows[i].row = (uint16_t)rng_below(r, 30), rows[i].attr |= PRESENCE_SEATED;
        if (rows[i].end < rows[i].start) rows[i].end = rows[i].start;
    }
    return n;
}

static struct segment *made(struct segment_row *rows, size_t n, uint32_t n_persons, uint32_t n_places, const char *name) {
    struct segment_spec spec = {.dir = dir.path, .name = name, .day = 19000, .zone_s = ZONE_CHINA_S, .n_persons = n_persons, .n_places = n_places, .generation = 3};
    struct segment *s = NULL;
    struct error err = {0};
    uint64_t kept, bytes;
    assert_ok(segment_write(&spec, rows, n, &kept, &bytes, &err), err);
    assert_ok(segment_open(dir.path, name, &s, &err), err);
    assert_int_equal(s->head.rows, kept);
    assert_int_equal(s->bytes, bytes);
    return s;
}

static void numbers_come_back_packed(void **state) {
    struct rng r = {0};
    rng_seed(&r, 5);
    for (int round = 0; round < 3000; round++) {
        uint32_t values[PACK_BLOCK], out[PACK_BLOCK];
        size_t n = 1 + rng_below(&r, PACK_BLOCK);
        unsigned wide = (unsigned)rng_below(&r, 32), narrow = (unsigned)rng_below(&r, wide + 1);
        for (size_t i = 0; i < n; i++) values[i] = (uint32_t)rng_below(&r, 1ull << (rng_below(&r, 4) ? narrow : wide)) + (round & 1 ? 77 : 0);
        struct buf b = {0};
        struct pack p;
        assert_int_equal(pack_write(values, n, round & 2 ? 0 : UINT32_MAX, &b, &p), 0);
        assert_int_equal(b.n, pack_bytes(p, n));
        assert_true(pack_valid(p));
        assert_int_equal(buf_add(&b, "0123456789abcdef", 16), 0);
        size_t from = rng_below(&r, n), to = from + rng_below(&r, n - from + 1);
        pack_read(p, (const uint8_t *)b.s, n, from, to, out);
        for (size_t i = from; i < to; i++) assert_int_equal(out[i - from], values[i]);
        for (size_t i = 0; i < n; i++) assert_int_equal(pack_get(p, (const uint8_t *)b.s, n, i), values[i]);
        buf_clear(&b);
    }
}

static void same_row(const struct segment_row *a, uint32_t person, uint32_t place, int32_t from, int32_t to, uint16_t attr, uint16_t zone, uint16_t row) {
    assert_int_equal(a->person, person);
    assert_int_equal(a->place, place);
    assert_int_equal(a->start, from);
    assert_int_equal(a->end, to);
    assert_int_equal(a->attr & ~PRESENCE_JOINS, attr & ~PRESENCE_JOINS);
    assert_int_equal(a->zone, zone);
    assert_int_equal(a->row, row);
}

static void check_both_orders(struct segment *s, struct segment_row *rows, size_t n) {
    struct error err = {0};
    static struct segment_rows got;
    qsort(rows, n, sizeof *rows, order);
    uint64_t total = 0;
    for (uint32_t p = 0; p < s->head.n_places; p++) {
        uint64_t first, end;
        assert_ok(segment_place(s, p, &first, &end, &err), err);
        total += end - first;
        for (uint64_t at = first; at < end;) {
            uint64_t before = at;
            assert_ok(segment_scan(s, &at, end, 0, DAY_S, true, &got, &err), err);
            assert_int_equal(got.n, at - before);
            for (size_t i = 0; i < got.n; i++)
                same_row(&rows[before + i], got.person[i], p, (int32_t)got.start[i], (int32_t)got.end[i], got.attr[i], got.seats ? got.zone[i] : 0, got.seats ? got.row[i] : 0);
        }
    }
    assert_int_equal(total, n);
    total = 0;
    bool *seen = calloc(n, 1);
    for (uint32_t p = 0; p < s->head.n_persons; p++) {
        uint64_t first, end;
        int32_t before = 0;
        assert_ok(segment_person(s, p, &first, &end, &err), err);
        total += end - first;
        for (uint64_t e = first; e < end; e++) {
            struct presence v;
            assert_ok(segment_entry(s, e, &v, &err), err);
            assert_int_equal(v.person, p);
            assert_true(v.start >= before);
            before = v.start;
            size_t at = 0;
            while (at < n && (seen[at] || rows[at].person != p || rows[at].place != v.place || rows[at].start != v.start || rows[at].end != v.end ||
                              (rows[at].attr & ~PRESENCE_JOINS) != (v.attr & ~PRESENCE_JOINS) || rows[at].zone != v.zone || rows[at].row != v.row))
                at++;
            assert_true(at < n);
            seen[at] = true;
        }
    }
    assert_int_equal(total, n);
    free(seen);
    for (uint64_t b = 0; b * PACK_BLOCK < n; b++) {
        struct segment_row out[PACK_BLOCK];
        size_t k = 0;
        assert_ok(segment_block(s, b, out, &k, &err), err);
        for (size_t i = 0; i < k; i++)
            same_row(&rows[b * PACK_BLOCK + i], out[i].person, out[i].place, out[i].start, out[i].end, out[i].attr, out[i].zone, out[i].row);
    }
    assert_ok(segment_check(s, &err), err);
}

static size_t distinct(struct segment_row *rows, size_t n) {
    size_t k = 0;
    qsort(rows, n, sizeof *rows, order);
    for (size_t i = 0; i < n; i++)
        if (!k || order(&rows[k - 1], &rows[i]) != 0 || rows[k - 1].zone != rows[i].zone || rows[k - 1].row != rows[i].row) rows[k++] = rows[i];
    return k;
}

static void what_goes_in_comes_out_in_both_orders(void **state) {
    static struct segment_row rows[9000], copy[9000];
    struct rng r = {0};
    rng_seed(&r, 11);
    static const size_t sizes[] = {1, 2, 127, 128, 129, 1000, 9000};
    for (int round = 0; round < 14; round++) {
        size_t n = draw(&r, rows, sizes[round / 2], round & 1);
        n = distinct(rows, n);
        memcpy(copy, rows, sizeof rows);
        /* dense, then sparse directories: the same rows among a million ids */
        struct segment *s = made(rows, n, PERSONS, PLACES, "a.seg");
        check_both_orders(s, copy, n);
        segment_close(s);
        s = made(rows, n, 100000, 90000, "b.seg");
        assert_true(s->head.places_sparse && s->head.persons_sparse);
        check_both_orders(s, copy, n);
        segment_close(s);
    }
}

static void the_same_stay_twice_is_kept_once(void **state) {
    struct segment_row rows[6] = {{5, 2, 100, 200, presence_attr(0, 90), 0, 0, 0}, {6, 2, 100, 200, presence_attr(0, 90), 0, 0, 0}};
    rows[2] = rows[3] = rows[0];
    rows[3].attr |= PRESENCE_JOINS; /* derived, not part of it */
    rows[4] = rows[0], rows[4].attr = presence_attr(1, 90);
    rows[5] = rows[0], rows[5].end = 201;
    struct segment *s = made(rows, 6, 10, 10, "c.seg");
    assert_int_equal(s->head.rows, 4);
    segment_close(s);
}

/* PRESENCE_JOINS is what lets an engine skip the joining of stays: nothing that touches may go without. */
static void touching_stays_are_marked(void **state) {
    static struct segment_row rows[4000];
    struct rng r = {0};
    struct error err = {0};
    rng_seed(&r, 3);
    size_t n = distinct(rows, draw(&r, rows, 4000, false));
    struct segment *s = made(rows, n, PERSONS, PLACES, "d.seg");
    struct segment_row *all = calloc(n + PACK_BLOCK, sizeof *all);
    size_t k, marked = 0;
    for (uint64_t b = 0; b * PACK_BLOCK < n; b++) assert_ok(segment_block(s, b, all + b * PACK_BLOCK, &k, &err), err);
    for (size_t i = 0; i < n; i++) {
        bool touches = all[i].start == 0 || all[i].end == DAY_S;
        for (size_t j = 0; j < n; j++)
            touches |= i != j && all[i].person == all[j].person && all[i].place == all[j].place && all[i].start <= all[j].end && all[j].start <= all[i].end;
        assert_int_equal((all[i].attr & PRESENCE_JOINS) != 0, touches);
        marked += touches;
    }
    assert_true(marked < n);
    free(all);
    segment_close(s);
}

static void a_range_of_a_crowded_place_is_that_range(void **state) {
    static struct segment_row rows[30000];
    static struct segment_rows got;
    struct rng r = {0};
    struct error err = {0};
    rng_seed(&r, 9);
    for (size_t i = 0; i < 30000; i++) {
        int32_t from = (int32_t)rng_below(&r, 80000);
        rows[i] = (struct segment_row){.person = (uint32_t)i, .place = 1, .start = from, .end = from + 600, .attr = 0};
    }
    rows[17].start = 0, rows[17].end = 40000; /* the clerk */
    struct segment *s = made(rows, 30000, 30000, 3, "e.seg");
    for (int32_t from = 0; from < 86000; from += 4321) {
        int32_t to = from + 1000;
        size_t want = 0, have = 0;
        uint64_t first, end, touched = 0;
        for (size_t i = 0; i < 30000; i++) want += rows[i].start < to && rows[i].end > from;
        assert_ok(segment_place(s, 1, &first, &end, &err), err);
        while (first < end) {
            assert_ok(segment_scan(s, &first, end, from, to, true, &got, &err), err);
            for (size_t i = 0; i < got.n; i++) have += (int32_t)got.start[i] < to && (int32_t)got.end[i] > from; /* others of its blocks may come with them */
            touched++;
        }
        assert_int_equal(have, want);
        assert_true(touched <= want / PACK_BLOCK + 8);
    }
    segment_close(s);
}

static void damage_is_told(void **state) {
    static struct segment_row rows[5000];
    struct rng r = {0};
    rng_seed(&r, 21);
    size_t n = distinct(rows, draw(&r, rows, 5000, false));
    struct segment *s = made(rows, n, PERSONS, PLACES, "f.seg");
    size_t bytes = s->bytes;
    uint8_t *copy = malloc(bytes);
    memcpy(copy, s->map, bytes);
    segment_close(s);
    struct error err = {0};
    assert_int_equal(segment_open(dir.path, "none.seg", &s, &err), E_CORRUPT);
    for (size_t cut = 0; cut < bytes; cut += 997) { /* truncated */
        err = (struct error){0};
        s = NULL;
        assert_int_equal(segment_open_bytes(copy, cut, &s, &err), E_CORRUPT);
        assert_null(s);
    }
    int opened = 0;
    for (size_t at = 0; at < bytes; at += at < SEGMENT_HEAD ? 7 : 211) { /* one bit each */
        copy[at] ^= (uint8_t)(1 << at % 8);
        err = (struct error){0};
        s = NULL;
        int rc = segment_open_bytes(copy, bytes, &s, &err);
        if (rc == 0) {
            rc = segment_check(s, &err);
            opened++;
            if (rc < 0) assert_true(atomic_load(&s->damaged));
            segment_close(s);
        }
        /* what is not covered is filling at the end of the head */
        bool filling = at >= sizeof(struct segment_head) + 4 && at < SEGMENT_HEAD;
        assert_true(rc == E_CORRUPT || rc == E_UNSUPPORTED || (filling && rc == 0));
        copy[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_true(opened > 100);
    free(copy);
}

static void a_failed_allocation_leaves_no_file(void **state) {
    static struct segment_row rows[600];
    struct rng r = {0};
    rng_seed(&r, 2);
    size_t n = draw(&r, rows, 600, false);
    char path[160];
    snprintf(path, sizeof path, "%s/g.seg", dir.path);
    for (long k = 1; k < 400; k++) {
        struct segment_spec spec = {.dir = dir.path, .name = "g.seg", .n_persons = PERSONS, .n_places = PLACES};
        struct error err = {0};
        uint64_t kept, bytes;
        mem_fail_at(k, false);
        int rc = segment_write(&spec, rows, n, &kept, &bytes, &err);
        mem_fail_at(0, false);
        if (rc == 0) break;
        assert_int_equal(rc, E_MEMORY);
        assert_int_equal(err.code, E_MEMORY);
        assert_int_equal(access(path, F_OK), -1);
    }
}

int main(void) {
    if (digest_init(NULL) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_is_told),                        cmocka_unit_test(a_failed_allocation_leaves_no_file),
        cmocka_unit_test(numbers_come_back_packed),              cmocka_unit_test(what_goes_in_comes_out_in_both_orders),
        cmocka_unit_test(the_same_stay_twice_is_kept_once),      cmocka_unit_test(touching_stays_are_marked),
        cmocka_unit_test(a_range_of_a_crowded_place_is_that_range),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

/* Genomes: what is no list or sequence is refused; what was planted in a sequence is found again, cut or with gaps; distances are symmetric, do not count what is not known, and grow with what
 * differs. Sequences of a file by name. */
#include <string.h>

#include "base/digest.h"
#include "check.h"
#include "engines/genome.h"
#include "files/fasta.h"

enum { LENGTH = 3000 };
static char reference[LENGTH + 1];

static struct text word(const char *s) {
    return text_of(s);
}

static void reference_draw(struct rng *r, size_t n) {
    for (size_t i = 0; i < n; i++) reference[i] = "ACGT"[rng_below(r, 4)];
    reference[n] = 0;
}

static void what_is_no_genome_is_refused(void **state) {
    static const char *const lists[][2] = {{"C241", ""}, {"C241TT", ""}, {"241", ""}, {"X241T", ""}, {"C0T", ""}, {"C9999999999T", ""}, {"C241*", ""}, {"C30000T", ""},
                                           {"", "9-4"}, {"", "a-b"}, {"", "1-"}, {"", "0-4"}, {"", "1-30000"}, {"", "5x"}};
    struct arena a = {0};
    struct genome g;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct error err = {0};
        assert_int_equal(genome_read(word(lists[i][0]), word(lists[i][1]), 29903, &a, &g, &err), E_SYNTAX);
        assert_string_equal(err.where, "differences");
    }
    struct error err = {0};
    assert_int_equal(genome_read(word("C241T 241A"), word(""), 0, &a, &g, &err), E_INVALID);
    struct rng r;
    rng_seed(&r, 1);
    reference_draw(&r, LENGTH);
    err = (struct error){0};
    assert_int_equal(genome_of(word(reference), word(""), &a, &g, &err), E_INVALID);
    assert_int_equal(genome_of(word(reference), word("ACG7"), &a, &g, &err), E_INVALID);
    assert_int_equal(genome_of(word(reference), word("----"), &a, &g, &err), E_INVALID);
    char other[LENGTH + 1];
    for (size_t i = 0; i < LENGTH; i++) other[i] = "ACGT"[rng_below(&r, 4)];
    other[LENGTH] = 0;
    assert_int_equal(genome_of(word(reference), word(other), &a, &g, &err), E_INVALID); /* another virus */
    char *big = malloc(20000);
    memset(big, 'A', 19999);
    big[19999] = 0;
    err = (struct error){0};
    assert_int_equal(genome_of(word(reference), word(big), &a, &g, &err), E_TOO_LARGE);
    free(big);
    arena_clear(&a);
}

static void lists_are_read_in_any_order(void **state) {
    struct arena a = {0};
    struct genome g;
    struct buf d = {0}, u = {0};
    struct error err = {0};
    assert_ok(genome_read(word(" a23403g;C241T, 241t|3037N"), word("29837-29903, 10 1-54,50-60"), 29903, &a, &g, &err), err);
    assert_true(g.n_snps == 2 && g.snps[0].at == 241 && g.snps[0].base == 'T' && g.snps[1].at == 23403 && g.snps[1].base == 'G');
    assert_true(g.n_unknown == 3 && g.unknown[0].from == 1 && g.unknown[0].to == 61 && g.unknown[1].from == 3037 && g.unknown[1].to == 3038);
    genome_write(&g, word(""), &d, &u);
    assert_string_equal(buf_cstr(&d), "241T 23403G");
    assert_string_equal(buf_cstr(&u), "1-60 3037-3037 29837-29903");
    struct genome again;
    assert_ok(genome_read(buf_view(&d), buf_view(&u), 29903, &a, &again, &err), err);
    assert_int_equal(genome_distance(&g, &again), 0);
    buf_clear(&d);
    buf_clear(&u);
    arena_clear(&a);
}

/* Substitutions, a stretch of N, a deletion, an insertion, cut ends: the substitutions are found, and nothing else. */
static void what_was_planted_is_found(void **state) {
    struct rng r;
    rng_seed(&r, 2);
    for (int round = 0; round < 60; round++) {
        struct arena a = {0};
        struct genome g;
        struct error err = {0};
        static char copy[2 * LENGTH], out[2 * LENGTH];
        bool planted[LENGTH] = {false};
        size_t n_planted = 0, n = 0, cut = round % 3 ? rng_below(&r, 80) : 0, tail = round % 3 ? rng_below(&r, 80) : 0, gap = 600, more = 2000, ns = 1200;
        reference_draw(&r, LENGTH);
        memcpy(copy, reference, LENGTH);
        for (int k = 0; k < 12; k++) {
            size_t at = 150 + rng_below(&r, LENGTH - 300);
            bool near = planted[at];
            for (size_t i = at - 30; i < at + 30; i++) near |= planted[i];
            if (near || (at > gap - 60 && at < gap + 90) || (at > more - 60 && at < more + 60) || (at > ns - 10 && at < ns + 60)) continue;
            copy[at] = copy[at] == 'A' ? 'C' : 'A';
            planted[at] = true;
            n_planted++;
        }
        memset(copy + ns, 'N', 50);
        for (size_t i = cut; i < LENGTH - tail; i++) {
            if (round % 4 == 1 && i >= gap && i < gap + 9) continue;
            if (round % 4 == 2 && i == more) memcpy(out + n, "ACACAC", 6), n += 6;
            out[n++] = rng_below(&r, 20) ? copy[i] : (char)(copy[i] | 32); /* either case */
        }
        assert_ok(genome_of(word(reference), (struct text){out, n}, &a, &g, &err), err);
        assert_int_equal(g.n_snps, n_planted);
        for (size_t i = 0; i < g.n_snps; i++) assert_true(planted[g.snps[i].at - 1] && g.snps[i].base == copy[g.snps[i].at - 1]);
        bool stretch = false;
        for (size_t i = 0; i < g.n_unknown; i++) stretch |= g.unknown[i].from == ns + 1 && g.unknown[i].to == ns + 51;
        assert_true(stretch);
        if (cut) assert_true(g.unknown[0].from == 1 && g.unknown[0].to == cut + 1);
        arena_clear(&a);
    }
}

static struct genome drawn(struct rng *r, struct arena *a) {
    struct genome g = {.length = 1000, .snps = arena_alloc(a, 40 * sizeof *g.snps), .unknown = arena_alloc(a, 10 * sizeof *g.unknown)};
    assert_true(g.snps && g.unknown);
    for (uint32_t at = 1 + (uint32_t)rng_below(r, 60); at <= 1000 && g.n_snps < 40; at += 1 + (uint32_t)rng_below(r, 60)) g.snps[g.n_snps++] = (struct genome_snp){at, "ACGT"[rng_below(r, 4)]};
    for (uint32_t at = 1 + (uint32_t)rng_below(r, 200); at <= 1000 && g.n_unknown < 10; at += 100 + (uint32_t)rng_below(r, 300))
        g.unknown[g.n_unknown++] = (struct genome_span){at, at + 1 + (uint32_t)rng_below(r, 90)};
    return g;
}

/* Position by position; the base of the reference is "R" where nothing is said. */
static void distances_are_what_differs_where_both_are_known(void **state) {
    struct rng r;
    rng_seed(&r, 3);
    for (int round = 0; round < 3000; round++) {
        struct arena a = {0};
        struct genome x = drawn(&r, &a), y = drawn(&r, &a);
        char bx[1200], by[1200];
        int32_t n = 0, unknown = 0;
        memset(bx, 'R', sizeof bx);
        memset(by, 'R', sizeof by);
        for (size_t i = 0; i < x.n_snps; i++) bx[x.snps[i].at] = x.snps[i].base;
        for (size_t i = 0; i < y.n_snps; i++) by[y.snps[i].at] = y.snps[i].base;
        for (size_t i = 0; i < x.n_unknown; i++) memset(bx + x.unknown[i].from, 0, x.unknown[i].to - x.unknown[i].from);
        for (size_t i = 0; i < y.n_unknown; i++) memset(by + y.unknown[i].from, 0, y.unknown[i].to - y.unknown[i].from);
        for (int i = 0; i < 1200; i++) unknown += !bx[i] || !by[i], n += bx[i] && by[i] && bx[i] != by[i];
        assert_int_equal(genome_distance(&x, &y), unknown > 500 ? -1 : n);
        assert_int_equal(genome_distance(&y, &x), unknown > 500 ? -1 : n);
        assert_int_equal(genome_distance(&x, &x) > 0, 0);
        arena_clear(&a);
    }
}

static void sequences_have_names(void **state) {
    struct text rest = word("; a remark\n>C-310115-1|2022-05-01 more words\r\nACGT\r\nac gt\n\n>2\n>three\nNNN"), name;
    struct buf b = {0};
    assert_true(fasta_next(&rest, &name, &b) && text_is(name, "C-310115-1") && text_is(buf_view(&b), "ACGTacgt"));
    assert_true(fasta_next(&rest, &name, &b) && text_is(name, "2") && b.n == 0);
    assert_true(fasta_next(&rest, &name, &b) && text_is(name, "three") && text_is(buf_view(&b), "NNN"));
    assert_false(fasta_next(&rest, &name, &b));
    buf_clear(&b);
}

static void a_failed_allocation_is_an_error(void **state) {
    struct rng r;
    char copy[LENGTH];
    rng_seed(&r, 4);
    reference_draw(&r, LENGTH);
    memcpy(copy, reference, LENGTH);
    for (long k = 1, done = 0; k < 100 && !done; k++) {
        struct arena a = {0};
        struct genome g;
        struct error err = {0};
        mem_fail_at(k, false);
        int rc = genome_of(word(reference), (struct text){copy, LENGTH - 5}, &a, &g, &err);
        mem_fail_at(0, false);
        done = rc == 0;
        assert_true(rc == 0 || (rc == E_MEMORY && err.code == E_MEMORY));
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_genome_is_refused), cmocka_unit_test(lists_are_read_in_any_order), cmocka_unit_test(what_was_planted_is_found),
        cmocka_unit_test(distances_are_what_differs_where_both_are_known), cmocka_unit_test(sequences_have_names), cmocka_unit_test(a_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The paper fallback: numbers that no two stacks share, sheets that are the same bytes for the same numbers, and typed-up sheets whose rows are taken, refused by field, and change nothing when told again. */
#include "sampling.h"

#include <stdio.h>

#include "desks/testing/tube_sheet.h"
#include "files/form.h"

static void what_may_not_be_printed_is_refused(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        const struct { struct tube_sheets q; int code; const char *where; } bad[] = {
            {{.round = g.round, .table = g.table}, E_INVALID, "count"}, {{.round = g.round, .table = g.table, .count = 201}, E_INVALID, "count"}, {{.round = 999999, .table = g.table, .count = 1}, E_UNKNOWN, "round"},
            {{.round = g.round, .table = 999999, .count = 1}, E_UNKNOWN, "site_table"}, {{.round = g.round, .table = g.table, .count = 1, .again = 1}, E_INVALID, "again"}};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            struct tube_sheets q = bad[i].q;
            struct error err = {0};
            int rc = tube_sheets_give(t.l, &t.s, &q, &err);
            if (rc != bad[i].code || strcmp(err.where, bad[i].where)) fail_msg("%zu: %d at %s: %s", i, rc, err.where, err.message);
        }
        struct error err = {0};
        struct tube_sheets q = {.round = g.round, .table = g.table, .count = 2};
        struct session nobody = t.s;
        nobody.n_grants = 0;
        assert_int_equal(tube_sheets_give(t.l, &nobody, &q, &err), E_DENIED);
        sample_open(&t, "site", g.other_site, "closed");
        q.table = g.other_table;
        assert_int_equal(tube_sheets_give(t.l, &t.s, &q, &err), E_REFUSED);
        sample_open(&t, "round", g.round, "closed");
        q.table = g.table;
        assert_int_equal(tube_sheets_give(t.l, &t.s, &q, &err), E_REFUSED);
        const struct text bars[] = {TEXT("P1-1-001")}, none[] = {TEXT("\xe7\xae\xa1")};
        struct form f = {.title = "x", .n_columns = 1, .rows = 10, .columns = {{TEXT("a"), 1}}, .n_pages = 1, .codes = none};
        struct buf out = {0};
        assert_int_equal(form_write_pdf(&f, &out, &err), E_INVALID); /* no bar code says that */
        f.codes = bars;
        f.rows = 21;
        assert_int_equal(form_write_pdf(&f, &out, &err), E_INVALID);
        assert_int_equal(out.n, 0);
        buf_clear(&out);
    }
}

static void no_number_is_given_twice(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct tube_sheets a = {.round = g.round, .table = g.table, .count = 12}, b = a, again = {.round = g.round, .table = g.table, .count = 3, .again = 2};
        int64_t round = 0, table = 0;
        assert_ok(tube_sheets_give(t.l, &t.s, &a, &err), err);
        test_ledger_reopen(&t); /* and not by another process */
        assert_ok(tube_sheets_give(t.l, &t.s, &b, &err), err);
        for (int i = 0; i < 12; i++) {
            assert_string_equal(a.numbers[i], arena_printf(&t.a, "P%lld-%lld-%03d", (long long)g.round, (long long)g.table, i + 1));
            assert_string_equal(b.numbers[i], arena_printf(&t.a, "P%lld-%lld-%03d", (long long)g.round, (long long)g.table, i + 13));
            assert_true(tube_number_read(text_of(b.numbers[i]), &round, &table));
            assert_true(round == g.round && table == g.table);
        }
        assert_ok(tube_sheets_give(t.l, &t.s, &again, &err), err);
        for (int i = 0; i < 3; i++) assert_string_equal(again.numbers[i], a.numbers[i + 1]);
        again.again = 23; /* to the 25th: 24 were given */
        assert_int_equal(tube_sheets_give(t.l, &t.s, &again, &err), E_INVALID);
        static const char *const others[] = {"", "P", "P-", "P1-2", "P1-2-", "P0-2-3", "P1--3", "Px-2-3", "Q1-2-3", "P1-2-3-4", "C00017"};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(tube_number_read(text_of(others[i]), &round, &table));
        struct buf one = {0}, two = {0};
        assert_ok(tube_sheets_pdf(&a, true, t.s.now, ZONE_CHINA_S, &one, &err), err);
        assert_ok(tube_sheets_pdf(&a, true, t.s.now, ZONE_CHINA_S, &two, &err), err);
        assert_true(one.n > 2000 && one.n == two.n && !memcmp(one.s, two.s, one.n));
        if (system("command -v pdftotext >/dev/null 2>&1") == 0) {
            char path[160], command[400], line[400];
            int found = 0, pages = 0;
            snprintf(path, sizeof path, "%s/sheets.pdf", t.dir);
            FILE *f = fopen(path, "wb");
            assert_true(f && fwrite(one.s, 1, one.n, f) == one.n && !fclose(f));
            snprintf(command, sizeof command, "pdftotext -layout %s -", path);
            assert_non_null(f = popen(command, "r"));
            while (fgets(line, sizeof line, f)) found += strstr(line, a.numbers[11]) != NULL, pages += strstr(line, "证件类型及号码") != NULL;
            pclose(f);
            assert_int_equal(found, 1);
            assert_int_equal(pages, 12);
        }
        buf_clear(&one);
        buf_clear(&two);
    }
}

/* ---- typed up */

static char *sheet_of(struct test_ledger *t, const char *csv) {
    char *path = arena_printf(&t->a, "%s/typed.csv", t->dir);
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(csv, 1, strlen(csv), f) == strlen(csv) && !fclose(f));
    return path;
}

static size_t typed_on(struct test_ledger *t, const char *path, day on, struct sampling_row *rows, int64_t *lines) {
    struct error err = {0};
    struct typed_sheet *sheet = NULL;
    struct typed_usual u = {.on = on, .today = day_of_instant(t->s.now, ZONE_CHINA_S), .zone_s = ZONE_CHINA_S};
    size_t n = 0;
    int rc;
    assert_ok(typed_sheet_open(path, &u, &sheet, &err), err);
    while ((rc = typed_sheet_next(sheet, &t->a, &rows[n], &lines[n], NULL, NULL, &err)) > 0) n++;
    assert_ok(rc, err);
    typed_sheet_close(sheet);
    return n;
}

static size_t typed(struct test_ledger *t, const char *path, struct sampling_row *rows, int64_t *lines) {
    return typed_on(t, path, day_of_instant(t->s.now, ZONE_CHINA_S), rows, lines);
}

/* Who writes the time once a tube meant it for all of it; a sheet of yesterday is not of now. */
static void a_row_without_a_time_has_that_of_its_tube(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        const char *path = sheet_of(&t, "管码,姓名,证件号码,采样时间\nT1,王某,11010519491231002X,9:05\n,张某,440524188001010014,\nT1,李某,310115199001011232,\nT2,孙某,320311770706001,\n,周某,11010119900307109X,9:30\n");
        struct sampling_row rows[10];
        int64_t lines[10];
        for (int past = 0; past < 2; past++) {
            day on = day_of_instant(t.s.now, ZONE_CHINA_S) - past;
            assert_int_equal(typed_on(&t, path, on, rows, lines), 5);
            for (int i = 0; i < 3; i++) assert_int_equal(rows[i].swabbed_at, test_at("2022-09-01T09:05") - past * DAY_S);
            assert_int_equal(rows[3].swabbed_at, INSTANT_NONE);
            assert_int_equal(rows[3].reason, past ? SAMPLING_INVALID : SAMPLING_NONE);
            if (past) assert_string_equal(rows[3].error.where, "swabbed_at");
            assert_int_equal(rows[4].swabbed_at, test_at("2022-09-01T09:30") - past * DAY_S);
        }
    }
}

/* A tube that is begun before midnight goes on after it; the next one is of the day of the sheet again. */
static void a_sheet_goes_on_past_midnight(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        const char *path = sheet_of(&t, "管码,姓名,证件号码,采样时间\nT1,王某,11010519491231002X,23:50\n,张某,440524188001010014,0:05\n,李某,310115199001011232,\n,孙某,320311770706001,0:09\nT2,周某,11010119900307109X,0:30\n,吴某,11010119900307109X,0:20\n");
        static const char *const at[] = {"2022-08-31T23:50", "2022-09-01T00:05", "2022-09-01T00:05", "2022-09-01T00:09", "2022-08-31T00:30", "2022-08-31T00:20"};
        struct sampling_row rows[10];
        int64_t lines[10];
        assert_int_equal(typed_on(&t, path, day_of_instant(t.s.now, ZONE_CHINA_S) - 1, rows, lines), 6);
        for (int i = 0; i < 6; i++) assert_int_equal(rows[i].swabbed_at, test_at(at[i]));
    }
}

static void a_sheet_without_tubes_is_refused(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct error err = {0};
        struct typed_sheet *sheet = NULL;
        struct typed_usual u = {.zone_s = ZONE_CHINA_S};
        assert_int_equal(typed_sheet_open(sheet_of(&t, "姓名,电话\n王某,13912345678\n"), &u, &sheet, &err), E_SYNTAX);
        assert_string_equal(err.where, "tube");
        assert_true(typed_sheet_open(sheet_of(&t, ""), &u, &sheet, &err) < 0);
        assert_int_equal(typed_sheet_open("/nowhere/sheet.csv", &u, &sheet, &err), E_IO);
    }
}

static void typed_up_rows_are_taken_once(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_EVENING(t) {
        struct sample_ground g = ground(&t);
        struct error err = {0};
        struct tube_sheets q = {.round = g.round, .table = g.table, .count = 2};
        struct sampling *x = NULL;
        assert_ok(sampling_new(&x, &err), err);
        assert_ok(tube_sheets_give(t.l, &t.s, &q, &err), err);
        const char *path = sheet_of(&t, arena_printf(&t.a, "序号,采样管编号,姓名,证件号码,联系电话,采样时间,临时号\n"
                                                           "1,%s,王某,11010519491231002X,13912345678,9:05,\n"
                                                           "2,,李某,110105194912310021,,9:06,\n" /* check digit */
                                                           "3,,张某,440524188001010014,,25:00,\n"  /* no such time */
                                                           "4,,,,,,\n"                             /* left empty */
                                                           "5,,赵某,,,09:08,L-7\n"
                                                           "1,%s,孙某,320311770706001,,2022-09-01 09:30,\n"
                                                           "2,Z-unknown,周某,310115199001011232,,10:00,\n",
                                                   q.numbers[0], q.numbers[1]));
        for (int turn = 0; turn < 2; turn++) {
            struct sampling_row rows[10];
            int64_t lines[10];
            size_t n = typed(&t, path, rows, lines);
            assert_int_equal(n, 6);
            assert_int_equal(lines[3], 6);
            assert_int_equal(rows[2].reason, SAMPLING_INVALID);
            assert_string_equal(rows[2].error.where, "swabbed_at");
            assert_int_equal(rows[0].swabbed_at, test_at("2022-09-01T09:05"));
            assert_ok(sampling_take(x, t.l, &t.s, INSTANT_NONE, rows, n, &t.a, &err), err);
            static const enum sampling_reason why[] = {SAMPLING_NONE, SAMPLING_PERSON, SAMPLING_INVALID, SAMPLING_NONE, SAMPLING_NONE, SAMPLING_NO_TABLE};
            for (size_t i = 0; i < n; i++) {
                if (rows[i].reason != why[i]) fail_msg("row %zu: %s", i, rows[i].error.message);
                if (!why[i]) assert_int_equal(rows[i].swab->outcome, turn ? OUTCOME_UNCHANGED : OUTCOME_CREATED);
            }
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"swab\""), 3);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"tube\" WHERE \"barcode\" IN ('%s','%s') AND \"round\"=%lld AND \"site_table\"=%lld", q.numbers[0], q.numbers[1], (long long)g.round,
                                                     (long long)g.table)), 2);
        sampling_free(x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_not_be_printed_is_refused),
        cmocka_unit_test(no_number_is_given_twice),
        cmocka_unit_test(a_sheet_without_tubes_is_refused),
        cmocka_unit_test(a_row_without_a_time_has_that_of_its_tube),
        cmocka_unit_test(a_sheet_goes_on_past_midnight),
        cmocka_unit_test(typed_up_rows_are_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Adding a register is adding a file: a register that no code has ever heard of gets its table, checks,
 * numbers, history, access, conditions, import, export and template. */
#include "imports.h"

#include "desks/export/export.h"

static const char bicycle[] =
    "register: bicycle\nzh: 共享单车\nen: Bicycle\ndesk: mobility\nnumber: "
    "\"B-{region}-{date}-{seq:4}\"\ndate_field: bought\n"
    "key: [region, frame]\nindexes: [\"colour, bought\"]\nregion_synonyms: [片区]\nreaders: [tracer, "
    "isolator]\nwriters: [tracer]\n"
    "openers: [tracer]\nkeep: {days: 90, from: bought, basis: PIPL 19}\n"
    "fields:\n"
    "  - {name: frame, zh: 车架号, en: Frame, type: text, required: true, max: 20, synonyms: [frame "
    "number]}\n"
    "  - {name: colour, zh: 颜色, en: Colour, type: code, codes: colour, default: red}\n"
    "  - {name: price, zh: 价格, en: Price, type: decimal, scale: 2, min: 0, max: 99999.99, unit: 元}\n"
    "  - {name: bought, zh: 购入日期, en: Bought, type: date}\n"
    "  - {name: sold, zh: 售出日期, en: Sold, type: date}\n"
    "  - {name: rider, zh: 骑行人, en: Rider, type: text, sealed: true, max: 40}\n"
    "  - {name: lamp, zh: 灯色, en: Lamp, type: code, codes: colour}\n"
    "states:\n  - {name: parked, zh: 停放, en: Parked, initial: true}\n  - {name: scrapped, zh: 报废, en: "
    "Scrapped, final: true}\n"
    "moves:\n  - {from: parked, to: scrapped, roles: [tracer]}\n"
    "checks:\n  - {that: bought <= sold, zh: 先买后卖, en: sold before bought}\n"
    "  - {field: lamp, among: [red], when: colour, is: blue, zh: 蓝车装红灯, en: a blue one has a red lamp}\n";
static const char colours[] = "codelist: colour\nzh: 颜色\nen: Colour\nsource: test\ncodes:\n"
                              "  - {code: red, zh: 红, en: Red}\n  - {code: blue, zh: 蓝, en: Blue}\n";

static char home[64], top[1024];

/* A home whose folders are the house's own, with one file more in two of them. */
static void link_folder(const char *name) {
    char from[1200], to[128];
    snprintf(from, sizeof from, "%s/%s", top, name);
    snprintf(to, sizeof to, "%s/%s", home, name);
    assert_int_equal(symlink(from, to), 0);
}

static void write_file(const char *name, const char *content) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(content, f);
    assert_int_equal(fclose(f), 0);
}

static int make_home(void **state) {
    (void)state;
    const char *given = getenv("TOCSIN_HOME");
    char path[80];
    if (!realpath(given ? given : ".", top)) return -1;
    snprintf(home, sizeof home, "/tmp/tocsin-home-XXXXXX");
    if (!mkdtemp(home)) return -1;
    snprintf(path, sizeof path, "%s/registers", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/codes", home);
    mkdir(path, 0700);
    static const char *const folders[] = {"registers/ledger",  "registers/intake",    "registers/tracing",
                                          "registers/testing", "registers/isolation", "registers/command",
                                          "policies"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) link_folder(folders[i]);
    snprintf(path, sizeof path, "%s/codes/house", home);
    char from[1100];
    snprintf(from, sizeof from, "%s/codes", top);
    if (symlink(from, path) < 0) return -1;
    write_file("registers/bicycle.yaml", bicycle);
    write_file("codes/colour.yaml", colours);
    return setenv("TOCSIN_HOME", home, 1);
}

static int drop_home(void **state) {
    (void)state;
    setenv("TOCSIN_HOME", top, 1);
    return nftw(home, test_ledger_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static struct draft *bike(struct test_ledger *t, enum draft_verb verb, const char *region,
                          const char *frame) {
    struct draft *d = test_draft(t, "bicycle", verb, "frame", frame, "colour", "蓝", "price", "1234.5",
                                 "bought", "2022/5/1", NULL);
    d->region = text_of(region);
    return d;
}

static void its_rules_hold(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct error err = {0};
        struct draft *d = test_draft(&t, "bicycle", DRAFT_CREATE, "frame", "F1", "bought", "2022-05-02",
                                     "sold", "2022-05-01", NULL);
        d->region = TEXT("310115");
        assert_int_equal(test_write(&t, d, &err), E_INVALID);
        assert_non_null(strstr(err.message, "sold before bought"));
        err = (struct error){0};
        assert_int_equal(draft_set(t.l, d, &t.a, TEXT("colour"), TEXT("green"), &err), E_INVALID);
        err = (struct error){0};
        assert_int_equal(draft_set(t.l, d, &t.a, TEXT("wheels"), TEXT("2"), &err), E_UNKNOWN);
        err = (struct error){0};
        d = bike(&t, DRAFT_CREATE, "310115", "F1");
        assert_ok(draft_set(t.l, d, &t.a, TEXT("lamp"), TEXT("蓝"), &err), err);
        assert_int_equal(test_write(&t, d, &err), E_INVALID); /* told at the field; a red one may have either, and so may one of unknown colour */
        assert_non_null(strstr(err.message, "a blue one has a red lamp"));
        assert_string_equal(err.where, "lamp");
        err = (struct error){0};
        d = bike(&t, DRAFT_CREATE, "310115", "F1");
        d->state = TEXT("flying");
        assert_int_equal(test_write(&t, d, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"bicycle\""), 0);
    }
}

static void it_is_kept_numbered_and_known_by_its_key(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("bicycle"));
        struct draft *d = bike(&t, DRAFT_CREATE, "310115", "F1"),
                     *again = bike(&t, DRAFT_CREATE, "310115", "F1");
        struct draft *upsert = bike(&t, DRAFT_UPSERT, "310115", "F1"),
                     *elsewhere = bike(&t, DRAFT_CREATE, "310104", "F1");
        assert_ok(test_write(&t, d, &err), err);
        assert_int_equal(test_write(&t, again, &err), E_CONFLICT);
        err = (struct error){0};
        assert_ok(test_write(&t, upsert, &err), err);
        assert_int_equal(upsert->outcome, OUTCOME_UNCHANGED);
        assert_ok(test_write(&t, elsewhere, &err), err);
        assert_true(elsewhere->ret_id != d->ret_id);
        struct record r;
        assert_ok(record_get(t.l, t.l->db, &t.s, reg, d->ret_id, &t.a, &r, &err), err);
        assert_true(text_is(r.number, "B-310115-20220501-0001"));
        assert_true(text_is(r.state, "parked"));
        assert_int_equal(value_int_or(r.values[2], 0), 123450);
        assert_true(text_is(value_view(r.values[1]), "blue"));
    }
}

static int count_entry(const struct journal_entry *e, void *arg) {
    (void)e;
    ++*(int *)arg;
    return 0;
}

static int count_record(const struct record *r, void *arg) {
    (void)r;
    ++*(int *)arg;
    return 0;
}

static void it_has_history_access_and_conditions(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("bicycle"));
        struct draft *d = bike(&t, DRAFT_CREATE, "310115", "F1");
        assert_ok(test_write(&t, d, &err), err);
        struct draft *move = test_draft(&t, "bicycle", DRAFT_CHANGE, "sold", "2022-05-20", NULL);
        move->id = d->ret_id;
        move->state = TEXT("scrapped");
        assert_ok(test_write(&t, move, &err), err);
        int entries = 0, found = 0;
        assert_ok(record_history(t.l, t.l->db, &t.s, reg, d->ret_id, count_entry, &entries, &err), err);
        assert_int_equal(entries, 2);
        struct record_filter f = {
            .where = "state = 'scrapped' AND colour IN ('blue') AND price > 1000 AND sold < TODAY"};
        assert_ok(record_list(t.l, t.l->db, &t.s, reg, &f, count_record, &found, &err), err);
        assert_int_equal(found, 1);
        const struct grant here = {TEXT("isolator"), TEXT("3101")}, there = {TEXT("tracer"), TEXT("32")};
        struct session reader = t.s, stranger = t.s;
        reader.grants = &here;
        stranger.grants = &there;
        reader.n_grants = stranger.n_grants = 1;
        struct record r;
        assert_ok(record_get(t.l, t.l->db, &reader, reg, d->ret_id, &t.a, &r, &err), err);
        assert_true(record_get(t.l, t.l->db, &stranger, reg, d->ret_id, &t.a, &r, &err) < 0);
        err = (struct error){0};
        struct draft *w = bike(&t, DRAFT_CREATE, "310115", "F2");
        assert_int_equal(record_write(t.l, &reader, &w, 1, &err), E_DENIED);
    }
}

static void it_is_taken_in_from_a_list(void **state) {
    (void)state;
    struct test_ledger t;
    static const char list[] =
        "车架号,颜色,购入日期,价格\nF1,蓝,2022/5/1,1200\nF2,purple,2022/5/1,1\nF3,Red,2022-05-02,\n";
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        assert_ok(import_text(&t, NULL, "bicycle", list, -1, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 2);
        assert_int_equal(run.n.rejected, 1);
        assert_ok(import_text(&t, NULL, "bicycle", list, -1, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 0);
        assert_int_equal(run.n.unchanged, 2);
        assert_int_equal(
            test_count(&t,
                       "SELECT COUNT(*) FROM \"bicycle\" WHERE \"colour\" = 'blue' AND \"price\" = 120000"),
            1);
    }
}

static size_t read_all(const char *path, char *out, size_t max) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, max - 1, f);
    fclose(f);
    out[n] = '\0';
    return n;
}

static void it_goes_out_to_files(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct error err = {0};
        const struct register_decl *reg = register_find(t.l->catalog, TEXT("bicycle"));
        struct draft *d = bike(&t, DRAFT_CREATE, "310115", "F1");
        assert_ok(draft_set(t.l, d, &t.a, TEXT("rider"), TEXT("张三丰"), &err), err);
        assert_ok(test_write(&t, d, &err), err);
        char *path = arena_printf(&t.a, "%s/out.csv", t.dir),
             *form = arena_printf(&t.a, "%s/form.csv", t.dir), text[8192];
        struct export_options o = {.format = EXPORT_CSV};
        int64_t rows = 0;
        assert_ok(export_records(t.l, t.l->db, &t.s, reg, &o, path, &rows, &err), err);
        assert_int_equal(rows, 1);
        read_all(path, text, sizeof text);
        assert_non_null(strstr(text, "frame"));
        assert_non_null(strstr(text, "1234.50"));
        assert_null(strstr(text, "张三丰"));
        assert_ok(export_template(t.l->catalog, reg, EXPORT_CSV, true, form, &err), err);
        read_all(form, text, sizeof text);
        assert_non_null(strstr(text, "车架号"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_rules_hold),
        cmocka_unit_test(it_is_kept_numbered_and_known_by_its_key),
        cmocka_unit_test(it_has_history_access_and_conditions),
        cmocka_unit_test(it_is_taken_in_from_a_list),
        cmocka_unit_test(it_goes_out_to_files),
    };
    return cmocka_run_group_tests(tests, make_home, drop_home);
}

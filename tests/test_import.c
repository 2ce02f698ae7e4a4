/* The laws of the import: one outcome a row, a bad row leaves nothing, again changes nothing, an import can be taken back. */
#include "duties.h"
#include "folder.h"
#include "imports.h"

#include "desks/person.h"
#include "desks/plan.h"

static struct map *compile(struct test_ledger *t, const char *yaml) {
    struct map *m = NULL;
    struct error err = {0};
    assert_ok(map_parse(t->l->catalog, text_of(yaml), "test.yaml", &m, &err), err);
    return m;
}

static const char *const cases = "register: case\n"
                                 "records:\n"
                                 "  - {register: person, key: 'x:{id}', fields: {name: name, sex: sex}}\n"
                                 "  - register: case\n"
                                 "    key: 'x:{id}'\n"
                                 "    fields:\n"
                                 "      person: {record: person}\n"
                                 "      disease: {value: covid-19}\n"
                                 "      classification: {value: confirmed}\n"
                                 "      onset: onset\n"
                                 "      report_date: reported\n"
                                 "      source_case: {from: by, ref: {key: 'x:{}', missing: empty}}\n"
                                 "  - {register: link, optional: true, when: by, fields: {infector: {from: by, ref: {key: 'x:{}'}}, infectee: {record: case}}}\n";

static int64_t count(struct test_ledger *t, const char *table) {
    return test_count(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"%s\"", table));
}

static void a_list_that_cannot_be_read_is_refused_whole(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_int_equal(import_text(&t, m, NULL, "id,name\n1,a\n", -1, 0, false, &run, &err), E_INVALID);
        assert_non_null(strstr(err.message, "sex, onset, reported, by"));
        err = (struct error){0};
        assert_int_equal(import_text(&t, m, "contact", "id,name,sex,onset,reported,by\n", -1, 0, false, &run, &err), E_USAGE);
        err = (struct error){0};
        assert_int_equal(import_text(&t, NULL, "contact", "colour,size\n1,2\n", -1, 0, false, &run, &err), E_INVALID);
        err = (struct error){0};
        struct session s = t.s;
        struct grant guest = {.role = TEXT("guest"), .region = TEXT("")};
        t.s.n_grants = 1;
        t.s.grants = &guest;
        assert_int_equal(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n", -1, 0, false, &run, &err), E_DENIED);
        t.s = s;
        assert_int_equal(count(&t, "import"), 0);
        map_free(m);
    }
}

static void one_bad_row_leaves_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    for (int workers = -1; workers <= 1; workers += 2)
        EACH_STORE(t, NULL, "2022-05-30T10:00") {
            struct import_run run;
            struct error err = {0};
            struct map *m = compile(&t, cases);
            assert_ok(import_text(&t, m, NULL,
                                  "id,name,sex,onset,reported,by\n"
                                  "1,甲,男,2022-05-01,2022-05-03,\n"
                                  "2,乙,purple,2022-05-01,2022-05-03,\n"     /* no such code */
                                  "3,丙,女,2022-05-09,2022-05-03,\n"         /* onset after report: known only when prepared */
                                  "\n"
                                  ",丁,女,2022-05-01,2022-05-03,\n"          /* no key */
                                  "4,戊,女,2022-02-30,2022-05-03,1\n"        /* no such day */
                                  "5,己,女,2022-05-02,2022-05-03,1\n",
                                  workers, 2, false, &run, &err),
                      err);
            assert_int_equal(run.n.rows, 6);
            assert_int_equal(run.n.created, 2);
            assert_int_equal(run.n.rejected, 4);
            assert_int_equal(run.n.skipped, 1);
            assert_int_equal(run.reject_line, 3);
            assert_string_equal(run.cells, "2|乙|purple|2022-05-01|2022-05-03|");
            assert_string_equal(run.reason.field.s, "sex");
            assert_non_null(strstr(run.reason.zh, "性别"));
            assert_int_equal(count(&t, "person"), 2);
            assert_int_equal(count(&t, "case"), 2);
            assert_int_equal(count(&t, "link"), 1);
            assert_int_equal(test_count(&t, "SELECT \"rejected\" FROM \"import\""), 4);
            map_free(m);
        }
}

/* Totals and remarks under a list are nobody, and what a spreadsheet shows for a value that it has not is no name and no address. */
static void lines_about_the_list_are_nobody(void **state) {
    static const char *const refused[] = {"合计", "合 计", "小计：9人", "总　计", "制表人：张三", "审核人", "备注：以上均已通知", "Total", "TOTAL :", "Grand total", "#NAME?", "########"};
    static const char *const taken[] = {"何计", "计小总", "注诚", "Tota Lee", "#3"};
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        char list[2000] = "姓名,末次接触时间,现住址\n";
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s,,\n", refused[i]);
        snprintf(list + strlen(list), sizeof list - strlen(list), "王芳,2022-05-28,#REF!\n");
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.rejected, sizeof refused / sizeof *refused + 1);
        assert_string_equal(run.reason.field.s, "name");
        assert_non_null(strstr(run.reason.zh, "合计"));
        assert_int_equal(count(&t, "person") + count(&t, "contact"), 0);
        snprintf(list, sizeof list, "姓名,末次接触时间\n");
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) snprintf(list + strlen(list), sizeof list - strlen(list), "%s,2022-05-28\n", taken[i]);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, sizeof taken / sizeof *taken);
    }
}

/* A row that names a record which is there is not refused because another row of the list cannot change that record. */
static void a_refused_row_refuses_no_other(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n1,甲,男,2022-05-01,2022-05-03,\n2,乙,女,2022-05-01,2022-05-03,1\n3,丙,女,2022-05-02,2022-05-04,2\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 3);
        /* the first now falls ill after it was reported, which only the store can tell; so does a new one, and nobody stands who names that one */
        assert_ok(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n1,甲,男,2022-05-09,,\n2,乙,女,2022-05-02,2022-05-03,1\n3,丙,女,2022-05-03,2022-05-04,2\n4,丁,女,2022-05-03,2022-05-04,1\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.rejected, 1);
        assert_int_equal(run.reject_line, 2);
        assert_int_equal(run.n.changed, 2);
        assert_int_equal(run.n.created, 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\" WHERE \"source_case\" = (SELECT MIN(\"id\") FROM \"case\")"), 2);
        map_free(m);
    }
}

/* What stands where no header is may not vanish. */
static void a_row_longer_than_its_header_is_refused(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n1,甲,男,2022-05-01,2022-05-03,,,\n2,乙,丙,女,2022-05-01,2022-05-03,7\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 1); /* empty cells are nothing */
        assert_int_equal(run.n.rejected, 1);
        assert_string_equal(run.cells, "2|乙|丙|女|2022-05-01|2022-05-03|7");
        map_free(m);
        assert_ok(import_text(&t, NULL, "contact", "姓名,姓名,末次接触时间\n张伟,李娜,2022-05-28\n", 0, 0, false, &run, &err), err);
        assert_non_null(strstr(run.unused, "姓名#2"));
    }
}

static const char *const plain = "id,name,sex,onset,reported,by\n"
                                 "1,甲,男,2022-05-01,2022-05-03,3\n" /* its source comes later */
                                 "2,乙,女,2022-05-01,2022-05-03,1\n"
                                 "3,丙,女,2022-05-01,2022-05-03,99\n" /* and this one never */
                                 "4,丁,女,2022-05-01,2022-05-03,2\n";

/* More bytes or cells than a row may have: that row is refused by its number, those before and behind it are stored. */
static void a_row_too_large_is_refused_alone(void **state) {
    (void)state;
    struct test_ledger t;
    struct folder f;
    folder_make(&f);
    char path[300];
    struct buf b = {0};
    buf_str(&b, "id,name,sex,onset,reported,by\n1,张三,M,2022-05-01,2022-05-02,\n2,李四,F,2022-05-01,2022-05-02,");
    for (int i = 0; i < SHEET_COLUMNS_MAX; i++) buf_char(&b, ',');
    buf_str(&b, "\n3,王五,M,2022-05-01,2022-05-02,\n4,");
    while (b.n < 2 * SHEET_ROW_MAX && !b.failed) buf_str(&b, "赵六");
    buf_str(&b, "\n5,钱七,F,2022-05-01,2022-05-02,1\n");
    snprintf(path, sizeof path, "%s/large.csv", f.path);
    folder_write(f.path, "large.csv", buf_cstr(&b));
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_file(&t, path, m, NULL, &run, &err), err);
        assert_int_equal(run.n.rows, 5);
        assert_int_equal(run.n.created, 3);
        assert_int_equal(run.rejects, 2);
        assert_int_equal(run.reject_line, 3);
        assert_non_null(strstr(run.reason.en, "4,096 cells"));
        assert_non_null(strstr(run.reason.zh, "4 MB"));
        assert_int_equal(count(&t, "case"), 3);
        assert_int_equal(count(&t, "link"), 1);
        map_free(m);
    }
    buf_clear(&b);
    folder_remove(f.path);
}

static void again_changes_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_text(&t, m, NULL, plain, 0, 2, false, &run, &err), err);
        assert_int_equal(run.n.created, 4);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\" WHERE \"source_case\" IS NOT NULL"), 3);
        assert_int_equal(count(&t, "link"), 3);
        assert_true(run.n.notes >= 1);
        int64_t entries = t.l->journal.next;
        assert_ok(import_text(&t, m, NULL, plain, 0, 3, false, &run, &err), err);
        assert_int_equal(run.n.unchanged, 4);
        assert_int_equal(run.n.created + run.n.changed + run.n.rejected, 0);
        assert_int_equal(count(&t, "person"), 4);
        assert_true(t.l->journal.next - entries <= 2); /* the import itself, begun and ended; nothing of its rows */
        assert_ok(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n2,乙,女,2022-05-02,2022-05-03,1\n", 0, 3, false, &run, &err), err);
        assert_int_equal(run.n.changed, 1);
        map_free(m);
    }
}

static void rows_without_keys_are_known_by_what_they_say(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, "register: person\nfields: {sex: sex, age: age}\n");
        const char *list = "sex,age\n男,30\n男,30\n女,30\n";
        assert_ok(import_text(&t, m, NULL, list, -1, 2, false, &run, &err), err);
        assert_int_equal(run.n.created, 3); /* two men of 30 are two men */
        assert_ok(import_text(&t, m, NULL, list, -1, 0, false, &run, &err), err);
        assert_int_equal(run.n.unchanged, 3);
        assert_int_equal(count(&t, "person"), 3);
        map_free(m);
    }
}

static void a_dry_run_says_the_same_and_writes_nothing(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run dry, wet;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_text(&t, m, NULL, plain, 0, 2, true, &dry, &err), err);
        assert_int_equal(count(&t, "person") + count(&t, "case") + count(&t, "import"), 0);
        assert_ok(import_text(&t, m, NULL, plain, 0, 2, false, &wet, &err), err);
        assert_int_equal(dry.n.created, wet.n.created);
        assert_int_equal(dry.n.rejected, wet.n.rejected);
        map_free(m);
    }
}

static void the_same_person_is_found(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        const char *head = "姓名,身份证号,联系电话,性别,出生日期,末次接触时间,备注\n";
        char list[2000];
        snprintf(list, sizeof list, "%s张伟,11010519491231002X,13800138000,女,,2022-05-28,\n李娜,,13900139000,女,1990-01-01,2022-05-28,\n"
                 "王芳,,,女,1991-02-02,2022-05-28,\n张伟,11010519491231002x,,女,,2022-05-29,\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 4);
        assert_int_equal(count(&t, "person"), 3); /* the fourth row's is the first's, in one batch */
        /* later, elsewhere: the same document; phone and name in other characters; same name and birth only */
        snprintf(list, sizeof list, "%s張偉,１１０１０５１９４９１２３１００２X,,,,2022-05-27,\nLi Na,,+86 139 0013 9000,,,2022-05-27,\n王方,,,女,1991-02-02,2022-05-27,\n"
                 "李娜,,13700137000,女,,2022-05-27,\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 4);
        assert_int_equal(run.n.matched, 2);
        assert_int_equal(count(&t, "person"), 5);
        assert_int_equal(run.n.candidates, 1);
        assert_int_equal(run.duplicates, 1);
        assert_true(run.left > run.right && run.right > 0);
        /* a phone shared by two with different documents is two people */
        snprintf(list, sizeof list, "%s李娜,110101199001010082,13900139000,,,2022-05-26,\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        int64_t before = count(&t, "person");
        snprintf(list, sizeof list, "%s李娜,E12345678,13900139000,,,2022-05-25,\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 1);
        assert_int_equal(count(&t, "person"), before + 1);
    }
}

/* One phone and names that sound alike are a family when sex or generation differ: nobody is taken for somebody else, in one batch, over batches, and again. */
static void a_family_with_one_phone_is_several(void **state) {
    static const char *const list = "姓名,联系电话,性别,年龄,出生日期,末次接触时间\n"
                                    "张伟,13800138000,男,45,,2022-05-28\n张薇,13800138000,女,12,,2022-05-28\n张威,13800138000,男,11,,2022-05-28\n"
                                    "张伟,13800138000,男,46,,2022-05-27\n张薇,13800138000,女,,,2022-05-27\n"
                                    "李娜,13900139000,,,1990-01-01,2022-05-28\n李娜,13900139000,女,,1991-01-01,2022-05-27\n李娜,13900139000,男,,,2022-05-26\n";
    (void)state;
    struct test_ledger t;
    for (size_t batch = 1; batch < 4; batch++)
        EACH_STORE(t, NULL, "2022-05-30T10:00") {
            struct import_run run;
            struct error err = {0};
            assert_ok(import_text(&t, NULL, "contact", list, 0, batch == 3 ? 0 : batch, false, &run, &err), err);
            assert_int_equal(run.n.created, 8);
            assert_int_equal(count(&t, "person"), 5);
            assert_int_equal(run.n.candidates, 3);
            assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
            assert_int_equal(run.n.unchanged, 8);
            assert_int_equal(run.n.candidates, 0);
            assert_int_equal(count(&t, "person"), 5);
        }
}

/* A sealed cell of the only person of this document. */
static const char *opened(struct test_ledger *t, const char *document, const char *field) {
    struct error err = {0};
    int64_t *ids = NULL;
    size_t n = 0;
    struct record r;
    assert_ok(person_find(t->l, NULL, BLIND_DOCUMENT, text_of(document), &t->a, &ids, &n, &err), err);
    assert_int_equal(n, 1);
    t->s.purpose = TEXT("check");
    assert_ok(record_get(t->l, NULL, &t->s, register_find(t->l->catalog, TEXT("person")), ids[0], &t->a, &r, &err), err);
    assert_ok(record_open(t->l, NULL, &t->s, &r, &t->a, &err), err);
    struct value v = r.values[register_field(r.reg, text_of(field))];
    return v.kind == VALUE_TEXT ? arena_text(&t->a, value_view(v)).s : "";
}

static void what_a_list_says_otherwise_is_kept(void **state) {
    (void)state;
    static const char doc[] = "11010519491231002X", doc2[] = "E12345678";
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run, last;
        struct error err = {0};
        const char *head = "姓名,身份证号,联系电话,性别,出生日期,末次接触时间\n";
        char first[600], second[600], third[900];
        snprintf(first, sizeof first, "%s张伟,11010519491231002X,13800138000,,,2022-05-28\n,E12345678,,,,2022-05-28\n", head);
        assert_ok(import_text(&t, NULL, "contact", first, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 2);
        assert_int_equal(run.n.notes, 0);
        /* other characters of the same sound, another phone; what was not known is taken */
        snprintf(second, sizeof second, "%s张维,11010519491231002X,13900139000,女,,2022-05-27\n李娜,E12345678,,女,1990-01-01,2022-05-27\n", head);
        assert_ok(import_text(&t, NULL, "contact", second, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.matched, 2);
        assert_int_equal(run.n.notes, 1);
        assert_string_equal(opened(&t, doc, "name"), "张伟");
        assert_string_equal(opened(&t, doc, "phone"), "13900139000");
        assert_string_equal(opened(&t, doc, "also_given"), "name=张维; phone=13800138000");
        assert_string_equal(opened(&t, doc2, "name"), "李娜"); /* nobody had said it */
        assert_string_equal(opened(&t, doc2, "also_given"), "");
        /* it comes again: nothing changes; found by the name that was taken */
        assert_ok(import_text(&t, NULL, "contact", second, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.unchanged, 2);
        assert_int_equal(run.n.notes, 0);
        int64_t *ids = NULL;
        size_t n = 0;
        assert_ok(person_find(t.l, NULL, BLIND_NAME, TEXT("李娜"), &t.a, &ids, &n, &err), err);
        assert_int_equal(n, 1);
        /* a birth date that differs, in the row after the one that makes the person: one batch */
        snprintf(third, sizeof third, "%s赵六,E7654321,,,1980-01-01,2022-05-26\n赵陆,E7654321,,,1980-02-01,2022-05-25\n王五,11010519491231002X,13900139000,,,2022-05-24\n", head);
        assert_ok(import_text(&t, NULL, "contact", third, 0, 0, false, &last, &err), err);
        assert_int_equal(last.n.created, 3);
        assert_string_equal(opened(&t, "E7654321", "also_given"), "name=赵陆; birth=1980-02-01");
        assert_string_equal(opened(&t, doc, "also_given"), "name=张维; phone=13800138000; name=王五");
        /* the undo takes it back, and only its own */
        struct intake_undone undone;
        assert_ok(intake_undo(t.l, &t.s, last.n.import, NULL, NULL, &undone, &err), err);
        assert_int_equal(undone.kept, 0);
        assert_string_equal(opened(&t, doc, "also_given"), "name=张维; phone=13800138000");
        /* who is erased is erased in it too */
        assert_ok(person_find(t.l, NULL, BLIND_DOCUMENT, text_of(doc), &t.a, &ids, &n, &err), err);
        t.s.reason = TEXT("asked for it");
        assert_ok(person_erase(t.l, &t.s, ids[0], &err), err);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"person\" WHERE \"id\" = %lld AND \"also_given\" IS NOT NULL", (long long)ids[0])), 0);
    }
}

static void adopt(struct test_ledger *t, const char *pack) {
    struct error err = {0};
    struct plan_adoption a = {.pack = text_of(pack), .from = day_of_instant(t->s.now, t->l->zone_s), .reason = TEXT("test")};
    int64_t id = 0;
    assert_ok(plan_adopt(t->l, &t->s, &a, &id, NULL, &err), err);
}

static int64_t open_under(struct test_ledger *t, int64_t record, const char *rule) {
    return test_count(t, arena_printf(&t->a, "SELECT COUNT(*) FROM \"obligation_open\" WHERE \"record\" = %lld AND \"rule\" = '%s'", (long long)record, rule));
}

/* A list corrects the disease of a contact, and with it the duties and copied cells of his stays; undone, all is as it was. */
static void undoing_a_correction_takes_back_what_followed(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct intake_undone undone;
        adopt(&t, "covid-2022-v9");
        adopt(&t, "measles-who");
        const char *head = "身份证号,疾病名称,接触者类别,末次接触时间\n";
        char list[400];
        snprintf(list, sizeof list, "%s11010519491231002X,新冠,close,2022-05-28\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        int64_t contact = test_count(&t, "SELECT MAX(\"id\") FROM \"contact\"");
        int64_t stay = test_record(&t, "stay", "contact", test_id(&t, contact), "kind", "central", "started_at", "2022-05-29T09:00");
        assert_int_equal(open_under(&t, stay, "central-tests"), 1);
        snprintf(list, sizeof list, "%s11010519491231002X,麻疹,general,2022-05-28\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.changed, 1);
        assert_int_equal(open_under(&t, stay, "central-tests") + open_under(&t, stay, "secondary-tests"), 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"stay\" WHERE \"class\" = 'general'"), 1);
        assert_int_equal(open_under(&t, contact, "health-checks"), 1); /* as measles has it */
        assert_ok(intake_undo(t.l, &t.s, run.n.import, NULL, NULL, &undone, &err), err);
        assert_int_equal(undone.kept, 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"stay\" WHERE \"class\" = 'close'"), 1);
        assert_int_equal(open_under(&t, stay, "central-tests"), 1);
        assert_int_equal(open_under(&t, contact, "health-checks"), 0);
        assert_int_equal(open_under(&t, contact, "end-observation"), 1);
    }
}

static void a_list_may_only_add_to_what_is_there(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, "register: contact\nrecords:\n  - {register: person, key: 'p:{id}', fields: {}}\n"
                                    "  - {register: contact, key: 'c:{id}', fields: {person: {record: person}, class: class}}\n");
        assert_ok(import_text(&t, m, NULL, "id,class\n1,general\n", 0, 0, false, &run, &err), err);
        map_free(m);
        /* no person and no class here: not enough for a new contact, no default over the class that is known */
        m = compile(&t, "register: contact\nkey: 'c:{id}'\nfields: {note: note}\n");
        assert_ok(import_text(&t, m, NULL, "id,note\n2,nobody\n1,called\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.changed, 1);
        assert_int_equal(run.n.rejected, 1);
        assert_int_equal(run.reject_line, 2);
        assert_string_equal(run.reason.field.s, "person");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\" WHERE \"class\"='general' AND \"note\"='called'"), 1);
        assert_ok(import_text(&t, m, NULL, "id,note\n1,called\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.unchanged, 1);
        map_free(m);
    }
}

/* Of a record that is there what is known stays; the other word is noted, once; what was empty is filled. Nothing changes when it comes again. */
static void a_list_may_leave_what_is_known(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = compile(&t, "register: contact\nrecords:\n  - {register: person, key: 'p:{id}', fields: {}}\n"
                                    "  - {register: contact, key: 'c:{id}', keep: note, fields: {person: {record: person}, class: class, frequency: often, setting: where}}\n");
        const char *list = "id,class,often,where\n1,general,daily,\n2,close,,\n1,close,daily,shop\n1,close,weekly,shop\n";
        for (int again = 0; again < 3; again++) {
            assert_ok(import_text(&t, m, NULL, list, 0, 0, false, &run, &err), err);
            assert_int_equal(run.n.rejected, 0);
            assert_int_equal(run.n.created, again ? 0 : 2);
            assert_int_equal(run.n.changed, again ? 0 : 2);
            assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\" WHERE \"class\"='general' AND \"frequency\"='daily' AND \"setting\"='shop' AND \"note\"='class=close; frequency=weekly'"), 1);
            assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\" WHERE \"class\"='close' AND \"note\" IS NULL"), 1);
        }
        map_free(m);
    }
}

struct kept {
    int n;
    int64_t id;
};
static void keep_one(void *arg, const struct register_decl *reg, int64_t id, const char *why) {
    struct kept *k = arg;
    (void)reg;
    assert_true(why && *why);
    k->n++;
    k->id = id;
}

static void an_import_can_be_taken_back(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run, second;
        struct error err = {0};
        struct map *m = compile(&t, cases);
        assert_ok(import_text(&t, m, NULL, plain, 0, 2, false, &run, &err), err);
        t.s.now += 60;
        assert_ok(import_text(&t, m, NULL, "id,name,sex,onset,reported,by\n2,乙改,女,2022-05-02,2022-05-03,1\n7,庚,男,2022-05-02,2022-05-03,\n", 0, 0, false,
                              &second, &err), err);
        assert_int_equal(second.n.changed, 1);
        t.s.now += 60;
        struct intake_undone u = {0};
        struct kept kept = {0};
        assert_int_equal(intake_undo(t.l, &t.s, 987654, keep_one, &kept, &u, &err), E_UNKNOWN);
        err = (struct error){0};
        assert_ok(intake_undo(t.l, &t.s, second.n.import, keep_one, &kept, &u, &err), err);
        assert_int_equal(u.removed, 2);
        assert_int_equal(u.restored, 2); /* the case and its person */
        assert_int_equal(kept.n, 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\" WHERE \"onset\" = 19113"), 4); /* 2022-05-01 */
        assert_int_equal(intake_undo(t.l, &t.s, second.n.import, keep_one, &kept, &u, &err), E_CONFLICT);
        err = (struct error){0};
        /* somebody worked on one case meanwhile: it stays, with the person it is about and the case it names */
        int64_t id = test_count(&t, "SELECT \"id\" FROM \"case\" ORDER BY \"id\" LIMIT 1");
        struct draft *d = test_draft(&t, "case", DRAFT_CHANGE, "hospital", "第一医院", NULL);
        d->id = id;
        assert_ok(test_write(&t, d, &err), err);
        t.s.now += 60;
        assert_ok(intake_undo(t.l, &t.s, run.n.import, keep_one, &kept, &u, &err), err);
        assert_int_equal(u.kept, kept.n);
        assert_true(kept.n >= 3);
        assert_int_equal(test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM \"case\" WHERE \"id\"=%lld", (long long)id)), 1);
        assert_int_equal(count(&t, "case") + count(&t, "person") + count(&t, "link"), kept.n);
        struct journal_verdict v;
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        map_free(m);
    }
}

/* Imports are taken back one after the other, the last first: what a later one had changed and gave back is as the earlier left it. */
static void imports_are_taken_back_in_turn(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run first, second;
        struct error err = {0};
        struct intake_undone u = {0};
        struct kept kept = {0};
        const char *head = "姓名,联系电话,现住址,末次接触时间\n";
        char list[400];
        snprintf(list, sizeof list, "%s张伟,13800138000,一路1号,2022-05-28\n李娜,13900139000,二路2号,2022-05-28\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &first, &err), err);
        t.s.now += 60;
        snprintf(list, sizeof list, "%s张伟,13800138000,三路3号,2022-05-28\n李娜,13900139000,四路4号,2022-05-28\n", head);
        assert_ok(import_text(&t, NULL, "contact", list, 0, 0, false, &second, &err), err);
        t.s.now += 60;
        assert_ok(intake_undo(t.l, &t.s, second.n.import, keep_one, &kept, &u, &err), err);
        assert_int_equal(u.restored, 2);
        /* one of them somebody works on, and gives it another address than the list had */
        struct draft *d = test_draft(&t, "person", DRAFT_CHANGE, "address", "五路5号", NULL);
        d->id = test_count(&t, "SELECT MAX(\"id\") FROM \"person\"");
        assert_ok(test_write(&t, d, &err), err);
        t.s.now += 60;
        assert_ok(intake_undo(t.l, &t.s, first.n.import, keep_one, &kept, &u, &err), err);
        assert_int_equal(kept.n, 1);
        assert_int_equal(kept.id, d->id);
        assert_int_equal(count(&t, "contact"), 0);
        assert_int_equal(count(&t, "person"), 1);
    }
}


static void names_of_places_and_regions(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        test_record(&t, "region", "code", "310115001", "title", "潍坊新村街道", "level", "4");
        struct map *m = compile(&t, "register: contact\n"
                                    "records:\n"
                                    "  - {register: person, key: 'p:{id}', fields: {address_region: street}}\n"
                                    "  - register: contact\n"
                                    "    region: street\n"
                                    "    fields: {person: {record: person}, last_contact: day, place: {from: where, ref: {by: title, missing: create}}}\n");
        assert_ok(import_text(&t, m, NULL, "id,street,day,where\n1,潍坊新村街道,2022-05-20,菜场\n2,310115001,2022-05-20,菜场\n3,没有的街道,2022-05-20,菜场\n"
                                           "4,潍坊新村街道,2022-05-20,酒吧\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 3);
        assert_int_equal(run.n.rejected, 1);
        assert_int_equal(run.reject_line, 4);
        assert_int_equal(count(&t, "place"), 2);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\" WHERE \"region\"='310115001' AND \"place\" IS NOT NULL"), 3);
        map_free(m);
    }
}

static void sormas_and_r_come_in(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        struct map *m = import_map(&t, "sormas-case");
        assert_ok(import_text(&t, m, NULL,
                              "CaseData;Person;Person;Person;Person;Person;Person;CaseData;CaseData;Symptoms;CaseData;Sample;PathogenTest;PathogenTest;Sample;PathogenTest\n"
                              "disease;person.firstName;person.lastName;person.sex;person.birthdateDD;person.birthdateMM;person.birthdateYYYY;reportDate;caseClassification;"
                              "symptoms.onsetDate;epidNumber;sampleDateTime;testType;testResult;sampleDateTime;testResult\n"
                              "##Disease;First name;Last name;Sex\n"
                              "CORONAVIRUS;Mia;Schmidt;FEMALE;3;4;1980;28/05/2022;CONFIRMED;27/05/2022;N-1;28/05/2022 10:30;PCR_RT_PCR;POSITIVE;29/05/2022;NEGATIVE\n"
                              "EVD;Jan;Krause;MALE;;;;29.05.2022;SUSPECT;;N-2;;;;;\n",
                              0, 0, false, &run, &err), err);
        assert_int_equal(run.n.rows, 2);
        assert_int_equal(run.n.skipped, 1);
        assert_int_equal(run.n.created, 2);
        assert_int_equal(count(&t, "test"), 2);
        assert_int_equal(test_count(&t, "SELECT \"birth\" FROM \"person\" WHERE \"birth\" IS NOT NULL"), 3745);
        map_free(m);
        m = import_map(&t, "sormas-contact");
        assert_ok(import_text(&t, m, NULL, "a;b\ncaseIdExternalSystem;disease;person.firstName;person.lastName;lastContactDate;contactProximity;relationToCase;contactCategory\n"
                                           "N-1;CORONAVIRUS;Ali;Kaya;26/05/2022;SAME_ROOM;SAME_HOUSEHOLD;HIGH_RISK\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 1);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"contact\" WHERE \"index_case\" IS NOT NULL AND \"mode\"='room'"), 1);
        map_free(m);
        m = import_map(&t, "sormas-line-listing");
        assert_ok(import_text(&t, m, NULL, "disease;person.firstName;person.lastName;person.sex;reportDate;epidNumber;caseOrigin;symptoms.onsetDate\n"
                                           "MEASLES;Eva;Lind;FEMALE;2022-05-20;M-9;IN_COUNTRY;2022-05-18\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 1);
        map_free(m);
        m = import_map(&t, "linelist");
        assert_ok(import_text(&t, m, NULL, "id,date_onset,date_reporting,gender,age,outcome,hcw\n1,2014-04-07,2014-04-09,f,30,NA,TRUE\n2,2014-04-15,NA,m,41,died,FALSE\n",
                              0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 2);
        map_free(m);
        m = import_map(&t, "epicontacts");
        assert_ok(import_text(&t, m, NULL, "from,to,source\n1,2,funeral\n2,9,other\n", 0, 0, false, &run, &err), err);
        assert_int_equal(run.n.created, 1);
        assert_int_equal(run.n.rejected, 1);
        map_free(m);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_that_cannot_be_read_is_refused_whole), cmocka_unit_test(one_bad_row_leaves_nothing), cmocka_unit_test(a_refused_row_refuses_no_other), cmocka_unit_test(lines_about_the_list_are_nobody), cmocka_unit_test(imports_are_taken_back_in_turn), cmocka_unit_test(a_row_too_large_is_refused_alone), cmocka_unit_test(again_changes_nothing),
        cmocka_unit_test(rows_without_keys_are_known_by_what_they_say), cmocka_unit_test(a_dry_run_says_the_same_and_writes_nothing),
        cmocka_unit_test(the_same_person_is_found), cmocka_unit_test(a_family_with_one_phone_is_several), cmocka_unit_test(what_a_list_says_otherwise_is_kept), cmocka_unit_test(a_row_longer_than_its_header_is_refused), cmocka_unit_test(a_list_may_only_add_to_what_is_there), cmocka_unit_test(a_list_may_leave_what_is_known), cmocka_unit_test(an_import_can_be_taken_back), cmocka_unit_test(undoing_a_correction_takes_back_what_followed), cmocka_unit_test(names_of_places_and_regions),
        cmocka_unit_test(sormas_and_r_come_in),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The mapping language: what it refuses, with the place; what it makes of cells. */
#include "check.h"

#include <dirent.h>

#include "base/digest.h"
#include "base/instant.h"
#include "desks/intake/map.h"

static struct catalog *catalog;

static const char *home(const char *path) {
    static char full[4][512];
    static int turn;
    const char *h = getenv("TOCSIN_HOME");
    char *p = full[turn++ % 4];
    snprintf(p, 512, "%s/%s", h ? h : ".", path);
    return p;
}

static int load(void **state) {
    (void)state;
    struct error err = {0};
    assert_ok(catalog_load(home("registers"), home("codes"), &catalog, &err), err);
    return 0;
}
static int unload(void **state) {
    (void)state;
    catalog_free(catalog);
    return 0;
}

static void bad_maps_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct { const char *yaml; int code; const char *where; } bad[] = {
        {"register: nothing\nfields: {}\n", E_UNKNOWN, "m:1:11"},
        {"register: case\nfields: {colour: x}\n", E_UNKNOWN, "m:2:10"},
        {"register: case\nfeilds: {}\n", E_UNKNOWN, "m:2:1"},
        {"register: case\nencoding: klingon\nfields: {}\n", E_UNKNOWN, "m:2:11"},
        {"register: case\nencoding: [a]\nfields: {}\n", E_INVALID, "m:2:11"},
        {"register: case\nfill: {a: b}\nfields: {}\n", E_INVALID, "m:2:7"},
        {"register: case\n", E_INVALID, "m:1:1"},
        {"register: case\nfields: {}\nrecords: []\n", E_INVALID, "m:1:1"},
        {"register: case\nfields: {onset: {from: a, date: dd/qq/yyyy}}\n", E_UNKNOWN, "m:2:33"},
        {"register: case\ndates: [tomorrow]\nfields: {}\n", E_UNKNOWN, NULL},
        {"register: case\nfields: {onset: {from: a, value: b}}\n", E_INVALID, NULL},
        {"register: case\nfields: {onset: {map: {a: b}}}\n", E_INVALID, NULL},
        {"register: case\nfields: {note: {from: a, match: '(a'}}\n", E_SYNTAX, NULL},
        {"register: case\nfields: {note: {from: a, match: '(a)\\1'}}\n", E_UNSUPPORTED, NULL},
        {"register: case\nfields: {note: {from: a, match: '((a{99}){99}){99}'}}\n", E_UNSUPPORTED, NULL},
        {"register: case\nfields: {note: {text: 'a{b'}}\n", E_SYNTAX, NULL},
        {"register: case\nfields: {note: {from: a, map: {x: 1, X: 2}}}\n", E_INVALID, NULL},
        {"register: case\nfields: {person: column}\n", E_INVALID, NULL},
        {"register: case\nfields: {person: {record: person}}\n", E_UNKNOWN, NULL},
        {"register: case\nfields: {person: {from: a, ref: {register: case, key: x}}}\n", E_UNKNOWN, NULL},
        {"register: case\nfields: {person: {from: a, ref: {by: name}}}\n", E_INVALID, NULL},
        {"register: case\nfields: {note: {from: a, ref: {key: x}}}\n", E_INVALID, NULL},
        {"register: case\nwhen: 'a ='\nfields: {}\n", E_SYNTAX, "m:2:7"},
        {"register: case\nwhen: 'a = 1 b'\nfields: {}\n", E_SYNTAX, NULL},
        {"register: case\nwhen: '(a or b'\nfields: {}\n", E_SYNTAX, NULL},
        {"register: case\nlet: {x: {from: x}}\nfields: {}\n", E_INVALID, NULL},
        {"register: person\nstate: {value: a}\nfields: {}\n", E_INVALID, NULL},
        {"register: case\nrecords:\n  - {register: person, fields: {}}\n  - {register: person, fields: {}}\n", E_INVALID, "m:4:5"},
        {"register: case\nkeep: colour\nfields: {}\n", E_UNKNOWN, "m:2:7"},
        {"register: case\nkeep: onset\nfields: {}\n", E_INVALID, "m:2:7"},
        {"register: case\nkeep: note\nfields: {note: a}\n", E_INVALID, "m:2:7"},
        {"register: person\nkeep: community\nrecords:\n  - {register: person, keep: community, fields: {}}\n", E_INVALID, NULL},
        {"register: case\neach: {from: a}\nfields: {}\n", E_INVALID, NULL},
        {"", E_SYNTAX, NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct map *m = NULL;
        struct error err = {0};
        int rc = map_parse(catalog, text_of(bad[i].yaml), "m", &m, &err);
        if (rc != bad[i].code) fail_msg("case %zu gave %s: %s", i, error_name(rc), err.message);
        assert_null(m);
        assert_non_null(strstr(err.message, " / "));
        if (strstr(bad[i].yaml, "match:")) assert_null(strpbrk(strstr(err.message, " / "), "abcdefghijklmnopqrstuvwxyz")); /* Chinese to the end */
        if (bad[i].where) assert_string_equal(err.where, bad[i].where);
    }
}

static void every_map_of_the_examples_compiles(void **state) {
    (void)state;
    struct dirent *e;
    DIR *dir = opendir(home("examples/maps"));
    int n = 0;
    assert_non_null(dir);
    while ((e = readdir(dir))) {
        char path[300];
        struct map *m = NULL;
        struct error err = {0};
        if (!strstr(e->d_name, ".yaml") || strncmp(e->d_name, "visits-", 7) == 0 || strncmp(e->d_name, "proximity-", 10) == 0) continue; /* docs/tracing.md */
        snprintf(path, sizeof path, "examples/maps/%s", e->d_name);
        assert_ok(map_read(catalog, home(path), &m, &err), err);
        map_free(m);
        n++;
    }
    closedir(dir);
    assert_true(n >= 35);
}

/* One row of the columns a b c d e through fields of `register`. */
struct trial {
    struct arena a;
    struct map *m;
    struct map_binding *b;
    struct map_result r;
    enum map_outcome outcome;
};
static void try_row(struct trial *t, const char *yaml, size_t n, const char *const *headers, const char *const *row) {
    struct text h[16], c[16];
    struct error err = {0};
    *t = (struct trial){0};
    for (size_t i = 0; i < n; i++) h[i] = text_of(headers[i]), c[i] = text_of(row[i]);
    assert_ok(map_parse(catalog, text_of(yaml), "m", &t->m, &err), err);
    assert_ok(map_bind(t->m, h, n, &t->b, &err), err);
    assert_ok(map_row(t->m, t->b, c, n, 2, ZONE_CHINA_S, &t->a, &t->r, &t->outcome, &err), err);
}
static void end_row(struct trial *t) {
    map_unbind(t->b);
    map_free(t->m);
    arena_clear(&t->a);
}
static struct text got(const struct trial *t, size_t item, const char *field) {
    const struct map_item *it = &t->r.items[item];
    int f = register_field(it->reg, text_of(field));
    static struct buf b[8];
    static int turn;
    struct buf *out = &b[turn++ % 8];
    assert_true(f >= 0);
    buf_clear(out);
    if (value_given(it->values[f])) {
        if (it->values[f].kind == VALUE_TEXT)
            buf_text(out, value_view(it->values[f]));
        else
            field_format(&it->reg->fields[f], it->values[f], ZONE_CHINA_S, out);
    }
    return text_of(buf_cstr(out));
}
#define HEADERS ((const char *const[]){"a", "b", "c", "d", "e"})
#define ROW(...) ((const char *const[]){__VA_ARGS__})
static void expect(const char *spec, const char *field, const char *cell, const char *wanted) {
    char yaml[700];
    struct trial t;
    snprintf(yaml, sizeof yaml, "register: case\nfields:\n  %s: %s\n", field, spec);
    try_row(&t, yaml, 5, HEADERS, ROW(cell, "", "", "", ".")); /* a blank row would be skipped */
    if (!wanted) {
        if (t.outcome != MAP_REJECT) fail_msg("%s of '%s' was accepted", spec, cell);
        assert_true(t.r.reason->en[0] && t.r.reason->zh[0]);
    } else {
        if (t.outcome == MAP_REJECT) fail_msg("%s of '%s': %s", spec, cell, t.r.reason->en);
        struct text v = t.r.n ? got(&t, 0, field) : TEXT("");
        if (!text_is(v, wanted)) fail_msg("%s of '%s' gave '%s'", spec, cell, v.s);
    }
    end_row(&t);
}

static void dates_of_other_systems(void **state) {
    (void)state;
    static const struct { const char *spec, *cell, *wanted; } dates[] = {
        {"{from: a, date: dd/mm/yyyy}", "31/02/2020", NULL},      {"{from: a, date: dd/mm/yyyy}", "2020-01-02", NULL},
        {"{from: a, date: dd/mm/yyyy}", "05/01/2020", "2020-01-05"}, {"{from: a, date: dd/mm/yyyy}", "5/1/2020", "2020-01-05"},
        {"{from: a, date: excel}", "43952", "2020-05-01"},       {"{from: a, date: excel}", "5", NULL},
        {"{from: a, date: r}", "18275", "2020-01-14"},           {"{from: a, date: iso}", "2020-06-28T00:00:00.000Z", "2020-06-28"},
        {"{from: a, date: [iso, r]}", "18275", "2020-01-14"},    {"{from: a, date: yyyy年m月d日}", "2022年5月30日", "2022-05-30"},
        {"{from: a, date: iso}", "2020-04", NULL},               {"{from: a, date: iso, partial: last}", "2020-04", "2020-04-30"},
        {"{from: a, date: iso, partial: first}", "2020", "2020-01-01"}, {"{from: a, date: iso, bad: empty}", "2020-04", ""},
        {"{from: a, date: m月d日, year: 2022}", "5月30日", "2022-05-30"}, {"{from: a, date: m月d日}", "5月30日", NULL},
        {"{from: a, date: d-mmm-yy}", "3-Feb-20", "2020-02-03"}, {"{from: a, date: 'dd.MM.yyyy HH:mm'}", "03.02.2020 17:05", "2020-02-03"},
        {"{from: a, date: week}", "2015_21", "2015-05-18"},      {"{from: a, date: yyyymmdd}", "20200229", "2020-02-29"},
        {"{from: a, date: unix}", "1590969600", "2020-06-01"},   {"{from: a, date: dd/mm/yyyy}", "０５/０１/２０２０", "2020-01-05"},
        {"{from: a, date: dd/mm/yyyy, na: [NA]}", "NA", ""},     {"a", "2022年5月30日", "2022-05-30"},
    };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) expect(dates[i].spec, "onset", dates[i].cell, dates[i].wanted);
    expect("{from: a, date: [iso, 'dd/mm/yyyy h:mm am']}", "reported_at", "03/02/2020 5:07 PM", "2020-02-03T17:07:00+08:00");
    expect("{from: a, date: iso}", "reported_at", "2020-06-28T00:00:00.000Z", "2020-06-28T08:00:00+08:00");
    expect("{from: a, date: iso, at: '09:30'}", "reported_at", "2020-06-28", "2020-06-28T09:30:00+08:00");
    expect("{from: a, date: 'yyyy-mm-ddTHH:MM:SS', zone: '+00:00'}", "reported_at", "2020-06-28T01:00:00", "2020-06-28T09:00:00+08:00");
}

static void texts_and_numbers(void **state) {
    (void)state;
    static const struct { const char *spec, *field, *cell, *wanted; } v[] = {
        {"{from: a, map: {M: mild, '*': unknown}}", "severity", "m", "mild"},
        {"{from: a, map: {M: mild, '*': unknown}}", "severity", "other word", "unknown"},
        {"{from: a, map: {M: mild}}", "severity", "", ""},
        {"{from: a, map: {M: mild, '': unknown}}", "severity", "", "unknown"},
        {"{from: a, map: {M: mild}}", "severity", "purple", NULL},
        {"{from: a, map: {M: mild}, bad: empty}", "severity", "purple", ""},
        {"{from: a, strip: [LNG_X_, LNG_]}", "note", "LNG_X_CONFIRMED", "CONFIRMED"},
        {"{from: a, match: 'TJ[0-9]+'}", "note", "family of case TJ14 and TJ25", "TJ14"},
        {"{from: a, match: '([a-z]+) ([0-9]+)', take: 2}", "note", "case 17", "17"},
        {"{from: a, match: ['^x(.)', '^y(.)']}", "note", "yz", "z"},
        {"{from: a, match: '^x'}", "note", "y", ""},
        {"{from: a, split: ';', take: 2}", "note", "a; b; c", "b"},
        {"{from: a, split: ';', take: -1}", "note", "a; b; c", "c"},
        {"{from: a, split: ';', take: 9}", "note", "a; b; c", ""},
        {"{from: a, replace: {'[0-9]+': N}}", "note", "a1b22", "aNbN"},
        {"{from: a, upper: true}", "note", "abc中", "ABC中"},
        {"{text: 'case {a}!'}", "note", "5", "case 5!"},
        {"{text: 'case {a}!'}", "note", "", ""},
        {"{text: '{{a}}'}", "note", "5", "{a}"},
        {"{join: [a, b, a], with: '-'}", "note", "x", "x-x"},
        {"{from: [b, a]}", "note", "second", "second"},
        {"{value: fixed}", "note", "", "fixed"},
        {"{from: a, default: none}", "note", "", "none"},
        {"{from: a, require: true}", "note", "", NULL},
        {"{from: a, when: a != 'x'}", "note", "x", ""},
        {"{from: a, number: first}", "generation", "gen 12 of 13", "12"},
        {"{from: a, number: first}", "generation", "４５岁", "45"},
        {"{from: a, number: low}", "generation", "20 to 29", "20"},
        {"{from: a, number: high}", "generation", "20-29", "29"},
        {"{from: a, number: middle}", "generation", "20-29", "24"},
        {"{from: a, number: low}", "generation", "80+", "80"},
        {"{from: a, number: low}", "generation", "<5", "0"},
        {"{from: a, number: high}", "generation", "20多岁", "29"},
        {"{from: a, number: rest}", "note", "3 months", "months"},
        {"{from: a, times: 12, round: true}", "generation", "0.9166666667", "11"},
        {"{from: a, times: 12}", "generation", "x", NULL},
        {"{from: a, times: 7, plus: 1}", "generation", "2", "15"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) expect(v[i].spec, v[i].field, v[i].cell, v[i].wanted);
}

static void conditions(void **state) {
    (void)state;
    static const struct { const char *when; bool holds; } c[] = {
        {"a", true}, {"e", false}, {"not e", true}, {"a = 'i5'", true}, {"a != 'I5'", false}, {"a ~ '^I[0-9]'", true}, {"a !~ '^I'", false},
        {"b > 9", true}, {"b >= 10 and b < 11", true}, {"b in ('9', 10)", true}, {"c is empty", false}, {"c is not empty", true},
        {"e or (a and not c is empty)", true}, {"[d d] = 'it''s'", true}, {"a = b", false}, {"a = a", true}, {"e > 1", false}, {"e = ''", true},
        {"not (a or e)", false},
    };
    static const char *const headers[] = {"a", "b", "c", "d d", "e"};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        char yaml[300];
        struct trial t;
        snprintf(yaml, sizeof yaml, "register: case\nwhen: |-\n  %s\nfields: {note: {value: x}}\n", c[i].when);
        try_row(&t, yaml, 5, headers, ROW("I5", "10", "x", "it's", ""));
        if ((t.outcome == MAP_ROW) != c[i].holds) fail_msg("%s", c[i].when);
        end_row(&t);
    }
}

static void a_row_gives_several_records(void **state) {
    (void)state;
    static const char *const yaml = "register: case\n"
                                    "let: {own: {from: a, match: '[0-9]+'}}\n"
                                    "skip_if: a = 'skip'\n"
                                    "records:\n"
                                    "  - {register: person, key: 'x:{own}', fields: {name: b}}\n"
                                    "  - {register: case, key: 'x:{own}', fields: {person: {record: person}, disease: {value: measles}}}\n"
                                    "  - register: link\n"
                                    "    each: {from: c, match: 'TJ[0-9]+'}\n"
                                    "    when: part != a\n"
                                    "    fields: {infector: {from: part, ref: {key: 'x:{}'}}, infectee: {record: case}}\n";
    struct trial t;
    try_row(&t, yaml, 5, HEADERS, ROW("TJ14", "张三", "TJ1; TJ5, TJ14 and TJ5", "", ""));
    assert_int_equal(t.outcome, MAP_ROW);
    assert_int_equal(t.r.n, 4);
    assert_string_equal(t.r.items[0].reg->name.s, "person");
    assert_true(text_is(t.r.items[0].outside_key, "x:14"));
    assert_true(t.r.items[0].match);
    assert_int_equal(t.r.main, 1);
    assert_true(t.r.items[1].refs[0].by == BY_ROW && t.r.items[1].refs[0].row == 0);
    assert_true(text_is(t.r.items[2].refs[0].text, "x:TJ1") && text_is(t.r.items[3].refs[0].text, "x:TJ5"));
    assert_true(t.r.items[3].refs[1].row == 1);
    end_row(&t);
    try_row(&t, yaml, 5, HEADERS, ROW("skip", "", "", "", ""));
    assert_int_equal(t.outcome, MAP_SKIP);
    end_row(&t);
    try_row(&t, yaml, 5, HEADERS, ROW("no number", "张三", "", "", ""));
    assert_int_equal(t.outcome, MAP_REJECT); /* its key is empty */
    end_row(&t);
    try_row(&t, yaml, 5, HEADERS, ROW("", " ", "", "　", ""));
    assert_int_equal(t.outcome, MAP_SKIP);
    end_row(&t);
}

static void a_missing_target_may_be_made(void **state) {
    (void)state;
    static const char *const yaml = "register: contact\n"
                                    "records:\n"
                                    "  - {register: person, key: 'p:{a}', fields: {}}\n"
                                    "  - register: contact\n"
                                    "    fields:\n"
                                    "      person: {record: person}\n"
                                    "      place: {from: b, ref: {by: title, missing: create, with: {address: {text: 'near {}'}}}}\n";
    struct trial t;
    try_row(&t, yaml, 5, HEADERS, ROW("1", "Wet market", "", "", ""));
    assert_int_equal(t.r.n, 3);
    assert_string_equal(t.r.items[1].reg->name.s, "place");
    assert_true(t.r.items[1].only_new);
    assert_true(text_is(got(&t, 1, "title"), "Wet market"));
    assert_true(text_is(got(&t, 1, "address"), "near Wet market"));
    assert_int_equal(t.r.items[2].refs[1].row, 1);
    assert_int_equal(t.r.main, 2);
    end_row(&t);
    try_row(&t, yaml, 5, HEADERS, ROW("1", "", "", "", ""));
    assert_int_equal(t.r.n, 2);
    end_row(&t);
}

static void columns_are_found_or_told(void **state) {
    (void)state;
    struct map *m = NULL;
    struct map_binding *b = NULL;
    struct error err = {0};
    struct text h[] = {TEXT("\xEF\xBB\xBF" "ID"), TEXT("Gender "), TEXT("date"), TEXT("date"), TEXT("extra")};
    assert_ok(map_parse(catalog, TEXT("register: case\nfields: {note: {join: [id, gender, date#2, \"@5\", \"gone?\"]}}\n"), "m", &m, &err), err);
    assert_ok(map_bind(m, h, 5, &b, &err), err);
    struct buf unused = {0};
    assert_int_equal(map_unused(m, b, h, 5, &unused), 0);
    assert_string_equal(buf_cstr(&unused), "date");
    buf_clear(&unused);
    map_unbind(b);
    map_free(m);
    /* a file without a header row has its columns by position */
    struct arena arena = {0};
    struct map_result r;
    enum map_outcome outcome;
    assert_ok(map_parse(catalog, TEXT("register: case\nheader: 0\nfields: {note: {join: [\"@2\", \"@4\"]}}\n"), "m", &m, &err), err);
    assert_int_equal(map_header_row(m), 0);
    assert_ok(map_bind(m, NULL, 0, &b, &err), err);
    assert_ok(map_row(m, b, h, 3, 1, 0, &arena, &r, &outcome, &err), err);
    assert_int_equal(outcome, MAP_ROW);
    assert_true(text_is(value_view(r.items[0].values[register_field(r.items[0].reg, TEXT("note"))]), "Gender"));
    arena_clear(&arena);
    map_unbind(b);
    map_free(m);
    assert_ok(map_parse(catalog, TEXT("register: case\nfields: {note: {join: [id, sex, date#3]}}\n"), "m", &m, &err), err);
    assert_int_equal(map_bind(m, h, 5, &b, &err), E_INVALID);
    assert_non_null(strstr(err.message, "sex, date"));
    assert_non_null(strstr(err.message, "Gender"));
    map_free(m);
}

static void headers_in_both_languages(void **state) {
    (void)state;
    struct map *m = NULL;
    struct map_binding *b = NULL;
    struct error err = {0};
    struct buf unmatched = {0};
    const struct register_decl *reg = register_find(catalog, TEXT("contact"));
    struct text none[] = {TEXT("colour"), TEXT("与病例关系")};
    assert_int_equal(map_auto(catalog, reg, TEXT("0123456789ab"), none, 2, &m, &unmatched, &err), E_INVALID);
    assert_non_null(strstr(err.message, "person"));
    assert_non_null(strstr(err.message, "colour"));
    struct text h[] = {TEXT("姓名（必填）"), TEXT("身份证号"), TEXT("联系电话*"), TEXT("末次接触时间"), TEXT("Relation to the case"), TEXT("网格员")};
    struct text row[] = {TEXT("张三"), TEXT("11010519491231002X"), TEXT("１３８０００１２３４５"), TEXT("2022年5月28日"), TEXT("家人"), TEXT("李")};
    struct arena a = {0};
    struct map_result r;
    enum map_outcome outcome;
    err = (struct error){0};
    buf_reset(&unmatched);
    assert_ok(map_auto(catalog, reg, TEXT("0123456789ab"), h, 6, &m, &unmatched, &err), err);
    assert_string_equal(buf_cstr(&unmatched), "网格员");
    assert_ok(map_bind(m, h, 6, &b, &err), err);
    assert_ok(map_row(m, b, row, 6, 2, ZONE_CHINA_S, &a, &r, &outcome, &err), err);
    assert_int_equal(outcome, MAP_ROW);
    assert_int_equal(r.n, 2);
    struct trial t = {.r = r};
    assert_true(text_is(got(&t, 0, "name"), "张三"));
    assert_true(text_is(got(&t, 0, "phone"), "13800012345"));
    assert_true(text_is(got(&t, 1, "last_contact"), "2022-05-28"));
    assert_true(text_is(got(&t, 1, "relation"), "family"));
    assert_int_equal(r.items[1].refs[0].row, 0);
    row[1] = TEXT("1.10105E+17"); /* a spreadsheet was here */
    assert_ok(map_row(m, b, row, 6, 2, ZONE_CHINA_S, &a, &r, &outcome, &err), err);
    assert_int_equal(outcome, MAP_REJECT);
    assert_string_equal(r.reason->field.s, "doc_no");
    assert_null(strstr(r.reason->en, "1.10105"));
    arena_clear(&a);
    buf_clear(&unmatched);
    map_unbind(b);
    map_free(m);
}

static void words_are_what_headers_mean(void **state) {
    (void)state;
    struct map *m = NULL;
    struct error err = {0};
    struct buf unmatched = {0};
    struct arena a = {0};
    const struct register_decl *reg = register_find(catalog, TEXT("contact"));
    struct text h[] = {TEXT("外部编号"), TEXT("姓名"), TEXT("联系电话*"), TEXT("区县"), TEXT("末次接触时间"), TEXT("管控状态"), TEXT("网格员"), TEXT("")};
    static const char *const want[] = {"key", "person.name", "person.phone", "region", "last_contact", "state", "", ""};
    struct text *words = NULL, *again = NULL;
    assert_ok(map_means(catalog, reg, TEXT("0123456789ab"), h, 8, &a, &words, &err), err);
    for (size_t i = 0; i < 8; i++) assert_true(text_is(words[i], want[i]));
    /* a word in place of the header means the same, and makes the same map */
    assert_ok(map_means(catalog, reg, TEXT("0123456789ab"), words, 8, &a, &again, &err), err);
    for (size_t i = 0; i < 8; i++) assert_true(text_eq(words[i], again[i]));
    assert_ok(map_auto(catalog, reg, TEXT("0123456789ab"), words, 8, &m, &unmatched, &err), err);
    assert_int_equal(unmatched.n, 0);
    map_free(m);
    /* what is required may be missing */
    struct text few[] = {TEXT("性别"), TEXT("名号")};
    assert_ok(map_means(catalog, register_find(catalog, TEXT("person")), TEXT("0123456789ab"), few, 2, &a, &words, &err), err);
    assert_true(text_is(words[0], "sex"));
    assert_int_equal(words[1].n, 0);
    arena_clear(&a);
    buf_clear(&unmatched);
}

static void out_of_memory_is_an_error_like_another(void **state) {
    (void)state;
    static const char *const yaml = "register: case\nlet: {x: {from: a, match: '[0-9]+'}}\nrecords:\n  - {register: person, key: 'x:{x}', fields: {name: b}}\n"
                                    "  - {register: case, when: a ~ 'x' or b, fields: {person: {record: person}, onset: {from: c, date: [iso, r]}}}\n";
    for (long n = 1; n < 400; n++) {
        struct map *m = NULL;
        struct map_binding *b = NULL;
        struct error err = {0};
        struct arena a = {0};
        struct text h[] = {TEXT("a"), TEXT("b"), TEXT("c")}, c[] = {TEXT("x1"), TEXT("Ａ B"), TEXT("18275")};
        struct map_result r;
        enum map_outcome outcome;
        mem_fail_at(n, false);
        int rc = map_parse(catalog, text_of(yaml), "m", &m, &err);
        if (rc == 0) rc = map_bind(m, h, 3, &b, &err);
        if (rc == 0) rc = map_row(m, b, c, 3, 2, 0, &a, &r, &outcome, &err);
        mem_fail_at(0, false);
        assert_true(rc == 0 || rc == E_MEMORY);
        map_unbind(b);
        map_free(m);
        arena_clear(&a);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_maps_are_refused_with_their_place), cmocka_unit_test(every_map_of_the_examples_compiles),
        cmocka_unit_test(dates_of_other_systems), cmocka_unit_test(texts_and_numbers), cmocka_unit_test(conditions),
        cmocka_unit_test(a_row_gives_several_records), cmocka_unit_test(a_missing_target_may_be_made), cmocka_unit_test(columns_are_found_or_told),
        cmocka_unit_test(headers_in_both_languages), cmocka_unit_test(words_are_what_headers_mean), cmocka_unit_test(out_of_memory_is_an_error_like_another),
    };
    return cmocka_run_group_tests(tests, load, unload);
}

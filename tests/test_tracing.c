/* The tracing desk: files of visits into the store, questions about persons and cases, forgetting. Refused first; on each store of the ledger. */
#include "duties.h"
#include "ledgers.h"

#include "base/digest.h"
#include "desks/tracing/append.h"
#include "engines/town.h"

static char file[200], refused[220];

static void write_bytes(const struct test_ledger *t, const char *content, size_t n) {
    snprintf(file, sizeof file, "%s/visits.csv", t->dir);
    snprintf(refused, sizeof refused, "%s/refused.csv", t->dir);
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(content, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void write_file(const struct test_ledger *t, const char *content) {
    write_bytes(t, content, strlen(content));
}

static struct visits *opened(struct test_ledger *t) {
    struct visits *v = NULL;
    struct error err = {0};
    assert_ok(tracing_open(t->l, &t->s, true, false, &v, &err), err);
    return v;
}

static const char head[] = "人员,场所,开始时间,结束时间,类型,来源,车厢,排\n";
static const char rows[] =
    "a,市场,2022-05-28T10:00:00+08:00,2022-05-28T11:00:00+08:00,market,,,\n"
    "b,市场,2022-05-28 10:30,2022-05-28 12:00,,told,,\n"
    "c,市场,2022-05-28T11:10,2022-05-28T11:30,,,,\n" /* ten minutes after a left */
    "d,市场,1653703200,,,,,\n"                       /* a scan at 10:00, 30 minutes by rule */
    "e,G12,2022-05-27T23:50,2022-05-28T00:10,transport,,2,7\n"
    "f,G12,2022-05-27T23:40,2022-05-28T00:20,,,2,9\n"
    "g,G12,2022-05-27T23:40,2022-05-28T00:20,,,2,12\n";

static void map_write(const char *path, const char *content) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

/* Each of these maps is refused, and it is said why. */
static void maps_refused(struct test_ledger *t, struct visits *v, const char *map, const char *const *wrong, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct error err = {0};
        struct tracing_import_report r;
        map_write(map, wrong[i]);
        assert_true(tracing_import_mapped(t->l, &t->s, v, file, map, refused, &r, &err) < 0 && err.message[0]);
    }
}

static void tables_and_questions_that_are_wrong(void **state) {
    struct test_ledger t;
    struct error err = {0};
    struct visits *v = NULL;
    struct tracing_import_report r;
    struct tracing_answer a;
    struct tracing_question q = {.degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
    test_ledger_make(&t, 0, "covid-2022-v9", "2022-05-29T17:00");
    struct grant reader = {.role = TEXT("reporter"), .region = TEXT("310115")};
    struct session stranger = t.s;
    stranger.grants = &reader;
    stranger.n_grants = 1;
    assert_int_equal(tracing_open(t.l, &stranger, true, false, &v, &err), E_DENIED);
    err = (struct error){0};
    assert_int_equal(tracing_open(t.l, &t.s, false, false, &v, &err), E_UNKNOWN); /* none yet */
    v = opened(&t);
    err = (struct error){0};
    assert_int_equal(tracing_import(t.l, &t.s, v, "/nowhere.csv", NULL, &r, &err), E_IO);
    write_file(&t, "person,start\na,2022-05-28T10:00\n");
    err = (struct error){0};
    assert_int_equal(tracing_import(t.l, &t.s, v, file, refused, &r, &err), E_SYNTAX);
    assert_string_equal(err.where, "place");
    err = (struct error){0};
    assert_int_equal(tracing_ask(t.l, &t.s, v, &q, &a, &err), E_USAGE);
    q.cases = (const char *const[]){"C-none"};
    q.n_cases = 1;
    err = (struct error){0};
    assert_int_equal(tracing_ask(t.l, &t.s, v, &q, &a, &err), E_UNKNOWN);
    q.degree = 3;
    err = (struct error){0};
    assert_int_equal(tracing_ask(t.l, &t.s, v, &q, &a, &err), E_INVALID);
    uint64_t gone;
    day until;
    err = (struct error){0};
    assert_int_equal(tracing_forget(t.l, &t.s, v, DAY_MIN, 30000, &gone, &until, &err), E_INVALID);
    visits_close(v);
    test_ledger_drop(&t);
}

static bool has(const struct tracing_answer *a, const char *who) {
    uint32_t id;
    if (!visits_find(a->v, VISITS_PERSON, text_of(who), &id)) return false;
    for (size_t i = 0; i < a->found.n_contacts; i++)
        if (a->found.contacts[i].person == id) return true;
    return false;
}

static struct tracing_answer asked(struct test_ledger *t, struct visits *v, struct tracing_question q) {
    struct tracing_answer a = {0};
    struct error err = {0};
    assert_ok(tracing_ask(t->l, &t->s, v, &q, &a, &err), err);
    return a;
}

static void a_table_becomes_contacts(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct error err = {0};
        struct tracing_import_report r;
        char content[2000];
        test_ledger_make(&t, store, "covid-2022-v9", "2022-05-29T17:00");
        struct visits *v = opened(&t);
        snprintf(content, sizeof content, "%s%s,G12,2022-05-28,,,,,\nh,市场,昨天,,,,,\nh,市场,2022-05-28T10:00,2022-05-28T09:00,,,,\n", head, rows);
        write_file(&t, content);
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_int_equal(r.rows, 10);
        assert_int_equal(r.taken, 7);
        assert_int_equal(r.refused, 3);
        struct buf b = {0};
        assert_ok(file_read(refused, 1 << 20, &b, &err), err);
        assert_non_null(strstr(buf_cstr(&b), "h,市场,昨天"));
        assert_non_null(strstr(buf_cstr(&b), "reason"));
        buf_clear(&b);
        const char *who[] = {"a"};
        struct tracing_question q = {.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 4};
        struct tracing_answer a = asked(&t, v, q);
        assert_true(has(&a, "b") && has(&a, "d") && !has(&a, "c") && a.found.n_contacts == 2);
        tracing_answer_clear(&a);
        q.after_minutes = 10;
        a = asked(&t, v, q);
        assert_true(has(&a, "c") && a.found.n_contacts == 3);
        tracing_answer_clear(&a);
        q.minutes = 31;
        q.after_minutes = 0;
        a = asked(&t, v, q);
        assert_int_equal(a.found.n_contacts, 0);
        tracing_answer_clear(&a);
        /* across midnight, and three rows around */
        who[0] = "e";
        q.minutes = q.after_minutes = -1;
        a = asked(&t, v, q);
        assert_true(has(&a, "f") && !has(&a, "g") && a.found.n_contacts == 1);
        assert_int_equal(a.found.contacts[0].overlap_s, 1200);
        tracing_answer_clear(&a);
        who[0] = "nobody";
        a = asked(&t, v, q);
        assert_true(a.n_unknown == 1 && a.found.n_contacts == 0);
        tracing_answer_clear(&a);
        visits_close(v);
        struct journal_verdict verdict;
        assert_ok(journal_verify(t.l->db, t.l->journal.keys.public_key, true, NULL, NULL, &verdict, &err), err);
        assert_int_equal(verdict.bad_seq, 0);
        test_ledger_drop(&t);
    }
}

static int looks_count(const struct journal_entry *e, void *arg) {
    int *n = arg;
    if (text_is(e->reg, "visits")) n[e->verb == JOURNAL_OPEN ? 0 : e->verb == JOURNAL_PURGE ? 1 : 2]++;
    return 0;
}

static void forgetting_follows_the_policy_and_is_journalled(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct error err = {0};
        struct tracing_import_report r;
        char content[2000];
        uint64_t gone = 0;
        day until;
        int n[3] = {0};
        test_ledger_make(&t, store, "covid-2022-v9", "2022-06-25T12:00");
        struct visits *v = opened(&t);
        snprintf(content, sizeof content, "%s%s", head, rows);
        write_file(&t, content);
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        struct tracing_rules rules;
        tracing_rules(t.l, (struct text){"", 0}, t.s.now, &rules);
        assert_int_equal(rules.keep_days, 28);
        assert_ok(tracing_forget(t.l, &t.s, v, DAY_MIN, DAY_MIN, &gone, &until, &err), err);
        assert_int_equal(gone, 3); /* the evening of the 27th; its rest past midnight stays a day longer */
        assert_ok(tracing_forget(t.l, &t.s, v, DAY_MIN, DAY_MIN, &gone, &until, &err), err);
        assert_int_equal(gone, 0);
        write_file(&t, "person,place,start,end\nz,x,2022-05-26T10:00,2022-05-26T11:00\nz,x,2022-05-27T23:00,2022-05-28T01:00\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(r.taken == 1 && r.forgotten == 1); /* what lies on a forgotten day is not taken; what reaches past it is, from midnight on */
        const char *who[] = {"a"};
        struct tracing_answer a = asked(&t, v, (struct tracing_question){.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 40});
        assert_true(a.found.n_contacts == 2 && a.forgotten); /* and it is told that there are days nobody can look at */
        tracing_answer_clear(&a);
        a = asked(&t, v, (struct tracing_question){.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 14});
        assert_false(a.forgotten);
        tracing_answer_clear(&a);
        visits_close(v);
        assert_ok(journal_scan(t.l->db, 1, INT64_MAX, looks_count, n, &err), err);
        assert_true(n[0] == 2 && n[1] == 2 && n[2] == 2);
        test_ledger_drop(&t);
    }
}

/* Metres between two devices: both are known to the other when it lasted, nobody when they were far apart. A date alone is all of that day. */
static void proximities_and_bare_dates_are_evidence(void **state) {
    struct test_ledger t;
    struct error err = {0};
    struct tracing_import_report r;
    test_ledger_make(&t, 0, NULL, "2022-05-29T17:00");
    struct visits *v = opened(&t);
    write_file(&t, "person,other,time,distance\n"
                   "a,b,2022-05-28T10:00,1.2\na,b,2022-05-28T10:05,0.8 m\nb,a,2022-05-28T10:10,1.5\n" /* three samples of five minutes */
                   "a,c,2022-05-28T11:00,7\n"                                                    /* too far */
                   "a,d,2022-05-28T12:00,1\n"                                                    /* too short */
                   "a,a,2022-05-28T12:00,1\na,e,2022-05-28T12:00,near\na,e,soon,1\n");           /* refused */
    assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
    assert_true(r.rows == 8 && r.refused == 3 && r.far == 1 && r.taken == 8);
    const char *who[] = {"a"};
    struct tracing_question q = {.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
    struct tracing_answer a = asked(&t, v, q);
    assert_int_equal(a.found.n_contacts, 1);
    assert_true(has(&a, "b") && a.found.contacts[0].overlap_s == 900);
    assert_int_equal(presence_source_of(a.found.evidence[a.found.contacts[0].evidence - 1].attr), PRESENCE_PROXIMITY);
    tracing_answer_clear(&a);
    /* times as spreadsheets and people write them, sources and classes in Chinese */
    write_file(&t, "人员,场所,开始时间,结束时间,来源,场所类型\n张,大张超市,2022/5/28 10:20,2022/5/28 11:00,进出计时,超市\n李,大张超市,2022年5月28日 10:30,2022年5月28日11时,流调自述,\n王,大张超市,2022.5.28 9:55,,,\n"
                   "赵,大张超市,20220528,,,\n孙,大张超市,2022年2月30日,,,\n");
    assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
    assert_true(r.taken == 4 && r.refused == 1);
    who[0] = "张";
    a = asked(&t, v, q);
    assert_true(a.found.n_contacts == 2 && has(&a, "李") && has(&a, "赵")); /* for five minutes only was 王 there */
    uint32_t shop;
    assert_true(visits_find(v, VISITS_PLACE, TEXT("大张超市"), &shop) && visits_class(v, shop) == tracing_class(TEXT("shop")));
    tracing_answer_clear(&a);
    write_file(&t, "person,place,start,end\np,village,2022-05-20,2022-05-21\nq,village,2022-05-21,\ns,village,2022-05-22,\n");
    assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
    assert_true(r.taken == 3 && !r.refused);
    who[0] = "p";
    a = asked(&t, v, q);
    assert_true(a.found.n_contacts == 1 && has(&a, "q") && a.found.contacts[0].overlap_s == DAY_S);
    tracing_answer_clear(&a);
    visits_close(v);
    test_ledger_drop(&t);
}

static void a_map_finds_several_visits_in_a_row(void **state) {
    struct test_ledger t;
    struct error err = {0};
    struct tracing_import_report r;
    char map[300];
    test_ledger_make(&t, 0, NULL, "2020-03-29T17:00");
    struct visits *v = opened(&t);
    snprintf(map, sizeof map, "%s/map.yaml", t.dir);
    static const char *const wrong[] = {"visits: []\n", "visits:\n  - {place: 到访, start: 日期}\n", "visits:\n  - {person: 编号, place: 到访}\n", "dates: backwards\nvisits:\n  - {person: 编号, place: 到访, start: 日期}\n",
                                        "visits:\n  - {person: 编号, place: 到访, start: 日期, who: x}\n"};
    write_file(&t, "编号,到访,日期,离开,又到\n1,菜市场、药店,05/01/2020,06/01/2020,诊所\n2,药店,6/1/2020,,\n3,不详,06/01/2020,,\n4,药店,31/02/2020,,\n");
    maps_refused(&t, v, map, wrong, sizeof wrong / sizeof *wrong);
    map_write(map, "split: \"、;\"\ndates: day-first\nvisits:\n  - {person: 编号, place: 到访, start: 日期, end: 离开}\n  - {person: 编号, place: 又到, start: 离开}\n");
    err = (struct error){0};
    assert_ok(tracing_import_mapped(t.l, &t.s, v, file, map, refused, &r, &err), err);
    assert_true(r.rows == 4 && r.taken == 4 && r.without == 1 && r.refused == 1);
    const char *who[] = {"2"};
    struct tracing_answer a = asked(&t, v, (struct tracing_question){.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 120});
    assert_true(a.found.n_contacts == 1 && has(&a, "1") && a.found.contacts[0].overlap_s == DAY_S);
    tracing_answer_clear(&a);
    visits_close(v);
    test_ledger_drop(&t);
}

/* Lists as studies and governments publish them: values in several columns, several people in a cell, months first, no header, steps since a moment, signals instead of metres. */
static void a_map_says_how_a_list_is_written(void **state) {
    struct test_ledger t;
    struct error err = {0};
    struct tracing_import_report r;
    char map[300];
    test_ledger_make(&t, 0, NULL, "2020-03-29T17:00");
    struct visits *v = opened(&t);
    snprintf(map, sizeof map, "%s/map.yaml", t.dir);
    static const char *const wrong[] = {
        "step: 5m\nvisits:\n  - {person: id, place: town, start: date}\n", "origin: noon\nvisits:\n  - {person: id, place: town, start: date}\n",
        "delimiter: dot\nvisits:\n  - {person: id, place: town, start: date}\n", "visits:\n  - {person: id, place: [], start: date}\n", "visits:\n  - {person: id, place: [town, [kind]], start: date}\n",
        "visits:\n  - {person: id, place: [town, street], start: date}\n", "header: false\nvisits:\n  - {person: \"1\", place: \"9\", start: \"2\"}\n", "interval: soon\nvisits:\n  - {person: id, place: town, start: date}\n",
        "weakest: loud\nvisits:\n  - {person: id, place: town, start: date}\n", "nothing: none\nvisits:\n  - {person: id, place: town, start: date}\n"};
    write_file(&t, "id,date,hour,town,kind\n\"1, 2\",3/22/2020,8:30,Songpa,pc_cafe\n2,3/22/20,8:40,Songpa,pc_cafe\n3,3/22/2020 9:00,,Songpa,store\n4,22/3/2020,,Songpa,store\n5,?,,Songpa,store\n");
    maps_refused(&t, v, map, wrong, sizeof wrong / sizeof *wrong);
    map_write(map, "dates: month-first\npeople: \",\"\nnothing: [\"?\"]\nvisits:\n  - {person: id, place: [town, kind], class: kind, start: [date, hour]}\n");
    err = (struct error){0};
    assert_ok(tracing_import_mapped(t.l, &t.s, v, file, map, refused, &r, &err), err);
    assert_true(r.rows == 5 && r.taken == 4 && r.without == 1 && r.refused == 1);
    uint32_t place;
    assert_true(visits_find(v, VISITS_PLACE, TEXT("Songpa pc_cafe"), &place) && visits_class(v, place) == tracing_class(TEXT("entertainment")));
    assert_true(visits_find(v, VISITS_PLACE, TEXT("Songpa store"), &place) && visits_class(v, place) == tracing_class(TEXT("shop")));
    const char *who[] = {"1"};
    struct tracing_question q = {.persons = who, .n_persons = 1, .degree = 1, .minutes = 1, .after_minutes = -1, .crowd = -1, .window_days = 30};
    struct tracing_answer a = asked(&t, v, q);
    assert_true(a.found.n_contacts == 1 && has(&a, "2") && a.found.contacts[0].overlap_s == 30 * 60);
    tracing_answer_clear(&a);
    /* no header, blanks between, steps of five minutes, dBm */
    write_file(&t, "0 a b -60\n1 a b -60\n2 a b -90\n2 a -1 -60\n3 a c loud\n");
    map_write(map, "header: false\ndelimiter: space\norigin: 2020-03-20T08:00\nstep: 5m\ninterval: 5m\nweakest: -80\nnothing: [\"-1\"]\nvisits:\n  - {person: \"2\", other: \"3\", start: \"1\", signal: \"4\"}\n");
    assert_ok(tracing_import_mapped(t.l, &t.s, v, file, map, refused, &r, &err), err);
    assert_true(r.rows == 5 && r.far == 1 && r.refused == 1 && r.without == 1 && r.taken == 4);
    who[0] = "a";
    a = asked(&t, v, q);
    assert_true(a.found.n_contacts == 1 && has(&a, "b") && a.found.contacts[0].overlap_s == 600 && a.origin + a.found.contacts[0].first == test_at("2020-03-20T08:00"));
    tracing_answer_clear(&a);
    visits_close(v);
    test_ledger_drop(&t);
}

/* Routes in words: a list as it comes, and by a map; a region of the register is a venue and gives no contacts; who has no number is his file and line. */
static void routes_in_words_are_visits(void **state) {
    (void)state;
    struct test_ledger t;
    struct error err = {0};
    struct tracing_import_report r;
    char map[300];
    test_ledger_make(&t, 0, NULL, "2020-03-29T17:00");
    struct visits *v = opened(&t);
    snprintf(map, sizeof map, "%s/map.yaml", t.dir);
    write_file(&t, "病例编号,确诊日期,活动轨迹\n1,2020-03-05,\"3月1日从宝山区返回，3月2日8:30至9:10到大张超市购物\"\n2,2020-03-06,3月1日在宝山区；3月2日上午在大张超市，后在家中\n3,,3月1日在大张超市\n4,2020-03-06,不详\n"
                   "5,2020-03-06,感到不适后由安排的专车送到某处\n");
    assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
    assert_true(r.rows == 5 && r.taken == 4 && r.refused == 1 && r.without == 2);
    const char *who[] = {"1"};
    struct tracing_question q = {.persons = who, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 60};
    struct tracing_answer a = asked(&t, v, q);
    assert_true(a.found.n_contacts == 1 && has(&a, "2") && a.found.contacts[0].overlap_s == 2400 && a.found.n_venues == 1);
    tracing_answer_clear(&a);
    static const char *const wrong[] = {"visits:\n  - {person: 编号, route: 轨迹}\n", "by: 三月\nvisits:\n  - {person: 编号, route: 轨迹}\n", "by: 2020-03-06\nvisits:\n  - {person: 编号, route: 行程}\n"};
    write_file(&t, "编号,轨迹\n,3月1日在大张超市\n,3月1日在大张超市\n");
    maps_refused(&t, v, map, wrong, sizeof wrong / sizeof *wrong);
    map_write(map, "by: 2020-03-06\nvisits:\n  - {person: \"#\", route: 轨迹}\n");
    err = (struct error){0};
    assert_ok(tracing_import_mapped(t.l, &t.s, v, file, map, refused, &r, &err), err);
    assert_int_equal(r.taken, 2);
    char name[300];
    snprintf(name, sizeof name, "%s#2", strrchr(file, '/') + 1);
    who[0] = name;
    a = asked(&t, v, q);
    assert_int_equal(a.found.n_contacts, 1);
    tracing_answer_clear(&a);
    visits_close(v);
    test_ledger_drop(&t);
}

static void a_case_is_traced_from_its_lookback_on(void **state) {
    for (size_t store = 0; store < test_stores(); store++) {
        struct test_ledger t;
        struct error err = {0};
        struct tracing_import_report r;
        char content[600], word[24];
        test_ledger_make(&t, store, "covid-2022-v9", "2022-05-29T17:00");
        int64_t person = test_record(&t, "person", "name", "李娜", "sex", "female");
        int64_t id = test_record(&t, "case", "person", test_id(&t, person), "disease", "covid-19", "classification", "confirmed", "onset", "2022-05-28");
        struct visits *v = opened(&t);
        snprintf(content, sizeof content,
                 "person,place,start,end\n%lld,x,2022-05-25T10:00,2022-05-25T11:00\nearly,x,2022-05-25T10:00,2022-05-25T11:00\n"
                 "%lld,x,2022-05-26T10:00,2022-05-26T11:00\nlate,x,2022-05-26T10:00,2022-05-26T11:00\n", (long long)person, (long long)person);
        write_file(&t, content);
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        snprintf(word, sizeof word, "%lld", (long long)id);
        const char *which[] = {word};
        struct tracing_question q = {.cases = which, .n_cases = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1};
        struct tracing_answer a = asked(&t, v, q); /* two days before onset */
        assert_true(has(&a, "late") && !has(&a, "early"));
        tracing_answer_clear(&a);
        q.window_days = 14;
        a = asked(&t, v, q);
        assert_true(has(&a, "late") && has(&a, "early"));
        tracing_answer_clear(&a);
        visits_close(v);
        test_ledger_drop(&t);
    }
}

static bool met(struct test_ledger *t, struct visits *v, const char *one, const char *other) {
    struct tracing_question q = {.persons = &one, .n_persons = 1, .degree = 1, .minutes = -1, .after_minutes = -1, .crowd = -1, .window_days = 4};
    struct tracing_answer a = asked(t, v, q);
    bool is = has(&a, other);
    tracing_answer_clear(&a);
    return is;
}

/* Words of lists for "not known", and seconds as a table writes them when some are missing. */
static void what_is_not_known_is_no_fault(void **state) {
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-05-29T17:00") {
        struct error err = {0};
        struct tracing_import_report r;
        struct visits *v = opened(&t);
        write_file(&t, "person,place,start,end,confidence,row\na,x,2022-05-28T10:00,NA,nan,-\nb,x,1653703800.0,1653707400.0,,\nc,y,不详,2022-05-28,,\nd,x,NA,null,,\ne,x,2022.05,,,\nNA,x,2022-05-28T10:00,,,\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(r.taken == 4 && r.refused == 2); /* nobody knows when d was there; a month is no time; a person may be called NA */
        assert_true(met(&t, v, "a", "b")); /* a scan from 10:00 on, and ten past ten */
        visits_close(v);
    }
}

/* A moment may be written without signs between; one that lies in the future is a slip of the pen, and would stand there until then. Which of two months 05/06 is, nobody guesses. */
static void moments_as_platforms_write_them(void **state) {
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-05-29T17:00") {
        struct error err = {0};
        struct tracing_import_report r;
        struct visits *v = opened(&t);
        write_file(&t, "person,place,start,end\na,x,202205281000,20220528110000\nb,x,2022-05-28T10:00,2022-05-28T11:00\nc,x,202205282500,\nd,x,1653703800000,\ne,x,05/06/2022 10:00,\nf,x,2062-05-28T10:00,\n"
                       "g,x,2022-05-30T16:00,\nh,y,44709.416666667,44709.4375\ni,y,2022-05-28T10:00,2022-05-28T10:30\nj,x,44709.4.5,\nk,y,84709.5,\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(r.taken == 5 && r.refused == 6); /* a clock may be a day wrong */
        assert_true(met(&t, v, "a", "b"));
        assert_true(met(&t, v, "h", "i")); /* as a spreadsheet counts days */
        visits_close(v);
    }
}

/* Where somebody was is not lost to whom he was with: a telephone number beside a place is nobody met, and a row that says both is refused. */
static void a_place_is_not_lost_to_a_person(void **state) {
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-05-29T17:00") {
        struct error err = {0};
        struct tracing_import_report r;
        struct visits *v = opened(&t);
        write_file(&t, "person,place,start,end,contact\na,x,2022-05-28T10:00,2022-05-28T11:00,13912345678\nb,x,2022-05-28T10:00,2022-05-28T11:00,13912345679\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(r.taken == 2 && r.refused == 0 && met(&t, v, "a", "b"));
        write_file(&t, "person,place,start,end,other\na,y,2022-05-28T12:00,2022-05-28T13:00,c\na,,2022-05-28T14:00,2022-05-28T15:00,c\na,y,2022-05-28T12:00,2022-05-28T13:00,\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(r.taken == 3 && r.refused == 1 && met(&t, v, "a", "c"));
        visits_close(v);
    }
}

static void expect_refused(const char *const *lines, size_t n) {
    char got[300];
    FILE *f = fopen(refused, "r");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(fgets(got, sizeof got, f));
        if (strncmp(got, lines[i], strlen(lines[i])) != 0) fail_msg("%s is not %s", got, lines[i]);
    }
    assert_null(fgets(got, sizeof got, f));
    fclose(f);
}

/* One rule for a plain table, a mapped one and rows over HTTP (test_http_tracing): what is said and not understood is no visit. The row comes back with its line, the column and the reason. */
static void what_is_not_understood_comes_back(void **state) {
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-05-29T17:00") {
        static const char list[] = "person,place,start,class,source\n"
                                   "a,x,2022-05-28T10:00,shop,scan\n"
                                   "b,x,2022-05-28T10:00,shoop,\n"
                                   "c,x,2022-05-28T10:00,农贸市场,hearsay\n"
                                   "d,x,2022-05-28T10:00,,,,\t ,\n" /* blanks behind the header are none */
                                   "e,x,y,2022-05-28T10:00,shop,scan\n"
                                   "f,x,2022-05-28T10:00,,,\"f, g\"\n"
                                   "g\0,x,2022-05-28T10:00,,\n"
                                   "h,x,2022-05-28T10:00,不详,流调自述\n";
        static const char *const back[] = {"person,place,start,class,source,line,reason\n", "b,x,2022-05-28T10:00,shoop,,3,\"class: \"\"shoop\"\" is no kind of place", "c,x,2022-05-28T10:00,农贸市场,hearsay,4,\"source: ",
                                           "e,x,y,2022-05-28T10:00,shop,scan,6,row: more cells than headers", "f,x,2022-05-28T10:00,,,\"f, g\",7,row: more cells than headers", "g"};
        struct error err = {0};
        struct tracing_import_report r;
        struct visits *v = opened(&t);
        char map[300];
        snprintf(map, sizeof map, "%s/map.yaml", t.dir);
        map_write(map, "visits:\n  - {person: person, place: place, start: start, class: class, source: source}\n");
        for (int mapped = 0; mapped < 2; mapped++) {
            write_bytes(&t, list, sizeof list - 1);
            assert_ok(tracing_import_mapped(t.l, &t.s, v, file, mapped ? map : NULL, refused, &r, &err), err);
            assert_true(r.rows == 8 && r.taken == 3 && r.refused == 5 && r.without == 0);
            expect_refused(back, sizeof back / sizeof *back);
        }
        uint32_t id;
        assert_true(visits_find(v, VISITS_PERSON, TEXT("h"), &id) && !visits_find(v, VISITS_PERSON, TEXT("b"), &id) && !visits_find(v, VISITS_PERSON, TEXT("f"), &id));
        visits_close(v);
    }
}

/* A scan without an end lasts as long as the plan says of the class of its place, which an earlier row may have told. */
static void a_scan_lasts_as_its_class_says(void **state) {
    struct test_ledger t;
    EACH_STORE(t, "covid-2022-v9", "2022-05-29T17:00") {
        struct error err = {0};
        struct tracing_import_report r;
        struct visits *v = opened(&t);
        write_file(&t, "person,place,start,class\na,餐馆,2022-05-28T10:00,restaurant\nb,餐馆,2022-05-28T10:40,\nc,店,2022-05-28T10:00,shop\nd,店,2022-05-28T10:40,shop\n");
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_int_equal(r.taken, 4);
        assert_true(met(&t, v, "a", "b") && !met(&t, v, "c", "d"));
        struct tracing_rows x = {.v = v};
        static const int columns[TRACING_COLUMNS] = {0, 1, 2, -1, -1, -1, -1, -1, -1, -1, -1, -1};
        struct text cells[] = {TEXT("e"), TEXT("餐馆"), TEXT("2022-05-28T11:20")};
        tracing_how_of(t.l, t.s.now, &x.how);
        assert_ok(tracing_rows_add(&x, columns, cells, 3, 0, &err), err);
        assert_int_equal(x.rows[0].end - x.rows[0].start, 3600);
        assert_ok(visits_append(v, x.rows, x.n, &err), err);
        tracing_rows_clear(&x);
        assert_true(met(&t, v, "b", "e") && !met(&t, v, "a", "e"));
        /* where no row tells the class, the card of the place does: by its code or its number, in a table, over HTTP, and at a question when the card came later */
        int64_t coded = test_record(&t, "place", "title", "川菜馆", "kind", "restaurant", "visits_name", "QR-1"), numbered = test_record(&t, "place", "title", "医院", "kind", "hospital");
        assert_true(coded > 0);
        write_file(&t, arena_printf(&t.a, "person,place,start\nk,QR-1,2022-05-28T10:00\nl,QR-1,2022-05-28T10:40\nm,QR-2,2022-05-28T10:00\nn,QR-2,2022-05-28T10:40\no,%s,2022-05-28T10:00\n", test_id(&t, numbered)));
        assert_ok(tracing_import(t.l, &t.s, v, file, refused, &r, &err), err);
        assert_true(met(&t, v, "k", "l") && !met(&t, v, "m", "n"));
        test_record(&t, "place", "title", "面馆", "kind", "restaurant", "visits_name", "QR-3");
        x = (struct tracing_rows){.v = v, .l = t.l};
        tracing_how_of(t.l, t.s.now, &x.how);
        cells[1] = TEXT("QR-3");
        assert_ok(tracing_rows_add(&x, columns, cells, 3, 0, &err), err);
        cells[1] = text_of(test_id(&t, numbered));
        assert_ok(tracing_rows_add(&x, columns, cells, 3, 0, &err), err);
        assert_true(x.rows[0].end - x.rows[0].start == 3600 && x.rows[1].end - x.rows[1].start == 2 * 3600);
        tracing_rows_clear(&x);
        uint32_t later;
        assert_true(visits_find(v, VISITS_PLACE, TEXT("QR-2"), &later) && visits_class(v, later) == 0);
        test_record(&t, "place", "title", "学校", "kind", "school", "visits_name", "QR-2");
        assert_false(met(&t, v, "m", "n"));
        assert_int_equal(visits_class(v, later), tracing_class(TEXT("school")));
        visits_close(v);
    }
}

static void a_city_fills_the_store(void **state) {
    struct test_ledger t;
    struct error err = {0};
    char parameters[1200];
    uint64_t drawn = 0;
    test_ledger_make(&t, 0, NULL, "2022-05-29T17:00");
    struct visits *v = opened(&t);
    snprintf(parameters, sizeof parameters, "%s/scenarios/city.yaml", t.o.home);
    static const struct text streets[] = {{"310115001", 9}, {"310115002", 9}};
    struct tracing_city c = {.seed = 1, .people = 2000, .days = 3, .first = 19130, .threads = 2, .parameters = parameters, .regions = streets, .n_regions = 2};
    assert_ok(tracing_city(v, &c, NULL, NULL, &drawn, &err), err);
    struct visits_status s;
    assert_ok(visits_status(v, true, &s, &err), err);
    assert_int_equal(s.rows, drawn);
    assert_int_equal(s.n_days, 3);
    assert_int_equal(s.persons, 2000);
    assert_true((double)s.bytes / (double)s.rows < 12); /* small days carry their heads */
    visits_status_clear(&s);
    uint32_t home;
    assert_true(visits_find(v, VISITS_PLACE, TEXT("310115001-H0"), &home)); /* neighbours live in one street */
    assert_false(visits_find(v, VISITS_PLACE, TEXT("310115002-H0"), &home));
    c.people = 5;
    err = (struct error){0};
    assert_int_equal(tracing_city(v, &c, NULL, NULL, &drawn, &err), E_INVALID);
    visits_close(v);
    test_ledger_drop(&t);
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_questions_that_are_wrong), cmocka_unit_test(a_table_becomes_contacts), cmocka_unit_test(forgetting_follows_the_policy_and_is_journalled),
        cmocka_unit_test(proximities_and_bare_dates_are_evidence), cmocka_unit_test(a_map_finds_several_visits_in_a_row), cmocka_unit_test(a_map_says_how_a_list_is_written), cmocka_unit_test(routes_in_words_are_visits),
        cmocka_unit_test(a_case_is_traced_from_its_lookback_on), cmocka_unit_test(what_is_not_known_is_no_fault), cmocka_unit_test(moments_as_platforms_write_them), cmocka_unit_test(a_place_is_not_lost_to_a_person), cmocka_unit_test(what_is_not_understood_comes_back), cmocka_unit_test(a_scan_lasts_as_its_class_says), cmocka_unit_test(a_city_fills_the_store),
    };
    test_ledger_law = duties_agree;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

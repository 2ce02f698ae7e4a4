/* The Chinese forms have a home: every column of the report card, the contact forms and what goes with them is taken in, with its meaning. */
#include <jansson.h>

#include "imports.h"

struct form {
    const char *name; /* as its key in data/forms-zh/headers.json begins */
    const char *reg, *map;
    const char *headers, *row;
    const char *says[12]; /* SQL that counts 1 after the row is in */
};

static const struct form forms[] = {
    {"ncrd_card", "case", NULL,
     "卡片编号|报卡类别(1初次报告 2订正报告)|姓名*|患儿家长姓名|有效证件号*|性别*|出生日期*|实足年龄|年龄单位(岁/月/天)|工作单位(学校)|联系电话|病人属于*(本县区/本市其他县区/本省其它地市/外省/港澳台/外籍)|"
     "现住址(详填)*(省/市/县区/乡镇街道/村门牌号)|人群分类*|病例分类*(1疑似病例/临床诊断病例/确诊病例/病原携带者; 2急性/慢性)|发病日期*|诊断日期*|死亡日期|疾病名称",
     "K1|初次报告|张三|张父|11010519491231002X|女|1949-12-31|72|岁|一中|13800000001|本县区|一号|学生|确诊病例|2022-05-20|2022-05-22||新型冠状病毒肺炎",
     {"\"case\" WHERE \"card_no\"='K1' AND \"report_kind\"='initial' AND \"classification\"='confirmed' AND \"onset\"<\"diagnosed\"",
      "\"person\" WHERE \"age\"=72 AND \"residence_class\" IS NOT NULL AND \"occupation\"='student' AND \"work_unit\"='一中' AND \"guardian\" IS NOT NULL"}},
    {"positive_person_register", "case", "forms-zh-positives",
     "疫情编号|代次序号|姓名|性别|身份证号|年龄|是否确诊|户籍地|现住址|所在社区|网格分布|病例来源（发现方式）|职业|职业(副)|报卡日期（报告卡）|诊断时间（报告卡）|所在社区管控情况|初筛阳性报告时间（日）|关联病历|疫苗接种|"
     "初筛阳采样时间|初筛阳采样地点|是否隔离|隔离点|房间|隔离时间|是否同住|初筛阳性时间|初阳检测单位|经度|纬度",
     "P7|2|张三|0|11010519491231002X|72|2|甲县|一号|东园|东园3网格|密接排查|农民|摊主|2022-05-22|2022-05-22|封控|2022-05-21||3针|2022-05-20 18:00|东园小学|1|蓝天宾馆|512|2022-05-21 09:30|否|"
     "2022-05-20 23:10|市一实验室|121.47|31.23",
     {"\"person\" WHERE \"sex\"='male' AND \"community\"='东园' AND \"grid\"='东园3网格' AND \"occupation\"='farmer' AND \"occupation_detail\" LIKE '%摊主'",
      "\"case\" WHERE \"classification\"='asymptomatic' AND \"community_control\"='封控' AND \"point\"='31.230000,121.470000' AND \"generation\"=2 AND \"discovery\"='contact' AND \"detected_at\" IS NOT NULL",
      "\"test\" WHERE \"site\"='东园小学' AND \"result\"='positive' AND \"sampled_at\"<\"result_at\" AND \"laboratory\"=(SELECT \"id\" FROM \"organisation\" WHERE \"title\"='市一实验室')",
      "\"stay\" WHERE \"room\"='512' AND \"shares_room\"=0 AND \"place\"=(SELECT \"id\" FROM \"place\" WHERE \"title\"='蓝天宾馆')"}},
    {"close_contact_register", "contact", NULL, "姓名|身份证号/护照号|性别|年龄|联系方式|乡镇|社区|门牌号|网格分布|接触地点及方式|接触频率|与病例关系|是否出现临床症状|备注",
     "李四|11010519491231002X|女|40|13800000002|310115|西园|5号|西园1网格|同桌吃饭|每天|同事|否|无手机",
     {"\"person\" WHERE \"community\"='西园' AND \"grid\"='西园1网格' AND \"note\"='无手机'",
      "\"contact\" WHERE \"setting\"='同桌吃饭' AND \"frequency\"='每天' AND \"relation\"='colleague' AND \"symptomatic\"=0 AND \"region\"='310115'"}},
    {"track", "track", "forms-zh-tracks", "身份证号|活动时间|活动地点", "11010519491231002X|2022-05-20 08:15:00|东园菜场",
     {"\"track\" WHERE \"place_text\"='东园菜场' AND \"starts\"=\"day\"*86400+15*60"}},
    {"monitor_site", "place", NULL, "监测点|经度|纬度|备注", "东门|121.47|31.23|夜间", {"\"place\" WHERE \"title\"='东门' AND \"point\"='31.230000,121.470000' AND \"note\"='夜间'"}},
    {"close_and_secondary_contact_csv person", "contact", NULL, "姓名|性别|身份证号|现住址|联系方式|工作单位及工种|疫苗情况|有无症状|管控措施|预解除集中隔离日期",
     "王五|男|11010519491231002X|二号|13800000003|一厂电工|2针|无|集中隔离|2022-06-05",
     {"\"person\" WHERE \"work_unit\"='一厂电工' AND \"vaccine\"='2针'", "\"contact\" WHERE \"control\"='central' AND \"planned_release\" IS NOT NULL AND \"symptomatic\"=0 AND NOT EXISTS (SELECT 1 FROM \"stay\")"}},
    {"close_and_secondary_contact_csv relation", "contact", "forms-zh-relations", "密接身份证号|身份证号|接触方式|末次接触时间", "11010519491231002X|110101199003070433|同住|2022-05-20",
     {"\"contact\" WHERE \"mode\"='living' AND \"person\"<>\"index_person\" AND \"last_contact\" IS NOT NULL"}},
    {"quarantine_self_check", "stay", "forms-zh-quarantine", "姓名|性别|年龄|出生年月|联系方式|是否为孕妇|职业|家庭住址|身份证号|入住房间|入住时间|解除时间|末次接触时间|简要接触史",
     "赵六|女|32|1990-03-07|13800000004|是|教师|三号|110101199003070433|801|2022-05-21||2022-05-20|同车",
     {"\"person\" WHERE \"pregnant\"=1 AND \"occupation\"='teacher' AND \"birth\" IS NOT NULL", "\"stay\" WHERE \"room\"='801' AND \"contact_history\"='同车' AND \"kind\"='central' AND \"exposure\" IS NOT NULL"}},
    {"specimen_minimum_info", "test", "forms-zh-specimens", "受检者姓名|身份证号|居住地址|联系方式|采样单位名称|采样管内标本编号|采集日期|采集时间|采集部位|类型|数量",
     "孙七|11010519491231002X|四号|13800000005|市一医院|T9|2022-05-20|08:15|鼻咽|拭子|2管",
     {"\"test\" WHERE \"tube\"='T9' AND \"site\"='市一医院' AND \"specimen\"='nasopharyngeal' AND \"material\"='鼻咽; 拭子' AND \"quantity\"='2管' AND \"sampled_at\"%86400=15*60"}},
};

/* Forms of other rooms than the case and its contacts: transfers by ambulance, tubes, gates, sites, travellers; and what is no form. */
static const char *const elsewhere[] = {"_note", "investigation_report_sections", "positive_transfer_120", "nucleic_acid_tube", "person_tube_link", "site_entry_declaration", "construction_site_roster",
                                        "return_trip_register", "key_people_test_register", "contact_observation_notes", "close_contact_dates_validation", "mass_test_guide_facts", "ninth_edition_contact_facts"};

static size_t cells_of(const char *line, struct text *cells) {
    size_t n = 0;
    for (const char *s = line;; s += cells[n - 1].n + 1) {
        cells[n] = (struct text){s, strcspn(s, "|")};
        if (!s[cells[n++].n]) return n;
        assert_true(n < 64);
    }
}

static void every_column_is_taken_in(void **state) {
    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        struct test_ledger t;
        EACH_STORE(t, NULL, "2022-05-30T10:00") for (int again = 0; again < 2; again++) {
            const struct form *form = &forms[f];
            struct error err = {0};
            struct import_run run;
            struct text headers[64], row[64];
            struct map *m = form->map ? import_map(&t, form->map) : NULL;
            struct import_table x = import_table(m, register_find(t.l->catalog, text_of(form->reg)), &run, false);
            size_t n = cells_of(form->headers, headers);
            assert_int_equal(cells_of(form->row, row), n);
            int rc = import_cells(&t, &x, headers, n, 1, false, &err);
            if (!rc) rc = import_cells(&t, &x, row, n, 2, false, &err);
            assert_ok(import_end(&x, &run, rc, &err), err);
            if (run.rejects) fail_msg("%s: %s", form->name, run.reason.en);
            assert_string_equal(run.unused, "");
            assert_int_equal(again ? run.n.unchanged : run.n.created, 1);
            for (size_t i = 0; form->says[i]; i++)
                if (test_count(&t, arena_printf(&t.a, "SELECT COUNT(*) FROM %s", form->says[i])) != 1) fail_msg("%s: not so: %s", form->name, form->says[i]);
            map_free(m);
        }
    }
}

static bool begins(const char *key, const char *name) {
    return strncmp(key, name, strcspn(name, " ")) == 0;
}

/* The columns above are those of the published forms, and none is left out. */
static void the_columns_are_those_of_the_forms(void **state) {
    (void)state;
    static const char *const lists[] = {"headers", "fields", "person_headers", "relation_headers"};
    const char *path = import_shared("forms-zh/headers.json"), *key;
    if (!path) skip();
    json_error_t why;
    json_t *all = json_load_file(path, 0, &why), *form;
    if (!all) fail_msg("%s: %s", path, why.text);
    size_t seen = 0;
    json_object_foreach(all, key, form) {
        bool known = false;
        for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) known |= begins(key, elsewhere[i]);
        for (size_t i = 0; i < sizeof lists / sizeof *lists && !known; i++) {
            json_t *columns = json_object_get(form, lists[i]), *column;
            struct buf line = {0};
            size_t k;
            if (!columns) continue;
            json_array_foreach(columns, k, column) buf_printf(&line, "%s%s", k ? "|" : "", json_string_value(column));
            bool found = false;
            for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) found |= begins(key, forms[f].name) && strcmp(buf_cstr(&line), forms[f].headers) == 0;
            if (!found) fail_msg("%s.%s has no home as it stands: %s", key, lists[i], buf_cstr(&line));
            buf_clear(&line);
            seen++;
        }
    }
    assert_int_equal(seen, sizeof forms / sizeof *forms);
    json_decref(all);
}

/* Two columns make a point, and one without the other is refused. */
static void half_a_point_is_refused(void **state) {
    (void)state;
    struct test_ledger t;
    EACH_STORE(t, NULL, "2022-05-30T10:00") {
        struct import_run run;
        struct error err = {0};
        assert_ok(import_text(&t, NULL, "place", "name,lng,lat\n甲,121.47,31.23\n乙,121.47,\n丙,,31.23\n丁,,\n戊,31.23,121.47\n", -1, 0, false, &run, &err), err);
        assert_string_equal(run.unused, "");
        assert_int_equal(run.n.created, 2);
        assert_int_equal(run.n.rejected, 3);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"place\" WHERE \"point\"='31.230000,121.470000'"), 1);
    }
}

int main(void) {
    struct error err = {0};
    if (digest_init(&err) < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_taken_in),
        cmocka_unit_test(the_columns_are_those_of_the_forms),
        cmocka_unit_test(half_a_point_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

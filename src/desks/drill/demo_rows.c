/* What each demo file says, in the words people use. */
#include <stdio.h>
#include <string.h>

#include "desks/drill/demo_rows.h"

/* ---- cells */

static void cell(struct demo_row *row, const char *s) {
    struct text t = arena_text(&row->arena, text_of(s));
    if (!t.s || row->n == DEMO_CELLS_MAX) row->failed = true;
    else row->cells[row->n++] = t;
}

static void cell_int(struct demo_row *row, int64_t v) {
    char s[24];
    snprintf(s, sizeof s, "%lld", (long long)v);
    cell(row, s);
}

/* Dates as people write them: each file has its own way. */
enum date_style { DATE_ISO, DATE_SLASH, DATE_ZH };
static void cell_day(struct demo_row *row, day d, enum date_style style) {
    static const char *const formats[] = {"%04d-%02d-%02d", "%d/%d/%d", "%d年%d月%d日"};
    char s[48] = "";
    struct civil c = civil_of_day(d == CITY_NO_DAY ? 0 : d);
    if (d != CITY_NO_DAY) snprintf(s, sizeof s, formats[style], c.year, c.month, c.day);
    cell(row, s);
}

static void cell_instant(struct demo_row *row, instant t) {
    char s[INSTANT_TEXT] = "";
    if (t != INSTANT_NONE) {
        instant_format(t, row->c->options.zone_s, s);
        s[10] = ' '; /* "2022-05-30 17:00:00": no zone, as it stands in such files */
        s[19] = 0;
    }
    cell(row, s);
}

/* One cell in fifty is untidy: full-width digits, a blank before, or a small x. All of these are read back as they were meant. */
static void cell_untidy(struct demo_row *row, const char *s) {
    char out[160];
    size_t n = 0;
    uint64_t kind = rng_below(row->r, 150);
    if (row->plain || kind > 2) {
        cell(row, s);
        return;
    }
    if (kind == 0) out[n++] = ' ';
    for (size_t i = 0; s[i] && n + 4 < sizeof out; i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (kind == 1 && digit) n += text_encode(0xFF10 + (uint32_t)(s[i] - '0'), out + n);
        else out[n++] = kind == 2 && s[i] == 'X' ? 'x' : s[i];
    }
    out[n] = 0;
    cell(row, out);
}

static void cell_address(struct demo_row *row, int32_t household) {
    struct buf b = {0};
    city_address(row->c, household, &b);
    if (b.failed) row->failed = true;
    cell(row, buf_cstr(&b));
    buf_clear(&b);
}

/* The street somebody lives in, as a region code. */
static void cell_street(struct demo_row *row, const struct city_person *p) {
    char code[16];
    city_street_code(row->c, row->c->households[p->household].street, code);
    cell(row, code);
}

/* Who it is, in the four cells that most lists begin with. */
static void cell_person(struct demo_row *row, const struct city_person *p) {
    cell(row, p->name);
    cell(row, p->document);
    cell(row, p->phone);
    cell_street(row, p);
}

static void cell_organisation(struct demo_row *row, int32_t at) {
    cell(row, at < 0 ? "" : row->c->organisations[at].title);
}

static day day_at(const struct demo_row *row, instant t) {
    return day_of_instant(t, row->c->options.zone_s);
}

static const char *sex(const struct city_person *p) {
    return p->sex == CITY_MALE ? "男" : "女";
}

static const char *document(const struct city_person *p) {
    static const char *const words[] = {[CITY_NO_DOCUMENT] = "无证件", [CITY_ID_CARD] = "居民身份证", [CITY_PASSPORT] = "护照"};
    return words[p->document_kind];
}

static void cell_card(struct demo_row *row, int32_t infection) {
    char s[32] = "";
    if (infection >= 0) snprintf(s, sizeof s, "%s-%04d", row->c->options.region, row->c->infections[infection].found_order + 1);
    cell(row, s);
}

static void cell_contact(struct demo_row *row, int32_t contact) {
    char s[16] = "";
    if (contact >= 0) snprintf(s, sizeof s, "MJ%05d", contact + 1);
    cell(row, s);
}

/* Of the first n of a list, those that have a row; which one row i is. */
typedef bool has_row(const struct city *c, size_t k);
static size_t listed_count(const struct city *c, size_t n, has_row *is) {
    size_t count = 0;
    for (size_t k = 0; k < n; k++) count += is(c, k);
    return count;
}
static size_t listed_at(const struct city *c, size_t i, has_row *is) {
    for (size_t k = 0;; k++)
        if (is(c, k) && i-- == 0) return k;
}

/* ---- regions: the county is invented, so it brings its own streets */

static const char *const region_headers[] = {"区划代码", "名称", "英文名称", "级别", "上级", NULL};
static size_t region_count(const struct city *c) {
    return (size_t)c->n_streets + 1;
}
static void region_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    char code[16], parent[8], english[32];
    snprintf(parent, sizeof parent, "%.4s", c->options.region);
    if (i) city_street_code(c, (int32_t)i - 1, code);
    if (i) snprintf(english, sizeof english, "Street %zu", i);
    cell(row, i ? code : c->options.region);
    cell(row, i ? city_street((int32_t)i - 1) : "望江县(虚构)");
    cell(row, i ? english : "Wangjiang (invented)");
    cell(row, i ? "4" : "3");
    cell(row, i ? c->options.region : parent);
}

/* ---- organisations */

static const char *const organisation_headers[] = {"单位名称", "机构类别", "所属部门", "统一社会信用代码", "区县", "是否每日报告", "联系人", "联系电话", NULL};
static size_t organisation_count(const struct city *c) {
    return c->n_organisations;
}
static void organisation_row(struct demo_row *row, size_t i) {
    static const char *const kinds[CITY_ORGANISATION_KINDS] = {"医院", "基层医疗机构", "疾控中心", "检测机构", "社区", "公安机关", "学校", "隔离点", "政府部门", "企业"};
    const struct city_organisation *o = &row->c->organisations[i];
    cell(row, o->title);
    cell(row, kinds[o->kind]);
    cell(row, o->department);
    cell(row, o->unit_code);
    cell(row, row->c->options.region);
    cell(row, o->reports_daily ? "是" : "否");
    cell(row, o->contact);
    cell(row, o->phone);
}
static const struct demo_fault organisation_faults[] = {{6, "统一社会信用代码", NULL}};

/* ---- places: where people are kept */

static const char *const place_headers[] = {"场所名称", "场所类型", "区县", "地址", "所属机构", "房间数", NULL};
static bool organisation_keeps(const struct city *c, size_t k) {
    const struct city_organisation *o = &c->organisations[k];
    return o->kind == CITY_ISOLATION_SITE || o->kind == CITY_HOSPITAL;
}
static size_t place_count(const struct city *c) {
    return listed_count(c, c->n_organisations, organisation_keeps);
}
static void place_row(struct demo_row *row, size_t i) {
    const struct city_organisation *o = &row->c->organisations[listed_at(row->c, i, organisation_keeps)];
    cell(row, o->title);
    cell(row, o->kind == CITY_HOSPITAL ? "医院" : "集中隔离点");
    cell(row, row->c->options.region);
    cell(row, city_street(o->street));
    cell(row, o->title);
    cell_int(row, o->kind == CITY_HOSPITAL ? 300 : 240);
}

/* ---- cases: the report card */

static const char *const case_headers[] = {"外部编号", "卡片编号", "报卡类别", "姓名", "患儿家长姓名", "证件类型", "有效证件号", "性别", "出生日期", "联系电话",
                                           "工作单位(学校)", "病人属于", "现住址", "区县", "人群分类", "疾病名称", "病例分类", "病例来源", "发现方式",
                                           "是否管控中发现", "发病日期", "诊断日期", "发现时间", "报告时间", "落位时间", "核心信息完成时间",
                                           "流调完成时间", "隔离时间", "入院时间", "报告日期", "报告单位", "填卡日期", "临床分型", "转归", "转归日期",
                                           "上代病例", NULL};
/* Detected, and reported by the end of the story. Cases come in order of detection, so the unreported are not only the last. */
static bool case_listed(const struct city *c, size_t k) {
    return c->infections[c->cases[k]].reported_at != INSTANT_NONE;
}
static size_t case_count(const struct city *c) {
    return listed_count(c, c->n_cases, case_listed);
}
static const char *occupation(const struct city_person *p) {
    static const char *const words[CITY_OCCUPATIONS] = {"散居儿童", "幼托儿童", "学生(大中小学)", "教师", "餐饮食品业", "商业服务", "医务人员",
                                                        "工人", "干部职员", "农民", "商业服务", "离退人员", "家务及待业"};
    return words[p->occupation];
}
static void case_row(struct demo_row *row, size_t i) {
    static const char *const routes[CITY_DISCOVERIES] = {"主动就诊", "隔离点发现", "区域核酸筛查", "社区筛查"};
    static const char *const severities[] = {"无症状", "轻型", "普通型", "重型"};
    const struct city *c = row->c;
    size_t k = listed_at(c, i, case_listed);
    const struct city_infection *f = &c->infections[c->cases[k]];
    const struct city_person *p = &c->persons[f->person];
    bool ill = f->onset != CITY_NO_DAY && f->onset <= day_at(row, f->reported_at);
    cell_card(row, c->cases[k]);
    cell_card(row, c->cases[k]);
    cell(row, "初次报告");
    cell_untidy(row, p->name);
    cell(row, p->guardian < 0 ? "" : c->persons[p->guardian].name);
    cell(row, document(p));
    cell_untidy(row, p->document);
    cell(row, sex(p));
    cell_day(row, p->birth, DATE_ISO);
    cell_untidy(row, p->phone);
    cell_organisation(row, p->organisation);
    cell(row, "本县区");
    cell_address(row, p->household);
    cell_street(row, p);
    cell(row, occupation(p));
    cell(row, "新型冠状病毒肺炎");
    cell(row, ill ? "确诊病例" : "无症状感染者");
    cell(row, f->imported ? "境外输入" : "本土");
    cell(row, routes[f->discovery]);
    cell(row, f->discovery == CITY_BY_ISOLATION ? "是" : "否");
    cell_day(row, ill ? f->onset : CITY_NO_DAY, DATE_SLASH);
    cell_day(row, day_at(row, f->detected_at), DATE_SLASH);
    cell_instant(row, f->detected_at);
    cell_instant(row, f->reported_at);
    cell_instant(row, f->located_at);
    cell_instant(row, f->core_at);
    cell_instant(row, f->investigated_at);
    cell_instant(row, f->isolated_at);
    cell_instant(row, f->treated_at);
    cell_day(row, day_at(row, f->reported_at), DATE_SLASH);
    cell_organisation(row, f->unit);
    cell_day(row, day_at(row, f->reported_at), DATE_SLASH);
    cell(row, severities[ill ? f->severity : 0]);
    cell(row, f->outcome == CITY_RECOVERED ? "治愈" : "治疗中");
    cell_day(row, f->outcome_day, DATE_SLASH);
    bool known = f->infector >= 0 && c->infections[f->infector].found_order >= 0 && c->infections[f->infector].found_order < f->found_order &&
                 c->infections[f->infector].reported_at != INSTANT_NONE;
    cell_card(row, known ? f->infector : -1);
}
static const struct demo_fault case_faults[] = {
    {2, "发病日期", "2022/2/30"}, {5, "有效证件号", NULL}, {8, "有效证件号", "3.10115E+17"}, {11, "病例分类", "疑是"}};

/* ---- who infected whom, as far as both are known */

static const char *const link_headers[] = {"上代病例", "下代病例", "区县", "把握程度", "传播场景", "暴露日期", NULL};
static bool case_reported(const struct city *c, int32_t i) {
    return i >= 0 && c->infections[i].found_order >= 0 && c->infections[i].reported_at != INSTANT_NONE;
}
static bool linked(const struct city *c, size_t k) {
    const struct city_infection *f = &c->infections[c->cases[k]];
    return case_reported(c, c->cases[k]) && case_reported(c, f->infector) && (f->setting == CITY_AT_HOME || k % 3);
}
static size_t link_count(const struct city *c) {
    return listed_count(c, c->n_cases, linked);
}
static void link_row(struct demo_row *row, size_t i) {
    static const char *const settings[CITY_SETTINGS] = {"家庭", "学校", "工作单位", "聚餐", "商超", "交通工具", "医疗机构"};
    const struct city *c = row->c;
    size_t k = listed_at(c, i, linked);
    const struct city_infection *f = &c->infections[c->cases[k]];
    cell_card(row, f->infector);
    cell_card(row, c->cases[k]);
    cell(row, c->options.region);
    cell(row, f->setting == CITY_AT_HOME ? "高" : "中");
    cell(row, settings[f->setting]);
    cell_day(row, day_at(row, f->exposed_at), DATE_ISO);
}

/* ---- receipts of the reports by county, city and province */

static const char *const receipt_headers[] = {"卡片编号", "区县", "审核层级", "审核时间", "审核意见", NULL};
static size_t receipt_count(const struct city *c) {
    size_t n = 0;
    for (size_t k = 0; k < c->n_cases; k++)
        for (int level = 0; level < 3; level++) n += c->infections[c->cases[k]].received_at[level] != INSTANT_NONE;
    return n;
}
static void receipt_row(struct demo_row *row, size_t i) {
    static const char *const levels[] = {"县级", "市级", "省级"};
    const struct city *c = row->c;
    for (size_t k = 0; k < c->n_cases; k++)
        for (int level = 0; level < 3; level++) {
            instant at = c->infections[c->cases[k]].received_at[level];
            if (at == INSTANT_NONE || i-- > 0) continue;
            cell_card(row, c->cases[k]);
            cell(row, c->options.region);
            cell(row, levels[level]);
            cell_instant(row, at);
            cell(row, "通过");
            return;
        }
}

/* ---- contacts */

static const char *const contact_headers[] = {"外部编号", "姓名", "身份证号/护照号", "性别", "联系方式", "现住址", "区县", "工作单位", "关联病例",
                                              "与病例关系", "接触方式", "首次接触时间", "末次接触时间", "接触者类别", "关联密接", "排查到时间",
                                              "密接来源", "协查函号", NULL};
static size_t contact_count(const struct city *c) {
    return c->n_contacts;
}
static void contact_row(struct demo_row *row, size_t i) {
    static const struct { const char *relation, *mode; } words[CITY_SETTINGS] = {
        {"家庭成员", "共同居住"}, {"同学", "共同工作学习"}, {"同事", "共同工作学习"}, {"其他", "与病人同进餐"},
        {"服务往来", "与病人同处一室"}, {"同乘人员", "共用交通工具"}, {"参与诊疗的医务人员", "诊治护理"}};
    const struct city *c = row->c;
    const struct city_contact *t = &c->contacts[i];
    const struct city_person *p = &c->persons[t->person];
    char order[40] = "";
    if (!t->order_missing && t->placed_at != INSTANT_NONE) snprintf(order, sizeof order, "管控〔%d〕%05zu号", civil_of_day(t->last).year, i + 1);
    cell_contact(row, (int32_t)i);
    cell_untidy(row, p->name);
    cell_untidy(row, p->document);
    cell(row, sex(p));
    cell_untidy(row, p->phone);
    cell_address(row, p->household);
    cell_street(row, p);
    cell_organisation(row, p->organisation);
    cell_card(row, c->infections[t->index].reported_at == INSTANT_NONE ? -1 : t->index);
    cell(row, t->through >= 0 ? "家庭成员" : words[t->setting].relation);
    cell(row, words[t->setting].mode);
    cell_day(row, t->first, DATE_ZH);
    cell_day(row, t->last, DATE_ZH);
    cell(row, t->through >= 0 ? "密接的密接" : "密接");
    cell_contact(row, t->through);
    cell_instant(row, t->found_at);
    cell(row, i % 5 == 3 ? "公安大数据推送" : "流调");
    cell(row, order);
}
static const struct demo_fault contact_faults[] = {
    {4, "首次接触时间", "2099年1月1日"}, {9, "身份证号/护照号", NULL}, {14, "关联病例", "310115-9999"}, {21, "接触方式", "微信聊天"}};

/* ---- who lives with whom, whose class or team it is: of everybody in the two lists above */

static const char *const membership_headers[] = {"姓名", "证件号码", "手机号", "区县", "归属类型", "户号或单位", "办公室或班组", "起始日期", NULL};
static const struct city_person *listed(const struct city *c, size_t k) {
    return k < c->n_cases ? &c->persons[c->infections[c->cases[k]].person] : &c->persons[c->contacts[k - c->n_cases].person];
}
static size_t membership_count(const struct city *c) {
    size_t n = c->n_cases + c->n_contacts, rows = n;
    for (size_t k = 0; k < n; k++) rows += listed(c, k)->team >= 0;
    return rows;
}
static void membership_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    size_t k = 0;
    for (;; k++) {
        size_t here = listed(c, k)->team >= 0 ? 2 : 1;
        if (i < here) break;
        i -= here;
    }
    const struct city_person *p = listed(c, k);
    const struct city_organisation *o = i ? &c->organisations[p->organisation] : NULL;
    bool school = p->occupation == CITY_STUDENT || p->occupation == CITY_KINDERGARTEN;
    char unit[128], team[32], street[16];
    snprintf(team, sizeof team, "%d%s", p->team + 1, school ? "班" : "组");
    if (!o) snprintf(unit, sizeof unit, "H%06d", p->household + 1);
    else snprintf(unit, sizeof unit, "%s%s", o->title, school ? team : "");
    city_street_code(c, o ? o->street : c->households[p->household].street, street);
    cell(row, p->name);
    cell(row, p->document);
    cell(row, p->phone);
    cell(row, street);
    cell(row, !o ? "家庭户" : school ? "班级" : "工作单位");
    cell(row, unit);
    cell(row, o && !school ? team : "");
    cell_day(row, c->options.first - 200, DATE_SLASH);
}

/* ---- control orders */

static const char *const order_headers[] = {"姓名", "身份证号", "区县", "密接编号", "管控措施", "对象类别", "法律依据", "实施机关", "文号", "开始日期", "结束日期", NULL};
static bool ordered(const struct city *c, size_t k) {
    const struct city_contact *t = &c->contacts[k];
    return !t->order_missing && t->placed_at != INSTANT_NONE;
}
static size_t order_count(const struct city *c) {
    return listed_count(c, c->n_contacts, ordered);
}
static void order_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    size_t k = listed_at(c, i, ordered);
    const struct city_contact *t = &c->contacts[k];
    const struct city_person *p = &c->persons[t->person];
    char number[40];
    snprintf(number, sizeof number, "管控〔%d〕%05zu号", civil_of_day(t->last).year, k + 1);
    cell(row, p->name);
    cell(row, p->document);
    cell_street(row, p);
    cell_contact(row, (int32_t)k);
    cell(row, t->place < 0 ? "居家隔离" : "集中隔离");
    cell(row, t->through >= 0 ? "次密接" : "密接");
    cell(row, "中华人民共和国传染病防治法");
    cell(row, "县卫生健康委员会");
    cell(row, number);
    cell_day(row, day_at(row, t->placed_at), DATE_ISO);
    cell_day(row, t->last + 7 > day_at(row, t->placed_at) ? t->last + 7 : day_at(row, t->placed_at), DATE_ISO);
}

/* ---- stays */

static const char *const stay_headers[] = {"姓名", "证件号码", "手机号", "区县", "密接编号", "隔离方式", "隔离点", "房间号", "入住时间", "末次接触日期", "预计解除日期", NULL};
static const char *const stay_words[] = {"集中隔离", "居家隔离", "居家健康监测", "住院"};
static size_t stay_count(const struct city *c) {
    return c->n_stays;
}
static void stay_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    const struct city_stay *s = &c->stays[i];
    const struct city_person *p = &c->persons[s->person];
    char room[16];
    snprintf(room, sizeof room, "%d", s->room);
    cell_person(row, p);
    cell_contact(row, s->contact);
    cell(row, stay_words[s->kind]);
    cell_organisation(row, s->place);
    cell(row, s->place < 0 ? "" : room);
    cell_instant(row, s->started_at);
    cell_day(row, s->contact < 0 ? CITY_NO_DAY : c->contacts[s->contact].last, DATE_SLASH);
    cell_day(row, s->planned_end, DATE_SLASH);
}
static const struct demo_fault stay_faults[] = {{3, "隔离方式", "宾馆"}, {12, "入住时间", "2022-05-32 10:00"}};

/* ---- the five duties to whoever is isolated; for one in eight somebody has not yet cared */

static const char *const five_headers[] = {"姓名", "证件号码", "手机号", "区县", "建档日期", "排查时间", "管控时间", "督导时间", "宣教时间", "关爱时间", "全部到位时间", NULL};
static bool five_begun(const struct city *c, size_t k) {
    const struct city_stay *s = &c->stays[k];
    return (s->kind == CITY_STAY_CENTRAL || s->kind == CITY_STAY_HOME) && s->started_at + 6 * 3600 <= c->end;
}
static size_t five_count(const struct city *c) {
    return listed_count(c, c->n_stays, five_begun);
}
static void five_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    const struct city_stay *s = &c->stays[listed_at(c, i, five_begun)];
    const struct city_person *p = &c->persons[s->person];
    bool whole = (s - c->stays) % 8 != 5;
    cell_person(row, p);
    cell_day(row, day_at(row, s->started_at), DATE_ISO);
    cell_instant(row, s->started_at - 1800);
    cell_instant(row, s->started_at);
    cell_instant(row, s->started_at + 2 * 3600);
    cell_instant(row, s->started_at + 3 * 3600);
    cell_instant(row, whole ? s->started_at + 5 * 3600 : INSTANT_NONE);
    cell_instant(row, whole ? s->started_at + 5 * 3600 + 600 : INSTANT_NONE);
}

/* ---- ends of stays: the same person, kind and begin, and how it ended */

static const char *const release_headers[] = {"姓名", "证件号码", "手机号", "区县", "隔离方式", "入住时间", "解除时间", "状态", NULL};
static bool stay_over(const struct city *c, size_t k) {
    return c->stays[k].ended_at != INSTANT_NONE;
}
static size_t release_count(const struct city *c) {
    return listed_count(c, c->n_stays, stay_over);
}
static void release_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    const struct city_stay *s = &c->stays[listed_at(c, i, stay_over)];
    const struct city_person *p = &c->persons[s->person];
    cell_person(row, p);
    cell(row, stay_words[s->kind]);
    cell_instant(row, s->started_at);
    cell_instant(row, s->ended_at);
    cell(row, s->transferred ? "已转出" : "已解除");
}

/* ---- what became of each contact: placed, released, or found to be infected */

static const char *const status_headers[] = {"外部编号", "姓名", "身份证号/护照号", "联系方式", "区县", "接触者类别", "状态", NULL};
static bool contact_known(const struct city *c, size_t k) {
    const struct city_contact *t = &c->contacts[k];
    return t->placed_at != INSTANT_NONE || t->converted || t->released_at != INSTANT_NONE;
}
static size_t status_count(const struct city *c) {
    return listed_count(c, c->n_contacts, contact_known);
}
static void status_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    size_t k = listed_at(c, i, contact_known);
    const struct city_contact *t = &c->contacts[k];
    const struct city_person *p = &c->persons[t->person];
    cell_contact(row, (int32_t)k);
    cell_person(row, p);
    cell(row, t->through >= 0 ? "密接的密接" : "密接");
    cell(row, t->converted ? "已转阳" : t->released_at != INSTANT_NONE ? "已解除" : "已管控");
}

/* ---- tests */

static const char *const test_headers[] = {"受检者姓名", "身份证号", "联系方式", "区县", "密接编号", "采样时间", "检测项目", "检测结果", "结果时间",
                                           "标本类型", "N基因Ct值", "ORF1ab基因Ct值", "检测机构", "采样管编号", "检测目的", NULL};
static size_t test_count(const struct city *c) {
    return c->n_tests;
}
static void test_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    const struct city_test *t = &c->tests[i];
    const struct city_person *p = &c->persons[t->person];
    char tube[24], n[16] = "", orf[16] = "";
    snprintf(tube, sizeof tube, "HS%08zu", i + 20220001);
    if (t->positive && t->result_at != INSTANT_NONE) {
        snprintf(n, sizeof n, "%d.%02d", t->ct_hundredths / 100, t->ct_hundredths % 100);
        snprintf(orf, sizeof orf, "%d.%02d", (t->ct_hundredths + 61) / 100, (t->ct_hundredths + 61) % 100);
    }
    cell(row, p->name);
    cell_untidy(row, p->document);
    cell(row, p->phone);
    cell_street(row, p);
    cell_contact(row, t->contact);
    cell_instant(row, t->sampled_at);
    cell(row, "核酸");
    cell(row, t->result_at == INSTANT_NONE ? "待检" : t->positive ? "阳性" : "阴性");
    cell_instant(row, t->result_at);
    cell(row, i % 3 ? "鼻咽拭子" : "咽拭子");
    cell(row, n);
    cell(row, orf);
    cell_organisation(row, t->laboratory);
    cell(row, tube);
    bool last = t->contact >= 0 && day_at(row, t->sampled_at) >= c->contacts[t->contact].last + 7;
    cell(row, t->contact < 0 ? "病例诊断" : last ? "解除前检测" : "密接检测");
}
static const struct demo_fault test_faults[] = {{7, "检测结果", "弱阳"}, {19, "采样时间", "昨天上午"}, {30, "N基因Ct值", "99.5"}};

/* ---- health checks */

static const char *const check_headers[] = {"姓名", "证件号码", "区县", "密接编号", "监测时间", "体温", "症状", "是否异常", NULL};
static size_t check_count(const struct city *c) {
    return c->n_checks;
}
static void check_row(struct demo_row *row, size_t i) {
    const struct city *c = row->c;
    const struct city_check *k = &c->checks[i];
    const struct city_person *p = &c->persons[k->person];
    char temperature[16], symptoms[64] = "";
    static const char *const words[] = {"发热", "咳嗽", "咽痛"};
    snprintf(temperature, sizeof temperature, "%d.%d", k->temperature_tenths / 10, k->temperature_tenths % 10);
    for (int b = 0; b < 3; b++)
        if (k->symptoms >> b & 1) snprintf(symptoms + strlen(symptoms), sizeof symptoms - strlen(symptoms), "%s%s", *symptoms ? "、" : "", words[b]);
    cell(row, p->name);
    cell(row, p->document);
    cell_street(row, p);
    cell_contact(row, k->contact);
    cell_instant(row, k->checked_at);
    cell(row, temperature);
    cell(row, symptoms);
    cell(row, k->symptoms ? "是" : "否");
}
static const struct demo_fault check_faults[] = {{5, "体温", "63.6"}, {40, "监测时间", ""}};

/* ---- the files */

#define FAULTS(list) .faults = list, .n_faults = sizeof list / sizeof *list
const struct demo_table demo_tables[DEMO_FILES] = {
    {.name = "regions.csv", .register_name = "region", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = region_headers, .count = region_count, .row = region_row},
    {.name = "organisations.csv", .register_name = "organisation", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = organisation_headers, .count = organisation_count, .row = organisation_row, FAULTS(organisation_faults)},
    {.name = "places.csv", .register_name = "place", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = place_headers, .count = place_count, .row = place_row},
    {.name = "cases.xlsx", .register_name = "case", .shape = {.format = SHEET_XLSX, .encoding = "UTF-8", .sheet = "传染病报告卡"},
     .headers = case_headers, .count = case_count, .row = case_row, FAULTS(case_faults)},
    {.name = "links.csv", .register_name = "link", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = link_headers, .count = link_count, .row = link_row},
    {.name = "receipts.csv", .register_name = "receipt", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = receipt_headers, .count = receipt_count, .row = receipt_row},
    {.name = "contacts.csv", .register_name = "contact", .shape = {.format = SHEET_CSV, .encoding = "GB18030", .delimiter = ',', .crlf = true},
     .headers = contact_headers, .count = contact_count, .row = contact_row, FAULTS(contact_faults)},
    {.name = "memberships.csv", .register_name = "membership", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = membership_headers, .count = membership_count, .row = membership_row},
    {.name = "orders.csv", .register_name = "measure", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = '|'},
     .headers = order_headers, .count = order_count, .row = order_row},
    {.name = "stays.csv", .register_name = "stay", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ';', .crlf = true},
     .headers = stay_headers, .count = stay_count, .row = stay_row, FAULTS(stay_faults)},
    {.name = "fives.csv", .register_name = "five_duties", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ','},
     .headers = five_headers, .count = five_count, .row = five_row},
    {.name = "tests.csv", .register_name = "test", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .bom = true, .delimiter = ',', .crlf = true},
     .headers = test_headers, .count = test_count, .row = test_row, FAULTS(test_faults)},
    {.name = "checks.csv", .register_name = "health_check", .shape = {.format = SHEET_CSV, .encoding = "UTF-16LE", .bom = true, .delimiter = '\t', .crlf = true},
     .headers = check_headers, .count = check_count, .row = check_row, FAULTS(check_faults)},
    {.name = "releases.csv", .register_name = "stay", .shape = {.format = SHEET_CSV, .encoding = "UTF-8", .delimiter = ';', .crlf = true},
     .headers = release_headers, .count = release_count, .row = release_row},
    {.name = "status.csv", .register_name = "contact", .shape = {.format = SHEET_CSV, .encoding = "GB18030", .delimiter = ',', .crlf = true},
     .headers = status_headers, .count = status_count, .row = status_row},
};

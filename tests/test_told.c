/* Routes as people write them down: which places, days and times are read, and what is not. */
#include "desks/tracing/told.h"
#include "desks/tracing/tracing.h"
#include "check.h"

struct said {
    struct buf out;
    int32_t zone_s;
};

static int note(const struct told_stop *s, void *arg) {
    struct said *x = arg;
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    instant_format(s->start, x->zone_s, from);
    instant_format(s->end, x->zone_s, to);
    from[16] = to[16] = 0; /* to the minute */
    buf_printf(&x->out, "%.*s %s..%s %s %d%%", (int)s->place.n, s->place.s, from + 5, to + 5, tracing_class_name(s->class_of), s->confidence);
    if (s->zone || s->row) buf_printf(&x->out, " %d/%d", s->zone, s->row);
    buf_char(&x->out, '\n');
    return 0;
}

static const struct { const char *told, *stops; } cases[] = {
    /* nothing is guessed */
    {"", ""},
    {"不详", ""},
    {"1月18日感到不适，居家。19日在家中，20日到医院就诊，体温38.5℃", ""},
    {"到丹尼斯百货购物", ""}, /* no day */
    {"2月30日到丹尼斯百货购物", ""},
    {"1月18日与病例5密切接触，出现症状后到发热门诊采样", ""},
    /* days */
    {"2020年1月20日到丹尼斯百货购物", "丹尼斯百货 01-20T00:00..01-21T00:00 shop 50%\n"},
    {"1月20日至22日在丹尼斯百货上班", "丹尼斯百货 01-20T00:00..01-23T00:00 shop 50%\n"},
    {"1月20日-1月22日，在丹尼斯百货", "丹尼斯百货 01-20T00:00..01-23T00:00 shop 50%\n"},
    {"2020-01-20 丹尼斯百货; 2020/1/21 大张超市", "丹尼斯百货 01-20T00:00..01-21T00:00 shop 50%\n大张超市 01-21T00:00..01-22T00:00 shop 50%\n"},
    {"1.19-1.20 大张超市；1.23 万州区；1/24 绿洲小区", "大张超市 01-19T00:00..01-21T00:00 shop 50%\n万州区 01-23T00:00..01-24T00:00 area 50%\n绿洲小区 01-24T00:00..01-25T00:00 compound 50%\n"},
    {"1月20日到大张超市，21日、次日去绿洲小区", "大张超市 01-20T00:00..01-21T00:00 shop 50%\n绿洲小区 01-22T00:00..01-23T00:00 compound 50%\n"},
    {"12月30日至1月1日在新县，2日返回信阳市", "新县 12-30T00:00..01-02T00:00 area 50%\n信阳市 01-02T00:00..01-03T00:00 area 50%\n"},
    /* times */
    {"1月20日8:30至9时10分到人民医院东区分院就诊", "人民医院东区分院 01-20T08:30..01-20T09:10 hospital 90%\n"},
    {"1月20日下午3点半到5点，在大张超市", "大张超市 01-20T15:30..01-20T17:00 shop 90%\n"},
    {"1月20日10时许到大张超市，上午在绿洲小区", "大张超市 01-20T10:00..01-20T10:30 shop 70%\n绿洲小区 01-20T06:00..01-20T12:00 compound 50%\n"},
    {"1月20日晚上前往如家酒店（金水路店）", "如家酒店 01-20T18:00..01-21T00:00 hotel 50%\n"},
    {"1月21日18时21分到达优品超市购物，18时40分离开，18时50分离开面馆", "优品超市 01-21T18:21..01-21T18:40 shop 90%\n"},
    {"1月22日16时14分在东门售票大厅5号窗口购票，世纪大道12号，16点50分抵达台东大酒店,16时56分离开", "东门售票大厅 01-22T16:14..01-22T16:44 public 70%\n世纪大道12号 01-22T00:00..01-23T00:00 other 50%\n台东大酒店 01-22T16:50..01-22T16:56 hotel 90%\n"},
    {"1月23日8:30-10:30到世纪广场对面的蓝海豚补习班上课，13:00-17:00到康乃馨大厦学习美术", "蓝海豚补习班 01-23T08:30..01-23T10:30 school 90%\n康乃馨大厦 01-23T13:00..01-23T17:00 workplace 90%\n"},
    {"1月24日6:58-11:00由母亲和奶奶开车送到吉林市儿童医院打针", "和奶奶 01-24T06:58..01-24T11:00  90%\n吉林市儿童医院 01-24T06:58..01-24T11:00 hospital 90%\n"},
    {"1月25日18:00-21:30在清水湾度假酒店洗浴后到温州商城负一层，再去大唐洗浴中心", "清水湾度假酒店 01-25T18:00..01-25T21:30 hotel 90%\n温州商城 01-25T00:00..01-26T00:00 shop 50%\n大唐洗浴中心 01-25T00:00..01-26T00:00 entertainment 50%\n"},
    {"1月25日11时23分至17时07分在莆田动车站周边待客，14时到6号线南翠屏——1号线下瓦房", "莆田动车站 01-25T11:23..01-25T17:07 station 90%\n6号线南翠屏 01-25T14:00..01-25T14:30 station 70%\n1号线下瓦房 01-25T00:00..01-26T00:00 station 50%\n"},
    /* vehicles */
    {"1月18日乘坐G1234次列车（5车厢12A）从武汉站到郑州东站", "武汉站 01-18T00:00..01-19T00:00 station 50%\n郑州东站 01-18T00:00..01-19T00:00 station 50%\nG1234 01-18T00:00..01-19T00:00 transport 50% 5/12\n"},
    {"1月4日20时乘坐cz6543航班抵达大兴机场", "大兴机场 01-04T00:00..01-05T00:00 station 50%\nCZ6543 01-04T20:00..01-04T20:30 transport 70%\n"},
    {"1月5日乘K81、T12次列车", "K81 01-05T00:00..01-06T00:00 transport 50%\nT12 01-05T00:00..01-06T00:00 transport 50%\n"},
};

static void routes_are_read_as_they_are_told(void **state) {
    (void)state;
    int64_t dwell_s[CONTACT_CLASSES];
    for (int c = 0; c < CONTACT_CLASSES; c++) dwell_s[c] = 1800;
    struct told_how how = {.zone_s = ZONE_CHINA_S, .by = day_of_civil((struct civil){2020, 2, 3}), .dwell_s = dwell_s};
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct said x = {.zone_s = ZONE_CHINA_S};
        assert_int_equal(told_read(&how, text_of(cases[i].told), note, &x), 0);
        if (strcmp(buf_cstr(&x.out), cases[i].stops) != 0) wrong++, print_error("%s\n-- got:\n%s-- wanted:\n%s", cases[i].told, buf_cstr(&x.out), cases[i].stops);
        buf_clear(&x.out);
    }
    assert_int_equal(wrong, 0);
}

static int refuse(const struct told_stop *s, void *arg) {
    (void)s;
    ++*(int *)arg;
    return E_FULL;
}

static void who_takes_them_can_end_the_reading(void **state) {
    (void)state;
    int64_t dwell_s[CONTACT_CLASSES];
    for (int c = 0; c < CONTACT_CLASSES; c++) dwell_s[c] = 1800;
    struct told_how how = {.zone_s = ZONE_CHINA_S, .by = day_of_civil((struct civil){2020, 2, 3}), .dwell_s = dwell_s};
    int n = 0;
    assert_int_equal(told_read(&how, TEXT("1月20日到大张超市，21日去绿洲小区"), refuse, &n), E_FULL);
    assert_int_equal(n, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(routes_are_read_as_they_are_told), cmocka_unit_test(who_takes_them_can_end_the_reading)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

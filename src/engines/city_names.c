/* Invented names and numbers that pass their checks: common surnames and given-name characters, GB 11643 identity numbers,
 * GB 32100 unit codes (whose middle is a GB 11714 organisation code). */
#include <stdio.h>
#include <string.h>

#include "engines/city.h"

/* By frequency, the commonest first (Ministry of Public Security, 2020 name report); drawn with falling weight. */
static const char *const surnames[] = {
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高", "罗", "郑", "梁", "谢", "宋", "唐",
    "许", "韩", "邓", "冯", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁", "蔡", "蒋", "余", "于", "杜", "叶", "程", "魏", "苏", "吕", "丁", "任", "卢",
    "姚", "沈", "钟", "姜", "崔", "谭", "陆", "范", "汪", "廖", "石", "金", "韦", "贾", "夏", "付", "方", "邹", "熊", "白", "孟", "秦", "邱", "侯", "江",
    "尹", "薛", "阎", "段", "雷", "龙", "黎", "史", "陶", "贺", "毛", "郝", "顾", "龚", "邵", "欧阳", "司徒", "上官"};
static const char *const given_male[] = {"伟", "强", "磊", "军", "勇", "杰", "涛", "斌", "浩", "宇", "轩", "博", "文", "建", "国", "志", "明", "俊",
                                         "鹏", "飞", "峰", "超", "平", "刚", "辉", "健", "晨", "凯", "林", "波", "东", "海", "子", "泽", "睿", "昊"};
static const char *const given_female[] = {"芳", "娜", "敏", "静", "丽", "艳", "娟", "霞", "秀", "玲", "燕", "红", "梅", "婷", "雪", "慧", "莹", "洁",
                                           "琳", "颖", "佳", "欣", "怡", "思", "雨", "梓", "涵", "诗", "兰", "珍", "英", "华", "云", "倩", "瑶", "萍"};
/* Real county codes of other provinces: not everybody was born here. */
static const char *const elsewhere[] = {"320106", "330106", "340103", "341202", "360111", "370102", "410105",
                                        "411402", "420106", "430104", "500105", "510107", "610113"};
static const char *const streets[CITY_STREETS_MAX] = {"枫林街道", "望江街道", "云溪街道", "石桥街道", "新安街道", "东湖街道", "花园街道", "临港镇",
                                                      "青山镇",   "平湖镇",   "双河镇",   "白塔镇",   "长乐街道", "金水街道", "南苑街道", "北关镇"};

enum { SURNAMES = sizeof surnames / sizeof *surnames, GIVEN = sizeof given_male / sizeof *given_male };
_Static_assert(sizeof given_male == sizeof given_female, "one draw serves both");

const char *city_street(int32_t street) {
    return streets[(uint32_t)street % CITY_STREETS_MAX];
}

void city_street_code(const struct city *c, int32_t street, char out[16]) {
    snprintf(out, 16, "%.6s%03d", c->options.region, (int)((uint32_t)street % 999) + 1);
}

int city_surname(struct rng *r) {
    double u = rng_unit(r);
    int i = (int)(u * u * SURNAMES); /* the square favours the front of the list */
    return i < SURNAMES ? i : SURNAMES - 1;
}

void city_name(struct rng *r, int surname, int sex, char *out, size_t n) {
    const char *const *given = sex == CITY_MALE ? given_male : given_female;
    const char *first = given[rng_below(r, GIVEN)];
    const char *second = rng_below(r, 100) < 78 ? given[rng_below(r, GIVEN)] : "";
    snprintf(out, n, "%s%s%s", surnames[surname % SURNAMES], first, second);
}

static char id_card_digit(const char *head) {
    static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    for (int i = 0; i < 17; i++) sum += (head[i] - '0') * weights[i];
    return "10X98765432"[sum % 11];
}

void city_id_card(struct rng *r, const char *region, day birth, int sex, char out[20]) {
    const char *born = rng_below(r, 100) < 68 ? region : elsewhere[rng_below(r, sizeof elsewhere / sizeof *elsewhere)];
    struct civil c = civil_of_day(birth);
    int order = (int)rng_below(r, 499) * 2 + (sex == CITY_MALE ? 1 : 2); /* odd for men; 001..998 */
    snprintf(out, 19, "%.6s%04d%02d%02d%03d", born, (int)((unsigned)c.year % 10000), (int)((unsigned)c.month % 100),
             (int)((unsigned)c.day % 100), (int)((unsigned)order % 1000));
    out[17] = id_card_digit(out);
    out[18] = 0;
}

void city_unit_code(struct rng *r, const char *region, char out[20]) {
    static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    static const int organisation_weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
    static const int weights[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
    memcpy(out, rng_below(r, 2) ? "91" : "12", 2);
    memcpy(out + 2, region, 6);
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        out[8 + i] = (char)('0' + rng_below(r, 10));
        sum += (out[8 + i] - '0') * organisation_weights[i];
    }
    out[16] = "0X987654321"[sum % 11];
    sum = 0;
    for (int i = 0; i < 17; i++) sum += (int)(strchr(alphabet, out[i]) - alphabet) * weights[i];
    out[17] = alphabet[(31 - sum % 31) % 31];
    out[18] = 0;
}

void city_address(const struct city *c, int32_t household, struct buf *out) {
    static const char *const roads[] = {"望江路", "人民路", "解放路", "建设路", "新华路", "朝阳路", "和平路", "文化路",
                                        "滨河路", "学府路", "金桥路", "迎宾路", "长安路", "中山路", "幸福路", "育才路"};
    const struct city_household *h = &c->households[household];
    buf_printf(out, "%s%s%d号%d室", city_street(h->street), roads[(uint32_t)h->road % 16], h->building, h->room);
}

int city_age(const struct city_person *p, day on) {
    struct civil b = civil_of_day(p->birth), t = civil_of_day(on);
    return t.year - b.year - (t.month < b.month || (t.month == b.month && t.day < b.day));
}

/* Routes told in Chinese: days, times, places. A scanner, not a grammar: what it does not know it walks over. */
#include "desks/tracing/told.h"

#include <string.h>

#include "desks/tracing/tracing.h"

enum { PLACE_MIN = 4 /* bytes: two characters, but one */, PLACE_MAX = 90, TEXT_MAX = 65536 };

struct telling {
    const struct told_how *how;
    struct text t;
    size_t at;
    day first, last;         /* of the day in force */
    bool dated, from_told;   /* a day was named; its year was */
    int year, month;         /* of the last one */
    int from_s, to_s;        /* of the clause; -1 none */
    bool part;               /* a part of the day only */
    int placed;              /* stops of this clause */
    uint16_t zone, row;      /* of a seat told in this clause */
    struct told_stop held;   /* a vehicle, waiting for its seat */
    bool holding;
    struct told_stop latest; /* waiting for when he left */
    bool waiting;
    int (*stop)(const struct told_stop *s, void *arg);
    void *arg;
    char number[16];
};

static bool here(const struct telling *x, size_t at, const char *word) {
    size_t n = strlen(word);
    return at <= x->t.n && x->t.n - at >= n && memcmp(x->t.s + at, word, n) == 0;
}

/* The longest of the words (NULL-ended) that stands at `at`: its length; 0. */
static size_t any_of(const struct telling *x, size_t at, const char *const *words) {
    size_t best = 0;
    for (; *words; words++)
        if (here(x, at, *words) && strlen(*words) > best) best = strlen(*words);
    return best;
}

static size_t step(const struct telling *x, size_t at) {
    text_codepoint(x->t, &at);
    return at;
}

static bool number(const struct telling *x, size_t *at, size_t most, int *ret) {
    size_t from = *at;
    int v = 0;
    while (*at < x->t.n && *at - from < most && x->t.s[*at] >= '0' && x->t.s[*at] <= '9') v = v * 10 + (x->t.s[(*at)++] - '0');
    if (*at == from || (*at < x->t.n && x->t.s[*at] >= '0' && x->t.s[*at] <= '9')) return false;
    *ret = v;
    return true;
}

static size_t blanks(const struct telling *x, size_t at) {
    while (at < x->t.n && (x->t.s[at] == ' ' || x->t.s[at] == '\t')) at++;
    return at;
}

static const char *const dashes[] = {"至", "到", "—", "–", "-", "～", "~", "－", NULL};
static size_t dash(const struct telling *x, size_t at) {
    size_t to = blanks(x, at), n;
    bool any = false;
    while ((n = any_of(x, to, dashes)) > 0) to += n, any = true; /* also —— */
    return any ? blanks(x, to) : 0;
}

/* ---- days */
struct named { int year, month, day; }; /* 0: not said */

static bool sign(const struct telling *x, size_t at, char *ret) {
    if (at >= x->t.n || !memchr("-/.", x->t.s[at], 3)) return false;
    *ret = x->t.s[at];
    return true;
}

/* A number with 号 is a house, a gate, a line: behind a street, or before what bears it. */
static bool numbered(const struct telling *x, size_t from, size_t to) {
    static const char *const streets[] = {"路", "街", "巷", "弄", "道", "段", "村", "组", "栋", "幢", "号", "附", "里", "区", "第", NULL};
    static const char *const bearers[] = {"线", "楼", "院", "窗口", "馆", "厅", "门", "口", "店", "铺", "库", "车", "座", "航站楼", "路", "地块", "桌", "台", "病房", "床", "公馆", "附", "弄", "-", "站", "码头", "矿", "井", "岛", "摊", "档", "船", "机", "球", NULL};
    for (size_t i = 0; streets[i]; i++) {
        size_t n = strlen(streets[i]);
        if (from >= n && here(x, from - n, streets[i])) return true;
    }
    return any_of(x, to, bearers) > 0;
}

/* "2020年1月18日", "1月18日", "18日", "2020-1-18", "1.18", "1/18". */
static bool day_named(const struct telling *x, size_t *at, struct named *ret) {
    static const char *const years[] = {"年", NULL}, *const months[] = {"月份", "月", NULL}, *const days[] = {"日", "号", NULL};
    static const char *const measures[] = {"米", "小时", "℃", "度", "公里", "万", "亿", "%", "岁", "元", "个", "cm", "m", "例", "倍", "时", "点", ":", NULL};
    struct named d = {0};
    size_t i = *at, n;
    int a, b;
    char c, c2;
    if ((i && x->t.s[i - 1] >= '0' && x->t.s[i - 1] <= '9') || !number(x, &i, 4, &a)) return false;
    if ((n = any_of(x, i, years)) > 0) {
        d.year = a;
        i = blanks(x, i + n);
        if (a < 1900 || a > 2200 || !number(x, &i, 2, &a)) return false;
    }
    if ((n = any_of(x, i, months)) > 0) {
        d.month = a;
        i = blanks(x, i + n);
        if (a < 1 || a > 12 || !number(x, &i, 2, &a)) return false;
        n = any_of(x, i, days);
        d.day = a;
        i += n;
    } else if (!d.year && a <= 31 && (n = any_of(x, i, days)) > 0 && !(here(x, i, "号") && numbered(x, *at, i + n))) {
        d.day = a;
        i += n;
    } else if (!d.year && sign(x, i, &c)) {
        i++;
        if (!number(x, &i, 2, &b)) return false;
        if (a >= 1900 && a <= 2200 && sign(x, i, &c2) && c2 == c) {
            i++;
            d.year = a, d.month = b;
            if (!number(x, &i, 2, &d.day)) return false;
        } else if (c != '-' && a >= 1 && a <= 12 && !any_of(x, i, measures) && !(sign(x, i, &c2) && c2 == c)) d.month = a, d.day = b;
        else return false;
    } else return false;
    if (d.day < 1 || d.day > 31 || d.month > 12) return false;
    *at = i;
    *ret = d;
    return true;
}

/* Its year and month as told, as of the day before it in the text, or the last that is not after `by`. */
static bool day_placed(struct telling *x, struct named d, day *ret) {
    struct civil by = civil_of_day(x->how->by);
    int month = d.month ? d.month : x->month, year = d.year ? d.year : x->year;
    if (!month) return false;
    if (!year) {
        year = by.year;
        if (!civil_valid((struct civil){year, month, d.day}) || day_of_civil((struct civil){year, month, d.day}) > x->how->by) year--;
    } else if (!d.year && d.month && x->month - d.month > 6) year++; /* December, then January */
    if (!civil_valid((struct civil){year, month, d.day})) return false;
    *ret = day_of_civil((struct civil){year, month, d.day});
    x->year = year, x->month = month;
    return true;
}

static bool days_take(struct telling *x) {
    static const char *const next[] = {"次日", "第二天", "翌日", NULL}, *const same[] = {"当日", "当天", "同日", "当晚", NULL};
    struct named d, e;
    size_t at = x->at, n, to;
    day first, last;
    if (x->dated && (n = any_of(x, at, next)) > 0) {
        x->first = ++x->last;
        x->at += n;
        return true;
    }
    if (x->dated && (n = any_of(x, at, same)) > 0) {
        x->first = x->last;
        if (!here(x, at, "当晚")) x->at += n;
        else x->at += n, x->from_s = 18 * 3600, x->to_s = DAY_S, x->part = true;
        return true;
    }
    if (!day_named(x, &at, &d) || !day_placed(x, d, &first)) return false;
    last = first;
    if ((to = dash(x, at)) > 0 && day_named(x, &to, &e) && day_placed(x, e, &last) && last >= first && last - first < VISITS_DAYS_MAX) at = to;
    else last = first;
    x->first = first, x->last = last, x->dated = true;
    x->at = at;
    return true;
}

/* ---- times */
static const struct { const char *word; int from, to; } parts[] = {{"凌晨", 0, 6}, {"清晨", 5, 8}, {"早上", 6, 10}, {"早晨", 6, 10}, {"上午", 6, 12}, {"中午", 11, 14}, {"下午", 12, 18},
                                                                   {"傍晚", 17, 20}, {"晚上", 18, 24}, {"晚间", 18, 24}, {"夜间", 18, 24}, {"午后", 12, 18}};

static bool clock_named(const struct telling *x, size_t *at, bool afternoon, int *ret_s) {
    static const char *const hours[] = {"时", "点钟", "点", ":", "：", NULL};
    size_t i = *at, n;
    int h, m = 0;
    if (!number(x, &i, 2, &h) || h > 24 || !(n = any_of(x, i, hours))) return false;
    bool colon = here(x, i, ":") || here(x, i, "：");
    if (here(x, i, "时") && (here(x, i, "时间") || here(x, i, "时许"))) n = here(x, i, "时许") ? strlen("时许") : n;
    i += n;
    size_t k = i;
    if (here(x, i, "半")) m = 30, i += strlen("半");
    else if (number(x, &k, 2, &m) && m < 60) i = k + (here(x, k, "分") ? strlen("分") : 0);
    else if (colon) return false;
    else m = 0;
    if (here(x, i, "许") || here(x, i, "左右")) i += here(x, i, "许") ? strlen("许") : strlen("左右");
    if (afternoon && h < 12) h += 12;
    *ret_s = h * 3600 + m * 60;
    *at = i;
    return *ret_s <= DAY_S;
}

static bool times_take(struct telling *x) {
    size_t at = x->at, to;
    int from, end, low = -1, high = -1;
    for (size_t i = 0; low < 0 && i < sizeof parts / sizeof *parts; i++)
        if (here(x, at, parts[i].word)) low = parts[i].from * 3600, high = parts[i].to * 3600, at = blanks(x, at + strlen(parts[i].word));
    bool pm = low >= 12 * 3600;
    if (!clock_named(x, &at, pm, &from)) {
        if (low < 0) return false;
        x->from_s = low, x->to_s = high, x->part = true;
        x->at = at;
        return true;
    }
    x->from_s = from, x->to_s = -1, x->part = false;
    if ((to = dash(x, at)) > 0 && clock_named(x, &to, pm, &end) && end > from) x->to_s = end, at = to;
    x->at = at;
    return true;
}

/* ---- places */
static const char *const markers[] = {"到达", "抵达", "前往", "返回", "回到", "来到", "途经", "途径", "路经", "经过", "入住", "居住在", "居住于", "住在", "暂住", "逗留", "经停", "经", "位于", "去往", "去到", "赴", "飞抵", "飞往", "飞",
                                      "去",   "到",   "在",   "至",   "从",   "由",   "自",   "往",   "返", "抵", "于", NULL};
/* Words that hold a marker and are none. */
static const char *const no_markers[] = {"感到", "直到", "得到", "接到", "遇到", "收到", "达到", "现在", "存在", "正在", "自由", "自驾", "自行", "自述", "自觉", "自感", "自费", "自己", "亲自", "由于", "理由",
                                         "从未", "从事", "过去", "去年", "去世", "去除", "往返", "往来", "以往", "至今", "甚至", "以至", "回家", "到家", "在家", "居家", "在院", "到院", "目前", "来自", "在途", "返程", "返家",
                                         "返校", "在此", "在该", "在其", "在内", "在外", "在校", "自主", "自愿", "各自", "至少", "不在", "离开", "到期", "从业", "关于", "处于", "属于", "对于", "至于", "终于", "鉴于", "低于", "高于", "大于", "小于", "用于", "已经", "曾经", "经常", "经济", "经营", "经贸", "经诊", "经采", "经检", "经医", "经卫", "经过治", "经初", "经专", NULL};
static const char *const stops_at[] = {"就诊", "就医", "购物", "买菜", "购买", "采购", "吃饭", "就餐", "用餐", "聚餐", "聚会", "工作", "上班", "上学", "上课", "居住", "探亲", "旅游", "旅行", "隔离", "住院", "治疗", "出差",
                                       "打工", "务工", "经商", "参加", "活动", "停留", "逗留", "转乘", "乘坐", "乘", "搭乘", "换乘", "采样", "核酸", "检测", "接受", "出现", "发热", "发烧", "确诊", "开会", "会议", "办事",
                                       "打牌", "走亲", "拜年", "期间", "进行", "陪同", "陪护", "探望", "看望", "接触", "办理", "取药", "买药", "输液", "复诊", "登机", "转机", "下车", "上车", "换车", "转车", "自驾", "驾车",
                                       "开车", "步行", "骑行", "打车", "回家", "的家", "家中", "家里", "未", "后", "时", "并", "搭机", "搭车", "搭载", "飞往", "入境", "出境", "入院", "来台", "返台", "检疫", "采检", "送验", "安排", "自费", "协助", "外派", "就学", "求学", "留学", "奔丧", "集中", "登上", "停靠", "因", "曾", "首次", "转往", "转至", "再", "当天", "主动", "持续", "等待", "完成", "学习", "滑雪", "洗浴", "剪发", "理发", "美发", "打针", "注射", "待客", "游玩", "锻炼", "健身", "跑步", "散步", "遛弯", "取快递", "吃早", "吃午", "吃晚", "吃面", "接学生", "接孩子", "接送", "送货", "装货",
                                       "卸货", "加油", "打包", "购票", "上网", "唱歌", "观影", "看电影", "体检", "泡澡", "按摩", "值班", "考试", "报到", "取药", "地下", "负一", "负二", "一楼", "二楼", "三楼", "四楼", "周边", "买运动", "买水果", "买鞋", "买衣", "换药", "拿药", "与", "及其", "，", "。", "；", "、", ",", ";", "!", "！", "？", "\n", "\r", "(", "（", ")",
                                       "）", "【", "】", "“", "”", "\"", "→", "—", ">", ":", "：", "|", "+", "=", NULL};
/* Words that hold one of these and are part of a name. */
static const char *const no_stops[] = {"购物中心", "购物广场", "采购中心", "洗浴中心", "洗浴广场", "洗浴城", "学习班", "学习中心", "滑雪场", "理发店", "理发室", "美发店", "健身房", "健身中心", "健身广场", "旅游区", "旅行社", "采样点", "采样屋", "检测点", "检测中心",
                                       "活动中心", "活动室", "会议中心", "会议室", "工作室", "工作站", "加油站", "加气站", "按摩店", "体检中心", "换乘中心", "换乘站", "乘车点", "隔离点", "隔离酒店", "居住区", "住院部", "治疗中心", "接待中心", "接待站", "服务中心",
                                       "地下城", "地下商场", "地下通道", "考试中心", "医务室", "期货", "与会", "上班族", NULL};
/* A place is told by another: the next one is meant, if there is one. */
static const char *const near[] = {"附近的", "附近", "对面的", "对面", "旁边的", "旁边", "隔壁的", "隔壁", "门口的", "门口", "斜对面的", "斜对面", NULL};
/* Nobody else's place: no name of its own. */
static const char *const nameless[] = {"家", "家中", "家里", "住处", "住所", "住家", "家乡", "老家", "单位", "公司", "医院", "超市", "商场", "药店", "诊所", "饭店", "餐厅", "餐馆", "学校", "村里", "村中", "小区", "外面", "外出", "外地",
                                       "本地", "当地", "此地", "亲戚家", "朋友家", "父母家", "酒店", "宾馆", "旅馆", "机场", "火车站", "高铁站", "汽车站", "车站", "地铁站", "隔离点", "集中隔离点", "隔离酒店", "发热门诊", "门诊",
                                       "急诊", "病房", "室内", "国内", "境内", "境外", "国外", "海外", "我国", "我省", "我市", "本市", "该市", "全市", "我区", "本区", "我县", "本县", "现场", "路上", "途中", "期间", "全程", "上述",
                                       "今日", "今天", "昨日", "昨天", "目前", "处", "后", "场所", "定点医院", "菜市场", "市场", "公园", "银行", "网吧", "办公室", "宿舍", "出租屋", "租住处", "工地", "室", "返回", "外", "内", "出国", "返国", "回国", "全国", "各国", "外国", "入国", "本国", "职场", "出院", "定点医疗机构", NULL};
static const char *const no_place[] = {"症状", "阳性", "阴性", "发热", "咳嗽", "确诊", "感染", "密接", "密切", "接触", "隔离", "检测", "核酸", "病例", "患者", "口罩", "体温", "治疗", "排查", "报告", "进一步", "其他", "同行", "防护", "情况",
                                       "措施", "人员", "不适", "采样", "安排", "检疫", "自费", "同事", "友人", "家人", "同学", "掌握", "监测", "协助", "送医", "预定", "卫生单位", "防疫", "当地", "该", "其", "本人", "他人", "人为", "人及", "患病", "政府", "通知", "随即", "分别", "两人", "同一", "出院", "诊所及", "同游", "亲友", "近期", "顺利", "另有", "故由", "指挥中心", "疾控", "卫健", "民航局", "卫生局", NULL};

static const struct { const char *tail; const char *class_of; } tails[] = {
    {"医院", "hospital"}, {"卫生院", "hospital"}, {"诊所", "hospital"}, {"门诊部", "hospital"}, {"卫生室", "hospital"}, {"卫生服务中心", "hospital"}, {"医学院附属", "hospital"}, {"超市", "shop"}, {"商场", "shop"}, {"百货", "shop"},
    {"商店", "shop"}, {"便利店", "shop"}, {"购物中心", "shop"}, {"药店", "shop"}, {"药房", "shop"}, {"广场", "shop"}, {"店", "shop"}, {"市场", "market"}, {"集市", "market"}, {"批发城", "market"}, {"饭店", "restaurant"},
    {"餐厅", "restaurant"}, {"餐馆", "restaurant"}, {"火锅", "restaurant"}, {"火锅店", "restaurant"}, {"酒楼", "restaurant"}, {"食堂", "restaurant"}, {"饭庄", "restaurant"}, {"酒店", "hotel"}, {"宾馆", "hotel"}, {"旅馆", "hotel"},
    {"民宿", "hotel"}, {"站", "station"}, {"机场", "station"}, {"码头", "station"}, {"港", "station"}, {"大学", "school"}, {"学院", "school"}, {"中学", "school"}, {"小学", "school"}, {"学校", "school"}, {"幼儿园", "kindergarten"},
    {"公司", "workplace"}, {"大厦", "workplace"}, {"写字楼", "workplace"}, {"厂", "factory"}, {"工地", "construction"}, {"小区", "compound"}, {"花园", "compound"}, {"家园", "compound"}, {"公寓", "compound"}, {"社区", "compound"},
    {"新村", "compound"}, {"村", "village"}, {"屯", "village"}, {"养老院", "care-home"}, {"敬老院", "care-home"}, {"福利院", "care-home"}, {"影院", "entertainment"}, {"网吧", "entertainment"}, {"棋牌室", "entertainment"},
    {"KTV", "entertainment"}, {"酒吧", "entertainment"}, {"浴池", "entertainment"}, {"洗浴中心", "entertainment"}, {"健身房", "sport"}, {"体育馆", "sport"}, {"体育场", "sport"}, {"教堂", "worship"}, {"寺", "worship"}, {"庙", "worship"},
    {"清真寺", "worship"}, {"公园", "public"}, {"景区", "public"}, {"博物馆", "public"}, {"图书馆", "public"}, {"监狱", "detention"}, {"看守所", "detention"}, {"省", "area"}, {"市", "area"}, {"区", "area"}, {"县", "area"}, {"州", "area"},
    {"城", "shop"}, {"广场店", "shop"}, {"中心", "public"}, {"苑", "compound"}, {"府", "compound"}, {"号楼", "compound"}, {"单元", "compound"}, {"号院", "compound"}, {"庄", "village"}, {"寨", "village"},
    {"组", "village"}, {"路", "public"}, {"街", "public"}, {"大道", "public"}, {"馆", "public"}, {"厅", "public"}, {"支行", "public"}, {"银行", "public"}, {"大酒店", "hotel"}, {"分院", "hospital"}, {"殡仪馆", "public"},
    {"所", "workplace"}, {"局", "workplace"}, {"院", "workplace"}, {"园", "public"}, {"场", "public"}, {"影城", "entertainment"}, {"网咖", "entertainment"}, {"会所", "entertainment"}, {"号", "transport"}, {"轮", "transport"},
    {"补习班", "school"}, {"托管班", "school"}, {"培训班", "school"}, {"培训机构", "school"}, {"学习中心", "school"}, {"校区", "school"}, {"院区", "hospital"}, {"住院部", "hospital"}, {"园区", "workplace"}, {"服务区", "station"}, {"收费站", "station"},
    {"商都", "shop"}, {"商城", "shop"}, {"奥莱", "shop"}, {"菜场", "market"}, {"面馆", "restaurant"}, {"烧烤", "restaurant"}, {"小吃", "restaurant"}, {"串串", "restaurant"}, {"羊肉汤", "restaurant"}, {"牛肉汤", "restaurant"},
    {"茶楼", "restaurant"}, {"咖啡馆", "restaurant"}, {"咖啡厅", "restaurant"}, {"小吃店", "restaurant"}, {"餐厅", "restaurant"}, {"餐饮店", "restaurant"}, {"饺子馆", "restaurant"}, {"麻将馆", "entertainment"}, {"台球厅", "entertainment"},
    {"台球室", "entertainment"}, {"电玩城", "entertainment"}, {"足疗店", "entertainment"}, {"足浴店", "entertainment"}, {"洗浴", "entertainment"}, {"滑雪场", "sport"}, {"游泳馆", "sport"}, {"采样点", "test-site"}, {"检测点", "test-site"},
    {"盟", "area"}, {"旗", "area"}, {"镇", "area"}, {"乡", "area"}, {"街道", "area"}, {"国", "area"}, {"岛", "area"}};

static bool ends_with(struct text t, const char *tail) {
    size_t n = strlen(tail);
    return t.n >= n && memcmp(t.s + t.n - n, tail, n) == 0;
}

/* "6号线南翠屏": a station of that line. */
static bool of_line(struct text t) {
    static const char line[] = "号线";
    for (size_t i = 0; i + sizeof line - 1 + 6 <= t.n; i++)
        if (memcmp(t.s + i, line, sizeof line - 1) == 0) return i && t.s[i - 1] >= '0' && t.s[i - 1] <= '9';
    return false;
}

/* A name of its own is two characters before what it is ("大张超市"); of an area one ("新县"). */
uint8_t told_class(struct text place) {
    size_t best = 0;
    const char *word = "";
    if (of_line(place)) return tracing_class(TEXT("station"));
    if (ends_with(place, "号") && place.n > 3 + 6 && place.s[place.n - 4] >= '0' && place.s[place.n - 4] <= '9') return tracing_class(TEXT("other")); /* a house of a street */
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (strlen(tails[i].tail) > best && ends_with(place, tails[i].tail)) best = strlen(tails[i].tail), word = tails[i].class_of;
    return place.n >= best + (strcmp(word, "area") == 0 ? 3 : 6) ? tracing_class(text_of(word)) : 0;
}

static bool named(struct text t) {
    bool letters = false;
    if (t.n < PLACE_MIN || t.n > PLACE_MAX || !text_utf8_valid(t)) return false;
    for (size_t i = 0; i < t.n; i++) letters |= (uint8_t)t.s[i] >= 0x80 || (t.s[i] | 32) >= 'a';
    for (size_t i = 0; nameless[i]; i++)
        if (text_is(t, nameless[i])) return false;
    for (size_t k = 0; k < t.n; k++)
        for (size_t i = 0; no_place[i]; i++) {
            size_t n = strlen(no_place[i]);
            if (t.n - k >= n && memcmp(t.s + k, no_place[i], n) == 0) return false;
        }
    return letters;
}

static int latest_out(struct telling *x) {
    bool waiting = x->waiting;
    x->waiting = false;
    return waiting ? x->stop(&x->latest, x->arg) : 0;
}

static int held_out(struct telling *x) {
    int rc = latest_out(x);
    if (rc < 0 || !x->holding) return rc;
    x->holding = false;
    x->held.zone = x->zone, x->held.row = x->row;
    return x->stop(&x->held, x->arg);
}

/* "18:21到达优品超市, 18:40离开": the moment just told is the end of the stop before it. */
static bool left_take(struct telling *x) {
    static const char *const words[] = {"离开", "离店", "离馆", "驶离", NULL};
    size_t n = any_of(x, x->at, words);
    if (!n) return false;
    instant at = instant_of_day(x->first, x->how->zone_s) + x->from_s;
    if (x->waiting && x->from_s >= 0 && !x->part && x->to_s < 0 && x->latest.confidence == 70 && at > x->latest.start && at - x->latest.start < DAY_S) {
        x->latest.end = at;
        x->latest.confidence = 90;
        x->from_s = -1;
    }
    x->at += n;
    return true;
}

static int stop_out(struct telling *x, struct text place, uint8_t class_of, bool vehicle) {
    struct told_stop s = {.place = place, .class_of = class_of, .confidence = 50};
    if (!x->dated) return 0;
    s.start = instant_of_day(x->first, x->how->zone_s);
    if (x->from_s < 0) s.end = instant_of_day(x->last, x->how->zone_s) + DAY_S;
    else {
        s.start += x->from_s;
        s.end = x->to_s > x->from_s ? instant_of_day(x->last, x->how->zone_s) + x->to_s : s.start + x->how->dwell_s[class_of];
        s.confidence = x->part ? 50 : x->to_s < 0 ? 70 : 90;
    }
    x->placed++;
    if (!x->part && class_of) x->from_s = x->to_s = -1; /* a moment is of one place; half a sentence is none */
    if (!vehicle) {
        int rc = latest_out(x);
        x->latest = s;
        x->waiting = true;
        return rc;
    }
    x->held = s; /* its seat may still be told */
    x->holding = true;
    return 0;
}

static bool letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "G1234次", "CA1234航班": letters and digits, and a word behind them or 乘 before. */
static int vehicle_take(struct telling *x, bool riding, bool *ret_taken) {
    static const char *const behind[] = {"次", "列车", "航班", "号航班", "高铁", "动车", NULL};
    size_t at = x->at, n = 0, digits = 0;
    *ret_taken = false;
    if (at && letter(x->t.s[at - 1])) return 0;
    while (at + n < x->t.n && n < 8 && (letter(x->t.s[at + n]) || (x->t.s[at + n] >= '0' && x->t.s[at + n] <= '9'))) digits += !letter(x->t.s[at + n]), n++;
    if (n < 2 || !digits || digits == n || digits > 4 || n - digits > 3) return 0;
    if (!any_of(x, at + n, behind) && !(riding && letter(x->t.s[at]) && digits >= 2)) return 0;
    int rc = held_out(x);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n; i++) x->number[i] = x->t.s[at + i] >= 'a' && x->t.s[at + i] <= 'z' ? (char)(x->t.s[at + i] - 32) : x->t.s[at + i];
    *ret_taken = true;
    x->at = at + n + any_of(x, at + n, behind);
    x->zone = x->row = 0;
    return stop_out(x, (struct text){x->number, n}, tracing_class(TEXT("transport")), true);
}

/* "5号车厢", "12排", "08C座", "12A号". */
static bool seat_take(struct telling *x) {
    static const char *const carriages[] = {"号车厢", "车厢", "车", NULL}, *const rows[] = {"排", NULL};
    size_t at = x->at, n;
    int v;
    if (!x->holding || !number(x, &at, 3, &v)) return false;
    if ((n = any_of(x, at, carriages)) > 0) x->zone = (uint16_t)v;
    else if ((n = any_of(x, at, rows)) > 0) x->row = (uint16_t)v;
    else if (at < x->t.n && letter(x->t.s[at]) && (x->t.s[at] | 32) <= 'k') x->row = (uint16_t)v, n = 1;
    else return false;
    x->at = at + n;
    return true;
}

/* The place that begins here: up to a sign, a word of what was done there, or the next marker, day or time. */
static struct text place_find(const struct telling *x, size_t from) {
    static const char *const inside[] = {"号窗口", "号柜台", "号收银", "号桌", "号包间", "号包厢", NULL};
    static const char *const kin[] = {"母亲", "父亲", "妈妈", "爸爸", "妻子", "丈夫", "儿子", "女儿", "外公", "外婆", "爷爷", "奶奶", "哥哥", "姐姐", "弟弟", "妹妹", "孙子", "孙女", NULL};
    from += any_of(x, from, kin);
    size_t to = from;
    int part;
    if (any_of(x, from, markers) && !any_of(x, from, no_markers)) return (struct text){x->t.s + from, 0}; /* that one first */
    while (to < x->t.n) {
        struct named d;
        size_t at = to, n;
        if ((n = any_of(x, to, no_stops)) > 0) {
            to += n;
            continue;
        }
        if (to > from && (n = any_of(x, to, near)) > 0) {
            if (to + n >= x->t.n || any_of(x, to + n, stops_at) || any_of(x, to + n, markers)) break;
            from = to += n;
            continue;
        }
        if (any_of(x, to, stops_at) || (to > from && !any_of(x, to, no_markers) && any_of(x, to, markers) && !here(x, to, "自") && !here(x, to, "由") && !here(x, to, "往"))) break;
        if (x->t.s[to] >= '0' && x->t.s[to] <= '9' && day_named(x, &at, &d)) break;
        if (number(x, &at, 3, &part) && any_of(x, at, inside)) break;
        to = step(x, to);
    }
    return text_trim((struct text){x->t.s + from, to - from});
}

/* What stands between signs and has no marker in it: a place when it names its kind ("1.19 武汉大学", "武汉 -> 广州"). */
static int alone_take(struct telling *x, bool *ret_taken) {
    struct text p = place_find(x, x->at);
    *ret_taken = p.n > 0 && named(p) && told_class(p) != 0;
    if (!*ret_taken) return 0;
    size_t end = (size_t)(p.s - x->t.s) + p.n;
    x->at = end;
    return stop_out(x, p, told_class(p), false);
}

static void clause_begin(struct telling *x) {
    x->from_s = x->to_s = -1;
    x->part = false;
    x->placed = 0;
}

int told_read(const struct told_how *how, struct text t, int (*stop)(const struct told_stop *s, void *arg), void *arg) {
    static const char *const ends[] = {"。", "；", ";", "\n", "\r", NULL}, *const signs[] = {"，", ",", "、", "→", ">", "(", "（", ")", "）", " ", "|", "+", "-", "—", NULL}, *const rides[] = {"乘坐", "搭乘", "换乘", "转乘", "乘", NULL};
    struct telling x = {.how = how, .t = t, .stop = stop, .arg = arg, .from_s = -1, .to_s = -1};
    bool fresh = true, riding = false, taken = false; /* fresh: nothing but days and times since the last sign */
    int rc = 0;
    if (t.n > TEXT_MAX) x.t.n = TEXT_MAX;
    while (rc >= 0 && x.at < x.t.n) {
        size_t n;
        if ((n = any_of(&x, x.at, ends)) > 0) {
            rc = held_out(&x);
            clause_begin(&x);
            fresh = true, riding = false;
            x.at += n;
        } else if ((n = any_of(&x, x.at, signs)) > 0) {
            fresh = !x.placed || !(here(&x, x.at, "(") || here(&x, x.at, "（")); /* in brackets behind a place: which of them */
            x.at += n;
        } else if (seat_take(&x)) continue;
        else if (left_take(&x)) fresh = false;
        else if (days_take(&x)) {
            if (x.placed) clause_begin(&x);
            fresh = true;
        } else if (times_take(&x)) fresh = true;
        else if ((n = any_of(&x, x.at, rides)) > 0) {
            riding = true;
            x.at += n;
        } else if ((n = any_of(&x, x.at, no_markers)) > 0) {
            fresh = false;
            x.at += n;
        } else if ((n = any_of(&x, x.at, markers)) > 0) {
            struct text p = place_find(&x, x.at + n);
            size_t end = (size_t)(p.s - x.t.s) + p.n;
            x.at += n;
            fresh = false;
            if (!p.n || !named(p)) continue;
            x.at = end;
            rc = stop_out(&x, p, told_class(p), false);
        } else {
            rc = vehicle_take(&x, riding, &taken);
            if (rc == 0 && !taken && fresh) rc = alone_take(&x, &taken);
            if (rc < 0 || taken) {
                fresh = false;
                continue;
            }
            fresh = false;
            x.at = step(&x, x.at);
        }
    }
    return rc < 0 ? rc : held_out(&x);
}

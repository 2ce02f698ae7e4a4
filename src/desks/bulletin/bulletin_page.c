/* desks/bulletin: the prose of the report, in the fixed two parts of INF-02 (latest information, work done) and a third that says how far the
 * data can be trusted. Every sentence has its twin in the other language on the same line of code, so that they stay twins. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "desks/bulletin/bulletin.h"

#define L(zh_, en_) (p->zh ? (zh_) : (en_))
enum { CELL_MAX = 4096, NAMED_MAX = 12, UNITS_NAMED_MAX = 24 };

struct text figure_text(struct arena *a, int64_t n, bool zh) {
    char plain[32], out[48];
    if (n == FIGURE_HIDDEN) return TEXT("*");
    if (n == FIGURE_NONE) return zh ? TEXT("—") : TEXT("–");
    int len = snprintf(plain, sizeof plain, "%" PRId64, n < 0 ? -n : n), w = 0;
    if (n < 0) w += (int)text_encode(0x2212, out); /* a real minus sign */
    for (int i = 0; i < len; i++) {
        if (!zh && i > 0 && (len - i) % 3 == 0) out[w++] = ',';
        out[w++] = plain[i];
    }
    return arena_text(a, (struct text){out, (size_t)w});
}

/* NUL-ended, for the %s of the sentences below; arena_text ends with NUL and literals do. */
static const char *keep(struct document *p, const char *s) {
    if (!s) p->failed = true;
    return s ? s : "";
}
static const char *num(struct document *p, int64_t n) {
    return keep(p, figure_text(&p->arena, n, p->zh).s);
}
static const char *hours(struct document *p, const struct bulletin_time *t, int64_t s) {
    const char *text = t->n == 0 ? L("—", "–") : arena_printf(&p->arena, "%s%.1f", s < 0 ? "−" : "", (s < 0 ? -1.0 : 1.0) * (double)s / 3600.0);
    return keep(p, text);
}
static const char *name(const struct document *p, struct text zh, struct text en, struct text code) {
    struct text t = p->zh ? zh : en;
    return t.n ? t.s : code.n ? code.s : "";
}
static const char *day_text(struct document *p, day d, bool year) {
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    struct civil c = civil_of_day(d);
    const char *s;
    if (p->zh)
        s = year ? arena_printf(&p->arena, "%d年%d月%d日", c.year, c.month, c.day) : arena_printf(&p->arena, "%d月%d日", c.month, c.day);
    else
        s = year ? arena_printf(&p->arena, "%d %s %d", c.day, months[c.month - 1], c.year)
                 : arena_printf(&p->arena, "%d %s", c.day, months[c.month - 1]);
    return keep(p, s);
}
static const char *moment_text(struct document *p, instant t, int32_t zone_s) {
    day d = day_of_instant(t, zone_s);
    int minute = (int)((t - instant_of_day(d, zone_s)) / 60);
    const char *s = arena_printf(&p->arena, L("%s%d时%02d分", "%s, %d:%02d"), day_text(p, d, true), minute / 60, minute % 60);
    return keep(p, s);
}

/* ---- blocks */

#define SAY(kind, part, ...) (document_add(p, (kind), (part), text_of(keep(p, arena_printf(&p->arena, __VA_ARGS__)))))

/* A table with room for rows_max rows; cells come row by row. */
struct grid {
    struct document_block *block;
    size_t room, used;
};
static struct grid grid_new(struct document *p, int part, const char *caption, size_t columns, size_t rows_max) {
    struct grid g = {document_add(p, BLOCK_TABLE, part, text_of(caption)), 0, 0};
    if (!g.block) return g;
    g.block->columns = columns;
    g.block->cells = arena_alloc(&p->arena, columns * rows_max * sizeof(struct text));
    g.room = g.block->cells ? columns * rows_max : 0;
    if (!g.room) p->failed = true;
    return g;
}
static void grid_put(struct grid *g, const char *s) {
    if (g->used >= g->room) return;
    g->block->cells[g->used++] = text_of(s);
    g->block->rows = g->used / g->block->columns;
}

static const char *class_name(const struct document *p, int class) {
    static const char *const zh[] = {"确诊病例", "无症状感染者", "疑似病例"};
    static const char *const en[] = {"Confirmed cases", "Asymptomatic infections", "Suspected cases"};
    return p->zh ? zh[class] : en[class];
}

/* A list is done with: one that lost an allocation is not whole, and neither is the page. */
static void list_done(struct document *p, struct buf *list) {
    if (list->failed) p->failed = true;
    buf_clear(list);
}

/* ---- part 1: latest information */

static void say_new(struct document *p, const struct bulletin *b) {
    const char *d = day_text(p, b->day, false);
    const char *place = name(p, b->region_zh, b->region_en, b->region);
    SAY(BLOCK_SUBHEADING, 1, "%s", L("（一）新增情况", "(1) New cases"));
    const char *unknown = b->fresh_origin[ORIGIN_UNKNOWN] == 0
                              ? ""
                              : arena_printf(&p->arena, L("、来源待查%s例", ", %s of origin under investigation"), num(p, b->fresh_origin[ORIGIN_UNKNOWN]));
    const char *compared = "";
    if (b->fresh_total >= 0 && b->yesterday_total >= 0) {
        int64_t more = b->fresh_total - b->yesterday_total;
        compared = more == 0 ? L("，与前一日持平", ", as many as the day before")
                             : arena_printf(&p->arena,
                                            more > 0 ? L("，较前一日增加%s例", ", %s more than the day before")
                                                     : L("，较前一日减少%s例", ", %s fewer than the day before"),
                                            num(p, more > 0 ? more : -more));
    }
    SAY(BLOCK_PARAGRAPH, 1,
        L("%s0时至24时，%s新增感染者%s例（本土%s例、境外输入%s例%s）%s。其中，新增确诊病例%s例（本土%s例、境外输入%s例），"
          "新增无症状感染者%s例（本土%s例、境外输入%s例）。新增疑似病例%s例。",
          "On %s (0:00 to 24:00) %s recorded %s new infections (%s local, %s imported%s)%s. Of these, %s are confirmed "
          "cases (%s local, %s imported) and %s asymptomatic infections (%s local, %s imported). New suspected cases: %s."),
        d, place, num(p, b->fresh_total), num(p, b->fresh_origin[ORIGIN_LOCAL]), num(p, b->fresh_origin[ORIGIN_IMPORTED]),
        keep(p, unknown), keep(p, compared), num(p, b->fresh_class[CLASS_CONFIRMED]),
        num(p, b->fresh.n[CLASS_CONFIRMED][ORIGIN_LOCAL]), num(p, b->fresh.n[CLASS_CONFIRMED][ORIGIN_IMPORTED]),
        num(p, b->fresh_class[CLASS_ASYMPTOMATIC]), num(p, b->fresh.n[CLASS_ASYMPTOMATIC][ORIGIN_LOCAL]),
        num(p, b->fresh.n[CLASS_ASYMPTOMATIC][ORIGIN_IMPORTED]), num(p, b->fresh_class[CLASS_SUSPECTED]));

    bool third = b->fresh_origin[ORIGIN_UNKNOWN] != 0;
    struct grid g = grid_new(p, 1, L("表1　新增与累计", "Table 1. New and cumulative"), third ? 6 : 5, 5);
    const char *head[] = {L("类别", "Class"), L("新增本土", "New, local"), L("新增境外输入", "New, imported"),
                          L("新增待查", "New, unknown"), L("新增合计", "New, total"), L("累计", "Cumulative")};
    for (int i = 0; i < 6; i++)
        if (i != 3 || third) grid_put(&g, head[i]);
    for (int c = 0; c <= CLASSES; c++) {
        /* confirmed, asymptomatic, both, suspected */
        int class = c < 2 ? c : CLASS_SUSPECTED;
        bool sum = c == 2;
        grid_put(&g, sum ? L("感染者合计", "All infections") : class_name(p, class));
        for (int o = 0; o < ORIGINS; o++)
            if (o != ORIGIN_UNKNOWN || third) grid_put(&g, num(p, sum ? b->fresh_origin[o] : b->fresh.n[class][o]));
        grid_put(&g, num(p, sum ? b->fresh_total : b->fresh_class[class]));
        int64_t total = sum ? bulletin_total(&b->total) : bulletin_class_total(&b->total, class);
        grid_put(&g, num(p, total));
    }
}

static void say_found(struct document *p, const struct bulletin *b) {
    struct buf list = {0};
    SAY(BLOCK_SUBHEADING, 1, "%s", L("（二）发现方式", "(2) How they were found"));
    for (size_t i = 0; i < b->n_routes; i++) {
        if (b->routes[i].n == 0) continue;
        buf_printf(&list, L("%s%s%s例", "%s%s %s"), list.n ? L("、", ", ") : "", name(p, b->routes[i].zh, b->routes[i].en, b->routes[i].code),
                   num(p, b->routes[i].n));
    }
    const char *routes = list.n ? arena_printf(&p->arena, L("按发现途径分：%s。", " By route of discovery: %s."), buf_cstr(&list)) : "";
    list_done(p, &list);
    const char *unsaid = b->control_unknown <= 0 ? ""
                                                 : arena_printf(&p->arena, L("，尚未核定%s例", ", not yet determined %s"), num(p, b->control_unknown));
    SAY(BLOCK_PARAGRAPH, 1, L("当日感染者中，管控中发现%s例，社会面发现%s例%s。%s", "Of the day's infections %s were found under control and %s in the community%s.%s"),
        num(p, b->controlled), num(p, b->uncontrolled), keep(p, unsaid), keep(p, routes));
}

static void say_total(struct document *p, const struct bulletin *b) {
    struct buf list = {0};
    SAY(BLOCK_SUBHEADING, 1, "%s", L("（三）累计与转归", "(3) Cumulative figures and outcomes"));
    for (size_t i = 0; i < b->n_severities; i++) {
        if (b->severities[i].n == 0) continue;
        buf_printf(&list, L("%s%s%s例", "%s%s %s"), list.n ? L("、", ", ") : "",
                   name(p, b->severities[i].zh, b->severities[i].en, b->severities[i].code), num(p, b->severities[i].n));
    }
    const char *severe = list.n ? arena_printf(&p->arena, L("在治确诊病例中：%s。", " Confirmed cases under care: %s."), buf_cstr(&list)) : "";
    list_done(p, &list);
    const char *rounded = b->public_version ? arena_printf(&p->arena, L("（累计数按%s向下取整）", " (cumulative figures are rounded down to multiples of %s)"), num(p, b->k))
                                            : "";
    SAY(BLOCK_PARAGRAPH, 1,
        L("截至%s24时，累计报告确诊病例%s例、无症状感染者%s例%s。当日治愈出院%s例，解除医学观察%s例，死亡%s例；累计治愈出院%s例，"
          "累计解除医学观察%s例，累计死亡%s例。现有在治和医学观察%s例。%s",
          "By 24:00 on %s a total of %s confirmed cases and %s asymptomatic infections had been reported%s. On the day %s recovered, %s were "
          "released from medical observation and %s died; in all %s have recovered, %s have been released and %s have died. "
          "Now under care or observation: %s.%s"),
        day_text(p, b->day, false), num(p, bulletin_class_total(&b->total, CLASS_CONFIRMED)),
        num(p, bulletin_class_total(&b->total, CLASS_ASYMPTOMATIC)), keep(p, rounded), num(p, b->recovered), num(p, b->released),
        num(p, b->died), num(p, b->total_recovered), num(p, b->total_released), num(p, b->total_died), num(p, b->active), keep(p, severe));
    if (b->conversions > 0)
        SAY(BLOCK_PARAGRAPH, 1, L("自上一期日报以来，%s例无症状感染者转为确诊病例。", "Since the last report %s asymptomatic infections have become confirmed cases."),
            num(p, b->conversions));
}

static void rows_table(struct document *p, const struct bulletin *b, const struct bulletin_row *rows, size_t n, const char *caption,
                       const char *first) {
    size_t shown = n > CELL_MAX / 6 ? CELL_MAX / 6 : n;
    struct grid g = grid_new(p, 1, caption, 6, shown + 2);
    int64_t sum[2] = {0, 0};
    const char *head[] = {first, L("新增确诊", "New confirmed"), L("新增无症状", "New asympt."), L("新增合计", "New total"),
                          L("累计确诊", "Cum. confirmed"), L("累计无症状", "Cum. asympt.")};
    for (int i = 0; i < 6; i++) grid_put(&g, head[i]);
    for (size_t i = 0; i < shown; i++) {
        const int64_t *f = rows[i].fresh_total;
        bool open = f[0] >= 0 && f[1] >= 0;
        grid_put(&g, name(p, rows[i].zh, rows[i].en, rows[i].code));
        grid_put(&g, num(p, f[0]));
        grid_put(&g, num(p, f[1]));
        grid_put(&g, num(p, open ? f[0] + f[1] : FIGURE_HIDDEN));
        for (int c = 0; c < 2; c++) {
            int64_t total = bulletin_class_total(&rows[i].total, c);
            sum[c] += total;
            grid_put(&g, num(p, total));
        }
    }
    if (g.block) g.block->sums = true;
    grid_put(&g, L("合计", "Total"));
    grid_put(&g, num(p, b->fresh_class[0]));
    grid_put(&g, num(p, b->fresh_class[1]));
    grid_put(&g, num(p, b->fresh_total));
    for (int c = 0; c < 2; c++) grid_put(&g, num(p, b->public_version ? bulletin_class_total(&b->total, c) : sum[c]));
}

/* A region without sub-regions has nothing to break down. */
static bool has_areas(const struct bulletin *b) {
    return b->n_regions > 1 || (b->n_regions == 1 && !text_eq(b->regions[0].code, b->region));
}

static void say_tables(struct document *p, const struct bulletin *b) {
    if (has_areas(b)) {
        SAY(BLOCK_SUBHEADING, 1, "%s", L("（四）地区分布", "(4) By area"));
        rows_table(p, b, b->regions, b->n_regions, L("表2　各地区新增与累计", "Table 2. By area"), L("地区", "Area"));
    }
    if (b->n_diseases > 1)
        rows_table(p, b, b->diseases, b->n_diseases, L("表3　分病种新增与累计", "Table 3. By disease"), L("病种", "Disease"));
    SAY(BLOCK_SUBHEADING, 1, "%s", has_areas(b) ? L("（五）流行曲线", "(5) Epidemic curve") : L("（四）流行曲线", "(4) Epidemic curve"));
    p->chart = (struct document_chart){.last = b->day, .days = CURVE_DAYS, .series = ORIGINS, .panels = 2};
    p->chart.titles[0] = text_of(L("按报告日期（例）", "By date of report"));
    p->chart.titles[1] = text_of(L("按发病日期（例）", "By date of onset"));
    p->chart.values[0] = &b->report[0][0];
    p->chart.values[1] = &b->onset[0][0];
    bool unknown = false;
    for (int d = 0; d < CURVE_DAYS; d++) unknown = unknown || b->report[d][ORIGIN_UNKNOWN] || b->onset[d][ORIGIN_UNKNOWN];
    if (!b->public_version) {
        p->chart.names[ORIGIN_LOCAL] = text_of(L("本土", "Local"));
        p->chart.names[ORIGIN_IMPORTED] = text_of(L("境外输入", "Imported"));
        if (unknown) p->chart.names[ORIGIN_UNKNOWN] = text_of(L("来源待查", "Origin unknown"));
    }
    SAY(BLOCK_CHART, 1, L("图1　感染者按报告日期和发病日期分布（至%s，%d天）", "Figure 1. Infections by date of report and of onset, to %s (%d days)"), day_text(p, b->day, false),
        CURVE_DAYS);
}

/* ---- part 2: work done */

static void say_contacts(struct document *p, const struct bulletin *b) {
    SAY(BLOCK_SUBHEADING, 2, "%s", L("（一）密切接触者管理", "(1) Contacts"));
    if (b->public_version) {
        SAY(BLOCK_PARAGRAPH, 2, L("当日新增密切接触者%s人，解除管理%s人；现有%s人正在接受医学观察。", "New contacts found: %s; released: %s; now under medical observation: %s."),
            num(p, b->contacts.found), num(p, b->contacts.released), num(p, b->contacts.observed));
        return;
    }
    SAY(BLOCK_PARAGRAPH, 2,
        L("当日新判定接触者%s人（其中次密接%s人），新落实管控%s人，解除管控%s人。累计判定%s人（其中次密接%s人），转为感染者%s人。"
          "目前正在管控%s人，其中超期未解除%s人；尚未落实管控%s人，失联%s人。",
          "Contacts found on the day: %s (secondary: %s); newly placed: %s; released: %s. In all %s have been found (secondary: %s), of whom %s became "
          "infections. Under control now: %s, of whom %s are past their end and not released; found and not yet placed: %s; lost: %s."),
        num(p, b->contacts.found), num(p, b->contacts.found_secondary), num(p, b->contacts.placed), num(p, b->contacts.released),
        num(p, b->contacts.total), num(p, b->contacts.total_secondary), num(p, b->contacts.converted), num(p, b->contacts.observed),
        num(p, b->contacts.overdue), num(p, b->contacts.uncontrolled), num(p, b->contacts.lost));
}

static const char *list_text(struct document *p, const struct text *items, size_t n, int64_t all, size_t most) {
    struct buf list = {0};
    size_t shown = n < most ? n : most;
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_str(&list, L("、", ", "));
        buf_text(&list, items[i]);
    }
    if ((int64_t)shown < all) buf_printf(&list, L("等%s条", " and others, %s in all"), num(p, all));
    const char *out = arena_str(&p->arena, buf_cstr(&list));
    list_done(p, &list);
    return keep(p, out);
}

static void say_tests(struct document *p, const struct bulletin *b) {
    SAY(BLOCK_SUBHEADING, 2, "%s", L("（二）检测", "(2) Tests"));
    if (b->public_version)
        SAY(BLOCK_PARAGRAPH, 2, L("当日采样%s份，检出阳性%s份。", "Samples taken: %s; positive results: %s."), num(p, b->tests.sampled), num(p, b->tests.positive));
    else
        SAY(BLOCK_PARAGRAPH, 2, L("当日采样%s份，出具结果%s份，其中阳性%s份；目前待出结果%s份。", "Samples taken: %s; results: %s, of which positive: %s; results awaited now: %s."),
            num(p, b->tests.sampled), num(p, b->tests.resulted), num(p, b->tests.positive), num(p, b->tests.pending));
}

/* "96.4%", "–" where nothing was to be divided, "*" where one of the two is withheld. */
static const char *share(struct document *p, int64_t part, int64_t whole) {
    if (part == FIGURE_HIDDEN || whole == FIGURE_HIDDEN) return "*";
    return part < 0 || whole <= 0 ? L("—", "–") : keep(p, arena_printf(&p->arena, "%.2f%%", 100.0 * (double)part / (double)whole));
}

static void say_rounds(struct document *p, const struct bulletin *b) {
    const struct bulletin_rounds *r = &b->rounds;
    if (!r->tubes && !r->resulted && !r->decided && !r->voluntary) return;
    SAY(BLOCK_PARAGRAPH, 2,
        L("区域核酸检测：当日采样%s人次（%s人）、%s管；出具结果%s管，阳性%s管（管阳率%s）；结果已定%s人，其中阳性%s人（阳性率%s）。愿检尽检申请%s人次。",
          "Mass testing: %s swabs of %s people in %s tubes; tubes with a result: %s, positive: %s (%s); people told their own result: %s, positive: %s (%s). Voluntary tests asked for: %s."),
        num(p, r->swabs), num(p, r->people), num(p, r->tubes), num(p, r->resulted), num(p, r->positive_tubes), share(p, r->positive_tubes, r->resulted), num(p, r->decided), num(p, r->positive),
        share(p, r->positive, r->decided), num(p, r->voluntary));
    if (r->target != FIGURE_NONE)
        SAY(BLOCK_PARAGRAPH, 2, L("当日各轮应检%s人，截至24时已采%s人，覆盖率%s。", "The rounds of the day had %s people to be tested; by 24:00 %s were swabbed (coverage %s)."), num(p, r->target), num(p, r->covered),
            share(p, r->covered, r->target));
}

static void say_times(struct document *p, const struct bulletin *b) {
    const char *steps[STEPS] = {L("发病—发现", "Onset to detection"), L("发现—报告", "Detection to report"),
                                L("报告—隔离", "Report to isolation"), L("隔离—救治", "Isolation to treatment")};
    SAY(BLOCK_SUBHEADING, 2, "%s", L("（三）“五早”时效", "(3) The five times"));
    size_t columns = b->public_version ? 4 : 7;
    struct grid g = grid_new(p, 2, L("表4　各环节用时（小时）", "Table 4. Hours between steps"), columns, STEPS + 1);
    const char *head[] = {L("环节", "Step"), L("当日例数", "Day, n"), L("当日中位数", "Day, median"), L("当日P90", "Day, P90"),
                          L("7日例数", "Week, n"), L("7日中位数", "Week, median"), L("7日P90", "Week, P90")};
    for (int i = 0; i < 7; i++)
        if (!b->public_version || i == 0 || i > 3) grid_put(&g, head[i]);
    for (int i = 0; i < STEPS; i++) {
        grid_put(&g, steps[i]);
        for (int w = b->public_version ? 1 : 0; w < 2; w++) {
            const struct bulletin_time *t = w ? &b->times_week[i] : &b->times_day[i];
            grid_put(&g, num(p, t->n));
            grid_put(&g, hours(p, t, t->median_s));
            grid_put(&g, hours(p, t, t->p90_s));
        }
    }
}

static void say_duties(struct document *p, const struct bulletin *b) {
    const char *rate = b->duties.loop_ppm < 0 ? L("—", "–") : arena_printf(&p->arena, "%.1f%%", (double)b->duties.loop_ppm / 1e4);
    SAY(BLOCK_SUBHEADING, 2, "%s", L("（四）工作闭环", "(4) The closed loop"));
    SAY(BLOCK_PARAGRAPH, 2,
        L("当日新增待办%s项，完成%s项（其中逾期完成%s项），失效%s项。目前未完成%s项，1小时内到期%s项，逾期%s项，无责任方%s项。闭环率%s。",
          "Duties raised on the day: %s; paid: %s (late: %s); lapsed: %s. Open now: %s; due within one hour: %s; overdue: %s; without an owner: %s. "
          "Closed-loop rate: %s."),
        num(p, b->duties.raised), num(p, b->duties.paid), num(p, b->duties.paid_late), num(p, b->duties.lapsed), num(p, b->duties.open),
        num(p, b->duties.due_soon), num(p, b->duties.overdue), num(p, b->duties.no_owner), keep(p, rate));
    if (b->duties.n_rules > 0) {
        struct grid g = grid_new(p, 2, L("表5　待办分项", "Table 5. Duties by rule"), 6, b->duties.n_rules + 1);
        const char *head[] = {L("事项", "Duty"), L("未完成", "Open"), L("1小时内到期", "Due in 1 h"), L("逾期", "Overdue"),
                              L("无责任方", "No owner"), L("当日完成", "Paid")};
        for (int i = 0; i < 6; i++) grid_put(&g, head[i]);
        for (size_t i = 0; i < b->duties.n_rules; i++) {
            const struct bulletin_rule *r = &b->duties.rules[i];
            const int64_t n[] = {r->open, r->due_soon, r->overdue, r->no_owner, r->paid};
            grid_put(&g, name(p, r->zh, r->en, r->code));
            for (int j = 0; j < 5; j++) grid_put(&g, num(p, n[j]));
        }
    }
    if (b->contacts.n_queue > 0)
        SAY(BLOCK_NOTE, 2, L("尚未落实管控或失联的接触者：%s。", "Contacts not under control: %s."),
            list_text(p, b->contacts.queue, b->contacts.n_queue, b->contacts.uncontrolled + b->contacts.lost, NAMED_MAX));
}

static void say_units(struct document *p, const struct bulletin *b) {
    SAY(BLOCK_SUBHEADING, 2, "%s", L("（五）日报报送", "(5) Reports of the units"));
    if (b->units_expected == 0) {
        SAY(BLOCK_PARAGRAPH, 2, "%s", L("本地区没有登记应每日报告的单位。", "No unit of this region is registered as one that reports daily."));
        return;
    }
    struct buf missing = {0}, late = {0};
    size_t n_missing = 0, n_late = 0;
    for (size_t i = 0; i < b->n_units; i++) {
        bool is_late = b->units[i].submitted_at != INSTANT_NONE;
        struct buf *list = is_late ? &late : &missing;
        size_t *n = is_late ? &n_late : &n_missing;
        if (++*n > UNITS_NAMED_MAX) continue;
        if (list->n) buf_str(list, L("、", ", "));
        buf_text(list, b->units[i].title);
        if (is_late) {
            int64_t s = b->units[i].submitted_at - instant_of_day(b->day, b->zone_s);
            buf_printf(list, L("（%d时%02d分）", " (%d:%02d)"), (int)(s / 3600), (int)(s / 60 % 60));
        }
    }
    const char *a = n_missing ? arena_printf(&p->arena, L("未报%zu家：%s%s。", " Missing, %zu: %s%s."), n_missing, buf_cstr(&missing),
                                             n_missing > UNITS_NAMED_MAX ? L("等", " and others") : "")
                              : "";
    const char *c = n_late ? arena_printf(&p->arena, L("迟报%zu家：%s%s。", " Late, %zu: %s%s."), n_late, buf_cstr(&late),
                                          n_late > UNITS_NAMED_MAX ? L("等", " and others") : "")
                           : "";
    list_done(p, &missing);
    list_done(p, &late);
    SAY(BLOCK_PARAGRAPH, 2, L("应于17时前报送日报的单位%s家，已报%s家（其中迟报%s家）。%s%s", "Units that owe a daily report by 17:00: %s; reported: %s (late: %s).%s%s"),
        num(p, b->units_expected), num(p, b->units_reported), num(p, b->units_late), keep(p, a), keep(p, c));
}

/* ---- part 3: notes on the data */

static void say_restated(struct document *p, const struct bulletin *b) {
    SAY(BLOCK_SUBHEADING, 3, "%s", L("（一）既往日更正", "(1) Restated days"));
    if (b->n_restated == 0) {
        SAY(BLOCK_PARAGRAPH, 3, "%s", L("近60日已定稿日报的新增数、近日采样人次无更正。", "No figure of new infections of the frozen reports of the last 60 days, nor of swabs of the last days, has changed."));
        return;
    }
    SAY(BLOCK_PARAGRAPH, 3, "%s",
        L("因迟报、订正，下列统计日的新增感染者数或采样人次与当日定稿不同，以本报告为准。", "Late entries and corrections have changed the new infections or swabs of these days since their reports were frozen; the figures here prevail."));
    if (b->public_version) {
        for (size_t i = 0; i < b->n_restated; i++) SAY(BLOCK_NOTE, 3, "%s", day_text(p, b->restated[i].day, true));
        return;
    }
    struct grid g = grid_new(p, 3, L("表6　既往日更正", "Table 6. Restated days"), 5, b->n_restated + 1);
    const char *head[] = {L("统计日", "Day"), L("原定稿", "Was"), L("更正后", "Is"), L("增减", "Change"), L("定稿后录入", "Entered after")};
    for (int i = 0; i < 5; i++) grid_put(&g, head[i]);
    for (size_t i = 0; i < b->n_restated; i++) {
        const struct bulletin_restated *r = &b->restated[i];
        int64_t more = r->is - r->was;
        const char *change = arena_printf(&p->arena, "%s%s", more > 0 ? "+" : "−", num(p, more < 0 ? -more : more));
        grid_put(&g, day_text(p, r->day, true));
        grid_put(&g, num(p, r->was));
        grid_put(&g, num(p, r->is));
        grid_put(&g, more == 0 ? "0" : keep(p, change));
        grid_put(&g, num(p, r->late));
    }
    for (size_t i = 0; i < b->n_restated; i++) {
        const struct bulletin_restated *r = &b->restated[i];
        if (r->swabs_was == r->swabs_is) continue;
        SAY(BLOCK_NOTE, 3, L("%s区域核酸检测采样：原定稿%s人次，更正后%s人次。", "%s, swabs of mass testing: was %s, is %s."), day_text(p, r->day, true), num(p, r->swabs_was), num(p, r->swabs_is));
    }
}

static const char *figure_name(const struct document *p, struct text code) {
    static const struct {
        const char *code, *zh, *en;
    } names[] = {
        {"confirmed", "累计确诊病例", "Cumulative confirmed"}, {"asymptomatic", "累计无症状感染者", "Cumulative asymptomatic"},
        {"suspected", "累计疑似病例", "Cumulative suspected"}, {"active", "现有感染者", "Active infections"},
        {"died", "累计死亡", "Cumulative deaths"},             {"observed", "在管接触者", "Contacts under control"},
        {"uncontrolled", "未落实管控接触者", "Contacts not under control"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(code, names[i].code)) return p->zh ? names[i].zh : names[i].en;
    return code.s;
}

static void say_changes(struct document *p, const struct bulletin *b) {
    if (b->n_changes == 0) return;
    SAY(BLOCK_SUBHEADING, 3, "%s", L("（二）较前一日变动", "(2) Difference to the day before"));
    if (b->previous_as_of != INSTANT_NONE)
        SAY(BLOCK_PARAGRAPH, 3, L("与前一日定稿（数据截至%s）逐条比对。", "Compared record by record with yesterday's frozen report (data as of %s)."),
            moment_text(p, b->previous_as_of, b->zone_s));
    else
        SAY(BLOCK_PARAGRAPH, 3, "%s", L("前一日无定稿，按同一数据截止时间比对。", "Yesterday's report was not frozen; both days are derived from the same data."));
    struct grid g = grid_new(p, 3, L("表7　变动", "Table 7. Differences"), 5, b->n_changes + 1);
    const char *head[] = {L("指标", "Figure"), L("前一日", "Before"), L("进入", "Entered"), L("退出", "Left"), L("当日", "Now")};
    for (int i = 0; i < 5; i++) grid_put(&g, head[i]);
    for (size_t i = 0; i < b->n_changes; i++) {
        const struct bulletin_change *c = &b->changes[i];
        grid_put(&g, figure_name(p, c->figure));
        grid_put(&g, num(p, c->before));
        grid_put(&g, num(p, c->entered));
        grid_put(&g, num(p, c->left));
        grid_put(&g, num(p, c->after));
    }
    for (size_t i = 0; i < b->n_changes; i++) {
        const struct bulletin_change *c = &b->changes[i];
        if (c->n_in) SAY(BLOCK_NOTE, 3, L("%s进入：%s。", "%s, entered: %s."), figure_name(p, c->figure), list_text(p, c->in, c->n_in, c->entered, NAMED_MAX));
        if (c->n_out) SAY(BLOCK_NOTE, 3, L("%s退出：%s。", "%s, left: %s."), figure_name(p, c->figure), list_text(p, c->out, c->n_out, c->left, NAMED_MAX));
    }
}

static void say_notes(struct document *p, const struct bulletin *b) {
    SAY(BLOCK_SUBHEADING, 3, "%s", b->n_changes ? L("（三）口径", "(3) Definitions") : L("（二）口径", "(2) Definitions"));
    SAY(BLOCK_NOTE, 3, L("统计日为当地时间0时至24时。新增数计入病例的统计日；在管、未完成、逾期等为截至%s的时点数。",
                         "A statistics day is 0:00 to 24:00 local time. New cases count for their statistics day; stocks (under control, open, overdue) are as of %s."),
        moment_text(p, b->as_of, b->zone_s));
    SAY(BLOCK_NOTE, 3, "%s", L("感染者为确诊病例（含临床诊断病例）与无症状感染者（含病原携带者）之和，不含疑似和已排除者。",
                               "Infections are confirmed cases (clinically diagnosed included) plus asymptomatic infections (carriers included), without suspected or excluded ones."));
    if (b->public_version)
        SAY(BLOCK_NOTE, 3, L("* 为保护个人隐私不予公布：小于%s的数字，以及可据以推算出它们的数字。曲线按%s向上取整。",
                             "* Withheld to protect persons: figures below %s, and figures from which these could be worked out. The curve is rounded up to multiples of %s."),
            num(p, b->k), num(p, b->k));
    else
        SAY(BLOCK_NOTE, 3, "%s", L("闭环率 = 当日完成数 ÷（当日完成数 + 当日失效数 + 目前逾期数）。用时可为负：先隔离后确诊者在前一环节之前已进入后一环节。发病以当日12时计。",
                                   "Closed-loop rate = paid on the day / (paid on the day + lapsed on the day + overdue now). Hours may be negative: who was isolated first and "
                                   "diagnosed later took the steps in that order. Onset counts from noon of its day."));
}

static bool words_fill(struct document *p, const struct bulletin *b, const struct bulletin_words *w) {
    const char *place = name(p, b->region_zh, b->region_en, b->region);
    const struct bulletin_row *only = b->n_diseases == 1 ? b->diseases : NULL;
    const char *disease = b->disease.n ? name(p, b->disease_zh, b->disease_en, b->disease)
                          : only       ? name(p, only->zh, only->en, only->code)
                                       : L("传染病", "Infectious Disease");
    struct civil c = civil_of_day(b->day);
    struct bulletin_words none = {0};
    if (!w) w = &none;
    p->issuer = w->issuer.n ? arena_text(&p->arena, w->issuer)
                            : arena_words(&p->arena, L("%s疫情防控指挥部", "%s Epidemic Control Headquarters"), place);
    struct text prefix = w->number_prefix.n ? w->number_prefix : text_of(L("疫情日报", "Daily Report"));
    p->number = p->zh ? arena_words(&p->arena, "%.*s〔%d〕%" PRId64 "号", (int)prefix.n, prefix.s, c.year, b->serial)
                      : arena_words(&p->arena, "%.*s [%d] No. %" PRId64, (int)prefix.n, prefix.s, c.year, b->serial);
    p->title = b->public_version ? arena_words(&p->arena, L("%s%s疫情通报（%s）", "%s %s Bulletin, %s"), place, disease, day_text(p, b->day, true))
                                 : arena_words(&p->arena, L("%s%s疫情日报（%s）", "%s %s Daily Report, %s"), place, disease, day_text(p, b->day, true));
    p->to = b->public_version ? (struct text){"", 0}
            : w->to.n         ? arena_text(&p->arena, w->to)
                              : text_of(L("指挥部，各成员单位", "Headquarters and member departments"));
    p->copies = b->public_version ? (struct text){"", 0} : w->copies.n ? arena_text(&p->arena, w->copies) : text_of(L("上级疾控主管部门", "superior disease control authority"));
    day made = day_of_instant(b->as_of, b->zone_s);
    p->date = text_of(day_text(p, made, true));
    p->printed = arena_words(&p->arena, L("%s印发", "Issued %s"), p->date.s ? p->date.s : "");
    return p->issuer.s && p->number.s && p->title.s && p->to.s && p->copies.s && p->printed.s;
}

int bulletin_page(const struct bulletin *b, const struct bulletin_words *words, bool zh, struct document *ret, struct error *err) {
    struct document page = {.zh = zh, .at = b->as_of, .zone_s = b->zone_s}, *p = &page;
    bool whole = words_fill(p, b, words);
    SAY(BLOCK_PARAGRAPH, 1, L("现将%s疫情情况报告如下（数据截至%s）。", "The situation on %s is reported below (data as of %s)."), day_text(p, b->day, true),
        moment_text(p, b->as_of, b->zone_s));
    SAY(BLOCK_HEADING, 1, "%s", L("一、疫情最新信息", "1. Latest information"));
    say_new(p, b);
    say_found(p, b);
    say_total(p, b);
    say_tables(p, b);
    SAY(BLOCK_HEADING, 2, "%s", L("二、工作开展情况", "2. Work done"));
    say_contacts(p, b);
    say_tests(p, b);
    say_rounds(p, b);
    say_times(p, b);
    if (!b->public_version) {
        say_duties(p, b);
        say_units(p, b);
    }
    SAY(BLOCK_HEADING, 3, "%s", L("三、数据说明", "3. Notes on the data"));
    say_restated(p, b);
    say_changes(p, b);
    say_notes(p, b);
    /* a lost allocation leaves an empty text behind: then the page is not shown at all */
    for (size_t i = 0; i < p->n; i++) whole = whole && p->blocks[i].text.n > 0;
    if (!whole || p->failed) {
        document_clear(p);
        return error_set(err, E_MEMORY, NULL, "out of memory while writing the report");
    }
    *ret = page;
    return 0;
}

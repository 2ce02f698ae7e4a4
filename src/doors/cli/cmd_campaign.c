/* campaign plan: how long a round of mass testing takes, what holds it up, who goes where. */
#include <math.h>
#include <string.h>

#include "desks/testing/campaign.h"
#include "doors/cli/commands.h"

enum { FILE_MAX = 4 << 20, COLUMNS = 7 };

static int given(struct cli *cli, json_t *j, struct error *err) {
    static const struct { const char *option, *member; } n[] = {{"people", "people"}, {"samplers", "samplers"}, {"tubes-per-day", "tubes_per_day"}, {"couriers", "couriers"}, {"tables", "tables"}, {"per-tube", "people_per_tube"},
                                                                {"deadline", "deadline_hours"}, {"draws", "draws"}, {"seed", "seed"}};
    for (size_t i = 0; i < sizeof n / sizeof *n; i++)
        if (cli_text(cli, n[i].option)) json_object_set_new(j, n[i].member, json_integer(cli_int(cli, n[i].option)));
    const char *opens = cli_text(cli, "open");
    if (!opens) return 0;
    const char *to = strchr(opens, '-');
    if (!to) return error_set(err, E_USAGE, "--open", "from and to: 06:00-22:00 / 须为起止时刻, 如 06:00-22:00");
    json_object_set_new(j, "opens", json_stringn(opens, (size_t)(to - opens)));
    json_object_set_new(j, "closes", json_string(to + 1));
    return 0;
}

static int asked(struct cli *cli, json_t **ret, struct error *err) {
    const char *path = cli_argument(cli, 0);
    struct buf b = {0};
    json_error_t why;
    json_t *j = NULL;
    int rc = path ? file_read(path, FILE_MAX, &b, err) : 0;
    if (rc == 0) j = path ? json_loadb(b.s ? b.s : "", b.n, JSON_REJECT_DUPLICATES, &why) : json_object();
    if (rc == 0 && !j) rc = error_set(err, path ? E_SYNTAX : E_MEMORY, path, "line %d: %s / 第 %d 行有误", path ? why.line : 0, path ? why.text : "", path ? why.line : 0);
    if (rc == 0 && !json_is_object(j)) rc = error_set(err, E_SYNTAX, path, "a JSON object is wanted / 须为 JSON 对象");
    if (rc == 0) rc = given(cli, j, err);
    buf_clear(&b);
    if (rc < 0) json_decref(j);
    else *ret = j;
    return rc;
}

static double at(const json_t *j, const char *name) {
    return json_number_value(json_object_get(j, name));
}

static const char *number(struct cli *cli, const char *format, double x) {
    return arena_printf(&cli->arena, format, x);
}

static const char *resource(struct cli *cli, const char *name) {
    static const char *const zh[] = {"采样人员", "采样台", "转运车辆", "实验室"};
    for (int r = 0; cli->zh && r < CAMPAIGN_RESOURCES; r++)
        if (!strcmp(name, campaign_resource_names[r])) return zh[r];
    return cli->zh ? "无(仅路程、检测时长与开放时间)" : name;
}

static void print_finish(struct cli *cli, const json_t *p) {
    const json_t *f = json_object_get(p, "finish_hours"), *b;
    size_t i;
    cli_print(cli, cli->zh ? "待检 %.0f 人, %.0f 管; 采样人员 %.0f (安排 %.0f), 转运车 %.0f\n" : "%.0f people, %.0f tubes; %.0f samplers (%.0f placed), %.0f vehicles\n", at(p, "people"), at(p, "tubes"), at(p, "samplers"),
              at(p, "samplers_placed"), at(p, "couriers"));
    cli_print(cli, cli->zh ? "完成: 最优 %.1f 小时, 预计 %.1f; 十次有一次早于 %.1f, 一半早于 %.1f, 十次有九次早于 %.1f\n" : "finished: at best %.1f h, expected %.1f; one time in ten by %.1f, half by %.1f, nine in ten by %.1f\n",
              at(f, "best"), at(f, "expected"), at(f, "p10"), at(f, "p50"), at(f, "p90"));
    if (json_is_number(json_object_get(p, "on_time"))) cli_print(cli, cli->zh ? "按时完成的把握: %.0f%%\n" : "before the deadline: %.0f%%\n", 100 * at(p, "on_time"));
    cli_print(cli, cli->zh ? "瓶颈: %s\n" : "held up by: %s\n", resource(cli, json_string_value(json_object_get(p, "bottleneck"))));
    json_array_foreach(json_object_get(p, "buys"), i, b) {
        if (at(b, "share") <= 0) continue;
        const char *where = json_string_value(json_object_get(b, "where"));
        cli_print(cli, cli->zh ? "  %s: 占 %.0f%%; 增一成早 %.0f 分钟; 增一份早 %.2f 秒%s%s\n" : "  %s: %.0f%% of it; a tenth more: %.0f min earlier; one more: %.2f s%s%s\n",
                  resource(cli, json_string_value(json_object_get(b, "resource"))), 100 * at(b, "share"), at(b, "tenth_more_minutes"), 60 * at(b, "one_more_minutes"), where ? cli_word(cli, ", 在 ", ", at ") : "", where ? where : "");
    }
}

static void print_areas(struct cli *cli, const json_t *list) {
    static const char *const zh[COLUMNS] = {"片区", "人数", "采样台", "采样人员", "采完 (时)", "17:30 高峰等候 (分)", "按时段等候 (分)"};
    static const char *const en[COLUMNS] = {"area", "people", "tables", "samplers", "sampled (h)", "wait in the burst (min)", "called by slot (min)"};
    size_t n = json_array_size(list), i;
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    const json_t *a;
    if (!cells) return;
    for (int c = 0; c < COLUMNS; c++) cells[c] = text_of(cli->zh ? zh[c] : en[c]);
    json_array_foreach(list, i, a) {
        const char *row[COLUMNS] = {json_string_value(json_object_get(a, "name")), number(cli, "%.0f", at(a, "people")), number(cli, "%.0f", at(a, "tables")), number(cli, "%.0f", at(a, "samplers")),
                                    number(cli, "%.1f", at(a, "sampled_hours")), number(cli, "%.0f", at(json_object_get(a, "burst"), "longest_minutes")), number(cli, "%.0f", at(json_object_get(a, "by_slot"), "longest_minutes"))};
        for (int c = 0; c < COLUMNS; c++) cells[(i + 1) * COLUMNS + (size_t)c] = text_of(row[c]);
    }
    cli_print(cli, "\n");
    cli_table(cli, cells, n + 1, COLUMNS);
}

static void print_labs(struct cli *cli, const json_t *list) {
    static const char *const zh[COLUMNS] = {"实验室", "管数", "每小时", "须做 (时)", "最多积压", "末管结果 (时)", ""};
    static const char *const en[COLUMNS] = {"laboratory", "tubes", "an hour", "busy (h)", "most waiting", "last result (h)", ""};
    enum { N = COLUMNS - 1 };
    size_t n = json_array_size(list), i;
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * N * sizeof *cells);
    const json_t *a;
    if (!cells) return;
    for (int c = 0; c < N; c++) cells[c] = text_of(cli->zh ? zh[c] : en[c]);
    json_array_foreach(list, i, a) {
        const char *row[N] = {json_string_value(json_object_get(a, "name")), number(cli, "%.0f", at(a, "tubes")), number(cli, "%.0f", at(a, "tubes_per_hour")), number(cli, "%.1f", at(a, "busy_hours")),
                              number(cli, "%.0f", at(a, "most_waiting")), number(cli, "%.1f", at(a, "last_result_hours"))};
        for (int c = 0; c < N; c++) cells[(i + 1) * N + (size_t)c] = text_of(row[c]);
    }
    cli_print(cli, "\n");
    cli_table(cli, cells, n + 1, N);
}

int cmd_campaign_plan(struct cli *cli, struct error *err) {
    struct testing_campaign t;
    json_t *j = NULL, *plan = NULL;
    int rc = asked(cli, &j, err);
    if (rc == 0) rc = testing_campaign_read(&cli->arena, j, &t, err);
    if (rc == 0) rc = testing_campaign_plan(&t, &plan, err);
    json_decref(j);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, plan, err);
    print_finish(cli, plan);
    print_areas(cli, json_object_get(plan, "areas"));
    print_labs(cli, json_object_get(plan, "laboratories"));
    json_decref(plan);
    return 0;
}

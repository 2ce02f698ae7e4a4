/* campaign rounds, campaign forecast: rounds made from a template, and a round under way forecast. */
#include <math.h>
#include <string.h>

#include "desks/testing/forecast.h"
#include "desks/testing/template.h"
#include "doors/cli/commands.h"

enum { CALLS = 6 /* slots told */ };

static int id_asked(struct cli *cli, const char *name, int64_t *ret, struct error *err) {
    const char *word = cli_argument(cli, 0);
    return word && text_int(text_of(word), ret) ? 0 : error_set(err, E_USAGE, name, "an id is wanted / 须为编号");
}

/* ---- from a template */

/* "310115001,310115002", as --area gathers them. */
static int areas_asked(struct cli *cli, struct template_asked *q, struct error *err) {
    const char *at = cli_text(cli, "area");
    while (at && *at) {
        size_t n = strcspn(at, ",");
        if (q->n_areas == TEMPLATE_AREAS) return error_set(err, E_USAGE, "--area", "at most %d / 最多 %d 个", TEMPLATE_AREAS, TEMPLATE_AREAS);
        q->areas[q->n_areas++] = (struct text){at, n};
        at += n + (at[n] == ',');
    }
    return 0;
}

static int rounds_json(struct cli *cli, const struct template_made *m, struct error *err) {
    return cli_json(cli, template_made_json(m, cli->ledger->zone_s), err);
}

int cmd_campaign_rounds(struct cli *cli, struct error *err) {
    const char *code = cli_text(cli, "template"), *start = cli_text(cli, "start");
    struct template_asked q = {.starts_at = INSTANT_NONE, .hours = cli_int(cli, "hours"), .size = cli_int(cli, "size"), .only_show = cli_flag(cli, "show")};
    struct template_made m;
    if (code) q.code = text_of(code);
    int rc = id_asked(cli, "CAMPAIGN", &q.campaign, err);
    if (rc == 0) rc = areas_asked(cli, &q, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0 && start && !instant_parse(text_of(start), cli->ledger->zone_s, &q.starts_at)) rc = error_set(err, E_USAGE, "--start", "is no time: 2022-09-01T18:00 / 不是时间");
    if (rc == 0) rc = template_rounds(cli->ledger, &cli->session, &q, &m, err);
    if (rc < 0) return rc;
    if (cli->json) return rounds_json(cli, &m, err);
    for (size_t i = 0; i < m.n; i++) {
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        instant_format(m.rounds[i].starts_at, cli->ledger->zone_s, from);
        instant_format(m.rounds[i].ends_at, cli->ledger->zone_s, to);
        cli_print(cli, cli->zh ? "第 %lld 轮: %s 至 %s, %lld 混 1" : "round %lld: %s to %s, %lld to a tube", (long long)m.rounds[i].seq, from, to, (long long)m.size);
        if (m.rounds[i].id) cli_print(cli, cli->zh ? ", 编号 %lld" : ", id %lld", (long long)m.rounds[i].id);
        cli_print(cli, "\n");
    }
    if (m.most) cli_print(cli, cli->zh ? "现行方案最多 %lld 混 1\n" : "the plan in force allows at most %lld to a tube\n", (long long)m.most);
    return 0;
}

/* ---- forecast */

static double member(const json_t *j, const char *name) {
    return json_number_value(json_object_get(j, name));
}

static const char *hours_text(struct cli *cli, const json_t *h) {
    return json_is_number(h) ? arena_printf(&cli->arena, "%.1f", json_number_value(h)) : cli_word(cli, "不能完成", "never");
}

static void finish_print(struct cli *cli, const char *what, const json_t *f) {
    cli_print(cli, cli->zh ? "%s: 预计 %s 小时; 十次有一次早于 %s, 一半早于 %s, 十次有九次早于 %s\n" : "%s: expected in %s h; one time in ten by %s, half by %s, nine in ten by %s\n", what,
              hours_text(cli, json_object_get(f, "expected")), hours_text(cli, json_object_get(f, "p10")), hours_text(cli, json_object_get(f, "p50")), hours_text(cli, json_object_get(f, "p90")));
}

static void behind_print(struct cli *cli, const json_t *j) {
    const json_t *x;
    size_t i;
    json_array_foreach(json_object_get(j, "behind"), i, x)
        cli_print(cli, cli->zh ? "落后 %s: 剩 %.0f 人, 近一小时 %.0f 人次, 采样人员 %.0f, 照此 %s 小时 (可 %s)\n" : "behind, %s: %.0f people left, %.0f in the last hour, %.0f samplers, done in %s h (could be %s)\n",
                  json_string_value(json_object_get(x, "area")), member(x, "left"), member(x, "last_hour"), member(x, "samplers"), hours_text(cli, json_object_get(x, "sampled_hours")),
                  hours_text(cli, json_object_get(x, "could_be_hours")));
    json_array_foreach(json_object_get(j, "jams"), i, x)
        cli_print(cli, cli->zh ? "拥堵 %s: 排队 %.0f 人, 等候 %.0f 分\n" : "jam, %s: %.0f waiting, %.0f min\n", json_string_value(json_object_get(x, "title")), member(x, "waiting"), member(x, "wait_minutes"));
    json_array_foreach(json_object_get(j, "teams"), i, x) {
        const char *to = json_string_value(json_object_get(x, "to"));
        if (to) cli_print(cli, cli->zh ? "机动力量 %s (%.0f 人) 往 %s\n" : "team %s (%.0f samplers) to %s\n", json_string_value(json_object_get(x, "title")), member(x, "samplers"), to);
    }
    json_array_foreach(json_object_get(json_object_get(j, "plan"), "moves"), i, x)
        cli_print(cli, cli->zh ? "调 %.0f 名采样人员: %s 往 %s\n" : "move %.0f samplers: %s to %s\n", member(x, "samplers"), json_string_value(json_object_get(x, "from")), json_string_value(json_object_get(x, "to")));
}

/* How many to call for each slot from now on, area by area (错峰), where the samplers stand as the plan puts them. */
static void calls_print(struct cli *cli, const json_t *plan, instant from) {
    const json_t *area;
    double slot_s = 3600 * member(json_array_get(json_object_get(plan, "slots"), 0), "hours");
    size_t i;
    json_array_foreach(json_object_get(plan, "areas"), i, area) {
        const json_t *called = json_object_get(area, "called");
        struct buf line = {0};
        for (size_t k = 0; k < json_array_size(called) && k < CALLS; k++) {
            char when[INSTANT_TEXT];
            instant_format(from + (instant)(slot_s * (double)k), cli->ledger->zone_s, when);
            if (json_integer_value(json_array_get(called, k))) buf_printf(&line, "%s%.5s %lld", line.n ? ", " : "", when + 11, (long long)json_integer_value(json_array_get(called, k)));
        }
        if (line.n && !line.failed) cli_print(cli, cli->zh ? "错峰叫号 %s: %s\n" : "call to %s: %s\n", json_string_value(json_object_get(area, "name")), line.s);
        buf_clear(&line);
    }
}

int cmd_campaign_forecast(struct cli *cli, struct error *err) {
    json_t *j = NULL;
    int64_t round = 0;
    instant from = cli->now;
    int rc = id_asked(cli, "ROUND", &round, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = testing_forecast(cli->ledger, &cli->session, round, (double)cli_int(cli, "couriers"), &j, err);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, j, err);
    const json_t *done = json_object_get(j, "done"), *plan = json_object_get(j, "plan");
    cli_print(cli, cli->zh ? "应检 %.0f 人, 已采 %.0f 人; %.0f 管, 已接收 %.0f, 已检测 %.0f, 已发布 %.0f\n" : "%.0f people to be tested, %.0f swabbed; %.0f tubes, %.0f received, %.0f tested, %.0f released\n",
              member(done, "target"), member(done, "people"), member(done, "tubes"), member(done, "received"), member(done, "tested"), member(done, "released"));
    if (json_is_true(json_object_get(j, "finished"))) {
        cli_print(cli, "%s\n", cli_word(cli, "本轮已完成", "the round is finished"));
    } else {
        const char *at = json_string_value(json_object_get(j, "at"));
        if (at && instant_parse(text_of(at), cli->ledger->zone_s, &from) && from > cli->now)
            cli_print(cli, cli->zh ? "本轮尚未开始, 以下小时数自 %.16s 起\n" : "it has not begun: hours count from %.16s\n", at);
        if (json_is_true(json_object_get(j, "samplers_assumed"))) cli_print(cli, "%s\n", cli_word(cli, "无班次记录, 按每台两名采样人员计", "no shift is recorded: two samplers at each open table are assumed"));
        finish_print(cli, cli_word(cli, "照此下去", "as it stands"), json_object_get(json_object_get(plan, "as_is"), "finish_hours"));
        finish_print(cli, cli_word(cli, "调整后", "as it could be"), json_object_get(plan, "finish_hours"));
        const json_t *left = json_object_get(j, "deadline_hours");
        if (json_is_number(left)) cli_print(cli, cli->zh ? "距要求完成 %.1f 小时, 照此按时完成的把握 %.0f%%\n" : "the deadline is in %.1f h; kept as it stands: %.0f%%\n", json_number_value(left), 100 * member(json_object_get(plan, "as_is"), "on_time"));
    }
    behind_print(cli, j);
    calls_print(cli, plan, from);
    json_decref(j);
    return 0;
}

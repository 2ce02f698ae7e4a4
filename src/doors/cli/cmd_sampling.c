/* campaign figures, missing, recount: a round of testing from the command line. */
#include <stdio.h>
#include <string.h>

#include "desks/testing/round.h"
#include "doors/cli/commands.h"
#include "ledger/tally.h"

static int street_of(struct cli *cli, char code[REGION_MAX + 1], struct text *ret, struct error *err) {
    const char *given = cli_text(cli, "street");
    *ret = (struct text){"", 0};
    if (!given) return 0;
    if (!region_canonical(text_of(given), code)) return error_set(err, E_INVALID, "--street", "no region code / 不是行政区划代码");
    *ret = text_of(code);
    return 0;
}

static int round_asked(struct cli *cli, int64_t *ret, struct error *err) {
    const char *word = cli_argument(cli, 0);
    if (!word || !text_int(text_of(word), ret)) return error_set(err, E_USAGE, "ROUND", "the id of a round / 须为轮次编号");
    return 0;
}

/* ---- figures */

static void span_print(struct cli *cli, int k, const struct round_span *s) {
    static const char *const zh[ROUND_STAGES] = {"开管到封管", "封管到接收", "接收到结果", "结果到发布", "采样到发布"};
    static const char *const en[ROUND_STAGES] = {"opened to closed", "closed to received", "received to result", "result to release", "sampled to release"};
    if (!s->n) return;
    cli_print(cli, cli->zh ? "  %s: %lld 管, 中位 %s, 九成 %s以内\n" : "  %s: %lld tubes, half within %s, 90%% within %s\n", cli->zh ? zh[k] : en[k], (long long)s->n, cli_duration(cli, s->p50_s),
              cli_duration(cli, s->p90_s));
}

static int figures_json(struct cli *cli, const struct round_figures *f, struct error *err) {
    json_t *stages = json_object();
    for (int k = 0; k < ROUND_STAGES; k++)
        json_object_set_new(stages, round_stage_words[k], json_pack("{s:I, s:I, s:I}", "n", (json_int_t)f->stages[k].n, "p50_s", (json_int_t)f->stages[k].p50_s, "p90_s", (json_int_t)f->stages[k].p90_s));
    return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "target", (json_int_t)f->target, "swabs", (json_int_t)f->swabs, "people", (json_int_t)f->people, "tubes",
                                   (json_int_t)f->tubes, "tubes_open", (json_int_t)f->tubes_open, "received", (json_int_t)f->received, "tested", (json_int_t)f->tested, "released", (json_int_t)f->released,
                                   "positive_tubes", (json_int_t)f->positive_tubes, "positive", (json_int_t)f->people_positive, "recalled", (json_int_t)f->people_recalled, "decided",
                                   (json_int_t)f->people_decided, "stages", stages), err);
}

int cmd_campaign_figures(struct cli *cli, struct error *err) {
    struct round_figures f;
    struct text street;
    char code[REGION_MAX + 1];
    int64_t round = 0;
    day on = 0;
    const char *date = cli_text(cli, "day");
    int rc = round_asked(cli, &round, err);
    if (rc == 0) rc = street_of(cli, code, &street, err);
    if (rc == 0 && date) rc = cli_day(cli, "--day", date, &on, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = round_figures_of(cli->ledger, &cli->session, round, street, date ? instant_of_day(on + 1, cli->ledger->zone_s) : INSTANT_NONE, &f, err);
    if (rc < 0) return rc;
    if (cli->json) return figures_json(cli, &f, err);
    cli_print(cli, cli->zh ? "采样 %lld 人次, %lld 人" : "%lld swabs of %lld people", (long long)f.swabs, (long long)f.people);
    if (f.target) cli_print(cli, cli->zh ? ", 应检 %lld 人, 覆盖 %.1f%%" : ", %lld to be tested, %.1f%% covered", (long long)f.target, 100.0 * (double)f.people / (double)f.target);
    cli_print(cli, cli->zh ? "\n采样管 %lld (采样中 %lld, 作废 %lld), 已接收 %lld, 已检测 %lld, 已发布 %lld\n" : "\n%lld tubes (%lld open, %lld spoiled), %lld received, %lld tested, %lld released\n",
              (long long)f.tubes, (long long)f.tubes_open, (long long)f.tubes_spoiled, (long long)f.received, (long long)f.tested, (long long)f.released);
    cli_print(cli, cli->zh ? "阳性管 %lld, 待复采 %lld 人, 阳性 %lld 人, 已定 %lld 人\n" : "%lld positive tubes, %lld people to be sampled again, %lld positive, %lld decided\n", (long long)f.positive_tubes,
              (long long)f.people_recalled, (long long)f.people_positive, (long long)f.people_decided);
    for (int k = 0; k < ROUND_STAGES; k++) span_print(cli, k, &f.stages[k]);
    return 0;
}

/* ---- who is missing */

enum { COLUMNS = 11, PEOPLE = 1000 };

static int missing_json(struct cli *cli, const struct round_row *rows, size_t n, struct error *err) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_pack("{s:o, s:o, s:I}", "street", cli_json_text(rows[i].street), "community", cli_json_text(rows[i].community), "people", (json_int_t)rows[i].people);
        for (int k = 0; k < ROUND_WHYS; k++) json_object_set_new(o, round_why_words[k], json_integer(rows[i].of[k]));
        json_array_append_new(list, o);
    }
    return cli_json(cli, list, err);
}

static int people_print(struct cli *cli, int64_t round, struct text street, struct error *err) {
    const char *community = cli_text(cli, "community");
    int64_t *ids = arena_alloc(&cli->arena, PEOPLE * sizeof *ids), after = 0;
    size_t n = PEOPLE;
    int rc = ids ? 0 : error_memory(err);
    while (rc == 0 && n == PEOPLE) {
        rc = round_people(cli->ledger, &cli->session, round, street, community ? text_of(community) : (struct text){NULL, 0}, WHY_MISSING, after, PEOPLE, ids, &n, err);
        for (size_t i = 0; rc == 0 && i < n; i++) cli_print(cli, "%lld\n", (long long)ids[i]);
        if (n) after = ids[n - 1];
    }
    return rc;
}

int cmd_campaign_missing(struct cli *cli, struct error *err) {
    static const char *const zh[COLUMNS] = {"街道", "楼栋", "应检", "已采", "外出", "隔离", "医学", "拒检", "别处", "其他", "未采"};
    static const char *const en[COLUMNS] = {"street", "building", "people", "swabbed", "away", "isolated", "medical", "refused", "elsewhere", "other", "missing"};
    struct round_row *rows = NULL;
    struct text street;
    char code[REGION_MAX + 1];
    int64_t round = 0;
    size_t n = 0;
    int rc = round_asked(cli, &round, err);
    if (rc == 0) rc = street_of(cli, code, &street, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0 && cli_flag(cli, "people")) return people_print(cli, round, street, err);
    if (rc == 0) rc = round_coverage(cli->ledger, &cli->session, round, street, cli_flag(cli, "buildings"), &cli->arena, &rows, &n, err);
    if (rc < 0) return rc;
    if (cli->json) return missing_json(cli, rows, n, err);
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    if (!cells) return error_memory(err);
    for (int c = 0; c < COLUMNS; c++) cells[c] = text_of(cli->zh ? zh[c] : en[c]);
    for (size_t i = 0; i < n; i++) {
        struct text *row = cells + (i + 1) * COLUMNS;
        row[0] = rows[i].street;
        row[1] = rows[i].community;
        row[2] = text_of(arena_printf(&cli->arena, "%lld", (long long)rows[i].people));
        for (int k = 0; k < ROUND_WHYS; k++) row[3 + k] = text_of(arena_printf(&cli->arena, "%lld", (long long)rows[i].of[k]));
    }
    cli_table(cli, cells, n + 1, COLUMNS);
    return 0;
}

/* The counters that coverage is read from, against the records. */
int cmd_campaign_recount(struct cli *cli, struct error *err) {
    bool apply = cli_flag(cli, "apply");
    int64_t differs = 0;
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tally_differs(cli->ledger, cli->ledger->db, &differs, err);
    if (rc == 0 && apply && differs) {
        rc = ledger_begin(cli->ledger, err);
        if (rc == 0 && (rc = tally_rebuild(cli->ledger, err)) == 0) rc = ledger_commit(cli->ledger, cli->session.now, err);
        if (rc < 0) ledger_rollback(cli->ledger);
    }
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:b}", "differ", (json_int_t)differs, "applied", apply && differs), err);
    cli_print(cli, cli->zh ? "%lld 个计数与登记不符%s\n" : "%lld counts differ from the records%s\n", (long long)differs, apply && differs ? cli_word(cli, ", 已重算", "; counted anew") : "");
    return 0;
}

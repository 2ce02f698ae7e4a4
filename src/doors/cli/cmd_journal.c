/* journal: who changed and who looked at what. */
#include <string.h>

#include "desks/audit.h"
#include "doors/cli/commands.h"
#include "ledger/why.h"

enum { COLUMNS = 6 };

struct listing {
    struct cli *cli;
    struct text *cells;
    size_t rows;
    json_t *json;
};

const char *cli_verb(const struct cli *cli, int verb) {
    static const char *const zh[] = {"", "新增", "修改", "转态", "移除", "还原", "合并", "拆分", "删除个人信息", "查看密封字段", "办结", "取消", "上报",
                                     "失时", "采用方案", "定稿", "发布", "导出", "清除", "导入", "撤销", "拒绝", "建库"};
    return cli->zh && verb > 0 && (size_t)verb < sizeof zh / sizeof *zh ? zh[verb] : journal_verb_name(verb);
}

static int entry_print(const struct journal_entry *e, void *arg) {
    struct listing *x = arg;
    struct cli *cli = x->cli;
    char at[INSTANT_TEXT];
    instant_format(e->at, cli->ledger->zone_s, at);
    if (x->json) {
        json_array_append_new(x->json, json_pack("{s:I, s:s, s:s, s:o, s:o, s:I, s:i, s:o, s:o}", "seq", (json_int_t)e->seq, "at", at, "verb",
            journal_verb_name(e->verb), "actor", cli_json_text(e->actor), "register", cli_json_text(e->reg), "record", (json_int_t)e->record,
            "version", (int)e->version, "purpose", cli_json_text(e->purpose), "reason", cli_json_text(e->reason)));
        return 0;
    }
    at[19] = 0; /* the zone is the node's */
    struct text *row = x->cells + x->rows++ * COLUMNS, why = e->purpose.n ? e->purpose : e->reason;
    row[0] = text_of(arena_printf(&cli->arena, "%lld", (long long)e->seq));
    row[1] = text_of(arena_str(&cli->arena, at));
    row[2] = arena_text(&cli->arena, e->actor);
    row[3] = text_of(cli_verb(cli, e->verb));
    const struct register_decl *reg = register_find(cli->ledger->catalog, e->reg);
    struct text title = !reg ? e->reg : cli->zh ? reg->zh : reg->en;
    row[4] = text_of(arena_printf(&cli->arena, "%.*s %lld", (int)title.n, title.s, (long long)e->record));
    row[5] = arena_text(&cli->arena, why_told(cli->ledger, e->verb, why, cli->zh, cli->now, &cli->arena));
    return 0;
}

int cmd_journal(struct cli *cli, struct error *err) {
    static const char *const zh[COLUMNS] = {"序号", "时间", "账户", "动作", "记录", "目的或理由"};
    static const char *const en[COLUMNS] = {"entry", "at", "who", "did", "record", "why"};
    const char *verb = cli_text(cli, "verb"), *since = cli_text(cli, "since"), *reg = cli_text(cli, "register");
    const struct register_decl *known = NULL;
    int64_t limit = cli_int(cli, "limit");
    struct audit_filter f = {.verb = verb ? audit_verb(text_of(verb)) : 0, .reg = text_of(reg), .who = text_of(cli_text(cli, "who")),
                             .record = cli_int(cli, "record"), .since = INSTANT_NONE, .until = INSTANT_NONE, .limit = (size_t)limit};
    if (verb && !f.verb) return error_set(err, E_USAGE, "--verb", "\"%.40s\" is no verb of the journal / 不是流水动作", verb);
    if (since) instant_parse(text_of(since), ZONE_CHINA_S, &f.since);
    const char *until = cli_text(cli, "until");
    if (until) instant_parse(text_of(until), ZONE_CHINA_S, &f.until);
    int rc = cli_open(cli, err);
    if (rc == 0 && reg) rc = cli_register(cli, reg, &known, err);
    if (rc < 0) return rc;
    struct listing x = {.cli = cli, .rows = 1, .json = cli->json ? json_array() : NULL};
    x.cells = cli->json ? NULL : arena_alloc(&cli->arena, ((size_t)limit + 1) * COLUMNS * sizeof *x.cells);
    if (!x.json && !x.cells) return error_set(err, E_MEMORY, NULL, "out of memory for a table");
    for (size_t k = 0; x.cells && k < COLUMNS; k++) x.cells[k] = text_of(cli->zh ? zh[k] : en[k]);
    rc = audit_list(cli->ledger, cli->ledger->db, &cli->session, &f, entry_print, &x, err);
    if (rc == 0 && x.json) return cli_json(cli, json_pack("{s:o}", "entries", x.json), err);
    if (rc == 0) cli_table(cli, x.cells, x.rows, COLUMNS);
    json_decref(x.json);
    return rc;
}

/* The one table of commands. */
#include "doors/cli/commands.h"

#include <string.h>

#define FLAG(name, zh, en) {name, CLI_FLAG, NULL, NULL, NULL, zh, en}
#define OPTION(name, type, value, zh, en) {name, type, value, NULL, NULL, zh, en}
#define CHOICE(name, choices, fallback, zh, en) {name, CLI_CHOICE, "FORMAT", fallback, choices, zh, en}
#define REGION OPTION("region", CLI_TEXT, "CODE", "行政区划代码,含下级", "region code; its subtree")
#define OUT OPTION("out", CLI_FILE, "FILE", "写入文件而非标准输出", "write to a file instead of standard output")
#define LOGIN {"LOGIN", false, CLI_TEXT, "登录名", "login of the account"}
#define REGISTER {"REGISTER", false, CLI_TEXT, "登记册名称", "name of a register"}

const struct cli_option cli_common[] = {
    {"data", CLI_FOLDER, "DIR", "data", NULL, "数据目录", "data folder"},
    {"at", CLI_INSTANT, "INSTANT", NULL, NULL, "以此刻为现在", "take this instant for now"},
    {"as", CLI_TEXT, "ACCOUNT", NULL, NULL, "以此账户的权限操作;缺省为 root", "act with the rights of this account; root without it"},
    {"purpose", CLI_TEXT, "TEXT", NULL, NULL, "查看加密字段的目的,记入流水", "why sealed fields are opened; journalled"},
    {"reason", CLI_TEXT, "TEXT", NULL, NULL, "操作理由,记入流水", "why it is done; journalled"},
    {"lang", CLI_CHOICE, "LANG", NULL, "zh|en", "语言", "language"},
    FLAG("json", "输出 JSON", "print JSON"),
    {0},
};

const struct command cli_commands[] = {
    {"init", "建立数据目录、密钥、数据库和当地采用的方案", "make the data folder: keys, store, region, the policy in force", cmd_init, {{0}},
     {OPTION("store", CLI_TEXT, "URL", "sqlite(缺省)或 postgresql://...", "sqlite (the default) or postgresql://..."),
      {"region", CLI_TEXT, "CODE", NULL, NULL, "本级行政区划代码", "region this node answers for"},
      OPTION("policy", CLI_TEXT, "PACK", "采用的方案,可用逗号列出多个", "policy to adopt; several with commas"),
      OPTION("from", CLI_DATE, "DATE", "方案起用日期,缺省为当天", "day from which the policy is in force; today without it"),
      FLAG("demo", "演示节点:可建演示账户,不强制双因素", "a node for showing: it may have demonstration accounts, and asks no second factor of who has none")},
     "tocsin init --region 310115 --policy covid-2022-v9 --from 2022-05-01"},
    {"import", "导入文件:逐行校验,不合格的行连同原因写入退回文件", "take in a file; rows that fail come back in a file of the same format with the reason",
     cmd_import, {REGISTER, {"FILE", false, CLI_FILE, "CSV 或 XLSX 文件", "CSV or XLSX, told by content"}},
     {OPTION("map", CLI_FILE, "FILE", "映射文件", "mapping file for foreign layouts"), FLAG("dry-run", "只校验不写入", "check only, write nothing"),
      OPTION("errors", CLI_FILE, "FILE", "退回文件,缺省为 FILE 旁", "where refused rows go; beside FILE without it"),
      OPTION("sheet", CLI_TEXT, "NAME", "工作表名称", "name of the worksheet"), FLAG("quiet", "不显示进度", "no progress")},
     "tocsin import contact contacts.csv --errors refused.csv"},
    {"undo", "撤销一次导入", "undo a whole import", cmd_undo, {{"IMPORT", false, CLI_INT, "导入批次编号", "number of the import"}}, {{0}},
     "tocsin undo 1042 --reason \"wrong file\""},
    {"record", "登记或修改一条记录", "record one fact, or change one with --id", cmd_record,
     {REGISTER, {"FIELD=VALUE...", true, CLI_TEXT, "字段=值", "fields by name"}},
     {OPTION("id", CLI_TEXT, "ID", "修改此记录(编号或号码);来源系统的编号:没有则新增,已有则修改", "change this record, by id or number; an id of the sender's own system makes it when it is new and changes it after that"), OPTION("state", CLI_TEXT, "STATE", "转入此状态", "move to this state"),
      OPTION("version", CLI_INT, "N", "仅当记录仍为此版本", "only if the record still has this version"), REGION,
      OPTION("key", CLI_TEXT, "KEY", "本次请求的编号:同一请求重发(7 日内)得到首次的答复,不再改动", "key of this request: sent again within 7 days it gets the first answer and changes nothing")},
     "tocsin record stay --id 1207 --state released"},
    {"show", "查看一条记录及其历史", "show one record and its history", cmd_show,
     {REGISTER, {"ID", false, CLI_TEXT, "编号或号码", "id or number"}},
     {FLAG("history", "列出每次变更", "who changed what, newest first"), FLAG("open", "查看加密字段,需 --purpose", "open sealed fields; needs --purpose")},
     "tocsin show case C-310115-20220530-0007 --history"},
    {"doubles", "疑似重卡:待核对的成对记录", "records that are probably one, as pairs to be settled", cmd_doubles, {REGISTER},
     {REGION, {"limit", CLI_INT, "N", "50", NULL, "最多列出条数", "how many to list"}}, "tocsin doubles case"},
    {"export", "导出记录", "write records out, streamed", cmd_export, {REGISTER},
     {CHOICE("format", "csv|xlsx|json|linelist|epicontacts", "csv", "格式", "format"), OPTION("where", CLI_TEXT, "EXPR", "条件", "condition over the fields"),
      OPTION("columns", CLI_TEXT, "LIST", "字段,逗号分隔", "fields, comma separated"), REGION, OUT,
      FLAG("open", "导出加密字段原文,需 --purpose", "sealed fields in clear; needs --purpose"),
      FLAG("titles", "以字段标题为表头", "titles instead of names in the header")},
     "tocsin export case --where \"classification = 'confirmed'\" --format xlsx --out cases.xlsx"},
    {"template", "生成空白填报表", "write an empty form to fill in", cmd_template, {REGISTER}, {CHOICE("format", "xlsx|csv", "xlsx", "格式", "format"), OUT},
     "tocsin template contact --format xlsx --out contacts.xlsx --lang zh"},
    {"due", "待办:未办、一小时内到期、逾期、无责任主体、闭环率", "what is owed: open, due within 1 h, overdue, without owner, closed-loop rate", cmd_due, {{0}},
     {OPTION("desk", CLI_TEXT, "DESK", "席位", "only this desk"), REGION, FLAG("overdue", "只列逾期", "list the overdue"),
      {"by", CLI_CHOICE, "WHAT", NULL, "owner|age", "按责任主体(及时率)或按时长汇总", "by accountable party with its timeliness, or open loops by age"},
      FLAG("list", "逐条列出", "list them one by one"), {"limit", CLI_INT, "N", "50", NULL, "最多列出条数", "how many to list"}},
     "tocsin due --overdue --at 2022-05-30T16:00"},
    {"tick", "推进时钟:标记逾期、逐级上报", "let the clock act: mark the overdue, escalate, lapse", cmd_tick, {{0}}, {{0}}, "tocsin tick"},
    {"report", "某日的日报", "the report of a day", cmd_report, {{"DATE", false, CLI_DATE, "日期,或 today", "the day, or today"}},
     {REGION, CHOICE("format", "text|json|pdf", "text", "格式", "format"), FLAG("freeze", "固定数字", "freeze the figures"),
      FLAG("public", "公开版(小数字隐去,须已终审)", "public version: small cells hidden, only after approval"),
      FLAG("approve", "审批(初审或终审)", "approve: first, then second"), FLAG("return", "发布前退回草稿", "back to draft before it is published"), FLAG("publish", "发布", "publish"), FLAG("withdraw", "撤回", "withdraw"),
      FLAG("rederive", "从记录重新推导并比较", "derive the frozen figures again and compare"), OUT},
     "tocsin report 2022-05-30 --format pdf --out report.pdf"},
    {"policy list", "列出方案及现行方案", "policies there are, and those in force", cmd_policy_list, {{0}}, {{0}}, "tocsin policy list"},
    {"policy show", "方案内容:参数、待办、来源", "a policy: parameters, obligations, sources", cmd_policy_show, {{"PACK", false, CLI_TEXT, "方案", "policy"}}, {{0}},
     "tocsin policy show covid-2022-v9"},
    {"policy check", "检查方案文件", "check a policy file", cmd_policy_check, {{"FILE", false, CLI_FILE, "方案文件", "policy file"}}, {{0}}, "tocsin policy check mine.yaml"},
    {"policy diff", "两个方案之别;在现有数据上谁增谁减", "two policies compared, and who gains or loses what on the live data", cmd_policy_diff,
     {{"PACK", false, CLI_TEXT, "原方案", "from"}, {"PACK", false, CLI_TEXT, "新方案", "to"}}, {REGION, FLAG("list", "逐人列出", "list them one by one")},
     "tocsin policy diff covid-2022-v9 covid-2022-20"},
    {"policy adopt", "采用方案", "put a policy in force", cmd_policy_adopt, {{"PACK", false, CLI_TEXT, "方案", "policy"}},
     {OPTION("from", CLI_DATE, "DATE", "起用日期", "first day in force"), REGION, OPTION("approver", CLI_TEXT, "NAME", "批准人", "who approved it")},
     "tocsin policy adopt covid-2022-20 --from 2022-11-11 --reason \"国务院联防联控机制二十条\""},
    {"journal", "流水:谁何时因何改了、看了什么", "who changed and who looked at what, when and why; for the auditor", cmd_journal, {{0}},
     {OPTION("verb", CLI_TEXT, "VERB", "动作, 如 open、change", "only this verb: open, change, move, export ..."), OPTION("register", CLI_TEXT, "REGISTER", "登记册", "only this register"),
      OPTION("record", CLI_INT, "ID", "记录编号", "only this record"), OPTION("who", CLI_TEXT, "ACCOUNT", "账户", "only what this account did"),
      OPTION("since", CLI_INSTANT, "INSTANT", "自此刻起", "from this instant on"), {"limit", CLI_INT, "N", "50", NULL, "最多列出条数", "how many of the newest to list"}},
     "tocsin journal --verb open --since 2022-05-30T00:00"},
    {"person show", "一个人的全部记录", "everything on record about one person", cmd_person_show, {{"ID", false, CLI_TEXT, "人员编号", "id of the person"}},
     {FLAG("open", "查看加密字段,需 --purpose", "open sealed fields; needs --purpose")}, "tocsin person show 1207"},
    {"person merge", "合并重复人员,所有记录归于前者", "merge two that are one; every record goes to the first", cmd_person_merge,
     {{"A", false, CLI_INT, "保留者", "who stays"}, {"B", false, CLI_INT, "并入者", "who goes into A"}}, {{0}}, "tocsin person merge 1207 1544 --reason \"同一身份证\""},
    {"person unmerge", "撤销合并", "undo a merge", cmd_person_unmerge, {{"ID", false, CLI_INT, "被并入者", "who had gone"}}, {{0}}, "tocsin person unmerge 1544"},
    {"person erase", "销毁此人密钥,个人信息不可恢复", "destroy the person's key: sealed data cannot be read again", cmd_person_erase,
     {{"ID", false, CLI_INT, "人员编号", "id of the person"}}, {{0}}, "tocsin person erase 1207 --reason \"保存期满\""},
    {"verify", "校验流水:指出第一条被改动、删除或调换的记录", "check the journal; names the first entry that was altered, removed or reordered", cmd_verify, {{0}},
     {FLAG("all", "逐块验签", "check every block's signature")}, "tocsin verify --all"},
    {"backup", "备份(不含密钥), 不影响同时写入", "consistent copy of the store while others write", cmd_backup, {{"FILE", false, CLI_FILE, "备份文件", "where to"}}, {{0}},
     "tocsin backup /mnt/safe/tocsin.backup"},
    {"restore", "从备份和密钥重建一个数据目录", "make a new data folder from a backup and the key", cmd_restore, {{"FILE", false, CLI_FILE, "备份文件", "where from"}},
     {OPTION("key", CLI_FILE, "FILE", "密钥文件", "the key file, kept apart"), OPTION("store", CLI_TEXT, "URL", "sqlite(缺省)或 postgresql://...", "sqlite (the default) or postgresql://...")},
     "tocsin restore /mnt/safe/tocsin.backup --key /mnt/elsewhere/key --data new"},
    {"retention", "保存期届满的记录:列出或清除", "records past the time their register allows: listed, or removed", cmd_retention, {{0}},
     {FLAG("apply", "清除", "remove them; a person last, with its key")}, "tocsin retention --apply"},
    {"migrate", "按登记册变更调整数据库", "bring the store to the registers as declared; shows the statements", cmd_migrate, {{0}},
     {FLAG("apply", "执行", "run them")}, "tocsin migrate --apply"},
    {"account list", "账户、角色、锁定、会话数", "accounts with their roles, locks and sessions", cmd_account_list, {{0}}, {{0}}, "tocsin account list --as auditor"},
    {"account add", "建立账户;无 --roles 则为访客", "make an account; a guest without --roles", cmd_account_add, {LOGIN},
     {OPTION("title", CLI_TEXT, "TEXT", "显示名", "name that is shown"), OPTION("roles", CLI_TEXT, "LIST", "角色,逗号分隔", "roles, comma separated"), REGION},
     "tocsin account add li.na --title 李娜 --roles tracer,intake --region 310115"},
    {"account roles", "授予角色,或改变其区域", "give roles, or move their region", cmd_account_roles, {LOGIN, {"ROLES", true, CLI_TEXT, "角色,逗号分隔", "comma separated"}}, {REGION},
     "tocsin account roles li.na tracer --region 310115 --as sec"},
    {"account password", "设置初始密码(首次登录须修改);不给则生成", "set a first password, to be changed at sign-in; makes one unless it is read", cmd_account_password, {LOGIN},
     {FLAG("read", "从标准输入读一行", "read it from standard input, one line")}, "tocsin account password li.na"},
    {"account lock", "锁定账户,结束其会话", "lock an account and end its sessions", cmd_account_lock, {LOGIN}, {{0}}, "tocsin account lock li.na --reason \"left\""},
    {"account unlock", "解锁账户", "unlock an account", cmd_account_unlock, {LOGIN}, {{0}}, "tocsin account unlock li.na"},
    {"account totp", "重置双因素:本人下次登录时重新启用", "take the second factor away: its owner enrols anew at the next sign-in", cmd_account_totp, {LOGIN}, {{0}},
     "tocsin account totp li.na --reason \"lost phone\""},
    {"account sessions", "会话列表,或结束之", "sessions of an account, or end them", cmd_account_sessions, {LOGIN},
     {OPTION("end", CLI_INT, "ID", "结束此会话", "end this one"), FLAG("end-all", "全部结束", "end all, forget known devices")}, "tocsin account sessions li.na"},
    {"account token", "生成机器令牌,仅显示一次", "make a machine token; shown once", cmd_account_token, {LOGIN},
     {OPTION("name", CLI_TEXT, "TEXT", "用途", "what it is for"), OPTION("roles", CLI_TEXT, "LIST", "账户角色中的哪些,逗号分隔", "which of the account's roles, comma separated"), REGION,
      OPTION("registers", CLI_TEXT, "LIST", "仅限这些登记册", "only these registers, comma separated"), FLAG("write", "可写", "it may write"),
      FLAG("open", "可看加密字段", "it may open sealed fields"), {"days", CLI_INT, "N", "90", NULL, "有效天数", "how long it is good"}},
     "tocsin account token lab.pudong --name \"PCR line 3\" --registers test --write --days 90"},
    {"account tokens", "令牌列表", "machine tokens, of one account or of all", cmd_account_tokens, {{"LOGIN", true, CLI_TEXT, "登录名", "whose"}}, {{0}}, "tocsin account tokens"},
    {"account revoke", "撤销令牌", "revoke a token", cmd_account_revoke, {{"ID", false, CLI_INT, "令牌编号", "number of the token"}}, {{0}}, "tocsin account revoke 4711"},
    {"account demo", "演示节点:每个角色建一个账户", "on a node made with init --demo: an account a role, with printed passwords", cmd_account_demo, {{0}}, {{0}}, "tocsin account demo"},
    {"serve", "启动 HTTP 服务", "serve the HTTP API until a signal ends it", cmd_serve, {{0}},
     {{"listen", CLI_TEXT, "HOST:PORT", "127.0.0.1:8460", NULL, "监听地址", "address to listen on"},
      OPTION("tls-cert", CLI_FILE, "FILE", "证书链(PEM);收到 SIGHUP 时重新读取", "certificate chain, PEM; read again on SIGHUP"),
      OPTION("tls-key", CLI_FILE, "FILE", "私钥(PEM)", "its private key, PEM"),
      OPTION("dev-tokens", CLI_FILE, "FILE", "开发用令牌文件", "file of tokens for development: TOKEN ACCOUNT ROLES REGION a line"),
      FLAG("quiet", "只记录失败的请求", "log failed requests only")},
     "tocsin serve --listen 127.0.0.1:8460"},
    {"selftest", "自检:密码、编码、登记册、方案、临时库", "check this installation: crypto, registers, policies, a store in a temporary folder", cmd_selftest, {{0}}, {{0}},
     "tocsin selftest"},
    {"version", "版本", "version of the program and of its parts", cmd_version, {{0}}, {{0}}, "tocsin version"},
    {"demo", "生成一个虚构县的疫情文件", "write the files of a made-up county with an outbreak", cmd_demo, {{"DIR", false, CLI_FOLDER, "目标目录", "folder for the files"}},
     {{"seed", CLI_INT, "N", "1", NULL, "随机种子", "seed; same seed, same files"}, {"people", CLI_INT, "N", "3000", NULL, "人口", "persons in the county"},
      {"days", CLI_INT, "N", "30", NULL, "天数", "length of the story"}, {"region", CLI_TEXT, "CODE", "310199", NULL, "县区代码, 缺省为虚构县", "six-digit county code; an invented one without it"},
      {"until", CLI_DATE, "DATE", "2022-05-30", NULL, "最后一天", "last day of the story"}, FLAG("plain", "不含错误行", "no deliberate faults")},
     "tocsin demo demo --seed 7"},
    {"help", "帮助", "this page, or a command's", cmd_help, {{"COMMAND...", true, CLI_TEXT, "命令", "command"}},
     {{"format", CLI_CHOICE, "FORMAT", "text", "text|markdown|errors|routes|openapi|bash", "markdown、errors、routes 生成文档,openapi 为接口文档,bash 生成补全", "markdown, errors and routes make docs/, openapi is the API's document, bash makes completion"}},
     "tocsin help import"},
    {0},
};

const struct command *command_find(const char *first, const char *second, int *ret_words) {
    if (!strcmp(first, "--help") || !strcmp(first, "-h")) first = "help";
    if (!strcmp(first, "--version")) first = "version";
    for (const struct command *c = cli_commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        size_t n = space ? (size_t)(space - c->name) : strlen(c->name);
        if (strlen(first) != n || strncmp(c->name, first, n)) continue;
        if (space && strcmp(space + 1, second)) continue;
        *ret_words = space ? 2 : 1;
        return c;
    }
    return NULL;
}

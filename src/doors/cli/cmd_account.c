/* account: who may sign in, with what rights; for administrators at the machine. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "desks/account/account.h"
#include "doors/cli/commands.h"

struct desk {
    struct accounts *accounts;
    struct account_seat seat;
};

static int desk_open(struct cli *cli, struct desk *d, struct error *err) {
    int rc = cli_open(cli, err);
    if (rc == 0) rc = accounts_open(cli->ledger, NULL, &d->accounts, err);
    if (rc == 0) d->seat = (struct account_seat){.accounts = d->accounts, .ledger = cli->ledger};
    return rc;
}

static struct text login_of(const struct cli *cli) {
    return text_of(cli_argument(cli, 0));
}

/* "a,b" as "a;b". */
static struct text list_of(struct cli *cli, const char *words) {
    char *own = arena_str(&cli->arena, words ? words : "");
    for (char *p = own; p && *p; p++)
        if (*p == ',') *p = ';';
    return text_of(own);
}

static int done(struct cli *cli, int rc, const char *zh, const char *en, struct error *err) {
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:s}", "login", cli_argument(cli, 0)), err);
    cli_print(cli, "%s: %s\n", cli_argument(cli, 0), cli_word(cli, zh, en));
    return 0;
}

static struct text instant_text(struct cli *cli, instant t) {
    char out[INSTANT_TEXT];
    if (t == INSTANT_NONE) return TEXT("-");
    instant_format(t, ZONE_CHINA_S, out);
    return text_of(arena_str(&cli->arena, out));
}

/* ---- list */

static struct text state_word(struct cli *cli, const struct account_row *a) {
    const char *word = !a->active        ? cli_word(cli, "停用", "off")
                       : a->locked       ? cli_word(cli, "锁定", "locked")
                       : !a->has_password ? cli_word(cli, "无密码", "no password")
                       : a->must_change  ? cli_word(cli, "须改密码", "first password")
                                         : cli_word(cli, "可用", "ready");
    return text_of(word);
}

int cmd_account_list(struct cli *cli, struct error *err) {
    enum { COLUMNS = 9 };
    struct desk d = {0};
    struct account_row *rows = NULL;
    size_t n = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_list(&d.seat, &cli->session, &cli->arena, &rows, &n, err);
    accounts_close(d.accounts);
    if (rc < 0) return rc;
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:I}", "id", (json_int_t)rows[i].id, "login",
                                                  cli_json_text(rows[i].login), "unit", cli_json_text(rows[i].unit.title), "organisation", (json_int_t)rows[i].unit.id, "title", cli_json_text(rows[i].title), "region", cli_json_text(rows[i].region), "roles",
                                                  cli_json_text(rows[i].roles), "active", rows[i].active, "locked", rows[i].locked, "password", rows[i].has_password,
                                                  "must_change", rows[i].must_change, "factor", rows[i].has_factor, "needs_factor", rows[i].needs_factor, "failures",
                                                  (json_int_t)rows[i].failures, "sessions", (json_int_t)rows[i].sessions));
        return cli_json(cli, list, err);
    }
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    if (!cells) return error_memory(err);
    const char *zh[COLUMNS] = {"登录名", "显示名", "单位", "区域", "角色", "状态", "双因素", "会话", "最近登录"};
    const char *en[COLUMNS] = {"login", "title", "unit", "region", "roles", "state", "factor", "sessions", "signed in"};
    for (size_t k = 0; k < COLUMNS; k++) cells[k] = text_of(cli_word(cli, zh[k], en[k]));
    for (size_t i = 0; i < n; i++) {
        const struct account_row *a = &rows[i];
        struct text *c = &cells[(i + 1) * COLUMNS];
        c[0] = a->login;
        c[1] = a->title;
        c[2] = a->unit.id ? a->unit.title : TEXT("-");
        c[3] = a->region;
        c[4] = a->roles;
        c[5] = state_word(cli, a);
        c[6] = text_of(a->has_factor ? cli_word(cli, "有", "yes") : a->needs_factor ? cli_word(cli, "须启用", "needed") : "-");
        c[7] = text_of(arena_printf(&cli->arena, "%lld", (long long)a->sessions));
        c[8] = instant_text(cli, a->signed_at);
    }
    cli_table(cli, cells, n + 1, COLUMNS);
    return 0;
}

/* ---- made, given rights */

int cmd_account_add(struct cli *cli, struct error *err) {
    struct desk d = {0};
    char region[REGION_MAX + 1] = "";
    struct account_wish w = {.login = login_of(cli), .title = text_of(cli_text(cli, "title")), .roles = list_of(cli, cli_text(cli, "roles"))};
    int64_t id = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    w.region = text_of(region);
    if (rc == 0 && cli_text(cli, "unit")) rc = account_unit_find(cli->ledger, text_of(cli_text(cli, "unit")), &w.organisation, err);
    if (rc == 0) rc = account_add(&d.seat, &cli->session, &w, &id, err);
    accounts_close(d.accounts);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:s}", "id", (json_int_t)id, "login", cli_argument(cli, 0)), err);
    cli_print(cli, cli->zh ? "%s: 已建立, 编号 %lld; 用 tocsin account password 给予初始密码\n" : "%s: made, id %lld; `tocsin account password` gives it a first password\n",
              cli_argument(cli, 0), (long long)id);
    return 0;
}

int cmd_account_roles(struct cli *cli, struct error *err) {
    struct desk d = {0};
    const char *roles = cli_argument(cli, 1);
    char region[REGION_MAX + 1] = "";
    if (!roles && !cli_text(cli, "region")) return error_set(err, E_USAGE, "ROLES", "which roles, or which region / 须给出角色或区域");
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    if (rc == 0) rc = account_set_roles(&d.seat, &cli->session, login_of(cli), list_of(cli, roles), text_of(region), err);
    accounts_close(d.accounts);
    return done(cli, rc, "权限已变更", "rights changed", err);
}

int cmd_account_unit(struct cli *cli, struct error *err) {
    struct desk d = {0};
    const char *unit = cli_argument(cli, 1);
    int64_t id = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0 && unit) rc = account_unit_find(cli->ledger, text_of(unit), &id, err);
    if (rc == 0) rc = account_set_unit(&d.seat, &cli->session, login_of(cli), id, err);
    accounts_close(d.accounts);
    return done(cli, rc, unit ? "所属单位已设定" : "不再属于任何单位", unit ? "its unit is set" : "it has no unit any more", err);
}

/* One line, unseen when a person types it. */
static int read_password(struct cli *cli, char *out, size_t max, struct error *err) {
    struct termios was, quiet;
    bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    if (tty) {
        fprintf(stderr, "%s", cli_word(cli, "密码: ", "password: "));
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    char *got = fgets(out, (int)max, stdin);
    if (tty) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    }
    if (!got) return error_set(err, E_USAGE, "--read", "nothing was given / 未输入密码");
    out[strcspn(out, "\r\n")] = '\0';
    return *out ? 0 : error_set(err, E_USAGE, "--read", "nothing was given / 未输入密码");
}

int cmd_account_password(struct cli *cli, struct error *err) {
    struct desk d = {0};
    char typed[ACCOUNT_PASSWORD_MAX + 2] = "", made[40] = "";
    int rc = cli_flag(cli, "read") ? read_password(cli, typed, sizeof typed, err) : 0;
    if (rc == 0) rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_set_password(&d.seat, &cli->session, login_of(cli), text_of(typed), made, err);
    accounts_close(d.accounts);
    explicit_bzero(typed, sizeof typed);
    if (rc < 0) return rc;
    if (cli->json) rc = cli_json(cli, json_pack("{s:s, s:s}", "login", cli_argument(cli, 0), "password", made), err);
    else if (made[0]) cli_print(cli, cli->zh ? "%s: 初始密码 %s (七日内首次登录时须修改)\n" : "%s: first password %s (to be changed at sign-in, within seven days)\n", cli_argument(cli, 0), made);
    else cli_print(cli, cli->zh ? "%s: 初始密码已设置, 首次登录时须修改\n" : "%s: first password set, to be changed at sign-in\n", cli_argument(cli, 0));
    explicit_bzero(made, sizeof made);
    return rc;
}

static int set_lock(struct cli *cli, bool locked, struct error *err) {
    struct desk d = {0};
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_lock(&d.seat, &cli->session, login_of(cli), locked, err);
    accounts_close(d.accounts);
    return done(cli, rc, locked ? "已锁定" : "已解锁", locked ? "locked" : "unlocked", err);
}

int cmd_account_lock(struct cli *cli, struct error *err) {
    return set_lock(cli, true, err);
}

int cmd_account_unlock(struct cli *cli, struct error *err) {
    return set_lock(cli, false, err);
}

int cmd_account_totp(struct cli *cli, struct error *err) {
    struct desk d = {0};
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_factor_reset(&d.seat, &cli->session, login_of(cli), err);
    accounts_close(d.accounts);
    return done(cli, rc, "双因素已重置", "second factor taken away", err);
}

/* ---- sessions and tokens */

static int sessions_print(struct cli *cli, const struct account_session_row *rows, size_t n, struct error *err) {
    enum { COLUMNS = 6 };
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:I, s:s, s:I, s:I, s:I, s:o, s:o}", "id", (json_int_t)rows[i].id, "state", account_state_name(rows[i].state),
                                                  "created_at", (json_int_t)rows[i].created_at, "seen_at", (json_int_t)rows[i].seen_at, "expires_at",
                                                  (json_int_t)rows[i].expires_at, "address", cli_json_text(rows[i].address), "agent", cli_json_text(rows[i].agent)));
        return cli_json(cli, list, err);
    }
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    if (!cells) return error_memory(err);
    const char *zh[COLUMNS] = {"编号", "开始", "最近使用", "到期", "地址", "客户端"}, *en[COLUMNS] = {"id", "begun", "last used", "ends", "address", "agent"};
    for (size_t k = 0; k < COLUMNS; k++) cells[k] = text_of(cli_word(cli, zh[k], en[k]));
    for (size_t i = 0; i < n; i++) {
        struct text *c = &cells[(i + 1) * COLUMNS];
        c[0] = text_of(arena_printf(&cli->arena, "%lld", (long long)rows[i].id));
        c[1] = instant_text(cli, rows[i].created_at);
        c[2] = instant_text(cli, rows[i].seen_at);
        c[3] = instant_text(cli, rows[i].expires_at);
        c[4] = rows[i].address;
        c[5] = rows[i].agent;
    }
    cli_table(cli, cells, n + 1, COLUMNS);
    return 0;
}

int cmd_account_sessions(struct cli *cli, struct error *err) {
    struct desk d = {0};
    struct account_session_row *rows = NULL;
    size_t n = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0 && cli_text(cli, "end")) rc = account_session_end(&d.seat, &cli->session, cli_int(cli, "end"), err);
    if (rc == 0 && cli_flag(cli, "end-all")) rc = account_sign_out_everywhere(&d.seat, &cli->session, login_of(cli), err);
    if (rc == 0) rc = account_sessions(&d.seat, &cli->session, login_of(cli), &cli->arena, &rows, &n, err);
    accounts_close(d.accounts);
    return rc < 0 ? rc : sessions_print(cli, rows, n, err);
}

int cmd_account_token(struct cli *cli, struct error *err) {
    struct desk d = {0};
    char region[REGION_MAX + 1] = "";
    char token[ACCOUNT_TOKEN + 1] = "";
    int64_t id = 0;
    struct account_token_wish w = {.login = login_of(cli), .name = text_of(cli_text(cli, "name")), .roles = list_of(cli, cli_text(cli, "roles")), .registers = list_of(cli, cli_text(cli, "registers")), .write = cli_flag(cli, "write"),
                                   .open = cli_flag(cli, "open"), .expires_at = cli->now + cli_int(cli, "days") * DAY_S};
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    w.region = text_of(region);
    /* who sits at the machine holds the key file: that is more than a second factor */
    struct account_who who = {.session = cli->session, .factor = true};
    if (rc == 0) rc = account_token_new(&d.seat, &who, &w, token, &id, err);
    accounts_close(d.accounts);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:s}", "id", (json_int_t)id, "token", token), err);
    cli_print(cli, "%s\n", token);
    cli_note(cli, cli->zh ? "令牌 %lld, 至 %s; 不再显示\n" : "token %lld until %s; it is not shown again\n", (long long)id, instant_text(cli, w.expires_at).s);
    return 0;
}

int cmd_account_tokens(struct cli *cli, struct error *err) {
    enum { COLUMNS = 8 };
    struct desk d = {0};
    struct account_token_row *rows = NULL;
    size_t n = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_tokens(&d.seat, &cli->session, login_of(cli), &cli->arena, &rows, &n, err);
    accounts_close(d.accounts);
    if (rc < 0) return rc;
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:I}", "id", (json_int_t)rows[i].id, "login", cli_json_text(rows[i].login), "name",
                                                  cli_json_text(rows[i].name), "roles", cli_json_text(rows[i].roles), "region", cli_json_text(rows[i].region), "registers",
                                                  cli_json_text(rows[i].registers), "write", (rows[i].verbs & 1u << ACCESS_WRITE) != 0, "open",
                                                  (rows[i].verbs & 1u << ACCESS_OPEN) != 0, "expires_at", (json_int_t)rows[i].expires_at));
        return cli_json(cli, list, err);
    }
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    if (!cells) return error_memory(err);
    const char *zh[COLUMNS] = {"编号", "账户", "用途", "角色", "区域", "权限", "到期", "最近使用"};
    const char *en[COLUMNS] = {"id", "account", "for", "roles", "region", "may", "ends", "last used"};
    for (size_t k = 0; k < COLUMNS; k++) cells[k] = text_of(cli_word(cli, zh[k], en[k]));
    for (size_t i = 0; i < n; i++) {
        const struct account_token_row *t = &rows[i];
        struct text *c = &cells[(i + 1) * COLUMNS];
        bool writes = t->verbs & 1u << ACCESS_WRITE, opens = t->verbs & 1u << ACCESS_OPEN;
        c[0] = text_of(arena_printf(&cli->arena, "%lld", (long long)t->id));
        c[1] = t->login;
        c[2] = t->name;
        c[3] = t->roles;
        c[4] = t->region;
        c[5] = text_of(arena_printf(&cli->arena, "%s%s%s%s%s", cli_word(cli, "读", "read"), writes ? cli_word(cli, "写", " write") : "",
                                    opens ? cli_word(cli, "开封", " open") : "", t->registers.n ? ": " : "", t->registers.s));
        c[6] = instant_text(cli, t->expires_at);
        c[7] = instant_text(cli, t->used_at);
    }
    cli_table(cli, cells, n + 1, COLUMNS);
    return 0;
}

int cmd_account_revoke(struct cli *cli, struct error *err) {
    struct desk d = {0};
    int64_t id = 0;
    if (!text_int(login_of(cli), &id)) return error_set(err, E_USAGE, "ID", "a token is named by its number / 令牌须用编号指明");
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_token_revoke(&d.seat, &cli->session, id, err);
    accounts_close(d.accounts);
    return done(cli, rc, "已撤销", "revoked", err);
}

int cmd_account_demo(struct cli *cli, struct error *err) {
    struct desk d = {0};
    struct account_demo *made = NULL;
    size_t n = 0;
    int rc = desk_open(cli, &d, err);
    if (rc == 0) rc = account_demo_make(&d.seat, &cli->session, &cli->arena, &made, &n, err);
    accounts_close(d.accounts);
    if (rc < 0) return rc;
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:o, s:s, s:s}", "role", cli_json_text(made[i].role), "login", made[i].login, "password", made[i].password));
        return cli_json(cli, list, err);
    }
    struct text *cells = arena_alloc(&cli->arena, n * 3 * sizeof *cells + 3 * sizeof *cells);
    if (!cells) return error_memory(err);
    cells[0] = text_of(cli_word(cli, "角色", "role"));
    cells[1] = text_of(cli_word(cli, "登录名", "login"));
    cells[2] = text_of(cli_word(cli, "密码", "password"));
    for (size_t i = 0; i < n; i++) {
        cells[3 * i + 3] = cli->zh ? made[i].title_zh : made[i].title_en;
        cells[3 * i + 4] = text_of(made[i].login);
        cells[3 * i + 5] = text_of(made[i].password);
    }
    cli_table(cli, cells, n + 1, 3);
    return 0;
}

/* Opens the house for a command: home folder, ledger, session. */

#include <string.h>

#include "base/near.h"
#include "desks/node.h"
#include "doors/cli/cli.h"
#include "ledger/record.h"

struct ledger_options cli_ledger_options(const struct cli *cli) {
    return (struct ledger_options){.dir = cli_text(cli, "data"), .home = cli->home, .zone_s = ZONE_CHINA_S};
}

/* --as ACCOUNT: its roles over its region. Without it the person at the keyboard owns the files and is root. */
struct account_search {
    struct cli *cli;
    struct text login, roles, region;
    int login_field, roles_field, active_field;
    bool found, active;
};

static int account_visit(const struct record *r, void *arg) {
    struct account_search *s = arg;
    if (!text_eq(value_view(r->values[s->login_field]), s->login)) return 0;
    s->found = true;
    s->active = s->active_field < 0 || value_int_or(r->values[s->active_field], 1);
    s->roles = arena_text(&s->cli->arena, value_view(r->values[s->roles_field]));
    s->region = arena_text(&s->cli->arena, r->region);
    return 1;
}

static int session_open(struct cli *cli, struct error *err) {
    static const struct grant root = {.role = {"root", 4}};
    const char *as = cli_text(cli, "as"), *purpose = cli_text(cli, "purpose"), *reason = cli_text(cli, "reason");
    cli->grants[0] = root;
    cli->session = (struct session){.account = text_of(as ? as : "root"), .grants = cli->grants, .n_grants = 1,
        .purpose = text_of(purpose), .reason = text_of(reason), .now = cli->now, .zh = cli->zh};
    if (!as || !strcmp(as, "root")) return 0;
    const struct register_decl *reg = register_find(cli->ledger->catalog, TEXT("account"));
    struct account_search search = {.cli = cli, .login = text_of(as)};
    if (!reg) return error_set(err, E_UNKNOWN, "account", "this catalog has no accounts");
    search.login_field = register_field(reg, TEXT("login"));
    search.roles_field = register_field(reg, TEXT("roles"));
    search.active_field = register_field(reg, TEXT("active"));
    if (search.login_field < 0 || search.roles_field < 0) return error_set(err, E_UNKNOWN, "account", "accounts need login and roles / 账户登记册须有 login 和 roles");
    struct record_filter all = {0};
    int rc = record_list(cli->ledger, cli->ledger->db, &cli->session, reg, &all, account_visit, &search, err);
    if (rc < 0) return rc;
    if (!search.found || !search.active) return error_set(err, E_DENIED, "--as", "no active account \"%.60s\" / 没有此账户或已停用", as);
    cli->session.n_grants = 0;
    for (size_t at = 0; at <= search.roles.n && cli->session.n_grants < sizeof cli->grants / sizeof *cli->grants;) {
        const char *end = at < search.roles.n ? memchr(search.roles.s + at, ';', search.roles.n - at) : NULL;
        size_t n = end ? (size_t)(end - search.roles.s) - at : search.roles.n - at;
        if (n) cli->grants[cli->session.n_grants++] = (struct grant){.role = {search.roles.s + at, n}, .region = search.region};
        at += n + 1;
    }
    return 0;
}

int cli_open(struct cli *cli, struct error *err) {
    if (!cli->home) return error_set(err, E_UNKNOWN, "TOCSIN_HOME", "registers/ is not beside the program; set TOCSIN_HOME to its folder / 程序旁没有 registers/,请设 TOCSIN_HOME");
    struct ledger_options o = cli_ledger_options(cli);
    int rc = ledger_open(&o, &cli->ledger, err);
    return rc < 0 ? rc : session_open(cli, err);
}

int register_unknown(const struct catalog *c, const char *name, struct error *err) {
    struct near near = {.typed = text_of(name)};
    for (size_t i = 0; i < c->n_registers; i++) near_try(&near, c->registers[i].name);
    int rc = error_set(err, E_UNKNOWN, "REGISTER", "no register \"%.40s\"; see tocsin help registers / 没有该登记册,见 tocsin help registers", name);
    near_tell(&near, err);
    return rc;
}

int cli_register(struct cli *cli, const char *name, const struct register_decl **ret, struct error *err) {
    const struct catalog *c = cli->ledger->catalog;
    const struct register_decl *reg = register_find(c, text_of(name));
    return reg ? *ret = reg, 0 : register_unknown(c, name, err);
}

int cli_region(struct cli *cli, char out[REGION_MAX + 1], struct error *err) {
    const char *code = cli_text(cli, "region");
    *out = '\0';
    if (!code) return 0;
    if (!region_canonical(text_of(code), out)) return error_set(err, E_INVALID, "--region", "\"%.30s\" is no region code / 不是行政区划代码", code);
    return cli->ledger ? node_region(cli->ledger, text_of(out), err) : 0;
}

int cli_catalog(struct cli *cli, struct catalog **ret, struct error *err) {
    if (!cli->home) return error_set(err, E_UNKNOWN, "TOCSIN_HOME", "registers/ is not beside the program; set TOCSIN_HOME to its folder / 程序旁没有 registers/,请设 TOCSIN_HOME");
    char *registers = arena_printf(&cli->arena, "%s/registers", cli->home), *codes = arena_printf(&cli->arena, "%s/codes", cli->home);
    if (!registers || !codes) return error_set(err, E_MEMORY, NULL, "out of memory for a path");
    return catalog_load(registers, codes, ret, err);
}

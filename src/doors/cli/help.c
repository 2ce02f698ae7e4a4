/* Pages derived from the table of commands and the list of errors. */
#include <stdio.h>
#include <string.h>

#include "doors/cli/commands.h"
#include "doors/http/route.h"

static void usage(struct buf *out, const struct command *c) {
    buf_printf(out, "tocsin %s", c->name);
    for (const struct cli_argument *a = c->arguments; a->name; a++) buf_printf(out, a->optional ? " [%s]" : " %s", a->name);
    for (const struct cli_option *o = c->options; o->name; o++) {
        buf_printf(out, " [--%s", o->name);
        if (o->choices) buf_printf(out, " %s", o->choices);
        else if (o->value) buf_printf(out, " %s", o->value);
        buf_str(out, "]");
    }
}

static void pad(struct buf *out, size_t from, size_t width) {
    for (size_t n = out->n - from; n < width; n++) buf_char(out, ' ');
}

static void option_lines(struct buf *out, const struct cli_option *o, bool zh) {
    for (; o->name; o++) {
        size_t from = out->n;
        buf_printf(out, "  --%s %s", o->name, o->choices ? o->choices : o->value ? o->value : "");
        pad(out, from, 28);
        buf_printf(out, " %s", zh ? o->zh : o->en);
        if (o->fallback) buf_printf(out, " (%s)", o->fallback);
        buf_str(out, "\n");
    }
}

void help_overview(struct cli *cli) {
    struct buf *out = &cli->out;
    buf_str(out, cli_word(cli, "Tocsin 警钟:疫情防控指挥部的工作系统\n\n", "Tocsin: the working system of an epidemic command centre\n\n"));
    for (const struct command *c = cli_commands; c->name; c++) {
        size_t from = out->n;
        buf_printf(out, "  %s", c->name);
        pad(out, from, 18);
        buf_printf(out, " %s\n", cli_word(cli, c->zh, c->en));
    }
    buf_str(out, cli_word(cli, "\n每个命令都可用:\n", "\nEvery command takes:\n"));
    option_lines(out, cli_common, cli->zh);
    buf_str(out, cli_word(cli, "\n详见 tocsin help COMMAND\n", "\ntocsin help COMMAND says more\n"));
}

void help_command(struct cli *cli, const struct command *c) {
    struct buf *out = &cli->out;
    usage(out, c);
    buf_printf(out, "\n\n%s\n\n", cli_word(cli, c->zh, c->en));
    for (const struct cli_argument *a = c->arguments; a->name; a++) {
        size_t from = out->n;
        buf_printf(out, "  %s", a->name);
        pad(out, from, 28);
        buf_printf(out, " %s\n", cli_word(cli, a->zh, a->en));
    }
    option_lines(out, c->options, cli->zh);
    option_lines(out, cli_common, cli->zh);
    if (c->example) buf_printf(out, "\n  %s\n", c->example);
}

/* A cell of a Markdown table may not hold a bare bar. */
static void cell(struct buf *out, const char *s) {
    for (; *s; s++) {
        if (*s == '|') buf_char(out, '\\');
        buf_char(out, *s);
    }
}

static void markdown_options(struct buf *out, const struct cli_option *o) {
    if (!o->name) return;
    buf_str(out, "\n| option | | 说明 |\n| --- | --- | --- |\n");
    for (; o->name; o++) {
        buf_printf(out, "| `--%s", o->name);
        if (o->choices || o->value) buf_char(out, ' ');
        cell(out, o->choices ? o->choices : o->value ? o->value : "");
        buf_str(out, "` | ");
        cell(out, o->en);
        if (o->fallback) buf_printf(out, " (default `%s`)", o->fallback);
        buf_str(out, " | ");
        cell(out, o->zh);
        buf_str(out, " |\n");
    }
}

void help_markdown(struct buf *out) {
    buf_str(out, "# Commands 命令\n\nWritten by `make docs` from the table in src/doors/cli/commands.c; a test fails when it is out of date.\n\n"
                 "Every listing takes `--json`; every command takes the options of the last table. Exit codes: [errors.md](errors.md).\n"
                 "Bash completion: `source <(tocsin help --format bash)`.\n");
    for (const struct command *c = cli_commands; c->name; c++) {
        buf_printf(out, "\n## `%s`\n\n%s\n%s\n\n    ", c->name, c->en, c->zh);
        usage(out, c);
        buf_str(out, "\n");
        if (c->example) buf_printf(out, "    %s\n", c->example);
        if (c->arguments[0].name) {
            buf_str(out, "\n| argument | | 说明 |\n| --- | --- | --- |\n");
            for (const struct cli_argument *a = c->arguments; a->name; a++) buf_printf(out, "| `%s` | %s | %s |\n", a->name, a->en, a->zh);
        }
        markdown_options(out, c->options);
    }
    buf_str(out, "\n## Common options 通用选项\n");
    markdown_options(out, cli_common);
}

void help_errors(struct buf *out) {
    buf_str(out, "# Errors 错误\n\nWritten by `make docs` from the one list in src/base/error.h; a test fails when it is out of date.\n"
                 "A failing command prints one line, `tocsin: where: what and why`, on standard error and exits with the code below.\n\n"
                 "| error | exit | HTTP | meaning | 含义 |\n| --- | --- | --- | --- | --- |\n");
#define X(name, value, exit_code, http, en, zh) buf_printf(out, "| `%s` | %d | %d | %s | %s |\n", #name, exit_code, http, en, zh);
    ERROR_MAP(X)
#undef X
}

void help_completion(struct buf *out) {
    buf_str(out, "# bash completion of tocsin, made by: tocsin help --format bash\n_tocsin() {\n"
                 "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words\n    case \"$prev\" in\n");
    for (const struct command *c = cli_commands; c->name; c++)
        for (const struct cli_option *o = c->options; o->name; o++) {
            bool seen = false; /* the first of a name speaks for all */
            for (const struct command *d = cli_commands; d != c && !seen; d++)
                for (const struct cli_option *e = d->options; e->name; e++) seen |= !strcmp(e->name, o->name);
            if (seen) continue;
            if (o->type == CLI_FILE) buf_printf(out, "    --%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", o->name);
            if (o->type == CLI_FOLDER) buf_printf(out, "    --%s) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n", o->name);
        }
    buf_str(out, "    --data) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n    --lang) COMPREPLY=($(compgen -W \"zh en\" -- \"$cur\")); return ;;\n    esac\n"
                 "    case \"${COMP_WORDS[1]:-} ${COMP_WORDS[2]:-}\" in\n");
    for (int two = 1; two >= 0; two--)
        for (const struct command *c = cli_commands; c->name; c++) {
            if (!strchr(c->name, ' ') != !two) continue;
            buf_printf(out, two ? "    \"%s\") words=\"" : "    \"%s \"*) words=\"", c->name);
            for (const struct cli_option *o = c->options; o->name; o++) buf_printf(out, "--%s ", o->name);
            for (const struct cli_option *o = cli_common; o->name; o++) buf_printf(out, "--%s ", o->name);
            buf_str(out, "\" ;;\n");
        }
    buf_str(out, "    \"policy \"*) words=\"list show check diff adopt\" ;;\n    \"person \"*) words=\"show merge unmerge erase\" ;;\n    *) words=\"");
    for (const struct command *c = cli_commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        size_t n = space ? (size_t)(space - c->name) : strlen(c->name);
        if (c != cli_commands && strlen(c[-1].name) > n && !strncmp(c[-1].name, c->name, n) && c[-1].name[n] == ' ' && space) continue;
        buf_printf(out, "%.*s ", (int)n, c->name);
    }
    buf_str(out, "\" ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                 "    [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- \"$cur\"))\n    return 0\n}\ncomplete -F _tocsin tocsin\n");
}

static int help_openapi(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    int rc = cli_catalog(cli, &c, err);
    if (rc == 0) rc = openapi_write(c, &cli->out, err);
    catalog_free(c);
    return rc;
}

static int commands_json(struct cli *cli, struct error *err) {
    json_t *list = json_array();
    for (const struct command *c = cli_commands; c->name; c++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "command", c->name, "zh", c->zh, "en", c->en, "example", c->example));
    return cli_json(cli, json_pack("{s:o}", "commands", list), err);
}

int cmd_help(struct cli *cli, struct error *err) {
    const char *format = cli_text(cli, "format"), *first = cli_argument(cli, 0), *second = cli_argument(cli, 1);
    int words = 1;
    if (!strcmp(format, "markdown")) return help_markdown(&cli->out), 0;
    if (!strcmp(format, "errors")) return help_errors(&cli->out), 0;
    if (!strcmp(format, "routes")) return routes_markdown(&cli->out), 0;
    if (!strcmp(format, "openapi")) return help_openapi(cli, err);
    if (!strcmp(format, "bash")) return help_completion(&cli->out), 0;
    if (!first && cli->json) return commands_json(cli, err);
    if (!first) return help_overview(cli), 0;
    if (!strcmp(first, "registers")) return help_registers(cli, second, err);
    const struct command *c = command_find(first, second ? second : "", &words);
    bool any = c != NULL;
    if (c) help_command(cli, c);
    for (c = cli_commands; !any && c->name; c++) { /* "help policy": all its verbs */
        size_t n = strlen(first);
        if (strncmp(c->name, first, n) || c->name[n] != ' ') continue;
        help_command(cli, c);
        cli_print(cli, "\n");
    }
    for (c = cli_commands; !any && c->name; c++) any = !strncmp(c->name, first, strlen(first)) && c->name[strlen(first)] == ' ';
    return any ? 0 : command_unknown(first, second ? second : "", err);
}

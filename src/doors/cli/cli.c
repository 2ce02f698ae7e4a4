/* Parses a command line by the table, runs the handler, prints an error as one line. */
#include "doors/cli/cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/near.h"

static size_t option_count(const struct cli_option *list) {
    size_t n = 0;
    while (list[n].name) n++;
    return n;
}

/* Index into cli->values, and its declaration. */
static int option_find(const struct command *c, struct text name, const struct cli_option **ret) {
    size_t own = option_count(c->options);
    for (size_t i = 0; i < own; i++)
        if (text_is(name, c->options[i].name)) return *ret = &c->options[i], (int)i;
    for (size_t i = 0; cli_common[i].name; i++)
        if (text_is(name, cli_common[i].name)) return *ret = &cli_common[i], (int)(own + i);
    return -1;
}

const char *cli_text(const struct cli *cli, const char *option) {
    const struct cli_option *o = NULL;
    int i = option_find(cli->command, text_of(option), &o);
    if (i < 0) return NULL;
    return cli->values[i] ? cli->values[i] : o->fallback;
}

bool cli_flag(const struct cli *cli, const char *option) {
    const struct cli_option *o = NULL;
    int i = option_find(cli->command, text_of(option), &o);
    return i >= 0 && cli->values[i];
}

int64_t cli_int(const struct cli *cli, const char *option) {
    int64_t v = 0;
    return text_int(text_of(cli_text(cli, option)), &v) ? v : 0;
}

const char *cli_argument(const struct cli *cli, size_t i) {
    return i < cli->n_arguments ? cli->arguments[i] : NULL;
}

int cli_day(const struct cli *cli, const char *name, const char *value, day *ret, struct error *err) {
    int32_t zone = cli->ledger ? cli->ledger->zone_s : ZONE_CHINA_S;
    if (!strcmp(value, "today")) return *ret = day_of_instant(cli->now, zone), 0;
    if (!strcmp(value, "yesterday")) return *ret = day_of_instant(cli->now, zone) - 1, 0;
    if (day_parse(text_of(value), ret)) return 0;
    return error_set(err, E_USAGE, name, "\"%.40s\" is no date; write it as 2022-05-30 / 不是日期,应写作 2022-05-30", value);
}

/* ---- parsing */

static bool one_of(const char *choices, const char *value) {
    size_t n = strlen(value);
    for (const char *p = choices; p; p = strchr(p, '|')) {
        if (*p == '|') p++;
        if (!strncmp(p, value, n) && (p[n] == '|' || !p[n])) return true;
    }
    return false;
}

static int value_check(const struct cli_option *o, const char *value, struct error *err) {
    char where[64];
    int64_t n, from, to;
    day d;
    instant t;
    snprintf(where, sizeof where, "--%s", o->name);
    if (o->type == CLI_INT && !text_int(text_of(value), &n)) return error_set(err, E_USAGE, where, "\"%.40s\" is no whole number / 不是整数", value);
    if (o->type == CLI_INT && o->choices && sscanf(o->choices, "%" SCNd64 "..%" SCNd64, &from, &to) == 2 && (n < from || n > to))
        return error_set(err, E_USAGE, where, "%" PRId64 " to %" PRId64 " / 应为 %" PRId64 " 至 %" PRId64, from, to, from, to);
    if (o->type == CLI_DATE && strcmp(value, "today") && strcmp(value, "yesterday") && !day_parse(text_of(value), &d))
        return error_set(err, E_USAGE, where, "\"%.40s\" is no date; write it as 2022-05-30 / 不是日期,应写作 2022-05-30", value);
    if (o->type == CLI_INSTANT && !instant_parse(text_of(value), ZONE_CHINA_S, &t))
        return error_set(err, E_USAGE, where, "\"%.40s\" is no time; write it as 2022-05-30T17:00 / 不是时间,应写作 2022-05-30T17:00", value);
    if (o->type == CLI_CHOICE && !one_of(o->choices, value))
        return error_set(err, E_USAGE, where, "\"%.40s\" is none of %s / 可选: %s", value, o->choices, o->choices);
    return 0;
}

static int option_unknown(const struct command *c, struct text name, const char *where, struct error *err) {
    struct near near = {.typed = name};
    for (size_t i = 0; i < option_count(c->options); i++) near_try(&near, text_of(c->options[i].name));
    for (size_t i = 0; cli_common[i].name; i++) near_try(&near, text_of(cli_common[i].name));
    int rc = error_set(err, E_USAGE, where, "no such option of \"%s\"; see tocsin help %s / 没有此选项,见 tocsin help", c->name, c->name);
    near_tell(&near, err);
    return rc;
}

/* "--name value", "--name=value" or "--flag" at argv[*i]. */
static int option_take(struct cli *cli, int argc, char **argv, int *i, struct error *err) {
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    struct text name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct cli_option *o = NULL;
    char where[80];
    snprintf(where, sizeof where, "--%.*s", (int)(name.n < 60 ? name.n : 60), name.s);
    int k = option_find(cli->command, name, &o);
    if (k < 0) return option_unknown(cli->command, name, where, err);
    if (cli->values[k] && o->type != CLI_LIST) return error_set(err, E_USAGE, where, "given twice / 重复给出");
    if (o->type == CLI_FLAG) {
        if (equals) return error_set(err, E_USAGE, where, "takes no value / 此选项不带值");
        cli->values[k] = "";
        return 0;
    }
    if (!equals && *i + 1 >= argc) return error_set(err, E_USAGE, where, "needs a value: %s / 缺少取值", o->value);
    const char *value = equals ? equals + 1 : argv[++*i];
    int rc = value_check(o, value, err);
    if (rc == 0 && cli->values[k] && !(value = arena_printf(&cli->arena, "%s,%s", cli->values[k], value))) rc = error_set(err, E_MEMORY, where, "out of memory / 内存不足");
    if (rc == 0) cli->values[k] = value;
    return rc;
}

static int arguments_check(const struct cli *cli, struct error *err) {
    const struct cli_argument *a = cli->command->arguments;
    size_t n = 0;
    bool many = false;
    for (; a[n].name && !many; n++) {
        many = strstr(a[n].name, "...") != NULL;
        if (n >= cli->n_arguments && !a[n].optional)
            return error_set(err, E_USAGE, a[n].name, "missing; see tocsin help %s / 缺少此参数,见 tocsin help", cli->command->name);
    }
    if (!many && cli->n_arguments > n)
        return error_set(err, E_USAGE, cli->command->name, "\"%.60s\" is one argument too many / 多余的参数", cli->arguments[n]);
    return 0;
}

/* "tocsin record case --help" is "tocsin help record". */
static bool help_asked(struct cli *cli, int argc, char **argv) {
    int at = 2, words = 1;
    while (at < argc && strcmp(argv[at], "--") && strcmp(argv[at], "--help") && strcmp(argv[at], "-h")) at++;
    if (at >= argc || !strcmp(argv[at], "--")) return false;
    const struct command *c = command_find(argv[1], argv[2], &words);
    cli->arguments[cli->n_arguments++] = argv[1];
    if (c && words == 2) cli->arguments[cli->n_arguments++] = argv[2];
    cli->command = command_find("help", "", &words);
    return true;
}

static int parse(struct cli *cli, int argc, char **argv, struct error *err) {
    int words = 1;
    if (help_asked(cli, argc, argv)) return 0;
    cli->command = command_find(argc > 1 ? argv[1] : "help", argc > 2 ? argv[2] : "", &words);
    if (!cli->command) return command_unknown(argv[1], argc > 2 ? argv[2] : "", err);
    bool options_end = false;
    int rc = 0;
    for (int i = 1 + words; rc == 0 && i < argc; i++) {
        if (!options_end && !strcmp(argv[i], "--")) options_end = true;
        else if (!options_end && !strncmp(argv[i], "--", 2)) rc = option_take(cli, argc, argv, &i, err);
        else if (cli->n_arguments == CLI_ARGUMENTS_MAX) rc = error_set(err, E_USAGE, cli->command->name, "more than %d arguments / 参数过多", CLI_ARGUMENTS_MAX);
        else cli->arguments[cli->n_arguments++] = argv[i];
    }
    return rc < 0 ? rc : arguments_check(cli, err);
}

/* Language: --lang, else the environment, else English. Looked for before parsing, so that a wrong call is explained in it too. */
static bool speaks_chinese(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--lang") && i + 1 < argc) return !strcmp(argv[i + 1], "zh");
        if (!strncmp(argv[i], "--lang=", 7)) return !strcmp(argv[i] + 7, "zh");
    }
    const char *names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v) return !strncmp(v, "zh", 2);
    }
    return false;
}

/* The place in the asker's words: a field by its title. */
static void print_where(const struct cli *cli, const char *where) {
    const struct register_decl *reg = cli->zh && cli->ledger && cli->n_arguments ? register_find(cli->ledger->catalog, text_of(cli->arguments[0])) : NULL;
    int f = reg ? register_field(reg, text_of(where)) : -1;
    char place[2 * ERROR_WHERE_MAX];
    error_place(where, cli->zh, place, sizeof place);
    if (f >= 0 && reg->fields[f].zh.n) fprintf(stderr, "%s(%s): ", reg->fields[f].zh.s, where);
    else fprintf(stderr, "%s: ", place);
}

static void print_error(const struct cli *cli, int code, const struct error *err) {
    char words[ERROR_MESSAGE_MAX + 200];
    error_words(code, err->code ? err->message : error_text(code), cli->zh, words, sizeof words);
    fprintf(stderr, "tocsin: ");
    if (err->where[0]) print_where(cli, err->where);
    fprintf(stderr, "%s\n", words);
}

int cli_main(int argc, char **argv) {
    static struct cli call; /* large; one call a process */
    struct cli *cli = &call;
    struct error err = {0};
    memset(cli, 0, sizeof *cli);
    cli->zh = speaks_chinese(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    int rc = digest_init(&err);
    if (rc == 0) rc = parse(cli, argc, argv, &err);
    if (rc == 0) {
        cli->json = cli_flag(cli, "json");
        cli->home = ledger_home(&cli->arena, NULL);
        cli->now = instant_now();
        const char *at = cli_text(cli, "at");
        if (at) instant_parse(text_of(at), ZONE_CHINA_S, &cli->now);
        rc = cli->command->run(cli, &err);
    }
    int flushed = cli_flush(cli, rc < 0 ? NULL : &err);
    if (rc == 0) rc = flushed;
    if (rc < 0 && !cli->broken_pipe) print_error(cli, rc, &err);
    ledger_close(cli->ledger);
    buf_clear(&cli->out);
    arena_clear(&cli->arena);
    return error_exit(rc);
}

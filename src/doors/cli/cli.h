/* doors/cli: the command line. Commands are one table (commands.c); parsing, help, completion, docs/commands.md and the tests derive from
 * it. A handler gets what was parsed and checked, calls a desk or the ledger, and prints through cli_print; it returns 0 or an
 * error, which cli_main turns into one line on standard error and an exit code of the one list (base/error.h). */
#ifndef TOCSIN_DOORS_CLI_CLI_H
#define TOCSIN_DOORS_CLI_CLI_H

#include <jansson.h>

#include "ledger/record.h"
#include "ledger/region.h"

enum { CLI_ARGUMENTS_MAX = 512, CLI_OPTIONS_MAX = 24 };

enum cli_type {
    CLI_FLAG,    /* no value */
    CLI_TEXT,
    CLI_INT,
    CLI_DATE,    /* 2022-05-30 */
    CLI_INSTANT, /* 2022-05-30T17:00 */
    CLI_CHOICE,  /* one of `choices` */
    CLI_FILE,    /* a path; completed as one */
    CLI_FOLDER,
    CLI_LIST,    /* text; may be given several times: joined with commas */
};

struct cli_option {
    const char *name;     /* without the dashes */
    enum cli_type type;
    const char *value;    /* what stands for the value in help: "FILE"; flags have none */
    const char *fallback; /* NULL: none */
    const char *choices;  /* "csv|xlsx" for CLI_CHOICE, "1..366" for CLI_INT; NULL: any */
    const char *zh, *en;
};

struct cli_argument {
    const char *name;     /* "REGISTER"; ends in "..." when it may be repeated */
    bool optional;
    enum cli_type type;
    const char *zh, *en;
};

struct cli;
struct command {
    const char *name;     /* one word, or two: "policy show" */
    const char *zh, *en;  /* one sentence */
    int (*run)(struct cli *cli, struct error *err);
    struct cli_argument arguments[4]; /* ended by an empty name */
    struct cli_option options[12];    /* ended by an empty name */
    const char *example;  /* "tocsin due --overdue" */
};

/* One call of a command. */
struct cli {
    const struct command *command;
    size_t n_arguments;
    const char *arguments[CLI_ARGUMENTS_MAX];       /* borrowed from argv */
    const char *values[CLI_OPTIONS_MAX];            /* by option: own ones first, then the common ones; NULL not given */
    bool json, zh;
    instant now;         /* --at, else the clock */
    const char *home;    /* where registers/, codes/ and policies/ are */
    struct arena arena;
    struct ledger *ledger;  /* after cli_open */
    struct grant grants[64];
    struct text roles;
    struct session session;
    struct buf out;
    bool broken_pipe;
};

/* Runs one command line; returns the exit code. Prints to the two streams only. */
int cli_main(int argc, char **argv);

/* ---- what was asked; the names must be in the command's table */
const char *cli_text(const struct cli *cli, const char *option);      /* NULL when not given and without fallback */
bool cli_flag(const struct cli *cli, const char *option);
int64_t cli_int(const struct cli *cli, const char *option);           /* 0 when not given */
const char *cli_argument(const struct cli *cli, size_t i);            /* NULL when not given */
int cli_day(const struct cli *cli, const char *name, const char *value, day *ret, struct error *err);

/* ---- the house */
/* Opens the ledger of --data and makes the session of --as. Closed by cli_main. */
int cli_open(struct cli *cli, struct error *err);
struct ledger_options cli_ledger_options(const struct cli *cli);
/* The catalog alone, for commands that need no data folder. Owned: catalog_free. */
int cli_catalog(struct cli *cli, struct catalog **ret, struct error *err);
/* A register by name; E_UNKNOWN says which was probably meant. */
int cli_register(struct cli *cli, const char *name, const struct register_decl **ret, struct error *err);
/* --region in canonical form, empty when it is not given; E_INVALID for what is no code, and, when the ledger is open, node_region's E_UNKNOWN. */
int cli_region(struct cli *cli, char out[REGION_MAX + 1], struct error *err);
int register_unknown(const struct catalog *c, const char *name, struct error *err); /* E_UNKNOWN */

/* cmd_show.c: a record by id, number or outside key; its cells printed, or put into a JSON object. */
struct export_names;
int cli_record(struct cli *cli, const struct register_decl *reg, const char *word, struct record *ret, struct error *err);
int cli_show_record(struct cli *cli, struct export_names *names, struct record *r, json_t *into, struct error *err);

/* ---- printing */
void cli_print(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_write(struct cli *cli, struct text t);
void cli_note(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3))); /* to standard error */
int cli_flush(struct cli *cli, struct error *err);
/* Takes the reference to j. Pretty, sorted as built, one value and a line end. */
int cli_json(struct cli *cli, json_t *j, struct error *err);
json_t *cli_json_text(struct text t);
size_t cli_width(struct text t); /* cells on a terminal; East Asian characters take two */
/* "1d6h", "-30m"; in Chinese "1天6小时". In the arena; "" without memory. */
const char *cli_duration(struct cli *cli, int64_t seconds);
/* What is done to a record, as the journal says it (cmd_journal.c); the title of a state. */
const char *cli_verb(const struct cli *cli, int verb);
struct text cli_state(const struct cli *cli, const struct register_decl *reg, struct text state);
/* What a desk is called; the word of its declaration when nobody has named it. */
struct text cli_desk(const struct cli *cli, struct text desk);
/* Rows of texts, row by row; the first row is the header. Column widths fit; numbers stay right. Never wider than needed. */
void cli_table(struct cli *cli, const struct text *cells, size_t rows, size_t columns);
/* The word for the language of the call. */
static inline const char *cli_word(const struct cli *cli, const char *zh, const char *en) {
    return cli->zh ? zh : en;
}

/* ---- the table */
extern const struct command cli_commands[];   /* ended by an empty name */
extern const struct cli_option cli_common[];  /* ended by an empty name: every command takes these */
const struct command *command_find(const char *first, const char *second, int *ret_words);
int command_unknown(const char *first, const char *second, struct error *err); /* E_USAGE, and which was probably meant */

/* ---- help.c: pages derived from the table */
void help_overview(struct cli *cli);
void help_command(struct cli *cli, const struct command *c);
void help_markdown(struct buf *out);   /* docs/commands.md */
int help_registers(struct cli *cli, const char *name, struct error *err); /* those there are, or the fields of one */
void help_errors(struct buf *out);     /* docs/errors.md */
void help_completion(struct buf *out); /* bash */

#endif

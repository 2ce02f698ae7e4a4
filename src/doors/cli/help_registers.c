/* "help registers": what may stand for REGISTER and FIELD in a command, from the declarations. */
#include <string.h>

#include "doors/cli/commands.h"
#include "ledger/catalog.h"

enum { COLUMNS = 4 };

static struct text of(struct cli *cli, struct text zh, struct text en) {
    return cli->zh || !en.n ? zh : en;
}

/* "code of disease", "reference to person"; the unit where there is one. */
static struct text type_words(struct cli *cli, const struct field *f) {
    const char *type = register_type_names[f->type];
    struct text more = f->codes ? f->codes->name : f->type == FIELD_REFERENCE ? f->target : f->unit;
    const char *words = arena_printf(&cli->arena, more.n ? "%s, %.*s" : "%s", type, (int)more.n, more.s);
    return text_of(words);
}

static int print(struct cli *cli, const struct catalog *c, const struct register_decl *reg, struct error *err) {
    size_t n = reg ? reg->n_fields : c->n_registers, rows = 1;
    struct text *cells = arena_alloc(&cli->arena, (n + 1) * COLUMNS * sizeof *cells);
    if (!cells) return error_memory(err);
    const struct text head[2][COLUMNS] = {{TEXT("register"), text_of(cli_word(cli, "名称", "title")), text_of(cli_word(cli, "台", "desk")), text_of(cli_word(cli, "字段", "fields"))},
                                          {TEXT("field"), text_of(cli_word(cli, "名称", "title")), text_of(cli_word(cli, "类型", "type")), text_of(cli_word(cli, "说明", "note"))}};
    memcpy(cells, head[reg != NULL], sizeof *head);
    for (size_t i = 0; i < n; i++, rows++) {
        const struct register_decl *r = reg ? reg : &c->registers[i];
        const struct field *f = reg ? &r->fields[i] : NULL;
        const char *last = f ? (f->required ? cli_word(cli, f->sealed ? "必填,加密" : "必填", f->sealed ? "required, sealed" : "required") : f->sealed ? cli_word(cli, "加密", "sealed") : "")
                             : arena_printf(&cli->arena, "%zu", r->n_fields);
        const struct text row[COLUMNS] = {f ? f->name : r->name, f ? of(cli, f->zh, f->en) : of(cli, r->zh, r->en), f ? type_words(cli, f) : r->desk, text_of(last)};
        memcpy(cells + rows * COLUMNS, row, sizeof row);
    }
    cli_table(cli, cells, rows, COLUMNS);
    return 0;
}

static int print_json(struct cli *cli, const struct catalog *c, const struct register_decl *reg, struct error *err) {
    json_t *list = json_array();
    for (size_t i = 0; !reg && i < c->n_registers; i++) {
        const struct register_decl *r = &c->registers[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:I}", "register", cli_json_text(r->name), "zh", cli_json_text(r->zh), "en", cli_json_text(r->en), "desk", cli_json_text(r->desk),
                                              "fields", (json_int_t)r->n_fields));
    }
    for (size_t i = 0; reg && i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:b, s:b}", "field", cli_json_text(f->name), "zh", cli_json_text(f->zh), "en", cli_json_text(f->en), "type", register_type_names[f->type],
                                              "codes", f->codes ? cli_json_text(f->codes->name) : json_null(), "target", f->target.n ? cli_json_text(f->target) : json_null(), "required", f->required, "sealed", f->sealed));
    }
    return cli_json(cli, json_pack("{s:o}", reg ? "fields" : "registers", list), err);
}

int help_registers(struct cli *cli, const char *name, struct error *err) {
    struct catalog *c = NULL;
    int rc = cli_catalog(cli, &c, err);
    if (rc < 0) return rc;
    const struct register_decl *reg = name ? register_find(c, text_of(name)) : NULL;
    if (name && !reg) rc = register_unknown(c, name, err);
    else rc = cli->json ? print_json(cli, c, reg, err) : print(cli, c, reg, err);
    catalog_free(c);
    return rc;
}

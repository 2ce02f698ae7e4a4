/* doubles: records that are probably one, to be settled. */
#include "desks/doubles.h"
#include "doors/cli/commands.h"

enum { COLUMNS = 5 };

struct listing {
    struct cli *cli;
    struct text *cells;
    size_t rows;
    json_t *json;
};

static json_t *side(const struct cli *cli, const struct record *r, const struct similar *rule) {
    struct buf date = {0};
    field_format(&r->reg->fields[rule->within], r->values[rule->within], cli->ledger->zone_s, &date);
    json_t *j = json_pack("{s:I, s:o, s:o, s:o, s:o}", "id", (json_int_t)r->id, "number", cli_json_text(r->number), "state", cli_json_text(r->state), "region",
                          cli_json_text(r->region), "date", cli_json_text(buf_view(&date)));
    buf_clear(&date);
    return j;
}

static struct text named(struct cli *cli, const struct record *r) {
    return text_of(r->number.n ? arena_printf(&cli->arena, "%lld %.*s", (long long)r->id, (int)r->number.n, r->number.s)
                               : arena_printf(&cli->arena, "%lld", (long long)r->id));
}

static struct text dated(struct cli *cli, const struct record *r, const struct similar *rule) {
    struct buf date = {0};
    field_format(&r->reg->fields[rule->within], r->values[rule->within], cli->ledger->zone_s, &date);
    struct text t = arena_text(&cli->arena, buf_view(&date));
    buf_clear(&date);
    return t;
}

static int pair_print(const struct double_pair *p, void *arg) {
    struct listing *x = arg;
    struct cli *cli = x->cli;
    if (x->json) {
        json_array_append_new(x->json, json_pack("{s:o, s:o, s:s, s:s}", "earlier", side(cli, p->earlier, p->rule), "later", side(cli, p->later, p->rule), "why",
                                                 p->rule->en.s, "why_zh", p->rule->zh.s));
        return 0;
    }
    struct text *row = x->cells + x->rows++ * COLUMNS;
    row[0] = named(cli, p->earlier);
    row[1] = dated(cli, p->earlier, p->rule);
    row[2] = named(cli, p->later);
    row[3] = dated(cli, p->later, p->rule);
    row[4] = cli->zh ? p->rule->zh : p->rule->en;
    return 0;
}

int cmd_doubles(struct cli *cli, struct error *err) {
    static const char *const zh[COLUMNS] = {"先登记", "日期", "后登记", "日期", "原因"};
    static const char *const en[COLUMNS] = {"earlier", "date", "later", "date", "why"};
    const struct register_decl *reg = NULL;
    int64_t limit = cli_int(cli, "limit");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    char region[REGION_MAX + 1];
    if (rc == 0) rc = cli_region(cli, region, err);
    if (rc < 0) return rc;
    struct listing x = {.cli = cli, .rows = 1, .json = cli->json ? json_array() : NULL};
    x.cells = cli->json ? NULL : arena_alloc(&cli->arena, ((size_t)limit + 1) * COLUMNS * sizeof *x.cells);
    if (!x.json && !x.cells) return error_memory(err);
    for (size_t k = 0; x.cells && k < COLUMNS; k++) x.cells[k] = text_of(cli->zh ? zh[k] : en[k]);
    rc = doubles_list(cli->ledger, NULL, &cli->session, reg, text_of(region), (size_t)limit, pair_print, &x, err);
    if (rc == 0 && x.json) return cli_json(cli, json_pack("{s:o}", "doubles", x.json), err);
    if (rc == 0 && x.rows > 1) cli_table(cli, x.cells, x.rows, COLUMNS);
    if (rc == 0 && x.rows == 1) cli_print(cli, cli->zh ? "没有待核的疑似重复\n" : "no doubles\n");
    json_decref(x.json);
    return rc;
}

/* init, record, export, template. */
#include <stdio.h>
#include <string.h>

#include "desks/export/export.h"
#include "desks/node.h"
#include "desks/person.h"
#include "desks/plan.h"
#include "doors/cli/commands.h"
#include "ledger/number.h"

/* Packs beyond the first, from "a,b,c": one a disease. */
static int adopt_more(struct cli *cli, const char *list, day from, struct error *err) {
    int rc = 0;
    for (const char *p = list ? strchr(list, ',') : NULL; rc == 0 && p; p = strchr(p, ',')) {
        const char *end = strchr(++p, ',');
        struct plan_adoption a = {.pack = {p, end ? (size_t)(end - p) : strlen(p)}, .from = from, .reason = TEXT("init")};
        int64_t id = 0;
        rc = plan_adopt(cli->ledger, &cli->session, &a, &id, NULL, err);
    }
    return rc;
}

/* For good: only a node that was born so has demonstration accounts. */
static int mark_demo(struct cli *cli, struct error *err) {
    int rc = cli->ledger ? 0 : cli_open(cli, err);
    if (rc == 0) rc = ledger_begin(cli->ledger, err);
    if (rc < 0) return rc;
    return ledger_end(cli->ledger, ledger_set(cli->ledger, "demo", TEXT("1"), err), cli->now, err);
}

int cmd_init(struct cli *cli, struct error *err) {
    const char *packs = cli_text(cli, "policy"), *from = cli_text(cli, "from"), *store = cli_text(cli, "store");
    struct node_options o = {.ledger = cli_ledger_options(cli), .now = cli->now, .account = TEXT("root"), .zh = cli->zh};
    struct node_report report = {0};
    char first[64] = "";
    day on = day_of_instant(cli->now, ZONE_CHINA_S);
    if (from && cli_day(cli, "--from", from, &on, err) < 0) return err->code;
    if (!cli_text(cli, "region")) return error_set(err, E_USAGE, "--region", "a node answers for a region: --region CODE / 须指明本级行政区划: --region CODE");
    o.from = from ? on : 0;
    o.ledger.region = cli_text(cli, "region");
    o.ledger.store = store && strcmp(store, "sqlite") ? store : NULL;
    if (packs) snprintf(first, sizeof first, "%.*s", (int)strcspn(packs, ","), packs);
    o.policy = packs ? first : NULL;
    /* The first policy is in force from `from`: the node is made at that day's start when it lies in the past. */
    instant start = instant_of_day(on, ZONE_CHINA_S);
    if (from && start < o.now) o.now = start;
    int rc = node_init(&o, &report, err);
    if (rc == 0 && packs && strchr(packs, ',')) {
        rc = cli_open(cli, err);
        if (rc == 0) rc = adopt_more(cli, packs, on, err);
    }
    if (rc == 0 && cli_flag(cli, "demo")) rc = mark_demo(cli, err);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:I, s:I}", "data", o.ledger.dir, "regions", (json_int_t)report.regions, "adoption",
                                       (json_int_t)report.adoption), err);
    cli_print(cli, cli->zh ? "%s: 已建立, 区划 %lld 个\n" : "%s: made, %lld regions\n", o.ledger.dir, (long long)report.regions);
    if (!report.region_listed)
        cli_print(cli, "%s\n", cli_word(cli, "区划表中没有本级区划: 请用 tocsin import region 导入它和其下区划", "its own region is not in the table of regions: tocsin import region brings it and what lies below"));
    if (packs) cli_print(cli, cli->zh ? "方案: %s\n" : "policy: %s\n", packs);
    cli_print(cli, cli->zh ? "请另行保管密钥文件\n" : "keep a copy of the key file elsewhere\n");
    return 0;
}

/* ---- record */

static const char *outcome_word(const struct cli *cli, enum draft_outcome o) {
    static const char *const zh[] = {"", "已登记", "已修改", "无变化", "已删除", "被退回"};
    static const char *const en[] = {"", "created", "changed", "unchanged", "removed", "rejected"};
    return cli->zh ? zh[o] : en[o];
}

/* People name records by number or by the sender's key; only machines know ids. */
static int set_cell(struct cli *cli, struct draft *d, struct text name, struct text input, struct error *err) {
    int f = register_field(d->reg, name);
    int64_t id = 0;
    if (f < 0 || d->reg->fields[f].type != FIELD_REFERENCE || !input.n || text_int(input, &id))
        return draft_set(cli->ledger, d, &cli->arena, name, input, err);
    const struct register_decl *target = register_find(cli->ledger->catalog, d->reg->fields[f].target);
    struct record r;
    int rc = record_by_number(cli->ledger, cli->ledger->db, &cli->session, target, input, &cli->arena, &r, err);
    if (rc == 0) d->values[f] = value_int(r.id);
    return rc;
}

/* --id: our id or number, or else the id that the sender's own system gave it: then it is made when it comes first, and changed after that. */
static int record_named(struct cli *cli, const struct register_decl *reg, struct draft *d, struct error *err) {
    struct text word = text_of(cli_text(cli, "id"));
    struct record r;
    struct error unknown = {0};
    if (!word.n) return 0;
    d->verb = DRAFT_CHANGE;
    if (text_int(word, &d->id)) return 0;
    int rc = record_by_number(cli->ledger, cli->ledger->db, &cli->session, reg, word, &cli->arena, &r, &unknown);
    if (rc == 0) d->id = r.id;
    if (rc == E_UNKNOWN && !number_fits(reg->number_mask, word)) {
        d->verb = DRAFT_UPSERT;
        d->outside_key = word;
        return 0;
    }
    return rc < 0 ? error_set(err, rc, unknown.where, "%s", unknown.message) : 0;
}

int cmd_record(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    char region[REGION_MAX + 1] = "";
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    if (rc < 0) return rc;
    struct draft *d = draft_new(&cli->arena, reg, DRAFT_CREATE);
    if (!d) return error_set(err, E_MEMORY, NULL, "out of memory for a record");
    rc = record_named(cli, reg, d, err);
    d->version = (int32_t)cli_int(cli, "version");
    d->state = text_of(cli_text(cli, "state"));
    d->region = text_of(region);
    for (size_t i = 1; rc == 0 && i < cli->n_arguments; i++) {
        const char *word = cli->arguments[i], *equals = strchr(word, '=');
        if (!equals) return error_set(err, E_USAGE, "FIELD=VALUE", "argument %zu has no \"=\" / 参数应写作 字段=值", i);
        for (size_t k = 1; k < i; k++) /* up to its "=": the same field */
            if (strncmp(cli->arguments[k], word, (size_t)(equals - word) + 1) == 0)
                return error_set(err, E_USAGE, "FIELD=VALUE", "%.*s is given twice / %.*s 给出两次", (int)(equals - word), word, (int)(equals - word), word);
        rc = set_cell(cli, d, (struct text){word, (size_t)(equals - word)}, text_of(equals + 1), err);
    }
    if (rc == 0) rc = record_write_once(cli->ledger, &cli->session, text_of(cli_text(cli, "key")), &d, 1, err);
    if (rc < 0) return rc;
    struct record r = {0};
    rc = record_get(cli->ledger, cli->ledger->db, &cli->session, reg, d->ret_id, &cli->arena, &r, err);
    if (rc < 0) return rc;
    struct record other = {0};
    const struct similar *why = d->ret_similar ? &reg->similar[d->ret_similar_rule] : NULL;
    if (why && record_get(cli->ledger, cli->ledger->db, &cli->session, reg, d->ret_similar, &cli->arena, &other, NULL) < 0) other.id = d->ret_similar;
    struct person_twin twin = {0};
    if (!why && d->outcome == OUTCOME_CREATED && text_is(reg->name, "person")) rc = person_same_document(cli->ledger, cli->ledger->db, &cli->session, r.id, &cli->arena, &twin, err);
    if (rc < 0) return rc;
    if (rc > 0) {
        why = &person_same_words;
        other.id = twin.person;
        other.number = twin.number;
    }
    if (cli->json) {
        static const char *const words[] = {"none", "created", "changed", "unchanged", "removed", "rejected"};
        json_t *told = why ? json_pack("{s:I, s:o, s:s, s:s}", "id", (json_int_t)other.id, "number", cli_json_text(other.number), "why", why->en.s, "why_zh", why->zh.s)
                           : json_null();
        return cli_json(cli, json_pack("{s:s, s:I, s:o, s:i, s:o, s:s, s:o}", "register", cli_argument(cli, 0), "id", (json_int_t)r.id, "number",
                                       cli_json_text(r.number), "version", (int)r.version, "state", cli_json_text(r.state), "outcome",
                                       words[d->outcome], "double", told), err);
    }
    cli_print(cli, "%s %s %lld", outcome_word(cli, d->outcome), cli_argument(cli, 0), (long long)r.id);
    if (r.number.n) cli_print(cli, " %.*s", (int)r.number.n, r.number.s);
    cli_print(cli, " v%d", (int)r.version);
    if (r.state.n) cli_print(cli, " %.*s", (int)r.state.n, r.state.s);
    cli_print(cli, "\n");
    if (why) cli_print(cli, cli->zh ? "  提示: %s: %lld %.*s\n" : "  note: %s: %lld %.*s\n", cli_word(cli, why->zh.s, why->en.s), (long long)other.id, (int)other.number.n, other.number.s);
    return 0;
}

/* ---- export, template */

static enum export_format format_of(const char *word) {
    static const char *const words[] = {"csv", "xlsx", "json", "linelist", "epicontacts"};
    int i = 0;
    while (strcmp(words[i], word)) i++; /* the parser let only these pass */
    return (enum export_format)i;
}

int cmd_export(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    struct db *db = NULL;
    const char *out = cli_text(cli, "out");
    struct export_options o = {.format = cli->json ? EXPORT_JSON : format_of(cli_text(cli, "format")), .where = cli_text(cli, "where"),
        .columns = cli_text(cli, "columns"), .titles = cli_flag(cli, "titles"), .zh = cli->zh,
        .open = cli_flag(cli, "open")};
    int64_t rows = 0;
    char region[REGION_MAX + 1] = "";
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    o.region = text_of(region);
    if (rc == 0) rc = ledger_reader(cli->ledger, &db, err);
    if (rc == 0) rc = export_records(cli->ledger, db, &cli->session, reg, &o, out ? out : "-", &rows, err);
    if (rc == 0 && out) cli_note(cli, cli->zh ? "%s: %lld 行\n" : "%s: %lld rows\n", out, (long long)rows);
    db_close(db);
    return rc;
}

/* The same form for a program: what each column is called and may hold. */
static json_t *column_json(const char *name, struct text zh, struct text en, const char *type, bool required) {
    return json_pack("{s:s, s:o, s:o, s:s, s:b}", "name", name, "zh", cli_json_text(zh), "en", cli_json_text(en), "type", type, "required", required);
}

static int template_json(struct cli *cli, const struct catalog *c, const struct register_decl *reg, struct error *err) {
    enum { COLUMNS_MAX = 240 };
    static const char *const types[FIELD_TYPES] = {[FIELD_TEXT] = "text", [FIELD_CODE] = "code", [FIELD_INTEGER] = "integer", [FIELD_DECIMAL] = "decimal",
        [FIELD_BOOLEAN] = "boolean", [FIELD_DATE] = "date", [FIELD_INSTANT] = "instant", [FIELD_DURATION] = "duration", [FIELD_REGION] = "region",
        [FIELD_POINT] = "point", [FIELD_REFERENCE] = "reference"};
    const struct field *fields[COLUMNS_MAX];
    size_t n = export_template_fields(c, reg, fields, COLUMNS_MAX);
    json_t *columns = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct field *f = fields[i];
        json_t *one = column_json(f->name.s, f->zh, f->en, types[f->type], f->required), *codes = f->codes ? json_array() : NULL;
        for (size_t k = 0; codes && k < f->codes->n; k++)
            json_array_append_new(codes, json_pack("{s:o, s:o, s:o}", "code", cli_json_text(f->codes->codes[k].code), "zh", cli_json_text(f->codes->codes[k].zh), "en",
                                                   cli_json_text(f->codes->codes[k].en)));
        if (codes) json_object_set_new(one, "codes", codes);
        json_array_append_new(columns, one);
    }
    if (reg->region_field < 0) json_array_append_new(columns, column_json("region", TEXT("行政区划"), TEXT("region"), "region", false));
    return cli_json(cli, json_pack("{s:o, s:o, s:o, s:o}", "register", cli_json_text(reg->name), "zh", cli_json_text(reg->zh), "en", cli_json_text(reg->en), "columns", columns), err);
}

int cmd_template(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    struct catalog *c = NULL;
    const char *name = cli_argument(cli, 0), *format = cli_text(cli, "format"), *out = cli_text(cli, "out");
    char given[80];
    int rc = cli_catalog(cli, &c, err);
    if (rc < 0) return rc;
    reg = register_find(c, text_of(name));
    snprintf(given, sizeof given, "%.60s.xlsx", name);
    if (!out) out = !strcmp(format, "xlsx") ? given : "-";
    rc = reg && cli->json ? template_json(cli, c, reg, err)
         : reg ? export_template(c, reg, format_of(format), cli->zh, out, err)
             : register_unknown(c, name, err);
    if (rc == 0 && !cli->json && strcmp(out, "-")) cli_note(cli, "%s\n", out);
    catalog_free(c);
    return rc;
}

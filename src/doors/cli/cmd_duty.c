/* due, tick. */
#include <stdio.h>
#include <string.h>

#include "desks/account/account.h"
#include "desks/duty.h"
#include "desks/expiry.h"
#include "desks/export/export.h"
#include "desks/plan.h"
#include "doors/cli/commands.h"

enum { COLUMNS = 9, LIST_COLUMNS = 7 };

/* Title of a rule on a register in any pack in force; the code itself when none has it. */
static struct text rule_title(const struct cli *cli, struct text code, struct text reg) {
    const struct ledger *l = cli->ledger;
    for (size_t i = 0; i < l->n_adoptions; i++) {
        const struct policy *p = l->adoptions[i].policy;
        int at = p ? policy_rule(p, code) : -1;
        if (at >= 0 && text_eq(p->rules[at].on->name, reg)) return cli->zh ? p->rules[at].zh : p->rules[at].en;
    }
    return code;
}

static struct text number_text(struct cli *cli, int64_t n) {
    return text_of(arena_printf(&cli->arena, "%lld", (long long)n));
}

static struct text rate_text(struct cli *cli, double rate) {
    return rate < 0 ? TEXT("-") : text_of(arena_printf(&cli->arena, "%.1f%%", rate * 100));
}

static json_t *count_json(const struct duty_count *c) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "open", (json_int_t)c->open, "due_1h", (json_int_t)c->due_1h, "overdue",
        (json_int_t)c->overdue, "without_owner", (json_int_t)c->without_owner, "escalated", (json_int_t)c->escalated, "paid",
        (json_int_t)c->paid, "paid_late", (json_int_t)c->paid_late, "lapsed", (json_int_t)c->lapsed, "cancelled", (json_int_t)c->cancelled);
}

static void count_row(struct cli *cli, const struct duty_count *c, struct text desk, struct text title, struct text *row) {
    const int64_t n[] = {c->open, c->due_1h, c->overdue, c->without_owner, c->paid, c->paid_late, c->lapsed};
    row[0] = desk;
    row[1] = title;
    for (size_t i = 0; i < sizeof n / sizeof *n; i++) row[2 + i] = number_text(cli, n[i]);
}

static int summary_print(struct cli *cli, const struct duty_summary *d, struct error *err) {
    static const char *const zh[COLUMNS] = {"席位", "待办", "未办", "1小时内", "逾期", "无主", "已办", "其中迟办", "失时"};
    static const char *const en[COLUMNS] = {"desk", "duty", "open", "due 1 h", "overdue", "no owner", "paid", "late", "lapsed"};
    struct text *cells = arena_alloc(&cli->arena, (d->n + 2) * COLUMNS * sizeof *cells);
    char at[INSTANT_TEXT];
    if (!cells) return error_set(err, E_MEMORY, NULL, "out of memory for a table");
    for (size_t k = 0; k < COLUMNS; k++) cells[k] = text_of(cli->zh ? zh[k] : en[k]);
    for (size_t i = 0; i < d->n; i++) count_row(cli, &d->rules[i], cli_desk(cli, d->rules[i].desk), rule_title(cli, d->rules[i].rule, d->rules[i].reg), cells + (i + 1) * COLUMNS);
    count_row(cli, &d->total, TEXT(""), cli->zh ? TEXT("合计") : TEXT("all"), cells + (d->n + 1) * COLUMNS);
    instant_format(cli->now, cli->ledger->zone_s, at);
    cli_print(cli, cli->zh ? "待办, 截至 %s\n" : "What is owed at %s\n", at);
    cli_table(cli, cells, d->n + 2, COLUMNS);
    struct text rate = rate_text(cli, d->closed_rate);
    cli_print(cli, cli->zh ? "闭环率 %.*s\n" : "closed-loop rate %.*s\n", (int)rate.n, rate.s);
    return 0;
}

static const char *const owner_kinds_zh[] = {"无主", "属地", "部门", "单位", "个人"};
static const char *const owner_kinds_en[] = {"nobody", "region", "department", "unit", "person"};

struct list {
    struct cli *cli;
    struct export_names *names;
    struct text *cells;
    size_t rows, limit;
    json_t *json;
    struct error *err;
};

static int owner_text(struct list *x, const struct obligation *o, struct text *ret) {
    struct cli *cli = x->cli;
    const char *kind = o->owner_kind >= 0 && o->owner_kind < 5 ? (cli->zh ? owner_kinds_zh : owner_kinds_en)[o->owner_kind] : "?";
    struct text name = o->owner_region;
    int rc = 0;
    if (o->owner_kind == OWNER_DEPARTMENT || o->owner_kind == OWNER_UNIT) rc = export_name(x->names, TEXT("organisation"), o->owner, &name, x->err);
    else if (o->owner_kind == OWNER_PERSON) rc = export_name(x->names, TEXT("account"), o->owner, &name, x->err);
    if (rc < 0) return rc;
    if (!name.n && o->owner) name = text_of(arena_printf(&cli->arena, "%lld", (long long)o->owner)); /* not theirs to see */
    *ret = text_of(arena_printf(&cli->arena, "%s %.*s", kind, (int)name.n, name.s));
    return 0;
}

/* ---- by accountable party, by age */

static int by_owner(struct cli *cli, const struct duty_filter *f, struct error *err) {
    static const char *const zh[] = {"责任主体", "未办", "逾期", "已办", "其中迟办", "失时", "及时率"};
    static const char *const en[] = {"accountable", "open", "overdue", "paid", "late", "lapsed", "in time"};
    enum { WIDTH = sizeof zh / sizeof *zh };
    struct duty_owners d = {0};
    struct list x = {.cli = cli, .err = err};
    json_t *list = cli->json ? json_array() : NULL;
    int rc = duty_by_owner(cli->ledger, cli->ledger->db, &cli->session, f, &d, err);
    if (rc == 0) rc = export_names_new(cli->ledger, cli->ledger->db, &cli->session, &x.names, err);
    struct text *cells = rc == 0 ? arena_alloc(&cli->arena, (d.n + 1) * WIDTH * sizeof *cells) : NULL;
    if (rc == 0 && !cells) rc = error_set(err, E_MEMORY, NULL, "out of memory for a table");
    for (size_t k = 0; rc == 0 && k < WIDTH; k++) cells[k] = text_of(cli->zh ? zh[k] : en[k]);
    for (size_t i = 0; rc == 0 && i < d.n; i++) {
        const struct duty_owner *o = &d.list[i];
        const int64_t n[] = {o->count.open, o->count.overdue, o->count.paid, o->count.paid_late, o->count.lapsed};
        struct obligation whose = {.owner_kind = o->kind, .owner = o->owner, .owner_region = o->region};
        struct text *row = cells + (i + 1) * WIDTH;
        rc = owner_text(&x, &whose, &row[0]);
        for (size_t k = 0; k < sizeof n / sizeof *n; k++) row[1 + k] = number_text(cli, n[k]);
        row[WIDTH - 1] = rate_text(cli, o->timeliness);
        if (rc < 0 || !list) continue;
        json_t *one = count_json(&o->count);
        json_object_set_new(one, "owner", cli_json_text(row[0]));
        json_object_set_new(one, "kind", json_string(owner_kinds_en[o->kind]));
        json_object_set_new(one, "organisation", json_integer(o->owner));
        json_object_set_new(one, "region", cli_json_text(o->region));
        json_object_set_new(one, "timeliness", o->timeliness < 0 ? json_null() : json_real(o->timeliness));
        json_array_append_new(list, one);
    }
    if (rc == 0 && !list) cli_table(cli, cells, d.n + 1, WIDTH);
    export_names_free(x.names);
    duty_owners_clear(&d);
    if (rc == 0 && list) return cli_json(cli, json_pack("{s:o}", "owners", list), err);
    json_decref(list);
    return rc;
}

static int by_age(struct cli *cli, const struct duty_filter *f, struct error *err) {
    static const char *const zh[DUTY_AGES] = {"不足1小时", "1至4小时", "4至24小时", "1至3天", "超过3天"};
    static const char *const en[DUTY_AGES] = {"under 1 h", "1 to 4 h", "4 to 24 h", "1 to 3 days", "older"};
    static const char *const names[] = {"1h", "4h", "24h", "3d", "older"};
    enum { WIDTH = 5 };
    struct duty_age ages[DUTY_AGES];
    struct text cells[(DUTY_AGES + 1) * WIDTH];
    int rc = duty_by_age(cli->ledger, cli->ledger->db, &cli->session, f, ages, err);
    if (rc < 0) return rc;
    json_t *list = cli->json ? json_array() : NULL;
    const char *const head[] = {cli_word(cli, "已开", "open since"), cli_word(cli, "未办", "open"), cli_word(cli, "逾期", "overdue"),
                                cli_word(cli, "无主", "no owner"), cli_word(cli, "最久", "oldest")};
    for (size_t k = 0; k < WIDTH; k++) cells[k] = text_of(head[k]);
    for (size_t i = 0; i < DUTY_AGES; i++) {
        struct text *row = cells + (i + 1) * WIDTH;
        row[0] = text_of(cli->zh ? zh[i] : en[i]);
        row[1] = number_text(cli, ages[i].open);
        row[2] = number_text(cli, ages[i].overdue);
        row[3] = number_text(cli, ages[i].without_owner);
        row[4] = text_of(ages[i].oldest_s >= 0 ? cli_duration(cli, ages[i].oldest_s) : "");
        if (list)
            json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I}", "age", names[i], "open", (json_int_t)ages[i].open, "overdue",
                (json_int_t)ages[i].overdue, "without_owner", (json_int_t)ages[i].without_owner, "oldest_s", (json_int_t)ages[i].oldest_s));
    }
    if (list) return cli_json(cli, json_pack("{s:o}", "ages", list), err);
    cli_table(cli, cells, DUTY_AGES + 1, WIDTH);
    return 0;
}

/* ---- one by one */

/* The step of the rule's chain that found who is accountable, in the pack's own words; "handed over" when somebody moved the duty. */
static const char *owner_rule_text(struct cli *cli, const struct obligation *o, const struct duty_rule *rule) {
    if (o->owner_step == OWNER_STEP_HANDED) return "handed over";
    const struct owner_rule *step = owner_found_by(o, rule);
    if (!step) return "";
    struct text field = step->field >= 0 ? rule->on->fields[step->field].name : TEXT("");
    return arena_printf(&cli->arena, "%s%s%.*s%s%.*s", owner_kinds_en[step->kind], step->department.n ? " " : "", (int)step->department.n, step->department.s, field.n ? " " : "",
                        (int)field.n, field.s);
}

static int list_visit(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    struct list *x = arg;
    struct cli *cli = x->cli;
    char due[INSTANT_TEXT] = "-", time[INSTANT_TEXT] = "";
    bool timed = o->duty.due_at != INSTANT_NONE, late = timed && cli->now > o->duty.due_at;
    int64_t span = !timed ? 0 : late ? cli->now - o->duty.due_at : o->duty.due_at - cli->now;
    struct text record, owner, title = rule ? (cli->zh ? rule->zh : rule->en) : o->rule;
    if (timed) {
        instant_format(o->duty.due_at, cli->ledger->zone_s, due);
        due[16] = 0; /* minutes are enough */
        duration_format(span, time);
    }
    int rc = export_name(x->names, o->reg, o->record, &record, x->err);
    if (rc == 0) record = arena_text(&cli->arena, record);
    if (rc == 0) rc = owner_text(x, o, &owner);
    if (rc < 0) return rc;
    if (x->json) {
        json_array_append_new(x->json, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:s*, s:i, s:o}", "due", due, "late", late ? time : "", "left", late ? "" : time, "rule",
            cli_json_text(o->rule), "desk", cli_json_text(o->desk), "register", cli_json_text(o->reg), "record", (json_int_t)o->record,
            "number", cli_json_text(record), "owner", cli_json_text(owner), "owner_rule", owner_rule_text(cli, o, rule), "level", o->duty.level, "region", cli_json_text(o->region)));
        return 0;
    }
    if (x->rows > x->limit) return 1;
    struct text *row = x->cells + x->rows++ * LIST_COLUMNS;
    row[0] = text_of(arena_str(&cli->arena, due));
    row[1] = text_of(timed ? arena_printf(&cli->arena, late ? cli_word(cli, "超 %s", "%s late") : cli_word(cli, "剩 %s", "%s left"), cli_duration(cli, span)) : "");
    row[2] = arena_text(&cli->arena, cli_desk(cli, o->desk));
    row[3] = title;
    row[4] = record;
    row[5] = owner;
    row[6] = o->duty.level ? text_of(arena_printf(&cli->arena, "%d", o->duty.level)) : TEXT("");
    return 0;
}

static int list_print(struct cli *cli, const struct duty_filter *f, json_t *json, struct error *err) {
    static const char *const zh[LIST_COLUMNS] = {"期限", "时间", "席位", "待办", "记录", "责任主体", "已上报级"};
    static const char *const en[LIST_COLUMNS] = {"due", "time", "desk", "duty", "record", "accountable", "escalated"};
    struct list x = {.cli = cli, .limit = f->limit, .json = json, .rows = 1, .err = err};
    x.cells = arena_alloc(&cli->arena, (f->limit + 2) * LIST_COLUMNS * sizeof *x.cells);
    if (!x.cells) return error_set(err, E_MEMORY, NULL, "out of memory for a table");
    for (size_t k = 0; k < LIST_COLUMNS; k++) x.cells[k] = text_of(cli->zh ? zh[k] : en[k]);
    int rc = export_names_new(cli->ledger, cli->ledger->db, &cli->session, &x.names, err);
    if (rc == 0) rc = duty_list(cli->ledger, cli->ledger->db, &cli->session, f, list_visit, &x, err);
    if (rc >= 0 && !json && x.rows > 1) {
        cli_print(cli, "\n");
        cli_table(cli, x.cells, x.rows, LIST_COLUMNS);
    }
    export_names_free(x.names);
    return rc < 0 ? rc : 0;
}

/* The table shows titles: they name a desk as well as its code does. */
static void desk_named(const struct cli *cli, struct text *desk) {
    const struct codelist *desks = codelist_find(cli->ledger->catalog, TEXT("desk"));
    const struct code *c = desks && desk->n ? code_find_any(desks, *desk) : NULL;
    if (c) *desk = c->code;
}

int cmd_due(struct cli *cli, struct error *err) {
    char region[REGION_MAX + 1] = "";
    int64_t limit = cli_int(cli, "limit");
    struct duty_summary d = {0};
    bool overdue = cli_flag(cli, "overdue"), list = overdue || cli_flag(cli, "list");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    struct duty_filter all = {.desk = text_of(cli_text(cli, "desk")), .region = text_of(region)};
    const char *by = cli_text(cli, "by");
    if (rc == 0) desk_named(cli, &all.desk);
    if (rc == 0 && cli_text(cli, "unit")) rc = account_unit_find(cli->ledger, text_of(cli_text(cli, "unit")), &all.unit, err);
    if (rc == 0 && by) {
        all.overdue = overdue;
        return strcmp(by, "age") ? by_owner(cli, &all, err) : by_age(cli, &all, err);
    }
    if (rc == 0) rc = duty_summarise(cli->ledger, cli->ledger->db, &cli->session, &all, &d, err);
    if (rc < 0) return rc;
    struct duty_filter some = all;
    some.overdue = overdue;
    some.limit = (size_t)limit;
    if (cli->json) {
        char at[INSTANT_TEXT];
        instant_format(cli->now, cli->ledger->zone_s, at);
        json_t *rules = json_array(), *items = json_array();
        for (size_t i = 0; i < d.n; i++) {
            json_t *one = count_json(&d.rules[i]);
            json_object_set_new(one, "rule", cli_json_text(d.rules[i].rule));
            json_object_set_new(one, "desk", cli_json_text(d.rules[i].desk));
            json_object_set_new(one, "register", cli_json_text(d.rules[i].reg));
            json_array_append_new(rules, one);
        }
        if (list) rc = list_print(cli, &some, items, err);
        json_t *j = json_pack("{s:s, s:o, s:o, s:o, s:o}", "at", at, "total", count_json(&d.total), "closed_rate",
                              d.closed_rate < 0 ? json_null() : json_real(d.closed_rate), "rules", rules, "duties", items);
        if (rc == 0) rc = cli_json(cli, j, err);
        else json_decref(j);
    } else {
        rc = summary_print(cli, &d, err);
        if (rc == 0 && list) rc = list_print(cli, &some, NULL, err);
    }
    duty_summary_clear(&d);
    return rc;
}

int cmd_tick(struct cli *cli, struct error *err) {
    struct wake_report w = {0};
    int64_t adopted = 0, expired = 0;
    int rc = cli_open(cli, err);
    if (rc == 0) rc = plan_catch_up(cli->ledger, &cli->session, &adopted, err);
    if (rc == 0) rc = duty_tick(cli->ledger, &cli->session, &w, err);
    if (rc == 0) rc = measure_expire(cli->ledger, &cli->session, &expired, err);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "woken", (json_int_t)w.woken, "escalated", (json_int_t)w.escalated, "lapsed",
                                       (json_int_t)w.lapsed, "raised", (json_int_t)w.raised, "adopted", (json_int_t)adopted,
                                       "expired", (json_int_t)expired), err);
    cli_print(cli, cli->zh ? "查看 %lld, 上报 %lld, 失时 %lld, 新立 %lld, 措施到期 %lld\n" : "%lld woken, %lld escalated, %lld lapsed, %lld raised, %lld measures ended\n",
              (long long)w.woken, (long long)w.escalated, (long long)w.lapsed, (long long)w.raised, (long long)expired);
    return 0;
}

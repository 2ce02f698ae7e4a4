/* policy list, show, check, diff, adopt. */
#include <stdio.h>
#include <string.h>

#include "desks/plan.h"
#include "doors/cli/commands.h"

static const char *certainty_word(const struct cli *cli, const struct provenance *from) {
    static const char *const zh[] = {"高", "中", "低"}, *const en[] = {"high", "medium", "low"};
    int k = from->certainty >= CERTAINTY_HIGH && from->certainty <= CERTAINTY_LOW ? (int)from->certainty : 2;
    return (cli->zh ? zh : en)[k];
}

static const char *verified_word(const struct cli *cli, const struct provenance *from) {
    return from->verified ? "" : cli_word(cli, " [未核实]", " [unverified]");
}

static char *policies_dir(struct cli *cli, struct error *err) {
    char *dir = cli->home ? arena_printf(&cli->arena, "%s/policies", cli->home) : NULL;
    if (!dir) error_set(err, E_UNKNOWN, "TOCSIN_HOME", "policies/ is not beside the program; set TOCSIN_HOME to its folder / 程序旁没有 policies/,请设 TOCSIN_HOME");
    return dir;
}

/* Loads a pack by name with the catalog it was checked against; both owned by the caller. */
static int pack_load(struct cli *cli, const char *name, struct catalog **ret_catalog, struct policy **ret, struct error *err) {
    char *dir = policies_dir(cli, err);
    int rc = dir ? 0 : E_UNKNOWN;
    if (rc == 0 && !*ret_catalog) rc = cli_catalog(cli, ret_catalog, err);
    if (rc == 0) rc = policy_load(*ret_catalog, dir, text_of(name), ZONE_CHINA_S, ret, err);
    return rc;
}

int cmd_policy_list(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    struct text *names = NULL;
    size_t n = 0;
    json_t *packs = json_array(), *in_force = json_array();
    char *dir = policies_dir(cli, err);
    int rc = dir ? cli_catalog(cli, &c, err) : E_UNKNOWN;
    if (rc == 0) rc = policy_names(dir, &cli->arena, &names, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct policy *p = NULL;
        char from[DAY_TEXT];
        rc = policy_load(c, dir, names[i], ZONE_CHINA_S, &p, err);
        if (rc < 0) break;
        day_format(p->in_force, from);
        struct text title = cli->zh ? p->zh : p->en;
        if (cli->json)
            json_array_append_new(packs, json_pack("{s:o, s:o, s:o, s:s, s:I, s:b}", "name", cli_json_text(p->name), "title", cli_json_text(title),
                "disease", cli_json_text(p->disease), "in_force", from, "rules", (json_int_t)p->n_rules, "verified", p->from.verified));
        else
            cli_print(cli, "%-16.*s %s  %.*s%s\n", (int)p->name.n, p->name.s, from, (int)title.n, title.s, verified_word(cli, &p->from));
        policy_free(p);
    }
    catalog_free(c);
    /* What is in force is told when there is a node; the packs can be listed without one. */
    struct error none = {0};
    if (rc == 0 && cli_open(cli, &none) == 0) {
        const struct ledger *l = cli->ledger;
        if (!cli->json) cli_print(cli, cli->zh ? "\n已采用:\n" : "\nadopted:\n");
        for (size_t i = 0; i < l->n_adoptions; i++) {
            const struct adoption *a = &l->adoptions[i];
            char from[DAY_TEXT];
            day_format(a->from, from);
            if (cli->json)
                json_array_append_new(in_force, json_pack("{s:I, s:o, s:o, s:o, s:s}", "adoption", (json_int_t)a->id, "pack", cli_json_text(a->pack),
                    "disease", cli_json_text(a->disease), "region", cli_json_text(a->region), "from", from));
            else
                cli_print(cli, "%-16.*s %s  %.*s  %.*s\n", (int)a->pack.n, a->pack.s, from, (int)a->disease.n, a->disease.s, (int)a->region.n, a->region.s);
        }
    }
    if (rc == 0 && cli->json) return cli_json(cli, json_pack("{s:o, s:o}", "policies", packs, "adopted", in_force), err);
    json_decref(packs);
    json_decref(in_force);
    return rc;
}

/* ---- show */

static void timing_words(struct cli *cli, const struct duty_rule *r, char *out, size_t n) {
    char days[160] = "";
    if (r->timing == TIMING_WITHIN) {
        snprintf(out, n, cli->zh ? "%s内" : "within %s", cli_duration(cli, r->within_s));
        return;
    }
    if (r->timing == TIMING_DAILY && r->every > 1) {
        snprintf(out, n, cli->zh ? "每 %d 天一次" : "once in %d days", r->every);
        return;
    }
    if (r->timing == TIMING_DAILY) {
        snprintf(out, n, cli->zh ? "每日 %02d:%02d 前" : "daily by %02d:%02d", (int)(r->due_time_s / 3600), (int)(r->due_time_s / 60 % 60));
        return;
    }
    for (int k = 0; k < 64 && strlen(days) + 8 < sizeof days; k++)
        if (r->days >> k & 1) snprintf(days + strlen(days), sizeof days - strlen(days), "%s%d", *days ? "," : "", k);
    snprintf(out, n, cli->zh ? "第 %s 天" : "days %s", days);
}

static json_t *provenance_json(const struct provenance *from) {
    static const char *const words[] = {"high", "medium", "low"};
    int k = from->certainty >= CERTAINTY_HIGH && from->certainty <= CERTAINTY_LOW ? (int)from->certainty : 2;
    return json_pack("{s:o, s:o, s:s, s:b}", "source", cli_json_text(from->source), "clause", cli_json_text(from->clause), "certainty", words[k],
                     "verified", from->verified);
}

static void from_line(struct cli *cli, const struct provenance *from) {
    cli_print(cli, "      %.*s %.*s (%s %s)%s\n", (int)from->source.n, from->source.s, (int)from->clause.n, from->clause.s,
              cli_word(cli, "把握", "certainty"), certainty_word(cli, from), verified_word(cli, from));
}

static int pack_json(struct cli *cli, const struct policy *p, struct error *err) {
    json_t *parameters = json_array(), *rules = json_array(), *limits = json_array();
    char words[200], from[DAY_TEXT];
    for (size_t i = 0; i < p->n_parameters; i++) {
        const struct parameter *q = &p->parameters[i];
        json_t *value = q->is_list ? json_array() : json_integer(q->value);
        for (size_t k = 0; q->is_list && k < q->n_list; k++) json_array_append_new(value, json_integer(q->list[k]));
        json_array_append_new(parameters, json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", cli_json_text(q->name), "title",
            cli_json_text(cli->zh ? q->zh : q->en), "unit", cli_json_text(q->unit), "value", value, "from", provenance_json(&q->from)));
    }
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct duty_rule *r = &p->rules[i];
        timing_words(cli, r, words, sizeof words);
        json_array_append_new(rules, json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "code", cli_json_text(r->code), "title",
            cli_json_text(cli->zh ? r->zh : r->en), "desk", cli_json_text(r->desk), "on", cli_json_text(r->on->name), "when",
            cli_json_text(r->when_text), "timing", words, "from", provenance_json(&r->from)));
    }
    for (size_t i = 0; i < p->n_limits; i++) {
        const struct limit *m = &p->limits[i];
        json_array_append_new(limits, json_pack("{s:o, s:o, s:b, s:I, s:o}", "measure", cli_json_text(m->measure), "subject", cli_json_text(m->subject),
            "allowed", m->allowed, "max_days", (json_int_t)m->max_days, "from", provenance_json(&m->from)));
    }
    day_format(p->in_force, from);
    return cli_json(cli, json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "name", cli_json_text(p->name), "title",
        cli_json_text(cli->zh ? p->zh : p->en), "disease", cli_json_text(p->disease), "parent", cli_json_text(p->parent), "in_force", from, "from",
        provenance_json(&p->from), "parameters", parameters, "rules", rules, "limits", limits), err);
}

static void pack_print(struct cli *cli, const struct policy *p) {
    char words[200], from[DAY_TEXT];
    struct text title = cli->zh ? p->zh : p->en;
    day_format(p->in_force, from);
    cli_print(cli, "%.*s  %.*s  %s\n", (int)p->name.n, p->name.s, (int)title.n, title.s, from);
    from_line(cli, &p->from);
    cli_print(cli, "\n%s\n", cli_word(cli, "参数", "Parameters"));
    for (size_t i = 0; i < p->n_parameters; i++) {
        const struct parameter *q = &p->parameters[i];
        struct text t = cli->zh ? q->zh : q->en;
        cli_print(cli, "  %.*s  %.*s: ", (int)q->name.n, q->name.s, (int)t.n, t.s);
        bool seconds = text_is(q->unit, "s") || text_is(q->unit, "duration");
        for (size_t k = 0; q->is_list && k < q->n_list; k++) cli_print(cli, "%s%lld", k ? ", " : "", (long long)q->list[k]);
        if (!q->is_list && seconds) cli_print(cli, "%s", cli_duration(cli, q->value));
        else if (!q->is_list) cli_print(cli, "%lld", (long long)q->value);
        if (!seconds) cli_print(cli, " %.*s", (int)q->unit.n, q->unit.s);
        cli_print(cli, "\n");
        from_line(cli, &q->from);
    }
    cli_print(cli, "\n%s\n", cli_word(cli, "待办", "Obligations"));
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct duty_rule *r = &p->rules[i];
        struct text t = cli->zh ? r->zh : r->en;
        timing_words(cli, r, words, sizeof words);
        cli_print(cli, "  %.*s  %.*s: %s", (int)r->code.n, r->code.s, (int)t.n, t.s, words);
        cli_print(cli, r->when_text.n ? "  (%.*s: %.*s)\n" : "  (%.*s)%.*s\n", (int)r->on->name.n, r->on->name.s, (int)r->when_text.n, r->when_text.s);
        from_line(cli, &r->from);
    }
    if (p->n_limits) cli_print(cli, "\n%s\n", cli_word(cli, "措施上限", "Limits of measures"));
    for (size_t i = 0; i < p->n_limits; i++) {
        const struct limit *m = &p->limits[i];
        cli_print(cli, "  %.*s %.*s: ", (int)m->measure.n, m->measure.s, (int)m->subject.n, m->subject.s);
        if (!m->allowed) cli_print(cli, "%s\n", cli_word(cli, "不得采取", "not allowed"));
        else if (m->max_days) cli_print(cli, cli->zh ? "至多 %lld 天\n" : "at most %lld days\n", (long long)m->max_days);
        else cli_print(cli, "%s\n", cli_word(cli, "允许", "allowed"));
        from_line(cli, &m->from);
    }
}

int cmd_policy_show(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    struct policy *p = NULL;
    int rc = pack_load(cli, cli_argument(cli, 0), &c, &p, err);
    if (rc == 0 && cli->json) rc = pack_json(cli, p, err);
    else if (rc == 0) pack_print(cli, p);
    policy_free(p);
    catalog_free(c);
    return rc;
}

int cmd_policy_check(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    struct policy *p = NULL;
    char *dir = policies_dir(cli, err);
    int rc = dir ? cli_catalog(cli, &c, err) : E_UNKNOWN;
    if (rc == 0) rc = policy_check(c, dir, cli_argument(cli, 0), ZONE_CHINA_S, &p, err);
    if (rc == 0 && cli->json) rc = cli_json(cli, json_pack("{s:o, s:I, s:I}", "name", cli_json_text(p->name), "rules", (json_int_t)p->n_rules, "limits",
                                                           (json_int_t)p->n_limits), err);
    else if (rc == 0) cli_print(cli, cli->zh ? "%.*s: 正确, 待办 %zu 项, 措施上限 %zu 项\n" : "%.*s: good, %zu obligations, %zu limits\n",
                                (int)p->name.n, p->name.s, p->n_rules, p->n_limits);
    policy_free(p);
    catalog_free(c);
    return rc;
}

/* ---- diff, adopt */

static const char *effect_word(const struct cli *cli, int effect) {
    static const char *const zh[] = {"新增", "取消", "提前", "推后"}, *const en[] = {"gain", "lose", "sooner", "later"};
    return (cli->zh ? zh : en)[effect];
}

static const char *kind_word(const struct cli *cli, const char *kind) {
    return !cli->zh ? kind : !strcmp(kind, "parameter") ? "参数" : !strcmp(kind, "rule") ? "规则" : "上限";
}

static struct text rule_title(const struct cli *cli, const struct policy *p, struct text code) {
    int r = p ? policy_rule(p, code) : -1;
    return r < 0 ? (struct text){"", 0} : cli->zh ? p->rules[r].zh : p->rules[r].en;
}

/* from may be NULL. */
static void diff_print(struct cli *cli, const struct plan_diff *d, const struct policy *to, const struct policy *from) {
    for (size_t i = 0; i < d->n; i++) {
        cli_print(cli, "  %-24.*s", (int)d->rules[i].rule.n, d->rules[i].rule.s);
        for (int k = 0; k < PLAN_EFFECTS; k++)
            if (d->rules[i].n[k]) cli_print(cli, "  %s %lld", effect_word(cli, k), (long long)d->rules[i].n[k]);
        struct text title = rule_title(cli, to, d->rules[i].rule);
        if (!title.n) title = rule_title(cli, from, d->rules[i].rule);
        cli_print(cli, "  %.*s\n", (int)title.n, title.s);
    }
}

static json_t *diff_json(const struct plan_diff *d) {
    json_t *rules = json_array();
    for (size_t i = 0; i < d->n; i++)
        json_array_append_new(rules, json_pack("{s:o, s:I, s:I, s:I, s:I}", "rule", cli_json_text(d->rules[i].rule), "gain",
            (json_int_t)d->rules[i].n[PLAN_GAIN], "lose", (json_int_t)d->rules[i].n[PLAN_LOSE], "sooner", (json_int_t)d->rules[i].n[PLAN_SOONER],
            "later", (json_int_t)d->rules[i].n[PLAN_LATER]));
    return rules;
}

struct changes {
    struct cli *cli;
    json_t *list; /* NULL: printed as they come */
};

static int change_visit(const struct plan_change *c, void *arg) {
    struct changes *x = arg;
    struct cli *cli = x->cli;
    char old[INSTANT_TEXT] = "-", new[INSTANT_TEXT] = "-";
    if (c->old_due != INSTANT_NONE) instant_format(c->old_due, cli->ledger->zone_s, old);
    if (c->new_due != INSTANT_NONE) instant_format(c->new_due, cli->ledger->zone_s, new);
    if (x->list) {
        static const char *const effects[] = {"gain", "lose", "sooner", "later"};
        json_array_append_new(x->list, json_pack("{s:s, s:o, s:o, s:I, s:o, s:I, s:s?, s:s?}", "effect", effects[c->effect], "rule", cli_json_text(c->rule),
            "register", cli_json_text(c->reg->name), "record", (json_int_t)c->record, "number", cli_json_text(c->number), "holder", (json_int_t)c->holder,
            "old_due", c->old_due == INSTANT_NONE ? NULL : old, "new_due", c->new_due == INSTANT_NONE ? NULL : new));
        return 0;
    }
    cli_print(cli, "  %s  %.*s  %.*s %lld %.*s  %s -> %s\n", effect_word(cli, (int)c->effect), (int)c->rule.n, c->rule.s, (int)c->reg->name.n,
              c->reg->name.s, (long long)c->record, (int)c->number.n, c->number.s, old, new);
    return 0;
}

int cmd_policy_diff(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    struct policy *before = NULL, *after = NULL;
    struct policy_change *changes = NULL;
    struct plan_diff d = {0};
    size_t n = 0;
    char region[REGION_MAX + 1] = "";
    struct error none = {0};
    int rc = cli_region(cli, region, err);
    if (rc == 0) rc = pack_load(cli, cli_argument(cli, 0), &c, &before, err);
    if (rc == 0) rc = pack_load(cli, cli_argument(cli, 1), &c, &after, err);
    if (rc == 0) rc = policy_diff(before, after, cli->zh, &cli->arena, &changes, &n, err);
    if (rc < 0) goto out;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct policy_change *k = &changes[i];
        if (cli->json)
            json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", k->kind, "name", cli_json_text(k->name), "title", cli_json_text(k->title), "before",
                                                  cli_json_text(k->before), "after", cli_json_text(k->after)));
        else
            cli_print(cli, "%s %.*s %.*s: %.*s -> %.*s\n", kind_word(cli, k->kind), (int)k->name.n, k->name.s, (int)k->title.n, k->title.s, (int)(k->before.n ? k->before.n : 1),
                      k->before.n ? k->before.s : "-", (int)(k->after.n ? k->after.n : 1), k->after.n ? k->after.s : "-");
    }
    /* On the live data when there is a node; two packs can be compared without one. The target is loaded against the node's own catalog. */
    json_t *live = json_null();
    struct changes each = {cli, cli->json && cli_flag(cli, "list") ? json_array() : NULL};
    if (cli_open(cli, &none) == 0) {
        struct policy *to = NULL;
        char *dir = policies_dir(cli, err);
        rc = dir ? policy_load(cli->ledger->catalog, dir, after->name, cli->ledger->zone_s, &to, err) : E_UNKNOWN;
        if (rc == 0) rc = cli_region(cli, region, err); /* now that the register of regions is there */
        if (rc == 0) rc = plan_compare(cli->ledger, NULL, &cli->session, to, text_of(region),
                                       cli_flag(cli, "list") ? change_visit : NULL, &each, &d, err);
        if (rc == 0 && cli->json) live = json_pack("{s:I, s:o, s:O*}", "records", (json_int_t)d.records, "rules", diff_json(&d), "list", each.list);
        else if (rc == 0) {
            cli_print(cli, cli->zh ? "\n现有 %lld 条记录:\n" : "\non the %lld records there are:\n", (long long)d.records);
            diff_print(cli, &d, after, before);
        }
        policy_free(to);
        plan_diff_clear(&d);
    }
    if (rc == 0 && cli->json) rc = cli_json(cli, json_pack("{s:o, s:o}", "changes", list, "live", live), err);
    else json_decref(list), json_decref(live);
    json_decref(each.list);
out:
    policy_free(before);
    policy_free(after);
    catalog_free(c);
    return rc;
}

int cmd_policy_adopt(struct cli *cli, struct error *err) {
    struct plan_diff d = {0};
    char region[REGION_MAX + 1] = "";
    const char *from = cli_text(cli, "from"), *reason = cli_text(cli, "reason");
    int64_t id = 0;
    if (!from) return error_set(err, E_USAGE, "--from", "from which day on is it in force: --from DATE / 须说明起用日期: --from DATE");
    if (!reason) return error_set(err, E_USAGE, "--reason", "why is it adopted: --reason TEXT / 须说明采用理由: --reason TEXT");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    if (rc < 0) return rc;
    struct plan_adoption a = {.pack = text_of(cli_argument(cli, 0)), .region = text_of(region), .reason = text_of(reason),
        .approver = text_of(cli_text(cli, "approver"))};
    rc = cli_day(cli, "--from", from, &a.from, err);
    if (rc == 0) rc = plan_adopt(cli->ledger, &cli->session, &a, &id, &d, err);
    if (rc == 0 && cli->json) rc = cli_json(cli, json_pack("{s:I, s:o}", "adoption", (json_int_t)id, "rules", diff_json(&d)), err);
    else if (rc == 0) {
        cli_print(cli, cli->zh ? "已采用 %s, 记录 %lld\n" : "%s adopted, record %lld\n", cli_argument(cli, 0), (long long)id);
        const struct adoption *made = ledger_adoption(cli->ledger, id);
        diff_print(cli, &d, made ? made->policy : NULL, NULL);
    }
    plan_diff_clear(&d);
    return rc;
}

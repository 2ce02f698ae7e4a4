/* tracing, chains, visits demo: how fast contacts are found and placed, where cases were, who infected whom. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/board.h"
#include "desks/tracing/chains.h"
#include "desks/tracing/genomes.h"
#include "desks/tracing/visitors.h"
#include "doors/cli/commands.h"
#include "ledger/region.h"

static json_t *span_json(const struct tracing_span *s) {
    if (!s->n) return json_pack("{s:I, s:n, s:n, s:n}", "n", (json_int_t)0, "p50_min", "p90_min", "max_min");
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "n", (json_int_t)s->n, "p50_min", (json_int_t)s->p50, "p90_min", (json_int_t)s->p90, "max_min", (json_int_t)s->max, "within", (json_int_t)s->within);
}

static void span_print(struct cli *cli, const char *zh, const char *en, const struct tracing_span *s, int64_t limit_s) {
    cli_print(cli, "%s", cli->zh ? zh : en);
    if (!s->n) {
        cli_print(cli, cli->zh ? ": 无\n" : ": none\n");
        return;
    }
    cli_print(cli, cli->zh ? ": %zu 个, 中位 %s, 九成 %s" : ": %zu, half within %s, 90%% within %s", s->n, cli_duration(cli, s->p50 * 60), cli_duration(cli, s->p90 * 60));
    if (limit_s) cli_print(cli, cli->zh ? ", %zu 个在 %s以内" : ", %zu kept the %s", s->within, cli_duration(cli, limit_s));
    cli_print(cli, "\n");
}

static json_t *requests_json(const struct tracing_requests *q) {
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "letters", (json_int_t)q->letters, "open", (json_int_t)q->open, "overdue", (json_int_t)q->overdue, "replied", (json_int_t)q->replied,
                     "in_time", (json_int_t)q->in_time, "asked", (json_int_t)q->asked, "done", (json_int_t)q->done, "controlled", (json_int_t)q->controlled);
}

int cmd_tracing_board(struct cli *cli, struct error *err) {
    static const char *const zh[TRACING_STEPS] = {"发病到发现", "发现到报告", "发现到落位", "报告到隔离", "隔离到收治"};
    struct tracing_board b;
    char code[REGION_MAX + 1];
    int64_t days = cli_int(cli, "days");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_region(cli, code, err);
    if (rc == 0) rc = tracing_board_of(cli->ledger, &cli->session, text_of(code), (int)days, &b, err);
    if (rc < 0) return rc;
    if (cli->json) {
        json_t *steps = json_object();
        for (int k = 0; k < TRACING_STEPS; k++) json_object_set_new(steps, tracing_step_names[k], span_json(&b.steps[k]));
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "contacts", (json_int_t)b.contacts, "placed", (json_int_t)b.placed, "placed_unknown",
                                       (json_int_t)b.placed_unknown, "queue", (json_int_t)b.queue, "queue_overdue", (json_int_t)b.queue_overdue, "placing", span_json(&b.placing), "waiting",
                                       span_json(&b.waiting), "tested", (json_int_t)b.tested, "before_result", (json_int_t)b.before_result, "cases", (json_int_t)b.cases, "steps", steps, "inbound",
                                       requests_json(&b.inbound), "outbound", requests_json(&b.outbound)), err);
    }
    cli_print(cli, cli->zh ? "接触者 %zu 人, 已管控 %zu (其中时间不详 %zu), 未管控 %zu, 超时 %zu\n" : "%zu contacts, %zu under control (%zu of them nobody knows since when), %zu not yet, %zu of these overdue\n",
              b.contacts, b.placed, b.placed_unknown, b.queue, b.queue_overdue);
    span_print(cli, "找到到落位", "from found to placed", &b.placing, b.place_limit_s);
    span_print(cli, "尚未管控已等", "waiting so far", &b.waiting, b.place_limit_s);
    cli_print(cli, cli->zh ? "先管后筛: 有结果 %zu 人中 %zu 人管控在先\n" : "%zu contacts have a result; %zu of them were under control before it\n", b.tested, b.before_result);
    for (int k = 0; k < TRACING_STEPS; k++) span_print(cli, zh[k], tracing_step_names[k], &b.steps[k], k == STEP_DETECTED_LOCATED ? b.locate_limit_s : 0);
    const struct tracing_requests *q[] = {&b.inbound, &b.outbound};
    for (int k = 0; k < 2; k++)
        cli_print(cli, cli->zh ? "%s协查 %zu 件: 办理中 %zu (超时 %zu), 已回复 %zu (按时 %zu); %lld 人中已核查 %lld\n" : "requests %s: %zu, %zu open (%zu overdue), %zu answered (%zu in time); %lld persons, %lld checked\n",
                  cli->zh ? (k ? "发出" : "收到") : (k ? "sent" : "received"), q[k]->letters, q[k]->open, q[k]->overdue, q[k]->replied, q[k]->in_time, (long long)q[k]->asked, (long long)q[k]->done);
    return 0;
}

int cmd_tracing_places(struct cli *cli, struct error *err) {
    struct tracing_places p = {0};
    struct visits *v = NULL;
    struct buf notice = {0};
    size_t n = 0;
    int64_t days = cli_int(cli, "days"), limit = cli_int(cli, "limit");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tracing_open(cli->ledger, &cli->session, false, true, &v, err);
    if (rc == 0) rc = tracing_places_of(cli->ledger, &cli->session, v, (struct text){"", 0}, (int)days, &p, err);
    if (rc == 0) rc = tracing_places_journal(cli->ledger, &cli->session, err);
    if (rc == 0 && cli_flag(cli, "notice")) {
        if (tracing_notice(&p, cli->ledger->zone_s, cli->zh, &notice, &n) < 0) rc = error_memory(err);
        else cli_write(cli, buf_view(&notice));
    } else if (rc == 0 && cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < p.n && i < (size_t)limit; i++)
            json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:f, s:I, s:f, s:f, s:I}", "place", cli_json_text(p.places[i].name), "title", cli_json_text(p.places[i].title), "cases",
                                                  (json_int_t)p.places[i].cases, "case_hours", p.places[i].case_hours, "contacts", (json_int_t)p.places[i].contacts, "contact_hours",
                                                  p.places[i].contact_hours, "expected", p.places[i].expected, "visits_a_day", (json_int_t)p.places[i].visits_a_day));
        rc = cli_json(cli, json_pack("{s:I, s:o}", "cases", (json_int_t)p.cases, "places", list), err);
    } else if (rc == 0) {
        for (size_t i = 0; i < p.n && i < (size_t)limit; i++) {
            const struct tracing_place *x = &p.places[i];
            struct text title = x->title.n ? x->title : x->name;
            cli_print(cli, cli->zh ? "%3zu  预期感染 %6.2f  病例 %2zu (%.1f 小时)  接触 %4zu 人 (%.1f 小时)  %.*s\n" : "%3zu  %6.2f infections expected  %2zu cases (%.1f h)  %4zu contacts (%.1f h)  %.*s\n", i + 1,
                      x->expected, x->cases, x->case_hours, x->contacts, x->contact_hours, (int)title.n, title.s);
        }
        cli_print(cli, cli->zh ? "病例 %zu 例, 无出入记录 %zu 例\n" : "%zu cases, %zu of them without visits\n", p.cases, p.without_visits);
    }
    buf_clear(&notice);
    if (rc == 0) rc = cli_flush(cli, err);
    tracing_places_clear(&p);
    visits_close(v);
    return rc;
}

static int moment(const struct cli *cli, const char *name, instant *ret, struct error *err) {
    const char *given = cli_text(cli, name);
    *ret = INSTANT_NONE;
    if (given && !instant_parse(text_of(given), cli->ledger->zone_s, ret)) return error_set(err, E_USAGE, name, "%s is no instant / 不是时间", given);
    return 0;
}

int cmd_tracing_visitors(struct cli *cli, struct error *err) {
    struct tracing_presence q = {.venue = cli_int(cli, "venue"), .place = text_of(cli_text(cli, "place")), .zone = (int)cli_int(cli, "zone")};
    struct tracing_visitors_plan plan;
    struct tracing_visitors found = {0};
    struct visits *v = NULL;
    size_t limit = (size_t)cli_int(cli, "limit");
    if (!q.venue && !q.place.n) return error_set(err, E_USAGE, "--place", "--venue, or --place with --from and --to / 请给出 --venue, 或 --place 与起止时间");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = moment(cli, "from", &q.from, err);
    if (rc == 0) rc = moment(cli, "to", &q.to, err);
    if (rc == 0) rc = tracing_open(cli->ledger, &cli->session, false, true, &v, err);
    if (rc == 0) rc = tracing_visitors_plan(cli->ledger, &cli->session, v, &q, &plan, err);
    if (rc == 0) rc = tracing_visitors_journal(cli->ledger, &cli->session, &plan, err);
    if (rc == 0) rc = tracing_visitors_find(cli->ledger, &cli->session, v, &plan, &found, err);
    json_t *list = rc == 0 && cli->json ? json_array() : NULL;
    for (size_t i = 0; rc == 0 && i < found.n && i < limit; i++) {
        const struct tracing_visitor *x = &found.items[i];
        struct text name = visits_text(v, VISITS_PERSON, x->person);
        char from[INSTANT_TEXT], to[INSTANT_TEXT];
        instant_format(x->first, cli->ledger->zone_s, from);
        instant_format(x->last, cli->ledger->zone_s, to);
        if (list)
            json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:I, s:I, s:s, s:i, s:i}", "person", cli_json_text(name), "first", from, "last", to, "there_s", (json_int_t)x->there_s, "stays",
                                                  (json_int_t)x->stays, "source", presence_source_word(x->source), "zone", x->zone, "row", x->row));
        else cli_print(cli, "%-20.*s %.16s  %.16s  %8s  %u\n", (int)name.n, name.s, from, to, cli_duration(cli, x->there_s), x->stays);
    }
    if (list) rc = cli_json(cli, json_pack("{s:I, s:o}", "n_visitors", (json_int_t)(found.n + found.more), "visitors", list), err);
    else if (rc == 0) cli_print(cli, cli->zh ? "到访 %zu 人\n" : "%zu visitors\n", found.n + found.more);
    if (rc == 0) rc = cli_flush(cli, err);
    tracing_visitors_clear(&found);
    visits_close(v);
    return rc;
}

/* Who may have infected one case, best first, as far as the asker may see them. */
static int candidates_print(struct cli *cli, const struct chains *c, int64_t id, int64_t limit, struct error *err) {
    uint32_t at = chains_find(c, id);
    if (at == CHAIN_NONE || !chains_seen(cli->ledger, &cli->session, c, at)) return error_set(err, E_UNKNOWN, "--case", "no such case in the chains / 传播链中没有该病例");
    const struct chain_node *x = &c->result.nodes[at];
    json_t *list = json_array();
    for (uint32_t i = 0; i < x->n_candidates && i < limit; i++) {
        const struct chain_candidate *m = &c->result.candidates[x->candidates + i];
        if (!chains_seen(cli->ledger, &cli->session, c, m->infector)) continue;
        struct text who = c->numbers[m->infector];
        json_array_append_new(list, json_pack("{s:i, s:o, s:f, s:i, s:f, s:f, s:f, s:i}", "rank", (int)i + 1, "infector", cli_json_text(who), "chance", m->chance, "days", (int)m->days, "exposure", m->exposure,
                                              "timing", m->timing, "genomes", m->genomes, "differences", (int)m->differences));
        if (!cli->json)
            cli_print(cli, cli->zh ? "%3u. %-28.*s %5.1f%%  间隔 %d 天  暴露 %.2f  时间 %.2f  基因组 %.2f (相差 %d)\n" : "%3u. %-28.*s %5.1f%%  %d days  exposure %.2f  timing %.2f  genomes %.2f (%d apart)\n", i + 1,
                      (int)who.n, who.s, m->chance * 100, (int)m->days, m->exposure, m->timing, m->genomes, (int)m->differences);
    }
    if (cli->json) return cli_json(cli, json_pack("{s:f, s:I, s:o}", "unknown", x->outside, "n_candidates", (json_int_t)x->n_candidates, "candidates", list), err);
    json_decref(list);
    cli_print(cli, cli->zh ? "候选 %u 例; 来源不明的可能 %.1f%%\n" : "%u candidates; nobody known: %.1f%%\n", x->n_candidates, x->outside * 100);
    return 0;
}

int cmd_chains(struct cli *cli, struct error *err) {
    static const char *const fault_zh[CHAIN_FAULTS] = {"发病早于传染者", "传染者隔离后才相遇", "循环", "输入病例有本地来源", "间隔过长", "未见相遇记录"};
    static const char *const fault_en[CHAIN_FAULTS] = {"fell ill before the infector", "met after the infector was isolated", "a loop", "an imported case with a local source", "a long gap", "no meeting on record"};
    struct record one;
    const char *which = cli_text(cli, "case");
    struct chains *c = NULL;
    struct text disease = {"", 0};
    const char *given = cli_text(cli, "disease");
    int64_t limit = cli_int(cli, "limit");
    size_t n = 0, open = 0;
    int rc = cli_open(cli, err);
    if (rc < 0) return rc;
    const struct register_decl *reg = register_find(cli->ledger->catalog, TEXT("case"));
    rc = reg ? access_check(&cli->session, ACCESS_READ, reg, cli->ledger->region, err) : error_set(err, E_UNKNOWN, "case", "no cases here / 没有病例登记册");
    if (rc == 0 && given) rc = chains_disease_known(cli->ledger, disease = text_of(given), err);
    else if (rc == 0) rc = chains_disease(cli->ledger, &cli->arena, &disease, err);
    if (rc == 0 && which) rc = cli_record(cli, reg, which, &one, err);
    if (rc == 0 && which && !given) disease = value_view(one.values[register_field(reg, TEXT("disease"))]);
    if (rc == 0) rc = chains_build(cli->ledger, disease, cli->now, &c, err);
    if (rc < 0) return rc;
    if (which) {
        rc = candidates_print(cli, c, one.id, limit, err);
        if (rc == 0) rc = cli_flush(cli, err);
        chains_free(c);
        return rc;
    }
    json_t *list = json_array(), *faults = json_array();
    for (size_t i = 0; i < c->result.n_trees; i++) {
        const struct chain_tree *t = &c->result.trees[i];
        char first[DAY_TEXT], last[DAY_TEXT];
        if (t->size < 2) continue;
        open += t->open;
        if (n++ >= (size_t)limit) continue;
        if (t->first != CHAIN_NO_DAY) day_format(t->first, first), day_format(t->last, last);
        else first[0] = last[0] = 0;
        struct text number = c->numbers[t->root];
        json_array_append_new(list, json_pack("{s:o, s:I, s:I, s:s, s:s, s:b}", "root", cli_json_text(number), "size", (json_int_t)t->size, "generations", (json_int_t)t->generations, "first", first, "last",
                                              last, "open", t->open));
        if (!cli->json)
            cli_print(cli, cli->zh ? "%-28.*s %5u 例 %3u 代  %s 至 %s  %s\n" : "%-28.*s %5u cases %3u generations  %s to %s  %s\n", (int)number.n, number.s, t->size, t->generations, first, last,
                      t->open ? cli_word(cli, "未阻断", "open") : cli_word(cli, "已阻断", "cut"));
    }
    for (size_t i = 0; i < c->result.n_contradictions && i < (size_t)limit; i++) {
        const struct chain_contradiction *x = &c->result.contradictions[i];
        struct text from = x->infector == CHAIN_NONE ? (struct text){"-", 1} : c->numbers[x->infector], to = c->numbers[x->infectee];
        json_array_append_new(faults, json_pack("{s:s, s:o, s:o, s:i}", "kind", chain_fault_names[x->kind], "infector", cli_json_text(from), "infectee", cli_json_text(to), "days", (int)x->days));
        if (!cli->json) cli_print(cli, cli->zh ? "! %.*s -> %.*s  %s, %d 天\n" : "! %.*s -> %.*s  %s, %d d\n", (int)from.n, from.s, (int)to.n, to.s, cli_word(cli, fault_zh[x->kind], fault_en[x->kind]), (int)x->days);
    }
    if (cli->json)
        rc = cli_json(cli, json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "disease", cli_json_text(c->disease), "cases", (json_int_t)c->input.n, "chains", (json_int_t)n, "open", (json_int_t)open,
                                     "contradictions", (json_int_t)c->result.n_contradictions, "list", list, "faults", faults), err);
    else {
        json_decref(list);
        json_decref(faults);
        cli_print(cli, cli->zh ? "%zu 例, 传播链 %zu 条 (未阻断 %zu), 矛盾 %zu 处; 发病间隔 %.1f±%.1f 天\n" : "%zu cases, %zu chains (%zu open), %zu contradictions; serial interval %.1f±%.1f days\n", c->input.n, n, open,
                  c->result.n_contradictions, c->options.si_mean_days, c->options.si_sd_days);
    }
    if (rc == 0) rc = cli_flush(cli, err);
    chains_free(c);
    return rc;
}

static void genome_refused(struct text name, const struct error *why, void *arg) {
    cli_note(arg, "%.*s: %s\n", (int)(name.n < 80 ? name.n : 80), name.s, why->message);
}

int cmd_genomes_import(struct cli *cli, struct error *err) {
    struct tracing_genomes g = {0};
    const char *reference = cli_text(cli, "reference");
    if (!reference) return error_set(err, E_USAGE, "--reference", "a reference sequence is needed / 须给出参考序列");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tracing_genomes_import(cli->ledger, &cli->session, reference, cli_argument(cli, 0), cli_text(cli, "key"), genome_refused, cli, &g, err);
    if (rc < 0) return rc;
    if (cli->json)
        rc = cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I}", "sequences", (json_int_t)g.sequences, "made", (json_int_t)g.made, "changed", (json_int_t)g.changed, "same", (json_int_t)g.same, "refused",
                                     (json_int_t)g.refused), err);
    else cli_print(cli, cli->zh ? "序列 %zu 条: 新登记 %zu, 更改 %zu, 未变 %zu, 退回 %zu\n" : "%zu sequences: %zu recorded, %zu changed, %zu as before, %zu refused\n", g.sequences, g.made, g.changed, g.same, g.refused);
    return rc == 0 && g.refused ? error_set(err, E_REJECTED, cli_argument(cli, 0), "%zu sequences refused / 退回 %zu 条", g.refused, g.refused) : rc;
}

int cmd_visits_demo(struct cli *cli, struct error *err) {
    struct visits *v = NULL;
    uint64_t rows = 0;
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tracing_open(cli->ledger, &cli->session, true, false, &v, err);
    if (rc == 0) rc = tracing_demo(cli->ledger, &cli->session, v, (uint64_t)cli_int(cli, "seed"), &rows, err);
    visits_close(v);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I}", "visits", (json_int_t)rows), err);
    cli_print(cli, cli->zh ? "虚构出入记录 %llu 条\n" : "%llu invented visits\n", (unsigned long long)rows);
    return 0;
}

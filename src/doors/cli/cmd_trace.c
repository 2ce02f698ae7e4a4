/* visits, trace, city: where everybody was, and who met whom. */
#include <stdio.h>
#include <string.h>

#include "desks/tracing/found.h"
#include "doors/cli/commands.h"

static int opened(struct cli *cli, bool create, bool read_only, struct visits **ret, struct error *err) {
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tracing_open(cli->ledger, &cli->session, create, read_only, ret, err);
    return rc;
}

int cmd_visits_import(struct cli *cli, struct error *err) {
    struct visits *v = NULL;
    struct tracing_import_report r = {0};
    int rc = opened(cli, true, false, &v, err);
    if (rc == 0) rc = tracing_import_mapped(cli->ledger, &cli->session, v, cli_argument(cli, 0), cli_text(cli, "map"), cli_text(cli, "errors"), &r, err);
    visits_close(v);
    if (rc < 0) return rc;
    if (cli->json)
        rc = cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "rows", (json_int_t)r.rows, "taken", (json_int_t)r.taken, "refused", (json_int_t)r.refused, "forgotten",
                                     (json_int_t)r.forgotten, "without_visits", (json_int_t)r.without, "too_far", (json_int_t)r.far, "refused_to", r.refused_to), err);
    else
        cli_print(cli, cli->zh ? "读入 %llu 行, 收下 %llu, 退回 %llu%s%s, 属已清除日期 %llu, 无行程 %llu, 距离过远 %llu\n" : "%llu rows, %llu visits taken, %llu rows refused%s%s, %llu visits of forgotten days, %llu rows without any, %llu too far apart\n", (unsigned long long)r.rows,
                  (unsigned long long)r.taken, (unsigned long long)r.refused, r.refused ? " -> " : "", r.refused_to, (unsigned long long)r.forgotten,
                  (unsigned long long)r.without, (unsigned long long)r.far);
    return rc == 0 && r.refused ? error_set(err, E_REJECTED, r.refused_to, "%llu rows refused / 退回 %llu 行", (unsigned long long)r.refused, (unsigned long long)r.refused) : rc;
}

int cmd_visits_status(struct cli *cli, struct error *err) {
    struct visits *v = NULL;
    struct visits_status s = {0};
    struct tracing_rules rules;
    char date[DAY_TEXT];
    int rc = opened(cli, false, true, &v, err);
    if (rc == 0) rc = visits_status(v, cli_flag(cli, "verify"), &s, err);
    if (rc < 0) {
        visits_close(v);
        return rc;
    }
    tracing_rules(cli->ledger, (struct text){"", 0}, cli->now, &rules);
    uint64_t all = s.rows + s.buffered, past = 0;
    int damaged = s.log_damaged;
    day until = day_of_instant(cli->now, cli->ledger->zone_s) - rules.keep_days;
    json_t *days = json_array();
    for (size_t i = 0; i < s.n_days; i++) {
        day_format(s.days[i].day, date);
        damaged += s.days[i].damaged;
        if (s.days[i].day < until) past += s.days[i].rows;
        json_array_append_new(days, json_pack("{s:s, s:I, s:I, s:i, s:b}", "day", date, "visits", (json_int_t)s.days[i].rows, "bytes", (json_int_t)s.days[i].bytes, "files",
                                              s.days[i].files, "damaged", s.days[i].damaged));
        if (!cli->json)
            cli_print(cli, "%s %12llu %14llu B  %d%s\n", date, (unsigned long long)s.days[i].rows, (unsigned long long)s.days[i].bytes, s.days[i].files,
                      s.days[i].damaged ? cli_word(cli, "  已损坏", "  damaged") : "");
    }
    if (cli->json) {
        rc = cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:i, s:i, s:I, s:i, s:i, s:o}", "visits", (json_int_t)all, "past", (json_int_t)past, "buffered", (json_int_t)s.buffered, "bytes", (json_int_t)s.bytes,
                                     "persons", (int)s.persons, "places", (int)s.places, "log_bytes", (json_int_t)s.log_bytes, "log_damaged", s.log_damaged, "keep_days",
                                     rules.keep_days, "days", days), err);
    } else {
        json_decref(days);
        cli_print(cli, cli->zh ? "出入记录 %llu 条 (日志中 %llu), %u 人, %u 处场所, %.1f 字节/条, 保存 %d 天\n" : "%llu visits (%llu in the log), %u persons, %u places, %.1f bytes a visit, kept %d days\n",
                  (unsigned long long)all, (unsigned long long)s.buffered, s.persons, s.places, s.rows ? (double)s.bytes / (double)s.rows : 0.0, rules.keep_days);
        if (past) cli_print(cli, cli->zh ? "其中 %llu 条已过保存期, 应予清除: tocsin visits forget\n" : "%llu of them are kept for longer than that: tocsin visits forget\n", (unsigned long long)past);
    }
    visits_status_clear(&s);
    visits_close(v);
    return rc == 0 && damaged ? error_set(err, E_CORRUPT, "visits", "%d days or places in the log are damaged; the rest is served / 有 %d 处损坏,其余可用", damaged, damaged) : rc;
}

int cmd_visits_forget(struct cli *cli, struct error *err) {
    struct visits *v = NULL;
    const char *before = cli_text(cli, "before"), *one = cli_text(cli, "day");
    day from = DAY_MIN, until = DAY_MIN;
    uint64_t rows = 0;
    char date[DAY_TEXT];
    if (before && one) return error_set(err, E_USAGE, "--day", "either --before or --day / --before 与 --day 只能取一");
    if (before && cli_day(cli, "--before", before, &until, err) < 0) return err->code;
    if (one) {
        if (cli_day(cli, "--day", one, &from, err) < 0) return err->code;
        until = from + 1;
    }
    int rc = opened(cli, false, false, &v, err);
    if (rc == 0) rc = tracing_forget(cli->ledger, &cli->session, v, from, until, &rows, &until, err);
    visits_close(v);
    if (rc < 0) return rc;
    day_format(until, date);
    if (one && !cli->json) {
        cli_print(cli, cli->zh ? "已清除 %s 的出入记录 %llu 条\n" : "%s: %llu visits forgotten\n", one, (unsigned long long)rows);
        return 0;
    }
    if (cli->json) return cli_json(cli, json_pack("{s:s, s:I}", "before", date, "visits", (json_int_t)rows), err);
    cli_print(cli, cli->zh ? "已清除 %s 之前的出入记录 %llu 条\n" : "before %s: %llu visits forgotten\n", date, (unsigned long long)rows);
    return 0;
}

/* ---- trace */
static json_t *name_of(const struct visits *v, enum visits_kind kind, uint32_t id) {
    return cli_json_text(visits_text(v, kind, id));
}

static json_t *time_of(const struct cli *cli, const struct tracing_answer *a, int32_t at) {
    char out[INSTANT_TEXT];
    instant_format(a->origin + at, cli->ledger->zone_s, out);
    return json_string(out);
}

static const char *const contact_words[] = {"close", "secondary", "general"};

static json_t *evidence_json(const struct cli *cli, const struct tracing_answer *a, const struct contact *c) {
    json_t *list = json_array();
    for (uint32_t at = c->evidence; at; at = a->found.evidence[at - 1].next) {
        const struct contact_evidence *e = &a->found.evidence[at - 1];
        json_t *j = json_object();
        json_object_set_new(j, "place", e->place == CONTACT_LINK_PLACE ? json_null() : name_of(a->v, VISITS_PLACE, e->place));
        json_object_set_new(j, "start", time_of(cli, a, e->start));
        json_object_set_new(j, "end", time_of(cli, a, e->end));
        json_object_set_new(j, "overlap_s", json_integer(e->overlap_s));
        json_object_set_new(j, "source", json_string(presence_source_word(presence_source_of(e->attr))));
        json_object_set_new(j, "kind", json_string(contact_kind_word(e->kind)));
        json_object_set_new(j, "through", cli_json_text(tracing_person(a, e->through)));
        if (e->rows_apart != 255) json_object_set_new(j, "rows_apart", json_integer(e->rows_apart));
        json_array_insert_new(list, 0, j); /* the chain is newest first */
    }
    return list;
}

static json_t *contact_json(const struct cli *cli, const struct tracing_answer *a, const struct contact *c) {
    json_t *j = json_object();
    json_object_set_new(j, "person", cli_json_text(tracing_person(a, c->person)));
    json_object_set_new(j, "degree", json_integer(c->degree));
    json_object_set_new(j, "class", json_string(contact_words[c->kind]));
    json_object_set_new(j, "overlap_s", json_integer(c->overlap_s));
    json_object_set_new(j, "first", time_of(cli, a, c->first));
    json_object_set_new(j, "last", time_of(cli, a, c->last));
    json_object_set_new(j, "score", json_real(c->score));
    json_object_set_new(j, "evidence", evidence_json(cli, a, c));
    return j;
}

static int piece_print(const char *s, size_t n, void *arg) {
    cli_write(arg, (struct text){s, n});
    return 0;
}

/* Contacts one by one: two hundred thousand of them need no tree in memory. */
static int array_print(struct cli *cli, const char *name, size_t n, json_t *(*make)(const struct cli *, const struct tracing_answer *, size_t), const struct tracing_answer *a,
                       struct error *err) {
    int rc = 0;
    cli_print(cli, "\"%s\": [", name);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        json_t *j = make(cli, a, i);
        cli_print(cli, "%s\n  ", i ? "," : "");
        if (!j || json_dump_callback(j, piece_print, cli, JSON_PRESERVE_ORDER) < 0) rc = error_set(err, E_MEMORY, NULL, "out of memory for JSON / 内存不足");
        json_decref(j);
    }
    cli_print(cli, "%s]", n ? "\n" : "");
    return rc;
}

static json_t *nth_contact(const struct cli *cli, const struct tracing_answer *a, size_t i) {
    return contact_json(cli, a, &a->found.contacts[i]);
}

static json_t *nth_venue(const struct cli *cli, const struct tracing_answer *a, size_t i) {
    const struct contact_venue *v = &a->found.venues[i];
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "place", name_of(a->v, VISITS_PLACE, v->place), "through", cli_json_text(tracing_person(a, v->through)), "from", time_of(cli, a, v->from),
                     "to", time_of(cli, a, v->to), "visits_a_day", (json_int_t)v->crowd);
}

static json_t *nth_place(const struct cli *cli, const struct tracing_answer *a, size_t i) {
    const struct contact_common_place *p = &a->common.places[i];
    return json_pack("{s:o, s:I, s:I, s:f, s:f}", "place", name_of(a->v, VISITS_PLACE, p->place), "cases", (json_int_t)p->cases, "visitors", (json_int_t)p->visitors, "expected",
                     p->expected, "log10_chance", p->log10_chance);
}

static json_t *nth_source(const struct cli *cli, const struct tracing_answer *a, size_t i) {
    const struct contact_common_person *p = &a->common.persons[i];
    return json_pack("{s:o, s:I, s:f}", "person", cli_json_text(tracing_person(a, p->person)), "cases", (json_int_t)p->cases, "score", p->score);
}

static int answer_json(struct cli *cli, const struct tracing_answer *a, const struct tracing_since *since, struct error *err) {
    char from[INSTANT_TEXT], to[INSTANT_TEXT];
    instant_format(a->from, cli->ledger->zone_s, from);
    instant_format(a->to, cli->ledger->zone_s, to);
    cli_print(cli, "{\"from\": \"%s\", \"to\": \"%s\", \"asked\": %zu, \"without_visits\": %zu, \"damaged_files\": %d, \"forgotten\": %s,\n", from, to, a->n_asked, a->n_unknown, a->damaged,
              a->forgotten ? "true" : "false");
    if (since->any) cli_print(cli, "\"since\": {\"added\": %zu, \"kept\": %zu, \"removed\": %zu},\n", since->added, since->kept, since->removed);
    int rc = array_print(cli, "contacts", a->found.n_contacts, nth_contact, a, err);
    cli_print(cli, ",\n");
    if (rc == 0) rc = array_print(cli, "venues", a->found.n_venues, nth_venue, a, err);
    if (rc == 0 && a->common.n_places + a->common.n_persons) {
        cli_print(cli, ",\n");
        rc = array_print(cli, "common_places", a->common.n_places, nth_place, a, err);
        cli_print(cli, ",\n");
        if (rc == 0) rc = array_print(cli, "common_sources", a->common.n_persons, nth_source, a, err);
    }
    cli_print(cli, "}\n");
    return rc;
}

/* How a contact met those asked: each kind of its evidence once, as the console calls them (tracing.kind); two devices near each other by their source. */
enum { NEAR = CONTACT_KINDS, KINDS_TEXT = 200 };
static void kinds_text(const struct cli *cli, const struct tracing_answer *a, const struct contact *c, char out[KINDS_TEXT]) {
    static const char *const en[] = {"together", "came after", "same household", "same room", "same unit", "same address", "same phone", "same work unit", "proximity"};
    static const char *const zh[] = {"同处", "随后到达", "同户", "同室", "同班或同单位", "同住址", "同电话", "同工作单位", "近距离感应"};
    uint32_t kinds = 0;
    size_t n = 0;
    for (uint32_t at = c->evidence; at; at = a->found.evidence[at - 1].next) {
        const struct contact_evidence *e = &a->found.evidence[at - 1];
        kinds |= 1u << (e->kind == CONTACT_MET && presence_source_of(e->attr) == PRESENCE_PROXIMITY ? NEAR : e->kind);
    }
    out[0] = '\0';
    for (unsigned k = 0; k <= NEAR && n < KINDS_TEXT; k++)
        if (kinds >> k & 1) n += (size_t)snprintf(out + n, KINDS_TEXT - n, "%s%s", n ? (cli->zh ? "、" : ", ") : "", cli->zh ? zh[k] : en[k]);
}

static void answer_text(struct cli *cli, const struct tracing_answer *a, const struct tracing_since *since) {
    static const char *const zh[] = {"密接", "次密接", "一般接触者"};
    char first[INSTANT_TEXT], kinds[KINDS_TEXT];
    for (size_t i = 0; i < a->found.n_contacts; i++) {
        const struct contact *c = &a->found.contacts[i];
        struct text name = tracing_person(a, c->person);
        kinds_text(cli, a, c, kinds);
        instant_format(a->origin + c->first, cli->ledger->zone_s, first);
        cli_print(cli, "%s%-12.*s %-10s %7.0f %s  %s  %.4f  %u  %s\n", since->any ? (since->fresh[i] ? "+ " : "  ") : "", (int)name.n, name.s, cli->zh ? zh[c->kind] : contact_words[c->kind], (double)c->overlap_s / 60, cli_word(cli, "分", "min"), first, c->score,
                  c->n_evidence, kinds);
    }
    for (size_t i = 0; i < since->removed; i++) cli_print(cli, "- %lld\n", (long long)since->gone[i]);
    if (since->any) {
        instant_format(since->traced_at, cli->ledger->zone_s, first);
        cli_print(cli, cli->zh ? "与 %.16s 已登记的相比: 新增 %zu, 不变 %zu, 不再成立 %zu\n" : "against what is on record of %.16s: %zu added, %zu as before, %zu no longer found\n", first, since->added,
                  since->kept, since->removed);
        if (since->unseen)
            cli_print(cli, cli->zh ? "不变者中 %zu 人的暴露日期已清除或损坏, 无法复核\n" : "%zu of those as before cannot be looked for: their days are forgotten or damaged\n", since->unseen);
    }
    for (size_t i = 0; i < a->found.n_venues; i++) {
        struct text name = visits_text(a->v, VISITS_PLACE, a->found.venues[i].place);
        instant_format(a->origin + a->found.venues[i].from, cli->ledger->zone_s, first);
        cli_print(cli, cli->zh ? "风险场所 %.*s 自 %s, 每日 %u 人次\n" : "venue %.*s from %s, %u visits a day\n", (int)name.n, name.s, first, a->found.venues[i].crowd);
    }
    for (size_t i = 0; i < a->common.n_places && i < 20; i++) {
        const struct contact_common_place *p = &a->common.places[i];
        struct text name = visits_text(a->v, VISITS_PLACE, p->place);
        cli_print(cli, cli->zh ? "共同场所 %.*s: %u 例, 偶然预期 %.2f, 概率 10^%.1f\n" : "common place %.*s: %u cases, %.2f by chance, probability 10^%.1f\n", (int)name.n, name.s, p->cases, p->expected,
                  p->log10_chance);
    }
    cli_print(cli, cli->zh ? "接触者 %zu 人, 风险场所 %zu 处, 无出入记录者 %zu 人\n" : "%zu contacts, %zu venues, %zu without any visit\n", a->found.n_contacts, a->found.n_venues, a->n_unknown);
}

/* What was found becomes records. */
static int take(struct cli *cli, const struct tracing_question *q, struct error *err) {
    struct visits *v = NULL;
    struct tracing_accept all = {0};
    struct tracing_accepted d = {0};
    int rc = opened(cli, true, false, &v, err);
    if (rc == 0) rc = tracing_accept(cli->ledger, &cli->session, v, q, &all, &d, err);
    visits_close(v);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "found", (json_int_t)d.found, "contacts_made", (json_int_t)d.contacts_made, "contacts_known", (json_int_t)d.contacts_known,
                                       "persons_made", (json_int_t)d.persons_made, "to_remove", (json_int_t)d.to_remove, "venues", (json_int_t)d.venues, "refused", (json_int_t)d.refused), err);
    cli_print(cli, cli->zh ? "找到 %zu 人: 新登记 %zu, 已在册 %zu, 新建人员 %zu, 建议撤销 %zu, 风险场所 %zu\n" : "%zu found: %zu recorded, %zu on record already, %zu persons made, %zu proposed for removal, %zu venues\n", d.found,
              d.contacts_made, d.contacts_known, d.persons_made, d.to_remove, d.venues);
    return d.refused ? error_set(err, E_REJECTED, d.first.where, "%zu refused, the first: %s / %zu 人未能登记", d.refused, d.first.message, d.refused) : 0;
}

/* For reading; for writing when what those asked have told of their ways is not among the visits yet, unless a server holds them. */
static int opened_with_routes(struct cli *cli, const struct tracing_question *q, struct visits **ret, struct error *err) {
    size_t waiting = 0;
    int rc = opened(cli, false, true, ret, err);
    if (rc == E_UNKNOWN && cli->ledger) { /* nobody was anywhere yet: who lives with them is found all the same */
        *err = (struct error){0};
        rc = tracing_open(cli->ledger, &cli->session, true, false, ret, err);
    }
    if (rc == 0) rc = tracing_routes_feed(cli->ledger, &cli->session, *ret, q, &waiting, err);
    if (rc < 0 || !waiting) return rc;
    visits_close(*ret);
    *ret = NULL;
    struct error own = {0};
    rc = tracing_open(cli->ledger, &cli->session, false, false, ret, &own);
    if (rc == 0) return tracing_routes_feed(cli->ledger, &cli->session, *ret, q, &waiting, err);
    if (rc != E_BUSY) return *err = own, rc;
    cli_note(cli, cli->zh ? "另有 %zu 条自述轨迹尚未并入 (服务器正在使用出入记录): 请经服务器追踪\n" : "%zu entries of routes are not among the visits yet, which a server holds: ask it\n", waiting);
    return tracing_open(cli->ledger, &cli->session, false, true, ret, err);
}

int cmd_trace(struct cli *cli, struct error *err) {
    enum { PERSONS = 512 };
    const char *words[CLI_ARGUMENTS_MAX + PERSONS], *given = cli_text(cli, "person");
    size_t n_words = 0;
    struct visits *v = NULL;
    struct tracing_answer a = {0};
    struct tracing_since since = {0};
    struct tracing_question q = {.degree = (int)cli_int(cli, "degree"), .minutes = cli_text(cli, "minutes") ? cli_int(cli, "minutes") : -1,
                                 .after_minutes = cli_text(cli, "within-after") ? cli_int(cli, "within-after") : -1, .crowd = cli_text(cli, "crowd") ? cli_int(cli, "crowd") : -1,
                                 .window_days = cli_int(cli, "window"), .reverse = cli_flag(cli, "reverse")};
    if (given) {
        char *list = arena_str(&cli->arena, given), *save = NULL;
        for (char *w = list ? strtok_r(list, ",", &save) : NULL; w; w = strtok_r(NULL, ",", &save)) {
            if (n_words == PERSONS) return error_set(err, E_TOO_LARGE, "--person", "more than %d persons; ask over HTTP, or in parts / 一次不超过 %d 人", PERSONS, PERSONS);
            words[n_words++] = w;
        }
    }
    for (size_t i = 0; i < cli->n_arguments; i++) words[n_words++] = cli->arguments[i];
    /* with --person every word is one: tocsin trace --person 17 18 19 */
    if (given) q.persons = words, q.n_persons = n_words;
    else q.cases = words, q.n_cases = n_words;
    if (q.minutes < -1 || q.after_minutes < -1 || q.crowd < -1) return error_set(err, E_USAGE, NULL, "minutes and crowd are not negative / 分钟数不能为负");
    if (cli_flag(cli, "accept")) return take(cli, &q, err);
    int rc = opened_with_routes(cli, &q, &v, err);
    if (rc == 0) rc = tracing_ask(cli->ledger, &cli->session, v, &q, &a, err);
    if (rc == 0 && !q.reverse) rc = tracing_since_of(cli->ledger, &cli->session, a.one, &a, &since, err);
    if (rc == 0 && cli->json) rc = answer_json(cli, &a, &since, err);
    else if (rc == 0) answer_text(cli, &a, &since);
    if (rc == 0 && a.forgotten) cli_note(cli, "%s", cli_word(cli, "部分日期的出入记录已按规定清除, 当时的接触者查不到\n", "some of these days are forgotten: who was met then is not found\n"));
    if (rc == 0 && a.damaged) cli_note(cli, cli->zh ? "%d 个日期文件或日志片段损坏, 结果不含这些内容\n" : "%d files of days, or parts of the log, are damaged; the answer is without them\n", a.damaged);
    if (rc == 0) rc = cli_flush(cli, err); /* names are borrowed from the store */
    tracing_since_clear(&since);
    tracing_answer_clear(&a);
    visits_close(v);
    return rc;
}

static void city_progress(int64_t done, uint64_t rows, void *arg) {
    cli_note(arg, ((struct cli *)arg)->zh ? "第 %lld 天: 共 %llu 条\n" : "day %lld: %llu visits\n", (long long)done, (unsigned long long)rows);
}

int cmd_city_generate(struct cli *cli, struct error *err) {
    struct visits *v = NULL;
    uint64_t rows = 0;
    const char *parameters = cli_text(cli, "parameters");
    struct tracing_city c = {.seed = (uint64_t)cli_int(cli, "seed"), .people = cli_int(cli, "people"), .days = cli_int(cli, "days"), .threads = (int)cli_int(cli, "threads")};
    if (cli_day(cli, "--from", cli_text(cli, "from"), &c.first, err) < 0) return err->code;
    c.parameters = parameters ? parameters : arena_printf(&cli->arena, "%s/scenarios/city.yaml", cli->home ? cli->home : ".");
    int rc = opened(cli, true, false, &v, err);
    if (rc == 0) rc = tracing_city_regions(cli->ledger, c.people, &cli->arena, &c.regions, &c.n_regions, err);
    if (rc == 0) rc = tracing_city(v, &c, cli_flag(cli, "quiet") ? NULL : city_progress, cli, &rows, err);
    visits_close(v);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:I, s:I}", "people", (json_int_t)c.people, "days", (json_int_t)c.days, "visits", (json_int_t)rows), err);
    cli_print(cli, cli->zh ? "%lld 人 %lld 天: 出入记录 %llu 条\n" : "%lld people, %lld days: %llu visits\n", (long long)c.people, (long long)c.days, (unsigned long long)rows);
    return 0;
}

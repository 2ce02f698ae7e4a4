/* sampling pack, lab: boxes, plates, release, correction, recall, clocks, tickets. */
#include <stdio.h>
#include <string.h>

#include "desks/testing/lab_json.h"
#include "desks/testing/packing.h"
#include "desks/testing/ticket.h"
#include "doors/cli/commands.h"
#include "files/sheet.h"

static int instant_of(struct cli *cli, const char *option, instant *ret, struct error *err) {
    const char *given = cli_text(cli, option);
    *ret = cli->now;
    if (!given || instant_parse(text_of(given), cli->ledger->zone_s, ret)) return 0;
    return error_set(err, E_USAGE, option, "is no time: 2022-09-01T18:00 / 不是时间");
}

static int report(struct cli *cli, struct lab_report *r, int rc, struct error *err) {
    if (rc == 0 && cli->json) rc = cli_json(cli, lab_report_json(r, cli->zh), err);
    for (size_t i = 0; rc == 0 && !cli->json && i < r->n; i++) {
        const struct lab_line *x = &r->lines[i];
        char words[LAB_WORDS_MAX];
        if (x->outcome == LAB_TAKEN || x->outcome == LAB_AGAIN) continue;
        static const char *const zh[] = {"", "", "多管", "缺管", "退回"};
        cli_print(cli, "%s  %.*s  %s\n", cli->zh ? zh[x->outcome] : lab_outcomes[x->outcome], (int)x->tube.n, x->tube.s, lab_line_words(x, cli->zh, words));
    }
    if (rc == 0 && !cli->json) {
        cli_print(cli, cli->zh ? "办理 %zu, 已有 %zu, 多 %zu, 缺 %zu, 退回 %zu\n" : "%zu taken, %zu again, %zu extra, %zu missing, %zu refused\n", r->counts[LAB_TAKEN], r->counts[LAB_AGAIN], r->counts[LAB_EXTRA],
                  r->counts[LAB_MISSING], r->counts[LAB_REFUSED]);
        if (r->declared > r->listed) cli_print(cli, cli->zh ? "清单写 %lld 管, 已知只有 %lld 管\n" : "the manifest speaks of %lld tubes, %lld are known\n", (long long)r->declared, (long long)r->listed);
        if (r->recalled) cli_print(cli, cli->zh ? "召回 %lld 管\n" : "%lld tubes recalled\n", (long long)r->recalled);
    }
    if (rc == 0 && r->failed) rc = error_set(err, r->controls.code, r->controls.where, "%s", r->controls.message);
    if (rc == 0 && r->counts[LAB_REFUSED]) rc = error_set(err, E_REJECTED, NULL, "%s / %s", error_text(E_REJECTED), error_text_zh(E_REJECTED));
    lab_report_clear(r);
    return rc;
}

/* Bar codes of a list: the first cell of each row; a first row that says so is its header. */
static int tubes_of_file(struct cli *cli, const char *path, struct text *out, size_t *n, struct error *err) {
    struct sheet *sheet = NULL;
    const struct text *cells;
    size_t k;
    int64_t line;
    bool damaged;
    int rc = sheet_open(path, NULL, &sheet, err);
    while (!rc && (rc = sheet_next(sheet, &cells, &k, &line, &damaged, err)) > 0) {
        struct text t = k ? text_trim(cells[0]) : (struct text){"", 0};
        rc = 0;
        if (!t.n || (line == 1 && (text_is(t, "tube") || text_is(t, "barcode") || text_is(t, "管码") || text_is(t, "采样管编号")))) continue;
        if (*n == LAB_TUBES_MAX) rc = error_set(err, E_TOO_LARGE, path, "at most %d tubes / 至多 %d 管", LAB_TUBES_MAX, LAB_TUBES_MAX);
        else if (!(out[(*n)++] = arena_text(&cli->arena, t)).s) rc = error_memory(err);
    }
    sheet_close(sheet);
    return rc < 0 ? rc : 0;
}

static int tubes_of(struct cli *cli, size_t first, struct text **ret, size_t *ret_n, struct error *err) {
    struct text *list = arena_alloc(&cli->arena, (LAB_TUBES_MAX + 1) * sizeof *list);
    if (!list) return error_memory(err);
    size_t n = 0;
    for (; cli_argument(cli, first + n); n++) list[n] = text_of(cli_argument(cli, first + n));
    const char *path = cli_text(cli, "file");
    int rc = path ? tubes_of_file(cli, path, list, &n, err) : 0;
    *ret = list;
    *ret_n = n;
    return rc;
}

int cmd_lab_receive(struct cli *cli, struct error *err) {
    struct lab_report r = {0};
    struct text *tubes = NULL;
    size_t n = 0;
    instant at;
    int rc = cli_open(cli, err);
    if (!rc) rc = tubes_of(cli, 1, &tubes, &n, err);
    if (!rc) rc = instant_of(cli, "arrived", &at, err);
    if (!rc) rc = lab_receive(cli->ledger, &cli->session, text_of(cli_argument(cli, 0)), tubes, n, at, &r, err);
    return report(cli, &r, rc, err);
}

int cmd_sampling_pack(struct cli *cli, struct error *err) {
    struct lab_report r = {0};
    struct packing p = {.box = text_of(cli_argument(cli, 0)), .site = cli_int(cli, "site"), .seal = cli_flag(cli, "seal")};
    struct text *tubes = NULL;
    int rc = cli_open(cli, err);
    if (!rc) rc = tubes_of(cli, 1, &tubes, &p.n, err);
    p.tubes = tubes;
    if (!rc) rc = instant_of(cli, "packed", &p.at, err);
    if (!rc) rc = box_pack(cli->ledger, &cli->session, &p, &r, err);
    return report(cli, &r, rc, err);
}

/* By id, number or title. */
static int laboratory(struct cli *cli, const char *word, int64_t *ret, struct error *err) {
    struct value p = value_text(text_of(word)), id = value_null();
    if (text_int(text_of(word), ret)) return 0;
    int rc = db_scalar(cli->ledger->db, &cli->arena, "SELECT MIN(\"id\") FROM \"laboratory\" WHERE \"title\" = ?1", &p, 1, &id, err);
    *ret = value_int_or(id, 0);
    return rc || *ret ? rc : error_set(err, E_UNKNOWN, "--laboratory", "there is no such laboratory / 没有该实验室");
}

int cmd_lab_results(struct cli *cli, struct error *err) {
    static struct plate p;
    struct lab_report r = {0};
    struct plate_options o = plate_options_usual;
    struct lab_run in = {.plate = text_of(cli_text(cli, "plate")), .instrument = text_of(cli_text(cli, "instrument"))};
    int rc = cli_open(cli, err);
    if (!rc && !cli_text(cli, "laboratory")) rc = error_set(err, E_USAGE, "--laboratory", "which laboratory / 须写明实验室");
    if (!rc) rc = laboratory(cli, cli_text(cli, "laboratory"), &in.laboratory, err);
    if (!rc) rc = instant_of(cli, "started", &in.started_at, err);
    if (!rc) rc = instant_of(cli, "resulted", &in.resulted_at, err);
    if (!rc && cli_text(cli, "dyes")) rc = plate_dyes(text_of(cli_text(cli, "dyes")), &o, err);
    o.blank_is_none = cli_flag(cli, "blank-is-none");
    if (!rc) rc = plate_read(cli_argument(cli, 0), &o, &p, err);
    if (!rc) rc = lab_results(cli->ledger, &cli->session, &in, &p, &r, err);
    if (!rc && !cli->json) cli_print(cli, cli->zh ? "批次 %lld: 阴性 %zu, 阳性 %zu, 可疑 %zu, 无效 %zu; 尚未发布\n" : "run %lld: %zu negative, %zu positive, %zu inconclusive, %zu invalid; not released yet\n", (long long)r.record,
                                     r.calls[CALL_NEGATIVE], r.calls[CALL_POSITIVE], r.calls[CALL_INCONCLUSIVE], r.calls[CALL_INVALID]);
    plate_clear(&p);
    return report(cli, &r, rc, err);
}

int cmd_lab_release(struct cli *cli, struct error *err) {
    struct lab_report r = {0};
    int64_t run = 0;
    int rc = cli_open(cli, err);
    if (!rc && !text_int(text_of(cli_argument(cli, 0)), &run)) rc = error_set(err, E_USAGE, "RUN", "is no id / 不是编号");
    if (!rc) rc = lab_release(cli->ledger, &cli->session, run, &r, err);
    return report(cli, &r, rc, err);
}

int cmd_lab_correct(struct cli *cli, struct error *err) {
    int rc = cli_open(cli, err);
    return rc < 0 ? rc : lab_correct(cli->ledger, &cli->session, text_of(cli_argument(cli, 0)), text_of(cli_argument(cli, 1)), err);
}

int cmd_lab_recall(struct cli *cli, struct error *err) {
    enum { WIDTH = 8 };
    static const char *const zh[WIDTH] = {"管码", "姓名", "电话", "社区", "住址", "地区", "管控", "复采"};
    static const char *const en[WIDTH] = {"tube", "name", "phone", "community", "address", "region", "held", "sampled singly"};
    struct lab_recall r = {0};
    struct text *tubes = NULL;
    size_t n = 0;
    int rc = cli_open(cli, err);
    if (!rc) rc = tubes_of(cli, 0, &tubes, &n, err);
    if (!rc) rc = lab_recall(cli->ledger, &cli->session, tubes, n, &r, err);
    struct text *cells = rc ? NULL : arena_alloc(&cli->arena, (r.n + 1) * WIDTH * sizeof *cells);
    if (!rc && !cells) rc = error_memory(err);
    if (!rc && cli->json) {
        rc = cli_json(cli, lab_recall_json(&r, cli->ledger->zone_s), err);
    } else if (!rc) {
        for (int c = 0; c < WIDTH; c++) cells[c] = text_of(cli->zh ? zh[c] : en[c]);
        for (size_t i = 0; i < r.n; i++) {
            const struct lab_member *m = &r.members[i];
            const struct text row[WIDTH] = {m->barcode, m->name, m->phone, m->community, m->address, m->region, m->hold, m->resample};
            for (int c = 0; c < WIDTH; c++) cells[(i + 1) * WIDTH + (size_t)c] = row[c].s ? row[c] : TEXT("");
        }
        cli_table(cli, cells, r.n + 1, WIDTH);
        cli_print(cli, cli->zh ? "%zu 管 %zu 人\n" : "%zu tubes, %zu persons\n", r.n_tubes, r.n);
        rc = cli_flush(cli, err);
    }
    lab_recall_clear(&r);
    return rc;
}

static const char *span(struct cli *cli, int64_t s) {
    return s < 0 ? "-" : cli_duration(cli, s);
}

int cmd_lab_waiting(struct cli *cli, struct error *err) {
    static const char *const zh[LAB_STAGES] = {"采", "送", "检", "报"};
    static struct lab_waiting w;
    int64_t round = 0;
    int rc = cli_open(cli, err);
    if (!rc && !text_int(text_of(cli_argument(cli, 0)), &round)) rc = error_set(err, E_USAGE, "ROUND", "is no id / 不是编号");
    if (rc < 0) return rc;
    rc = lab_waiting_of(cli->ledger, cli->ledger->db, &cli->session, round, &w, err);
    if (!rc && cli->json) rc = cli_json(cli, lab_waiting_json(&w), err);
    for (int k = 0; !rc && !cli->json && k < LAB_STAGES; k++) {
        const struct lab_stage *x = &w.stages[k];
        cli_print(cli, cli->zh ? "%s: 在办 %lld 管, 最久 %s" : "%s: %lld tubes, the oldest for %s", cli->zh ? zh[k] : round_stage_words[k], (long long)x->tubes, span(cli, x->oldest_s));
        if (x->limit_s && cli->zh) cli_print(cli, ", 超过 %s 的 %lld", span(cli, x->limit_s), (long long)x->late);
        if (x->limit_s && !cli->zh) cli_print(cli, ", %lld of them beyond %s", (long long)x->late, span(cli, x->limit_s));
        cli_print(cli, "\n");
    }
    for (size_t i = 0; !rc && !cli->json && i < w.n && i < 20; i++)
        cli_print(cli, "  %s %.*s  %s  %s\n", w.list[i].late ? "!" : " ", (int)w.list[i].barcode.n, w.list[i].barcode.s, cli->zh ? zh[w.list[i].stage] : round_stage_words[w.list[i].stage], span(cli, w.list[i].waits_s));
    lab_waiting_clear(&w);
    return rc;
}

int cmd_lab_ticket(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    struct record r;
    char ticket[TICKET_CHARS + 1];
    int rc = cli_open(cli, err);
    if (!rc) rc = cli_register(cli, "person", &reg, err);
    if (!rc) rc = cli_record(cli, reg, cli_argument(cli, 0), &r, err);
    if (!rc) rc = ticket_issue(cli->ledger, &cli->session, r.id, ticket, err);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:s}", "ticket", ticket), err);
    cli_print(cli, "%s\n", ticket);
    return 0;
}

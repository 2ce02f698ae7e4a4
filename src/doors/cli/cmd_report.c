/* report: the report of a day; frozen, approved, published. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/bulletin/bulletin.h"
#include "doors/cli/commands.h"

/* The one step of approval that was asked for, on the region's own report of the day. */
static int step_take(struct cli *cli, int64_t report, struct error *err) {
    struct ledger *l = cli->ledger;
    if (cli_flag(cli, "approve")) return bulletin_approve(l, &cli->session, report, err);
    if (cli_flag(cli, "return")) return bulletin_return(l, &cli->session, report, err);
    if (cli_flag(cli, "publish")) return bulletin_publish(l, &cli->session, report, err);
    return bulletin_withdraw(l, &cli->session, report, err);
}

static int write_out(struct cli *cli, struct text bytes, struct error *err) {
    const char *path = cli_text(cli, "out");
    if (!path) return cli_write(cli, bytes), 0;
    FILE *f = fopen(path, "wb");
    if (!f) return error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
    bool whole = fwrite(bytes.s, 1, bytes.n, f) == bytes.n;
    whole = fclose(f) == 0 && whole;
    if (!whole) return error_set(err, error_from_errno(), path, "cannot be written whole: %s / 未能完整写入", strerror(errno));
    cli_note(cli, "%s\n", path);
    return 0;
}

static int bulletin_show(struct cli *cli, const struct bulletin *b, struct error *err) {
    const char *format = cli->json ? "json" : cli_text(cli, "format");
    struct bulletin_words words = {0};
    struct buf out = {0};
    int rc;
    if (!strcmp(format, "json")) rc = bulletin_write_json(b, true, &out, err);
    else if (!strcmp(format, "pdf")) rc = bulletin_write_pdf(b, &words, cli->zh, &out, err);
    else rc = bulletin_write_text(b, &words, cli->zh, 100, &out, err);
    if (rc == 0) rc = write_out(cli, buf_view(&out), err);
    buf_clear(&out);
    return rc;
}

static int rederive(struct cli *cli, int64_t report, struct error *err) {
    struct buf differences = {0};
    int rc = bulletin_rederive(cli->ledger, cli->ledger->db, &cli->session, report, &differences, err);
    if (rc >= 0 && cli->json) {
        int printed = cli_json(cli, json_pack("{s:b, s:s}", "equal", rc == 1, "differences", buf_cstr(&differences)), err);
        if (printed < 0) rc = printed;
    } else if (rc >= 0) {
        cli_write(cli, buf_view(&differences));
        if (rc == 1) cli_print(cli, "%s\n", cli_word(cli, "与记录一致", "equal to what the records give"));
    }
    if (rc == 0) rc = error_set(err, E_CORRUPT, "report", "the frozen figures differ from what the records give / 定稿数字与记录推导不一致");
    buf_clear(&differences);
    return rc < 0 ? rc : 0;
}

static int out_check(const char *path, struct error *err) {
    bool there = access(path, F_OK) == 0;
    FILE *f = fopen(path, "ab");
    if (!f) return error_set(err, error_from_errno(), path, "cannot be written: %s / 无法写入", strerror(errno));
    fclose(f);
    if (!there) unlink(path);
    return 0;
}

/* What can be known to fail is refused before a step is taken: a call does all that it says or nothing. */
static int call_check(const struct cli *cli, struct error *err) {
    static const char *const steps[] = {"freeze", "approve", "return", "publish", "withdraw"};
    int asked = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) asked += cli_flag(cli, steps[i]);
    if (asked > 1) return error_set(err, E_USAGE, "report", "one step of approval at a time / 一次只能办理一个步骤");
    bool public = cli_flag(cli, "public");
    if (asked && cli_flag(cli, "rederive")) return error_set(err, E_USAGE, "report", "--rederive stands alone / --rederive 须单独使用");
    if (public && cli_flag(cli, "freeze"))
        return error_set(err, E_REFUSED, "--public", "nothing is public before both approvals; --freeze alone comes first / 须经两级审批后方可公开,请先单独 --freeze");
    if (public && (cli_flag(cli, "return") || cli_flag(cli, "withdraw")))
        return error_set(err, E_REFUSED, "--public", "what is returned or withdrawn is not public / 退回或撤回的日报不得公开");
    if (!cli->json && !strcmp(cli_text(cli, "format"), "pdf") && !cli_text(cli, "out") && !cli_flag(cli, "rederive"))
        return error_set(err, E_USAGE, "--out", "a PDF needs a file to go to / PDF 须写入文件: --out FILE");
    return asked && cli_text(cli, "out") ? out_check(cli_text(cli, "out"), err) : 0;
}

/* The first of two approvals makes nothing public: asked for both, neither is done. */
static int approve_check(struct cli *cli, int64_t report, struct error *err) {
    struct bulletin b;
    bulletin_init(&b);
    int rc = bulletin_frozen(cli->ledger, cli->ledger->db, &cli->session, report, &b, err);
    if (rc == 0 && text_is(b.state, "submitted"))
        rc = error_set(err, E_REFUSED, "--public", "nothing was recorded: this would be the first of two approvals, and nothing is public before the second; --approve alone / "
                       "未作任何登记: 此为初审,终审前不得公开,请单独 --approve");
    bulletin_clear(&b);
    return rc;
}

int cmd_report(struct cli *cli, struct error *err) {
    struct bulletin_query q = {0};
    struct bulletin b;
    int64_t report = 0;
    char region[REGION_MAX + 1] = "";
    bool step = cli_flag(cli, "approve") || cli_flag(cli, "return") || cli_flag(cli, "publish") || cli_flag(cli, "withdraw");
    bulletin_init(&b);
    int rc = call_check(cli, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = cli_region(cli, region, err);
    if (rc == 0) rc = cli_day(cli, "DATE", cli_argument(cli, 0), &q.day, err);
    if (rc < 0) return rc;
    q.region = text_of(region);
    struct text of = *region ? q.region : cli->ledger->region;
    if (cli_flag(cli, "freeze")) rc = bulletin_freeze(cli->ledger, &cli->session, &q, &report, err);
    int found = rc < 0 ? rc : bulletin_find(cli->ledger, cli->ledger->db, of, q.day, &report, err);
    if (found < 0) rc = found;
    if (rc == 0 && !found && (step || cli_flag(cli, "public") || cli_flag(cli, "rederive")))
        rc = error_set(err, E_REFUSED, "report", "the figures of that day are not frozen: --freeze first / 该日数字尚未固定,请先 --freeze");
    if (rc == 0 && cli_flag(cli, "approve") && cli_flag(cli, "public")) rc = approve_check(cli, report, err);
    if (rc == 0 && step) rc = step_take(cli, report, err);
    if (rc == 0 && cli_flag(cli, "rederive")) return bulletin_clear(&b), rederive(cli, report, err);
    if (rc == 0 && cli_flag(cli, "public")) rc = bulletin_public(cli->ledger, cli->ledger->db, &cli->session, report, 0, &b, err);
    else if (rc == 0 && found && (step || cli_flag(cli, "freeze"))) rc = bulletin_frozen(cli->ledger, cli->ledger->db, &cli->session, report, &b, err);
    else if (rc == 0) {
        struct db *db = NULL; /* who only reads maps the file */
        rc = ledger_reader(cli->ledger, &db, err);
        if (rc == 0) rc = bulletin_compute(cli->ledger, db, &cli->session, &q, &b, err);
        db_close(db);
    }
    if (rc == 0) rc = bulletin_show(cli, &b, err);
    bulletin_clear(&b);
    return rc;
}

/* sampling sheets, sampling import: the paper fallback, printed and typed in later. */
#include <stdio.h>
#include <string.h>

#include "desks/testing/tube_sheet.h"
#include "doors/cli/commands.h"
#include "files/sheet.h"
#include "files/target.h"

enum { STEP = 200 };

static int pdf_put(const char *path, struct text pdf, struct error *err) {
    struct target to;
    int rc = target_open(&to, path, err);
    if (rc < 0) return rc;
    rc = target_write(&to, pdf.s, pdf.n, err);
    if (rc == 0) return target_commit(&to, err);
    target_abandon(&to);
    return rc;
}

int cmd_sampling_sheets(struct cli *cli, struct error *err) {
    const char *path = cli_text(cli, "out");
    struct tube_sheets *t = arena_alloc(&cli->arena, sizeof *t);
    struct buf out = {0};
    if (!path) return error_set(err, E_USAGE, "--out", "a PDF needs a file to go to / PDF 须写入文件: --out FILE");
    if (!t) return error_memory(err);
    *t = (struct tube_sheets){.round = cli_int(cli, "round"), .table = cli_int(cli, "table"), .count = cli_int(cli, "count"), .again = cli_int(cli, "again")};
    int rc = cli_open(cli, err);
    if (rc == 0) rc = tube_sheets_give(cli->ledger, &cli->session, t, err);
    if (rc == 0) rc = tube_sheets_pdf(t, cli->zh, cli->now, cli->ledger->zone_s, &out, err);
    if (rc == 0) rc = pdf_put(path, buf_view(&out), err);
    buf_clear(&out);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:I, s:I}", "first", t->numbers[0], "last", t->numbers[t->count - 1], "sheets", (json_int_t)t->count, "size", (json_int_t)t->size), err);
    cli_print(cli, cli->zh ? "%lld 张, %s 至 %s: %s\n" : "%lld sheets, %s to %s: %s\n", (long long)t->count, t->numbers[0], t->numbers[t->count - 1], path);
    return 0;
}

/* ---- typed in */

struct typing {
    struct sampling *x;
    struct sampling_row rows[STEP];
    struct text *cells[STEP]; /* as they were written, for the file of what was refused */
    size_t widths[STEP];
    int64_t lines[STEP], taken, again, refused;
    size_t n, tube;           /* tube: which cell */
    struct arena arena;
    struct sheet_writer *errors;
    json_t *told;
};

static int refused_put(struct typing *t, size_t i, const char *words, struct error *err) {
    struct text row[SHEET_COLUMNS_MAX + 3];
    char line[24];
    size_t n = t->widths[i] < SHEET_COLUMNS_MAX ? t->widths[i] : SHEET_COLUMNS_MAX;
    if (!t->errors) return 0;
    snprintf(line, sizeof line, "%lld", (long long)t->lines[i]);
    memcpy(row, t->cells[i], n * sizeof *row);
    if (t->tube < n) row[t->tube] = t->rows[i].barcode; /* which may have stood in a row above that was taken */
    row[n] = text_of(line);
    row[n + 1] = text_of(t->rows[i].error.where);
    row[n + 2] = text_of(words);
    return sheet_put(t->errors, row, n + 3, err);
}

static int flush(struct cli *cli, struct typing *t, struct error *err) {
    int rc = t->n ? sampling_take(t->x, cli->ledger, &cli->session, INSTANT_NONE, t->rows, t->n, &t->arena, err) : 0;
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        const struct sampling_row *r = &t->rows[i];
        char words[ERROR_MESSAGE_MAX + 200];
        t->refused += r->reason != SAMPLING_NONE;
        t->again += !r->reason && r->swab->outcome == OUTCOME_UNCHANGED;
        t->taken += !r->reason && r->swab->outcome == OUTCOME_CREATED;
        if (!r->reason) continue;
        error_words(r->error.code, r->error.message, cli->zh, words, sizeof words);
        rc = refused_put(t, i, words, err);
        if (t->told)
            json_array_append_new(t->told, json_pack("{s:I, s:s, s:s, s:o}", "line", (json_int_t)t->lines[i], "reason", sampling_words[r->reason], "field", r->error.where, "message", cli_json_text(text_of(words))));
        else if (r->error.where[0])
            cli_print(cli, cli->zh ? "第 %lld 行 %s: %s (%s)\n" : "line %lld, %s: %s (%s)\n", (long long)t->lines[i], r->error.where, words, sampling_words[r->reason]);
        else
            cli_print(cli, cli->zh ? "第 %lld 行: %s (%s)\n" : "line %lld: %s (%s)\n", (long long)t->lines[i], words, sampling_words[r->reason]);
    }
    t->n = 0;
    arena_reset(&t->arena);
    return rc;
}

/* The file of what was refused: the same columns, and which line, which field, why. */
static int errors_open(struct cli *cli, struct typing *t, const struct typed_sheet *sheet, struct error *err) {
    const char *path = cli_text(cli, "errors");
    struct text row[SHEET_COLUMNS_MAX + 3];
    size_t n = 0;
    const struct text *header = typed_sheet_header(sheet, &n);
    if (!path) return 0;
    if (n > SHEET_COLUMNS_MAX) n = SHEET_COLUMNS_MAX;
    memcpy(row, header, n * sizeof *row);
    row[n] = text_of(cli_word(cli, "行号", "line"));
    row[n + 1] = text_of(cli_word(cli, "栏目", "field"));
    row[n + 2] = text_of(cli_word(cli, "退回原因", "reason"));
    int rc = sheet_create(path, typed_sheet_about(sheet), true, &t->errors, err);
    return rc ? rc : sheet_header(t->errors, row, n + 3, err);
}

static int row_kept(struct typing *t, const struct text *cells, size_t n) {
    struct text *kept = arena_alloc(&t->arena, (n + 1) * sizeof *kept);
    for (size_t i = 0; kept && i < n; i++)
        if (!(kept[i] = arena_text(&t->arena, cells[i])).s) return E_MEMORY;
    t->cells[t->n] = kept;
    t->widths[t->n] = n;
    return kept ? 0 : E_MEMORY;
}

static int type_in(struct cli *cli, struct typing *t, struct typed_sheet *sheet, struct error *err) {
    const struct text *cells = NULL;
    size_t n = 0;
    int rc = sampling_new(&t->x, err);
    t->tube = typed_sheet_tube(sheet);
    if (rc == 0) rc = errors_open(cli, t, sheet, err);
    while (rc == 0 && (rc = typed_sheet_next(sheet, &t->arena, &t->rows[t->n], &t->lines[t->n], &cells, &n, err)) > 0) {
        rc = row_kept(t, cells, n);
        if (rc == 0 && ++t->n == STEP) rc = flush(cli, t, err);
    }
    if (rc == 0) rc = flush(cli, t, err);
    if (rc == 0 && t->errors && t->refused) {
        rc = sheet_finish(t->errors, err);
        t->errors = NULL;
    }
    return rc;
}

static int result_print(struct cli *cli, struct typing *t, struct error *err) {
    if (t->told) {
        json_t *told = t->told;
        t->told = NULL;
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:o}", "created", (json_int_t)t->taken, "unchanged", (json_int_t)t->again, "refused", (json_int_t)t->refused, "rows", told), err);
    }
    cli_print(cli, cli->zh ? "登记 %lld 条, 已有 %lld 条, 退回 %lld 条\n" : "%lld taken, %lld there already, %lld refused\n", (long long)t->taken, (long long)t->again, (long long)t->refused);
    return 0;
}

int cmd_sampling_import(struct cli *cli, struct error *err) {
    struct typing *t = arena_alloc(&cli->arena, sizeof *t);
    struct typed_usual usual = {.table = cli_int(cli, "table"), .round = cli_int(cli, "round"), .size = cli_int(cli, "size")};
    struct typed_sheet *sheet = NULL;
    const char *date = cli_text(cli, "day");
    int rc = t ? cli_open(cli, err) : error_memory(err);
    if (rc == 0 && cli->json && !(t->told = json_array())) rc = error_memory(err);
    if (rc == 0) {
        usual.zone_s = cli->ledger->zone_s;
        usual.on = usual.today = day_of_instant(cli->now, usual.zone_s);
    }
    if (rc == 0 && date) rc = cli_day(cli, "--day", date, &usual.on, err);
    if (rc == 0) rc = typed_sheet_open(cli_argument(cli, 0), &usual, &sheet, err);
    if (rc == 0) rc = type_in(cli, t, sheet, err);
    if (rc == 0) rc = result_print(cli, t, err);
    if (rc == 0 && t->refused) rc = error_set(err, E_INVALID, NULL, "%lld rows were refused / 退回 %lld 条", (long long)t->refused, (long long)t->refused);
    typed_sheet_close(sheet);
    if (t) {
        sheet_abandon(t->errors);
        json_decref(t->told);
        sampling_free(t->x);
        arena_clear(&t->arena);
    }
    return rc;
}

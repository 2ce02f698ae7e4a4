/* import, undo. Rows go from the sheet reader to the intake desk; refused ones go back into a file of the same shape. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "desks/intake/import.h"
#include "doors/cli/commands.h"
#include "files/sheet.h"

enum { PATH_BYTES = 1200, NOTES_SHOWN = 20, TOLD_MAX = 1000, PROGRESS_NS = 500000000 };

struct taking {
    struct cli *cli;
    const char *file;
    char errors_path[PATH_BYTES];
    struct sheet *sheet;
    struct intake *in;
    struct sheet_writer *refused;
    struct text *headers; /* owned by the arena */
    size_t n_headers;
    struct buf notes;
    json_t *told;         /* notes of --json, at most TOLD_MAX */
    int64_t n_notes, n_refused, shown_at;
    struct buf reasons;   /* the first few, for the terminal */
    int rc;               /* of writing the error file */
    struct error *err;
};

/* "dir/contacts.csv" -> "dir/contacts-errors.csv", and with .gz behind it when the list is packed, whatever it is called. */
static void errors_name(const char *file, bool gzip, char out[PATH_BYTES]) {
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t n = strlen(base);
    if (n > 3 && strcmp(base + n - 3, ".gz") == 0) n -= 3;
    size_t dot = n;
    while (dot > 0 && base[dot - 1] != '.') dot--;
    dot = dot > 1 ? dot - 1 : n;
    snprintf(out, PATH_BYTES, "%.*s%.*s-errors%.*s%s", (int)(base - file), file, (int)dot, base, (int)(n - dot), base + dot, gzip ? ".gz" : "");
}

static int file_digest(const char *path, char out[2 * DIGEST_BYTES + 1], struct error *err) {
    unsigned char bytes[1 << 16], digest[DIGEST_BYTES];
    crypto_generichash_state state;
    FILE *f = fopen(path, "rb");
    if (!f) return error_set(err, error_from_errno(), path, "cannot be read: %s / 无法读取", strerror(errno));
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;) crypto_generichash_update(&state, bytes, n);
    int failed = ferror(f);
    fclose(f);
    if (failed) return error_set(err, E_IO, path, "cannot be read / 无法读取");
    crypto_generichash_final(&state, digest, sizeof digest);
    hex_of(digest, sizeof digest, out);
    return 0;
}

static int refused_open(struct taking *t) {
    struct sheet_info shape = *sheet_about(t->sheet);
    struct text cells[SHEET_COLUMNS_MAX];
    size_t n = t->n_headers < SHEET_COLUMNS_MAX - 2 ? t->n_headers : SHEET_COLUMNS_MAX - 2;
    int rc = sheet_create(t->errors_path, &shape, false, &t->refused, t->err);
    if (rc < 0) return rc;
    memcpy(cells, t->headers, n * sizeof *cells);
    cells[n] = t->cli->zh ? TEXT("原行号") : TEXT("row");
    cells[n + 1] = t->cli->zh ? TEXT("退回原因") : TEXT("reason");
    return shape.format == SHEET_XLSX ? sheet_header(t->refused, cells, n + 2, t->err) : sheet_put(t->refused, cells, n + 2, t->err);
}

static void row_refused(void *arg, const struct intake_reject *r) {
    struct taking *t = arg;
    struct text cells[SHEET_COLUMNS_MAX];
    char line[24];
    const char *reason = t->cli->zh ? r->reason->zh : r->reason->en;
    size_t width = t->n_headers < SHEET_COLUMNS_MAX - 2 ? t->n_headers : SHEET_COLUMNS_MAX - 2;
    if (t->rc < 0) return;
    if (!t->refused && (t->rc = refused_open(t)) < 0) return;
    /* A row longer than the header keeps its cells; its reason then stands further right. */
    if (r->n > width) width = r->n < SHEET_COLUMNS_MAX - 2 ? r->n : SHEET_COLUMNS_MAX - 2;
    for (size_t k = 0; k < width; k++) cells[k] = k < r->n ? sheet_fitting(t->refused, r->cells[k]) : (struct text){"", 0};
    snprintf(line, sizeof line, "%lld", (long long)r->line);
    cells[width] = text_of(line);
    cells[width + 1] = text_of(reason);
    t->rc = sheet_put(t->refused, cells, width + 2, t->err);
    if (t->n_refused++ < NOTES_SHOWN) buf_printf(&t->reasons, t->cli->zh ? "  第 %lld 行: %s\n" : "  row %lld: %s\n", (long long)r->line, reason);
}

static void row_noted(void *arg, const struct intake_note *n) {
    struct taking *t = arg;
    const char *words = t->cli->zh ? n->zh : n->en;
    if (t->told && json_array_size(t->told) < TOLD_MAX)
        json_array_append_new(t->told, json_pack("{s:I, s:o, s:s, s:I, s:I}", "row", (json_int_t)n->line, "field", cli_json_text(n->field), "words", words ? words : "",
                                                 "record", (json_int_t)n->record, "other", (json_int_t)n->other));
    if (t->n_notes++ >= NOTES_SHOWN) return;
    if (n->line) buf_printf(&t->notes, t->cli->zh ? "  第 %lld 行" : "  row %lld", (long long)n->line);
    if (n->field.n) buf_printf(&t->notes, "%s%.*s", n->line ? " " : "  ", (int)n->field.n, n->field.s);
    buf_printf(&t->notes, "%s%s", n->line || n->field.n ? ": " : "  ", words ? words : "");
    if (n->record) buf_printf(&t->notes, " (%lld, %lld)", (long long)n->record, (long long)n->other);
    buf_str(&t->notes, "\n");
}

static void progress(struct taking *t, bool last) {
    int64_t now = monotonic_ns(), done = 0, total = 0;
    struct intake_counts c = {0};
    if (cli_flag(t->cli, "quiet") || !isatty(STDERR_FILENO) || (!last && now - t->shown_at < PROGRESS_NS)) return;
    t->shown_at = now;
    intake_progress(t->in, &c);
    sheet_progress(t->sheet, &done, &total);
    double seconds = (double)c.elapsed_ns / 1e9, share = intake_decided(&c, total > 0 ? (double)done / (double)total : 0);
    cli_note(t->cli, "\r%lld rows  %.0f rows/s  %3.0f %%  %.0f s left   %s", (long long)c.rows, seconds > 0 ? (double)c.rows / seconds : 0, share * 100,
             share > 0.001 ? seconds * (1 - share) / share : 0, last ? "\n" : "");
}

static void advanced(void *arg) {
    progress(arg, false);
}

static int rows_take(struct taking *t) {
    const struct text *cells = NULL;
    size_t n = 0;
    int64_t line = 0;
    bool damaged = false;
    int rc;
    while ((rc = sheet_next(t->sheet, &cells, &n, &line, &damaged, t->err)) > 0) {
        rc = intake_row(t->in, cells, n, line, damaged, t->err);
        if (rc == 0) rc = t->rc;
        if (rc < 0) return rc;
    }
    if (rc == 0) rc = intake_finish(t->in, t->err);
    if (rc == 0) progress(t, true);
    return rc < 0 ? rc : t->rc;
}

static int counts_print(struct taking *t, const struct intake_counts *c) {
    struct cli *cli = t->cli;
    double seconds = (double)c->elapsed_ns / 1e9;
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:f, s:s?}", "file", t->file, "import",
            (json_int_t)c->import, "rows", (json_int_t)c->rows, "created", (json_int_t)c->created, "changed", (json_int_t)c->changed,
            "unchanged", (json_int_t)c->unchanged, "rejected", (json_int_t)c->rejected, "skipped", (json_int_t)c->skipped, "records",
            (json_int_t)c->records, "persons_known", (json_int_t)c->matched, "repaired", (json_int_t)c->repaired, "doubles", (json_int_t)c->similar, "notes", (json_int_t)c->notes, "told", t->told, "seconds", seconds, "errors",
            c->rejected ? t->errors_path : NULL), t->err);
    const struct sheet_info *about = sheet_about(t->sheet);
    cli_print(cli, cli->zh ? "%s (%s %s): %lld 行 = 新增 %lld + 更新 %lld + 未变 %lld + 退回 %lld"
                           : "%s (%s %s): %lld rows = %lld created + %lld changed + %lld unchanged + %lld refused",
              t->file, about->format == SHEET_XLSX ? "XLSX" : "CSV", about->encoding, (long long)c->rows, (long long)c->created,
              (long long)c->changed, (long long)c->unchanged, (long long)c->rejected);
    if (c->skipped) cli_print(cli, cli->zh ? ", 跳过 %lld" : ", %lld skipped", (long long)c->skipped);
    cli_print(cli, cli->zh ? ", %.2f 秒" : ", %.2f s", seconds);
    if (c->repaired) cli_print(cli, cli->zh ? ", 修正 %lld 格" : ", %lld cells put right", (long long)c->repaired);
    if (c->similar) cli_print(cli, cli->zh ? ", 疑似重复 %lld (见 tocsin doubles %s)" : ", %lld probable doubles (see tocsin doubles %s)", (long long)c->similar, cli_argument(cli, 0));
    if (c->import) cli_print(cli, cli->zh ? ", 批次 %lld" : ", import %lld", (long long)c->import);
    cli_print(cli, "\n");
    cli_write(cli, buf_view(&t->reasons));
    if (t->n_refused > NOTES_SHOWN) cli_print(cli, cli->zh ? "  另有 %lld 行\n" : "  and %lld more\n", (long long)(t->n_refused - NOTES_SHOWN));
    if (!cli_flag(cli, "quiet")) cli_write(cli, buf_view(&t->notes));
    if (!cli_flag(cli, "quiet") && t->n_notes > NOTES_SHOWN)
        cli_print(cli, cli->zh ? "  另有 %lld 条提示\n" : "  and %lld more notes\n", (long long)(t->n_notes - NOTES_SHOWN));
    return 0;
}

int cmd_import(struct cli *cli, struct error *err) {
    struct taking t = {.cli = cli, .file = cli_argument(cli, 1), .err = err};
    const char *map_path = cli_text(cli, "map"), *errors = cli_text(cli, "errors");
    const struct register_decl *reg = NULL;
    struct map *map = NULL;
    struct intake_counts counts = {0};
    char digest[2 * DIGEST_BYTES + 1];
    struct sheet_options how = {.sheet = cli_text(cli, "sheet")};
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    if (rc == 0 && map_path) rc = map_read(cli->ledger->catalog, map_path, &map, err);
    if (rc == 0 && map && map_target(map) != reg)
        rc = error_set(err, E_USAGE, map_path, "this map makes %.*s, not %s / 映射不属于该登记册", (int)map_target(map)->name.n, map_target(map)->name.s, cli_argument(cli, 0));
    if (rc == 0) rc = file_digest(t.file, digest, err);
    if (rc == 0 && !(t.told = json_array())) rc = error_memory(err);
    if (rc < 0) goto out;
    int header_row = map ? map_header_row(map) : 1;
    if (header_row > 1) how.skip_rows = (size_t)header_row - 1;
    rc = sheet_open(t.file, &how, &t.sheet, err);
    if (rc == 0 && errors) snprintf(t.errors_path, sizeof t.errors_path, "%s", errors);
    else if (rc == 0) errors_name(t.file, sheet_about(t.sheet)->gzip, t.errors_path);
    if (rc == 0 && header_row) rc = sheet_next_kept(t.sheet, &cli->arena, &t.headers, &t.n_headers, t.err);
    if (rc < 0) goto out;
    struct intake_options o = {.target = reg, .map = map, .headers = t.headers, .n_headers = t.n_headers, .unread = sheet_about(t.sheet)->unread, .file = t.file, .digest = text_of(digest),
        .map_name = map_path, .dry_run = cli_flag(cli, "dry-run"), .rejected = row_refused, .noted = row_noted, .advanced = advanced, .arg = &t};
    rc = intake_new(cli->ledger, &cli->session, &o, &t.in, err);
    if (rc == 0) rc = rows_take(&t);
    if (rc < 0) goto out;
    if (t.refused) {
        struct sheet_writer *w = t.refused;
        t.refused = NULL;
        rc = sheet_finish(w, err);
    }
    intake_progress(t.in, &counts);
    if (rc == 0) rc = counts_print(&t, &counts);
    if (rc == 0 && counts.rejected)
        rc = error_set(err, E_REJECTED, t.file, "%lld of %lld rows were refused; see %s / %lld 行(共 %lld 行)被退回,见 %s", (long long)counts.rejected,
                       (long long)counts.rows, t.errors_path, (long long)counts.rejected, (long long)counts.rows, t.errors_path);
out:
    intake_free(t.in);
    if (t.refused) sheet_abandon(t.refused);
    sheet_close(t.sheet);
    map_free(map);
    json_decref(t.told);
    buf_clear(&t.notes);
    buf_clear(&t.reasons);
    return rc;
}

/* ---- undo */

static void kept(void *arg, const struct register_decl *reg, int64_t id, const char *why) {
    struct cli *cli = arg;
    char words[200];
    error_words(E_CONFLICT, why, cli->zh, words, sizeof words);
    if (!cli->json) cli_print(cli, cli->zh ? "  保留 %.*s %lld: %s\n" : "  kept %.*s %lld: %s\n", (int)reg->name.n, reg->name.s, (long long)id, words);
}

int cmd_undo(struct cli *cli, struct error *err) {
    struct intake_undone u = {0};
    int64_t import = 0;
    if (!text_int(text_of(cli_argument(cli, 0)), &import)) return error_set(err, E_USAGE, "IMPORT", "an import is named by its number / 导入批次须用编号指明");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = intake_undo(cli->ledger, &cli->session, import, kept, cli, &u, err);
    if (rc < 0) return rc;
    if (cli->json)
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I}", "import", (json_int_t)import, "removed", (json_int_t)u.removed, "restored",
                                       (json_int_t)u.restored, "kept", (json_int_t)u.kept), err);
    cli_print(cli, cli->zh ? "批次 %lld: 撤销 %lld 条, 还原 %lld 条, 保留 %lld 条\n" : "import %lld: %lld removed, %lld restored, %lld kept\n",
              (long long)import, (long long)u.removed, (long long)u.restored, (long long)u.kept);
    return 0;
}

/* import, undo. Rows go from the sheet reader to the intake desk; refused ones go back into a file of the same shape. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desks/intake/list.h"
#include "doors/cli/commands.h"

enum { PATH_BYTES = 1200, NOTES_SHOWN = 20, TOLD_MAX = 1000, PROGRESS_NS = 500000000 };

struct taking {
    struct cli *cli;
    const char *file;
    char errors_path[PATH_BYTES];
    struct intake_list list;
    struct intake *in;
    struct sheet_writer *refused;
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

/* Empty for a pipe, which is read once. */
static int file_digest(const char *path, char out[2 * DIGEST_BYTES + 1], struct error *err) {
    unsigned char bytes[1 << 16], digest[DIGEST_BYTES];
    crypto_generichash_state state;
    struct stat st;
    out[0] = 0;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) return 0;
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

static void row_refused(void *arg, const struct intake_reject *r) {
    struct taking *t = arg;
    bool zh = t->cli->zh;
    const char *reason = zh ? r->reason->zh : r->reason->en;
    if (t->rc == 0 && !t->refused) t->rc = intake_refused_open(&t->list, t->errors_path, false, zh, &t->refused, t->err);
    if (t->rc == 0) t->rc = intake_refused_put(&t->list, t->refused, r, zh, t->err);
    if (t->rc < 0) return;
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
    sheet_progress(t->list.sheet, &done, &total);
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
    while ((rc = intake_list_next(&t->list, &cells, &n, &line, &damaged, t->err)) > 0) {
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
    const struct sheet_info *about = sheet_about(t->list.sheet);
    cli_print(cli, cli->zh ? "%s (%s %s): %lld 行 = 新增 %lld + 更新 %lld + 未变 %lld + 退回 %lld"
                           : "%s (%s %s): %lld rows = %lld created + %lld changed + %lld unchanged + %lld refused",
              t->file, about->format == SHEET_XLSX ? "XLSX" : "CSV", about->encoding, (long long)c->rows, (long long)c->created,
              (long long)c->changed, (long long)c->unchanged, (long long)c->rejected);
    if (c->skipped) cli_print(cli, cli->zh ? ", 跳过 %lld" : ", %lld skipped", (long long)c->skipped);
    cli_print(cli, cli->zh ? ", %.2f 秒" : ", %.2f s", seconds);
    if (c->records != c->created + c->changed) cli_print(cli, cli->zh ? ", 共写入 %lld 条记录" : ", %lld records written in all", (long long)c->records);
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

/* The refused rows go beside the list, or where they are wanted: never over the list itself. */
static int errors_place(struct taking *t, const char *wanted) {
    struct stat list, there;
    bool known = stat(t->file, &list) == 0;
    if (!wanted && known && S_ISFIFO(list.st_mode))
        return error_set(t->err, E_USAGE, "--errors", "a list out of a pipe has no place beside it for its refused rows: --errors FILE / 从管道读取时须用 --errors 指明退回文件");
    if (wanted) snprintf(t->errors_path, sizeof t->errors_path, "%s", wanted);
    else errors_name(t->file, sheet_about(t->list.sheet)->gzip, t->errors_path);
    if (known && stat(t->errors_path, &there) == 0 && there.st_dev == list.st_dev && there.st_ino == list.st_ino)
        return error_set(t->err, E_USAGE, "--errors", "is the list itself, which would be lost / 不能与导入文件相同,否则原文件丢失");
    return 0;
}

int cmd_import(struct cli *cli, struct error *err) {
    struct taking t = {.cli = cli, .file = cli_argument(cli, 1), .err = err};
    const char *map_path = cli_text(cli, "map"), *errors = cli_text(cli, "errors");
    const struct register_decl *reg = NULL;
    struct map *map = NULL;
    struct intake_counts counts = {0};
    char digest[2 * DIGEST_BYTES + 1];
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    if (rc == 0 && map_path) rc = map_read(cli->ledger->catalog, map_path, &map, err);
    if (rc == 0 && map && map_target(map) != reg)
        rc = error_set(err, E_USAGE, map_path, "this map makes %.*s, not %s / 映射不属于该登记册", (int)map_target(map)->name.n, map_target(map)->name.s, cli_argument(cli, 0));
    if (rc == 0) rc = file_digest(t.file, digest, err);
    if (rc == 0 && !(t.told = json_array())) rc = error_memory(err);
    if (rc < 0) goto out;
    rc = intake_list_open(t.file, map, cli_text(cli, "sheet"), &cli->arena, &t.list, err);
    if (rc == 0) rc = errors_place(&t, errors);
    if (rc < 0) goto out;
    struct intake_options o = {.target = reg, .map = map, .headers = t.list.headers, .n_headers = t.list.n_headers, .unread = sheet_about(t.list.sheet)->unread, .file = t.file, .digest = text_of(digest),
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
    intake_list_close(&t.list);
    map_free(map);
    json_decref(t.told);
    buf_clear(&t.notes);
    buf_clear(&t.reasons);
    return rc;
}

/* ---- undo */

struct undoing {
    struct cli *cli;
    json_t *kept;
};

static void kept(void *arg, const struct register_decl *reg, int64_t id, const char *why) {
    const struct undoing *u = arg;
    struct cli *cli = u->cli;
    char words[200];
    error_words(E_CONFLICT, why, cli->zh, words, sizeof words);
    if (cli->json) json_array_append_new(u->kept, json_pack("{s:s, s:I, s:s}", "register", reg->name.s, "record", (json_int_t)id, "why", words));
    else cli_print(cli, cli->zh ? "  保留 %.*s %lld: %s\n" : "  kept %.*s %lld: %s\n", (int)reg->name.n, reg->name.s, (long long)id, words);
}

int cmd_undo(struct cli *cli, struct error *err) {
    struct intake_undone u = {0};
    int64_t import = 0;
    if (!text_int(text_of(cli_argument(cli, 0)), &import)) return error_set(err, E_USAGE, "IMPORT", "an import is named by its number / 导入批次须用编号指明");
    int rc = cli_open(cli, err);
    struct undoing told = {.cli = cli, .kept = json_array()};
    if (rc == 0 && !told.kept) rc = error_memory(err);
    if (rc == 0) rc = intake_undo(cli->ledger, &cli->session, import, kept, &told, &u, err);
    if (rc == 0 && cli->json)
        return cli_json(cli, json_pack("{s:I, s:I, s:I, s:I, s:o}", "import", (json_int_t)import, "removed", (json_int_t)u.removed, "restored",
                                       (json_int_t)u.restored, "kept", (json_int_t)u.kept, "list", told.kept), err);
    json_decref(told.kept);
    if (rc < 0) return rc;
    cli_print(cli, cli->zh ? "批次 %lld: 撤销 %lld 条, 还原 %lld 条, 保留 %lld 条\n" : "import %lld: %lld removed, %lld restored, %lld kept\n",
              (long long)import, (long long)u.removed, (long long)u.restored, (long long)u.kept);
    return 0;
}

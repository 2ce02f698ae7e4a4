/* verify, backup, restore, migrate, selftest, version. */
#include <errno.h>
#include <libpq-fe.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "desks/retention.h"
#include "desks/backup.h"
#include "desks/node.h"
#include "doors/cli/commands.h"
#include "ledger/proof.h"

#define TOCSIN_VERSION "0.1.0"
enum { PATH_BYTES = 1200 };

static int verify_progress(int64_t entries, void *arg) {
    cli_note(arg, "\r%lld", (long long)entries);
    return 0;
}

static json_t *findings_json(struct cli *cli, const struct proof_report *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct proof_finding *f = &r->list[i];
        char both[PROOF_WORDS], what[PROOF_WORDS];
        proof_words(f, both, sizeof both);
        error_words(E_CORRUPT, both, cli->zh, what, sizeof what);
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:s, s:s}", "register", f->reg->name.s, "id", (json_int_t)f->id, "number", cli_json_text(f->number), "field", f->field, "what", what));
    }
    return json_pack("{s:b, s:I, s:o, s:b}", "whole", r->n == 0, "rows", (json_int_t)r->rows, "findings", list, "more", r->more);
}

/* The tables against the journal, which is whole. */
static int verify_records(struct cli *cli, bool tty, struct proof_report *r, struct error *err) {
    int64_t start = monotonic_ns();
    int rc = proof_records(cli->ledger, cli->ledger->db, tty ? verify_progress : NULL, cli, r, err);
    if (tty) cli_note(cli, "\r");
    if (rc < 0 || cli->json) return rc;
    for (size_t i = 0; i < r->n; i++) {
        char both[PROOF_WORDS], what[PROOF_WORDS];
        proof_words(&r->list[i], both, sizeof both);
        error_words(E_CORRUPT, both, cli->zh, what, sizeof what);
        cli_print(cli, "%s\n", what);
    }
    if (r->more) cli_print(cli, "%s\n", cli_word(cli, "可能还有更多", "there may be more"));
    if (!r->n) cli_print(cli, cli->zh ? "记录与流水相符: %lld 条, %.2f 秒\n" : "records whole: %lld as the journal says, %.2f s\n", (long long)r->rows, (double)(monotonic_ns() - start) / 1e9);
    return 0;
}

int cmd_verify(struct cli *cli, struct error *err) {
    struct journal_verdict v = {0};
    struct proof_report r = {0};
    char head[2 * DIGEST_BYTES + 1];
    bool tty = isatty(STDERR_FILENO) && !cli->json, records = cli_flag(cli, "records");
    int rc = cli_open(cli, err);
    if (rc < 0) return rc;
    int64_t start = monotonic_ns();
    rc = journal_verify(cli->ledger->db, cli->ledger->journal.keys.public_key, cli_flag(cli, "all"), tty ? verify_progress : NULL, cli, &v, err);
    if (tty) cli_note(cli, "\r");
    if (rc < 0) return rc;
    double seconds = (double)(monotonic_ns() - start) / 1e9;
    hex_of(v.head, sizeof v.head, head);
    char what[sizeof v.what] = "";
    if (v.bad_seq) error_words(E_CORRUPT, v.what, cli->zh, what, sizeof what);
    if (!cli->json && !v.bad_seq)
        cli_print(cli, cli->zh ? "流水完整: %lld 条, %lld 块, %.2f 秒, 链头 %.16s\n" : "journal whole: %lld entries, %lld blocks, %.2f s, head %.16s\n",
                  (long long)v.entries, (long long)v.blocks, seconds, head);
    bool asked = records && !v.bad_seq; /* nothing is proved by a journal that is not whole */
    if (asked) rc = verify_records(cli, tty, &r, err);
    if (rc == 0 && cli->json)
        rc = cli_json(cli, json_pack("{s:b, s:I, s:I, s:I, s:s, s:s, s:f, s:o*}", "whole", v.bad_seq == 0 && !r.n, "entries", (json_int_t)v.entries, "blocks",
                                     (json_int_t)v.blocks, "bad", (json_int_t)v.bad_seq, "what", what, "head", head, "seconds", seconds, "records", asked ? findings_json(cli, &r) : NULL), err);
    if (rc == 0 && v.bad_seq) rc = error_set(err, E_CORRUPT, "journal", "%s", v.what);
    if (rc == 0 && r.n) {
        char both[PROOF_WORDS];
        proof_words(&r.list[0], both, sizeof both);
        rc = error_set(err, E_CORRUPT, r.list[0].reg->name.s, "%s", both);
    }
    proof_clear(&r);
    return rc;
}

static int backup_print(struct cli *cli, const char *where, const struct backup_report *r, struct error *err) {
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:I, s:I, s:I}", "where", where, "tables", (json_int_t)r->tables, "rows", (json_int_t)r->rows, "bytes",
                                       (json_int_t)r->bytes), err);
    cli_print(cli, cli->zh ? "%s: %lld 张表, %lld 行\n" : "%s: %lld tables, %lld rows\n", where, (long long)r->tables, (long long)r->rows);
    return 0;
}

static int backup_new(const char *path, struct error *err) {
    struct stat st;
    return stat(path, &st) ? 0 : error_set(err, E_CONFLICT, path, "is there already; a backup overwrites nothing / 文件已存在,备份不覆盖");
}

int cmd_backup(struct cli *cli, struct error *err) {
    const char *path = cli_argument(cli, 0);
    struct backup_report r = {0};
    int rc = backup_new(path, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = backup_write(cli->ledger, path, &r, err);
    if (rc == 0) rc = backup_print(cli, path, &r, err);
    if (rc == 0 && !cli->json) cli_print(cli, "%s\n", cli_word(cli, "密钥不在其中, 请另行保管", "the key is not in it: keep it elsewhere"));
    return rc;
}

int cmd_restore(struct cli *cli, struct error *err) {
    struct ledger_options o = cli_ledger_options(cli);
    struct backup_report r = {0};
    const char *key = cli_text(cli, "key"), *store = cli_text(cli, "store");
    if (!key) return error_set(err, E_USAGE, "--key", "the key is not in a backup: --key FILE, the copy that was kept / 备份不含密钥,须给出另行保管的密钥文件: --key FILE");
    o.store = store && strcmp(store, "sqlite") ? store : NULL;
    int rc = backup_restore(&o, cli_argument(cli, 0), key, &r, err);
    return rc < 0 ? rc : backup_print(cli, o.dir, &r, err);
}

/* Anything but notes of what is kept. */
static bool plan_changes(struct text plan) {
    for (size_t at = 0; at < plan.n;) {
        const char *end = memchr(plan.s + at, '\n', plan.n - at);
        if (!text_starts((struct text){plan.s + at, plan.n - at}, TEXT("--"))) return true;
        at = end ? (size_t)(end - plan.s) + 1 : plan.n;
    }
    return false;
}

/* The way back is a restore by the program from before: without a backup there is none. */
static int migrate_backup(struct cli *cli, const char *path, struct error *err) {
    struct backup_report r = {0};
    if (cli_flag(cli, "no-backup")) return 0;
    if (!path)
        return error_set(err, E_USAGE, "--backup", "nothing was changed: a migration is taken back only by restoring a backup from before it; --backup FILE makes one first, "
                         "--no-backup does without / 未作变更: 升级后只能以升级前的备份恢复;请用 --backup FILE 先备份,或 --no-backup 不备份");
    int rc = backup_new(path, err);
    if (rc == 0) rc = backup_write_unmigrated(cli->ledger, path, &r, err);
    if (rc == 0 && !cli->json) rc = backup_print(cli, path, &r, err);
    return rc;
}

int cmd_migrate(struct cli *cli, struct error *err) {
    struct ledger_options o = cli_ledger_options(cli);
    struct buf plan = {0};
    bool apply = cli_flag(cli, "apply");
    const char *backup = cli_text(cli, "backup");
    if (backup && (!apply || cli_flag(cli, "no-backup"))) return error_set(err, E_USAGE, "--backup", "goes with --apply, and not with --no-backup / 须与 --apply 同用,不与 --no-backup 同用");
    int rc = ledger_open_to_migrate(&o, &cli->ledger, err);
    if (rc == 0) rc = ledger_migrate(cli->ledger, false, &plan, err);
    bool changes = rc == 0 && plan_changes(buf_view(&plan));
    if (changes && apply) rc = migrate_backup(cli, backup, err);
    if (rc == 0 && apply) {
        buf_reset(&plan);
        rc = ledger_migrate(cli->ledger, true, &plan, err);
    }
    if (rc == 0 && cli->json)
        rc = cli_json(cli, json_pack("{s:b, s:o, s:s?}", "applied", apply, "statements", cli_json_text(buf_view(&plan)), "backup", changes ? backup : NULL), err);
    else if (rc == 0) {
        cli_write(cli, buf_view(&plan));
        cli_print(cli, "%s\n", !plan.n ? cli_word(cli, "无需变更", "nothing to change")
                               : apply ? cli_word(cli, "已执行", "done") : cli_word(cli, "以上未执行; 加 --apply --backup FILE 执行", "not run; --apply --backup FILE runs them"));
    }
    buf_clear(&plan);
    return rc;
}

/* ---- retention */

static int retention_json(struct cli *cli, const struct retention_report *r, bool apply, struct error *err) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(list, json_pack("{s:o, s:i, s:I, s:I}", "register", cli_json_text(r->registers[i].reg->name), "days",
                                              r->registers[i].reg->keep_days, "due", (json_int_t)r->registers[i].due, "purged",
                                              (json_int_t)r->registers[i].purged));
    return cli_json(cli, json_pack("{s:b, s:o}", "applied", apply, "registers", list), err);
}

int cmd_retention(struct cli *cli, struct error *err) {
    struct retention_report r = {0};
    bool apply = cli_flag(cli, "apply");
    int rc = cli_open(cli, err);
    if (rc == 0) rc = retention_run(cli->ledger, &cli->session, apply, &r, err);
    if (rc < 0) return rc;
    if (cli->json) {
        rc = retention_json(cli, &r, apply, err);
    } else {
        for (size_t i = 0; i < r.n; i++) {
            const struct register_decl *reg = r.registers[i].reg;
            cli_print(cli, cli->zh ? "%s: 保存 %d 天, 届满 %lld 条, 已清除 %lld 条。依据: %.*s\n" : "%s: kept %d days, %lld past that, %lld removed; ground: %.*s\n",
                      cli->zh ? reg->zh.s : reg->name.s, reg->keep_days, (long long)r.registers[i].due, (long long)r.registers[i].purged,
                      (int)reg->keep_basis.n, reg->keep_basis.s);
        }
        if (!apply) cli_print(cli, "%s\n", cli_word(cli, "以上未清除; 加 --apply 清除", "nothing removed; --apply removes them"));
    }
    retention_report_clear(&r);
    return rc;
}

/* ---- selftest */

static int test_crypto(struct cli *cli, struct error *err) {
    unsigned char digest[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    (void)cli;
    /* BLAKE2b-256 of "abc" */
    digest_bytes(TEXT("abc"), digest);
    hex_of(digest, sizeof digest, hex);
    if (strcmp(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")) return error_set(err, E_CRYPTO, "selftest", "BLAKE2b is wrong");
    return 0;
}

static int test_declarations(struct cli *cli, struct error *err) {
    struct catalog *c = NULL;
    struct text *names = NULL;
    size_t n = 0;
    int rc = cli_catalog(cli, &c, err);
    char *dir = arena_printf(&cli->arena, "%s/policies", cli->home ? cli->home : ".");
    if (rc == 0) rc = policy_names(dir, &cli->arena, &names, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct policy *p = NULL;
        rc = policy_load(c, dir, names[i], ZONE_CHINA_S, &p, err);
        policy_free(p);
    }
    catalog_free(c);
    return rc;
}

static void folder_remove(const char *dir) {
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir); /* our own mkdtemp name */
    if (system(command) != 0) fprintf(stderr, "tocsin: %s: was not removed\n", dir);
}

static int test_store(struct cli *cli, struct error *err) {
    char root[] = "/tmp/tocsin-selftest-XXXXXX", dir[64];
    struct ledger *l = NULL;
    struct journal_verdict v = {0};
    if (!mkdtemp(root)) return error_set(err, error_from_errno(), "/tmp", "%s", strerror(errno));
    snprintf(dir, sizeof dir, "%s/data", root);
    struct node_options o = {.ledger = {.dir = dir, .home = cli->home, .region = "310115", .zone_s = ZONE_CHINA_S}, .regions = "/dev/null",
                             .now = cli->now, .account = TEXT("root")};
    struct node_report report = {0};
    int rc = node_init(&o, &report, err);
    if (rc == 0) rc = ledger_open(&o.ledger, &l, err);
    const struct register_decl *reg = l ? register_find(l->catalog, TEXT("organisation")) : NULL;
    if (rc == 0 && reg) {
        struct draft *d = draft_new(&cli->arena, reg, DRAFT_CREATE);
        struct session s = node_session(TEXT("root"), cli->now, cli->zh);
        rc = d ? draft_set(l, d, &cli->arena, TEXT("title"), TEXT("selftest"), err) : E_MEMORY;
        if (rc == 0) rc = draft_set(l, d, &cli->arena, TEXT("kind"), TEXT("other"), err);
        if (rc == 0) rc = record_write(l, &s, &d, 1, err);
    }
    if (rc == 0) rc = journal_verify(l->db, l->journal.keys.public_key, true, NULL, NULL, &v, err);
    if (rc == 0 && v.bad_seq) rc = error_set(err, E_CORRUPT, "selftest", "%s", v.what);
    ledger_close(l);
    folder_remove(root);
    return rc;
}

int cmd_selftest(struct cli *cli, struct error *err) {
    static const struct { const char *zh, *en; int (*run)(struct cli *, struct error *); } tests[] = {
        {"密码", "crypto", test_crypto}, {"登记册、代码和方案", "registers, codes and policies", test_declarations}, {"数据库与流水", "store and journal", test_store}};
    json_t *list = cli->json ? json_array() : NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof tests / sizeof *tests; i++) {
        int64_t start = monotonic_ns();
        rc = tests[i].run(cli, err);
        double ms = (double)(monotonic_ns() - start) / 1e6;
        if (list) json_array_append_new(list, json_pack("{s:s, s:b, s:f}", "test", tests[i].en, "good", rc == 0, "ms", ms));
        else cli_print(cli, "%s %s (%.0f ms)\n", rc == 0 ? cli_word(cli, "正常", "good") : cli_word(cli, "异常", "bad "), cli_word(cli, tests[i].zh, tests[i].en), ms);
    }
    if (list) {
        int printed = cli_json(cli, list, rc == 0 ? err : NULL);
        if (rc == 0) rc = printed;
    }
    return rc;
}

int cmd_version(struct cli *cli, struct error *err) {
    char pq[24];
    int n = PQlibVersion();
    snprintf(pq, sizeof pq, "%d.%d", n / 10000, n % 10000);
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "tocsin", TOCSIN_VERSION, "sqlite", sqlite3_libversion(), "libpq", pq,
                                       "libsodium", sodium_version_string(), "zlib", zlibVersion(), "home", cli->home ? cli->home : ""), err);
    cli_print(cli, "tocsin %s (sqlite %s, libpq %s, libsodium %s, zlib %s)\n", TOCSIN_VERSION, sqlite3_libversion(), pq, sodium_version_string(),
              zlibVersion());
    cli_print(cli, "home %s\n", cli->home ? cli->home : "-");
    return 0;
}

/* person show, merge, unmerge, erase. */
#include <string.h>

#include "desks/export/export.h"
#include "desks/person.h"
#include "doors/cli/commands.h"

static int person_id(const char *word, const char *name, int64_t *ret, struct error *err) {
    if (text_int(text_of(word), ret)) return 0;
    return error_set(err, E_USAGE, name, "a person is named by the id / 人员须用编号指明");
}

static int twins_print(struct cli *cli, int64_t id, json_t *into, struct error *err) {
    struct person_twin *twins = NULL;
    size_t n = 0;
    int rc = person_twins(cli->ledger, cli->ledger->db, &cli->session, id, &cli->arena, &twins, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct person_twin *t = &twins[i];
        if (into) {
            json_array_append_new(into, json_pack("{s:I, s:b, s:b, s:b}", "person", (json_int_t)t->person, "document", t->document, "phone",
                                                  t->phone, "name", t->name));
            continue;
        }
        cli_print(cli, cli->zh ? "可能为同一人: %lld (%s%s%s)\n" : "may be the same: %lld (%s%s%s)\n", (long long)t->person,
                  t->document ? cli_word(cli, "证件 ", "document ") : "", t->phone ? cli_word(cli, "电话 ", "phone ") : "",
                  t->name ? cli_word(cli, "姓名", "name") : "");
    }
    return rc;
}

int cmd_person_show(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    struct export_names *names = NULL;
    struct person_child *children = NULL;
    struct record r = {0};
    size_t n = 0;
    json_t *j = cli->json ? json_object() : NULL, *list = cli->json ? json_array() : NULL, *twins = cli->json ? json_array() : NULL;
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, "person", &reg, err);
    if (rc == 0) rc = cli_record(cli, reg, cli_argument(cli, 0), &r, err);
    if (rc == 0 && cli_flag(cli, "open")) {
        rc = record_open(cli->ledger, cli->ledger->db, &cli->session, &r, &cli->arena, err);
        if (rc == 0) rc = ledger_opened(cli->ledger, &cli->session, reg, r.id, err);
    }
    if (rc == 0) rc = export_names_new(cli->ledger, cli->ledger->db, &cli->session, &names, err);
    if (rc == 0) rc = cli_show_record(cli, names, &r, j, err);
    if (rc == 0) rc = person_children(cli->ledger, cli->ledger->db, r.id, &cli->arena, &children, &n, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct record child = {0};
        struct error unseen = {0};
        int got = record_get(cli->ledger, cli->ledger->db, &cli->session, children[i].reg, children[i].id, &cli->arena, &child, &unseen);
        if (got == E_UNKNOWN || got == E_DENIED) continue;
        json_t *one = j ? json_object() : NULL;
        rc = got < 0 ? error_set(err, got, unseen.where, "%s", unseen.message) : cli_show_record(cli, names, &child, one, err);
        if (one) json_array_append_new(list, one);
    }
    if (rc == 0) rc = twins_print(cli, r.id, twins, err);
    export_names_free(names);
    if (rc == 0 && j) {
        json_object_set_new(j, "records", list);
        json_object_set_new(j, "twins", twins);
        return cli_json(cli, j, err);
    }
    json_decref(j);
    json_decref(list);
    json_decref(twins);
    return rc;
}

static int moved_print(struct cli *cli, int64_t person, int64_t moved, struct error *err) {
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:I}", "person", (json_int_t)person, "moved", (json_int_t)moved), err);
    cli_print(cli, cli->zh ? "%lld: 移动 %lld 条记录\n" : "%lld: %lld records moved\n", (long long)person, (long long)moved);
    return 0;
}

int cmd_person_merge(struct cli *cli, struct error *err) {
    int64_t into = 0, from = 0, moved = 0;
    int rc = person_id(cli_argument(cli, 0), "A", &into, err);
    if (rc == 0) rc = person_id(cli_argument(cli, 1), "B", &from, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = person_merge(cli->ledger, &cli->session, into, from, &moved, err);
    return rc < 0 ? rc : moved_print(cli, into, moved, err);
}

int cmd_person_unmerge(struct cli *cli, struct error *err) {
    int64_t person = 0, moved = 0;
    int rc = person_id(cli_argument(cli, 0), "ID", &person, err);
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = person_unmerge(cli->ledger, &cli->session, person, &moved, err);
    return rc < 0 ? rc : moved_print(cli, person, moved, err);
}

int cmd_person_erase(struct cli *cli, struct error *err) {
    int64_t person = 0;
    int rc = person_id(cli_argument(cli, 0), "ID", &person, err);
    if (rc == 0 && !cli_text(cli, "reason")) rc = error_set(err, E_USAGE, "--reason", "why is it forgotten: --reason TEXT / 须说明删除理由: --reason TEXT");
    if (rc == 0) rc = cli_open(cli, err);
    if (rc == 0) rc = person_erase(cli->ledger, &cli->session, person, err);
    if (rc < 0) return rc;
    if (cli->json) return cli_json(cli, json_pack("{s:I, s:b}", "person", (json_int_t)person, "erased", 1), err);
    cli_print(cli, cli->zh ? "%lld: 密钥已销毁\n" : "%lld: the key is destroyed\n", (long long)person);
    return 0;
}

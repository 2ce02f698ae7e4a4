/* show: one record and its history. */
#include <string.h>

#include "desks/export/export.h"
#include "doors/cli/commands.h"
#include "ledger/table.h"
#include "ledger/why.h"

/* By id when the word is a number, else by the record's own number or outside key. */
int cli_record(struct cli *cli, const struct register_decl *reg, const char *word, struct record *ret, struct error *err) {
    int64_t id;
    if (text_int(text_of(word), &id)) return record_get(cli->ledger, cli->ledger->db, &cli->session, reg, id, &cli->arena, ret, err);
    return record_by_number(cli->ledger, cli->ledger->db, &cli->session, reg, text_of(word), &cli->arena, ret, err);
}

static int field_word(struct cli *cli, struct export_names *names, const struct field *f, struct value v, struct buf *out, struct error *err) {
    struct text name;
    buf_reset(out);
    if (f->type != FIELD_REFERENCE) return field_display(f, v, cli->ledger->zone_s, cli->zh, out);
    int rc = export_name(names, f->target, value_int_or(v, 0), &name, err);
    return rc < 0 ? rc : buf_text(out, name);
}

int cli_show_record(struct cli *cli, struct export_names *names, struct record *r, json_t *into, struct error *err) {
    const struct register_decl *reg = r->reg;
    struct buf word = {0};
    char at[INSTANT_TEXT];
    int rc = 0;
    instant_format(r->changed_at, cli->ledger->zone_s, at);
    if (into) {
        json_object_set_new(into, "register", cli_json_text(reg->name));
        json_object_set_new(into, "id", json_integer(r->id));
        json_object_set_new(into, "number", cli_json_text(r->number));
        json_object_set_new(into, "region", cli_json_text(r->region));
        json_object_set_new(into, "version", json_integer(r->version));
        json_object_set_new(into, "state", cli_json_text(r->state));
        json_object_set_new(into, "changed_at", json_string(at));
    } else {
        struct text title = cli->zh ? reg->zh : reg->en, state = cli_state(cli, reg, r->state);
        cli_print(cli, "%.*s %lld  %.*s  v%d  %.*s  %.*s  %s\n", (int)title.n, title.s, (long long)r->id, (int)r->number.n, r->number.s,
                  (int)r->version, (int)state.n, state.s, (int)r->region.n, r->region.s, at);
    }
    for (size_t i = 0; rc == 0 && i < reg->n_fields; i++) {
        const struct field *f = &reg->fields[i];
        if (!value_given(r->values[i])) continue;
        rc = field_word(cli, names, f, r->values[i], &word, err);
        if (rc < 0) break;
        if (into) {
            char name[80];
            snprintf(name, sizeof name, "%.*s", (int)f->name.n, f->name.s);
            json_object_set_new(into, name, cli_json_text(buf_view(&word)));
            continue;
        }
        struct text title = cli->zh ? f->zh : f->en;
        size_t w = cli_width(title);
        cli_print(cli, "  %.*s%*s %s\n", (int)title.n, title.s, (int)(w < 22 ? 22 - w : 1), "", buf_cstr(&word));
    }
    buf_clear(&word);
    return rc;
}

struct history {
    struct cli *cli;
    const struct register_decl *reg;
    struct export_names *names;
    json_t *list;
    struct error *err;
};

static int cells_show(struct history *h, const struct journal_entry *e, json_t *changes) {
    struct buf word = {0};
    size_t at = 0, field = 0;
    struct value v;
    int rc;
    while ((rc = journal_cells_next(e->after, &at, &field, &v, h->err)) > 0) {
        int at_field = field >= CELL_FIRST_FIELD ? table_field_of(h->cli->ledger->tables[h->reg->order], field) : -1;
        if (at_field < 0) { /* a column of the system: the state is worth a line */
            struct text state = cli_state(h->cli, h->reg, value_view(v));
            if (field == CELL_STATE && !changes) cli_print(h->cli, "      -> %.*s\n", (int)state.n, state.s);
            if (field == CELL_STATE && changes) json_object_set_new(changes, "state", cli_json_text(value_view(v)));
            continue;
        }
        const struct field *f = &h->reg->fields[at_field];
        rc = field_word(h->cli, h->names, f, v, &word, h->err);
        if (rc < 0) break;
        if (changes) {
            char name[80];
            snprintf(name, sizeof name, "%.*s", (int)f->name.n, f->name.s);
            json_object_set_new(changes, name, cli_json_text(buf_view(&word)));
        } else {
            struct text title = h->cli->zh ? f->zh : f->en;
            cli_print(h->cli, "      %.*s: %s\n", (int)title.n, title.s, buf_cstr(&word));
        }
    }
    buf_clear(&word);
    return rc;
}

static int history_visit(const struct journal_entry *e, void *arg) {
    struct history *h = arg;
    char at[INSTANT_TEXT];
    instant_format(e->at, h->cli->ledger->zone_s, at);
    if (h->list) {
        json_t *changes = json_object();
        int rc = cells_show(h, e, changes);
        json_array_append_new(h->list, json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:i, s:o}", "seq", (json_int_t)e->seq, "at", at, "verb",
            journal_verb_name(e->verb), "actor", cli_json_text(e->actor), "reason", cli_json_text(e->reason), "purpose",
            cli_json_text(e->purpose), "version", (int)e->version, "after", changes));
        return rc < 0 ? rc : 0;
    }
    struct text why = why_told(h->cli->ledger, e->verb, e->reason, h->cli->zh, h->cli->now, &h->cli->arena);
    cli_print(h->cli, "  %s  %-8s v%d  %.*s  %.*s%.*s  #%lld\n", at, cli_verb(h->cli, e->verb), (int)e->version, (int)e->actor.n, e->actor.s,
              (int)why.n, why.s, (int)e->purpose.n, e->purpose.s, (long long)e->seq);
    return cells_show(h, e, NULL);
}

int cmd_show(struct cli *cli, struct error *err) {
    const struct register_decl *reg = NULL;
    struct record r = {0};
    struct export_names *names = NULL;
    json_t *j = NULL;
    int rc = cli_open(cli, err);
    if (rc == 0) rc = cli_register(cli, cli_argument(cli, 0), &reg, err);
    if (rc == 0) rc = cli_record(cli, reg, cli_argument(cli, 1), &r, err);
    if (rc == 0 && cli_flag(cli, "open")) {
        rc = record_open(cli->ledger, cli->ledger->db, &cli->session, &r, &cli->arena, err);
        if (rc == 0) rc = ledger_opened(cli->ledger, &cli->session, reg, r.id, err);
    }
    if (rc == 0) rc = export_names_new(cli->ledger, cli->ledger->db, &cli->session, &names, err);
    if (rc == 0 && cli->json && !(j = json_object())) rc = error_set(err, E_MEMORY, NULL, "out of memory for JSON");
    if (rc == 0) rc = cli_show_record(cli, names, &r, j, err);
    if (rc == 0 && cli_flag(cli, "history")) {
        struct history h = {.cli = cli, .reg = reg, .names = names, .list = j ? json_array() : NULL, .err = err};
        if (!j) cli_print(cli, "\n");
        rc = record_history(cli->ledger, cli->ledger->db, &cli->session, reg, r.id, history_visit, &h, err);
        if (j) json_object_set_new(j, "history", h.list);
    }
    export_names_free(names);
    if (rc == 0 && j) return cli_json(cli, j, err);
    json_decref(j);
    return rc;
}

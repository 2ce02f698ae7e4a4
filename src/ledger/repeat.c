#include "ledger/repeat.h"

#include <string.h>

enum { AN_HOUR_S = 3600, COLUMNS = 9 };

const struct db_table *repeat_table(void) {
    static const struct db_column columns[COLUMNS] = {
        {"account", COLUMN_TEXT, true}, {"key", COLUMN_TEXT, true},    {"item", COLUMN_INT, true},
        {"register", COLUMN_TEXT, true}, {"id", COLUMN_INT, true},     {"version", COLUMN_INT, true},
        {"outcome", COLUMN_INT, true},  {"print", COLUMN_INT, true},   {"at", COLUMN_INT, true},
    };
    static const struct db_index indexes[] = {{"repeat_at", "at", false, NULL}};
    static const struct db_table table = {.name = "repeat", .key = "account, key, item", .clustered = true,
                                          .n_columns = COLUMNS, .columns = columns, .n_indexes = 1, .indexes = indexes};
    return &table;
}

static void add_text(struct buf *b, struct text t) {
    buf_varint(b, t.n);
    buf_text(b, t);
}

static void describe(const struct draft *d, struct buf *b) {
    add_text(b, d->reg->name);
    buf_varint(b, (uint64_t)d->verb);
    buf_int(b, d->id);
    buf_char(b, ' ');
    buf_int(b, d->version);
    add_text(b, d->region);
    add_text(b, d->state);
    add_text(b, d->outside_key);
    for (size_t i = 0; i < d->reg->n_fields; i++) {
        bool linked = d->links && d->links[i];
        struct value v = d->values[i];
        if (v.kind == VALUE_ABSENT && !linked) continue;
        add_text(b, d->reg->fields[i].name);
        if (linked) {
            buf_printf(b, "-> %u", d->links[i]);
        } else if (v.kind == VALUE_INT) {
            buf_char(b, 'i');
            buf_int(b, v.i);
        } else {
            buf_char(b, v.kind == VALUE_NULL ? '0' : 't');
            add_text(b, value_view(v));
        }
    }
}

int repeat_print(struct ledger *l, struct text key, struct draft **drafts, size_t n, struct error *err) {
    struct buf b = {0};
    int rc = 0;
    if (key.n > REPEAT_KEY_MAX) return error_set(err, E_USAGE, "key", "a client's key has at most %d bytes / 外部系统编号过长", REPEAT_KEY_MAX);
    for (size_t i = 0; !rc && i < n; i++) {
        buf_reset(&b);
        describe(drafts[i], &b);
        rc = b.failed ? error_set(err, b.failed, NULL, "out of memory") : 0;
        if (!rc) drafts[i]->print = vault_print(l->vault, buf_view(&b));
        if (b.s) memset(b.s, 0, b.n); /* names and numbers in the clear */
    }
    buf_clear(&b);
    return rc;
}

int repeat_find(struct ledger *l, struct text account, struct text key, struct draft **drafts, size_t n, bool *ret_known, struct error *err) {
    struct db_cursor *c = NULL;
    const struct value *row;
    struct value params[] = {value_text(account), value_text(key)};
    size_t seen = 0;
    bool same = true;
    int rc = db_query(l->db,
                      "SELECT \"item\",\"print\",\"outcome\",\"id\",\"version\" FROM \"repeat\" WHERE \"account\" = ?1 AND \"key\" = ?2 ORDER BY \"item\"",
                      params, 2, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        struct draft *d = seen < n ? drafts[seen] : NULL;
        same = same && d && row[0].i == (int64_t)seen && row[1].i == d->print;
        if (same) {
            d->outcome = (enum draft_outcome)row[2].i;
            d->ret_id = row[3].i;
            d->ret_version = (int32_t)row[4].i;
        }
        seen++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    if (seen && (!same || seen != n))
        return error_set(err, E_CONFLICT, "key", "this key was used for another request / 该请求标识已用于其他内容");
    *ret_known = seen > 0;
    return 0;
}

int repeat_keep(struct ledger *l, struct text account, struct text key, struct draft **drafts, size_t n, instant now, struct error *err) {
    static const uint16_t all[COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct arena a = {0};
    int rc = 0;
    struct value *rows = arena_alloc(&a, n * COLUMNS * sizeof *rows), *r = rows;
    if (!rows) rc = error_memory(err);
    for (size_t i = 0; !rc && i < n; i++, r += COLUMNS) {
        const struct draft *d = drafts[i];
        const struct value row[COLUMNS] = {value_text(account), value_text(key), value_int((int64_t)i), value_text(d->reg->name), value_int(d->ret_id),
                                           value_int(d->ret_version), value_int(d->outcome), value_int(d->print), value_int(now)};
        memcpy(r, row, sizeof row);
    }
    if (!rc) rc = db_batch(l->db, DB_INSERT, repeat_table(), all, COLUMNS, rows, n, NULL, err);
    arena_clear(&a);
    if (rc < 0 || now - l->repeats_purged < AN_HOUR_S) return rc;
    struct value before = value_int(now - REPEAT_KEPT_S);
    rc = db_run(l->db, "DELETE FROM \"repeat\" WHERE \"at\" < ?1", &before, 1, NULL, err);
    if (!rc) l->repeats_purged = now;
    return rc;
}

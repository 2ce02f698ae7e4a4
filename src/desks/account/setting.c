/* What an account wants to find again. */
#include <string.h>

#include "desks/account/inside.h"

static int refused(const struct session *s, struct error *err) {
    if (s->limit || !s->account.n) return error_set(err, E_DENIED, "settings", "a token has no settings / 令牌没有个人设置");
    return 0;
}

int account_settings(const struct account_seat *seat, const struct session *s, struct arena *a, struct account_setting **ret, size_t *ret_n, struct error *err) {
    struct value account = value_text(s->account);
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0;
    int rc = refused(s, err);
    if (rc < 0) return rc;
    struct account_setting *list = arena_alloc(a, ACCOUNT_SETTINGS * sizeof *list);
    if (!list) return error_memory(err);
    rc = db_query(seat->ledger->db, "SELECT \"name\", \"value\" FROM \"account_setting\" WHERE \"account\" = ?1 ORDER BY \"name\" LIMIT 200", &account, 1, &c, err);
    while (rc == 0 && n < ACCOUNT_SETTINGS && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        list[n] = (struct account_setting){arena_text(a, value_view(row[0])), arena_text(a, value_view(row[1]))};
        if (!list[n].name.s || !list[n].value.s) rc = error_memory(err);
        n++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    *ret = list;
    *ret_n = n;
    return 0;
}

struct putting {
    const struct session *s;
    const struct account_setting *list;
    size_t n;
};

static int put(struct ledger *l, void *arg, struct error *err) {
    const struct putting *p = arg;
    struct arena a = {0};
    struct value count = value_null();
    uint16_t all[SETTING_COLUMNS] = {SETTING_ACCOUNT, SETTING_NAME, SETTING_VALUE};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        struct value row[SETTING_COLUMNS] = {value_text(p->s->account), value_text(p->list[i].name), value_text(p->list[i].value)};
        rc = db_run(l->db, "DELETE FROM \"account_setting\" WHERE \"account\" = ?1 AND \"name\" = ?2", row, 2, NULL, err);
        if (rc == 0 && p->list[i].value.n) rc = db_batch(l->db, DB_INSERT, credential_setting_table(), all, SETTING_COLUMNS, row, 1, NULL, err);
    }
    struct value account = value_text(p->s->account);
    if (rc == 0) rc = db_scalar(l->db, &a, "SELECT COUNT(*) FROM \"account_setting\" WHERE \"account\" = ?1", &account, 1, &count, err);
    if (rc == 0 && value_int_or(count, 0) > ACCOUNT_SETTINGS)
        rc = error_set(err, E_TOO_LARGE, "settings", "at most %d settings; delete some / 至多 %d 项设置,请先删除", ACCOUNT_SETTINGS, ACCOUNT_SETTINGS);
    arena_clear(&a);
    return rc;
}

int account_settings_put(const struct account_seat *seat, const struct session *s, const struct account_setting *list, size_t n, struct error *err) {
    struct putting p = {s, list, n};
    int rc = refused(s, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!list[i].name.n || list[i].name.n > ACCOUNT_SETTING_NAME)
            rc = error_set(err, E_INVALID, "settings", "a name has 1 to %d bytes / 名称为 1 至 %d 字节", ACCOUNT_SETTING_NAME, ACCOUNT_SETTING_NAME);
        else if (list[i].value.n > ACCOUNT_SETTING_BYTES)
            rc = error_set(err, E_TOO_LARGE, "settings", "a setting has at most %d bytes / 每项设置至多 %d 字节", ACCOUNT_SETTING_BYTES, ACCOUNT_SETTING_BYTES);
    }
    return rc < 0 ? rc : seat_write(seat, put, &p, s->now, err);
}

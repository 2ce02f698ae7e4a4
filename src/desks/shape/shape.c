/* Shapes into the store and out again; see shape.h. */
#include "desks/shape/shape.h"

#include <stdio.h>

#include "ledger/region_shape.h"
#include "ledger/record.h"

enum { PIECE = 500 };

static int region_register(const struct ledger *l, const struct register_decl **ret, struct error *err) {
    static const char *const names[] = {"code", "title", "title_en", "level", NULL};
    int at[4];
    return register_needs(l->catalog, "region", names, at, ret, err);
}

static int check(struct ledger *l, const struct session *s, const struct register_decl *reg, const struct shape *one, struct error *err) {
    struct arena a = {0};
    struct value code = value_text(one->region), found = value_null();
    char where[48];
    snprintf(where, sizeof where, "/features/%zu", one->feature);
    int rc = access_check(s, ACCESS_WRITE, reg, one->region, err);
    if (rc == 0) rc = db_scalar(l->db, &a, "SELECT \"id\" FROM \"region\" WHERE \"code\" = ?1", &code, 1, &found, err);
    if (rc == 0 && found.kind != VALUE_INT)
        rc = error_set(err, E_UNKNOWN, where, "there is no region %.*s in the register / 登记册中没有区划 %.*s", (int)one->region.n, one->region.s, (int)one->region.n, one->region.s);
    arena_clear(&a);
    return rc;
}

static int remove_all(struct ledger *l, const struct session *s, const struct register_decl *reg, int64_t *ret_n, struct error *err) {
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM \"region_shape\" WHERE ");
    access_sql(s, ACCESS_WRITE, reg, "\"region\"", &sql);
    int rc = sql.failed ? error_memory(err) : db_run(l->db, buf_cstr(&sql), NULL, 0, ret_n, err);
    buf_clear(&sql);
    return rc;
}

static int put_all(struct ledger *l, const struct session *s, const struct shapes *in, struct error *err) {
    static const uint16_t all[SHAPE_COLUMNS] = {SHAPE_REGION, SHAPE_SHAPE, SHAPE_CHANGED_AT};
    struct value cells[PIECE * SHAPE_COLUMNS];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < in->n; i += PIECE) {
        size_t n = in->n - i < PIECE ? in->n - i : PIECE;
        for (size_t k = 0; k < n; k++) {
            cells[k * SHAPE_COLUMNS + SHAPE_REGION] = value_text(in->list[i + k].region);
            cells[k * SHAPE_COLUMNS + SHAPE_SHAPE] = value_text(in->list[i + k].geometry);
            cells[k * SHAPE_COLUMNS + SHAPE_CHANGED_AT] = value_int(s->now);
        }
        rc = db_batch(l->db, DB_UPSERT, region_shape_table(), all, SHAPE_COLUMNS, cells, n, NULL, err);
    }
    return rc;
}

static int journal(struct ledger *l, const struct session *s, const struct shape_report *r, struct error *err) {
    struct buf reason = {0};
    buf_printf(&reason, "shapes of %lld regions, %lld positions", (long long)r->shapes, (long long)r->positions);
    if (r->removed) buf_printf(&reason, ", in place of %lld", (long long)r->removed);
    if (s->reason.n) buf_str(&reason, "; "), buf_text(&reason, s->reason);
    struct journal_entry e = {.at = s->now, .verb = JOURNAL_IMPORT, .actor = s->account, .reason = buf_view(&reason), .reg = TEXT("region"), .region = l->region};
    int rc = reason.failed ? error_memory(err) : journal_append(&l->journal, &e, NULL, err);
    buf_clear(&reason);
    return rc;
}

int shapes_import(struct ledger *l, const struct session *s, const struct shapes *in, bool whole, struct shape_report *ret, struct error *err) {
    const struct register_decl *reg = NULL;
    struct shape_report report = {.shapes = (int64_t)in->n, .positions = in->positions};
    int rc = region_register(l, &reg, err);
    if (rc == 0) rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    for (size_t i = 0; rc == 0 && i < in->n; i++) rc = check(l, s, reg, &in->list[i], err);
    if (rc == 0 && whole) rc = remove_all(l, s, reg, &report.removed, err);
    if (rc == 0) rc = put_all(l, s, in, err);
    if (rc == 0) rc = journal(l, s, &report, err);
    rc = ledger_end(l, rc, s->now, err);
    if (rc == 0) *ret = report;
    return rc;
}

/* ---- out */

static int put_string(struct buf *b, struct text t) {
    buf_char(b, '"');
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if (c == '"' || c == '\\') buf_char(b, '\\');
        if (c < 0x20) buf_printf(b, "\\u%04x", c);
        else buf_char(b, (char)c);
    }
    return buf_char(b, '"');
}

static void put_feature(struct buf *b, const struct value *row, bool first) {
    struct text code = value_view(row[0]), zh = value_view(row[2]), en = value_view(row[3]);
    buf_str(b, first ? "{\"type\":\"Feature\",\"id\":" : ",{\"type\":\"Feature\",\"id\":");
    put_string(b, code);
    buf_str(b, ",\"properties\":{\"code\":");
    put_string(b, code);
    buf_str(b, ",\"zh\":");
    put_string(b, zh.n ? zh : code);
    buf_str(b, ",\"en\":");
    put_string(b, en.n ? en : zh.n ? zh : code);
    buf_printf(b, ",\"level\":%d},\"geometry\":", region_level(code));
    buf_text(b, value_view(row[1]));
    buf_char(b, '}');
}

int shapes_write(struct ledger *l, struct db *db, const struct session *s, struct text under, int level, struct buf *out, int64_t *ret_n, struct error *err) {
    const struct register_decl *reg = NULL;
    struct buf sql = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    char end[REGION_MAX + 2] = "";
    int64_t n = 0;
    int rc = region_register(l, &reg, err);
    if (rc < 0) return rc;
    buf_str(&sql, "SELECT s.\"region\",s.\"shape\",r.\"title\",r.\"title_en\" FROM \"region_shape\" s LEFT JOIN \"region\" r ON r.\"code\" = s.\"region\" WHERE ");
    access_sql(s, ACCESS_READ, reg, "s.\"region\"", &sql);
    bool bounded = region_end(under, end);
    if (bounded) buf_str(&sql, " AND s.\"region\" >= ?1 AND s.\"region\" < ?2");
    buf_str(&sql, " ORDER BY s.\"region\"");
    struct value params[] = {value_text(under), value_text(text_of(end))};
    rc = sql.failed ? error_memory(err) : db_query(db, buf_cstr(&sql), params, bounded ? 2 : 0, &c, err);
    buf_str(out, "{\"type\":\"FeatureCollection\",\"features\":[");
    while (rc == 0 && (rc = db_next(c, &row, err)) > 0) {
        rc = 0;
        if (level && region_level(value_view(row[0])) != level) continue;
        put_feature(out, row, n++ == 0);
        if (out->n > SHAPE_ANSWER_MAX) rc = error_set(err, E_TOO_LARGE, "under", "more than %d bytes; ask for one level, or for less / 超过 %d 字节,请只取一级或缩小范围", SHAPE_ANSWER_MAX, SHAPE_ANSWER_MAX);
    }
    buf_str(out, "]}");
    db_cursor_close(c);
    buf_clear(&sql);
    if (rc == 0 && out->failed) rc = error_memory(err);
    if (rc == 0 && ret_n) *ret_n = n;
    return rc;
}

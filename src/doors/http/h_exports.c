/* Exports of any register, streamed while they are read: any size in constant memory, no file, no long transaction. Rows come in order of their ids, so who
 * was cut off goes on after the last one he has. What an asker loses in the meantime (a session, a role) ends or narrows what still comes. */
#include <string.h>

#include "desks/export/export.h"
#include "doors/http/inside.h"

enum { PIECE_ROWS = 500, RECHECK_S = 60 };

struct stream {
    struct request *r;
    struct text reg, columns;
    struct list_param *params;
    size_t n_params;
    struct export_options o;
    struct export_place at;
    struct arena piece;
    struct buf out;
    size_t sent;
    instant checked;
};

static const char *const own[] = {"format", "titles", "columns", "after", "bom", "header"};
static const char *const not_here[] = {"sort", "limit", "cursor", "fields", "count"};

static bool among(struct text name, const char *const *list, size_t n) {
    bool is = false;
    for (size_t i = 0; i < n; i++) is |= text_is(name, list[i]);
    return is;
}

/* The next rows into x->out. The query is read anew: each piece may meet another reading ledger, with another catalog. */
static int more(struct stream *x, struct ledger *l, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, x->reg);
    struct list_query q;
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    arena_reset(&x->piece);
    buf_reset(&x->out);
    x->sent = 0;
    int rc = list_query_parse(l, reg, x->params, x->n_params, &x->piece, &q, err);
    x->o.query = &q;
    if (rc == 0 && !access_anywhere(&x->r->session, ACCESS_READ, reg)) {
        rc = access_check(&x->r->session, ACCESS_READ, reg, TEXT(""), err);
        if (rc == 0) rc = error_set(err, E_DENIED, NULL, "%s / %s", error_text(E_DENIED), error_text_zh(E_DENIED));
    }
    if (rc == 0) rc = export_piece(l, l->db, &x->r->session, reg, &x->o, &x->at, PIECE_ROWS, &x->out, err);
    x->o.query = NULL;
    return rc;
}

static bool still_allowed(struct stream *x) {
    struct error err = {0};
    instant now = http_now(x->r->server);
    if (http_stopping(x->r->server)) return false;
    if (now < x->checked + RECHECK_S) return true;
    x->checked = x->r->now = now;
    return http_authenticate(x->r, &err) == 0 && x->r->signed_in;
}

static int64_t stream_read(void *arg, char *out, size_t n) {
    struct stream *x = arg;
    struct error err = {0};
    while (x->sent == x->out.n) {
        struct ledger *l = NULL;
        if (x->at.end) return -1;
        if (!still_allowed(x) || readers_take(x->r->server->readers, &l, &err) < 0) return -2;
        int rc = more(x, l, &err);
        readers_give(x->r->server->readers, l);
        if (rc < 0) return -2;
    }
    size_t some = x->out.n - x->sent < n ? x->out.n - x->sent : n;
    memcpy(out, x->out.s + x->sent, some);
    x->sent += some;
    return (int64_t)some;
}

static void stream_end(void *arg) {
    struct stream *x = arg;
    arena_clear(&x->piece);
    buf_clear(&x->out);
    mem_free(x);
}

/* "after": the id of the last row that is there already, or its number. */
static int after_of(struct request *r, struct ledger *l, const struct register_decl *reg, int64_t *ret, struct error *err) {
    struct text after = request_query(r, "after");
    struct record found;
    if (!after.n) return 0;
    if (text_int(after, ret)) return *ret >= 0 ? 0 : error_set(err, E_INVALID, "after", "the id or number of a row / 应为某行的编号或号码");
    int rc = record_by_number(l, l->db, &r->session, reg, after, &r->arena, &found, err);
    if (rc == 0) *ret = found.id;
    return rc;
}

static int options_of(struct request *r, struct stream *x, struct error *err) {
    static const struct { const char *name; enum export_format format; const char *type; } formats[] = {
        {"csv", EXPORT_CSV, "text/csv; charset=utf-8"}, {"json", EXPORT_JSON, "application/json"}, {"linelist", EXPORT_LINELIST, "text/csv; charset=utf-8"}};
    struct text format = request_query(r, "format"), titles = request_query(r, "titles");
    size_t i = 0;
    while (i < 3 && format.n && !text_is(format, formats[i].name)) i++;
    if (i == 3) return error_set(err, E_INVALID, "format", "csv, json or linelist / 应为 csv、json 或 linelist");
    if (titles.n && !text_is(titles, "zh") && !text_is(titles, "en")) return error_set(err, E_INVALID, "titles", "zh or en / 应为 zh 或 en");
    x->columns = request_query(r, "columns");
    x->o = (struct export_options){.format = formats[i].format, .titles = titles.n > 0, .zh = text_is(titles, "zh")};
    x->o.columns = x->columns.n ? arena_printf(&r->arena, "%.*s", (int)x->columns.n, x->columns.s) : NULL;
    x->o.bom = x->o.format == EXPORT_CSV && (request_query(r, "bom").n ? request_query_flag(r, "bom") : x->o.titles);
    x->at.headless = text_is(request_query(r, "header"), "false");
    r->answer.type = formats[i].type;
    answer_header(r, "Content-Disposition",
                  arena_printf(&r->arena, "attachment; filename=\"%.*s.%s\"", (int)x->reg.n, x->reg.s, x->o.format == EXPORT_JSON ? "json" : "csv"));
    return x->columns.n && !x->o.columns ? error_set(err, E_MEMORY, NULL, "out of memory") : 0;
}

static int params_of(struct request *r, struct stream *x, struct error *err) {
    x->params = arena_alloc(&r->arena, (r->n_query + 1) * sizeof *x->params);
    if (!x->params) return error_set(err, E_MEMORY, NULL, "out of memory");
    for (size_t i = 0; i < r->n_query; i++) {
        if (among(r->query[i].name, own, sizeof own / sizeof *own)) continue;
        if (among(r->query[i].name, not_here, sizeof not_here / sizeof *not_here))
            return error_set(err, E_USAGE, "export", "an export has all rows in order of id; sort, limit, cursor, fields and count are of lists / 导出按编号给出全部行,不用 sort、limit、cursor、fields、count");
        x->params[x->n_params++] = (struct list_param){r->query[i].name, r->query[i].value};
    }
    return 0;
}

static int export(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct stream *x = mem_alloc(sizeof *x);
    if (!x) return error_set(err, E_MEMORY, NULL, "out of memory");
    *x = (struct stream){.r = r, .reg = request_param(r, "register"), .checked = r->now};
    int rc = request_reader(r, &l, err);
    const struct register_decl *reg = rc < 0 ? NULL : register_find(l->catalog, x->reg);
    if (rc == 0 && !reg) rc = error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    if (rc == 0) rc = options_of(r, x, err);
    if (rc == 0) rc = params_of(r, x, err);
    if (rc == 0) rc = after_of(r, l, reg, &x->at.after, err);
    if (rc == 0) rc = more(x, l, err); /* what is asked wrongly is said before the first byte */
    if (rc < 0) {
        stream_end(x);
        return rc;
    }
    r->answer.status = 200;
    r->answer.read = stream_read;
    r->answer.end = stream_end;
    r->answer.arg = x;
    r->answer.size = -1;
    answer_header(r, "Cache-Control", "no-store");
    return 0;
}

const struct route exports_routes[] = {
    {.method = "GET",
     .path = "/api/v1/registers/{register}/export",
     .who = WHO_ACCOUNT,
     .run = export,
     .response = "text/csv;application/json",
     .headers = HEADER_PURPOSE | FIELD_FILTERS,
     .zh = "导出符合条件的全部记录(流式,可续传);密封字段不导出",
     .en = "All records that the filters leave, streamed; goes on with after=ID. Sealed fields are left out.",
     .query = {{"format", "{\"type\":\"string\",\"enum\":[\"csv\",\"json\",\"linelist\"]}", "格式,缺省 csv", "csv when left out"},
               {"titles", "{\"type\":\"string\",\"enum\":[\"zh\",\"en\"]}", "表头与代码用此语言的名称", "titles instead of names, codes as words"},
               {"columns", "{\"type\":\"string\"}", "列,逗号分隔", "columns, comma separated"},
               {"after", "{\"type\":\"string\"}", "续传:已有的最后一行的编号或号码", "go on after the row of this id or number"},
               {"header", "{\"type\":\"boolean\"}", "false 不要表头", "false: no line of headers"},
               {"bom", "{\"type\":\"boolean\"}", "字节序标记(Excel);有 titles 时缺省为 true", "byte order mark for Excel; true with titles when left out"},
               {"where", "{\"type\":\"string\",\"maxLength\":4096}", "条件表达式", "a condition over the fields"},
               {"region", "{\"type\":\"string\"}", "区划及其下级,逗号分隔", "regions and what is below them, comma separated"},
               {"changed_since", "{\"type\":\"string\",\"format\":\"date-time\"}", "此时以后有变更", "changed since then"}}},
    {0},
};

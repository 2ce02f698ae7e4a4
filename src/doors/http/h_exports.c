/* Exports of any register, streamed while they are read: any size in constant memory, no file, no long transaction. Rows come in order of their ids, so who
 * was cut off goes on after the last one he has. What an asker loses in the meantime (a session, a role) ends or narrows what still comes. With `open` sealed
 * cells come in the clear, and the looks at a piece are in the journal before the piece goes out: the connection sleeps meanwhile. */
#include <string.h>

#include "desks/export/export.h"
#include "doors/http/inside.h"
#include "doors/http/write.h"

enum { PIECE_ROWS = 500, PIECE_OPEN = 100, LOOKS = 2 * PIECE_OPEN /* a record and its person */, RECHECK_S = 60 };

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
    struct submission submission; /* of the looks of a piece */
    size_t n_looks;
    struct look looks[LOOKS];
    int failed;
};

static const char *const own[] = {"format", "titles", "columns", "after", "bom", "header", "open"};
static const char *const not_here[] = {"sort", "limit", "cursor", "fields", "count"};

static bool among(struct text name, const char *const *list, size_t n) {
    bool is = false;
    for (size_t i = 0; i < n; i++) is |= text_is(name, list[i]);
    return is;
}

/* ---- looks at what is sealed */

static int looked(const struct register_decl *reg, int64_t id, void *arg, struct error *err) {
    struct stream *x = arg;
    if (x->n_looks == LOOKS) return error_set(err, E_TOO_LARGE, NULL, "%s / %s", error_text(E_TOO_LARGE), error_text_zh(E_TOO_LARGE));
    x->looks[x->n_looks++] = (struct look){register_find(http_catalog(x->r->server), reg->name), id};
    return 0;
}

static int journal_looks(struct ledger *l, void *arg, struct error *err) {
    struct stream *x = arg;
    int rc = ledger_begin(l, err);
    if (rc < 0) return rc;
    for (size_t i = 0; rc == 0 && i < x->n_looks; i++) rc = ledger_opened(l, &x->r->session, x->looks[i].reg, x->looks[i].id, err);
    return ledger_end(l, rc, x->r->session.now, err);
}

static int journal_first(struct ledger *l, void *arg, struct error *err) {
    return journal_looks(l, ((struct request *)arg)->answer.arg, err);
}

static int first_journalled(struct request *r, struct error *err) {
    (void)err;
    return r->rc; /* the answer is there already; a problem takes its place */
}

static void journalled(void *arg, int rc, const struct error *err) {
    struct stream *x = arg;
    struct http_server *s = x->r->server;
    (void)err;
    x->failed = rc;
    MHD_resume_connection(x->r->connection);
    server_count_sleeping(s, -1);
}

/* The piece waits until it may be seen. */
static int64_t sleep_until_journalled(struct stream *x) {
    x->submission = (struct submission){.run = journal_looks, .done = journalled, .arg = x};
    server_count_sleeping(x->r->server, 1);
    MHD_suspend_connection(x->r->connection);
    int rc = ledger_queue_post(http_queue(x->r->server), &x->submission, NULL);
    if (rc < 0) journalled(x, rc, NULL);
    return 0;
}

/* ---- pieces */

/* The next rows into x->out. The query is read anew: each piece may meet another reading ledger, with another catalog. */
static int more(struct stream *x, struct ledger *l, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, x->reg);
    struct list_query q;
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    arena_reset(&x->piece);
    buf_reset(&x->out);
    x->sent = x->n_looks = 0;
    x->r->session.now = http_now(x->r->server);
    int rc = list_query_parse(l, reg, x->params, x->n_params, &x->piece, &q, err);
    const struct list_term *sealed = rc == 0 && !x->o.open ? list_sealed_term(&q) : NULL;
    if (sealed)
        rc = error_set(err, E_USAGE, sealed->sealed->name.s, "an export finds by what is sealed with open=true, so that each look is journalled / 按密封字段导出须 open=true,逐条记入流水");
    x->o.query = &q;
    if (rc == 0) rc = export_piece(l, l->db, &x->r->session, reg, &x->o, &x->at, x->o.open ? PIECE_OPEN : PIECE_ROWS, &x->out, err);
    x->o.query = NULL;
    return rc;
}

static bool still_allowed(struct stream *x) {
    instant now = http_now(x->r->server);
    if (http_stopping(x->r->server)) return false;
    if (now < x->checked + RECHECK_S) return true;
    x->checked = now;
    return http_still_allowed(x->r);
}

static int64_t stream_read(void *arg, char *out, size_t n) {
    struct stream *x = arg;
    struct error err = {0};
    while (x->sent == x->out.n) {
        struct ledger *l = NULL;
        if (x->failed < 0) return -2;
        if (x->at.end) return -1;
        if (!still_allowed(x) || readers_take(x->r->server->readers, &l, &err) < 0) return -2;
        int rc = more(x, l, &err);
        readers_give(x->r->server->readers, l);
        if (rc < 0) return -2;
        if (x->n_looks) return sleep_until_journalled(x);
    }
    if (x->failed < 0) return -2;
    size_t some = x->out.n - x->sent < n ? x->out.n - x->sent : n;
    memcpy(out, x->out.s + x->sent, some);
    x->sent += some;
    return (int64_t)some;
}

static void stream_end(void *arg) {
    struct stream *x = arg;
    export_place_clear(&x->at);
    arena_clear(&x->piece);
    if (x->o.open && x->out.s) explicit_bzero(x->out.s, x->out.n);
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
    static const struct { const char *name; enum export_format format; const char *type, *ending; } formats[] = {
        {"csv", EXPORT_CSV, "text/csv; charset=utf-8", "csv"},
        {"json", EXPORT_JSON, "application/json", "json"},
        {"xlsx", EXPORT_XLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
        {"linelist", EXPORT_LINELIST, "text/csv; charset=utf-8", "csv"},
        {"epicontacts", EXPORT_EPICONTACTS, "text/csv; charset=utf-8", "csv"}};
    enum { FORMATS = sizeof formats / sizeof *formats };
    struct text format = request_query(r, "format"), titles = request_query(r, "titles");
    size_t i = 0;
    while (i < FORMATS && format.n && !text_is(format, formats[i].name)) i++;
    if (i == FORMATS) return error_set(err, E_INVALID, "format", "csv, xlsx, json, linelist or epicontacts / 应为 csv、xlsx、json、linelist 或 epicontacts");
    if (titles.n && !text_is(titles, "zh") && !text_is(titles, "en")) return error_set(err, E_INVALID, "titles", "zh or en / 应为 zh 或 en");
    x->columns = request_query(r, "columns");
    x->o = (struct export_options){.format = formats[i].format, .titles = titles.n > 0, .zh = text_is(titles, "zh"), .open = request_query_flag(r, "open"), .opened = looked, .opened_arg = x};
    x->o.columns = x->columns.n ? arena_printf(&r->arena, "%.*s", (int)x->columns.n, x->columns.s) : NULL;
    x->o.bom = x->o.format == EXPORT_CSV && (request_query(r, "bom").n ? request_query_flag(r, "bom") : x->o.titles);
    x->at.headless = text_is(request_query(r, "header"), "false");
    r->answer.type = formats[i].type;
    answer_header(r, "Content-Disposition",
                  arena_printf(&r->arena, "attachment; filename=\"%.*s.%s\"", (int)x->reg.n, x->reg.s, formats[i].ending));
    return x->columns.n && !x->o.columns ? error_memory(err) : 0;
}

static int params_of(struct request *r, struct stream *x, struct error *err) {
    x->params = arena_alloc(&r->arena, (r->n_query + 1) * sizeof *x->params);
    if (!x->params) return error_memory(err);
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
    if (!x) return error_memory(err);
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
    return x->n_looks ? request_call(r, journal_first, first_journalled, err) : 0;
}

const struct schema exports_schemas[] = {{0}};
const struct route exports_routes[] = {
    {.method = "GET",
     .path = "/api/v1/registers/{register}/export",
     .who = WHO_ACCOUNT,
     .run = export,
     .response = "text/csv;application/json;application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
     .headers = HEADER_PURPOSE | FIELD_FILTERS,
     .zh = "导出符合条件的全部记录(流式,以 after 续传);密封字段须 open=true 并说明目的,逐条记入流水",
     .en = "All records that the filters leave, streamed; goes on with after=ID. Sealed fields are left out but with open=true and a purpose; then each look is journalled.",
     .query = {{"format", "{\"type\":\"string\",\"enum\":[\"csv\",\"xlsx\",\"json\",\"linelist\",\"epicontacts\"]}", "格式,缺省 csv", "csv when left out"},
               {"titles", "{\"type\":\"string\",\"enum\":[\"zh\",\"en\"]}", "表头与代码用此语言的名称", "titles instead of names, codes as words"},
               {"columns", "{\"type\":\"string\"}", "列,逗号分隔", "columns, comma separated"},
               {"after", "{\"type\":\"string\"}", "续传:已有的最后一行的编号或号码", "go on after the row of this id or number"},
               {"header", "{\"type\":\"boolean\"}", "false 不要表头", "false: no line of headers"},
               {"bom", "{\"type\":\"boolean\"}", "字节序标记(Excel);有 titles 时缺省为 true", "byte order mark for Excel; true with titles when left out"},
               {"open", "{\"type\":\"boolean\"}", "连同密封字段(明文),须 Tocsin-Purpose", "with what is sealed, in the clear; needs Tocsin-Purpose"},
               {"where", "{\"type\":\"string\",\"maxLength\":4096}", "条件表达式", "a condition over the fields"},
               {"region", "{\"type\":\"string\"}", "区划及其下级,逗号分隔", "regions and what is below them, comma separated"},
               {"changed_since", "{\"type\":\"string\",\"format\":\"date-time\"}", "此时以后有变更", "changed since then"}}},
    {0},
};

/* Visits over HTTP: one scan, a batch, a stream; what there is; forgetting. */
#include <string.h>

#include "doors/http/inside.h"
#include "doors/http/scans.h"
#include "doors/http/write.h"

enum { BATCH_MAX = 20000, BATCH_BODY_MAX = 8 << 20, REFUSED_MAX = 100, LINE_BYTES_MAX = 16 << 10, STREAM_ROWS = 8192, CELL_BYTES = 24, CELLS_MAX = 64 };

struct refused {
    size_t index;
    struct error why;
};

struct sending {
    struct tracing_rows rows;
    size_t n;                  /* given */
    size_t n_refused;
    struct refused *refused;   /* the first REFUSED_MAX */
    struct arena *arena;
    bool single;
};

static int refuse_row(struct sending *x, size_t index, const struct error *why) {
    if (!x->refused && !(x->refused = arena_alloc(x->arena, REFUSED_MAX * sizeof *x->refused))) return E_MEMORY;
    if (x->n_refused < REFUSED_MAX) x->refused[x->n_refused] = (struct refused){index, *why};
    x->n_refused++;
    return 0;
}

/* A member as a cell: text as it is, whole numbers in decimal. */
static int cell_of(const json_t *j, char room[CELL_BYTES], struct text *ret, const char *name, struct error *err) {
    if (!j || json_is_null(j)) return *ret = (struct text){"", 0}, 0;
    if (json_is_string(j)) return *ret = (struct text){json_string_value(j), json_string_length(j)}, 0;
    if (!json_is_integer(j)) return error_set(err, E_INVALID, name, "is no text or whole number / 应为文本或整数");
    int n = snprintf(room, CELL_BYTES, "%lld", (long long)json_integer_value(j));
    *ret = (struct text){room, (size_t)n};
    return 0;
}

/* A word that is not known here may be a known one misspelled: an end that nobody reads makes a scan of a stay. */
static int only(json_t *j, const char *const *words, size_t n, struct error *err) {
    for (void *i = json_object_iter(j); i; i = json_object_iter_next(j, i)) {
        const char *key = json_object_iter_key(i);
        char where[80];
        size_t k = 0;
        while (k < n && strcmp(key, words[k])) k++;
        snprintf(where, sizeof where, "/%.70s", key);
        if (k == n) return error_set(err, E_UNKNOWN, where, "is not known here / 此处无此项");
    }
    return 0;
}

static int row_add(struct sending *x, const json_t *j, size_t index, struct error *err) {
    struct text cells[TRACING_COLUMNS];
    char room[TRACING_COLUMNS][CELL_BYTES];
    struct error why = {0};
    int rc = json_is_object(j) ? only((json_t *)j, tracing_words, TRACING_COLUMNS, &why) : error_set(&why, E_INVALID, "visit", "is no object / 应为对象");
    for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) rc = cell_of(json_object_get(j, tracing_words[c]), room[c], &cells[c], tracing_words[c], &why);
    int columns[TRACING_COLUMNS];
    for (int c = 0; rc == 0 && c < TRACING_COLUMNS; c++) columns[c] = cells[c].n ? c : -1; /* what is not said is no column */
    if (rc == 0) rc = tracing_rows_add(&x->rows, columns, cells, TRACING_COLUMNS, index, &why);
    x->n++;
    if (rc == 0) return 0;
    if (x->single || rc == E_MEMORY || rc == E_IO || rc == E_FULL) return error_set(err, rc, why.where, "%s", why.message);
    return refuse_row(x, index, &why) < 0 ? error_memory(err) : 0;
}

/* ---- a table as text: plain commas, quotes where they must be */

/* Cuts one line at its commas; quoted cells are unquoted in place. Returns how many, at most max: the last is then all that is left. */
static size_t cells_cut(char *s, char *end, struct text *out, size_t max) {
    size_t n = 0;
    while (n < max) {
        char *from = s, *to;
        if (n == max - 1) {
            s = to = end;
        } else if (s < end && *s == '"') {
            from = to = ++s;
            for (; s < end; s++) {
                if (*s == '"' && (s + 1 == end || s[1] != '"')) break;
                if (*s == '"') s++;
                *to++ = *s;
            }
            while (s < end && *s != ',') s++;
        } else {
            char *comma = memchr(s, ',', (size_t)(end - s));
            s = to = comma ? comma : end;
        }
        out[n++] = (struct text){from, (size_t)(to - from)};
        if (s >= end) break;
        s++;
    }
    return n;
}

static int table_row(struct sending *x, const int columns[TRACING_COLUMNS], char *s, char *end, size_t headers, size_t index, struct error *err) {
    struct text cells[CELLS_MAX], line = {s, (size_t)(end - s)};
    if (!text_utf8_valid(line) || memchr(s, 0, line.n)) return error_set(err, E_INVALID, "row", "is not UTF-8, or holds a NUL / 不是 UTF-8 编码,或有空字符");
    size_t n = cells_cut(s, end, cells, CELLS_MAX);
    int rc = tracing_row_whole(cells, n, headers, err);
    return rc < 0 ? rc : tracing_rows_add(&x->rows, columns, cells, n, index, err);
}

static int table_read(struct sending *x, char *s, size_t n, struct error *err) {
    struct text cells[CELLS_MAX];
    int columns[TRACING_COLUMNS], rc = 0;
    size_t headers = 0;
    char *end = s + n;
    if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) s += 3;
    for (size_t line = 0; rc == 0 && s < end; line++) {
        char *from = s, *stop = memchr(s, '\n', (size_t)(end - s));
        s = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (stop > from && stop[-1] == '\r') stop--;
        if (stop == from) continue;
        if (!headers) {
            if (!text_utf8_valid((struct text){from, (size_t)(stop - from)})) return error_set(err, E_SYNTAX, "body", "is not UTF-8 / 不是 UTF-8 编码");
            headers = cells_cut(from, stop, cells, CELLS_MAX);
            rc = headers < CELLS_MAX ? tracing_header(cells, headers, columns, err) : error_set(err, E_TOO_LARGE, "body", "more than %d columns / 超过 %d 列", CELLS_MAX - 1, CELLS_MAX - 1);
            continue;
        }
        struct error why = {0};
        if (x->n++ == BATCH_MAX) return error_set(err, E_TOO_LARGE, "body", "more than %d visits at once / 一次最多 %d 条", BATCH_MAX, BATCH_MAX);
        rc = table_row(x, columns, from, stop, headers, line - 1, &why);
        if (rc == E_MEMORY || rc == E_IO || rc == E_FULL) return error_set(err, rc, why.where, "%s", why.message);
        if (rc < 0) rc = refuse_row(x, line - 1, &why) < 0 ? error_memory(err) : 0;
    }
    return rc == 0 && !headers ? error_set(err, E_SYNTAX, "body", "the table is empty / 表为空") : rc;
}

/* ---- the answer */

static void put_refused(struct buf *b, const struct sending *x) {
    size_t n = x->n_refused < REFUSED_MAX ? x->n_refused : REFUSED_MAX;
    buf_printf(b, ",\"refused\":%zu,\"reasons\":[", x->n_refused);
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"index\":%zu,\"where\":", i ? "," : "", x->refused[i].index);
        json_put_string(b, text_of(x->refused[i].why.where));
        buf_str(b, ",\"message\":");
        json_put_string(b, text_of(x->refused[i].why.message));
        buf_char(b, '}');
    }
    buf_char(b, ']');
}

/* One row of a forgotten day is refused, the others are not. */
static int too_late(void *arg, size_t given) {
    struct error why = {0};
    error_set(&why, E_REFUSED, "start", "a day that is forgotten / 该日记录已按规定清除,不再接收");
    return refuse_row(arg, given, &why);
}

static int appended(struct request *r, struct error *err) {
    struct sending *x = r->state;
    size_t taken = x->rows.n, gone = 0;
    if (r->rc == E_REFUSED && !x->single) {
        struct error why = {0};
        int rc = tracing_rows_sift(&x->rows, too_late, x, &gone, &why);
        if (rc < 0 || gone) r->rc = rc;
        if (rc < 0) *err = why;
        if (rc == 0 && gone && x->rows.n) return scans_submit(r, x->rows.rows, x->rows.n, appended, err);
        taken = x->rows.n;
    }
    tracing_rows_clear(&x->rows);
    if (r->rc < 0) return r->rc;
    struct buf *b = answer_open(r, taken || !x->n ? 201 : 200);
    buf_printf(b, "{\"taken\":%zu", taken);
    put_refused(b, x);
    return buf_char(b, '}');
}

static int sending_new(struct request *r, struct sending **ret, struct error *err) {
    struct sending *x = r->state = arena_alloc(&r->arena, sizeof *x);
    struct ledger *l = NULL;
    if (!x) return error_memory(err);
    x->arena = &r->arena;
    int rc = tracing_may_append(http_catalog(r->server), &r->session, err);
    if (rc == 0) rc = http_visits(r->server, true, &x->rows.v, err);
    if (rc == 0) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    x->rows.l = l;
    tracing_how_of(l, r->now, &x->rows.how);
    x->rows.how.kinds = codelist_find(http_catalog(r->server), TEXT("place_kind")); /* a stream may outlive this reader */
    *ret = x;
    return 0;
}

static bool type_is(const struct request *r, const char *type) {
    const char *given = request_header(r, "Content-Type");
    size_t n = strlen(type);
    return given && !strncasecmp(given, type, n) && (!given[n] || given[n] == ';' || given[n] == ' ');
}

static int append(struct request *r, struct error *err) {
    struct sending *x = NULL;
    int rc = sending_new(r, &x, err);
    if (rc < 0) return rc;
    if (type_is(r, "text/csv")) {
        rc = table_read(x, r->body.s, r->body.n, err);
    } else if (type_is(r, "application/json")) {
        rc = request_parse_json(r, err);
        static const char *const batch[] = {"visits"};
        const json_t *list = rc == 0 && json_is_array(r->json) ? r->json : json_object_get(r->json, batch[0]);
        if (rc == 0 && list && list != r->json) rc = only(r->json, batch, 1, err);
        if (rc == 0 && !list) x->single = true, rc = row_add(x, r->json, 0, err);
        if (rc == 0 && list && !json_is_array(list)) rc = error_set(err, E_SYNTAX, "/visits", "is no array / 应为数组");
        if (rc == 0 && list && json_array_size(list) > BATCH_MAX) rc = error_set(err, E_TOO_LARGE, "/visits", "more than %d visits at once / 一次最多 %d 条", BATCH_MAX, BATCH_MAX);
        for (size_t i = 0; rc == 0 && list && i < json_array_size(list); i++) rc = row_add(x, json_array_get(list, i), i, err);
    } else {
        rc = error_set(err, E_UNSUPPORTED, "Content-Type", "application/json or text/csv / 应为 application/json 或 text/csv");
    }
    if (rc == 0 && x->rows.n) return scans_submit(r, x->rows.rows, x->rows.n, appended, err);
    if (rc == 0) return appended(r, err);
    tracing_rows_clear(&x->rows);
    return rc;
}

/* ---- a stream of lines, appended as they come */

struct streaming {
    struct sending sending;
    struct arena arena;
    struct buf line;
    size_t taken;
};

static void stream_drop(void *arg) {
    struct streaming *t = arg;
    tracing_rows_clear(&t->sending.rows);
    buf_clear(&t->line);
    arena_clear(&t->arena);
    mem_free(t);
}

int lines_begin(struct request *r, struct error *err) {
    struct streaming *t = mem_alloc(sizeof *t);
    struct sending *x = NULL;
    if (!t) return error_memory(err);
    r->answer.end = stream_drop;
    r->answer.arg = t;
    int rc = sending_new(r, &x, err);
    if (rc < 0) return rc;
    t->sending = *x;
    t->sending.arena = &t->arena;
    r->state = t;
    return 0;
}

static int stream_flush(struct streaming *t, struct error *err) {
    struct tracing_rows *x = &t->sending.rows;
    struct error own = {0};
    size_t gone = 1;
    int rc = x->n ? visits_append(x->v, x->rows, x->n, &own) : 0;
    while (rc == E_REFUSED && gone) {
        int sifted = tracing_rows_sift(x, too_late, &t->sending, &gone, &own);
        if (sifted < 0) rc = sifted;
        else if (gone) rc = x->n ? visits_append(x->v, x->rows, x->n, &own) : 0;
    }
    if (rc < 0 && err) *err = own;
    if (rc == 0) t->taken += t->sending.rows.n, t->sending.rows.n = 0;
    return rc;
}

static int stream_line(struct streaming *t, struct text line, struct error *err) {
    json_error_t why;
    struct error bad = {0};
    line = text_trim(line);
    if (!line.n) return 0;
    json_t *j = text_utf8_valid(line) ? json_loadb(line.s, line.n, JSON_REJECT_DUPLICATES, &why) : NULL;
    int rc = 0;
    if (j) {
        rc = row_add(&t->sending, j, t->sending.n, err);
    } else {
        error_set(&bad, E_SYNTAX, "line", "is no JSON that can be read here / JSON 格式有误");
        if (refuse_row(&t->sending, t->sending.n++, &bad) < 0) rc = error_memory(err);
    }
    json_decref(j);
    return rc == 0 && t->sending.rows.n >= STREAM_ROWS ? stream_flush(t, err) : rc;
}

int lines_piece(struct request *r, const char *bytes, size_t n, struct error *err) {
    struct streaming *t = r->answer.arg;
    int rc = 0;
    if (request_reader(r, &t->sending.rows.l, NULL) < 0) t->sending.rows.l = NULL; /* none is free: then no cards are asked */
    t->sending.rows.how.latest = http_now(r->server) + DAY_S; /* a stream may go on for days */
    while (rc == 0 && n) {
        const char *end = memchr(bytes, '\n', n);
        size_t k = end ? (size_t)(end - bytes) : n;
        if (t->line.n + k > LINE_BYTES_MAX) rc = error_set(err, E_TOO_LARGE, "line", "a line of more than %d bytes / 行过长", LINE_BYTES_MAX);
        if (rc < 0) break;
        if (!end || t->line.n) rc = buf_add(&t->line, bytes, k) < 0 ? error_memory(err) : 0;
        if (rc < 0 || !end) break;
        if (t->line.n) {
            rc = stream_line(t, buf_view(&t->line), err);
            buf_reset(&t->line);
        } else {
            rc = stream_line(t, (struct text){bytes, k}, err);
        }
        bytes += k + 1;
        n -= k + 1;
    }
    server_give_reader(r); /* the next piece may come on another thread, or never */
    return rc;
}

static int stream_end(struct request *r, struct error *err) {
    struct streaming *t = r->answer.arg;
    int rc = 0;
    if (request_reader(r, &t->sending.rows.l, NULL) < 0) t->sending.rows.l = NULL;
    if (t->line.n) rc = stream_line(t, buf_view(&t->line), err);
    if (rc == 0) rc = stream_flush(t, err);
    struct buf b = {0};
    buf_printf(&b, "{\"taken\":%zu", t->taken);
    put_refused(&b, &t->sending);
    buf_char(&b, '}');
    r->answer.end = NULL;
    stream_drop(t);
    if (rc == 0) rc = b.failed ? error_memory(err) : answer_text(r, 201, "application/json", buf_view(&b));
    buf_clear(&b);
    return rc;
}

/* ---- what there is, and forgetting */

static int status(struct request *r, struct error *err) {
    struct visits *v = NULL;
    struct visits_status s = {0};
    struct tracing_rules rules;
    struct ledger *l = NULL;
    char date[DAY_TEXT];
    uint64_t past = 0;
    int damaged = 0;
    int rc = tracing_may_append(http_catalog(r->server), &r->session, err);
    if (rc == 0) rc = http_visits(r->server, false, &v, err);
    if (rc == E_UNKNOWN) { /* none was ever recorded */
        *err = (struct error){0};
        return buf_str(answer_open(r, 200), "{\"visits\":0,\"buffered\":0,\"bytes\":0,\"persons\":0,\"places\":0,\"keep_days\":0,\"damaged\":0,\"past\":0,\"days\":[]}");
    }
    if (rc == 0) rc = visits_status(v, false, &s, err);
    if (rc == 0) rc = request_reader(r, &l, err);
    if (rc == 0) {
        tracing_rules(l, (struct text){"", 0}, r->now, &rules);
        struct buf *b = answer_open(r, 200);
        buf_printf(b, "{\"visits\":%llu,\"buffered\":%llu,\"bytes\":%llu,\"persons\":%u,\"places\":%u,\"keep_days\":%d,\"days\":[", (unsigned long long)(s.rows + s.buffered),
                   (unsigned long long)s.buffered, (unsigned long long)s.bytes, s.persons, s.places, rules.keep_days);
        for (size_t i = 0; i < s.n_days; i++) {
            day_format(s.days[i].day, date);
            damaged += s.days[i].damaged;
            if (s.days[i].day < day_of_instant(r->now, l->zone_s) - rules.keep_days) past += s.days[i].rows;
            buf_printf(b, "%s{\"day\":\"%s\",\"visits\":%llu,\"bytes\":%llu,\"files\":%d,\"damaged\":%s}", i ? "," : "", date, (unsigned long long)s.days[i].rows,
                       (unsigned long long)s.days[i].bytes, s.days[i].files, s.days[i].damaged ? "true" : "false");
        }
        buf_printf(b, "],\"damaged\":%d,\"past\":%llu}", damaged + s.log_damaged, (unsigned long long)past);
    }
    visits_status_clear(&s);
    return rc;
}

struct forgetting {
    struct visits *v;
    day from, until;
    uint64_t rows;
};

static int forget_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct forgetting *f = r->state;
    return tracing_forget(l, &r->session, f->v, f->from, f->until, &f->rows, &f->until, err);
}

static int forgotten(struct request *r, struct error *err) {
    const struct forgetting *f = r->state;
    char date[DAY_TEXT];
    (void)err;
    if (r->rc < 0) return r->rc;
    day_format(f->until, date);
    return buf_printf(answer_open(r, 200), "{\"before\":\"%s\",\"visits\":%llu}", date, (unsigned long long)f->rows);
}

static int forget(struct request *r, struct error *err) {
    struct forgetting *f = r->state = arena_alloc(&r->arena, sizeof *f);
    struct text before = {"", 0}, one = {"", 0};
    if (!f) return error_memory(err);
    *f = (struct forgetting){.from = DAY_MIN, .until = DAY_MIN};
    int rc = tracing_may_forget(http_catalog(r->server), &r->session, http_writer(r->server)->region, err);
    if (rc == 0 && r->json) rc = request_member(r, "before", false, &before, err);
    if (rc == 0 && r->json) rc = request_member(r, "day", false, &one, err);
    if (rc == 0 && before.n && one.n) rc = error_set(err, E_USAGE, "/day", "either before or day / before 与 day 只能取一");
    if (rc == 0 && before.n && !day_parse(before, &f->until)) rc = error_set(err, E_INVALID, "/before", "is no date / 不是日期");
    if (rc == 0 && one.n && !day_parse(one, &f->from)) rc = error_set(err, E_INVALID, "/day", "is no date / 不是日期");
    if (rc == 0 && one.n) f->until = f->from + 1;
    if (rc == 0) rc = http_visits(r->server, false, &f->v, err);
    return rc < 0 ? rc : request_call(r, forget_run, forgotten, err);
}

#define EITHER "{\"type\":[\"string\",\"integer\"]}"
const struct schema visits_schemas[] = {
    {"Visit", "{\"type\":\"object\",\"required\":[\"person\",\"place\",\"start\"],\"properties\":{\"person\":" EITHER ",\"place\":" EITHER ",\"start\":" EITHER ",\"end\":" EITHER ",\"class\":" STRING
              ",\"source\":" STRING ",\"confidence\":" WHOLE ",\"zone\":" WHOLE ",\"row\":" WHOLE "},\"description\":\"Times: ISO 8601 or seconds since 1970. Without an end it is a scan and lasts as the policy says.\"}"},
    {"Visits", "{\"oneOf\":[{\"$ref\":\"#/components/schemas/Visit\"},{\"type\":\"object\",\"required\":[\"visits\"],\"properties\":{\"visits\":{\"type\":\"array\",\"maxItems\":20000,\"items\":{"
               "\"$ref\":\"#/components/schemas/Visit\"}}}},{\"type\":\"array\",\"maxItems\":20000,\"items\":{\"$ref\":\"#/components/schemas/Visit\"}}]}"},
    {"VisitsTaken", "{\"type\":\"object\",\"required\":[\"taken\",\"refused\",\"reasons\"],\"properties\":{\"taken\":" WHOLE ",\"refused\":" WHOLE ",\"reasons\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                    "\"index\":" WHOLE ",\"where\":" STRING ",\"message\":" STRING "}}}}}"},
    {"VisitsStatus", "{\"type\":\"object\",\"required\":[\"visits\",\"days\"],\"properties\":{\"visits\":" WHOLE ",\"buffered\":" WHOLE ",\"bytes\":" WHOLE ",\"persons\":" WHOLE ",\"places\":" WHOLE
                     ",\"keep_days\":" WHOLE ",\"past\":{\"type\":\"integer\",\"description\":\"Visits of days that are kept for longer than keep_days.\"},\"damaged\":" WHOLE ",\"days\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"day\":" STRING ",\"visits\":" WHOLE ",\"bytes\":" WHOLE
                     ",\"files\":" WHOLE ",\"damaged\":{\"type\":\"boolean\"}}}}}}"},
    {"VisitsForget", "{\"type\":\"object\",\"properties\":{\"before\":{\"type\":\"string\",\"format\":\"date\"},\"day\":{\"type\":\"string\",\"format\":\"date\"}}}"},
    {"VisitsForgotten", "{\"type\":\"object\",\"required\":[\"before\",\"visits\"],\"properties\":{\"before\":" STRING ",\"visits\":" WHOLE "}}"},
    {0},
};

const struct route visits_routes[] = {
    {.method = "POST", .path = "/api/v1/visits", .who = WHO_ACCOUNT, .body = BODY_BYTES, .body_max = BATCH_BODY_MAX, .run = append, .request = "Visits", .response = "VisitsTaken", .status = 201, .headers = ROUTE_BUSY,
     .zh = "追加出入记录:一条或一批(JSON 或 CSV);落盘后才答复,不能接受的行逐条说明", .en = "Appends visits: one, or a batch as JSON or text/csv; answers when they are on disk; rows that cannot be taken come back with their reasons."},
    {.method = "POST", .path = "/api/v1/visits/stream", .who = WHO_ACCOUNT, .body = BODY_LINES, .body_max = (size_t)1 << 31, .run = stream_end, .request = "application/x-ndjson",
     .response = "VisitsTaken", .status = 201, .zh = "连续追加出入记录:一行一个 JSON,可分块传输", .en = "Appends visits as they come, a JSON object a line, chunked if need be; the answer counts what is on disk."},
    {.method = "GET", .path = "/api/v1/visits/status", .who = WHO_ACCOUNT, .run = status, .response = "VisitsStatus", .zh = "出入记录的数量、天数和损坏情况", .en = "How many visits of which days there are, and what is damaged."},
    {.method = "POST", .path = "/api/v1/visits/forget", .who = WHO_ACCOUNT, .body = BODY_JSON_MAYBE, .run = forget, .request = "VisitsForget", .response = "VisitsForgotten", .headers = HEADER_REASON,
     .zh = "清除出入记录:按方案的保存期限、某日之前或某一日;计入流水", .en = "Forgets visits by the retention of the policies in force, before a day, or of one day; journalled."},
    {0},
};

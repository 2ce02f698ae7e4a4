/* Sampling over HTTP: swabs one by one or in batches, tubes closed by hand, what a table needs to begin, and the round in numbers. The batch is taken row by row: what
 * may not be is refused by name, the rest is on disk when it is answered; sent again it is the same. */
#include <string.h>
#include <unistd.h>

#include "desks/testing/round.h"
#include "desks/testing/tube_sheet.h"
#include "doors/http/inside.h"
#include "doors/http/line.h"
#include "doors/http/write.h"

enum { SITES_MAX = 20000, PEOPLE_MAX = 1000, BODY_MAX = 2 << 20 };

/* ---- swabs */

struct taking {
    struct sampling_row *rows;
    int64_t *lines; /* of a typed sheet, or NULL */
    size_t n;
    instant sent_at;
};

static const char *const text_members[] = {"tube", "kind", "doc_type", "doc_no", "name", "phone", "sex", "birth", "address", "community", "guardian", "guardian_doc", "temporary"};

static struct text *text_of_member(struct sampling_row *r, size_t i) {
    struct text *const at[] = {&r->barcode, &r->kind, &r->doc_type, &r->doc_no, &r->name, &r->phone, &r->sex, &r->birth, &r->address, &r->community, &r->guardian, &r->guardian_doc, &r->temporary};
    return at[i];
}

/* An instant as text, or as seconds since 1970 of a year that can be written: what clocks are off by is added to it and taken off. */
static bool moment(const json_t *j, int32_t zone_s, instant *ret) {
    *ret = INSTANT_NONE;
    if (!j || json_is_null(j)) return true;
    if (!json_is_integer(j)) return json_is_string(j) && instant_parse(text_of(json_string_value(j)), zone_s, ret);
    *ret = json_integer_value(j);
    return *ret >= instant_of_day(DAY_MIN, zone_s) && *ret < instant_of_day(DAY_MAX, zone_s) + DAY_S;
}

static bool whole(const json_t *row, const json_t *all, const char *name, int64_t *ret) {
    const json_t *j = json_object_get(row, name);
    if (!j) j = json_object_get(all, name);
    *ret = json_integer_value(j);
    return !j || json_is_null(j) || json_is_integer(j);
}

/* A row says less than it may: what it leaves out, the whole says. Of what cannot be read the name stays in `bad`. */
static const char *read_row(const struct request *r, const json_t *j, const json_t *all, struct sampling_row *ret) {
    *ret = (struct sampling_row){.swabbed_at = INSTANT_NONE};
    if (!json_is_object(j)) return "swabs";
    for (size_t i = 0; i < sizeof text_members / sizeof *text_members; i++) {
        const json_t *v = json_object_get(j, text_members[i]);
        if (!v && i < 2) v = json_object_get(all, text_members[i]);
        if (!v || json_is_null(v)) continue;
        if (!json_is_string(v)) return text_members[i];
        *text_of_member(ret, i) = text_trim((struct text){json_string_value(v), json_string_length(v)});
    }
    ret->again = json_is_true(json_object_get(j, "again"));
    if (!whole(j, all, "table", &ret->table)) return "table";
    if (!whole(j, all, "round", &ret->round)) return "round";
    if (!whole(j, all, "size", &ret->size) || ret->size < 0 || ret->size > 20) return "size";
    if (!whole(j, NULL, "person", &ret->person) || ret->person < 0) return "person";
    if (!moment(json_object_get(j, "swabbed_at"), http_zone(r->server), &ret->swabbed_at)) return "swabbed_at";
    return NULL;
}

/* line: of a typed sheet; 0 none */
static void put_row(struct buf *b, const struct request *r, size_t i, int64_t line, const struct sampling_row *row) {
    static const char *const outcomes[] = {[OUTCOME_NONE] = "none", [OUTCOME_CREATED] = "created", [OUTCOME_CHANGED] = "changed", [OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_REJECTED] = "refused"};
    buf_printf(b, "%s{\"index\":%zu,\"outcome\":\"%s\"", i ? "," : "", i, row->reason || !row->swab ? "refused" : outcomes[row->swab->outcome]);
    if (line) buf_printf(b, ",\"line\":%lld", (long long)line);
    if (!row->reason && row->swab) {
        int64_t person = row->person ? row->person : row->of_person ? row->of_person->ret_id : 0;
        buf_printf(b, ",\"swab\":%lld,\"person\":%lld}", (long long)row->swab->ret_id, (long long)person);
        return;
    }
    char words[ERROR_MESSAGE_MAX + 200];
    error_words(row->error.code, row->error.message, r->zh, words, sizeof words);
    buf_printf(b, ",\"reason\":\"%s\"", sampling_words[row->reason]);
    json_put_text(b, "where", text_of(row->error.where));
    json_put_text(b, "message", text_of(words));
    buf_char(b, '}');
}

static int taken(struct request *r, struct error *err) {
    struct taking *t = r->state;
    struct ledger *l = NULL;
    size_t created = 0, unchanged = 0, refused = 0;
    if (r->rc < 0) return r->rc;
    sampling_judge(r->server->sampling, t->rows, t->n);
    for (size_t i = 0; i < t->n; i++) {
        refused += t->rows[i].reason != SAMPLING_NONE;
        created += !t->rows[i].reason && t->rows[i].swab->outcome == OUTCOME_CREATED;
        unchanged += !t->rows[i].reason && t->rows[i].swab->outcome == OUTCOME_UNCHANGED;
    }
    if (refused) {
        int rc = request_reader(r, &l, err);
        if (!rc) rc = sampling_explain(l, t->rows, t->n, &r->arena, err);
        if (rc < 0) return rc;
    }
    struct buf *b = answer_open(r, created ? 201 : 200);
    buf_printf(b, "{\"created\":%zu,\"unchanged\":%zu,\"refused\":%zu,\"rows\":[", created, unchanged, refused);
    for (size_t i = 0; i < t->n; i++) put_row(b, r, i, t->lines ? t->lines[i] : 0, &t->rows[i]);
    return buf_str(b, "]}") < 0 ? error_memory(err) : 0;
}

/* Who may record no swab anywhere is told so before anything is read. */
static int may_take(const struct request *r, struct error *err) {
    const struct register_decl *swab = register_find(http_catalog(r->server), TEXT("swab"));
    return swab && access_anywhere(&r->session, ACCESS_WRITE, swab) ? 0 : error_set(err, E_DENIED, "swab", "this account may not record swabs / 该账户无权登记采样");
}

static int drafts_of(struct ledger *l, struct request *r, struct draft ***ret, size_t *ret_n, struct error *err) {
    struct taking *t = r->state;
    return sampling_drafts(r->server->sampling, l, http_catalog(r->server), &r->session, t->sent_at, t->rows, t->n, &r->arena, ret, ret_n, err);
}

/* Whoever waits in the line: who their people are is asked together, then each goes to the queue. */
static void ask_all(struct ledger *l, struct request **list, size_t n) {
    struct sampling_batch batches[LINE_TOGETHER_MAX];
    struct arena a = {0};
    struct error why = {0};
    for (size_t i = 0; i < n; i++) {
        const struct taking *t = list[i]->state;
        batches[i] = (struct sampling_batch){t->rows, t->n};
    }
    int rc = ledger_refresh(l, &why);
    if (!rc) rc = sampling_who(l, batches, n, &a, &why);
    for (size_t i = 0; i < n; i++) {
        struct draft **drafts = NULL;
        struct error own = why;
        size_t k = 0;
        int one = rc < 0 ? rc : drafts_of(l, list[i], &drafts, &k, &own);
        if (one < 0 || !k) request_wake(list[i], one, &own);
        else request_hand_on(list[i], drafts, k);
    }
    arena_clear(&a);
}

int sampling_line_open(struct accounts *a, const struct ledger_options *o, struct line **ret, struct error *err) {
    return line_open(&(struct line_options){.accounts = a, .ledger = o, .ask = ask_all}, ret, err);
}

static int submit(struct request *r, instant sent_at, struct error *err) {
    struct taking *t = r->state;
    struct ledger *l = NULL;
    struct draft **drafts = NULL;
    size_t k = 0;
    t->sent_at = sent_at;
    if (sampling_asks(t->rows, t->n)) return line_up(r->server->sampling_line, r, taken, err);
    int rc = request_reader(r, &l, err);
    if (!rc) rc = drafts_of(l, r, &drafts, &k, err);
    if (rc < 0) return rc;
    return k ? request_submit(r, drafts, k, true, taken, err) : taken(r, err);
}

static int take(struct request *r, struct error *err) {
    const json_t *list = json_object_get(r->json, "swabs");
    size_t n = list ? json_array_size(list) : 1;
    struct taking *t = r->state = arena_alloc(&r->arena, sizeof *t);
    instant sent_at;
    if (list && (!json_is_array(list) || !n)) return error_set(err, E_INVALID, "/swabs", "an array of at least one swab / 应为至少一条的数组");
    if (n > SAMPLING_ROWS_MAX) return error_set(err, E_TOO_LARGE, "/swabs", "at most %d swabs at once / 一次最多 %d 条", SAMPLING_ROWS_MAX, SAMPLING_ROWS_MAX);
    if (!moment(json_object_get(r->json, "sent_at"), http_zone(r->server), &sent_at)) return error_set(err, E_INVALID, "/sent_at", "is no instant / 不是时间");
    int rc = may_take(r, err);
    if (rc < 0) return rc;
    if (t) t->rows = arena_alloc(&r->arena, n * sizeof *t->rows);
    if (!t || !t->rows) return error_memory(err);
    t->n = n;
    for (size_t i = 0; i < n; i++) {
        const char *bad = read_row(r, list ? json_array_get(list, i) : r->json, list ? r->json : NULL, &t->rows[i]);
        if (!bad) continue;
        t->rows[i].reason = SAMPLING_INVALID;
        error_set(&t->rows[i].error, E_INVALID, bad, "cannot be read: %s / 无法读取: %s", bad, bad);
    }
    return submit(r, sent_at, err);
}

/* ---- the paper fallback */

static int typed_rows(struct request *r, struct typed_sheet *sheet, struct error *err) {
    struct taking *t = r->state;
    int rc = 0;
    while ((rc = typed_sheet_next(sheet, &r->arena, &t->rows[t->n], &t->lines[t->n], NULL, NULL, err)) > 0)
        if (++t->n == SAMPLING_ROWS_MAX) return error_set(err, E_TOO_LARGE, "sheet", "fewer than %d rows at once: send the rest by itself / 一次须少于 %d 行, 其余另行提交", SAMPLING_ROWS_MAX, SAMPLING_ROWS_MAX);
    return rc ? rc : t->n ? 0 : error_set(err, E_INVALID, "sheet", "the sheet names nobody / 表中没有人员");
}

static int typed(struct request *r, struct error *err) {
    struct taking *t = r->state = arena_alloc(&r->arena, sizeof *t);
    struct typed_usual u = {.zone_s = http_zone(r->server)};
    struct typed_sheet *sheet = NULL;
    struct text on = request_query(r, "day");
    char path[REQUEST_PATH];
    int fd = -1;
    u.on = u.today = day_of_instant(r->now, u.zone_s);
    int rc = may_take(r, err);
    if (!rc) rc = request_query_int(r, "table", 1, INT64_MAX, 0, &u.table, err);
    if (!rc) rc = request_query_int(r, "round", 1, INT64_MAX, 0, &u.round, err);
    if (!rc) rc = request_query_int(r, "size", 1, 20, 0, &u.size, err);
    if (!rc && on.n && !day_parse(on, &u.on)) rc = error_set(err, E_INVALID, "day", "is no date / 不是日期");
    if (rc < 0) return rc;
    if (t) t->rows = arena_alloc(&r->arena, SAMPLING_ROWS_MAX * sizeof *t->rows), t->lines = arena_alloc(&r->arena, SAMPLING_ROWS_MAX * sizeof *t->lines);
    if (!t || !t->rows || !t->lines) return error_memory(err);
    rc = request_body_file(r, &fd, path, err);
    if (!rc) rc = typed_sheet_open(path, &u, &sheet, err);
    if (!rc) rc = typed_rows(r, sheet, err);
    typed_sheet_close(sheet);
    if (fd >= 0) close(fd);
    return rc < 0 ? rc : submit(r, INSTANT_NONE, err);
}

static int give_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    return tube_sheets_give(l, &r->session, r->state, err);
}

static int given(struct request *r, struct error *err) {
    const struct tube_sheets *t = r->state;
    if (r->rc < 0) return r->rc;
    struct buf *b = answer_open(r, 201);
    buf_printf(b, "{\"round\":%lld,\"table\":%lld,\"size\":%lld,\"numbers\":[", (long long)t->round, (long long)t->table, (long long)t->size);
    for (int64_t i = 0; i < t->count; i++) buf_printf(b, "%s\"%s\"", i ? "," : "", t->numbers[i]);
    return buf_str(b, "]}") < 0 ? error_memory(err) : 0;
}

static int give(struct request *r, struct error *err) {
    struct tube_sheets *t = r->state = arena_alloc(&r->arena, sizeof *t);
    if (!t) return error_memory(err);
    int rc = request_member_id(r, "round", true, &t->round, err);
    if (!rc) rc = request_member_id(r, "table", true, &t->table, err);
    t->count = json_integer_value(json_object_get(r->json, "count"));
    return rc < 0 ? rc : request_call(r, give_run, given, err);
}

static int print(struct request *r, struct error *err) {
    struct tube_sheets *t = arena_alloc(&r->arena, sizeof *t);
    struct ledger *l = NULL;
    if (!t) return error_memory(err);
    int rc = request_query_int(r, "round", 1, INT64_MAX, 0, &t->round, err);
    if (!rc) rc = request_query_int(r, "table", 1, INT64_MAX, 0, &t->table, err);
    if (!rc) rc = request_query_int(r, "from", 1, 1000000, 1, &t->again, err);
    if (!rc) rc = request_query_int(r, "count", 1, TUBE_SHEETS_MAX, 1, &t->count, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tube_sheets_give(l, &r->session, t, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    r->answer.type = "application/pdf";
    return tube_sheets_pdf(t, r->zh, r->now, l->zone_s, b, err);
}

/* ---- a tube that is not full */

struct closing {
    struct text barcode;
    instant at;
    int64_t table, swabs;
};

static int close_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct closing *c = r->state;
    return sampling_close(l, &r->session, c->barcode, c->table, c->at, &c->swabs, err);
}

static int closed(struct request *r, struct error *err) {
    const struct closing *c = r->state;
    if (r->rc < 0) return r->rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"barcode\":");
    json_put_string(b, c->barcode);
    return buf_printf(b, ",\"swabs\":%lld}", (long long)c->swabs) < 0 ? error_memory(err) : 0;
}

static int close_tube(struct request *r, struct error *err) {
    struct closing *c = r->state = arena_alloc(&r->arena, sizeof *c);
    if (!c) return error_memory(err);
    instant sent_at;
    c->barcode = request_param(r, "barcode");
    if (!whole(r->json, NULL, "table", &c->table) || c->table < 0) return error_set(err, E_INVALID, "/table", "is no id / 不是编号");
    if (!moment(json_object_get(r->json, "sent_at"), http_zone(r->server), &sent_at)) return error_set(err, E_INVALID, "/sent_at", "is no instant / 不是时间");
    if (!moment(json_object_get(r->json, "closed_at"), http_zone(r->server), &c->at)) return error_set(err, E_INVALID, "/closed_at", "is no instant / 不是时间");
    c->at = sampling_moment(c->at, sent_at, r->now);
    return request_call(r, close_run, closed, err);
}

/* ---- a round in numbers */

static int round_asked(struct request *r, struct ledger **l, int64_t *round, struct text *street, struct error *err) {
    int rc = request_id(r, "id", round, err);
    if (!rc) rc = request_query_region(r, "street", street, err);
    return rc ? rc : request_reader(r, l, err);
}

static void put_rate(struct buf *b, const char *name, double over, double under) {
    if (under > 0) buf_printf(b, ",\"%s\":%.5f", name, over / under);
}

/* What nobody can say is left out. */
static void put_rates(struct buf *b, const struct round_figures *f, instant now, int32_t zone_s) {
    double planned, needed;
    round_pace(f, now, &planned, &needed);
    buf_printf(b, ",\"last_hour\":%lld", (long long)f->last_hour);
    put_rate(b, "coverage", (double)f->people, (double)f->target);
    put_rate(b, "positivity", (double)f->positive_tubes, (double)f->tested);
    if (f->starts_at != INSTANT_NONE) json_put_moment(b, "starts_at", f->starts_at, zone_s);
    if (f->ends_at != INSTANT_NONE) json_put_moment(b, "ends_at", f->ends_at, zone_s);
    if (planned >= 0) buf_printf(b, ",\"planned_per_hour\":%.0f", planned);
    if (needed >= 0) buf_printf(b, ",\"needed_per_hour\":%.0f", needed);
}

static int figures(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text street;
    struct round_figures f;
    int64_t round = 0;
    instant until = INSTANT_NONE;
    day on;
    struct text word = request_query(r, "day");
    int rc = round_asked(r, &l, &round, &street, err);
    if (!rc && word.n && !day_parse(word, &on)) rc = error_set(err, E_INVALID, "day", "is no date / 不是日期");
    if (!rc && word.n) until = instant_of_day(on + 1, l->zone_s);
    if (!rc) rc = round_figures_of(l, &r->session, round, street, until, &f, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_printf(b, "{\"round\":%lld,\"target\":%lld,\"swabs\":%lld,\"people\":%lld,\"tubes\":%lld,\"tubes_open\":%lld,\"tubes_spoiled\":%lld,\"received\":%lld,\"tested\":%lld,\"released\":%lld,"
                  "\"positive_tubes\":%lld,\"positive\":%lld,\"recalled\":%lld,\"decided\":%lld",
               (long long)round, (long long)f.target, (long long)f.swabs, (long long)f.people, (long long)f.tubes, (long long)f.tubes_open, (long long)f.tubes_spoiled, (long long)f.received,
               (long long)f.tested, (long long)f.released, (long long)f.positive_tubes, (long long)f.people_positive, (long long)f.people_recalled, (long long)f.people_decided);
    put_rates(b, &f, until == INSTANT_NONE ? r->now : until, l->zone_s);
    buf_str(b, ",\"stages\":{");
    for (int k = 0; k < ROUND_STAGES; k++)
        buf_printf(b, "%s\"%s\":{\"n\":%lld,\"p50_s\":%lld,\"p90_s\":%lld}", k ? "," : "", round_stage_words[k], (long long)f.stages[k].n, (long long)f.stages[k].p50_s, (long long)f.stages[k].p90_s);
    return buf_str(b, "}}") < 0 ? error_memory(err) : 0;
}

static int sites(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct round_site *list = NULL;
    struct text street;
    size_t n = 0;
    int64_t round = 0, limit = 0;
    int rc = round_asked(r, &l, &round, &street, err);
    if (!rc) rc = request_query_int(r, "limit", 1, SITES_MAX, 200, &limit, err);
    if (!rc) rc = round_sites(l, &r->session, round, (size_t)limit, &r->arena, &list, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"sites\":[");
    for (size_t i = 0; i < n; i++) {
        const struct round_site *x = &list[i];
        double wait;
        buf_printf(b, "%s{\"site\":%lld,\"swabs\":%lld,\"last_hour\":%lld,\"tables\":%lld", i ? "," : "", (long long)x->site, (long long)x->swabs, (long long)x->last_hour, (long long)x->tables);
        json_put_text(b, "title", x->title);
        json_put_text(b, "region", x->region);
        if (x->point.n) json_put_text(b, "point", x->point);
        buf_printf(b, ",\"open\":%s,\"queue\":\"%s\"", x->open ? "true" : "false", round_queue_words[round_queue_of(x, r->now, &wait)]);
        if (x->waiting >= 0) buf_printf(b, ",\"waiting\":%lld", (long long)x->waiting);
        if (x->wait_min >= 0) buf_printf(b, ",\"wait_minutes\":%lld", (long long)x->wait_min);
        if (x->reported_at != INSTANT_NONE) json_put_moment(b, "reported_at", x->reported_at, l->zone_s);
        buf_char(b, '}');
    }
    return buf_str(b, "]}") < 0 ? error_memory(err) : 0;
}

static int hours(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text street;
    int64_t *counts = arena_alloc(&r->arena, ROUND_HOURS_MAX * sizeof *counts), round = 0, site = 0;
    instant from = INSTANT_NONE;
    size_t n = 0;
    if (!counts) return error_memory(err);
    int rc = round_asked(r, &l, &round, &street, err);
    if (!rc) rc = request_query_int(r, "site", 0, INT64_MAX, 0, &site, err);
    if (!rc) rc = round_hours(l, &r->session, round, site, &from, counts, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"hours\":[");
    for (size_t i = 0; i < n; i++) buf_printf(b, "%s%lld", i ? "," : "", (long long)counts[i]);
    buf_char(b, ']');
    if (from != INSTANT_NONE) json_put_moment(b, "from", from, l->zone_s);
    return buf_char(b, '}') < 0 ? error_memory(err) : 0;
}

static int coverage(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct round_row *list = NULL;
    struct text street;
    size_t n = 0;
    int64_t round = 0;
    int rc = round_asked(r, &l, &round, &street, err);
    if (!rc) rc = round_coverage(l, &r->session, round, street, request_query_flag(r, "buildings"), &r->arena, &list, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"rows\":[");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s{\"people\":%lld", i ? "," : "", (long long)list[i].people);
        json_put_text(b, "street", list[i].street);
        json_put_text(b, "community", list[i].community);
        for (int k = 0; k < ROUND_WHYS; k++) buf_printf(b, ",\"%s\":%lld", round_why_words[k], (long long)list[i].of[k]);
        buf_char(b, '}');
    }
    return buf_str(b, "]}") < 0 ? error_memory(err) : 0;
}

static int people(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text street, word = request_query(r, "why");
    int64_t *ids = arena_alloc(&r->arena, PEOPLE_MAX * sizeof *ids), round = 0, after = 0, limit = 0;
    size_t n = 0;
    int why = word.n ? ROUND_WHYS : WHY_MISSING;
    if (!ids) return error_memory(err);
    for (int k = 0; k < ROUND_WHYS; k++)
        if (text_is(word, round_why_words[k])) why = k;
    int rc = round_asked(r, &l, &round, &street, err);
    if (!rc && why == ROUND_WHYS) rc = error_set(err, E_INVALID, "why", "is no reason known here / 没有此原因");
    if (!rc) rc = request_query_int(r, "after", 0, INT64_MAX, 0, &after, err);
    if (!rc) rc = request_query_int(r, "limit", 1, PEOPLE_MAX, 200, &limit, err);
    struct text community = request_query(r, "community");
    if (!community.n) community.s = request_query_flag(r, "no_building") ? "" : NULL;
    if (!rc) rc = round_people(l, &r->session, round, street, community, (enum round_why)why, after, (size_t)limit, ids, &n, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"people\":[");
    for (size_t i = 0; i < n; i++) buf_printf(b, "%s%lld", i ? "," : "", (long long)ids[i]);
    buf_char(b, ']');
    if (n == (size_t)limit) buf_printf(b, ",\"next\":%lld", (long long)ids[n - 1]);
    return buf_char(b, '}') < 0 ? error_memory(err) : 0;
}

#define MOMENT "{\"type\":[\"string\",\"integer\"]}"
#define SPAN "{\"type\":\"object\",\"required\":[\"n\",\"p50_s\",\"p90_s\"],\"properties\":{\"n\":" WHOLE ",\"p50_s\":" WHOLE ",\"p90_s\":" WHOLE "}}"
#define PERSON_PROPERTIES "\"tube\":" STRING ",\"kind\":" STRING ",\"size\":" WHOLE ",\"table\":" WHOLE ",\"round\":" WHOLE ",\"swabbed_at\":" MOMENT ",\"again\":{\"type\":\"boolean\"},\"person\":" WHOLE \
    ",\"doc_type\":" STRING ",\"doc_no\":" STRING ",\"name\":" STRING ",\"phone\":" STRING ",\"sex\":" STRING ",\"birth\":" STRING ",\"address\":" STRING ",\"community\":" STRING ",\"guardian\":" STRING \
    ",\"guardian_doc\":" STRING ",\"temporary\":" STRING
const struct schema sampling_schemas[] = {
    {"SwabTaken", "{\"type\":\"object\",\"properties\":{" PERSON_PROPERTIES "},\"description\":\"Who: person (an id), or doc_no, or temporary (a number given to somebody without papers), or guardian_doc with "
                  "the child's name. What a row leaves out of tube, kind, size, table and round, the batch says. again: swabbed again in this round, after a recall or a spoiled tube.\"}"},
    {"SwabsTaken", "{\"type\":\"object\",\"properties\":{\"sent_at\":" MOMENT ",\"swabs\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":500,\"items\":{\"$ref\":\"#/components/schemas/SwabTaken\"}}," PERSON_PROPERTIES
                   "},\"description\":\"One swab, or a batch. sent_at: the device's clock when it sent; what it is off by is taken off every swabbed_at.\"}"},
    {"SwabsAnswer", "{\"type\":\"object\",\"required\":[\"created\",\"unchanged\",\"refused\",\"rows\"],\"properties\":{\"created\":" WHOLE ",\"unchanged\":" WHOLE ",\"refused\":" WHOLE
                    ",\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"index\",\"outcome\"],\"properties\":{\"index\":" WHOLE ",\"line\":" WHOLE ",\"outcome\":" STRING ",\"swab\":" WHOLE ",\"person\":" WHOLE
                    ",\"reason\":" STRING ",\"where\":" STRING ",\"message\":" STRING "}}}}}"},
    {"TubeSheetsAsked", "{\"type\":\"object\",\"required\":[\"round\",\"table\",\"count\"],\"properties\":{\"round\":" WHOLE ",\"table\":" WHOLE ",\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":200}}}"},
    {"TubeSheets", "{\"type\":\"object\",\"required\":[\"numbers\"],\"properties\":{\"round\":" WHOLE ",\"table\":" WHOLE ",\"size\":" WHOLE ",\"numbers\":{\"type\":\"array\",\"items\":" STRING "}}}"},
    {"TubeClosing", "{\"type\":\"object\",\"properties\":{\"table\":" WHOLE ",\"closed_at\":" MOMENT ",\"sent_at\":" MOMENT "},\"description\":\"table: whose tube it is believed to be; another table's is not closed. closed_at: when it was closed, when that is told late; now without it. sent_at: the device's clock when it sent.\"}"},
    {"TubeClosed", "{\"type\":\"object\",\"required\":[\"barcode\",\"swabs\"],\"properties\":{\"barcode\":" STRING ",\"swabs\":" WHOLE "}}"},
    {"RoundFigures", "{\"type\":\"object\",\"required\":[\"round\",\"target\",\"swabs\",\"people\",\"tubes\",\"tubes_open\",\"tubes_spoiled\",\"received\",\"tested\",\"released\",\"positive_tubes\",\"positive\",\"recalled\",\"decided\",\"last_hour\",\"stages\"],\"properties\":{\"round\":" WHOLE ",\"target\":" WHOLE ",\"swabs\":" WHOLE ",\"people\":" WHOLE ",\"tubes\":" WHOLE
                     ",\"tubes_open\":" WHOLE ",\"tubes_spoiled\":" WHOLE ",\"received\":" WHOLE ",\"tested\":" WHOLE ",\"released\":" WHOLE ",\"positive_tubes\":" WHOLE ",\"positive\":" WHOLE ",\"recalled\":" WHOLE
                     ",\"decided\":" WHOLE ",\"last_hour\":" WHOLE ",\"coverage\":" NUMBER ",\"positivity\":" NUMBER ",\"starts_at\":" STRING ",\"ends_at\":" STRING ",\"planned_per_hour\":" NUMBER ",\"needed_per_hour\":" NUMBER ",\"stages\":{\"type\":\"object\",\"required\":[\"fill\",\"ship\",\"test\",\"release\",\"whole\"],\"properties\":{\"fill\":" SPAN ",\"ship\":" SPAN ",\"test\":" SPAN ",\"release\":" SPAN ",\"whole\":" SPAN "}}}}"},
    {"RoundSites", "{\"type\":\"object\",\"required\":[\"sites\"],\"properties\":{\"sites\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"site\",\"title\",\"region\",\"open\",\"queue\",\"swabs\",\"last_hour\",\"tables\"],\"properties\":{\"site\":" WHOLE ",\"title\":" STRING ",\"region\":" STRING
                   ",\"point\":" STRING ",\"open\":{\"type\":\"boolean\"},\"queue\":{\"enum\":[\"unknown\",\"free\",\"busy\",\"jammed\"]},\"swabs\":" WHOLE ",\"last_hour\":" WHOLE ",\"tables\":" WHOLE ",\"waiting\":" WHOLE ",\"wait_minutes\":" WHOLE ",\"reported_at\":" STRING "}}}}}"},
    {"RoundHours", "{\"type\":\"object\",\"required\":[\"hours\"],\"properties\":{\"from\":" STRING ",\"hours\":{\"type\":\"array\",\"items\":" WHOLE "}}}"},
    {"RoundCoverage", "{\"type\":\"object\",\"required\":[\"rows\"],\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"street\",\"community\",\"people\",\"swabbed\",\"away\",\"isolated\",\"medical\",\"refused\",\"elsewhere\",\"other\",\"missing\"],\"properties\":{\"street\":" STRING ",\"community\":" STRING ",\"people\":" WHOLE
                      ",\"swabbed\":" WHOLE ",\"away\":" WHOLE ",\"isolated\":" WHOLE ",\"medical\":" WHOLE ",\"refused\":" WHOLE ",\"elsewhere\":" WHOLE ",\"other\":" WHOLE ",\"missing\":" WHOLE "}}}}}"},
    {"RoundPeople", "{\"type\":\"object\",\"required\":[\"people\"],\"properties\":{\"people\":{\"type\":\"array\",\"items\":" WHOLE "},\"next\":" WHOLE "}}"},
    {0},
};

#define STREET {"street", STRING, "街道或地区,含下级", "a street, or any region with what is below it"}
const struct route sampling_routes[] = {
    {.method = "POST", .path = "/api/v1/sampling/swabs", .who = WHO_ACCOUNT, .body = BODY_JSON, .body_max = BODY_MAX, .run = take, .request = "SwabsTaken", .response = "SwabsAnswer", .status = 201,
     .headers = ROUTE_BUSY | ROUTE_AGAIN, .zh = "登记采样:一条或一批,逐条答复;重复发送不重复登记;不认识的人同时建档", .en = "Records swabs, one or a batch, an answer each; sent again they are the same; somebody unknown is recorded with the swab."},
    {.method = "POST", .path = "/api/v1/sampling/sheets", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = give, .request = "TubeSheetsAsked", .response = "TubeSheets", .status = 201,
     .zh = "为一台一轮的纸质采样单发管码,发过不再发", .en = "Gives tube numbers for the paper sheets of a table in a round; none is given twice."},
    {.method = "GET", .path = "/api/v1/sampling/sheets", .who = WHO_ACCOUNT, .run = print, .headers = ROUTE_ASIDE, .response = "application/pdf",
     .zh = "打印已发管码的采样登记单 (PDF):一管一张,条码与二维码", .en = "The sheets of numbers that were given, as PDF: one a tube, with bar and QR code.",
     .query = {{"round", WHOLE, "轮次", "the round"}, {"table", WHOLE, "采样台", "the table"}, {"from", WHOLE, "自此号起,缺省 1", "from this one on; 1 without it"}, {"count", WHOLE, "张数,缺省 1", "how many; 1 without it"}}},
    {.method = "POST", .path = "/api/v1/sampling/sheets/typed", .who = WHO_ACCOUNT, .body = BODY_BYTES, .body_max = BODY_MAX, .run = typed, .request = "text/csv", .response = "SwabsAnswer", .status = 201,
     .zh = "补录填好的采样单 (CSV 或 XLSX),逐行答复;重复补录不重复登记", .en = "Takes in a sheet that was filled in and typed up (CSV or XLSX), an answer a row; told twice it changes nothing.",
     .query = {{"table", WHOLE, "采样台,缺省按管码", "the table; as the number says without it"}, {"round", WHOLE, "轮次,缺省按管码", "the round; as the number says without it"}, {"size", WHOLE, "每管人数", "swabs to a tube"},
               {"day", STRING, "只有时刻的采样时间所在日,缺省今日", "the day of times without a date; today without it"}}},
    {.method = "POST", .path = "/api/v1/sampling/tubes/{barcode}/close", .who = WHO_ACCOUNT, .body = BODY_JSON_MAYBE, .run = close_tube, .request = "TubeClosing", .response = "TubeClosed",
     .zh = "未满的管封管,记入实装人数", .en = "Closes a tube that is not full, with the number of its swabs."},
    {.method = "GET", .path = "/api/v1/sampling/rounds/{id}/figures", .who = WHO_ACCOUNT, .run = figures, .response = "RoundFigures", .headers = ROUTE_ASIDE,
     .zh = "一轮的数据:人次、人数、管数、阳性、各环节用时", .en = "A round in figures: person-times, people, tubes, positives, medians of the stages.",
     .query = {STREET, {"day", STRING, "统计日:截至该日 24 时", "a statistics day: as of its 24:00"}}},
    {.method = "GET", .path = "/api/v1/sampling/rounds/{id}/sites", .who = WHO_ACCOUNT, .run = sites, .response = "RoundSites", .headers = ROUTE_ASIDE,
     .zh = "各采样点:人次、近一小时、排队", .en = "Sites of a round: swabs, the last hour, the queue.", .query = {STREET, {"limit", WHOLE, "最多个数", "how many"}}},
    {.method = "GET", .path = "/api/v1/sampling/rounds/{id}/hours", .who = WHO_ACCOUNT, .run = hours, .response = "RoundHours", .headers = ROUTE_ASIDE,
     .zh = "逐小时采样人次", .en = "Swabs of each hour.", .query = {STREET, {"site", WHOLE, "采样点", "one site"}}},
    {.method = "GET", .path = "/api/v1/sampling/rounds/{id}/coverage", .who = WHO_ACCOUNT, .run = coverage, .response = "RoundCoverage", .headers = ROUTE_ASIDE,
     .zh = "各街道(楼栋)应检、已采、未采及原因", .en = "People of each street or building: swabbed, with a reason, missing.", .query = {STREET, {"buildings", "{\"type\":\"boolean\"}", "按楼栋", "by building"}}},
    {.method = "GET", .path = "/api/v1/sampling/rounds/{id}/people", .who = WHO_ACCOUNT, .run = people, .response = "RoundPeople", .headers = ROUTE_ASIDE,
     .zh = "未采(或某原因)人员", .en = "The people missing, or of another reason.",
     .query = {STREET, {"community", STRING, "楼栋", "a building"}, {"no_building", "{\"type\":\"boolean\"}", "未登记楼栋的人", "those of no building"}, {"why", STRING, "原因,缺省 missing", "the reason; missing without it"}, {"after", WHOLE, "上一页的 next", "next of the page before"}, {"limit", WHOLE, "最多人数", "how many"}}},
    {0},
};

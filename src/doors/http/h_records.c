/* Records of any register: made, shown, changed, moved, many at once, their history. */
#include <string.h>

#include "desks/doubles.h"
#include "desks/person.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"
#include "doors/http/write.h"
#include "ledger/table.h"
#include "ledger/why.h"

enum { BATCH_ROWS_MAX = 2000, BATCH_BODY_MAX = 16 << 20 };

static const char *const outcomes[] = {[OUTCOME_NONE] = "none",           [OUTCOME_CREATED] = "created", [OUTCOME_CHANGED] = "changed",
                                       [OUTCOME_UNCHANGED] = "unchanged", [OUTCOME_REMOVED] = "removed", [OUTCOME_REJECTED] = "rejected"};

/* ---- one record */

/* By id when it is a number, else by its own number or outside key. */
static int read_one(struct request *r, struct ledger *l, struct record *ret, struct error *err) {
    const struct register_decl *reg = register_find(l->catalog, request_param(r, "register"));
    struct text word = request_param(r, "id");
    int64_t id;
    if (!reg) return error_set(err, E_UNKNOWN, "register", "there is no such register / 没有该登记册");
    if (word.n < 20 && text_int(word, &id)) return record_get(l, l->db, &r->session, reg, id, &r->arena, ret, err);
    return record_by_number(l, l->db, &r->session, reg, word, &r->arena, ret, err);
}

static int put_record(struct request *r, int status, const struct record *record, struct error *err) {
    struct buf *b = answer_open(r, status);
    answer_etag(r, record->version);
    represent_record(b, record, http_zone(r->server), NULL);
    return b->failed ? error_set(err, b->failed, NULL, "the record is too large to show") : 0;
}

static int show(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct record record = {0};
    int rc = request_reader(r, &l, err);
    if (!rc) rc = read_one(r, l, &record, err);
    if (rc < 0) return rc;
    char etag[24];
    snprintf(etag, sizeof etag, "\"%d\"", (int)record.version);
    bool open = r->session.purpose.n > 0;
    if (!open && request_has_etag(r, etag)) {
        answer_etag(r, record.version);
        return answer_empty(r, 304);
    }
    bool sealed = false;
    for (size_t i = 0; i < record.reg->n_fields && open; i++) sealed = sealed || record.values[i].kind == VALUE_BLOB;
    if (!sealed) return put_record(r, 200, &record, err);
    rc = record_open(l, l->db, &r->session, &record, &r->arena, err);
    if (!rc) rc = put_record(r, 200, &record, err);
    struct look *look = arena_alloc(&r->arena, sizeof *look);
    if (!look) return error_memory(err);
    if (rc < 0) return rc;
    *look = (struct look){register_find(http_catalog(r->server), record.reg->name), record.id};
    return request_looked(r, look, 1, err);
}

/* ---- writing one */

static struct draft *draft_for(struct request *r, enum draft_verb verb, struct error *err) {
    const struct register_decl *reg = NULL;
    if (request_register(r, &reg, err) < 0) return NULL;
    struct draft *d = draft_new(&r->arena, reg, verb);
    if (!d) error_memory(err);
    return d;
}

/* A record that this one is probably the same as, of those its writer may see: told, never refused. */
static int put_double_of(struct request *r, int64_t id, struct text number, const struct similar *rule) {
    struct buf *b = &r->answer.body;
    buf_printf(b, ",\"double\":{\"id\":%lld,\"number\":", (long long)id);
    json_put_string(b, number);
    buf_str(b, ",\"why\":");
    json_put_string(b, r->zh ? rule->zh : rule->en);
    buf_char(b, '}');
    return 0;
}

static int put_double(const struct double_pair *p, void *arg) {
    return put_double_of(arg, p->earlier->id, p->earlier->number, p->rule);
}

/* A person recorded anew whose document another one has. */
static int tell_same_document(struct request *r, const struct draft *d, struct error *err) {
    struct ledger *l = NULL;
    struct person_twin twin;
    int rc = request_reader(r, &l, err);
    if (rc == 0) rc = person_same_document(l, l->db, &r->session, d->ret_id, &r->arena, &twin, err);
    return rc > 0 ? put_double_of(r, twin.person, twin.number, &person_same_words) : rc;
}

/* The writer has said whether there is one; an answer given again is looked up again. */
static int tell_double(struct request *r, const struct draft *d, struct error *err) {
    struct ledger *l = NULL;
    if (d->outcome == OUTCOME_CREATED && text_is(d->reg->name, "person")) return tell_same_document(r, d, err);
    if (!d->reg->n_similar || d->outcome == OUTCOME_UNCHANGED || (!d->ret_similar && !r->submission.answered)) return 0;
    int rc = request_reader(r, &l, err);
    return rc < 0 ? rc : doubles_of(l, l->db, &r->session, register_find(l->catalog, d->reg->name), d->ret_id, 1, put_double, r, err);
}

/* What a write answers: id, version and outcome; the whole record for "Prefer: return=representation". */
static int written(struct request *r, struct error *err) {
    const struct draft *d = r->submission.drafts[0];
    const char *prefer = request_header(r, "Prefer");
    int status = d->outcome == OUTCOME_CREATED ? 201 : 200;
    if (r->rc < 0) return r->rc;
    char *location = status == 201 ? arena_alloc(&r->arena, 128) : NULL;
    if (location) {
        snprintf(location, 128, "/api/v1/registers/%.*s/records/%lld", (int)d->reg->name.n, d->reg->name.s, (long long)d->ret_id);
        answer_header(r, "Location", location);
    }
    if (prefer && strstr(prefer, "return=representation")) {
        struct ledger *l = NULL;
        struct record record;
        int rc = request_reader(r, &l, err);
        if (!rc) rc = record_get(l, l->db, &r->session, register_find(l->catalog, d->reg->name), d->ret_id, &r->arena, &record, err);
        if (!rc) return put_record(r, status, &record, err);
        if (rc != E_UNKNOWN) return rc;
        *err = (struct error){0}; /* whoever may write need not be allowed to read */
    }
    struct buf *b = answer_open(r, status);
    answer_etag(r, d->ret_version);
    buf_printf(b, "{\"id\":%lld,\"version\":%d,\"outcome\":\"%s\"", (long long)d->ret_id, (int)d->ret_version, outcomes[d->outcome]);
    int rc = tell_double(r, d, err);
    return rc < 0 ? rc : buf_char(b, '}');
}

static int submit_one(struct request *r, struct draft *d, struct error *err) {
    struct draft **drafts = arena_alloc(&r->arena, sizeof *drafts);
    if (!drafts) return error_memory(err);
    drafts[0] = d;
    request_forget_json(r);
    return request_submit(r, drafts, 1, false, written, err);
}

static int create(struct request *r, struct error *err) {
    struct draft *d = draft_for(r, DRAFT_CREATE, err);
    if (!d) return err->code;
    int rc = represent_draft(r, r->json, "", d, err);
    return rc < 0 ? rc : submit_one(r, d, err);
}

/* A change names the version it was made from; without If-Match it changes whatever is there. */
static int change_draft(struct request *r, struct draft **ret, struct error *err) {
    struct draft *d = draft_for(r, DRAFT_CHANGE, err);
    if (!d) return err->code;
    int rc = request_id(r, "id", &d->id, err);
    if (!rc) rc = request_if_match(r, &d->version, err);
    if (!rc && r->json) rc = represent_draft(r, r->json, "", d, err);
    if (!rc) *ret = d;
    return rc;
}

static int change(struct request *r, struct error *err) {
    struct draft *d = NULL;
    int rc = change_draft(r, &d, err);
    return rc < 0 ? rc : submit_one(r, d, err);
}

static int move(struct request *r, struct error *err) {
    struct draft *d = NULL;
    int rc = change_draft(r, &d, err);
    if (rc < 0) return rc;
    d->state = request_param(r, "state");
    if (register_state(d->reg, d->state) < 0) return error_set(err, E_UNKNOWN, "state", "the register has no such state / 登记册没有此状态");
    return submit_one(r, d, err);
}

/* ---- many */

/* Of all or none: which row it was, and where in it. */
static int batch_refused(struct request *r) {
    const struct submission *s = &r->submission;
    for (size_t i = 0; i < s->n; i++) {
        const struct draft *d = s->drafts[i];
        if (!d->error.code) continue;
        bool field = register_field(d->reg, text_of(d->error.where)) >= 0;
        snprintf(r->error.where, sizeof r->error.where, "/rows/%zu%s%.80s", i, field ? "/fields/" : "", field ? d->error.where : "");
        break;
    }
    return r->rc;
}

static int batch_written(struct request *r, struct error *err) {
    const struct submission *s = &r->submission;
    int64_t counts[OUTCOME_REJECTED + 1] = {0};
    if (r->rc < 0) return batch_refused(r);
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"rows\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct draft *d = s->drafts[i];
        counts[d->outcome]++;
        buf_printf(b, "%s{\"row\":%zu,\"outcome\":\"%s\"", i ? "," : "", i, outcomes[d->outcome]);
        if (s->dry && d->outcome == OUTCOME_CREATED) {
            buf_char(b, '}'); /* an id that nobody will ever have */
            continue;
        }
        if (d->outcome != OUTCOME_REJECTED) {
            buf_printf(b, ",\"id\":%lld,\"version\":%d", (long long)d->ret_id, (int)(s->dry ? d->ret_version - (d->outcome == OUTCOME_CHANGED) : d->ret_version));
            int rc = s->dry ? 0 : tell_double(r, d, err);
            if (rc < 0) return rc;
            buf_char(b, '}');
            continue;
        }
        char words[ERROR_MESSAGE_MAX + 200];
        error_words(d->error.code, d->error.message, r->zh, words, sizeof words);
        buf_printf(b, ",\"code\":\"%s\",\"detail\":", error_name(d->error.code));
        json_put_string(b, text_of(words));
        if (register_field(d->reg, text_of(d->error.where)) >= 0)
            buf_printf(b, ",\"pointer\":\"/rows/%zu/fields/%s\"", i, d->error.where);
        else if (d->error.where[0] == '/') {
            buf_str(b, ",\"pointer\":");
            json_put_string(b, text_of(d->error.where));
        }
        buf_char(b, '}');
    }
    buf_printf(b, "],\"created\":%lld,\"changed\":%lld,\"unchanged\":%lld,\"rejected\":%lld}", (long long)counts[OUTCOME_CREATED],
               (long long)counts[OUTCOME_CHANGED], (long long)counts[OUTCOME_UNCHANGED], (long long)counts[OUTCOME_REJECTED]);
    return b->failed ? error_set(err, b->failed, NULL, "the answer is too large") : 0;
}

/* A row that names a record by id changes that one, as it stood at `version` when the row says so. */
static int named(const json_t *row, const char *at, struct draft *d, struct error *err) {
    const json_t *id = json_object_get(row, "id"), *version = json_object_get(row, "version");
    char where[48];
    snprintf(where, sizeof where, "%s/id", at);
    if (!json_is_integer(id) || json_integer_value(id) <= 0) return error_set(err, E_INVALID, where, "is no id of a record / 不是记录编号");
    snprintf(where, sizeof where, "%s/version", at);
    if (version && (!json_is_integer(version) || json_integer_value(version) < 1 || json_integer_value(version) > INT32_MAX))
        return error_set(err, E_INVALID, where, "is no version of a record / 不是记录版本");
    d->id = json_integer_value(id);
    if (version) d->version = (int32_t)json_integer_value(version);
    return 0;
}

/* Row by row: a row that cannot be read is refused like one that breaks a rule. With an Idempotency-Key, or "whole": true, all or none. */
static int batch(struct request *r, struct error *err) {
    const struct register_decl *reg = NULL;
    const json_t *rows = json_object_get(r->json, "rows");
    int rc = request_register(r, &reg, err);
    if (rc < 0) return rc;
    size_t n = json_array_size(rows);
    if (!json_is_array(rows) || !n) return error_set(err, E_INVALID, "/rows", "an array of at least one row / 应为至少一行的数组");
    if (n > BATCH_ROWS_MAX) return error_set(err, E_TOO_LARGE, "/rows", "at most %d rows / 最多 %d 行", BATCH_ROWS_MAX, BATCH_ROWS_MAX);
    bool dry = json_is_true(json_object_get(r->json, "dry"));
    bool whole = request_header(r, "Idempotency-Key") || json_is_true(json_object_get(r->json, "whole"));
    if (dry && whole) return error_set(err, E_USAGE, "/dry", "a trial is row by row, without Idempotency-Key / 试运行逐行进行,不得带 Idempotency-Key");
    struct draft **drafts = arena_alloc(&r->arena, n * sizeof *drafts);
    if (!drafts) return error_memory(err);
    for (size_t i = 0; i < n; i++) {
        char at[32];
        struct error why = {0};
        const json_t *row = json_array_get(rows, i), *id = json_object_get(row, "id");
        struct draft *d = drafts[i] = draft_new(&r->arena, reg, id ? DRAFT_CHANGE : DRAFT_UPSERT);
        if (!d) return error_memory(err);
        snprintf(at, sizeof at, "/rows/%zu", i);
        rc = id ? named(row, at, d, &why) : 0;
        if (!rc) rc = represent_draft(r, row, at, d, &why);
        if (rc < 0 && (whole || rc == E_MEMORY)) return error_set(err, rc, why.where, "%s", why.message);
        if (rc < 0) {
            d->prepared = d->unfit = true;
            d->outcome = OUTCOME_REJECTED;
            d->error = why;
        }
    }
    request_forget_json(r);
    return dry ? request_try(r, drafts, n, batch_written, err) : request_submit(r, drafts, n, !whole, batch_written, err);
}

/* ---- history */

struct history {
    struct request *r;
    struct ledger *l;
    const struct register_decl *reg;
    struct buf *b;
    struct error *err;
    size_t n, limit;
};

static int put_cells(struct history *h, struct text cells) {
    size_t at = 0, code = 0;
    struct value v;
    bool first = true;
    int rc;
    buf_char(h->b, '{');
    while ((rc = journal_cells_next(cells, &at, &code, &v, h->err)) > 0) {
        int f = code >= CELL_FIRST_FIELD ? table_field_of(h->l->tables[h->reg->order], code) : -1;
        if (f < 0 && code != CELL_STATE && code != CELL_REGION) continue;
        if (!first) buf_char(h->b, ',');
        first = false;
        json_put_string(h->b, f >= 0 ? h->reg->fields[f].name : code == CELL_STATE ? TEXT("state") : TEXT("region"));
        buf_char(h->b, ':');
        if (f >= 0)
            represent_cell(h->b, &h->reg->fields[f], v, h->l->zone_s);
        else
            json_put_string(h->b, value_view(v));
    }
    buf_char(h->b, '}');
    return rc;
}

static int history_visit(const struct journal_entry *e, void *arg) {
    struct history *h = arg;
    if (h->n == h->limit) return 1;
    buf_printf(h->b, "%s{\"seq\":%lld,\"at\":", h->n++ ? "," : "", (long long)e->seq);
    json_put_instant(h->b, e->at, h->l->zone_s);
    buf_printf(h->b, ",\"verb\":\"%s\",\"version\":%d,\"actor\":", journal_verb_name(e->verb), (int)e->version);
    json_put_string(h->b, e->actor);
    buf_str(h->b, ",\"reason\":");
    json_put_string(h->b, why_told(h->l, e->verb, e->reason, h->r->zh, h->r->now, &h->r->arena));
    buf_str(h->b, ",\"purpose\":");
    json_put_string(h->b, why_told(h->l, e->verb, e->purpose, h->r->zh, h->r->now, &h->r->arena));
    buf_str(h->b, ",\"before\":");
    int rc = put_cells(h, e->before);
    buf_str(h->b, ",\"after\":");
    if (!rc) rc = put_cells(h, e->after);
    buf_char(h->b, '}');
    return rc < 0 ? rc : h->b->failed;
}

static int history(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct record record;
    int64_t limit = 100;
    int rc = request_query_int(r, "limit", 1, 1000, 100, &limit, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_one(r, l, &record, err);
    if (rc < 0) return rc;
    struct history h = {.r = r, .l = l, .reg = record.reg, .b = answer_open(r, 200), .err = err, .limit = (size_t)limit};
    buf_str(h.b, "{\"entries\":[");
    rc = record_history(l, l->db, &r->session, record.reg, record.id, history_visit, &h, err);
    buf_str(h.b, "]}");
    return rc < 0 ? rc : h.b->failed ? error_set(err, h.b->failed, NULL, "the history is too large") : 0;
}

#define DOUBLE "\"double\":{\"type\":\"object\",\"required\":[\"id\",\"why\"],\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"number\":{\"type\":\"string\"},\"why\":{\"type\":\"string\"}}}"
#define CELLS "{\"allOf\":[{\"$ref\":\"#/components/schemas/{Register}Cells\"},{\"type\":\"object\",\"properties\":{\"state\":{\"type\":\"string\"},\"region\":{\"type\":\"string\"}}}]}"
const struct schema records_schemas[] = {
    {"Written", "{\"type\":\"object\",\"required\":[\"id\",\"version\",\"outcome\"],\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\"},"
                "\"version\":{\"type\":\"integer\"},\"outcome\":{\"type\":\"string\",\"enum\":[\"created\",\"changed\",\"unchanged\"]}," DOUBLE "}}"},
    {"{Register}Batch", "{\"type\":\"object\",\"required\":[\"rows\"],\"properties\":{\"rows\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":2000,"
                        "\"items\":{\"allOf\":[{\"$ref\":\"#/components/schemas/{Register}Input\"},{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"version\":{\"type\":\"integer\"}}}]}},\"whole\":{\"type\":\"boolean\",\"description\":\"all rows or none\"},"
                        "\"dry\":{\"type\":\"boolean\",\"description\":\"tries every row and keeps nothing; no id of what would be created\"}}}"},
    {"BatchResult",
     "{\"type\":\"object\",\"required\":[\"rows\",\"created\",\"changed\",\"unchanged\",\"rejected\"],\"properties\":{\"rows\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"required\":[\"row\",\"outcome\"],\"properties\":{\"row\":{\"type\":\"integer\"},\"outcome\":{\"type\":\"string\",\"enum\":[\"created\",\"changed\","
     "\"unchanged\",\"rejected\"]},\"id\":{\"type\":\"integer\",\"format\":\"int64\"},\"version\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\"},"
     "\"detail\":{\"type\":\"string\"},\"pointer\":{\"type\":\"string\"}," DOUBLE "}}},\"created\":{\"type\":\"integer\"},\"changed\":{\"type\":\"integer\"},"
     "\"unchanged\":{\"type\":\"integer\"},\"rejected\":{\"type\":\"integer\"}}}"},
    {"{Register}History", "{\"type\":\"object\",\"required\":[\"entries\"],\"properties\":{\"entries\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"seq\",\"at\","
                "\"verb\",\"version\",\"actor\",\"before\",\"after\"],\"properties\":{\"seq\":{\"type\":\"integer\",\"format\":\"int64\"},\"at\":{\"type\":\"string\","
                "\"format\":\"date-time\"},\"verb\":{\"type\":\"string\"},\"version\":{\"type\":\"integer\"},\"actor\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"},"
                "\"purpose\":{\"type\":\"string\"},\"before\":" CELLS ",\"after\":" CELLS "}}}}}"},
    {0},
};

#define RECORDS "/api/v1/registers/{register}/records"
const struct route records_routes[] = {
    {.method = "POST", .path = RECORDS, .who = WHO_ACCOUNT, .body = BODY_JSON, .run = create, .request = "{Register}Input", .response = "Written", .status = 201,
     .headers = HEADER_KEY | HEADER_REASON, .zh = "登记一条记录;带 Idempotency-Key 时可安全重发", .en = "Makes a record; safe to send again with the same Idempotency-Key."},
    {.method = "GET", .path = RECORDS "/{id}", .who = WHO_ACCOUNT, .run = show, .response = "{Register}", .headers = HEADER_PURPOSE,
     .zh = "一条记录,按编号、号码或外部编号;密封字段须以 Tocsin-Purpose 说明目的,查看记入流水",
     .en = "One record, by id, number or outside key; sealed fields open with Tocsin-Purpose, and the look is journalled."},
    {.method = "PATCH", .path = RECORDS "/{id}", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = change, .request = "{Register}Input", .response = "Written",
     .headers = HEADER_KEY | HEADER_MATCH | HEADER_REASON, .zh = "修改记录(合并补丁);If-Match 防止覆盖他人的修改",
     .en = "Changes the given cells (merge patch); If-Match guards against lost updates."},
    {.method = "POST", .path = RECORDS "/{id}/actions/{state}", .who = WHO_ACCOUNT, .body = BODY_JSON_MAYBE, .run = move, .request = "{Register}Input",
     .response = "Written", .headers = HEADER_KEY | HEADER_MATCH | HEADER_REASON, .zh = "转入某状态,可同时修改字段", .en = "Moves the record to a state, with cells that change with it."},
    {.method = "POST", .path = RECORDS "/batch", .who = WHO_ACCOUNT, .body = BODY_JSON, .body_max = BATCH_BODY_MAX, .run = batch, .request = "{Register}Batch",
     .response = "BatchResult", .headers = HEADER_KEY | HEADER_REASON, .zh = "批量登记或更新,逐行给出结果;含 id 的行修改该记录;带 Idempotency-Key 时全有或全无;dry 为试运行,不作改动",
     .en = "Makes or changes many by their keys, or by id (then with version as a guard); a result for each row. With an Idempotency-Key all or none; dry: tried, nothing kept."},
    {.method = "GET", .path = RECORDS "/{id}/history", .who = WHO_ACCOUNT, .run = history, .response = "{Register}History", .zh = "记录的变更历史,最新在前",
     .en = "Who changed what, newest first.", .query = {{"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}", "最多条数", "how many entries"}}},
    {0},
};

/* The journal, for auditors. */
#include "desks/audit.h"
#include "doors/http/route.h"
#include "ledger/why.h"

struct listing {
    struct request *r;
    struct buf *b;
    const struct ledger *l;
    size_t n;
};

static int put_entry(const struct journal_entry *e, void *arg) {
    struct listing *x = arg;
    struct buf *b = x->b;
    buf_printf(b, "%s{\"seq\":%lld,\"at\":", x->n++ ? "," : "", (long long)e->seq);
    json_put_instant(b, e->at, x->l->zone_s);
    buf_printf(b, ",\"verb\":\"%s\",\"actor\":", journal_verb_name(e->verb));
    json_put_string(b, e->actor);
    buf_str(b, ",\"register\":");
    json_put_string(b, e->reg);
    buf_printf(b, ",\"record\":%lld,\"version\":%d,\"purpose\":", (long long)e->record, (int)e->version);
    json_put_string(b, why_told(x->l, e->verb, e->purpose, x->r->zh, x->r->now, &x->r->arena));
    buf_str(b, ",\"reason\":");
    json_put_string(b, why_told(x->l, e->verb, e->reason, x->r->zh, x->r->now, &x->r->arena));
    return buf_char(b, '}') < 0 ? b->failed : 0;
}

static int list(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text verb = request_query(r, "verb");
    struct audit_filter f = {.verb = verb.n ? audit_verb(verb) : 0, .reg = request_query(r, "register"), .who = request_query(r, "who")};
    int64_t limit = 0, before = 0;
    if (verb.n && !f.verb) return error_set(err, E_USAGE, "?verb", "is no verb of the journal / 不是流水动作");
    int rc = request_query_int(r, "record", 1, INT64_MAX, 0, &f.record, err);
    if (!rc) rc = request_query_instant(r, "since", &f.since, err);
    if (!rc) rc = request_query_int(r, "limit", 1, 10000, 100, &limit, err);
    if (!rc) rc = request_query_int(r, "before", 1, INT64_MAX, 0, &before, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    f.limit = (size_t)limit;
    struct journal_entry *page = NULL;
    struct listing x = {.r = r, .b = answer_open(r, 200), .l = l};
    size_t n = 0;
    int64_t next = 0;
    buf_str(x.b, "{\"entries\":[");
    rc = audit_page(l, l->db, &r->session, &f, before, &r->arena, &page, &n, &next, err);
    while (rc == 0 && n > 0) rc = put_entry(&page[--n], &x); /* in order of time */
    buf_char(x.b, ']');
    if (next) buf_printf(x.b, ",\"next\":%lld", (long long)next);
    buf_char(x.b, '}');
    return rc < 0 ? rc : 0;
}

const struct schema audit_schemas[] = {
    {"AuditEntries", "{\"type\":\"object\",\"required\":[\"entries\"],\"properties\":{\"entries\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"seq\",\"at\",\"verb\",\"actor\"],\"properties\":{"
                     "\"seq\":{\"type\":\"integer\",\"format\":\"int64\"},\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"verb\":" STRING ",\"actor\":" STRING ",\"register\":" STRING
                     ",\"record\":{\"type\":\"integer\",\"format\":\"int64\"},\"version\":{\"type\":\"integer\"},\"purpose\":" STRING ",\"reason\":" STRING "}}},\"next\":{\"type\":\"integer\",\"format\":\"int64\"}}}"},
    {0},
};

const struct route audit_routes[] = {
    {.method = "GET", .path = "/api/v1/audit", .who = WHO_ACCOUNT, .roles = "auditor", .run = list, .response = "AuditEntries", .zh = "流水:谁何时因何改了、看了什么",
     .en = "Who changed and who looked at what, when and why; the newest, in order of time. `next` is the `before` of the page before this one.",
     .query = {{"verb", STRING, "动作", "only this verb: open, change, move ..."}, {"register", STRING, "登记册", "only this register"}, {"record", "{\"type\":\"integer\"}", "记录编号", "only this record"},
               {"who", STRING, "账户", "only what this account did"}, {"since", "{\"type\":\"string\"}", "自此刻起", "from this instant on"},
               {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000}", "最多条数", "how many of the newest"},
               {"before", "{\"type\":\"integer\",\"minimum\":1}", "此编号之前", "entries before this number"}}},
    {0},
};

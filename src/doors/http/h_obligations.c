/* What is owed: listed, counted by rule, by accountable party, by age. */
#include <string.h>

#include "desks/duty.h"
#include "base/digest.h"
#include "doors/http/represent.h"
#include "doors/http/route.h"

static int read_filter(struct request *r, struct duty_filter *f, struct error *err) {
    *f = (struct duty_filter){.desk = request_query(r, "desk"), .rule = request_query(r, "rule"), .reg = request_query(r, "register"),
                              .overdue = request_query_flag(r, "overdue"), .without_owner = request_query_flag(r, "without_owner")};
    int rc = request_query_region(r, "region", &f->region, err);
    if (!rc) rc = request_query_int(r, "owner", 1, INT64_MAX, 0, &f->owner, err);
    if (!rc) rc = request_query_int(r, "unit", 1, INT64_MAX, 0, &f->unit, err);
    instant before = INSTANT_NONE;
    if (!rc) rc = request_query_instant(r, "due_before", &before, err);
    if (!rc && before != INSTANT_NONE) f->due_before = before;
    return rc;
}

struct listing {
    struct request *r;
    struct ledger *l;
    struct export_names *names;
    struct buf *b;
    struct error *err;
    size_t n, limit;
    bool more;
    instant due; /* of the last one listed */
    int64_t id;
};

static int put_duty(const struct obligation *o, const struct duty_rule *rule, void *arg) {
    struct listing *x = arg;
    if (x->n == x->limit) return x->more = true, 1;
    x->due = o->duty.due_at;
    x->id = o->id;
    if (x->n++) buf_char(x->b, ',');
    int rc = represent_duty(x->b, o, rule, x->names, x->r, x->l->zone_s, x->err);
    return rc < 0 ? rc : buf_char(x->b, '}') < 0 ? x->b->failed : 0;
}

/* Of the filters, in whatever order: what a cursor belongs to. */
static int64_t print_of(const struct request *r) {
    uint64_t sum = 0;
    for (size_t i = 0; i < r->n_query; i++) {
        struct buf b = {0};
        if (text_is(r->query[i].name, "cursor") || text_is(r->query[i].name, "limit")) continue;
        buf_text(&b, r->query[i].name);
        buf_char(&b, '\n');
        buf_text(&b, r->query[i].value);
        sum += (uint64_t)digest_64(buf_view(&b));
        buf_clear(&b);
    }
    return (int64_t)sum;
}

static int list(struct request *r, struct error *err) {
    struct duty_filter f;
    struct listing x = {.r = r, .err = err};
    struct text cursor = request_query(r, "cursor"), next = {"", 0};
    int64_t limit = 0;
    int rc = read_filter(r, &f, err);
    if (!rc) rc = request_query_int(r, "limit", 1, 1000, 50, &limit, err);
    if (!rc) rc = request_reader(r, &x.l, err);
    if (!rc && cursor.n) {
        f.after = true;
        rc = list_mark_read(x.l, &r->session, "obligations", print_of(r), cursor, &f.after_due, &f.after_id, err);
    }
    if (!rc) rc = export_names_new(x.l, x.l->db, &r->session, &x.names, err);
    if (rc < 0) return rc;
    x.limit = (size_t)limit;
    f.limit = x.limit + 1;
    x.b = answer_open(r, 200);
    buf_str(x.b, "{\"obligations\":[");
    rc = duty_list(x.l, x.l->db, &r->session, &f, put_duty, &x, err);
    if (rc >= 0 && x.more) rc = list_mark_write(x.l, &r->session, "obligations", print_of(r), x.due, x.id, &r->arena, &next, err);
    buf_printf(x.b, "],\"more\":%s,\"next\":", x.more ? "true" : "false");
    if (next.n) json_put_string(x.b, next);
    else buf_str(x.b, "null");
    buf_char(x.b, '}');
    export_names_free(x.names);
    return rc < 0 ? rc : 0;
}

static void put_count(struct buf *b, const struct duty_count *c) {
    buf_printf(b, "\"open\":%lld,\"due_1h\":%lld,\"overdue\":%lld,\"without_owner\":%lld,\"escalated\":%lld,\"paid\":%lld,\"paid_late\":%lld,\"lapsed\":%lld,\"cancelled\":%lld",
               (long long)c->open, (long long)c->due_1h, (long long)c->overdue, (long long)c->without_owner, (long long)c->escalated, (long long)c->paid,
               (long long)c->paid_late, (long long)c->lapsed, (long long)c->cancelled);
}

static int summary(struct request *r, struct error *err) {
    struct duty_filter f;
    struct duty_summary d = {0};
    struct ledger *l = NULL;
    int rc = read_filter(r, &f, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = duty_summarise(l, l->db, &r->session, &f, &d, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"at\":");
    json_put_instant(b, r->now, l->zone_s);
    buf_str(b, ",\"total\":{");
    put_count(b, &d.total);
    if (d.closed_rate < 0) buf_str(b, "},\"closed_rate\":null,\"rules\":[");
    else buf_printf(b, "},\"closed_rate\":%.6f,\"rules\":[", d.closed_rate);
    for (size_t i = 0; i < d.n; i++) {
        buf_str(b, i ? ",{\"rule\":" : "{\"rule\":");
        json_put_string(b, d.rules[i].rule);
        json_put_text(b, "desk", d.rules[i].desk);
        json_put_text(b, "register", d.rules[i].reg);
        buf_char(b, ',');
        put_count(b, &d.rules[i]);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    duty_summary_clear(&d);
    return 0;
}

static int owners(struct request *r, struct error *err) {
    struct duty_filter f;
    struct duty_owners d = {0};
    struct ledger *l = NULL;
    struct export_names *names = NULL;
    int rc = read_filter(r, &f, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = duty_by_owner(l, l->db, &r->session, &f, &d, err);
    if (!rc) rc = export_names_new(l, l->db, &r->session, &names, err);
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"owners\":[");
    for (size_t i = 0; !rc && i < d.n; i++) {
        const struct duty_owner *o = &d.list[i];
        struct text title = {"", 0};
        if (o->owner) rc = export_name(names, o->kind == OWNER_PERSON ? TEXT("account") : TEXT("organisation"), o->owner, &title, err);
        buf_printf(b, "%s{\"kind\":\"%s\",\"id\":%lld", i ? "," : "", represent_party(o->kind), (long long)o->owner);
        json_put_text(b, "title", title);
        json_put_text(b, "region", o->region);
        if (o->timeliness < 0) buf_str(b, ",\"timeliness\":null,");
        else buf_printf(b, ",\"timeliness\":%.6f,", o->timeliness);
        put_count(b, &o->count);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    export_names_free(names);
    duty_owners_clear(&d);
    return rc;
}

static int regions(struct request *r, struct error *err) {
    struct duty_filter f;
    struct duty_regions d = {0};
    struct ledger *l = NULL;
    int64_t level = 0;
    int rc = read_filter(r, &f, err);
    if (!rc) rc = request_query_int(r, "level", 1, 5, 0, &level, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    if (!level) level = region_level(f.region.n ? f.region : l->region) + 1;
    if (level > 5) level = 5;
    rc = duty_by_region(l, l->db, &r->session, &f, (int)level, &d, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"at\":");
    json_put_instant(b, r->now, l->zone_s);
    buf_printf(b, ",\"level\":%d,\"regions\":[", (int)level);
    for (size_t i = 0; i < d.n; i++) {
        buf_str(b, i ? ",{\"region\":" : "{\"region\":");
        json_put_string(b, d.list[i].region);
        if (d.list[i].closed_rate < 0) buf_str(b, ",\"closed_rate\":null,");
        else buf_printf(b, ",\"closed_rate\":%.6f,", d.list[i].closed_rate);
        put_count(b, &d.list[i].count);
        buf_char(b, '}');
    }
    duty_regions_clear(&d);
    return buf_str(b, "]}");
}

static int ages(struct request *r, struct error *err) {
    static const char *const names[DUTY_AGES] = {"1h", "4h", "24h", "3d", "older"};
    struct duty_filter f;
    struct duty_age a[DUTY_AGES];
    struct ledger *l = NULL;
    int rc = read_filter(r, &f, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = duty_by_age(l, l->db, &r->session, &f, a, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"ages\":[");
    for (size_t i = 0; i < DUTY_AGES; i++) {
        buf_printf(b, "%s{\"age\":\"%s\",\"open\":%lld,\"overdue\":%lld,\"without_owner\":%lld,\"oldest_s\":", i ? "," : "", names[i], (long long)a[i].open,
                   (long long)a[i].overdue, (long long)a[i].without_owner);
        if (a[i].oldest_s < 0) buf_str(b, "null}");
        else buf_printf(b, "%lld}", (long long)a[i].oldest_s);
    }
    return buf_str(b, "]}");
}

#define COUNTS "\"open\":{\"type\":\"integer\"},\"due_1h\":{\"type\":\"integer\"},\"overdue\":{\"type\":\"integer\"},\"without_owner\":{\"type\":\"integer\"},\"escalated\":{\"type\":\"integer\"}," \
               "\"paid\":{\"type\":\"integer\"},\"paid_late\":{\"type\":\"integer\"},\"lapsed\":{\"type\":\"integer\"},\"cancelled\":{\"type\":\"integer\"}"
#define RATE "{\"type\":[\"number\",\"null\"]}"

const struct schema obligations_schemas[] = {
    {"Obligations", "{\"type\":\"object\",\"required\":[\"obligations\",\"more\"],\"properties\":{\"obligations\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"rule\",\"register\",\"record\"],"
                    "\"properties\":{\"rule\":" STRING ",\"title\":" STRING ",\"desk\":" STRING ",\"register\":" STRING ",\"record\":{\"type\":\"integer\",\"format\":\"int64\"},\"number\":" STRING
                    ",\"region\":" STRING ",\"due_at\":{\"type\":[\"string\",\"null\"]},\"overdue\":{\"type\":\"boolean\"},\"level\":{\"type\":\"integer\"},\"adoption\":{\"type\":\"integer\",\"format\":\"int64\"},\"handed\":{\"type\":\"boolean\"},\"owner\":" REPRESENT_OWNER_SCHEMA "}}},\"more\":{\"type\":\"boolean\"},\"next\":{\"type\":[\"string\",\"null\"]}}}"},
    {"ObligationSummary", "{\"type\":\"object\",\"required\":[\"at\",\"total\",\"closed_rate\",\"rules\"],\"properties\":{\"at\":" STRING ",\"total\":{\"type\":\"object\",\"properties\":{" COUNTS "}},"
                          "\"closed_rate\":" RATE ",\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"rule\":" STRING ",\"desk\":" STRING ",\"register\":" STRING "," COUNTS "}}}}}"},
    {"ObligationOwners", "{\"type\":\"object\",\"required\":[\"owners\"],\"properties\":{\"owners\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"kind\":" STRING ",\"id\":{\"type\":\"integer\","
                         "\"format\":\"int64\"},\"title\":" STRING ",\"region\":" STRING ",\"timeliness\":" RATE "," COUNTS "}}}}}"},
    {"ObligationRegions", "{\"type\":\"object\",\"required\":[\"at\",\"level\",\"regions\"],\"properties\":{\"at\":" STRING ",\"level\":{\"type\":\"integer\"},\"regions\":{\"type\":\"array\",\"items\":{"
                          "\"type\":\"object\",\"required\":[\"region\",\"closed_rate\"],\"properties\":{\"region\":" STRING ",\"closed_rate\":" RATE "," COUNTS "}}}}}"},
    {"ObligationAges", "{\"type\":\"object\",\"required\":[\"ages\"],\"properties\":{\"ages\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"age\":" STRING ",\"open\":{\"type\":\"integer\"},"
                       "\"overdue\":{\"type\":\"integer\"},\"without_owner\":{\"type\":\"integer\"},\"oldest_s\":{\"type\":[\"integer\",\"null\"]}}}}}}"},
    {0},
};

#define FILTERS {"desk", STRING, "席位", "only this desk"}, {"region", STRING, "行政区划代码,含下级", "region code; its subtree"}, {"rule", STRING, "待办代码", "only this rule"}, \
    {"register", STRING, "登记册", "only duties of its records"}, {"owner", "{\"type\":\"integer\"}", "责任主体编号", "id of the accountable party"}, \
    {"unit", "{\"type\":\"integer\"}", "机构编号:其自身、其作为部门及其账户个人所欠", "id of an organisation: what it owes itself, as its department, and what its accounts owe in person"}, \
    {"overdue", "{\"type\":\"boolean\"}", "只列逾期", "the overdue only"}, {"due_before", "{\"type\":\"string\",\"format\":\"date-time\"}", "此时以前到期", "due before then"}, {"without_owner", "{\"type\":\"boolean\"}", "只列无主", "those nobody is accountable for"}
const struct route obligations_routes[] = {
    {.method = "GET", .path = "/api/v1/obligations", .who = WHO_ACCOUNT, .run = list, .headers = ROUTE_ASIDE, .response = "Obligations", .zh = "未办事项,最急在前", .en = "Open duties, the most urgent first.",
     .query = {FILTERS, {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}", "最多条数", "how many"}, {"cursor", STRING, "上一页的 next", "next of the page before"}}},
    {.method = "GET", .path = "/api/v1/obligations/summary", .who = WHO_ACCOUNT, .run = summary, .headers = ROUTE_ASIDE, .response = "ObligationSummary", .zh = "按待办汇总与闭环率",
     .en = "Counts by rule, and the closed-loop rate.", .query = {FILTERS}},
    {.method = "GET", .path = "/api/v1/obligations/owners", .who = WHO_ACCOUNT, .run = owners, .headers = ROUTE_ASIDE, .response = "ObligationOwners", .zh = "按责任主体汇总及时率",
     .en = "Counts by accountable party, with its timeliness.", .query = {FILTERS}},
    {.method = "GET", .path = "/api/v1/obligations/regions", .who = WHO_ACCOUNT, .run = regions, .headers = ROUTE_ASIDE, .response = "ObligationRegions", .zh = "各下级区划的待办与闭环率,一次取全",
     .en = "Counts and closed-loop rate of every region one level below, in one answer.",
     .query = {FILTERS, {"level", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", "按此级汇总,缺省为下一级:1 省 2 市 3 县 4 乡镇街道 5 村居", "by regions of this level, 1 province to 5 village; one below the region's without it"}}},
    {.method = "GET", .path = "/api/v1/obligations/ages", .who = WHO_ACCOUNT, .run = ages, .headers = ROUTE_ASIDE, .response = "ObligationAges", .zh = "未闭环时长分布", .en = "Open loops by age.", .query = {FILTERS}},
    {0},
};

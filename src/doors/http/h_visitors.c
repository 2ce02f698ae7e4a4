/* The list of who was at a place, on demand: planned on a reading ledger, journalled by the writer, only then searched and shown. */
#include "desks/tracing/visitors.h"

#include "doors/http/inside.h"
#include "doors/http/scans.h"
#include "doors/http/write.h"

struct listing {
    struct visits *v;
    struct tracing_visitors_plan plan;
    int64_t shown;
};

static int read_moment(const struct request *r, const struct ledger *l, const char *name, instant *ret, struct error *err) {
    struct text t = {"", 0};
    int rc = request_member(r, name, false, &t, err);
    *ret = INSTANT_NONE;
    if (rc == 0 && t.n && !instant_parse(t, l->zone_s, ret)) rc = error_set(err, E_INVALID, name, "an instant as in ISO 8601 / 应为 ISO 8601 时间");
    return rc;
}

static int journal(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    return tracing_visitors_journal(l, &r->session, &((struct listing *)r->state)->plan, err);
}

static int listed(struct request *r, struct error *err) {
    const struct listing *x = r->state;
    struct tracing_visitors found = {0};
    struct ledger *l = NULL;
    int rc = r->rc;
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = tracing_visitors_find(l, &r->session, x->v, &x->plan, &found, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"place\":");
    json_put_string(b, visits_text(x->v, VISITS_PLACE, x->plan.place));
    buf_str(b, ",\"from\":");
    json_put_instant(b, x->plan.from, l->zone_s);
    buf_str(b, ",\"to\":");
    json_put_instant(b, x->plan.to, l->zone_s);
    buf_printf(b, ",\"n_visitors\":%zu,\"visitors\":[", found.n + found.more);
    for (size_t i = 0; i < found.n && i < (size_t)x->shown; i++) {
        const struct tracing_visitor *one = &found.items[i];
        buf_str(b, i ? ",{\"person\":" : "{\"person\":");
        json_put_string(b, visits_text(x->v, VISITS_PERSON, one->person));
        buf_str(b, ",\"first\":");
        json_put_instant(b, one->first, l->zone_s);
        buf_str(b, ",\"last\":");
        json_put_instant(b, one->last, l->zone_s);
        buf_printf(b, ",\"there_s\":%lld,\"stays\":%u,\"source\":\"%s\"", (long long)one->there_s, one->stays, presence_source_word(one->source));
        if (one->zone) buf_printf(b, ",\"zone\":%d", one->zone);
        if (one->row) buf_printf(b, ",\"row\":%d", one->row);
        buf_char(b, '}');
    }
    buf_printf(b, "],\"more\":%s}", found.n + found.more > (size_t)x->shown ? "true" : "false");
    tracing_visitors_clear(&found);
    return b->failed ? error_set(err, b->failed, NULL, "the answer is too large; ask for fewer / 结果过大") : 0;
}

static int visitors(struct request *r, struct error *err) {
    struct listing *x = r->state = arena_alloc(&r->arena, sizeof *x);
    struct tracing_presence q = {0};
    struct ledger *l = NULL;
    int64_t zone = 0;
    if (!x) return error_memory(err);
    int rc = request_member_int(r, "limit", 0, TRACING_VISITORS_MAX, 1000, &x->shown, err);
    if (!rc) rc = request_member_int(r, "zone", 0, UINT16_MAX, 0, &zone, err);
    q.zone = (int)zone;
    if (!rc) rc = request_member_id(r, "venue", false, &q.venue, err);
    if (!rc && !q.venue) rc = request_member(r, "place", true, &q.place, err);
    if (!rc) rc = http_visits(r->server, false, &x->v, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = read_moment(r, l, "from", &q.from, err);
    if (!rc) rc = read_moment(r, l, "to", &q.to, err);
    if (!rc) rc = tracing_visitors_plan(l, &r->session, x->v, &q, &x->plan, err);
    return rc < 0 ? rc : request_call(r, journal, listed, err);
}

#define OBJECT(required, members) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" members "}}"
const struct schema visitors_schemas[] = {
    {"VisitorsQuestion", "{\"type\":\"object\",\"properties\":{\"venue\":" WHOLE ",\"place\":" STRING ",\"from\":" STRING ",\"to\":" STRING ",\"zone\":" WHOLE ",\"limit\":" WHOLE
                         "},\"description\":\"A record of exposure_venue, or a place by its name in the visits with from and to, at most 31 days.\"}"},
    {"Visitor", OBJECT("\"person\",\"first\",\"last\",\"there_s\",\"stays\",\"source\"", "\"person\":" STRING ",\"first\":" STRING ",\"last\":" STRING ",\"there_s\":" WHOLE
                ",\"stays\":" WHOLE ",\"source\":" STRING ",\"zone\":" WHOLE ",\"row\":" WHOLE)},
    {"VisitorsAnswer", "{\"type\":\"object\",\"required\":[\"place\",\"n_visitors\",\"visitors\"],\"properties\":{\"place\":" STRING ",\"from\":" STRING ",\"to\":" STRING ",\"n_visitors\":" WHOLE
                       ",\"visitors\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Visitor\"}},\"more\":" TRUTH "}}"},
    {0},
};
const struct route visitors_routes[] = {
    {.method = "POST", .path = "/api/v1/tracing/visitors", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = visitors, .request = "VisitorsQuestion", .response = "VisitorsAnswer",
     .headers = HEADER_PURPOSE, .zh = "按需拉取到访人员名单:风险场所或某场所某时段;须有目的并计入流水,风险场所转为已拉名单",
     .en = "Who was at an exposure venue, or at a place in a time, the longest there first; needs a purpose, is journalled, and the venue becomes listed."},
    {0},
};

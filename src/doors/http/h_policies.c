/* Plans: those there are, those in force, one in full, two compared on paper and on the live data, and adopting one. */
#include <string.h>

#include "desks/plan.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

static void put_day(struct buf *b, const char *name, day d) {
    char at[DAY_TEXT];
    day_format(d, at);
    buf_printf(b, ",\"%s\":\"%s\"", name, at);
}

/* A pack by the name in the path or query: names are [a-z0-9-], so that no path can be made of one. */
static int load(struct ledger *l, struct text name, struct policy **ret, struct error *err) {
    char dir[4096];
    bool plain = name.n > 0 && name.n <= 80;
    for (size_t i = 0; i < name.n && plain; i++) plain = (name.s[i] >= 'a' && name.s[i] <= 'z') || (name.s[i] >= '0' && name.s[i] <= '9') || name.s[i] == '-';
    if (!plain) return error_set(err, E_UNKNOWN, "policy", "there is no such policy / 没有该方案");
    snprintf(dir, sizeof dir, "%s/policies", l->home);
    return policy_load(l->catalog, dir, name, l->zone_s, ret, err);
}

static void put_provenance(struct buf *b, const struct provenance *from) {
    static const char *const words[] = {"high", "medium", "low"};
    buf_str(b, ",\"from\":{\"source\":");
    json_put_string(b, from->source);
    json_put_text(b, "clause", from->clause);
    buf_printf(b, ",\"certainty\":\"%s\",\"verified\":%s}", words[from->certainty <= CERTAINTY_LOW ? from->certainty : CERTAINTY_LOW], from->verified ? "true" : "false");
}

static int list(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text *names = NULL;
    size_t n = 0;
    char dir[4096];
    int rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    snprintf(dir, sizeof dir, "%s/policies", l->home);
    rc = policy_names(dir, &r->arena, &names, &n, err);
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"policies\":[");
    for (size_t i = 0; !rc && i < n; i++) {
        struct policy *p = NULL;
        rc = load(l, names[i], &p, err);
        if (rc < 0) break;
        buf_str(b, i ? ",{\"name\":" : "{\"name\":");
        json_put_string(b, p->name);
        json_put_text(b, "title", r->zh ? p->zh : p->en);
        json_put_text(b, "disease", p->disease);
        json_put_text(b, "parent", p->parent);
        put_day(b, "in_force", p->in_force);
        buf_printf(b, ",\"rules\":%zu,\"verified\":%s}", p->n_rules, p->from.verified ? "true" : "false");
        policy_free(p);
    }
    buf_str(b, "],\"adopted\":[");
    for (size_t i = 0; !rc && i < l->n_adoptions; i++) {
        const struct adoption *a = &l->adoptions[i];
        buf_printf(b, "%s{\"adoption\":%lld", i ? "," : "", (long long)a->id);
        json_put_text(b, "pack", a->pack);
        json_put_text(b, "disease", a->disease);
        json_put_text(b, "region", a->region);
        put_day(b, "from", a->from);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
    return rc;
}

static void put_timing(struct buf *b, const struct duty_rule *rule) {
    static const char *const names[] = {[TIMING_WITHIN] = "within", [TIMING_DAYS] = "days", [TIMING_DAILY] = "daily"};
    buf_printf(b, ",\"timing\":{\"kind\":\"%s\"", names[rule->timing]);
    if (rule->timing == TIMING_WITHIN) buf_printf(b, ",\"within_s\":%lld", (long long)rule->within_s);
    if (rule->timing != TIMING_WITHIN) buf_printf(b, ",\"due_time_s\":%lld", (long long)rule->due_time_s);
    if (rule->timing == TIMING_DAYS) {
        const char *comma = "";
        buf_str(b, ",\"days\":[");
        for (int k = 0; k < 64; k++)
            if (rule->days >> k & 1) {
                buf_printf(b, "%s%d", comma, k);
                comma = ",";
            }
        buf_char(b, ']');
    }
    buf_char(b, '}');
}

static int show(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct policy *p = NULL;
    int rc = request_reader(r, &l, err);
    if (!rc) rc = load(l, request_param(r, "policy"), &p, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    buf_str(b, "{\"name\":");
    json_put_string(b, p->name);
    json_put_text(b, "title", r->zh ? p->zh : p->en);
    json_put_text(b, "disease", p->disease);
    json_put_text(b, "parent", p->parent);
    put_day(b, "in_force", p->in_force);
    put_provenance(b, &p->from);
    buf_str(b, ",\"parameters\":[");
    for (size_t i = 0; i < p->n_parameters; i++) {
        const struct parameter *q = &p->parameters[i];
        buf_str(b, i ? ",{\"name\":" : "{\"name\":");
        json_put_string(b, q->name);
        json_put_text(b, "title", r->zh ? q->zh : q->en);
        json_put_text(b, "unit", q->unit);
        buf_str(b, q->is_list ? ",\"value\":[" : ",\"value\":");
        for (size_t k = 0; q->is_list && k < q->n_list; k++) buf_printf(b, "%s%lld", k ? "," : "", (long long)q->list[k]);
        if (q->is_list) buf_char(b, ']');
        else buf_int(b, q->value);
        put_provenance(b, &q->from);
        buf_char(b, '}');
    }
    buf_str(b, "],\"rules\":[");
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct duty_rule *q = &p->rules[i];
        buf_str(b, i ? ",{\"code\":" : "{\"code\":");
        json_put_string(b, q->code);
        json_put_text(b, "title", r->zh ? q->zh : q->en);
        json_put_text(b, "desk", q->desk);
        json_put_text(b, "on", q->on->name);
        json_put_text(b, "when", q->when_text);
        put_timing(b, q);
        put_provenance(b, &q->from);
        buf_char(b, '}');
    }
    buf_str(b, "],\"limits\":[");
    for (size_t i = 0; i < p->n_limits; i++) {
        const struct limit *m = &p->limits[i];
        buf_str(b, i ? ",{\"measure\":" : "{\"measure\":");
        json_put_string(b, m->measure);
        json_put_text(b, "subject", m->subject);
        buf_printf(b, ",\"allowed\":%s,\"max_days\":%lld", m->allowed ? "true" : "false", (long long)m->max_days);
        put_provenance(b, &m->from);
        buf_char(b, '}');
    }
    policy_free(p);
    return buf_str(b, "]}");
}

/* A draft that is nowhere yet: its faults, with line and column, are what was asked for. */
static int check(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct policy *p = NULL;
    struct error why = {0};
    char dir[4096], words[ERROR_MESSAGE_MAX + 200];
    int line = 0, column = 0;
    int rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    snprintf(dir, sizeof dir, "%s/policies", l->home);
    rc = policy_check_text(l->catalog, dir, buf_view(&r->body), "draft.yaml", l->zone_s, &p, &why);
    if (rc == E_MEMORY) return error_set(err, rc, NULL, "%s", why.message);
    struct buf *b = answer_open(r, 200);
    if (rc == 0) {
        buf_str(b, "{\"good\":true,\"name\":");
        json_put_string(b, p->name);
        json_put_text(b, "title", r->zh ? p->zh : p->en);
        json_put_text(b, "disease", p->disease);
        json_put_text(b, "parent", p->parent);
        put_day(b, "in_force", p->in_force);
        buf_printf(b, ",\"parameters\":%zu,\"rules\":%zu,\"limits\":%zu}", p->n_parameters, p->n_rules, p->n_limits);
        policy_free(p);
        return 0;
    }
    error_words(rc, why.message, r->zh, words, sizeof words);
    buf_printf(b, "{\"good\":false,\"code\":\"%s\",\"detail\":", error_name(rc));
    json_put_string(b, text_of(words));
    if (sscanf(why.where, "draft.yaml:%d:%d", &line, &column) == 2) buf_printf(b, ",\"line\":%d,\"column\":%d", line, column);
    else json_put_text(b, "where", text_of(why.where));
    return buf_char(b, '}');
}

/* ---- two compared */

static void put_rules(struct buf *b, const struct plan_diff *d) {
    buf_str(b, "[");
    for (size_t i = 0; i < d->n; i++) {
        buf_str(b, i ? ",{\"rule\":" : "{\"rule\":");
        json_put_string(b, d->rules[i].rule);
        buf_printf(b, ",\"gain\":%lld,\"lose\":%lld,\"sooner\":%lld,\"later\":%lld}", (long long)d->rules[i].n[PLAN_GAIN], (long long)d->rules[i].n[PLAN_LOSE],
                   (long long)d->rules[i].n[PLAN_SOONER], (long long)d->rules[i].n[PLAN_LATER]);
    }
    buf_char(b, ']');
}

/* What would change for whom, in a region that the asker may read all of. */
static int diff(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct policy *before = NULL, *after = NULL;
    struct policy_change *changes = NULL;
    struct plan_diff d = {0};
    struct text region, other = request_query(r, "from");
    size_t n = 0;
    int rc = request_query_region(r, "region", &region, err);
    if (!rc) rc = request_reader(r, &l, err);
    const struct register_decl *adoptions = rc ? NULL : register_find(l->catalog, TEXT("adoption"));
    if (!rc && !region.n) region = l->region;
    if (!rc && adoptions) rc = access_check(&r->session, ACCESS_READ, adoptions, region, err);
    if (!rc) rc = load(l, request_param(r, "policy"), &after, err);
    if (!rc && other.n) rc = load(l, other, &before, err);
    if (!rc && before) rc = policy_diff(before, after, r->zh, &r->arena, &changes, &n, err);
    if (!rc) rc = plan_compare(l, l->db, &r->session, after, region, NULL, NULL, &d, err);
    if (!rc) {
        struct buf *b = answer_open(r, 200);
        buf_str(b, "{\"changes\":[");
        for (size_t i = 0; i < n; i++) {
            buf_printf(b, "%s{\"kind\":\"%s\"", i ? "," : "", changes[i].kind);
            json_put_text(b, "name", changes[i].name);
            json_put_text(b, "title", changes[i].title);
            json_put_text(b, "before", changes[i].before);
            json_put_text(b, "after", changes[i].after);
            buf_char(b, '}');
        }
        buf_printf(b, "],\"records\":%lld,\"rules\":", (long long)d.records);
        put_rules(b, &d);
        buf_char(b, '}');
    }
    plan_diff_clear(&d);
    policy_free(before);
    policy_free(after);
    return rc;
}

/* ---- adopting */

struct wish {
    struct plan_adoption adoption;
    struct plan_work *work;
    int64_t id;
    struct plan_diff diff;
};

static int adopt_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct wish *w = r->state;
    return plan_apply(l, &r->session, &w->adoption, w->work, http_now(r->server), &w->id, &w->diff, err);
}

static int adopted(struct request *r, struct error *err) {
    struct wish *w = r->state;
    (void)err;
    if (r->rc >= 0) {
        struct buf *b = answer_open(r, 201);
        buf_printf(b, "{\"adoption\":%lld,\"rules\":", (long long)w->id);
        put_rules(b, &w->diff);
        buf_char(b, '}');
    }
    plan_diff_clear(&w->diff);
    plan_work_free(w->work);
    return r->rc;
}

static int adopt_write(struct request *r, struct error *err) {
    return request_call(r, adopt_run, adopted, err);
}

/* Worked out on a thread aside; the writer only writes it down. */
static int adopt(struct request *r, struct error *err) {
    struct wish *w = r->state = arena_alloc(&r->arena, sizeof *w);
    struct text from, region;
    char code[REGION_MAX + 1];
    if (!w) return error_memory(err);
    int rc = request_member(r, "pack", true, &w->adoption.pack, err);
    if (!rc) rc = request_member(r, "from", true, &from, err);
    if (!rc) rc = request_member(r, "region", false, &region, err);
    if (!rc) rc = request_member(r, "reason", true, &w->adoption.reason, err);
    if (!rc) rc = request_member(r, "approver", false, &w->adoption.approver, err);
    if (!rc && !day_parse(from, &w->adoption.from)) rc = error_set(err, E_INVALID, "/from", "is no date; write it as 2022-05-30 / 不是日期,应写作 2022-05-30");
    if (!rc && region.n && !region_canonical(region, code)) rc = error_set(err, E_INVALID, "/region", "is no region code / 不是行政区划代码");
    if (!rc && region.n) w->adoption.region = arena_text(&r->arena, text_of(code));
    struct ledger *l = NULL;
    if (!rc && !text_trim(w->adoption.reason).n) rc = error_set(err, E_INVALID, "/reason", "adopting a plan needs a reason / 采用方案须说明理由");
    if (!rc) rc = request_reader(r, &l, err);
    if (!rc) rc = plan_prepare(l, l->db, &r->session, &w->adoption, &w->work, err);
    r->after = adopt_write;
    return rc;
}

#define FROM "\"from\":{\"$ref\":\"#/components/schemas/PolicyProvenance\"}"
#define EFFECTS "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"rule\":" STRING ",\"gain\":{\"type\":\"integer\"},\"lose\":{\"type\":\"integer\"},\"sooner\":{\"type\":\"integer\"},\"later\":{\"type\":\"integer\"}}}}"

const struct schema policies_schemas[] = {
    {"Policies", "{\"type\":\"object\",\"required\":[\"policies\",\"adopted\"],\"properties\":{\"policies\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":" STRING
                 ",\"title\":" STRING ",\"disease\":" STRING ",\"parent\":" STRING ",\"in_force\":" STRING ",\"rules\":{\"type\":\"integer\"},\"verified\":{\"type\":\"boolean\"}}}},\"adopted\":{\"type\":\"array\","
                 "\"items\":{\"type\":\"object\",\"properties\":{\"adoption\":{\"type\":\"integer\",\"format\":\"int64\"},\"pack\":" STRING ",\"disease\":" STRING ",\"region\":" STRING ",\"from\":" STRING "}}}}}"},
    {"PolicyProvenance", "{\"type\":\"object\",\"required\":[\"source\",\"clause\",\"certainty\",\"verified\"],\"properties\":{\"source\":" STRING ",\"clause\":" STRING
                         ",\"certainty\":{\"enum\":[\"high\",\"medium\",\"low\"]},\"verified\":{\"type\":\"boolean\"}}}"},
    {"PolicyTiming", "{\"type\":\"object\",\"required\":[\"kind\"],\"properties\":{\"kind\":{\"enum\":[\"within\",\"days\",\"daily\"]},\"within_s\":{\"type\":\"integer\"},"
                     "\"due_time_s\":{\"type\":\"integer\"},"
                     "\"days\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}"},
    {"Policy", "{\"type\":\"object\",\"required\":[\"name\",\"parameters\",\"rules\",\"limits\"],\"properties\":{\"name\":" STRING ",\"title\":" STRING ",\"disease\":" STRING ",\"parent\":" STRING ",\"in_force\":" STRING
               "," FROM ",\"parameters\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":" STRING ",\"title\":" STRING ",\"unit\":" STRING ",\"value\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}]}," FROM "}}},"
               "\"rules\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"code\":" STRING ",\"title\":" STRING ",\"desk\":" STRING ",\"on\":" STRING ",\"when\":" STRING
               ",\"timing\":{\"$ref\":\"#/components/schemas/PolicyTiming\"}," FROM "}}},\"limits\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"measure\":" STRING ",\"subject\":" STRING
               ",\"allowed\":{\"type\":\"boolean\"},\"max_days\":{\"type\":\"integer\"}," FROM "}}}}}"},
    {"PolicyChecked", "{\"type\":\"object\",\"required\":[\"good\"],\"properties\":{\"good\":{\"type\":\"boolean\"},\"name\":" STRING ",\"title\":" STRING ",\"disease\":" STRING ",\"parent\":" STRING
                      ",\"in_force\":" STRING ",\"parameters\":{\"type\":\"integer\"},\"rules\":{\"type\":\"integer\"},\"limits\":{\"type\":\"integer\"},\"code\":" STRING ",\"detail\":" STRING
                      ",\"line\":{\"type\":\"integer\"},\"column\":{\"type\":\"integer\"},\"where\":" STRING "}}"},
    {"PolicyDiff", "{\"type\":\"object\",\"required\":[\"changes\",\"records\",\"rules\"],\"properties\":{\"changes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"kind\":" STRING ",\"name\":" STRING
                   ",\"title\":" STRING ",\"before\":" STRING ",\"after\":" STRING "}}},\"records\":{\"type\":\"integer\"},\"rules\":" EFFECTS "}}"},
    {"PolicyAdoption", "{\"type\":\"object\",\"required\":[\"pack\",\"from\",\"reason\"],\"properties\":{\"pack\":" STRING ",\"from\":{\"type\":\"string\",\"format\":\"date\"},\"region\":" STRING ",\"reason\":" STRING
                       ",\"approver\":" STRING "}}"},
    {"PolicyAdopted", "{\"type\":\"object\",\"required\":[\"adoption\",\"rules\"],\"properties\":{\"adoption\":{\"type\":\"integer\",\"format\":\"int64\"},\"rules\":" EFFECTS "}}"},
    {0},
};

const struct route policies_routes[] = {
    {.method = "GET", .path = "/api/v1/policies", .who = WHO_ACCOUNT, .run = list, .response = "Policies", .zh = "方案及已采用的方案", .en = "Policies there are, and those adopted."},
    {.method = "GET", .path = "/api/v1/policies/{policy}", .who = WHO_ACCOUNT, .run = show, .response = "Policy", .zh = "方案内容:参数、待办、措施上限及来源",
     .en = "A policy in full: parameters, obligations, limits, each with its source."},
    {.method = "GET", .path = "/api/v1/policies/{policy}/diff", .who = WHO_ACCOUNT, .roles = "command;system;auditor", .run = diff, .headers = ROUTE_ASIDE, .response = "PolicyDiff",
     .zh = "与另一方案比较,并在现有数据上推算谁增谁减", .en = "Compared with another on paper, and what adopting it would change on the live data.",
     .query = {{"from", STRING, "另一方案", "the policy it is compared with on paper"}, {"region", STRING, "行政区划代码", "region; the node's without it"}}},
    {.method = "POST", .path = "/api/v1/policies/check", .who = WHO_ACCOUNT, .roles = "command;system;auditor", .body = BODY_BYTES, .run = check, .headers = ROUTE_ASIDE, .request = "application/yaml",
     .response = "PolicyChecked", .zh = "检查方案草稿(YAML),指出首个错误的行列;不保存", .en = "Checks a draft of a policy (YAML) and names its first fault by line and column; keeps nothing."},
    {.method = "POST", .path = "/api/v1/policies/adoptions", .who = WHO_ACCOUNT, .roles = "command;system", .body = BODY_JSON, .run = adopt, .headers = ROUTE_ASIDE, .request = "PolicyAdoption", .response = "PolicyAdopted",
     .status = 201, .zh = "采用方案", .en = "Puts a policy in force from a day on; duties change in the same transaction."},
    {0},
};

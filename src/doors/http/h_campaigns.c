/* Mass testing planned and forecast over HTTP; the figures are those of `tocsin campaign plan`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "desks/testing/forecast.h"
#include "desks/testing/template.h"
#include "desks/testing/testing.h"
#include "doors/http/inside.h"
#include "doors/http/route.h"
#include "doors/http/write.h"

static int plan(struct request *r, struct error *err) {
    struct testing_campaign t;
    json_t *j = NULL;
    int rc = testing_campaign_read(&r->arena, r->json, &t, err);
    if (rc == 0) rc = testing_campaign_plan(&t, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

static int forecast(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    json_t *j = NULL;
    int64_t round = 0, couriers = 0;
    int rc = request_id(r, "id", &round, err);
    if (rc == 0) rc = request_query_int(r, "couriers", 1, 1000000, 0, &couriers, err);
    if (rc == 0) rc = request_reader(r, &l, err);
    if (rc == 0) rc = testing_forecast(l, &r->session, round, (double)couriers, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

/* ---- rounds from a template */

struct making {
    struct template_asked asked;
    struct template_made made;
};

static int make_run(struct ledger *l, void *arg, struct error *err) {
    struct request *r = arg;
    struct making *m = r->state;
    return template_rounds(l, &r->session, &m->asked, &m->made, err);
}

static int made(struct request *r, struct error *err) {
    const struct making *m = r->state;
    return r->rc < 0 ? r->rc : answer_json(r, m->asked.only_show ? 200 : 201, template_made_json(&m->made, http_zone(r->server)), err);
}

static int whole(const struct request *r, const char *name, int64_t *ret, struct error *err) {
    const json_t *j = json_object_get(r->json, name);
    *ret = json_integer_value(j);
    return !j || json_is_null(j) || json_is_integer(j) ? 0 : error_set(err, E_INVALID, name, "a whole number is wanted / 须为整数");
}

static int make_rounds(struct request *r, struct error *err) {
    struct making *m = r->state = arena_alloc(&r->arena, sizeof *m);
    const json_t *areas = json_object_get(r->json, "areas"), *j;
    struct text start = {"", 0};
    size_t i;
    if (!m) return error_memory(err);
    m->asked.starts_at = INSTANT_NONE;
    m->asked.only_show = request_query_flag(r, "dry_run");
    int rc = request_id(r, "id", &m->asked.campaign, err);
    if (!rc) rc = request_member(r, "template", false, &m->asked.code, err);
    if (!rc) rc = request_member(r, "starts_at", false, &start, err);
    if (!rc) rc = whole(r, "hours", &m->asked.hours, err);
    if (!rc) rc = whole(r, "tube_size", &m->asked.size, err);
    if (!rc && start.n && !instant_parse(start, http_zone(r->server), &m->asked.starts_at)) rc = error_set(err, E_INVALID, "starts_at", "is no instant / 不是时间");
    if (!rc && areas && (!json_is_array(areas) || json_array_size(areas) > TEMPLATE_AREAS)) rc = error_set(err, E_INVALID, "areas", "at most %d region codes / 最多 %d 个行政区划代码", TEMPLATE_AREAS, TEMPLATE_AREAS);
    if (rc < 0) return rc;
    json_array_foreach(areas, i, j) {
        if (!json_is_string(j)) return error_set(err, E_INVALID, "areas", "region codes are wanted / 须为行政区划代码");
        m->asked.areas[m->asked.n_areas++] = text_of(json_string_value(j));
    }
    return request_call(r, make_run, made, err);
}

/* ---- how many swabs to one tube */

/* A number in the query; as it was when not given. */
static int query_number(const struct request *r, const char *name, double *ret, struct error *err) {
    char word[32], *end;
    struct text t = request_query(r, name);
    if (!t.s) return 0;
    snprintf(word, sizeof word, "%.*s", (int)(t.n < sizeof word ? t.n : sizeof word - 1), t.s);
    double v = strtod(word, &end);
    if (!t.n || *end || !isfinite(v)) return error_set(err, E_INVALID, name, "a number is wanted / 须为数字");
    *ret = v;
    return 0;
}

static int query_sizes(const struct request *r, int *ret, int *ret_n, struct error *err) {
    struct text t = request_query(r, "sizes");
    size_t at = 0;
    int n = 0;
    if (!t.n) t = TEXT("1,5,10,20");
    while (at < t.n) {
        struct text word = {t.s + at, 0};
        int64_t size = 0;
        while (at + word.n < t.n && word.s[word.n] != ',') word.n++;
        at += word.n + 1;
        bool household = text_is(word, "household");
        if (n == TESTING_SIZES_MAX || (!household && (!text_int(word, &size) || size < 1 || size > POOLING_SIZE_MAX)))
            return error_set(err, E_INVALID, "sizes", "numbers from 1 to 64, or household, with commas between / 须为 1 至 64 的数或 household, 以逗号分隔");
        ret[n++] = household ? POOLING_A_HOUSEHOLD : (int)size;
    }
    *ret_n = n;
    return 0;
}

static int pooling(struct request *r, struct error *err) {
    struct pooling_assumptions a;
    struct testing_pools pools;
    struct ledger *l = NULL;
    int sizes[TESTING_SIZES_MAX], n = 0;
    double more = 0.1, people = 10000;
    pooling_assumptions_init(&a);
    a.together = !request_query_flag(r, "mixed");
    const struct { const char *name; double *to; } numbers[] = {{"prevalence", &a.prevalence}, {"people", &people}, {"attack", &a.attack}, {"sensitivity", &a.sensitivity}, {"specificity", &a.specificity},
                                                               {"ct_mean", &a.ct_mean}, {"ct_sd", &a.ct_sd}, {"ct_limit", &a.ct_limit}, {"more_lost", &more}};
    int rc = query_sizes(r, sizes, &n, err);
    for (size_t i = 0; rc == 0 && i < sizeof numbers / sizeof *numbers; i++) rc = query_number(r, numbers[i].name, numbers[i].to, err);
    if (rc == 0 && people < 1) rc = error_set(err, E_INVALID, "people", "at least 1 / 至少 1 人");
    if (rc == 0) rc = request_reader(r, &l, err);
    if (rc == 0) rc = testing_pooling(l, request_query(r, "disease"), r->now, &a, sizes, n, more, &pools, err);
    return rc < 0 ? rc : answer_json(r, 200, testing_pools_json(&pools, people), err);
}

#define COUNT "{\"type\":\"number\",\"minimum\":0}"
#define HOUR "{\"type\":[\"string\",\"number\"],\"description\":\"17:30 or 17.5\"}"
#define MAYBE "{\"type\":[\"number\",\"null\"]}"
#define POINT "{\"type\":\"array\",\"items\":" NUMBER ",\"minItems\":2,\"maxItems\":2,\"description\":\"longitude, latitude\"}"
#define QUEUE SHAPE("CampaignQueue")
const struct schema campaigns_schemas[] = {
    {"CampaignAsked", "{\"type\":\"object\",\"additionalProperties\":false,\"description\":\"Without areas: people. Without laboratories: tubes_per_day. What is left out is as docs/campaign.md says.\",\"properties\":{\"people\":" COUNT
        ",\"tables\":" COUNT ",\"tubes_per_day\":" COUNT ",\"turnaround_hours\":" COUNT ",\"samplers\":" COUNT ",\"samplers_per_table\":" COUNT ",\"people_per_hour\":" COUNT ",\"people_per_tube\":" COUNT
        ",\"couriers\":" COUNT ",\"tubes_per_trip\":" COUNT ",\"loading_minutes\":" COUNT ",\"starts\":" HOUR ",\"opens\":" HOUR ",\"closes\":" HOUR ",\"slot_minutes\":" COUNT ",\"report_minutes\":" COUNT
        ",\"deadline_hours\":" COUNT ",\"spread_city\":" COUNT ",\"spread_area\":" COUNT ",\"spread_laboratory\":" COUNT ",\"spread_road\":" COUNT ",\"burst_at\":" HOUR ",\"burst_hours\":" COUNT ",\"burst_share\":" COUNT
        ",\"draws\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":2000},\"seed\":{\"type\":\"integer\",\"minimum\":0},\"speed_kmh\":" COUNT
        ",\"travel_minutes\":{\"oneOf\":[" NUMBER ",{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":" NUMBER "}}]},\"areas\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":400,\"items\":"
        "{\"$ref\":\"#/components/schemas/CampaignAreaInput\"}},\"laboratories\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,\"items\":{\"$ref\":\"#/components/schemas/CampaignLaboratoryInput\"}},\"note\":" STRING "}}"},
    {"CampaignAreaInput", "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"name\":" STRING ",\"people\":" COUNT ",\"tables\":" COUNT ",\"samplers\":" NUMBER ",\"people_per_hour\":" COUNT ",\"waiting_tubes\":" COUNT
        ",\"point\":" POINT ",\"sites\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":" STRING ",\"people\":" COUNT ",\"tables\":" COUNT "}}}}}"},
    {"CampaignLaboratoryInput", "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"name\":" STRING ",\"tubes_per_hour\":" COUNT ",\"tubes_per_day\":" COUNT ",\"turnaround_hours\":" COUNT ",\"waiting_tubes\":" COUNT
        ",\"point\":" POINT "}}"},
    {"CampaignQueue", "{\"type\":\"object\",\"required\":[\"peak\",\"longest_minutes\",\"state\"],\"properties\":{\"peak\":" NUMBER ",\"peak_a_table\":" NUMBER ",\"peak_at_hours\":" NUMBER ",\"longest_minutes\":" NUMBER
        ",\"not_served\":" NUMBER ",\"state\":{\"enum\":[\"free\",\"busy\",\"jammed\"]}}}"},
    {"CampaignAreaPlan", "{\"type\":\"object\",\"required\":[\"name\",\"people\",\"samplers\"],\"properties\":{\"name\":" STRING ",\"people\":" NUMBER ",\"tables\":" NUMBER ",\"samplers\":" NUMBER ",\"couriers\":" NUMBER
        ",\"sampled_hours\":" MAYBE ",\"sampled_hours_p90\":" MAYBE ",\"tubes_to\":{\"type\":\"array\",\"items\":" NUMBER ",\"description\":\"tubes to each laboratory, in their order\"},\"burst\":" QUEUE ",\"by_slot\":" QUEUE
        ",\"called\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"description\":\"people to be called for each slot of the first day\"},\"not_called\":{\"type\":\"integer\"},\"sites\":" LIST(SHAPE("CampaignSitePlan")) "}}"},
    {"CampaignSitePlan", "{\"type\":\"object\",\"required\":[\"name\",\"people\",\"tables\",\"samplers\"],\"properties\":{\"name\":" STRING ",\"people\":" NUMBER ",\"tables\":" NUMBER ",\"samplers\":" NUMBER "}}"},
    {"CampaignLaboratoryPlan", "{\"type\":\"object\",\"required\":[\"name\",\"tubes\"],\"properties\":{\"name\":" STRING ",\"tubes\":" NUMBER ",\"tubes_per_hour\":" NUMBER ",\"busy_hours\":" NUMBER ",\"most_waiting\":" NUMBER
        ",\"last_result_hours\":" NUMBER "}}"},
    {"CampaignBuys", "{\"type\":\"object\",\"required\":[\"resource\",\"share\"],\"properties\":{\"resource\":{\"enum\":[\"samplers\",\"tables\",\"couriers\",\"laboratories\"]},\"share\":" NUMBER ",\"one_more_minutes\":" NUMBER
        ",\"where\":{\"type\":[\"string\",\"null\"]},\"tenth_more_minutes\":" NUMBER "}}"},
    {"CampaignFinish", "{\"type\":\"object\",\"required\":[\"expected\"],\"properties\":{\"best\":" NUMBER ",\"expected\":" MAYBE ",\"p10\":" MAYBE ",\"p50\":" MAYBE ",\"p90\":" MAYBE "}}"},
    {"CampaignSlot", "{\"type\":\"object\",\"required\":[\"hours\",\"sampled\"],\"properties\":{\"hours\":" NUMBER ",\"sampled\":" NUMBER ",\"fetched\":" NUMBER ",\"started\":" NUMBER ",\"reported\":" NUMBER "}}"},
    {"CampaignPlan", "{\"type\":\"object\",\"required\":[\"people\",\"tubes\",\"finish_hours\",\"bottleneck\",\"buys\",\"areas\",\"laboratories\",\"slots\"],\"properties\":{\"people\":" NUMBER ",\"tubes\":" NUMBER ",\"samplers\":" NUMBER
        ",\"samplers_placed\":" NUMBER ",\"couriers\":" NUMBER ",\"by_rule\":{\"type\":\"boolean\"},\"rules_of_thumb\":{\"type\":\"object\",\"additionalProperties\":" NUMBER "},\"finish_hours\":{\"$ref\":\"#/components/schemas/CampaignFinish\"},"
        "\"on_time\":" MAYBE ",\"bottleneck\":{\"enum\":[\"samplers\",\"tables\",\"couriers\",\"laboratories\",\"none\"]},\"buys\":" LIST(SHAPE("CampaignBuys")) ",\"areas\":" LIST(SHAPE("CampaignAreaPlan")) ",\"laboratories\":"
        LIST(SHAPE("CampaignLaboratoryPlan")) ",\"slots\":" LIST(SHAPE("CampaignSlot")) ",\"as_is\":{\"$ref\":\"#/components/schemas/CampaignAsIs\"},\"moves\":" LIST(SHAPE("CampaignMove")) "}}"},
    {"CampaignAsIs", "{\"type\":\"object\",\"description\":\"When nobody moves; where areas say how many samplers they have. null: never.\",\"required\":[\"finish_hours\",\"areas\"],\"properties\":{\"finish_hours\":{\"$ref\":"
        "\"#/components/schemas/CampaignFinish\"},\"on_time\":" MAYBE ",\"areas\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":" STRING ",\"people\":" NUMBER ",\"samplers\":" NUMBER
        ",\"sampled_hours\":" MAYBE ",\"sampled_hours_p90\":" MAYBE "}}}}}"},
    {"CampaignMove", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"samplers\"],\"properties\":{\"from\":" STRING ",\"to\":" STRING ",\"samplers\":" NUMBER "}}"},
    {"RoundForecast", "{\"type\":\"object\",\"required\":[\"round\",\"at\",\"finished\",\"done\",\"jams\",\"behind\",\"teams\"],\"properties\":{\"round\":{\"type\":\"integer\"},\"at\":" STRING
        ",\"finished\":{\"type\":\"boolean\"},\"done\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}},\"samplers_assumed\":{\"type\":\"boolean\"},\"couriers_assumed\":{\"type\":\"boolean\"},\"deadline_hours\":" MAYBE
        ",\"jams\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"site\":{\"type\":\"integer\"},\"title\":" STRING ",\"region\":" STRING ",\"waiting\":{\"type\":\"integer\"},\"wait_minutes\":" NUMBER
        ",\"state\":{\"enum\":[\"busy\",\"jammed\"]}}}},\"behind\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"area\":" STRING ",\"left\":" NUMBER ",\"last_hour\":" NUMBER ",\"samplers\":" NUMBER
        ",\"sampled_hours\":" MAYBE ",\"could_be_hours\":" MAYBE "}}},\"teams\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"team\":{\"type\":\"integer\"},\"title\":" STRING
        ",\"samplers\":{\"type\":\"integer\"},\"to\":{\"type\":[\"string\",\"null\"]}}}},\"plan\":{\"$ref\":\"#/components/schemas/CampaignPlan\"}}}"},
    {"RoundsAsked", "{\"type\":\"object\",\"properties\":{\"template\":" STRING ",\"starts_at\":" STRING ",\"hours\":{\"type\":\"integer\"},\"tube_size\":{\"type\":\"integer\"},\"areas\":{\"type\":\"array\","
        "\"maxItems\":64,\"items\":" STRING "}}}"},
    {"RoundsMade", "{\"type\":\"object\",\"required\":[\"rounds\",\"tube_size\"],\"properties\":{\"rounds\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},\"seq\":"
        "{\"type\":\"integer\"},\"starts_at\":" STRING ",\"ends_at\":" STRING "}}},\"tube_size\":{\"type\":\"integer\"},\"pooling_max\":{\"type\":\"integer\"},\"scopes\":{\"type\":\"integer\"}}}"},
    {"PoolingSize", "{\"type\":\"object\",\"required\":[\"size\",\"missed\",\"forbidden\"],\"properties\":{\"size\":{\"oneOf\":[{\"type\":\"integer\"},{\"const\":\"household\"}]},\"best\":{\"type\":\"boolean\"},"
        "\"forbidden\":{\"type\":\"boolean\"},\"tubes_first\":" NUMBER ",\"tubes_tested\":" NUMBER ",\"tube_positivity\":" NUMBER ",\"held\":" NUMBER ",\"found\":" NUMBER ",\"missed\":" NUMBER
        ",\"missed_more_than_single\":" NUMBER ",\"wrongly_positive\":" NUMBER ",\"sensitivity\":" NUMBER ",\"ppv\":" NUMBER ",\"cost\":" NUMBER "}}"},
    {"Pooling", "{\"type\":\"object\",\"required\":[\"people\",\"sizes\"],\"properties\":{\"people\":" NUMBER ",\"pooling_max\":{\"type\":\"integer\",\"description\":\"0: the plan in force does not say\"},\"pack\":"
        STRING ",\"source\":" STRING ",\"sizes\":" LIST(SHAPE("PoolingSize")) "}}"},
    {0},
};

const struct route campaigns_routes[] = {
    {.method = "POST", .path = "/api/v1/testing/plan", .who = WHO_ACCOUNT, .roles = "command;tester;system", .body = BODY_JSON, .run = plan, .headers = ROUTE_ASIDE, .request = "CampaignAsked", .response = "CampaignPlan",
     .zh = "测算一轮检测:完成时间、瓶颈、增一份力量早多少、分配", .en = "Plan a round of testing: finish, what holds it up, what one more buys, who goes where."},
    {.method = "GET", .path = "/api/v1/testing/rounds/{id}/forecast", .who = WHO_ACCOUNT, .run = forecast, .headers = ROUTE_ASIDE, .response = "RoundForecast",
     .zh = "一轮检测的实时预测:何时完成、何处落后、何处拥堵、机动力量往何处调", .en = "A round under way forecast: when it is finished, who falls behind, where queues jam, where to move samplers and teams.",
     .query = {{"couriers", "{\"type\":\"integer\"}", "转运车辆", "vehicles; by rule without it"}}},
    {.method = "POST", .path = "/api/v1/testing/campaigns/{id}/rounds", .who = WHO_ACCOUNT, .body = BODY_JSON, .run = make_rounds, .request = "RoundsAsked", .response = "RoundsMade", .status = 201,
     .zh = "按模板(三日三检等)生成各轮:日期、范围、混采规格", .en = "Rounds made from a template: days, scope, tube size; refused where they overlap or the plan in force forbids the size.",
     .query = {{"dry_run", "{\"type\":\"boolean\"}", "只显示", "show them, make nothing"}}},
    {.method = "GET", .path = "/api/v1/testing/pooling", .who = WHO_ACCOUNT, .run = pooling, .response = "Pooling", .zh = "混采规格:每管几人,省多少管、漏多少人、须先管控多少人;注明方案不许的规格",
     .en = "How many swabs to one tube: tubes saved, infections missed, people held; sizes the plan in force forbids are marked.",
     .query = {{"prevalence", NUMBER, "感染率,如 0.001", "share infected: 0.001"}, {"people", NUMBER, "受检人数", "people tested"}, {"sizes", STRING, "如 1,5,10,20,household", "1,5,10,20,household: swabs in a tube, or a tube a household"},
               {"disease", STRING, "病种", "disease"}, {"mixed", "{\"type\":\"boolean\"}", "随机混采", "people mixed at random"}, {"attack", NUMBER, "家庭续发率", "others of a reached household who are infected"},
               {"sensitivity", NUMBER, "灵敏度", "of one test"}, {"specificity", NUMBER, "特异度", "of one test"}, {"ct_mean", NUMBER, "单采 Ct 均值", "mean Ct of the infected"}, {"ct_sd", NUMBER, "其标准差", "its spread; 0: no dilution"},
               {"ct_limit", NUMBER, "判阳上限", "the largest Ct called positive"}, {"more_lost", NUMBER, "可多漏的比例", "share lost by pooling beyond single tubes, at most"}}},
    {0},
};

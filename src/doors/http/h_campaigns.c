/* Mass testing planned and forecast over HTTP; the figures are those of `tocsin campaign plan`. */
#include "desks/testing/campaign.h"
#include "doors/http/inside.h"
#include "doors/http/route.h"

static int plan(struct request *r, struct error *err) {
    struct testing_campaign t;
    json_t *j = NULL;
    int rc = testing_campaign_read(&r->arena, r->json, &t, err);
    if (rc == 0) rc = testing_campaign_plan(&t, &j, err);
    return rc < 0 ? rc : answer_json(r, 200, j, err);
}

#define NUMBER "{\"type\":\"number\"}"
#define COUNT "{\"type\":\"number\",\"minimum\":0}"
#define STRING "{\"type\":\"string\"}"
#define HOUR "{\"type\":[\"string\",\"number\"],\"description\":\"17:30 or 17.5\"}"
#define MAYBE "{\"type\":[\"number\",\"null\"]}"
#define POINT "{\"type\":\"array\",\"items\":" NUMBER ",\"minItems\":2,\"maxItems\":2,\"description\":\"longitude, latitude\"}"
#define LIST(name) "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/" name "\"}}"
#define QUEUE "{\"$ref\":\"#/components/schemas/CampaignQueue\"}"
const struct schema campaigns_schemas[] = {
    {"CampaignInput", "{\"type\":\"object\",\"additionalProperties\":false,\"description\":\"Without areas: people. Without laboratories: tubes_per_day. What is left out is as docs/campaign.md says.\",\"properties\":{\"people\":" COUNT
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
        ",\"called\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"description\":\"people to be called for each slot of the first day\"},\"not_called\":{\"type\":\"integer\"},\"sites\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}"},
    {"CampaignLaboratoryPlan", "{\"type\":\"object\",\"required\":[\"name\",\"tubes\"],\"properties\":{\"name\":" STRING ",\"tubes\":" NUMBER ",\"tubes_per_hour\":" NUMBER ",\"busy_hours\":" NUMBER ",\"most_waiting\":" NUMBER
        ",\"last_result_hours\":" NUMBER "}}"},
    {"CampaignBuys", "{\"type\":\"object\",\"required\":[\"resource\",\"share\"],\"properties\":{\"resource\":{\"enum\":[\"samplers\",\"tables\",\"couriers\",\"laboratories\"]},\"share\":" NUMBER ",\"one_more_minutes\":" NUMBER
        ",\"where\":{\"type\":[\"string\",\"null\"]},\"tenth_more_minutes\":" NUMBER "}}"},
    {"CampaignFinish", "{\"type\":\"object\",\"required\":[\"best\",\"expected\"],\"properties\":{\"best\":" NUMBER ",\"expected\":" MAYBE ",\"p10\":" MAYBE ",\"p50\":" MAYBE ",\"p90\":" MAYBE "}}"},
    {"CampaignSlot", "{\"type\":\"object\",\"required\":[\"hours\",\"sampled\"],\"properties\":{\"hours\":" NUMBER ",\"sampled\":" NUMBER ",\"fetched\":" NUMBER ",\"started\":" NUMBER ",\"reported\":" NUMBER "}}"},
    {"CampaignPlan", "{\"type\":\"object\",\"required\":[\"people\",\"tubes\",\"finish_hours\",\"bottleneck\",\"buys\",\"areas\",\"laboratories\",\"slots\"],\"properties\":{\"people\":" NUMBER ",\"tubes\":" NUMBER ",\"samplers\":" NUMBER
        ",\"samplers_placed\":" NUMBER ",\"couriers\":" NUMBER ",\"by_rule\":{\"type\":\"boolean\"},\"rules_of_thumb\":{\"type\":\"object\",\"additionalProperties\":" NUMBER "},\"finish_hours\":{\"$ref\":\"#/components/schemas/CampaignFinish\"},"
        "\"on_time\":" MAYBE ",\"bottleneck\":{\"enum\":[\"samplers\",\"tables\",\"couriers\",\"laboratories\",\"none\"]},\"buys\":" LIST("CampaignBuys") ",\"areas\":" LIST("CampaignAreaPlan") ",\"laboratories\":"
        LIST("CampaignLaboratoryPlan") ",\"slots\":" LIST("CampaignSlot") "}}"},
    {0},
};

const struct route campaigns_routes[] = {
    {.method = "POST", .path = "/api/v1/testing/plan", .who = WHO_ACCOUNT, .roles = "command;tester;system", .body = BODY_JSON, .run = plan, .headers = ROUTE_ASIDE, .request = "CampaignInput", .response = "CampaignPlan",
     .zh = "测算一轮检测:完成时间、瓶颈、增一份力量早多少、分配", .en = "Plan a round of testing: finish, what holds it up, what one more buys, who goes where."},
    {0},
};

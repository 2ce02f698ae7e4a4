/* What a map needs: the outlines of regions. */
#include <string.h>

#include "base/digest.h"
#include "desks/shape/shape.h"
#include "doors/http/route.h"

/* Outlines change seldom and weigh much: who has them already is told so. */
static int shapes(struct request *r, struct error *err) {
    struct ledger *l = NULL;
    struct text under = {"", 0};
    int64_t level = 0;
    int rc = request_query_region(r, "under", &under, err);
    if (!rc) rc = request_query_int(r, "level", 1, 5, 0, &level, err);
    if (!rc) rc = request_reader(r, &l, err);
    if (rc < 0) return rc;
    struct buf *b = answer_open(r, 200);
    rc = shapes_write(l, l->db, &r->session, under.n ? under : l->region, (int)level, b, NULL, err);
    if (rc < 0) return rc;
    char *tag = arena_printf(&r->arena, "\"%016llx\"", (unsigned long long)digest_64(buf_view(b)));
    if (!tag) return error_memory(err);
    answer_header(r, "ETag", tag);
    answer_header(r, "Cache-Control", "private, no-cache");
    return request_has_etag(r, tag) ? answer_empty(r, 304) : 0;
}

#define RING LIST(LIST("{\"type\":\"number\"}"))
const struct schema regions_schemas[] = {
    {"RegionShapes", "{\"type\":\"object\",\"description\":\"GeoJSON (RFC 7946)\",\"required\":[\"type\",\"features\"],\"properties\":{\"type\":{\"const\":\"FeatureCollection\"},\"features\":{\"type\":\"array\","
                     "\"items\":{\"type\":\"object\",\"required\":[\"type\",\"id\",\"properties\",\"geometry\"],\"properties\":{\"type\":{\"const\":\"Feature\"},\"id\":" STRING ",\"properties\":{\"type\":\"object\","
                     "\"required\":[\"code\",\"zh\",\"en\",\"level\"],\"properties\":{\"code\":" STRING ",\"zh\":" STRING ",\"en\":" STRING ",\"level\":{\"type\":\"integer\"}}},\"geometry\":{\"type\":\"object\",\"required\":[\"type\",\"coordinates\"],"
                     "\"properties\":{\"type\":{\"enum\":[\"Polygon\",\"MultiPolygon\"]},\"coordinates\":{\"anyOf\":[" LIST(RING) "," LIST(LIST(RING)) "]}}}}}}}}"},
    {0},
};

const struct route regions_routes[] = {
    {.method = "GET", .path = "/api/v1/regions/shapes", .who = WHO_ACCOUNT, .run = shapes, .response = "RegionShapes", .zh = "区划轮廓(GeoJSON),供地图使用",
     .en = "Outlines of regions as GeoJSON, for maps; those in which one may read register region.",
     .query = {{"under", STRING, "行政区划代码,含下级;缺省为本级", "region code and its subtree; the node's own without it"},
               {"level", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}", "只取此级:1 省 2 市 3 县 4 乡镇街道 5 村居", "this level only: 1 province to 5 village"}}},
    {0},
};

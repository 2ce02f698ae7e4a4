/* What the row of a route does not name is refused, in the query and in the body: a restriction that was mistyped would otherwise do more than was asked for
 * (a token for every register, everybody's contacts taken in, all days of the journal). Cells of a record are held to their register elsewhere (represent.c). */
#include <stdio.h>
#include <string.h>

#include "doors/http/inside.h"

static json_t *told[ROUTES_MAX]; /* "properties" of the body's schema, by the route's index; NULL: the handler looks itself */
static const struct route *told_of[ROUTES_MAX]; /* a second server of a process finds them made: the first is reading them */

static const struct schema *schema_named(const char *name) {
    const struct schema *s = NULL;
    for (size_t i = 0; name && (s = schema_at(i)); i++)
        if (!strcmp(s->name, name)) return s;
    return NULL;
}

bool schema_is_closed(const struct schema *s) {
    return !strncmp(s->json, "{\"type\":\"object\",", 17) && strncmp(s->json + 17, "\"additionalProperties\"", 22) != 0; /* who says it himself sees to it himself */
}

int members_prepare(size_t n_routes, struct error *err) {
    for (size_t i = 0; i < ROUTES_MAX; i++) {
        const struct route *r = i < n_routes ? route_at(i) : NULL;
        if (told_of[i] == r) continue;
        told_of[i] = NULL;
        const struct schema *s = r && (r->body == BODY_JSON || r->body == BODY_JSON_MAYBE) ? schema_named(r->request) : NULL;
        json_decref(told[i]);
        told[i] = NULL;
        json_t *whole = s && schema_is_closed(s) ? json_loads(s->json, 0, NULL) : NULL;
        told[i] = json_incref(json_object_get(whole, "properties"));
        json_decref(whole);
        if (!told[i] && s && schema_is_closed(s)) return error_memory(err);
        told_of[i] = r;
    }
    return 0;
}

const json_t *members_told(const struct request *r) {
    return r->route && r->route_index < ROUTES_MAX ? told[r->route_index] : NULL;
}

int members_of_query(const struct request *r, struct error *err) {
    const struct route *route = r->route;
    if (route->headers & (FIELD_FILTERS | ROUTE_QUERY_OPEN) || (route->who == WHO_PUBLIC && !route->query[0].name)) return 0;
    for (size_t i = 0; i < r->n_query; i++) {
        bool known = false;
        for (const struct route_query *q = route->query; q->name && !known; q++) known = text_is(r->query[i].name, q->name);
        if (known) continue;
        char where[64];
        snprintf(where, sizeof where, "?%.*s", (int)(r->query[i].name.n < 50 ? r->query[i].name.n : 50), r->query[i].name.s);
        return error_set(err, E_USAGE, where, "is no parameter here / 此处没有该参数");
    }
    return 0;
}

/* A guard that would guard nothing: what is sent with it relies on it. */
int members_of_head(const struct request *r, struct error *err) {
    static const struct { unsigned flag; const char *name; } guards[] = {{HEADER_KEY, "Idempotency-Key"}, {HEADER_MATCH, "If-Match"}};
    if (!strcmp(r->method, "GET") || !strcmp(r->method, "HEAD")) return 0;
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        if (!(r->route->headers & guards[i].flag) && request_header(r, guards[i].name)) return error_set(err, E_USAGE, guards[i].name, "is not kept here; leave it out / 此处不支持该请求头,请去掉");
    return 0;
}

int members_of_body(const struct request *r, struct error *err) {
    const json_t *known = members_told(r);
    const char *name;
    json_t *value;
    if (!known || !json_is_object(r->json)) return 0;
    json_object_foreach(r->json, name, value) {
        const json_t *one = json_object_get(known, name);
        const char *type = json_string_value(json_object_get(one, "type"));
        char where[80];
        snprintf(where, sizeof where, "/%.70s", name);
        if (!one) return error_set(err, E_UNKNOWN, where, "is not known here / 此处无此项");
        if (type && !strcmp(type, "boolean") && !json_is_boolean(value) && !json_is_null(value)) return error_set(err, E_SYNTAX, where, "must be true or false / 应为 true 或 false");
    }
    return 0;
}

/* GeoJSON into shapes; see shape.h. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desks/shape/shape.h"

enum { PLACE_BYTES = 128, MICRO = 1000000 };

struct reader {
    struct shapes *out;
    struct error *err;
    struct buf text;      /* the geometry being written */
    char place[PLACE_BYTES]; /* JSON pointer */
    size_t rings, positions; /* of the region being read */
    int64_t (*ring)[2];   /* in millionths of a degree */
    size_t cap;
};

/* Longer by "/i"; the place as it was is restored by cutting to the length given back. */
static size_t deeper(struct reader *x, size_t i) {
    size_t n = strlen(x->place);
    snprintf(x->place + n, sizeof x->place - n, "/%zu", i);
    return n;
}

static int position(struct reader *x, const json_t *p, int64_t out[2]) {
    static const double limits[] = {180, 90};
    size_t n = json_array_size(p);
    if (n < 2 || n > 3) return error_set(x->err, E_INVALID, x->place, "a position is [longitude, latitude] / 坐标应为 [经度, 纬度]");
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = json_array_get(p, i);
        double d = json_number_value(v);
        if (!json_is_number(v) || !isfinite(d) || fabs(d) > limits[i])
            return error_set(x->err, E_INVALID, x->place, "longitude within 180 and latitude within 90 degrees, in this order / 经度应在 ±180 以内、纬度在 ±90 以内,先经后纬");
        out[i] = llround(d * MICRO);
    }
    return 0;
}

__extension__ typedef __int128 wide;

/* The sign of the area, counter-clockwise positive; exact. */
static int turns(int64_t (*ring)[2], size_t n) {
    wide sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = i + 1 < n ? i + 1 : 0;
        sum += (wide)ring[i][0] * ring[k][1] - (wide)ring[i][1] * ring[k][0];
    }
    return (sum > 0) - (sum < 0);
}

static void put_degrees(struct buf *b, int64_t v) {
    char text[32];
    int64_t whole = v / MICRO, part = v % MICRO;
    int n = snprintf(text, sizeof text, "%s%lld.%06lld", v < 0 && !whole ? "-" : "", (long long)whole, (long long)(part < 0 ? -part : part));
    while (text[n - 1] == '0') n--;
    if (text[n - 1] == '.') n--;
    buf_add(b, text, (size_t)n);
}

static void put_ring(struct buf *b, int64_t (*ring)[2], size_t n, bool turned) {
    buf_char(b, '[');
    for (size_t i = 0; i <= n; i++) { /* the first again at the end */
        size_t k = turned ? (n - i) % n : i % n;
        buf_str(b, i ? ",[" : "[");
        put_degrees(b, ring[k][0]);
        buf_char(b, ',');
        put_degrees(b, ring[k][1]);
        buf_char(b, ']');
    }
    buf_char(b, ']');
}

static int ring_room(struct reader *x, size_t n) {
    if (n <= x->cap) return 0;
    int64_t(*grown)[2] = mem_realloc(x->ring, n * sizeof *grown);
    if (!grown) return error_memory(x->err);
    x->ring = grown;
    x->cap = n;
    return 0;
}

static int ring_read(struct reader *x, const json_t *ring, bool outer) {
    size_t given = json_array_size(ring), n = 0;
    if (!json_is_array(ring) || given < 4) return error_set(x->err, E_INVALID, x->place, "a ring has at least four positions / 环至少须有四个坐标");
    x->positions += given;
    if (++x->rings > SHAPE_RINGS_MAX || x->positions > SHAPE_POSITIONS_MAX)
        return error_set(x->err, E_TOO_LARGE, x->place, "more than %d rings or %d positions in one region / 一个区划超过 %d 个环或 %d 个坐标", SHAPE_RINGS_MAX, SHAPE_POSITIONS_MAX,
                         SHAPE_RINGS_MAX, SHAPE_POSITIONS_MAX);
    int rc = ring_room(x, given);
    for (size_t i = 0; rc == 0 && i < given; i++) {
        size_t cut = deeper(x, i);
        rc = position(x, json_array_get(ring, i), x->ring[n]);
        if (rc == 0) x->place[cut] = 0;
        if (rc == 0 && (!n || x->ring[n][0] != x->ring[n - 1][0] || x->ring[n][1] != x->ring[n - 1][1])) n++;
    }
    if (rc < 0) return rc;
    if (n < 2 || x->ring[0][0] != x->ring[n - 1][0] || x->ring[0][1] != x->ring[n - 1][1])
        return error_set(x->err, E_INVALID, x->place, "the ring is not closed: its last position is its first / 环未闭合,末点须与首点相同");
    int turn = turns(x->ring, --n);
    if (n < 3 || !turn) return error_set(x->err, E_INVALID, x->place, "the ring has no area / 环的面积为零");
    put_ring(&x->text, x->ring, n, (turn > 0) != outer);
    x->out->positions += (int64_t)n + 1;
    return 0;
}

static int polygon(struct reader *x, const json_t *rings) {
    size_t n = json_array_size(rings);
    int rc = 0;
    if (!n) return error_set(x->err, E_INVALID, x->place, "a polygon has at least one ring / 多边形至少须有一个环");
    buf_char(&x->text, '[');
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t cut = deeper(x, i);
        if (i) buf_char(&x->text, ',');
        rc = ring_read(x, json_array_get(rings, i), i == 0);
        if (rc == 0) x->place[cut] = 0;
    }
    buf_char(&x->text, ']');
    return rc;
}

static int geometry(struct reader *x, const json_t *g) {
    const char *type = json_string_value(json_object_get(g, "type"));
    const json_t *coordinates = json_object_get(g, "coordinates");
    bool many = type && !strcmp(type, "MultiPolygon");
    size_t n = many ? json_array_size(coordinates) : 1, from = strlen(x->place);
    int rc = 0;
    snprintf(x->place + from, sizeof x->place - from, "/geometry");
    if (!type || (!many && strcmp(type, "Polygon") != 0)) return error_set(x->err, E_INVALID, x->place, "a region is a Polygon or a MultiPolygon / 区划应为 Polygon 或 MultiPolygon");
    from = strlen(x->place);
    snprintf(x->place + from, sizeof x->place - from, "/coordinates");
    if (!json_is_array(coordinates) || !n) return error_set(x->err, E_INVALID, x->place, "there are no coordinates / 没有坐标");
    buf_reset(&x->text);
    x->rings = x->positions = 0;
    buf_printf(&x->text, "{\"type\":\"%s\",\"coordinates\":%s", n > 1 ? "MultiPolygon" : "Polygon", n > 1 ? "[" : "");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        size_t cut = strlen(x->place);
        if (many) deeper(x, i);
        if (i) buf_char(&x->text, ',');
        rc = polygon(x, many ? json_array_get(coordinates, i) : coordinates);
        if (rc == 0) x->place[cut] = 0;
    }
    buf_str(&x->text, n > 1 ? "]}" : "}");
    return rc < 0 ? rc : x->text.failed ? error_memory(x->err) : 0;
}

/* A code as text or number; "156310115" of the national map service is 310115. */
static bool code_of(const json_t *v, char out[REGION_MAX + 1]) {
    char digits[24];
    struct text t = {"", 0};
    if (json_is_string(v)) t = (struct text){json_string_value(v), json_string_length(v)};
    if (json_is_integer(v)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(v));
        t = text_of(digits);
    }
    if (t.n == 9 && text_starts(t, TEXT("156")) && t.s[3] != '0') {
        struct text rest = {t.s + 3, 6};
        return region_canonical(rest, out);
    }
    return t.n && region_canonical(t, out) && !(strlen(out) == 9 && !strncmp(out, "156", 3) && out[3] != '0'); /* no region's: it would be read as another's here */
}

static int region_of(struct reader *x, const json_t *feature, const char *key, char out[REGION_MAX + 1]) {
    static const char *const keys[] = {"code", "adcode", "region", "region_code", "gb", "区划代码", "行政区划代码"};
    const json_t *properties = json_object_get(feature, "properties"), *v = key ? json_object_get(properties, key) : NULL;
    for (size_t i = 0; !key && !v && i < sizeof keys / sizeof *keys; i++) v = json_object_get(properties, keys[i]);
    if (!v && !key) v = json_object_get(feature, "id");
    size_t cut = strlen(x->place);
    snprintf(x->place + cut, sizeof x->place - cut, "/properties");
    if (!v) return error_set(x->err, E_INVALID, x->place, "which region it is stands nowhere; name its property with --key / 未注明区划代码,请用 --key 指明属性");
    if (!code_of(v, out)) return error_set(x->err, E_INVALID, x->place, "is no region code / 不是行政区划代码");
    x->place[cut] = 0;
    return 0;
}

static int by_region(const void *a, const void *b) {
    return text_cmp(((const struct shape *)a)->region, ((const struct shape *)b)->region);
}

static int feature(struct reader *x, const json_t *f, const char *key, size_t i) {
    struct shape *one = &x->out->list[x->out->n];
    char code[REGION_MAX + 1];
    const char *type = json_string_value(json_object_get(f, "type"));
    if (!type || strcmp(type, "Feature") != 0) return error_set(x->err, E_INVALID, x->place, "is no Feature / 不是 Feature");
    int rc = region_of(x, f, key, code);
    if (rc == 0) rc = geometry(x, json_object_get(f, "geometry"));
    if (rc < 0) return rc;
    *one = (struct shape){.region = arena_text(&x->out->arena, text_of(code)), .geometry = arena_text(&x->out->arena, buf_view(&x->text)), .feature = i};
    if (!one->region.s || !one->geometry.s) return error_memory(x->err);
    x->out->n++;
    return 0;
}

/* RFC 7946 knows one coordinate system only; files of before name it, or another one. */
static int system_check(struct reader *x, const json_t *root) {
    const json_t *crs = json_object_get(root, "crs");
    const char *name = json_string_value(json_object_get(json_object_get(crs, "properties"), "name"));
    if (!crs || json_is_null(crs) || (name && (strstr(name, "CRS84") || strstr(name, "EPSG::4326") || !strcmp(name, "EPSG:4326") || strstr(name, "EPSG::4490")))) return 0;
    return error_set(x->err, E_INVALID, "/crs", "coordinates must be WGS 84 longitude and latitude / 坐标系须为 WGS 84 经纬度");
}

static int collection(struct reader *x, const json_t *root, const char *key) {
    const char *type = json_string_value(json_object_get(root, "type"));
    bool one = type && !strcmp(type, "Feature");
    const json_t *features = json_object_get(root, "features");
    size_t n = one ? 1 : json_array_size(features);
    if (!one && (!type || strcmp(type, "FeatureCollection") != 0 || !json_is_array(features)))
        return error_set(x->err, E_INVALID, "/type", "a FeatureCollection of regions is needed / 应为区划的 FeatureCollection");
    if (!n) return error_set(x->err, E_INVALID, "/features", "there are no features / 没有要素");
    if (n > SHAPES_MAX) return error_set(x->err, E_TOO_LARGE, "/features", "more than %d features / 超过 %d 个要素", SHAPES_MAX, SHAPES_MAX);
    x->out->list = arena_alloc(&x->out->arena, n * sizeof *x->out->list);
    int rc = x->out->list ? system_check(x, root) : error_memory(x->err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        x->place[0] = 0;
        if (!one) snprintf(x->place, sizeof x->place, "/features/%zu", i);
        rc = feature(x, one ? root : json_array_get(features, i), key, i);
    }
    if (rc < 0) return rc;
    qsort(x->out->list, n, sizeof *x->out->list, by_region);
    for (size_t i = 1; i < n; i++) {
        const struct shape *a = &x->out->list[i - 1], *b = &x->out->list[i];
        if (!text_eq(a->region, b->region)) continue;
        snprintf(x->place, sizeof x->place, "/features/%zu", a->feature > b->feature ? a->feature : b->feature);
        return error_set(x->err, E_INVALID, x->place, "%.*s stands in the file twice / %.*s 重复出现", (int)a->region.n, a->region.s, (int)a->region.n, a->region.s);
    }
    return 0;
}

int shapes_parse(struct text json, const char *key, struct shapes *ret, struct error *err) {
    json_error_t why;
    struct reader x = {.out = ret, .err = err};
    *ret = (struct shapes){0};
    if (json.n > SHAPE_FILE_MAX) return error_set(err, E_TOO_LARGE, NULL, "more than %d bytes / 超过 %d 字节", SHAPE_FILE_MAX, SHAPE_FILE_MAX);
    if (text_starts(json, TEXT("\xEF\xBB\xBF"))) json = (struct text){json.s + 3, json.n - 3};
    json_t *root = json_loadb(json.n ? json.s : "", json.n, JSON_REJECT_DUPLICATES, &why);
    if (!root) return error_set(err, E_SYNTAX, NULL, "no JSON: line %d: %s / 不是合法的 JSON: 第 %d 行: %s", why.line, why.text, why.line, why.text);
    int rc = collection(&x, root, key);
    json_decref(root);
    buf_clear(&x.text);
    mem_free(x.ring);
    return rc;
}

void shapes_clear(struct shapes *s) {
    if (!s) return;
    arena_clear(&s->arena);
    *s = (struct shapes){0};
}

/* shapes.geojson of the demo: the county's and its streets' outlines, as a map service would send them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "desks/drill/demo_rows.h"
#include "engines/city_map.h"

static void put_outline(struct buf *b, const char *code, const char *name, const struct city_outline *o, bool first) {
    buf_printf(b, "%s{\"type\":\"Feature\",\"properties\":{\"code\":\"%s\",\"name\":\"%s\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[", first ? "" : ",\n", code, name);
    for (size_t i = 0; i <= o->n; i++) {
        const int32_t *at = o->at[i % o->n];
        buf_printf(b, "%s[%d.%06d,%d.%06d]", i ? "," : "", at[0] / 1000000, at[0] % 1000000, at[1] / 1000000, at[1] % 1000000);
    }
    buf_str(b, "]]}}");
}

static int file_put(const char *path, const struct buf *b, struct error *err) {
    FILE *f = fopen(path, "w");
    bool bad = !f || fwrite(b->s, 1, b->n, f) != b->n || fflush(f) != 0;
    int why = errno;
    if (f && fclose(f) != 0 && !bad) bad = true, why = errno;
    if (bad) return error_set(err, why == ENOSPC ? E_FULL : E_IO, path, "cannot be written: %s / 无法写入", strerror(why));
    return 0;
}

int demo_shapes_write(const char *dir, const struct city *c, struct error *err) {
    struct city_map m;
    struct buf b = {0};
    char path[1024], code[16];
    int rc = city_map_make(c, &m, err);
    if (rc == 0 && snprintf(path, sizeof path, "%s/shapes.geojson", dir) >= (int)sizeof path) rc = error_set(err, E_INVALID, dir, "the path is too long / 路径过长");
    if (rc == 0) {
        buf_str(&b, "{\"type\":\"FeatureCollection\",\"features\":[\n");
        put_outline(&b, c->options.region, "望江县(虚构)", &m.county, true);
        for (size_t i = 0; i < m.n; i++) {
            city_street_code(c, (int32_t)i, code);
            put_outline(&b, code, city_street((int32_t)i), &m.streets[i], false);
        }
        buf_str(&b, "\n]}\n");
        rc = b.failed ? error_memory(err) : file_put(path, &b, err);
    }
    city_map_clear(&m);
    buf_clear(&b);
    return rc;
}

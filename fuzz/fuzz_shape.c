/* GeoJSON from anybody: what is taken is written in one form, which is taken again as it is. */
#include <stdlib.h>

#include "desks/shape/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct shapes *s) {
    struct buf b = {0};
    struct shapes second;
    struct error err = {0};
    buf_str(&b, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < s->n; i++) {
        buf_printf(&b, "%s{\"type\":\"Feature\",\"properties\":{\"code\":\"%.*s\"},\"geometry\":", i ? "," : "", (int)s->list[i].region.n, s->list[i].region.s);
        buf_text(&b, s->list[i].geometry);
        buf_char(&b, '}');
    }
    buf_str(&b, "]}");
    if (shapes_parse(buf_view(&b), NULL, &second, &err) < 0 || second.n != s->n || second.positions != s->positions) abort();
    for (size_t i = 0; i < s->n; i++)
        if (!text_eq(s->list[i].region, second.list[i].region) || !text_eq(s->list[i].geometry, second.list[i].geometry)) abort();
    shapes_clear(&second);
    buf_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct shapes s;
    struct error err = {0};
    int rc = shapes_parse((struct text){(const char *)data, size}, NULL, &s, &err);
    if (rc < 0 && err.code != rc) abort();
    if (rc == 0) again(&s);
    shapes_clear(&s);
    return 0;
}

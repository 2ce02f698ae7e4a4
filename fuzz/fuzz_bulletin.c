/* desks/bulletin: any bytes are the figures of a report or an error with a reason; what was read is written and read again the same,
 * and both languages and the public version can be made of it. Bytes that are no JSON are used once more, as damage done to good figures. */
#include <string.h>

#include "desks/bulletin/bulletin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(struct text json) {
    struct bulletin a, b;
    struct error err = {0};
    struct buf first = {0}, second = {0}, text = {0};
    bulletin_init(&a);
    bulletin_init(&b);
    int rc = bulletin_read_json(json, &a, &err);
    if (rc < 0 && !err.code) __builtin_trap();
    if (!rc) {
        if (bulletin_write_json(&a, false, &first, &err) < 0 || bulletin_read_json(buf_view(&first), &b, &err) < 0) __builtin_trap();
        if (bulletin_write_json(&b, false, &second, &err) < 0 || !text_eq(buf_view(&first), buf_view(&second))) __builtin_trap();
        for (int zh = 0; zh < 2; zh++)
            if (bulletin_write_text(&a, NULL, zh, 80, &text, &err) < 0) __builtin_trap();
        if (bulletin_suppress(&a, 0, &err) < 0 || bulletin_write_text(&a, NULL, true, 80, &text, &err) < 0) __builtin_trap();
    }
    buf_clear(&first);
    buf_clear(&second);
    buf_clear(&text);
    bulletin_clear(&a);
    bulletin_clear(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct bulletin_row rows[2];
    static struct bulletin_change change;
    static struct text number;
    struct bulletin b;
    struct buf json = {0};
    struct error err = {0};
    read_one((struct text){(const char *)data, size});
    bulletin_init(&b);
    number = TEXT("C-310115-20220530-0001");
    b.region = TEXT("310115"), b.region_zh = TEXT("临江县"), b.day = 19142, b.as_of = 1653960000;
    b.fresh.n[0][0] = 12, b.fresh.n[1][1] = 3, b.regions = rows, b.n_regions = 2;
    rows[0] = rows[1] = (struct bulletin_row){.code = TEXT("310115001"), .zh = TEXT("城关镇"), .fresh = {.n = {{6, 0, 0}, {0, 2, 0}}}};
    change = (struct bulletin_change){.figure = TEXT("confirmed"), .before = 1, .after = 2, .entered = 1, .n_in = 1, .in = &number};
    b.changes = &change, b.n_changes = 1;
    bulletin_margins(&b);
    if (bulletin_write_json(&b, false, &json, &err) < 0) __builtin_trap();
    /* three bytes: where (two), what */
    for (size_t i = 0; i + 2 < size && i < 24; i += 3) json.s[(data[i] << 8 | data[i + 1]) % json.n] = (char)data[i + 2];
    read_one(buf_view(&json));
    buf_clear(&json);
    return 0;
}

#include "ledger/number.h"

#include <string.h>

struct counter {
    struct text name;
    int64_t next;
    bool dirty, stored;
};

struct number_book {
    struct arena arena;
    struct counter *counters; /* open addressing by name */
    size_t cap, used;
    /* the last mask as filled in: the rows of a list mostly share region and day */
    struct text mask, region, before, after;
    day on;
    int width;
};

const struct db_table *counter_table(void) {
    static const struct db_column columns[] = {{"name", COLUMN_TEXT, true}, {"next", COLUMN_INT, true}};
    static const struct db_table table = {.name = "counter", .key = "name", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

int number_open(struct number_book **ret, struct error *err) {
    struct number_book *b = mem_alloc(sizeof *b);
    if (!b) return error_set(err, E_MEMORY, NULL, "out of memory");
    *ret = b;
    return 0;
}

void number_reset(struct number_book *b) {
    if (!b) return;
    arena_reset(&b->arena);
    b->counters = NULL;
    b->cap = b->used = 0;
    b->mask = (struct text){NULL, 0};
}

void number_close(struct number_book *b) {
    if (!b) return;
    arena_clear(&b->arena);
    mem_free(b);
}

static struct counter *place(struct counter *list, size_t cap, struct text name) {
    uint64_t h = (uint64_t)digest_64(name);
    for (size_t i = h & (cap - 1);; i = (i + 1) & (cap - 1))
        if (!list[i].name.s || text_eq(list[i].name, name)) return &list[i];
}

static int counter_get(struct number_book *b, struct db *db, struct text name, struct counter **ret, struct error *err) {
    if (b->used * 2 >= b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        struct counter *list = arena_alloc(&b->arena, cap * sizeof *list);
        if (!list) return error_set(err, E_MEMORY, NULL, "out of memory");
        for (size_t i = 0; i < b->cap; i++)
            if (b->counters[i].name.s) *place(list, cap, b->counters[i].name) = b->counters[i];
        b->counters = list;
        b->cap = cap;
    }
    struct counter *c = place(b->counters, b->cap, name);
    if (!c->name.s) {
        struct value next = value_null(), param = value_text(name);
        int rc = db_scalar(db, &b->arena, "SELECT \"next\" FROM \"counter\" WHERE \"name\" = ?1", &param, 1, &next, err);
        if (rc < 0) return rc;
        struct text own = arena_text(&b->arena, name);
        if (!own.s) return error_set(err, E_MEMORY, NULL, "out of memory");
        *c = (struct counter){.name = own, .next = value_int_or(next, 1), .stored = next.kind == VALUE_INT};
        b->used++;
    }
    *ret = c;
    return 0;
}

/* Splits the filled mask into the text before and after the sequence. */
static int fill(struct number_book *b, struct text mask, struct text region, day on, struct error *err) {
    struct buf before = {0}, after = {0};
    struct buf *out = &before;
    struct civil c = civil_of_day(on);
    char shown[REGION_MAX + 1];
    int width = 0;
    region_display(region, shown);
    for (size_t i = 0; i < mask.n; i++) {
        struct text rest = {mask.s + i, mask.n - i};
        if (mask.s[i] != '{') {
            buf_char(out, mask.s[i]);
            continue;
        }
        if (text_starts(rest, TEXT("{region}")))
            buf_str(out, shown);
        else if (text_starts(rest, TEXT("{date}")))
            buf_printf(out, "%04d%02d%02d", c.year, c.month, c.day);
        else if (text_starts(rest, TEXT("{year}")))
            buf_printf(out, "%04d", c.year);
        else if (text_starts(rest, TEXT("{seq:")) && rest.n > 6) {
            width = rest.s[5] - '0';
            out = &after;
        }
        while (i < mask.n && mask.s[i] != '}') i++;
    }
    struct text kept[4] = {arena_text(&b->arena, mask), arena_text(&b->arena, region), arena_text(&b->arena, buf_view(&before)),
                           arena_text(&b->arena, buf_view(&after))};
    int rc = before.failed || after.failed || !kept[0].s || !kept[1].s || !kept[2].s || !kept[3].s ? error_set(err, E_MEMORY, NULL, "out of memory") : 0;
    if (!rc) {
        b->mask = kept[0];
        b->region = kept[1];
        b->before = kept[2];
        b->after = kept[3];
        b->on = on;
        b->width = width;
    }
    buf_clear(&before);
    buf_clear(&after);
    return rc;
}

int number_next(struct number_book *b, struct db *db, struct text mask, struct text region, day on, struct arena *a, struct text *ret, struct error *err) {
    struct counter *counter = NULL;
    int rc = 0;
    if (!b->mask.s || b->on != on || !text_eq(b->mask, mask) || !text_eq(b->region, region)) rc = fill(b, mask, region, on, err);
    if (!rc) rc = counter_get(b, db, b->before, &counter, err);
    if (rc < 0) return rc;
    char digits[24];
    int n = 0;
    for (int64_t v = counter->next; v || n < b->width || n == 0; v /= 10) digits[n++] = (char)('0' + v % 10);
    struct text number = {NULL, b->before.n + (size_t)n + b->after.n};
    char *s = arena_alloc(a, number.n + 1);
    if (!s) return error_set(err, E_MEMORY, NULL, "out of memory");
    memcpy(s, b->before.s, b->before.n);
    for (int i = 0; i < n; i++) s[b->before.n + (size_t)i] = digits[n - 1 - i];
    memcpy(s + b->before.n + n, b->after.s, b->after.n);
    number.s = s;
    counter->next++;
    counter->dirty = true;
    *ret = number;
    return 0;
}

int number_flush(struct number_book *b, struct db *db, struct error *err) {
    static const uint16_t all[] = {0, 1};
    int rc = 0;
    for (size_t i = 0; !rc && i < b->cap; i++) {
        struct counter *c = &b->counters[i];
        if (!c->name.s || !c->dirty) continue;
        struct value cells[] = {value_text(c->name), value_int(c->next)};
        rc = db_batch(db, DB_UPSERT, counter_table(), all, 2, cells, 1, NULL, err);
        c->dirty = false;
    }
    return rc;
}

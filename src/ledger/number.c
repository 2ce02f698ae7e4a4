#include "ledger/number.h"

#include <stdio.h>
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

int number_next(struct number_book *b, struct db *db, struct text mask, struct text region, day on, struct arena *a, struct text *ret, struct error *err) {
    struct buf before = {0}, after = {0};
    struct buf *out = &before;
    int width = 0, rc = 0;
    struct civil c = civil_of_day(on);
    char shown[REGION_MAX + 1];
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
    struct counter *counter = NULL;
    if (before.failed || after.failed)
        rc = error_set(err, E_MEMORY, NULL, "out of memory");
    else
        rc = counter_get(b, db, buf_view(&before), &counter, err);
    if (!rc) {
        char *s = arena_printf(a, "%s%0*lld%s", buf_cstr(&before), width, (long long)counter->next, buf_cstr(&after));
        if (!s) {
            rc = error_set(err, E_MEMORY, NULL, "out of memory");
        } else {
            counter->next++;
            counter->dirty = true;
            *ret = text_of(s);
        }
    }
    buf_clear(&before);
    buf_clear(&after);
    return rc;
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

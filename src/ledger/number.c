#include "ledger/number.h"

#include <string.h>

struct counter {
    struct text name;
    int64_t next;
    bool dirty, stored;
};

/* A mask as filled in for a region and a day. The rows of a list share few of them. */
struct filled {
    struct text mask, region, before, after; /* mask.s NULL: empty */
    day on;
    int width;
    struct counter *counter; /* good while the counters have `cap` places */
    size_t cap;
};

enum { FILLED = 64 };

struct number_book {
    struct arena arena;
    struct counter *counters; /* open addressing by name */
    size_t cap, used;
    struct filled filled[FILLED]; /* by day and region; a newer one takes the place of an older one */
};

const struct db_table *counter_table(void) {
    static const struct db_column columns[] = {{"name", COLUMN_TEXT, true}, {"next", COLUMN_INT, true}};
    static const struct db_table table = {.name = "counter", .key = "name", .clustered = true, .n_columns = 2, .columns = columns};
    return &table;
}

int number_open(struct number_book **ret, struct error *err) {
    struct number_book *b = mem_alloc(sizeof *b);
    if (!b) return error_memory(err);
    *ret = b;
    return 0;
}

void number_reset(struct number_book *b) {
    if (!b) return;
    arena_reset(&b->arena);
    b->counters = NULL;
    b->cap = b->used = 0;
    memset(b->filled, 0, sizeof b->filled);
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
        if (!list) return error_memory(err);
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
        if (!own.s) return error_memory(err);
        *c = (struct counter){.name = own, .next = value_int_or(next, 1), .stored = next.kind == VALUE_INT};
        b->used++;
    }
    *ret = c;
    return 0;
}

/* Splits the filled mask into the text before and after the sequence. */
static int fill(struct number_book *b, struct text mask, struct text region, day on, struct filled *ret, struct error *err) {
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
    int rc = before.failed || after.failed || !kept[0].s || !kept[1].s || !kept[2].s || !kept[3].s ? error_memory(err) : 0;
    if (!rc) *ret = (struct filled){.mask = kept[0], .region = kept[1], .before = kept[2], .after = kept[3], .on = on, .width = width};
    buf_clear(&before);
    buf_clear(&after);
    return rc;
}

static struct filled *filled_place(struct number_book *b, struct text region, day on) {
    uint32_t h = (uint32_t)on;
    for (size_t i = 0; i < region.n; i++) h = h * 31 + (unsigned char)region.s[i];
    return &b->filled[h % FILLED];
}

int number_next(struct number_book *b, struct db *db, struct text mask, struct text region, day on, struct arena *a, struct text *ret, struct error *err) {
    struct filled *f = filled_place(b, region, on);
    int rc = 0;
    if (!f->mask.s || f->on != on || !text_eq(f->mask, mask) || !text_eq(f->region, region)) rc = fill(b, mask, region, on, f, err);
    if (!rc && (!f->counter || f->cap != b->cap)) {
        rc = counter_get(b, db, f->before, &f->counter, err);
        if (!rc) f->cap = b->cap;
    }
    if (rc < 0) return rc;
    struct counter *counter = f->counter;
    char digits[24];
    int n = 0;
    for (int64_t v = counter->next; v || n < f->width || n == 0; v /= 10) digits[n++] = (char)('0' + v % 10);
    struct text number = {NULL, f->before.n + (size_t)n + f->after.n};
    char *s = arena_alloc(a, number.n + 1);
    if (!s) return error_memory(err);
    memcpy(s, f->before.s, f->before.n);
    for (int i = 0; i < n; i++) s[f->before.n + (size_t)i] = digits[n - 1 - i];
    memcpy(s + f->before.n + n, f->after.s, f->after.n);
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

bool number_fits(struct text mask, struct text word) {
    size_t at = 0;
    if (!mask.n) return false;
    for (size_t i = 0; i < mask.n; i++) {
        if (mask.s[i] != '{') {
            if (at >= word.n || word.s[at++] != mask.s[i]) return false;
            continue;
        }
        bool digits = mask.s[i + 1] != 'r';
        size_t from = at;
        while (at < word.n && (digits ? word.s[at] >= '0' && word.s[at] <= '9' : word.s[at] != '-')) at++;
        if (at == from) return false;
        while (i < mask.n && mask.s[i] != '}') i++;
    }
    return at == word.n;
}

#include "base/series.h"

#include <stdlib.h>

#include "base/text.h"

int series_add(struct series *s, int64_t v, struct error *err) {
    if (!mem_room(&s->items, &s->cap, s->n + 1, sizeof *s->items)) return error_memory(err);
    s->items[s->n++] = v;
    return 0;
}

static int by_value(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void series_sort(struct series *s) {
    if (s->n) qsort(s->items, s->n, sizeof *s->items, by_value);
}

int64_t series_rank(const struct series *s, int percent) {
    return s->items[(s->n * (size_t)percent + 99) / 100 - 1];
}

void series_clear(struct series *s) {
    mem_free(s->items);
    *s = (struct series){0};
}

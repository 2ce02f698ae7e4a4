#include "visits/segment_sort.h"

#include <stdlib.h>

static int row_compare(const void *pa, const void *pb) {
    const struct segment_row *a = pa, *b = pb;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    if (a->person != b->person) return a->person < b->person ? -1 : 1;
    if (a->end != b->end) return a->end < b->end ? -1 : 1;
    if (a->attr != b->attr) return a->attr < b->attr ? -1 : 1;
    if (a->zone != b->zone) return a->zone < b->zone ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* Rows of one place by start, person, end. Small groups by insertion; large ones by counting halves of the start, then the runs of equal starts. */
enum { INSERTION_MAX = 48, HALF = 512 };
static void group_sort(struct segment_row *g, size_t n, struct segment_row *spare) {
    if (n <= INSERTION_MAX) {
        for (size_t i = 1; i < n; i++) {
            if (row_compare(&g[i - 1], &g[i]) <= 0) continue;
            struct segment_row r = g[i];
            size_t k = i;
            do {
                g[k] = g[k - 1];
                k--;
            } while (k && row_compare(&g[k - 1], &r) > 0);
            g[k] = r;
        }
        return;
    }
    for (unsigned shift = 0; shift < 18; shift += 9) {
        uint32_t at[HALF + 1] = {0};
        for (size_t i = 0; i < n; i++) at[((uint32_t)g[i].start >> shift & (HALF - 1)) + 1]++;
        for (size_t i = 0; i < HALF; i++) at[i + 1] += at[i];
        for (size_t i = 0; i < n; i++) spare[at[(uint32_t)g[i].start >> shift & (HALF - 1)]++] = g[i];
        struct segment_row *t = g;
        g = spare;
        spare = t;
    } /* two passes: back in its own memory */
    for (size_t i = 0, k; i < n; i = k) {
        bool sorted = true;
        for (k = i + 1; k < n && g[k].start == g[i].start; k++) sorted &= row_compare(&g[k - 1], &g[k]) <= 0;
        if (!sorted) qsort(g + i, k - i, sizeof *g, row_compare);
    }
}

static int by_place(struct day_order *o, const struct segment_row *rows, size_t n, uint32_t n_places) {
    uint32_t *first = o->place_first;
    for (size_t i = 0; i < n; i++) first[rows[i].place + 1]++;
    size_t largest = 0;
    for (uint32_t p = 0; p < n_places; p++) {
        if (first[p + 1] > largest) largest = first[p + 1];
        first[p + 1] += first[p];
    }
    struct segment_row *spare = largest > INSERTION_MAX ? mem_alloc(largest * sizeof *spare) : NULL;
    if (largest > INSERTION_MAX && !spare) return E_MEMORY;
    /* first[p] moves to the end of p while rows are laid down; then everything is one place further */
    for (size_t i = 0; i < n; i++) {
        struct segment_row *r = &o->rows[first[rows[i].place]++];
        *r = rows[i];
        r->attr &= (uint16_t)~PRESENCE_JOINS;
    }
    memmove(first + 1, first, n_places * sizeof *first);
    first[0] = 0;
    size_t kept = 0;
    for (uint32_t p = 0; p < n_places; p++) {
        size_t from = first[p], to = first[p + 1];
        first[p] = (uint32_t)kept;
        if (from == to) continue;
        group_sort(o->rows + from, to - from, spare);
        for (size_t i = from; i < to; i++) {
            if (i > from && row_compare(&o->rows[kept - 1], &o->rows[i]) == 0) continue; /* the same stay twice */
            o->rows[kept++] = o->rows[i];
        }
    }
    first[n_places] = (uint32_t)kept;
    o->n = kept;
    mem_free(spare);
    return 0;
}

struct timed {
    int32_t start, end;
    uint32_t row;
};

/* Marks stays of one person, in order of start, that touch or overlap another at the same place, or a midnight. */
static void joins_mark(struct segment_row *rows, const struct timed *t, size_t n) {
    int32_t latest = -1;
    for (size_t i = 0; i < n; i++) {
        if (t[i].start == 0 || t[i].end == DAY_S) rows[t[i].row].attr |= PRESENCE_JOINS;
        if (t[i].start <= latest)
            for (size_t k = 0; k < i; k++)
                if (t[k].end >= t[i].start && rows[t[k].row].place == rows[t[i].row].place) {
                    rows[t[k].row].attr |= PRESENCE_JOINS;
                    rows[t[i].row].attr |= PRESENCE_JOINS;
                }
        if (t[i].end > latest) latest = t[i].end;
    }
}

static int by_person(struct day_order *o, uint32_t n_persons) {
    uint32_t *first = o->person_first;
    struct timed *t = mem_alloc(o->n * sizeof *t);
    if (!t) return E_MEMORY;
    for (size_t i = 0; i < o->n; i++) first[o->rows[i].person + 1]++;
    for (uint32_t p = 0; p < n_persons; p++) first[p + 1] += first[p];
    for (size_t i = 0; i < o->n; i++) t[first[o->rows[i].person]++] = (struct timed){o->rows[i].start, o->rows[i].end, (uint32_t)i};
    memmove(first + 1, first, n_persons * sizeof *first);
    first[0] = 0;
    for (uint32_t p = 0; p < n_persons; p++) {
        size_t from = first[p], to = first[p + 1];
        for (size_t i = from + 1; i < to; i++) {
            struct timed r = t[i];
            size_t k = i;
            for (; k > from && (t[k - 1].start > r.start || (t[k - 1].start == r.start && t[k - 1].row > r.row)); k--) t[k] = t[k - 1];
            t[k] = r;
        }
        joins_mark(o->rows, t + from, to - from);
        for (size_t i = from; i < to; i++) o->perm[i] = t[i].row;
    }
    mem_free(t);
    return 0;
}

int day_order_make(const struct segment_row *rows, size_t n, uint32_t n_persons, uint32_t n_places, struct day_order *ret) {
    struct day_order o = {.rows = mem_alloc(n * sizeof *o.rows), .place_first = mem_alloc(((size_t)n_places + 2) * sizeof *o.place_first),
                          .person_first = mem_alloc(((size_t)n_persons + 2) * sizeof *o.person_first), .perm = mem_alloc(n * sizeof *o.perm)};
    int rc = o.rows && o.place_first && o.person_first && o.perm ? by_place(&o, rows, n, n_places) : E_MEMORY;
    if (rc == 0) rc = by_person(&o, n_persons);
    if (rc < 0) day_order_clear(&o);
    else *ret = o;
    return rc;
}

void day_order_clear(struct day_order *o) {
    mem_free(o->rows);
    mem_free(o->place_first);
    mem_free(o->person_first);
    mem_free(o->perm);
    *o = (struct day_order){0};
}

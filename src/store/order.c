/* The order in which a batch meets its table: by primary key when that helps. Random keys (blind indexes) put
 * row by row into a B-tree touch a far page each; in key order neighbours share the way down. Rows with the
 * same key keep their order, so that the last one still wins. */
#include "store/driver.h"

#include <stdlib.h>
#include <string.h>

/* The first two key columns as numbers that sort as the cells do, exactly for numbers, by 8 bytes for text.
 */
struct order_key {
    uint64_t first, second;
    uint32_t row;
};

static uint64_t prefix(struct value v) {
    if (v.kind == VALUE_INT) return (uint64_t)v.i ^ (uint64_t)1 << 63;
    struct text t = value_view(v);
    uint64_t p = 0;
    for (size_t i = 0; i < 8; i++) p = p << 8 | (i < t.n ? (unsigned char)t.s[i] : 0);
    return p;
}

static int compare_cells(struct value a, struct value b) {
    if (a.kind != b.kind) return a.kind < b.kind ? -1 : 1;
    if (a.kind == VALUE_INT) return (a.i > b.i) - (a.i < b.i);
    return text_cmp(value_view(a), value_view(b));
}

static int compare_rows(const struct batch *b, uint32_t left, uint32_t right) {
    const struct value *l = b->rows + left * b->n_columns, *r = b->rows + right * b->n_columns;
    for (size_t k = 0; k < b->n_keys; k++) {
        int c = compare_cells(l[b->key[k]], r[b->key[k]]);
        if (c) return c;
    }
    return (left > right) - (left < right);
}

static int compare(const void *left, const void *right, void *batch) {
    const struct order_key *l = left, *r = right;
    const struct batch *b = batch;
    if (l->first != r->first) return l->first < r->first ? -1 : 1;
    bool exact = b->rows[b->key[0]].kind == VALUE_INT;
    if (exact && l->second != r->second) return l->second < r->second ? -1 : 1;
    return compare_rows(b, l->row, r->row);
}

static bool unique_besides_key(const struct db_table *t) {
    for (size_t i = 0; i < t->n_indexes; i++)
        if (t->indexes[i].unique) return true;
    return false;
}

enum { BITS = 11, BUCKETS = 1 << BITS };

/* One stable pass by BITS bits of each key. */
static void pass(const struct order_key *from, struct order_key *to, size_t n, bool second, int shift, uint64_t base) {
    size_t count[BUCKETS + 1] = {0};
    for (size_t i = 0; i < n; i++) count[((second ? from[i].second : from[i].first - base) >> shift & (BUCKETS - 1)) + 1]++;
    for (size_t k = 0; k < BUCKETS; k++) count[k + 1] += count[k];
    for (size_t i = 0; i < n; i++) to[count[(second ? from[i].second : from[i].first - base) >> shift & (BUCKETS - 1)]++] = from[i];
}

/* By the first column when it has few values (a kind), and the high bits of the second (a hash, spread evenly): then each row is
 * almost where it belongs, and insertion does the rest. False when the first column is not like that. */
static bool sort_spread(const struct batch *b, struct order_key *key, struct order_key *other, size_t n) {
    uint64_t low = UINT64_MAX, high = 0;
    for (size_t i = 0; i < n; i++) {
        if (key[i].first < low) low = key[i].first;
        if (key[i].first > high) high = key[i].first;
    }
    if (b->n_keys < 2 || high - low >= BUCKETS) return false;
    pass(key, other, n, true, 64 - 2 * BITS, 0);
    pass(other, key, n, true, 64 - BITS, 0);
    pass(key, other, n, false, 0, low);
    size_t moves = 0, most = 8 * n;
    for (size_t i = 1; i < n && moves < most; i++) {
        struct order_key k = other[i];
        size_t at = i;
        for (; at > 0 && compare(&other[at - 1], &k, (void *)(uintptr_t)b) > 0; at--, moves++) other[at] = other[at - 1];
        other[at] = k;
    }
    memcpy(key, other, n * sizeof *key);
    return moves < most;
}

int batch_order(const struct batch *b, size_t n, uint32_t **ret) {
    *ret = NULL;
    /* with a second unique index the outcome may depend on the order */
    if (!b->n_keys || n < 2 || unique_besides_key(b->table)) return 0;
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++) sorted = compare_rows(b, i - 1, i) < 0;
    if (sorted) return 0;
    bool many = n >= 256;
    struct order_key *key = mem_realloc(NULL, (many ? 2 : 1) * n * sizeof *key);
    if (!key) return E_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        const struct value *row = b->rows + i * b->n_columns;
        key[i] = (struct order_key){prefix(row[b->key[0]]), b->n_keys > 1 ? prefix(row[b->key[1]]) : 0, i};
    }
    if (!many || !sort_spread(b, key, key + n, n)) qsort_r(key, n, sizeof *key, compare, (void *)(uintptr_t)b);
    /* the row numbers, in place: each is written before or where its key stands */
    uint32_t *order = (uint32_t *)(void *)key;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = key[i].row;
        memcpy(&order[i], &row, sizeof row);
    }
    *ret = order;
    return 0;
}

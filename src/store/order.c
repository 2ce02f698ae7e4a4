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

int batch_order(const struct batch *b, size_t n, uint32_t **ret) {
    *ret = NULL;
    /* with a second unique index the outcome may depend on the order */
    if (!b->n_keys || n < 2 || unique_besides_key(b->table)) return 0;
    bool sorted = true;
    for (uint32_t i = 1; i < n && sorted; i++) sorted = compare_rows(b, i - 1, i) < 0;
    if (sorted) return 0;
    struct order_key *key = mem_realloc(NULL, n * sizeof *key);
    if (!key) return E_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        const struct value *row = b->rows + i * b->n_columns;
        key[i] = (struct order_key){prefix(row[b->key[0]]), b->n_keys > 1 ? prefix(row[b->key[1]]) : 0, i};
    }
    qsort_r(key, n, sizeof *key, compare, (void *)(uintptr_t)b);
    /* the row numbers, in place: each is written before or where its key stands */
    uint32_t *order = (uint32_t *)(void *)key;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = key[i].row;
        memcpy(&order[i], &row, sizeof row);
    }
    *ret = order;
    return 0;
}

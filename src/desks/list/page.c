/* One page: which way to its rows, and the cursors at its ends. */
#include "desks/list/inside.h"

#include <string.h>

enum { ORDER_FILTERED = 12000, RANGES_MAX = 8, MERGED_MAX = 60000 };

static int denied(const struct session *s, const struct register_decl *reg, struct error *err) {
    int rc = access_check(s, ACCESS_READ, reg, TEXT(""), err);
    return rc < 0 ? rc : error_set(err, E_DENIED, NULL, "no right to read register %s / 无权读取该登记册", reg->name.s);
}

/* Rows without the sort key, if there may be any among those asked for. */
static bool nulls_possible(const struct list_query *q) {
    int at = register_field(q->reg, text_of(q->sort));
    if (at < 0 || q->reg->fields[at].required) return false;
    for (size_t i = 0; i < q->n_terms; i++)
        if (!strcmp(q->terms[i].column, q->sort) && (q->terms[i].test == LIST_RANGE || q->terms[i].given)) return false;
    return true;
}

/* What the store takes of a maximum. */
static size_t share(const struct list_pager *p, size_t max) {
    return p->sql.lite ? max : max / 2;
}

/* Of the ways that lead on, one after the other, as long as the page wants rows and its share is not used up. */
static int fill_narrow(struct list_pager *p, size_t order_entries) {
    size_t n = 0, most = p->by_id ? LIST_MERGE_MAX : share(p, LIST_REGION_MAX);
    int rc = list_fill_order(p, p->by_id ? LIST_ORDER_FIRST / 6 : LIST_ORDER_FIRST);
    if (rc < 0 || p->end || p->n == p->want) return rc;
    if (p->scope.n > RANGES_MAX) return list_fill_order(p, order_entries);
    rc = p->by_id ? list_scope_regions(p, most, &n) : list_scope_entries(p, most + 1, &n);
    if (rc < 0) return rc;
    if (n > most) return list_fill_order(p, order_entries);
    while (rc == 0 && !p->end && p->n < p->want && p->lookups < p->lookups_max && p->merged < share(p, MERGED_MAX)) rc = p->by_id ? list_fill_merge(p) : list_fill_region(p);
    return rc;
}

static int fill(struct list_pager *p) {
    const struct list_term *few = NULL;
    size_t entries = share(p, list_filters(p->q) ? ORDER_FILTERED : LIST_ORDER_MAX);
    if (!p->scope.everywhere && !p->scope.n) {
        p->end = true;
        return 0;
    }
    int rc = list_few_term(p, &few);
    if (rc < 0) return rc;
    if (few) {
        while (rc == 0 && !p->end && p->n < p->want) rc = list_fill_few(p, few);
        return rc;
    }
    if (!p->scope.everywhere) return fill_narrow(p, entries);
    /* a part that ends early leaves its share to the other */
    for (int part = 0; rc == 0 && part < 2 && !p->end && p->n < p->want; part++) {
        bool null = p->at.null;
        rc = list_fill_order(p, entries);
        if (null == p->at.null) break;
    }
    return rc;
}

static void reverse(struct list_pager *p, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        struct record r = p->rows[i];
        struct list_place at = p->places[i];
        p->rows[i] = p->rows[n - 1 - i];
        p->places[i] = p->places[n - 1 - i];
        p->rows[n - 1 - i] = r;
        p->places[n - 1 - i] = at;
    }
}

static int cursor(const struct list_pager *p, struct list_place at, bool backward, struct text *ret) {
    at.backward = backward;
    return list_cursor_write(p->l, p->s, p->q, &at, p->a, ret, p->err);
}

/* Towards the side that was read there is more when a row too many was found, or when the share was used up; on the other side there is what we
 * came from. */
static int close_page(struct list_pager *p, const struct list_place *from, struct list_page *page) {
    size_t n = p->n < p->q->limit ? p->n : p->q->limit;
    bool backward = from->backward, further = p->n > p->q->limit || !p->end;
    struct list_place ahead = p->n > p->q->limit ? p->places[p->q->limit - 1] : p->at, behind = n ? p->places[0] : *from;
    int rc = 0;
    if (further) rc = cursor(p, ahead, backward, backward ? &page->previous : &page->next);
    if (rc == 0 && from->set) rc = cursor(p, behind, !backward, backward ? &page->next : &page->previous);
    if (rc < 0) return rc;
    if (backward) reverse(p, n);
    page->n = n;
    page->rows = p->rows;
    page->more = page->next.n > 0;
    return 0;
}

static int open_page(struct list_pager *p, struct list_place *from) {
    int rc = list_cursor_read(p->l, p->s, p->q, from, p->err);
    if (rc < 0) return rc;
    p->at = *from;
    p->by_id = !strcmp(p->q->sort, "id");
    p->nulls = !p->by_id && nulls_possible(p->q);
    p->descending = p->q->descending != from->backward;
    p->want = p->q->limit + 1;
    p->lookups_max = share(p, LIST_LOOKUPS_MAX);
    p->rows = arena_alloc(p->a, p->want * sizeof *p->rows);
    p->places = arena_alloc(p->a, p->want * sizeof *p->places);
    return p->rows && p->places ? 0 : error_memory(p->err);
}

int list_page(struct ledger *l, struct db *db, const struct session *s, const struct list_query *q, struct arena *a, struct list_page *ret, struct error *err) {
    struct list_pager *p = mem_alloc(sizeof *p);
    struct list_place from = {0};
    struct list_page page = {.count = -1};
    if (!p) return error_memory(err);
    *p = (struct list_pager){.l = l, .db = db ? db : l->db, .s = s, .a = a, .err = err};
    p->sql.lite = db_kind_of(p->db) == DB_SQLITE;
    bool alone = db_snapshot(p->db, NULL) == 0; /* else the caller's own state is read */
    int rc = access_anywhere(s, ACCESS_READ, q->reg) ? 0 : denied(s, q->reg, err);
    if (rc == 0) rc = list_unseal(l, p->db, s, q, a, &p->q, err);
    if (rc == 0) rc = list_scope_of(s, p->q, a, &p->scope, err);
    if (rc == 0) rc = open_page(p, &from);
    if (rc == 0) rc = fill(p);
    if (rc == 0 && q->count) rc = list_count_rows(p, &page);
    if (rc == 0) rc = close_page(p, &from, &page);
    if (alone) db_snapshot_end(p->db);
    if (rc == 0) *ret = page;
    buf_clear(&p->sql.text);
    mem_free(p);
    return rc;
}

/* desks/bulletin: statements and the records behind them. */
#include <stdlib.h>
#include <string.h>

#include "desks/bulletin/figures.h"

void query_add(struct query *q, const char *sql) {
    buf_str(&q->sql, sql);
}
static void put(struct query *q, struct value v) {
    if (q->n == sizeof q->params / sizeof *q->params) {
        q->sql.failed = E_TOO_LARGE;
        return;
    }
    q->params[q->n++] = v;
    buf_printf(&q->sql, "?%zu", q->n);
}
void query_int(struct query *q, int64_t v) {
    put(q, value_int(v));
}
void query_text(struct query *q, struct text t) {
    put(q, value_text(t));
}
void query_scope(struct query *q, const struct scope *sc, bool with_disease) {
    query_add(q, "\"region\" >= ");
    query_text(q, sc->region);
    if (sc->bounded) {
        query_add(q, " AND \"region\" < ");
        query_text(q, text_of(sc->end));
    }
    if (!with_disease || sc->disease.n == 0) return;
    query_add(q, " AND \"disease\" = ");
    query_text(q, sc->disease);
}
void query_known(struct query *q, const struct scope *sc, bool later) {
    query_add(q, " AND +\"created_at\" <= ");
    query_int(q, sc->as_of);
    if (!later) return;
    query_add(q, " AND +\"changed_at\" <= "); /* the plus keeps it from choosing an index: nearly all rows pass */
    query_int(q, sc->as_of);
}
int query_run(struct query *q, struct db *db, struct db_cursor **ret, struct error *err) {
    if (q->sql.failed) return error_set(err, q->sql.failed, NULL, "a query of the report cannot be built");
    return db_query(db, buf_cstr(&q->sql), q->params, q->n, ret, err);
}
void query_clear(struct query *q) {
    buf_clear(&q->sql);
    *q = (struct query){0};
}

bool scope_holds(const struct scope *sc, struct text region, struct text disease) {
    return region_within(region, sc->region) && (sc->disease.n == 0 || text_eq(disease, sc->disease));
}

int scope_rebuilt(const struct scope *sc, const struct register_decl *reg, int (*visit)(const struct record *r, void *arg, struct error *err),
                  void *arg, struct error *err) {
    struct query q = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    struct arena a = {0};
    struct buf ids = {0};
    int rc;
    bool later = text_is(reg->name, "case") ? sc->later_case : text_is(reg->name, "contact") ? sc->later_contact : sc->later_other;
    if (!later) return 0;
    query_add(&q, "SELECT \"id\" FROM \"");
    buf_text(&q.sql, reg->name);
    query_add(&q, "\" WHERE \"changed_at\" > ");
    query_int(&q, sc->as_of);
    query_add(&q, " AND \"created_at\" <= ");
    query_int(&q, sc->as_of);
    query_add(&q, " ORDER BY \"id\"");
    rc = query_run(&q, sc->db, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = buf_add(&ids, &row[0].i, sizeof row[0].i) < 0 ? error_memory(err) : 0;
    db_cursor_close(c);
    query_clear(&q);
    for (size_t at = 0; !rc && at < ids.n; at += sizeof(int64_t)) {
        int64_t id;
        struct record r;
        memcpy(&id, ids.s + at, sizeof id);
        arena_reset(&a);
        rc = record_as_of(sc->l, sc->db, reg, id, sc->as_of, &a, &r, err);
        if (rc > 0) rc = visit(&r, arg, err);
    }
    buf_clear(&ids);
    arena_clear(&a);
    return rc;
}

/* ---- lists of record numbers */

static int by_order(const void *a, const void *b) {
    const struct numbered *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}
static void numbers_sort(struct numbers *list) {
    if (list->n > 1) qsort(list->items, list->n, sizeof *list->items, by_order);
    if (list->n < BULLETIN_LIST_MAX) return;
    list->n = BULLETIN_LIST_MAX;
    list->trimmed = true;
}

int numbers_add(struct numbers *list, struct arena *a, int64_t order, int64_t id, struct text number, struct error *err) {
    struct numbered one = {order, id, number};
    list->count++;
    if (list->trimmed && by_order(&one, &list->items[BULLETIN_LIST_MAX - 1]) > 0) return 0;
    if (!list->items) list->items = arena_alloc(a, 2 * BULLETIN_LIST_MAX * sizeof *list->items);
    one.number = number.n ? arena_text(a, number) : arena_words(a, "#%lld", (long long)id);
    if (!list->items || !one.number.n) return error_memory(err);
    list->items[list->n++] = one;
    if (list->n == 2 * BULLETIN_LIST_MAX) numbers_sort(list);
    return 0;
}

int numbers_texts(struct numbers *list, struct arena *a, struct text **ret, size_t *ret_n, struct error *err) {
    numbers_sort(list);
    struct text *texts = arena_alloc(a, (list->n + 1) * sizeof *texts);
    if (!texts) return error_memory(err);
    for (size_t i = 0; i < list->n; i++) texts[i] = list->items[i].number;
    *ret = texts;
    *ret_n = list->n;
    return 0;
}

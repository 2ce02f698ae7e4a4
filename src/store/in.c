/* Questions about a list of numbers, in statements of few shapes: each is prepared once. SQLite gets a parameter each, PostgreSQL one array. */
#include "store/driver.h"

enum { IN_MOST = 128, IN_AHEAD = 8 };

/* head IN (?1,...,?shape) tail */
static void each_sql(struct buf *sql, const char *head, const char *tail, size_t shape) {
    buf_reset(sql);
    buf_str(sql, head);
    buf_str(sql, " IN ");
    for (size_t i = 1; i <= shape; i++) {
        buf_str(sql, i > 1 ? ",?" : "(?");
        buf_int(sql, (int64_t)i);
    }
    buf_char(sql, ')');
    buf_str(sql, tail);
}

/* Each id by itself: a table that has no statistics yet, or whose key is more than the id, would else be read whole for so many of them. */
static void array_sql(struct buf *sql, const char *head, const char *tail) {
    buf_reset(sql);
    buf_str(sql, "SELECT q.* FROM unnest(CAST(?1 AS bigint[])) AS asked(id), LATERAL (");
    buf_str(sql, head);
    buf_str(sql, " = asked.id");
    buf_str(sql, tail);
    buf_str(sql, " OFFSET 0) AS q");
}

static struct value array(struct buf *list, const int64_t *ids, size_t n) {
    buf_reset(list);
    for (size_t i = 0; i < n; i++) {
        buf_char(list, i ? ',' : '{');
        buf_int(list, ids[i]);
    }
    buf_char(list, '}');
    return value_text(buf_view(list));
}

int db_query_in(struct db *db, const char *head, const char *tail, const int64_t *ids, size_t n, int (*visit)(void *arg, const struct value *row, struct error *err), void *arg,
                struct error *err) {
    struct buf sql = {0}, list = {0};
    struct value params[IN_MOST];
    struct db_cursor *open[IN_AHEAD] = {0};
    bool arrays = db->kind == DB_POSTGRES;
    size_t shape = 1, ahead = arrays ? IN_AHEAD : 1; /* asked together they may travel together; SQLite's are functions */
    int rc = 0;
    while (shape < n && shape < IN_MOST) shape *= 2;
    if (arrays) array_sql(&sql, head, tail);
    else each_sql(&sql, head, tail, shape);
    for (size_t from = 0; !rc && from < n;) {
        size_t n_open = 0;
        const struct value *row;
        for (; !rc && from < n && n_open < ahead; from += shape, n_open++) {
            size_t some = n - from < shape ? n - from : shape;
            if (arrays) params[0] = array(&list, ids + from, some);
            for (size_t i = 0; !arrays && i < shape; i++) params[i] = value_int(ids[from + (i < some ? i : some - 1)]);
            rc = sql.failed || list.failed ? error_memory(err) : db_query(db, buf_cstr(&sql), params, arrays ? 1 : shape, &open[n_open], err);
        }
        for (size_t k = 0; k < n_open; k++) {
            while (!rc && (rc = db_next(open[k], &row, err)) > 0) rc = visit(arg, row, err);
            db_cursor_close(open[k]);
            open[k] = NULL;
        }
    }
    buf_clear(&sql);
    buf_clear(&list);
    return rc;
}

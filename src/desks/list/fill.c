/* The four ways to the next rows of an order. Each takes up the order at p->at, adds the rows it finds and moves p->at behind all it has looked at. */
#include <stdlib.h>
#include <string.h>

#include "desks/list/inside.h"

enum { CHUNK = 128, MERGE_ENTRIES = 24000, MERGE_LEAST = 8 };

static int memory(struct list_pager *p) {
    return error_memory(p->err);
}

static const char *turn(const struct list_pager *p) {
    return p->descending ? "DESC" : "ASC";
}

/* ---- writing statements */

static void begin(struct list_pager *p) {
    list_sql_reset(&p->sql);
}

static int ask(struct list_pager *p, struct db_cursor **ret) {
    int rc = list_sql_check(&p->sql, p->err);
    return rc < 0 ? rc : db_query(p->db, buf_cstr(&p->sql.text), p->sql.params, p->sql.n, ret, p->err);
}

static void add(struct list_pager *p, const char *s) {
    buf_str(&p->sql.text, s);
}

static void from_table(struct list_pager *p) {
    buf_printf(&p->sql.text, " FROM \"%s\" ", p->q->reg->name.s);
}

/* The part of the order that is walked: with the key, or without it. `loose` keeps the index of the key out. */
static void part_sql(struct list_pager *p, bool loose) {
    if (!p->by_id) buf_printf(&p->sql.text, " AND (\"%s\"%s) IS %sNULL", p->q->sort, loose ? " + 0" : "", p->at.null ? "" : "NOT ");
}

/* Behind `at`, or up to it and with it. */
static void place_sql(struct list_pager *p, const struct list_place *at, bool behind, bool loose) {
    const char *op = behind ? (p->descending ? "<" : ">") : (p->descending ? ">=" : "<=");
    if (p->by_id || at->null) {
        buf_printf(&p->sql.text, " AND \"id\" %s ", op);
        list_bind(&p->sql, value_int(at->id));
        return;
    }
    buf_printf(&p->sql.text, " AND (\"%s\"%s, \"id\") %s (", p->q->sort, loose ? " + 0" : "", op);
    list_bind(&p->sql, value_int(at->key));
    add(p, ", ");
    list_bind(&p->sql, value_int(at->id));
    add(p, ")");
}

static void order_sql(struct list_pager *p, bool loose) {
    if (p->by_id) buf_printf(&p->sql.text, " ORDER BY \"id\"%s %s", loose ? " + 0" : "", turn(p));
    else buf_printf(&p->sql.text, " ORDER BY \"%s\"%s %s, \"id\" %s", p->q->sort, loose ? " + 0" : "", turn(p), turn(p));
}

/* What the index of regions carries: a filter by it costs no row. */
static bool term_covered(const struct list_pager *p, const struct list_term *t) {
    return !strcmp(t->column, "id") || !strcmp(t->column, "region") || (!strcmp(t->column, "state") && p->q->reg->n_states) || table_sorts(p->q->reg, text_of(t->column));
}

static bool rows_needed(const struct list_pager *p) {
    bool all = !p->q->where;
    for (size_t i = 0; i < p->q->n_terms; i++) all &= term_covered(p, &p->q->terms[i]);
    return !all;
}

static void covered_terms_sql(struct list_pager *p) {
    for (size_t i = 0; i < p->q->n_terms; i++) {
        if (!term_covered(p, &p->q->terms[i])) continue;
        add(p, " AND ");
        list_term_sql(&p->sql, &p->q->terms[i], false);
    }
}

/* The index of regions: partial, so that no other statement is led astray by it; the condition names it. */
static void regions_index_sql(struct list_pager *p, const char *prefix) {
    buf_printf(&p->sql.text, " AND %s\"id\" <> 0", prefix);
}

static void columns_sql(struct list_pager *p) {
    const struct register_decl *reg = p->q->reg;
    add(p, "SELECT ");
    if (p->by_id) add(p, "\"id\"");
    else buf_printf(&p->sql.text, "\"%s\"", p->q->sort);
    add(p, ",\"region\",\"id\",\"version\",\"state\",\"number\",\"created_at\",\"changed_at\",\"import\"");
    for (size_t i = 0; i < (p->q->all_fields ? reg->n_fields : p->q->n_fields); i++) {
        const struct field *f = &reg->fields[p->q->all_fields ? i : p->q->fields[i]];
        /* what is sealed stays where it is: only whether it is there is asked */
        if (f->sealed) buf_printf(&p->sql.text, ",CASE WHEN \"%s\" IS NULL THEN 0 ELSE 1 END", f->name.s);
        else buf_printf(&p->sql.text, ",\"%s\"", f->name.s);
    }
}

/* ---- reading rows */

static int row_keep(struct list_pager *p, const struct value *row, struct record *r, struct list_place *place) {
    const struct register_decl *reg = p->q->reg;
    struct value own[9];
    struct value *values = arena_alloc(p->a, (reg->n_fields + 1) * sizeof *values);
    if (!values) return memory(p);
    for (size_t i = 0; i < 9; i++)
        if (!value_copy(p->a, row[i], &own[i])) return memory(p);
    for (size_t i = 0; i < (p->q->all_fields ? reg->n_fields : p->q->n_fields); i++) {
        size_t f = p->q->all_fields ? i : p->q->fields[i];
        if (reg->fields[f].sealed) values[f] = value_int_or(row[9 + i], 0) ? value_str("***") : value_null();
        else if (!value_copy(p->a, row[9 + i], &values[f])) return memory(p);
    }
    *r = (struct record){.reg = reg, .region = value_view(own[1]), .id = value_int_or(own[2], 0), .version = (int32_t)value_int_or(own[3], 0),
                         .state = value_view(own[4]), .number = value_view(own[5]), .created_at = value_int_or(own[6], 0),
                         .changed_at = value_int_or(own[7], 0), .import = value_int_or(own[8], 0), .values = values};
    *place = (struct list_place){.set = true, .null = own[0].kind != VALUE_INT, .key = value_int_or(own[0], 0), .id = r->id};
    return 0;
}

/* Rows of a statement by columns_sql, in order, behind those there are. *ret_all: it had no more than there was room for. */
static int rows_take(struct list_pager *p, bool *ret_all) {
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = ask(p, &c);
    while (rc == 0 && p->n < p->want && (rc = db_next(c, &row, p->err)) > 0) {
        rc = row_keep(p, row, &p->rows[p->n], &p->places[p->n]);
        if (rc == 0) p->n++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    *ret_all = p->n < p->want;
    return 0;
}

/* The part that was walked is done: the other one follows, or nothing. Rows without the key come last, so first of all on the way back. */
static void part_end(struct list_pager *p) {
    bool another = p->nulls && p->at.null == p->at.backward;
    p->end = !another;
    p->at = (struct list_place){.backward = p->at.backward, .null = another ? !p->at.null : p->at.null};
}

static void go_on(struct list_pager *p, struct list_place to) {
    to.set = true;
    to.backward = p->at.backward;
    p->at = to;
}

/* ---- along the order */

/* Where the next `entries` of the order end; .set is false when there are fewer. Costs a walk over the index alone. */
static int order_bound(struct list_pager *p, size_t entries, struct list_place *ret) {
    struct db_cursor *c = NULL;
    const struct value *row;
    begin(p);
    if (p->by_id) add(p, "SELECT \"id\", \"id\"");
    else buf_printf(&p->sql.text, "SELECT \"%s\", \"id\"", p->q->sort);
    from_table(p);
    add(p, "WHERE 1=1");
    part_sql(p, false);
    if (p->at.set) place_sql(p, &p->at, true, false);
    for (size_t i = 0; i < p->q->n_terms; i++) {
        const struct list_term *t = &p->q->terms[i];
        if (t->test != LIST_RANGE || strcmp(t->column, p->q->sort) != 0) continue;
        add(p, " AND ");
        list_term_sql(&p->sql, t, true);
    }
    order_sql(p, false);
    buf_printf(&p->sql.text, " LIMIT 1 OFFSET %zu", entries - 1);
    int rc = ask(p, &c);
    if (rc == 0) rc = db_next(c, &row, p->err);
    *ret = (struct list_place){.set = rc > 0};
    if (rc > 0) *ret = (struct list_place){.set = true, .null = row[0].kind != VALUE_INT, .key = value_int_or(row[0], 0), .id = value_int_or(row[1], 0)};
    db_cursor_close(c);
    return rc < 0 ? rc : 0;
}

int list_fill_order(struct list_pager *p, size_t entries) {
    struct list_place bound;
    bool all = false;
    int rc = order_bound(p, entries, &bound);
    if (rc < 0) return rc;
    begin(p);
    columns_sql(p);
    from_table(p);
    add(p, "WHERE ");
    list_scope_sql(&p->sql, &p->scope, true);
    part_sql(p, false);
    if (p->at.set) place_sql(p, &p->at, true, false);
    if (bound.set) place_sql(p, &bound, false, false);
    list_terms_sql(&p->sql, p->l, p->s, p->q, p->q->sort);
    order_sql(p, false);
    buf_printf(&p->sql.text, " LIMIT %zu", p->want - p->n);
    rc = rows_take(p, &all);
    if (rc < 0) return rc;
    if (!all) go_on(p, p->places[p->n - 1]);
    else if (bound.set) go_on(p, bound);
    else part_end(p);
    return 0;
}

/* ---- what an indexed filter leaves */

int list_few_term(struct list_pager *p, const struct list_term **ret) {
    *ret = NULL;
    for (size_t i = 0; i < p->q->n_terms; i++) {
        const struct list_term *t = &p->q->terms[i];
        struct value n = value_null();
        if (!t->indexed || !strcmp(t->column, p->q->sort) || (t->test != LIST_IN && t->test != LIST_RANGE)) continue;
        begin(p);
        add(p, "SELECT COUNT(*) FROM (SELECT 1");
        from_table(p);
        add(p, "WHERE ");
        list_term_sql(&p->sql, t, true);
        buf_printf(&p->sql.text, " LIMIT %d) AS q", LIST_FEW + 1);
        int rc = list_sql_check(&p->sql, p->err);
        if (rc == 0) rc = db_scalar(p->db, p->a, buf_cstr(&p->sql.text), p->sql.params, p->sql.n, &n, p->err);
        if (rc < 0) return rc;
        if (value_int_or(n, 0) > LIST_FEW) continue;
        *ret = t;
        return 0;
    }
    return 0;
}

int list_fill_few(struct list_pager *p, const struct list_term *t) {
    bool all = false;
    begin(p);
    columns_sql(p);
    from_table(p);
    add(p, "WHERE ");
    list_scope_sql(&p->sql, &p->scope, false);
    part_sql(p, true);
    if (p->at.set) place_sql(p, &p->at, true, true);
    list_terms_sql(&p->sql, p->l, p->s, p->q, t->column);
    order_sql(p, true);
    buf_printf(&p->sql.text, " LIMIT %zu", p->want - p->n);
    int rc = rows_take(p, &all);
    if (rc < 0) return rc;
    if (all) part_end(p);
    else go_on(p, p->places[p->n - 1]);
    return 0;
}

/* ---- candidates, then their rows */

static int by_id(const void *a, const void *b) {
    int64_t x = ((const struct list_place *)a)->id, y = ((const struct list_place *)b)->id;
    return (x > y) - (x < y);
}

struct found {
    struct record r;
    struct list_place place;
};

/* The rows of at most CHUNK candidates that the filters leave, in the order of the candidates. */
static int chunk_rows(struct list_pager *p, const struct list_place *hits, size_t n) {
    struct found found[CHUNK];
    struct list_place sorted[CHUNK];
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n_found = 0, shape = n == 1 ? 1 : n <= 16 ? 16 : n <= 64 ? 64 : CHUNK;
    begin(p);
    columns_sql(p);
    from_table(p);
    add(p, "WHERE \"id\" IN (");
    for (size_t i = 0; i < shape; i++) {
        if (i) add(p, ",");
        list_bind(&p->sql, value_int(hits[i < n ? i : n - 1].id));
    }
    add(p, ") AND ");
    list_scope_sql(&p->sql, &p->scope, false);
    list_terms_sql(&p->sql, p->l, p->s, p->q, NULL);
    int rc = ask(p, &c);
    while (rc == 0 && (rc = db_next(c, &row, p->err)) > 0) {
        rc = n_found < CHUNK ? row_keep(p, row, &found[n_found].r, &found[n_found].place) : error_set(p->err, E_CORRUPT, p->q->reg->name.s, "an id is there twice");
        if (rc == 0) n_found++;
    }
    db_cursor_close(c);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n_found; i++) {
        sorted[i] = found[i].place;
        sorted[i].key = (int64_t)i; /* here: where it was found */
    }
    qsort(sorted, n_found, sizeof *sorted, by_id);
    for (size_t i = 0; i < n && p->n < p->want; i++) {
        const struct list_place *at = bsearch(&hits[i], sorted, n_found, sizeof *sorted, by_id);
        if (at) {
            p->rows[p->n] = found[at->key].r;
            p->places[p->n++] = hits[i];
        }
        go_on(p, hits[i]);
    }
    p->lookups += n;
    return 0;
}

/* Candidates of the statement in p->sql (key, id) and their rows. `limit`: how many the statement was to give; *ret_hits: how many it gave. */
static int hits_take(struct list_pager *p, size_t limit, size_t *ret_hits) {
    struct list_place *hits = mem_alloc((limit + 1) * sizeof *hits);
    struct db_cursor *c = NULL;
    const struct value *row;
    size_t n = 0;
    int rc = hits ? ask(p, &c) : memory(p);
    while (rc == 0 && n < limit && (rc = db_next(c, &row, p->err)) > 0) {
        hits[n++] = (struct list_place){.set = true, .null = row[0].kind != VALUE_INT, .key = value_int_or(row[0], 0), .id = value_int_or(row[1], 0)};
        rc = 0;
    }
    db_cursor_close(c);
    for (size_t i = 0; rc == 0 && i < n && p->n < p->want; i += CHUNK) {
        /* no more than are wanted when every candidate is a row */
        size_t piece = n - i < CHUNK ? n - i : CHUNK;
        rc = chunk_rows(p, hits + i, piece);
    }
    mem_free(hits);
    if (rc == 0) *ret_hits = n;
    return rc;
}

static size_t hits_wanted(const struct list_pager *p) {
    if (!rows_needed(p)) return p->want - p->n;
    return p->lookups < p->lookups_max ? p->lookups_max - p->lookups : CHUNK;
}

/* ---- the regions of the scope */

/* One after the other by jumps through their index, from the side that the page begins at: there lie the entries that are wanted next. */
int list_scope_regions(struct list_pager *p, size_t max, size_t *ret) {
    const char *edge = p->descending ? "MAX" : "MIN";
    struct db_cursor *c = NULL;
    const struct value *row;
    int rc = 0;
    if (!p->regions) p->regions = arena_alloc(p->a, (max + 1) * sizeof *p->regions);
    if (!p->regions) return memory(p);
    p->n_regions = 0;
    for (size_t i = 0; rc == 0 && i < p->scope.n && p->n_regions <= max; i++) {
        char end[REGION_MAX + 2] = "";
        bool bounded = region_end(p->scope.regions[i], end);
        begin(p);
        buf_printf(&p->sql.text, "WITH RECURSIVE r(x,i) AS (SELECT %s(\"region\"), 1", edge);
        from_table(p);
        add(p, "WHERE ");
        list_subtree_sql(&p->sql, "region", p->scope.regions[i], true);
        regions_index_sql(p, "");
        buf_printf(&p->sql.text, " UNION ALL SELECT (SELECT %s(\"region\")", edge);
        from_table(p);
        buf_printf(&p->sql.text, "WHERE \"region\" %s r.x", p->descending ? "<" : ">");
        if (p->descending) {
            add(p, " AND \"region\" >= ");
            list_bind(&p->sql, value_text(p->scope.regions[i]));
        } else if (bounded) {
            buf_printf(&p->sql.text, " AND \"region\" < '%s'", end);
        }
        regions_index_sql(p, "");
        buf_printf(&p->sql.text, "), r.i + 1 FROM r WHERE r.x IS NOT NULL AND r.i <= %zu) SELECT x FROM r WHERE x IS NOT NULL", max);
        rc = ask(p, &c);
        while (rc == 0 && p->n_regions <= max && (rc = db_next(c, &row, p->err)) > 0) {
            struct text kept = arena_text(p->a, value_view(row[0]));
            rc = kept.s ? 0 : memory(p);
            if (rc == 0) p->regions[p->n_regions++] = kept;
        }
        db_cursor_close(c);
        c = NULL;
    }
    *ret = p->n_regions;
    return rc;
}

int list_scope_entries(struct list_pager *p, size_t max, size_t *ret) {
    size_t sum = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->scope.n && sum < max; i++) {
        struct value n = value_null();
        begin(p);
        add(p, "SELECT COUNT(*) FROM (SELECT 1");
        from_table(p);
        add(p, "WHERE ");
        list_subtree_sql(&p->sql, "region", p->scope.regions[i], true);
        regions_index_sql(p, "");
        buf_printf(&p->sql.text, " LIMIT %zu) AS q", max - sum);
        rc = list_sql_check(&p->sql, p->err);
        if (rc == 0) rc = db_scalar(p->db, p->a, buf_cstr(&p->sql.text), p->sql.params, p->sql.n, &n, p->err);
        sum += (size_t)value_int_or(n, 0);
    }
    *ret = sum;
    return rc;
}

static void id_behind_sql(struct list_pager *p, const char *prefix) {
    if (!p->at.set) return;
    buf_printf(&p->sql.text, " AND %s\"id\" %s ", prefix, p->descending ? "<" : ">");
    list_bind(&p->sql, value_int(p->at.id));
}

/* WITH r(x): the regions that were found. */
static void regions_sql(struct list_pager *p) {
    add(p, "WITH r(x) AS (VALUES ");
    for (size_t i = 0; i < p->n_regions; i++) {
        add(p, i ? "),(" : "(");
        list_bind(&p->sql, value_text(p->regions[i]));
    }
    add(p, "))");
}

/* How far the ids are complete when `each` of every region are taken: to the nearest of their ends. Not set: to the end. */
static int merge_bound(struct list_pager *p, size_t each, struct list_place *ret) {
    struct value low = value_null();
    begin(p);
    regions_sql(p);
    buf_printf(&p->sql.text, ", c(low) AS (SELECT (SELECT u.\"id\" FROM \"%s\" AS u WHERE u.\"region\" = r.x", p->q->reg->name.s);
    regions_index_sql(p, "u.");
    id_behind_sql(p, "u.");
    buf_printf(&p->sql.text, " ORDER BY u.\"id\" %s LIMIT 1 OFFSET %zu) FROM r) SELECT %s(low) FROM c", turn(p), each - 1, p->descending ? "MAX" : "MIN");
    int rc = list_sql_check(&p->sql, p->err);
    if (rc == 0) rc = db_scalar(p->db, p->a, buf_cstr(&p->sql.text), p->sql.params, p->sql.n, &low, p->err);
    if (rc == 0) *ret = (struct list_place){.set = low.kind == VALUE_INT, .id = value_int_or(low, 0)};
    return rc;
}

/* How many of each region: enough for the page when the regions are alike; as many as are cheap when filters will pass over some. */
static size_t merge_each(const struct list_pager *p, size_t wanted) {
    size_t each = list_filters(p->q) ? MERGE_ENTRIES / p->n_regions : 4 * wanted / p->n_regions;
    if (rows_needed(p) && each > 4 * wanted / p->n_regions) each = 4 * wanted / p->n_regions;
    if (!list_filters(p->q) && each > wanted) each = wanted;
    return each < MERGE_LEAST ? MERGE_LEAST : each;
}

/* The ids of all the regions at once, sorted, then few rows are read. */
int list_fill_merge(struct list_pager *p) {
    size_t n_hits = 0, wanted = hits_wanted(p);
    struct list_place bound = {0};
    if (!p->n_regions) {
        part_end(p);
        return 0;
    }
    size_t each = merge_each(p, wanted);
    int rc = merge_bound(p, each, &bound);
    if (rc < 0) return rc;
    begin(p);
    add(p, "SELECT \"id\", \"id\"");
    from_table(p);
    add(p, "WHERE \"region\" IN ("); /* a join with r would make SQLite read the whole index into a filter first */
    for (size_t i = 0; i < p->n_regions; i++) {
        if (i) add(p, ",");
        list_bind(&p->sql, value_text(p->regions[i]));
    }
    add(p, ")");
    regions_index_sql(p, "");
    id_behind_sql(p, "");
    if (bound.set) place_sql(p, &bound, false, false);
    covered_terms_sql(p);
    buf_printf(&p->sql.text, " ORDER BY \"id\" + 0 %s LIMIT %zu", turn(p), wanted);
    rc = hits_take(p, wanted, &n_hits);
    if (rc < 0) return rc;
    p->merged += each * p->n_regions;
    if (n_hits == wanted || p->n == p->want) return 0;
    if (bound.set) go_on(p, bound);
    else part_end(p);
    return 0;
}

int list_fill_region(struct list_pager *p) {
    size_t wanted = hits_wanted(p), n_hits = 0;
    begin(p);
    add(p, "SELECT k, \"id\" FROM (");
    for (size_t i = 0; i < p->scope.n; i++) {
        buf_printf(&p->sql.text, "%sSELECT \"%s\" AS k, \"id\"", i ? " UNION ALL " : "", p->q->sort);
        from_table(p);
        add(p, "WHERE ");
        list_subtree_sql(&p->sql, "region", p->scope.regions[i], true);
        regions_index_sql(p, "");
        part_sql(p, true);
        if (p->at.set) place_sql(p, &p->at, true, true);
        covered_terms_sql(p);
    }
    buf_printf(&p->sql.text, ") AS s ORDER BY k + 0 %s, \"id\" %s LIMIT %zu", turn(p), turn(p), wanted);
    int rc = hits_take(p, wanted, &n_hits);
    if (rc < 0) return rc;
    if (n_hits < wanted && p->n < p->want) part_end(p);
    return 0;
}

/* desks/list, private: conditions and cursors. */
#ifndef TOCSIN_DESKS_LIST_INSIDE_H
#define TOCSIN_DESKS_LIST_INSIDE_H

#include "desks/list/list.h"
#include "ledger/table.h"

/* A statement being written, with what is bound to it. */
struct list_sql {
    struct buf text;
    size_t n;
    struct value params[LIST_PARAMS_MAX];
    bool full; /* too many parameters */
    bool lite; /* for SQLite */
};
void list_sql_reset(struct list_sql *q);
void list_bind(struct list_sql *q, struct value v); /* writes ?N */
int list_sql_check(const struct list_sql *q, struct error *err);

/* Where the session may read, cut by what the query asks for. */
struct list_scope {
    bool everywhere;
    size_t n;           /* disjoint subtrees; none and not everywhere: nothing can be seen */
    struct text *regions;
};
int list_scope_of(const struct session *s, const struct list_query *q, struct arena *a, struct list_scope *ret, struct error *err);
/* plain: the columns as they are, so that an index on them may serve. Else it is kept out: the order of the page comes from another one. */
void list_scope_sql(struct list_sql *out, const struct list_scope *scope, bool plain);
void list_subtree_sql(struct list_sql *out, const char *column, struct text region, bool plain);
void list_term_sql(struct list_sql *out, const struct list_term *t, bool plain);
/* " AND ..." for each term and for the condition; nothing when there is none. Terms on the column `plain` (may be NULL) are plain. */
void list_terms_sql(struct list_sql *out, const struct ledger *l, const struct session *s, const struct list_query *q, const char *plain);
bool list_filters(const struct list_query *q);
/* Finds the persons behind sealed values and the records behind numbers, and makes the terms LIST_IN; a copy of the query in the arena. */
int list_unseal(struct ledger *l, struct db *db, const struct session *s, const struct list_query *q, struct arena *a, const struct list_query **ret,
                struct error *err);

/* A place in an order: between rows. */
struct list_place {
    bool set, backward;
    bool null;         /* among the rows without the sort key, which come last */
    int64_t key, id;
};
int list_cursor_read(struct ledger *l, const struct session *s, const struct list_query *q, struct list_place *ret, struct error *err);
int list_cursor_write(struct ledger *l, const struct session *s, const struct list_query *q, const struct list_place *p, struct arena *a, struct text *ret,
                      struct error *err);

/* One page being filled. Four ways find rows in the same order, so that one can go on where another stopped (fill.c):
 *   order   along the index of the sort key, which carries the region: good when the asker sees much of what comes first;
 *   few     all rows that an indexed filter leaves, sorted;
 *   merge   by id, the newest of each of the asker's regions, merged along the index of regions;
 *   region  all entries of the asker's regions in that index, which carries the sort keys, sorted. */
struct list_pager {
    struct ledger *l;
    struct db *db;
    const struct session *s;
    const struct list_query *q;
    struct list_scope scope;
    struct arena *a;
    struct error *err;
    struct list_sql sql;
    bool by_id, descending; /* the direction of the statements: a page backward turns it */
    bool nulls;             /* rows without the sort key may be there */
    struct list_place at;   /* everything before it is done */
    bool end;
    size_t want, n;
    struct record *rows;
    struct list_place *places; /* of rows */
    size_t lookups, lookups_max, merged;
    size_t n_regions;          /* of the scope: list_scope_regions */
    struct text *regions;
};
int list_fill_order(struct list_pager *p, size_t entries);
int list_fill_few(struct list_pager *p, const struct list_term *t);
int list_fill_merge(struct list_pager *p);
int list_fill_region(struct list_pager *p);
/* How many entries or regions the scope holds, up to a maximum; the regions are kept for list_fill_merge. */
int list_scope_entries(struct list_pager *p, size_t max, size_t *ret);
int list_scope_regions(struct list_pager *p, size_t max, size_t *ret);
/* The first term whose index leaves few rows; NULL in ret when there is none. */
int list_few_term(struct list_pager *p, const struct list_term **ret);

int list_count_rows(struct list_pager *p, struct list_page *page);

#endif

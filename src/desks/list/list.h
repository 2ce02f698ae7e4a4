/* desks/list: pages of any register, the same for every door. A door hands over parameters as they were written (query.c reads them), this desk
 * answers rows in the order asked for and cursors that continue; below are access, the catalog and the store. It knows no HTTP.
 *
 * A page is cut by key, never by offset: its cursor is the sort key and id of a row, sealed by the vault and bound to the register, the filters, the
 * order and the account, so that it can be neither read nor made by anybody else. Under writes no row comes twice and none that was there throughout
 * is left out; a row whose sort key changes on the way may move past the reader, as in every list.
 * Who may see what is decided by ledger/access.h alone: its regions become conditions of every query here; sealed cells are never read.
 * Work is bounded: after LIST_* entries a page ends short, with `more` and a cursor that goes on. Maxima are the enums below; PostgreSQL, where an entry
 * costs more, takes half of each. */
#ifndef TOCSIN_DESKS_LIST_H
#define TOCSIN_DESKS_LIST_H

#include "ledger/expr.h"
#include "ledger/record.h"

enum {
    LIST_LIMIT = 50, LIST_LIMIT_MAX = 500,      /* rows of a page */
    LIST_TERMS_MAX = 32, LIST_VALUES_MAX = 200, /* filters of a query; values of a filter */
    LIST_PARAMS_MAX = 900,                      /* of one statement */
    LIST_ORDER_FIRST = 12000,                   /* entries in order, looked at for the asker's regions before another way is tried; by id a sixth */
    LIST_ORDER_MAX = 50000,                     /* entries in order for one page */
    LIST_REGION_MAX = 60000,                    /* rows of the asker's regions that are sorted for one page */
    LIST_MERGE_MAX = 600,                       /* regions that are merged by id */
    LIST_LOOKUPS_MAX = 1500,                    /* rows read to be filtered for one page */
    LIST_FEW = 4000,                            /* rows that an indexed filter may leave to be sorted */
    LIST_HOLDERS_MAX = 500,                     /* persons that a sealed value may lead to */
    LIST_COUNT_ESTIMATE = 10000, LIST_COUNT_EXACT = 1000000 /* rows looked at by a count */
};

struct list_param {
    struct text name, value;
};

enum list_test {
    LIST_IN,      /* equals one of values */
    LIST_HAS,     /* several codes joined by ';': has one of values */
    LIST_RANGE,   /* low <= value <= high, either may be absent */
    LIST_PREFIX,  /* begins with values[0] */
    LIST_SUBTREE, /* region within one of values */
    LIST_EMPTY,   /* has no value, or, with `given`, has one */
    LIST_SEALED,  /* the person's sealed field is the clear values[0]: by blind index */
};

/* One filter. column comes from the declaration, values are bound: nothing an asker writes reaches the text of a statement. */
struct list_term {
    enum list_test test;
    const char *column;
    const struct field *sealed; /* LIST_SEALED: field of register person; column then holds the person */
    bool given;
    bool indexed;               /* an index leads with the column */
    size_t n;
    const struct value *values;
    struct value low, high;
};

enum list_count { LIST_COUNT_NONE, LIST_COUNT_AT_MOST, LIST_COUNT_ALL };

struct list_query {
    const struct register_decl *reg;
    size_t n_terms;
    struct list_term terms[LIST_TERMS_MAX];
    struct expr *where;     /* or NULL */
    bool narrowed;          /* regions were asked for */
    size_t n_regions;       /* disjoint subtrees asked for; none with `narrowed` false */
    struct text *regions;
    const char *sort;       /* column: "id", "changed_at" or a field */
    bool descending;
    bool all_fields;
    size_t n_fields;        /* of the sparse answer */
    uint16_t *fields;
    size_t limit;
    struct text cursor;     /* as it was given; empty: the first page */
    enum list_count count;
    int64_t print;          /* of filters and order: what a cursor belongs to */
};

/* Reads parameters into a query; everything lives in the arena. Names: sort (a column, "-" before it descends), fields, limit, cursor, count
 * (estimate | exact), where (a condition, ledger/expr.h), changed_since, region, state, id, number, version, created_at, changed_at, import, the
 * register's fields, person.FIELD for a sealed field of the person that the record is about, and NAME.given (true | false) for "has a value".
 * Values: codes, states, ids, references, booleans: a list "a,b"; dates, instants, numbers, durations: a value or "low..high", either end open, both
 * included; regions: subtrees; text: the whole text, or "begin*". A parameter given twice, an unknown one, one that does not fit its field, an order
 * without an index: errors that name it (where = its name). Costs no query. */
int list_query_parse(struct ledger *l, const struct register_decl *reg, const struct list_param *params, size_t n, struct arena *a, struct list_query *ret,
                     struct error *err);
/* The first term that finds by what is sealed, or NULL: to be found by it is to be looked at. */
const struct list_term *list_sealed_term(const struct list_query *q);
/* Columns that a list can be sorted by, at most max: id first. */
size_t list_sorts(const struct register_decl *reg, const char **out, size_t max);

struct list_page {
    size_t n;
    struct record *rows;    /* in order. values: ABSENT what was not asked for; sealed ones are text "***" or NULL */
    struct text next, previous; /* cursors; empty at an end */
    bool more;              /* next is given; a short page with it used up its share of work. How much it looked at is told to nobody: that counts what he may not see */
    int64_t count;          /* -1: not asked for */
    bool count_bounded;     /* there are at least `count` */
};
/* One page, in the arena. E_DENIED when no role of the session may read the register, or a sealed field was asked for without the right and purpose to
 * open it; E_INVALID for a cursor that is not of this query. A region outside the session's reach is an empty list, like one that has no rows.
 * Cost: under 20 ms whatever the size (bench/bench_list.c). */
int list_page(struct ledger *l, struct db *db, const struct session *s, const struct list_query *q, struct arena *a, struct list_page *ret, struct error *err);

/* Every row of the query in id order, after an id, for exports: visit gets whole records, borrowed until it returns; sealed cells as stored. At most
 * `limit` rows (0: all). ret_last (may be NULL): the id of the last row seen. */
int list_walk(struct ledger *l, struct db *db, const struct session *s, const struct list_query *q, int64_t after, size_t limit,
              int (*visit)(const struct record *r, void *arg), void *arg, int64_t *ret_last, struct error *err);

/* Cursors of an order that is no register's (duties): a key and an id, sealed for the account, the order `what` and the print of its filters. */
int list_mark_write(struct ledger *l, const struct session *s, const char *what, int64_t print, int64_t key, int64_t id, struct arena *a, struct text *ret,
                    struct error *err);
int list_mark_read(struct ledger *l, const struct session *s, const char *what, int64_t print, struct text cursor, int64_t *ret_key, int64_t *ret_id,
                   struct error *err);

#endif

/* Tables and helpers that the tests of the store share. */
#ifndef TOCSIN_TESTS_STORE_TABLES_H
#define TOCSIN_TESTS_STORE_TABLES_H

#include "stores.h"

#include "base/digest.h"
#include "store/db.h"

/* ---- a table of each kind: rowid with indexes, and clustered with a composite key */

static const struct db_column person_columns[] = {
    {"id", COLUMN_INT, true},      {"region", COLUMN_TEXT, true}, {"name", COLUMN_BLOB, false},
    {"order", COLUMN_TEXT, false}, {"age", COLUMN_INT, false},
};
static const struct db_index person_indexes[] = {
    {"person_region", "region, age DESC", false, NULL},
    {"person_order", "order", true, "\"order\" <> 'x' AND \"age\" > 3"},
};
static const struct db_table person = {"person", "id", "region", false, 5, person_columns, 2, person_indexes};

static const struct db_column blind_columns[] = {
    {"kind", COLUMN_INT, true},
    {"hash", COLUMN_INT, true},
    {"person", COLUMN_INT, true},
    {"case", COLUMN_TEXT, false},
};
static const struct db_table blind = {"blind", "kind, hash, person", NULL, true, 4, blind_columns, 0, NULL};
static const struct db_table *const both[] = {&person, &blind};

static const uint16_t ALL[] = {0, 1, 2, 3, 4};
static const uint16_t KEY[] = {0};

static struct error err;

static inline struct db *fresh(size_t store) {
    struct db *db = NULL;
    err = (struct error){0};
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
    assert_ok(db_migrate(db, both, 2, true, NULL, &err), err);
    return db;
}

static inline struct db *open_again(size_t store, enum db_mode mode) {
    struct db *db = NULL;
    assert_ok(db_open(test_store_list[store].url, mode, &db, &err), err);
    return db;
}

static inline void done(size_t store, struct db *db) {
    db_close(db);
    test_store_drop(store);
}

/* Runs `what` and expects the code; the error is fresh each time. */
#define refused(expected, what)                                                                              \
    do {                                                                                                     \
        err = (struct error){0};                                                                             \
        int got_ = (what);                                                                                   \
        if (got_ != (expected))                                                                              \
            fail_msg("%s: %s (%s), not " #expected, #what, error_name(got_), err.message);                   \
        assert_int_equal(err.code, (expected));                                                              \
        err = (struct error){0};                                                                             \
    } while (0)

static inline void row_of(struct value *row, int64_t id, const char *region, const char *order, int64_t age) {
    row[0] = value_int(id);
    row[1] = value_str(region);
    row[2] = value_blob("\0\x01name\0", 7);
    row[3] = order ? value_str(order) : value_null();
    row[4] = value_int(age);
}

static inline int add(struct db *db, int64_t id, const char *region, const char *order, int64_t age) {
    struct value row[5];
    row_of(row, id, region, order, age);
    return db_batch(db, DB_INSERT, &person, ALL, 5, row, 1, NULL, &err);
}

static inline int64_t number(struct db *db, const char *sql) {
    struct arena a = {0};
    struct value v = value_int(-1);
    assert_ok(db_scalar(db, &a, sql, NULL, 0, &v, &err), err);
    int64_t i = value_int_or(v, -2);
    arena_clear(&a);
    return i;
}

static inline int64_t count(struct db *db) {
    return number(db, "SELECT count(*) FROM \"person\"");
}

/* Every row of person and blind in one digest: equal stores give equal digests. */
static inline void contents(struct db *db, struct buf *out) {
    const char *sql[] = {"SELECT * FROM \"person\" ORDER BY \"region\", \"id\"",
                         "SELECT * FROM \"blind\" ORDER BY \"kind\", \"hash\", \"person\""};
    buf_reset(out);
    for (size_t i = 0; i < 2; i++) {
        struct db_cursor *c = NULL;
        const struct value *row;
        assert_ok(db_query(db, sql[i], NULL, 0, &c, &err), err);
        while (db_next(c, &row, &err) > 0)
            for (size_t k = 0; k < db_columns(c); k++) {
                buf_printf(out, "%d:", (int)row[k].kind);
                if (row[k].kind == VALUE_INT) buf_int(out, row[k].i);
                buf_text(out, value_view(row[k]));
                buf_char(out, '|');
            }
        db_cursor_close(c);
    }
    assert_int_equal(err.code, 0);
}

static inline void assert_same(struct buf *a, struct buf *b) {
    assert_int_equal(a->n, b->n);
    if (a->n) assert_memory_equal(a->s, b->s, a->n);
}

#endif

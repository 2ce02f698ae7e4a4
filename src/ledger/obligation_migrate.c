/* Stores made before there was a table `duty` hold duties in a table `obligation`, in words: they are carried over once, and readers keep its name as
 * that of a view. */
#include <stdio.h>
#include <string.h>

#include "ledger/book.h"

enum { STEP = 5000 };

struct moving {
    struct arena arena;
    struct obligation *rows;
    struct obligation **list;
    size_t n;
};

static int moving_start(struct moving *m, struct error *err) {
    m->rows = mem_alloc(STEP * sizeof *m->rows);
    m->list = mem_alloc(STEP * sizeof *m->list);
    return m->rows && m->list ? 0 : error_memory(err);
}

static void moving_clear(struct moving *m) {
    mem_free(m->rows);
    mem_free(m->list);
    arena_clear(&m->arena);
}

/* The clock looks at all of them at its next pass: when that is, nobody knows here. */
static int moving_write(struct ledger *l, struct moving *m, struct error *err) {
    for (size_t i = 0; i < m->n; i++) m->list[i] = &m->rows[i];
    int rc = obligation_write(l, DB_INSERT, DUTY_WHOLE, m->list, m->n, 0, err);
    m->n = 0;
    arena_reset(&m->arena);
    return rc;
}

static int moving_add(struct ledger *l, struct moving *m, const struct value *row, struct error *err) {
    struct obligation o;
    obligation_of_row(row, &o);
    o.id = 0;
    int rc = obligation_copy(l, &m->arena, &o, &m->rows[m->n++], err);
    return !rc && m->n == STEP ? moving_write(l, m, err) : rc;
}

static int move_all(struct ledger *l, struct error *err) {
    struct moving m = {0};
    struct db_cursor *c = NULL;
    const struct value *row;
    char sql[600];
    snprintf(sql, sizeof sql, "SELECT %s,0,0,0 FROM \"obligation\" ORDER BY \"holder\",\"record\",\"rule\",\"occurrence\"", obligation_words);
    int rc = moving_start(&m, err);
    if (!rc) rc = db_query(l->db, sql, NULL, 0, &c, err);
    while (!rc && (rc = db_next(c, &row, err)) > 0) rc = moving_add(l, &m, row, err);
    db_cursor_close(c);
    if (!rc) rc = moving_write(l, &m, err);
    moving_clear(&m);
    return rc;
}

int obligation_word(struct text name) {
    int i = 0;
    for (const char *at = obligation_words; *at; i++) { /* "region","holder",... */
        const char *end = strchr(at + 1, '"');
        if ((size_t)(end - at - 1) == name.n && memcmp(at + 1, name.s, name.n) == 0) return i;
        at = end[1] ? end + 2 : end + 1;
    }
    return -1;
}

int obligation_take(struct ledger *l, const uint16_t *map, size_t width, const struct value *rows, size_t n, struct error *err) {
    struct moving m = {0};
    int rc = moving_start(&m, err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct value row[OB_COLUMNS] = {0};
        for (size_t k = 0; k < width; k++) row[map[k]] = rows[i * width + k];
        rc = moving_add(l, &m, row, err);
    }
    if (!rc) rc = moving_write(l, &m, err);
    moving_clear(&m);
    return rc;
}

/* Stores from before duties were noted by the second and by their words: both anew. Where nothing happens by itself any more the clock looks at its next pass. */
static int note_anew(struct ledger *l, struct error *err) {
    static const char *const steps[] = {
        "DELETE FROM \"duty_wake\"",
        "INSERT INTO \"duty_wake\" (\"at\",\"page\") SELECT DISTINCT CASE WHEN \"wake_at\" < 253402300799 THEN \"wake_at\" ELSE 0 END,\"id\" / 1048576 FROM \"duty\" WHERE \"state\" < 2",
        "INSERT INTO \"duty_term\" (\"what\",\"page\") SELECT DISTINCT \"region\",\"id\" / 1048576 FROM \"duty\" WHERE \"state\" < 2",
        "INSERT INTO \"duty_term\" (\"what\",\"page\") SELECT DISTINCT 'k' || \"kind\",\"id\" / 1048576 FROM \"duty\" WHERE \"state\" < 2",
        "INSERT INTO \"duty_term\" (\"what\",\"page\") SELECT DISTINCT 'o' || COALESCE(\"owner\",0),\"id\" / 1048576 FROM \"duty\" WHERE \"state\" < 2 AND (\"owner\" IS NOT NULL OR \"owner_kind\" = 0)",
    };
    struct arena a = {0};
    struct value any = value_null();
    int rc = db_scalar(l->db, &a, "SELECT 1 FROM \"duty_term\" LIMIT 1", NULL, 0, &any, err);
    arena_clear(&a);
    for (size_t i = 0; !rc && any.kind != VALUE_INT && i < sizeof steps / sizeof *steps; i++) rc = db_run(l->db, steps[i], NULL, 0, NULL, err);
    return rc;
}

int obligation_migrate(struct ledger *l, bool apply, struct buf *plan, struct error *err) {
    enum db_relation was = DB_NOTHING;
    size_t n = 0;
    const struct db_view *views = obligation_views(&n);
    int rc = db_relation_of(l->db, "obligation", &was, err);
    if (rc < 0) return rc;
    if (was == DB_TABLE && buf_str(plan, "-- moved: the duties of table obligation into table duty; obligation becomes a view\n") < 0) return error_memory(err);
    if (!apply) return 0;
    rc = db_begin(l->db, err);
    if (rc < 0) return rc;
    if (was == DB_TABLE) rc = move_all(l, err);
    if (!rc && was == DB_TABLE) rc = db_run(l->db, "DROP TABLE \"obligation\"", NULL, 0, NULL, err);
    if (!rc) rc = note_anew(l, err);
    for (size_t i = 0; !rc && i < n; i++) rc = db_view_set(l->db, &views[i], err);
    if (rc < 0) {
        db_rollback(l->db);
        book_rolled_back(l);
        return rc;
    }
    rc = db_commit(l->db, err);
    if (rc < 0)
        book_rolled_back(l);
    else
        book_committed(l);
    return rc;
}

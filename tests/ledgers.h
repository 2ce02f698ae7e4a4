/* A fresh ledger in a temporary folder on each store under test, and short ways to record facts in it. */
#ifndef TOCSIN_TESTS_LEDGERS_H
#define TOCSIN_TESTS_LEDGERS_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desks/node.h"
#include "ledger/obligation.h"
#include "ledger/proof.h"
#include "stores.h"

struct test_ledger {
    char dir[128];
    struct ledger *l;
    struct arena a;
    struct session s;
    struct ledger_options o;
    size_t store;
    bool damaged; /* the test has changed the tables itself */
};

static inline instant test_at(const char *iso) {
    instant t = 0;
    if (!instant_parse(text_of(iso), ZONE_CHINA_S, &t)) fail_msg("bad instant %s", iso);
    return t;
}

static int test_ledger_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* A node of region 310115 with the pack (NULL: none) in force, its clock at `at`. No regions are seeded. */
static inline void test_ledger_make(struct test_ledger *t, size_t store, const char *pack, const char *at) {
    struct error err = {0};
    *t = (struct test_ledger){.store = store};
    snprintf(t->dir, sizeof t->dir, "/tmp/tocsin-test-XXXXXX");
    if (!mkdtemp(t->dir)) fail_msg("no temporary folder");
    const char *home = getenv("TOCSIN_HOME");
    char *url = arena_str(&t->a, test_store_fresh(store));
    char *node = arena_printf(&t->a, "%s/node", t->dir);
    t->o = (struct ledger_options){.dir = node, .store = url, .home = home ? home : ".", .region = "310115"};
    struct node_options n = {.ledger = t->o, .policy = pack, .regions = "/dev/null", .now = test_at(at)};
    struct node_report report;
    assert_ok(node_init(&n, &report, &err), err);
    assert_ok(ledger_open(&t->o, &t->l, &err), err);
    t->s = node_session(TEXT("tester"), test_at(at), false);
}

static inline void test_ledger_reopen(struct test_ledger *t) {
    struct error err = {0};
    ledger_close(t->l);
    t->l = NULL;
    assert_ok(ledger_open(&t->o, &t->l, &err), err);
}

/* What must hold of any ledger, whatever was done with it; asked before it is dropped. NULL: nothing. */
static void (*test_ledger_law)(struct test_ledger *t) __attribute__((unused));

/* The tables hold what the journal says: asked of every ledger before it is dropped. */
static inline void test_ledger_true(struct ledger *l) {
    struct error err = {0};
    struct proof_report proof = {0};
    char what[400];
    assert_ok(proof_records(l, l->db, NULL, NULL, &proof, &err), err);
    if (proof.n) {
        proof_words(&proof.list[0], what, sizeof what);
        fail_msg("%zu of the tables are not what the journal says: %s", proof.n, what);
    }
    assert_int_equal(proof.shelves, 0);
    proof_clear(&proof);
}

static inline void test_ledger_drop(struct test_ledger *t) {
    if (test_ledger_law && t->l) test_ledger_law(t);
    if (t->l && !t->damaged) test_ledger_true(t->l);
    ledger_close(t->l);
    arena_clear(&t->a);
    test_store_drop(t->store);
    nftw(t->dir, test_ledger_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* A fresh one on each store, with the pack in force and the clock at `at`. */
#define EACH_STORE(t, pack, at)                                                                              \
    for (size_t store_ = 0; store_ < test_stores(); store_++)                                                \
        for (int once_ = (test_ledger_make(&t, store_, pack, at), 1); once_; test_ledger_drop(&t), once_ = 0)

static inline struct draft *test_draft_of(struct test_ledger *t, const char *reg, enum draft_verb verb, va_list args) {
    const struct register_decl *r = register_find(t->l->catalog, text_of(reg));
    if (!r) fail_msg("no register %s", reg);
    struct draft *d = draft_new(&t->a, r, verb);
    assert_non_null(d);
    for (const char *field; (field = va_arg(args, const char *));) {
        struct error err = {0};
        const char *input = va_arg(args, const char *);
        if (draft_set(t->l, d, &t->a, text_of(field), text_of(input), &err) < 0) fail_msg("%s.%s: %s", reg, field, err.message);
    }
    return d;
}

/* A draft from "field", "text", ..., NULL. */
static inline struct draft *test_draft(struct test_ledger *t, const char *reg, enum draft_verb verb, ...) {
    va_list args;
    va_start(args, verb);
    struct draft *d = test_draft_of(t, reg, verb, args);
    va_end(args);
    return d;
}

static inline int test_write(struct test_ledger *t, struct draft *d, struct error *err) {
    return record_write(t->l, &t->s, &d, 1, err);
}

/* Records one fact that must be accepted, from "field", "text", ..., NULL; its id. */
static inline int64_t test_record_of(struct test_ledger *t, const char *reg, ...) {
    struct error err = {0};
    va_list args;
    va_start(args, reg);
    struct draft *d = test_draft_of(t, reg, DRAFT_CREATE, args);
    va_end(args);
    assert_ok(test_write(t, d, &err), err);
    return d->ret_id;
}
#define test_record(t, ...) test_record_of(t, __VA_ARGS__, (char *)NULL)

static inline const char *test_id(struct test_ledger *t, int64_t id) {
    return arena_printf(&t->a, "%lld", (long long)id);
}

static inline int64_t test_count(struct test_ledger *t, const char *sql) {
    struct error err = {0};
    struct value v = value_null();
    assert_ok(db_scalar(t->l->db, &t->a, sql, NULL, 0, &v, &err), err);
    return value_int_or(v, 0);
}

/* All duties in words, a line each, without their ids; free() it. */
static inline char *test_duties(struct test_ledger *t) {
    struct error err = {0};
    struct db_cursor *c = NULL;
    struct buf out = {0};
    const struct value *row;
    char *sql = arena_printf(&t->a, "SELECT %s FROM \"obligation\" ORDER BY \"holder\",\"record\",\"rule\",\"occurrence\",\"raised_at\",\"state\",\"due_at\"", obligation_words);
    assert_ok(db_query(t->l->db, sql, NULL, 0, &c, &err), err);
    while (db_next(c, &row, &err) > 0) {
        for (int i = 0; i < OB_ID; i++) {
            if (row[i].kind == VALUE_INT) buf_int(&out, row[i].i);
            if (row[i].kind == VALUE_TEXT) buf_text(&out, value_view(row[i]));
            buf_char(&out, '|');
        }
        buf_char(&out, '\n');
    }
    db_cursor_close(c);
    char *copy = strdup(buf_cstr(&out));
    buf_clear(&out);
    return copy;
}

#endif

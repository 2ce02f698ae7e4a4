/* The stores a test runs on. TOCSIN_TEST_STORES lists them, space separated: "sqlite" or a postgresql:// URL
 * (see tests/pg); without it there is one SQLite store. A test walks them all:
 *
 *     for (size_t i = 0; i < test_stores(); i++) {
 *         struct db *db = NULL;
 *         assert_ok(db_open(test_store_fresh(i), DB_WRITE, &db, &err), err);
 *         ...
 *         db_close(db);
 *         test_store_drop(i);
 *     }
 *
 * A fresh SQLite store is a file in a new folder under $TMPDIR; a fresh PostgreSQL store is a new schema,
 * reached by search_path in the URL (a new database would take 50 times as long). */
#ifndef TOCSIN_TESTS_STORES_H
#define TOCSIN_TESTS_STORES_H

#include <libpq-fe.h>
#include <unistd.h>

#include "check.h"

enum { TEST_STORES_MAX = 4 };

/* Filled by test_stores. */
struct test_store {
    char *base; /* as listed */
    char *name; /* folder or schema */
    char *url;  /* of the fresh one, NULL when there is none */
};
static struct test_store test_store_list[TEST_STORES_MAX];
static pid_t test_store_owner;

/* How many stores there are to test on. */
static inline size_t test_stores(void) {
    static size_t n;
    if (n) return n;
    const char *env = getenv("TOCSIN_TEST_STORES");
    static char list[2048];
    snprintf(list, sizeof list, "%s", env && *env ? env : "sqlite");
    for (char *save = NULL, *word = strtok_r(list, " ", &save); word && n < TEST_STORES_MAX;
         word = strtok_r(NULL, " ", &save))
        test_store_list[n++].base = word;
    return n;
}

static inline bool test_store_is_pg(size_t i) {
    return strncmp(test_store_list[i].base, "postgres", 8) == 0;
}

static inline void test_store_sql(size_t i, const char *verb, const char *more) {
    char sql[256];
    snprintf(sql, sizeof sql, "SET client_min_messages = warning; SET lock_timeout = 5000; %s %s%s", verb,
             test_store_list[i].name, more);
    PGconn *c = PQconnectdb(test_store_list[i].base);
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        print_message("%s: %s", test_store_list[i].base, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

/* Removes what test_store_fresh made; close its connections first. */
static inline void test_store_drop(size_t i) {
    struct test_store *s = &test_store_list[i];
    if (!s->url) return;
    if (test_store_is_pg(i)) {
        test_store_sql(i, "DROP SCHEMA", " CASCADE");
    } else {
        char command[160];
        snprintf(command, sizeof command, "rm -rf '%s'", s->name);
        if (system(command) != 0) print_message("%s was not removed\n", s->name);
    }
    free(s->url);
    free(s->name);
    s->url = s->name = NULL;
}

/* What a failed test left behind goes when its program ends, but not when a child of it does. */
static inline void test_stores_end(void) {
    if (getpid() != test_store_owner) return;
    for (size_t i = 0; i < TEST_STORES_MAX; i++) test_store_drop(i);
}

/* URL of an empty store, borrowed until the next fresh or drop of the same i. Drops the one before. */
static inline const char *test_store_fresh(size_t i) {
    static unsigned serial;
    struct test_store *s = &test_store_list[i];
    test_store_drop(i);
    if (!test_store_owner) {
        test_store_owner = getpid();
        atexit(test_stores_end);
    }
    const char *tmp = getenv("TMPDIR");
    bool pg = test_store_is_pg(i);
    int rc = pg ? asprintf(&s->name, "t%ld_%u", (long)getpid(), ++serial)
                : asprintf(&s->name, "%s/tocsin-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (rc < 0) fail_msg("out of memory");
    if (pg)
        rc = asprintf(&s->url, "%s%coptions=-csearch_path%%3D%s", s->base, strchr(s->base, '?') ? '&' : '?',
                      s->name);
    else
        rc = mkdtemp(s->name) ? asprintf(&s->url, "sqlite:%s/store.db", s->name) : -1;
    if (rc < 0) fail_msg("%s cannot be made", s->name);
    if (pg) test_store_sql(i, "CREATE SCHEMA", "");
    return s->url;
}

#endif

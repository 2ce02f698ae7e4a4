/* Laws of the group-commit writer, on every store of TOCSIN_TEST_STORES. */
#include "stores.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "store/writer.h"

static const struct db_column columns[] = {{"id", COLUMN_INT, true}, {"n", COLUMN_INT, false}};
static const struct db_table item = {"item", "id", NULL, false, 2, columns, 0, NULL};
static const struct db_table *const tables[] = {&item};
static const uint16_t BOTH[] = {0, 1};

static struct error err;

static struct writer *start(size_t store, const struct writer_options *options) {
    struct db *db = NULL;
    struct writer *w = NULL;
    err = (struct error){0};
    assert_ok(db_open(test_store_fresh(store), DB_WRITE, &db, &err), err);
    assert_ok(db_migrate(db, tables, 1, true, NULL, &err), err);
    assert_ok(writer_start(db, options, &w, &err), err);
    return w;
}

static int64_t scalar(struct db *db, const char *sql) {
    struct arena a = {0};
    struct value v = value_null();
    struct error why = {0};
    if (db_scalar(db, &a, sql, NULL, 0, &v, &why) < 0) fprintf(stderr, "%s\n", why.message);
    arena_clear(&a);
    return value_int_or(v, -1);
}

static int64_t stored(size_t store, const char *sql) {
    struct db *db = NULL;
    assert_ok(db_open(test_store_list[store].url, DB_READ, &db, &err), err);
    int64_t n = scalar(db, sql);
    db_close(db);
    return n;
}

#define COUNT "SELECT count(*) FROM \"item\""

/* ---- commands */

struct job {
    int64_t id;
    int answer;  /* what run returns after it wrote */
    sem_t *wait; /* run waits for this first */
    sem_t *started;
    atomic_int runs, dones;
    int rc;
    struct error error;
};

static int job_run(struct db *db, void *arg, struct error *e) {
    struct job *j = arg;
    atomic_fetch_add(&j->runs, 1);
    if (j->started) sem_post(j->started);
    if (j->wait) sem_wait(j->wait);
    struct value row[] = {value_int(j->id), value_int(1)};
    int rc = db_batch(db, DB_INSERT, &item, BOTH, 2, row, 1, NULL, e);
    if (rc == 0 && j->answer < 0) rc = error_set(e, j->answer, NULL, "this one fails after it wrote");
    return rc;
}

static void job_done(void *arg, int rc, const struct error *e) {
    struct job *j = arg;
    j->rc = rc;
    if (e) j->error = *e;
    atomic_fetch_add(&j->dones, 1);
}

static int submit(struct writer *w, struct job *j) {
    return writer_submit(w, (struct writer_command){job_run, job_done, j}, &err);
}

/* Holds the writer in a first command until let go, so that what is submitted meanwhile makes one batch. */
struct gate {
    struct job job;
    sem_t open, started;
};

static void gate_shut(struct gate *g, struct writer *w, int64_t id) {
    memset(g, 0, sizeof *g);
    sem_init(&g->open, 0, 0);
    sem_init(&g->started, 0, 0);
    g->job.id = id;
    g->job.wait = &g->open;
    g->job.started = &g->started;
    assert_ok(submit(w, &g->job), err);
    sem_wait(&g->started);
}

static void gate_open(struct gate *g) {
    sem_post(&g->open);
}

struct hooks {
    atomic_int begins, commits, aborts;
    int fail_begin, fail_commit;
};
static int hook_begin(struct db *db, void *context, struct error *e) {
    (void)db;
    struct hooks *h = context;
    atomic_fetch_add(&h->begins, 1);
    return h->fail_begin ? error_set(e, h->fail_begin, NULL, "begin hook") : 0;
}
static int hook_commit(struct db *db, void *context, struct error *e) {
    (void)db;
    struct hooks *h = context;
    atomic_fetch_add(&h->commits, 1);
    return h->fail_commit ? error_set(e, h->fail_commit, NULL, "commit hook") : 0;
}
static void hook_abort(void *context) {
    struct hooks *h = context;
    atomic_fetch_add(&h->aborts, 1);
}
static struct writer_options with_hooks(struct hooks *h) {
    return (struct writer_options){
        .begin = hook_begin, .commit = hook_commit, .abort = hook_abort, .context = h};
}

/* ---- refusals */

static void a_full_queue_is_busy_and_calls_nobody(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct writer *w = start(i, &(struct writer_options){.queue_max = 3});
        struct gate g;
        struct job jobs[5] = {0};
        gate_shut(&g, w, 100);
        for (int k = 0; k < 5; k++) {
            jobs[k].id = k;
            int rc = submit(w, &jobs[k]);
            assert_int_equal(rc, k < 3 ? 0 : E_BUSY);
            err = (struct error){0};
        }
        gate_open(&g);
        writer_stop(w);
        for (int k = 0; k < 5; k++) {
            assert_int_equal(jobs[k].runs, k < 3);
            assert_int_equal(jobs[k].dones, k < 3);
        }
        assert_int_equal(stored(i, COUNT), 4);
        test_store_drop(i);
    }
    writer_stop(NULL);
}

struct nested {
    struct writer *w;
    int rc;
};
static int nested_run(struct db *db, void *arg, struct error *e) {
    (void)db, (void)e;
    struct nested *n = arg;
    struct error why = {0};
    n->rc = writer_run(n->w, nested_run, n, &why);
    return 0;
}

static void a_command_must_not_wait_for_another(void **state) {
    (void)state;
    struct writer *w = start(0, NULL);
    struct nested n = {.w = w};
    assert_ok(writer_run(w, nested_run, &n, &err), err);
    assert_int_equal(n.rc, E_USAGE);
    writer_stop(w);
    test_store_drop(0);
}

static void a_failing_command_undoes_itself_alone(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct writer *w = start(i, NULL);
        struct gate g;
        struct job jobs[50] = {0};
        gate_shut(&g, w, 1000);
        for (int k = 0; k < 50; k++) {
            jobs[k].id = k % 10 == 3 ? 2 : k; /* some take a key that is taken: the store refuses */
            jobs[k].answer = k % 10 == 7 ? E_REFUSED : 0;
            assert_ok(submit(w, &jobs[k]), err);
        }
        gate_open(&g);
        writer_stop(w);
        for (int k = 0; k < 50; k++) {
            assert_int_equal(jobs[k].dones, 1);
            assert_int_equal(jobs[k].rc, k % 10 == 3 ? E_CONFLICT : k % 10 == 7 ? E_REFUSED : 0);
            if (k % 10 == 7) assert_string_equal(jobs[k].error.message, "this one fails after it wrote");
            if (jobs[k].rc == 0) assert_int_equal(jobs[k].error.code, 0);
        }
        assert_int_equal(stored(i, COUNT), 41);
        test_store_drop(i);
    }
}

static void a_failed_transaction_answers_everybody(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        for (int which = 0; which < 2; which++) {
            struct hooks h = {0};
            struct writer_options o = with_hooks(&h);
            struct writer *w = start(i, &o);
            struct gate g;
            struct job jobs[20] = {0};
            gate_shut(&g, w, 1000);
            for (int k = 0; k < 20; k++) {
                jobs[k].id = k % 19;
                assert_ok(submit(w, &jobs[k]), err);
            }
            /* the gate's own transaction is under way: only its commit hook can still see this */
            if (which)
                h.fail_commit = E_FULL;
            else
                h.fail_begin = E_IO;
            gate_open(&g);
            writer_stop(w);
            assert_int_equal(g.job.rc, which ? E_FULL : 0);
            for (int k = 0; k < 20; k++) assert_int_equal(jobs[k].rc, which ? E_FULL : E_IO);
            assert_int_equal(h.begins, 2);
            assert_int_equal(h.aborts, which ? 2 : 1);
            assert_int_equal(stored(i, COUNT), which ? 0 : 1);
            test_store_drop(i);
        }
    }
}

/* ---- laws */

static void what_waits_is_committed_together(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct hooks h = {0};
        struct writer_options o = with_hooks(&h);
        o.batch_max = 60;
        struct writer *w = start(i, &o);
        struct gate g;
        struct job jobs[150] = {0};
        gate_shut(&g, w, 1000);
        for (int k = 0; k < 150; k++) {
            jobs[k].id = k;
            assert_ok(submit(w, &jobs[k]), err);
        }
        assert_int_equal(stored(i, COUNT), 0);
        gate_open(&g);
        writer_stop(w);                /* commits what is queued first */
        assert_int_equal(h.begins, 4); /* the gate's, then 60, 60 and 30 */
        assert_int_equal(h.commits, 4);
        assert_int_equal(h.aborts, 0);
        assert_int_equal(stored(i, COUNT), 151);
        test_store_drop(i);
    }
}

struct witness {
    struct db *reader;
    int64_t seen;
    sem_t done;
};
static int witness_run(struct db *db, void *arg, struct error *e) {
    (void)arg;
    struct value row[] = {value_int(1), value_int(1)};
    return db_batch(db, DB_INSERT, &item, BOTH, 2, row, 1, NULL, e);
}
static void witness_done(void *arg, int rc, const struct error *e) {
    (void)rc, (void)e;
    struct witness *v = arg;
    v->seen = scalar(v->reader, COUNT);
    sem_post(&v->done);
}

static void done_means_stored(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct writer *w = start(i, NULL);
        struct witness v = {.seen = -1};
        sem_init(&v.done, 0, 0);
        assert_ok(db_open(test_store_list[i].url, DB_READ, &v.reader, &err), err);
        assert_ok(writer_submit(w, (struct writer_command){witness_run, witness_done, &v}, &err), err);
        sem_wait(&v.done);
        assert_int_equal(v.seen, 1);
        db_close(v.reader);
        writer_stop(w);
        test_store_drop(i);
    }
}

enum { THREADS = 6, TIMES = 60 };

struct client {
    struct writer *w;
    int64_t id;
    int failed;
    pthread_t thread;
};
static int add_one(struct db *db, void *arg, struct error *e) {
    (void)arg;
    return db_run(db, "UPDATE \"item\" SET \"n\" = \"n\" + 1 WHERE \"id\" = 1", NULL, 0, NULL, e);
}
static int add_row(struct db *db, void *arg, struct error *e) {
    struct value row[] = {value_int(*(int64_t *)arg), value_int(0)};
    return db_batch(db, DB_INSERT, &item, BOTH, 2, row, 1, NULL, e);
}
static void *client_main(void *arg) {
    struct client *c = arg;
    for (int k = 0; k < TIMES; k++) {
        struct error why = {0};
        if (writer_run(c->w, add_one, NULL, &why) < 0) c->failed++;
        c->id++;
        if (writer_run(c->w, add_row, &c->id, &why) < 0) c->failed++;
        int64_t taken = c->id;
        if (writer_run(c->w, add_row, &taken, &why) != E_CONFLICT) c->failed++;
    }
    return NULL;
}

static void many_threads_lose_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        struct writer *w = start(i, NULL);
        struct client clients[THREADS] = {0};
        int64_t one = 1;
        assert_ok(writer_run(w, add_row, &one, &err), err);
        for (int t = 0; t < THREADS; t++) {
            clients[t] = (struct client){.w = w, .id = 1000 * (t + 1)};
            assert_int_equal(pthread_create(&clients[t].thread, NULL, client_main, &clients[t]), 0);
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(clients[t].thread, NULL);
            assert_int_equal(clients[t].failed, 0);
        }
        writer_stop(w);
        assert_int_equal(stored(i, "SELECT \"n\" FROM \"item\" WHERE \"id\" = 1"), THREADS * TIMES);
        assert_int_equal(stored(i, COUNT), THREADS * TIMES + 1);
        test_store_drop(i);
    }
}

/* ---- bad nights */

static int hang_up(struct db *db, void *arg, struct error *e) {
    (void)arg;
    return db_run(db, "SELECT pg_terminate_backend(pg_backend_pid())", NULL, 0, NULL, e);
}

static void a_lost_connection_fails_its_batch_only(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        if (!test_store_is_pg(i)) continue;
        struct writer *w = start(i, NULL);
        struct gate g;
        struct job before = {.id = 1}, cut = {0}, after = {.id = 2};
        gate_shut(&g, w, 1000);
        assert_ok(submit(w, &before), err);
        assert_ok(writer_submit(w, (struct writer_command){hang_up, job_done, &cut}, &err), err);
        assert_ok(submit(w, &after), err);
        gate_open(&g);
        while (!atomic_load(&after.dones)) usleep(1000);
        int64_t id = 3;
        assert_ok(writer_run(w, add_row, &id, &err), err); /* connected again */
        writer_stop(w);
        assert_int_equal(g.job.rc, 0);
        assert_int_equal(before.rc, E_STORE);
        assert_int_equal(cut.rc, E_STORE);
        assert_int_equal(after.rc, E_STORE);
        assert_int_equal(stored(i, COUNT), 2);
        test_store_drop(i);
    }
}

static int fill_up(struct db *db, void *arg, struct error *e) {
    (void)arg;
    int rc = 0;
    for (int64_t k = 0; k < 100000 && rc == 0; k++) {
        struct value row[] = {value_int(10000 + k), value_int(k)};
        rc = db_batch(db, DB_INSERT, &item, BOTH, 2, row, 1, NULL, e);
    }
    return rc;
}

static void a_full_store_says_so_and_recovers(void **state) {
    (void)state;
    for (size_t i = 0; i < test_stores(); i++) {
        if (test_store_is_pg(i)) continue;
        struct db *db = NULL;
        struct writer *w = NULL;
        assert_ok(db_open(test_store_fresh(i), DB_WRITE, &db, &err), err);
        assert_ok(db_migrate(db, tables, 1, true, NULL, &err), err);
        assert_ok(db_run(db, "PRAGMA max_page_count=20", NULL, 0, NULL, &err), err);
        assert_ok(writer_start(db, NULL, &w, &err), err);
        struct job full = {0}, small = {.id = 1};
        assert_int_equal(writer_run(w, fill_up, &full, &err), E_FULL);
        err = (struct error){0};
        assert_ok(submit(w, &small), err);
        writer_stop(w);
        assert_int_equal(small.rc, 0);
        assert_int_equal(stored(i, COUNT), 1);
        test_store_drop(i);
    }
}

static void starting_without_memory_closes_the_store(void **state) {
    (void)state;
    for (long n = 1; n <= 4; n++) {
        struct db *db = NULL;
        struct writer *w = NULL;
        assert_ok(db_open(test_store_fresh(0), DB_WRITE, &db, &err), err);
        mem_fail_at(n, false);
        assert_int_equal(writer_start(db, NULL, &w, &err), E_MEMORY);
        mem_fail_at(0, false);
        assert_null(w);
        err = (struct error){0};
        test_store_drop(0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_is_busy_and_calls_nobody),
        cmocka_unit_test(a_command_must_not_wait_for_another),
        cmocka_unit_test(a_failing_command_undoes_itself_alone),
        cmocka_unit_test(a_failed_transaction_answers_everybody),
        cmocka_unit_test(what_waits_is_committed_together),
        cmocka_unit_test(done_means_stored),
        cmocka_unit_test(many_threads_lose_nothing),
        cmocka_unit_test(a_lost_connection_fails_its_batch_only),
        cmocka_unit_test(a_full_store_says_so_and_recovers),
        cmocka_unit_test(starting_without_memory_closes_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

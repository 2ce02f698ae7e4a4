/* The queue: many submitters share commits, each stands or falls alone, a repeated request gets the first answer. */
#include "ledgers.h"

#include <pthread.h>

#include "desks/plan.h"
#include "ledger/queue.h"
#include "ledger/repeat.h"

static const char *const NOW = "2022-05-30T10:00";

static void verify(struct test_ledger *t) {
    struct error err = {0};
    struct journal_verdict v;
    assert_ok(journal_verify(t->l->db, t->l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    if (v.bad_seq) fail_msg("%s", v.what);
}

/* What a failing test leaves behind, for settle(). */
static struct ledger_queue *running;
static struct gate *closed;

static struct ledger_queue *start(struct test_ledger *t, const struct queue_options *o) {
    struct error err = {0};
    struct ledger_queue *q = NULL;
    assert_ok(ledger_queue_start(t->l, o, &q, &err), err);
    running = q;
    return q;
}

static void stop(struct ledger_queue *q) {
    running = NULL;
    ledger_queue_stop(q);
}

/* Holds the queue's thread, so that what is submitted meanwhile makes one batch. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool inside, open;
    struct ledger_queue *q;
    pthread_t thread;
};

static int gate_run(struct ledger *l, void *arg, struct error *err) {
    struct gate *g = arg;
    (void)l, (void)err;
    pthread_mutex_lock(&g->lock);
    g->inside = true;
    pthread_cond_broadcast(&g->wake);
    while (!g->open) pthread_cond_wait(&g->wake, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return 0;
}

static void *gate_main(void *arg) {
    struct gate *g = arg;
    ledger_queue_call(g->q, gate_run, g, NULL);
    return NULL;
}

static void gate_close(struct gate *g, struct ledger_queue *q) {
    *g = (struct gate){.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .q = q};
    if (pthread_create(&g->thread, NULL, gate_main, g) != 0) fail_msg("no thread");
    pthread_mutex_lock(&g->lock);
    while (!g->inside) pthread_cond_wait(&g->wake, &g->lock);
    pthread_mutex_unlock(&g->lock);
    closed = g;
}

static void gate_open(struct gate *g) {
    closed = NULL;
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->wake);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
}

/* Ends the threads of a test that failed half-way, before the next begins. */
static int settle(void **state) {
    (void)state;
    if (closed) gate_open(closed);
    if (running) stop(running);
    return 0;
}

/* A submission whose answer lands in a slot; read after ledger_queue_stop. */
struct slot {
    struct submission s;
    struct draft *drafts[4];
    int calls, rc;
    struct error error;
};

static void slot_done(void *arg, int rc, const struct error *err) {
    struct slot *s = arg;
    s->calls++;
    s->rc = rc;
    s->error = *err;
}

static struct slot *slot_of(struct test_ledger *t, struct draft *a, struct draft *b) {
    struct slot *s = arena_alloc(&t->a, sizeof *s);
    s->drafts[0] = a;
    s->drafts[1] = b;
    s->s = (struct submission){.session = &t->s, .drafts = s->drafts, .n = b ? 2 : 1, .arena = &t->a, .done = slot_done, .arg = s};
    return s;
}

static struct draft *person(struct test_ledger *t, const char *name) {
    return test_draft(t, "person", DRAFT_CREATE, "name", name, "phone", "13800138000", NULL);
}

/* A case of the person who is draft `of` of the same submission. */
static struct draft *case_of(struct test_ledger *t, uint32_t of, const char *disease) {
    struct draft *d = test_draft(t, "case", DRAFT_CREATE, "classification", "confirmed", "report_date", "2022-05-29", NULL);
    d->values[register_field(d->reg, TEXT("disease"))] = value_str(disease);
    d->links = arena_alloc(&t->a, d->reg->n_fields * sizeof *d->links);
    d->links[register_field(d->reg, TEXT("person"))] = of;
    return d;
}

static void what_cannot_be_taken_is_said_at_once(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        static struct gate g;
        struct ledger_queue *q = start(&t, &(struct queue_options){.waiting_max = 1});
        struct slot *bad = slot_of(&t, test_draft(&t, "case", DRAFT_CREATE, "disease", "covid-19", NULL), NULL); /* no person */
        assert_int_equal(ledger_submit(q, &bad->s, &err), E_INVALID);
        err = (struct error){0};
        struct slot *both = slot_of(&t, person(&t, "甲"), NULL);
        both->s.each = true;
        both->s.key = TEXT("k");
        assert_int_equal(ledger_submit(q, &both->s, &err), E_USAGE);
        err = (struct error){0};
        gate_close(&g, q);
        struct slot *first = slot_of(&t, person(&t, "乙"), NULL), *second = slot_of(&t, person(&t, "丙"), NULL);
        assert_ok(ledger_submit(q, &first->s, &err), err);
        assert_int_equal(ledger_submit(q, &second->s, &err), E_BUSY);
        gate_open(&g);
        stop(q);
        assert_true(bad->calls == 0 && both->calls == 0 && second->calls == 0 && first->calls == 1 && first->rc == 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 1);
        verify(&t);
    }
}

static void a_failure_is_its_own(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        static struct gate g;
        struct queue_counts counts;
        struct ledger_queue *q = start(&t, NULL);
        gate_close(&g, q);
        struct slot *list[] = {
            slot_of(&t, person(&t, "甲"), case_of(&t, 1, "covid-19")),
            slot_of(&t, person(&t, "乙"), test_draft(&t, "case", DRAFT_CREATE, "person", "999999", "disease", "covid-19", "classification", "confirmed",
                                                      "report_date", "2022-05-29", NULL)), /* half of it would do */
            slot_of(&t, person(&t, "丙"), case_of(&t, 1, "measles")),
            slot_of(&t, test_draft(&t, "person", DRAFT_CHANGE, "sex", "male", NULL), NULL), /* of nobody */
        };
        list[3]->drafts[0]->id = 888888;
        for (size_t i = 0; i < 4; i++) assert_ok(ledger_submit(q, &list[i]->s, &err), err);
        gate_open(&g);
        ledger_queue_counts(q, &counts);
        stop(q);
        for (size_t i = 0; i < 4; i++) assert_int_equal(list[i]->calls, 1);
        assert_true(list[0]->rc == 0 && list[2]->rc == 0);
        assert_int_equal(list[1]->rc, E_INVALID);
        assert_int_equal(list[3]->rc, E_UNKNOWN);
        assert_int_equal(list[1]->drafts[0]->outcome, OUTCOME_NONE);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\""), 2);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"vault_key\""), 2);
        assert_true(list[2]->drafts[1]->ret_id > list[2]->drafts[0]->ret_id);
        verify(&t);
    }
}

static void a_batch_that_breaks_is_taken_apart(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        static struct gate g;
        struct queue_counts counts;
        int64_t first = test_record(&t, "place", "title", "一"); /* the next id is one more */
        struct value taken[] = {value_int(first + 2), value_blob("x", 1)};
        assert_ok(db_begin(t.l->db, &err), err);
        assert_ok(db_run(t.l->db, "INSERT INTO \"vault_key\" VALUES (?1, ?2)", taken, 2, NULL, &err), err);
        assert_ok(db_commit(t.l->db, &err), err);
        struct ledger_queue *q = start(&t, NULL);
        gate_close(&g, q);
        struct slot *list[] = {slot_of(&t, test_draft(&t, "place", DRAFT_CREATE, "title", "二", NULL), NULL), slot_of(&t, person(&t, "甲"), NULL),
                               slot_of(&t, test_draft(&t, "place", DRAFT_CREATE, "title", "三", NULL), NULL)};
        for (size_t i = 0; i < 3; i++) assert_ok(ledger_submit(q, &list[i]->s, &err), err);
        gate_open(&g);
        stop(q);
        (void)counts;
        assert_true(list[0]->rc == 0 && list[2]->rc == 0);
        assert_int_equal(list[1]->rc, E_CONFLICT);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"place\""), 3);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 0);
        verify(&t);
    }
}

static void one_by_one_when_asked(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        struct ledger_queue *q = start(&t, NULL);
        struct slot *s = slot_of(&t, test_draft(&t, "case", DRAFT_CREATE, "disease", "covid-19", NULL), person(&t, "甲"));
        s->s.each = true;
        assert_ok(ledger_submit_wait(q, &s->s, &err), err);
        stop(q);
        assert_int_equal(s->drafts[0]->outcome, OUTCOME_REJECTED);
        assert_int_equal(s->drafts[1]->outcome, OUTCOME_CREATED);
        verify(&t);
    }
}

static void a_repeated_request_gets_the_first_answer(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        static struct gate g;
        struct ledger_queue *q = start(&t, NULL);
        gate_close(&g, q);
        struct slot *s[4];
        for (size_t i = 0; i < 4; i++) {
            s[i] = slot_of(&t, person(&t, i == 2 ? "另一人" : "甲"), case_of(&t, 1, "covid-19"));
            s[i]->s.key = TEXT("card-1");
        }
        static struct session other;
        other = t.s;
        other.account = TEXT("other");
        s[3]->s.session = &other;
        for (size_t i = 0; i < 4; i++) assert_ok(ledger_submit(q, &s[i]->s, &err), err);
        gate_open(&g);
        stop(q);
        assert_true(s[0]->rc == 0 && s[1]->rc == 0 && s[3]->rc == 0);
        assert_int_equal(s[2]->rc, E_CONFLICT); /* the same key, something else */
        for (size_t k = 0; k < 2; k++) {
            assert_true(s[0]->drafts[k]->ret_id == s[1]->drafts[k]->ret_id && s[0]->drafts[k]->ret_id != s[3]->drafts[k]->ret_id);
            assert_int_equal(s[1]->drafts[k]->outcome, OUTCOME_CREATED);
        }
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\""), 2);
        test_ledger_reopen(&t);
        int64_t entries = test_count(&t, "SELECT \"next\" FROM \"journal_tip\"");
        struct draft *again[] = {person(&t, "甲"), case_of(&t, 1, "covid-19")};
        assert_ok(record_write_once(t.l, &t.s, TEXT("card-1"), again, 2, &err), err);
        assert_true(again[1]->ret_id == s[0]->drafts[1]->ret_id && again[1]->ret_version == 1);
        assert_int_equal(test_count(&t, "SELECT \"next\" FROM \"journal_tip\""), entries);
        /* what was refused is no answer to keep */
        struct draft *none[] = {test_draft(&t, "person", DRAFT_CHANGE, "sex", "male", NULL)};
        none[0]->id = 777777;
        assert_int_equal(record_write_once(t.l, &t.s, TEXT("card-2"), none, 1, &err), E_UNKNOWN);
        err = (struct error){0};
        struct draft *later[] = {person(&t, "丁")};
        assert_ok(record_write_once(t.l, &t.s, TEXT("card-2"), later, 1, &err), err);
        /* a phone that was off for a day, or six, is told the same; after the days it is kept the key is free again */
        t.s.now += 6 * DAY_S;
        struct draft *late[] = {person(&t, "甲"), case_of(&t, 1, "covid-19")}, *fresh[] = {person(&t, "己")};
        assert_ok(record_write_once(t.l, &t.s, TEXT("card-9"), fresh, 1, &err), err); /* old keys go when new ones come */
        assert_ok(record_write_once(t.l, &t.s, TEXT("card-1"), late, 2, &err), err);
        assert_true(late[1]->ret_id == s[0]->drafts[1]->ret_id && late[1]->ret_version == 1);
        t.s.now += REPEAT_KEPT_S + 3600;
        struct draft *next[] = {person(&t, "戊")};
        assert_ok(record_write_once(t.l, &t.s, TEXT("card-3"), next, 1, &err), err);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"repeat\""), 1);
        verify(&t);
    }
}

enum { THREADS = 12, EACH = 25 };

struct worker {
    struct test_ledger *t;
    struct ledger_queue *q;
    pthread_t thread;
    int64_t ids[EACH];
    struct error err;
    size_t bad;
};

static void *work(void *arg) {
    struct worker *w = arg;
    for (size_t i = 0; i < EACH; i++) {
        struct arena a = {0};
        struct draft *drafts[] = {draft_new(&a, register_find(w->t->l->catalog, TEXT("person")), DRAFT_CREATE),
                                  draft_new(&a, register_find(w->t->l->catalog, TEXT("case")), DRAFT_CREATE)};
        uint32_t *links = drafts[1] ? arena_alloc(&a, drafts[1]->reg->n_fields * sizeof *links) : NULL;
        struct submission s = {.session = &w->t->s, .drafts = drafts, .n = 2, .arena = &a};
        if (links) {
            drafts[1]->links = links;
            links[register_field(drafts[1]->reg, TEXT("person"))] = 1;
        }
        if (!drafts[0] || !links || draft_set(w->t->l, drafts[0], &a, TEXT("name"), TEXT("张伟"), &w->err) < 0 ||
            draft_set(w->t->l, drafts[1], &a, TEXT("disease"), TEXT("covid-19"), &w->err) < 0 ||
            draft_set(w->t->l, drafts[1], &a, TEXT("classification"), TEXT("confirmed"), &w->err) < 0 ||
            draft_set(w->t->l, drafts[1], &a, TEXT("report_date"), TEXT("2022-05-29"), &w->err) < 0 ||
            ledger_submit_wait(w->q, &s, &w->err) < 0)
            w->bad++;
        else
            w->ids[i] = drafts[1]->ret_id;
        arena_clear(&a);
    }
    return NULL;
}

static int adopt(struct ledger *l, void *arg, struct error *err) {
    struct plan_adoption a = {.pack = TEXT("covid-2022-20"), .region = l->region, .from = day_of_civil((struct civil){2022, 1, 1}), .reason = TEXT("new edition"), .approver = TEXT("command")};
    int64_t id = 0;
    return plan_adopt(l, arg, &a, &id, NULL, err);
}

static void many_submit_while_the_plan_changes(void **state) {
    (void)state;
    static struct test_ledger t; /* static: a test that fails leaves before the queue's thread does */
    EACH_STORE(t, "covid-2022-v9", NOW) {
        struct error err = {0};
        static struct worker w[THREADS];
        struct queue_counts counts;
        struct ledger_queue *q = start(&t, NULL);
        for (size_t i = 0; i < THREADS; i++) {
            w[i] = (struct worker){.t = &t, .q = q};
            if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0) fail_msg("no thread");
        }
        int rc = ledger_queue_call(q, adopt, &t.s, &err);
        for (size_t i = 0; i < THREADS; i++) pthread_join(w[i].thread, NULL);
        assert_ok(rc, err);
        ledger_queue_counts(q, &counts);
        stop(q);
        for (size_t i = 0; i < THREADS; i++)
            if (w[i].bad) fail_msg("%zu failed: %s %s", w[i].bad, w[i].err.message, w[i].err.where);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"case\""), THREADS * EACH);
        assert_int_equal(test_count(&t, "SELECT COUNT(DISTINCT \"number\") FROM \"case\""), THREADS * EACH);
        assert_true(counts.commits < counts.submissions);
        for (size_t i = 0; i < THREADS; i++)
            for (size_t k = 0; k < EACH; k++) {
                struct value id = value_int(w[i].ids[k]), n = value_null();
                assert_ok(db_scalar(t.l->db, &t.a, "SELECT COUNT(*) FROM \"obligation\" WHERE \"record\" = ?1", &id, 1, &n, &err), err);
                assert_true(n.i > 0);
            }
        verify(&t);
    }
}

static void write_one(struct test_ledger *t, struct ledger_queue *q, const char *title) {
    struct error err = {0};
    struct draft *d = test_draft(t, "place", DRAFT_CREATE, "title", title, "kind", "factory", NULL);
    d->region = TEXT("310115001");
    struct submission s = {.session = &t->s, .drafts = &d, .n = 1, .arena = &t->a};
    assert_ok(ledger_submit_wait(q, &s, &err), err);
}

/* PostgreSQL restarted: what was committed and not yet on disk may be gone, so what is remembered of it is read anew, here and by others. */
static void after_a_restart_of_the_store_nothing_is_taken_for_known(void **state) {
    (void)state;
    static struct test_ledger t;
    static const char stamps[] = "SELECT SUM(CAST(\"value\" AS bigint)) FROM \"node\" WHERE \"name\" IN ('shared','accounts')";
    char name[32];
    snprintf(name, sizeof name, "queue-%d", (int)getpid());
    setenv("PGAPPNAME", name, 1); /* our own connections, among those of other tests */
    EACH_STORE(t, "covid-2022-v9", NOW) {
        if (!test_store_is_pg(store_)) continue;
        struct error err = {0};
        struct db *other = NULL;
        assert_ok(ledger_connect(t.l, DB_WRITE, &other, &err), err);
        struct ledger_queue *q = start(&t, NULL);
        write_one(&t, q, "甲");
        struct value before = value_null(), after = value_null();
        assert_ok(db_scalar(other, &t.a, stamps, NULL, 0, &before, &err), err);
        struct value own = value_str(name);
        assert_ok(db_run(other, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = ?1", &own, 1, NULL, &err), err);
        struct draft *d = test_draft(&t, "place", DRAFT_CREATE, "title", "乙", "kind", "factory", NULL);
        d->region = TEXT("310115001");
        struct submission s = {.session = &t.s, .drafts = &d, .n = 1, .arena = &t.a, .key = TEXT("again")};
        for (int k = 0; k < 100; k++) { /* a connection found dead may cost one answer; the key makes sending again harmless */
            err = (struct error){0};
            if (ledger_submit_wait(q, &s, &err) == 0) break;
            assert_int_equal(err.code, E_STORE);
        }
        assert_int_equal(err.code, 0);
        stop(q);
        assert_ok(db_scalar(other, &t.a, stamps, NULL, 0, &after, &err), err);
        assert_true(value_int_or(after, 0) > value_int_or(before, 0) + 1000);
        db_close(other);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"place\""), 2);
        verify(&t);
    }
    unsetenv("PGAPPNAME");
}

/* With a pause of an hour: who comes alone never waits for it, who comes with many shares a commit, and whoever still waits when the queue stops is served. */
static void many_share_a_commit_and_nobody_waits_alone(void **state) {
    (void)state;
    enum { BURST = 17, MORE = 12 };
    static struct test_ledger t;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        static struct gate g;
        struct queue_counts counts;
        struct slot *slots[BURST + MORE];
        struct ledger_queue *q = start(&t, &(struct queue_options){.gather_us = 3600000000});
        for (int i = 0; i < 3; i++) write_one(&t, q, arena_printf(&t.a, "独自来的%d", i));
        gate_close(&g, q);
        for (size_t i = 0; i < BURST; i++) assert_ok(ledger_submit(q, &(slots[i] = slot_of(&t, person(&t, arena_printf(&t.a, "甲%zu", i)), NULL))->s, &err), err);
        gate_open(&g);
        for (size_t i = BURST; i < BURST + MORE; i++) assert_ok(ledger_submit(q, &(slots[i] = slot_of(&t, person(&t, arena_printf(&t.a, "乙%zu", i)), NULL))->s, &err), err);
        ledger_queue_counts(q, &counts);
        assert_true(counts.commits <= 3 + 1 + 1); /* of what came after the burst nine or more share one, and the rest waits */
        stop(q);
        for (size_t i = 0; i < BURST + MORE; i++) assert_true(slots[i]->calls == 1 && slots[i]->rc == 0);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), BURST + MORE);
        verify(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_cannot_be_taken_is_said_at_once, settle),
        cmocka_unit_test_teardown(a_failure_is_its_own, settle),
        cmocka_unit_test_teardown(a_batch_that_breaks_is_taken_apart, settle),
        cmocka_unit_test_teardown(one_by_one_when_asked, settle),
        cmocka_unit_test_teardown(a_repeated_request_gets_the_first_answer, settle),
        cmocka_unit_test_teardown(many_submit_while_the_plan_changes, settle),
        cmocka_unit_test_teardown(after_a_restart_of_the_store_nothing_is_taken_for_known, settle),
        cmocka_unit_test_teardown(many_share_a_commit_and_nobody_waits_alone, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

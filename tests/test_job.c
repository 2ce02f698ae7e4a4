/* Long work beside the queue: who may ask, rows in = stored + refused, a check changes nothing, any end can be taken back or gone on from. */
#include "ledgers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "desks/job/job.h"
#include "ledger/queue.h"

static const char *const NOW = "2022-05-30T10:00";

static instant clock_now(void *arg) {
    return *(const instant *)arg;
}

static struct jobs *open_jobs(struct test_ledger *t, struct ledger_gate *gate, int64_t upload_max) {
    struct error err = {0};
    struct jobs *j = NULL;
    struct jobs_options o = {.ledger = t->o, .gate = gate, .workers = 1, .account_max = 8, .upload_max = upload_max, .now = clock_now, .arg = &t->s.now};
    assert_ok(jobs_open(&o, &j, &err), err);
    return j;
}

static int upload(struct jobs *j, const struct session *s, const char *reg, struct text bytes, char id[JOB_ID_BYTES], struct error *err) {
    struct job_upload *u = NULL;
    int rc = job_upload_begin(j, s, "C:\\lists\\persons.csv", reg ? json_pack("{s:s}", "register", reg) : NULL, &u, err);
    for (size_t at = 0; rc == 0 && at < bytes.n;) {
        size_t n = bytes.n - at < 1000 ? bytes.n - at : 1000;
        rc = job_upload_add(u, bytes.s + at, n, err);
        at += n;
        if (rc < 0) job_upload_abandon(u);
    }
    return rc < 0 ? rc : job_upload_end(u, id, err);
}

static json_t *last_shown;

static const json_t *show(struct jobs *j, const struct session *s, const char *id) {
    struct error err = {0};
    json_decref(last_shown);
    last_shown = NULL;
    assert_ok(job_show(j, s, NULL, id, &last_shown, &err), err);
    return last_shown;
}

static const char *word(const json_t *o, const char *name) {
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static int64_t number(const json_t *o, const char *step, const char *name) {
    return json_integer_value(json_object_get(json_object_get(json_object_get(o, "result"), step), name));
}

/* Until it is at work no more; the state it is in. */
static const char *settled(struct jobs *j, const struct session *s, const char *id) {
    for (;;) {
        const char *state = word(show(j, s, id), "state");
        if (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0) return state;
        usleep(5000);
    }
}

static void ask(struct jobs *j, const struct session *s, const char *id, const char *step, const char *wanted) {
    struct error err = {0};
    assert_ok(job_ask(j, s, "import", id, step, NULL, &err), err);
    if (strcmp(settled(j, s, id), wanted) != 0) {
        char *all = json_dumps(last_shown, 0);
        fail_msg("%s is not %s: %s", step, wanted, all);
    }
}

/* n persons, every bad-th with a sex that is none (0: never). */
static struct text persons(struct test_ledger *t, int n, int bad) {
    struct buf b = {0};
    buf_str(&b, "姓名,性别,联系电话,备用栏\n");
    for (int i = 0; i < n; i++) buf_printf(&b, "张三%d,%s,139%08d,x\n", i, bad && i % bad == bad - 1 ? "大象" : i % 2 ? "男" : "女", i);
    struct text kept = arena_text(&t->a, buf_view(&b));
    buf_clear(&b);
    return kept;
}

/* ---- */

static void what_nobody_may_ask(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct jobs *j = open_jobs(&t, NULL, 4000);
        struct error err = {0};
        char id[JOB_ID_BYTES] = "", path[JOB_PATH_BYTES], name[256];
        json_t *o = NULL;
        struct grant guest = {.role = TEXT("guest"), .region = TEXT("310115")};
        struct session other = t.s, nobody = t.s;
        struct grant clerk = {.role = TEXT("intake"), .region = TEXT("310115")};
        other.account = TEXT("other");
        other.grants = &clerk;
        nobody.grants = &guest;
        assert_int_equal(upload(j, &t.s, NULL, TEXT(""), id, &err), E_USAGE);
        assert_int_equal(upload(j, &t.s, NULL, persons(&t, 300, 0), id, NULL), E_TOO_LARGE);
        assert_ok((err = (struct error){0}, upload(j, &t.s, "person", persons(&t, 5, 0), id, &err)), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        assert_int_equal(job_show(j, &other, "import", id, &o, NULL), E_UNKNOWN);
        assert_int_equal(job_show(j, &t.s, "policy", id, &o, NULL), E_UNKNOWN);
        assert_int_equal(job_ask(j, &other, "import", id, "run", NULL, NULL), E_UNKNOWN);
        assert_int_equal(job_ask(j, &t.s, "import", id, "fly", NULL, NULL), E_UNKNOWN);
        assert_int_equal(job_ask(j, &t.s, "import", "../../etc", "run", NULL, NULL), E_UNKNOWN);
        assert_int_equal(job_cancel(j, &t.s, "import", id, NULL), E_REFUSED);
        assert_int_equal(job_delete(j, &other, "import", id, NULL), E_UNKNOWN);
        assert_int_equal(job_file(j, &t.s, "import", id, "errors", path, name, NULL), E_UNKNOWN);
        assert_int_equal(job_file(j, &t.s, "import", id, "upload", path, name, NULL), E_UNKNOWN);
        ask(j, &t.s, id, "undo", "failed");
        assert_string_equal(word(json_object_get(last_shown, "error"), "code"), "REFUSED");
        assert_ok(job_ask(j, &nobody, "import", id, "run", NULL, &err), err);
        assert_string_equal(settled(j, &t.s, id), "failed");
        assert_string_equal(word(json_object_get(last_shown, "error"), "code"), "DENIED");
        for (int i = 0; i < 7; i++) assert_ok(upload(j, &t.s, "person", TEXT("姓名\n甲\n"), id, &err), err);
        assert_int_equal(upload(j, &t.s, "person", TEXT("姓名\n甲\n"), id, NULL), E_BUSY);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 0);
        jobs_close(j);
        jobs_close(NULL);
    }
}

/* An account that has asked for as much as is kept may ask on: of what is over and can be asked for again the oldest goes. What holds a file stays, and what was not begun. */
static void what_can_be_asked_again_gives_way(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct jobs *j = open_jobs(&t, NULL, 0);
        struct error err = {0};
        char ids[10][JOB_ID_BYTES], id[JOB_ID_BYTES];
        json_t *o = NULL;
        assert_ok(upload(j, &t.s, "person", persons(&t, 5, 0), id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        for (int i = 0; i < 10; i++) {
            t.s.now++;
            assert_ok(job_make(j, &t.s, "audit", json_object(), ids[i], &err), err);
            assert_ok(job_ask(j, &t.s, "audit", ids[i], "verify", NULL, &err), err);
            assert_string_equal(settled(j, &t.s, ids[i]), "done");
        }
        for (int i = 0; i < 10; i++) {
            assert_int_equal(job_show(j, &t.s, "audit", ids[i], &o, NULL), i < 3 ? E_UNKNOWN : 0);
            if (i >= 3) json_decref(o);
        }
        for (int i = 0; i < 7; i++) assert_ok(job_make(j, &t.s, "audit", json_object(), ids[i], &err), err);
        assert_int_equal(job_make(j, &t.s, "audit", json_object(), ids[7], NULL), E_BUSY);
        assert_string_equal(word(show(j, &t.s, id), "state"), "done");
        jobs_close(j);
    }
}

static void rows_in_are_stored_or_refused(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct jobs *j = open_jobs(&t, NULL, 0);
        struct error err = {0};
        char id[JOB_ID_BYTES], path[JOB_PATH_BYTES], name[256];
        int64_t tip = test_count(&t, "SELECT \"next\" FROM \"journal_tip\"");
        assert_ok(upload(j, &t.s, NULL, persons(&t, 1000, 10), id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        const json_t *look = json_object_get(json_object_get(last_shown, "result"), "look");
        assert_string_equal(word(look, "format"), "csv");
        assert_string_equal(word(look, "encoding"), "UTF-8");
        assert_int_equal(json_array_size(json_object_get(look, "headers")), 4);
        assert_true(json_array_size(json_object_get(look, "suggestions")) > 0);
        assert_string_equal(word(json_object_get(last_shown, "params"), "file"), "persons.csv");
        json_t *person = json_pack("{s:s}", "register", "person");
        assert_ok(job_ask(j, &t.s, "import", id, "look", person, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        look = json_object_get(json_object_get(last_shown, "result"), "look");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(look, "first_rows"), "rows")), 100);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(look, "first_rows"), "refused")), 10);
        /* a check says what a run will do, and changes nothing */
        ask(j, &t.s, id, "check", "done");
        int64_t created = number(last_shown, "check", "created"), refused = number(last_shown, "check", "refused");
        assert_int_equal(created, 900);
        assert_int_equal(refused, 100);
        assert_int_equal(test_count(&t, "SELECT \"next\" FROM \"journal_tip\""), tip);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\"") + test_count(&t, "SELECT COUNT(*) FROM \"import\""), 0);
        ask(j, &t.s, id, "run", "done");
        assert_int_equal(number(last_shown, "run", "rows"), 1000);
        assert_int_equal(number(last_shown, "run", "created"), created);
        assert_int_equal(number(last_shown, "run", "refused"), refused);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 900);
        assert_ok(job_file(j, &t.s, "import", id, "errors", path, name, &err), err);
        assert_string_equal(name, "persons-errors.csv");
        struct buf b = {0};
        struct stat st;
        assert_ok(file_read(path, 1 << 20, &b, &err), err);
        size_t lines = 0;
        for (size_t i = 0; i < b.n; i++) lines += b.s[i] == '\n';
        assert_int_equal(lines, 101);
        buf_clear(&b);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        /* once */
        assert_int_equal(job_ask(j, &t.s, "import", id, "run", NULL, NULL), 0);
        assert_string_equal(settled(j, &t.s, id), "failed");
        ask(j, &t.s, id, "undo", "done");
        assert_int_equal(number(last_shown, "undo", "removed"), 900);
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 0);
        ask(j, &t.s, id, "run", "done");
        assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 900);
        /* what is old goes, folder and all */
        jobs_sweep(j, t.s.now + DAY_S + 1);
        json_t *o = NULL;
        assert_int_equal(job_show(j, &t.s, "import", id, &o, NULL), E_UNKNOWN);
        assert_int_not_equal(stat(path, &st), 0);
        jobs_close(j);
    }
}

/* Meanings of columns chosen by hand: the sender's number stays the record's key, so a corrected list changes what it made; what is no meaning is refused. */
static void columns_are_read_as_chosen(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct jobs *j = open_jobs(&t, NULL, 0);
        struct error err = {0};
        char id[JOB_ID_BYTES];
        static const char *const lists[] = {"来源编号,名号,电话\nW1,张三,13900000001\nW2,李四,13900000002\n", "来源编号,名号,电话\nW1,张三,13900000003\nW2,李四,13900000004\n"};
        static const char *const refused[] = {"key,name", "key,colour,phone", "key,phone,phone", "key,contact.name,phone"};
        for (int k = 0; k < 2; k++) {
            assert_ok(upload(j, &t.s, "person", text_of(lists[k]), id, &err), err);
            assert_string_equal(settled(j, &t.s, id), "done");
            const json_t *means = json_object_get(json_object_get(json_object_get(last_shown, "result"), "look"), "means");
            assert_string_equal(json_string_value(json_array_get(means, 0)), "key");
            assert_string_equal(json_string_value(json_array_get(means, 1)), "");
            assert_string_equal(json_string_value(json_array_get(means, 2)), "phone");
            for (size_t i = 0; i < 4; i++) {
                assert_ok(job_ask(j, &t.s, "import", id, "check", json_pack("{s:s}", "columns", refused[i]), &err), err);
                if (strcmp(settled(j, &t.s, id), "failed") != 0) fail_msg("%s is no meaning and was taken", refused[i]);
            }
            assert_ok(job_ask(j, &t.s, "import", id, "look", json_pack("{s:s}", "columns", "key,name,phone"), &err), err);
            assert_string_equal(settled(j, &t.s, id), "done");
            ask(j, &t.s, id, "run", "done");
            assert_int_equal(number(last_shown, "run", k ? "changed" : "created"), 2);
            assert_int_equal(test_count(&t, "SELECT COUNT(*) FROM \"person\""), 2);
        }
        jobs_close(j);
    }
}

/* A file large enough to be checked in pieces. */
static void a_check_in_pieces_changes_nothing_either(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct ledger_gate *gate = ledger_gate_new();
        struct jobs *j = open_jobs(&t, gate, 0);
        struct error err = {0};
        char id[JOB_ID_BYTES];
        struct buf b = {0};
        buf_str(&b, "姓名,联系电话,备注\n");
        for (int i = 0; i < 2500; i++) buf_printf(&b, "李四%d,138%08d,%0500d\n", i, i, i);
        int64_t tip = test_count(&t, "SELECT \"next\" FROM \"journal_tip\"");
        assert_ok(upload(j, &t.s, "person", buf_view(&b), id, &err), err);
        buf_clear(&b);
        assert_string_equal(settled(j, &t.s, id), "done");
        ask(j, &t.s, id, "check", "done");
        assert_int_equal(number(last_shown, "check", "rows"), 2500);
        assert_int_equal(number(last_shown, "check", "created") + number(last_shown, "check", "refused"), 2500);
        assert_int_equal(test_count(&t, "SELECT \"next\" FROM \"journal_tip\""), tip);
        jobs_close(j);
        ledger_gate_free(gate);
    }
}

/* ---- ends in the middle */

static int64_t persons_now(struct test_ledger *t) {
    return test_count(t, "SELECT COUNT(*) FROM \"person\"");
}

static void until_some(struct test_ledger *t) {
    while (persons_now(t) == 0) usleep(2000);
}

static void a_cancelled_import_is_taken_back_or_gone_on_with(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct ledger_gate *gate = ledger_gate_new();
        struct jobs *j = open_jobs(&t, gate, 0);
        struct error err = {0};
        char id[JOB_ID_BYTES];
        assert_ok(upload(j, &t.s, "person", persons(&t, 20000, 0), id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        assert_ok(job_ask(j, &t.s, "import", id, "run", NULL, &err), err);
        until_some(&t);
        assert_int_equal(job_ask(j, &t.s, "import", id, "check", NULL, NULL), E_CONFLICT);
        assert_int_equal(job_delete(j, &t.s, "import", id, NULL), E_CONFLICT);
        assert_ok(job_cancel(j, &t.s, "import", id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "cancelled");
        int64_t some = persons_now(&t);
        assert_true(some > 0 && some < 20000);
        assert_int_equal(number(last_shown, "run", "created"), some);
        ask(j, &t.s, id, "undo", "done");
        assert_int_equal(persons_now(&t), 0);
        jobs_close(j);
        ledger_gate_free(gate);
    }
}

/* kill -9 in the middle: the folder remembers, the rows that came twice are unchanged. */
static void a_killed_import_is_interrupted(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        char id[JOB_ID_BYTES] = "";
        int tell[2];
        struct text list = persons(&t, 12000, 0);
        ledger_close(t.l);
        t.l = NULL;
        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (!child) {
            struct jobs *j = open_jobs(&t, NULL, 0);
            if (upload(j, &t.s, "person", list, id, &err) < 0 || write(tell[1], id, sizeof id) != sizeof id) _exit(1);
            settled(j, &t.s, id);
            job_ask(j, &t.s, "import", id, "run", NULL, &err);
            for (;;) pause();
        }
        assert_int_equal(read(tell[0], id, sizeof id), sizeof id);
        close(tell[0]);
        close(tell[1]);
        assert_ok(ledger_open(&t.o, &t.l, &err), err);
        until_some(&t);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        int64_t some = persons_now(&t);
        struct jobs *j = open_jobs(&t, NULL, 0);
        const char *was = word(show(j, &t.s, id), "state");
        if (some < 12000) assert_string_equal(was, "interrupted");
        ask(j, &t.s, id, "run", "done");
        assert_int_equal(persons_now(&t), 12000);
        assert_true(number(last_shown, "run", "unchanged") >= some);
        ask(j, &t.s, id, "undo", "done");
        assert_int_equal(persons_now(&t), 0);
        jobs_close(j);
    }
}

static void a_stopped_server_interrupts(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct jobs *j = open_jobs(&t, NULL, 0);
        struct error err = {0};
        char id[JOB_ID_BYTES], second[JOB_ID_BYTES];
        assert_ok(upload(j, &t.s, "person", persons(&t, 20000, 0), id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        assert_ok(job_ask(j, &t.s, "import", id, "run", NULL, &err), err);
        assert_ok(upload(j, &t.s, "person", persons(&t, 20, 0), second, &err), err);
        until_some(&t);
        jobs_close(j);
        j = open_jobs(&t, NULL, 0);
        const char *first = word(show(j, &t.s, id), "state");
        assert_true(!strcmp(first, "interrupted") || persons_now(&t) == 20000);
        assert_string_equal(word(show(j, &t.s, second), "state"), "interrupted");
        ask(j, &t.s, second, "look", "done");
        assert_ok(job_delete(j, &t.s, "import", second, &err), err);
        jobs_close(j);
    }
}

/* ---- beside the queue */

struct posting {
    struct test_ledger *t;
    struct ledger_queue *q;
    struct session s;
    atomic_bool stop;
    int64_t posts;
};

static void *post_main(void *arg) {
    struct posting *p = arg;
    struct arena a = {0};
    while (!atomic_load(&p->stop)) {
        struct error err = {0};
        arena_reset(&a);
        struct draft *d = draft_new(&a, register_find(p->t->l->catalog, TEXT("place")), DRAFT_CREATE);
        d->values[register_field(d->reg, TEXT("title"))] = value_str(arena_printf(&a, "place %lld", (long long)p->posts));
        struct submission s = {.session = &p->s, .drafts = &d, .n = 1, .arena = &a};
        if (ledger_submit_wait(p->q, &s, &err) < 0) abort();
        p->posts++;
    }
    arena_clear(&a);
    return NULL;
}

/* Between two single records of one who sends the next as soon as the last is answered stands at most what two short transactions of a job write: for two thirds of what it writes,
 * because on a machine with other work he may not be woken in time to ask for his turn. Without the gate a third and more of it went in one piece (3,001 of 8,000, on SQLite). */
struct turns {
    int64_t between, all, apart; /* apart: in longer pieces */
};

static int turn_visit(const struct journal_entry *e, void *arg) {
    struct turns *x = arg;
    if (text_is(e->reg, "place")) {
        x->all += x->between;
        if (x->between > 2 * 628) x->apart += x->between;
        x->between = 0;
    } else if (e->import) {
        x->between++;
    }
    return 0;
}

static void an_import_and_the_queue_take_turns(void **state) {
    struct test_ledger t;
    (void)state;
    EACH_STORE(t, NULL, NOW) {
        struct error err = {0};
        char id[JOB_ID_BYTES];
        struct ledger_gate *gate = ledger_gate_new();
        struct posting p = {.t = &t, .s = t.s};
        struct ledger_queue *q = NULL;
        pthread_t thread;
        int64_t from = test_count(&t, "SELECT \"next\" FROM \"journal_tip\"");
        t.l->gate = gate;
        assert_ok(ledger_queue_start(t.l, NULL, &q, &err), err);
        p.q = q;
        struct jobs *j = open_jobs(&t, gate, 0);
        assert_ok(upload(j, &t.s, "person", persons(&t, 8000, 0), id, &err), err);
        assert_string_equal(settled(j, &t.s, id), "done");
        if (pthread_create(&thread, NULL, post_main, &p) != 0) fail_msg("no thread");
        ask(j, &t.s, id, "run", "done");
        atomic_store(&p.stop, true);
        pthread_join(thread, NULL);
        jobs_close(j);
        ledger_queue_stop(q);
        t.l->gate = NULL;
        struct turns x = {0};
        assert_ok(journal_scan(t.l->db, from, INT64_MAX, turn_visit, &x, &err), err);
        assert_true(p.posts > 8);
        assert_true(x.all > 0);
        if (x.apart * 3 > x.all) fail_msg("%lld of %lld entries of the import with too few records between them", (long long)x.apart, (long long)x.all);
        ledger_gate_free(gate);
    }
}

static int settle(void **state) {
    (void)state;
    json_decref(last_shown);
    last_shown = NULL;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_nobody_may_ask, settle),
        cmocka_unit_test_teardown(what_can_be_asked_again_gives_way, settle),
        cmocka_unit_test_teardown(rows_in_are_stored_or_refused, settle),
        cmocka_unit_test_teardown(columns_are_read_as_chosen, settle),
        cmocka_unit_test_teardown(a_check_in_pieces_changes_nothing_either, settle),
        cmocka_unit_test_teardown(a_cancelled_import_is_taken_back_or_gone_on_with, settle),
        cmocka_unit_test_teardown(a_killed_import_is_interrupted, settle),
        cmocka_unit_test_teardown(a_stopped_server_interrupts, settle),
        cmocka_unit_test_teardown(an_import_and_the_queue_take_turns, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Bad nights of the disk: full, limited, failing at the n-th write or sync. Nothing promised is lost, nothing is promised that is not so, and
 * with room again the node goes on as if nothing had been. SQLite; PostgreSQL looks after its own disk. TOCSIN_NIGHT_ROUNDS as in test_nights. */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "desks/backup.h"
#include "nights/victims.h"

static const char *const NOW = "2022-05-30T10:00";
static const char *const PACK = "covid-2022-v9";

/* Store 0 in these tests is SQLite, and the store is a file in the node's own folder. */
static void make(struct test_ledger *t) {
    struct error err = {0};
    for (size_t i = 0; i < test_stores(); i++)
        if (!test_store_is_pg(i)) {
            test_ledger_make(t, i, PACK, NOW);
            return;
        }
    (void)err;
    skip();
}

static void whole(struct test_ledger *t, int64_t step, const char *when) {
    char why[NIGHT_WHY];
    if (night_check(t->l, night_at(step), true, why) < 0) fail_msg("%s: %s", when, why);
}

static void kept(struct test_ledger *t, const struct promises *p, const char *when) {
    char why[NIGHT_WHY];
    if (promises_kept(p, t->l, why) < 0) fail_msg("%s: %s", when, why);
}

static void down(struct test_ledger *t) {
    ledger_close(t->l);
    t->l = NULL;
}

static void same_as_good_nights(struct test_ledger *t, uint64_t seed, int64_t steps) {
    struct test_ledger good;
    struct error err = {0};
    struct night_lines is = {0}, should = {0};
    char why[NIGHT_WHY];
    assert_ok(night_dump(t->l, &is, &err), err);
    struct test_store mine = test_store_list[t->store];
    test_store_list[t->store].name = test_store_list[t->store].url = NULL;
    test_ledger_make(&good, t->store, PACK, NOW);
    struct night n = {.l = good.l, .seed = seed};
    db_run(good.l->db, "PRAGMA synchronous=OFF", NULL, 0, NULL, NULL);
    for (int64_t i = 0; i < steps; i++)
        if (night_step(&n, i, &err) < 0) fail_msg("step %lld: %s", (long long)i, err.message);
    assert_ok(night_dump(good.l, &should, &err), err);
    if (night_same(&is, &should, why) < 0) fail_msg("not what good nights leave: %s", why);
    night_lines_clear(&is);
    night_lines_clear(&should);
    arena_clear(&n.a);
    test_ledger_drop(&good);
    test_store_list[t->store] = mine;
}

/* Some steps in peace, so that the last one is known: a pass of the clock leaves no mark of its own. How many there are now. */
static int64_t settle(struct test_ledger *t, const char *seed, struct promises *p) {
    int64_t next = night_next(t->l);
    const char *args[] = {t->o.dir, seed, "-1", "25", NULL};
    down(t);
    struct victim v = victim_start(args, NULL, NULL);
    victim_end(&v, false);
    if (!strstr(victim_words(&v), "D\n")) fail_msg("%.300s", victim_words(&v));
    promises_add(p, &v);
    victim_clear(&v);
    night_reopen(t);
    kept(t, p, "at the end");
    whole(t, next + 25, "at the end");
    return next + 25;
}

static int64_t pages(struct test_ledger *t) {
    return test_count(t, "PRAGMA page_count");
}

/* The same process, the same connection: full, again full, room, on. */
static void full_at_many_points(void **state) {
    (void)state;
    struct test_ledger t;
    long rounds = victim_setting("TOCSIN_NIGHT_ROUNDS", 12) * 3;
    make(&t);
    struct night n = {.l = t.l, .seed = 21};
    struct rng rng;
    struct error err = {0};
    int64_t step = 0, full = 0;
    rng_seed(&rng, 21);
    db_run(t.l->db, "PRAGMA synchronous=OFF", NULL, 0, NULL, NULL);
    for (long i = 0; i < rounds; i++) {
        int64_t max = pages(&t) + (int64_t)rng_below(&rng, 5), before = 0;
        test_count(&t, arena_printf(&t.a, "PRAGMA max_page_count=%lld", (long long)max));
        for (;; step++) {
            err = (struct error){0};
            before = test_count(&t, "SELECT \"next\" FROM \"journal_tip\"");
            if (night_step(&n, step, &err) < 0) break;
        }
        assert_int_equal(err.code, E_FULL);
        full++;
        assert_int_equal(test_count(&t, "SELECT \"next\" FROM \"journal_tip\""), before);
        if (i % 9 == 0) whole(&t, step, "full");
        test_count(&t, "PRAGMA max_page_count=1000000");
        for (int64_t end = step + 3; step < end; step++)
            if (night_step(&n, step, &err) < 0) fail_msg("with room again: %s", err.message);
    }
    whole(&t, step, "with room");
    same_as_good_nights(&t, 21, step);
    print_message("# %lld times full in %lld steps\n", (long long)full, (long long)step);
    arena_clear(&n.a);
    test_ledger_drop(&t);
}

static off_t biggest(const struct test_ledger *t) {
    off_t max = 0;
    static const char *const ends[] = {"", "-wal"};
    for (size_t i = 0; i < 2; i++) {
        char path[400];
        struct stat st;
        snprintf(path, sizeof path, "%s%s", test_store_list[t->store].url + 7, ends[i]);
        if (stat(path, &st) == 0 && st.st_size > max) max = st.st_size;
    }
    return max;
}

/* Files that may not grow: EFBIG, as a quota gives. A process of its own, which tries again twice and then gives up. */
static void files_that_may_not_grow(void **state) {
    (void)state;
    struct test_ledger t;
    long rounds = victim_setting("TOCSIN_NIGHT_ROUNDS", 12);
    make(&t);
    struct promises p = {0};
    struct rng rng;
    int64_t full = 0, next = 0;
    rng_seed(&rng, 31);
    for (long i = 0; i < rounds; i++) {
        char limit[64];
        down(&t);
        /* just above what there is, and, as a store grows beyond what one night's log comes to, so low that the log does not get there */
        long long most = i % 2 ? 65536 : (long long)biggest(&t) + 32768;
        snprintf(limit, sizeof limit, "TOCSIN_NIGHT_FILE_MAX=%lld", most + (long long)rng_below(&rng, 40) * (i % 2 ? 4096 : 1024));
        const char *args[] = {t.o.dir, "31", "-1", "40", NULL};
        setenv("TOCSIN_NIGHT_PATIENCE", "2", 1);
        struct victim v = victim_start(args, NULL, limit);
        victim_end(&v, false);
        unsetenv("TOCSIN_NIGHT_PATIENCE");
        const char *said = strstr(victim_words(&v), "E ");
        if (said) {
            if (atoi(said + 2) != E_FULL) fail_msg("not said to be full: %.200s", said);
            full++;
        } else if (!strstr(victim_words(&v), "D\n")) {
            fail_msg("%.200s", victim_words(&v));
        }
        promises_add(&p, &v);
        victim_clear(&v);
        night_reopen(&t);
        kept(&t, &p, "a file at its limit");
        next = night_next(t.l);
        if (rounds <= 20 || i % 10 == 0) whole(&t, next, "a file at its limit");
    }
    print_message("# %lld of %ld nights at the limit\n", (long long)full, rounds);
    assert_true(full > rounds / 6);
    next = settle(&t, "31", &p);
    same_as_good_nights(&t, 31, next);
    arena_clear(&p.a);
    test_ledger_drop(&t);
}

/* A real full file system. Mounting needs root and is done in a name space of our own. */
static void a_small_disk(void **state) {
    (void)state;
    char dir[] = "/tmp/tocsin-disk-XXXXXX";
    if (!mkdtemp(dir)) fail_msg("no folder");
    int64_t steps = 0, next = 0;
    int rc = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? mount("tmpfs", dir, "tmpfs", 0, "size=6m") : -1;
    if (rc != 0) {
        rmdir(dir);
        print_message("SKIPPED: a small disk cannot be mounted here (needs root)\n");
        skip();
    }
    char *tmp = getenv("TMPDIR"), keep[256] = "";
    if (tmp) snprintf(keep, sizeof keep, "%s", tmp);
    setenv("TMPDIR", dir, 1);
    struct test_ledger t;
    struct promises p = {0};
    make(&t);
    for (int i = 0; i < 4; i++) {
        char size[32];
        down(&t);
        const char *args[] = {t.o.dir, "41", "-1", "2000", NULL};
        struct victim v = victim_start(args, NULL, NULL);
        victim_end(&v, false);
        const char *said = strstr(victim_words(&v), "E ");
        if (!said || atoi(said + 2) != E_FULL) fail_msg("not said to be full: %.200s", said ? said : "");
        promises_add(&p, &v);
        victim_clear(&v);
        snprintf(size, sizeof size, "size=%dk", 6144 + (i + 1) * 600);
        if (mount("none", dir, "tmpfs", MS_REMOUNT, size) != 0) fail_msg("the disk does not grow");
        night_reopen(&t);
        kept(&t, &p, "a full disk");
        next = night_next(t.l);
        whole(&t, next, "a full disk");
    }
    mount("none", dir, "tmpfs", MS_REMOUNT, "size=64m");
    steps = settle(&t, "41", &p);
    same_as_good_nights(&t, 41, steps);
    print_message("# a disk of 6 MB, four times full, %lld steps\n", (long long)steps);
    arena_clear(&p.a);
    test_ledger_drop(&t);
    if (keep[0])
        setenv("TMPDIR", keep, 1);
    else
        unsetenv("TMPDIR");
    umount2(dir, MNT_DETACH);
    rmdir(dir);
}

static const char *shim(void) {
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    strcpy(slash + 1, "libnight_faults.so");
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return NULL; /* their own interceptors come first */
#endif
    return access(path, R_OK) == 0 ? path : NULL;
}

/* The n-th write, sync or cut fails, alone or with all that follow; the process tries again. */
static void every_write_fails_once(void **state) {
    (void)state;
    if (!shim()) {
        print_message("SKIPPED: the failing disk cannot be preloaded here\n");
        skip();
    }
    struct test_ledger t;
    long last = victim_setting("TOCSIN_NIGHT_ROUNDS", 12) * 4;
    make(&t);
    struct promises p = {0};
    int64_t failures = 0, next = 0;
    setenv("TOCSIN_NIGHT_PATIENCE", "2", 1);
    for (long i = 0; i < last; i++) {
        char fault[64];
        long at = 1 + i * (last > 100 ? 1 : 2) / 2;
        snprintf(fault, sizeof fault, "TOCSIN_NIGHT_FAULT=%ld,%d,%d", at, (int)(i % 2), i % 3 == 2 ? ENOSPC : EIO);
        const char *args[] = {t.o.dir, "51", "-1", "8", NULL};
        down(&t);
        struct victim v = victim_start(args, shim(), fault);
        victim_end(&v, false);
        if (!WIFEXITED(v.status)) fail_msg("%s: the process died: %.200s", fault, victim_words(&v));
        failures += strstr(victim_words(&v), "E ") != NULL;
        promises_add(&p, &v);
        victim_clear(&v);
        night_reopen(&t);
        kept(&t, &p, fault);
        next = night_next(t.l);
        if (i % 6 == 0) whole(&t, next, fault);
    }
    unsetenv("TOCSIN_NIGHT_PATIENCE");
    next = settle(&t, "51", &p);
    same_as_good_nights(&t, 51, next);
    print_message("# %ld runs with a failing call, %lld noticed, %lld steps\n", last, (long long)failures, (long long)next);
    arena_clear(&p.a);
    test_ledger_drop(&t);
}

/* Making a node and writing a backup: whole, or said to have failed and not there. */
static void making_and_copying_fail_whole(void **state) {
    (void)state;
    if (!shim()) skip();
    struct test_ledger t;
    make(&t);
    struct night n = {.l = t.l, .seed = 61};
    struct error err = {0};
    for (int64_t i = 0; i < 30; i++)
        if (night_step(&n, i, &err) < 0) fail_msg("%s", err.message);
    arena_clear(&n.a);
    setenv("TOCSIN_HOME", t.o.home, 1);
    long last = victim_setting("TOCSIN_NIGHT_ROUNDS", 12) * 2, made = 0, copied = 0;
    for (long i = 1; i <= last; i++) {
        char fault[64], dir[200], file[200], why[NIGHT_WHY];
        snprintf(fault, sizeof fault, "TOCSIN_NIGHT_FAULT=%ld,%d", 1 + i * i / 3, (int)(i % 2));
        snprintf(dir, sizeof dir, "%s/made-%ld", t.dir, i);
        snprintf(file, sizeof file, "%s/copy-%ld", t.dir, i);
        const char *make_args[] = {dir, "0", "init", PACK, NULL}, *copy_args[] = {t.o.dir, "0", "backup", file, NULL};
        struct victim v = victim_start(make_args, shim(), fault);
        victim_end(&v, false);
        bool said = strstr(victim_words(&v), "D\n") != NULL;
        victim_clear(&v);
        struct ledger_options o = {.dir = dir, .home = t.o.home};
        struct ledger *l = NULL;
        err = (struct error){0};
        int rc = ledger_open(&o, &l, &err);
        if (said && rc < 0) fail_msg("%s: made, and does not open: %s", fault, err.message);
        if (said && (l->n_adoptions != 1 || night_check(l, night_at(0), true, why) < 0)) fail_msg("%s: made, and %s", fault, why);
        if (said) made++;
        ledger_close(l);
        snprintf(fault, sizeof fault, "TOCSIN_NIGHT_FAULT=%ld,%d", i, (int)(i % 2));
        v = victim_start(copy_args, shim(), fault);
        victim_end(&v, false);
        said = strstr(victim_words(&v), "D\n") != NULL;
        victim_clear(&v);
        if (!said && access(file, F_OK) == 0) fail_msg("%s: half a backup", fault);
        if (!said) continue;
        char again[200], key[200];
        snprintf(again, sizeof again, "%s/again-%ld", t.dir, i);
        snprintf(key, sizeof key, "%s/tocsin.key", t.o.dir);
        struct ledger_options r = {.dir = again, .home = t.o.home};
        err = (struct error){0};
        assert_ok(backup_restore(&r, file, key, &(struct backup_report){0}, &err), err);
        copied++;
    }
    print_message("# %ld faults each: %ld nodes made, %ld backups written\n", last, made, copied);
    test_ledger_drop(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_at_many_points),    cmocka_unit_test(files_that_may_not_grow),       cmocka_unit_test(every_write_fails_once),
        cmocka_unit_test(making_and_copying_fail_whole), cmocka_unit_test(a_small_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* kill -9 at random moments of appends, loads, merges and forgetting: every acknowledged visit is found, none twice, what was found once stays, forgotten days stay empty,
 * and the store opens. In a folder, and in PostgreSQL when there is one. A few rounds; TOCSIN_CRASH_ROUNDS=200 for the long form (make crash). */
#include "check.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "folder.h"
#include "stores.h"
#include "visits/visits.h"

enum { PERSONS = 50, PLACES = 9, NUMBERS = 1 << 20, FIRST = 19100, DAYS = 5, FORGOTTEN = 400 /* day of the visits that go */ };

/* Shared with the child: how far it got. */
struct told {
    atomic_uint acked[NUMBERS / 32]; /* a bit for each visit whose call returned 0 */
    atomic_uint next;                /* number of the next visit */
    atomic_uint forgets;
    atomic_uint calls;                /* that returned 0 */
};

static struct folder dir;
static char path[400];
static struct told *told;
static uint8_t found_before[NUMBERS];

static int start(void **state) {
    folder_make(&dir);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told == MAP_FAILED;
}

static int stop(void **state) {
    folder_remove(dir.path);
    munmap(told, sizeof *told);
    return 0;
}

/* Visit number i, recognisable by its second. */
static struct visit numbered(uint32_t i) {
    instant at = instant_of_day(FIRST + (day)(i % DAYS), ZONE_CHINA_S) + i / DAYS % 80000;
    return (struct visit){.person = i % PERSONS, .place = i / 7 % PLACES, .start = at, .end = at + 1 + i / DAYS / 80000, .confidence = 100};
}

static void victim(uint64_t seed) {
    struct visits_options o = {.dir = path, .create = true, .zone_s = ZONE_CHINA_S, .buffer_rows = 150, .background = seed % 2 == 0};
    struct visits *v = NULL;
    struct rng r = {0};
    static struct visit rows[500];
    char name[16];
    uint32_t id;
    rng_seed(&r, seed);
    if (visits_open(&o, &v, NULL) < 0) _exit(3);
    for (uint32_t i = 0; i < PERSONS; i++) snprintf(name, sizeof name, "P%u", i), (void)visits_name(v, VISITS_PERSON, text_of(name), &id, NULL);
    for (uint32_t i = 0; i < PLACES; i++) snprintf(name, sizeof name, "L%u", i), (void)visits_name(v, VISITS_PLACE, text_of(name), &id, NULL);
    for (;;) {
        uint32_t from = atomic_load(&told->next), n = from ? 1 + (uint32_t)rng_below(&r, rng_below(&r, 5) ? 12 : 300) : 500; /* first of all everybody and every place */
        if (from + n >= NUMBERS) _exit(0);
        for (uint32_t i = 0; i < n; i++) rows[i] = numbered(from + i);
        atomic_store(&told->next, from + n);
        int rc = rng_below(&r, 12) ? visits_append(v, rows, n, NULL) : visits_load(v, rows, n, NULL, NULL);
        if (rc < 0) _exit(4);
        for (uint32_t i = from; i < from + n; i++) atomic_fetch_or(&told->acked[i / 32], 1u << i % 32);
        atomic_fetch_add(&told->calls, 1);
        if (!rng_below(&r, 25) && visits_flush(v, NULL) < 0) _exit(5);
        if (!rng_below(&r, 60)) { /* a day of its own comes and goes */
            unsigned k = atomic_load(&told->forgets);
            instant at = instant_of_day(FIRST + FORGOTTEN + (day)k, ZONE_CHINA_S) + 5;
            struct visit gone = {.start = at, .end = at + 9, .confidence = 100};
            rc = visits_append(v, &gone, 1, NULL); /* refused when the knife fell after the forgetting and before it was told */
            if (rc < 0 && rc != E_REFUSED) _exit(6);
            if (visits_forget(v, FIRST + FORGOTTEN + (day)k, FIRST + FORGOTTEN + (day)k + 1, NULL, NULL) < 0) _exit(7);
            atomic_store(&told->forgets, k + 1);
        }
    }
}

/* What the store has, by number; each at most once. */
static void look(unsigned round) {
    struct visits *v = NULL;
    struct visits_reader *r = NULL;
    struct error err = {0};
    static uint8_t found[NUMBERS];
    static uint32_t number_at[DAYS][80000];
    uint32_t next = atomic_load(&told->next), acked = 0;
    memset(found, 0, sizeof found);
    for (uint32_t i = 0; i < next; i++) number_at[i % DAYS][i / DAYS % 80000] = i;
    assert_true(next < DAYS * 80000);
    assert_ok(visits_open(&(struct visits_options){.dir = path}, &v, &err), err);
    assert_ok(visits_reader_open(v, FIRST, &r, &err), err);
    const struct presence_source *s = visits_reader_source(r);
    for (uint32_t place = 0; place < s->n_places; place++) {
        struct presence_span span;
        bool loose;
        int rc;
        assert_ok(s->at_place(s->arg, place, &(struct presence_when){0, DAYS * DAY_S}, 1, true, &loose, &err), err);
        while ((rc = s->next(s->arg, &span, &err)) == 1)
            for (size_t i = 0; i < span.n; i++) {
                uint32_t at = number_at[span.start[i] / DAY_S][span.start[i] % DAY_S];
                struct visit want = numbered(at);
                assert_true(want.person == span.person[i] && want.place == place);
                assert_int_equal(found[at], 0);
                found[at] = 1;
            }
        assert_int_equal(rc, 0);
    }
    for (uint32_t i = 0; i < next; i++) {
        bool was = atomic_load(&told->acked[i / 32]) >> i % 32 & 1;
        acked += was;
        if ((was || found_before[i]) && !found[i]) fail_msg("round %u: visit %u is lost", round, i);
    }
    memcpy(found_before, found, sizeof found);
    /* forgotten days are empty, whenever the knife fell after the forgetting returned */
    unsigned forgets = atomic_load(&told->forgets);
    for (uint32_t place = 0; place < s->n_places; place++) {
        struct presence_span span;
        bool loose;
        assert_ok(s->at_place(s->arg, place, &(struct presence_when){FORGOTTEN * DAY_S, (int32_t)(FORGOTTEN + forgets) * DAY_S}, 1, true, &loose, &err), err);
        assert_int_equal(s->next(s->arg, &span, &err), 0);
    }
    visits_reader_close(r);
    struct visits_status status;
    assert_ok(visits_status(v, true, &status, &err), err);
    assert_int_equal(status.log_damaged, 0);
    for (size_t i = 0; i < status.n_days; i++) assert_false(status.days[i].damaged);
    visits_status_clear(&status);
    visits_close(v);
    if (round % 20 == 0) print_message("# round %u: %u acknowledged, all found once\n", round, acked);
}

static bool there(bool remote) {
    char manifest[420];
    struct visits *v = NULL;
    snprintf(manifest, sizeof manifest, "%s/manifest", path);
    if (!remote) return access(manifest, F_OK) == 0;
    bool is = visits_open(&(struct visits_options){.dir = path}, &v, NULL) == 0 && visits_count(v, VISITS_PLACE) == PLACES;
    visits_close(v);
    return is;
}

/* It has ended by itself. */
static bool quiet(pid_t pid) {
    siginfo_t i = {0};
    return waitid(P_PID, (id_t)pid, &i, WEXITED | WNOHANG | WNOWAIT) == 0 && i.si_pid == pid;
}

static void kills(bool remote) {
    const char *wanted = getenv("TOCSIN_CRASH_ROUNDS");
    unsigned rounds = wanted ? (unsigned)atoi(wanted) : 12;
    unsigned fruitful = 0;
    struct rng r = {0};
    rng_seed(&r, 20220530);
    memset(told, 0, sizeof *told);
    memset(found_before, 0, sizeof found_before);
    for (unsigned round = 1; round <= rounds; round++) {
        unsigned before = atomic_load(&told->next), calls = atomic_load(&told->calls);
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) victim(round);
        /* on a busy machine it takes its time to begin, and to be told of the first */
        for (int i = 0; i < 20000 && (round % 2 ? atomic_load(&told->next) == before : atomic_load(&told->calls) == calls) && !quiet(pid); i++) usleep(1000);
        usleep(20000 + (useconds_t)rng_below(&r, rounds > 50 ? 250000 : 400000));
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) fail_msg("the victim ended by itself: %d", WEXITSTATUS(status));
        fruitful += atomic_load(&told->calls) != calls;
        if (there(remote)) look(round);
    }
    assert_true(atomic_load(&told->next) > rounds);
    print_message("# %u visits begun, %u days forgotten, %u kills, %u of them after calls that were answered\n", atomic_load(&told->next), atomic_load(&told->forgets), rounds, fruitful);
}

static void whatever_was_acknowledged_is_found_once(void **state) {
    for (size_t i = 0; i < test_stores(); i++) {
        if (test_store_is_pg(i)) snprintf(path, sizeof path, "%s", test_store_fresh(i));
        else snprintf(path, sizeof path, "%s/visits", dir.path);
        kills(test_store_is_pg(i));
        if (test_store_is_pg(i)) test_store_drop(i);
    }
}

int main(void) {
    if (digest_init(NULL) < 0 || !test_stores()) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_was_acknowledged_is_found_once)};
    return cmocka_run_group_tests(tests, start, stop);
}

/* Bad nights of the sampling and laboratory desks over HTTP. More posts than the writer takes: they are shed with 503 and a time to come again, what was taken stays taken, what came again
 * makes nothing twice, and it goes on without help. The same people at all tables at once: one of them takes each. A full disk: 507, and the devices' queues keep what was not answered, until there is room. TOCSIN_NIGHT_ROUNDS: how many full disks. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "http.h"
#include "ledger/tally.h"
#include "sampling.h"

#define SWABS "/api/v1/sampling/swabs"
#define LAB "/api/v1/laboratory/"
#define REVIEWER "token-reviewer" /* another person releases */

static struct sample_ground g;
static const struct http_options busy = {.waiting_max = 2, .rate_account = -1, .rate_address = -1};

static void reconciled(int64_t swabs) {
    struct error err = {0};
    struct journal_verdict v;
    int64_t differs = -1;
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\""), swabs);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(DISTINCT \"person\") FROM \"swab\""), swabs);
    assert_ok(tally_differs(h.t.l, h.t.l->db, &differs, &err), err);
    assert_int_equal(differs, 0);
    assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    assert_int_equal(v.bad_seq, 0);
}

/* ---- more than it takes */

enum { HANDS = 8, EACH = 12, STORMS = 20, GOT = 4096 };
static atomic_int shed, storm, untold, taken_of, twice, wrong;

/* On a connection of its own, from any thread. The status; 0: no answer. */
static int post_swab(const char *who, const char *tube, char got[GOT]) {
    char bytes[1000], body[300];
    size_t have = 0;
    ssize_t k;
    int m = snprintf(body, sizeof body, "{\"table\":%lld,\"round\":%lld,\"size\":20,\"tube\":\"%s\",%s}", (long long)g.table, (long long)g.round, tube, who);
    int n = snprintf(bytes, sizeof bytes, "POST " SWABS " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " ROOT "\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", m, body);
    int fd = test_http_connect(&h);
    test_http_send(fd, bytes, (size_t)n);
    while (have < GOT - 1 && (k = recv(fd, got + have, GOT - 1 - have, 0)) > 0) have += (size_t)k;
    close(fd);
    got[have] = 0;
    return have > 12 ? atoi(got + 9) : 0;
}

/* One swab until it is taken, then the same once more: a device whose answer was lost. Half of them by document, which have to be looked up. */
static void send_swab(int hand, int i) {
    char who[80], tube[32], got[GOT];
    int taken = 0;
    snprintf(tube, sizeof tube, "S%d-%d", (int)storm, hand);
    snprintf(who, sizeof who, i % 2 ? "\"temporary\":\"s%d-%d-%d\"" : "\"doc_type\":\"passport\",\"doc_no\":\"S%03d%03d%03d\"", (int)storm, hand, i);
    for (int tries = 0; tries < 5000 && taken < 2; tries++) {
        int status = post_swab(who, tube, got);
        const char *after = strcasestr(got, "\r\nRetry-After: ");
        if (status == 503) {
            shed++;
            untold += !after || atoi(after + 15) < 1;
        } else if (status == (taken ? 200 : 201)) taken++;
        else untold++;
    }
    untold += taken < 2;
}

static void *hand(void *arg) {
    int k = *(int *)arg;
    for (int i = 0; i < EACH; i++) send_swab(k, i);
    return NULL;
}

static void all_hands(void *(*run)(void *)) {
    pthread_t threads[HANDS];
    int numbers[HANDS];
    for (int k = 0; k < HANDS; k++) numbers[k] = k, assert_int_equal(pthread_create(&threads[k], NULL, run, &numbers[k]), 0);
    for (int k = 0; k < HANDS; k++) pthread_join(threads[k], NULL);
}

static void what_is_too_much_is_shed_and_comes_again(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, "covid-2022-v9", SAMPLING_NOW);
        g = ground(&h.t);
        test_http_start(&h, &busy);
        int64_t all = 0;
        shed = untold = 0;
        for (storm = 0; storm < STORMS && !shed; storm++) {
            all += (int64_t)HANDS * EACH;
            all_hands(hand);
        }
        assert_true(shed > 0);
        assert_int_equal(untold, 0);
        assert_status(test_http_get(&h, "/readyz", NULL), 200); /* without help */
        test_http_stop(&h);
        reconciled(all);
        print_message("# %lld swabs taken, %d times told to come again\n", (long long)all, (int)shed);
        test_http_drop(&h);
    }
}

/* ---- the same people at every table */

static void *card_hand(void *arg) {
    char who[80], tube[32], got[GOT];
    int k = *(int *)arg;
    snprintf(tube, sizeof tube, "M%d", k);
    for (int i = 0; i < EACH; i++) {
        snprintf(who, sizeof who, "\"doc_type\":\"passport\",\"doc_no\":\"M%08d\"", i);
        int status = post_swab(who, tube, got);
        taken_of += status == 201;
        twice += status == 200 && strstr(got, "\"duplicate_person\"") != NULL;
        status = post_swab("\"doc_type\":\"id-card\",\"doc_no\":\"110105194912310021\"", tube, got); /* its last digit is wrong */
        wrong += status == 200 && strstr(got, "\"person_refused\"") != NULL;
    }
    return NULL;
}

/* Whoever stands in line is looked up together with others: of all tables one takes each person, whether known before or not, and a card that is wrong is refused alone. */
static void of_all_tables_one_takes_each_person(void **state) {
    (void)state;
    for (size_t store = 0; store < test_stores(); store++) {
        h = (struct test_http){0};
        test_ledger_make(&h.t, store, "covid-2022-v9", SAMPLING_NOW);
        g = ground(&h.t);
        for (int i = 0; i < EACH / 2; i++) test_record(&h.t, "person", "name", "王芳", "doc_type", "passport", "doc_no", arena_printf(&h.t.a, "M%08d", 2 * i));
        taken_of = twice = wrong = 0;
        test_http_start(&h, NULL);
        all_hands(card_hand);
        test_http_stop(&h);
        assert_int_equal(taken_of, EACH);
        assert_int_equal(twice, (HANDS - 1) * EACH);
        assert_int_equal(wrong, HANDS * EACH);
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"person\""), EACH);
        reconciled(EACH);
        test_http_drop(&h);
    }
}

/* ---- a full disk */

enum { BATCH = 40, TUBE = 10, TRIES = 3 };

static rlim_t biggest(void) {
    static const char *const ends[] = {"", "-wal"};
    off_t max = 0;
    for (size_t i = 0; i < 2; i++) {
        char path[400];
        struct stat st;
        snprintf(path, sizeof path, "%s%s", test_store_list[h.t.store].url + 7, ends[i]);
        if (stat(path, &st) == 0 && st.st_size > max) max = st.st_size;
    }
    return (rlim_t)max;
}

/* As long as it is told 507 there is no room; it is answered in the end, once there is, and refuses no row. Returns the id it says. */
static int64_t until_there_is_room(struct rng *r, const char *path, const char *token, const char *body, int64_t *full) {
    struct rlimit none, files;
    struct answer_got got = {0};
    getrlimit(RLIMIT_FSIZE, &none);
    for (int i = 0; i <= TRIES; i++) {
        files = none;
        if (i < TRIES) files.rlim_cur = rng_below(r, 2) ? biggest() + rng_below(r, 64) * 1024 : 4096;
        setrlimit(RLIMIT_FSIZE, &files);
        got = test_http_ask(&h, "POST", path, token, "", body);
        int status = got.status;
        int64_t id = test_json_int(got.json, "id"), refused = test_json_int(got.json, "refused") + test_json_int(json_object_get(got.json, "counts"), "refused");
        struct answer_got read = test_http_get(&h, arena_printf(&h.t.a, "/api/v1/sampling/rounds/%lld/figures", (long long)g.round), ROOT);
        int figures = read.status;
        setrlimit(RLIMIT_FSIZE, &none);
        assert_int_equal(figures, 200); /* what is there can be read */
        if ((status == 200 || status == 201) && !refused) return id;
        if (status != 507 || i == TRIES) fail_msg("%s: %d %.*s", path, status, (int)got.body.n, got.body.s ? got.body.s : "");
        ++*full;
    }
    return 0;
}

/* Swabs of four tubes, their box, plate and release; each told until it is taken. */
static void a_night(struct rng *r, int night, int64_t laboratory, int64_t *full) {
    struct buf b = {0};
    char wells[2000] = "", tubes[200] = "";
    buf_printf(&b, "{\"table\":%lld,\"round\":%lld,\"size\":%d,\"swabs\":[", (long long)g.table, (long long)g.round, TUBE);
    for (int i = 0; i < BATCH; i++) buf_printf(&b, "%s{\"tube\":\"N%d-%d\",\"temporary\":\"n%d-%d\"}", i ? "," : "", night, i / TUBE, night, i);
    buf_str(&b, "]}");
    until_there_is_room(r, SWABS, ROOT, buf_cstr(&b), full);
    struct answer_got got = test_http_post(&h, SWABS, ROOT, buf_cstr(&b)); /* the queue is sent once more */
    assert_status(got, 200);
    assert_int_equal(test_json_int(got.json, "unchanged"), BATCH);
    buf_clear(&b);
    for (int k = 0; k < BATCH / TUBE; k++) {
        snprintf(tubes + strlen(tubes), sizeof tubes - strlen(tubes), "%s\"N%d-%d\"", k ? "," : "", night, k);
        snprintf(wells + strlen(wells), sizeof wells - strlen(wells), ",{\"well\":\"B%d\",\"tube\":\"N%d-%d\",\"ct\":{\"orf\":%s,\"n\":%s,\"ic\":24}}", k + 1, night, k, k ? "null" : "30", k ? "null" : "31");
    }
    until_there_is_room(r, LAB "boxes", ROOT, arena_printf(&h.t.a, "{\"box\":\"NIGHT\",\"tubes\":[%s]}", tubes), full);
    int64_t run = until_there_is_room(r, LAB "runs", ROOT, arena_printf(&h.t.a, "{\"laboratory\":%lld,\"plate\":\"N%d\",\"wells\":[{\"well\":\"A1\",\"role\":\"NTC\",\"ct\":{\"orf\":null,\"n\":null,\"ic\":null}},"
                                                                 "{\"well\":\"A2\",\"role\":\"阳性对照\",\"ct\":{\"orf\":25,\"n\":26,\"ic\":25}}%s]}", (long long)laboratory, night, wells), full);
    until_there_is_room(r, arena_printf(&h.t.a, LAB "runs/%lld/release", (long long)run), REVIEWER, NULL, full);
}

static void a_full_disk_loses_no_swab_and_no_result(void **state) {
    (void)state;
    const char *word = getenv("TOCSIN_NIGHT_ROUNDS");
    int nights = word && *word ? atoi(word) : 3;
    int64_t full = 0;
    struct rng rng;
    h = (struct test_http){0};
    test_ledger_make(&h.t, 0, "covid-2022-v9", SAMPLING_NOW); /* store 0 is SQLite: its files are this process's */
    if (test_store_is_pg(0)) skip();
    rng_seed(&rng, 507);
    g = ground(&h.t);
    int64_t laboratory = test_record(&h.t, "laboratory", "title", "市疾控");
    test_record(&h.t, "box", "barcode", "NIGHT", "laboratory", test_id(&h.t, laboratory));
    signal(SIGXFSZ, SIG_IGN);
    char *tokens = arena_printf(&h.t.a, "%s/night-tokens", h.t.dir);
    FILE *f = fopen(tokens, "w");
    assert_non_null(f);
    fputs(ROOT " root root -\n" REVIEWER " reviewer laboratory -\n", f);
    fclose(f);
    struct http_options o = busy;
    o.waiting_max = 0;
    o.dev_tokens = tokens;
    test_http_start(&h, &o);
    for (int night = 0; night < nights; night++) a_night(&rng, night, laboratory, &full);
    test_http_stop(&h);
    reconciled((int64_t)nights * BATCH);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\" WHERE \"told_at\" IS NOT NULL AND \"result\"='recall'"), nights * TUBE);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"swab\" WHERE \"told_at\" IS NOT NULL AND \"result\"='negative'"), nights * (BATCH - TUBE));
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='hold-member'"), nights * TUBE);
    assert_true(full > 0);
    print_message("# %lld times full in %d nights\n", (long long)full, nights);
    test_http_drop(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_too_much_is_shed_and_comes_again, settle),
        cmocka_unit_test_teardown(of_all_tables_one_takes_each_person, settle),
        cmocka_unit_test_teardown(a_full_disk_loses_no_swab_and_no_result, settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Bad nights of the HTTP door: killed again and again under load, a full disk, PostgreSQL gone. Every 201 is there afterwards, nothing is doubled by the
 * clients' retries, and the same process goes on when the trouble is over. TOCSIN_NIGHT_ROUNDS: how many kills (200 in the long form). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "http.h"

static const char *const NOW = "2022-05-30T10:00";
#define PLACES "/api/v1/registers/place/records"

static long setting(const char *name, long other) {
    const char *v = getenv(name);
    return v && *v ? atol(v) : other;
}

/* ---- killed under load */

enum { CLIENTS = 8, EACH_ROUND = 40 };

static pid_t serve(int *port) {
    int out[2];
    char line[200] = "", listen[40], program[600];
    size_t n = 0;
    const char *build = getenv("TOCSIN_BUILD");
    snprintf(listen, sizeof listen, "127.0.0.1:%d", *port);
    snprintf(program, sizeof program, "%s/tocsin", build ? build : "build");
    char *tokens = arena_printf(&h.t.a, "%s/tokens", h.t.dir);
    if (pipe(out)) fail_msg("no pipe");
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        execl(program, "tocsin", "serve", "--data", h.t.o.dir, "--listen", listen, "--dev-tokens", tokens, "--lang", "en", "--quiet", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    while (n + 1 < sizeof line && !strchr(line, '\n') && read(out[0], line + n, 1) == 1) line[++n] = 0;
    close(out[0]);
    const char *colon = strrchr(line, ':');
    if (!colon) fail_msg("%s did not start: %s", program, line);
    *port = atoi(colon + 1);
    return child;
}

struct sender {
    pthread_t thread;
    int number, port, wanted;
    _Atomic int done;
    _Atomic int tries;
    int64_t ids[20000];
};

static int try_connect(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    close(fd);
    return -1;
}

/* One request, as a client that may be cut off: the id, or 0 when it must be sent again. */
static int64_t send_one(const struct sender *s, int i) {
    char bytes[900], body[200], got[2048];
    int fd = try_connect(s->port);
    size_t n = 0;
    if (fd < 0) return 0;
    int m = snprintf(body, sizeof body, "{\"region\":\"310115\",\"fields\":{\"title\":\"%d-%d\"}}", s->number, i);
    int w = snprintf(bytes, sizeof bytes, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer " ROOT
                     "\r\nIdempotency-Key: key-%d-%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", PLACES, s->number, i, m, body);
    ssize_t k = send(fd, bytes, (size_t)w, MSG_NOSIGNAL);
    while (k > 0 && n < sizeof got - 1 && (k = recv(fd, got + n, sizeof got - 1 - n, 0)) > 0) n += (size_t)k;
    close(fd);
    got[n] = 0;
    const char *end = strstr(got, "\r\n\r\n"), *id = end ? strstr(end, "\"id\":") : NULL;
    if (strncmp(got, "HTTP/1.1 201", 12) || !id || !strchr(id, '}')) return 0;
    return atoll(id + 5);
}

static void *sender_main(void *arg) {
    struct sender *s = arg;
    for (int i = 0; i < s->wanted; i++) {
        while ((s->ids[i] = send_one(s, i)) == 0) {
            s->tries++;
            usleep(20000);
        }
        s->done = i + 1;
    }
    return NULL;
}

static void killed_under_load_nothing_is_lost_or_doubled(void **state) {
    (void)state;
    long rounds = setting("TOCSIN_NIGHT_ROUNDS", 6);
    static struct sender senders[CLIENTS];
    EACH_HTTP(h, NULL, NOW) {
        struct rng rng;
        int port = 0, tries = 0, wanted = (int)rounds * EACH_ROUND;
        rng_seed(&rng, (uint64_t)setting("TOCSIN_NIGHT_SEED", 1));
        if (wanted > 20000) wanted = 20000;
        http_server_stop(h.server);
        h.server = NULL;
        pid_t child = serve(&port);
        for (int i = 0; i < CLIENTS; i++) {
            memset(&senders[i], 0, sizeof senders[i]);
            senders[i].number = i;
            senders[i].port = port;
            senders[i].wanted = wanted;
            if (pthread_create(&senders[i].thread, NULL, sender_main, &senders[i])) fail_msg("no thread");
        }
        for (long k = 0; k < rounds; k++) {
            int before = 0, now = 0;
            for (int i = 0; i < CLIENTS; i++) before += senders[i].done;
            for (int waited = 0; now - before < EACH_ROUND && waited < 400; waited++, usleep(25000)) /* some were answered, */
                for (int i = now = 0; i < CLIENTS; i++) now += senders[i].done;
            usleep((useconds_t)rng_below(&rng, 60000)); /* then any moment */
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            child = serve(&port);
        }
        for (int i = 0; i < CLIENTS; i++) {
            pthread_join(senders[i].thread, NULL);
            tries += senders[i].tries;
        }
        kill(child, SIGTERM);
        int status = -1;
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        test_http_stop(&h); /* opens the ledger */
        assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), CLIENTS * wanted);
        for (int i = 0; i < CLIENTS; i++)
            for (int k = 0; k < wanted; k++) {
                char sql[160];
                snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM \"place\" WHERE \"id\" = %lld AND \"title\" = '%d-%d'", (long long)senders[i].ids[k], i, k);
                if ((k % 7 == 0 || k == wanted - 1) && test_count(&h.t, sql) != 1) fail_msg("answer %d-%d: %lld is not there", i, k, (long long)senders[i].ids[k]);
            }
        struct error err = {0};
        struct journal_verdict v;
        assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
        assert_int_equal(v.bad_seq, 0);
        print_message("# %ld kills, %d records, %d tries that were cut off\n", rounds, CLIENTS * wanted, tries);
    }
}

/* ---- a disk that is full: files may not grow, as under a quota */

static void a_full_disk_is_told_and_survived(void **state) {
    (void)state;
    struct rlimit files, none;
    test_http_make(&h, 0, NULL, NOW); /* store 0 is SQLite: its files are this process's */
    if (test_store_is_pg(0)) skip();
    getrlimit(RLIMIT_FSIZE, &none);
    signal(SIGXFSZ, SIG_IGN);
    assert_status(test_http_post(&h, PLACES, ROOT, "{\"region\":\"310115\",\"fields\":{\"title\":\"before\"}}"), 201);
    for (int round = 0; round < 3; round++) {
        files = none;
        files.rlim_cur = 4096;
        setrlimit(RLIMIT_FSIZE, &files);
        struct answer_got got = test_http_ask(&h, "POST", PLACES, ROOT, "Idempotency-Key: full\r\n", arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"full %d\"}}", round));
        struct answer_got read = test_http_get(&h, PLACES "/1", ROOT);
        setrlimit(RLIMIT_FSIZE, &none);
        assert_status(got, 507);
        assert_true(read.status == 200 || read.status == 404);
        assert_status(test_http_ask(&h, "POST", PLACES, ROOT, arena_printf(&h.t.a, "Idempotency-Key: room %d\r\n", round),
                                    arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"room %d\"}}", round)), 201);
    }
    test_http_stop(&h);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 4);
    test_http_drop(&h);
}

/* ---- PostgreSQL gone */

static char folder[64];

static int pg(const char *verb, char *url, size_t n) {
    char command[400];
    const char *home = getenv("TOCSIN_HOME");
    snprintf(command, sizeof command, "%s/tests/pg %s %s 2>/dev/null", home ? home : ".", verb, folder);
    FILE *f = popen(command, "r");
    if (!f) return -1;
    if (!fgets(url, (int)n, f)) url[0] = 0;
    url[strcspn(url, "\n")] = 0;
    return pclose(f);
}

static int end_server(void **state) {
    char none[256];
    settle(state);
    if (folder[0]) pg("stop", none, sizeof none);
    folder[0] = 0;
    return 0;
}

/* A disk of its own for the server of PostgreSQL, as small as such a one can be. Needs root: else it is said that nothing was tried. */
static void a_full_disk_of_postgresql_is_told_and_survived(void **state) {
    (void)state;
    enum { BLOCK = 65536, MOST = 4000 };
    static char url[256];
    static char zeros[BLOCK];
    char disk[] = "/tmp/tocsin-full-XXXXXX", ballast[64], word[256];
    const char *stores = getenv("TOCSIN_TEST_STORES");
    if (!stores || !strstr(stores, "postgres")) skip();
    if (!mkdtemp(disk) || geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tocsin", disk, "tmpfs", 0, "size=300m,mode=755") != 0) {
        print_message("SKIPPED: no small disk can be mounted here (needs root)\n");
        skip();
    }
    snprintf(folder, sizeof folder, "%s/pg", disk);
    snprintf(ballast, sizeof ballast, "%s/ballast", disk);
    if (pg("start", url, sizeof url) != 0 || !url[0]) fail_msg("PostgreSQL does not start");
    test_store_list[1].base = url;
    test_http_make(&h, 1, NULL, NOW);
    int made = 0;
    for (int round = 0; round < 2; round++) {
        struct answer_got got = {0};
        int fd = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0600), status = 0;
        for (ssize_t n = BLOCK; n > 0;) n = write(fd, zeros, BLOCK);
        for (int i = 0; i < MOST && (i == 0 || got.status == 201); i++) { /* until what it has left of its pages is full too */
            got = test_http_ask(&h, "POST", PLACES, ROOT, arena_printf(&h.t.a, "Idempotency-Key: %d %d\r\n", round, i),
                                arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"%d %d\"}}", round, i));
            made += got.status == 201;
        }
        assert_status(got, 507);
        assert_status(test_http_get(&h, PLACES "?limit=1", ROOT), 200); /* what is there can be read */
        close(fd);
        assert_int_equal(unlink(ballast), 0);
        for (int i = 0; i < 100 && status != 201; i++, usleep(100000))
            status = test_http_ask(&h, "POST", PLACES, ROOT, arena_printf(&h.t.a, "Idempotency-Key: room %d\r\n", round),
                                   arena_printf(&h.t.a, "{\"region\":\"310115\",\"fields\":{\"title\":\"room %d\"}}", round)).status;
        assert_int_equal(status, 201);
        made++;
    }
    test_http_stop(&h);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), made);
    struct error err = {0};
    struct journal_verdict v;
    assert_ok(journal_verify(h.t.l->db, h.t.l->journal.keys.public_key, true, NULL, NULL, &v, &err), err);
    assert_int_equal(v.bad_seq, 0);
    test_http_drop(&h);
    print_message("# %d records, the disk full twice\n", made);
    pg("stop", word, sizeof word);
    folder[0] = 0;
    umount(disk);
    rmdir(disk);
}

/* The last two take the list of stores away. */
static void a_store_that_is_gone_is_told_and_comes_back(void **state) {
    (void)state;
    static char url[256];
    char word[256];
    const char *stores = getenv("TOCSIN_TEST_STORES");
    if (!stores || !strstr(stores, "postgres")) skip();
    snprintf(folder, sizeof folder, "/tmp/tocsin-night-XXXXXX");
    if (!mkdtemp(folder) || pg("start", url, sizeof url) != 0 || !url[0]) skip();
    test_store_list[1].base = url;
    if (test_stores() < 2) skip();
    test_http_make(&h, 1, NULL, NOW);
    struct answer_got got = test_http_post(&h, PLACES, ROOT, "{\"region\":\"310115\",\"fields\":{\"title\":\"before\"}}");
    assert_status(got, 201);
    const char *path = arena_printf(&h.t.a, PLACES "/%lld", (long long)test_json_int(got.json, "id"));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(pg("halt", word, sizeof word), 0);
        got = test_http_ask(&h, "POST", PLACES, ROOT, "Idempotency-Key: gone\r\n", "{\"region\":\"310115\",\"fields\":{\"title\":\"gone\"}}");
        assert_status(got, 503);
        assert_non_null(strstr(got.head, "Retry-After: "));
        assert_status(test_http_get(&h, path, ROOT), 503);
        assert_status(test_http_get(&h, "/readyz", NULL), 503);
        assert_status(test_http_get(&h, "/healthz", NULL), 200); /* it is alive, and need not be restarted */
        assert_int_equal(pg("restart", word, sizeof word), 0);
        int reads = 0, writes = 0;
        for (int i = 0; i < 50 && (reads != 200 || writes != 201); i++) {
            reads = test_http_get(&h, path, ROOT).status;
            writes = test_http_ask(&h, "POST", PLACES, ROOT, "Idempotency-Key: gone\r\n", "{\"region\":\"310115\",\"fields\":{\"title\":\"gone\"}}").status;
        }
        assert_int_equal(reads, 200);
        assert_int_equal(writes, 201);
    }
    test_http_stop(&h);
    assert_int_equal(test_count(&h.t, "SELECT COUNT(*) FROM \"place\""), 2);
    test_http_drop(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(killed_under_load_nothing_is_lost_or_doubled, settle),
        cmocka_unit_test_teardown(a_full_disk_is_told_and_survived, settle),
        cmocka_unit_test_teardown(a_full_disk_of_postgresql_is_told_and_survived, end_server),
        cmocka_unit_test_teardown(a_store_that_is_gone_is_told_and_comes_back, end_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

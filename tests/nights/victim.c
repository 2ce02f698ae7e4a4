/* The one who is killed: opens the node at DIR and works on it until the end or until it dies, telling on its output what it was promised.
 *   night_victim DIR SEED FROM STEPS               steps of nights.h, from the one after the last in the journal (FROM < 0), one commit each
 *   night_victim DIR SEED import ROWS [BATCH]      a list of contacts through the import desk
 *   night_victim DIR SEED count N PLACE            N times adds one to the capacity of a place, and once adopts another pack
 *   night_victim DIR SEED insist THREADS N         THREADS hands, N requests each with a key, each sent again until it is answered
 *   night_victim DIR SEED init PACK                makes the node
 *   night_victim DIR SEED backup FILE              writes a backup
 * TOCSIN_NIGHT_PATIENCE=N: after a failure of the store it goes on with the step that the journal lacks, at most N times (50 ms apart).
 * TOCSIN_NIGHT_FILE_MAX=N: no file may grow past N bytes (the disk is full there).
 * Lines: "A register id version digest" after a commit, "R request id" for an answered request, "D" when done, "E code message" when the store failed. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "desks/intake/import.h"
#include "desks/backup.h"
#include "desks/plan.h"
#include "ledger/queue.h"
#include "nights.h"

static void tell(struct buf *b) {
    size_t at = 0;
    while (at < b->n) {
        ssize_t n = write(1, b->s + at, b->n - at);
        if (n < 0) _exit(4); /* nobody listens */
        at += (size_t)n;
    }
    buf_reset(b);
}

static int failed(struct buf *b, int rc, const struct error *err) {
    buf_printf(b, "E %d %s %s\n", rc, err->message, err->where);
    tell(b);
    return 3;
}

static int live(struct night *t, int64_t from, int64_t steps, struct buf *b) {
    int64_t step = from < 0 ? night_next(t->l) : from;
    const char *given = getenv("TOCSIN_NIGHT_PATIENCE");
    long patience = given ? atol(given) : 0;
    if (step < 0) {
        buf_str(b, "E 0 the journal cannot be read\n");
        tell(b);
        return 3;
    }
    for (int64_t end = step + steps; step < end; step++) {
        struct error err = {0};
        int rc = night_step(t, step, &err);
        if (rc < 0) {
            failed(b, rc, &err);
            if (patience-- <= 0) return 3;
            usleep(50000);
            int64_t next = night_next(t->l); /* what was not answered may be there */
            while (next < 0 && patience-- > 0) {
                usleep(50000);
                next = night_next(t->l);
            }
            if (next < 0) return 3;
            step = next > step ? step : step - 1;
            continue;
        }
        for (size_t i = 0; rc == 0 && i < t->n; i++) {
            int32_t version = 0;
            const struct draft *d = t->drafts[i];
            int64_t digest = d->outcome == OUTCOME_REMOVED ? -1 : night_digest(t->l, d->reg->name, d->ret_id, &version, &err);
            while (digest == -2 && patience-- > 0) {
                usleep(50000);
                err = (struct error){0};
                digest = night_digest(t->l, d->reg->name, d->ret_id, &version, &err);
            }
            if (digest == -2) return failed(b, err.code, &err);
            buf_printf(b, "A %s %lld %d %lld\n", d->reg->name.s, (long long)d->ret_id, (int)version, (long long)digest);
        }
        if (b->n) tell(b);
    }
    return 0;
}

static int list(struct night *t, int64_t rows, size_t batch, struct buf *b) {
    struct map *m = NULL;
    struct error err = {0};
    struct intake *in = NULL;
    struct intake_counts n = {0};
    struct text headers[] = {TEXT("id"), TEXT("name"), TEXT("phone"), TEXT("last")};
    struct session s = node_session(TEXT("storm"), night_at(0), false);
    int rc = map_parse(t->l->catalog, text_of(NIGHT_MAP), "night.yaml", &m, &err);
    struct intake_options o = {.map = m, .headers = headers, .n_headers = 4, .file = "night.csv", .batch_rows = batch};
    if (rc >= 0) rc = intake_new(t->l, &s, &o, &in, &err);
    rng_seed(&t->rng, t->seed);
    for (int64_t i = 0; rc >= 0 && i < rows; i++) {
        char id[24], name[32], phone[24];
        snprintf(id, sizeof id, "%lld", (long long)i);
        snprintf(name, sizeof name, "王%c%c", (char)('a' + i % 26), (char)('a' + i / 26 % 26));
        snprintf(phone, sizeof phone, "138%08lld", (long long)rng_below(&t->rng, 100000000));
        struct text cells[] = {text_of(id), text_of(name), text_of(phone), TEXT("2022-05-29")};
        rc = intake_row(in, cells, 4, i + 2, false, &err);
        struct intake_counts now;
        intake_progress(in, &now);
        if (now.records != n.records) {
            buf_printf(b, "P %lld\n", (long long)now.records);
            tell(b);
        }
        n = now;
    }
    if (rc >= 0) rc = intake_finish(in, &err);
    if (in) intake_progress(in, &n);
    intake_free(in);
    map_free(m);
    if (rc < 0) return failed(b, rc, &err);
    buf_printf(b, "I %lld %lld %lld %lld %lld\n", (long long)n.rows, (long long)n.created, (long long)n.changed, (long long)n.unchanged, (long long)n.rejected);
    tell(b);
    return 0;
}

/* Read, add one, write only if nobody else did: an update lost is a number missing at the end. */
static int count(struct night *t, int64_t times, int64_t place, struct buf *b) {
    struct error err = {0};
    for (int64_t i = 0; i < times;) {
        arena_reset(&t->a);
        t->n = 0;
        err = (struct error){0};
        t->s = node_session(TEXT("storm"), night_at(i), false);
        struct draft *d = night_draft(t, "place", DRAFT_CHANGE, place);
        d->version = (int32_t)night_of(t, "place", "version", place);
        night_set(d, "capacity", value_int(night_of(t, "place", "capacity", place) + 1));
        int rc = record_write(t->l, &t->s, t->drafts, 1, &err);
        if (rc == E_CONFLICT) continue; /* the other one was first */
        if (rc < 0) return failed(b, rc, &err);
        i++;
        t->n = 0; /* and a record with a number, between */
        night_case(t);
        rc = record_write(t->l, &t->s, t->drafts, t->n, &err);
        if (rc < 0) return failed(b, rc, &err);
        if (i == times / 2 && t->seed % 2) {
            struct plan_adoption a = {.pack = TEXT("covid-2022-20"), .region = t->l->region, .from = day_of_civil((struct civil){2022, 1, 1}),
                                      .reason = TEXT("new edition"), .approver = TEXT("command")};
            int64_t id = 0;
            rc = plan_adopt(t->l, &t->s, &a, &id, NULL, &err);
            if (rc < 0) return failed(b, rc, &err);
        }
    }
    return 0;
}

struct hand {
    pthread_t thread;
    struct ledger *l;
    struct ledger_queue *q;
    int64_t from, n, failures;
};

static void *insist_main(void *arg) {
    struct hand *h = arg;
    const struct register_decl *person = register_find(h->l->catalog, TEXT("person"));
    struct session s = node_session(TEXT("storm"), night_at(0), false);
    for (int64_t i = h->from; i < h->from + h->n;) {
        struct arena a = {0};
        char key[32], name[32];
        snprintf(key, sizeof key, "request-%lld", (long long)i);
        snprintf(name, sizeof name, "王%lld", (long long)i);
        struct draft *d = draft_new(&a, person, DRAFT_CREATE);
        night_set(d, "name", value_str(name));
        struct submission x = {.session = &s, .drafts = &d, .n = 1, .arena = &a, .key = text_of(key)};
        struct error err = {0};
        if (ledger_submit_wait(h->q, &x, &err) == 0)
            dprintf(1, "R %lld %lld\n", (long long)i++, (long long)d->ret_id); /* one short write: whole or not there */
        else if (h->failures++ > 100000)
            i = h->from + h->n;
        else
            usleep(20000);
        arena_clear(&a);
    }
    return NULL;
}

static int insist(struct night *t, int64_t threads, int64_t n, struct buf *b) {
    struct hand hands[64] = {{0}};
    struct ledger_queue *q = NULL;
    struct error err = {0};
    int64_t failures = 0;
    int rc = ledger_queue_start(t->l, NULL, &q, &err);
    if (rc < 0) return failed(b, rc, &err);
    for (int64_t i = 0; i < threads && i < 64; i++) {
        hands[i] = (struct hand){.l = t->l, .q = q, .from = i * n, .n = n};
        if (pthread_create(&hands[i].thread, NULL, insist_main, &hands[i]) != 0) return 5;
    }
    buf_str(b, "B\n");
    tell(b);
    for (int64_t i = 0; i < threads && i < 64; i++) {
        pthread_join(hands[i].thread, NULL);
        failures += hands[i].failures;
    }
    ledger_queue_stop(q);
    buf_printf(b, "F %lld\n", (long long)failures);
    tell(b);
    return 0;
}

static int init(const char *dir, const char *pack, struct buf *b) {
    const char *home = getenv("TOCSIN_HOME");
    struct node_options o = {.ledger = {.dir = dir, .home = home, .region = "310115"}, .policy = pack, .regions = "/dev/null", .now = night_at(0)};
    struct node_report report;
    struct error err = {0};
    int rc = node_init(&o, &report, &err);
    return rc < 0 ? failed(b, rc, &err) : 0;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    struct night t = {.seed = strtoull(argv[2], NULL, 10)};
    struct ledger_options o = {.dir = argv[1]};
    struct error err = {0};
    struct buf b = {0};
    const char *file_max = getenv("TOCSIN_NIGHT_FILE_MAX");
    if (file_max) {
        rlim_t max = (rlim_t)strtoull(file_max, NULL, 10);
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){max, max});
    }
    bool makes = strcmp(argv[3], "init") == 0;
    int rc = makes ? init(argv[1], argv[4], &b) : ledger_open(&o, &t.l, &err);
    if (rc >= 0 && !makes && strncmp(t.l->url, "postgres", 8) != 0)
        db_run(t.l->db, "PRAGMA wal_autocheckpoint=16", NULL, 0, NULL, NULL); /* so that it dies and fails in checkpoints too */
    if (makes)
        ;
    else if (rc < 0)
        rc = failed(&b, rc, &err);
    else if (strcmp(argv[3], "import") == 0)
        rc = list(&t, atoll(argv[4]), argc > 5 ? (size_t)atoll(argv[5]) : 100, &b);
    else if (strcmp(argv[3], "insist") == 0)
        rc = insist(&t, atoll(argv[4]), atoll(argv[5]), &b);
    else if (strcmp(argv[3], "backup") == 0)
        rc = backup_write(t.l, argv[4], &(struct backup_report){0}, &err) < 0 ? failed(&b, err.code, &err) : 0;
    else if (strcmp(argv[3], "count") == 0)
        rc = count(&t, atoll(argv[4]), atoll(argv[5]), &b);
    else
        rc = live(&t, atoll(argv[3]), atoll(argv[4]), &b);
    ledger_close(t.l);
    arena_clear(&t.a);
    if (rc == 0) {
        buf_str(&b, "D\n");
        tell(&b);
    }
    buf_clear(&b);
    return rc;
}

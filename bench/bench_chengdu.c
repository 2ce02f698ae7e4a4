/* A city samples: the first evening of Chengdu, 2022-09-02, when 12 million had been registered before the system jammed at 17:30. The program drives `tocsin serve` over HTTP on this machine,
 * load and server together: an ordinary hour, the burst of 17:30 at the peak derived for 25 million (4,000 single swabs a second), as much as there is (15,000 is the moonshot), a retry storm in
 * which every swab is sent ten times by devices that give up after a second, devices back from dead spots with batches of 50 (60,000 swabs a second), and a server that is killed in the
 * burst and started again while the devices go on. Then every acknowledged swab is looked for in the store: none lost, none double, no tube too full, and the journal verifies.
 *
 * Each connection is a table with its own address, its own account of 64, its own tubes of ten. A device keeps a swab until it is acknowledged and sends it again as it was.
 * People are those of engine town; 7 in 10 show their code (a record's id), 3 in 10 their card (a document number).
 *
 * Devices back from dead spots have clocks that are off by up to a day; what they say is put right or it is told. Then the night: full tubes go to the laboratory by boxes and plates, a second person
 * releases them, recalled tubes are asked for; citizens ask for their results, more of them than the server carries; and the server is killed again and again, in the burst and between the plates.
 *
 * usage: bench_chengdu [--short] [--kills N] [--store URL] [PHASE...]    PHASE: hour burst flat storm batch kill plates query shed; --short: a second each at a tenth of the rates, for the tests;
 * --kills: how often it is killed in kill and again in plates (else once and never), with fewer people and at 1,500 a second; each time some 500 swabs have got through, and something of the plates */
#include <math.h>
#include <signal.h>

#include "desks/testing/ticket.h"
#include "ledger/table.h"
#include "load.h"
#include "sampled.h"
#include "serving.h"

enum { CONNECTIONS = SAMPLED_TABLES, ACCOUNTS = 64, TUBE = 10, BATCH = 50, COPIES = 10, PLATE = 94, BOXES = 2000, LAB = 8, SKEWED = 4, KILL_RATE = 1500, KILL_SWABS = 500 };
#define KILL_EACH_S 0.7
#define KILL_PATIENCE_S 30 /* for one kill, at most */
#define START SAMPLED_START

struct swabbed {            /* who is being swabbed, to be sent until it is acknowledged */
    struct buf bytes;
    int32_t people[BATCH];
    int n, copies;          /* copies: how often it is still to be sent once it is acknowledged */
    bool pending;
    double not_before;
};

struct evening {
    struct bench_node node;
    struct sampled city;
    /* the devices */
    struct swabbed device[CONNECTIONS];
    long tube_of[CONNECTIONS], in_tube[CONNECTIONS];
    int32_t next;           /* person */
    int64_t *swab_of;       /* by person: the acknowledged swab; 0 none, -1 sent */
    int batch, copies;
    long acknowledged, unchanged, refused, again, bad;
    char first_bad[300];
    struct serving serving;
    double kill_at, begun, down_s;
    int kills;              /* still to come */
    long kill_after, taken; /* how much it takes before each, however slow the machine; answered so far, or found that nothing is left to ask */
    bool until_killed;      /* the phase ends when all have come */
    bool skewed;            /* devices say what time they have */
    /* the laboratory, and who asks */
    int64_t laboratory;
    char (*tickets)[TICKET_CHARS + 1];
    long asked, early;      /* answers of 503 that do not say when to come again */
    struct plating {
        struct buf bytes;
        enum plating_stage { PLATE_NEXT, PLATE_BOX, PLATE_RUN, PLATE_RELEASE } stage;
        int serial;
        int64_t run;
        bool pending, lost; /* lost: an answer did not come, it may have been done */
    } plates[LAB];
    int n_plates, n_boxes, done;
    long full_of[CONNECTIONS], plated[CONNECTIONS]; /* tubes of a table that are full; that are on plates */
};

/* ---- the devices */

static void put_swab(struct evening *c, int i, struct buf *b, int32_t who) {
    if (c->in_tube[i]++ % TUBE == 0) c->tube_of[i]++;
    buf_printf(b, "\"tube\":\"T%03d%07ld\",", i, c->tube_of[i]);
    if (who % 10 < 7) buf_printf(b, "\"person\":%lld}", (long long)c->city.ids[who]);
    else buf_printf(b, "\"doc_type\":\"passport\",\"doc_no\":\"%s\"}", c->city.cards[who]);
}

/* One device in four has a clock of its own: up to a day ahead or behind. */
static int64_t skew_of(int i) {
    return i % SKEWED ? 0 : (int64_t)(i / SKEWED % 13 - 6) * 14400;
}

static bool swab_next(struct evening *c, int i) {
    struct swabbed *s = &c->device[i];
    struct buf body = {0};
    char token[32];
    if (c->next + c->batch > c->city.persons) return c->taken++, false;
    s->n = c->batch;
    buf_printf(&body, "{\"table\":%lld,\"round\":%lld,", (long long)c->city.tables[i], (long long)c->city.rounds[0]);
    int64_t clock = START + (int64_t)(wall_s() - c->serving.opened) + skew_of(i);
    if (c->skewed) buf_printf(&body, "\"sent_at\":%lld,\"swabbed_at\":%lld,", (long long)clock, (long long)clock - 30);
    if (s->n > 1) buf_str(&body, "\"swabs\":[{");
    for (int k = 0; k < s->n; k++) {
        int32_t who = s->people[k] = c->next++;
        if (k) buf_str(&body, ",{");
        put_swab(c, i, &body, who);
        if (!c->swab_of[who]) c->swab_of[who] = -1;
    }
    if (s->n > 1) buf_str(&body, "]}");
    buf_reset(&s->bytes);
    snprintf(token, sizeof token, "token-table-%02d", i % ACCOUNTS);
    load_request(&s->bytes, "POST", "/api/v1/sampling/swabs", token, "", "application/json", buf_view(&body));
    buf_clear(&body);
    s->pending = true;
    s->copies = c->copies - 1;
    s->not_before = 0;
    return !s->bytes.failed;
}

static struct text ask(void *arg, int i, double now) {
    struct evening *c = arg;
    struct swabbed *s = &c->device[i];
    if (!s->pending && !swab_next(c, i)) return (struct text){"", 0};
    return now < s->not_before ? (struct text){"", 0} : buf_view(&s->bytes);
}

/* The ids of the swabs, in the order of the people. */
static bool acknowledge(struct evening *c, const struct swabbed *s, struct text body) {
    for (int k = 0; k < s->n; k++)
        if (!sampled_told(&body, &c->swab_of[s->people[k]])) return false; /* answered in two ways, or not at all */
    return true;
}

static void answered(void *arg, int i, const struct load_answer *a) {
    struct evening *c = arg;
    struct swabbed *s = &c->device[i];
    if (a->status == 200 || a->status == 201) {
        c->taken++;
        c->acknowledged += sampled_member(a->body, "\"created\":");
        c->unchanged += sampled_member(a->body, "\"unchanged\":");
        c->refused += sampled_member(a->body, "\"refused\":");
        if (!acknowledge(c, s, a->body) && c->bad++ == 0) {
            const char *why = memmem(a->body.s, a->body.n, "\"refused\",", 10);
            struct text t = why ? (struct text){why, (size_t)(a->body.s + a->body.n - why)} : a->body;
            snprintf(c->first_bad, sizeof c->first_bad, "%.*s", (int)(t.n < 280 ? t.n : 280), t.s);
        }
        s->pending = s->copies-- > 0;
        return;
    }
    if (a->status && a->status != 503 && a->status != 429) {
        if (c->bad++ == 0) snprintf(c->first_bad, sizeof c->first_bad, "%d %.*s", a->status, (int)(a->body.n < 270 ? a->body.n : 270), a->body.s);
        s->pending = false;
        return;
    }
    c->again++;
    s->not_before = wall_s() + (a->retry_after_s > 0 ? a->retry_after_s : 0.1) * (0.5 + (double)(i * 37 % 100) / 100); /* not all at once */
}

static bool kill_it(void *arg) {
    struct evening *c = arg;
    if (c->kills > 0 && c->taken >= c->kill_after && wall_s() - c->begun > c->kill_at) {
        double from = wall_s();
        c->kills--;
        c->taken = 0;
        serving_stop(&c->serving, SIGKILL);
        serving_start(&c->serving);
        c->down_s = fmax(c->down_s, wall_s() - from);
        c->kill_at = wall_s() - c->begun + KILL_EACH_S * (0.3 + (double)(c->kills * 37 % 100) / 100); /* in the middle of this and that */
    }
    return c->until_killed && c->kills == 0 && wall_s() - c->begun > c->kill_at;
}

/* ---- the evening */

struct phase {
    const char *name, *what;
    double rate, seconds, timeout_s;
    int connections, batch, copies;
    bool kill, skewed;
    double target, p99_ms, moonshot; /* of swabs a second; 0: none */
};
static const struct phase phases[] = {
    {"hour", "an ordinary hour, 1,200 a second asked", 1200, 10, 30, CONNECTIONS, 1, 1, false, false, 1190, 100, 0},
    {"burst", "17:30, 4,000 a second asked", 4000, 20, 30, CONNECTIONS, 1, 1, false, false, 3980, 100, 0},
    {"flat", "as much as there is", 0, 10, 30, CONNECTIONS, 1, 1, false, false, 4000, 0, 15000},
    {"storm", "retry storm: 40,000 a second asked, each ten times, given up after 1 s", 40000, 10, 1, CONNECTIONS, 1, COPIES, false, false, 0, 0, 0},
    {"batch", "back from dead spots, batches of 50, one clock in four off by up to a day", 0, 6, 30, 64, BATCH, 1, false, true, 60000, 0, 0},
    {"kill", "killed in the burst, started again", 4000, 8, 5, CONNECTIONS, 1, 1, true, false, 0, 0, 0},
};
enum { PHASES = sizeof phases / sizeof *phases };

static int play(struct evening *c, const struct phase *p, bool brief, int kills) {
    struct load_result r;
    bool often = p->kill && kills > 1;
    double seconds = often ? KILL_PATIENCE_S * kills : brief ? 1 : p->seconds, rate = often ? KILL_RATE : !brief ? p->rate : p->rate > 0 ? p->rate / 10 : 2000.0 / p->batch, cpu = serving_cpu_s(&c->serving);
    long acknowledged = c->acknowledged, again = c->again, requests;
    c->batch = p->batch;
    c->copies = p->copies;
    c->begun = wall_s();
    c->skewed = p->skewed;
    c->kills = p->kill ? kills : 0;
    c->kill_after = often ? KILL_SWABS : 0;
    c->taken = 0;
    c->down_s = 0;
    c->until_killed = often;
    c->kill_at = often ? KILL_EACH_S : seconds / 2;
    struct load w = {.port = c->serving.port, .connections = p->connections, .seconds = seconds, .rate = rate, .timeout_s = p->timeout_s, .own_addresses = true, .ask = ask,
                     .answered = answered, .stop = kill_it, .arg = c};
    if (load_run(&w, &r) < 0) exit(1);
    cpu = p->kill ? 0 : serving_cpu_s(&c->serving) - cpu;
    requests = r.answers;
    double swabs = (double)(c->acknowledged - acknowledged) / r.seconds;
    printf(" %-6s %s\n        %8.0f swabs/s (%ld new in %.1f s); %.0f answers/s; 503 %ld, 429 %ld, no answer %ld, sent again %ld; p50 %.1f p99 %.1f p99.9 %.1f worst %.1f ms; %.0f us of processor an answer; %.0f MB (most %.0f)\n",
           p->name, p->what, swabs, c->acknowledged - acknowledged, r.seconds, (double)requests / r.seconds, r.by[0], r.by[1], r.unanswered, c->again - again, r.p50_ms, r.p99_ms, r.p999_ms, r.max_ms,
           requests ? cpu * 1e6 / (double)requests : 0, serving_mb(&c->serving, "VmRSS:"), serving_mb(&c->serving, "VmHWM:"));
    if (p->kill) printf("        killed %d times, down for %.2f s at most\n", kills - c->kills, c->down_s);
    fflush(stdout);
    if (brief) return c->kills > 0;
    int missed = c->kills > 0;
    missed += p->target > 0 ? bench_verdict("swabs a second", swabs, "/s", p->target, true) : 0;
    if (p->p99_ms > 0) missed += bench_verdict("p99", r.p99_ms, "ms", p->p99_ms, false);
    if (p->moonshot > 0) (void)bench_verdict("moonshot", swabs, "/s", p->moonshot, true);
    return missed;
}

/* Whoever still holds a swab sends it until it is acknowledged. */
static bool all_in(void *arg) {
    struct evening *c = arg;
    for (int i = 0; i < CONNECTIONS; i++)
        if (c->device[i].pending) return false;
    return true;
}

static struct text ask_pending(void *arg, int i, double now) {
    struct swabbed *s = &((struct evening *)arg)->device[i];
    s->copies = 0;
    return s->pending && now >= s->not_before ? buf_view(&s->bytes) : (struct text){"", 0};
}

static void settle(struct evening *c) {
    struct load_result r;
    struct load w = {.port = c->serving.port, .connections = CONNECTIONS, .seconds = 60, .timeout_s = 30, .own_addresses = true, .ask = ask_pending, .answered = answered, .stop = all_in, .arg = c};
    if (load_run(&w, &r) < 0 || !all_in(c)) {
        printf("devices were left with swabs that were never acknowledged\n");
        exit(1);
    }
}

#include "chengdu_night.h"

/* ---- nothing lost, nothing double */

static int reconcile(struct evening *c) {
    struct sampled_found f;
    must(ledger_open(&c->node.o.ledger, &c->node.l, &err), "open");
    sampled_reconcile(&c->node, &c->city, c->swab_of, &f);
    int64_t tubes = bench_count(c->node.l, "SELECT COUNT(*) FROM \"tube\""), closed = bench_count(c->node.l, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\" <> 'open'");
    printf(" %lld sent, %lld acknowledged, %lld in the store, in %lld tubes (%lld closed): %lld lost, %lld double, %lld under another number, %lld of nobody, %lld tubes too full; %ld answers of another kind, %ld refused\n",
           (long long)f.sent, (long long)f.acknowledged, (long long)f.stored, (long long)tubes, (long long)closed, (long long)f.lost, (long long)f.twice, (long long)f.other, (long long)f.unknown,
           (long long)f.tubes_too_full,
           c->bad, c->refused);
    if (c->bad) printf("   %s\n", c->first_bad);
    int64_t late = bench_count(c->node.l, "SELECT COUNT(*) FROM \"swab\" WHERE \"swabbed_at\" > \"created_at\" + 5 OR \"swabbed_at\" < \"created_at\" - 3600");
    int64_t told = bench_count(c->node.l, "SELECT COUNT(*) FROM \"tube\" WHERE \"released_at\" IS NOT NULL"), results = bench_count(c->node.l, "SELECT COUNT(*) FROM \"swab\" w JOIN \"tube\" t ON t.\"id\"=w.\"tube\" WHERE t.\"released_at\" IS NOT NULL AND w.\"told_at\" IS NULL");
    int64_t members = bench_count(c->node.l, "SELECT COUNT(*) FROM \"swab\" w JOIN \"tube\" t ON t.\"id\"=w.\"tube\" WHERE t.\"verdict\"='recall'");
    int64_t holds = bench_count(c->node.l, "SELECT COUNT(*) FROM \"obligation\" WHERE \"rule\"='hold-member'"), held = bench_count(c->node.l, "SELECT COUNT(DISTINCT \"holder\") FROM \"obligation\" WHERE \"rule\"='hold-member'");
    printf(" %lld tubes released of %d on plates, %lld members not told; %lld members of recalled tubes, %lld duties to hold them, of %lld persons; %lld swabs at a time that cannot be\n", (long long)told, c->done * PLATE,
           (long long)results, (long long)members, (long long)holds, (long long)held, (long long)late);
    bool plates_bad = told != (int64_t)c->done * PLATE || results || members != holds || held != holds || late;
    ledger_close(c->node.l);
    c->node.l = NULL;
    bool verified = serving_verifies(&c->serving);
    printf(" journal: %s\n", verified ? "verifies" : "DOES NOT VERIFY");
    return plates_bad || sampled_wrong(&f) || c->bad || c->refused || !verified;
}

static bool wants(char **names, int n_names, const char *name) {
    for (int i = 0; i < n_names; i++)
        if (!strcmp(names[i], name)) return true;
    return n_names == 0;
}

static int sample(const char *program, const char *store, bool brief, int kills, char **names, int n_names) {
    static struct evening made;
    struct evening *c = &made;
    int missed = 0;
    *c = (struct evening){.serving = {.program = program, .start = START}, .city = {.persons = kills ? 12000 + kills * 2500 : brief ? 12000 : 1600000, .n_rounds = 1}};
    bench_node_open(&c->node, store, "covid-2022-v9", START);
    double from = wall_s();
    sampled_people(&c->node, &c->city);
    sampled_ground(&c->node, &c->city);
    c->swab_of = mem_alloc((size_t)c->city.persons * sizeof *c->swab_of);
    if (!c->swab_of) exit(1);
    night(c);
    /* what has been running for a day has its log files made: PostgreSQL fills each of them with zeros first, within somebody's commit */
    if (store) must(db_run(c->node.l->db, "CHECKPOINT", NULL, 0, NULL, &err), "checkpoint");
    printf("%s: %lld people recorded in %.0f s\n", store ? "PostgreSQL" : "SQLite", (long long)c->city.persons, wall_s() - from);
    ledger_close(c->node.l);
    c->node.l = NULL;
    c->serving.node = c->node.node;
    snprintf(c->serving.tokens, sizeof c->serving.tokens, "%s/tokens", c->node.dir);
    FILE *f = fopen(c->serving.tokens, "w");
    if (!f) exit(1);
    for (int i = 0; i < ACCOUNTS; i++) fprintf(f, "token-table-%02d table-%02d sampler 310115\n", i, i);
    fprintf(f, "token-bench-lab lab laboratory 310115\ntoken-reviewer reviewer laboratory 310115\ntoken-tracer tracer tracer 310115\n");
    fclose(f);
    serving_start(&c->serving);
    for (int k = 0; k < PHASES; k++) {
        if (!wants(names, n_names, phases[k].name)) continue;
        missed += play(c, &phases[k], brief, kills ? kills : 1);
        settle(c);
    }
    if (wants(names, n_names, "plates")) missed += plates(c, brief, kills);
    if (wants(names, n_names, "query")) missed += queries(c, brief);
    if (wants(names, n_names, "shed")) missed += shed(c, brief);
    int status = serving_stop(&c->serving, SIGTERM);
    if (status) printf("the server ended with %d\n", status), missed++;
    missed += reconcile(c);
    c->node.l = NULL;
    bench_node_drop(&c->node);
    sampled_free(&c->city);
    mem_free(c->tickets);
    for (int i = 0; i < LAB; i++) buf_clear(&c->plates[i].bytes);
    mem_free(c->swab_of);
    for (int i = 0; i < CONNECTIONS; i++) buf_clear(&c->device[i].bytes);
    return missed;
}

int main(int argc, char **argv) {
    const char *stores = getenv("TOCSIN_TEST_STORES"), *only = NULL, *pg = stores ? strstr(stores, "postgres") : NULL;
    char program[4096];
    bool brief = false;
    int at = 1, kills = 0;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--short")) brief = true;
        else if (!strcmp(argv[at], "--kills") && at + 1 < argc) kills = atoi(argv[++at]);
        else if (!strcmp(argv[at], "--store") && at + 1 < argc) only = argv[++at];
        else return 64;
    }
    serving_program(program, sizeof program);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (only) return sample(program, strcmp(only, "sqlite") ? only : NULL, brief, kills, argv + at, argc - at) > 0;
    int missed = sample(program, NULL, brief, kills, argv + at, argc - at);
    if (pg) missed += sample(program, pg, brief, kills, argv + at, argc - at);
    return missed > 0;
}

/* 70,000 devices of the field app (console/src/field/send.ts) come back from dead spots, each with tubes that nobody has heard of yet: its own account and token, address, table, tube and rows. Against
 * `tocsin serve` as it is run, with the limits it has: 16,000 connections. A device opens a connection, sends what waits in batches of at most 50, oldest first, and keeps the connection open as a
 * browser does. Who is turned away (503, 429, a connection that is closed or cannot be had, no answer) keeps its rows and comes again as the app does: after 2^fails seconds, 60 at most, never sooner than
 * Retry-After, drawn between one and two times that. Told: how many are served by when, how often they were turned away and by what; then every acknowledged swab is looked for in the store.
 *
 * A process may open some 20,000 files, so the devices are in several, 16,000 in each.
 *
 * usage: bench_devices [--devices N] [--swabs N] [--within S] [--store URL] [--short]    70,000 devices with 10 swabs each whose line is back within 60 s; --short: 2,000, within 2 s */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "desks/account/inside.h"
#include "load.h"
#include "sampled.h"
#include "serving.h"

enum { BATCH_MOST = 50, TUBE = 10, WAIT_MOST_S = 60, SITE_TABLES = 8, PIECE = 2000, EVENTS = 1024, SLOT_MS = 20, SLOTS = 8192 /* 160 s ahead */, PATIENCE_S = 900, ANSWER_S = 120, APART = 16000 /* devices in one process */ };

struct device {
    int fd, next;           /* next: in its slot of the wheel */
    int first, left, n;     /* its next person; how many still wait; how many are on their way */
    int fails, tries;
    bool asked;
    double arrived, sent_at;
    struct buf out, in;
    size_t sent;
};

struct crowd {
    struct bench_node node;
    struct sampled city;
    struct serving serving;
    int n, swabs;           /* devices; swabs of each */
    int lo, hi, most;       /* those of this process; the most often that one of them asked */
    double within_s;
    struct device *devices;
    int64_t *tables, *swab_of;
    char (*tokens)[ACCOUNT_TOKEN + 1];
    struct rng rng;
    int epoll, wheel[SLOTS];
    double from, now;
    long slot;
    int open, open_most, served;
    long requests, shed, limited, closed, late, bad, created, unchanged, refused;
    double *took;
    char first_bad[300];
};

/* ---- who they are */

static void devices_record(struct crowd *c) {
    int64_t site = 0;
    for (int from = 0; from < c->n; from += PIECE) {
        struct arena a = {0};
        struct draft *drafts[PIECE];
        int n = c->n - from < PIECE ? c->n - from : PIECE;
        for (int i = 0; i < n; i += SITE_TABLES) {
            struct draft *d = drafts[i / SITE_TABLES] = bench_draft(&c->node, &a, "site");
            char street[16];
            sampled_street((from + i) / SITE_TABLES, street);
            d->region = text_of(arena_str(&a, street));
            set(d, "title", value_str(arena_printf(&a, "流动采样点%d", (from + i) / SITE_TABLES)));
        }
        size_t n_sites = (size_t)(n + SITE_TABLES - 1) / SITE_TABLES;
        bench_apply(&c->node, drafts, n_sites);
        int64_t sites[PIECE / SITE_TABLES + 1];
        for (size_t i = 0; i < n_sites; i++) sites[i] = drafts[i]->ret_id;
        for (int i = 0; i < n; i++) {
            site = sites[i / SITE_TABLES];
            drafts[i] = bench_draft(&c->node, &a, "site_table");
            set(drafts[i], "site", value_int(site));
            set(drafts[i], "label", value_str(arena_printf(&a, "%d", i % SITE_TABLES + 1)));
        }
        bench_apply(&c->node, drafts, (size_t)n);
        for (int i = 0; i < n; i++) c->tables[from + i] = drafts[i]->ret_id;
        arena_clear(&a);
    }
}

/* An account and a token each, as desks/account makes them, many in one transaction. */
static void devices_sign(struct crowd *c) {
    uint16_t all[TOKEN_COLUMNS];
    for (uint16_t i = 0; i < TOKEN_COLUMNS; i++) all[i] = i;
    for (int from = 0; from < c->n; from += PIECE) {
        struct arena a = {0};
        struct draft *drafts[PIECE];
        int n = c->n - from < PIECE ? c->n - from : PIECE;
        struct value *rows = arena_alloc(&a, (size_t)n * TOKEN_COLUMNS * sizeof *rows);
        if (!rows) exit(1);
        for (int i = 0; i < n; i++) {
            drafts[i] = bench_draft(&c->node, &a, "account");
            drafts[i]->by_desk = true;
            set(drafts[i], "login", value_str(arena_printf(&a, "device-%05d", from + i)));
            set(drafts[i], "title", value_str(arena_printf(&a, "采样终端%05d", from + i)));
            set(drafts[i], "roles", value_str("sampler"));
        }
        bench_apply(&c->node, drafts, (size_t)n);
        for (int i = 0; i < n; i++) {
            char *token = c->tokens[from + i], *hash = arena_alloc(&a, HASH_TEXT + 1);
            if (!hash) exit(1);
            memcpy(token, "tocsin_", 7);
            mark_new(&c->node.l->secret, token + 7);
            mark_hash(text_of(token), hash);
            struct value row[TOKEN_COLUMNS] = {
                [TOKEN_HASH] = value_str(hash), [TOKEN_ID] = value_int(id_new(&c->node.l->secret)), [TOKEN_ACCOUNT] = value_int(drafts[i]->ret_id), [TOKEN_NAME] = value_str("bench"),
                [TOKEN_ROLES] = value_str("sampler"), [TOKEN_REGION] = value_str(""), [TOKEN_REGISTERS] = value_str(""), [TOKEN_VERBS] = value_int(1 << ACCESS_READ | 1 << ACCESS_WRITE),
                [TOKEN_CREATED_AT] = value_int(c->node.s.now), [TOKEN_EXPIRES_AT] = value_int(c->node.s.now + DAY_S), [TOKEN_USED_AT] = value_null(), [TOKEN_CREATED_BY] = value_str("bench"),
            };
            memcpy(rows + (size_t)i * TOKEN_COLUMNS, row, sizeof row);
        }
        must(ledger_begin(c->node.l, &err), "begin");
        must(db_batch(c->node.l->db, DB_INSERT, credential_token_table(), all, TOKEN_COLUMNS, rows, (size_t)n, NULL, &err), "tokens");
        must(ledger_commit(c->node.l, c->node.s.now, &err), "commit");
        arena_clear(&a);
    }
}

/* ---- a device */

static void come(struct crowd *c, int i, double at) {
    long slot = (long)((at - c->from) * 1000 / SLOT_MS);
    if (slot <= c->slot) slot = c->slot + 1;
    if (slot >= c->slot + SLOTS) slot = c->slot + SLOTS - 1;
    c->devices[i].next = c->wheel[slot % SLOTS];
    c->wheel[slot % SLOTS] = i;
}

static void hang_up(struct crowd *c, struct device *d) {
    if (d->fd < 0) return;
    close(d->fd);
    d->fd = -1;
    c->open--;
}

/* As send.ts: later and later, and never all at once. */
static void again(struct crowd *c, int i, int retry_after_s) {
    struct device *d = &c->devices[i];
    double wait = d->fails < 6 ? 1 << d->fails : WAIT_MOST_S;
    if (wait > WAIT_MOST_S) wait = WAIT_MOST_S;
    if (retry_after_s > wait) wait = retry_after_s;
    d->fails++;
    d->asked = false;
    come(c, i, c->now + wait + wait * rng_unit(&c->rng));
}

static bool dial(struct crowd *c, int i) {
    struct device *d = &c->devices[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->serving.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000u + 1 + (unsigned)i / 200 * 256 + (unsigned)i % 200)};
    int on = 1;
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (d->fd < 0) exit(1);
    c->open++;
    if (c->open > c->open_most) c->open_most = c->open;
    setsockopt(d->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(d->fd, (struct sockaddr *)&own, sizeof own) == 0 && (connect(d->fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) &&
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, d->fd, &(struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = (uint32_t)i}) == 0)
        return true;
    hang_up(c, d);
    return c->closed++, false;
}

static void write_batch(struct crowd *c, int i) {
    struct device *d = &c->devices[i];
    struct buf body = {0};
    d->n = d->left < BATCH_MOST ? d->left : BATCH_MOST;
    buf_printf(&body, "{\"table\":%lld,\"round\":%lld,\"sent_at\":%lld,\"swabs\":[", (long long)c->tables[i], (long long)c->city.rounds[0],
               (long long)(SAMPLED_START + (int64_t)(wall_s() - c->serving.opened)));
    for (int k = 0; k < d->n; k++) {
        int who = d->first + k;
        buf_printf(&body, "%s{\"tube\":\"D%05d-%d\",\"swabbed_at\":%lld,", k ? "," : "", i, (who - i * c->swabs) / TUBE, (long long)SAMPLED_START - 1800 + who % 1700);
        if (who % 10 < 7) buf_printf(&body, "\"person\":%lld}", (long long)c->city.ids[who]);
        else buf_printf(&body, "\"doc_type\":\"passport\",\"doc_no\":\"%s\"}", c->city.cards[who]);
        if (!c->swab_of[who]) c->swab_of[who] = -1;
    }
    buf_str(&body, "]}");
    buf_reset(&d->out);
    load_request(&d->out, "POST", "/api/v1/sampling/swabs", c->tokens[i], "", "application/json", buf_view(&body));
    buf_clear(&body);
    if (d->out.failed) exit(1);
}

static bool push(struct device *d) {
    while (d->sent < d->out.n) {
        ssize_t n = send(d->fd, d->out.s + d->sent, d->out.n - d->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return true;
        if (n <= 0) return false;
        d->sent += (size_t)n;
    }
    return true;
}

static void turned_away(struct crowd *c, int i) {
    struct device *d = &c->devices[i];
    hang_up(c, d);
    if (!d->asked) return; /* it had its answer: the server ends idle connections */
    c->closed++;
    again(c, i, 0);
}

static void send_next(struct crowd *c, int i) {
    struct device *d = &c->devices[i];
    if (d->fd < 0 && !dial(c, i)) {
        again(c, i, 0);
        return;
    }
    write_batch(c, i);
    buf_reset(&d->in);
    d->sent = 0;
    d->asked = true;
    d->sent_at = c->now;
    if (++d->tries > c->most) c->most = d->tries;
    c->requests++;
    if (!push(d)) turned_away(c, i);
}

static bool acknowledge(struct crowd *c, const struct device *d, struct text body) {
    for (int k = 0; k < d->n; k++)
        if (!sampled_told(&body, &c->swab_of[d->first + k])) return false;
    return true;
}

static void answered(struct crowd *c, int i, int status, int retry_after_s, struct text body) {
    struct device *d = &c->devices[i];
    d->asked = false;
    if (status == 503 || status == 429) {
        if (status == 503) c->shed++;
        else c->limited++;
        again(c, i, retry_after_s);
        return;
    }
    if ((status != 200 && status != 201) || !acknowledge(c, d, body)) {
        if (c->bad++ == 0) snprintf(c->first_bad, sizeof c->first_bad, "%d %.*s", status, (int)(body.n < 270 ? body.n : 270), body.s);
        d->left = 0; /* the app would show it: it is not sent again */
    } else {
        c->created += sampled_member(body, "\"created\":");
        c->unchanged += sampled_member(body, "\"unchanged\":");
        c->refused += sampled_member(body, "\"refused\":");
        d->first += d->n;
        d->left -= d->n;
        d->fails = 0;
    }
    if (d->left) {
        send_next(c, i);
        return;
    }
    c->took[c->lo + c->served++] = c->now - d->arrived;
    buf_clear(&d->out);
    buf_clear(&d->in);
}

static void pull(struct crowd *c, int i) {
    struct device *d = &c->devices[i];
    static char piece[1 << 16];
    while (d->fd >= 0) {
        ssize_t n = recv(d->fd, piece, sizeof piece, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            turned_away(c, i);
            return;
        }
        if (!d->asked) continue;
        buf_text(&d->in, (struct text){piece, (size_t)n});
        const char *in = buf_cstr(&d->in), *end = strstr(in, "\r\n\r\n");
        if (!end) continue;
        const char *length = strcasestr(in, "\r\nContent-Length:"), *retry = strcasestr(in, "\r\nRetry-After:");
        size_t head = (size_t)(end - in) + 4, need = head + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
        if (d->in.n < need) continue;
        const char *closing = strcasestr(in, "\r\nConnection: close");
        if (closing && closing < end) hang_up(c, d);
        answered(c, i, atoi(in + 9), retry && retry < end ? atoi(retry + 14) : 0, (struct text){in + head, need - head});
    }
}

/* ---- all of them */

static void look_at_late(struct crowd *c) {
    for (int i = c->lo; i < c->hi; i++) {
        struct device *d = &c->devices[i];
        if (!d->asked || c->now - d->sent_at < ANSWER_S) continue;
        hang_up(c, d);
        c->late++;
        again(c, i, 0);
    }
}

static void all_come(struct crowd *c) {
    struct epoll_event events[EVENTS];
    double looked;
    c->from = c->now = looked = wall_s();
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0) exit(1);
    for (int i = 0; i < SLOTS; i++) c->wheel[i] = -1;
    for (int i = c->lo; i < c->hi; i++) {
        struct device *d = &c->devices[i];
        *d = (struct device){.fd = -1, .first = i * c->swabs, .left = c->swabs, .arrived = c->from + c->within_s * rng_unit(&c->rng)};
        come(c, i, d->arrived);
    }
    while (c->served < c->hi - c->lo && c->now - c->from < PATIENCE_S) {
        int n = epoll_wait(c->epoll, events, EVENTS, SLOT_MS / 2);
        c->now = wall_s();
        for (int k = 0; k < n; k++) {
            int i = (int)events[k].data.u32;
            struct device *d = &c->devices[i];
            if (d->fd >= 0 && (events[k].events & EPOLLOUT) && d->asked && !push(d)) turned_away(c, i);
            if (d->fd >= 0 && (events[k].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))) pull(c, i);
        }
        for (long until = (long)((c->now - c->from) * 1000 / SLOT_MS); c->slot < until;) {
            int i = c->wheel[++c->slot % SLOTS];
            c->wheel[c->slot % SLOTS] = -1;
            for (int next; i >= 0; i = next) {
                next = c->devices[i].next;
                send_next(c, i);
            }
        }
        if (c->now - looked > 1) look_at_late(c), looked = c->now;
    }
}

static void *shared(size_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) exit(1);
    return p;
}

/* What they had by now, of all processes. */
static void sum(struct crowd *c, const struct crowd *of, int n) {
    c->open = c->served = 0;
    c->requests = c->shed = c->limited = c->closed = c->late = c->bad = c->created = c->unchanged = c->refused = 0;
    for (int p = 0; p < n; p++) {
        const struct crowd *x = &of[p];
        for (int i = 0; i < x->served; i++) c->took[c->served + i] = c->took[x->lo + i];
        c->open += x->open, c->served += x->served, c->requests += x->requests, c->shed += x->shed, c->limited += x->limited, c->closed += x->closed, c->late += x->late;
        c->bad += x->bad, c->created += x->created, c->unchanged += x->unchanged, c->refused += x->refused;
        if (x->most > c->most) c->most = x->most;
        if (x->first_bad[0]) memcpy(c->first_bad, x->first_bad, sizeof c->first_bad);
    }
    if (c->open > c->open_most) c->open_most = c->open;
}

static void all_come_apart(struct crowd *c) {
    int n = (c->n + APART - 1) / APART, left = n;
    struct crowd *of = shared((size_t)n * sizeof *of);
    double from = wall_s(), told = from;
    for (int p = 0; p < n; p++) {
        of[p] = *c;
        of[p].lo = (int)((long)c->n * p / n);
        of[p].hi = (int)((long)c->n * (p + 1) / n);
        rng_seed(&of[p].rng, (uint64_t)p + 70);
        if (fork() == 0) {
            all_come(&of[p]);
            of[p].open = 0;
            _exit(0);
        }
    }
    while (left) {
        int status = 0;
        pid_t gone = waitpid(-1, &status, WNOHANG);
        left -= gone > 0;
        if (gone == c->serving.pid || status) printf("the server or a process of devices ended with %d\n", status);
        if (gone <= 0) usleep(100000);
        int open = 0, served = 0;
        long away = 0;
        for (int p = 0; p < n; p++) open += of[p].open, served += of[p].served, away += of[p].shed + of[p].limited + of[p].closed + of[p].late;
        if (open > c->open_most) c->open_most = open;
        if (wall_s() - told < 10) continue;
        printf("   %4.0f s: %6d served, %6d connections open, turned away %ld\n", wall_s() - from, served, open, away);
        told = wall_s();
    }
    c->from = from;
    c->now = wall_s();
    sum(c, of, n);
    munmap(of, (size_t)n * sizeof *of);
}

/* ---- none lost, none double */

static int reconcile(struct crowd *c) {
    struct sampled_found f;
    must(ledger_open(&c->node.o.ledger, &c->node.l, &err), "open");
    sampled_reconcile(&c->node, &c->city, c->swab_of, &f);
    int64_t full = bench_count(c->node.l, "SELECT COUNT(*) FROM \"tube\" WHERE \"state\"='closed'");
    ledger_close(c->node.l);
    c->node.l = NULL;
    bool verified = serving_verifies(&c->serving);
    printf(" %lld acknowledged, %lld in the store, %lld tubes full: %lld lost, %lld double, %lld under another number, %lld of nobody, %lld tubes too full; %ld answers of another kind, %ld refused; the journal %s\n",
           (long long)f.acknowledged, (long long)f.stored, (long long)full, (long long)f.lost, (long long)f.twice, (long long)f.other, (long long)f.unknown, (long long)f.tubes_too_full, c->bad, c->refused,
           verified ? "verifies" : "DOES NOT VERIFY");
    if (c->bad) printf("   %s\n", c->first_bad);
    return sampled_wrong(&f) || f.acknowledged != c->city.persons || c->bad || c->refused || !verified;
}

static int devices(const char *program, const char *store, int n, int swabs, double within_s) {
    static struct crowd made;
    struct crowd *c = &made;
    double from = wall_s(), cpu;
    *c = (struct crowd){.n = n, .swabs = swabs, .within_s = within_s, .city = {.persons = (int64_t)n * swabs, .n_rounds = 1},
                        .serving = {.program = program, .start = SAMPLED_START}};
    bench_node_open(&c->node, store, "covid-2022-v9", SAMPLED_START);
    c->devices = mem_alloc((size_t)n * sizeof *c->devices);
    c->tables = mem_alloc((size_t)n * sizeof *c->tables);
    c->tokens = mem_alloc((size_t)n * sizeof *c->tokens);
    c->took = shared((size_t)n * sizeof *c->took);
    c->swab_of = shared((size_t)c->city.persons * sizeof *c->swab_of);
    if (!c->devices || !c->tables || !c->tokens) exit(1);
    sampled_people(&c->node, &c->city);
    sampled_ground(&c->node, &c->city);
    devices_record(c);
    devices_sign(c);
    ledger_close(c->node.l);
    c->node.l = NULL;
    c->serving.node = c->node.node;
    snprintf(c->serving.tokens, sizeof c->serving.tokens, "%s/tokens", c->node.dir);
    FILE *f = fopen(c->serving.tokens, "w");
    if (!f) exit(1);
    fclose(f);
    serving_start(&c->serving);
    printf("%s: %d devices with accounts, tables and %d swabs each, made in %.0f s; their line is back within %.0f s\n", store ? "PostgreSQL" : "SQLite", n, swabs, wall_s() - from, within_s);
    cpu = serving_cpu_s(&c->serving);
    all_come_apart(c);
    double took = c->now - c->from, busy = serving_cpu_s(&c->serving) - cpu, memory = serving_mb(&c->serving, "VmHWM:");
    printf(" %d of %d devices have sent everything, the last %.1f s after the first line was back (%.0f swabs/s); half of them %.1f s after their own was, 99%% %.1f s, the last %.1f s\n", c->served, n, took,
           (double)(c->created + c->unchanged) / took, bench_at_share(c->took, (size_t)(c->served ? c->served : 1), 0.5), bench_at_share(c->took, (size_t)(c->served ? c->served : 1), 0.99),
           bench_at_share(c->took, (size_t)(c->served ? c->served : 1), 1));
    printf(" %ld requests; turned away: %ld by 503, %ld by 429, %ld connections closed or refused, %ld without an answer in %d s; one came %d times; %d connections open at most; "
           "%ld new, %ld were there already; %.0f us of processor a request, %.0f MB at most\n",
           c->requests, c->shed, c->limited, c->closed, c->late, ANSWER_S, c->most, c->open_most, c->created, c->unchanged, c->requests ? busy * 1e6 / (double)c->requests : 0, memory);
    int missed = c->served != n;
    int status = serving_stop(&c->serving, SIGTERM);
    if (status) printf("the server ended with %d\n", status), missed++;
    missed += reconcile(c);
    bench_node_drop(&c->node);
    sampled_free(&c->city);
    mem_free(c->devices);
    mem_free(c->tables);
    mem_free(c->tokens);
    munmap(c->took, (size_t)n * sizeof *c->took);
    munmap(c->swab_of, (size_t)c->city.persons * sizeof *c->swab_of);
    return missed;
}

int main(int argc, char **argv) {
    const char *store = NULL;
    char program[4096];
    int n = 70000, swabs = 10;
    double within_s = 60;
    struct rlimit files;
    for (int at = 1; at < argc; at++) {
        bool more = at + 1 < argc;
        if (!strcmp(argv[at], "--short")) n = 2000, within_s = 2;
        else if (more && !strcmp(argv[at], "--devices")) n = atoi(argv[++at]);
        else if (more && !strcmp(argv[at], "--swabs")) swabs = atoi(argv[++at]);
        else if (more && !strcmp(argv[at], "--within")) within_s = atof(argv[++at]);
        else if (more && !strcmp(argv[at], "--store")) store = strcmp(argv[++at], "sqlite") ? argv[at] : NULL;
        else return 64;
    }
    if (n < 1 || n > 99999 || swabs < 1 || swabs > 1000) return 64;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    serving_program(program, sizeof program);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    return devices(program, store, n, swabs, within_s) > 0;
}

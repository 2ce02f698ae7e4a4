/* Ten thousand who listen: what each costs the server in memory, and how long a fact takes to reach them all. The server is a process of its own; the
 * listeners are sockets of this one. Targets: 1 s to the last of them; memory is stated. bench_events [LISTENERS] */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "served.h"
#include "ledger/feed.h"

enum { ROUNDS = 9, ACCOUNTS = 20 };

struct listener {
    int fd;
    bool got;
};

static long rss_kb(pid_t pid) {
    char path[64], line[256];
    long kb = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1) break;
    if (f) fclose(f);
    return kb;
}

/* ---- the server's process */

static void serve(struct bench_node *n, int tell, int end) {
    char tokens[128], byte;
    struct http_server *s = NULL;
    snprintf(tokens, sizeof tokens, "%s/tokens", n->dir);
    FILE *f = fopen(tokens, "w");
    if (!f) exit(1);
    fprintf(f, "token-root root root -\n");
    for (int i = 0; i < ACCOUNTS; i++) fprintf(f, "token-listener-%d listener%d tracer %s\n", i, i, i % 2 ? "310115" : "3101");
    fclose(f);
    int port = bench_serve(n, (struct http_options){.dev_tokens = tokens, .quiet = true, .address_max = 30000, .connections_max = 18000}, &s);
    if (write(tell, &port, sizeof port) != sizeof port) exit(1);
    while (read(end, &byte, 1) > 0) {}
    http_server_stop(s);
    exit(0);
}

/* ---- the clients */

static int connect_to(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fprintf(stderr, "cannot connect: %s\n", strerror(errno));
        exit(1);
    }
    return fd;
}

static void say(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text)) exit(1);
}

/* Reads until the stream has begun. */
static void listener_open(struct listener *x, int port, int i) {
    char request[256], got[4096];
    size_t n = 0;
    x->fd = connect_to(port);
    snprintf(request, sizeof request, "GET /api/v1/events?register=person HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-listener-%d\r\nAccept: text/event-stream\r\n\r\n", i % ACCOUNTS);
    say(x->fd, request);
    for (;;) {
        ssize_t some = recv(x->fd, got + n, sizeof got - 1 - n, 0);
        if (some <= 0) {
            fprintf(stderr, "listener %d was refused: %.200s\n", i, got);
            exit(1);
        }
        n += (size_t)some;
        got[n] = 0;
        if (strstr(got, "\r\n\r\n") && strstr(got, "\nid: ")) break;
    }
    fcntl(x->fd, F_SETFL, O_NONBLOCK);
}

static void post(int fd, int serial) {
    char body[128], request[512], got[4096];
    snprintf(body, sizeof body, "{\"fields\":{\"name\":\"Person %d\",\"address_region\":\"310115001\"}}", serial);
    snprintf(request, sizeof request, "POST /api/v1/registers/person/records HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-root\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    say(fd, request);
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    if (n <= 0 || strncmp(got, "HTTP/1.1 201", 12) != 0) {
        fprintf(stderr, "post: %.*s\n", (int)(n > 0 ? n : 0), got);
        exit(1);
    }
}

/* One fact; when each of them had it. */
static double round_of(struct listener *all, size_t n, int epoll, int fd, int serial, double *times) {
    struct epoll_event events[512];
    size_t told = 0;
    double from = wall_s();
    for (size_t i = 0; i < n; i++) all[i].got = false;
    post(fd, serial);
    double answered = wall_s() - from;
    while (told < n) {
        int k = epoll_wait(epoll, events, 512, 10000);
        if (k <= 0) {
            fprintf(stderr, "%zu of %zu were told after 10 s\n", told, n);
            exit(1);
        }
        for (int i = 0; i < k; i++) {
            struct listener *x = events[i].data.ptr;
            char got[4096];
            ssize_t some = recv(x->fd, got, sizeof got - 1, 0);
            if (some <= 0) exit(1);
            got[some] = 0;
            if (!x->got && strstr(got, "data: ")) {
                x->got = true;
                times[told++] = wall_s() - from;
            }
        }
    }
    qsort(times, n, sizeof *times, bench_by_value);
    return answered;
}

static int bench(const char *store, const char *name, size_t n) {
    struct bench_node node;
    int tell[2], end[2], port = 0, epoll = epoll_create1(0);
    struct listener *all = calloc(n, sizeof *all);
    double *times = calloc(n, sizeof *times), worst = 0, middle[ROUNDS], last[ROUNDS];
    bench_node_open(&node, store, NULL, 1653876000);
    ledger_close(node.l);
    node.l = NULL;
    if (!all || !times || pipe(tell) != 0 || pipe(end) != 0) exit(1);
    pid_t server = fork();
    if (!server) {
        close(end[1]);
        serve(&node, tell[1], end[0]);
    }
    close(end[0]);
    if (read(tell[0], &port, sizeof port) != sizeof port) exit(1);
    int fd = connect_to(port);
    for (int i = 0; i < 20; i++) post(fd, i);
    long before = rss_kb(server);
    double from = wall_s();
    for (size_t i = 0; i < n; i++) {
        listener_open(&all[i], port, (int)i);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e);
    }
    double opened = wall_s() - from;
    long after = rss_kb(server);
    for (int i = 0; i < ROUNDS; i++) {
        double answered = round_of(all, n, epoll, fd, 100 + i, times);
        middle[i] = times[n / 2];
        last[i] = times[n - 1];
        if (last[i] > worst) worst = last[i];
        if (!i) printf("%-10s first fact: answered after %.3f s, half had it after %.3f s, all after %.3f s\n", name, answered, middle[0], last[0]);
    }
    long busy = rss_kb(server);
    qsort(middle, ROUNDS, sizeof *middle, bench_by_value);
    qsort(last, ROUNDS, sizeof *last, bench_by_value);
    printf("%-10s %zu listeners in %.1f s; memory of the server %ld KB, with them %ld KB, after %d facts %ld KB: %.1f KB each, of it the feed's own %zu bytes\n", name, n, opened, before,
           after, ROUNDS, busy, (double)(busy - before) / (double)n, sizeof(struct feed_listener));
    printf("%-10s a fact: half have it after %.3f s, all after %.3f s (medians of %d)\n", name, middle[ROUNDS / 2], last[ROUNDS / 2], ROUNDS);
    for (size_t i = 0; i < n; i++) close(all[i].fd);
    close(fd);
    close(end[1]);
    waitpid(server, NULL, 0);
    close(tell[0]);
    close(tell[1]);
    close(epoll);
    free(all);
    free(times);
    bench_node_drop(&node);
    return bench_verdict("a fact reaches all, worst", worst, "s", 1, false);
}

int main(int argc, char **argv) {
    size_t n = argc > 1 ? (size_t)atol(argv[1]) : 10000;
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < n + 100) n = (size_t)files.rlim_cur - 100;
    signal(SIGPIPE, SIG_IGN);
    return bench(NULL, "sqlite", n);
}

#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/instant.h"

enum { EVENTS = 512, HEAD_MAX = 8192 };

struct client {
    int fd;                /* -1: not connected */
    int next_idle;
    bool busy;
    size_t got, sent, need; /* need: bytes of the whole answer; 0 not known yet */
    int status, retry_after;
    struct text out;
    double due, asked, open_again;
    char in[HEAD_MAX];     /* the beginning of the answer; what is longer is counted and dropped */
};

struct run {
    const struct load *w;
    struct load_result r;
    struct client *clients;
    float *samples;
    size_t n_samples;
    int epoll, idle, out;
    double now;
};

static double now_s(void) {
    return (double)monotonic_ns() / 1e9;
}

void load_request(struct buf *b, const char *method, const char *path, const char *token, const char *more, const char *type, struct text body) {
    buf_printf(b, "%s %s HTTP/1.1\r\nHost: a\r\n%s", method, path, more);
    if (token[0]) buf_printf(b, "Authorization: Bearer %s\r\n", token);
    if (type) buf_printf(b, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.n);
    buf_str(b, "\r\n");
    buf_text(b, body);
}

static void idle(struct run *u, int i) {
    u->clients[i].next_idle = u->idle;
    u->idle = i;
}

static void drop(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

static bool dial(struct run *u, int i) {
    struct client *c = &u->clients[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)u->w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000u + 1 + (unsigned)i / 200 * 256 + (unsigned)i % 200)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) return false;
    if (u->w->own_addresses) {
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0) return drop(c), false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) return drop(c), false;
    if (epoll_ctl(u->epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u32 = (uint32_t)i}) != 0) return drop(c), false;
    return true;
}

static void ended(struct run *u, int i, int status) {
    struct client *c = &u->clients[i];
    struct load_answer a = {.status = status, .took_s = u->now - c->due, .retry_after_s = c->retry_after};
    size_t held = c->got < sizeof c->in - 1 ? c->got : sizeof c->in - 1;
    c->in[held] = 0;
    const char *body = status ? strstr(c->in, "\r\n\r\n") : NULL;
    if (body) a.body = (struct text){body + 4, held - (size_t)(body + 4 - c->in)};
    if (!status) u->r.unanswered++;
    else u->r.answers++;
    if (status >= 200 && status < 300) {
        u->r.by[2]++;
        if (u->n_samples < LOAD_SAMPLES_MAX) u->samples[u->n_samples++] = (float)a.took_s;
    } else if (status) {
        u->r.by[status == 503 ? 0 : status == 429 ? 1 : status / 100 % 6]++;
        if (status != 503 && status != 429 && !u->r.first_bad[0]) snprintf(u->r.first_bad, sizeof u->r.first_bad, "%.390s", c->in);
    }
    c->busy = false;
    u->out--;
    if (u->w->answered) u->w->answered(u->w->arg, i, &a);
    idle(u, i);
}

static void lost(struct run *u, int i) {
    drop(&u->clients[i]);
    u->clients[i].open_again = u->now + 0.05;
    if (u->clients[i].busy) ended(u, i, 0);
}

static bool push(struct client *c) {
    while (c->sent < c->out.n) {
        ssize_t n = send(c->fd, c->out.s + c->sent, c->out.n - c->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return true;
        if (n <= 0) return false;
        c->sent += (size_t)n;
    }
    return true;
}

/* Asks on connection i; false when it has nothing to ask or cannot be opened now. */
static bool ask(struct run *u, int i, double due) {
    struct client *c = &u->clients[i];
    if (c->fd < 0 && (u->now < c->open_again || !dial(u, i))) return false;
    struct text t = u->w->ask(u->w->arg, i, u->now);
    if (!t.n) return false;
    c->out = t;
    c->got = c->sent = c->need = 0;
    c->status = 0;
    c->retry_after = -1;
    c->due = due;
    c->asked = u->now;
    c->busy = true;
    u->out++;
    if (!push(c)) lost(u, i);
    return true;
}

/* Looks at what has come of the head; true when the answer is whole. */
static bool whole(struct client *c) {
    size_t held = c->got < sizeof c->in - 1 ? c->got : sizeof c->in - 1;
    if (!c->need) {
        c->in[held] = 0;
        const char *end = strstr(c->in, "\r\n\r\n");
        if (!end) return false;
        const char *length = strcasestr(c->in, "\r\nContent-Length:"), *again = strcasestr(c->in, "\r\nRetry-After:");
        c->status = atoi(c->in + 9);
        c->need = (size_t)(end - c->in) + 4 + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
        if (again && again < end) c->retry_after = atoi(again + 14);
    }
    return c->got >= c->need;
}

static void pull(struct run *u, int i) {
    struct client *c = &u->clients[i];
    static char spill[LOAD_ANSWER_MAX];
    while (c->fd >= 0) {
        size_t room = c->got < sizeof c->in - 1 ? sizeof c->in - 1 - c->got : 0;
        ssize_t n = room ? recv(c->fd, c->in + c->got, room, 0) : recv(c->fd, spill, sizeof spill, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            lost(u, i);
            return;
        }
        c->got += (size_t)n;
        if (c->busy && whole(c)) {
            bool closing = strcasestr(c->in, "\r\nConnection: close") != NULL;
            ended(u, i, c->status);
            if (closing) drop(c);
            return;
        }
    }
}

static void late(struct run *u) {
    double most = u->w->timeout_s > 0 ? u->w->timeout_s : 30;
    for (int i = 0; i < u->w->connections; i++)
        if (u->clients[i].busy && u->now - u->clients[i].asked > most) lost(u, i);
}

/* Whoever is idle asks, as long as requests are due. Returns how many were asked. */
static long give_out(struct run *u, double from, long asked) {
    long before = asked;
    int list = u->idle;
    u->idle = -1;
    while (list >= 0) {
        int i = list;
        list = u->clients[i].next_idle;
        double due = u->w->rate > 0 ? from + (double)asked / u->w->rate : u->now;
        if ((u->w->rate > 0 && due > u->now) || !ask(u, i, due)) idle(u, i);
        else asked++;
    }
    return asked - before;
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void times(struct run *u) {
    size_t n = u->n_samples;
    if (!n) return;
    qsort(u->samples, n, sizeof *u->samples, by_value);
    u->r.p50_ms = u->samples[n / 2] * 1e3;
    u->r.p99_ms = u->samples[n * 99 / 100] * 1e3;
    u->r.p999_ms = u->samples[n * 999 / 1000] * 1e3;
    u->r.max_ms = u->samples[n - 1] * 1e3;
}

static void loop(struct run *u) {
    const struct load *w = u->w;
    struct epoll_event events[EVENTS];
    double from = u->now = now_s(), looked = from, last = from;
    long asked = 0;
    for (;;) {
        bool over = u->now - from >= w->seconds || (w->stop && w->stop(w->arg));
        if (!over) asked += give_out(u, from, asked);
        if (over && !u->out) break;
        int n = epoll_wait(u->epoll, events, EVENTS, u->idle >= 0 && !over ? 1 : 100);
        u->now = now_s();
        for (int k = 0; k < n; k++) {
            int i = (int)events[k].data.u32;
            struct client *c = &u->clients[i];
            if (c->fd < 0) continue;
            if ((events[k].events & EPOLLOUT) && c->busy && !push(c)) lost(u, i);
            if (events[k].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) pull(u, i);
            last = u->now;
            if (w->rate > 0 || u->now - from >= w->seconds || (w->stop && w->stop(w->arg))) continue;
            /* nobody else need be looked at: who was answered asks again at once */
            if (u->idle == i) {
                u->idle = c->next_idle;
                if (ask(u, i, u->now)) asked++;
                else idle(u, i);
            }
        }
        if (u->now - looked > 0.1) late(u), looked = u->now;
    }
    u->r.seconds = last - from > 0 ? last - from : 1e-9;
}

int load_run(const struct load *w, struct load_result *ret) {
    struct run u = {.w = w, .idle = -1, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (w->connections < 1 || w->connections > LOAD_CONNECTIONS_MAX || u.epoll < 0) return -1;
    u.clients = mem_alloc((size_t)w->connections * sizeof *u.clients);
    u.samples = mem_alloc(LOAD_SAMPLES_MAX * sizeof *u.samples);
    if (u.clients && u.samples) {
        for (int i = w->connections; i-- > 0;) {
            u.clients[i].fd = -1;
            idle(&u, i);
        }
        loop(&u);
        times(&u);
        for (int i = 0; i < w->connections; i++) drop(&u.clients[i]);
        *ret = u.r;
    }
    bool good = u.clients && u.samples;
    mem_free(u.clients);
    mem_free(u.samples);
    close(u.epoll);
    return good ? 0 : -1;
}

int load_apart(const struct load *w, struct load_result *ret) {
    struct load_result *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;
    if (shared == MAP_FAILED) return -1;
    pid_t child = fork();
    if (child == 0) _exit(load_run(w, shared) < 0);
    if (child > 0) waitpid(child, &status, 0);
    *ret = *shared;
    munmap(shared, sizeof *shared);
    return status == 0 ? 0 : -1;
}

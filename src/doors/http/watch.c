/* Connections watched from outside their threads: who trickles bytes is cut off. libmicrohttpd's own time-out counts from the last byte, so one byte
 * in a while would hold a connection for ever; here a request's head must be whole in time, its body must keep a least pace, and so must the taking of an
 * answer. A stream (events, an export) may take as long as it likes. */
#include "doors/http/inside.h"

#include <pthread.h>
#include <sys/socket.h>

enum { PACE_BYTES_S = 1024 };

struct watched {
    struct watched *next, *before;
    int fd;
    _Atomic int phase;            /* enum watch_phase */
    _Atomic int64_t since_ns;     /* of the phase */
    _Atomic int64_t bytes;        /* taken in, or to be given out, in the phase */
    bool cut;
};

struct watch {
    pthread_mutex_t lock;
    struct watched *first;
    int64_t head_ns;
    int crowd;               /* open ones from which each ends with its answer */
    _Atomic int open;
    _Atomic int64_t cut;
};

int watch_open(unsigned head_s, unsigned most, struct watch **ret, struct error *err) {
    struct watch *w = mem_alloc(sizeof *w);
    if (!w) return error_memory(err);
    pthread_mutex_init(&w->lock, NULL);
    w->head_ns = (int64_t)head_s * 1000000000;
    w->crowd = (int)(most - most / 4);
    *ret = w;
    return 0;
}

void watch_close(struct watch *w) {
    if (!w) return;
    while (w->first) {
        struct watched *c = w->first;
        w->first = c->next;
        mem_free(c);
    }
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

void watch_connection(void *cls, struct MHD_Connection *connection, void **socket_context, enum MHD_ConnectionNotificationCode what) {
    struct watch *w = cls;
    struct watched *c = *socket_context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = c = mem_alloc(sizeof *c);
        if (!c || !info) return; /* not watched; the time-out of the last byte still counts */
        c->fd = info->connect_fd;
        c->since_ns = monotonic_ns();
        pthread_mutex_lock(&w->lock);
        c->next = w->first;
        if (c->next) c->next->before = c;
        w->first = c;
        pthread_mutex_unlock(&w->lock);
        w->open++;
    } else if (c) {
        pthread_mutex_lock(&w->lock);
        if (c->next) c->next->before = c->before;
        if (c->before) c->before->next = c->next;
        else w->first = c->next;
        pthread_mutex_unlock(&w->lock);
        w->open--;
        mem_free(c);
        *socket_context = NULL;
    }
}

void watch_phase(struct MHD_Connection *connection, enum watch_phase phase, int64_t bytes) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct watched *c = info ? info->socket_context : NULL;
    if (!c) return;
    if (c->phase != (int)phase || phase == WATCH_HEAD) {
        c->bytes = 0;
        c->since_ns = monotonic_ns();
        c->phase = (int)phase;
    }
    c->bytes += bytes;
}

void watch_pass(struct watch *w) {
    int64_t now = monotonic_ns();
    pthread_mutex_lock(&w->lock);
    for (struct watched *c = w->first; c; c = c->next) {
        int phase = c->phase;
        int64_t allowed = w->head_ns;
        if (c->cut || phase == WATCH_FREE) continue;
        if (phase != WATCH_HEAD) allowed += c->bytes * (1000000000 / PACE_BYTES_S);
        if (now - c->since_ns <= allowed) continue;
        c->cut = true;
        w->cut++;
        shutdown(c->fd, SHUT_RDWR); /* its own thread sees the end and cleans up; the descriptor is open as long as it is listed */
    }
    pthread_mutex_unlock(&w->lock);
}

bool watch_crowded(struct watch *w) {
    return w->open > w->crowd;
}

void watch_counts(struct watch *w, int *ret_open, int64_t *ret_cut) {
    *ret_open = w->open;
    *ret_cut = w->cut;
}

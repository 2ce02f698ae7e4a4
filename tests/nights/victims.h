/* Starting victims (nights/victim.c) and listening to what they were promised. */
#ifndef TOCSIN_TESTS_NIGHT_VICTIMS_H
#define TOCSIN_TESTS_NIGHT_VICTIMS_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"
#include "ledgers.h"

struct victim {
    pid_t pid;
    int fd;
    struct buf said; /* whole lines when it is over; a last half line was never promised */
    int status;
};

static inline int64_t victim_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline long victim_setting(const char *name, long other) {
    const char *s = getenv(name);
    return s && *s ? atol(s) : other;
}

/* args: up to 8 after the program's name, NULL-ended. preload and more (NAME=VALUE or NULL) go to the environment. */
static inline struct victim victim_start(const char *const *args, const char *preload, const char *more) {
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    if (!slash) fail_msg("where am I?");
    strcpy(slash + 1, "night_victim");
    int ends[2];
    struct victim v = {0};
    if (pipe2(ends, O_CLOEXEC) != 0) fail_msg("no pipe");
    v.pid = fork();
    if (v.pid < 0) fail_msg("no process");
    if (v.pid == 0) {
        const char *argv[12] = {path};
        for (size_t i = 0; args[i] && i < 10; i++) argv[i + 1] = args[i];
        dup2(ends[1], 1);
        if (preload) setenv("LD_PRELOAD", preload, 1);
        if (more) putenv((char *)more);
        signal(SIGPIPE, SIG_IGN);
        execv(path, (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    v.fd = ends[0];
    return v;
}

/* Listens until `until_ms` (0: for ever) or the end; true when it ended by itself. */
static inline bool victim_listen(struct victim *v, int64_t until_ms) {
    for (;;) {
        int64_t left = until_ms ? until_ms - victim_ms() : 60000;
        if (left < 0) return false;
        struct pollfd p = {.fd = v->fd, .events = POLLIN};
        int rc = poll(&p, 1, (int)left);
        if (rc < 0) continue;
        if (rc == 0) {
            if (!until_ms) fail_msg("the victim says nothing for a minute");
            return false;
        }
        char bytes[8192];
        ssize_t n = read(v->fd, bytes, sizeof bytes);
        if (n <= 0) return true;
        buf_add(&v->said, bytes, (size_t)n);
    }
}

/* Listens until so many lines were said, then a random moment longer, in the middle of whatever it does then: on a busy machine as on an idle one. */
static inline void victim_listen_lines(struct victim *v, size_t lines, struct rng *rng) {
    for (size_t said = 0; said < lines;) {
        if (victim_listen(v, victim_ms() + 20)) return;
        said = 0;
        for (size_t i = 0; i < v->said.n; i++) said += v->said.s[i] == '\n';
    }
    struct timespec moment = {.tv_nsec = (long)rng_below(rng, 12000000)};
    nanosleep(&moment, NULL);
}

/* Kills it when `kill_it`, reads the rest, waits. */
static inline void victim_end(struct victim *v, bool kill_it) {
    if (kill_it) kill(v->pid, SIGKILL);
    victim_listen(v, 0);
    close(v->fd);
    waitpid(v->pid, &v->status, 0);
    while (v->said.n && v->said.s[v->said.n - 1] != '\n') v->said.n--;
}

static inline const char *victim_words(struct victim *v) {
    return buf_cstr(&v->said);
}

static inline void victim_clear(struct victim *v) {
    buf_clear(&v->said);
}

/* ---- promises: the latest of each record */

struct promise {
    char reg[24];
    int32_t version;
    int64_t digest;
};

struct promises {
    struct arena a;
    struct idmap by_id;
    size_t n;
};

static inline void promises_add(struct promises *p, struct victim *v) {
    for (const char *s = victim_words(v); *s; s += strcspn(s, "\n") + 1) {
        char reg[24];
        long long id, digest;
        int version;
        if (sscanf(s, "A %23s %lld %d %lld", reg, &id, &version, &digest) != 4) continue;
        struct idmap_slot *slot = idmap_put(&p->by_id, &p->a, id, NULL);
        if (!slot->value.p) slot->value.p = arena_alloc(&p->a, sizeof(struct promise));
        struct promise *x = slot->value.p;
        snprintf(x->reg, sizeof x->reg, "%s", reg);
        x->version = version;
        x->digest = digest;
        p->n++;
    }
}

/* Every promise of these nights against the store: there, and saying the same unless it was changed since. */
static inline int promises_kept(const struct promises *p, struct ledger *l, char *why) {
    why[0] = '\0';
    for (size_t i = 0; i < p->by_id.cap; i++) {
        const struct idmap_slot *slot = &p->by_id.slots[i];
        if (!slot->used) continue;
        const struct promise *x = slot->value.p;
        struct error err = {0};
        int32_t version = 0;
        int64_t digest = night_digest(l, text_of(x->reg), slot->key, &version, &err);
        if (digest == -2) return night_bad(why, "%s %lld: %s", x->reg, (long long)slot->key, err.message);
        if (digest == -1 && x->digest != -1 && strcmp(x->reg, "test") == 0) continue; /* steps remove tests; the journal is checked elsewhere */
        if (version == x->version || digest == -1 || x->digest == -1) {
            if (digest != x->digest) return night_bad(why, "%s %lld, version %d, is not what was promised", x->reg, (long long)slot->key, (int)x->version);
        } else if (version < x->version) {
            return night_bad(why, "%s %lld is back at version %d of %d", x->reg, (long long)slot->key, (int)version, (int)x->version);
        }
    }
    return 0;
}

/* ---- answered requests: the same request always has the same record */

struct answers {
    struct arena a;
    struct idmap by_request;
    size_t n;
};

static inline int answers_add(struct answers *x, struct victim *v, char *why) {
    for (const char *s = victim_words(v); *s; s += strcspn(s, "\n") + 1) {
        long long request, id;
        bool fresh = false;
        if (sscanf(s, "R %lld %lld", &request, &id) != 2) continue;
        struct idmap_slot *slot = idmap_put(&x->by_request, &x->a, request, &fresh);
        if (!fresh && slot->value.i != id) return night_bad(why, "request %lld is record %lld and record %lld", request, (long long)slot->value.i, id);
        slot->value.i = id;
        x->n += fresh;
    }
    return 0;
}

/* Each answered request's record is there, and no record belongs to two. */
static inline int answers_kept(const struct answers *x, struct ledger *l, char *why) {
    struct idmap records = {0};
    struct arena a = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < x->by_request.cap; i++) {
        const struct idmap_slot *slot = &x->by_request.slots[i];
        bool fresh = false;
        int32_t version = 0;
        struct error err = {0};
        if (!slot->used) continue;
        idmap_put(&records, &a, slot->value.i, &fresh);
        if (!fresh) rc = night_bad(why, "record %lld is the answer to two requests", (long long)slot->value.i);
        if (!rc && night_digest(l, TEXT("person"), slot->value.i, &version, &err) < 0)
            rc = night_bad(why, "request %lld was answered and record %lld is not there", (long long)slot->key, (long long)slot->value.i);
    }
    arena_clear(&a);
    return rc;
}

/* The node again after a bad night. A PostgreSQL server may still be busy with the last words of the dead: wait for its lock. */
static inline void night_reopen(struct test_ledger *t) {
    struct error err = {0};
    test_ledger_reopen(t);
    assert_ok(ledger_begin(t->l, &err), err);
    ledger_rollback(t->l);
}

#endif

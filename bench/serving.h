/* The program itself as it is run, for benches that drive it from outside: `tocsin serve` in a process of its own. */
#ifndef TOCSIN_BENCH_SERVING_H
#define TOCSIN_BENCH_SERVING_H

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>

#include "bench.h"

struct serving {
    const char *program, *node; /* borrowed */
    char tokens[128];
    instant start;         /* what its clock says when it is started for the first time */
    pid_t pid;
    int port;              /* 0: any; then the same when it is started again */
    double opened;         /* when that was */
};

static inline void serving_start(struct serving *x) {
    int out[2];
    char listen[32], line[256] = "", at[INSTANT_TEXT];
    if (pipe(out) != 0) exit(1);
    if (x->opened == 0) x->opened = wall_s();
    instant_format(x->start + (instant)ceil(wall_s() - x->opened), 28800, at);
    snprintf(listen, sizeof listen, "127.0.0.1:%d", x->port);
    x->pid = fork();
    if (x->pid == 0) {
        const char *log = getenv("TOCSIN_BENCH_LOG");
        int to = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out[1], STDOUT_FILENO);
        dup2(to, STDERR_FILENO);
        close(out[0]);
        execl(x->program, "tocsin", "serve", "--data", x->node, "--listen", listen, "--dev-tokens", x->tokens, "--quiet", "--lang", "en", "--at", at, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    for (size_t n = 0; n + 1 < sizeof line && read(out[0], line + n, 1) == 1 && line[n] != '\n';) n++;
    close(out[0]);
    const char *colon = strrchr(line, ':');
    if (!colon || atoi(colon + 1) <= 0) {
        printf("%s did not serve: %s\n", x->program, line);
        exit(1);
    }
    x->port = atoi(colon + 1);
}

static inline int serving_stop(struct serving *x, int with) {
    int status = 0;
    kill(x->pid, with);
    waitpid(x->pid, &status, 0);
    return status;
}

/* Seconds of processor the server has used; PostgreSQL's are not among them. */
static inline double serving_cpu_s(const struct serving *x) {
    char path[64], text[1024] = "";
    unsigned long user = 0, sys = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)x->pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    if (fgets(text, sizeof text, f)) {
        const char *after = strrchr(text, ')');
        if (!after || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2) user = sys = 0;
    }
    fclose(f);
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static inline double serving_mb(const struct serving *x, const char *what) {
    char path[64], line[256];
    double kb = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)x->pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, what, strlen(what))) kb = atof(line + strlen(what) + 1);
    if (f) fclose(f);
    return kb / 1024;
}

/* The journal of the node, by the program itself; nothing may have it open. */
static inline bool serving_verifies(const struct serving *x) {
    char command[512];
    snprintf(command, sizeof command, "'%s' verify --data '%s' >/dev/null", x->program, x->node);
    return system(command) == 0;
}

/* TOCSIN_PROGRAM, else the one beside bench/programs/ in the same build. */
static inline void serving_program(char *out, size_t size) {
    const char *given = getenv("TOCSIN_PROGRAM");
    snprintf(out, size, "%s", given ? given : "");
    if (out[0]) return;
    ssize_t n = readlink("/proc/self/exe", out, size - 32);
    out[n > 0 ? n : 0] = 0;
    for (int up = 0; up < 3; up++)
        if (strrchr(out, '/')) *strrchr(out, '/') = 0;
    strcat(out, "/tocsin");
}

#endif
